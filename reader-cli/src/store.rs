//! What the terminal keeps: the only room that knows SQL.
//!
//! Owns: errors of storage. Never: decides what a state means (`settlement`).

use crate::error::Code;

/// The journal or the data folder failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The disk is full.
    #[error("{place}: disk full")]
    Full {
        /// File.
        place: String,
    },
    /// Another program holds it.
    #[error("{place}: in use by another program")]
    Busy {
        /// File.
        place: String,
    },
    /// Damaged, or written by something else.
    #[error("{place}: damaged: {reason}")]
    Corrupt {
        /// File.
        place: String,
        /// What does not fit.
        reason: String,
    },
    /// The database failed.
    #[error("{place}: {source}")]
    Database {
        /// File.
        place: String,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// A file or folder failed.
    #[error("{place}: {source}")]
    Folder {
        /// Path.
        place: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// An entry is not in the state that the move starts from.
    #[error("journal entry {id} is not in state {expected}")]
    Moved {
        /// Entry.
        id: String,
        /// State expected.
        expected: &'static str,
    },
}

impl StoreError {
    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> Code {
        match self {
            Self::Full { .. } => Code::StoreFull,
            Self::Busy { .. } => Code::StoreBusy,
            Self::Corrupt { .. } => Code::StoreCorrupt,
            Self::Database { .. } | Self::Folder { .. } | Self::Moved { .. } => Code::StoreFailed,
        }
    }
}
