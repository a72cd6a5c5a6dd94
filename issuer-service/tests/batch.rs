//! Batches as operators meet them: who may do what, and which numbers and people are given.

#[path = "database/ask.rs"]
mod ask;
#[path = "database/fresh.rs"]
mod fresh;
#[path = "batch/requests.rs"]
mod requests;

use std::sync::Arc;

use issuer_service::batch::{self, BatchError, Selection};
use issuer_service::operator::{OperatorError, Role};
use issuer_service::person::Details;
use issuer_service::person::dossier::Statement;
use issuer_service::person::field::Fields;
use issuer_service::registry;
use issuer_service::store::{Place, Server, Store, StoreError};
use issuer_service::vault::data_keys::DataKeys;

fn store(people: u32) -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().expect("folder");
    let place = match fresh::fresh() {
        Some(url) => {
            std::fs::write(folder.path().join("centre.toml"), format!("url = \"{url}\"\n")).expect("written");
            Place::Server(Box::new(Server::new(&url, None, None).expect("an address")))
        }
        None => Place::File(folder.path().join("centre.db")),
    };
    let mut store = Store::create(&place, folder.path()).expect("store");
    store.unlock(Arc::new(DataKeys::random().expect("keys"))).expect("unlocked");
    store
        .journal(|tx| -> Result<(), StoreError> {
            tx.add_operator("li", &[Role::Capture])?;
            tx.add_operator("wang", &[Role::Approve, Role::Capture])?;
            tx.add_operator("zhao", &[Role::Approve])?;
            (1..=people).try_for_each(|n| {
                let (details, row) = (details(n), u64::from(n));
                let said = Statement {
                    source: 1,
                    at: 1,
                    import: 1,
                    row,
                    details: &details,
                    fields: Fields::ALL,
                    taken_back: Fields::NONE,
                };
                registry::upsert(tx, &said).map(|_| ())
            })
        })
        .expect("rows");
    (folder, store)
}

fn details(n: u32) -> Details {
    Details {
        number: format!("{n:018}"),
        name: "样例".to_owned(),
        name_raw: "样例".to_owned(),
        sex: "1".to_owned(),
        ethnic_group: "01".to_owned(),
        birth_date: "19900101".to_owned(),
        region: if n.is_multiple_of(2) { "513301" } else { "513322" }.to_owned(),
        address: String::new(),
        phone: String::new(),
        employer: String::new(),
        name_script: String::new(),
        certificate: String::new(),
        alive: String::new(),
    }
}

fn next(count: u32) -> Selection {
    Selection::Next { county: None, count }
}

#[test]
fn the_maker_cannot_approve_and_another_can_once() {
    let (_folder, mut store) = store(3);
    let batch = batch::create(&mut store, &next(2), Some("wang")).expect("made");
    assert_eq!((batch.number, batch.cards, batch.state.as_str()), (1, 2, "created"));
    let own = batch::approve(&mut store, 1, Some("wang"), 'A');
    assert!(matches!(own, Err(BatchError::MakerIsChecker { .. })));
    assert_eq!(batch::approve(&mut store, 1, Some("zhao"), 'A').expect("approved").state, "approved");
    let again = batch::approve(&mut store, 1, Some("zhao"), 'A');
    assert!(matches!(again, Err(BatchError::WrongState { .. })));
}

#[test]
fn the_store_itself_refuses_a_maker_as_checker() {
    let (folder, mut store) = store(1);
    batch::create(&mut store, &next(1), Some("wang")).expect("made");
    let refused = store.journal(|tx| tx.approve_batch(1, "wang"));
    assert!(matches!(refused, Err(StoreError::StateMoved { .. })));
    assert!(ask::ask(folder.path(), "UPDATE batch SET checker = maker").is_err());
}

#[test]
fn operators_do_what_their_roles_allow_only() {
    let (_folder, mut store) = store(1);
    let refused = |result: Result<_, BatchError>| match result {
        Err(BatchError::Operator(error)) => error,
        other => panic!("{other:?}"),
    };
    assert!(matches!(refused(batch::create(&mut store, &next(1), None)), OperatorError::NotNamed));
    assert!(matches!(refused(batch::create(&mut store, &next(1), Some("chen"))), OperatorError::Unknown { .. }));
    assert!(matches!(refused(batch::create(&mut store, &next(1), Some("zhao"))), OperatorError::RoleMissing { .. }));
}

#[test]
fn a_person_is_in_one_open_batch_only_and_back_after_it_is_cancelled() {
    let (_folder, mut store) = store(4);
    let county = Selection::Next { county: Some("513301".to_owned()), count: 9 };
    assert_eq!(batch::create(&mut store, &county, Some("li")).expect("made").cards, 2);
    assert!(matches!(batch::create(&mut store, &county, Some("li")), Err(BatchError::NobodyLeft { .. })));
    let named = batch::create(&mut store, &Selection::People(vec![1, 2, 99]), Some("li"));
    assert!(matches!(named, Err(BatchError::PeopleRefused { people }) if people == [2, 99]));
    batch::cancel(&mut store, 1, Some("li")).expect("cancelled");
    assert_eq!(batch::create(&mut store, &county, Some("li")).expect("made").cards, 2);
}

#[test]
fn every_job_has_a_number_of_its_own_with_its_check_character() {
    let (_folder, mut store) = store(30);
    for batch in 1..=3 {
        batch::create(&mut store, &next(10), Some("li")).expect("made");
        batch::approve(&mut store, batch, Some("zhao"), 'A').expect("approved");
    }
    let numbers = store.read(|tx| (1..=30).map(|job| tx.job_card_number(job)).collect::<Result<Vec<_>, _>>());
    let numbers = numbers.expect("numbers");
    assert!(numbers.iter().all(|number| card_profiles::identity::card_number_holds(number)));
    assert_eq!(numbers.iter().collect::<std::collections::BTreeSet<_>>().len(), 30);
    // 10 × 3 + 1 × 2 = 32, 32 mod 11 = 10, 11 − 10 = 1.
    assert_eq!(numbers.first().map(String::as_str), Some("A00000011"));
}

#[test]
fn an_approved_batch_is_withdrawn_until_a_station_begins() {
    let (folder, mut store) = store(3);
    let ask = |sql: &str| ask::ask(folder.path(), sql).expect(sql);
    batch::create(&mut store, &next(2), Some("li")).expect("made");
    let early = batch::withdraw(&mut store, 1, "changed", Some("zhao"));
    assert!(matches!(early, Err(BatchError::WrongState { .. })), "what is not approved is cancelled");
    batch::approve(&mut store, 1, Some("zhao"), 'A').expect("approved");
    let unfit = batch::withdraw(&mut store, 1, "changed", Some("li"));
    assert!(matches!(unfit, Err(BatchError::Operator(OperatorError::RoleMissing { .. }))));
    ask("INSERT INTO exchange_file (number, task, batch, partner, partner_code, template, name, sha256, row_count, state,
             valid_until, data_key, body, made_by, made_at, changed_at)
         VALUES (1, 't', 1, 'bank', '7', 'x', 'x', '', 2, 'sent', '', 1, '', 'li', '', '')");
    let asked = batch::withdraw(&mut store, 1, "changed", Some("zhao"));
    assert!(matches!(asked, Err(BatchError::PartnerAsked { number: 1, .. })));
    ask("UPDATE exchange_file SET state = 'abandoned'");
    assert_eq!(batch::withdraw(&mut store, 1, "changed", Some("zhao")).expect("withdrawn").state, "cancelled");
    assert!(matches!(batch::withdraw(&mut store, 1, "x", Some("zhao")), Err(BatchError::WrongState { .. })));
    assert_eq!(ask("SELECT COUNT(*) FROM audit WHERE act = 'batch.withdraw' AND actor = 'zhao'")[0][0], "1");
    assert_eq!(ask("SELECT COUNT(*) FROM job WHERE state = 'cancelled'")[0][0], "2");
    // The people are asked for as before, and get other numbers.
    let again = batch::create(&mut store, &Selection::Open { county: None, count: 9 }, Some("li")).expect("made");
    assert_eq!(again.cards, 2);
    batch::approve(&mut store, again.number, Some("zhao"), 'A').expect("approved");
    assert_eq!(ask("SELECT COUNT(*) FROM card_number WHERE state = 'spoilt'")[0][0], "2");
    assert_eq!(ask("SELECT COUNT(*) FROM card_number WHERE state = 'reserved'")[0][0], "2");
    ask("UPDATE batch SET state = 'running' WHERE number = 2");
    assert!(matches!(batch::withdraw(&mut store, 2, "x", Some("zhao")), Err(BatchError::WrongState { .. })));
}
