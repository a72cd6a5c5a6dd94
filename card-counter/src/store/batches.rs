//! Letters to the centre and the batches among them.
//!
//! Owns: rows of `letter` and `batch`: what was written before it was sent, and what came back.
//! Never: sends, seals.

use std::collections::BTreeMap;

use rusqlite::{OptionalExtension as _, params};
use settlement::BusinessDate;
use settlement::batch::{ChainPosition, SignedBatch};
use settlement::fen::Fen;
use settlement::id::{Digest, RequestId};
use settlement::sale::Consent;

use super::entries::write;
use super::{Store, StoreError};
use crate::clock::Now;
use crate::journal::{Entry, EntryNumber};
use crate::letter::Letter;

/// A batch that was written and not yet answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredBatch {
    /// Sequence.
    pub sequence: u32,
    /// The letter, byte for byte as it was first sent.
    pub letter: Letter,
}

/// What the centre said about a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchAnswered {
    /// Sequence.
    pub sequence: u32,
    /// Records posted.
    pub accepted: u32,
    /// Records not posted: number and code.
    pub refused: Vec<(u64, String)>,
}

impl Store {
    /// Writes a letter down before it is sent.
    ///
    /// # Errors
    /// [`StoreError`]: it must not be sent.
    pub fn write_letter(
        &mut self,
        id: RequestId,
        letter: &Letter,
        entry: Option<EntryNumber>,
    ) -> Result<(), StoreError> {
        let place = self.place.clone();
        write(&mut self.connection, &place, |connection| {
            connection.execute(
                "INSERT INTO letter (request_id, path, body, written_at, entry) VALUES (?1, ?2, ?3, ?4, ?5)",
                params![
                    id.to_string(),
                    letter.path,
                    letter.body,
                    Now::of_system().utc(),
                    entry.map(|number| i64::try_from(number.0).unwrap_or(i64::MAX)),
                ],
            )?;
            Ok(())
        })
    }

    /// Notes how a letter was answered: `OK`, or the centre's code.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn letter_answered(&mut self, id: RequestId, outcome: &str) -> Result<(), StoreError> {
        let place = self.place.clone();
        write(&mut self.connection, &place, |connection| {
            connection.execute(
                "UPDATE letter SET answered_at = ?2, outcome = ?3 WHERE request_id = ?1 AND answered_at IS NULL",
                params![id.to_string(), Now::of_system().utc(), outcome],
            )?;
            Ok(())
        })
    }

    /// Notes that the centre agreed to what a letter asked, and its signed word for it.
    ///
    /// # Errors
    /// [`StoreError`]: it counts as not answered.
    pub fn letter_agreed(&mut self, id: RequestId, consent: &Consent) -> Result<(), StoreError> {
        let place = self.place.clone();
        write(&mut self.connection, &place, |connection| {
            connection.execute(
                "UPDATE letter SET answered_at = ?2, outcome = 'OK', consent = ?3
                 WHERE request_id = ?1 AND answered_at IS NULL",
                params![id.to_string(), Now::of_system().utc(), consent.to_text()],
            )?;
            Ok(())
        })
    }

    /// Letters on this path that were not answered, oldest first, with the ids that they carry.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn unanswered(&self, path: &'static str) -> Result<Vec<(RequestId, Letter)>, StoreError> {
        let fail = |source| self.failure(source);
        let mut statement = self
            .connection
            .prepare("SELECT request_id, body FROM letter WHERE path = ?1 AND answered_at IS NULL ORDER BY rowid")
            .map_err(fail)?;
        let rows = statement
            .query_map([path], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))
            .map_err(fail)?;
        rows.map(|row| {
            let (id, body) = row.map_err(fail)?;
            let id = RequestId::parse(&id).map_err(|_| self.corrupt("a letter has no request id"))?;
            Ok((id, Letter { path, body }))
        })
        .collect()
    }

    /// Writes a sealed batch down, with its letter, before it is sent.
    ///
    /// # Errors
    /// [`StoreError`]: it must not be sent.
    pub fn write_batch(&mut self, batch: &SignedBatch, id: RequestId, letter: &Letter) -> Result<(), StoreError> {
        let place = self.place.clone();
        write(&mut self.connection, &place, |connection| {
            connection.execute(
                "INSERT INTO letter (request_id, path, body, written_at) VALUES (?1, ?2, ?3, ?4)",
                params![id.to_string(), letter.path, letter.body, Now::of_system().utc()],
            )?;
            connection.execute(
                "INSERT INTO batch (sequence, first_record, last_record, hash, request_id) VALUES (?1, ?2, ?3, ?4, ?5)",
                params![
                    batch.sequence,
                    signed(batch.first_record),
                    signed(batch.last_record),
                    batch.hash.to_string(),
                    id.to_string(),
                ],
            )?;
            Ok(())
        })
    }

    /// Where the terminal's own chain stands: after the last batch that was written, sent or not.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn chain(&self) -> Result<ChainPosition, StoreError> {
        let last: Option<(u32, i64, String)> = self
            .connection
            .query_row("SELECT sequence, last_record, hash FROM batch ORDER BY sequence DESC LIMIT 1", [], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?))
            })
            .optional()
            .map_err(|source| self.failure(source))?;
        let Some((sequence, record, hash)) = last else { return Ok(ChainPosition::START) };
        Ok(ChainPosition {
            next_batch: sequence.saturating_add(1),
            next_record: record.unsigned_abs().saturating_add(1),
            previous_hash: Digest::parse(&hash).map_err(|_| self.corrupt("a batch has no hash"))?,
        })
    }

    /// Every position at which the centre may stand: after the last batch that it answered, or after one that was written
    /// since. A position before that would mean that it lost what it had taken over.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn positions(&self) -> Result<Vec<ChainPosition>, StoreError> {
        let fail = |source| self.failure(source);
        let mut statement = self
            .connection
            .prepare("SELECT sequence, last_record, hash, accepted FROM batch ORDER BY sequence")
            .map_err(fail)?;
        let mut rows = statement.query([]).map_err(fail)?;
        let mut positions = vec![ChainPosition::START];
        while let Some(row) = rows.next().map_err(fail)? {
            let sequence: u32 = row.get(0).map_err(fail)?;
            let hash: String = row.get(2).map_err(fail)?;
            let accepted: Option<u32> = row.get(3).map_err(fail)?;
            if accepted.is_some() {
                positions.clear();
            }
            positions.push(ChainPosition {
                next_batch: sequence.saturating_add(1),
                next_record: row.get::<_, i64>(1).map_err(fail)?.unsigned_abs().saturating_add(1),
                previous_hash: Digest::parse(&hash).map_err(|_| self.corrupt("a batch has no hash"))?,
            });
        }
        Ok(positions)
    }

    /// Loads that the centre was asked for (`asked` path), that are over, and whose outcome has no letter yet, or whose last letter
    /// says what a person judged and the card contradicted since.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn unreported_loads(&self, asked: &'static str, reported: &'static str) -> Result<Vec<Entry>, StoreError> {
        let fail = |source| self.failure(source);
        let mut statement = self
            .connection
            .prepare(
                "SELECT DISTINCT entry FROM letter WHERE path = ?1 AND entry IS NOT NULL
                 AND (entry NOT IN (SELECT entry FROM letter WHERE path = ?2 AND entry IS NOT NULL)
                     OR entry IN (SELECT number FROM entry WHERE shown = 'CONTRADICTS'
                         AND (SELECT json_extract(body, '$.outcome') FROM letter WHERE path = ?2 AND entry = number
                             ORDER BY letter.rowid DESC LIMIT 1)
                         <> CASE state WHEN 'CONFIRMED' THEN 'credited' ELSE 'not_credited' END))
                 ORDER BY entry",
            )
            .map_err(fail)?;
        let numbers = statement
            .query_map([asked, reported], |row| row.get::<_, i64>(0))
            .map_err(fail)?
            .collect::<Result<Vec<i64>, _>>()
            .map_err(fail)?;
        let entries = numbers.into_iter().map(|number| self.entry(EntryNumber(number.unsigned_abs())));
        entries.filter(|entry| entry.as_ref().map_or(true, |entry| entry.state.is_final())).collect()
    }

    /// Records that a person made and the card contradicts, and of which no letter on this path tells.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn unreported_contradictions(&self, path: &'static str) -> Result<Vec<Entry>, StoreError> {
        let fail = |source| self.failure(source);
        let mut statement = self
            .connection
            .prepare(
                "SELECT number FROM entry WHERE record IS NOT NULL AND state IN ('CONTRADICTED', 'REVERSED')
                 AND shown = 'CONTRADICTS'
                 AND number NOT IN (SELECT entry FROM letter WHERE path = ?1 AND entry IS NOT NULL) ORDER BY number",
            )
            .map_err(fail)?;
        let numbers = statement
            .query_map([path], |row| row.get::<_, i64>(0))
            .map_err(fail)?
            .collect::<Result<Vec<i64>, _>>()
            .map_err(fail)?;
        numbers.into_iter().map(|number| self.entry(EntryNumber(number.unsigned_abs()))).collect()
    }

    /// What the centre said to the last letter about an entry on this path: `OK`, or its code; `None` while it said nothing.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn centre_said(&self, entry: EntryNumber, path: &'static str) -> Result<Option<String>, StoreError> {
        let said: Option<Option<String>> = self
            .connection
            .query_row(
                "SELECT outcome FROM letter WHERE entry = ?1 AND path = ?2 ORDER BY rowid DESC LIMIT 1",
                params![i64::try_from(entry.0).unwrap_or(i64::MAX), path],
                |row| row.get(0),
            )
            .optional()
            .map_err(|source| self.failure(source))?;
        Ok(said.flatten())
    }

    /// Words about entries of this day that the centre did not take and looks into itself: entry and code, in their order.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn for_the_centre(
        &self,
        day: BusinessDate,
        paths: [&'static str; 2],
    ) -> Result<Vec<(EntryNumber, String)>, StoreError> {
        let fail = |source| self.failure(source);
        let mut statement = self
            .connection
            .prepare(
                "SELECT entry, outcome FROM letter JOIN entry ON entry.number = letter.entry
                 WHERE outcome <> 'OK' AND business_date = ?1 AND path IN (?2, ?3) ORDER BY letter.rowid",
            )
            .map_err(fail)?;
        let [first, second] = paths;
        let rows = statement
            .query_map([day.to_string().as_str(), first, second], |row| {
                Ok((EntryNumber(row.get::<_, i64>(0)?.unsigned_abs()), row.get(1)?))
            })
            .map_err(fail)?;
        rows.map(|row| row.map_err(fail)).collect()
    }

    /// The balance that a load request told the centre, fen.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn asked_balance(&self, entry: EntryNumber, path: &'static str) -> Result<Option<Fen>, StoreError> {
        let balance: Option<Option<i64>> = self
            .connection
            .query_row(
                "SELECT json_extract(body, '$.balance_fen') FROM letter WHERE entry = ?1 AND path = ?2",
                params![i64::try_from(entry.0).unwrap_or(i64::MAX), path],
                |row| row.get(0),
            )
            .optional()
            .map_err(|source| self.failure(source))?;
        Ok(balance.flatten().map(Fen::new))
    }

    /// The oldest batch that was written and not answered.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn waiting_batch(&self, path: &'static str) -> Result<Option<StoredBatch>, StoreError> {
        self.connection
            .query_row(
                "SELECT batch.sequence, letter.body FROM batch JOIN letter USING (request_id)
                 WHERE batch.accepted IS NULL ORDER BY batch.sequence LIMIT 1",
                [],
                |row| Ok(StoredBatch { sequence: row.get(0)?, letter: Letter { path, body: row.get(1)? } }),
            )
            .optional()
            .map_err(|source| self.failure(source))
    }

    /// Notes the centre's answer to a batch; a second answer changes nothing.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn batch_answered(&mut self, answer: &BatchAnswered) -> Result<(), StoreError> {
        let place = self.place.clone();
        let refused = answer.refused.iter().map(|(number, code)| format!("{number}:{code}")).collect::<Vec<_>>();
        write(&mut self.connection, &place, |connection| {
            connection.execute(
                "UPDATE letter SET answered_at = ?2, outcome = 'OK'
                 WHERE request_id = (SELECT request_id FROM batch WHERE sequence = ?1) AND answered_at IS NULL",
                params![answer.sequence, Now::of_system().utc()],
            )?;
            connection.execute(
                "UPDATE batch SET accepted = ?2, refused = ?3 WHERE sequence = ?1 AND accepted IS NULL",
                params![answer.sequence, answer.accepted, refused.join(" ")],
            )?;
            Ok(())
        })
    }

    /// Records that the centre did not post, with its codes.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn refused_records(&self) -> Result<BTreeMap<u64, String>, StoreError> {
        let fail = |source| self.failure(source);
        let mut statement = self.connection.prepare("SELECT refused FROM batch WHERE refused <> ''").map_err(fail)?;
        let rows = statement.query_map([], |row| row.get::<_, String>(0)).map_err(fail)?;
        let mut refused = BTreeMap::new();
        for row in rows {
            let row = row.map_err(fail)?;
            let numbers = row.split(' ').filter_map(|word| word.split_once(':'));
            refused.extend(numbers.filter_map(|(number, code)| Some((number.parse::<u64>().ok()?, code.to_owned()))));
        }
        Ok(refused)
    }

    /// Whether the batch with this record was answered.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn is_answered(&self, record: u64) -> Result<bool, StoreError> {
        self.connection
            .query_row(
                "SELECT count(*) FROM batch WHERE accepted IS NOT NULL AND last_record >= ?1",
                [signed(record)],
                |row| row.get::<_, i64>(0),
            )
            .map(|count| count > 0)
            .map_err(|source| self.failure(source))
    }

    /// Records that the centre has not yet answered, and what they took from accounts.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn pending(&self) -> Result<(u64, Fen), StoreError> {
        self.connection
            .query_row(
                "SELECT count(*), coalesce(sum(CASE kind WHEN 'purchase' THEN personal_account ELSE 0 END), 0)
                 FROM entry WHERE record > (SELECT coalesce(max(last_record), 0) FROM batch WHERE accepted IS NOT NULL)",
                [],
                |row| Ok((row.get::<_, i64>(0)?.unsigned_abs(), Fen::new(row.get(1)?))),
            )
            .map_err(|source| self.failure(source))
    }
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
