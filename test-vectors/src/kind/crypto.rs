//! Kinds of the formulas: DES, 3DES, SM4, MACs, diversification, check values, SM3, SM2.
//!
//! Owns: taking keys and data from a case. Never: a formula of its own; `card_core::crypto` has them.

use card_core::algorithm::{Filling, MacBytes};
use card_core::crypto::{self, Block, Block16};
use card_core::key::{Key8, Key16};

use super::{Computed, KindError, bytes, exactly};
use crate::case::Case;

enum Key {
    Single(Key8),
    Double(Key16),
}

impl Key {
    fn of(case: &Case) -> Result<Self, KindError> {
        let key = bytes("key", &case.key)?;
        let expected = "8 or 16";
        match (<[u8; 8]>::try_from(key.as_slice()), <[u8; 16]>::try_from(key.as_slice())) {
            (Ok(single), _) => Ok(Self::Single(Key8::new(single))),
            (_, Ok(double)) => Ok(Self::Double(Key16::new(double))),
            _ => Err(KindError::Length { field: "key", got: key.len(), expected }),
        }
    }
}

fn double(case: &Case) -> Result<Key16, KindError> {
    exactly("key", &case.key, "16").map(Key16::new)
}

fn whole_blocks(case: &Case) -> Result<Vec<u8>, KindError> {
    blocks_of(case, 8, "a multiple of 8, not 0,")
}

fn blocks_of(case: &Case, block: usize, expected: &'static str) -> Result<Vec<u8>, KindError> {
    let data = bytes("data", &case.data)?;
    if data.is_empty() || data.len() % block != 0 {
        return Err(KindError::Length { field: "data", got: data.len(), expected });
    }
    Ok(data)
}

fn no_data(case: &Case) -> Result<(), KindError> {
    if case.data.is_empty() {
        Ok(())
    } else {
        Err(KindError::Length { field: "data", got: case.data.len() / 2, expected: "none" })
    }
}

/// ECB; a 16-byte key also decrypts the result again.
pub(super) fn tdes(case: &Case) -> Result<Computed, KindError> {
    let data = whole_blocks(case)?;
    let (out, back) = match Key::of(case)? {
        Key::Single(key) => {
            let out = crypto::des_encrypt(&key, &data);
            let back = crypto::tdes_decrypt(&Key16::from_half(&key), &out);
            (out, back)
        }
        Key::Double(key) => {
            let out = crypto::tdes_encrypt(&key, &data);
            let back = crypto::tdes_decrypt(&key, &out);
            (out, back)
        }
    };
    let computed = Computed::bytes(case, &out)?;
    if back == data {
        return Ok(computed);
    }
    Ok(Computed { got: format!("{}, which decrypts to {}", computed.got, hex::encode_upper(back)), ..computed })
}

/// MAC of 4 bytes by the product's functions; up to 8 bytes from the chaining block that they are cut from.
pub(super) fn mac(case: &Case) -> Result<Computed, KindError> {
    let (key, data) = (Key::of(case)?, bytes("data", &case.data)?);
    let iv: Block = if case.iv.is_empty() { [0; 8] } else { exactly("iv", &case.iv, "8")? };
    let length = bytes("out", &case.out)?.len();
    if !(4..=8).contains(&length) {
        return Err(KindError::Length { field: "out", got: length, expected: "4 to 8" });
    }
    let (cut, whole) = match &key {
        Key::Single(key) => {
            (crypto::mac_des(key, iv, &data), crypto::cbc_mac_des(key, iv, &crypto::pad(&data, 8)).to_vec())
        }
        Key::Double(key) => {
            let chained = crypto::cbc_mac_des(&key.left(), iv, &crypto::pad(&data, 8));
            let decrypted = crypto::tdes_decrypt(&Key16::from_half(&key.right()), &chained);
            (crypto::mac_retail(key, iv, &data), crypto::des_encrypt(&key.left(), &decrypted))
        }
    };
    let got: Vec<u8> = cut.into_iter().chain(whole.into_iter().skip(cut.len())).take(length).collect();
    Computed::bytes(case, &got)
}

/// One 8-byte factor after the other.
pub(super) fn diversification(case: &Case) -> Result<Computed, KindError> {
    let data = whole_blocks(case)?;
    let derived = data.as_chunks::<8>().0.iter().fold(double(case)?, |key, factor| crypto::diversify(&key, *factor));
    Computed::bytes(case, derived.expose())
}

/// Left xor right.
pub(super) fn fold(case: &Case) -> Result<Computed, KindError> {
    no_data(case)?;
    Computed::bytes(case, double(case)?.fold().expose())
}

/// First 3 bytes of E(0).
pub(super) fn check_value(case: &Case) -> Result<Computed, KindError> {
    no_data(case)?;
    let key = match Key::of(case)? {
        Key::Single(key) => Key16::from_half(&key),
        Key::Double(key) => key,
    };
    Computed::bytes(case, &crypto::check_value(&key))
}

/// 3DES of one block, as a key.
pub(super) fn session(case: &Case) -> Result<Computed, KindError> {
    let seed = exactly("data", &case.data, "8")?;
    Computed::bytes(case, crypto::session_key(&double(case)?, seed).expose())
}

/// What a key-load command carries.
pub(super) fn encipherment(case: &Case) -> Result<Computed, KindError> {
    let data = bytes("data", &case.data)?;
    if data.len() > 255 {
        return Err(KindError::Length { field: "data", got: data.len(), expected: "at most 255" });
    }
    Computed::bytes(case, &crypto::tdes_encrypt(&double(case)?, &crypto::pad_for_encipherment(&data, 8)))
}

/// ECB with SM4, and back.
pub(super) fn sm4(case: &Case) -> Result<Computed, KindError> {
    let data = blocks_of(case, 16, "a multiple of 16, not 0,")?;
    let key = double(case)?;
    let out = crypto::sm4_encrypt(&key, &data);
    let computed = Computed::bytes(case, &out)?;
    let back = crypto::sm4_decrypt(&key, &out);
    if back == data {
        return Ok(computed);
    }
    Ok(Computed { got: format!("{}, which decrypts to {}", computed.got, hex::encode_upper(back)), ..computed })
}

/// SM4 CBC-MAC: 4 bytes by the product's function, more from the last block that they are cut from.
pub(super) fn sm4_mac(case: &Case) -> Result<Computed, KindError> {
    let (key, data) = (double(case)?, bytes("data", &case.data)?);
    let iv: Block16 = if case.iv.is_empty() { [0; 16] } else { exactly("iv", &case.iv, "16")? };
    let length = bytes("out", &case.out)?.len();
    if !(4..=16).contains(&length) {
        return Err(KindError::Length { field: "out", got: length, expected: "4 to 16" });
    }
    let cut = crypto::mac_sm4(&key, iv, &data, MacBytes::Leftmost);
    let whole = crypto::cbc_mac_sm4(&key, iv, &crypto::pad(&data, 16));
    let got: Vec<u8> = cut.into_iter().chain(whole.into_iter().skip(cut.len())).take(length).collect();
    Computed::bytes(case, &got)
}

/// The four words of the last block xored.
pub(super) fn sm4_mac_folded(case: &Case) -> Result<Computed, KindError> {
    let (key, data) = (double(case)?, bytes("data", &case.data)?);
    let iv: Block16 = if case.iv.is_empty() { [0; 16] } else { exactly("iv", &case.iv, "16")? };
    Computed::bytes(case, &crypto::mac_sm4(&key, iv, &data, MacBytes::Folded))
}

/// SM4 over factor and complement, one 8-byte factor after the other.
pub(super) fn sm4_diversification(case: &Case) -> Result<Computed, KindError> {
    let data = whole_blocks(case)?;
    let step = |key, factor: &Block| crypto::diversify_sm4(&key, *factor);
    Computed::bytes(case, data.as_chunks::<8>().0.iter().fold(double(case)?, step).expose())
}

/// SM4 over seed and eight zeros: session key of an authentication.
pub(super) fn sm4_session(case: &Case) -> Result<Computed, KindError> {
    let seed = exactly("data", &case.data, "8")?;
    Computed::bytes(case, crypto::sm4_session_key(&double(case)?, seed, Filling::Zeros).expose())
}

/// SM3, whole or its first 16 bytes, as a key is made of a PIN.
pub(super) fn sm3(case: &Case) -> Result<Computed, KindError> {
    let hash = crypto::sm3(&bytes("data", &case.data)?);
    match bytes("out", &case.out)?.len() {
        length @ (16 | 32) => Computed::bytes(case, hash.get(..length).unwrap_or(&hash)),
        got => Err(KindError::Length { field: "out", got, expected: "16 or 32" }),
    }
}

/// What is signed for a message, by the default identity or the one in `iv`.
pub(super) fn sm2_digest(case: &Case) -> Result<Computed, KindError> {
    let id = if case.iv.is_empty() { crypto::SM2_DEFAULT_ID.to_vec() } else { bytes("iv", &case.iv)? };
    let public = private(case)?.public();
    Computed::bytes(case, &crypto::sm2_digest(&public, &id, &bytes("data", &case.data)?))
}

/// A signature of a digest with the nonce in `iv`, verified too.
pub(super) fn sm2_signature(case: &Case) -> Result<Computed, KindError> {
    let (key, digest) = (private(case)?, exactly("data", &case.data, "32")?);
    let signature = crypto::sm2_sign(&key, &digest, &nonce(case)?).ok_or(USABLE)?;
    let computed = Computed::bytes(case, &signature)?;
    if crypto::sm2_verify(&key.public(), &digest, &signature) {
        return Ok(computed);
    }
    Ok(Computed { got: format!("{}, which does not verify", computed.got), ..computed })
}

/// A cipher text with the nonce in `iv`: C1 C3 C2, deciphered again.
pub(super) fn sm2_cipher(case: &Case) -> Result<Computed, KindError> {
    let (key, message) = (private(case)?, bytes("data", &case.data)?);
    let cipher = crypto::sm2_encrypt(&key.public(), &message, &nonce(case)?).ok_or(USABLE)?;
    let computed = Computed::bytes(case, &[&cipher.point[..], &cipher.hash, &cipher.text].concat())?;
    match crypto::sm2_decrypt(&key, &cipher) {
        Some(back) if *back == message => Ok(computed),
        _ => Ok(Computed { got: format!("{}, which does not decipher", computed.got), ..computed }),
    }
}

const USABLE: KindError = KindError::Field { field: "iv", expected: "nonce that can be used" };

fn private(case: &Case) -> Result<crypto::Sm2PrivateKey, KindError> {
    let refused = KindError::Field { field: "key", expected: "private key of SM2" };
    crypto::Sm2PrivateKey::parse(exactly("key", &case.key, "32")?).ok_or(refused)
}

fn nonce(case: &Case) -> Result<[u8; 32], KindError> {
    exactly("iv", &case.iv, "32")
}
