//! What a read of a card brought: values, faults and refusals side by side.
//!
//! Owns: why a file could not be read, in both languages, with a stable code. Never: shows what was read in `Debug`.

use card_core::fci::Fci;
use card_core::security::{KeyName, SecurityError};
use card_core::{Response, StatusWord};

use crate::access::Right;
use crate::approach::State;
use crate::image::Reading;
use crate::place::Place;
use crate::profile::Profile;
use crate::ways::{Sure, Ways};

/// What a read brought.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Values and faults.
    pub reading: Reading,
    /// Files that could not be read, or not whole.
    pub refusals: Vec<Refusal>,
    /// FCI of the environment, when it was asked for and is one.
    pub fci: Option<Fci>,
    /// How this card is read: to be remembered for cards of its type.
    pub ways: Ways,
    /// Records of cyclic files as the card answered them, the newest first.
    pub records: Vec<CyclicRecord>,
    /// What is selected and proved.
    pub state: State,
    /// What the card showed to work.
    pub(super) sure: Sure,
}

impl Outcome {
    /// As after SELECT of the first directory of a profile, which answered this: data are its FCI.
    #[must_use]
    pub fn selected(profile: &Profile, answer: &Response) -> Self {
        let mut state = State::default();
        let _ = profile.df.first().and_then(|df| state.select(profile, df));
        Self { state, fci: Fci::parse(&answer.data).ok(), ..Self::default() }
    }
}

/// A record of a cyclic file. What was read is personal: `Debug` says where and how long.
#[derive(Clone, PartialEq, Eq)]
pub struct CyclicRecord {
    /// File and number.
    pub place: Place,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

impl std::fmt::Debug for CyclicRecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} [{} bytes]", self.place, self.bytes.len())
    }
}

/// A file that could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {reason}")]
pub struct Refusal {
    /// The file.
    pub place: Place,
    /// Why.
    pub reason: Reason,
}

/// Why a file could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// The profile has no such file.
    #[error("the profile has no such file")]
    NoSuchFile,
    /// Nothing opens it.
    #[error("this file is never read")]
    Never,
    /// The terminal cannot prove what the file asks for: no PIN given, no security module.
    #[error("{0} would have to be proved")]
    Unproved(Right),
    /// The security module gave no cryptogram.
    #[error("the security module gave no proof of {key}: {fault}")]
    Module {
        /// The key.
        key: KeyName,
        /// Why.
        fault: ModuleFault,
    },
    /// So few tries are left that none is spent unasked.
    #[error("{right} has {left} {} left, not spent unasked", if *left == 1 { "try" } else { "tries" })]
    Withheld {
        /// What was to be proved.
        right: Right,
        /// Tries left.
        left: u8,
    },
    /// The card refused the proof.
    #[error("the card refused the proof of {right}: {sw:?}")]
    ProofRefused {
        /// What was to be proved.
        right: Right,
        /// Its status word.
        sw: StatusWord,
    },
    /// Not tried: the card refused another key of the same security module.
    #[error("{key} was not tried: the card refused {refused} of the same security module")]
    Spared {
        /// What was to be proved.
        key: KeyName,
        /// The key that the card refused.
        refused: KeyName,
    },
    /// The card refused the selection or the read.
    #[error("the card refused: {0:?}")]
    Refused(StatusWord),
    /// The card stopped answering before the file was read to its end.
    #[error("the card stopped answering")]
    Lost,
}

impl Reason {
    /// Stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NoSuchFile => "FILE_NOT_IN_PROFILE",
            Self::Never => "FILE_NEVER_READ",
            Self::Unproved(Right::Pin) => "PIN_NEEDED",
            Self::Unproved(Right::Key(_)) => "KEY_NEEDED",
            Self::Module { .. } => "MODULE_REFUSED",
            Self::Withheld { .. } => "LAST_TRY",
            Self::ProofRefused { right: Right::Pin, .. } => "PIN_REFUSED",
            Self::ProofRefused { right: Right::Key(_), .. } => "KEY_REFUSED",
            Self::Spared { .. } => "KEY_NOT_TRIED",
            Self::Refused(_) => "FILE_REFUSED",
            Self::Lost => "CARD_LOST",
        }
    }

    /// The reason in Chinese.
    #[must_use]
    pub fn zh(&self) -> String {
        let meaning = |sw: &StatusWord| format!("{:04X} {}", sw.0, sw.meaning().map_or("", |(zh, _)| zh));
        match self {
            Self::NoSuchFile => "卡片描述中没有该文件".to_owned(),
            Self::Never => "该文件不允许读取".to_owned(),
            Self::Unproved(Right::Pin) => "需要先校验个人口令".to_owned(),
            Self::Unproved(Right::Key(name)) => format!("需要用密钥 {name} 进行外部认证"),
            Self::Module { key, .. } => format!("PSAM 未能给出密钥 {key} 的认证数据"),
            Self::Withheld { right, left } => format!("{right} 还可试 {left} 次，未经同意不再尝试"),
            Self::ProofRefused { right, sw } => format!("卡片拒绝 {right} 认证（{}）", meaning(sw)),
            Self::Spared { key, refused } => format!("卡片拒绝了同一 PSAM 的 {refused}，{key} 不再尝试"),
            Self::Refused(sw) => format!("卡片拒绝读取（{}）", meaning(sw)),
            Self::Lost => "读完之前卡片已无应答".to_owned(),
        }
    }
}

/// Why a security module gave no cryptogram.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ModuleFault {
    /// It does not hold the key.
    #[error("it does not hold the key")]
    NoKey,
    /// It holds the key at another level of the hierarchy.
    #[error("it holds the key at another level: {factors} factors do not fit")]
    Level {
        /// Factors that lead to the card.
        factors: usize,
    },
    /// It cannot do this.
    #[error("it cannot do this")]
    Unsupported,
    /// It refused.
    #[error("it refused: {0:?}")]
    Refused(StatusWord),
    /// It does not answer.
    #[error("it does not answer")]
    Silent,
}

impl From<&SecurityError> for ModuleFault {
    fn from(error: &SecurityError) -> Self {
        match error {
            SecurityError::KeyNotFound { .. } => Self::NoKey,
            SecurityError::LevelTooLow { levels, .. } => Self::Level { factors: *levels },
            SecurityError::Unsupported { .. } | SecurityError::StaysInside { .. } => Self::Unsupported,
            SecurityError::Refused { sw, .. } | SecurityError::NotPsam(sw) => Self::Refused(*sw),
            SecurityError::Session(_) | SecurityError::Challenge(_) | SecurityError::Gone(_) => Self::Silent,
        }
    }
}
