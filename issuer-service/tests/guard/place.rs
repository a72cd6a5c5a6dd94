//! A database, configuration or vault that is not this centre's.

use std::fs;

use crate::bench::Bench;

const ADD: [&str; 5] = ["operator", "add", "zhou", "--role", "stock"];

/// Whether the tests run on a server.
fn on_server() -> bool {
    std::env::var_os("ISSUER_TEST_POSTGRES").is_some()
}

fn rewrite(bench: &Bench, from: &str, to: &str) {
    let path = bench.data().join("centre.toml");
    let text = fs::read_to_string(&path).expect("configuration");
    assert!(text.contains(from), "{text}");
    fs::write(path, text.replacen(from, to, 1)).expect("rewritten");
}

#[test]
fn a_database_that_is_gone_or_empty_is_damage_and_no_new_centre() {
    let bench = Bench::new();
    if on_server() {
        bench.ask("DO $$ BEGIN EXECUTE 'DROP SCHEMA ' || current_schema() || ' CASCADE; CREATE SCHEMA ' || current_schema(); END $$");
        bench.refused(&ADD, "DATABASE_DAMAGED", 9);
        assert_eq!(
            bench.ask("SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = current_schema()")[0][0],
            "0"
        );
        return;
    }
    let database = bench.data().join("centre.db");
    for log in ["centre.db-wal", "centre.db-shm"] {
        let _ = fs::remove_file(bench.data().join(log));
    }
    fs::write(&database, "").expect("emptied");
    for words in [&ADD[..], &["audit", "verify"], &["number", "fill", "3", "--operator", "x"]] {
        bench.refused(words, "DATABASE_DAMAGED", 9);
    }
    assert_eq!(fs::metadata(&database).expect("there").len(), 0, "nothing was made in it");
    fs::remove_file(&database).expect("gone");
    bench.refused(&ADD, "DATABASE_DAMAGED", 9);
    assert!(!database.exists());
    // With the rest of a centre there, `init` makes none either.
    fs::remove_file(bench.data().join("centre.toml")).expect("gone");
    for left in ["centre.vault", "centre.datakeys", "audit.anchor"] {
        bench.refused(&bench.init(), "CENTRE_EXISTS", 3);
        fs::remove_file(bench.data().join(left)).expect("gone");
    }
    fs::remove_dir_all(bench.data()).expect("gone");
    bench.done(&bench.init());
}

#[test]
fn the_database_and_the_vault_of_another_centre_are_refused() {
    let (one, other) = (Bench::new(), Bench::new());
    if on_server() {
        let url = |bench: &Bench| {
            let text = fs::read_to_string(bench.data().join("centre.toml")).expect("configuration");
            text.lines().find(|line| line.starts_with("url = ")).expect("a server").to_owned()
        };
        rewrite(&one, &url(&one), &url(&other));
    } else {
        fs::copy(other.data().join("centre.db"), one.data().join("centre.db")).expect("copied");
    }
    one.refused(&ADD, "CENTRE_FOREIGN", 9);
    one.refused(&["operator", "list"], "CENTRE_FOREIGN", 9);
    let last = Bench::new();
    for file in ["centre.vault", "rehearsal.passphrase"] {
        fs::copy(other.data().join(file), last.data().join(file)).expect("copied");
    }
    last.done(&["operator", "add", "zhou", "--role", "audit"]);
    last.refused(&["audit", "checkpoint", "--operator", "zhou"], "VAULT_FOREIGN", 9);
    // A row taken out is no way around.
    let text = fs::read_to_string(other.data().join("centre.toml")).expect("configuration");
    let id = text.lines().find(|line| line.starts_with("id = ")).expect("an id");
    rewrite(&other, id, "");
    other.refused(&ADD, "CENTRE_FOREIGN", 9);
}

#[test]
fn city_institution_and_prefix_stay_what_they_were_when_the_centre_was_made() {
    let bench = Bench::empty();
    bench.done(&[bench.init(), vec!["--card-number-prefix".into(), "K".into()]].concat());
    let institution = "915600000251330051010099";
    for (from, to) in [
        ("city = \"513300\"", "city = \"110100\"".to_owned()),
        ("institution = \"91", format!("institution = \"{}\"\n#", &institution)),
        ("card_number_prefix = \"K\"", "card_number_prefix = \"B\"".to_owned()),
    ] {
        let kept = fs::read_to_string(bench.data().join("centre.toml")).expect("configuration");
        rewrite(&bench, from, &to);
        bench.refused(&ADD, "CENTRE_IDENTITY_CHANGED", 3);
        bench.refused(&["number", "list"], "CENTRE_IDENTITY_CHANGED", 3);
        fs::write(bench.data().join("centre.toml"), kept).expect("back");
    }
    // What does not decide whose card it is may change.
    rewrite(&bench, "valid_years = 10", "valid_years = 8");
    bench.done(&ADD);
}

#[test]
fn a_centre_made_before_this_was_stored_takes_its_identity_once_and_on_record() {
    let bench = Bench::new();
    bench.ask("DELETE FROM centre WHERE name LIKE 'centre_%'");
    let text = fs::read_to_string(bench.data().join("centre.toml")).expect("configuration");
    let old: String = text.lines().filter(|line| !line.starts_with("id = ")).flat_map(|line| [line, "\n"]).collect();
    fs::write(bench.data().join("centre.toml"), &old).expect("an old one");
    bench.done(&["operator", "list"]);
    let new = fs::read_to_string(bench.data().join("centre.toml")).expect("configuration");
    assert!(new.starts_with("id = \"") && new.ends_with(&old), "{new}");
    let last = bench.ask("SELECT act, detail FROM audit ORDER BY sequence DESC LIMIT 1");
    assert!(last[0][0] == "centre.identity" && last[0][1].contains("city 513300"), "{last:?}");
    bench.done(&["audit", "verify"]);
    rewrite(&bench, "city = \"513300\"", "city = \"110100\"");
    bench.refused(&ADD, "CENTRE_IDENTITY_CHANGED", 3);
}

#[test]
fn a_centre_whose_prefix_is_used_up_goes_on_with_another_that_two_agreed_on() {
    let bench = Bench::new();
    for (name, role) in [("li", "capture"), ("wang", "approve")] {
        bench.done(&["operator", "add", name, "--role", role]);
    }
    bench.done(&["operator", "add", "both", "--role", "capture", "--role", "approve"]);
    let fill = ["number", "fill", "3", "--operator", "li"];
    bench.done(&fill);
    bench.ask("INSERT INTO card_number VALUES ('A99999984', 9999998, 'spoilt', '')");
    bench.refused(&fill, "CARD_NUMBERS_EXHAUSTED", 3);
    assert_eq!(bench.ask("SELECT COUNT(*) FROM card_number")[0][0], "4", "none of the three was made");

    let propose = |letter, by| ["number", "prefix", "propose", letter, "--reason", "A is used up", "--operator", by];
    let approve = |letter, by| ["number", "prefix", "approve", letter, "--operator", by];
    bench.refused(&propose("A", "li"), "CARD_NUMBER_PREFIX_KNOWN", 3);
    assert_eq!(bench.run(&propose("b", "li")).status.code(), Some(1), "a letter from A to Z");
    bench.refused(&["number", "prefix", "propose", "B", "--reason", " ", "--operator", "li"], "REASON_MISSING", 1);
    bench.refused(&approve("B", "wang"), "CARD_NUMBER_PREFIX_NOT_PROPOSED", 2);
    bench.done(&propose("B", "both"));
    bench.refused(&propose("C", "li"), "CARD_NUMBER_PREFIX_PENDING", 3);
    bench.refused(&approve("B", "both"), "CARD_NUMBER_PREFIX_MAKER_IS_CHECKER", 3);
    bench.refused(&fill, "CARD_NUMBERS_EXHAUSTED", 3);
    let listed = bench.done(&["number", "list"]);
    assert!(listed.contains("\"proposed\":{\"letter\":\"B\",\"by\":\"both\"}"), "{listed}");
    bench.done(&approve("B", "wang"));
    bench.refused(&approve("B", "wang"), "CARD_NUMBER_PREFIX_NOT_PROPOSED", 2);

    bench.done(&fill);
    let made: Vec<String> = bench.ask("SELECT number FROM card_number ORDER BY serial").concat();
    let bodies: Vec<&str> = made.iter().map(|number| &number[..8]).collect();
    assert_eq!(bodies[3..], ["A9999998", "A9999999", "B0000001", "B0000002"]);
    assert_eq!(made[5], card_profiles::identity::card_number("B0000001").expect("a number"));
    let listed: serde_json::Value = serde_json::from_str(&bench.done(&["number", "list"])).expect("a pool");
    assert_eq!((&listed["prefix"], &listed["not_made"]), (&"B".into(), &9_999_997.into()), "{listed}");
    // Who the centre is stays what it was.
    assert!(fs::read_to_string(bench.data().join("centre.toml")).expect("text").contains("card_number_prefix = \"A\""));
    rewrite(&bench, "card_number_prefix = \"A\"", "card_number_prefix = \"B\"");
    bench.refused(&["number", "list"], "CENTRE_IDENTITY_CHANGED", 3);
    let acts =
        bench.ask("SELECT actor, act, object, detail FROM audit WHERE act LIKE 'number.prefix%' ORDER BY sequence");
    let expected = [
        ["both", "number.prefix-propose", "card number prefix B", "A is used up"],
        ["wang", "number.prefix-approve", "card number prefix B", "proposed by both"],
    ];
    assert_eq!(acts, expected);
}
