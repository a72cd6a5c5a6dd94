//! The proof that a torn purchase, load, refund or PIN change loses and doubles not one fen: the terminal's own code, its journal, a software
//! card and PSAM and the centre's own clearing, in one process, with power lost and the terminal killed at every place.
//!
//! Source: docs/adr/0046. Owns: the faults, the lives, the sums; the program `sscard-tear`, which `sscard tear` runs.
//! Never: is linked into a program that works; a switch in one.

pub mod books;
pub mod clerk;
pub mod course;
pub mod failure;
pub mod output;
pub mod program;
pub mod proof;
pub mod town;
