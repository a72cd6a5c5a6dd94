//! Boxes of blank cards by the program: counted, issued, damaged, lost, found, destroyed by two people.

use issuer_service::operator::Role;
use issuer_service::store::StoreError;
use serde_json::Value;

use crate::desk::{CLERK, Desk};

pub(crate) const KEEPER: &str = "gao";
pub(crate) const OTHER: &str = "he";

/// A centre with two keepers of stock, a station and a box of 100 counted.
pub(crate) fn stocked(people: u32) -> Desk {
    let mut desk = Desk::new(people);
    let keepers = |tx: &issuer_service::store::Tx<'_>| -> Result<(), StoreError> {
        [KEEPER, OTHER].iter().try_for_each(|name| tx.add_operator(name, &[Role::Stock]))
    };
    desk.centre().store.journal(keepers).expect("keepers");
    desk.ok(KEEPER, &["stock", "place", "add", "S1", "--kind", "station", "--keeper", "sun"]);
    desk.ok(KEEPER, &["stock", "receive", "B1", "--lot", "L7", "--cards", "100"]);
    desk.ok(KEEPER, &["stock", "count", "B1", "--cards", "100"]);
    desk
}

/// Cards by state of a result with holdings.
fn states(result: &Value) -> Vec<(String, u64)> {
    let holdings = result["holdings"].as_array().expect("holdings");
    holdings
        .iter()
        .map(|held| (held["state"].as_str().expect("a state").to_owned(), held["cards"].as_u64().expect("cards")))
        .collect()
}

fn is(expected: &[(&str, u64)]) -> Vec<(String, u64)> {
    expected.iter().map(|(state, cards)| ((*state).to_owned(), *cards)).collect()
}

fn differences(desk: &Desk) -> usize {
    let found: Value = serde_json::from_slice(&desk.run(KEEPER, &["stock", "check"]).stdout).expect("a check");
    found["differences"].as_array().expect("a list").len()
}

#[test]
fn a_box_that_holds_fewer_cards_than_its_papers_say_has_them_missing_and_more_come_in() {
    let desk = stocked(1);
    desk.ok(KEEPER, &["stock", "receive", "B2", "--lot", "L7", "--cards", "50"]);
    assert_eq!(desk.refused(KEEPER, &["stock", "receive", "B2", "--lot", "L7", "--cards", "50"], 3), "STOCK_BOX_KNOWN");
    assert_eq!(desk.refused(KEEPER, &["stock", "issue", "B2", "--to", "S1"], 3), "STOCK_NOT_COUNTED");
    let counted = desk.ok(KEEPER, &["stock", "count", "B2", "--cards", "48"]);
    assert_eq!(states(&counted), is(&[("blank", 48), ("missing", 2)]));
    assert_eq!((&counted["stated"], &counted["counted"], &counted["first"]), (&50.into(), &48.into(), &true.into()));
    assert_eq!(desk.refused(KEEPER, &["stock", "count", "B2", "--cards", "50"], 1), "REASON_MISSING");
    let found = desk.ok(KEEPER, &["stock", "find", "--box", "B2", "--cards", "1", "--reason", "under the paper"]);
    assert_eq!(states(&found), is(&[("blank", 49), ("missing", 1)]));
    desk.ok(KEEPER, &["stock", "receive", "B3", "--lot", "L8", "--cards", "50"]);
    let counted = desk.ok(KEEPER, &["stock", "count", "B3", "--cards", "51"]);
    assert_eq!(states(&counted), is(&[("blank", 51)]));
    desk.ok(KEEPER, &["stock", "receive", "B4", "--lot", "L8", "--cards", "5"]);
    assert_eq!(states(&desk.ok(KEEPER, &["stock", "count", "B4", "--cards", "0"])), is(&[("missing", 5)]));
    assert_eq!(differences(&desk), 0);
}

#[test]
fn what_a_station_was_given_is_with_it_until_it_is_used_damaged_counted_back_or_missed() {
    let desk = stocked(1);
    assert_eq!(desk.refused(KEEPER, &["stock", "issue", "B1", "--to", "S1", "--cards", "101"], 3), "STOCK_NOT_HELD");
    assert_eq!(desk.refused(KEEPER, &["stock", "issue", "B1", "--to", "S9"], 2), "STOCK_PLACE_NOT_FOUND");
    assert_eq!(desk.refused(KEEPER, &["stock", "issue", "B1", "--to", "store"], 3), "STOCK_PLACE_KIND");
    assert_eq!(desk.refused(KEEPER, &["stock", "issue", "B9", "--to", "S1"], 2), "STOCK_UNKNOWN");
    assert_eq!(desk.refused(CLERK, &["stock", "issue", "B1", "--to", "S1"], 3), "OPERATOR_ROLE_MISSING");
    desk.ok(KEEPER, &["stock", "issue", "B1", "--to", "S1", "--cards", "40"]);
    desk.ok(KEEPER, &["stock", "damage", "B1", "--at", "S1", "--cards", "3", "--reason", "bent in the feeder"]);
    // A spoilt one is gone: which kind is not guessed.
    let lost = ["stock", "lose", "--box", "B1", "--cards", "1", "--at", "S1", "--reason", "not in the bin"];
    assert_eq!(desk.refused(KEEPER, &lost, 1), "STOCK_STATE_NEEDED");
    let gone = desk.ok(KEEPER, &[&lost[..], &["--state", "spoilt"]].concat());
    assert_eq!(states(&gone), is(&[("blank", 60), ("issued", 37), ("missing", 1), ("spoilt", 2)]));
    let found = ["stock", "find", "--box", "B1", "--cards", "1", "--reason", "in the other bin"];
    desk.ok(KEEPER, &found);
    let back = desk.ok(KEEPER, &["stock", "take-back", "B1", "--from", "S1", "--cards", "36"]);
    assert_eq!(states(&back), is(&[("blank", 97), ("missing", 1), ("spoilt", 2)]));
    assert_eq!(
        desk.refused(KEEPER, &["stock", "take-back", "B1", "--from", "S1", "--cards", "0"], 3),
        "STOCK_NOT_HELD"
    );
    let shown = desk.ok(KEEPER, &["stock", "show", "--place", "S1"]);
    assert_eq!(shown["places"][0]["keeper"], "sun");
    assert_eq!(shown["places"][0]["held"].as_array().expect("a list").len(), 2, "{shown}");
    assert_eq!(differences(&desk), 0);
}

#[test]
fn more_cards_than_stock_knows_cannot_come_back_from_a_station() {
    let desk = stocked(1);
    desk.ok(KEEPER, &["stock", "issue", "B1", "--to", "S1", "--cards", "5"]);
    assert_eq!(
        desk.refused(KEEPER, &["stock", "take-back", "B1", "--from", "S1", "--cards", "6"], 3),
        "STOCK_NOT_HELD"
    );
    assert_eq!(differences(&desk), 0);
}

#[test]
fn nobody_destroys_alone_and_nothing_twice() {
    let desk = stocked(1);
    desk.ok(KEEPER, &["stock", "damage", "B1", "--cards", "2", "--reason", "wet"]);
    let sack = desk.ok(KEEPER, &["stock", "condemn", "--box", "B1", "--cards", "5", "--reason", "wet box"]);
    let code = sack["code"].as_str().expect("a code");
    assert_eq!(sack["holdings"][0]["cards"], 5);
    assert_eq!(desk.refused(KEEPER, &["stock", "destroy", code], 3), "STOCK_SAME_HANDS");
    assert_eq!(desk.refused(CLERK, &["stock", "destroy", code], 3), "OPERATOR_ROLE_MISSING");
    let gone = desk.ok(OTHER, &["stock", "destroy", code]);
    assert_eq!((&gone["holdings"][0]["state"], &gone["closed_by"]), (&"destroyed".into(), &OTHER.into()));
    assert_eq!(desk.refused(OTHER, &["stock", "destroy", code], 3), "STOCK_CLOSED");
    assert_eq!(desk.refused(OTHER, &["stock", "destroy", "S1"], 3), "STOCK_PLACE_KIND");
    let trail = desk.ok(KEEPER, &["stock", "history", "--box", "B1"]);
    let names: Vec<&str> = trail["entries"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|entry| entry["move"].as_str().expect("a name"))
        .collect();
    assert_eq!(names, ["Enter", "Count", "Damage", "Condemn", "CondemnBlank", "Destroy"]);
    assert!(
        crate::ask::ask(&desk.data(), &format!("UPDATE stock_place SET closed_by = made_by WHERE code = '{code}'"))
            .is_err()
    );
    assert_eq!(differences(&desk), 0);
}

#[test]
fn names_counts_and_reasons_that_make_no_sense_are_refused_and_change_nothing() {
    let desk = stocked(1);
    let before = desk.ok(KEEPER, &["stock", "show"]);
    for (arguments, exit, code) in [
        (&["stock", "receive", "a b", "--lot", "L", "--cards", "1"][..], 1, "STOCK_NAME_UNFIT"),
        (&["stock", "receive", "", "--lot", "L", "--cards", "1"], 1, "STOCK_NAME_UNFIT"),
        (&["stock", "receive", "B:2", "--lot", "L", "--cards", "1"], 1, "STOCK_NAME_UNFIT"),
        (&["stock", "receive", "B2", "--lot", "L\u{7}", "--cards", "1"], 1, "STOCK_NAME_UNFIT"),
        (&["stock", "receive", "B2", "--lot", "L", "--cards", "0"], 1, "STOCK_TOO_MANY"),
        (&["stock", "receive", "B2", "--lot", "L", "--cards", "18446744073709551615"], 1, "STOCK_TOO_MANY"),
        (&["stock", "damage", "B1", "--cards", "1", "--reason", " "], 1, "REASON_MISSING"),
        (&["stock", "lose", "--card", "A00000011", "--at", "store", "--reason", "x"], 2, "STOCK_UNKNOWN"),
        (&["stock", "lose", "--box", "B1", "--cards", "101", "--at", "store", "--reason", "x"], 3, "STOCK_NOT_HELD"),
        (&["stock", "lose", "--box", "B1", "--cards", "1", "--at", "S1", "--reason", "x"], 3, "STOCK_NO_MOVE"),
        (&["stock", "find", "--box", "B1", "--cards", "1", "--reason", "x"], 3, "STOCK_NOT_HELD"),
        (&["stock", "place", "add", "store", "--kind", "outlet", "--keeper", "x"], 3, "STOCK_PLACE_TAKEN"),
        (&["stock", "history", "--box", "B9"], 2, "STOCK_UNKNOWN"),
    ] {
        assert_eq!(desk.refused(KEEPER, arguments, exit), code, "{arguments:?}");
    }
    assert_eq!(desk.ok(KEEPER, &["stock", "show"]), before);
}

#[test]
fn a_box_is_counted_again_in_the_store_and_at_a_station_and_every_difference_has_its_reason() {
    let desk = stocked(1);
    let again = |cards: &str, at: &str, reason: &str| {
        desk.ok(KEEPER, &["stock", "count", "B1", "--cards", cards, "--at", at, "--reason", reason])
    };
    desk.ok(KEEPER, &["stock", "issue", "B1", "--to", "S1", "--cards", "40"]);
    assert_eq!(states(&again("60", "store", "")), is(&[("blank", 60), ("issued", 40)]));
    let short = again("57", "store", "yearly stocktaking");
    assert_eq!(states(&short), is(&[("blank", 57), ("issued", 40), ("missing", 3)]));
    assert_eq!((&short["stated"], &short["first"]), (&60.into(), &false.into()));
    // Two of them turn up in the hopper, and one that nobody ever counted.
    assert_eq!(states(&again("42", "S1", "in the hopper")), is(&[("blank", 57), ("issued", 42), ("missing", 1)]));
    assert_eq!(states(&again("44", "S1", "behind the feeder")), is(&[("blank", 57), ("issued", 44)]));
    assert_eq!(states(&again("43", "S1", "fell down")), is(&[("blank", 57), ("issued", 43), ("missing", 1)]));
    assert_eq!(
        desk.refused(KEEPER, &["stock", "count", "B1", "--cards", "1", "--at", "S9"], 2),
        "STOCK_PLACE_NOT_FOUND"
    );
    assert_eq!(desk.refused(KEEPER, &["stock", "count", "B9", "--cards", "1"], 2), "STOCK_UNKNOWN");
    let trail = desk.ok(KEEPER, &["stock", "history", "--box", "B1"]);
    let entries = trail["entries"].as_array().expect("a list");
    let booked =
        entries.iter().filter(|entry| entry["reason"].as_str().is_some_and(|text| text.contains("in the hopper")));
    assert_eq!(booked.count(), 2, "found, and issued: {trail}");
    assert_eq!(differences(&desk), 0);
}

#[test]
fn a_place_that_is_there_keeps_its_keeper_until_somebody_says_otherwise() {
    let desk = stocked(1);
    let add = ["stock", "place", "add", "S1", "--kind", "station", "--keeper"];
    desk.ok(KEEPER, &[&add[..], &["sun"]].concat());
    assert_eq!(desk.refused(KEEPER, &[&add[..], &["ma"]].concat(), 3), "STOCK_PLACE_KNOWN");
    assert_eq!(desk.ok(KEEPER, &["stock", "show", "--place", "S1"])["places"][0]["keeper"], "sun");
    desk.ok(KEEPER, &[&add[..], &["ma", "--change"]].concat());
    assert_eq!(desk.ok(KEEPER, &["stock", "show", "--place", "S1"])["places"][0]["keeper"], "ma");
    // The store has no keeper at first.
    desk.ok(KEEPER, &["stock", "place", "add", "store", "--kind", "store", "--keeper", "gao"]);
    let again = ["stock", "place", "add", "store", "--kind", "store", "--keeper", "he"];
    assert_eq!(desk.refused(KEEPER, &again, 3), "STOCK_PLACE_KNOWN");
}
