//! The program `issuer` on the system's real PC/SC daemon, with software cards as readers.

#[path = "../database/ask.rs"]
mod ask;
#[path = "../api/base32.rs"]
mod base32;
mod bench;
mod city;
mod console;
#[path = "../database/fresh.rs"]
mod fresh;
mod instant;
mod journey;
mod kill;
mod kiosk;
mod psam;
mod remote;
mod softhsm;
mod till;
mod token;
mod token_back;
mod update;
