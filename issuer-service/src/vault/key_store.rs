//! Where upper keys are held: this process's memory, out of the sealed file, or a PKCS#11 token.
//!
//! Owns: what a vault asks of such a place. Never: gives a key out unwrapped.

use card_core::crypto;
use card_core::crypto::Block;
use card_core::key::Key16;
use card_core::security::keyring::{CardKeys, KeyRing};
use card_core::security::{KeyName, KeyRef, SecurityError, SecurityModule};

use super::name::form_of;
use super::{EXPORT_KEY_NAME, Vault, VaultError};

/// A key that is held, without its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// Name.
    pub name: KeyName,
    /// Version, from 1.
    pub version: u8,
    /// Factors from the root key to it: none, province, or province and city.
    pub above: Vec<Block>,
}

impl Held {
    /// The key itself, as a reference.
    #[must_use]
    pub fn reference(&self) -> KeyRef {
        KeyRef { name: self.name.clone(), version: self.version, path: self.above.clone(), form: form_of(&self.name) }
    }
}

/// A key on its way into a store.
#[derive(Clone, Debug)]
pub struct NewKey {
    /// What it will be.
    pub held: Held,
    /// Its bytes.
    pub key: Key16,
}

/// A key wrapped for another module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrapped {
    /// The wrapped key.
    pub bytes: Vec<u8>,
    /// How it is wrapped.
    pub way: String,
    /// Name of the key that wraps it.
    pub under: String,
    /// Check value of that key, when its module tells one.
    pub under_check_value: Option<[u8; 3]>,
}

/// A place that holds upper keys and computes with them.
pub trait KeyStore: SecurityModule {
    /// What it holds, in order of name and version.
    ///
    /// # Errors
    /// [`SecurityError::Gone`].
    fn held(&mut self) -> Result<Vec<Held>, SecurityError>;

    /// Takes a key in. One of the same name and version stays as it is.
    ///
    /// # Errors
    /// [`VaultError::KeyExists`], [`VaultError::Security`].
    fn add(&mut self, key: NewKey) -> Result<(), VaultError>;

    /// Takes a key out for good; `false` when its place lets none go. One that is not there is gone.
    ///
    /// # Errors
    /// [`VaultError::Security`].
    fn remove(&mut self, held: &Held) -> Result<bool, VaultError>;

    /// A key for another module, under one that both modules hold: `under`, the newest EXPORT key that the centre has on record, unless
    /// the configuration of the place names another one.
    ///
    /// # Errors
    /// [`SecurityError::KeyNotFound`] without such a key, [`SecurityError::StaysInside`] when the key was brought in to stay,
    /// [`VaultError::NoWayToWrap`], [`VaultError::ExportKey`].
    fn export(&mut self, key: &Held, under: Option<&Held>) -> Result<Wrapped, VaultError>;

    /// Known answers of its own cipher, before any key is used.
    ///
    /// # Errors
    /// [`VaultError::SelfTest`].
    fn self_test(&mut self) -> Result<(), VaultError>;

    /// The keys that the sealed file must hold; `None` when the store keeps them itself.
    fn to_seal(&self) -> Option<&KeyRing>;

    /// Forgets what it knows of keys that it keeps elsewhere: another process may have brought some.
    fn look_again(&mut self) {}
}

impl KeyStore for KeyRing {
    fn held(&mut self) -> Result<Vec<Held>, SecurityError> {
        let held =
            self.keys().map(|(name, version, above, _)| Held { name: name.clone(), version, above: above.to_vec() });
        Ok(held.collect())
    }

    fn add(&mut self, key: NewKey) -> Result<(), VaultError> {
        let NewKey { held: Held { name, version, above }, key } = key;
        if self.names().any(|(known, of)| *known == name && of == version) {
            return Err(VaultError::KeyExists { name, version });
        }
        self.insert_below(name, version, above, key);
        Ok(())
    }

    fn remove(&mut self, held: &Held) -> Result<bool, VaultError> {
        let mut rest = KeyRing::new();
        for (name, version, above, key) in
            self.keys().filter(|(name, of, ..)| **name != held.name || *of != held.version)
        {
            rest.insert_below(name.clone(), version, above.to_vec(), key.clone());
        }
        *self = rest;
        Ok(true)
    }

    /// 3DES in CBC mode from zeros.
    fn export(&mut self, key: &Held, under: Option<&Held>) -> Result<Wrapped, VaultError> {
        let under = self.card_key(&under.ok_or_else(no_export_key)?.reference())?;
        let bytes: [u8; 16] = under.expose().try_into().expect("an upper key has 16 bytes");
        Ok(Wrapped {
            bytes: wrap_cbc(&Key16::new(bytes), self.card_key(&key.reference())?.expose()),
            way: "3DES-CBC, IV 0".to_owned(),
            under: EXPORT_KEY_NAME.to_owned(),
            under_check_value: Some(under.check_value()),
        })
    }

    /// The formulas are tested when a vault opens, whatever holds its keys.
    fn self_test(&mut self) -> Result<(), VaultError> {
        Ok(())
    }

    fn to_seal(&self) -> Option<&KeyRing> {
        Some(self)
    }
}

/// No EXPORT key is on record.
pub(super) fn no_export_key() -> SecurityError {
    SecurityError::KeyNotFound { name: KeyName::new(EXPORT_KEY_NAME), version: Vault::FIRST_VERSION }
}

/// 3DES-CBC from zeros over whole blocks: how modules pass keys to each other.
fn wrap_cbc(under: &Key16, plain: &[u8]) -> Vec<u8> {
    let mut state = [0; 8];
    let mut out = Vec::with_capacity(plain.len());
    for block in plain.as_chunks::<8>().0 {
        state.iter_mut().zip(block).for_each(|(left, right)| *left ^= right);
        state = *crypto::tdes_encrypt(under, &state).first_chunk().expect("one block in, one block out");
        out.extend_from_slice(&state);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrapped_key_comes_out_again_under_the_key_that_two_modules_share() {
        let (under, plain) = (Key16::new(*b"shared by two of"), *b"a key to pass on");
        let wrapped = wrap_cbc(&under, &plain);
        let blocks = crypto::tdes_decrypt(&under, &wrapped);
        let again: Vec<u8> = (0..16).map(|at| if at < 8 { blocks[at] } else { blocks[at] ^ wrapped[at - 8] }).collect();
        assert_eq!((wrapped.len(), again.as_slice()), (16, &plain[..]));
        assert_ne!(wrapped[8..], crypto::tdes_encrypt(&under, &plain[8..])[..], "the blocks are chained");
    }
}
