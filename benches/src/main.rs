//! Runs all measurements, prints the table, writes `target/bench.json`.

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let rows = [benches::tac::measure()];
    match benches::output::report(&rows, Path::new("target")) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::from(9),
    }
}
