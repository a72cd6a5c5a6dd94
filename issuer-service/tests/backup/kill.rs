//! Killed in the middle, of a backup and of a restoration.

use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use crate::bureau::{command, issuer};
use crate::fresh::fresh;
use crate::round::{backup, centre, restore};

/// Kills a process as soon as something is to be seen, or lets it end; whether it was killed.
fn kill_when(mut child: Child, mut seen: impl FnMut() -> bool) -> bool {
    loop {
        if seen() {
            child.kill().expect("killed");
        }
        if let Some(status) = child.try_wait().expect("a child") {
            return status.code().is_none();
        }
        std::thread::yield_now();
    }
}

fn bytes(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |there| there.len())
}

#[test]
fn a_backup_that_is_killed_is_no_backup_and_the_next_one_is() {
    let bureau = centre();
    let (file, source) = (bureau.path("one.backup"), format!("file:{}", bureau.path("secret")));
    let part = PathBuf::from(format!("{file}.part"));
    let mut killed = 0;
    for least in [0, 1, 20_000, 60_000] {
        let mut create = command(&bureau.data(), &["backup", "create", &file, "--backup-passphrase", &source]);
        let child = create.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program starts");
        if kill_when(child, || part.exists() && bytes(&part) >= least) {
            killed += 1;
            assert!(!Path::new(&file).exists(), "killed at {least} bytes");
        } else {
            std::fs::remove_file(&file).expect("a backup");
        }
    }
    assert!(killed > 0, "no kill came in time");
    assert_eq!(backup(&bureau, "create", &file).status.code(), Some(0));
    assert_eq!(backup(&bureau, "verify", &file).status.code(), Some(0));
    assert!(!part.exists());
    assert_eq!(issuer(&bureau.data(), &["audit", "verify"]).status.code(), Some(0));
}

#[test]
fn a_restoration_that_is_killed_leaves_no_centre_and_can_be_given_again() {
    let bureau = centre();
    let file = bureau.path("one.backup");
    assert_eq!(backup(&bureau, "create", &file).status.code(), Some(0));
    let folder = PathBuf::from(bureau.path("back"));
    let stage = PathBuf::from(bureau.path("back.restoring"));
    let mut killed = 0;
    for name in ["restore.unfinished", "centre.toml", "audit.anchor", "centre.db", "centre.db-wal"] {
        let mut restore = restore(&bureau, &folder, &file, false);
        let child = restore.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program starts");
        if kill_when(child, || stage.join(name).exists()) {
            killed += 1;
            assert!(!folder.exists(), "killed at {name}");
            assert_ne!(issuer(&folder, &["person", "list"]).status.code(), Some(0));
        } else {
            std::fs::remove_dir_all(&folder).expect("a centre");
        }
    }
    assert!(killed > 0, "no kill came in time");
    // On a server, killed over the rows; then again into the same database.
    let url = fresh();
    let onto = || {
        let mut restore = restore(&bureau, &folder, &file, false);
        restore.envs(url.iter().map(|url| ("ISSUER_DATABASE", url)));
        restore
    };
    if url.is_some() {
        let child = onto().stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program starts");
        assert!(kill_when(child, || stage.join("audit.anchor").exists()) && !folder.exists());
    }
    let done = onto().output().expect("the program starts");
    assert_eq!(done.status.code(), Some(0), "{}", String::from_utf8_lossy(&done.stderr));
    assert!(!stage.exists());
    assert_eq!(issuer(&folder, &["audit", "verify"]).status.code(), Some(0));
}

#[test]
fn a_restoration_that_ended_between_its_database_and_its_folder_is_completed_by_the_same_order() {
    // A file of a database lies in the folder itself: there is no between.
    let Some(url) = fresh() else { return };
    let bureau = centre();
    let (file, other) = (bureau.path("one.backup"), bureau.path("two.backup"));
    for file in [&file, &other] {
        assert_eq!(backup(&bureau, "create", file).status.code(), Some(0));
    }
    let folder = PathBuf::from(bureau.path("back"));
    let stage = PathBuf::from(bureau.path("back.restoring"));
    let onto = |file: &str| {
        let mut restore = restore(&bureau, &folder, file, false);
        restore.env("ISSUER_DATABASE", &url).stderr(Stdio::piped());
        restore
    };
    let code = |output: &std::process::Output| {
        let error: serde_json::Value = serde_json::from_slice(&output.stderr).unwrap_or_default();
        error["code"].as_str().unwrap_or_default().to_owned()
    };
    // Somebody puts a file into the place while the rows are on their way: the folder cannot be put there.
    let mut child = onto(&file).stdout(Stdio::null()).spawn().expect("the program starts");
    while !stage.join("centre.toml").exists() {
        assert!(child.try_wait().expect("a child").is_none(), "it ended too early");
        std::thread::yield_now();
    }
    std::fs::create_dir_all(folder.join("in-the-way")).expect("a folder");
    assert_ne!(child.wait().expect("ended").code(), Some(0));
    assert!(stage.join("restore.unfinished").exists(), "what the database belongs to is kept");
    let in_the_way = onto(&file).output().expect("the program starts");
    assert_ne!(in_the_way.status.code(), Some(0));
    assert!(stage.join("restore.unfinished").exists());
    std::fs::remove_dir_all(&folder).expect("removed");
    // Nor is the folder cleared for another server, or for a file.
    let other_server =
        restore(&bureau, &folder, &file, true).stderr(Stdio::piped()).output().expect("the program starts");
    assert_eq!((other_server.status.code(), code(&other_server)), (Some(3), "RESTORE_HALF_ELSEWHERE".to_owned()));
    // Another backup is not put into it.
    let foreign = onto(&other).output().expect("the program starts");
    assert_ne!(foreign.status.code(), Some(0));
    assert!(stage.exists(), "{}", code(&foreign));
    let done = onto(&file).output().expect("the program starts");
    assert_eq!(done.status.code(), Some(0), "{}", String::from_utf8_lossy(&done.stderr));
    let told: serde_json::Value = serde_json::from_slice(&done.stdout).expect("an object");
    assert_eq!((&told["epoch"], &told["gap"]), (&1.into(), &10_000.into()));
    assert!(!stage.exists() && !folder.join("restore.unfinished").exists());
    assert_eq!(issuer(&folder, &["audit", "verify"]).status.code(), Some(0));
    assert_eq!(onto(&file).output().expect("the program starts").status.code(), Some(3), "it is a centre now");
}

#[test]
fn a_restoration_onto_a_server_that_is_killed_at_any_moment_is_ended_by_the_next_one() {
    if fresh().is_none() {
        return;
    }
    let bureau = centre();
    let file = bureau.path("one.backup");
    assert_eq!(backup(&bureau, "create", &file).status.code(), Some(0));
    // Moments from the first file to the end, by what the folder beside the place and the place itself show.
    for (round, step) in [0_u64, 4, 16, 64, 256].into_iter().enumerate() {
        let url = fresh().expect("a server");
        let folder = PathBuf::from(bureau.path(&format!("back{round}")));
        let stage = PathBuf::from(bureau.path(&format!("back{round}.restoring")));
        let onto = || {
            let mut restore = restore(&bureau, &folder, &file, false);
            restore.env("ISSUER_DATABASE", &url).stderr(Stdio::piped());
            restore
        };
        let child = onto().stdout(Stdio::null()).spawn().expect("the program starts");
        // The anchor is written at the end of the rows; from there in ever longer turns of the scheduler.
        let mut turns = step * 50;
        kill_when(child, || {
            if folder.exists() {
                return true;
            }
            let filled = stage.join("audit.anchor").exists();
            turns = turns.saturating_sub(u64::from(filled));
            filled && turns == 0
        });
        let done = onto().output().expect("the program starts");
        let whole = folder.join("centre.toml").exists();
        assert!(done.status.code() == Some(0) || whole, "{step}: {}", String::from_utf8_lossy(&done.stderr));
        assert!(!stage.exists(), "{step}");
        assert_eq!(issuer(&folder, &["audit", "verify"]).status.code(), Some(0), "{step}");
    }
}

#[test]
fn a_half_of_another_server_is_not_cleared_and_a_whole_one_that_did_not_say_so_is_told() {
    let bureau = centre();
    let file = bureau.path("one.backup");
    assert_eq!(backup(&bureau, "create", &file).status.code(), Some(0));
    let (folder, stage) = (PathBuf::from(bureau.path("back")), PathBuf::from(bureau.path("back.restoring")));
    let mark = |at: &Path| at.join("restore.unfinished");
    let again = || {
        let output =
            restore(&bureau, &folder, &file, false).stderr(Stdio::piped()).output().expect("the program starts");
        let error: serde_json::Value = serde_json::from_slice(&output.stderr).unwrap_or_default();
        (output.status.code(), error["code"].as_str().unwrap_or_default().to_owned())
    };
    // A run onto a server ended between its database and its folder; now a file is named.
    std::fs::create_dir(&stage).expect("a folder");
    std::fs::write(mark(&stage), "0123\npostgres://issuer@db.example/centre\n").expect("a mark");
    assert_eq!(again(), (Some(3), "RESTORE_HALF_ELSEWHERE".to_owned()));
    assert!(mark(&stage).exists() && !folder.exists());
    std::fs::remove_dir_all(&stage).expect("given up");
    assert_eq!(again(), (Some(0), String::new()));
    assert_eq!(again(), (Some(3), "RESTORE_NOT_EMPTY".to_owned()), "it is a centre now");
    // Killed as the last thing it does: the folder stands in its place and still has its mark.
    let filled = crate::ask::ask(&folder, "SELECT value FROM centre WHERE name = 'restore.of'").expect("a fact");
    let word = filled[0][0].split(' ').next().expect("a word").to_owned();
    std::fs::write(mark(&folder), "another word\n").expect("a mark");
    assert_eq!(again(), (Some(3), "RESTORE_NOT_EMPTY".to_owned()), "it is no half of this one");
    std::fs::write(mark(&folder), format!("{word}\n")).expect("a mark");
    assert_eq!(again(), (Some(0), String::new()));
    assert!(!mark(&folder).exists());
    assert_eq!(issuer(&folder, &["audit", "verify"]).status.code(), Some(0));
}
