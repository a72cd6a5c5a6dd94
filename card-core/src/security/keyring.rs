//! Keys in this process's memory: the engine inside the software vault, and of tests.
//!
//! Owns: the map from name and version to key; the formulas. Never: stores or reads a file, shows a key.

use std::collections::BTreeMap;

use super::{KeyName, KeyRef, MacKey, SecurityError, SecurityModule, WrappedKey};
use crate::crypto::{self, Block};
use crate::key::Key16;

/// Keys by name and version.
#[derive(Default)]
pub struct KeyRing {
    keys: BTreeMap<(KeyName, u8), Key16>,
}

impl KeyRing {
    /// An empty ring.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds or replaces a key.
    pub fn insert(&mut self, name: KeyName, version: u8, key: Key16) {
        self.keys.insert((name, version), key);
    }

    /// Names and versions held, in order.
    pub fn names(&self) -> impl Iterator<Item = (&KeyName, u8)> {
        self.keys.keys().map(|(name, version)| (name, *version))
    }

    /// Keys held, in order of name and version, for the vault that seals them.
    pub fn keys(&self) -> impl Iterator<Item = (&KeyName, u8, &Key16)> {
        self.keys.iter().map(|((name, version), key)| (name, *version, key))
    }

    fn derive(&self, key: &KeyRef) -> Result<Key16, SecurityError> {
        let root = self
            .keys
            .get(&(key.name.clone(), key.version))
            .ok_or_else(|| SecurityError::KeyNotFound { name: key.name.clone(), version: key.version })?;
        Ok(key.path.iter().fold(root.clone(), |parent, factor| crypto::diversify(&parent, *factor)))
    }
}

impl SecurityModule for KeyRing {
    fn authentication_cryptogram(&mut self, key: &KeyRef, factor: Block, data: Block) -> Result<Block, SecurityError> {
        let session = crypto::session_key(&self.derive(key)?, factor);
        Ok(*crypto::des_encrypt(&session, &data).first_chunk().expect("one block in, one block out"))
    }

    fn mac(&mut self, key: &KeyRef, kind: MacKey, iv: Block, message: &[u8]) -> Result<[u8; 4], SecurityError> {
        let key = self.derive(key)?;
        Ok(match kind {
            MacKey::Whole => crypto::mac_retail(&key, iv, message),
            MacKey::Session(seed) => crypto::mac_des(&crypto::session_key(&key, seed), iv, message),
            MacKey::Folded => crypto::mac_des(&key.fold(), iv, message),
        })
    }

    fn encipher(&mut self, key: &KeyRef, factor: Block, blocks: &[u8]) -> Result<Vec<u8>, SecurityError> {
        Ok(crypto::des_encrypt(&crypto::session_key(&self.derive(key)?, factor), blocks))
    }

    fn wrap(
        &mut self,
        key: &KeyRef,
        length: usize,
        protecting: &KeyRef,
        command: [u8; 5],
        header: [u8; 3],
        iv: Block,
    ) -> Result<WrappedKey, SecurityError> {
        let (key, protecting) = (self.derive(key)?, self.derive(protecting)?);
        let plain = zeroize::Zeroizing::new(crypto::pad_for_encipherment(
            &[&header[..], key.expose().get(..length).unwrap_or(key.expose())].concat(),
        ));
        let enciphered = crypto::tdes_encrypt(&protecting, &plain);
        let mac = crypto::mac_retail(&protecting, iv, &[&command[..], &enciphered].concat());
        Ok(WrappedKey { enciphered, mac })
    }

    fn check_value(&mut self, key: &KeyRef) -> Result<[u8; 3], SecurityError> {
        Ok(crypto::check_value(&self.derive(key)?))
    }
}

impl std::fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.keys.keys()).finish()
    }
}
