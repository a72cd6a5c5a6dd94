//! Rows of files exchanged with partners.

use std::collections::BTreeMap;

use super::counter::Counter;
use super::engine::{self, OptionalExtension, Row, params};
use super::{StoreError, Tx, cell};
use crate::clock;
use crate::exchange::state::{FileMove, RowMove};
use crate::exchange::template::Partner;
use crate::exchange::{SentFile, SentRow};
use crate::state::State;

/// A file that is about to be sent.
#[derive(Debug)]
pub struct NewFile<'a> {
    /// Number.
    pub number: i64,
    /// 任务号.
    pub task: &'a str,
    /// Batch.
    pub batch: i64,
    /// Who gets it.
    pub partner: Partner,
    /// The partner's code.
    pub partner_code: &'a str,
    /// Name of its template.
    pub template: &'a str,
    /// Name of the file.
    pub name: &'a str,
    /// SHA-256 of its bytes, hex.
    pub sha256: &'a str,
    /// 卡有效期 in it.
    pub valid_until: &'a str,
    /// Its bytes.
    pub body: &'a [u8],
    /// Operator.
    pub made_by: &'a str,
}

const FILE: &str =
    "SELECT f.number, f.task, f.batch, f.partner, f.partner_code, f.template, f.name, f.sha256, f.row_count,
    f.state, f.valid_until, f.made_by, f.made_at,
    (SELECT COUNT(*) FROM exchange_row r WHERE r.file = f.number AND r.state = 'accepted'),
    (SELECT COUNT(*) FROM exchange_row r WHERE r.file = f.number AND r.state = 'refused') FROM exchange_file f";

impl Tx<'_> {
    /// The number of the next file.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn next_exchange_number(&self) -> Result<i64, StoreError> {
        self.next_of(Counter::ExchangeFile)
    }

    /// Records a file that is about to be sent, and its rows: the jobs in order.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the partner was asked about a job already, or a file has this name.
    pub fn add_exchange_file(&self, new: &NewFile<'_>, jobs: &[i64]) -> Result<(), StoreError> {
        let (key, body) = self.seal(&body_place(new.number), new.body)?;
        self.sql.execute(
            "INSERT INTO exchange_file (number, task, batch, partner, partner_code, template, name, sha256, row_count, state,
                                        valid_until, data_key, body, made_by, made_at, changed_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'prepared', $10, $11, $12, $13, $14, $14)",
            params![
                new.number,
                new.task,
                new.batch,
                new.partner.name(),
                new.partner_code,
                new.template,
                new.name,
                new.sha256,
                i64::try_from(jobs.len()).unwrap_or(i64::MAX),
                new.valid_until,
                key,
                body,
                new.made_by,
                clock::now()
            ],
        )?;
        let mut add = self.sql.prepare(
            "INSERT INTO exchange_row (file, line, job, partner, state, changed_at)
             VALUES ($1, $2, $3, $4, 'exported', $5)",
        )?;
        for (job, line) in jobs.iter().zip(1_i64..) {
            add.execute((new.number, line, job, new.partner.name(), clock::now()))?;
        }
        Ok(())
    }

    /// A file that was sent, by its 任务号.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn exchange_file(&self, task: &str) -> Result<Option<SentFile>, StoreError> {
        let mut find = self.sql.prepare(&format!("{FILE} WHERE f.task = $1"))?;
        Ok(find.query_row([task], file).optional()?)
    }

    /// Files of a batch or of all, in order.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn exchange_files(&self, batch: Option<i64>) -> Result<Vec<SentFile>, StoreError> {
        let mut find = self.sql.prepare(&format!("{FILE} WHERE (f.batch = $1 OR $1 IS NULL) ORDER BY f.number"))?;
        Ok(find.query_map([batch], file)?.collect::<Result<_, _>>()?)
    }

    /// The bytes of a file that was sent.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn exchange_body(&self, number: i64) -> Result<Vec<u8>, StoreError> {
        let mut find = self.sql.prepare("SELECT data_key, body FROM exchange_file WHERE number = $1")?;
        let (key, body): (u8, Vec<u8>) = find.query_row([number], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(self.open(key, &body_place(number), &body)?.to_vec())
    }

    /// The rows of a file that was sent, in order.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn exchange_rows(&self, number: i64) -> Result<Vec<SentRow>, StoreError> {
        let mut find = self.sql.prepare(
            "SELECT r.line, r.job, j.person, j.card_number, r.state FROM exchange_row r JOIN job j ON j.number = r.job
             WHERE r.file = $1 ORDER BY r.line",
        )?;
        let rows = find.query_map([number], |row| {
            Ok(SentRow {
                line: cell::u64(row, 0)?,
                job: row.get(1)?,
                person: row.get(2)?,
                card_number: row.get(3)?,
                state: row.get(4)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Jobs of a batch that wait for a card and that no partner is being asked about, nor this one was: job, person and
    /// card number, in order.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn jobs_to_export(&self, batch: i64, partner: Partner) -> Result<Vec<(i64, i64, String)>, StoreError> {
        let mut find = self.sql.prepare(
            "SELECT j.number, j.person, j.card_number FROM job j WHERE j.batch = $1 AND j.state = 'waiting'
             AND NOT EXISTS (SELECT 1 FROM exchange_row r WHERE r.job = j.number
                             AND (r.state = 'exported' OR (r.state = 'accepted' AND r.partner = $2)))
             ORDER BY j.number",
        )?;
        let rows = find.query_map((batch, partner.name()), |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Whether a job of a batch waits for its card.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn jobs_waiting_contains(&self, batch: i64, job: i64) -> Result<bool, StoreError> {
        let mut find = self.sql.prepare("SELECT 1 FROM job WHERE number = $1 AND batch = $2 AND state = 'waiting'")?;
        Ok(find.exists((job, batch))?)
    }

    /// Moves a file.
    ///
    /// # Errors
    /// [`StoreError::StateMoved`].
    pub fn move_exchange_file(&self, number: i64, by: FileMove) -> Result<(), StoreError> {
        let (from, to) = by.ends();
        let rows = self.sql.execute(
            "UPDATE exchange_file SET state = $1, changed_at = $2 WHERE number = $3 AND state = $4",
            (to.name(), clock::now(), number, from.name()),
        )?;
        Self::moved(rows, || format!("exchange file {number}"), from.name())
    }

    /// Moves a row, with what the partner said of it.
    ///
    /// # Errors
    /// [`StoreError::StateMoved`]; [`StoreError::Conflict`] when another card has the identifier.
    pub fn move_exchange_row(
        &self,
        number: i64,
        job: i64,
        by: RowMove,
        answer: &str,
        identifier: Option<&str>,
    ) -> Result<(), StoreError> {
        let (from, to) = by.ends();
        let (key, sealed) = self.seal(&answer_place(number, job), answer.as_bytes())?;
        let rows = self
            .sql
            .prepare(
                "UPDATE exchange_row SET state = $1, data_key = $2, answer = $3, card_identifier = $4, changed_at = $5
                 WHERE file = $6 AND job = $7 AND state = $8",
            )?
            .execute(params![to.name(), key, sealed, identifier, clock::now(), number, job, from.name()])?;
        Self::moved(rows, || format!("exchange row of job {job}"), from.name())
    }

    /// What a partner said of the jobs of a file: words by job.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn exchange_answers(&self, number: i64) -> Result<BTreeMap<i64, String>, StoreError> {
        let mut find = self
            .sql
            .prepare("SELECT job, data_key, answer FROM exchange_row WHERE file = $1 AND answer IS NOT NULL")?;
        let rows =
            find.query_map([number], |row| Ok((row.get::<i64>(0)?, row.get::<u8>(1)?, row.get::<Vec<u8>>(2)?)))?;
        let mut answers = BTreeMap::new();
        for row in rows {
            let (job, key, sealed) = row?;
            let place = answer_place(number, job);
            let text = String::from_utf8(self.open(key, &place, &sealed)?.to_vec());
            answers.insert(job, text.map_err(|_| StoreError::RowSealed { place })?);
        }
        Ok(answers)
    }

    /// The waiting job whose card a factory made with this identifier: its first 24 hex digits.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn factory_job(&self, batch: i64, identifier: &str) -> Result<Option<i64>, StoreError> {
        let mut find = self.sql.prepare(
            "SELECT j.number FROM exchange_row r JOIN job j ON j.number = r.job
             WHERE r.card_identifier = $1 AND r.state = 'accepted' AND j.batch = $2 AND j.state = 'waiting'
             AND NOT EXISTS (SELECT 1 FROM person_death d WHERE d.person = j.person)",
        )?;
        Ok(find.query_row((identifier, batch), |row| row.get(0)).optional()?)
    }

    /// Whether a card has this identifier: its first 24 hex digits.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn identifier_taken(&self, identifier: &str) -> Result<bool, StoreError> {
        let mut find = self.sql.prepare(
            "SELECT 1 FROM card WHERE substr(card_identifier, 1, 24) = $1
             UNION ALL SELECT 1 FROM exchange_row WHERE card_identifier = $1",
        )?;
        Ok(find.exists([identifier])?)
    }

    /// Records that a file came back; what it answers.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when it, or another answer to the same file, is recorded.
    pub fn add_exchange_answer(
        &self,
        sha256: &str,
        number: i64,
        name: &str,
        (accepted, refused): (u64, u64),
        taken_by: &str,
    ) -> Result<(), StoreError> {
        self.sql.execute(
            "INSERT INTO exchange_answer (sha256, file, name, accepted, refused, taken_by, taken_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
            (sha256, number, name, cell::from_u64(accepted)?, cell::from_u64(refused)?, taken_by, clock::now()),
        )?;
        Ok(())
    }

    /// The 任务号 that a file with this digest answered, and how many cards it accepted and refused.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn exchange_answer(&self, sha256: &str) -> Result<Option<(String, u64, u64)>, StoreError> {
        let mut find = self.sql.prepare(
            "SELECT f.task, a.accepted, a.refused FROM exchange_answer a JOIN exchange_file f ON f.number = a.file
             WHERE a.sha256 = $1",
        )?;
        Ok(find.query_row([sha256], |row| Ok((row.get(0)?, cell::u64(row, 1)?, cell::u64(row, 2)?))).optional()?)
    }

    /// Open requests whose last job in a batch was refused by a partner, in order.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn requests_refused_in(&self, batch: i64) -> Result<Vec<i64>, StoreError> {
        let mut find = self.sql.prepare(
            "SELECT r.number FROM card_request r JOIN job j ON j.number = r.job
             WHERE j.batch = $1 AND j.state = 'spoilt' AND r.state = 'open' ORDER BY r.number",
        )?;
        Ok(find.query_map([batch], |row| row.get(0))?.collect::<Result<_, _>>()?)
    }
}

pub(super) fn body_place(number: i64) -> String {
    format!("exchange file {number}")
}

pub(super) fn answer_place(number: i64, job: impl std::fmt::Display) -> String {
    format!("exchange answer {number} {job}")
}

fn file(row: &Row<'_>) -> engine::Result<SentFile> {
    Ok(SentFile {
        number: row.get(0)?,
        task: row.get(1)?,
        batch: row.get(2)?,
        partner: cell::one_of(row, 3, Partner::ALL, Partner::name)?,
        partner_code: row.get(4)?,
        template: row.get(5)?,
        name: row.get(6)?,
        sha256: row.get(7)?,
        rows: cell::u64(row, 8)?,
        state: row.get(9)?,
        valid_until: row.get(10)?,
        made_by: row.get(11)?,
        made_at: row.get(12)?,
        accepted: cell::u64(row, 13)?,
        refused: cell::u64(row, 14)?,
    })
}
