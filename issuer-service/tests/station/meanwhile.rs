//! What others do while a card is written.

use std::time::Duration;

use card_core::transport::{Transport, TransportError};
use issuer_service::error::Explain;
use issuer_service::station;
use issuer_service::station::slot::Slot;

use crate::rig::{Desk, Interrupted, Rig, blank};

#[test]
fn an_operator_disabled_in_the_middle_of_a_run_begins_no_more_cards() {
    let rig = Rig::new(4);
    let folder = rig.centre.folder.clone();
    let disable = "UPDATE operator SET state = 'closed' WHERE name = 'sun'";
    let desk = Desk::new(0, (1..=4).map(blank).collect());
    let desk = Interrupted::new(desk, move || drop(crate::ask::ask(&folder, disable).expect("disabled")));
    let error = rig.run_slots(vec![Box::new(desk)]).expect_err("stopped");
    assert_eq!(error.code(), "OPERATOR_DISABLED");
    assert_eq!(rig.count("SELECT COUNT(*) FROM card WHERE state = 'sealed'"), 1, "the card at hand is finished");
    assert_eq!(rig.count("SELECT COUNT(*) FROM card"), 1, "and no other begun");
    rig.execute("UPDATE operator SET state = 'active' WHERE name = 'sun'");
    rig.run(vec![(2..=4).map(blank).collect()]).expect("run");
    rig.assert_complete(4, 0);
}

#[test]
fn a_card_whose_persons_data_change_while_it_is_written_is_written_anew() {
    let rig = Rig::new(2);
    let desk = Desk::new(0, vec![blank(1), blank(2)]);
    let desk = Interrupted::new(desk, rig.moving(1, "新示范路77号"));
    let summary = rig.run_slots(vec![Box::new(desk)]).expect("run");
    assert_eq!((summary.made, summary.spoilt, summary.left), (2, 0, 0));
    assert_eq!(rig.events.names(), ["begun", "resumed", "made", "begun", "made"]);
    rig.assert_complete(2, 0);
    assert_eq!(rig.count("SELECT COUNT(*) FROM card_update"), 0, "nothing is left to bring onto it");
}

#[test]
fn a_change_that_leaves_the_card_as_it_is_lets_it_be() {
    let rig = Rig::new(1);
    let desk = Interrupted::new(Desk::new(0, vec![blank(1)]), rig.moving(1, "示范路1号"));
    rig.run_slots(vec![Box::new(desk)]).expect("run");
    assert_eq!(rig.events.names(), ["begun", "made"]);
}

#[test]
fn who_asks_a_station_to_stop_gets_the_cards_at_hand_finished_and_the_summary() {
    station::asked::listen();
    let rig = Rig::new(4);
    let cards: Vec<_> = (1..=4).map(blank).collect();
    let desk = Desk::new(0, cards);
    let ask = || rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::TERM).expect("sent");
    let summary = rig.run_slots(vec![Box::new(Interrupted::new(desk, ask))]).expect("a run that ends by itself");
    assert_eq!((summary.made, summary.spoilt, summary.left), (1, 0, 3));
    assert!(summary.unfinished.is_empty(), "{summary:?}");
    assert_eq!(summary.readers[0].ended, station::Ended::Stopped);
    assert_eq!(rig.count("SELECT COUNT(*) FROM job WHERE state = 'writing'"), 0);
    assert_eq!(rig.count("SELECT COUNT(*) FROM card WHERE state = 'sealed'"), 1);
    assert_eq!(rig.count("SELECT COUNT(*) FROM card"), 1, "no other was begun");
}

/// A reader without a feeder, in which the made card stays lying.
struct Left {
    desk: Desk,
    looked: u32,
}

impl Slot for Left {
    fn name(&self) -> &str {
        self.desk.name()
    }

    fn card(&mut self, wait: Duration) -> Result<Option<Box<dyn Transport>>, TransportError> {
        self.desk.card(wait)
    }

    fn emptied(&mut self, _wait: Duration) -> Result<bool, TransportError> {
        Ok(false)
    }

    fn next(&mut self, wait: Duration) -> Result<bool, TransportError> {
        assert!(wait <= Duration::from_secs(1), "nobody looks whether all stops for {wait:?}");
        self.looked += 1;
        assert_eq!(self.looked, 1, "it is waited for although all stops");
        station::asked::listen();
        rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::TERM).expect("sent");
        // As a reader waits: by then the signal has been heard.
        std::thread::sleep(wait);
        Ok(false)
    }

    fn feeds(&self) -> bool {
        false
    }
}

#[test]
fn who_asks_a_station_to_stop_is_heard_while_the_card_made_lies_in_the_reader() {
    let rig = Rig::new(2);
    let slot = Left { desk: Desk::new(0, vec![blank(1), blank(2)]), looked: 0 };
    let summary = rig.run_slots(vec![Box::new(slot)]).expect("a run that ends by itself");
    assert_eq!((summary.made, summary.left, summary.readers[0].ended), (1, 1, station::Ended::Stopped));
}
