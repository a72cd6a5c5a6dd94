//! Cards as things (卡片库存): boxes of blank cards, cards with numbers, the places they are in and who answers for them.
//!
//! Every move takes a number of cards out of one holding and puts the same number into another, and is written into a journal in
//! the same transaction. What is held follows from the journal; `check` makes sure that it does.
//!
//! Owns: what a unit, a holding and a place are; the one way of moving. Never: knows who a card is for (`card`), or SQL.

pub mod blank;
pub mod check;
pub mod count;
pub mod failure;
pub mod finished;
pub mod handout;
pub mod loss;
pub mod place;
pub mod rule;
pub mod state;

use serde::Serialize;

use crate::audit::Act;
use crate::lang::Lang;
use crate::output::Show;
use crate::state::{State, word};
use crate::store::Tx;

pub use failure::StockError;
pub use state::{StockMove, StockState};

/// Code of the place where boxes arrive.
pub const STORE: &str = "store";

/// What is counted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unit {
    /// Blank cards of a box; they have no names of their own.
    Box(String),
    /// One card, by its 卡号.
    Card(String),
}

impl Unit {
    /// From its text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text.split_once(':')? {
            ("box", name) => Some(Self::Box(name.to_owned())),
            ("card", number) => Some(Self::Card(number.to_owned())),
            _ => None,
        }
    }

    /// A box.
    #[must_use]
    pub fn of_box(name: &str) -> Self {
        Self::Box(name.to_owned())
    }

    /// A card.
    #[must_use]
    pub fn of_card(number: &str) -> Self {
        Self::Card(number.to_owned())
    }

    /// For people.
    #[must_use]
    pub fn words(&self, lang: Lang) -> String {
        match self {
            Self::Box(name) => lang.pick(format!("箱 {name}"), format!("box {name}")),
            Self::Card(number) => lang.pick(format!("卡 {number}"), format!("card {number}")),
        }
    }
}

impl std::fmt::Display for Unit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Box(name) => write!(f, "box:{name}"),
            Self::Card(number) => write!(f, "card:{number}"),
        }
    }
}

impl Serialize for Unit {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Cards of a unit in one state at one place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Holding {
    /// Box or card.
    pub unit: Unit,
    /// State.
    pub state: String,
    /// Place.
    pub place: String,
    /// Lot of the blank cards, as the box says.
    pub lot: String,
    /// Cards, at least 1.
    pub cards: u64,
    /// UTC instant since which some are there.
    pub since: String,
}

/// One entry of the journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// Position, from 1, without gaps.
    pub sequence: i64,
    /// UTC instant.
    pub at: String,
    /// Name of the move; `Enter` for cards that come in.
    #[serde(rename = "move")]
    pub name: String,
    /// Lot.
    pub lot: String,
    /// Cards.
    pub cards: u64,
    /// Unit, state and place before; none of cards that come in.
    pub from: Option<(String, String, String)>,
    /// Unit, state and place after.
    pub to: (String, String, String),
    /// Who.
    pub operator: String,
    /// Why.
    pub reason: String,
}

/// The move of cards that come in.
pub const ENTER: &str = "Enter";

/// What is moved in one step.
#[derive(Clone, Copy, Debug)]
pub struct Shift<'a> {
    /// The move.
    pub by: StockMove,
    /// From which unit and place.
    pub from: (&'a Unit, &'a str),
    /// To which.
    pub to: (&'a Unit, &'a str),
    /// How many; 0 moves nothing.
    pub cards: u64,
    /// Why.
    pub reason: &'a str,
}

/// Moves cards, and notes it.
///
/// # Errors
/// [`StockError::NotHeld`] when there are fewer than that.
pub fn shift(tx: &Tx<'_>, shift: &Shift<'_>, operator: &str) -> Result<(), StockError> {
    if shift.cards == 0 {
        return Ok(());
    }
    let (state, _) = shift.by.ends();
    let ((unit, place), wanted) = (shift.from, shift.cards);
    let held = tx.holding(unit, state, place)?;
    let Some(held) = held.filter(|held| held.cards >= wanted) else {
        let unit = unit.clone();
        let have = tx.holding(&unit, state, place)?.map_or(0, |held| held.cards);
        return Err(StockError::NotHeld { unit, state, place: place.to_owned(), have, wanted });
    };
    tx.shift_stock(shift, &held, operator)?;
    Ok(())
}

/// The audit record of an act on stock; it tells how far the journal goes, so that a journal cut off is noticed.
pub(crate) fn act(
    tx: &Tx<'_>,
    actor: String,
    act: &'static str,
    object: String,
    detail: &str,
) -> Result<Act, StockError> {
    let detail = format!("{detail}{}", check::mark(tx.stock_journal_end()?));
    Ok(Act { actor, act, object, detail })
}

/// What is held, and who answers for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Overview {
    /// By place, in order of code.
    pub places: Vec<Custody>,
}

/// What is at one place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Custody {
    /// The place.
    #[serde(flatten)]
    pub place: place::Place,
    /// Cards in each state.
    pub held: Vec<Held>,
    /// Cards with numbers that should have been there when it was opened or looked through.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<String>,
}

/// Cards of one state at one place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Held {
    /// State.
    pub state: String,
    /// Lot of the blank cards.
    pub lot: String,
    /// Cards.
    pub cards: u64,
    /// UTC instant since which the oldest of them are there.
    pub since: String,
}

/// What is held at a place, or at all.
///
/// # Errors
/// [`StockError::PlaceUnknown`].
pub fn overview(tx: &Tx<'_>, code: Option<&str>) -> Result<Overview, StockError> {
    let places = match code {
        Some(code) => vec![place::found(tx, code)?],
        None => tx.stock_places_in_use("", u32::MAX)?,
    };
    custody(tx, places)
}

/// The same of all places, a page of `limit` of them behind the code `after`.
///
/// # Errors
/// [`StockError::Store`].
pub fn page(tx: &Tx<'_>, after: &str, limit: u32) -> Result<Overview, StockError> {
    custody(tx, tx.stock_places_in_use(after, limit)?)
}

/// Places in order of code, with what is there.
fn custody(tx: &Tx<'_>, places: Vec<place::Place>) -> Result<Overview, StockError> {
    let ends = places.first().zip(places.last()).map(|(first, last)| (first.code.as_str(), last.code.as_str()));
    let counts = ends.map_or(Ok(Vec::new()), |(first, last)| tx.stock_counts(first, last))?;
    let lacks = |code: &str| counts.iter().any(|(at, held)| at == code && held.state == StockState::Missing.name());
    let mut overview = Vec::with_capacity(places.len());
    for place in places {
        let held = counts.iter().filter(|(code, _)| *code == place.code).map(|(_, held)| held.clone()).collect();
        let mut missing = Vec::new();
        if lacks(&place.code) {
            let lost = tx.holdings_at(&place.code)?.into_iter();
            missing.extend(
                lost.filter(|held| held.state == StockState::Missing.name())
                    .filter_map(|held| if let Unit::Card(number) = held.unit { Some(number) } else { None }),
            );
        }
        overview.push(Custody { place, held, missing });
    }
    Ok(Overview { places: overview })
}

/// Where a unit is, and how it came there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Trail {
    /// The unit.
    pub unit: Unit,
    /// Where it is now.
    pub holdings: Vec<Holding>,
    /// Oldest first.
    pub entries: Vec<Entry>,
}

/// Where a box or card is, and how it came there.
///
/// # Errors
/// [`StockError::UnitUnknown`].
pub fn trail(tx: &Tx<'_>, unit: Unit) -> Result<Trail, StockError> {
    let (holdings, entries) = (tx.holdings(&unit)?, tx.stock_entries(&unit)?);
    if entries.is_empty() { Err(StockError::UnitUnknown { unit }) } else { Ok(Trail { unit, holdings, entries }) }
}

/// The Chinese word or the name of a state.
pub(crate) fn state_word(name: &str, lang: Lang) -> String {
    word(&StockState::TABLE, name, lang)
}

impl Show for Holding {
    fn text(&self, lang: Lang) -> String {
        let Self { unit, state, place, lot, cards, since } = self;
        let (unit, state) = (unit.words(lang), state_word(state, lang));
        lang.pick(
            format!("{unit}: {cards} 张 {state}，在 {place}，批号 {lot}，自 {since}"),
            format!("{unit}: {cards} {state} at {place}, lot {lot}, since {since}"),
        )
    }
}

/// Several holdings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Holdings {
    /// In order of state and place.
    pub holdings: Vec<Holding>,
}

impl Show for Holdings {
    fn text(&self, lang: Lang) -> String {
        self.holdings.iter().map(|holding| holding.text(lang)).collect::<Vec<_>>().join("\n")
    }
}

impl Show for Overview {
    fn text(&self, lang: Lang) -> String {
        let mut lines = Vec::new();
        for Custody { place, held, missing } in &self.places {
            lines.push(place.text(lang));
            lines.extend(held.iter().map(|Held { state, lot, cards, since }| {
                let state = state_word(state, lang);
                lang.pick(
                    format!("  {cards:>7} 张 {state}，批号 {lot}，最早自 {since}"),
                    format!("  {cards:>7} {state}, lot {lot}, since {since}"),
                )
            }));
            let missing = missing.iter();
            lines.extend(missing.map(|number| lang.pick(format!("  短少 {number}"), format!("  missing {number}"))));
        }
        lines.join("\n")
    }
}

impl Show for Trail {
    fn text(&self, lang: Lang) -> String {
        let mut lines: Vec<String> = self.holdings.iter().map(|holding| holding.text(lang)).collect();
        lines.extend(self.entries.iter().map(|entry| {
            let Entry { at, name, cards, from, to, operator, reason, .. } = entry;
            let stood = |state: &str, place: &str| format!("{} {place}", state_word(state, lang));
            let from = from.as_ref().map_or_else(|| "-".to_owned(), |(_, state, place)| stood(state, place));
            let to = stood(&to.1, &to.2);
            // In Chinese the states say it: moves have no Chinese names.
            let name = lang.pick(String::new(), format!("{name:<12} "));
            format!("  {at}  {name}{cards:>6}  {from} → {to}  {operator}  {reason}").trim_end().to_owned()
        }));
        lines.join("\n")
    }
}

/// Name of a state, for errors.
impl std::fmt::Display for StockState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}
