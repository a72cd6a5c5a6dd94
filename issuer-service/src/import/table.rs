//! A registry file as rows of text cells: its encoding and its lines.
//!
//! Source: RFC 4180; GB 18030 and UTF-8 with or without byte order mark, as spreadsheet programs save them.
//! Owns: detecting the encoding, splitting, decoding. Never: holds more than one line; judges a value.
//! Units: `line` counts from 1, the header included; a line holds one record, so a fault's line is where one looks.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek};

use encoding_rs::{Encoding, GB18030, UTF_8};
use ring::digest::{Context, SHA256};

use super::header::{self, Column, TableError};

/// Bytes of a line. A registry row has a few hundred; a longer one is a broken file.
const LINE_BYTES_MAX: usize = 64 * 1024;
/// Columns of a header. Real registries have a few dozen.
const COLUMNS_MAX: usize = 256;

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
    lines: Lines,
    encoding: &'static Encoding,
    headers: Vec<String>,
    columns: Vec<Column>,
}

/// A line of the table.
#[derive(Clone, PartialEq, Eq)]
pub struct Row {
    /// Line in the file, from 1.
    pub line: u64,
    /// Its cells, or why there are none.
    pub cells: Result<Vec<Cell>, RowFault>,
}

/// A cell: its text, or `None` when its bytes are no text of the file's encoding.
pub type Cell = Option<String>;

/// Why a line has no cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowFault {
    /// Another number of cells than the header: found, expected.
    Cells(usize, usize),
    /// A quotation mark is not closed on its line.
    Quote,
    /// Longer than any registry row.
    TooLong,
}

impl Table {
    /// Detects the encoding and reads the header.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn read(mut file: File) -> Result<Self, OpenError> {
        let encoding = detect(&mut file)?;
        let mut lines = Lines::new(file);
        let header = match lines.next_line().map_err(OpenError::Read)? {
            None => return Err(OpenError::Table(TableError::Empty)),
            Some((_, Err(_))) => return Err(OpenError::Table(TableError::NoHeader)),
            Some((_, Ok(bytes))) => bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&bytes).to_vec(),
        };
        let no_header = || OpenError::Table(TableError::NoHeader);
        let headers: Vec<String> = split(&header)
            .ok_or_else(no_header)?
            .iter()
            .map(|cell| decode(encoding, cell).map(|text| text.trim().to_owned()))
            .collect::<Option<_>>()
            .ok_or_else(no_header)?;
        if headers.len() > COLUMNS_MAX {
            return Err(no_header());
        }
        let columns = header::columns(&headers).map_err(OpenError::Table)?;
        Ok(Self { lines, encoding, headers, columns })
    }

    /// Headers as written.
    #[must_use]
    pub fn headers(&self) -> &[String] {
        &self.headers
    }

    /// What each column holds.
    #[must_use]
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// `GB18030` or `UTF-8`.
    #[must_use]
    pub fn encoding(&self) -> &'static str {
        if self.encoding == UTF_8 { "UTF-8" } else { "GB18030" }
    }

    /// SHA-256 of what was read so far, hex.
    #[must_use]
    pub fn digest(&self) -> String {
        hex::encode_upper(self.lines.digest.clone().finish())
    }

    /// The next line that is not blank.
    ///
    /// # Errors
    /// What the system says.
    pub fn next_row(&mut self) -> io::Result<Option<Row>> {
        while let Some((line, bytes)) = self.lines.next_line()? {
            let cells = match bytes {
                Err(fault) => Err(fault),
                Ok(bytes) if bytes.iter().all(u8::is_ascii_whitespace) => continue,
                Ok(bytes) => self.cells(&bytes),
            };
            return Ok(Some(Row { line, cells }));
        }
        Ok(None)
    }

    fn cells(&self, bytes: &[u8]) -> Result<Vec<Cell>, RowFault> {
        let cells = split(bytes).ok_or(RowFault::Quote)?;
        if cells.len() != self.columns.len() {
            return Err(RowFault::Cells(cells.len(), self.columns.len()));
        }
        Ok(cells.iter().map(|cell| decode(self.encoding, cell)).collect())
    }
}

/// Number of a line, and its bytes.
type Line = (u64, Result<Vec<u8>, RowFault>);

/// Lines of bounded length, counted, hashed as they pass.
struct Lines {
    input: BufReader<File>,
    digest: Context,
    line: u64,
}

impl std::fmt::Debug for Lines {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Lines({})", self.line)
    }
}

impl Lines {
    fn new(file: File) -> Self {
        Self { input: BufReader::with_capacity(1 << 16, file), digest: Context::new(&SHA256), line: 0 }
    }

    /// The next line without its end.
    fn next_line(&mut self) -> io::Result<Option<Line>> {
        let mut line = Vec::with_capacity(256);
        let limit = u64::try_from(LINE_BYTES_MAX + 1).expect("a small constant");
        let read = self.input.by_ref().take(limit).read_until(b'\n', &mut line)?;
        if read == 0 {
            return Ok(None);
        }
        self.digest.update(&line);
        self.line += 1;
        if line.last() != Some(&b'\n') && line.len() > LINE_BYTES_MAX {
            self.skip_line()?;
            return Ok(Some((self.line, Err(RowFault::TooLong))));
        }
        while matches!(line.last(), Some(b'\n' | b'\r')) {
            line.pop();
        }
        Ok(Some((self.line, Ok(line))))
    }

    fn skip_line(&mut self) -> io::Result<()> {
        loop {
            let buffer = self.input.fill_buf()?;
            let end = buffer.iter().position(|byte| *byte == b'\n');
            let used = end.map_or(buffer.len(), |end| end + 1);
            self.digest.update(buffer.get(..used).unwrap_or(buffer));
            self.input.consume(used);
            if end.is_some() || used == 0 {
                return Ok(());
            }
        }
    }
}

/// Cells of one line. Neither encoding has the bytes of comma and quotation mark inside another character.
fn split(line: &[u8]) -> Option<Vec<Vec<u8>>> {
    if line.iter().filter(|byte| **byte == b'"').count() % 2 == 1 {
        return None;
    }
    let mut reader =
        csv::ReaderBuilder::new().has_headers(false).flexible(true).buffer_capacity(line.len() + 1).from_reader(line);
    let mut record = csv::ByteRecord::new();
    match reader.read_byte_record(&mut record) {
        Ok(true) => Some(record.iter().map(<[u8]>::to_vec).collect()),
        _ => None,
    }
}

fn decode(encoding: &'static Encoding, bytes: &[u8]) -> Cell {
    encoding.decode_without_bom_handling_and_without_replacement(bytes).map(std::borrow::Cow::into_owned)
}

/// UTF-8 by its mark or because nearly all of its longer sequences are UTF-8; GB 18030 otherwise.
///
/// GB 18030 text is hardly ever valid UTF-8, and one damaged byte must not turn a UTF-8 file into another language.
fn detect(file: &mut File) -> Result<&'static Encoding, OpenError> {
    let (mut good, mut bad, mut first) = (0_u64, 0_u64, true);
    let mut buffer = vec![0; 1 << 16];
    let mut kept = 0;
    loop {
        let read = file.read(buffer.get_mut(kept..).unwrap_or_default()).map_err(OpenError::Read)?;
        let mut rest = buffer.get(..kept + read).unwrap_or_default();
        if first {
            match rest {
                [0xEF, 0xBB, 0xBF, ..] => good += 1 << 32,
                [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] => return Err(OpenError::Table(TableError::Utf16)),
                [b'P', b'K', 3, 4, ..] | [0xD0, 0xCF, 0x11, 0xE0, ..] => {
                    return Err(OpenError::Table(TableError::NotText));
                }
                _ => {}
            }
            first = false;
        }
        let end = read == 0;
        while let Err(error) = std::str::from_utf8(rest) {
            let (valid, after) = rest.split_at(error.valid_up_to());
            good += sequences(valid);
            let Some(length) = error.error_len() else {
                rest = after;
                break;
            };
            bad += 1;
            rest = after.get(length..).unwrap_or_default();
        }
        if let Ok(valid) = std::str::from_utf8(rest) {
            good += sequences(valid.as_bytes());
            rest = &[];
        }
        if end {
            break;
        }
        let tail = rest.to_vec();
        kept = tail.len();
        buffer.get_mut(..kept).unwrap_or_default().copy_from_slice(&tail);
    }
    file.rewind().map_err(OpenError::Read)?;
    Ok(if bad * 10 <= good { UTF_8 } else { GB18030 })
}

/// Sequences of three or more bytes, which Chinese text in UTF-8 is made of.
fn sequences(valid: &[u8]) -> u64 {
    u64::try_from(valid.iter().filter(|byte| **byte >= 0xE0).count()).unwrap_or(u64::MAX)
}

impl std::fmt::Debug for Row {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Row({})", self.line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

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
    fn headers_are_known_in_three_vocabularies() {
        for header in
            [HEADER, "AAC002,AAC003,AAC004,aac005,AAC006,AAB301", "Number, Name ,sex,ethnic_group,birth_date,region"]
        {
            assert_eq!(table(header.as_bytes()).expect("table").columns(), header::REQUIRED);
        }
    }

    #[test]
    fn wrong_headers_are_named() {
        assert_eq!(error(b""), TableError::Empty);
        assert_eq!(error(b"a,b,c"), TableError::NoHeader);
        assert_eq!(
            error(format!("{HEADER},AAZ999").as_bytes()),
            TableError::UnknownHeaders { unknown: vec![(7, "AAZ999".into())] }
        );
        assert_eq!(error(format!("{HEADER},AAC003").as_bytes()), TableError::RepeatedHeader { column: Column::Name });
        assert_eq!(
            error("姓名,性别".as_bytes()),
            TableError::MissingHeaders {
                missing: vec![Column::Number, Column::EthnicGroup, Column::BirthDate, Column::Region]
            }
        );
        assert_eq!(error(b"\xFF\xFEa\0b\0"), TableError::Utf16);
        assert_eq!(error(b"PK\x03\x04workbook"), TableError::NotText);
        assert_eq!(error("九".repeat(40_000).as_bytes()), TableError::NoHeader);
    }

    #[test]
    fn lines_are_counted_as_an_editor_counts_them() {
        let text = format!("{HEADER}\r\n1,a,1,04,x,y\r\n\r\n  \r\n2,b,1,04,x,y\n3,\"b, c\",1,04,x,y");
        let lines: Vec<u64> = rows(text.as_bytes()).iter().map(|row| row.line).collect();
        assert_eq!(lines, [2, 5, 6]);
    }

    #[test]
    fn a_broken_line_does_not_spoil_the_next() {
        let long = "x".repeat(LINE_BYTES_MAX * 2);
        let text = format!("{HEADER}\n1,\"open,1,04,x,y\n1,2\n{long}\n2,b,1,04,x,y\n1,2,3,4,5,6,7\n");
        let found: Vec<_> = rows(text.as_bytes()).into_iter().map(|row| (row.line, row.cells.err())).collect();
        assert_eq!(
            found,
            [
                (2, Some(RowFault::Quote)),
                (3, Some(RowFault::Cells(2, 6))),
                (4, Some(RowFault::TooLong)),
                (5, None),
                (6, Some(RowFault::Cells(7, 6)))
            ]
        );
    }

    #[test]
    fn bytes_of_no_character_spoil_their_cell_only() {
        let mut bytes = format!("{HEADER}\n1,扎西扎西扎西扎西,1,04,x,y\n2,").into_bytes();
        bytes.extend(b"\xFF\xFE,1,04,x,y\n");
        let cells = rows(&bytes).pop().expect("row").cells.expect("cells");
        assert_eq!((cells[0].as_deref(), cells[1].as_deref(), cells[2].as_deref()), (Some("2"), None, Some("1")));
    }
}
