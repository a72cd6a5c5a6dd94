//! One person, one live card: replacement, death, and two clerks at once.

use issuer_service::batch::{self, Selection};

use super::desk::{CLERK, Desk, MAKER, issuer};

#[test]
fn a_lost_card_is_replaced_when_its_successor_is_activated() {
    let mut desk = Desk::new(1);
    desk.site("formal_loss_revocable = true");
    let old = desk.number(1);
    desk.ok(CLERK, &["card", "activate", &old]);
    for selection in [Selection::People(vec![1]), Selection::Next { county: None, count: 9 }] {
        assert!(batch::create(&mut desk.centre().store, &selection, Some(MAKER)).is_err(), "nobody asked");
        desk.run(CLERK, &["card", "report-loss", "--formal", &old, "--reason", "lost"]);
    }
    desk.ok(MAKER, &["request", "new", "--person", "1", "--kind", "lost"]);
    let new = desk.make(&Selection::Open { county: None, count: 9 }).pop().expect("a card");
    assert_eq!((desk.state(&old).as_str(), desk.state(&new).as_str()), ("formal_loss", "sealed"));
    let release = ["card", "release", &old, "--reason", "found"];
    assert_eq!(desk.refused(CLERK, &release, 3), "CARD_BEING_REPLACED");
    let cards = desk.ok(CLERK, &["card", "activate", &new]);
    assert_eq!(cards["cards"][0]["replaces"][0].as_str(), Some(old.as_str()));
    assert_eq!((desk.state(&old).as_str(), desk.state(&new).as_str()), ("cancelled", "normal"));
    let shown = desk.ok(CLERK, &["card", "show", &old]);
    assert_eq!(shown["replaced_by"].as_str(), Some(new.as_str()));
    assert_eq!((desk.listed(&old), desk.listed(&new)), (true, false));
    let history = desk.ok(CLERK, &["card", "history", &old]);
    assert_eq!(history["moves"][2]["step"].as_str(), Some("replace"));
}

#[test]
fn a_damaged_card_works_until_its_successor_is_activated() {
    let mut desk = Desk::new(1);
    let old = desk.number(1);
    desk.ok(CLERK, &["card", "activate", &old]);
    desk.ok(MAKER, &["request", "new", "--person", "1", "--kind", "damaged"]);
    let new = desk.make(&Selection::Open { county: None, count: 9 }).pop().expect("a card");
    assert_eq!((desk.state(&old).as_str(), desk.state(&new).as_str()), ("normal", "sealed"));
    desk.ok(CLERK, &["card", "report-loss", "--temporary", &old, "--reason", "lost as well"]);
    desk.ok(CLERK, &["card", "activate", &new]);
    assert_eq!((desk.state(&old).as_str(), desk.state(&new).as_str()), ("cancelled", "normal"));
    assert_eq!((desk.listed(&old), desk.listed(&new)), (true, false));
    assert_eq!(desk.refused(CLERK, &["card", "release", &old, "--reason", "found"], 3), "CARD_MOVE_UNKNOWN");
}

#[test]
fn a_death_takes_every_card_out_of_use_and_no_new_one_is_made_until_it_is_withdrawn() {
    let mut desk = Desk::new(2);
    let [first, second] = [desk.number(1), desk.number(2)];
    desk.ok(CLERK, &["card", "activate", &first]);
    let death = ["person", "death", "1", "--on", "20260301", "--reason", "certificate seen"];
    assert_eq!(desk.refused(CLERK, &death, 3), "OPERATOR_ROLE_MISSING");
    let ahead = ["person", "death", "1", "--on", "29991231", "--reason", "x"];
    assert_eq!(desk.refused(MAKER, &ahead, 1), "DAY_AHEAD");
    let unborn = ["person", "death", "1", "--on", "18991231", "--reason", "x"];
    assert_eq!(desk.refused(MAKER, &unborn, 1), "DAY_BEFORE_BIRTH");
    assert_eq!(desk.state(&first), "normal", "nothing has moved");
    assert_eq!(desk.ok(MAKER, &death)["cancelled"][0].as_str(), Some(first.as_str()));
    assert_eq!(desk.state(&first), "cancelled");
    assert!(desk.listed(&first));
    assert_eq!(desk.refused(MAKER, &death, 3), "DEATH_RECORDED");
    desk.ok(MAKER, &["person", "death", "2", "--on", "20260301", "--reason", "certificate seen"]);
    assert_eq!(desk.state(&second), "cancelled", "a card that nobody fetched");
    let again = Selection::People(vec![1]);
    assert!(batch::create(&mut desk.centre().store, &again, Some(MAKER)).is_err(), "the person is dead");
    assert_eq!(desk.refused(MAKER, &["request", "new", "--person", "1"], 3), "HOLDER_DEAD");
    desk.ok(MAKER, &["person", "death", "1", "--withdraw", "--reason", "mistaken identity"]);
    assert_eq!(desk.state(&first), "cancelled");
    desk.make(&again);
    assert_eq!(desk.refused(MAKER, &["person", "death", "1", "--withdraw", "--reason", "x"], 2), "DEATH_UNKNOWN");
    assert_eq!(
        desk.refused(MAKER, &["person", "death", "77", "--on", "20260301", "--reason", "x"], 2),
        "PERSON_NOT_FOUND"
    );
}

#[test]
fn of_clerks_who_do_different_things_to_one_card_at_once_each_sees_a_move_of_the_table() {
    let mut desk = Desk::new(1);
    let number = desk.number(1);
    desk.ok(CLERK, &["card", "activate", &number]);
    let verbs = ["lock", "unlock", "cancel", "lock", "unlock", "lock"];
    let (data, number) = (&desk.data(), &number);
    let codes: Vec<Option<i32>> = std::thread::scope(|scope| {
        let run =
            |verb: &'static str| move || issuer(data, CLERK, &["card", verb, number, "--reason", "x"]).status.code();
        let threads: Vec<_> = verbs.into_iter().map(|verb| scope.spawn(run(verb))).collect();
        threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
    });
    assert!(codes.iter().all(|code| [Some(0), Some(3)].contains(code)), "{codes:?}");
    let history = desk.ok(CLERK, &["card", "history", number]);
    let moves = history["moves"].as_array().expect("moves");
    assert_eq!(moves.len() - 1, codes.iter().filter(|code| **code == Some(0)).count());
    for pair in moves.windows(2) {
        assert_eq!(pair[0]["to"], pair[1]["from"], "each began where the one before ended: {history}");
    }
    assert_eq!(desk.state(number), "cancelled");
}

#[test]
fn what_is_not_begun_for_a_person_who_dies_is_given_up_with_its_number_and_request() {
    let mut desk = Desk::new(3);
    let requests = [1, 2, 3].map(|person| {
        let number = desk.number(person);
        desk.ok(CLERK, &["card", "activate", &number]);
        let made = desk.ok(MAKER, &["request", "new", "--person", &person.to_string(), "--kind", "damaged"]);
        made["number"].as_i64().expect("a number")
    });
    // Approved: persons 1 and 2; not approved: person 3.
    desk.ok(MAKER, &["batch", "create", "--requests", &requests.map(|number| number.to_string()).join(",")]);
    let created = desk.ok(MAKER, &["batch", "show", "2"]);
    assert_eq!(created["waiting"], 3, "{created}");
    desk.ok(MAKER, &["person", "death", "3", "--on", "20260301", "--reason", "certificate seen"]);
    desk.ok("wang", &["batch", "approve", "2"]);
    desk.ok(MAKER, &["person", "death", "1", "--on", "20260301", "--reason", "certificate seen"]);
    let batch = desk.ok(MAKER, &["batch", "show", "2"]);
    assert_eq!((&batch["waiting"], &batch["spoilt"]), (&1.into(), &1.into()), "{batch}");
    let states = |desk: &mut Desk, request: i64| {
        desk.centre().store.read(|tx| tx.request(request)).expect("read").expect("a request").state
    };
    assert_eq!(requests.map(|request| states(&mut desk, request)), ["withdrawn", "batched", "withdrawn"]);
    let next = desk.centre().store.read(|tx| tx.next_waiting_job(2)).expect("read").expect("a job");
    assert_eq!(desk.centre().store.read(|tx| tx.job_person(next)).expect("read"), 2);
    let spoilt = desk.ok(MAKER, &["number", "list", "--state", "spoilt"]);
    assert_eq!(spoilt["numbers"].as_array().map(Vec::len), Some(1), "{spoilt}");
}
