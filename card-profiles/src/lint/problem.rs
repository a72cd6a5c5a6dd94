//! What contradicts what, in words.
//!
//! Owns: the kinds of contradiction and their texts. Never: looks for one.

use std::fmt;

use card_core::security::KeyName;

use crate::codec::EncodeError;
use crate::profile::KeyClass;

/// One contradiction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Where: `DF04.EF05.tag_81`, `key UK1DF04`, `pin`.
    pub place: String,
    /// What.
    pub problem: Problem,
}

/// What contradicts what.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// Grammar version that this program does not read.
    #[error("grammar version {0} is not known")]
    GrammarUnknown(u32),
    /// Stated size or count differs from the sum of the rows.
    #[error("{what} is stated as {stated}, the rows give {computed}")]
    Sum {
        /// Size, records, length.
        what: &'static str,
        /// As written.
        stated: usize,
        /// As computed.
        computed: usize,
    },
    /// Two rows share an identifier.
    #[error("{what} {value} is used twice")]
    Duplicate {
        /// Which identifier.
        what: &'static str,
        /// Its value.
        value: String,
    },
    /// A row names a key that is not there, or not in this DF nor in the first one.
    #[error("key {0} is not among the keys of this directory or of the first")]
    KeyMissing(KeyName),
    /// A condition names a key that cannot be proved by EXTERNAL AUTHENTICATION.
    #[error("key {0} does not serve external authentication")]
    KeyCannotAuthenticate(KeyName),
    /// A row needs a key of another class.
    #[error("key {key} has the class {found:?}, this row needs {needed:?}")]
    KeyClassWrong {
        /// Key.
        key: KeyName,
        /// Its class.
        found: KeyClass,
        /// What the row needs.
        needed: KeyClass,
    },
    /// A file of another structure than its use needs.
    #[error("{0} is no cyclic file, and transactions are logged there")]
    LogNotCyclic(String),
    /// A version of the specification that does not exist.
    #[error("{0:?} is no generation of the card: 1, 2 or 3 comes first")]
    VersionUnknown(String),
    /// HSM address of another form.
    #[error("HSM address {0:?} is not four hex digits")]
    HsmAddress(String),
    /// A PSAM without what a terminal looks for in it.
    #[error("a PSAM has an environment with the file of terminal_number, and an application")]
    PsamIncomplete,
    /// A condition names the PIN of a card that has none.
    #[error("the card has no PIN")]
    PinMissing,
    /// A row names a directory or file that is not there.
    #[error("{0} does not exist")]
    PlaceMissing(String),
    /// A private key whose file says that it can be read.
    #[error("a private key that can be read")]
    PrivateReadable,
    /// Commands without access conditions.
    #[error("no row says what must be proved before its commands")]
    AccessMissing,
    /// A tag where none may be, or none where one must be.
    #[error("a record of TLV files has a tag, a field of other files has none")]
    Tag,
    /// A number outside what the card can hold.
    #[error("{what} is {value}, expected {expected}")]
    OutOfRange {
        /// What.
        what: &'static str,
        /// As written.
        value: usize,
        /// What is possible.
        expected: &'static str,
    },
    /// A value that the profile itself fixes does not fit its item.
    #[error("{value:?} does not fit: {error}")]
    Unencodable {
        /// The value.
        value: String,
        /// Why.
        error: EncodeError,
    },
    /// Files and keys need more memory than the chip has.
    #[error("files and keys need {needed} bytes, the chip has {capacity}")]
    Capacity {
        /// Sum.
        needed: usize,
        /// Of the chip.
        capacity: usize,
    },
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.problem)
    }
}
