//! Rows of orders for PINs.

use settlement::id::TerminalNumber;
use settlement::pin::PinAct;

use super::counter::Counter;
use super::engine::{self, OptionalExtension, Row};
use super::{StoreError, Tx, cell};
use crate::card::pin::{PinOrder, PinOrderMove};
use crate::clock;
use crate::state::State;

const COLUMNS: &str =
    "SELECT o.number, o.job, c.card_number, o.act, o.state, o.terminal, o.reason, o.maker, o.made_at, o.checker,
    o.valid_until FROM pin_order o JOIN card c ON c.job = o.job";

impl Tx<'_> {
    /// Adds an order and gives it its number, which the order brings as 0.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the card has an open one.
    pub fn add_pin_order(&self, order: &PinOrder) -> Result<i64, StoreError> {
        let number = self.next_of(Counter::PinOrder)?;
        self.sql
            .prepare(
                "INSERT INTO pin_order (number, job, act, state, terminal, reason, maker, made_at, valid_until, changed_at)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $8)",
            )?
            .execute((
                number,
                order.job,
                order.act.name(),
                &order.state,
                order.terminal.map(|terminal| terminal.to_string()),
                &order.reason,
                &order.maker,
                &order.made_at,
                &order.valid_until,
            ))?;
        Ok(number)
    }

    /// An order.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn pin_order(&self, number: i64) -> Result<Option<PinOrder>, StoreError> {
        let mut find = self.sql.prepare(&format!("{COLUMNS} WHERE o.number = $1"))?;
        Ok(find.query_row([number], order).optional()?)
    }

    /// The order of a card that is not yet used.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn open_pin_order(&self, job: i64) -> Result<Option<PinOrder>, StoreError> {
        let mut find = self.sql.prepare(&format!("{COLUMNS} WHERE o.job = $1 AND o.state IN ('asked', 'ready')"))?;
        Ok(find.query_row([job], order).optional()?)
    }

    /// Orders, all or those without an end, the newest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn pin_orders(&self, open: bool, limit: u32) -> Result<Vec<PinOrder>, StoreError> {
        let mut find = self.sql.prepare(&format!(
            "{COLUMNS} WHERE o.state IN ('asked', 'ready', 'given') OR $1 = 0 ORDER BY o.number DESC LIMIT $2"
        ))?;
        Ok(find.query_map((i64::from(open), limit), order)?.collect::<Result<_, _>>()?)
    }

    /// Moves an order.
    ///
    /// # Errors
    /// [`StoreError::StateMoved`].
    pub fn move_pin_order(&self, number: i64, by: PinOrderMove) -> Result<(), StoreError> {
        let (from, to) = by.ends();
        let rows = self
            .sql
            .prepare("UPDATE pin_order SET state = $1, changed_at = $2 WHERE number = $3 AND state = $4")?
            .execute((to.name(), clock::now(), number, from.name()))?;
        Self::moved(rows, || format!("PIN order {number}"), from.name())
    }

    /// Notes which terminal got the command of an order.
    ///
    /// # Errors
    /// [`StoreError::StateMoved`] when there is no such order.
    pub fn set_pin_order_terminal(&self, number: i64, terminal: TerminalNumber) -> Result<(), StoreError> {
        let rows =
            self.sql.execute("UPDATE pin_order SET terminal = $1 WHERE number = $2", (terminal.to_string(), number))?;
        Self::moved(rows, || format!("PIN order {number}"), "ready")
    }

    /// Notes who approved an order.
    ///
    /// # Errors
    /// [`StoreError::StateMoved`] when there is no such order of another maker.
    pub fn set_pin_order_checker(&self, number: i64, checker: &str) -> Result<(), StoreError> {
        let rows = self
            .sql
            .execute("UPDATE pin_order SET checker = $1 WHERE number = $2 AND maker <> $1", (checker, number))?;
        Self::moved(rows, || format!("PIN order {number}"), "asked")
    }
}

fn order(row: &Row<'_>) -> engine::Result<PinOrder> {
    let terminal: Option<String> = row.get(5)?;
    let terminal = terminal.map(|_| cell::parsed(row, 5, TerminalNumber::parse)).transpose()?;
    Ok(PinOrder {
        number: row.get(0)?,
        job: row.get(1)?,
        card_number: row.get(2)?,
        act: cell::one_of(row, 3, PinAct::ALL, PinAct::name)?,
        state: row.get(4)?,
        terminal,
        reason: row.get(6)?,
        maker: row.get(7)?,
        made_at: row.get(8)?,
        checker: row.get(9)?,
        valid_until: row.get(10)?,
    })
}
