//! Signatures with the card's certificate application.
//!
//! Source: PKI functions of LD/T 6001.5-2023 as their names are published; SM2 (GB/T 32918) with the default identity.
//! Assumed: a signature is r and s, 128 hex digits; a certificate is DER in hex; data is the bytes of the text in GBK.
//! Owns: these two calls. Never: keeps the application's PIN.

use card_core::crypto::{SM2_DEFAULT_ID, Sm2PublicKey, sm2_digest, sm2_verify};
use card_counter::certificate::{self, Certificates};
use card_counter::secret::Pin;
use card_profiles::certificate::Role;

use crate::calls::Calls;
use crate::failure::Failure;
use crate::function::Arguments;
use crate::output;
use crate::refused::Giver;
use crate::settings::Settings;

/// What stands before the public key in a certificate: BIT STRING of 66 bytes, no unused bits, uncompressed point.
const POINT: [u8; 4] = [0x03, 0x42, 0x00, 0x04];

/// `PKI_SignData`.
pub(crate) fn sign(calls: &mut Calls, settings: &Settings, given: &Arguments<'_>) -> Result<Vec<String>, Failure> {
    let pin = Pin::parse(given.text("pUserPin")?)?;
    let data = output::gbk(given.text("pInData")?);
    calls.with_card(settings, given.number("iType")?, |visit| {
        let rules = certificate::rules(&visit.tapped)?;
        // Another application is selected: nothing that was proved is left.
        visit.keep = None;
        visit.with_pin("CERT", (Giver::Program, &pin), |visit, consent| {
            certificate::verify(&mut visit.tapped, Role::User, &pin, consent)
        })?;
        let signed = Certificates::selected(&mut visit.tapped.session, rules).sign(&data)?;
        Ok(vec![output::fields([hex::encode_upper(signed.signature).as_str()])])
    })
}

/// `PKI_VerifySign`: needs no card.
pub(crate) fn verify(_calls: &mut Calls, _settings: &Settings, given: &Arguments<'_>) -> Result<Vec<String>, Failure> {
    let wrong = |name| Failure::Argument { name, expected: "hex" };
    let certificate = hex::decode(given.text("pCert")?.trim()).map_err(|_| wrong("pCert"))?;
    let signature = given.text("pSignature")?.trim_end_matches('|');
    let signature = hex::decode(signature).ok().and_then(|bytes| <[u8; 64]>::try_from(bytes).ok());
    let signature = signature.ok_or_else(|| wrong("pSignature"))?;
    let key =
        public_key(&certificate).ok_or(Failure::Argument { name: "pCert", expected: "a certificate of an SM2 key" })?;
    let digest = sm2_digest(&key, SM2_DEFAULT_ID, &output::gbk(given.text("pClearText")?));
    match sm2_verify(&key, &digest, &signature) {
        true => Ok(vec![String::new()]),
        false => Err(Failure::Signature),
    }
}

/// The public key of a certificate.
fn public_key(certificate: &[u8]) -> Option<Sm2PublicKey> {
    let at = certificate.windows(POINT.len()).position(|window| window == POINT)? + POINT.len();
    Sm2PublicKey::parse(*certificate.get(at..)?.first_chunk::<64>()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::function::{Function, Value};
    use card_core::crypto::{Sm2PrivateKey, sm2_sign};

    /// A signature by a key of this test, and what stands in a certificate around its public key.
    fn signed(text: &str) -> (String, String) {
        let key = Sm2PrivateKey::parse([0x5A; 32]).expect("a key");
        let digest = sm2_digest(&key.public(), SM2_DEFAULT_ID, &output::gbk(text));
        let signature = sm2_sign(&key, &digest, &[0x33; 32]).expect("a nonce");
        let certificate = [&[0x30, 0x46][..], &POINT, key.public().bytes(), &[0x30, 0x00]].concat();
        (hex::encode_upper(certificate), hex::encode_upper(signature))
    }

    fn verified(certificate: &str, text: &str, signature: &str) -> i32 {
        let function = Function::named("PKI_VerifySign").expect("in the table");
        let given = |text: &str| Value::Text(text.to_owned().into());
        let values = [given("123456"), given(certificate), given(text), given(signature), Value::Number(3)];
        Calls::default().call(Ok(Settings::default()), function, &values).code.0
    }

    #[test]
    fn a_signature_is_verified_with_the_key_of_its_certificate_and_no_other() {
        let (certificate, signature) = signed("处方一");
        assert_eq!(verified(&certificate, "处方一", &signature), 0);
        assert_eq!(verified(&certificate, "处方一", &format!("{signature}|")), 0, "as PKI_SignData answers it");
        assert_eq!(verified(&certificate, "处方二", &signature), -3004);
        assert_eq!(verified(&certificate, "处方一", &signature.replace('A', "B")), -3004);
        for wrong in ["", "30", "zz", &certificate[..20]] {
            assert_eq!(verified(wrong, "处方一", &signature), -14, "{wrong:?} is no certificate");
        }
        assert_eq!(verified(&certificate, "处方一", "00"), -14);
    }
}
