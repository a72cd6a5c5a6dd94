//! Microseconds from the bytes of a whole 3.x card to its values, against the split into records and a copy of their bytes.
//!
//! Owns: a card with every item of its profile filled, and both loops. Never: reads the bytes from a card: that is the wire's cost.

use std::hint::black_box;

use card_core::tlv;
use card_profiles::codec::Value;
use card_profiles::format::FormatKind;
use card_profiles::image::{CardValues, Reading, encode_file};
use card_profiles::place::Place;
use card_profiles::profile::{Df, Ef, EfKind, Element, Profile};

use crate::measure::{Aim, Row, alternate, timed};

/// Cards in a block of the measurement. Short blocks: one fits between two turns of the scheduler.
const ROUNDS: u32 = 5;

/// Blocks of the measurement.
const BLOCKS: usize = 201;

/// Microseconds that a card may take.
const AIM: f64 = 50.0;

/// The row.
///
/// # Panics
/// When a value is lost on the way: then nothing is worth measuring.
#[must_use]
pub fn measure() -> Row {
    let profile = card_profiles::builtin("ssc-3.0").expect("built in");
    let values = filled(&profile);
    let files = files(&profile, &values);
    let reading = decode(&files);
    assert_eq!((reading.values, reading.faults), (values.clone(), Vec::new()), "every value comes back");
    let (ours, bare) = alternate(
        BLOCKS,
        ROUNDS,
        |rounds| {
            timed(|| {
                for _ in 0..rounds {
                    black_box(decode(black_box(&files)));
                }
            })
        },
        |rounds| {
            timed(|| {
                for _ in 0..rounds {
                    black_box(split(black_box(&files)));
                }
            })
        },
    );
    let bytes: usize = files.iter().map(|file| file.bytes.len()).sum();
    let note = format!(
        "{bytes} bytes in {} files to {} values with their places and faults; bare: records split, each copied once",
        files.len(),
        values.len()
    );
    Row::new("whole 3.x card decoded", "us", ours * 1e6, bare * 1e6, Aim::OursAtMost(AIM), &note)
}

/// A file as a card sends it.
struct File<'p> {
    df: &'p Df,
    ef: &'p Ef,
    bytes: Vec<u8>,
}

fn files<'p>(profile: &'p Profile, values: &CardValues) -> Vec<File<'p>> {
    let rows = profile.df.iter().flat_map(|df| df.ef.iter().map(move |ef| (df, ef)));
    rows.map(|(df, ef)| {
        let records = encode_file(df, ef, values).expect("values that fit");
        File { df, ef, bytes: records.into_iter().flat_map(|(_, bytes)| bytes).collect() }
    })
    .collect()
}

fn decode(files: &[File<'_>]) -> Reading {
    let mut whole = Reading::default();
    for file in files {
        whole.add_file(file.df, file.ef, &file.bytes);
    }
    whole
}

/// The bare work: where each record starts, and a copy of what is in it.
fn split(files: &[File<'_>]) -> Vec<Vec<u8>> {
    let mut pieces = Vec::new();
    for file in files {
        match file.ef.kind {
            EfKind::TlvRecords => {
                pieces.extend(tlv::items(&file.bytes).map_while(Result::ok).map(|item| item.value.to_vec()));
            }
            EfKind::Cyclic => pieces.extend(file.bytes.chunks(file.ef.record_length()).map(<[u8]>::to_vec)),
            EfKind::Transparent => pieces.push(file.bytes.clone()),
        }
    }
    pieces
}

/// An invented value for every item.
fn filled(profile: &Profile) -> CardValues {
    let mut values = CardValues::new();
    for (df, ef) in profile.df.iter().flat_map(|df| df.ef.iter().map(move |ef| (df, ef))) {
        let file = Place::file(&df.id, &ef.id);
        let records: Vec<Place> = match ef.kind {
            EfKind::Cyclic => (1..=ef.records).map(|number| file.clone().record(number)).collect(),
            EfKind::TlvRecords | EfKind::Transparent => vec![file.clone()],
        };
        if ef.elements.is_empty() {
            values.insert(file, Value::bytes(&vec![0x5A; ef.size.into()]));
        }
        for (record, row) in records.iter().flat_map(|record| ef.elements.iter().map(move |row| (record, row))) {
            let place = record.clone().item(&row.id);
            if row.format.kind != FormatKind::BTlv {
                values.insert(place, value(row));
                continue;
            }
            for item in &row.inner {
                values.insert(place.clone().inner(&item.id), value(item));
            }
        }
    }
    values
}

/// Text of both alphabets that leaves some of the item empty, as on a card; digits and numbers that fill it.
fn value(row: &Element) -> Value {
    let length = usize::from(row.format.length);
    match row.format.kind {
        FormatKind::An if length < 4 => "1".repeat(length).into(),
        FormatKind::An => format!("张{}", "A1".repeat((length - 2) / 4)).into(),
        FormatKind::Cn => "12".repeat(length).into(),
        FormatKind::B | FormatKind::BTlv => Value::bytes(&vec![0x5A; length]),
        FormatKind::CnAmount | FormatKind::BAmount | FormatKind::BSequence => Value::Number(42),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_card_that_is_decoded_is_full_and_comes_back_whole() {
        let profile = card_profiles::builtin("ssc-3.0").expect("built in");
        let values = filled(&profile);
        let files = files(&profile, &values);
        assert!(values.len() > 200, "{}", values.len());
        let capacity: usize = files.iter().map(|file| file.bytes.len()).sum();
        assert!(capacity > 4_000, "{capacity}");
        assert_eq!(decode(&files).values, values);
    }
}
