//! Images made, opened, renewed, damaged.

use std::path::PathBuf;

use super::*;
use card_profiles::builtin_text;

const SERIAL: [u8; 6] = [0x51, 0x33, 0, 0, 0, 1];

fn made(folder: &Path) -> PathBuf {
    made_of(folder, builtin_text("ssc-3.0").expect("built in"))
}

fn made_of(folder: &Path, text: &str) -> PathBuf {
    let path = folder.join("a.card");
    create(&path, text, SERIAL, &FaultPlan::default()).expect("made");
    path
}

/// The text as images carry it that were made before certificates had access rules.
fn older_text() -> String {
    let text = builtin_text("ssc-3.0").expect("built in");
    let (before, rest) = text.split_once("\naccess = { generate").expect("the row");
    format!("{before}\n{}", rest.split_once('\n').expect("more rows").1)
}

#[test]
fn a_new_card_opens_and_says_what_it_is() {
    let folder = tempfile::tempdir().expect("folder");
    let path = made(folder.path());
    let (identity, inspection) = inspect(&path).expect("image");
    assert_eq!(identity.profile, builtin_text("ssc-3.0").expect("built in"));
    assert!(inspection.atr.ends_with("513300000001"), "{}", inspection.atr);
    let pin = inspection.pin.expect("PIN");
    assert!(pin.initial && pin.tries_left == 3);
    assert!(matches!(create(&path, &identity.profile, SERIAL, &FaultPlan::default()), Err(ImageError::Exists(_))));
}

#[test]
fn keys_from_a_file_are_in_the_card_and_their_names_in_the_image() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("a.card");
    let text = builtin_text("ssc-3.0").expect("built in");
    let keys = "mark = \"REHEARSAL\"\n[[key]]\nname = \"UKSSSE\"\nversion = 2\n\
        value = \"00112233445566778899AABBCCDDEEFF\"\n";
    let keys = GivenKeys::parse(keys).expect("a key file");
    create_with_keys(&path, text, SERIAL, &FaultPlan::default(), &keys).expect("made");
    let (identity, inspection) = inspect(&path).expect("image");
    assert_eq!(identity.given_keys, ["UKSSSE version 2"]);
    assert_eq!(inspection.keys["SSSE.UKSSSE"].version, Some(2));
    assert_eq!(inspection.keys["SSSE.RKSSSE"].version, None);
}

#[test]
fn a_psam_of_two_environments_is_in_its_image_whole() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("psam.card");
    let keys = |value: u8| {
        let value = hex::encode_upper([value; 16]);
        GivenKeys::parse(&format!("mark = \"REHEARSAL\"\n[[key]]\nname = \"IRK\"\nvalue = \"{value}\"\n"))
            .expect("keys")
    };
    let (first, second) = (keys(1), keys(2));
    let texts = ["psam", "psam-sx3"].map(|name| builtin_text(name).expect("built in"));
    create_of_environments(&path, &[(texts[0], &first), (texts[1], &second)], SERIAL, &FaultPlan::default())
        .expect("made");
    let (identity, inspection) = inspect(&path).expect("image");
    assert_eq!((identity.given_keys.as_slice(), identity.beside.len()), (&["IRK version 1".to_owned()][..], 1));
    assert_eq!(identity.beside[0].given_keys, ["IRK version 1"]);
    assert!(identity.beside[0].profile.contains("7378332E"), "with what it extends");
    let beside = &inspection.beside[0];
    assert_eq!(beside.environment.as_deref(), Some("7378332E73682EC9E7BBE1B1A3D5CF"));
    assert_eq!((inspection.keys.len(), beside.keys.len()), (beside.keys.len(), inspection.keys.len()));
    for _ in 0..2 {
        let mut card = open(&path, Durability::Process).expect("free");
        card.power_on().expect("power");
        let mut answer = Vec::new();
        card.transmit(&hex::decode("00A404000F7378332E73682EC9E7BBE1B1A3D5CF").expect("hex"), &mut answer)
            .expect("answer");
        assert_eq!(answer[0], 0x61);
        card.age(1).expect("written");
    }
    let older = inspect(&path).expect("image").1;
    let numbers = (older.terminal_sequence, older.beside[0].terminal_sequence);
    assert_eq!(numbers, (Some(u32::MAX - 1), Some(u32::MAX - 1)));
}

#[test]
fn one_card_is_in_one_reader_only() {
    let folder = tempfile::tempdir().expect("folder");
    let path = made(folder.path());
    let first = open(&path, Durability::Process).expect("free");
    assert!(matches!(open(&path, Durability::Process), Err(ImageError::InUse(_))));
    inspect(&path).expect("looking is allowed");
    drop(first);
    open(&path, Durability::Process).expect("free again");
}

#[test]
fn what_a_card_did_is_in_its_image() {
    let folder = tempfile::tempdir().expect("folder");
    let path = made(folder.path());
    let mut card = open(&path, Durability::Disk).expect("free");
    card.power_on().expect("power");
    let mut answer = Vec::new();
    for command in ["00A4000002DDF1", "0020000003999999"] {
        card.transmit(&hex::decode(command).expect("hex"), &mut answer).expect("answer");
    }
    assert_eq!(hex::encode_upper(&answer), "611E63C2");
    let pin = inspect(&path).expect("image").1.pin.expect("PIN");
    assert_eq!(pin.tries_left, 2);
}

#[test]
fn faults_are_kept_in_the_image_and_used_up_there() {
    use crate::fault::{Fault, Moment, Trigger};
    let folder = tempfile::tempdir().expect("folder");
    let path = made(folder.path());
    let open = || open(&path, Durability::Process).expect("free");
    let loss = Fault::PowerLoss { at: Trigger::command(2), moment: Moment::After, back_after_ms: Some(1) };
    open().set_faults(FaultPlan::new(vec![loss, Fault::Lemon { after_writes: 100 }])).expect("fits");
    let select = hex::decode("00A4000002DDF1").expect("hex");
    for lost in [false, true, false] {
        let mut card = open();
        card.power_on().expect("power");
        assert_eq!(card.transmit(&select, &mut Vec::new()).is_err(), lost);
    }
    assert_eq!(open().faults().faults(), [Fault::Lemon { after_writes: 100 }]);
}

/// An image as version 1 of the layout had it: without the blocks at the end of the memory.
fn of_layout_1(path: &Path) -> Vec<u8> {
    let mut bytes = std::fs::read(path).expect("image");
    let model = crate::model::Model::of(&Profile::parse(&older_text()).expect("a profile")).expect("a model");
    let length = u32::try_from(model.blocks).expect("small").to_be_bytes();
    bytes.truncate(bytes.len() - (model.size - model.blocks));
    bytes[12..16].copy_from_slice(&1_u32.to_be_bytes());
    bytes[28..32].copy_from_slice(&length);
    bytes[SUM_AT..SUM_AT + 4].fill(0);
    bytes
}

#[test]
fn an_image_of_the_first_layout_loads_and_is_renewed_even_if_that_was_cut_off() {
    let folder = tempfile::tempdir().expect("folder");
    let path = made_of(folder.path(), &older_text());
    let new = std::fs::read(&path).expect("image");
    let old = of_layout_1(&path);
    for longer in [0, new.len() - old.len()] {
        let bytes = [&old[..], &vec![0; longer]].concat();
        std::fs::write(&path, bytes).expect("written");
        let (_, inspection) = inspect(&path).expect("an older image");
        assert_eq!(inspection.pin.map(|pin| pin.tries_left), Some(3));
        drop(open(&path, Durability::Disk).expect("an older image"));
        assert!(std::fs::read(&path).expect("image") == new, "renewed with {longer} bytes more");
    }
    std::fs::write(&path, &old[..old.len() - 1]).expect("written");
    assert!(inspect(&path).is_err());
}

#[test]
fn an_image_from_before_the_certificate_application_loads_without_it() {
    let folder = tempfile::tempdir().expect("folder");
    let path = made_of(folder.path(), &older_text());
    let mut card = open(&path, Durability::Process).expect("an older image");
    card.power_on().expect("power");
    let mut answer = Vec::new();
    let select = hex::decode("00A404000C504B492EC9E7BBE1B1A3D5CF").expect("hex");
    card.transmit(&select, &mut answer).expect("answer");
    assert_eq!(answer, [0x6A, 0x82]);
    assert_eq!(card.inspect().certificates, None);
}

#[test]
fn no_damaged_image_panics() {
    let folder = tempfile::tempdir().expect("folder");
    let path = made(folder.path());
    let bytes = std::fs::read(&path).expect("image");
    let damaged = folder.path().join("b.card");
    for end in (0..bytes.len()).step_by(997).chain(0..80) {
        std::fs::write(&damaged, &bytes[..end]).expect("written");
        assert!(inspect(&damaged).is_err(), "{end}");
    }
}

#[test]
fn a_damaged_byte_before_the_memory_is_refused_or_is_none_that_is_read() {
    let folder = tempfile::tempdir().expect("folder");
    let path = made_of(folder.path(), builtin_text("pboc-purse").expect("built in"));
    let mut bytes = std::fs::read(&path).expect("image");
    let parts = Parts::of(&path, &bytes).expect("sound");
    let identity = HEADER + serde_json::to_vec(&parts.identity).expect("plain data").len();
    let faults = usize::try_from(parts.fault_offset).expect("small");
    let memory = usize::try_from(parts.memory_offset).expect("small");
    // Sum (4) and zeros; the length of the faults and `[]`: all else is never read.
    let read = |at: usize| at < SUM_AT + 4 || (HEADER..identity).contains(&at) || (faults..faults + 6).contains(&at);
    let mut refused = 0;
    for at in 0..memory {
        for mask in [1 << (at % 8), 0xFF] {
            bytes[at] ^= mask;
            if read(at) {
                let error = Parts::of(&path, &bytes).err().unwrap_or_else(|| panic!("byte {at} is not missed"));
                let ImageError::Malformed { problem, .. } = error else { panic!("byte {at}: {error}") };
                assert!(at < SUM_AT || at >= faults || problem == Malformed::Damaged(identity), "{at}: {problem}");
                refused += 1;
            }
            bytes[at] ^= mask;
        }
        // A sound profile is read in milliseconds: not beside each of thousands of zeros.
        if !read(at) && at % 512 == 0 {
            bytes[at] ^= 0xFF;
            assert!(Parts::of(&path, &bytes).is_ok(), "{at}");
            bytes[at] ^= 0xFF;
        }
    }
    assert!(refused > 2 * 9_000, "{refused}");
}

#[test]
fn an_image_of_an_older_program_has_no_check_sum_and_opens() {
    let folder = tempfile::tempdir().expect("folder");
    let path = made(folder.path());
    let mut bytes = std::fs::read(&path).expect("image");
    assert_ne!(bytes[SUM_AT..SUM_AT + 4], [0; 4]);
    bytes[SUM_AT..SUM_AT + 4].fill(0);
    assert!(Parts::of(&path, &bytes).is_ok());
}
