//! Rows of certificates of participation: what was printed is sealed; a check opens the one that its code names.

use settlement::date::{DateTime, Month};
use settlement::id::RequestId;
use settlement::query::{CertificateAnswer, CertificateCode};

use super::counter::Counter;
use super::engine::{OptionalExtension, params};
use super::{StoreError, Tx, cell};
use crate::benefit::rule::Counted;
use crate::query::{Asker, Channel};

/// What a check of a code tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issued {
    /// Number.
    pub number: u64,
    /// China time of its making.
    pub issued_at: DateTime,
    /// What was printed; none when it was forgotten since.
    pub content: Option<CertificateAnswer>,
}

impl Tx<'_> {
    /// Number of the next certificate.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn next_participation(&self) -> Result<u64, StoreError> {
        let number = self.next_of(Counter::Participation)?;
        u64::try_from(number).map_err(|_| StoreError::Damaged)
    }

    /// Keeps a certificate.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when number, code or request has one.
    pub fn add_participation(
        &self,
        person: i64,
        month: Month,
        asker: &Asker,
        request: Option<RequestId>,
        certificate: &CertificateAnswer,
    ) -> Result<(), StoreError> {
        let number = cell::from_u64(certificate.number)?;
        let as_of = certificate.insurances.iter().map(|line| line.as_of).max().ok_or(StoreError::Damaged)?;
        let content = serde_json::to_vec(certificate).map_err(|_| StoreError::Damaged)?;
        let (key, sealed) = self.seal(&content_place(number), &content)?;
        self.sql.execute(
            "INSERT INTO participation_certificate (number, code, person, month, channel, actor, request_id, issued_at, as_of,
                 data_key, content)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
            params![
                number,
                certificate.code.to_string(),
                person,
                month.to_string(),
                asker.channel.name(),
                asker.actor.clone(),
                request.map(|request| request.to_string()),
                certificate.issued_at.to_string(),
                as_of.to_string(),
                key,
                sealed,
            ],
        )?;
        Ok(())
    }

    /// The certificate that a terminal's request got.
    ///
    /// # Errors
    /// [`StoreError`], also when it was forgotten since.
    pub fn participation_of_request(&self, request: RequestId) -> Result<Option<CertificateAnswer>, StoreError> {
        let mut find = self
            .sql
            .prepare("SELECT number, data_key, content FROM participation_certificate WHERE request_id = $1")?;
        let found = find.query_row([request.to_string()], |row| {
            Ok((row.get::<i64>(0)?, row.get::<u8>(1)?, row.get::<Vec<u8>>(2)?))
        });
        let Some((number, key, sealed)) = found.optional()? else { return Ok(None) };
        let place = content_place(number);
        let content = self.open(key, &place, &sealed)?;
        serde_json::from_slice(&content).map(Some).map_err(|_| StoreError::RowSealed { place })
    }

    /// The certificate with a code.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn participation_by_code(&self, code: CertificateCode) -> Result<Option<Issued>, StoreError> {
        let mut find = self
            .sql
            .prepare("SELECT number, issued_at, data_key, content FROM participation_certificate WHERE code = $1")?;
        let found = find.query_row([code.to_string()], |row| {
            let issued_at = cell::parsed(row, 1, DateTime::parse)?;
            Ok((row.get::<i64>(0)?, issued_at, row.get::<u8>(2)?, row.get::<Vec<u8>>(3)?))
        });
        let Some((number, issued_at, key, sealed)) = found.optional()? else { return Ok(None) };
        let place = content_place(number);
        let content = self.open(key, &place, &sealed)?;
        let content = match content.is_empty() {
            true => None,
            false => Some(serde_json::from_slice(&content).map_err(|_| StoreError::RowSealed { place })?),
        };
        Ok(Some(Issued { number: u64::try_from(number).map_err(|_| StoreError::Damaged)?, issued_at, content }))
    }

    /// The certificate with a code as it is printed again: its person, and its content unless that was forgotten since.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn participation_to_print(
        &self,
        code: CertificateCode,
    ) -> Result<Option<(i64, Option<CertificateAnswer>)>, StoreError> {
        let Some(issued) = self.participation_by_code(code)? else { return Ok(None) };
        let mut find = self.sql.prepare("SELECT person FROM participation_certificate WHERE code = $1")?;
        Ok(Some((find.query_row([code.to_string()], |row| row.get(0))?, issued.content)))
    }

    /// Counts a print of a certificate: how many there are with it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn count_print(&self, code: CertificateCode) -> Result<u32, StoreError> {
        let code = code.to_string();
        self.sql.execute("UPDATE participation_certificate SET printed = printed + 1 WHERE code = $1", [&code])?;
        let mut find = self.sql.prepare("SELECT printed FROM participation_certificate WHERE code = $1")?;
        Ok(find.query_row([&code], |row| row.get(0))?)
    }

    /// Notes what the kiosk says that a certificate was made for: whether its printer took it; the person, or none when there is no such
    /// certificate of this kiosk.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn note_print(&self, number: u64, actor: &str, printed: bool) -> Result<Option<i64>, StoreError> {
        let number = cell::from_u64(number)?;
        let mut find =
            self.sql.prepare("SELECT person FROM participation_certificate WHERE number = $1 AND actor = $2")?;
        let person: Option<i64> = find.query_row((number, actor), |row| row.get(0)).optional()?;
        let sql = if printed {
            "UPDATE participation_certificate SET printed = printed + 1 WHERE number = $1 AND actor = $2"
        } else {
            "UPDATE participation_certificate SET unprinted = 1 WHERE number = $1 AND actor = $2"
        };
        self.sql.execute(sql, (number, actor))?;
        Ok(person)
    }

    /// How many certificates somebody got in a month: not those of which a kiosk said that its printer did not take them.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn participations_in(&self, person: i64, month: Month, counted: Counted) -> Result<u32, StoreError> {
        let mut find = self.sql.prepare(
            "SELECT COUNT(*) FROM participation_certificate WHERE person = $1 AND month = $2 AND (unprinted = 0 OR printed > 0)
             AND (channel = $3 OR $3 IS NULL)",
        )?;
        let channel = match counted {
            Counted::Kiosk => Some(Channel::Kiosk.name()),
            Counted::All => None,
        };
        Ok(find.query_row((person, month.to_string(), channel), |row| row.get(0))?)
    }

    /// Empties what was printed for a person; that it was printed stays.
    pub(super) fn forget_participations(&self, person: i64) -> Result<(), StoreError> {
        let mut find = self.sql.prepare("SELECT number FROM participation_certificate WHERE person = $1")?;
        let numbers = find.query_map([person], |row| row.get(0))?.collect::<Result<Vec<i64>, _>>()?;
        for number in numbers {
            let (key, cell) = self.seal(&content_place(number), &[])?;
            let sql = "UPDATE participation_certificate SET data_key = $1, content = $2 WHERE number = $3";
            self.sql.execute(sql, (key, cell, number))?;
        }
        Ok(())
    }
}

pub(super) fn content_place(number: i64) -> String {
    format!("certificate of participation {number}")
}
