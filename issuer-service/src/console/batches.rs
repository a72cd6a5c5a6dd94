//! Batches: made by one operator, approved by another, followed while stations make their cards.
//!
//! Owns: the list, a batch with its progress. Never: approves; says who is in a batch.

use maud::{Markup, html};

use super::form::{Entry, Field, Form, Known, REASON};
use super::today::batches;
use super::{Viewer, cell, link, none, table};
use crate::batch::{Batch, BatchState};
use crate::lang::Lang;
use crate::station::care::Reason;

/// First cards.
pub const WITHOUT_CARD: &str = "people";
/// What was asked for and has no batch yet.
pub const OPEN_REQUESTS: &str = "requests";

/// 编批.
pub const CREATE: Form = Form {
    path: "/console/batches",
    command: "batch create",
    title: ("编批", "Make a batch"),
    fields: &[
        Field {
            name: "whom",
            label: ("为谁", "For whom"),
            entry: Entry::Choice(&[
                (WITHOUT_CARD, "符合条件且尚无卡的人", "People who may have a card and have none"),
                (OPEN_REQUESTS, "待编批的申请：补卡、换卡等", "Requests that wait: replacements, renewals and others"),
            ]),
        },
        Field { name: "county", label: ("区县", "County"), entry: Entry::Maybe(6) },
        Field { name: "count", label: ("至多张数", "At most so many cards"), entry: Entry::Count },
    ],
};

/// 批准.
pub const APPROVE: Form = Form {
    path: "/console/batches/{number}/approve",
    command: "batch approve",
    title: ("批准", "Approve"),
    fields: &[],
};

/// 取消.
pub const CANCEL: Form = Form {
    path: "/console/batches/{number}/cancel",
    command: "batch cancel",
    title: ("取消批次", "Cancel the batch"),
    fields: &[],
};

/// 停止制作.
pub const WITHDRAW: Form = Form {
    path: "/console/batches/{number}/withdraw",
    command: "batch withdraw",
    title: ("停止制作", "Withdraw the batch"),
    fields: &[REASON],
};

/// Page of a batch.
#[must_use]
pub fn address(number: i64) -> String {
    format!("/console/batches/{number}")
}

/// The newest of them, and the form for another one; `older` is where the next page begins.
#[must_use]
pub fn list(viewer: &Viewer<'_>, all: &[Batch], older: Option<i64>) -> Markup {
    let say = |zh, en| viewer.say(zh, en);
    html! {
        (viewer.open_form(&CREATE, "", &[("count", Known::Value("100"))]))
        @if all.is_empty() { (none(say("还没有批次。", "There is no batch yet."))) } @else { (batches(viewer, all)) }
        @if let Some(older) = older {
            p { (link(&format!("/console/batches?before={older}"), say("更早的批次", "Older batches"))) }
        }
    }
}

/// One batch.
#[must_use]
pub fn page(viewer: &Viewer<'_>, batch: &Batch, reasons: &[Reason]) -> Markup {
    let say = |zh, en| viewer.say(zh, en);
    let live = matches!(BatchState::of_name(&batch.state), Some(BatchState::Approved | BatchState::Running));
    let address = format!("/console/batches/{}/live", batch.number);
    html! {
        div {
            div data-live=[live.then_some(address.as_str())] { (progress(viewer.lang, batch)) }
            @if live {
                div.problem role="alert" hidden data-stale {
                    p { strong { (say("进度不再更新，以上可能已过时。", "This is no longer followed: what stands above may be out of date.")) } }
                    p { a href=(viewer.path) { (say("重新打开本页", "Open this page anew")) } }
                }
            }
        }
        // Without scripts nothing loads by itself: that would keep a session alive of somebody who has left.
        @if live { noscript { p { a href=(viewer.path) { (say("查看最新进度", "See how far it is now")) } } } }
        p { (say("制作人", "Made by")) " " (batch.maker) (say("。", ". "))
            @if let Some(checker) = &batch.checker { (say("审批人", "Approved by")) " " (checker) (say("。", ".")) }
        }
        @if BatchState::of_name(&batch.state) == Some(BatchState::Created) { (decide(viewer, batch)) }
        @if live { (viewer.form(&WITHDRAW, &batch.number.to_string(), &[])) }
        h2 { (say("作废的原因", "Why cards were spoilt")) }
        @if reasons.is_empty() { (none(say("没有作废的卡。", "No card was spoilt."))) } @else {
            @let rows: Vec<_> = reasons.iter().map(|reason| vec![super::figures::cause(reason, viewer.lang), cell(reason.cards)]).collect();
            (table(&[(say("原因", "Reason"), false), (say("卡", "Cards"), true)], None, &rows))
        }
    }
}

fn decide(viewer: &Viewer<'_>, batch: &Batch) -> Markup {
    let say = |zh, en| viewer.say(zh, en);
    let place = batch.number.to_string();
    html! {
        @if viewer.may(APPROVE.command) && batch.maker != viewer.operator.name {
            form.row method="post" action=(APPROVE.at(&place)) {
                (viewer.token())
                button type="submit" { (say("批准", "Approve")) " " (batch.cards) " " (say("张卡", "cards")) }
            }
        }
        @if batch.maker == viewer.operator.name { p.quiet { (say("自己编的批次由他人审批。", "Another operator approves what you made.")) } }
        @if viewer.may(CANCEL.command) {
            form.row method="post" action=(CANCEL.at(&place)) {
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
