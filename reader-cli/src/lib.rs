//! The terminal of the social security card: what a person at a counter types and sees.
//!
//! Owns: the flows at the counter (read, check, PIN, load, pay, settle), the journal, the upload, the program `sscard`.
//! Never: knows what is on a card (`card-profiles`), how a bill is priced (`settlement`), a key.

pub mod arguments;
pub mod clock;
pub mod command;
pub mod configuration;
pub mod conform;
pub mod counter;
pub mod dump;
pub mod error;
pub mod exit;
pub mod file;
pub mod http;
pub mod journal;
pub mod language;
pub mod output;
pub mod page;
pub mod paper;
pub mod papers;
pub mod person;
pub mod receipt;
pub mod secret;
pub mod shell;
pub mod store;
pub mod terminal;
pub mod trace;
pub mod upload;

pub use error::TerminalError;
