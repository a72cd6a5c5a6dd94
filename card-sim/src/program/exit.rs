//! Exit codes: 0 ok · 1 usage · 2 not found · 3 refused by a rule · 4 card · 5 reader · 9 storage, nothing done.

use std::process::ExitCode;

use super::Failure;
use crate::image::ImageError;
use crate::reader::ReaderError;

/// A wrong command line.
pub(crate) const USAGE: u8 = 1;
const NOT_FOUND: u8 = 2;
const REFUSED: u8 = 3;
const CARD: u8 = 4;
const READER: u8 = 5;
const STORAGE: u8 = 9;

pub(crate) fn code(failure: &Failure) -> ExitCode {
    ExitCode::from(match failure {
        Failure::NoProfile(_) | Failure::HopperEmpty => NOT_FOUND,
        Failure::Image(error) => image(error),
        Failure::Reader(error) => reader(error),
        Failure::ServerEnded { code, .. } => u8::try_from(*code).ok().filter(|code| *code != 0).unwrap_or(READER),
        Failure::KeyFile { .. } => REFUSED,
        Failure::File { .. } => STORAGE,
    })
}

const fn image(error: &ImageError) -> u8 {
    match error {
        ImageError::NotFound(_) => NOT_FOUND,
        ImageError::Exists(_) | ImageError::InUse(_) | ImageError::TooManyFaults(_) | ImageError::Keys(_) => REFUSED,
        ImageError::Malformed { .. } | ImageError::Model(_) | ImageError::Profile(_) | ImageError::Card(_) => CARD,
        ImageError::File { .. } => STORAGE,
    }
}

fn reader(error: &ReaderError) -> u8 {
    match error {
        ReaderError::NoDaemon
        | ReaderError::NoDriver
        | ReaderError::DaemonFailed { .. }
        | ReaderError::NotRunning(_)
        | ReaderError::Network(_) => READER,
        ReaderError::Running(_) | ReaderError::Occupied(_) | ReaderError::SlotCount(_) => REFUSED,
        ReaderError::NoSuchSlot { .. } | ReaderError::Empty(_) | ReaderError::NoHopper => NOT_FOUND,
        ReaderError::Image(error) => image(error),
        ReaderError::State { .. } | ReaderError::PathTooLong(_) => STORAGE,
        ReaderError::Server { code, .. } => match code.as_str() {
            "SLOT_UNKNOWN" | "SLOT_EMPTY" | "HOPPER_MISSING" | "IMAGE_NOT_FOUND" => NOT_FOUND,
            "SLOT_OCCUPIED" | "IMAGE_IN_USE" | "FAULTS_TOO_MANY" => REFUSED,
            "IMAGE_MALFORMED" | "IMAGE_MEMORY" | "PROFILE_UNUSABLE" | "PROFILE_MALFORMED" => CARD,
            "IMAGE_FILE" | "STATE_FOLDER" => STORAGE,
            _ => READER,
        },
    }
}
