//! Values of files as callers spell them.
//!
//! Source: value formats of the driver interface: amounts in yuan, fields of a record and items of a composite joined with `^`.
//! Owns: both directions. Never: cuts a value to make it fit.

use card_profiles::codec::{self, EncodeError, Value};
use card_profiles::format::FormatKind;
use card_profiles::image::CardValues;
use card_profiles::place::Place;
use card_profiles::profile::{Ef, Element};
use settlement::fen::Fen;

use crate::failure::Failure;

/// Between the parts of a record or a composite.
const JOINT: char = '^';

/// A value as the caller reads it; empty where nothing is filled.
pub(crate) fn shown(values: &CardValues, place: &Place, element: &Element) -> String {
    if element.format.kind == FormatKind::BTlv {
        let parts: Vec<String> =
            element.inner.iter().map(|row| shown(values, &place.clone().inner(&row.id), row)).collect();
        return if parts.iter().all(String::is_empty) { String::new() } else { parts.join("^") };
    }
    match (values.at(place), element.format.kind) {
        (Some(Value::Number(number)), FormatKind::CnAmount | FormatKind::BAmount) => {
            i64::try_from(*number).map_or_else(|_| number.to_string(), |fen| Fen::new(fen).to_string())
        }
        (Some(Value::Number(number)), _) => number.to_string(),
        (Some(Value::Text(text)), _) => text.to_string(),
        (None, _) => String::new(),
    }
}

/// The fields of a record of a cyclic file.
pub(crate) fn record(values: &CardValues, record: &Place, ef: &Ef) -> String {
    let parts: Vec<String> = ef.elements.iter().map(|row| shown(values, &record.clone().item(&row.id), row)).collect();
    parts.join("^")
}

/// The bytes of a value that the caller gives for an item.
pub(crate) fn bytes(place: &Place, element: &Element, text: &str) -> Result<Vec<u8>, Failure> {
    let wrong = |source| Failure::Value { item: place.to_string(), source };
    match element.format.kind {
        FormatKind::BTlv => {
            let parts = parts(text, element.inner.len()).ok_or_else(|| wrong(EncodeError::Composite))?;
            let mut all = Vec::new();
            for (row, part) in element.inner.iter().zip(parts) {
                let value = bytes(&place.clone().inner(&row.id), row, part)?;
                all.extend(card_core::tlv::encode(row.tag.unwrap_or_default(), &value));
            }
            Ok(all)
        }
        kind => codec::encode(element.format, &parsed(kind, text)).map_err(wrong),
    }
}

/// The bytes of a record of a cyclic file.
pub(crate) fn record_bytes(place: &Place, ef: &Ef, text: &str) -> Result<Vec<u8>, Failure> {
    let parts = parts(text, ef.elements.len());
    let wrong = || Failure::Count { values: text.split(JOINT).count(), items: ef.elements.len() };
    let mut all = Vec::new();
    for (row, part) in ef.elements.iter().zip(parts.ok_or_else(wrong)?) {
        all.extend(bytes(&place.clone().item(&row.id), row, part)?);
    }
    Ok(all)
}

/// Parts joined with `^`, or with `,` as one program does; a last empty part may be written.
fn parts(text: &str, count: usize) -> Option<Vec<&str>> {
    [JOINT, ','].into_iter().find_map(|joint| {
        let mut parts: Vec<&str> = text.split(joint).collect();
        if parts.len() == count + 1 && parts.last().is_some_and(|part| part.is_empty()) {
            parts.pop();
        }
        (parts.len() == count).then_some(parts)
    })
}

fn parsed(kind: FormatKind, text: &str) -> Value {
    let number = match kind {
        FormatKind::CnAmount | FormatKind::BAmount if !text.is_empty() => {
            Fen::parse_yuan(text).ok().and_then(|fen| u64::try_from(fen.get()).ok())
        }
        FormatKind::BSequence if !text.is_empty() => text.parse().ok(),
        _ => None,
    };
    number.map_or_else(|| text.into(), Value::Number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_yuan_and_go_onto_the_card_as_digits() {
        let profile = card_profiles::builtin("ssc-3.0").expect("built in");
        let ef = profile.ef("DF04", "EF06").expect("a file with an amount");
        let amount = ef.elements.iter().find(|row| row.format.kind == FormatKind::CnAmount).expect("an amount");
        let place = Place::file("DF04", "EF06").item(&amount.id);
        let bytes = bytes(&place, amount, "12.3").expect("yuan");
        assert!(hex::encode(&bytes).starts_with("1230f"), "{}", hex::encode(&bytes));
        let mut values = CardValues::new();
        values.insert(place.clone(), codec::decode(amount.format, &bytes).0);
        assert_eq!(shown(&values, &place, amount), "12.30");
        assert_eq!(super::bytes(&place, amount, "12.345").expect_err("three decimals").code().0, -23);
    }

    #[test]
    fn parts_are_joined_by_either_sign() {
        assert_eq!(parts("a^b", 2), Some(vec!["a", "b"]));
        assert_eq!(parts("0001,2,", 2), Some(vec!["0001", "2"]));
        assert_eq!(parts("a^b^c", 2), None);
    }
}
