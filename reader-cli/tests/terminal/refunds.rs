//! Refund and cancel as a clerk types them: whole, in parts, with the centre away, the card pulled, the wrong card.

use card_sim::fault::{Fault, Moment, Trigger};
use serde_json::{Value, json};
use settlement::fen::Fen;
use settlement::id::{LoadId, TerminalNumber};
use settlement::message::{LoadRequest, Request as _};
use settlement::record::Transaction;
use settlement::refund::{Elsewhere, ElsewhereRequest, Original, Parts, RefundAct, Standing};

use crate::cards;
use crate::centre::{Silence, assert_right};
use crate::shop::{AWAY_MS, CARD, Ran, Shop, user_image};

/// A shop that sold for 55.00 from the account and 14.90 in cash, and the number of the sale in the journal.
fn sold() -> (Shop, String) {
    let shop = Shop::ready();
    let paid = shop.pay(&shop.bill("B-1", &[("X1", 2, "12.50"), ("X2", 1, "35.00"), ("X3", 1, "9.90")]));
    assert_eq!(paid.status, 0, "{}", paid.stderr);
    let entry = paid.json()["entry"].as_str().expect("a number").to_owned();
    (shop, entry)
}

fn give(shop: &Shop, entry: &str, more: &[&str]) -> Ran {
    shop.run(&[&["refund", "give", entry, "--reason", "goods back"], more].concat())
}

fn listed(shop: &Shop, arguments: &[&str]) -> Vec<Value> {
    let ran = shop.run(&[&["refund", "list"], arguments].concat());
    ran.json()["refunds"].as_array().expect("a list").clone()
}

#[test]
fn a_sale_goes_back_in_parts_and_never_more_than_was_paid() {
    let (shop, entry) = sold();
    let first = give(&shop, &entry, &["--account", "10.00", "--cash", "4.00"]);
    assert_eq!(first.status, 0, "{}", first.stderr);
    let answer = first.json();
    assert_eq!(
        (&answer["refund"], &answer["state"], &answer["original"]),
        (&json!("R00001"), &json!("DONE"), &json!(entry))
    );
    assert_eq!((&answer["balance_fen"], shop.balance()), (&json!(45_500), 45_500));
    let too_much = give(&shop, &entry, &["--account", "45.01"]);
    assert_eq!((too_much.status, too_much.code().as_str()), (3, "REFUND_AMOUNT"));
    let rest = give(&shop, &entry, &[]);
    assert_eq!(rest.status, 0, "{}", rest.stderr);
    assert_eq!((&rest.json()["personal_account_fen"], &rest.json()["self_paid_fen"]), (&json!(4_500), &json!(1_090)));
    assert_eq!(shop.balance(), 50_000);
    assert_eq!(give(&shop, &entry, &[]).code(), "REFUND_AMOUNT", "nothing is left");
    assert_eq!((listed(&shop, &[]).len(), listed(&shop, &["--all"]).len()), (0, 2));
    let day_end = shop.run(&["day-end"]).json();
    assert_eq!(
        (&day_end["refunds"], &day_end["refunded_fen"], &day_end["refunded_cash_fen"]),
        (&json!(2), &json!(5_500), &json!(1_490))
    );
    let export = shop.run(&["journal", "export"]).json();
    assert_eq!((&export["cards"][0]["refunds"], &export["cards"][0]["refunded_fen"]), (&json!(2), &json!(5_500)));
    let books = shop.centre.books();
    let records: Vec<_> = books.batches.iter().flat_map(|batch| &batch.records).collect();
    records.iter().for_each(|record| assert_right(record));
    let refunds = records.iter().filter(|record| matches!(record.transaction, Transaction::Refund { .. })).count();
    assert_eq!((refunds, books.outcomes.len()), (2, 3), "the load and both refunds were reported");
}

#[test]
fn who_owes_gets_a_refund_and_no_load() {
    let (shop, entry) = sold();
    assert_eq!(shop.run(&["load"]).code(), "NOTHING_TO_LOAD");
    shop.centre.books().pending.insert(shop.identifier(), Fen::new(-820));
    let refused = shop.run(&["load"]);
    assert_eq!((refused.status, refused.code().as_str()), (3, "LOAD_OWED"), "{}", refused.stderr);
    for (language, said) in [("zh", "欠款 8.20 元"), ("en", "owed: 8.20 yuan")] {
        let told = shop.run_text(language, &["load"]).stderr;
        assert!(told.contains(said), "{told}");
    }
    shop.centre.books().tells_no_debt = true;
    let of_before = shop.run(&["load"]);
    assert_eq!((of_before.status, of_before.code().as_str()), (3, "CENTRE_REFUSED"));
    assert!(of_before.stderr.contains("LOAD_OWED"), "{}", of_before.stderr);
    let given = give(&shop, &entry, &["--account", "10.00"]);
    assert_eq!((given.status, &given.json()["state"]), (0, &json!("DONE")), "{}", given.stderr);
    assert_eq!((shop.balance(), listed(&shop, &[]).len()), (45_500, 0));
}

#[test]
fn a_refund_and_a_cancel_have_their_slip_in_both_languages_and_again_when_asked() {
    let (shop, entry) = sold();
    let (slip, printer) = (shop.path("slip.txt"), shop.path("slip.escpos"));
    let to = |path: &std::path::Path| path.display().to_string();
    let zh =
        ["refund", "give", &entry, "--account", "10.00", "--cash", "4.00", "--receipt", &to(&slip), "--paper", "58"];
    let given = shop.run_text("zh", &zh);
    assert_eq!(given.status, 0, "{}", given.stderr);
    let text = std::fs::read_to_string(&slip).expect("a slip");
    assert!(given.stdout.starts_with(&text), "{}", given.stdout);
    for part in ["医保个人账户退费凭证", "康定演练药店", "R00001", "B-1", "14.00", "10.00", "4.00", "455.00"]
    {
        assert!(text.contains(part), "{part}\n{text}");
    }
    let again = give(&shop, &entry, &["--amount", "1.00", "--receipt", &to(&slip)]);
    assert_eq!((again.code().as_str(), again.status), ("FILE_MISSING", 2), "a slip is not written over");
    assert_eq!(shop.balance(), 45_500, "and nothing moved");

    let sold = shop.pay(&shop.bill("B-2", &[("X1", 1, "10.00")]));
    assert_eq!(sold.status, 0, "{}", sold.stderr);
    let cancelled = shop.run_text("en", &["cancel", "--pin", "env:PIN", "--receipt", &to(&printer)]);
    assert_eq!(cancelled.status, 0, "{}", cancelled.stderr);
    assert!(cancelled.stdout.contains("Medical account cancellation") && cancelled.stdout.contains("B-2"));
    let bytes = std::fs::read(&printer).expect("for a printer");
    let title = b"Medical account cancellation";
    assert!(bytes.windows(title.len()).any(|window| window == title));
    let last = shop.journal().pop().expect("an entry")["entry"].as_str().expect("a number").to_owned();
    let copy = shop.run_text("en", &["receipt", "reprint", &last]);
    assert!(copy.status == 0 && copy.stdout.contains("** REPRINT 1 **"), "{}{}", copy.stdout, copy.stderr);
    assert!(!copy.stdout.contains(&shop.identifier().to_string()), "the card is masked");
}

#[test]
fn a_total_is_shared_as_it_was_paid_to_the_fen() {
    let (shop, entry) = sold();
    let part = give(&shop, &entry, &["--amount", "6.99"]).json();
    // 6.99 of 69.90 are a tenth: 5.50 of the account, 1.49 of the cash.
    assert_eq!((&part["personal_account_fen"], &part["self_paid_fen"]), (&json!(550), &json!(149)));
    for (wrong, code, status) in
        [("63.00", "REFUND_AMOUNT", 3), ("0", "REFUND_AMOUNT", 3), ("1.234", "CONFIGURATION_INVALID", 1)]
    {
        let refused = give(&shop, &entry, &["--amount", wrong]);
        assert_eq!((refused.code().as_str(), refused.status), (code, status), "{wrong}");
    }
    for unknown in ["000999", "1", "x"] {
        // Entry 1 is the load.
        let refused = give(&shop, unknown, &[]);
        assert_eq!((refused.code().as_str(), refused.status), ("REFUND_ORIGINAL", 2), "{unknown}");
    }
    assert_eq!(shop.balance(), 44_500 + 550);
}

#[test]
fn a_refund_that_the_centre_did_not_answer_stays_open_with_its_age_until_it_is_finished_or_withdrawn() {
    let (shop, entry) = sold();
    shop.centre.books().silence = Silence::AfterDoing(LoadRequest::PATH);
    let lost = give(&shop, &entry, &["--amount", "6.99"]);
    assert_eq!((lost.status, lost.code().as_str()), (8, "CENTRE_UNREACHABLE"));
    assert!(lost.stderr.contains("REFUND_OPEN") && lost.stderr.contains("R00001"), "{}", lost.stderr);
    shop.centre.books().silence = Silence::None;
    assert_eq!(shop.balance(), 44_500);
    let [open] = listed(&shop, &[]).try_into().expect("one");
    assert_eq!(
        (&open["state"], &open["age_hours"], &open["why"]),
        (&json!("OPEN"), &json!(0), &json!("CENTRE_UNREACHABLE"))
    );
    assert!(open["next"].is_string());
    // What is open is held: only the rest may be asked for.
    assert_eq!(give(&shop, &entry, &["--amount", "62.92"]).code(), "REFUND_AMOUNT");
    let finished = shop.run(&["refund", "finish", "R00001"]);
    assert_eq!(finished.status, 0, "{}", finished.stderr);
    assert_eq!((&finished.json()["state"], shop.balance()), (&json!("DONE"), 44_500 + 550));
    for again in [["refund", "finish", "R00001"].as_slice(), &["refund", "withdraw", "1", "--reason", "late"]] {
        let refused = shop.run(again);
        assert_eq!((refused.code().as_str(), refused.status), ("REFUND_CLOSED", 3));
    }
    shop.centre.books().silence = Silence::AfterDoing(LoadRequest::PATH);
    assert_eq!(give(&shop, &entry, &["--amount", "1.00"]).code(), "CENTRE_UNREACHABLE");
    let withdrawn = shop.run(&["refund", "withdraw", "2", "--reason", "holder keeps the goods"]);
    assert_eq!((withdrawn.status, &withdrawn.json()["state"]), (0, &json!("WITHDRAWN")));
    shop.centre.books().silence = Silence::None;
    assert_eq!(give(&shop, &entry, &[]).status, 0, "what was withdrawn is there again");
    assert_eq!(shop.balance(), 50_000);
    for language in ["zh", "en"] {
        let text = shop.run_text(language, &["refund", "list", "--all"]);
        assert!(text.stdout.contains("R00002") && text.stdout.contains("holder keeps the goods"), "{}", text.stdout);
    }
}

#[test]
fn a_card_pulled_at_the_credit_gets_its_refund_once_and_until_then_nobody_withdraws_it() {
    for (moment, reached) in [(Moment::After, true), (Moment::Before, false)] {
        let (shop, entry) = sold();
        let at = Trigger::instruction(0x2A, 1);
        shop.faults(CARD, vec![Fault::PowerLoss { at, moment, back_after_ms: Some(AWAY_MS) }]);
        let torn = give(&shop, &entry, &[]);
        assert_eq!((torn.status, torn.code().as_str()), (4, "UNCERTAIN"), "{}", torn.stderr);
        shop.tap_again();
        assert_eq!(shop.balance() == 50_000, reached);
        let refused = shop.run(&["refund", "withdraw", "1", "--reason", "impatient"]);
        assert_eq!((refused.code().as_str(), refused.status), ("REFUND_UNDECIDED", 3));
        let finished = shop.run(&["refund", "finish", "1", "--pin", "env:PIN"]);
        assert_eq!(finished.status, 0, "{}", finished.stderr);
        assert_eq!((&finished.json()["state"], shop.balance()), (&json!("DONE"), 50_000), "once, reached: {reached}");
        let entries = shop.journal();
        let states: Vec<&str> = entries.iter().map(|entry| entry["state"].as_str().expect("text")).collect();
        let expected: &[&str] = if reached {
            &["CONFIRMED", "CONFIRMED", "CONFIRMED"]
        } else {
            &["CONFIRMED", "CONFIRMED", "REVERSED", "CONFIRMED"]
        };
        assert_eq!(states, expected);
        assert_eq!(shop.run(&["upload"]).status, 0);
        let books = shop.centre.books();
        let outcomes: Vec<_> = books.outcomes.iter().map(|outcome| format!("{:?}", outcome.outcome)).collect();
        let told: &[&str] = if reached { &["Credited", "Credited"] } else { &["Credited", "NotCredited", "Credited"] };
        assert_eq!(outcomes, told);
    }
}

#[test]
fn another_card_gets_nothing_and_nothing_is_agreed() {
    let (shop, entry) = sold();
    shop.farm.eject(CARD).expect("ejected");
    user_image(&shop.path("other.card"), 2, cards::CITY);
    shop.farm.insert(CARD, &shop.path("other.card")).expect("another card");
    let refused = give(&shop, &entry, &[]);
    assert_eq!((refused.status, refused.code().as_str()), (4, "OTHER_CARD"));
    assert!(listed(&shop, &["--all"]).is_empty());
}

#[test]
fn the_latest_purchase_is_cancelled_once_and_no_other() {
    let (shop, first) = sold();
    let paid = shop.pay(&shop.bill("B-2", &[("X1", 1, "10.00")]));
    let second = paid.json()["entry"].as_str().expect("a number").to_owned();
    let cancel = |id: &str| shop.run(&["cancel", "--id", id, "--reason", "wrong drug", "--pin", "env:PIN"]);
    let not_it = cancel(&first);
    assert_eq!((not_it.status, not_it.code().as_str()), (3, "CANCEL_TOO_LATE"));
    let without_pin = shop.run(&["cancel"]);
    assert_eq!((without_pin.code().as_str(), without_pin.status), ("PIN_NEEDED", 6));
    let cancelled = cancel(&second);
    assert_eq!(cancelled.status, 0, "{}", cancelled.stderr);
    let answer = cancelled.json();
    assert_eq!((&answer["act"], &answer["state"], shop.balance()), (&json!("cancel"), &json!("DONE"), 44_500));
    assert_eq!(shop.run(&["cancel", "--pin", "env:PIN"]).code(), "CANCEL_TOO_LATE", "once");
    assert_eq!(give(&shop, &second, &[]).code(), "REFUND_AMOUNT", "nothing is left of it");
    let kinds: Vec<String> =
        shop.journal().iter().map(|entry| entry["kind"].as_str().expect("text").to_owned()).collect();
    assert_eq!(kinds, ["load", "purchase", "purchase", "cancel"]);
}

#[test]
fn what_another_till_sold_goes_back_here_by_its_receipt() {
    let (shop, entry) = sold();
    let original = Original { terminal: TerminalNumber([0x88; 6]), terminal_sequence: 0xA5C3, card_sequence: None };
    let paid = Parts { personal_account: Fen::new(2_000), self_paid: Fen::new(500), pooled_fund: Fen::ZERO };
    let reference = original.reference();
    let back = |more: &[&str]| shop.run(&[&["refund", "give", "--original", &reference], more].concat());
    let unknown = back(&[]);
    assert_eq!((unknown.status, unknown.code().as_str()), (3, "CENTRE_REFUSED"));
    assert!(listed(&shop, &["--all"]).is_empty(), "nothing was agreed");
    shop.centre.books().elsewhere = Some((original, paid));
    assert_eq!(back(&["--amount", "25.01"]).code(), "REFUND_AMOUNT");

    let slip = shop.path("slip.txt");
    let given = back(&["--amount", "5.00", "--receipt", &slip.display().to_string()]);
    assert_eq!(given.status, 0, "{}", given.stderr);
    let answer = given.json();
    assert_eq!((&answer["original"], &answer["state"]), (&json!(reference), &json!("DONE")));
    assert_eq!((&answer["personal_account_fen"], &answer["self_paid_fen"]), (&json!(400), &json!(100)));
    assert_eq!(shop.balance(), 44_500 + 400);
    let text = std::fs::read_to_string(&slip).expect("a slip");
    assert!(text.contains("888888888888") && text.contains("0000A5C3"), "{text}");
    // The centre is asked for the rest, and here nobody gives more than was paid.
    assert_eq!(back(&[]).code(), "REFUND_AMOUNT", "its word of what is left is old");

    // Lost on its way it stays open with its name, and is finished like any other.
    shop.centre.books().silence = Silence::AfterDoing(LoadRequest::PATH);
    assert_eq!(back(&["--account", "10.00"]).code(), "CENTRE_UNREACHABLE");
    shop.centre.books().silence = Silence::None;
    assert_eq!(listed(&shop, &[])[0]["original"], json!(reference));
    assert_eq!(shop.run(&["refund", "finish", "R00002"]).status, 0);
    assert_eq!(shop.balance(), 44_500 + 400 + 1_000);

    // By the name on its receipt a purchase of this journal is the same purchase.
    let own = shop.journal().into_iter().find(|row| row["entry"] == json!(entry)).expect("the sale");
    let sequence = own["terminal_sequence"].as_u64().expect("a number");
    let own = format!("{}/{sequence:08X}", hex::encode_upper(cards::TERMINAL));
    let mine = shop.run(&["refund", "give", "--original", &own, "--account", "1.00"]);
    assert_eq!((mine.status, &mine.json()["original"]), (0, &json!(entry)), "{}", mine.stderr);
    for wrong in ["x", "513301000001/21", "513301000001/0000A5C3/00045"] {
        let refused = shop.run(&["refund", "give", "--original", wrong]);
        assert_eq!((refused.status, refused.code().as_str()), (1, "USAGE"), "{wrong}");
        assert!(refused.stderr.contains("0000A5C3"), "the form is shown: {}", refused.stderr);
    }
    let short = shop.run(&["refund", "give", "513301000001/21"]);
    assert_eq!((short.status, short.code().as_str()), (1, "USAGE"), "not an entry of this journal: {}", short.stderr);
    let named = shop.run(&["refund", "give", &own, "--amount", "6300.00"]);
    assert_eq!(named.code(), "REFUND_AMOUNT", "it is found by its name on paper: {}", named.stderr);
    assert_eq!(shop.run(&["journal", "verify"]).status, 0);
    assert_eq!(shop.run(&["upload"]).status, 0);
    let books = shop.centre.books();
    let refunds = books.batches.iter().flat_map(|batch| &batch.records).filter_map(|record| match record.transaction {
        Transaction::Refund { original, .. } => Some(original),
        _ => None,
    });
    assert_eq!(refunds.filter(|of| *of == original).count(), 2);
}

#[test]
fn a_load_whose_code_the_centre_finds_wrong_keeps_nobody_elses_money_waiting() {
    let shop = Shop::ready();
    for (bill, price) in [("B-1", "10.00"), ("B-2", "12.00")] {
        assert_eq!(shop.pay(&shop.bill(bill, &[("X1", 1, price)])).status, 0);
    }
    shop.centre.books().next_tac_wrong = true;
    let wrong = give(&shop, "2", &[]);
    assert!(wrong.status == 3 && wrong.stderr.contains("TAC_WRONG"), "the clerk hears of it: {}", wrong.stderr);
    assert_eq!(wrong.json()["state"], "DONE", "the card has it");
    let other = give(&shop, "3", &[]);
    assert_eq!(other.status, 0, "another refund goes on: {}", other.stderr);
    shop.centre.books().pending.insert(shop.identifier(), Fen::new(100));
    assert_eq!(shop.run(&["load"]).status, 0, "a load goes on");
    assert_eq!(shop.run(&["upload"]).status, 0);
    let ended = shop.run(&["day-end"]);
    assert_eq!(ended.status, 0, "{}", ended.stderr);
    let said = ended.json()["for_centre"].clone();
    assert_eq!((&said[0]["code"], said.as_array().map(Vec::len)), (&json!("TAC_WRONG"), Some(1)), "{said}");
}

#[test]
fn day_end_gives_its_totals_without_its_centre() {
    let (shop, _) = sold();
    shop.centre.books().silence = Silence::AfterDoing("/terminal/v1/batches");
    let alone = shop.run(&["day-end"]);
    assert_eq!(alone.code(), "CENTRE_UNREACHABLE", "{}", alone.stderr);
    assert_eq!((&alone.json()["purchases"], &alone.json()["self_paid_fen"]), (&json!(1), &json!(1_490)));
}

#[test]
fn day_end_counts_its_day_and_names_the_days_before_it_that_nobody_ended() {
    let (shop, _) = sold();
    let sums = |ran: &Ran| {
        let answer = ran.json();
        let of = |name: &str| answer[name].as_i64().expect("a number");
        ([of("purchases"), of("personal_account_fen"), of("self_paid_fen"), of("loads")], answer["earlier"].clone())
    };
    shop.centre.books().day = "2026-01-03";
    assert_eq!(shop.run(&["sign-in"]).status, 0);
    assert_eq!(shop.pay(&shop.bill("B-2", &[("X1", 1, "10.00")])).status, 0);
    let (today, earlier) = sums(&shop.run(&["day-end"]));
    assert_eq!(today, [1, 1_000, 0, 0], "the sale of today alone");
    let [before] = earlier.as_array().expect("a table").as_slice() else { panic!("{earlier}") };
    assert_eq!(
        (&before["business_date"], &before["purchases"], &before["self_paid_fen"], &before["loads"]),
        (&json!("2026-01-02"), &json!(1), &json!(1_490), &json!(1))
    );
    assert_eq!(sums(&shop.run(&["day-end"])).0, today, "the same again");
    shop.centre.books().day = "2026-01-04";
    assert_eq!(shop.run(&["sign-in"]).status, 0);
    assert_eq!(sums(&shop.run(&["day-end"])), ([0; 4], json!([])), "both days were ended");
}

#[test]
fn what_was_cancelled_counts_no_more_and_its_bill_and_receipt_say_so() {
    let shop = Shop::ready();
    let list = "药品编码,名称,类别,目录类别,限价,先行自付比例,生效日期,失效日期,处方药,限量,限量天数,用药天数上限\n\
                L1,头孢一号,甲,101,,,2020-01-01,,否,4,7,\n";
    std::fs::write(shop.path("limited.csv"), list).expect("written");
    let catalogue = shop.path("limited.csv").display().to_string();
    {
        let mut books = shop.centre.books();
        books.limits.card_day_count_max = 2;
        books.limits.card_day_max_fen = Fen::new(5_000);
        books.parameters += 1;
    }
    assert_eq!(shop.run(&["sign-in"]).status, 0);
    let pay = |id: &str, quantity: u32| {
        let bill = shop.bill(id, &[("L1", quantity, "10.00")]);
        shop.run(&["pay", &bill, "--catalogue", &catalogue, "--pin", "env:PIN"])
    };
    let first = pay("Q-1", 4);
    assert_eq!(first.status, 0, "{}", first.stderr);
    let entry = first.json()["entry"].as_str().expect("a number").to_owned();
    assert_eq!(pay("Q-2", 1).code(), "BILL_REFUSED", "4 in 7 days were bought");
    assert_eq!(shop.run(&["cancel", "--pin", "env:PIN"]).status, 0);
    let again = pay("Q-1", 4);
    assert_eq!((again.status, again.code().as_str()), (3, "BILL_PAID"));
    assert!(again.stderr.contains("cancelled since") && again.stderr.contains("a new number"), "{}", again.stderr);

    let printed = |entry: &str, language: &str, words: &[&str]| {
        for form in ["txt", "escpos"] {
            let path = shop.path(&format!("{entry}.{form}"));
            drop(std::fs::remove_file(&path));
            let to = path.display().to_string();
            let ran = shop.run_text(language, &["receipt", "reprint", entry, "--receipt", &to]);
            assert_eq!(ran.status, 0, "{}", ran.stderr);
            words.iter().for_each(|word| assert!(ran.stdout.contains(word), "{word}\n{}", ran.stdout));
            if form == "txt" {
                assert_eq!(std::fs::read_to_string(&path).expect("a file"), ran.stdout);
            } else {
                assert!(std::fs::metadata(&path).expect("a file").len() > 100);
            }
        }
    };
    printed(&entry, "zh", &["** 已撤销 **", "补打"]);
    printed(&entry, "en", &["** CANCELLED **", "REPRINT"]);

    // The right bill after the slip: 4 again, and 2 sales of at most 50.00 a day.
    let right = pay("Q-3", 4);
    assert_eq!(right.status, 0, "{}", right.stderr);
    let entry = right.json()["entry"].as_str().expect("a number").to_owned();
    let second = shop.bill("Q-4", &[("X1", 1, "15.00")]);
    let refused = shop.pay(&second);
    assert_eq!(refused.code(), "LIMIT_EXCEEDED", "40.00 are spent");
    assert_eq!(give(&shop, &entry, &["--account", "10.00"]).status, 0);
    printed(&entry, "zh", &["** 已退费 10.00 **"]);
    printed(&entry, "en", &["** REFUNDED 10.00 **"]);
    assert_eq!(pay("Q-5", 1).code(), "BILL_REFUSED", "of what lines a part was nobody says");
    let sold = shop.pay(&second);
    assert_eq!(sold.status, 0, "30.00 are spent: {}", sold.stderr);
    assert_eq!(give(&shop, &entry, &[]).status, 0);
    printed(&entry, "zh", &["** 已全额退费 40.00 **"]);
    assert_eq!(shop.pay(&shop.bill("Q-6", &[("X1", 1, "10.00")])).status, 0, "one sale stands");
    assert_eq!(shop.pay(&shop.bill("Q-7", &[("X1", 1, "1.00")])).code(), "LIMIT_EXCEEDED", "two do");
    assert_eq!(shop.run(&["journal", "verify"]).status, 0);
}

/// What another till gave back to the account of the one purchase of a shop.
fn given(shop: &Shop, id: u8, fen: i64, standing: Standing) -> Elsewhere {
    let sold = shop.journal().into_iter().find(|row| row["kind"] == "purchase").expect("a purchase");
    let terminal_sequence =
        sold["terminal_sequence"].as_u64().and_then(|number| u32::try_from(number).ok()).expect("32 bits");
    Elsewhere {
        load_id: LoadId([id; 16]),
        original: Original { terminal: TerminalNumber(cards::TERMINAL), terminal_sequence, card_sequence: None },
        card_identifier: shop.identifier(),
        act: RefundAct::Refund,
        parts: Parts { personal_account: Fen::new(fen), self_paid: Fen::ZERO, pooled_fund: Fen::ZERO },
        standing,
    }
}

#[test]
fn what_the_centre_lost_of_other_tills_refunds_goes_on_counting_until_it_has_it_again_or_somebody_decides() {
    let (shop, entry) = sold();
    let (had, may_have) = (given(&shop, 7, 1_000, Standing::Credited), given(&shop, 9, 500, Standing::Prepared));
    let lost = |more: &[&str]| {
        let ran = shop.run(&[&["refund", "list"], more].concat());
        let states = ran.json()["lost"].as_array().cloned().unwrap_or_default();
        states.iter().map(|row| row["state"].as_str().expect("text").to_owned()).collect::<Vec<_>>()
    };
    let noted = |command: &str| {
        let ran = shop.run(&[command]);
        assert_eq!(ran.status, 0, "{}", ran.stderr);
        ran.json()["notes"].to_string()
    };
    shop.centre.books().given = Some(vec![had, may_have]);
    assert!(!noted("sign-in").contains("REFUNDS_LOST"));
    // The centre was brought back to the day before.
    shop.centre.books().given = Some(Vec::new());
    assert!(!noted("upload").contains("REFUNDS_LOST"), "what is new alone was asked");
    assert!(noted("sign-in").contains("REFUNDS_LOST"));
    assert!(noted("upload").contains("REFUNDS_LOST"), "until it is decided");
    assert_eq!(lost(&[]), ["CREDITED", "PREPARED"]);
    assert_eq!(give(&shop, &entry, &["--account", "40.01"]).code(), "REFUND_AMOUNT", "never twice");
    for language in ["zh", "en"] {
        let Ran { stdout, stderr, .. } = shop.run_text(language, &["refund", "list"]);
        assert!(stdout.contains(&may_have.load_id.to_string()) && stderr.contains("refund drop"), "{stdout}{stderr}");
    }

    let id = may_have.load_id.to_string();
    let drop_it =
        |id: &str| shop.run(&["--operator", "li", "refund", "drop", id, "--reason", "the other till withdrew it"]);
    // What its card has would go back twice.
    let credited = drop_it(&had.load_id.to_string());
    assert_eq!((credited.status, credited.code().as_str()), (3, "REFUND_CREDITED"), "{}", credited.stderr);
    let dropped = drop_it(&id).json();
    assert_eq!((dropped["state"].as_str(), dropped["operator"].as_str()), (Some("DROPPED"), Some("li")));
    for unknown in [id.as_str(), "R00001", &LoadId([8; 16]).to_string()] {
        assert_eq!((drop_it(unknown).status, drop_it(unknown).code().as_str()), (2, "REFUND_UNKNOWN"), "{unknown}");
    }
    assert_eq!((lost(&[]), lost(&["--all"]).len()), (vec!["CREDITED".to_owned()], 2));
    assert_eq!(give(&shop, &entry, &["--account", "45.01"]).code(), "REFUND_AMOUNT");
    // The other till uploaded again: what the centre has, it has.
    shop.centre.books().given = Some(vec![had, may_have]);
    assert!(!noted("sign-in").contains("REFUNDS_LOST"));
    assert!(lost(&["--all"]).is_empty());
    assert_eq!(give(&shop, &entry, &["--account", "40.01"]).code(), "REFUND_AMOUNT", "told again it counts again");
    shop.centre.books().given = Some(vec![had]);
    assert!(noted("sign-in").contains("REFUNDS_LOST"));
    assert_eq!(drop_it(&id).status, 0);
    let all = shop.run(&["refund", "list", "--all"]);
    assert_eq!((lost(&["--all"]), all.status), (vec!["DROPPED".to_owned()], 0));
    assert!(!all.stdout.contains("REFUNDS_LOST"), "nothing of it goes on counting: {}", all.stdout);
    let given = give(&shop, &entry, &["--account", "45.00"]);
    assert_eq!(given.status, 0, "{}", given.stderr);
    assert_eq!(shop.balance(), 44_500 + 4_500);
}

#[test]
fn an_upload_that_was_taken_succeeds_also_where_nobody_answers_what_other_tills_gave_back() {
    let (shop, _) = sold();
    shop.centre.books().given = Some(vec![given(&shop, 7, 1_000, Standing::Credited)]);
    shop.centre.books().silence = Silence::AfterDoing(ElsewhereRequest::PATH);
    for _ in 0..2 {
        let ran = shop.run(&["upload"]);
        assert_eq!(ran.status, 0, "{}", ran.stderr);
        assert!(ran.json()["notes"].to_string().contains("REFUNDS_NOT_TOLD"), "{}", ran.stdout);
    }
    shop.centre.books().silence = Silence::None;
    shop.centre.books().garbled = Some(ElsewhereRequest::PATH);
    let ended = shop.run(&["day-end"]);
    assert_eq!(
        (ended.status, ended.json()["notes"].to_string().contains("REFUNDS_NOT_TOLD")),
        (0, true),
        "{}",
        ended.stderr
    );
    shop.centre.books().garbled = None;
    assert!(!shop.run(&["upload"]).stdout.contains("REFUNDS_NOT_TOLD"), "asked again");
    let receipt = shop.run(&["receipt", "reprint", "2"]);
    assert!(receipt.json()["receipt"].to_string().contains("REFUNDED 10.00"), "{}", receipt.stdout);
}
