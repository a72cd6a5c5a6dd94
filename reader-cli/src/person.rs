//! The values of a person from a file: JSON by place, or a row of a CSV table.
//!
//! Owns: heads of the table to places, names and codes to what the card holds, the row that is meant.
//! Never: reads a registry as a bureau exports it (`issuer import`), repeats a value in an error.

use std::path::Path;

use card_profiles::format::FormatKind;
use card_profiles::name::SplitName;
use card_profiles::{CardValues, Place, Profile, Value, codec, codes};
use serde::de::DeserializeOwned;

use crate::dump::Dump;
use card_counter::error::TerminalError;
use card_counter::file::{self, FileKind};

const NUMBER: &str = "SSSE.EF06.social_security_number";
const NAME: &str = "SSSE.EF06.name";
const EXTENSION: &str = "SSSE.EF06.name_extension";
const SEX: &str = "SSSE.EF06.sex";
const ETHNIC_GROUP: &str = "SSSE.EF06.ethnic_group";

/// The person of a card: the whole file when it is JSON, else the row with the card's 社会保障号码.
///
/// # Errors
/// [`TerminalError`]: no such file, not of that form, no row or several for this card.
pub fn read(path: &Path, profile: &Profile, card: &Dump) -> Result<CardValues, TerminalError> {
    let place = path.display().to_string();
    let text = file::read(path, FileKind::Dump)?;
    let text = text.trim_start_matches('\u{FEFF}');
    if text.trim_start().starts_with('{') { json(text, &place) } else { row(text, &place, profile, card) }
}

/// JSON of a file. The parser's own sentence may repeat a value of the card: line and column say enough.
///
/// # Errors
/// [`TerminalError::Dump`].
pub(crate) fn json<T: DeserializeOwned>(text: &str, place: &str) -> Result<T, TerminalError> {
    serde_json::from_str(text).map_err(|error| malformed(place, error.line(), error.column()))
}

fn malformed(path: &str, line: usize, column: usize) -> TerminalError {
    TerminalError::Dump { path: path.to_owned(), line, column }
}

fn row(text: &str, path: &str, profile: &Profile, card: &Dump) -> Result<CardValues, TerminalError> {
    let mut table = csv::Reader::from_reader(text.as_bytes());
    let heads = table.headers().map_err(|_| malformed(path, 1, 1))?.clone();
    let places: Vec<Place> = (1..)
        .zip(&heads)
        .map(|(column, head)| place_of(head.trim(), profile).ok_or_else(|| malformed(path, 1, column)))
        .collect::<Result<_, _>>()?;
    let number = places.iter().position(|place| place.to_string() == NUMBER).ok_or_else(|| malformed(path, 1, 1))?;
    let mut found = None;
    for (line, record) in (2..).zip(table.records()) {
        let record = record.map_err(|_| malformed(path, line, 1))?;
        if card.values.text(NUMBER).is_none_or(|wanted| record.get(number).map(str::trim) != Some(wanted)) {
            continue;
        }
        if found.is_some() {
            return Err(malformed(path, line, number + 1));
        }
        let mut values = CardValues::new();
        for (column, (place, cell)) in (1..).zip(places.iter().zip(&record)) {
            put(&mut values, place, cell.trim(), profile).ok_or_else(|| malformed(path, line, column))?;
        }
        found = Some(values);
    }
    found.ok_or_else(|| TerminalError::PersonMissing { path: path.to_owned() })
}

/// A head is a place, or the Chinese name of an item that no other item has.
fn place_of(head: &str, profile: &Profile) -> Option<Place> {
    if let Ok(place) = head.parse::<Place>()
        && profile.ef(place.df(), place.ef()).is_some()
    {
        return Some(place);
    }
    let mut named = profile.df.iter().flat_map(|df| df.ef.iter().map(move |ef| (df, ef))).flat_map(|(df, ef)| {
        let rows = ef.elements.iter().filter(|row| row.name.as_deref() == Some(head));
        rows.map(move |row| Place::file(&df.id, &ef.id).item(&row.id))
    });
    named.next().filter(|_| named.next().is_none())
}

const fn is_number(kind: FormatKind) -> bool {
    matches!(kind, FormatKind::CnAmount | FormatKind::BAmount | FormatKind::BSequence)
}

/// `None`: no value of this item.
fn put(values: &mut CardValues, place: &Place, cell: &str, profile: &Profile) -> Option<()> {
    let ef = profile.ef(place.df(), place.ef())?;
    let row = ef.elements.iter().find(|row| Some(&*row.id) == place.item_id());
    let value = match place.to_string().as_str() {
        NAME if !cell.is_empty() => {
            let name = SplitName::of(cell).ok()?;
            values.set(EXTENSION, name.extension.as_str()).ok()?;
            Value::from(name.name)
        }
        SEX => codes::sex_code(cell).map_or_else(|| Value::from(cell), |code| Value::from(code.to_string())),
        ETHNIC_GROUP => codes::ethnic_group_number(cell)
            .map_or_else(|| Value::from(cell), |number| Value::from(format!("{number:02}"))),
        _ if row.is_some_and(|row| is_number(row.format.kind)) => Value::Number(cell.parse().ok()?),
        _ => Value::from(cell),
    };
    // The extension of a table with both columns is what the table says.
    let is_given = place.to_string() == EXTENSION && cell.is_empty() && values.at(place).is_some();
    if !is_given {
        row.is_none_or(|row| codec::encode_item(row, &value).is_ok()).then(|| values.insert(place.clone(), value))?;
    }
    Some(())
}
