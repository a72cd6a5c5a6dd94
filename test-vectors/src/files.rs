//! From arguments to outcomes: folders walked, files read, cases computed, failures collected.
//!
//! Owns: what counts as a failure: besides a wrong value, anything that would let a case pass unseen (a missing file, an
//! empty folder, a malformed case, an unknown kind). Never: prints, stops at the first failure.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::case::Case;
use crate::kind;

/// Bytes of one case file.
const FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// What came of all arguments.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Files read.
    pub files: usize,
    /// Cases looked at.
    pub cases: usize,
    /// Everything that failed.
    pub failures: Vec<Failure>,
}

/// One failure: one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// File or folder.
    pub file: PathBuf,
    /// Case; `-` when the file itself is at fault.
    pub id: String,
    /// What was expected.
    pub expected: String,
    /// What came.
    pub got: String,
}

impl Outcome {
    /// Every case passed, and there was at least one.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.failures.is_empty() && self.cases > 0
    }

    fn fail(&mut self, file: &Path, id: &str, expected: &str, got: impl ToString) {
        let (id, expected) = (id.to_owned(), expected.to_owned());
        self.failures.push(Failure { file: file.to_owned(), id, expected, got: got.to_string() });
    }
}

/// Runs every case of the files and of the `*.json` files below the folders.
#[must_use]
pub fn check(arguments: &[PathBuf]) -> Outcome {
    let mut outcome = Outcome::default();
    for argument in arguments {
        if argument.is_dir() {
            let mut files = Vec::new();
            walk(argument, &mut BTreeSet::new(), &mut files, &mut outcome);
            if files.is_empty() {
                outcome.fail(argument, "-", "*.json files", "none in this folder");
            }
            files.sort();
            files.iter().for_each(|file| check_file(file, &mut outcome));
        } else {
            check_file(argument, &mut outcome);
        }
    }
    outcome
}

/// Each folder once, however often links lead to it.
fn walk(folder: &Path, seen: &mut BTreeSet<PathBuf>, files: &mut Vec<PathBuf>, outcome: &mut Outcome) {
    let real = match folder.canonicalize() {
        Ok(real) => real,
        Err(error) => return outcome.fail(folder, "-", "a readable folder", error),
    };
    if !seen.insert(real) {
        return;
    }
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) => return outcome.fail(folder, "-", "a readable folder", error),
    };
    for entry in entries {
        match entry.map(|entry| entry.path()) {
            Ok(path) if path.is_dir() => walk(&path, seen, files, outcome),
            Ok(path) if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json")) => {
                files.push(path);
            }
            Ok(_) => {}
            Err(error) => outcome.fail(folder, "-", "a readable folder", error),
        }
    }
}

fn check_file(file: &Path, outcome: &mut Outcome) {
    match fs::metadata(file) {
        Err(error) => return outcome.fail(file, "-", "a file of cases", error),
        Ok(about) if about.len() > FILE_BYTES_MAX => {
            return outcome.fail(file, "-", "a file of cases", format!("{} bytes, too many", about.len()));
        }
        Ok(_) => {}
    }
    let text = match fs::read(file) {
        Ok(text) => text,
        Err(error) => return outcome.fail(file, "-", "a file of cases", error),
    };
    let cases: Vec<Value> = match serde_json::from_slice(&text) {
        Ok(cases) => cases,
        Err(error) => return outcome.fail(file, "-", "a JSON array of cases", error),
    };
    outcome.files += 1;
    if cases.is_empty() {
        outcome.fail(file, "-", "at least one case", "an empty array");
    }
    for (place, value) in (1..).zip(&cases) {
        outcome.cases += 1;
        let id = Case::name(value, place);
        let case = match Case::read(value) {
            Ok(case) => case,
            Err(error) => {
                outcome.fail(file, &id, "a case", error);
                continue;
            }
        };
        match kind::compute(&case) {
            Ok(computed) if computed.expected == computed.got => {}
            Ok(computed) => outcome.fail(file, &id, &computed.expected, computed.got),
            Err(error) => outcome.fail(file, &id, "a case of its kind", error),
        }
    }
}
