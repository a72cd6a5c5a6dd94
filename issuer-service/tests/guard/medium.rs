//! A centre on a medium that cannot be written: what may be looked at there, and an auditor who leaves no trace.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::ask::ask;
use crate::bench::Bench;

/// A copy of a centre that nobody may write, and the program, in reach of a user who may do nothing.
struct Medium {
    folder: tempfile::TempDir,
}

impl Medium {
    fn of(bench: &Bench) -> Self {
        let folder = tempfile::tempdir().expect("folder");
        let medium = Self { folder };
        fs::create_dir(medium.copy()).expect("folder");
        for entry in fs::read_dir(bench.data()).expect("list") {
            let path = entry.expect("entry").path();
            if path.is_file() {
                fs::copy(&path, medium.copy().join(path.file_name().expect("name"))).expect("copied");
            }
        }
        fs::copy(env!("CARGO_BIN_EXE_issuer"), medium.program()).expect("the program");
        medium.allow(0o555, 0o444);
        medium
    }

    fn copy(&self) -> PathBuf {
        self.folder.path().join("copy")
    }

    fn program(&self) -> PathBuf {
        self.folder.path().join("issuer")
    }

    fn allow(&self, folder: u32, files: u32) {
        let set = |path: &Path, mode| fs::set_permissions(path, Permissions::from_mode(mode)).expect("mode");
        set(self.folder.path(), 0o755);
        set(&self.copy(), folder);
        self.files().iter().for_each(|name| set(&self.copy().join(name), files));
    }

    fn files(&self) -> Vec<String> {
        let names = fs::read_dir(self.copy()).expect("list").map(|entry| entry.expect("entry").file_name());
        let mut names: Vec<String> = names.map(|name| name.into_string().expect("text")).collect();
        names.sort();
        names
    }

    /// As a user who owns nothing here: the system's own user may write everywhere.
    fn verify(&self) -> Output {
        self.run(&["audit", "verify"])
    }

    fn run(&self, line: &[&str]) -> Output {
        let words = ["--lang", "en", "--format", "json", "--data"];
        let everywhere = fs::metadata("/proc/self").expect("a process").uid() == 0;
        let mut command = if everywhere { Command::new("setpriv") } else { Command::new(self.program()) };
        if everywhere {
            command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(self.program());
        }
        command.args(words).arg(self.copy()).args(line).output().expect("the program starts")
    }
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[test]
fn a_log_on_a_medium_that_cannot_be_written_is_verified_and_nothing_is_left_there() {
    if std::env::var_os("ISSUER_TEST_POSTGRES").is_some() {
        return;
    }
    let bench = Bench::new();
    bench.done(&["operator", "add", "zhou", "--role", "stock"]);
    let medium = Medium::of(&bench);
    let before = medium.files();
    assert!(!before.contains(&"centre.db-wal".to_owned()), "{before:?}");
    let verified = medium.verify();
    assert_eq!(verified.status.code(), Some(0), "{}", text(&verified));
    assert!(text(&verified).contains("\"anchored\":true"), "{}", text(&verified));
    assert_eq!(medium.files(), before);

    // The same where the record before the last was changed.
    medium.allow(0o755, 0o644);
    ask(&medium.copy(), "UPDATE audit SET detail = 'x' WHERE sequence = 1").expect("changed");
    medium.allow(0o555, 0o444);
    let verified = medium.verify();
    assert_eq!(verified.status.code(), Some(7), "{}", text(&verified));
}

#[test]
fn a_copy_with_a_part_in_the_log_says_what_is_needed() {
    if std::env::var_os("ISSUER_TEST_POSTGRES").is_some() {
        return;
    }
    let bench = Bench::new();
    // Somebody has the database open, so that what is written stays in the log.
    let open = rusqlite::Connection::open(bench.data().join("centre.db")).expect("opened");
    open.query_row("SELECT COUNT(*) FROM audit", (), |_| Ok(())).expect("read");
    bench.done(&["operator", "add", "zhou", "--role", "stock"]);
    let medium = Medium::of(&bench);
    drop(open);
    let (shared, log) = (medium.copy().join("centre.db-shm"), medium.copy().join("centre.db-wal"));
    assert!(fs::metadata(&log).expect("a log").len() > 0);
    medium.allow(0o755, 0o644);
    let _ = fs::remove_file(&shared);
    medium.allow(0o555, 0o444);
    let verified = medium.verify();
    assert_eq!(verified.status.code(), Some(9), "{}", text(&verified));
    assert!(text(&verified).contains("DATABASE_LOG_UNREAD"), "{}", text(&verified));
    // A log with nothing in it keeps nobody from reading.
    medium.allow(0o755, 0o644);
    let all = fs::read(&log).expect("the log");
    fs::write(&log, "").expect("emptied");
    medium.allow(0o555, 0o444);
    let verified = medium.verify();
    assert_eq!(verified.status.code(), Some(7), "the last record is in the log: {}", text(&verified));
    // Where it may be written, the whole is read.
    medium.allow(0o777, 0o666);
    fs::write(&log, all).expect("back");
    let verified = medium.verify();
    assert_eq!(verified.status.code(), Some(0), "{}", text(&verified));
}

#[test]
fn what_only_looks_works_where_nothing_may_be_written_and_an_act_says_why_it_does_not() {
    if std::env::var_os("ISSUER_TEST_POSTGRES").is_some() {
        return;
    }
    let bench = Bench::new();
    bench.done(&["operator", "add", "li", "--role", "capture"]);
    let person = bench.place().join("person.json");
    fs::write(&person, "{\"number\":\"513301199001010048\",\"name\":\"扎西·多吉\"}").expect("file");
    bench.done(&["person", "upsert", person.to_str().expect("path"), "--operator", "li"]);
    let medium = Medium::of(&bench);
    // A centre whose data keys were never needed is bound to none yet.
    let empty = Medium::of(&Bench::new()).run(&["person", "list"]);
    assert_eq!(empty.status.code(), Some(0), "{}", text(&empty));
    let before = medium.files();
    for line in [
        &["person", "list"][..],
        &["person", "show", "1"],
        &["card", "list"],
        &["batch", "list"],
        &["stock", "check"],
        &["number", "list"],
        &["sync", "status"],
        &["operator", "list"],
        &["audit", "verify"],
    ] {
        let output = medium.run(line);
        assert_eq!(output.status.code(), Some(0), "{line:?}: {}", text(&output));
        assert_eq!(String::from_utf8_lossy(&output.stdout), bench.done(line), "{line:?}");
    }
    for line in [&["number", "fill", "1", "--operator", "li"][..], &["audit", "checkpoint"]] {
        let output = medium.run(line);
        assert_eq!(output.status.code(), Some(9), "{line:?}: {}", text(&output));
        assert!(text(&output).contains("DATABASE_READ_ONLY"), "{line:?}: {}", text(&output));
    }
    assert_eq!(medium.files(), before);
}

#[test]
fn a_result_that_is_cut_off_is_no_success() {
    let bench = crate::bench::Bench::new();
    let full = || fs::OpenOptions::new().write(true).open("/dev/full").expect("a full disk");
    for words in [&["operator", "duties"][..], &["config", "show"]] {
        let output = bench.command(words).stdout(full()).output().expect("the program starts");
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(9), "{words:?}: {told}");
        assert!(told.contains("OUTPUT_NOT_WRITTEN"), "{told}");
    }
    // A reader that has gone away has what it wanted.
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let output = bench.command(&["operator", "duties"]).stdout(writer).output().expect("the program starts");
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
}
