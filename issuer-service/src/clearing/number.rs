//! What came in under one number of a card, which the card gives once.
//!
//! Source: docs/adr/0066, 0082, 0084, 0087. Owns: the questions about those records. Never: decides, posts.

use std::collections::BTreeMap;

use settlement::id::CardIdentifier;

use super::refusal::ClearingError;
use super::upload::{RowKind, RowOutcome, UploadRow};
use crate::store::Tx;

/// The purchases of one number of a card, whatever became of them.
#[derive(Default)]
pub(super) struct Number {
    rows: Vec<UploadRow>,
}

/// The numbers of all records that were not posted, read at once.
pub(super) struct Numbers {
    numbers: BTreeMap<(CardIdentifier, u16), Number>,
    none: Number,
}

impl Numbers {
    /// As they are now.
    ///
    /// # Errors
    /// [`ClearingError::Store`].
    pub(super) fn of_not_posted(tx: &Tx<'_>) -> Result<Self, ClearingError> {
        let mut numbers: BTreeMap<_, Number> = BTreeMap::new();
        for row in tx.purchases_beside_not_posted()? {
            numbers.entry((row.card_identifier, row.card_sequence)).or_default().rows.push(row);
        }
        Ok(Self { numbers, none: Number::default() })
    }

    /// The number of a record that was not posted; none of a load or refund.
    pub(super) fn of(&self, row: &UploadRow) -> &Number {
        match row.kind {
            RowKind::Purchase => self.numbers.get(&(row.card_identifier, row.card_sequence)).unwrap_or(&self.none),
            RowKind::Load | RowKind::Refund => &self.none,
        }
    }
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

    /// Whether people's word stands against the card's own: this row has no code of the card, and a record to which the card gave the
    /// number has, whatever was decided of that one. A number that nothing shows is no till's to say.
    pub(super) fn disproves(&self, row: &UploadRow) -> bool {
        !row.has_cards_code() && self.rows.iter().any(UploadRow::has_cards_number)
    }

    /// Whether a record with the card's code came in under the number of this one, which has none: enough for two people to take this one
    /// back, whether or not that code shows the number, too.
    pub(super) fn speaks_against(&self, row: &UploadRow) -> bool {
        !row.has_cards_code() && self.rows.iter().any(UploadRow::has_cards_code)
    }

    /// Whether a record without the card's code was posted or returned under the number with which this one, which has it, came in.
    pub(super) fn has_word_against(&self, row: &UploadRow) -> bool {
        row.has_cards_code() && self.rows.iter().any(|row| !row.has_cards_code() && row.is_decided_as_paid())
    }

    /// Whether one of them stands and has the number as its own, by the card's codes, or by people's word where there is none. It stands
    /// when it was accepted, or people decided that its card paid.
    pub(super) fn is_owned(&self) -> bool {
        let stands = |row: &&UploadRow| row.outcome == RowOutcome::Accepted || row.is_decided_as_paid();
        self.rows.iter().filter(stands).any(|row| !row.owns_no_number())
    }

    /// The others, whatever became of them.
    pub(super) fn others<'a>(&'a self, row: &'a UploadRow) -> impl Iterator<Item = &'a UploadRow> {
        let is_same = |one: &UploadRow| (one.terminal, one.journal_sequence) == (row.terminal, row.journal_sequence);
        self.rows.iter().filter(move |one| !is_same(one))
    }
}
