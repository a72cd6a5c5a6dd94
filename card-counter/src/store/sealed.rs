//! What is about a person and must be kept: sealed, and recognised by a mark.
//!
//! Source: AES-256-GCM and HMAC-SHA256 under keys of a key file of their own (mode 0600) in the data folder.
//! Owns: sealing, opening, marks. Never: a value in the clear on the disk.

use std::path::Path;

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hmac;

use super::StoreError;
use crate::error::TerminalError;
use crate::terminal;

/// Name of the key file: 64 hex digits.
const KEY_FILE: &str = "national.key";

/// The keys.
pub(super) struct Seal {
    aead: LessSafeKey,
    mark: hmac::Key,
}

impl Seal {
    /// The keys of a data folder, made when there are none.
    pub(super) fn of_folder(folder: &Path) -> Result<Self, TerminalError> {
        let seed = hmac::Key::new(hmac::HMAC_SHA256, &terminal::make_seed(folder, KEY_FILE)?[..]);
        let derive = |purpose: &[u8]| hmac::sign(&seed, purpose);
        let aead = UnboundKey::new(&AES_256_GCM, derive(b"national-seal-1").as_ref());
        let aead = aead.map_err(|_| TerminalError::Bug("a derived key has 32 bytes"))?;
        let mark = hmac::Key::new(hmac::HMAC_SHA256, derive(b"national-mark-1").as_ref());
        Ok(Self { aead: LessSafeKey::new(aead), mark })
    }

    /// Seals a text for one row.
    pub(super) fn seal(&self, row: &str, text: &str) -> Result<Vec<u8>, TerminalError> {
        let nonce = terminal::random::<NONCE_LEN>()?;
        let mut sealed = text.as_bytes().to_vec();
        self.aead
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(row.as_bytes()), &mut sealed)
            .map_err(|_| TerminalError::Bug("a short text is sealed"))?;
        Ok([&nonce[..], &sealed].concat())
    }

    /// Opens what was sealed for this row; `None` when it was not.
    pub(super) fn open(&self, row: &str, sealed: &[u8]) -> Option<String> {
        let (nonce, body) = sealed.split_at_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut body = body.to_vec();
        let opened = self.aead.open_in_place(nonce, Aad::from(row.as_bytes()), &mut body).ok()?;
        String::from_utf8(opened.to_vec()).ok()
    }

    /// The same for the same text, and nothing else is told.
    pub(super) fn mark(&self, text: &str) -> String {
        let tag = hmac::sign(&self.mark, text.as_bytes());
        hex::encode_upper(tag.as_ref().get(..16).unwrap_or_default())
    }
}

/// A row whose seal does not open.
pub(super) fn broken(place: &str) -> StoreError {
    StoreError::Corrupt { place: place.to_owned(), reason: format!("a row does not open with {KEY_FILE}") }
}
