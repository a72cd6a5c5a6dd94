//! Cards that are not where they should be, and cards that are destroyed, by two people.
//!
//! Owns: losing, finding, filling a sack, destroying what is in it. Never: destroys what one operator alone wants gone.

use serde::Serialize;

use super::failure::StockError;
use super::place::{self, Kind, Place};
use super::{Holding, Holdings, STORE, Shift, StockMove, StockState, Unit, blank, shift};
use crate::audit::Act;
use crate::batch::CardState;
use crate::card::life;
use crate::card::state::LifeState;
use crate::lang::Lang;
use crate::operator::Role;
use crate::output::Show;
use crate::state::State;
use crate::store::{Store, Tx};

/// Which cards: so many blank ones of a box, or cards by number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    /// Blank or spoilt cards of a box.
    Blanks {
        /// The box.
        name: String,
        /// How many.
        cards: u64,
    },
    /// Cards by number.
    Cards(Vec<String>),
}

/// Cards in a sack.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Sack {
    /// The sack: `D-1`.
    #[serde(flatten)]
    pub place: Place,
    /// What is in it.
    pub holdings: Vec<Holding>,
}

/// Cards are looked for and not found, all of one `state`; without one there is only one that they can be in.
///
/// # Errors
/// [`StockError::NotHeld`], [`StockError::NoWay`], [`StockError::StateNeeded`].
pub fn lose(
    store: &mut Store,
    which: &Which,
    (at, state): (&str, Option<StockState>),
    reason: &str,
    operator: Option<&str>,
) -> Result<Holdings, StockError> {
    store.act(|tx| {
        let actor = tx.require(operator, Role::Stock)?;
        let reason = life::fit(reason, true)?;
        place::found(tx, at)?;
        each(tx, which, |unit, cards| {
            let here = tx.holdings(unit)?.into_iter().filter(|held| held.place == at);
            let ways: Vec<StockMove> = here
                .filter_map(|held| StockState::of_name(&held.state))
                .filter(|is| state.is_none_or(|state| state == *is))
                .filter_map(lost_from)
                .collect();
            let by = match ways[..] {
                [by] => by,
                [] => return Err(StockError::no_way_for(tx, unit)),
                _ => {
                    let states = ways.iter().map(|by| by.ends().0).collect();
                    return Err(StockError::StateNeeded { unit: unit.clone(), place: at.to_owned(), states });
                }
            };
            shift(tx, &Shift { by, from: (unit, at), to: (unit, at), cards, reason }, &actor)
        })?;
        summed(tx, which, actor, "stock.lose", format!("at {at}: {reason}"))
    })
}

/// Cards that were missing are found: blank ones go back into their box, others to the store.
///
/// # Errors
/// [`StockError::NotHeld`].
pub fn find(store: &mut Store, which: &Which, reason: &str, operator: Option<&str>) -> Result<Holdings, StockError> {
    store.act(|tx| {
        let actor = tx.require(operator, Role::Stock)?;
        let reason = life::fit(reason, true)?;
        each(tx, which, |unit, cards| {
            let by = if let Unit::Box(_) = unit { StockMove::FindBlank } else { StockMove::FindCard };
            let missing: Vec<Holding> = tx.holdings(unit)?;
            let mut left = cards;
            for held in missing.iter().filter(|held| StockState::of_name(&held.state) == Some(StockState::Missing)) {
                let cards = left.min(held.cards);
                shift(tx, &Shift { by, from: (unit, &held.place), to: (unit, STORE), cards, reason }, &actor)?;
                left -= cards;
            }
            if left == 0 { Ok(()) } else { Err(short(unit, StockState::Missing, cards - left, cards)) }
        })?;
        summed(tx, which, actor, "stock.find", reason.to_owned())
    })
}

/// Fills a sack with cards that are to be destroyed; another operator does it.
///
/// # Errors
/// [`StockError::NoWay`] for cards that are in use or on their way.
pub fn condemn(store: &mut Store, which: &Which, reason: &str, operator: Option<&str>) -> Result<Sack, StockError> {
    store.act(|tx| {
        let actor = tx.require(operator, Role::Stock)?;
        let reason = life::fit(reason, true)?;
        out_of_use(tx, which)?;
        let code = tx.next_stock_code("D-")?;
        tx.add_stock_place(&place::new(&code, Kind::Sack, reason, &actor, &actor)?)?;
        each(tx, which, |unit, cards| {
            let mut left = cards;
            // Spoilt ones first.
            let mut held: Vec<(StockMove, Holding)> = tx
                .holdings(unit)?
                .into_iter()
                .filter_map(|held| Some((condemned_from(StockState::of_name(&held.state)?)?, held)))
                .collect();
            held.sort_by_key(|(by, _)| *by != StockMove::Condemn);
            if held.is_empty() {
                return Err(StockError::no_way_for(tx, unit));
            }
            for (by, held) in held {
                let cards = left.min(held.cards);
                shift(tx, &Shift { by, from: (unit, &held.place), to: (unit, &code), cards, reason }, &actor)?;
                left -= cards;
            }
            if left == 0 { Ok(()) } else { Err(short(unit, StockState::Spoilt, cards - left, cards)) }
        })?;
        let sack = sack(tx, &code)?;
        let count: u64 = sack.holdings.iter().map(|held| held.cards).sum();
        let detail = format!("{count} cards: {reason}");
        Ok((sack, super::act(tx, actor, "stock.condemn", format!("place {code}"), &detail)?))
    })
}

/// Destroys what is in a sack; not by the operator who filled it.
///
/// # Errors
/// [`StockError::SameHands`], [`StockError::Closed`].
pub fn destroy(store: &mut Store, code: &str, operator: Option<&str>) -> Result<Sack, StockError> {
    store.act(|tx| {
        let actor = tx.require(operator, Role::Stock).or_else(|_| tx.require(operator, Role::Approve))?;
        let place = place::of_kind(tx, code, Kind::Sack)?;
        if place.closed_by.is_some() {
            return Err(StockError::Closed { code: place.code });
        }
        if place.made_by == actor {
            return Err(StockError::SameHands { code: place.code });
        }
        tx.close_stock_place(code, &actor)?;
        let mut count = 0;
        for held in tx.holdings_at(code)? {
            let here = (&held.unit, code);
            let reason = place.title.as_str();
            shift(tx, &Shift { by: StockMove::Destroy, from: here, to: here, cards: held.cards, reason }, &actor)?;
            count += held.cards;
        }
        let detail = format!("{count} cards, condemned by {}", place.made_by);
        Ok((sack(tx, code)?, super::act(tx, actor, "stock.destroy", format!("place {code}"), &detail)?))
    })
}

/// A card with a number is destroyed only after it is out of use.
fn out_of_use(tx: &Tx<'_>, which: &Which) -> Result<(), StockError> {
    let Which::Cards(numbers) = which else { return Ok(()) };
    for number in numbers {
        let card = tx.card_by_number(number)?;
        if card
            .is_some_and(|card| ![CardState::Spoilt.name(), LifeState::Cancelled.name()].contains(&card.state.as_str()))
        {
            return Err(StockError::CardLives { number: number.clone() });
        }
    }
    Ok(())
}

pub(super) const fn lost_from(state: StockState) -> Option<StockMove> {
    Some(match state {
        StockState::Blank => StockMove::LoseBlank,
        StockState::Issued => StockMove::LoseIssued,
        StockState::Finished => StockMove::LoseFinished,
        StockState::AtOutlet => StockMove::LoseAtOutlet,
        StockState::Unclaimed => StockMove::LoseUnclaimed,
        StockState::Returned => StockMove::LoseReturned,
        StockState::Spoilt => StockMove::LoseSpoilt,
        // One on its way is missed when the parcel is accepted; one in work is declared lost at its batch.
        StockState::InTransit
        | StockState::InWork
        | StockState::Received
        | StockState::Packed
        | StockState::HandedOut
        | StockState::Condemned
        | StockState::Missing
        | StockState::Destroyed => return None,
    })
}

const fn condemned_from(state: StockState) -> Option<StockMove> {
    Some(match state {
        StockState::Spoilt => StockMove::Condemn,
        StockState::Blank => StockMove::CondemnBlank,
        StockState::Finished => StockMove::CondemnFinished,
        StockState::Returned => StockMove::CondemnReturned,
        StockState::Issued
        | StockState::InTransit
        | StockState::AtOutlet
        | StockState::Unclaimed
        | StockState::InWork
        | StockState::Received
        | StockState::Packed
        | StockState::HandedOut
        | StockState::Condemned
        | StockState::Missing
        | StockState::Destroyed => return None,
    })
}

fn sack(tx: &Tx<'_>, code: &str) -> Result<Sack, StockError> {
    Ok(Sack { place: place::found(tx, code)?, holdings: tx.holdings_at(code)? })
}

fn short(unit: &Unit, state: StockState, have: u64, wanted: u64) -> StockError {
    StockError::NotHeld { unit: unit.clone(), state, place: "-".to_owned(), have, wanted }
}

/// Does something with each unit that is meant.
fn each(
    tx: &Tx<'_>,
    which: &Which,
    mut with: impl FnMut(&Unit, u64) -> Result<(), StockError>,
) -> Result<(), StockError> {
    let mut known = |unit: &Unit, cards| {
        if tx.stock_entries(unit)?.is_empty() {
            return Err(StockError::UnitUnknown { unit: unit.clone() });
        }
        with(unit, cards)
    };
    match which {
        Which::Blanks { name, cards } => known(&Unit::of_box(name), *cards),
        Which::Cards(numbers) => numbers.iter().try_for_each(|number| known(&Unit::of_card(number), 1)),
    }
}

fn summed(
    tx: &Tx<'_>,
    which: &Which,
    actor: String,
    act: &'static str,
    detail: String,
) -> Result<(Holdings, Act), StockError> {
    match which {
        Which::Blanks { name, cards } => {
            blank::outcome(tx, Unit::of_box(name), actor, act, format!("{cards} cards, {detail}"))
        }
        Which::Cards(numbers) => {
            let mut holdings = Vec::with_capacity(numbers.len());
            for number in numbers {
                holdings.extend(tx.holdings(&Unit::of_card(number))?);
            }
            let detail = format!("{} cards, {detail}: {}", numbers.len(), numbers.join(" "));
            Ok((Holdings { holdings }, super::act(tx, actor, act, "cards".to_owned(), &detail)?))
        }
    }
}

impl Show for Sack {
    fn text(&self, lang: Lang) -> String {
        let head = [self.place.text(lang)];
        head.into_iter().chain(self.holdings.iter().map(|held| held.text(lang))).collect::<Vec<_>>().join("\n")
    }
}
