//! Cards in people's hands: found by number, their life, losses reported and taken back.
//!
//! Owns: which moves are offered for a state. Never: decides whether one is allowed.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use maud::{Markup, html};

use super::form::{Entry, Field, Form, Known, REASON};
use super::people::{card_state, facts};
use super::{Viewer, cell, link, none, table};
use crate::card::Card;
use crate::card::life::{CardFile, Moved};
use crate::card::state::LifeState;
use crate::state::State;
use crate::stock::place::Place;
use crate::stock::{Holding, StockState};

/// 启用、挂失、解除、锁定、解锁、注销.
pub const MOVE: Form = Form {
    path: "/console/cards/{name}/move",
    command: "card report-loss",
    title: ("办理", "Do it"),
    fields: &[Field { name: "step", label: ("事项", "Act"), entry: Entry::Pick }, REASON],
};

/// 领卡.
pub const HAND_OUT: Form = Form {
    path: "/console/cards/{name}/hand-out",
    command: "stock hand-out",
    title: ("领卡（交给持卡人或代领人）", "Hand out (to the holder or an agent)"),
    fields: &[Field {
        name: "agent",
        label: (
            "代领人: 证件类型代码、证件号码、姓名，各一行；本人领取留空",
            "Agent: code of the certificate, its number, name, one a line; empty for the holder",
        ),
        entry: Entry::MaybeLines(200),
    }],
};

/// 收回.
pub const TAKE_IN: Form = Form {
    path: "/console/cards/{name}/take-in",
    command: "stock take-in",
    title: ("收回（注销的卡交回，或撤销发错的领卡）", "Take it in (cancelled and handed in, or handed out by mistake)"),
    fields: &[Field { name: "place", label: ("收在", "It lies from now on at"), entry: Entry::Pick }, REASON],
};

/// 卡面.
pub const FACE: Form = Form {
    path: "/console/cards/{name}/face",
    command: "face print",
    title: ("卡面预览（记入审计）", "Preview of its face (goes on record)"),
    fields: &[Field {
        name: "side",
        label: ("面", "Side"),
        entry: Entry::Choice(&[("back", "背面", "back"), ("front", "正面", "front")]),
    }],
};

/// Page of a card.
#[must_use]
pub fn address(number: &str) -> String {
    format!("/console/cards/{number}")
}

/// The search; `number` is what was looked for before.
#[must_use]
pub fn search(viewer: &Viewer<'_>, number: &str) -> Markup {
    html! {
        form.row method="get" action="/console/cards" {
            label { (viewer.say("卡号", "Card number"))
                input name="number" value=(number) required maxlength="9" pattern="[A-Za-z0-9]+" autocomplete="off";
            }
            button type="submit" { (viewer.say("查找", "Find")) }
        }
    }
}

/// A table of cards.
pub(super) fn list(viewer: &Viewer<'_>, cards: &[Card]) -> Markup {
    let say = |zh, en| viewer.say(zh, en);
    let heads = [
        (say("卡号", "Card"), false),
        (say("状态", "State"), false),
        (say("发卡日期", "Issued"), false),
        (say("有效期", "Valid until"), false),
    ];
    let rows: Vec<_> = cards
        .iter()
        .map(|card| {
            let number = &card.card_number;
            vec![
                link(&address(number), number),
                card_state(viewer, &card.state),
                cell(&card.issue_date),
                cell(&card.valid_until),
            ]
        })
        .collect();
    table(&heads, None, &rows)
}

/// Where a card is, as stock has it.
#[derive(Clone, Debug, Default)]
pub struct Custody {
    /// State and place; none of a card that stock does not know.
    pub held: Option<Holding>,
    /// Where it may be taken in.
    pub places: Vec<Place>,
}

/// One card.
#[must_use]
pub fn page(viewer: &Viewer<'_>, file: &CardFile, moves: &[Moved], custody: &Custody) -> Markup {
    let say = |zh, en| viewer.say(zh, en);
    let Card { card_number, card_identifier, person, profile, issue_date, valid_until, state, .. } = &file.card;
    let identifier = card_identifier.to_string();
    let handed_out = custody.held.as_ref().is_some_and(|held| held.state == StockState::HandedOut.name());
    let out_of_hands = matches!(LifeState::of_name(state), Some(LifeState::Sealed | LifeState::Cancelled));
    let takes_in = handed_out && out_of_hands;
    let places: Vec<(String, String)> =
        custody.places.iter().map(|place| (place.code.clone(), format!("{} {}", place.code, place.title))).collect();
    html! {
        p { (card_state(viewer, state)) " "
            @if file.blacklisted { span.tag.bad { (say("在黑名单上", "on the blacklist")) } " " }
            @if let Some(day) = &file.release_on { span.tag.warn { (say("自动解除", "released by itself on")) " " (day) } }
        }
        (facts(&[
            (say("卡识别码", "Identifier"), &identifier), (say("卡类型", "Type"), profile), (say("发卡日期", "Issued"), issue_date),
            (say("有效期", "Valid until"), valid_until), (say("补换自", "In the place of"), &file.replaces.join(" ")),
            (say("已由此卡替换", "Replaced by"), file.replaced_by.as_deref().unwrap_or("")),
        ]))
        p { (link(&super::people::address(*person), say("持卡人", "The holder"))) }
        @if let Some(held) = &custody.held {
            p { (say("库存", "Stock")) " " (viewer.state(&StockState::TABLE, &held.state)) " " (held.place) }
        }
        @if viewer.may(MOVE.command) { (acts(viewer, card_number, state)) }
        @let known = LifeState::of_name(state);
        div.acts {
            @if known == Some(LifeState::Sealed) { (viewer.form(&HAND_OUT, card_number, &[])) }
            @if takes_in { (viewer.form(&TAKE_IN, card_number, &[("place", Known::Among(&places))])) }
            @if known == Some(LifeState::Normal) { (viewer.form(&super::counter::PIN, card_number, &[])) }
            @if matches!(known, Some(LifeState::Sealed | LifeState::Normal)) { (viewer.form(&FACE, card_number, &[])) }
        }
        @if viewer.may(super::people::ASK.command) {
            p { (link(&super::people::address(*person), say("补换卡申请在持卡人页面提出", "Ask for a replacement on the holder's page"))) }
        }
        h2 { (say("经过", "What happened to it")) }
        @if moves.is_empty() { (none(say("还没有变动。", "Nothing yet."))) } @else { (history(viewer, moves)) }
    }
}

/// One side of a card as it is printed: PNG.
#[must_use]
pub fn face(viewer: &Viewer<'_>, number: &str, image: &[u8]) -> Markup {
    html! {
        p { span.tag.warn { (viewer.say("已显示卡面，已记入审计", "shown, and on record")) } }
        img.face src={ "data:image/png;base64," (STANDARD.encode(image)) } alt=(viewer.say("卡面", "face of the card"));
        p { (link(&address(number), number)) }
    }
}

/// Moves offered: name in the form, words in both languages.
type Offer = (&'static str, &'static str, &'static str);

const ACTIVATE: Offer = ("activate", "启用", "Activate");
const TEMPORARY: Offer = ("temporary-loss", "临时挂失", "Report a loss (temporary)");
const FORMAL: Offer = ("formal-loss", "正式挂失", "Report a loss (formal)");
const RELEASE: Offer = ("release", "解除挂失", "Release");
const LOCK: Offer = ("lock", "锁定应用", "Lock");
const UNLOCK: Offer = ("unlock", "解锁", "Unlock");
const CANCEL: Offer = ("cancel", "注销", "Cancel");

/// The words of a move by its name in the form: Chinese, English.
#[must_use]
pub fn offer(step: &str) -> Option<(&'static str, &'static str)> {
    let all = [ACTIVATE, TEMPORARY, FORMAL, RELEASE, LOCK, UNLOCK, CANCEL];
    all.into_iter().find(|(name, ..)| *name == step).map(|(_, zh, en)| (zh, en))
}

fn acts(viewer: &Viewer<'_>, number: &str, state: &str) -> Markup {
    let offers: &[Offer] = match LifeState::of_name(state) {
        Some(LifeState::Sealed) => &[ACTIVATE, CANCEL],
        Some(LifeState::Normal) => &[TEMPORARY, FORMAL, LOCK, CANCEL],
        Some(LifeState::TemporaryLoss) => &[RELEASE, FORMAL, CANCEL],
        Some(LifeState::FormalLoss) => &[RELEASE, CANCEL],
        Some(LifeState::Locked) => &[UNLOCK, FORMAL, CANCEL],
        Some(LifeState::Cancelled) | None => return html! {},
    };
    let offers: Vec<(String, String)> =
        offers.iter().map(|(name, zh, en)| ((*name).to_owned(), viewer.say(zh, en).to_owned())).collect();
    html! {
        h2 { (viewer.say("办理", "Acts")) }
        (viewer.open_form(&MOVE, number, &[("step", Known::Among(&offers))]))
    }
}

fn history(viewer: &Viewer<'_>, moves: &[Moved]) -> Markup {
    let say = |zh, en| viewer.say(zh, en);
    let heads = [
        (say("时间（北京时间）", "At (UTC+8)"), false),
        (say("由", "From"), false),
        (say("至", "To"), false),
        (say("经办人", "By"), false),
        (say("理由", "Reason"), false),
    ];
    let rows: Vec<_> = moves
        .iter()
        .map(|moved| {
            vec![
                cell(super::minute(&moved.moved_at)),
                card_state(viewer, &moved.from),
                card_state(viewer, &moved.to),
                cell(&moved.operator),
                cell(&moved.reason),
            ]
        })
        .collect();
    table(&heads, None, &rows)
}
