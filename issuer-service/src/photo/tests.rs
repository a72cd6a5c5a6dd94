//! Photos that keep to the rules, and files that only look like photos. Every picture here is drawn.

use std::sync::LazyLock;

use jpeg_encoder::ColorType;
use proptest::prelude::*;

use super::drawn::{encoded, photo, pixels};
use super::fault::PhotoFault;
use super::rules::Rules;
use super::stored::Stored;
use super::*;

fn faults(bytes: &[u8]) -> Vec<PhotoFault> {
    Photo::check(bytes, &Rules::default()).err().unwrap_or_default()
}

fn before(background: [u8; 3]) -> Vec<u8> {
    encoded(&pixels(358, 441, background, 0), 358, 441, ColorType::Rgb, false)
}

#[test]
fn a_photo_as_asked_for_fits_every_chip_as_large_as_it_can_in_its_own_aspect() {
    let photo = Photo::check(&photo(0), &Rules::default()).expect("good");
    let mut before = 0;
    for capacity in [1_024, 2_048, 3_072, 4_096, 8_192, 1 << 20] {
        let chip = photo.reduced(capacity).expect("fits");
        assert!(chip.len() <= capacity, "{} of {capacity}", chip.len());
        let head = head::read(&chip, true).expect("a head");
        let (width, height) = (f64::from(head.width), f64::from(head.height));
        // Within half a pixel of the aspect of 358 to 441.
        assert!((width - height * 358.0 / 441.0).abs() <= 0.5, "{width} x {height}");
        assert!(head.height >= before, "a larger file holds no smaller picture");
        before = head.height;
        let again = Photo::decode(&chip, head.width, head.height).expect("our own picture opens");
        let white = again.white_share(200);
        assert!(white > 80, "{capacity} {}: {white} % of the background is still white", head.height);
    }
    assert_eq!(before, 441);
    assert!(photo.reduced(100).is_none());
}

#[test]
fn a_smaller_chip_gets_a_likeness_of_its_own() {
    let rules = Rules::default();
    let bytes = photo(0);
    let chip = Photo::check(&bytes, &rules).expect("good").reduced(4_096).expect("fits");
    let stored = Stored {
        original: bytes.into(),
        chip: chip.clone().into(),
        width: 358,
        height: 441,
        taken_in_by: String::new(),
        taken_in_at: String::new(),
    };
    assert_eq!(*stored.for_chip(4_096).expect("as it is"), chip);
    assert!(stored.for_chip(1_024).expect("smaller").len() <= 1_024);
    assert!(stored.for_chip(64).is_none());
}

#[test]
fn every_rule_is_told_by_its_name() {
    let rules = Rules::default();
    let small = encoded(&pixels(236, 295, [255; 3], 0), 236, 295, ColorType::Rgb, false);
    assert_eq!(faults(&small), [PhotoFault::Size { width: 236, height: 295, expected: (358, 441) }]);
    let blue = faults(&before([60, 100, 200]));
    assert!(matches!(blue[..], [PhotoFault::Background { share: 0..5, least: 90 }]), "{blue:?}");
    let grey = faults(&before([200; 3]));
    assert!(matches!(grey[..], [PhotoFault::Background { .. }]), "{grey:?}");
    let fewer = Rules { bytes_max: 6_000, ..rules };
    assert!(matches!(Photo::check(&photo(0), &fewer).expect_err("large")[..], [PhotoFault::Bytes { most: 6_000, .. }]));
    assert!(matches!(faults(b"GIF89a")[..], [PhotoFault::Bytes { found: 6, .. }, PhotoFault::NotJpeg]));
    let mut framed = pixels(358, 441, [255; 3], 0);
    for (index, pixel) in framed.chunks_exact_mut(PIXEL).enumerate() {
        if index % 358 < 12 || index % 358 >= 346 || index / 358 < 12 {
            pixel.fill(0);
        }
    }
    let framed = faults(&encoded(&framed, 358, 441, ColorType::Rgb, false));
    assert!(matches!(framed[..], [PhotoFault::Background { .. }]), "{framed:?}");
}

#[test]
fn pictures_for_other_uses_are_refused_each_by_its_name() {
    let rgb = pixels(358, 441, [255; 3], 0);
    assert_eq!(faults(&encoded(&rgb, 358, 441, ColorType::Rgb, true)), [PhotoFault::Progressive]);
    let grey: Vec<u8> = rgb.chunks_exact(PIXEL).map(|pixel| pixel[0]).collect();
    assert_eq!(faults(&encoded(&grey, 358, 441, ColorType::Luma, false)), [PhotoFault::Colour]);
    let print: Vec<u8> = rgb.chunks_exact(PIXEL).flat_map(|pixel| [pixel[0], pixel[1], pixel[2], 0]).collect();
    assert_eq!(faults(&encoded(&print, 358, 441, ColorType::Cmyk, false)), [PhotoFault::Cmyk]);
    for (big, first) in [(true, &b"MM\0*\0\0\0\x08\0\x01"[..]), (false, &b"II*\0\x08\0\0\0\x01\0"[..])] {
        for orientation in [1_u8, 6] {
            let row: &[u8] = if big {
                &[1, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0]
            } else {
                &[0x12, 1, 3, 0, 1, 0, 0, 0, orientation, 0, 0, 0]
            };
            let body = [b"Exif\0\0", first, row].concat();
            let length = u16::try_from(body.len() + 2).expect("short").to_be_bytes();
            let turned = [b"\xFF\xD8\xFF\xE1", &length[..], &body, &photo(0)[2..]].concat();
            let expected: &[PhotoFault] = if orientation == 1 { &[] } else { &[PhotoFault::Rotated] };
            assert_eq!(faults(&turned), expected, "{big} {orientation}");
        }
    }
}

#[test]
fn a_picture_that_claims_to_be_huge_is_refused_before_it_is_decoded() {
    let good = photo(0);
    let frame = good.windows(2).position(|pair| matches!(pair, [0xFF, 0xC0..=0xC2])).expect("a frame");
    let changed = |from: usize, bytes: &[u8]| {
        let mut changed = good.clone();
        changed[from..from + bytes.len()].copy_from_slice(bytes);
        faults(&changed)
    };
    let huge = PhotoFault::Size { width: 0xFFFF, height: 0xFFFF, expected: (358, 441) };
    assert_eq!(changed(frame + 5, &[0xFF; 4]), [huge]);
    assert_eq!(changed(frame + 1, &[0xC9]), [PhotoFault::Coding]);
    assert_eq!(changed(frame + 4, &[12]), [PhotoFault::Colour]);
}

#[test]
fn a_picture_that_is_cut_off_anywhere_is_refused() {
    let bytes = photo(0);
    for length in (0..bytes.len()).step_by(97).chain(bytes.len() - 3..bytes.len()) {
        assert!(!faults(&bytes[..length]).is_empty(), "{length} of {}", bytes.len());
    }
    for head in [&[0xFF, 0xD8, 0xFF][..], &[0xFF, 0xD8, 0xFF, 0xE0, 0, 1], &[0xFF, 0xD8, 0xFF, 0xE0, 0, 9, 1]] {
        assert_eq!(head::read(head, true), Err(PhotoFault::Damaged));
    }
}

#[test]
fn every_fault_has_a_code_of_its_own_and_words_in_both_languages() {
    use crate::lang::Lang;
    let faults = [
        PhotoFault::FileName,
        PhotoFault::PersonUnknown,
        PhotoFault::NameDiffers,
        PhotoFault::Twice { first: 1 },
        PhotoFault::Unreadable,
        PhotoFault::NotJpeg,
        PhotoFault::Damaged,
        PhotoFault::Coding,
        PhotoFault::Progressive,
        PhotoFault::Cmyk,
        PhotoFault::Rotated,
        PhotoFault::Colour,
        PhotoFault::Size { width: 1, height: 1, expected: (2, 2) },
        PhotoFault::Bytes { found: 1, least: 2, most: 3 },
        PhotoFault::Background { share: 1, least: 2 },
        PhotoFault::ChipTooSmall,
    ];
    let mut codes: Vec<_> = faults.iter().map(|fault| fault.code()).collect();
    codes.sort_unstable();
    codes.dedup();
    assert_eq!(codes.len(), faults.len());
    for fault in faults {
        for lang in [Lang::Zh, Lang::En] {
            let han = |text: &str| !text.is_ascii();
            assert_eq!(han(&fault.message(lang)), lang == Lang::Zh, "{fault:?}");
            assert_eq!(han(fault.remedy(lang)), lang == Lang::Zh, "{fault:?}");
        }
    }
}

fn good() -> &'static [u8] {
    static GOOD: LazyLock<Vec<u8>> = LazyLock::new(|| photo(0));
    &GOOD
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn no_changed_picture_ends_in_a_panic(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..20),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut bytes = good().to_vec();
        for (place, byte) in changes {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        // What a changed picture decodes to is a picture of the right size, or nothing.
        if let Ok(photo) = Photo::check(&bytes, &Rules::default()) {
            prop_assert_eq!(photo.pixels.len(), 358 * 441 * PIXEL);
        }
        bytes.truncate(cut.index(bytes.len()));
        prop_assert!(Photo::check(&bytes, &Rules::default()).is_err());
    }

    #[test]
    fn random_bytes_behind_any_head_are_refused(noise in proptest::collection::vec(any::<u8>(), 0..2_000), head in 0_usize..4) {
        let good = good();
        let scan = good.windows(2).position(|pair| pair == b"\xFF\xDA").expect("a scan");
        let kept = [0, 2, 20, scan + 14][head];
        let bytes = [&good[..kept], &noise[..], b"\xFF\xD9"].concat();
        let all = Rules { bytes_min: 0, white_share: 0, ..Rules::default() };
        if let Ok(photo) = Photo::check(&bytes, &all) {
            prop_assert_eq!((head, photo.pixels.len()), (3, 358 * 441 * PIXEL));
        }
    }
}

#[test]
fn what_follows_the_end_of_the_picture_is_told_and_an_end_within_a_segment_is_none() {
    let good = photo(0);
    for more in [&b"\n"[..], b"PK\x03\x04 hidden", b"\xFF\xD9", &photo(1)] {
        let found = faults(&[&good[..], more].concat());
        assert_eq!(found, [PhotoFault::Trailing { bytes: more.len() as u64 }]);
    }
    assert_eq!(faults(&good), []);
    // A comment between the scan's bytes and the end, in which the mark of an end stands.
    let comment = b"\xFF\xFE\x00\x06\xFF\xD9\xFF\xD9";
    let (picture, end) = good.split_at(good.len() - 2);
    assert!(head::read(&[picture, comment, end].concat(), true).is_ok());
    assert_eq!(head::read(&[picture, comment].concat(), true), Err(PhotoFault::Damaged));
    for cut in 0..good.len() {
        assert!(head::read(&good[..cut], true).is_err(), "{cut}");
    }
}

#[test]
fn of_a_file_that_is_too_long_nothing_is_said_that_only_its_end_would_show() {
    let whole = encoded_at(&pixels(358, 441, [255; 3], 7), 358, 441, 100);
    let rules = Rules { bytes_max: 12 << 10, ..Rules::default() };
    let most = usize::try_from(rules.bytes_max).expect("small");
    assert!(whole.len() > most + 1, "{}", whole.len());
    let faults = Photo::check(&whole[..=most], &rules).expect_err("too long");
    assert!(matches!(faults[..], [PhotoFault::Bytes { .. }]), "{faults:?}");
    assert!(faults[0].message(crate::lang::Lang::En).starts_with("more than 12288 bytes"));
    // What its beginning shows is told all the same.
    let other = Rules { width: 300, ..rules };
    let faults = Photo::check(&whole[..=most], &other).expect_err("too long, of another size");
    assert!(matches!(faults[..], [PhotoFault::Bytes { .. }, PhotoFault::Size { .. }]), "{faults:?}");
    let faults = Photo::check(&vec![b'x'; most + 1], &rules).expect_err("no picture");
    assert!(matches!(faults[..], [PhotoFault::Bytes { .. }, PhotoFault::NotJpeg]), "{faults:?}");
    // A file cut off within the length is damaged.
    let faults = Photo::check(&whole[..8 << 10], &rules).expect_err("cut off");
    assert!(matches!(faults[..], [PhotoFault::Damaged]), "{faults:?}");
}

fn encoded_at(pixels: &[u8], width: u16, height: u16, quality: u8) -> Vec<u8> {
    let mut jpeg = Vec::new();
    let encoder = jpeg_encoder::Encoder::new(&mut jpeg, quality);
    encoder.encode(pixels, width, height, ColorType::Rgb).expect("encoded");
    jpeg
}

/// The same picture by every way in which an encoder may cut it into blocks.
fn ways() -> Vec<(String, Vec<u8>)> {
    let pixels = pixels(358, 441, [255; 3], 3);
    let factors = [SamplingFactor::F_1_1, SamplingFactor::F_2_1, SamplingFactor::F_1_2, SamplingFactor::F_2_2];
    let mut made = Vec::new();
    for factor in factors {
        for restart in [0, 1, 7] {
            for (optimized, quality) in [(false, 90), (true, 60)] {
                let mut jpeg = Vec::new();
                let mut encoder = Encoder::new(&mut jpeg, quality);
                encoder.set_sampling_factor(factor);
                encoder.set_restart_interval(restart);
                encoder.set_optimized_huffman_tables(optimized);
                encoder.encode(&pixels, 358, 441, ColorType::Rgb).expect("encoded");
                made.push((format!("{factor:?} restart {restart} optimized {optimized}"), jpeg));
            }
        }
    }
    made
}

#[test]
fn a_picture_damaged_in_its_midst_is_refused_however_it_is_coded_and_a_whole_one_is_not() {
    let rules = Rules { bytes_max: 1 << 20, ..Rules::default() };
    let (mut all, mut told) = (0, 0);
    for (way, jpeg) in ways() {
        assert!(Photo::check(&jpeg, &rules).is_ok(), "{way}");
        let scan = jpeg.windows(2).position(|pair| pair == b"\xFF\xDA").expect("a scan") + 14;
        let length = jpeg.len() - 2 - scan;
        for part in (1..20).step_by(3) {
            let at = scan + (length - 200) * part / 20;
            let mut zeroed = jpeg.clone();
            zeroed[at..at + 200].fill(0);
            let cut = [&jpeg[..at], &jpeg[at + 200..]].concat();
            let doubled = [&jpeg[..at + 200], &jpeg[at..]].concat();
            for damaged in [zeroed, cut, doubled] {
                all += 1;
                told += usize::from(!scan::is_whole(&damaged));
            }
        }
    }
    // What happens to have as many blocks as before is another whole picture: 200 bytes of zeros are 8 blocks, as they may have been.
    assert!(all > 400 && told * 100 >= all * 95, "{told} of {all}");
}
