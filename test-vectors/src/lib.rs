//! Bytes with their provenance, and the checker that runs them against this workspace's crates.
//!
//! Owns: the case format, the kinds of case, the walk through files, the result lines.
//! Never: computes with anything but `card-core` and `card-profiles`; prints (`output`).

pub mod case;
pub mod files;
pub mod kind;
pub mod output;

pub use case::Case;
pub use files::{Failure, Outcome, check};
