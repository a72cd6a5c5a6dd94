//! Programs in C and in Python call the library, which reads cards in virtual readers of the system's own PC/SC daemon.
//!
//! Source: the published output string for its shape; the published error table for the codes.
//! Never: loads the library into this process.

mod back;
mod calls;
mod centre;
mod counter;
mod files;
mod lost;
mod memory;
mod money;
mod names;
mod pins;
mod server;
