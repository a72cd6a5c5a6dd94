//! Long and rough runs of the centre: kills at every durable write, full and spoilt disks, clocks that jump, many readers; and
//! rough days of many terminals.
//!
//! Source: the promise of ARCHITECTURE.md, "the journal is durable before the act, and the outcome after the read-back".
//! Owns: faults from outside the program under test, the books that are checked after each. Never: a switch in that program.

pub mod cards;
pub mod day;
pub mod evening;
pub mod failure;
pub mod fault;
pub mod kills;
pub mod life;
pub mod load;
pub mod output;
pub mod people;
pub mod place;
pub mod program;
pub mod store;
