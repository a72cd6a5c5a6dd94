//! Records that were not posted: one person proposes, another decides; money, statement, refund and agreement follow.

use serde_json::{Value, json};
use settlement::record::{Evidence, TransactionRecord};

use crate::centre::{BATCHES, Card, Centre, LOADS, OUTCOME, PHARMACY, Terminal, codes, load, loaded, outcome};
use crate::sales;

pub(crate) const CONTRADICTED: &str = "/terminal/v1/records/contradicted";

/// Buys without an answered TAC: the till proved it by the card's log.
fn held(centre: &Centre, terminal: &mut Terminal, card: &mut Card, fen: [u32; 3]) -> TransactionRecord {
    let record = card.purchase(terminal, centre.today(), fen);
    TransactionRecord { evidence: Evidence::LogOnly, ..record }
}

pub(crate) fn upload(terminal: &mut Terminal, record: TransactionRecord) -> (String, Vec<String>) {
    let place = format!("{}/{}", terminal.number, record.journal_sequence);
    let body = terminal.seal(vec![record]);
    (place, codes(&terminal.send(BATCHES, &body).1))
}

pub(crate) fn agreement(
    centre: &Centre,
    terminal: &Terminal,
    card: &Card,
    bought: (u32, i64),
    loaded: i64,
    refunded: i64,
) -> Value {
    let cards = centre.write(
        "cards.json",
        &json!([{ "card_identifier": card.identifier, "balance_fen": card.balance, "card_sequence": 1 }]),
    );
    let journal = json!({ "terminal": terminal.number, "cards": [{
        "card_identifier": card.identifier, "purchases": bought.0, "purchased_fen": bought.1, "loads": 1,
        "loaded_fen": loaded, "refunds": u8::from(refunded > 0), "refunded_fen": refunded,
    }] });
    let journal = centre.write("journal.json", &journal);
    let date = centre.today().to_string();
    let output = centre.run("ma", &["reconcile", "--date", &date, "--cards", &cards, "--journal", &journal]);
    serde_json::from_slice(&output.stdout).expect("JSON")
}

pub(crate) fn proof(centre: &Centre) -> Value {
    let proof = centre.ok("ma", &["window", "show", "--date", &centre.today().to_string()]);
    assert_eq!(proof["holds"], true, "{proof}");
    // What the day owes is what its statements say.
    let date = proof["window"]["business_date"].as_str().expect("a date");
    let institutions = centre.ok("ma", &["institution", "list"]);
    let owed = institutions["institutions"].as_array().expect("institutions").iter().map(|one| {
        let code = one["code"].as_str().expect("a code");
        let statement = centre.ok("ma", &["statement", "--institution", code, "--date", date]);
        assert_eq!(statement["in_agreement"], true, "{statement}");
        statement["payable_fen"].as_i64().expect("an amount")
    });
    assert_eq!(owed.sum::<i64>(), proof["totals"]["payable_fen"], "{proof}");
    proof
}

#[test]
fn a_purchase_that_was_held_is_posted_by_two_people_and_can_be_refunded() {
    let (centre, mut terminal, mut card) = loaded();
    let record = held(&centre, &mut terminal, &mut card, [1_640, 1_000, 700]);
    let (place, refused) = upload(&mut terminal, record.clone());
    assert_eq!(refused, ["TAC_MISSING"]);
    assert_eq!(agreement(&centre, &terminal, &card, (1, 1_640), 50_000, 0)["in_agreement"], false);
    let listed = centre.ok("ma", &["row", "list", "--open"]);
    assert_eq!(
        (&listed["rows"][0]["code"], &listed["rows"][0]["may_be_posted"]),
        (&json!("TAC_MISSING"), &json!(true))
    );
    let propose = ["row", "propose", &place, "--post", "--reason", "log of the card read"];
    assert_eq!(centre.run("wu", &propose).status.code(), Some(3), "the role is missing");
    assert_eq!(centre.run("ma", &["row", "propose", &place, "--post", "--reason", " "]).status.code(), Some(1));
    assert_eq!(centre.ok("ma", &propose)["state"], "proposed");
    assert_eq!(centre.run("ma", &propose).status.code(), Some(3), "once");
    centre.ok("ma", &["operator", "add", "both", "--role", "clearing", "--role", "approve"]);
    assert_eq!(centre.run("both", &["row", "reject", "1", "--reason", " "]).status.code(), Some(1), "no reason");
    let why = "the log is another card's";
    assert_eq!(centre.ok("both", &["row", "reject", "1", "--reason", why])["rejection"], why);
    let listed = centre.ok("ma", &["row", "list", "--open"]);
    assert_eq!(
        (&listed["rows"][0]["code"], &listed["rejections"][0]["rejection"], &listed["rejections"][0]["number"]),
        (&json!("TAC_MISSING"), &json!(why), &json!(1))
    );
    centre.ok("both", &propose);
    assert_eq!(centre.run("both", &["row", "approve", "2"]).status.code(), Some(3), "its own");
    assert_eq!(centre.balance("institution:P51330100001:payable"), 0);
    assert_eq!(centre.ok("wu", &["row", "approve", "2"])["state"], "approved");
    assert_eq!(centre.run("wu", &["row", "approve", "2"]).status.code(), Some(3), "once");
    assert!(centre.ask("UPDATE row_decision SET act = 'return'").is_err(), "final");
    assert_eq!((centre.balance("card:"), centre.balance("institution:P51330100001:payable")), (48_360, 2_340));
    assert_eq!(proof(&centre)["differences"], json!([]));
    let date = centre.today().to_string();
    let statement = centre.ok("ma", &["statement", "--institution", PHARMACY, "--date", &date]);
    assert_eq!((&statement["payable_fen"], &statement["in_agreement"]), (&json!(2_340), &json!(true)));
    assert_eq!((&statement["not_posted"], &statement["purchases"]), (&json!([]), &json!(1)));
    assert_eq!(agreement(&centre, &terminal, &card, (1, 1_640), 50_000, 0)["in_agreement"], true);
    assert_eq!(centre.ok("ma", &["row", "list", "--open"])["rows"], json!([]));
    // It is a purchase like any other: it goes back to its card.
    let mut body = card.init_load(&terminal, 9, 1_640);
    body["refund"] = json!({
        "original": { "terminal": terminal.number, "terminal_sequence": 1 },
        "act": "refund", "self_paid_fen": 1_000, "pooled_fund_fen": 700,
    });
    let (status, answer) = terminal.ask(LOADS, body);
    assert_eq!(status, 200, "{answer}");
    let tac = card.credit(&terminal, 9, 1_640, &answer);
    let body = outcome(&terminal, 9, "credited", Some(tac), card.balance);
    assert_eq!(terminal.ask(OUTCOME, body).0, 200);
    assert_eq!((centre.balance("card:"), centre.balance("institution:P51330100001:payable")), (50_000, 0));
    proof(&centre);
    assert_eq!(agreement(&centre, &terminal, &card, (1, 1_640), 50_000, 1_640)["in_agreement"], true);
}

#[test]
fn a_sale_that_does_not_stand_goes_back_to_the_holder_and_one_that_the_card_never_paid_is_dismissed() {
    let (centre, mut terminal, mut card) = loaded();
    // Sold after the card was listed: with the card's own TAC.
    centre.ok("ma", &["blacklist", "add", &card.identifier.to_string(), "--reason", "lost"]);
    let sold = card.purchase(&mut terminal, centre.today(), [820, 0, 0]);
    let (place, refused) = upload(&mut terminal, sold.clone());
    assert_eq!(refused, ["CARD_BLACKLISTED"]);
    centre.ok("ma", &["blacklist", "remove", &card.identifier.to_string(), "--reason", "found"]);
    centre.ok("ma", &["row", "propose", &place, "--return", "--reason", "sold too late"]);
    centre.ok("wu", &["row", "approve", "1"]);
    assert_eq!((centre.balance("card:"), centre.balance("pending:")), (49_180, 820));
    assert_eq!(centre.balance("institution:"), 0);
    proof(&centre);
    assert_eq!(agreement(&centre, &terminal, &card, (1, 820), 50_000, 0)["in_agreement"], true);
    // Its numbers are used up: the same purchase again posts nothing.
    let again = TransactionRecord { journal_sequence: terminal.chain.next_record, ..sold };
    let (repeated, refused) = upload(&mut terminal, again);
    assert_eq!(refused, ["DUPLICATE_TERMINAL_SEQUENCE"]);
    let post = ["row", "propose", &repeated, "--post", "--reason", "x"];
    assert_eq!(centre.run("ma", &post).status.code(), Some(3), "nothing of it can be posted");
    // A record with a TAC that is not the card's: the chip was never debited.
    let mut false_one = card.purchase(&mut terminal, centre.today(), [500, 0, 0]);
    card.balance += 500;
    false_one.evidence = Evidence::Answered { tac: settlement::id::Tac([0; 4]), number: None };
    let (place, refused) = upload(&mut terminal, false_one);
    assert_eq!(refused, ["TAC_WRONG"]);
    assert_eq!(centre.run("ma", &["row", "propose", &place, "--post", "--reason", "x"]).status.code(), Some(3));
    for (number, place) in ["2", "3"].into_iter().zip([&repeated, &place]) {
        centre.ok("ma", &["row", "propose", place, "--dismiss", "--reason", "card read"]);
        centre.ok("wu", &["row", "approve", number]);
    }
    assert_eq!((centre.balance("card:"), centre.balance("pending:")), (49_180, 820));
    assert_eq!(proof(&centre)["differences"], json!([]));
    let agreed = agreement(&centre, &terminal, &card, (2, 1_320), 50_000, 0);
    assert_eq!(agreed["in_agreement"], true, "{agreed}");
    assert_eq!(
        centre.run("ma", &["row", "propose", "990000000001/999", "--dismiss", "--reason", "x"]).status.code(),
        Some(2)
    );
    load(&mut terminal, &mut card, 2, 820);
    assert_eq!((centre.balance("card:"), centre.balance("pending:")), (50_000, 0));
}

#[test]
fn a_day_that_is_proved_keeps_its_proof_when_a_record_of_it_is_decided_later() {
    let (centre, mut terminal, mut card) = loaded();
    let day = centre.today();
    let record = held(&centre, &mut terminal, &mut card, [1_640, 0, 0]);
    let (place, _) = upload(&mut terminal, record);
    let date = day.to_string();
    centre.ok("ma", &["window", "explain", "--date", &date, "--difference", "1", "--reason", "asked the till"]);
    let closed = centre.ok("zhou", &["window", "close", "--date", &date]);
    assert_eq!(closed["window"]["state"], "CLOSED", "{closed}");
    centre.ok("ma", &["row", "propose", &place, "--post", "--reason", "log of the card read"]);
    centre.ok("wu", &["row", "approve", "1"]);
    let again = centre.ok("ma", &["window", "show", "--date", &date]);
    assert_eq!((&again["content_hash"], &again["totals"]), (&closed["content_hash"], &closed["totals"]));
    let next = proof(&centre);
    assert_ne!(next["window"]["business_date"], json!(date));
    assert_eq!((&next["totals"]["purchased_fen"], &next["totals"]["rows_accepted"]), (&json!(1_640), &json!(1)));
    assert_eq!(centre.balance("card:"), 48_360);
}

/// A till says that the card paid, by a person's word; the card did not, and its next debit has the same number.
pub(crate) fn judged_and_real(centre: &Centre, terminal: &mut Terminal, card: &mut Card) -> [TransactionRecord; 2] {
    let judged = card.purchase(terminal, centre.today(), [820, 0, 0]);
    let judged = TransactionRecord { evidence: Evidence::Judged, ..judged };
    (card.balance, card.offline) = (card.balance + 820, card.offline - 1);
    let mut real = card.purchase(terminal, centre.today(), [500, 300, 0]);
    real.journal_sequence = terminal.chain.next_record;
    assert_eq!(judged.card_sequence, real.card_sequence);
    [judged, real]
}

#[test]
fn a_word_without_the_cards_code_takes_no_number_from_the_sale_that_has_it() {
    for word_first in [true, false] {
        let (centre, mut terminal, mut card) = loaded();
        let [mut first, mut second] = judged_and_real(&centre, &mut terminal, &mut card);
        if !word_first {
            std::mem::swap(&mut first, &mut second);
        }
        first.journal_sequence = terminal.chain.next_record;
        let (one, refused_one) = upload(&mut terminal, first);
        second.journal_sequence = terminal.chain.next_record;
        let (two, refused_two) = upload(&mut terminal, second);
        let word = if word_first { &one } else { &two };
        let refused = if word_first { [refused_one, refused_two] } else { [refused_two, refused_one] };
        let said = if word_first { "RECORD_JUDGED" } else { "DUPLICATE_CARD_SEQUENCE" };
        assert_eq!(refused, [vec![said.to_owned()], vec![]], "the card's own code is posted");
        assert_eq!((centre.balance("card:"), centre.balance("institution:P51330100001:payable")), (49_500, 500));
        let listed = centre.ok("ma", &["row", "list", "--open"]);
        let row = &listed["rows"][0];
        assert_eq!((&row["is_contradicted"], &row["may_be_posted"]), (&json!(true), &json!(false)), "{listed}");
        for act in ["--post", "--return"] {
            let propose = ["row", "propose", word, act, "--reason", "x"];
            assert_eq!(centre.run("ma", &propose).status.code(), Some(3), "the card did the other one");
        }
        centre.ok("ma", &["row", "propose", word, "--dismiss", "--reason", "the card did another sale"]);
        centre.ok("wu", &["row", "approve", "1"]);
        assert_eq!(centre.balance("card:"), 49_500);
        proof(&centre);
        // What was sold is given back as ever, and the next number is the next.
        let mut body = card.init_load(&terminal, 9, 500);
        body["refund"] = json!({
            "original": { "terminal": terminal.number, "terminal_sequence": 2 },
            "act": "cancel", "self_paid_fen": 300, "pooled_fund_fen": 0,
        });
        let (status, answer) = terminal.ask(LOADS, body);
        assert_eq!(status, 200, "{answer}");
    }
}

#[test]
fn words_of_a_terminal_for_every_number_of_a_card_keep_no_honest_sale_out() {
    let (centre, mut terminal, mut card) = loaded();
    let template = card.purchase(&mut terminal, centre.today(), [1, 0, 0]);
    (card.balance, card.offline) = (card.balance + 1, card.offline - 1);
    let words = (0..200_u16).map(|number| {
        let mut word = TransactionRecord {
            card_sequence: number,
            journal_sequence: template.journal_sequence + u64::from(number),
            evidence: Evidence::LogOnly,
            ..template.clone()
        };
        if let settlement::record::Transaction::Purchase { terminal_sequence, .. } = &mut word.transaction {
            *terminal_sequence = 1_000 + u32::from(number);
        }
        word
    });
    let body = terminal.seal(words.collect());
    let held = codes(&terminal.send(BATCHES, &body).1);
    assert!(held.len() == 200 && held.iter().all(|code| code == "TAC_MISSING"), "{held:?}");
    let mut honest = centre.terminal(2);
    let real = card.purchase(&mut honest, centre.today(), [500, 0, 0]);
    assert_eq!(upload(&mut honest, real).1, Vec::<String>::new());
    assert_eq!(centre.balance("card:"), 49_500);
}

#[test]
fn two_people_see_who_judged_and_why_and_what_the_card_contradicts_is_dismissed() {
    let (centre, mut terminal, mut card) = loaded();
    let judgement = json!({ "done": true, "by": "007", "reason": "till roll" });
    let judgement = Some(serde_json::from_value(judgement).expect("a judgement"));
    let judged = |terminal: &mut Terminal, card: &mut Card, judgement| {
        let sold = card.purchase(terminal, centre.today(), [820, 0, 0]);
        (card.balance, card.offline) = (card.balance + 820, card.offline - 1);
        let record = TransactionRecord { evidence: Evidence::Judged, judgement, ..sold };
        let hash = record.hash();
        (upload(terminal, record), hash)
    };
    let ((place, refused), hash) = judged(&mut terminal, &mut card, judgement);
    assert_eq!(refused, ["RECORD_JUDGED"]);
    let row = centre.ok("ma", &["row", "list", "--open"])["rows"][0].clone();
    assert_eq!((&row["judgement"]["by"], &row["judgement"]["reason"]), (&json!("007"), &json!("till roll")), "{row}");
    assert_eq!((&row["may_be_posted"], &row["is_contradicted"]), (&json!(true), &json!(null)));

    let word = |record: u64, hash: &settlement::id::Digest| json!({ "version": 1, "terminal": "990000000001", "journal_sequence": record, "hash": hash });
    let record: u64 = place.split('/').next_back().expect("a number").parse().expect("a number");
    for (wrong, code) in [(word(record + 1, &hash), 404), (word(record, &settlement::id::Digest([1; 32])), 404)] {
        assert_eq!(terminal.ask(CONTRADICTED, wrong).0, code);
    }
    let letter = terminal.numbered(word(record, &hash));
    for status in ["created", "exists"] {
        let (code, answer) = terminal.send(CONTRADICTED, &letter);
        assert_eq!((code, &answer["status"]), (200, &json!(status)), "{answer}");
    }
    assert_eq!(terminal.ask(CONTRADICTED, word(record, &hash)).1["status"], "exists", "once");
    let row = centre.ok("ma", &["row", "list", "--open"])["rows"][0].clone();
    assert_eq!((&row["may_be_posted"], &row["is_contradicted"]), (&json!(false), &json!(true)), "{row}");
    let text = open_text(&centre);
    assert!(text.contains("judged at the terminal by 007") && text.contains("the card shows the opposite"), "{text}");
    for act in ["--post", "--return"] {
        assert_eq!(centre.run("ma", &["row", "propose", &place, act, "--reason", "x"]).status.code(), Some(3));
    }
    // The terminal does not count it any more: no money is missing, and somebody has to dismiss it.
    let agreed = agreement(&centre, &terminal, &card, (0, 0), 50_000, 0);
    assert_eq!((&agreed["in_agreement"], &agreed["findings"][0]["amount_fen"]), (&json!(false), &json!(0)), "{agreed}");
    centre.ok("ma", &["row", "propose", &place, "--dismiss", "--reason", "the card shows it"]);
    centre.ok("wu", &["row", "approve", "1"]);
    assert_eq!(agreement(&centre, &terminal, &card, (0, 0), 50_000, 0)["in_agreement"], true);
    assert_eq!((centre.balance("card:"), centre.balance("institution:")), (50_000, 0));
    proof(&centre);

    // One that was posted before its card came back stays in the list until the books are set right.
    let ((place, _), hash) = judged(&mut terminal, &mut card, None);
    centre.ok("ma", &["row", "propose", &place, "--post", "--reason", "believed"]);
    centre.ok("wu", &["row", "approve", "2"]);
    let record: u64 = place.split('/').next_back().expect("a number").parse().expect("a number");
    let (status, answer) = terminal.ask(CONTRADICTED, word(record, &hash));
    assert_eq!((status, &answer["believed"]), (200, &json!("posted")), "the till hears what was made of its word");
    let open = centre.ok("ma", &["row", "list", "--open"]);
    assert_eq!(open["rows"][0]["is_contradicted"], true, "{open}");
    assert!(centre.ask("UPDATE row_judgement SET contradicted_at = 'x'").is_err(), "said once");
    let agreed = agreement(&centre, &terminal, &card, (0, 0), 50_000, 0);
    let told: Vec<&Value> = agreed["findings"].as_array().expect("findings").iter().map(|one| &one["code"]).collect();
    assert!(told.contains(&&json!("PURCHASE_CONTRADICTED")), "{agreed}");
    assert_eq!(centre.balance("institution:"), 820);
    taken_back(&centre, &place, "post");
    assert_eq!(
        (centre.balance("card:"), centre.balance("institution:")),
        (50_000, 0),
        "as if it had never been posted"
    );
    assert_eq!(agreement(&centre, &terminal, &card, (0, 0), 50_000, 0)["in_agreement"], true);
    assert_eq!(proof(&centre)["totals"]["purchased_fen"], json!(0));
    let date = centre.today().to_string();
    let statement = centre.ok("ma", &["statement", "--institution", PHARMACY, "--date", &date]);
    assert_eq!((&statement["payable_fen"], &statement["in_agreement"]), (&json!(0), &json!(true)), "{statement}");
    assert_eq!(statement["taken_back"].as_array().map(Vec::len), Some(1));
    assert!(centre.ok("ma", &["row", "list", "--open"])["rows"].as_array().expect("rows").is_empty());

    // One that was returned: what went to the holder comes back, while it is still there.
    let ((place, _), hash) = judged(&mut terminal, &mut card, None);
    centre.ok("ma", &["row", "propose", &place, "--return", "--reason", "believed"]);
    centre.ok("wu", &["row", "approve", "4"]);
    assert_eq!(refusal(&centre, &place), "ROW_NOT_TAKEN_BACK", "its card did not contradict it yet");
    let record: u64 = place.split('/').next_back().expect("a number").parse().expect("a number");
    assert_eq!(terminal.ask(CONTRADICTED, word(record, &hash)).0, 200);
    taken_back(&centre, &place, "return");
    assert_eq!((centre.balance("card:"), centre.balance("pending:")), (50_000, 0));
    assert_eq!(agreement(&centre, &terminal, &card, (0, 0), 50_000, 0)["in_agreement"], true);
    proof(&centre);
    // Nobody's word weighs more than the card's own code.
    let real = card.purchase(&mut terminal, centre.today(), [100, 0, 0]);
    let hash = real.hash();
    let (place, _) = upload(&mut terminal, real);
    let record: u64 = place.split('/').next_back().expect("a number").parse().expect("a number");
    assert_eq!(terminal.ask(CONTRADICTED, word(record, &hash)).1["code"], "RECORD_CONTRADICTORY");
}

pub(crate) const PROVED: &str = "/terminal/v1/records/proved";

/// The list of what waits, as a person reads it.
pub(crate) fn open_text(centre: &Centre) -> String {
    shown(centre, &["row", "list", "--open"])
}

/// What a command shows to people.
pub(crate) fn shown(centre: &Centre, arguments: &[&str]) -> String {
    let mut program = std::process::Command::new(env!("CARGO_BIN_EXE_issuer"));
    program.args(["--lang", "en", "--data"]).arg(centre.data()).args(["--operator", "ma"]).args(arguments);
    String::from_utf8_lossy(&program.output().expect("runs").stdout).into_owned()
}

/// The terminal tells what code the card told of a record.
pub(crate) fn proved(terminal: &mut Terminal, record: &TransactionRecord, tac: &settlement::id::Tac) -> (u16, Value) {
    terminal.ask(PROVED, json!({ "version": 1, "terminal": record.terminal, "record": record, "tac": tac }))
}

/// The code in the record was spoilt on its way: the card paid all the same.
pub(crate) fn spoilt(
    centre: &Centre,
    terminal: &mut Terminal,
    card: &mut Card,
) -> (TransactionRecord, settlement::id::Tac) {
    let record = card.purchase(terminal, centre.today(), [820, 0, 0]);
    let tac = record.evidence.tac().expect("a code");
    let [first, rest @ ..] = tac.0;
    let wrong = settlement::id::Tac([first ^ 1, rest[0], rest[1], rest[2]]);
    (TransactionRecord { evidence: Evidence::Answered { tac: wrong, number: None }, ..record }, tac)
}

#[test]
fn a_purchase_whose_code_was_spoilt_is_posted_with_the_one_that_the_card_tells_afterwards() {
    let (centre, mut terminal, mut card) = loaded();
    let (record, tac) = spoilt(&centre, &mut terminal, &mut card);
    let (place, refused) = upload(&mut terminal, record.clone());
    assert_eq!(refused, ["TAC_WRONG"]);
    let post = ["row", "propose", &place, "--post", "--reason", "x"];
    assert_eq!(centre.run("ma", &post).status.code(), Some(3), "not by people's word");
    let other = TransactionRecord { journal_sequence: record.journal_sequence + 1, ..record.clone() };
    assert_eq!(proved(&mut terminal, &other, &tac).0, 404);
    let wrong = record.evidence.tac().expect("the spoilt one");
    assert_eq!(proved(&mut terminal, &record, &wrong).1["code"], "TAC_WRONG", "a code that does not fit either");
    assert_eq!(centre.run("ma", &post).status.code(), Some(3));
    let (status, answer) = proved(&mut terminal, &record, &tac);
    assert_eq!((status, &answer["status"]), (200, &json!("created")), "{answer}");
    assert_eq!(proved(&mut terminal, &record, &tac).1["status"], "exists");
    let listed = centre.ok("ma", &["row", "list", "--open"]);
    assert_eq!(listed["rows"][0]["may_be_posted"], true, "{listed}");
    let dismiss = centre.run("ma", &["row", "propose", &place, "--dismiss", "--reason", "as if it had not paid"]);
    assert!(String::from_utf8_lossy(&dismiss.stderr).contains("ROW_PROVED"), "{dismiss:?}");
    centre.ok("ma", &post);
    centre.ok("wu", &["row", "approve", "1"]);
    assert_eq!((centre.balance("card:"), centre.balance("institution:P51330100001:payable")), (49_180, 820));
    assert_eq!(agreement(&centre, &terminal, &card, (1, 820), 50_000, 0)["in_agreement"], true);
    proof(&centre);
}

#[test]
fn what_a_card_paid_under_a_spoilt_code_can_go_back_to_its_holder_by_two_people() {
    let (centre, mut terminal, mut card) = loaded();
    let (record, _) = spoilt(&centre, &mut terminal, &mut card);
    let (place, refused) = upload(&mut terminal, record);
    assert_eq!(refused, ["TAC_WRONG"]);
    let listed = centre.ok("ma", &["row", "list", "--open"]);
    assert_eq!(listed["rows"][0]["may_be_returned"], true, "{listed}");
    centre.ok("ma", &["row", "propose", &place, "--return", "--reason", "the card shows it"]);
    centre.ok("wu", &["row", "approve", "1"]);
    assert_eq!((centre.balance("card:"), centre.balance("institution:P51330100001:payable")), (49_180, 0));
    proof(&centre);
}

/// The code with which taking a record back is refused.
pub(crate) fn refusal(centre: &Centre, place: &str) -> String {
    let refused = centre.run("ma", &["row", "propose", place, "--take-back", "--reason", "x"]);
    let text = String::from_utf8_lossy(&refused.stderr).into_owned();
    let error: Value = serde_json::from_str(text.lines().last().unwrap_or_default()).expect(&text);
    error["code"].as_str().expect("a code").to_owned()
}

/// Two people take back what was decided of a record, once.
fn taken_back(centre: &Centre, place: &str, was: &str) {
    let rows = centre.ok("ma", &["row", "list", "--open"]);
    assert_eq!(
        (&rows["rows"][0]["decided"]["act"], rows["rows"].as_array().map(Vec::len)),
        (&json!(was), Some(1)),
        "{rows}"
    );
    let proposed = centre.ok("ma", &["row", "propose", place, "--take-back", "--reason", "the card shows it"]);
    let number = proposed["number"].to_string();
    assert!(!centre.run("ma", &["row", "approve", &number]).status.success(), "not by the same person");
    assert_eq!(centre.ok("wu", &["row", "approve", &number])["act"], "take-back");
    assert_eq!(refusal(centre, place), "ROW_DECIDED", "once");
}

#[test]
fn a_word_that_was_posted_gives_way_to_the_record_with_the_cards_own_code() {
    let (centre, mut terminal, mut card) = loaded();
    let [judged, mut real] = judged_and_real(&centre, &mut terminal, &mut card);
    let (word, refused) = upload(&mut terminal, judged);
    assert_eq!(refused, ["RECORD_JUDGED"]);
    centre.ok("ma", &["row", "propose", &word, "--post", "--reason", "till roll"]);
    centre.ok("wu", &["row", "approve", "1"]);
    assert_eq!(centre.balance("card:"), 49_180);
    // People's word shuts the card out of no till that asks.
    let mut elsewhere = centre.terminal(2);
    let mut question = sales::asked(&centre, &elsewhere, &card, 1, [100, 0, 0]);
    question["sale"]["card_sequence"] = json!(real.card_sequence);
    let (status, answer) = elsewhere.ask(sales::SALES, question.clone());
    assert_eq!(status, 200, "{answer}");
    let (status, answer) = elsewhere.ask(sales::OUTCOME, sales::not_done(question));
    assert_eq!(status, 200, "{answer}");
    real.journal_sequence = terminal.chain.next_record;
    let (sold, refused) = upload(&mut terminal, real);
    assert_eq!(refused, ["DUPLICATE_CARD_SEQUENCE"]);
    let post = ["row", "propose", sold.as_str(), "--post", "--reason", "the card's own code"];
    assert_eq!(centre.run("ma", &post).status.code(), Some(3), "the number is taken");
    let dismiss = centre.run("ma", &["row", "propose", &sold, "--dismiss", "--reason", "as if it were nothing"]);
    assert!(String::from_utf8_lossy(&dismiss.stderr).contains("ROW_PROVED"), "{dismiss:?}");
    let listed = centre.ok("ma", &["row", "list", "--open"]);
    let of = |place: &str| {
        let rows = listed["rows"].as_array().expect("rows");
        let found = rows.iter().find(|row| {
            format!("{}/{}", row["terminal"].as_str().unwrap_or_default(), row["journal_sequence"]) == place
        });
        found.unwrap_or_else(|| panic!("{place}: {listed}")).clone()
    };
    assert_eq!((&of(&word)["is_contradicted"], &of(&sold)["is_contradicted"]), (&json!(true), &json!(null)));
    let same = |place: &str| of(place)["same_number"][0].clone();
    let names = |record: &str, code: bool| json!({ "record": record, "has_cards_code": code, "is_posted": !code });
    assert_eq!(
        (same(&word), same(&sold)),
        (names(&sold, true), names(&word, false)),
        "they are one number of the card"
    );
    let text = open_text(&centre);
    assert!(text.contains(&format!("same number as {sold}: has the card's own code")), "{text}");
    assert!(text.contains(&format!("same number as {word}: has no code of the card, posted")), "{text}");
    centre.ok("ma", &["row", "propose", &word, "--take-back", "--reason", "the card did another sale"]);
    centre.ok("wu", &["row", "approve", "2"]);
    assert_eq!(centre.balance("card:"), 50_000);
    let dismiss = centre.run("ma", &["row", "propose", &sold, "--dismiss", "--reason", "now that no word stands"]);
    assert!(String::from_utf8_lossy(&dismiss.stderr).contains("ROW_PROVED"), "{dismiss:?}");
    centre.ok("ma", &post);
    centre.ok("wu", &["row", "approve", "3"]);
    assert_eq!((centre.balance("card:"), centre.balance("institution:P51330100001:payable")), (49_500, 500));
    assert_eq!(centre.ok("ma", &["row", "list", "--open"])["rows"], json!([]));
    assert_eq!(agreement(&centre, &terminal, &card, (2, 1_320), 50_000, 0)["in_agreement"], true);
    proof(&centre);
}

#[test]
fn a_spoilt_code_is_posted_when_the_cards_records_beside_it_show_the_purchase_to_the_fen() {
    for amount_is_true in [true, false] {
        let (centre, mut terminal, mut card) = loaded();
        let (mut record, _) = spoilt(&centre, &mut terminal, &mut card);
        if !amount_is_true {
            // Whoever has the till's key says more than the card paid.
            let more: settlement::record::Transaction = {
                let mut text = serde_json::to_value(&record.transaction).expect("JSON");
                text["personal_account_fen"] = json!(920);
                serde_json::from_value(text).expect("a purchase")
            };
            record.transaction = more;
        }
        let (place, refused) = upload(&mut terminal, record);
        assert_eq!(refused, ["TAC_WRONG"]);
        let post = ["row", "propose", &place, "--post", "--reason", "the card went on from there"];
        assert_eq!(centre.run("ma", &post).status.code(), Some(3), "nothing shows it yet");
        // The card forgets the code with its next purchase, which begins with what this one left.
        let mut elsewhere = centre.terminal_elsewhere(2);
        let next = card.purchase(&mut elsewhere, centre.today(), [100, 0, 0]);
        assert_eq!(upload(&mut elsewhere, next).1, Vec::<String>::new());
        let listed = centre.ok("ma", &["row", "list", "--open"]);
        let row = &listed["rows"][0];
        if !amount_is_true {
            assert_eq!((&row["may_be_posted"], &row["is_shown"]), (&json!(false), &json!(null)), "{listed}");
            assert_eq!(centre.run("ma", &post).status.code(), Some(3), "the amount is not the card's");
            continue;
        }
        assert_eq!((&row["may_be_posted"], &row["is_shown"]), (&json!(true), &json!(true)), "{listed}");
        centre.ok("ma", &post);
        centre.ok("wu", &["row", "approve", "1"]);
        assert_eq!((centre.balance("card:"), centre.balance("institution:P51330100001:payable")), (49_080, 820));
        proof(&centre);
    }
}

#[test]
fn no_till_shows_its_own_spoilt_code_right() {
    let (centre, mut terminal, mut card) = loaded();
    let (record, _) = spoilt(&centre, &mut terminal, &mut card);
    let (place, _) = upload(&mut terminal, record);
    let next = card.purchase(&mut terminal, centre.today(), [100, 0, 0]);
    assert_eq!(upload(&mut terminal, next).1, Vec::<String>::new());
    let post = ["row", "propose", &place, "--post", "--reason", "x"];
    assert_eq!(centre.run("ma", &post).status.code(), Some(3), "number and balance are the same till's word");
}

#[test]
fn a_spoilt_code_after_which_the_card_began_elsewhere_is_not_posted() {
    let (centre, mut terminal, mut card) = loaded();
    let (record, _) = spoilt(&centre, &mut terminal, &mut card);
    let (place, _) = upload(&mut terminal, record);
    card.balance += 1;
    let mut elsewhere = centre.terminal_elsewhere(2);
    let next = card.purchase(&mut elsewhere, centre.today(), [100, 0, 0]);
    assert_eq!(upload(&mut elsewhere, next).1, Vec::<String>::new());
    let post = ["row", "propose", &place, "--post", "--reason", "x"];
    assert_eq!(centre.run("ma", &post).status.code(), Some(3), "a fen more than it left");
}

#[test]
fn what_the_card_shows_against_a_supervisors_no_is_said_with_what_shows_it() {
    let (centre, mut terminal, mut card) = loaded();
    let judgement = json!({ "done": false, "by": "007", "reason": "no receipt" });
    let judgement = Some(serde_json::from_value(judgement).expect("a judgement"));
    let record = TransactionRecord { judgement, ..held(&centre, &mut terminal, &mut card, [820, 0, 0]) };
    assert_eq!(upload(&mut terminal, record).1, ["TAC_MISSING"]);
    let mut program = std::process::Command::new(env!("CARGO_BIN_EXE_issuer"));
    program.args(["--lang", "en", "--data"]).arg(centre.data()).args(["--operator", "ma", "row", "list", "--open"]);
    let text = String::from_utf8_lossy(&program.output().expect("runs").stdout).into_owned();
    let said = "the card did not do it, no receipt; the card shows the opposite (its counter, balance or log)";
    assert!(text.contains(said), "{text}");
}
