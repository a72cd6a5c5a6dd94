//! Lines of a file and the records that they make.
//!
//! Source: RFC 4180; lines end with LF, CRLF or CR. In GB 18030 and in UTF-8 no byte of a longer character is a quotation
//! mark, a comma, a semicolon, a tab or a line end, so records are cut from bytes.
//! Owns: counting lines, joining those of a quoted cell, getting back into step after a stray quotation mark.
//! Never: holds more than one record and the lines that it looked ahead; decodes.
//! Units: `line` counts from 1.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek};

use csv::ByteRecord;

/// Bytes of a record. A registry row has a few hundred; a longer one is a broken file.
pub(super) const RECORD_BYTES_MAX: usize = 64 * 1024;
/// Lines of a record. More is a quotation mark that nobody meant.
const RECORD_LINES_MAX: usize = 32;

/// Fields that most records have at most.
const FIELDS: usize = 16;

/// Why a line has no cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowFault {
    /// Another number of cells than the header: found, expected.
    Cells(usize, usize),
    /// A quotation mark is not closed.
    Quote,
    /// Longer than any registry row.
    TooLong,
    /// In another encoding than the file.
    Mixed,
    /// What should be one JSON object is none.
    NotObject,
    /// A JSON object has a key twice.
    KeyTwice,
}

/// A record that is not blank.
#[derive(Debug)]
pub(super) struct Record {
    /// Line where it starts.
    pub(super) line: u64,
    /// Its fields, or why there are none.
    pub(super) fields: Result<ByteRecord, RowFault>,
}

/// The records of a file.
#[derive(Debug)]
pub(super) struct Records {
    lines: Lines,
    delimiter: u8,
    /// One reader for all records: making one costs more than reading a record.
    fields: csv::Reader<Feed>,
    /// Lines that were looked at and belong to later records.
    back: VecDeque<Line>,
}

/// Number of a line, and its bytes without its end.
type Line = (u64, Result<Vec<u8>, RowFault>);

impl Records {
    /// The records from the start of the file.
    pub(super) fn of(file: &mut File, delimiter: u8) -> io::Result<Self> {
        file.rewind()?;
        let lines = Lines::new(file.try_clone()?);
        Ok(Self { lines, delimiter, fields: field_reader(delimiter), back: VecDeque::new() })
    }

    /// Bytes read so far.
    pub(super) const fn position(&self) -> u64 {
        self.lines.position
    }

    /// The next record that is not blank.
    ///
    /// A record over several lines needs well-formed quotes and, when the number of `columns` is known, as many fields.
    /// Otherwise its first line is at fault alone and reading goes on behind that line: one stray quotation mark must not
    /// swallow other people.
    pub(super) fn next_record(&mut self, columns: Option<usize>) -> io::Result<Option<Record>> {
        while let Some((line, bytes)) = self.next_line()? {
            let mut bytes = match bytes {
                Ok(bytes) if bytes.iter().all(u8::is_ascii_whitespace) => continue,
                Ok(bytes) => bytes,
                Err(fault) => return Ok(Some(Record { line, fields: Err(fault) })),
            };
            let mut quotes = Quotes::new(self.delimiter);
            quotes.scan(&bytes);
            let mut ahead = Vec::new();
            while quotes.open() && ahead.len() < RECORD_LINES_MAX && bytes.len() < RECORD_BYTES_MAX {
                let Some(next) = self.next_line()? else { break };
                if let Ok(more) = &next.1 {
                    bytes.push(b'\n');
                    bytes.extend_from_slice(more);
                    quotes.scan(b"\n");
                    quotes.scan(more);
                }
                let stop = next.1.is_err();
                ahead.push(next);
                if stop {
                    break;
                }
            }
            let fields = if quotes.open() { None } else { self.split(&bytes) };
            let joined = |fields: &ByteRecord| {
                ahead.is_empty() || (quotes.well_formed && columns.is_none_or(|count| trimmed(fields, count) == count))
            };
            let fields = fields.filter(joined).ok_or(RowFault::Quote);
            if fields.is_err() {
                ahead.into_iter().rev().for_each(|line| self.back.push_front(line));
            }
            return Ok(Some(Record { line, fields }));
        }
        Ok(None)
    }

    fn next_line(&mut self) -> io::Result<Option<Line>> {
        match self.back.pop_front() {
            Some(line) => Ok(Some(line)),
            None => self.lines.next_line(),
        }
    }

    /// The fields of one record; `None` when the `csv` crate finds more or less than one in it.
    fn split(&mut self, record: &[u8]) -> Option<ByteRecord> {
        self.fields.get_mut().fill(record);
        let mut fields = ByteRecord::with_capacity(record.len(), FIELDS);
        let read = matches!(self.fields.read_byte_record(&mut fields), Ok(true));
        let whole = read && self.fields.position().byte() == self.fields.get_ref().fed;
        if !whole {
            self.fields = field_reader(self.delimiter);
        }
        whole.then_some(fields)
    }
}

fn field_reader(delimiter: u8) -> csv::Reader<Feed> {
    let mut builder = csv::ReaderBuilder::new();
    builder.has_headers(false).flexible(true).delimiter(delimiter).buffer_capacity(4096).from_reader(Feed::default())
}

/// One record at a time for the reader of fields.
#[derive(Debug, Default)]
struct Feed {
    record: Vec<u8>,
    read: usize,
    /// Bytes of all records so far.
    fed: u64,
}

impl Feed {
    fn fill(&mut self, record: &[u8]) {
        self.record.clear();
        self.record.extend_from_slice(record);
        self.record.push(b'\n');
        self.read = 0;
        self.fed += u64::try_from(self.record.len()).unwrap_or_default();
    }
}

impl Read for Feed {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let read = self.record.get(self.read..).unwrap_or_default().read(out)?;
        self.read += read;
        Ok(read)
    }
}

/// Fields without the empty ones beyond `count`, which spreadsheets add.
pub(super) fn trimmed(fields: &ByteRecord, count: usize) -> usize {
    let full = fields.iter().rposition(|field| !field.iter().all(u8::is_ascii_whitespace)).map_or(0, |last| last + 1);
    if fields.len() > count { full.max(count) } else { fields.len() }
}

/// Whether a record is inside quotation marks, by the same rules as the reader of the `csv` crate.
#[derive(Debug)]
struct Quotes {
    delimiter: u8,
    state: Place,
    /// Every closing mark is followed by the end of its field.
    well_formed: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    FieldStart,
    Plain,
    Quoted,
    /// Behind a mark inside a quoted field: its end, or the first of two that mean one.
    Mark,
}

impl Quotes {
    const fn new(delimiter: u8) -> Self {
        Self { delimiter, state: Place::FieldStart, well_formed: true }
    }

    fn open(&self) -> bool {
        self.state == Place::Quoted
    }

    fn scan(&mut self, bytes: &[u8]) {
        for byte in bytes.iter().copied() {
            self.state = match (self.state, byte) {
                (Place::FieldStart | Place::Mark, b'"') => Place::Quoted,
                (Place::Quoted, b'"') => Place::Mark,
                (Place::Quoted, _) => Place::Quoted,
                (_, byte) if byte == self.delimiter => Place::FieldStart,
                (Place::Mark, _) => {
                    self.well_formed = false;
                    Place::Plain
                }
                (Place::FieldStart | Place::Plain, _) => Place::Plain,
            };
        }
    }
}

/// Lines of bounded length, counted as they pass.
struct Lines {
    input: BufReader<File>,
    line: u64,
    /// Bytes read so far.
    position: u64,
    /// The last line ended with CR: an LF that follows belongs to it.
    after_return: bool,
}

impl std::fmt::Debug for Lines {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Lines({})", self.line)
    }
}

impl Lines {
    fn new(file: File) -> Self {
        let input = BufReader::with_capacity(1 << 16, file);
        Self { input, line: 0, position: 0, after_return: false }
    }

    fn next_line(&mut self) -> io::Result<Option<Line>> {
        let mut line = Vec::with_capacity(256);
        let (mut any, mut too_long) = (false, false);
        loop {
            let buffer = self.input.fill_buf()?;
            let Some(first) = buffer.first() else { break };
            let skip = usize::from(std::mem::take(&mut self.after_return) && *first == b'\n');
            let rest = buffer.get(skip..).unwrap_or_default();
            let end = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
            let part = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
            if line.len() + part.len() > RECORD_BYTES_MAX {
                too_long = true;
            } else {
                line.extend_from_slice(part);
            }
            any |= !rest.is_empty();
            self.after_return = end.and_then(|end| rest.get(end)) == Some(&b'\r');
            let used = skip + end.map_or(rest.len(), |end| end + 1);
            self.position += u64::try_from(used).unwrap_or_default();
            self.input.consume(used);
            if end.is_some() {
                break;
            }
        }
        if !any {
            return Ok(None);
        }
        self.line += 1;
        if self.line == 1 && line.starts_with(b"\xEF\xBB\xBF") {
            line.drain(..3);
        }
        Ok(Some((self.line, if too_long { Err(RowFault::TooLong) } else { Ok(line) })))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::Write;

    fn records(bytes: &[u8], columns: Option<usize>) -> Vec<(u64, Result<Vec<String>, RowFault>)> {
        let mut file = tempfile::tempfile().expect("file");
        file.write_all(bytes).expect("written");
        let mut records = Records::of(&mut file, b',').expect("records");
        let text =
            |fields: ByteRecord| fields.iter().map(|field| String::from_utf8_lossy(field).into_owned()).collect();
        std::iter::from_fn(|| records.next_record(columns).expect("read"))
            .map(|record| (record.line, record.fields.map(text)))
            .collect()
    }

    fn lines(bytes: &[u8], columns: Option<usize>) -> Vec<(u64, Option<RowFault>)> {
        records(bytes, columns).into_iter().map(|(line, fields)| (line, fields.err())).collect()
    }

    #[test]
    fn lines_end_as_systems_end_them() {
        for end in ["\n", "\r\n", "\r"] {
            let text = ["a,b", "1,2", "", "  ", "3,4"].join(end);
            assert_eq!(lines(text.as_bytes(), Some(2)), [(1, None), (2, None), (5, None)], "{end:?}");
        }
    }

    #[test]
    fn a_line_end_between_quotes_belongs_to_the_cell() {
        let found = records(b"a,b\r\n1,\"x\r\ny \"\"z\"\" \"\r\n2,c\r\n", Some(2));
        assert_eq!(found[1], (2, Ok(vec!["1".into(), "x\ny \"z\" ".into()])));
        assert_eq!(found[2].0, 4);
    }

    #[test]
    fn a_stray_quotation_mark_spoils_its_own_line_only() {
        let open = lines(b"a,b\n1,\"x\n2,c\n3,\"d, e\"\n4,f\n", Some(2));
        assert_eq!(open, [(1, None), (2, Some(RowFault::Quote)), (3, None), (4, None), (5, None)]);
        let to_the_end = lines(b"a,b\n1,\"x\n2,c\n", Some(2));
        assert_eq!(to_the_end, [(1, None), (2, Some(RowFault::Quote)), (3, None)]);
        let many = format!("a,b\n1,\"x\n{}", "2,c\n".repeat(RECORD_LINES_MAX * 3));
        assert_eq!(lines(many.as_bytes(), Some(2)).iter().filter(|(_, fault)| fault.is_some()).count(), 1);
        assert_eq!(lines(many.as_bytes(), Some(2)).len(), RECORD_LINES_MAX * 3 + 2);
    }

    #[test]
    fn a_line_of_any_length_is_one_fault() {
        let mut bytes = b"a,b\n".to_vec();
        bytes.resize(10 << 20, b'x');
        bytes.extend(b"\n1,2\n");
        assert_eq!(lines(&bytes, Some(2)), [(1, None), (2, Some(RowFault::TooLong)), (3, None)]);
    }

    proptest! {
        /// Where every quotation mark is well placed, records are those that the `csv` crate finds by itself.
        #[test]
        fn well_formed_files_are_cut_as_the_csv_crate_cuts_them(
            rows in proptest::collection::vec(proptest::collection::vec("[a\",\n ]{0,5}", 3), 1..12),
        ) {
            let mut writer = csv::WriterBuilder::new().quote_style(csv::QuoteStyle::Always).from_writer(Vec::new());
            for row in &rows {
                writer.write_record(row).expect("memory");
            }
            let bytes = writer.into_inner().expect("memory");
            let found: Vec<Vec<String>> = records(&bytes, Some(3)).into_iter().map(|(_, row)| row.expect("well formed")).collect();
            prop_assert_eq!(found, rows);
        }

        /// Whatever stands on a line, it costs that line at most: the good line behind it is read.
        #[test]
        fn a_good_line_is_read_behind_any_line(line in "[a\",; é]{0,12}") {
            let bytes = format!("h,h\n{line}\n1,2\n3,4\n");
            let found = records(bytes.as_bytes(), Some(2));
            let good = |line: u64| found.iter().any(|(at, row)| *at == line && row.is_ok());
            prop_assert!(good(3) && good(4), "{:?}", found);
        }

        #[test]
        fn any_bytes_end_without_panic(bytes in proptest::collection::vec(prop_oneof![Just(b'"'), Just(b','), Just(b'\n'), Just(b'\r'), any::<u8>()], 0..300)) {
            let found = lines(&bytes, Some(2));
            prop_assert!(found.windows(2).all(|pair| pair[0].0 < pair[1].0));
        }
    }
}
