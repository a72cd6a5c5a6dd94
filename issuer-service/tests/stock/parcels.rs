//! Finished cards on their way to their holders, and back, by the program.

use std::io::Write;
use std::path::PathBuf;

use serde_json::Value;

use crate::ask::ask;
use crate::boxes::{KEEPER, OTHER, stocked};
use crate::desk::{CLERK, Desk, MAKER};

const AGENT: &str = "01\n513301199001010013\n卓玛·央金\n";

/// `people` sealed cards of batch 1 in stock, and two outlets.
fn made(people: u32) -> Desk {
    let desk = stocked(people);
    for outlet in ["O1", "O2"] {
        desk.ok(KEEPER, &["stock", "place", "add", outlet, "--kind", "outlet", "--keeper", "ma"]);
    }
    desk.ok(KEEPER, &["stock", "adopt", "--batch", "1"]);
    desk
}

/// The same with a parcel on its way to `O1`.
fn under_way(people: u32) -> (Desk, String) {
    let desk = made(people);
    let parcel = desk.ok(KEEPER, &["stock", "pack", "--batch", "1", "--to", "O1"]);
    let code = parcel["place"]["code"].as_str().expect("a code").to_owned();
    desk.ok(KEEPER, &["stock", "dispatch", &code, "--carrier", "post"]);
    (desk, code)
}

/// The same with all cards at `O1`.
fn arrived(people: u32) -> Desk {
    let (desk, code) = under_way(people);
    desk.ok(CLERK, &["stock", "accept", &code, "--all"]);
    desk
}

fn file(desk: &Desk, name: &str, text: &str) -> PathBuf {
    let path = desk.data().join(name);
    std::fs::File::create(&path).and_then(|mut file| file.write_all(text.as_bytes())).expect("written");
    path
}

fn where_is(desk: &Desk, number: &str) -> (String, String) {
    let trail = desk.ok(KEEPER, &["stock", "history", "--card", number]);
    let held = &trail["holdings"][0];
    (held["state"].as_str().expect("a state").to_owned(), held["place"].as_str().expect("a place").to_owned())
}

fn is(state: &str, place: &str) -> (String, String) {
    (state.to_owned(), place.to_owned())
}

#[test]
fn a_parcel_is_packed_dispatched_accepted_and_in_somebodys_keeping_all_the_way() {
    let (desk, code) = under_way(3);
    let shown = desk.ok(KEEPER, &["stock", "show", "--place", &code]);
    assert_eq!(shown["places"][0]["keeper"], "post");
    assert_eq!(shown["places"][0]["held"][0]["cards"], 3);
    assert_eq!(desk.refused(KEEPER, &["stock", "accept", &code, "--all"], 3), "OPERATOR_ROLE_MISSING");
    let opened = desk.ok(CLERK, &["stock", "accept", &code, "--all"]);
    assert_eq!((&opened["accepted"], &opened["place"]), (&3.into(), &"O1".into()));
    assert_eq!(desk.refused(CLERK, &["stock", "accept", &code, "--all"], 3), "STOCK_CLOSED");
    assert_eq!(desk.refused(KEEPER, &["stock", "dispatch", &code, "--carrier", "x"], 3), "STOCK_NOTHING_TO_DO");
    assert_eq!(desk.refused(KEEPER, &["stock", "pack", "--batch", "1", "--to", "O1"], 3), "STOCK_NOTHING_TO_DO");
    desk.ok(KEEPER, &["stock", "check"]);
}

#[test]
fn what_differs_in_a_parcel_is_named_card_by_card() {
    let (mut desk, code) = under_way(3);
    let numbers: Vec<String> = (1..=3).map(|job| desk.number(job)).collect();
    let seen = file(&desk, "seen", &format!("{}\n\n {}\nA9999999X\n", numbers[0], numbers[2]));
    let output = desk.run(CLERK, &["stock", "accept", &code, "--cards", seen.to_str().expect("a path")]);
    assert_eq!(output.status.code(), Some(10));
    let opened: Value = serde_json::from_slice(&output.stdout).expect("a report");
    assert_eq!((&opened["accepted"], &opened["missing"]), (&2.into(), &Value::from(vec![numbers[1].clone()])));
    assert_eq!(opened["unexpected"][0]["card_number"], "A9999999X");
    assert_eq!(where_is(&desk, &numbers[1]), is("missing", &code));
    desk.ok(KEEPER, &["stock", "find", "--card", &numbers[1], "--reason", "behind the seat"]);
    assert_eq!(where_is(&desk, &numbers[1]), is("returned", "store"));
    let again = desk.ok(KEEPER, &["stock", "pack", "--card", &numbers[1], "--to", "O2"]);
    assert_eq!(again["cards"], 1);
    desk.ok(KEEPER, &["stock", "check"]);
}

#[test]
fn a_card_is_handed_out_once_with_a_receipt_and_activated_after_that() {
    let mut desk = arrived(2);
    let number = desk.number(1);
    assert_eq!(desk.refused(CLERK, &["card", "activate", &number], 3), "CARD_NOT_HANDED_OUT");
    assert_eq!(desk.refused(KEEPER, &["stock", "hand-out", &number], 3), "OPERATOR_ROLE_MISSING");
    let receipt = desk.ok(CLERK, &["stock", "hand-out", &number]);
    assert_eq!((&receipt["number"], &receipt["place"], &receipt["by_agent"]), (&1.into(), &"O1".into(), &false.into()));
    assert_eq!(desk.refused(CLERK, &["stock", "hand-out", &number], 3), "STOCK_NO_MOVE");
    assert_eq!(desk.ok(KEEPER, &["stock", "receipt", &number]), receipt);
    let other = desk.number(2);
    assert_eq!(desk.refused(KEEPER, &["stock", "receipt", &other], 2), "STOCK_NO_RECEIPT");
    desk.ok(CLERK, &["card", "activate", &number]);
    assert_eq!(desk.state(&number), "normal");
    desk.ok(KEEPER, &["stock", "check"]);
}

#[test]
fn a_card_out_of_use_is_handed_in_sent_back_and_destroyed_and_counted_all_the_way() {
    let mut desk = arrived(2);
    let (damaged, used) = (desk.number(1), desk.number(2));
    for number in [&damaged, &used] {
        desk.ok(CLERK, &["stock", "hand-out", number]);
        desk.ok(CLERK, &["card", "activate", number]);
    }
    let take_in = |number: &str| ["stock", "take-in", number, "--at", "O2", "--reason", "damaged"].map(str::to_owned);
    let words = |of: &[String]| of.iter().map(String::as_str).map(str::to_owned).collect::<Vec<_>>();
    let refused = |desk: &Desk, who: &str, of: &[String]| {
        desk.refused(who, &words(of).iter().map(String::as_str).collect::<Vec<_>>(), 3)
    };
    assert_eq!(refused(&desk, CLERK, &take_in(&used)), "STOCK_CARD_IN_USE");
    desk.ok(CLERK, &["card", "cancel", &damaged, "--reason", "damaged, handed in"]);
    assert_eq!(refused(&desk, KEEPER, &take_in(&damaged)), "OPERATOR_ROLE_MISSING");
    // At another counter than the one that gave it out.
    let taken = desk.ok(CLERK, &["stock", "take-in", &damaged, "--at", "O2", "--reason", "damaged"]);
    assert_eq!((&taken["state"], &taken["place"]), (&"returned".into(), &"O2".into()));
    assert_eq!(taken["void_receipt"], Value::Null);
    assert_eq!(refused(&desk, CLERK, &take_in(&damaged)), "STOCK_NO_MOVE");
    assert_eq!(desk.ok(KEEPER, &["stock", "receipt", &damaged])["number"], 1, "it was given out");
    let drawer = file(&desk, "drawer", &damaged);
    let counted = desk.ok(KEEPER, &["stock", "inventory", "--at", "O2", "--cards", drawer.to_str().expect("a path")]);
    assert_eq!(counted["agreed"], 1);
    let back = desk.ok(CLERK, &["stock", "send-back", "--from", "O2", "--card", &damaged, "--carrier", "post"]);
    desk.ok(KEEPER, &["stock", "accept", back["place"]["code"].as_str().expect("a code"), "--all"]);
    assert_eq!(where_is(&desk, &damaged), is("returned", "store"));
    let sack = desk.ok(KEEPER, &["stock", "condemn", "--card", &damaged, "--reason", "handed in"]);
    desk.ok(OTHER, &["stock", "destroy", sack["code"].as_str().expect("a code")]);
    assert_eq!((where_is(&desk, &damaged).0, where_is(&desk, &used)), ("destroyed".to_owned(), is("handed_out", "O1")));
    desk.ok(KEEPER, &["stock", "check"]);
}

#[test]
fn a_card_older_than_stock_is_taken_in_once_it_is_out_of_use() {
    let mut desk = stocked(2);
    let (old, used) = (desk.number(1), desk.number(2));
    desk.ok(KEEPER, &["stock", "place", "add", "O1", "--kind", "outlet", "--keeper", "ma"]);
    for number in [&old, &used] {
        desk.ok(CLERK, &["card", "activate", number]);
    }
    let take_in = |number: &str, at: &str| {
        ["stock", "take-in", number, "--at", at, "--reason", "damaged"].map(str::to_owned).to_vec()
    };
    let refused =
        |of: Vec<String>, exit: i32| desk.refused(CLERK, &of.iter().map(String::as_str).collect::<Vec<_>>(), exit);
    assert_eq!(refused(take_in(&used, "O1"), 2), "STOCK_UNKNOWN");
    desk.ok(CLERK, &["card", "cancel", &old, "--reason", "damaged, handed in"]);
    let taken = desk.ok(CLERK, &["stock", "take-in", &old, "--at", "O1", "--reason", "damaged"]);
    assert_eq!((&taken["state"], &taken["place"]), (&"returned".into(), &"O1".into()));
    assert_eq!(refused(take_in(&old, "O1"), 3), "STOCK_NO_MOVE");
    let back = desk.ok(CLERK, &["stock", "send-back", "--from", "O1", "--card", &old, "--carrier", "post"]);
    desk.ok(KEEPER, &["stock", "accept", back["place"]["code"].as_str().expect("a code"), "--all"]);
    let sack = desk.ok(KEEPER, &["stock", "condemn", "--card", &old, "--reason", "handed in"]);
    desk.ok(OTHER, &["stock", "destroy", sack["code"].as_str().expect("a code")]);
    assert_eq!(refused(take_in(&old, "O1"), 3), "STOCK_NO_MOVE", "it is no more");
    desk.ok(KEEPER, &["stock", "check"]);
}

#[test]
fn a_hand_out_booked_for_the_wrong_card_is_undone_and_its_receipt_is_void() {
    let mut desk = arrived(2);
    let (wrong, right) = (desk.number(1), desk.number(2));
    desk.ok(CLERK, &["stock", "hand-out", &wrong]);
    let undo = |at: &str| ["stock", "take-in", &wrong, "--at", at, "--reason", "the other card"].map(str::to_owned);
    let words = undo("O2");
    let elsewhere: Vec<&str> = words.iter().map(String::as_str).collect();
    assert_eq!(desk.refused(CLERK, &elsewhere, 3), "STOCK_NO_MOVE");
    let taken = desk.ok(CLERK, &["stock", "take-in", &wrong, "--at", "O1", "--reason", "the other card"]);
    assert_eq!((&taken["state"], &taken["void_receipt"]), (&"at_outlet".into(), &1.into()));
    assert_eq!(desk.refused(KEEPER, &["stock", "receipt", &wrong], 2), "STOCK_NO_RECEIPT");
    assert_eq!(desk.refused(CLERK, &["card", "activate", &wrong], 3), "CARD_NOT_HANDED_OUT");
    // The number of the void receipt is not given again, not to the same card either.
    assert_eq!(desk.ok(CLERK, &["stock", "hand-out", &right])["number"], 2);
    assert_eq!(desk.ok(CLERK, &["stock", "hand-out", &wrong])["number"], 3);
    assert_eq!(
        ask(&desk.data(), "SELECT number, card_number, reason FROM stock_receipt_void").expect("a row"),
        [["1".to_owned(), wrong.clone(), "the other card".to_owned()]]
    );
    desk.ok(CLERK, &["card", "activate", &wrong]);
    assert_eq!(
        desk.refused(CLERK, &["stock", "take-in", &wrong, "--at", "O1", "--reason", "x"], 3),
        "STOCK_CARD_IN_USE"
    );
    desk.ok(KEEPER, &["stock", "check"]);
}

#[test]
fn a_parcel_that_could_not_be_delivered_is_opened_in_the_store() {
    let (mut desk, code) = under_way(2);
    let (here, gone) = (desk.number(1), desk.number(2));
    assert_eq!(desk.refused(CLERK, &["stock", "accept", &code, "--undelivered", "--all"], 3), "OPERATOR_ROLE_MISSING");
    let seen = file(&desk, "seen", &here);
    let words = ["stock", "accept", &code, "--undelivered", "--cards", seen.to_str().expect("a path")];
    assert_eq!(desk.run(KEEPER, &words).status.code(), Some(10), "one is missing");
    assert_eq!((where_is(&desk, &here), where_is(&desk, &gone).0), (is("returned", "store"), "missing".to_owned()));
    let trail = desk.ok(KEEPER, &["stock", "history", "--card", &here]);
    let last = trail["entries"].as_array().and_then(|entries| entries.last()).expect("an entry");
    assert_eq!((&last["move"], &last["reason"]), (&"AcceptBack".into(), &"undelivered".into()));
    let again = desk.ok(KEEPER, &["stock", "pack", "--card", &here, "--to", "O2"]);
    let code = again["place"]["code"].as_str().expect("a code");
    // One that has not left is unpacked.
    assert_eq!(desk.refused(KEEPER, &["stock", "accept", code, "--undelivered", "--all"], 3), "STOCK_NOTHING_TO_DO");
    desk.ok(KEEPER, &["stock", "check"]);
}

#[test]
fn a_card_of_the_dead_and_one_out_of_use_are_not_handed_out() {
    let mut desk = arrived(2);
    let (first, second) = (desk.number(1), desk.number(2));
    desk.ok(CLERK, &["card", "cancel", &first, "--reason", "printed badly"]);
    assert_eq!(desk.refused(CLERK, &["stock", "hand-out", &first], 3), "STOCK_CARD_OUT_OF_USE");
    desk.ok(MAKER, &["person", "death", "2", "--on", "20260101", "--reason", "seen"]);
    assert_eq!(desk.refused(CLERK, &["stock", "hand-out", &second], 3), "STOCK_CARD_OUT_OF_USE");
    let cards = format!("{first},{second}");
    let back = desk.ok(CLERK, &["stock", "send-back", "--from", "O1", "--card", &cards, "--carrier", "post"]);
    let code = back["place"]["code"].as_str().expect("a code");
    assert_eq!(desk.refused(CLERK, &["stock", "accept", code, "--all"], 3), "OPERATOR_ROLE_MISSING");
    desk.ok(KEEPER, &["stock", "accept", code, "--all"]);
    assert_eq!(desk.refused(KEEPER, &["stock", "pack", "--card", &first, "--to", "O1"], 3), "STOCK_CARD_OUT_OF_USE");
    let sack = desk.ok(KEEPER, &["stock", "condemn", "--card", &cards, "--reason", "out of use"]);
    desk.ok(OTHER, &["stock", "destroy", sack["code"].as_str().expect("a code")]);
    assert_eq!(where_is(&desk, &first).0, "destroyed");
    desk.ok(KEEPER, &["stock", "check"]);
}

#[test]
fn a_sealed_card_is_not_destroyed_before_it_is_out_of_use() {
    let mut desk = made(1);
    let number = desk.number(1);
    let refused = desk.refused(KEEPER, &["stock", "condemn", "--card", &number, "--reason", "x"], 3);
    assert_eq!(refused, "STOCK_CARD_IN_USE");
}

#[test]
fn cards_that_nobody_fetched_within_the_days_of_the_site_are_unclaimed_and_come_back() {
    let mut desk = arrived(3);
    assert_eq!(desk.ok(CLERK, &["stock", "due"])["cards"], 0);
    let (first, second) = (desk.number(1), desk.number(2));
    // A card number may end in X, which before a quote is the start of bytes to one of the databases.
    let old = format!(
        "UPDATE stock SET since = '2020-01-01T00:00:00.000Z' WHERE unit LIKE 'card:{first}%' OR unit LIKE 'card:{second}%'"
    );
    ask(&desk.data(), &old).expect("aged");
    assert_eq!(desk.ok(CLERK, &["stock", "due"])["cards"], 2);
    // Late, but in person.
    desk.ok(CLERK, &["stock", "hand-out", &first]);
    let back = desk.ok(CLERK, &["stock", "send-back", "--from", "O1", "--unclaimed", "--carrier", "post"]);
    assert_eq!(back["cards"], 1);
    assert_eq!(where_is(&desk, &second).0, "in_transit");
    assert_eq!(desk.refused(CLERK, &["stock", "hand-out", &second], 3), "STOCK_NO_MOVE");
    desk.ok(KEEPER, &["stock", "accept", back["place"]["code"].as_str().expect("a code"), "--all"]);
    assert_eq!(where_is(&desk, &second), is("returned", "store"));
    desk.ok(CLERK, &["stock", "hand-out", &second]);
    desk.ok(KEEPER, &["stock", "check"]);
}

#[test]
fn a_card_made_on_the_spot_is_handed_out_where_it_was_made_and_a_parcel_can_be_unpacked() {
    let mut desk = made(2);
    let (first, second) = (desk.number(1), desk.number(2));
    desk.ok(CLERK, &["stock", "hand-out", &first]);
    let parcel = desk.ok(KEEPER, &["stock", "pack", "--batch", "1", "--to", "O1"]);
    assert_eq!(parcel["cards"], 1);
    let code = parcel["place"]["code"].as_str().expect("a code");
    assert_eq!(desk.refused(CLERK, &["stock", "accept", code, "--all"], 3), "STOCK_NOTHING_TO_DO");
    desk.ok(KEEPER, &["stock", "unpack", code]);
    assert_eq!(where_is(&desk, &second), is("returned", "store"));
    desk.ok(KEEPER, &["stock", "check"]);
}

#[test]
fn an_agent_is_kept_sealed_and_shown_masked() {
    let folder = tempfile::tempdir().expect("folder");
    let run = |operator: &str, line: &str| {
        let output = crate::desk::issuer(&folder.path().join("centre"), operator, &line.split(' ').collect::<Vec<_>>());
        let told = String::from_utf8([output.stdout, output.stderr].concat()).expect("text");
        (output.status.code(), told)
    };
    assert_eq!(run("x", "init").0, Some(0));
    assert_eq!(run("x", "operator add gao --role stock --role counter --role capture --role audit").0, Some(0));
    let data = folder.path().join("centre");
    let person = file_in(&data, "person", "{\"number\":\"513301199001010048\",\"name\":\"扎西\"}");
    assert_eq!(run("gao", &format!("person upsert {person}")).0, Some(0));
    ask(&data, CARD).expect("a card as a station leaves it");
    assert_eq!(run("gao", "stock adopt --batch 1").0, Some(0));
    for wrong in [
        "",
        "01\n513301199001010013\n",
        "01\n513301199001010014\n卓玛\n",
        "09\n513301199001010013\n卓玛\n",
        "01\n513301199001010013\n卓玛\n卓玛\n",
    ] {
        let agent = file_in(&data, "agent", wrong);
        let (code, told) = run("gao", &format!("stock hand-out A1 --agent {agent}"));
        assert!(code == Some(1) && told.contains("STOCK_AGENT_UNFIT") && !told.contains("卓玛"), "{told}");
    }
    let agent = file_in(&data, "agent", AGENT);
    let (code, told) = run("gao", &format!("stock hand-out A1 --agent {agent}"));
    assert_eq!(code, Some(0), "{told}");
    let (_, shown) = run("gao", "stock receipt A1");
    assert!(shown.contains("51**************13") && shown.contains("卓****"), "{shown}");
    std::fs::remove_file(agent).expect("removed");
    let stored = ask(&data, "SELECT agent FROM stock_receipt").expect("rows");
    for told in [told, shown, format!("{stored:?}"), run("gao", "audit export /dev/stdout").1] {
        assert!(!told.contains("513301199001010013") && !told.contains("央金"), "{told}");
    }
}

fn file_in(folder: &std::path::Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    std::fs::write(&path, text).expect("written");
    path.to_str().expect("a path").to_owned()
}

const CARD: &str = "INSERT INTO batch (number, state, maker, created_at) VALUES (1, 'finished', 'li', '');
    INSERT INTO card_number VALUES ('A1', 9000001, 'used', '');
    INSERT INTO job (number, batch, person, card_number, state, changed_at) VALUES (1, 1, 1, 'A1', 'done', '');
    INSERT INTO card VALUES ('0081314733158650513300000001', 1, 1, 'A1', '513300D1560000050000000100000000', 'ssc-3.0',
        '20260101', '20990101', 'sealed', '')";

#[test]
fn what_is_missing_of_a_parcel_is_shown_by_number_until_it_is_found() {
    let (mut desk, code) = under_way(3);
    let numbers = (1..=3).map(|job| desk.number(job)).collect::<Vec<String>>();
    let seen = file(&desk, "seen", &numbers[..2].join("\n"));
    let opened = desk.run(CLERK, &["stock", "accept", &code, "--cards", seen.to_str().expect("a path")]);
    assert_eq!(opened.status.code(), Some(10));
    let of_parcel = |shown: &Value| {
        let places = shown["places"].as_array().expect("places").iter();
        places.filter(|place| place["code"] == code.as_str()).map(|place| place["missing"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(of_parcel(&desk.ok(KEEPER, &["stock", "show"])), [serde_json::json!([numbers[2]])]);
    desk.ok(KEEPER, &["stock", "find", "--card", &numbers[2], "--reason", "in another bag"]);
    assert!(of_parcel(&desk.ok(KEEPER, &["stock", "show"])).is_empty());
}

#[test]
fn an_inventory_names_what_differs_and_books_it_with_a_reason_only() {
    let mut desk = arrived(3);
    let numbers = (1..=3).map(|job| desk.number(job)).collect::<Vec<String>>();
    let list =
        |name: &str, numbers: &[String]| file(&desk, name, &numbers.join("\n")).to_str().expect("a path").to_owned();
    let (whole, two) = (list("whole", &numbers), list("two", &numbers[..2]));
    assert_eq!(desk.ok(KEEPER, &["stock", "inventory", "--at", "O1", "--cards", &whole])["agreed"], 3);
    let found = desk.run(KEEPER, &["stock", "inventory", "--at", "O1", "--cards", &two]);
    let named: Value = serde_json::from_slice(&found.stdout).expect("an inventory");
    assert_eq!((found.status.code(), &named["missing"][0]), (Some(10), &numbers[2].as_str().into()));
    assert_eq!(where_is(&desk, &numbers[2]), is("at_outlet", "O1"), "nothing is booked without a reason");
    let book = ["stock", "inventory", "--at", "O1", "--cards", &two, "--reason", "drawer turned out"];
    assert_eq!(desk.run(KEEPER, &book).status.code(), Some(10));
    assert_eq!(where_is(&desk, &numbers[2]), is("missing", "O1"));
    // It lies at the other outlet, and goes to the store.
    let third = list("third", &numbers[2..]);
    let there = ["stock", "inventory", "--at", "O2", "--cards", &third, "--reason", "in a drawer"];
    let found = desk.run(KEEPER, &there);
    let named: Value = serde_json::from_slice(&found.stdout).expect("an inventory");
    assert_eq!((&named["unexpected"][0]["card_number"], &named["booked"]), (&numbers[2].as_str().into(), &true.into()));
    assert_eq!(where_is(&desk, &numbers[2]), is("returned", "store"));
    assert_eq!(
        desk.refused(KEEPER, &["stock", "inventory", "--at", "O9", "--cards", &two], 2),
        "STOCK_PLACE_NOT_FOUND"
    );
    desk.ok(KEEPER, &["stock", "check"]);
}
