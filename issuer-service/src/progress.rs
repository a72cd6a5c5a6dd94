//! How far a long work has come, for whoever looks on.
//!
//! Owns: the trait. Never: prints.

/// Is told how far a work has come.
pub trait Steps: std::fmt::Debug {
    /// So many of so many are done.
    fn at(&self, done: u64, total: u64);
}

/// Nobody is told.
#[derive(Clone, Copy, Debug)]
pub struct Quiet;

impl Steps for Quiet {
    fn at(&self, _: u64, _: u64) {}
}
