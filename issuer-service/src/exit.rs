//! Exit codes of `issuer`: the only place that knows them.
//!
//! Owns: the numbers and their meaning, the same for every program of the toolkit.

use std::process::ExitCode;

use crate::error::Error;

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done.
    Ok = 0,
    /// The command line, or a file named on it, cannot be understood.
    Usage = 1,
    /// Something named does not exist.
    NotFound = 2,
    /// A rule forbids it.
    Refused = 3,
    /// The card refused or failed.
    Card = 4,
    /// The reader failed.
    Reader = 5,
    /// PIN, passphrase or authentication.
    Authentication = 6,
    /// What was verified does not agree.
    Mismatch = 7,
    /// The other side does not answer; the record is kept.
    Peer = 8,
    /// Storage failed; nothing was done.
    Storage = 9,
    /// Partly done; see the report.
    Partly = 10,
    /// Our own mistake.
    Bug = 64,
}

impl Exit {
    /// All codes with their meaning, for the manual.
    pub const ALL: [(Self, &str); 12] = [
        (Self::Ok, "done"),
        (Self::Usage, "usage"),
        (Self::NotFound, "not found"),
        (Self::Refused, "refused by a rule"),
        (Self::Card, "card"),
        (Self::Reader, "reader"),
        (Self::Authentication, "PIN, passphrase or authentication"),
        (Self::Mismatch, "verification mismatch"),
        (Self::Peer, "peer unreachable, record kept"),
        (Self::Storage, "storage, nothing done"),
        (Self::Partly, "partly done, see report"),
        (Self::Bug, "bug"),
    ];

    /// The number.
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

impl From<&Error> for Exit {
    fn from(error: &Error) -> Self {
        error.explain().exit()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_of_the_toolkit() {
        let codes: Vec<u8> = Exit::ALL.iter().map(|(exit, _)| exit.code()).collect();
        assert_eq!(codes, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 64]);
    }
}
