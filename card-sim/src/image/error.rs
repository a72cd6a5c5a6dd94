//! Why an image cannot be made or opened.
//!
//! Owns: the kinds and their codes. Never: texts for people (`program::text`).

use std::io;
use std::path::PathBuf;

use card_profiles::ProfileError;
use card_profiles::key_file::KeyFileError;
use card_profiles::rehearsal::MARK;

use super::{FAULT_AREA, FORMAT};
use crate::card::Silence;
use crate::model::{LAYOUT, ModelError};

/// Why an image cannot be made or opened.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// The file system refused.
    #[error("{}: {source}", path.display())]
    File {
        /// Image.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// There is a file already.
    #[error("{} exists already", .0.display())]
    Exists(PathBuf),
    /// There is no such file.
    #[error("{} does not exist", .0.display())]
    NotFound(PathBuf),
    /// Another reader holds it.
    #[error("{} is in another reader", .0.display())]
    InUse(PathBuf),
    /// Not an image of this program.
    #[error("{} is no card image: {problem}", path.display())]
    Malformed {
        /// Image.
        path: PathBuf,
        /// What is wrong with it.
        problem: Malformed,
    },
    /// The faults do not fit their area.
    #[error("the faults of {} need more than {FAULT_AREA} bytes", .0.display())]
    TooManyFaults(PathBuf),
    /// No card can be made of the profile.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The profile text is none.
    #[error(transparent)]
    Profile(#[from] ProfileError),
    /// The keys cannot be put in.
    #[error(transparent)]
    Keys(#[from] KeyFileError),
    /// The card's memory cannot be brought to a sound state.
    #[error(transparent)]
    Card(#[from] Silence),
}

impl ImageError {
    /// Stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::File { .. } => "IMAGE_FILE",
            Self::Exists(_) => "IMAGE_EXISTS",
            Self::NotFound(_) => "IMAGE_NOT_FOUND",
            Self::InUse(_) => "IMAGE_IN_USE",
            Self::Malformed { .. } => "IMAGE_MALFORMED",
            Self::TooManyFaults(_) => "FAULTS_TOO_MANY",
            Self::Model(_) => "PROFILE_UNUSABLE",
            Self::Profile(_) => ProfileError::CODE,
            Self::Keys(error) => error.code(),
            Self::Card(_) => "IMAGE_MEMORY",
        }
    }
}

/// What can be wrong with the bytes of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// Other first bytes.
    #[error("it does not start with the mark of an image")]
    Magic,
    /// Another format or layout.
    #[error("format {format}, layout {layout}; this program reads format {FORMAT}, layouts 1 to {LAYOUT}")]
    Version {
        /// Format version.
        format: u32,
        /// Layout version.
        layout: u32,
    },
    /// Areas that lie outside the file, or not as the profile lays them out.
    #[error("its areas do not fit the file")]
    Areas,
    /// The identity is not the JSON expected.
    #[error("its identity cannot be read")]
    Identity,
    /// Header or identity are not what their check sum says.
    #[error("a byte of its first {0} is damaged: header or identity")]
    Damaged(usize),
    /// Not marked REHEARSAL.
    #[error("it is not marked {MARK}")]
    Mark,
    /// The faults are not the JSON expected.
    #[error("its faults cannot be read")]
    Faults,
}
