//! A word that people posted or returned is taken back wherever its money went: the number is free, and who has the money owes it.

use serde_json::{Value, json};
use settlement::id::SaleId;
use settlement::record::{Evidence, Transaction, TransactionRecord};

use crate::centre::{Card, Centre, LOADS, OUTCOME, PHARMACY, Terminal, load, loaded, outcome};
use crate::decisions::{CONTRADICTED, agreement, judged_and_real, open_text, proof, proved, shown, spoilt, upload};
use crate::refunds::{init_refund, refund};
use crate::sales::{SALES, asked};

const PAYABLE: &str = "institution:P51330100001:payable";

pub(crate) fn decided(centre: &Centre, place: &str, act: &str) {
    let number = centre.ok("ma", &["row", "propose", place, act, "--reason", "seen"])["number"].to_string();
    centre.ok("wu", &["row", "approve", &number]);
}

fn balances(centre: &Centre) -> [i64; 3] {
    ["card:", "pending:", PAYABLE].map(|account| centre.balance(account))
}

fn findings(agreed: &Value) -> Vec<&str> {
    let findings = agreed["findings"].as_array().expect("findings");
    findings.iter().map(|one| one["code"].as_str().expect("a code")).collect()
}

#[test]
fn what_was_returned_and_loaded_since_is_owed_by_its_holder_and_the_proved_sale_is_posted() {
    let (centre, mut terminal, mut card) = loaded();
    let [judged, mut real] = judged_and_real(&centre, &mut terminal, &mut card);
    let told = json!({ "version": 1, "terminal": terminal.number, "journal_sequence": judged.journal_sequence,
                       "hash": judged.hash() });
    let (word, _) = upload(&mut terminal, judged);
    decided(&centre, &word, "--return");
    assert_eq!(balances(&centre), [49_180, 820, 0]);
    load(&mut terminal, &mut card, 2, 820);
    real.journal_sequence = terminal.chain.next_record;
    let (sold, refused) = upload(&mut terminal, real);
    assert_eq!(refused, ["DUPLICATE_CARD_SEQUENCE"]);
    assert_eq!((card.balance, balances(&centre)), (50_320, [50_000, 0, 0]));
    // What is advised can be done, and explains the card.
    let agreed = agreement(&centre, &terminal, &card, (2, 1_320), 50_820, 0);
    assert_eq!(findings(&agreed), ["PURCHASE_NOT_POSTED", "PURCHASE_CONTRADICTED"], "{agreed}");
    decided(&centre, &word, "--take-back");
    assert_eq!(balances(&centre), [50_820, -820, 0], "the card has it, its holder owes it");
    decided(&centre, &sold, "--post");
    assert_eq!(balances(&centre), [50_320, -820, 500]);
    // The till counts it until the card is there again; the card is a good one all the same.
    let agreed = agreement(&centre, &terminal, &card, (2, 1_320), 50_820, 0);
    assert_eq!((findings(&agreed), &agreed["in_agreement"]), (vec![], &json!(true)), "{agreed}");
    assert_eq!(terminal.ask(CONTRADICTED, told).0, 200);
    assert_eq!(agreement(&centre, &terminal, &card, (1, 500), 50_820, 0)["in_agreement"], true);
    proof(&centre);
    // Nothing is loaded until the debt is covered.
    let body = card.init_load(&terminal, 3, 100);
    assert_eq!(terminal.ask(LOADS, body).1["code"], "LOAD_OWED");
    let mut quote = json!({ "version": 1, "terminal": terminal.number, "card_identifier": card.identifier });
    let (status, told) = terminal.ask("/terminal/v1/loads/quote", quote.clone());
    assert_eq!((status, &told["amount_fen"]), (200, &json!(0)), "a refund asks too: {told}");
    assert_eq!(told["owed_fen"], Value::Null, "what a till of before does not ask it cannot read: {told}");
    quote["to_load"] = json!(true);
    let (status, told) = terminal.ask("/terminal/v1/loads/quote", quote);
    assert_eq!((status, &told["amount_fen"], &told["owed_fen"]), (200, &json!(0), &json!(820)), "{told}");
    let owed = centre.ok("ma", &["account", "list", "--owed"]);
    assert_eq!((&owed["sum_fen"], &owed["debts"][0]["owed_fen"]), (&json!(820), &json!(820)), "{owed}");
    assert!(owed["debts"][0]["cards"].as_array().expect("cards").contains(&json!(card.identifier)), "{owed}");
    // What goes back goes onto the card, also of who owes.
    refund(&mut terminal, &mut card, 6, 2, [100, 0, 0]);
    assert_eq!((card.balance, balances(&centre)), (50_420, [50_420, -820, 400]));
    proof(&centre);
    let asked = centre.ok("ma", &["account", "allot", "--card", &card.identifier.to_string(), "--amount", "10"]);
    let approved = centre.ok("wu", &["account", "approve", &asked["request"].to_string()]);
    assert_eq!((&asked["covers_fen"], &approved["covers_fen"]), (&json!(820), &json!(820)), "{approved}");
    assert_eq!(centre.ok("ma", &["account", "list", "--owed"])["debts"], json!([]));
    let body = card.init_load(&terminal, 4, 181);
    assert_eq!(terminal.ask(LOADS, body).1["code"], "LOAD_AMOUNT_DIFFERS");
    load(&mut terminal, &mut card, 5, 180);
    assert_eq!(balances(&centre), [50_600, 0, 400]);
}

/// A till's word for a purchase that the card did not do, posted by two people.
pub(crate) fn posted_word(centre: &Centre, terminal: &mut Terminal, card: &mut Card) -> (String, Value) {
    decided_word(centre, terminal, card, "--post")
}

fn decided_word(centre: &Centre, terminal: &mut Terminal, card: &mut Card, act: &str) -> (String, Value) {
    let sold = card.purchase(terminal, centre.today(), [1_234, 500, 700]);
    (card.balance, card.offline) = (card.balance + 1_234, card.offline - 1);
    let record = TransactionRecord { evidence: Evidence::Judged, ..sold };
    let word = json!({ "version": 1, "terminal": terminal.number, "journal_sequence": record.journal_sequence,
                       "hash": record.hash() });
    let (place, refused) = upload(terminal, record);
    assert_eq!(refused, ["RECORD_JUDGED"]);
    decided(centre, &place, act);
    (place, word)
}

#[test]
fn what_was_refunded_of_a_sale_that_was_not_is_owed_by_its_holder_and_by_no_institution() {
    let (centre, mut terminal, mut card) = loaded();
    let (place, word) = posted_word(&centre, &mut terminal, &mut card);
    refund(&mut terminal, &mut card, 2, 1, [234, 100, 100]);
    let body = init_refund(&mut card, &terminal, 3, "refund", (&terminal, 1), [50, 0, 20]);
    let (status, answer) = terminal.ask(LOADS, body);
    assert_eq!(status, 200, "{answer}");
    assert_eq!(terminal.ask(CONTRADICTED, word).0, 200);
    decided(&centre, &place, "--take-back");
    assert_eq!(balances(&centre), [50_234, -234, 0]);
    assert_eq!((centre.balance("fund:pooled"), centre.balance("memo:")), (0, 0));
    // Another refund was under way, and reaches the card after all.
    let tac = card.credit(&terminal, 3, 50, &answer);
    assert_eq!(terminal.ask(OUTCOME, outcome(&terminal, 3, "credited", Some(tac), card.balance)).0, 200);
    assert_eq!((card.balance, balances(&centre)), (50_284, [50_284, -284, 0]));
    assert_eq!((centre.balance("fund:pooled"), centre.balance("memo:")), (0, 0));
    let date = centre.today().to_string();
    let statement = centre.ok("ma", &["statement", "--institution", PHARMACY, "--date", &date]);
    let told = ["recovered_fen", "payable_fen", "in_agreement"].map(|name| statement[name].clone());
    assert_eq!(told, [json!(404), json!(0), json!(true)], "{statement}");
    // Who reads it finds what was taken back above the sum, with its sign, its first day and why; a refund by the name on its paper.
    let text = statement_text(&centre, &date);
    let (line, sum) = (format!("taken back {place}"), "1 purchases less 1 taken back  personal account 0.00");
    let found = [
        &line,
        sum,
        "-12.34 -7.00",
        &format!("posted on {date} (decision 2: seen)"),
        "refund of 990000000001/00000001",
    ];
    let places = found.map(|part| text.find(part).unwrap_or_else(|| panic!("{part}: {text}")));
    assert!(places[0] < places[1], "{text}");
    assert_eq!(agreement(&centre, &terminal, &card, (0, 0), 50_000, 284)["in_agreement"], true);
    let totals = &proof(&centre)["totals"];
    let told = ["payable_fen", "recovered_fen", "taken_back", "taken_back_fen"].map(|name| totals[name].clone());
    assert_eq!(told, [json!(0), json!(404), json!(1), json!(1_934)], "{totals}");
    // A module that numbers purchases as the card does: the card's own sale has the same name, and is posted beside.
    let mut real = card.purchase(&mut terminal, centre.today(), [1_234, 500, 700]);
    let Transaction::Purchase { terminal_sequence, .. } = &mut real.transaction else { panic!("a purchase") };
    *terminal_sequence = 1;
    card.sign(&mut real);
    assert_eq!(upload(&mut terminal, real).1, Vec::<String>::new());
    assert_eq!((i64::from(card.balance), balances(&centre)), (49_050, [49_050, -284, 1_934]));
    proof(&centre);
}

/// What `row list --open` shows of the only record in it.
fn only_row(centre: &Centre) -> Value {
    let listed = centre.ok("ma", &["row", "list", "--open"]);
    let rows = listed["rows"].as_array().expect("rows");
    assert_eq!(rows.len(), 1, "{listed}");
    rows[0].clone()
}

fn refused(centre: &Centre, place: &str, act: &str) -> String {
    let refused = centre.run("ma", &["row", "propose", place, act, "--reason", "x"]);
    let text = String::from_utf8_lossy(&refused.stderr).into_owned();
    let error: Value = serde_json::from_str(text.lines().last().unwrap_or_default()).expect(&text);
    error["code"].as_str().expect("a code").to_owned()
}

/// The statement of the pharmacy as people read it.
fn statement_text(centre: &Centre, date: &str) -> String {
    shown(centre, &["statement", "--institution", PHARMACY, "--date", date])
}

#[test]
fn an_institution_is_told_what_people_decided_of_what_was_not_posted() {
    let (centre, mut terminal, mut card) = loaded();
    let date = centre.today().to_string();
    let (record, _) = spoilt(&centre, &mut terminal, &mut card);
    let (place, _) = upload(&mut terminal, record);
    let text = statement_text(&centre, &date);
    assert!(text.lines().any(|line| line.contains(&place) && line.ends_with("TAC_WRONG")), "{text}");
    centre.ok("ma", &["window", "explain", "--date", &date, "--difference", "1", "--reason", "asked"]);
    centre.ok("zhou", &["window", "close", "--date", &date]);
    decided(&centre, &place, "--return");
    let later = centre.today().to_string();
    for day in [&date, &later] {
        let text = statement_text(&centre, day);
        let said = format!("TAC_WRONG  → returned to the holder {later} (decision 1: seen)");
        assert!(text.lines().any(|line| line.contains(&place) && line.ends_with(&said)), "{text}");
    }
}

#[test]
fn a_code_that_the_card_tells_after_a_return_or_a_dismissal_opens_the_record_again() {
    for act in ["--return", "--dismiss"] {
        let (centre, mut terminal, mut card) = loaded();
        let day = centre.today().to_string();
        let (record, tac) = spoilt(&centre, &mut terminal, &mut card);
        let (place, codes) = upload(&mut terminal, record.clone());
        assert_eq!(codes, ["TAC_WRONG"]);
        decided(&centre, &place, act);
        assert_eq!(refused(&centre, &place, "--take-back"), "ROW_NOT_TAKEN_BACK", "nothing shows that it is wrong");
        let closed = centre.ok("zhou", &["window", "close", "--date", &day]);
        assert_eq!(closed["window"]["state"], "CLOSED", "{closed}");
        assert_eq!(proved(&mut terminal, &record, &tac).0, 200);
        let row = only_row(&centre);
        assert_eq!((&row["may_be_taken_back"], &row["is_proved_since"]), (&json!(true), &json!(true)), "{row}");
        let (text, advice) = (open_text(&centre), format!("issuer row propose {place} --take-back"));
        assert!(text.contains(&format!("the card told its code since: {advice}")), "{text}");
        assert_eq!(refused(&centre, &place, "--post"), "ROW_DECIDED", "first that is taken back");
        let agreed = agreement(&centre, &terminal, &card, (1, 820), 50_000, 0);
        let found: &[&str] = if act == "--return" { &[] } else { &["PURCHASE_NOT_POSTED"] };
        assert_eq!(findings(&agreed), found, "{agreed}");
        decided(&centre, &place, "--take-back");
        assert_eq!(balances(&centre), [50_000, 0, 0]);
        assert_eq!(only_row(&centre)["may_be_posted"], true);
        assert_eq!(refused(&centre, &place, "--take-back"), "ROW_DECIDED", "once");
        assert_eq!(refused(&centre, &place, "--dismiss"), "ROW_PROVED");
        let again =
            "INSERT INTO row_decision (number, row_terminal, row_record, act, reason, state, maker, made_at, again)
            SELECT 99, row_terminal, row_record, act, 'x', 'proposed', 'x', 'x', 2 FROM row_decision";
        assert!(centre.ask(again).is_err(), "nothing was taken back a second time");
        decided(&centre, &place, "--post");
        assert_eq!(balances(&centre), [49_180, 0, 820], "{act}");
        assert_eq!(refused(&centre, &place, "--take-back"), "ROW_NOT_TAKEN_BACK", "the card's code stands");
        assert_eq!(centre.ok("ma", &["row", "list", "--open"])["rows"], json!([]));
        assert_eq!(agreement(&centre, &terminal, &card, (1, 820), 50_000, 0)["in_agreement"], true);
        // The day of the first decision keeps its proof; this one has the sale.
        let before = centre.ok("ma", &["window", "show", "--date", &day]);
        assert_eq!((&before["content_hash"], &before["holds"]), (&closed["content_hash"], &json!(true)));
        assert_eq!(proof(&centre)["totals"]["purchased_fen"], json!(820));
        let today = centre.today().to_string();
        let statement = centre.ok("ma", &["statement", "--institution", PHARMACY, "--date", &today]);
        let told = ["purchases", "payable_fen", "in_agreement"].map(|name| statement[name].clone());
        assert_eq!(told, [json!(1), json!(820), json!(true)], "{statement}");
        refund(&mut terminal, &mut card, 2, 1, [820, 0, 0]);
        assert_eq!(balances(&centre), [50_000, 0, 0]);
        proof(&centre);
    }
}

#[test]
fn a_record_that_was_posted_taken_back_and_proved_is_posted_again_on_the_same_day() {
    let (centre, mut terminal, mut card) = loaded();
    let sold = card.purchase(&mut terminal, centre.today(), [820, 0, 30]);
    let tac = sold.evidence.tac().expect("a code");
    let record = TransactionRecord { evidence: Evidence::Judged, ..sold };
    let word = json!({ "version": 1, "terminal": terminal.number, "journal_sequence": record.journal_sequence,
                       "hash": record.hash() });
    let (place, codes) = upload(&mut terminal, record.clone());
    assert_eq!(codes, ["RECORD_JUDGED"]);
    decided(&centre, &place, "--post");
    refund(&mut terminal, &mut card, 2, 1, [20, 0, 0]);
    assert_eq!(terminal.ask(CONTRADICTED, word).0, 200);
    decided(&centre, &place, "--take-back");
    assert_eq!(centre.ok("ma", &["row", "list", "--open"])["rows"], json!([]), "it is over");
    assert_eq!(refused(&centre, &place, "--post"), "ROW_DECIDED");
    // The card did pay: its own code outweighs what the till said of it.
    assert_eq!(proved(&mut terminal, &record, &tac).0, 200);
    assert_eq!(only_row(&centre)["may_be_posted"], true);
    decided(&centre, &place, "--post");
    assert_eq!(balances(&centre), [49_200, -20, 850], "what was refunded of the first posting is owed by its holder");
    let today = centre.today().to_string();
    let statement = centre.ok("ma", &["statement", "--institution", PHARMACY, "--date", &today]);
    assert_eq!((&statement["payable_fen"], &statement["in_agreement"]), (&json!(850), &json!(true)), "{statement}");
    assert_eq!(proof(&centre)["totals"]["purchased_fen"], json!(820));
    assert_eq!(agreement(&centre, &terminal, &card, (1, 820), 50_000, 20)["in_agreement"], true);
}

#[test]
fn refunds_of_a_sale_that_was_taken_back_count_against_no_later_one_of_its_name() {
    let (centre, mut terminal, mut card) = loaded();
    let (place, word) = posted_word(&centre, &mut terminal, &mut card);
    refund(&mut terminal, &mut card, 2, 1, [234, 100, 100]);
    let body = init_refund(&mut card, &terminal, 3, "refund", (&terminal, 1), [50, 0, 20]);
    let (status, answer) = terminal.ask(LOADS, body);
    assert_eq!(status, 200, "{answer}");
    // The card has it; its terminal tells late.
    let tac = card.credit(&terminal, 3, 50, &answer);
    let told = outcome(&terminal, 3, "credited", Some(tac), card.balance);
    assert_eq!(terminal.ask(CONTRADICTED, word).0, 200);
    decided(&centre, &place, "--take-back");
    let mut real = card.purchase(&mut terminal, centre.today(), [1_234, 500, 700]);
    let Transaction::Purchase { terminal_sequence, .. } = &mut real.transaction else { panic!("a purchase") };
    *terminal_sequence = 1;
    card.sign(&mut real);
    assert_eq!(upload(&mut terminal, real).1, Vec::<String>::new());
    assert_eq!(balances(&centre), [49_000, -234, 1_934]);
    assert_eq!(terminal.ask(OUTCOME, told).0, 200);
    assert_eq!(balances(&centre), [49_050, -284, 1_934], "it was a refund of the sale that was not");
    assert_eq!((centre.balance("fund:pooled"), centre.balance("memo:")), (-700, -500));
    proof(&centre);
    refund(&mut terminal, &mut card, 4, 1, [1_234, 500, 700]);
    assert_eq!(balances(&centre), [50_284, -284, 0], "all of this one goes back");
    proof(&centre);
    let body = init_refund(&mut card, &terminal, 5, "refund", (&terminal, 1), [1, 0, 0]);
    assert_eq!(terminal.ask(LOADS, body).1["code"], "REFUND_TOO_MUCH");
}

#[test]
fn a_word_takes_nothing_of_a_card_that_has_not_done_it_and_a_sale_counts_once_until_it_is_taken_back() {
    for act in ["--post", "--return"] {
        let (centre, mut terminal, mut card) = loaded();
        let number = terminal.number.to_string();
        centre.ok("ma", &["terminal", "set", &number, "--card-day-count", "2"]);
        let sold = card.purchase(&mut terminal, centre.today(), [100, 0, 0]);
        assert_eq!(upload(&mut terminal, sold).1, Vec::<String>::new());
        let (word, _) = decided_word(&centre, &mut terminal, &mut card, act);
        // The card's next number is the word's: it has all its money, and one purchase of the two.
        let beyond = asked(&centre, &terminal, &card, 1, [49_901, 0, 0]);
        assert_eq!(terminal.ask(SALES, beyond).1["code"], "BALANCE_BEYOND_LEDGER");
        let ask = asked(&centre, &terminal, &card, 2, [49_000, 0, 0]);
        let (status, answer) = terminal.ask(SALES, ask);
        assert_eq!(status, 200, "{act} {answer}");
        let mut real = card.purchase(&mut terminal, centre.today(), [49_000, 0, 0]);
        if let Transaction::Purchase { sale_id, .. } = &mut real.transaction {
            *sale_id = Some(SaleId([2; 16]));
        }
        card.sign(&mut real);
        let (place, refused) = upload(&mut terminal, real);
        assert_eq!(refused, ["DUPLICATE_CARD_SEQUENCE"]);
        // The sale is deducted once, the word no more.
        let mut elsewhere = centre.terminal(2);
        let more = asked(&centre, &elsewhere, &card, 3, [901, 0, 0]);
        assert_eq!(elsewhere.ask(SALES, more).1["code"], "BALANCE_BEYOND_LEDGER");
        let rest = asked(&centre, &elsewhere, &card, 4, [900, 0, 0]);
        let (status, answer) = elsewhere.ask(SALES, rest);
        assert_eq!(status, 200, "{act} {answer}");
        let third = asked(&centre, &terminal, &card, 5, [1, 0, 0]);
        assert_eq!(terminal.ask(SALES, third).1["code"], "LIMIT_EXCEEDED", "two are done here");
        centre.ok("ma", &["terminal", "set", &number, "--card-day-count", "3"]);
        let third = asked(&centre, &terminal, &card, 6, [1, 0, 0]);
        assert_eq!(terminal.ask(SALES, third).0, 200, "and no third");
        decided(&centre, &word, "--take-back");
        decided(&centre, &place, "--post");
        assert_eq!(centre.balance("card:"), 900);
        let more = asked(&centre, &elsewhere, &card, 7, [901, 0, 0]);
        assert_eq!(elsewhere.ask(SALES, more).1["code"], "BALANCE_BEYOND_LEDGER");
        proof(&centre);
    }
}

#[test]
fn a_word_above_it_leaves_a_purchase_the_latest_one_of_its_card() {
    let (centre, mut terminal, mut card) = loaded();
    let sold = card.purchase(&mut terminal, centre.today(), [820, 0, 0]);
    assert_eq!(upload(&mut terminal, sold).1, Vec::<String>::new());
    posted_word(&centre, &mut terminal, &mut card);
    let body = init_refund(&mut card, &terminal, 2, "cancel", (&terminal, 1), [820, 0, 0]);
    let (status, answer) = terminal.ask(LOADS, body);
    assert_eq!(status, 200, "{answer}");
}

#[test]
fn what_the_cards_records_beside_it_show_is_not_dismissed_and_a_dismissal_before_them_is_taken_back() {
    for is_dismissed in [false, true] {
        let (centre, mut terminal, mut card) = loaded();
        let (record, _) = spoilt(&centre, &mut terminal, &mut card);
        let (place, codes) = upload(&mut terminal, record);
        assert_eq!(codes, ["TAC_WRONG"]);
        if is_dismissed {
            decided(&centre, &place, "--dismiss");
            assert_eq!(refused(&centre, &place, "--take-back"), "ROW_NOT_TAKEN_BACK", "nothing shows that it is wrong");
        }
        let mut elsewhere = centre.terminal_elsewhere(2);
        let next = card.purchase(&mut elsewhere, centre.today(), [100, 0, 0]);
        assert_eq!(upload(&mut elsewhere, next).1, Vec::<String>::new());
        if is_dismissed {
            let row = only_row(&centre);
            assert_eq!(row["may_be_taken_back"], true, "{row}");
            let advice = format!("show that it paid: issuer row propose {place} --take-back");
            assert!(open_text(&centre).contains(&advice), "{}", open_text(&centre));
            let day = centre.today().to_string();
            let cards =
                json!([{ "card_identifier": card.identifier, "balance_fen": card.balance, "card_sequence": 1 }]);
            let output =
                centre.run("ma", &["reconcile", "--date", &day, "--cards", &centre.write("cards.json", &cards)]);
            let agreed: Value = serde_json::from_slice(&output.stdout).expect("JSON");
            assert_eq!(findings(&agreed), ["JOURNALS_MISSING", "PURCHASE_NOT_POSTED"], "{agreed}");
            decided(&centre, &place, "--take-back");
        }
        assert_eq!(refused(&centre, &place, "--dismiss"), "ROW_PROVED");
        assert_eq!(only_row(&centre)["is_shown"], true);
        decided(&centre, &place, "--post");
        assert_eq!(balances(&centre), [49_080, 0, 820], "{is_dismissed}");
        assert_eq!(centre.ok("ma", &["row", "list", "--open"])["rows"], json!([]));
        proof(&centre);
    }
}
