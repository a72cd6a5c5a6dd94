//! Rows of people and imports.

use rusqlite::{OptionalExtension, Row};

use super::{StoreError, Tx};
use crate::clock;
use crate::import::report::Counts;
use crate::person::{Details, Person};

const COLUMNS: &str = "id, number, name, name_raw, sex, ethnic_group, birth_date, region, address, phone, employer";

impl Tx<'_> {
    /// Number of the next import.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn next_import(&self) -> Result<i64, StoreError> {
        Ok(self.sql.query_row("SELECT COALESCE(MAX(number), 0) + 1 FROM import", (), |row| row.get(0))?)
    }

    /// Records an import.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn add_import(&self, number: i64, actor: &str, sha256: String, counts: Counts) -> Result<(), StoreError> {
        let count = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        self.sql.execute(
            "INSERT INTO import (number, imported_at, actor, sha256, accepted, rejected, unchanged)
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
            (
                number,
                clock::now(),
                actor,
                sha256,
                count(counts.accepted),
                count(counts.rejected),
                count(counts.unchanged),
            ),
        )?;
        Ok(())
    }

    /// Starts to remember the numbers of a file, on disk and for this transaction.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn begin_seen_numbers(&self) -> Result<(), StoreError> {
        self.sql.execute_batch("CREATE TEMPORARY TABLE seen (number TEXT PRIMARY KEY, line BIGINT NOT NULL)")?;
        Ok(())
    }

    /// Line of this file where a good row had the number.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn seen_number(&self, number: &str) -> Result<Option<u64>, StoreError> {
        let mut find = self.sql.prepare_cached("SELECT line FROM seen WHERE number = $1")?;
        let first: Option<i64> = find.query_row([number], |row| row.get(0)).optional()?;
        Ok(first.and_then(|line| u64::try_from(line).ok()))
    }

    /// Remembers the line of a good row.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the number has been seen.
    pub fn see_number(&self, number: &str, line: u64) -> Result<(), StoreError> {
        let line = i64::try_from(line).unwrap_or(i64::MAX);
        self.sql.prepare_cached("INSERT INTO seen (number, line) VALUES ($1, $2)")?.execute((number, line))?;
        Ok(())
    }

    /// Forgets the numbers of the file.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn end_seen_numbers(&self) -> Result<(), StoreError> {
        self.sql.flush_prepared_statement_cache();
        self.sql.execute_batch("DROP TABLE seen")?;
        Ok(())
    }

    /// Registers a person.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the number is registered.
    pub fn add_person(&self, details: &Details, import: i64, line: u64) -> Result<(), StoreError> {
        let mut insert = self.sql.prepare_cached(
            "INSERT INTO person (id, number, name, name_raw, sex, ethnic_group, birth_date, region, address, phone,
                                 employer, import, import_row, registered_at)
             VALUES ((SELECT COALESCE(MAX(id), 0) + 1 FROM person), $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        )?;
        insert.execute((
            &details.number,
            &details.name,
            &details.name_raw,
            &details.sex,
            &details.ethnic_group,
            &details.birth_date,
            &details.region,
            &details.address,
            &details.phone,
            &details.employer,
            import,
            i64::try_from(line).unwrap_or(i64::MAX),
            clock::now(),
        ))?;
        Ok(())
    }

    /// The person with a social security number.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn person_by_number(&self, number: &str) -> Result<Option<Person>, StoreError> {
        let mut find = self.sql.prepare_cached(&format!("SELECT {COLUMNS} FROM person WHERE number = $1"))?;
        Ok(find.query_row([number], person).optional()?)
    }

    /// The person with a row number.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn person(&self, id: i64) -> Result<Option<Person>, StoreError> {
        let mut find = self.sql.prepare_cached(&format!("SELECT {COLUMNS} FROM person WHERE id = $1"))?;
        Ok(find.query_row([id], person).optional()?)
    }

    /// People after row number `after`, of one county or of all, in order.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn people(&self, county: Option<&str>, after: i64, limit: u32) -> Result<Vec<Person>, StoreError> {
        let mut find = self.sql.prepare_cached(&format!(
            "SELECT {COLUMNS} FROM person WHERE id > $1 AND (region = $2 OR $2 IS NULL) ORDER BY id LIMIT $3"
        ))?;
        Ok(find.query_map((after, county, limit), person)?.collect::<Result<_, _>>()?)
    }

    /// How many people are registered.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn people_count(&self) -> Result<u64, StoreError> {
        let count: i64 = self.sql.query_row("SELECT COUNT(*) FROM person", (), |row| row.get(0))?;
        Ok(u64::try_from(count).unwrap_or_default())
    }
}

fn person(row: &Row<'_>) -> rusqlite::Result<Person> {
    Ok(Person {
        id: row.get(0)?,
        details: Details {
            number: row.get(1)?,
            name: row.get(2)?,
            name_raw: row.get(3)?,
            sex: row.get(4)?,
            ethnic_group: row.get(5)?,
            birth_date: row.get(6)?,
            region: row.get(7)?,
            address: row.get(8)?,
            phone: row.get(9)?,
            employer: row.get(10)?,
        },
    })
}
