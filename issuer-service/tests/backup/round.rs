//! There and back.

use std::path::{Path, PathBuf};
use std::process::Output;

use crate::ask::ask;
use crate::bureau::{Bureau, HEADER, command, counts, issuer, json, number, row};
use crate::drawn::photo;
use crate::fresh::fresh;

/// A centre with people, photos, an approved batch and a file in its exchange folder; and the passphrase of its backups.
pub(crate) fn centre() -> Bureau {
    let bureau = Bureau::new();
    bureau.file("secret", "an invented passphrase of backups\n");
    let people = format!("{HEADER}\n{}\n{}\n", row(1, "扎西"), row(2, "卓玛"));
    assert_eq!(counts(&bureau.import(people)), [2, 0, 0]);
    for (person, tint) in [("1", 1), ("2", 2)] {
        let file = bureau.file("photo.jpg", photo(tint));
        assert_eq!(issuer(&bureau.data(), &["photo", "add", person, &file]).status.code(), Some(0));
    }
    for (name, role) in [("li", "capture"), ("wang", "approve")] {
        assert_eq!(issuer(&bureau.data(), &["operator", "add", name, "--role", role]).status.code(), Some(0));
    }
    let act = |operator: &str, words: &[&str]| {
        let output = issuer(&bureau.data(), &[words, &["--operator", operator]].concat());
        assert_eq!(output.status.code(), Some(0), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    };
    act("li", &["number", "fill", "5"]);
    act("li", &["batch", "create", "--persons", "1,2"]);
    act("wang", &["batch", "approve", "1"]);
    let archive = bureau.data().join("exchange/archive");
    std::fs::create_dir_all(&archive).expect("folder");
    std::fs::write(archive.join("answer.txt"), "an answer").expect("file");
    std::fs::create_dir_all(bureau.data().join("templates")).expect("folder");
    std::fs::write(bureau.data().join("templates/mine.toml"), "# mine").expect("file");
    bureau
}

pub(crate) fn backup(bureau: &Bureau, verb: &str, file: &str) -> Output {
    let source = format!("file:{}", bureau.path("secret"));
    issuer(&bureau.data(), &["backup", verb, file, "--backup-passphrase", &source, "--format", "json"])
}

/// Words of a restoration, onto a server of the tests if there is one and `server` asks for it.
pub(crate) fn restore(bureau: &Bureau, folder: &Path, file: &str, server: bool) -> std::process::Command {
    let source = format!("file:{}", bureau.path("secret"));
    let mut command = command(folder, &["backup", "restore", file, "--backup-passphrase", &source, "--format", "json"]);
    command.env_remove("ISSUER_DATABASE");
    command.envs(fresh().filter(|_| server).map(|url| ("ISSUER_DATABASE", url)));
    command
}

/// All rows of a table but those that a restoration writes.
fn rows(folder: &Path, table: &str) -> Vec<Vec<String>> {
    let filter = match table {
        "audit" => "WHERE act <> 'backup.restore'",
        "centre" => {
            "WHERE name NOT IN ('epoch', 'clock_mark', 'clock_ticks', 'blacklist.withheld', 'restore.of') AND name NOT LIKE 'floor.%'"
        }
        _ => "",
    };
    let mut rows = ask(folder, &format!("SELECT * FROM \"{table}\" {filter}")).expect(table);
    // A server shows bytes in hexadecimal.
    for cell in rows.iter_mut().flatten() {
        if let Some(Ok(bytes)) = cell.strip_prefix("\\x").map(hex::decode) {
            *cell = String::from_utf8_lossy(&bytes).into_owned();
        }
    }
    rows.sort();
    rows
}

fn code(output: &Output) -> String {
    let error: serde_json::Value = serde_json::from_slice(&output.stderr).expect("an error object");
    error["code"].as_str().expect("code").to_owned()
}

#[test]
fn a_centre_comes_back_whole_on_either_database_and_gives_out_no_number_twice() {
    let bureau = centre();
    let file = bureau.path("one.backup");
    let created = backup(&bureau, "create", &file);
    assert_eq!(created.status.code(), Some(0), "{}", String::from_utf8_lossy(&created.stderr));
    assert_eq!(json(&created), json(&backup(&bureau, "verify", &file)), "what was written is what is read");
    let tables: Vec<String> = json(&created)["tables"]
        .as_array()
        .expect("tables")
        .iter()
        .map(|table| table["name"].as_str().expect("name").to_owned())
        .collect();
    assert!(tables.len() > 30, "{tables:?}");
    let bytes = std::fs::read(&file).expect("backup");
    for open in ["扎西", &number("19900101", 1), "JFIF", "mine", "an answer", "audit"] {
        assert!(!bytes.windows(open.len()).any(|part| part == open.as_bytes()), "{open} stands open in the backup");
    }
    // Afterwards the old centre goes on: what it gives out now must not be given out again.
    let go_on = |folder: &Path| {
        let made = issuer(folder, &["number", "fill", "1", "--operator", "li"]);
        assert_eq!(made.status.code(), Some(0));
        ask(folder, "SELECT MAX(serial) FROM card_number").expect("serial")[0][0].clone()
    };
    assert_eq!(go_on(&bureau.data()), "6");
    for (name, server) in [("on-file", false), ("on-server", true)] {
        let folder = PathBuf::from(bureau.path(name));
        let restored = restore(&bureau, &folder, &file, server).output().expect("the program starts");
        assert_eq!(restored.status.code(), Some(0), "{}", String::from_utf8_lossy(&restored.stderr));
        assert_eq!(json(&restored)["epoch"], 1);
        for table in tables.iter().filter(|name| *name != "card_number") {
            let of_backup = |rows: Vec<Vec<String>>| {
                rows.into_iter().filter(|row| !row.iter().any(|cell| cell == "number.fill")).count()
            };
            assert_eq!(of_backup(rows(&folder, table)), of_backup(rows(&bureau.data(), table)), "{table}");
        }
        for table in ["person", "photo", "job", "operator"] {
            assert_eq!(rows(&folder, table), rows(&bureau.data(), table), "{table}");
        }
        for file in ["exchange/archive/answer.txt", "templates/mine.toml", "centre.vault", "centre.datakeys"] {
            let read = |folder: &Path| std::fs::read(folder.join(file)).expect("file");
            assert_eq!(read(&folder), read(&bureau.data()), "{file}");
        }
        assert_eq!(issuer(&folder, &["audit", "verify"]).status.code(), Some(0), "{name}: the log and its anchor hold");
        let shown = json(&issuer(&folder, &["person", "show", "1", "--format", "json"]));
        assert_eq!(shown["name"], "扎*", "the data keys open it");
        assert_eq!(issuer(&folder, &["key", "check"]).status.code(), Some(0));

        assert_eq!(go_on(&folder), "10006", "behind the gap, which begins behind the last number of the backup");
        let batch = issuer(&folder, &["batch", "cancel", "1", "--operator", "li"]);
        assert_ne!(batch.status.code(), Some(0), "an approved batch is still approved");
        // Rules hold again: a posting that does not sum to zero is refused.
        assert!(ask(&folder, "INSERT INTO posting SELECT 1, '2026-01-01', 'x', 'y', 'z'").is_err());
        let again = restore(&bureau, &folder, &file, false).output().expect("the program starts");
        assert_eq!((again.status.code(), code(&again).as_str()), (Some(3), "RESTORE_NOT_EMPTY"));
        // The restored centre can be backed up and brought back in its turn.
        let (second, third) =
            (bureau.path(&format!("{name}.backup")), PathBuf::from(bureau.path(&format!("{name}-again"))));
        let source = format!("file:{}", bureau.path("secret"));
        let made = issuer(&folder, &["backup", "create", &second, "--backup-passphrase", &source]);
        assert_eq!(made.status.code(), Some(0));
        let restored = restore(&bureau, &third, &second, !server).output().expect("the program starts");
        assert_eq!(json(&restored)["epoch"], 2);
    }
    let taken = backup(&bureau, "create", &file);
    assert_eq!((taken.status.code(), code(&taken).as_str()), (Some(3), "BACKUP_EXISTS"));
    assert_eq!(std::fs::read(&file).expect("backup"), bytes, "nothing is overwritten");
}

#[test]
fn a_database_that_holds_a_centre_is_not_overwritten() {
    let bureau = centre();
    let file = bureau.path("one.backup");
    assert_eq!(backup(&bureau, "create", &file).status.code(), Some(0));
    let Some(url) = fresh() else { return };
    let mut first = restore(&bureau, &PathBuf::from(bureau.path("a")), &file, false);
    assert_eq!(first.env("ISSUER_DATABASE", &url).output().expect("run").status.code(), Some(0));
    let mut second = restore(&bureau, &PathBuf::from(bureau.path("b")), &file, false);
    let refused = second.env("ISSUER_DATABASE", &url).output().expect("run");
    assert_eq!(code(&refused), "DATABASE_INHABITED");
    assert!(!PathBuf::from(bureau.path("b")).exists() && !PathBuf::from(bureau.path("b.restoring")).exists());
}

#[test]
fn receipts_parcels_and_certificates_go_on_behind_the_gap_too() {
    let bureau = centre();
    let (file, back) = (bureau.path("one.backup"), PathBuf::from(bureau.path("back")));
    let give = |folder: &Path| {
        let mut centre = issuer_service::centre::Centre::open(folder).expect("opened");
        let numbers = |tx: &issuer_service::store::Tx<'_>| -> Result<_, issuer_service::store::StoreError> {
            let (sack, parcel) = (tx.next_stock_code("D-")?, tx.next_stock_code("P-")?);
            let certificate = tx.add_certificate("station", &sack, "", &sack, "li")?;
            tx.add_stock_receipt(&parcel, 1, "store", "li", None)?;
            let receipt = tx.stock_receipt(&parcel)?.expect("a receipt").number;
            Ok((sack, parcel, certificate, receipt))
        };
        centre.store.journal(numbers).expect("numbers")
    };
    assert_eq!(give(&bureau.data()), ("D-1".to_owned(), "P-2".to_owned(), 1, 1));
    assert_eq!(backup(&bureau, "create", &file).status.code(), Some(0));
    assert_eq!(give(&bureau.data()), ("D-3".to_owned(), "P-4".to_owned(), 2, 2), "the lost centre goes on");
    let restored = restore(&bureau, &back, &file, true).output().expect("the program starts");
    assert_eq!(restored.status.code(), Some(0), "{}", String::from_utf8_lossy(&restored.stderr));
    assert_eq!(give(&back), ("D-10003".to_owned(), "P-10004".to_owned(), 10_002, 10_002));
    // Whoever was registered on the lost day does not come back under another's row number.
    let people = bureau.file("late.csv", format!("{HEADER}\n{}\n", row(3, "央金")));
    assert_eq!(issuer(&back, &["import", &people]).status.code(), Some(0));
    assert_eq!(ask(&back, "SELECT MAX(id) FROM person").expect("rows")[0][0], "10003");
}
