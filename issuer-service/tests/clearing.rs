//! The money side of the centre as terminals and operators meet it: the real program, its server, its database.

#[path = "clearing/centre.rs"]
mod centre;

use centre::{BATCHES, BLACKLIST, Centre, LOADS, OUTCOME, PHARMACY, QUOTE, SIGN_IN, load, outcome, request};
use serde_json::{Value, json};
use settlement::batch::ChainPosition;
use settlement::fen::Fen;
use settlement::id::Tac;
use settlement::record::{Evidence, Transaction, TransactionRecord};

fn signed_in(terminal: &centre::Terminal) -> Value {
    json!({ "version": 1, "terminal": terminal.number })
}

fn codes(answer: &Value) -> Vec<String> {
    let refused = answer["refused"].as_array().expect("a list");
    refused.iter().map(|row| row["code"].as_str().expect("a code").to_owned()).collect()
}

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
fn nobody_approves_the_money_that_they_asked_for() {
    let centre = Centre::with_cards(1);
    let card = centre.card(1).identifier.to_string();
    centre.ok("ma", &["operator", "add", "both", "--role", "clearing", "--role", "approve"]);
    centre.ok("both", &["account", "allot", "--card", &card, "--amount", "1.00"]);
    assert_eq!(centre.run("both", &["account", "approve", "1"]).status.code(), Some(3));
    assert_eq!(centre.run("ma", &["account", "approve", "1"]).status.code(), Some(3), "the role is missing");
    assert_eq!(centre.balance(""), 0);
    let raw = centre.database();
    assert!(raw.execute("UPDATE allotment_request SET state = 'APPROVED', checker = maker", ()).is_err());
    centre.ok("wu", &["account", "approve", "1"]);
    assert_eq!(centre.run("wu", &["account", "approve", "1"]).status.code(), Some(3), "once");
    assert_eq!(centre.balance("pending:"), 100);
    for amount in ["0", "-1", "42949672.96", "1.234", "x"] {
        let code = centre.run("ma", &["account", "allot", "--card", &card, "--amount", amount]).status.code();
        assert_eq!(code, Some(1), "{amount}");
    }
}

#[test]
fn the_same_request_answers_the_same_and_another_body_is_refused() {
    let mut centre = Centre::with_cards(1);
    centre.serve();
    let mut terminal = centre.terminal(1);
    centre.allot(1, "500");
    let mut card = centre.card(1);
    let body = card.init_load(&terminal, 1, 50_000);
    let text = terminal.numbered(body.clone());
    let (status, created) = terminal.send(LOADS, &text);
    assert_eq!((status, created["status"].as_str()), (200, Some("created")), "{created}");
    let (status, exists) = terminal.send(LOADS, &text);
    assert_eq!((status, exists["status"].as_str()), (200, Some("exists")));
    assert_eq!((&exists["mac2"], &exists["date_time"]), (&created["mac2"], &created["date_time"]));
    let (status, exists) = terminal.ask(LOADS, body.clone());
    assert_eq!((status, exists["status"].as_str()), (200, Some("exists")), "another request id, the same load");
    assert_eq!(exists["mac2"], created["mac2"]);
    let other = text.replace("\"amount_fen\":50000", "\"amount_fen\":40000");
    let (status, answer) = terminal.send(LOADS, &other);
    assert_eq!((status, answer["code"].as_str()), (409, Some("REQUEST_ID_REUSED")));
    let mut other = body;
    other["amount_fen"] = 40_000.into();
    let (status, answer) = terminal.ask(LOADS, other);
    assert_eq!((status, answer["code"].as_str()), (409, Some("REQUEST_ID_REUSED")), "the load id is bound as well");
    assert_eq!(centre.balance("transit:"), 50_000, "prepared once");
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
        load(&mut terminal, &mut card, 2, 10_000);
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
    card.credit(&terminal, 1, 50_000, &answer);
    let lie = outcome(&terminal, 1, "not_credited", None, 0);
    assert_eq!(terminal.ask(OUTCOME, lie).0, 200);
    let body = card.init_load(&terminal, 2, 50_000);
    let (status, answer) = terminal.ask(LOADS, body);
    assert_eq!((status, answer["code"].as_str()), (409, Some("LOAD_UNRESOLVED")));
    assert_eq!(centre.balance("pending:"), 50_000);
}

#[test]
fn only_registered_terminals_with_their_own_signature_are_heard() {
    let mut centre = Centre::with_cards(1);
    centre.serve();
    let (mut ours, other) = (centre.terminal(1), centre.terminal(2));
    let body = ours.numbered(signed_in(&ours));
    let port = centre.port();
    let signature =
        |key: &settlement::signing::TerminalKey, path| key.sign_request("POST", path, body.as_bytes()).to_string();
    let number = ours.number.to_string();
    let good = signature(&ours.key, SIGN_IN);
    let cases = [
        (vec![], "TERMINAL_UNKNOWN"),
        (vec![("x-terminal", "990000000009".to_owned()), ("x-signature", good.clone())], "TERMINAL_UNKNOWN"),
        (vec![("x-terminal", "'; DROP TABLE".to_owned()), ("x-signature", good.clone())], "TERMINAL_UNKNOWN"),
        (vec![("x-terminal", number.clone())], "SIGNATURE_WRONG"),
        (vec![("x-terminal", number.clone()), ("x-signature", "00".to_owned())], "SIGNATURE_WRONG"),
        (vec![("x-terminal", number.clone()), ("x-signature", signature(&other.key, SIGN_IN))], "SIGNATURE_WRONG"),
        (vec![("x-terminal", number.clone()), ("x-signature", signature(&ours.key, QUOTE))], "SIGNATURE_WRONG"),
        (
            vec![("x-terminal", other.number.to_string()), ("x-signature", signature(&other.key, SIGN_IN))],
            "SIGNATURE_WRONG",
        ),
        (
            vec![("x-terminal", number.clone()), ("x-terminal", number.clone()), ("x-signature", good.clone())],
            "TERMINAL_UNKNOWN",
        ),
    ];
    for (headers, code) in cases {
        let (status, text) = request(port, "POST", SIGN_IN, &headers, body.as_bytes());
        let answer: Value = serde_json::from_slice(&text).expect("JSON");
        assert_eq!((status, answer["code"].as_str()), (401, Some(code)), "{headers:?}");
    }
    assert_eq!(ours.send(SIGN_IN, &body).0, 200);
    centre.ok("ma", &["terminal", "stop", &number]);
    let (status, answer) = ours.send(SIGN_IN, &body);
    assert_eq!((status, answer["code"].as_str()), (403, Some("TERMINAL_STOPPED")));
}

#[test]
fn hostile_bodies_are_refused_and_the_server_goes_on() {
    let mut centre = Centre::with_cards(1);
    centre.serve();
    let mut terminal = centre.terminal(1);
    let nested = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let sign_in = terminal.numbered(signed_in(&terminal));
    let bodies = [
        "",
        "null",
        "[]",
        "{",
        "{}",
        nested.as_str(),
        "{\"version\":2}",
        &sign_in.replace("\"version\":1", "\"version\":1e400"),
        &sign_in.replace("\"version\"", "\"version\":1,\"version\""),
        &sign_in.replace('}', ",\"extra\":1}"),
    ];
    for path in [SIGN_IN, BLACKLIST, QUOTE, LOADS, OUTCOME, BATCHES] {
        for body in bodies {
            let (status, answer) = terminal.send(path, body);
            let shown: String = body.chars().take(60).collect();
            assert_eq!((status, answer["code"].as_str()), (400, Some("MESSAGE_MALFORMED")), "{path} {shown}");
        }
        let bytes = [0xFF, 0xFE, 0x00];
        let signature = terminal.key.sign_request("POST", path, &bytes).to_string();
        let headers = [("x-terminal", terminal.number.to_string()), ("x-signature", signature)];
        assert_eq!(request(centre.port(), "POST", path, &headers, &bytes).0, 400, "not UTF-8");
    }
    let large = vec![b' '; settlement::limits::MESSAGE_BYTES_MAX + 1];
    assert_eq!(request(centre.port(), "POST", BATCHES, &[], &large).0, 413);
    for (method, path) in [("GET", SIGN_IN), ("POST", "/terminal/v1/nothing"), ("DELETE", "/"), ("POST", "/health")] {
        assert_eq!(request(centre.port(), method, path, &[], b"").0, 404, "{method} {path}");
    }
    let (status, text) = request(centre.port(), "GET", "/health", &[], b"");
    assert_eq!((status, serde_json::from_slice::<Value>(&text).expect("JSON")["status"].as_str()), (200, Some("ok")));
    assert_eq!(centre.balance(""), 0);
}

/// A centre, its terminal and a card with 500.00 yuan on it.
fn loaded() -> (Centre, centre::Terminal, centre::Card) {
    let mut centre = Centre::with_cards(2);
    centre.serve();
    let mut terminal = centre.terminal(1);
    centre.allot(1, "500");
    let mut card = centre.card(1);
    load(&mut terminal, &mut card, 1, 50_000);
    (centre, terminal, card)
}

fn renumber(records: &mut [TransactionRecord], terminal: &centre::Terminal) {
    for (number, record) in (terminal.chain.next_record..).zip(records) {
        record.journal_sequence = number;
    }
}

#[test]
fn every_kind_of_bad_record_is_refused_with_its_code_and_kept() {
    let (centre, mut terminal, mut card) = loaded();
    centre.ok("ma", &["blacklist", "add", &centre.card(2).identifier.to_string(), "--reason", "lost"]);
    let day = centre.today();
    let good = card.purchase(&mut terminal, day, [100, 0, 0]);
    let mut wrong_tac = card.purchase(&mut terminal, day, [100, 0, 0]);
    wrong_tac.evidence = Evidence::Answered { tac: Tac([0; 4]) };
    let mut more = card.purchase(&mut terminal, day, [100, 0, 0]);
    if let Transaction::Purchase { personal_account_fen, .. } = &mut more.transaction {
        *personal_account_fen = Fen::new(99);
    }
    let mut held = card.purchase(&mut terminal, day, [100, 0, 0]);
    held.evidence = Evidence::LogOnly;
    let mut stranger = card.purchase(&mut terminal, day, [100, 0, 0]);
    stranger.card_identifier.0[15] ^= 1;
    let mut factor = card.purchase(&mut terminal, day, [100, 0, 0]);
    factor.card_factor.0[7] ^= 1;
    let mut version = card.purchase(&mut terminal, day, [100, 0, 0]);
    version.key_version = 9;
    let same_terminal_sequence = {
        terminal.psam -= 1;
        let mut record = card.purchase(&mut terminal, day, [100, 0, 0]);
        if let (
            Transaction::Purchase { terminal_sequence, .. },
            Transaction::Purchase { terminal_sequence: used, .. },
        ) = (&mut record.transaction, &good.transaction)
        {
            *terminal_sequence = *used;
        }
        card.sign(&mut record);
        record
    };
    let same_card_sequence = {
        let offline = std::mem::replace(&mut card.offline, good.card_sequence);
        let record = card.purchase(&mut terminal, day, [100, 0, 0]);
        card.offline = offline;
        record
    };
    card.balance += 1_000_000;
    let over = card.purchase(&mut terminal, day, [200_001, 0, 0]);
    let mut listed = centre.card(2);
    listed.balance = 1_000;
    let blacklisted = listed.purchase(&mut terminal, day, [100, 0, 0]);
    let empty = card.purchase(&mut terminal, day, [0, 0, 0]);
    let mut records = vec![
        good,
        wrong_tac,
        more,
        held,
        stranger,
        factor,
        version,
        same_terminal_sequence,
        same_card_sequence,
        over,
        blacklisted,
        empty,
    ];
    renumber(&mut records, &terminal);
    let expected = [
        "TAC_WRONG",
        "TAC_WRONG",
        "TAC_MISSING",
        "CARD_UNKNOWN",
        "TAC_WRONG",
        "TAC_WRONG",
        "DUPLICATE_TERMINAL_SEQUENCE",
        "DUPLICATE_CARD_SEQUENCE",
        "LIMIT_EXCEEDED",
        "CARD_BLACKLISTED",
        "RECORD_CONTRADICTORY",
    ];
    let count = records.len();
    let body = terminal.seal(records);
    let (status, answer) = terminal.send(BATCHES, &body);
    assert_eq!((status, &answer["accepted"]), (200, &json!(1)), "{answer}");
    assert_eq!(codes(&answer), expected);
    assert_eq!(centre.balance("card:"), 50_000 - 100, "only the good one is posted");
    let kept: i64 = centre.database().query_row("SELECT count(*) FROM upload_row", (), |row| row.get(0)).expect("rows");
    assert_eq!(kept, i64::try_from(count).expect("small"), "nothing is lost");

    let date = day.to_string();
    let closed = centre.run("zhou", &["window", "close", "--date", &date]);
    assert_eq!(closed.status.code(), Some(7), "unexplained differences keep the day from closing");
    let proof = centre.run("zhou", &["window", "show", "--date", &date]);
    let proof: Value = serde_json::from_slice(&proof.stdout).expect("JSON");
    assert_eq!(proof["window"]["state"], "CLOSING");
    let differences = proof["differences"].as_array().expect("a list").len();
    assert_eq!(differences, expected.len());
    for number in 1..=differences {
        let number = number.to_string();
        centre.ok("ma", &["window", "explain", "--date", &date, "--difference", &number, "--reason", "looked into"]);
    }
    let own = centre.run("ma", &["window", "close", "--date", &date]);
    assert_eq!(own.status.code(), Some(3), "who explains does not close");
    assert_eq!(centre.ok("zhou", &["window", "close", "--date", &date])["window"]["state"], "CLOSED");
    assert_eq!(centre.run("zhou", &["window", "close", "--date", &date]).status.code(), Some(3), "once");
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
fn batches_replayed_reordered_and_altered_post_exactly_once() {
    let (centre, mut terminal, mut card) = loaded();
    let day = centre.today();
    let start = terminal.chain;
    let bodies: Vec<String> = (0..4)
        .map(|_| {
            let mut records: Vec<_> = (0..3).map(|_| card.purchase(&mut terminal, day, [100, 0, 0])).collect();
            renumber(&mut records, &terminal);
            terminal.seal(records)
        })
        .collect();
    assert_eq!(start, ChainPosition::START);
    // Pseudo-random order from a fixed seed: every batch several times, mostly at the wrong time.
    let mut state = 0x2545_F491_u32;
    let mut accepted = 0;
    for _ in 0..60 {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        let body = &bodies[usize::try_from(state % 4).expect("small")];
        let (status, answer) = terminal.send(BATCHES, body);
        match status {
            200 if answer["status"] == "created" => accepted += 1,
            200 => assert_eq!(answer["status"], "exists"),
            _ => assert_eq!((status, answer["code"].as_str()), (409, Some("BATCH_GAP")), "{answer}"),
        }
    }
    for body in &bodies {
        accepted += u32::from(terminal.send(BATCHES, body).1["status"] == "created");
        let again: Value = serde_json::from_str(body).expect("JSON");
        let (status, answer) = terminal.ask(BATCHES, again);
        assert_eq!((status, answer["status"].as_str()), (200, Some("exists")), "another request id, the same batch");
    }
    assert_eq!(accepted, 4, "each batch once");
    assert_eq!(centre.balance("card:"), 50_000 - 1_200, "twelve equal purchases are twelve purchases");
    let mut altered: Value = serde_json::from_str(&bodies[0]).expect("JSON");
    altered["batch"]["records"][0]["balance_after_fen"] = 1.into();
    let (status, answer) = terminal.ask(BATCHES, altered);
    assert_eq!(status, 422, "{answer}");
    assert_eq!(answer["code"], "BATCH_ALTERED");
}

#[test]
fn an_uploaded_load_with_its_tac_settles_a_load_whose_outcome_was_lost() {
    let mut centre = Centre::with_cards(1);
    centre.serve();
    let mut terminal = centre.terminal(1);
    centre.allot(1, "500");
    let mut card = centre.card(1);
    let body = card.init_load(&terminal, 1, 50_000);
    let (_, answer) = terminal.ask(LOADS, body);
    let tac = card.credit(&terminal, 1, 50_000, &answer);
    let mut record = card.purchase(&mut terminal, centre.today(), [0, 1, 0]);
    record.card_sequence = card.online - 1;
    record.transaction = Transaction::Load { load_id: settlement::id::LoadId([1; 16]), amount_fen: Fen::new(50_000) };
    record.date_time = settlement::date::DateTime::parse(answer["date_time"].as_str().expect("text")).expect("real");
    record.evidence = Evidence::Answered { tac };
    let body = terminal.seal(vec![record]);
    let (status, answer) = terminal.send(BATCHES, &body);
    assert_eq!((status, &answer["accepted"]), (200, &json!(1)), "{answer}");
    assert_eq!((centre.balance("card:"), centre.balance("transit:")), (50_000, 0));
    let late = outcome(&terminal, 1, "credited", Some(tac), 50_000);
    assert_eq!(terminal.ask(OUTCOME, late).1["status"], "exists");
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
    assert_eq!((&answer["sequence"], &answer["entries"]), (&json!(1), &json!([identifier])));
    let body = card.init_load(&terminal, 1, 50_000);
    assert_eq!(terminal.ask(LOADS, body.clone()).1["code"], "CARD_BLACKLISTED");
    centre.ok("ma", &["blacklist", "remove", &identifier, "--reason", "found"]);
    let (_, answer) = terminal.ask(BLACKLIST, ask);
    assert_eq!((&answer["sequence"], &answer["entries"]), (&json!(2), &json!([])));
    assert_eq!(terminal.ask(LOADS, body).0, 200);
}

#[test]
fn a_server_that_others_could_reach_is_refused_while_there_is_no_tls() {
    let centre = Centre::with_cards(0);
    assert_eq!(centre.run("ma", &["serve", "--listen", "0.0.0.0:0"]).status.code(), Some(1));
}
