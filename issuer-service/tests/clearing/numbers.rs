//! A card's number is shown by its MAC2: no till says it alone.

use serde_json::json;
use settlement::record::{CardsCode, Evidence, TransactionRecord};

use crate::centre::{Card, Centre, LOADS, OUTCOME, Terminal, loaded, outcome};
use crate::decisions::{CONTRADICTED, PROVED, judged_and_real, proof, upload};
use crate::receipts::code;
use crate::refunds::init_refund;
use crate::sales;

/// The record as a terminal of before sends it.
pub(crate) fn of_before(mut record: TransactionRecord) -> TransactionRecord {
    let tac = record.evidence.tac().expect("a code");
    record.evidence = Evidence::Answered { tac, number: None };
    record
}

/// What a till that asks is answered for the card's next purchase with this number.
fn answered(centre: &Centre, terminal: &mut Terminal, card: &Card, number: u16, id: u8) -> u16 {
    let mut question = sales::asked(centre, terminal, card, id, [100, 0, 0]);
    question["sale"]["card_sequence"] = json!(number);
    let (status, _) = terminal.ask(sales::SALES, question.clone());
    if status == 200 {
        assert_eq!(terminal.ask(sales::OUTCOME, sales::not_done(question)).0, 200);
    }
    status
}

fn posted(centre: &Centre, place: &str) {
    let proposed = centre.ok("ma", &["row", "propose", place, "--post", "--reason", "the card paid"]);
    centre.ok("wu", &["row", "approve", &proposed["number"].to_string()]);
}

#[test]
fn a_till_that_changes_the_number_of_a_genuine_record_shuts_the_card_out_of_nothing() {
    for is_stripped in [false, true] {
        let (centre, mut terminal, mut card) = loaded();
        let mut elsewhere = centre.terminal_elsewhere(2);
        let genuine = card.purchase(&mut terminal, centre.today(), [820, 0, 0]);
        let forged = TransactionRecord { card_sequence: 65_534, ..genuine };
        if is_stripped {
            // The card did pay, and its record owns no number.
            assert_eq!(upload(&mut terminal, of_before(forged)).1, [""; 0]);
        } else {
            let (place, refused) = upload(&mut terminal, forged);
            assert_eq!(refused, ["MAC2_WRONG"]);
            assert_eq!(centre.balance("card:"), 50_000, "nothing is posted");
            assert_eq!(answered(&centre, &mut elsewhere, &card, card.offline, 1), 200);
            let dismiss = centre.run("ma", &["row", "propose", &place, "--dismiss", "--reason", "x"]);
            assert!(String::from_utf8_lossy(&dismiss.stderr).contains("ROW_PROVED"), "{dismiss:?}");
            posted(&centre, &place);
        }
        assert_eq!(centre.balance("card:"), 50_000 - 820);
        assert_eq!(answered(&centre, &mut elsewhere, &card, card.offline, 2), 200, "stripped {is_stripped}");
        let mut next = card.purchase(&mut elsewhere, centre.today(), [100, 0, 0]);
        next.card_sequence = 65_534;
        card.sign(&mut next);
        assert_eq!(upload(&mut elsewhere, next).1, [""; 0], "the card itself gave it");
        assert_eq!(answered(&centre, &mut elsewhere, &card, card.offline, 3), 422, "what the card showed counts");
        proof(&centre);
    }
}

#[test]
fn a_number_that_nothing_shows_is_taken_from_no_record_that_shows_it() {
    let (centre, mut terminal, mut card) = loaded();
    let mut elsewhere = centre.terminal_elsewhere(2);
    let first = card.purchase(&mut terminal, centre.today(), [100, 0, 0]);
    assert_eq!(upload(&mut terminal, first).1, [""; 0]);
    let theirs = card.purchase(&mut elsewhere, centre.today(), [200, 0, 0]);
    let ours = card.purchase(&mut terminal, centre.today(), [300, 0, 0]);
    // The till says the other pharmacy's number; it follows the first one, so it is posted.
    let ours = of_before(TransactionRecord { card_sequence: theirs.card_sequence, ..ours });
    assert_eq!(upload(&mut terminal, ours.clone()).1, [""; 0]);
    assert_eq!(upload(&mut elsewhere, theirs).1, [""; 0], "and keeps nobody from the number");
    assert_eq!(centre.balance("card:"), 50_000 - 600);
    let again = TransactionRecord { journal_sequence: ours.journal_sequence + 1, ..ours };
    assert_eq!(upload(&mut terminal, again).1, ["DUPLICATE_TERMINAL_SEQUENCE"], "one payment is one payment");
    let third = card.purchase(&mut terminal, centre.today(), [400, 0, 0]);
    let third = of_before(TransactionRecord { card_sequence: 0, ..third });
    assert_eq!(upload(&mut terminal, third).1, ["DUPLICATE_CARD_SEQUENCE"]);
    proof(&centre);
}

#[test]
fn a_word_is_called_wrong_by_a_number_that_the_card_shows_and_taken_back_for_one_that_a_till_says() {
    for is_told in [false, true] {
        let (centre, mut terminal, mut card) = loaded();
        let [judged, mut real] = judged_and_real(&centre, &mut terminal, &mut card);
        let (word, _) = upload(&mut terminal, judged);
        posted(&centre, &word);
        real.journal_sequence = terminal.chain.next_record;
        let (sold, refused) = upload(&mut terminal, of_before(real.clone()));
        assert_eq!(refused, ["DUPLICATE_CARD_SEQUENCE"]);
        let post = centre.run("ma", &["row", "propose", &sold, "--post", "--reason", "x"]);
        assert!(String::from_utf8_lossy(&post.stderr).contains("ROW_UNPOSTABLE"), "not both: {post:?}");
        if is_told {
            // The card tells its codes at its next tap: now its number is shown.
            let told = |number| {
                json!({ "version": 1, "terminal": real.terminal, "record": of_before(real.clone()),
                    "tac": real.evidence.tac(), "number": number })
            };
            let shown = card.number(&real);
            let mut wrong = shown;
            wrong.mac2.0[0] ^= 1;
            assert_eq!(terminal.ask(PROVED, told(Some(wrong))).1["code"], "MAC2_WRONG");
            let (status, answer) = terminal.ask(PROVED, told(Some(shown)));
            assert_eq!((status, &answer["status"]), (200, &json!("created")), "{answer}");
            let code = CardsCode { tac: real.evidence.tac().expect("a code"), number: Some(shown) };
            assert_eq!(real.evidence.code(), Some(code));
        }
        let proposed = centre.ok("ma", &["row", "propose", &word, "--take-back", "--reason", "the card shows it"]);
        centre.ok("wu", &["row", "approve", &proposed["number"].to_string()]);
        posted(&centre, &sold);
        proof(&centre);
    }
}

#[test]
fn records_of_before_are_posted_whatever_became_of_the_number_before_theirs() {
    let (centre, mut terminal, mut card) = loaded();
    let mut elsewhere = centre.terminal_elsewhere(2);
    let late = card.purchase(&mut elsewhere, centre.today(), [100, 0, 0]);
    for fen in [200, 300] {
        let sold = card.purchase(&mut terminal, centre.today(), [fen, 0, 0]);
        assert_eq!(upload(&mut terminal, of_before(sold)).1, [""; 0]);
    }
    assert_eq!(upload(&mut elsewhere, late).1, [""; 0]);
    assert_eq!(centre.balance("card:"), 50_000 - 600);
    proof(&centre);
}

#[test]
fn a_word_that_its_card_contradicted_takes_nothing_of_what_the_card_may_hold() {
    let (centre, mut terminal, mut card) = loaded();
    let mut elsewhere = centre.terminal_elsewhere(2);
    let [judged, mut real] = judged_and_real(&centre, &mut terminal, &mut card);
    let told = json!({ "version": 1, "terminal": terminal.number, "journal_sequence": judged.journal_sequence,
                       "hash": judged.hash() });
    let (word, _) = upload(&mut terminal, judged);
    posted(&centre, &word);
    // Only a record that shows no number has the word's: nothing but the card's own terminal says that the word is wrong.
    real.journal_sequence = terminal.chain.next_record;
    assert_eq!(upload(&mut terminal, of_before(real)).1, ["DUPLICATE_CARD_SEQUENCE"]);
    let question = sales::asked(&centre, &elsewhere, &card, 1, [49_400, 0, 0]);
    assert_eq!(elsewhere.ask(sales::SALES, question.clone()).1["code"], "BALANCE_BEYOND_LEDGER");
    assert_eq!(terminal.ask(CONTRADICTED, told).0, 200);
    let (status, answer) = elsewhere.ask(sales::SALES, question);
    assert_eq!(status, 200, "{answer}");
}

/// Gives so much of a purchase with terminal sequence 1 back, named with the card's number or without.
fn give_back(terminal: &mut Terminal, card: &mut Card, id: u8, of: Option<u16>, fen: u32) -> String {
    let mut body = init_refund(card, terminal, id, "refund", (terminal, 1), [fen, 0, 0]);
    if let Some(number) = of {
        body["refund"]["original"]["card_sequence"] = json!(number);
    }
    let (status, answer) = terminal.ask(LOADS, body);
    if status != 200 {
        return answer["code"].as_str().expect("a code").to_owned();
    }
    let tac = card.credit(terminal, id, fen, &answer);
    let body = outcome(terminal, id, "credited", Some(tac), card.balance);
    assert_eq!(terminal.ask(OUTCOME, body).0, 200);
    String::new()
}

fn told_of(centre: &Centre, terminal: &Terminal, record: &TransactionRecord) -> (String, i64) {
    // It ends with 7 where anything went back.
    let ran = centre.run("ma", &["receipt", "check", &code(record, &terminal.key).text()]);
    let verdict: serde_json::Value = serde_json::from_slice(&ran.stdout).expect("JSON");
    let left = &verdict["remaining"]["total_fen"];
    (verdict["sale"].as_str().expect("a word").to_owned(), left.as_i64().unwrap_or(-1))
}

/// One by the terminal's own module, one by a module elsewhere that numbers purchases as the card does.
fn sold_twice(centre: &Centre, terminal: &mut Terminal, card: &mut Card) -> [TransactionRecord; 2] {
    let own = card.purchase(terminal, centre.today(), [100, 0, 0]);
    assert_eq!(upload(terminal, own.clone()).1, [""; 0]);
    terminal.psam -= 1;
    let other = card.purchase(terminal, centre.today(), [3_000, 0, 0]);
    assert_ne!(own.card_sequence, other.card_sequence);
    [own, other]
}

#[test]
fn two_purchases_of_one_terminal_sequence_are_paid_where_the_card_shows_two_numbers_and_each_gives_back_its_own() {
    let (centre, mut terminal, mut card) = loaded();
    let [own, other] = sold_twice(&centre, &mut terminal, &mut card);
    assert_eq!(upload(&mut terminal, other.clone()).1, [""; 0], "the card paid it");
    assert_eq!(centre.balance("card:"), 50_000 - 3_100);
    let again = TransactionRecord { journal_sequence: terminal.chain.next_record, ..other.clone() };
    assert_eq!(upload(&mut terminal, again).1, ["DUPLICATE_TERMINAL_SEQUENCE"], "one payment is one payment");

    assert_eq!(give_back(&mut terminal, &mut card, 8, None, 50), "REFUND_ORIGINAL_AMBIGUOUS");
    assert_eq!(give_back(&mut terminal, &mut card, 8, Some(own.card_sequence), 101), "REFUND_TOO_MUCH");
    assert_eq!(give_back(&mut terminal, &mut card, 8, Some(9), 1), "REFUND_ORIGINAL_UNKNOWN");
    assert_eq!(give_back(&mut terminal, &mut card, 8, Some(other.card_sequence), 2_000), "");
    assert_eq!(give_back(&mut terminal, &mut card, 9, Some(own.card_sequence), 100), "");
    assert_eq!(told_of(&centre, &terminal, &own), ("refunded".to_owned(), 0));
    assert_eq!(told_of(&centre, &terminal, &other), ("partly-refunded".to_owned(), 1_000));
    centre.ok("local", &["operator", "add", "ka", "--role", "counter"]);
    for sold in [&own, &other] {
        let about = [
            "--terminal",
            &sold.terminal.to_string(),
            "--sequence",
            "1",
            "--card-sequence",
            &sold.card_sequence.to_string(),
        ];
        let add = ["ticket", "add", "--kind", "complaint", "--subject", "transaction"];
        let added = centre.told("ka", &[add.as_slice(), about.as_slice()].concat(), "多收");
        assert_eq!(added.status.code(), Some(0), "{}", String::from_utf8_lossy(&added.stderr));
        let listed = centre.ok("ka", &["ticket", "list"]);
        let ticket = listed["tickets"].as_array().and_then(|all| all.last()).cloned().unwrap_or_default();
        let shown = centre.ok("ka", &["ticket", "show", &ticket["number"].to_string()]);
        let split = settlement::fen::Fen::new(if sold == &own { 100 } else { 3_000 });
        assert_eq!(shown["purchase"]["personal_account_fen"], json!(split), "each its own: {shown}");
    }
    assert_eq!((card.balance, centre.balance("card:")), (50_000 - 1_000, 50_000 - 1_000));
    proof(&centre);
}

#[test]
fn a_till_is_told_which_of_two_purchases_another_till_gave_back_also_where_its_clerk_did_not_say() {
    let (centre, mut terminal, mut card) = loaded();
    let [own, other] = sold_twice(&centre, &mut terminal, &mut card);
    let mut beside = centre.terminal(2);
    let body = init_refund(&mut card, &beside, 8, "refund", (&terminal, 1), [50, 0, 0]);
    assert_eq!(beside.ask(LOADS, body).0, 200, "one purchase is known");
    assert_eq!(upload(&mut terminal, other).1, [""; 0], "now there are two");
    let question = json!({ "version": 1, "terminal": terminal.number });
    let (status, answer) = terminal.ask("/terminal/v1/refunds/elsewhere", question);
    assert_eq!(status, 200, "{answer}");
    let meant = json!({ "terminal": terminal.number, "terminal_sequence": 1, "card_sequence": own.card_sequence });
    assert_eq!(answer["refunds"][0]["original"], meant);
}

#[test]
fn what_the_codes_do_not_show_to_be_two_waits_until_the_card_shows_it_and_is_told_so() {
    let (centre, mut terminal, mut card) = loaded();
    let [own, mut other] = sold_twice(&centre, &mut terminal, &mut card);
    let (place, refused) = upload(&mut terminal, of_before(other.clone()));
    assert_eq!(refused, ["DUPLICATE_TERMINAL_SEQUENCE"]);
    let listed = centre.ok("ma", &["row", "list", "--open"])["rows"][0].clone();
    assert_eq!(listed["same_terminal_sequence"], format!("{}/{}", own.terminal, own.journal_sequence));
    assert_eq!(listed["may_be_posted"], false);
    let post = centre.run("ma", &["row", "propose", &place, "--post", "--reason", "x"]);
    let said = String::from_utf8_lossy(&post.stderr).into_owned();
    assert!(said.contains("ROW_UNPOSTABLE") && said.contains("MAC2"), "what is so: {said}");

    other.evidence = of_before(other.clone()).evidence;
    let number = card.number(&other);
    let body = json!({ "version": 1, "terminal": other.terminal, "record": other, "tac": other.evidence.tac(),
        "number": number });
    assert_eq!(terminal.ask(PROVED, body).1["status"], "created");
    posted(&centre, &place);
    assert_eq!(centre.balance("card:"), 50_000 - 3_100);
    assert_eq!(told_of(&centre, &terminal, &other), ("posted".to_owned(), -1));
    assert_eq!(give_back(&mut terminal, &mut card, 8, Some(other.card_sequence), 3_000), "");
    assert_eq!(told_of(&centre, &terminal, &other), ("refunded".to_owned(), 0));
    assert_eq!(told_of(&centre, &terminal, &own), ("posted".to_owned(), -1));
    proof(&centre);
}
