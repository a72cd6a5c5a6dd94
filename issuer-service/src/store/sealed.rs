//! The data keys at the database: opening it, sealing and opening a row, sealing rows of an older schema and removing their traces.
//!
//! Source: docs/adr/0020, 0033. Owns: which generation of keys seals (a fact of the database), that every process keeps to it; which
//! rows are not sealed yet, and whether their open texts are gone from the file. Never: makes or destroys a key.

use std::cell::RefCell;
use std::sync::Arc;

use zeroize::Zeroizing;

use super::{Store, StoreError, Tx};
use crate::person::Details;
use crate::person::dossier::{Dossier, Statement};
use crate::person::field::Fields;
use crate::vault::VaultError;
use crate::vault::data_keys::{DataKeys, LOOKUP_BYTES, Lookup};

/// Fact of the centre that holds the check value of its data keys.
const FACT: &str = "data_keys";
/// Fact of the centre that holds the id of the generation that rows are sealed under.
const SEALS: &str = "data_key";
/// Fact: what the free pages of the file may hold.
const FREE_PAGES: &str = "free_pages";
/// Rows of a time when they were not overwritten.
const UNKNOWN: &str = "unknown";
/// Nothing.
const OVERWRITTEN: &str = "overwritten";
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

/// The data keys of a connection; a transaction that finds them outdated puts newer ones in their place.
#[derive(Debug, Default)]
pub(super) struct KeyHolder(RefCell<Option<Arc<DataKeys>>>);

/// The data keys of a transaction.
#[derive(Debug)]
pub(super) struct Ready {
    pub(super) keys: Arc<DataKeys>,
    /// Generation that seals.
    pub(super) seals: u8,
}

impl Store {
    /// Gives the data keys to this connection, and seals what an older schema left open.
    ///
    /// # Errors
    /// [`StoreError::DataKeysForeign`] when the database knows other keys.
    pub fn unlock(&mut self, keys: Arc<DataKeys>) -> Result<(), StoreError> {
        let (known, seals) = self.read(|tx| -> Result<_, StoreError> { Ok((tx.fact(FACT)?, tx.fact(SEALS)?)) })?;
        let keys = match &known {
            Some(known) if !keys.proves(known) => {
                // A rotation may have ended between the reading of the file and this moment.
                let again = keys.again().map_err(|_| StoreError::DataKeysForeign)?;
                if !again.proves(known) {
                    return Err(StoreError::DataKeysForeign);
                }
                Arc::new(again)
            }
            _ => keys,
        };
        if (known.is_none() || seals.is_none()) && !self.looks {
            self.journal(|tx| tx.seal_under(&keys, keys.newest()))?;
        }
        self.data = KeyHolder(RefCell::new(Some(keys)));
        if self.looks {
            return Ok(());
        }
        self.seal_old_rows()?;
        self.weigh_old_rows()
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
        self.data.0.borrow().clone()
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

    fn weigh_old_rows(&mut self) -> Result<(), StoreError> {
        while !self.read(|tx| tx.unweighed_people(1))?.is_empty() {
            self.journal(|tx| tx.unweighed_people(ROWS)?.into_iter().try_for_each(|id| tx.weigh(id)))?;
        }
        Ok(())
    }

    /// Removes what rows sealed before have left in free pages and in the log; `false` when others keep it from that.
    pub(crate) fn remove_earlier_rows(&mut self) -> Result<bool, StoreError> {
        let dirty = self.read(|tx| tx.fact(FREE_PAGES))?.as_deref() == Some(UNKNOWN);
        // Since then they are overwritten when they are freed.
        let cleaned = if dirty { self.connection.scrub() } else { self.connection.empty_log() };
        match cleaned.map_err(StoreError::from) {
            Ok(true) => {
                if dirty {
                    self.journal(|tx| tx.set_fact(FREE_PAGES, OVERWRITTEN))?;
                }
                Ok(true)
            }
            Ok(false) | Err(StoreError::Locked) => Ok(false),
            Err(error) => Err(error),
        }
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
    /// The data keys. Those of a process that began before a rotation are read from the file anew.
    pub(super) fn data(&self) -> Result<&Ready, StoreError> {
        if let Some(ready) = self.data.get() {
            return Ok(ready);
        }
        let mut keys = self.held.0.borrow().clone().ok_or(StoreError::DataKeysClosed)?;
        let seals = self.fact(SEALS)?.and_then(|id| id.parse().ok()).unwrap_or_else(|| keys.newest());
        if !keys.has(seals) {
            keys = Arc::new(keys.again().map_err(|_| StoreError::DataKeysChanged)?);
            if !keys.has(seals) {
                return Err(StoreError::DataKeysChanged);
            }
            *self.held.0.borrow_mut() = Some(Arc::clone(&keys));
        }
        Ok(self.data.get_or_init(|| Ready { keys, seals }))
    }

    /// Whether the data keys are open.
    pub(super) fn has_data_keys(&self) -> bool {
        self.held.0.borrow().is_some()
    }

    /// Seals what belongs to `place`; the id of the generation and the sealed bytes.
    pub(super) fn seal(&self, place: &str, plain: &[u8]) -> Result<(u8, Vec<u8>), StoreError> {
        let Ready { keys, seals } = self.data()?;
        let sealed = keys.seal(*seals, place, plain).map_err(|error| match error {
            VaultError::NoRandom => StoreError::NoRandom,
            _ => StoreError::RowSealed { place: place.to_owned() },
        })?;
        Ok((*seals, sealed))
    }

    /// Opens what belongs to `place`.
    pub(super) fn open(&self, key: u8, place: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, StoreError> {
        let opened = self.data()?.keys.open_row(key, place, sealed);
        opened.ok_or_else(|| StoreError::RowSealed { place: place.to_owned() })
    }

    /// Keyed hash that a row gets which is sealed now.
    pub(super) fn lookup(&self, kind: Lookup, text: &str) -> Result<[u8; LOOKUP_BYTES], StoreError> {
        let Ready { keys, seals } = self.data()?;
        keys.lookup(*seals, kind, text).map_err(|_| StoreError::DataKeysChanged)
    }

    /// From now on every process seals under generation `id` of `keys`.
    pub(super) fn seal_under(&self, keys: &DataKeys, id: u8) -> Result<(), StoreError> {
        self.set_fact(FACT, &keys.check_value())?;
        self.set_fact(SEALS, &id.to_string())
    }

    /// Generation that rows are sealed under.
    pub(crate) fn sealing_generation(&self) -> Result<Option<u8>, StoreError> {
        Ok(self.fact(SEALS)?.and_then(|id| id.parse().ok()))
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
        certificate: String::new(),
        alive: String::new(),
        name_script: String::new(),
    };
    let whole = values.next().is_none();
    whole.then(|| {
        Dossier::begin(&Statement {
            source: REGISTRY,
            at,
            import: 0,
            row: 0,
            details: &details,
            fields: Fields::ALL,
            taken_back: Fields::NONE,
        })
    })
}
