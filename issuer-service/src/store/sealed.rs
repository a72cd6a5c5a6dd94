//! The data keys at the database: opening it, sealing rows of an older schema and removing their traces.
//!
//! Owns: which rows are not sealed yet, and whether their open texts are gone from the file. Never: the file of keys (`vault/data_keys.rs`).

use std::sync::Arc;

use super::{Store, StoreError, Tx};
use crate::person::Details;
use crate::person::dossier::{Dossier, Statement};
use crate::person::field::Fields;
use crate::vault::VaultError;
use crate::vault::data_keys::DataKeys;

/// Fact of the centre that holds the check value of its data keys.
const FACT: &str = "data_keys";
/// Fact of the centre that says whether open texts of an older schema may be in free pages and in the log.
const TRACES: &str = "open_texts";
/// They may be.
const REMAIN: &str = "remain";
/// They are removed.
const GONE: &str = "gone";
/// Rows that one transaction seals.
const ROWS: u32 = 1_000;
/// The source of rows that an older schema held.
const REGISTRY: u32 = 1;

impl Store {
    /// Gives the data keys to this connection, and seals what an older schema left open.
    ///
    /// # Errors
    /// [`StoreError::DataKeysForeign`] when the database knows other keys.
    pub fn unlock(&mut self, keys: Arc<DataKeys>) -> Result<(), StoreError> {
        let known = self.read(|tx| tx.fact(FACT))?;
        match known {
            Some(known) if known == keys.check_value() => {}
            Some(_) => return Err(StoreError::DataKeysForeign),
            None => self.journal(|tx| tx.set_fact(FACT, &keys.check_value()))?,
        }
        self.data = Some(keys);
        self.seal_old_rows()
    }

    /// Whether the database knows data keys already: a lost file must not be replaced by new keys.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn knows_data_keys(&mut self) -> Result<bool, StoreError> {
        Ok(self.read(|tx| tx.fact(FACT))?.is_some())
    }

    /// The data keys of this connection, for another one.
    #[must_use]
    pub fn data_keys(&self) -> Option<Arc<DataKeys>> {
        self.data.clone()
    }

    fn seal_old_rows(&mut self) -> Result<(), StoreError> {
        while !self.read(|tx| tx.unsealed_rows())?.is_empty() {
            self.journal(|tx| -> Result<(), StoreError> {
                for (id, plain, registered_at) in &tx.unsealed_rows()? {
                    let dossier = old_row(plain, crate::clock::seconds_of(registered_at))
                        .ok_or_else(|| StoreError::RowSealed { place: format!("person {id}") })?;
                    tx.put_dossier(*id, &dossier)?;
                }
                tx.set_fact(TRACES, REMAIN)
            })?;
        }
        if self.read(|tx| tx.fact(TRACES))?.as_deref() == Some(REMAIN) {
            self.remove_traces()?;
        }
        Ok(())
    }

    /// Open texts must not survive in free pages and in the log. Killed or kept from it by another reader, the next start tries again.
    fn remove_traces(&mut self) -> Result<(), StoreError> {
        if self.connection.scrub()? {
            self.journal(|tx| tx.set_fact(TRACES, GONE))?;
        }
        Ok(())
    }
}

impl Tx<'_> {
    /// The data keys.
    pub(super) fn data(&self) -> Result<&crate::vault::data_keys::DataKeys, StoreError> {
        self.data.ok_or(StoreError::DataKeysClosed)
    }

    /// Seals what belongs to `place` under the newest key; the key's id and the sealed bytes.
    pub(super) fn seal(&self, place: &str, plain: &[u8]) -> Result<(u8, Vec<u8>), StoreError> {
        self.data()?.seal(place, plain).map_err(|error| match error {
            VaultError::NoRandom => StoreError::NoRandom,
            _ => StoreError::RowSealed { place: place.to_owned() },
        })
    }

    fn unsealed_rows(&self) -> Result<Vec<(i64, Vec<u8>, String)>, StoreError> {
        let mut find = self
            .sql
            .prepare("SELECT id, dossier, registered_at FROM person WHERE data_key = 0 ORDER BY id LIMIT $1")?;
        let rows = find.query_map([ROWS], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

/// A row as schema 4 found it: values in the order of its migration, separated by U+001F.
fn old_row(plain: &[u8], at: u64) -> Option<Dossier> {
    let text = std::str::from_utf8(plain).ok()?;
    let mut values = text.split('\u{1F}').map(str::to_owned);
    let mut next = || values.next();
    let details = Details {
        number: next()?,
        name: next()?,
        name_raw: next()?,
        sex: next()?,
        ethnic_group: next()?,
        birth_date: next()?,
        region: next()?,
        address: next()?,
        phone: next()?,
        employer: next()?,
    };
    let whole = values.next().is_none();
    whole.then(|| {
        Dossier::begin(&Statement { source: REGISTRY, at, import: 0, row: 0, details: &details, fields: Fields::ALL })
    })
}
