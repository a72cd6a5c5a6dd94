//! Texts as bureaus send them. All people are invented.

use super::*;
use crate::import::record::RECORD_BYTES_MAX;
use encoding_rs::GB18030;
use std::io::{Seek, Write};

const HEADER: &str = "社会保障号码,姓名,性别,民族,出生日期,行政区划代码";

fn table(bytes: &[u8]) -> Result<Table, OpenError> {
    let mut file = tempfile::tempfile().expect("file");
    file.write_all(bytes).and_then(|()| file.rewind()).expect("written");
    Table::read(file, Reading::default())
}

fn rows(bytes: &[u8]) -> Vec<Row> {
    let mut table = table(bytes).expect("table");
    std::iter::from_fn(|| table.next_row().expect("read")).collect()
}

fn error(bytes: &[u8]) -> TableError {
    match table(bytes).expect_err("refused") {
        OpenError::Table(error) => error,
        OpenError::Read(error) => panic!("{error}"),
    }
}

fn columns(text: &str) -> Vec<Column> {
    table(text.as_bytes()).expect("table").layout().columns.iter().map(|(column, _)| *column).collect()
}

#[test]
fn gb18030_and_utf8_with_and_without_mark_read_alike() {
    let text = format!("{HEADER}\r\n1,扎西·多吉,1,04,19900101,513301\r\n2,䶮㐂𠮷,1,04,19900101,513301\r\n");
    let gb = GB18030.encode(&text).0.into_owned();
    let marked = [b"\xEF\xBB\xBF", text.as_bytes()].concat();
    for bytes in [&gb, &text.clone().into_bytes(), &marked] {
        let names: Vec<Cell> = rows(bytes).into_iter().map(|row| row.cells.expect("cells")[1].clone()).collect();
        assert_eq!(names, [Ok("扎西·多吉".to_owned()), Ok("䶮㐂𠮷".to_owned())]);
    }
    assert_eq!(table(&gb).expect("table").encoding(), "GB18030");
    assert_eq!(table(&marked).expect("table").encoding(), "UTF-8");
}

#[test]
fn commas_tabs_and_semicolons_separate_cells() {
    for delimiter in [",", "\t", ";"] {
        let text = format!("{HEADER}\n1,a,1,04,x,y\n").replace(',', delimiter);
        for bytes in [text.clone().into_bytes(), GB18030.encode(&text).0.into_owned()] {
            assert_eq!(rows(&bytes)[0].cells.as_ref().expect("cells").len(), 6, "{delimiter:?}");
        }
    }
    // Commas in the title or in cells do not make them the delimiter.
    assert_eq!(
        rows("姓名;身份证号;性别(1,2);地址\na;1;1;\"b;c,d\"\n".as_bytes())[0].cells.as_ref().expect("cells").len(),
        4
    );
}

#[test]
fn columns_that_nobody_knows_are_ignored_and_told() {
    let table = table("序号,姓名,备注,AAC001,身份证号,\n".as_bytes()).expect("table");
    assert_eq!(table.layout().columns, [(Column::Name, 1), (Column::Number, 4)]);
    assert_eq!(table.layout().ignored(), ["序号", "备注", "AAC001", "#6"]);
}

#[test]
fn of_two_columns_of_one_meaning_the_better_one_is_read() {
    let table = table("姓名,身份证号,通讯地址,户籍地址,社会保障号码\n".as_bytes()).expect("table");
    let layout = table.layout();
    assert_eq!((layout.place(Column::Number), layout.place(Column::Address)), (Some(4), Some(3)));
    assert_eq!(
        layout.doubled,
        [("户籍地址".to_owned(), "通讯地址".to_owned()), ("社会保障号码".to_owned(), "身份证号".to_owned())]
    );
    assert_eq!(
        error(format!("{HEADER},姓名").as_bytes()),
        TableError::RepeatedHeader { line: 1, column: Column::Name }
    );
    assert_eq!(columns("姓名,身份证号,民族,民族\n"), [Column::Name, Column::Number, Column::EthnicGroup]);
}

#[test]
fn where_the_better_column_is_empty_the_other_one_of_its_meaning_is_read() {
    let text = "姓名,身份证号,户籍地址,通讯地址\na,1,甲,乙\nb,2, ,乙\nc,3,,\nd,4\n";
    let addresses: Vec<String> = rows(text.as_bytes())
        .iter()
        .filter_map(|row| row.cells.as_ref().ok()?.get(2)?.clone().ok())
        .map(|text| text.trim().to_owned())
        .collect();
    assert_eq!(addresses[..3], ["甲", "乙", ""]);
    assert!(table(text.as_bytes()).expect("table").layout().ignored().is_empty());
}

#[test]
fn a_title_above_the_header_is_stepped_over() {
    let text = "甘孜州参保人员信息表,,\n填报单位：示例局,,\n\n身份证号,姓名,民族\n1,a,04\n";
    let table = table(text.as_bytes()).expect("table");
    assert_eq!(table.layout().line, 4);
    assert_eq!(rows(text.as_bytes())[0].line, 5);
    assert_eq!(rows("sep=;\n身份证号;姓名\n1;a\n".as_bytes())[0].line, 3);
}

#[test]
fn a_file_that_is_no_registry_is_refused_with_its_reason() {
    for bytes in [&b""[..], b"\xEF\xBB\xBF", b"\r\n \r\n"] {
        assert_eq!(error(bytes), TableError::Empty);
    }
    assert_eq!(error(b"a,b,c"), TableError::NoHeader);
    assert_eq!(error("姓名,性别".as_bytes()), TableError::MissingHeaders { line: 1, missing: vec![Column::Number] });
    assert_eq!(error("九".repeat(40_000).as_bytes()), TableError::NoHeader);
    assert_eq!(error(["姓名"; COLUMNS_MAX + 1].join(",").as_bytes()), TableError::TooManyColumns);
}

#[test]
fn a_thousand_columns_are_only_many_columns() {
    let header = format!("姓名,{}身份证号", "x,".repeat(998));
    let row = format!("a,{}1", "y,".repeat(998));
    let rows = rows(format!("{header}\n{row}\n").as_bytes());
    assert_eq!(rows[0].cells.as_ref().expect("cells").len(), 2);
}

#[test]
fn blank_rows_and_blank_cells_behind_the_last_column_do_not_count() {
    let text = format!("{HEADER}\n1,a,1,04,x,y,,,\n,,,,,\n2,b,1,04,x,y,z\n3,c,1,04,x\n4,\"d\ne\",1,04,x,y\n");
    let found: Vec<_> = rows(text.as_bytes()).into_iter().map(|row| (row.line, row.cells.err())).collect();
    let cells = |found| Some(RowFault::Cells(found, 6));
    assert_eq!(found, [(2, None), (4, cells(7)), (5, cells(5)), (6, None)]);
}

#[test]
fn a_broken_line_does_not_spoil_the_next() {
    let long = "x".repeat(RECORD_BYTES_MAX * 2);
    let text = format!("{HEADER}\n1,\"open,1,04,x,y\n1,2\n{long}\n2,b,1,04,x,y\n");
    let found: Vec<_> = rows(text.as_bytes()).into_iter().map(|row| (row.line, row.cells.err())).collect();
    let expected = [Some(RowFault::Quote), Some(RowFault::Cells(2, 6)), Some(RowFault::TooLong), None];
    assert_eq!(found, (2..).zip(expected).collect::<Vec<_>>());
}

#[test]
fn bytes_of_no_character_spoil_their_cell_only() {
    let mut bytes = format!("{HEADER}\n1,扎西扎西扎西扎西,1,04,x,y\n2,").into_bytes();
    bytes.extend(b"\xFF\xFE,1,04,x,y\n");
    let cells = rows(&bytes).pop().expect("row").cells.expect("cells");
    assert_eq!(
        (cells[0].as_deref(), cells[1].as_deref(), cells[2].as_deref()),
        (Ok("2"), Err(&Code::Undecodable), Ok("1"))
    );
}

#[test]
fn a_row_in_another_encoding_than_the_file_is_refused_and_the_others_are_read() {
    let gb = |text: &str| GB18030.encode(text).0.into_owned();
    let number = "513301199001010013";
    let rows = |parts: &[&[u8]]| -> Vec<Result<usize, RowFault>> {
        let read = |row: Row| row.cells.map(|cells| cells.iter().filter(|cell| cell.is_ok()).count());
        rows(&parts.concat()).into_iter().map(read).collect()
    };
    let (head, first) = (gb("身份证号,姓名\n"), gb(&format!("{number},徐军\n")));
    let (second, third) = (format!("{number},徐军\n"), format!("{number},ANNE\n"));
    let mixed = [Ok(2), Err(RowFault::Mixed), Ok(2), Ok(2)];
    assert_eq!(rows(&[&head, &first, second.as_bytes(), third.as_bytes(), &first]), mixed);
    let many = second.repeat(20);
    let found = rows(&["身份证号,姓名\n".as_bytes(), many.as_bytes(), &first]);
    assert_eq!((found.first(), found.last()), (Some(&Ok(2)), Some(&Err(RowFault::Mixed))));
}
