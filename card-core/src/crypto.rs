//! Formulas on bytes: the two block ciphers, their MACs, diversification, a key as a card uses it; SM2 and SM3.
//!
//! Source: PBOC ED/EP cryptography (COS manual, published examples); ISO/IEC 9797-1 padding 2; GB/T 32907, GB/T 15852.1;
//! GB/T 32905, GB/T 32918.
//! Owns: padding, what both ciphers share. Never: decides which key to use.
//! Units: blocks of 8 bytes (DES) and 16 bytes (SM4).

mod card_key;
mod des;
mod sm2;
mod sm3;
mod sm4;

pub use card_key::{CardKey, KeyForm, KeyLength, SessionKey};
pub use des::{
    cbc_mac_des, check_value, des_encrypt, diversify, mac_des, mac_retail, session_key, tdes_decrypt, tdes_encrypt,
};
pub use sm2::{
    SM2_DEFAULT_ID, Sm2Cipher, Sm2PrivateKey, Sm2PublicKey, sm2_decrypt, sm2_digest, sm2_encrypt, sm2_sign, sm2_verify,
};
pub use sm3::{Digest, sm3};
pub use sm4::{cbc_mac_sm4, diversify_sm4, mac_sm4, sm4_decrypt, sm4_encrypt, sm4_session_key};

/// One DES or 3DES block; also a factor, a challenge or a seed, which have 8 bytes with either cipher.
pub type Block = [u8; 8];

/// One SM4 block.
pub type Block16 = [u8; 16];

/// `LD ‖ data`, then `80 00…` only if that is not a multiple of `block` bytes (encipherment padding of the COS manual).
///
/// # Panics
/// When `data` is longer than 255 bytes.
#[must_use]
pub fn pad_for_encipherment(data: &[u8], block: usize) -> Vec<u8> {
    let mut padded = vec![u8::try_from(data.len()).expect("LD is one byte")];
    padded.extend_from_slice(data);
    if padded.len() % block != 0 {
        padded.push(0x80);
        padded.resize(padded.len().next_multiple_of(block), 0);
    }
    padded
}

/// ISO/IEC 9797-1 padding 2: `80 00…`, always, to whole blocks of `block` bytes.
#[must_use]
pub fn pad(message: &[u8], block: usize) -> Vec<u8> {
    let mut padded = Vec::with_capacity(message.len() + block);
    padded.extend_from_slice(message);
    padded.push(0x80);
    padded.resize(padded.len().next_multiple_of(block), 0);
    padded
}

/// The last block of a padded message: what is left of it, less than a block, then 80 00….
fn last<const N: usize>(rest: &[u8]) -> [u8; N] {
    let mut block = [0; N];
    block.iter_mut().zip(rest.iter().chain(&[0x80])).for_each(|(slot, byte)| *slot = *byte);
    block
}

fn xor<const N: usize>(mut left: [u8; N], right: [u8; N]) -> [u8; N] {
    left.iter_mut().zip(right).for_each(|(left, right)| *left ^= right);
    left
}

fn leftmost<const N: usize>(block: [u8; N]) -> [u8; 4] {
    *block.first_chunk().expect("a block has 4 bytes on the left")
}
