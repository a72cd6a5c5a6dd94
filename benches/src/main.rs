//! Runs the measurements, all or those that are named, prints the table, writes `target/bench.json`.

use std::path::Path;
use std::process::ExitCode;

use benches::measure::Row;
use benches::{
    api, bridge, card_cryptography, decode, host_time, import, journal, kiosk, output, personalization, profile_load,
    read_record, round_trip, stations, tac, wire, wire_tables,
};

/// A measurement with its name.
type Named = (&'static str, fn() -> Vec<Row>);

/// Every measurement.
const ALL: [Named; 15] = [
    ("round-trip", || vec![round_trip::measure()]),
    ("wire", wire::measure),
    ("read-record", || vec![read_record::measure()]),
    ("card-cryptography", card_cryptography::measure),
    ("profile-load", || vec![profile_load::measure()]),
    ("decode", || vec![decode::measure()]),
    ("personalization", || vec![personalization::measure()]),
    ("tac", || vec![tac::measure()]),
    ("bridge", || vec![bridge::measure()]),
    ("kiosk", || vec![kiosk::measure()]),
    ("host-time", || vec![host_time::measure()]),
    ("journal", || vec![journal::measure()]),
    ("import", import::measure),
    ("stations", stations::measure),
    ("api", api::measure),
];

/// Writes `docs/wire.md` instead of measuring.
const PAGE: &str = "wire-tables";

fn main() -> ExitCode {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    let result = match wanted.as_slice() {
        [child] if child == round_trip::CHILD => output::one(&round_trip::measure_here()),
        [child, data] if child == kiosk::CHILD => {
            kiosk::serve_here(data);
            Ok(())
        }
        [page] if page == PAGE => output::page(&wire_tables::text()),
        _ if wanted.iter().any(|name| ALL.iter().all(|(known, _)| known != name)) => {
            output::usage(&ALL.map(|(name, _)| name));
            return ExitCode::from(1);
        }
        _ => {
            let chosen = ALL.into_iter().filter(|(name, _)| wanted.is_empty() || wanted.iter().any(|one| one == name));
            output::report(&chosen.flat_map(|(_, measure)| measure()).collect::<Vec<_>>(), Path::new("target"))
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::from(9),
    }
}
