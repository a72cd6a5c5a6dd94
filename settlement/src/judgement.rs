//! What a supervisor at a terminal says of a transaction that the card could not tell, and what the card shows of it later.
//!
//! ```text
//! UNCERTAIN → judged → [the record says by whom and why] → next tap: the card agrees, does not tell, or contradicts
//! contradicted, and there is a record: the centre is told, as the record cannot be taken back
//! agrees, or the centre found the record's code wrong: the card's own code is asked once more (PROVE), and the centre is told
//! ```
//! Source: grey records of municipal interfaces; a record is one of a gap-free signed chain and stays as it was sent.
//! Owns: the words, their bounds, the message. Never: decides what the card did (`recovery`), moves money.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::id::{Digest, RequestId, StaffNumber, Tac, TerminalNumber};
use crate::message::{AnswerStatus, Request, Version1, request};
use crate::record::{CardsCode, NumberProof, TransactionRecord};

/// Characters of a reason.
const REASON_MAX: usize = 200;

/// Why somebody judged so: 1 to 200 printable characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason(Box<str>);

/// A text that is no reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a reason needs 1 to {REASON_MAX} printable characters")]
pub struct NoReason;

/// What a person said of a transaction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Judgement {
    /// Whether the card did it, as this person said.
    pub done: bool,
    /// Who.
    pub by: StaffNumber,
    /// Why.
    pub reason: Reason,
}

/// The card contradicts a record that a person judged: counter, balance and log of its next tap show that it did not do it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContradictionRequest {
    /// Always 1.
    pub version: Version1,
    /// Id.
    pub request_id: RequestId,
    /// Terminal.
    pub terminal: TerminalNumber,
    /// Number of the record.
    pub journal_sequence: u64,
    /// Hash of the record.
    pub hash: Digest,
}

/// The centre has noted it beside the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContradictionAnswer {
    /// Always 1.
    pub version: Version1,
    /// New or known.
    pub status: AnswerStatus,
    /// What two people at the centre had decided before, on the record's word: it is theirs to take back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub believed: Option<Believed>,
}

/// What two people had made of a record that its card contradicts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Believed {
    /// It was posted: the institution is owed it until that is taken back.
    Posted,
    /// Its amount was returned to the holder.
    Returned,
}

/// The card told its own code of a record afterwards: of one that a person judged, or whose code did not fit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProofRequest {
    /// Always 1.
    pub version: Version1,
    /// Id.
    pub request_id: RequestId,
    /// Terminal.
    pub terminal: TerminalNumber,
    /// The record, as it was sent.
    pub record: TransactionRecord,
    /// What GET TRANSACTION PROVE answered for its number.
    pub tac: Tac,
    /// What shows that number; of a purchase.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<NumberProof>,
}

/// The centre has checked it and keeps it beside the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProofAnswer {
    /// Always 1.
    pub version: Version1,
    /// New or known.
    pub status: AnswerStatus,
}

request!(ProofRequest, ProofAnswer, "/terminal/v1/records/proved", terminal);
request!(ContradictionRequest, ContradictionAnswer, "/terminal/v1/records/contradicted", terminal);

impl ProofRequest {
    /// What the card told.
    #[must_use]
    pub const fn code(&self) -> CardsCode {
        CardsCode { tac: self.tac, number: self.number }
    }
}

impl Reason {
    /// Reads a reason.
    ///
    /// # Errors
    /// [`NoReason`]: empty, too long, or with control characters.
    pub fn parse(text: &str) -> Result<Self, NoReason> {
        let fits = (1..=REASON_MAX).contains(&text.chars().count()) && !text.chars().any(char::is_control);
        if fits { Ok(Self(text.into())) } else { Err(NoReason) }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl Serialize for Reason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Reason {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_short_and_printable() {
        assert_eq!(Reason::parse("收银台流水 12").expect("printable").as_str(), "收银台流水 12");
        for text in ["", "a\nb", "\u{1b}[2J", &"长".repeat(201)] {
            assert_eq!(Reason::parse(text), Err(NoReason), "{text:?}");
        }
        assert!(serde_json::from_str::<Judgement>(r#"{"done":true,"by":"007","reason":""}"#).is_err());
        assert!(serde_json::from_str::<Judgement>(r#"{"done":true,"by":"0 7","reason":"x"}"#).is_err());
    }
}
