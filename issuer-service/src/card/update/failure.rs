//! Why a card is not updated, told to the one at the counter.
//!
//! Owns: the errors of updates. Never: repeats a value.

use card_core::tries::{Secret, TryRefused};

use super::UpdateState;
use super::item::Items;
use crate::card::failure::LifeError;
use crate::card::seen::{self, Stranger};
use crate::error::{Explain, Missing};
use crate::exit::Exit;
use crate::lang::Lang;
use crate::operator::OperatorError;
use crate::state::word;
use crate::station::failure::StationError;
use crate::store::StoreError;

/// Why nothing was done, or not all.
#[derive(Debug, thiserror::Error)]
pub enum UpdateError {
    /// The reason, or the holder.
    #[error(transparent)]
    Life(#[from] LifeError),
    /// The card that was named.
    #[error(transparent)]
    Missing(#[from] Missing),
    /// The operator.
    #[error(transparent)]
    Operator(#[from] OperatorError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The reader, the keys, or what is to be written.
    #[error(transparent)]
    Station(#[from] StationError),
    /// The card in the reader is not the one of the records.
    #[error(transparent)]
    Stranger(#[from] Stranger),
    /// The card does not take these items after issue.
    #[error("the card takes no change of {}", items.to_text())]
    ItemsFixed {
        /// They.
        items: Items,
    },
    /// A card in this state is not written.
    #[error("the card is {state}")]
    CardState {
        /// State that it is in.
        state: String,
    },
    /// There is no such update.
    #[error("there is no update {number}")]
    Unknown {
        /// Number.
        number: i64,
    },
    /// The update has an end.
    #[error("update {number} is {state}")]
    State {
        /// Number.
        number: i64,
        /// State it is in.
        state: String,
    },
    /// No card came.
    #[error("no card was put in")]
    NoCard,
    /// Reading back needs the holder's PIN.
    #[error("the holder's PIN is needed")]
    PinNeeded,
    /// What was typed is no PIN.
    #[error("a PIN has 4 to 12 digits")]
    PinMalformed,
    /// The PIN is wrong.
    #[error("the card refused the PIN")]
    PinRefused {
        /// Tries left, when the card says so.
        left: Option<u8>,
    },
    /// So few tries are left that none is spent unasked.
    #[error(transparent)]
    LastTry(#[from] TryRefused),
    /// The card refused.
    #[error("the card refused: {what}")]
    CardRefused {
        /// What, and how; no value.
        what: String,
    },
    /// What was read back is not what was written.
    #[error("the card does not hold what was written")]
    ReadBackDiffers,
    /// A newer change has come, or the card has gone out of use, while it was in the reader.
    #[error("another change has come")]
    Overtaken,
}

impl Explain for UpdateError {
    fn code(&self) -> &'static str {
        match self {
            Self::Life(error) => error.code(),
            Self::Missing(error) => error.code(),
            Self::Operator(error) => error.code(),
            Self::Store(error) => error.code(),
            Self::Station(error) => error.code(),
            Self::Stranger(error) => seen::code(error),
            Self::ItemsFixed { .. } => "CARD_ITEM_FIXED",
            Self::CardState { .. } => "CARD_UPDATE_CARD_STATE",
            Self::Unknown { .. } => "CARD_UPDATE_UNKNOWN",
            Self::State { .. } => "CARD_UPDATE_STATE",
            Self::NoCard => "NO_CARD",
            Self::PinNeeded => "PIN_NEEDED",
            Self::PinMalformed => "PIN_MALFORMED",
            Self::PinRefused { .. } => "PIN_REFUSED",
            Self::LastTry(_) => "LAST_TRY",
            Self::CardRefused { .. } => "CARD_REFUSED",
            Self::ReadBackDiffers => "READ_BACK_DIFFERS",
            Self::Overtaken => "CARD_UPDATE_OVERTAKEN",
        }
    }

    fn what(&self, lang: Lang) -> String {
        let text = |zh: &str, en: &str| lang.pick(zh, en).to_owned();
        match self {
            Self::Life(error) => error.what(lang),
            Self::Missing(error) => error.what(lang),
            Self::Operator(error) => error.what(lang),
            Self::Store(error) => error.what(lang),
            Self::Station(error) => error.what(lang),
            Self::Stranger(error) => seen::what(error, lang),
            Self::ItemsFixed { items } => {
                let items = items.text(lang);
                lang.pick(
                    format!("此卡制成后不能更新: {items}；未作改动"),
                    format!("a card of this type does not take a change of {items} after issue; nothing was changed"),
                )
            }
            Self::CardState { state } => lang.pick(
                format!("卡处于“{state}”状态，不能更新卡内数据"),
                format!("the card is {state}: its data are not updated"),
            ),
            Self::Unknown { number } => lang.pick(format!("没有更新 {number}"), format!("there is no update {number}")),
            Self::State { number, state } => {
                let state = word(&UpdateState::TABLE, state, lang);
                lang.pick(format!("更新 {number} {state}"), format!("update {number} is {state}"))
            }
            Self::NoCard => text("没有放入卡片", "no card was put into the reader"),
            Self::PinNeeded => text(
                "此次更新涉及须持卡人口令才能回读的文件，未写卡",
                "the update concerns a file that is read back with the holder's PIN; nothing was written",
            ),
            Self::PinMalformed => text("口令须为 4 至 12 位数字", "a PIN has 4 to 12 digits"),
            Self::PinRefused { left: Some(left) } => {
                lang.pick(format!("口令错误，还可试 {left} 次"), format!("the PIN is wrong, {left} tries are left"))
            }
            Self::PinRefused { left: None } => text("卡片拒绝口令", "the card refused the PIN"),
            Self::LastTry(TryRefused { secret, left }) => lang.pick(
                format!("{secret} 还可试 {left} 次，未经同意不再尝试"),
                format!("{secret} has {left} tries left, and none is spent unasked"),
            ),
            Self::CardRefused { what } => lang.pick(
                format!("卡片拒绝: {what}；更新仍待完成"),
                format!("the card refused: {what}; the update stays open"),
            ),
            Self::ReadBackDiffers => text(
                "回读内容与写入不符，更新仍待完成",
                "what was read back is not what was written; the update stays open",
            ),
            Self::Overtaken => text(
                "写卡期间又有新的变更，或卡已停用；以新状态为准",
                "a newer change has come while the card was in the reader, or it went out of use; what is recorded now holds",
            ),
        }
    }

    fn next(&self, lang: Lang) -> &'static str {
        match self {
            Self::Life(error) => error.next(lang),
            Self::Missing(error) => error.next(lang),
            Self::Operator(error) => error.next(lang),
            Self::Store(error) => error.next(lang),
            Self::Station(StationError::Transport(_)) | Self::Stranger(Stranger::Session(_)) | Self::ReadBackDiffers => lang.pick(
                "把同一张卡放回，再运行 issuer card update run，从断处继续",
                "put the same card back and run `issuer card update run` again: it goes on where it stopped",
            ),
            Self::Station(error) => error.next(lang),
            Self::Stranger(_) => lang.pick(
                "核对是否放错卡；此卡未被写入",
                "see whether it is the wrong card; nothing was written to it",
            ),
            Self::ItemsFixed { .. } => lang.pick(
                "用 issuer card update items 查看可更新项；其余用 issuer request new --kind data-change 换卡",
                "see `issuer card update items`; for the others ask for a new card: issuer request new --kind data-change",
            ),
            Self::CardState { .. } => lang.pick(
                "挂失的卡先解挂；已注销的卡不再更新",
                "release a lost card first; a cancelled one is not updated any more",
            ),
            Self::Unknown { .. } | Self::State { .. } => {
                lang.pick("用 issuer card update list 查看", "see them with `issuer card update list`")
            }
            Self::NoCard => lang.pick("放入卡片后再运行", "put the card in and run it again"),
            Self::PinNeeded | Self::PinMalformed => lang.pick(
                "请持卡人输入口令: 加 --holder-pin prompt 再运行",
                "let the holder type the PIN: run it again with --holder-pin prompt",
            ),
            Self::PinRefused { .. } | Self::LastTry(TryRefused { secret: Secret::Pin, .. }) => lang.pick(
                "忘记口令时先办 issuer pin reset 或 unblock",
                "if it is forgotten, see `issuer pin reset` and `issuer pin unblock` first",
            ),
            Self::LastTry(_) | Self::CardRefused { .. } => lang.pick(
                "再放卡试一次；仍被拒绝时换卡: issuer request new --kind warranty",
                "put the card in once more; if it refuses again, make another one: issuer request new --kind warranty",
            ),
            Self::Overtaken => lang.pick(
                "再运行 issuer card update run",
                "run `issuer card update run` again",
            ),
        }
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Life(error) => error.exit(),
            Self::Missing(error) => error.exit(),
            Self::Operator(error) => error.exit(),
            Self::Store(error) => error.exit(),
            Self::Station(StationError::Transport(error)) if error.card_lost() => Exit::Card,
            Self::Station(error) => error.exit(),
            Self::Stranger(error) => seen::exit(error),
            Self::CardRefused { .. } | Self::NoCard => Exit::Card,
            Self::Unknown { .. } => Exit::NotFound,
            Self::ItemsFixed { .. } | Self::CardState { .. } | Self::State { .. } | Self::Overtaken => Exit::Refused,
            Self::PinMalformed => Exit::Usage,
            Self::PinNeeded | Self::PinRefused { .. } | Self::LastTry(_) => Exit::Authentication,
            Self::ReadBackDiffers => Exit::Mismatch,
        }
    }

    fn retryable(&self) -> bool {
        match self {
            Self::Operator(error) => error.retryable(),
            Self::Store(error) => error.retryable(),
            Self::Station(error) => error.retryable(),
            Self::Overtaken => true,
            _ => false,
        }
    }
}
