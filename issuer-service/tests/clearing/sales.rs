//! Sales that the centre is asked about first: what it looks at, what it keeps, and that the record posts once.

use serde_json::{Value, json};
use settlement::fen::Fen;
use settlement::id::{Digest, SaleId};
use settlement::record::{Transaction, TransactionRecord};

use crate::centre::{BATCHES, Card, Centre, Terminal, codes, loaded};

pub(crate) const SALES: &str = "/terminal/v1/sales";
pub(crate) const OUTCOME: &str = "/terminal/v1/sales/outcome";

/// Phase 1 of the card's next purchase.
pub(crate) fn asked(centre: &Centre, terminal: &Terminal, card: &Card, id: u8, fen: [u32; 3]) -> Value {
    json!({ "version": 1, "sale": {
        "sale_id": SaleId([id; 16]),
        "terminal": terminal.number,
        "card_identifier": card.identifier,
        "card_factor": card.factor,
        "card_sequence": card.offline,
        "balance_fen": card.balance.max(fen[0]),
        "personal_account_fen": fen[0],
        "self_paid_fen": fen[1],
        "pooled_fund_fen": fen[2],
        "bill_id": format!("B-{}", terminal.psam + 1),
        "bill_hash": Digest([7; 32]),
        "business_date": centre.today(),
    } })
}

pub(crate) fn not_done(mut asked: Value) -> Value {
    asked["outcome"] = "not_done".into();
    asked
}

/// The record of a purchase that was asked about.
fn named(mut record: TransactionRecord, id: u8) -> TransactionRecord {
    if let Transaction::Purchase { sale_id, .. } = &mut record.transaction {
        *sale_id = Some(SaleId([id; 16]));
    }
    record
}

fn said((status, answer): (u16, Value)) -> (u16, String) {
    let said = answer["status"].as_str().or(answer["code"].as_str());
    (status, said.unwrap_or_default().to_owned())
}

fn states(centre: &Centre) -> Vec<String> {
    let list = centre.ok("ma", &["terminal", "sales"]);
    let sales = list["sales"].as_array().expect("a list").iter();
    sales.map(|sale| format!("{} {}", &sale["sale_id"].as_str().expect("an id")[..2], sale["state"])).collect()
}

#[test]
fn what_was_authorised_posts_once_whatever_happened_since_and_what_was_not_is_judged_as_offline() {
    let (centre, mut terminal, mut card) = loaded();
    let (day, identifier) = (centre.today(), card.identifier.to_string());
    let ask = asked(&centre, &terminal, &card, 1, [1_234, 500, 700]);
    let letter = terminal.numbered(ask.clone());
    assert_eq!(said(terminal.send(SALES, &letter)), (200, "created".into()));
    assert_eq!(said(terminal.send(SALES, &letter)), (200, "exists".into()), "the same letter");
    assert_eq!(said(terminal.ask(SALES, ask.clone())), (200, "exists".into()), "the same sale");
    let mut other = ask.clone();
    other["sale"]["self_paid_fen"] = 501.into();
    assert_eq!(said(terminal.ask(SALES, other)), (409, "REQUEST_ID_REUSED".into()));
    assert_eq!(centre.balance("card:"), 50_000, "nothing is posted before the card paid");

    centre.ok("ma", &["blacklist", "add", &identifier, "--reason", "lost since"]);
    let asked_late = asked(&centre, &terminal, &card, 2, [100, 0, 0]);
    assert_eq!(said(terminal.ask(SALES, asked_late)), (403, "CARD_BLACKLISTED".into()), "at this moment");
    let done = named(card.purchase(&mut terminal, day, [1_234, 500, 700]), 1);
    let batch = terminal.seal(vec![done.clone()]);
    for status in ["created", "exists"] {
        let (code, answer) = terminal.send(BATCHES, &batch);
        assert_eq!((code, &answer["status"], &answer["accepted"]), (200, &json!(status), &json!(1)), "{answer}");
    }
    assert_eq!((centre.balance("card:"), centre.balance("")), (50_000 - 1_234, 0));
    assert_eq!(states(&centre), ["01 \"done\""]);
    assert_eq!(said(terminal.ask(OUTCOME, not_done(ask))), (409, "SALE_ALREADY_DECIDED".into()));
    let again = TransactionRecord { journal_sequence: terminal.chain.next_record, ..done };
    let batch = terminal.seal(vec![again]);
    assert_eq!(codes(&terminal.send(BATCHES, &batch).1), ["DUPLICATE_TERMINAL_SEQUENCE"], "one sale, one posting");

    // A sale that the centre never heard of, or was told of as not done, is the terminal's own risk.
    let lost = asked(&centre, &terminal, &card, 3, [100, 0, 0]);
    assert_eq!(said(terminal.ask(OUTCOME, not_done(lost.clone()))), (200, "created".into()));
    assert_eq!(said(terminal.ask(OUTCOME, not_done(lost.clone()))), (200, "exists".into()));
    assert_eq!(said(terminal.ask(SALES, lost)), (409, "SALE_ALREADY_DECIDED".into()), "phase 1 arrives late");
    let refused = named(card.purchase(&mut terminal, day, [100, 0, 0]), 3);
    let unheard = named(card.purchase(&mut terminal, day, [100, 0, 0]), 9);
    let mut second = unheard.clone();
    second.journal_sequence += 1;
    let batch = terminal.seal(vec![refused, second]);
    assert_eq!(codes(&terminal.send(BATCHES, &batch).1), ["CARD_BLACKLISTED", "CARD_BLACKLISTED"]);
    assert_eq!(states(&centre), ["01 \"done\"", "03 \"not_done\""]);
    centre.ok("ma", &["blacklist", "remove", &identifier, "--reason", "found"]);
    let proof = centre.ok("ma", &["window", "show", "--date", &day.to_string()]);
    assert_eq!(proof["holds"], true, "{proof}");
}

#[test]
fn an_open_sale_keeps_its_part_of_the_limits_and_the_card_pays_no_more_than_the_ledger_says() {
    let (centre, mut terminal, mut card) = loaded();
    let (day, number) = (centre.today(), terminal.number.to_string());
    centre.ok("ma", &["terminal", "set", &number, "--card-day-count", "2", "--online", "online-required"]);
    let listed = centre.ok("ma", &["terminal", "list"]);
    assert_eq!(listed["terminals"][0]["limits"]["online"], "online-required");

    let beyond = asked(&centre, &terminal, &card, 1, [50_001, 0, 0]);
    assert_eq!(said(terminal.ask(SALES, beyond)), (422, "BALANCE_BEYOND_LEDGER".into()));
    let more = asked(&centre, &terminal, &card, 2, [200_001, 0, 0]);
    assert_eq!(said(terminal.ask(SALES, more)), (422, "LIMIT_EXCEEDED".into()));

    let first = asked(&centre, &terminal, &card, 3, [100, 0, 0]);
    assert_eq!(terminal.ask(SALES, first).0, 200);
    card.offline += 1;
    let second = asked(&centre, &terminal, &card, 4, [100, 0, 0]);
    assert_eq!(terminal.ask(SALES, second.clone()).0, 200);
    card.offline += 1;
    let third = asked(&centre, &terminal, &card, 5, [100, 0, 0]);
    assert_eq!(said(terminal.ask(SALES, third.clone())), (422, "LIMIT_EXCEEDED".into()), "two are open");
    assert_eq!(terminal.ask(OUTCOME, not_done(second)).0, 200);
    assert_eq!(terminal.ask(SALES, third).0, 200, "one was given up");
    card.offline -= 2;

    // Another amount than was asked for is nothing that the centre agreed to.
    let mut other = named(card.purchase(&mut terminal, day, [200, 0, 0]), 3);
    card.sign(&mut other);
    let batch = terminal.seal(vec![other]);
    assert_eq!(codes(&terminal.send(BATCHES, &batch).1), ["RECORD_CONTRADICTORY"]);
    let open = centre.ok("ma", &["terminal", "sales", "--open"]);
    assert_eq!(open["sales"].as_array().map(Vec::len), Some(2), "{open}");

    // A record after all: the card's own code weighs more than the terminal's word.
    let word = asked(&centre, &terminal, &card, 6, [300, 0, 0]);
    assert_eq!(terminal.ask(OUTCOME, not_done(word)).0, 200);
    let record = named(card.purchase(&mut terminal, day, [300, 0, 0]), 6);
    assert_eq!(record.transaction.total(), Ok(Fen::new(300)));
    let batch = terminal.seal(vec![record]);
    assert_eq!(terminal.send(BATCHES, &batch).1["accepted"], 1);
    assert!(states(&centre).contains(&"06 \"done\"".to_owned()));
}

#[test]
fn a_sale_whose_terminal_never_comes_back_is_closed_by_two_people_and_what_comes_after_all_is_held() {
    let (centre, mut terminal, mut card) = loaded();
    let day = centre.today();
    let id = SaleId([1; 16]).to_string();
    let ask = asked(&centre, &terminal, &card, 1, [1_234, 500, 700]);
    assert_eq!(terminal.ask(SALES, ask.clone()).0, 200);
    let unknown = centre.run("wu", &["sale", "approve", "99"]);
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("CLOSURE_UNKNOWN"), "{unknown:?}");
    let propose = ["sale", "propose", &id, "--reason", "the till burnt down"];
    assert_eq!(centre.run("wu", &propose).status.code(), Some(3), "the role is missing");
    assert_eq!(centre.run("ma", &["sale", "propose", &id, "--reason", " "]).status.code(), Some(1));
    let unknown = SaleId([2; 16]).to_string();
    assert_eq!(centre.run("ma", &["sale", "propose", &unknown, "--reason", "x"]).status.code(), Some(2));
    assert_eq!(centre.ok("ma", &propose)["state"], "proposed");
    assert_eq!(centre.run("ma", &propose).status.code(), Some(3), "once");
    centre.ok("ma", &["operator", "add", "both", "--role", "clearing", "--role", "approve"]);
    assert_eq!(centre.run("both", &["sale", "reject", "1"]).status.code(), Some(1), "no reason");
    assert_eq!(centre.run("both", &["sale", "reject", "1", "--reason", " "]).status.code(), Some(1));
    let told = centre.run("both", &["sale", "reject", "1", "--reason", "as 513301199001010013 asked"]);
    assert!(!told.status.success(), "{told:?}");
    let why = "the till may come back";
    assert_eq!(centre.ok("both", &["sale", "reject", "1", "--reason", why])["rejection"], why);
    assert_eq!(centre.ok("ma", &["sale", "list"])["closures"][0]["rejection"], why);
    assert!(centre.ask("UPDATE rejection SET rejected_why = 'x'").is_err(), "final");
    centre.ok("both", &propose);
    assert_eq!(centre.run("both", &["sale", "approve", "2"]).status.code(), Some(3), "its own");
    assert_eq!(centre.ok("wu", &["sale", "approve", "2"])["state"], "approved");
    assert_eq!(centre.run("wu", &["sale", "approve", "2"]).status.code(), Some(3), "once");
    assert_eq!(centre.ok("ma", &["sale", "list"])["closures"].as_array().map(Vec::len), Some(2));
    assert_eq!(centre.ok("ma", &["terminal", "sales", "--open"])["sales"], json!([]));
    assert_eq!(states(&centre), ["01 \"closed\""]);
    assert_eq!(centre.balance("card:"), 50_000, "nothing is posted");
    assert_eq!(said(terminal.ask(SALES, ask)), (409, "SALE_ALREADY_DECIDED".into()));

    // The card paid after all, and its terminal is found: held, decided by two, posted once.
    let record = named(card.purchase(&mut terminal, day, [1_234, 500, 700]), 1);
    let place = format!("{}/{}", terminal.number, record.journal_sequence);
    let batch = terminal.seal(vec![record]);
    assert_eq!(codes(&terminal.send(BATCHES, &batch).1), ["SALE_CLOSED"]);
    assert_eq!((states(&centre), centre.balance("card:")), (vec!["01 \"done\"".to_owned()], 50_000));
    centre.ok("ma", &["row", "propose", &place, "--post", "--reason", "the card's own code"]);
    centre.ok("wu", &["row", "approve", "1"]);
    assert_eq!((centre.balance("card:"), centre.balance("")), (50_000 - 1_234, 0));

    // Or it did not, and the terminal says so.
    let ask = asked(&centre, &terminal, &card, 3, [100, 0, 0]);
    assert_eq!(terminal.ask(SALES, ask.clone()).0, 200);
    centre.ok("ma", &["sale", "propose", &SaleId([3; 16]).to_string(), "--reason", "stolen"]);
    centre.ok("wu", &["sale", "approve", "3"]);
    assert_eq!(said(terminal.ask(OUTCOME, not_done(ask))), (200, "created".into()));
    assert_eq!(states(&centre), ["01 \"done\"", "03 \"not_done\""]);
    let proof = centre.ok("ma", &["window", "show", "--date", &day.to_string()]);
    assert_eq!(proof["holds"], true, "{proof}");
}

#[test]
fn a_sale_whose_record_two_people_posted_keeps_nothing_of_the_limits() {
    let (centre, mut terminal, mut card) = loaded();
    let ask = asked(&centre, &terminal, &card, 1, [100, 0, 0]);
    assert_eq!(terminal.ask(SALES, ask.clone()).0, 200);
    assert_eq!(terminal.ask(OUTCOME, not_done(ask)).0, 200);
    let mut word = named(card.purchase(&mut terminal, centre.today(), [100, 0, 0]), 1);
    word.evidence = settlement::record::Evidence::LogOnly;
    let place = format!("{}/{}", terminal.number, word.journal_sequence);
    let batch = terminal.seal(vec![word]);
    assert_eq!(codes(&terminal.send(BATCHES, &batch).1), ["TAC_MISSING"]);
    assert_eq!(states(&centre), ["01 \"not_done\""], "a word without the card's code against a word");
    centre.ok("ma", &["row", "propose", &place, "--post", "--reason", "log of the card"]);
    centre.ok("wu", &["row", "approve", "1"]);
    assert_eq!(states(&centre), ["01 \"done\""]);
    // A record that is not the card's leaves its sale open; two people who dismiss it end that too.
    let ask = asked(&centre, &terminal, &card, 2, [300, 0, 0]);
    assert_eq!(terminal.ask(SALES, ask).0, 200);
    let mut wrong = named(card.purchase(&mut terminal, centre.today(), [300, 0, 0]), 2);
    wrong.evidence = settlement::record::Evidence::Answered { tac: settlement::id::Tac([0; 4]), number: None };
    let place = format!("{}/{}", terminal.number, wrong.journal_sequence);
    let batch = terminal.seal(vec![wrong]);
    assert_eq!(codes(&terminal.send(BATCHES, &batch).1), ["TAC_WRONG"]);
    assert_eq!(states(&centre), ["01 \"done\"", "02 \"authorised\""]);
    centre.ok("ma", &["row", "propose", &place, "--dismiss", "--reason", "card read"]);
    centre.ok("wu", &["row", "approve", "2"]);
    assert_eq!(states(&centre), ["01 \"done\"", "02 \"not_done\""]);
}

#[test]
fn copies_of_a_card_pay_once_with_a_number_and_never_more_than_the_ledger_says_at_all_tills_together() {
    let (centre, mut first, mut card) = loaded();
    let mut second = centre.terminal(2);
    let day = centre.today();
    let ask = |terminal: &Terminal, card: &Card, id, fen| asked(&centre, terminal, card, id, [fen, 0, 0]);
    // The same number at two tills: the card does one of them, and they count once.
    let one = ask(&first, &card, 1, 30_000);
    let two = ask(&second, &card, 2, 30_000);
    assert_eq!(first.ask(SALES, one).0, 200);
    assert_eq!(second.ask(SALES, two).0, 200);
    let record = named(card.purchase(&mut second, day, [30_000, 0, 0]), 2);
    let batch = second.seal(vec![record]);
    assert_eq!(second.send(BATCHES, &batch).1["accepted"], 1);
    assert_eq!(states(&centre), ["01 \"not_done\"", "02 \"done\""], "the card's code says which");
    card.offline -= 1;
    let late = ask(&first, &card, 3, 100);
    assert_eq!(said(first.ask(SALES, late)), (422, "DUPLICATE_CARD_SEQUENCE".into()), "a letter that was held up");
    card.offline += 1;
    // What is open anywhere is not there any more: 200.00 are left, 150.00 are authorised.
    let open = ask(&first, &card, 4, 15_000);
    assert_eq!(first.ask(SALES, open.clone()).0, 200);
    card.offline += 1;
    let more = ask(&second, &card, 5, 5_001);
    assert_eq!(said(second.ask(SALES, more)), (422, "BALANCE_BEYOND_LEDGER".into()));
    let rest = ask(&second, &card, 6, 5_000);
    assert_eq!(second.ask(SALES, rest).0, 200);
    assert_eq!(first.ask(OUTCOME, not_done(open)).0, 200);
    let freed = ask(&second, &card, 7, 15_000);
    assert_eq!(second.ask(SALES, freed).0, 200, "what was not done is there again");
    let proof = centre.ok("ma", &["window", "show", "--date", &day.to_string()]);
    assert_eq!(proof["holds"], true, "{proof}");
}
