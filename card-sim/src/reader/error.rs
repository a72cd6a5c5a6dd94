//! What can go wrong with virtual readers, by who can mend it.

use std::io;
use std::path::PathBuf;

use crate::image::ImageError;

/// Why a reader could not be started or used.
#[derive(Debug, thiserror::Error)]
pub enum ReaderError {
    /// The PC/SC daemon is not installed.
    #[error("pcscd is not installed")]
    NoDaemon,
    /// The driver of virtual readers is not installed.
    #[error("the driver libifdvpcd.so is not installed")]
    NoDriver,
    /// The daemon ended or never looked at its readers.
    #[error("the private PC/SC daemon failed: {report}")]
    DaemonFailed {
        /// Last lines that it wrote.
        report: String,
    },
    /// Readers run already in this folder.
    #[error("readers run already in {}", .0.display())]
    Running(PathBuf),
    /// No readers run in this folder.
    #[error("no readers run in {}", .0.display())]
    NotRunning(PathBuf),
    /// No such slot.
    #[error("there is no slot {slot}; there are {slots}, from 0")]
    NoSuchSlot {
        /// Slot asked for.
        slot: usize,
        /// Slots there are.
        slots: usize,
    },
    /// Too many or too few slots.
    #[error("{0} slots; a daemon has 1 to 16")]
    SlotCount(usize),
    /// There is a card in the slot.
    #[error("slot {0} holds a card")]
    Occupied(usize),
    /// There is no card in the slot.
    #[error("slot {0} holds no card")]
    Empty(usize),
    /// No hopper was named.
    #[error("the readers were started without a hopper")]
    NoHopper,
    /// The image cannot be used.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// The state folder cannot be used.
    #[error("{}: {source}", path.display())]
    State {
        /// Folder or file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The state folder's path is too long for a Unix socket.
    #[error("{} is too long a path for a socket (108 bytes)", .0.display())]
    PathTooLong(PathBuf),
    /// No ports, or the connection to the card server broke.
    #[error("network: {0}")]
    Network(#[source] io::Error),
    /// The card server refused, in its own words.
    #[error("{message}")]
    Server {
        /// Stable code.
        code: String,
        /// What happened.
        message: String,
    },
}

impl ReaderError {
    /// Stable code.
    #[must_use]
    pub fn code(&self) -> &str {
        match self {
            Self::NoDaemon => "PCSCD_MISSING",
            Self::NoDriver => "VPCD_DRIVER_MISSING",
            Self::DaemonFailed { .. } => "PCSCD_FAILED",
            Self::Running(_) => "READERS_RUNNING",
            Self::NotRunning(_) => "READERS_NOT_RUNNING",
            Self::NoSuchSlot { .. } => "SLOT_UNKNOWN",
            Self::SlotCount(_) => "SLOT_COUNT",
            Self::Occupied(_) => "SLOT_OCCUPIED",
            Self::Empty(_) => "SLOT_EMPTY",
            Self::NoHopper => "HOPPER_MISSING",
            Self::Image(error) => error.code(),
            Self::State { .. } => "STATE_FOLDER",
            Self::PathTooLong(_) => "PATH_TOO_LONG",
            Self::Network(_) => "CARD_SERVER_LOST",
            Self::Server { code, .. } => code,
        }
    }
}
