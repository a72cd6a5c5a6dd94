//! Blank cards of a station come from the stock: what is used, spoilt or lost at a station is so in stock, and no card is made of
//! a blank one that stock does not have.

use issuer_service::batch;
use issuer_service::operator::Role;
use issuer_service::station::Ended;
use issuer_service::station::failure::StationError;
use issuer_service::stock::count::{self, Tally};
use issuer_service::stock::{StockError, blank as boxes, check, place};
use issuer_service::store::StoreError;

use crate::faults::lemon;
use crate::rig::{Rig, blank};

/// A box of `cards` of lot `L-07`, counted and issued to the station `S1`.
fn stocked(people: u32, cards: u64) -> Rig {
    let mut rig = Rig::new(people);
    (rig.lot, rig.failures_max, rig.row_max) = (Some("L-07"), 100, 100);
    let store = &mut rig.centre.store;
    store.journal(|tx| -> Result<(), StoreError> { tx.add_operator("gao", &[Role::Stock]) }).expect("keeper");
    for code in ["S1", "S2"] {
        place::keep(store, code, place::Kind::Station, ("", "sun", false), Some("gao")).expect("station");
    }
    boxes::receive(store, "B1", "L-07", 100, Some("gao")).expect("received");
    let tally = Tally { name: "B1", at: "store", cards: 100, reason: "" };
    count::count(store, &tally, Some("gao")).expect("counted");
    boxes::issue(store, "B1", "S1", Some(cards), Some("gao")).expect("issued");
    rig
}

fn held(rig: &Rig, state: &str) -> i64 {
    rig.count(&format!("SELECT COALESCE(SUM(cards), 0) FROM stock WHERE state = '{state}'"))
}

fn agrees(rig: &mut Rig) {
    let found = rig.centre.store.read(check::check).expect("checked");
    assert!(found.differences.is_empty(), "{:?}", found.differences);
}

#[test]
fn cards_made_and_spoilt_leave_the_box_with_their_numbers() {
    let mut rig = stocked(3, 10);
    let cards = vec![blank(1), lemon(2, 3), blank(3), blank(4)];
    let summary = rig.run(vec![cards]).expect("run");
    assert_eq!((summary.made, summary.spoilt, summary.left), (3, 1, 0));
    assert_eq!((held(&rig, "issued"), held(&rig, "finished"), held(&rig, "spoilt")), (6, 3, 1));
    let numbers = "SELECT COUNT(*) FROM card c JOIN stock s ON s.unit = 'card:' || c.card_number
                   WHERE s.place = 'S1' AND s.lot = 'L-07' AND (c.state = 'sealed') = (s.state = 'finished')";
    assert_eq!(rig.count(numbers), 4);
    agrees(&mut rig);
}

#[test]
fn a_station_makes_no_card_of_a_blank_one_that_stock_does_not_have() {
    let mut rig = stocked(4, 2);
    let summary = rig.run(vec![(1..=4).map(blank).collect()]).expect("run");
    assert_eq!((summary.made, summary.left), (2, 2));
    assert_eq!(summary.readers.first().map(|reader| reader.ended), Some(Ended::NoBlanks));
    // Nothing is begun for the third, and the next run does not begin at all.
    assert_eq!(rig.count("SELECT COUNT(*) FROM station_journal WHERE event = 'intent'"), 2);
    let refused = rig.run(vec![vec![blank(3)]]);
    assert!(matches!(refused, Err(StationError::Stock(StockError::NothingIssued { .. }))), "{refused:?}");
    boxes::issue(&mut rig.centre.store, "B1", "S1", Some(2), Some("gao")).expect("issued");
    let summary = rig.run(vec![vec![blank(3), blank(4)]]).expect("run");
    assert_eq!((summary.made, summary.left), (2, 0));
    rig.assert_complete(4, 0);
    agrees(&mut rig);
}

#[test]
fn two_readers_share_what_was_issued_and_never_take_a_card_twice() {
    let mut rig = stocked(12, 9);
    let summary = rig.run(vec![(1..=8).map(blank).collect(), (11..=18).map(blank).collect()]).expect("run");
    assert_eq!((summary.made, summary.left), (9, 3));
    assert_eq!((held(&rig, "issued"), held(&rig, "finished")), (0, 9));
    agrees(&mut rig);
}

#[test]
fn a_lot_that_stock_does_not_know_is_used_unless_the_site_wants_stock_for_all() {
    let mut rig = stocked(3, 5);
    rig.lot = Some("L-old");
    assert_eq!(rig.run(vec![vec![blank(1)]]).expect("run").made, 1);
    assert_eq!(held(&rig, "finished"), 0);
    rig.centre.config.stock.required = true;
    let refused = rig.run(vec![vec![blank(2)]]);
    assert!(matches!(refused, Err(StationError::Stock(StockError::NothingIssued { .. }))), "{refused:?}");
    rig.lot = None;
    let refused = rig.run(vec![vec![blank(2)]]);
    assert!(matches!(refused, Err(StationError::Stock(StockError::LotNeeded))), "{refused:?}");
    assert_eq!(rig.count("SELECT COUNT(*) FROM card"), 1);
    rig.lot = Some("L-07");
    assert_eq!(rig.run(vec![vec![blank(2), blank(3)]]).expect("run").made, 2);
    agrees(&mut rig);
}

#[test]
fn a_station_is_named_when_two_have_cards_of_the_lot() {
    let mut rig = stocked(2, 5);
    boxes::issue(&mut rig.centre.store, "B1", "S2", Some(5), Some("gao")).expect("issued");
    let refused = rig.run(vec![vec![blank(1)]]);
    assert!(matches!(refused, Err(StationError::Stock(StockError::StationNeeded { .. }))), "{refused:?}");
    rig.station = Some("S2");
    assert_eq!(rig.run(vec![vec![blank(1), blank(2)]]).expect("run").made, 2);
    assert_eq!(rig.count("SELECT cards FROM stock WHERE state = 'issued' AND place = 'S2'"), 3);
    agrees(&mut rig);
}

#[test]
fn a_card_in_work_that_is_declared_lost_is_missing_in_stock() {
    let mut rig = stocked(1, 5);
    rig.refuse("station_journal", "NEW.event = 'done'");
    assert!(rig.run(vec![vec![blank(1)]]).is_err());
    rig.take_again();
    assert_eq!(held(&rig, "in_work"), 1);
    agrees(&mut rig);
    batch::declare_lost(&mut rig.centre.store, 1, 1, Some("sun"), 'A').expect("declared lost");
    assert_eq!((held(&rig, "in_work"), held(&rig, "missing")), (0, 1));
    agrees(&mut rig);
    assert_eq!(rig.run(vec![vec![blank(2)]]).expect("run").made, 1);
    agrees(&mut rig);
}
