//! What can go wrong with a refund before the card is asked.
//!
//! Owns: these errors, their stable codes and places. Never: what happened or what to do next (`error::wording`).

use settlement::refund::{Payer, RefundAct, RefundError};

use super::Code;
use crate::journal::{RefundNumber, RefundState};
use crate::language::Words;

/// A refund is not begun, or not ended.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RefundFault {
    /// No confirmed purchase has this number.
    #[error("no confirmed purchase {id}")]
    NoPurchase {
        /// As given.
        id: String,
    },
    /// Two purchases of this card have this name.
    #[error("{reference}: {}", ids.join(", "))]
    Ambiguous {
        /// As given.
        reference: String,
        /// Their entries.
        ids: [String; 2],
    },
    /// No refund has this number.
    #[error("no refund {id}")]
    Unknown {
        /// As given.
        id: String,
    },
    /// It is done or withdrawn.
    #[error("refund {number} is {}", state.as_str())]
    Closed {
        /// Its number.
        number: RefundNumber,
        /// Where it stands.
        state: RefundState,
    },
    /// The centre told that the card has it, and lost it since: it is not dropped.
    #[error("the card has refund {id}")]
    Credited {
        /// Its id.
        id: String,
    },
    /// A try may have reached the card.
    #[error("entry {entry} of refund {id} has no known outcome")]
    Undecided {
        /// Its number.
        id: String,
        /// The try.
        entry: String,
    },
    /// Not the card's latest purchase, or not of this day, or something went back of it.
    #[error("{}", id.as_ref().map_or_else(|| "the card bought nothing here".to_owned(), |id| format!("purchase {id}")))]
    NotLatest {
        /// The card's latest purchase here.
        id: Option<String>,
    },
    /// More than is left, or nothing.
    #[error(transparent)]
    Sum(#[from] RefundError),
}

/// Behind the name of a payment of which all went back.
pub(super) const fn undone(act: RefundAct) -> &'static str {
    match act {
        RefundAct::Refund => ", and refunded since, all of it",
        RefundAct::Cancel => ", and cancelled since",
    }
}

/// The same in Chinese.
pub(super) const fn undone_zh(act: RefundAct) -> &'static str {
    match act {
        RefundAct::Refund => ",已全额退费",
        RefundAct::Cancel => ",已撤销",
    }
}

impl RefundFault {
    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> Code {
        match self {
            Self::NoPurchase { .. } => Code::RefundOriginal,
            Self::Ambiguous { .. } => Code::RefundAmbiguous,
            Self::Unknown { .. } => Code::RefundUnknown,
            Self::Closed { .. } => Code::RefundClosed,
            Self::Credited { .. } => Code::RefundCredited,
            Self::Undecided { .. } => Code::RefundUndecided,
            Self::NotLatest { .. } => Code::CancelTooLate,
            Self::Sum(_) => Code::RefundAmount,
        }
    }

    /// Where, in Chinese too.
    pub(super) fn words(&self) -> Words {
        let zh = match self {
            Self::NoPurchase { id } => format!("日志中没有已完成的消费 {id}"),
            Self::Ambiguous { reference, ids } => format!("{reference}:{}", ids.join("、")),
            Self::Unknown { id } => format!("没有退费 {id}"),
            Self::Closed { number, state: RefundState::Done } => format!("退费 {number} 已完成"),
            Self::Closed { number, state } => format!("退费 {number} 为 {}", state.as_str()),
            Self::Credited { id } => format!("卡已收到退费 {id}"),
            Self::Undecided { id, entry } => format!("退费 {id} 的交易 {entry} 结果未知"),
            Self::NotLatest { id: Some(id) } => format!("消费 {id}"),
            Self::NotLatest { id: None } => "此卡在本终端没有消费".to_owned(),
            Self::Sum(RefundError::Nothing) => "退费金额须大于零".to_owned(),
            Self::Sum(RefundError::TooMuch { payer, asked, left }) => {
                let payer = match payer {
                    Payer::PersonalAccount => "个人账户",
                    Payer::SelfPaid => "现金",
                    Payer::PooledFund => "统筹基金",
                };
                format!("要退 {asked} 元,{payer}可退 {left} 元")
            }
            Self::Sum(RefundError::TotalTooMuch { asked, left }) => format!("要退 {asked} 元,共可退 {left} 元"),
            Self::Sum(RefundError::Sum(source)) => format!("金额无法计算:{source}"),
        };
        Words::of(zh, self.to_string())
    }
}
