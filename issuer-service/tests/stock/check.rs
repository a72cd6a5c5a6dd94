//! `issuer stock check` finds what was changed behind the program's back, and names it.

use std::process::Command;

use serde_json::Value;

use crate::ask::ask;
use crate::boxes::{KEEPER, OTHER, stocked};
use crate::desk::Desk;

fn moved() -> Desk {
    let desk = stocked(1);
    desk.ok(KEEPER, &["stock", "issue", "B1", "--to", "S1", "--cards", "40"]);
    desk.ok(KEEPER, &["stock", "damage", "B1", "--cards", "3", "--reason", "bent"]);
    desk.ok(KEEPER, &["stock", "condemn", "--box", "B1", "--cards", "3", "--reason", "bent"]);
    desk.ok(OTHER, &["stock", "destroy", "D-1"]);
    desk
}

/// What the check says, as kinds of difference; its exit code must go with it.
fn found(desk: &Desk) -> Vec<String> {
    let output = desk.run(KEEPER, &["stock", "check"]);
    let check: Value = serde_json::from_slice(&output.stdout).expect("a check");
    let list = check["differences"].as_array().expect("a list");
    assert_eq!(output.status.code(), Some(if list.is_empty() { 0 } else { 7 }), "{check}");
    list.iter().map(|difference| difference["difference"].as_str().expect("a kind").to_owned()).collect()
}

#[test]
fn an_untouched_stock_agrees_with_its_journal() {
    assert!(found(&moved()).is_empty());
}

#[test]
fn every_row_that_is_changed_behind_its_back_is_named() {
    for (damage, kinds) in [
        ("UPDATE stock SET cards = cards + 1 WHERE state = 'issued'", &["held", "lot"][..]),
        ("DELETE FROM stock WHERE state = 'destroyed'", &["held", "lot"]),
        ("UPDATE stock SET state = 'missing' WHERE state = 'blank'", &["held", "held"]),
        ("UPDATE stock SET place = 'S1' WHERE state = 'blank'", &["held", "held"]),
        ("UPDATE stock SET lot = 'L9' WHERE state = 'blank'", &["lot", "lot"]),
        ("UPDATE stock_journal SET cards = cards - 1 WHERE move = 'Issue'", &["held", "held"]),
        ("UPDATE stock_journal SET move = 'Count' WHERE move = 'Issue'", &["no-move"]),
        ("UPDATE stock_journal SET to_state = 'finished' WHERE move = 'Issue'", &["no-move", "held", "held"]),
        ("DELETE FROM stock_journal WHERE move = 'Damage'", &["gap", "held", "held"]),
        ("DELETE FROM stock_journal WHERE move = 'Destroy'", &["cut-off", "held", "held"]),
        // Both sides alike: only the audit log still knows.
        (
            "DELETE FROM stock_journal WHERE move = 'Destroy'; UPDATE stock SET state = 'condemned' WHERE state = 'destroyed'",
            &["cut-off"],
        ),
        (
            "INSERT INTO stock VALUES ('card:A99999990', 'finished', 'S1', 'L7', 1, ''); INSERT INTO stock_journal
             VALUES (7, '', 'Enter', 'L7', 1, NULL, NULL, NULL, 'card:A99999990', 'finished', 'S1', 'x', '')",
            &["card"],
        ),
        ("UPDATE card_number SET state = 'free' WHERE state = 'used'", &["record"]),
        ("PRAGMA foreign_keys = OFF; UPDATE card SET person = 2", &["record"]),
    ] {
        let desk = moved();
        ask(&desk.data(), damage).expect(damage);
        assert_eq!(found(&desk), kinds, "{damage}");
    }
}

#[test]
fn a_difference_is_told_in_words_with_box_state_place_and_both_counts() {
    let desk = moved();
    ask(&desk.data(), "UPDATE stock SET cards = 39 WHERE state = 'issued'").expect("damaged");
    for (lang, line) in [
        ("en", "  box B1, issued at S1: 40 by the journal, 39 held"),
        ("zh", "  箱 B1，已领用，在 S1: 流水为 40 张，账上 39 张"),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_issuer"))
            .arg("--data")
            .arg(desk.data())
            .args(["--lang", lang, "stock", "check"])
            .output()
            .expect("the program starts");
        let told = String::from_utf8(output.stdout).expect("text");
        assert!(told.lines().any(|told| told == line), "{told}");
    }
}
