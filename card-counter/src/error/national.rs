//! What can go wrong with the national centre.
//!
//! Owns: these errors, their stable codes and places. Never: texts of a code (`error::wording`), a person's data.

use settlement::national::amounts::Contradiction;
use settlement::national::{FieldFault, Infno};

use super::Code;
use crate::language::Words;

/// The national centre, or what is to be sent to it.
#[derive(Debug, thiserror::Error)]
pub enum NationalError {
    /// Nobody signed in.
    #[error("{0} before a sign-in (9001)")]
    NotSignedIn(Infno),
    /// No answer to a message that moves nothing.
    #[error("{infno}: {address} does not answer")]
    Unreachable {
        /// Message.
        infno: Infno,
        /// Address.
        address: String,
    },
    /// No answer to a 2102 or 2103, and none to its 2601.
    #[error("{infno} of bill {bill}, message {msgid}: not answered, and not undone yet")]
    Unanswered {
        /// Message.
        infno: Infno,
        /// Bill.
        bill: String,
        /// Its id.
        msgid: String,
    },
    /// No answer to a 2102 or 2103; its 2601 was granted.
    #[error("{infno} of bill {bill}, message {msgid}: not answered; undone by 2601")]
    Reversed {
        /// Message.
        infno: Infno,
        /// Bill.
        bill: String,
        /// Its id.
        msgid: String,
    },
    /// The centre refused.
    #[error("{infno}: {code} {text}{}", if *undone { "; undone by 2601" } else { "" })]
    Refused {
        /// Message.
        infno: Infno,
        /// 交易状态码.
        code: String,
        /// 错误信息, numbers masked.
        text: String,
        /// Whether what it may have done all the same was undone.
        undone: bool,
    },
    /// The centre answered about another person than the one who was asked about.
    #[error("{infno}: {field} is another's")]
    OtherPerson {
        /// Message.
        infno: Infno,
        /// Field that differs.
        field: &'static str,
    },
    /// An answer that cannot be read.
    #[error("{infno}: {fault}")]
    Answer {
        /// Message.
        infno: Infno,
        /// Where and what.
        fault: FieldFault,
    },
    /// A file of the centre that cannot be read.
    #[error("{infno}: {what}")]
    File {
        /// Message.
        infno: Infno,
        /// What is wrong with it.
        what: String,
    },
    /// The centre's amounts contradict themselves, or what was sent.
    #[error("{infno}: not true: {identity}{}", if *undone { "; undone by 2601" } else { "" })]
    Amounts {
        /// Message.
        infno: Infno,
        /// Identity that does not hold.
        identity: Contradiction,
        /// Whether the settlement was undone.
        undone: bool,
    },
    /// A settlement of this bill or person has no known outcome, and the centre did not undo it.
    #[error("bill {bill}, message {msgid}")]
    Open {
        /// Bill.
        bill: String,
        /// Message without answer.
        msgid: String,
    },
    /// The bill was settled.
    #[error("bill {bill}: {setl_id}")]
    BillSettled {
        /// Bill.
        bill: String,
        /// 结算ID, or where it stands.
        setl_id: String,
    },
    /// The journal has no such settlement, or it stands otherwise.
    #[error("bill {bill}{}", state.map_or_else(String::new, |state| format!(": {state}")))]
    Unknown {
        /// As given.
        bill: String,
        /// Where it stands.
        state: Option<&'static str>,
    },
    /// The person has no such insurance.
    #[error("insurance {insutype}; the centre names {named}")]
    NotInsured {
        /// As configured or given.
        insutype: String,
        /// What the centre names.
        named: String,
    },
    /// A value that does not fit its field.
    #[error("{infno} {fault}")]
    Field {
        /// Message.
        infno: Infno,
        /// Where and what.
        fault: FieldFault,
    },
}

impl NationalError {
    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> Code {
        match self {
            Self::NotSignedIn(_) => Code::NationalNotSignedIn,
            Self::Unreachable { .. } => Code::NationalUnreachable,
            Self::Unanswered { .. } => Code::NationalUnanswered,
            Self::Reversed { .. } => Code::NationalReversed,
            Self::Refused { .. } => Code::NationalRefused,
            Self::OtherPerson { .. } => Code::NationalOtherPerson,
            Self::Answer { .. } | Self::File { .. } => Code::NationalAnswer,
            Self::Amounts { .. } => Code::NationalAmounts,
            Self::Open { .. } => Code::NationalOpen,
            Self::BillSettled { .. } => Code::NationalBillSettled,
            Self::Unknown { .. } => Code::NationalUnknown,
            Self::NotInsured { .. } => Code::NationalNotInsured,
            Self::Field { .. } => Code::NationalField,
        }
    }

    /// Where it happened.
    pub(super) fn place(&self) -> Words {
        let zh = match self {
            Self::NotSignedIn(infno) => format!("{infno} 之前没有签到 (9001)"),
            Self::Unreachable { infno, address } => format!("{infno}:{address} 无应答"),
            Self::Unanswered { infno, bill, msgid } => format!("账单 {bill} 的 {infno}(报文 {msgid})无应答,尚未冲正"),
            Self::Reversed { infno, bill, msgid } => {
                format!("账单 {bill} 的 {infno}(报文 {msgid})无应答,已用 2601 冲正")
            }
            Self::Refused { infno, code, text, undone } => {
                format!("{infno}:状态码 {code} {text}{}", if *undone { ";已用 2601 冲正" } else { "" })
            }
            Self::OtherPerson { infno, field } => format!("{infno} 的应答,字段 {field} 属于另一人"),
            Self::Answer { infno, fault } => format!("{infno} 的应答,字段 {}", fault.place),
            Self::File { infno, what } => format!("{infno} 的文件:{what}"),
            Self::Amounts { infno, identity, undone } => {
                format!("{infno}:不成立的等式 {identity}{}", if *undone { ";已用 2601 冲正" } else { "" })
            }
            Self::Open { bill, msgid } => format!("账单 {bill},报文 {msgid}"),
            Self::BillSettled { bill, setl_id } => format!("账单 {bill}:{setl_id}"),
            Self::Unknown { bill, state: None } => format!("账单 {bill}"),
            Self::Unknown { bill, state: Some(state) } => format!("账单 {bill}:{state}"),
            Self::NotInsured { insutype, named } => format!("险种 {insutype};中心给出的险种:{named}"),
            Self::Field { infno, fault } => format!("{infno} 的字段 {fault}"),
        };
        Words::of(zh, self.to_string())
    }
}
