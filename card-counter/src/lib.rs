//! What is done with a card at a counter, and the journal of it: for every program that stands there.
//!
//! Source: flows of LD/T 32.7; states of `settlement::journal`.
//! Owns: one file an act (tap, read, check, PIN, account, pay, load, settle), the terminal's journal and key, everything that can go
//! wrong, with its stable code and texts. Flows take sessions, not readers.
//! Never: prints, chooses readers (`card-desk`), talks to the centre, knows what is on a card (`card-profiles`), a key of a card.

pub mod account;
pub mod certificate;
pub mod check;
pub mod clock;
pub mod error;
pub mod file;
pub mod given_back;
pub mod journal;
pub mod language;
pub mod letter;
pub mod load;
pub mod order;
pub mod pay;
pub mod pin;
pub mod profile;
pub mod read;
pub mod refund;
pub mod remote;
pub mod secret;
pub mod settle;
pub mod store;
pub mod tap;
pub mod terminal;
pub mod verify;

pub use error::TerminalError;
