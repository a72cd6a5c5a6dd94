//! A second look into the centre's database, in statements of its own.
//!
//! Owns: which journal entries there are, and what in the tables does not fit together. Never: writes.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};
use serde::{Deserialize, Serialize};

use crate::failure::Failure;

/// How long another writer is waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// Why the tables could not be read.
pub type Unread = rusqlite::Error;

/// The tables of a centre.
#[derive(Debug)]
pub struct Books(Connection);

/// What must be nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Findings {
    /// People with more than one card, chips of more than one person, numbers on more than one card.
    pub double: u64,
    /// Cards and jobs of which the one does not know the other, made cards without a receipt or a journal entry.
    pub orphans: u64,
    /// Card numbers whose state is not that of their job, or that no job has.
    pub lost: u64,
}

/// A card as the centre knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// Historical bytes of the chip, hex.
    pub chip: String,
    /// Its state.
    pub state: String,
    /// Its number.
    pub number: String,
    /// Its identifier, hex.
    pub identifier: String,
}

impl Findings {
    /// The larger of each.
    #[must_use]
    pub fn worst(self, other: Self) -> Self {
        Self {
            double: self.double.max(other.double),
            orphans: self.orphans.max(other.orphans),
            lost: self.lost.max(other.lost),
        }
    }

    /// Whether there are none.
    #[must_use]
    pub fn none(self) -> bool {
        self == Self::default()
    }
}

const DOUBLE: [&str; 4] = [
    "SELECT COUNT(*) FROM (SELECT person FROM card WHERE state IN ('writing', 'sealed') GROUP BY person HAVING COUNT(*) > 1)",
    "SELECT COUNT(*) FROM (SELECT chip FROM card GROUP BY chip HAVING COUNT(*) > 1)",
    "SELECT COUNT(*) FROM (SELECT card_number FROM card GROUP BY card_number HAVING COUNT(*) > 1)",
    "SELECT COUNT(*) FROM (SELECT person FROM job WHERE state <> 'spoilt' GROUP BY person HAVING COUNT(*) > 1)",
];

const ORPHANS: [&str; 5] = [
    "SELECT COUNT(*) FROM card c LEFT JOIN job j ON j.number = c.job
     WHERE j.number IS NULL OR j.person <> c.person OR j.card_number <> c.card_number
        OR (c.state = 'writing') <> (j.state = 'writing') OR (c.state = 'sealed') <> (j.state = 'done')
        OR (c.state = 'spoilt') <> (j.state = 'spoilt')",
    "SELECT COUNT(*) FROM job j LEFT JOIN card c ON c.job = j.number
     WHERE (c.chip IS NULL) <> (j.state IN ('waiting', 'requested'))",
    "SELECT COUNT(*) FROM job j LEFT JOIN receipt r ON r.job = j.number WHERE (r.job IS NOT NULL) <> (j.state = 'done')",
    "SELECT COUNT(*) FROM job j WHERE (j.state = 'done') <> ((SELECT COUNT(*) FROM station_journal s
     WHERE s.job = j.number AND s.event = 'done') = 1)",
    "SELECT COUNT(*) FROM job j WHERE (j.state IN ('writing', 'done', 'spoilt')) <> ((SELECT COUNT(*) FROM station_journal s
     WHERE s.job = j.number AND s.event = 'intent') = 1)",
];

const LOST: [&str; 2] = [
    "SELECT COUNT(*) FROM card_number n LEFT JOIN job j ON j.card_number = n.number
     WHERE j.number IS NULL OR (n.state = 'reserved') <> (j.state IN ('waiting', 'writing'))
        OR (n.state = 'used') <> (j.state = 'done') OR (n.state = 'spoilt') <> (j.state = 'spoilt')",
    "SELECT COUNT(*) FROM job WHERE card_number IS NULL",
];

impl Books {
    /// Opens the database of the centre in `folder`.
    ///
    /// # Errors
    /// [`Failure::Books`].
    pub fn open(folder: &Path) -> Result<Self, Failure> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(folder.join("centre.db"), flags)?;
        connection.busy_timeout(PATIENCE)?;
        Ok(Self(connection))
    }

    /// Kinds of the journal's entries behind the first `known` ones, in order.
    ///
    /// # Errors
    /// [`Failure::Books`].
    pub fn entries(&self, known: u64) -> Result<Vec<String>, Failure> {
        let mut find = self.0.prepare("SELECT event FROM station_journal WHERE sequence > ?1 ORDER BY sequence")?;
        let known = i64::try_from(known).unwrap_or(i64::MAX);
        Ok(find.query_map([known], |row| row.get(0))?.collect::<Result<_, _>>()?)
    }

    /// Records of the audit log.
    ///
    /// # Errors
    /// [`Failure::Books`].
    pub fn audited(&self) -> Result<u64, Failure> {
        self.sum(&["SELECT COUNT(*) FROM audit"])
    }

    /// What does not fit together.
    ///
    /// # Errors
    /// [`Failure::Books`].
    pub fn findings(&self) -> Result<Findings, Failure> {
        Ok(Findings { double: self.sum(&DOUBLE)?, orphans: self.sum(&ORPHANS)?, lost: self.sum(&LOST)? })
    }

    /// Every card.
    ///
    /// # Errors
    /// [`Failure::Books`].
    pub fn cards(&self) -> Result<Vec<Known>, Failure> {
        let mut find = self.0.prepare("SELECT chip, state, card_number, card_identifier FROM card")?;
        let rows = find.query_map((), |row| {
            Ok(Known { chip: row.get(0)?, state: row.get(1)?, number: row.get(2)?, identifier: row.get(3)? })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn sum(&self, counts: &[&str]) -> Result<u64, Failure> {
        let mut sum = 0;
        for sql in counts {
            sum += self.0.query_row(sql, (), |row| row.get::<_, i64>(0))?.unsigned_abs();
        }
        Ok(sum)
    }
}
