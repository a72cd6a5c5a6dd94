//! Wrong passphrases, altered files, full disks.

use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use crate::ask::ask;
use crate::bureau::{Bureau, CLERK};
use crate::fresh::fresh;
use crate::round::{backup, centre, restore};

fn refused(bureau: &Bureau, file: &str) -> (Option<i32>, String) {
    let folder = PathBuf::from(bureau.path("back"));
    let output = restore(bureau, &folder, file, true).output().expect("the program starts");
    assert!(output.stdout.is_empty());
    assert!(!folder.exists() && !PathBuf::from(bureau.path("back.restoring")).exists(), "nothing is left");
    let error: Value = serde_json::from_slice(&output.stderr).expect("an error object");
    (output.status.code(), error["code"].as_str().expect("code").to_owned())
}

#[test]
fn another_passphrase_or_an_altered_file_brings_nothing_back() {
    let bureau = centre();
    let file = bureau.path("one.backup");
    assert_eq!(backup(&bureau, "create", &file).status.code(), Some(0));
    let good = std::fs::read(&file).expect("backup");
    let head = good.iter().position(|byte| *byte == b'\n').expect("a head");
    for (at, expected) in [
        (head + 9, (6, "BACKUP_NOT_OPENED")),
        (head + 70_000, (7, "BACKUP_DAMAGED")),
        (good.len() - 1, (7, "BACKUP_DAMAGED")),
    ] {
        let mut altered = good.clone();
        altered[at] ^= 0x10;
        let altered = bureau.file("altered.backup", altered);
        assert_eq!(refused(&bureau, &altered), (Some(expected.0), expected.1.to_owned()), "byte {at}");
    }
    // It is said where: files come first, then tables, then the list.
    for at in [head + 70_000, good.len() - 1] {
        let mut altered = good.clone();
        altered[at] ^= 0x10;
        let refused = backup(&bureau, "verify", &bureau.file("altered.backup", altered));
        let error: Value = serde_json::from_slice(&refused.stderr).expect("an error object");
        let what = error["what"].as_str().expect("text");
        assert!(what.starts_with("the backup was altered or cut off in the table "), "byte {at}: {what}");
    }
    // In the second part: the first one opens.
    for cut in [good.len() - 1, head + 66_000] {
        let cut = bureau.file("cut.backup", &good[..cut]);
        assert_eq!(refused(&bureau, &cut), (Some(7), "BACKUP_DAMAGED".to_owned()));
        assert_eq!(backup(&bureau, "verify", &cut).status.code(), Some(7));
    }
    for other in [&b""[..], b"x", b"PK\x03\x04", &good[1..]] {
        let other = bureau.file("other", other);
        assert_eq!(refused(&bureau, &other), (Some(1), "BACKUP_UNKNOWN".to_owned()));
    }
    assert_eq!(refused(&bureau, &bureau.path("nowhere")), (Some(2), "BACKUP_NOT_FOUND".to_owned()));
    bureau.file("secret", "another invented passphrase\n");
    assert_eq!(refused(&bureau, &file), (Some(6), "BACKUP_NOT_OPENED".to_owned()));
}

#[test]
fn a_disk_that_fills_up_leaves_no_half_backup_and_no_half_centre() {
    let bureau = centre();
    let (file, source) = (bureau.path("one.backup"), format!("file:{}", bureau.path("secret")));
    // No file may grow beyond 32 KiB: as a disk that is full, at the same call.
    let small = |words: &[&str]| {
        let mut shell = Command::new("sh");
        shell.args(["-c", "ulimit -f 64; trap '' XFSZ; exec \"$@\"", "sh", env!("CARGO_BIN_EXE_issuer")]);
        let output =
            shell.args(words).env_remove("ISSUER_DATABASE").env("ISSUER_OPERATOR", CLERK).output().expect("a shell");
        let error: Value = serde_json::from_slice(&output.stderr).unwrap_or_default();
        (output.status.code(), error["code"].as_str().unwrap_or_default().to_owned())
    };
    let data = bureau.data();
    let words = ["--data", data.to_str().expect("path"), "--format", "json", "backup"];
    let create = [&words[..], &["create", &file, "--backup-passphrase", &source]].concat();
    let (status, code) = small(&create);
    assert_eq!(status, Some(9), "{code}");
    assert!(!PathBuf::from(&file).exists() && !PathBuf::from(format!("{file}.part")).exists(), "{code}");
    assert_eq!(backup(&bureau, "create", &file).status.code(), Some(0));
    let back = bureau.path("back");
    let words = ["--data", &back, "--format", "json", "backup", "restore", &file, "--backup-passphrase", &source];
    let (status, code) = small(&words);
    assert_eq!(status, Some(9), "{code}");
    assert!(!PathBuf::from(&back).exists() && !PathBuf::from(format!("{back}.restoring")).exists());
    let again = restore(&bureau, &PathBuf::from(&back), &file, true).output().expect("the program starts");
    assert_eq!(again.status.code(), Some(0), "{}", String::from_utf8_lossy(&again.stderr));
}

#[test]
fn what_does_not_hold_leaves_the_database_as_it_was_and_another_backup_is_brought_back_into_it() {
    let bureau = centre();
    let (good, bad) = (bureau.path("good.backup"), bureau.path("bad.backup"));
    assert_eq!(backup(&bureau, "create", &good).status.code(), Some(0));
    ask(&bureau.data(), "UPDATE card_number SET state = 'used' WHERE serial = 5").expect("a number without a card");
    assert_eq!(backup(&bureau, "create", &bad).status.code(), Some(0));
    let (folder, url) = (PathBuf::from(bureau.path("back")), fresh());
    let back = |file: &str| {
        let mut restore = restore(&bureau, &folder, file, false);
        restore.envs(url.iter().map(|url| ("ISSUER_DATABASE", url))).output().expect("the program starts")
    };
    for _ in 0..2 {
        let output = back(&bad);
        let error: Value = serde_json::from_slice(&output.stderr).expect("an error object");
        assert_eq!((output.status.code(), &error["code"]), (Some(7), &Value::from("RESTORE_DOES_NOT_HOLD")));
        assert!(!folder.exists() && !PathBuf::from(bureau.path("back.restoring")).exists());
    }
    let output = back(&good);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(crate::bureau::issuer(&folder, &["audit", "verify"]).status.code(), Some(0));
}

#[test]
fn a_backup_of_real_keys_is_not_sealed_under_a_passphrase_that_is_guessed() {
    let bureau = Bureau::new();
    bureau.file("short", "eleven char");
    bureau.file("long", "twelve chars");
    bureau.file("vault", "an invented passphrase");
    let source = |name: &str| format!("file:{}", bureau.path(name));
    let real = PathBuf::from(bureau.path("real"));
    let init = crate::bureau::command(&real, &["--passphrase", &source("vault"), "init", "--production"]).output();
    assert_eq!(init.expect("the program starts").status.code(), Some(0));
    let keeper = crate::bureau::issuer(&real, &["operator", "add", crate::bureau::CLERK, "--role", "keys"]);
    assert_eq!(keeper.status.code(), Some(0));
    let create = |data: &std::path::Path, file: &str, passphrase: &str| {
        let words = ["backup", "create", file, "--backup-passphrase", &source(passphrase)];
        crate::bureau::issuer(data, &words)
    };
    let (file, rehearsed) = (bureau.path("real.backup"), bureau.path("rehearsed.backup"));
    let refused = create(&real, &file, "short");
    let error = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(refused.status.code() == Some(1) && error.contains("BACKUP_PASSPHRASE_SHORT"), "{error}");
    assert!(!PathBuf::from(&file).exists());
    assert_eq!(create(&real, &file, "long").status.code(), Some(0));
    assert_eq!(create(&bureau.data(), &rehearsed, "short").status.code(), Some(0), "a rehearsal is a rehearsal");
}

#[test]
fn files_of_others_that_cannot_be_taken_are_named_and_left_out_of_a_backup_that_holds_the_rest() {
    use std::os::unix::ffi::OsStrExt;
    let bureau = centre();
    let response = bureau.data().join("exchange/response");
    std::fs::create_dir_all(&response).expect("folder");
    // 半成品.txt as a partner's Windows writes it, a link to a key, a link of the operator's own.
    std::fs::write(response.join(std::ffi::OsStr::from_bytes(b"\xB0\xEB\xB3\xC9\xC6\xB7.txt")), "x").expect("file");
    std::os::unix::fs::symlink("/etc/hostname", response.join("513301199301010007")).expect("link");
    std::os::unix::fs::symlink("/etc/hostname", bureau.data().join("templates/theirs.toml")).expect("link");
    let file = bureau.path("one.backup");
    let output = backup(&bureau, "create", &file);
    assert_eq!(output.status.code(), Some(10), "{}", String::from_utf8_lossy(&output.stderr));
    let told: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(
        told["left_out"],
        serde_json::json!([
            {"path": "exchange/response", "why": "not-plain"},
            {"path": "exchange/response", "why": "name-unfit"},
            {"path": "templates/theirs.toml", "why": "not-plain"},
        ])
    );
    assert!(
        told["files"].as_array().is_some_and(|files| files.iter().any(|file| file["name"] == "templates/mine.toml"))
    );
    let folder = PathBuf::from(bureau.path("back"));
    assert_eq!(restore(&bureau, &folder, &file, true).status().expect("the program starts").code(), Some(0));
    assert!(folder.join("exchange/archive/answer.txt").is_file() && !folder.join("templates/theirs.toml").exists());
}
