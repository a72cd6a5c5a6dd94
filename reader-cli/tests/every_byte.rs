//! Whatever byte of a card changes, `card diff` names its file, record and item: against another dump of the card, and against
//! profile and person.
//!
//! The bytes of items all change; of pictures every fortieth part. The bytes are those of a card that is filled to its last item; `card-profiles` shows that a personalized card stores them.

use std::collections::BTreeSet;

use card_profiles::format::FormatKind;
use card_profiles::image::{Reading, decode_file, encode_file};
use card_profiles::profile::{Df, Ef, EfKind, Element};
use card_profiles::{CardValues, Place, Profile, Value, builtin};
use reader_cli::dump::{Difference, Dump};

/// A value that fills an item and differs from that of its neighbours.
fn full(row: &Element, seed: usize) -> Value {
    let length = usize::from(row.format.length);
    let digit = char::from(b'1' + u8::try_from(seed % 9).expect("below 9"));
    match row.format.kind {
        FormatKind::B => Value::bytes(&vec![0x50 + u8::try_from(seed % 9).expect("below 9"); length]),
        FormatKind::Cn if row.is_date() => format!("200{digit}100{digit}").into(),
        FormatKind::Cn => digit.to_string().repeat(2 * length).into(),
        FormatKind::An => digit.to_string().repeat(length).into(),
        FormatKind::CnAmount | FormatKind::BAmount | FormatKind::BSequence => {
            Value::Number(12 + u64::try_from(seed).expect("small"))
        }
        FormatKind::BTlv => unreachable!("composites are filled item by item"),
    }
}

fn fill(values: &mut CardValues, record: &Place, ef: &Ef, seed: usize) {
    for (index, row) in ef.elements.iter().enumerate() {
        let place = record.clone().item(&row.id);
        if row.inner.is_empty() {
            values.insert(place, full(row, seed + index));
        } else {
            row.inner.iter().for_each(|item| values.insert(place.clone().inner(&item.id), full(item, seed + index)));
        }
    }
}

/// Values of every place; `is_blank` leaves all items of data files empty.
fn values(profile: &Profile, is_blank: bool) -> CardValues {
    let mut values = CardValues::new();
    for (df, ef) in files(profile) {
        let file = Place::file(&df.id, &ef.id);
        match ef.kind {
            EfKind::Transparent if ef.elements.is_empty() => {
                values.insert(file, Value::bytes(&vec![if is_blank { 0x00 } else { 0xA5 }; ef.size.into()]));
            }
            _ if is_blank => {}
            EfKind::Transparent | EfKind::TlvRecords => fill(&mut values, &file, ef, 0),
            EfKind::Cyclic => {
                (1..=ef.records).for_each(|number| fill(&mut values, &file.clone().record(number), ef, number.into()));
            }
        }
    }
    values
}

fn files(profile: &Profile) -> impl Iterator<Item = (&Df, &Ef)> {
    profile.df.iter().flat_map(|df| df.ef.iter().map(move |ef| (df, ef)))
}

/// The bytes of a file that holds these values, its other items blank.
fn bytes(df: &Df, ef: &Ef, values: &CardValues) -> Vec<u8> {
    let given = encode_file(df, ef, values).expect("values that fit");
    if ef.kind != EfKind::TlvRecords {
        return given.into_iter().flat_map(|(_, bytes)| bytes).collect();
    }
    let record = |(number, row): (u8, &Element)| {
        let blank = || card_core::tlv::encode(row.tag.expect("tagged"), &card_profiles::codec::blank(row));
        given.iter().find(|(other, _)| *other == number).map_or_else(blank, |(_, bytes)| bytes.clone())
    };
    (1..).zip(&ef.elements).flat_map(record).collect()
}

fn dump(profile: &Profile, reading: Reading) -> Dump {
    Dump::of(profile, "3.00", &[0x3B], reading, Vec::new())
}

/// Record and item of a byte, as `(record, item)`; a transparent file without items has its byte instead.
fn expected(ef: &Ef, at: usize) -> (Option<u8>, Option<&str>) {
    let rest = match ef.kind {
        EfKind::TlvRecords => at,
        EfKind::Cyclic | EfKind::Transparent => at % ef.record_length().max(1),
    };
    let mut end = 0;
    for (number, row) in (1..).zip(&ef.elements) {
        end += usize::from(row.format.length) + if ef.kind == EfKind::TlvRecords { 2 } else { 0 };
        if rest < end {
            let record = match ef.kind {
                EfKind::TlvRecords => Some(number),
                EfKind::Cyclic => u8::try_from(1 + at / ef.record_length()).ok(),
                EfKind::Transparent => None,
            };
            return (record, Some(&row.id));
        }
    }
    (None, None)
}

fn names(found: &[Difference], df: &Df, ef: &Ef, at: usize) -> bool {
    let (record, item) = expected(ef, at);
    found.iter().any(|row| {
        let place: Place = row.place.parse().expect("a place");
        let is_byte = item.is_some() || row.byte == Some(at);
        (place.df(), place.ef(), row.record, place.item_id()) == (&*df.id, &*ef.id, record, item) && is_byte
    })
}

/// Flips each byte of each file and answers how many there were.
fn flip_all(profile: &Profile, is_blank: bool) -> usize {
    let person = values(profile, is_blank);
    let mut flips = 0;
    let mut kinds = BTreeSet::new();
    for (df, ef) in files(profile) {
        // One file at a time: a difference anywhere else would be one too many.
        let mut only = profile.clone();
        only.df.retain(|row| row.id == df.id);
        only.df[0].ef.retain(|row| row.id == ef.id);
        let mut wanted = CardValues::new();
        person.iter().filter(|(place, _)| place.df() == df.id && place.ef() == ef.id).for_each(|(place, value)| {
            wanted.insert(place.clone(), value.clone());
        });
        let stored = bytes(df, ef, &wanted);
        let sound = dump(&only, decode_file(df, ef, &stored));
        assert_eq!(sound.differences_from(&only, Some(&wanted), true), [], "{}.{}", df.id, ef.id);
        // A file without items is one value: some of its bytes stand for all.
        let step = if ef.elements.is_empty() { stored.len() / 40 } else { 1 };
        for at in (0..stored.len()).step_by(step.max(1)).chain(stored.len().checked_sub(1)) {
            for flip in [0x01, 0x20, 0x80, 0xFF] {
                let mut changed = stored.clone();
                changed[at] ^= flip;
                let changed = dump(&only, decode_file(df, ef, &changed));
                let place = format!("{}.{} byte {at} xor {flip:02X}", df.id, ef.id);
                assert!(names(&sound.differences(&changed, Some(&only)), df, ef, at), "two dumps: {place}");
                // Records of cyclic files come and go: no person holds them.
                if ef.kind != EfKind::Cyclic {
                    assert!(
                        names(&changed.differences_from(&only, Some(&wanted), true), df, ef, at),
                        "person: {place}"
                    );
                }
            }
            flips += 1;
        }
        kinds.insert(format!("{:?}", ef.kind));
    }
    assert_eq!(kinds.len(), if profile.name.starts_with("psam") { 1 } else { 3 });
    flips
}

#[test]
fn every_byte_of_a_full_card_is_named_with_its_file_record_and_item() {
    for (name, size) in [("ssc-3.0", 4_000), ("ssc-1.0", 2_000), ("psam", 40)] {
        let flips = flip_all(&builtin(name).expect("built in"), false);
        assert!(flips > size, "{name}: {flips}");
    }
}

#[test]
fn every_byte_of_a_card_of_blank_items_is_named_too() {
    let flips = flip_all(&builtin("ssc-3.0").expect("built in"), true);
    assert!(flips > 2_000, "{flips}");
}
