//! Commands and envelopes held to the published sequences, byte for byte.

use card_core::apdu::{Command, Protocol};
use card_core::crypto::{Sm2PrivateKey, Sm2PublicKey, sm2_sign, sm4_encrypt};
use card_core::key::Key16;
use card_core::pin::PinBcd;

use super::envelope::{Envelope, EnvelopeError};
use super::{CertificateRules, Role, certificate_in};
use crate::builtin;

const X: &str = "09F9DF311E5421A150DD7D161E4BC5C672179FAD1833FC076BB08FF356F35020";
const Y: &str = "CCEA490CE26775A52DC6EA718CC1AA600AED05FBF35E084A6632F6072DA9AD13";
const CIPHER_X: &str = "04EBFC718E8D1798620432268E77FEB6415E2EDE0E073C0F4F640ECD2E149A73";
const CIPHER_Y: &str = "E858F9D81E5430A57B36DAAB8F950A3C64E6EE6A63094D99283AFF767E124DF0";

fn rules() -> CertificateRules {
    builtin("ssc-3.0").and_then(|profile| profile.certificate).expect("3.0 has it")
}

/// An envelope with each value at its published position; everything between is zero but the four numbers.
fn envelope() -> String {
    let mut text = vec![b'0'; 776];
    for (at, value) in [
        (0, "01000000"),
        (8, "01040000"),
        (16, "00010000"),
        (88, &*"A5".repeat(32)),
        (152, "00010000"),
        (224, X),
        (352, Y),
        (480, CIPHER_X),
        (608, CIPHER_Y),
        (672, &"C3".repeat(32)),
        (736, "10000000"),
        (744, &"B4".repeat(16)),
    ] {
        text[at..at + value.len()].copy_from_slice(value.as_bytes());
    }
    String::from_utf8(text).expect("ASCII")
}

fn bytes(command: &Command) -> String {
    hex::encode_upper(command.encode(Protocol::T0))
}

#[test]
fn every_command_has_the_bytes_of_the_published_sequence() {
    let rules = rules();
    let (signing, encryption) = (rules.signing().expect("a pair"), rules.encryption().expect("a pair"));
    let [ddf, adf] = rules.select().map(|command| bytes(&command));
    assert_eq!([&*ddf, &*adf], ["00A404000C504B492EC9E7BBE1B1A3D5CF", "00A4000002DF01"]);
    assert_eq!(bytes(&rules.generate(signing)), "8040000008C0020012C2020013");
    let [export, fetch] = rules.export(signing).map(|command| bytes(&command));
    assert_eq!([&*export, &*fetch], ["80C9820008C0020012C2020013", "80C9828042"]);
    let digits = |text| PinBcd::parse(text).expect("digits");
    let set_up = |role, pin| rules.set_up_pin(role, &digits(pin)).map(|command| bytes(&command));
    assert_eq!(set_up(Role::User, "123456").as_deref(), Some("80C4010305C103123456"));
    assert_eq!(set_up(Role::Administrator, "12345678").as_deref(), Some("80C4010306C10412345678"));
    assert_eq!(set_up(Role::User, "12345678"), None);

    let envelope = Envelope::parse(&envelope()).expect("an envelope");
    let open = bytes(&rules.open_envelope(signing, &envelope));
    let cipher = format!("{CIPHER_X}{CIPHER_Y}{}{}", "C3".repeat(32), "B4".repeat(16));
    assert_eq!(open, format!("804E000178C2020013C1820070{cipher}"));
    let install = rules.install(encryption, &envelope, &[0x5A; 16]).expect("a key");
    let install: Vec<String> = install.iter().map(bytes).collect();
    assert_eq!(
        install,
        [
            format!("804A021012C110{}", "5A".repeat(16)),
            format!("80C2400046C0020014CA40{X}{Y}"),
            format!("80C2C00126C2020015CB20{}", "A5".repeat(32)),
        ]
    );
    assert!(rules.install(encryption, &envelope, &[0x5A; 15]).is_err());

    let parts = CertificateRules::write_certificate(signing.certificate, &[0x77; 251]).expect("fits");
    let parts: Vec<String> = parts.iter().map(bytes).collect();
    let heads: Vec<&str> = parts.iter().map(|part| &part[..10]).collect();
    assert_eq!(heads, ["00A4000002", "00D60000FA", "00D600FAFA", "00D601F4FA", "00D602EEFA", "00D603E814"]);
    assert!(parts[2].starts_with("00D600FAFA7700") && parts[5].ends_with(&"00".repeat(20)));
    assert!(CertificateRules::write_certificate(signing.certificate, &[0; 1021]).is_err());
    let read: Vec<String> = CertificateRules::read_file(signing.certificate).iter().map(bytes).collect();
    assert_eq!(read[1..], ["00B00000FA", "00B000FAFA", "00B001F4FA", "00B002EEFA", "00B003E814"]);
}

#[test]
fn where_the_row_says_plain_the_terminal_deciphers_the_key() {
    let mut rules = rules();
    rules.private_key = super::PrivateKeyForm::Plain;
    let envelope = Envelope::parse(&envelope()).expect("an envelope");
    let commands = rules.install(rules.encryption().expect("a pair"), &envelope, &[0x5A; 16]).expect("a key");
    let [_, private] = commands.try_into().expect("two commands");
    let plain = private.data().last_chunk::<32>().expect("32 bytes");
    assert_eq!(sm4_encrypt(&Key16::new([0x5A; 16]), plain), [0xA5; 32]);
}

#[test]
fn what_is_no_envelope_is_refused_at_its_place() {
    let good = envelope();
    assert_eq!(Envelope::parse(&format!(" {good}\n")).expect("white space").public_key.bytes()[..2], [0x09, 0xF9]);
    let changed = |at: usize, to: &str| {
        let mut text = good.clone();
        text.replace_range(at..at + to.len(), to);
        Envelope::parse(&text).expect_err("refused")
    };
    assert_eq!(Envelope::parse(&good[..774]), Err(EnvelopeError::Length(774)));
    assert_eq!(Envelope::parse(&format!("{good}00")), Err(EnvelopeError::Length(778)));
    assert_eq!(changed(100, "g"), EnvelopeError::NotHex(100));
    let field = |field, at, found, expected| EnvelopeError::Field { field, at, found, expected };
    assert_eq!(changed(8, "0201"), field("ulSymmAlgID", 8, 0x0102, "00000401, SM4 in ECB"));
    assert_eq!(changed(16, "0002"), field("ulBits", 16, 512, "256"));
    assert_eq!(changed(152, "0002"), field("BitLen", 152, 512, "256"));
    assert_eq!(changed(736, "20"), field("CipherLen", 736, 32, "16"));
    for (name, at) in
        [("cbEncryptedPriKey", 24), ("PubKey", 160), ("PubKey", 288), ("ECCCipherBlob", 416), ("ECCCipherBlob", 544)]
    {
        assert_eq!(changed(at + 62, "01"), EnvelopeError::TooWide { field: name, at });
    }
    assert_eq!(changed(414, "14"), EnvelopeError::NoPoint { field: "PubKey", at: 160 });
    assert_eq!(changed(670, "F1"), EnvelopeError::NoPoint { field: "ECCCipherBlob", at: 416 });
    let shown = format!("{:?}", Envelope::parse(&good).expect("an envelope"));
    assert!(!shown.contains("A5A5") && !shown.contains("165"), "{shown}");
    for error in [EnvelopeError::Length(1), EnvelopeError::NotHex(7), changed(16, "0002"), changed(414, "14")] {
        assert!(error.zh().chars().any(|c| c as u32 > 0x4E00));
    }
}

#[test]
fn an_answer_is_a_public_key_or_a_signature_that_verifies_and_nothing_else() {
    let rules = rules();
    let private = Sm2PrivateKey::parse([0x11; 32]).expect("in range");
    let public = private.public();
    let answer = [&[0xCA, 0x40][..], public.bytes()].concat();
    assert_eq!(CertificateRules::public_key(&answer), Ok(public));
    for answer in [&answer[1..], &[&[0xCB, 0x40][..], public.bytes()].concat(), &[0; 66], &[]] {
        assert!(CertificateRules::public_key(answer).is_err());
    }
    let digest = rules.digest(&public, b"a message");
    let signature = sm2_sign(&private, &digest, &[0x22; 32]).expect("a usable nonce");
    assert_eq!(CertificateRules::signature(&public, &digest, &signature), Ok(signature));
    let other: Sm2PublicKey = Sm2PrivateKey::parse([0x12; 32]).expect("in range").public();
    assert!(CertificateRules::signature(&other, &digest, &signature).is_err());
    assert!(CertificateRules::signature(&public, &digest, &signature[1..]).is_err());
}

#[test]
fn a_certificate_ends_where_its_own_length_says() {
    let long = [&[0x30, 0x82, 0x01, 0x00][..], &[7; 300]].concat();
    assert_eq!(certificate_in(&long).map(<[u8]>::len), Some(260));
    assert_eq!(certificate_in(&[0x30, 0x02, 1, 2, 0, 0]), Some(&[0x30, 0x02, 1, 2][..]));
    assert_eq!(certificate_in(&[&[0x30, 0x81, 0x03][..], &[9; 5]].concat()).map(<[u8]>::len), Some(6));
    for file in [&[][..], &[0; 1020], &[0x30], &[0x30, 0x05, 1], &[0x30, 0x83, 1, 0, 0], &[0x31, 0x00]] {
        assert_eq!(certificate_in(file), None, "{file:02X?}");
    }
}

#[test]
fn only_the_third_generation_has_the_certificate_application() {
    let rules = builtin("ssc-3.0").and_then(|profile| profile.certificate).expect("3.0 has it");
    let fids: Vec<u16> = rules.file.iter().map(|file| file.fid).collect();
    assert_eq!(fids, [0x0012, 0x0013, 0x0014, 0x0015, 0x0018, 0x0019]);
    assert_eq!((rules.user_pin.id, rules.administrator_pin.id), (0x81, 0x01));
    assert_eq!(rules.commands.generate_key_pair.header(), [0x80, 0x40, 0x00, 0x00]);
    assert!(builtin("ssc-3.0-sm4").expect("built in").certificate.is_some());
    for name in ["ssc-1.0", "ssc-2.0", "psam", "pboc-purse"] {
        assert!(builtin(name).expect("built in").certificate.is_none(), "{name}");
    }
}
