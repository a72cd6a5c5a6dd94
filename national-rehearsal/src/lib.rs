//! A national centre for rehearsal: it speaks the national interface over HTTP, strictly, with invented people, and fails on demand.
//!
//! Source: `settlement::national`; what a real centre answers where the interface is silent is assumed, as its refusals say.
//! Owns: the books of a few invented people, the checks of every request, faults by script or by seed.
//! Never: is a centre of record (its books end with the process), holds a real person, is used by another program of the house.

pub mod arguments;
mod books;
mod catalogue;
mod centre;
mod fault;
mod output;
mod person;
mod program;
mod server;
mod statement;

pub use books::{Books, Sale};
pub use centre::{Centre, DataFault};
pub use fault::{Fault, FaultPlan, Script};
pub use program::run;
pub use server::{Running, Told};
