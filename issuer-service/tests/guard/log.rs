//! An audit log that was cut off, and its anchor.

use std::fs;

use serde_json::Value;

use crate::bench::Bench;

const ADD: [&str; 5] = ["operator", "add", "zhou", "--role", "stock"];

fn centre() -> Bench {
    let bench = Bench::new();
    for name in ["a1", "a2", "a3", "a4", "a5"] {
        bench.done(&["operator", "add", name, "--role", "audit"]);
    }
    bench
}

fn cut(bench: &Bench, kept: i64) {
    bench.ask(&format!(
        "DELETE FROM audit_checkpoint WHERE sequence > {kept}; DELETE FROM audit WHERE sequence > {kept}"
    ));
}

fn verdict(bench: &Bench) -> Value {
    let output = bench.run(&["audit", "verify"]);
    serde_json::from_slice(&output.stdout).expect("a verdict")
}

#[test]
fn nothing_happens_on_a_log_that_was_cut_off_until_an_auditor_answers_for_it() {
    let bench = centre();
    let anchor = fs::read(bench.data().join("audit.anchor")).expect("anchor");
    cut(&bench, 3);
    for _ in 0..3 {
        bench.refused(&ADD, "AUDIT_LOG_DIFFERS", 9);
    }
    assert_eq!(fs::read(bench.data().join("audit.anchor")).expect("anchor"), anchor, "no line was added");
    assert_eq!(bench.ask("SELECT COUNT(*) FROM audit")[0][0], "3");
    assert_eq!(verdict(&bench)["first_bad"]["sequence"], 4);

    bench.done(&["audit", "anchor", "--reason", "seen", "--operator", "a1"]);
    bench.done(&ADD);
    assert_eq!(verdict(&bench)["first_bad"], Value::Null);
    assert_eq!(fs::read(bench.data().join("audit.anchor.until-3")).expect("kept"), anchor);
}

#[test]
fn a_log_that_went_on_after_it_was_cut_never_holds_again() {
    let bench = centre();
    let before = fs::read_to_string(bench.data().join("audit.anchor")).expect("anchor");
    cut(&bench, 3);
    // What a program that compares nothing makes of it: it goes on from record 3.
    fs::rename(bench.data().join("audit.anchor"), bench.place().join("aside")).expect("aside");
    bench.ask("DELETE FROM centre WHERE name = 'audit_anchor'");
    for name in ["b1", "b2", "b3", "b4", "b5"] {
        bench.done(&["operator", "add", name, "--role", "audit"]);
    }
    let more = fs::read_to_string(bench.data().join("audit.anchor")).expect("anchor");
    let (_, more) = more.split_once('\n').expect("a first line");
    fs::write(bench.data().join("audit.anchor"), format!("{before}{more}")).expect("joined");
    let found = verdict(&bench);
    assert_eq!((&found["first_bad"]["sequence"], &found["first_bad"]["reason"]), (&4.into(), &"replaced".into()));
    bench.refused(&ADD, "AUDIT_ANCHOR_DAMAGED", 9);
}

#[test]
fn acts_notice_a_line_that_is_not_ours_and_take_up_what_a_kill_leaves() {
    let bench = centre();
    let path = bench.data().join("audit.anchor");
    let good = fs::read_to_string(&path).expect("anchor");
    for damage in ["garbage\n", "done x\n", "start 0 0\n", "intend 2 AA\n"] {
        fs::write(&path, format!("{good}{damage}")).expect("damaged");
        bench.refused(&ADD, "AUDIT_ANCHOR_DAMAGED", 9);
        assert_ne!(verdict(&bench)["first_bad"], Value::Null, "{damage}");
    }
    fs::write(&path, "").expect("emptied");
    bench.refused(&ADD, "AUDIT_ANCHOR_DAMAGED", 9);
    // Killed before the commit, in the middle of a line, and behind the commit before the last line.
    let next = bench.ask("SELECT MAX(sequence) + 1 FROM audit")[0][0].clone();
    for left in [format!("intend {next} {}\n", "A".repeat(64)), format!("intend {next} AAAA"), String::new()] {
        fs::write(&path, format!("{good}{left}")).expect("killed");
        bench.done(&["operator", "list"]);
        assert_eq!(verdict(&bench)["first_bad"], Value::Null, "{left}");
    }
    let killed = format!("intend {next} {}\nintend {next} AAAA", "A".repeat(64));
    fs::write(&path, format!("{good}{killed}")).expect("killed");
    bench.done(&ADD);
    let text = fs::read_to_string(&path).expect("anchor");
    let without_done = text.rsplit_once("done").expect("a last line").0;
    fs::write(&path, without_done).expect("killed");
    bench.done(&["operator", "add", "qian", "--role", "stock"]);
    assert_eq!(verdict(&bench)["first_bad"], Value::Null);
}

#[test]
fn a_log_that_holds_says_up_to_which_record_it_is_signed() {
    let bench = centre();
    bench.refused(&["audit", "checkpoint"], "OPERATOR_NOT_NAMED", 1);
    bench.done(&["audit", "checkpoint", "--operator", "a1"]);
    let signed = verdict(&bench)["records"].clone();
    assert_eq!(verdict(&bench)["signed_until"], signed);
    let text = |lang: &str| {
        let mut command = bench.command(&["audit", "verify"]);
        let output = command.args(["--format", "text", "--lang", lang]).output().expect("the program starts");
        String::from_utf8(output.stdout).expect("text")
    };
    assert!(text("en").contains(&format!("signed up to record {signed}, 0 behind it")), "{}", text("en"));
    bench.done(&ADD);
    let verdict = verdict(&bench);
    assert_eq!(
        (&verdict["signed_until"], verdict["records"].as_u64()),
        (&signed, signed.as_u64().map(|last| last + 1))
    );
    assert!(text("en").contains(&format!("signed up to record {signed}, 1 behind it")), "{}", text("en"));
    assert!(text("zh").contains(&format!("签名到第 {signed} 条")), "{}", text("zh"));
}

#[test]
fn a_checkpoint_leaves_a_record_and_is_missed_when_it_is_taken_away() {
    let bench = centre();
    let signed = "SELECT sequence, actor, detail FROM audit WHERE act = 'audit.checkpoint' ORDER BY sequence";
    assert_eq!(bench.ask(signed).len(), 1, "init signs");
    for name in ["a1", "a2"] {
        // A log that has not grown is not signed again.
        bench.done(&["audit", "checkpoint", "--operator", name]);
    }
    assert_eq!(bench.ask(signed)[1], ["8", "a1", "1 before it"]);
    let anchor = fs::read_to_string(bench.data().join("audit.anchor")).expect("anchor");
    assert!(anchor.contains("intend 8 ") && anchor.contains("done 8"), "{anchor}");
    bench.done(&ADD);
    assert_eq!(verdict(&bench)["first_bad"], Value::Null);
    for sequence in [8, 2] {
        bench.ask(&format!("DELETE FROM audit_checkpoint WHERE sequence = {sequence}"));
        let bad = verdict(&bench)["first_bad"].clone();
        assert_eq!((&bad["sequence"], &bad["reason"]), (&sequence.into(), &"checkpoint_missing".into()));
    }
}
