//! Personalized software cards and PSAMs for tests, made with the product's own plans and obviously fake root keys.
//!
//! Owns: invented people, test roots. Never: a real key.

use card_core::key::Key16;
use card_core::security::keyring::KeyRing;
use card_core::security::{CityCode, Factors, KeyName};
use card_core::{Atr, Session};
use card_profiles::image::CardValues;
use card_profiles::plan::{Plan, Target};
use card_profiles::{Profile, builtin, rehearsal};
use card_sim::Socket;

/// City of the terminal and its cards.
pub(crate) const CITY: &str = "513300";
/// PIN that every delivered card has.
pub(crate) const INITIAL_PIN: &str = "123456";
/// PIN of the test cards.
pub(crate) const PIN: &str = "864213";
/// Number of the test PSAM.
pub(crate) const TERMINAL: [u8; 6] = [0x51, 0x33, 0x00, 0x00, 0x00, 0x07];

/// The national root keys of a test world; `seed` tells worlds apart.
pub(crate) fn roots(seed: u8) -> KeyRing {
    roots_of(|_| seed)
}

/// Keys of several worlds: `seed_of` says of which, by a key's name.
pub(crate) fn roots_of(seed_of: impl Fn(&str) -> u8) -> KeyRing {
    let mut ring = KeyRing::new();
    for profile in ["ssc-1.0", "ssc-3.0", "ssc-2.0-ef0d", "psam"].map(|name| builtin(name).expect("built in")) {
        for row in &profile.key {
            ring.insert(row.name.clone(), 1, key_of(seed_of(row.name.as_str()), row.name.as_str()));
        }
    }
    ring.insert(KeyName::new(rehearsal::TRANSPORT_KEY_NAME), rehearsal::TRANSPORT_LOT, transport());
    ring
}

fn transport() -> Key16 {
    Key16::new(rehearsal::TRANSPORT_KEY)
}

/// The bytes of a key, for a test to look for.
pub(crate) fn key_bytes(seed: u8, name: &str) -> [u8; 16] {
    let digest = settlement::id::Digest::of(format!("test root {seed} {name}").as_bytes());
    *digest.0.first_chunk().expect("32 bytes")
}

/// A key that differs from every other by more than its parity bits: name and seed, hashed.
fn key_of(seed: u8, name: &str) -> Key16 {
    Key16::new(key_bytes(seed, name))
}

/// Makes a user card of a blank one: keys, an invented person, PIN changed.
pub(crate) fn make_user(card: &Socket, profile: &str, seed: u8, city: &str, serial: u8) {
    let profile = builtin(profile).expect("built in");
    make_person(card, &profile, seed, city, &holder(&profile, city, serial), PIN);
}

/// Makes a PSAM of a blank one.
pub(crate) fn make_psam(card: &Socket, profile: &str, seed: u8) {
    make_psam_of(card, profile, roots(seed));
}

/// Makes a PSAM with these keys of a blank one.
pub(crate) fn make_psam_of(card: &Socket, profile: &str, roots: KeyRing) {
    let profile = builtin(profile).expect("built in");
    let mut values = CardValues::new();
    values.set(&terminal_number_place(&profile), hex::encode_upper(TERMINAL)).expect("a place");
    carry_out(card, &profile, roots, CITY, &values);
}

/// Serial of a user card in its ATR.
pub(crate) const fn serial_of(serial: u8) -> [u8; 6] {
    [0x51, 0x33, 0, 0, 0, serial]
}

/// Serial of the PSAM in its ATR.
pub(crate) const PSAM_SERIAL: [u8; 6] = [0x51, 0x33, 0, 0, 0x99, 7];

/// The item of EF 0016 that holds the terminal number: the first place that takes 6 bytes.
fn terminal_number_place(profile: &Profile) -> String {
    let (df, ef) = profile
        .df
        .iter()
        .flat_map(|df| df.ef.iter().map(move |ef| (df, ef)))
        .find(|(_, ef)| ef.sfi() == 0x16)
        .expect("the PSAM has a terminal number");
    match ef.elements.first() {
        Some(element) => format!("{}.{}.{}", df.id, ef.id, element.id),
        None => format!("{}.{}", df.id, ef.id),
    }
}

/// Makes a user card of a blank one, of whatever person, with whatever PIN.
pub(crate) fn make_person(card: &Socket, profile: &Profile, seed: u8, city: &str, values: &CardValues, pin: &str) {
    carry_out(card, profile, roots(seed), city, values);
    let mut session = Session::new(Box::new(card.connect().expect("powers up")));
    let name = hex::decode("7378312E73682EC9E7BBE1B1A3D5CF").expect("hex");
    assert!(session.send(&card_core::command::select_by_name(&name)).expect("answers").sw.is_ok());
    let change = card_core::command::change_pin(&bcd(INITIAL_PIN), &bcd(pin));
    assert!(session.send(&change).expect("answers").sw.is_ok(), "PIN change");
}

fn bcd(pin: &str) -> Vec<u8> {
    hex::decode(pin).expect("an even count of digits")
}

fn carry_out(card: &Socket, profile: &Profile, mut module: KeyRing, city: &str, values: &CardValues) {
    let atr = Atr::parse(card.card().atr()).expect("a card of ours");
    let city = CityCode::parse(city).expect("six digits");
    let factors = Factors::of(city, atr.card_factor().expect("13 historical bytes"));
    let target = Target::blank(factors, rehearsal::TRANSPORT_LOT);
    let plan = Plan::personalize(profile, values, &target).expect("values fit");
    let mut session = Session::new(Box::new(card.connect().expect("powers up")));
    for planned in &plan.steps {
        let answer = session.perform(&planned.step, Some(&mut module)).expect("answers");
        if let Err(mismatch) = planned.judge(&answer) {
            panic!("{mismatch:?} in {}", planned.df);
        }
    }
}

/// An invented person, as far as a card of this profile has room.
pub(crate) fn holder(profile: &Profile, city: &str, serial: u8) -> CardValues {
    let mut values = CardValues::new();
    let bcd_city: String = city.to_owned();
    let identifier = format!("{bcd_city}D156000005000000{serial:02X}0A0B0C0D");
    for (place, value) in [
        ("SSSE.EF05.card_identifier", identifier.as_str()),
        ("SSSE.EF05.card_class", "1"),
        ("SSSE.EF05.spec_version", profile.version.as_str()),
        ("SSSE.EF05.initializing_institution", "9156000002510000513300D5"),
        ("SSSE.EF05.issue_date", "20250101"),
        ("SSSE.EF05.valid_until", "20990101"),
        ("SSSE.EF05.card_number", "A12345674"),
        ("SSSE.EF06.social_security_number", "111111198101011110"),
        ("SSSE.EF06.name", "张三"),
        ("SSSE.EF06.sex", "1"),
        ("SSSE.EF06.ethnic_group", "01"),
        ("SSSE.EF06.birthplace", "513322"),
        ("SSSE.EF06.birth_date", "19810101"),
    ] {
        values.set(place, value).expect("a place");
    }
    values
        .iter()
        .filter(|(place, _)| {
            let ef = profile.ef(place.df(), place.ef()).expect("SSSE has its files");
            ef.elements.iter().any(|element| Some(&*element.id) == place.item_id())
        })
        .fold(CardValues::new(), |mut kept, (place, value)| {
            kept.insert(place.clone(), value.clone());
            kept
        })
}
