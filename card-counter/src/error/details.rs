//! What an error says more closely: why a transaction stays open, which paper cannot be read, what is not on the card.
//!
//! Owns: these kinds. Never: texts (`error::wording`).

use std::fmt;

use card_core::StatusWord;
use card_core::fci::AlgorithmId;
use settlement::recovery::Contradiction;

use crate::language::Words;

/// Why an open transaction stays open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unsettled {
    /// The card tells its counter and log only after the PIN.
    #[error("the card tells only after its PIN")]
    PinNeeded,
    /// What the card shows does not fit what was sent.
    #[error(transparent)]
    Contradiction(#[from] Contradiction),
}

/// A card without a directory of the profile that was named for it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ProfileDiffers {
    /// Profile as named.
    pub profile: String,
    /// What the card has otherwise.
    pub otherwise: Otherwise,
    /// Built-in profiles, and those of this site, whose directories are all on the card.
    pub fitting: Vec<String>,
}

/// What a card has otherwise than a profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Otherwise {
    /// It lacks a directory.
    Directory {
        /// Its id.
        df: String,
        /// Answer to SELECT.
        sw: StatusWord,
    },
    /// The FCI of its first directory names another algorithm, or none.
    Algorithm(Option<AlgorithmId>),
    /// It states another 规范版本.
    Version(String),
}

impl ProfileDiffers {
    pub(super) fn words(&self) -> Words {
        let Self { profile, otherwise, fitting } = self;
        let (zh, en) = match fitting.join(", ") {
            none if none.is_empty() => (String::new(), String::new()),
            names => (format!(";符合的描述:{names}"), format!("; it has every directory of {names}")),
        };
        match otherwise {
            Otherwise::Directory { df, sw: StatusWord(sw) } => Words::of(
                format!("卡上没有 {profile} 的 {df}({sw:04X}){zh}"),
                format!("the card has no {df} of {profile} ({sw:04X}){en}"),
            ),
            Otherwise::Version(version) => {
                let (zh, en) = match fitting.join(", ") {
                    none if none.is_empty() => (String::new(), String::new()),
                    names => (format!(";应为 {names}"), format!("; it is of {names}")),
                };
                Words::of(
                    format!("卡的规范版本是 {version},不是 {profile} 的{zh}"),
                    format!("the card states version {version}, {profile} is of another{en}"),
                )
            }
            Otherwise::Algorithm(None) => Words::of(
                format!("卡未给出 {profile} 的算法标识{zh}"),
                format!("the card names no algorithm, {profile} does{en}"),
            ),
            Otherwise::Algorithm(Some(AlgorithmId(id))) => Words::of(
                format!("卡给出的算法标识 {id:02X} 与 {profile} 不符{zh}"),
                format!("the card names algorithm {id:02X}, {profile} another{en}"),
            ),
        }
    }
}

impl fmt::Display for ProfileDiffers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words().en)
    }
}

/// A limit of the terminal, by its number; 6, the age of the blacklist, has codes of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Limit {
    /// One purchase.
    Purchase,
    /// What one card spends here on one day.
    CardDaySum,
    /// How often one card buys here on one day.
    CardDayCount,
    /// Records that wait for upload.
    PendingRecords,
    /// What the waiting records add up to.
    PendingSum,
}

impl Limit {
    /// Its stable number.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Purchase => 1,
            Self::CardDaySum => 2,
            Self::CardDayCount => 3,
            Self::PendingRecords => 4,
            Self::PendingSum => 5,
        }
    }

    /// Its name in the parameters of the centre.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Purchase => "purchase_max_fen",
            Self::CardDaySum => "card_day_max_fen",
            Self::CardDayCount => "card_day_count_max",
            Self::PendingRecords => "pending_records_max",
            Self::PendingSum => "pending_max_fen",
        }
    }

    /// Whether an upload makes room.
    #[must_use]
    pub const fn is_of_upload(self) -> bool {
        matches!(self, Self::PendingRecords | Self::PendingSum)
    }

    pub(super) fn words(self) -> Words {
        let (number, name) = (self.number(), self.name());
        let zh = match self {
            Self::Purchase => "单笔金额",
            Self::CardDaySum => "单卡当日金额",
            Self::CardDayCount => "单卡当日笔数",
            Self::PendingRecords => "待上传笔数",
            Self::PendingSum => "待上传金额",
        };
        Words::of(format!("限额 {number}({zh},{name})"), self.to_string())
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "limit {} ({})", self.number(), self.name())
    }
}

/// A file that a pharmacy writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paper {
    /// 账单.
    Bill,
    /// 目录.
    Catalogue,
    /// 支付政策.
    Policy,
}
