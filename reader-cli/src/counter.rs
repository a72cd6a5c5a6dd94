//! What a person does at the counter with a card in the reader.
//!
//! Owns: one file an act: tap, read, check, PIN, account, pay, load, settle. Flows take sessions, not readers.
//! Never: prints, chooses readers, SQL, HTTP.

pub mod account;
pub mod certificate;
pub mod check;
pub mod load;
pub mod order;
pub mod pay;
pub mod pin;
pub mod read;
pub mod settle;
pub mod tap;
