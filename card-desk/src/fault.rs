//! Why no card or no PSAM could be chosen.
//!
//! Owns: these kinds, with the readers they speak of. Never: texts or codes, which are each program's own.

use card_core::security::SecurityError;
use card_core::session::SessionError;
use card_core::transport::TransportError;
use card_core::transport::pcsc::ChooseError;

/// Why no card or no PSAM could be chosen.
#[derive(Debug, thiserror::Error)]
pub enum DeskError {
    /// No reader could be chosen.
    #[error(transparent)]
    Choose(#[from] ChooseError),
    /// The reader or the card in it does not answer.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// The PSAM could not be opened.
    #[error(transparent)]
    Security(#[from] SecurityError),
    /// No card in any reader that is not a PSAM's.
    #[error("no card in {}", readers.join(", "))]
    NoCard {
        /// Readers looked at.
        readers: Vec<String>,
    },
    /// Cards in several readers, none named.
    #[error("cards in {}", readers.join(", "))]
    SeveralCards {
        /// Readers with a card.
        readers: Vec<String>,
    },
    /// No PSAM in any reader.
    #[error("no PSAM in {}", readers.join(", "))]
    NoPsam {
        /// Readers looked at.
        readers: Vec<String>,
    },
    /// Several PSAMs, none named.
    #[error("PSAMs in {}", readers.join(", "))]
    SeveralPsams {
        /// Readers with a PSAM.
        readers: Vec<String>,
    },
    /// No PSAM at hand has the environment of the card's algorithm.
    #[error("no PSAM for the algorithm of this card; PSAMs in {}", readers.join(", "))]
    Algorithm {
        /// Readers with a PSAM.
        readers: Vec<String>,
    },
}

impl DeskError {
    /// Whether a card that is put into a reader now would mend it.
    pub(crate) const fn waits_for_a_card(&self) -> bool {
        match self {
            Self::NoCard { .. } | Self::NoPsam { .. } => true,
            Self::Choose(ChooseError::Transport(error)) | Self::Session(SessionError::Transport(error)) => {
                matches!(error, TransportError::NoCard { .. })
            }
            Self::Choose(_)
            | Self::Session(_)
            | Self::Security(_)
            | Self::SeveralCards { .. }
            | Self::SeveralPsams { .. }
            | Self::Algorithm { .. } => false,
        }
    }
}

impl From<TransportError> for DeskError {
    fn from(error: TransportError) -> Self {
        Self::Session(error.into())
    }
}
