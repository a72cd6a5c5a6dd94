//! The program `issuer` on the system's real PC/SC daemon, with software cards as readers.

mod bench;
mod journey;
mod kill;
mod psam;
mod token;
