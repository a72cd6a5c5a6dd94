//! 投诉与建议: what a holder tells the centre at a kiosk.
//!
//! Owns: the bodies, what a text may be. Never: decides what becomes of it.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::id::{CardIdentifier, InstitutionCode, RequestId, TerminalNumber};
use crate::message::{AnswerStatus, Request, Version1, request};
use crate::refund::Original;

/// Characters of a ticket's text: a page.
pub(crate) const TEXT_CHARACTERS_MAX: usize = 1_000;

/// Tells the centre something. The same id is taken in once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TicketRequest {
    /// Always 1.
    pub version: Version1,
    /// Id.
    pub request_id: RequestId,
    /// Terminal.
    pub terminal: TerminalNumber,
    /// Card in the reader; none for somebody without a card, whom nobody can answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub card_identifier: Option<CardIdentifier>,
    /// Complaint or suggestion.
    pub kind: TicketKind,
    /// About what.
    pub subject: TicketSubject,
    /// Which purchase, of a line of the account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<Original>,
    /// Which institution, when no purchase says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub institution: Option<InstitutionCode>,
    /// In the holder's own words, where the kiosk has a way to write.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<TicketText>,
}

/// What somebody tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TicketKind {
    /// 投诉.
    Complaint,
    /// 建议.
    Suggestion,
}

impl TicketKind {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Complaint, Self::Suggestion];

    /// Name in messages, in the store and as typed.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Complaint => "complaint",
            Self::Suggestion => "suggestion",
        }
    }

    /// Chinese and English word.
    #[must_use]
    pub const fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Complaint => ("投诉", "complaint"),
            Self::Suggestion => ("建议", "suggestion"),
        }
    }
}

/// What it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TicketSubject {
    /// 一笔交易.
    Transaction,
    /// 医药机构.
    Institution,
    /// 账户.
    Account,
    /// 社会保障卡.
    Card,
    /// 经办服务.
    Service,
    /// 自助终端.
    Kiosk,
    /// 其他.
    Other,
}

impl TicketSubject {
    /// All.
    pub const ALL: [Self; 7] =
        [Self::Transaction, Self::Institution, Self::Account, Self::Card, Self::Service, Self::Kiosk, Self::Other];

    /// Name in messages, in the store and as typed.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Transaction => "transaction",
            Self::Institution => "institution",
            Self::Account => "account",
            Self::Card => "card",
            Self::Service => "service",
            Self::Kiosk => "kiosk",
            Self::Other => "other",
        }
    }

    /// Chinese and English words.
    #[must_use]
    pub const fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Transaction => ("一笔交易", "a transaction"),
            Self::Institution => ("医药机构", "a pharmacy or hospital"),
            Self::Account => ("账户", "the account"),
            Self::Card => ("社会保障卡", "the card"),
            Self::Service => ("经办服务", "the service of the office"),
            Self::Kiosk => ("自助终端", "the kiosk"),
            Self::Other => ("其他", "something else"),
        }
    }
}

/// Somebody's own words: 1 to 1,000 characters, lines allowed, other control characters not. They may name people: never shown by
/// `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct TicketText(String);

/// A text that cannot be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a text has 1 to {TEXT_CHARACTERS_MAX} characters and no control characters but line ends")]
pub struct TicketTextError;

impl TicketText {
    /// Reads a text; blanks around it are no part of it.
    ///
    /// # Errors
    /// [`TicketTextError`].
    pub fn parse(text: &str) -> Result<Self, TicketTextError> {
        let text = text.trim();
        let count = text.chars().count();
        let fits = (1..=TEXT_CHARACTERS_MAX).contains(&count);
        let plain = text.chars().all(|character| character == '\n' || !character.is_control());
        if fits && plain { Ok(Self(text.to_owned())) } else { Err(TicketTextError) }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for TicketText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TicketText(..)")
    }
}

impl Serialize for TicketText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for TicketText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

/// It is taken in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TicketAnswer {
    /// Always 1.
    pub version: Version1,
    /// New or known.
    pub status: AnswerStatus,
    /// Its number, by which it is asked after.
    pub number: u64,
}

request!(TicketRequest, TicketAnswer, "/terminal/v1/holder/ticket", terminal);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_kept_whole_or_refused_and_never_shown_by_debug() {
        let text = TicketText::parse("  药价与公示不符\n请核查  ").expect("a text");
        assert_eq!(text.as_str(), "药价与公示不符\n请核查");
        assert!(!format!("{text:?}").contains("药价"));
        assert!(TicketText::parse(&"字".repeat(TEXT_CHARACTERS_MAX)).is_ok());
        for wrong in [
            String::new(),
            "  \n ".to_owned(),
            "a\tb".to_owned(),
            "a\u{7}".to_owned(),
            "字".repeat(TEXT_CHARACTERS_MAX + 1),
        ] {
            assert_eq!(TicketText::parse(&wrong), Err(TicketTextError));
        }
    }
}
