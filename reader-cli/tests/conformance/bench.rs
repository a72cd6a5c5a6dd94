//! A software card with known keys, and a run of cases on it.

use card_core::key::Key16;
use card_core::pin::PinBcd;
use card_core::security::{CityCode, Factors};
use card_core::transport::Transport;
use card_core::{Atr, Session, command};
use card_profiles::approach::{KeyVersions, Means};
use card_profiles::certificate::MASTER_KEY;
use card_profiles::conform::{Area, Bench, Case, CertificatePins, Effect, cases};
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
/// PINs of their certificate application.
const CERTIFICATE_PINS: [&str; 2] = ["314159", "27182818"];
/// What takes the application of a card into use: both PINs, both key pairs.
const IN_USE: [&str; 3] = ["certificate.user.set-up", "certificate.administrator.set-up", "certificate.install"];
/// Serial of the cards.
const SERIAL: [u8; 6] = [0x51, 0x33, 0x00, 0x00, 0x00, 0x07];

/// A key file with an obviously fake key for every row: its name, hashed.
pub(crate) fn key_text(profile: &Profile) -> String {
    let mut text = format!("mark = \"{}\"\n", rehearsal::MARK);
    let rows = profile.key.iter().map(|row| (row.name.as_str(), row.length.bytes()));
    for (name, bytes) in rows.chain(profile.certificate.as_ref().map(|_| (MASTER_KEY, 16))) {
        let digest = settlement::id::Digest::of(format!("conformance {name}").as_bytes());
        let value = hex::encode_upper(&digest.0[..bytes]);
        text.push_str(&format!("[[key]]\nname = \"{name}\"\nvalue = \"{value}\"\n"));
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
    let (bench, mut module) = (bench(profile, &socket), keys(profile, &socket));
    let all: Vec<Case> = cases(profile, &bench).into_iter().filter(wanted).collect();
    let mut outcomes = Vec::new();
    let (last, usual): (Vec<Case>, Vec<Case>) = all.into_iter().partition(|case| case.effect == Effect::Final);
    if usual.iter().any(|case| case.area == Area::Certificate) {
        let mut runner = Runner::new(Session::new(straight(socket.clone())), Some(&mut module), &bench, true);
        for case in cases(profile, &bench).iter().filter(|case| IN_USE.contains(&case.id.as_str())) {
            let _ = runner.run(case, true).expect("the card answers");
        }
    }
    let mut runner = Runner::new(Session::new(between(socket)), Some(&mut module), &bench, true);
    for case in usual {
        let outcome = runner.run(&case, true).expect("the card answers");
        outcomes.push((case, outcome));
    }
    drop(runner);
    for case in last {
        let session = Session::new(between(card(rows)));
        let outcome = Runner::new(session, Some(&mut module), &bench, true).run(&case, true).expect("the card answers");
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
