//! Content of every file of every profile: any bytes have values; what has no fault is written back byte for byte, and values
//! go through JSON unchanged.
#![no_main]

use std::sync::LazyLock;

use card_profiles::image::{CardValues, decode_file, encode_file};
use card_profiles::profile::{Df, Ef, EfKind};
use libfuzzer_sys::fuzz_target;

static FILES: LazyLock<Vec<(Df, Ef)>> = LazyLock::new(|| {
    let profiles = card_profiles::builtin::names().filter_map(card_profiles::builtin);
    let dfs = profiles.flat_map(|profile| profile.df);
    dfs.flat_map(|df| df.ef.clone().into_iter().map(move |ef| (df.clone(), ef))).collect()
});

// The first two bytes choose the file.
fuzz_target!(|input: &[u8]| {
    let Some(([high, low], bytes)) = input.split_first_chunk() else { return };
    let (df, ef) = &FILES[usize::from(u16::from_be_bytes([*high, *low])) % FILES.len()];
    let reading = decode_file(df, ef, bytes);
    let json = serde_json::to_string(&reading.values).expect("values can be written");
    assert!(serde_json::from_str::<CardValues>(&json).expect("what was written reads") == reading.values);
    let is_whole = match ef.kind {
        EfKind::TlvRecords => true,
        EfKind::Cyclic => bytes.len() == ef.record_length(),
        EfKind::Transparent => bytes.len() == usize::from(ef.size),
    };
    // Padding between records is no fault, and is not written.
    let is_padded = ef.kind == EfKind::TlvRecords && bytes.len() != usize::from(ef.size);
    if reading.faults.is_empty() && is_whole && !is_padded {
        let back = encode_file(df, ef, &reading.values).expect("no fault");
        let back: Vec<u8> = back.into_iter().flat_map(|(_, record)| record).collect();
        assert_eq!(back.len(), bytes.len());
        if ef.kind != EfKind::TlvRecords {
            assert_eq!(back, bytes);
        }
    }
});
