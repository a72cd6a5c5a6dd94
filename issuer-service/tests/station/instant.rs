//! One citizen at the counter: every step is marked by what it leaves, and the next run goes on at the first undone one.

use std::time::Duration;

use issuer_service::batch::BatchError;
use issuer_service::instant::{self, Counter, Step};
use issuer_service::lang::Lang;
use issuer_service::output::Show;
use issuer_service::request::{self, Kind, RequestError};
use issuer_service::station::hook::Hook;
use issuer_service::station::print;

use crate::rig::{Rig, blank};

fn look(rig: &mut Rig, request: i64) -> Counter {
    rig.centre.store.read(|tx| instant::look(tx, request)).expect("at the counter")
}

fn hook(template: &str) -> Hook {
    Hook { template: template.to_owned(), limit: Duration::from_secs(60), folder: None }
}

#[test]
fn a_citizen_goes_through_every_step_and_each_is_done_once() {
    let mut rig = Rig::new(1);
    rig.run(vec![vec![blank(1)]]).expect("the first card");
    assert!(matches!(
        rig.centre.store.read(|tx| instant::look(tx, 1)),
        Err(BatchError::Request(RequestError::NotInstant { number: 1 }))
    ));
    let begun = instant::begin(&mut rig.centre.store, 1, Kind::Damaged, Some("li")).expect("begun");
    assert_eq!((begun.request, begun.batch, begun.next), (2, Some(2), Some(Step::Approved)));
    let again = instant::begin(&mut rig.centre.store, 1, Kind::Damaged, Some("li"));
    assert!(matches!(again, Err(BatchError::Request(RequestError::Open { person: 1 }))));
    let unmade = print::again(&mut rig.centre.store, 2, &hook("exit 0"), Some("sun"));
    assert!(unmade.is_err(), "a card that is not made is not printed");

    let approved = instant::approve(&mut rig.centre.store, 2, Some("wang"), 'A').expect("approved");
    assert_eq!(approved.next, Some(Step::Written));
    rig.batch = 2;
    let summary = rig.run(vec![vec![blank(2)]]).expect("run");
    assert_eq!((summary.made, summary.left), (1, 0));
    let written = look(&mut rig, 2);
    assert_eq!((written.next, written.card_number.is_some()), (Some(Step::Printed), true));

    let store = &mut rig.centre.store;
    let failed = print::again(store, 2, &hook("exit 1"), Some("sun")).expect("tried");
    assert_eq!(failed, Some("HOOK_FAILED"));
    assert_eq!(look(&mut rig, 2).next, Some(Step::Printed));
    let unprinted = |rig: &mut Rig| {
        let readers = rig.centre.store.read(|tx| tx.reader_yield(Some(2))).expect("yield");
        readers.iter().map(|reader| (reader.name.clone(), reader.unprinted)).collect::<Vec<_>>()
    };
    assert_eq!(unprinted(&mut rig), [("desk 0".to_owned(), 1)]);
    let printed = print::again(&mut rig.centre.store, 2, &hook("cat > /dev/null"), Some("sun")).expect("tried");
    assert_eq!(printed, None);
    assert_eq!(unprinted(&mut rig), [("desk 0".to_owned(), 0)]);
    assert_eq!(look(&mut rig, 2).next, Some(Step::HandedOut));
    assert_eq!(rig.centre.store.read(instant::waiting).expect("list").counters.len(), 1);

    rig.execute("UPDATE card SET state = 'normal' WHERE job = 2");
    assert_eq!((look(&mut rig, 2).next, look(&mut rig, 2).done.len()), (None, Step::ALL.len()));
    assert!(rig.centre.store.read(instant::waiting).expect("list").counters.is_empty());
}

#[test]
fn interrupted_between_request_and_batch_the_same_request_goes_on() {
    let mut rig = Rig::new(1);
    rig.run(vec![vec![blank(1)]]).expect("the first card");
    request::make(&mut rig.centre.store, 1, Kind::Lost, true, Some("li")).expect("asked, then killed");
    let early = look(&mut rig, 2);
    assert_eq!((early.done.as_slice(), early.next), (&[Step::Applied][..], Some(Step::Batched)));
    let early = instant::approve(&mut rig.centre.store, 2, Some("wang"), 'A');
    assert!(matches!(early, Err(BatchError::Request(RequestError::NotBatched { number: 2 }))));
    let begun = instant::begin(&mut rig.centre.store, 1, Kind::Lost, Some("li")).expect("goes on");
    assert_eq!((begun.request, begun.next), (2, Some(Step::Approved)));
    assert_eq!(rig.count("SELECT COUNT(*) FROM card_request"), 2);
}

/// A card made at the counter for person 1, not printed; request 2, job 2.
fn made() -> Rig {
    let mut rig = Rig::new(1);
    rig.run(vec![vec![blank(1)]]).expect("the first card");
    instant::begin(&mut rig.centre.store, 1, Kind::Damaged, Some("li")).expect("begun");
    instant::approve(&mut rig.centre.store, 2, Some("wang"), 'A').expect("approved");
    rig.batch = 2;
    assert_eq!(rig.run(vec![vec![blank(2)]]).expect("run").made, 1);
    rig
}

fn waiting(rig: &mut Rig) -> Vec<i64> {
    let found = rig.centre.store.read(instant::waiting).expect("list");
    found.counters.into_iter().map(|counter| counter.request).collect()
}

#[test]
fn a_card_cancelled_before_anybody_got_it_is_not_called_handed_out_and_its_person_still_waits() {
    let mut rig = made();
    rig.execute("UPDATE card SET state = 'cancelled' WHERE job = 2");
    let counter = look(&mut rig, 2);
    assert!(counter.cancelled && !counter.done.contains(&Step::HandedOut), "{counter:?}");
    assert_eq!((counter.next, waiting(&mut rig)), (None, vec![2]));
    for lang in [Lang::Zh, Lang::En] {
        assert!(counter.text(lang).contains("[ ] ") && counter.text(lang).contains("instant new --person 1"));
    }
    // Until another card is asked for.
    rig.execute("UPDATE card SET state = 'normal' WHERE job = 1");
    instant::begin(&mut rig.centre.store, 1, Kind::Damaged, Some("li")).expect("anew");
    assert_eq!(waiting(&mut rig), [3]);
    // One that was in its person's hands was handed out, whatever came after.
    let moved = "INSERT INTO card_move (sequence, job, step, from_state, to_state, reason, operator, moved_at)
                 VALUES (99, 2, 'activate', 'sealed', 'normal', '', 'li', '')";
    rig.execute(moved);
    let counter = look(&mut rig, 2);
    assert!(!counter.cancelled && counter.done.contains(&Step::HandedOut) && counter.next.is_none(), "{counter:?}");
}

#[test]
fn a_card_activated_without_a_printer_is_done() {
    let mut rig = made();
    assert_eq!((look(&mut rig, 2).next, waiting(&mut rig)), (Some(Step::Printed), vec![2]));
    rig.execute("UPDATE card SET state = 'normal' WHERE job = 2");
    let counter = look(&mut rig, 2);
    assert_eq!(
        (counter.next, counter.done.contains(&Step::Printed)),
        (None, false),
        "nothing is marked that was not done"
    );
    assert!(waiting(&mut rig).is_empty());
}

#[test]
fn a_citizen_who_waits_stays_in_the_list_however_many_came_after() {
    let mut rig = made();
    // Cards that were cancelled, each with a newer request of the same person but the last.
    let later = "WITH RECURSIVE later(n, t) AS (SELECT 1001, '1001' UNION ALL SELECT n + 1, CAST(n + 1 AS TEXT) FROM later WHERE n < 2100)";
    rig.execute(&format!(
        "{later} INSERT INTO card_number (number, serial, state, changed_at) SELECT 'B' || t, n, 'used', '' FROM later;
         {later} INSERT INTO job (number, batch, person, card_number, state, changed_at)
             SELECT n, 1, 1, 'B' || t, 'done', '' FROM later;
         {later} INSERT INTO card (chip, job, person, card_number, card_identifier, profile, issue_date, valid_until, state, changed_at)
             SELECT '0000000000000000' || t, n, 1, 'B' || t, '513300D156000005000000000000' || t, 'ssc-3.0', '', '', 'cancelled', '' FROM later;
         {later} INSERT INTO card_request (number, person, kind, instant, state, old_chip, job, maker, made_at, changed_at)
             SELECT n, 1, 'first', 1, 'done', NULL, n, 'li', '', '' FROM later"
    ));
    assert_eq!(waiting(&mut rig), [2100, 2]);
}
