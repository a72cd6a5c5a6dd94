//! `issuer`: the card issuance centre on the command line. Parses, runs, maps the outcome to an exit code.

use std::process::ExitCode;

use issuer_service::cli::{self, Cli};
use issuer_service::exit::Exit;
use issuer_service::output::Output;

fn main() -> ExitCode {
    let cli = match Cli::read() {
        Ok(cli) => cli,
        Err(error) => return Output::usage(&error, &std::env::args_os().collect::<Vec<_>>()).into(),
    };
    let output = cli.output();
    match cli::run(cli, &output) {
        Ok(exit) => output.end(exit).into(),
        Err(error) => {
            output.error(&error);
            Exit::from(&error).into()
        }
    }
}
