//! The word of two people about a load, killed inside every write and before every flush of the centre's files: each step of it is there
//! whole, with its money and its record, or not at all.

use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use settlement::id::LoadId;

use crate::centre::{Centre, LOADS};
use crate::fresh::fresh;

/// What ends a program at a chosen write: the same that kills whole batches.
const FAULT: &str = include_str!("../../../soak/src/fault.c");
/// kill -9.
const SIGKILL: i32 = 9;
/// What decides, whose money it is, who did what.
const BOOKS: &str = "SELECT (SELECT count(*) FROM load_decision), (SELECT coalesce(max(state), '-') FROM load_decision),
    (SELECT coalesce(max(decided_on), '-') FROM load_decision), (SELECT state FROM load), (SELECT count(*) FROM posting),
    (SELECT count(*) FROM entry), (SELECT count(*) FROM audit)";

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("folder");
    for entry in std::fs::read_dir(from).expect("folder") {
        let entry = entry.expect("entry");
        let (path, to) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            copy(&path, &to);
        } else {
            std::fs::copy(&path, &to).expect("copied");
        }
    }
}

/// The program, killed at the write or flush `at` of the centre's files; whether it was.
fn killed(library: &Path, data: &Path, at: u32, words: &[&str]) -> bool {
    let mut issuer = Command::new(env!("CARGO_BIN_EXE_issuer"));
    issuer.args(["--lang", "en", "--data"]).arg(data).args(words);
    issuer.env("LD_PRELOAD", library).env("SOAK_FOLDER", data).env("SOAK_ACT", "half").env("SOAK_AT", at.to_string());
    let output = issuer.stdin(Stdio::null()).output().expect("the program starts");
    let is_killed = output.status.signal() == Some(SIGKILL);
    assert!(is_killed || output.status.success(), "{words:?} {at}: {}", String::from_utf8_lossy(&output.stderr));
    is_killed
}

#[test]
fn a_decision_about_a_load_that_is_killed_is_there_whole_or_not_at_all() {
    // A server writes its files itself.
    if fresh().is_some() {
        return;
    }
    let mut centre = Centre::with_cards(1);
    centre.serve();
    let mut terminal = centre.terminal(1);
    centre.allot(1, "500");
    let body = centre.card(1).init_load(&terminal, 1, 50_000);
    assert_eq!(terminal.ask(LOADS, body).0, 200);
    assert_eq!(centre.stop_server(), Some(0));
    let aside = tempfile::tempdir().expect("folder");
    let (text, library) = (aside.path().join("fault.c"), aside.path().join("fault.so"));
    std::fs::write(&text, FAULT).expect("written");
    let built = Command::new("cc").args(["-O1", "-shared", "-fPIC", "-o"]).args([&library, &text]).status();
    assert!(built.expect("a C compiler").success());
    let data: PathBuf = centre.data().canonicalize().expect("a folder");
    let id = LoadId([1; 16]).to_string();
    let steps = [
        vec!["--operator", "ma", "load", "propose", &id, "--credited", "--reason", "seen"],
        vec!["--operator", "wu", "load", "approve", "1"],
    ];
    for words in steps {
        let kept = aside.path().join("kept");
        copy(&data, &kept);
        let before = centre.ask(BOOKS).expect("read");
        assert!(!killed(&library, &data, 0, &words), "done");
        let after = centre.ask(BOOKS).expect("read");
        assert_ne!(before, after);
        let (mut undone, mut done) = (0, 0);
        for at in 1.. {
            std::fs::remove_dir_all(&data).expect("removed");
            copy(&kept, &data);
            if !killed(&library, &data, at, &words) {
                break;
            }
            let books = centre.ask(BOOKS).expect("read");
            assert!(books == before || books == after, "{words:?}, killed at {at}: {books:?}");
            if books == before {
                undone += 1
            } else {
                done += 1
            }
            // The next one goes on from there, whatever was torn: sometimes looked at, since it takes its time.
            if at % 6 == 0 {
                let next = crate::centre::issuer(&data, &words);
                assert_eq!(next.status.code(), Some(if books == before { 0 } else { 3 }), "killed at {at}");
                assert_eq!(centre.ask(BOOKS).expect("read"), after, "killed at {at}");
                assert_eq!(crate::centre::issuer(&data, &["audit", "verify"]).status.code(), Some(0), "killed at {at}");
            }
        }
        assert!(undone >= 5 && done >= 1, "{words:?}: {undone} kills before it was done, {done} behind");
        std::fs::remove_dir_all(&kept).expect("removed");
    }
    assert_eq!((centre.balance("card:"), centre.balance("transit:")), (50_000, 0));
}
