//! What people say about a card or a person: no name gets into the log, and what was done is what is told.

use std::process::Command;

use serde_json::Value;

use crate::desk::{CLERK, Desk, MAKER};

/// What a person reads.
fn told(desk: &Desk, lang: &str, operator: &str, arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_issuer"))
        .args(["--lang", lang, "--operator", operator, "--data"])
        .arg(desk.data())
        .args(arguments)
        .output()
        .expect("the program starts");
    String::from_utf8(output.stdout).expect("text")
}

/// Everybody at the desk is called `样例`.
const REASONS: [&str; 4] = ["样例 pin", "挂失（样 例）", "card of 样·例.", "样例"];

#[test]
fn no_reason_says_who_it_is_about_whatever_the_act_is() {
    let mut desk = Desk::new(3);
    let [first, second, third] = [1, 2, 3].map(|n| desk.number(n));
    desk.ok(CLERK, &["card", "activate", &first, &second, &third]);
    desk.ok(CLERK, &["card", "report-loss", "--formal", &third, "--reason", "lost"]);
    desk.ok(MAKER, &["person", "death", "2", "--on", "20260301", "--reason", "certificate seen"]);
    let request = desk.ok(MAKER, &["request", "new", "--person", "3", "--kind", "lost"]);
    let request = request["number"].to_string();
    let chip = desk.centre().store.read(|tx| tx.card_by_number(&first)).expect("read").expect("a card");
    let (first, chip) = (first.as_str(), chip.card_identifier.to_string());
    let acts: [(&str, &[&str]); 10] = [
        (CLERK, &["card", "lock", first]),
        (CLERK, &["card", "report-loss", first, "--temporary"]),
        (CLERK, &["card", "report-loss", first, "--formal"]),
        (CLERK, &["card", "cancel", first]),
        (CLERK, &["pin", "reset", first]),
        (CLERK, &["pin", "unblock", first]),
        ("ma", &["blacklist", "add", &chip]),
        (MAKER, &["person", "death", "2", "--withdraw"]),
        (MAKER, &["person", "death", "1", "--on", "20260301"]),
        (MAKER, &["request", "withdraw", &request]),
    ];
    let before = desk.audit_records();
    for (operator, act) in acts {
        for reason in REASONS {
            let line = [act, &["--reason", reason]].concat();
            assert_eq!(desk.refused(operator, &line, 1), "REASON_UNFIT", "{line:?}");
        }
    }
    assert_eq!((desk.audit_records(), desk.state(first).as_str()), (before, "normal"));
    // Words that say nobody's name are taken, and one who can see no names cannot say such words.
    desk.ok(CLERK, &["card", "lock", first, "--reason", "持卡人来电"]);
    let kept = desk.data().join("rehearsal.passphrase");
    std::fs::rename(&kept, kept.with_extension("away")).expect("away");
    assert_eq!(desk.refused(CLERK, &["card", "unlock", first, "--reason", "样例"], 1), "PASSPHRASE_MISSING");
    desk.ok(CLERK, &["card", "unlock", first, "--reason", "found again"]);
}

#[test]
fn a_withdrawn_death_is_told_as_withdrawn() {
    let mut desk = Desk::new(1);
    let number = desk.number(1);
    desk.ok(CLERK, &["card", "activate", &number]);
    desk.ok(MAKER, &["person", "death", "1", "--on", "20260301", "--reason", "certificate seen"]);
    let answer = desk.ok(MAKER, &["person", "death", "1", "--withdraw", "--reason", "mistaken identity"]);
    assert_eq!((&answer["withdrawn"], &answer["died_on"]), (&Value::from("20260301"), &Value::Null));
    assert_eq!(answer["cancelled"][0], number.as_str());
    for (lang, words) in [("en", "withdrawn"), ("zh", "已撤回")] {
        desk.ok(MAKER, &["person", "death", "1", "--on", "20260301", "--reason", "certificate seen"]);
        let withdraw = ["person", "death", "1", "--withdraw", "--reason", "mistake"];
        let text = told(&desk, lang, MAKER, &withdraw);
        assert!(text.contains(words) && !text.contains("died"), "{text}");
    }
}

#[test]
fn the_cards_of_a_person_are_found_from_the_person() {
    let mut desk = Desk::new(2);
    let (mine, other) = (desk.number(2), desk.number(1));
    desk.ok(CLERK, &["card", "activate", &mine]);
    let listed = desk.ok(CLERK, &["card", "list", "--person", "2"]);
    let numbers: Vec<&Value> =
        listed["cards"].as_array().expect("cards").iter().map(|card| &card["card_number"]).collect();
    assert_eq!(numbers, [mine.as_str()]);
    let shown = desk.ok(CLERK, &["person", "show", "2"]);
    assert_eq!(
        (&shown["cards"][0]["card_number"], &shown["cards"][0]["state"]),
        (&mine.as_str().into(), &"normal".into())
    );
    let text = told(&desk, "en", CLERK, &["person", "show", "2"]);
    assert!(text.contains(&mine) && text.contains("normal") && !text.contains(&other), "{text}");
    assert_eq!(desk.refused(CLERK, &["card", "list", "--person", "77"], 2), "PERSON_NOT_FOUND");
}
