//! People: found, shown masked, unmasked as an act with a reason.
//!
//! Owns: what of a person stands on a page. Never: unmasks by itself.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use maud::{Markup, html};
use zeroize::Zeroizing;

use super::form::{Entry, Field, Form, Known, REASON};
use super::{Viewer, batches, cell, code, identities, link, none, table, words};
use crate::card::{self, Card};
use crate::person::{Details, Masked};
use crate::request::{Kind, Request, RequestState};
use crate::state::State;

/// What is known of one person.
#[derive(Clone, Debug)]
pub struct File {
    /// Masked.
    pub person: Masked,
    /// Row in which the person goes on, of one that was joined into it.
    pub goes_on_as: Option<i64>,
    /// Cards, the oldest first.
    pub cards: Vec<Card>,
    /// Requests, the oldest first.
    pub requests: Vec<Request>,
    /// Pixels of the photo that is there.
    pub photo: Option<(u16, u16)>,
    /// Unmasked, for who gave a reason.
    pub whole: Option<Details>,
    /// The photo, for who gave a reason.
    pub likeness: Option<Zeroizing<Vec<u8>>>,
}

/// 查找.
pub const FIND: Form = Form {
    path: "/console/people",
    command: "person find",
    title: ("查找", "Find"),
    fields: &[
        Field {
            name: "by",
            label: ("按", "By"),
            entry: Entry::Choice(&[("number", "社会保障号码", "social security number"), ("name", "姓名", "name")]),
        },
        Field { name: "text", label: ("完整号码或姓名", "The whole number or name"), entry: Entry::Line(100) },
    ],
};

/// 显示完整资料.
pub const REVEAL: Form = Form {
    path: "/console/people/{number}/reveal",
    command: "person show --reveal",
    title: ("显示完整资料", "Unmask"),
    fields: &[REASON],
};

/// 提出申请.
pub const ASK: Form = Form {
    path: "/console/people/{number}/request",
    command: "request new",
    title: ("提出申请", "Make a request"),
    fields: &[Field { name: "kind", label: ("申请种类", "Kind of request"), entry: Entry::Pick }],
};

/// 撤回申请.
pub const WITHDRAW: Form = Form {
    path: "/console/requests/{number}/withdraw",
    command: "request withdraw",
    title: ("撤回", "Withdraw"),
    fields: &[REASON],
};

/// 收照片.
pub const PHOTO_ADD: Form = Form {
    path: "/console/people/{number}/photo",
    command: "photo add",
    title: ("收照片", "Take in a photo"),
    fields: &[Field { name: "photo", label: ("照片（JPEG）", "Photo (JPEG)"), entry: Entry::File(".jpg,.jpeg") }],
};

/// 查看照片.
pub const PHOTO_SHOW: Form = Form {
    path: "/console/people/{number}/photo/show",
    command: "photo show --out",
    title: ("查看照片", "Show the photo"),
    fields: &[REASON],
};

/// 删除照片.
pub const PHOTO_REMOVE: Form = Form {
    path: "/console/people/{number}/photo/remove",
    command: "photo remove",
    title: ("删除照片", "Remove the photo"),
    fields: &[REASON],
};

/// Page of a person.
#[must_use]
pub fn address(person: i64) -> String {
    format!("/console/people/{person}")
}

/// What is behind a page of people who were found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum More {
    /// Nobody.
    None,
    /// More of them, behind this row number.
    Behind(i64),
    /// Perhaps more than are kept for these pages.
    Unkept,
}

/// The search, and who was found: a page of them; none before anything was asked.
#[must_use]
pub fn search(viewer: &Viewer<'_>, found: Option<(&[Masked], More)>) -> Markup {
    let say = |zh, en| viewer.say(zh, en);
    html! {
        (viewer.open_form(&FIND, "", &[]))
        @match found {
            None => (none(say("号码和姓名不写入网址，也不留在历史记录中。", "Numbers and names are kept out of addresses and history."))),
            Some(([], _)) => (none(say("没有找到。", "Nobody was found."))),
            Some((people, more)) => {
                @let heads = [
                    (say("编号", "No."), true), (say("号码", "Number"), false), (say("姓名", "Name"), false),
                    (say("出生", "Born"), false), (say("区县", "County"), false), (say("电话", "Telephone"), false),
                ];
                @let rows: Vec<_> = people.iter().map(|person| vec![
                    link(&address(person.id), person.id), code(&person.number), cell(&person.name),
                    cell(&person.birth_date), cell(words::county(&person.region)), cell(&person.phone),
                ]).collect();
                (table(&heads, None, &rows))
                @match more {
                    More::None => {},
                    More::Behind(last) => p { (link(&format!("/console/people/found?after={last}"), say("后面的", "More of them"))) },
                    More::Unkept => p.quiet { (say("人数太多，其余的请按号码查找。", "They are too many: find the others by number.")) },
                }
            }
        }
    }
}

/// One person.
#[must_use]
pub fn page(viewer: &Viewer<'_>, file: &File) -> Markup {
    let say = |zh, en| viewer.say(zh, en);
    let Masked { id, number, name, name_script, birth_date, region, phone, no_card, .. } = &file.person;
    let place = id.to_string();
    let kinds = Kind::ALL.map(|kind| (kind.name().to_owned(), kind.word(viewer.lang).to_owned()));
    html! {
        @if let Some(whole) = &file.whole {
            p { span.tag.warn { (say("已显示完整资料，已记入审计", "shown unmasked, and on record")) } }
            (facts(&[
                (say("社会保障号码", "Number"), &whole.number), (say("姓名", "Name"), &whole.name),
                (say("本民族文字姓名", "Name in own script"), &whole.name_script), (say("出生日期", "Born"), &whole.birth_date),
                (say("区县", "County"), &words::county(&whole.region)), (say("地址", "Address"), &whole.address), (say("电话", "Telephone"), &whole.phone),
                (say("单位", "Employer"), &whole.employer),
            ]))
        } @else {
            (facts(&[
                (say("社会保障号码", "Number"), number), (say("姓名", "Name"), name),
                (say("本民族文字姓名", "Name in own script"), name_script), (say("出生", "Born"), birth_date),
                (say("区县", "County"), &words::county(region)), (say("电话", "Telephone"), phone),
            ]))
            (viewer.form(&REVEAL, &place, &[]))
        }
        @if let Some(into) = file.goes_on_as {
            p { span.tag.warn { (say("已并入", "goes on as")) } " " (link(&address(into), into)) }
        } @else {
            div.acts {
                (viewer.form(&identities::RENUMBER, &place, &[]))
                (viewer.form(&identities::JOIN, &place, &[]))
            }
        }
        @if let Some(reason) = no_card {
            p { span.tag.warn { (say("暂不能制卡", "no card can be made")) } " " (words::no_card(*reason, viewer.lang).0) }
            p.quiet { (words::no_card(*reason, viewer.lang).1) }
        }
        h2 { (say("照片", "Photo")) }
        @match (&file.likeness, file.photo) {
            (Some(bytes), _) => {
                p { span.tag.warn { (say("已显示照片，已记入审计", "shown, and on record")) } }
                img.likeness src={ "data:image/jpeg;base64," (STANDARD.encode(bytes.as_slice())) } alt=(say("照片", "photo"));
            },
            (None, Some((across, down))) => p { (say("已收，", "There is one, ")) (across) " × " (down) },
            (None, None) => (none(say("没有照片。", "There is none."))),
        }
        div.acts {
            (viewer.form(&PHOTO_ADD, &place, &[]))
            @if file.photo.is_some() {
                @if file.likeness.is_none() { (viewer.form(&PHOTO_SHOW, &place, &[])) }
                (viewer.form(&PHOTO_REMOVE, &place, &[]))
            }
        }
        h2 { (say("卡", "Cards")) }
        @if file.cards.is_empty() { (none(say("没有卡。", "There is none."))) } @else { (super::cards::list(viewer, &file.cards)) }
        h2 { (say("申请", "Requests")) }
        @if file.requests.is_empty() { (none(say("没有申请。", "There is none."))) } @else { (requests(viewer, &file.requests)) }
        (viewer.form(&ASK, &place, &[("kind", Known::Among(&kinds))]))
    }
}

/// Requests that wait for a batch, or for their card, the oldest first; `newer` is where the next page begins.
#[must_use]
pub fn requests_page(viewer: &Viewer<'_>, open: &[Request], newer: Option<i64>) -> Markup {
    html! {
        p.quiet { (viewer.say("申请在申请人的人员页面受理。", "A request is taken down on the page of its person.")) }
        @if open.is_empty() { (none(viewer.say("没有待制卡的申请。", "No request waits."))) } @else {
            (viewer.form(&batches::CREATE, "", &[
                ("whom", Known::Value(batches::OPEN_REQUESTS)),
                ("count", Known::Value("100")),
            ]))
            (requests(viewer, open))
        }
        @if let Some(newer) = newer {
            p { (link(&format!("/console/requests?after={newer}"), viewer.say("更新的申请", "Newer requests"))) }
        }
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
        (say("时间（北京时间）", "At (UTC+8)"), false),
        ("", false),
    ];
    let open = |request: &Request| request.state == RequestState::Open.name();
    let rows: Vec<_> = requests
        .iter()
        .map(|request| {
            vec![
                cell(request.number),
                link(&address(request.person), request.person),
                cell(request.kind.word(viewer.lang)),
                viewer.state(&RequestState::TABLE, &request.state),
                request
                    .old_card
                    .as_ref()
                    .map_or_else(|| cell(""), |number| link(&super::cards::address(number), number)),
                cell(&request.maker),
                cell(super::minute(&request.made_at)),
                html! { @if open(request) { (viewer.form(&WITHDRAW, &request.number.to_string(), &[])) } },
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
