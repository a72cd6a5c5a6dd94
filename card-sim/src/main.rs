//! `card-sim`: makes software cards and brings them into readers of a private PC/SC daemon.

use std::process::ExitCode;

use card_sim::program;

fn main() -> ExitCode {
    program::run(std::env::args_os())
}
