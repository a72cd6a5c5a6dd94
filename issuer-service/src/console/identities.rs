//! Who somebody is: another number for a person, two rows that are one person; what one operator asks and another decides.
//!
//! Owns: these forms, the table of orders. Never: a number unmasked.

use maud::{Markup, html};

use super::form::{Entry, Field, Form, REASON};
use super::{Viewer, cell, code, link, minute, none, people, table};
use crate::registry::identity::{Gives, Order, OrderState};
use crate::state::State;

/// 更正号码.
pub const RENUMBER: Form = Form {
    path: "/console/people/{number}/renumber",
    command: "person renumber",
    title: ("更正号码", "Give another number"),
    fields: &[
        Field {
            name: "number",
            label: ("新的号码（证件号码）", "The new number, of the certificate"),
            entry: Entry::Line(40),
        },
        Field {
            name: "because",
            label: ("原因", "Why"),
            // None stands there by itself: what was not chosen is refused.
            entry: Entry::Choice(&[
                ("", "请选择", "choose"),
                ("wrong", "登记有误，原号码不是本人的", "registered wrong: it was never the person's"),
                ("changed", "号码变更，原号码曾是本人的", "changed: it was the person's until now"),
            ]),
        },
        Field {
            name: "certificate_type",
            label: ("证件类型代码（非居民身份证）", "Code of the certificate's kind, of no citizen"),
            entry: Entry::Maybe(2),
        },
        Field {
            name: "nationality",
            label: ("国籍代码（非居民身份证）", "Code of the nationality, of no citizen"),
            entry: Entry::Maybe(3),
        },
        Field {
            name: "sex",
            label: ("性别（与登记不同时）", "Sex, where it differs from what is held"),
            entry: Entry::Choice(&[("", "照登记", "as held"), ("1", "男", "male"), ("2", "女", "female")]),
        },
        Field {
            name: "birth_date",
            label: ("出生日期（与登记不同时，八位数字）", "Birth date, where it differs (YYYYMMDD)"),
            entry: Entry::Maybe(8),
        },
        REASON,
    ],
};

/// 并档.
pub const JOIN: Form = Form {
    path: "/console/people/{number}/join",
    command: "person join",
    title: ("并档", "Join into another row"),
    fields: &[
        Field {
            name: "into",
            label: ("并入哪一编号（保留的一方）", "Number of the row in which the person goes on"),
            entry: Entry::Count,
        },
        REASON,
    ],
};

/// 复核.
pub const APPROVE: Form = Form {
    path: "/console/identities/{number}/approve",
    command: "person approve",
    title: ("复核通过", "Approve"),
    fields: &[],
};

/// 退回.
pub const REJECT: Form = Form {
    path: "/console/identities/{number}/reject",
    command: "person reject",
    title: ("退回", "Reject"),
    fields: &[REASON],
};

/// An order, and what it would give; nothing of one that is decided.
pub type Shown = (Order, Option<Gives>);

/// Orders, the newest first; `older` is where the next page begins.
#[must_use]
pub fn page(viewer: &Viewer<'_>, orders: &[Shown], older: Option<i64>) -> Markup {
    let say = |zh, en| viewer.say(zh, en);
    let heads = [
        (say("单号", "Order"), true),
        (say("人员", "Person"), true),
        (say("事项", "What"), false),
        (say("状态", "State"), false),
        (say("经办人", "Asked by"), false),
        (say("时间（北京时间）", "At (UTC+8)"), false),
        (say("复核人", "Decided by"), false),
        (say("理由", "Reason"), false),
        ("", false),
    ];
    let rows: Vec<_> = orders.iter().map(|shown| row(viewer, shown)).collect();
    html! {
        p.quiet { (say("更正号码和并档在人员页面提出，由另一人在此复核。", "Another number and a joining are asked for on the page of the person; somebody else decides here.")) }
        @if orders.is_empty() { (none(say("没有身份变更单。", "There is none."))) } @else { (table(&heads, None, &rows)) }
        @if let Some(older) = older {
            p { (link(&format!("/console/identities?before={older}"), say("更早的", "Older ones"))) }
        }
    }
}

fn row(viewer: &Viewer<'_>, (order, gives): &Shown) -> Vec<Markup> {
    let say = |zh, en| viewer.say(zh, en);
    let place = order.number.to_string();
    let what = match order.other {
        Some(into) => html! { (say("并入", "joined into")) " " (link(&people::address(into), into)) },
        None => html! {
            (say("更正号码", "another number"))
            @if let Some(because) = order.because { "（" (because.text(viewer.lang)) "）" }
            @if let Some(Gives { number, changes }) = gives {
                " → " (code(number))
                @for &(zh, en) in changes { br; (say("另改：", "changes too: ")) (say(zh, en)) }
            }
        },
    };
    let decides = html! {
        @if order.state == OrderState::Proposed {
            // Whoever asked does not decide.
            @if order.maker != viewer.operator.name { (viewer.form(&APPROVE, &place, &[])) }
            @if order.maker != viewer.operator.name { (viewer.form(&REJECT, &place, &[])) }
        }
    };
    vec![
        cell(order.number),
        link(&people::address(order.person), order.person),
        what,
        viewer.state(&OrderState::TABLE, order.state.name()),
        cell(&order.maker),
        cell(minute(&order.made_at)),
        cell(order.checker.as_deref().unwrap_or_default()),
        html! { (order.reason) @if let Some(why) = &order.rejection { br; (why) } },
        decides,
    ]
}
