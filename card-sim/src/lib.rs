//! How a card behaves: the software card and PSAM, with power loss on demand, in process or in a reader of the system's
//! PC/SC daemon.
//!
//! Owns: the card's operating system, its memory and image file, the virtual readers.
//! Never: is the source of a golden trace: it shares the profile with what it tests and cannot contradict it.

mod card;
mod challenge;
mod door;
pub mod fault;
pub mod image;
mod in_process;
mod inspection;
pub mod memory;
mod model;
pub mod noise;
pub mod program;
pub mod reader;

pub use card::{Card, Silence};
pub use card_profiles::key_file as keys;
pub use in_process::{InProcess, Socket};
pub use inspection::{
    AccountInspection, CertificateInspection, CertificatePinInspection, Inspection, KeyInspection, PinInspection,
    PurseInspection,
};
pub use model::{LAYOUT, ModelError};
