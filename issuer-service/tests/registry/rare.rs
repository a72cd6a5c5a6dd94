//! People whose names or addresses a chip cannot hold, and people whose name is in question: registered, passed over, named.

use serde_json::Value;

use crate::bureau::{Bureau, HEADER, counts, issuer, json, number, row};

/// Three with rare characters in the name, one in the address, one plain, one with two names from two sources.
fn bureau() -> Bureau {
    let bureau = Bureau::new();
    let header = format!("{HEADER},地址");
    let line = |order: u32, name: &str, address: &str| format!("{},{address}", row(order, name));
    let rows = [
        line(1, "王䶮", ""),
        line(2, "㐂𠮷", ""),
        line(3, "王\u{30EDE}", ""),
        line(4, "卓玛", "康定市㙍路1号"),
        line(5, "央金", "康定市"),
        line(6, "德吉", ""),
    ];
    let report = bureau.import(format!("{header}\n{}\n", rows.join("\n")));
    assert_eq!(counts(&report), [6, 0, 0], "{report}");
    let note = report["notes"].as_array().expect("notes").iter().find(|note| note["code"] == "TEXT_NOT_ON_CHIP");
    assert!(note.expect("a note")["message"].as_str().is_some_and(|text| text.starts_with("4 people")), "{note:?}");
    bureau.say(&["source", "add", "police"], "");
    bureau.import_from("police", format!("{HEADER}\n{}\n", row(6, "拉姆")));
    for (name, role) in [("li", "capture"), ("wang", "approve")] {
        bureau.say(&["operator", "add", name, "--role", role], "");
    }
    bureau
}

fn reasons(value: &Value) -> Vec<(i64, &str)> {
    let people = value["people"].as_array().expect("people").iter();
    people.map(|of| (of["id"].as_i64().expect("a number"), of["no_card"].as_str().unwrap_or_default())).collect()
}

#[test]
fn lawful_names_are_held_and_found_as_they_are_written() {
    let bureau = bureau();
    for (order, name) in [(1, "王䶮"), (2, "㐂𠮷"), (3, "王\u{30EDE}")] {
        let found = bureau.say(&["person", "find", "--by", "name"], name);
        assert_eq!(reasons(&found), [(order, "text")], "{name}");
        let order = order.to_string();
        let shown = ["person", "show", &order, "--reveal", "--reason", "letter 1", "--operator", "li"];
        assert_eq!(bureau.say(&shown, "")["name"], name);
    }
}

#[test]
fn people_for_whom_no_card_can_be_made_are_passed_over_counted_and_listed() {
    let bureau = bureau();
    let list = bureau.say(&["person", "list", "--no-card"], "");
    let expected = [(1, "text"), (2, "text"), (3, "text"), (4, "text"), (6, "conflict")];
    assert_eq!(reasons(&list), expected);
    let made = bureau.say(&["batch", "create", "--operator", "li"], "");
    assert_eq!(made["cards"], 1, "{made}");
    let over = serde_json::json!([{"reason": "conflict", "people": 1}, {"reason": "text", "people": 4}]);
    assert_eq!(made["passed_over"], over);
    assert_eq!(reasons(&bureau.say(&["person", "list", "--batch", "1"], "")), [(5, "")]);
    let empty = bureau.told(&["batch", "create", "--operator", "li"], "");
    assert_eq!(empty.status.code(), Some(2));
    let text = String::from_utf8_lossy(&empty.stderr).into_owned();
    assert!(text.contains("BATCH_EMPTY") && text.contains("4 people passed over"), "{text}");
}

#[test]
fn who_is_named_is_refused_with_the_reason_until_it_is_decided() {
    let bureau = bureau();
    let refused = |arguments: &[&str], code: &str| {
        let told = bureau.told(&[arguments, &["--operator", "li"]].concat(), "");
        let text = String::from_utf8_lossy(&told.stderr).into_owned();
        assert_eq!(told.status.code(), Some(3), "{arguments:?} {text}");
        assert!(text.contains(code), "{arguments:?} {text}");
    };
    refused(&["request", "new", "--person", "1"], "PERSON_TEXT_NOT_ON_CHIP");
    refused(&["instant", "new", "--person", "4"], "PERSON_TEXT_NOT_ON_CHIP");
    refused(&["request", "new", "--person", "6"], "PERSON_NAME_UNDECIDED");
    refused(&["batch", "create", "--persons", "5,6,1"], "BATCH_PEOPLE_KEPT");

    // Decided, the person gets a card; a form that the chip holds is told by the counter and decided on in the same way.
    bureau.say(&["person", "merge", "6", "--take", "police", "--operator", "li"], "");
    let form = format!("{{\"number\": \"{}\", \"name\": \"王岩\"}}", number("19900101", 1));
    bureau.say(&["person", "upsert"], &form);
    bureau.say(&["person", "merge", "1", "--take", "counter", "--operator", "li"], "");
    assert_eq!(bureau.say(&["batch", "create", "--persons", "5,6,1", "--operator", "li"], "")["cards"], 3);

    // What is said after the batch is made keeps it from being approved; made again, it passes the person over.
    bureau.import_from("police", format!("{HEADER}\n{}\n", row(5, "央宗")));
    let approve = issuer(&bureau.data(), &["batch", "approve", "1", "--operator", "wang"]);
    assert_eq!(approve.status.code(), Some(3), "{}", String::from_utf8_lossy(&approve.stderr));
    bureau.say(&["batch", "cancel", "1", "--operator", "li"], "");
    let again = json(&issuer(&bureau.data(), &["batch", "create", "--operator", "li", "--format", "json"]));
    assert_eq!((&again["cards"], &again["passed_over"][0]["reason"]), (&2.into(), &"conflict".into()), "{again}");
}

#[test]
fn who_is_said_to_be_dead_gets_no_card_until_that_is_decided() {
    let bureau = Bureau::new();
    bureau.say(&["operator", "add", "li", "--role", "capture"], "");
    let file = |rows: &[(u32, &str)]| {
        let lines: Vec<String> =
            rows.iter().map(|(order, alive)| format!("{},{alive}\n", row(*order, "卓玛"))).collect();
        format!("{HEADER},生存状态\n{}", lines.concat())
    };
    let report = bureau.import(file(&[(1, "1"), (2, "2 死亡"), (3, ""), (4, "7")]));
    assert_eq!(counts(&report), [3, 1, 0], "{report}");
    assert_eq!(report["faults"][0]["code"], "ALIVE_UNKNOWN", "{report}");
    let list = || bureau.say(&["person", "list", "--no-card"], "");
    assert_eq!(reasons(&list()), [(2, "said-dead")]);
    let told = bureau.told(&["request", "new", "--person", "2", "--operator", "li"], "");
    assert_eq!(told.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&told.stderr).contains("PERSON_SAID_DEAD"), "{told:?}");

    // Another source says it of one who was alive: that is enough to wait, and not enough to be true.
    bureau.say(&["source", "add", "police"], "");
    bureau.import_from("police", file(&[(1, "死亡"), (2, "1")]));
    assert_eq!(reasons(&list()), [(1, "said-dead"), (2, "said-dead")]);
    let decide = |person: &str, how: &[&str]| {
        bureau.say(&[&["person", "merge", person, "--field", "alive", "--operator", "li"], how].concat(), "")
    };
    decide("1", &[]);
    decide("2", &["--take", "police"]);
    assert_eq!(reasons(&list()), []);
    assert_eq!(bureau.say(&["batch", "create", "--operator", "li"], "")["cards"], 3);
}

#[test]
fn rows_of_an_older_schema_are_weighed_when_the_registry_is_opened() {
    let bureau = bureau();
    let phone = row(5, "央金").replace("19900001234", "19900004321");
    bureau.import_from("police", format!("{HEADER}\n{phone}\n"));
    let count = "SELECT id, no_card FROM person WHERE conflicts > 0 ORDER BY id";
    let asked = |sql| crate::ask::ask(&bureau.data(), sql).expect("rows");
    asked("UPDATE person SET no_card = 'unweighed' WHERE conflicts > 0");
    assert_eq!(asked(count), [["5", "unweighed"], ["6", "unweighed"]]);
    bureau.say(&["person", "list"], "");
    assert_eq!(asked(count), [["5", ""], ["6", "conflict"]], "sources differ on a telephone number of 5 only");
}
