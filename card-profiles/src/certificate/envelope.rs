//! The envelope of the encryption key (加密密钥数字信封), as a certificate centre hands it out in hex.
//!
//! Source: ENVELOPEDKEYBLOB of GM/T 0016; positions in the hex text computed from published software.
//! Owns: taking it apart, strictly. Never: deciphers it; only the card has the key.
//! Units: positions in hex digits from 0; numbers of 4 bytes, little-endian.

use std::fmt;

use card_core::crypto::{Sm2Cipher, Sm2PublicKey};

/// Hex digits of an envelope with a key of 16 bytes.
const DIGITS: usize = 776;
/// SM4 in ECB.
const SM4_ECB: u32 = 0x0000_0401;

/// An envelope.
#[derive(Clone, PartialEq, Eq)]
pub struct Envelope {
    /// The private encryption key under the key that the envelope carries: SM4, ECB.
    pub private_key: EnvelopedKey,
    /// Its public key.
    pub public_key: Sm2PublicKey,
    /// That key, enciphered for the card's signing key.
    pub cipher: Sm2Cipher,
}

/// 32 enciphered bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct EnvelopedKey(pub [u8; 32]);

/// Why a text is no envelope. Mended by whoever made or copied it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    /// Too short or too long.
    #[error("{0} hex digits, an envelope has 776")]
    Length(usize),
    /// Something that is no hex digit.
    #[error("digit {0} is not hexadecimal")]
    NotHex(usize),
    /// A field with another value than this application can use.
    #[error("{field} at digit {at} is {found}, expected {expected}")]
    Field {
        /// Its name in GM/T 0016.
        field: &'static str,
        /// Position.
        at: usize,
        /// What is there.
        found: u32,
        /// What can be used.
        expected: &'static str,
    },
    /// A field of 64 bytes whose left half is not empty: its value has more than 256 bits.
    #[error("{field} at digit {at} has more than 256 bits")]
    TooWide {
        /// Its name in GM/T 0016.
        field: &'static str,
        /// Position.
        at: usize,
    },
    /// Two coordinates that are no point of the curve.
    #[error("{field} at digit {at} is no point of the curve")]
    NoPoint {
        /// Its name in GM/T 0016.
        field: &'static str,
        /// Position of X.
        at: usize,
    },
}

impl Envelope {
    /// Takes an envelope apart. White space around the hex digits is passed over.
    ///
    /// # Errors
    /// [`EnvelopeError`] at the first place that cannot be used.
    pub fn parse(text: &str) -> Result<Self, EnvelopeError> {
        let text = text.trim();
        if let Some(at) = text.bytes().position(|digit| !digit.is_ascii_hexdigit()) {
            return Err(EnvelopeError::NotHex(at));
        }
        let bytes = hex::decode(text).ok().filter(|_| text.len() == DIGITS);
        let blob = Blob(bytes.ok_or(EnvelopeError::Length(text.len()))?);
        blob.number("ulSymmAlgID", 8, SM4_ECB, "00000401, SM4 in ECB")?;
        blob.number("ulBits", 16, 256, "256")?;
        let private_key = EnvelopedKey(blob.low_half("cbEncryptedPriKey", 24)?);
        blob.number("BitLen", 152, 256, "256")?;
        let public_key = blob.point("PubKey", [160, 288])?;
        let point = *blob.point("ECCCipherBlob", [416, 544])?.bytes();
        blob.number("CipherLen", 736, 16, "16")?;
        let cipher = Sm2Cipher { point, hash: blob.at(672), text: blob.at::<16>(744).to_vec() };
        Ok(Self { private_key, public_key, cipher })
    }
}

/// The bytes; positions are those of the hex text.
struct Blob(Vec<u8>);

impl Blob {
    fn at<const N: usize>(&self, at: usize) -> [u8; N] {
        let bytes = self.0.get(at / 2..).and_then(|rest| rest.first_chunk());
        *bytes.expect("the length was checked")
    }

    fn number(&self, field: &'static str, at: usize, wanted: u32, expected: &'static str) -> Result<(), EnvelopeError> {
        let found = u32::from_le_bytes(self.at(at));
        if found == wanted { Ok(()) } else { Err(EnvelopeError::Field { field, at, found, expected }) }
    }

    /// The lower 32 bytes of a field of 64.
    fn low_half(&self, field: &'static str, at: usize) -> Result<[u8; 32], EnvelopeError> {
        if self.at::<32>(at) == [0; 32] { Ok(self.at(at + 64)) } else { Err(EnvelopeError::TooWide { field, at }) }
    }

    fn point(&self, field: &'static str, [x, y]: [usize; 2]) -> Result<Sm2PublicKey, EnvelopeError> {
        let halves = [self.low_half(field, x)?, self.low_half(field, y)?];
        let mut bytes = [0; 64];
        bytes.as_chunks_mut::<32>().0.iter_mut().zip(halves).for_each(|(slot, half)| *slot = half);
        Sm2PublicKey::parse(bytes).ok_or(EnvelopeError::NoPoint { field, at: x })
    }
}

impl EnvelopeError {
    /// Stable code.
    pub const CODE: &'static str = "ENVELOPE_MALFORMED";

    /// The error in Chinese.
    #[must_use]
    pub fn zh(&self) -> String {
        match self {
            Self::Length(digits) => format!("数字信封应为 776 位十六进制,实为 {digits} 位"),
            Self::NotHex(at) => format!("第 {at} 位不是十六进制字符"),
            Self::Field { field, at, found, expected } => format!("第 {at} 位的 {field} 为 {found},应为 {expected}"),
            Self::TooWide { field, at } => format!("第 {at} 位的 {field} 超过 256 位"),
            Self::NoPoint { field, at } => format!("第 {at} 位的 {field} 不是曲线上的点"),
        }
    }
}

impl fmt::Debug for Envelope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Envelope").field("public_key", &self.public_key).finish_non_exhaustive()
    }
}

impl fmt::Debug for EnvelopedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EnvelopedKey(..)")
    }
}
