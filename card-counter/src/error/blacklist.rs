//! What can go wrong with a blacklist and with the key that it is checked by.
//!
//! Owns: these errors and their stable codes. Never: texts (`error::wording`).

use settlement::blacklist::{ListFault, NotAList};
use settlement::id::PublicKey;

use super::Code;

/// A blacklist is not taken over, or the centre's key is not as it was.
#[derive(Debug, thiserror::Error)]
pub enum BlacklistError {
    /// It breaks a rule; the list that is held stays.
    #[error(transparent)]
    List(#[from] ListFault),
    /// The file is no list.
    #[error("{path}: {place}")]
    Malformed {
        /// File.
        path: String,
        /// Line and column.
        place: NotAList,
    },
    /// Nobody said which key the centre signs with.
    #[error("the terminal does not know the centre's key")]
    KeyUnknown,
    /// The centre signs with another key than it did.
    #[error("the centre signs with {offered}, this terminal trusts {trusted}")]
    KeyDiffers {
        /// The key now.
        offered: PublicKey,
        /// The key trusted.
        trusted: PublicKey,
    },
}

impl BlacklistError {
    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> Code {
        match self {
            Self::List(ListFault::Foreign { .. }) => Code::BlacklistForeign,
            Self::List(ListFault::Unsigned { .. }) => Code::BlacklistUnsigned,
            Self::List(ListFault::Older { .. }) => Code::BlacklistOlder,
            Self::List(ListFault::Expired { .. }) => Code::BlacklistExpired,
            Self::List(ListFault::Ahead { .. }) => Code::BlacklistAhead,
            Self::List(ListFault::Gap { .. }) => Code::BlacklistGap,
            Self::List(ListFault::TooLong { .. }) => Code::BlacklistTooLong,
            Self::Malformed { .. } => Code::BlacklistMalformed,
            Self::KeyUnknown => Code::CentreKeyUnknown,
            Self::KeyDiffers { .. } => Code::CentreKeyDiffers,
        }
    }
}
