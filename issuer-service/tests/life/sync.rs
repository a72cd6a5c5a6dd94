//! The holder registry: everything that happens to a card is told, in order, once; answers are taken in whole or not at all.

use std::path::PathBuf;

use issuer_service::batch::Selection;
use issuer_service::exchange::sha256;
use serde_json::Value;

use crate::ask::ask;
use crate::desk::{CLERK, Desk, MAKER};

pub(crate) fn place(desk: &Desk, name: &str) -> PathBuf {
    desk.data().join("sync").join(name)
}

pub(crate) fn names(desk: &Desk, name: &str) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(place(desk, name))
        .expect("a folder")
        .map(|entry| entry.expect("entry").file_name().into_string().expect("text"))
        .collect();
    names.sort();
    names
}

/// Makes a file; its task and the sequences in it, read from its bytes.
pub(crate) fn export(desk: &Desk) -> (String, Vec<i64>) {
    let made = desk.ok(MAKER, &["sync", "export"]);
    let task = made["file"]["task"].as_str().expect("a task").to_owned();
    let bytes = std::fs::read(place(desk, "request").join(format!("CK_513300_{task}.txt"))).expect("the file");
    let rows = bytes.split_inclusive(|byte| *byte == b'\n').skip(1);
    let sequence = |row: &[u8]| String::from_utf8_lossy(row).split('|').next().and_then(|text| text.parse().ok());
    (task, rows.map(|row| sequence(row).expect("a sequence")).collect())
}

/// An answer as the registry writes it, by hand.
pub(crate) fn answer(task: &str, rows: &str) -> Vec<u8> {
    let head = format!("CKR|1|513300|{task}|{}|{}|\n", rows.lines().count(), sha256(rows.as_bytes()));
    [head.as_bytes(), rows.as_bytes()].concat()
}

pub(crate) fn give(desk: &Desk, task: &str, bytes: &[u8]) {
    std::fs::write(place(desk, "response").join(format!("CKR_513300_{task}.txt")), bytes).expect("there");
}

/// The registry accepts everything of a file.
pub(crate) fn accept(desk: &Desk, (task, sequences): &(String, Vec<i64>)) {
    let rows: String = sequences.iter().map(|sequence| format!("{sequence}|0||\n")).collect();
    give(desk, task, &answer(task, &rows));
    let taken = desk.ok(MAKER, &["sync", "import"]);
    assert_eq!(taken["files"][0]["outcome"], "taken-in", "{taken}");
}

fn told(desk: &Desk, card: &str) -> Vec<(String, String, String)> {
    let list = desk.ok(CLERK, &["sync", "list", "--card", card]);
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let entries = list["entries"].as_array().expect("entries");
    entries.iter().map(|entry| (text(&entry["event"]), text(&entry["card_state"]), text(&entry["state"]))).collect()
}

fn count(desk: &Desk, sql: &str) -> i64 {
    ask(&desk.data(), sql).expect(sql)[0][0].parse().expect("a number")
}

#[test]
fn everything_that_happens_to_a_card_is_taken_down_in_its_order() {
    let mut desk = Desk::new(1);
    let old = desk.number(1);
    desk.ok(MAKER, &["sync", "load"]);
    desk.ok(CLERK, &["card", "activate", &old]);
    desk.ok(CLERK, &["card", "report-loss", &old, "--temporary", "--reason", "lost"]);
    desk.ok(CLERK, &["card", "release", &old, "--reason", "found"]);
    let identifier = desk.ok(CLERK, &["card", "show", &old])["card_identifier"].as_str().expect("hex").to_owned();
    desk.ok("ma", &["blacklist", "add", &identifier, "--reason", "asked"]);
    desk.ok(CLERK, &["card", "report-loss", &old, "--formal", "--reason", "lost"]);
    desk.ok(MAKER, &["request", "new", "--person", "1", "--kind", "lost"]);
    let new = desk.make(&Selection::Requests(vec![2])).remove(0);
    desk.ok(CLERK, &["card", "activate", &new]);
    let entry = |event: &str, state: &str| (event.to_owned(), state.to_owned(), "pending".to_owned());
    assert_eq!(
        told(&desk, &old),
        [
            entry("issue", "sealed"),
            entry("state", "normal"),
            entry("state", "temporary_loss"),
            entry("state", "normal"),
            entry("blacklist", "normal"),
            entry("state", "formal_loss"),
            entry("state", "cancelled"),
        ]
    );
    // Its station was none of ours, so nobody has taken its issue down: that comes with the first thing that happens to it.
    assert_eq!(told(&desk, &new), [entry("issue", "sealed"), entry("replacement", "sealed"), entry("state", "normal")]);
    let list = desk.ok(CLERK, &["sync", "list", "--card", &new]);
    assert_eq!(list["entries"][1]["old_card"], old.as_str());
    // Told one after the other, each when the one before it is accepted; the two cards do not wait for each other.
    let mut seen = Vec::new();
    for round in 0..7 {
        let file = export(&desk);
        assert_eq!(file.1.len(), if round < 3 { 2 } else { 1 }, "{round}: {file:?}");
        seen.extend(file.1.clone());
        accept(&desk, &file);
    }
    assert_eq!(desk.refused(MAKER, &["sync", "export"], 2), "SYNC_NOTHING_PENDING");
    seen.sort_unstable();
    assert_eq!(seen, (1..=10).collect::<Vec<i64>>(), "each once");
    assert_eq!(desk.ok(MAKER, &["sync", "load"])["cards"], 0, "nothing is taken down twice");
}

#[test]
fn a_row_says_what_the_registry_needs_and_a_refusal_holds_up_that_card_alone() {
    let mut desk = Desk::new(2);
    let (first, second) = (desk.number(1), desk.number(2));
    desk.ok(MAKER, &["sync", "load"]);
    let file = export(&desk);
    let bytes = std::fs::read(place(&desk, "request").join(format!("CK_513300_{}.txt", file.0))).expect("the file");
    let mut lines = bytes.split_inclusive(|byte| *byte == b'\n');
    let head = lines.next().expect("a head");
    assert_eq!(head, format!("CK|1|513300|{}|2|{}|\n", file.0, sha256(&bytes[head.len()..])).as_bytes());
    let row = lines.next().expect("a row");
    let before = "1|issue|1|513301199001010001|".as_bytes();
    // 样例 in GB 18030 by hand.
    let name = [0xD1, 0xF9, 0xC0, 0xFD];
    let identifier = desk.ok(CLERK, &["card", "show", &first])["card_identifier"].as_str().expect("hex").to_owned();
    let after = format!("|1|04|19900101|513301|||{first}|{identifier}|0|20260101|20990101||0|");
    assert!(row.starts_with(&[before, &name, after.as_bytes()].concat()), "{}", String::from_utf8_lossy(row));
    assert!(row.ends_with(b"|\n") && row.len() == before.len() + 4 + after.len() + 16);

    desk.ok(CLERK, &["card", "activate", &first, &second]);
    let hold = desk.ok(CLERK, &["sync", "status"]);
    assert_eq!((&hold["entries"][0]["entries"], &hold["entries"][1]["entries"]), (&2.into(), &2.into()), "{hold}");
    assert_eq!(hold["files"][0]["task"], file.0.as_str());
    assert_eq!(desk.refused(MAKER, &["sync", "export"], 2), "SYNC_NOTHING_PENDING", "both cards wait for an answer");
    give(&desk, &file.0, &answer(&file.0, "1|0||\n2|A03|police differ|\n"));
    let output = desk.run(MAKER, &["sync", "import"]);
    assert_eq!(output.status.code(), Some(10), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(count(&desk, "SELECT COUNT(*) FROM sync_file WHERE length(body) > 28"), 0, "no data of people stays");
    let refused = desk.ok(CLERK, &["sync", "list", "--state", "refused"]);
    assert_eq!(
        (&refused["entries"][0]["result"], &refused["entries"][0]["words"]),
        (&"A03".into(), &"*************".into()),
        "the registry's words may name somebody"
    );
    let reveal = ["sync", "list", "--state", "refused", "--reveal"];
    let asked = [&reveal[..], &["--reason", "the holder asks"]].concat();
    assert_eq!(desk.refused(CLERK, &asked, 3), "OPERATOR_ROLE_MISSING");
    assert_eq!(desk.refused(MAKER, &reveal, 1), "REASON_MISSING");
    assert_eq!(desk.ok(MAKER, &asked)["entries"][0]["words"], "police differ");
    assert_eq!(count(&desk, "SELECT COUNT(*) FROM audit WHERE act = 'sync.reveal'"), 1);
    let stored = ask(&desk.data(), "SELECT COUNT(*) FROM registry_sync WHERE CAST(answer AS TEXT) LIKE '%police%'");
    assert_eq!(stored.map_or(0, |rows| rows[0][0].parse().unwrap_or(0)), 0, "the registry's words are sealed");
    // The first card goes on; the second waits until somebody has looked.
    let next = export(&desk);
    assert_eq!(next.1, [3]);
    accept(&desk, &next);
    assert_eq!(desk.refused(MAKER, &["sync", "export"], 2), "SYNC_NOTHING_PENDING");
    assert_eq!(desk.refused(MAKER, &["sync", "retry", "1"], 3), "SYNC_ENTRY_STATE");
    assert_eq!(desk.refused(MAKER, &["sync", "retry", "99"], 2), "SYNC_ENTRY_UNKNOWN");
    desk.ok(MAKER, &["sync", "retry", "2"]);
    let again = export(&desk);
    assert_eq!(again.1, [2]);
    give(&desk, &again.0, &answer(&again.0, "2|A03|still|\n"));
    assert_eq!(desk.run(MAKER, &["sync", "import"]).status.code(), Some(10));
    desk.ok(MAKER, &["sync", "drop", "2", "--reason", "told by telephone"]);
    let last = export(&desk);
    assert_eq!(last.1, [4], "given up, it holds up nothing");
    accept(&desk, &last);
    assert_eq!(desk.ok(CLERK, &["sync", "status"])["waiting_since"], Value::Null);
}

#[test]
fn what_cannot_be_told_keeps_no_place_in_a_file_and_a_head_that_does_not_fit_stops_it() {
    let desk = Desk::new(2);
    desk.ok(MAKER, &["sync", "load"]);
    let templates = desk.data().join("templates");
    std::fs::create_dir_all(&templates).expect("folder");
    let write = |head: &str| {
        let text = format!(
            "name = \"registry\"\ntitle = \"省\"\npartner = \"registry\"\ndirection = \"export\"\nform = \"delimited\"\nseparator = \"1\"
            file_name = \"P{{task}}.txt\"\nhead = [{head}]
            columns = [{{ title = \"a\", value = \"sequence\" }}, {{ title = \"b\", value = \"person\" }}]"
        );
        std::fs::write(templates.join("registry.toml"), text).expect("a template");
    };
    // The first entry holds the separator; a task does, too.
    write("[{ title = \"the task\", value = \"task\" }]");
    assert_eq!(desk.refused(MAKER, &["sync", "export", "--limit", "1"], 1), "EXCHANGE_HEAD_UNFIT");
    assert_eq!(count(&desk, "SELECT COUNT(*) FROM registry_sync WHERE state <> 'pending'"), 0, "nothing was told");
    write("");
    let output = desk.run(MAKER, &["sync", "export", "--limit", "1"]);
    assert_eq!(output.status.code(), Some(10), "{}", String::from_utf8_lossy(&output.stderr));
    let made: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!((&made["file"]["rows"], &made["left_out"][0]["sequence"]), (&1.into(), &1.into()), "{made}");
    assert_eq!(count(&desk, "SELECT sequence FROM registry_sync WHERE state = 'sent'"), 2);
}

#[test]
fn an_answer_that_does_not_fit_changes_nothing() {
    let mut desk = Desk::new(2);
    let number = desk.number(1);
    desk.ok(MAKER, &["sync", "load"]);
    let (task, _) = export(&desk);
    let state = |desk: &Desk| {
        ask(&desk.data(), "SELECT sequence, state, result FROM registry_sync ORDER BY sequence").expect("rows")
    };
    let before = state(&desk);
    let good = answer(&task, "1|0||\n2|0||\n");
    let foreign = answer(&task, "1|0||\n7|0||\n");
    let short = answer(&task, "1|0||\n");
    let mut torn = good.clone();
    torn.truncate(good.len() - 3);
    let mut flipped = good.clone();
    *flipped.last_mut().expect("a byte") = b'x';
    let long = [good.clone(), vec![b'x'; 8_192]].concat();
    for (what, bytes) in
        [("foreign", &foreign), ("short", &short), ("torn", &torn), ("flipped", &flipped), ("long", &long)]
    {
        give(&desk, &task, bytes);
        let output = desk.run(MAKER, &["sync", "import"]);
        assert_eq!(output.status.code(), Some(7), "{what}");
        assert_eq!(state(&desk), before, "{what}");
    }
    give(&desk, "2026112299999999", &good);
    assert_eq!(desk.run(MAKER, &["sync", "import"]).status.code(), Some(7), "another task");
    let bad = names(&desk, "bad");
    assert_eq!(bad.iter().filter(|name| !name.ends_with(".report.json")).count(), 6, "{bad:?}");
    assert!(bad.contains(&format!("CKR_513300_{task}.txt.report.json")), "{bad:?}");
    assert_eq!(count(&desk, "SELECT COUNT(*) FROM audit WHERE act = 'sync.reject'"), 6);
    assert_eq!(desk.refused(CLERK, &["sync", "import"], 3), "OPERATOR_ROLE_MISSING");
    give(&desk, &task, &good);
    assert_eq!(desk.ok(MAKER, &["sync", "import"])["files"][0]["accepted"], 2);
    assert_eq!(told(&desk, &number)[0].2, "accepted");
    // The very same file once more, and another one to a task that has its answer.
    give(&desk, &task, &good);
    assert_eq!(desk.ok(MAKER, &["sync", "import"])["files"][0]["outcome"], "known");
    give(&desk, &task, &answer(&task, "2|0||\n1|0||\n"));
    assert_eq!(desk.run(MAKER, &["sync", "import"]).status.code(), Some(7));
    desk.ok(CLERK, &["audit", "verify"]);
}

#[test]
fn what_a_kill_leaves_is_finished_by_the_next_command() {
    let mut desk = Desk::new(1);
    let number = desk.number(1);
    desk.ok(MAKER, &["sync", "load"]);
    let (task, _) = export(&desk);
    let path = place(&desk, "request").join(format!("CK_513300_{task}.txt"));
    let bytes = std::fs::read(&path).expect("the file");
    // Killed between the record and the file.
    std::fs::remove_file(&path).expect("removed");
    ask(&desk.data(), "UPDATE sync_file SET state = 'prepared'").expect("set back");
    assert_eq!(desk.refused(MAKER, &["sync", "export"], 2), "SYNC_NOTHING_PENDING");
    assert_eq!(std::fs::read(&path).expect("there again"), bytes);
    // The partner has lost it: the same bytes once more, also under new data keys.
    desk.ok("nobody", &["operator", "add", "zhou", "--role", "keys"]);
    desk.ok("zhou", &["key", "rotate-data"]);
    std::fs::remove_file(&path).expect("removed");
    desk.ok(MAKER, &["sync", "resend", &task]);
    assert_eq!(std::fs::read(&path).expect("there again"), bytes);
    assert_eq!(desk.refused(MAKER, &["sync", "resend", "1"], 2), "SYNC_TASK_UNKNOWN");
    // Killed before an answer was carried out, and before it was moved.
    let name = format!("CKR_513300_{task}.txt");
    std::fs::write(place(&desk, "run").join(&name), answer(&task, "1|0|as told|\n")).expect("left there");
    assert_eq!(desk.ok(MAKER, &["sync", "import"])["files"][0]["outcome"], "taken-in");
    std::fs::rename(place(&desk, "archive").join(&name), place(&desk, "run").join(&name)).expect("back");
    assert_eq!(desk.ok(MAKER, &["sync", "import"])["files"][0]["outcome"], "known");
    assert_eq!(names(&desk, "archive"), [name]);
    assert_eq!(told(&desk, &number)[0].2, "accepted");
    desk.ok("zhou", &["key", "rotate-data"]);
    let whole = desk.ok(MAKER, &["sync", "list", "--reveal", "--reason", "yearly check"]);
    assert_eq!(whole["entries"][0]["words"], "as told");
    assert_eq!(desk.refused(MAKER, &["sync", "resend", &task], 3), "SYNC_FILE_STATE");
}

#[test]
fn an_answer_in_the_same_words_is_of_the_task_that_its_name_says() {
    let desk = Desk::new(1);
    desk.ok(MAKER, &["sync", "load"]);
    let templates = desk.data().join("templates");
    std::fs::create_dir_all(&templates).expect("folder");
    let text = "name = \"registry-return\"\ntitle = \"省\"\npartner = \"registry\"\ndirection = \"import\"\nform = \"delimited\"
        separator = \"|\"\nfile_name = \"CKR_{city}_{task}.txt\"\naccepted = [\"0\"]
        columns = [{ title = \"a\", value = \"sequence\" }, { title = \"b\", value = \"result\" },
                   { title = \"c\", value = \"reason\" }]";
    std::fs::write(templates.join("registry-return.toml"), text).expect("a template");
    let words = "1|7|no such person|\n".as_bytes();
    let taken = |task: &str| {
        give(&desk, task, words);
        let output = desk.run(MAKER, &["sync", "import"]);
        let told: serde_json::Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
        let told = told["files"][0].clone();
        (told["outcome"].as_str().expect("a word").to_owned(), told["task"].as_str().expect("a task").to_owned())
    };
    let (first, sequences) = export(&desk);
    assert_eq!((taken(&first), sequences), (("taken-in".to_owned(), first.clone()), vec![1]));
    desk.ok(MAKER, &["sync", "retry", "1"]);
    let (second, _) = export(&desk);
    assert_eq!(taken(&second), ("taken-in".to_owned(), second.clone()), "not that of the first");
    assert_eq!(count(&desk, "SELECT COUNT(*) FROM registry_sync WHERE state = 'refused'"), 1);
    for task in [first, second] {
        assert_eq!(taken(&task), ("known".to_owned(), task.clone()));
    }
}
