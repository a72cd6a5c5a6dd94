//! A sale with the centre's consent (联机消费), in two phases under one id that the terminal made.
//!
//! ```text
//! phase 1   SaleRequest          the centre looks at card, blacklist and limits of this moment, and authorises
//!           the card debits itself
//! phase 2   the record, which names the sale, in the next signed batch; or SaleOutcomeRequest: it was not done
//! ```
//! A batch is sent until it is answered, and the record is posted once, as that of any sale: there is no second way into the
//! ledger. What is authorised and never told stays open at the centre.
//!
//! Owns: the messages, the policy, what a sale's id is bound to. Never: decides (the centre), sends (the terminal).
//! Units: fen.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::canonical::Writer;
use crate::date::{BusinessDate, DateTime};
use crate::fen::{Fen, on_card};
use crate::id::{BillId, CardFactor, CardIdentifier, Digest, PublicKey, RequestId, SaleId, Signature, TerminalNumber};
use crate::message::{AnswerStatus, Request, Version1, request};
use crate::signing::{self, WrongSignature};

/// When a terminal asks its centre about a sale; one of its signed parameters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnlinePolicy {
    /// Never: it sells within its limits, and uploads later. The default.
    #[default]
    OfflineOnly,
    /// At every sale; where no answer comes it sells within its offline limits.
    OnlinePreferred,
    /// At every sale; where no answer comes it does not sell.
    OnlineRequired,
}

/// Everything that the id of a sale is bound to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sale {
    /// Id.
    pub sale_id: SaleId,
    /// Terminal.
    pub terminal: TerminalNumber,
    /// Card.
    pub card_identifier: CardIdentifier,
    /// Its diversification factor.
    pub card_factor: CardFactor,
    /// The number that the card answered to INITIALIZE: what its debit will have.
    pub card_sequence: u16,
    /// Personal account before, as the card says.
    #[serde(deserialize_with = "on_card")]
    pub balance_fen: Fen,
    /// 个人账户: to be debited from the card.
    #[serde(deserialize_with = "on_card")]
    pub personal_account_fen: Fen,
    /// 个人自付.
    #[serde(deserialize_with = "on_card")]
    pub self_paid_fen: Fen,
    /// 统筹基金.
    #[serde(deserialize_with = "on_card")]
    pub pooled_fund_fen: Fen,
    /// Bill.
    pub bill_id: BillId,
    /// Hash of the priced bill.
    pub bill_hash: Digest,
    /// Day on which it counts.
    pub business_date: BusinessDate,
}

/// Phase 1: may this card pay this now?
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SaleRequest {
    /// Always 1.
    pub version: Version1,
    /// Id of the request.
    pub request_id: RequestId,
    /// The sale.
    pub sale: Sale,
}

/// It may: the centre keeps what it takes of the limits until it hears the outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SaleAnswer {
    /// Always 1.
    pub version: Version1,
    /// New or known.
    pub status: AnswerStatus,
    /// The centre's signed word.
    pub consent: Consent,
}

/// The centre's word that a card may pay so much, with the key that also signs limits and lists. The terminal keeps it: it shows that the
/// centre agreed, whoever disputes it later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Consent {
    /// When, by the centre's clock.
    pub at: DateTime,
    /// Over the hash of the sale, its card and the time.
    pub signature: Signature,
}

/// Phase 2 of a sale without record: the card was not debited, and will not be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SaleOutcomeRequest {
    /// Always 1.
    pub version: Version1,
    /// Id of the request.
    pub request_id: RequestId,
    /// The sale, whole: phase 1 may never have arrived, and must not be believed if it comes later.
    pub sale: Sale,
    /// Outcome.
    pub outcome: SaleOutcome,
}

/// What became of a sale that has no record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SaleOutcome {
    /// The card was not debited.
    NotDone,
}

/// The centre has noted the outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SaleOutcomeAnswer {
    /// Always 1.
    pub version: Version1,
    /// New or known.
    pub status: AnswerStatus,
}

request!(SaleRequest, SaleAnswer, "/terminal/v1/sales", sale.terminal);
request!(SaleOutcomeRequest, SaleOutcomeAnswer, "/terminal/v1/sales/outcome", sale.terminal);

impl OnlinePolicy {
    /// All.
    pub const ALL: [Self; 3] = [Self::OfflineOnly, Self::OnlinePreferred, Self::OnlineRequired];

    /// Its spelling.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OfflineOnly => "offline-only",
            Self::OnlinePreferred => "online-preferred",
            Self::OnlineRequired => "online-required",
        }
    }

    /// From its spelling.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|policy| policy.as_str() == text)
    }

    /// Whether the centre is not asked.
    #[must_use]
    pub fn is_offline(&self) -> bool {
        *self == Self::OfflineOnly
    }
}

impl Sale {
    /// The hash of all of it: another content under the same id is another hash.
    #[must_use]
    pub fn hash(&self) -> Digest {
        let (year, month, day) = self.business_date.parts();
        Writer::new("settlement-sale-1")
            .fixed(&self.sale_id.0)
            .fixed(&self.terminal.0)
            .fixed(&self.card_identifier.0)
            .fixed(&self.card_factor.0)
            .u16(self.card_sequence)
            .fen(self.balance_fen)
            .fen(self.personal_account_fen)
            .fen(self.self_paid_fen)
            .fen(self.pooled_fund_fen)
            .text(self.bill_id.as_str())
            .fixed(&self.bill_hash.0)
            .u16(year)
            .byte(month)
            .byte(day)
            .digest()
    }
}

impl Consent {
    /// Signs for a sale.
    #[must_use]
    pub fn sign(sale: &Sale, at: DateTime, sign: impl FnOnce(&[u8]) -> Signature) -> Self {
        Self { at, signature: sign(&Self::signed_bytes(sale, at)) }
    }

    /// Whether the centre with this key signed it, for this very sale.
    ///
    /// # Errors
    /// [`WrongSignature`].
    pub fn verify(&self, key: &PublicKey, sale: &Sale) -> Result<(), WrongSignature> {
        signing::verify_consent(key, &Self::signed_bytes(sale, self.at), &self.signature)
    }

    /// As a terminal keeps it: one line of JSON.
    ///
    /// # Panics
    /// Never: both fields have a JSON form.
    #[must_use]
    pub fn to_text(&self) -> String {
        serde_json::to_string(self).expect("both fields have a JSON form")
    }

    /// From the text of [`Self::to_text`]; `None` for any other.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// What the signature covers. No other signed text of the house begins so.
    fn signed_bytes(sale: &Sale, at: DateTime) -> Vec<u8> {
        format!("settlement-consent-1\n{}\n{}\n{at}\n", sale.hash(), sale.card_identifier).into_bytes()
    }
}

impl fmt::Display for OnlinePolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn sale() -> serde_json::Value {
        serde_json::json!({
            "sale_id": "00112233445566778899AABBCCDDEEFF",
            "terminal": "990011223344",
            "card_identifier": "513300D156000005000000133A05F2E3",
            "card_factor": "8650430200000013",
            "card_sequence": 7,
            "balance_fen": 1000,
            "personal_account_fen": 250,
            "self_paid_fen": 100,
            "pooled_fund_fen": 0,
            "bill_id": "B-1",
            "bill_hash": "07".repeat(32),
            "business_date": "2026-01-05",
        })
    }

    #[test]
    fn the_hash_of_a_sale_has_every_field_in_it() {
        let read = |value| serde_json::from_value::<Sale>(value).expect("a sale").hash();
        let mut hashes = BTreeSet::from([read(sale())]);
        let fields: Vec<String> = sale().as_object().expect("an object").keys().cloned().collect();
        for field in &fields {
            let mut other = sale();
            other[field] = match (&other[field], field.as_str()) {
                (serde_json::Value::Number(number), _) => (number.as_u64().expect("small") + 1).into(),
                (_, "business_date") => "2026-01-06".into(),
                (_, "bill_id") => "B-2".into(),
                (serde_json::Value::String(text), _) => "1F".repeat(text.len() / 2).into(),
                other => panic!("{other:?}"),
            };
            assert!(hashes.insert(read(other)), "{field}");
        }
        assert_eq!(hashes.len(), fields.len() + 1);
    }

    #[test]
    fn a_consent_is_of_one_sale_one_moment_and_one_key() {
        let key = |seed| crate::signing::TerminalKey::from_seed(&zeroize::Zeroizing::new([seed; 32]));
        let at = DateTime::parse("20260105120000").expect("real");
        let read = |value| serde_json::from_value::<Sale>(value).expect("a sale");
        let ours = read(sale());
        let consent = Consent::sign(&ours, at, |bytes| key(7).sign(bytes));
        assert_eq!(consent.verify(&key(7).public_key(), &ours), Ok(()));
        assert_eq!(Consent::parse(&consent.to_text()), Some(consent));
        assert!(consent.verify(&key(8).public_key(), &ours).is_err(), "another centre");
        let mut more = sale();
        more["personal_account_fen"] = 251.into();
        let mut other_card = sale();
        other_card["card_identifier"] = "513300D156000005000000133A05F2E4".into();
        for other in [more, other_card] {
            assert!(consent.verify(&key(7).public_key(), &read(other)).is_err());
        }
        let later = Consent { at: DateTime::parse("20260105120001").expect("real"), ..consent };
        assert!(later.verify(&key(7).public_key(), &ours).is_err(), "another moment");
    }

    #[test]
    fn a_policy_reads_back_and_none_is_the_offline_one() {
        for policy in OnlinePolicy::ALL {
            assert_eq!(OnlinePolicy::parse(policy.as_str()), Some(policy));
            assert_eq!(serde_json::to_value(policy).expect("text"), policy.as_str());
        }
        assert_eq!((OnlinePolicy::parse("online"), OnlinePolicy::default()), (None, OnlinePolicy::OfflineOnly));
    }
}
