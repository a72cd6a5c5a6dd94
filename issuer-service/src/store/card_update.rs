//! Rows of updates of cards in use.

use super::counter::Counter;
use super::engine::{self, OptionalExtension, Row, params};
use super::{StoreError, Tx, cell};
use crate::card::update::item::Items;
use crate::card::update::{CardUpdate, Origin, UpdateMove};
use crate::clock;
use crate::state::State;

const COLUMNS: &str =
    "SELECT u.number, u.job, c.card_number, u.items, u.state, u.origin, u.reason, u.asked_by, u.asked_at, u.reader,
    u.operator, u.written, u.stopped_by, u.changed_at FROM card_update u JOIN card c ON c.job = u.job";

impl Tx<'_> {
    /// Adds an update and gives it its number, which it brings as 0.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the card has an open one.
    pub fn add_card_update(&self, update: &CardUpdate) -> Result<i64, StoreError> {
        let number = self.next_of(Counter::CardUpdate)?;
        self.sql
            .prepare(
                "INSERT INTO card_update (number, job, items, state, origin, reason, asked_by, asked_at, written, stopped_by,
                                          changed_at)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, '', $8)",
            )?
            .execute(params![
                number,
                update.job,
                update.items.to_text(),
                &update.state,
                update.origin.name(),
                &update.reason,
                &update.asked_by,
                &update.asked_at
            ])?;
        Ok(number)
    }

    /// An update.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn card_update(&self, number: i64) -> Result<Option<CardUpdate>, StoreError> {
        let mut find = self.sql.prepare(&format!("{COLUMNS} WHERE u.number = $1"))?;
        Ok(find.query_row([number], update).optional()?)
    }

    /// The update of the card of a job that waits or is begun.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn open_card_update(&self, job: i64) -> Result<Option<CardUpdate>, StoreError> {
        let mut find = self.sql.prepare(&format!("{COLUMNS} WHERE u.job = $1 AND u.state IN ('waiting', 'begun')"))?;
        Ok(find.query_row([job], update).optional()?)
    }

    /// Updates, all or those without an end, the newest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn card_updates(&self, open: bool, limit: u32) -> Result<Vec<CardUpdate>, StoreError> {
        let mut find = self.sql.prepare(&format!(
            "{COLUMNS} WHERE u.state IN ('waiting', 'begun', 'fixed') OR $1 = 0 ORDER BY u.number DESC LIMIT $2"
        ))?;
        Ok(find.query_map((i64::from(open), limit), update)?.collect::<Result<_, _>>()?)
    }

    /// Moves an update.
    ///
    /// # Errors
    /// [`StoreError::StateMoved`].
    pub fn move_card_update(&self, number: i64, by: UpdateMove) -> Result<(), StoreError> {
        let (from, to) = by.ends();
        let rows = self
            .sql
            .prepare("UPDATE card_update SET state = $1, changed_at = $2 WHERE number = $3 AND state = $4")?
            .execute((to.name(), clock::now(), number, from.name()))?;
        Self::moved(rows, || format!("update {number}"), from.name())
    }

    /// Notes where and by whom an open update was worked on, how much more was written, and what stopped it.
    ///
    /// # Errors
    /// [`StoreError::StateMoved`] when it is not open any more.
    pub fn note_card_update(
        &self,
        number: i64,
        (reader, operator): (&str, &str),
        written: u32,
        stopped_by: &str,
    ) -> Result<(), StoreError> {
        let rows = self.sql.execute(
            "UPDATE card_update SET reader = $1, operator = $2, written = written + $3, stopped_by = $4
             WHERE number = $5 AND state IN ('waiting', 'begun')",
            (reader, operator, written, stopped_by, number),
        )?;
        Self::moved(rows, || format!("update {number}"), "begun")
    }
}

fn update(row: &Row<'_>) -> engine::Result<CardUpdate> {
    let items: String = row.get(3)?;
    Ok(CardUpdate {
        number: row.get(0)?,
        job: row.get(1)?,
        card_number: row.get(2)?,
        items: Items::parse(&items).map_err(|_| engine::EngineError::Column { column: 3, source: None })?,
        state: row.get(4)?,
        origin: cell::one_of(row, 5, Origin::ALL, Origin::name)?,
        reason: row.get(6)?,
        asked_by: row.get(7)?,
        asked_at: row.get(8)?,
        reader: row.get(9)?,
        operator: row.get(10)?,
        written: row.get(11)?,
        stopped_by: row.get(12)?,
        changed_at: row.get(13)?,
    })
}
