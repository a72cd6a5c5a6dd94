//! Runs that change the card and do not come to their end: pulled, ended by Ctrl-C, killed. What is left is told and brought back.

use std::process::{Child, Stdio};

use card_sim::fault::{Fault, FaultPlan, Moment, Trigger};
use card_sim::{Inspection, image};
use serde_json::Value;

use super::program::{Counter, json, text};

/// APPLICATION UNBLOCK.
const UNBLOCK: u8 = 0x18;

fn inside(counter: &Counter) -> Inspection {
    image::inspect(&counter.folder.path().join("one.card")).expect("an image").1
}

fn begun(counter: &Counter) -> String {
    std::fs::read_to_string(counter.folder.path().join("data/unrestored.txt")).unwrap_or_default()
}

#[test]
fn a_card_pulled_while_it_is_blocked_is_named_and_opened_by_the_next_run() {
    for df in ["DF03", "SSSE"] {
        let counter = Counter::keyed("ssc-2.0");
        let (keys, case) = (counter.path("keys.toml"), format!("blocking.{df}.temporary"));
        let lost = Fault::PowerLoss {
            at: Trigger { ins: Some(UNBLOCK), nth: 1 },
            moment: Moment::Before,
            back_after_ms: None,
        };
        counter.farm.set_faults(0, FaultPlan::new(vec![lost])).expect("a card is there");
        let usual = ["--profile", "ssc-2.0", "--keys", &keys, "--case", &case, "--lang", "en", "--format", "json"];
        let destructive = [&usual[..], &["--destructive"]].concat();
        let ran = counter.run(&destructive);
        let (report, said) = (json(&ran), text(&ran.stderr));
        assert_eq!((ran.status.code(), &report["totals"]["not_restored"]), (Some(10), &Value::from(1)), "{said}");
        let left = report["cases"][0]["not_restored"].as_str().unwrap_or_default().to_owned();
        assert!(left.contains("the next run with --destructive"), "{left}");
        assert!(inside(&counter).blocked.contains_key(df), "{:?}", inside(&counter).blocked);

        counter.farm.insert(0, &counter.folder.path().join("one.card")).expect("inserted");
        // A run that changes nothing says what is left.
        let ran = counter.run(&usual);
        let said = text(&ran.stderr);
        assert!(said.contains("NOT_RESTORED") && said.contains(&case), "{said}");
        let ran = counter.run(&destructive);
        let report = json(&ran);
        assert_eq!(ran.status.code(), Some(0), "{report}{}", text(&ran.stderr));
        assert_eq!(report["brought_back"], serde_json::json!([{ "id": case }]), "{report}");
        assert_eq!((inside(&counter).blocked.len(), begun(&counter).as_str()), (0, ""));
        assert_eq!(json(&counter.run(&destructive))["brought_back"], Value::Null, "once");
    }
}

#[test]
fn money_that_a_run_was_moving_comes_back_with_the_next() {
    const CREDIT: u8 = 0x2A;
    const DEBIT: u8 = 0x2C;
    // Behind the load of a load's case; between the load and the purchase of a purchase's; behind both.
    for (case, ins, moved) in [
        ("account.load.complete", CREDIT, 1),
        ("account.purchase.complete", CREDIT, 1),
        ("account.purchase.complete", DEBIT, 0),
    ] {
        let counter = Counter::keyed("ssc-3.0");
        let keys = counter.path("keys.toml");
        let balance = |counter: &Counter| inside(counter).account.expect("an account").personal_account;
        let before = balance(&counter);
        let lost =
            Fault::PowerLoss { at: Trigger { ins: Some(ins), nth: 1 }, moment: Moment::After, back_after_ms: None };
        counter.farm.set_faults(0, FaultPlan::new(vec![lost])).expect("a card is there");
        let keyed = ["--keys", &keys, "--pin", "env:INITIAL", "--destructive", "--format", "json", "--lang", "en"];
        let usual = [&["--profile", "ssc-3.0", "--case", case][..], &keyed].concat();
        let ran = counter.run(&usual);
        let (report, said) = (json(&ran), text(&ran.stderr));
        assert_eq!((ran.status.code(), balance(&counter)), (Some(10), before + moved), "{case}: {report}{said}");
        let left = report["cases"][0]["not_restored"].as_str().unwrap_or_default().to_owned();
        assert!(left.contains("brings the balance back"), "{left}");
        assert!(begun(&counter).ends_with(&format!("{case} {before}\n")), "{}", begun(&counter));

        counter.farm.insert(0, &counter.folder.path().join("one.card")).expect("inserted");
        let ran = counter.run(&usual);
        let report = json(&ran);
        assert_eq!(ran.status.code(), Some(0), "{case}: {report}{}", text(&ran.stderr));
        assert_eq!(report["brought_back"], serde_json::json!([{ "id": case }]), "{report}");
        assert_eq!((balance(&counter), begun(&counter).as_str()), (before, ""), "{case}");
    }
}

#[test]
fn an_overdraw_limit_that_a_run_was_moving_comes_back_with_the_next() {
    const UPDATE: u8 = 0x58;
    // Behind the raise of each case; behind the lowering.
    for (case, nth, moved) in
        [("account.overdraw.complete", 1, 1), ("account.overdraw.lowered", 1, 1), ("account.overdraw.lowered", 2, 0)]
    {
        let counter = Counter::keyed("pboc-purse");
        let keys = counter.path("keys.toml");
        let limits = |counter: &Counter| inside(counter).purse.map(|purse| (purse.overdraw_limit, purse.deposit));
        let (limit, deposit) = limits(&counter).expect("a purse");
        let keyed = ["--keys", &keys, "--pin", "env:INITIAL", "--format", "json", "--lang", "en"];
        let usual = [&["--profile", "pboc-purse", "--case", case, "--destructive"][..], &keyed].concat();
        torn(&counter, &usual, (UPDATE, nth, Moment::After));
        assert_eq!(limits(&counter).map(|(limit, _)| limit), Some(limit + moved), "{case}");
        assert!(begun(&counter).ends_with(&format!("{case} {limit}\n")), "{}", begun(&counter));
        let ran = counter.run(&usual);
        let report = json(&ran);
        assert_eq!(ran.status.code(), Some(0), "{case}: {report}{}", text(&ran.stderr));
        assert_eq!(report["brought_back"], serde_json::json!([{ "id": case }]), "{report}");
        assert_eq!((limits(&counter), begun(&counter).as_str()), (Some((limit, deposit)), ""), "{case}");
    }
}

/// Where power is lost: the command, and whether before or behind what it does.
type Tear = (u8, u64, Moment);

/// A run that ends there, and the card back in its reader.
fn torn(counter: &Counter, arguments: &[&str], (ins, nth, moment): Tear) -> Value {
    let lost = Fault::PowerLoss { at: Trigger { ins: Some(ins), nth }, moment, back_after_ms: None };
    counter.farm.set_faults(0, FaultPlan::new(vec![lost])).expect("a card is there");
    let ran = counter.run(arguments);
    let report = json(&ran);
    assert_eq!((ran.status.code(), &report["totals"]["not_restored"]), (Some(10), &Value::from(1)), "{report}");
    counter.farm.insert(0, &counter.folder.path().join("one.card")).expect("inserted");
    report
}

#[test]
fn records_that_a_run_overwrote_come_back_with_the_next() {
    const UPDATE: u8 = 0xDC;
    const CACHE: u8 = 0xDC;
    const DEBIT: u8 = 0x54;
    let amounts = |inside: &Inspection| inside.purse.as_ref().map(|purse| (purse.deposit, purse.purse));
    for (profile, case, tears, changes) in [
        // Before the record is altered, behind it, behind the way back.
        (
            "ssc-3.0",
            "access.DF01.EF07.update.by-key",
            &[(UPDATE, 1, Moment::Before), (UPDATE, 1, Moment::After), (UPDATE, 2, Moment::After)][..],
            [false, true, false],
        ),
        // A composite purchase with its record: before it, behind it, behind the one that brings the record back.
        (
            "pboc-purse",
            "account.composite.cached",
            &[(CACHE, 1, Moment::After), (DEBIT, 1, Moment::After), (DEBIT, 2, Moment::After)],
            [false, true, false],
        ),
        // One that is never completed: its money alone.
        ("pboc-purse", "account.composite.cached.not-completed", &[(CACHE, 1, Moment::After)], [false; 3]),
    ] {
        for (tear, changes) in tears.iter().zip(changes) {
            let counter = Counter::keyed(profile);
            let keys = counter.path("keys.toml");
            let keyed = ["--keys", &keys, "--pin", "env:INITIAL", "--format", "json", "--lang", "en"];
            let usual = [&["--profile", profile, "--case", case, "--destructive"][..], &keyed].concat();
            let what = format!("{case} {tear:?}");
            let before = inside(&counter);
            torn(&counter, &usual, *tear);
            let left = begun(&counter);
            assert!(
                left.contains(" record=") && !left.contains("unread"),
                "{what}: noted before it is written: {left}"
            );
            assert_eq!(inside(&counter).files != before.files, changes || profile == "pboc-purse", "{what}");

            let ran = counter.run(&usual);
            let report = json(&ran);
            assert_eq!(ran.status.code(), Some(0), "{what}: {report}{}", text(&ran.stderr));
            assert_eq!(report["brought_back"], serde_json::json!([{ "id": case }]), "{what}");
            let after = inside(&counter);
            let records = |inside: &Inspection| -> Vec<(String, Vec<String>)> {
                // The log has the transactions of the way back.
                let kept = inside.files.iter().filter(|(file, _)| !file.ends_with("EF18"));
                kept.map(|(file, records)| (file.clone(), records.clone())).collect()
            };
            assert_eq!(records(&after), records(&before), "{what}");
            assert_eq!(begun(&counter), "", "{what}: nothing of the record stays");
            assert_eq!(amounts(&after), amounts(&before), "{what}");
        }
    }
}

#[test]
fn a_record_that_somebody_wrote_since_is_left_and_one_that_cannot_be_noted_is_not_written() {
    const UPDATE: u8 = 0xDC;
    let counter = Counter::keyed("ssc-3.0");
    let (keys, case) = (counter.path("keys.toml"), "access.DF01.EF07.update.by-key");
    let keyed = ["--keys", &keys, "--pin", "env:INITIAL", "--format", "json", "--lang", "en"];
    let usual = [&["--profile", "ssc-3.0", "--case", case, "--destructive"][..], &keyed].concat();
    torn(&counter, &usual, (UPDATE, 1, Moment::After));
    // Another record than the one noted, and than the one written: as if the card had been at a counter meanwhile.
    let noted = begun(&counter);
    let (head, record) = noted.trim_end().rsplit_once('=').expect("a record");
    let other = format!("{head}={}55\n", &record[..record.len() - 2]);
    std::fs::write(counter.folder.path().join("data/unrestored.txt"), other).expect("written");
    let before = inside(&counter).files;
    let ran = counter.run(&usual);
    let report = json(&ran);
    assert!(
        report["brought_back"][0]["not_restored"].as_str().is_some_and(|why| why.contains("was left as it is")),
        "{report}"
    );
    assert_eq!((ran.status.code(), inside(&counter).files), (Some(10), before));

    // A folder that takes no more: the case ends before it writes.
    let counter = Counter::keyed("ssc-3.0");
    let keys = counter.path("keys.toml");
    let keyed = ["--keys", &keys, "--pin", "env:INITIAL", "--format", "json", "--lang", "en"];
    let usual = [&["--profile", "ssc-3.0", "--case", case, "--destructive"][..], &keyed].concat();
    let data = counter.folder.path().join("data");
    std::fs::create_dir_all(data.join("unrestored.txt.new")).expect("made");
    let before = inside(&counter).files;
    let ran = counter.run(&usual);
    assert!(ran.status.code() == Some(9) && inside(&counter).files == before, "{}", text(&ran.stderr));
}

#[test]
fn a_notebook_with_lines_that_nobody_understands_is_told() {
    let counter = Counter::keyed("ssc-2.0");
    let (keys, path) = (counter.path("keys.toml"), counter.folder.path().join("data/unrestored.txt"));
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
    std::fs::write(&path, "rubbish\n").expect("written");
    let usual = ["--profile", "ssc-2.0", "--keys", &keys, "--area", "protocol", "--lang", "en", "--format", "json"];
    let said = text(&counter.run(&usual).stderr);
    assert!(said.contains("NOT_RESTORED") && said.contains("unrestored.txt, line 1"), "{said}");
    std::fs::write(&path, [0xFF, 0xFE]).expect("written");
    let ran = counter.run(&usual);
    let said = text(&ran.stderr);
    assert!(ran.status.code() == Some(9) && said.contains("unrestored.txt"), "{said}");
}

/// A run of many cases that spend tries and block, when it has begun one.
fn under_way(counter: &Counter, arguments: &[&str]) -> Child {
    let mut command = counter.command(arguments);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program runs");
    while begun(counter).is_empty() {
        assert!(child.try_wait().expect("a process of ours").is_none(), "it begins a case before it ends");
        std::thread::yield_now();
    }
    child
}

fn signal(child: &Child, name: &str) {
    let sent = std::process::Command::new("kill").args([name, &child.id().to_string()]).status().expect("kill");
    assert!(sent.success());
}

#[test]
fn ctrl_c_ends_a_run_behind_the_case_at_hand_and_with_its_report() {
    let counter = Counter::keyed("ssc-2.0");
    let (keys, before) = (counter.path("keys.toml"), inside(&counter));
    let usual = ["--profile", "ssc-2.0", "--keys", &keys, "--area", "keys", "--area", "blocking", "--destructive"];
    let child = under_way(&counter, &[&usual[..], &["--format", "json", "--lang", "en"]].concat());
    signal(&child, "-INT");
    let ran = child.wait_with_output().expect("it ends");
    let (report, said) = (json(&ran), text(&ran.stderr));
    assert_eq!(ran.status.code(), Some(10), "{said}");
    assert_eq!(report["ended_early"]["code"], "INTERRUPTED", "{said}");
    assert_eq!((&report["totals"]["failed"], &report["totals"]["not_restored"]), (&Value::from(0), &Value::from(0)));
    assert!(said.contains("INTERRUPTED"), "{said}");
    let after = inside(&counter);
    assert_eq!((after.blocked, begun(&counter).as_str()), (before.blocked, ""));
    assert!(after.keys.iter().all(|(name, key)| before.keys[name].tries_left == key.tries_left));
}

/// Kills a run in the middle of a case, of which it leaves a line; one that was between two cases begins again.
fn killed_in_a_case(counter: &Counter, arguments: &[&str]) -> String {
    loop {
        let mut child = under_way(counter, arguments);
        signal(&child, "-KILL");
        assert_eq!(child.wait().expect("it ends").code(), None);
        let left = begun(counter);
        if !left.is_empty() {
            return left;
        }
    }
}

#[test]
fn what_a_killed_run_left_is_brought_back_by_the_next() {
    let counter = Counter::keyed("ssc-2.0");
    let (keys, before) = (counter.path("keys.toml"), inside(&counter));
    let usual = ["--profile", "ssc-2.0", "--keys", &keys, "--destructive", "--area", "keys", "--area", "blocking"];
    for _ in 0..3 {
        let left = killed_in_a_case(&counter, &usual);
        assert_eq!(left.lines().count(), 1, "{left}");
        let ran = counter.run(&[&usual[..5], &["--case", "keys.UK1DF03.right", "--format", "json"]].concat());
        let report = json(&ran);
        assert_eq!(ran.status.code(), Some(0), "{report}{}", text(&ran.stderr));
        assert!(report["brought_back"][0]["not_restored"].is_null(), "{report}");
        let after = inside(&counter);
        assert_eq!((after.blocked, begun(&counter).as_str()), (before.blocked.clone(), ""));
        assert!(after.keys.iter().all(|(name, key)| before.keys[name].tries_left == key.tries_left), "{left}");
    }
}

#[test]
fn what_stays_on_the_card_is_said_in_the_list_before_the_run_and_in_its_report() {
    let counter = Counter::keyed("ssc-3.0");
    let (keys, xml) = (counter.path("keys.toml"), counter.path("r.xml"));
    let words = "yearly totals grow";
    let usual = ["--profile", "ssc-3.0", "--case", "account.load.complete", "--lang", "en"];
    let listed = counter.run(&[&usual[..], &["--list", "--format", "json"]].concat());
    assert!(json(&listed)["cases"][0]["stays"].as_str().is_some_and(|stays| stays.contains(words)));
    let balance = |counter: &Counter| inside(counter).account.expect("an account").personal_account;
    let before = balance(&counter);
    let keyed = ["--keys", &keys, "--pin", "env:INITIAL", "--destructive", "--report", &xml];
    let ran = counter.run(&[&usual[..], &keyed].concat());
    let (out, said) = (text(&ran.stdout), text(&ran.stderr));
    assert_eq!(ran.status.code(), Some(0), "{out}{said}");
    assert!(said.contains(words), "{said}");
    assert!(out.contains("stays on the card:") && out.contains(words), "{out}");
    assert!(std::fs::read_to_string(&xml).expect("written").contains(words));
    assert_eq!(balance(&counter), before, "the money came back");
}
