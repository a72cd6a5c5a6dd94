//! What a centre refuses to work with: a log that was cut, and what is wrong with where it stands.

#[path = "../database/ask.rs"]
mod ask;
mod bench;
mod clock;
mod duty;
mod export;
#[path = "../database/fresh.rs"]
mod fresh;
mod log;
mod medium;
mod operators;
mod options;
mod place;
mod self_test;
mod usage;
