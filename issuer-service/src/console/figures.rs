//! Figures: cards made by county, failures by cause, settlement by day.
//!
//! Owns: what is summed for a chart. Never: a person; a sum of money that is not of a window.

use std::collections::BTreeMap;

use card_profiles::codes;
use maud::{Markup, html};
use settlement::Fen;

use super::chart::{Bar, bars};
use super::{Viewer, cell, none, table, words};
use crate::lang::Lang;
use crate::station::care::Reason;

/// Characters of a code that fit beside a bar.
const CODE_MAX: usize = 16;
/// Characters of a county's name that do.
const NAME_MAX: usize = 9;

/// What is counted.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    /// Cards by the county of their person: county, made, spoilt, all.
    pub counties: Vec<(String, u64, u64, u64)>,
    /// Why cards were spoilt, the most frequent first.
    pub reasons: Vec<Reason>,
    /// Purchases of the latest days: date, rows accepted, rows refused, sum.
    pub days: Vec<Day>,
}

/// A business day.
#[derive(Clone, Debug)]
pub struct Day {
    /// 业务日期.
    pub date: String,
    /// Rows accepted.
    pub accepted: u64,
    /// Rows refused.
    pub refused: u64,
    /// Debited from cards.
    pub purchased: Fen,
}

/// The page.
#[must_use]
pub fn page(viewer: &Viewer<'_>, figures: &Figures) -> Markup {
    let say = |zh, en| viewer.say(zh, en);
    let counties = by_county(&figures.counties);
    let (reasons, whole) = by_cause(&figures.reasons, viewer.lang);
    let days: Vec<Bar> = figures
        .days
        .iter()
        .map(|day| Bar {
            name: day.date.clone(),
            done: day.accepted,
            failed: day.refused,
            whole: day.accepted + day.refused,
            says: format!("{} / {}  ¥{}", day.accepted, day.refused, day.purchased),
        })
        .collect();
    html! {
        (chart(&counties, say("各区县制卡进度（已制、作废、全部）", "Cards by county (made, spoilt, all)"), say("还没有批次。", "There is no batch yet.")))
        (chart(&reasons, say("作废原因", "Why cards were spoilt"), say("没有作废的卡。", "No card was spoilt.")))
        @if !whole.is_empty() { (table(&[(say("原因", "Reason"), false), (say("卡", "Cards"), true)], None, &whole)) }
        (chart(&days, say("每日结算（收下 / 拒收，金额）", "Settlement by day (taken / refused, sum)"), say("还没有业务日。", "There is no business day yet.")))
    }
}

fn chart(of: &[Bar], title: &str, nothing: &str) -> Markup {
    if of.is_empty() {
        html! { h2 { (title) } (none(nothing)) }
    } else {
        bars(title, of)
    }
}

/// A bar for each code, and a row for each reason as it was written down.
fn by_cause(reasons: &[Reason], lang: Lang) -> (Vec<Bar>, Vec<Vec<Markup>>) {
    let mut sums: BTreeMap<&str, u64> = BTreeMap::new();
    for reason in reasons {
        *sums.entry(reason.reason.split(' ').next().unwrap_or_default()).or_default() += reason.cards;
    }
    let mut sums: Vec<(&str, u64)> = sums.into_iter().collect();
    sums.sort_by_key(|(_, cards)| std::cmp::Reverse(*cards));
    let bar = |(code, cards): (&str, u64)| Bar {
        name: code.chars().take(CODE_MAX).collect(),
        done: 0,
        failed: cards,
        whole: cards,
        says: cards.to_string(),
    };
    let row = |reason: &Reason| vec![cause(reason, lang), cell(reason.cards)];
    (sums.into_iter().map(bar).collect(), reasons.iter().map(row).collect())
}

/// A reason in words, with its code and what stands behind it.
pub(super) fn cause(reason: &Reason, lang: Lang) -> Markup {
    html! { span.long { @if let Some(words) = words::reason(&reason.reason, lang) { (words) " " } span.code { (reason.reason) } } }
}

fn by_county(counties: &[(String, u64, u64, u64)]) -> Vec<Bar> {
    let bar = |(county, done, failed, whole): &(String, u64, u64, u64)| Bar {
        name: codes::region(county)
            .map_or_else(|| county.clone(), |region| region.name.chars().take(NAME_MAX).collect()),
        done: *done,
        failed: *failed,
        whole: *whole,
        says: format!("{done} / {failed} / {whole}"),
    };
    counties.iter().map(bar).collect()
}
