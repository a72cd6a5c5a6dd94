//! DES and 3DES: ECB, the two MACs, diversification, session keys, check values.
//!
//! Source: PBOC ED/EP cryptography (COS manual, published examples); ISO/IEC 9797-1 algorithms 1 and 3, padding 2.
//! Owns: formulas on bytes. Never: holds a key longer than a call, decides which key to use.
//! Units: blocks of 8 bytes; data that is encrypted must be a multiple of 8 bytes.

use ::des::cipher::{Array, BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
use ::des::{Des, TdesEde2};

use super::{Block, leftmost, pad, xor};
use crate::key::{Key8, Key16};

/// `3DES(K, data)`: E_L D_R E_L on each block.
///
/// # Panics
/// When `data` is not a multiple of 8 bytes.
#[must_use]
pub fn tdes_encrypt(key: &Key16, data: &[u8]) -> Vec<u8> {
    let cipher = TdesEde2::new(&Array::from(*key.expose()));
    blocks(data, |block| cipher.encrypt_block(block))
}

/// The inverse of [`tdes_encrypt`].
///
/// # Panics
/// When `data` is not a multiple of 8 bytes.
#[must_use]
pub fn tdes_decrypt(key: &Key16, data: &[u8]) -> Vec<u8> {
    let cipher = TdesEde2::new(&Array::from(*key.expose()));
    blocks(data, |block| cipher.decrypt_block(block))
}

/// `DES(K, data)` in ECB.
///
/// # Panics
/// When `data` is not a multiple of 8 bytes.
#[must_use]
pub fn des_encrypt(key: &Key8, data: &[u8]) -> Vec<u8> {
    let cipher = Des::new(&Array::from(*key.expose()));
    blocks(data, |block| cipher.encrypt_block(block))
}

fn blocks(data: &[u8], mut apply: impl FnMut(&mut Array<u8, ::des::cipher::typenum::U8>)) -> Vec<u8> {
    let (chunks, rest) = data.as_chunks::<8>();
    assert!(rest.is_empty(), "DES works on whole blocks of 8 bytes");
    let mut out = Vec::with_capacity(data.len());
    for chunk in chunks {
        let mut block = Array::from(*chunk);
        apply(&mut block);
        out.extend_from_slice(&block);
    }
    out
}

/// `MAC8(K8, m)` (单 DES CBC-MAC): padding 80 00… always, leftmost 4 bytes.
#[must_use]
pub fn mac_des(key: &Key8, iv: Block, message: &[u8]) -> [u8; 4] {
    let cipher = Des::new(&Array::from(*key.expose()));
    let last =
        pad(message, 8).as_chunks::<8>().0.iter().fold(iv, |state, chunk| encrypt_one(&cipher, xor(state, *chunk)));
    leftmost(last)
}

/// Secure-messaging MAC with a 16-byte key (ISO/IEC 9797-1 algorithm 3, padding 2): CBC with K_L, then D_R, E_L.
#[must_use]
pub fn mac_retail(key: &Key16, iv: Block, message: &[u8]) -> [u8; 4] {
    let left = Des::new(&Array::from(*key.left().expose()));
    let right = Des::new(&Array::from(*key.right().expose()));
    let last =
        pad(message, 8).as_chunks::<8>().0.iter().fold(iv, |state, chunk| encrypt_one(&left, xor(state, *chunk)));
    let mut block = Array::from(last);
    right.decrypt_block(&mut block);
    leftmost(encrypt_one(&left, block.into()))
}

/// CBC-MAC over data that the caller has already padded, whole last block (PSAM `80 FA 05`).
///
/// # Panics
/// When `padded` is not a multiple of 8 bytes.
#[must_use]
pub fn cbc_mac_des(key: &Key8, iv: Block, padded: &[u8]) -> Block {
    let (chunks, rest) = padded.as_chunks::<8>();
    assert!(rest.is_empty(), "the caller pads to whole blocks");
    let cipher = Des::new(&Array::from(*key.expose()));
    chunks.iter().fold(iv, |state, chunk| encrypt_one(&cipher, xor(state, *chunk)))
}

/// One level of key diversification (密钥分散): `3DES(K, F) ‖ 3DES(K, ~F)`.
#[must_use]
pub fn diversify(key: &Key16, factor: Block) -> Key16 {
    let both = tdes_encrypt(key, &[factor, factor.map(|byte| !byte)].concat());
    Key16::new(*both.first_chunk().expect("two blocks are 16 bytes"))
}

/// Session key of authentication and of the account commands: `3DES(K, seed)`.
#[must_use]
pub fn session_key(key: &Key16, seed: Block) -> Key8 {
    Key8::new(*tdes_encrypt(key, &seed).first_chunk().expect("one block is 8 bytes"))
}

/// Key check value (校验值): the first 3 bytes of E(0).
#[must_use]
pub fn check_value(key: &Key16) -> [u8; 3] {
    *tdes_encrypt(key, &[0; 8]).first_chunk().expect("one block is 8 bytes")
}

fn encrypt_one(cipher: &Des, block: Block) -> Block {
    let mut block = Array::from(block);
    cipher.encrypt_block(&mut block);
    block.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::pad_for_encipherment;

    fn key16(text: &str) -> Key16 {
        Key16::new(hex::decode(text).expect("hex").try_into().expect("16 bytes"))
    }

    fn key8(text: &str) -> Key8 {
        Key8::new(hex::decode(text).expect("hex").try_into().expect("8 bytes"))
    }

    fn bytes(text: &str) -> Vec<u8> {
        hex::decode(text).expect("hex")
    }

    #[test]
    fn des_of_fips_81() {
        let out = des_encrypt(&key8("0123456789ABCDEF"), b"Now is the time for all ");
        assert_eq!(hex::encode_upper(out), "3FA40E8A984D48156A271787AB8883F9893D51EC4B563B53");
        assert_eq!(
            hex::encode_upper(des_encrypt(&key8("133457799BBCDFF1"), &bytes("0123456789ABCDEF"))),
            "85E813540F0AB405"
        );
    }

    #[test]
    fn macs_of_iso_9797_annex_b_with_padding_2() {
        let (m1, m2) = (&b"Now is the time for all "[..], &b"Now is the time for it"[..]);
        let (single, double) = (key8("0123456789ABCDEF"), key16("0123456789ABCDEFFEDCBA9876543210"));
        assert_eq!(hex::encode_upper(mac_des(&single, [0; 8], m1)), "10E1F0F1");
        assert_eq!(hex::encode_upper(mac_des(&single, [0; 8], m2)), "A924C721");
        assert_eq!(hex::encode_upper(mac_retail(&double, [0; 8], m1)), "E9086230");
        assert_eq!(hex::encode_upper(mac_retail(&double, [0; 8], m2)), "5A692CE6");
    }

    #[test]
    fn check_values_of_known_keys() {
        for (key, kcv) in [
            ("0123456789ABCDEF0123456789ABCDEF", "D5D44F"),
            ("0123456789ABCDEFFEDCBA9876543210", "08D7B4"),
            ("00112233445566778899AABBCCDDEEFF", "FB0975"),
            ("404142434445464748494A4B4C4D4E4F", "8BAF47"),
        ] {
            assert_eq!(hex::encode_upper(check_value(&key16(key))), kcv);
        }
    }

    #[test]
    fn key_load_of_the_published_example() {
        let master = key16("00112233445566778899AABBCCDDEEFF");
        assert_eq!(
            hex::encode_upper(diversify(&master, *bytes("1122334455667788").first_chunk().expect("8")).expose()),
            "496BD7A3513644533100B54E71196528"
        );
        let plain = pad_for_encipherment(&bytes("22000000112233445566778899AABBCCDDEEFF"), 8);
        assert_eq!(hex::encode_upper(&plain), "1322000000112233445566778899AABBCCDDEEFF80000000");
        let enciphered = tdes_encrypt(&master, &plain);
        assert_eq!(tdes_decrypt(&master, &enciphered), plain);
        let iv = *bytes("5D72B3FD00000000").first_chunk().expect("8");
        let message = [bytes("84D400001C"), enciphered].concat();
        assert_eq!(hex::encode_upper(mac_retail(&master, iv, &message)), "8A9D4ADB");
    }
}
