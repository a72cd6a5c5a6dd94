//! The line between a terminal and its centre: what is asked before a sale, and what is told after it.
//!
//! Source: `settlement::message`; signed requests over TLS.
//! Owns: the only HTTP of a terminal, letters until they are answered, the order of a sale with the centre's consent.
//! Never: prints, chooses readers, sends a card a command of its own (`card-counter`).

pub mod elsewhere;
pub mod http;
pub mod identity;
pub mod load;
pub mod online;
pub mod remote;
pub mod sell;
pub mod upload;
