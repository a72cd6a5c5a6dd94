//! Access conditions: every file against every set of rights, and random sessions against a small model.

use std::collections::{BTreeMap, BTreeSet};

use card_core::command::{self, Record};
use card_profiles::profile::{Ef, EfKind};
use proptest::prelude::*;

use super::rig::{Rig, keyed, keyed_beside};

fn prove(rig: &mut Rig, rights: &[&str]) {
    for right in rights {
        match *right {
            "PIN" => rig.verify_pin(),
            name => assert!(rig.authenticate(name).sw.is_ok(), "{name}"),
        }
    }
}

/// What the words of a row say, spelt once more: `free`, `never`, rights joined by `and` or `or`, or a MAC with each command.
fn opens(words: &str, held: &[&str]) -> bool {
    match words {
        "free" => true,
        "never" => false,
        words if words.starts_with("MAC ") => false,
        words if words.contains(" or ") => words.split(" or ").any(|word| held.contains(&word)),
        words => words.split(" and ").all(|word| held.contains(&word)),
    }
}

/// A command that reads or writes, the kinds of file that have it, and whether it writes.
fn commands(sfi: u8, kind: EfKind, records: usize, record: &[u8]) -> Vec<(String, bool, bool)> {
    let mode = |low: u8| format!("{:02X}", sfi << 3 | low);
    let data = |bytes: &[u8]| format!("{:02X}{}", bytes.len(), hex::encode_upper(bytes));
    let (tlv, cyclic) = (kind == EfKind::TlvRecords, kind == EfKind::Cyclic);
    let (tag, binary) = (record[0], kind == EfKind::Transparent);
    let read = format!("{:02X}", record.len());
    let mut all = vec![
        (format!("00B2{tag:02X}{}{read}", mode(0)), false, tlv),
        (format!("00B201{}{read}", mode(4)), false, tlv || cyclic),
        (format!("00B2{records:02X}{}00", mode(5)), false, tlv || cyclic),
        (format!("00B0{:02X}0001", 0x80 | sfi), false, binary),
        (format!("00DC{tag:02X}{}{}", mode(0), data(record)), true, tlv),
        (format!("00DC01{}{}", mode(4), data(record)), true, tlv),
        (format!("00DC00{}{}", mode(3), data(record)), true, cyclic),
        (format!("00E200{}{}", mode(0), data(record)), true, cyclic),
        (format!("00D6{:02X}00{}", 0x80 | sfi, data(&[0x30])), true, binary),
    ];
    // Once more through the current file.
    let current: Vec<_> = all
        .iter()
        .filter(|(command, ..)| command.starts_with("00B201"))
        .map(|(command, write, has)| (format!("00B20104{}", &command[8..]), *write, *has))
        .collect();
    all.extend(current);
    all
}

#[test]
fn every_file_answers_every_command_by_the_rights_of_its_row() {
    // The social security cards have a matrix of their own.
    let alone = ["ssc-3.0", "pboc-purse", "pboc-purse-55", "pboc-purse-sm4", "psam", "psam-sx3"].map(keyed);
    for mut rig in alone.into_iter().chain(["psam", "psam-sx3"].map(keyed_beside)) {
        let mut checked = 0;
        for df in rig.profile.df.clone() {
            for ef in &df.ef {
                let rules = [ef.read.to_string(), ef.update.to_string()];
                let words = rules.iter().flat_map(|rule| rule.split(' ')).filter(|word| {
                    !["free", "never", "and", "or", "MAC"].contains(word) && !rules.contains(&format!("MAC {word}"))
                });
                let named: BTreeSet<&str> = words.collect();
                // Every state of the rights that the row names, and all the other rights of the DF besides or not.
                for subset in 0..1_u32 << named.len() {
                    let held: Vec<&str> =
                        (0..).zip(&named).filter(|(bit, _)| subset >> bit & 1 == 1).map(|(_, word)| *word).collect();
                    rig.reset();
                    rig.select(&df.id);
                    prove(&mut rig, &held);
                    checked += every_command(&mut rig, &df.id, ef, &held);
                }
            }
        }
        assert!(checked > 20, "{}: {checked} cases", rig.profile.name);
    }
}

fn every_command(rig: &mut Rig, df: &str, ef: &Ef, held: &[&str]) -> usize {
    let first = ef.elements.first().map_or(1, |element| usize::from(element.format.length));
    let record = match ef.kind {
        EfKind::TlvRecords => {
            let tag = ef.elements[0].tag.expect("a tag");
            let mut record = vec![tag, ef.elements[0].format.length];
            record.resize(2 + first, 0x30);
            record
        }
        EfKind::Cyclic => vec![0x30; ef.record_length()],
        EfKind::Transparent => vec![0x30],
    };
    assert_eq!(rig.sw(&format!("00A40000 02{:04X}", ef.fid)), "9000");
    let all = commands(ef.sfi(), ef.kind, usize::from(ef.records), &record);
    let count = all.len();
    for (command, writes, has) in all {
        let rule = if writes { &ef.update } else { &ef.read }.to_string();
        let sw = rig.sw(&command);
        let place = format!("{df}.{} {command} with {held:?}: {sw}", ef.id);
        match (has, opens(&rule, held)) {
            (false, _) => assert_eq!(sw, "6981", "{place}"),
            (true, false) if writes && rule.starts_with("MAC ") => assert_eq!(sw, "6987", "{place}"),
            (true, false) => assert_eq!(sw, "6982", "{place}"),
            // An empty cyclic file has no record to read, and one command may not hold all records of a long one.
            (true, true) if writes => assert_eq!(sw, "9000", "{place}"),
            (true, true) => assert!(["9000", "6A83"].contains(&sw.as_str()), "{place}"),
        }
    }
    count
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
