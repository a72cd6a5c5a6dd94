//! Small batches killed at every commit and at every write, with the same program that kills large ones.

use std::path::{Path, PathBuf};

use soak::fault::Faults;
use soak::kills::{Soak, Table, Unit};
use soak::place::Place;
use soak::store::Findings;

fn soaked(people: u32, unit: Unit) -> (tempfile::TempDir, Table) {
    soaked_on(1, people, unit)
}

fn soaked_on(readers: u32, people: u32, unit: Unit) -> (tempfile::TempDir, Table) {
    let folder = tempfile::tempdir().expect("a folder");
    let place = Place::at(&folder.path().canonicalize().expect("a path").join("place"));
    place.make(people, readers).expect("a place");
    let faults = Faults::build(folder.path()).expect("a C compiler");
    let program = Path::new(env!("CARGO_BIN_EXE_soak"));
    let table = Soak { program, faults: &faults, place: &place, people }.run(unit, |_, _| ()).expect("a table");
    (folder, table)
}

#[test]
fn a_batch_killed_at_every_commit_makes_every_card_once() {
    let mut kills = std::collections::BTreeMap::<String, [u64; 4]>::new();
    for turn in 0..4 {
        let (_folder, table) = soaked(8, Unit::Commits(turn));
        assert!(table.holds(), "{table:#?}");
        for (kind, line) in &table.lines {
            kills.entry(kind.clone()).or_default().iter_mut().zip(line.kills).for_each(|(sum, one)| *sum += one);
        }
    }
    // Eight cards, each commit hit before it, inside it, before its flush and behind it; once more where the log was begun anew,
    // whose head has a flush of its own.
    let often = |kind: &str, least: u64| kills[kind].iter().all(|count| (least..=least + 1).contains(count));
    assert!(often("intent", 8) && often("done", 8) && often("batch finished", 1), "{kills:?}");
    // What the card can tell by itself costs no commit.
    assert!(!kills.contains_key("keys"), "{kills:?}");
    assert!(kills["run begins"].iter().sum::<u64>() >= 4, "{kills:?}");
}

#[test]
fn a_batch_killed_inside_every_write_of_the_centre_makes_every_card_once() {
    let (_folder, table) = soaked(1, Unit::Writes);
    assert!(table.holds(), "{table:#?}");
    // A commit is some pages, each with its head, and a flush; an act is a line of the anchor before and behind it.
    for (kind, least) in [("run begins", 8), ("intent", 10), ("done", 10), ("batch finished", 8)] {
        let kills: u64 = table.lines.get(kind).map_or(0, |line| line.kills.iter().sum());
        assert!(kills >= least, "{kind} {kills}: {table:#?}");
    }
}

#[test]
fn readers_that_write_together_are_killed_inside_that_commit_and_make_every_card_once() {
    // Readers meet in a commit whose flush takes longer than their work at a card: flushes are made slower until some met.
    let mut together = 0;
    for flush_ms in [40, 160, 640, 2_560] {
        let (folder, table) = soaked_on(3, 12, Unit::Together(flush_ms));
        assert!(table.holds(), "{table:#?}");
        assert!(table.kills() >= 10, "{table:#?}");
        // What went into one commit stands in the anchor as one act with others, also when it was killed there.
        let place = Place::at(&folder.path().canonicalize().expect("a path").join("place"));
        let anchor = std::fs::read_to_string(place.centre().join("audit.anchor")).expect("an anchor");
        together += anchor.lines().filter(|line| line.starts_with("with")).count();
        if together >= 3 {
            return;
        }
    }
    panic!("{together} acts were written with another one, whatever a flush took");
}

#[test]
fn books_and_cards_that_do_not_fit_are_found() {
    let (folder, table) = soaked(2, Unit::Commits(0));
    assert!(table.holds(), "{table:#?}");
    let place = Place::at(&folder.path().canonicalize().expect("a path").join("place"));
    let database = place.centre().join("centre.db");
    let each = |sql: &str| {
        let kept = std::fs::read(&database).expect("a database");
        let connection = rusqlite::Connection::open(&database).expect("opened");
        connection.execute_batch(&format!("PRAGMA foreign_keys = OFF; {sql}")).expect(sql);
        drop(connection);
        let books = soak::store::Books::open(&place.centre()).expect("books");
        let found = (books.findings().expect("found"), soak::cards::findings(&place).expect("found"));
        drop(books);
        std::fs::write(&database, kept).expect("restored");
        found
    };
    let damaged = |sql: &str| {
        let (books, cards) = each(sql);
        books.worst(cards)
    };
    assert!(damaged("").none());
    let twice = damaged("DROP INDEX job_open; UPDATE job SET person = 1");
    assert!(twice.double > 0 && twice.orphans > 0, "{twice:?}");
    assert!(damaged("UPDATE card_number SET state = 'reserved'").lost == 2);
    assert!(damaged("UPDATE job SET state = 'writing' WHERE number = 1").lost > 0);
    assert_eq!(damaged("DELETE FROM receipt WHERE job = 1"), Findings { orphans: 1, ..Findings::default() });
    assert_eq!(damaged("DELETE FROM station_journal WHERE event = 'intent' AND job = 2").orphans, 1);
    let (books, cards) = each("DELETE FROM card WHERE job = 1");
    assert!(
        books.orphans > 0 && cards.orphans > 0,
        "the job has no card, and a card stands for nobody: {books:?} {cards:?}"
    );
    let other = damaged("UPDATE card SET card_number = 'A99999999' WHERE job = 1");
    assert!(other.lost > 0 && other.orphans > 0, "no card holds that number: {other:?}");
    let copied: Vec<PathBuf> =
        std::fs::read_dir(place.out()).expect("cards").map(|entry| entry.expect("one").path()).collect();
    std::fs::copy(&copied[0], place.out().join("copy.card")).expect("copied");
    assert_eq!(soak::cards::findings(&place).expect("found").double, 1, "a number on two cards");
}
