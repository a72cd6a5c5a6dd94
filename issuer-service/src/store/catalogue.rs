//! Rows of drug catalogues for terminals.

use settlement::date::BusinessDate;
use settlement::id::{CatalogueVersion, Digest};

use super::engine::{self, OptionalExtension, Row};
use super::{StoreError, Tx, cell};
use crate::clearing::catalogue::{Listed, Publication};
use crate::clock;

impl Tx<'_> {
    /// Writes a catalogue that was taken in.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when its version is there.
    pub fn add_catalogue(
        &self,
        version: &CatalogueVersion,
        codes: u64,
        text: &str,
        operator: &str,
    ) -> Result<(), StoreError> {
        self.sql.execute(
            "INSERT INTO catalogue (version, digest, codes, bytes, text, imported_by, imported_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
            (
                version.as_str(),
                Digest::of(text.as_bytes()).to_string(),
                cell::from_u64(codes)?,
                cell::from_u64(text.len() as u64)?,
                text,
                operator,
                clock::now(),
            ),
        )?;
        Ok(())
    }

    /// A catalogue.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn catalogue(&self, version: &CatalogueVersion) -> Result<Option<Listed>, StoreError> {
        Ok(self.catalogues()?.into_iter().find(|one| one.version == *version))
    }

    /// All catalogues: those that are not published first, then by sequence.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn catalogues(&self) -> Result<Vec<Listed>, StoreError> {
        let mut find = self.sql.prepare(
            "SELECT version, digest, codes, imported_by, imported_at, sequence, valid_from, published_by, published_at, bytes
             FROM catalogue ORDER BY coalesce(sequence, 0), version",
        )?;
        Ok(find.query_map((), listed)?.collect::<Result<_, _>>()?)
    }

    /// The text of a published catalogue.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn catalogue_text(&self, sequence: u64) -> Result<Option<String>, StoreError> {
        // A number beyond the database's range was never given out.
        let Ok(sequence) = cell::from_u64(sequence) else { return Ok(None) };
        let mut find = self.sql.prepare("SELECT text FROM catalogue WHERE sequence = $1")?;
        Ok(find.query_row([sequence], |row| row.get(0)).optional()?)
    }

    /// Publishes a catalogue from a day on; its sequence.
    ///
    /// # Errors
    /// [`StoreError::StateMoved`] when it was published before, or by who took it in.
    pub fn publish_catalogue(
        &self,
        version: &CatalogueVersion,
        valid_from: BusinessDate,
        operator: &str,
    ) -> Result<u64, StoreError> {
        let next: i64 =
            self.sql.query_row("SELECT coalesce(max(sequence), 0) + 1 FROM catalogue", (), |row| row.get(0))?;
        let rows = self.sql.execute(
            "UPDATE catalogue SET sequence = $1, valid_from = $2, published_by = $3, published_at = $4
             WHERE version = $5 AND sequence IS NULL AND imported_by <> $3",
            (next, valid_from.to_string(), operator, clock::now(), version.as_str()),
        )?;
        Self::moved(rows, || format!("catalogue {version}"), "not published")?;
        Ok(next.unsigned_abs())
    }
}

fn listed(row: &Row<'_>) -> engine::Result<Listed> {
    let published = match row.get::<Option<i64>>(5)? {
        None => None,
        Some(sequence) => Some(Publication {
            sequence: sequence.unsigned_abs(),
            valid_from: cell::parsed(row, 6, BusinessDate::parse)?,
            by: row.get(7)?,
            at: row.get(8)?,
        }),
    };
    Ok(Listed {
        version: cell::parsed(row, 0, CatalogueVersion::parse)?,
        digest: cell::parsed(row, 1, Digest::parse)?,
        codes: cell::u64(row, 2)?,
        bytes: cell::u64(row, 9)?,
        imported_by: row.get(3)?,
        imported_at: row.get(4)?,
        published,
    })
}
