//! The terminal of the social security card: what a person at a counter types and sees.
//!
//! Owns: the upload, the papers, the program `sscard`; the flows with a card and the journal are `card-counter`'s.
//! Never: knows what is on a card (`card-profiles`), how a bill is priced (`settlement`), a key.

pub mod arguments;
pub mod bridge;
pub mod command;
pub mod configuration;
pub mod conform;
pub mod dump;
pub mod exit;
pub mod http;
pub mod identity;
pub mod kiosk;
pub mod national;
pub mod online;
pub mod output;
pub mod page;
pub mod paper;
pub mod papers;
pub mod person;
pub mod receipt;
pub mod shell;
pub mod spoken;
pub mod trace;
pub mod upload;
pub mod usage;
