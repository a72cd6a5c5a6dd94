//! The values of a card, and the bytes of its files.
//!
//! Owns: values by place, in JSON too; values to records and files (`encode`); files to values and faults (`decode`).
//! Never: reads or writes a card (`plan`, `read`), guesses what a profile does not say.
#![warn(clippy::indexing_slicing)]

mod decode;
mod encode;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize, Serializer};

pub use self::decode::{CardFault, Reading, decode_file, decode_record};
pub use self::encode::{ValueError, ValueFault, check, encode_file};
use crate::codec::Value;
use crate::place::{Place, PlaceError};

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

#[cfg(test)]
mod tests;
