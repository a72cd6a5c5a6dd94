//! A software card with known keys, and a run of cases on it.

use card_core::algorithm::Algorithm;
use card_core::crypto::{Block, Block16};
use card_core::key::Key16;
use card_core::pin::PinBcd;
use card_core::security::psam::Psam;
use card_core::security::{
    CityCode, Factors, KeyName, KeyRef, MacKey, PurchaseStart, SecurityError, SecurityModule, WrappedKey,
};
use card_core::transport::Transport;
use card_core::{Atr, Command, Session, command};
use card_profiles::approach::{KeyVersions, Means};
use card_profiles::certificate::{CertificateRules, MASTER_KEY, Role};
use card_profiles::conform::{Area, Bench, Case, CertificatePins, Effect, cases};
use card_profiles::key_file::GivenKeys;
use card_profiles::own_keys::OwnKeys;
use card_profiles::profile::{CardKind, Profile};
use card_profiles::{builtin, rehearsal};
use card_sim::{Card, Socket};
use reader_cli::conform::{Outcome, Runner};

use super::wrong_card::{access, ef};

/// Profiles that the software card must pass: built-in ones, and the purse as [`VARIANTS`] have it.
pub(crate) const PROFILES: [&str; 11] = [
    "ssc-1.0",
    "ssc-2.0",
    "ssc-3.0",
    "ssc-3.0-sm4",
    OTHER_CHOICES,
    "pboc-purse",
    "pboc-purse-sm4",
    "purse-mac",
    "purse-enciphered",
    "psam",
    "psam-sx3",
];
/// A card of the third generation whose options are answered otherwise.
const OTHER_CHOICES: &str = "ssc-3.0-options";
/// Options of the purse that no built-in profile has: records of composite purchases under a MAC, plain and enciphered.
const VARIANTS: [(&str, &str, bool); 2] =
    [("purse-mac", "pboc-purse-sm4", false), ("purse-enciphered", "pboc-purse", true)];

/// Delivered PIN of the cards.
const PIN: [u8; 3] = [0x12, 0x34, 0x56];
/// PINs of their certificate application.
const CERTIFICATE_PINS: [&str; 2] = ["314159", "27182818"];
/// What takes the application of a card into use: both PINs, both key pairs.
const IN_USE: [&str; 3] = ["certificate.user.set-up", "certificate.administrator.set-up", "certificate.install"];
/// City of the cards, and the factor of its keys.
pub(crate) const CITY: &str = "513300";
const CITY_FACTOR: &str = "3531333330307378";
/// The key that a PSAM holds above the card's own.
const PURCHASE_KEY: &str = "DPK";
/// Transactions left where a case waits for the last number.
const LEFT: u16 = 3;
/// Serial of the cards.
const SERIAL: [u8; 6] = [0x51, 0x33, 0x00, 0x00, 0x00, 0x07];

/// A key file with an obviously fake key for every row: its name, hashed.
pub(crate) fn key_text(profile: &Profile) -> String {
    let mut text = format!("mark = \"{}\"\n", rehearsal::MARK);
    let rows = profile.key.iter().map(|row| (row.name.as_str(), row.length.bytes(), row.version.unwrap_or(1)));
    let certificate = profile.certificate.as_ref().map(|_| (MASTER_KEY, 16, 1));
    for (name, bytes, version) in rows.chain(certificate) {
        let value = value_of(name, version, bytes);
        let below = profile.kind == CardKind::User && profile.account.is_some() && name == PURCHASE_KEY;
        let given = match below {
            true => format!("master = \"{value}\"\nfactors = [\"{CITY_FACTOR}\", \"card\"]"),
            false => format!("value = \"{value}\""),
        };
        text.push_str(&format!("[[key]]\nname = \"{name}\"\nversion = {version}\n{given}\n"));
    }
    text
}

fn value_of(name: &str, version: u8, bytes: usize) -> String {
    let of = if version == 1 { format!("conformance {name}") } else { format!("conformance {name} {version}") };
    hex::encode_upper(&settlement::id::Digest::of(of.as_bytes()).0[..bytes])
}

/// The keys of a card, and beside them a PSAM that holds the purchase key above the card's own.
pub(crate) struct Module {
    keys: OwnKeys,
    psam: Option<Psam>,
}

impl Module {
    pub(crate) fn of(profile: &Profile, socket: &Socket) -> Self {
        let name = match profile.algorithm {
            _ if profile.account.is_none() => None,
            Algorithm::Tdes => Some("psam"),
            Algorithm::Sm4 => Some("psam-sx3"),
        };
        Self { keys: keys(profile, socket), psam: name.map(psam) }
    }

    pub(crate) fn terminal(&self) -> Option<[u8; 6]> {
        self.psam.as_ref().map(|psam| psam.terminal_number())
    }
}

fn psam(name: &str) -> Psam {
    let rows = self::profile(name);
    let names = rows.psam_names().expect("a PSAM");
    let session = Session::new(Box::new(card(&rows).connect().expect("power")));
    Psam::open(session, &names, std::collections::BTreeMap::new()).expect("a PSAM")
}

impl SecurityModule for Module {
    fn authentication_cryptogram(&mut self, key: &KeyRef, factor: Block, data: Block) -> Result<Block, SecurityError> {
        self.keys.authentication_cryptogram(key, factor, data)
    }

    fn mac(&mut self, key: &KeyRef, kind: MacKey, iv: Block, message: &[u8]) -> Result<[u8; 4], SecurityError> {
        self.keys.mac(key, kind, iv, message)
    }

    fn encipher(&mut self, key: &KeyRef, factor: Block, blocks: &[u8]) -> Result<Vec<u8>, SecurityError> {
        self.keys.encipher(key, factor, blocks)
    }

    fn encipher_block(&mut self, key: &KeyRef, block: Block16) -> Result<Block16, SecurityError> {
        self.keys.encipher_block(key, block)
    }

    fn encipher_message(&mut self, key: &KeyRef, data: &[u8]) -> Result<Vec<u8>, SecurityError> {
        self.keys.encipher_message(key, data)
    }

    fn wrap(
        &mut self,
        key: &KeyRef,
        protecting: &KeyRef,
        command: [u8; 5],
        header: [u8; 3],
        iv: Block,
    ) -> Result<WrappedKey, SecurityError> {
        self.keys.wrap(key, protecting, command, header, iv)
    }

    fn terminal_number(&self) -> Option<[u8; 6]> {
        self.terminal()
    }

    fn start_purchase(
        &mut self,
        key: &KeyName,
        fields: &[u8],
        factors: [Block; 2],
    ) -> Result<PurchaseStart, SecurityError> {
        self.psam.as_mut().expect("asked for its number before").start_purchase(key, fields, factors)
    }

    fn check_purchase(&mut self, key: &KeyName, mac2: [u8; 4]) -> Result<bool, SecurityError> {
        self.psam.as_mut().expect("asked for its number before").check_purchase(key, mac2)
    }

    fn check_value(&mut self, key: &KeyRef) -> Result<[u8; 3], SecurityError> {
        self.keys.check_value(key)
    }
}

/// A card that a factory made of `rows` with the keys of [`key_text`].
pub(crate) fn card(rows: &Profile) -> Socket {
    let keys = GivenKeys::parse(&key_text(rows)).expect("a key file");
    let transport = Key16::new(rehearsal::TRANSPORT_KEY);
    Socket::new(Card::with_keys(rows, SERIAL, &transport, &keys).expect("a card"))
}

/// What the cases of a card are made for.
pub(crate) fn bench(profile: &Profile, socket: &Socket) -> Bench {
    let factor = Atr::parse(socket.card().atr()).expect("ATR").card_factor().expect("factor");
    let city = CityCode::parse(CITY).expect("six digits");
    let terminal = match profile.kind {
        CardKind::User => [0x99, 0x00, 0x11, 0x22, 0x33, 0x44],
        CardKind::Psam => {
            let mut session = Session::new(Box::new(socket.connect().expect("power")));
            let number = session.send(&command::read_binary_sfi(0x16, 0, 6)).expect("answer");
            number.data.as_slice().try_into().expect("six bytes")
        }
    };
    Bench {
        means: Means {
            pin: profile.pin.is_some().then(|| PIN.to_vec()),
            factors: Some(Factors::of(city, factor)),
            versions: KeyVersions::default(),
        },
        certificate_pins: {
            let [user, administrator] = CERTIFICATE_PINS.map(PinBcd::parse);
            CertificatePins { user, administrator }
        },
        terminal,
        moment: [0x20, 0x26, 0x01, 0x02, 0x03, 0x04, 0x05],
    }
}

/// The keys that prove what the cases need.
pub(crate) fn keys(profile: &Profile, socket: &Socket) -> OwnKeys {
    let factor = Atr::parse(socket.card().atr()).expect("ATR").card_factor().expect("factor");
    OwnKeys::of(&GivenKeys::parse(&key_text(profile)).expect("a key file"), profile, factor).expect("fits")
}

/// How each case of a profile ends on a card made of `rows`, behind `between`, whose certificate application is in use. A final
/// case gets a card of its own, as the factory made it.
pub(crate) fn run(
    profile: &Profile,
    rows: &Profile,
    between: &dyn Fn(Socket) -> Box<dyn Transport>,
    wanted: &dyn Fn(&Case) -> bool,
) -> Vec<(Case, Outcome)> {
    let socket = card(rows);
    let mut module = Module::of(profile, &socket);
    let mut bench = bench(profile, &socket);
    bench.terminal = module.terminal().unwrap_or(bench.terminal);
    let all: Vec<Case> = cases(profile, &bench).into_iter().filter(wanted).collect();
    let mut outcomes = Vec::new();
    let (last, usual): (Vec<Case>, Vec<Case>) =
        all.into_iter().partition(|case| matches!(case.effect, Effect::Final(_)));
    if usual.iter().any(|case| case.area == Area::Certificate) {
        let mut runner =
            Runner::new(Session::new(straight(socket.clone())), Some(&mut module), (profile, &bench), true);
        for case in cases(profile, &bench).iter().filter(|case| IN_USE.contains(&case.id.as_str())) {
            let _ = runner.run(case, true).expect("the card answers");
        }
        if let Some(rules) = &rows.certificate {
            drop(runner);
            certify(rules, &mut Session::new(straight(socket.clone())));
        }
    }
    let mut runner = Runner::new(Session::new(between(socket)), Some(&mut module), (profile, &bench), true);
    for case in usual {
        let outcome = runner.run(&case, true).expect("the card answers");
        outcomes.push((case, outcome));
    }
    drop(runner);
    for case in last {
        let socket = card(rows);
        if case.id.ends_with(".number-end") {
            socket.card().age(LEFT).expect("memory of this process");
        }
        let session = Session::new(between(socket));
        let outcome = Runner::new(session, Some(&mut module), (profile, &bench), true)
            .run(&case, true)
            .expect("the card answers");
        outcomes.push((case, outcome));
    }
    outcomes
}

/// Writes a certificate for each key pair of an application in use.
fn certify(rules: &CertificateRules, session: &mut Session) {
    let [user, _] = CERTIFICATE_PINS.map(|digits| PinBcd::parse(digits).expect("a PIN"));
    let mut send = |command: &Command| session.send(command).expect("the card answers");
    for command in rules.select() {
        assert!(send(&command).sw.is_ok());
    }
    let pairs = [rules.signing(), rules.encryption()].map(|pair| pair.expect("its files"));
    let keys = pairs.map(|pair| {
        let answer = rules.export(pair).iter().map(&mut send).last().expect("an answer");
        CertificateRules::public_key(&answer.data).expect("a public key")
    });
    session.perform(&rules.verify(Role::User, &user), None).expect("the card answers");
    for (pair, key) in pairs.into_iter().zip(keys) {
        // One DER sequence with the key where a certificate has it, and other bytes around it.
        let mut bytes = [&[0x30, 0x82, 0x02, 0x00, 0x30, 0x5A, 0x03, 0x42, 0x00, 0x04][..], key.bytes()].concat();
        bytes.resize(4 + 0x0200, 0x5A);
        for command in CertificateRules::write_certificate(pair.certificate, &bytes).expect("it fits") {
            assert!(session.send(&command).expect("the card answers").sw.is_ok());
        }
    }
}

/// The card itself.
pub(crate) fn straight(socket: Socket) -> Box<dyn Transport> {
    Box::new(socket.connect().expect("power"))
}

/// A built-in profile, or a variant of one.
pub(crate) fn profile(name: &str) -> Profile {
    if name == OTHER_CHOICES {
        let choices = [("item_60", "present"), ("medical_read", "or"), ("directory_file", "present")]
            .map(|(option, choice)| format!("[option.{option}]\nchoice = \"{choice}\"\n"));
        let text = format!("format = 2\nextends = \"ssc-3.0\"\nname = \"{name}\"\n{}", choices.concat());
        return Profile::parse(&text).expect("a profile");
    }
    let Some((_, base, enciphers)) = VARIANTS.into_iter().find(|(variant, ..)| *variant == name) else {
        return builtin(name).expect("built in");
    };
    let mut rows = builtin(base).expect("built in");
    name.clone_into(&mut rows.name);
    rows.purse.as_mut().expect("a purse").enciphers_cache = enciphers;
    ef(&mut rows, "ADF1.EF19").update = access("MAC DAMK");
    rows
}
