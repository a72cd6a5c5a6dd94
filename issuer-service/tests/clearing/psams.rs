//! Terminals whose PSAM the centre made: what its books say of it is asked wherever the terminal is heard.

use serde_json::{Value, json};
use settlement::date::{BusinessDate, DateTime};
use settlement::record::TransactionRecord;

use crate::centre::{Card, Centre, LOADS, PHARMACY, QUOTE, SIGN_IN, Terminal, loaded, signed_in};
use crate::decisions;

/// A PSAM that bears the number of terminal `n`, in a state.
fn made(centre: &Centre, n: u8, state: &str, institution: &str) {
    let due = if state == "handed_out" { "'20991231'" } else { "NULL" };
    let row = format!(
        "INSERT INTO psam (chip, terminal_number, institution, state, made_by, changed_at, due)
         VALUES ('814D326086435100000000{n:02X}', '9900000000{n:02X}', '{institution}', '{state}', 'zhou',
             '2026-01-01T00:00:00.000Z', {due})"
    );
    centre.ask(&row).expect("row");
}

fn add(centre: &Centre, n: u8) -> Option<String> {
    let (number, key) = (format!("9900000000{n:02X}"), "01".repeat(32));
    let add = ["terminal", "add", &number, "--institution", PHARMACY, "--public-key", &key];
    let output = centre.run("ma", &add);
    let error: Option<Value> = serde_json::from_slice(&output.stderr).ok();
    assert_eq!(output.status.code(), Some(if error.is_some() { 3 } else { 0 }), "{output:?}");
    error.map(|error| error["code"].as_str().expect("a code").to_owned())
}

#[test]
fn a_terminal_is_added_for_a_psam_that_is_in_use_there_or_that_nobody_made_here() {
    let centre = Centre::with_cards(1);
    let unfit = Some("PSAM_NOT_IN_USE".to_owned());
    for (n, state) in (2..).zip(["lost", "retired", "spoilt", "writing"]) {
        made(&centre, n, state, PHARMACY);
        assert_eq!(add(&centre, n), unfit, "{state}");
    }
    made(&centre, 10, "handed_out", "H001");
    assert_eq!(add(&centre, 10), unfit, "another institution's");
    made(&centre, 11, "in_custody", PHARMACY);
    centre.ask("UPDATE psam SET returned_at = changed_at WHERE terminal_number = '99000000000B'").expect("row");
    assert_eq!(add(&centre, 11), unfit, "it came back");
    made(&centre, 12, "handed_out", PHARMACY);
    made(&centre, 13, "in_custody", PHARMACY);
    for fits in [12, 13, 14] {
        assert_eq!(add(&centre, fits), None, "{fits}");
    }
}

/// Buys at a time and uploads; why it was not posted.
fn sell(terminal: &mut Terminal, card: &mut Card, day: BusinessDate, at: &str) -> (String, Vec<String>) {
    let mut record: TransactionRecord = card.purchase(terminal, day, [100, 0, 0]);
    record.date_time = DateTime::parse(at).expect("a time");
    card.sign(&mut record);
    decisions::upload(terminal, record)
}

#[test]
fn behind_the_loss_of_its_psam_a_terminal_begins_nothing_and_what_was_signed_since_is_held_for_two_people() {
    let (centre, mut terminal, mut card) = loaded();
    let day = centre.today();
    made(&centre, 1, "handed_out", PHARMACY);
    assert_eq!(terminal.ask(SIGN_IN, signed_in(&terminal)).0, 200, "it is in use");
    centre.ok("ma", &["operator", "add", "keys", "--role", "keys"]);
    let lost = centre.ok("keys", &["psam", "lost", &terminal.number.to_string(), "--reason", "stolen"]);
    assert_eq!(lost["terminal_stopped"], true);
    // Let in again, it tells what it sold before; nothing new begins.
    centre.ok("ma", &["terminal", "start", &terminal.number.to_string()]);
    let quote = json!({ "version": 1, "terminal": terminal.number, "card_identifier": card.identifier });
    for (path, body) in [(SIGN_IN, signed_in(&terminal)), (QUOTE, quote)] {
        let (status, answer) = terminal.ask(path, body);
        assert_eq!((status, &answer["code"]), (403, &json!("PSAM_NOT_IN_USE")), "{path}");
    }
    let load = card.init_load(&terminal, 7, 100);
    assert_eq!(terminal.ask(LOADS, load).1["code"], "PSAM_NOT_IN_USE");
    let compact = day.to_string().replace('-', "");
    let mut before = card.purchase(&mut terminal, day, [100, 0, 0]);
    before.date_time = DateTime::parse("20260102000000").expect("a time");
    card.sign(&mut before);
    assert_eq!(decisions::upload(&mut terminal, before).1, [""; 0], "sold before the loss");
    let (place, refused) = sell(&mut terminal, &mut card, day, &format!("{compact}235959"));
    assert_eq!(refused, ["PSAM_NOT_IN_USE"]);
    let rows = "SELECT outcome FROM upload_row WHERE code = 'PSAM_NOT_IN_USE'";
    assert_eq!(centre.ask(rows).expect("rows"), [["HELD"]]);
    assert_eq!(centre.balance("card:"), 50_000 - 100);
    let proposed = centre.ok("ma", &["row", "propose", &place, "--post", "--reason", "the holder was there"]);
    centre.ok("wu", &["row", "approve", &proposed["number"].to_string()]);
    assert_eq!(centre.balance("card:"), 50_000 - 200);
    decisions::proof(&centre);
}
