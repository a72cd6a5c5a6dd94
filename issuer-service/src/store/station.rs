//! Rows of the station's journal, of receipts and of PSAMs.

use rusqlite::types::Type;
use rusqlite::{OptionalExtension, Row};

use super::{StoreError, Tx};
use crate::card::Chip;
use crate::clock;
use crate::psam::Psam;
use crate::psam::custody::PsamMove;
use crate::state::State;

impl Tx<'_> {
    /// Notes what a station is about to do with a job, or what came of it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn note(&self, job: i64, reader: &str, event: &str, detail: &str) -> Result<(), StoreError> {
        self.sql
            .prepare_cached(
                "INSERT INTO station_journal (sequence, at, job, reader, event, detail)
             VALUES ((SELECT COALESCE(MAX(sequence), 0) + 1 FROM station_journal), $1, $2, $3, $4, $5)",
            )?
            .execute((clock::now(), job, reader, event, detail))?;
        Ok(())
    }

    /// Details of the notes of one kind on a job, in order.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn notes(&self, job: i64, event: &str) -> Result<Vec<String>, StoreError> {
        let mut find = self
            .sql
            .prepare_cached("SELECT detail FROM station_journal WHERE job = $1 AND event = $2 ORDER BY sequence")?;
        Ok(find.query_map((job, event), |row| row.get(0))?.collect::<Result<_, _>>()?)
    }

    /// Adds the receipt of a finished job.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the job has one.
    pub fn add_receipt(&self, job: i64, body: &str, signature: &str) -> Result<(), StoreError> {
        self.sql
            .prepare_cached("INSERT INTO receipt (job, body, signature) VALUES ($1, $2, $3)")?
            .execute((job, body, signature))?;
        Ok(())
    }

    /// Body and signature of a receipt.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn receipt(&self, job: i64) -> Result<Option<(String, String)>, StoreError> {
        let mut find = self.sql.prepare_cached("SELECT body, signature FROM receipt WHERE job = $1")?;
        Ok(find.query_row([job], |row| Ok((row.get(0)?, row.get(1)?))).optional()?)
    }

    /// Records a PSAM that is about to be written; one that was begun for the same terminal may go on.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when chip or terminal number belongs to another PSAM.
    pub fn begin_psam(
        &self,
        chip: &Chip,
        terminal_number: &str,
        institution: &str,
        made_by: &str,
        key_set: u8,
    ) -> Result<(), StoreError> {
        let begun = self.sql.execute(
            "UPDATE psam SET institution = $1, made_by = $2, changed_at = $3
             WHERE chip = $4 AND terminal_number = $5 AND state = 'writing'",
            (institution, made_by, clock::now(), chip.as_str(), terminal_number),
        )?;
        if begun == 0 {
            self.sql.execute(
                "INSERT INTO psam (chip, terminal_number, institution, state, made_by, changed_at, key_set)
                 VALUES ($1, $2, $3, 'writing', $4, $5, $6)",
                (chip.as_str(), terminal_number, institution, made_by, clock::now(), key_set),
            )?;
        }
        Ok(())
    }

    /// Moves a PSAM from `writing`.
    ///
    /// # Errors
    /// [`StoreError::StateMoved`].
    pub fn finish_psam(&self, chip: &Chip, by: PsamMove) -> Result<(), StoreError> {
        let (from, to) = by.ends();
        let rows = self.sql.execute(
            "UPDATE psam SET state = $1, changed_at = $2 WHERE chip = $3 AND state = $4",
            (to.name(), clock::now(), chip.as_str(), from.name()),
        )?;
        Self::moved(rows, || format!("PSAM {}", chip.as_str()), from.name())
    }

    /// The PSAM with a chip.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn psam(&self, chip: &Chip) -> Result<Option<Psam>, StoreError> {
        let mut find = self.sql.prepare_cached(&format!("SELECT {PSAM} FROM psam WHERE chip = $1"))?;
        Ok(find.query_row([chip.as_str()], psam).optional()?)
    }

    /// All PSAMs, in order of terminal number.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn psams(&self) -> Result<Vec<Psam>, StoreError> {
        let mut find = self.sql.prepare(&format!("SELECT {PSAM} FROM psam ORDER BY terminal_number"))?;
        Ok(find.query_map((), psam)?.collect::<Result<_, _>>()?)
    }
}

pub(super) const PSAM: &str = "chip, terminal_number, institution, state, made_by, key_set, holder, due";

pub(super) fn psam(row: &Row<'_>) -> rusqlite::Result<Psam> {
    let chip: String = row.get(0)?;
    let unreadable = || rusqlite::Error::InvalidColumnType(0, "psam".to_owned(), Type::Text);
    Ok(Psam {
        chip: Chip::parse(&chip).ok_or_else(unreadable)?,
        terminal_number: row.get(1)?,
        institution: row.get(2)?,
        state: row.get(3)?,
        made_by: row.get(4)?,
        key_set: row.get(5)?,
        holder: row.get(6)?,
        due: row.get(7)?,
    })
}
