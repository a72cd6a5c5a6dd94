//! Profile text: any text loads or is refused with a place inside it; what loads can be linted.
#![no_main]

use card_profiles::Profile;

libfuzzer_sys::fuzz_target!(|text: &str| {
    match Profile::parse(text) {
        Ok(profile) => drop(card_profiles::lint::lint(&profile)),
        Err(error) => assert!(error.line >= 1 && error.line <= text.lines().count() + 1 && error.column >= 1),
    }
});
