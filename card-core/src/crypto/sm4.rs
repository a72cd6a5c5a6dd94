//! SM4: ECB, CBC-MAC, diversification, session keys.
//!
//! Source: GB/T 32907 (SM4); GB/T 15852.1-2020 algorithm 1 with padding 2 (MAC); diversification from a transport-card
//! draft, an article and one program that agree. Nothing official states the rules of this card.
//! Owns: formulas on bytes. Never: chooses a rule (`algorithm`), holds a key longer than a call.
//! Units: blocks of 16 bytes; data that is encrypted must be a multiple of 16 bytes.

use ::sm4::Sm4;
use ::sm4::cipher::{Array, BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};

use super::{Block, Block16, last, leftmost, xor};
use crate::algorithm::{Filling, MacBytes};
use crate::key::Key16;

/// `SM4(K, data)` in ECB.
///
/// # Panics
/// When `data` is not a multiple of 16 bytes.
#[must_use]
pub fn sm4_encrypt(key: &Key16, data: &[u8]) -> Vec<u8> {
    Schedule::new(key).encrypt(data)
}

/// The inverse of [`sm4_encrypt`].
///
/// # Panics
/// When `data` is not a multiple of 16 bytes.
#[must_use]
pub fn sm4_decrypt(key: &Key16, data: &[u8]) -> Vec<u8> {
    Schedule::new(key).decrypt(data)
}

/// An SM4 key with its schedule, made once for all that a session computes. Wiped when dropped.
#[derive(Clone)]
pub(super) struct Schedule(Sm4);

impl Schedule {
    pub(super) fn new(key: &Key16) -> Self {
        Self(Sm4::new(&Array::from(*key.expose())))
    }

    pub(super) fn encrypt_block(&self, block: Block16) -> Block16 {
        let mut block = Array::from(block);
        self.0.encrypt_block(&mut block);
        block.into()
    }

    /// # Panics
    /// When `data` is not a multiple of 16 bytes.
    pub(super) fn encrypt(&self, data: &[u8]) -> Vec<u8> {
        blocks(data, |block| self.0.encrypt_block(block))
    }

    /// # Panics
    /// When `data` is not a multiple of 16 bytes.
    pub(super) fn decrypt(&self, data: &[u8]) -> Vec<u8> {
        blocks(data, |block| self.0.decrypt_block(block))
    }

    /// CBC-MAC with padding 80 00…, 4 bytes of the last block as `bytes` says.
    pub(super) fn mac(&self, iv: Block16, message: &[u8], bytes: MacBytes) -> [u8; 4] {
        let (whole, rest) = message.as_chunks::<16>();
        let state = whole.iter().fold(iv, |state, chunk| self.encrypt_block(xor(state, *chunk)));
        let block = self.encrypt_block(xor(state, last(rest)));
        match bytes {
            MacBytes::Leftmost => leftmost(block),
            MacBytes::Folded => folded(block),
        }
    }

    /// # Panics
    /// When `padded` is not a multiple of 16 bytes.
    pub(super) fn cbc_mac(&self, iv: Block16, padded: &[u8]) -> Block16 {
        let (chunks, rest) = padded.as_chunks::<16>();
        assert!(rest.is_empty(), "the caller pads to whole blocks");
        chunks.iter().fold(iv, |state, chunk| self.encrypt_block(xor(state, *chunk)))
    }
}

impl std::fmt::Debug for Schedule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Schedule(..)")
    }
}

fn blocks(data: &[u8], mut apply: impl FnMut(&mut Array<u8, ::sm4::cipher::typenum::U16>)) -> Vec<u8> {
    let (chunks, rest) = data.as_chunks::<16>();
    assert!(rest.is_empty(), "SM4 works on whole blocks of 16 bytes");
    let mut out = Vec::with_capacity(data.len());
    for chunk in chunks {
        let mut block = Array::from(*chunk);
        apply(&mut block);
        out.extend_from_slice(&block);
    }
    out
}

/// CBC-MAC, padding 80 00… always, 4 bytes of the last block as `bytes` says.
#[must_use]
pub fn mac_sm4(key: &Key16, iv: Block16, message: &[u8], bytes: MacBytes) -> [u8; 4] {
    Schedule::new(key).mac(iv, message, bytes)
}

/// The xor of the four 32-bit words.
pub(super) fn folded(block: Block16) -> [u8; 4] {
    block.as_chunks::<4>().0.iter().fold([0; 4], |folded, word| xor(folded, *word))
}

/// CBC-MAC over data that the caller has already padded, whole last block (PSAM `80 FA 05`).
///
/// # Panics
/// When `padded` is not a multiple of 16 bytes.
#[must_use]
pub fn cbc_mac_sm4(key: &Key16, iv: Block16, padded: &[u8]) -> Block16 {
    Schedule::new(key).cbc_mac(iv, padded)
}

/// One level of key diversification (密钥分散): `SM4(K, F ‖ ~F)`.
#[must_use]
pub fn diversify_sm4(key: &Key16, factor: Block) -> Key16 {
    sm4_session_key(key, factor, Filling::Complement)
}

/// A session key: SM4 over 8 bytes of seed and what fills the block.
#[must_use]
pub fn sm4_session_key(key: &Key16, seed: Block, filling: Filling) -> Key16 {
    Key16::new(Schedule::new(key).encrypt_block(filled(seed, filling)))
}

/// 8 bytes made a block.
pub(super) fn filled(half: Block, filling: Filling) -> Block16 {
    let mut block = [0; 16];
    let other = match filling {
        Filling::Zeros => [0; 8],
        Filling::Complement => half.map(|byte| !byte),
    };
    block.iter_mut().zip(half.into_iter().chain(other)).for_each(|(slot, byte)| *slot = byte);
    block
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::pad;

    const STANDARD: &str = "0123456789ABCDEFFEDCBA9876543210";

    fn key(text: &str) -> Key16 {
        Key16::new(array(text))
    }

    fn array<const N: usize>(text: &str) -> [u8; N] {
        hex::decode(text).expect("hex").try_into().expect("the length")
    }

    fn hex_of(bytes: &[u8]) -> String {
        hex::encode_upper(bytes)
    }

    #[test]
    fn the_example_of_the_standard() {
        let (key, plain) = (key(STANDARD), array::<16>(STANDARD));
        let out = sm4_encrypt(&key, &plain);
        assert_eq!(hex_of(&out), "681EDF34D206965E86B3E94F536E4246");
        assert_eq!(sm4_decrypt(&key, &out), plain);
        assert_eq!(hex_of(&sm4_encrypt(&key, &[0; 16])), "2677F46B09C122CC975533105BD4A22A");
    }

    #[test]
    fn a_million_rounds_of_the_standard() {
        let cipher = Sm4::new(&Array::from(array::<16>(STANDARD)));
        let mut block = Array::from(array::<16>(STANDARD));
        for _ in 0..1_000_000 {
            cipher.encrypt_block(&mut block);
        }
        assert_eq!(hex_of(&block), "595298C7C6FD271F0402F804C33D3F66");
    }

    #[test]
    fn two_blocks_of_the_published_draft() {
        let plain: [u8; 32] = array("AAAAAAAABBBBBBBBCCCCCCCCDDDDDDDDEEEEEEEEFFFFFFFFAAAAAAAABBBBBBBB");
        for (text, out) in [
            (STANDARD, "5EC8143DE509CFF7B5179F8F474B86192F1D305A7FB17DF985F81C8482192304"),
            ("FEDCBA98765432100123456789ABCDEF", "C5876897E4A59BBBA72A10C83872245B12DD90BC2D200692B529A4155AC9E600"),
        ] {
            assert_eq!(hex_of(&sm4_encrypt(&key(text), &plain)), out);
        }
        // The last block of CBC is the CBC-MAC of whole blocks.
        let iv = array("000102030405060708090A0B0C0D0E0F");
        assert_eq!(hex_of(&cbc_mac_sm4(&key(STANDARD), iv, &plain)), "4CB7016951909226979B0D15DC6A8F6D");
    }

    #[test]
    fn a_wrapped_key_of_a_published_example() {
        let wrapping = Key16::new(*b"B1F15C84DD6817B9");
        let plain = sm4_decrypt(&wrapping, &array::<16>("89A4CA515B89220AAFA32D695D95A890"));
        assert_eq!(hex_of(&plain), "376D90E7945AA5CFDB4C07CCB35CEFD3");
        let inner = key("376D90E7945AA5CFDB4C07CCB35CEFD3");
        assert_eq!(hex_of(&sm4_encrypt(&inner, &[0; 16])), "08EEDEC70D7C06822FF47ADF854B7D77");
    }

    #[test]
    fn macs_of_gb_t_15852_annex_b_with_padding_2() {
        for (message, whole) in [
            ("This is the test message for mac", "4B6553AF3C4E27448412315AC7849535"),
            ("This is the test message ", "421AD1690AA152E2846FA2A5D83445A9"),
            ("", "8C338E5A27E349BEAE39214FEDA97099"),
        ] {
            let key = key(STANDARD);
            assert_eq!(hex_of(&cbc_mac_sm4(&key, [0; 16], &pad(message.as_bytes(), 16))), whole);
            assert_eq!(hex_of(&mac_sm4(&key, [0; 16], message.as_bytes(), MacBytes::Leftmost)), whole[..8]);
        }
        // The four words of the first MAC, xored by hand: 4B6553AF ^ 3C4E2744 ^ 8412315A ^ C7849535.
        let message = b"This is the test message for mac";
        assert_eq!(hex_of(&mac_sm4(&key(STANDARD), [0; 16], message, MacBytes::Folded)), "34BDD084");
    }

    #[test]
    fn a_mac_starts_from_its_initial_value() {
        let key = key("EEF3C9888129755F2C769DBC459448CE");
        let iv = array("FBD7B7AB0793F814B28A970F9E859C05");
        let data = array::<16>("99C9D02D03F2CD394A680DC51B112322");
        assert_eq!(hex_of(&cbc_mac_sm4(&key, iv, &data)), "530EDF0605A302F30096AE46BD6316AF");
    }

    #[test]
    fn the_two_fillings_of_a_block() {
        let seed = array("0123456789ABCDEF");
        assert_eq!(hex_of(&filled(seed, Filling::Complement)), "0123456789ABCDEFFEDCBA9876543210");
        assert_eq!(hex_of(&filled(seed, Filling::Zeros)), "0123456789ABCDEF0000000000000000");
        // The complement of this seed makes the block of the standard's example.
        assert_eq!(hex_of(diversify_sm4(&key(STANDARD), seed).expose()), "681EDF34D206965E86B3E94F536E4246");
    }
}
