//! Rows of imports, and the numbers that a file has had so far.

use super::cell::from_u64;
use super::engine::{OptionalExtension, params};
use super::{Store, StoreError, Tx};
use crate::clock;
use crate::import::report::Counts;
use crate::vault::data_keys::Lookup;

/// An import that did not come to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unfinished {
    /// Number of the import.
    pub number: u32,
    /// Last row that is done with.
    pub row_done: u64,
    /// What came of those rows.
    pub counts: Counts,
}

impl Store {
    /// Makes this connection ready for the rows of an import.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn widen(&mut self) -> Result<(), StoreError> {
        Ok(self.connection.widen()?)
    }
}

impl Tx<'_> {
    /// Begins an import; its number.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn begin_import(&self, actor: &str, source: u32, sha256: &str) -> Result<u32, StoreError> {
        let number: u32 =
            self.sql.query_row("SELECT COALESCE(MAX(number), 0) + 1 FROM import", (), |row| row.get(0))?;
        self.sql.execute(
            "INSERT INTO import (number, imported_at, actor, sha256, accepted, rejected, unchanged, source, state)
             VALUES ($1, $2, $3, $4, 0, 0, 0, $5, 'running')",
            params![number, clock::now(), actor, sha256, source],
        )?;
        Ok(number)
    }

    /// The last import of the same file from the same source, if it did not come to its end.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn unfinished_import(&self, source: u32, sha256: &str) -> Result<Option<Unfinished>, StoreError> {
        let mut find = self.sql.prepare(
            "SELECT number, row_done, accepted, changed, unchanged, rejected, conflicting FROM import
             WHERE source = $1 AND sha256 = $2 AND state = 'running' ORDER BY number DESC LIMIT 1",
        )?;
        let found = find.query_row(params![source, sha256], |row| {
            Ok(Unfinished {
                number: row.get(0)?,
                row_done: super::cell::u64(row, 1)?,
                counts: Counts {
                    created: super::cell::u64(row, 2)?,
                    changed: super::cell::u64(row, 3)?,
                    unchanged: super::cell::u64(row, 4)?,
                    refused: super::cell::u64(row, 5)?,
                    conflicting: super::cell::u64(row, 6)?,
                },
            })
        });
        Ok(found.optional()?)
    }

    /// Notes how far an import has come.
    ///
    /// # Errors
    /// [`StoreError::StateMoved`] when it is not running.
    pub fn note_import(&self, number: u32, row_done: u64, counts: Counts) -> Result<(), StoreError> {
        let rows = self
            .sql
            .prepare(
                "UPDATE import SET row_done = $1, accepted = $2, changed = $3, unchanged = $4, rejected = $5,
                                   conflicting = $6 WHERE number = $7 AND state = 'running'",
            )?
            .execute(params![
                from_u64(row_done)?,
                from_u64(counts.created)?,
                from_u64(counts.changed)?,
                from_u64(counts.unchanged)?,
                from_u64(counts.refused)?,
                from_u64(counts.conflicting)?,
                number
            ])?;
        Self::moved(rows, || format!("import {number}"), "running")
    }

    /// Ends an import.
    ///
    /// # Errors
    /// [`StoreError::StateMoved`] when it is not running.
    pub fn finish_import(&self, number: u32) -> Result<(), StoreError> {
        let rows = self
            .sql
            .execute("UPDATE import SET state = 'finished' WHERE number = $1 AND state = 'running'", [number])?;
        Self::moved(rows, || format!("import {number}"), "running")
    }

    /// Starts to remember the numbers of a file, on disk and for this connection.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn begin_seen_numbers(&self) -> Result<(), StoreError> {
        self.sql.execute_batch(
            "DROP TABLE IF EXISTS seen;
             CREATE TEMPORARY TABLE seen (number INTEGER PRIMARY KEY, line BIGINT NOT NULL, name BIGINT NOT NULL)",
        )?;
        Ok(())
    }

    /// Remembers a good row. When an earlier good row had its number: the line of that one, and whether it had the same name.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn see_number(&self, number: &str, name: &str, line: u64) -> Result<Option<(u64, bool)>, StoreError> {
        let keys = &self.data()?.keys;
        let of = |kind, text| first(keys.lasting_lookup(kind, text));
        let (number, name) = (of(Lookup::Number, number), of(Lookup::Name, name));
        let added = self
            .sql
            .prepare("INSERT INTO seen (number, line, name) VALUES ($1, $2, $3) ON CONFLICT (number) DO NOTHING")?
            .execute((number, from_u64(line)?, name))?;
        if added == 1 {
            return Ok(None);
        }
        let mut find = self.sql.prepare("SELECT line, name FROM seen WHERE number = $1")?;
        Ok(Some(find.query_row([number], |row| Ok((super::cell::u64(row, 0)?, row.get::<i64>(1)? == name)))?))
    }
}

/// The first half of a keyed hash: two of a million numbers share it once in 37 million files.
fn first(hash: [u8; crate::vault::data_keys::LOOKUP_BYTES]) -> i64 {
    let mut half = [0; 8];
    half.copy_from_slice(hash.get(..8).unwrap_or(&[0; 8]));
    i64::from_be_bytes(half)
}
