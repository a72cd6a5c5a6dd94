//! A card that takes the place of another one: the old one stays in use until its successor is begun.

use card_core::Session;
use card_profiles::CardValues;
use card_profiles::plan::{Act as PlanAct, Plan, Target};
use issuer_service::batch::{self, Selection};
use issuer_service::card::Chip;
use issuer_service::centre::Centre;
use issuer_service::request::{self, Kind};

use crate::rig::{Rig, blank};

fn states(rig: &mut Rig) -> Vec<String> {
    let cards = rig.centre.store.read(|tx| tx.cards(None)).expect("cards");
    cards.into_iter().map(|card| card.state).collect()
}

#[test]
fn a_replacement_cancels_the_old_card_when_it_is_begun_and_not_before() {
    let mut rig = Rig::new(1);
    rig.run(vec![vec![blank(1)]]).expect("run");
    let request = request::make(&mut rig.centre.store, 1, Kind::Lost, false, Some("li")).expect("asked");
    let old = rig.centre.store.read(|tx| tx.cards(None)).expect("cards")[0].clone();
    assert_eq!(request.old_card.as_deref(), Some(old.card_number.as_str()));
    let selection = Selection::Open { county: None, count: 9 };
    batch::create(&mut rig.centre.store, &selection, Some("li")).expect("made");
    batch::approve(&mut rig.centre.store, 2, Some("wang"), 'A').expect("approved");
    assert_eq!(states(&mut rig), ["sealed"]);
    assert_eq!(rig.count("SELECT COUNT(*) FROM blacklist"), 0);

    rig.batch = 2;
    let summary = rig.run(vec![vec![blank(2)]]).expect("run");
    assert_eq!((summary.made, summary.left), (1, 0));
    assert_eq!(states(&mut rig), ["cancelled", "sealed"]);
    let listed = format!("SELECT COUNT(*) FROM blacklist WHERE act = 'add' AND card = '{}'", old.card_identifier);
    assert_eq!(rig.count(&listed), 1);
    assert_eq!(rig.count("SELECT COUNT(*) FROM audit WHERE act = 'card.replace'"), 1);
    let done = rig.centre.store.read(|tx| tx.requests(None, Some(1), 0, 9)).expect("read");
    assert_eq!(done.iter().map(|request| request.state.as_str()).collect::<Vec<_>>(), ["done", "done"]);
}

#[test]
fn a_spoilt_card_hands_its_request_to_the_job_that_follows() {
    let mut rig = Rig::new(1);
    rig.execute("UPDATE batch SET state = 'running'; UPDATE job SET state = 'writing'");
    rig.execute(
        "INSERT INTO card (chip, job, person, card_number, card_identifier, profile, issue_date, valid_until, state, changed_at)
         VALUES ('00112233445566778899', 1, 1, (SELECT card_number FROM job), '513300D1560000050000000100000000', 'ssc-3.0',
                 '20260101', '20360101', 'writing', '')",
    );
    batch::declare_lost(&mut rig.centre.store, 1, 1, Some("sun"), 'A').expect("spoilt");
    let request = rig.centre.store.read(|tx| tx.request(1)).expect("read").expect("request");
    assert_eq!((request.state.as_str(), request.job), ("batched", Some(2)));
}

/// Writes an identifier as a factory does: with its own update key, the control keys staying those of the blank card.
fn factory_writes(card: &card_sim::Socket, identifier: &str) {
    let (profile, rig) = (Centre::card_profile(), Rig::new(1));
    let mut session = Session::new(Box::new(card.connect().expect("card")));
    let chip = Chip::of(session.atr().expect("ATR").historical()).expect("a chip");
    let mut values = CardValues::new();
    values.set("SSSE.EF05.card_identifier", identifier).expect("a place");
    let target = Target::blank(chip.factors(rig.centre.config.city), rig.centre.config.transport_lot);
    let plan = Plan::personalize(&profile, &values, &target).expect("a plan");
    let mut keys = rig.vault.keys();
    let of_environment = plan.steps.iter().take_while(|step| step.df == "SSSE");
    for step in of_environment.filter(|step| !matches!(step.act, PlanAct::ReplaceControlKey(_))) {
        session.perform(&step.step, Some(&mut keys)).expect("answered");
    }
}

#[test]
fn a_card_from_the_factory_is_known_by_its_identifier_and_gets_its_own_person() {
    let card = blank(7);
    factory_writes(&card, "513300D1560000050000000700000000");
    let record = card.card().inspect().files["SSSE.EF05"][0].clone();
    assert_eq!(record, "0110513300D1560000050000000700000000");

    // In this centre it is job 2's; nobody else's, and not a blank one's.
    let rig = Rig::new(3);
    let row = "INSERT INTO exchange_file (number, task, batch, partner, partner_code, template, name, sha256, row_count, state,
                   valid_until, data_key, body, made_by, made_at, changed_at)
               VALUES (1, 't', 1, 'factory', '7', 'x', 'x', '', 2, 'answered', '', 1, '', 'li', '', '');
               INSERT INTO exchange_row (file, line, job, partner, state, card_identifier, changed_at)
               VALUES (1, 1, 2, 'factory', 'accepted', '513300D15600000500000007', ''),
                      (1, 2, 3, 'factory', 'exported', NULL, '')";
    rig.execute(row);
    let summary = rig.run(vec![vec![blank(1), blank(2), card.clone()]]).expect("run");
    let why = rig.text("SELECT string_agg(event || ' ' || detail, '; ') FROM station_journal WHERE job = 2");
    assert_eq!((summary.made, summary.spoilt, summary.left), (2, 0, 1), "{why}");
    let of_job = |job: i64| rig.count(&format!("SELECT COUNT(*) FROM card WHERE job = {job} AND state = 'sealed'"));
    assert_eq!((of_job(1), of_job(2), of_job(3)), (1, 1, 0));
    assert_eq!(
        rig.count("SELECT COUNT(*) FROM card WHERE job = 2 AND card_identifier LIKE '513300D15600000500000007%'"),
        1
    );
    assert!(card.card().inspect().keys.values().all(|key| key.version == Some(1)));
}
