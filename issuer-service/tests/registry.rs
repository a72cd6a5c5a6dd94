//! The registry import as a bureau meets it: the program, a file, a report, an exit code.

#[path = "registry/anchor.rs"]
mod anchor;
#[path = "database/ask.rs"]
mod ask;
#[path = "registry/benefits.rs"]
mod benefits;
#[path = "registry/bureau.rs"]
mod bureau;
#[path = "photo/drawn.rs"]
mod drawn;
#[path = "registry/formats.rs"]
mod formats;
#[path = "database/fresh.rs"]
mod fresh;
#[path = "database/hold.rs"]
mod hold;
#[path = "registry/identity.rs"]
mod identity;
#[path = "registry/others.rs"]
mod others;
#[path = "registry/photos.rs"]
mod photos;
#[path = "registry/rare.rs"]
mod rare;
#[path = "registry/retention.rs"]
mod retention;
#[path = "registry/rotation.rs"]
mod rotation;
#[path = "registry/sealed.rs"]
mod sealed;
#[path = "registry/sources.rs"]
mod sources;
#[path = "database/sweep.rs"]
mod sweep;

use bureau::{Bureau, HEADER, command, counts, faults, issuer, json, notes, number, row};
use encoding_rs::GB18030;

fn told(faults: &[(u64, String, String)]) -> Vec<(u64, &str, &str)> {
    faults.iter().map(|(row, column, code)| (*row, column.as_str(), code.as_str())).collect()
}

#[test]
fn a_gb18030_file_is_imported_once_and_the_second_time_changes_nothing() {
    let bureau = Bureau::new();
    let text =
        [HEADER.to_owned(), row(1, "扎西•多吉"), row(2, "王\u{E863}"), row(3, "卓玛"), row(3, "卓玛"), row(1, "尼玛")]
            .join("\r\n");
    let file = bureau.file("r.csv", GB18030.encode(&text).0);

    let dry = bureau.run(&file, &["--dry-run"]);
    assert_eq!(dry.status.code(), Some(10));
    assert_eq!(counts(&json(&dry)), [2, 3, 0]);
    assert_eq!(bureau.registered(), 0);

    let first = bureau.run(&file, &[]);
    let (mut dry, real) = (json(&dry), json(&first));
    dry["dry_run"] = false.into();
    assert_eq!(dry, real, "a dry run says what the run will say");
    assert_eq!(
        told(&faults(&real)),
        [
            (3, "姓名", "NOT_ENCODABLE"),
            (5, "社会保障号码", "DUPLICATE_IN_FILE"),
            (6, "社会保障号码", "NUMBER_TAKEN_IN_FILE")
        ]
    );
    assert_eq!(real["fault_counts"]["NOT_ENCODABLE"], 1);
    for secret in ["19900101001", "卓玛", "扎西"] {
        assert!(!String::from_utf8_lossy(&first.stdout).contains(secret));
    }

    assert_eq!(counts(&json(&bureau.run(&file, &[]))), [0, 3, 2]);
    assert_eq!(issuer(&bureau.data(), &["audit", "verify"]).status.code(), Some(0));
}

#[test]
fn a_file_of_numbers_and_names_is_enough() {
    let bureau = Bureau::new();
    let text = format!(
        "参保人员名册,,,,\n序号,参保人姓名（必填）,*证件号码,备注,户口性质\n1,扎西 · 多吉,'{},x,农业\n2,卓玛,{},y,\n",
        number("19900101", 1).to_lowercase(),
        number("19900101", 2),
    );
    let report = bureau.import(GB18030.encode(&text.replace(',', "\t")).0);
    assert_eq!(counts(&report), [2, 0, 0]);
    assert_eq!(report["ignored_columns"], serde_json::json!(["序号", "备注", "户口性质"]));
    assert_eq!(
        notes(&report),
        ["HEADER_LINE", "SEX_FROM_NUMBER", "BIRTH_DATE_FROM_NUMBER", "ETHNIC_GROUP_ABSENT", "REGION_FROM_NUMBER"]
    );
    let person = json(&issuer(&bureau.data(), &["person", "show", "1", "--format", "json"]));
    assert_eq!(
        (&person["sex"], &person["region"], &person["ethnic_group"]),
        (&"1".into(), &"513301".into(), &"".into())
    );
    // A fuller file later says more about them, one with fewer columns does not.
    let fuller = bureau.import(format!("{HEADER}\n{}\n", row(1, "扎西·多吉")));
    assert_eq!((&fuller["changed"], &fuller["conflicting"]), (&1.into(), &0.into()));
    assert_eq!(counts(&bureau.import(format!("AAC002;AAC003\n{};扎西・多吉\n", number("19900101", 1)))), [0, 0, 1]);
}

#[test]
fn values_are_understood_as_bureaus_write_them() {
    let bureau = Bureau::new();
    let number = |order| number("19810101", order);
    let rows = [
        format!("{},甲一,男,藏族,1981-01-01,康定市,+86 199-0000-1234", number(1)),
        format!("{},甲二,F,ZA,1981/1/1,四川省甘孜藏族自治州泸定县,", number(2)),
        format!("{},甲三,1男,4,1981年1月1日,513301001002,0836-2811234", number(3)),
        format!("{},甲四,2,04藏族,1981.01.01,５１３３２２,无", number(4)),
    ];
    let report =
        bureau.import(format!("身份证号,姓名,性别(1男2女),民族,出生年月日,所属区县,手机\n{}\n", rows.join("\n")));
    assert_eq!((counts(&report), faults(&report)), ([4, 0, 0], Vec::new()));
    let people = json(&issuer(&bureau.data(), &["person", "list", "--format", "json"]));
    let of = |name: &str| -> Vec<String> {
        let people = people["people"].as_array().expect("people").iter();
        people.map(|person| person[name].as_str().expect("text").to_owned()).collect()
    };
    assert_eq!((of("sex"), of("ethnic_group")), (["1", "2", "1", "2"].map(String::from).into(), vec!["04".into(); 4]));
    assert_eq!(of("region"), ["513301", "513322", "513301", "513322"]);
}

#[test]
fn spreadsheet_damage_is_named_with_its_own_remedy() {
    let bureau = Bureau::new();
    let good = number("19900101", 1);
    let text = format!(
        "号码,{HEADER}\n1,5.13301E+17,甲,1,04,19900101,513301,\n2,{}000,甲,1,04,19900101,513301,1.99E+10\n3,{good},甲,1,04,32874,513301,\n",
        &good[..15]
    );
    let report = bureau.import(text);
    assert_eq!(
        told(&faults(&report)),
        [
            (2, "社会保障号码", "SCIENTIFIC_NOTATION"),
            (3, "社会保障号码", "DIGITS_ROUNDED"),
            (3, "联系电话", "SCIENTIFIC_NOTATION"),
            (4, "出生日期", "DATE_SERIAL")
        ]
    );
    assert_eq!(report["faults"][0]["column_number"], 2);
    assert!(report["faults"][0]["remedy"].as_str().expect("remedy").contains("text"));
}

#[test]
fn rows_are_counted_in_lines_of_the_file() {
    let bureau = Bureau::new();
    let text = format!(
        "{HEADER},备注\r\n{},\"two\r\nlines\"\r\n\r\n{},x\r\n{},\"open\r\n{},y\r\n",
        row(1, "甲"),
        row(2, "乙2"),
        row(3, "丙"),
        row(4, "丁")
    );
    let report = bureau.import(text);
    assert_eq!(counts(&report), [2, 2, 0]);
    assert_eq!(told(&faults(&report)), [(5, "姓名", "NAME_CHARACTER"), (6, "whole row", "QUOTE_OPEN")]);
}

#[test]
fn of_rows_for_one_person_the_first_good_one_counts() {
    let bureau = Bureau::new();
    assert_eq!(counts(&bureau.import(format!("{HEADER}\n{}\n", row(9, "旧名")))), [1, 0, 0]);
    let bad = row(1, "甲").replace(",04,", ",77,");
    let rows = [bad, row(1, "甲"), row(1, "甲"), row(1, "乙"), row(9, "新名"), row(9, "旧名"), row(9, "旧名")];
    let report = bureau.import(format!("{HEADER}\n{}\n", rows.join("\n")));
    assert_eq!(
        ["created", "changed", "conflicting", "refused"].map(|name| report[name].as_u64()),
        [1, 1, 1, 5].map(Some)
    );
    assert_eq!(
        told(&faults(&report)),
        [
            (2, "民族", "ETHNIC_GROUP_UNKNOWN"),
            (4, "社会保障号码", "DUPLICATE_IN_FILE"),
            (5, "社会保障号码", "NUMBER_TAKEN_IN_FILE"),
            (7, "社会保障号码", "NUMBER_TAKEN_IN_FILE"),
            (8, "社会保障号码", "NUMBER_TAKEN_IN_FILE")
        ]
    );
    let message = |place: usize| report["faults"][place]["message"].as_str().expect("message").to_owned();
    assert!(message(1).contains("line 3") && message(2).contains("line 3") && message(4).contains("line 6"));
}

#[test]
fn a_number_that_stands_twice_is_refused_whoever_registered_its_person_and_however_often_it_is_read() {
    let bureau = Bureau::new();
    assert_eq!(counts(&bureau.import(format!("{HEADER}\n{}\n", row(1, "甲")))), [1, 0, 0]);
    let rows = [row(1, "甲"), row(2, "乙"), row(1, "甲"), row(2, "丙"), row(3, "丁"), row(2, "乙"), row(3, "丁")];
    let file = bureau.file("twice.csv", format!("{HEADER}\n{}\n", rows.join("\n")));
    let found = |report: &serde_json::Value| {
        let message = |fault: &serde_json::Value| fault["message"].as_str().expect("message").to_owned();
        let first = |text: &str| text.split("line ").nth(1).map(|rest| rest.starts_with(char::is_numeric)).is_some();
        assert!(report["faults"].as_array().expect("faults").iter().all(|fault| first(&message(fault))), "{report}");
        let rows = faults(report).into_iter().map(|(row, _, code)| (row, code));
        rows.collect::<Vec<_>>()
    };
    let dry = json(&bureau.run(&file, &["--dry-run"]));
    let first = json(&bureau.run(&file, &[]));
    assert_eq!(counts(&first), [2, 4, 1]);
    let twice = |row: u64, code: &str| (row, code.to_owned());
    let expected = [
        twice(4, "DUPLICATE_IN_FILE"),
        twice(5, "NUMBER_TAKEN_IN_FILE"),
        twice(7, "DUPLICATE_IN_FILE"),
        twice(8, "DUPLICATE_IN_FILE"),
    ];
    assert_eq!((found(&first), found(&dry)), (expected.to_vec(), expected.to_vec()));
    // Killed behind its last row, and behind a row in the middle: what is stored stays, what is refused is told again.
    let killed = |behind: u64, counted: &str| {
        let unfinished =
            format!("UPDATE import SET state = 'running', row_done = {behind}, {counted} WHERE number = 2");
        ask::ask(&bureau.data(), &unfinished).expect("unfinished");
        json(&bureau.run(&file, &[]))
    };
    let again = killed(8, "accepted = 2, rejected = 4, unchanged = 1");
    assert_eq!((counts(&again), found(&again)), ([2, 4, 1], expected.to_vec()));
    ask::ask(&bureau.data(), "DELETE FROM person WHERE id = 3").expect("as the kill left it");
    let middle = killed(5, "accepted = 1, rejected = 2, unchanged = 1");
    assert_eq!((counts(&middle), found(&middle)), ([2, 4, 1], expected.to_vec()));
    assert_eq!(bureau.registered(), 3);
}

#[test]
fn the_report_file_says_what_the_program_says() {
    let bureau = Bureau::new();
    let file = bureau.file("r.csv", format!("{HEADER}\n{}\n{},多\n{}\n", row(1, "甲"), row(2, "乙"), row(3, "=丙")));
    let path = bureau.path("out.json");
    let output = bureau.run(&file, &["--report", &path]);
    assert_eq!(output.stdout, std::fs::read(&path).expect("report"));
    let faults = faults(&json(&output));
    assert_eq!(faults.len(), 2);

    let path = bureau.path("out.CSV");
    std::fs::write(&path, "the report of yesterday").expect("file");
    assert_eq!(bureau.run(&file, &["--report", &path]).status.code(), Some(10));
    let written = std::fs::read(&path).expect("report");
    let mut csv =
        csv::Reader::from_reader(written.strip_prefix(b"\xEF\xBB\xBF").expect("a mark for spreadsheet programs"));
    assert_eq!(csv.headers().expect("header"), vec!["row", "column", "code", "value", "message", "remedy"]);
    let rows: Vec<(u64, String, String)> = csv
        .records()
        .map(|row| row.expect("row"))
        .map(|row| (row[0].parse().expect("row"), row[1].into(), row[2].into()))
        .collect();
    assert_eq!(rows, faults);
    let left: Vec<_> =
        std::fs::read_dir(bureau.path("")).expect("folder").map(|entry| entry.expect("entry").file_name()).collect();
    assert!(left.iter().all(|name| !name.to_string_lossy().ends_with(".part")));
}

#[test]
fn a_report_that_cannot_be_written_stops_the_import_before_it_begins() {
    let bureau = Bureau::new();
    let file = bureau.file("r.csv", format!("{HEADER}\n{}\n", row(1, "甲")));
    std::fs::create_dir(bureau.path("folder")).expect("folder");
    for place in ["nowhere/out.csv", "folder", "r.csv/out.json"] {
        let refusal = bureau.refusal(&file, &["--report", &bureau.path(place)]);
        assert_eq!(refusal, (Some(9), "REPORT_NOT_WRITTEN".to_owned()), "{place}");
    }
    let before = std::fs::read(&file).expect("file");
    assert_eq!(bureau.refusal(&file, &["--report", &file]), (Some(1), "REPORT_IS_REGISTRY".to_owned()));
    assert_eq!(std::fs::read(&file).expect("file"), before);
    assert_eq!(bureau.registered(), 0);
    // A disk that is full when the report is due: the people are registered, and the same file gives the report.
    assert_eq!(bureau.refusal(&file, &["--report", "/dev/full"]), (Some(10), "REPORT_NOT_PLACED".to_owned()));
    let again = json(&bureau.run(&file, &["--report", &bureau.path("out.json")]));
    assert_eq!((counts(&again), bureau.registered()), ([1, 0, 0], 1));
}

#[test]
fn files_that_are_no_registry_end_with_a_documented_code() {
    let bureau = Bureau::new();
    assert_eq!(bureau.refusal(&bureau.path("missing.csv"), &[]), (Some(2), "FILE_NOT_FOUND".to_owned()));
    assert_eq!(bureau.refusal(&bureau.path(""), &[]), (Some(1), "FILE_UNREADABLE".to_owned()));
    assert_eq!(bureau.refusal("/dev/zero", &[]), (Some(1), "FILE_UNREADABLE".to_owned()));
    let utf16: Vec<u8> = "\u{FEFF}姓名,证件号码\r\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    for (content, expected) in [
        (&b""[..], "FILE_EMPTY"),
        (b"\xEF\xBB\xBF", "FILE_EMPTY"),
        (b"a,b\n1,2\n", "HEADER_MISSING"),
        ("姓名,性别\n王,1\n".as_bytes(), "COLUMN_MISSING"),
        (format!("{HEADER},姓名\n").as_bytes(), "COLUMN_REPEATED"),
        (&utf16, "FILE_ENCODING"),
        (b"PK\x03\x04\x14\0\x06\0[Content_Types].xml", "WORKBOOK_DAMAGED"),
        (b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1", "FILE_NOT_TEXT"),
        (b"[]", "FILE_EMPTY"),
        (b"[{\"a\":1}]", "HEADER_MISSING"),
        (b"[{\"number\":\"1\",\"name\":]", "JSON_INVALID"),
        (b"<html><table><tr><td>", "FILE_NOT_TEXT"),
        (&[0; 10_000], "FILE_NOT_TEXT"),
        (&vec![b'x'; 10 << 20], "HEADER_MISSING"),
        ("姓名,".repeat(2_000).as_bytes(), "COLUMNS_TOO_MANY"),
    ] {
        let file = bureau.file("f.csv", content);
        assert_eq!(bureau.refusal(&file, &[]), (Some(1), expected.to_owned()));
    }
    let unknown = issuer(&bureau.data().join("nowhere"), &["person", "list"]);
    assert_eq!(unknown.status.code(), Some(2));
}

#[test]
fn strange_content_costs_its_own_rows_only() {
    let bureau = Bureau::new();
    let only_header = bureau.run(&bureau.file("h.csv", HEADER), &[]);
    assert_eq!((only_header.status.code(), notes(&json(&only_header))), (Some(0), vec!["NO_ROWS".to_owned()]));

    let mut bytes = format!("{HEADER}\n{}\n", row(1, "甲")).into_bytes();
    bytes.resize(bytes.len() + (10 << 20), b'x');
    bytes.extend(format!("\n{}\n{}\n,,,,,,\n", row(2, "乙\0"), row(3, "丙")).bytes());
    bytes.extend([0; 5_000]);
    let report = bureau.import(bytes);
    assert_eq!(counts(&report), [2, 3, 0]);
    assert_eq!(
        told(&faults(&report)),
        [(3, "whole row", "ROW_TOO_LONG"), (4, "姓名", "CONTROL_CHARACTER"), (7, "whole row", "CELL_COUNT")]
    );
}

#[test]
fn a_link_to_a_file_is_as_good_as_the_file() {
    let bureau = Bureau::new();
    let file = bureau.file("r.csv", format!("{HEADER}\n{}\n", row(1, "甲")));
    std::os::unix::fs::symlink(&file, bureau.path("link")).expect("link");
    std::os::unix::fs::symlink(bureau.file("old.json", ""), bureau.path("report")).expect("link");
    assert_eq!(bureau.run(&bureau.path("link"), &["--report", &bureau.path("report")]).status.code(), Some(0));
    assert!(std::fs::symlink_metadata(bureau.path("report")).expect("there").is_symlink());
    assert!(std::fs::read_to_string(bureau.path("old.json")).expect("report").contains("created"));
}

#[test]
fn an_import_killed_in_the_middle_goes_on_and_ends_as_if_it_had_not_been() {
    const PEOPLE: u64 = 40_000;
    let rows: Vec<String> = (0..PEOPLE)
        .map(|n| {
            let (birth, order) = (format!("19{:02}0101", 50 + n / 900), u32::try_from(n % 900).expect("small"));
            format!("{},{}", number(&birth, order), if n % 13_001 == 7 { "甲2" } else { "甲" })
        })
        .chain([format!("{},甲", number("19500101", 3))])
        .collect();
    let text = format!("证件号码,姓名\n{}\n", rows.join("\n"));
    let whole = Bureau::new();
    let expected = whole.import(&text);
    assert_eq!(counts(&expected), [PEOPLE - 4, 5, 0]);

    // Killed when the database has grown by a transaction, several times over.
    let bureau = Bureau::new();
    let file = bureau.file("r.csv", &text);
    let count = |sql: &str| -> u64 { ask::ask(&bureau.data(), sql).expect(sql)[0][0].parse().expect("a count") };
    let done = || count("SELECT COALESCE(MAX(row_done), 0) FROM import");
    let (mut kills, mut last) = (0, 0);
    while kills < 3 {
        let mut running = command(&bureau.data(), &["import", &file]);
        let mut running = running.stdout(std::process::Stdio::null()).spawn().expect("the program starts");
        while done() <= last && running.try_wait().expect("child").is_none() {
            std::thread::yield_now();
        }
        running.kill().expect("killed");
        running.wait().expect("ended");
        last = done();
        let running = count("SELECT COUNT(*) FROM import WHERE state = 'running'");
        // Every row that is done with is registered or refused, and no other one is.
        let (registered, counted) = (bureau.registered(), count("SELECT SUM(accepted) FROM import"));
        assert_eq!(registered, counted);
        if running == 0 {
            break;
        }
        kills += 1;
    }
    assert!(kills > 0, "the import was never caught in the middle");
    let mut resumed = json(&bureau.run(&file, &[]));
    if notes(&resumed).contains(&"RESUMED".to_owned()) {
        resumed["notes"].as_array_mut().expect("notes").retain(|note| note["code"] != "RESUMED");
        assert_eq!(resumed, expected, "the report of an import that went on is that of one in a piece");
    }
    assert_eq!(bureau.registered(), PEOPLE - 4);
    assert_eq!(counts(&json(&bureau.run(&file, &[]))), [0, 5, PEOPLE - 4]);
    assert_eq!(issuer(&bureau.data(), &["audit", "verify"]).status.code(), Some(0));
}

#[test]
fn a_locked_database_is_told_and_nothing_is_done() {
    let bureau = Bureau::new();
    let file = bureau.file("r.csv", format!("{HEADER}\n{}\n", row(1, "扎西")));
    let held = hold::hold(&bureau.data());
    let report = bureau.path("out.json");
    assert_eq!(bureau.refusal(&file, &["--report", &report]), (Some(9), "DATABASE_LOCKED".to_owned()));
    held.free();
    assert_eq!((bureau.registered(), std::path::Path::new(&report).exists()), (0, false));
}

#[test]
fn an_audit_record_changed_behind_the_programs_back_is_named() {
    let bureau = Bureau::new();
    let data = bureau.data();
    assert_eq!(issuer(&data, &["operator", "add", "li", "--role", "capture"]).status.code(), Some(0));
    assert_eq!(issuer(&data, &["operator", "add", "wang", "--role", "approve"]).status.code(), Some(0));
    ask::ask(&data, "UPDATE audit SET detail = 'capture,approve' WHERE sequence = 2").expect("changed");
    let output = issuer(&data, &["audit", "verify", "--format", "json"]);
    assert_eq!(output.status.code(), Some(7));
    assert_eq!(json(&output)["first_bad"], serde_json::json!({ "sequence": 2, "reason": "altered" }));
}
