//! Peers that are not who they say, and stations that ask for what is not theirs.

use issuer_service::error::Explain;
use issuer_service::exit::Exit;
use issuer_service::http::call::{Caller, Carrier, Https, Identity};
use issuer_service::lang::Lang;
use issuer_service::peer;
use issuer_service::station::line_failure::LineError;
use issuer_service::station::wire::{ASK_PATH, Ask, JOBS_PATH, JobLine, Message, Operation};

use crate::hall::{Hall, Place, Seen, Tapped};
use crate::rig::blank;

pub(crate) fn message(id: u8, ask: Ask) -> Message {
    Message { id: format!("{id:032X}"), operator: "sun".to_owned(), reader: "desk 0".to_owned(), ask }
}

/// Status and code of what is answered.
pub(crate) fn ask(line: &Https, message: &Message) -> (u16, String) {
    let carried = line.carry(ASK_PATH, &Caller::text(message)).expect("an answer");
    let body: serde_json::Value = serde_json::from_str(&carried.lines.concat()).expect("JSON");
    let word = body["code"].as_str().or_else(|| body["answer"].as_str()).expect("a word");
    (carried.status, word.to_owned())
}

pub(crate) fn jobs(line: &Https, id: u8, share: u32) -> Vec<i64> {
    let text = Caller::text(&message(id, Ask::Jobs { batch: 1, share, after: 0 }));
    let carried = line.carry(JOBS_PATH, &text).expect("an answer");
    assert_eq!(carried.status, 200, "{:?}", carried.lines);
    let lines = carried.lines.iter().map(|line| serde_json::from_str(line).expect("a line"));
    lines.filter_map(|line| if let JobLine::Job(job) = line { Some(job.job) } else { None }).collect()
}

pub(crate) fn begin(line: &Https) {
    let profile = issuer_service::centre::CardType::national(issuer_service::centre::Cards::Tdes).digest;
    let ask_it = Ask::Begin { batch: 1, readers: vec!["desk 0".to_owned()], lot: None, place: None, profile };
    assert_eq!(ask(line, &message(1, ask_it)), (200, "begun".to_owned()));
}

pub(crate) fn bind(line: &Https, id: u8, job: i64, chip: &str) -> (u16, String) {
    let (chip, job) = (chip.to_owned(), Some(job));
    ask(line, &message(id, Ask::Bind { batch: 1, chip, job, made: None, lot: None, place: None }))
}

pub(crate) const CHIP: &str = "0081314733158650513300000000AA";
pub(crate) const OTHER_CHIP: &str = "0081314733158650513300000000BB";

#[test]
fn jobs_on_lease_are_one_station_s_until_it_is_revoked_and_never_more_than_its_share() {
    let mut hall = Hall::new(5);
    let (east, west) = (hall.place("east"), hall.place("west"));
    let (east_line, west_line) = (hall.https(&east), hall.https(&west));
    begin(&east_line);
    assert_eq!(jobs(&east_line, 2, 2), [1, 2]);
    assert_eq!(jobs(&east_line, 3, 2), [1, 2], "asked again, the same");
    begin(&west_line);
    assert_eq!(jobs(&west_line, 2, 200), [3, 4, 5]);
    assert_eq!(jobs(&east_line, 4, 200), [1, 2], "the others are taken");
    assert_eq!(bind(&west_line, 5, 1, CHIP), (200, "gone".to_owned()), "it may have been its own once");
    assert_eq!(hall.rig.count("SELECT COUNT(*) FROM card"), 0);
    assert_eq!(bind(&west_line, 6, 3, CHIP), (200, "bound".to_owned()));
    assert_eq!(bind(&east_line, 5, 1, CHIP), (200, "taken".to_owned()), "one chip, one person");
    let note = |job| Ask::Note { job, event: "pulled".to_owned(), detail: String::new() };
    let forged = Ask::Note { job: 3, event: "done".to_owned(), detail: String::new() };
    assert_eq!(ask(&west_line, &message(20, forged)), (400, "STATION_MESSAGE_MALFORMED".to_owned()));
    let nobody = Message { operator: "li".to_owned(), ..message(21, note(3)) };
    assert_eq!(ask(&west_line, &nobody), (403, "OPERATOR_ROLE_MISSING".to_owned()));
    assert_eq!(ask(&east_line, &message(7, note(3))), (403, "STATION_JOB_NOT_YOURS".to_owned()));
    let spoil = Ask::Spoil { job: 3, reason: "X".to_owned() };
    assert_eq!(ask(&east_line, &message(8, spoil)), (403, "STATION_JOB_NOT_YOURS".to_owned()));
    let refused = "SELECT COUNT(*) FROM audit WHERE act = 'station.refused' AND actor = 'station:east'";
    assert_eq!(hall.rig.count(refused), 2);

    peer::revoke(&mut hall.rig.centre.store, "west", "stolen", Some("sun")).expect("revoked");
    assert_eq!(ask(&west_line, &message(9, Ask::Look { batch: 1 })), (401, "STATION_REVOKED".to_owned()));
    assert_eq!(jobs(&east_line, 9, 200), [1, 2, 4, 5], "what waited is free, what was begun is not");
    let look = hall.rig.count("SELECT COUNT(*) FROM job WHERE state = 'writing'");
    assert_eq!(look, 1, "its card is finished at the centre, or declared lost there");
}

#[test]
fn a_message_sent_again_has_one_effect_and_its_id_takes_no_other_message() {
    let mut hall = Hall::new(2);
    let east = hall.place("east");
    let line = hall.https(&east);
    begin(&line);
    assert_eq!(jobs(&line, 2, 2), [1, 2]);
    assert_eq!(bind(&line, 3, 1, CHIP), (200, "bound".to_owned()));
    assert_eq!(bind(&line, 3, 1, CHIP), (200, "bound".to_owned()));
    assert_eq!(bind(&line, 3, 2, OTHER_CHIP), (403, "STATION_MESSAGE_REUSED".to_owned()));
    let spoil = |id, reason: &str| message(id, Ask::Spoil { job: 1, reason: reason.to_owned() });
    for status in ["created", "exists"] {
        let carried = line.carry(ASK_PATH, &Caller::text(&spoil(4, "CARD_REFUSED"))).expect("an answer");
        let body: serde_json::Value = serde_json::from_str(&carried.lines.concat()).expect("JSON");
        assert_eq!((&body["status"], &body["next_job"]), (&status.into(), &3.into()), "{body}");
    }
    assert_eq!(ask(&line, &spoil(4, "OTHER")), (403, "STATION_MESSAGE_REUSED".to_owned()));
    assert_eq!(hall.rig.count("SELECT COUNT(*) FROM job"), 3, "spoilt once");
    for rubbish in ["", "{}", "[]", "{\"id\":\"\"}", &"x".repeat(100)] {
        let carried = line.carry(ASK_PATH, rubbish).expect("an answer");
        assert_eq!(carried.status, 400, "{rubbish}");
    }
    assert_eq!(line.carry(ASK_PATH, &"x".repeat(20_000)).expect("an answer").status, 413);
}

#[test]
fn a_cryptogram_is_given_for_the_plan_of_the_job_at_hand_and_for_nothing_else() {
    let mut hall = Hall::new(1);
    let east = hall.place("east");
    let line = hall.https(&east);
    begin(&line);
    assert_eq!(jobs(&line, 2, 1), [1]);
    let authenticate = |key: &str, version, data: &str| Operation::Authenticate {
        key: key.to_owned(),
        version,
        factor: "1122334455667788".to_owned(),
        data: data.to_owned(),
    };
    let wrap = |key: &str, protecting: &str, command: &str, header: &str| Operation::Wrap {
        key: key.to_owned(),
        version: 1,
        protecting: protecting.to_owned(),
        protecting_version: 1,
        command: command.to_owned(),
        header: header.to_owned(),
        iv: "1122334400000000".to_owned(),
    };
    let give = |id, job, operation| ask(&line, &message(id, Ask::Cryptogram { job, operation }));
    let plain = "0102030405060708";
    let refused = (403, "STATION_JOB_NOT_YOURS".to_owned());
    assert_eq!(give(3, 1, authenticate("UK1DF01", 1, plain)), refused, "no chip is bound yet");
    assert_eq!(bind(&line, 4, 1, CHIP).0, 200);
    // What the plan itself asks for, from a run of another station.
    let mut other = Hall::new(1);
    let place = other.place("west");
    let seen = std::sync::Arc::new(Seen::default());
    let tapped = Tapped { line: other.https(&place), cut: None, seen: seen.clone() };
    other.run(&place, Box::new(tapped), vec![vec![blank(1)]]).expect("run");
    let operations: Vec<Operation> =
        seen.texts.lock().expect("texts").iter().filter_map(|text| operation(text)).collect();
    let named = |operation: &Operation| matches!(operation, Operation::Authenticate { .. });
    let (first_auth, first_load) =
        (operations.iter().find(|one| named(one)), operations.iter().find(|one| !named(one)));
    let (first_auth, first_load) = (first_auth.expect("a proof").clone(), first_load.expect("a load").clone());
    assert_eq!(give(5, 1, first_auth.clone()), (200, "cryptogram".to_owned()));
    assert_eq!(give(6, 1, first_load.clone()), (200, "cryptogram".to_owned()));
    assert_eq!(give(7, 2, first_load.clone()), refused, "another job");

    let refused = (403, "STATION_KEY_REFUSED".to_owned());
    let Operation::Wrap { key, protecting, command, header, .. } = first_load else { panic!("a load") };
    assert_eq!(give(8, 1, wrap(&key, &protecting, &command, &header)), (200, "cryptogram".to_owned()));
    for (id, operation) in [
        // Of another card type, of a class that is never proved, with other plain, of another version.
        (10, authenticate("MKCERT", 1, plain)),
        (11, authenticate("TRANSPORT", 1, plain)),
        (12, authenticate("IRKSSSE", 1, plain)),
        (
            13,
            Operation::Authenticate {
                key: auth_key(&first_auth),
                version: 1,
                factor: plain.to_owned(),
                data: "00".repeat(8),
            },
        ),
        (14, authenticate(&auth_key(&first_auth), 2, plain)),
        // Under a key that the station may know, with another label, for another command.
        (16, wrap(&key, &key, &command, &header)),
        (17, wrap(&key, &auth_key(&first_auth), &command, &header)),
        (18, wrap(&key, &protecting, &command, "000000")),
        (19, wrap(&key, &protecting, "84D4000000", &header)),
        (20, wrap("EXPORT", &protecting, &command, &header)),
    ] {
        let named = operation.keys();
        assert_eq!(give(id, 1, operation), refused, "{named}");
    }
    assert_eq!(hall.rig.count("SELECT COUNT(*) FROM audit WHERE act = 'station.refused'"), 12);
    // What no plan could ask is no question: nothing of it is kept.
    let long = "K".repeat(5_000);
    for (id, operation) in [
        (
            21,
            Operation::Authenticate { key: long.clone(), version: 1, factor: plain.to_owned(), data: plain.to_owned() },
        ),
        (22, authenticate("UK1\nDF01", 1, plain)),
        (23, authenticate(&auth_key(&first_auth), 1, "xx")),
        (24, wrap(&key, &long, &command, &header)),
        (25, wrap(&key, &protecting, &"84".repeat(4_000), &header)),
    ] {
        assert_eq!(give(id, 1, operation), (400, "STATION_MESSAGE_MALFORMED".to_owned()));
    }
    assert_eq!(hall.rig.count("SELECT COUNT(*) FROM audit WHERE act = 'station.refused'"), 12);
    let given = hall.rig.count("SELECT cryptograms FROM station_job WHERE job = 1");
    assert_eq!(given, 3, "what is refused is not counted as given");
    // A card asks for so many and no more.
    hall.rig.execute("UPDATE station_job SET cryptograms = 1000000 WHERE job = 1");
    assert_eq!(give(30, 1, first_auth), (403, "STATION_KEY_LIMIT".to_owned()));
}

fn operation(text: &str) -> Option<Operation> {
    match Caller::message(text)?.ask {
        Ask::Cryptogram { operation, .. } => Some(operation),
        _ => None,
    }
}

fn auth_key(operation: &Operation) -> String {
    match operation {
        Operation::Authenticate { key, .. } | Operation::Wrap { key, .. } => key.clone(),
    }
}

#[test]
fn a_read_back_that_is_not_what_was_prepared_gets_no_receipt() {
    let mut hall = Hall::new(1);
    let east = hall.place("east");
    let line = hall.https(&east);
    begin(&line);
    assert_eq!(jobs(&line, 2, 1), [1]);
    assert_eq!(bind(&line, 3, 1, CHIP).0, 200);
    let finish = Ask::Finish { job: 1, steps: 99, read_back: "00".repeat(32), changes: 0, to_print: false };
    assert_eq!(ask(&line, &message(4, finish)), (422, "STATION_READ_BACK_DIFFERS".to_owned()));
    assert_eq!(hall.rig.count("SELECT COUNT(*) FROM receipt"), 0);
    assert_eq!(hall.rig.count("SELECT COUNT(*) FROM job WHERE state = 'writing'"), 1);
    assert_eq!(hall.rig.count("SELECT COUNT(*) FROM audit WHERE act = 'station.refused'"), 1);
}

#[test]
fn whoever_has_no_good_certificate_learns_nothing_and_a_false_centre_is_told_nothing() {
    let mut hall = Hall::new(1);
    let look = message(9, Ask::Look { batch: 1 });
    let fails =
        |hall: &Hall, place: &Place| hall.https(place).carry(ASK_PATH, &Caller::text(&look)).expect_err("refused");

    // The station's certificate has expired.
    let late = Place::expired(&hall.authority);
    for _ in 0..20 {
        // Told each time, also when it has sent its message before it could know.
        let error = fails(&hall, &late);
        assert!(matches!(&error, LineError::CertificateRefused { alert } if alert.contains("Expired")), "{error:?}");
        assert_eq!(error.exit(), Exit::Authentication);
    }

    // The certificate of one, the key of another: refused before anything is sent.
    let (east, west) = (hall.place("east"), hall.place("west"));
    assert!(Identity::read(&east.chain, &east.key).is_some());
    assert!(Identity::read(&east.chain, &west.key).is_none());

    // A certificate of another authority.
    let mut other = Hall::new(1);
    let foreign = other.place("west");
    let at_home = other.https(&foreign).carry(ASK_PATH, &Caller::text(&look)).expect("an answer");
    assert_eq!(at_home.status, 200);
    let base = std::mem::replace(&mut other.base, hall.base.clone());
    // It does not trust this centre, so that nothing is sent at all.
    assert!(matches!(fails(&other, &foreign), LineError::NotTrusted { .. }));
    other.base = base;

    // This authority's certificate that no operator has enrolled.
    let (key, request) = issuer_service::vault::authority::request("ghost").expect("request");
    let asked = issuer_service::vault::authority::Asked::read(&request).expect("a request");
    let ghost = hall.authority.certify(asked, "station", "ghost", 1).expect("certified");
    let identity = Identity::read(&ghost.chain, &key).expect("identity");
    let line = Https::new(&hall.base, identity, Lang::En).expect("address");
    assert_eq!(ask(&line, &look), (401, "STATION_UNKNOWN".to_owned()));

    // Without TLS nothing is said at all.
    let identity = Identity::read(&ghost.chain, &key).expect("identity");
    assert!(matches!(Https::new(&hall.base.replace("https", "http"), identity, Lang::En), Err(LineError::Address)));
}
