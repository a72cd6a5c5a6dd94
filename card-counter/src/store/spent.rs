//! What a card spent here on a business day, less what went back of it.
//!
//! Owns: that sum. Never: knows a limit (`check`).
//! Units: fen.

use rusqlite::params;
use settlement::BusinessDate;
use settlement::fen::Fen;
use settlement::id::CardIdentifier;

use super::elsewhere::{ACCOUNT, WHOLE};
use super::{Store, StoreError};

impl Store {
    /// How often a card bought here on one business day, and what that takes or took from its account; purchases that are known
    /// not to have happened are left out, and so are those of which all went back, here or at
    /// another till that the centre told of; what went back of the others is taken off.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn spent_by(&self, card: &CardIdentifier, day: BusinessDate) -> Result<(u64, Fen), StoreError> {
        let (count, sum): (i64, i64) = self
            .connection
            .query_row(
                &format!(
                    "SELECT coalesce(sum(whole > back), 0), coalesce(sum(account - account_back), 0) FROM (
                     SELECT entry.personal_account AS account,
                         entry.personal_account + entry.self_paid + entry.pooled_fund AS whole,
                         coalesce(sum(refund.personal_account), 0) + {ACCOUNT} AS account_back,
                         coalesce(sum(refund.personal_account + refund.self_paid + refund.pooled_fund), 0) + {WHOLE} AS back
                     FROM entry LEFT JOIN refund ON refund.original = entry.number AND EXISTS
                         (SELECT 1 FROM entry AS try WHERE try.refund = refund.number AND try.state = 'CONFIRMED')
                     WHERE entry.kind = 'purchase' AND entry.card_identifier = ?1 AND entry.business_date = ?2
                       AND entry.state NOT IN ('REFUSED', 'REVERSED')
                     GROUP BY entry.number)"
                ),
                params![card.to_string(), day.to_string()],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
            .map_err(|source| self.failure(source))?;
        Ok((count.unsigned_abs(), Fen::new(sum)))
    }
}
