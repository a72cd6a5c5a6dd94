//! Rows are read, checked and made ready while those before them are stored.
//!
//! Source: docs/adr/0048. Owns: the batches on their way from the file to the database, what of a row can be done before its turn.
//! Never: looks into the registry: whether a person is new is known only when the rows before are stored.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender};

use super::check::Checks;
use super::fault::Fault;
use super::table::{OpenError, Table};
use crate::clock;
use crate::person::dossier::{SourceId, Statement};
use crate::registry::newcomer::Newcomer;
use crate::vault::data_keys::DataKeys;

/// Rows of one batch.
const BATCH_ROWS: usize = 1_000;
/// Batches that are ready ahead of the one that is stored.
pub(super) const BATCHES_AHEAD: usize = 4;

/// Rows that are checked and not stored yet.
pub(super) struct Batch {
    pub(super) rows: Vec<Row>,
    /// Instant of their statements.
    pub(super) at: u64,
    /// Bytes read of all bytes of the file.
    pub(super) read: u64,
    pub(super) length: u64,
}

/// A row: what is wrong with it, or its person as if nobody had spoken of the person before.
pub(super) struct Row {
    pub(super) line: u64,
    pub(super) checked: Result<Newcomer, Vec<Fault>>,
}

/// How rows are made ready.
pub(super) struct Ahead<'a> {
    pub(super) checks: &'a Checks,
    pub(super) source: SourceId,
    pub(super) import: u32,
    /// Last row that an interrupted run has stored.
    pub(super) done: u64,
    /// What people are found by; none when nobody is to be registered.
    pub(super) keys: Option<Arc<DataKeys>>,
    /// Which row number a new person will get.
    pub(super) guess: &'a Guess,
}

/// Guesses row numbers of people who are new: behind one comes the next one, mostly. Good rows are counted from 0.
pub(super) struct Guess(AtomicI64);

impl Guess {
    const NONE: i64 = i64::MIN;

    pub(super) const fn new() -> Self {
        Self(AtomicI64::new(Self::NONE))
    }

    /// The person of a good row got this row number, or was not new.
    pub(super) fn learn(&self, good: i64, id: Option<i64>) {
        self.0.store(id.map_or(Self::NONE, |id| id - good), Ordering::Relaxed);
    }

    fn of(&self, good: i64) -> Option<i64> {
        Some(self.0.load(Ordering::Relaxed)).filter(|offset| *offset != Self::NONE).map(|offset| offset + good)
    }
}

impl Ahead<'_> {
    /// Reads rows to the end of the file, or until nobody takes them. Rows that are done with come back to be freed by the thread that
    /// made them: two threads that free what the other one allocates wait for each other.
    ///
    /// # Errors
    /// [`OpenError`].
    pub(super) fn read(
        &self,
        table: &mut Table,
        to: &SyncSender<Batch>,
        done_with: &Receiver<Vec<Row>>,
    ) -> Result<(), OpenError> {
        let fields = self.checks.fields();
        let empty = || {
            let mut rows = done_with.try_iter().last().unwrap_or_else(|| Vec::with_capacity(BATCH_ROWS));
            rows.clear();
            Batch { rows, at: clock::seconds(), read: 0, length: 0 }
        };
        let (mut batch, mut good) = (empty(), 0);
        loop {
            let row = table.next_row()?;
            let end = row.is_none();
            batch.rows.extend(row.map(|row| {
                let (line, taken_back) = (row.line, self.checks.taken_back(&row));
                let checked = self.checks.check(&row).map(|details| {
                    let (source, import, at) = (self.source, self.import, batch.at);
                    let fields = fields.without(taken_back);
                    let statement = Statement { source, at, import, row: line, details: &details, fields, taken_back };
                    // What an interrupted run has stored is not registered again.
                    good += 1;
                    let keys = self.keys.as_deref().filter(|_| line > self.done);
                    Newcomer::of(&statement, keys, self.guess.of(good - 1))
                });
                Row { line, checked }
            }));
            if end && batch.rows.is_empty() {
                return Ok(());
            }
            if end || batch.rows.len() == BATCH_ROWS {
                (batch.read, batch.length) = table.progress();
                if to.send(std::mem::replace(&mut batch, empty())).is_err() {
                    return Ok(());
                }
            }
        }
    }
}
