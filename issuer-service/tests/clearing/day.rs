//! A day: allotments, loads, purchases, the close and the three-way agreement.

use serde_json::{Value, json};

use crate::centre::{BATCHES, Centre, PHARMACY, QUOTE, SIGN_IN, codes, load, loaded, renumber, signed_in};

#[test]
fn a_day_of_loads_and_purchases_closes_and_agrees_to_the_fen() {
    let mut centre = Centre::with_cards(2);
    centre.serve();
    let mut terminal = centre.terminal(1);
    let (status, answer) = terminal.ask(SIGN_IN, signed_in(&terminal));
    assert_eq!((status, answer["status"].as_str()), (200, Some("created")), "{answer}");
    assert_eq!(answer["institution"]["code"], PHARMACY);
    let request = centre.ok("ma", &["account", "allot", "--batch", "1", "--amount", "500.00"]);
    assert_eq!(request["lines"].as_array().expect("lines").len(), 2);
    centre.ok("wu", &["account", "approve", "1"]);
    let (mut first, mut second) = (centre.card(1), centre.card(2));
    let quote = json!({ "version": 1, "terminal": terminal.number, "card_identifier": first.identifier });
    assert_eq!(terminal.ask(QUOTE, quote).1["amount_fen"], 50_000);
    load(&mut terminal, &mut first, 1, 50_000);
    load(&mut terminal, &mut second, 2, 50_000);
    let day = centre.today();
    let mut records = Vec::new();
    for (first_card, fen) in [(true, [1_234, 0, 0]), (false, [0, 500, 700]), (true, [1_234, 66, 0])] {
        let card = if first_card { &mut first } else { &mut second };
        records.push(card.purchase(&mut terminal, day, fen));
    }
    renumber(&mut records, &terminal);
    let body = terminal.seal(records);
    let (status, answer) = terminal.send(BATCHES, &body);
    assert_eq!((status, &answer["accepted"], codes(&answer).len()), (200, &json!(3), 0), "{answer}");

    assert_eq!(centre.balance("card:"), 100_000 - 2_468);
    assert_eq!(centre.balance("institution:P51330100001:payable"), 2_468 + 700);
    assert_eq!(centre.balance("fund:personal-account"), -100_000);
    assert_eq!(centre.balance("fund:pooled"), -700);
    assert_eq!(centre.balance(""), 0, "all accounts sum to zero");

    let date = day.to_string();
    let proof = centre.ok("zhou", &["window", "close", "--date", &date]);
    assert_eq!((&proof["window"]["state"], &proof["holds"]), (&json!("CLOSED"), &json!(true)));
    assert_eq!(proof["totals"]["payable_fen"], 3_168);
    let statement = centre.ok("ma", &["statement", "--institution", PHARMACY, "--date", &date]);
    assert_eq!((&statement["payable_fen"], &statement["purchases"]), (&json!(3_168), &json!(3)));
    let readings = json!([
        { "card_identifier": first.identifier, "balance_fen": first.balance, "card_sequence": 2 },
        { "card_identifier": second.identifier, "balance_fen": second.balance, "card_sequence": 1 },
    ]);
    let journal = json!({ "terminal": terminal.number, "cards": [
        { "card_identifier": first.identifier, "purchases": 2, "purchased_fen": 2_468, "loads": 1, "loaded_fen": 50_000 },
        { "card_identifier": second.identifier, "purchases": 1, "purchased_fen": 0, "loads": 1, "loaded_fen": 50_000 },
    ] });
    let (cards, journal) = (centre.write("cards.json", &readings), centre.write("journal.json", &journal));
    let arguments = ["reconcile", "--date", &date, "--cards", &cards, "--journal", &journal];
    let agreement = centre.ok("ma", &arguments);
    assert_eq!(agreement["in_agreement"], true);
    assert_eq!(agreement["ledger_balance_total_fen"], 97_532);
    let mut wrong = readings;
    wrong[0]["balance_fen"] = (first.balance + 1).into();
    centre.write("cards.json", &wrong);
    assert_eq!(centre.run("ma", &arguments).status.code(), Some(7), "one fen is no agreement");
    assert_eq!(centre.ok("ma", &["audit", "verify"])["first_bad"], Value::Null);
    assert_eq!(centre.stop_server(), Some(0), "SIGTERM ends it in good order");
}

#[test]
fn a_record_that_comes_after_the_close_counts_on_the_next_day() {
    let (centre, mut terminal, mut card) = loaded();
    let day = centre.today();
    centre.ok("zhou", &["window", "close", "--date", &day.to_string()]);
    let record = card.purchase(&mut terminal, day, [100, 0, 0]);
    let body = terminal.seal(vec![record]);
    let (status, answer) = terminal.send(BATCHES, &body);
    assert_eq!((status, &answer["accepted"]), (200, &json!(1)), "{answer}");
    let next = centre.today();
    assert!(next > day, "a new window was opened");
    assert_eq!(terminal.ask(SIGN_IN, signed_in(&terminal)).1["business_date"], json!(next));
    let before = centre.ok("ma", &["window", "show", "--date", &day.to_string()]);
    assert_eq!(before["totals"]["purchased_fen"], 0, "the closed day has not moved");
    assert_eq!(before["window"]["hash"], before["content_hash"]);
    let after = centre.ok("ma", &["window", "show", "--date", &next.to_string()]);
    assert_eq!((&after["totals"]["purchased_fen"], &after["holds"]), (&json!(100), &json!(true)));
}

#[test]
fn a_day_that_closes_while_three_terminals_upload_loses_no_record() {
    let mut centre = Centre::with_cards(3);
    centre.serve();
    let mut desks: Vec<_> = (1..=3)
        .map(|n| {
            centre.allot(n, "500");
            let (mut terminal, mut card) = (centre.terminal(n), centre.card(n));
            load(&mut terminal, &mut card, n, 50_000);
            (terminal, card)
        })
        .collect();
    let day = centre.today();
    std::thread::scope(|scope| {
        for (terminal, card) in &mut desks {
            scope.spawn(move || {
                for _ in 0..12 {
                    let record = card.purchase(terminal, day, [100, 0, 7]);
                    let body = terminal.seal(vec![record]);
                    let (status, answer) = terminal.send(BATCHES, &body);
                    assert_eq!((status, &answer["accepted"]), (200, &json!(1)), "{answer}");
                }
            });
        }
        let closed = centre.ok("zhou", &["window", "close", "--date", &day.to_string()]);
        assert_eq!((&closed["window"]["state"], &closed["holds"]), (&json!("CLOSED"), &json!(true)));
    });
    let proofs = [day, centre.today()].map(|date| {
        let proof = centre.ok("ma", &["window", "show", "--date", &date.to_string()]);
        assert_eq!(proof["holds"], true, "{proof}");
        proof
    });
    assert_eq!(proofs[0]["window"]["hash"], proofs[0]["content_hash"], "the closed day has not moved");
    let sum: i64 = proofs.iter().filter_map(|proof| proof["totals"]["purchased_fen"].as_i64()).sum();
    // When the day closed after the last upload, both dates are the same window.
    let days = if proofs[0]["window"]["business_date"] == proofs[1]["window"]["business_date"] { 2 } else { 1 };
    assert_eq!(sum, 3_600 * days);
    assert_eq!(centre.balance("card:"), 150_000 - 3_600);
    assert_eq!(centre.balance("institution:P51330100001:payable"), 36 * 107);
}
