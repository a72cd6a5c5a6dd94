//! Any byte that a card stores, and what the verifier says when it is another one.

use std::collections::BTreeMap;

use card_core::Response;
use card_profiles::builtin;
use card_profiles::plan::Problem;
use card_profiles::profile::EfKind;

use crate::rehearsal::{everything, file_of, made, read_back};

#[test]
fn the_verifier_sees_every_stored_byte_and_names_its_file_record_and_item() {
    for name in ["ssc-3.0", "ssc-1.0"] {
        let profile = builtin(name).expect("built in");
        let made = made(&profile, &everything(&profile));
        let mut seen = BTreeMap::<String, Vec<u8>>::new();
        let mut flips = 0;
        for (step, answer) in read_back(&made) {
            let file = file_of(step, &profile);
            let start = seen.entry(file.clone()).or_default().len();
            let (df, ef) = file.split_once('.').expect("df.ef");
            let ef = profile.ef(df, ef).expect("a file");
            for index in 0..answer.data.len() {
                for flip in [0x01, 0x80, 0xFF] {
                    let mut data = answer.data.clone();
                    data[index] ^= flip;
                    let mismatch = step.judge(&Response { data, sw: answer.sw }).expect_err("a flipped byte is seen");
                    let place = mismatch.place.as_ref().expect("a place");
                    assert_eq!(format!("{}.{}", place.df(), place.ef()), file);
                    flips += 1;
                    if ef.kind == EfKind::TlvRecords {
                        let (record, byte) = record_at(ef, start + index);
                        assert_eq!(mismatch.problem, Problem::Record { record, byte }, "{file}");
                        let row = &ef.elements[usize::from(record) - 1];
                        assert_eq!(place.item.as_deref(), Some(&*row.id), "{file}");
                    } else {
                        assert_eq!(mismatch.problem, Problem::Byte(start + index), "{file}");
                    }
                }
            }
            seen.entry(file).or_default().extend(&answer.data);
        }
        // What was flipped is what the card stores: all files but the cyclic ones, byte for byte.
        let stored = made.socket.card().inspect().files;
        let mut bytes = 0;
        for (df, ef) in profile.df.iter().flat_map(|df| df.ef.iter().map(move |ef| (df, ef))) {
            if ef.kind != EfKind::Cyclic {
                let file = format!("{}.{}", df.id, ef.id);
                assert_eq!(hex::encode_upper(&seen[&file]), stored[&file].concat(), "{file}");
                bytes += seen[&file].len();
            }
        }
        assert_eq!(flips, 3 * bytes, "{name}");
        assert!(bytes > 2000, "{name}: {bytes}");
    }
}

/// Record number and byte of it at an offset of a TLV file.
fn record_at(ef: &card_profiles::Ef, mut offset: usize) -> (u8, usize) {
    for (number, row) in (1..).zip(&ef.elements) {
        let length = usize::from(row.format.length) + 2;
        if offset < length {
            return (number, offset);
        }
        offset -= length;
    }
    unreachable!("inside the file")
}
