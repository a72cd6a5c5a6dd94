//! What lies in the folder of the holder registry and is no answer: told, out of the way, and in no record by its name; and what
//! holds people's data does not stay there.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use crate::ask::ask;
use crate::desk::{Desk, MAKER, issuer};
use crate::sync::{accept, answer, export, give, names, place};

#[test]
fn names_that_nothing_may_repeat_links_and_pipes_lose_no_answer() {
    let desk = Desk::new(1);
    desk.ok(MAKER, &["sync", "load"]);
    let (task, _) = export(&desk);
    // A citizen number, bytes of another encoding, a control character, endless.
    let unfit: [&[u8]; 4] = [b"513301199301010007.txt", b"\xB0\xEB\xB3\xC9\xC6\xB7.txt", b"CKR\n1.txt", &[b'n'; 250]];
    for folder in ["response", "run"] {
        for name in unfit {
            std::fs::write(place(&desk, folder).join(OsStr::from_bytes(name)), "x").expect("there");
        }
    }
    std::os::unix::fs::symlink(desk.data().join("centre.toml"), place(&desk, "response").join("link")).expect("a link");
    let pipe = place(&desk, "response").join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().expect("mkfifo").success());
    std::fs::write(place(&desk, "response").join("CK_王子_住院.txt"), "x").expect("there");
    give(&desk, &task, &answer(&task, "1|0||\n"));

    let output = desk.run(MAKER, &["sync", "import"]);
    assert_eq!(output.status.code(), Some(10));
    let told: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let outcomes = |wanted: &str| -> Vec<&str> {
        let files = told["files"].as_array().expect("files").iter();
        files.filter(|file| file["outcome"] == wanted).filter_map(|file| file["name"].as_str()).collect()
    };
    assert_eq!(outcomes("left"), ["link", "pipe"]);
    assert_eq!(outcomes("taken-in"), [format!("CKR_513300_{task}.txt")]);
    assert_eq!(outcomes("rejected").len(), 9, "{told}");
    assert!(names(&desk, "run").is_empty());
    assert_eq!(names(&desk, "response"), ["link", "pipe"]);
    let bad = names(&desk, "bad");
    assert_eq!(
        bad.iter().filter(|name| name.starts_with("unfit-name") && !name.ends_with(".json")).count(),
        8,
        "{bad:?}"
    );
    let records = ask(&desk.data(), "SELECT object, detail FROM audit WHERE act LIKE 'sync.%'").expect("records");
    let records = records.concat().concat();
    assert!(!records.contains("王子") && !records.contains("513301199301010007"), "{records}");
    assert!(records.contains("NAME_UNFIT"), "{records}");

    // By its path such a file is refused before anything is copied.
    let outside = tempfile::tempdir().expect("a folder");
    for name in unfit {
        let path = outside.path().join(OsStr::from_bytes(name));
        std::fs::write(&path, "x").expect("there");
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_issuer"));
        command.args(["--lang", "en", "--format", "json", "--operator", MAKER, "--data"]).arg(desk.data());
        let output = command.args(["sync", "import"]).arg(&path).output().expect("the program");
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(1) && told.contains("SYNC_NAME_UNFIT"), "{told}");
        assert!(!told.contains("513301199301010007"), "{told}");
    }
    assert!(names(&desk, "run").is_empty());
    // Nothing of this keeps a backup from being taken; what it cannot hold is named.
    std::fs::write(place(&desk, "response").join(OsStr::from_bytes(unfit[1])), "x").expect("there");
    let (file, secret) = (outside.path().join("one.backup"), outside.path().join("secret"));
    std::fs::write(&secret, "an invented passphrase of backups\n").expect("a file");
    let (file, secret) = (file.to_str().expect("path"), format!("file:{}", secret.display()));
    desk.ok("nobody", &["operator", "add", "zhou", "--role", "keys"]);
    let taken = issuer(&desk.data(), "zhou", &["backup", "create", file, "--backup-passphrase", &secret]);
    assert_eq!(taken.status.code(), Some(10), "{}", String::from_utf8_lossy(&taken.stderr));
    let told: serde_json::Value = serde_json::from_slice(&taken.stdout).expect("JSON");
    let left =
        [("sync/response/link", "not-plain"), ("sync/response/pipe", "not-plain"), ("sync/response", "name-unfit")];
    let left = left.map(|(path, why)| serde_json::json!({"path": path, "why": why}));
    assert_eq!(told["left_out"].as_array().expect("a list").len(), 3, "{told}");
    assert!(left.iter().all(|left| told["left_out"].as_array().is_some_and(|all| all.contains(left))), "{told}");
    let verified = issuer(&desk.data(), MAKER, &["backup", "verify", file, "--backup-passphrase", &secret]);
    assert_eq!(verified.status.code(), Some(0));
}

#[test]
fn what_the_registry_was_told_of_people_leaves_the_folder_with_its_answer() {
    let desk = Desk::new(2);
    desk.ok(MAKER, &["sync", "load"]);
    let sent = export(&desk);
    let name = format!("CK_513300_{}.txt", sent.0);
    let bytes = std::fs::read(place(&desk, "request").join(&name)).expect("the file");
    assert!(bytes.windows(18).any(|part| part == b"513301199001010001"), "it holds people's data");
    accept(&desk, &sent);
    assert!(names(&desk, "request").is_empty());
    // Killed between the record and the removal: the next command finishes it.
    std::fs::write(place(&desk, "request").join(&name), &bytes).expect("as if it were there still");
    std::fs::write(place(&desk, "request").join("CK_513300_2026112299999999.txt"), "none of ours").expect("a file");
    desk.ok(MAKER, &["sync", "import"]);
    assert_eq!(names(&desk, "request"), ["CK_513300_2026112299999999.txt"]);
}

#[test]
fn answers_and_refused_files_go_with_the_period_of_exchanged_files() {
    let desk = Desk::new(1);
    desk.ok(MAKER, &["sync", "load"]);
    let sent = export(&desk);
    accept(&desk, &sent);
    std::fs::write(place(&desk, "response").join("unknown.txt"), "x").expect("a file");
    assert_eq!(desk.run(MAKER, &["sync", "import"]).status.code(), Some(7));
    desk.ok("wang", &["retention", "set", "exchange", "--days", "200", "--reason", "rules of the archive"]);
    assert_eq!(desk.ok(MAKER, &["retention", "run"])["kinds"][0][1], 0, "none is old");
    let old = std::time::SystemTime::now() - std::time::Duration::from_secs(201 * 86_400);
    for folder in ["archive", "bad"] {
        for name in names(&desk, folder) {
            let file = std::fs::File::options().write(true).open(place(&desk, folder).join(name)).expect("opened");
            file.set_modified(old).expect("as if it were old");
        }
    }
    assert_eq!(desk.ok(MAKER, &["retention", "run"])["kinds"][0][1], 3);
    assert!(names(&desk, "archive").is_empty() && names(&desk, "bad").is_empty());
}
