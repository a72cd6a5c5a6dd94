//! Rows of decisions about uploaded records that were not posted.

use settlement::date::BusinessDate;
use settlement::id::TerminalNumber;

use super::engine::{self, OptionalExtension, Row};
use super::{StoreError, Tx, cell};
use crate::clearing::decision::{Decision, DecisionState, RowAct};
use crate::clock;
use crate::state::State;

const DECISION: &str = "SELECT number, row_terminal, row_record, act, reason, state, maker, made_at, checker, posted_on
    FROM (SELECT number, row_terminal, row_record, act, reason, state, maker, made_at, checker, posted_on FROM row_decision
    UNION ALL SELECT taken_number, taken_terminal, taken_record, 'take-back', taken_reason, taken_state, taken_by, taken_at,
    taken_checker, taken_on FROM row_take_back) AS decision";

impl Tx<'_> {
    /// Writes what one person asks for, and gives it its number. `again`: how many decisions of the record were taken back before.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when something is asked or decided of the record already.
    pub fn add_decision(
        &self,
        (terminal, record, again): (TerminalNumber, u64, usize),
        act: RowAct,
        reason: &str,
        maker: &str,
    ) -> Result<i64, StoreError> {
        let again = cell::from_u64(again as u64)?;
        let number: i64 = self.sql.query_row(
            "SELECT coalesce(max(number), 0) + 1 FROM (SELECT number FROM row_decision
             UNION ALL SELECT taken_number FROM row_take_back) AS decision",
            (),
            |row| row.get(0),
        )?;
        match act {
            RowAct::TakeBack => self.sql.execute(
                "INSERT INTO row_take_back (taken_number, taken_terminal, taken_record, taken_reason, taken_state, taken_by, taken_at, taken_again)
                 VALUES ($1, $2, $3, $4, 'proposed', $5, $6, $7)",
                (number, terminal.to_string(), cell::from_u64(record)?, reason, maker, clock::now(), again),
            )?,
            RowAct::Post | RowAct::Return | RowAct::Dismiss => self.sql.execute(
                "INSERT INTO row_decision (number, row_terminal, row_record, act, reason, state, maker, made_at, again)
                 VALUES ($1, $2, $3, $4, $5, 'proposed', $6, $7, $8)",
                (number, terminal.to_string(), cell::from_u64(record)?, act.name(), reason, maker, clock::now(), again),
            )?,
        };
        Ok(number)
    }

    /// A decision.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn decision(&self, number: i64) -> Result<Option<Decision>, StoreError> {
        let mut find = self.sql.prepare(&format!("{DECISION} WHERE number = $1"))?;
        Ok(find.query_row([number], decision).optional()?)
    }

    /// What is asked or decided of a record: the latest, where a decision is taken back.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn decision_of(&self, terminal: TerminalNumber, record: u64) -> Result<Option<Decision>, StoreError> {
        let mut find = self
            .sql
            .prepare(&format!("{DECISION} WHERE row_terminal = $1 AND row_record = $2 AND state <> 'rejected' ORDER BY number DESC LIMIT 1"))?;
        Ok(find.query_row((terminal.to_string(), cell::from_u64(record)?), decision).optional()?)
    }

    /// What was done of a record, in order.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn decisions_done(&self, terminal: TerminalNumber, record: u64) -> Result<Vec<Decision>, StoreError> {
        let mut find = self.sql.prepare(&format!(
            "{DECISION} WHERE row_terminal = $1 AND row_record = $2 AND state = 'approved' ORDER BY number"
        ))?;
        let rows = find.query_map((terminal.to_string(), cell::from_u64(record)?), decision)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// A move of a decision by another person than its maker; `posted_on` of an approval.
    ///
    /// # Errors
    /// [`StoreError::StateMoved`].
    pub fn decide_row(
        &self,
        (number, act): (i64, RowAct),
        (from, to): (DecisionState, DecisionState),
        checker: &str,
        posted_on: Option<BusinessDate>,
    ) -> Result<(), StoreError> {
        let sql = match act {
            RowAct::TakeBack => {
                "UPDATE row_take_back SET taken_state = $1, taken_checker = $2, taken_checked = $3, taken_on = $4
                 WHERE taken_number = $5 AND taken_state = $6 AND taken_by <> $2"
            }
            RowAct::Post | RowAct::Return | RowAct::Dismiss => {
                "UPDATE row_decision SET state = $1, checker = $2, checked_at = $3, posted_on = $4
                 WHERE number = $5 AND state = $6 AND maker <> $2"
            }
        };
        let rows = self.sql.execute(
            sql,
            (to.name(), checker, clock::now(), posted_on.map(|date| date.to_string()), number, from.name()),
        )?;
        Self::moved(rows, || format!("decision {number}"), from.name())
    }
}

fn decision(row: &Row<'_>) -> engine::Result<Decision> {
    Ok(Decision {
        number: row.get(0)?,
        terminal: cell::parsed(row, 1, TerminalNumber::parse)?,
        record: cell::u64(row, 2)?,
        act: cell::one_of(row, 3, RowAct::ALL, RowAct::name)?,
        reason: row.get(4)?,
        state: cell::one_of(row, 5, DecisionState::ALL, State::name)?,
        maker: row.get(6)?,
        made_at: row.get(7)?,
        checker: row.get(8)?,
        posted_on: cell::parsed_option(row, 9, BusinessDate::parse)?,
    })
}
