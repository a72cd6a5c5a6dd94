//! The issuance centre (发卡中心): people, keys, batches, personalization, and what follows them.
//!
//! Owns: the data folder of a centre (database, key vault, configuration) and every act on it, each audited.
//! Never: talks to another program of the toolkit except through files, readers and HTTP.

pub mod audit;
pub mod backup;
pub mod batch;
pub mod benefit;
pub mod card;
pub mod centre;
pub mod ceremony;
pub mod clearing;
pub mod cli;
pub mod clock;
pub mod console;
pub mod error;
pub mod exchange;
pub mod exit;
pub mod face;
pub mod http;
pub mod import;
pub mod instant;
pub mod lang;
pub mod log;
pub mod measure;
pub mod operator;
pub mod output;
pub mod peer;
pub mod person;
pub mod photo;
pub mod progress;
pub mod psam;
pub mod query;
pub mod registry;
pub mod request;
pub mod retention;
pub mod rotation;
pub mod self_test;
pub mod state;
pub mod station;
pub mod stock;
pub mod store;
pub mod sync;
pub mod vault;

pub use centre::Centre;
pub use error::Error;
