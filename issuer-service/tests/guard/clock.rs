//! A clock that stands before the log, or days beyond it.

use std::fs;

use issuer_service::audit::Act;
use issuer_service::centre::Centre;
use issuer_service::clock;
use issuer_service::store::StoreError;

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

/// The last instant at which the clock was believed, as if so many days had passed since.
fn believed(bench: &Bench, days_ago: u64) {
    let at = clock::seconds() - days_ago * 86_400;
    bench.ask(&format!("UPDATE centre SET value = '{at}' WHERE name = 'clock_mark'"));
}

fn mark(bench: &Bench) -> u64 {
    bench.ask("SELECT value FROM centre WHERE name = 'clock_mark'")[0][0].parse().expect("seconds")
}

#[test]
fn nothing_begins_while_the_clock_stands_days_beyond_the_last_act_until_who_manages_answers_for_it() {
    let bench = Bench::new();
    bench.done(&["operator", "add", "li", "--role", "capture", "--role", "counter"]);
    bench.done(&["operator", "add", "head", "--role", "manage"]);
    believed(&bench, 2);
    bench.done(&["number", "fill", "1", "--operator", "li"]);
    assert!(clock::seconds() - mark(&bench) < 3_600, "a weekend is no jump");
    believed(&bench, 4);
    let before = records(&bench);
    for act in [&["number", "fill", "1"][..], &["card", "due"], &["stock", "due"], &["due"], &["retention", "run"]] {
        bench.refused(&[act, &["--operator", "li"]].concat(), "CLOCK_AHEAD_OF_LOG", 3);
    }
    bench.done(&["number", "list"]);
    bench.done(&["retention", "run", "--dry-run", "--operator", "li"]);
    assert_eq!(records(&bench), before);
    bench.done(&["audit", "clock", "--reason", "closed for the feast", "--operator", "head"]);
    bench.done(&["due", "--operator", "li"]);
    let said = bench.ask("SELECT act, detail FROM audit ORDER BY sequence DESC LIMIT 3");
    assert_eq!(said[2][0], "audit.clock");
    assert!(said[2][1].starts_with("last act at 2"), "{said:?}");
}

#[test]
fn what_ends_begun_work_on_a_clock_that_jumped_does_not_make_it_believed() {
    let bench = Bench::new();
    let mut centre = Centre::open(&bench.data()).expect("a centre");
    believed(&bench, 30);
    let act = |act| Act { actor: "li".to_owned(), act, object: "centre".to_owned(), detail: String::new() };
    let ended = centre.store.act_under_way(|_| -> Result<_, StoreError> { Ok(((), act("card.make"))) });
    ended.expect("a card that was begun is finished");
    assert!(clock::seconds() - mark(&bench) > 29 * 86_400);
    let begun = centre.store.act(|_| -> Result<_, StoreError> { Ok(((), act("card.lock"))) });
    assert!(matches!(begun, Err(StoreError::ClockAhead { .. })), "{begun:?}");
    bench.refused(&ADD, "CLOCK_AHEAD_OF_LOG", 3);
}

/// How long the machine had run when the clock was believed, as if it had said then that it was so many seconds earlier; `boot` in place
/// of the start.
fn ran(bench: &Bench, earlier: u64, boot: Option<&str>) {
    let running = clock::running().expect("this system says how long it runs");
    let (boot, at) = (boot.unwrap_or(&running.boot), clock::seconds() - earlier);
    let ticks = format!("{boot} {} {at}", running.seconds);
    bench.ask(&format!("UPDATE centre SET value = '{ticks}' WHERE name = 'clock_ticks'"));
}

#[test]
fn a_clock_that_was_set_by_an_hour_while_the_machine_ran_is_told_from_one_that_went() {
    let bench = Bench::new();
    bench.done(&["operator", "add", "li", "--role", "capture", "--role", "counter"]);
    bench.done(&["operator", "add", "head", "--role", "manage"]);
    assert_eq!(
        bench.ask("SELECT COUNT(*) FROM centre WHERE name = 'clock_ticks'")[0],
        ["1"],
        "from the first record on"
    );
    let fill = ["number", "fill", "1", "--operator", "li"];
    ran(&bench, 240, None);
    believed(&bench, 1);
    let ticks = bench.ask("SELECT value FROM centre WHERE name = 'clock_ticks'");
    bench.done(&fill);
    // The mark went on, and many such steps add up all the same.
    assert!(mark(&bench) + 60 > clock::seconds());
    assert_eq!(bench.ask("SELECT value FROM centre WHERE name = 'clock_ticks'"), ticks);
    ran(&bench, 3_600, None);
    believed(&bench, 1);
    let before = records(&bench);
    bench.refused(&fill, "CLOCK_MOVED", 3);
    bench.refused(&["due", "--operator", "li"], "CLOCK_MOVED", 3);
    bench.done(&["number", "list"]);
    assert_eq!(records(&bench), before);
    let mut centre = Centre::open(&bench.data()).expect("a centre");
    let act = |act| Act { actor: "li".to_owned(), act, object: "centre".to_owned(), detail: String::new() };
    let ended = centre.store.act_under_way(|_| -> Result<_, StoreError> { Ok(((), act("card.make"))) });
    ended.expect("a card that was begun is finished");
    drop(centre);
    bench.refused(&fill, "CLOCK_MOVED", 3);
    bench.done(&["audit", "clock", "--reason", "set by the time of the province", "--operator", "head"]);
    bench.done(&fill);
    // Of another start, or another machine, nothing can be told.
    ran(&bench, 3_600, Some("another"));
    bench.done(&fill);
    ran(&bench, 0, None);
    bench.ask("UPDATE centre SET value = 'no ticks' WHERE name = 'clock_ticks'");
    bench.done(&fill);
}

#[test]
fn days_on_which_nothing_but_the_daily_run_happens_are_no_jump() {
    let bench = Bench::new();
    bench.done(&["operator", "add", "li", "--role", "capture", "--role", "counter"]);
    for _ in 0..3 {
        believed(&bench, 2);
        bench.done(&["due", "--operator", "li"]);
        assert!(clock::seconds() - mark(&bench) < 3_600);
    }
    let said = bench.ask("SELECT act, detail FROM audit ORDER BY sequence DESC LIMIT 2");
    assert_eq!(said, [["stock.due", "0 cards unclaimed after 90 days [entry 0]"], ["card.due", "no period is over"]]);
}

#[test]
fn a_centre_from_before_the_mark_goes_by_its_last_record_and_a_site_may_allow_more_days() {
    let bench = Bench::new();
    bench.done(&ADD);
    bench.ask("DELETE FROM centre WHERE name = 'clock_mark'");
    last_act(&bench, &clock::days_ago(6));
    let add = ["operator", "add", "qian", "--role", "stock"];
    bench.refused(&add, "CLOCK_AHEAD_OF_LOG", 3);
    let path = bench.data().join("centre.toml");
    let text = fs::read_to_string(&path).expect("configuration");
    let with = |days: &str| text.replacen("valid_years", &format!("clock_ahead_days = {days}\nvalid_years"), 1);
    for days in ["0", "32"] {
        fs::write(&path, with(days)).expect("set");
        bench.refused(&add, "CONFIG_INVALID", 1);
    }
    fs::write(&path, with("7")).expect("set");
    bench.done(&add);
    assert!(clock::seconds() - mark(&bench) < 3_600);
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
