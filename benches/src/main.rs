//! Runs all measurements, prints the table, writes `target/bench.json`.

use std::path::Path;
use std::process::ExitCode;

use benches::{journal, output, personalization, round_trip, tac, wire};

fn main() -> ExitCode {
    let is_child = std::env::args().nth(1).is_some_and(|argument| argument == round_trip::CHILD);
    let result = if is_child { output::one(&round_trip::measure_here()) } else { all() };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::from(9),
    }
}

fn all() -> std::io::Result<()> {
    let mut rows = vec![round_trip::measure()];
    rows.extend(wire::measure());
    rows.push(personalization::measure());
    rows.push(tac::measure());
    rows.push(journal::measure());
    output::report(&rows, Path::new("target"))
}
