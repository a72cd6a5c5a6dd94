//! Why a soak cannot go on. What it finds in the books is no failure but its result.
//!
//! Owns: the errors, their exit codes. Never: prints.

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use card_sim::image::ImageError;
use card_sim::reader::ReaderError;
use issuer_service::batch::BatchError;
use issuer_service::centre::CentreError;
use issuer_service::error::Explain;
use issuer_service::station::failure::StationError;
use issuer_service::store::StoreError;
use issuer_service::vault::VaultError;

use crate::store::Unread;

/// Why a soak stopped.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// A file or a program.
    #[error("{what}: {source}")]
    System {
        /// Which.
        what: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// There is no C compiler, or it does not take the fault's text.
    #[error("the C compiler `cc` did not build the fault: {said}")]
    Compiler {
        /// What it said.
        said: String,
    },
    /// The folder was used before.
    #[error("{folder} is not empty: name a new folder")]
    Inhabited {
        /// The folder.
        folder: PathBuf,
    },
    /// A life ended otherwise than it should.
    #[error("life {life} ended with {ended}: {said}")]
    Life {
        /// Which, from 1.
        life: u64,
        /// How.
        ended: String,
        /// What it said.
        said: String,
    },
    /// Life after life and no end.
    #[error("after {lives} lives the batch is not finished")]
    Endless {
        /// How many.
        lives: u64,
    },
    /// A program did not do what the soak needs to begin.
    #[error("{arguments}: {said}")]
    Program {
        /// What it was asked.
        arguments: String,
        /// What it said.
        said: String,
    },
    /// A made card could not be read, or said something else the second time.
    #[error("the card in {reader}: {why}")]
    Misread {
        /// Where.
        reader: String,
        /// Why.
        why: String,
    },
    /// Something that a day begins with is not to be had.
    #[error("no {what}")]
    Unlived {
        /// What.
        what: &'static str,
    },
    /// A terminal refused though nothing disturbed it.
    #[error("day {seed}: a terminal refused with {code} though nothing disturbed it")]
    Undisturbed {
        /// Its seed.
        seed: u64,
        /// Code.
        code: &'static str,
    },
    /// A town of terminals.
    #[error(transparent)]
    Town(#[from] tear::failure::Failure),
    /// A terminal's journal.
    #[error(transparent)]
    Journal(#[from] card_counter::store::StoreError),
    /// The centre's money.
    #[error(transparent)]
    Clearing(#[from] issuer_service::clearing::refusal::ClearingError),
    /// The virtual readers.
    #[error(transparent)]
    Readers(#[from] ReaderError),
    /// The centre's folder.
    #[error(transparent)]
    Centre(#[from] CentreError),
    /// The centre's database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The batch.
    #[error(transparent)]
    Batch(#[from] BatchError),
    /// The keys.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The station.
    #[error(transparent)]
    Station(#[from] StationError),
    /// A card's file.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// The second look into the database.
    #[error("the database, looked at from outside: {0}")]
    Books(#[from] Unread),
}

impl Failure {
    /// A file or program that the system refused.
    pub fn system(what: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |source| Self::System { what, source }
    }

    /// 1 usage, 4 a card, 5 the readers, 9 storage, those of the centre for what it refuses, 64 a fault of this program or of the one under test.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Inhabited { .. } => 1,
            Self::System { .. } | Self::Image(_) | Self::Books(_) | Self::Journal(_) => 9,
            Self::Town(error) if error.is_storage() => 9,
            Self::Clearing(error) => error.exit().code(),
            Self::Undisturbed { .. } => 7,
            Self::Centre(error) => error.exit().code(),
            Self::Store(error) => error.exit().code(),
            Self::Batch(error) => error.exit().code(),
            Self::Vault(error) => error.exit().code(),
            Self::Station(error) => error.exit().code(),
            Self::Misread { .. } => 4,
            Self::Readers(_) => 5,
            Self::Town(_)
            | Self::Unlived { .. }
            | Self::Compiler { .. }
            | Self::Life { .. }
            | Self::Endless { .. }
            | Self::Program { .. } => 64,
        })
    }
}
