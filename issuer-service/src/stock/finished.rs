//! Finished cards on their way: into parcels, with a carrier, to an outlet, and back when nobody came.
//!
//! Owns: parcels, what differs when one is opened, when a card is unclaimed. Never: hands a card out (`handout`).

use serde::Serialize;

use super::failure::StockError;
use super::place::{self, Kind, Place};
use super::rule::StockRules;
use super::{Holding, STORE, Shift, StockMove, StockState, Unit, act, shift};
use crate::batch::{self, BatchError};
use crate::card::state::LifeState;
use crate::clock;
use crate::lang::Lang;
use crate::operator::Role;
use crate::output::Show;
use crate::state::State;
use crate::store::{Store, Tx};

/// Cards that were moved together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Moved {
    /// Cards.
    pub cards: u64,
    /// Where they are now, when all are at one place.
    pub place: Option<Place>,
}

/// What was found in a parcel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Opened {
    /// The parcel.
    pub parcel: String,
    /// Where the cards are now.
    pub place: String,
    /// Cards that were in it.
    pub accepted: u64,
    /// Cards that should have been in it.
    pub missing: Vec<String>,
    /// Cards that should not have been in it; nothing was done with them.
    pub unexpected: Vec<Unexpected>,
}

/// A card that was in a parcel and is somewhere else by the journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Unexpected {
    /// What is printed on it.
    pub card_number: String,
    /// State and place by the journal; none of a card that stock does not know.
    pub known: Option<(String, String)>,
}

/// Cards that were made without stock come into it: the sealed ones of a batch, at the store.
///
/// # Errors
/// [`StockError::NothingToDo`].
pub fn adopt(store: &mut Store, number: i64, operator: Option<&str>) -> Result<Moved, StockError> {
    store.act(|tx| {
        let actor = tx.require(operator, Role::Stock)?;
        batch::found(tx, number).map_err(refused)?;
        let mut cards = 0;
        for card in tx.cards(Some(number))? {
            let unit = Unit::of_card(&card.card_number);
            if card.state == LifeState::Sealed.name() && tx.holdings(&unit)?.is_empty() {
                tx.enter_stock(&unit, StockState::Finished, STORE, "-", 1, (&actor, ""))?;
                cards += 1;
            }
        }
        moved(tx, STORE, cards, actor, "stock.adopt", &format!("batch {number}"))
    })
}

/// Which finished cards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    /// Those of a batch that lie where they were made, or came back.
    Batch(i64),
    /// By number.
    Cards(Vec<String>),
}

/// Packs finished cards into a parcel for an outlet.
///
/// # Errors
/// [`StockError::NothingToDo`], [`StockError::NoWay`], [`StockError::CardOutOfUse`].
pub fn pack(store: &mut Store, which: &Which, outlet: &str, operator: Option<&str>) -> Result<Moved, StockError> {
    store.act(|tx| {
        let actor = tx.require(operator, Role::Stock)?;
        place::of_kind(tx, outlet, Kind::Outlet)?;
        let code = parcel(tx, outlet, &actor)?;
        let (numbers, named) = match which {
            Which::Cards(numbers) => (numbers.clone(), true),
            Which::Batch(number) => {
                batch::found(tx, *number).map_err(refused)?;
                (tx.cards(Some(*number))?.into_iter().map(|card| card.card_number).collect(), false)
            }
        };
        let mut cards = 0;
        for number in &numbers {
            let held = tx.holdings(&Unit::of_card(number))?.pop();
            let by = held.as_ref().and_then(|held| match StockState::of_name(&held.state) {
                Some(StockState::Finished) => Some(StockMove::Pack),
                Some(StockState::Returned) if held.place == STORE => Some(StockMove::PackAgain),
                _ => None,
            });
            let sealed = tx.card_by_number(number)?.is_some_and(|card| card.state == LifeState::Sealed.name());
            match (held, by) {
                (Some(held), Some(by)) if sealed => {
                    one(tx, by, &held, &code, "", &actor)?;
                    cards += 1;
                }
                _ if !named => {}
                (Some(_), Some(_)) => return Err(StockError::CardOutOfUse { number: number.clone() }),
                (Some(held), None) => return Err(StockError::no_way(held)),
                (None, _) => return Err(StockError::UnitUnknown { unit: Unit::of_card(number) }),
            }
        }
        moved(tx, &code, cards, actor, "stock.pack", &format!("for {outlet}"))
    })
}

/// A parcel leaves with a carrier, who answers for it until it is accepted.
///
/// # Errors
/// [`StockError::NothingToDo`] when it has left, or is empty.
pub fn dispatch(store: &mut Store, code: &str, carrier: &str, operator: Option<&str>) -> Result<Moved, StockError> {
    store.act(|tx| {
        let actor = tx.require(operator, Role::Stock)?;
        let parcel = place::of_kind(tx, code, Kind::Parcel)?;
        let cards = all(tx, code, StockMove::Dispatch, code, &actor)?;
        tx.keep_stock_place(code, &parcel.title, place::line(carrier)?)?;
        moved(tx, code, cards, actor, "stock.dispatch", &format!("{code} with a carrier"))
    })
}

/// What is in a parcel that has not left goes back to the store.
///
/// # Errors
/// [`StockError::NothingToDo`] when it has left, or is empty.
pub fn unpack(store: &mut Store, code: &str, operator: Option<&str>) -> Result<Moved, StockError> {
    store.act(|tx| {
        let actor = tx.require(operator, Role::Stock)?;
        place::of_kind(tx, code, Kind::Parcel)?;
        let cards = all(tx, code, StockMove::Unpack, STORE, &actor)?;
        tx.close_stock_place(code, &actor)?;
        moved(tx, STORE, cards, actor, "stock.unpack", code)
    })
}

/// Where a parcel is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opening {
    /// Where it was bound for.
    ThereBound,
    /// At the store: the carrier could not deliver it.
    Undelivered,
}

/// A parcel is opened where it was bound for. `seen` are the cards that were in it; all that should be when `None`.
///
/// # Errors
/// [`StockError::Closed`], [`StockError::NothingToDo`] when it has not left.
pub fn accept(
    store: &mut Store,
    code: &str,
    seen: Option<&[String]>,
    operator: Option<&str>,
) -> Result<Opened, StockError> {
    open(store, code, Opening::ThereBound, seen, operator)
}

/// The same, wherever it is opened.
///
/// # Errors
/// As [`accept`].
pub fn open(
    store: &mut Store,
    code: &str,
    opening: Opening,
    seen: Option<&[String]>,
    operator: Option<&str>,
) -> Result<Opened, StockError> {
    store.act(|tx| {
        let parcel = place::of_kind(tx, code, Kind::Parcel)?;
        let (at, how) = match opening {
            Opening::ThereBound => (parcel.bound_for.as_deref().unwrap_or(STORE), ""),
            Opening::Undelivered => (STORE, "undelivered"),
        };
        let there = place::found(tx, at)?;
        let (by, role) = match there.kind {
            Kind::Outlet => (StockMove::Accept, Role::Counter),
            _ => (StockMove::AcceptBack, Role::Stock),
        };
        let actor = tx.require(operator, role)?;
        if parcel.closed_by.is_some() {
            return Err(StockError::Closed { code: parcel.code });
        }
        let held = tx.holdings_at(code)?;
        let under_way: Vec<&Holding> = held.iter().filter(|held| held.state == StockState::InTransit.name()).collect();
        if under_way.is_empty() {
            return Err(StockError::NothingToDo);
        }
        let (mut accepted, mut missing) = (0, Vec::new());
        for held in &under_way {
            let Unit::Card(number) = &held.unit else { continue };
            if seen.is_none_or(|seen| seen.contains(number)) {
                one(tx, by, held, &there.code, how, &actor)?;
                accepted += 1;
            } else {
                one(tx, StockMove::LoseInTransit, held, code, "not in the parcel", &actor)?;
                missing.push(number.clone());
            }
        }
        let mut unexpected = Vec::new();
        for number in seen.unwrap_or_default() {
            if !under_way.iter().any(|held| held.unit == Unit::of_card(number)) {
                let known = tx.holdings(&Unit::of_card(number))?.pop().map(|held| (held.state, held.place));
                unexpected.push(Unexpected { card_number: number.clone(), known });
            }
        }
        tx.close_stock_place(code, &actor)?;
        let how = if how.is_empty() { String::new() } else { format!("{how}, ") };
        let detail = format!(
            "{how}{accepted} accepted at {}, {} missing, {} unexpected",
            there.code,
            missing.len(),
            unexpected.len()
        );
        let record = act(tx, actor, "stock.accept", format!("place {code}"), &detail)?;
        Ok((Opened { parcel: code.to_owned(), place: there.code, accepted, missing, unexpected }, record))
    })
}

/// Cards that wait at an outlet for longer than the site's days are unclaimed.
///
/// # Errors
/// [`StockError`].
pub fn lapse(store: &mut Store, rules: StockRules, operator: Option<&str>) -> Result<Moved, StockError> {
    let before = clock::days_ago(rules.unclaimed_days);
    store.act(|tx| {
        let actor = tx.require(operator, Role::Counter)?;
        let mut cards = 0;
        for held in tx.stock_waiting_since(StockState::AtOutlet, &before)? {
            let place = held.place.clone();
            one(tx, StockMove::Lapse, &held, &place, "nobody came", &actor)?;
            cards += 1;
        }
        let detail = format!("{cards} cards unclaimed after {} days", rules.unclaimed_days);
        let record = act(tx, actor, "stock.due", "cards".to_owned(), &detail)?;
        Ok((Moved { cards, place: None }, record))
    })
}

/// Cards of an outlet go back to the store with a carrier: those named, or all that are unclaimed.
///
/// # Errors
/// [`StockError::NothingToDo`], [`StockError::NoWay`].
pub fn send_back(
    store: &mut Store,
    outlet: &str,
    numbers: &[String],
    carrier: &str,
    operator: Option<&str>,
) -> Result<Moved, StockError> {
    store.act(|tx| {
        let actor = tx.require(operator, Role::Counter)?;
        place::of_kind(tx, outlet, Kind::Outlet)?;
        let code = parcel(tx, STORE, &actor)?;
        tx.keep_stock_place(&code, "", place::line(carrier)?)?;
        let mut cards = 0;
        let mut held = tx.holdings_at(outlet)?;
        if numbers.is_empty() {
            held.retain(|held| held.state == StockState::Unclaimed.name());
        } else {
            for number in numbers {
                let unit = Unit::of_card(number);
                if !held.iter().any(|held| held.unit == unit) {
                    return Err(StockError::no_way_for(tx, &unit));
                }
            }
            held.retain(|held| numbers.iter().any(|number| held.unit == Unit::of_card(number)));
        }
        for held in held {
            let by = match StockState::of_name(&held.state) {
                Some(StockState::AtOutlet) => StockMove::SendBack,
                Some(StockState::Unclaimed) => StockMove::SendBackUnclaimed,
                Some(StockState::Returned) => StockMove::SendBackTakenIn,
                _ => return Err(StockError::no_way(held)),
            };
            one(tx, by, &held, &code, "", &actor)?;
            cards += 1;
        }
        moved(tx, &code, cards, actor, "stock.send-back", &format!("from {outlet}"))
    })
}

/// A new parcel.
fn parcel(tx: &Tx<'_>, bound_for: &str, maker: &str) -> Result<String, StockError> {
    let code = tx.next_stock_code("P-")?;
    let place = place::new(&code, Kind::Parcel, "", maker, maker)?;
    tx.add_stock_place(&Place { bound_for: Some(bound_for.to_owned()), ..place })?;
    Ok(code)
}

/// Moves one card.
pub(super) fn one(
    tx: &Tx<'_>,
    by: StockMove,
    held: &Holding,
    to: &str,
    reason: &str,
    operator: &str,
) -> Result<(), StockError> {
    let (from, to) = ((&held.unit, held.place.as_str()), (&held.unit, to));
    shift(tx, &Shift { by, from, to, cards: 1, reason }, operator)
}

/// Moves every card of a place that the move is for; how many.
fn all(tx: &Tx<'_>, at: &str, by: StockMove, to: &str, operator: &str) -> Result<u64, StockError> {
    let mut cards = 0;
    for held in tx.holdings_at(at)?.iter().filter(|held| held.state == by.ends().0.name()) {
        one(tx, by, held, to, "", operator)?;
        cards += 1;
    }
    Ok(cards)
}

fn moved(
    tx: &Tx<'_>,
    place: &str,
    cards: u64,
    actor: String,
    name: &'static str,
    detail: &str,
) -> Result<(Moved, crate::audit::Act), StockError> {
    if cards == 0 {
        return Err(StockError::NothingToDo);
    }
    let record = act(tx, actor, name, format!("place {place}"), &format!("{cards} cards, {detail}"))?;
    Ok((Moved { cards, place: Some(place::found(tx, place)?) }, record))
}

fn refused(error: BatchError) -> StockError {
    StockError::Batch(Box::new(error))
}

impl Show for Moved {
    fn text(&self, lang: Lang) -> String {
        let cards = self.cards;
        let head = lang.pick(format!("{cards} 张卡"), format!("{cards} cards"));
        self.place.as_ref().map_or(head.clone(), |place| format!("{head}: {}", place.text(lang)))
    }
}

impl Show for Opened {
    fn text(&self, lang: Lang) -> String {
        let Self { parcel, place, accepted, missing, unexpected } = self;
        let mut lines = vec![lang.pick(
            format!("{parcel}: {accepted} 张卡收于 {place}，短少 {}，多出 {}", missing.len(), unexpected.len()),
            format!(
                "{parcel}: {accepted} cards accepted at {place}, {} missing, {} unexpected",
                missing.len(),
                unexpected.len()
            ),
        )];
        lines.extend(missing.iter().map(|number| lang.pick(format!("  短少 {number}"), format!("  missing {number}"))));
        lines.extend(unexpected.iter().map(|of| of.text(lang)));
        lines.join("\n")
    }
}

impl Show for Unexpected {
    fn text(&self, lang: Lang) -> String {
        let Self { card_number, known } = self;
        let known = known.as_ref().map_or_else(
            || lang.pick("库存中没有", "stock does not know it").to_owned(),
            |(state, place)| format!("{}, {place}", super::state_word(state, lang)),
        );
        lang.pick(format!("  多出 {card_number}（{known}）"), format!("  unexpected {card_number} ({known})"))
    }
}
