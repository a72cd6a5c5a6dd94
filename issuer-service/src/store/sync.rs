//! Rows of what the holder registry is told, and of the files that tell it.

use super::card::{COLUMNS, card};
use super::counter::Counter;
use super::engine::{self, OptionalExtension, Row, params};
use super::{StoreError, Tx, cell};
use crate::card::Card;
use crate::clock;
use crate::state::State;
use crate::sync::file::Answer;
use crate::sync::{Entry, Event, SyncFile, SyncFileMove, SyncMove};

const ENTRY: &str =
    "SELECT e.sequence, e.job, c.card_number, e.event, e.card_state, e.listed, e.old_card, e.at, e.state,
    (SELECT f.task FROM sync_file f WHERE f.number = e.file), e.result, e.data_key, e.answer
    FROM registry_sync e JOIN card c ON c.job = e.job";

const FILE: &str = "SELECT number, task, name, sha256, row_count, state, made_by, made_at FROM sync_file";

impl Tx<'_> {
    /// Adds an entry behind all others. A change of data waits once: its values are taken when it is told.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) fn add_sync_entry(
        &self,
        job: i64,
        event: Event,
        (card_state, listed): (&str, bool),
        old: Option<&str>,
    ) -> Result<(), StoreError> {
        if event == Event::Data {
            let mut last = self.sql.prepare(
                "SELECT 1 FROM registry_sync WHERE job = $1 AND event = 'data' AND state = 'pending'
                 AND sequence = (SELECT MAX(l.sequence) FROM registry_sync l WHERE l.job = $1)",
            )?;
            if last.exists([job])? {
                return Ok(());
            }
        }
        let sequence = self.next_of(Counter::Sync)?;
        self.sql
            .prepare(
                "INSERT INTO registry_sync (sequence, job, event, card_state, listed, old_card, at, state, result, changed_at)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, 'pending', '', $7)",
            )?
            .execute(params![sequence, job, event.name(), card_state, i64::from(listed), old, clock::now()])?;
        Ok(())
    }

    /// Whether there is an entry of the card of a job.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) fn has_sync_entry(&self, job: i64) -> Result<bool, StoreError> {
        Ok(self.sql.prepare("SELECT 1 FROM registry_sync WHERE job = $1 LIMIT 1")?.exists([job])?)
    }

    /// Cards that were made and of which there is no entry, in order of job.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) fn cards_without_sync(&self) -> Result<Vec<Card>, StoreError> {
        let mut find = self.sql.prepare(&format!(
            "SELECT {COLUMNS} WHERE state NOT IN ('writing', 'spoilt')
             AND NOT EXISTS (SELECT 1 FROM registry_sync e WHERE e.job = card.job) ORDER BY job"
        ))?;
        Ok(find.query_map((), card)?.collect::<Result<_, _>>()?)
    }

    /// The first open entry of each card, where it is pending: the oldest ones behind a sequence, at most so many.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) fn sync_due(&self, after: i64, limit: u32) -> Result<Vec<Entry>, StoreError> {
        let mut find = self.sql.prepare(&format!(
            "{ENTRY} WHERE e.state = 'pending' AND e.sequence > $1 AND NOT EXISTS
                (SELECT 1 FROM registry_sync b WHERE b.job = e.job AND b.sequence < e.sequence
                 AND b.state IN ('pending', 'sent', 'refused'))
             ORDER BY e.sequence LIMIT $2"
        ))?;
        let found = find.query_map((after, limit), entry)?.collect::<Result<Vec<_>, _>>()?;
        Ok(found.into_iter().map(|(entry, ..)| entry).collect())
    }

    /// An entry.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn sync_entry(&self, sequence: i64) -> Result<Option<Entry>, StoreError> {
        let mut find = self.sql.prepare(&format!("{ENTRY} WHERE e.sequence = $1"))?;
        find.query_row([sequence], entry).optional()?.map(|found| self.with_words(found)).transpose()
    }

    /// Entries in a state and of a card, or of all, in order.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn sync_entries(
        &self,
        state: Option<&str>,
        card_number: Option<&str>,
        limit: u32,
    ) -> Result<Vec<Entry>, StoreError> {
        let mut find = self.sql.prepare(&format!(
            "{ENTRY} WHERE (e.state = $1 OR $1 IS NULL) AND (c.card_number = $2 OR $2 IS NULL)
             ORDER BY e.sequence LIMIT $3"
        ))?;
        let found = find.query_map(params![state, card_number, limit], entry)?.collect::<Result<Vec<_>, _>>()?;
        found.into_iter().map(|found| self.with_words(found)).collect()
    }

    /// Sequences of the entries that a file told, in order.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) fn sync_entries_of(&self, file: i64) -> Result<Vec<i64>, StoreError> {
        let mut find = self
            .sql
            .prepare("SELECT sequence FROM registry_sync WHERE file = $1 AND state = 'sent' ORDER BY sequence")?;
        Ok(find.query_map([file], |row| row.get(0))?.collect::<Result<_, _>>()?)
    }

    /// How many entries are in each state.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) fn sync_counts(&self) -> Result<Vec<(String, u64)>, StoreError> {
        let mut find = self.sql.prepare("SELECT state, COUNT(*) FROM registry_sync GROUP BY state")?;
        Ok(find.query_map((), |row| Ok((row.get(0)?, cell::u64(row, 1)?)))?.collect::<Result<_, _>>()?)
    }

    /// Instant of the oldest entry that is neither accepted nor given up.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) fn sync_waiting_since(&self) -> Result<Option<String>, StoreError> {
        let mut find = self.sql.prepare(
            "SELECT at FROM registry_sync WHERE state IN ('pending', 'sent', 'refused') ORDER BY sequence LIMIT 1",
        )?;
        Ok(find.query_row((), |row| row.get(0)).optional()?)
    }

    /// Moves an entry.
    ///
    /// # Errors
    /// [`StoreError::StateMoved`].
    pub(crate) fn move_sync_entry(&self, sequence: i64, by: SyncMove) -> Result<(), StoreError> {
        let (from, to) = by.ends();
        let rows = self
            .sql
            .prepare("UPDATE registry_sync SET state = $1, changed_at = $2 WHERE sequence = $3 AND state = $4")?
            .execute((to.name(), clock::now(), sequence, from.name()))?;
        Self::moved(rows, || format!("entry {sequence}"), from.name())
    }

    /// Puts a pending entry into a file.
    ///
    /// # Errors
    /// [`StoreError::StateMoved`].
    pub(crate) fn send_sync_entry(&self, sequence: i64, file: i64) -> Result<(), StoreError> {
        self.move_sync_entry(sequence, SyncMove::Send)?;
        let sql = "UPDATE registry_sync SET file = $1, result = '', data_key = NULL, answer = NULL WHERE sequence = $2";
        let rows = self.sql.prepare(sql)?.execute((file, sequence))?;
        Self::moved(rows, || format!("entry {sequence}"), "sent")
    }

    /// Keeps what the registry said of an entry.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) fn answer_sync_entry(&self, answer: &Answer) -> Result<(), StoreError> {
        let (key, words) = self.seal(&answer_place(answer.sequence), answer.words.as_bytes())?;
        let sql = "UPDATE registry_sync SET result = $1, data_key = $2, answer = $3 WHERE sequence = $4";
        let rows = self.sql.prepare(sql)?.execute((&answer.result, key, words, answer.sequence))?;
        Self::moved(rows, || format!("entry {}", answer.sequence), "sent")
    }

    /// The number of the next file.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) fn next_sync_file(&self) -> Result<i64, StoreError> {
        self.next_of(Counter::SyncFile)
    }

    /// Records a file that is about to be sent.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when a file has this name.
    pub(crate) fn add_sync_file(
        &self,
        number: i64,
        (task, name): (&str, &str),
        (body, sha256): (&[u8], &str),
        rows: usize,
        made_by: &str,
    ) -> Result<(), StoreError> {
        let (key, body) = self.seal(&body_place(number), body)?;
        let rows = i64::try_from(rows).unwrap_or(i64::MAX);
        self.sql.execute(
            "INSERT INTO sync_file (number, task, name, sha256, row_count, state, data_key, body, made_by, made_at, changed_at)
             VALUES ($1, $2, $3, $4, $5, 'prepared', $6, $7, $8, $9, $9)",
            params![number, task, name, sha256, rows, key, body, made_by, clock::now()],
        )?;
        Ok(())
    }

    /// Files, all or those without an answer, in order.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn sync_files(&self, open: bool) -> Result<Vec<SyncFile>, StoreError> {
        let mut find = self.sql.prepare(&format!("{FILE} WHERE state <> 'answered' OR $1 = 0 ORDER BY number"))?;
        Ok(find.query_map([i64::from(open)], file)?.collect::<Result<_, _>>()?)
    }

    /// The file of a task.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn sync_file(&self, task: &str) -> Result<Option<SyncFile>, StoreError> {
        Ok(self.sql.prepare(&format!("{FILE} WHERE task = $1"))?.query_row([task], file).optional()?)
    }

    /// The file of a name.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) fn sync_file_named(&self, name: &str) -> Result<Option<SyncFile>, StoreError> {
        Ok(self.sql.prepare(&format!("{FILE} WHERE name = $1"))?.query_row([name], file).optional()?)
    }

    /// The file of a number.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) fn sync_file_by_number(&self, number: i64) -> Result<Option<SyncFile>, StoreError> {
        Ok(self.sql.prepare(&format!("{FILE} WHERE number = $1"))?.query_row([number], file).optional()?)
    }

    /// The bytes of a file that is not answered.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) fn sync_body(&self, number: i64) -> Result<Vec<u8>, StoreError> {
        let mut find = self.sql.prepare("SELECT data_key, body FROM sync_file WHERE number = $1")?;
        let (key, body): (u8, Vec<u8>) = find.query_row([number], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(self.open(key, &body_place(number), &body)?.to_vec())
    }

    /// Moves a file.
    ///
    /// # Errors
    /// [`StoreError::StateMoved`].
    pub(crate) fn move_sync_file(&self, number: i64, by: SyncFileMove) -> Result<(), StoreError> {
        let (from, to) = by.ends();
        let rows = self
            .sql
            .prepare("UPDATE sync_file SET state = $1, changed_at = $2 WHERE number = $3 AND state = $4")?
            .execute((to.name(), clock::now(), number, from.name()))?;
        Self::moved(rows, || format!("file {number}"), from.name())
    }

    /// A file is answered: its bytes, which hold people's data, are not needed any more.
    ///
    /// # Errors
    /// [`StoreError::StateMoved`].
    pub(crate) fn answer_sync_file(&self, number: i64, answer: &str) -> Result<(), StoreError> {
        self.move_sync_file(number, SyncFileMove::Answer)?;
        let (key, empty) = self.seal(&body_place(number), &[])?;
        let sql = "UPDATE sync_file SET answered_with = $1, data_key = $2, body = $3 WHERE number = $4";
        let rows = self.sql.execute(sql, (answer, key, empty, number))?;
        Self::moved(rows, || format!("file {number}"), "answered")
    }

    /// The tasks whose answers had this digest, oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) fn sync_answered_by(&self, digest: &str) -> Result<Vec<String>, StoreError> {
        let mut find = self.sql.prepare("SELECT task FROM sync_file WHERE answered_with = $1 ORDER BY number")?;
        Ok(find.query_map([digest], |row| row.get(0))?.collect::<Result<_, _>>()?)
    }

    fn with_words(&self, (mut entry, key, words): Found) -> Result<Entry, StoreError> {
        if let (Some(key), Some(words)) = (key, words) {
            let opened = self.open(key, &answer_place(entry.sequence), &words)?;
            entry.words = String::from_utf8_lossy(&opened).into_owned();
        }
        Ok(entry)
    }
}

/// An entry, with what the registry's words are sealed under, and they.
type Found = (Entry, Option<u8>, Option<Vec<u8>>);

/// Where the bytes of a file open.
pub(super) fn body_place(number: i64) -> String {
    format!("sync file {number}")
}

/// Where the registry's words open.
pub(super) fn answer_place(sequence: i64) -> String {
    format!("sync answer {sequence}")
}

fn entry(row: &Row<'_>) -> engine::Result<Found> {
    let entry = Entry {
        sequence: row.get(0)?,
        job: row.get(1)?,
        card_number: row.get(2)?,
        event: cell::one_of(row, 3, Event::ALL, Event::name)?,
        card_state: row.get(4)?,
        listed: row.get::<i64>(5)? != 0,
        old_card: row.get(6)?,
        at: row.get(7)?,
        state: row.get(8)?,
        task: row.get(9)?,
        result: row.get(10)?,
        words: String::new(),
    };
    Ok((entry, row.get(11)?, row.get(12)?))
}

fn file(row: &Row<'_>) -> engine::Result<SyncFile> {
    Ok(SyncFile {
        number: row.get(0)?,
        task: row.get(1)?,
        name: row.get(2)?,
        sha256: row.get(3)?,
        rows: cell::u64(row, 4)?,
        state: row.get(5)?,
        made_by: row.get(6)?,
        made_at: row.get(7)?,
    })
}
