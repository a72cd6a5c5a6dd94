//! An invented person's card, personalized in this process.
//!
//! Owns: values, keys and the blank card that the measurements share. Never: touches a reader.

use card_core::key::Key16;
use card_core::security::keyring::KeyRing;
use card_core::security::{CityCode, Factors, KeyName};
use card_core::wire::Wire;
use card_core::{Atr, Session};
use card_profiles::Profile;
use card_profiles::image::CardValues;
use card_profiles::plan::{Plan, Target};
use card_profiles::rehearsal::{TRANSPORT_KEY, TRANSPORT_KEY_NAME, TRANSPORT_LOT};
use card_sim::{Card, InProcess, Socket};

/// Everything that a personalization needs.
#[derive(Debug)]
pub struct Sample {
    /// Card type.
    pub profile: Profile,
    /// National keys and the factory's.
    pub keys: KeyRing,
    /// What goes onto the card: both files of SSSE.
    pub values: CardValues,
}

/// City of the invented card.
const CITY: &str = "513300";

/// Values of the invented person.
const VALUES: [(&str, &str); 14] = [
    ("SSSE.EF05.card_identifier", "513300D156000005000000010A0B0C0D"),
    ("SSSE.EF05.card_class", "1"),
    ("SSSE.EF05.spec_version", "3.00"),
    ("SSSE.EF05.initializing_institution", "915600000251330051330000"),
    ("SSSE.EF05.issue_date", "20260105"),
    ("SSSE.EF05.valid_until", "20360104"),
    ("SSSE.EF05.card_number", "A12345674"),
    ("SSSE.EF06.social_security_number", "111111198101011110"),
    ("SSSE.EF06.name", "张三"),
    ("SSSE.EF06.name_extension", ""),
    ("SSSE.EF06.sex", "1"),
    ("SSSE.EF06.ethnic_group", "01"),
    ("SSSE.EF06.birthplace", "513301"),
    ("SSSE.EF06.birth_date", "19810101"),
];

impl Sample {
    /// The sample, with keys that are invented by a rule.
    ///
    /// # Panics
    /// Never: the profile is built in, the values fit it.
    #[must_use]
    pub fn new() -> Self {
        let profile = card_profiles::builtin("ssc-3.0").expect("built in");
        let mut keys = KeyRing::new();
        for row in &profile.key {
            keys.insert(row.name.clone(), 1, invented(row.name.as_str()));
        }
        keys.insert(KeyName::new(TRANSPORT_KEY_NAME), TRANSPORT_LOT, Key16::new(TRANSPORT_KEY));
        let mut values = CardValues::new();
        for (place, value) in VALUES {
            values.set(place, value).expect("a place");
        }
        Self { profile, keys, values }
    }

    /// A blank card as the factory delivers it.
    ///
    /// # Panics
    /// Never: the profile is built in.
    #[must_use]
    pub fn blank(&self, number: u32) -> Card {
        let [a, b, c, d] = number.to_be_bytes();
        let serial = [0x51, 0x33, a, b, c, d];
        Card::factory(&self.profile, serial, &Key16::new(TRANSPORT_KEY)).expect("a built-in profile makes a card")
    }

    /// The plan for a card with this answer to reset.
    ///
    /// # Panics
    /// Never: the values fit the profile.
    #[must_use]
    pub fn plan(&self, atr: &[u8]) -> Plan {
        self.plan_of(&self.profile, atr)
    }

    /// The plan for a card of another type: the same person, the version of its profile.
    ///
    /// # Panics
    /// When the profile is not of layout V2.
    #[must_use]
    pub fn plan_of(&self, profile: &Profile, atr: &[u8]) -> Plan {
        let mut values = self.values.clone();
        values.set("SSSE.EF05.spec_version", profile.version.as_str()).expect("a place");
        let card = Atr::parse(atr).and_then(|atr| atr.card_factor()).expect("the factory's ATR");
        let factors = Factors::of(CityCode::parse(CITY).expect("six digits"), card);
        Plan::personalize(profile, &values, &Target::blank(factors, TRANSPORT_LOT)).expect("values that fit")
    }

    /// Personalizes a blank card and checks every answer.
    ///
    /// # Panics
    /// When the card refuses a step: then nothing is worth measuring.
    pub fn personalize(&mut self, card: Card) -> Session {
        let plan = self.plan(card.atr());
        self.carry_out(&plan, Session::new(Box::new(InProcess::new(card).expect("the card comes up"))))
    }

    /// Personalizes the blank card in a socket, where it stays. Answers what went over its contacts.
    ///
    /// # Panics
    /// As [`Sample::personalize`].
    pub fn personalize_in(&mut self, socket: &Socket) -> Wire {
        let plan = self.plan(socket.card().atr());
        self.carry_out(&plan, Session::new(Box::new(socket.connect().expect("the card comes up")))).wire()
    }

    /// Carries out a plan and checks every answer.
    ///
    /// # Panics
    /// When the card refuses a step.
    pub fn carry_out(&mut self, plan: &Plan, mut session: Session) -> Session {
        for step in &plan.steps {
            let answer = session.perform(&step.step, Some(&mut self.keys)).expect("the card answers");
            step.judge(&answer).unwrap_or_else(|mismatch| panic!("the card differs from the plan: {mismatch}"));
        }
        session
    }

    /// Invents the keys of a card type that are not there yet.
    pub fn keys_of(&mut self, profile: &Profile) {
        for row in &profile.key {
            let present = self.keys.names().any(|(name, _)| *name == row.name);
            if !present {
                self.keys.insert(row.name.clone(), 1, invented(row.name.as_str()));
            }
        }
    }
}

/// A key made of its name.
fn invented(name: &str) -> Key16 {
    let mut bytes = [0x5A; 16];
    bytes.iter_mut().zip(name.bytes()).for_each(|(slot, byte)| *slot = byte);
    Key16::new(bytes)
}

impl Default for Sample {
    fn default() -> Self {
        Self::new()
    }
}
