//! Rows of the clearing windows and of what was said about their differences.

use settlement::date::BusinessDate;
use settlement::fen::Fen;

use super::engine::{self, OptionalExtension, Row};
use super::{StoreError, Tx, cell};
use crate::clearing::window::{Explanation, PROOF_VERSION, Window, WindowState};
use crate::clock;

impl Tx<'_> {
    /// Opens a window if there is none of that date.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn open_window(&self, date: BusinessDate) -> Result<(), StoreError> {
        self.sql.execute(
            "INSERT INTO clearing_window (business_date, state, opened_at) VALUES ($1, 'OPEN', $2)
             ON CONFLICT (business_date) DO NOTHING",
            (date.to_string(), clock::now()),
        )?;
        Ok(())
    }

    /// A window.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn window(&self, date: BusinessDate) -> Result<Option<Window>, StoreError> {
        let mut statement = self.sql.prepare(&format!("{WINDOW} WHERE business_date = $1"))?;
        Ok(statement.query_row([date.to_string()], window).optional()?)
    }

    /// All windows, in order of date.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn windows(&self) -> Result<Vec<Window>, StoreError> {
        let mut statement = self.sql.prepare(&format!("{WINDOW} ORDER BY business_date"))?;
        Ok(statement.query_map((), window)?.collect::<Result<_, _>>()?)
    }

    /// The latest days with uploads, the oldest of them first: date, rows accepted, rows refused or held, debited from cards by purchases.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn days_settled(&self, most: u32) -> Result<Vec<(String, u64, u64, Fen)>, StoreError> {
        let mut find = self.sql.prepare(
            "SELECT window_date, CAST(sum(CASE WHEN outcome = 'ACCEPTED' THEN 1 ELSE 0 END) AS BIGINT),
                 CAST(sum(CASE WHEN outcome = 'ACCEPTED' THEN 0 ELSE 1 END) AS BIGINT),
                 CAST(sum(CASE WHEN outcome = 'ACCEPTED' AND kind = 'purchase' THEN personal_fen ELSE 0 END) AS BIGINT)
             FROM upload_row GROUP BY window_date ORDER BY window_date DESC LIMIT $1",
        )?;
        let day = |row: &Row<'_>| Ok((row.get(0)?, cell::u64(row, 1)?, cell::u64(row, 2)?, Fen::new(row.get(3)?)));
        let mut days: Vec<_> = find.query_map([i64::from(most)], day)?.collect::<Result<_, _>>()?;
        days.reverse();
        Ok(days)
    }

    /// Date of the last window that takes no more postings.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn last_barred_window(&self) -> Result<Option<BusinessDate>, StoreError> {
        let mut statement = self.sql.prepare(
            "SELECT business_date FROM clearing_window WHERE state <> 'OPEN' ORDER BY business_date DESC LIMIT 1",
        )?;
        Ok(statement.query_row((), |row| cell::parsed(row, 0, BusinessDate::parse)).optional()?)
    }

    /// Hash of the closed window before `date`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn window_hash_before(&self, date: BusinessDate) -> Result<Option<String>, StoreError> {
        let mut statement = self.sql.prepare(
            "SELECT hash FROM clearing_window WHERE state = 'CLOSED' AND business_date < $1
             ORDER BY business_date DESC LIMIT 1",
        )?;
        Ok(statement.query_row([date.to_string()], |row| row.get(0)).optional()?)
    }

    /// OPEN → CLOSING: sets the barrier behind the last posting.
    ///
    /// # Errors
    /// [`StoreError::StateMoved`].
    pub fn start_closing(&self, date: BusinessDate, operator: &str) -> Result<(), StoreError> {
        let rows = self.sql.execute(
            "UPDATE clearing_window SET state = 'CLOSING', closing_by = $1, closing_at = $2,
                 barrier = (SELECT coalesce(max(id), 0) FROM posting WHERE window_date = $3)
             WHERE business_date = $3 AND state = 'OPEN'",
            (operator, clock::now(), date.to_string()),
        )?;
        Self::moved(rows, || format!("window {date}"), "OPEN")
    }

    /// CLOSING → CLOSED, with the hash of its content.
    ///
    /// # Errors
    /// [`StoreError::StateMoved`].
    pub fn finish_closing(&self, date: BusinessDate, operator: &str, hash: &str) -> Result<(), StoreError> {
        let rows = self.sql.execute(
            "UPDATE clearing_window SET state = 'CLOSED', closed_by = $1, closed_at = $2, hash = $3,
                 proof_version = $4
             WHERE business_date = $5 AND state = 'CLOSING'",
            (operator, clock::now(), hash, PROOF_VERSION, date.to_string()),
        )?;
        Self::moved(rows, || format!("window {date}"), "CLOSING")
    }

    /// Keeps what a person says about a difference; said once.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when it was explained before.
    pub fn explain_difference(&self, date: BusinessDate, explanation: &Explanation) -> Result<(), StoreError> {
        self.sql.execute(
            "INSERT INTO window_difference (business_date, code, reference, amount_fen, reason, operator, explained_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
            (
                date.to_string(),
                &explanation.code,
                &explanation.reference,
                explanation.amount_fen.get(),
                &explanation.reason,
                &explanation.operator,
                clock::now(),
            ),
        )?;
        Ok(())
    }

    /// What was said about the differences of a window.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn explanations(&self, date: BusinessDate) -> Result<Vec<Explanation>, StoreError> {
        let mut statement = self.sql.prepare(
            "SELECT code, reference, amount_fen, reason, operator FROM window_difference WHERE business_date = $1
             ORDER BY code, reference",
        )?;
        let rows = statement.query_map([date.to_string()], |row| {
            Ok(Explanation {
                code: row.get(0)?,
                reference: row.get(1)?,
                amount_fen: Fen::new(row.get(2)?),
                reason: row.get(3)?,
                operator: row.get(4)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

const WINDOW: &str = "SELECT business_date, state, opened_at, barrier, closing_by, closed_by, closed_at, hash,
    proof_version FROM clearing_window";

fn window(row: &Row<'_>) -> engine::Result<Window> {
    Ok(Window {
        business_date: cell::parsed(row, 0, BusinessDate::parse)?,
        state: cell::one_of(row, 1, WindowState::ALL, WindowState::name)?,
        opened_at: row.get(2)?,
        barrier: row.get(3)?,
        closing_by: row.get(4)?,
        closed_by: row.get(5)?,
        closed_at: row.get(6)?,
        hash: row.get(7)?,
        proof_version: row.get(8)?,
    })
}
