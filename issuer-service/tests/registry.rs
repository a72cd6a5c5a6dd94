//! The registry import as a bureau meets it: the program, a file, a report, an exit code.

use std::path::Path;
use std::process::{Command, Output};

use encoding_rs::GB18030;

const HEADER: &str = "社会保障号码,姓名,性别,民族,出生日期,行政区划代码,联系电话";

/// A number of GB 11643 for an invented person: check character as ISO 7064 MOD 11-2, by a running remainder.
fn number(birth: &str, order: u32) -> String {
    let body = format!("513301{birth}{order:03}");
    let remainder = body.bytes().fold(0, |sum, byte| (sum + u32::from(byte - b'0')) * 2 % 11);
    let check = match (12 - remainder) % 11 {
        10 => 'X',
        digit => char::from_digit(digit, 10).expect("below ten"),
    };
    format!("{body}{check}")
}

fn row(order: u32, name: &str) -> String {
    let sex = if order % 2 == 1 { 1 } else { 2 };
    format!("{},{name},{sex},04,19900101,513301,19900001234", number("19900101", order))
}

fn issuer(data: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_issuer"))
        .args(["--lang", "en", "--data"])
        .arg(data)
        .args(arguments)
        .stdin(std::process::Stdio::null())
        .output()
        .expect("the program starts")
}

fn json(output: &Output) -> serde_json::Value {
    serde_json::from_slice(&output.stdout).expect("one JSON object")
}

fn centre() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("folder");
    assert_eq!(issuer(&folder.path().join("c"), &["init"]).status.code(), Some(0));
    folder
}

#[test]
fn a_gb18030_file_is_imported_once_and_the_second_time_changes_nothing() {
    let folder = centre();
    let (data, file, report) = (folder.path().join("c"), folder.path().join("r.csv"), folder.path().join("out.csv"));
    let text = [HEADER.to_owned(), row(1, "扎西•多吉"), row(2, "王䶮"), row(3, "卓玛"), row(3, "卓玛"), row(1, "尼玛")]
        .join("\r\n");
    std::fs::write(&file, GB18030.encode(&text).0).expect("file");
    let (file, report) = (file.to_str().expect("path"), report.to_str().expect("path"));

    let dry = issuer(&data, &["person", "import", file, "--dry-run", "--format", "json"]);
    assert_eq!(dry.status.code(), Some(10));
    assert_eq!((json(&dry)["accepted"].as_u64(), json(&dry)["rejected"].as_u64()), (Some(2), Some(3)));
    assert_eq!(json(&issuer(&data, &["person", "list", "--format", "json"]))["total"], 0);

    let first = issuer(&data, &["person", "import", file, "--report", report, "--format", "json"]);
    let found: Vec<(u64, &str, String)> = json(&first)["faults"]
        .as_array()
        .expect("faults")
        .iter()
        .map(|fault| {
            assert!(fault["message"].is_string() && fault["remedy"].is_string());
            let text = |name: &str| fault[name].as_str().expect("text").to_owned();
            (
                fault["row"].as_u64().expect("row"),
                if text("column") == "姓名" { "name" } else { "number" },
                text("code"),
            )
        })
        .collect();
    let expected =
        [(3, "name", "NOT_ENCODABLE"), (5, "number", "DUPLICATE_IN_FILE"), (6, "number", "NUMBER_TAKEN_IN_FILE")];
    assert_eq!(found, expected.map(|(row, column, code)| (row, column, code.to_owned())));
    let written = std::fs::read_to_string(report).expect("report");
    assert_eq!(written.lines().count(), 4);
    for secret in ["19900101001", "卓玛", "扎西"] {
        assert!(!written.contains(secret) && !String::from_utf8_lossy(&first.stdout).contains(secret));
    }

    let second = json(&issuer(&data, &["person", "import", file, "--format", "json"]));
    let counts = ["accepted", "rejected", "unchanged"].map(|name| second[name].as_u64());
    assert_eq!(counts, [Some(0), Some(3), Some(2)]);
    assert_eq!(issuer(&data, &["audit", "verify"]).status.code(), Some(0));
}

#[test]
fn what_is_registered_is_not_changed_by_a_later_file() {
    let folder = centre();
    let (data, file) = (folder.path().join("c"), folder.path().join("r.csv"));
    let path = file.to_str().expect("path");
    let import = |line: &str| {
        std::fs::write(&file, format!("{HEADER}\n{line}\n")).expect("file");
        json(&issuer(&data, &["person", "import", path, "--format", "json"]))
    };
    assert_eq!(import(&row(1, "扎西"))["accepted"], 1);
    assert_eq!(import(&row(1, "尼玛"))["faults"][0]["code"], "NUMBER_TAKEN");
    assert_eq!(
        import(&row(1, "扎西").replace("19900001234", "19900004321"))["faults"][0]["code"],
        "ALREADY_REGISTERED"
    );
}

#[test]
fn files_that_are_no_registry_end_with_a_documented_code() {
    let folder = centre();
    let data = folder.path().join("c");
    let path = |name: &str| folder.path().join(name).to_str().expect("path").to_owned();
    let code = |file: &str| {
        let output = issuer(&data, &["person", "import", file, "--format", "json"]);
        let error: serde_json::Value = serde_json::from_slice(&output.stderr).expect("an error object");
        (output.status.code(), error["code"].as_str().expect("code").to_owned())
    };
    assert_eq!(code(&path("missing.csv")), (Some(2), "FILE_NOT_FOUND".to_owned()));
    assert_eq!(code(folder.path().to_str().expect("path")), (Some(1), "FILE_UNREADABLE".to_owned()));
    for (name, content, expected) in [
        ("empty.csv", "", "FILE_EMPTY"),
        ("other.csv", "a,b\n1,2\n", "HEADER_MISSING"),
        ("short.csv", "姓名,性别\n王,1\n", "COLUMN_MISSING"),
        ("more.csv", &format!("{HEADER},备注一\n"), "COLUMN_UNKNOWN"),
    ] {
        std::fs::write(path(name), content).expect("file");
        assert_eq!(code(&path(name)), (Some(1), expected.to_owned()));
    }
    let unknown = issuer(&folder.path().join("nowhere"), &["person", "list"]);
    assert_eq!(unknown.status.code(), Some(2));
}

#[test]
fn a_locked_database_is_told_and_nothing_is_done() {
    let folder = centre();
    let (data, file) = (folder.path().join("c"), folder.path().join("r.csv"));
    std::fs::write(&file, format!("{HEADER}\n{}\n", row(1, "扎西"))).expect("file");
    let connection = rusqlite::Connection::open(data.join("centre.db")).expect("database");
    connection.execute_batch("BEGIN IMMEDIATE").expect("locked");
    let output = issuer(&data, &["person", "import", file.to_str().expect("path")]);
    assert_eq!(output.status.code(), Some(9));
    assert!(String::from_utf8_lossy(&output.stderr).contains("DATABASE_LOCKED"));
    connection.execute_batch("ROLLBACK").expect("unlocked");
    assert_eq!(json(&issuer(&data, &["person", "list", "--format", "json"]))["total"], 0);
}

#[test]
fn an_audit_record_changed_behind_the_programs_back_is_named() {
    let folder = centre();
    let data = folder.path().join("c");
    assert_eq!(issuer(&data, &["operator", "add", "li", "--role", "capture"]).status.code(), Some(0));
    assert_eq!(issuer(&data, &["operator", "add", "wang", "--role", "approve"]).status.code(), Some(0));
    let connection = rusqlite::Connection::open(data.join("centre.db")).expect("database");
    connection.execute("UPDATE audit SET detail = 'capture,approve' WHERE sequence = 2", ()).expect("changed");
    let output = issuer(&data, &["audit", "verify", "--format", "json"]);
    assert_eq!(output.status.code(), Some(7));
    assert_eq!(json(&output)["first_bad"], serde_json::json!({ "sequence": 2, "reason": "altered" }));
}
