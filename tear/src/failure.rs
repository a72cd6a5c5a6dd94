//! Why a proof cannot go on. What it finds is no failure but its result.
//!
//! Owns: the errors, their exit codes, what to do about them. Never: prints.

use std::io;
use std::path::PathBuf;

use card_counter::TerminalError;
use card_counter::store::StoreError as JournalError;
use card_sim::ModelError;
use issuer_service::batch::BatchError;
use issuer_service::card::failure::LifeError;
use issuer_service::centre::CentreError;
use issuer_service::clearing::refusal::ClearingError;
use issuer_service::psam::PsamError;
use issuer_service::station::failure::StationError;
use issuer_service::store::StoreError;
use issuer_service::vault::VaultError;

/// Why a proof stopped.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// A file or folder.
    #[error("{what}: {source}")]
    System {
        /// Which.
        what: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The answer could not be printed.
    #[error("standard output: {0}")]
    Output(io::Error),
    /// Something that the proof begins with did not happen.
    #[error("{0} did not happen")]
    NotMade(&'static str),
    /// The terminal refused what must work before anything is torn.
    #[error("the terminal, before anything was torn: {0}")]
    Terminal(#[from] TerminalError),
    /// The journal.
    #[error("the journal: {0}")]
    Journal(#[from] JournalError),
    /// No card can be made.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The centre's folder.
    #[error(transparent)]
    Centre(#[from] CentreError),
    /// The centre's database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The batch.
    #[error(transparent)]
    Batch(#[from] BatchError),
    /// The vault.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The station.
    #[error(transparent)]
    Station(#[from] StationError),
    /// The PSAM.
    #[error(transparent)]
    Psam(#[from] PsamError),
    /// Handing the card out.
    #[error(transparent)]
    Life(#[from] LifeError),
    /// The centre's money.
    #[error(transparent)]
    Clearing(#[from] ClearingError),
}

impl Failure {
    /// A file that the system refused.
    pub fn system(what: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |source| Self::System { what, source }
    }

    /// Whether the disk or the output is at fault, and not a program of this house.
    #[must_use]
    pub const fn is_storage(&self) -> bool {
        match self {
            Self::System { .. } | Self::Output(_) | Self::Journal(_) | Self::Store(_) => true,
            Self::NotMade(_)
            | Self::Terminal(_)
            | Self::Model(_)
            | Self::Centre(_)
            | Self::Batch(_)
            | Self::Vault(_)
            | Self::Station(_)
            | Self::Psam(_)
            | Self::Life(_)
            | Self::Clearing(_) => false,
        }
    }
}
