//! What the program of before left: a day that it closed keeps its hash and comes back, a refund is one of the posting that stood.

use serde_json::{Value, json};
use settlement::id::Digest;
use settlement::record::Transaction;

use crate::centre::{Centre, LOADS, issuer, loaded};
use crate::decisions::{CONTRADICTED, shown, upload};
use crate::refunds::{init_refund, refund};
use crate::take_backs::{decided, posted_word};

/// The hash of a first closed day by rule 1: its payable is what purchases and refunds post, nothing is said of what was recovered.
fn hash_before(centre: &Centre, date: &str, totals: &Value, payable: i64) -> String {
    let names = [
        "postings",
        "rows_accepted",
        "rows_refused",
        "rows_held",
        "sum_of_entries_fen",
        "allotted_fen",
        "loaded_fen",
        "purchased_fen",
        "pooled_fen",
        "self_paid_fen",
        "corrected_fen",
    ];
    let number = |name: &str| totals[name].as_i64().expect(name).to_string();
    let mut line: Vec<String> = names.into_iter().map(number).collect();
    line.push(payable.to_string());
    let more = ["cards_before_fen", "cards_moved_fen", "cards_after_fen", "refunded_fen", "refunded_pooled_fen"];
    line.extend(more.into_iter().map(number));
    let mut text = format!("clearing-window-1\n{}\n{date}\n{}\n", Digest::ZERO, line.join(" "));
    for sql in [
        format!("SELECT id, reference FROM posting WHERE window_date = '{date}' ORDER BY id"),
        "SELECT terminal, batch, hash FROM upload ORDER BY terminal, batch".to_owned(),
    ] {
        for row in centre.ask(&sql).expect("rows") {
            text.push_str(&format!("{}\n", row.join(" ")));
        }
    }
    Digest::of(text.as_bytes()).to_string()
}

#[test]
fn a_day_that_was_closed_by_the_rule_of_before_keeps_its_hash_and_its_backup_comes_back() {
    let (mut centre, mut terminal, mut card) = loaded();
    let (place, word) = posted_word(&centre, &mut terminal, &mut card);
    refund(&mut terminal, &mut card, 2, 1, [234, 100, 100]);
    assert_eq!(terminal.ask(CONTRADICTED, word).0, 200);
    decided(&centre, &place, "--take-back");
    let date = centre.today().to_string();
    let closed = centre.ok("zhou", &["window", "close", "--date", &date]);
    let told = ["payable_fen", "payable_moved_fen", "recovered_fen"].map(|name| closed["totals"][name].clone());
    assert_eq!(
        (&closed["window"]["state"], &closed["window"]["proof_version"], told),
        (&json!("CLOSED"), &json!(2), [json!(0), json!(0), json!(334)]),
        "{closed}"
    );
    assert_eq!(centre.stop_server(), Some(0));
    // As the program of before left it.
    let hash = hash_before(&centre, &date, &closed["totals"], -334);
    assert_ne!(closed["content_hash"], json!(hash));
    centre
        .ask(&format!(
            "UPDATE clearing_window SET hash = '{hash}' WHERE business_date = '{date}';
             ALTER TABLE clearing_window DROP COLUMN proof_version;
             DELETE FROM migration WHERE number = 92"
        ))
        .expect("as before");
    centre.ok("ma", &["institution", "list"]);
    let shows = || centre.ok("ma", &["window", "show", "--date", &date]);
    let day = shows();
    assert_eq!((&day["content_hash"], &day["window"]["hash"]), (&json!(hash), &json!(hash)), "{day}");
    let told = ["payable_fen", "payable_moved_fen", "recovered_fen"].map(|name| day["totals"][name].clone());
    assert_eq!(told, [json!(-334), json!(0), json!(334)]);
    assert_eq!((&day["holds"], &day["window"]["proof_version"]), (&json!(true), &json!(1)), "{day}");
    let text = shown(&centre, &["window", "show", "--date", &date]);
    assert!(text.contains("payable by the rule that the day was closed by -3.34, with every entry 0.00"), "{text}");
    // The next one goes on behind it, by the rule of now.
    centre.allot(1, "10");
    let next = centre.today().to_string();
    let after = centre.ok("zhou", &["window", "close", "--date", &next]);
    assert_eq!(
        (&after["window"]["state"], &after["window"]["proof_version"]),
        (&json!("CLOSED"), &json!(2)),
        "{after}"
    );
    let folder = tempfile::tempdir().expect("folder");
    let path = |name: &str| folder.path().join(name).to_str().expect("UTF-8").to_owned();
    std::fs::write(path("secret"), "sixteen invented words\n").expect("passphrase");
    let (file, source) = (path("b"), format!("file:{}", path("secret")));
    let added = issuer(&centre.data(), &["operator", "add", "sun", "--role", "keys", "--role", "manage"]);
    assert!(added.status.success(), "{}", String::from_utf8_lossy(&added.stderr));
    centre.ok("sun", &["backup", "create", &file, "--backup-passphrase", &source]);
    let restored = Centre::restored(&folder.path().join("again"), &file, &source);
    assert!(restored.status.success(), "{}", String::from_utf8_lossy(&restored.stderr));
}

#[test]
fn a_refund_of_before_is_one_of_the_posting_that_stood_then() {
    let (mut centre, mut terminal, mut card) = loaded();
    let (place, word) = posted_word(&centre, &mut terminal, &mut card);
    refund(&mut terminal, &mut card, 2, 1, [234, 100, 100]);
    assert_eq!(terminal.ask(CONTRADICTED, word).0, 200);
    decided(&centre, &place, "--take-back");
    let mut real = card.purchase(&mut terminal, centre.today(), [1_234, 500, 700]);
    let Transaction::Purchase { terminal_sequence, .. } = &mut real.transaction else { panic!("a purchase") };
    *terminal_sequence = 1;
    card.sign(&mut real);
    assert_eq!(upload(&mut terminal, real).1, Vec::<String>::new());
    refund(&mut terminal, &mut card, 3, 1, [234, 100, 100]);
    let postings = || {
        let found = "SELECT original_posting FROM load WHERE original_terminal IS NOT NULL ORDER BY load_id";
        centre.ask(found).expect("loads").concat()
    };
    let told = postings();
    assert!(told.len() == 2 && told[1].starts_with(&format!("{}:", told[0])), "{told:?}");
    // An hour between them, and the column as the program of before left it: not there.
    centre
        .ask(
            "UPDATE load SET prepared_at = '2026-01-01T00:00:00Z' WHERE load_id = (SELECT min(load_id) FROM load
                 WHERE original_terminal IS NOT NULL);
             DROP INDEX load_original_posting;
             ALTER TABLE load DROP COLUMN original_posting;
             DELETE FROM migration WHERE number = 77",
        )
        .expect("as before");
    centre.ok("ma", &["institution", "list"]);
    assert_eq!(postings(), told);
    // Of the posting that stands 10.00, 4.00 and 6.00 are left.
    let body = init_refund(&mut card, &terminal, 4, "refund", (&terminal, 1), [1_001, 400, 600]);
    assert_eq!(terminal.ask(LOADS, body).1["code"], "REFUND_TOO_MUCH");
    refund(&mut terminal, &mut card, 5, 1, [1_000, 400, 600]);
    assert_eq!(centre.stop_server(), Some(0));
}
