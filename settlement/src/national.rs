//! The message set of the national medical-insurance interface, as a designated pharmacy speaks it.
//!
//! Source: field names, widths and types of the national interface's envelope and messages, as working adapters have them;
//! every row says how sure its name and its width are (`docs/national.md`, generated from these tables).
//! Owns: shapes of messages, exact numbers, identities of amounts, states of a settlement, the comparison of two books.
//! Never: sends, stores, asks a clock, shows a person's data in an error.
//! Units: amounts with two decimals, quantities with four, prices with six, ratios with four; widths in the `Unit` of the peer.

pub mod amounts;
pub mod archive;
pub mod envelope;
pub mod field;
pub mod json;
pub mod message;
pub mod number;
mod page;
pub mod state;
pub mod statement;

pub use envelope::{Infno, MsgId, Request, Response};
pub use field::{FieldFault, Reading, Text, Unit};
pub use number::{Amount, Price, Ratio, Share};
pub use page::page;
