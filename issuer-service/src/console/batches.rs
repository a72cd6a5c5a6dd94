//! Batches: made by one operator, approved by another, followed while stations make their cards.
//!
//! Owns: the list, a batch with its progress. Never: approves; says who is in a batch.

use maud::{Markup, html};

use super::today::batches;
use super::{Viewer, cell, code, none, table};
use crate::batch::{Batch, BatchState};
use crate::lang::Lang;
use crate::operator::Role;
use crate::station::care::Reason;

/// All of them, and the form for another one.
#[must_use]
pub fn list(viewer: &Viewer<'_>, all: &[Batch]) -> Markup {
    let say = |zh, en| viewer.say(zh, en);
    html! {
        @if viewer.has(&[Role::Capture]) {
            form.row method="post" action="/console/batches" {
                (viewer.token())
                label { (say("区县（可空）", "County (may be empty)")) input name="county" maxlength="6" pattern="[0-9]*" inputmode="numeric"; }
                label { (say("至多张数", "At most so many cards")) input name="count" required maxlength="6" pattern="[0-9]+" inputmode="numeric" value="100"; }
                button type="submit" { (say("编批", "Make a batch")) }
            }
        }
        @if all.is_empty() { (none(say("还没有批次。", "There is no batch yet."))) } @else { (batches(viewer, all)) }
    }
}

/// One batch.
#[must_use]
pub fn page(viewer: &Viewer<'_>, batch: &Batch, reasons: &[Reason]) -> Markup {
    let say = |zh, en| viewer.say(zh, en);
    let live = matches!(BatchState::of_name(&batch.state), Some(BatchState::Approved | BatchState::Running));
    let address = format!("/console/batches/{}/live", batch.number);
    html! {
        div data-live=[live.then_some(address.as_str())] aria-live="polite" { (progress(viewer.lang, batch)) }
        @if live { noscript { meta http-equiv="refresh" content="5"; } }
        p { (say("制作人", "Made by")) " " (batch.maker) ". "
            @if let Some(checker) = &batch.checker { (say("审批人", "Approved by")) " " (checker) "." }
        }
        @if BatchState::of_name(&batch.state) == Some(BatchState::Created) { (decide(viewer, batch)) }
        h2 { (say("作废的原因", "Why cards were spoilt")) }
        @if reasons.is_empty() { (none(say("没有作废的卡。", "No card was spoilt."))) } @else {
            @let rows: Vec<_> = reasons.iter().map(|reason| vec![code(&reason.reason), cell(reason.cards)]).collect();
            (table(&[(say("原因", "Reason"), false), (say("卡", "Cards"), true)], None, &rows))
        }
    }
}

fn decide(viewer: &Viewer<'_>, batch: &Batch) -> Markup {
    let say = |zh, en| viewer.say(zh, en);
    html! {
        @if viewer.has(&[Role::Approve]) && batch.maker != viewer.operator.name {
            form.row method="post" action={ "/console/batches/" (batch.number) "/approve" } {
                (viewer.token())
                button type="submit" { (say("批准", "Approve")) " " (batch.cards) " " (say("张卡", "cards")) }
            }
        }
        @if batch.maker == viewer.operator.name { p.quiet { (say("自己编的批次由他人审批。", "Another operator approves what you made.")) } }
        @if viewer.has(&[Role::Capture, Role::Approve]) {
            form.row method="post" action={ "/console/batches/" (batch.number) "/cancel" } {
                (viewer.token())
                button.grave type="submit" { (say("取消批次", "Cancel the batch")) }
            }
        }
    }
}

/// How far it is: what the stream sends, too.
#[must_use]
pub fn progress(lang: Lang, batch: &Batch) -> Markup {
    // A spoilt card is made again: there is more to do than there are people.
    let whole = (batch.done + batch.waiting + batch.writing).max(batch.cards).max(1);
    let state = crate::state::word(&BatchState::TABLE, &batch.state, lang);
    html! {
        p { span.tag { (state) } " "
            @match lang {
                Lang::Zh => { (batch.done) " / " (whole) " 张已制成，写卡中 " (batch.writing) "，待制 " (batch.waiting) "，作废 " (batch.spoilt) },
                Lang::En => { (batch.done) " of " (whole) " cards made, " (batch.writing) " in work, " (batch.waiting) " waiting, " (batch.spoilt) " spoilt" },
            }
        }
        progress max=(whole) value=(batch.done) aria-label=(lang.pick("进度", "progress")) { (batch.done) "/" (whole) }
    }
}
