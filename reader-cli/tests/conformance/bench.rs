//! A software card with known keys, and a run of cases on it.

use card_core::key::Key16;
use card_core::security::{CityCode, Factors};
use card_core::transport::Transport;
use card_core::{Atr, Session, command};
use card_profiles::approach::{KeyVersions, Means};
use card_profiles::conform::{Bench, Case, Effect, cases};
use card_profiles::key_file::GivenKeys;
use card_profiles::own_keys::OwnKeys;
use card_profiles::profile::{CardKind, Profile};
use card_profiles::{builtin, rehearsal};
use card_sim::{Card, Socket};
use reader_cli::conform::{Outcome, Runner};

/// Profiles that the software card must pass.
pub(crate) const PROFILES: [&str; 7] =
    ["ssc-1.0", "ssc-2.0", "ssc-3.0", "ssc-3.0-sm4", "pboc-purse", "psam", "psam-sx3"];

/// Delivered PIN of the cards.
const PIN: [u8; 3] = [0x12, 0x34, 0x56];
/// Serial of the cards.
const SERIAL: [u8; 6] = [0x51, 0x33, 0x00, 0x00, 0x00, 0x07];

/// A key file with an obviously fake key for every row: its name, hashed.
pub(crate) fn key_text(profile: &Profile) -> String {
    let mut text = format!("mark = \"{}\"\n", rehearsal::MARK);
    for row in &profile.key {
        let digest = settlement::id::Digest::of(format!("conformance {}", row.name).as_bytes());
        let value = hex::encode_upper(&digest.0[..row.length.bytes()]);
        text.push_str(&format!("[[key]]\nname = \"{}\"\nvalue = \"{value}\"\n", row.name));
    }
    text
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
    let city = CityCode::parse("513300").expect("six digits");
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
        terminal,
        moment: [0x20, 0x26, 0x01, 0x02, 0x03, 0x04, 0x05],
    }
}

/// The keys that prove what the cases need.
pub(crate) fn keys(profile: &Profile, socket: &Socket) -> OwnKeys {
    let factor = Atr::parse(socket.card().atr()).expect("ATR").card_factor().expect("factor");
    OwnKeys::of(&GivenKeys::parse(&key_text(profile)).expect("a key file"), profile, factor).expect("fits")
}

/// How each case of a profile ends on a card made of `rows`, behind `between`. A final case gets a card of its own.
pub(crate) fn run(
    profile: &Profile,
    rows: &Profile,
    between: &dyn Fn(Socket) -> Box<dyn Transport>,
    wanted: &dyn Fn(&Case) -> bool,
) -> Vec<(Case, Outcome)> {
    let socket = card(rows);
    let (bench, mut module) = (bench(profile, &socket), keys(profile, &socket));
    let all: Vec<Case> = cases(profile, &bench).into_iter().filter(wanted).collect();
    let mut outcomes = Vec::new();
    let (last, usual): (Vec<Case>, Vec<Case>) = all.into_iter().partition(|case| case.effect == Effect::Final);
    let mut runner = Runner::new(Session::new(between(socket)), Some(&mut module), true, true);
    for case in usual {
        let outcome = runner.run(&case, true).expect("the card answers");
        outcomes.push((case, outcome));
    }
    drop(runner);
    for case in last {
        let session = Session::new(between(card(rows)));
        let outcome = Runner::new(session, Some(&mut module), true, true).run(&case, true).expect("the card answers");
        outcomes.push((case, outcome));
    }
    outcomes
}

/// The card itself.
pub(crate) fn straight(socket: Socket) -> Box<dyn Transport> {
    Box::new(socket.connect().expect("power"))
}

/// A built-in profile.
pub(crate) fn profile(name: &str) -> Profile {
    builtin(name).expect("built in")
}
