//! The centre's answers lost, late, doubled, crossed and false; the till killed; two books that differ.

use national_rehearsal::FaultPlan;

use crate::till::Till;

/// Everything that a till asks in a day.
fn whole_day(till: &Till) {
    till.until_done(&["sign-in"]);
    let bill = till.bill("B-1", &[("X1", "2", "12.50"), ("X2", "1.5", "12.50")]);
    let second = till.bill("B-2", &[("X1", "1", "12.50")]);
    let citizen = till.citizen();
    till.until_done(&["benefit", "--id", &citizen]);
    till.until_done(&["trial", &bill, "--id", &citizen]);
    till.until_done(&["settle", &bill, "--id", &citizen]);
    till.until_done(&["settle", &second, "--id", &citizen]);
    till.until_done(&["show", "B-1"]);
    till.until_done(&["lines", "B-1"]);
    till.until_done(&["cancel", "B-1"]);
    let out = till.path("1301.txt");
    till.until_done(&["catalogue", "1301", "--out", &out.display().to_string()]);
    let pages = till.path("1318.csv");
    till.until_done(&["catalogue", "1318", "--out", &pages.display().to_string()]);
    till.until_done(&["day-end"]);
    till.assert_conserved();
    assert_eq!((till.state("B-1").as_str(), till.state("B-2").as_str()), ("CANCELLED", "SETTLED"));
    till.until_done(&["sign-out"]);
}

/// Every message of a day but 2601.
const MESSAGES: [u16; 15] = [9001, 9002, 1101, 2001, 2101, 2102, 2103, 3201, 3202, 5203, 5204, 1301, 1318, 9101, 9102];

#[test]
fn an_answer_lost_at_any_message_costs_another_run_and_not_a_fen() {
    for fault in ["lose", "drop", "garble", "duplicate"] {
        for nth in 1..=2 {
            let till = Till::open();
            till.faults(&MESSAGES.map(|infno| format!("{infno}:{nth}={fault}")).each_ref().map(String::as_str));
            whole_day(&till);
        }
    }
}

#[test]
fn a_reversal_that_is_lost_too_is_sent_again_until_it_is_answered() {
    for fault in ["lose", "drop", "garble"] {
        for settlement in ["2102:1=lose", "2103:1=drop"] {
            let till = Till::open();
            till.faults(&[settlement, &format!("2601:1={fault}"), &format!("2601:2={fault}")]);
            whole_day(&till);
            assert!(till.arrived(2601) >= 3, "{settlement} {fault}: {}", till.arrived(2601));
        }
    }
}

#[test]
fn a_network_that_fails_by_seed_loses_nothing() {
    for seed in 1..=4 {
        let till = Till::open();
        till.centre.set_faults(FaultPlan::default().with_seed(seed, 15));
        whole_day(&till);
    }
}

#[test]
fn no_second_settlement_leaves_before_the_first_is_undone() {
    let till = Till::signed_in();
    let bill = till.bill("B-1", &[("X1", "1", "12.50")]);
    till.faults(&["2102:1=lose", "2601:1=drop", "2601:2=drop", "2601:3=drop"]);
    let first = till.settle(&bill);
    assert_eq!((first.status, first.code().as_str()), (8, "NATIONAL_UNANSWERED"));
    assert_eq!(till.state("B-1"), "UNCERTAIN");
    for _ in 0..2 {
        let again = till.settle(&bill);
        assert_eq!((again.status, again.code().as_str()), (8, "NATIONAL_UNANSWERED"));
    }
    assert_eq!(till.arrived(2102), 1, "finished first, sold afterwards");
    let finished = till.ok(&["finish"]);
    assert_eq!(
        (finished["finished"][0]["bill_id"].as_str(), finished["finished"][0]["state"].as_str()),
        (Some("B-1"), Some("REVERSED"))
    );
    assert_eq!(till.settle(&bill).status, 0);
    assert_eq!(till.arrived(2102), 2);
    till.assert_conserved();
}

#[test]
fn signing_in_and_day_end_finish_what_is_open() {
    for command in ["sign-in", "day-end"] {
        let till = Till::signed_in();
        let bill = till.bill("B-1", &[("X1", "1", "12.50")]);
        till.faults(&["2102:1=lose", "2601:1=drop"]);
        assert_eq!(till.settle(&bill).code(), "NATIONAL_UNANSWERED");
        let answer = till.ok(&[command]);
        assert_eq!(answer["finished"][0]["state"], "REVERSED", "{command}: {answer}");
        till.assert_conserved();
    }
}

#[test]
fn a_till_killed_between_sending_and_answer_finishes_at_the_next_command() {
    for (message, infno) in [("settle", 2102), ("cancel", 2103)] {
        let till = Till::signed_in();
        let bill = till.bill("B-1", &[("X1", "1", "12.50")]);
        let citizen = till.citizen();
        if message == "cancel" {
            assert_eq!(till.settle(&bill).status, 0);
        }
        till.faults(&[&format!("{infno}:1=delay-60000")]);
        let cancel = ["cancel", "B-1"];
        let settle = ["settle", bill.as_str(), "--id", &citizen];
        let mut child = if message == "cancel" { till.spawn(&cancel) } else { till.spawn(&settle) };
        // The message is at the centre, which has done it and does not answer.
        while till.arrived(infno) == 0 {
            assert!(child.try_wait().expect("ours").is_none(), "it waits for the answer");
            std::thread::yield_now();
        }
        child.kill().expect("ours");
        child.wait().expect("ended");
        let expected = if message == "cancel" { "SETTLED" } else { "REVERSED" };
        let finished = till.ok(&["finish"]);
        assert_eq!(finished["finished"][0]["state"], expected, "{finished}");
        till.assert_conserved();
        let again = till.run(if message == "cancel" { &cancel } else { &settle });
        assert_eq!(again.status, 0, "{}", again.stderr);
        till.assert_conserved();
    }
}

#[test]
fn an_answer_that_is_not_ours_or_does_not_add_up_is_undone() {
    let till = Till::signed_in();
    let first = till.bill("B-1", &[("X1", "1", "12.50")]);
    let second = till.bill("B-2", &[("X1", "1", "12.50")]);
    assert_eq!(till.settle(&first).status, 0);
    // The same amounts, the same person: only the message is another.
    till.faults(&["2102:1=stale"]);
    let crossed = till.settle(&second);
    assert_eq!((crossed.status, crossed.code().as_str()), (7, "NATIONAL_AMOUNTS"), "{}", crossed.stderr);
    assert!(crossed.stderr.contains("inf_refmsgid") && crossed.stderr.contains("undone"), "{}", crossed.stderr);
    till.faults(&["2102:1=crossed"]);
    let crossed = till.settle(&second);
    assert!(crossed.stderr.contains("medins_setl_id") && crossed.stderr.contains("undone"), "{}", crossed.stderr);
    assert_eq!(till.state("B-2"), "REVERSED");
    till.faults(&["2101:1=amounts", "2102:1=amounts"]);
    let trial = till.run(&["trial", &second, "--id", &till.citizen()]);
    assert_eq!((trial.status, trial.code().as_str()), (7, "NATIONAL_AMOUNTS"));
    let uneven = till.settle(&second);
    assert_eq!((uneven.status, uneven.code().as_str()), (7, "NATIONAL_AMOUNTS"));
    assert!(uneven.stderr.contains("psn_cash_pay"), "{}", uneven.stderr);
    assert_eq!(till.state("B-2"), "REVERSED");
    till.assert_conserved();
    assert_eq!(till.settle(&second).status, 0);
    till.assert_conserved();
}

#[test]
fn a_reversal_that_is_refused_blocks_bill_and_person_until_somebody_judges() {
    let till = Till::signed_in();
    let (bill, other) = (till.bill("B-1", &[("X1", "1", "12.50")]), till.bill("B-2", &[("X1", "1", "12.50")]));
    till.faults(&["2102:1=drop", "2601=refuse"]);
    let ran = till.settle(&bill);
    assert_eq!((ran.status, ran.code().as_str()), (3, "NATIONAL_OPEN"), "{}", ran.stderr);
    let same = till.settle(&other);
    assert_eq!((same.status, same.code().as_str()), (3, "NATIONAL_OPEN"), "the same person");
    assert_eq!(till.arrived(2102), 1);
    assert_eq!(till.run(&["finish"]).status, 10);
    assert_eq!(till.run(&["judge", "B-1"]).status, 1, "a reason is needed");
    let word = "centre, by phone, 10:20";
    assert_eq!(till.run(&["judge", "B-1", "--reason", word]).status, 1, "and which way");
    assert_eq!(till.ok(&["judge", "B-1", "--not-done", "--reason", word])["state"], "REVERSED");
    assert_eq!(till.ok(&["list"])["settlements"][0]["judged"], word);
    assert_eq!(till.run(&["judge", "B-1", "--not-done", "--reason", "again"]).code(), "NATIONAL_UNKNOWN");
    till.faults(&[]);
    assert_eq!(till.settle(&bill).status, 0);
    till.assert_conserved();
}

#[test]
fn a_refusal_is_told_in_the_centres_words_and_leaves_nothing() {
    let till = Till::signed_in();
    let bill = till.bill("B-1", &[("X9", "1", "12.50")]);
    let ran = till.settle(&bill);
    assert_eq!((ran.status, ran.code().as_str()), (3, "NATIONAL_REFUSED"));
    assert!(ran.stderr.contains("[BILL]") && ran.stderr.contains("X9"), "{}", ran.stderr);
    // No code says for certain that nothing was done, unless the configuration lists it.
    assert!(ran.stderr.contains("undone by 2601"), "{}", ran.stderr);
    assert_eq!((till.state("B-1").as_str(), till.arrived(2601)), ("REVERSED", 1));
    till.configure("refusals = [\"-1\"]\n");
    let certain = till.settle(&bill);
    assert!(certain.code() == "NATIONAL_REFUSED" && !certain.stderr.contains("undone"), "{}", certain.stderr);
    assert_eq!((till.state("B-1").as_str(), till.arrived(2601)), ("REFUSED", 1));
    let again = till.bill("B-1", &[("X1", "1", "12.50")]);
    assert_eq!(till.settle(&again).status, 0);
    till.faults(&["2103:1=refuse"]);
    assert_eq!(till.run(&["cancel", "B-1"]).code(), "NATIONAL_REFUSED");
    assert_eq!(till.state("B-1"), "SETTLED");
    till.assert_conserved();
}

#[test]
fn a_refusal_by_a_gateway_whose_time_was_up_is_no_word_that_nothing_was_done() {
    let till = Till::signed_in();
    let bill = till.bill("B-1", &[("X1", "1", "12.50")]);
    till.faults(&["2102:1=busy", "2103:1=busy"]);
    let ran = till.settle(&bill);
    assert_eq!((ran.status, ran.code().as_str()), (3, "NATIONAL_REFUSED"), "{}", ran.stderr);
    assert_eq!(till.state("B-1"), "REVERSED");
    till.assert_conserved();
    assert_eq!(till.settle(&bill).status, 0);
    assert_eq!(till.run(&["cancel", "B-1"]).code(), "NATIONAL_REFUSED");
    assert_eq!(till.state("B-1"), "SETTLED", "the cancellation that the centre had done is undone");
    till.assert_conserved();
    // Where the code is believed though it is not certain, the two books part, and day end finds it.
    till.configure("refusals = [\"-1\"]\n");
    till.faults(&["2102:1=busy"]);
    let other = till.bill("B-2", &[("X1", "1", "12.50")]);
    assert_eq!(till.settle(&other).code(), "NATIONAL_REFUSED");
    assert_eq!(till.run(&["day-end"]).json()["differences"][0]["class"], "ONLY_CENTRE");
}

#[test]
fn a_cancellation_answered_with_another_answer_gives_no_cash_back() {
    let (own, other) = ("513399198001010019", "513399195203040027");
    let set = |till: &Till, citizen: &str| std::fs::write(till.path("citizen"), citizen).expect("written");
    // Whose settlement was cancelled before (none: the last answer is that of the settlement itself), the fault, what is said.
    let cases = [
        (Some(other), "2103:1=crossed", "psn_no"),
        (Some(own), "2103:1=crossed", "medins_setl_id"),
        (None, "2103:1=crossed", "medins_setl_id"),
        (Some(own), "2103:1=stale", "inf_refmsgid"),
    ];
    for (before, fault, identity) in cases {
        let till = Till::signed_in();
        let bill = till.bill("B-1", &[("X1", "1", "12.50")]);
        if let Some(citizen) = before {
            set(&till, citizen);
            let first = till.bill("B-0", &[("X1", "1", "12.50")]);
            assert_eq!(till.settle(&first).status, 0);
            set(&till, own);
            assert_eq!(till.settle(&bill).status, 0);
            till.ok(&["cancel", "B-0"]);
        } else {
            assert_eq!(till.settle(&bill).status, 0);
        }
        till.faults(&[fault]);
        let ran = till.run(&["cancel", "B-1"]);
        assert_eq!((ran.status, ran.code().as_str()), (7, "NATIONAL_AMOUNTS"), "{fault}: {}{}", ran.stdout, ran.stderr);
        assert!(ran.stderr.contains(identity) && ran.stderr.contains("undone"), "{fault}: {}", ran.stderr);
        assert_eq!(till.state("B-1"), "SETTLED", "{fault}: 2601 undid what the centre had done");
        till.faults(&[]);
        till.ok(&["cancel", "B-1"]);
        assert_eq!((till.state("B-1").as_str(), till.balance().get()), ("CANCELLED", crate::till::BALANCE));
    }
}

#[test]
fn an_answer_about_another_person_settles_nothing() {
    let till = Till::signed_in();
    let bill = till.bill("B-1", &[("X1", "1", "12.50")]);
    till.ok(&["person", "--id", &till.citizen()]);
    std::fs::write(till.path("citizen"), "513399195203040027").expect("written");
    till.faults(&["1101=stale"]);
    // The rehearsal answers each with the answer to the one before: the first is the first person's.
    let crossed = till.settle(&bill);
    assert_eq!((crossed.status, crossed.code().as_str()), (7, "NATIONAL_OTHER_PERSON"), "{}", crossed.stderr);
    assert!(!crossed.stderr.contains("513399"), "{}", crossed.stderr);
    assert_eq!(till.arrived(2102), 0);
    till.faults(&[]);
    assert_eq!(till.settle(&bill).status, 0);
}

#[test]
fn what_the_centre_shows_by_name_is_judged_done_and_nothing_else() {
    let till = Till::signed_in();
    let (other, bill) = (till.bill("B-0", &[("X1", "2", "12.50")]), till.bill("B-1", &[("X1", "1", "12.50")]));
    assert_eq!(till.settle(&other).status, 0);
    till.faults(&["2102:1=lose", "2103:1=lose", "2601=refuse"]);
    assert_eq!(till.settle(&bill).code(), "NATIONAL_OPEN");
    let names = |till: &Till, at: usize| {
        let sale = till.centre.centre().books().sales[at].clone();
        (sale.setl_id, sale.mdtrt_id, sale.refund.map(|(setl_id, ..)| setl_id))
    };
    let judge = |settlement: &str, visit: &str| {
        till.run(&["judge", "B-1", "--done", "--settlement", settlement, "--visit", visit, "--reason", "by phone"])
    };
    assert_eq!(judge("SETL9", "MDTRT9").code(), "NATIONAL_REFUSED", "the centre knows no such settlement");
    let (settlement, visit, _) = names(&till, 0);
    assert_eq!(judge(&settlement, &visit).code(), "NATIONAL_AMOUNTS", "it is another bill's");
    assert_eq!(till.state("B-1"), "UNCERTAIN");
    let (settlement, visit, _) = names(&till, 1);
    assert_eq!(judge(&settlement, &visit).json()["state"], "SETTLED");
    till.assert_conserved();
    assert_eq!(till.ok(&["day-end"])["even"], true);
    assert_eq!(till.run(&["cancel", "B-1"]).code(), "NATIONAL_OPEN");
    let refund = names(&till, 1).2.expect("cancelled there");
    let cancelled = till.ok(&["judge", "B-1", "--done", "--settlement", &refund, "--reason", "by phone"]);
    assert_eq!(cancelled["state"], "CANCELLED");
    till.assert_conserved();
    assert_eq!(till.ok(&["day-end"])["even"], true);
}

/// Faults, class, ours, the centre's.
type Case = (&'static [&'static str], &'static str, Option<i64>, Option<i64>);

#[test]
fn two_books_that_differ_are_told_apart_in_four_classes() {
    // What the centre does, and what is found: class, ours, the centre's.
    let cases: [Case; 4] = [
        (&["2102:1=forget"], "ONLY_OURS", Some(1_250), None),
        (&["2102:1=lose", "2601:1=forget"], "ONLY_CENTRE", None, Some(1_250)),
        (&["2102:1=misbook"], "AMOUNT_DIFFERS", Some(1_250), Some(1_251)),
        (&["2103:1=forget"], "STATUS_DIFFERS", Some(-1_250), None),
    ];
    for (faults, class, ours, centre) in cases {
        let till = Till::signed_in();
        let kept = till.bill("B-0", &[("X2", "1", "10.00")]);
        assert_eq!(till.settle(&kept).status, 0);
        let bill = till.bill("B-1", &[("X1", "1", "12.50")]);
        till.faults(faults);
        till.settle(&bill);
        if faults[0].starts_with("2103") {
            till.ok(&["cancel", "B-1"]);
        }
        let ran = till.run(&["day-end"]);
        assert_eq!(ran.status, 7, "{class}: {}{}", ran.stdout, ran.stderr);
        let answer = ran.json();
        let found = answer["differences"].as_array().expect("a table");
        assert_eq!(found.len(), 1, "{class}: {answer}");
        assert_eq!(found[0]["class"], class, "{answer}");
        assert_eq!(
            (found[0]["ours_fen"].as_i64(), found[0]["centre_fen"].as_i64()),
            (ours, centre),
            "{class}: {answer}"
        );
        for language in ["zh", "en"] {
            // A day that was not even is compared again, and says the same.
            let told = till.run_as(language, "text", &["day-end"]);
            assert_eq!(told.status, 7, "{}", told.stdout);
            let word = if language == "zh" { "中心" } else { "centre" };
            assert!(told.stdout.contains(word), "{}", told.stdout);
        }
    }
}

#[test]
fn two_commands_at_once_send_one_settlement() {
    let till = Till::signed_in();
    let bill = till.bill("B-1", &[("X1", "1", "12.50")]);
    let citizen = till.citizen();
    let arguments = ["settle", bill.as_str(), "--id", &citizen];
    let mut children = [till.spawn(&arguments), till.spawn(&arguments), till.spawn(&arguments)];
    let mut ends: Vec<i32> =
        children.iter_mut().map(|child| child.wait().expect("ended").code().unwrap_or(-1)).collect();
    ends.sort_unstable();
    // Storage (9) is told by one that waited too long for its turn.
    assert!(
        ends[0] == 0 && ends[1..].iter().all(|end| [3, 9].contains(end)),
        "one settles, the others do not: {ends:?}"
    );
    assert_eq!(till.arrived(2102), 1);
    till.assert_conserved();
}
