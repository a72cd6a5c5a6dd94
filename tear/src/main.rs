//! `sscard-tear`: parses, runs, maps the outcome to an exit code.

use std::process::ExitCode;

use clap::Parser as _;
use tear::output;
use tear::program::{self, Arguments};

fn main() -> ExitCode {
    match Arguments::try_parse() {
        Ok(arguments) => program::run(&arguments),
        Err(error) => output::usage(&error, &std::env::args_os().collect::<Vec<_>>()),
    }
}
