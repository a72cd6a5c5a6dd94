//! The certificate application: each cryptogram computed from the bare formulas, SM2 held to the standard's example.

use card_core::crypto::{
    Sm2PublicKey, cbc_mac_sm4, diversify_sm4, pad, sm2_digest, sm2_encrypt, sm2_verify, sm3, sm4_encrypt,
};
use card_core::key::Key16;
use card_profiles::profile::Profile;
use card_sim::Card;

use super::rig::{Rig, SERIAL, TRANSPORT, blank, in_socket};

/// Private key, public key and nonce of the standard's example.
pub(crate) const PRIVATE: &str = "3945208F7B2144B13F36E38AC6D39F95889393692860B51A42FB81EF4DF7C5B8";
pub(crate) const PUBLIC: &str = "09F9DF311E5421A150DD7D161E4BC5C672179FAD1833FC076BB08FF356F35020CCEA490CE26775A52DC6EA718CC1AA600AED05FBF35E084A6632F6072DA9AD13";
const NONCE: &str = "59276E27D506861A16680F3AD9C02DCCEF3CC1FA3CDBE4CE6D54B80DEAC1BC21";
/// Key of the envelopes here, and nonce that they were made with.
const ENVELOPE: [u8; 16] = *b"KEY OF ENVELOPES";
pub(crate) const RANDOM: &str = "1122334455667788";

pub(crate) fn bytes(text: &str) -> Vec<u8> {
    hex::decode(text.replace(' ', "")).expect("hex")
}

fn array<const N: usize>(text: &str) -> [u8; N] {
    bytes(text).try_into().expect("the length")
}

/// `SM4(K, R ‖ 00×8)`.
pub(crate) fn cryptogram(key: [u8; 16]) -> String {
    hex::encode_upper(sm4_encrypt(&Key16::new(key), &bytes(&format!("{RANDOM}0000000000000000"))))
}

/// First 16 bytes of SM3 of the digits in BCD.
pub(crate) fn hashed(digits: &str) -> [u8; 16] {
    *sm3(&bytes(digits)).first_chunk().expect("32 bytes")
}

/// The master key of a card from the factory: its transport key, diversified.
pub(crate) fn master_key(rig: &Rig) -> [u8; 16] {
    *diversify_sm4(&Key16::new(TRANSPORT), rig.factor()).expose()
}

pub(crate) fn challenge(rig: &mut Rig) {
    rig.script_random(RANDOM);
    assert!(rig.raw("0084000008").ends_with("9000"));
}

/// A message under the master key: CBC-MAC from the challenge, its four words xored.
pub(crate) fn message(key: [u8; 16], header: &str, data: &[u8]) -> String {
    let key = Key16::new(key);
    let command = format!("{header}{}", hex::encode_upper(sm4_encrypt(&key, data)));
    let last = cbc_mac_sm4(&key, array(&format!("{RANDOM}0000000000000000")), &pad(&bytes(&command), 16));
    let words = last.as_chunks::<4>().0.iter().fold([0; 4], |mut sum, word| {
        sum.iter_mut().zip(word).for_each(|(sum, byte)| *sum ^= byte);
        sum
    });
    format!("{command}{}", hex::encode_upper(words))
}

pub(crate) fn select(rig: &mut Rig) {
    assert!(rig.fetch("00A404000C504B492EC9E7BBE1B1A3D5CF").ends_with("9000"));
    assert!(rig.fetch("00A4000002DF01").ends_with("9000"));
}

/// A card whose application is selected and whose PINs, 123456 and 87654321, are set up.
pub(crate) fn card() -> Rig {
    let mut rig = blank("ssc-3.0");
    select(&mut rig);
    assert_eq!(rig.raw("80C4010305C10312345600"), "9000");
    assert_eq!(rig.raw("80C4010306C1048765432100"), "9000");
    rig
}

pub(crate) fn verify_user(rig: &mut Rig) {
    challenge(rig);
    assert_eq!(rig.raw(&format!("0020018110{}", cryptogram(hashed("123456")))), "9000");
}

pub(crate) fn verify_administrator(rig: &mut Rig) {
    challenge(rig);
    assert_eq!(rig.raw(&format!("0020010010{}", cryptogram(hashed("87654321")))), "9000");
}

/// With the key pair of the standard's example to sign.
pub(crate) fn signing_card() -> Rig {
    let mut rig = card();
    verify_user(&mut rig);
    rig.script_random(PRIVATE);
    assert_eq!(rig.raw("8040000008C0020012C2020013"), "9000");
    rig
}

/// The commands that install the standard's key pair as the encryption key: open, give back, public, private.
pub(crate) fn installation() -> [String; 4] {
    let cipher = sm2_encrypt(&Sm2PublicKey::parse(array(PUBLIC)).expect("a point"), &ENVELOPE, &array(NONCE));
    let cipher = cipher.expect("a usable nonce");
    let cipher = hex::encode_upper([&cipher.point[..], &cipher.hash, &cipher.text].concat());
    let private = hex::encode_upper(sm4_encrypt(&Key16::new(ENVELOPE), &bytes(PRIVATE)));
    [
        format!("804E000178C2020013C1820070{cipher}"),
        format!("804A021012C110{}", hex::encode_upper(ENVELOPE)),
        format!("80C2400046C0020014CA40{PUBLIC}"),
        format!("80C2C00126C2020015CB20{private}"),
    ]
}

fn changed(from: &str, to: &str) -> (Profile, Rig) {
    let text = card_profiles::builtin_text("ssc-3.0").expect("built in");
    assert!(text.contains(from), "{from}");
    let profile = Profile::parse(&text.replacen(from, to, 1)).expect("follows the grammar");
    let card = Card::factory(&profile, SERIAL, &Key16::new(TRANSPORT)).expect("a card");
    (profile, in_socket("ssc-3.0", card))
}

#[test]
fn both_directories_are_selected_by_name_and_fid_df01_means_each_side_its_own() {
    let mut rig = blank("ssc-3.0");
    assert_eq!(rig.fetch("00A404000C504B492EC9E7BBE1B1A3D5CF"), "6F0E840C504B492EC9E7BBE1B1A3D5CF9000");
    assert!(rig.fetch("00A4000002DF01").contains("53532E434552542E41444631"));
    assert_eq!(rig.sw("00A4000002DF02"), "6A82", "SSSE lies beside");
    assert_eq!(rig.sw("00A4000002FFFF"), "6A82");
    assert!(rig.fetch("00A4000002DDF1").contains("7378312E73682EC9E7BBE1B1A3D5CF"));
    assert!(rig.fetch("00A4000002DF01").contains("D15600000500"));
    assert!(rig.fetch("00A404000C53532E434552542E41444631").contains("53532E434552542E41444631"));
    let mut older = blank("ssc-2.0");
    assert_eq!(older.sw("00A404000C504B492EC9E7BBE1B1A3D5CF"), "6A82");
    assert_eq!(older.sw("8040000008C0020012C2020013"), "6D00", "no card before the third generation knows it");
}

#[test]
fn a_pin_is_verified_by_its_hash_and_counts_down_to_blocked() {
    let mut rig = blank("ssc-3.0");
    select(&mut rig);
    challenge(&mut rig);
    assert_eq!(rig.raw(&format!("0020018110{}", cryptogram(hashed("123456")))), "6A88", "not set up");
    assert_eq!(rig.raw("80C4010305C103123456"), "9000");
    assert_eq!(hex::encode_upper(hashed("123456")), "3DE741F445DD357BEA4E6C3FE6437036");
    assert_eq!(rig.raw(&format!("0020018110{}", cryptogram(hashed("123456")))), "6984", "no challenge");
    verify_user(&mut rig);
    for (wrong, sw) in [("123457", "63C2"), ("123457", "63C1")] {
        challenge(&mut rig);
        assert_eq!(rig.raw(&format!("0020018110{}", cryptogram(hashed(wrong)))), sw);
    }
    assert_eq!(rig.sw("8040000008C0020012C2020013"), "6982", "a wrong try takes the right away");
    verify_user(&mut rig);
    for sw in ["63C2", "63C1", "63C0", "6983"] {
        challenge(&mut rig);
        assert_eq!(rig.raw(&format!("0020018110{}", "00".repeat(16))), sw);
    }
    challenge(&mut rig);
    assert_eq!(rig.raw(&format!("0020018110{}", cryptogram(hashed("123456")))), "6983", "the right one comes too late");
    for (command, sw) in [("0020018108", "6700"), ("0020018210", "6A86"), ("0020008110", "6A86")] {
        let length = usize::from_str_radix(&command[8..], 16).expect("hex");
        assert_eq!(rig.raw(&format!("{command}{}", "00".repeat(length))), sw, "{command}");
    }
}

#[test]
fn a_pin_is_set_up_once_and_again_only_by_the_administrator() {
    let mut rig = card();
    assert_eq!(rig.raw("80C4010305C103654321"), "6982");
    verify_user(&mut rig);
    assert_eq!(rig.raw("80C4010305C103654321"), "6982", "not by the holder");
    for _ in 0..3 {
        challenge(&mut rig);
        rig.raw(&format!("0020018110{}", "00".repeat(16)));
    }
    verify_administrator(&mut rig);
    assert_eq!(rig.raw("80C4010305C103654321"), "9000", "which brings the tries back");
    challenge(&mut rig);
    assert_eq!(rig.raw(&format!("0020018110{}", cryptogram(hashed("654321")))), "9000");
    for (command, sw) in [
        ("80C4010305C1031234F6", "6A80"),
        ("80C4010304C1021234", "6A80"),
        ("80C4010305C203123456", "6A80"),
        ("80C4010306C103123456FF", "6A80"),
        ("80C4010405C103123456", "6A86"),
        ("80C40103", "6700"),
    ] {
        assert_eq!(rig.raw(command), sw, "{command}");
    }
}

#[test]
fn where_the_card_only_hashes_it_answers_the_hash_and_keeps_nothing() {
    let (_, mut rig) = changed("set_up = \"store\"", "set_up = \"hash\"");
    select(&mut rig);
    assert_eq!(rig.raw("80C4010305C103123456"), "6120");
    assert_eq!(rig.raw("00C0000020"), format!("{}9000", hex::encode_upper(sm3(&[0x12, 0x34, 0x56]))));
    challenge(&mut rig);
    assert_eq!(rig.raw(&format!("0020018110{}", cryptogram(hashed("123456")))), "6A88");
}

#[test]
fn a_key_pair_is_generated_and_its_public_half_read_in_every_form() {
    let mut rig = card();
    assert_eq!(rig.sw("8040000008C0020012C2020013"), "6982");
    verify_user(&mut rig);
    assert_eq!(rig.raw("80C9820008C0020012C2020013"), "6A88", "no key yet");
    assert_eq!(rig.raw("80C9828042"), "6985");
    rig.script_random(PRIVATE);
    assert_eq!(rig.raw("8040000008C0020012C2020013"), "9000");
    let file = format!("CA40{PUBLIC}9000");
    assert_eq!(rig.raw("80C9828000"), file, "directly after it was made");
    select(&mut rig);
    assert_eq!(rig.raw("80C9828042"), "6985");
    assert_eq!(rig.raw("80C9820008C0020012C2020013"), "9000");
    assert_eq!(rig.raw("80C9828042"), file);
    assert_eq!(rig.raw("80C9828000"), file);
    assert_eq!(rig.raw("80C9828040"), "6C42");
    assert_eq!(rig.raw("00A40000020012"), "9000");
    assert_eq!(rig.raw("00B0000042"), file);
    for (command, sw) in [
        ("80C9820008C0020012C2020015", "6981"),
        ("80C9820008C0020013C2020012", "6981"),
        ("80C9820008C0020011C2020013", "6A82"),
        ("80C9820008C2020013C0020012", "6A80"),
        ("80C9820009C0020012C202001300", "6A80"),
        ("80C9810008C0020012C2020013", "6A86"),
        ("8041000008C0020012C2020013", "6D00"),
    ] {
        assert_eq!(rig.raw(command), sw, "{command}");
    }
}

#[test]
fn the_card_signs_as_the_standard_does_and_only_for_who_knows_the_pin() {
    let mut rig = signing_card();
    let public = Sm2PublicKey::parse(array(PUBLIC)).expect("a point");
    let digest = sm2_digest(&public, b"1234567812345678", b"message digest");
    let command = format!("804C000026C2020013C120{}", hex::encode_upper(digest));
    rig.script_random(NONCE);
    assert_eq!(
        rig.fetch(&command),
        "F5A03B0648D2C4630EEAC513E1BB81A15944DA3827D5B74143AC7EACEEE720B3\
         B1B6AA29DF212FD8763182BC0D421CA1BB9038FD1F7F42D4840B69C485BBC1AA9000"
    );
    // A nonce that cannot be used is drawn again; without a script every signature is another one.
    rig.script_random(&format!("{}{NONCE}", "00".repeat(32)));
    assert!(rig.fetch(&command).starts_with("F5A03B06"));
    rig.script_random("");
    let [first, second] = [rig.fetch(&command), rig.fetch(&command)];
    assert_ne!(first, second);
    for signature in [first, second] {
        assert!(sm2_verify(&public, &digest, &array(&signature[..128])));
    }
    assert_eq!(rig.sw(&command.replace("C2020013", "C2020015")), "6A88", "no encryption key yet");
    assert_eq!(rig.sw(&command.replace("C2020013", "C2020012")), "6981", "not a private key");
    assert_eq!(rig.sw(&format!("804C000025C2020013C11F{}", "11".repeat(31))), "6A80");
    select(&mut rig);
    assert_eq!(rig.sw(&command), "6982", "another selection forgets the PIN");
}

#[test]
fn a_private_key_is_never_read_nor_written_past_its_commands() {
    let mut rig = signing_card();
    verify_administrator(&mut rig);
    let inspection = format!("{:?}", rig.socket.card().inspect());
    assert!(inspection.contains(PUBLIC) && !inspection.contains(PRIVATE));
    for fid in ["0013", "0015"] {
        assert_eq!(rig.raw(&format!("00A4000002{fid}")), "9000");
        for command in ["00B0000022", "00B0000000", "00D6000001FF", "00B2010400"] {
            let sw = if command.starts_with("00B2") { "6981" } else { "6982" };
            assert_eq!(rig.raw(command), sw, "{fid} {command}");
        }
    }
    for sfi in [0x93, 0x95] {
        assert_eq!(rig.raw(&format!("00B0{sfi:02X}0022")), "6982");
    }
    assert_eq!(rig.raw("00A40000020012"), "9000");
    assert_eq!(rig.raw("00D6000001FF"), "6982", "a public key is written by its command");
}

#[test]
fn the_encryption_key_is_installed_from_its_envelope() {
    let mut rig = signing_card();
    let [open, take, public, private] = installation();
    assert_eq!(rig.raw(&take), "6985", "before the envelope was opened");
    assert_eq!(rig.fetch(&open), format!("{}9000", hex::encode_upper(ENVELOPE)));
    assert_eq!(rig.raw(&private), "6985", "before the key of the envelope is back");
    assert_eq!(rig.raw(&take), "9000");
    assert_eq!(rig.raw(&private), "6A88", "before its public key");
    assert_eq!(rig.fetch(&open).len(), 36);
    assert_eq!(rig.raw(&take), "9000");
    assert_eq!(rig.raw(&public), "9000");
    assert_eq!(rig.raw(&private), "9000");
    assert_eq!(rig.raw(&private), "6985", "a key of an envelope serves once");
    let certificates = rig.socket.card().inspect().certificates.expect("the application");
    assert_eq!(certificates.encryption_key.as_deref(), Some(PUBLIC));
    assert_eq!(rig.raw("80C9820008C0020014C2020015"), "9000");
    assert_eq!(rig.raw("80C9828042"), format!("CA40{PUBLIC}9000"));
    // What does not belong together is refused and nothing is stored.
    assert_eq!(rig.fetch(&open).len(), 36);
    assert_eq!(rig.raw(&take.replace("4B45", "4B46")), "9000");
    assert_eq!(rig.raw(&private), "6A80", "another key deciphers to another number");
    let mut bent = open.clone();
    bent.replace_range(open.len() - 1.., if open.ends_with('0') { "1" } else { "0" });
    assert_eq!(rig.raw(&bent), "6A80", "the hash of the envelope");
    assert_eq!(rig.raw(&public.replacen("09F9", "09F8", 1)), "6A80", "no point of the curve");
    assert_eq!(rig.raw(&public.replacen("C0020014", "C0020015", 1)), "6981");
    select(&mut rig);
    for command in [&open, &public, &private] {
        assert_eq!(rig.sw(command), "6982", "{command}");
    }
}

#[test]
fn where_the_terminal_deciphers_the_key_it_is_installed_in_plain() {
    let (_, mut rig) = changed("private_key = \"enciphered\"", "private_key = \"plain\"");
    select(&mut rig);
    assert_eq!(rig.raw("80C4010305C103123456"), "9000");
    verify_user(&mut rig);
    let [_, _, public, _] = installation();
    assert_eq!(rig.raw(&public), "9000");
    assert_eq!(rig.raw(&format!("80C2C00126C2020015CB20{}", "11".repeat(32))), "6A80");
    assert_eq!(rig.raw(&format!("80C2C00126C2020015CB20{PRIVATE}")), "9000");
}

#[test]
fn certificates_are_written_in_the_five_parts_of_the_tool() {
    let mut rig = card();
    assert_eq!(rig.raw("00A40000020018"), "9000");
    assert_eq!(rig.sw("00D6000001FF"), "6982");
    verify_user(&mut rig);
    let certificate: Vec<u8> = (0..1020_u32).map(|at| u8::try_from(at % 251).expect("small")).collect();
    for (fid, invert) in [("0018", 0x00), ("0019", 0xFF)] {
        assert_eq!(rig.raw(&format!("00A4000002{fid}")), "9000");
        for (offset, length) in [(0, 0xFA), (0xFA, 0xFA), (0x1F4, 0xFA), (0x2EE, 0xFA), (0x3E8, 0x14)] {
            let part: Vec<u8> = certificate[offset..offset + length].iter().map(|byte| byte ^ invert).collect();
            assert_eq!(rig.raw(&format!("00D6{offset:04X}{length:02X}{}", hex::encode(part))), "9000");
        }
        assert_eq!(rig.sw("00D603FC01FF"), "6B00", "behind the end");
        assert_eq!(rig.sw("00D603FB02FFFF"), "6A84", "over the end");
    }
    let stored = rig.socket.card().inspect().files["CERT.EF18"].concat();
    assert_eq!(stored, hex::encode_upper(&certificate));
    assert_ne!(rig.socket.card().inspect().files["CERT.EF19"].concat(), stored);
}

#[test]
fn the_administrator_changes_the_pin_under_the_master_key() {
    let mut rig = card();
    let master = master_key(&rig);
    let new = hashed("11223344");
    let command = message(master, "845E010014", &new);
    challenge(&mut rig);
    assert_eq!(rig.raw(&command), "6982", "without the present PIN");
    verify_administrator(&mut rig);
    assert_eq!(rig.raw(&command), "6984", "without a challenge");
    challenge(&mut rig);
    assert_eq!(rig.raw(&message([0; 16], "845E010014", &new)), "9302");
    challenge(&mut rig);
    assert_eq!(rig.raw(&command), "9000");
    challenge(&mut rig);
    assert_eq!(rig.raw(&format!("0020010010{}", cryptogram(hashed("87654321")))), "63C2");
    challenge(&mut rig);
    assert_eq!(rig.raw(&format!("0020010010{}", cryptogram(new))), "9000");
    for sw in ["9302", "9302", "9302", "6983"] {
        challenge(&mut rig);
        assert_eq!(rig.raw(&message([0; 16], "845E010014", &new)), sw, "the tries of the master key");
    }
}

#[test]
fn where_the_new_pin_goes_as_digits_the_card_hashes_them() {
    let (_, mut rig) = changed("new_pin = \"hashed\"", "new_pin = \"digits\"");
    select(&mut rig);
    assert_eq!(rig.raw("80C4010306C10487654321"), "9000");
    let master = master_key(&rig);
    for (block, sw) in [("0311223380", "6A80"), ("041122334480", "9000")] {
        let mut block = bytes(block);
        block.resize(16, 0);
        verify_administrator(&mut rig);
        challenge(&mut rig);
        assert_eq!(rig.raw(&message(master, "845E010014", &block)), sw);
    }
    challenge(&mut rig);
    assert_eq!(rig.raw(&format!("0020010010{}", cryptogram(hashed("11223344")))), "9000");
}

/// `13 000000`, key, padding: what a load of the master key carries.
pub(crate) fn key_load(key: [u8; 16]) -> Vec<u8> {
    let mut plain = [&[0x13, 0, 0, 0][..], &key, &[0x80]].concat();
    plain.resize(32, 0);
    plain
}

#[test]
fn another_master_key_is_loaded_under_the_present_one() {
    let mut rig = card();
    let (old, new) = (master_key(&rig), *b"NEW MASTER KEY !");
    let load = message(old, "84D4010024", &key_load(new));
    challenge(&mut rig);
    assert_eq!(rig.raw(&load), "6982", "before external authentication");
    for (key, sw) in [([0; 16], "63C2"), (old, "9000")] {
        challenge(&mut rig);
        assert_eq!(rig.raw(&format!("0082000010{}", cryptogram(key))), sw);
    }
    let mut wrong = key_load(new);
    wrong[31] = 1;
    challenge(&mut rig);
    assert_eq!(rig.raw(&message(old, "84D4010024", &wrong)), "6A80", "the padding");
    challenge(&mut rig);
    assert_eq!(rig.raw(&load), "9000");
    challenge(&mut rig);
    assert_eq!(rig.raw(&load), "6982", "the right went with the old key");
    for (key, sw) in [(old, "63C2"), (new, "9000")] {
        challenge(&mut rig);
        assert_eq!(rig.raw(&format!("0082000010{}", cryptogram(key))), sw);
    }
    assert_eq!(rig.sw(&format!("84D400001C{}", "00".repeat(28))), "6985", "the command of the other directories");
    assert_eq!(rig.sw(&format!("0082008310{}", "00".repeat(16))), "6A88", "a key of SSSE's DF01");
}

#[test]
fn its_commands_work_in_its_directory_only_and_its_rights_end_there() {
    let mut rig = signing_card();
    verify_administrator(&mut rig);
    rig.select("SSSE");
    let digest = format!("804C000026C2020013C120{}", "11".repeat(32));
    for command in ["8040000008C0020012C2020013", "80C9828042", "80C4010305C103123456", &digest] {
        assert_eq!(rig.sw(command), "6985", "{command}");
    }
    assert_eq!(rig.sw(&format!("0020018110{}", "00".repeat(16))), "6A86", "VERIFY of SSSE has P1 and P2 00");
    select(&mut rig);
    assert_eq!(rig.sw(&digest), "6982");
    assert_eq!(rig.sw("00B0850001"), "6A82", "the files of SSSE are not its");
    rig.reset();
    select(&mut rig);
    verify_user(&mut rig);
    assert!(rig.fetch(&digest).ends_with("9000"), "keys and PINs outlast a reset");
}
