//! Cards and PSAMs with SM4 keys: each cryptogram computed once more from the block cipher alone.

use card_core::crypto::{cbc_mac_sm4, diversify_sm4, pad, sm4_decrypt, sm4_encrypt};
use card_core::key::Key16;
use card_sim::Card;

use super::rig::{Rig, SERIAL, TRANSPORT, in_socket};

const TERMINAL: &str = "990011223344";
const THEN: &str = "20250102030405";
/// Value of every key of the cards here.
const VALUE: [u8; 16] =
    [0x01, 0x23, 0x45, 0x67, 0x89, 0xAB, 0xCD, 0xEF, 0xFE, 0xDC, 0xBA, 0x98, 0x76, 0x54, 0x32, 0x10];
const RANDOM: [u8; 8] = [0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88];

fn given(profile: &str, names: &[&str]) -> Rig {
    let rows = card_profiles::builtin(profile).expect("built in");
    let value = hex::encode(VALUE);
    let keys: String = names.iter().map(|name| format!("[[key]]\nname = \"{name}\"\nvalue = \"{value}\"\n")).collect();
    let keys = card_sim::keys::GivenKeys::parse(&format!("mark = \"REHEARSAL\"\n{keys}")).expect("a key file");
    let card = Card::with_keys(&rows, SERIAL, &Key16::new(TRANSPORT), &keys).expect("a card");
    in_socket(profile, card)
}

/// `SM4(K, R ‖ 00×8)`.
fn session(key: [u8; 16], random: [u8; 8]) -> Key16 {
    let block = [&random[..], &[0; 8]].concat();
    Key16::new(sm4_encrypt(&Key16::new(key), &block).try_into().expect("one block"))
}

/// `C[0..8] xor C[8..16]` of `C = SM4(SK, plain ‖ 00×8)`.
fn cryptogram(key: &Key16, plain: [u8; 8]) -> String {
    let block = sm4_encrypt(key, &[&plain[..], &[0; 8]].concat());
    let (left, right) = block.split_at(8);
    hex::encode_upper(left.iter().zip(right).map(|(left, right)| left ^ right).collect::<Vec<_>>())
}

/// Seed of 8 bytes and its complement make the session key of a transaction; the MAC is CBC from zeros, leftmost 4 bytes.
fn transaction_mac(seed: [u8; 8], message: &str) -> String {
    let seed = [seed, seed.map(|byte| !byte)].concat();
    let key = Key16::new(sm4_encrypt(&Key16::new(VALUE), &seed).try_into().expect("one block"));
    mac(&key, message)
}

fn mac(key: &Key16, message: &str) -> String {
    let message = hex::decode(message.replace(' ', "")).expect("hex");
    hex::encode_upper(&cbc_mac_sm4(key, [0; 16], &pad(&message, 16))[..4])
}

fn challenge(rig: &mut Rig) {
    rig.script_random(&hex::encode(RANDOM));
    assert!(rig.raw("0084000008").ends_with("9000"));
}

#[test]
fn the_fci_names_sm4() {
    let mut rig = given("ssc-3.0-sm4", &["IRK"]);
    assert!(rig.fetch("00A404000F7378312E73682EC9E7BBE1B1A3D5CF").contains("9F0C03860103"));
}

#[test]
fn external_authentication_takes_both_lengths_and_the_version_of_the_key() {
    let mut rig = given("ssc-3.0-sm4", &["RKSSSE", "IRK"]);
    rig.select("SSSE");
    let plain = [1, 2, 3, 4, 5, 6, 7, 8];
    let auth = cryptogram(&session(VALUE, RANDOM), plain);
    let plain = hex::encode_upper(plain);
    for (tail, sw) in [("1101", "9000"), ("10", "9000"), ("1102", "6A88"), ("1100", "6A88")] {
        challenge(&mut rig);
        let (lc, version) = tail.split_at(2);
        assert_eq!(rig.raw(&format!("0082000A{lc}{auth}{plain}{version}")), sw, "{tail}");
    }
    challenge(&mut rig);
    assert_eq!(rig.raw(&format!("0082000A11{plain}{auth}01")), "63C2");
    let answer = cryptogram(&session(VALUE, [9; 8]), [1, 2, 3, 4, 5, 6, 7, 8]);
    for (lc, version) in [("10", ""), ("11", "01")] {
        assert_eq!(rig.fetch(&format!("00880000{lc}0909090909090909{plain}{version}")), format!("{answer}9000"));
    }
}

#[test]
fn a_pin_is_reloaded_by_the_command_of_25_bytes() {
    let mut rig = given("ssc-3.0-sm4", &["PUK", "STKSSSE"]);
    rig.select("SSSE");
    challenge(&mut rig);
    let auth = cryptogram(&session(VALUE, RANDOM), [7; 8]);
    assert_eq!(rig.raw(&format!("0082000611{auth}{}01", "07".repeat(8))), "9000");
    challenge(&mut rig);
    let key = session(VALUE, RANDOM);
    let block = hex::encode_upper(sm4_encrypt(&key, &pad(&[0x03, 0x65, 0x43, 0x21], 16)));
    let command = format!("8424000114{block}");
    assert_eq!(command.len() + 8, 50);
    let mac = mac(&key, &command);
    assert_eq!(rig.raw(&format!("{command}{mac}")), "9000");
    assert_eq!(rig.raw("0020000003654321"), "9000");
    assert_eq!(rig.raw("842400010C000000000000000000000000"), "6700", "the length of a DES card");
    challenge(&mut rig);
    let unblock = self::mac(&key, "8424000004");
    assert_eq!(rig.raw(&format!("8424000004{unblock}")), "9000");
}

#[test]
fn a_key_is_loaded_in_blocks_of_16_bytes() {
    let mut rig = given("ssc-3.0-sm4", &["MKSSSE"]);
    rig.select("SSSE");
    rig.script_random("A1B2C3D4");
    rig.raw("0084000004");
    let plain = [&[0x13, 0x0E, 0x04, 0x05][..], &[0x5A; 16]].concat();
    let enciphered = hex::encode_upper(sm4_encrypt(&Key16::new(VALUE), &pad(&plain, 16)));
    let command = format!("84D4000024{enciphered}");
    let mut iv = [0; 16];
    iv[..4].copy_from_slice(&[0xA1, 0xB2, 0xC3, 0xD4]);
    let message = pad(&hex::decode(&command).expect("hex"), 16);
    let mac = hex::encode_upper(&cbc_mac_sm4(&Key16::new(VALUE), iv, &message)[..4]);
    assert_eq!(rig.raw(&format!("{command}{mac}")), "9000");
    assert_eq!(rig.socket.card().inspect().keys["SSSE.UKSSSE"].version, Some(5));
    challenge(&mut rig);
    let auth = cryptogram(&session([0x5A; 16], RANDOM), [7; 8]);
    assert_eq!(rig.raw(&format!("0082000411{auth}{}05", "07".repeat(8))), "9000");
}

#[test]
fn load_and_purchase_follow_the_sm4_rules() {
    let mut rig = given("ssc-3.0-sm4", &["DPK", "DLK", "DTK"]);
    rig.select("DF04");
    rig.verify_pin();
    rig.script_random("11223344");
    let mac1 = transaction_mac(*b"\x11\x22\x33\x44\x00\x00\x80\x00", &format!("00000000 000003E8 01 {TERMINAL}"));
    let start = rig.fetch(&format!("B02800010B01000003E8{TERMINAL}"));
    assert_eq!(start, format!("0000000000000104 11223344{mac1}9000").replace(' ', ""), "algorithm 04");
    let mac2 = transaction_mac(*b"\x11\x22\x33\x44\x00\x00\x80\x00", &format!("000003E8 01 {TERMINAL}{THEN}"));
    let tac = mac(&Key16::new(VALUE), &format!("000003E8 0000 000003E8 01 {TERMINAL}{THEN}"));
    assert_eq!(rig.fetch(&format!("B02A00000B{THEN}{mac2}")), format!("{tac}9000"), "the TAC key is not folded");

    let amounts = "000000FA0000006400000032";
    rig.script_random("13579BDF");
    rig.fetch(&format!("B02801011301{amounts}{TERMINAL}"));
    let seed = *b"\x13\x57\x9B\xDF\x00\x00\xA5\xC3";
    let mac1 = transaction_mac(seed, &format!("{amounts}32{TERMINAL}{THEN}"));
    let tac = mac(&Key16::new(VALUE), &format!("{amounts}32{TERMINAL}0000A5C3{THEN}"));
    let mac2 = transaction_mac(seed, amounts);
    assert_eq!(rig.fetch(&format!("B02C01000F0000A5C3{THEN}{mac1}")), format!("{tac}{mac2}9000"));
}

#[test]
fn the_sm4_psam_answers_the_published_sequence() {
    let mut rig = given("psam-sx3", &["UKSSSE", "DPK"]);
    assert_eq!(rig.sw("00A404000F7378332E73682EC9E7BBE1B1A3D5CF")[..2], *"61");
    assert_eq!(rig.sw("00A4000002DF01")[..2], *"61");
    let (card, city) = ([0x86; 8], *b"430200sx");
    let (wire, random) = (hex::encode([card, city].as_flattened()), hex::encode(RANDOM));
    assert_eq!(rig.raw(&format!("BFDE481220{wire}{random}{}", "00".repeat(8))), "9000");
    let derived = diversify_sm4(&diversify_sm4(&Key16::new(VALUE), city), card);
    let key = session(*derived.expose(), RANDOM);
    let block = [&RANDOM[..], &[0; 8]].concat();
    let expected = hex::encode_upper(sm4_encrypt(&key, &block));
    assert_eq!(rig.raw(&format!("80FA000010{}", hex::encode(&block))), "6110");
    assert_eq!(rig.raw("00C0000010"), format!("{expected}9000"));
    assert_eq!(sm4_decrypt(&key, &hex::decode(expected).expect("hex")), block);
    let padded = pad(b"nineteen bytes long", 16);
    let mac = hex::encode_upper(cbc_mac_sm4(&key, [3; 16], &padded));
    assert_eq!(rig.fetch(&format!("80FA050030{}{}", "03".repeat(16), hex::encode(&padded))), format!("{mac}9000"));
    for (command, sw) in [
        (format!("BFDE481218{wire}{random}"), "6700"),
        (format!("BFDE481220{wire}{random}{}", "01".repeat(8)), "6A80"),
        (format!("80FA000008{random}"), "6985"),
    ] {
        assert_eq!(rig.raw(&command), sw, "{command}");
    }
    let start = rig.fetch(&format!("807001002C13579BDF0007{}32{THEN}0104{wire}", "00".repeat(12)));
    assert!(start.starts_with("00000001") && start.ends_with("9000"), "{start}");
}
