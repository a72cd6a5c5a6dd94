//! A card with known keys, and the commands that the tests send to it.

use card_core::command;
use card_core::crypto::{Block, KeyForm, KeyLength};
use card_core::key::Key16;
use card_core::script::{KeyLoad, Step};
use card_core::security::keyring::KeyRing;
use card_core::security::{KeyName, KeyRef};
use card_core::{Atr, Command, Response, Session};
use card_profiles::builtin;
use card_profiles::profile::Profile;
use card_sim::keys::GivenKeys;
use card_sim::{Card, Socket};

/// Transport key of the cards here.
pub(crate) const TRANSPORT: [u8; 16] = *b"REHEARSAL-FACTRY";
/// Serial of the cards here.
pub(crate) const SERIAL: [u8; 6] = [0x51, 0x33, 0x00, 0x00, 0x00, 0x07];
/// Terminal number in the tests.
pub(crate) const TERMINAL: [u8; 6] = [0x99, 0x00, 0x11, 0x22, 0x33, 0x44];
/// Date and time in the tests.
pub(crate) const NOW: [u8; 7] = [0x20, 0x26, 0x01, 0x02, 0x03, 0x04, 0x05];

/// A card in a socket, with every key known to `ring`.
pub(crate) struct Rig {
    pub(crate) profile: Profile,
    pub(crate) socket: Socket,
    pub(crate) ring: KeyRing,
    pub(crate) session: Session,
    /// Whether it selects its environment after each reset: another one is the first of its card.
    second: bool,
}

/// A factory-fresh card.
pub(crate) fn blank(profile: &str) -> Rig {
    let rows = builtin(profile).expect("built in");
    in_socket(profile, Card::factory(&rows, SERIAL, &Key16::new(TRANSPORT)).expect("a card of a built-in profile"))
}

/// A card with the serial and transport key of [`blank`].
pub(crate) fn in_socket(profile: &str, card: Card) -> Rig {
    let profile = builtin(profile).expect("built in");
    let socket = Socket::new(card);
    let session = Session::new(Box::new(socket.connect().expect("power")));
    let mut ring = KeyRing::new();
    ring.insert(KeyName::new("TRANSPORT"), 1, Key16::new(TRANSPORT));
    Rig { profile, socket, ring, session, second: false }
}

/// A card on which every key is: row `n` of the profile has sixteen bytes from `10 * n`, version 1 or its own.
pub(crate) fn keyed(profile: &str) -> Rig {
    let rows = builtin(profile).expect("built in");
    let keys = known_keys(&rows);
    let card = Card::with_keys(&rows, SERIAL, &Key16::new(TRANSPORT), &keys).expect("a card of a built-in profile");
    in_socket(profile, card)
}

/// As [`keyed`], a PSAM of both environments that stands in that of `profile`.
pub(crate) fn keyed_beside(profile: &str) -> Rig {
    let [first, second] = ["psam", "psam-sx3"].map(|name| builtin(name).expect("built in"));
    let keys = [&first, &second].map(known_keys);
    let parts = [(&first, &keys[0]), (&second, &keys[1])];
    let card = Card::of_environments(&parts, SERIAL, &Key16::new(TRANSPORT)).expect("a PSAM of built-in profiles");
    let mut rig = in_socket(profile, card);
    rig.second = profile == second.name;
    rig.reset();
    rig
}

/// A key file with every key of a profile.
fn known_keys(rows: &Profile) -> GivenKeys {
    let mut keys = String::from("mark = \"REHEARSAL\"\n");
    for (index, row) in rows.key.iter().enumerate() {
        let bytes = known_bytes(index);
        let value = if row.length == KeyLength::Eight { &bytes[..8] } else { &bytes };
        let (name, version) = (&row.name, row.version.unwrap_or(1));
        keys += &format!("[[key]]\nname = \"{name}\"\nversion = {version}\nvalue = \"{}\"\n", hex::encode_upper(value));
    }
    GivenKeys::parse(&keys).expect("a key file")
}

/// The sixteen bytes of row `index`.
fn known_bytes(index: usize) -> [u8; 16] {
    let start = u8::try_from(index).expect("fewer than 128 keys").wrapping_mul(10);
    std::array::from_fn(|i| start.wrapping_add(u8::try_from(i).expect("16")))
}

impl Rig {
    /// The card's factor.
    pub(crate) fn factor(&self) -> Block {
        Atr::parse(self.socket.card().atr()).expect("ATR").card_factor().expect("factor")
    }

    /// The value that [`keyed`] loads for a key, put into the ring as it stands.
    pub(crate) fn known(&mut self, name: &KeyName) -> KeyRef {
        let index = self.profile.key.iter().position(|row| row.name == *name).expect("a key of the profile");
        let mut bytes = known_bytes(index);
        if self.profile.key[index].length == KeyLength::Eight {
            let (left, right) = bytes.split_at_mut(8);
            right.copy_from_slice(left);
        }
        self.ring.insert(name.clone(), 1, Key16::new(bytes));
        let form = self.profile.form(&self.profile.key[index]);
        KeyRef { name: name.clone(), version: 1, path: Vec::new(), form }
    }

    /// Loads a key under the transport key.
    pub(crate) fn load_key(&mut self, _name: &KeyName, key: &KeyRef, length: KeyLength, label: [u8; 3]) -> Response {
        let form = KeyForm { rules: self.profile.rules(), length: KeyLength::Sixteen };
        let protecting = KeyRef { name: KeyName::new("TRANSPORT"), version: 1, path: vec![self.factor()], form };
        let step = Step::LoadKey(KeyLoad {
            key: KeyRef { form: KeyForm { length, ..key.form }, ..key.clone() },
            protecting,
            header: [0x84, 0xD4, 0x00, 0x00],
            label,
            challenge: 4,
        });
        self.session.perform(&step, Some(&mut self.ring)).expect("answer")
    }

    pub(crate) fn send(&mut self, command: &Command) -> Response {
        self.session.send(command).expect("answer")
    }

    /// Sends raw bytes past the session: exactly what a T=0 reader would send.
    pub(crate) fn raw(&mut self, hex_text: &str) -> String {
        let bytes = hex::decode(hex_text.replace(' ', "")).expect("hex");
        let mut answer = Vec::new();
        self.socket.card().transmit(&bytes, &mut answer).expect("answer");
        hex::encode_upper(answer)
    }

    /// The status word of raw bytes.
    pub(crate) fn sw(&mut self, hex_text: &str) -> String {
        let answer = self.raw(hex_text);
        answer[answer.len() - 4..].to_owned()
    }

    pub(crate) fn reset(&mut self) {
        self.socket.card().power_off();
        self.session = Session::new(Box::new(self.socket.connect().expect("power")));
        if self.second {
            let name = self.profile.df[0].id.clone();
            self.select(&name);
        }
    }

    pub(crate) fn select(&mut self, df: &str) {
        let row = self.profile.df(df).expect("a DF of the profile").clone();
        let response = self.send(&command::select_by_name(&row.df_name));
        assert!(response.sw.is_ok(), "{df}: {:?}", response.sw);
    }

    pub(crate) fn verify_pin(&mut self) {
        assert!(self.send(&command::verify(&[0x12, 0x34, 0x56])).sw.is_ok());
    }

    /// External authentication with a key of [`keyed`].
    pub(crate) fn authenticate(&mut self, name: &str) -> Response {
        let name = KeyName::new(name);
        let id = self.profile.key(&name).expect("a key of the profile").id;
        let key = self.known(&name);
        self.session.perform(&Step::Authenticate { key, id }, Some(&mut self.ring)).expect("answer")
    }

    /// Loads sixteen bytes as they stand into the place of a key, on a card that still has its transport keys.
    pub(crate) fn load_value(&mut self, name: &str, value: &str) {
        let name = KeyName::new(name);
        let row = self.profile.key(&name).expect("a key of the profile").clone();
        let bytes = hex::decode(value).expect("hex").try_into().expect("16 bytes");
        self.ring.insert(name.clone(), 1, Key16::new(bytes));
        self.select(&row.df);
        let key = KeyRef { name: name.clone(), version: 1, path: Vec::new(), form: KeyForm::TDES };
        let response = self.load_key(&name, &key, row.length, [row.usage, row.id, 1]);
        assert!(response.sw.is_ok(), "{name}: {:?}", response.sw);
    }

    /// The next random numbers of the card.
    pub(crate) fn script_random(&mut self, bytes: &str) {
        self.socket.card().script_random(&hex::decode(bytes).expect("hex"));
    }

    /// Raw bytes, and what GET RESPONSE then fetches.
    pub(crate) fn fetch(&mut self, hex_text: &str) -> String {
        let answer = self.raw(hex_text);
        match answer.strip_prefix("61") {
            Some(length) => self.raw(&format!("00C00000{length}")),
            None => answer,
        }
    }
}
