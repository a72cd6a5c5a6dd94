//! A machine that starts with a clock of another day: nothing that a date sets free is set free, nothing bears that day, until
//! somebody answers for it.

use soak::fault::{Act, Moment};

use crate::centre::{Centre, Told, told};

const DAY: i64 = 86_400;

/// A command on a machine whose clock is so many days ahead.
fn ahead(centre: &Centre, days: i64, arguments: &[&str]) -> Told {
    let mut command = centre.command(arguments);
    centre.faults.under(&mut command, &centre.data(), "", Act::Clock(days * DAY), Moment::START);
    told(&command.output().expect("the program starts"))
}

fn refused(centre: &Centre, days: i64, arguments: &[&str]) {
    let said = ahead(centre, days, arguments);
    let code = if days < 4 { "CLOCK_MOVED" } else { "CLOCK_AHEAD_OF_LOG" };
    assert_eq!((said.exit, said.code.as_str()), (Some(3), code), "{days}: {arguments:?}");
}

#[test]
fn no_card_is_made_and_no_lost_one_comes_back_on_a_clock_that_jumped_whatever_is_tried_first() {
    let centre = Centre::with_card();
    centre.ok(&["operator", "add", "tashi", "--role", "counter"]);
    let run = ["--operator", "sun", "batch", "run", "1", "--reader", "0", "--wait", "5"];
    refused(&centre, 3_650, &run);
    refused(&centre, 3_650, &["--operator", "li", "number", "fill", "1"]);
    refused(&centre, 3_650, &run);
    // A day is not far, and this machine has not run for it.
    refused(&centre, 1, &run);
    refused(&centre, 1, &["--operator", "li", "number", "fill", "1"]);
    refused(&centre, 1, &run);
    assert_eq!(centre.count("SELECT COUNT(*) FROM card"), 0);
    centre.ok(&run);
    centre.assert_made();
    let years = "SELECT CAST(substr(valid_until, 1, 4) AS INTEGER) - CAST(strftime('%Y', 'now', '+8 hours') AS INTEGER) FROM card";
    assert_eq!(centre.count(years), 10);

    centre.ok(&["--operator", "tashi", "card", "activate", "--batch", "1"]);
    let find = rusqlite::Connection::open(centre.data().join("centre.db")).expect("a database");
    let number: String = find.query_row("SELECT card_number FROM card", (), |row| row.get(0)).expect("a card");
    drop(find);
    centre.ok(&["--operator", "tashi", "card", "report-loss", "--temporary", &number, "--reason", "lost"]);
    let due = ["--operator", "tashi", "card", "due"];
    refused(&centre, 30, &due);
    refused(&centre, 30, &["--operator", "li", "number", "fill", "1"]);
    refused(&centre, 30, &due);
    let lost = "SELECT COUNT(*) FROM card WHERE state = 'temporary_loss'";
    assert_eq!(centre.count(lost), 1);
    // It is right, somebody says: the period is over.
    assert_eq!(ahead(&centre, 30, &["audit", "clock", "--reason", "closed for a month"]).exit, Some(0));
    assert_eq!(ahead(&centre, 30, &due).exit, Some(0));
    assert_eq!(centre.count(lost), 0);
    // And back: every act would be recorded before the last one.
    let back =
        told(&centre.command(&["--operator", "li", "number", "fill", "1"]).output().expect("the program starts"));
    assert_eq!((back.exit, back.code.as_str()), (Some(3), "CLOCK_BEHIND_LOG"));
}

#[test]
fn nothing_is_removed_on_a_clock_that_jumped() {
    let centre = Centre::new();
    let set =
        ["--operator", "wang", "retention", "set", "exchange", "--days", "200", "--reason", "rules of the archive"];
    centre.ok(&set);
    let bad = centre.data().join("exchange/bad");
    std::fs::create_dir_all(&bad).expect("a folder");
    std::fs::write(bad.join("old.txt"), "an answer").expect("a file");
    let run = ["--operator", "li", "retention", "run"];
    refused(&centre, 400, &run);
    assert!(bad.join("old.txt").exists());
    assert_eq!(ahead(&centre, 400, &["audit", "clock", "--reason", "so it is"]).exit, Some(0));
    assert_eq!(ahead(&centre, 400, &run).exit, Some(0));
    assert!(!bad.join("old.txt").exists());
}
