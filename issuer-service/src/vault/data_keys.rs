//! The data keys (数据密钥): what people's data are sealed with in the database, and found by without being opened.
//!
//! Source: AES-256-GCM (NIST SP 800-38D), HMAC-SHA-256 (RFC 2104, FIPS 180-4); docs/adr/0020, 0033.
//! Owns: generations of keys, sealing a row, opening it under the generation it names, keyed hashes for lookup, the file of keys.
//! Never: opens card keys, so that clerks who register people need not open the vault of national keys; prints a key; says which
//! generation seals (the database does).
//! Units: a sealed row is nonce(12) ‖ ciphertext ‖ tag(16); a lookup is the first 16 bytes of the HMAC.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hmac;
use ring::rand::{SecureRandom, SystemRandom};
use zeroize::Zeroizing;

use super::VaultError;
use super::seal::{self, Opener};

/// Kind that the head of the file states: generations, oldest first.
const KIND: &str = "data-key-generations";
/// Kind of files made before there were generations: one lookup key for all.
const KIND_BEFORE: &str = "data-keys";
/// Bytes of every key here.
const KEY_BYTES: usize = 32;
/// Bytes of a lookup: 128 bits, of which a million people use twenty.
pub const LOOKUP_BYTES: usize = 16;

/// Nonces drawn at once.
const NONCES: usize = 64;

/// What a lookup stands for: the same text of two kinds has two hashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lookup {
    /// A social security number.
    Number,
    /// A name, normalized.
    Name,
    /// A name of an operator at a door, and where somebody used it.
    Login,
    /// A request that a program gave a key, with its body.
    Request,
    /// A bank card number.
    BankCard,
}

/// Keyed hashes of a person's number and name under one generation, made before the row that is looked for by them.
#[derive(Clone, Copy)]
pub struct Marks {
    /// Generation.
    pub generation: u8,
    /// Of the number.
    pub number: [u8; LOOKUP_BYTES],
    /// Of the name.
    pub name: [u8; LOOKUP_BYTES],
}

/// Two keys that are made and destroyed together.
struct Generation {
    id: u8,
    key: Zeroizing<[u8; KEY_BYTES]>,
    aead: LessSafeKey,
    lookup_key: Zeroizing<[u8; KEY_BYTES]>,
    lookup: hmac::Key,
}

/// Open data keys.
pub struct DataKeys {
    /// Oldest first; one, and another while rows are sealed anew.
    generations: Vec<Arc<Generation>>,
    /// The file that they came from, and what opens it again.
    file: Option<Arc<(PathBuf, Opener)>>,
    nonces: Mutex<Nonces>,
}

/// Random numbers drawn from the system in advance: one call of it costs as much as sealing a row. Each is used once.
struct Nonces {
    drawn: [u8; NONCE_LEN * NONCES],
    used: usize,
}

impl DataKeys {
    /// New random keys, in no file.
    ///
    /// # Errors
    /// [`VaultError::NoRandom`].
    pub fn random() -> Result<Self, VaultError> {
        Ok(Self::of(vec![Arc::new(Generation::random(1)?)], None))
    }

    /// Opens the file of keys.
    ///
    /// # Errors
    /// [`VaultError`].
    pub fn open(path: &Path, passphrase: &str) -> Result<Self, VaultError> {
        let (kind, body, opener) = seal::open_to_keep(path, passphrase)?;
        let generations = unpack(&kind, &body).ok_or_else(|| VaultError::Malformed { path: path.to_owned() })?;
        Ok(Self::of(generations, Some(Arc::new((path.to_owned(), opener)))))
    }

    /// Writes a new file of keys, readable by its owner alone.
    ///
    /// # Errors
    /// [`VaultError::File`], also when the file exists.
    pub fn seal_file(&self, path: &Path, passphrase: &str) -> Result<(), VaultError> {
        seal::write_body(path, passphrase, KIND, self.pack())
    }

    /// Reads the file anew, which a rotation may have changed: these keys and those in it. Keys that came from no file stay as they are.
    ///
    /// # Errors
    /// [`VaultError`], also when the file has another passphrase now.
    pub fn again(&self) -> Result<Self, VaultError> {
        let mut all = self.generations.clone();
        if let Some(file) = &self.file {
            let (kind, body) = file.1.open(&file.0)?;
            let found = unpack(&kind, &body).ok_or_else(|| VaultError::Malformed { path: file.0.clone() })?;
            all.extend(found.into_iter().filter(|found| !self.has(found.id)));
            all.sort_by_key(|generation| generation.id);
        }
        Ok(Self::of(all, self.file.clone()))
    }

    /// Puts another generation into the file, behind the others; these keys and the new ones.
    ///
    /// # Errors
    /// [`VaultError::NoRandom`], also when the ids are used up; [`VaultError::File`].
    pub fn with_another(&self) -> Result<Self, VaultError> {
        let id = self.newest().checked_add(1).ok_or(VaultError::NoRandom)?;
        let mut all = self.generations.clone();
        all.push(Arc::new(Generation::random(id)?));
        let keys = Self::of(all, self.file.clone());
        keys.rewrite()?;
        Ok(keys)
    }

    /// Leaves generation `id` alone in the file. What is sealed under another one opens no more.
    ///
    /// # Errors
    /// [`VaultError::File`].
    pub fn with_only(&self, id: u8) -> Result<Self, VaultError> {
        let all = self.generations.iter().filter(|generation| generation.id == id).cloned().collect();
        let keys = Self::of(all, self.file.clone());
        keys.rewrite()?;
        Ok(keys)
    }

    /// Writes the file anew: it is the old one or the new one, whenever power is lost.
    fn rewrite(&self) -> Result<(), VaultError> {
        let Some(file) = &self.file else { return Ok(()) };
        let (path, opener) = &**file;
        seal::replace(path, |draft| opener.write(draft, KIND, self.pack()))
    }

    /// Id of the newest generation.
    ///
    /// # Panics
    /// Never: there is one.
    #[must_use]
    pub fn newest(&self) -> u8 {
        self.generations.last().expect("a generation at least").id
    }

    /// Ids of all, oldest first.
    #[must_use]
    pub fn ids(&self) -> Vec<u8> {
        self.generations.iter().map(|generation| generation.id).collect()
    }

    /// Whether a generation is here.
    #[must_use]
    pub fn has(&self, id: u8) -> bool {
        self.generations.iter().any(|generation| generation.id == id)
    }

    /// Proves, without telling anything, that the newest keys are those of a database: hex.
    #[must_use]
    pub fn check_value(&self) -> String {
        self.generations.last().map(|generation| generation.check_value()).unwrap_or_default()
    }

    /// Whether the keys of a check value are here.
    #[must_use]
    pub fn proves(&self, check_value: &str) -> bool {
        self.generations.iter().any(|generation| generation.check_value() == check_value)
    }

    /// Seals `plain` under generation `id`; `place` is where it belongs, so that it opens nowhere else.
    ///
    /// # Errors
    /// [`VaultError::NoRandom`]; [`VaultError::NotOpened`] when the generation is not here.
    ///
    /// # Panics
    /// Never: a row is far below the limit of AES-GCM.
    pub fn seal(&self, id: u8, place: &str, plain: &[u8]) -> Result<Vec<u8>, VaultError> {
        let generation = self.of_id(id).ok_or(VaultError::NotOpened)?;
        let nonce = self.nonces.lock().unwrap_or_else(PoisonError::into_inner).next()?;
        let mut sealed = Vec::with_capacity(NONCE_LEN + plain.len() + AES_256_GCM.tag_len());
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(plain);
        let (_, body) = sealed.split_at_mut(NONCE_LEN);
        let tag = generation
            .aead
            .seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), Aad::from(place.as_bytes()), body)
            .expect("a row is far below the limit of AES-GCM");
        sealed.extend_from_slice(tag.as_ref());
        Ok(sealed)
    }

    /// Opens what was sealed for `place` under generation `id`; `None` when it was altered, moved, or the generation is not here.
    #[must_use]
    pub fn open_row(&self, id: u8, place: &str, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let generation = self.of_id(id)?;
        let (nonce, body) = sealed.split_first_chunk::<NONCE_LEN>()?;
        let mut plain = Zeroizing::new(body.to_vec());
        let length = generation
            .aead
            .open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(place.as_bytes()), &mut plain)
            .ok()?
            .len();
        plain.truncate(length);
        Some(plain)
    }

    /// Keyed hash of a text under generation `id`: what the database finds people by.
    ///
    /// # Errors
    /// [`VaultError::NotOpened`] when the generation is not here.
    pub fn lookup(&self, id: u8, kind: Lookup, text: &str) -> Result<[u8; LOOKUP_BYTES], VaultError> {
        Ok(self.of_id(id).ok_or(VaultError::NotOpened)?.hash(kind, text))
    }

    /// Keyed hashes of a text under every generation, newest first: while rows are sealed anew, either may stand in one.
    pub fn lookups(&self, kind: Lookup, text: &str) -> impl Iterator<Item = [u8; LOOKUP_BYTES]> {
        self.generations.iter().rev().map(move |generation| generation.hash(kind, text))
    }

    /// Keyed hashes of a person under the newest generation.
    ///
    /// # Panics
    /// Never: there is one.
    #[must_use]
    pub fn marks(&self, number: &str, name: &str) -> Marks {
        let newest = self.generations.last().expect("a generation at least");
        Marks {
            generation: newest.id,
            number: newest.hash(Lookup::Number, number),
            name: newest.hash(Lookup::Name, name),
        }
    }

    /// Whether this generation is the only one here: no row can be found by another one.
    #[must_use]
    pub fn has_only(&self, id: u8) -> bool {
        matches!(self.generations.as_slice(), [only] if only.id == id)
    }

    /// Keyed hash under the oldest generation here: the same for as long as these keys are open, whatever a rotation does.
    ///
    /// # Panics
    /// Never: there is one.
    #[must_use]
    pub fn lasting_lookup(&self, kind: Lookup, text: &str) -> [u8; LOOKUP_BYTES] {
        self.generations.first().expect("a generation at least").hash(kind, text)
    }

    fn of_id(&self, id: u8) -> Option<&Generation> {
        self.generations.iter().find(|generation| generation.id == id).map(|generation| &**generation)
    }

    fn of(generations: Vec<Arc<Generation>>, file: Option<Arc<(PathBuf, Opener)>>) -> Self {
        Self { generations, file, nonces: Mutex::default() }
    }

    /// Id, sealing key and lookup key of each.
    fn pack(&self) -> Zeroizing<Vec<u8>> {
        let mut body = Zeroizing::new(Vec::with_capacity(self.generations.len() * (1 + 2 * KEY_BYTES) + 16));
        for generation in &self.generations {
            body.push(generation.id);
            body.extend_from_slice(&*generation.key);
            body.extend_from_slice(&*generation.lookup_key);
        }
        body
    }
}

impl Nonces {
    fn next(&mut self) -> Result<[u8; NONCE_LEN], VaultError> {
        if self.used == NONCES {
            SystemRandom::new().fill(&mut self.drawn).map_err(|_| VaultError::NoRandom)?;
            self.used = 0;
        }
        let (all, _) = self.drawn.as_chunks::<NONCE_LEN>();
        let nonce = *all.get(self.used).ok_or(VaultError::NoRandom)?;
        self.used += 1;
        Ok(nonce)
    }
}

impl Default for Nonces {
    fn default() -> Self {
        Self { drawn: [0; NONCE_LEN * NONCES], used: NONCES }
    }
}

impl Generation {
    fn random(id: u8) -> Result<Self, VaultError> {
        Ok(Self::new(id, random_key()?, random_key()?))
    }

    fn new(id: u8, key: Zeroizing<[u8; KEY_BYTES]>, lookup_key: Zeroizing<[u8; KEY_BYTES]>) -> Self {
        let aead = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &*key).expect("32 bytes are a key of AES-256"));
        let lookup = hmac::Key::new(hmac::HMAC_SHA256, &*lookup_key);
        Self { id, key, aead, lookup_key, lookup }
    }

    fn check_value(&self) -> String {
        hex::encode_upper(hmac::sign(&self.lookup, b"check").as_ref().get(..8).unwrap_or_default())
    }

    fn hash(&self, kind: Lookup, text: &str) -> [u8; LOOKUP_BYTES] {
        let mut context = hmac::Context::with_key(&self.lookup);
        context.update(match kind {
            Lookup::Number => b"number\0",
            Lookup::Name => b"name\0\0\0",
            Lookup::Login => b"login\0\0",
            Lookup::Request => b"request",
            Lookup::BankCard => b"bankcrd",
        });
        context.update(text.as_bytes());
        let mut first = [0; LOOKUP_BYTES];
        first.copy_from_slice(context.sign().as_ref().get(..LOOKUP_BYTES).unwrap_or(&[0; LOOKUP_BYTES]));
        first
    }
}

fn unpack(kind: &str, body: &[u8]) -> Option<Vec<Arc<Generation>>> {
    let (shared, mut rest) = match kind {
        KIND => (None, body),
        KIND_BEFORE => {
            let (lookup, rest) = body.split_first_chunk::<KEY_BYTES>()?;
            (Some(Zeroizing::new(*lookup)), rest)
        }
        _ => return None,
    };
    let mut generations: Vec<Arc<Generation>> = Vec::new();
    while let Some((id, after)) = rest.split_first() {
        let (key, after) = after.split_first_chunk::<KEY_BYTES>()?;
        let (lookup, after) = match &shared {
            Some(lookup) => (lookup.clone(), after),
            None => {
                let (lookup, after) = after.split_first_chunk::<KEY_BYTES>()?;
                (Zeroizing::new(*lookup), after)
            }
        };
        if generations.last().is_some_and(|last| last.id >= *id) {
            return None;
        }
        generations.push(Arc::new(Generation::new(*id, Zeroizing::new(*key), lookup)));
        rest = after;
    }
    if generations.is_empty() { None } else { Some(generations) }
}

fn random_key() -> Result<Zeroizing<[u8; KEY_BYTES]>, VaultError> {
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    SystemRandom::new().fill(&mut *key).map_err(|_| VaultError::NoRandom)?;
    Ok(key)
}

impl std::fmt::Debug for Marks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Marks({})", self.generation)
    }
}

impl std::fmt::Debug for DataKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DataKeys(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Keys in a file, with another generation in it.
    fn two(path: &Path) -> DataKeys {
        DataKeys::random().expect("keys").seal_file(path, "p").expect("written");
        DataKeys::open(path, "p").expect("opened").with_another().expect("another")
    }

    #[test]
    fn a_row_opens_in_its_place_under_its_generation_and_nowhere_else() {
        let folder = tempfile::tempdir().expect("folder");
        let keys = two(&folder.path().join("keys"));
        let sealed = keys.seal(1, "person 1", b"dossier").expect("sealed");
        assert_eq!(keys.open_row(1, "person 1", &sealed).as_deref().map(Vec::as_slice), Some(&b"dossier"[..]));
        assert!(keys.open_row(1, "person 2", &sealed).is_none());
        assert!(keys.open_row(2, "person 1", &sealed).is_none());
        assert!(keys.seal(3, "person 1", b"dossier").is_err(), "no such generation");
        for place in 0..sealed.len() {
            let mut altered = sealed.clone();
            altered[place] ^= 1;
            assert!(keys.open_row(1, "person 1", &altered).is_none(), "byte {place}");
            assert!(keys.open_row(1, "person 1", &sealed[..place]).is_none(), "cut at {place}");
        }
    }

    #[test]
    fn no_nonce_is_used_twice() {
        let keys = DataKeys::random().expect("keys");
        let again = DataKeys::of(keys.generations.clone(), None);
        let mut nonces = std::collections::BTreeSet::new();
        for number in 0..3 * NONCES + 5 {
            for keys in [&keys, &again] {
                let sealed = keys.seal(1, "x", b"").expect("sealed");
                let nonce = sealed.first_chunk::<NONCE_LEN>().copied().expect("a nonce");
                assert!(nonce != [0; NONCE_LEN] && nonces.insert(nonce), "seal {number}");
            }
        }
    }

    #[test]
    fn a_file_of_keys_gives_the_same_keys_to_the_right_passphrase_only() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("keys");
        let keys = two(&path);
        let sealed = keys.seal(1, "x", b"x").expect("sealed");
        let again = DataKeys::open(&path, "p").expect("opened");
        assert!(again.open_row(1, "x", &sealed).is_some());
        assert_eq!((again.check_value(), again.ids()), (keys.check_value(), vec![1, 2]));
        assert!(matches!(DataKeys::open(&path, "q"), Err(VaultError::FileNotOpened { .. })));
        assert!(matches!(seal::open(&path, "p"), Err(VaultError::Malformed { .. })), "a vault holds other keys");
    }

    #[test]
    fn keys_that_were_open_before_a_rotation_learn_the_new_ones_and_keep_the_old_ones() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("keys");
        DataKeys::random().expect("keys").seal_file(&path, "p").expect("written");
        let before = DataKeys::open(&path, "p").expect("opened");
        let both = before.with_another().expect("another");
        assert_eq!(before.again().expect("again").ids(), [1, 2]);
        let new = both.with_only(2).expect("alone");
        assert_eq!((new.ids(), DataKeys::open(&path, "p").expect("opened").ids()), (vec![2], vec![2]));
        let learnt = before.again().expect("again");
        assert_eq!(learnt.ids(), [1, 2]);
        assert!(learnt.proves(&before.check_value()) && learnt.proves(&new.check_value()));
        assert!(!new.proves(&before.check_value()), "the old keys are gone");
        let text = std::fs::read_to_string(&path).expect("read");
        assert!(!folder.path().join("keys.part").exists() && text.contains(KIND));
        // Another passphrase: what was open opens it no more.
        std::fs::remove_file(&path).expect("removed");
        new.seal_file(&path, "another").expect("written");
        assert!(matches!(before.again(), Err(VaultError::FileNotOpened { .. })));
    }

    #[test]
    fn a_file_from_before_there_were_generations_opens_and_is_rotated_into_a_new_one() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("keys");
        let body: Vec<u8> = [[9; KEY_BYTES].as_slice(), &[1], &[5; KEY_BYTES]].concat();
        seal::write_body(&path, "p", KIND_BEFORE, Zeroizing::new(body)).expect("written");
        let old = DataKeys::open(&path, "p").expect("opened");
        let sealed = old.seal(1, "x", b"x").expect("sealed");
        let context = hmac::Key::new(hmac::HMAC_SHA256, &[9; KEY_BYTES]);
        let hash = hmac::sign(&context, "name\0\0\0甲".as_bytes());
        assert_eq!(old.lookup(1, Lookup::Name, "甲").expect("hash"), hash.as_ref()[..LOOKUP_BYTES]);
        let both = old.with_another().expect("another");
        let read = DataKeys::open(&path, "p").expect("opened");
        assert!(read.open_row(1, "x", &sealed).is_some() && read.proves(&both.check_value()));
        for cut in [0, 1, KEY_BYTES, KEY_BYTES + 1, 2 * KEY_BYTES] {
            assert!(unpack(KIND_BEFORE, &vec![1; cut]).is_none(), "{cut} bytes");
            assert!(unpack(KIND, &vec![1; cut]).is_none(), "{cut} bytes");
        }
        assert!(unpack(KIND, &[1; 2 * (1 + 2 * KEY_BYTES)]).is_none(), "two generations of one id");
    }

    #[test]
    fn lookups_differ_by_kind_text_and_generation() {
        let folder = tempfile::tempdir().expect("folder");
        let keys = two(&folder.path().join("keys"));
        let of = |id, kind, text| keys.lookup(id, kind, text).expect("hash");
        assert_eq!(of(1, Lookup::Name, "甲"), of(1, Lookup::Name, "甲"));
        assert_ne!(of(1, Lookup::Name, "甲"), of(1, Lookup::Number, "甲"));
        assert_ne!(of(1, Lookup::Name, "甲"), of(1, Lookup::Name, "乙"));
        assert_ne!(of(1, Lookup::Name, "甲"), of(2, Lookup::Name, "甲"));
        let both: Vec<_> = keys.lookups(Lookup::Name, "甲").collect();
        assert_eq!(both, [of(2, Lookup::Name, "甲"), of(1, Lookup::Name, "甲")]);
        assert_eq!(keys.lasting_lookup(Lookup::Name, "甲"), of(1, Lookup::Name, "甲"));
        let marks = keys.marks("乙", "甲");
        assert_eq!((marks.generation, marks.name), (2, of(2, Lookup::Name, "甲")));
        assert_eq!(marks.number, of(2, Lookup::Number, "乙"));
        assert_eq!((keys.has_only(2), keys.with_only(2).expect("alone").has_only(2)), (false, true));
    }
}
