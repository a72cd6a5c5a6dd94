//! Boxes of blank cards: received, issued to stations, used, taken back.
//!
//! Owns: which box a station takes its next card from.
//! Never: talks to a card (`station`).

use super::failure::StockError;
use super::place::{self, Kind};
use super::rule::StockRules;
use super::{Holdings, STORE, Shift, StockMove, StockState, Unit, shift};
use crate::audit::Act;
use crate::operator::Role;
use crate::store::{Store, Tx};

/// Most cards of one box.
pub(crate) const CARDS_MAX: u64 = 1_000_000;

/// A box comes in, as the maker's papers say.
///
/// # Errors
/// [`StockError::BoxKnown`].
pub fn receive(
    store: &mut Store,
    name: &str,
    lot: &str,
    cards: u64,
    operator: Option<&str>,
) -> Result<Holdings, StockError> {
    store.act(|tx| {
        let actor = tx.require(operator, Role::Stock)?;
        let (unit, lot) = (Unit::of_box(place::fit(name)?), place::fit(lot)?);
        if !(1..=CARDS_MAX).contains(&cards) {
            return Err(StockError::TooMany { most: CARDS_MAX });
        }
        if !tx.stock_entries(&unit)?.is_empty() {
            return Err(StockError::BoxKnown { name: name.to_owned() });
        }
        tx.enter_stock(&unit, StockState::Received, STORE, lot, cards, (&actor, ""))?;
        outcome(tx, unit, actor, "stock.receive", format!("{cards} of lot {lot}"))
    })
}

/// Blank cards of a box go to a station: so many, or all.
///
/// # Errors
/// [`StockError::NotCounted`], [`StockError::NotHeld`].
pub fn issue(
    store: &mut Store,
    name: &str,
    station: &str,
    cards: Option<u64>,
    operator: Option<&str>,
) -> Result<Holdings, StockError> {
    store.act(|tx| {
        let actor = tx.require(operator, Role::Stock)?;
        place::of_kind(tx, station, Kind::Station)?;
        let unit = Unit::of_box(name);
        let uncounted = tx.holding(&unit, StockState::Received, STORE)?;
        if uncounted.is_some() {
            return Err(StockError::NotCounted { name: name.to_owned() });
        }
        let cards = cards.map_or_else(|| waiting(tx, &unit, StockState::Blank, STORE).map(|held| held.cards), Ok)?;
        let ends = Ends { unit: &unit, from: STORE, to: station };
        ends.shift(tx, StockMove::Issue, cards, "", &actor)?;
        outcome(tx, unit, actor, "stock.issue", format!("{cards} to {station}"))
    })
}

/// Blank cards come back from a station, counted: those that stock says are there and are not are missing.
///
/// # Errors
/// [`StockError::NotHeld`] when the station has none, or there are more than stock knows.
pub fn take_back(
    store: &mut Store,
    name: &str,
    station: &str,
    cards: u64,
    operator: Option<&str>,
) -> Result<Holdings, StockError> {
    store.act(|tx| {
        let actor = tx.require(operator, Role::Stock)?;
        place::of_kind(tx, station, Kind::Station)?;
        let unit = Unit::of_box(name);
        let there = waiting(tx, &unit, StockState::Issued, station)?;
        let reason = format!("stock says {}, counted {cards}", there.cards);
        Ends { unit: &unit, from: station, to: STORE }.shift(tx, StockMove::TakeBack, cards, &reason, &actor)?;
        let short = there.cards.saturating_sub(cards);
        Ends { unit: &unit, from: station, to: station }.shift(tx, StockMove::LoseIssued, short, &reason, &actor)?;
        outcome(tx, unit, actor, "stock.take-back", format!("from {station}: {reason}"))
    })
}

/// Blank cards are damaged, in the store or at a station.
///
/// # Errors
/// [`StockError::NotHeld`].
pub fn damage(
    store: &mut Store,
    name: &str,
    at: &str,
    cards: u64,
    reason: &str,
    operator: Option<&str>,
) -> Result<Holdings, StockError> {
    store.act(|tx| {
        let actor = tx.require(operator, Role::Stock).or_else(|_| tx.require(operator, Role::Station))?;
        let reason = crate::card::life::fit(reason, true)?;
        let by = if place::found(tx, at)?.kind == Kind::Station { StockMove::DamageIssued } else { StockMove::Damage };
        let unit = Unit::of_box(name);
        Ends { unit: &unit, from: at, to: at }.shift(tx, by, cards, reason, &actor)?;
        outcome(tx, unit, actor, "stock.damage", format!("{cards} at {at}: {reason}"))
    })
}

/// Where a station takes its blank cards from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Supply {
    /// The station.
    pub station: String,
    /// The lot in its hopper.
    pub lot: String,
}

/// Where the blank cards of a run come from; none when stock knows nothing of the lot and the site lets that pass.
///
/// # Errors
/// [`StockError::LotNeeded`], [`StockError::NothingIssued`], [`StockError::StationNeeded`].
pub fn supply(
    tx: &Tx<'_>,
    rules: StockRules,
    lot: Option<&str>,
    station: Option<&str>,
) -> Result<Option<Supply>, StockError> {
    let Some(lot) = lot else {
        return if rules.required || station.is_some() { Err(StockError::LotNeeded) } else { Ok(None) };
    };
    if !rules.required && station.is_none() && !tx.stock_knows_lot(lot)? {
        return Ok(None);
    }
    let stations = tx.stations_with(lot)?;
    let station = match (station, stations.as_slice()) {
        (Some(station), _) => place::of_kind(tx, station, Kind::Station)?.code,
        (None, [only]) => only.clone(),
        (None, []) => return Err(StockError::NothingIssued { lot: lot.to_owned() }),
        (None, _) => return Err(StockError::StationNeeded { lot: lot.to_owned() }),
    };
    if !stations.contains(&station) {
        return Err(StockError::NothingIssued { lot: lot.to_owned() });
    }
    Ok(Some(Supply { station, lot: lot.to_owned() }))
}

/// A station takes a blank card, in the transaction that binds it to a job; `false` when stock has none for it.
///
/// # Errors
/// [`StockError`].
pub fn begin(tx: &Tx<'_>, supply: &Supply, card_number: &str, operator: &str) -> Result<bool, StockError> {
    let Some(unit) = tx.issued_box(&supply.lot, &supply.station)? else { return Ok(false) };
    let (card, station) = (Unit::of_card(card_number), supply.station.as_str());
    let by = StockMove::Begin;
    shift(tx, &Shift { by, from: (&unit, station), to: (&card, station), cards: 1, reason: "" }, operator)?;
    Ok(true)
}

/// What becomes of a card in work that stock knows; nothing of others.
///
/// # Errors
/// [`StockError`].
pub fn end(tx: &Tx<'_>, by: StockMove, card_number: &str, reason: &str, operator: &str) -> Result<(), StockError> {
    let unit = Unit::of_card(card_number);
    let in_work = tx.holdings(&unit)?.into_iter().find(|held| StockState::of_name(&held.state) == Some(by.ends().0));
    let Some(held) = in_work else { return Ok(()) };
    let here = (&unit, held.place.as_str());
    shift(tx, &Shift { by, from: here, to: here, cards: 1, reason }, operator)
}

/// One unit between two places.
struct Ends<'a> {
    unit: &'a Unit,
    from: &'a str,
    to: &'a str,
}

impl Ends<'_> {
    fn shift(&self, tx: &Tx<'_>, by: StockMove, cards: u64, reason: &str, operator: &str) -> Result<(), StockError> {
        shift(tx, &Shift { by, from: (self.unit, self.from), to: (self.unit, self.to), cards, reason }, operator)
    }
}

/// What of a box is in a state at a place.
fn waiting(tx: &Tx<'_>, unit: &Unit, state: StockState, place: &str) -> Result<super::Holding, StockError> {
    match tx.holding(unit, state, place)? {
        Some(held) => Ok(held),
        None if tx.stock_entries(unit)?.is_empty() => Err(StockError::UnitUnknown { unit: unit.clone() }),
        None => {
            let (unit, place) = (unit.clone(), place.to_owned());
            Err(StockError::NotHeld { unit, state, place, have: 0, wanted: 1 })
        }
    }
}

/// What there is of a unit after an act, and the act.
pub(super) fn outcome(
    tx: &Tx<'_>,
    unit: Unit,
    actor: String,
    act: &'static str,
    detail: String,
) -> Result<(Holdings, Act), StockError> {
    let record = super::act(tx, actor, act, unit.to_string(), &detail)?;
    Ok((Holdings { holdings: tx.holdings(&unit)? }, record))
}
