//! A card as its holder is told of it.
//!
//! Owns: which card a question is about, its view. Never: moves a card.

use settlement::date::BusinessDate;
use settlement::id::CardIdentifier;
use settlement::query::{CardState, CardView};

use crate::card::Card;
use crate::card::failure::LifeError;
use crate::card::life;
use crate::card::state::LifeState;
use crate::clock;
use crate::error::Missing;
use crate::store::{StoreError, Tx};

/// A card that was made here, by its identifier; `None` for a stranger's, and for one that is still being made.
///
/// # Errors
/// [`StoreError`].
pub fn made(tx: &Tx<'_>, identifier: CardIdentifier) -> Result<Option<(Card, LifeState)>, StoreError> {
    let card = tx.card_by_identifier(&card_profiles::identity::CardIdentifier::from_bytes(identifier.0))?;
    Ok(card.and_then(|card| LifeState::of_name(&card.state).map(|state| (card, state))))
}

/// How a card stands.
///
/// # Errors
/// [`LifeError`].
pub fn view(tx: &Tx<'_>, card: &Card, state: LifeState) -> Result<CardView, LifeError> {
    let file = life::file(tx, &card.card_number)?;
    let moved_at = tx.last_card_move(card.job)?.and_then(|last| clock::china_date_time(&last.moved_at));
    let valid_until = day(&card.valid_until).ok_or(Missing::Card)?;
    Ok(CardView {
        state: told(state),
        since: moved_at.map(|at| at.date()),
        valid_until,
        release_on: file.release_on.as_deref().and_then(day),
        blacklisted: file.blacklisted,
        replaced: file.replaced_by.is_some(),
    })
}

/// The state as messages spell it.
#[must_use]
pub const fn told(state: LifeState) -> CardState {
    match state {
        LifeState::Sealed => CardState::Sealed,
        LifeState::Normal => CardState::Normal,
        LifeState::FormalLoss => CardState::FormalLoss,
        LifeState::Locked => CardState::Locked,
        LifeState::TemporaryLoss => CardState::TemporaryLoss,
        LifeState::Cancelled => CardState::Cancelled,
    }
}

/// A day of the registry, `YYYYMMDD`.
pub(super) fn day(compact: &str) -> Option<BusinessDate> {
    let (year, month, day) = clock::parse_compact(compact)?.to_calendar_date();
    BusinessDate::new(u16::try_from(year).ok()?, u8::from(month), day).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_keeps_its_code_on_its_way_out() {
        for state in LifeState::ALL {
            assert_eq!(told(state).code(), state.code());
        }
    }

    #[test]
    fn a_day_of_the_registry_is_the_same_day_in_messages() {
        assert_eq!(day("20360228").map(|day| day.to_string()).as_deref(), Some("2036-02-28"));
        assert_eq!(day("20360230"), None);
    }
}
