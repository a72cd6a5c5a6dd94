//! Two rows that are one person: whatever was under way with the money of the one ends with the other, and not a fen is lost or made.

use serde_json::{Value, json};

use crate::centre::{Card, Centre, LOADS, OUTCOME, Terminal, load, outcome};
use crate::decisions::{CONTRADICTED, proof};
use crate::refunds::refund;
use crate::take_backs::{decided, posted_word};

/// A centre whose cards 1 and 2 are of people 3 and 4, registered as such; card 1 has 200.00 and 300.00 wait, 100.00 wait for the other.
fn centre() -> (Centre, Terminal, Card) {
    let mut centre = Centre::with_cards(2);
    for (name, role) in [("li", "capture"), ("sun", "approve")] {
        centre.ok("ma", &["operator", "add", name, "--role", role]);
    }
    for (card, birth) in [("1", "19900101001"), ("2", "19910101001")] {
        let number = citizen(birth);
        let said =
            json!({ "number": number, "name": "扎西", "sex": "1", "birth_date": birth[..8], "region": "513301" });
        let told = centre.told("li", &["person", "upsert"], &said.to_string());
        let told: Value = serde_json::from_slice(&told.stdout).expect("an object");
        let id = told["id"].to_string();
        for table in ["job", "card"] {
            let key = if table == "job" { "number" } else { "job" };
            centre.ask(&format!("UPDATE {table} SET person = {id} WHERE {key} = {card}")).expect("rows");
        }
    }
    centre.serve();
    let mut terminal = centre.terminal(1);
    centre.allot(1, "500");
    centre.allot(2, "100");
    let mut card = centre.card(1);
    load(&mut terminal, &mut card, 1, 20_000);
    assert_eq!(pending(&centre), [30_000, 10_000]);
    (centre, terminal, card)
}

/// A number of Kangding with its check character.
fn citizen(birth: &str) -> String {
    let digits = format!("513301{birth}");
    let weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    let sum: u32 =
        digits.chars().zip(weights).map(|(digit, weight)| digit.to_digit(10).expect("a digit") * weight).sum();
    let check = "10X98765432".chars().nth(usize::try_from(sum % 11).expect("small")).expect("a check");
    format!("{digits}{check}")
}

fn pending(centre: &Centre) -> [i64; 2] {
    ["pending:3", "pending:4"].map(|account| centre.balance(account))
}

/// Card 1 is out of use, its days are over, and its holder goes on as the other person.
fn join(centre: &Centre) {
    for statement in [
        "UPDATE card SET state = 'cancelled' WHERE job = 1",
        "INSERT INTO card_move (sequence, job, step, from_state, to_state, reason, operator, moved_at)
         VALUES (1, 1, 'cancel', 'normal', 'cancelled', '', 'tashi', '2026-01-01T00:00:00.000Z')",
    ] {
        centre.ask(statement).expect("row");
    }
    let order = centre.ok("li", &["person", "join", "3", "--into", "4", "--reason", "one family book"]);
    centre.ok("sun", &["person", "approve", &order["number"].to_string()]);
}

/// What the cards and the two rows have, with what is under way.
fn whole(centre: &Centre) -> i64 {
    ["card:", "pending:", "transit:"].map(|account| centre.balance(account)).iter().sum()
}

#[test]
fn what_waited_and_what_comes_later_is_the_person_s_who_goes_on() {
    let (centre, mut terminal, mut card) = centre();
    // A till's word that was posted, a part of it given back.
    let (place, word) = posted_word(&centre, &mut terminal, &mut card);
    refund(&mut terminal, &mut card, 2, 1, [234, 100, 100]);
    // Asked for and not approved: for the one, and for both.
    let cards = [1, 2].map(|n| centre.card(n).identifier.to_string());
    let ask = |of: &[&str]| {
        let words = [&["account", "allot", "--amount", "3"], of].concat();
        centre.ok("ma", &words)["request"].to_string()
    };
    let one = ask(&["--card", &cards[0]]);
    let both = ask(&["--card", &cards[0], "--card", &cards[1]]);
    // A load whose outcome the terminal does not tell yet.
    let body = card.init_load(&terminal, 3, 5_000);
    let (status, answer) = terminal.ask(LOADS, body);
    assert_eq!(status, 200, "{answer}");
    assert_eq!(pending(&centre), [25_000, 10_000]);
    let before = whole(&centre);
    join(&centre);
    assert_eq!((pending(&centre), whole(&centre)), ([0, 35_000], before), "it goes along");
    let account = centre.ok("li", &["query", "account", "--person", "4"])["account"].clone();
    assert_eq!(account["closing_fen"], before, "the account has what is on the cards of both, and under way");

    // The terminal tells after all: not credited; then the card's own code says that it was.
    let body = outcome(&terminal, 3, "not_credited", None, 0);
    assert_eq!(terminal.ask(OUTCOME, body).1["status"], "created");
    assert_eq!((pending(&centre), whole(&centre)), ([0, 40_000], before));
    let tac = card.credit(&terminal, 3, 5_000, &answer);
    let body = outcome(&terminal, 3, "credited", Some(tac), card.balance);
    assert_eq!(terminal.ask(OUTCOME, body).1["status"], "created");
    assert_eq!((pending(&centre), whole(&centre)), ([0, 35_000], before));
    // The word is taken back: what was refunded of it is owed by the person who goes on.
    assert_eq!(terminal.ask(CONTRADICTED, word).0, 200);
    decided(&centre, &place, "--take-back");
    assert_eq!(pending(&centre), [0, 34_766]);
    // The allotment that waited; not the one with two shares for one person.
    centre.ok("wu", &["account", "approve", &one]);
    assert_eq!(pending(&centre), [0, 35_066]);
    let twice = centre.run("wu", &["account", "approve", &both]);
    assert_eq!(twice.status.code(), Some(3));
    let said = String::from_utf8_lossy(&twice.stderr);
    let remedy = said.contains("reject the request first") || said.contains("先退回");
    assert!(said.contains("HOLDER_TWICE") && remedy, "whoever approves cannot leave a card out: {said}");
    centre.ok("wu", &["account", "reject", &both, "--reason", "one person"]);
    // And what was on the card; what was looked for there is looked for no more.
    let on_card = centre.balance(&format!("card:{}", cards[0]));
    assert_eq!(on_card, i64::from(card.balance));
    centre.ok("ma", &["account", "move-balances"]);
    assert_eq!(pending(&centre), [0, 35_066 + on_card]);
    assert_eq!(centre.balance(""), 0, "the ledger sums to zero");
    proof(&centre);
    let mut new = centre.card(2);
    load(&mut terminal, &mut new, 4, u32::try_from(35_066 + on_card).expect("an amount"));
    assert_eq!(pending(&centre), [0, 0]);
    proof(&centre);
}

#[test]
fn what_people_say_of_a_load_follows_the_person_too() {
    let (centre, mut terminal, mut card) = centre();
    // People call a load credited of which nothing is known, and say later that it was not.
    let body = card.init_load(&terminal, 2, 5_000);
    assert_eq!(terminal.ask(LOADS, body).0, 200);
    let load_id = centre.ok("ma", &["load", "list", "--open"])["loads"][0]["load_id"].clone();
    let load_id = load_id.as_str().expect("an id").to_owned();
    let say = |act: &str| {
        let number = centre.ok("ma", &["load", "propose", &load_id, act, "--reason", "seen"])["number"].to_string();
        centre.ok("wu", &["load", "approve", &number]);
    };
    say("--credited");
    assert_eq!(pending(&centre), [25_000, 10_000]);
    join(&centre);
    assert_eq!(pending(&centre), [0, 35_000]);
    say("--not-credited");
    assert_eq!(pending(&centre), [0, 40_000]);
    proof(&centre);
}
