//! The data keys (数据密钥): what people's data are sealed with in the database, and found by without being opened.
//!
//! Source: AES-256-GCM (NIST SP 800-38D), HMAC-SHA-256 (RFC 2104, FIPS 180-4); docs/adr/0020.
//! Owns: sealing a row under the newest key, opening it under the key it names, keyed hashes for lookup, the file of keys.
//! Never: opens card keys, so that clerks who register people need not open the vault of national keys; prints a key.
//! Units: a sealed row is nonce(12) ‖ ciphertext ‖ tag(16); a lookup is the first 16 bytes of the HMAC.

use std::path::Path;

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hmac;
use ring::rand::{SecureRandom, SystemRandom};
use zeroize::Zeroizing;

use super::{VaultError, seal};

/// Kind that the head of the file states.
const KIND: &str = "data-keys";
/// Bytes of every key here.
const KEY_BYTES: usize = 32;
/// Bytes of a lookup: 128 bits, of which a million people use twenty.
pub const LOOKUP_BYTES: usize = 16;
/// Most keys of a file: each rotation adds one.
const KEYS_MAX: usize = 255;

/// What a lookup stands for: the same text of two kinds has two hashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lookup {
    /// A social security number.
    Number,
    /// A name, normalized.
    Name,
}

/// Open data keys.
pub struct DataKeys {
    /// Id and key, the newest last.
    keys: Vec<(u8, Zeroizing<[u8; KEY_BYTES]>, LessSafeKey)>,
    lookup_key: Zeroizing<[u8; KEY_BYTES]>,
    lookup: hmac::Key,
    random: SystemRandom,
}

impl DataKeys {
    /// New random keys.
    ///
    /// # Errors
    /// [`VaultError::NoRandom`].
    pub fn random() -> Result<Self, VaultError> {
        let mut keys = Self::of(Vec::new(), random_key()?);
        keys.add_key()?;
        Ok(keys)
    }

    /// Opens the file of keys.
    ///
    /// # Errors
    /// [`VaultError`].
    pub fn open(path: &Path, passphrase: &str) -> Result<Self, VaultError> {
        let (kind, body) = seal::open_body(path, passphrase)?;
        let malformed = || VaultError::Malformed { path: path.to_owned() };
        let keys = if kind == KIND { Self::unpack(&body) } else { None };
        keys.ok_or_else(malformed)
    }

    /// Writes a new file of keys, readable by its owner alone.
    ///
    /// # Errors
    /// [`VaultError::File`], also when the file exists.
    pub fn seal_file(&self, path: &Path, passphrase: &str) -> Result<(), VaultError> {
        seal::write_body(path, passphrase, KIND, self.pack())
    }

    /// Adds a random key, which seals from now on; its id.
    ///
    /// # Errors
    /// [`VaultError::NoRandom`], also when the ids are used up.
    pub fn add_key(&mut self) -> Result<u8, VaultError> {
        let id = self.keys.last().map_or(0, |(id, ..)| *id).checked_add(1).ok_or(VaultError::NoRandom)?;
        let key = random_key()?;
        self.keys.push((id, key.clone(), aead(&key)));
        Ok(id)
    }

    /// Id of the key that seals.
    ///
    /// # Panics
    /// Never: there is a key.
    #[must_use]
    pub fn current(&self) -> u8 {
        self.keys.last().expect("a key at least").0
    }

    /// Proves, without telling anything, that these keys are those of a database: hex.
    #[must_use]
    pub fn check_value(&self) -> String {
        hex::encode_upper(hmac::sign(&self.lookup, b"check").as_ref().get(..8).unwrap_or_default())
    }

    /// Seals `plain` under the newest key; `place` is where it belongs, so that it opens nowhere else.
    ///
    /// # Errors
    /// [`VaultError::NoRandom`].
    ///
    /// # Panics
    /// Never: a row is far below the limit of AES-GCM.
    pub fn seal(&self, place: &str, plain: &[u8]) -> Result<(u8, Vec<u8>), VaultError> {
        let (id, _, key) = self.keys.last().expect("a key at least");
        let mut nonce = [0; NONCE_LEN];
        self.random.fill(&mut nonce).map_err(|_| VaultError::NoRandom)?;
        let mut sealed = Vec::with_capacity(NONCE_LEN + plain.len() + AES_256_GCM.tag_len());
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(plain);
        let (_, body) = sealed.split_at_mut(NONCE_LEN);
        let tag = key
            .seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), Aad::from(place.as_bytes()), body)
            .expect("a row is far below the limit of AES-GCM");
        sealed.extend_from_slice(tag.as_ref());
        Ok((*id, sealed))
    }

    /// Opens what was sealed for `place` under key `id`; `None` when it was altered, moved, or the key is not here.
    #[must_use]
    pub fn open_row(&self, id: u8, place: &str, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (_, _, key) = self.keys.iter().find(|(known, ..)| *known == id)?;
        let (nonce, body) = sealed.split_first_chunk::<NONCE_LEN>()?;
        let mut plain = Zeroizing::new(body.to_vec());
        let length = key
            .open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(place.as_bytes()), &mut plain)
            .ok()?
            .len();
        plain.truncate(length);
        Some(plain)
    }

    /// Keyed hash of a text: what the database finds people by.
    #[must_use]
    pub fn lookup(&self, kind: Lookup, text: &str) -> [u8; LOOKUP_BYTES] {
        let mut context = hmac::Context::with_key(&self.lookup);
        context.update(match kind {
            Lookup::Number => b"number\0",
            Lookup::Name => b"name\0\0\0",
        });
        context.update(text.as_bytes());
        let mut first = [0; LOOKUP_BYTES];
        first.copy_from_slice(context.sign().as_ref().get(..LOOKUP_BYTES).unwrap_or(&[0; LOOKUP_BYTES]));
        first
    }

    fn of(keys: Vec<(u8, Zeroizing<[u8; KEY_BYTES]>, LessSafeKey)>, lookup_key: Zeroizing<[u8; KEY_BYTES]>) -> Self {
        let lookup = hmac::Key::new(hmac::HMAC_SHA256, &*lookup_key);
        Self { keys, lookup_key, lookup, random: SystemRandom::new() }
    }

    /// Lookup key, then id and key of each.
    fn pack(&self) -> Zeroizing<Vec<u8>> {
        let mut body = Zeroizing::new(Vec::with_capacity(KEY_BYTES + self.keys.len() * (1 + KEY_BYTES) + 16));
        body.extend_from_slice(&*self.lookup_key);
        for (id, key, _) in &self.keys {
            body.push(*id);
            body.extend_from_slice(&**key);
        }
        body
    }

    fn unpack(body: &[u8]) -> Option<Self> {
        let (lookup, mut rest) = body.split_first_chunk::<KEY_BYTES>()?;
        let mut keys = Vec::new();
        while let Some((id, after)) = rest.split_first() {
            let (key, after) = after.split_first_chunk::<KEY_BYTES>()?;
            let key = Zeroizing::new(*key);
            keys.push((*id, key.clone(), aead(&key)));
            rest = after;
        }
        let bounded = !keys.is_empty() && keys.len() <= KEYS_MAX;
        bounded.then(|| Self::of(keys, Zeroizing::new(*lookup)))
    }
}

fn aead(key: &[u8; KEY_BYTES]) -> LessSafeKey {
    LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).expect("32 bytes are a key of AES-256"))
}

fn random_key() -> Result<Zeroizing<[u8; KEY_BYTES]>, VaultError> {
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    SystemRandom::new().fill(&mut *key).map_err(|_| VaultError::NoRandom)?;
    Ok(key)
}

impl std::fmt::Debug for DataKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DataKeys(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_opens_in_its_place_under_its_key_and_nowhere_else() {
        let mut keys = DataKeys::random().expect("keys");
        let (first, sealed) = keys.seal("person 1", b"dossier").expect("sealed");
        let second = keys.add_key().expect("another");
        assert_eq!(keys.open_row(first, "person 1", &sealed).as_deref().map(Vec::as_slice), Some(&b"dossier"[..]));
        assert!(keys.open_row(first, "person 2", &sealed).is_none());
        assert!(keys.open_row(second, "person 1", &sealed).is_none());
        for place in 0..sealed.len() {
            let mut altered = sealed.clone();
            altered[place] ^= 1;
            assert!(keys.open_row(first, "person 1", &altered).is_none(), "byte {place}");
            assert!(keys.open_row(first, "person 1", &sealed[..place]).is_none(), "cut at {place}");
        }
    }

    #[test]
    fn a_file_of_keys_gives_the_same_keys_to_the_right_passphrase_only() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("keys");
        let mut keys = DataKeys::random().expect("keys");
        let (old, sealed) = keys.seal("x", b"x").expect("sealed");
        keys.add_key().expect("another");
        keys.seal_file(&path, "p").expect("written");
        let again = DataKeys::open(&path, "p").expect("opened");
        assert!(again.open_row(old, "x", &sealed).is_some());
        assert_eq!((again.check_value(), again.current()), (keys.check_value(), 2));
        assert!(matches!(DataKeys::open(&path, "q"), Err(VaultError::NotOpened)));
        assert!(matches!(seal::open(&path, "p"), Err(VaultError::Malformed { .. })), "a vault holds other keys");
    }

    #[test]
    fn lookups_differ_by_kind_text_and_key() {
        let (keys, others) = (DataKeys::random().expect("keys"), DataKeys::random().expect("keys"));
        let of = |keys: &DataKeys, kind, text| keys.lookup(kind, text);
        assert_eq!(of(&keys, Lookup::Name, "甲"), of(&keys, Lookup::Name, "甲"));
        assert_ne!(of(&keys, Lookup::Name, "甲"), of(&keys, Lookup::Number, "甲"));
        assert_ne!(of(&keys, Lookup::Name, "甲"), of(&keys, Lookup::Name, "乙"));
        assert_ne!(of(&keys, Lookup::Name, "甲"), of(&others, Lookup::Name, "甲"));
    }
}
