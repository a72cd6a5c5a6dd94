//! `test-vectors check DIR_OR_FILE…`: runs cases, exits 1 when one fails or none ran.

use std::env;
use std::path::PathBuf;
use std::process::ExitCode;

use test_vectors::{check, output};

fn main() -> ExitCode {
    let mut arguments = env::args_os().skip(1);
    let command = arguments.next();
    let paths: Vec<PathBuf> = arguments.map(PathBuf::from).collect();
    let (printed, passed) = match command.as_deref().and_then(|command| command.to_str()) {
        Some("check") if !paths.is_empty() => {
            let outcome = check(&paths);
            (output::print(&output::lines(&outcome)), outcome.passed())
        }
        Some("help" | "--help" | "-h") => (output::complain(output::USAGE), true),
        _ => (output::complain(output::USAGE), false),
    };
    if passed && printed.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
