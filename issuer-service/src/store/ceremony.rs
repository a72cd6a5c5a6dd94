//! Rows of key ceremonies.

use super::engine::{self, OptionalExtension, Row};
use super::{StoreError, Tx};
use crate::ceremony::{Ceremony, CeremonyMove, Custodian, SUPPLEMENT};
use crate::clock;
use crate::state::State;
use crate::vault::HeldValue;

impl Tx<'_> {
    /// The number that the next ceremony gets.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn next_ceremony(&self) -> Result<i64, StoreError> {
        Ok(self.sql.query_row("SELECT COALESCE(MAX(number), 0) + 1 FROM ceremony", (), |row| row.get(0))?)
    }

    /// Adds a ceremony with its custodians.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when one is open.
    pub fn add_ceremony(&self, ceremony: &Ceremony) -> Result<(), StoreError> {
        let Ceremony { number, purpose, kind, key_set, threshold, state, started_by, started_at, .. } = ceremony;
        self.sql.execute(
            "INSERT INTO ceremony (number, purpose, kind, key_set, threshold, state, started_by, started_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
            (
                number,
                if purpose == SUPPLEMENT { "generate" } else { purpose },
                kind,
                key_set,
                threshold,
                state,
                started_by,
                started_at,
            ),
        )?;
        for custodian in &ceremony.custodians {
            self.sql.execute(
                "INSERT INTO ceremony_custodian (ceremony, place, custodian) VALUES ($1, $2, $3)",
                (number, custodian.place, &custodian.name),
            )?;
        }
        Ok(())
    }

    /// Notes a contribution.
    ///
    /// # Errors
    /// [`StoreError::StateMoved`] when there is one.
    pub fn contribute(&self, number: i64, place: u8, check_value: &str) -> Result<(), StoreError> {
        let rows = self.sql.execute(
            "UPDATE ceremony_custodian SET contributed_at = $1, check_value = $2
             WHERE ceremony = $3 AND place = $4 AND contributed_at IS NULL",
            (clock::now(), check_value, number, place),
        )?;
        Self::moved(rows, || format!("custodian {place} of ceremony {number}"), "waiting")
    }

    /// Notes the check value of the share that a custodian got.
    ///
    /// # Errors
    /// [`StoreError::StateMoved`].
    pub fn set_share_check_value(&self, number: i64, place: u8, check_value: &str) -> Result<(), StoreError> {
        let rows = self.sql.execute(
            "UPDATE ceremony_custodian SET check_value = $1 WHERE ceremony = $2 AND place = $3",
            (check_value, number, place),
        )?;
        Self::moved(rows, || format!("custodian {place} of ceremony {number}"), "known")
    }

    /// From here on the keys of a ceremony go into the vault: those that it will find missing there, with the check value that each
    /// has in the vault.
    ///
    /// # Errors
    /// [`StoreError::StateMoved`].
    pub fn begin_finish(&self, number: i64, keys: &[HeldValue]) -> Result<(), StoreError> {
        let (from, to) = CeremonyMove::Begin.ends();
        let rows = self.sql.execute(
            "UPDATE ceremony SET state = $1 WHERE number = $2 AND state = $3",
            (to.name(), number, from.name()),
        )?;
        Self::moved(rows, || format!("ceremony {number}"), from.name())?;
        let mut add = self
            .sql
            .prepare("INSERT INTO ceremony_key (ceremony, name, version, check_value) VALUES ($1, $2, $3, $4)")?;
        for HeldValue { name, version, check_value } in keys {
            add.execute((number, name, version, check_value))?;
        }
        Ok(())
    }

    /// The keys that a ceremony puts into the vault, or has put there, once its finish has begun; in order of name and version.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn brought_keys(&self, number: i64) -> Result<Vec<HeldValue>, StoreError> {
        let mut find = self.sql.prepare(
            "SELECT name, version, check_value FROM ceremony_key WHERE ceremony = $1 ORDER BY name, version",
        )?;
        let rows = find.query_map([number], |row| {
            Ok(HeldValue { name: row.get(0)?, version: row.get(1)?, check_value: row.get(2)? })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// A key of a ceremony that is given up stays where it is.
    ///
    /// # Errors
    /// [`StoreError::StateMoved`].
    pub(crate) fn leave_key(&self, number: i64, key: &HeldValue) -> Result<(), StoreError> {
        let rows = self.sql.execute(
            "UPDATE ceremony_key SET left_behind = 1 WHERE ceremony = $1 AND name = $2 AND version = $3",
            (number, &key.name, key.version),
        )?;
        Self::moved(rows, || format!("key {}", key.title()), "brought")
    }

    /// Keys of ceremonies that were given up which a token did not let go.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn keys_left(&self) -> Result<Vec<HeldValue>, StoreError> {
        let mut find = self.sql.prepare(
            "SELECT name, version, check_value FROM ceremony_key WHERE left_behind = 1 ORDER BY name, version",
        )?;
        let rows = find
            .query_map((), |row| Ok(HeldValue { name: row.get(0)?, version: row.get(1)?, check_value: row.get(2)? }))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The same with the ceremony of each, the last one first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) fn keys_left_by(&self) -> Result<Vec<(i64, HeldValue)>, StoreError> {
        let mut find = self.sql.prepare(
            "SELECT ceremony, name, version, check_value FROM ceremony_key WHERE left_behind = 1
             ORDER BY ceremony DESC, name, version",
        )?;
        let rows = find.query_map((), |row| {
            Ok((row.get(0)?, HeldValue { name: row.get(1)?, version: row.get(2)?, check_value: row.get(3)? }))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The highest key set of a ceremony that was given up and left keys behind; 0 for none.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) fn key_set_left(&self) -> Result<u8, StoreError> {
        let mut find = self.sql.prepare(
            "SELECT COALESCE(MAX(c.key_set), 0) FROM ceremony c WHERE c.purpose = 'generate' AND EXISTS
                (SELECT 1 FROM ceremony_key k WHERE k.ceremony = c.number AND k.version = c.key_set AND k.left_behind = 1)",
        )?;
        Ok(find.query_row((), |row| row.get(0))?)
    }

    /// Ends a ceremony.
    ///
    /// # Errors
    /// [`StoreError::StateMoved`].
    pub fn end_ceremony(&self, number: i64, by: CeremonyMove, check_value: Option<&str>) -> Result<(), StoreError> {
        let (from, to) = by.ends();
        let rows = self.sql.execute(
            "UPDATE ceremony SET state = $1, ended_at = $2, check_value = $3 WHERE number = $4 AND state = $5",
            (to.name(), clock::now(), check_value, number, from.name()),
        )?;
        Self::moved(rows, || format!("ceremony {number}"), from.name())
    }

    /// Adds a receipt.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn add_ceremony_receipt(&self, number: i64, body: &str, signature: &str) -> Result<(), StoreError> {
        self.sql.execute(
            "INSERT INTO ceremony_receipt (ceremony, sequence, body, signature)
             VALUES ($1, (SELECT COALESCE(MAX(sequence), 0) + 1 FROM ceremony_receipt WHERE ceremony = $1), $2, $3)",
            (number, body, signature),
        )?;
        Ok(())
    }

    /// Bodies and signatures of the receipts of a ceremony, in order.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn ceremony_receipts(&self, number: i64) -> Result<Vec<(String, String)>, StoreError> {
        let mut find =
            self.sql.prepare("SELECT body, signature FROM ceremony_receipt WHERE ceremony = $1 ORDER BY sequence")?;
        Ok(find.query_map([number], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?)
    }

    /// The ceremony that has not ended.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn open_ceremony(&self) -> Result<Option<Ceremony>, StoreError> {
        let found =
            self.sql.query_row(&format!("{CEREMONY} WHERE state IN ('open', 'finishing')"), (), ceremony).optional()?;
        found.map(|found| self.with_custodians(found)).transpose()
    }

    /// A ceremony.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn ceremony(&self, number: i64) -> Result<Option<Ceremony>, StoreError> {
        let found = self.sql.query_row(&format!("{CEREMONY} WHERE number = $1"), [number], ceremony).optional()?;
        found.map(|found| self.with_custodians(found)).transpose()
    }

    /// All ceremonies, in order of number.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn ceremonies(&self) -> Result<Vec<Ceremony>, StoreError> {
        let mut find = self.sql.prepare(&format!("{CEREMONY} ORDER BY number"))?;
        let found = find.query_map((), ceremony)?.collect::<Result<Vec<_>, _>>()?;
        found.into_iter().map(|found| self.with_custodians(found)).collect()
    }

    fn with_custodians(&self, mut ceremony: Ceremony) -> Result<Ceremony, StoreError> {
        let mut find = self.sql.prepare(
            "SELECT place, custodian, contributed_at, check_value FROM ceremony_custodian
             WHERE ceremony = $1 ORDER BY place",
        )?;
        let rows = find.query_map([ceremony.number], |row| {
            Ok(Custodian {
                place: row.get(0)?,
                name: row.get(1)?,
                contributed_at: row.get(2)?,
                check_value: row.get(3)?,
            })
        })?;
        ceremony.custodians = rows.collect::<Result<_, _>>()?;
        Ok(ceremony)
    }
}

/// What a supplement is called stands in its first receipt: the column knows the two purposes of older programs.
const CEREMONY: &str = "SELECT number, CASE WHEN EXISTS (SELECT 1 FROM ceremony_receipt r
        WHERE r.ceremony = ceremony.number AND r.sequence = 1 AND r.body LIKE '%\"step\":\"supplement\"%')
    THEN 'supplement' ELSE purpose END, kind, key_set, threshold, state, started_by, started_at, ended_at,
    check_value FROM ceremony";

fn ceremony(row: &Row<'_>) -> engine::Result<Ceremony> {
    Ok(Ceremony {
        number: row.get(0)?,
        purpose: row.get(1)?,
        kind: row.get(2)?,
        key_set: row.get(3)?,
        threshold: row.get(4)?,
        state: row.get(5)?,
        started_by: row.get(6)?,
        started_at: row.get(7)?,
        ended_at: row.get(8)?,
        check_value: row.get(9)?,
        custodians: Vec::new(),
    })
}
