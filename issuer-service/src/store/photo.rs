//! Rows of photos, sealed.
//!
//! Owns: where a photo opens: in its own row, as what it is. Never: writes a picture unsealed.

use super::engine::{OptionalExtension, params};
use super::{StoreError, Tx};
use crate::photo::stored::Stored;

/// Key, sealed original and likeness, pixels across and down, by whom and when.
type Row = (u8, Vec<u8>, Vec<u8>, u16, u16, String, String);

impl Tx<'_> {
    /// Keeps a person's photo, in the place of another one.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn put_photo(&self, person: i64, photo: &Stored) -> Result<(), StoreError> {
        let (key, original) = self.seal(&original(person), &photo.original)?;
        let (_, chip) = self.seal(&chip(person), &photo.chip)?;
        self.sql
            .prepare(
                "INSERT INTO photo (person, data_key, original, chip, width, height, taken_in_by, taken_in_at)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
                 ON CONFLICT (person) DO UPDATE SET data_key = excluded.data_key, original = excluded.original,
                    chip = excluded.chip, width = excluded.width, height = excluded.height,
                    taken_in_by = excluded.taken_in_by, taken_in_at = excluded.taken_in_at",
            )?
            .execute(params![
                person,
                key,
                original,
                chip,
                photo.width,
                photo.height,
                photo.taken_in_by,
                photo.taken_in_at
            ])?;
        Ok(())
    }

    /// A person's photo.
    ///
    /// # Errors
    /// [`StoreError::RowSealed`] when it was altered or stands in another row.
    pub fn photo(&self, person: i64) -> Result<Option<Stored>, StoreError> {
        let mut find = self.sql.prepare(
            "SELECT data_key, original, chip, width, height, taken_in_by, taken_in_at FROM photo WHERE person = $1",
        )?;
        let found: Option<Row> = find
            .query_row([person], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?, row.get(6)?))
            })
            .optional()?;
        found
            .map(|(key, sealed, small, width, height, taken_in_by, taken_in_at)| {
                let original = self.open(key, &original(person), &sealed)?;
                let chip = self.open(key, &chip(person), &small)?;
                Ok(Stored { original, chip, width, height, taken_in_by, taken_in_at })
            })
            .transpose()
    }

    /// When the photo of a person was taken in.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn photo_taken_at(&self, person: i64) -> Result<Option<String>, StoreError> {
        let mut find = self.sql.prepare("SELECT taken_in_at FROM photo WHERE person = $1")?;
        Ok(find.query_row([person], |row| row.get(0)).optional()?)
    }

    /// Whether a person has a photo.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn has_photo(&self, person: i64) -> Result<bool, StoreError> {
        Ok(self.sql.prepare("SELECT 1 FROM photo WHERE person = $1")?.exists([person])?)
    }

    /// Takes a person's photo away; whether there was one.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn remove_photo(&self, person: i64) -> Result<bool, StoreError> {
        Ok(self.sql.execute("DELETE FROM photo WHERE person = $1", [person])? == 1)
    }
}

/// Where the file that came opens.
pub(super) fn original(person: i64) -> String {
    format!("photo {person}")
}

/// Where the likeness for the chip opens.
pub(super) fn chip(person: i64) -> String {
    format!("chip photo {person}")
}
