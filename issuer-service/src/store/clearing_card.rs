//! What clearing asks of the registry and the cards.

use settlement::id::{CardFactor, CardIdentifier};

use super::engine::OptionalExtension;
use super::{StoreError, Tx, cell};
use crate::clearing::card::CardFacts;

impl Tx<'_> {
    /// A card; `None` when this centre did not make it. Its factor is the last 8 of its historical bytes.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn card_facts(&self, card: CardIdentifier) -> Result<Option<CardFacts>, StoreError> {
        let mut statement = self.sql.prepare(
            "SELECT card_identifier, person, substr(chip, length(chip) - 15), state = 'normal' FROM card
             WHERE card_identifier = $1",
        )?;
        let found = statement
            .query_row([card.to_string()], |row| {
                Ok(CardFacts {
                    identifier: cell::parsed(row, 0, CardIdentifier::parse)?,
                    holder: row.get(1)?,
                    factor: cell::parsed(row, 2, CardFactor::parse)?,
                    active: row.get(3)?,
                })
            })
            .optional()?;
        found.map(|facts| Ok(CardFacts { holder: self.goes_on_in(facts.holder)?, ..facts })).transpose()
    }

    /// Live cards of a batch, in order of their job.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn active_cards_of_batch(&self, batch: i64) -> Result<Vec<CardIdentifier>, StoreError> {
        let mut statement = self.sql.prepare(
            "SELECT card_identifier FROM card JOIN job ON job.number = card.job
             WHERE job.batch = $1 AND card.state = 'normal' ORDER BY job.number",
        )?;
        Ok(statement
            .query_map([batch], |row| cell::parsed(row, 0, CardIdentifier::parse))?
            .collect::<Result<_, _>>()?)
    }
}
