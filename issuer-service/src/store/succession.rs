//! Rows of cards whose money has gone to their holders.

use settlement::date::BusinessDate;
use settlement::fen::Fen;
use settlement::id::CardIdentifier;

use super::engine::OptionalExtension;
use super::{StoreError, Tx, cell};
use crate::clearing::ledger::{Account, PostingKind};
use crate::clock;

impl Tx<'_> {
    /// Cards that were cancelled up to an instant and whose account is not zero, with their holders.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn cards_to_clear(&self, until: &str) -> Result<Vec<(CardIdentifier, i64)>, StoreError> {
        let mut find = self.sql.prepare(
            "SELECT c.card_identifier, c.person FROM card c
             WHERE c.state = 'cancelled'
               AND EXISTS (SELECT 1 FROM card_move m WHERE m.job = c.job AND m.to_state = 'cancelled' AND m.moved_at <= $1)
               AND (SELECT COALESCE(SUM(e.amount_fen), 0) FROM entry e WHERE e.account = $2 || c.card_identifier) <> 0
             ORDER BY c.job",
        )?;
        let row = |row: &super::engine::Row<'_>| Ok((cell::parsed(row, 0, CardIdentifier::parse)?, row.get(1)?));
        Ok(find.query_map((until, Account::CARDS), row)?.collect::<Result<_, _>>()?)
    }

    /// How often the money of a card has gone to its holder.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn times_cleared(&self, card: CardIdentifier) -> Result<i64, StoreError> {
        let mut find = self.sql.prepare("SELECT times FROM card_cleared WHERE card = $1")?;
        Ok(find.query_row([card.to_string()], |row| row.get(0)).optional()?.unwrap_or(0))
    }

    /// Counts one more time; which it is.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn clear_card(&self, card: CardIdentifier) -> Result<i64, StoreError> {
        let before = self.times_cleared(card)?;
        if before == 0 {
            let insert = "INSERT INTO card_cleared (card, times, changed_at) VALUES ($1, 1, $2)";
            self.sql.execute(insert, (card.to_string(), clock::now()))?;
            return Ok(1);
        }
        let rows = self.sql.execute(
            "UPDATE card_cleared SET times = $1, changed_at = $2 WHERE card = $3 AND times = $4",
            (before + 1, clock::now(), card.to_string(), before),
        )?;
        Self::moved(rows, || format!("card {card}"), "cleared so often")?;
        Ok(before + 1)
    }

    /// What went from each card's account to its holder through a window: the chip still shows it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn cleared_through(&self, through: BusinessDate) -> Result<Vec<(CardIdentifier, Fen)>, StoreError> {
        let mut find = self.sql.prepare(
            "SELECT e.account, SUM(e.amount_fen) FROM posting p JOIN entry e ON e.posting = p.id
             WHERE p.kind = $1 AND p.window_date <= $2 GROUP BY e.account ORDER BY e.account",
        )?;
        let rows = find.query_map((PostingKind::CardCleared.name(), through.to_string()), |row| {
            Ok((row.get::<String>(0)?, Fen::new(row.get(1)?)))
        })?;
        let mut cleared = Vec::new();
        for row in rows {
            let (account, amount) = row?;
            if let Some(Ok(card)) = account.strip_prefix(Account::CARDS).map(CardIdentifier::parse) {
                cleared.push((card, amount));
            }
        }
        Ok(cleared)
    }
}
