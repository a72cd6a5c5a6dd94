//! The anchor: which records were committed.
//!
//! Source: docs/audit.md. Owns: its lines. Never: writes.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::chain::Failure;

/// What the lines say.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    first: i64,
    committed: i64,
    hashes: BTreeMap<i64, String>,
    twice: BTreeSet<i64>,
    broken: bool,
}

impl Lines {
    /// Whether a record may be in the log.
    pub(crate) fn allows(&self, sequence: i64, hash: &str) -> bool {
        sequence < self.first || self.hashes.get(&sequence).is_some_and(|known| known == hash)
    }

    /// Whether a record was written down again after it had been committed.
    pub(crate) fn replaces(&self, sequence: i64) -> bool {
        self.twice.contains(&sequence)
    }

    /// Whether one of those lies behind the end of the log.
    pub(crate) fn replaces_after(&self, sequence: i64) -> bool {
        self.twice.last().is_some_and(|last| *last > sequence)
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
            (Some(word @ ("intend" | "with")), Some(number), Some(hash), None) => {
                if number <= found.committed {
                    found.twice.insert(number);
                }
                found.hashes.insert(number, hash.to_owned());
                // Those of one commit are there together or not at all.
                if word == "with" {
                    continue;
                }
                // It was made from the hash of the record before, which was there then.
                found.committed = found.committed.max(number - 1);
            }
            (Some("done"), Some(number), None, None) => found.committed = found.committed.max(number),
            _ => found.broken = true,
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_intended_again_after_its_commit_never_holds_again() {
        for text in [
            "start 0 0\nintend 1 AA\ndone 1\nintend 1 BB\ndone 1\n",
            "start 0 0\nintend 1 AA\nintend 2 CC\nintend 1 BB\n",
            "start 0 0\nintend 1 AA\nwith 2 BB\ndone 2\nintend 1 CC\nwith 2 DD\n",
        ] {
            assert!(lines(text).replaces(1) && lines(text).replaces_after(0), "{text}");
        }
        let again = lines("start 0 0\nintend 1 AA\nintend 1 BB\ndone 1\n");
        assert!(!again.replaces(1) && again.allows(1, "BB") && !again.allows(1, "AA"));
    }

    #[test]
    fn records_of_one_commit_are_asked_for_only_when_it_was_made() {
        let open = lines("start 0 0\nintend 1 AA\nwith 2 BB\nwith 3 CC\n");
        assert!(open.last_committed() == 0 && open.allows(3, "CC") && !open.is_broken());
        assert_eq!(lines("start 0 0\nintend 1 AA\nwith 2 BB\ndone 2\n").last_committed(), 2);
        assert_eq!(lines("start 0 0\nintend 1 AA\nwith 2 BB\nintend 3 CC\n").last_committed(), 2);
    }
}
