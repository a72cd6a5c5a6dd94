//! Refunds and cancels at the centre: to the card that paid, by who sold, never more than was paid, posted once.

use serde_json::{Value, json};
use settlement::fen::Fen;
use settlement::id::LoadId;
use settlement::record::{Evidence, Transaction, TransactionRecord};
use settlement::refund::{Original, RefundAct};

use crate::centre::{
    BATCHES, Card, Centre, LOADS, OUTCOME, PHARMACY, Terminal, codes, load, loaded, outcome, renumber,
};

const ORIGINAL: &str = "/terminal/v1/refunds/original";

/// Body of `/loads` that gives back so much of a purchase to account, cash and pool.
pub(crate) fn init_refund(
    card: &mut Card,
    terminal: &Terminal,
    id: u8,
    act: &str,
    of: (&Terminal, u32),
    fen: [u32; 3],
) -> Value {
    let mut body = card.init_load(terminal, id, fen[0]);
    body["refund"] = json!({
        "original": { "terminal": of.0.number, "terminal_sequence": of.1 },
        "act": act,
        "self_paid_fen": fen[1],
        "pooled_fund_fen": fen[2],
    });
    body
}

/// A centre, its terminal, and a card that bought for 12.34 from the account, 5.00 in cash and 7.00 of the pool.
pub(crate) fn sold() -> (Centre, Terminal, Card, TransactionRecord) {
    let (centre, mut terminal, mut card) = loaded();
    let record = card.purchase(&mut terminal, centre.today(), [1_234, 500, 700]);
    let body = terminal.seal(vec![record.clone()]);
    assert_eq!(terminal.send(BATCHES, &body).1["accepted"], 1);
    (centre, terminal, card, record)
}

/// A refund that works: prepared, credited, reported.
pub(crate) fn refund(terminal: &mut Terminal, card: &mut Card, id: u8, original: u32, fen: [u32; 3]) {
    let body = init_refund(card, terminal, id, "refund", (terminal, original), fen);
    let (status, answer) = terminal.ask(LOADS, body);
    assert_eq!(status, 200, "{answer}");
    let tac = card.credit(terminal, id, fen[0], &answer);
    let body = outcome(terminal, id, "credited", Some(tac), card.balance);
    assert_eq!(terminal.ask(OUTCOME, body).0, 200);
}

fn refused(terminal: &mut Terminal, body: Value) -> (u16, String) {
    let (status, answer) = terminal.ask(LOADS, body);
    (status, answer["code"].as_str().unwrap_or_default().to_owned())
}

fn holds(centre: &Centre) -> Value {
    let proof = centre.ok("ma", &["window", "show", "--date", &centre.today().to_string()]);
    assert_eq!(proof["holds"], true, "{proof}");
    proof
}

#[test]
fn a_refund_goes_back_the_way_the_purchase_came_and_the_day_still_balances() {
    let (centre, mut terminal, mut card, _) = sold();
    refund(&mut terminal, &mut card, 9, 1, [200, 50, 100]);
    assert_eq!((card.balance, centre.balance("card:")), (50_000 - 1_234 + 200, 50_000 - 1_234 + 200));
    assert_eq!(centre.balance("institution:P51330100001:payable"), 1_234 + 700 - 300);
    assert_eq!(centre.balance("institution:P51330100001:self-paid"), 500 - 50);
    assert_eq!((centre.balance("fund:pooled"), centre.balance("")), (-700 + 100, 0));
    let proof = holds(&centre);
    assert_eq!((&proof["totals"]["refunded_fen"], &proof["totals"]["refunded_pooled_fen"]), (&json!(200), &json!(100)));
    let date = centre.today().to_string();
    let statement = centre.ok("ma", &["statement", "--institution", PHARMACY, "--date", &date]);
    assert_eq!((&statement["payable_fen"], &statement["in_agreement"]), (&json!(1_634), &json!(true)));
    assert_eq!((&statement["refunds"], &statement["refunded_self_paid_fen"]), (&json!(1), &json!(50)));
    let cards = centre.write(
        "cards.json",
        &json!([
            { "card_identifier": card.identifier, "balance_fen": card.balance, "card_sequence": 1 },
        ]),
    );
    let journal = centre.write(
        "journal.json",
        &json!({ "terminal": terminal.number, "cards": [
        { "card_identifier": card.identifier, "purchases": 1, "purchased_fen": 1_234, "loads": 1, "loaded_fen": 50_000,
          "refunds": 1, "refunded_fen": 200 },
    ] }),
    );
    let arguments = ["reconcile", "--date", &date, "--cards", &cards, "--journal", &journal];
    assert_eq!(centre.ok("ma", &arguments)["in_agreement"], true);
    // The record of the refund comes with the next batch, and changes nothing more.
    let listed = centre.ok("ma", &["load", "list"]);
    let known =
        listed["loads"].as_array().expect("a list").iter().find(|load| load["refund"].is_object()).expect("one");
    let mut record = record_of(&card, &terminal, known, 9, [200, 50, 100]);
    card.online -= 1;
    card.sign(&mut record);
    card.online += 1;
    let body = terminal.seal(vec![record]);
    let (status, answer) = terminal.send(BATCHES, &body);
    assert_eq!((status, &answer["accepted"], codes(&answer)), (200, &json!(1), vec![]), "{answer}");
    assert_eq!(centre.balance("card:"), 50_000 - 1_234 + 200, "once");
    holds(&centre);
}

fn record_of(card: &Card, terminal: &Terminal, load: &Value, id: u8, fen: [u32; 3]) -> TransactionRecord {
    let text = |field: &str| load[field].as_str().expect("text");
    TransactionRecord {
        journal_sequence: terminal.chain.next_record,
        terminal: terminal.number,
        card_identifier: card.identifier,
        card_factor: card.factor,
        card_sequence: u16::try_from(load["card_sequence"].as_u64().expect("a number")).expect("small"),
        transaction: Transaction::Refund {
            load_id: LoadId([id; 16]),
            original: Original { terminal: terminal.number, terminal_sequence: 1, card_sequence: None },
            act: RefundAct::Refund,
            personal_account_fen: Fen::from_card(fen[0]),
            self_paid_fen: Fen::from_card(fen[1]),
            pooled_fund_fen: Fen::from_card(fen[2]),
        },
        balance_after_fen: Fen::from_card(card.balance),
        date_time: settlement::DateTime::parse(text("date_time")).expect("real"),
        business_date: settlement::DateTime::parse(text("date_time")).expect("real").date(),
        key_version: 1,
        algorithm: 0,
        evidence: Evidence::LogOnly,
        judgement: None,
    }
}

#[test]
fn a_refund_whose_outcome_is_lost_is_posted_when_its_record_comes_and_one_that_lies_is_not() {
    let (centre, mut terminal, mut card, _) = sold();
    let body = init_refund(&mut card, &terminal, 9, "refund", (&terminal, 1), [200, 50, 100]);
    let (_, answer) = terminal.ask(LOADS, body);
    let tac = card.credit(&terminal, 9, 200, &answer);
    let known = centre.ok("ma", &["load", "list", "--open"])["loads"][0].clone();
    assert_eq!(known["refund"]["act"], "refund");
    let right = TransactionRecord {
        evidence: Evidence::Answered { tac, number: None },
        ..record_of(&card, &terminal, &known, 9, [200, 50, 100])
    };
    // The TAC covers the account's part alone: that the others are those that were prepared, the centre compares.
    for fen in [[200, 51, 100], [200, 50, 99]] {
        let lie = TransactionRecord {
            evidence: Evidence::Answered { tac, number: None },
            ..record_of(&card, &terminal, &known, 9, fen)
        };
        let lie = TransactionRecord { journal_sequence: terminal.chain.next_record, ..lie };
        let body = terminal.seal(vec![lie]);
        assert_eq!(codes(&terminal.send(BATCHES, &body).1), ["RECORD_CONTRADICTORY"]);
    }
    let as_load = Transaction::Load { load_id: LoadId([9; 16]), amount_fen: Fen::new(200) };
    let body = terminal.seal(vec![TransactionRecord {
        transaction: as_load,
        journal_sequence: terminal.chain.next_record,
        ..right.clone()
    }]);
    assert_eq!(codes(&terminal.send(BATCHES, &body).1), ["RECORD_CONTRADICTORY"]);
    assert_eq!(centre.balance("card:"), 50_000 - 1_234);
    let body = terminal.seal(vec![TransactionRecord { journal_sequence: terminal.chain.next_record, ..right }]);
    assert_eq!(terminal.send(BATCHES, &body).1["accepted"], 1);
    assert_eq!((centre.balance("card:"), centre.balance("fund:pooled")), (50_000 - 1_234 + 200, -600));
}

#[test]
fn never_more_than_was_paid_goes_back_also_while_another_refund_has_no_outcome() {
    let (centre, mut terminal, mut card, _) = sold();
    for fen in [[1_235, 0, 0], [0, 501, 0], [0, 0, 701], [0, 0, 0]] {
        let body = init_refund(&mut card, &terminal, 8, "refund", (&terminal, 1), fen);
        assert_eq!(refused(&mut terminal, body), (409, "REFUND_TOO_MUCH".to_owned()), "{fen:?}");
    }
    refund(&mut terminal, &mut card, 9, 1, [1_000, 500, 0]);
    let body = init_refund(&mut card, &terminal, 10, "refund", (&terminal, 1), [235, 0, 0]);
    assert_eq!(refused(&mut terminal, body).1, "REFUND_TOO_MUCH", "1.00 and 2.34 were left");
    let body = init_refund(&mut card, &terminal, 11, "refund", (&terminal, 1), [234, 0, 700]);
    assert_eq!(terminal.ask(LOADS, body).0, 200, "held");
    // The card never took it: what was held is free again.
    let nothing = outcome(&terminal, 11, "not_credited", None, card.balance);
    assert_eq!(terminal.ask(OUTCOME, nothing).0, 200);
    refund(&mut terminal, &mut card, 12, 1, [234, 0, 700]);
    assert_eq!((card.balance, centre.balance("card:"), centre.balance("fund:pooled")), (50_000, 50_000, 0));
    assert_eq!(centre.balance("institution:P51330100001:payable"), 0);
    holds(&centre);
}

#[test]
fn a_try_that_was_given_up_stays_so_however_late_its_letter_comes() {
    for (given_up, given) in [([2_000, 0, 0], [100, 0, 0]), ([1, 0, 0], [3_000, 0, 0])] {
        let (centre, mut terminal, mut card) = loaded();
        let record = card.purchase(&mut terminal, centre.today(), [3_280, 0, 0]);
        let body = terminal.seal(vec![record]);
        assert_eq!(terminal.send(BATCHES, &body).1["accepted"], 1);
        let late = init_refund(&mut card, &terminal, 8, "refund", (&terminal, 1), given_up);
        let nothing = outcome(&terminal, 8, "not_credited", None, card.balance);
        assert_eq!(terminal.ask(OUTCOME, nothing.clone()).1["status"], "created", "before its request came");
        assert_eq!(terminal.ask(OUTCOME, nothing).1["status"], "exists");
        let body = init_refund(&mut card, &terminal, 9, "refund", (&terminal, 1), given);
        let (status, answer) = terminal.ask(LOADS, body);
        assert_eq!(status, 200, "{answer}");
        assert_eq!(refused(&mut terminal, late.clone()), (409, "LOAD_ALREADY_DECIDED".to_owned()));
        let tac = card.credit(&terminal, 9, given[0], &answer);
        let body = outcome(&terminal, 9, "credited", Some(tac), card.balance);
        assert_eq!(terminal.ask(OUTCOME, body).0, 200);
        assert_eq!(refused(&mut terminal, late), (409, "LOAD_ALREADY_DECIDED".to_owned()));
        // What is left is the centre's to say, whatever the till's journal says.
        let again = init_refund(&mut card, &terminal, 10, "refund", (&terminal, 1), [3_281 - given[0], 0, 0]);
        assert_eq!(refused(&mut terminal, again).1, "REFUND_TOO_MUCH");
        refund(&mut terminal, &mut card, 11, 1, [3_280 - given[0], 0, 0]);
        assert_eq!((i64::from(card.balance), centre.balance("card:")), (50_000, 50_000));
        holds(&centre);
    }
}

#[test]
fn another_card_another_institution_and_an_unknown_purchase_get_nothing() {
    let (centre, mut terminal, mut card, record) = sold();
    let body = init_refund(&mut card, &terminal, 9, "refund", (&terminal, 77), [1, 0, 0]);
    assert_eq!(refused(&mut terminal, body), (404, "REFUND_ORIGINAL_UNKNOWN".to_owned()));
    centre.allot(2, "1");
    let mut other = centre.card(2);
    load(&mut terminal, &mut other, 2, 100);
    let body = init_refund(&mut other, &terminal, 9, "refund", (&terminal, 1), [1, 0, 0]);
    assert_eq!(refused(&mut terminal, body), (403, "REFUND_OTHER_CARD".to_owned()));
    let add = ["institution", "add", "P2", "--name", "另一药店", "--region", "513301", "--type", "pharmacy"];
    centre.ok("ma", &add);
    let mut elsewhere = centre.terminal(2);
    centre.ask("UPDATE terminal SET institution = 'P2' WHERE number = '990000000002'").expect("moved");
    let body = init_refund(&mut card, &elsewhere, 9, "refund", (&terminal, 1), [1, 0, 0]);
    assert_eq!(refused(&mut elsewhere, body), (403, "REFUND_ELSEWHERE".to_owned()));
    // A sale that was not posted gives nothing back.
    let mut wrong = card.purchase(&mut terminal, centre.today(), [1, 0, 0]);
    wrong.evidence = Evidence::Answered { tac: settlement::id::Tac([0; 4]), number: None };
    wrong.journal_sequence = terminal.chain.next_record;
    let body = terminal.seal(vec![wrong]);
    assert_eq!(codes(&terminal.send(BATCHES, &body).1), ["TAC_WRONG"]);
    let body = init_refund(&mut card, &terminal, 9, "refund", (&terminal, 2), [1, 0, 0]);
    assert_eq!(refused(&mut terminal, body).1, "REFUND_ORIGINAL_UNKNOWN");
    // When two people decided that the card did not pay it, it gives nothing back for good.
    let rows = centre.ok("ma", &["row", "list", "--open"]);
    let place = format!("{}/{}", terminal.number, rows["rows"][0]["journal_sequence"]);
    centre.ok("ma", &["row", "propose", &place, "--dismiss", "--reason", "a wrong code"]);
    centre.ok("wu", &["row", "approve", "1"]);
    let body = init_refund(&mut card, &terminal, 9, "refund", (&terminal, 2), [1, 0, 0]);
    assert_eq!(refused(&mut terminal, body), (404, "REFUND_ORIGINAL_VOID".to_owned()));
    // A wrong MAC1: nobody with a right card stands there.
    let mut forged = init_refund(&mut card, &terminal, 9, "refund", (&terminal, 1), [1, 0, 0]);
    forged["mac1"] = json!("00000000");
    assert_eq!(refused(&mut terminal, forged).1, "MAC1_WRONG");
    let mut raised = init_refund(&mut card, &terminal, 9, "refund", (&terminal, 1), [1, 0, 0]);
    raised["amount_fen"] = json!(1_000);
    assert_eq!(refused(&mut terminal, raised).1, "MAC1_WRONG", "the card says how much it is loaded with");
    assert_eq!(record.card_sequence, 0);
    assert_eq!(centre.ok("ma", &["load", "list", "--open"])["loads"], json!([]));
}

#[test]
fn only_the_latest_purchase_of_the_day_is_cancelled_whole_and_on_another_day_it_is_refunded() {
    let (centre, mut terminal, mut card, _) = sold();
    let whole = [1_234, 500, 700];
    let body = init_refund(&mut card, &terminal, 8, "cancel", (&terminal, 1), [1_233, 500, 700]);
    assert_eq!(refused(&mut terminal, body), (409, "CANCEL_TOO_LATE".to_owned()), "not a part");
    let later = card.purchase(&mut terminal, centre.today(), [100, 0, 0]);
    let body = terminal.seal(vec![later]);
    assert_eq!(terminal.send(BATCHES, &body).1["accepted"], 1);
    let body = init_refund(&mut card, &terminal, 8, "cancel", (&terminal, 1), whole);
    assert_eq!(refused(&mut terminal, body).1, "CANCEL_TOO_LATE", "the card bought since");
    let body = init_refund(&mut card, &terminal, 8, "cancel", (&terminal, 2), [100, 0, 0]);
    let (status, answer) = terminal.ask(LOADS, body);
    assert_eq!(status, 200, "{answer}");
    let tac = card.credit(&terminal, 8, 100, &answer);
    let body = outcome(&terminal, 8, "credited", Some(tac), card.balance);
    assert_eq!(terminal.ask(OUTCOME, body).0, 200);
    let body = init_refund(&mut card, &terminal, 9, "cancel", (&terminal, 2), [100, 0, 0]);
    assert_eq!(refused(&mut terminal, body).1, "CANCEL_TOO_LATE", "once");
    let date = centre.today().to_string();
    centre.ok("zhou", &["window", "close", "--date", &date]);
    let before = centre.ok("ma", &["window", "show", "--date", &date]);
    let body = init_refund(&mut card, &terminal, 9, "cancel", (&terminal, 1), whole);
    assert_eq!(refused(&mut terminal, body).1, "CANCEL_TOO_LATE", "its day is over");
    refund(&mut terminal, &mut card, 9, 1, whole);
    assert_eq!((card.balance, centre.balance("card:"), centre.balance("fund:pooled")), (50_000, 50_000, 0));
    let after = centre.ok("ma", &["window", "show", "--date", &date]);
    assert_eq!((before["content_hash"].clone(), &after["holds"]), (after["content_hash"].clone(), &json!(true)));
    assert_eq!(holds(&centre)["totals"]["refunded_fen"], 1_234, "it counts on the day on which it went back");
}

#[test]
fn two_cards_with_the_same_number_of_one_terminal_are_two_purchases_and_each_gets_its_own_back() {
    let (centre, mut terminal, mut card, _) = sold();
    centre.allot(2, "500");
    let mut other = centre.card(2);
    load(&mut terminal, &mut other, 2, 50_000);
    // A security module elsewhere numbers a purchase as the card does: both cards stand at the same number.
    let mut same = other.purchase(&mut terminal, centre.today(), [800, 0, 200]);
    if let Transaction::Purchase { terminal_sequence, .. } = &mut same.transaction {
        *terminal_sequence = 1;
    }
    other.sign(&mut same);
    let body = terminal.seal(vec![same.clone()]);
    let (status, answer) = terminal.send(BATCHES, &body);
    assert_eq!((status, &answer["accepted"]), (200, &json!(1)), "{answer}");
    assert_eq!(centre.balance("card:"), 50_000 - 1_234 + 50_000 - 800);
    holds(&centre);
    let again = TransactionRecord { journal_sequence: terminal.chain.next_record, ..same };
    let body = terminal.seal(vec![again]);
    assert_eq!(codes(&terminal.send(BATCHES, &body).1), ["DUPLICATE_TERMINAL_SEQUENCE"], "of the same card once");
    refund(&mut terminal, &mut other, 20, 1, [800, 0, 200]);
    refund(&mut terminal, &mut card, 21, 1, [1_234, 500, 700]);
    assert_eq!((i64::from(card.balance), i64::from(other.balance)), (50_000, 50_000));
    assert_eq!((centre.balance("card:"), centre.balance("institution:P51330100001:payable")), (100_000, 0));
    let more = init_refund(&mut other, &terminal, 22, "refund", (&terminal, 1), [1, 0, 0]);
    assert_eq!(refused(&mut terminal, more).1, "REFUND_TOO_MUCH");
    holds(&centre);
}

#[test]
fn another_till_of_the_institution_learns_what_is_left_of_a_purchase_and_nobody_else() {
    let (centre, mut terminal, mut card, _) = sold();
    let mut beside = centre.terminal(2);
    let original = json!({ "terminal": terminal.number, "terminal_sequence": 1 });
    let question = |terminal: &Terminal, card: &Card, original: &Value| json!({ "version": 1, "terminal": terminal.number, "original": original, "card_identifier": card.identifier });
    let told = |terminal: &mut Terminal, card: &Card| {
        let body = question(terminal, card, &original);
        terminal.ask(ORIGINAL, body)
    };
    let parts =
        |fen: [u32; 3]| json!({ "personal_account_fen": fen[0], "self_paid_fen": fen[1], "pooled_fund_fen": fen[2] });
    let (status, answer) = told(&mut beside, &card);
    assert_eq!((status, &answer["paid"], &answer["left"]), (200, &parts([1_234, 500, 700]), &parts([1_234, 500, 700])));

    // What the selling till is giving back is held: the other one may have the rest, and not more.
    let body = init_refund(&mut card, &terminal, 9, "refund", (&terminal, 1), [1_000, 0, 0]);
    assert_eq!(terminal.ask(LOADS, body).0, 200);
    assert_eq!(told(&mut beside, &card).1["left"], parts([234, 500, 700]));
    let more = init_refund(&mut card, &beside, 10, "refund", (&terminal, 1), [235, 0, 0]);
    assert_eq!(refused(&mut beside, more).0, 409);

    centre.allot(2, "1");
    let mut other = centre.card(2);
    load(&mut terminal, &mut other, 2, 100);
    assert_eq!(told(&mut beside, &other).1["code"], "REFUND_OTHER_CARD");
    let unknown = question(&beside, &card, &json!({ "terminal": terminal.number, "terminal_sequence": 77 }));
    assert_eq!(beside.ask(ORIGINAL, unknown).1["code"], "REFUND_ORIGINAL_UNKNOWN");
    let add = ["institution", "add", "P2", "--name", "另一药店", "--region", "513301", "--type", "pharmacy"];
    centre.ok("ma", &add);
    centre.ask("UPDATE terminal SET institution = 'P2' WHERE number = '990000000002'").expect("moved");
    assert_eq!(told(&mut beside, &card).1["code"], "REFUND_ELSEWHERE");
}

#[test]
fn a_till_is_told_of_refunds_at_other_tills_until_they_are_settled_and_of_its_own_never() {
    let (centre, mut terminal, mut card, record) = sold();
    let mut beside = centre.terminal(2);
    let told = |terminal: &mut Terminal, more: Value| {
        let mut body = json!({ "version": 1, "terminal": terminal.number });
        body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        let (status, answer) = terminal.ask("/terminal/v1/refunds/elsewhere", body);
        assert_eq!(status, 200, "{answer}");
        assert_eq!((&answer["through"], &answer["more"]), (&json!(centre.today()), &json!(false)));
        answer["refunds"].as_array().expect("a list").clone()
    };
    let of = |id: u8, fen: [u32; 3], standing: &str| {
        json!({
            "load_id": LoadId([id; 16]),
            "original": { "terminal": terminal.number, "terminal_sequence": 1, "card_sequence": record.card_sequence },
            "card_identifier": card.identifier,
            "act": "refund",
            "parts": { "personal_account_fen": fen[0], "self_paid_fen": fen[1], "pooled_fund_fen": fen[2] },
            "standing": standing,
        })
    };
    let (prepared, credited) = (of(9, [200, 50, 100], "prepared"), of(9, [200, 50, 100], "credited"));
    let (last, none) = (of(11, [34, 0, 0], "prepared"), of(11, [34, 0, 0], "not_credited"));
    assert!(told(&mut terminal, json!({})).is_empty());

    let body = init_refund(&mut card, &beside, 9, "refund", (&terminal, 1), [200, 50, 100]);
    let (status, answer) = beside.ask(LOADS, body);
    assert_eq!(status, 200, "{answer}");
    // Without an outcome it is told whatever day is named.
    let tomorrow = json!({ "since": "2199-01-01" });
    assert_eq!(told(&mut terminal, tomorrow), std::slice::from_ref(&prepared));
    let tac = card.credit(&beside, 9, 200, &answer);
    let body = outcome(&beside, 9, "credited", Some(tac), card.balance);
    assert_eq!(beside.ask(OUTCOME, body).0, 200);
    let today = json!({ "since": centre.today() });
    assert_eq!(told(&mut terminal, today.clone()), std::slice::from_ref(&credited));
    assert_eq!(told(&mut beside, json!({})), Vec::<Value>::new(), "it sold nothing");

    // Its own refund it has in its journal; one that the card refused is told as that.
    refund(&mut terminal, &mut card, 10, 1, [1_000, 0, 0]);
    let body = init_refund(&mut card, &beside, 11, "refund", (&terminal, 1), [34, 0, 0]);
    assert_eq!(beside.ask(LOADS, body).0, 200);
    assert_eq!(told(&mut terminal, json!({})), [credited.clone(), last]);
    let body = outcome(&beside, 11, "not_credited", None, card.balance);
    assert_eq!(beside.ask(OUTCOME, body).0, 200);
    assert_eq!(told(&mut terminal, today), [credited, none.clone()]);
    assert_eq!(told(&mut terminal, json!({ "after": LoadId([9; 16]) })), [none]);
}

#[test]
fn what_went_back_whole_is_no_purchase_of_the_day_at_the_centre_either() {
    let (centre, mut terminal, mut card, _) = sold();
    let buy = |terminal: &mut Terminal, card: &mut Card, count: usize| {
        let mut records: Vec<_> = (0..count).map(|_| card.purchase(terminal, centre.today(), [1, 0, 0])).collect();
        renumber(&mut records, terminal);
        let body = terminal.seal(records);
        codes(&terminal.send(BATCHES, &body).1)
    };
    // With the one before 50 of the day, which is the limit.
    assert!(buy(&mut terminal, &mut card, 49).is_empty());
    refund(&mut terminal, &mut card, 9, 1, [1_234, 500, 699]);
    assert_eq!(buy(&mut terminal, &mut card, 1), ["LIMIT_EXCEEDED"], "a part of it stands");
    refund(&mut terminal, &mut card, 10, 1, [0, 0, 1]);
    assert!(buy(&mut terminal, &mut card, 1).is_empty(), "49 stand");
    assert_eq!(buy(&mut terminal, &mut card, 1), ["LIMIT_EXCEEDED"]);
}
