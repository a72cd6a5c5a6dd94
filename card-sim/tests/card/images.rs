//! Images that earlier versions of the program made, kept as bytes; and files that are none, or are of a later version.
//!
//! Each was made with `card-sim new` of its time from a small profile and then used: one wrong PIN, a record written, five
//! records into a cyclic file of four.

use std::path::{Path, PathBuf};

use card_sim::LAYOUT;
use card_sim::image::{self, ImageError, Malformed};
use card_sim::memory::Durability;

/// Layout, and an image of it.
const KEPT: [(u32, &[u8]); 2] =
    [(1, include_bytes!("../fixtures/layout-1.card")), (2, include_bytes!("../fixtures/layout-2.card"))];
/// Where the header says the format and the layout.
const FORMAT_AT: usize = 8;
const LAYOUT_AT: usize = 12;

fn number(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes(*bytes[at..].first_chunk().expect("four bytes"))
}

fn written(folder: &Path, bytes: &[u8]) -> PathBuf {
    let path = folder.join("a.card");
    std::fs::write(&path, bytes).expect("written");
    path
}

fn send(card: &mut card_sim::Card, command: &str) -> String {
    let mut answer = Vec::new();
    card.transmit(&hex::decode(command).expect("hex"), &mut answer).expect("answer");
    hex::encode_upper(answer)
}

#[test]
fn every_layout_that_there_was_loads_with_all_that_its_card_knew() {
    let folder = tempfile::tempdir().expect("folder");
    for (layout, bytes) in KEPT {
        assert_eq!((number(bytes, FORMAT_AT), number(bytes, LAYOUT_AT)), (image::FORMAT, layout));
        let path = written(folder.path(), bytes);
        // Looking changes nothing, the old layout stays.
        for _ in 0..2 {
            let (identity, inspection) = image::inspect(&path).expect("an older image");
            assert_eq!((identity.mark.as_str(), inspection.pin.expect("a PIN").tries_left), ("REHEARSAL", 2));
            assert_eq!(inspection.files["SSSE.EF05"], ["050420260101"]);
            assert_eq!(inspection.files["SSSE.EF07"], ["0005", "0004", "0003", "0002"]);
            assert!(inspection.blocked.is_empty());
            assert!(std::fs::read(&path).expect("image") == bytes);
        }
        let mut card = image::open(&path, Durability::Disk).expect("an older image");
        card.power_on().expect("power");
        assert_eq!(send(&mut card, "00A4000002DDF1"), "6113");
        assert_eq!(send(&mut card, "0020000003999999"), "63C1", "the wrong PIN of its former life counts");
        assert_eq!(send(&mut card, "0020000003123456"), "9000");
        assert_eq!(send(&mut card, "00E20038020006"), "9000");
        drop(card);
        let renewed = std::fs::read(&path).expect("image");
        assert_eq!(number(&renewed, LAYOUT_AT), LAYOUT, "a reader renews it");
        let (_, inspection) = image::inspect(&path).expect("renewed");
        assert_eq!(inspection.files["SSSE.EF07"], ["0006", "0005", "0004", "0003"]);
        assert_eq!(inspection.pin.expect("a PIN").tries_left, 3);
    }
    assert!(KEPT.iter().any(|(layout, _)| *layout == LAYOUT), "keep an image of every layout");
}

#[test]
fn a_later_version_is_refused_by_its_number_and_left_alone() {
    let folder = tempfile::tempdir().expect("folder");
    let (_, sound) = KEPT[KEPT.len() - 1];
    for (at, later) in [(FORMAT_AT, image::FORMAT + 1), (LAYOUT_AT, LAYOUT + 1), (LAYOUT_AT, 0), (FORMAT_AT, 0)] {
        let mut bytes = sound.to_vec();
        bytes[at..at + 4].copy_from_slice(&later.to_be_bytes());
        let path = written(folder.path(), &bytes);
        for error in [
            image::inspect(&path).map(|_| ()).expect_err("another version"),
            image::open(&path, Durability::Disk).map(|_| ()).expect_err("another version"),
        ] {
            let Malformed::Version { format, layout } = problem(&error) else { panic!("{error}") };
            assert_eq!(if at == FORMAT_AT { format } else { layout }, later);
            assert!(error.to_string().contains(&format!("layouts 1 to {LAYOUT}")), "{error}");
        }
        assert!(std::fs::read(&path).expect("image") == bytes);
    }
}

fn problem(error: &ImageError) -> Malformed {
    assert_eq!(error.code(), "IMAGE_MALFORMED");
    match error {
        ImageError::Malformed { problem, .. } => *problem,
        other => panic!("{other}"),
    }
}

#[test]
fn what_is_cut_off_or_foreign_is_refused() {
    let folder = tempfile::tempdir().expect("folder");
    for (_, bytes) in KEPT {
        for end in (0..bytes.len()).step_by(61).chain(bytes.len() - 40..bytes.len()) {
            let path = written(folder.path(), &bytes[..end]);
            let error = image::inspect(&path).map(|_| ()).expect_err("cut off");
            assert_eq!(error.code(), "IMAGE_MALFORMED", "{end}");
            assert!(image::open(&path, Durability::Disk).is_err(), "{end}");
        }
        let longer = [bytes, &[0]].concat();
        let path = written(folder.path(), &longer);
        // An image that is being renewed is longer than it says; one of this layout is not.
        assert_eq!(image::inspect(&path).is_err(), number(bytes, LAYOUT_AT) == LAYOUT);
    }
    for foreign in [&b""[..], b"{}", b"\x7FELF", b"SSCCARD", &[0; 9000], &[0xFF; 70]] {
        let error = image::inspect(&written(folder.path(), foreign)).map(|_| ()).expect_err("foreign");
        assert_eq!(problem(&error), Malformed::Magic);
    }
}

#[test]
fn a_look_at_a_card_that_its_reader_writes_to_falls_between_two_states() {
    let folder = tempfile::tempdir().expect("folder");
    let (_, bytes) = KEPT[KEPT.len() - 1];
    let path = written(folder.path(), bytes);
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut card = image::open(&path, Durability::Process).expect("free");
            card.power_on().expect("power");
            send(&mut card, "00A4000002DDF1");
            let mut number = 5_u16;
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                number = number.wrapping_add(1);
                assert_eq!(send(&mut card, &format!("00E2003802{number:04X}")), "9000");
                std::thread::yield_now();
            }
        });
        let mut looks = 0;
        for _ in 0..200 {
            let Ok((_, inspection)) = image::inspect(&path) else { continue };
            looks += 1;
            let records: Vec<u16> = inspection.files["SSSE.EF07"]
                .iter()
                .map(|record| u16::from_str_radix(record, 16).expect("hex"))
                .collect();
            assert_eq!(records.len(), 4);
            assert!(records.windows(2).all(|pair| pair[0].wrapping_sub(pair[1]) == 1), "{records:?}");
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        assert!(looks > 20, "{looks} looks of 200");
    });
}
