//! Whole domains: every byte and every pair of bytes in every format, right length or not.

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

#[test]
fn text_ends_at_the_first_nul_and_spaces_belong_to_it() {
    for (bytes, text, faults) in [
        (&b"AB\0\0"[..], "AB", vec![]),
        (b"AB  ", "AB  ", vec![]),
        (b"  AB", "  AB", vec![]),
        (b"    ", "    ", vec![]),
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
