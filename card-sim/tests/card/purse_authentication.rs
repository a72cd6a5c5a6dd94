//! EXTERNAL and INTERNAL AUTHENTICATION of a purse: published numbers, tries, states, and the files that they open.

use card_core::key::Key16;
use card_sim::{Card, keys::GivenKeys};

use super::purse::made;
use super::purse_sm4;
use super::rig::{Rig, SERIAL, TRANSPORT, in_socket};

/// Keys of the COS manual's examples. A DES key of 8 bytes is a 3DES key of twice the same.
const EXTERNAL: &str = "0102030405060708";
const INTERNAL: &str = "1122334455667788";

fn key_file(rows: &[(&str, &str)]) -> String {
    let rows = rows.iter().map(|(name, value)| format!("[[key]]\nname = \"{name}\"\nvalue = \"{value}\"\n"));
    format!("mark = \"REHEARSAL\"\n{}", rows.collect::<String>())
}

fn twice(key: &str) -> String {
    key.repeat(2)
}

fn card_of(profile: &dyn Fn(String) -> String) -> Rig {
    let (external, internal) = (twice(EXTERNAL), twice(INTERNAL));
    let keys = [("DEAK", &external), ("DIEK", &internal), ("DIDK", &internal), ("DIMK", &internal)];
    made(&key_file(&keys.map(|(name, value)| (name, value.as_str()))), profile)
}

/// A card with the keys of the examples, its application selected.
pub(crate) fn card() -> Rig {
    card_of(&|text| text)
}

/// The composite file opens with DEAK.
fn guarded() -> Rig {
    card_of(&|text| {
        let rule = "read = \"free\"\n  update = \"never\"\n  assumed = \"one record";
        assert!(text.contains(rule));
        text.replacen(rule, "read = \"DEAK\"\n  update = \"PIN and DEAK\"\n  assumed = \"one record", 1)
    })
}

fn challenge(rig: &mut Rig, random: &str) {
    rig.script_random(random);
    assert_eq!(rig.raw(&format!("00840000{:02X}", random.len() / 2)), format!("{random}9000"));
}

fn prove(rig: &mut Rig) -> String {
    challenge(rig, "BB83BFF3");
    rig.raw("008200010874B0047DD681D96C")
}

#[test]
fn the_published_challenges_are_answered_by_the_published_cryptograms() {
    let mut rig = card();
    assert_eq!(prove(&mut rig), "9000", "a challenge of 4 bytes, completed with zeros");
    let mut rig = made(&key_file(&[("DEAK", &"FF".repeat(16))]), &|text| text);
    challenge(&mut rig, "53FD1F262EC4E6E2");
    assert_eq!(rig.raw("0082000108A0DBBFC1192FF24A"), "9000", "a challenge of 8 bytes");
}

#[test]
fn keys_of_eight_bytes_as_in_the_manual_give_the_same_numbers() {
    let eight = |text: String| {
        let rows = ["DIEK", "DIDK", "DIMK", "DEAK"];
        let row = |line: &str| rows.iter().any(|name| line.contains(&format!("name = \"{name}\"")));
        let line = |line: &str| if row(line) { line.replace("length = 16", "length = 8") } else { line.to_owned() };
        text.lines().map(|text| line(text) + "\n").collect()
    };
    let keys = [("DEAK", EXTERNAL), ("DIEK", INTERNAL), ("DIDK", INTERNAL), ("DIMK", INTERNAL)];
    let mut rig = made(&key_file(&keys), &eight);
    assert_eq!(prove(&mut rig), "9000");
    assert_eq!(rig.fetch("00880001080102030405060708"), "178F59F8578E0D3F9000");
    assert_eq!(rig.fetch("00880201080102030405060708"), "A82A8CEB9000");
}

#[test]
fn the_card_enciphers_deciphers_and_makes_a_mac_as_published() {
    let mut rig = card();
    assert_eq!(rig.raw("00880001080102030405060708"), "6108");
    assert_eq!(rig.raw("00C0000008"), "178F59F8578E0D3F9000");
    assert_eq!(rig.fetch("0088010108178F59F8578E0D3F"), "01020304050607089000");
    assert_eq!(rig.fetch("00880201080102030405060708"), "A82A8CEB9000");
    let two = rig.fetch("008800011001020304050607080102030405060708");
    assert_eq!(two, format!("{}9000", "178F59F8578E0D3F".repeat(2)), "block by block");
    assert_eq!(rig.sw("008802010101")[..2], *"61", "a MAC over any length");
}

#[test]
fn an_internal_key_serves_its_own_use_only_and_only_where_it_is() {
    let mut rig = made(&key_file(&[("DIEK", &twice(INTERNAL))]), &|text| text);
    assert_eq!(rig.sw("00880001080102030405060708"), "6108");
    assert_eq!(rig.sw("00880101080102030405060708"), "6A88", "no key to decipher");
    assert_eq!(rig.sw("00880201080102030405060708"), "6A88", "no key for a MAC");
    assert_eq!(rig.sw("00880002080102030405060708"), "6A88", "another index");
    assert_eq!(rig.sw("00880301080102030405060708"), "6A86");
    assert_eq!(rig.sw("0088000107010203040506 07"), "6700", "no whole block");
    assert_eq!(rig.sw("00A4000002 3F00")[..2], *"61");
    assert_eq!(rig.sw("00880001080102030405060708"), "6A88", "the MF has none");
}

#[test]
fn wrong_proofs_count_down_to_blocked_and_a_right_one_gives_the_tries_back() {
    let mut rig = card();
    let wrong = |rig: &mut Rig| {
        challenge(rig, "BB83BFF3");
        rig.raw("008200010874B0047DD681D96D")
    };
    assert_eq!([wrong(&mut rig), wrong(&mut rig), prove(&mut rig)], ["63C2", "63C1", "9000"]);
    assert_eq!([wrong(&mut rig), wrong(&mut rig)], ["63C2", "63C1"]);
    rig.reset();
    assert_eq!(rig.sw("00A4040009A00000000386980701")[..2], *"61");
    assert_eq!([wrong(&mut rig), prove(&mut rig)], ["63C0", "6983"], "tries outlast a reset");
}

#[test]
fn a_challenge_is_needed_serves_once_and_has_four_or_eight_bytes() {
    let mut rig = card();
    let auth = "008200010874B0047DD681D96C";
    assert_eq!(rig.raw(auth), "6984", "none");
    assert_eq!([prove(&mut rig).as_str(), rig.raw(auth).as_str()], ["9000", "6984"]);
    challenge(&mut rig, "BB83BFF3");
    assert_eq!(rig.raw("805C000204"), "000000009000");
    assert_eq!(rig.raw(auth), "6984", "a command in between");
    challenge(&mut rig, &"BB83BFF3".repeat(4));
    assert_eq!(rig.raw(auth), "6984", "16 bytes");
    assert_eq!(prove(&mut rig), "9000", "none of these cost a try");
}

#[test]
fn no_other_key_is_proved_and_no_other_form_taken() {
    // Every key of the card is the same, so that only its use tells.
    let names = ["MKADF1", "DTK", "DAMK", "DPUK", "DRPK", "DUK", "DULK", "DPK", "DLK", "DIEK", "DIDK", "DIMK"];
    let same = twice(EXTERNAL);
    let mut rig = made(&key_file(&names.map(|name| (name, same.as_str()))), &|text| text);
    for id in ["00", "01"] {
        challenge(&mut rig, "BB83BFF3");
        assert_eq!(rig.raw(&format!("008200{id}0874B0047DD681D96C")), "6A88", "{id}");
    }
    let mut rig = card();
    challenge(&mut rig, "BB83BFF300000000");
    assert_eq!(rig.raw("008200011074B0047DD681D96C0102030405060708"), "6700", "16 bytes are another card's form");
}

#[test]
fn a_file_under_the_key_opens_with_its_proof_and_closes_again() {
    let mut rig = guarded();
    let (read, write) = ("00B201CC2B", format!("00DC01CC2BAA29{}", "5A".repeat(41)));
    assert_eq!([rig.sw(read), rig.sw(&write)], ["6982", "6982"]);
    assert_eq!(prove(&mut rig), "9000");
    assert_eq!([rig.sw(read), rig.sw(&write)], ["9000", "6982"], "the PIN is wanted besides");
    assert_eq!(rig.raw(super::purse::PIN), "9000");
    assert_eq!([rig.sw(&write), rig.sw(read)], ["9000", "9000"]);
    challenge(&mut rig, "BB83BFF3");
    assert_eq!(rig.raw("00820001080000000000000000"), "63C2");
    assert_eq!([rig.sw(read), rig.sw(&write)], ["6982", "6982"], "a wrong proof takes the right away");
    assert_eq!(prove(&mut rig), "9000");
    assert_eq!(rig.sw("00A4040009A00000000386980701")[..2], *"61");
    assert_eq!(rig.sw(read), "6982", "the right ends with the directory");
    assert_eq!(prove(&mut rig), "9000");
    rig.reset();
    assert_eq!(rig.sw("00A4040009A00000000386980701")[..2], *"61");
    assert_eq!(rig.sw(read), "6982", "and with a reset");
}

#[test]
fn with_sm4_the_halves_are_folded_and_blocks_have_sixteen_bytes() {
    // GB/T 32907: key and plain 0123…3210 give 681EDF34D206965E86B3E94F536E4246.
    let (plain, block) = ("0123456789ABCDEFFEDCBA9876543210", "681EDF34D206965E86B3E94F536E4246");
    let mut rig = purse_sm4::made("pboc-purse-sm4");
    assert_eq!(rig.fetch(&format!("0088004110{plain}")), format!("{block}9000"));
    assert_eq!(rig.fetch(&format!("0088014110{block}")), format!("{plain}9000"));
    assert_eq!(rig.sw("00880041080102030405060708"), "6700");
    // SM4 of 16 zero bytes under that key is 2677F46B09C122CC975533105BD4A22A; the challenge of zeros is 8 of them.
    challenge(&mut rig, "0000000000000000");
    assert_eq!(rig.raw("0082004108B122C77B521580E6"), "9000");
    challenge(&mut rig, "00000000");
    assert_eq!(rig.raw("00820041082677F46B09C122CC"), "63C2", "the left half is another rule's");
    // GB/T 15852.1 annex B, algorithm 1, padding 2, M1: its leftmost four bytes.
    let message = hex::encode_upper(b"This is the test message for mac");
    assert_eq!(rig.fetch(&format!("0088024120{message}")), "4B6553AF9000");
    assert_eq!(rig.sw(&format!("0088020110{plain}")), "6A88", "SM4 keys are loaded and named by 41");
}

#[test]
fn a_card_without_these_rows_takes_the_form_of_its_own_profile() {
    // An image of an older program has its profile inside: keys of the purse proved with 16 bytes, as it was then.
    let text = card_profiles::flatten(card_profiles::builtin_text("pboc-purse").expect("built in")).expect("flat");
    let start = text.find("[algorithm_rules]").expect("the table");
    let end = start + text[start..].find("\n]\n").expect("its list ends") + 3;
    let text: String = [&text[..start], &text[end..]].concat();
    let text: String = text
        .lines()
        .filter(|line| {
            !["DIEK", "DIDK", "DIMK", "DEAK"].iter().any(|name| line.contains(&format!("name = \"{name}\"")))
        })
        .map(|line| format!("{line}\n"))
        .collect();
    let profile = card_profiles::Profile::parse(&text).expect("a profile");
    let keys = GivenKeys::parse(&key_file(&[("DPUK", &twice(EXTERNAL))])).expect("a key file");
    let card = Card::with_keys(&profile, SERIAL, &Key16::new(TRANSPORT), &keys).expect("a card");
    let mut rig = in_socket("pboc-purse", card);
    assert_eq!(rig.sw("00A4040009A00000000386980701")[..2], *"61");
    assert_eq!(rig.sw("00820001080000000000000000"), "6700");
}
