//! A disk that fills up or fails at one write after the other, during an import.

use std::path::Path;

use soak::fault::{Act, Moment};

use crate::centre::{Centre, PEOPLE, Told, told};

/// Writes of an import that are struck: so many, spread over all.
const STRUCK: u64 = 14;

fn import(centre: &Centre, fault: Option<(Act, u64)>) -> Told {
    let mut command =
        centre.command(&["--operator", "li", "person", "import", centre.people().to_str().expect("a path")]);
    if let Some((act, at)) = fault {
        centre.faults.under(&mut command, &centre.data(), "", act, Moment { commits: 0, at });
    }
    told(&command.output().expect("the program starts"))
}

fn writes(centre: &Centre, count: &Path) -> u64 {
    let mut command =
        centre.command(&["--operator", "li", "person", "import", centre.people().to_str().expect("a path")]);
    centre.faults.count(&mut command, &centre.data(), "");
    assert!(command.env("SOAK_COUNT", count).output().expect("the program starts").status.success());
    std::fs::read_to_string(count).expect("a count").trim().parse().expect("a number")
}

fn struck(act: Act, codes: &[&str]) {
    let mut centre = Centre::new();
    let kept = centre.keep();
    let all = writes(&centre, &kept.join("count"));
    assert!(all > 40, "{all} writes");
    std::fs::remove_file(kept.join("count")).expect("removed");
    let mut refused = 0;
    for number in 0..STRUCK {
        let at = 1 + number * (all - 1) / (STRUCK - 1);
        centre.begin_again(&kept);
        let first = import(&centre, Some((act, at)));
        let people = centre.count("SELECT COUNT(*) FROM person");
        if first.exit == Some(0) {
            // Struck behind the last commit: everything was kept.
            assert_eq!(people, i64::from(PEOPLE), "{at} of {all}: {first:?}");
        } else {
            assert_eq!(first.exit, Some(9), "{at} of {all}: {first:?}");
            assert!(codes.contains(&first.code.as_str()), "{at} of {all}: {first:?}");
            refused += 1;
        }
        let again = import(&centre, None);
        assert_eq!(again.exit, Some(0), "{at} of {all}: {again:?}");
        assert_eq!(centre.count("SELECT COUNT(*) FROM person"), i64::from(PEOPLE));
        assert_eq!(centre.count("SELECT COUNT(*) FROM import WHERE state = 'running'"), 0);
        centre.ok(&["audit", "verify"]);
    }
    assert!(refused >= STRUCK / 2, "only {refused} were refused");
}

#[test]
fn an_import_on_a_disk_that_fills_up_says_so_and_the_same_command_ends_it() {
    struck(Act::Full, &["DISK_FULL", "AUDIT_ANCHOR_FAILED"]);
}

#[test]
fn an_import_on_a_disk_that_fails_says_so_and_the_same_command_ends_it_on_a_sound_one() {
    // The index of the log cannot be made larger: SQLite tells no reason, and a full disk is the usual one.
    struck(Act::Spoilt, &["DATABASE_FAILED", "AUDIT_ANCHOR_FAILED", "DISK_FULL"]);
}

#[test]
fn everything_can_be_looked_at_on_a_full_disk() {
    let centre = Centre::with_card();
    let full = |arguments: &[&str]| {
        let mut command = centre.command(arguments);
        centre.faults.under(&mut command, &centre.data(), "", Act::Full, Moment { commits: 0, at: 1 });
        command.output().expect("the program starts")
    };
    for line in [
        &["person", "list"][..],
        &["person", "show", "1"],
        &["batch", "list"],
        &["batch", "show", "1"],
        &["card", "list"],
        &["stock", "check"],
        &["number", "list"],
        &["audit", "verify"],
    ] {
        let sound = centre.command(line).output().expect("the program starts");
        let output = full(line);
        assert_eq!(output.status.code(), Some(0), "{line:?}: {}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(output.stdout, sound.stdout, "{line:?}");
    }
    let act = told(&full(&["--operator", "li", "number", "fill", "1"]));
    assert_eq!((act.exit, act.code.as_str()), (Some(9), "DISK_FULL"));
    centre.ok(&["--operator", "li", "number", "fill", "1"]);
}
