//! Every state with every command: exactly the moves of the table, each recorded, the blacklist behind.

use super::desk::{CLERK, Desk, MAKER};

/// The commands that lead a fresh card into each state.
const WAYS: [(&str, &[&str]); 6] = [
    ("sealed", &[]),
    ("normal", &["activate"]),
    ("formal_loss", &["activate", "formal"]),
    ("locked", &["activate", "lock"]),
    ("temporary_loss", &["activate", "temporary"]),
    ("cancelled", &["activate", "cancel"]),
];

/// Written from the fact sheet, not from the program's table: state, command, state after.
const MOVES: &[(&str, &str, &str)] = &[
    ("sealed", "activate", "normal"),
    ("sealed", "cancel", "cancelled"),
    ("normal", "temporary", "temporary_loss"),
    ("normal", "formal", "formal_loss"),
    ("normal", "lock", "locked"),
    ("normal", "cancel", "cancelled"),
    ("temporary_loss", "release", "normal"),
    ("temporary_loss", "formal", "formal_loss"),
    ("temporary_loss", "cancel", "cancelled"),
    ("formal_loss", "release", "normal"),
    ("formal_loss", "cancel", "cancelled"),
    ("locked", "unlock", "normal"),
    ("locked", "formal", "formal_loss"),
    ("locked", "cancel", "cancelled"),
];

const COMMANDS: [&str; 7] = ["activate", "temporary", "formal", "release", "lock", "unlock", "cancel"];

fn command<'a>(name: &'a str, number: &'a str) -> Vec<&'a str> {
    let mut arguments = match name {
        "temporary" => vec!["card", "report-loss", "--temporary", number],
        "formal" => vec!["card", "report-loss", "--formal", number],
        other => vec!["card", other, number],
    };
    arguments.extend(["--reason", "said at the counter"]);
    arguments
}

#[test]
fn a_site_that_reads_cards_activates_by_number_with_a_reason_only() {
    let mut desk = Desk::new(1);
    desk.site("activate_with_card = true");
    let number = desk.number(1);
    assert_eq!(desk.refused(CLERK, &["card", "activate", &number], 3), "CARD_NOT_SEEN");
    assert_eq!(desk.refused(CLERK, &["card", "activate", "--batch", "1"], 3), "CARD_NOT_SEEN");
    assert_eq!(desk.run(CLERK, &["card", "activate", &number, "--no-reader"]).status.code(), Some(1), "no reason");
    desk.ok(CLERK, &["card", "activate", &number, "--no-reader", "--reason", "reader out of order"]);
    assert_eq!(desk.state(&number), "normal");
}

#[test]
fn every_command_in_every_state_makes_the_move_of_the_table_or_changes_nothing() {
    let cases = WAYS.len() * COMMANDS.len();
    let mut desk = Desk::new(u32::try_from(cases).expect("few"));
    desk.site("formal_loss_revocable = true");
    let mut made = 0;
    let mut job = 0;
    for (state, way) in WAYS {
        for name in COMMANDS {
            job += 1;
            let number = desk.number(job);
            for step in way {
                desk.ok(CLERK, &command(step, &number));
            }
            assert_eq!(desk.state(&number), state);
            let (records, moves) = (desk.audit_records(), way.len());
            match MOVES.iter().find(|(from, by, _)| (*from, *by) == (state, name)) {
                Some((_, _, to)) => {
                    let card = desk.ok(CLERK, &command(name, &number));
                    let card = if name == "activate" { &card["cards"][0] } else { &card };
                    assert_eq!((card["state"].as_str(), desk.state(&number).as_str()), (Some(*to), *to));
                    assert_eq!(desk.audit_records(), records + 1);
                    let history = desk.ok(CLERK, &["card", "history", &number]);
                    let last = &history["moves"][moves];
                    assert_eq!((last["from"].as_str(), last["to"].as_str()), (Some(state), Some(*to)));
                    assert_eq!(
                        (last["operator"].as_str(), last["reason"].as_str()),
                        (Some(CLERK), Some("said at the counter"))
                    );
                    let bad = ["formal_loss", "locked", "temporary_loss", "cancelled"].contains(to);
                    assert_eq!(desk.listed(&number), bad, "{state} {name}");
                    made += 1;
                }
                None => {
                    assert_eq!(desk.refused(CLERK, &command(name, &number), 3), "CARD_MOVE_UNKNOWN", "{state} {name}");
                    assert_eq!(desk.state(&number), state);
                    assert_eq!(desk.audit_records(), records, "nothing done, nothing recorded");
                }
            }
        }
    }
    assert_eq!(made, MOVES.len(), "every move of the fact sheet, and ours from locked to lost, was tried");
    let log = desk.run(CLERK, &["audit", "verify"]);
    assert_eq!(log.status.code(), Some(0));
}

#[test]
fn only_the_role_of_the_table_moves_a_card_and_a_reason_is_needed() {
    let mut desk = Desk::new(1);
    let number = desk.number(1);
    let activate = ["card", "activate", &number];
    assert_eq!(desk.refused(MAKER, &activate, 3), "OPERATOR_ROLE_MISSING");
    assert_eq!(desk.refused("nobody", &activate, 2), "OPERATOR_UNKNOWN");
    desk.ok(CLERK, &activate);
    for reason in ["", "  ", "two\nlines", &"长".repeat(201)] {
        let lock = ["card", "lock", &number, "--reason", reason];
        let code = desk.refused(CLERK, &lock, 1);
        assert!(["REASON_MISSING", "REASON_UNFIT"].contains(&code.as_str()), "{code}");
    }
    assert_eq!(desk.state(&number), "normal");
    assert_eq!(desk.refused(CLERK, &["card", "lock", "'; DROP TABLE card; --", "--reason", "x"], 2), "CARD_NOT_FOUND");
}

#[test]
fn a_site_takes_moves_away_and_its_table_says_so() {
    let mut desk = Desk::new(1);
    let number = desk.number(1);
    desk.ok(CLERK, &["card", "activate", &number]);
    desk.site("removed = [\"lock\"]");
    assert_eq!(desk.refused(CLERK, &["card", "lock", &number, "--reason", "x"], 3), "CARD_MOVE_REMOVED");
    let table = desk.ok(CLERK, &["card", "states"]);
    let moves = table["moves"].as_array().expect("moves");
    for row in moves {
        let taken = ["lock", "revoke"].contains(&row["step"].as_str().expect("a step"));
        assert_eq!(row["allowed"].as_bool(), Some(!taken), "{row}");
    }
    assert_eq!(table["states"].as_array().map(Vec::len), Some(6));
}

#[test]
fn a_listed_state_cannot_be_taken_off_the_blacklist_by_hand_and_a_hand_made_entry_survives_a_release() {
    let mut desk = Desk::new(2);
    let numbers = [desk.number(1), desk.number(2)];
    desk.ok(CLERK, &["card", "activate", "--batch", "1"]);
    let identifier =
        |number: &str| desk.ok(CLERK, &["card", "show", number])["card_identifier"].as_str().expect("hex").to_owned();
    let [lost, suspect] = [identifier(&numbers[0]), identifier(&numbers[1])];
    desk.ok(CLERK, &["card", "report-loss", "--temporary", &numbers[0], "--reason", "lost"]);
    let remove = ["blacklist", "remove", &lost, "--reason", "x"];
    assert_eq!(desk.refused("ma", &remove, 3), "BLACKLIST_BY_STATE");
    desk.ok("ma", &["blacklist", "add", &suspect, "--reason", "under investigation"]);
    desk.ok(CLERK, &["card", "report-loss", "--temporary", &numbers[1], "--reason", "lost"]);
    assert_eq!(desk.refused("ma", &["blacklist", "remove", &suspect, "--reason", "x"], 3), "BLACKLIST_BY_STATE");
    for number in &numbers {
        desk.ok(CLERK, &["card", "release", number, "--reason", "found"]);
    }
    assert!(!desk.listed(&numbers[0]) && desk.listed(&numbers[1]));
    desk.ok("ma", &["blacklist", "remove", &suspect, "--reason", "cleared"]);
    assert!(!desk.listed(&numbers[1]));
}

#[test]
fn of_several_cards_an_unknown_one_stops_all_and_a_refused_one_is_told_beside_the_others() {
    let mut desk = Desk::new(3);
    let numbers: Vec<String> = (1..=3).map(|job| desk.number(job)).collect();
    assert_eq!(desk.refused(CLERK, &["card", "activate", &numbers[0], "A9999999X"], 2), "CARD_NOT_FOUND");
    assert_eq!(desk.state(&numbers[0]), "sealed", "nothing was done");
    desk.ok(CLERK, &["card", "cancel", &numbers[1], "--reason", "scratched"]);
    let some = desk.run(CLERK, &["card", "activate", &numbers[0], &numbers[1], &numbers[2], &numbers[0]]);
    assert_eq!(some.status.code(), Some(10));
    let told: serde_json::Value = serde_json::from_slice(&some.stdout).expect("one JSON object");
    assert_eq!(told["cards"].as_array().map(Vec::len), Some(2), "{told}");
    assert_eq!(told["refused"].as_array().map(Vec::len), Some(1), "{told}");
    let refused = &told["refused"][0];
    assert_eq!((&refused["card_number"], &refused["code"]), (&numbers[1].as_str().into(), &"CARD_MOVE_UNKNOWN".into()));
    assert_eq!((desk.state(&numbers[2]), desk.state(&numbers[1])), ("normal".to_owned(), "cancelled".to_owned()));
}
