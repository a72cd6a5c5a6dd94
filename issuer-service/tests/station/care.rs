//! Readers, lots and whole stations that make bad cards; printers; what the journal says of it all.

use std::time::Duration;

use card_sim::fault::{Fault, FaultPlan, Moment, Trigger};
use issuer_service::card::life::{self, Order};
use issuer_service::card::rule::LifeRules;
use issuer_service::card::state::Step;
use issuer_service::station::Ended;
use issuer_service::station::care::{self, HoldKind};
use issuer_service::station::failure::StationError;
use issuer_service::station::hook::Hook;
use issuer_service::store::StoreError;

use crate::faults::lemon;
use crate::rig::{Rig, blank};

#[test]
fn a_reader_that_sees_only_bad_cards_is_held_until_somebody_has_looked() {
    let mut rig = Rig::new(5);
    let summary = rig.run(vec![(1..=9).map(|serial| lemon(serial, 3)).collect()]).expect("run");
    assert_eq!((summary.made, summary.spoilt, summary.left), (0, 3, 5));
    assert_eq!(summary.readers.first().map(|reader| reader.ended), Some(Ended::TooManyFailures));
    let again = rig.run(vec![(11..=15).map(blank).collect()]);
    assert!(matches!(again, Err(StationError::Held { kind: HoldKind::Reader, name }) if name == "desk 0"));
    assert_eq!(rig.count("SELECT COUNT(*) FROM job WHERE state = 'writing'"), 0);
    let store = &mut rig.centre.store;
    let nobody = care::release(store, HoldKind::Reader, ("", "desk 0"), "contacts cleaned", Some("li"));
    assert!(matches!(nobody, Err(StationError::Batch(_))));
    care::release(store, HoldKind::Reader, ("", "desk 0"), "contacts cleaned", Some("sun")).expect("released");
    let twice = care::release(store, HoldKind::Reader, ("", "desk 0"), "again", Some("sun"));
    assert!(matches!(twice, Err(StationError::NotHeld { .. })));
    let summary = rig.run(vec![(11..=15).map(blank).collect()]).expect("run");
    assert_eq!((summary.made, summary.left), (5, 0));
    rig.assert_complete(5, 3);
    assert_eq!(rig.count("SELECT COUNT(*) FROM audit WHERE act IN ('station.hold', 'station.release')"), 2);
}

#[test]
fn failures_in_a_row_on_a_reader_count_over_runs_until_a_good_card() {
    let mut rig = Rig::new(9);
    let run = |rig: &mut Rig, cards: Vec<_>| rig.run(vec![cards]).expect("run").readers[0].ended;
    assert_eq!(run(&mut rig, vec![lemon(1, 3), lemon(2, 3)]), Ended::NoCards);
    assert_eq!(run(&mut rig, vec![blank(3), lemon(4, 3), lemon(5, 3)]), Ended::NoCards, "a good one between");
    assert_eq!(run(&mut rig, vec![lemon(6, 3)]), Ended::TooManyFailures, "the third in a row");
    let again = rig.run(vec![vec![blank(7)]]);
    assert!(matches!(again, Err(StationError::Held { kind: HoldKind::Reader, .. })));
}

#[test]
fn failures_in_a_row_on_all_readers_together_stop_the_station() {
    let mut rig = Rig::new(9);
    (rig.failures_max, rig.row_max) = (100, 4);
    let lemons = |from: u8| (from..from + 9).map(|serial| lemon(serial, 3)).collect();
    let summary = rig.run(vec![lemons(1), lemons(21)]).expect("run");
    // The other reader may have a card in work when the fourth fails.
    assert!((4..=5).contains(&summary.spoilt), "{summary:?}");
    assert!(summary.readers.iter().any(|reader| reader.ended == Ended::StationStopped), "{summary:?}");
    // A good card between breaks the row, and no reader is held for what all had.
    let mixed = (41..50).map(|serial| if serial % 4 == 0 { blank(serial) } else { lemon(serial, 3) }).collect();
    let summary = rig.run(vec![mixed]).expect("run");
    assert_eq!(summary.readers.first().map(|reader| reader.ended), Some(Ended::NoCards), "{summary:?}");
}

#[test]
fn a_lot_of_which_too_many_fail_is_held_and_other_lots_are_not() {
    let mut rig = Rig::new(30);
    (rig.failures_max, rig.row_max, rig.lot) = (100, 100, Some("L-07"));
    // Every second card fails: judged from the fifth failure on.
    let cards = (1..=20).map(|serial| if serial % 2 == 0 { lemon(serial, 3) } else { blank(serial) }).collect();
    let summary = rig.run(vec![cards]).expect("run");
    assert_eq!((summary.made, summary.spoilt), (5, 5));
    assert_eq!(summary.readers.first().map(|reader| reader.ended), Some(Ended::LotBad));
    let again = rig.run(vec![vec![blank(31)]]);
    assert!(matches!(again, Err(StationError::Held { kind: HoldKind::Lot, name }) if name == "L-07"));
    rig.lot = Some("L-08");
    let cards = (41..=70).map(|serial| if serial == 50 { lemon(serial, 3) } else { blank(serial) }).collect();
    let summary = rig.run(vec![cards]).expect("run");
    assert_eq!((summary.made, summary.spoilt, summary.left), (25, 1, 0));

    let lots = rig.centre.store.read(|tx| tx.lot_yield(Some(1))).expect("yield");
    let told: Vec<_> = lots.iter().map(|lot| (lot.name.as_str(), lot.begun, lot.made, lot.spoilt)).collect();
    assert_eq!(told, [("L-07", 10, 5, 5), ("L-08", 26, 25, 1)]);
    let reasons = rig.centre.store.read(|tx| tx.spoilt_reasons(None)).expect("reasons");
    assert_eq!(reasons.iter().map(|reason| reason.cards).sum::<u64>(), 6);
}

#[test]
fn every_spoilt_card_that_a_county_or_a_batch_counts_has_one_cause() {
    let mut rig = Rig::new(4);
    rig.failures_max = 100;
    let order = Order { step: Step::Death, reason: "certificate seen", operator: Some("li") };
    let store = &mut rig.centre.store;
    life::record_death(store, &LifeRules::default(), 2, "20260101", &order).expect("recorded");
    let summary = rig.run(vec![vec![lemon(1, 3), blank(2), blank(3), blank(4)]]).expect("run");
    assert_eq!((summary.made, summary.spoilt), (3, 1));
    let (batch, counties, reasons) = rig
        .centre
        .store
        .read(|tx| -> Result<_, StoreError> {
            Ok((tx.batch(1)?.expect("made").spoilt, tx.jobs_by_county()?, tx.spoilt_reasons(Some(1))?))
        })
        .expect("counted");
    assert_eq!((batch, counties.iter().map(|county| county.2).sum::<u64>()), (2, 2));
    let causes: Vec<_> = reasons.iter().map(|reason| (reason.reason.split(' ').next(), reason.cards)).collect();
    assert_eq!((causes.len(), reasons.iter().map(|reason| reason.cards).sum::<u64>()), (2, 2), "{reasons:?}");
    assert!(causes.contains(&(Some("HOLDER_DEAD"), 1)), "{causes:?}");
    let begun = rig.centre.store.read(|tx| tx.spoilt_at_stations(None)).expect("counted");
    assert_eq!(begun.iter().map(|reason| reason.cards).collect::<Vec<_>>(), [1], "what a station began");
}

#[test]
fn a_card_that_comes_back_is_a_retry_and_no_failure() {
    let mut rig = Rig::new(1);
    rig.failures_max = 1;
    let card = blank(1);
    let loss = |nth| Fault::PowerLoss { at: Trigger::command(nth), moment: Moment::After, back_after_ms: None };
    card.card().set_faults(FaultPlan::new(vec![loss(40), loss(70), loss(90)])).expect("faults");
    let summary = rig.run(vec![vec![card]]).expect("run");
    assert_eq!((summary.made, summary.spoilt, summary.retries), (1, 0, 3), "{:?}", rig.events.names());
    let readers = rig.centre.store.read(|tx| tx.reader_yield(None)).expect("yield");
    assert_eq!((readers[0].begun, readers[0].made, readers[0].pulled), (1, 1, 3));
}

#[test]
fn a_printer_gets_what_it_prints_at_its_input_and_a_failing_one_spoils_no_card() {
    let folder = tempfile::tempdir().expect("folder");
    let (input, words) = (folder.path().join("input"), folder.path().join("words"));
    let mut rig = Rig::new(2);
    let template = format!(
        "tr '\\0' ' ' < /proc/$$/cmdline >> {words}; echo {{job}} {{card_number}} >> {words}; env >> {words}; \
         cat >> {input}; test {{job}} = 1",
        words = words.display(),
        input = input.display()
    );
    rig.printer = Some(Hook { template, limit: Duration::from_secs(60), folder: None });
    let summary = rig.run(vec![vec![blank(1), blank(2)]]).expect("run");
    assert_eq!((summary.made, summary.spoilt, summary.unprinted), (2, 0, 1));
    rig.assert_complete(2, 0);
    assert_eq!(rig.events.count("unprinted"), 1);
    let (input, words) =
        (std::fs::read_to_string(input).expect("input"), std::fs::read_to_string(words).expect("words"));
    for secret in ["样例", "扎西", "51330119900101"] {
        assert!(!words.contains(secret), "{secret} among arguments or environment");
    }
    assert!(input.contains("\"name\":\"样例\"") && input.contains("513301199001010001"), "{input}");
    assert_eq!(
        rig.count("SELECT COUNT(*) FROM station_journal WHERE event = 'unprinted' AND detail = 'HOOK_FAILED'"),
        1
    );
    assert_eq!(rig.count("SELECT COUNT(*) FROM station_journal WHERE event = 'printed'"), 1);
}
