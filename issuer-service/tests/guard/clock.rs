//! A clock that stands before the log, or far behind it.

use std::fs;

use issuer_service::clock;

use crate::bench::Bench;

const ADD: [&str; 5] = ["operator", "add", "zhou", "--role", "stock"];

/// The last act, as if the clock had said `at` then. Acts look at the time, verifiers at the content.
fn last_act(bench: &Bench, at: &str) {
    bench.ask(&format!("UPDATE audit SET recorded_at = '{at}' WHERE sequence = (SELECT MAX(sequence) FROM audit)"));
}

fn records(bench: &Bench) -> String {
    bench.ask("SELECT COUNT(*) FROM audit")[0][0].clone()
}

#[test]
fn nothing_begins_while_the_clock_stands_before_the_last_act_until_who_manages_answers_for_it() {
    let bench = Bench::new();
    bench.done(&["operator", "add", "li", "--role", "capture"]);
    bench.done(&["operator", "add", "head", "--role", "manage"]);
    last_act(&bench, &clock::instant_in(3600));
    let before = records(&bench);
    let add = [&ADD[..], &["--operator", "head"]].concat();
    bench.refused(&add, "CLOCK_BEHIND_LOG", 3);
    bench.refused(&["number", "fill", "1", "--operator", "li"], "CLOCK_BEHIND_LOG", 3);
    bench.done(&["number", "list"]);
    let answer = ["audit", "clock", "--reason", "battery of the machine"];
    bench.refused(&answer, "OPERATOR_NOT_NAMED", 1);
    bench.refused(&[&answer[..], &["--operator", "li"]].concat(), "OPERATOR_ROLE_MISSING", 3);
    bench.refused(&["audit", "clock", "--reason", " ", "--operator", "head"], "REASON_MISSING", 1);
    assert_eq!(records(&bench), before);
    bench.run(&[&answer[..], &["--operator", "head"]].concat());
    bench.done(&add);
    let said = bench.ask("SELECT actor, act, detail FROM audit ORDER BY sequence DESC LIMIT 2");
    assert_eq!(&said[1][..2], ["head", "audit.clock"]);
    assert!(said[1][2].starts_with("last act at 2") && said[1][2].ends_with("battery of the machine"), "{said:?}");
}

#[test]
fn clocks_that_differ_by_less_than_the_site_allows_are_one_clock() {
    let bench = Bench::new();
    last_act(&bench, &clock::instant_in(240));
    bench.done(&ADD);
    last_act(&bench, &clock::instant_in(240));
    let path = bench.data().join("centre.toml");
    let text = fs::read_to_string(&path).expect("configuration");
    fs::write(&path, text.replacen("valid_years", "clock_tolerance_minutes = 1\nvalid_years", 1)).expect("set");
    bench.refused(&["operator", "add", "qian", "--role", "stock"], "CLOCK_BEHIND_LOG", 3);
}

#[test]
fn a_clock_days_beyond_the_last_act_is_told_and_the_act_happens() {
    let bench = Bench::new();
    for (days, told) in [(1, false), (3, true)] {
        last_act(&bench, &clock::days_ago(days));
        let name = format!("operator-{days}");
        let output = bench.run(&["operator", "add", &name, "--role", "stock"]);
        assert_eq!(output.status.code(), Some(0));
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(text.contains("more than two days"), told, "{text}");
    }
}

#[test]
fn a_reason_names_nobody_and_is_one_line() {
    let bench = Bench::new();
    bench.done(&["operator", "add", "li", "--role", "capture"]);
    let person = bench.place().join("person.json");
    fs::write(&person, "{\"number\":\"513301199001010048\",\"name\":\"扎西·多吉\"}").expect("file");
    bench.done(&["person", "upsert", person.to_str().expect("path"), "--operator", "li"]);
    let before = records(&bench);
    for reason in [
        "asked by 513301199001010048",
        "asked by ５１３３０１１９９００１０１００４８",
        "扎西·多吉 asked",
        "two\nlines",
        "\u{1b}[2J",
        &"x".repeat(2_001),
    ] {
        let reveal = ["person", "show", "1", "--reveal", "--reason", reason, "--operator", "li"];
        bench.refused(&reveal, "REASON_UNFIT", 1);
        assert!(bench.run(&reveal).stdout.is_empty(), "nothing is shown");
    }
    assert_eq!(records(&bench), before);
    bench.done(&[
        "person",
        "show",
        "1",
        "--reveal",
        "--reason",
        "letter 11 of 2 March, 卡 A12345678",
        "--operator",
        "li",
    ]);
}
