//! Rows of decisions about authorised sales whose terminal never comes back.

use settlement::id::SaleId;

use super::engine::{self, OptionalExtension, Row};
use super::{StoreError, Tx, cell};
use crate::clearing::closure::Closure;
use crate::clearing::decision::DecisionState;
use crate::clock;
use crate::state::State;

const CLOSURE: &str = "SELECT number, sale_id, reason, state, maker, made_at, checker, rejected_why FROM sale_closure
    LEFT JOIN rejection ON rejected_kind = 'sale' AND rejected_number = number";

impl Tx<'_> {
    /// Writes what one person asks for, and gives it its number.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when something is asked or decided of the sale already.
    pub fn add_closure(&self, sale: SaleId, reason: &str, maker: &str) -> Result<i64, StoreError> {
        let number: i64 =
            self.sql.query_row("SELECT coalesce(max(number), 0) + 1 FROM sale_closure", (), |row| row.get(0))?;
        self.sql.execute(
            "INSERT INTO sale_closure (number, sale_id, reason, state, maker, made_at)
             VALUES ($1, $2, $3, 'proposed', $4, $5)",
            (number, sale.to_string(), reason, maker, clock::now()),
        )?;
        Ok(number)
    }

    /// A closure.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn closure(&self, number: i64) -> Result<Option<Closure>, StoreError> {
        let mut find = self.sql.prepare(&format!("{CLOSURE} WHERE number = $1"))?;
        Ok(find.query_row([number], closure).optional()?)
    }

    /// What is asked or decided of a sale.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn closure_of(&self, sale: SaleId) -> Result<Option<Closure>, StoreError> {
        let mut find = self.sql.prepare(&format!("{CLOSURE} WHERE sale_id = $1 AND state <> 'rejected'"))?;
        Ok(find.query_row([sale.to_string()], closure).optional()?)
    }

    /// All closures, in order of number.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn closures(&self) -> Result<Vec<Closure>, StoreError> {
        let mut find = self.sql.prepare(&format!("{CLOSURE} ORDER BY number"))?;
        Ok(find.query_map((), closure)?.collect::<Result<_, _>>()?)
    }

    /// A move of a closure by another person than its maker.
    ///
    /// # Errors
    /// [`StoreError::StateMoved`].
    pub fn decide_closure(
        &self,
        number: i64,
        (from, to): (DecisionState, DecisionState),
        checker: &str,
    ) -> Result<(), StoreError> {
        let rows = self.sql.execute(
            "UPDATE sale_closure SET state = $1, checker = $2, checked_at = $3
             WHERE number = $4 AND state = $5 AND maker <> $2",
            (to.name(), checker, clock::now(), number, from.name()),
        )?;
        Self::moved(rows, || format!("closure {number}"), from.name())
    }
}

fn closure(row: &Row<'_>) -> engine::Result<Closure> {
    Ok(Closure {
        number: row.get(0)?,
        sale_id: cell::parsed(row, 1, SaleId::parse)?,
        reason: row.get(2)?,
        state: cell::one_of(row, 3, DecisionState::ALL, State::name)?,
        maker: row.get(4)?,
        made_at: row.get(5)?,
        checker: row.get(6)?,
        rejection: row.get(7)?,
    })
}
