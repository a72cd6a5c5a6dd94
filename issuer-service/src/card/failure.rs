//! Why a card is not moved, told to the one at the counter.
//!
//! Owns: the errors of the life of cards. Never: repeats a number that was typed: it may be anything.

use settlement::id::TerminalNumber;

use super::pin::PinOrderState;
use super::seen::{self, Stranger};
use super::state::{LifeState, Step};
use crate::error::{Explain, Missing};
use crate::exit::Exit;
use crate::lang::Lang;
use crate::operator::OperatorError;
use crate::state::word;
use crate::stock::StockState;
use crate::store::StoreError;

/// Why nothing was done to a card.
#[derive(Debug, thiserror::Error)]
pub enum LifeError {
    /// The card or the person.
    #[error(transparent)]
    Missing(#[from] Missing),
    /// The card is being made, or failed.
    #[error("the card is not made: {state}")]
    NotMade {
        /// State of its making.
        state: String,
    },
    /// The table has no such move.
    #[error("{} is no move from {}", step.name(), state.name())]
    NoMove {
        /// What was to be done.
        step: Step,
        /// State that the card is in.
        state: LifeState,
    },
    /// The site took the move away.
    #[error("{} from {} is not allowed at this site", step.name(), state.name())]
    RemovedBySite {
        /// What was to be done.
        step: Step,
        /// State that the card is in.
        state: LifeState,
    },
    /// No reason was given.
    #[error("a reason is needed")]
    ReasonMissing,
    /// The reason is too long, or holds control characters.
    #[error("the reason cannot be kept")]
    ReasonUnfit,
    /// The holder is dead.
    #[error("person {person} is dead")]
    HolderDead {
        /// Row number.
        person: i64,
    },
    /// The card has expired.
    #[error("the card expired on {valid_until}")]
    Expired {
        /// Last day, `YYYYMMDD`.
        valid_until: String,
    },
    /// The period of the temporary loss has not passed.
    #[error("the temporary loss lasts until {release_on}")]
    NotDue {
        /// Day of its end, `YYYYMMDD`.
        release_on: String,
    },
    /// Stock has not handed the card out.
    #[error("the card is {state} at {place}")]
    NotHandedOut {
        /// State in stock.
        state: String,
        /// Place.
        place: String,
    },
    /// A successor is under way or made.
    #[error("the card is being replaced")]
    BeingReplaced,
    /// Another card was asked for because this one is lost.
    #[error("request {request} asks for another card because this one is lost")]
    ReplacementAsked {
        /// Its number.
        request: i64,
    },
    /// The day of a death lies ahead.
    #[error("{day} lies ahead")]
    DayAhead {
        /// The day, `YYYYMMDD`.
        day: String,
    },
    /// A day before the person was born.
    #[error("{day} lies before the birth of person {person}")]
    BeforeBirth {
        /// Row number.
        person: i64,
        /// The day, `YYYYMMDD`.
        day: String,
    },
    /// The death is recorded already.
    #[error("the death of person {person} is recorded already")]
    DeathRecorded {
        /// Row number.
        person: i64,
    },
    /// No death is recorded.
    #[error("no death of person {person} is recorded")]
    DeathUnknown {
        /// Row number.
        person: i64,
    },
    /// The PIN of a card in this state is neither unblocked nor reset.
    #[error("no order for the PIN of a card that is {}", state.name())]
    PinCardState {
        /// State that the card is in.
        state: LifeState,
    },
    /// The card has an order that is not used.
    #[error("PIN order {number} is open")]
    PinOrderOpen {
        /// Its number.
        number: i64,
    },
    /// There is no such order.
    #[error("there is no PIN order {number}")]
    PinOrderUnknown {
        /// Number.
        number: i64,
    },
    /// The order is in another state.
    #[error("PIN order {number} is {state}")]
    PinOrderState {
        /// Number.
        number: i64,
        /// State it is in.
        state: String,
    },
    /// The order was not approved in time.
    #[error("PIN order {number} has lapsed")]
    PinOrderLapsed {
        /// Number.
        number: i64,
    },
    /// Who made it cannot approve it.
    #[error("{operator} made it")]
    SameOperator {
        /// Name.
        operator: String,
    },
    /// No such terminal is registered.
    #[error("terminal {terminal} is not registered")]
    TerminalUnknown {
        /// Number.
        terminal: TerminalNumber,
    },
    /// The card in the reader is not the one of the records, or not the one named.
    #[error(transparent)]
    Stranger(#[from] Stranger),
    /// The site activates cards in a reader.
    #[error("the site activates cards in a reader")]
    CardNotSeen,
    /// The operator.
    #[error(transparent)]
    Operator(#[from] OperatorError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Explain for LifeError {
    fn code(&self) -> &'static str {
        match self {
            Self::Missing(error) => error.code(),
            Self::NotMade { .. } => "CARD_NOT_MADE",
            Self::NoMove { .. } => "CARD_MOVE_UNKNOWN",
            Self::RemovedBySite { .. } => "CARD_MOVE_REMOVED",
            Self::ReasonMissing => "REASON_MISSING",
            Self::ReasonUnfit => "REASON_UNFIT",
            Self::HolderDead { .. } => "HOLDER_DEAD",
            Self::Expired { .. } => "CARD_EXPIRED",
            Self::NotDue { .. } => "LOSS_NOT_OVER",
            Self::NotHandedOut { .. } => "CARD_NOT_HANDED_OUT",
            Self::BeingReplaced => "CARD_BEING_REPLACED",
            Self::ReplacementAsked { .. } => "CARD_REPLACEMENT_ASKED",
            Self::DayAhead { .. } => "DAY_AHEAD",
            Self::BeforeBirth { .. } => "DAY_BEFORE_BIRTH",
            Self::DeathRecorded { .. } => "DEATH_RECORDED",
            Self::DeathUnknown { .. } => "DEATH_UNKNOWN",
            Self::PinCardState { .. } => "PIN_CARD_STATE",
            Self::PinOrderOpen { .. } => "PIN_ORDER_OPEN",
            Self::PinOrderUnknown { .. } => "PIN_ORDER_UNKNOWN",
            Self::PinOrderState { .. } => "PIN_ORDER_STATE",
            Self::PinOrderLapsed { .. } => "PIN_ORDER_LAPSED",
            Self::SameOperator { .. } => "SAME_OPERATOR",
            Self::TerminalUnknown { .. } => "TERMINAL_UNKNOWN",
            Self::Stranger(error) => seen::code(error),
            Self::CardNotSeen => "CARD_NOT_SEEN",
            Self::Operator(error) => error.code(),
            Self::Store(error) => error.code(),
        }
    }

    fn what(&self, lang: Lang) -> String {
        match self {
            Self::Missing(error) => error.what(lang),
            Self::NotMade { state } => {
                let state = word(&super::state::TABLE, state, lang);
                lang.pick(format!("卡尚未制成或已作废（{state}）"), format!("the card is not a finished one ({state})"))
            }
            Self::NoMove { step, state } => lang.pick(
                format!("卡处于“{}”状态，不能{}", state.chinese(), step.label(lang)),
                format!("the card is in state {}: it cannot {}", state.english(), step.label(lang)),
            ),
            Self::RemovedBySite { step, state } => lang.pick(
                format!("本地规则不允许: {}（{}）", step.label(lang), state.chinese()),
                format!("the rules of this site do not allow it: {} from {}", step.label(lang), state.english()),
            ),
            Self::ReasonMissing => lang.pick("没有说明原因", "no reason was given").to_owned(),
            Self::ReasonUnfit => {
                lang.pick("原因过长或含控制字符", "the reason is too long or holds control characters").to_owned()
            }
            Self::HolderDead { person } => {
                lang.pick(format!("人员 {person} 已登记死亡"), format!("person {person} is recorded as dead"))
            }
            Self::Expired { valid_until } => {
                lang.pick(format!("卡已于 {valid_until} 过期"), format!("the card was valid until {valid_until}"))
            }
            Self::NotDue { release_on } => lang
                .pick(format!("临时挂失至 {release_on}"), format!("the temporary loss ends by itself on {release_on}")),
            Self::NotHandedOut { state, place } => {
                let state = word(&StockState::TABLE, state, lang);
                lang.pick(
                    format!("此卡尚未发出: {state}，在 {place}"),
                    format!("the card has not been handed out: {state} at {place}"),
                )
            }
            Self::BeingReplaced => {
                lang.pick("该卡正在补换或已补换", "a successor of the card is under way or made").to_owned()
            }
            Self::ReplacementAsked { request } => lang.pick(
                format!("已因此卡遗失申请补卡（申请 {request}）"),
                format!("another card was asked for because this one is lost (request {request})"),
            ),
            Self::DayAhead { day } => lang.pick(format!("{day} 尚未到"), format!("{day} lies ahead")),
            Self::BeforeBirth { person, day } => lang.pick(
                format!("{day} 早于人员 {person} 的出生日期，未作改动"),
                format!("{day} lies before the birth of person {person}; nothing was changed"),
            ),
            Self::DeathRecorded { person } => lang.pick(
                format!("人员 {person} 的死亡已登记"),
                format!("the death of person {person} is recorded already"),
            ),
            Self::DeathUnknown { person } => {
                lang.pick(format!("人员 {person} 没有死亡登记"), format!("no death of person {person} is recorded"))
            }
            Self::PinCardState { state } => lang.pick(
                format!("卡处于“{}”状态，不能解锁或重置口令", state.chinese()),
                format!("the card is in state {}: its PIN is neither unblocked nor reset", state.english()),
            ),
            Self::PinOrderOpen { number } => lang.pick(
                format!("此卡有未使用的密码工单 {number}"),
                format!("the card has PIN order {number}, which is not used"),
            ),
            Self::PinOrderUnknown { number } => {
                lang.pick(format!("没有密码工单 {number}"), format!("there is no PIN order {number}"))
            }
            Self::PinOrderState { number, state } => {
                let state = word(&PinOrderState::TABLE, state, lang);
                lang.pick(format!("密码工单 {number} {state}"), format!("PIN order {number} is {state}"))
            }
            Self::PinOrderLapsed { number } => {
                lang.pick(format!("密码工单 {number} 已过期"), format!("PIN order {number} has lapsed"))
            }
            Self::SameOperator { operator } => lang
                .pick(format!("{operator} 是经办人，不能复核"), format!("{operator} made it and may not approve it")),
            Self::TerminalUnknown { terminal } => {
                lang.pick(format!("终端 {terminal} 未登记"), format!("terminal {terminal} is not registered"))
            }
            Self::Stranger(error) => seen::what(error, lang),
            Self::CardNotSeen => lang
                .pick("本地规定启用时须读卡", "this site activates a card when it has been read in a reader")
                .to_owned(),
            Self::Operator(error) => error.what(lang),
            Self::Store(error) => error.what(lang),
        }
    }

    fn next(&self, lang: Lang) -> &'static str {
        match self {
            Self::Missing(error) => error.next(lang),
            Self::NotMade { .. } => {
                lang.pick("用 issuer card list 查看", "see which cards there are with `issuer card list`")
            }
            Self::NoMove { step: Step::ReportTemporary | Step::ReportFormal, state: LifeState::Sealed } => lang.pick(
                "封存的卡尚未启用: 寄送中遗失的用 issuer card cancel 注销，再申请新卡",
                "a sealed card was never activated: one that is lost on its way is cancelled with `issuer card cancel`, then ask for another",
            ),
            Self::NoMove { step: Step::ReportTemporary, state: LifeState::Locked } => lang.pick(
                "锁定的卡用 issuer card report-loss --formal 正式挂失",
                "report a locked card lost with `issuer card report-loss --formal`",
            ),
            Self::NoMove { .. } => {
                lang.pick("用 issuer card states 查看允许的动作", "see the moves there are with `issuer card states`")
            }
            Self::RemovedBySite { .. } => lang.pick(
                "见 centre.toml 的 [life]；由本地主管决定",
                "see [life] in centre.toml; the site's management decides",
            ),
            Self::ReasonMissing => lang.pick("加上 --reason 原因", "add --reason TEXT"),
            Self::ReasonUnfit => lang.pick("写一行，不超过 200 字", "write one line of at most 200 characters"),
            Self::HolderDead { .. } => lang.pick(
                "死亡登记有误时用 issuer person death --withdraw 撤销",
                "if the record is wrong, withdraw it with `issuer person death --withdraw`",
            ),
            Self::Expired { .. } => lang.pick("注销此卡，另制新卡", "cancel this card and make a new one"),
            Self::NotDue { .. } => {
                lang.pick("持卡人找到卡时用 issuer card release", "release it when the card is found")
            }
            Self::NotHandedOut { .. } => {
                lang.pick("先用 issuer stock hand-out 发出", "hand it out first with `issuer stock hand-out`")
            }
            Self::BeingReplaced => lang.pick("启用新卡", "activate the new card"),
            Self::ReplacementAsked { .. } => lang.pick(
                "卡已找到且新卡未开始制作时，先用 issuer request withdraw 撤回申请；否则启用新卡",
                "when the card is found and the new one is not begun, withdraw the request first (`issuer request withdraw`); otherwise activate the new card",
            ),
            Self::DayAhead { .. } | Self::BeforeBirth { .. } => lang.pick("核对日期", "check the date"),
            Self::DeathRecorded { .. } | Self::DeathUnknown { .. } => {
                lang.pick("核对人员编号", "check the number of the person")
            }
            Self::PinCardState { .. } => {
                lang.pick("挂失的卡先解挂；封存的卡先启用", "release a lost card first; activate a sealed one first")
            }
            Self::PinOrderOpen { .. } => lang.pick(
                "执行它，或用 issuer pin withdraw 撤回",
                "carry it out, or withdraw it with `issuer pin withdraw`",
            ),
            Self::PinOrderUnknown { .. } | Self::PinOrderState { .. } => {
                lang.pick("用 issuer pin list 查看", "see them with `issuer pin list`")
            }
            Self::PinOrderLapsed { .. } => lang.pick(
                "用 issuer pin reset 或 unblock 另开一张",
                "make another one with `issuer pin reset` or `unblock`",
            ),
            Self::SameOperator { .. } => lang.pick("由另一人复核", "let another person approve it"),
            Self::TerminalUnknown { .. } => {
                lang.pick("用 issuer terminal list 查看", "see them with `issuer terminal list`")
            }
            Self::Stranger(_) => {
                lang.pick("核对是否放错卡；未作改动", "see whether it is the wrong card; nothing was changed")
            }
            Self::CardNotSeen => lang.pick(
                "放卡并加 --reader；确须按清单启用时加 --no-reader 和 --reason",
                "put the card in and add --reader; where a list must do, add --no-reader and --reason",
            ),
            Self::Operator(error) => error.next(lang),
            Self::Store(error) => error.next(lang),
        }
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Missing(error) => error.exit(),
            Self::ReasonMissing | Self::ReasonUnfit | Self::DayAhead { .. } | Self::BeforeBirth { .. } => Exit::Usage,
            Self::DeathUnknown { .. } | Self::PinOrderUnknown { .. } | Self::TerminalUnknown { .. } => Exit::NotFound,
            Self::NotMade { .. }
            | Self::NoMove { .. }
            | Self::RemovedBySite { .. }
            | Self::HolderDead { .. }
            | Self::Expired { .. }
            | Self::NotDue { .. }
            | Self::NotHandedOut { .. }
            | Self::BeingReplaced
            | Self::ReplacementAsked { .. }
            | Self::PinCardState { .. }
            | Self::PinOrderOpen { .. }
            | Self::PinOrderState { .. }
            | Self::PinOrderLapsed { .. }
            | Self::SameOperator { .. }
            | Self::CardNotSeen
            | Self::DeathRecorded { .. } => Exit::Refused,
            Self::Stranger(error) => seen::exit(error),
            Self::Operator(error) => error.exit(),
            Self::Store(error) => error.exit(),
        }
    }

    fn retryable(&self) -> bool {
        match self {
            Self::Operator(error) => error.retryable(),
            Self::Store(error) => error.retryable(),
            _ => false,
        }
    }
}
