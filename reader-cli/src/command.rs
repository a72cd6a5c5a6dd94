//! One command line, from arguments to answer.
//!
//! Owns: which flow a command runs. Never: card commands, SQL, printing.

mod readers;

use crate::arguments::{Arguments, Command};
use crate::configuration::Configuration;
use crate::error::TerminalError;
use crate::exit::Exit;
use crate::output::Output;
use crate::profiles::Profiles;

/// What every command works with.
#[derive(Debug)]
struct Counter<'a> {
    configuration: Configuration,
    profiles: Profiles,
    output: &'a Output,
}

/// Runs a command.
///
/// # Errors
/// [`TerminalError`]; what was done before it is in the journal.
pub fn run(arguments: &Arguments, output: &Output) -> Result<Exit, TerminalError> {
    let configuration = Configuration::load(&arguments.places, |name| std::env::var(name).ok())?;
    let counter = Counter { configuration, profiles: Profiles::builtin(), output };
    match &arguments.command {
        Command::Readers => readers::list(&counter),
        _ => Err(TerminalError::Bug("this command is not there yet")),
    }
}
