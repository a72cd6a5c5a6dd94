//! The anchor of the audit log: on another disk, and a program that is killed around a commit.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::ask::ask;
use crate::bureau::{Bureau, command, issuer, json};

fn code(output: &std::process::Output) -> String {
    let error: serde_json::Value = serde_json::from_slice(&output.stderr).expect("an error object");
    error["code"].as_str().expect("code").to_owned()
}

fn add(bureau: &Bureau, name: &str) -> std::process::Output {
    issuer(&bureau.data(), &["operator", "add", name, "--role", "capture", "--format", "json"])
}

/// Names the anchor's place in the configuration.
fn configure(folder: &Path, anchor: &Path) {
    let path = folder.join("centre.toml");
    let text = std::fs::read_to_string(&path).expect("a configuration");
    std::fs::write(&path, format!("{text}\n[audit]\nanchor = \"{}\"\n", anchor.display())).expect("written");
}

#[test]
fn the_anchor_lies_where_the_configuration_says_and_comes_back_into_the_folder() {
    let bureau = Bureau::new();
    let folder = bureau.data();
    assert_eq!(add(&bureau, "li").status.code(), Some(0));
    let (inside, outside) = (folder.join("audit.anchor"), PathBuf::from(bureau.path("disk/of-audit")));
    configure(&folder, &outside);
    // Nobody moved the file: nothing is done, and nothing is begun in its place.
    let refused = add(&bureau, "wang");
    assert_eq!((refused.status.code(), code(&refused).as_str()), (Some(9), "AUDIT_ANCHOR_MISSING"));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("of-audit"), "it says which file");
    assert_eq!(issuer(&folder, &["audit", "verify"]).status.code(), Some(7));
    std::fs::create_dir(outside.parent().expect("a folder")).expect("made");
    std::fs::rename(&inside, &outside).expect("moved");
    let lines = || std::fs::read_to_string(&outside).expect("the anchor").lines().count();
    let before = lines();
    assert_eq!(add(&bureau, "wang").status.code(), Some(0));
    assert_eq!((lines(), inside.exists()), (before + 2, false));
    let verified = json(&issuer(&folder, &["audit", "verify", "--format", "json"]));
    assert_eq!((&verified["anchored"], &verified["first_bad"]), (&true.into(), &serde_json::Value::Null));

    let (file, source) =
        (bureau.path("one.backup"), format!("file:{}", bureau.file("secret", "an invented passphrase")));
    let create = issuer(&folder, &["backup", "create", &file, "--backup-passphrase", &source]);
    assert_eq!(create.status.code(), Some(0), "{}", String::from_utf8_lossy(&create.stderr));
    let back = PathBuf::from(bureau.path("back"));
    let mut restore = command(&back, &["backup", "restore", &file, "--backup-passphrase", &source]);
    restore.env_remove("ISSUER_DATABASE").envs(crate::fresh::fresh().map(|url| ("ISSUER_DATABASE", url)));
    let restore = restore.output().expect("the program starts");
    assert_eq!(restore.status.code(), Some(0), "{}", String::from_utf8_lossy(&restore.stderr));
    let kept = lines();
    assert_eq!(issuer(&back, &["operator", "add", "zhou", "--role", "keys"]).status.code(), Some(0));
    assert_eq!(issuer(&back, &["audit", "verify"]).status.code(), Some(0));
    assert_eq!((back.join("audit.anchor").exists(), lines()), (true, kept), "the lost centre's anchor is left alone");
}

/// Compiles what ends a program between two of its system calls.
fn fault(folder: &str) {
    let text = Path::new(env!("CARGO_MANIFEST_DIR")).join("../soak/src/fault.c");
    let built = Command::new("cc").args(["-O1", "-shared", "-fPIC", "-o", folder]).arg(text).status();
    assert!(built.expect("a C compiler").success());
}

#[test]
fn killed_around_the_line_and_the_commit_the_log_holds_and_the_next_act_mends_the_line() {
    let bureau = Bureau::new();
    let (folder, library) = (bureau.data().canonicalize().expect("a path"), bureau.path("fault.so"));
    fault(&library);
    let number = |sql: &str| ask(&folder, sql).expect(sql)[0][0].parse::<u64>().expect("a number");
    let head = || number("SELECT MAX(sequence) FROM audit");
    let last = || {
        let text = std::fs::read_to_string(folder.join("audit.anchor")).expect("the anchor");
        text.lines().last().expect("a line").to_owned()
    };
    let holds = || assert_eq!(issuer(&folder, &["audit", "verify"]).status.code(), Some(0));
    let (mut without_record, mut without_done, mut cut) = (0, 0, 0);
    // The line before the commit is written and flushed, the one behind it is written.
    for (turn, (act, at)) in [("before", 1), ("half", 1), ("unflushed", 1), ("flushed", 1), ("before", 3), ("half", 3)]
        .into_iter()
        .enumerate()
    {
        let (name, before) = (format!("li{turn}"), head());
        let mut program = command(&folder, &["operator", "add", &name, "--role", "capture"]);
        let faults = [("SOAK_FILES", "audit.anchor"), ("SOAK_ACT", act), ("LD_PRELOAD", library.as_str())];
        let killed = program.env("SOAK_FOLDER", &folder).envs(faults).env("SOAK_AT", at.to_string()).output();
        assert_eq!(killed.expect("the program starts").status.code(), None, "{act} {at}: killed");
        holds();
        let (there, line) = (number(&format!("SELECT COUNT(*) FROM operator WHERE name = '{name}'")), last());
        assert_eq!(head(), before + there, "{act} {at}: an act and its record, or neither");
        let intended = line.starts_with(&format!("intend {} ", before + 1)) && line.len() > 70;
        match there {
            0 if intended => without_record += 1,
            0 => cut += 1,
            _ => without_done += 1,
        }
        // The same command again says that it was done, or does it; the next act ends the matter.
        let again = issuer(&folder, &["operator", "add", &name, "--role", "capture"]);
        assert_eq!(
            again.status.code(),
            Some(if there == 0 { 0 } else { 3 }),
            "{}",
            String::from_utf8_lossy(&again.stderr)
        );
        assert_eq!(add(&bureau, &format!("wu{turn}")).status.code(), Some(0));
        assert_eq!(last(), format!("done {}", head()));
        holds();
    }
    assert_eq!((without_record, without_done, cut), (2, 2, 2));
}

#[test]
fn an_anchor_begun_anew_is_on_record_wherever_the_program_is_killed() {
    let bureau = Bureau::new();
    let (folder, library) = (bureau.data().canonicalize().expect("a path"), bureau.path("fault.so"));
    fault(&library);
    assert_eq!(issuer(&folder, &["operator", "add", "wu", "--role", "audit"]).status.code(), Some(0));
    let file = folder.join("audit.anchor");
    let (mut renewed, mut killed_at) = (0, 0);
    for at in 1.. {
        // A line that is none of ours: nothing goes on before an auditor has answered for it.
        let text = std::fs::read_to_string(&file).expect("the anchor");
        std::fs::write(&file, format!("{text}garbage\n")).expect("damaged");
        let damaged = std::fs::read(&file).expect("the anchor");
        let records = || {
            let rows = ask(&folder, "SELECT COUNT(*) FROM audit WHERE act = 'audit.anchor'").expect("rows");
            rows[0][0].parse::<u64>().expect("a number")
        };
        let before = records();
        let words = ["--operator", "wu", "audit", "anchor", "--reason", "garbage seen"];
        let mut program = command(&folder, &words);
        program.env("SOAK_FOLDER", &folder).env("SOAK_ACT", "before").env("SOAK_AT", at.to_string());
        let outcome = program.env("LD_PRELOAD", &library).output().expect("the program starts");
        let replaced = std::fs::read(&file).map_or(true, |now| now != damaged);
        assert!(!replaced || records() == before + 1, "write {at}: another anchor, and nobody answered for it");
        renewed += u64::from(replaced);
        let again = issuer(&folder, &words);
        let done = outcome.status.code().is_some();
        assert_eq!(again.status.code(), Some(0), "write {at}: {}", String::from_utf8_lossy(&again.stderr));
        assert_eq!(issuer(&folder, &["audit", "verify"]).status.code(), Some(0), "write {at}");
        assert_eq!(add(&bureau, &format!("li{at}")).status.code(), Some(0), "write {at}: acts go on");
        assert!(!folder.join("audit.anchor.new").exists());
        if done {
            break;
        }
        killed_at = at;
    }
    assert!(killed_at >= 4 && renewed >= 1, "{killed_at} kills, {renewed} times another anchor");
}
