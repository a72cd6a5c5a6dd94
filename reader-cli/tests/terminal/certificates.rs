//! `sscard cert …` on the daemon: a card is taken into use, signs, and takes its certificates and its encryption key.

use card_core::crypto::{Sm2PrivateKey, Sm2PublicKey, sm2_encrypt, sm2_verify, sm4_encrypt};
use card_core::key::Key16;

use crate::cards;
use crate::shop::Shop;

/// A shop whose card has both PINs set up.
pub(crate) fn shop() -> Shop {
    let shop = Shop::open();
    std::fs::write(shop.path("administrator"), "87654321\n").expect("written");
    let administrator = format!("file:{}", shop.path("administrator").display());
    let ran = shop.run(&["cert", "set-up", "--pin", "env:PIN", "--administrator-pin", &administrator]);
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    shop
}

pub(crate) fn key(text: &serde_json::Value) -> Sm2PublicKey {
    let bytes = hex::decode(text.as_str().expect("hex")).expect("hex");
    Sm2PublicKey::parse(bytes.try_into().expect("64 bytes")).expect("a point")
}

fn file(shop: &Shop, name: &str, bytes: &[u8]) -> String {
    std::fs::write(shop.path(name), bytes).expect("written");
    shop.path(name).display().to_string()
}

/// One DER sequence with the key where a certificate has it, and other bytes around it.
pub(crate) fn certificate(key: &Sm2PublicKey, length: u16) -> Vec<u8> {
    let [high, low] = length.to_be_bytes();
    let mut bytes =
        [&[0x30, 0x82, high, low, 0x06, 0x03, 0x2A, 0x81, 0x1C, 0x03, 0x42, 0x00, 0x04][..], key.bytes()].concat();
    bytes.resize(4 + usize::from(length), 0x5A);
    bytes
}

/// The hex of an ENVELOPEDKEYBLOB of GM/T 0016 for the holder of `public`.
fn envelope(public: &Sm2PublicKey, private: &Sm2PrivateKey) -> String {
    let key = *b"KEY OF ENVELOPES";
    let cipher = sm2_encrypt(public, &key, &[0x33; 32]).expect("a usable nonce");
    let enciphered = hex::encode(sm4_encrypt(&Key16::new(key), private.expose()));
    let empty = "00".repeat(32);
    let wide = |bytes: &[u8]| bytes.chunks(32).map(|half| format!("{empty}{}", hex::encode(half))).collect::<String>();
    format!(
        "010000000104000000010000{empty}{enciphered}00010000{}{}{}10000000{}",
        wide(private.public().bytes()),
        wide(&cipher.point),
        hex::encode(cipher.hash),
        hex::encode(cipher.text)
    )
}

#[test]
fn a_card_is_taken_into_use_and_signs_what_anyone_can_verify() {
    let shop = shop();
    let empty = shop.run(&["cert", "show"]).json();
    assert!(empty["signing_public_key"].is_null() && empty["encryption_certificate_sm3"].is_null(), "{empty}");
    let refused = shop.run(&["cert", "export"]);
    assert_eq!((refused.status, refused.code().as_str()), (3, "CARD_SECRET_MISSING"));
    let made = shop.run(&["cert", "generate", "--pin", "env:PIN"]).json();
    let public = key(&made["signing_public_key"]);
    assert_eq!(key(&shop.run(&["cert", "show"]).json()["signing_public_key"]), public);

    let bill = file(&shop, "bill", "处方 1".as_bytes());
    let out = shop.path("signature").display().to_string();
    let ran = shop.run(&["cert", "sign", &bill, "--pin", "env:PIN", "--out", &out]);
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    let signed = ran.json();
    let digest: [u8; 32] = hex::decode(signed["digest"].as_str().expect("hex")).expect("hex").try_into().expect("32");
    assert_eq!(card_core::crypto::sm2_digest(&public, b"1234567812345678", "处方 1".as_bytes()), digest);
    let signature: [u8; 64] = std::fs::read(&out).expect("written").try_into().expect("64 bytes");
    assert!(sm2_verify(&public, &digest, &signature));
    assert_eq!(signed["signature"], hex::encode_upper(signature));

    // A key that is there is not lost by a slip.
    let again = shop.run(&["cert", "generate", "--pin", "env:PIN"]);
    assert_eq!((again.status, again.code().as_str()), (3, "KEY_PAIR_THERE"));
    assert_eq!(key(&shop.run(&["cert", "export"]).json()["public_key"]), public);
    let replaced = shop.run(&["cert", "generate", "--replace", "--pin", "env:PIN"]).json();
    assert_ne!(key(&replaced["signing_public_key"]), public);
}

#[test]
fn certificates_and_the_enveloped_key_are_installed_and_read_back() {
    let shop = shop();
    let public = key(&shop.run(&["cert", "generate", "--pin", "env:PIN"]).json()["signing_public_key"]);
    let private = Sm2PrivateKey::parse([0x44; 32]).expect("in range");
    let (signing, encryption) = (certificate(&public, 600), certificate(&private.public(), 1000));
    let files = [
        file(&shop, "signing.der", &signing),
        file(&shop, "envelope.hex", format!("{}\n", envelope(&public, &private)).as_bytes()),
        file(&shop, "encryption.der", &encryption),
    ];
    let [first, second, third] = &files;
    let all =
        ["cert", "install", "--signing-certificate", first, "--envelope", second, "--encryption-certificate", third];
    let ran = shop.run(&[&all[..], &["--pin", "env:PIN"]].concat());
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    assert_eq!(ran.json()["encryption_key"], true);
    let shown = shop.run(&["cert", "show"]).json();
    assert_eq!(key(&shown["encryption_public_key"]), private.public());
    let sm3 = hex::encode_upper(card_core::crypto::sm3(&signing));
    assert_eq!(shown["signing_certificate_sm3"], sm3);
    let out = shop.path("read.der").display().to_string();
    assert_eq!(shop.run(&["cert", "export", "encryption", "--certificate", "--out", &out]).status, 0);
    assert_eq!(std::fs::read(&out).expect("written"), encryption);
    let inside = shop.inside("person.card").certificates.expect("the application");
    assert_eq!(inside.encryption_key, Some(hex::encode_upper(private.public().bytes())));

    // What does not belong to this card, or is no such file, is refused before anything is written.
    let other = Sm2PrivateKey::parse([0x55; 32]).expect("in range");
    let foreign = file(&shop, "foreign.der", &certificate(&other.public(), 600));
    let sealed = file(&shop, "foreign.hex", envelope(&other.public(), &private).as_bytes());
    let cut = file(&shop, "cut.hex", &envelope(&public, &private).as_bytes()[..770]);
    let pem = file(&shop, "pem", b"-----BEGIN CERTIFICATE-----\n");
    let long = file(&shop, "long.der", &certificate(&public, 1100));
    for (option, path, status, code) in [
        ("--signing-certificate", &foreign, 7, "CERTIFICATE_FOREIGN"),
        ("--signing-certificate", &long, 1, "CERTIFICATE_TOO_LONG"),
        ("--signing-certificate", &pem, 1, "CERTIFICATE_MALFORMED"),
        ("--envelope", &sealed, 7, "ENVELOPE_FOREIGN"),
        ("--envelope", &cut, 1, "ENVELOPE_MALFORMED"),
    ] {
        let ran = shop.run(&["cert", "install", option, path, "--pin", "env:PIN"]);
        assert_eq!((ran.status, ran.code().as_str()), (status, code), "{option} {path}: {}", ran.stderr);
    }
    assert_eq!(shop.run(&["cert", "show"]).json(), shown);
}

#[test]
fn a_set_up_that_was_interrupted_between_its_two_pins_goes_on() {
    let shop = Shop::open();
    assert_eq!(shop.run(&["cert", "set-up", "--pin", "env:PIN"]).status, 0);
    let administrator = format!("file:{}", file(&shop, "administrator", b"87654321"));
    let ran = shop.run(&["cert", "set-up", "--pin", "env:PIN", "--administrator-pin", &administrator]);
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    for pin in [&["--pin", "env:PIN"][..], &["--administrator", "--pin", &administrator]] {
        assert_eq!(shop.run(&[&["cert", "verify-pin"][..], pin].concat()).status, 0);
    }
}

#[test]
fn a_wrong_pin_is_counted_and_the_last_try_is_kept() {
    let shop = shop();
    // Tries are remembered with those of all other secrets, by every terminal.
    for (pin, status, code) in
        [("env:WRONG", 6, "PIN_WRONG"), ("env:WRONG", 6, "PIN_WRONG"), ("env:PIN", 6, "LAST_TRY")]
    {
        let ran = shop.run(&["cert", "verify-pin", "--pin", pin]);
        assert_eq!((ran.status, ran.code().as_str()), (status, code), "{}", ran.stderr);
    }
    let book = || std::fs::read_to_string(shop.path("data/tries.txt")).expect("the book of tries");
    assert!(book().contains(" pin:CERT-PIN 1 "), "{}", book());
    assert_eq!(shop.run(&["cert", "verify-pin", "--pin", "env:PIN", "--last-try"]).status, 0);
    assert_eq!(book(), "");
    let administrator = format!("file:{}", shop.path("administrator").display());
    assert_eq!(shop.run(&["cert", "verify-pin", "--administrator", "--pin", &administrator]).status, 0);
    let again = shop.run(&["cert", "set-up", "--pin", "env:PIN"]);
    assert_eq!((again.status, again.code().as_str()), (4, "CARD_REFUSED"), "set up before");
    let shown = format!("{}{}", again.stdout, again.stderr);
    // The administrator's sets the holder's up again, blocked or forgotten; another one does nothing.
    let other = format!("file:{}", file(&shop, "other", b"12121212"));
    let set_up = |administrator: &str, more: &[&str]| {
        let words = ["cert", "set-up", "--pin", "env:WRONG", "--administrator-pin", administrator];
        shop.run(&[&words[..], more].concat())
    };
    for (administrator, more) in [(&other, &["--again"][..]), (&administrator, &[])] {
        assert_eq!(set_up(administrator, more).code(), "PIN_WRONG");
        assert_eq!(shop.run(&["cert", "verify-pin", "--pin", "env:PIN"]).status, 0);
    }
    let ran = set_up(&administrator, &["--again"]);
    assert_eq!((ran.status, &ran.json()["notes"][0]["code"]), (0, &"PIN_SET_UP_AGAIN".into()), "{}", ran.stderr);
    assert_eq!(shop.run(&["cert", "verify-pin", "--pin", "env:WRONG"]).status, 0);
    assert!(!shown.contains(cards::PIN) && !shown.contains("87654321"), "{shown}");
}

/// A key file with the master key that a factory puts on a card.
fn factory_keys(shop: &Shop) -> String {
    let transport = hex::encode_upper(card_profiles::rehearsal::TRANSPORT_KEY);
    let row = format!("name = \"MKCERT\"\nmaster = \"{transport}\"\nfactors = [\"card\"]\n");
    file(shop, "factory.keys", format!("mark = \"REHEARSAL\"\n[[key]]\n{row}").as_bytes())
}

#[test]
fn the_administrator_changes_the_pin_and_the_master_key() {
    let shop = shop();
    assert_eq!(shop.run(&["terminal", "enroll"]).status, 0);
    let factory = factory_keys(&shop);
    let other = "mark = \"REHEARSAL\"\n[[key]]\nname = \"MKCERT\"\nvalue = \"000102030405060708090A0B0C0D0E0F\"\n";
    let other = file(&shop, "other.keys", other.as_bytes());
    let none = "mark = \"REHEARSAL\"\n[[key]]\nname = \"PUK\"\nvalue = \"000102030405060708090A0B0C0D0E0F\"\n";
    let none = file(&shop, "none.keys", none.as_bytes());
    let [old, new, short] = [("old", "87654321"), ("new", "11223344"), ("short", "1122")]
        .map(|(name, digits)| format!("file:{}", file(&shop, name, digits.as_bytes())));
    let change = |keys: &str, old: &str, new: &str, more: &[&str]| {
        let words = ["cert", "change-administrator-pin", "--keys", keys, "--pin", old, "--new-pin", new];
        shop.run(&[&words[..], more].concat())
    };
    let verify = |pin: &str| shop.run(&["cert", "verify-pin", "--administrator", "--pin", pin]).status;
    // What cannot work is refused before a try is spent.
    for (ran, status, code) in [
        (change(&none, &old, &new, &[]), 1, "CONFIGURATION_INVALID"),
        (change(&factory, &old, &short, &[]), 1, "CERTIFICATE_PIN_LENGTH"),
        (change(&other, &old, &new, &[]), 6, "KEY_REFUSED"),
        (change(&factory, &old, &new, &[]), 6, "LAST_TRY"),
        (change(&other, &new, &old, &[]), 6, "PIN_WRONG"),
    ] {
        assert_eq!((ran.status, ran.code().as_str()), (status, code), "{}", ran.stderr);
    }
    assert_eq!(verify(&old), 0, "nothing was changed");
    assert!(
        change(&factory, &old, &short, &[]).stderr.contains("the administrator PIN of the certificate application")
    );
    let ran = change(&factory, &old, &new, &["--last-try"]);
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    assert_eq!((verify(&old), verify(&new)), (6, 0));
    let load = |keys: &str, new: &str| shop.run(&["cert", "load-master-key", "--keys", keys, "--new-keys", new]);
    let ran = load(&factory, &none);
    assert_eq!((ran.status, ran.code().as_str()), (1, "CONFIGURATION_INVALID"), "{}", ran.stderr);
    let ran = load(&factory, &other);
    assert_eq!((ran.status, &ran.json()["master_key"]), (0, &serde_json::Value::Bool(true)), "{}", ran.stderr);
    let ran = load(&factory, &other);
    assert_eq!((ran.status, ran.code().as_str()), (6, "KEY_REFUSED"), "{}", ran.stderr);
    let ran = shop.run(&["cert", "load-master-key", "--keys", &other, "--new-keys", &factory, "--last-try"]);
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    let shown = format!("{}{}", ran.stdout, ran.stderr);
    assert!(!shown.contains("11223344") && !shown.contains("00010203"), "{shown}");
}

#[test]
fn a_pin_of_another_length_and_a_card_without_the_application_are_named() {
    let shop = Shop::open();
    std::fs::write(shop.path("short"), "1234").expect("written");
    let short = format!("file:{}", shop.path("short").display());
    let ran = shop.run(&["cert", "set-up", "--pin", &short]);
    assert_eq!((ran.status, ran.code().as_str()), (1, "CERTIFICATE_PIN_LENGTH"), "{}", ran.stderr);
    for (language, whose) in
        [("zh", "证书应用的用户 PIN 为"), ("en", "the user PIN of the certificate application has")]
    {
        let ran = shop.run_text(language, &["cert", "set-up", "--pin", &short]);
        assert!(ran.stderr.contains(whose), "{}", ran.stderr);
    }
    // The other one of the two is looked at before either is on the card.
    let ran = shop.run(&["cert", "set-up", "--pin", "env:PIN", "--administrator-pin", &short]);
    assert_eq!((ran.status, ran.code().as_str()), (1, "CERTIFICATE_PIN_LENGTH"), "{}", ran.stderr);
    let ran = shop.run(&["cert", "verify-pin", "--pin", "env:PIN"]);
    assert_eq!((ran.status, ran.code().as_str()), (3, "CARD_SECRET_MISSING"), "{}", ran.stderr);
    for language in ["zh", "en"] {
        let ran = shop.run_text(language, &["cert", "show"]);
        assert_eq!(ran.status, 0, "{}", ran.stderr);
    }
}
