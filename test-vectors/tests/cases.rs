//! The checker on our own cases, and on files that are wrong in every way that could let a case pass unseen.
//!
//! Owns: runs of the program as a user runs it. Never: a case; those are files.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};

fn cases() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("cases")
}

fn run(arguments: &[&Path]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_test-vectors")).arg("check").args(arguments).output().expect("the program starts")
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Runs one file with this content; gives exit code and output.
fn run_file(content: &str) -> (Option<i32>, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("cases.json");
    fs::write(&file, content).expect("written");
    let output = run(&[&file]);
    (output.status.code(), text(&output))
}

fn good() -> Value {
    json!({"id": "D.DPK", "kind": "div", "key": "00112233445566778899AABBCCDDEEFF", "data": "1122334455667788",
           "out": "496BD7A3513644533100B54E71196528", "origin": "published example"})
}

#[test]
fn our_own_cases_pass() {
    let output = run(&[&cases()]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    let said = text(&output);
    let count: usize =
        said.split_whitespace().nth(1).and_then(|word| word.parse().ok()).expect("the summary has a count");
    assert!(count >= 150, "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
}

#[test]
fn every_case_has_an_id_of_its_own_and_a_provenance() {
    let mut seen = std::collections::BTreeSet::new();
    for entry in fs::read_dir(cases()).expect("the folder") {
        let path = entry.expect("an entry").path();
        let list: Vec<Value> = serde_json::from_slice(&fs::read(&path).expect("read")).expect("JSON");
        for value in list {
            let case = test_vectors::Case::read(&value).expect("a case");
            assert!(seen.insert((path.clone(), case.id.clone())), "{} in {}", case.id, path.display());
        }
    }
}

#[test]
fn a_case_corrupted_in_any_file_fails_with_exit_1_and_one_line() {
    for entry in fs::read_dir(cases()).expect("the folder") {
        let path = entry.expect("an entry").path();
        let list: Vec<Value> = serde_json::from_slice(&fs::read(&path).expect("read")).expect("JSON");
        for index in 0..list.len() {
            let mut changed = list.clone();
            let out = changed[index]["out"].as_str().expect("text").to_owned();
            let last = if out.ends_with('0') { '1' } else { '0' };
            changed[index]["out"] = json!(format!("{}{last}", &out[..out.len() - 1]));
            let folder = tempfile::tempdir().expect("a folder");
            let file = folder.path().join("changed.json");
            fs::write(&file, serde_json::to_vec(&changed).expect("JSON")).expect("written");
            let outcome = test_vectors::check(std::slice::from_ref(&file));
            assert_eq!(outcome.failures.len(), 1, "{} {index}", path.display());
            assert_eq!(outcome.failures[0].id, list[index]["id"].as_str().expect("text"));
        }
    }
    let mut wrong = good();
    wrong["out"] = json!("496BD7A3513644533100B54E71196529");
    let (code, said) = run_file(&json!([good(), wrong]).to_string());
    assert_eq!(code, Some(1));
    let line = said.lines().next().expect("a line");
    let expected = "D.DPK: expected 496BD7A3513644533100B54E71196529, got 496BD7A3513644533100B54E71196528";
    assert!(line.starts_with("FAIL ") && line.contains("cases.json") && line.ends_with(expected), "{line}");
    assert!(said.ends_with("failed: 2 cases in 1 files, 1 failures\n"), "{said}");
}

#[test]
fn whatever_could_hide_a_case_is_a_failure() {
    let with = |field: &str, value: Value| {
        let mut case = good();
        case[field] = value;
        json!([case]).to_string()
    };
    for (content, expected) in [
        (with("kind", json!("tsd")), "kind \"tsd\" is not known"),
        (with("key", json!("0011")), "key has 2 bytes, 16 needed"),
        (with("key", json!("xx")), "key is not hexadecimal"),
        (with("data", json!("112233")), "data has 3 bytes"),
        (with("data", json!("")), "data has 0 bytes"),
        (with("out", json!("")), "field \"out\" is empty"),
        (with("out", json!(5)), "field \"out\" is not text"),
        (with("origin", json!("")), "field \"origin\" is empty"),
        (json!([7]).to_string(), "#1: expected a case, got not an object"),
        (json!([{"kind": "div"}]).to_string(), "no field \"id\""),
        ("[]".into(), "an empty array"),
        ("{}".into(), "a JSON array of cases"),
        ("".into(), "a JSON array of cases"),
        ("[".into(), "a JSON array of cases"),
    ] {
        let (code, said) = run_file(&content);
        assert_eq!(code, Some(1), "{content}");
        assert!(said.contains(expected), "{content}\n{said}");
        assert!(said.lines().next().is_some_and(|line| line.starts_with("FAIL ")), "{said}");
    }
}

#[test]
fn a_missing_file_an_empty_folder_and_no_argument_exit_1() {
    let folder = tempfile::tempdir().expect("a folder");
    for path in [folder.path().to_owned(), folder.path().join("none.json")] {
        let output = run(&[&path]);
        assert_eq!(output.status.code(), Some(1));
        assert!(text(&output).starts_with("FAIL "), "{}", text(&output));
        let both = run(&[&cases(), &path]);
        assert_eq!(both.status.code(), Some(1), "a good folder does not hide a missing one");
    }
    assert_eq!(run(&[]).status.code(), Some(1));
}

#[test]
fn folders_are_walked_down_to_the_last_and_links_do_not_loop() {
    let folder = tempfile::tempdir().expect("a folder");
    let deep = folder.path().join("a/b/c");
    fs::create_dir_all(&deep).expect("folders");
    fs::write(deep.join("deep.json"), json!([good()]).to_string()).expect("written");
    fs::write(folder.path().join("a/notes.txt"), "no case").expect("written");
    #[cfg(unix)]
    std::os::unix::fs::symlink(folder.path(), deep.join("up")).expect("linked");
    let output = run(&[folder.path()]);
    assert_eq!(text(&output), "ok: 1 cases in 1 files, 0 failures\n");
}

#[test]
fn lower_case_hex_and_fields_of_other_writers_are_accepted() {
    let mut case = good();
    case["key"] = json!("00112233445566778899aabbccddeeff");
    case["out"] = json!("496bd7a3513644533100b54e71196528");
    case["note"] = json!({"page": 3});
    let (code, said) = run_file(&json!([case]).to_string());
    assert_eq!(code, Some(0), "{said}");
}
