//! Orders for PINs over the edge: each answer with its status, the same request answered the same.

use serde_json::json;

use crate::centre::Centre;

const PROOF: &str = "/terminal/v1/pin-orders/proof";
const COMMAND: &str = "/terminal/v1/pin-orders/command";
const OUTCOME: &str = "/terminal/v1/pin-orders/outcome";

#[test]
fn an_order_is_proved_given_to_one_terminal_and_settled_over_the_edge() {
    let mut centre = Centre::with_cards(2);
    centre.ok("local", &["operator", "add", "tashi", "--role", "counter"]);
    centre.serve();
    let (mut terminal, mut other) = (centre.terminal(1), centre.terminal(2));
    let at = terminal.number.to_string();
    let order = centre.ok("tashi", &["pin", "reset", "A00000001", "--reason", "seen", "--terminal", &at]);
    assert_eq!((&order["state"], &order["act"]), (&json!("asked"), &json!("reset")));
    let card = centre.card(1).identifier;
    let body = |terminal: &crate::centre::Terminal, card: &str, challenge: &str| json!({ "version": 1, "terminal": terminal.number, "order": 1, "card_identifier": card, "challenge": challenge });
    let card = card.to_string();
    let good = body(&terminal, &card, "0011223344556677");
    let code = |answer: (u16, serde_json::Value)| (answer.0, answer.1["code"].as_str().unwrap_or("").to_owned());
    assert_eq!(code(terminal.ask(PROOF, good.clone())), (409, "PIN_ORDER_STATE".into()), "not approved");
    centre.ok("wu", &["pin", "approve", "1"]);
    let foreign = body(&other, &card, "0011223344556677");
    assert_eq!(code(other.ask(PROOF, foreign)), (403, "PIN_ORDER_ELSEWHERE".into()));
    let second = centre.card(2).identifier.to_string();
    let wrong = body(&terminal, &second, "0011223344556677");
    assert_eq!(code(terminal.ask(COMMAND, wrong)), (403, "PIN_ORDER_ELSEWHERE".into()));
    let short = body(&terminal, &card, "00112233");
    assert_eq!(code(terminal.ask(COMMAND, short)), (400, "MESSAGE_MALFORMED".into()));
    let (status, proof) = terminal.ask(PROOF, good.clone());
    assert_eq!((status, &proof["act"]), (200, &json!("reset")));
    assert!(proof["command"].as_str().is_some_and(|command| command.starts_with("0082000610")));
    let early = json!({ "version": 1, "terminal": at, "order": 1, "outcome": "done" });
    assert_eq!(code(terminal.ask(OUTCOME, early.clone())), (409, "PIN_ORDER_STATE".into()), "no command was given");
    let text = terminal.numbered(good.clone());
    let (status, given) = terminal.send(COMMAND, &text);
    assert_eq!(status, 200, "{given}");
    assert!(given["command"].as_str().is_some_and(|command| command.starts_with("842400010C") && command.len() == 34));
    let again = terminal.send(COMMAND, &text).1;
    assert_eq!((&again["status"], &again["command"]), (&json!("exists"), &given["command"]), "a repeated question");
    let other_time = body(&terminal, &card, "8899AABBCCDDEEFF");
    let (status, anew) = terminal.ask(COMMAND, other_time);
    assert_eq!(status, 200, "the answer may have been lost: {anew}");
    assert_ne!(anew["command"], given["command"], "for another challenge");
    let foreign = body(&other, &card, "8899AABBCCDDEEFF");
    assert_eq!(code(other.ask(COMMAND, foreign)), (403, "PIN_ORDER_ELSEWHERE".into()), "given to another terminal");
    let stranger = json!({ "version": 1, "terminal": other.number, "order": 1, "outcome": "refused" });
    assert_eq!(code(other.ask(OUTCOME, stranger)), (403, "PIN_ORDER_ELSEWHERE".into()), "another terminal's order");
    assert_eq!(terminal.ask(OUTCOME, early.clone()).1["status"], json!("created"));
    assert_eq!(terminal.ask(OUTCOME, early).1["status"], json!("exists"));
    assert_eq!(code(terminal.ask(COMMAND, good)), (409, "PIN_ORDER_STATE".into()), "never behind its outcome");
    assert_eq!(centre.ok("tashi", &["pin", "list"])["orders"][0]["state"], json!("done"));
    assert_eq!(centre.ok("tashi", &["pin", "list", "--open"])["orders"], json!([]));
    let unknown = json!({ "version": 1, "terminal": at, "order": 9, "outcome": "done" });
    assert_eq!(code(terminal.ask(OUTCOME, unknown)), (404, "PIN_ORDER_UNKNOWN".into()));
}
