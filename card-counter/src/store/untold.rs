//! What the next tap of a card settled, or a driver's call sold, and nobody was told of yet: it is said until a program has said it.
//!
//! Owns: the mark of an entry, written with the move that it is about. Never: decides who is told, or how.

use rusqlite::{OptionalExtension as _, params};
use settlement::id::CardIdentifier;
use settlement::journal::State;

use super::{Store, StoreError};
use crate::journal::{Entry, EntryNumber};

/// Before the number of an entry, among the facts.
const UNTOLD: &str = "untold.";

impl Store {
    /// Marks an entry, in the transaction that is open.
    pub(super) fn owe_a_word(&self, number: EntryNumber) -> Result<(), StoreError> {
        self.connection
            .prepare_cached("INSERT INTO fact (name, value) VALUES (?1, '') ON CONFLICT DO NOTHING")
            .and_then(|mut statement| statement.execute([mark(number)]))
            .map(drop)
            .map_err(|source| self.failure(source))
    }

    /// Marks a paid purchase of a driver's call, in the transaction that is open: its caller may be gone before it has the answer. As
    /// [`Entry::is_owed_to_a_caller`].
    pub(super) fn owe_its_caller(&self, number: EntryNumber) -> Result<(), StoreError> {
        self.connection
            .prepare_cached(
                "INSERT INTO fact (name, value) SELECT ?1 || number, '' FROM entry
                 WHERE number = ?2 AND kind = 'purchase' AND paper = '' AND state = ?3 ON CONFLICT DO NOTHING",
            )
            .and_then(|mut statement| {
                statement.execute(params![UNTOLD, number.0.cast_signed(), State::Confirmed.as_str()])
            })
            .map(drop)
            .map_err(|source| self.failure(source))
    }

    /// What was settled and nobody was told of, oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn untold(&self) -> Result<Vec<Entry>, StoreError> {
        let fail = |source| self.failure(source);
        let mut statement = self
            .connection
            .prepare_cached(
                "SELECT CAST(substr(name, ?2) AS INTEGER) FROM fact WHERE name >= ?1 AND name < ?3 ORDER BY 1",
            )
            .map_err(fail)?;
        // '/' follows '.'.
        let until = UNTOLD.replace('.', "/");
        let from = i64::try_from(UNTOLD.len() + 1).unwrap_or(i64::MAX);
        let rows = statement.query_map(params![UNTOLD, from, until], |row| row.get::<_, i64>(0)).map_err(fail)?;
        rows.map(|number| self.entry(EntryNumber(number.map_err(fail)?.unsigned_abs()))).collect()
    }

    /// Those of one card.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn untold_of(&self, card: &CardIdentifier) -> Result<Vec<Entry>, StoreError> {
        Ok(self.untold()?.into_iter().filter(|entry| entry.draft.card_identifier == *card).collect())
    }

    /// Somebody was told.
    ///
    /// # Errors
    /// [`StoreError`]: it is said once more.
    pub fn word_given(&mut self, number: EntryNumber) -> Result<(), StoreError> {
        let place = self.place.clone();
        super::entries::write(&mut self.connection, &place, |connection| {
            connection.execute("DELETE FROM fact WHERE name = ?1", [mark(number)]).map(drop)
        })
    }

    /// The number of the last record that a day end before this day had; `None` when there was none.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn day_ended_before(&self, day: settlement::BusinessDate) -> Result<Option<u64>, StoreError> {
        let record: Option<Option<i64>> = self
            .connection
            .query_row(
                "SELECT max(CAST(value AS INTEGER)) FROM fact WHERE name >= ?1 AND name < ?1 || ?2",
                [DAY_END, day.to_string().as_str()],
                |row| row.get(0),
            )
            .optional()
            .map_err(|source| self.failure(source))?;
        Ok(record.flatten().map(i64::unsigned_abs))
    }

    /// Notes that a day was ended with every record up to this one.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn end_day(&mut self, day: settlement::BusinessDate, record: u64) -> Result<(), StoreError> {
        let place = self.place.clone();
        super::entries::write(&mut self.connection, &place, |connection| {
            connection
                .execute(
                    "INSERT OR REPLACE INTO fact (name, value) VALUES (?1, ?2)",
                    [format!("{DAY_END}{day}"), record.to_string()],
                )
                .map(drop)
        })
    }
}

/// Before a day, among the facts.
const DAY_END: &str = "day-end.";

fn mark(number: EntryNumber) -> String {
    format!("{UNTOLD}{}", number.0)
}
