//! Terminals sign what they send: requests and upload batches.
//!
//! Source: Ed25519, RFC 8032.
//! Owns: the signing string of a request, the key pair of a terminal, verification.
//! Never: makes random bytes, stores a key, shows one.

use std::fmt;

use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use zeroize::Zeroizing;

use crate::id::{Digest, PublicKey, Signature};

/// Header with the terminal's number.
pub const TERMINAL_HEADER: &str = "x-terminal";
/// Header with the request's signature.
pub const SIGNATURE_HEADER: &str = "x-signature";

/// The key pair of a terminal. No `Debug` of its secret, no copy.
pub struct TerminalKey {
    pair: Ed25519KeyPair,
}

/// The signature does not fit the bytes and the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the signature does not fit: the content was changed, or another terminal signed it")]
pub struct WrongSignature;

impl TerminalKey {
    /// From a 32-byte seed, which the caller drew at random and keeps.
    ///
    /// # Panics
    /// Never: any 32 bytes are an Ed25519 seed.
    #[must_use]
    pub fn from_seed(seed: &Zeroizing<[u8; 32]>) -> Self {
        Self { pair: Ed25519KeyPair::from_seed_unchecked(&seed[..]).expect("any 32 bytes are a seed") }
    }

    /// What the centre registers.
    ///
    /// # Panics
    /// Never: an Ed25519 public key has 32 bytes.
    #[must_use]
    pub fn public_key(&self) -> PublicKey {
        PublicKey(self.pair.public_key().as_ref().try_into().expect("32 bytes"))
    }

    /// Signs a request.
    #[must_use]
    pub fn sign_request(&self, method: &str, path: &str, body: &[u8]) -> Signature {
        self.sign(&signing_string(method, path, body))
    }

    /// Signs the hash of a batch.
    #[must_use]
    pub(crate) fn sign_batch(&self, hash: Digest) -> Signature {
        self.sign(&batch_string(hash))
    }

    /// Signs what a receipt's code says.
    #[must_use]
    pub(crate) fn sign_receipt(&self, body: &[u8]) -> Signature {
        self.sign(&receipt_string(body))
    }

    pub(crate) fn sign(&self, bytes: &[u8]) -> Signature {
        Signature(self.pair.sign(bytes).as_ref().try_into().expect("an Ed25519 signature has 64 bytes"))
    }
}

impl fmt::Debug for TerminalKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TerminalKey({})", self.public_key())
    }
}

/// `METHOD SP PATH LF body`: what a request's signature covers.
#[must_use]
pub fn signing_string(method: &str, path: &str, body: &[u8]) -> Vec<u8> {
    [method.as_bytes(), b" ", path.as_bytes(), b"\n", body].concat()
}

/// Checks the signature of a request.
///
/// # Errors
/// [`WrongSignature`].
pub fn verify_request(
    key: &PublicKey,
    method: &str,
    path: &str,
    body: &[u8],
    signature: &Signature,
) -> Result<(), WrongSignature> {
    verify(key, &signing_string(method, path, body), signature)
}

/// Checks the signature over the hash of a batch.
pub(crate) fn verify_batch(key: &PublicKey, hash: Digest, signature: &Signature) -> Result<(), WrongSignature> {
    verify(key, &batch_string(hash), signature)
}

/// A request starts with a method in capitals, so a batch signature never passes for a request's.
fn batch_string(hash: Digest) -> Vec<u8> {
    [&b"settlement-batch-1\n"[..], &hash.0].concat()
}

/// Checks the signature of a receipt's code.
pub(crate) fn verify_receipt(key: &PublicKey, body: &[u8], signature: &Signature) -> Result<(), WrongSignature> {
    verify(key, &receipt_string(body), signature)
}

/// Checks the centre's signature over a blacklist.
pub(crate) fn verify_blacklist(key: &PublicKey, bytes: &[u8], signature: &Signature) -> Result<(), WrongSignature> {
    verify(key, bytes, signature)
}

/// Checks the centre's signature over a terminal's parameters.
pub(crate) fn verify_parameters(key: &PublicKey, bytes: &[u8], signature: &Signature) -> Result<(), WrongSignature> {
    verify(key, bytes, signature)
}

/// Checks the centre's signature over its consent to a sale.
pub(crate) fn verify_consent(key: &PublicKey, bytes: &[u8], signature: &Signature) -> Result<(), WrongSignature> {
    verify(key, bytes, signature)
}

/// Checks the centre's signature over a catalogue.
pub(crate) fn verify_catalogue(key: &PublicKey, bytes: &[u8], signature: &Signature) -> Result<(), WrongSignature> {
    verify(key, bytes, signature)
}

/// Neither a request nor a batch begins so.
fn receipt_string(body: &[u8]) -> Vec<u8> {
    [&b"settlement-receipt-1\n"[..], body].concat()
}

fn verify(key: &PublicKey, bytes: &[u8], signature: &Signature) -> Result<(), WrongSignature> {
    UnparsedPublicKey::new(&ED25519, &key.0).verify(bytes, &signature.0).map_err(|_| WrongSignature)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(seed: u8) -> TerminalKey {
        TerminalKey::from_seed(&Zeroizing::new([seed; 32]))
    }

    #[test]
    fn the_first_vector_of_rfc_8032_is_reproduced() {
        let mut seed = Zeroizing::new([0; 32]);
        hex::decode_to_slice("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60", &mut seed[..])
            .expect("hex");
        let key = TerminalKey::from_seed(&seed);
        assert_eq!(
            key.public_key().to_string().to_lowercase(),
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
        );
        assert_eq!(
            key.sign(b"").to_string().to_lowercase(),
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
        );
    }

    #[test]
    fn a_request_is_bound_to_method_path_body_and_terminal() {
        let (ours, other) = (key(1), key(2));
        let signature = ours.sign_request("POST", "/terminal/v1/loads", b"{}");
        assert_eq!(verify_request(&ours.public_key(), "POST", "/terminal/v1/loads", b"{}", &signature), Ok(()));
        for (public, method, path, body) in [
            (other.public_key(), "POST", "/terminal/v1/loads", &b"{}"[..]),
            (ours.public_key(), "PUT", "/terminal/v1/loads", b"{}"),
            (ours.public_key(), "POST", "/terminal/v1/load", b"{}"),
            (ours.public_key(), "POST", "/terminal/v1/loads", b"{ }"),
        ] {
            assert_eq!(verify_request(&public, method, path, body, &signature), Err(WrongSignature));
        }
    }

    #[test]
    fn the_secret_is_not_in_debug() {
        assert!(!format!("{:?}", key(0x5A)).to_uppercase().contains("5A5A5A"));
    }
}
