//! Whole domains: every byte and every pair of bytes in every format, right length or not.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::name::{EXTENSION_BYTES, NAME_BYTES, NameError, SplitName};

fn format(text: &str) -> Format {
    Format::parse(text).expect("format")
}

const KINDS: [FormatKind; 7] = [
    FormatKind::B,
    FormatKind::An,
    FormatKind::Cn,
    FormatKind::CnAmount,
    FormatKind::BAmount,
    FormatKind::BSequence,
    FormatKind::BTlv,
];

/// What must hold of any bytes: without a fault they are written back as they were; with one, what is written back is read as
/// the same value, or cannot be written.
fn holds(format: Format, bytes: &[u8]) -> bool {
    let (value, faults) = decode(format, bytes);
    let whole = bytes.len() == usize::from(format.length);
    let lengths = faults.iter().filter(|fault| matches!(fault, Fault::Short { .. } | Fault::Overlong { .. })).count();
    assert_eq!(lengths == 0, whole, "{format:?} {bytes:02X?}: {faults:?}");
    match encode(format, &value) {
        Ok(written) if faults.is_empty() => written == bytes,
        // Nothing is an item that is not filled.
        Ok(written) if value == Value::BLANK => written.iter().all(|byte| *byte == padding(format.kind)),
        Ok(written) => written.len() == usize::from(format.length) && decode(format, &written).0 == value,
        Err(EncodeError::Composite) => format.kind == FormatKind::BTlv,
        Err(_) => !faults.is_empty(),
    }
}

#[test]
fn every_byte_and_every_pair_of_bytes_goes_back_as_it_came_or_says_why_not() {
    for kind in KINDS {
        for length in 1..=3 {
            let format = Format { kind, length };
            assert!(holds(format, &[]), "{format:?}: no bytes");
            (0..=u8::MAX).for_each(|byte| assert!(holds(format, &[byte]), "{format:?}: {byte:02X}"));
            (0..=u16::MAX).for_each(|pair| assert!(holds(format, &pair.to_be_bytes()), "{format:?}: {pair:04X}"));
        }
    }
}

/// Every format of an item of the built-in layouts.
fn formats() -> BTreeMap<String, Format> {
    let profiles = crate::builtin::names().filter_map(crate::builtin::builtin);
    let rows = profiles.flat_map(|profile| profile.df).flat_map(|df| df.ef).flat_map(|ef| ef.elements);
    let items = rows.flat_map(|row| row.inner.iter().map(|item| item.format).chain([row.format]).collect::<Vec<_>>());
    items.filter(|format| format.kind != FormatKind::BTlv).map(|format| (format.to_string(), format)).collect()
}

#[test]
fn every_byte_at_every_place_of_every_item_of_the_layouts_goes_back_as_it_came_or_says_why_not() {
    let formats = formats();
    assert!(formats.len() > 40, "{}", formats.len());
    for (name, format) in formats {
        let length = usize::from(format.length);
        // Not filled, filled with what every format takes, filled with half of a character of two bytes each.
        for ground in [0x00, 0xFF, 0x31, 0x11, 0xD5] {
            let mut bytes = vec![ground; length];
            for at in 0..length {
                for byte in 0..=u8::MAX {
                    bytes[at] = byte;
                    assert!(holds(format, &bytes), "{name}: {bytes:02X?}");
                }
                bytes[at] = ground;
            }
            for other in [0, length / 2, length - 1, length + 1, 2 * length] {
                assert!(holds(format, &vec![ground; other]), "{name}: {other} bytes of {ground:02X}");
            }
        }
    }
}

#[test]
fn every_character_of_two_bytes_ends_an_item_of_the_layouts_whole_or_is_said_to_be_cut() {
    let lengths: BTreeSet<u8> =
        formats().into_iter().filter(|(_, it)| it.kind == FormatKind::An).map(|(_, it)| it.length).collect();
    assert!(lengths.len() > 20, "{lengths:?}");
    for length in lengths.into_iter().filter(|length| *length > 1) {
        let format = Format { kind: FormatKind::An, length };
        let mut bytes = vec![b'A'; length.into()];
        let end = bytes.len();
        for lead in 0x81..=0xFE_u8 {
            for trail in 0x40..=0xFE_u8 {
                bytes[end - 2..].copy_from_slice(&[lead, trail]);
                assert!(holds(format, &bytes), "{length}: {lead:02X}{trail:02X}");
            }
            // The first half alone, where the item ends.
            bytes[end - 2..].copy_from_slice(&[b'A', lead]);
            let (_, faults) = decode(format, &bytes);
            assert!(!faults.is_empty(), "{length}: {lead:02X} alone");
        }
    }
}

#[test]
fn every_number_of_digits_and_every_power_of_an_amount_goes_there_and_back() {
    for (name, format) in formats() {
        let length = usize::from(format.length);
        let there_and_back = |value: Value| {
            let bytes = encode(format, &value).unwrap_or_else(|error| panic!("{name}: {value:?}: {error}"));
            assert_eq!((bytes.len(), decode(format, &bytes)), (length, (value, Vec::new())), "{name}");
        };
        let digits = |count: usize| Value::from("9876543210".chars().cycle().take(count).collect::<String>());
        match format.kind {
            FormatKind::Cn => {
                (0..=2 * length).for_each(|count| there_and_back(digits(count)));
                assert!(encode(format, &digits(2 * length + 1)).is_err(), "{name}");
            }
            FormatKind::An => {
                (0..=length).for_each(|count| there_and_back(Value::from("A".repeat(count))));
                (0..=length / 2).for_each(|count| there_and_back(Value::from("张".repeat(count))));
                assert!(encode(format, &Value::from("张".repeat(length / 2 + 1))).is_err(), "{name}");
            }
            FormatKind::CnAmount | FormatKind::BAmount | FormatKind::BSequence => {
                let base: u64 = if format.kind == FormatKind::CnAmount { 10 } else { 2 };
                let places = if base == 10 { 2 * length } else { 8 * length };
                let most = u32::try_from(places).ok().and_then(|places| base.checked_pow(places)).expect("below 2^64");
                let powers = (0..places).filter_map(|place| base.checked_pow(u32::try_from(place).ok()?));
                let values = powers.flat_map(|power| [power - 1, power, power + 1]).chain([most - 1]);
                values.filter(|value| *value < most).for_each(|value| there_and_back(Value::Number(value)));
                assert!(encode(format, &Value::Number(most)).is_err(), "{name}");
            }
            FormatKind::B => there_and_back(Value::bytes(&vec![0xA5; length])),
            FormatKind::BTlv => unreachable!("left out above"),
        }
    }
}

#[test]
fn text_ends_at_the_first_nul_and_blanks_that_fill_the_item_are_told() {
    for (bytes, text, faults) in [
        (&b"AB\0\0"[..], "AB", vec![]),
        (b"AB  ", "AB  ", vec![Fault::BlankPadding]),
        (b"AB\xA1\xA1", "AB\u{3000}", vec![Fault::BlankPadding]),
        (b"  AB", "  AB", vec![]),
        (b"    ", "    ", vec![Fault::BlankPadding]),
        (b"AB \0", "AB ", vec![]),
        (b"A \0\0", "A ", vec![]),
        (b"\0\0\0\0", "", vec![]),
        (b"\0AB\0", "", vec![Fault::AfterEnd]),
        (b"A\0 \0", "A", vec![Fault::AfterEnd]),
        (b"AB\xFF\xFF", "AB", vec![Fault::FfPadding]),
        (b"A \xFF\xFF", "A ", vec![Fault::FfPadding]),
    ] {
        let (value, found) = decode(format("an(4)"), bytes);
        assert_eq!((value.as_text(), found), (Some(text), faults.clone()), "{bytes:02X?}");
        if faults.is_empty() {
            assert_eq!(encode(format("an(4)"), &value).as_deref(), Ok(bytes));
        }
    }
}

/// 㐂 and 𠮷 have four bytes in GB 18030, none in GBK.
const FOUR_BYTES: [(&str, [u8; 4]); 2] = [("㐂", [0x81, 0x39, 0xEF, 0x31]), ("𠮷", [0x95, 0x34, 0xB2, 0x35])];

#[test]
fn characters_of_four_bytes_are_read_whole_and_never_written() {
    for (character, code) in FOUR_BYTES {
        let (value, faults) = decode(format("an(6)"), &[&code[..], &[0, 0]].concat());
        let seen = value.as_text().expect("a text").to_owned();
        assert_eq!((seen.chars().count(), faults), (1, vec![Fault::Unusual]), "{character}");
        assert_eq!(encode(format("an(6)"), &value).map_err(|error| error.code()), Err("VALUE_NOT_IN_GBK"));
        // Cut off inside, at each of its bytes: a fault beside what is left, never another character in its place.
        for cut in 1..4 {
            let (value, faults) = decode(format("an(6)"), code.get(..cut).expect("shorter"));
            assert!(faults.contains(&Fault::BadGbk), "{character} cut at {cut}: {faults:?}");
            assert!(!value.as_text().expect("a text").contains(&seen), "{character} cut at {cut}");
        }
    }
}

#[test]
fn a_name_is_split_before_the_character_that_does_not_fit_wherever_that_is() {
    for ascii in 0..=NAME_BYTES {
        // A one-byte head shifts where the two-byte characters fall.
        for count in 0..=25 {
            let full = format!("{}{}", "A".repeat(ascii), "张".repeat(count));
            let bytes = ascii + 2 * count;
            let first = if ascii >= NAME_BYTES { NAME_BYTES } else { ascii + (NAME_BYTES - ascii) / 2 * 2 }.min(bytes);
            match SplitName::of(&full) {
                Ok(split) => {
                    assert_eq!(split.full(), full);
                    let lengths = [&split.name, &split.extension].map(|part| encode_text(part).expect("GBK").len());
                    assert_eq!(lengths, [first, bytes - first], "{ascii} {count}");
                    assert!(lengths[1] <= EXTENSION_BYTES);
                }
                Err(NameError::Empty) => assert_eq!(bytes, 0),
                Err(error) => assert!(bytes - first > EXTENSION_BYTES, "{ascii} {count}: {error}"),
            }
        }
        for (character, _) in FOUR_BYTES {
            let full = format!("{}{character}", "A".repeat(ascii));
            let error = SplitName::of(&full).expect_err("not in GBK");
            assert!(matches!(error, NameError::NotInGbk(place) if place.position == ascii + 1), "{error}");
        }
    }
}

#[test]
fn every_character_of_gbk_at_the_border_of_the_name_goes_whole_to_one_side() {
    let mut split = 0;
    for character in (0..=u32::from(char::MAX)).filter_map(char::from_u32).filter(|character| !character.is_control()) {
        let code = character.to_string();
        match encode_text(&code) {
            Ok(bytes) if bytes.len() == 2 => {
                // Two bytes before the border, one, none; and the same before the end of the extension.
                for (before, fits) in [(28, NAME_BYTES), (29, 29), (30, NAME_BYTES)] {
                    let full = format!("{}{character}B", "A".repeat(before));
                    let SplitName { name, extension } = SplitName::of(&full).expect("short enough");
                    assert_eq!(encode_text(&name).map(|name| name.len()), Ok(fits), "{character} after {before}");
                    assert_eq!((name.contains(character), name + &extension), (before == 28, full));
                }
                split += 1;
            }
            Ok(_) => {}
            // Four bytes in GB 18030, or none: refused with its place wherever it stands.
            Err(_) => {
                for before in [0, 29].into_iter().filter(|before| *before == 0 || character <= '\u{FFFF}') {
                    let error = SplitName::of(&format!("{}{character}", "A".repeat(before))).expect_err("not in GBK");
                    assert!(matches!(error, NameError::NotInGbk(place) if place.position == before + 1), "{error}");
                }
            }
        }
    }
    assert_eq!(split, 21_791, "as many as code page 936 has");
    for (before, fits) in [(18, true), (19, false)] {
        let full = format!("{}{}张", "A".repeat(NAME_BYTES), "B".repeat(before));
        assert_eq!(SplitName::of(&full).is_ok(), fits, "{before}");
    }
}
