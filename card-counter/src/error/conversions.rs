//! Errors of the layers below, as the terminal's.
//!
//! Owns: which of them is which. Never: adds words.

use card_core::script::StepError;
use card_core::security::SecurityError;
use card_core::session::{ChallengeError, SessionError};
use card_core::transport::TransportError;
use card_desk::DeskError;
use card_profiles::account::AnswerLength;

use super::TerminalError;

impl From<TransportError> for TerminalError {
    fn from(error: TransportError) -> Self {
        Self::Session(SessionError::Transport(error))
    }
}

impl From<DeskError> for TerminalError {
    fn from(error: DeskError) -> Self {
        match error {
            DeskError::Choose(error) => Self::Choose(error),
            DeskError::Session(error) => Self::Session(error),
            DeskError::Security(error) => error.into(),
            DeskError::NoCard { readers } => Self::NoUserCard { readers },
            DeskError::SeveralCards { readers } => Self::SeveralUserCards { readers },
            DeskError::NoPsam { readers } => Self::PsamMissing { readers },
            DeskError::SeveralPsams { readers } => Self::SeveralPsams { readers },
            DeskError::Algorithm { readers } => Self::PsamAlgorithm { readers },
        }
    }
}

impl From<SecurityError> for TerminalError {
    fn from(error: SecurityError) -> Self {
        match error {
            SecurityError::Challenge(error) => error.into(),
            other => Self::Security(other),
        }
    }
}

impl From<ChallengeError> for TerminalError {
    fn from(error: ChallengeError) -> Self {
        match error {
            ChallengeError::Session(error) => Self::Session(error),
            ChallengeError::Refused(sw) => Self::CardRefused { command: "GET CHALLENGE", sw },
        }
    }
}

impl From<StepError> for TerminalError {
    fn from(error: StepError) -> Self {
        match error {
            StepError::Session(error) => Self::Session(error),
            StepError::Challenge(sw) => Self::CardRefused { command: "GET CHALLENGE", sw },
            StepError::Security(error) => error.into(),
            StepError::NotGenuine(_) => Self::Bug("a card is compared with the PSAM in one place, which expects this"),
            StepError::NoModule(_) => Self::PsamMissing { readers: Vec::new() },
        }
    }
}

impl From<AnswerLength> for TerminalError {
    fn from(error: AnswerLength) -> Self {
        Self::CardAnswer { command: error.command }
    }
}
