//! The anchor: which records were committed.
//!
//! Source: docs/audit.md. Owns: its lines. Never: writes.

use std::collections::BTreeMap;
use std::path::Path;

use crate::chain::Failure;

/// What the lines say.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    first: i64,
    committed: i64,
    hashes: BTreeMap<i64, String>,
    broken: bool,
}

impl Lines {
    /// Whether a record may be in the log.
    pub(crate) fn allows(&self, sequence: i64, hash: &str) -> bool {
        sequence < self.first || self.hashes.get(&sequence).is_some_and(|known| known == hash)
    }

    /// The last record that must be in the log.
    pub(crate) const fn last_committed(&self) -> i64 {
        self.committed
    }

    /// Whether a line is none.
    pub(crate) const fn is_broken(&self) -> bool {
        self.broken
    }
}

/// Reads the file.
pub(crate) fn read(path: &Path) -> Result<Lines, Failure> {
    let text = std::fs::read(path).map_err(|source| Failure::File { path: path.to_owned(), source })?;
    Ok(lines(&String::from_utf8_lossy(&text)))
}

fn lines(text: &str) -> Lines {
    let mut found = Lines::default();
    // What follows the last line end was cut short by a power loss.
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    for (place, line) in whole.split('\n').enumerate() {
        if line.ends_with(" cut") {
            continue;
        }
        let mut words = line.split(' ');
        let (word, number, hash) = (words.next(), words.next().and_then(|text| text.parse::<i64>().ok()), words.next());
        match (word, number, hash, words.next()) {
            (Some("start"), Some(number), Some(hash), None) if place == 0 => {
                (found.first, found.committed) = (number, number);
                found.hashes.insert(number, hash.to_owned());
            }
            (Some("intend"), Some(number), Some(hash), None) => {
                // It was made from the hash of the record before, which was there then.
                found.committed = found.committed.max(number - 1);
                found.hashes.insert(number, hash.to_owned());
            }
            (Some("done"), Some(number), None, None) => found.committed = found.committed.max(number),
            _ => found.broken = true,
        }
    }
    found
}
