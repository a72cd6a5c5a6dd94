//! Why nothing was asked or decided about who somebody is.
//!
//! Owns: the errors and their texts. Never: a number or a name.

use crate::clearing::refusal::ClearingError;
use crate::error::{Explain, Missing};
use crate::exit::Exit;
use crate::import::ImportError;
use crate::import::single::Refused;
use crate::lang::Lang;
use crate::operator::OperatorError;
use crate::store::StoreError;

/// Why a row does not give way to another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hindrance {
    /// They are one row.
    Same,
    /// It has a card in use or in the making, or a request for one.
    Card,
    /// One of them is recorded as dead.
    Death,
}

impl Hindrance {
    const fn text(self, lang: Lang) -> &'static str {
        match (self, lang) {
            (Self::Same, Lang::Zh) => "两个编号相同",
            (Self::Same, Lang::En) => "the two are one row",
            (Self::Card, Lang::Zh) => "名下有在用的卡、制卡任务或未办结的申请",
            (Self::Card, Lang::En) => "it has a card in use or in the making, or an open request",
            (Self::Death, Lang::Zh) => "其中一人已登记死亡",
            (Self::Death, Lang::En) => "one of them is recorded as dead",
        }
    }
}

/// Why nothing was asked or decided.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// There is no such order.
    #[error("there is no order {number}")]
    Unknown {
        /// Number.
        number: i64,
    },
    /// It is decided.
    #[error("order {number} is decided")]
    Decided {
        /// Number.
        number: i64,
    },
    /// Another order about the person waits.
    #[error("order {number} about person {person} waits")]
    Waits {
        /// Row number.
        person: i64,
        /// Number of the order.
        number: i64,
    },
    /// Whoever asked does not decide.
    #[error("{operator} asked for it")]
    SameOperator {
        /// The operator.
        operator: String,
    },
    /// What is wrong with the new number.
    #[error("the number is none")]
    Faults {
        /// All of it.
        faults: Vec<Refused>,
    },
    /// The person has this number.
    #[error("person {person} has this number")]
    NumberSame {
        /// Row number.
        person: i64,
    },
    /// Somebody else has the number, or had it.
    #[error("person {person} has this number")]
    NumberTaken {
        /// Row number of whoever has it.
        person: i64,
    },
    /// The person goes on in another row.
    #[error("person {person} goes on as person {into}")]
    Joined {
        /// Row number.
        person: i64,
        /// The other one.
        into: i64,
    },
    /// The row does not give way.
    #[error("person {person} cannot go on as person {into}: {}", why.text(Lang::En))]
    NotJoined {
        /// Row number.
        person: i64,
        /// The other one.
        into: i64,
        /// Why.
        why: Hindrance,
    },
    /// No reason was given.
    #[error("no reason was given")]
    ReasonMissing,
    /// Nobody has this row number.
    #[error(transparent)]
    Missing(#[from] Missing),
    /// The JSON object.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// The operator.
    #[error(transparent)]
    Operator(#[from] OperatorError),
    /// The ledger, which takes the money along.
    #[error(transparent)]
    Clearing(#[from] ClearingError),
    /// The database.
    #[error(transparent)]
    Store(StoreError),
}

impl From<StoreError> for IdentityError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl Explain for IdentityError {
    fn code(&self) -> &'static str {
        match self {
            Self::Unknown { .. } => "IDENTITY_ORDER_NOT_FOUND",
            Self::Decided { .. } => "IDENTITY_ORDER_DECIDED",
            Self::Waits { .. } => "IDENTITY_ORDER_WAITS",
            Self::SameOperator { .. } => "SAME_OPERATOR",
            Self::Faults { .. } => "PERSON_NUMBER_UNFIT",
            Self::NumberSame { .. } => "PERSON_NUMBER_SAME",
            Self::NumberTaken { .. } => "PERSON_NUMBER_TAKEN",
            Self::Joined { .. } => "PERSON_JOINED",
            Self::NotJoined { .. } => "PERSON_NOT_JOINED",
            Self::ReasonMissing => "REASON_MISSING",
            Self::Missing(error) => error.code(),
            Self::Import(error) => error.code(),
            Self::Operator(error) => error.code(),
            Self::Clearing(error) => error.code(),
            Self::Store(error) => error.code(),
        }
    }

    fn what(&self, lang: Lang) -> String {
        match self {
            Self::Unknown { number } => {
                lang.pick(format!("没有身份变更单 {number}"), format!("there is no order {number}"))
            }
            Self::Decided { number } => {
                lang.pick(format!("身份变更单 {number} 已有结论"), format!("order {number} is decided"))
            }
            Self::Waits { person, number } => lang.pick(
                format!("人员 {person} 的身份变更单 {number} 尚待复核"),
                format!("order {number} about person {person} waits to be decided"),
            ),
            Self::SameOperator { operator } => lang.pick(
                format!("{operator} 是经办人，不能复核自己提出的事项"),
                format!("{operator} asked for it and cannot decide it"),
            ),
            Self::Faults { faults } => {
                let line = |fault: &Refused| format!("{} {}: {}", fault.column, fault.code, fault.message);
                let list = faults.iter().map(line).collect::<Vec<_>>().join(lang.pick("；", "; "));
                lang.pick(format!("新号码有误: {list}"), format!("the new number is none: {list}"))
            }
            Self::NumberSame { person } => lang.pick(
                format!("人员 {person} 登记的就是这个号码"),
                format!("person {person} is registered by this number"),
            ),
            Self::NumberTaken { person } => lang.pick(
                format!("这个号码是人员 {person} 的，或曾是"),
                format!("person {person} has this number, or had it"),
            ),
            Self::Joined { person, into } => lang
                .pick(format!("人员 {person} 已并入人员 {into}"), format!("person {person} goes on as person {into}")),
            Self::NotJoined { person, into, why } => {
                let why = why.text(lang);
                lang.pick(
                    format!("人员 {person} 不能并入人员 {into}: {why}"),
                    format!("person {person} cannot go on as person {into}: {why}"),
                )
            }
            Self::ReasonMissing => lang.pick("没有说明理由", "no reason was given").to_owned(),
            Self::Missing(error) => error.what(lang),
            Self::Import(error) => error.what(lang),
            Self::Operator(error) => error.what(lang),
            Self::Clearing(error) => error.what(lang),
            Self::Store(error) => error.what(lang),
        }
    }

    fn next(&self, lang: Lang) -> &'static str {
        match self {
            Self::Unknown { .. } | Self::Decided { .. } => {
                lang.pick("用 issuer person orders 查看", "see them with `issuer person orders`")
            }
            Self::Waits { .. } => lang.pick(
                "先由另一人用 issuer person approve 或 reject 了结",
                "let another person decide it with `issuer person approve` or `reject` first",
            ),
            Self::SameOperator { .. } => lang.pick("由另一人复核", "let another person decide it"),
            Self::Faults { .. } => lang.pick("与证件核对", "compare it with the certificate"),
            Self::NumberSame { .. } => lang.pick("核对编号和号码", "compare person and number"),
            Self::NumberTaken { .. } => lang.pick(
                "是同一人时用 issuer person join 并档；不是时先更正另一人的号码",
                "if it is one person, `issuer person join`; if not, mend the other one's number first",
            ),
            Self::Joined { .. } => lang.pick("改用并入后的编号", "name the row in which the person goes on"),
            Self::NotJoined { why: Hindrance::Same, .. } => lang.pick("核对两个编号", "compare the two row numbers"),
            Self::NotJoined { why: Hindrance::Death, .. } => lang.pick(
                "先用 issuer person death 使两处一致",
                "make both agree with `issuer person death` first",
            ),
            Self::NotJoined { .. } => lang.pick(
                "反过来并（把没有卡的并入有卡的）；两边都有时先注销其一的卡、撤回申请；资金随人转入，不影响并档",
                "join the other way round: the row without card goes into the one with it; where both have some, cancel one's card and withdraw its request first. Money goes along",
            ),
            Self::ReasonMissing => lang.pick("加上 --reason", "add --reason"),
            Self::Missing(error) => error.next(lang),
            Self::Import(error) => error.next(lang),
            Self::Operator(error) => error.next(lang),
            Self::Clearing(error) => error.next(lang),
            Self::Store(error) => error.next(lang),
        }
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Unknown { .. } => Exit::NotFound,
            Self::Decided { .. }
            | Self::Waits { .. }
            | Self::SameOperator { .. }
            | Self::NumberSame { .. }
            | Self::NumberTaken { .. }
            | Self::Joined { .. }
            | Self::NotJoined { .. } => Exit::Refused,
            Self::Faults { .. } | Self::ReasonMissing => Exit::Usage,
            Self::Missing(error) => error.exit(),
            Self::Import(error) => error.exit(),
            Self::Operator(error) => error.exit(),
            Self::Clearing(error) => error.exit(),
            Self::Store(error) => error.exit(),
        }
    }

    fn retryable(&self) -> bool {
        match self {
            Self::Import(error) => error.retryable(),
            Self::Clearing(error) => error.retryable(),
            Self::Store(error) => error.retryable(),
            _ => false,
        }
    }
}
