//! One change, and exactly what must follow: a byte on a card, a word of a profile.
//!
//! The card is the software card, made and personalized from the same profile.

use std::collections::BTreeMap;

use card_core::apdu::Protocol;
use card_core::key::Key16;
use card_core::script::Step;
use card_core::security::keyring::KeyRing;
use card_core::security::{CityCode, Factors, KeyName};
use card_core::{Atr, Response, Session};
use card_profiles::document::document;
use card_profiles::format::FormatKind;
use card_profiles::layout::layout;
use card_profiles::plan::{Act, Plan, PlannedStep, Problem, Target};
use card_profiles::profile::EfKind;
use card_profiles::rehearsal::{TRANSPORT_KEY, TRANSPORT_KEY_NAME, TRANSPORT_LOT};
use card_profiles::{CardValues, Element, Place, Profile, Value, builtin, builtin_text};
use card_sim::{Card, Socket};

const SERIAL: [u8; 6] = [0x51, 0x33, 0x00, 0x00, 0x00, 0x01];

fn vault(profile: &Profile) -> KeyRing {
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
fn full(row: &Element) -> Value {
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
fn everything(profile: &Profile) -> CardValues {
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

struct Made {
    socket: Socket,
    plan: Plan,
    answers: Vec<Response>,
}

/// A card made by its plan, with the answers to every step.
fn made(profile: &Profile, values: &CardValues) -> Made {
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
fn read_back(made: &Made) -> impl Iterator<Item = (&PlannedStep, &Response)> {
    made.plan.steps.iter().zip(&made.answers).filter(|(step, _)| step.act == Act::ReadBack)
}

fn file_of(step: &PlannedStep, profile: &Profile) -> String {
    // A step that reads records names none of them; its SFI says which file it is.
    let Step::Send(command) = &step.step else { unreachable!("reading is a command") };
    match &step.place {
        Some(place) => format!("{}.{}", place.df, place.ef),
        None => {
            let df = profile.df(&step.df).expect("a directory");
            let ef = df.ef.iter().find(|ef| ef.sfi() == command.p2 >> 3).expect("a file");
            format!("{}.{}", df.id, ef.id)
        }
    }
}

#[test]
fn the_verifier_sees_every_stored_byte_and_names_its_file_record_and_item() {
    for name in ["ssc-3.0", "ssc-1.0"] {
        let profile = builtin(name).expect("built in");
        let made = made(&profile, &everything(&profile));
        let mut seen = BTreeMap::<String, Vec<u8>>::new();
        let mut flips = 0;
        for (step, answer) in read_back(&made) {
            let file = file_of(step, &profile);
            let start = seen.entry(file.clone()).or_default().len();
            let (df, ef) = file.split_once('.').expect("df.ef");
            let ef = profile.ef(df, ef).expect("a file");
            for index in 0..answer.data.len() {
                for flip in [0x01, 0x80, 0xFF] {
                    let mut data = answer.data.clone();
                    data[index] ^= flip;
                    let mismatch = step.judge(&Response { data, sw: answer.sw }).expect_err("a flipped byte is seen");
                    let place = mismatch.place.as_ref().expect("a place");
                    assert_eq!(format!("{}.{}", place.df, place.ef), file);
                    flips += 1;
                    if ef.kind == EfKind::TlvRecords {
                        let (record, byte) = record_at(ef, start + index);
                        assert_eq!(mismatch.problem, Problem::Record { record, byte }, "{file}");
                        let row = &ef.elements[usize::from(record) - 1];
                        assert_eq!(place.item.as_deref(), Some(row.id.as_str()), "{file}");
                    } else {
                        assert_eq!(mismatch.problem, Problem::Byte(start + index), "{file}");
                    }
                }
            }
            seen.entry(file).or_default().extend(&answer.data);
        }
        // What was flipped is what the card stores: all files but the cyclic ones, byte for byte.
        let stored = made.socket.card().inspect().files;
        let mut bytes = 0;
        for (df, ef) in profile.df.iter().flat_map(|df| df.ef.iter().map(move |ef| (df, ef))) {
            if ef.kind != EfKind::Cyclic {
                let file = format!("{}.{}", df.id, ef.id);
                assert_eq!(hex::encode_upper(&seen[&file]), stored[&file].concat(), "{file}");
                bytes += seen[&file].len();
            }
        }
        assert_eq!(flips, 3 * bytes, "{name}");
        assert!(bytes > 2000, "{name}: {bytes}");
    }
}

/// Record number and byte of it at an offset of a TLV file.
fn record_at(ef: &card_profiles::Ef, mut offset: usize) -> (u8, usize) {
    for (number, row) in (1..).zip(&ef.elements) {
        let length = usize::from(row.format.length) + 2;
        if offset < length {
            return (number, offset);
        }
        offset -= length;
    }
    unreachable!("inside the file")
}

/// What is made from a profile.
#[derive(PartialEq, Eq)]
struct Outputs {
    plan: String,
    card: String,
    document: String,
    layout: String,
    psam: String,
    account: String,
}

impl Outputs {
    fn of(profile: &Profile) -> Self {
        let made = made(profile, &everything(profile));
        let shown = |step: &PlannedStep| match &step.step {
            Step::Send(command) => hex::encode_upper(command.encode(Protocol::T1)),
            other => format!("{other:?}"),
        };
        let account = profile.account.as_ref().expect("an account");
        let commands = [
            account.get_balance(card_profiles::account::BalanceKind::PersonalAccount),
            account.init_load(1, [2; 6]),
            account.credit_load([3; 7], [4; 4]),
            account.debit_purchase(5, [6; 7], [7; 4]),
        ];
        Self {
            plan: made.plan.steps.iter().map(shown).collect::<Vec<_>>().join("\n"),
            card: probed(profile, &made.socket),
            document: document(profile),
            layout: serde_json::to_string(&layout(profile)).expect("JSON"),
            psam: format!("{:?}", profile.psam_keys()),
            account: format!("{commands:?} {:?} {:?}", account.mac, account.sequence_convention),
        }
    }

    fn changed(&self, other: &Self) -> Vec<&'static str> {
        [
            ("plan", self.plan == other.plan),
            ("card", self.card == other.card),
            ("document", self.document == other.document),
            ("layout", self.layout == other.layout),
            ("psam", self.psam == other.psam),
            ("account", self.account == other.account),
        ]
        .into_iter()
        .filter_map(|(name, is_same)| (!is_same).then_some(name))
        .collect()
    }
}

/// What a card shows: its memory, its names, who may read, which keys it knows.
fn probed(profile: &Profile, socket: &Socket) -> String {
    let mut shown = format!("{:?}", socket.card().inspect());
    let mut session = Session::new(Box::new(socket.connect().expect("comes up")));
    let mut send = |bytes: &[u8]| {
        let command = match bytes {
            [cla, ins, p1, p2] => card_core::Command::new(*cla, *ins, *p1, *p2).with_le(0),
            [cla, ins, p1, p2, data @ ..] => {
                card_core::Command::new(*cla, *ins, *p1, *p2).with_data(data.to_vec()).with_le(0)
            }
            _ => unreachable!("a command has a header"),
        };
        let answer = session.send(&command).expect("answer");
        format!("{:04X} {}\n", answer.sw.0, hex::encode(answer.data))
    };
    let name = &profile.df[0].df_name;
    for df in &profile.df {
        shown += &send(&[&[0x00, 0xA4, 0x04, 0x00][..], name].concat());
        if df.id != profile.df[0].id {
            shown += &send(&[&[0x00, 0xA4, 0x00, 0x00][..], &df.fid.to_be_bytes()].concat());
        }
        for sfi in 1..=0x1E {
            shown += &send(&[0x00, 0xB2, 0x01, sfi << 3 | 4]);
            shown += &send(&[0x00, 0xB0, 0x80 | sfi, 0x00]);
            shown += &send(&[0x00, 0xDC, 0x01, sfi << 3 | 4, 0x00]);
        }
        for id in 0x80..=0x90 {
            shown += &send(&[0x00, 0x84, 0x00, 0x00]);
            shown += &send(&[&[0x00, 0x82, 0x00, id][..], &[0; 16]].concat());
        }
    }
    shown
}

/// One change of the text, and what must change with it: nothing less, nothing more.
const CHANGES: [(&str, &str, &[&str]); 17] = [
    ("initial = \"123456\"", "initial = \"654321\"", &["plan"]),
    ("maker = \"00813147318660\"", "maker = \"00813147318661\"", &["plan", "card"]),
    ("read = \"PIN or RK1DF01\"", "read = \"free\"", &["plan", "card", "document", "layout"]),
    ("name = \"卡号\"", "name = \"卡编号\"", &["document", "layout"]),
    ("title = \"社会保障卡 3.0 (3DES)\"", "title = \"x\"", &["document"]),
    ("id = \"honour\"", "id = \"honor\"", &["document"]),
    ("tag = 0xF0", "tag = 0xEF", &["plan", "card", "document", "layout"]),
    (
        "format = \"an(9)\" },\n    { tag = 0x86",
        "format = \"b(9)\" },\n    { tag = 0x86",
        &["plan", "card", "document", "layout"],
    ),
    ("confidence = \"M\"\n  assumed = \"size", "confidence = \"L\"\n  assumed = \"size", &["document", "layout"]),
    ("update = \"UK7DF01\"", "update = \"UK8DF01\"", &["plan", "document", "layout"]),
    ("name = \"户籍信息\"", "name = \"户籍\"", &["document", "layout"]),
    ("df_name = \"D15600000500\"", "df_name = \"D15600000599\"", &["card", "document"]),
    ("hsm = [\"004C\"", "hsm = [\"004B\"", &["document"]),
    ("psam = { usage = 0x48, id = 0x42 }", "psam = { usage = 0x48, id = 0x41 }", &["document", "psam"]),
    ("class = \"UK\",  id = 0x8E", "class = \"UK\",  id = 0x8F", &["plan", "card", "document"]),
    ("purchase_tac  = [\"amounts\"", "purchase_tac  = [\"amount\"", &["account"]),
    ("ins = 0x2A", "ins = 0x2E", &["document", "account"]),
];

#[test]
fn a_change_of_the_profile_changes_what_it_should_and_nothing_else() {
    let text = builtin_text("ssc-3.0").expect("built in");
    let before = Outputs::of(&Profile::parse(text).expect("a profile"));
    for (from, to, expected) in CHANGES {
        assert!(text.contains(from), "{from:?} is not in the text");
        let after = Outputs::of(&Profile::parse(&text.replacen(from, to, 1)).expect("still follows the grammar"));
        assert_eq!(before.changed(&after), expected, "{from} -> {to}");
    }
}
