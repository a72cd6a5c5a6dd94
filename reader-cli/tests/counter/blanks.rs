//! Cards of this process: nobody else ever sees them.

use card_core::key::Key16;
use card_profiles::{Profile, builtin, rehearsal};
use card_sim::{Card, Socket};

use crate::cards;

/// A user card: personalized, PIN changed, account empty.
pub(crate) fn user_card(seed: u8, serial: u8) -> Socket {
    card_of_city(seed, serial, cards::CITY)
}

/// A user card of a city.
pub(crate) fn card_of_city(seed: u8, serial: u8, city: &str) -> Socket {
    let card = blank_card(serial);
    cards::make_user(&card, "ssc-3.0", seed, city, serial);
    card
}

/// A user card of another type.
pub(crate) fn card_of_profile(profile: &str, seed: u8, serial: u8) -> Socket {
    let card = factory(profile, cards::serial_of(serial));
    cards::make_user(&card, profile, seed, cards::CITY, serial);
    card
}

/// A user card whose text says this besides.
pub(crate) fn card_of_text(overlay: &str, seed: u8, serial: u8) -> Socket {
    let profile = Profile::parse(overlay).unwrap_or_else(|error| panic!("{error}"));
    let card = of_factory(&profile, cards::serial_of(serial));
    let holder = cards::holder(&profile, cards::CITY, serial);
    cards::make_person(&card, &profile, seed, cards::CITY, &holder, cards::PIN);
    card
}

/// A user card as the factory delivers it.
pub(crate) fn blank_card(serial: u8) -> Socket {
    factory("ssc-3.0", cards::serial_of(serial))
}

/// A PSAM with the keys of the test world.
pub(crate) fn psam_card(seed: u8) -> Socket {
    let card = factory("psam", cards::PSAM_SERIAL);
    cards::make_psam(&card, "psam", seed);
    card
}

fn factory(profile: &str, serial: [u8; 6]) -> Socket {
    of_factory(&builtin(profile).expect("built in"), serial)
}

fn of_factory(profile: &Profile, serial: [u8; 6]) -> Socket {
    let transport = Key16::new(rehearsal::TRANSPORT_KEY);
    Socket::new(Card::factory(profile, serial, &transport).expect("a profile that lints makes a card"))
}
