//! An audit log of the centre, tampered with in every way: the centre's own check and the separate verifier, which shares no
//! code with it, name the same first record.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use ring::digest::{SHA256, digest};
use rusqlite::Connection;
use serde_json::Value;

const RECORDS: i64 = 11;
/// The record that the last checkpoint covers.
const SIGNED: i64 = 7;

fn program(name: &str) -> PathBuf {
    Path::new(env!("CARGO_BIN_EXE_demo")).with_file_name(name)
}

fn issuer(centre: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(program("issuer"));
    command.args(["--lang", "en", "--format", "json", "--data"]).arg(centre).args(arguments);
    command.output().expect("issuer is built")
}

/// A log of eleven records; the second and the seventh are those of checkpoints.
fn centre(folder: &Path) -> PathBuf {
    let centre = folder.join("centre");
    assert!(issuer(&centre, &["init"]).status.success());
    let mut number = 1;
    let mut more = |count: i64| {
        for _ in 0..count {
            number += 1;
            let name = format!("operator-{number}");
            assert!(issuer(&centre, &["operator", "add", &name, "--role", "audit"]).status.success());
        }
    };
    more(SIGNED - 3);
    assert!(issuer(&centre, &["audit", "checkpoint", "--operator", "operator-2"]).status.success());
    more(RECORDS - SIGNED);
    centre
}

fn copy(centre: &Path, to: &Path) -> PathBuf {
    std::fs::create_dir_all(to).expect("folder");
    for entry in std::fs::read_dir(centre).expect("centre").flatten().filter(|entry| entry.path().is_file()) {
        std::fs::copy(entry.path(), to.join(entry.file_name())).expect("copied");
    }
    to.to_owned()
}

fn database(centre: &Path) -> Connection {
    let raw = Connection::open(centre.join("centre.db")).expect("database");
    raw.execute_batch("PRAGMA foreign_keys = OFF").expect("off");
    raw
}

fn verifier(arguments: &[&str]) -> Output {
    Command::new(program("audit-verifier")).args(arguments).output().expect("audit-verifier is built")
}

/// The first record that both programs name; `None` when both say that the log holds.
fn first_bad(centre: &Path) -> Option<i64> {
    let own = issuer(centre, &["audit", "verify"]);
    let json: Value = serde_json::from_slice(&own.stdout).expect("a verdict");
    let named = json["first_bad"]["sequence"].as_i64();
    assert_eq!(own.status.code(), Some(if named.is_some() { 7 } else { 0 }), "{json}");
    let path = |name: &str| centre.join(name).display().to_string();
    let export = path("export.jsonl");
    let _ = std::fs::remove_file(&export);
    assert!(issuer(centre, &["audit", "export", &export, "--operator", "operator-2"]).status.success());
    for log in [["--database", &path("centre.db")], ["--export", &export]] {
        let other = verifier(&[&log[..], &["--anchor", &path("audit.anchor")]].concat());
        let text = String::from_utf8(other.stdout).expect("text");
        match named {
            Some(named) => assert!(text.contains(&format!("record {named} does not hold")), "{named}: {text}"),
            None => assert!(text.starts_with(&format!("the log holds: {RECORDS} records, 2 signed")), "{text}"),
        }
        assert_eq!(other.status.code(), own.status.code(), "{text}");
    }
    named
}

/// Makes every record from `from` on follow its predecessor again, as someone who knows the format would.
fn rehash(raw: &Connection, from: i64) {
    let last: i64 = raw.query_row("SELECT max(sequence) FROM audit", (), |row| row.get(0)).expect("some");
    for sequence in from..=last {
        let find = "SELECT hash FROM audit WHERE sequence = ?1";
        let previous: String = raw.query_row(find, [sequence - 1], |row| row.get(0)).expect("the one before");
        let find = "SELECT recorded_at, actor, act, object, detail FROM audit WHERE sequence = ?1";
        let fields: Vec<String> =
            raw.query_row(find, [sequence], |row| (0..5).map(|column| row.get(column)).collect()).expect("the record");
        let number = sequence.to_string();
        let all = [&previous, &number].into_iter().chain(&fields);
        let message: String = all.map(|field| format!("{}:{field}", field.len())).collect();
        let hash = hex::encode_upper(digest(&SHA256, message.as_bytes()));
        let set = "UPDATE audit SET previous = ?1, hash = ?2 WHERE sequence = ?3";
        raw.execute(set, (previous, hash, sequence)).expect("set");
    }
}

#[test]
fn both_verifiers_name_the_first_record_that_was_flipped_cut_inserted_moved_or_rewritten() {
    let place = tempfile::tempdir().expect("folder");
    let original = centre(place.path());
    assert_eq!(first_bad(&original), None);
    let mut tries = 0;
    let mut tampered = |named: i64, how: &dyn Fn(&Connection)| {
        tries += 1;
        let centre = copy(&original, &place.path().join(format!("try-{tries}")));
        how(&database(&centre));
        assert_eq!(first_bad(&centre), Some(named), "try {tries}");
    };
    let run = |raw: &Connection, sql: &str| raw.execute_batch(sql).expect("done");
    for record in 1..=RECORDS {
        for field in ["recorded_at", "actor", "act", "object", "detail", "previous", "hash"] {
            let flip = format!("UPDATE audit SET {field} = 'x' || {field} WHERE sequence = {record}");
            tampered(record, &|raw| run(raw, &flip));
        }
        tampered(record, &|raw| run(raw, &format!("DELETE FROM audit WHERE sequence = {record}")));
    }
    for record in 2..RECORDS {
        let next = record + 1;
        let swap = format!(
            "UPDATE audit SET sequence = -1 WHERE sequence = {record}; UPDATE audit SET sequence = {record} WHERE sequence = {next};
             UPDATE audit SET sequence = {next} WHERE sequence = -1"
        );
        tampered(record, &|raw| run(raw, &swap));
        let insert = format!(
            "UPDATE audit SET sequence = -sequence WHERE sequence >= {record};
             UPDATE audit SET sequence = 1 - sequence WHERE sequence < 0;
             INSERT INTO audit SELECT {record}, recorded_at, 'nobody', act, object, detail, previous, hash FROM audit
             WHERE sequence = 1"
        );
        tampered(record, &|raw| run(raw, &insert));
        tampered(record, &|raw| {
            run(raw, &insert);
            rehash(raw, record);
        });
        tampered(record, &|raw| {
            run(raw, &format!("UPDATE audit SET actor = 'nobody' WHERE sequence = {record}"));
            rehash(raw, record);
        });
    }
    tampered(SIGNED, &|raw| {
        run(raw, &format!("UPDATE audit_checkpoint SET signature = '00' WHERE sequence = {SIGNED}"))
    });
    for taken in [2, SIGNED] {
        tampered(taken, &|raw| run(raw, &format!("DELETE FROM audit_checkpoint WHERE sequence = {taken}")));
    }
    for kept in 0..RECORDS {
        let cut =
            format!("DELETE FROM audit WHERE sequence > {kept}; DELETE FROM audit_checkpoint WHERE sequence > {kept}");
        tampered(kept + 1, &|raw| run(raw, &cut));
    }
}

#[test]
fn a_log_that_was_cut_and_went_on_is_named_by_both_for_good() {
    let place = tempfile::tempdir().expect("folder");
    let centre = centre(place.path());
    let anchor = centre.join("audit.anchor");
    let before = std::fs::read_to_string(&anchor).expect("the anchor");
    let cut = "DELETE FROM audit WHERE sequence > 8; DELETE FROM centre WHERE name = 'audit_anchor'";
    database(&centre).execute_batch(cut).expect("cut");
    // A program that compares nothing goes on from record 8 until there are as many as before, and more.
    std::fs::remove_file(&anchor).expect("out of its sight");
    for number in 0..RECORDS {
        let name = format!("again-{number}");
        assert!(issuer(&centre, &["operator", "add", &name, "--role", "audit"]).status.success());
    }
    let behind = std::fs::read_to_string(&anchor).expect("the anchor");
    let (_, behind) = behind.split_once('\n').expect("its start");
    std::fs::write(&anchor, format!("{before}{behind}")).expect("one file, as that program leaves it");
    assert_eq!(first_bad(&centre), Some(9));
}

#[test]
fn the_verifier_says_what_it_could_not_compare_and_takes_the_key_from_paper() {
    let place = tempfile::tempdir().expect("folder");
    let centre = centre(place.path());
    let file = centre.join("centre.db").display().to_string();
    let alone = String::from_utf8(verifier(&["--database", &file]).stdout).expect("text");
    assert!(alone.contains("without --anchor") && alone.contains("without --public-key"), "{alone}");
    let key: String = database(&centre)
        .query_row("SELECT value FROM centre WHERE name = 'public_key'", (), |row| row.get(0))
        .expect("a key");
    let pinned = String::from_utf8(verifier(&["--database", &file, "--public-key", &key]).stdout).expect("text");
    assert!(!pinned.contains("without --public-key"), "{pinned}");
    let other = verifier(&["--database", &file, "--public-key", &"00".repeat(32)]);
    assert_eq!(other.status.code(), Some(7), "signed with another key");
    assert_eq!(verifier(&["--database", "no-such-file"]).status.code(), Some(9));
    assert_eq!(verifier(&["--export", "no-such-file"]).status.code(), Some(2));
    let junk = place.path().join("junk");
    std::fs::write(&junk, [0xFF, 0, 7, b'\n']).expect("junk");
    assert_eq!(verifier(&["--export", &junk.display().to_string()]).status.code(), Some(9));
}

#[test]
fn an_act_whose_anchor_is_gone_or_cannot_be_written_does_not_happen() {
    let place = tempfile::tempdir().expect("folder");
    let centre = centre(place.path());
    let anchor = centre.join("audit.anchor");
    let kept = std::fs::read(&anchor).expect("the anchor");
    std::fs::remove_file(&anchor).expect("gone");
    let add = ["operator", "add", "zhou", "--role", "audit"];
    let refused = issuer(&centre, &add);
    assert_eq!(refused.status.code(), Some(9));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("AUDIT_ANCHOR_MISSING"));
    assert_eq!(issuer(&centre, &["audit", "verify"]).status.code(), Some(7));
    std::fs::create_dir(&anchor).expect("a folder in its place");
    let refused = issuer(&centre, &add);
    assert!(String::from_utf8_lossy(&refused.stderr).contains("AUDIT_ANCHOR_FAILED"));
    std::fs::remove_dir(&anchor).expect("gone");
    std::fs::write(&anchor, &kept).expect("brought back");
    assert_eq!(first_bad(&centre), None, "neither try left a record");

    std::fs::remove_file(&anchor).expect("lost for good");
    let renew = ["audit", "anchor", "--reason", "disk lost", "--operator", "operator-2"];
    assert!(issuer(&centre, &renew).status.success());
    assert!(issuer(&centre, &add).status.success());
    let verdict: Value = serde_json::from_slice(&issuer(&centre, &["audit", "verify"]).stdout).expect("JSON");
    assert_eq!(
        (verdict["records"].as_i64(), verdict["anchored"].as_bool()),
        (Some(RECORDS + 2), Some(true)),
        "{verdict}"
    );
}
