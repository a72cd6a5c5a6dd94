//! What the program prints: one line for each failure, one line of summary.
//!
//! Owns: the lines and standard output. Never: decides what a failure is.

use std::io::{self, Write};

use crate::files::{Failure, Outcome};

/// How the program is called.
pub const USAGE: &str = "usage: test-vectors check DIR_OR_FILE...
Runs every case of the files, and of the *.json files below the folders. Exit 0: all passed; 1: a failure, or nothing ran.";

/// The lines of an outcome.
#[must_use]
pub fn lines(outcome: &Outcome) -> String {
    let mut text: String = outcome.failures.iter().map(line).collect();
    if outcome.cases == 0 {
        text += "FAIL: no case ran\n";
    }
    let (cases, files, failures) = (outcome.cases, outcome.files, outcome.failures.len());
    let word = if outcome.passed() { "ok" } else { "failed" };
    text + &format!("{word}: {cases} cases in {files} files, {failures} failures\n")
}

fn line(failure: &Failure) -> String {
    let Failure { file, id, expected, got } = failure;
    let text = format!("FAIL {} {id}: expected {expected}, got {got}", file.display());
    // A case may hold line ends; its failure is one line all the same.
    text.chars().map(|character| if character.is_control() { ' ' } else { character }).chain(['\n']).collect()
}

/// Prints to standard output.
///
/// # Errors
/// When standard output is closed.
pub fn print(text: &str) -> io::Result<()> {
    io::stdout().lock().write_all(text.as_bytes())
}

/// Prints to standard error.
///
/// # Errors
/// When standard error is closed.
pub fn complain(text: &str) -> io::Result<()> {
    writeln!(io::stderr().lock(), "{text}")
}
