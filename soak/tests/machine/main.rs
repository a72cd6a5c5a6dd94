//! The program `issuer` itself on a machine that fails: full and spoilt disks, a database held by another, readers that go, clocks
//! that jump. What it says is read by its code, and afterwards the same command finishes the work.

mod card;
mod centre;
mod clock;
mod disk;
