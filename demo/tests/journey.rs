//! The whole demo, run as a user runs it, and its summary worked out again from what it leaves behind: the centre's database,
//! the terminal's journal, the card images. Also the demo interrupted in the middle, and run again in the same folder.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use serde_json::Value;

/// A run takes half a minute on two cores; more than this is a fault even on a busy machine.
const RUN_LIMIT: Duration = Duration::from_secs(240);

#[test]
fn the_summary_is_what_database_journal_and_cards_say() {
    let place = tempfile::tempdir().expect("a folder");
    let folder = place.path().join("demo");

    // An earlier demo, killed in the middle, left its readers and its station running.
    let mut killed = demo(&folder).spawn().expect("the demo is built");
    in_the_middle_of_the_batch(&folder);
    killed.kill().expect("killed");
    killed.wait().expect("it ended");
    assert_eq!(readers_run(&folder), Some(0), "its readers are still up");

    let began = Instant::now();
    let record = place.path().join("record");
    let output = demo(&folder).arg("--record").arg(&record).output().expect("the demo is built");
    assert!(output.status.success(), "{}", both(&output));
    assert!(began.elapsed() < RUN_LIMIT, "{:?}", began.elapsed());
    assert_eq!(readers_run(&folder), Some(5), "no readers are left running");
    assert_eq!(processes_of(&folder), Vec::<String>::new());
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(text.contains("[1] ") && text.contains("[10] "), "every step is printed:\n{text}");

    let recorded = std::fs::read_to_string(record.join("demo.en.cast")).expect("a recording");
    let recorded: Vec<Value> = recorded.lines().skip(1).map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let said: String = recorded.iter().filter_map(|line| line[2].as_str()).collect();
    assert_eq!(said.replace("\r\n", "\n").trim(), text.trim(), "every line, and no other");
    let pictures = [1, 2, 3].map(|number| record.join(format!("demo.en.{number}.svg")));
    let pictures = pictures.map(|path| std::fs::read_to_string(path).expect("a picture"));
    assert!(pictures[0].contains("[1] ") && pictures[2].contains("[10] "), "{}", pictures[2]);

    let summary: Value =
        serde_json::from_slice(&std::fs::read(folder.join("summary.json")).expect("summary")).expect("JSON");
    let stated = |name: &str| summary[name].as_i64().unwrap_or_else(|| panic!("{name} in {summary}"));

    let centre = Connection::open(folder.join("centre/centre.db")).expect("the centre's database");
    let count = |sql: &str| -> i64 { centre.query_row(sql, [], |row| row.get(0)).expect(sql) };
    assert_eq!(stated("persons_accepted"), count("SELECT count(*) FROM person"));
    assert!(stated("persons_accepted") >= 300);
    assert_eq!(stated("persons_rejected"), count("SELECT sum(rejected) FROM import"));
    assert!(stated("persons_rejected") >= 25);
    assert_eq!(count("SELECT count(DISTINCT region) FROM person"), 18);
    let lengths: Vec<usize> = masked_names(&folder).iter().map(|name| name.chars().count()).collect();
    assert_eq!(i64::try_from(lengths.len()).expect("few"), stated("persons_accepted"));
    assert!(lengths.into_iter().max() > Some(15), "names that need 姓名扩展");
    assert_eq!(stated("cards_issued"), count("SELECT count(*) FROM card WHERE state IN ('normal', 'temporary_loss')"));
    assert_eq!(count("SELECT count(*) FROM card WHERE state = 'temporary_loss'"), 1, "one was reported lost");
    assert_eq!(stated("cards_issued") + 1, count("SELECT count(*) FROM card_move"), "handed out, and one lost");
    assert!(stated("cards_issued") >= 40);
    assert_eq!(stated("cards_spoilt"), count("SELECT count(*) FROM card WHERE state = 'spoilt'"));
    assert_eq!(stated("cards_spoilt"), 1);
    assert_eq!(count("SELECT count(*) FROM card_number WHERE state = 'spoilt'"), 1);
    let reused = "SELECT count(*) FROM card JOIN card_number ON number = card_number WHERE card.state = 'normal' AND card_number.state <> 'used'";
    assert_eq!(count(reused), 0, "a card that works has a number that is used, no other");
    assert_eq!(count("SELECT count(*) FROM receipt"), stated("cards_issued"));
    assert_eq!(count("SELECT count(*) FROM station_journal WHERE event = 'pulled'"), 1);
    assert_eq!(count("SELECT count(DISTINCT reader) FROM station_journal"), 2);
    assert_eq!(stated("loaded_fen"), count("SELECT sum(amount_fen) FROM load WHERE state = 'CREDITED'"));
    let accepted = "FROM upload_row WHERE outcome = 'ACCEPTED' AND kind = 'purchase'";
    assert_eq!(stated("purchases_confirmed"), count(&format!("SELECT count(*) {accepted}")));
    assert_eq!(stated("cleared_fen"), count(&format!("SELECT sum(personal_fen) {accepted}")));
    assert_eq!(
        stated("ledger_balance_total_fen"),
        count("SELECT sum(amount_fen) FROM entry WHERE account LIKE 'card:%'")
    );
    assert_eq!(count("SELECT sum(amount_fen) FROM entry"), 0, "double entry");
    assert_eq!(count("SELECT count(*) FROM clearing_window WHERE state = 'CLOSED'"), 1);
    assert_eq!(count("SELECT count(*) FROM blacklist"), 1);

    let journal = Connection::open(terminal_database(&folder)).expect("the terminal's journal");
    let entries = |sql: &str| -> i64 { journal.query_row(sql, [], |row| row.get(0)).expect(sql) };
    assert_eq!(
        stated("purchases_confirmed"),
        entries("SELECT count(*) FROM entry WHERE kind = 'purchase' AND state = 'CONFIRMED'")
    );
    assert_eq!(
        stated("purchases_refused"),
        entries("SELECT count(*) FROM entry WHERE kind = 'purchase' AND state = 'REFUSED'")
    );
    assert_eq!(stated("purchases_refused"), 2);
    assert_eq!(entries("SELECT count(*) FROM entry WHERE state IN ('PREPARED', 'SENT', 'UNCERTAIN')"), 0);
    assert_eq!(entries("SELECT count(*) FROM event WHERE to_state = 'UNCERTAIN'"), 1, "one power cut");
    let loads = entries("SELECT sum(personal_account) FROM entry WHERE kind = 'load' AND state = 'CONFIRMED'");
    let debits = entries("SELECT sum(personal_account) FROM entry WHERE kind = 'purchase' AND state = 'CONFIRMED'");
    assert_eq!(stated("journal_total_fen"), loads - debits);

    let images = card_images(&folder);
    assert_eq!(i64::try_from(images.len()).expect("few"), stated("cards_issued"));
    let mut on_cards = 0;
    let mut loaded = 0;
    for (number, card) in &images {
        let account = &card["card"]["account"];
        let amount = account["personal_account"].as_i64().expect("a balance");
        on_cards += amount;
        if account["online_sequence"] != 0 {
            loaded += 1;
            assert_eq!(card["card"]["pin"]["initial"], false, "{number} pays with a PIN of its holder");
        }
        let sql = "SELECT card_identifier FROM card WHERE card_number = ?1 AND state IN ('normal', 'temporary_loss')";
        let identifier: String = centre.query_row(sql, [number], |row| row.get(0)).expect("a card of the centre");
        let ef05 = card["card"]["files"]["SSSE.EF05"].to_string();
        assert!(ef05.contains(&identifier), "{number} holds its identifier");
        assert!(ef05.contains(&hex::encode_upper(number)), "{number} holds its number");
        let ledger: Option<i64> = centre
            .query_row("SELECT sum(amount_fen) FROM entry WHERE account = ?1", [format!("card:{identifier}")], |row| {
                row.get(0)
            })
            .expect("a sum");
        assert_eq!(ledger.unwrap_or(0), amount, "{number}: chip and ledger");
    }
    assert_eq!(stated("card_balance_total_fen"), on_cards);
    assert_eq!(stated("cards_loaded"), loaded);
    assert_eq!(stated("loaded_fen") - stated("cleared_fen"), on_cards);
    assert_eq!(stated("ledger_balance_total_fen"), on_cards);
    assert_eq!(stated("journal_total_fen"), on_cards);
    assert_eq!(summary["in_agreement"], true);
    assert!(folder.join("psam.card").is_file());

    let explored =
        Command::new("sh").arg("-e").arg("explore.sh").current_dir(&folder).stdin(Stdio::null()).output().expect("sh");
    assert!(explored.status.success(), "the printed commands work:\n{}", both(&explored));
    assert_eq!(readers_run(&folder), Some(5));
    for line in std::fs::read_to_string(folder.join("explore.sh")).expect("commands").lines() {
        assert!(text.contains(line) || line.starts_with("cd "), "printed: {line}");
    }
}

#[test]
fn ctrl_c_ends_everything_that_the_demo_started() {
    let place = tempfile::tempdir().expect("a folder");
    let folder = place.path().join("demo");
    let mut interrupted = demo(&folder).spawn().expect("the demo is built");
    in_the_middle_of_the_batch(&folder);
    signal("-INT", interrupted.id());
    let status = interrupted.wait().expect("it ends");
    assert_eq!(status.code(), Some(130), "as a program that Ctrl-C ended");
    assert_eq!(readers_run(&folder), Some(5), "no readers are left running");
    assert_eq!(processes_of(&folder), Vec::<String>::new());
}

#[test]
fn a_folder_that_no_demo_made_is_left_alone() {
    let place = tempfile::tempdir().expect("a folder");
    std::fs::write(place.path().join("mine.txt"), "keep").expect("a file");
    let output = demo(place.path()).output().expect("the demo is built");
    assert_eq!(output.status.code(), Some(9), "{}", both(&output));
    assert!(place.path().join("mine.txt").is_file());
}

fn demo(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_demo"));
    command.arg("--folder").arg(folder).args(["--lang", "en"]).stdin(Stdio::null());
    command
}

fn program(name: &str) -> PathBuf {
    Path::new(env!("CARGO_BIN_EXE_demo")).with_file_name(name)
}

/// The names of everybody registered: sealed in the database, and masked, in their lengths, by the program.
fn masked_names(folder: &Path) -> Vec<String> {
    let passphrase = format!("file:{}", folder.join("secrets/vault.passphrase").display());
    let mut issuer = Command::new(program("issuer"));
    issuer.arg("--data").arg(folder.join("centre")).args(["--passphrase", &passphrase, "--format", "json"]);
    let output = issuer.args(["person", "list", "--limit", "1000"]).output().expect("issuer");
    assert!(output.status.success(), "{}", both(&output));
    let listed: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let people = listed["people"].as_array().expect("people");
    people.iter().map(|person| person["name"].as_str().expect("a name").to_owned()).collect()
}

fn card_images(folder: &Path) -> BTreeMap<String, Value> {
    let mut images = BTreeMap::new();
    for entry in std::fs::read_dir(folder.join("cards")).expect("cards") {
        let path = entry.expect("an entry").path();
        let output =
            Command::new(program("card-sim")).args(["--format", "json", "show"]).arg(&path).output().expect("card-sim");
        assert!(output.status.success(), "{}", both(&output));
        let number = path.file_stem().expect("a name").to_string_lossy().into_owned();
        images.insert(number, serde_json::from_slice(&output.stdout).expect("JSON"));
    }
    images
}

fn terminal_database(folder: &Path) -> PathBuf {
    let found = std::fs::read_dir(folder.join("terminal/data")).expect("the terminal's folder");
    let mut paths = found.map(|entry| entry.expect("an entry").path());
    paths.find(|path| path.extension().is_some_and(|ending| ending == "db" || ending == "sqlite")).expect("a database")
}

fn readers_run(folder: &Path) -> Option<i32> {
    let status =
        Command::new(program("card-sim")).args(["reader", "status", "--state"]).arg(folder.join("readers")).output();
    status.expect("card-sim").status.code()
}

/// Command lines of running processes that name the folder.
fn processes_of(folder: &Path) -> Vec<String> {
    let processes = std::fs::read_dir("/proc").expect("a Linux system").flatten();
    let lines = processes.filter_map(|process| std::fs::read(process.path().join("cmdline")).ok());
    let lines = lines.map(|line| String::from_utf8_lossy(&line).replace('\0', " "));
    lines.filter(|line| line.contains(&*folder.to_string_lossy())).collect()
}

fn count_or_zero(database: &Path, sql: &str) -> i64 {
    let Ok(connection) = Connection::open(database) else { return 0 };
    connection.query_row(sql, [], |row| row.get(0)).unwrap_or(0)
}

fn in_the_middle_of_the_batch(folder: &Path) {
    let database = folder.join("centre/centre.db");
    wait_for("cards in the making", || {
        count_or_zero(&database, "SELECT count(*) FROM card WHERE state = 'sealed'") > 3
    });
}

fn wait_for(what: &str, mut there: impl FnMut() -> bool) {
    let deadline = Instant::now() + RUN_LIMIT;
    while !there() {
        assert!(Instant::now() < deadline, "{what} did not come");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn signal(signal: &str, process: u32) {
    assert!(Command::new("kill").arg(signal).arg(process.to_string()).status().expect("kill").success());
}

fn both(output: &Output) -> String {
    format!("{}\n{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}
