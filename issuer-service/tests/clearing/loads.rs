//! Allotments and online loads: two people, two phases, lost outcomes, wrong codes, the blacklist.

use serde_json::{Value, json};
use settlement::date::DateTime;
use settlement::fen::Fen;
use settlement::id::{LoadId, Tac};
use settlement::record::{Evidence, Transaction};

use crate::centre::{BLACKLIST, Centre, LOADS, OUTCOME, PHARMACY, QUOTE, load, loaded, outcome};
use crate::decisions::{CONTRADICTED, proof, upload};
use crate::refunds::init_refund;
use crate::take_backs;

#[test]
fn nobody_approves_the_money_that_they_asked_for() {
    let centre = Centre::with_cards(1);
    let card = centre.card(1).identifier.to_string();
    centre.ok("ma", &["operator", "add", "both", "--role", "clearing", "--role", "approve"]);
    centre.ok("both", &["account", "allot", "--card", &card, "--amount", "1.00"]);
    assert_eq!(centre.run("both", &["account", "approve", "1"]).status.code(), Some(3));
    assert_eq!(centre.run("ma", &["account", "approve", "1"]).status.code(), Some(3), "the role is missing");
    assert_eq!(centre.balance(""), 0);
    assert!(centre.ask("UPDATE allotment_request SET state = 'APPROVED', checker = maker").is_err());
    centre.ok("wu", &["account", "approve", "1"]);
    assert_eq!(centre.run("wu", &["account", "approve", "1"]).status.code(), Some(3), "once");
    assert_eq!(centre.balance("pending:"), 100);
    for amount in ["0", "-1", "42949672.96", "1.234", "x"] {
        let code = centre.run("ma", &["account", "allot", "--card", &card, "--amount", amount]).status.code();
        assert_eq!(code, Some(1), "{amount}");
    }
}

#[test]
fn a_load_that_did_not_reach_the_card_frees_its_money_and_cannot_be_credited_later() {
    let mut centre = Centre::with_cards(1);
    centre.serve();
    let mut terminal = centre.terminal(1);
    centre.allot(1, "500");
    let mut card = centre.card(1);
    let body = card.init_load(&terminal, 1, 50_000);
    assert_eq!(terminal.ask(LOADS, body).0, 200);
    let quote = json!({ "version": 1, "terminal": terminal.number, "card_identifier": card.identifier });
    assert_eq!(terminal.ask(QUOTE, quote.clone()).1["amount_fen"], 0, "the money is in transit");
    let contradictory = outcome(&terminal, 1, "not_credited", None, 50_000);
    assert_eq!(terminal.ask(OUTCOME, contradictory).1["code"], "RECORD_CONTRADICTORY");
    let body = outcome(&terminal, 1, "not_credited", None, 0);
    assert_eq!(terminal.ask(OUTCOME, body.clone()).1["status"], "created");
    assert_eq!(terminal.ask(OUTCOME, body).1["status"], "exists");
    assert_eq!(terminal.ask(QUOTE, quote).1["amount_fen"], 50_000);
    let late = outcome(&terminal, 1, "credited", Some(Tac([0; 4])), 50_000);
    let (status, answer) = terminal.ask(OUTCOME, late);
    assert_eq!((status, answer["code"].as_str()), (409, Some("LOAD_ALREADY_DECIDED")));
    load(&mut terminal, &mut card, 2, 50_000);
    assert_eq!((centre.balance("card:"), centre.balance("transit:")), (50_000, 0));
}

#[test]
fn wrong_codes_of_a_card_move_no_money() {
    let mut centre = Centre::with_cards(1);
    centre.serve();
    let mut terminal = centre.terminal(1);
    centre.allot(1, "500");
    let mut card = centre.card(1);
    let good = card.init_load(&terminal, 1, 50_000);
    for (field, value) in [
        ("mac1", json!("00000000")),
        ("balance_fen", json!(1)),
        ("amount_fen", json!(49_999)),
        ("card_sequence", json!(1)),
        ("random", json!("FFFFFFFF")),
        ("card_factor", json!("8650513300000002")),
    ] {
        let mut body = good.clone();
        body[field] = value;
        let (status, answer) = terminal.ask(LOADS, body);
        assert_eq!((status, answer["code"].as_str()), (422, Some("MAC1_WRONG")), "{field}");
    }
    assert_eq!(centre.balance("transit:"), 0);
    let (_, answer) = terminal.ask(LOADS, good);
    let tac = card.credit(&terminal, 1, 50_000, &answer);
    let mut wrong = tac;
    wrong.0[0] ^= 1;
    let body = outcome(&terminal, 1, "credited", Some(wrong), 50_000);
    assert_eq!(terminal.ask(OUTCOME, body).1["code"], "TAC_WRONG");
    let body = outcome(&terminal, 1, "credited", None, 50_000);
    assert_eq!(terminal.ask(OUTCOME, body).0, 200, "noted, not posted");
    assert_eq!((centre.balance("card:"), centre.balance("transit:")), (0, 50_000));
    let body = outcome(&terminal, 1, "credited", Some(tac), 50_000);
    assert_eq!(terminal.ask(OUTCOME, body).0, 200);
    assert_eq!((centre.balance("card:"), centre.balance("transit:")), (50_000, 0));
}

#[test]
fn a_server_killed_between_prepared_and_outcome_loses_nothing_and_doubles_nothing() {
    let mut centre = Centre::with_cards(1);
    centre.serve();
    let mut terminal = centre.terminal(1);
    centre.allot(1, "500");
    let mut card = centre.card(1);
    let text = {
        let body = card.init_load(&terminal, 1, 50_000);
        terminal.numbered(body)
    };
    let (_, before) = terminal.send(LOADS, &text);
    centre.kill_server();
    let open = centre.ok("ma", &["load", "list", "--open"]);
    assert_eq!(open["loads"][0]["state"], "PREPARED");
    assert!(open["loads"][0]["next_action"].is_string() && open["loads"][0]["age_hours"].is_number());
    centre.serve();
    terminal.port = centre.port();
    let (status, again) = terminal.send(LOADS, &text);
    assert_eq!((status, &again["status"], &again["mac2"]), (200, &json!("exists"), &before["mac2"]));
    let tac = card.credit(&terminal, 1, 50_000, &again);
    let body = outcome(&terminal, 1, "credited", Some(tac), 50_000);
    assert_eq!(terminal.ask(OUTCOME, body).1["status"], "created");
    assert_eq!((centre.balance("card:"), centre.balance("transit:"), centre.balance("pending:")), (50_000, 0, 0));
}

#[test]
fn a_lost_outcome_is_decided_by_the_counter_of_the_card() {
    for reached in [true, false] {
        let mut centre = Centre::with_cards(1);
        centre.serve();
        let mut terminal = centre.terminal(1);
        centre.allot(1, "500");
        let mut card = centre.card(1);
        let body = card.init_load(&terminal, 1, 50_000);
        let (_, answer) = terminal.ask(LOADS, body);
        if reached {
            card.credit(&terminal, 1, 50_000, &answer);
        }
        centre.allot(1, "100");
        let ask = json!({ "version": 1, "terminal": terminal.number, "card_identifier": card.identifier });
        let after = terminal.ask(QUOTE, ask).1["open_load"].clone();
        assert_eq!(after, json!(LoadId([1; 16])), "the centre says which load it waits for");
        let mut body = card.init_load(&terminal, 2, 10_000);
        body["after"] = after;
        let (status, answer) = terminal.ask(LOADS, body);
        assert_eq!(status, 200, "{answer}");
        let tac = card.credit(&terminal, 2, 10_000, &answer);
        let body = outcome(&terminal, 2, "credited", Some(tac), card.balance);
        assert_eq!(terminal.ask(OUTCOME, body).0, 200);
        let (on_card, pending) = if reached { (60_000, 0) } else { (10_000, 50_000) };
        assert_eq!((centre.balance("card:"), centre.balance("pending:")), (on_card, pending), "reached {reached}");
        assert_eq!((i64::from(card.balance), centre.balance("transit:")), (on_card, 0));
    }
}

#[test]
fn a_terminal_that_says_not_credited_while_the_card_says_credited_gets_nothing_more() {
    let mut centre = Centre::with_cards(1);
    centre.serve();
    let mut terminal = centre.terminal(1);
    centre.allot(1, "500");
    let mut card = centre.card(1);
    let body = card.init_load(&terminal, 1, 50_000);
    let (_, answer) = terminal.ask(LOADS, body);
    let tac = card.credit(&terminal, 1, 50_000, &answer);
    let lie = outcome(&terminal, 1, "not_credited", None, 0);
    assert_eq!(terminal.ask(OUTCOME, lie).0, 200);
    let body = card.init_load(&terminal, 2, 50_000);
    let (status, answer) = terminal.ask(LOADS, body);
    assert_eq!((status, answer["code"].as_str()), (409, Some("LOAD_UNRESOLVED")));
    assert_eq!(centre.balance("pending:"), 50_000);
    // The card's own proof has the last word.
    let body = outcome(&terminal, 1, "credited", Some(tac), 50_000);
    assert_eq!(terminal.ask(OUTCOME, body.clone()).1["status"], "created");
    assert_eq!(terminal.ask(OUTCOME, body).1["status"], "exists");
    assert_eq!((centre.balance("card:"), centre.balance("pending:"), centre.balance("transit:")), (50_000, 0, 0));
    let proof = centre.ok("ma", &["window", "show", "--date", &centre.today().to_string()]);
    assert_eq!(proof["holds"], true, "{proof}");
    centre.allot(1, "100");
    load(&mut terminal, &mut card, 3, 10_000);
    assert_eq!(centre.balance("card:"), 60_000);
}

#[test]
fn a_letter_that_comes_late_is_never_taken_for_the_live_load() {
    let mut centre = Centre::with_cards(1);
    centre.serve();
    let (mut terminal, mut other) = (centre.terminal(1), centre.terminal(2));
    centre.allot(1, "530");
    let mut card = centre.card(1);
    // Begun at one terminal and given up there; its letter is under way when another terminal loads.
    let late = card.init_load(&terminal, 1, 1);
    let (_, answer) = {
        let body = card.init_load(&other, 2, 50_000);
        other.ask(LOADS, body)
    };
    let refused = terminal.ask(LOADS, late.clone());
    assert_eq!(
        (refused.0, &refused.1["code"]),
        (409, &json!("LOAD_UNRESOLVED")),
        "nobody knows which is the later one"
    );
    let tac = card.credit(&other, 2, 50_000, &answer);
    let body = outcome(&other, 2, "credited", Some(tac), 50_000);
    assert_eq!(other.ask(OUTCOME, body).0, 200);
    let refused = terminal.ask(LOADS, late.clone());
    assert_eq!(
        (refused.0, &refused.1["code"]),
        (409, &json!("LOAD_OUTDATED")),
        "the card's number went to another load"
    );
    load(&mut other, &mut card, 3, 2_000);
    assert_eq!(terminal.ask(LOADS, late).1["code"], "LOAD_OUTDATED", "an older number of the card");
    load(&mut terminal, &mut card, 4, 1_000);
    assert_eq!((i64::from(card.balance), centre.balance("card:"), centre.balance("transit:")), (53_000, 53_000, 0));
}

#[test]
fn a_blacklisted_card_is_served_to_terminals_and_cannot_be_loaded() {
    let mut centre = Centre::with_cards(2);
    centre.serve();
    let mut terminal = centre.terminal(1);
    centre.allot(1, "500");
    let mut card = centre.card(1);
    let identifier = card.identifier.to_string();
    assert_eq!(centre.ok("ma", &["blacklist", "add", &identifier, "--reason", "lost"])["sequence"], 1);
    let again = centre.run("ma", &["blacklist", "add", &identifier, "--reason", "lost"]);
    assert_eq!(again.status.code(), Some(3));
    let ask = json!({ "version": 1, "terminal": terminal.number, "known_sequence": 0 });
    let (_, answer) = terminal.ask(BLACKLIST, ask.clone());
    assert_eq!((&answer["list"]["sequence"], &answer["list"]["added"]), (&json!(1), &json!([identifier])));
    let body = card.init_load(&terminal, 1, 50_000);
    assert_eq!(terminal.ask(LOADS, body.clone()).1["code"], "CARD_BLACKLISTED");
    centre.ok("ma", &["blacklist", "remove", &identifier, "--reason", "found"]);
    let (_, answer) = terminal.ask(BLACKLIST, ask);
    assert_eq!((&answer["list"]["sequence"], &answer["list"]["added"]), (&json!(2), &json!([])));
    assert_eq!(terminal.ask(LOADS, body).0, 200);
}

#[test]
fn a_clock_that_went_back_between_two_loads_does_not_hide_the_one_that_the_card_took() {
    let mut centre = Centre::with_cards(1);
    centre.serve();
    let mut terminal = centre.terminal(1);
    centre.allot(1, "500");
    let mut card = centre.card(1);
    let body = card.init_load(&terminal, 1, 50_000);
    assert_eq!(terminal.ask(LOADS, body).0, 200);
    let body = outcome(&terminal, 1, "not_credited", None, 0);
    assert_eq!(terminal.ask(OUTCOME, body).0, 200);
    // The clock was a minute ahead until here: what follows is prepared earlier.
    centre.ask("UPDATE load SET prepared_at = '2999-01-01T00:00:00.000Z'").expect("a row");
    load(&mut terminal, &mut card, 2, 50_000);
    centre.allot(1, "100");
    load(&mut terminal, &mut card, 3, 10_000);
    assert_eq!((centre.balance("card:"), centre.balance("transit:")), (60_000, 0));
}

/// Two people decide a load; the decision.
fn decided(centre: &Centre, load: u8, act: &str) -> Value {
    let id = LoadId([load; 16]).to_string();
    let number = centre.ok("ma", &["load", "propose", &id, act, "--reason", "seen"])["number"].to_string();
    centre.ok("wu", &["load", "approve", &number])
}

fn code_of(output: &std::process::Output) -> String {
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    let error: Value = serde_json::from_str(text.lines().last().unwrap_or_default()).expect(&text);
    error["code"].as_str().expect("a code").to_owned()
}

#[test]
fn a_load_without_outcome_is_decided_by_two_people_and_once() {
    let mut centre = Centre::with_cards(1);
    centre.serve();
    let mut terminal = centre.terminal(1);
    centre.allot(1, "500");
    let mut card = centre.card(1);
    let body = card.init_load(&terminal, 1, 50_000);
    assert_eq!(terminal.ask(LOADS, body).0, 200);
    let id = LoadId([1; 16]).to_string();
    let propose = ["load", "propose", &id, "--credited", "--reason", "card read at the counter"];
    assert_eq!(centre.run("wu", &propose).status.code(), Some(3), "the role is missing");
    assert_eq!(centre.run("ma", &["load", "propose", &id, "--credited", "--reason", " "]).status.code(), Some(1));
    centre.ok("ma", &["operator", "add", "both", "--role", "clearing", "--role", "approve"]);
    assert_eq!(centre.ok("both", &propose)["state"], "proposed");
    assert_eq!(centre.balance("card:"), 0, "one person's word is nothing");
    assert_eq!(code_of(&centre.run("ma", &propose)), "LOAD_PROPOSED");
    assert_eq!(code_of(&centre.run("both", &["load", "approve", "1"])), "SAME_OPERATOR");
    assert!(
        centre.ask("UPDATE load_decision SET state = 'approved', checker = maker, decided_on = '2026-01-01'").is_err()
    );
    let listed = centre.ok("ma", &["load", "list", "--open"]);
    assert_eq!(listed["decisions"][0]["act"], "credited", "{listed}");
    let why = "the card was not seen";
    assert_eq!(centre.ok("wu", &["load", "reject", "1", "--reason", why])["rejection"], why);
    assert_eq!(code_of(&centre.run("wu", &["load", "approve", "1"])), "LOAD_ALREADY_DECIDED");
    assert_eq!(code_of(&centre.run("wu", &["load", "approve", "7"])), "LOAD_DECISION_UNKNOWN");
    assert_eq!(decided(&centre, 1, "--credited")["state"], "approved");
    assert_eq!((centre.balance("card:"), centre.balance("transit:")), (50_000, 0));
    assert_eq!(code_of(&centre.run("ma", &propose)), "LOAD_ALREADY_DECIDED");
    assert!(centre.ask("UPDATE load SET state = 'NOT_CREDITED'").is_err(), "only what gave way");
    proof(&centre);
}

#[test]
fn what_people_called_credited_gives_way_to_the_card_that_did_not_step() {
    let mut centre = Centre::with_cards(1);
    centre.serve();
    let mut terminal = centre.terminal(1);
    centre.allot(1, "500");
    let mut card = centre.card(1);
    let body = card.init_load(&terminal, 1, 50_000);
    assert_eq!(terminal.ask(LOADS, body).0, 200);
    decided(&centre, 1, "--credited");
    let day = centre.today().to_string();
    let closed = centre.ok("zhou", &["window", "close", "--date", &day]);
    assert_eq!(closed["window"]["state"], "CLOSED", "{closed}");
    centre.allot(1, "100");
    // Nobody knows whether this was begun before or after.
    let body = card.init_load(&terminal, 2, 10_000);
    assert_eq!(terminal.ask(LOADS, body).1["code"], "LOAD_UNRESOLVED");
    let ask = json!({ "version": 1, "terminal": terminal.number, "card_identifier": card.identifier });
    let after = terminal.ask(QUOTE, ask.clone()).1["open_load"].clone();
    assert_eq!(after, json!(LoadId([1; 16])), "people's word is named");
    let mut body = card.init_load(&terminal, 3, 10_000);
    body["after"] = after;
    let (status, answer) = terminal.ask(LOADS, body);
    assert_eq!(status, 200, "{answer}");
    assert_eq!((centre.balance("card:"), centre.balance("pending:")), (50_000, 0), "it is prepared beside the other");
    let tac = card.credit(&terminal, 3, 10_000, &answer);
    let body = outcome(&terminal, 3, "credited", Some(tac), card.balance);
    assert_eq!(terminal.ask(OUTCOME, body).0, 200);
    assert_eq!(
        (i64::from(card.balance), centre.balance("card:"), centre.balance("pending:")),
        (10_000, 10_000, 50_000)
    );
    let before = centre.ok("ma", &["window", "show", "--date", &day]);
    assert_eq!((&before["content_hash"], &before["holds"]), (&closed["content_hash"], &json!(true)), "{before}");
    let totals = proof(&centre)["totals"].clone();
    assert_eq!((&totals["yielded_fen"], &totals["loaded_fen"]), (&json!(50_000), &json!(10_000)), "{totals}");
    assert_eq!(terminal.ask(QUOTE, ask).1["open_load"], Value::Null);
    let id = LoadId([1; 16]).to_string();
    let again = centre.run("ma", &["load", "propose", &id, "--credited", "--reason", "x"]);
    assert_eq!(code_of(&again), "LOAD_ALREADY_DECIDED", "the card has spoken");
    load(&mut terminal, &mut card, 4, 50_000);
    assert_eq!((centre.balance("card:"), centre.balance("pending:")), (60_000, 0));
}

#[test]
fn a_refund_that_people_called_credited_gives_way_and_is_given_again() {
    let (centre, mut terminal, mut card) = loaded();
    let sold = card.purchase(&mut terminal, centre.today(), [1_000, 200, 300]);
    assert_eq!(upload(&mut terminal, sold).1, Vec::<String>::new());
    let body = init_refund(&mut card, &terminal, 2, "refund", (&terminal, 1), [1_000, 200, 300]);
    assert_eq!(terminal.ask(LOADS, body).0, 200);
    decided(&centre, 2, "--credited");
    let payable = "institution:P51330100001:payable";
    let balances = || ["card:", payable, "fund:pooled", "memo:"].map(|account| centre.balance(account));
    assert_eq!(balances(), [50_000, 0, 0, 0]);
    let mut body = init_refund(&mut card, &terminal, 3, "refund", (&terminal, 1), [1_000, 200, 300]);
    assert_eq!(terminal.ask(LOADS, body.clone()).1["code"], "LOAD_UNRESOLVED");
    body["after"] = json!(LoadId([2; 16]));
    let (status, answer) = terminal.ask(LOADS, body);
    assert_eq!(status, 200, "{answer}");
    assert_eq!(balances(), [50_000, 0, 0, 0], "until its TAC comes");
    proof(&centre);
    let tac = card.credit(&terminal, 3, 1_000, &answer);
    let body = outcome(&terminal, 3, "credited", Some(tac), card.balance);
    assert_eq!(terminal.ask(OUTCOME, body).0, 200);
    assert_eq!((balances(), card.balance), ([50_000, 0, 0, 0], 50_000));
    let date = centre.today().to_string();
    let statement = centre.ok("ma", &["statement", "--institution", PHARMACY, "--date", &date]);
    let told = ["payable_fen", "yielded_fen", "in_agreement"].map(|name| statement[name].clone());
    assert_eq!(told, [json!(0), json!(1_300), json!(true)], "{statement}");
    proof(&centre);
}

#[test]
fn a_kept_initialize_takes_no_money_off_a_card_that_has_it() {
    let mut centre = Centre::with_cards(1);
    centre.serve();
    let mut terminal = centre.terminal(1);
    centre.allot(1, "500");
    let mut card = centre.card(1);
    // Its request is kept and comes when the number has gone to a load that two people saw on the card.
    let mut kept = card.init_load(&terminal, 1, 100);
    let body = card.init_load(&terminal, 2, 50_000);
    let (_, answer) = terminal.ask(LOADS, body);
    let tac = card.credit(&terminal, 2, 50_000, &answer);
    decided(&centre, 2, "--credited");
    centre.allot(1, "10");
    kept["after"] = json!(LoadId([2; 16]));
    assert_eq!(terminal.ask(LOADS, kept).0, 200);
    let balances = || ["card:", "pending:", "transit:"].map(|account| centre.balance(account));
    assert_eq!(balances(), [50_000, 900, 100], "nothing comes back to the holder");
    // The card stepped, with one of the two: people say that it was not the kept one.
    let body = card.init_load(&terminal, 3, 900);
    assert_eq!(terminal.ask(LOADS, body.clone()).1["code"], "LOAD_UNRESOLVED");
    let false_one = LoadId([1; 16]).to_string();
    let both = centre.run("ma", &["load", "propose", &false_one, "--credited", "--reason", "x"]);
    assert_eq!(code_of(&both), "LOAD_ALREADY_DECIDED", "one number, one load");
    decided(&centre, 1, "--not-credited");
    assert_eq!(balances(), [50_000, 1_000, 0]);
    let (status, answer) = terminal.ask(LOADS, body);
    assert_eq!(status, 200, "{answer}");
    let body = outcome(&terminal, 2, "credited", Some(tac), 50_000);
    assert_eq!(terminal.ask(OUTCOME, body).1["status"], "exists");
    let tac = card.credit(&terminal, 3, 900, &answer);
    let body = outcome(&terminal, 3, "credited", Some(tac), card.balance);
    assert_eq!(terminal.ask(OUTCOME, body).0, 200);
    assert_eq!((i64::from(card.balance), balances()), (50_900, [50_900, 100, 0]));
    proof(&centre);
}

#[test]
fn the_code_of_what_people_called_credited_closes_the_load_beside_it_whichever_way_it_comes() {
    for by_record in [false, true] {
        let mut centre = Centre::with_cards(1);
        centre.serve();
        let mut terminal = centre.terminal(1);
        centre.allot(1, "500");
        let mut card = centre.card(1);
        let mut kept = card.init_load(&terminal, 1, 100);
        let body = card.init_load(&terminal, 2, 50_000);
        let (_, answer) = terminal.ask(LOADS, body);
        let tac = card.credit(&terminal, 2, 50_000, &answer);
        decided(&centre, 2, "--credited");
        centre.allot(1, "10");
        kept["after"] = json!(LoadId([2; 16]));
        assert_eq!(terminal.ask(LOADS, kept).0, 200);
        if by_record {
            let mut record = card.purchase(&mut terminal, centre.today(), [0, 1, 0]);
            record.card_sequence = card.online - 1;
            record.transaction = Transaction::Load { load_id: LoadId([2; 16]), amount_fen: Fen::new(50_000) };
            record.date_time = DateTime::parse(answer["date_time"].as_str().expect("text")).expect("real");
            record.evidence = Evidence::Answered { tac, number: None };
            assert_eq!(upload(&mut terminal, record).1, [""; 0]);
        } else {
            let body = outcome(&terminal, 2, "credited", Some(tac), 50_000);
            assert_eq!(terminal.ask(OUTCOME, body).1["status"], "exists");
        }
        let balances = || ["card:", "pending:", "transit:"].map(|account| centre.balance(account));
        assert_eq!(balances(), [50_000, 1_000, 0], "by its record: {by_record}");
        load(&mut terminal, &mut card, 3, 1_000);
        assert_eq!((i64::from(card.balance), balances()), (51_000, [51_000, 0, 0]));
        proof(&centre);
    }
}

#[test]
fn a_refund_of_a_sale_that_was_taken_back_gives_way_and_is_proved_after_all() {
    let (centre, mut terminal, mut card) = loaded();
    let (place, word) = take_backs::posted_word(&centre, &mut terminal, &mut card);
    let body = init_refund(&mut card, &terminal, 2, "refund", (&terminal, 1), [234, 100, 100]);
    let (status, answer) = terminal.ask(LOADS, body);
    assert_eq!(status, 200, "{answer}");
    let tac = card.credit(&terminal, 2, 234, &answer);
    let told = outcome(&terminal, 2, "credited", Some(tac), card.balance);
    decided(&centre, 2, "--credited");
    assert_eq!(terminal.ask(CONTRADICTED, word).0, 200);
    take_backs::decided(&centre, &place, "--take-back");
    let balances = || ["card:", "pending:", "institution:P51330100001:payable"].map(|account| centre.balance(account));
    assert_eq!(balances(), [50_234, -234, 0]);
    decided(&centre, 2, "--not-credited");
    assert_eq!(balances(), [50_000, 0, 0]);
    proof(&centre);
    assert_eq!(terminal.ask(OUTCOME, told).0, 200);
    assert_eq!((i64::from(card.balance), balances()), (50_234, [50_234, -234, 0]));
    assert_eq!(proof(&centre)["totals"]["recovered_fen"], json!(334));
}

#[test]
fn two_people_take_back_that_a_load_is_on_its_card_until_the_card_proves_it() {
    let mut centre = Centre::with_cards(1);
    centre.serve();
    let mut terminal = centre.terminal(1);
    centre.allot(1, "500");
    let mut card = centre.card(1);
    let body = card.init_load(&terminal, 1, 50_000);
    let (_, answer) = terminal.ask(LOADS, body);
    let tac = card.credit(&terminal, 1, 50_000, &answer);
    decided(&centre, 1, "--credited");
    decided(&centre, 1, "--not-credited");
    assert_eq!((centre.balance("card:"), centre.balance("pending:")), (0, 50_000));
    proof(&centre);
    // It was on the card: its own code has the last word, and nobody's word goes against it.
    let body = outcome(&terminal, 1, "credited", Some(tac), card.balance);
    assert_eq!(terminal.ask(OUTCOME, body).0, 200);
    assert_eq!((centre.balance("card:"), centre.balance("pending:")), (50_000, 0));
    proof(&centre);
    let id = LoadId([1; 16]).to_string();
    let against = centre.run("ma", &["load", "propose", &id, "--not-credited", "--reason", "x"]);
    assert_eq!(code_of(&against), "LOAD_ALREADY_DECIDED");
}

#[test]
fn a_code_that_comes_later_makes_peoples_word_the_cards_own() {
    let mut centre = Centre::with_cards(1);
    centre.serve();
    let mut terminal = centre.terminal(1);
    centre.allot(1, "500");
    let mut card = centre.card(1);
    let body = card.init_load(&terminal, 1, 50_000);
    let (_, answer) = terminal.ask(LOADS, body);
    let tac = card.credit(&terminal, 1, 50_000, &answer);
    decided(&centre, 1, "--credited");
    let body = outcome(&terminal, 1, "credited", Some(tac), card.balance);
    assert_eq!(terminal.ask(OUTCOME, body).1["status"], "exists");
    let id = LoadId([1; 16]).to_string();
    let against = centre.run("ma", &["load", "propose", &id, "--not-credited", "--reason", "x"]);
    assert_eq!(code_of(&against), "LOAD_ALREADY_DECIDED");
    let late = json!({ "version": 1, "terminal": terminal.number, "card_identifier": card.identifier });
    assert_eq!(terminal.ask(QUOTE, late).1["open_load"], Value::Null);

    // So does the number of its next load, where no code came.
    centre.allot(1, "100");
    let body = card.init_load(&terminal, 2, 10_000);
    assert_eq!(terminal.ask(LOADS, body).0, 200);
    decided(&centre, 2, "--credited");
    card.online += 1;
    centre.allot(1, "1");
    let body = card.init_load(&terminal, 3, 100);
    assert_eq!(terminal.ask(LOADS, body).0, 200);
    let id = LoadId([2; 16]).to_string();
    let against = centre.run("ma", &["load", "propose", &id, "--not-credited", "--reason", "x"]);
    assert_eq!(code_of(&against), "LOAD_ALREADY_DECIDED", "the card has stepped");
}

/// A load that reached its card and that people alone called credited, and its record without a code, which is accepted by their word.
fn accepted_by_word() -> (Centre, crate::centre::Terminal, settlement::record::TransactionRecord, Tac) {
    let mut centre = Centre::with_cards(1);
    centre.serve();
    let mut terminal = centre.terminal(1);
    centre.allot(1, "500");
    let mut card = centre.card(1);
    let body = card.init_load(&terminal, 1, 50_000);
    let (_, answer) = terminal.ask(LOADS, body);
    let tac = card.credit(&terminal, 1, 50_000, &answer);
    decided(&centre, 1, "--credited");
    let mut record = card.purchase(&mut terminal, centre.today(), [0, 1, 0]);
    record.card_sequence = card.online - 1;
    record.transaction = Transaction::Load { load_id: LoadId([1; 16]), amount_fen: Fen::new(50_000) };
    record.date_time = DateTime::parse(answer["date_time"].as_str().expect("text")).expect("real");
    record.evidence = Evidence::LogOnly;
    assert_eq!(upload(&mut terminal, record.clone()).1, [""; 0]);
    (centre, terminal, record, tac)
}

#[test]
fn a_code_told_of_a_record_that_peoples_word_let_in_is_kept_and_ends_that_word() {
    for gave_way in [false, true] {
        let (centre, mut terminal, record, tac) = accepted_by_word();
        if gave_way {
            decided(&centre, 1, "--not-credited");
            assert_eq!((centre.balance("card:"), centre.balance("pending:")), (0, 50_000));
        }
        let wrong = Tac(tac.0.map(|byte| !byte));
        assert_eq!(crate::decisions::proved(&mut terminal, &record, &wrong).1["code"], "TAC_WRONG");
        assert_eq!(crate::decisions::proved(&mut terminal, &record, &tac).1["status"], "created");
        assert_eq!(crate::decisions::proved(&mut terminal, &record, &tac).1["status"], "exists");
        assert_eq!((centre.balance("card:"), centre.balance("pending:")), (50_000, 0), "gave way: {gave_way}");
        let id = LoadId([1; 16]).to_string();
        let against = centre.run("ma", &["load", "propose", &id, "--not-credited", "--reason", "x"]);
        assert_eq!(code_of(&against), "LOAD_ALREADY_DECIDED", "nobody's word goes against the card's code");
        let listed = centre.ok("ma", &["load", "list"]);
        assert_eq!(listed["loads"][0]["tac"], json!(tac), "{listed}");
        proof(&centre);
    }
}
