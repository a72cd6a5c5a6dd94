//! Uploads: every judgement, duplicates, replays.

use issuer_service::clock;
use serde_json::{Value, json};
use settlement::batch::ChainPosition;
use settlement::fen::Fen;
use settlement::id::Tac;
use settlement::record::{Evidence, Transaction, TransactionRecord};

use crate::centre::{BATCHES, Card, Centre, LOADS, OUTCOME, Terminal, codes, load, loaded, outcome, renumber};
use crate::decisions;
use crate::numbers::of_before;

#[test]
fn every_kind_of_bad_record_is_refused_with_its_code_and_kept() {
    let (centre, mut terminal, mut card) = loaded();
    centre.ok("ma", &["blacklist", "add", &centre.card(2).identifier.to_string(), "--reason", "lost"]);
    let day = centre.today();
    let good = card.purchase(&mut terminal, day, [100, 0, 0]);
    let mut wrong_tac = card.purchase(&mut terminal, day, [100, 0, 0]);
    wrong_tac.evidence = Evidence::Answered { tac: Tac([0; 4]), number: None };
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
        // Its code shows no number of its own: it may be the same purchase (ADR 94).
        of_before(record)
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
    assert_eq!(centre.ask("SELECT count(*) FROM upload_row").expect("rows"), [[count.to_string()]], "nothing is lost");

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
    record.evidence = Evidence::Answered { tac, number: None };
    let body = terminal.seal(vec![record]);
    let (status, answer) = terminal.send(BATCHES, &body);
    assert_eq!((status, &answer["accepted"]), (200, &json!(1)), "{answer}");
    assert_eq!((centre.balance("card:"), centre.balance("transit:")), (50_000, 0));
    let late = outcome(&terminal, 1, "credited", Some(tac), 50_000);
    assert_eq!(terminal.ask(OUTCOME, late).1["status"], "exists");
}

#[test]
fn the_codes_of_a_card_are_checked_by_the_algorithm_that_it_answered() {
    let mut centre = Centre::with_cards(1);
    centre.serve();
    let mut terminal = centre.terminal(1);
    centre.allot(1, "500");
    let mut card = centre.card(1).speaking(4);
    let mut disguised = card.init_load(&terminal, 1, 50_000);
    disguised["algorithm"] = json!(1);
    assert_eq!(terminal.ask(LOADS, disguised).1["code"], "MAC1_WRONG", "its MAC1 is no 3DES");
    let mut secret = card.init_load(&terminal, 1, 50_000);
    secret["algorithm"] = json!(2);
    let (status, answer) = terminal.ask(LOADS, secret);
    assert_eq!((status, &answer["code"]), (422, &json!("ALGORITHM_UNSUPPORTED")), "{answer}");
    // MAC1, MAC2 and TAC by SM4.
    load(&mut terminal, &mut card, 1, 50_000);
    assert_eq!((centre.balance("card:"), centre.balance("transit:")), (50_000, 0));
    let day = centre.today();
    let good = card.purchase(&mut terminal, day, [100, 0, 0]);
    let mut as_tdes = card.purchase(&mut terminal, day, [100, 0, 0]);
    as_tdes.algorithm = 1;
    let mut as_ssf33 = card.purchase(&mut terminal, day, [100, 0, 0]);
    as_ssf33.algorithm = 2;
    let mut records = vec![good, as_tdes, as_ssf33];
    renumber(&mut records, &terminal);
    let body = terminal.seal(records);
    let (status, answer) = terminal.send(BATCHES, &body);
    assert_eq!((status, &answer["accepted"]), (200, &json!(1)), "{answer}");
    assert_eq!(codes(&answer), ["TAC_WRONG", "ALGORITHM_UNSUPPORTED"]);
    assert_eq!(centre.balance("card:"), 49_900);
}

#[test]
fn a_load_record_without_tac_is_accepted_once_the_load_is_proved_and_held_before() {
    for proved in [true, false] {
        let mut centre = Centre::with_cards(1);
        centre.serve();
        let mut terminal = centre.terminal(1);
        centre.allot(1, "500");
        let mut card = centre.card(1);
        let body = card.init_load(&terminal, 1, 50_000);
        let (_, answer) = terminal.ask(LOADS, body);
        let tac = card.credit(&terminal, 1, 50_000, &answer);
        let body = outcome(&terminal, 1, "credited", proved.then_some(tac), 50_000);
        assert_eq!(terminal.ask(OUTCOME, body).0, 200);
        let mut record = card.purchase(&mut terminal, centre.today(), [0, 1, 0]);
        record.card_sequence = card.online - 1;
        record.transaction =
            Transaction::Load { load_id: settlement::id::LoadId([1; 16]), amount_fen: Fen::new(50_000) };
        record.date_time =
            settlement::date::DateTime::parse(answer["date_time"].as_str().expect("text")).expect("real");
        record.evidence = Evidence::LogOnly;
        let body = terminal.seal(vec![record]);
        let (_, answer) = terminal.send(BATCHES, &body);
        let expected: &[&str] = if proved { &[] } else { &["TAC_MISSING"] };
        assert_eq!(codes(&answer), expected, "proved {proved}");
        assert_eq!(centre.balance("card:"), if proved { 50_000 } else { 0 });
    }
}

#[test]
fn a_card_spends_no_more_in_a_day_than_its_terminal_allows() {
    let (centre, mut terminal, mut card) = loaded();
    card.balance = 1_000_000;
    let day = centre.today();
    let mut records: Vec<_> =
        [200_000, 200_000, 100_001, 100_000].map(|fen| card.purchase(&mut terminal, day, [fen, 0, 0])).into();
    renumber(&mut records, &terminal);
    let body = terminal.seal(records);
    let (_, answer) = terminal.send(BATCHES, &body);
    assert_eq!(codes(&answer), ["LIMIT_EXCEEDED"], "5000.00 a day: one fen more is refused, the rest is not");
    assert_eq!(answer["refused"][0]["journal_sequence"], 3);
}

#[test]
fn a_loads_spoilt_code_that_its_card_tells_again_leaves_nothing_to_decide() {
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
    record.evidence = Evidence::Answered { tac: settlement::id::Tac(tac.0.map(|byte| !byte)), number: None };
    let body = terminal.seal(vec![record.clone()]);
    assert_eq!(codes(&terminal.send(BATCHES, &body).1), ["TAC_WRONG"]);
    let rows = |open: &[&str]| {
        let listed = centre.ok("ma", &[&["row", "list"], open].concat());
        listed["rows"].as_array().map(Vec::len)
    };
    assert_eq!(rows(&["--open"]), Some(1));
    assert_eq!(crate::decisions::proved(&mut terminal, &record, &tac).0, 200);
    assert_eq!((centre.balance("card:"), centre.balance("transit:")), (50_000, 0));
    assert_eq!((rows(&["--open"]), rows(&[])), (Some(0), Some(1)), "its card settled it");
}

#[test]
fn what_a_clock_ahead_dated_is_held_until_two_people_post_it() {
    let (mut centre, mut terminal, mut card) = loaded();
    let day = centre.today();
    let dated = |terminal: &mut Terminal, card: &mut Card, seconds: u32| -> TransactionRecord {
        let mut record = card.purchase(terminal, day, [100, 0, 0]);
        record.date_time = clock::china_in(seconds);
        card.sign(&mut record);
        record
    };
    let near = dated(&mut terminal, &mut card, 540);
    assert_eq!(decisions::upload(&mut terminal, near).1, [""; 0], "ten minutes are nothing");
    let ahead = dated(&mut terminal, &mut card, 700);
    let (place, refused) = decisions::upload(&mut terminal, ahead);
    assert_eq!(refused, ["RECORD_AHEAD"]);
    let later = clock::day_after(day).and_then(clock::day_after).expect("a day");
    let counted = card.purchase(&mut terminal, later, [100, 0, 0]);
    let (unbegun, refused) = decisions::upload(&mut terminal, counted);
    assert_eq!(refused, ["RECORD_AHEAD"], "no terminal was told of that day");
    assert_eq!(centre.balance("card:"), 50_000 - 100);
    let rows = "SELECT DISTINCT outcome, window_date FROM upload_row WHERE code = 'RECORD_AHEAD'";
    assert_eq!(centre.ask(rows).expect("rows"), [["HELD".to_owned(), day.to_string()]]);
    for place in [place, unbegun] {
        let dismiss = centre.run("ma", &["row", "propose", &place, "--dismiss", "--reason", "x"]);
        assert!(String::from_utf8_lossy(&dismiss.stderr).contains("ROW_PROVED"), "the card paid: {dismiss:?}");
        let proposed = centre.ok("ma", &["row", "propose", &place, "--post", "--reason", "its clock was ahead"]);
        centre.ok("wu", &["row", "approve", &proposed["number"].to_string()]);
    }
    assert_eq!(centre.balance("card:"), 50_000 - 300);
    decisions::proof(&centre);

    centre.kill_server();
    centre.configure_above("record_ahead_minutes = 20\n");
    centre.serve();
    terminal.port = centre.port();
    let ahead = dated(&mut terminal, &mut card, 700);
    assert_eq!(decisions::upload(&mut terminal, ahead).1, [""; 0], "as far as the site allows");
}
