//! Whether what is held follows from the journal, and goes with what is known of the cards.
//!
//! Everything is computed anew from raw rows. Owns: the differences and their words. Never: mends anything.

use serde::Serialize;

use super::failure::StockError;
use super::state::way;
use super::{ENTER, Entry, Unit, state_word};
use crate::lang::Lang;
use crate::output::Show;
use crate::store::Tx;

/// Something that does not agree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "difference", rename_all = "kebab-case")]
pub enum Difference {
    /// The journal leads to another number of cards than is held.
    Held {
        /// Box or card.
        unit: String,
        /// State.
        state: String,
        /// Place.
        place: String,
        /// Cards that the entries lead to.
        journal: i64,
        /// Cards that are held.
        held: i64,
    },
    /// Other cards of a lot are held than came in.
    Lot {
        /// Lot.
        lot: String,
        /// Cards that came in.
        entered: i64,
        /// Cards that are held.
        held: i64,
    },
    /// An entry is no move of the table.
    NoMove {
        /// Its position.
        sequence: i64,
    },
    /// Entries are missing before this one.
    Gap {
        /// Its position.
        sequence: i64,
    },
    /// The audit log tells of entries behind the last one.
    CutOff {
        /// Position of the last entry.
        last: i64,
        /// Position that the audit log tells of.
        audited: i64,
    },
    /// A card is in a state that does not go with where it is.
    Card {
        /// 卡号.
        card_number: String,
        /// State in stock.
        stock: String,
        /// State as a card; `-` when there is no such card.
        card: String,
    },
    /// Card, number and job are not of one another: the number or the person is another one, or the number is in use without a card, or a
    /// card has a number that is not.
    Record {
        /// 卡号.
        card_number: String,
    },
}

/// What came of a check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// Entries read.
    pub entries: u64,
    /// Cards held, in any state.
    pub cards: u64,
    /// What does not agree.
    pub differences: Vec<Difference>,
}

/// Checks everything.
///
/// # Errors
/// [`StockError::Store`].
pub fn check(tx: &Tx<'_>) -> Result<Check, StockError> {
    let (mut entries, mut last, mut differences) = (0, 0, Vec::new());
    tx.each_stock_entry(|entry| {
        entries += 1;
        if entry.sequence != last + 1 {
            differences.push(Difference::Gap { sequence: entry.sequence });
        }
        if !is_move(&entry) {
            differences.push(Difference::NoMove { sequence: entry.sequence });
        }
        last = entry.sequence;
        true
    })?;
    let audited = tx.last_stock_act()?.and_then(|detail| audited_entry(&detail)).unwrap_or(0);
    if audited > last {
        differences.push(Difference::CutOff { last, audited });
    }
    differences.extend(tx.stock_differences()?);
    differences.extend(tx.lots_that_differ()?);
    differences.extend(tx.stock_against_cards()?);
    let record = |card_number| Difference::Record { card_number };
    differences.extend(tx.cards_that_disagree()?.into_iter().map(record));
    Ok(Check { entries, cards: tx.stock_total()?, differences })
}

/// What an audit record says about the end of the journal.
pub(super) fn mark(last: i64) -> String {
    format!(" [entry {last}]")
}

fn audited_entry(detail: &str) -> Option<i64> {
    detail.rsplit_once(" [entry ")?.1.strip_suffix(']')?.parse().ok()
}

fn is_move(entry: &Entry) -> bool {
    match &entry.from {
        None => entry.name == ENTER && ["received", "blank", "finished", "returned"].contains(&entry.to.1.as_str()),
        Some((_, from, _)) => way(from, &entry.to.1).is_some_and(|way| way.name == entry.name),
    }
}

impl Show for Check {
    fn text(&self, lang: Lang) -> String {
        let Self { entries, cards, differences } = self;
        if differences.is_empty() {
            return lang.pick(
                format!("库存与流水一致: {entries} 笔流水，{cards} 张卡"),
                format!("stock agrees with its journal: {entries} entries, {cards} cards"),
            );
        }
        let count = differences.len();
        let head = lang.pick(format!("库存有 {count} 处不符"), format!("{count} differences in stock"));
        let lines = differences.iter().map(|difference| format!("  {}", difference.text(lang)));
        [head].into_iter().chain(lines).collect::<Vec<_>>().join("\n")
    }
}

impl Difference {
    fn text(&self, lang: Lang) -> String {
        match self {
            Self::Held { unit, state, place, journal, held } => {
                let unit = Unit::parse(unit).map_or_else(|| unit.clone(), |unit| unit.words(lang));
                let state = state_word(state, lang);
                lang.pick(
                    format!("{unit}，{state}，在 {place}: 流水为 {journal} 张，账上 {held} 张"),
                    format!("{unit}, {state} at {place}: {journal} by the journal, {held} held"),
                )
            }
            Self::Lot { lot, entered, held } => lang.pick(
                format!("批号 {lot}: 入库 {entered} 张，账上 {held} 张"),
                format!("lot {lot}: {entered} came in, {held} held"),
            ),
            Self::NoMove { sequence } => lang.pick(
                format!("第 {sequence} 笔流水不是状态表中的动作"),
                format!("entry {sequence} is no move of the table of states"),
            ),
            Self::Gap { sequence } => lang.pick(
                format!("第 {sequence} 笔流水之前有缺失"),
                format!("entries are missing before entry {sequence}"),
            ),
            Self::CutOff { last, audited } => lang.pick(
                format!("流水止于第 {last} 笔，审计日志记到第 {audited} 笔"),
                format!("the journal ends with entry {last}, the audit log tells of entry {audited}"),
            ),
            Self::Record { card_number } => lang.pick(
                format!("卡 {card_number}: 卡、卡号与制卡任务不相符"),
                format!("card {card_number}: card, number and job are not of one another"),
            ),
            Self::Card { card_number, stock, card } => {
                let stock = state_word(stock, lang);
                let card = if card == "-" {
                    lang.pick("没有这张卡", "there is no such card").to_owned()
                } else {
                    crate::state::word(&crate::card::state::TABLE, card, lang)
                };
                lang.pick(
                    format!("卡 {card_number}: 库存为{stock}，卡状态为{card}"),
                    format!("card {card_number}: {stock} in stock, as a card: {card}"),
                )
            }
        }
    }
}
