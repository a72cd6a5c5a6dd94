//! A card under way when the disk fills up, when another process holds the database, when the reader goes, when the clock jumps.

use soak::fault::{Act, Moment};

use crate::centre::{Centre, told};

/// Ten years.
const FAR: i64 = 315_360_000;

#[test]
fn a_station_whose_disk_fills_up_stops_and_finishes_the_same_card_later() {
    let mut centre = Centre::with_card();
    let kept = centre.keep();
    // The commit that begins the run, the intent, the outcome, the end of the run.
    for commits in [0, 1, 2, 3] {
        centre.begin_again(&kept);
        let mut station = centre.station();
        centre.faults.under(&mut station, &centre.data(), "", Act::Full, Moment { commits, at: 1 });
        let first = told(&station.output().expect("the program starts"));
        assert_eq!(first.exit, Some(9), "{commits}: {first:?}");
        assert!(["DISK_FULL", "AUDIT_ANCHOR_FAILED"].contains(&first.code.as_str()), "{commits}: {first:?}");
        assert_eq!(centre.count("SELECT COUNT(*) FROM card WHERE state = 'sealed'"), 0, "{commits}");
        let again = told(&centre.station().output().expect("the program starts"));
        assert_eq!(again.exit, Some(0), "{commits}: {again:?}");
        centre.assert_made();
    }
}

#[test]
fn a_station_that_another_process_keeps_from_the_database_stops_and_goes_on_later() {
    let centre = Centre::with_card();
    let holder = rusqlite::Connection::open(centre.data().join("centre.db")).expect("a database");
    holder.execute_batch("BEGIN IMMEDIATE").expect("held");
    let first = told(&centre.station().output().expect("the program starts"));
    assert_eq!((first.exit, first.code.as_str()), (Some(9), "DATABASE_LOCKED"), "{first:?}");
    holder.execute_batch("ROLLBACK").expect("freed");
    assert_eq!(centre.count("SELECT COUNT(*) FROM station_journal"), 0, "the card was not touched");
    let again = told(&centre.station().output().expect("the program starts"));
    assert_eq!(again.exit, Some(0), "{again:?}");
    centre.assert_made();
}

#[test]
fn a_station_whose_readers_go_away_says_so_and_goes_on_when_they_are_back() {
    let mut centre = Centre::with_card();
    centre.unplug();
    let gone = told(&centre.station().output().expect("the program starts"));
    assert_eq!(gone.exit, Some(5), "{gone:?}");
    centre.plug();
    // The daemon ends while the card is written.
    let mut station = centre.station();
    station.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let mut running = station.spawn().expect("the program starts");
    while centre.count("SELECT COUNT(*) FROM station_journal") < 2 && running.try_wait().expect("a state").is_none() {
        std::thread::yield_now();
    }
    centre.unplug();
    let ended = running.wait_with_output().expect("ends");
    let said = String::from_utf8_lossy(&ended.stdout).into_owned();
    let told = told(&ended);
    if centre.count("SELECT COUNT(*) FROM card WHERE state = 'sealed'") == 0 {
        assert_eq!(told.exit, Some(10), "{told:?} {said}");
        assert!(said.contains("\"unfinished\":[1]"), "the card in doubt is named: {said}");
    }
    centre.plug();
    let again = crate::centre::told(&centre.station().output().expect("the program starts"));
    assert!(again.exit == Some(0) || told.exit == Some(0), "{again:?}");
    centre.assert_made();
}

#[test]
fn a_clock_that_jumps_while_a_card_is_written_changes_no_order() {
    let mut centre = Centre::with_card();
    let kept = centre.keep();
    for seconds in [-FAR, FAR] {
        centre.begin_again(&kept);
        let mut station = centre.station();
        centre.faults.under(&mut station, &centre.data(), "", Act::Clock(seconds), Moment { commits: 2, at: 4 });
        let first = told(&station.output().expect("the program starts"));
        assert_eq!(first.exit, Some(0), "{seconds}: {first:?}");
        // The jump is in the journal, and the order is not the clock's.
        let jumped = "SELECT COUNT(*) FROM station_journal a JOIN station_journal b ON b.sequence = a.sequence + 1
                      WHERE abs(julianday(b.at) - julianday(a.at)) > 3000";
        assert_eq!(centre.count(jumped), 1, "{seconds}");
        let last = "SELECT COUNT(*) FROM station_journal WHERE event = 'done'
                    AND sequence = (SELECT MAX(sequence) FROM station_journal)";
        assert_eq!(centre.count(last), 1, "{seconds}");
        centre.assert_made();
    }
}
