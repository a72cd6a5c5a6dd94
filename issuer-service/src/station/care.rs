//! Readers and lots that make bad cards: kept from work until an operator has looked.
//!
//! Owns: limits, when a lot is bad, holding and releasing, the yield as the journal tells it. Never: judges a card.

use serde::Serialize;

use super::book::By;
use super::failure::StationError;
use crate::audit::Act;
use crate::lang::Lang;
use crate::operator::Role;
use crate::output::Show;
use crate::store::{Store, StoreError, Tx};

/// The lot that a station works off.
#[derive(Clone, Copy, Debug)]
pub struct Care<'a> {
    /// Lot of the blank cards in the hopper, as the box says.
    pub lot: Option<&'a str>,
    /// Station of the stock that these cards were issued to, when there are several.
    pub station: Option<&'a str>,
    /// Per cent of a lot's cards that may fail; more stops the lot.
    pub lot_percent_max: u64,
}

/// Failed cards of a lot below which no share is judged (assumed: three bad cards may be chance).
const LOT_FAILURES_MIN: u64 = 5;

impl Default for Care<'_> {
    fn default() -> Self {
        Self { lot: None, station: None, lot_percent_max: 10 }
    }
}

/// What may be kept from work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum HoldKind {
    /// A reader.
    Reader,
    /// A lot of blank cards.
    Lot,
}

impl HoldKind {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Reader, Self::Lot];

    /// Name as stored.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Reader => "reader",
            Self::Lot => "lot",
        }
    }
}

/// Something kept from work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Hold {
    /// What.
    pub kind: HoldKind,
    /// Which.
    pub name: String,
    /// Station that the reader belongs to; empty for the centre's own, and for lots.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub station: String,
    /// Why, as a code.
    pub reason: String,
    /// UTC instant.
    pub held_at: String,
}

/// What is kept from work now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Holds {
    /// The oldest first.
    pub holds: Vec<Hold>,
}

/// Cards of one reader or lot, as the journal tells it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct YieldRow {
    /// Reader or lot.
    pub name: String,
    /// Station that the reader belongs to; empty for the centre's own, and for lots.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub station: String,
    /// Cards begun.
    pub begun: u64,
    /// Cards made.
    pub made: u64,
    /// Cards spoilt.
    pub spoilt: u64,
    /// Times that a card went away while it was written and had to come back.
    pub pulled: u64,
    /// Cards made and not printed.
    pub unprinted: u64,
    /// First and last entry of the journal, UTC.
    pub first: String,
    /// See [`YieldRow::first`].
    pub last: String,
}

/// A reason for which cards were spoilt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reason {
    /// Code.
    pub reason: String,
    /// Cards.
    pub cards: u64,
}

/// Yield of stations.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Yield {
    /// By reader.
    pub readers: Vec<YieldRow>,
    /// By lot, of the cards whose lot is known.
    pub lots: Vec<YieldRow>,
    /// Why cards were spoilt, the most frequent first.
    pub reasons: Vec<Reason>,
}

/// Refuses readers and lots that are kept from work, in the transaction that would begin something.
pub(super) fn check(tx: &Tx<'_>, by: &By<'_>, lot: Option<&str>, readers: &[&str]) -> Result<(), StationError> {
    let held = tx.holds()?;
    let find = |kind, station: &str, name: &str| {
        held.iter().find(|hold| hold.kind == kind && hold.station == station && hold.name == name)
    };
    let lot = lot.and_then(|lot| find(HoldKind::Lot, "", lot));
    let hold = lot.or_else(|| readers.iter().find_map(|reader| find(HoldKind::Reader, by.place(), reader)));
    hold.map_or(Ok(()), |hold| Err(StationError::Held { kind: hold.kind, name: hold.name.clone() }))
}

/// Whether a lot has become bad; it is kept from work then.
pub(crate) fn lot_is_bad(store: &mut Store, lot: &str, percent_max: u64, by: &By<'_>) -> Result<bool, StationError> {
    let (made, spoilt) = store.read(|tx| tx.lot_counts(lot))?;
    let bad = spoilt >= LOT_FAILURES_MIN && spoilt * 100 > percent_max * (made + spoilt);
    if bad {
        store.journal(|tx| hold(tx, HoldKind::Lot, lot, "LOT_BAD", by))?;
    }
    Ok(bad)
}

/// Keeps something from work, and records it; what is kept from it already stays so.
pub(super) fn hold(tx: &Tx<'_>, kind: HoldKind, name: &str, reason: &str, by: &By<'_>) -> Result<(), StoreError> {
    // A lot is the same at every station, a reader's name is not.
    let station = if kind == HoldKind::Reader { by.place() } else { "" };
    if tx.hold(kind, station, name, reason)? {
        tx.append_audit(&by.act("station.hold", format!("{} {name}", kind.name()), reason.to_owned()))?;
    }
    Ok(())
}

/// Gives something back to work. `station` is empty for readers of the centre's own, and for lots.
///
/// # Errors
/// [`StationError::NotHeld`], [`StationError::Batch`] for the operator.
pub fn release(
    store: &mut Store,
    kind: HoldKind,
    (station, name): (&str, &str),
    reason: &str,
    operator: Option<&str>,
) -> Result<(), StationError> {
    store.act(|tx| {
        let actor = tx.require(operator, Role::Station).map_err(crate::batch::BatchError::from)?;
        if !tx.release_hold(kind, station, name, &actor)? {
            return Err(StationError::NotHeld { kind, name: name.to_owned() });
        }
        let object = format!("{} {name}{}", kind.name(), at(station));
        Ok(((), Act { actor, act: "station.release", object, detail: reason.to_owned() }))
    })
}

/// Where a reader is, behind its name.
pub(super) fn at(station: &str) -> String {
    if station.is_empty() { String::new() } else { format!(" at station {station}") }
}

fn shown(name: &str, station: &str, lang: Lang) -> String {
    if station.is_empty() {
        name.to_owned()
    } else {
        lang.pick(format!("工位 {station} 的 {name}"), format!("{name}{}", at(station)))
    }
}

impl Show for Hold {
    fn text(&self, lang: Lang) -> String {
        let Self { kind, name, station, reason, held_at } = self;
        let name = shown(name, station, lang);
        let kind = match kind {
            HoldKind::Reader => lang.pick("读写器", "reader"),
            HoldKind::Lot => lang.pick("卡片批号", "lot"),
        };
        lang.pick(
            format!("{kind} {name} 停用: {reason}（{held_at}）"),
            format!("{kind} {name} held: {reason} ({held_at})"),
        )
    }
}

impl Show for Holds {
    fn text(&self, lang: Lang) -> String {
        if self.holds.is_empty() {
            return lang.pick("没有停用的读写器和批号", "no reader and no lot is held").to_owned();
        }
        self.holds.iter().map(|hold| hold.text(lang)).collect::<Vec<_>>().join("\n")
    }
}

impl Show for YieldRow {
    fn text(&self, lang: Lang) -> String {
        let Self { name, station, begun, made, spoilt, pulled, unprinted, first, last } = self;
        let name = shown(name, station, lang);
        let percent = if made + spoilt == 0 { 100.0 } else { share(*made, made + spoilt) };
        lang.pick(
            format!("{name}: 开始 {begun}，制成 {made}，作废 {spoilt}（成品率 {percent:.1}%），中途取出 {pulled}，未印 {unprinted}，{first} 至 {last}"),
            format!("{name}: {begun} begun, {made} made, {spoilt} spoilt (yield {percent:.1}%), {pulled} pulled, {unprinted} not printed, {first} to {last}"),
        )
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of cards are far below 2^52")]
fn share(part: u64, whole: u64) -> f64 {
    part as f64 * 100.0 / whole as f64
}

impl Show for Yield {
    fn text(&self, lang: Lang) -> String {
        let title = |zh: &str, en: &str| lang.pick(zh, en).to_owned();
        let mut lines = vec![title("按读写器", "by reader")];
        lines.extend(self.readers.iter().map(|row| format!("  {}", row.text(lang))));
        if !self.lots.is_empty() {
            lines.push(title("按卡片批号", "by lot"));
            lines.extend(self.lots.iter().map(|row| format!("  {}", row.text(lang))));
        }
        if !self.reasons.is_empty() {
            lines.push(title("作废原因", "why cards were spoilt"));
            lines.extend(self.reasons.iter().map(|Reason { reason, cards }| format!("  {cards:>5}  {reason}")));
        }
        lines.join("\n")
    }
}
