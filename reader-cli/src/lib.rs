//! The terminal of the social security card: what a person at a counter types and sees.
//!
//! Owns: the papers, the program `sscard`; the flows with a card and the journal are `card-counter`'s, those with the centre
//! `centre-line`'s.
//! Never: knows what is on a card (`card-profiles`), how a bill is priced (`settlement`), a key.

pub mod arguments;
pub mod bridge;
pub mod command;
pub mod configuration;
pub mod conform;
pub mod delivery;
pub mod dump;
pub mod exit;
pub mod kiosk;
pub mod national;
pub mod output;
pub mod page;
pub mod paper;
pub mod papers;
pub mod person;
pub mod receipt;
pub mod shell;
pub mod spoken;
pub mod trace;
pub mod usage;

pub use centre_line::{elsewhere, http, identity, online, upload};
