//! Counting (清点): a box against its papers, a box again, the cards of a place; what differs is named and booked.
//!
//! Owns: what a difference becomes. Never: lets one pass without a reason in the journal.

use serde::Serialize;

use super::blank::CARDS_MAX;
use super::failure::StockError;
use super::finished::{Unexpected, one};
use super::loss::lost_from;
use super::place::{self, Kind};
use super::{Holding, STORE, Shift, StockMove, StockState, Unit, act, shift};
use crate::card::life;
use crate::lang::Lang;
use crate::operator::Role;
use crate::output::Show;
use crate::state::State;
use crate::store::{Store, Tx};

/// What was counted.
#[derive(Clone, Copy, Debug)]
pub struct Tally<'a> {
    /// The box.
    pub name: &'a str,
    /// Where it stands.
    pub at: &'a str,
    /// Cards counted.
    pub cards: u64,
    /// What explains a difference; the first count of a box needs none.
    pub reason: &'a str,
}

/// What came of a count.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Counted {
    /// The box.
    #[serde(rename = "box")]
    pub name: String,
    /// Whether it was counted for the first time, against its papers.
    pub first: bool,
    /// Cards by the papers, or by the journal.
    pub stated: u64,
    /// Cards counted.
    pub counted: u64,
    /// What there is of the box now.
    pub holdings: Vec<Holding>,
}

/// A box is counted. The first time what its papers said too much is missing, and what they said too little comes in. Later what is
/// not there is missing, and what is there too much was missing before, or comes in.
///
/// # Errors
/// [`StockError::UnitUnknown`]; [`crate::card::failure::LifeError::ReasonMissing`] when a box that was counted differs without a reason.
pub fn count(store: &mut Store, tally: &Tally<'_>, operator: Option<&str>) -> Result<Counted, StockError> {
    store.act(|tx| {
        let actor = tx.require(operator, Role::Stock)?;
        let Tally { name, at, cards, reason } = *tally;
        let unit = Unit::of_box(name);
        if cards > CARDS_MAX {
            return Err(StockError::TooMany { most: CARDS_MAX });
        }
        let kind = place::found(tx, at)?.kind;
        let Some(lot) = tx.holdings(&unit)?.first().map(|held| held.lot.clone()) else {
            return Err(StockError::UnitUnknown { unit });
        };
        let papers = tx.holding(&unit, StockState::Received, at)?;
        let (first, stated, detail) = match &papers {
            Some(papers) => {
                let reason = life::fit(reason, false)?;
                let said = format!("papers say {}, counted {cards}", papers.cards);
                let said = if reason.is_empty() { said } else { format!("{said}: {reason}") };
                counted_first(tx, &unit, papers, cards, (&actor, &said))?;
                (true, papers.cards, said)
            }
            None => {
                let (state, lost) = match kind {
                    Kind::Station => (StockState::Issued, StockMove::LoseIssued),
                    Kind::Store => (StockState::Blank, StockMove::LoseBlank),
                    Kind::Outlet | Kind::Parcel | Kind::Sack => {
                        return Err(StockError::PlaceKind { code: at.to_owned(), wanted: Kind::Store });
                    }
                };
                let stated = tx.holding(&unit, state, at)?.map_or(0, |held| held.cards);
                let reason = life::fit(reason, stated != cards)?;
                let said = format!("stock says {stated}, counted {cards}");
                let said = if reason.is_empty() { said } else { format!("{said}: {reason}") };
                let here = (&unit, at);
                let cards_lost = stated.saturating_sub(cards);
                shift(tx, &Shift { by: lost, from: here, to: here, cards: cards_lost, reason: &said }, &actor)?;
                turned_up(tx, &unit, (at, state, &lot), cards.saturating_sub(stated), (&actor, &said))?;
                (false, stated, said)
            }
        };
        let record = act(tx, actor, "stock.count", unit.to_string(), &format!("at {at}: {detail}"))?;
        let holdings = tx.holdings(&unit)?;
        Ok((Counted { name: name.to_owned(), first, stated, counted: cards, holdings }, record))
    })
}

fn counted_first(
    tx: &Tx<'_>,
    unit: &Unit,
    papers: &Holding,
    cards: u64,
    (operator, reason): (&str, &str),
) -> Result<(), StockError> {
    let here = (unit, papers.place.as_str());
    for (by, cards) in
        [(StockMove::Count, cards.min(papers.cards)), (StockMove::Short, papers.cards.saturating_sub(cards))]
    {
        shift(tx, &Shift { by, from: here, to: here, cards, reason }, operator)?;
    }
    let more = cards.saturating_sub(papers.cards);
    if more > 0 {
        tx.enter_stock(unit, StockState::Blank, &papers.place, &papers.lot, more, (operator, reason))?;
    }
    Ok(())
}

/// Cards that are there and should not be: those that were missing are found, the others come in; at a station they are issued to it.
fn turned_up(
    tx: &Tx<'_>,
    unit: &Unit,
    (at, state, lot): (&str, StockState, &str),
    cards: u64,
    (operator, reason): (&str, &str),
) -> Result<(), StockError> {
    let mut left = cards;
    for held in tx.holdings(unit)?.iter().filter(|held| held.state == StockState::Missing.name()) {
        let (by, cards) = (StockMove::FindBlank, left.min(held.cards));
        shift(tx, &Shift { by, from: (unit, &held.place), to: (unit, STORE), cards, reason }, operator)?;
        left -= cards;
    }
    if left > 0 {
        tx.enter_stock(unit, StockState::Blank, STORE, lot, left, (operator, reason))?;
    }
    if state == StockState::Issued {
        shift(tx, &Shift { by: StockMove::Issue, from: (unit, STORE), to: (unit, at), cards, reason }, operator)?;
    }
    Ok(())
}

/// What an inventory of a place found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Inventory {
    /// The place.
    pub place: String,
    /// Cards with numbers that are there, and should be.
    pub agreed: u64,
    /// Cards that should be there.
    pub missing: Vec<String>,
    /// Cards that are there and should not be.
    pub unexpected: Vec<Unexpected>,
    /// Whether the differences were booked.
    pub booked: bool,
}

/// Compares the cards with numbers that lie at a place with those that should. With a reason what should be there and is not becomes
/// missing, and what was missing and is there is found, in the store; a card that is somewhere else by the journal is named only.
///
/// # Errors
/// [`StockError::PlaceUnknown`].
pub fn inventory(
    store: &mut Store,
    at: &str,
    seen: &[String],
    reason: Option<&str>,
    operator: Option<&str>,
) -> Result<Inventory, StockError> {
    let Some(reason) = reason else {
        return store.read(|tx| compare(tx, at, seen).map(|(found, _)| found));
    };
    store.act(|tx| {
        let actor = tx.require(operator, Role::Stock)?;
        let reason = life::fit(reason, true)?;
        let (found, lost) = compare(tx, at, seen)?;
        for held in &lost {
            let by = StockState::of_name(&held.state).and_then(lost_from);
            let by = by.ok_or_else(|| StockError::no_way(held.clone()))?;
            one(tx, by, held, at, reason, &actor)?;
        }
        let mut found_again = 0;
        for number in found.unexpected.iter().map(|of| &of.card_number) {
            let held = tx.holdings(&Unit::of_card(number))?.pop();
            if let Some(held) = held.filter(|held| held.state == StockState::Missing.name()) {
                one(tx, StockMove::FindCard, &held, STORE, reason, &actor)?;
                found_again += 1;
            }
        }
        let detail = format!(
            "{} agree, {} missing, {found_again} found, {} unexpected: {reason}",
            found.agreed,
            found.missing.len(),
            found.unexpected.len()
        );
        let record = act(tx, actor, "stock.inventory", format!("place {at}"), &detail)?;
        Ok((Inventory { booked: true, ..found }, record))
    })
}

/// What differs, and what of it should be there.
fn compare(tx: &Tx<'_>, at: &str, seen: &[String]) -> Result<(Inventory, Vec<Holding>), StockError> {
    place::found(tx, at)?;
    let should: Vec<Holding> = tx
        .holdings_at(at)?
        .into_iter()
        .filter(|held| matches!(held.unit, Unit::Card(_)) && is_there(&held.state))
        .collect();
    let is_seen = |unit: &Unit| matches!(unit, Unit::Card(number) if seen.contains(number));
    let mut unexpected: Vec<Unexpected> = Vec::new();
    for number in seen {
        let unit = Unit::of_card(number);
        if should.iter().any(|held| held.unit == unit) || unexpected.iter().any(|of| of.card_number == *number) {
            continue;
        }
        let known = tx.holdings(&unit)?.pop().map(|held| (held.state, held.place));
        unexpected.push(Unexpected { card_number: number.clone(), known });
    }
    let (there, lost): (Vec<Holding>, Vec<Holding>) = should.into_iter().partition(|held| is_seen(&held.unit));
    let number = |held: &Holding| match &held.unit {
        Unit::Card(number) => number.clone(),
        Unit::Box(_) => String::new(),
    };
    let (agreed, missing) = (u64::try_from(there.len()).unwrap_or(u64::MAX), lost.iter().map(number).collect());
    Ok((Inventory { place: at.to_owned(), agreed, missing, unexpected, booked: false }, lost))
}

/// Whether a card in this state lies at its place. One in work is the station's; one that left or is no more does not.
fn is_there(state: &str) -> bool {
    StockState::of_name(state).and_then(lost_from).is_some()
}

impl Show for Counted {
    fn text(&self, lang: Lang) -> String {
        let Self { name, first, stated, counted, holdings } = self;
        let by = if *first { lang.pick("单据", "the papers") } else { lang.pick("账上", "stock") };
        let mut lines: Vec<String> = holdings.iter().map(|held| held.text(lang)).collect();
        let difference = counted.abs_diff(*stated);
        let said = match counted.cmp(stated) {
            std::cmp::Ordering::Equal => None,
            std::cmp::Ordering::Less => {
                Some(lang.pick(format!("短少 {difference} 张"), format!("{difference} missing")))
            }
            std::cmp::Ordering::Greater => {
                Some(lang.pick(format!("多出 {difference} 张"), format!("{difference} more")))
            }
        };
        lines.extend(said.map(|said| {
            lang.pick(
                format!("差异 箱 {name}: {by} {stated} 张，清点 {counted} 张，{said}，已入账"),
                format!("difference in box {name}: {by} said {stated}, counted {counted}: {said}, booked"),
            )
        }));
        lines.join("\n")
    }
}

impl Show for Inventory {
    fn text(&self, lang: Lang) -> String {
        let Self { place, agreed, missing, unexpected, booked } = self;
        let mut lines = vec![lang.pick(
            format!("{place}: {agreed} 张相符，短少 {}，多出 {}", missing.len(), unexpected.len()),
            format!("{place}: {agreed} cards agree, {} missing, {} unexpected", missing.len(), unexpected.len()),
        )];
        lines.extend(missing.iter().map(|number| lang.pick(format!("  短少 {number}"), format!("  missing {number}"))));
        lines.extend(unexpected.iter().map(|of| of.text(lang)));
        if !missing.is_empty() || !unexpected.is_empty() {
            lines.push(if *booked {
                lang.pick("已入账", "booked").to_owned()
            } else {
                lang.pick("未入账；加上 --reason 入账", "not booked; add --reason to book it").to_owned()
            });
        }
        lines.join("\n")
    }
}
