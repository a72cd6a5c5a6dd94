//! An export of the log: JSON Lines, read twice, checkpoints first.
//!
//! Source: docs/audit.md. Owns: its lines. Never: keeps more than one record.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use serde::Deserialize;

use crate::chain::{Checkpoint, Failure, Record, Walk};

#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Line {
    Key { public_key: String },
    Record(Record),
    Checkpoint(Checkpoint),
}

/// Walks along an export.
pub(crate) fn walk(path: &Path, walk: &mut Walk) -> Result<(), Failure> {
    each(path, |line| {
        match line {
            Line::Key { public_key } => walk.key(&public_key),
            Line::Checkpoint(checkpoint) => walk.checkpoint(checkpoint),
            Line::Record(_) => {}
        }
        true
    })?;
    each(path, |line| if let Line::Record(record) = line { walk.record(&record) } else { true })
}

fn each(path: &Path, mut take: impl FnMut(Line) -> bool) -> Result<(), Failure> {
    let failed = |source| Failure::File { path: path.to_owned(), source };
    let lines = BufReader::new(File::open(path).map_err(failed)?).lines();
    for (line, number) in lines.zip(1..) {
        let line = line.map_err(failed)?;
        let line = serde_json::from_str(&line).map_err(|_| Failure::Line { path: path.to_owned(), line: number })?;
        if !take(line) {
            break;
        }
    }
    Ok(())
}
