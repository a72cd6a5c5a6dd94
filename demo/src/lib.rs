//! The main job, run as its users would run it.
//!
//! The demo starts the real programs (`issuer`, `sscard`, `card-sim`) as processes, gives them the files that a bureau and a
//! pharmacy would give, and checks every number that they print against numbers that it knows beforehand.
//!
//! Source: the flows of ARCHITECTURE.md (issuance, purchase, clearing).
//! Owns: invented people, drugs and bills; the order of the steps; what each step must answer.
//! Never: imports a crate of the product: it must not be able to agree with them by construction.

pub mod failure;
pub mod folder;
pub mod interrupt;
pub mod journey;
pub mod output;
pub mod pharmacy;
pub mod programs;
pub mod readers;
pub mod recording;
pub mod registry;
pub mod summary;
