//! `soak`: parses, runs, maps the outcome to an exit code.

use std::process::ExitCode;

use clap::Parser;
use soak::output;
use soak::program::{self, Arguments};

fn main() -> ExitCode {
    program::run(Arguments::parse()).unwrap_or_else(|failure| {
        output::failure(&failure);
        failure.exit_code()
    })
}
