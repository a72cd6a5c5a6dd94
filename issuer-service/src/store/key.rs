//! Rows of key sets, of check values, and of which card has which set.

use super::engine::{self, OptionalExtension, Row};
use super::{StoreError, Tx};
use crate::ceremony::{Ceremony, CeremonyState, SUPPLEMENT};
use crate::clock;
use crate::state::State;
use crate::vault::{CheckValue, Kind};

impl Tx<'_> {
    /// Records a key set with the check values of its keys. From now on cards are made with it.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when there is such a set, or one of its keys is recorded.
    pub fn add_key_set(&self, number: u8, kind: Kind, made_by: &str, values: &[CheckValue]) -> Result<(), StoreError> {
        self.sql.execute(
            "INSERT INTO key_set (number, kind, made_by, made_at) VALUES ($1, $2, $3, $4)",
            (number, kind.to_string(), made_by, clock::now()),
        )?;
        self.add_to_key_set(number, values)
    }

    /// Records check values of further keys of a set.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when one is recorded.
    pub fn add_to_key_set(&self, number: u8, values: &[CheckValue]) -> Result<(), StoreError> {
        let mut add = self.sql.prepare(
            "INSERT INTO key_value (key_set, name, version, national, province, city) VALUES ($1, $2, $3, $4, $5, $6)",
        )?;
        for value in values {
            let CheckValue { name, version, national, province, city } = value;
            add.execute((number, name, version, national, province, city))?;
        }
        Ok(())
    }

    /// Whether a card was ever to be made.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn has_jobs(&self) -> Result<bool, StoreError> {
        Ok(self.sql.prepare("SELECT 1 FROM job LIMIT 1")?.exists(())?)
    }

    /// Whether a key set is recorded.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn has_key_set(&self, number: u8) -> Result<bool, StoreError> {
        Ok(self.sql.prepare("SELECT 1 FROM key_set WHERE number = $1")?.exists([number])?)
    }

    /// The newest key set, with which cards are made.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn current_key_set(&self) -> Result<Option<u8>, StoreError> {
        Ok(self.sql.prepare("SELECT MAX(number) FROM key_set")?.query_row((), |row| row.get(0))?)
    }

    /// The check values recorded, in order of name and version.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn recorded_check_values(&self) -> Result<Vec<CheckValue>, StoreError> {
        let mut find =
            self.sql.prepare("SELECT name, version, national, province, city FROM key_value ORDER BY name, version")?;
        Ok(find.query_map((), value)?.collect::<Result<_, _>>()?)
    }

    /// The check values recorded of a key set, in order of name and version.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn check_values_of(&self, key_set: u8) -> Result<Vec<CheckValue>, StoreError> {
        let mut find = self.sql.prepare(
            "SELECT name, version, national, province, city FROM key_value WHERE key_set = $1 ORDER BY name, version",
        )?;
        Ok(find.query_map([key_set], value)?.collect::<Result<_, _>>()?)
    }

    /// The check values of a ceremony: those of its key set, without those that supplements have added to it; of a supplement these
    /// alone.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn check_values_brought(&self, ceremony: &Ceremony) -> Result<Vec<CheckValue>, StoreError> {
        let mut values = self.check_values_of(ceremony.key_set)?;
        for other in self.ceremonies()?.iter().filter(|other| other.purpose == SUPPLEMENT) {
            let added = self.brought_keys(other.number)?;
            let is_added =
                |value: &CheckValue| added.iter().any(|of| of.name == value.name && of.version == value.version);
            if other.number == ceremony.number {
                values.retain(is_added);
            } else if other.state == CeremonyState::Finished.name() {
                values.retain(|value| !is_added(value));
            }
        }
        Ok(values)
    }

    /// Binds the card of a job to a key set.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn bind_key_set(&self, job: i64, key_set: u8) -> Result<(), StoreError> {
        let mut bind = self.sql.prepare("INSERT INTO card_key_set (job, key_set) VALUES ($1, $2)")?;
        bind.execute((job, key_set))?;
        Ok(())
    }

    /// The key set that the card of a job was begun with; `None` for cards older than key sets.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn key_set_of(&self, job: i64) -> Result<Option<u8>, StoreError> {
        let mut find = self.sql.prepare("SELECT key_set FROM card_key_set WHERE job = $1")?;
        Ok(find.query_row([job], |row| row.get(0)).optional()?)
    }
}

fn value(row: &Row<'_>) -> engine::Result<CheckValue> {
    Ok(CheckValue {
        name: row.get(0)?,
        version: row.get(1)?,
        national: row.get(2)?,
        province: row.get(3)?,
        city: row.get(4)?,
    })
}
