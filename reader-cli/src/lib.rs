//! The terminal of the social security card: what a person at a counter types and sees.
//!
//! Owns: the flows at the counter (read, check, PIN, load, pay, settle), the journal, the upload, the program `sscard`.
//! Never: knows what is on a card (`card-profiles`), how a bill is priced (`settlement`), a key.

pub mod arguments;
pub mod command;
pub mod configuration;
pub mod error;
pub mod exit;
pub mod http;
pub mod language;
pub mod output;
pub mod page;
pub mod profiles;
pub mod reader;
pub mod secret;
pub mod store;

pub use error::TerminalError;
