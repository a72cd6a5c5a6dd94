//! Runs all measurements, prints the table, writes `target/bench.json`.

use std::path::Path;
use std::process::ExitCode;

use benches::{output, personalization, tac, wire};

fn main() -> ExitCode {
    let mut rows = wire::measure();
    rows.push(personalization::measure());
    rows.push(tac::measure());
    match output::report(&rows, Path::new("target")) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::from(9),
    }
}
