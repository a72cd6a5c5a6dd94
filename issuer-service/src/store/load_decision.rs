//! Rows of decisions about loads, and of what gave way.

use settlement::date::BusinessDate;
use settlement::fen::Fen;
use settlement::id::{InstitutionCode, LoadId};

use super::engine::{self, OptionalExtension, Row};
use super::{StoreError, Tx, cell};
use crate::clearing::decision::{DecisionMove, DecisionState};
use crate::clearing::load_decision::{LoadAct, LoadDecision};
use crate::clearing::take_back;
use crate::clock;
use crate::state::State;

const DECISION: &str =
    "SELECT number, load_id, act, reason, state, maker, made_at, checker, decided_on, yielded_on, rejected_why
    FROM load_decision LEFT JOIN load_yield ON yielded_decision = number
    LEFT JOIN rejection ON rejected_kind = 'load' AND rejected_number = number";

impl Tx<'_> {
    /// Writes what one person asks for, and gives it its number.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when something is asked of the load already.
    pub fn add_load_decision(&self, load: LoadId, act: LoadAct, reason: &str, maker: &str) -> Result<i64, StoreError> {
        let number: i64 =
            self.sql.query_row("SELECT coalesce(max(number), 0) + 1 FROM load_decision", (), |row| row.get(0))?;
        self.sql.execute(
            "INSERT INTO load_decision (number, load_id, act, reason, state, maker, made_at)
             VALUES ($1, $2, $3, $4, 'proposed', $5, $6)",
            (number, load.to_string(), act.name(), reason, maker, clock::now()),
        )?;
        Ok(number)
    }

    /// A decision.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn load_decision(&self, number: i64) -> Result<Option<LoadDecision>, StoreError> {
        let mut find = self.sql.prepare(&format!("{DECISION} WHERE number = $1"))?;
        Ok(find.query_row([number], decision).optional()?)
    }

    /// The decisions about a load, in order of number.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn load_decisions_of(&self, load: LoadId) -> Result<Vec<LoadDecision>, StoreError> {
        let mut find = self.sql.prepare(&format!("{DECISION} WHERE load_id = $1 ORDER BY number"))?;
        Ok(find.query_map([load.to_string()], decision)?.collect::<Result<_, _>>()?)
    }

    /// All decisions about loads, in order of number.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn load_decisions(&self) -> Result<Vec<LoadDecision>, StoreError> {
        let mut find = self.sql.prepare(&format!("{DECISION} ORDER BY number"))?;
        Ok(find.query_map((), decision)?.collect::<Result<_, _>>()?)
    }

    /// A move of a decision by another person than its maker; `decided_on` of an approval.
    ///
    /// # Errors
    /// [`StoreError::StateMoved`].
    pub fn decide_load(
        &self,
        (number, step): (i64, DecisionMove),
        checker: &str,
        decided_on: Option<BusinessDate>,
    ) -> Result<(), StoreError> {
        let (from, to) = step.ends();
        let rows = self.sql.execute(
            "UPDATE load_decision SET state = $1, checker = $2, checked_at = $3, decided_on = $4
             WHERE number = $5 AND state = $6 AND maker <> $2",
            (to.name(), checker, clock::now(), decided_on.map(|date| date.to_string()), number, from.name()),
        )?;
        Self::moved(rows, || format!("decision {number}"), from.name())
    }

    /// Keeps that a load which people called credited gave way: the windows in which it counted so, and does no more.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when it did before.
    pub fn add_yield(
        &self,
        load: LoadId,
        decision: i64,
        (credited_on, yielded_on): (BusinessDate, BusinessDate),
        why: &str,
    ) -> Result<(), StoreError> {
        self.sql.execute(
            "INSERT INTO load_yield (yielded_load, yielded_decision, credited_on, yielded_on, yielded_why) VALUES ($1, $2, $3, $4, $5)",
            (load.to_string(), decision, credited_on.to_string(), yielded_on.to_string(), why),
        )?;
        Ok(())
    }

    /// Whether a load that people called credited gave way.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn has_yielded(&self, load: LoadId) -> Result<bool, StoreError> {
        Ok(self.sql.prepare("SELECT 1 FROM load_yield WHERE yielded_load = $1")?.exists([load.to_string()])?)
    }

    /// Sum of what gave way in a window: loads, and refunds with the pool's part.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn yielded_in(&self, window_date: BusinessDate) -> Result<Fen, StoreError> {
        let sum = self.sql.query_row(
            "SELECT coalesce(sum(amount_fen + pooled_fen), 0) FROM load_yield JOIN load ON load_id = yielded_load WHERE yielded_on = $1",
            [window_date.to_string()],
            |row| row.get(0),
        )?;
        Ok(Fen::new(sum))
    }

    /// Refunds that their holders owe since a window, because their purchase was taken back, less those that gave way in it: account and pool
    /// together, the pool's part, the cash.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn recovered_in(&self, window_date: BusinessDate) -> Result<[Fen; 3], StoreError> {
        let sums = self.sql.query_row(
            "SELECT coalesce(sum(sign * (amount_fen + pooled_fen)), 0), coalesce(sum(sign * pooled_fen), 0),
                 coalesce(sum(sign * self_paid_fen), 0)
             FROM (SELECT amount_fen, pooled_fen, self_paid_fen, CASE WHEN reference LIKE 'yielded:%' THEN -1 ELSE 1 END AS sign
                 FROM load JOIN posting ON reference IN ($1 || load_id, $1 || load_id || ':proved', 'yielded:' || $1 || load_id)
                 WHERE window_date = $2 AND original_terminal IS NOT NULL) AS recovered",
            (format!("{}refund:", take_back::PREFIX), window_date.to_string()),
            |row| Ok([Fen::new(row.get(0)?), Fen::new(row.get(1)?), Fen::new(row.get(2)?)]),
        )?;
        Ok(sums)
    }

    /// Refunds of an institution that gave way in a window, account and pool.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn refunds_yielded(&self, window_date: BusinessDate, institution: &InstitutionCode) -> Result<Fen, StoreError> {
        let sum = self.sql.query_row(
            "SELECT coalesce(sum(amount_fen + pooled_fen), 0) FROM load_yield JOIN load ON load_id = yielded_load
             WHERE yielded_on = $1 AND institution = $2 AND original_terminal IS NOT NULL",
            (window_date.to_string(), institution.as_str()),
            |row| row.get(0),
        )?;
        Ok(Fen::new(sum))
    }
}

fn decision(row: &Row<'_>) -> engine::Result<LoadDecision> {
    Ok(LoadDecision {
        number: row.get(0)?,
        load_id: cell::parsed(row, 1, LoadId::parse)?,
        act: cell::one_of(row, 2, LoadAct::ALL, LoadAct::name)?,
        reason: row.get(3)?,
        state: cell::one_of(row, 4, DecisionState::ALL, State::name)?,
        maker: row.get(5)?,
        made_at: row.get(6)?,
        checker: row.get(7)?,
        decided_on: cell::parsed_option(row, 8, BusinessDate::parse)?,
        yielded_on: cell::parsed_option(row, 9, BusinessDate::parse)?,
        rejection: row.get(10)?,
    })
}
