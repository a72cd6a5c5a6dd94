//! A finished transaction as the terminal stores it and the centre counts it.
//!
//! Source: upload record of PBOC terminals (terminal, tsn, card, sequence, type, amounts, balance after, date, time, key
//! version, algorithm, TAC); log record of LD/T 32 for the three amounts.
//! Owns: the fields, their identities, the bytes that are hashed. Never: decides whether a TAC is right (`tac`).
//! Units: fen; sequences as the card and the PSAM count them.

use card_profiles::account::{Amounts, MacFields};
use serde::{Deserialize, Serialize};

use crate::canonical::Writer;
use crate::date::{BusinessDate, DateTime};
use crate::fen::{Fen, FenError, on_card};
use crate::id::{BillId, CardFactor, CardIdentifier, CardRandom, Digest, LoadId, Mac, SaleId, Tac, TerminalNumber};
use crate::judgement::Judgement;
use crate::refund::{Original, RefundAct};

/// One finished transaction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TransactionRecord {
    /// Number of the record at this terminal: 1, 2, 3 … without gaps; batches are cut along it.
    pub journal_sequence: u64,
    /// 终端机编号.
    pub terminal: TerminalNumber,
    /// 卡的识别码.
    pub card_identifier: CardIdentifier,
    /// 卡分散因子.
    pub card_factor: CardFactor,
    /// The number that INITIALIZE answered: offline for a purchase, online for a load.
    pub card_sequence: u16,
    /// What happened.
    pub transaction: Transaction,
    /// Personal account after it.
    #[serde(deserialize_with = "on_card")]
    pub balance_after_fen: Fen,
    /// Date and time that went into the MACs.
    pub date_time: DateTime,
    /// Day on which it counts.
    pub business_date: BusinessDate,
    /// Key version that the card answered.
    pub key_version: u8,
    /// Algorithm byte that the card answered.
    pub algorithm: u8,
    /// How the terminal knows.
    pub evidence: Evidence,
    /// What a person said of it before, or instead of, the card; left out where nobody did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub judgement: Option<Judgement>,
}

/// What happened on the card.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Transaction {
    /// 消费: a bill paid.
    Purchase {
        /// 终端交易序号, from the PSAM.
        terminal_sequence: u32,
        /// 个人账户: debited from the card.
        #[serde(deserialize_with = "on_card")]
        personal_account_fen: Fen,
        /// 个人自付: paid in cash.
        #[serde(deserialize_with = "on_card")]
        self_paid_fen: Fen,
        /// 统筹基金: paid by the pool.
        #[serde(deserialize_with = "on_card")]
        pooled_fund_fen: Fen,
        /// Bill.
        bill_id: BillId,
        /// Hash of the priced bill.
        bill_hash: Digest,
        /// The sale that the centre was asked about; left out of sales that it was not.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        sale_id: Option<SaleId>,
    },
    /// 划入: the account loaded online.
    Load {
        /// The load that the centre authorized.
        load_id: LoadId,
        /// Amount.
        #[serde(deserialize_with = "on_card")]
        amount_fen: Fen,
    },
    /// 退费, 撤销: a load that gives back what a purchase took.
    Refund {
        /// The load that the centre authorized.
        load_id: LoadId,
        /// The purchase.
        original: Original,
        /// How it is undone.
        act: RefundAct,
        /// 个人账户: credited to the card.
        #[serde(deserialize_with = "on_card")]
        personal_account_fen: Fen,
        /// 个人自付: given back in cash.
        #[serde(deserialize_with = "on_card")]
        self_paid_fen: Fen,
        /// 统筹基金: no longer paid by the pool.
        #[serde(deserialize_with = "on_card")]
        pooled_fund_fen: Fen,
    },
}

/// How the terminal knows that the card did it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Evidence {
    /// The card answered.
    Answered {
        /// TAC.
        tac: Tac,
        /// Of a purchase; records of before have none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        number: Option<NumberProof>,
    },
    /// The answer was lost; the card proved the transaction later.
    Proved {
        /// TAC.
        tac: Tac,
        /// Of a purchase; records of before have none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        number: Option<NumberProof>,
    },
    /// Only counter, balance and log of the card say so; there is no TAC.
    LogOnly,
    /// The card did not tell: a supervisor judged so by evidence from elsewhere, which the terminal's journal names.
    Judged,
}

/// What shows the number that a card gave a purchase: its TAC covers terminal, terminal sequence, amounts and time, not the card's number.
/// MAC2 is made with a session key of the card's random, that number and the low half of the terminal sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NumberProof {
    /// What INITIALIZE answered.
    pub random: CardRandom,
    /// MAC2, as DEBIT or PROVE answered it.
    pub mac2: Mac,
}

/// What a card tells of a transaction with its own keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CardsCode {
    /// TAC.
    pub tac: Tac,
    /// Of a purchase.
    pub number: Option<NumberProof>,
}

/// Why a record contradicts itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// Balance after and amount do not give a balance before that a card can hold.
    #[error("amount and balance after do not fit one card: {0}")]
    Balance(#[from] FenError),
    /// The amount is zero in every part.
    #[error("the record moves no money")]
    Empty,
}

impl Evidence {
    /// The TAC, when there is one.
    #[must_use]
    pub const fn tac(&self) -> Option<Tac> {
        match self {
            Self::Answered { tac, .. } | Self::Proved { tac, .. } => Some(*tac),
            Self::LogOnly | Self::Judged => None,
        }
    }

    /// All that the card told, when it told anything.
    #[must_use]
    pub const fn code(&self) -> Option<CardsCode> {
        match self {
            Self::Answered { tac, number } | Self::Proved { tac, number } => {
                Some(CardsCode { tac: *tac, number: *number })
            }
            Self::LogOnly | Self::Judged => None,
        }
    }
}

impl CardsCode {
    /// As a record has it when the card told it later.
    #[must_use]
    pub const fn proved(self) -> Evidence {
        Evidence::Proved { tac: self.tac, number: self.number }
    }
}

impl Transaction {
    /// What the card's balance moved by: negative for a purchase.
    ///
    /// # Errors
    /// [`FenError::Overflow`].
    pub const fn card_movement(&self) -> Result<Fen, FenError> {
        match self {
            Self::Purchase { personal_account_fen, .. } => Fen::ZERO.minus(*personal_account_fen),
            Self::Load { amount_fen, .. } => Ok(*amount_fen),
            Self::Refund { personal_account_fen, .. } => Ok(*personal_account_fen),
        }
    }

    /// Everything paid, or given back, in whatever way.
    ///
    /// # Errors
    /// [`FenError::Overflow`].
    pub fn total(&self) -> Result<Fen, FenError> {
        match self {
            Self::Purchase { personal_account_fen, self_paid_fen, pooled_fund_fen, .. }
            | Self::Refund { personal_account_fen, self_paid_fen, pooled_fund_fen, .. } => {
                Fen::sum([*personal_account_fen, *self_paid_fen, *pooled_fund_fen])
            }
            Self::Load { amount_fen, .. } => Ok(*amount_fen),
        }
    }
}

impl TransactionRecord {
    /// Personal account before the transaction.
    ///
    /// # Errors
    /// [`FenError`] when it is no amount of a card.
    pub fn balance_before(&self) -> Result<Fen, FenError> {
        let before = self.balance_after_fen.minus(self.transaction.card_movement()?)?;
        before.to_card().map(Fen::from_card)
    }

    /// Checks what the record alone can show.
    ///
    /// # Errors
    /// [`RecordError`].
    pub fn check(&self) -> Result<(), RecordError> {
        self.balance_after_fen.to_card()?;
        self.balance_before()?;
        if self.transaction.total()? == Fen::ZERO {
            return Err(RecordError::Empty);
        }
        Ok(())
    }

    /// The fields of the card's MAC and TAC inputs.
    ///
    /// # Errors
    /// [`FenError`] when an amount does not fit the card.
    pub fn mac_fields(&self, transaction_type: u8) -> Result<MacFields, FenError> {
        let mut fields = MacFields {
            balance_before: self.balance_before()?.to_card()?,
            balance_after: self.balance_after_fen.to_card()?,
            transaction_type,
            terminal: self.terminal.0,
            card_sequence: self.card_sequence,
            date_time: self.date_time.to_bcd(),
            ..MacFields::default()
        };
        match &self.transaction {
            Transaction::Purchase {
                terminal_sequence, personal_account_fen, self_paid_fen, pooled_fund_fen, ..
            } => {
                fields.terminal_sequence = *terminal_sequence;
                fields.amounts = Amounts {
                    personal_account: personal_account_fen.to_card()?,
                    self_paid: self_paid_fen.to_card()?,
                    pooled_fund: pooled_fund_fen.to_card()?,
                };
            }
            Transaction::Load { amount_fen, .. } => fields.amount = amount_fen.to_card()?,
            Transaction::Refund { personal_account_fen, .. } => fields.amount = personal_account_fen.to_card()?,
        }
        Ok(fields)
    }

    /// The bytes that are hashed: every field, in the order of the struct. A record without [`NumberProof`], and a refund that does not
    /// name the card's number of its purchase, have the bytes that they had before there was one.
    #[must_use]
    pub fn canonical_bytes(&self) -> Vec<u8> {
        let writer = Writer::new("settlement-record-1")
            .u64(self.journal_sequence)
            .fixed(&self.terminal.0)
            .fixed(&self.card_identifier.0)
            .fixed(&self.card_factor.0)
            .u16(self.card_sequence);
        let writer = match &self.transaction {
            Transaction::Purchase {
                terminal_sequence,
                personal_account_fen,
                self_paid_fen,
                pooled_fund_fen,
                bill_id,
                bill_hash,
                sale_id,
            } => match sale_id {
                None => writer.byte(1),
                Some(sale_id) => writer.byte(4).fixed(&sale_id.0),
            }
            .u32(*terminal_sequence)
            .fen(*personal_account_fen)
            .fen(*self_paid_fen)
            .fen(*pooled_fund_fen)
            .text(bill_id.as_str())
            .fixed(&bill_hash.0),
            Transaction::Load { load_id, amount_fen } => writer.byte(2).fixed(&load_id.0).fen(*amount_fen),
            Transaction::Refund { load_id, original, act, personal_account_fen, self_paid_fen, pooled_fund_fen } => {
                let writer = match original.card_sequence {
                    None => writer.byte(3),
                    Some(sequence) => writer.byte(5).u16(sequence),
                };
                writer
                    .fixed(&load_id.0)
                    .fixed(&original.terminal.0)
                    .u32(original.terminal_sequence)
                    .byte(match act {
                        RefundAct::Refund => 1,
                        RefundAct::Cancel => 2,
                    })
                    .fen(*personal_account_fen)
                    .fen(*self_paid_fen)
                    .fen(*pooled_fund_fen)
            }
        };
        let (year, month, day) = self.business_date.parts();
        let writer = writer
            .fen(self.balance_after_fen)
            .fixed(&self.date_time.to_bcd())
            .u16(year)
            .byte(month)
            .byte(day)
            .byte(self.key_version)
            .byte(self.algorithm);
        let writer = match self.evidence {
            Evidence::Answered { tac, number: None } => writer.byte(1).fixed(&tac.0),
            Evidence::Proved { tac, number: None } => writer.byte(2).fixed(&tac.0),
            Evidence::LogOnly => writer.byte(3),
            Evidence::Judged => writer.byte(4),
            Evidence::Answered { tac, number: Some(number) } => {
                writer.byte(5).fixed(&tac.0).fixed(&number.random.0).fixed(&number.mac2.0)
            }
            Evidence::Proved { tac, number: Some(number) } => {
                writer.byte(6).fixed(&tac.0).fixed(&number.random.0).fixed(&number.mac2.0)
            }
        };
        match &self.judgement {
            None => writer,
            Some(said) => writer.byte(u8::from(said.done)).text(said.by.as_str()).text(said.reason.as_str()),
        }
        .finish()
    }

    /// SHA-256 of [`Self::canonical_bytes`].
    #[must_use]
    pub fn hash(&self) -> Digest {
        Digest::of(&self.canonical_bytes())
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::id::StaffNumber;
    use crate::judgement::Reason;

    /// An invented purchase of 250 fen from the account and 100 fen in cash.
    pub(crate) fn purchase(journal_sequence: u64) -> TransactionRecord {
        TransactionRecord {
            journal_sequence,
            terminal: TerminalNumber([0x99, 0, 0x11, 0x22, 0x33, 0x44]),
            card_identifier: CardIdentifier::parse("513300D156000005000000133A05F2E3").expect("hex"),
            card_factor: CardFactor::parse("8650430200000013").expect("hex"),
            card_sequence: 7,
            transaction: Transaction::Purchase {
                terminal_sequence: 0xA5C3,
                personal_account_fen: Fen::new(250),
                self_paid_fen: Fen::new(100),
                pooled_fund_fen: Fen::ZERO,
                bill_id: BillId::parse("B-1").expect("word"),
                bill_hash: Digest([7; 32]),
                sale_id: None,
            },
            balance_after_fen: Fen::new(750),
            date_time: DateTime::parse("20250102030405").expect("real"),
            business_date: BusinessDate::parse("2025-01-02").expect("real"),
            key_version: 1,
            algorithm: 1,
            evidence: Evidence::Answered { tac: Tac([1, 2, 3, 4]), number: None },
            judgement: None,
        }
    }

    /// The invented purchase, of which a person said something.
    pub(crate) fn judged(done: bool, by: &str, reason: &str) -> TransactionRecord {
        let by = StaffNumber::parse(by).expect("a word");
        let judgement = Judgement { done, by, reason: Reason::parse(reason).expect("printable") };
        TransactionRecord { evidence: Evidence::Judged, judgement: Some(judgement), ..purchase(1) }
    }

    /// The invented purchase, after the centre was asked.
    pub(crate) fn online(journal_sequence: u64) -> TransactionRecord {
        let mut record = purchase(journal_sequence);
        if let Transaction::Purchase { sale_id, .. } = &mut record.transaction {
            *sale_id = Some(SaleId([6; 16]));
        }
        record
    }

    /// An invented load of 500 fen.
    pub(crate) fn load(journal_sequence: u64) -> TransactionRecord {
        TransactionRecord {
            transaction: Transaction::Load { load_id: LoadId([5; 16]), amount_fen: Fen::new(500) },
            ..purchase(journal_sequence)
        }
    }

    /// An invented refund of 50 fen to the account and 20 fen in cash, of the purchase above.
    pub(crate) fn refund(journal_sequence: u64) -> TransactionRecord {
        let original = Original {
            terminal: TerminalNumber([0x99, 0, 0x11, 0x22, 0x33, 0x44]),
            terminal_sequence: 0xA5C3,
            card_sequence: None,
        };
        TransactionRecord {
            transaction: Transaction::Refund {
                load_id: LoadId([5; 16]),
                original,
                act: RefundAct::Refund,
                personal_account_fen: Fen::new(50),
                self_paid_fen: Fen::new(20),
                pooled_fund_fen: Fen::ZERO,
            },
            ..purchase(journal_sequence)
        }
    }

    #[test]
    fn every_field_of_a_refund_changes_the_hash() {
        let base = refund(1);
        let changed = |change: fn(&mut TransactionRecord)| {
            let mut record = base.clone();
            change(&mut record);
            assert_ne!(record, base);
            record.hash()
        };
        macro_rules! with {
            ($field:ident, $value:expr) => {
                changed(|record| {
                    let Transaction::Refund { $field, .. } = &mut record.transaction else { unreachable!() };
                    *$field = $value;
                })
            };
        }
        const fn of_card(card_sequence: u16) -> Original {
            let terminal = TerminalNumber([0x99, 0, 0x11, 0x22, 0x33, 0x44]);
            Original { terminal, terminal_sequence: 0xA5C3, card_sequence: Some(card_sequence) }
        }
        let terminal = TerminalNumber([0x99, 0, 0x11, 0x22, 0x33, 0x44]);
        let mut hashes = vec![
            base.hash(),
            load(1).hash(),
            with!(load_id, LoadId([6; 16])),
            with!(
                original,
                Original { terminal: TerminalNumber([1; 6]), terminal_sequence: 0xA5C3, card_sequence: None }
            ),
            with!(
                original,
                Original {
                    terminal: TerminalNumber([0x99, 0, 0x11, 0x22, 0x33, 0x44]),
                    terminal_sequence: 1,
                    card_sequence: None
                }
            ),
            with!(original, of_card(4)),
            with!(original, of_card(5)),
            with!(act, RefundAct::Cancel),
            with!(personal_account_fen, Fen::new(51)),
            with!(self_paid_fen, Fen::new(21)),
            with!(pooled_fund_fen, Fen::new(1)),
        ];
        assert_eq!(base.terminal, terminal);
        let all = hashes.len();
        hashes.sort_unstable();
        hashes.dedup();
        assert_eq!(hashes.len(), all);
        assert_eq!(base.transaction.card_movement(), Ok(Fen::new(50)), "a refund goes onto the card");
        assert_eq!(base.transaction.total(), Ok(Fen::new(70)));
    }

    /// Evidence with what shows the number.
    fn answered(random: [u8; 4], mac2: [u8; 4]) -> Evidence {
        let number = Some(NumberProof { random: CardRandom(random), mac2: Mac(mac2) });
        Evidence::Answered { tac: Tac([1, 2, 3, 4]), number }
    }

    #[test]
    fn a_record_of_before_keeps_its_bytes_and_its_json() {
        let record = purchase(1);
        assert_eq!(record.hash().to_string(), "BEB3BBFDB6A6DCC2F0F55C19C6555BF31CC2A754143897571FEA08A3C7CFA3DF");
        assert_eq!(
            serde_json::to_value(record.evidence).expect("JSON"),
            serde_json::json!({"kind": "answered", "tac": "01020304"})
        );
        let text = r#"{"kind":"answered","tac":"01020304","number":{"random":"01010101","mac2":"02020202"}}"#;
        assert_eq!(serde_json::to_string(&answered([1; 4], [2; 4])).expect("JSON"), text);
        assert!(serde_json::from_str::<Evidence>(&text.replace("mac2", "mac1")).is_err());
    }

    #[test]
    fn a_record_reads_back_from_json() {
        for record in [
            purchase(1),
            online(1),
            load(2),
            refund(4),
            judged(true, "007", "statement of the till"),
            TransactionRecord { evidence: Evidence::LogOnly, ..purchase(3) },
            TransactionRecord { evidence: answered([1; 4], [2; 4]), ..purchase(3) },
        ] {
            let text = serde_json::to_string(&record).expect("serializes");
            assert_eq!(serde_json::from_str::<TransactionRecord>(&text).expect(&text), record);
        }
    }

    #[test]
    fn unknown_fields_and_amounts_that_no_card_holds_are_refused() {
        let good = serde_json::to_value(purchase(1)).expect("serializes");
        let with = |path: &str, value: serde_json::Value| {
            let mut changed = good.clone();
            let (parent, name) = path.rsplit_once('/').expect("a pointer");
            let object = changed.pointer_mut(parent).and_then(|parent| parent.as_object_mut()).expect("an object");
            object.insert(name.into(), value);
            serde_json::from_value::<TransactionRecord>(changed).map_err(|error| error.to_string())
        };
        assert!(with("/extra", 1.into()).expect_err("unknown").contains("extra"));
        assert!(with("/transaction/extra", 1.into()).expect_err("unknown").contains("extra"));
        assert!(with("/evidence/extra", 1.into()).expect_err("unknown").contains("extra"));
        assert!(with("/balance_after_fen", (-1).into()).expect_err("negative").contains("does not fit a card"));
        assert!(with("/transaction/self_paid_fen", 4_294_967_296_i64.into()).is_err());
        assert!(with("/balance_after_fen", 1.5.into()).is_err());
    }

    #[test]
    fn every_field_changes_the_hash() {
        let base = purchase(1);
        let variants = [
            purchase(2),
            TransactionRecord { terminal: TerminalNumber([1; 6]), ..base.clone() },
            TransactionRecord { card_identifier: CardIdentifier([1; 16]), ..base.clone() },
            TransactionRecord { card_factor: CardFactor([1; 8]), ..base.clone() },
            TransactionRecord { card_sequence: 8, ..base.clone() },
            load(1),
            TransactionRecord { balance_after_fen: Fen::new(751), ..base.clone() },
            TransactionRecord { date_time: DateTime::parse("20250102030406").expect("real"), ..base.clone() },
            TransactionRecord { business_date: BusinessDate::parse("2025-01-03").expect("real"), ..base.clone() },
            TransactionRecord { key_version: 2, ..base.clone() },
            TransactionRecord { algorithm: 2, ..base.clone() },
            TransactionRecord { evidence: Evidence::LogOnly, ..base.clone() },
            TransactionRecord { evidence: Evidence::Judged, ..base.clone() },
            TransactionRecord { evidence: Evidence::Proved { tac: Tac([1, 2, 3, 4]), number: None }, ..base.clone() },
            TransactionRecord { evidence: answered([1; 4], [2; 4]), ..base.clone() },
            TransactionRecord { evidence: answered([2; 4], [2; 4]), ..base.clone() },
            TransactionRecord { evidence: answered([1; 4], [1; 4]), ..base.clone() },
            TransactionRecord {
                evidence: CardsCode { tac: Tac([1, 2, 3, 4]), number: None }.proved(),
                card_sequence: 9,
                ..base.clone()
            },
            online(1),
            judged(true, "007", "x"),
            judged(false, "007", "x"),
            judged(true, "00", "7x"),
        ];
        let mut hashes: Vec<Digest> = variants.iter().chain([&base]).map(TransactionRecord::hash).collect();
        hashes.sort_unstable();
        hashes.dedup();
        assert_eq!(hashes.len(), variants.len() + 1);
    }

    #[test]
    fn a_record_that_no_card_could_have_made_is_refused() {
        assert_eq!(purchase(1).check(), Ok(()));
        assert_eq!(load(1).check(), Ok(()));
        let too_much = TransactionRecord { balance_after_fen: Fen::new(499), ..load(1) };
        assert_eq!(too_much.check(), Err(RecordError::Balance(FenError::NotOnCard(Fen::new(-1)))));
        let full = TransactionRecord { balance_after_fen: Fen::from_card(u32::MAX), ..purchase(1) };
        assert!(full.check().is_err());
        let mut empty = load(1);
        empty.transaction = Transaction::Load { load_id: LoadId([5; 16]), amount_fen: Fen::ZERO };
        assert_eq!(empty.check(), Err(RecordError::Empty));
    }
}
