//! What a station may ask only in a run that it has begun, and of what it has at hand.

use std::sync::Barrier;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use issuer_service::ceremony::{Room, Start};
use issuer_service::http::call::{Caller, Carrier, Https};
use issuer_service::http::connection::Limits;
use issuer_service::lang::Lang;
use issuer_service::photo::intake::{self, Order};
use issuer_service::photo::rules::Rules;
use issuer_service::station::care::{self, HoldKind};
use issuer_service::station::wire::{ASK_PATH, Ask, JOBS_PATH, Message, Operation};
use zeroize::Zeroizing;

use crate::drawn::photo;
use crate::hall::{Hall, https};
use crate::intruder::{CHIP, OTHER_CHIP, ask, begin, bind, jobs, message};
use crate::rig::blank;

fn refused_jobs(line: &Https, id: u8) -> String {
    let text = Caller::text(&message(id, Ask::Jobs { batch: 1, share: 5, after: 0 }));
    let carried = line.carry(JOBS_PATH, &text).expect("an answer");
    let body: serde_json::Value = serde_json::from_str(&carried.lines.concat()).expect("JSON");
    body["code"].as_str().expect("a code").to_owned()
}

fn word(code: &str) -> (u16, String) {
    let status = if code.chars().all(char::is_lowercase) { 200 } else { 403 };
    (status, code.to_owned())
}

#[test]
fn nobody_is_told_of_and_nothing_is_bound_before_a_run_has_begun() {
    let mut hall = Hall::new(2);
    let (east, west) = (hall.place("east"), hall.place("west"));
    let (east, west) = (hall.https(&east), hall.https(&west));
    assert_eq!(refused_jobs(&east, 2), "BATCH_STATE");
    hall.rig.execute("INSERT INTO station_job (job, station, lease_until, cryptograms) VALUES (1, 'east', '2999', 0)");
    assert_eq!(bind(&east, 3, 1, CHIP), word("BATCH_STATE"));
    begin(&west);
    assert_eq!(refused_jobs(&east, 4), "STATION_NOT_BEGUN");
    assert_eq!(bind(&east, 5, 1, CHIP), word("STATION_NOT_BEGUN"));
    assert_eq!(hall.rig.count("SELECT COUNT(*) FROM card"), 0);
    assert_eq!(hall.rig.count("SELECT COUNT(*) FROM audit WHERE act = 'station.lease'"), 0);
    begin(&east);
    assert_eq!(jobs(&east, 6, 1), [1]);
    assert_eq!(bind(&east, 7, 1, CHIP), word("bound"));
    // Revoked and enrolled again, it begins again.
    issuer_service::peer::revoke(&mut hall.rig.centre.store, "east", "moved", Some("sun")).expect("revoked");
    let again = hall.place("east");
    assert_eq!(refused_jobs(&hall.https(&again), 8), "STATION_NOT_BEGUN");
}

#[test]
fn a_reader_or_lot_that_is_held_binds_nothing_more_and_another_stations_reader_of_its_name_does() {
    let mut hall = Hall::new(9);
    let (east, west) = (hall.place("east"), hall.place("west"));
    let (east, west) = (hall.https(&east), hall.https(&west));
    begin(&east);
    begin(&west);
    assert_eq!(jobs(&east, 2, 3), [1, 2, 3]);
    assert_eq!(jobs(&west, 2, 6), [4, 5, 6, 7, 8, 9]);
    for id in [3, 4] {
        let hold = message(id, Ask::Hold { reason: "TOO_MANY_FAILURES".to_owned() });
        assert_eq!(ask(&east, &hold), word("done"));
    }
    assert_eq!(bind(&east, 5, 1, CHIP), word("READER_HELD"));
    assert_eq!(bind(&west, 3, 4, CHIP), word("bound"));
    let other = Ask::Bind { batch: 1, chip: OTHER_CHIP.to_owned(), job: Some(1), made: None, lot: None, place: None };
    assert_eq!(ask(&east, &Message { reader: "desk 1".to_owned(), ..message(6, other) }), word("bound"));
    let told = hall.rig.text("SELECT actor || ': ' || object || ', ' || detail FROM audit WHERE act = 'station.hold'");
    assert_eq!(told, "sun: reader desk 0, TOO_MANY_FAILURES at station east");
    let store = &mut hall.rig.centre.store;
    let holds = store.read(|tx| tx.holds()).expect("holds");
    assert_eq!(
        holds.iter().map(|hold| (hold.station.as_str(), hold.name.as_str())).collect::<Vec<_>>(),
        [("east", "desk 0")]
    );
    let centres = care::release(store, HoldKind::Reader, ("", "desk 0"), "looked", Some("sun"));
    assert!(centres.is_err(), "the centre's own reader of this name is not held");
    care::release(store, HoldKind::Reader, ("east", "desk 0"), "looked", Some("sun")).expect("released");
    let yields = store.read(|tx| tx.reader_yield(None)).expect("yield");
    let told: Vec<_> = yields.iter().map(|row| (row.station.as_str(), row.name.as_str(), row.begun)).collect();
    assert_eq!(told, [("east", "desk 1", 1), ("west", "desk 0", 1)]);

    // Five cards of a lot fail at one station: the lot is held everywhere.
    let of_lot = |id: u8, job: i64| {
        let chip = format!("00813147331586505133000000001{id:X}").chars().take(30).collect();
        message(id, Ask::Bind { batch: 1, chip, job: Some(job), made: None, lot: Some("L-7".to_owned()), place: None })
    };
    for (id, job) in (5..=9).zip(5..=9) {
        assert_eq!(ask(&west, &of_lot(id, job)), word("bound"), "{job}");
        let spoil = message(id + 10, Ask::Spoil { job, reason: "CARD_REFUSED".to_owned() });
        assert_eq!(ask(&west, &spoil), word("spoilt"));
    }
    let bad = Caller::text(&message(30, Ask::Lot { lot: "L-7".to_owned(), percent: 10 }));
    let carried = west.carry(ASK_PATH, &bad).expect("an answer");
    assert!(carried.lines.concat().contains("\"bad\":true"), "{:?}", carried.lines);
    assert_eq!(ask(&east, &of_lot(31, 2)), word("LOT_HELD"));
    assert_eq!(bind(&east, 32, 2, "0081314733158650513300000000CC"), word("bound"), "of another lot");
}

#[test]
fn a_note_fits_the_state_of_its_card_and_a_photo_is_of_a_card_at_hand() {
    let mut hall = Hall::new(2);
    let east = hall.place("east");
    let line = hall.https(&east);
    begin(&line);
    assert_eq!(jobs(&line, 2, 2), [1, 2]);
    let note = |id, job, event: &str, detail: &str| {
        let (event, detail) = (event.to_owned(), detail.to_owned());
        ask(&line, &message(id, Ask::Note { job, event, detail }))
    };
    let moved = (409, "STATE_MOVED".to_owned());
    let malformed = (400, "STATION_MESSAGE_MALFORMED".to_owned());
    let shown = |id, job| ask(&line, &message(id, Ask::Photo { job }));
    let df = &issuer_service::centre::Centre::card_profile().df[1].id;
    assert_eq!(note(3, 1, "keys", df), moved, "it only waits");
    assert_eq!(shown(4, 1), word("STATION_JOB_NOT_YOURS"));
    assert_eq!(bind(&line, 5, 1, CHIP), word("bound"));
    assert_eq!(shown(6, 1), word("photo"));
    assert_eq!(note(7, 1, "keys", df), word("done"));
    assert_eq!(note(8, 1, "keys", "DF77"), malformed, "no directory of the card type");
    assert_eq!(note(9, 1, "pulled", "CARD_REMOVED"), word("done"));
    assert_eq!(note(10, 1, "pulled", "a name, perhaps"), malformed);
    assert_eq!(note(11, 1, "done", ""), malformed);
    assert_eq!(note(12, 1, "printed", ""), moved, "it is not made");
    let spoil = message(13, Ask::Spoil { job: 1, reason: "CARD_REFUSED".to_owned() });
    assert_eq!(ask(&line, &spoil), word("spoilt"));
    assert_eq!(note(14, 1, "keys", df), moved);
    let (key, data) = ("TRANSPORT".to_owned(), "0102030405060708".to_owned());
    let operation = Operation::Authenticate { key, version: 1, factor: data.clone(), data };
    assert_eq!(ask(&line, &message(19, Ask::Cryptogram { job: 1, operation })), moved, "spoilt, and no offence");
    assert_eq!(shown(15, 1), word("STATION_JOB_NOT_YOURS"));
    let made = hall.run(&east, Box::new(hall.https(&east)), vec![vec![blank(1)]]).expect("run");
    assert_eq!(made.made, 1);
    assert_eq!(shown(16, 2), word("photo"));
    assert_eq!(note(17, 2, "printed", ""), word("done"));
    assert_eq!(note(18, 2, "away", ""), moved);
    assert_eq!(hall.rig.count("SELECT COUNT(*) FROM station_journal WHERE job = 1 AND event = 'keys'"), 1);
    assert_eq!(hall.rig.count("SELECT COUNT(*) FROM audit WHERE act = 'station.refused'"), 2, "two photos");
}

#[test]
fn the_photo_of_the_holder_comes_over_the_line_whole() {
    let mut hall = Hall::new(1);
    let order = Order { rules: &Rules::default(), chip_bytes: 4_096, actor: "li", lang: Lang::En };
    intake::add(&mut hall.rig.centre.store, &order, 1, photo(1)).expect("taken");
    let east = hall.place("east");
    let line = hall.https(&east);
    begin(&line);
    assert_eq!(jobs(&line, 2, 1), [1]);
    assert_eq!(bind(&line, 3, 1, CHIP), word("bound"));
    let text = Caller::text(&message(4, Ask::Photo { job: 1 }));
    let body = line.carry(ASK_PATH, &text).expect("an answer").lines.concat();
    let body: serde_json::Value = serde_json::from_str(&body).expect("JSON");
    assert_eq!(body["photo"], STANDARD.encode(photo(1)));
}

#[test]
fn the_row_of_a_holder_does_not_leave_the_house() {
    let mut hall = Hall::new(3);
    let east = hall.place("east");
    let line = hall.https(&east);
    begin(&line);
    assert_eq!(jobs(&line, 2, 3), [1, 2, 3]);
    let (chip, job) = (CHIP.to_owned(), Some(3));
    let bind = message(3, Ask::Bind { batch: 1, chip, job, made: None, lot: None, place: None });
    let begun = message(4, Ask::Jobs { batch: 1, share: 1, after: 2 });
    for (path, ask) in [(ASK_PATH, &bind), (ASK_PATH, &bind), (JOBS_PATH, &begun)] {
        let told = line.carry(path, &Caller::text(ask)).expect("an answer").lines;
        let body: serde_json::Value = serde_json::from_str(&told[0]).expect("JSON");
        assert_eq!((&body["card"]["job"], &body["card"]["person"]), (&3.into(), &0.into()), "{body}");
    }
}

#[test]
fn refusals_without_end_are_counted_and_not_written_down_each() {
    let mut hall = Hall::new(1);
    let east = hall.place("east");
    let line = hall.https(&east);
    begin(&line);
    for id in 1..=120 {
        let ask_it = Ask::Spoil { job: 77, reason: "X".to_owned() };
        assert_eq!(
            ask(&line, &Message { id: format!("{id:032X}"), ..message(1, ask_it) }),
            word("STATION_JOB_NOT_YOURS")
        );
    }
    let told = "SELECT COUNT(*) FROM audit WHERE act = 'station.refused'";
    assert_eq!(hall.rig.count(told), 21);
    assert_eq!(hall.rig.count(&format!("{told} AND detail LIKE '%100 refusals within an hour'")), 1);
}

#[test]
fn a_message_that_comes_over_several_lines_at_once_has_one_effect_and_one_answer() {
    let mut hall = Hall::new(1);
    let east = hall.place("east");
    // Two processes serve it.
    let doors = [hall.base.clone(), hall.door(Limits::default())];
    let lines: Vec<Https> = (0..8).map(|n| https(&doors[n % 2], &east)).collect();
    begin(&lines[0]);
    assert_eq!(jobs(&lines[0], 2, 1), [1]);
    let at_once = |message: &Message| {
        let (text, start) = (Caller::text(message), Barrier::new(lines.len()));
        let carried: Vec<String> = std::thread::scope(|scope| {
            let send = |line| {
                let (text, start) = (&text, &start);
                move || {
                    start.wait();
                    Carrier::carry(line, ASK_PATH, text).expect("an answer").lines.concat()
                }
            };
            let threads: Vec<_> = lines.iter().map(|line: &Https| scope.spawn(send(line))).collect();
            threads.into_iter().map(|thread| thread.join().expect("a line")).collect()
        });
        let created = carried.iter().filter(|body| body.contains("\"created\"")).count();
        assert_eq!(created, 1, "{carried:?}");
        let answers: Vec<String> = carried.iter().map(|body| body.replace("\"created\"", "\"exists\"")).collect();
        assert!(answers.iter().all(|body| *body == answers[0]), "{carried:?}");
    };
    let chip = CHIP.to_owned();
    at_once(&message(3, Ask::Bind { batch: 1, chip, job: Some(1), made: None, lot: None, place: None }));
    at_once(&message(4, Ask::Spoil { job: 1, reason: "CARD_REFUSED".to_owned() }));
    assert_eq!(hall.rig.count("SELECT COUNT(*) FROM job"), 2);
    assert_eq!(hall.rig.count("SELECT COUNT(*) FROM audit WHERE act = 'station.refused'"), 0);
}

#[test]
fn keys_of_a_ceremony_are_used_without_a_new_start_of_the_centre() {
    let mut hall = Hall::new(2);
    let east = hall.place("east");
    assert_eq!(hall.run(&east, Box::new(hall.https(&east)), vec![vec![blank(1)]]).expect("run").made, 1);
    let passphrase = Zeroizing::new("p".to_owned());
    let custodians = ["zhou", "qian", "wu"].map(str::to_owned);
    let shares = hall.rig.centre.folder.join("shares");
    let (vault, centre) = (&hall.rig.vault, &mut hall.rig.centre);
    let mut room = Room { centre, vault, passphrase: &passphrase, operator: Some("zhou") };
    room.start(&Start { custodians: &custodians, threshold: 2, missing: false, restore: None }).expect("started");
    for custodian in &custodians {
        room.operator = Some(custodian);
        room.contribute(&format!("the secret of {custodian}"), "", None).expect("contributed");
    }
    room.finish(Some(&shares)).expect("finished");
    // The file that the serving process opened is another one here; it has not got the keys yet.
    let line = hall.https(&east);
    begin(&line);
    let job = jobs(&line, 2, 1)[0];
    assert_eq!(bind(&line, 3, job, CHIP), word("KEY_NOT_FOUND"));
    assert_eq!(hall.rig.count("SELECT COUNT(*) FROM card"), 1, "and nothing is bound under old ones");
    hall.rig.vault.reseal(&hall.rig.centre.folder.join("copy.vault"), "p").expect("sealed");
    assert_eq!(hall.run(&east, Box::new(hall.https(&east)), vec![vec![blank(2)]]).expect("run").made, 1);
    let body = hall.rig.text("SELECT body FROM receipt WHERE job = 2");
    assert!(body.contains("\"key_version\":2"), "{body}");
}
