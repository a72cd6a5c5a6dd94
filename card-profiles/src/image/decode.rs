//! Records and files to values and faults side by side, leniently.
//!
//! Owns: what a deviation is and where it stands. Never: drops a byte: what the values do not give back stands in `bytes`.
#![warn(clippy::indexing_slicing)]

use card_core::tlv;

use super::CardValues;
use crate::codec::{self, Fault, Value};
use crate::format::{Format, FormatKind};
use crate::place::Place;
use crate::profile::{Df, Ef, EfKind, Element};
use crate::text::begun_character;

/// A deviation found on a card.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {fault}")]
pub struct CardFault {
    /// Where.
    pub place: Place,
    /// What.
    pub fault: Fault,
}

/// What was read: values and faults side by side.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// Values; an item that is not filled is an empty text.
    pub values: CardValues,
    /// Deviations, in the order of the file.
    pub faults: Vec<CardFault>,
    /// Stored bytes, hex, of each item, record and file that its values do not give back when they are written.
    pub bytes: CardValues,
}

impl Reading {
    /// Adds what was read elsewhere.
    pub fn extend(&mut self, other: Self) {
        self.values.extend(other.values);
        self.faults.extend(other.faults);
        self.bytes.extend(other.bytes);
    }

    /// Adds what was read before of files of which nothing was read now.
    pub fn complete_by(&mut self, before: Self) {
        let is_new = |place: &Place, values: &CardValues| {
            !values.iter().any(|(other, _)| (other.df(), other.ef()) == (place.df(), place.ef()))
        };
        let kept = |values: CardValues| {
            let rows = values.0.into_iter().filter(|(place, _)| is_new(place, &self.values)).collect();
            CardValues(rows)
        };
        let (values, bytes) = (kept(before.values), kept(before.bytes));
        let faults = before.faults.into_iter().filter(|fault| is_new(&fault.place, &self.values)).collect();
        self.extend(Self { values, faults, bytes });
    }

    /// Adds the values of a file's bytes: all records of a TLV or cyclic file one after the other, or the bytes of a
    /// transparent file.
    pub fn add_file(&mut self, df: &Df, ef: &Ef, bytes: &[u8]) {
        let mark = self.values.0.len();
        match ef.kind {
            EfKind::TlvRecords => decode_tagged(df, ef, [bytes], self),
            EfKind::Cyclic => {
                let fields = Fields::of(ef);
                let records = bytes.chunks(ef.record_length().max(1));
                self.values.0.reserve(records.len().min(u8::MAX.into()) * fields.rows.len());
                (1..=u8::MAX).zip(records).for_each(|(number, record)| {
                    decode_fields(df, ef, Some(number), &fields, record, self);
                });
            }
            EfKind::Transparent if ef.elements.is_empty() => {
                self.push(Place::file(&df.id, &ef.id), Value::bytes(bytes));
                self.add_surplus(df, ef, bytes.len());
            }
            EfKind::Transparent => decode_fields(df, ef, None, &Fields::of(ef), bytes, self),
        }
        self.values.merge(mark);
    }

    /// Adds the values of a TLV file that was read in parts, each of whole records. A part that is cut spoils no other.
    pub fn add_parts(&mut self, df: &Df, ef: &Ef, parts: &[Vec<u8>]) {
        let mark = self.values.0.len();
        decode_tagged(df, ef, parts.iter().map(Vec::as_slice), self);
        self.values.merge(mark);
    }

    /// Says that a file was found to have more bytes than its profile, if it has.
    pub(crate) fn add_surplus(&mut self, df: &Df, ef: &Ef, got: usize) {
        let expected = usize::from(ef.size);
        if got > expected {
            self.fault(Place::file(&df.id, &ef.id), Fault::Overlong { expected, got });
        }
    }

    /// Puts a value behind the others: `sort_from` and `merge` follow.
    fn push(&mut self, place: Place, value: Value) {
        self.values.0.push((place, value));
    }

    fn add(&mut self, record: Option<u8>, element: &Element, bytes: &[u8]) {
        if element.format.kind == FormatKind::BTlv {
            return self.add_composite(record, element, bytes);
        }
        let (value, faults) = codec::decode_item(element, bytes);
        let place = element.place.within(record);
        if !faults.is_empty() {
            // Raw bytes are their own value.
            if element.format.kind != FormatKind::B {
                self.bytes.insert(place.clone(), Value::bytes(bytes));
            }
            faults.into_iter().for_each(|fault| self.fault(place.clone(), fault));
        }
        self.push(place, value);
    }

    /// A text of which the last character, so many bytes of it, ends in its extension: both as if they had been split before
    /// that character.
    fn add_split(&mut self, begun: usize, text: (&Element, &[u8]), extension: (&Element, &[u8])) {
        let (whole, part) = text.1.split_at_checked(text.1.len().saturating_sub(begun)).unwrap_or((text.1, &[]));
        let rest = [part, extension.1].concat();
        self.fault(text.0.place.clone(), Fault::SplitCharacter);
        for ((row, stored), shown) in [(text, whole), (extension, rest.as_slice())] {
            let place = row.place.clone();
            let length = usize::from(row.format.length) + shown.len() - stored.len();
            let format = Format { length: u8::try_from(length).unwrap_or(u8::MAX), ..row.format };
            let (value, faults) = codec::decode(format, shown);
            self.bytes.insert(place.clone(), Value::bytes(stored));
            faults.into_iter().for_each(|fault| self.fault(place.clone(), fault));
            self.push(place, value);
        }
    }

    fn add_composite(&mut self, record: Option<u8>, element: &Element, bytes: &[u8]) {
        let place = element.place.within(record);
        let is_untouched = bytes.iter().all(|byte| *byte == 0x00) || bytes.iter().all(|byte| *byte == 0xFF);
        let mut missing: Vec<&Element> = element.inner.iter().collect();
        let mut unknown = Vec::new();
        let mut in_order = !is_untouched;
        for item in tlv::items(bytes).take_while(|_| !is_untouched) {
            let Ok(item) = item else {
                in_order = false;
                self.fault(place.clone(), Fault::Truncated);
                break;
            };
            let found = missing.iter().position(|row| row.tag == Some(item.tag));
            in_order &= found == Some(0);
            match found {
                Some(index) => {
                    let row = missing.remove(index);
                    self.add(record, row, item.value);
                }
                None => unknown.push(self.unknown(&place, &item, &element.inner)),
            }
        }
        if !in_order || !missing.is_empty() {
            self.bytes.insert(place, Value::bytes(bytes));
        }
        for row in missing {
            let place = row.place.within(record);
            if !is_untouched {
                self.fault(place.clone(), Fault::Missing);
            }
            self.push(place, Value::BLANK);
        }
        self.values.0.append(&mut unknown);
    }

    /// A record or item that the profile does not know, or knows and found already: its bytes as hex at `tag_74`, so that
    /// nothing is lost. Whoever asks puts it behind what is known: where a row has that very name, the row's value stays.
    fn unknown(&mut self, place: &Place, item: &tlv::Tlv<'_>, rows: &[Element]) -> (Place, Value) {
        let id = format!("tag_{:02x}", item.tag);
        let place = if place.item_id().is_some() { place.clone().inner(&id) } else { place.clone().item(&id) };
        let is_known = rows.iter().any(|row| row.tag == Some(item.tag));
        let tag = item.tag;
        self.fault(place.clone(), if is_known { Fault::Repeated { tag } } else { Fault::UnknownTag { tag } });
        (place, Value::bytes(item.value))
    }

    fn fault(&mut self, place: Place, fault: Fault) {
        self.faults.push(CardFault { place, fault });
    }
}

/// The values of a file's bytes: all records of a TLV or cyclic file one after the other, or the bytes of a transparent file.
#[must_use]
pub fn decode_file(df: &Df, ef: &Ef, bytes: &[u8]) -> Reading {
    let mut reading = Reading::default();
    reading.add_file(df, ef, bytes);
    reading
}

/// The values of one record of a cyclic file.
#[must_use]
pub fn decode_record(df: &Df, ef: &Ef, number: u8, bytes: &[u8]) -> Reading {
    let mut reading = Reading::default();
    decode_fields(df, ef, Some(number), &Fields::of(ef), bytes, &mut reading);
    reading
}

/// What the id of an item ends in that goes on where another item of the file is full: 姓名扩展, 通讯地址扩展.
const EXTENSION: &str = "_extension";

fn decode_tagged<'b>(df: &Df, ef: &Ef, parts: impl IntoIterator<Item = &'b [u8]> + Clone, reading: &mut Reading) {
    let file = || Place::file(&df.id, &ef.id);
    let mark = reading.values.0.len();
    let (mut records, mut unknown) = (Vec::with_capacity(ef.elements.len()), Vec::new());
    let mut is_truncated = false;
    for item in parts.clone().into_iter().flat_map(tlv::items) {
        let Ok(item) = item else {
            is_truncated = true;
            continue;
        };
        records.push((item, None));
    }
    let mut missing: Vec<Option<&Element>> = ef.elements.iter().map(Some).collect();
    let has = |row: &Option<&Element>, tag: u8| row.is_some_and(|row| row.tag == Some(tag));
    // Record n is row n; only a record that stands elsewhere is the first row with its tag that is still missing, so that
    // one record changed among the instances of a composite is told from its neighbours.
    for ((item, row), wanted) in records.iter_mut().zip(&mut missing) {
        *row = wanted.take_if(|wanted| has(&Some(wanted), item.tag));
    }
    let is_as_profiled = !is_truncated && records.len() == missing.len() && missing.iter().all(Option::is_none);
    if !is_as_profiled {
        let stored: Vec<u8> = parts.into_iter().flatten().copied().collect();
        reading.bytes.insert(file(), Value::bytes(&stored));
        for (item, row) in records.iter_mut().filter(|(_, row)| row.is_none()) {
            *row = missing.iter_mut().find(|row| has(row, item.tag)).and_then(Option::take);
        }
    }
    let place_of = |row: &Element| ef.elements.iter().position(|other| std::ptr::eq(other, row));
    let is_ordered = is_as_profiled || records.iter().filter_map(|(_, row)| row.and_then(place_of)).is_sorted();
    let extension_of = |text: usize| {
        let (item, row) = records.get(text)?;
        let row = row.filter(|row| row.format.kind == FormatKind::An)?;
        let is_its = |id: &str| id.strip_suffix(EXTENSION) == Some(&row.id);
        let next = records.iter().position(|(_, row)| row.is_some_and(|row| is_its(&row.id)))?;
        let (extension, _) = records.get(next).filter(|_| next > text)?;
        Some((next, begun_character(item.value, extension.value))).filter(|(_, begun)| *begun > 0)
    };
    let mut done = Vec::new();
    for (index, (item, row)) in records.iter().enumerate() {
        let may_be_split = matches!(item.value, [.., 0x80..=0xFF] | [.., 0x80..=0xFF, b'0'..=b'9']);
        let split = may_be_split.then(|| extension_of(index)).flatten();
        match (row, split.and_then(|(next, begun)| Some((next, begun, records.get(next)?)))) {
            _ if done.contains(&index) => {}
            (Some(row), Some((next, begun, (rest, Some(extension))))) => {
                done.push(next);
                reading.add_split(begun, (row, item.value), (extension, rest.value));
            }
            (Some(row), _) => reading.add(None, row, item.value),
            (None, _) => unknown.push(reading.unknown(&file(), item, &ef.elements)),
        }
    }
    reading.values.0.append(&mut unknown);
    reading.values.sort_from(mark);
    if !is_ordered {
        reading.fault(file(), Fault::OutOfOrder);
    }
    if is_truncated {
        reading.fault(file(), Fault::Truncated);
    }
    missing.iter().flatten().for_each(|row| reading.fault(row.place.clone(), Fault::Missing));
}

/// The fields of a record, made once for all records of a file.
struct Fields<'e> {
    /// Offset and row of each, in the order of their places.
    rows: Vec<(usize, &'e Element)>,
    /// Whether one row gives one value at a place of its own: no composite, no name twice.
    plain: bool,
}

impl<'e> Fields<'e> {
    fn of(ef: &'e Ef) -> Self {
        let starts = ef.elements.iter().scan(0, |next, row| {
            let start = *next;
            *next += usize::from(row.format.length);
            Some(start)
        });
        let mut rows: Vec<_> = starts.zip(&ef.elements).collect();
        rows.sort_by(|(_, left), (_, right)| left.id.cmp(&right.id));
        let has_twins = rows.windows(2).any(|pair| matches!(pair, [(_, left), (_, right)] if left.id == right.id));
        let plain = !has_twins && rows.iter().all(|(_, row)| row.format.kind != FormatKind::BTlv);
        Self { rows, plain }
    }
}

fn decode_fields(df: &Df, ef: &Ef, record: Option<u8>, fields: &Fields<'_>, bytes: &[u8], reading: &mut Reading) {
    let (mark, faults) = (reading.values.0.len(), reading.faults.len());
    for (start, row) in &fields.rows {
        let rest = bytes.get(*start..).unwrap_or_default();
        let field = rest.get(..usize::from(row.format.length)).unwrap_or(rest);
        reading.add(record, row, field);
    }
    if !fields.plain {
        reading.values.sort_from(mark);
    }
    let found = reading.faults.get_mut(faults..).unwrap_or_default();
    if found.len() > 1 {
        found.sort_by_key(|fault| ef.elements.iter().position(|row| Some(&*row.id) == fault.place.item_id()));
    }
    let expected = ef.record_length();
    if bytes.len() > expected {
        let place = Place::file(&df.id, &ef.id).within(record);
        reading.bytes.insert(place.clone(), Value::bytes(bytes));
        reading.fault(place, Fault::Overlong { expected, got: bytes.len() });
    }
}
