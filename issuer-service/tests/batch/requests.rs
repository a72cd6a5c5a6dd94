//! Requests: one open for each person, taken by batches, given back, followed to the last job.

use issuer_service::batch::rule::MakingRules;
use issuer_service::batch::{self, BatchError, Selection, photo, pool};
use issuer_service::instant;
use issuer_service::person::dossier::Statement;
use issuer_service::person::field::Fields;
use issuer_service::person::no_card::NoCard;
use issuer_service::photo::stored::Stored;
use issuer_service::registry;
use issuer_service::request::{self, Kind, Request, RequestError};
use issuer_service::store::{Store, StoreError};

use crate::{details, next, store};

fn ask(store: &mut Store, person: i64, kind: Kind) -> Result<Request, RequestError> {
    request::make(store, person, kind, false, Some("li"))
}

fn state(store: &mut Store, number: i64) -> (String, Option<i64>) {
    let request = store.read(|tx| tx.request(number)).expect("read").expect("there");
    (request.state, request.job)
}

#[test]
fn a_person_has_one_open_request_until_it_is_withdrawn() {
    let (folder, mut store) = store(2);
    assert_eq!(ask(&mut store, 1, Kind::First).expect("made").number, 1);
    assert!(matches!(ask(&mut store, 1, Kind::First), Err(RequestError::Open { person: 1 })));
    assert!(matches!(ask(&mut store, 9, Kind::First), Err(RequestError::NoPerson { person: 9 })));
    // The store itself refuses a second one.
    let copy = "INSERT INTO card_request SELECT 7, person, kind, instant, state, old_chip, 7, maker, made_at, changed_at \
                FROM card_request";
    assert!(crate::ask::ask(folder.path(), copy).is_err());
    request::withdraw(&mut store, 1, "by telephone", Some("li")).expect("withdrawn");
    let again = request::withdraw(&mut store, 1, "by telephone", Some("li"));
    assert!(matches!(again, Err(RequestError::WrongState { .. })));
    assert_eq!(ask(&mut store, 1, Kind::First).expect("made").number, 2);
}

#[test]
fn who_has_no_card_cannot_ask_for_another_one() {
    let (_folder, mut store) = store(1);
    for kind in Kind::ALL.into_iter().filter(|kind| *kind != Kind::First) {
        assert!(matches!(ask(&mut store, 1, kind), Err(RequestError::HasNoCard { person: 1 })), "{kind:?}");
    }
}

#[test]
fn a_batch_takes_requests_and_gives_them_back_when_it_is_cancelled() {
    let (_folder, mut store) = store(4);
    for person in [4, 2, 1] {
        ask(&mut store, person, Kind::First).expect("made");
    }
    let open = Selection::Open { county: Some("513301".to_owned()), count: 1 };
    assert_eq!(batch::create(&mut store, &open, Some("li")).expect("made").cards, 1);
    assert_eq!(state(&mut store, 1), ("batched".to_owned(), Some(1)));
    let taken = batch::create(&mut store, &Selection::Requests(vec![1, 2, 8]), Some("li"));
    assert!(matches!(taken, Err(BatchError::RequestsRefused { requests }) if requests == [1, 8]));
    batch::cancel(&mut store, 1, Some("li")).expect("cancelled");
    assert_eq!(state(&mut store, 1), ("open".to_owned(), None));
    // People without a card who have not asked get a request with their batch; the others keep theirs.
    assert_eq!(batch::create(&mut store, &next(9), Some("li")).expect("made").cards, 4);
    let requests = store.read(|tx| tx.requests(None, None, 0, 9)).expect("read");
    let people: Vec<(i64, i64)> = requests.iter().map(|request| (request.number, request.person)).collect();
    assert_eq!(people, [(1, 4), (2, 2), (3, 1), (4, 3)]);
    assert!(requests.iter().all(|request| request.state == "batched" && request.job.is_some()));
}

#[test]
fn who_waits_at_the_counter_is_in_no_batch_with_others() {
    let (_folder, mut store) = store(2);
    request::make(&mut store, 1, Kind::First, true, Some("li")).expect("made");
    assert_eq!(batch::create(&mut store, &next(9), Some("li")).expect("made").cards, 1);
    let open = Selection::Open { county: None, count: 9 };
    assert!(matches!(batch::create(&mut store, &open, Some("li")), Err(BatchError::NobodyLeft { .. })));
    assert_eq!(batch::create(&mut store, &Selection::Requests(vec![1]), Some("li")).expect("made").cards, 1);
}

#[test]
fn numbers_are_made_ahead_kept_out_of_use_and_given_once() {
    let (_folder, mut store) = store(3);
    let made = pool::fill(&mut store, 3, 'A', Some("li")).expect("filled");
    let (first, second) = (made[0].clone(), made[1].clone());
    pool::block(&mut store, &first, "looks like a word", Some("li")).expect("blocked");
    let again = pool::block(&mut store, &first, "again", Some("li"));
    assert!(matches!(again, Err(BatchError::NumberTaken { state }) if state == "spoilt"));
    assert!(matches!(pool::block(&mut store, "A0", "x", Some("li")), Err(BatchError::NumberUnknown)));
    batch::create(&mut store, &next(3), Some("li")).expect("made");
    batch::approve(&mut store, 1, Some("zhao"), 'A').expect("approved");
    assert_eq!(store.read(|tx| tx.job_card_number(1)).expect("number"), second);
    let pool = pool::look(&mut store, 'A', None, 9).expect("pool");
    assert_eq!((pool.free, pool.reserved, pool.used, pool.spoilt, pool.not_made), (0, 3, 0, 1, 9_999_995));
    assert_eq!(pool.numbers.first().map(|number| (number.number.clone(), number.job)), Some((first, None)));
}

#[test]
fn a_prefix_whose_numbers_are_used_up_refuses_and_changes_nothing() {
    let (folder, mut store) = store(1);
    let last = "INSERT INTO card_number VALUES ('A9999999', 9999999, 'used', '')";
    crate::ask::ask(folder.path(), last).expect("the last one");
    batch::create(&mut store, &next(1), Some("li")).expect("made");
    let refused = batch::approve(&mut store, 1, Some("zhao"), 'A');
    assert!(matches!(refused, Err(BatchError::NumbersExhausted { prefix: 'A' })));
    assert_eq!(store.read(|tx| batch::found(tx, 1)).expect("batch").state, "created");
}

/// A card of person 1, begun on 1 January 2026, in its holder's hands.
fn with_card(folder: &std::path::Path, store: &mut Store, valid_until: &str) {
    batch::create(store, &Selection::People(vec![1]), Some("li")).expect("made");
    batch::approve(store, 1, Some("zhao"), 'A').expect("approved");
    let rows = format!(
        "UPDATE job SET state = 'done' WHERE number = 1; UPDATE card_request SET state = 'done' WHERE number = 1;
         INSERT INTO card VALUES ('0081314733158650513300000001', 1, 1, (SELECT card_number FROM job WHERE number = 1),
            '513300D1560000050000000100000000', 'ssc-3.0', '20260101', '{valid_until}', 'normal', '');
         INSERT INTO station_journal (sequence, at, job, reader, event, detail, station)
            VALUES (1, '2026-01-01T08:00:00.000Z', 1, 'r', 'intent', '', '')"
    );
    crate::ask::ask(folder, &rows).expect("a card");
}

#[test]
fn a_card_is_renewed_in_the_last_months_of_its_time() {
    for (valid_until, early) in [("20991231", true), ("20200101", false)] {
        let (folder, mut store) = store(1);
        with_card(folder.path(), &mut store, valid_until);
        store.set_making_rules(MakingRules::default());
        let asked = ask(&mut store, 1, Kind::Renewal);
        match (early, asked) {
            (true, Err(RequestError::RenewalEarly { from, .. })) => {
                assert_eq!(from, "20990630");
                assert!(store.read(|tx| tx.open_request_of(1)).expect("read").is_none());
                // The time is the site's affair; other kinds do not wait for it.
                store.set_making_rules(MakingRules { renewal_months: 2_400, ..MakingRules::default() });
                ask(&mut store, 1, Kind::Renewal).expect("made");
            }
            (false, Ok(_)) => {}
            (_, outcome) => panic!("{valid_until}: {outcome:?}"),
        }
    }
    let (folder, mut store) = store(1);
    with_card(folder.path(), &mut store, "20991231");
    store.set_making_rules(MakingRules::default());
    ask(&mut store, 1, Kind::Damaged).expect("made");
}

#[test]
fn changed_data_are_asked_for_when_something_has_changed_since_the_card_was_begun() {
    let say = |store: &mut Store, at: u64, phone: &str| {
        let changed = issuer_service::person::Details { phone: phone.to_owned(), ..details(1) };
        let said = Statement {
            source: 1,
            at,
            import: 1,
            row: 1,
            details: &changed,
            fields: Fields::ALL,
            taken_back: Fields::NONE,
        };
        store.journal(|tx| registry::upsert(tx, &said).map(drop)).expect("said");
    };
    // The day before the card was begun, and a day after it.
    for (at, changed) in [(1_767_168_000, false), (1_767_340_800, true)] {
        let (folder, mut store) = store(1);
        with_card(folder.path(), &mut store, "20991231");
        assert!(matches!(ask(&mut store, 1, Kind::DataChange), Err(RequestError::NothingChanged { person: 1 })));
        say(&mut store, at, "19900001234");
        assert_eq!(ask(&mut store, 1, Kind::DataChange).is_ok(), changed, "{at}");
    }
    let (folder, mut store) = store(1);
    with_card(folder.path(), &mut store, "20991231");
    store.journal(|tx| tx.put_photo(1, &drawn())).expect("a photo");
    ask(&mut store, 1, Kind::DataChange).expect("a new photo is a change");
}

fn drawn() -> Stored {
    Stored {
        original: b"drawn".to_vec().into(),
        chip: Vec::new().into(),
        width: 1,
        height: 1,
        taken_in_by: "li".to_owned(),
        taken_in_at: "2026-06-01T08:00:00.000Z".to_owned(),
    }
}

#[test]
fn who_lacks_a_photo_is_passed_over_in_the_queue_and_holds_nobody_up() {
    let (_folder, mut store) = store(5);
    store.set_making_rules(MakingRules { photo_from_age: Some(16), ..MakingRules::default() });
    for person in [2, 4, 5] {
        store.journal(|tx| -> Result<(), StoreError> { tx.put_photo(person, &drawn()) }).expect("a photo");
    }
    let people = |store: &mut Store, batch: i64| store.read(|tx| tx.people_of_batch(batch, 9)).expect("read");
    let over =
        |batch: &batch::Batch| batch.passed_over.iter().map(|over| (over.reason, over.people)).collect::<Vec<_>>();
    // One who lacks it at the head of the queue does not keep the next from theirs, however few are asked for.
    let first = batch::create(&mut store, &next(1), Some("li")).expect("made");
    assert_eq!((people(&mut store, first.number), over(&first)), (vec![2], vec![(NoCard::Photo, 1)]));
    let kept = store.read(|tx| photo::kept_from_card(tx, store_rules(), 0, 9)).expect("read");
    assert_eq!(kept, [(1, NoCard::Photo), (3, NoCard::Photo)]);
    assert_eq!(store.read(|tx| photo::kept_from_card(tx, store_rules(), 1, 1)).expect("read"), [(3, NoCard::Photo)]);
    // Open requests likewise.
    for person in [3, 4] {
        ask(&mut store, person, Kind::First).expect("asked");
    }
    let open = Selection::Open { county: None, count: 9 };
    let second = batch::create(&mut store, &open, Some("li")).expect("made");
    assert_eq!((people(&mut store, second.number), over(&second)), (vec![4], vec![(NoCard::Photo, 1)]));
    let third = batch::create(&mut store, &next(9), Some("li")).expect("made");
    assert_eq!((people(&mut store, third.number), over(&third)), (vec![5], vec![(NoCard::Photo, 2)]));
}

fn store_rules() -> Option<MakingRules> {
    Some(MakingRules { photo_from_age: Some(16), ..MakingRules::default() })
}

#[test]
fn who_is_old_enough_to_need_a_photo_is_named_until_there_is_one() {
    let (_folder, mut store) = store(3);
    let rules = |age| MakingRules { photo_from_age: age, ..MakingRules::default() };
    // Everybody here was born in 1990.
    store.set_making_rules(rules(Some(16)));
    let refused = batch::create(&mut store, &next(9), Some("li"));
    let Err(BatchError::NobodyLeft { passed_over }) = refused else { panic!("{refused:?}") };
    assert_eq!(passed_over.iter().map(|over| (over.reason, over.people)).collect::<Vec<_>>(), [(NoCard::Photo, 3)]);
    store.journal(|tx| -> Result<(), StoreError> { tx.put_photo(2, &drawn()) }).expect("a photo");
    let refused = batch::create(&mut store, &Selection::People(vec![1, 2]), Some("li"));
    assert!(matches!(refused, Err(BatchError::PhotosMissing { people }) if people == [1]));
    assert_eq!(batch::create(&mut store, &Selection::People(vec![2]), Some("li")).expect("made").cards, 1);
    let open = store.read(|tx| tx.requests(None, Some(1), 0, 9)).expect("read");
    assert!(open.is_empty(), "who was refused has no request either");
    // At the counter neither: an open request would keep the person out of every batch.
    let refused = instant::begin(&mut store, 1, Kind::First, Some("li"));
    assert!(matches!(refused, Err(BatchError::PhotosMissing { people }) if people == [1]));
    let open = store.read(|tx| tx.requests(None, Some(1), 0, 9)).expect("read");
    assert!(open.is_empty(), "{open:?}");
    store.set_making_rules(rules(Some(99)));
    assert_eq!(batch::create(&mut store, &Selection::People(vec![1]), Some("li")).expect("made").cards, 1);
    store.set_making_rules(rules(None));
    assert_eq!(batch::create(&mut store, &Selection::People(vec![3]), Some("li")).expect("made").cards, 1);
}
