//! What a counter does for the person in front of it: questions, PIN orders, tickets.
//!
//! Owns: these forms and tables. Never: a PIN; a text of a ticket that was not asked for.

use maud::{Markup, html};
use settlement::query::{TicketKind, TicketSubject};

use super::form::{Entry, Field, Form, Known, REASON};
use super::{Viewer, cell, link, minute, none, remedy, table, words};
use crate::card::pin::{PinOrder, PinOrderState};
use crate::query::ticket::{Side, Ticket, TicketState, Told};
use crate::state::State;

/// 查询.
pub const QUERY: Form = Form {
    path: "/console/query",
    command: "query person",
    title: ("查询", "Ask"),
    fields: &[
        Field {
            name: "by",
            label: ("按", "By"),
            entry: Entry::Choice(&[
                ("number", "社会保障号码", "social security number"),
                ("card", "卡号", "card number"),
                ("person", "人员编号", "row number"),
            ]),
        },
        Field { name: "text", label: ("号码", "Number"), entry: Entry::Line(32) },
        Field {
            name: "part",
            label: ("查什么", "What"),
            entry: Entry::Choice(&[
                ("person", "卡和进度", "cards and progress"),
                ("account", "账户明细", "account"),
                ("insurance", "五险参保", "the five insurances"),
                ("progress", "制卡进度", "progress of a new card"),
            ]),
        },
        Field {
            name: "from", label: ("账户明细自（年-月-日）", "Account from (YYYY-MM-DD)"), entry: Entry::Maybe(10)
        },
        Field { name: "to", label: ("至", "until"), entry: Entry::Maybe(10) },
        Field {
            name: "channel",
            label: ("渠道", "Channel"),
            entry: Entry::Choice(&[("counter", "柜台", "counter"), ("agent", "12333 人工", "agent of 12333")]),
        },
        Field { name: "reveal", label: ("不脱敏（需理由）", "Unmasked (needs a reason)"), entry: Entry::Tick },
        Field { name: "reason", label: ("理由", "Reason"), entry: Entry::Maybe(200) },
    ],
};

/// 重置、解锁.
pub const PIN: Form = Form {
    path: "/console/cards/{name}/pin",
    command: "pin reset",
    title: ("开口令工单", "Make a PIN order"),
    fields: &[
        Field {
            name: "act",
            label: ("事项", "Act"),
            entry: Entry::Choice(&[
                ("reset", "重置为初始口令", "reset to the initial PIN"),
                ("unblock", "解锁", "unblock"),
            ]),
        },
        Field { name: "terminal", label: ("只在此终端执行", "At this terminal only"), entry: Entry::Maybe(12) },
        REASON,
    ],
};

/// 复核.
pub const PIN_APPROVE: Form = Form {
    path: "/console/pins/{number}/approve",
    command: "pin approve",
    title: ("复核通过", "Approve"),
    fields: &[],
};

/// 撤回.
pub const PIN_WITHDRAW: Form = Form {
    path: "/console/pins/{number}/withdraw",
    command: "pin withdraw",
    title: ("撤回", "Withdraw"),
    fields: &[REASON],
};

/// 登记工单.
pub const TICKET_ADD: Form = Form {
    path: "/console/tickets",
    command: "ticket add",
    title: ("登记工单", "Open a ticket"),
    fields: &[
        Field { name: "kind", label: ("种类", "Kind"), entry: Entry::Pick },
        Field { name: "subject", label: ("关于", "About"), entry: Entry::Pick },
        Field { name: "person", label: ("人员编号", "Row number of the person"), entry: Entry::Maybe(9) },
        Field {
            name: "institution", label: ("涉及的机构编码", "Code of the institution"), entry: Entry::Maybe(12)
        },
        Field {
            name: "purchase",
            label: ("涉及的交易（小票流水号）", "Purchase, as on its receipt"),
            entry: Entry::Maybe(26),
        },
        Field { name: "text", label: ("内容", "Text"), entry: Entry::Lines(1000) },
    ],
};

/// 查看.
pub const TICKET_SHOW: Form = Form {
    path: "/console/tickets/{number}",
    command: "ticket show",
    title: ("查看内容（记入审计）", "Read"),
    fields: &[],
};

/// 答复.
pub const TICKET_ANSWER: Form = Form {
    path: "/console/tickets/{number}/answer",
    command: "ticket answer",
    title: ("答复", "Answer"),
    fields: &[Field { name: "text", label: ("答复内容", "Answer"), entry: Entry::Lines(1000) }],
};

/// 办结.
pub const TICKET_CLOSE: Form = Form {
    path: "/console/tickets/{number}/close",
    command: "ticket close",
    title: ("办结", "Close"),
    fields: &[Field {
        name: "text",
        label: ("结语；未答复的须说明", "Last words; needed when it was not answered"),
        entry: Entry::MaybeLines(1000),
    }],
};

/// Questions about a person, and the answer to one.
#[must_use]
pub fn query(viewer: &Viewer<'_>, answer: Option<&str>) -> Markup {
    html! {
        (viewer.open_form(&QUERY, "", &[]))
        p.quiet { (viewer.say("每次查询都记入审计；显示时已脱敏。", "Every question is on record; what is shown is masked.")) }
        @if let Some(answer) = answer { pre.said { (remedy::without_commands(answer)) } }
    }
}

/// Orders for PINs, the newest first.
#[must_use]
pub fn pins(viewer: &Viewer<'_>, orders: &[PinOrder]) -> Markup {
    let say = |zh, en| viewer.say(zh, en);
    let heads = [
        (say("工单", "Order"), true),
        (say("卡号", "Card"), false),
        (say("事项", "Act"), false),
        (say("状态", "State"), false),
        (say("开单", "Made by"), false),
        (say("复核", "Approved by"), false),
        (say("有效至（北京时间）", "Good until (UTC+8)"), false),
        (say("理由", "Reason"), false),
        ("", false),
    ];
    let rows: Vec<_> = orders
        .iter()
        .map(|order| {
            let place = order.number.to_string();
            let open =
                [PinOrderState::Asked, PinOrderState::Ready].map(PinOrderState::name).contains(&order.state.as_str());
            let act = match order.act {
                settlement::pin::PinAct::Reset => say("重置", "reset"),
                settlement::pin::PinAct::Unblock => say("解锁", "unblock"),
            };
            vec![
                cell(order.number),
                link(&super::cards::address(&order.card_number), &order.card_number),
                cell(act),
                viewer.state(&PinOrderState::TABLE, &order.state),
                cell(&order.maker),
                cell(order.checker.as_deref().unwrap_or("")),
                cell(minute(&order.valid_until)),
                cell(&order.reason),
                html! {
                    @if order.state == PinOrderState::Asked.name() && order.maker != viewer.operator.name {
                        (viewer.form(&PIN_APPROVE, &place, &[]))
                    }
                    @if open { (viewer.form(&PIN_WITHDRAW, &place, &[])) }
                },
            ]
        })
        .collect();
    html! {
        p.quiet { (say("在卡的页面上开单；由终端对卡执行。", "Orders are made on a card's page, and carried out by a terminal.")) }
        @if rows.is_empty() { (none(say("没有口令工单。", "There is no order."))) } @else { (table(&heads, None, &rows)) }
    }
}

/// Tickets that are not closed: those without an answer first, the newest of them first.
#[must_use]
pub fn tickets(viewer: &Viewer<'_>, tickets: &[Ticket]) -> Markup {
    let say = |zh, en| viewer.say(zh, en);
    let word = |(zh, en): (&'static str, &'static str)| viewer.say(zh, en).to_owned();
    let heads = [
        (say("工单", "Ticket"), true),
        (say("种类", "Kind"), false),
        (say("关于", "About"), false),
        (say("状态", "State"), false),
        (say("渠道", "Channel"), false),
        (say("人员", "Person"), true),
        (say("机构、交易", "Purchase"), false),
        (say("时间（北京时间）", "At (UTC+8)"), false),
        ("", false),
    ];
    let rows: Vec<_> = tickets
        .iter()
        .rev()
        .map(|ticket| {
            vec![
                cell(ticket.number),
                cell(word(ticket.kind.names())),
                cell(word(ticket.subject.names())),
                viewer.state(&TicketState::TABLE, &ticket.state),
                cell(words::channel(ticket.channel, viewer.lang)),
                html! { @if let Some(person) = ticket.person { (link(&super::people::address(person), person)) } },
                html! {
                    @if let Some(code) = &ticket.institution { (code) " " }
                    @if let Some(purchase) = ticket.about { (purchase.reference()) }
                },
                cell(minute(&ticket.opened_at)),
                viewer.form(&TICKET_SHOW, &ticket.number.to_string(), &[]),
            ]
        })
        .collect();
    let kinds = TicketKind::ALL.map(|kind| (kind.name().to_owned(), word(kind.names())));
    let subjects = TicketSubject::ALL.map(|subject| (subject.name().to_owned(), word(subject.names())));
    html! {
        (viewer.form(&TICKET_ADD, "", &[("kind", Known::Among(&kinds)), ("subject", Known::Among(&subjects))]))
        p.quiet { (say("列出未办结的工单。", "Tickets that are not closed. Reading one goes on record.")) }
        @if rows.is_empty() { (none(say("没有未办结的工单。", "There is no open ticket."))) } @else { (table(&heads, None, &rows)) }
    }
}

/// One ticket with what it is about, and what was said.
#[must_use]
pub fn ticket(viewer: &Viewer<'_>, told: &Told) -> Markup {
    let say = |zh, en| viewer.say(zh, en);
    let Told { ticket, institution_name, purchase, entries } = told;
    let place = ticket.number.to_string();
    html! {
        p { (viewer.state(&TicketState::TABLE, &ticket.state)) " " (say(ticket.kind.names().0, ticket.kind.names().1))
            " · " (say(ticket.subject.names().0, ticket.subject.names().1)) " · " (minute(&ticket.opened_at)) }
        @if let Some(person) = ticket.person {
            p { (say("人员", "Person")) " " (link(&super::people::address(person), person)) }
        }
        @if let Some(code) = &ticket.institution {
            p { (say("机构", "Institution")) " " (code) " " (institution_name.as_deref().unwrap_or_default()) }
        }
        @if let Some(purchase) = purchase { p { (say("交易", "Purchase")) " " (purchase.words(viewer.lang)) } }
        @for entry in entries {
            h2 { @if entry.side == Side::Holder { (say("来件", "Said")) } @else { (say("答复", "Answered")) }
                " " span.quiet { (entry.actor) " " (minute(&entry.at)) } }
            pre.said { (entry.text) }
        }
        @if ticket.state == TicketState::Open.name() { (viewer.form(&TICKET_ANSWER, &place, &[])) }
        @if ticket.state != TicketState::Closed.name() { (viewer.form(&TICKET_CLOSE, &place, &[])) }
        p { (link("/console/tickets", say("未办结的工单", "Tickets that are not closed"))) }
    }
}
