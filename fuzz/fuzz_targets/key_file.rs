//! Key file of `card-sim new --keys`: any bytes are read or refused with a line inside them; what is read fits a profile or is refused.
#![no_main]

use std::sync::LazyLock;

use card_profiles::Profile;
use card_profiles::key_file::GivenKeys;
use card_profiles::own_keys::OwnKeys;

static PROFILES: LazyLock<Vec<Profile>> =
    LazyLock::new(|| card_profiles::builtin::names().filter_map(card_profiles::builtin).collect());

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Ok(keys) = GivenKeys::parse_bytes(bytes) else { return };
    for profile in PROFILES.iter() {
        if let Ok(slots) = keys.slots(profile, *b"\x86\x50\x51\x33\0\0\0\x01") {
            assert!(slots.iter().all(|slot| slot.index <= profile.key.len()));
            assert!(slots.windows(2).all(|pair| pair[0].index < pair[1].index), "one key a place");
        }
        let _ = OwnKeys::of(&keys, profile, *b"\x86\x50\x51\x33\0\0\0\x01");
    }
});
