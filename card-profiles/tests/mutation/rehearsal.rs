//! A card made by its plan, with a value in every item.
//!
//! Owns: keys of the rehearsal, values, carrying the plan out. Never: judges.

use card_core::key::Key16;
use card_core::script::Step;
use card_core::security::keyring::KeyRing;
use card_core::security::{CityCode, Factors, KeyName};
use card_core::{Atr, Response, Session};
use card_profiles::format::FormatKind;
use card_profiles::plan::{Act, Plan, PlannedStep, Target};
use card_profiles::profile::EfKind;
use card_profiles::rehearsal::{TRANSPORT_KEY, TRANSPORT_KEY_NAME, TRANSPORT_LOT};
use card_profiles::{CardValues, Element, Place, Profile, Value};
use card_sim::{Card, Socket};

pub(crate) const SERIAL: [u8; 6] = [0x51, 0x33, 0x00, 0x00, 0x00, 0x01];

pub(crate) fn vault(profile: &Profile) -> KeyRing {
    let mut ring = KeyRing::new();
    for row in &profile.key {
        let seed = row.name.as_str().bytes().fold(7_u8, |sum, byte| sum.wrapping_mul(13).wrapping_add(byte));
        let key = std::array::from_fn(|index| seed.wrapping_add(u8::try_from(index).expect("below 16") * 7));
        ring.insert(row.name.clone(), 1, Key16::new(key));
    }
    ring.insert(KeyName::new(TRANSPORT_KEY_NAME), TRANSPORT_LOT, Key16::new(TRANSPORT_KEY));
    ring
}

/// A value that fills an item to its last byte.
pub(crate) fn full(row: &Element) -> Value {
    let length = usize::from(row.format.length);
    match row.format.kind {
        FormatKind::B => Value::bytes(&vec![0x5A; length]),
        FormatKind::Cn => "1".repeat(2 * length).into(),
        FormatKind::An => "A".repeat(length).into(),
        FormatKind::CnAmount | FormatKind::BAmount | FormatKind::BSequence => Value::Number(12),
        FormatKind::BTlv => unreachable!("composites are filled item by item"),
    }
}

/// A value at every place that personalization writes.
pub(crate) fn everything(profile: &Profile) -> CardValues {
    let mut values = CardValues::new();
    for (df, ef) in profile.df.iter().flat_map(|df| df.ef.iter().map(move |ef| (df, ef))) {
        let file = Place::file(&df.id, &ef.id);
        match ef.kind {
            EfKind::Cyclic => {}
            EfKind::Transparent if ef.elements.is_empty() => {
                values.insert(file, Value::bytes(&vec![0xA5; ef.size.into()]));
            }
            EfKind::Transparent | EfKind::TlvRecords => {
                for row in &ef.elements {
                    let place = file.clone().item(&row.id);
                    if row.inner.is_empty() {
                        values.insert(place, full(row));
                    } else {
                        row.inner.iter().for_each(|item| values.insert(place.clone().inner(&item.id), full(item)));
                    }
                }
            }
        }
    }
    values
}

pub(crate) struct Made {
    pub(crate) socket: Socket,
    pub(crate) plan: Plan,
    pub(crate) answers: Vec<Response>,
}

/// A card made by its plan, with the answers to every step.
pub(crate) fn made(profile: &Profile, values: &CardValues) -> Made {
    let card = Card::factory(profile, SERIAL, &Key16::new(TRANSPORT_KEY)).expect("a card");
    let factor = Atr::parse(card.atr()).and_then(|atr| atr.card_factor()).expect("an ATR");
    let city = CityCode::parse("513300").expect("six digits");
    let plan =
        Plan::personalize(profile, values, &Target::blank(Factors::of(city, factor), TRANSPORT_LOT)).expect("plan");
    let socket = Socket::new(card);
    let (mut session, mut ring) = (Session::new(Box::new(socket.connect().expect("comes up"))), vault(profile));
    let answers: Vec<Response> =
        plan.steps.iter().map(|step| session.perform(&step.step, Some(&mut ring)).expect("answer")).collect();
    assert_eq!(plan.judge(&answers), []);
    drop(session);
    Made { socket, plan, answers }
}

/// Where a step's bytes lie: the file and the first record or byte.
pub(crate) fn read_back(made: &Made) -> impl Iterator<Item = (&PlannedStep, &Response)> {
    made.plan.steps.iter().zip(&made.answers).filter(|(step, _)| step.act == Act::ReadBack)
}

pub(crate) fn file_of(step: &PlannedStep, profile: &Profile) -> String {
    // A step that reads records names none of them; its SFI says which file it is.
    let Step::Send(command) = &step.step else { unreachable!("reading is a command") };
    match &step.place {
        Some(place) => format!("{}.{}", place.df(), place.ef()),
        None => {
            let df = profile.df(&step.df).expect("a directory");
            let ef = df.ef.iter().find(|ef| ef.sfi() == command.p2 >> 3).expect("a file");
            format!("{}.{}", df.id, ef.id)
        }
    }
}
