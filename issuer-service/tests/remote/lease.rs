//! Jobs on lease: how long, to whom, and what an honest station meets that has lost one.

use issuer_service::centre::Centre;
use issuer_service::error::Explain;
use issuer_service::station::Ended;
use issuer_service::station::wire::Ask;

use crate::hall::{Hall, Meddled};
use crate::intruder::{CHIP, OTHER_CHIP, ask, begin, bind, jobs, message};
use crate::rig::blank;

const REFUSED: &str = "SELECT COUNT(*) FROM audit WHERE act = 'station.refused'";

#[test]
fn a_lease_that_has_ended_is_gone_and_accuses_nobody() {
    let mut hall = Hall::new(3);
    let (east, west) = (hall.place("east"), hall.place("west"));
    let (east, west) = (hall.https(&east), hall.https(&west));
    begin(&east);
    begin(&west);
    assert_eq!(jobs(&east, 2, 2), [1, 2]);
    hall.rig.execute("UPDATE station_job SET lease_until = '2020-01-01T00:00:00.000Z'");
    assert_eq!(jobs(&west, 2, 200), [1, 2, 3]);
    assert_eq!(bind(&east, 3, 1, CHIP), (200, "gone".to_owned()));
    // The person of a job has died since it was given on lease.
    hall.rig.execute("INSERT INTO person_death (person, died_on, reason, operator, recorded_at) VALUES (2, '20260101', 'seen', 'li', '')");
    assert_eq!(bind(&west, 3, 2, CHIP), (200, "gone".to_owned()));
    assert_eq!(bind(&west, 4, 1, CHIP), (200, "bound".to_owned()));
    assert_eq!(hall.rig.count(REFUSED), 0);
    assert_eq!(hall.rig.count("SELECT COUNT(*) FROM card"), 1);
}

#[test]
fn a_run_whose_leases_have_ended_drops_them_and_goes_on_with_others_on_all_readers() {
    let mut hall = Hall::new(4);
    let east = hall.place("east");
    let folder = hall.rig.centre.folder.clone();
    let taken = "UPDATE station_job SET station = 'west', lease_until = '2999-01-01T00:00:00.000Z' WHERE job IN (1, 2)";
    let happens = move || drop(crate::ask::ask(&folder, taken).expect("taken"));
    let line = Meddled::new(hall.https(&east), "\"bind\"", happens);
    let cards = vec![vec![blank(1), blank(2)], vec![blank(11), blank(12)]];
    let summary = hall.run(&east, Box::new(line), cards).expect("a run");
    assert_eq!((summary.made, summary.spoilt, summary.left), (2, 0, 2));
    assert_eq!(hall.rig.count(REFUSED), 0);
    assert_eq!(hall.rig.count("SELECT COUNT(*) FROM job WHERE state = 'done' AND number IN (3, 4)"), 2);
}

#[test]
fn a_station_is_told_when_only_others_have_what_is_left() {
    let mut hall = Hall::new(2);
    let (east, west) = (hall.place("east"), hall.place("west"));
    let line = hall.https(&east);
    begin(&line);
    assert_eq!(jobs(&line, 2, 2), [1, 2]);
    let run = |hall: &Hall, serials: [u8; 2]| {
        let cards = serials.map(blank).to_vec();
        let summary = hall.run(&west, Box::new(hall.https(&west)), vec![cards]).expect("a run");
        let ended: Vec<Ended> = summary.readers.iter().map(|reader| reader.ended).collect();
        (summary.made, ended)
    };
    assert_eq!(run(&hall, [11, 12]), (0, vec![Ended::OnLease]));
    hall.rig.execute("UPDATE station_job SET lease_until = '2020-01-01T00:00:00.000Z'");
    assert_eq!(run(&hall, [11, 12]), (2, vec![Ended::NothingLeft]));
}

#[test]
fn what_a_station_has_on_lease_is_kept_for_it_while_it_works() {
    let mut hall = Hall::new(3);
    let east = hall.place("east");
    let line = hall.https(&east);
    begin(&line);
    assert_eq!(jobs(&line, 2, 3), [1, 2, 3]);
    let kept = "SELECT COUNT(*) FROM station_job WHERE lease_until > '2026-01-01'";
    let ends = "UPDATE station_job SET lease_until = '2020-01-01T00:00:00.000Z'";
    hall.rig.execute(ends);
    assert_eq!(ask(&line, &message(3, Ask::Look { batch: 1 })), (200, "look".to_owned()));
    assert_eq!(hall.rig.count(kept), 3, "asked whether there is work");
    hall.rig.execute(ends);
    assert_eq!(bind(&line, 4, 2, CHIP), (200, "bound".to_owned()));
    assert_eq!(hall.rig.count(kept), 3, "a chip bound");
}

#[test]
fn whose_data_leave_the_house_is_recorded_with_the_lease() {
    let mut hall = Hall::new(5);
    let east = hall.place("east");
    let line = hall.https(&east);
    begin(&line);
    for id in [2, 3] {
        assert_eq!(jobs(&line, id, 2), [1, 2]);
    }
    assert_eq!(bind(&line, 4, 1, OTHER_CHIP).0, 200);
    assert_eq!(jobs(&line, 5, 3), [1, 2, 3, 4]);
    let told = hall.rig.text(
        "SELECT string_agg(actor || ': ' || object || ', ' || detail, '; ') FROM (SELECT * FROM audit
         WHERE act = 'station.lease' ORDER BY sequence) a",
    );
    assert_eq!(told, "sun: batch 1, 2 jobs, 1 to 2 at station east; sun: batch 1, 2 jobs, 3 to 4 at station east");
}

#[test]
fn a_lease_of_no_minutes_is_no_configuration() {
    let hall = Hall::new(1);
    let folder = &hall.rig.centre.folder;
    let path = folder.join("centre.toml");
    let text = std::fs::read_to_string(&path).expect("configuration");
    for (minutes, good) in [("0", false), ("1", true), ("65535", true), ("65536", false), ("-1", false)] {
        std::fs::write(&path, format!("{text}\n[stations]\nlease_minutes = {minutes}\n")).expect("written");
        match Centre::open(folder) {
            Ok(_) => assert!(good, "{minutes}"),
            Err(error) => assert!(!good && error.code() == "CONFIG_INVALID", "{minutes}: {error}"),
        }
    }
}

#[test]
fn a_person_disputed_since_the_lease_is_set_aside_and_the_stations_go_on() {
    let mut hall = Hall::new(3);
    let east = hall.place("east");
    let folder = hall.rig.centre.folder.clone();
    let dispute = "UPDATE person SET no_card = 'conflict' WHERE id = 1";
    let happens = move || drop(crate::ask::ask(&folder, dispute).expect("said"));
    let line = Meddled::new(hall.https(&east), "\"bind\"", happens);
    let summary = hall.run(&east, Box::new(line), vec![vec![blank(1), blank(2), blank(3)]]).expect("a run");
    assert_eq!((summary.made, summary.left), (2, 0));
    let told: Vec<(i64, i64, &str)> =
        summary.set_aside.iter().map(|one| (one.job, one.person, one.why.name())).collect();
    assert_eq!(told, [(1, 1, "conflict")]);
    assert_eq!(hall.rig.count(REFUSED), 0);
    assert_eq!(hall.rig.text("SELECT state FROM batch"), "finished");
    assert_eq!(
        hall.rig.count("SELECT COUNT(*) FROM station_job s JOIN job j ON j.number = s.job WHERE j.state = 'spoilt'"),
        0
    );
}
