//! Who somebody is: values taken back, other numbers, two rows that are one person. All people are invented.

use serde_json::{Value, json as object};

use crate::ask::ask;
use crate::bureau::{Bureau, HEADER, counts, issuer, json, notes, number, row};

/// Four people of the bureau; li captures, wang approves and captures, tashi is at the counter.
fn bureau() -> Bureau {
    let bureau = Bureau::new();
    let rows = [row(1, "甲"), row(2, "乙"), row(3, "丙"), row(4, "丁")].join("\n");
    assert_eq!(counts(&bureau.import(format!("{HEADER}\n{rows}\n"))), [4, 0, 0]);
    for (name, roles) in [("li", "capture"), ("wang", "approve,capture"), ("zhou", "keys")] {
        let roles = roles.split(',').flat_map(|role| ["--role", role]);
        let words: Vec<&str> = ["operator", "add", name].into_iter().chain(roles).collect();
        assert_eq!(issuer(&bureau.data(), &words).status.code(), Some(0), "{name}");
    }
    bureau
}

/// Exit code and code of an error.
fn refused(bureau: &Bureau, words: &[&str], input: &str) -> (Option<i32>, String) {
    let told = bureau.told(words, input);
    let error: Value = serde_json::from_slice(&told.stderr).unwrap_or_default();
    (told.status.code(), error["code"].as_str().unwrap_or_default().to_owned())
}

fn upsert(bureau: &Bureau, source: &str, said: &Value) -> Value {
    bureau.say(&["person", "upsert", "--source", source], &said.to_string())
}

fn phones(bureau: &Bureau, id: &str) -> Vec<(String, String)> {
    let history = bureau.say(&["person", "history", id, "--reveal", "--reason", "letter 1", "--operator", "li"], "");
    let lines = history["lines"].as_array().expect("lines").iter().filter(|line| line["field"] == "phone");
    let text = |line: &Value, name: &str| line[name].as_str().unwrap_or_default().to_owned();
    lines.map(|line| (text(line, "standing"), text(line, "value"))).collect()
}

fn of(standing: &str, value: &str) -> (String, String) {
    (standing.to_owned(), value.to_owned())
}

#[test]
fn a_source_takes_back_what_it_said_and_the_past_keeps_it() {
    let bureau = bureau();
    let null = object!({"number": number("19900101", 1), "name": "甲", "phone": null});
    // The counter never said it: what is held stays, and it is told so.
    let told = upsert(&bureau, "counter", &null);
    assert_eq!((&told["changed"], &told["not_said"]), (&object!([]), &object!(["phone"])), "{told}");
    assert_eq!(phones(&bureau, "1"), [of("held", "19900001234")]);
    let told = upsert(&bureau, "registry", &null);
    assert_eq!((&told["outcome"], &told["changed"]), (&"changed".into(), &object!(["phone"])));
    assert_eq!(bureau.say(&["person", "show", "1"], "")["phone"], "");
    assert_eq!(phones(&bureau, "1"), [of("past", "19900001234")]);
    assert_eq!(upsert(&bureau, "registry", &null)["outcome"], "unchanged");
    // What everybody has cannot be taken back, an empty text says nothing.
    let sex = bureau.told(
        &["person", "upsert"],
        &object!({"number": number("19900101", 1), "name": "甲", "sex": null}).to_string(),
    );
    assert_eq!((sex.status.code(), &json(&sex)["faults"][0]["code"]), (Some(10), &"NOT_TAKEN_BACK".into()));
    let empty = object!({"number": number("19900101", 2), "name": "乙", "phone": ""});
    assert_eq!(upsert(&bureau, "registry", &empty)["outcome"], "unchanged");

    // In a file by a word that the source declares; not without it.
    let file = |word: &str| format!("{HEADER}\n{}\n", row(2, "乙").replace("19900001234", word));
    let report = bureau.import_from("registry", file("撤销"));
    assert_eq!(report["refused"], 1, "{report}");
    assert_eq!(
        bureau.say(&["source", "add", "registry", "--map", "撤销=take-back"], "")["mapping"][0],
        "撤销=take-back"
    );
    let report = bureau.import_from("registry", file("撤 销"));
    assert_eq!((&report["changed"], &report["refused"]), (&1.into(), &0.into()), "{report}");
    assert_eq!(phones(&bureau, "2"), [of("past", "19900001234")]);
    bureau.say(&["source", "add", "counter", "--map", "撤销=take-back"], "");
    let third = format!("{HEADER}\n{}\n", row(3, "丙").replace("19900001234", "撤销"));
    let report = bureau.import_from("counter", &third);
    assert!(notes(&report).contains(&"NOTHING_TAKEN_BACK".to_owned()), "{report}");
    assert_eq!(phones(&bureau, "3"), [of("held", "19900001234")]);
}

#[test]
fn what_another_source_says_stays_and_an_operator_clears_what_all_say() {
    let bureau = bureau();
    let said = |phone: &str| object!({"number": number("19900101", 1), "name": "甲", "phone": phone});
    let null = object!({"number": number("19900101", 1), "name": "甲", "phone": null});
    upsert(&bureau, "counter", &said("19900001234"));
    // Two say it: one takes it back, it stays the other one's, who may change it alone.
    assert_eq!(upsert(&bureau, "registry", &null)["changed"], object!([]));
    assert_eq!(upsert(&bureau, "counter", &said("19900005555"))["changed"], object!(["phone"]));
    // They differ: when the one that is held is taken back, the other one's is held.
    upsert(&bureau, "registry", &said("19900006666"));
    assert_eq!(upsert(&bureau, "counter", &null)["changed"], object!(["phone"]));
    assert_eq!(bureau.say(&["person", "conflicts"], "")["total"], 0);
    assert_eq!(phones(&bureau, "1")[0], of("held", "19900006666"));
    // None of it is right: an operator says so, and the same words change nothing.
    let clear = ["person", "merge", "1", "--none", "--field", "phone", "--operator", "li"];
    assert_eq!(bureau.say(&clear, ""), object!({"people": 1, "fields": 1}));
    assert_eq!(upsert(&bureau, "registry", &said("19900006666"))["outcome"], "unchanged");
    assert_eq!(bureau.say(&["person", "show", "1"], "")["phone"], "");
    assert_eq!(phones(&bureau, "1")[0], of("settled", "19900006666"));
    let name = ["person", "merge", "1", "--none", "--field", "name", "--operator", "li"];
    assert_eq!(refused(&bureau, &name, ""), (Some(3), "FIELD_NOT_WITHOUT_VALUE".to_owned()));
    assert_eq!(bureau.told(&["person", "merge", "1", "--none", "--operator", "li"], "").status.code(), Some(1));
    assert_eq!(upsert(&bureau, "registry", &said("19900007777"))["changed"], object!(["phone"]));
}

fn renumber(bureau: &Bureau, id: &str, to: &str, because: &str) -> Value {
    let words = ["person", "renumber", id, "--because", because, "--reason", "letter 7", "--operator", "li"];
    bureau.say(&words, &object!({"number": to}).to_string())
}

fn approve(bureau: &Bureau, number: &Value) -> Value {
    bureau.say(&["person", "approve", &number.to_string(), "--operator", "wang"], "")
}

fn find(bureau: &Bureau, number: &str) -> Vec<i64> {
    let found = bureau.say(&["person", "find"], &format!("{number}\n"));
    found["people"].as_array().expect("people").iter().map(|person| person["id"].as_i64().expect("an id")).collect()
}

#[test]
fn two_people_give_a_person_another_number_and_both_find_the_row() {
    let bureau = bureau();
    let (old, new) = (number("19900101", 1), number("19910203", 11));
    let words =
        |id, because| ["person", "renumber", id, "--because", because, "--reason", "letter 7", "--operator", "li"];
    let taken = object!({"number": number("19900101", 2)}).to_string();
    assert_eq!(refused(&bureau, &words("1", "wrong"), &taken), (Some(3), "PERSON_NUMBER_TAKEN".to_owned()));
    let same = object!({"number": old}).to_string();
    assert_eq!(refused(&bureau, &words("1", "wrong"), &same), (Some(3), "PERSON_NUMBER_SAME".to_owned()));
    let none = object!({"number": "51330119910203011"}).to_string();
    assert_eq!(refused(&bureau, &words("1", "wrong"), &none), (Some(1), "PERSON_NUMBER_UNFIT".to_owned()));
    assert_eq!(refused(&bureau, &words("99", "wrong"), &same).0, Some(2));

    let order = renumber(&bureau, "1", &new, "changed");
    assert_eq!((&order["state"], &order["person"]), (&"proposed".into(), &1.into()));
    assert!(!order.to_string().contains(&new));
    assert_eq!(refused(&bureau, &["person", "approve", "1", "--operator", "li"], "").0, Some(3), "li does not approve");
    let again = object!({"number": number("19900101", 77)}).to_string();
    assert_eq!(bureau.told(&words("1", "wrong"), &again).status.code(), Some(3), "one order at a time");
    // Whoever asks does not decide.
    let own = ["person", "renumber", "2", "--because", "wrong", "--reason", "x", "--operator", "wang"];
    let own = bureau.say(&own, &object!({"number": number("19900101", 12)}).to_string());
    let number_of_own = own["number"].to_string();
    assert_eq!(
        refused(&bureau, &["person", "approve", &number_of_own, "--operator", "wang"], ""),
        (Some(3), "SAME_OPERATOR".to_owned())
    );
    assert_eq!(find(&bureau, &new), Vec::<i64>::new());
    assert_eq!(approve(&bureau, &order["number"])["state"], "approved");
    assert_eq!(
        refused(&bureau, &["person", "reject", "1", "--reason", "x", "--operator", "wang"], ""),
        (Some(3), "IDENTITY_ORDER_DECIDED".to_owned())
    );
    assert_eq!((find(&bureau, &old), find(&bureau, &new)), (vec![1], vec![1]));
    let reveal = ["person", "show", "1", "--reveal", "--reason", "letter 1", "--operator", "li"];
    let shown = bureau.say(&reveal, "");
    assert_eq!(
        (&shown["number"], &shown["birth_date"], &shown["sex"]),
        (&new.clone().into(), &"19910203".into(), &"1".into())
    );
    let history = bureau.say(&["person", "history", "1"], "");
    assert_eq!(history["former_numbers"][0]["number"], format!("51**************{}", &old[16..]));

    // A file that still has the old number is about the same person and says nothing of what the number tells.
    let report = bureau.import(format!("{HEADER}\n{}\n{}\n", row(1, "甲"), row(5, "戊")));
    assert_eq!(counts(&report), [1, 0, 1], "{report}");
    // The number was the person's: nobody else gets it.
    let report = bureau.import(format!("{HEADER}\n{}\n", row(1, "别人")));
    assert_eq!((&report["created"], &report["conflicting"]), (&0.into(), &1.into()), "{report}");
    let other = ["person", "renumber", "3", "--because", "wrong", "--reason", "x", "--operator", "li"];
    assert_eq!(refused(&bureau, &other, &same), (Some(3), "PERSON_NUMBER_TAKEN".to_owned()));
    // Sealed, also anew.
    assert_eq!(bureau.told(&["key", "rotate-data", "--operator", "zhou"], "").status.code(), Some(0));
    assert_eq!((find(&bureau, &old), find(&bureau, &new)), (vec![1], vec![1]));
    let open = ask(&bureau.data(), "SELECT number, person, because, state FROM identity_order ORDER BY number");
    assert_eq!(open.expect("rows").len(), 2);
    assert_eq!(issuer(&bureau.data(), &["audit", "verify"]).status.code(), Some(0));
}

#[test]
fn a_number_that_was_wrong_is_free_for_whoever_has_it() {
    let bureau = bureau();
    let order = renumber(&bureau, "1", &number("19900101", 11), "wrong");
    approve(&bureau, &order["number"]);
    // The bureau sends its mistake again; then its owner comes.
    assert_eq!(counts(&bureau.import(format!("{HEADER}\n{}\n", row(1, "甲")))), [0, 0, 1]);
    let report = bureau.import(format!("{HEADER}\n{}\n", row(1, "戊")));
    assert_eq!(counts(&report), [1, 0, 0], "{report}");
    assert_eq!(find(&bureau, &number("19900101", 1)), [5]);
    // A rejected order does nothing and may be asked again.
    let order = renumber(&bureau, "2", &number("19900101", 22), "wrong");
    let words = ["person", "reject", &order["number"].to_string(), "--reason", "no letter", "--operator", "wang"];
    assert_eq!(bureau.say(&words, "")["rejection"], "no letter");
    assert_eq!(find(&bureau, &number("19900101", 22)), Vec::<i64>::new());
    renumber(&bureau, "2", &number("19900101", 22), "changed");
    let orders = bureau.say(&["person", "orders", "--state", "proposed"], "");
    assert_eq!(orders["orders"].as_array().expect("orders").len(), 1);
}

#[test]
fn two_rows_of_one_person_are_joined_when_one_has_no_card() {
    let bureau = bureau();
    let twin = row(7, "甲").replace("19900001234", "19900007777");
    let report = bureau.import(format!("{HEADER}\n{twin}\n"));
    assert_eq!(counts(&report), [1, 0, 0]);
    let note = report["notes"].as_array().expect("notes").iter().find(|note| note["code"] == "PERSON_ALIKE");
    assert!(note.expect("a note")["message"].as_str().expect("text").contains("5=1"), "{report}");
    upsert(&bureau, "counter", &object!({"number": number("19900101", 7), "name": "甲", "address": "新路2号"}));

    let join = |id, into| ["person", "join", id, "--into", into, "--reason", "one family book", "--operator", "li"];
    assert_eq!(refused(&bureau, &join("5", "5"), ""), (Some(3), "PERSON_NOT_JOINED".to_owned()));
    // Whoever waits for a card does not give way.
    assert_eq!(issuer(&bureau.data(), &["request", "new", "--person", "5", "--operator", "li"]).status.code(), Some(0));
    assert_eq!(refused(&bureau, &join("5", "1"), ""), (Some(3), "PERSON_NOT_JOINED".to_owned()));
    bureau.say(&["request", "withdraw", "1", "--reason", "double", "--operator", "li"], "");
    let order = bureau.say(&join("5", "1"), "");
    assert_eq!((&order["act"], &order["other"]), (&"join".into(), &1.into()));
    // Looked at again when it is decided.
    assert_eq!(issuer(&bureau.data(), &["request", "new", "--person", "5", "--operator", "li"]).status.code(), Some(0));
    let approve_it = ["person", "approve", "1", "--operator", "wang"];
    assert_eq!(refused(&bureau, &approve_it, ""), (Some(3), "PERSON_NOT_JOINED".to_owned()));
    bureau.say(&["request", "withdraw", "2", "--reason", "double", "--operator", "li"], "");
    assert_eq!(approve(&bureau, &order["number"])["state"], "approved");

    assert_eq!((find(&bureau, &number("19900101", 7)), find(&bureau, &number("19900101", 1))), (vec![1], vec![1]));
    assert_eq!(bureau.registered(), 4);
    // The number of the row that gave way was the right one all along.
    for (give, other) in [(7, 1), (1, 7)] {
        let order = renumber(&bureau, "1", &number("19900101", give), "wrong");
        assert_eq!(approve(&bureau, &order["number"])["state"], "approved");
        let both = [give, other].map(|one| find(&bureau, &number("19900101", one)));
        assert_eq!(both, [vec![1], vec![1]], "{give}");
    }
    assert_eq!(bureau.say(&["person", "show", "5"], "")["goes_on_as"], 1);
    let history = bureau.say(&["person", "history", "1"], "");
    assert_eq!(history["joined"], object!([5]));
    // What the counter said of the one is known of the other; the telephone of the same source is in its past.
    assert_eq!(bureau.say(&["person", "history", "5"], "")["joined_into"], 1);
    let told = phones(&bureau, "1");
    assert_eq!(told, [of("held", "19900001234"), of("past", "19900007777")]);
    let addresses = history["lines"].as_array().expect("lines").iter().filter(|line| line["field"] == "address");
    assert_eq!(addresses.filter(|line| line["standing"] == "held").count(), 1, "{history}");
    // Nothing is done with the row that gave way, and no card is made for it.
    let request = ["request", "new", "--person", "5", "--operator", "li"];
    assert_eq!(refused(&bureau, &request, ""), (Some(3), "PERSON_JOINED".to_owned()));
    let death = ["person", "death", "5", "--on", "20260101", "--reason", "x", "--operator", "li"];
    assert_eq!(refused(&bureau, &death, ""), (Some(3), "PERSON_JOINED".to_owned()));
    assert_eq!(refused(&bureau, &join("2", "5"), ""), (Some(3), "PERSON_JOINED".to_owned()));
    let batch = bureau.say(&["batch", "create", "--operator", "li"], "");
    assert_eq!(batch["cards"], 4, "{batch}");
    // A file under either number is about one person.
    let report = bureau.import(format!("{HEADER}\n{twin}\n"));
    assert_eq!((&report["created"], bureau.registered()), (&0.into(), 4), "{report}");
    assert_eq!(issuer(&bureau.data(), &["audit", "verify"]).status.code(), Some(0));
}

#[test]
fn a_number_that_was_given_up_as_wrong_is_free_behind_a_joining_and_those_of_rows_joined_before_are_the_person_s() {
    let bureau = bureau();
    let twins = [row(7, "甲"), row(8, "甲")].join("\n");
    assert_eq!(counts(&bureau.import(format!("{HEADER}\n{twins}\n"))), [2, 0, 0]);
    // 5 goes on in 6, and 6 in 1.
    for (id, into) in [("5", "6"), ("6", "1")] {
        let order =
            bureau.say(&["person", "join", id, "--into", into, "--reason", "one person", "--operator", "li"], "");
        approve(&bureau, &order["number"]);
    }
    let of = |serial| number("19900101", serial);
    assert_eq!([1, 7, 8].map(|serial| find(&bureau, &of(serial))), [vec![1], vec![1], vec![1]]);
    assert_eq!(bureau.say(&["person", "history", "1"], "")["joined"], object!([5, 6]));
    // The number of the first of them was the right one; that of the row that stays is another person's, who comes now.
    let order = renumber(&bureau, "1", &of(7), "wrong");
    assert_eq!(approve(&bureau, &order["number"])["state"], "approved");
    assert_eq!(find(&bureau, &of(7)), vec![1]);
    let report = bureau.import(format!("{HEADER}\n{}\n", row(1, "戊")));
    assert_eq!(counts(&report), [1, 0, 0], "{report}");
    assert_eq!((find(&bureau, &of(1)), find(&bureau, &of(8))), (vec![7], vec![1]));
}

#[test]
fn whoever_gets_a_citizen_number_first_stays_the_same_person() {
    let bureau = bureau();
    let permit = object!({"number": "H12345678", "name": "陈样例", "sex": "2", "birth_date": "19900101",
        "certificate_type": "04", "region": "513301"});
    let id = bureau.say(&["person", "upsert"], &permit.to_string())["id"].clone();
    assert_eq!(id, 5);
    let order = renumber(&bureau, "5", &number("19900101", 20), "changed");
    approve(&bureau, &order["number"]);
    assert_eq!((find(&bureau, "HKG0H12345678"), find(&bureau, &number("19900101", 20))), (vec![5], vec![5]));
    assert!(bureau.say(&["person", "show", "5"], "")["certificate"].is_null());
    assert_eq!(bureau.say(&["person", "conflicts"], "")["total"], 0);
    // A renewed passport: sex and birth date are those that are known.
    let words = ["person", "renumber", "1", "--because", "changed", "--reason", "letter 7", "--operator", "li"];
    let passport = object!({"number": "GB7654321", "certificate_type": "08", "nationality": "GBR"}).to_string();
    approve(&bureau, &bureau.say(&words, &passport)["number"]);
    assert_eq!(find(&bureau, "GBR0GB7654321"), [1]);
}
