//! People for whom no card can be made any more when a station comes to them: their jobs end, the others' cards are made.

use card_core::Session;
use card_core::transport::{Transport, TransportError};
use issuer_service::batch::aside::{self, Why};
use issuer_service::batch::{self, BatchError, Selection};
use issuer_service::card::Chip;
use issuer_service::error::Explain;
use issuer_service::lang::Lang;
use issuer_service::output::Show;
use issuer_service::person::dossier::Statement;
use issuer_service::person::field::{Field, Fields};
use issuer_service::registry;
use issuer_service::station::slot::Slot;
use issuer_service::store::StoreError;
use std::time::Duration;

use crate::rig::{Desk, Rig, blank, details};

/// Another source says another name.
fn said(rig: &mut Rig, person: u32, name: &str) {
    rig.centre
        .store
        .journal(|tx| -> Result<(), StoreError> {
            let mut details = details(person);
            (details.name, details.name_raw) = (name.to_owned(), name.to_owned());
            let said = Statement {
                source: 2,
                at: 2,
                import: 2,
                row: 1,
                details: &details,
                fields: Fields::ALL,
                taken_back: Fields::NONE,
            };
            registry::upsert(tx, &said).map(|_| ())
        })
        .expect("said");
}

fn decided(rig: &mut Rig, person: u32) {
    rig.centre
        .store
        .journal(|tx| -> Result<(), StoreError> {
            let id = i64::from(person);
            let mut dossier = tx.dossier(id)?.expect("registered");
            assert!(dossier.decide(Field::Name, Some(2), 3));
            tx.put_dossier(id, &dossier)
        })
        .expect("decided");
}

/// A name that no chip holds, and nobody has looked at what that means, as with a row that an older program wrote.
fn renamed(rig: &mut Rig, person: u32) {
    said(rig, person, "王\u{4DAE}");
    decided(rig, person);
    rig.execute("UPDATE person SET no_card = ''");
}

fn aside(rig: &mut Rig) -> Vec<(i64, i64, Why)> {
    let batch = rig.batch;
    let found = rig.centre.store.read(|tx| batch::found(tx, batch)).expect("the batch");
    found.set_aside.into_iter().map(|one| (one.job, one.person, one.why)).collect()
}

#[test]
fn a_name_disputed_since_the_approval_ends_its_job_and_no_other_one() {
    let mut rig = Rig::new(3);
    said(&mut rig, 2, "王测");
    let summary = rig.run(vec![(1..=3).map(blank).collect()]).expect("run");
    assert_eq!((summary.made, summary.spoilt, summary.left), (2, 0, 0));
    assert_eq!(aside(&mut rig), [(2, 2, Why::Conflict)]);
    assert_eq!(summary.set_aside.len(), 1);
    for (lang, words) in [(Lang::Zh, "任务 2 已搁置，人员 2"), (Lang::En, "job 2 set aside, person 2")] {
        let text = summary.text(lang);
        assert!(
            text.contains(words) && text.contains("batch create --remake 1") && text.contains("person merge"),
            "{text}"
        );
    }
    let found = rig.centre.store.read(|tx| batch::found(tx, 1)).expect("the batch");
    assert_eq!((found.state.as_str(), found.done, found.spoilt), ("finished", 2, 0), "no card was spoilt");
    // Its number is never used, its request waits, no blank card was taken.
    assert_eq!(
        rig.text("SELECT state FROM card_number WHERE number = (SELECT card_number FROM job WHERE number = 2)"),
        "spoilt"
    );
    assert_eq!(rig.count("SELECT COUNT(*) FROM card"), 2);
    assert_eq!(rig.text("SELECT state FROM card_request WHERE person = 2"), "open");
    assert_eq!(
        rig.text("SELECT object || ': ' || detail FROM audit WHERE act = 'job.set-aside'"),
        "job 2: conflict, person 2"
    );

    // Nobody is made again before it is decided.
    let early = batch::create(&mut rig.centre.store, &Selection::Refused(1), Some("li"));
    let Err(BatchError::NobodyLeft { passed_over }) = early else { panic!("{early:?}") };
    assert_eq!(passed_over.iter().map(|over| over.people).collect::<Vec<_>>(), [1]);
    decided(&mut rig, 2);
    let again = batch::create(&mut rig.centre.store, &Selection::Refused(1), Some("li")).expect("made again");
    assert_eq!((again.number, again.cards), (2, 1));
    batch::approve(&mut rig.centre.store, 2, Some("wang"), 'A').expect("approved");
    rig.batch = 2;
    assert_eq!(rig.run(vec![vec![blank(9)]]).expect("run").made, 1);
    assert_eq!(rig.count("SELECT COUNT(DISTINCT card_number) FROM job"), 4);
}

/// A reader with something that happens just before its first card.
struct Late(Desk, Option<Box<dyn FnOnce() + Send>>);

impl Slot for Late {
    fn name(&self) -> &str {
        self.0.name()
    }
    fn card(&mut self, wait: Duration) -> Result<Option<Box<dyn Transport>>, TransportError> {
        if let Some(happens) = self.1.take() {
            happens();
        }
        self.0.card(wait)
    }
    fn emptied(&mut self, wait: Duration) -> Result<bool, TransportError> {
        self.0.emptied(wait)
    }
    fn next(&mut self, wait: Duration) -> Result<bool, TransportError> {
        self.0.next(wait)
    }
    fn feeds(&self) -> bool {
        true
    }
}

#[test]
fn what_is_said_while_a_run_is_under_way_is_heard_before_the_next_card() {
    let mut rig = Rig::new(3);
    let folder = rig.centre.folder.clone();
    let dispute =
        move || drop(crate::ask::ask(&folder, "UPDATE person SET no_card = 'text' WHERE id = 1").expect("said"));
    let slot = Late(Desk::new(0, (1..=3).map(blank).collect()), Some(Box::new(dispute)));
    let summary = rig.run_slots(vec![Box::new(slot)]).expect("run");
    assert_eq!((summary.made, summary.left), (2, 0));
    assert_eq!(aside(&mut rig), [(1, 1, Why::Text)]);
    assert_eq!(rig.count("SELECT COUNT(*) FROM batch WHERE state = 'finished'"), 1);
}

#[test]
fn a_batch_of_people_who_cannot_have_a_card_ends_without_asking_for_one() {
    let mut rig = Rig::new(2);
    rig.execute(
        "UPDATE person SET no_card = 'conflict' WHERE id = 1;
         INSERT INTO person_death (person, died_on, reason, operator, recorded_at) VALUES (2, '20260101', 'seen', 'li', '')",
    );
    let untouched = Late(Desk::new(0, vec![blank(1)]), Some(Box::new(|| panic!("a card was asked for"))));
    let summary = rig.run_slots(vec![Box::new(untouched)]).expect("run");
    assert_eq!((summary.made, summary.left), (0, 0));
    assert_eq!(aside(&mut rig), [(1, 1, Why::Conflict), (2, 2, Why::Dead)]);
    assert_eq!(rig.text("SELECT state FROM card_request WHERE person = 2"), "withdrawn");
    assert_eq!(rig.count("SELECT COUNT(*) FROM batch WHERE state = 'finished'"), 1);
}

#[test]
fn details_that_do_not_fit_the_card_stop_nobody_elses() {
    let mut rig = Rig::new(3);
    renamed(&mut rig, 2);
    let summary = rig.run(vec![(1..=3).map(blank).collect()]).expect("run");
    assert_eq!((summary.made, summary.left), (2, 0));
    assert_eq!(aside(&mut rig), [(2, 2, Why::Content)]);
}

#[test]
fn a_card_begun_for_somebody_whose_name_no_longer_fits_is_spoilt_and_the_rest_is_made() {
    let mut rig = Rig::new(2);
    let begun = blank(1);
    let session = Session::new(Box::new(begun.connect().expect("card")));
    let chip = Chip::of(session.atr().expect("ATR").historical()).expect("a chip");
    drop(session);
    rig.execute(&format!(
        "UPDATE batch SET state = 'running'; UPDATE job SET state = 'writing' WHERE number = 1;
         INSERT INTO card (chip, job, person, card_number, card_identifier, profile, issue_date, valid_until, state, changed_at)
         VALUES ('{}', 1, 1, (SELECT card_number FROM job WHERE number = 1), '513300D1560000050000000100000000', 'ssc-3.0',
                 '20260101', '20360101', 'writing', '')",
        chip.as_str()
    ));
    renamed(&mut rig, 1);
    let summary = rig.run(vec![vec![begun, blank(2)]]).expect("run");
    assert_eq!((summary.made, summary.left), (1, 0));
    assert_eq!(rig.text("SELECT detail FROM station_journal WHERE job = 1 AND event = 'spoilt'"), "CARD_CONTENT");
    assert_eq!(aside(&mut rig), [(3, 1, Why::Content)], "the job that followed");
    assert_eq!(rig.text("SELECT state FROM batch"), "finished");
}

#[test]
fn what_the_centre_itself_would_write_wrong_stops_the_station_and_ends_no_job() {
    let mut rig = Rig::new(2);
    rig.centre.config.institution = "not an institution".to_owned();
    let error = rig.run(vec![vec![blank(1)]]).expect_err("stopped");
    assert_eq!(error.code(), "PLAN_VALUES");
    assert_eq!(rig.count("SELECT COUNT(*) FROM job WHERE state = 'waiting'"), 2);
    assert!(aside(&mut rig).is_empty());
}

#[test]
fn an_approver_ends_a_waiting_job_by_hand_with_a_reason() {
    let mut rig = Rig::new(2);
    let by = |rig: &mut Rig, job, who| aside::by_hand(&mut rig.centre.store, 1, job, "moved away", Some(who));
    assert_eq!(by(&mut rig, 1, "sun").expect_err("no approver").code(), "OPERATOR_ROLE_MISSING");
    assert_eq!(by(&mut rig, 9, "wang").expect_err("no such job").code(), "JOB_NOT_WAITING");
    rig.execute(
        "INSERT INTO exchange_file (number, task, batch, partner, partner_code, template, name, sha256, row_count, state,
             valid_until, data_key, body, made_by, made_at, changed_at)
         VALUES (1, 't', 1, 'bank', '7', 'x', 'x', '', 1, 'sent', '', 1, '', 'li', '', '');
         INSERT INTO exchange_row (file, line, job, partner, state, changed_at) VALUES (1, 1, 1, 'bank', 'exported', '')",
    );
    assert_eq!(by(&mut rig, 1, "wang").expect_err("the bank is asked").code(), "BATCH_PARTNER_ASKED");
    assert_eq!(by(&mut rig, 2, "wang").expect("set aside").waiting, 1);
    assert_eq!(by(&mut rig, 2, "wang").expect_err("once").code(), "JOB_NOT_WAITING");
    rig.execute("UPDATE exchange_row SET state = 'abandoned'");
    let batch = by(&mut rig, 1, "wang").expect("the last one");
    assert_eq!((batch.state.as_str(), batch.waiting, batch.set_aside.len()), ("finished", 0, 2));
    let told = rig.text(
        "SELECT string_agg(actor || ' ' || object || ' ' || detail, '; ') FROM audit WHERE act = 'job.set-aside'",
    );
    assert!(told.contains("wang job 2 asked, person 2: moved away"), "{told}");
    assert_eq!(by(&mut rig, 1, "wang").expect_err("over").code(), "BATCH_STATE");
}

#[test]
fn a_job_that_a_partner_is_asked_about_is_set_aside_with_the_answer() {
    let mut rig = Rig::new(2);
    rig.execute(
        "INSERT INTO exchange_file (number, task, batch, partner, partner_code, template, name, sha256, row_count, state,
             valid_until, data_key, body, made_by, made_at, changed_at)
         VALUES (1, 't', 1, 'factory', '7', 'x', 'x', '', 1, 'sent', '', 1, '', 'li', '', '');
         INSERT INTO exchange_row (file, line, job, partner, state, changed_at) VALUES (1, 1, 1, 'factory', 'exported', '')",
    );
    said(&mut rig, 1, "王测");
    let summary = rig.run(vec![vec![blank(1)]]).expect("run");
    assert_eq!(
        (summary.made, summary.left, summary.set_aside.len()),
        (1, 1, 0),
        "the answer would name a job that is not there"
    );
    rig.execute("UPDATE exchange_row SET state = 'accepted', card_identifier = '513300D15600000500000007'");
    let summary = rig.run(vec![vec![]]).expect("run");
    assert_eq!((summary.made, summary.left), (0, 0));
    assert_eq!(aside(&mut rig), [(1, 1, Why::Conflict)]);
    // The factory's card is nobody's.
    assert_eq!(rig.centre.store.read(|tx| tx.factory_job(1, "513300D15600000500000007")).expect("read"), None);
}
