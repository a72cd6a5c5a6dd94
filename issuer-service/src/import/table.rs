//! A registry file as rows of text cells: its header, its rows.
//!
//! Owns: finding the header and the delimiter, choosing among columns of one meaning, decoding.
//! Never: holds more than one row; judges a value; refuses a file for a column that it does not know.
//! Units: `line` counts from 1, the header of an ordinary file being line 1.

use std::fs::File;
use std::io;

use csv::ByteRecord;
use encoding_rs::{Encoding, GB18030, UTF_8};

use super::column::{Column, comparable};
use super::encoding::{Declared, Kind, headless, is_gb18030_alone, is_utf8_alone, scan};
use super::fault::Code;
use super::json::{Keys, Objects};
use super::record::{Record, Records, RowFault, trimmed};
use super::refusal::TableError;
use super::workbook::Workbook;
use crate::registry::source::{Mapped, Meaning};

/// Columns of a header. Real registries have a few dozen.
pub(super) const COLUMNS_MAX: usize = 1024;
/// Records among which the header is looked for: bureaus put a title, a date, a sender above it.
pub(super) const HEADER_RECORDS_MAX: usize = 10;
/// Characters of a header that are kept for messages.
const HEADER_CHARACTERS_MAX: usize = 40;
/// Between cells.
pub(super) const DELIMITERS: [u8; 3] = [b',', b'\t', b';'];
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

/// How a file is to be read beyond what it tells itself.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reading<'a> {
    /// Its encoding.
    pub encoding: Option<Declared>,
    /// Headers that mean something else than usual.
    pub mapping: &'a [Mapped],
    /// Name of the sheet of a workbook; its first one that is shown when absent.
    pub sheet: Option<&'a str>,
}

/// A registry file being read.
#[derive(Debug)]
pub struct Table {
    rows: Rows,
    layout: Layout,
    digest: String,
    length: u64,
}

/// Rows of the three formats.
#[derive(Debug)]
enum Rows {
    Text(Box<Records>, &'static Encoding),
    Json(Objects),
    Workbook(Workbook),
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
    /// Places of headers that are read where another one of their meaning says nothing.
    instead: Vec<usize>,
    /// Of a table: places of columns of one meaning, the one that is read, and one that is read where it is empty.
    spare: Vec<(usize, usize)>,
    /// A cell of this word takes back what its source said before.
    take_back: Option<String>,
}

/// A row of the table.
#[derive(Clone, PartialEq, Eq)]
pub struct Row {
    /// Line in the file where it starts, from 1; of JSON, which object it is.
    pub line: u64,
    /// Its cells in the order of [`Layout::columns`], or why there are none.
    pub cells: Result<Vec<Cell>, RowFault>,
}

/// A cell: its text, or why it has none.
pub type Cell = Result<String, Code>;

impl Table {
    /// Detects format, encoding, header and delimiter.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn read(mut file: File, reading: Reading<'_>) -> Result<Self, OpenError> {
        let scanned = scan(&mut file, reading.encoding)?;
        let (rows, layout) = match scanned.kind {
            Kind::Text(encoding) => delimited(&mut file, encoding, reading)?,
            Kind::Json(encoding) => {
                let (objects, keys) = Objects::read(file, encoding)?;
                let (layout, instead) = Layout::of_keys(&keys, reading.mapping).map_err(OpenError::Table)?;
                (Rows::Json(objects.of_keys(&layout.headers, &instead)), layout)
            }
            Kind::Workbook => {
                let (workbook, head) = Workbook::open(file, reading.sheet)?;
                let layout = best_header(head, reading.mapping)
                    .map_err(|error| OpenError::Table(of_sheets(error, workbook.names())))?;
                (Rows::Workbook(workbook.behind(layout.line)), layout)
            }
        };
        Ok(Self { rows, layout, digest: scanned.digest, length: scanned.length })
    }

    /// Which column stands where.
    #[must_use]
    pub const fn layout(&self) -> &Layout {
        &self.layout
    }

    /// `GB18030`, `UTF-8`, `JSON` or `XLSX`.
    #[must_use]
    pub fn encoding(&self) -> &'static str {
        match &self.rows {
            Rows::Text(_, encoding) if *encoding == UTF_8 => "UTF-8",
            Rows::Text(..) => "GB18030",
            Rows::Json(_) => "JSON",
            Rows::Workbook(_) => "XLSX",
        }
    }

    /// SHA-256 of the file, hex.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// Bytes of the file, and about how many of them are read.
    #[must_use]
    pub fn progress(&self) -> (u64, u64) {
        let read = match &self.rows {
            Rows::Text(records, _) => records.position(),
            Rows::Json(objects) => objects.position(),
            Rows::Workbook(workbook) => workbook.position(self.length),
        };
        (read.min(self.length), self.length)
    }

    /// The next row that is not blank.
    ///
    /// # Errors
    /// [`OpenError`]: what the system says, or a workbook that turns out to be damaged.
    pub fn next_row(&mut self) -> Result<Option<Row>, OpenError> {
        let layout = &self.layout;
        match &mut self.rows {
            Rows::Text(records, encoding) => {
                let columns = Some(layout.headers.len());
                while let Some(Record { line, fields }) = records.next_record(columns).map_err(OpenError::Read)? {
                    let cells = match fields {
                        Ok(fields) if fields.iter().all(is_blank) => continue,
                        Ok(fields) => cells(layout, encoding, &fields),
                        Err(fault) => Err(fault),
                    };
                    return Ok(Some(Row { line, cells }));
                }
                Ok(None)
            }
            Rows::Json(objects) => {
                let Some((line, cells)) = objects.next_object().map_err(OpenError::Read)? else { return Ok(None) };
                Ok(Some(Row { line, cells: cells.map(|cells| layout.picked(cells)) }))
            }
            Rows::Workbook(workbook) => {
                while let Some((line, cells)) = workbook.next_row()? {
                    let blank = |cell: &Cell| cell.as_ref().is_ok_and(|text| text.trim().is_empty());
                    if cells.as_ref().is_ok_and(|cells| cells.iter().all(blank)) {
                        continue;
                    }
                    return Ok(Some(Row { line, cells: cells.map(|cells| layout.picked(cells)) }));
                }
                Ok(None)
            }
        }
    }
}

fn cells(layout: &Layout, encoding: &'static Encoding, fields: &ByteRecord) -> Result<Vec<Cell>, RowFault> {
    let expected = layout.headers.len();
    let found = trimmed(fields, expected);
    if found != expected {
        return Err(RowFault::Cells(found, expected));
    }
    if encoding == GB18030 && is_utf8_alone(fields.as_slice()) {
        return Err(RowFault::Mixed);
    }
    let decode =
        |bytes| encoding.decode_without_bom_handling_and_without_replacement(bytes).map(std::borrow::Cow::into_owned);
    let cell = |place: usize| fields.get(place).and_then(decode).ok_or(Code::Undecodable);
    let says = |place: usize| fields.get(place).is_some_and(|field| !is_blank(field));
    // An empty cell gives way to another of its meaning.
    let read = |place: usize| {
        let other = layout.spare.iter().find(|(first, other)| *first == place && !says(place) && says(*other));
        other.map_or(place, |(_, other)| *other)
    };
    let cells: Vec<Cell> = layout.columns.iter().map(|(_, place)| layout.said(cell(read(*place)))).collect();
    let undecodable = cells.contains(&Err(Code::Undecodable));
    if undecodable && encoding == UTF_8 && is_gb18030_alone(fields.as_slice()) {
        return Err(RowFault::Mixed);
    }
    Ok(cells)
}

/// Finds the header and the delimiter of a text; its records behind the header.
fn delimited(
    file: &mut File,
    encoding: &'static Encoding,
    Reading { encoding: declared, mapping, .. }: Reading<'_>,
) -> Result<(Rows, Layout), OpenError> {
    let (mut best, mut error) = (None::<(u8, Layout)>, TableError::Empty);
    for delimiter in DELIMITERS {
        match find_header(file, delimiter, encoding, mapping).map_err(OpenError::Read)? {
            Ok(layout) if best.as_ref().is_none_or(|(_, best)| best.columns.len() < layout.columns.len()) => {
                best = Some((delimiter, layout));
            }
            Ok(_) => {}
            Err(worse) if telling(&worse) > telling(&error) => error = worse,
            Err(_) => {}
        }
    }
    if best.is_none() && error == TableError::NoHeader {
        error = headless(file, encoding, declared).map_err(OpenError::Read)?;
    }
    let (delimiter, layout) = best.ok_or(OpenError::Table(error))?;
    let mut records = Records::of(file, delimiter).map_err(OpenError::Read)?;
    while let Some(record) = records.next_record(None).map_err(OpenError::Read)? {
        if record.line >= layout.line {
            break;
        }
    }
    Ok((Rows::Text(Box::new(records), encoding), layout))
}

/// A workbook whose first sheet is no table may have it on another one.
fn of_sheets(error: TableError, sheets: &[String]) -> TableError {
    match error {
        TableError::Empty | TableError::NoHeader if sheets.len() > 1 => {
            TableError::SheetWithoutHeader { sheets: sheets.to_vec() }
        }
        error => error,
    }
}

/// The first of these rows that has number and name; otherwise what is wrong with the one that looks most like a header.
fn best_header(rows: Vec<(u64, Vec<String>)>, mapping: &[Mapped]) -> Result<Layout, TableError> {
    let mut error = TableError::Empty;
    for (line, headers) in rows {
        match Layout::of(line, headers, mapping) {
            Ok(layout) => return Ok(layout),
            Err(worse) if telling(&worse) > telling(&error) => error = worse,
            Err(_) => {}
        }
    }
    Err(error)
}

impl Layout {
    /// Recognizes headers.
    ///
    /// # Errors
    /// [`TableError`] when number or name is missing or ambiguous, or nothing is known.
    pub(super) fn of(line: u64, headers: Vec<String>, mapping: &[Mapped]) -> Result<Self, TableError> {
        if headers.len() > COLUMNS_MAX {
            return Err(TableError::TooManyColumns);
        }
        let mut columns: Vec<(Column, usize, usize)> = Vec::new();
        let mut doubled = Vec::new();
        let meant = |header: &String| column_of(header, mapping);
        let known = headers.iter().enumerate();
        for (place, (column, rank)) in known.filter_map(|(place, header)| Some((place, meant(header)?))) {
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
        let columns: Vec<(Column, usize)> = columns.into_iter().map(|(column, place, _)| (column, place)).collect();
        let read = |column: Column| columns.iter().find(|(known, _)| *known == column).map(|(_, place)| *place);
        let spare: Vec<(usize, usize)> =
            doubled.iter().filter_map(|(column, place)| Some((read(*column)?, *place))).collect();
        let instead = spare.iter().map(|(_, place)| *place).collect();
        let take_back = mapping.iter().find(|(_, meaning)| *meaning == Meaning::TakeBack).map(|(word, _)| word.clone());
        let mut layout = Self { line, columns, doubled: Vec::new(), headers, instead, spare, take_back };
        layout.doubled = doubled.iter().map(|(column, place)| (layout.header(*column), layout.shown(*place))).collect();
        Ok(layout)
    }

    /// Recognizes keys, each object of the file having some of them: where one says nothing, another of its meaning is read. The
    /// pairs of such keys by place, the better known first.
    ///
    /// # Errors
    /// See [`Layout::of`].
    fn of_keys(keys: &Keys, mapping: &[Mapped]) -> Result<(Self, Vec<(usize, usize)>), TableError> {
        let mut meant: Vec<(Column, usize, usize)> = Vec::new();
        for (place, key) in keys.names.iter().enumerate() {
            meant.extend(column_of(key, mapping).map(|(column, rank)| (column, rank, place)));
        }
        meant.sort_by_key(|(_, rank, place)| (*rank, *place));
        let (mut first, mut instead) = (Vec::<(Column, usize)>::new(), Vec::new());
        for (column, _, place) in meant {
            match first.iter().find(|(known, _)| *known == column) {
                Some((_, read)) => instead.push((*read, place)),
                None => first.push((column, place)),
            }
        }
        // What stands instead of another key is no column of its own.
        let read = |place: usize| !instead.iter().any(|(_, other)| *other == place);
        let headers = keys.names.iter().enumerate();
        let headers = headers.map(|(place, key)| if read(place) { key.clone() } else { String::new() }).collect();
        let mut layout = Self::of(1, headers, mapping)?;
        layout.headers.clone_from(&keys.names);
        let both = instead.iter().filter(|(read, other)| keys.together(*read, *other));
        layout.doubled = both.map(|(read, other)| (layout.shown(*read), layout.shown(*other))).collect();
        layout.instead = instead.iter().map(|(_, other)| *other).collect();
        Ok((layout, instead))
    }

    /// The cells of the columns that are read, out of all; what is not there is empty. An empty one gives way to another of its meaning.
    pub(super) fn picked(&self, mut cells: Vec<Cell>) -> Vec<Cell> {
        for (read, other) in &self.spare {
            let is_empty = |place: usize| {
                cells.get(place).is_none_or(|cell| cell.as_ref().is_ok_and(|text| text.trim().is_empty()))
            };
            if is_empty(*read) && !is_empty(*other) && *read < cells.len() {
                cells.swap(*read, *other);
            }
        }
        let mut take = |place: usize| cells.get_mut(place).map(|cell| std::mem::replace(cell, Ok(String::new())));
        let cells = self.columns.iter().map(|(_, place)| take(*place).unwrap_or_else(|| Ok(String::new())));
        cells.map(|cell| self.said(cell)).collect()
    }

    /// What a cell says: its text, or that a value is taken back.
    fn said(&self, cell: Cell) -> Cell {
        match (&self.take_back, cell) {
            (Some(word), Ok(text)) if comparable(&text) == *word => Err(Code::NotTakenBack),
            (_, cell) => cell,
        }
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
        let read =
            |place: usize| self.columns.iter().any(|(_, known)| *known == place) || self.instead.contains(&place);
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

/// What a header stands for: by the saved mapping first, where it comes before every other of its meaning.
fn column_of(header: &str, mapping: &[Mapped]) -> Option<(Column, usize)> {
    let comparable = comparable(header);
    match mapping.iter().find(|(known, _)| *known == comparable) {
        Some((_, meaning)) => meaning.column().map(|column| (column, 0)),
        None => Column::of_header(header).map(|(column, rank)| (column, rank + 1)),
    }
}

/// The first record that has number and name; otherwise what is wrong with the one that looks most like a header.
fn find_header(
    file: &mut File,
    delimiter: u8,
    encoding: &'static Encoding,
    mapping: &[Mapped],
) -> io::Result<Result<Layout, TableError>> {
    let mut records = Records::of(file, delimiter)?;
    let mut error = TableError::Empty;
    for _ in 0..HEADER_RECORDS_MAX {
        let Some(Record { line, fields }) = records.next_record(None)? else { break };
        let headers = fields.map(|fields| {
            fields.iter().map(|field| encoding.decode_without_bom_handling(field).0.into_owned()).collect::<Vec<_>>()
        });
        match headers.map_or(Err(TableError::NoHeader), |headers| Layout::of(line, headers, mapping)) {
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
        TableError::SheetUnknown { .. }
        | TableError::SheetWithoutHeader { .. }
        | TableError::Utf16
        | TableError::TwoEncodings
        | TableError::OtherEncoding
        | TableError::NotText
        | TableError::Markup
        | TableError::NotObject
        | TableError::NoObject
        | TableError::WorkbookDamaged
        | TableError::WorkbookTooLarge => 5,
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
#[path = "table/tests.rs"]
mod tests;
