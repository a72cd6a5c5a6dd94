//! A file of the same formats about something else than people: text or workbook, its header known to the caller.
//!
//! Owns: finding the header among the first rows, picking the cells that the caller knows. Never: judges a value; holds more than
//! a row; reads JSON.
//! Units: `line` counts from 1.

use std::fs::File;

use encoding_rs::Encoding;

use super::encoding::{Declared, Kind, headless, scan};
use super::fault::Code;
use super::record::{Record, Records, RowFault, trimmed};
use super::refusal::TableError;
use super::table::{Cell, DELIMITERS, HEADER_RECORDS_MAX, OpenError};
use super::workbook::Workbook;

/// What the caller makes of a row that may be the header: where its columns are, or nothing.
pub(crate) type Header<T> = fn(&[String]) -> Option<T>;

/// A file being read.
#[derive(Debug)]
pub(crate) struct Sheet {
    rows: Rows,
    columns: usize,
    digest: String,
}

#[derive(Debug)]
enum Rows {
    Text(Box<Records>, &'static Encoding),
    Workbook(Workbook),
}

/// A row: its line, its cells from left to right or why there are none.
pub(crate) type Row = (u64, Result<Vec<Cell>, Code>);

impl Sheet {
    /// Opens a file; what the caller made of its header.
    ///
    /// # Errors
    /// [`OpenError`]; [`TableError::NoHeader`] when no row among the first is one.
    pub(crate) fn read<T>(
        mut file: File,
        declared: Option<Declared>,
        header: Header<T>,
    ) -> Result<(Self, T), OpenError> {
        let scanned = scan(&mut file, declared)?;
        match scanned.kind {
            Kind::Text(encoding) => {
                for delimiter in DELIMITERS {
                    let mut records = Records::of(&mut file, delimiter).map_err(OpenError::Read)?;
                    for _ in 0..HEADER_RECORDS_MAX {
                        let Some(Record { fields, .. }) = records.next_record(None).map_err(OpenError::Read)? else {
                            break;
                        };
                        let Ok(fields) = fields else { continue };
                        let decode = |field| encoding.decode_without_bom_handling(field).0.into_owned();
                        let headers: Vec<String> = fields.iter().map(decode).collect();
                        if let Some(found) = header(&headers) {
                            let rows = Rows::Text(Box::new(records), encoding);
                            return Ok((Self { rows, columns: headers.len(), digest: scanned.digest }, found));
                        }
                    }
                }
                let error = headless(&mut file, encoding, declared).map_err(OpenError::Read)?;
                return Err(OpenError::Table(error));
            }
            Kind::Json(_) => {}
            Kind::Workbook => {
                let (workbook, head) = Workbook::open(file, None)?;
                for (line, headers) in head {
                    if let Some(found) = header(&headers) {
                        let rows = Rows::Workbook(workbook.behind(line));
                        return Ok((Self { rows, columns: headers.len(), digest: scanned.digest }, found));
                    }
                }
            }
        }
        Err(OpenError::Table(TableError::NoHeader))
    }

    /// SHA-256 of the file, hex.
    pub(crate) fn digest(&self) -> &str {
        &self.digest
    }

    /// The next row that is not blank.
    pub(crate) fn next_row(&mut self) -> Result<Option<Row>, OpenError> {
        match &mut self.rows {
            Rows::Text(records, encoding) => {
                let columns = self.columns;
                while let Some(Record { line, fields }) = records.next_record(Some(columns)).map_err(OpenError::Read)? {
                    let cells = match fields {
                        Ok(fields) if fields.iter().all(|field| field.iter().all(u8::is_ascii_whitespace)) => continue,
                        Ok(fields) => match trimmed(&fields, columns) {
                            found if found == columns => Ok((0..columns)
                                .map(|place| {
                                    let text = fields.get(place).and_then(|bytes| {
                                        encoding.decode_without_bom_handling_and_without_replacement(bytes)
                                    });
                                    text.map(std::borrow::Cow::into_owned).ok_or(Code::Undecodable)
                                })
                                .collect()),
                            found => Err(Code::from(RowFault::Cells(found, columns))),
                        },
                        Err(fault) => Err(Code::from(fault)),
                    };
                    return Ok(Some((line, cells)));
                }
                Ok(None)
            }
            Rows::Workbook(workbook) => {
                while let Some((line, cells)) = workbook.next_row()? {
                    let blank = |cell: &Cell| cell.as_ref().is_ok_and(|text| text.trim().is_empty());
                    if cells.as_ref().is_ok_and(|cells| cells.iter().all(blank)) {
                        continue;
                    }
                    return Ok(Some((line, cells.map_err(Code::from))));
                }
                Ok(None)
            }
        }
    }
}
