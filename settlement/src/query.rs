//! What a kiosk (自助终端) asks the centre for the holder in front of it: bodies of signed terminal messages, as in `message`.
//!
//! A kiosk reads the card, lets the card check the PIN, and says both; the centre decides what that is enough for. Without a PIN it
//! tells how the card stands and how far a new one is, nothing about money or insurances.
//!
//! Source: functions of deployed kiosks (query, temporary loss and release, proof of participation, progress of a card); AAZ502 for
//! states of a card; national codes of the five insurances (险种类型).
//! Owns: the shape of each body and its path, the five insurances, how the items of a difference add up.
//! Never: sends; holds a PIN; decides what a site allows.
//! Units: `_fen` fields are fen as integers and may be below zero where they say so; dates `YYYY-MM-DD`, months `YYYY-MM`, times
//! `YYYYMMDDHHMMSS`.

mod certificate;
mod holder;
mod ticket;

pub use certificate::{
    CERTIFICATE_CODE_CHARACTERS, CERTIFICATE_PATH, CertificateAnswer, CertificateCode, CertificatePrintAnswer,
    CertificatePrintRequest, CertificateRequest, CertifiedInsurance,
};
pub use holder::{
    AccountView, Benefits, CardState, CardView, InsuranceLine, LineKind, LogKind, LoggedTransaction, LossAct,
    LossAnswer, LossRequest, NewCard, NewCardStage, OnCard, OverviewAnswer, OverviewRequest, PendingItem, PendingKind,
    SelfService, StatementLine, difference_of,
};
pub use ticket::{TicketAnswer, TicketKind, TicketRequest, TicketSubject, TicketText, TicketTextError};

use serde::{Deserialize, Serialize};

/// Records of a card's own log that a kiosk tells: cards keep ten, some a few more.
pub const LOG_RECORDS_MAX: usize = 64;

/// Lines of an account statement in one answer: what people scroll through at a kiosk.
pub const STATEMENT_LINES_MAX: usize = 50;

/// What the card said about the holder's PIN (个人密码), as the kiosk tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pin {
    /// Nobody was asked for it.
    NotVerified,
    /// The card took it, and it is still the one that every new card has: enough to look, not to act.
    Initial,
    /// The card took the one that the holder chose.
    Verified,
}

impl Pin {
    /// Whether the card took a PIN.
    #[must_use]
    pub const fn is_known(self) -> bool {
        match self {
            Self::Initial | Self::Verified => true,
            Self::NotVerified => false,
        }
    }
}

/// One of the five insurances (五险), by its national code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Insurance {
    /// 养老保险.
    #[serde(rename = "110")]
    Pension,
    /// 医疗保险.
    #[serde(rename = "310")]
    Medical,
    /// 失业保险.
    #[serde(rename = "210")]
    Unemployment,
    /// 工伤保险.
    #[serde(rename = "410")]
    Injury,
    /// 生育保险.
    #[serde(rename = "510")]
    Maternity,
}

impl Insurance {
    /// All five, in the order in which people name them.
    pub const ALL: [Self; 5] = [Self::Pension, Self::Medical, Self::Unemployment, Self::Injury, Self::Maternity];

    /// 险种类型.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Pension => "110",
            Self::Medical => "310",
            Self::Unemployment => "210",
            Self::Injury => "410",
            Self::Maternity => "510",
        }
    }

    /// From its code.
    #[must_use]
    pub fn of_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|insurance| insurance.code() == code)
    }

    /// Chinese and English name.
    #[must_use]
    pub const fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Pension => ("养老保险", "pension"),
            Self::Medical => ("医疗保险", "medical"),
            Self::Unemployment => ("失业保险", "unemployment"),
            Self::Injury => ("工伤保险", "work injury"),
            Self::Maternity => ("生育保险", "maternity"),
        }
    }
}

/// How somebody stands in an insurance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// 参保缴费: insured now.
    Insured,
    /// 暂停: was insured, contributions have stopped.
    Suspended,
    /// 未参保: never insured here. An answer, not a fault.
    NotInsured,
    /// 无数据: the centre was given no data that could say so.
    NoData,
}

impl Standing {
    /// All.
    pub const ALL: [Self; 4] = [Self::Insured, Self::Suspended, Self::NotInsured, Self::NoData];

    /// Name in messages and in output.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Insured => "insured",
            Self::Suspended => "suspended",
            Self::NotInsured => "not_insured",
            Self::NoData => "no_data",
        }
    }

    /// Chinese and English word.
    #[must_use]
    pub const fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Insured => ("参保缴费", "insured"),
            Self::Suspended => ("暂停缴费", "suspended"),
            Self::NotInsured => ("未参保", "not insured"),
            Self::NoData => ("无数据", "no data"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_insurance_reads_back_from_its_code_and_no_other_text_is_one() {
        for insurance in Insurance::ALL {
            assert_eq!(Insurance::of_code(insurance.code()), Some(insurance));
            assert_eq!(serde_json::json!(insurance), insurance.code());
            let (zh, en) = insurance.names();
            assert!(!zh.is_ascii() && en.is_ascii());
        }
        for code in ["", "000", "11", "1100", "390"] {
            assert_eq!(Insurance::of_code(code), None, "{code}");
        }
    }

    #[test]
    fn only_a_pin_that_the_card_took_is_known() {
        assert_eq!([Pin::NotVerified, Pin::Initial, Pin::Verified].map(Pin::is_known), [false, true, true]);
    }
}
