//! Rows of bank card numbers, each with the card that it belongs to.
//!
//! Owns: their seals, who else has a number. Never: writes one unsealed; judges whether it is one.

use super::engine::{OptionalExtension, params};
use super::{StoreError, Tx};
use crate::clock;
use crate::vault::data_keys::Lookup;

impl Tx<'_> {
    /// Keeps the bank card number of a job's card; one that is kept already is replaced.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn keep_bank_card(&self, job: i64, number: &str) -> Result<(), StoreError> {
        let (key, sealed) = self.seal(&bank_card_place(job), number.as_bytes())?;
        self.sql.execute("DELETE FROM bank_card WHERE job = $1", [job])?;
        self.sql.execute(
            "INSERT INTO bank_card (job, number_hash, data_key, bank_number, kept_at) VALUES ($1, $2, $3, $4, $5)",
            params![job, self.lookup(Lookup::BankCard, number)?, key, sealed, clock::now()],
        )?;
        Ok(())
    }

    /// The bank card number of a job's card.
    ///
    /// # Errors
    /// [`StoreError::RowSealed`].
    pub fn bank_card(&self, job: i64) -> Result<Option<String>, StoreError> {
        let mut find = self.sql.prepare("SELECT data_key, bank_number FROM bank_card WHERE job = $1")?;
        let found = find.query_row([job], |row| Ok((row.get::<u8>(0)?, row.get::<Vec<u8>>(1)?))).optional()?;
        let Some((key, sealed)) = found else { return Ok(None) };
        let place = bank_card_place(job);
        let text = String::from_utf8(self.open(key, &place, &sealed)?.to_vec());
        text.map(|text| Some(text).filter(|text| !text.is_empty())).map_err(|_| StoreError::RowSealed { place })
    }

    /// Whether another person's card that works or may, or is in the making, has a bank card number.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn bank_card_taken(&self, number: &str, person: i64) -> Result<bool, StoreError> {
        let mut find = self.sql.prepare(
            "SELECT 1 FROM bank_card b JOIN job j ON j.number = b.job WHERE b.number_hash = $1 AND j.person <> $2
             AND (j.state IN ('requested', 'waiting', 'writing')
                  OR EXISTS (SELECT 1 FROM card c WHERE c.job = j.number AND c.state NOT IN ('cancelled', 'spoilt')))",
        )?;
        for hash in self.data()?.keys.lookups(Lookup::BankCard, number) {
            if find.exists(params![hash, person])? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Empties the bank card numbers of a person's cards.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(super) fn forget_bank_cards(&self, person: i64) -> Result<(), StoreError> {
        self.sql.execute("DELETE FROM bank_card WHERE job IN (SELECT number FROM job WHERE person = $1)", [person])?;
        Ok(())
    }
}

pub(super) fn bank_card_place(job: i64) -> String {
    format!("bank card of job {job}")
}
