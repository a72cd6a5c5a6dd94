//! People: found, shown masked, unmasked as an act with a reason.
//!
//! Owns: what of a person stands on a page. Never: unmasks by itself.

use maud::{Markup, html};

use super::{Viewer, cell, code, link, none, table};
use crate::card::{self, Card};
use crate::operator::Role;
use crate::person::{Details, Masked};
use crate::request::{Kind, Request, RequestState};

/// What is known of one person.
#[derive(Clone, Debug)]
pub struct File {
    /// Masked.
    pub person: Masked,
    /// Cards, the oldest first.
    pub cards: Vec<Card>,
    /// Requests, the oldest first.
    pub requests: Vec<Request>,
    /// Pixels of the photo that is there.
    pub photo: Option<(u16, u16)>,
    /// Unmasked, for who gave a reason.
    pub whole: Option<Details>,
}

/// The search, and who was found; none before anything was asked.
#[must_use]
pub fn search(viewer: &Viewer<'_>, found: Option<&[Masked]>) -> Markup {
    let say = |zh, en| viewer.say(zh, en);
    html! {
        form.row method="post" action="/console/people" {
            (viewer.token())
            label { (say("按", "By"))
                select name="by" {
                    option value="number" { (say("社会保障号码", "social security number")) }
                    option value="name" { (say("姓名", "name")) }
                }
            }
            label { (say("完整号码或姓名", "The whole number or name"))
                input name="text" required maxlength="100" autocomplete="off";
            }
            button type="submit" { (say("查找", "Find")) }
        }
        @match found {
            None => (none(say("号码和姓名不写入网址，也不留在历史记录中。", "Numbers and names are kept out of addresses and history."))),
            Some([]) => (none(say("没有找到。", "Nobody was found."))),
            Some(people) => {
                @let heads = [
                    (say("编号", "No."), true), (say("号码", "Number"), false), (say("姓名", "Name"), false),
                    (say("出生", "Born"), false), (say("区县", "County"), false), (say("电话", "Telephone"), false),
                ];
                @let rows: Vec<_> = people.iter().map(|person| vec![
                    link(&format!("/console/people/{}", person.id), person.id), code(&person.number), cell(&person.name),
                    cell(&person.birth_date), cell(&person.region), cell(&person.phone),
                ]).collect();
                (table(&heads, None, &rows))
            }
        }
    }
}

/// One person.
#[must_use]
pub fn page(viewer: &Viewer<'_>, file: &File) -> Markup {
    let say = |zh, en| viewer.say(zh, en);
    let Masked { id, number, name, birth_date, region, phone, no_card, .. } = &file.person;
    html! {
        @if let Some(whole) = &file.whole {
            p { span.tag.warn { (say("已显示完整资料，已记入审计", "shown unmasked, and on record")) } }
            (facts(&[
                (say("社会保障号码", "Number"), &whole.number), (say("姓名", "Name"), &whole.name), (say("出生日期", "Born"), &whole.birth_date),
                (say("区县", "County"), &whole.region), (say("地址", "Address"), &whole.address), (say("电话", "Telephone"), &whole.phone),
                (say("单位", "Employer"), &whole.employer),
            ]))
        } @else {
            (facts(&[
                (say("社会保障号码", "Number"), number), (say("姓名", "Name"), name), (say("出生", "Born"), birth_date),
                (say("区县", "County"), region), (say("电话", "Telephone"), phone),
            ]))
            @if viewer.has(&[Role::Capture]) {
                form.row method="post" action={ "/console/people/" (id) "/reveal" } {
                    (viewer.token())
                    (viewer.reason())
                    button type="submit" { (say("显示完整资料", "Unmask")) }
                }
            }
        }
        @if let Some(reason) = no_card {
            p { span.tag.warn { (say("暂不能制卡", "no card can be made")) } " " (code(reason.name())) }
        }
        h2 { (say("照片", "Photo")) }
        @match file.photo {
            Some((across, down)) => p { (say("已收", "there is one")) ", " (across) " × " (down) },
            None => (none(say("没有照片。", "There is none."))),
        }
        h2 { (say("卡", "Cards")) }
        @if file.cards.is_empty() { (none(say("没有卡。", "There is none."))) } @else { (super::cards::list(viewer, &file.cards)) }
        h2 { (say("申请", "Requests")) }
        @if file.requests.is_empty() { (none(say("没有申请。", "There is none."))) } @else { (requests(viewer, &file.requests)) }
        @if viewer.has(&[Role::Capture]) {
            form.row method="post" action={ "/console/people/" (id) "/request" } {
                (viewer.token())
                label { (say("申请种类", "Kind of request"))
                    select name="kind" {
                        @for kind in Kind::ALL { option value=(kind.name()) { (kind.word(viewer.lang)) } }
                    }
                }
                button type="submit" { (say("提出申请", "Make a request")) }
            }
        }
    }
}

/// Requests that wait for a batch, or for their card.
#[must_use]
pub fn requests_page(viewer: &Viewer<'_>, open: &[Request]) -> Markup {
    html! {
        @if open.is_empty() { (none(viewer.say("没有待制卡的申请。", "No request waits."))) } @else { (requests(viewer, open)) }
    }
}

fn requests(viewer: &Viewer<'_>, requests: &[Request]) -> Markup {
    let say = |zh, en| viewer.say(zh, en);
    let heads = [
        (say("申请", "Request"), true),
        (say("人员", "Person"), true),
        (say("种类", "Kind"), false),
        (say("状态", "State"), false),
        (say("原卡", "Old card"), false),
        (say("经办人", "Made by"), false),
        (say("时间（UTC）", "At (UTC)"), false),
    ];
    let rows: Vec<_> = requests
        .iter()
        .map(|request| {
            vec![
                cell(request.number),
                link(&format!("/console/people/{}", request.person), request.person),
                cell(request.kind.word(viewer.lang)),
                viewer.state(&RequestState::TABLE, &request.state),
                request
                    .old_card
                    .as_ref()
                    .map_or_else(|| cell(""), |number| link(&format!("/console/cards/{number}"), number)),
                cell(&request.maker),
                cell(super::minute(&request.made_at)),
            ]
        })
        .collect();
    table(&heads, None, &rows)
}

/// Names and values.
pub(super) fn facts(facts: &[(&str, &str)]) -> Markup {
    html! {
        dl.facts {
            @for (name, value) in facts {
                dt { (name) }
                dd { @if value.is_empty() { "–" } @else { (value) } }
            }
        }
    }
}

/// Word for a card's state.
pub(super) fn card_state(viewer: &Viewer<'_>, state: &str) -> Markup {
    viewer.state(&card::state::TABLE, state)
}
