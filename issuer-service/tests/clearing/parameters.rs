//! Limits of terminals: numbered, signed, told at sign-in, judged by what a terminal may still have held.

use serde_json::{Value, json};
use settlement::DateTime;
use settlement::id::TerminalNumber;
use settlement::parameters::{ParameterFault, SignedParameters};

use crate::centre::{BATCHES, Centre, SIGN_IN, Terminal, codes, loaded, signed_in};

fn told(terminal: &mut Terminal) -> (SignedParameters, Value) {
    let body = signed_in(terminal);
    let (status, answer) = terminal.ask(SIGN_IN, body);
    assert_eq!(status, 200, "{answer}");
    (serde_json::from_value(answer["parameters"].clone()).expect("parameters"), answer["centre_key"].clone())
}

#[test]
fn a_terminal_is_told_its_limits_under_the_centres_signature_and_each_change_has_a_number() {
    let mut centre = Centre::with_cards(1);
    centre.serve();
    let mut terminal = centre.terminal(1);
    let (first, key) = told(&mut terminal);
    let key = settlement::id::PublicKey::parse(key.as_str().expect("text")).expect("hex");
    let open = |parameters: &SignedParameters, held| {
        let at = parameters.issued_at;
        parameters.open(&key, terminal.number, held, at, at)
    };
    let held = open(&first, None).expect("signed by this centre");
    assert_eq!((held.sequence, first.limits.card_day_count_max), (1, 50));
    let day = |at: DateTime| at.date();
    assert!(day(first.valid_until) > day(first.issued_at), "it lasts for days without a sign-in");
    let number = terminal.number.to_string();
    let set = ["terminal", "set", &number, "--purchase-limit", "12.34", "--card-day-count", "2"];
    let changed = centre.ok("ma", &set);
    assert_eq!((&changed["parameters"], &changed["limits"]["purchase_max_fen"]), (&json!(2), &json!(1_234)));
    assert_eq!(changed["limits"]["card_day_max_fen"], json!(500_000), "what is not named stays");
    assert_eq!(centre.ok("ma", &set)["parameters"], json!(2), "the same again is no change");
    let (second, _) = told(&mut terminal);
    let (newer, limits) = (second.sequence, second.limits);
    assert_eq!((newer, limits.purchase_max_fen.get(), limits.card_day_count_max), (2, 1_234, 2));
    let open = |parameters: &SignedParameters, held| {
        parameters.open(&key, terminal.number, held, parameters.issued_at, parameters.issued_at)
    };
    let now = open(&second, Some(held)).expect("newer");
    assert_eq!(open(&first, Some(now)), Err(ParameterFault::Older { offered: 1, held: 2 }));
    let elsewhere = second.open(&key, TerminalNumber([1; 6]), None, second.issued_at, second.issued_at);
    assert!(matches!(elsewhere, Err(ParameterFault::Elsewhere { .. })));
    for (wrong, code, exit) in [
        (&["terminal", "set", "990000000077", "--purchase-limit", "1"][..], "TERMINAL_UNKNOWN", 2),
        (&["terminal", "set", &number, "--purchase-limit", "0"], "AMOUNT_INVALID", 1),
        (&["terminal", "set", &number], "USAGE", 1),
        (&["terminal", "set", &number, "--card-day-count", "0"], "USAGE", 1),
    ] {
        let ran = centre.run("ma", wrong);
        let said: Value = serde_json::from_slice(&ran.stderr).expect("one JSON object");
        assert_eq!((said["code"].as_str(), ran.status.code()), (Some(code), Some(exit)), "{wrong:?}");
    }
}

#[test]
fn a_sale_is_judged_by_the_widest_limits_that_its_terminal_may_still_have_held() {
    let (centre, mut terminal, mut card) = loaded();
    let number = terminal.number.to_string();
    let day = centre.today();
    // Sold for 30.00 while 2,000.00 were allowed; before it comes in the limit is 20.00.
    let sold = card.purchase(&mut terminal, day, [3_000, 0, 0]);
    centre.ok("ma", &["terminal", "set", &number, "--purchase-limit", "20.00", "--card-day-count", "2"]);
    let body = terminal.seal(vec![sold]);
    assert_eq!(terminal.send(BATCHES, &body).1["accepted"], 1, "the terminal went by what it had been told");
    // The old limits are held no longer: as after a week.
    centre.ask("UPDATE terminal_limits_before SET held_until = '20000101000000'").expect("a week passed");
    let sold = card.purchase(&mut terminal, day, [2_001, 0, 0]);
    let sold = settlement::record::TransactionRecord { journal_sequence: terminal.chain.next_record, ..sold };
    let body = terminal.seal(vec![sold]);
    assert_eq!(codes(&terminal.send(BATCHES, &body).1), ["LIMIT_EXCEEDED"]);
    card.balance += 2_001;
    for (count, expected) in [(2, vec![]), (3, vec!["LIMIT_EXCEEDED".to_owned()])] {
        let sold = card.purchase(&mut terminal, day, [100, 0, 0]);
        let sold = settlement::record::TransactionRecord { journal_sequence: terminal.chain.next_record, ..sold };
        let body = terminal.seal(vec![sold]);
        assert_eq!(codes(&terminal.send(BATCHES, &body).1), expected, "purchase {count} of the card on this day");
    }
}
