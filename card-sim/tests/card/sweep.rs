//! The whole domain of the door: for every command all 65,536 parameters and all lengths, against a table spelt here from the
//! command tables and not from the card's own.

use std::collections::BTreeMap;

use super::rig::{Rig, blank};

/// Which P3 a command takes with some parameters.
#[derive(Clone, Copy)]
enum Takes {
    /// Lc, data follow.
    Data(fn(usize) -> bool),
    /// Le, no data; 0 asks for 256.
    Nothing(fn(usize) -> bool),
}
use Takes::{Data, Nothing};

/// CLA INS, the parameters it knows, and with some of them the lengths that it takes.
struct Row {
    head: u16,
    knows: fn(u8, u8) -> bool,
    lengths: &'static [(u8, u8, Takes)],
}

/// SFI 1 to 30, or 0 for the current file.
const fn file_of(p2: u8) -> bool {
    p2 >> 3 != 31
}

const fn binary(p1: u8) -> bool {
    matches!(p1, 0x00..=0x7F | 0x81..=0x9E)
}

const ANY: fn(usize) -> bool = |_| true;
const SOME: fn(usize) -> bool = |length| length > 0;
const FOUR: fn(usize) -> bool = |length| length == 4;
const ELEVEN: fn(usize) -> bool = |length| length == 0x0B;
const EIGHTS: fn(usize) -> bool = |length| length > 0 && length % 8 == 0;
const PAIR: fn(usize) -> bool = |length| length == 0x10;
const UNDER_MAC: fn(usize) -> bool = |length| length > 4;
const ZEROS: fn(u8, u8) -> bool = |p1, p2| p1 == 0 && p2 == 0;

const EVERY_CARD: &[Row] = &[
    Row {
        head: 0x00A4,
        knows: |p1, p2| p2 == 0 && matches!(p1, 0 | 1 | 2 | 4),
        lengths: &[
            (4, 0, Data(|length| matches!(length, 1..=16))),
            (0, 0, Data(|length| length == 2)),
            (1, 0, Data(|length| length == 2)),
            (2, 0, Data(|length| length == 2)),
        ],
    },
    Row {
        head: 0x00B2,
        knows: |_, p2| file_of(p2) && matches!(p2 & 7, 0 | 4 | 5),
        lengths: &[(1, 0x2C, Nothing(ANY)), (1, 4, Nothing(ANY))],
    },
    Row {
        head: 0x00DC,
        knows: |p1, p2| file_of(p2) && (matches!(p2 & 7, 0 | 4) || p2 & 7 == 3 && p1 == 0),
        lengths: &[(1, 0x2C, Data(SOME)), (0, 3, Data(SOME))],
    },
    Row { head: 0x00E2, knows: |p1, p2| p1 == 0 && file_of(p2) && p2 & 7 == 0, lengths: &[(0, 0x38, Data(SOME))] },
    Row { head: 0x00B0, knows: |p1, _| binary(p1), lengths: &[(0x85, 0, Nothing(ANY)), (0, 0, Nothing(ANY))] },
    Row { head: 0x00D6, knows: |p1, _| binary(p1), lengths: &[(0x85, 0, Data(SOME)), (0, 0, Data(SOME))] },
    Row { head: 0x00C0, knows: ZEROS, lengths: &[(0, 0, Nothing(ANY))] },
    Row { head: 0x0084, knows: ZEROS, lengths: &[(0, 0, Nothing(|le| matches!(le, 4 | 8 | 16)))] },
    Row { head: 0x0082, knows: |p1, _| p1 == 0, lengths: &[(0, 4, Data(PAIR)), (0, 0x84, Data(PAIR))] },
    Row { head: 0x0088, knows: ZEROS, lengths: &[(0, 0, Data(PAIR))] },
    Row { head: 0x84D4, knows: ZEROS, lengths: &[(0, 0, Data(|length| matches!(length, 0x14 | 0x1C)))] },
];

const USER: &[Row] = &[
    Row { head: 0x0020, knows: ZEROS, lengths: &[(0, 0, Data(|length| matches!(length, 2..=6)))] },
    Row {
        head: 0x841E,
        knows: |p1, p2| p1 == 0 && matches!(p2, 0 | 1),
        lengths: &[(0, 0, Data(FOUR)), (0, 1, Data(FOUR))],
    },
    Row { head: 0x8418, knows: ZEROS, lengths: &[(0, 0, Data(FOUR))] },
    Row { head: 0x8416, knows: ZEROS, lengths: &[(0, 0, Data(FOUR))] },
];

const SOCIAL: &[Row] = &[
    Row {
        head: 0x805E,
        knows: |p1, p2| p1 == 1 && p2 == 0,
        lengths: &[(1, 0, Data(|length| matches!(length, 5..=13)))],
    },
    Row {
        head: 0x8424,
        knows: |p1, p2| p1 == 0 && matches!(p2, 0 | 1),
        lengths: &[(0, 0, Data(FOUR)), (0, 1, Data(|length| length == 0x0C))],
    },
    Row { head: 0xB026, knows: |p1, p2| p1 == 0 && matches!(p2, 1..=3), lengths: &[(0, 1, Nothing(ANY))] },
    Row {
        head: 0xB028,
        knows: |p1, p2| matches!((p1, p2), (0, 1) | (1, 1)),
        lengths: &[(0, 1, Data(ELEVEN)), (1, 1, Data(|length| length == 0x13))],
    },
    Row { head: 0xB02A, knows: ZEROS, lengths: &[(0, 0, Data(ELEVEN))] },
    Row { head: 0xB02C, knows: |p1, p2| (p1, p2) == (1, 0), lengths: &[(1, 0, Data(|length| length == 0x0F))] },
    Row {
        head: 0xB032,
        knows: |p1, p2| p1 == 0 && matches!(p2, 0x01 | 0x32),
        lengths: &[(0, 0x32, Data(|length| length == 2))],
    },
];

const PURSE: &[Row] = &[
    Row { head: 0x0082, knows: |p1, _| p1 == 0, lengths: &[(0, 1, Data(|length| length == 8))] },
    Row {
        head: 0x0088,
        knows: |p1, _| matches!(p1, 0..=2),
        lengths: &[(0, 1, Data(EIGHTS)), (1, 1, Data(EIGHTS)), (2, 1, Data(SOME))],
    },
    Row {
        head: 0x805E,
        knows: |p1, p2| matches!(p1, 0 | 1) && p2 == 0,
        lengths: &[(1, 0, Data(|length| matches!(length, 5..=13))), (0, 0, Data(|length| matches!(length, 6..=10)))],
    },
    Row { head: 0x8424, knows: |p1, p2| (p1, p2) == (0, 1), lengths: &[(0, 1, Data(|length| length == 0x0C))] },
    Row {
        head: 0x8050,
        knows: |p1, p2| matches!((p1, p2), (0 | 1, 1 | 2) | (2 | 4 | 5, 1) | (3, 2)),
        lengths: &[
            (0, 1, Data(ELEVEN)),
            (1, 2, Data(ELEVEN)),
            (2, 1, Data(ELEVEN)),
            (3, 2, Data(ELEVEN)),
            (5, 1, Data(ELEVEN)),
            (4, 1, Data(|length| length == 7)),
        ],
    },
    Row { head: 0x8052, knows: ZEROS, lengths: &[(0, 0, Data(ELEVEN))] },
    Row {
        head: 0x8054,
        knows: |p1, p2| matches!(p1, 1 | 3) && p2 == 0,
        lengths: &[(1, 0, Data(|length| length == 0x0F)), (3, 0, Data(ELEVEN))],
    },
    Row { head: 0x8058, knows: ZEROS, lengths: &[(0, 0, Data(|length| length == 0x0E))] },
    Row {
        head: 0x805A,
        knows: |p1, p2| p1 == 0 && matches!(p2, 1..=7 | 9),
        lengths: &[(0, 9, Data(|length| length == 2))],
    },
    Row { head: 0x805C, knows: |p1, p2| p1 == 0 && matches!(p2, 1 | 2), lengths: &[(0, 2, Nothing(ANY))] },
    Row { head: 0x80DC, knows: |_, p2| file_of(p2) && matches!(p2 & 7, 0 | 4), lengths: &[(0xAA, 0xC8, Data(SOME))] },
    Row { head: 0x04D6, knows: |p1, _| binary(p1), lengths: &[(0x95, 0, Data(UNDER_MAC))] },
    Row { head: 0x04DC, knows: |_, p2| file_of(p2) && matches!(p2 & 7, 0 | 4), lengths: &[(1, 0xCC, Data(UNDER_MAC))] },
];

const PSAM: &[Row] = &[
    Row { head: 0xBFDE, knows: |_, _| true, lengths: &[(0x48, 0x12, Data(EIGHTS))] },
    Row { head: 0x801A, knows: |_, _| true, lengths: &[(0x48, 0x44, Data(|length| length % 8 == 0))] },
    Row {
        head: 0x80FA,
        knows: |p1, p2| matches!(p1, 0 | 1 | 2 | 3 | 5 | 7) && p2 == 0,
        lengths: &[
            (0, 0, Data(EIGHTS)),
            (1, 0, Data(EIGHTS)),
            (3, 0, Data(EIGHTS)),
            (5, 0, Data(|length| length > 8 && length % 8 == 0)),
            (7, 0, Data(|length| length > 8 && length % 8 == 0)),
        ],
    },
    Row {
        head: 0x8070,
        knows: |p1, p2| matches!(p1, 0 | 1) && p2 == 0,
        lengths: &[
            (0, 0, Data(|length| matches!(length, 0x14 | 0x1C | 0x24 | 0x2C))),
            (1, 0, Data(|length| matches!(length, 0x1C | 0x24 | 0x2C | 0x34))),
        ],
    },
    Row { head: 0x8072, knows: ZEROS, lengths: &[(0, 0, Data(FOUR))] },
];

/// What the certificate application adds to a card: commands of its own, and more parameters of others.
const CERTIFICATE: &[Row] = &[
    Row {
        head: 0x84D4,
        knows: |p1, p2| matches!(p1, 0 | 1) && p2 == 0,
        lengths: &[(0, 0, Data(|length| matches!(length, 0x14 | 0x1C))), (1, 0, Data(|length| length == 0x24))],
    },
    Row { head: 0x8040, knows: ZEROS, lengths: &[(0, 0, Data(SOME))] },
    Row {
        head: 0x80C9,
        knows: |p1, p2| p1 == 0x82 && matches!(p2, 0 | 0x80),
        lengths: &[(0x82, 0, Data(SOME)), (0x82, 0x80, Nothing(ANY))],
    },
    Row { head: 0x80C4, knows: |p1, p2| (p1, p2) == (1, 3), lengths: &[(1, 3, Data(SOME))] },
    Row { head: 0x845E, knows: |p1, p2| (p1, p2) == (1, 0), lengths: &[(1, 0, Data(|length| length == 0x14))] },
    Row { head: 0x804E, knows: |p1, p2| (p1, p2) == (0, 1), lengths: &[(0, 1, Data(SOME))] },
    Row { head: 0x804A, knows: |p1, p2| (p1, p2) == (2, 0x10), lengths: &[(2, 0x10, Data(SOME))] },
    Row {
        head: 0x80C2,
        knows: |p1, p2| matches!((p1, p2), (0x40, 0) | (0xC0, 1)),
        lengths: &[(0x40, 0, Data(SOME)), (0xC0, 1, Data(SOME))],
    },
    Row { head: 0x804C, knows: ZEROS, lengths: &[(0, 0, Data(SOME))] },
];

/// Sends bytes; the status word.
fn sw(rig: &Rig, answer: &mut Vec<u8>, head: u16, rest: &[u8]) -> u16 {
    answer.clear();
    let command = [&head.to_be_bytes()[..], rest].concat();
    rig.socket.card().transmit(&command, answer).expect("a powered card answers");
    u16::from_be_bytes(*answer.last_chunk().expect("a status word"))
}

fn sweep(profile: &str, rows: &[&[Row]]) {
    let rig = blank(profile);
    let mut answer = Vec::new();
    // A later row for the same command replaces an earlier one.
    let rows: BTreeMap<u16, &Row> = rows.iter().copied().flatten().map(|row| (row.head, row)).collect();
    for row in rows.values() {
        parameters(&rig, &mut answer, profile, row);
        for (p1, p2, takes) in row.lengths {
            lengths(&rig, &mut answer, row.head, [*p1, *p2], *takes);
        }
    }
}

/// `6A86` says that the parameters are wrong, and nothing else does.
fn parameters(rig: &Rig, answer: &mut Vec<u8>, profile: &str, row: &Row) {
    let mut known = 0_u32;
    for (p1, p2) in (0..=u8::MAX).flat_map(|p1| (0..=u8::MAX).map(move |p2| (p1, p2))) {
        let refused = sw(rig, answer, row.head, &[p1, p2, 0x01, 0x00]) == 0x6A86;
        assert_eq!(refused, !(row.knows)(p1, p2), "{profile} {:04X} {p1:02X}{p2:02X}", row.head);
        known += u32::from(!refused);
    }
    assert!(known > 0, "{profile} {:04X}", row.head);
}

/// `6700` says that the length is wrong. With nothing selected a right length goes no further than that.
fn lengths(rig: &Rig, answer: &mut Vec<u8>, head: u16, [p1, p2]: [u8; 2], takes: Takes) {
    for length in 0..=usize::from(u8::MAX) {
        let p3 = u8::try_from(length).expect("a byte");
        let place = format!("{head:04X} {p1:02X}{p2:02X} {length:02X}");
        let mut refused = |body: usize| {
            let rest = [&[p1, p2, p3][..], &vec![0; body]].concat();
            sw(rig, answer, head, &rest) == 0x6700
        };
        match takes {
            Data(right) => {
                assert_eq!(refused(length), !right(length), "{place}");
                if length > 0 {
                    assert_eq!(refused(length + 1), !right(length), "{place}: an Le after it is the reader's");
                    assert!(refused(length - 1) && refused(length + 2), "{place}: fewer or more bytes");
                }
            }
            Nothing(right) => {
                assert_eq!(refused(0), !right(length), "{place}");
                assert!(refused(1) && refused(length.max(1)), "{place}: data where none belong");
            }
        }
    }
    for bytes in [&[][..], &[p1]] {
        assert_eq!(sw(rig, answer, head, bytes), 0x6700, "{head:04X}: a header cut off");
    }
}

#[test]
fn a_social_security_card_knows_its_parameters_and_lengths_and_no_others() {
    sweep("ssc-3.0", &[EVERY_CARD, USER, SOCIAL, CERTIFICATE]);
}

#[test]
fn a_purse_knows_its_parameters_and_lengths_and_no_others() {
    // What every card has is swept on the other two.
    sweep("pboc-purse", &[USER, PURSE]);
}

#[test]
fn a_psam_knows_its_parameters_and_lengths_and_no_others() {
    sweep("psam", &[EVERY_CARD, PSAM]);
}

#[test]
fn an_sm4_card_takes_its_own_lengths() {
    let rig = blank("ssc-3.0-sm4");
    let mut answer = Vec::new();
    let rows: [(u16, u8, u8, Takes); 4] = [
        (0x0082, 0, 4, Data(|length| matches!(length, 0x10 | 0x11))),
        (0x0088, 0, 0, Data(|length| matches!(length, 0x10 | 0x11))),
        (0x8424, 0, 1, Data(|length| length == 0x14)),
        (0x84D4, 0, 0, Data(|length| matches!(length, 0x14 | 0x24))),
    ];
    for (head, p1, p2, takes) in rows {
        lengths(&rig, &mut answer, head, [p1, p2], takes);
    }
}
