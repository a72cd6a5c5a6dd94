//! What came in under one number of a card, which the card gives once.
//!
//! Source: docs/adr/0066, 0082, 0084. Owns: the three questions about those records. Never: decides, posts.

use super::refusal::ClearingError;
use super::upload::{RowKind, RowOutcome, UploadRow};
use crate::store::Tx;

/// The purchases of one number of a card, whatever became of them.
pub(super) struct Number {
    rows: Vec<UploadRow>,
}

impl Number {
    /// Those with the number of this one, itself among them; none of a load or refund.
    ///
    /// # Errors
    /// [`ClearingError::Store`].
    pub(super) fn of(tx: &Tx<'_>, row: &UploadRow) -> Result<Self, ClearingError> {
        let rows = match row.kind {
            RowKind::Purchase => tx.purchases_of_number(row.card_identifier, row.card_sequence)?,
            RowKind::Load | RowKind::Refund => Vec::new(),
        };
        Ok(Self { rows })
    }

    /// Whether people's word stands against the card's own: this row has no code of the card, and a record of the number has, whatever
    /// was decided of that one.
    pub(super) fn disproves(&self, row: &UploadRow) -> bool {
        !row.has_cards_code() && self.rows.iter().any(UploadRow::has_cards_code)
    }

    /// Whether a record without the card's code was posted or returned.
    pub(super) fn has_word(&self) -> bool {
        self.rows.iter().any(|row| !row.has_cards_code() && row.is_decided_as_paid())
    }

    /// Whether one of them stands: it was accepted, or people decided that its card paid.
    pub(super) fn is_used(&self) -> bool {
        self.rows.iter().any(|row| row.outcome == RowOutcome::Accepted || row.is_decided_as_paid())
    }

    /// The others, whatever became of them.
    pub(super) fn others<'a>(&'a self, row: &'a UploadRow) -> impl Iterator<Item = &'a UploadRow> {
        let is_same = |one: &UploadRow| (one.terminal, one.journal_sequence) == (row.terminal, row.journal_sequence);
        self.rows.iter().filter(move |one| !is_same(one))
    }
}
