//! What can go wrong in the shell.
//!
//! Owns: these errors. Never: texts (`error::wording`), PINs, values of a card.

use card_profiles::read::Reason;
use card_profiles::{Place, codec};

use crate::language::Words;

/// What a person asked for and cannot have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ShellError {
    /// No such command, or other words than it takes.
    #[error("{0}")]
    Usage(Words),
    /// No such directory or file in the profile.
    #[error("the profile has no {0}")]
    NoSuchPlace(String),
    /// No such key in the profile, or one that proves nothing.
    #[error("the profile has no key {0} that proves anything")]
    NoSuchKey(String),
    /// A file is not open to reading.
    #[error("{place}: {reason}")]
    Closed {
        /// File.
        place: Place,
        /// Why.
        reason: Reason,
    },
    /// A script verifies a PIN and does not say where it is.
    #[error("a PIN is needed")]
    PinSource,
    /// Updates were not asked for when the shell began.
    #[error("the shell was started without --allow-update")]
    ReadOnly,
    /// A file is written after a proof that was not made.
    #[error("{place}: update {rule}")]
    Unproved {
        /// Item.
        place: Place,
        /// The condition, as the profile writes it.
        rule: String,
        /// Commands of the shell that prove what it names.
        acts: Vec<String>,
    },
    /// A value does not go onto the card.
    #[error("{place}: {source}")]
    Value {
        /// Item.
        place: Place,
        /// Why.
        source: codec::EncodeError,
    },
    /// What was read back is not what was written.
    #[error("{0} was read back with another value")]
    ReadBack(Place),
    /// A script expected something else.
    #[error("{expected} expected, {got} came")]
    Expectation {
        /// As written.
        expected: String,
        /// What came; a value of the card is not repeated.
        got: String,
    },
}
