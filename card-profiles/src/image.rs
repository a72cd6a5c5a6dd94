//! The values of a card, and the bytes of its files.
//!
//! Owns: values by place, in JSON too; values to records and files; files to values and faults side by side.
//! Never: reads or writes a card (`plan`, `read`), guesses what a profile does not say.
#![warn(clippy::indexing_slicing)]

use std::collections::BTreeMap;

use card_core::tlv;
use serde::{Deserialize, Serialize, Serializer};

use crate::codec::{self, EncodeError, Fault, Value};
use crate::format::FormatKind;
use crate::place::{Place, PlaceError};
use crate::profile::{Df, Ef, EfKind, Element, Profile};

/// Values by place. In JSON one object: `{"SSSE.EF05.card_number": "X00000019", …}`. A whole transparent file is its hex.
///
/// In the order of their places, one at a place: files are decoded in that order, so that a value is mostly put behind the last.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "BTreeMap<Place, Value>")]
pub struct CardValues(Vec<(Place, Value)>);

impl From<BTreeMap<Place, Value>> for CardValues {
    fn from(values: BTreeMap<Place, Value>) -> Self {
        Self(values.into_iter().collect())
    }
}

impl Serialize for CardValues {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl CardValues {
    /// No values.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Sets a value by the text of its place.
    ///
    /// # Errors
    /// [`PlaceError`] when the text is no place. Whether the profile has it is checked by [`check`].
    pub fn set(&mut self, place: &str, value: impl Into<Value>) -> Result<(), PlaceError> {
        self.insert(place.parse()?, value);
        Ok(())
    }

    /// Sets a value.
    pub fn insert(&mut self, place: Place, value: impl Into<Value>) {
        let value = value.into();
        match self.find(&place) {
            Ok(index) => self.0.get_mut(index).into_iter().for_each(|row| row.1 = value.clone()),
            Err(index) => self.0.insert(index, (place, value)),
        }
    }

    /// The value at a place.
    #[must_use]
    pub fn get(&self, place: &str) -> Option<&Value> {
        self.at(&place.parse().ok()?)
    }

    /// The value at a place.
    #[must_use]
    pub fn at(&self, place: &Place) -> Option<&Value> {
        self.0.get(self.find(place).ok()?).map(|(_, value)| value)
    }

    /// The text at a place; `None` also for an empty text.
    #[must_use]
    pub fn text(&self, place: &str) -> Option<&str> {
        self.get(place).and_then(Value::as_text).filter(|text| !text.is_empty())
    }

    /// The number at a place.
    #[must_use]
    pub fn number(&self, place: &str) -> Option<u64> {
        self.get(place).and_then(Value::as_number)
    }

    /// All values in the order of their places.
    pub fn iter(&self) -> impl Iterator<Item = (&Place, &Value)> {
        self.0.iter().map(|(place, value)| (place, value))
    }

    /// Adds all values of `other`; its values win.
    pub fn extend(&mut self, other: Self) {
        let mark = self.0.len();
        self.0.extend(other.0);
        self.merge(mark);
    }

    /// Where a place stands, or belongs.
    fn find(&self, place: &Place) -> Result<usize, usize> {
        match self.0.last() {
            Some((last, _)) if last >= place => self.0.binary_search_by(|(row, _)| row.cmp(place)),
            _ => Err(self.0.len()),
        }
    }

    /// Puts the values from `mark` on, all of one file or record, into their order; the first at a place stays.
    fn sort_from(&mut self, mark: usize) {
        let mut has_twins = false;
        let added = self.0.get_mut(mark..).unwrap_or_default();
        // Neighbours in an order were compared while it was made.
        added.sort_by(|(left, _), (right, _)| {
            let order = left.cmp_in_record(right);
            has_twins |= order.is_eq();
            order
        });
        if has_twins {
            let mut added = self.0.split_off(mark);
            added.dedup_by(|(later, _), (earlier, _)| later == earlier);
            self.0.append(&mut added);
        }
    }

    /// Makes one order of those before `mark` and those from it on, each in order; the later one at a place stays.
    fn merge(&mut self, mark: usize) {
        let (before, added) = self.0.split_at(mark);
        let (Some((first, _)), Some((last, _))) = (added.first(), added.last()) else { return };
        // A file read before or after the others goes between two of them as it is.
        let at = before.partition_point(|(place, _)| place < first);
        if before.get(at).is_none_or(|(next, _)| last < next) {
            let count = added.len();
            self.0.get_mut(at..).unwrap_or_default().rotate_right(count);
            return;
        }
        self.0.sort_by(|(left, _), (right, _)| left.cmp(right));
        self.0.dedup_by(|later, earlier| {
            let is_same = later.0 == earlier.0;
            if is_same {
                std::mem::swap(later, earlier);
            }
            is_same
        });
    }

    /// How many values there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// A value that does not go onto a card of this profile.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {error}")]
pub struct ValueFault {
    /// Where.
    pub place: Place,
    /// Why.
    #[source]
    pub error: ValueError,
}

/// Why a value does not go onto a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ValueError {
    /// The profile has no such file or item.
    #[error("the profile has no such place")]
    NoSuchPlace,
    /// The format refuses the value.
    #[error(transparent)]
    Format(#[from] EncodeError),
}

impl ValueError {
    /// Stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NoSuchPlace => "VALUE_NO_SUCH_PLACE",
            Self::Format(error) => error.code(),
        }
    }

    /// The error in Chinese.
    #[must_use]
    pub fn zh(&self) -> String {
        match self {
            Self::NoSuchPlace => "卡片描述中没有该数据项".to_owned(),
            Self::Format(error) => error.zh(),
        }
    }
}

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
}

impl Reading {
    /// Adds what was read elsewhere.
    pub fn extend(&mut self, other: Self) {
        self.values.extend(other.values);
        self.faults.extend(other.faults);
    }

    /// Adds the values of a file's bytes: all records of a TLV or cyclic file one after the other, or the bytes of a
    /// transparent file.
    pub fn add_file(&mut self, df: &Df, ef: &Ef, bytes: &[u8]) {
        let file = Place::file(&df.id, &ef.id);
        let mark = self.values.0.len();
        match ef.kind {
            EfKind::TlvRecords => decode_tagged(&file, ef, [bytes], self),
            EfKind::Cyclic => {
                let fields = Fields::of(ef);
                let records = bytes.chunks(ef.record_length().max(1));
                self.values.0.reserve(records.len().min(u8::MAX.into()) * fields.rows.len());
                (1..=u8::MAX).zip(records).for_each(|(number, record)| {
                    decode_fields(&file.clone().record(number), ef, &fields, record, self);
                });
            }
            EfKind::Transparent if ef.elements.is_empty() => self.push(file, Value::bytes(bytes)),
            EfKind::Transparent => decode_fields(&file, ef, &Fields::of(ef), bytes, self),
        }
        self.values.merge(mark);
    }

    /// Adds the values of a TLV file that was read in parts, each of whole records. A part that is cut spoils no other.
    pub fn add_parts(&mut self, df: &Df, ef: &Ef, parts: &[Vec<u8>]) {
        let mark = self.values.0.len();
        decode_tagged(&Place::file(&df.id, &ef.id), ef, parts.iter().map(Vec::as_slice), self);
        self.values.merge(mark);
    }

    /// Puts a value behind the others: `sort_from` and `merge` follow.
    fn push(&mut self, place: Place, value: Value) {
        self.values.0.push((place, value));
    }

    fn add(&mut self, place: Place, element: &Element, bytes: &[u8]) {
        if element.format.kind == FormatKind::BTlv {
            return self.add_composite(&place, element, bytes);
        }
        let (value, faults) = codec::decode(element.format, bytes);
        faults.into_iter().for_each(|fault| self.fault(place.clone(), fault));
        self.push(place, value);
    }

    fn add_composite(&mut self, place: &Place, element: &Element, bytes: &[u8]) {
        let is_untouched = bytes.iter().all(|byte| *byte == 0x00) || bytes.iter().all(|byte| *byte == 0xFF);
        let mut missing: Vec<&Element> = element.inner.iter().collect();
        let mut unknown = Vec::new();
        for item in tlv::items(bytes).take_while(|_| !is_untouched) {
            let Ok(item) = item else {
                self.fault(place.clone(), Fault::Truncated);
                break;
            };
            match missing.iter().position(|row| row.tag == Some(item.tag)) {
                Some(index) => {
                    let row = missing.remove(index);
                    self.add(place.inner_of(&row.id), row, item.value);
                }
                None => unknown.push(self.unknown(place, &item)),
            }
        }
        for row in missing {
            let place = place.inner_of(&row.id);
            if !is_untouched {
                self.fault(place.clone(), Fault::Missing);
            }
            self.push(place, Value::BLANK);
        }
        self.values.0.append(&mut unknown);
    }

    /// A record or item that the profile does not know: its bytes as hex at `tag_74`, so that nothing is lost. Whoever asks
    /// puts it behind what is known: where a row has that very name, the row's value stays.
    fn unknown(&mut self, place: &Place, item: &tlv::Tlv<'_>) -> (Place, Value) {
        let id = format!("tag_{:02x}", item.tag);
        let place = if place.item.is_some() { place.clone().inner(&id) } else { place.clone().item(&id) };
        self.fault(place.clone(), Fault::UnknownTag { tag: item.tag });
        (place, Value::bytes(item.value))
    }

    fn fault(&mut self, place: Place, fault: Fault) {
        self.faults.push(CardFault { place, fault });
    }
}

/// Everything wrong with `values` on a card of this profile.
#[must_use]
pub fn check(profile: &Profile, values: &CardValues) -> Vec<ValueFault> {
    let fault = |place: &Place, error| ValueFault { place: place.clone(), error };
    let mut faults: Vec<ValueFault> = values
        .iter()
        .filter(|(place, _)| !profile.ef(place.df(), place.ef()).is_some_and(|ef| has_place(ef, place)))
        .map(|(place, _)| fault(place, ValueError::NoSuchPlace))
        .collect();
    for (df, ef) in profile.df.iter().flat_map(|df| df.ef.iter().map(move |ef| (df, ef))) {
        faults.extend(encode_file(df, ef, values).err().unwrap_or_default());
    }
    faults
}

fn has_place(ef: &Ef, place: &Place) -> bool {
    let record_fits = match ef.kind {
        EfKind::Cyclic => place.record.is_some_and(|record| (1..=ef.records).contains(&record)),
        EfKind::TlvRecords | EfKind::Transparent => place.record.is_none(),
    };
    record_fits
        && match (&place.item, &place.inner) {
            (None, None) => ef.kind == EfKind::Transparent && ef.elements.is_empty(),
            (None, Some(_)) => false,
            (Some(item), inner) => ef.elements.iter().any(|row| {
                row.id == *item
                    && match inner {
                        None => row.inner.is_empty(),
                        Some(inner) => row.inner.iter().any(|row| row.id == *inner),
                    }
            }),
        }
}

/// The records of a file for which there are values, by number from 1: `Tag Len Value` in TLV files, the fields in cyclic
/// files; the bytes of a transparent file as record 1. Items without value inside such a record are blank.
///
/// # Errors
/// Every value that does not fit.
pub fn encode_file(df: &Df, ef: &Ef, values: &CardValues) -> Result<Vec<(u8, Vec<u8>)>, Vec<ValueFault>> {
    let file = Place::file(&df.id, &ef.id);
    let mut encoder = Encoder { values, faults: Vec::new() };
    let records = match ef.kind {
        EfKind::TlvRecords => (1..)
            .zip(&ef.elements)
            .filter_map(|(number, row)| {
                let value = encoder.element(&file.item_of(&row.id), row)?;
                Some((number, tlv::encode(row.tag.unwrap_or_default(), &value)))
            })
            .collect(),
        EfKind::Cyclic => (1..=ef.records)
            .filter_map(|number| Some((number, encoder.fields(&file.clone().record(number), ef)?)))
            .collect(),
        EfKind::Transparent if ef.elements.is_empty() => {
            encoder.whole_file(&file, ef).map(|bytes| (1, bytes)).into_iter().collect()
        }
        EfKind::Transparent => encoder.fields(&file, ef).map(|bytes| (1, bytes)).into_iter().collect(),
    };
    if encoder.faults.is_empty() { Ok(records) } else { Err(encoder.faults) }
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
    decode_fields(&Place::file(&df.id, &ef.id).record(number), ef, &Fields::of(ef), bytes, &mut reading);
    reading
}

fn decode_tagged<'b>(file: &Place, ef: &Ef, parts: impl IntoIterator<Item = &'b [u8]>, reading: &mut Reading) {
    let mark = reading.values.0.len();
    let (mut records, mut unknown) = (Vec::with_capacity(ef.elements.len()), Vec::new());
    let mut is_truncated = false;
    for item in parts.into_iter().flat_map(tlv::items) {
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
    for (item, row) in &mut records {
        if row.is_none() {
            *row = missing.iter_mut().find(|row| has(row, item.tag)).and_then(Option::take);
        }
        match row {
            Some(row) => reading.add(file.item_of(&row.id), row, item.value),
            None => unknown.push(reading.unknown(file, item)),
        }
    }
    reading.values.0.append(&mut unknown);
    reading.values.sort_from(mark);
    if is_truncated {
        reading.fault(file.clone(), Fault::Truncated);
    }
    missing.iter().flatten().for_each(|row| reading.fault(file.item_of(&row.id), Fault::Missing));
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

fn decode_fields(record: &Place, ef: &Ef, fields: &Fields<'_>, bytes: &[u8], reading: &mut Reading) {
    let (mark, faults) = (reading.values.0.len(), reading.faults.len());
    for (start, row) in &fields.rows {
        let rest = bytes.get(*start..).unwrap_or_default();
        let field = rest.get(..usize::from(row.format.length)).unwrap_or(rest);
        reading.add(record.item_of(&row.id), row, field);
    }
    if !fields.plain {
        reading.values.sort_from(mark);
    }
    let found = reading.faults.get_mut(faults..).unwrap_or_default();
    if found.len() > 1 {
        found.sort_by_key(|fault| ef.elements.iter().position(|row| Some(&row.id) == fault.place.item.as_ref()));
    }
    let expected = ef.record_length();
    if bytes.len() > expected {
        reading.fault(record.clone(), Fault::Overlong { expected, got: bytes.len() });
    }
}

struct Encoder<'a> {
    values: &'a CardValues,
    faults: Vec<ValueFault>,
}

impl Encoder<'_> {
    /// Bytes of one item; `None` when no value is given for it or for any of its items.
    fn element(&mut self, place: &Place, row: &Element) -> Option<Vec<u8>> {
        if row.format.kind == FormatKind::BTlv && self.values.at(place).is_none() {
            let parts: Vec<(&Element, Option<Vec<u8>>)> =
                row.inner.iter().map(|item| (item, self.element(&place.inner_of(&item.id), item))).collect();
            if parts.iter().all(|(_, bytes)| bytes.is_none()) {
                return None;
            }
            let filled = parts.into_iter().map(|(item, bytes)| (item.tag, bytes.unwrap_or_else(|| codec::blank(item))));
            return Some(filled.flat_map(|(tag, bytes)| tlv::encode(tag.unwrap_or_default(), &bytes)).collect());
        }
        let value = self.values.at(place)?;
        let encoded = codec::encode(row.format, value);
        Some(encoded.unwrap_or_else(|error| self.refuse(place, error, codec::blank(row))))
    }

    /// Fields of one record one after the other; `None` when none has a value.
    fn fields(&mut self, record: &Place, ef: &Ef) -> Option<Vec<u8>> {
        let parts: Vec<Option<Vec<u8>>> =
            ef.elements.iter().map(|row| self.element(&record.item_of(&row.id), row)).collect();
        let is_given = parts.iter().any(Option::is_some);
        let filled =
            parts.into_iter().zip(&ef.elements).flat_map(|(part, row)| part.unwrap_or_else(|| codec::blank(row)));
        is_given.then(|| filled.collect())
    }

    fn whole_file(&mut self, file: &Place, ef: &Ef) -> Option<Vec<u8>> {
        let text = self.values.at(file)?.as_text().map(hex::decode);
        match text {
            Some(Ok(bytes)) if bytes.len() <= usize::from(ef.size) => Some(bytes),
            Some(Ok(bytes)) => {
                let error = EncodeError::TooLong { bytes: bytes.len(), max: ef.size.into() };
                Some(self.refuse(file, error, Vec::new()))
            }
            Some(Err(_)) => Some(self.refuse(file, EncodeError::NotHex, Vec::new())),
            None => Some(self.refuse(file, EncodeError::Kind { expected: "text" }, Vec::new())),
        }
    }

    fn refuse(&mut self, place: &Place, error: EncodeError, instead: Vec<u8>) -> Vec<u8> {
        self.faults.push(ValueFault { place: place.clone(), error: ValueError::Format(error) });
        instead
    }
}

#[cfg(test)]
mod tests;
