//! Money at a counter: bill, catalogue, split, transaction record, upload batch, TAC check; what terminal and centre share.
//!
//! Owns: the rules of money and the messages that carry it.
//! Never: I/O, SQL, a clock, random numbers, a key (cryptograms come from a
//! [`SecurityModule`](card_core::security::SecurityModule)).

pub mod accounts;
pub mod agreement;
pub mod batch;
pub mod bill;
pub mod blacklist;
mod canonical;
pub mod catalogue;
pub mod code;
pub mod date;
pub mod explain;
pub mod fen;
pub mod id;
pub mod journal;
pub mod judgement;
pub mod limits;
pub mod load;
pub mod message;
pub mod national;
pub mod parameters;
pub mod pin;
pub mod policy;
pub mod quantity;
pub mod query;
pub mod receipt;
pub mod record;
pub mod recovery;
pub mod refund;
pub mod remote;
pub mod sale;
pub mod signing;
pub mod split;
pub mod tac;

pub use accounts::Accounts;
pub use code::{ErrorCode, Language};
pub use date::{BusinessDate, DateTime};
pub use explain::Explain;
pub use fen::Fen;
