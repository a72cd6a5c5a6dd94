//! A supervisor judged wrong: the card's next tap says so, the clerk hears what to do, the centre is told.

use card_sim::fault::{Fault, Moment, Trigger};
use serde_json::{Value, json};
use settlement::message::LoadOutcome;
use settlement::record::{Evidence, TransactionRecord};

use crate::centre::assert_right;
use crate::shop::{AWAY_MS, CARD, Ran, Shop};

pub(crate) fn torn(shop: &Shop, ins: u8, did: bool) {
    let moment = if did { Moment::After } else { Moment::Before };
    shop.faults(
        CARD,
        vec![Fault::PowerLoss { at: Trigger::instruction(ins, 1), moment, back_after_ms: Some(AWAY_MS) }],
    );
}

pub(crate) fn judge(shop: &Shop, entry: &str, done: bool) {
    let word = if done { "--done" } else { "--not-done" };
    let judged = shop.run(&["journal", "judge", entry, word, "--by", "007", "--reason", "till roll"]);
    assert_eq!(judged.status, 0, "{}", judged.stderr);
    assert_eq!(shop.run(&["upload"]).status, 0);
    shop.tap_again();
}

fn note(ran: &Ran) -> (Value, String) {
    let notes = ran.json()["notes"].clone();
    (notes[0]["code"].clone(), notes[0].to_string())
}

fn is_whole(shop: &Shop) {
    let proved = shop.run(&["journal", "verify"]);
    assert_eq!((proved.status, &proved.json()["whole"]), (0, &json!(true)), "{}", proved.stdout);
}

#[test]
fn a_sale_judged_paid_that_the_card_did_not_pay_is_open_again_and_one_judged_unpaid_is_paid() {
    for did in [false, true] {
        let shop = Shop::ready();
        let bill = shop.bill("B-1", &[("X1", 1, "10.00")]);
        torn(&shop, 0x2C, did);
        assert_eq!(shop.pay(&bill).code(), "UNCERTAIN");
        judge(&shop, "2", !did);
        let without = shop.run(&["balance"]);
        assert!(without.stdout.contains("OPEN_TRANSACTION"), "{}{}", without.stdout, without.stderr);
        let tapped = shop.run(&["balance", "--pin", "env:PIN"]);
        let (code, text) = note(&tapped);
        assert_eq!((tapped.status, code), (0, json!("JUDGEMENT_CONTRADICTED")), "{}", tapped.stderr);
        assert!(text.contains("B-1") && text.contains(if did { "refund give" } else { "payment again" }), "{text}");
        let entry = shop.journal().pop().expect("an entry");
        assert_eq!(entry["state"], if did { "CONFIRMED" } else { "REVERSED" });
        assert_eq!((&entry["card_shows"], entry["tac"].is_string()), (&json!("CONTRADICTS"), did));
        assert!(entry["judged"].as_str().is_some_and(|said| said.contains("007: till roll")), "{entry}");
        is_whole(&shop);
        assert_eq!(shop.run(&["upload"]).status, 0);
        is_whole(&shop);
        {
            let books = shop.centre.books();
            let records: Vec<_> = books.batches.iter().flat_map(|batch| &batch.records).collect();
            let record = records.last().expect("the sale");
            assert_eq!(matches!(record.evidence, Evidence::Proved { .. }), did);
            let said = record.judgement.as_ref().expect("a person judged");
            assert_eq!((said.done, said.by.as_str(), said.reason.as_str()), (!did, "007", "till roll"));
            assert_eq!(books.contradicted, if did { vec![] } else { vec![2] }, "the record cannot be taken back");
        }
        assert_eq!(shop.run(&["upload"]).status, 0);
        assert_eq!(shop.centre.books().contradicted.len(), usize::from(!did), "told once");
        let again = shop.pay(&bill);
        match did {
            true => assert_eq!(again.code(), "BILL_PAID"),
            false => assert_eq!(again.status, 0, "{}", again.stderr),
        }
        assert_eq!(shop.balance(), 49_000, "paid once");
    }
}

#[test]
fn a_refund_judged_wrong_reaches_its_card_once() {
    for did in [false, true] {
        let shop = Shop::ready();
        assert_eq!(shop.pay(&shop.bill("B-1", &[("X1", 1, "10.00")])).status, 0);
        torn(&shop, 0x2A, did);
        assert_eq!(shop.run(&["refund", "give", "2", "--reason", "goods back"]).code(), "UNCERTAIN");
        judge(&shop, "3", !did);
        assert_eq!(shop.balance(), if did { 50_000 } else { 49_000 });
        if did {
            // The clerk would try again: the card is asked first.
            let again = shop.run(&["refund", "finish", "1", "--pin", "env:PIN"]);
            assert_eq!((again.status, &again.json()["state"]), (0, &json!("DONE")), "{}", again.stderr);
            assert_eq!(note(&again).0, "JUDGEMENT_CONTRADICTED");
        } else {
            let tapped = shop.run(&["balance", "--pin", "env:PIN"]);
            let (code, text) = note(&tapped);
            assert_eq!(code, "JUDGEMENT_CONTRADICTED", "{}", tapped.stderr);
            assert!(text.contains("refund finish R00001"), "{text}");
            let finished = shop.run(&["refund", "finish", "1"]);
            assert_eq!((finished.status, &finished.json()["state"]), (0, &json!("DONE")), "{}", finished.stderr);
        }
        assert_eq!(shop.balance(), 50_000, "once");
        assert_eq!(shop.run(&["upload"]).status, 0);
        is_whole(&shop);
        let books = shop.centre.books();
        let told: Vec<_> = books.outcomes.iter().skip(1).map(|outcome| outcome.outcome).collect();
        let expected = match did {
            true => vec![LoadOutcome::NotCredited, LoadOutcome::Credited],
            false => vec![LoadOutcome::Credited, LoadOutcome::NotCredited, LoadOutcome::Credited],
        };
        assert_eq!(told, expected, "what was told wrong is told right");
        let last = books.outcomes.last().expect("told");
        assert!(last.tac.is_some(), "with the card's own code");
    }
}

#[test]
fn what_the_card_shows_against_a_person_is_said_before_the_error_and_once() {
    let shop = Shop::ready();
    torn(&shop, 0x2C, true);
    assert_eq!(shop.pay(&shop.bill("B-1", &[("X1", 1, "10.00")])).code(), "UNCERTAIN");
    judge(&shop, "2", false);
    let dear = shop.bill("B-2", &[("X1", 60, "10.00")]);
    let refused = shop.pay(&dear);
    assert_eq!((refused.status, refused.code().as_str()), (3, "LIMIT_EXCEEDED"), "{}", refused.stderr);
    let (code, text) = note(&refused);
    assert!(code == "JUDGEMENT_CONTRADICTED" && text.contains("refund give 000002"), "{}", refused.stdout);
    let again = shop.run(&["balance", "--pin", "env:PIN"]);
    assert_eq!(again.json()["notes"], Value::Null, "said once");
}

#[test]
fn what_was_settled_and_never_said_is_said_at_the_next_tap_and_by_day_end_until_then() {
    let shop = Shop::ready();
    torn(&shop, 0x2C, true);
    assert_eq!(shop.pay(&shop.bill("B-1", &[("X1", 1, "10.00")])).code(), "UNCERTAIN");
    judge(&shop, "2", false);
    // A full device for what is printed: the tap settles, and nobody hears of it.
    let silent = shop.sscard(&["balance", "--pin", "env:PIN"]).stdout(full()).output().expect("runs");
    assert_ne!(silent.status.code(), Some(0));
    assert_eq!(shop.journal().pop().expect("an entry")["card_shows"], "CONTRADICTS");
    for command in ["upload", "day-end", "day-end"] {
        let ran = shop.run(&[command]);
        assert_eq!(note(&ran).0, "JUDGEMENT_CONTRADICTED", "{command}: {}", ran.stdout);
    }
    assert_eq!(note(&shop.run(&["balance"])).0, "JUDGEMENT_CONTRADICTED", "without a PIN too");
    assert_eq!(shop.run(&["day-end"]).json()["notes"], Value::Null, "said");
}

fn full() -> std::fs::File {
    std::fs::OpenOptions::new().write(true).open("/dev/full").expect("a device that takes nothing")
}

#[test]
fn a_card_that_agrees_gives_the_centre_its_own_code() {
    let shop = Shop::ready();
    torn(&shop, 0x2C, true);
    assert_eq!(shop.pay(&shop.bill("B-1", &[("X1", 1, "10.00")])).code(), "UNCERTAIN");
    judge(&shop, "2", true);
    assert_eq!(shop.run(&["balance", "--pin", "env:PIN"]).status, 0);
    for _ in 0..2 {
        assert_eq!(shop.run(&["upload"]).status, 0);
        let books = shop.centre.books();
        let [proof] = books.proved.as_slice() else { panic!("told once: {:?}", books.proved) };
        assert_eq!((proof.record.journal_sequence, proof.record.evidence), (2, Evidence::Judged));
        assert_right(&TransactionRecord { evidence: proof.code().proved(), ..proof.record.clone() });
    }
}

#[test]
fn a_code_that_the_card_says_again_is_told_to_the_centre_once_and_asked_for_no_more() {
    let shop = Shop::ready();
    assert_eq!(shop.pay(&shop.bill("B-1", &[("X1", 1, "10.00")])).status, 0);
    shop.centre.books().finds_tac_wrong = Some(2);
    assert_eq!(shop.run(&["upload"]).status, 10, "not posted");
    let kept = || {
        let journal = rusqlite::Connection::open(shop.path("data").join("terminal.db")).expect("the journal");
        let count = "SELECT count(*) FROM fact WHERE name LIKE 'proved.%'";
        journal.query_row(count, (), |row| row.get::<_, i64>(0)).expect("a count")
    };
    assert_eq!(kept(), 0);
    assert_eq!(shop.run(&["load", "--amount", "2.00", "--pin", "env:PIN"]).status, 2, "nothing waits to be loaded");
    assert_eq!(kept(), 1, "asked, and answered as before");
    for _ in 0..2 {
        assert_eq!(shop.run(&["upload"]).status, 0);
        let books = shop.centre.books();
        let [proof] = books.proved.as_slice() else { panic!("told once: {:?}", books.proved) };
        assert_eq!(Some(proof.code()), proof.record.evidence.code());
    }
}

#[test]
fn a_record_whose_code_was_spoilt_gets_the_cards_own_at_its_next_tap_with_the_pin() {
    // Nothing waits to be loaded; the card is asked all the same.
    let load = |shop: &Shop| shop.run(&["load", "--amount", "2.00", "--pin", "env:PIN"]);
    let pay = |shop: &Shop| shop.pay(&shop.bill("B-2", &[("X1", 1, "12.00")]));
    for (tap, status) in [(load as fn(&Shop) -> Ran, 2), (pay, 0)] {
        let shop = Shop::ready();
        assert_eq!(shop.pay(&shop.bill("B-1", &[("X1", 1, "10.00")])).status, 0);
        // Spoilt between the card and the till, where nobody can check it.
        let journal = rusqlite::Connection::open(shop.path("data").join("terminal.db")).expect("the journal");
        let spoilt = journal.execute("UPDATE entry SET tac = '00000000' WHERE record = 2", ()).expect("spoilt");
        assert_eq!(spoilt, 1);
        drop(journal);
        shop.centre.books().finds_tac_wrong = Some(2);
        assert_eq!(shop.run(&["upload"]).status, 10, "not posted");
        assert!(shop.centre.books().proved.is_empty());
        let tapped = tap(&shop);
        assert_eq!(tapped.status, status, "{}", tapped.stderr);
        assert_eq!(shop.run(&["upload"]).status, 0);
        let books = shop.centre.books();
        let [proof] = books.proved.as_slice() else { panic!("told once: {:?}", books.proved) };
        assert_eq!(proof.record.journal_sequence, 2);
        assert_right(&TransactionRecord { evidence: proof.code().proved(), ..proof.record.clone() });
    }
}
