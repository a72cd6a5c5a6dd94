//! What a terminal and the centre say to each other: JSON bodies of POST requests, each signed (`signing`).
//!
//! Owns: the shape of each body and its path. Every request carries a version and a `request_id` that the sender stored
//! before the first send; every answer says whether the id was new (`created`) or known (`exists`).
//! Never: sends; knows HTTP status codes.
//! Units: `_fen` fields are fen as integers; byte strings are upper-case hex; dates `YYYY-MM-DD`; times `YYYYMMDDHHMMSS`.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::batch::{ChainPosition, SignedBatch};
use crate::blacklist::SignedBlacklist;
use crate::code::ErrorCode;
use crate::date::{BusinessDate, DateTime};
use crate::fen::{Fen, on_card};
use crate::id::{
    CardFactor, CardIdentifier, CardRandom, InstitutionCode, LoadId, Mac, PublicKey, RequestId, Tac, TerminalNumber,
};
use crate::parameters::SignedParameters;
use crate::refund::RefundOf;
use crate::sale::OnlinePolicy;

/// A request body: where it goes, what answers it.
pub trait Request: Serialize + for<'de> Deserialize<'de> {
    /// Path of the endpoint.
    const PATH: &'static str;
    /// Body of the answer.
    type Answer: Serialize + for<'de> Deserialize<'de>;
    /// The id that the sender stored.
    fn request_id(&self) -> RequestId;
    /// The terminal that speaks; must be the one that signed.
    fn terminal(&self) -> TerminalNumber;
}

macro_rules! request {
    ($request:ident, $answer:ident, $path:literal, $terminal:ident $(. $part:ident)*) => {
        impl Request for $request {
            const PATH: &'static str = $path;
            type Answer = $answer;
            fn request_id(&self) -> RequestId {
                self.request_id
            }
            fn terminal(&self) -> TerminalNumber {
                self.$terminal $(. $part)*
            }
        }
    };
}

pub(crate) use request;

/// Version of these messages. Reading any other version fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Version1;

/// Whether the request id was new.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnswerStatus {
    /// Done now.
    Created,
    /// Done before; this is the same answer again.
    Exists,
}

/// Start of the day: the terminal says where it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignInRequest {
    /// Always 1.
    pub version: Version1,
    /// Id.
    pub request_id: RequestId,
    /// Terminal.
    pub terminal: TerminalNumber,
}

/// What the centre tells a terminal for the day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignInAnswer {
    /// Always 1.
    pub version: Version1,
    /// New or known.
    pub status: AnswerStatus,
    /// Day on which transactions count from now.
    pub business_date: BusinessDate,
    /// The pharmacy or hospital that this terminal belongs to.
    pub institution: Institution,
    /// Sequence of the batch that the centre expects next.
    pub next_batch_sequence: u32,
    /// The chain as the centre holds it; a terminal that stands elsewhere says so and sells nothing.
    pub chain: ChainPosition,
    /// What the terminal may do without asking, numbered and signed.
    pub parameters: SignedParameters,
    /// Newest blacklist.
    pub blacklist_sequence: u64,
    /// Newest drug catalogue; left out where the centre publishes none.
    #[serde(default, skip_serializing_if = "is_none_published")]
    pub catalogue_sequence: u64,
    /// The key with which this centre signs what terminals keep.
    pub centre_key: PublicKey,
}

const fn is_none_published(sequence: &u64) -> bool {
    *sequence == 0
}

/// End of the day (签退): the terminal has told what it had to tell, and sells nothing before it signs in again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignOutRequest {
    /// Always 1.
    pub version: Version1,
    /// Id.
    pub request_id: RequestId,
    /// Terminal.
    pub terminal: TerminalNumber,
    /// Records that wait for upload.
    pub waiting: u64,
    /// Transactions without a known outcome.
    pub open: u64,
}

/// The centre noted the end of the terminal's day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignOutAnswer {
    /// Always 1.
    pub version: Version1,
    /// New or known.
    pub status: AnswerStatus,
    /// Day that is open at the centre.
    pub business_date: BusinessDate,
}

/// 定点医药机构.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Institution {
    /// Code.
    pub code: InstitutionCode,
    /// Name, for the receipt.
    pub name: String,
}

/// What a terminal may do without asking.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TerminalLimits {
    /// Most that one purchase may take from the account.
    #[serde(deserialize_with = "on_card")]
    pub purchase_max_fen: Fen,
    /// Most that one card may spend here in one business day.
    #[serde(deserialize_with = "on_card")]
    pub card_day_max_fen: Fen,
    /// Purchases of one card here in one business day.
    pub card_day_count_max: u32,
    /// Records that may wait for upload.
    pub pending_records_max: u32,
    /// Most that the waiting records may add up to.
    pub pending_max_fen: Fen,
    /// Hours after which the blacklist is too old to sell.
    pub blacklist_age_max_hours: u32,
    /// When it asks its centre; left out where it never does, as centres wrote it before there was a choice.
    #[serde(default, skip_serializing_if = "OnlinePolicy::is_offline")]
    pub online: OnlinePolicy,
}

/// Asks for the blacklist.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BlacklistRequest {
    /// Always 1.
    pub version: Version1,
    /// Id.
    pub request_id: RequestId,
    /// Terminal.
    pub terminal: TerminalNumber,
    /// Sequence of the list that the terminal holds; 0 for none, or for a whole list.
    pub known_sequence: u64,
}

/// The blacklist, whole or as what changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BlacklistAnswer {
    /// Always 1.
    pub version: Version1,
    /// New or known.
    pub status: AnswerStatus,
    /// The list.
    pub list: SignedBlacklist,
}

/// Asks what waits to be loaded onto a card.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuoteRequest {
    /// Always 1.
    pub version: Version1,
    /// Id.
    pub request_id: RequestId,
    /// Terminal.
    pub terminal: TerminalNumber,
    /// Card.
    pub card_identifier: CardIdentifier,
    /// Whether it is to be loaded: what the holder owes is told. A refund asks without, and is given to who owes too.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub to_load: bool,
}

/// What waits to be loaded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuoteAnswer {
    /// Always 1.
    pub version: Version1,
    /// New or known.
    pub status: AnswerStatus,
    /// Amount; 0 when nothing waits.
    #[serde(deserialize_with = "on_card")]
    pub amount_fen: Fen,
    /// A load of the card that has no outcome at the centre yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open_load: Option<LoadId>,
    /// What the holder owes, where it is asked in order to load: the next allotment covers it first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owed_fen: Option<Fen>,
}

/// The card's INITIALIZE FOR LOAD, for the centre to check MAC1 and answer MAC2.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoadRequest {
    /// Always 1.
    pub version: Version1,
    /// Id.
    pub request_id: RequestId,
    /// Terminal; goes into the MACs.
    pub terminal: TerminalNumber,
    /// The load: one id from here to its outcome.
    pub load_id: LoadId,
    /// Card.
    pub card_identifier: CardIdentifier,
    /// Its diversification factor.
    pub card_factor: CardFactor,
    /// Amount, as quoted.
    #[serde(deserialize_with = "on_card")]
    pub amount_fen: Fen,
    /// Balance before.
    #[serde(deserialize_with = "on_card")]
    pub balance_fen: Fen,
    /// Online sequence.
    pub card_sequence: u16,
    /// Card random.
    pub random: CardRandom,
    /// Key version that the card answered.
    pub key_version: u8,
    /// Algorithm byte that the card answered.
    pub algorithm: u8,
    /// MAC1 of the card.
    pub mac1: Mac,
    /// What it gives back; without it the load is of money that waits for the holder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refund: Option<RefundOf>,
    /// The load without outcome that the centre named before this INITIALIZE was made: what shows that this one is later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<LoadId>,
}

/// The centre's authorization of a load.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoadAnswer {
    /// Always 1.
    pub version: Version1,
    /// New or known.
    pub status: AnswerStatus,
    /// Host date and time; goes into MAC2 and the TAC.
    pub date_time: DateTime,
    /// MAC2 for the card.
    pub mac2: Mac,
}

/// How a load ended, after the card was read back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoadOutcomeRequest {
    /// Always 1.
    pub version: Version1,
    /// Id.
    pub request_id: RequestId,
    /// Terminal.
    pub terminal: TerminalNumber,
    /// Load.
    pub load_id: LoadId,
    /// Outcome.
    pub outcome: LoadOutcome,
    /// TAC, when the card gave or proved one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tac: Option<Tac>,
    /// Balance that the card shows now.
    #[serde(deserialize_with = "on_card")]
    pub balance_after_fen: Fen,
}

/// Whether the money reached the card.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LoadOutcome {
    /// On the card.
    Credited,
    /// Not on the card: the centre takes the authorization back.
    NotCredited,
}

/// The centre has noted the outcome.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoadOutcomeAnswer {
    /// Always 1.
    pub version: Version1,
    /// New or known.
    pub status: AnswerStatus,
}

/// Uploads one batch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BatchRequest {
    /// Always 1.
    pub version: Version1,
    /// Id.
    pub request_id: RequestId,
    /// Batch.
    pub batch: SignedBatch,
}

/// What the centre took over of a batch. A batch that does not verify as a whole is answered with [`ErrorBody`] instead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BatchAnswer {
    /// Always 1.
    pub version: Version1,
    /// New or known.
    pub status: AnswerStatus,
    /// Records posted.
    pub accepted: u32,
    /// Records that were received and not posted.
    pub refused: Vec<RefusedRecord>,
    /// Sequence of the batch that comes next.
    pub next_batch_sequence: u32,
}

/// A record that was received and not posted; someone at the centre looks into it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RefusedRecord {
    /// Which.
    pub journal_sequence: u64,
    /// Why.
    pub code: ErrorCode,
}

/// Body of every answer that is no success.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ErrorBody {
    /// Stable code.
    pub code: ErrorCode,
    /// What happened.
    pub message: String,
    /// What to do next.
    pub remedy: String,
}

request!(SignInRequest, SignInAnswer, "/terminal/v1/sign-in", terminal);
request!(SignOutRequest, SignOutAnswer, "/terminal/v1/sign-out", terminal);
request!(BlacklistRequest, BlacklistAnswer, "/terminal/v1/blacklist", terminal);
request!(QuoteRequest, QuoteAnswer, "/terminal/v1/loads/quote", terminal);
request!(LoadRequest, LoadAnswer, "/terminal/v1/loads", terminal);
request!(LoadOutcomeRequest, LoadOutcomeAnswer, "/terminal/v1/loads/outcome", terminal);
request!(BatchRequest, BatchAnswer, "/terminal/v1/batches", batch.terminal);

impl Serialize for Version1 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u8(1)
    }
}

impl<'de> Deserialize<'de> for Version1 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match u64::deserialize(deserializer)? {
            1 => Ok(Self),
            other => Err(de::Error::custom(format_args!("message version {other} is not known here; 1 is"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quote() -> serde_json::Value {
        serde_json::json!({
            "version": 1,
            "request_id": "00112233445566778899AABBCCDDEEFF",
            "terminal": "990011223344",
            "card_identifier": "513300D156000005000000133A05F2E3",
        })
    }

    #[test]
    fn a_request_knows_its_path_id_and_terminal() {
        let request: QuoteRequest = serde_json::from_value(quote()).expect("reads");
        assert_eq!(QuoteRequest::PATH, "/terminal/v1/loads/quote");
        assert_eq!(request.request_id().to_string(), "00112233445566778899AABBCCDDEEFF");
        assert_eq!(request.terminal().to_string(), "990011223344");
        assert_eq!(serde_json::to_value(&request).expect("writes"), quote());
    }

    #[test]
    fn another_version_an_extra_field_or_a_missing_one_is_refused() {
        for (field, value, expected) in [
            ("version", serde_json::json!(2), "message version 2 is not known here; 1 is"),
            ("extra", serde_json::json!(0), "unknown field `extra`"),
            ("request_id", serde_json::json!("00"), "request id needs 32 hex digits"),
        ] {
            let mut body = quote();
            body.as_object_mut().expect("an object").insert(field.into(), value);
            let error = serde_json::from_value::<QuoteRequest>(body).expect_err(field).to_string();
            assert!(error.contains(expected), "{error}");
        }
        for field in ["version", "request_id", "terminal", "card_identifier"] {
            let mut body = quote();
            body.as_object_mut().expect("an object").remove(field);
            assert!(serde_json::from_value::<QuoteRequest>(body).is_err(), "{field}");
        }
    }

    #[test]
    fn an_outcome_without_tac_reads_back() {
        let request = LoadOutcomeRequest {
            version: Version1,
            request_id: RequestId([1; 16]),
            terminal: TerminalNumber([2; 6]),
            load_id: LoadId([3; 16]),
            outcome: LoadOutcome::NotCredited,
            tac: None,
            balance_after_fen: Fen::new(5),
        };
        let text = serde_json::to_string(&request).expect("writes");
        assert!(text.contains(r#""outcome":"not_credited""#) && !text.contains("tac"), "{text}");
        assert_eq!(serde_json::from_str::<LoadOutcomeRequest>(&text).expect("reads"), request);
    }
}
