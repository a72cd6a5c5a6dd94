//! A card that takes the place of another one: the old one stays in use until its successor is begun.

use issuer_service::batch::{self, Selection};
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
