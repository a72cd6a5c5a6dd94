//! A registry file as rows of text cells: its header, its rows.
//!
//! Owns: finding the header and the delimiter, choosing among columns of one meaning, decoding.
//! Never: holds more than one row; judges a value; refuses a file for a column that it does not know.
//! Units: `line` counts from 1, the header of an ordinary file being line 1.

use std::fs::File;
use std::io;

use csv::ByteRecord;
use encoding_rs::{Encoding, UTF_8};

use super::column::Column;
use super::encoding::detect;
use super::record::{Record, Records, RowFault, trimmed};
use super::refusal::TableError;

/// Columns of a header. Real registries have a few dozen.
const COLUMNS_MAX: usize = 1024;
/// Records among which the header is looked for: bureaus put a title, a date, a sender above it.
const HEADER_RECORDS_MAX: usize = 10;
/// Characters of a header that are kept for messages.
const HEADER_CHARACTERS_MAX: usize = 40;
/// Between cells.
const DELIMITERS: [u8; 3] = [b',', b'\t', b';'];
/// Columns without which nobody can be registered.
const REQUIRED: [Column; 2] = [Column::Number, Column::Name];

/// Why a table could not be opened.
#[derive(Debug)]
pub enum OpenError {
    /// The system.
    Read(io::Error),
    /// The content.
    Table(TableError),
}

/// A registry file being read.
#[derive(Debug)]
pub struct Table {
    records: Records,
    encoding: &'static Encoding,
    layout: Layout,
}

/// Which column stands where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Line of the header.
    pub line: u64,
    /// Columns that are read, each with its place from 0.
    pub columns: Vec<(Column, usize)>,
    /// Columns of a meaning that another one has already: the header read, the header ignored.
    pub doubled: Vec<(String, String)>,
    headers: Vec<String>,
}

/// A row of the table.
#[derive(Clone, PartialEq, Eq)]
pub struct Row {
    /// Line in the file where it starts, from 1.
    pub line: u64,
    /// Its cells in the order of [`Layout::columns`], or why there are none.
    pub cells: Result<Vec<Cell>, RowFault>,
}

/// A cell: its text, or `None` when its bytes are no text of the file's encoding.
pub type Cell = Option<String>;

impl Table {
    /// Detects encoding, header and delimiter.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn read(mut file: File) -> Result<Self, OpenError> {
        let encoding = detect(&mut file)?;
        let (mut best, mut error) = (None::<(u8, Layout)>, TableError::Empty);
        for delimiter in DELIMITERS {
            match find_header(&mut file, delimiter, encoding).map_err(OpenError::Read)? {
                Ok(layout) if best.as_ref().is_none_or(|(_, best)| best.columns.len() < layout.columns.len()) => {
                    best = Some((delimiter, layout));
                }
                Ok(_) => {}
                Err(worse) if telling(&worse) > telling(&error) => error = worse,
                Err(_) => {}
            }
        }
        let (delimiter, layout) = best.ok_or(OpenError::Table(error))?;
        let mut records = Records::of(&mut file, delimiter).map_err(OpenError::Read)?;
        while let Some(record) = records.next_record(None).map_err(OpenError::Read)? {
            if record.line >= layout.line {
                break;
            }
        }
        Ok(Self { records, encoding, layout })
    }

    /// Which column stands where.
    #[must_use]
    pub const fn layout(&self) -> &Layout {
        &self.layout
    }

    /// `GB18030` or `UTF-8`.
    #[must_use]
    pub fn encoding(&self) -> &'static str {
        if self.encoding == UTF_8 { "UTF-8" } else { "GB18030" }
    }

    /// SHA-256 of what was read so far, hex.
    #[must_use]
    pub fn digest(&self) -> String {
        self.records.digest()
    }

    /// The next row that is not blank.
    ///
    /// # Errors
    /// What the system says.
    pub fn next_row(&mut self) -> io::Result<Option<Row>> {
        while let Some(Record { line, fields }) = self.records.next_record(Some(self.layout.headers.len()))? {
            let cells = match fields {
                Ok(fields) if fields.iter().all(is_blank) => continue,
                Ok(fields) => self.cells(&fields),
                Err(fault) => Err(fault),
            };
            return Ok(Some(Row { line, cells }));
        }
        Ok(None)
    }

    fn cells(&self, fields: &ByteRecord) -> Result<Vec<Cell>, RowFault> {
        let expected = self.layout.headers.len();
        let found = trimmed(fields, expected);
        if found != expected {
            return Err(RowFault::Cells(found, expected));
        }
        let decode = |bytes| {
            self.encoding.decode_without_bom_handling_and_without_replacement(bytes).map(std::borrow::Cow::into_owned)
        };
        Ok(self.layout.columns.iter().map(|(_, place)| fields.get(*place).and_then(decode)).collect())
    }
}

impl Layout {
    /// Recognizes headers.
    ///
    /// # Errors
    /// [`TableError`] when number or name is missing or ambiguous, or nothing is known.
    fn of(line: u64, headers: Vec<String>) -> Result<Self, TableError> {
        if headers.len() > COLUMNS_MAX {
            return Err(TableError::TooManyColumns);
        }
        let mut columns: Vec<(Column, usize, usize)> = Vec::new();
        let mut doubled = Vec::new();
        let known = headers.iter().enumerate();
        for (place, (column, rank)) in known.filter_map(|(place, header)| Some((place, Column::of_header(header)?))) {
            let Some(first) = columns.iter_mut().find(|(known, ..)| *known == column) else {
                columns.push((column, place, rank));
                continue;
            };
            if first.2 == rank && REQUIRED.contains(&column) {
                return Err(TableError::RepeatedHeader { line, column });
            }
            doubled.push((column, if rank < first.2 { std::mem::replace(&mut first.1, place) } else { place }));
            first.2 = first.2.min(rank);
        }
        let missing: Vec<Column> =
            REQUIRED.into_iter().filter(|column| columns.iter().all(|(known, ..)| known != column)).collect();
        if columns.is_empty() {
            return Err(TableError::NoHeader);
        }
        if !missing.is_empty() {
            return Err(TableError::MissingHeaders { line, missing });
        }
        let columns = columns.into_iter().map(|(column, place, _)| (column, place)).collect();
        let mut layout = Self { line, columns, doubled: Vec::new(), headers };
        layout.doubled = doubled.iter().map(|(column, place)| (layout.header(*column), layout.shown(*place))).collect();
        Ok(layout)
    }

    /// Whether the file has this column.
    #[must_use]
    pub fn has(&self, column: Column) -> bool {
        self.place(column).is_some()
    }

    /// Place of a column in the file, from 0.
    #[must_use]
    pub fn place(&self, column: Column) -> Option<usize> {
        self.columns.iter().find(|(known, _)| *known == column).map(|(_, place)| *place)
    }

    /// Header of a column as the file has it; its plain name when the file has no such column.
    #[must_use]
    pub fn header(&self, column: Column) -> String {
        self.place(column).map_or_else(|| column.header().to_owned(), |place| self.shown(place))
    }

    /// Headers of columns that are not read.
    #[must_use]
    pub fn ignored(&self) -> Vec<String> {
        let read = |place: usize| self.columns.iter().any(|(_, known)| *known == place);
        (0..self.headers.len()).filter(|place| !read(*place)).map(|place| self.shown(place)).collect()
    }

    /// A header for a message, of bounded length; a nameless one by its number.
    fn shown(&self, place: usize) -> String {
        let header = self.headers.get(place).map_or("", String::as_str);
        let words = header.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
        let shown: String = words.collect::<Vec<_>>().join(" ").chars().take(HEADER_CHARACTERS_MAX).collect();
        if shown.is_empty() { format!("#{}", place + 1) } else { shown }
    }
}

/// The first record that has number and name; otherwise what is wrong with the one that looks most like a header.
fn find_header(file: &mut File, delimiter: u8, encoding: &'static Encoding) -> io::Result<Result<Layout, TableError>> {
    let mut records = Records::of(file, delimiter)?;
    let mut error = TableError::Empty;
    for _ in 0..HEADER_RECORDS_MAX {
        let Some(Record { line, fields }) = records.next_record(None)? else { break };
        let headers = fields.map(|fields| {
            fields.iter().map(|field| encoding.decode_without_bom_handling(field).0.into_owned()).collect::<Vec<_>>()
        });
        match headers.map_or(Err(TableError::NoHeader), |headers| Layout::of(line, headers)) {
            Ok(layout) => return Ok(Ok(layout)),
            Err(worse) if telling(&worse) > telling(&error) => error = worse,
            Err(_) => {}
        }
    }
    Ok(Err(error))
}

/// How much an error says about the file.
const fn telling(error: &TableError) -> u8 {
    match error {
        TableError::Empty => 0,
        TableError::NoHeader => 1,
        TableError::TooManyColumns => 2,
        TableError::MissingHeaders { .. } => 3,
        TableError::RepeatedHeader { .. } => 4,
        TableError::Utf16 | TableError::NotText | TableError::Markup => 5,
    }
}

fn is_blank(field: &[u8]) -> bool {
    field.iter().all(u8::is_ascii_whitespace)
}

impl std::fmt::Debug for Row {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Row({})", self.line)
    }
}

#[cfg(test)]
mod tests {
    use super::super::record::RECORD_BYTES_MAX;
    use super::*;
    use encoding_rs::GB18030;
    use std::io::{Seek, Write};

    const HEADER: &str = "社会保障号码,姓名,性别,民族,出生日期,行政区划代码";

    fn table(bytes: &[u8]) -> Result<Table, OpenError> {
        let mut file = tempfile::tempfile().expect("file");
        file.write_all(bytes).and_then(|()| file.rewind()).expect("written");
        Table::read(file)
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
            assert_eq!(names, [Some("扎西·多吉".to_owned()), Some("䶮㐂𠮷".to_owned())]);
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
        assert_eq!(
            error("姓名,性别".as_bytes()),
            TableError::MissingHeaders { line: 1, missing: vec![Column::Number] }
        );
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
        assert_eq!((cells[0].as_deref(), cells[1].as_deref(), cells[2].as_deref()), (Some("2"), None, Some("1")));
    }
}
