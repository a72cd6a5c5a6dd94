//! A PSAM with both environments: sx1 and sx3 on one chip, each with its own files, keys and counters.

use card_core::crypto::{self, Block};
use card_core::key::Key16;
use card_core::security::{KeyName, KeyRef, MacKey, SecurityModule};

use super::rig::{Rig, TERMINAL, keyed_beside};

const SX1: &str = "00A404000F7378312E73682EC9E7BBE1B1A3D5CF";
const SX3: &str = "00A404000F7378332E73682EC9E7BBE1B1A3D5CF";
const BY_AID: &str = "00A4040006D15600000590";
const BY_FID: &str = "00A4000002DF01";
const CARD: Block = [0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88];
const CITY: Block = *b"513300sx";
const RANDOM: Block = [0xA1, 0xA2, 0xA3, 0xA4, 0xA5, 0xA6, 0xA7, 0xA8];

/// A purchase of nothing with the key of version 1.
fn init_purchase() -> String {
    let factors = hex::encode([CARD, CITY].as_flattened());
    format!("807001002C13579BDF0007{}32{}0100{factors}", "00".repeat(12), "20".repeat(7))
}

/// MAC2 of [`init_purchase`], whose transaction number was `number`.
fn mac2(rig: &mut Rig, number: u32) -> String {
    let key = KeyRef { path: vec![CITY, CARD], ..rig.known(&KeyName::new("DPK")) };
    let seed = card_profiles::account::purchase_seed([0x13, 0x57, 0x9B, 0xDF], 7, number);
    hex::encode_upper(rig.ring.mac(&key, MacKey::Session(seed), [0; 8], &[0; 12]).expect("a key of the ring"))
}

/// The sixteen bytes that a rig gives to UKSSSE, row 6 of both profiles.
fn ukssse(rig: &Rig) -> Key16 {
    let row = rig.profile.key.iter().position(|row| row.name == KeyName::new("UKSSSE")).expect("a row");
    let start = u8::try_from(10 * row).expect("small");
    Key16::new(std::array::from_fn(|i| start + u8::try_from(i).expect("16")))
}

fn numbers(rig: &Rig) -> (Option<u32>, Option<u32>) {
    let inside = rig.socket.card().inspect();
    (inside.terminal_sequence, inside.beside[0].terminal_sequence)
}

#[test]
fn one_psam_answers_the_sequences_of_both_algorithms() {
    let mut rig = keyed_beside("psam");
    let wire = hex::encode([CARD, CITY].as_flattened());
    for _ in 0..2 {
        for application in [BY_AID, BY_FID] {
            assert_eq!(rig.sw(SX1)[..2], *"61");
            assert_eq!(rig.sw(application)[..2], *"61");
            assert_eq!(rig.raw(&format!("BFDE481218{wire}{}", hex::encode(RANDOM))), "9000");
            let answer = rig.fetch(&format!("80FA000008{}", hex::encode(RANDOM)));
            let city = crypto::diversify(&ukssse(&rig), CITY);
            let session = crypto::session_key(&crypto::diversify(&city, CARD), RANDOM);
            let expected = crypto::des_encrypt(&session, &RANDOM);
            assert_eq!(answer, format!("{}9000", hex::encode_upper(expected)), "3DES");

            assert_eq!(rig.sw(SX3)[..2], *"61");
            assert_eq!(rig.sw(application)[..2], *"61");
            let block = format!("{}{}", hex::encode(RANDOM), "00".repeat(8));
            assert_eq!(rig.raw(&format!("BFDE481218{wire}{}", hex::encode(RANDOM))), "6700", "no SM4 length");
            assert_eq!(rig.raw(&format!("BFDE481220{wire}{block}")), "9000");
            assert_eq!(rig.fetch(&format!("80FA000010{block}")).len(), 36, "SM4");
        }
        rig.reset();
    }
    assert_eq!(rig.sw("00A404000F7378322E73682EC9E7BBE1B1A3D5CF"), "6A82", "no SSF33 environment");
}

#[test]
fn the_first_environment_is_current_after_a_reset_and_identifiers_stay_in_the_one_selected() {
    let mut rig = keyed_beside("psam");
    let sm4 = |rig: &mut Rig| {
        let random = format!("{}{}", hex::encode([CARD, CITY].as_flattened()), hex::encode(RANDOM));
        match rig.raw(&format!("BFDE481220{random}{}", "00".repeat(8))).as_str() {
            "9000" => true,
            "6700" => false,
            other => panic!("{other}"),
        }
    };
    for (selected, is_sm4) in [
        (&[BY_AID][..], false),
        (&[BY_FID], false),
        (&[SX3, BY_AID], true),
        (&[SX3, BY_FID, "00A40000023F00", BY_FID], true),
        (&[SX3, BY_FID, BY_AID], true),
        (&[SX3, SX1, BY_AID], false),
    ] {
        rig.reset();
        for select in selected {
            assert_eq!(rig.sw(select)[..2], *"61", "{selected:?}: {select}");
        }
        assert_eq!(sm4(&mut rig), is_sm4, "{selected:?}");
    }
}

#[test]
fn what_is_proved_or_derived_in_one_environment_is_gone_in_the_other() {
    let mut rig = keyed_beside("psam");
    let wire = hex::encode([CARD, CITY].as_flattened());
    let derive = format!("BFDE481218{wire}{}", hex::encode(RANDOM));
    let writing = "00D6960006990011223344";
    rig.select("MF");
    assert!(rig.authenticate("MKMF").sw.is_ok());
    assert_eq!(rig.raw(writing), "9000");
    for command in [writing, &derive] {
        rig.select("MF");
        assert!(rig.authenticate("MKMF").sw.is_ok());
        rig.raw(BY_AID);
        assert_eq!(rig.raw(&derive), "9000");
        rig.raw(SX3);
        assert_ne!(rig.raw(command), "9000", "{command}");
        assert_eq!(rig.raw(&format!("80FA000008{}", hex::encode(RANDOM))), "6985");
        rig.raw(SX1);
        assert_eq!(rig.raw(writing), "6982", "nor is it there again");
    }
    // A purchase begun is good for the next command only, which a selection is.
    rig.raw(BY_AID);
    assert_eq!(rig.raw(&init_purchase()), "6108");
    rig.raw(SX3);
    rig.raw(BY_AID);
    assert_eq!(rig.raw("807200000400000000"), "6901");
}

#[test]
fn each_environment_counts_for_itself() {
    let [mut first, mut second] = ["psam", "psam-sx3"].map(keyed_beside);
    first.raw(BY_AID);
    for number in 1..=3_u32 {
        assert_eq!(first.fetch(&init_purchase())[..8], format!("{number:08X}"));
    }
    assert_eq!(numbers(&first), (Some(3), Some(0)));
    second.raw(BY_AID);
    for number in 1..=2 {
        second.fetch(&init_purchase());
        let right = mac2(&mut second, number);
        assert_eq!(second.raw(&format!("8072000004{right}")), "9000");
    }
    assert_eq!(numbers(&second), (Some(0), Some(2)));
    // Three wrong MAC2 lock the purchases of one.
    for _ in 0..3 {
        second.raw(&init_purchase());
        assert_eq!(second.raw("807200000400000000"), "9302");
    }
    assert_eq!(second.raw(&init_purchase()), "9303");
    second.raw(SX1);
    second.raw(BY_AID);
    assert_eq!(second.raw(&init_purchase()), "6108");
    // Tries of a key with the same name.
    let inside = |rig: &Rig| {
        let inside = rig.socket.card().inspect();
        (inside.keys["MF.MKMF"].tries_left, inside.beside[0].keys["MF.MKMF"].tries_left)
    };
    second.raw(SX3);
    second.raw("0084000008");
    assert_eq!(second.raw(&format!("0082000010{}", "00".repeat(16))), "63C2");
    assert_eq!(inside(&second), (3, 2));
}

#[test]
fn both_environments_share_the_terminal_number_and_no_other_file_of_the_application() {
    let mut rig = keyed_beside("psam-sx3");
    assert!(rig.authenticate("MKMF").sw.is_ok());
    assert_eq!(rig.raw(&format!("00D6960006{}", hex::encode(TERMINAL))), "9000");
    rig.raw(BY_FID);
    assert_eq!(rig.raw("00D69C000102"), "9000");
    let number = format!("{}9000", hex::encode_upper(TERMINAL));
    for (environment, index) in [(SX1, "009000"), (SX3, "029000")] {
        rig.raw(environment);
        assert_eq!(rig.raw("00B0960006"), number, "{environment}");
        assert_eq!(rig.sw("00B095000F"), "9000");
        rig.raw(BY_AID);
        assert_eq!(rig.raw("00B09C0001"), index, "{environment}");
    }
}
