//! Several sources about the same people: mapping, comparison, work list, merge, search.

use serde_json::{Value, json as object};

use crate::bureau::{Bureau, HEADER, counts, faults, issuer, json, number, row, unnamed};

fn ids(value: &Value) -> Vec<i64> {
    value.as_array().expect("a list").iter().map(|id| id.as_i64().expect("a row number")).collect()
}

/// The bureau's file and another one that differs on the phone of 2 and the name of 3, lacks 1, knows 4.
fn two_sources() -> Bureau {
    let bureau = Bureau::new();
    let ours = [row(1, "甲"), row(2, "乙"), row(3, "丙"), row(5, "戊")].join("\n");
    assert_eq!(counts(&bureau.import(format!("{HEADER}\n{ours}\n"))), [4, 0, 0]);
    bureau.say(&["source", "add", "police", "--map", "电话=phone", "--map", "主号=number"], "");
    let phone = |order: u32, phone: &str| row(order, "乙").replace("19900001234", phone);
    let theirs = [phone(2, "19900004321"), row(3, "三"), row(4, "丁"), row(5, "戊")].join("\n");
    let header = HEADER.replace("联系电话", "电话").replace("社会保障号码", "主号");
    let report = bureau.import_from("police", format!("{header}\n{theirs}\n"));
    let told = ["created", "changed", "conflicting", "unchanged"].map(|name| report[name].as_u64());
    assert_eq!(told, [Some(1), Some(3), Some(2), Some(0)], "{report}");
    bureau.say(&["operator", "add", "li", "--role", "capture"], "");
    bureau
}

#[test]
fn a_file_of_the_same_source_changes_what_that_source_said() {
    let bureau = Bureau::new();
    let import = |line: &str| bureau.import(format!("{HEADER}\n{line}\n"));
    assert_eq!(counts(&import(&row(1, "扎西"))), [1, 0, 0]);
    let other = row(1, "扎西").replace("19900001234", "19900004321");
    let report = import(&other);
    assert_eq!((&report["changed"], &report["conflicting"]), (&1.into(), &0.into()));
    assert_eq!(counts(&import(&other)), [0, 0, 1]);
    assert_eq!(bureau.say(&["person", "show", "1"], "")["phone"], "199******21");
    let history = bureau.say(&["person", "history", "1"], "");
    let phones: Vec<&Value> =
        history["lines"].as_array().expect("lines").iter().filter(|line| line["field"] == "phone").collect();
    assert_eq!((&phones[0]["value"], &phones[0]["standing"]), (&"199******21".into(), &"held".into()));
    assert_eq!((&phones[1]["value"], &phones[1]["standing"]), (&"199******34".into(), &"past".into()));
    assert!(phones[1]["until"].is_string() && phones[0]["until"].is_null());
    // A new name is a case for an operator even from the same source.
    let renamed = import(&row(1, "尼玛"));
    assert_eq!((&renamed["changed"], &renamed["conflicting"]), (&1.into(), &1.into()));
}

#[test]
fn two_sources_are_compared_person_by_person() {
    let bureau = two_sources();
    let found = bureau.say(&["person", "compare", "registry", "police"], "");
    let told = ["exact", "conflict", "missing_in_second", "missing_in_first"].map(|name| found[name].as_u64());
    assert_eq!(told, [Some(1), Some(2), Some(1), Some(1)], "{found}");
    assert_eq!(ids(&found["people"]["conflict"]), [2, 3]);
    assert_eq!(
        (ids(&found["people"]["missing_in_second"]), ids(&found["people"]["missing_in_first"])),
        (vec![1], vec![5])
    );
    assert_eq!(found["fields"], object!([{"field": "name", "people": 1}, {"field": "phone", "people": 1}]));
    let unknown = bureau.told(&["person", "compare", "registry", "nobody"], "");
    assert_eq!(unknown.status.code(), Some(2));
}

#[test]
fn the_work_list_empties_by_decisions_that_keep_every_statement() {
    let bureau = two_sources();
    let list = || bureau.say(&["person", "conflicts"], "");
    let first = list();
    assert_eq!(first["total"], 2);
    assert_eq!(first["people"][0]["fields"][0]["held"], "199******34");
    let said = first["people"][0]["fields"][0]["said"].as_array().expect("voices");
    assert_eq!(
        said.iter().map(|voice| voice["source"].as_str()).collect::<Vec<_>>(),
        [Some("registry"), Some("police")]
    );

    // Nobody decides anonymously, and no source is taken at a word that it did not say.
    assert_eq!(unnamed(&bureau.data(), &["person", "merge", "2"]).status.code(), Some(1));
    fn operator<'a>(arguments: &[&'a str]) -> Vec<&'a str> {
        [arguments, &["--operator", "li"]].concat()
    }
    assert_eq!(
        bureau.told(&operator(&["person", "merge", "2", "--take", "counter", "--field", "phone"]), "").status.code(),
        Some(3)
    );
    assert_eq!(list(), first);

    assert_eq!(
        bureau.say(&operator(&["person", "merge", "2", "--take", "police"]), ""),
        object!({"people": 1, "fields": 1})
    );
    assert_eq!(bureau.say(&["person", "show", "2"], "")["phone"], "199******21");
    assert_eq!(bureau.say(&operator(&["person", "merge", "--all"]), ""), object!({"people": 1, "fields": 1}));
    assert_eq!(list()["total"], 0);
    assert_eq!(bureau.say(&["person", "show", "3"], "")["name"], "*");
    let history = bureau.say(&["person", "history", "2"], "").to_string();
    assert!(
        history.contains("199******34") && history.contains("199******21") && history.contains("decision"),
        "{history}"
    );
    assert_eq!(issuer(&bureau.data(), &["audit", "verify"]).status.code(), Some(0));
}

#[test]
fn one_entry_point_serves_files_and_the_counter() {
    let bureau = two_sources();
    let upsert = |text: &Value| bureau.say(&["person", "upsert"], &text.to_string());
    let person = object!({"AAC002": number("19900101", 9), "姓名": "壬", "sex": 1, "电话号码": 19_900_001_111_u64});
    assert_eq!(upsert(&person), object!({"outcome": "created", "id": 6}));
    assert_eq!(upsert(&person), object!({"outcome": "unchanged", "id": 6}));
    let known = object!({"number": number("19900101", 1), "name": "甲", "phone": "19900009999"});
    assert_eq!(upsert(&known), object!({"outcome": "changed", "id": 1, "changed": [], "conflicts": ["phone"]}));
    let refused = bureau.told(&["person", "upsert"], &object!({"number": "1", "name": "=1", "sex": "x"}).to_string());
    let codes: Vec<Value> =
        json(&refused)["faults"].as_array().expect("faults").iter().map(|fault| fault["code"].clone()).collect();
    assert_eq!(
        (refused.status.code(), codes),
        (Some(10), ["NUMBER_LENGTH", "FORMULA", "SEX_UNKNOWN"].map(Value::from).into())
    );
    for (text, code) in [
        ("", "FILE_EMPTY"),
        ("[]", "JSON_INVALID"),
        ("{\"a\":1,\"a\":2}", "JSON_INVALID"),
        ("{\"name\":\"x\"}", "COLUMN_MISSING"),
    ] {
        let output = bureau.told(&["person", "upsert"], text);
        let error: Value = serde_json::from_slice(&output.stderr).expect("an error object");
        assert_eq!((output.status.code(), error["code"].as_str()), (Some(1), Some(code)), "{text}");
    }
    let long = format!("{{\"number\":\"{}\"}}", "1".repeat(70_000));
    assert_eq!(bureau.told(&["person", "upsert"], &long).status.code(), Some(1));
}

#[test]
fn people_are_found_by_number_name_and_batch() {
    let bureau = two_sources();
    let found = |by: &str, text: &str| -> Vec<i64> {
        let people = bureau.say(&["person", "find", "--by", by], text);
        people["people"].as_array().expect("people").iter().map(|person| person["id"].as_i64().expect("id")).collect()
    };
    let numbers = format!("{}\nnonsense\n{}\n", number("19900101", 4).to_lowercase(), number("19900101", 2));
    assert_eq!(found("number", &numbers), [2, 5]);
    assert_eq!(found("name", "丙\n甲\n"), [1, 3]);
    assert!(found("name", "三").is_empty());
    assert_eq!(bureau.told(&["person", "find"], &number("19900101", 77)).status.code(), Some(2));
    bureau.say(&["batch", "create", "--operator", "li", "--persons", "5,1"], "");
    let batch = bureau.say(&["person", "list", "--batch", "1"], "");
    assert_eq!(batch["people"].as_array().map(Vec::len), Some(2));
}

#[test]
fn unmasked_data_need_an_operator_and_a_reason_and_leave_a_record() {
    let bureau = two_sources();
    assert_eq!(bureau.told(&["person", "show", "1", "--reveal"], "").status.code(), Some(1));
    let nobody = unnamed(&bureau.data(), &["person", "show", "1", "--reveal", "--reason", "x"]);
    assert_eq!(nobody.status.code(), Some(1));
    assert_eq!(
        bureau.told(&["person", "show", "1", "--reveal", "--reason", " ", "--operator", "li"], "").status.code(),
        Some(1)
    );
    let person = bureau.say(&["person", "show", "1", "--reveal", "--reason", "appeal 7", "--operator", "li"], "");
    assert_eq!((&person["name"], &person["number"]), (&"甲".into(), &number("19900101", 1).into()));
    let history =
        bureau.say(&["person", "history", "3", "--reveal", "--reason", "r", "--operator", "li"], "").to_string();
    assert!(
        history.contains("丙")
            && history.contains("三")
            && !bureau.say(&["person", "history", "3"], "").to_string().contains('丙')
    );
    let find = "SELECT actor, object, detail FROM audit WHERE act = 'person.reveal' AND object = 'person 1'";
    assert_eq!(crate::ask::ask(&bureau.data(), find).expect("one record"), [["li", "person 1", "appeal 7"]]);
}

#[test]
fn a_saved_mapping_is_used_for_every_file_of_its_source() {
    let bureau = Bureau::new();
    let text = format!("编号(主),称呼,备注,姓名\n{},甲,x,乙\n", number("19900101", 1));
    assert_eq!(bureau.refusal(&bureau.file("r.csv", &text), &[]), (Some(1), "COLUMN_MISSING".to_owned()));
    let add = [
        "source",
        "add",
        "street",
        "--map",
        "编号（主）=number",
        "--map",
        "称呼=name",
        "--map",
        "姓名=ignore",
        "--encoding",
        "utf-8",
    ];
    let shown = bureau.say(&add, "");
    assert_eq!(shown["mapping"], object!(["编号(主)=number", "称呼=name", "姓名=ignore"]));
    assert_eq!(bureau.say(&["source", "show", "street"], ""), shown);
    let report = bureau.import_from("street", &text);
    assert_eq!((counts(&report), faults(&report)), ([1, 0, 0], Vec::new()));
    assert_eq!(report["ignored_columns"], object!(["备注", "姓名"]));
    // Without this mapping the other column would have been read.
    assert_eq!(bureau.say(&["person", "find", "--by", "name"], "甲")["people"].as_array().map(Vec::len), Some(1));
    assert_eq!(
        bureau.refusal(&bureau.file("r.csv", &text), &["--source", "nobody"]),
        (Some(2), "SOURCE_NOT_FOUND".to_owned())
    );
    assert_eq!(bureau.told(&["source", "add", "a b"], "").status.code(), Some(1));
}

#[test]
fn an_object_with_a_key_that_nobody_reads_is_taken_and_the_key_is_named() {
    let bureau = Bureau::new();
    let text = format!("{{\"number\": \"{}\", \"name\": \"德吉\", \"shoe size\": \"40\"}}", number("19900101", 2));
    let told = bureau.say(&["person", "upsert"], &text);
    assert_eq!((&told["outcome"], &told["ignored_keys"]), (&"created".into(), &object!(["shoe size"])));
    let old = bureau.told(&["person", "upsert"], "{\"number\": \"513301900101002\", \"name\": \"德吉\"}");
    let told = json(&old);
    assert_eq!((old.status.code(), &told["faults"][0]["code"]), (Some(10), &"NUMBER_LENGTH".into()));
    assert!(told["faults"][0]["remedy"].as_str().is_some_and(|text| text.contains("18 characters")), "{told}");
}
