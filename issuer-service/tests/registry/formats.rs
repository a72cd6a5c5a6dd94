//! One registry in every format and encoding; what is only nearly one.

use std::io::Write;

use encoding_rs::GB18030;

use crate::ask::ask;
use crate::bureau::{Bureau, HEADER, counts, faults, issuer, json, notes, number, row};

fn cells(line: &str) -> Vec<String> {
    line.split(',').map(str::to_owned).collect()
}

pub(crate) fn workbook(rows: &[Vec<String>]) -> Vec<u8> {
    let cell = |text: &String| format!("<c t=\"inlineStr\"><is><t>{text}</t></is></c>");
    let rows: String =
        rows.iter().map(|row| format!("<row>{}</row>", row.iter().map(cell).collect::<String>())).collect();
    sheet(&format!("<worksheet><sheetData>{rows}</sheetData></worksheet>"))
}

fn sheet(sheet: &str) -> Vec<u8> {
    sheets(&[("a", sheet)])
}

/// A workbook of sheets, each with its name.
fn sheets(sheets: &[(&str, &str)]) -> Vec<u8> {
    let list = |row: fn((usize, &(&str, &str))) -> String| sheets.iter().enumerate().map(row).collect::<String>();
    let named = list(|(n, (name, _))| format!("<sheet name=\"{name}\" sheetId=\"{n}\" r:id=\"rId{n}\"/>"));
    let related = list(|(n, _)| format!("<Relationship Id=\"rId{n}\" Target=\"worksheets/sheet{n}.xml\"/>"));
    let mut parts = vec![
        ("xl/workbook.xml".to_owned(), format!("<workbook><sheets>{named}</sheets></workbook>")),
        ("xl/_rels/workbook.xml.rels".to_owned(), format!("<Relationships>{related}</Relationships>")),
    ];
    let texts = sheets.iter().enumerate();
    parts.extend(texts.map(|(n, (_, text))| (format!("xl/worksheets/sheet{n}.xml"), (*text).to_owned())));
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, content) in parts {
        writer.start_file(name, zip::write::SimpleFileOptions::default()).expect("part");
        writer.write_all(content.as_bytes()).expect("memory");
    }
    writer.finish().expect("memory").into_inner()
}

fn objects(rows: &[Vec<String>]) -> Vec<String> {
    let (header, rows) = rows.split_first().expect("a header");
    let object = |row: &Vec<String>| {
        let pairs = header.iter().cloned().zip(row.iter().cloned().map(serde_json::Value::from));
        serde_json::Value::Object(pairs.collect()).to_string()
    };
    rows.iter().map(object).collect()
}

#[test]
fn a_sheet_behind_others_is_named() {
    let bureau = Bureau::new();
    let cell = |text: &str| format!("<c t=\"inlineStr\"><is><t>{text}</t></is></c>");
    let line = |text: &str| format!("<row>{}</row>", text.split(',').map(cell).collect::<String>());
    let of = |rows: &str| format!("<worksheet><sheetData>{rows}</sheetData></worksheet>");
    let (told, people) = (of(&line("填表说明")), of(&(line(HEADER) + &line(&row(1, "扎西")))));
    let file = bureau.file("r.xlsx", sheets(&[("说明", &told), ("人员", &people)]));
    let without = bureau.run(&file, &[]);
    let error: serde_json::Value = serde_json::from_slice(&without.stderr).expect("an error object");
    assert_eq!((without.status.code(), &error["code"]), (Some(1), &"HEADER_MISSING".into()));
    assert!(error["what"].as_str().expect("text").contains("“说明”, “人员”"), "{error}");
    assert_eq!(bureau.refusal(&file, &["--sheet", "名单"]), (Some(1), "SHEET_NOT_FOUND".to_owned()));
    assert_eq!(counts(&json(&bureau.run(&file, &["--sheet", "人员"]))), [1, 0, 0]);
}

#[test]
fn every_format_says_the_same_of_the_same_people() {
    let lines = [HEADER.to_owned(), row(1, "扎西•多吉"), row(2, "王\u{E863}"), row(3, "卓玛"), row(3, "卓玛")];
    let table: Vec<Vec<String>> = lines.iter().map(|line| cells(line)).collect();
    let csv = lines.join("\n");
    let files: [(&str, Vec<u8>); 8] = [
        ("a.csv", csv.clone().into_bytes()),
        ("b.txt", GB18030.encode(&csv.replace(',', "\t")).0.into_owned()),
        ("c.csv", [b"\xEF\xBB\xBF", csv.as_bytes()].concat()),
        ("d.xlsx", workbook(&table)),
        ("e.json", format!("[{}]", objects(&table).join(",\n")).into_bytes()),
        ("f.jsonl", objects(&table).join("\n").into_bytes()),
        ("g.json", format!("{{\"code\":0,\"data\":[{}],\"total\":4}}", objects(&table).join(",")).into_bytes()),
        ("h.json", format!("{{\"code\": 0,\n\"data\": [\n{}\n]\n}}\n", objects(&table).join(",\n")).into_bytes()),
    ];
    let (bureau, first) = (Bureau::new(), &files[0]);
    assert_eq!(counts(&json(&bureau.run(&bureau.file(first.0, &first.1), &[]))), [2, 2, 0]);
    for (name, bytes) in &files[1..] {
        let report = json(&bureau.run(&bureau.file(name, bytes), &[]));
        assert_eq!(counts(&report), [0, 2, 2], "{name}");
        let codes: Vec<String> = faults(&report).into_iter().map(|(_, _, code)| code).collect();
        assert_eq!(codes, ["NOT_ENCODABLE", "DUPLICATE_IN_FILE"], "{name}");
    }
}

#[test]
fn a_declared_encoding_is_believed_where_detection_would_err() {
    let bureau = Bureau::new();
    // The bytes of 联通 in GB 18030 happen to look like UTF-8, as is well known.
    let text = format!("number,name\n{},甲\n", number("19900101", 1));
    let bytes = [format!("number,name\n{},", number("19900101", 1)).as_bytes(), b"\xC1\xAA\xCD\xA8\n"].concat();
    assert_eq!(counts(&json(&bureau.run(&bureau.file("a.csv", &bytes), &["--encoding", "gb18030"]))), [1, 0, 0]);
    assert_eq!(bureau.say(&["person", "find", "--by", "name"], "联通")["people"].as_array().map(Vec::len), Some(1));
    let wrong = json(&bureau.run(&bureau.file("b.csv", GB18030.encode(&text).0), &["--encoding", "utf-8"]));
    assert_eq!(faults(&wrong), [(2, "whole row".to_owned(), "ENCODING_MIXED".to_owned())]);
}

#[test]
fn a_workbook_that_computes_or_lost_digits_is_told_cell_by_cell() {
    let bureau = Bureau::new();
    let text = |text: &str| format!("<c t=\"str\"><v>{text}</v></c>");
    let good = number("19900101", 1);
    let rows = [
        format!("<row>{}{}</row>", text("身份证号"), text("姓名")),
        format!("<row><c><v>5.1330119900101002E17</v></c>{}</row>", text("甲")),
        format!("<row><c><v>513301199001010020</v></c>{}</row>", text("甲")),
        format!("<row>{}<c><f>A1</f><v>甲</v></c></row>", text(&good)),
        format!("<row>{}{}</row>", text(&good), text("=cmd|x")),
        format!("<row>{}{}</row>", text(&good), text("甲")),
    ];
    let file =
        bureau.file("a.xlsx", sheet(&format!("<worksheet><sheetData>{}</sheetData></worksheet>", rows.concat())));
    let report = json(&bureau.run(&file, &[]));
    assert_eq!(counts(&report), [1, 4, 0]);
    let told = |row, column: &str, code: &str| (row, column.to_owned(), code.to_owned());
    assert_eq!(
        faults(&report),
        [
            told(2, "身份证号", "SCIENTIFIC_NOTATION"),
            told(3, "身份证号", "SCIENTIFIC_NOTATION"),
            told(4, "姓名", "FORMULA_CELL"),
            told(5, "姓名", "FORMULA")
        ]
    );
}

#[test]
fn a_workbook_that_breaks_off_is_refused_and_says_how_far_it_came() {
    let bureau = Bureau::new();
    let text = |text: &str| format!("<c t=\"str\"><v>{text}</v></c>");
    let rows = format!(
        "<row>{}{}</row><row>{}{}</row>",
        text("身份证号"),
        text("姓名"),
        text(&number("19900101", 1)),
        text("甲")
    );
    let file = bureau.file("a.xlsx", sheet(&format!("<worksheet><sheetData>{rows}<row><c><v>1")));
    assert_eq!(bureau.refusal(&file, &[]), (Some(1), "WORKBOOK_DAMAGED".to_owned()));
}

#[test]
fn a_million_columns_are_refused_in_every_format() {
    let bureau = Bureau::new();
    let csv = bureau.file("a.csv", "姓名,".repeat(1_000_000));
    assert!(matches!(bureau.refusal(&csv, &[]).1.as_str(), "HEADER_MISSING" | "COLUMNS_TOO_MANY"));
    let xlsx = bureau.file("a.xlsx", sheet(&format!("<worksheet><row>{}</row></worksheet>", "<c/>".repeat(1_000_000))));
    assert!(matches!(bureau.refusal(&xlsx, &[]).1.as_str(), "FILE_EMPTY" | "HEADER_MISSING"));
    let keys: Vec<String> = (0..5_000).map(|n| format!("\"k{n}\":1")).collect();
    let json = bureau.file("a.json", format!("[{{{}}}]", keys.join(",")));
    assert_eq!(bureau.refusal(&json, &[]).1, "COLUMNS_TOO_MANY");
}

/// Objects of one line, as programs write them: the first two by national codes, the others by words.
fn one_line() -> String {
    let by = |number: &str, name: &str, order: u32, value: &str| {
        format!("{{\"{number}\":\"{}\",\"{name}\":\"{value}\"}}", self::number("19900101", order))
    };
    let objects = [
        by("AAC002", "AAC003", 1, "甲"),
        by("AAC002", "AAC003", 2, "甲1"),
        by("number", "name", 3, "丙"),
        by("身份证号", "姓名", 4, "丁"),
        by("number", "name", 5, "戊5"),
    ];
    format!("[{}]", objects.join(","))
}

#[test]
fn objects_of_one_line_are_told_apart_and_each_is_read_by_its_own_keys() {
    let bureau = Bureau::new();
    let file = bureau.file("a.json", one_line());
    let report = json(&bureau.run(&file, &[]));
    assert_eq!(counts(&report), [3, 2, 0]);
    let found: Vec<(u64, String)> = faults(&report).into_iter().map(|(row, _, code)| (row, code)).collect();
    assert_eq!(found, [(2, "NAME_CHARACTER".to_owned()), (5, "NAME_CHARACTER".to_owned())]);
    assert_eq!(report["ignored_columns"], serde_json::json!([]));
    assert!(!notes(&report).contains(&"COLUMN_DOUBLED".to_owned()), "no object has two keys of one meaning");
    let shown = issuer(&bureau.data(), &["import", "--dry-run", &file]);
    assert!(String::from_utf8_lossy(&shown.stdout).contains("object 5 "), "{shown:?}");
    // Two of one meaning in one object: the better known is read, and that is told.
    let both = format!("[{{\"name\":\"己\",\"姓名\":\"庚\",\"number\":\"{}\"}}]", number("19900101", 6));
    let report = json(&bureau.run(&bureau.file("b.json", both), &[]));
    assert_eq!((counts(&report), notes(&report).contains(&"COLUMN_DOUBLED".to_owned())), ([1, 0, 0], true));
    assert_eq!(bureau.say(&["person", "find", "--by", "name"], "庚")["people"].as_array().map(Vec::len), Some(1));
}

#[test]
fn an_import_of_one_line_that_was_killed_goes_on_behind_its_last_object() {
    let (other, bureau) = (Bureau::new(), Bureau::new());
    other.run(&other.file("a.json", one_line()), &[]);
    let digest = ask(&other.data(), "SELECT sha256 FROM import").expect("a digest")[0][0].clone();
    // As a kill behind the third object leaves it.
    let begun = format!(
        "INSERT INTO import (number, imported_at, actor, sha256, accepted, rejected, unchanged, source, state, row_done)
         VALUES (1, '', 'li', '{digest}', 2, 1, 0, 1, 'running', 3)"
    );
    ask(&bureau.data(), &begun).expect("begun");
    let report = json(&bureau.run(&bureau.file("a.json", one_line()), &[]));
    assert_eq!(
        (counts(&report), bureau.registered()),
        ([3, 2, 0], 1),
        "the fourth object is registered, the fifth refused"
    );
}
