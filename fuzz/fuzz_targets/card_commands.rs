//! Command input of the software card, its purses and the PSAM: any commands are answered with data and a status word, and
//! none breaks the card: after a reset it answers as before.
#![no_main]

use std::sync::LazyLock;

use card_core::key::Key16;
use card_profiles::{Profile, builtin};
use card_sim::Card;
use libfuzzer_sys::fuzz_target;

/// Every kind of card that can be addressed.
static PROFILES: LazyLock<Vec<Profile>> = LazyLock::new(|| {
    ["ssc-3.0", "ssc-3.0-sm4", "ssc-1.0", "psam", "psam-sx3", "pboc-purse"]
        .map(|name| builtin(name).expect("built in"))
        .into()
});

// The first byte chooses the card; then come commands, each behind one byte of length.
fuzz_target!(|input: &[u8]| {
    let Some((choice, mut rest)) = input.split_first() else { return };
    let profile = &PROFILES[usize::from(*choice) % PROFILES.len()];
    let mut card = Card::factory(profile, [0, 0, 0, 0, 0, 1], &Key16::new([0x11; 16])).expect("a card");
    card.power_on().expect("comes up");
    let atr = card.atr().to_vec();
    let mut answer = Vec::new();
    while let Some((length, tail)) = rest.split_first() {
        let (command, after) = tail.split_at(usize::from(*length).min(tail.len()));
        rest = after;
        answer.clear();
        card.transmit(command, &mut answer).expect("a card without faults answers");
        assert!((2..=258).contains(&answer.len()), "{} bytes", answer.len());
    }
    card.power_off();
    card.power_on().expect("comes up again");
    assert_eq!(card.atr(), atr);
});
