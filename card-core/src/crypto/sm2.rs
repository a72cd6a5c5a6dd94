//! SM2: signature and encryption on the recommended curve.
//!
//! Source: GB/T 32918.2 (signature), 32918.4 (encryption, order C1 C3 C2), 32918.5 (curve, examples).
//! Owns: the formulas, on the point arithmetic of a published crate. A nonce comes from the caller, so that the examples of
//! the standard can be computed and the card draws it from its own source.
//! Never: draws a random number, shows a private key, answers anything about a cipher text but the message or nothing.
//! Units: scalars and coordinates of 32 bytes, big-endian; points as X and Y without a prefix.

use std::fmt;

use ::sm2::elliptic_curve::array::Array;
use ::sm2::elliptic_curve::ops::Reduce as _;
use ::sm2::elliptic_curve::point::AffineCoordinates as _;
use ::sm2::elliptic_curve::sec1::{FromSec1Point as _, ToSec1Point as _};
use ::sm2::elliptic_curve::{Group as _, PrimeField as _};
use ::sm2::{AffinePoint, NonZeroScalar, ProjectivePoint, Scalar, Sec1Point};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::sm3::{Digest, sm3_of};

/// Identity of a signer where nothing else was agreed (默认用户标识).
pub const SM2_DEFAULT_ID: &[u8] = b"1234567812345678";

/// Coefficients and base point of the curve as they enter Z: a, b, x, y.
const CURVE: [[u8; 32]; 4] = [
    coordinate(*b"FFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFC"),
    coordinate(*b"28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93"),
    coordinate(*b"32C4AE2C1F1981195F9904466A39C9948FE30BBFF2660BE1715A4589334C74C7"),
    coordinate(*b"BC3736A2F4F6779C59BDCEE36B692153D0A9877CC62A474002DF32E52139F0A0"),
];

/// A public key: a point of the curve.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Sm2PublicKey {
    bytes: [u8; 64],
    point: AffinePoint,
}

/// A private key: 1 to n-2.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Sm2PrivateKey([u8; 32]);

/// A cipher text in its parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sm2Cipher {
    /// C1: X and Y.
    pub point: [u8; 64],
    /// C3.
    pub hash: Digest,
    /// C2, as long as the message.
    pub text: Vec<u8>,
}

impl Sm2PublicKey {
    /// From X and Y; `None` when they are no point of the curve.
    #[must_use]
    pub fn parse(bytes: [u8; 64]) -> Option<Self> {
        Some(Self { bytes, point: point(&bytes)? })
    }

    /// X and Y.
    #[must_use]
    pub const fn bytes(&self) -> &[u8; 64] {
        &self.bytes
    }

    fn of(point: AffinePoint) -> Option<Self> {
        Some(Self { bytes: coordinates(&point)?, point })
    }
}

impl Sm2PrivateKey {
    /// From 32 bytes; `None` when they are not in 1 to n-2.
    #[must_use]
    pub fn parse(bytes: [u8; 32]) -> Option<Self> {
        let key = Self(bytes);
        let scalar = key.scalar();
        let beside = scalar.and_then(|scalar| Option::<Scalar>::from((scalar + Scalar::ONE).invert()));
        (beside.is_some() && scalar != Some(Scalar::ZERO)).then_some(key)
    }

    /// The bytes, for the memory of a card. Call sites are few and reviewed.
    #[must_use]
    pub const fn expose(&self) -> &[u8; 32] {
        &self.0
    }

    /// The public key that goes with it.
    ///
    /// # Panics
    /// Never: a private key is not a multiple of the order.
    #[must_use]
    pub fn public(&self) -> Sm2PublicKey {
        let point = ProjectivePoint::mul_by_generator(&self.valid()).to_affine();
        Sm2PublicKey::of(point).expect("a private key is not a multiple of the order")
    }

    fn scalar(&self) -> Option<Scalar> {
        Scalar::from_repr(Array::from(self.0)).into_option()
    }

    fn valid(&self) -> Scalar {
        self.scalar().expect("checked when it was made")
    }
}

/// What is signed (e): SM3 of Z and the message, Z the hash of identity, curve and public key.
///
/// # Panics
/// When `id` is longer than 8191 bytes: its length in bits has two bytes.
#[must_use]
pub fn sm2_digest(public: &Sm2PublicKey, id: &[u8], message: &[u8]) -> Digest {
    let bits = u16::try_from(id.len() * 8).expect("an identity is at most 8191 bytes");
    let z = sm3_of(&[&bits.to_be_bytes(), id, CURVE.as_flattened(), &public.bytes]);
    sm3_of(&[&z, message])
}

/// Signs `digest`: r and s. `None` when this `nonce` cannot be used; the next one can.
#[must_use]
pub fn sm2_sign(private: &Sm2PrivateKey, digest: &Digest, nonce: &[u8; 32]) -> Option<[u8; 64]> {
    let (d, k) = (private.valid(), scalar(nonce)?);
    let point = ProjectivePoint::mul_by_generator(&k).to_affine();
    let r = Scalar::reduce(&Array::from(*digest)) + Scalar::reduce(&point.x());
    if bool::from(r.is_zero()) || bool::from((r + *k).is_zero()) {
        return None;
    }
    let inverse = Option::<Scalar>::from((d + Scalar::ONE).invert())?;
    let s = inverse * (*k - r * d);
    let mut signature = [0; 64];
    if let [left, right] = signature.as_chunks_mut::<32>().0 {
        (*left, *right) = (r.to_repr().into(), s.to_repr().into());
    }
    (!bool::from(s.is_zero())).then_some(signature)
}

/// Whether `signature` (r and s) is that of `digest` by the holder of `public`.
#[must_use]
pub fn sm2_verify(public: &Sm2PublicKey, digest: &Digest, signature: &[u8; 64]) -> bool {
    let [r, s] = signature.as_chunks::<32>().0 else { return false };
    let (Some(r), Some(s)) = (scalar(r), scalar(s)) else { return false };
    let t = *r + *s;
    if bool::from(t.is_zero()) {
        return false;
    }
    let point = ProjectivePoint::mul_by_generator(&s) + ProjectivePoint::from(public.point) * t;
    let expected = Scalar::reduce(&Array::from(*digest)) + Scalar::reduce(&point.to_affine().x());
    !bool::from(point.is_identity()) && expected == *r
}

/// Enciphers `message` for the holder of `public`. `None` when this `nonce` cannot be used, or the message is empty.
#[must_use]
pub fn sm2_encrypt(public: &Sm2PublicKey, message: &[u8], nonce: &[u8; 32]) -> Option<Sm2Cipher> {
    let k = scalar(nonce)?;
    let shared = ProjectivePoint::from(public.point) * *k;
    let shared = Zeroizing::new(coordinates(&shared.to_affine())?);
    let text = masked(&shared, message)?;
    let point = coordinates(&ProjectivePoint::mul_by_generator(&k).to_affine())?;
    Some(Sm2Cipher { point, hash: check(&shared, message), text })
}

/// Deciphers; `None` when the point is not one of the curve, or the hash is not that of the message.
#[must_use]
pub fn sm2_decrypt(private: &Sm2PrivateKey, cipher: &Sm2Cipher) -> Option<Zeroizing<Vec<u8>>> {
    let shared = ProjectivePoint::from(point(&cipher.point)?) * private.valid();
    let shared = Zeroizing::new(coordinates(&shared.to_affine())?);
    let message = Zeroizing::new(masked(&shared, &cipher.text)?);
    let differs =
        check(&shared, &message).iter().zip(cipher.hash).fold(0, |differs, (left, right)| differs | left ^ right);
    (differs == 0).then_some(message)
}

/// C3: hash of x2, message, y2.
fn check(shared: &[u8; 64], message: &[u8]) -> Digest {
    let (x, y) = shared.split_at(32);
    sm3_of(&[x, message, y])
}

/// `text` xor the key stream of the shared point; `None` when there is no text or the stream is all zeros.
fn masked(shared: &[u8; 64], text: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len());
    let mut mask = 0;
    for (counter, chunk) in (1_u32..).zip(text.chunks(32)) {
        let stream = Zeroizing::new(sm3_of(&[shared, &counter.to_be_bytes()]));
        mask = stream.iter().take(chunk.len()).fold(mask, |mask, byte| mask | byte);
        out.extend(chunk.iter().zip(stream.iter()).map(|(byte, stream)| byte ^ stream));
    }
    (mask != 0).then_some(out)
}

fn scalar(bytes: &[u8; 32]) -> Option<NonZeroScalar> {
    NonZeroScalar::from_repr(Array::from(*bytes)).into_option()
}

fn point(bytes: &[u8; 64]) -> Option<AffinePoint> {
    let encoded = Sec1Point::from_untagged_bytes(&Array::from(*bytes));
    AffinePoint::from_sec1_point(&encoded).into_option()
}

/// X and Y; `None` at infinity.
fn coordinates(point: &AffinePoint) -> Option<[u8; 64]> {
    let encoded = point.to_sec1_point(false);
    encoded.as_bytes().split_first().and_then(|(_, rest)| rest.try_into().ok())
}

/// 64 hex digits.
const fn coordinate(digits: [u8; 64]) -> [u8; 32] {
    const fn nibble(digit: u8) -> u8 {
        if digit <= b'9' { digit - b'0' } else { digit - b'A' + 10 }
    }
    let mut bytes = [0; 32];
    let mut at = 0;
    while at < 32 {
        bytes[at] = nibble(digits[2 * at]) << 4 | nibble(digits[2 * at + 1]);
        at += 1;
    }
    bytes
}

impl fmt::Debug for Sm2PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sm2PublicKey({})", hex::encode_upper(self.bytes))
    }
}

impl fmt::Debug for Sm2PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sm2PrivateKey(..)")
    }
}

#[cfg(test)]
mod tests;
