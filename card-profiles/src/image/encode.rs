//! Values to records and files, strictly.
//!
//! Owns: what does not go onto a card, and where. Never: guesses what a profile does not say.
#![warn(clippy::indexing_slicing)]

use card_core::tlv;

use super::CardValues;
use crate::codec::{self, EncodeError, Value};
use crate::format::FormatKind;
use crate::place::Place;
use crate::profile::{Df, Ef, EfKind, Element, Profile};

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

pub(super) fn has_place(ef: &Ef, place: &Place) -> bool {
    let record_fits = match ef.kind {
        EfKind::Cyclic => place.record.is_some_and(|record| (1..=ef.records).contains(&record)),
        EfKind::TlvRecords | EfKind::Transparent => place.record.is_none(),
    };
    record_fits
        && match (place.item_id(), place.inner_id()) {
            (None, None) => ef.kind == EfKind::Transparent && ef.elements.is_empty(),
            (None, Some(_)) => false,
            (Some(item), inner) => ef.elements.iter().any(|row| {
                &*row.id == item
                    && match inner {
                        None => row.inner.is_empty(),
                        Some(inner) => row.inner.iter().any(|row| &*row.id == inner),
                    }
            }),
        }
}

/// The records of a file for which there are values, or that its rows fix, by number from 1: `Tag Len Value` in TLV files, the fields in cyclic
/// files; the bytes of a transparent file as record 1. Items without value inside such a record are blank.
///
/// # Errors
/// Every value that does not fit.
pub fn encode_file(df: &Df, ef: &Ef, values: &CardValues) -> Result<Vec<(u8, Vec<u8>)>, Vec<ValueFault>> {
    let mut encoder = Encoder { values, faults: Vec::new() };
    let records = match ef.kind {
        EfKind::TlvRecords => (1..)
            .zip(&ef.elements)
            .filter_map(|(number, row)| {
                let value = encoder.element(None, row)?;
                Some((number, tlv::encode(row.tag.unwrap_or_default(), &value)))
            })
            .collect(),
        EfKind::Cyclic => {
            (1..=ef.records).filter_map(|number| Some((number, encoder.fields(Some(number), ef)?))).collect()
        }
        EfKind::Transparent if ef.elements.is_empty() => {
            encoder.whole_file(&Place::file(&df.id, &ef.id), ef).map(|bytes| (1, bytes)).into_iter().collect()
        }
        EfKind::Transparent => encoder.fields(None, ef).map(|bytes| (1, bytes)).into_iter().collect(),
    };
    if encoder.faults.is_empty() { Ok(records) } else { Err(encoder.faults) }
}

struct Encoder<'a> {
    values: &'a CardValues,
    faults: Vec<ValueFault>,
}

impl Encoder<'_> {
    /// Bytes of one item; `None` when neither the values nor its row give one for it or for any of its items.
    fn element(&mut self, record: Option<u8>, row: &Element) -> Option<Vec<u8>> {
        let place = row.place.within(record);
        if row.format.kind == FormatKind::BTlv && self.values.at(&place).is_none() {
            let parts: Vec<(&Element, Option<Vec<u8>>)> =
                row.inner.iter().map(|item| (item, self.element(record, item))).collect();
            if parts.iter().all(|(_, bytes)| bytes.is_none()) {
                return None;
            }
            let filled = parts.into_iter().map(|(item, bytes)| (item.tag, bytes.unwrap_or_else(|| codec::blank(item))));
            return Some(filled.flat_map(|(tag, bytes)| tlv::encode(tag.unwrap_or_default(), &bytes)).collect());
        }
        let fixed = || row.value.as_deref().map(Value::from);
        let value = self.values.at(&place).cloned().or_else(fixed)?;
        let encoded = codec::encode_item(row, &value);
        Some(encoded.unwrap_or_else(|error| self.refuse(&place, error, codec::blank(row))))
    }

    /// Fields of one record one after the other; `None` when none has a value.
    fn fields(&mut self, record: Option<u8>, ef: &Ef) -> Option<Vec<u8>> {
        let parts: Vec<Option<Vec<u8>>> = ef.elements.iter().map(|row| self.element(record, row)).collect();
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
