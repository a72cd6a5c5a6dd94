//! Receipts that anyone checks: genuine, altered, of strangers, before and after their sale arrives.

use serde_json::{Value, json};
use settlement::receipt::{Book, ReceiptCode, Sold};
use settlement::record::{Evidence, Transaction, TransactionRecord};
use settlement::signing::TerminalKey;
use zeroize::Zeroizing;

use crate::centre::{BATCHES, Centre, LOADS, OUTCOME, PHARMACY, loaded, outcome, request};
use crate::refunds::{init_refund, refund, sold};

/// The code that the terminal prints for this record.
pub(crate) fn code(record: &TransactionRecord, key: &TerminalKey) -> ReceiptCode {
    let Transaction::Purchase { personal_account_fen, self_paid_fen, pooled_fund_fen, .. } = &record.transaction else {
        panic!("a purchase")
    };
    let [personal_account, self_paid, pooled_fund] =
        [personal_account_fen, self_paid_fen, pooled_fund_fen].map(|fen| fen.to_card().expect("small"));
    let sold = Sold {
        book: Book::Centre,
        terminal: record.terminal,
        record: record.journal_sequence,
        business_date: record.business_date,
        personal_account,
        self_paid,
        pooled_fund,
    };
    ReceiptCode::sign(sold, key)
}

fn asked(centre: &Centre, path: &str) -> (u16, Value) {
    let headers = [("accept", "application/json".to_owned())];
    let (status, body) = request(centre.port(), "GET", path, &headers, b"");
    (status, serde_json::from_slice(&body).expect("JSON"))
}

fn page(centre: &Centre, path: &str, language: &str) -> (u16, String) {
    let (status, body) = request(centre.port(), "GET", path, &[("accept-language", language.to_owned())], b"");
    (status, String::from_utf8(body).expect("UTF-8"))
}

#[test]
fn a_national_settlement_is_known_by_its_terminals_signature_and_not_looked_for_among_sales() {
    let (centre, mut terminal, mut card) = loaded();
    let record = card.purchase(&mut terminal, centre.today(), [1_234, 500, 66]);
    let sold = Sold { book: Book::National, ..*code(&record, &terminal.key).sold() };
    // The card's sale of that number is another one.
    let body = terminal.seal(vec![record]);
    assert_eq!(terminal.send(BATCHES, &body).0, 200);
    let path = format!("/receipt/{}", ReceiptCode::sign(sold, &terminal.key).text());
    let (status, verdict) = asked(&centre, &path);
    assert_eq!((status, &verdict["verdict"], &verdict["sale"]), (200, &json!("genuine"), &json!("national")));
    let (_, html) = page(&centre, &path, "zh-CN");
    assert!(html.contains("国家医保中心"), "{html}");
    let forged = ReceiptCode::sign(sold, &TerminalKey::from_seed(&Zeroizing::new([9; 32])));
    let (_, verdict) = asked(&centre, &format!("/receipt/{}", forged.text()));
    assert_eq!(verdict["verdict"], "forged");
}

#[test]
fn a_receipt_is_genuine_before_and_after_its_sale_arrives_and_says_nothing_of_the_holder() {
    let (centre, mut terminal, mut card) = loaded();
    let good = card.purchase(&mut terminal, centre.today(), [1_234, 500, 66]);
    let text = code(&good, &terminal.key).text();
    let path = format!("/receipt/{text}");
    let (status, verdict) = asked(&centre, &path);
    assert_eq!((status, &verdict["verdict"], &verdict["sale"]), (200, &json!("genuine"), &json!("not-arrived")));
    assert_eq!((&verdict["total_fen"], &verdict["institution"]), (&json!(1_800), &json!(PHARMACY)));
    let body = terminal.seal(vec![good]);
    assert_eq!(terminal.send(BATCHES, &body).0, 200);
    let (status, verdict) = asked(&centre, &path);
    assert_eq!((status, &verdict["sale"]), (200, &json!("posted")));
    let (_, shouted) = asked(&centre, &format!("/RECEIPT/{}", text.to_ascii_lowercase()));
    assert_eq!(shouted, verdict);
    let ran = centre.ok("ma", &["receipt", "check", &text]);
    assert_eq!(ran, verdict);
    for (language, word) in [("zh-CN,en", "凭证属实"), ("en-GB", "genuine receipt"), ("", "凭证属实")] {
        let (status, html) = page(&centre, &path, language);
        assert_eq!(status, 200);
        assert!(html.contains(word) && html.contains("18.00") && html.contains("样例药店"), "{html}");
        // Neither the card nor what was bought.
        let identifier = card.identifier.to_string();
        assert!(!html.contains(&identifier) && !html.contains(&identifier[16..]) && !html.contains("B-1"), "{html}");
    }
    assert!(!verdict.to_string().contains(&card.identifier.to_string()[16..]));
}

#[test]
fn what_no_terminal_of_the_centre_signed_is_told_alike() {
    let (centre, mut terminal, mut card) = loaded();
    let good = card.purchase(&mut terminal, centre.today(), [1_000, 0, 0]);
    let genuine = code(&good, &terminal.key).text();
    let mut altered = good.clone();
    if let Transaction::Purchase { personal_account_fen, .. } = &mut altered.transaction {
        *personal_account_fen = settlement::Fen::new(9_000);
    }
    // The signature of one receipt under the amounts of another.
    let altered = code(&altered, &terminal.key).text()[..48].to_owned() + &genuine[48..];
    let stranger = TerminalKey::from_seed(&Zeroizing::new([77; 32]));
    let mut unknown = good.clone();
    unknown.terminal.0[5] = 0x77;
    for forged in [altered, code(&good, &stranger).text(), code(&unknown, &stranger).text()] {
        let (status, verdict) = asked(&centre, &format!("/receipt/{forged}"));
        assert_eq!((status, verdict), (404, json!({"verdict": "forged"})));
        let ran = centre.run("ma", &["receipt", "check", &forged]);
        assert_eq!(ran.status.code(), Some(7));
    }
    for (path, reason) in [
        ("/receipt/x".to_owned(), "form"),
        ("/receipt/%3Cscript%3Ealert(1)%3C%2Fscript%3E".to_owned(), "form"),
        (format!("/receipt/{}", "A".repeat(152)), "version"),
        (format!("/receipt/{}", "A".repeat(4_000)), "form"),
    ] {
        let (status, verdict) = asked(&centre, &path);
        assert_eq!((status, verdict), (404, json!({"verdict": "malformed", "reason": reason})), "{path}");
        assert!(!page(&centre, &path, "en").1.contains("script"));
    }
}

#[test]
fn a_sale_that_does_not_count_and_one_of_other_amounts_are_told_apart() {
    let (centre, mut terminal, mut card) = loaded();
    let day = centre.today();
    let mut held = card.purchase(&mut terminal, day, [100, 0, 0]);
    held.evidence = Evidence::LogOnly;
    let codes = [code(&held, &terminal.key)];
    let mut other = held.clone();
    if let Transaction::Purchase { self_paid_fen, .. } = &mut other.transaction {
        *self_paid_fen = settlement::Fen::new(1);
    }
    let other = code(&other, &terminal.key);
    let body = terminal.seal(vec![held]);
    assert_eq!(terminal.send(BATCHES, &body).0, 200);
    let (status, verdict) = asked(&centre, &format!("/receipt/{}", codes[0]));
    assert_eq!((status, &verdict["sale"]), (200, &json!("not-posted")));
    // A terminal that prints one thing and uploads another.
    let (status, verdict) = asked(&centre, &format!("/receipt/{other}"));
    assert_eq!((status, &verdict["sale"]), (404, &json!("differs")));
    assert_eq!(centre.run("ma", &["receipt", "check", &other.text()]).status.code(), Some(7));
}

#[test]
fn a_receipt_says_what_went_back_since_when_and_what_is_left_and_no_word_of_the_holder() {
    let (centre, mut terminal, mut card, record) = sold();
    let path = format!("/receipt/{}", code(&record, &terminal.key));
    let today = centre.today().to_string();
    let (status, verdict) = asked(&centre, &path);
    assert_eq!((status, &verdict["sale"], verdict.get("remaining")), (200, &json!("posted"), None));
    // Under way: said, and not taken off yet.
    let body = init_refund(&mut card, &terminal, 8, "refund", (&terminal, 1), [100, 0, 0]);
    assert_eq!(terminal.ask(LOADS, body).0, 200);
    let (status, verdict) = asked(&centre, &path);
    assert_eq!((status, &verdict["sale"], &verdict["remaining"]["total_fen"]), (200, &json!("posted"), &json!(2_434)));
    assert_eq!(verdict["given_back"][0]["date"], Value::Null);
    assert!(page(&centre, &path, "zh").1.contains("办理中"));
    // It did not reach the card: nothing is said of it any more.
    let nothing = outcome(&terminal, 8, "not_credited", None, card.balance);
    assert_eq!(terminal.ask(OUTCOME, nothing).0, 200);
    assert_eq!(asked(&centre, &path).1.get("given_back"), None);
    refund(&mut terminal, &mut card, 9, 1, [200, 50, 100]);
    let (status, verdict) = asked(&centre, &path);
    assert_eq!((status, &verdict["sale"]), (200, &json!("partly-refunded")));
    let back = json!([{ "act": "refund", "date": today, "personal_account_fen": 200, "self_paid_fen": 50,
        "pooled_fund_fen": 100 }]);
    assert_eq!(verdict["given_back"], back);
    let left =
        json!({ "total_fen": 2_084, "personal_account_fen": 1_034, "self_paid_fen": 450, "pooled_fund_fen": 600 });
    assert_eq!(verdict["remaining"], left);
    for (language, words) in [("zh", ["部分退费", "20.84"]), ("en", ["a part of it was refunded", "20.84"])] {
        let (status, html) = page(&centre, &path, language);
        assert!(status == 200 && words.iter().all(|word| html.contains(word)), "{html}");
        assert!(!html.contains(&card.identifier.to_string()[16..]) && !html.contains("B-1"), "{html}");
    }
    refund(&mut terminal, &mut card, 10, 1, [1_034, 450, 600]);
    let (_, verdict) = asked(&centre, &path);
    assert_eq!((&verdict["sale"], &verdict["remaining"]["total_fen"]), (&json!("refunded"), &json!(0)));
    assert_eq!(verdict["given_back"].as_array().map(Vec::len), Some(2));
    let ran = centre.run("ma", &["receipt", "check", path.trim_start_matches("/receipt/")]);
    assert_eq!(ran.status.code(), Some(7), "no proof of a payment any more");
}

#[test]
fn a_receipt_of_a_cancelled_sale_says_so() {
    let (centre, mut terminal, mut card, record) = sold();
    let path = format!("/receipt/{}", code(&record, &terminal.key));
    let body = init_refund(&mut card, &terminal, 8, "cancel", (&terminal, 1), [1_234, 500, 700]);
    let (status, answer) = terminal.ask(LOADS, body);
    assert_eq!(status, 200, "{answer}");
    let tac = card.credit(&terminal, 8, 1_234, &answer);
    let body = outcome(&terminal, 8, "credited", Some(tac), card.balance);
    assert_eq!(terminal.ask(OUTCOME, body).0, 200);
    let (_, verdict) = asked(&centre, &path);
    assert_eq!((&verdict["verdict"], &verdict["sale"]), (&json!("genuine"), &json!("cancelled")));
    assert_eq!(verdict["given_back"][0]["act"], "cancel");
    assert!(page(&centre, &path, "zh").1.contains("已撤销"));
}
