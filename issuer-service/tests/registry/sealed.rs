//! Nothing of a person stands open in the centre's folder, and an older centre is sealed when it is opened.

use std::fs;
use std::path::Path;

use crate::bureau::{Bureau, CLERK, HEADER, counts, issuer, json, number, row};

fn holds(folder: &Path, text: &str) -> Vec<String> {
    fs::read_dir(folder)
        .expect("folder")
        .map(|entry| entry.expect("entry").path())
        .filter(|path| path.is_file())
        .filter(|path| fs::read(path).expect("file").windows(text.len()).any(|part| part == text.as_bytes()))
        .map(|path| path.display().to_string())
        .collect()
}

#[test]
fn no_name_number_or_phone_stands_open_in_the_folder() {
    let bureau = Bureau::new();
    bureau.import(format!("{HEADER}\n{}\n", row(1, "扎西·多吉").replace("19900001234", "19912345678")));
    for text in ["扎西", "多吉", &number("19900101", 1), "19912345678", "19900101"] {
        assert_eq!(holds(&bureau.data(), text), Vec::<String>::new(), "{text}");
    }
    let person = json(&issuer(&bureau.data(), &["person", "list", "--format", "json"]));
    assert_eq!(person["people"][0]["name"], "扎****");
}

#[test]
fn every_dossier_of_a_long_file_opens_in_its_row_when_others_stand_between_the_new_ones() {
    let bureau = Bureau::new();
    let line = |day: u32, order: u32| {
        let (birth, sex) = (format!("199001{day:02}"), if order % 2 == 1 { 1 } else { 2 });
        format!("{},卓玛,{sex},04,{birth},513301,19900001234", number(&birth, order))
    };
    // More rows than are made ready ahead of the one that is stored.
    let all: Vec<String> = (1..=6).flat_map(|day| (1..=999).map(move |order| line(day, order))).collect();
    let known: Vec<String> = all.iter().step_by(50).cloned().collect();
    let file = |rows: &[String]| format!("{HEADER}\n{}\n", rows.join("\n"));
    bureau.import(file(&known));
    let mut twice = all.clone();
    twice.insert(3_000, twice[10].clone());
    let (count, before) = (all.len() as u64, known.len() as u64);
    assert_eq!(counts(&bureau.import(file(&twice))), [count - before, 1, before]);
    assert_eq!(counts(&bureau.import(file(&all))), [0, 0, count], "every dossier opens and says the same");
}

#[test]
fn a_dossier_in_another_row_does_not_open() {
    let bureau = Bureau::new();
    bureau.import(format!("{HEADER}\n{}\n{}\n", row(1, "甲"), row(2, "乙")));
    crate::ask::ask(
        &bureau.data(),
        "UPDATE person SET dossier = (SELECT dossier FROM person WHERE id = 2) WHERE id = 1",
    )
    .expect("moved");
    let output = issuer(&bureau.data(), &["person", "show", "1", "--format", "json"]);
    let error: serde_json::Value = serde_json::from_slice(&output.stderr).expect("an error object");
    assert_eq!((output.status.code(), error["code"].as_str()), (Some(9), Some("ROW_DOES_NOT_OPEN")));
    assert_eq!(issuer(&bureau.data(), &["person", "show", "2"]).status.code(), Some(0));
}

#[test]
fn lost_or_foreign_data_keys_are_told_and_never_replaced() {
    let (bureau, other) = (Bureau::new(), Bureau::new());
    bureau.import(format!("{HEADER}\n{}\n", row(1, "甲")));
    other.import(format!("{HEADER}\n{}\n", row(1, "甲")));
    let (keys, theirs) = (bureau.data().join("centre.datakeys"), other.data().join("centre.datakeys"));
    let refusal = || {
        let output = issuer(&bureau.data(), &["person", "list", "--format", "json"]);
        let error: serde_json::Value = serde_json::from_slice(&output.stderr).expect("an error object");
        error["code"].as_str().expect("code").to_owned()
    };
    fs::remove_file(&keys).expect("lost");
    assert_eq!((refusal(), keys.exists()), ("VAULT_NOT_FOUND".to_owned(), false));
    fs::copy(&theirs, &keys).expect("copied");
    // The other centre has another passphrase, so its keys do not even open.
    assert_eq!(refusal(), "VAULT_NOT_OPENED");
    fs::copy(other.data().join("rehearsal.passphrase"), bureau.data().join("rehearsal.passphrase")).expect("copied");
    assert_eq!(refusal(), "DATA_KEYS_FOREIGN");
}

#[test]
fn the_people_of_an_older_centre_are_kept_and_sealed() {
    let bureau = Bureau::on_file();
    let path = bureau.data().join("centre.db");
    // A database as schema 3 and 10 left it, with one person and a job of a batch.
    for suffix in ["", "-wal", "-shm"] {
        let _ = fs::remove_file(format!("{}{suffix}", path.display()));
    }
    for later in ["centre.datakeys", "audit.anchor"] {
        fs::remove_file(bureau.data().join(later)).expect("none yet");
    }
    let raw = rusqlite::Connection::open(&path).expect("database");
    raw.pragma_update(None, "journal_mode", "WAL").expect("mode");
    raw.execute_batch("CREATE TABLE migration (number BIGINT PRIMARY KEY, applied_at TEXT NOT NULL)").expect("table");
    for (schema, sql) in [
        (1, include_str!("../../src/store/schema_001_centre.sql")),
        (2, include_str!("../../src/store/schema_002_person.sql")),
        (3, include_str!("../../src/store/schema_003_batch.sql")),
        (10, include_str!("../../src/store/schema_010_clearing.sql")),
    ] {
        raw.execute_batch(sql).expect("schema");
        raw.execute("INSERT INTO migration (number, applied_at) VALUES ($1, '')", [schema]).expect("row");
    }
    raw.execute(
        "INSERT INTO person VALUES (7, $1, '扎西·多吉', '扎西•多吉', '1', '04', '19900101', '513301', '示范路1号', '19912345678', '', 1, 2, '2026-01-02T03:04:05.678Z')",
        [number("19900101", 1)],
    )
    .expect("person");
    raw.execute_batch(
        "INSERT INTO batch VALUES (1, 'created', NULL, 'li', NULL, '', NULL, NULL);
         INSERT INTO job VALUES (1, 1, 7, NULL, 'requested', '')",
    )
    .expect("job");
    drop(raw);

    let people = bureau.say(&["person", "list"], "");
    assert_eq!((&people["total"], &people["people"][0]["id"]), (&1.into(), &7.into()));
    assert_eq!(people["people"][0]["phone"], "199******78");
    assert_eq!(bureau.say(&["person", "find"], &number("19900101", 1))["people"][0]["id"], 7);
    assert_eq!(bureau.say(&["person", "list", "--batch", "1"], "")["people"][0]["id"], 7);
    let history = bureau.say(&["person", "history", "7"], "");
    assert_eq!(
        (&history["lines"][0]["source"], &history["lines"][0]["since"]),
        (&"registry".into(), &"2026-01-02T03:04:05Z".into())
    );
    for text in ["扎西", "多吉", "19912345678", "示范路"] {
        assert_eq!(holds(&bureau.data(), text), Vec::<String>::new(), "{text}");
    }
    // As after a kill between the last sealed row and the cleaning: the next start cleans.
    let raw = rusqlite::Connection::open(&path).expect("database");
    raw.execute_batch(
        "CREATE TABLE trace (text TEXT); INSERT INTO trace VALUES ('示范路1号'); DROP TABLE trace;
         UPDATE centre SET value = 'remain' WHERE name = 'open_texts'",
    )
    .expect("traces");
    drop(raw);
    assert_ne!(holds(&bureau.data(), "示范路"), Vec::<String>::new(), "the text is in a free page");
    bureau.say(&["person", "list"], "");
    assert_eq!(holds(&bureau.data(), "示范路"), Vec::<String>::new());
    // The file that they came from says nothing new.
    bureau.say(&["operator", "add", CLERK, "--role", "capture"], "");
    let line = row(1, "扎西·多吉").replace("19900001234", "19912345678");
    assert_eq!(bureau.import(format!("{HEADER}\n{line}\n"))["unchanged"], 1);
}
