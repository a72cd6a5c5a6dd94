//! A word that people posted or returned is taken back wherever its money went: the number is free, and who has the money owes it.

use serde_json::{Value, json};
use settlement::record::{Evidence, Transaction, TransactionRecord};

use crate::centre::{Card, Centre, LOADS, OUTCOME, PHARMACY, Terminal, load, loaded, outcome};
use crate::decisions::{CONTRADICTED, agreement, judged_and_real, proof, upload};
use crate::refunds::{init_refund, refund};

const PAYABLE: &str = "institution:P51330100001:payable";

fn decided(centre: &Centre, place: &str, act: &str) {
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
    assert_eq!(agreement(&centre, &terminal, &card, (1, 500), 50_820, 0)["in_agreement"], true);
    proof(&centre);
    // Nothing is loaded until the debt is covered.
    let body = card.init_load(&terminal, 3, 100);
    assert_eq!(terminal.ask(LOADS, body).1["code"], "LOAD_NOTHING_PENDING");
    centre.allot(1, "10");
    let body = card.init_load(&terminal, 4, 181);
    assert_eq!(terminal.ask(LOADS, body).1["code"], "LOAD_AMOUNT_DIFFERS");
    load(&mut terminal, &mut card, 5, 180);
    assert_eq!(balances(&centre), [50_500, 0, 500]);
}

/// A till's word for a purchase that the card did not do, posted by two people.
fn posted_word(centre: &Centre, terminal: &mut Terminal, card: &mut Card) -> (String, Value) {
    let sold = card.purchase(terminal, centre.today(), [1_234, 500, 700]);
    (card.balance, card.offline) = (card.balance + 1_234, card.offline - 1);
    let record = TransactionRecord { evidence: Evidence::Judged, ..sold };
    let word = json!({ "version": 1, "terminal": terminal.number, "journal_sequence": record.journal_sequence,
                       "hash": record.hash() });
    let (place, refused) = upload(terminal, record);
    assert_eq!(refused, ["RECORD_JUDGED"]);
    decided(centre, &place, "--post");
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
    assert_eq!(agreement(&centre, &terminal, &card, (0, 0), 50_000, 284)["in_agreement"], true);
    proof(&centre);
    // A module that numbers purchases as the card does: the card's own sale has the same name, and is posted beside.
    let mut real = card.purchase(&mut terminal, centre.today(), [1_234, 500, 700]);
    let Transaction::Purchase { terminal_sequence, .. } = &mut real.transaction else { panic!("a purchase") };
    *terminal_sequence = 1;
    card.sign(&mut real);
    assert_eq!(upload(&mut terminal, real).1, Vec::<String>::new());
    assert_eq!((i64::from(card.balance), balances(&centre)), (49_050, [49_050, -284, 1_934]));
    proof(&centre);
}
