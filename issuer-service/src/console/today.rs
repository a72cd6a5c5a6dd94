//! Today's work: what waits, for whom.
//!
//! Owns: which counts are shown first. Never: a name.

use maud::{Markup, html};

use super::{Viewer, cell, code, link, none, table, words};
use crate::batch::{Batch, BatchState};
use crate::station::care::Hold;

/// What waits today.
#[derive(Clone, Debug, Default)]
pub struct Work {
    /// Batches that an approver has to look at.
    pub proposed: Vec<Batch>,
    /// Batches in the making.
    pub making: Vec<Batch>,
    /// Whether there are more of each than are shown.
    pub more_batches: [bool; 2],
    /// Requests without a batch.
    pub requests: usize,
    /// Whether there are more of them than were counted.
    pub more_requests: bool,
    /// Readers and lots kept from work.
    pub holds: Vec<Hold>,
}

/// The page.
#[must_use]
pub fn page(viewer: &Viewer<'_>, work: &Work) -> Markup {
    let say = |zh, en| viewer.say(zh, en);
    let count = |number: usize, more: bool| format!("{number}{}", if more { "+" } else { "" });
    let boxes = [
        ("/console/batches", work.proposed.len(), work.more_batches[0], say("待审批批次", "batches to approve")),
        ("/console/batches", work.making.len(), work.more_batches[1], say("制作中的批次", "batches in the making")),
        ("/console/requests", work.requests, work.more_requests, say("待制卡申请", "requests that wait")),
        ("/console/stations", work.holds.len(), false, say("停用的读卡器和卡批", "readers and lots on hold")),
    ];
    html! {
        ul.cards {
            @for (to, number, more, words) in boxes {
                li { a href=(to) { b { (count(number, more)) } (words) } }
            }
        }
        h2 { (say("待审批", "To approve")) }
        @if work.proposed.is_empty() { (none(say("没有待审批的批次。", "No batch waits for approval."))) }
        @else { (batches(viewer, &work.proposed)) }
        h2 { (say("制作中", "In the making")) }
        @if work.making.is_empty() { (none(say("没有制作中的批次。", "No batch is in the making."))) }
        @else { (batches(viewer, &work.making)) }
        @if !work.holds.is_empty() {
            h2 { (say("停用", "On hold")) }
            (holds(viewer, &work.holds))
        }
    }
}

/// A table of batches.
pub(super) fn batches(viewer: &Viewer<'_>, batches: &[Batch]) -> Markup {
    let say = |zh, en| viewer.say(zh, en);
    let heads = [
        (say("批次", "Batch"), false),
        (say("状态", "State"), false),
        (say("区县", "County"), false),
        (say("制作人", "Maker"), false),
        (say("审批人", "Approver"), false),
        (say("卡", "Cards"), true),
        (say("已制", "Made"), true),
        (say("作废", "Spoilt"), true),
    ];
    let rows: Vec<_> = batches
        .iter()
        .map(|batch| {
            vec![
                link(&format!("/console/batches/{}", batch.number), batch.number),
                viewer.state(&BatchState::TABLE, &batch.state),
                cell(batch.county.as_deref().map(words::county).unwrap_or_default()),
                cell(&batch.maker),
                cell(batch.checker.as_deref().unwrap_or("")),
                cell(batch.cards),
                cell(batch.done),
                cell(batch.spoilt),
            ]
        })
        .collect();
    table(&heads, None, &rows)
}

/// A table of what is kept from work.
pub(super) fn holds(viewer: &Viewer<'_>, holds: &[Hold]) -> Markup {
    let say = |zh, en| viewer.say(zh, en);
    let heads = [
        (say("对象", "What"), false),
        (say("制卡站", "Station"), false),
        (say("原因", "Why"), false),
        (say("自（北京时间）", "Since (UTC+8)"), false),
    ];
    let rows: Vec<_> = holds
        .iter()
        .map(|hold| {
            let why = words::reason(&hold.reason, viewer.lang);
            let why = why.map_or_else(|| code(&hold.reason), cell);
            vec![code(&hold.name), cell(&hold.station), why, cell(super::minute(&hold.held_at))]
        })
        .collect();
    table(&heads, None, &rows)
}
