//! Cards as things: where they are, who keeps them, and what is done with them.
//!
//! Owns: the forms of the stock, in the order of a card's way. Never: decides what may be moved.

use maud::{Markup, html};

use super::form::{Entry, Field, Form, Known, REASON};
use super::{Viewer, cell, minute, none, table};
use crate::stock::place::Place;
use crate::stock::{Overview, StockState};

const BOX: Field = Field { name: "box", label: ("卡盒", "Box"), entry: Entry::Line(32) };
const CARDS: Field = Field { name: "cards", label: ("张数", "Cards"), entry: Entry::Count };
const AT: Field = Field { name: "place", label: ("地点", "Place"), entry: Entry::Pick };
const PARCEL: Field =
    Field { name: "parcel", label: ("卡箱（如 P-1）", "Parcel (such as P-1)"), entry: Entry::Line(32) };
const CARRIER: Field = Field { name: "carrier", label: ("承运人", "Carrier"), entry: Entry::Line(60) };
const NUMBERS: Field =
    Field { name: "numbers", label: ("卡号，每行一个", "Card numbers, one a line"), entry: Entry::Lines(8000) };
/// Of a box so many, or cards by number.
const OF_BOX: Field =
    Field { name: "box", label: ("卡盒（空白卡）", "Box (of blank cards)"), entry: Entry::Maybe(32) };
const SO_MANY: Field = Field { name: "cards", label: ("其中张数", "So many of it"), entry: Entry::Maybe(9) };
const OR_NUMBERS: Field = Field {
    name: "numbers",
    label: ("或卡号，每行一个", "Or card numbers, one a line"),
    entry: Entry::MaybeLines(8000),
};

macro_rules! forms {
    ($($name:ident: $path:literal $command:literal ($zh:literal, $en:literal) [$($field:expr),*];)*) => {
        $(
            #[doc = concat!($zh, ".")]
            pub const $name: Form = Form {
                path: concat!("/console/stock/", $path),
                command: concat!("stock ", $command),
                title: ($zh, $en),
                fields: &[$($field),*],
            };
        )*
        /// In the order of the page.
        const ALL: &[Form] = &[$($name),*];
    };
}

forms! {
    PLACE: "place" "place add" ("登记地点", "Add a place") [
        Field { name: "code", label: ("代码", "Code"), entry: Entry::Line(32) },
        Field { name: "kind", label: ("种类", "Kind"), entry: Entry::Choice(&[
            ("outlet", "网点", "outlet"), ("station", "制卡站", "station"), ("store", "库房", "store"),
        ]) },
        Field { name: "title", label: ("名称", "Title"), entry: Entry::Maybe(60) },
        Field { name: "keeper", label: ("保管人", "Keeper"), entry: Entry::Line(32) },
        Field { name: "change", label: ("更改已有的地点", "Change one that is there"), entry: Entry::Tick }
    ];
    RECEIVE: "receive" "receive" ("到货", "Receive a box") [
        BOX, Field { name: "lot", label: ("批号", "Lot"), entry: Entry::Line(32) }, CARDS
    ];
    COUNT: "count" "count" ("清点卡盒", "Count a box") [
        BOX, CARDS, AT, Field { name: "reason", label: ("不符时的理由", "Reason, when it differs"), entry: Entry::Maybe(200) }
    ];
    ISSUE: "issue" "issue" ("领用到制卡站", "Issue to a station") [BOX, AT, SO_MANY];
    TAKE_BACK: "take-back" "take-back" ("从制卡站收回（清点全部）", "Take back from a station (all of them, counted)") [BOX, AT, CARDS];
    DAMAGE: "damage" "damage" ("损坏的空白卡", "Damaged blanks") [BOX, AT, CARDS, REASON];
    ADOPT: "adopt" "adopt" ("成卡入库", "Take finished cards in") [
        Field { name: "batch", label: ("批次", "Batch"), entry: Entry::Count }
    ];
    PACK: "pack" "pack" ("装箱", "Pack a parcel") [
        AT, Field { name: "batch", label: ("整个批次", "A whole batch"), entry: Entry::Maybe(9) }, OR_NUMBERS
    ];
    UNPACK: "unpack" "unpack" ("拆箱", "Unpack a parcel") [PARCEL];
    DISPATCH: "dispatch" "dispatch" ("发运", "Dispatch a parcel") [PARCEL, CARRIER];
    ACCEPT: "accept" "accept" ("签收", "Accept a parcel") [
        PARCEL,
        Field { name: "numbers", label: ("清点到的卡号，每行一个；空着表示与清单全部相符", "Card numbers that were found, one a line; empty when all of the list are there"), entry: Entry::MaybeLines(8000) },
        Field { name: "undelivered", label: ("承运人未能送达，退回库房开箱", "The carrier could not deliver it: it is opened in the store"), entry: Entry::Tick }
    ];
    SEND_BACK: "send-back" "send-back" ("退回中心", "Send back to the centre") [
        AT, Field { name: "numbers", label: ("卡号，每行一个；空着表示全部逾期未领的", "Card numbers, one a line; empty for all that were not collected in time"), entry: Entry::MaybeLines(8000) }, CARRIER
    ];
    LOSE: "lose" "lose" ("登记丢失", "Report cards missing") [AT, OF_BOX, SO_MANY, OR_NUMBERS, STATE, REASON];
    FIND: "find" "find" ("丢失的找到了", "Missing cards are found") [OF_BOX, SO_MANY, OR_NUMBERS, REASON];
    CONDEMN: "condemn" "condemn" ("装入销毁袋", "Condemn cards") [OF_BOX, SO_MANY, OR_NUMBERS, REASON];
    DESTROY: "destroy" "destroy" ("销毁（由另一人）", "Destroy a sack (another operator)") [
        Field { name: "sack", label: ("销毁袋（如 D-1）", "Sack (such as D-1)"), entry: Entry::Line(32) }
    ];
}

/// Which of a box's cards, where some are of one state and some of another.
const STATE: Field = Field {
    name: "state",
    label: ("卡盒中卡的状态", "State of the box's cards"),
    entry: Entry::Choice(&[
        ("", "只有一种", "there is only one"),
        ("blank", "空白在库", "blank"),
        ("issued", "已领用", "issued"),
        ("spoilt", "废卡", "spoilt"),
    ]),
};

/// 盘点: cards of a place, by number.
pub const INVENTORY: Form = Form {
    path: "/console/stock/inventory",
    command: "stock inventory",
    title: ("盘点成卡", "Take stock of cards"),
    fields: &[
        AT,
        NUMBERS,
        Field { name: "reason", label: ("不符时的理由", "Reason, when it differs"), entry: Entry::Maybe(200) },
    ],
};

/// Where cards are, and what is done with them.
#[must_use]
pub fn page(viewer: &Viewer<'_>, overview: &Overview, places: &[Place]) -> Markup {
    let say = |zh, en| viewer.say(zh, en);
    let heads = [
        (say("地点", "Place"), false),
        (say("保管人", "Keeper"), false),
        (say("状态", "State"), false),
        (say("批号", "Lot"), false),
        (say("卡", "Cards"), true),
        (say("自（北京时间）", "Since (UTC+8)"), false),
    ];
    let mut rows = Vec::new();
    for custody in &overview.places {
        for held in &custody.held {
            rows.push(vec![
                cell(format!("{} {}", custody.place.code, custody.place.title)),
                cell(&custody.place.keeper),
                viewer.state(&StockState::TABLE, &held.state),
                cell(&held.lot),
                cell(held.cards),
                cell(minute(&held.since)),
            ]);
        }
    }
    let among: Vec<(String, String)> =
        places.iter().map(|place| (place.code.clone(), format!("{} {}", place.code, place.title))).collect();
    html! {
        @if rows.is_empty() { (none(say("库存为空。", "The stock is empty."))) } @else { (table(&heads, None, &rows)) }
        @if ALL.iter().any(|form| viewer.may(form.command)) { h2 { (say("办理", "Acts")) } }
        div.acts {
            @for form in ALL.iter().chain([&INVENTORY]) { (viewer.form(form, "", &[("place", Known::Among(&among))])) }
        }
    }
}
