//! DES and 3DES: ECB, the two MACs, diversification, session keys, check values.
//!
//! Source: PBOC ED/EP cryptography (COS manual, published examples); ISO/IEC 9797-1 algorithms 1 and 3, padding 2.
//! Owns: formulas on bytes. Never: holds a key longer than a call, decides which key to use.
//! Units: blocks of 8 bytes; data that is encrypted must be a multiple of 8 bytes.

use ::des::cipher::{Array, BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
use ::des::{Des, TdesEde2};

use super::{Block, last, leftmost, xor};
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
    Schedule::new(key).encrypt(data)
}

/// A DES key with its schedule, which costs more than a block: made once for all that a session computes. Wiped when dropped.
#[derive(Clone)]
pub(super) struct Schedule(Des);

impl Schedule {
    pub(super) fn new(key: &Key8) -> Self {
        Self(Des::new(&Array::from(*key.expose())))
    }

    pub(super) fn encrypt_block(&self, block: Block) -> Block {
        let mut block = Array::from(block);
        self.0.encrypt_block(&mut block);
        block.into()
    }

    fn decrypt_block(&self, block: Block) -> Block {
        let mut block = Array::from(block);
        self.0.decrypt_block(&mut block);
        block.into()
    }

    /// # Panics
    /// When `data` is not a multiple of 8 bytes.
    pub(super) fn encrypt(&self, data: &[u8]) -> Vec<u8> {
        blocks(data, |block| self.0.encrypt_block(block))
    }

    /// # Panics
    /// When `data` is not a multiple of 8 bytes.
    pub(super) fn decrypt(&self, data: &[u8]) -> Vec<u8> {
        blocks(data, |block| self.0.decrypt_block(block))
    }

    /// Last block of a CBC over `message` and its padding 80 00….
    fn chained(&self, iv: Block, message: &[u8]) -> Block {
        let (whole, rest) = message.as_chunks::<8>();
        let state = whole.iter().fold(iv, |state, chunk| self.encrypt_block(xor(state, *chunk)));
        self.encrypt_block(xor(state, last(rest)))
    }

    pub(super) fn mac(&self, iv: Block, message: &[u8]) -> [u8; 4] {
        leftmost(self.chained(iv, message))
    }

    /// # Panics
    /// When `padded` is not a multiple of 8 bytes.
    pub(super) fn cbc_mac(&self, iv: Block, padded: &[u8]) -> Block {
        let (chunks, rest) = padded.as_chunks::<8>();
        assert!(rest.is_empty(), "the caller pads to whole blocks");
        chunks.iter().fold(iv, |state, chunk| self.encrypt_block(xor(state, *chunk)))
    }
}

impl std::fmt::Debug for Schedule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Schedule(..)")
    }
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
    Schedule::new(key).mac(iv, message)
}

/// Secure-messaging MAC with a 16-byte key (ISO/IEC 9797-1 algorithm 3, padding 2): CBC with K_L, then D_R, E_L.
#[must_use]
pub fn mac_retail(key: &Key16, iv: Block, message: &[u8]) -> [u8; 4] {
    let (left, right) = (Schedule::new(&key.left()), Schedule::new(&key.right()));
    leftmost(left.encrypt_block(right.decrypt_block(left.chained(iv, message))))
}

/// CBC-MAC over data that the caller has already padded, whole last block (PSAM `80 FA 05`).
///
/// # Panics
/// When `padded` is not a multiple of 8 bytes.
#[must_use]
pub fn cbc_mac_des(key: &Key8, iv: Block, padded: &[u8]) -> Block {
    Schedule::new(key).cbc_mac(iv, padded)
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
    let mut block = Array::from(seed);
    TdesEde2::new(&Array::from(*key.expose())).encrypt_block(&mut block);
    Key8::new(block.into())
}

/// Key check value (校验值): the first 3 bytes of E(0).
#[must_use]
pub fn check_value(key: &Key16) -> [u8; 3] {
    *tdes_encrypt(key, &[0; 8]).first_chunk().expect("one block is 8 bytes")
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
