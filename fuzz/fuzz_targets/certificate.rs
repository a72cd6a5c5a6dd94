//! Certificates, public keys, signatures and enveloped keys: any bytes are taken apart or refused, within their own length.
#![no_main]

use card_core::crypto::Sm2PublicKey;
use card_profiles::certificate::envelope::Envelope;
use card_profiles::certificate::{CertificateRules, certificate_in, certifies};

// The base point of the curve of SM2 (GB/T 32918.5).
const POINT: &str = "32C4AE2C1F1981195F9904466A39C9948FE30BBFF2660BE1715A4589334C74C7BC3736A2F4F6779C59BDCEE36B692153D0A9877CC62A474002DF32E52139F0A0";

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let key = Sm2PublicKey::parse(hex(POINT)).expect("a point of the curve");
    if let Some(certificate) = certificate_in(bytes) {
        assert!(certificate.len() <= bytes.len() && certificate.first() == Some(&0x30));
        let _ = certifies(certificate, &key);
    }
    let _ = certifies(bytes, &key);
    let _ = CertificateRules::public_key(bytes);
    let _ = CertificateRules::signature(&key, &[0x11; 32], bytes);
    let text = String::from_utf8_lossy(bytes);
    let _ = Envelope::parse(&text);
    // The same bytes as an application gives them.
    let _ = Envelope::parse(&bytes.iter().map(|byte| format!("{byte:02X}")).collect::<String>());
});

fn hex(text: &str) -> [u8; 64] {
    std::array::from_fn(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).expect("hex"))
}
