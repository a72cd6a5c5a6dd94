//! The certificate application from the terminal's side, against the software card made of the same rows.

use card_core::crypto::{KeyForm, Sm2PrivateKey, Sm2PublicKey, sm2_encrypt, sm2_verify, sm4_encrypt};
use card_core::key::Key16;
use card_core::pin::PinBcd;
use card_core::script::Step;
use card_core::security::keyring::KeyRing;
use card_core::security::{KeyName, KeyRef};
use card_core::{Atr, Command, Response, Session, StatusWord};
use card_profiles::certificate::envelope::Envelope;
use card_profiles::certificate::{CertificateRules, Role, certificate_in};
use card_profiles::rehearsal::{TRANSPORT_KEY, TRANSPORT_KEY_NAME, TRANSPORT_LOT};
use card_profiles::{Profile, builtin, builtin_text};
use card_sim::{Card, Socket};
use proptest::prelude::*;

const SERIAL: [u8; 6] = [0x51, 0x33, 0x00, 0x00, 0x00, 0x01];

struct Bench {
    socket: Socket,
    session: Session,
    rules: CertificateRules,
    ring: KeyRing,
}

impl Bench {
    fn of(profile: &Profile) -> Self {
        let card = Card::factory(profile, SERIAL, &Key16::new(TRANSPORT_KEY)).expect("a card");
        let socket = Socket::new(card);
        let session = Session::new(Box::new(socket.connect().expect("power")));
        let mut ring = KeyRing::new();
        ring.insert(KeyName::new(TRANSPORT_KEY_NAME), TRANSPORT_LOT, Key16::new(TRANSPORT_KEY));
        ring.insert(KeyName::new("MKCERT"), 1, Key16::new(*b"NEW MASTER KEY !"));
        let mut bench = Self { socket, session, rules: profile.certificate.clone().expect("3.0 has it"), ring };
        bench.select();
        bench
    }

    fn select(&mut self) {
        for command in self.rules.select() {
            self.done(&command);
        }
    }

    fn send(&mut self, command: &Command) -> Response {
        self.session.send(command).expect("answer")
    }

    fn done(&mut self, command: &Command) -> Vec<u8> {
        let answer = self.send(command);
        assert!(answer.sw.is_ok() || answer.sw.sw1() == 0x61, "{:02X?}: {:?}", command.header(), answer.sw);
        answer.data
    }

    fn step(&mut self, step: &Step) -> StatusWord {
        self.session.perform(step, Some(&mut self.ring)).expect("answer").sw
    }

    fn set_up(&mut self) {
        for (role, digits) in [(Role::User, "123456"), (Role::Administrator, "87654321")] {
            let command = self.rules.set_up_pin(role, &pin(digits)).expect("fits");
            self.done(&command);
        }
    }

    fn verify(&mut self, role: Role, digits: &str) -> StatusWord {
        let step = self.rules.verify(role, &pin(digits));
        self.step(&step)
    }

    fn generate(&mut self) -> Sm2PublicKey {
        let rules = self.rules.clone();
        let pair = rules.signing().expect("a pair");
        self.done(&rules.generate(pair));
        let [export, fetch] = rules.export(pair);
        self.done(&export);
        CertificateRules::public_key(&self.done(&fetch)).expect("a key")
    }

    fn transport(&self) -> KeyRef {
        let factor = Atr::parse(self.socket.card().atr()).and_then(|atr| atr.card_factor()).expect("ATR");
        let (name, version) = (KeyName::new(TRANSPORT_KEY_NAME), TRANSPORT_LOT);
        KeyRef { name, version, path: vec![factor], form: KeyForm::SM4 }
    }
}

fn pin(digits: &str) -> PinBcd {
    PinBcd::parse(digits).expect("digits")
}

fn bench() -> Bench {
    Bench::of(&builtin("ssc-3.0").expect("built in"))
}

/// An envelope as GM/T 0016 lays it out, for the holder of `public`.
fn envelope(public: &Sm2PublicKey, private: &Sm2PrivateKey, key: [u8; 16], nonce: &[u8; 32]) -> String {
    let cipher = sm2_encrypt(public, &key, nonce).expect("a usable nonce");
    let mut blob = Vec::new();
    for number in [1_u32, 0x401, 256] {
        blob.extend(number.to_le_bytes());
    }
    let mut wide = |half: &[u8]| {
        blob.extend([0; 32]);
        blob.extend(half);
    };
    wide(&sm4_encrypt(&Key16::new(key), private.expose()));
    blob.extend(256_u32.to_le_bytes());
    for point in [private.public().bytes(), &cipher.point] {
        for half in point.as_chunks::<32>().0 {
            blob.extend([0; 32]);
            blob.extend(half);
        }
    }
    blob.extend(cipher.hash);
    blob.extend(16_u32.to_le_bytes());
    blob.extend(cipher.text);
    hex::encode(blob)
}

/// Installs the key of an envelope; where the card stopped, and with what.
fn install(bench: &mut Bench, envelope: &Envelope) -> Result<(), (usize, StatusWord)> {
    let rules = bench.rules.clone();
    let (signing, encryption) = (rules.signing().expect("a pair"), rules.encryption().expect("a pair"));
    let opened = bench.send(&rules.open_envelope(signing, envelope));
    if !opened.sw.is_ok() {
        return Err((0, opened.sw));
    }
    for (nth, command) in (1..).zip(rules.install(encryption, envelope, &opened.data).expect("16 bytes")) {
        let sw = bench.send(&command).sw;
        if !sw.is_ok() {
            return Err((nth, sw));
        }
    }
    Ok(())
}

#[test]
fn a_card_is_taken_into_use_signs_and_the_terminal_verifies_it() {
    for profile in ["ssc-3.0", "ssc-3.0-sm4"] {
        let mut bench = Bench::of(&builtin(profile).expect("built in"));
        bench.set_up();
        assert_eq!(bench.verify(Role::User, "123457"), StatusWord(0x63C2));
        assert!(bench.verify(Role::User, "123456").is_ok());
        let public = bench.generate();
        let rules = bench.rules.clone();
        let digest = rules.digest(&public, "处方 1".as_bytes());
        let answer = bench.done(&rules.sign(rules.signing().expect("a pair"), &digest));
        let signature = CertificateRules::signature(&public, &digest, &answer).expect("verifies");
        assert!(sm2_verify(&public, &digest, &signature));
        let other = rules.digest(&public, "处方 2".as_bytes());
        assert!(CertificateRules::signature(&public, &other, &answer).is_err());
        // The same key is in its file, for who reads instead of asking.
        let file: Vec<u8> = CertificateRules::read_file(rules.signing().expect("a pair").public)
            .iter()
            .flat_map(|command| bench.done(command))
            .collect();
        assert_eq!(CertificateRules::public_key(&file), Ok(public), "{profile}");
    }
}

#[test]
fn certificates_are_written_and_read_back_to_their_last_byte() {
    let mut bench = bench();
    bench.set_up();
    bench.verify(Role::User, "123456");
    let rules = bench.rules.clone();
    for (length, pair) in [(700_u16, rules.signing()), (1016, rules.encryption())] {
        let [high, low] = length.to_be_bytes();
        let mut certificate = vec![0x30, 0x82, high, low];
        certificate.extend((0..length).map(|at| u8::try_from(at % 249).expect("small")));
        let file = pair.expect("a pair").certificate;
        for command in CertificateRules::write_certificate(file, &certificate).expect("fits") {
            bench.done(&command);
        }
        let read: Vec<u8> = CertificateRules::read_file(file).iter().flat_map(|command| bench.done(command)).collect();
        assert_eq!(read.len(), 1020);
        assert_eq!(certificate_in(&read), Some(&certificate[..]));
    }
}

#[test]
fn the_administrator_s_pin_and_the_master_key_are_replaced() {
    for (from, to) in
        [("", ""), ("new_pin = \"hashed\"", "new_pin = \"digits\""), ("challenge = 8\nmaster", "challenge = 4\nmaster")]
    {
        let text = builtin_text("ssc-3.0").expect("built in").replacen(from, to, 1);
        let mut bench = Bench::of(&Profile::parse(&text).expect("a profile"));
        bench.set_up();
        let (transport, rules) = (bench.transport(), bench.rules.clone());
        let master = KeyRef { name: KeyName::new("MKCERT"), path: Vec::new(), version: 1, ..transport.clone() };
        assert!(bench.verify(Role::Administrator, "87654321").is_ok());
        assert_eq!(bench.step(&rules.change_administrator_pin(master.clone(), pin("11223344"))), StatusWord::MAC_WRONG);
        assert!(bench.step(&rules.change_administrator_pin(transport.clone(), pin("11223344"))).is_ok(), "{to}");
        assert_eq!(bench.verify(Role::Administrator, "87654321"), StatusWord(0x63C2));
        assert!(bench.verify(Role::Administrator, "11223344").is_ok());
        let load = rules.load_master_key(transport.clone(), master.clone());
        assert_eq!(bench.step(&load), StatusWord::SECURITY_STATUS);
        assert!(bench.step(&rules.authenticate(transport.clone())).is_ok());
        assert!(bench.step(&load).is_ok());
        assert_eq!(bench.step(&rules.authenticate(transport)), StatusWord(0x63C2));
        assert!(bench.step(&rules.authenticate(master)).is_ok());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn whatever_an_envelope_holds_the_card_has_that_key_and_no_other_card_opens_it(
        private in any::<[u8; 32]>(), key in any::<[u8; 16]>(), nonce in any::<[u8; 32]>(), plain in any::<bool>(),
    ) {
        let Some(private) = Sm2PrivateKey::parse(private) else { return Ok(()) };
        let form = if plain { "private_key = \"plain\"" } else { "private_key = \"enciphered\"" };
        let text = builtin_text("ssc-3.0").expect("built in").replacen("private_key = \"enciphered\"", form, 1);
        let profile = Profile::parse(&text).expect("a profile");
        let [mut mine, mut other] = [Bench::of(&profile), Bench::of(&profile)];
        let [public, _] = [&mut mine, &mut other].map(|bench| {
            bench.set_up();
            assert!(bench.verify(Role::User, "123456").is_ok());
            bench.generate()
        });
        let envelope = Envelope::parse(&envelope(&public, &private, key, &nonce)).expect("an envelope");
        prop_assert_eq!(install(&mut mine, &envelope), Ok(()));
        let stored = mine.socket.card().inspect().certificates.and_then(|rows| rows.encryption_key);
        prop_assert_eq!(stored, Some(hex::encode_upper(private.public().bytes())));
        prop_assert_eq!(install(&mut other, &envelope), Err((0, StatusWord::WRONG_DATA)));
        prop_assert_eq!(other.socket.card().inspect().certificates.and_then(|rows| rows.encryption_key), None);
    }
}
