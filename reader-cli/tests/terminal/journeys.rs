//! A day at the counter, and days on which something breaks.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use card_sim::fault::{Fault, Moment, Trigger};
use serde_json::json;
use settlement::message::{BatchRequest, LoadOutcome, LoadRequest};
use settlement::record::Evidence;

use crate::cards;
use crate::centre::{Silence, assert_right};
use crate::shop::{AWAY_MS, CARD, Shop, user_image};

/// On every receipt, once.
const PHARMACY: &str = "康定演练药店";

fn lost_answer_of_debit() -> Vec<Fault> {
    let at = Trigger::instruction(0x2C, 1);
    vec![Fault::PowerLoss { at, moment: Moment::After, back_after_ms: Some(AWAY_MS) }]
}

#[test]
fn a_day_from_sign_in_to_day_end_agrees_on_card_journal_and_centre() {
    let shop = Shop::ready();
    assert_eq!(shop.balance(), 50_000);
    let bill = shop.bill("B-1", &[("X1", 2, "12.50"), ("X2", 1, "35.00"), ("X3", 1, "9.90")]);
    let paid = shop.pay(&bill);
    assert_eq!(paid.status, 0, "{}", paid.stderr);
    let answer = paid.json();
    // X1 甲 2 × 12.50 in scope; X2 乙 35.00: 5.00 over its ceiling, 10 % of 30.00 first self-pay; X3 丙 own pay.
    assert_eq!(answer["state"], "CONFIRMED");
    assert_eq!(answer["personal_account_fen"], json!(5_500));
    assert_eq!(answer["self_paid_fen"], json!(500 + 990));
    assert!(paid.stderr.contains(PHARMACY), "the receipt: {}", paid.stderr);
    assert_eq!(shop.balance(), 50_000 - 5_500);
    let balance = shop.run(&["balance", "--pin", "env:PIN"]).json();
    assert_eq!((&balance["balance_fen"], &balance["card_sequence"]), (&json!(44_500), &json!(1)));
    let log = shop.run(&["log", "--pin", "env:PIN"]).json();
    assert_eq!(log["records"][0]["kind"], "purchase");
    assert_eq!(log["records"][1]["kind"], "load");
    let reprint = shop.run_text("zh", &["receipt", "reprint", answer["entry"].as_str().expect("id")]);
    assert!(reprint.stdout.contains("补打 第1次"), "{}", reprint.stdout);
    let day_end = shop.run(&["day-end"]).json();
    assert_eq!((&day_end["batches"], &day_end["accepted"], &day_end["open"]), (&json!(1), &json!(2), &json!(0)));
    let books = shop.centre.books();
    let [batch] = books.batches.as_slice() else { panic!("one batch") };
    batch.records.iter().for_each(assert_right);
    assert_eq!(books.outcomes.first().map(|outcome| outcome.outcome), Some(LoadOutcome::Credited));
    drop(books);
    let export = shop.run(&["journal", "export"]).json();
    assert_eq!(export["cards"][0]["purchased_fen"], json!(5_500));
    assert_eq!(export["cards"][0]["loaded_fen"], json!(50_000));
    assert_eq!(shop.run(&["upload"]).json()["batches"], json!(0), "nothing is sent twice");
    let proved = shop.run(&["journal", "verify"]);
    let answer = proved.json();
    assert_eq!(
        (proved.status, &answer["whole"], &answer["entries"]),
        (0, &json!(true), &json!(2)),
        "{}",
        proved.stdout
    );
    assert_eq!((&answer["records"], &answer["batches"], &answer["faults"]), (&json!(2), &json!(1), &json!([])));
    // Another key: none of the batches is this terminal's.
    std::fs::write(shop.path("data").join("terminal.key"), format!("{}\n", "11".repeat(32))).expect("written");
    for language in ["zh", "en"] {
        let told = shop.run_text(language, &["journal", "verify"]);
        assert!(told.status == 7 && told.stdout.contains("BATCH_ALTERED"), "{}{}", told.stdout, told.stderr);
    }
}

#[test]
fn power_lost_after_the_debit_is_settled_once_and_the_same_bill_is_not_charged_again() {
    let shop = Shop::ready();
    let bill = shop.bill("B-1", &[("X1", 1, "10.00")]);
    shop.faults(CARD, lost_answer_of_debit());
    let torn = shop.pay(&bill);
    assert_eq!((torn.status, torn.code().as_str()), (4, "UNCERTAIN"));
    shop.tap_again();
    assert_eq!(shop.balance(), 49_000, "the card did it");
    let balance = shop.run(&["balance"]).json();
    assert_eq!(balance["notes"][0]["code"], "OPEN_TRANSACTION", "without PIN it is only said");
    let settled = shop.pay(&bill);
    assert_eq!(settled.status, 0, "{}", settled.stderr);
    assert_eq!(settled.json()["state"], "CONFIRMED");
    assert_eq!(shop.balance(), 49_000, "once");
    let again = shop.pay(&bill);
    assert_eq!((again.status, again.code().as_str()), (3, "BILL_PAID"));
    let next = shop.pay(&shop.bill("B-2", &[("X1", 1, "10.00")]));
    assert_eq!(next.status, 0, "{}", next.stderr);
    assert_eq!(shop.balance(), 48_000);
    assert_eq!(shop.run(&["upload"]).json()["accepted"], json!(3));
}

#[test]
fn a_program_killed_over_the_paper_of_what_a_tap_settled_leaves_no_second_original() {
    let shop = Shop::ready();
    let bill = shop.bill("B-1", &[("X1", 1, "10.00")]);
    shop.faults(CARD, lost_answer_of_debit());
    assert_eq!(shop.pay(&bill).code(), "UNCERTAIN");
    shop.tap_again();
    let [catalogue, printer] = ["drugs.csv", "printer.txt"].map(|name| shop.path(name).display().to_string());
    assert!(Command::new("mkfifo").arg(&printer).status().expect("starts").success());
    let pay = ["--lang", "en", "pay", &bill, "--catalogue", &catalogue, "--pin", "env:PIN"];
    // It waits for its printer when it is killed: the text has gone out, and nobody was told.
    let mut killed =
        shop.sscard(&[&pay[..], &["--receipt", &printer]].concat()).stdout(Stdio::piped()).spawn().expect("starts");
    let mut out = BufReader::new(killed.stdout.take().expect("piped")).lines().map_while(Result::ok);
    assert!(out.any(|line| line.contains(PHARMACY)), "the original");
    killed.kill().expect("it runs");
    let _ = killed.wait();
    for number in 1..=2 {
        let again = match number {
            1 => shop.run_text("en", &pay[2..]),
            _ => shop.run_text("en", &["receipt", "reprint", "2"]),
        };
        assert_eq!(again.status, 0, "{}", again.stderr);
        assert!(again.stdout.contains(&format!("REPRINT {number}")), "{}", again.stdout);
    }
    assert_eq!(shop.pay(&bill).code(), "BILL_PAID");
    assert_eq!(shop.balance(), 49_000);

    // One that lived prints one original, whatever else the same tap says.
    let bill = shop.bill("B-2", &[("X1", 1, "10.00")]);
    shop.faults(CARD, lost_answer_of_debit());
    assert_eq!(shop.pay(&bill).code(), "UNCERTAIN");
    shop.tap_again();
    let whole = shop.run_text("en", &["pay", &bill, "--catalogue", &catalogue, "--pin", "env:PIN"]);
    let printed = whole.stdout.matches(PHARMACY).count();
    assert!(printed == 1 && !whole.stdout.contains("REPRINT"), "{}", whole.stdout);
}

#[test]
fn a_bill_that_one_card_may_have_paid_is_taken_from_no_other_card() {
    let shop = Shop::ready();
    let bill = shop.bill("B-1", &[("X1", 1, "10.00")]);
    let at = Trigger::instruction(0x2C, 1);
    shop.faults(CARD, vec![Fault::PowerLoss { at, moment: Moment::After, back_after_ms: Some(AWAY_MS) }]);
    assert_eq!(shop.pay(&bill).code(), "UNCERTAIN");
    shop.tap_again();
    shop.farm.eject(CARD).expect("ejected");
    user_image(&shop.path("other.card"), 2, cards::CITY);
    shop.farm.insert(CARD, &shop.path("other.card")).expect("another card");
    let other = shop.pay(&bill);
    assert_eq!((other.status, other.code().as_str()), (3, "BILL_OPEN"), "{}", other.stderr);
    shop.farm.eject(CARD).expect("ejected");
    shop.farm.insert(CARD, &shop.path("person.card")).expect("the first card");
    assert_eq!(shop.pay(&bill).status, 0);
    assert_eq!(shop.balance(), 49_000, "once");
}

#[test]
fn power_lost_before_the_debit_is_settled_as_not_done_and_paid_at_the_same_tap() {
    let shop = Shop::ready();
    let bill = shop.bill("B-1", &[("X1", 1, "10.00")]);
    let at = Trigger::instruction(0x2C, 1);
    shop.faults(CARD, vec![Fault::PowerLoss { at, moment: Moment::Before, back_after_ms: Some(AWAY_MS) }]);
    assert_eq!(shop.pay(&bill).code(), "UNCERTAIN");
    shop.tap_again();
    let settled = shop.pay(&bill);
    assert_eq!(settled.status, 0, "{}", settled.stderr);
    assert_eq!(shop.balance(), 49_000);
    let states: Vec<String> =
        shop.journal().iter().map(|entry| entry["state"].as_str().expect("text").to_owned()).collect();
    assert_eq!(states, ["CONFIRMED", "REVERSED", "CONFIRMED"]);
}

#[test]
fn a_batch_whose_answer_is_lost_is_sent_again_unchanged_and_counted_once() {
    let shop = Shop::ready();
    assert_eq!(shop.pay(&shop.bill("B-1", &[("X1", 1, "10.00")])).status, 0);
    shop.centre.books().silence = Silence::AfterDoing(<BatchRequest as settlement::message::Request>::PATH);
    let lost = shop.run(&["upload"]);
    assert_eq!((lost.status, lost.code().as_str()), (8, "CENTRE_UNREACHABLE"));
    shop.centre.books().silence = Silence::None;
    assert_eq!(shop.run(&["sign-in"]).status, 0, "the centre is one batch ahead, and that is known");
    let sent = shop.run(&["upload"]);
    assert_eq!((sent.status, &sent.json()["accepted"]), (0, &json!(2)), "{}", sent.stderr);
    assert_eq!(shop.centre.books().batches.len(), 1);
}

#[test]
fn an_unreachable_centre_keeps_the_records_for_later() {
    let shop = Shop::ready();
    assert_eq!(shop.pay(&shop.bill("B-1", &[("X1", 1, "10.00")])).status, 0);
    let nobody = shop.run(&["--centre", "http://127.0.0.1:9", "upload"]);
    assert_eq!((nobody.status, nobody.code().as_str()), (8, "CENTRE_UNREACHABLE"));
    assert_eq!(shop.run(&["upload"]).json()["accepted"], json!(2));
}

#[test]
fn a_load_whose_authorization_is_lost_is_taken_back_and_can_be_made_again() {
    let shop = Shop::ready();
    let identifier = shop.identifier();
    shop.centre.books().pending.insert(identifier, settlement::fen::Fen::new(2_000));
    shop.centre.books().silence = Silence::AfterDoing(<LoadRequest as settlement::message::Request>::PATH);
    let lost = shop.run(&["load"]);
    assert_eq!((lost.status, lost.code().as_str()), (8, "CENTRE_UNREACHABLE"));
    assert_eq!(shop.balance(), 50_000);
    shop.centre.books().silence = Silence::None;
    let loaded = shop.run(&["load", "--amount", "20.00"]);
    assert_eq!(loaded.status, 0, "{}", loaded.stderr);
    assert_eq!(shop.balance(), 52_000);
    let outcomes: Vec<LoadOutcome> = shop.centre.books().outcomes.iter().map(|outcome| outcome.outcome).collect();
    assert_eq!(outcomes, [LoadOutcome::Credited, LoadOutcome::NotCredited, LoadOutcome::Credited]);
}

#[test]
fn a_load_torn_after_the_credit_is_settled_with_the_pin_and_reported_as_credited() {
    let shop = Shop::ready();
    let identifier = shop.identifier();
    shop.centre.books().pending.insert(identifier, settlement::fen::Fen::new(2_000));
    let at = Trigger::instruction(0x2A, 1);
    shop.faults(CARD, vec![Fault::PowerLoss { at, moment: Moment::After, back_after_ms: Some(AWAY_MS) }]);
    assert_eq!(shop.run(&["load"]).code(), "UNCERTAIN");
    shop.tap_again();
    shop.centre.books().pending.clear();
    let settled = shop.run(&["card", "check", "--pin", "env:PIN"]);
    assert_eq!(settled.json()["notes"][0]["code"], "SETTLED", "{}", settled.stderr);
    assert_eq!(shop.run(&["upload"]).json()["load_outcomes"], json!(1));
    let last = shop.centre.books().outcomes.last().map(|outcome| (outcome.outcome, outcome.balance_after_fen.get()));
    assert_eq!(last, Some((LoadOutcome::Credited, 52_000)));
}

#[test]
fn the_pin_is_changed_and_nothing_on_disk_or_paper_holds_it_or_the_holder() {
    let shop = Shop::ready();
    let changed = shop.run(&["pin", "change", "--pin", "env:PIN", "--new-pin", "env:NEW"]);
    assert_eq!((changed.status, changed.code().as_str()), (1, "SECRET_UNREADABLE"));
    let verified = shop.run(&["pin", "verify", "--pin", "env:PIN"]);
    assert_eq!((verified.status, verified.json()["initial"].as_bool()), (0, Some(false)), "{}", verified.stdout);
    let wrong = shop.run(&["pin", "verify", "--pin", "env:WRONG"]);
    assert_eq!((wrong.status, wrong.code().as_str()), (6, "PIN_WRONG"));
    assert_eq!(shop.run(&["pin", "verify", "--pin", "env:PIN"]).json()["verified"].as_bool(), Some(true));
    let refused = shop.run(&["pin", "change", "--pin", "env:PIN", "--new-pin", "env:INITIAL"]);
    assert_eq!((refused.status, refused.code().as_str()), (6, "PIN_NEW_INITIAL"));
    std::fs::write(shop.path("new.pin"), "975318\n").expect("written");
    let source = format!("file:{}", shop.path("new.pin").display());
    let changed = shop.run(&["pin", "change", "--pin", "env:PIN", "--new-pin", &source]);
    assert_eq!(changed.status, 0, "{}", changed.stderr);
    std::fs::remove_file(shop.path("new.pin")).expect("removed");
    let wrong = shop.run(&["balance", "--pin", "env:PIN"]);
    assert_eq!((wrong.status, wrong.code().as_str()), (6, "PIN_WRONG"));
    let mut seen = vec![changed.stdout, changed.stderr, wrong.stdout, wrong.stderr];
    for entry in std::fs::read_dir(shop.path("data")).expect("a folder") {
        let path = entry.expect("an entry").path();
        seen.push(path.display().to_string());
        seen.push(String::from_utf8_lossy(&std::fs::read(&path).expect("readable")).into_owned());
    }
    for secret in [cards::PIN, "975318", "张三", "111111198101011110"] {
        assert!(seen.iter().all(|text| !text.contains(secret)), "a secret is where it must not be");
    }
}

#[test]
fn what_the_card_can_no_longer_tell_a_supervisor_judges_and_the_centre_learns_that_a_person_did() {
    for is_done in [true, false] {
        let shop = Shop::ready();
        let bill = shop.bill("B-1", &[("X1", 1, "10.00")]);
        shop.faults(CARD, lost_answer_of_debit());
        assert_eq!(shop.pay(&bill).code(), "UNCERTAIN");
        let word = if is_done { "--done" } else { "--not-done" };
        let judge =
            |entry| shop.run(&["journal", "judge", entry, word, "--by", "007", "--reason", "statement of the till"]);
        let other = judge("1");
        assert_eq!((other.status, other.code().as_str()), (2, "NOT_UNDECIDED"), "the load is confirmed");
        assert_eq!(judge("2x").code(), "NOT_UNDECIDED");
        let judged = judge("2");
        assert_eq!(judged.status, 0, "{}", judged.stderr);
        assert_eq!(judged.json()["state"], if is_done { "CONFIRMED" } else { "REVERSED" });
        assert_eq!(judge("2").code(), "NOT_UNDECIDED", "once");
        if is_done {
            let zh = shop.run_text("zh", &["receipt", "reprint", "2"]).stdout;
            assert!(zh.contains("由主管判定") && !zh.contains("经卡片核实"), "the card said nothing: {zh}");
        }
        let proved = shop.run(&["journal", "verify"]);
        assert_eq!((proved.status, &proved.json()["whole"]), (0, &json!(true)), "{}", proved.stdout);
        assert_eq!(shop.run(&["upload"]).status, 0);
        let books = shop.centre.books();
        let evidence: Vec<_> =
            books.batches.iter().flat_map(|batch| &batch.records).map(|record| record.evidence).collect();
        drop(books);
        assert_eq!(evidence.contains(&Evidence::Judged), is_done);
        // The card is no longer stuck here.
        shop.tap_again();
        let next = shop.pay(&shop.bill("B-2", &[("X1", 1, "10.00")]));
        assert_eq!(next.status, 0, "{}", next.stderr);
    }
}
