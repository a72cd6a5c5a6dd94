//! Access conditions: every file against every set of rights, and random sessions against a small model.

use std::collections::{BTreeMap, BTreeSet};

use card_core::command::{self, Record};
use card_profiles::access::Right;
use card_profiles::profile::EfKind;
use proptest::prelude::*;

use super::rig::{Rig, keyed};

fn prove(rig: &mut Rig, rights: &[&Right]) {
    for right in rights {
        match right {
            Right::Pin => rig.verify_pin(),
            Right::Key(name) => assert!(rig.authenticate(name.as_str()).sw.is_ok(), "{name}"),
        }
    }
}

#[test]
fn every_file_opens_to_exactly_the_rights_of_its_row() {
    let mut rig = keyed("ssc-3.0");
    let mut checked = 0;
    for df in rig.profile.df.clone() {
        for ef in &df.ef {
            let named: BTreeSet<&Right> = ef.read.rights().iter().chain(ef.update.rights()).collect();
            let named: Vec<&Right> = named.into_iter().collect();
            for subset in 0..1_u32 << named.len() {
                let held: Vec<&Right> =
                    (0..).zip(&named).filter(|(bit, _)| subset >> bit & 1 == 1).map(|(_, right)| *right).collect();
                rig.reset();
                rig.select(&df.id);
                prove(&mut rig, &held);
                let (read, update) = match ef.kind {
                    EfKind::TlvRecords => {
                        let element = &ef.elements[0];
                        let length = usize::from(element.format.length);
                        let tag = element.tag.expect("a tag");
                        let mut record = vec![tag, element.format.length];
                        record.resize(2 + length, 0x30);
                        let read = command::read_record(ef.sfi(), Record::Number(1), 0);
                        (read, command::update_record(ef.sfi(), Record::Number(1), &record))
                    }
                    EfKind::Cyclic => {
                        let append = card_core::Command::new(0x00, 0xE2, 0x00, ef.sfi() << 3);
                        let append = append.with_data(vec![0x30; ef.record_length()]);
                        (command::read_record(ef.sfi(), Record::Number(1), 0), append)
                    }
                    EfKind::Transparent => {
                        (command::read_binary_sfi(ef.sfi(), 0, 1), command::update_binary_sfi(ef.sfi(), 0, &[0x30]))
                    }
                };
                let place = format!("{}.{} with {held:?}", df.id, ef.id);
                let holds = |right: &Right| held.contains(&right);
                let sw = rig.send(&update).sw.0;
                assert_eq!(sw, if ef.update.allows(holds) { 0x9000 } else { 0x6982 }, "update {place}");
                let sw = rig.send(&read).sw.0;
                assert_eq!(sw != 0x6982, ef.read.allows(holds), "read {place}: {sw:04X}");
                checked += 1;
            }
        }
    }
    assert!(checked > 150, "{checked} cases");
}

/// What a session may do to the files of DF01 and DF02 and to its rights.
#[derive(Clone, Debug)]
enum Step {
    Select(usize),
    Verify(bool),
    Authenticate(usize),
    Update { file: usize, fill: u8 },
    Read { file: usize },
    Reset,
}

const DFS: [&str; 2] = ["DF01", "DF02"];
/// DF, SFI, tag, value length, update key of the first record of some files.
const FILES: [(usize, u8, u8, u8, &str); 4] = [
    (0, 0x05, 0x20, 2, "UK1DF01"),
    (0, 0x07, 0x29, 1, "UK2DF01"),
    (1, 0x06, 0x4C, 4, "UK2DF02"),
    (1, 0x15, 0x99, 16, "UK5DF02"),
];
const KEYS: [&str; 6] = ["RK1DF01", "UK1DF01", "UK2DF01", "RK1DF02", "UK2DF02", "UK5DF02"];

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0..DFS.len()).prop_map(Step::Select),
        2 => prop::bool::weighted(0.9).prop_map(Step::Verify),
        4 => (0..KEYS.len()).prop_map(Step::Authenticate),
        6 => (0..FILES.len(), any::<u8>()).prop_map(|(file, fill)| Step::Update { file, fill }),
        6 => (0..FILES.len()).prop_map(|file| Step::Read { file }),
        1 => Just(Step::Reset),
    ]
}

#[derive(Default)]
struct Model {
    df: Option<usize>,
    pin: bool,
    tries: u8,
    keys: BTreeSet<&'static str>,
    content: BTreeMap<usize, Vec<u8>>,
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn random_sessions_do_what_a_small_model_says(steps in prop::collection::vec(step(), 1..60)) {
        let mut rig = keyed("ssc-3.0");
        let mut model = Model { tries: 3, ..Model::default() };
        for step in steps {
            match step {
                Step::Select(df) => {
                    rig.select(DFS[df]);
                    model.df = Some(df);
                    model.keys.clear();
                }
                Step::Verify(right) => {
                    let pin = if right { [0x12, 0x34, 0x56] } else { [0x99; 3] };
                    let sw = rig.send(&command::verify(&pin)).sw.0;
                    let expected = match (model.df, model.tries, right) {
                        (None, ..) => 0x6A88,
                        (_, 0, _) => 0x6983,
                        (_, _, true) => 0x9000,
                        (_, tries, false) => 0x63C0 + u16::from(tries - 1),
                    };
                    prop_assert_eq!(sw, expected);
                    if sw & 0xFFF0 == 0x63C0 || sw == 0x9000 {
                        model.pin = right;
                        model.tries = if right { 3 } else { model.tries - 1 };
                    }
                }
                Step::Authenticate(key) => {
                    let name = KEYS[key];
                    let df = usize::from(name.ends_with("02"));
                    if model.df == Some(df) {
                        prop_assert!(rig.authenticate(name).sw.is_ok());
                        model.keys.insert(name);
                    }
                }
                Step::Update { file, fill } => {
                    let (df, sfi, tag, length, key) = FILES[file];
                    let mut record = vec![tag, length];
                    record.resize(2 + usize::from(length), fill);
                    if model.df == Some(df) {
                        let allowed = model.keys.contains(key);
                        let sw = rig.send(&command::update_record(sfi, Record::Number(1), &record)).sw.0;
                        prop_assert_eq!(sw, if allowed { 0x9000 } else { 0x6982 });
                        if allowed {
                            model.content.insert(file, record);
                        }
                    }
                }
                Step::Read { file } => {
                    let (df, sfi, tag, length, _) = FILES[file];
                    if model.df == Some(df) {
                        let reader = if df == 0 { "RK1DF01" } else { "RK1DF02" };
                        let answer = rig.send(&command::read_record(sfi, Record::Tag(tag), u16::from(length) + 2));
                        if model.pin || model.keys.contains(reader) {
                            prop_assert_eq!(answer.sw.0, 0x9000);
                            if let Some(content) = model.content.get(&file) {
                                prop_assert_eq!(&answer.data, content);
                            }
                        } else {
                            prop_assert_eq!(answer.sw.0, 0x6982);
                        }
                    }
                }
                Step::Reset => {
                    rig.reset();
                    model.df = None;
                    model.pin = false;
                    model.keys.clear();
                }
            }
        }
    }
}
