//! Any byte that a card stores, and what the verifier says when it is another one.

use std::collections::{BTreeMap, BTreeSet};

use card_core::Response;
use card_core::script::Step;
use card_profiles::builtin;
use card_profiles::plan::Problem;
use card_profiles::profile::{EfKind, KeyClass};
use card_sim::Inspection;

use crate::cells::{Cell, cells};
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
                        assert_eq!(place.item_id(), Some(&*row.id), "{file}");
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

/// What a look inside shows at different places: `keys.SSSE.PUK`, `files.DF01.EF05[3]`, `account`.
fn places(before: &serde_json::Value, after: &serde_json::Value) -> BTreeSet<String> {
    let mut places = BTreeSet::new();
    for part in ["keys", "files"] {
        let [before, after] = [before, after].map(|look| look[part].as_object().expect("an object"));
        assert_eq!(before.len(), after.len());
        for ((name, value), (same, other)) in before.iter().zip(after) {
            assert_eq!(name, same);
            match (value.as_array(), other.as_array()) {
                (Some(old), Some(new)) if old.len() == new.len() => {
                    let differ = (0..old.len()).filter(|at| old[*at] != new[*at]);
                    places.extend(differ.map(|at| format!("{part}.{name}[{}]", at + 1)));
                }
                _ if value != other => drop(places.insert(format!("{part}.{name}"))),
                _ => {}
            }
        }
    }
    for part in ["pin", "account", "certificates", "blocked"] {
        if before.get(part) != after.get(part) {
            places.insert(part.to_owned());
        }
    }
    places
}

#[test]
fn a_damaged_byte_of_the_memory_shows_at_its_own_place_and_nowhere_else() {
    for (name, least) in [("ssc-1.0", 1_000), ("ssc-3.0", 4_000)] {
        let profile = builtin(name).expect("built in");
        let made = made(&profile, &everything(&profile));
        let look = || made.socket.card().inspect();
        let shown_as = |look: &Inspection| serde_json::to_value(look).expect("plain data");
        let (cells, sound) = (cells(&profile), look());
        let before = shown_as(&sound);
        assert_eq!(cells.len(), made.socket.card().memory_bytes(), "{name}: the table of the format is whole");
        let mut shown = 0;
        for (address, cell) in cells.iter().enumerate() {
            // More tries than a key has are as many as it has.
            let mask = if matches!(cell, Cell::Key(_, 1)) { 1 } else { 1 << (address % 8) };
            made.socket.card().flip(address, mask).expect("in memory");
            let now = look();
            let found = if now == sound { BTreeSet::new() } else { places(&before, &shown_as(&now)) };
            made.socket.card().flip(address, mask).expect("in memory");
            let only = |place: String| BTreeSet::from([place]);
            let expected = match cell {
                // Version 0 and a key that is not there look alike only where it is not there.
                Cell::Key(key, 0..=2) => only(format!("keys.{key}")),
                Cell::Pin(0..=1) => only("pin".to_owned()),
                Cell::File(df, file, byte) => {
                    let (df, ef) = (&profile.df[*df], &profile.df[*df].ef[*file]);
                    let place = format!("files.{}.{}", df.id, ef.id);
                    match ef.kind {
                        EfKind::TlvRecords => only(format!("{place}[{}]", record_at(ef, *byte).0)),
                        EfKind::Transparent => only(format!("{place}[1]")),
                        // Nothing was written to it: the count of its records is what shows.
                        EfKind::Cyclic if *byte == 1 => only(place),
                        EfKind::Cyclic => BTreeSet::new(),
                    }
                }
                Cell::Account(0..18) => only("account".to_owned()),
                Cell::Certificate(pin, 0..=1) if pin.ends_with("_pin") => only("certificates".to_owned()),
                Cell::Certificate(file, _) if before["files"].get(format!("CERT.{file}")).is_some() => {
                    only(format!("files.CERT.{file}[1]"))
                }
                Cell::Block(byte) if *byte != 1 => only("blocked".to_owned()),
                // Keys and PIN digits are shown nowhere: the proofs below find those. Proofs of transactions and a log
                // without a transaction say nothing yet.
                Cell::Log
                | Cell::Key(..)
                | Cell::Pin(_)
                | Cell::Account(_)
                | Cell::Certificate(..)
                | Cell::Block(_) => BTreeSet::new(),
            };
            let pin_digit = matches!(cell, Cell::Pin(_)) && found == only("pin".to_owned());
            assert!(found == expected || pin_digit, "{name} byte {address}, {cell:?}: {found:?}");
            shown += usize::from(!found.is_empty());
        }
        assert!(shown > least, "{name}: {shown}");
    }
}

#[test]
fn a_damaged_byte_of_a_key_is_found_by_its_proof() {
    let profile = builtin("ssc-3.0").expect("built in");
    let made = made(&profile, &everything(&profile));
    let factor = card_core::Atr::parse(made.socket.card().atr()).and_then(|atr| atr.card_factor()).expect("an ATR");
    let city = card_core::security::CityCode::parse("513300").expect("six digits");
    let factors = card_core::security::Factors::of(city, factor);
    let (mut ring, mut proved) = (crate::rehearsal::vault(&profile), 0);
    let mut session = card_core::Session::new(Box::new(made.socket.connect().expect("comes up")));
    for (address, cell) in cells(&profile).iter().enumerate() {
        let Cell::Key(name, 4..) = cell else { continue };
        let Some(row) = profile.key.iter().find(|row| format!("{}.{}", row.df, row.name) == *name) else { continue };
        let of_first = row.df == profile.df[0].id || !profile.lasts_until_reset(row);
        let key = profile.key_of_card(row, 1, &factors);
        let step = match row.class {
            _ if profile.proves(row) && of_first => Step::Authenticate { key, id: row.id },
            KeyClass::Irk => Step::CheckCard { key, from: card_core::script::Nonces::Terminal },
            _ => continue,
        };
        let df = profile.df(&row.df).expect("a directory");
        for first in profile.df.first().into_iter().filter(|first| first.id != df.id).chain([df]) {
            let select = card_core::command::select_by_fid(first.fid);
            assert!(session.send(&select).expect("answer").sw.is_ok());
        }
        // The lowest bit of each byte of a DES key is parity and takes no part.
        for (mask, is_seen) in [(0x80, true), (0x01, false)] {
            made.socket.card().flip(address, mask).expect("in memory");
            let answer = session.perform(&step, Some(&mut ring));
            made.socket.card().flip(address, mask).expect("in memory");
            let right = answer.is_ok_and(|answer| answer.sw.is_ok());
            assert_eq!(right, !is_seen, "{name} byte {address} bit {mask:02X}");
            assert!(session.perform(&step, Some(&mut ring)).expect("answer").sw.is_ok(), "{name}: sound again");
            proved += 1;
        }
    }
    assert!(proved > 2 * 16 * 35, "{proved}");
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
