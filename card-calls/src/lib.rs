//! The conventional driver calls as functions of texts: what the C library, the server, the bridge and recordings share.
//!
//! Source: the driver interface that five programs share (`iReadCardBas` …); error table of three.
//! Owns: the table of functions, their arguments, outputs and return codes; the card that is kept between the steps of one function.
//! Never: pointers, sockets, JSON; two calls at once; a debit that the terminal's journal does not have first.

pub mod basic;
pub mod callers;
pub mod calls;
mod certificate;
pub mod code;
mod debit;
mod desk;
mod elsewhere;
mod entry;
pub mod failure;
pub mod function;
pub mod handover;
mod helper;
mod keypad;
pub mod output;
mod pin;
mod profiles;
mod prove;
mod public;
mod read;
mod reader;
mod refused;
pub mod settings;
pub mod text;
pub mod turn;
mod value;
mod visit;
mod write;

pub use callers::Callers;
pub use calls::{Answer, Calls};
pub use code::{Code, Language};
pub use failure::Failure;
pub use function::{Answers, FUNCTIONS, Function, Kind, Needs, Parameter, Value};
pub use settings::Settings;
pub use turn::Turn;
