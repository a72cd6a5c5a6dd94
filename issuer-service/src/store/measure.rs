//! What the centre's work measures: how much waits where, since when, and what came of cards.
//!
//! Owns: the queries behind `/metrics` and `issuer self-test`. Never: a name, a number of a person or a card.

use super::engine::{self, params};
use super::{StoreError, Tx, cell};

/// Something that waits for somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Queue {
    /// Name, as `/metrics` says it.
    pub name: &'static str,
    /// How many wait.
    pub waiting: u64,
    /// The instant since which the first one does.
    pub oldest: Option<String>,
}

/// Queues: the name, what waits, since when.
const QUEUES: [(&str, &str, &str); 12] = [
    ("requests_open", "card_request WHERE state = 'open'", "made_at"),
    ("batches_to_approve", "batch WHERE state = 'created'", "created_at"),
    ("jobs_waiting", "job WHERE state = 'waiting'", "changed_at"),
    ("jobs_begun", "job WHERE state = 'writing'", "changed_at"),
    ("exchange_unanswered", "exchange_file WHERE state = 'sent'", "made_at"),
    ("registry_sync", "registry_sync WHERE state IN ('pending', 'sent', 'refused')", "at"),
    ("card_updates", "card_update WHERE state IN ('waiting', 'begun')", "asked_at"),
    ("pin_orders", "pin_order WHERE state IN ('asked', 'ready', 'given')", "made_at"),
    ("psam_returns", "psam_return WHERE closed_at IS NULL", "opened_at"),
    ("loads_unanswered", "load WHERE state = 'PREPARED'", "prepared_at"),
    ("tickets_open", "ticket WHERE state = 'open'", "opened_at"),
    (
        "records_held",
        // Of which nothing is decided, or not any more.
        "upload_row WHERE outcome = 'HELD' AND NOT EXISTS (SELECT 1 FROM row_decision
            WHERE row_terminal = terminal AND row_record = record AND state = 'approved' AND NOT EXISTS (SELECT 1 FROM row_take_back
                WHERE taken_terminal = row_terminal AND taken_record = row_record AND taken_again = again AND taken_state = 'approved'))",
        "received_at",
    ),
];

impl Tx<'_> {
    /// All queues, those in which nothing waits too.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn queues(&self) -> Result<Vec<Queue>, StoreError> {
        let queue = |(name, rows, since): &(&'static str, &str, &str)| {
            let mut find = self.sql.prepare(&format!("SELECT COUNT(*), MIN({since}) FROM {rows}"))?;
            let row = find.query_row((), |row| Ok((cell::u64(row, 0)?, row.get::<Option<String>>(1)?)))?;
            Ok(Queue { name, waiting: row.0, oldest: row.1 })
        };
        QUEUES.iter().map(queue).collect()
    }

    /// How many cards there are in each state of making.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn cards_by_state(&self) -> Result<Vec<(String, u64)>, StoreError> {
        let mut find = self.sql.prepare("SELECT state, COUNT(*) FROM card GROUP BY state ORDER BY state")?;
        let rows = find.query_map((), |row| Ok((row.get(0)?, cell::u64(row, 1)?)))?;
        Ok(rows.collect::<engine::Result<_>>()?)
    }

    /// How many cards stations have finished since an instant.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn cards_made_since(&self, instant: &str) -> Result<u64, StoreError> {
        let mut find = self.sql.prepare("SELECT COUNT(*) FROM station_journal WHERE event = 'done' AND at >= $1")?;
        Ok(find.query_row(params![instant], |row| cell::u64(row, 0))?)
    }

    /// Whether the database answers, and its pages are sound where the engine can tell: its complaint otherwise.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn unsound(&self) -> Result<Option<String>, StoreError> {
        self.audit_head()?;
        Ok(self.sql.complaint()?)
    }
}
