//! Killed in the middle, of a backup and of a restoration.

use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use crate::bureau::{command, issuer};
use crate::fresh::fresh;
use crate::round::{backup, centre, restore};

/// Kills a process as soon as something is to be seen, or lets it end; whether it was killed.
fn kill_when(mut child: Child, seen: impl Fn() -> bool) -> bool {
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
