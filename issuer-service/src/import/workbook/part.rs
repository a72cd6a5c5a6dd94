//! The small parts of a workbook: which sheet is the first, which styles are dates; texts and attributes of any part.
//!
//! Source: ECMA-376 part 1, 12.3 (parts), 18.2 (workbook), 18.8 (styles). Owns: reading them within bounds.
//! Never: reads rows.

use std::fs::File;
use std::io::BufRead;

use quick_xml::Reader;
use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};
use zip::ZipArchive;

use super::cell::Styles;
use super::guard::{self, EventBytes, Guard};
use crate::import::record::RECORD_BYTES_MAX;
use crate::import::refusal::TableError;

/// Elements of one of these parts that are kept.
const ELEMENTS_MAX: usize = 100_000;
/// Formats of numbers of a workbook's own: a spreadsheet program writes some hundreds.
const FORMATS_MAX: usize = 5_000;

/// What a workbook says of itself.
pub(super) struct Book {
    /// Part of the sheet that is read.
    pub(super) sheet: String,
    /// Names of the sheets that are shown, in their order.
    pub(super) names: Vec<String>,
    /// Dates count from 1904.
    pub(super) from_1904: bool,
}

/// Name of an element without its prefix.
pub(super) fn local<'a>(start: &'a BytesStart<'_>) -> &'a str {
    start.local_name().into_inner()
}

/// Value of an attribute, by its name without prefix.
pub(super) fn attribute(start: &BytesStart<'_>, name: &str) -> Option<String> {
    let found = start.attributes().filter_map(Result::ok).find(|found| found.key.local_name().as_ref() == name)?;
    Some(found.normalized_value(XmlVersion::Implicit1_0).ok()?.into_owned())
}

/// Everything written inside an element whose start was read, up to its end; phonetic hints are left out.
pub(super) fn text_of<R: BufRead>(
    reader: &mut Reader<R>,
    event_bytes: &EventBytes,
    start: &BytesStart<'_>,
) -> Result<String, TableError> {
    let (mut text, mut depth, mut hint) = (String::new(), 1_u32, None);
    // In shared and inline texts only `t` holds text; `v` and `f` hold theirs themselves.
    let (bare, mut in_text) = (!matches!(local(start), "si" | "is"), 0_u32);
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        event_bytes.set(0);
        let event = reader.read_event_into(&mut buffer).map_err(guard::error)?;
        let wanted = hint.is_none() && (bare || in_text > 0);
        match &event {
            Event::Start(start) => {
                depth += 1;
                in_text += u32::from(in_text > 0 || local(start) == "t");
                if local(start) == "rPh" && hint.is_none() {
                    hint = Some(depth);
                }
            }
            Event::End(_) => {
                if hint == Some(depth) {
                    hint = None;
                }
                depth -= 1;
                in_text = in_text.saturating_sub(1);
                if depth == 0 {
                    return Ok(text);
                }
            }
            Event::Text(part) if wanted => text.push_str(&part.xml10_content()),
            Event::CData(part) if wanted => text.push_str(&part.xml10_content()),
            Event::GeneralRef(reference) if wanted => {
                let character = match reference.resolve_char_ref() {
                    Ok(Some(character)) => Some(character),
                    Ok(None) => match reference.xml10_content().as_ref() {
                        "amp" => Some('&'),
                        "lt" => Some('<'),
                        "gt" => Some('>'),
                        "quot" => Some('"'),
                        "apos" => Some('\''),
                        _ => None,
                    },
                    Err(_) => None,
                };
                // Entities of a document type are never expanded.
                text.push(character.ok_or(TableError::WorkbookDamaged)?);
            }
            Event::DocType(_) | Event::Eof => return Err(TableError::WorkbookDamaged),
            _ => {}
        }
        if text.len() > RECORD_BYTES_MAX * 2 || depth > 64 {
            return Err(TableError::WorkbookTooLarge);
        }
    }
}

/// The name of a part as the archive writes it: packages compare names without case.
pub(super) fn named(archive: &ZipArchive<File>, name: &str) -> Option<String> {
    archive
        .file_names()
        .filter_map(Result::ok)
        .find(|known| known.trim_start_matches('/').eq_ignore_ascii_case(name))
        .map(std::borrow::Cow::into_owned)
}

/// Reads `xl/workbook.xml` and its relations. The sheet is the first that is shown, or the one of a name, shown or not.
pub(super) fn book(archive: &mut ZipArchive<File>, wanted: Option<&str>) -> Result<Book, TableError> {
    let damaged = || TableError::WorkbookDamaged;
    let relations = elements(archive, "xl/_rels/workbook.xml.rels", |start| {
        (local(start) == "Relationship").then(|| Some((attribute(start, "Id")?, attribute(start, "Target")?)))?
    })?;
    let mut from_1904 = false;
    let sheets = elements(archive, "xl/workbook.xml", |start| {
        if local(start) == "workbookPr" {
            from_1904 = matches!(attribute(start, "date1904").as_deref(), Some("1" | "true" | "on"));
        }
        let shown = attribute(start, "state").is_none_or(|state| state == "visible");
        let named = || Some((attribute(start, "id")?, attribute(start, "name").unwrap_or_default(), shown));
        (local(start) == "sheet").then(named)?
    })?;
    let names: Vec<String> = sheets.iter().filter(|(.., shown)| *shown).map(|(_, name, _)| name.clone()).collect();
    let is_wanted = |name: &str, shown: bool| wanted.map_or(shown, |wanted| name.trim() == wanted.trim());
    let unknown = || wanted.map_or(TableError::Empty, |_| TableError::SheetUnknown { sheets: names.clone() });
    let (id, ..) = sheets.iter().find(|(_, name, shown)| is_wanted(name, *shown)).ok_or_else(unknown)?;
    let (_, target) = relations.iter().find(|(known, _)| known == id).ok_or_else(damaged)?;
    let path = target.strip_prefix('/').map_or_else(|| format!("xl/{target}"), str::to_owned);
    let sheet = named(archive, &path).ok_or_else(damaged)?;
    Ok(Book { sheet, names, from_1904 })
}

/// Reads `xl/styles.xml`: which formats of cells show a date.
pub(super) fn styles(archive: &mut ZipArchive<File>, from_1904: bool) -> Result<Styles, TableError> {
    let mut styles = Styles::new(from_1904);
    if named(archive, "xl/styles.xml").is_none() {
        return Ok(styles);
    }
    let number = |start: &BytesStart<'_>, name: &str| attribute(start, name).and_then(|text| text.parse::<u32>().ok());
    let (mut inside, mut formats) = (false, 0);
    elements(archive, "xl/styles.xml", |start| {
        match local(start) {
            "numFmt" => {
                formats += 1;
                if let (Some(id), Some(code)) = (number(start, "numFmtId"), attribute(start, "formatCode")) {
                    styles.add_format(id, &code);
                }
            }
            "cellXfs" => inside = true,
            "cellStyles" | "dxfs" | "cellStyleXfs" => inside = false,
            "xf" if inside => styles.add_style(number(start, "numFmtId").unwrap_or(0)),
            _ => {}
        }
        None::<()>
    })?;
    if formats > FORMATS_MAX { Err(TableError::WorkbookTooLarge) } else { Ok(styles) }
}

/// What `take` makes of each element of a part, in order.
fn elements<T>(
    archive: &mut ZipArchive<File>,
    name: &str,
    mut take: impl FnMut(&BytesStart<'_>) -> Option<T>,
) -> Result<Vec<T>, TableError> {
    let name = named(archive, name).ok_or(TableError::WorkbookDamaged)?;
    let part = archive.by_name(&name).map_err(|_| TableError::WorkbookDamaged)?;
    let guard = Guard::new(part);
    let event_bytes = guard.event_bytes();
    let mut reader = Reader::from_reader(std::io::BufReader::new(guard));
    let (mut found, mut seen, mut buffer) = (Vec::new(), 0, Vec::new());
    loop {
        buffer.clear();
        event_bytes.set(0);
        match reader.read_event_into(&mut buffer).map_err(guard::error)? {
            Event::Start(start) | Event::Empty(start) => {
                found.extend(take(&start));
                seen += 1;
            }
            Event::DocType(_) => return Err(TableError::WorkbookDamaged),
            Event::Eof => return Ok(found),
            _ => {}
        }
        if seen > ELEMENTS_MAX {
            return Err(TableError::WorkbookTooLarge);
        }
    }
}
