//! New data keys: at rest, killed at every step, beside processes that hold the old ones, across backups.

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;

use issuer_service::card::Chip;
use issuer_service::centre::Centre;
use issuer_service::error::{Error, Explain};
use issuer_service::exchange::state::RowMove;
use issuer_service::import::{self, Order};
use issuer_service::lang::Lang;
use issuer_service::progress::{Quiet, Steps};
use issuer_service::psam::PsamKeys;
use issuer_service::psam::custody::{HandOut, PsamMove};
use issuer_service::rotation::{Rotated, generations, rotate};
use issuer_service::stock::handout::Agent;
use issuer_service::store::{StoreError, Tx};
use issuer_service::vault::data_keys::DataKeys;

use crate::ask::ask;
use crate::bureau::{Bureau, CLERK, HEADER, command, counts, issuer, json, number, row};
use crate::drawn::photo;
use crate::sweep;

/// Rows that `bureau` leaves sealed: people, photos, a file, an answer, a receipt, who has a PSAM.
const ROWS: u64 = 7 + 2 + 1 + 1 + 1 + 1;

/// Seven people, two with photos, a file to a bank with an answer, a receipt for an agent, operators.
fn bureau() -> Bureau {
    let bureau = Bureau::new();
    let rows: Vec<String> = (1..=7).map(|order| row(order, "甲")).collect();
    assert_eq!(counts(&bureau.import(format!("{HEADER}\n{}\n", rows.join("\n")))), [7, 0, 0]);
    for person in ["1", "5"] {
        let file = bureau.file("photo.jpg", photo(1));
        assert_eq!(issuer(&bureau.data(), &["photo", "add", person, &file]).status.code(), Some(0));
    }
    for (name, role) in [("zhou", "keys"), ("li", "capture"), ("wang", "approve")] {
        assert_eq!(issuer(&bureau.data(), &["operator", "add", name, "--role", role]).status.code(), Some(0));
    }
    let act = |words: &[&str], operator: &str| {
        let output = issuer(&bureau.data(), &[words, &["--operator", operator]].concat());
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    };
    act(&["batch", "create", "--persons", "1,2"], "li");
    act(&["batch", "approve", "1"], "wang");
    act(&["exchange", "export", "bank-fixed", "--batch", "1", "--partner", "B1"], "li");
    let mut centre = opened(&bureau.data());
    let agent = Agent::parse(format!("01\n{}\n乙\n", number("19900101", 9)).as_bytes()).expect("an agent");
    let words = |tx: &Tx<'_>| -> Result<_, StoreError> {
        tx.move_exchange_row(1, 1, RowMove::Accept, "6222 0000", None)?;
        let chip = Chip::parse("814D326086435100000001").expect("a chip");
        tx.begin_psam(&chip, "510000000001", "H001", "zhou", (1, PsamKeys::All))?;
        tx.finish_psam(&chip, PsamMove::Make)?;
        tx.hand_out_psam("510000000001", &HandOut { institution: "H001", holder: "丙", due: "20991231" })?;
        tx.add_stock_receipt("A00000001", 1, "store", "li", Some(&agent))
    };
    centre.store.journal(words).expect("an answer and a receipt");
    bureau
}

fn passphrase(folder: &Path) -> String {
    std::fs::read_to_string(folder.join("rehearsal.passphrase")).expect("kept").trim().to_owned()
}

fn keys(folder: &Path) -> Arc<DataKeys> {
    Arc::new(DataKeys::open(&folder.join("centre.datakeys"), &passphrase(folder)).expect("keys"))
}

fn opened(folder: &Path) -> Centre {
    let mut centre = Centre::open(folder).expect("opened");
    centre.store.unlock(keys(folder)).expect("the keys of this database");
    centre
}

fn run(folder: &Path, steps: &dyn Steps) -> Result<Rotated, Error> {
    let mut centre = Centre::open(folder).expect("opened");
    rotate(&mut centre, &passphrase(folder), Some("zhou"), 2, steps)
}

/// Everybody is found by number and by name, and everything that is sealed opens.
fn assert_serves(centre: &mut Centre) {
    let look = |tx: &Tx<'_>| -> Result<(), StoreError> {
        for order in 1..=7 {
            let found = tx.dossier_by_number(&number("19900101", order))?.expect("found by number");
            assert_eq!(found.0, i64::from(order));
        }
        assert!(tx.dossier_by_number(&number("19900101", 8))?.is_none(), "nobody has this number");
        assert_eq!(tx.people_named("甲", 0, 100)?, [1, 2, 3, 4, 5, 6, 7]);
        assert_eq!(tx.people_named("甲", 0, 3)?, [1, 2, 3]);
        assert_eq!(tx.people_named("甲", 3, 2)?, [4, 5], "a page of both generations");
        assert_eq!((tx.photo(1)?.is_some(), tx.photo(5)?.is_some()), (true, true));
        assert!(tx.exchange_body(1)?.len() > 100);
        assert_eq!(tx.exchange_answers(1)?.into_values().collect::<Vec<_>>(), ["6222 0000"]);
        assert_eq!(tx.psam_of_terminal("510000000001")?.and_then(|psam| psam.holder).as_deref(), Some("丙"));
        assert!(tx.stock_receipt("A00000001")?.expect("a receipt").agent.is_some());
        Ok(())
    };
    centre.store.read(look).expect("all open");
}

/// Generations that rows are sealed under, and how many rows there are.
fn used(folder: &Path) -> (Vec<u8>, u64) {
    let found = Centre::open(folder).expect("opened").store.read(generations).expect("store");
    let mut used: Vec<u8> = found.tables.iter().map(|under| under.generation).collect();
    used.sort_unstable();
    used.dedup();
    (used, found.tables.iter().map(|under| under.rows).sum())
}

#[test]
fn everything_is_sealed_anew_and_the_old_keys_are_gone() {
    let bureau = bureau();
    let folder = bureau.data();
    let (old, file) = (keys(&folder), std::fs::read(folder.join("centre.datakeys")).expect("file"));
    let hashes = "SELECT number_hash, name_hash, dossier FROM person ORDER BY id";
    let before = ask(&folder, hashes).expect("hashes");
    let rotated = bureau.told(&["key", "rotate-data", "--operator", "zhou"], "");
    assert_eq!(rotated.status.code(), Some(0), "{}", String::from_utf8_lossy(&rotated.stderr));
    let told = json(&rotated);
    assert_eq!((&told["generation"], &told["rows"], &told["resumed"]), (&2.into(), &ROWS.into(), &false.into()));
    assert_eq!((used(&folder), keys(&folder).ids()), ((vec![2], ROWS), vec![2]));
    assert_serves(&mut opened(&folder));
    for (before, after) in before.iter().zip(ask(&folder, hashes).expect("hashes")) {
        assert!(before.iter().zip(&after).all(|(before, after)| before != after), "a cell stayed as it was");
    }
    let acts = "SELECT act, object FROM audit WHERE act LIKE 'key.%data' ORDER BY sequence";
    let acts = ask(&folder, acts).expect("acts").concat();
    assert_eq!(acts, ["key.rotate-data", "data keys 2", "key.destroy-data", "data keys 2"]);
    assert_eq!(issuer(&folder, &["audit", "verify"]).status.code(), Some(0));
    // Whoever kept the old file opens nothing with it, and it is not taken for the right one.
    let sealed: Vec<u8> = {
        let path = folder.join("kept");
        std::fs::write(&path, file).expect("kept");
        let kept = DataKeys::open(&path, &passphrase(&folder)).expect("it opens");
        let mut centre = Centre::open(&folder).expect("opened");
        assert_eq!(centre.store.unlock(Arc::new(kept)).expect_err("foreign").code(), "DATA_KEYS_FOREIGN");
        old.seal(1, "person 1", b"x").expect("sealed")
    };
    assert!(keys(&folder).open_row(1, "person 1", &sealed).is_none());
    let again = json(&bureau.told(&["key", "rotate-data", "--operator", "zhou"], ""));
    assert_eq!((&again["generation"], used(&folder)), (&3.into(), (vec![3], ROWS)));
    assert_serves(&mut opened(&folder));
    let shown = json(&bureau.told(&["key", "data"], ""));
    assert_eq!((&shown["seals"], &shown["rotating"]), (&3.into(), &false.into()));
}

#[test]
fn who_keeps_no_keys_rotates_none_and_a_wrong_passphrase_changes_nothing() {
    let bureau = bureau();
    let folder = bureau.data();
    let file = || std::fs::read(folder.join("centre.datakeys")).expect("file");
    let before = file();
    assert_eq!(bureau.told(&["key", "rotate-data", "--operator", "li"], "").status.code(), Some(3));
    let wrong = format!("file:{}", bureau.file("wrong", "another passphrase"));
    let refused = bureau.told(&["key", "rotate-data", "--operator", "zhou", "--passphrase", &wrong], "");
    assert_eq!(refused.status.code(), Some(6));
    assert_eq!((file(), used(&folder)), (before, (vec![1], ROWS)));
    let acts = ask(&folder, "SELECT act FROM audit WHERE act LIKE 'key.%'").expect("acts");
    assert!(acts.is_empty(), "{acts:?}");
}

/// Ends the run at its n-th step, as a kill would: nothing behind it happens.
#[derive(Debug)]
struct Killed(Cell<u32>);

impl Steps for Killed {
    fn at(&self, _: u64, _: u64) {
        let left = self.0.get();
        assert!(left > 0, "killed");
        self.0.set(left - 1);
    }
}

#[test]
fn killed_at_any_step_everybody_is_found_and_the_next_run_ends_it() {
    let bureau = bureau();
    let folder = bureau.data();
    let (mut killed, mut generation) = (0, 1);
    let stride = sweep::stride(1, 4);
    for step in (0..).step_by(stride) {
        let ended = catch_unwind(AssertUnwindSafe(|| run(&folder, &Killed(Cell::new(step)))));
        assert_serves(&mut opened(&folder));
        generation += 1;
        if let Ok(rotated) = ended {
            assert_eq!(rotated.expect("ended").rows, ROWS);
            break;
        }
        killed += 1;
        let (needed, _) = used(&folder);
        let there = keys(&folder).ids();
        assert!(needed.iter().all(|needed| there.contains(needed)), "a key that rows need is gone: step {step}");
        let rotated = run(&folder, &Quiet).expect("it goes on");
        assert_eq!((rotated.resumed, rotated.generation), (true, generation), "step {step}");
        assert_serves(&mut opened(&folder));
        assert_eq!((used(&folder), keys(&folder).ids()), ((vec![generation], ROWS), vec![generation]), "step {step}");
    }
    assert!(killed * stride >= 10, "{killed} steps");
    // However often it was interrupted, the end of each generation is on record once.
    let ends = ask(&folder, "SELECT object FROM audit WHERE act = 'key.destroy-data' ORDER BY sequence").expect("acts");
    let expected: Vec<String> = (2..=generation).map(|id| format!("data keys {id}")).collect();
    assert_eq!(ends.concat(), expected);
    assert_eq!(issuer(&folder, &["audit", "verify"]).status.code(), Some(0));
}

/// Works in another process's place at every step.
struct Beside<'a> {
    work: RefCell<Box<dyn FnMut(u32) + 'a>>,
    step: Cell<u32>,
}

impl std::fmt::Debug for Beside<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Beside")
    }
}

impl<'a> Beside<'a> {
    fn new(work: impl FnMut(u32) + 'a) -> Self {
        Self { work: RefCell::new(Box::new(work)), step: Cell::new(0) }
    }
}

impl Steps for Beside<'_> {
    fn at(&self, _: u64, _: u64) {
        self.work.borrow_mut()(self.step.get());
        self.step.set(self.step.get() + 1);
    }
}

#[test]
fn processes_that_began_before_find_everybody_at_every_step_and_seal_under_the_new_keys() {
    let bureau = bureau();
    let folder = bureau.data();
    let mut before = opened(&folder);
    let idle = RefCell::new(opened(&folder));
    let photo = before.store.read(|tx| tx.photo(1)).expect("store").expect("a photo");
    let mut sealed = Vec::new();
    let beside = Beside::new(|step| {
        assert_serves(&mut before);
        before.store.journal(|tx| tx.put_photo(2, &photo)).expect("a photo");
        sealed
            .push((step, ask(&folder, "SELECT data_key FROM photo WHERE person = 2").expect("key").concat().concat()));
        let again = bureau.run(&bureau.file("again.csv", format!("{HEADER}\n{}\n", row(3, "甲"))), &[]);
        assert_eq!(counts(&json(&again)), [0, 0, 1], "nobody is registered twice: step {step}");
    });
    run(&folder, &beside).expect("rotated");
    drop(beside);
    assert_eq!(
        sealed.first(),
        Some(&(0, "1".to_owned())),
        "the file has new keys, the database does not ask for them yet"
    );
    assert!(sealed.iter().skip(1).all(|(_, key)| key == "2") && sealed.len() > 10, "{sealed:?}");
    // One that slept through all of it.
    assert_serves(&mut idle.borrow_mut());
    idle.borrow_mut().store.journal(|tx| tx.put_photo(4, &photo)).expect("a photo");
    assert_eq!(used(&folder), (vec![2], ROWS + 2));
    assert_eq!(ask(&folder, "SELECT COUNT(*) FROM person").expect("count").concat(), ["7"]);
}

#[test]
fn an_import_that_made_rows_ready_under_the_old_keys_registers_them_under_the_new_ones() {
    let bureau = bureau();
    let folder = bureau.data();
    let mut before = opened(&folder);
    run(&folder, &Quiet).expect("rotated");
    let rows = [row(3, "甲"), row(8, "乙"), row(9, "丙"), row(8, "乙")].join("\n");
    let file = bureau.file("later.csv", format!("{HEADER}\n{rows}\n"));
    let order = Order {
        file: Path::new(&file),
        source: "registry",
        encoding: None,
        sheet: None,
        city: before.config.city,
        people: before.config.people,
        dry_run: false,
        report: None,
        actor: CLERK,
        lang: Lang::En,
        watcher: &import::Quiet,
    };
    assert_eq!(before.store.data_keys().expect("keys").ids(), [1], "it began before");
    let counted = import::run(&mut before.store, &order).expect("imported").counts();
    assert_eq!((counted.created, counted.unchanged, counted.refused), (2, 1, 1));
    let look = |tx: &Tx<'_>| -> Result<_, StoreError> {
        let of = |order| tx.dossier_by_number(&number("19900101", order));
        Ok((of(8)?.map(|found| found.0), of(9)?.map(|found| found.0), tx.people_named("乙", 0, 9)?))
    };
    assert_eq!(opened(&folder).store.read(look).expect("found"), (Some(8), Some(9), vec![8]));
    assert_eq!(used(&folder), (vec![2], ROWS + 2));
}

#[test]
fn a_process_whose_passphrase_opens_the_file_no_more_stops_and_says_so() {
    let bureau = bureau();
    let folder = bureau.data();
    let mut before = opened(&folder);
    run(&folder, &Quiet).expect("rotated");
    let (path, new) = (folder.join("centre.datakeys"), keys(&folder));
    std::fs::remove_file(&path).expect("removed");
    new.seal_file(&path, "a passphrase of later").expect("written");
    let refused =
        before.store.read(|tx| tx.dossier_by_number(&number("19900101", 1))).expect_err("not found is no answer");
    assert_eq!((refused.code(), refused.retryable()), ("DATA_KEYS_CHANGED", true));
}

#[test]
fn a_row_that_does_not_open_keeps_every_key_until_it_is_mended() {
    let bureau = bureau();
    let folder = bureau.data();
    let cell = "SELECT hex(dossier) FROM person WHERE id = 3";
    let cell = if crate::fresh::fresh().is_some() {
        cell.replace("hex(dossier)", "encode(dossier, 'hex')")
    } else {
        cell.to_owned()
    };
    let good = ask(&folder, &cell).expect("cell").concat().concat();
    ask(&folder, "UPDATE person SET dossier = X'00' WHERE id = 3").expect("damaged");
    for _ in 0..2 {
        let refused = bureau.told(&["key", "rotate-data", "--operator", "zhou"], "");
        let error: serde_json::Value = serde_json::from_slice(&refused.stderr).expect("an error object");
        assert_eq!((refused.status.code(), &error["code"]), (Some(10), &"DATA_KEY_STILL_NEEDED".into()));
        assert!(error["what"].as_str().expect("text").contains("person 3"), "{error}");
        assert_eq!((used(&folder), keys(&folder).ids()), ((vec![1, 2], ROWS), vec![1, 2]));
        assert_eq!(json(&bureau.told(&["key", "data"], ""))["rotating"], true);
    }
    ask(&folder, &format!("UPDATE person SET dossier = X'{good}' WHERE id = 3")).expect("mended");
    let ended = json(&bureau.told(&["key", "rotate-data", "--operator", "zhou"], ""));
    assert_eq!((&ended["rows"], &ended["resumed"]), (&1.into(), &true.into()));
    assert_eq!((used(&folder), keys(&folder).ids()), ((vec![2], ROWS), vec![2]));
    assert_serves(&mut opened(&folder));
}

#[test]
fn a_backup_of_any_moment_of_a_rotation_comes_back_whole_and_its_rotation_is_ended() {
    let bureau = bureau();
    let folder = bureau.data();
    let source = format!("file:{}", bureau.file("secret", "an invented passphrase of backups"));
    let (name, back) = (|step: u32| bureau.path(&format!("{step}.backup")), bureau.path("back"));
    let back = Path::new(&back);
    let take = |step| {
        let created = issuer(&folder, &["backup", "create", &name(step), "--backup-passphrase", &source]);
        assert_eq!(created.status.code(), Some(0), "{}", String::from_utf8_lossy(&created.stderr));
    };
    let last = Cell::new(0);
    take(0);
    let beside = Beside::new(|step| {
        take(step + 1);
        last.set(step + 1);
    });
    run(&folder, &beside).expect("rotated");
    drop(beside);
    take(last.get() + 1);
    let apart = 4 * u32::try_from(sweep::stride(1, 4)).expect("small");
    for step in (0..=last.get() + 1).filter(|step| step % apart < 2 || *step > last.get()) {
        let mut restore = command(back, &["backup", "restore", &name(step), "--backup-passphrase", &source]);
        restore.env_remove("ISSUER_DATABASE").envs(crate::fresh::fresh().map(|url| ("ISSUER_DATABASE", url)));
        let restored = restore.output().expect("the program starts");
        assert_eq!(restored.status.code(), Some(0), "{}", String::from_utf8_lossy(&restored.stderr));
        assert_serves(&mut opened(back));
        let rotated = run(back, &Quiet).expect("rotated");
        assert_eq!(rotated.resumed, step > 0 && step <= last.get(), "step {step}");
        assert_eq!((used(back).1, keys(back).ids()), (ROWS, vec![rotated.generation]));
        assert_serves(&mut opened(back));
        std::fs::remove_dir_all(back).expect("removed");
    }
}

#[test]
fn killed_by_the_system_in_the_middle_it_loses_nobody_and_goes_on() {
    const PEOPLE: u32 = 999;
    let bureau = Bureau::new();
    let folder = bureau.data();
    let rows: Vec<String> = (1..=PEOPLE).map(|order| row(order, "甲")).collect();
    assert_eq!(counts(&bureau.import(format!("{HEADER}\n{}\n", rows.join("\n")))), [u64::from(PEOPLE), 0, 0]);
    assert_eq!(issuer(&folder, &["operator", "add", "zhou", "--role", "keys"]).status.code(), Some(0));
    let done = |least: u32| {
        let sql = "SELECT COUNT(*) FROM person WHERE data_key = 2";
        ask(&folder, sql).is_ok_and(|rows| rows.concat().concat().parse::<u32>().is_ok_and(|rows| rows >= least))
    };
    let mut killed = 0;
    for least in [0, 1, PEOPLE] {
        let mut child = command(&folder, &["key", "rotate-data", "--operator", "zhou"]);
        let mut child = child.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program starts");
        let both = || keys(&folder).ids().len() > 1;
        while child.try_wait().expect("a child").is_none() {
            if if least == 0 { both() } else { done(least) } {
                child.kill().expect("killed");
            }
        }
        killed += u32::from(child.wait().expect("ended").code().is_none());
        let mut centre = opened(&folder);
        for order in [1, 500, PEOPLE] {
            let found = centre.store.read(|tx| tx.dossier_by_number(&number("19900101", order))).expect("open");
            assert_eq!(found.expect("found").0, i64::from(order));
        }
    }
    assert!(killed > 0, "no kill came in time");
    let told = json(&bureau.told(&["key", "rotate-data", "--operator", "zhou"], ""));
    let (generation, people) = (told["generation"].as_u64().expect("id"), u64::from(PEOPLE));
    assert_eq!(used(&folder), (vec![u8::try_from(generation).expect("small")], people));
    let mut count = 0;
    opened(&folder).store.read(|tx| tx.each_dossier(|_, _| count += 1)).expect("all open");
    assert_eq!(count, people);
}

/// Sealed cells of a column, and whether some of one of them stands in a file of the database.
fn cells(folder: &Path, sql: &str) -> Vec<Vec<u8>> {
    ask(folder, sql).expect(sql).concat().iter().map(|cell| hex::decode(cell).expect("hex")).collect()
}

fn in_files(folder: &Path, cells: &[Vec<u8>]) -> usize {
    let read = |name: &str| std::fs::read(folder.join(name)).unwrap_or_default();
    let files = [read("centre.db"), read("centre.db-wal")];
    // A part from the middle: a cell that was freed loses its first bytes.
    let part = |cell: &Vec<u8>| cell[cell.len() / 2..][..16].to_vec();
    let stands = |part: &[u8]| files.iter().any(|file| file.windows(part.len()).any(|window| window == part));
    cells.iter().filter(|cell| stands(&part(cell))).count()
}

#[test]
fn nothing_sealed_under_a_destroyed_key_is_left_in_a_file_of_the_database() {
    if std::env::var_os("ISSUER_TEST_POSTGRES").is_some() {
        return;
    }
    let bureau = bureau();
    let folder = bureau.data();
    let all = "SELECT hex(dossier) FROM person UNION ALL SELECT hex(original) FROM photo UNION ALL SELECT hex(body) FROM exchange_file";
    let before = cells(&folder, all);
    assert_eq!((before.len(), in_files(&folder, &before)), (10, 10));
    // Another process has the database open, so that the log stays.
    let mut open = opened(&folder);
    let rotated = run(&folder, &Quiet).expect("rotated");
    assert!(rotated.cleaned);
    assert_eq!(in_files(&folder, &before), 0);
    assert_eq!(in_files(&folder, &cells(&folder, all)), 10, "what stands there now is found in this way");

    // Who reads keeps the log from being emptied: that is told, and the same command ends it.
    let before = cells(&folder, all);
    let database = rusqlite::Connection::open(folder.join("centre.db")).expect("opened");
    database.execute_batch("BEGIN; SELECT COUNT(*) FROM person").expect("a snapshot");
    let rotated = run(&folder, &Quiet).expect("rotated");
    assert!(!rotated.cleaned);
    assert!(open.store.read(generations).expect("looked").rotating);
    assert!(in_files(&folder, &before) > 0, "this is what it is told for");
    database.execute_batch("COMMIT").expect("ended");
    let ended = run(&folder, &Quiet).expect("ended");
    assert_eq!((ended.cleaned, ended.resumed, ended.rows, ended.generation), (true, true, 0, rotated.generation));
    assert_eq!(in_files(&folder, &before), 0);
    assert!(!open.store.read(generations).expect("looked").rotating);
}

#[test]
fn a_database_of_before_is_written_anew_once() {
    if std::env::var_os("ISSUER_TEST_POSTGRES").is_some() {
        return;
    }
    let bureau = bureau();
    let folder = bureau.data();
    // As an earlier program did it: the photo is gone, its pages are not.
    let photos = cells(&folder, "SELECT hex(original) FROM photo WHERE person = 1");
    ask(&folder, "PRAGMA secure_delete = OFF; DELETE FROM photo WHERE person = 1; INSERT INTO centre VALUES ('free_pages', 'unknown')")
        .expect("removed");
    assert_eq!(in_files(&folder, &photos), 1, "pages are freed and not overwritten");
    assert!(run(&folder, &Quiet).expect("rotated").cleaned);
    assert_eq!(in_files(&folder, &photos), 0);
    // From now on what is removed is gone at once.
    let photos = cells(&folder, "SELECT hex(original) FROM photo WHERE person = 5");
    opened(&folder).store.journal(|tx| tx.remove_photo(5)).expect("removed");
    assert_eq!((photos.len(), in_files(&folder, &photos)), (1, 0));
}

#[test]
fn the_file_of_keys_that_does_not_open_is_named() {
    let bureau = bureau();
    let path = bureau.data().join("centre.datakeys");
    let text = std::fs::read_to_string(&path).expect("keys");
    let at = text.find("sealed = \"").expect("a body") + 20;
    let digit = if &text[at..=at] == "0" { "1" } else { "0" };
    std::fs::write(&path, format!("{}{digit}{}", &text[..at], &text[at + 1..])).expect("altered");
    let told = issuer(&bureau.data(), &["person", "list"]);
    let error = String::from_utf8_lossy(&told.stderr).into_owned();
    assert!(told.status.code() == Some(6) && error.contains("centre.datakeys"), "{error}");
    assert!(
        matches!(DataKeys::open(&path, &passphrase(&bureau.data())), Err(error) if error.what(Lang::Zh).contains("centre.datakeys"))
    );
}
