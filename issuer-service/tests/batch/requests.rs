//! Requests: one open for each person, taken by batches, given back, followed to the last job.

use issuer_service::batch::{self, BatchError, Selection, pool};
use issuer_service::request::{self, Kind, Request, RequestError};
use issuer_service::store::Store;

use crate::{next, store};

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
