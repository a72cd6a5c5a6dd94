//! Refunds as they were agreed at the counter.
//!
//! Owns: rows of `refund`; that their sum never exceeds the purchase, in one transaction with the new row.
//! Never: moves money (`entries` has each try).

use rusqlite::{OptionalExtension as _, Row, params};
use settlement::fen::Fen;
use settlement::id::{CardIdentifier, TerminalNumber};
use settlement::refund::{Original, Parts, RefundAct, RefundError, left_of};

use super::entries::write;
use super::{Store, StoreError};
use crate::clock::Now;
use crate::journal::{EntryNumber, Purchased, RefundNumber, RefundOrder, RefundState};

/// A refund that is about to be agreed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRefund {
    /// The purchase.
    pub original: Purchased,
    /// How it is undone.
    pub act: RefundAct,
    /// What each payer gets back.
    pub parts: Parts,
    /// Why.
    pub reason: String,
}

/// With the card of its purchase, whether a try was confirmed, and the last try.
const REFUND: &str =
    "SELECT refund.number, original, act, refund.personal_account, refund.self_paid, refund.pooled_fund,
    refund.reason, opened_at, withdrawn_at IS NOT NULL,
    EXISTS (SELECT 1 FROM entry AS try WHERE try.refund = refund.number AND try.state = 'CONFIRMED'),
    (SELECT max(try.number) FROM entry AS try WHERE try.refund = refund.number),
    coalesce(entry.card_identifier, refund.card_identifier), refund.original_terminal, refund.original_sequence,
    paid_account, paid_cash, paid_pool, refund.original_card_sequence
    FROM refund LEFT JOIN entry ON entry.number = refund.original";

impl Store {
    /// Writes a refund down: `Ok(Err(…))` when more would go back than is left of the purchase.
    ///
    /// # Errors
    /// [`StoreError`]: nothing was written.
    pub fn open_refund(
        &mut self,
        (card, paid): (CardIdentifier, Parts),
        refund: &NewRefund,
    ) -> Result<Result<RefundOrder, RefundError>, StoreError> {
        // One program at a time has the turn at the counter, so nobody writes between this look and the row.
        let left = match left_of(paid, self.refunded(refund.original, &card)?) {
            Ok(left) => left,
            Err(error) => return Ok(Err(error)),
        };
        if let Err(error) = left.less(refund.parts) {
            return Ok(Err(error));
        }
        let place = self.place.clone();
        let Parts { personal_account, self_paid, pooled_fund } = refund.parts;
        let (here, elsewhere) = match refund.original {
            Purchased::Here(number) => (Some(entry_key(number)), None),
            Purchased::Elsewhere { original, paid } => (None, Some((original, paid))),
        };
        let number = write(&mut self.connection, &place, |connection| {
            connection.execute(
                "INSERT INTO refund (number, original, act, personal_account, self_paid, pooled_fund, reason, opened_at,
                     original_terminal, original_sequence, card_identifier, paid_account, paid_cash, paid_pool,
                     original_card_sequence)
                 VALUES ((SELECT coalesce(max(number), 0) + 1 FROM refund), ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11,
                     ?12, ?13, ?14)",
                params![
                    here,
                    refund.act.as_str(),
                    personal_account.get(),
                    self_paid.get(),
                    pooled_fund.get(),
                    refund.reason,
                    Now::of_system().utc(),
                    elsewhere.map(|(original, _)| original.terminal.to_string()),
                    elsewhere.map(|(original, _)| original.terminal_sequence),
                    elsewhere.map(|_| card.to_string()),
                    elsewhere.map(|(_, paid)| paid.personal_account.get()),
                    elsewhere.map(|(_, paid)| paid.self_paid.get()),
                    elsewhere.map(|(_, paid)| paid.pooled_fund.get()),
                    elsewhere.and_then(|(original, _)| original.card_sequence),
                ],
            )?;
            Ok(connection.last_insert_rowid())
        })?;
        let order = self.refund(RefundNumber(number.unsigned_abs()))?;
        order.map(Ok).ok_or_else(|| self.corrupt("a refund that was just written is not there"))
    }

    /// What was agreed to go back of a card's purchase, here or, of what was sold here, at another till that the centre told of; refunds that
    /// were withdrawn are left out.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn refunded(&self, bought: Purchased, card: &CardIdentifier) -> Result<Vec<Parts>, StoreError> {
        let all = match bought {
            Purchased::Here(number) => self.refunds_where("original = ?1", &entry_key(number).to_string())?,
            Purchased::Elsewhere { original, .. } => {
                self.refunds_where("refund.original_terminal = ?1", &original.terminal.to_string())?
            }
        };
        let is_of = |order: &RefundOrder| match (order.original, bought) {
            (Purchased::Here(one), Purchased::Here(other)) => one == other,
            (Purchased::Elsewhere { original: one, .. }, Purchased::Elsewhere { original: other, .. }) => {
                one.may_be(&other)
            }
            (Purchased::Here(_), Purchased::Elsewhere { .. }) | (Purchased::Elsewhere { .. }, Purchased::Here(_)) => {
                false
            }
        };
        let counts = |order: &RefundOrder| {
            order.state != RefundState::Withdrawn && order.card_identifier == *card && is_of(order)
        };
        let here = all.into_iter().filter(counts).map(|order| order.parts);
        let elsewhere = match bought {
            Purchased::Here(number) => self.find_entry(number)?.map_or_else(Vec::new, |entry| entry.elsewhere),
            Purchased::Elsewhere { .. } => Vec::new(),
        };
        Ok(elsewhere.into_iter().map(|given| given.parts).chain(here).collect())
    }

    /// One refund, if it is there.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn refund(&self, number: RefundNumber) -> Result<Option<RefundOrder>, StoreError> {
        Ok(self.refunds_where("refund.number = ?1", &key(number).to_string())?.pop())
    }

    /// All refunds, oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn refunds(&self) -> Result<Vec<RefundOrder>, StoreError> {
        self.refunds_where("?1 = ?1", "")
    }

    /// Withdraws a refund: nothing goes back. The caller has seen that no try may have reached the card.
    ///
    /// # Errors
    /// [`StoreError::Moved`] when it was withdrawn before.
    pub fn withdraw_refund(&mut self, number: RefundNumber, why: &str) -> Result<(), StoreError> {
        let place = self.place.clone();
        let changed = write(&mut self.connection, &place, |connection| {
            connection.execute(
                "UPDATE refund SET withdrawn_at = ?2, withdrawn_why = ?3 WHERE number = ?1 AND withdrawn_at IS NULL
                 AND NOT EXISTS (SELECT 1 FROM entry WHERE refund = ?1
                     AND state IN ('PREPARED', 'SENT', 'UNCERTAIN', 'CONTRADICTED', 'CONFIRMED'))",
                params![key(number), Now::of_system().utc(), why],
            )
        })?;
        match changed {
            1 => Ok(()),
            _ => Err(StoreError::Moved { id: number.to_string(), expected: "OPEN" }),
        }
    }

    /// Why a refund was withdrawn, when it was.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn withdrawn_why(&self, number: RefundNumber) -> Result<Option<String>, StoreError> {
        let why: Option<Option<String>> = self
            .connection
            .query_row("SELECT withdrawn_why FROM refund WHERE number = ?1", [key(number)], |row| row.get(0))
            .optional()
            .map_err(|source| self.failure(source))?;
        Ok(why.flatten())
    }

    fn refunds_where(&self, condition: &'static str, value: &str) -> Result<Vec<RefundOrder>, StoreError> {
        let fail = |source| self.failure(source);
        let query = format!("{REFUND} WHERE {condition} ORDER BY refund.number");
        let mut statement = self.connection.prepare_cached(&query).map_err(fail)?;
        let rows = statement.query_map([value], order).map_err(fail)?;
        rows.map(|row| row.map_err(fail)?.ok_or_else(|| self.corrupt("a refund has a value of a wrong form"))).collect()
    }
}

/// SQLite numbers rows with signed 64 bits; refund numbers come from it and go back unchanged.
pub(super) fn key(number: RefundNumber) -> i64 {
    i64::try_from(number.0).unwrap_or(i64::MAX)
}

fn entry_key(number: EntryNumber) -> i64 {
    i64::try_from(number.0).unwrap_or(i64::MAX)
}

fn order(row: &Row<'_>) -> rusqlite::Result<Option<RefundOrder>> {
    let (act, card): (String, String) = (row.get(2)?, row.get(11)?);
    let (Some(act), Ok(card_identifier)) = (RefundAct::parse(&act), CardIdentifier::parse(&card)) else {
        return Ok(None);
    };
    let fen = |column: usize| row.get(column).map(Fen::new);
    let original = match (row.get::<_, Option<i64>>(1)?, row.get::<_, Option<String>>(12)?) {
        (Some(number), None) => Purchased::Here(EntryNumber(number.unsigned_abs())),
        (None, Some(terminal)) => {
            let Ok(terminal) = TerminalNumber::parse(&terminal) else { return Ok(None) };
            let paid = Parts { personal_account: fen(14)?, self_paid: fen(15)?, pooled_fund: fen(16)? };
            Purchased::Elsewhere {
                original: Original { terminal, terminal_sequence: row.get(13)?, card_sequence: row.get(17)? },
                paid,
            }
        }
        _ => return Ok(None),
    };
    let state = match (row.get(8)?, row.get(9)?) {
        (_, true) => RefundState::Done,
        (true, false) => RefundState::Withdrawn,
        (false, false) => RefundState::Open,
    };
    Ok(Some(RefundOrder {
        number: RefundNumber(row.get::<_, i64>(0)?.unsigned_abs()),
        original,
        card_identifier,
        act,
        parts: Parts { personal_account: fen(3)?, self_paid: fen(4)?, pooled_fund: fen(5)? },
        reason: row.get(6)?,
        opened_at: row.get(7)?,
        state,
        last: row.get::<_, Option<i64>>(10)?.map(|number| EntryNumber(number.unsigned_abs())),
    }))
}
