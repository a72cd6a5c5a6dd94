//! What clearing needs to know of a card: whose it is, its factor, whether it may work.
//!
//! Owns: the question. Never: the registry and the card's life cycle, which answer it.

use settlement::code::ErrorCode;
use settlement::id::{CardFactor, CardIdentifier};

use super::ledger::Account;
use super::refusal::ClearingError;
use crate::store::{StoreError, Tx};

/// A card as clearing sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CardFacts {
    /// Identifier.
    pub identifier: CardIdentifier,
    /// Holder, by the row number of the registry: the one in which the person goes on.
    pub holder: i64,
    /// Diversification factor: last 8 historical bytes of its ATR.
    pub factor: CardFactor,
    /// Whether the card is its holder's live card.
    pub active: bool,
}

impl Tx<'_> {
    /// Where money of a holder is that is on no card: with the row in which the person goes on (docs/adr/0097).
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn pending(&self, holder: i64) -> Result<Account, StoreError> {
        Ok(Account::Pending(self.goes_on_in(holder)?))
    }

    /// A card that may take money: known, active, not on the blacklist, which this centre knows.
    ///
    /// # Errors
    /// [`ClearingError`] with the code for the terminal.
    pub fn payable_card(&self, card: CardIdentifier) -> Result<CardFacts, ClearingError> {
        let facts = self.card_facts(card)?.ok_or(ClearingError::Refused(ErrorCode::CardUnknown))?;
        if !facts.active {
            return Err(ClearingError::Refused(ErrorCode::CardNotActive));
        }
        if self.blacklist_history(card)?.last().is_some_and(|entry| entry.act == super::blacklist::BlacklistAct::Add) {
            return Err(ClearingError::Refused(ErrorCode::CardBlacklisted));
        }
        super::withheld::may_publish(self)?;
        Ok(facts)
    }
}
