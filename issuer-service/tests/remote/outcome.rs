//! Outcomes that the centre does not take at once: kept until it has decided, and not longer.

use issuer_service::error::Explain;
use issuer_service::exit::Exit;
use issuer_service::station::line_failure::LineError;
use issuer_service::station::wire::Ask;

use crate::hall::{Hall, Meddled, Place};
use crate::intruder::{CHIP, ask, begin, bind, jobs, message};
use crate::rig::blank;

fn journal(place: &Place) -> (usize, usize) {
    let text = std::fs::read_to_string(place.path().join("station.journal")).expect("journal");
    let count = |word: &str| text.lines().filter(|line| line.starts_with(word)).count();
    (count("send "), count("done "))
}

/// A run whose operator loses the role just before the outcome of the card comes to the centre.
fn deposed(hall: &Hall, place: &Place, card: &card_sim::Socket) {
    let folder = hall.rig.centre.folder.clone();
    let deposed = "DELETE FROM operator_role WHERE operator = 'sun'";
    let happens = move || drop(crate::ask::ask(&folder, deposed).expect("deposed"));
    let line = Meddled::new(hall.https(place), "\"finish\"", happens);
    let error = hall.run(place, Box::new(line), vec![vec![card.clone()]]).expect_err("refused");
    assert_eq!(error.code(), "OPERATOR_ROLE_MISSING");
    assert_eq!(hall.rig.count("SELECT COUNT(*) FROM receipt"), 0);
    assert_eq!(journal(place), (1, 0), "the outcome is kept");
    hall.rig.execute("INSERT INTO operator_role (operator, role) VALUES ('sun', 'station')");
}

#[test]
fn an_outcome_that_is_refused_for_now_is_kept_and_sent_again_by_the_next_run() {
    let mut hall = Hall::new(1);
    let place = hall.place("east");
    deposed(&hall, &place, &blank(1));
    // The card is gone; what was done with it is not.
    let summary = hall.run(&place, Box::new(hall.https(&place)), vec![Vec::new()]).expect("run");
    assert_eq!((summary.made, summary.left), (0, 0));
    hall.rig.assert_complete(1, 0);
    assert_eq!(journal(&place), (1, 1));
    let files = std::fs::read_dir(place.path().join("receipts")).expect("receipts").count();
    assert_eq!(files, 1, "with its receipt");
}

#[test]
fn an_outcome_that_another_one_of_its_card_has_overtaken_is_kept_no_longer() {
    let mut hall = Hall::new(1);
    let place = hall.place("east");
    let card = blank(1);
    deposed(&hall, &place, &card);
    // Still refused at the beginning of the next run, allowed again when the card is back in the reader.
    hall.rig.execute("DELETE FROM operator_role WHERE operator = 'sun'");
    let folder = hall.rig.centre.folder.clone();
    let again = "INSERT INTO operator_role (operator, role) VALUES ('sun', 'station')";
    let line =
        Meddled::new(hall.https(&place), "\"begin\"", move || drop(crate::ask::ask(&folder, again).expect("again")));
    let summary = hall.run(&place, Box::new(line), vec![vec![card]]).expect("run");
    assert_eq!((summary.made, summary.left), (1, 0));
    hall.rig.assert_complete(1, 0);
    let (sent, done) = journal(&place);
    assert_eq!((sent, done), (2, 2), "the first outcome is settled with the second");
}

#[test]
fn a_refusal_is_final_when_sending_again_could_change_nothing() {
    let refused = |code| LineError::refused(code, String::new(), Exit::Refused).is_final();
    for code in ["STATE_MOVED", "STATION_READ_BACK_DIFFERS", "STATION_JOB_NOT_YOURS", "STATION_MESSAGE_REUSED"] {
        assert!(refused(code), "{code}");
    }
    for code in [
        "OPERATOR_ROLE_MISSING",
        "OPERATOR_UNKNOWN",
        "STATION_REVOKED",
        "STATION_EXPIRED",
        "STATION_MESSAGE_MALFORMED",
        "CARD_CONTENT",
        "ROW_EXISTS",
        "A_CODE_OF_A_LATER_CENTRE",
    ] {
        assert!(!refused(code), "{code}");
    }
    assert!(!LineError::Unreachable { centre: String::new() }.is_final());
}

#[test]
fn a_card_whose_persons_data_change_while_a_station_writes_it_is_written_anew_and_nobody_is_accused() {
    for word in ["\"bind\"", "\"finish\""] {
        let mut hall = Hall::new(1);
        let place = hall.place("east");
        let line = Meddled::new(hall.https(&place), word, hall.rig.moving(1, "新示范路77号"));
        let summary = hall.run(&place, Box::new(line), vec![vec![blank(1)]]).expect("run");
        assert_eq!((summary.made, summary.spoilt), (1, 0), "{word}");
        assert_eq!(hall.rig.events.names(), ["begun", "resumed", "made"], "{word}");
        hall.rig.assert_complete(1, 0);
        assert_eq!(hall.rig.count("SELECT COUNT(*) FROM audit WHERE act = 'station.refused'"), 0, "{word}");
        assert_eq!(journal(&place), (2, 2), "{word}: nothing is kept");
    }
}

#[test]
fn readers_that_write_side_by_side_are_all_told_and_none_is_accused() {
    let mut hall = Hall::new(2);
    let place = hall.place("east");
    let (one, two) = (hall.rig.moving(1, "新示范路77号"), hall.rig.moving(2, "新示范路78号"));
    let both = move || {
        one();
        two();
    };
    let line = Meddled::new(hall.https(&place), "\"finish\"", both);
    let summary = hall.run(&place, Box::new(line), vec![vec![blank(1)], vec![blank(2)]]).expect("run");
    assert_eq!((summary.made, summary.spoilt), (2, 0));
    hall.rig.assert_complete(2, 0);
    assert_eq!(hall.rig.count("SELECT COUNT(*) FROM audit WHERE act = 'station.refused'"), 0);
}

#[test]
fn what_became_known_meanwhile_and_goes_onto_no_card_spoils_this_card_and_stops_nobody() {
    let mut hall = Hall::new(2);
    let place = hall.place("east");
    let line = Meddled::new(hall.https(&place), "\"finish\"", hall.rig.moving(1, "𠮷祥路1号"));
    let summary = hall.run(&place, Box::new(line), vec![vec![blank(1), blank(2)]]).expect("run");
    assert_eq!(summary.made, 1, "{:?}", hall.rig.events.names());
    assert_eq!(hall.rig.events.names(), ["begun", "refused", "begun", "made"]);
    assert_eq!(hall.rig.count("SELECT COUNT(*) FROM audit WHERE act = 'station.refused'"), 0);
    assert_eq!(hall.rig.text("SELECT detail FROM station_journal WHERE event = 'set-aside'"), "content");
}

#[test]
fn who_goes_on_to_claim_older_data_than_it_was_given_is_told_its_fault_at_last() {
    let mut hall = Hall::new(1);
    let place = hall.place("east");
    let line = hall.https(&place);
    begin(&line);
    assert_eq!(jobs(&line, 2, 1), [1]);
    assert_eq!(bind(&line, 3, 1, CHIP).1, "bound");
    hall.rig.moving(1, "新示范路77号")();
    let older = |id| {
        let older = Ask::Finish { job: 1, steps: 3, read_back: "00".to_owned(), changes: 0, to_print: false };
        ask(&line, &message(id, older))
    };
    let anew = (403, "STATION_DATA_CHANGED".to_owned());
    for id in 4..12 {
        assert_eq!(older(id), anew, "{id}");
        assert_eq!(jobs(&line, id + 20, 1), [1]);
    }
    assert_eq!(older(4), anew, "the same message, whose answer was lost");
    assert_eq!(older(12), (422, "STATION_READ_BACK_DIFFERS".to_owned()));
    assert_eq!(hall.rig.count("SELECT COUNT(*) FROM audit WHERE act = 'station.refused'"), 1);
    // What changes after that it may not have yet.
    hall.rig.moving(1, "新示范路78号")();
    assert_eq!(older(13), anew);
}

#[test]
fn what_was_read_back_wrong_of_data_given_anew_is_the_stations_fault() {
    let mut hall = Hall::new(1);
    let place = hall.place("east");
    let line = hall.https(&place);
    begin(&line);
    assert_eq!(jobs(&line, 2, 1), [1]);
    assert_eq!(bind(&line, 3, 1, CHIP).1, "bound");
    let finish = |id| {
        ask(
            &line,
            &message(id, Ask::Finish { job: 1, steps: 3, read_back: "00".to_owned(), changes: 0, to_print: false }),
        )
    };
    hall.rig.moving(1, "新示范路77号")();
    assert_eq!(finish(4), (403, "STATION_DATA_CHANGED".to_owned()));
    // No station was given data that never were, or that changed more often than they have.
    for (id, changes) in [(11, -1), (12, 2)] {
        let never = Ask::Finish { job: 1, steps: 3, read_back: "00".to_owned(), changes, to_print: false };
        assert_eq!(ask(&line, &message(id, never)), (400, "STATION_MESSAGE_MALFORMED".to_owned()), "{changes}");
    }
    assert_eq!(hall.rig.count("SELECT COUNT(*) FROM audit WHERE act = 'station.refused'"), 0);
    assert_eq!(jobs(&line, 5, 1), [1]);
    let finish = |id| {
        let ask_of_now = Ask::Finish { job: 1, steps: 3, read_back: "00".to_owned(), changes: 1, to_print: false };
        ask(&line, &message(id, ask_of_now))
    };
    assert_eq!(finish(6), (422, "STATION_READ_BACK_DIFFERS".to_owned()));
    assert_eq!(hall.rig.count("SELECT COUNT(*) FROM audit WHERE act = 'station.refused'"), 1);
}
