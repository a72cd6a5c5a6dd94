//! `national-rehearsal`: a national centre for rehearsal.

use std::process::ExitCode;

fn main() -> ExitCode {
    national_rehearsal::run(std::env::args_os())
}
