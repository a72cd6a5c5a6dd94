//! Workbooks (.xlsx) as rows: the first sheet, row by row, within bounds.
//!
//! Source: ECMA-376 part 1 (SpreadsheetML), part 2 (packages). Owns: finding the first sheet that is shown, cells in their
//! columns, bounds against archives that unpack to more than any registry, a thread that unpacks while rows are checked.
//! Never: computes a formula; trusts a size that the archive states; holds more of a sheet than a few hundred rows.
//! Units: `line` is the number of the row in the sheet, from 1.

mod cell;
mod guard;
mod part;

use std::fs::File;
use std::io::Seek;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, mpsc};

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use zip::ZipArchive;

use self::cell::{Kind, Styles, column_of, value, written_out};
use self::guard::Guard;
use self::part::{attribute, local, text_of};
use super::fault::Code;
use super::record::{RECORD_BYTES_MAX, RowFault};
use super::refusal::TableError;
use super::table::{COLUMNS_MAX, Cell, HEADER_RECORDS_MAX, OpenError};

/// Rows of a sheet: the most that the format has.
const ROWS_MAX: u64 = 1_048_576;
/// Rows that are unpacked ahead.
const AHEAD: usize = 512;
/// Bytes of all shared texts: a million rows of five texts of fifty bytes.
const SHARED_BYTES_MAX: usize = 256 << 20;
/// Parts of a package. A registry's workbook has a dozen.
const PARTS_MAX: usize = 4_096;

/// A row as the thread hands it over.
type Sent = (u64, Result<Vec<Cell>, RowFault>);

/// The first rows as texts, each with its number.
type Head = Vec<(u64, Vec<String>)>;

/// A workbook being read.
#[derive(Debug)]
pub(super) struct Workbook {
    rows: Receiver<Result<Sent, TableError>>,
    /// Rows that were looked at for a header.
    ahead: std::collections::VecDeque<Sent>,
    /// Bytes of the sheet that were unpacked, and that the archive says there are.
    unpacked: Arc<AtomicU64>,
    stated: u64,
    line: u64,
    names: Vec<String>,
}

impl Workbook {
    /// Opens a workbook at its first sheet or the one of a name; its first rows, among which the header is.
    pub(super) fn open(mut file: File, wanted: Option<&str>) -> Result<(Self, Head), OpenError> {
        file.rewind().map_err(OpenError::Read)?;
        let mut sheet = Sheet::find(file, wanted).map_err(OpenError::Table)?;
        let (sender, rows) = sync_channel(AHEAD);
        let unpacked = sheet.unpacked.clone();
        let (stated, names) = (sheet.stated, std::mem::take(&mut sheet.names));
        std::thread::spawn(move || {
            if let Err(error) = sheet.send_rows(&sender) {
                // A reader that went away needs no error.
                let _ = sender.send(Err(error));
            }
        });
        let mut workbook = Self { rows, ahead: std::collections::VecDeque::new(), unpacked, stated, line: 0, names };
        let mut head = Vec::new();
        while head.len() < HEADER_RECORDS_MAX {
            let Some(mut row) = workbook.receive()? else { break };
            if let Ok(cells) = &mut row.1 {
                let blank = |cell: &Cell| cell.as_ref().is_ok_and(|text| text.trim().is_empty());
                if cells.iter().all(blank) {
                    // A sheet may hold nothing else: of such a row its number is kept, and of those before the first texts nothing.
                    *cells = Vec::new();
                    if head.is_empty() && workbook.ahead.is_empty() {
                        continue;
                    }
                } else {
                    head.push((row.0, cells.iter().map(|cell| cell.clone().unwrap_or_default()).collect()));
                }
            }
            workbook.ahead.push_back(row);
        }
        Ok((workbook, head))
    }

    /// Names of the sheets that are shown, in their order.
    pub(super) fn names(&self) -> &[String] {
        &self.names
    }

    /// Its rows behind the header.
    pub(super) fn behind(mut self, header: u64) -> Self {
        self.ahead.retain(|(line, _)| *line > header);
        self
    }

    /// The next row.
    pub(super) fn next_row(&mut self) -> Result<Option<Sent>, OpenError> {
        match self.ahead.pop_front() {
            Some(row) => Ok(Some(row)),
            None => self.receive(),
        }
    }

    /// About how much of a file of this length is read.
    pub(super) fn position(&self, length: u64) -> u64 {
        let unpacked = u128::from(self.unpacked.load(Ordering::Relaxed));
        u64::try_from(unpacked * u128::from(length) / u128::from(self.stated.max(1))).unwrap_or(length)
    }

    fn receive(&mut self) -> Result<Option<Sent>, OpenError> {
        match self.rows.recv() {
            Ok(Ok(row)) if row.0 > self.line => {
                self.line = row.0;
                Ok(Some(row))
            }
            // Rows out of their order are no sheet.
            Ok(Ok(_)) => Err(OpenError::Table(TableError::WorkbookDamaged)),
            Ok(Err(error)) => Err(OpenError::Table(error)),
            Err(mpsc::RecvError) => Ok(None),
        }
    }
}

/// The sheet that is read, and what its cells refer to.
struct Sheet {
    archive: ZipArchive<File>,
    name: String,
    /// Names of the sheets that are shown.
    names: Vec<String>,
    styles: Styles,
    shared: Shared,
    unpacked: Arc<AtomicU64>,
    stated: u64,
}

/// Texts that cells share, one after the other.
#[derive(Default)]
struct Shared {
    text: String,
    ends: Vec<usize>,
}

impl Shared {
    fn get(&self, index: usize) -> Option<&str> {
        let start = if index == 0 { 0 } else { *self.ends.get(index - 1)? };
        self.text.get(start..*self.ends.get(index)?)
    }
}

impl Sheet {
    fn find(file: File, wanted: Option<&str>) -> Result<Self, TableError> {
        let mut archive = ZipArchive::new(file).map_err(|_| TableError::WorkbookDamaged)?;
        if archive.len() > PARTS_MAX {
            return Err(TableError::WorkbookTooLarge);
        }
        let book = part::book(&mut archive, wanted)?;
        let styles = part::styles(&mut archive, book.from_1904)?;
        let shared = shared(&mut archive)?;
        let stated = archive.by_name(&book.sheet).map_err(|_| TableError::WorkbookDamaged)?.size();
        Ok(Self { archive, name: book.sheet, names: book.names, styles, shared, unpacked: Arc::default(), stated })
    }

    fn send_rows(&mut self, to: &SyncSender<Result<Sent, TableError>>) -> Result<(), TableError> {
        let Self { archive, name, styles, shared, unpacked, .. } = self;
        let part = archive.by_name(name).map_err(|_| TableError::WorkbookDamaged)?;
        let guard = Guard::counting(part, unpacked.clone());
        let event_bytes = guard.event_bytes();
        let mut reader = Reader::from_reader(std::io::BufReader::new(guard));
        let (mut buffer, mut line, mut depth) = (Vec::new(), 0, 0_u32);
        loop {
            buffer.clear();
            event_bytes.set(0);
            match reader.read_event_into(&mut buffer).map_err(guard::error)? {
                Event::Start(start) if local(&start) == "row" => {
                    line = row_number(&start, line)?;
                    let cells = row(&mut reader, &event_bytes, styles, shared)?;
                    if to.send(Ok((line, cells))).is_err() {
                        return Ok(());
                    }
                }
                Event::Empty(start) if local(&start) == "row" => line = row_number(&start, line)?,
                Event::Start(_) => depth += 1,
                Event::End(_) => depth = depth.checked_sub(1).ok_or(TableError::WorkbookDamaged)?,
                Event::Eof if depth == 0 => return Ok(()),
                Event::Eof => return Err(TableError::WorkbookDamaged),
                _ => {}
            }
        }
    }
}

fn row_number(start: &BytesStart<'_>, last: u64) -> Result<u64, TableError> {
    let number = match attribute(start, "r") {
        Some(text) => text.parse().map_err(|_| TableError::WorkbookDamaged)?,
        None => last + 1,
    };
    if number <= last {
        Err(TableError::WorkbookDamaged)
    } else if number > ROWS_MAX {
        Err(TableError::WorkbookTooLarge)
    } else {
        Ok(number)
    }
}

/// The cells of a row whose start was read, up to its end.
fn row<R: std::io::BufRead>(
    reader: &mut Reader<R>,
    event_bytes: &guard::EventBytes,
    styles: &Styles,
    shared: &Shared,
) -> Result<Result<Vec<Cell>, RowFault>, TableError> {
    let (mut cells, mut next, mut bytes, mut fault) = (Vec::<Cell>::new(), 0, 0, None);
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        event_bytes.set(0);
        let (start, empty) = match reader.read_event_into(&mut buffer).map_err(guard::error)? {
            Event::Start(start) => (start.into_owned(), false),
            Event::Empty(start) => (start.into_owned(), true),
            Event::End(end) if end.local_name().as_ref() == "row" => break,
            Event::Eof => return Err(TableError::WorkbookDamaged),
            _ => continue,
        };
        if local(&start) != "c" {
            if !empty {
                text_of(reader, event_bytes, &start)?;
            }
            continue;
        }
        let column =
            attribute(&start, "r").map_or(Some(next), |place| column_of(&place)).ok_or(TableError::WorkbookDamaged)?;
        next = column + 1;
        let content = if empty { Content::default() } else { content(reader, event_bytes)? };
        bytes += content.bytes();
        if column >= COLUMNS_MAX || bytes > RECORD_BYTES_MAX {
            fault = Some(RowFault::TooLong);
            cells.clear();
        }
        if fault.is_none() {
            if cells.len() <= column {
                cells.resize(column + 1, Ok(String::new()));
            }
            if let Some(cell) = cells.get_mut(column) {
                *cell = content.cell(&start, styles, shared);
            }
        }
    }
    Ok(fault.map_or(Ok(cells), Err))
}

/// What stands in a cell.
#[derive(Default)]
struct Content {
    value: String,
    inline: String,
    formula: bool,
}

impl Content {
    fn bytes(&self) -> usize {
        self.value.len() + self.inline.len()
    }

    fn cell(self, start: &BytesStart<'_>, styles: &Styles, shared: &Shared) -> Cell {
        if self.formula {
            return Err(Code::FormulaCell);
        }
        let kind = Kind::of(attribute(start, "t").as_deref()).ok_or(Code::Undecodable)?;
        if kind == Kind::Inline {
            return Ok(written_out(&self.inline));
        }
        if kind == Kind::Shared && !self.value.is_empty() {
            let text = self.value.trim().parse().ok().and_then(|index| shared.get(index));
            return text.map(written_out).ok_or(Code::Undecodable);
        }
        let style = attribute(start, "s").and_then(|style| style.parse().ok()).unwrap_or(0);
        value(kind, self.value, styles.date_system(style))
    }
}

/// The content of a cell whose start was read, up to its end.
fn content<R: std::io::BufRead>(
    reader: &mut Reader<R>,
    event_bytes: &guard::EventBytes,
) -> Result<Content, TableError> {
    let mut content = Content::default();
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        event_bytes.set(0);
        match reader.read_event_into(&mut buffer).map_err(guard::error)? {
            Event::Start(start) => {
                let start = start.into_owned();
                let text = text_of(reader, event_bytes, &start)?;
                match local(&start) {
                    "v" => content.value = text,
                    "is" => content.inline = text,
                    "f" => content.formula = true,
                    _ => {}
                }
            }
            Event::Empty(start) if local(&start) == "f" => content.formula = true,
            Event::End(_) => return Ok(content),
            Event::Eof => return Err(TableError::WorkbookDamaged),
            _ => {}
        }
    }
}

/// The texts that cells share; none when there is no such part.
fn shared(archive: &mut ZipArchive<File>) -> Result<Shared, TableError> {
    let Some(name) = part::named(archive, "xl/sharedStrings.xml") else { return Ok(Shared::default()) };
    let part = archive.by_name(&name).map_err(|_| TableError::WorkbookDamaged)?;
    let guard = Guard::new(part);
    let event_bytes = guard.event_bytes();
    let mut reader = Reader::from_reader(std::io::BufReader::new(guard));
    let (mut shared, mut buffer) = (Shared::default(), Vec::new());
    loop {
        buffer.clear();
        event_bytes.set(0);
        match reader.read_event_into(&mut buffer).map_err(guard::error)? {
            Event::Start(start) if local(&start) == "si" => {
                let start = start.into_owned();
                shared.text.push_str(&text_of(&mut reader, &event_bytes, &start)?);
                shared.ends.push(shared.text.len());
            }
            Event::Empty(start) if local(&start) == "si" => shared.ends.push(shared.text.len()),
            Event::Eof => return Ok(shared),
            _ => {}
        }
        if shared.text.len() + shared.ends.len() * size_of::<usize>() > SHARED_BYTES_MAX {
            return Err(TableError::WorkbookTooLarge);
        }
    }
}

#[cfg(test)]
mod tests;
