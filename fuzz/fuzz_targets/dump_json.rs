//! Dump of a card: any JSON is read or refused with a place inside it; what was read writes and reads the same, differs from itself in
//! nothing, and can be compared with every profile.
#![no_main]

use std::sync::LazyLock;

use card_profiles::Profile;
use reader_cli::dump::Dump;

static PROFILES: LazyLock<Vec<Profile>> =
    LazyLock::new(|| card_profiles::builtin::names().filter_map(card_profiles::builtin).collect());

libfuzzer_sys::fuzz_target!(|text: &str| {
    let Ok(dump) = Dump::parse(text, "dump.json") else { return };
    let written = serde_json::to_string(&dump).expect("a dump can be written");
    let Ok(again) = Dump::parse(&written, "dump.json") else { panic!("what was written reads") };
    assert_eq!(serde_json::to_string(&again).expect("a dump can be written"), written);
    assert!(dump.differences(&again, None).is_empty());
    for profile in PROFILES.iter() {
        let _ = dump.differences(&again, Some(profile));
        let _ = dump.differences_from(profile, Some(&dump.values), text.len() % 2 == 0);
    }
});
