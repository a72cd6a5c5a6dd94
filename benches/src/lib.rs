//! The measurements of `make bench`: ours against the bare cost of the same work, as ratios of one run.

pub mod api;
pub mod bridge;
pub mod card_cryptography;
pub mod centre;
pub mod counter_wire;
pub mod decode;
mod deployed;
pub mod host_time;
pub mod import;
pub mod journal;
pub mod kiosk;
pub mod measure;
pub mod output;
pub mod people;
pub mod personalization;
pub mod profile_load;
pub mod purchase;
pub mod read_record;
pub mod round_trip;
pub mod sample;
pub mod stations;
pub mod tac;
pub mod wire;
pub mod wire_tables;
