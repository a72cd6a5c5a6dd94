//! The software card from outside: commands in, answers out.

mod protocol;
mod rig;
