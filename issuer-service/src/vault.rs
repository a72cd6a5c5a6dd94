//! The vault (密钥库): the centre's upper keys, in a file sealed under a passphrase or in a PKCS#11 token, and its signing key.
//!
//! Source: Ed25519 (RFC 8032); known answers of published examples.
//! Owns: what a vault is; rehearsal keys; the self-test; the module that it gives to stations and servers.
//! Never: hands out, prints or logs a key; works when the self-test fails; holds a well-known test key outside rehearsal.

pub mod authority;
mod check;
pub mod data_keys;
mod failure;
pub mod key_store;
pub mod name;
pub mod passphrase;
pub mod pkcs11;
mod seal;
pub mod stream;
mod well_known;

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use card_core::crypto::{self, Block, Block16};
use card_core::key::Key16;
use card_core::security::keyring::KeyRing;
use card_core::security::{KeyName, KeyRef, MacKey, SecurityError, SecurityModule, WrappedKey};
use card_profiles::Profile;
use card_profiles::rehearsal::{TRANSPORT_KEY, TRANSPORT_KEY_NAME, TRANSPORT_LOT};
use ring::rand::{SecureRandom, SystemRandom};
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use serde::{Deserialize, Serialize};
use settlement::id::{PublicKey, Signature};
use zeroize::Zeroizing;

pub use check::{CheckValue, CheckValues, Exported, HeldValue, KeyCheck, TakenOut};
pub use failure::VaultError;
pub(crate) use failure::{module_code, module_exit, module_next, module_what};
pub use key_store::{Held, KeyStore, NewKey};
use name::{as_held, held_name};
pub use seal::Place;

/// What the keys of a vault are good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Random keys and factory constants of software cards. Real cards refuse them.
    Rehearsal,
    /// Keys of a key ceremony.
    Production,
}

/// An open vault.
pub struct Vault {
    kind: Kind,
    keys: VaultKeys,
    signer: Signer,
    signer_pkcs8: Zeroizing<Vec<u8>>,
}

/// The keys of an open vault as a security module; clones share the keys.
#[derive(Clone)]
pub struct VaultKeys(Arc<Mutex<Box<dyn KeyStore>>>);

/// The centre's Ed25519 key as who signs uses it; clones share it.
#[derive(Clone)]
pub struct Signer(Arc<Ed25519KeyPair>);

/// Name of the key under which keys go to another module.
pub const EXPORT_KEY_NAME: &str = "EXPORT";

/// Whether keys are exported under it.
pub(crate) fn is_export_key(name: &KeyName) -> bool {
    name.as_str() == EXPORT_KEY_NAME
}

impl Vault {
    /// Version of keys made at first.
    pub const FIRST_VERSION: u8 = 1;

    /// A vault without keys around a store, with a new signing key.
    ///
    /// # Errors
    /// [`VaultError::NoRandom`], [`VaultError::SelfTest`].
    pub fn empty(kind: Kind, store: Box<dyn KeyStore>) -> Result<Self, VaultError> {
        let pkcs8 = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).map_err(|_| VaultError::NoRandom)?;
        Self::assemble(kind, store, Zeroizing::new(pkcs8.as_ref().to_vec())).ok_or(VaultError::NoRandom)?
    }

    /// Makes a software vault for rehearsal.
    ///
    /// # Errors
    /// [`VaultError::NoRandom`].
    pub fn rehearsal(profiles: &[Profile]) -> Result<Self, VaultError> {
        let vault = Self::empty(Kind::Rehearsal, Box::new(KeyRing::new()))?;
        vault.add_rehearsal_keys(profiles)?;
        Ok(vault)
    }

    /// Fills a vault for rehearsal: a random national root key for each key row of the profiles, and the transport keys of
    /// software cards.
    ///
    /// # Errors
    /// [`VaultError::NoRandom`], [`VaultError::KeyExists`].
    pub fn add_rehearsal_keys(&self, profiles: &[Profile]) -> Result<(), VaultError> {
        for name in key_names(profiles) {
            let mut bytes = Zeroizing::new([0; 16]);
            SystemRandom::new().fill(&mut *bytes).map_err(|_| VaultError::NoRandom)?;
            self.add(root_key(name, Self::FIRST_VERSION, Key16::new(*bytes)))?;
        }
        for name in transport_key_names(profiles) {
            self.add(root_key(name, TRANSPORT_LOT, Key16::new(TRANSPORT_KEY)))?;
        }
        Ok(())
    }

    /// Opens the vault in `path` and tests it; `token` gives the token that its head asks for.
    ///
    /// # Errors
    /// [`VaultError`].
    pub fn open(
        path: &Path,
        passphrase: &str,
        token: impl FnOnce() -> Result<Box<dyn KeyStore>, VaultError>,
    ) -> Result<Self, VaultError> {
        let opened = seal::open(path, passphrase)?;
        let store: Box<dyn KeyStore> = match opened.place {
            Place::File => Box::new(opened.ring),
            Place::Pkcs11 => token()?,
        };
        Self::assemble(opened.kind, store, opened.signer)
            .ok_or_else(|| VaultError::Malformed { path: path.to_owned() })?
    }

    /// What the readable head of a file says of its kind, without a passphrase: good for a rule of care, proof of nothing.
    ///
    /// # Errors
    /// [`VaultError`].
    pub fn says_rehearsal(path: &Path) -> Result<bool, VaultError> {
        seal::says_rehearsal(path)
    }

    /// Opens a vault whose keys are in the file.
    ///
    /// # Errors
    /// [`VaultError`]; [`VaultError::TokenNotConfigured`] when the keys are in a token.
    pub fn open_file(path: &Path, passphrase: &str) -> Result<Self, VaultError> {
        Self::open(path, passphrase, || Err(VaultError::TokenNotConfigured))
    }

    /// Opens the file for its signing key alone: no token is asked, and the keys of a token are not there.
    ///
    /// # Errors
    /// [`VaultError`].
    pub fn open_to_sign(path: &Path, passphrase: &str) -> Result<Self, VaultError> {
        Self::open(path, passphrase, || Ok(Box::new(KeyRing::new())))
    }

    /// Writes the vault to a new file, readable by its owner alone.
    ///
    /// # Errors
    /// [`VaultError::File`], also when the file exists.
    pub fn seal(&self, path: &Path, passphrase: &str) -> Result<(), VaultError> {
        seal::write(path, passphrase, self.kind, self.keys.store().to_seal(), &self.signer_pkcs8)
    }

    /// Writes the vault in place of its file, whole or not at all.
    ///
    /// # Errors
    /// [`VaultError::File`]; the old file stays.
    pub fn reseal(&self, path: &Path, passphrase: &str) -> Result<(), VaultError> {
        seal::replace(path, |draft| self.seal(draft, passphrase))
    }

    /// Takes in the keys that its file, or its token, has got since it was opened: those of a key ceremony.
    ///
    /// # Errors
    /// [`VaultError`]; the keys that it had it keeps.
    pub fn renew(&self, path: &Path, passphrase: &str) -> Result<(), VaultError> {
        if self.place() == Place::Pkcs11 {
            self.keys.store().look_again();
            return Ok(());
        }
        let fresh = seal::open(path, passphrase)?;
        for (name, version, above, key) in fresh.ring.keys() {
            let held = Held { name: name.clone(), version, above: above.to_vec() };
            match self.add(NewKey { held, key: key.clone() }) {
                Ok(()) | Err(VaultError::KeyExists { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Takes a key in.
    ///
    /// # Errors
    /// [`VaultError::TestKey`] for a well-known key outside rehearsal, [`VaultError::KeyExists`], [`VaultError::Security`].
    pub fn add(&self, key: NewKey) -> Result<(), VaultError> {
        self.refuse_test_key(&key)?;
        self.keys.store().add(key)
    }

    /// Check value of the key of this name and version, as it is held: 6 hex digits; `None` when there is none. One that is held on
    /// another level has none to compare, and gives an empty text.
    ///
    /// # Errors
    /// [`VaultError::Security`].
    pub fn check_value_of(&self, key: &Held) -> Result<Option<String>, VaultError> {
        let keys = self.keys();
        let mut store = keys.store();
        let there = store.held()?.into_iter().find(|held| held.name == key.name && held.version == key.version);
        match there {
            None => Ok(None),
            Some(held) if held.above != key.above => Ok(Some(String::new())),
            Some(held) => Ok(Some(hex::encode_upper(store.check_value(&held.reference())?))),
        }
    }

    /// Check values of all keys, each as it is held; in order of name and version.
    ///
    /// # Errors
    /// [`VaultError::Security`].
    pub fn held_values(&self) -> Result<Vec<HeldValue>, VaultError> {
        let keys = self.keys();
        let mut store = keys.store();
        let mut values = Vec::new();
        for held in store.held()? {
            let check_value = hex::encode_upper(store.check_value(&held.reference())?);
            values.push(HeldValue { name: held.name.to_string(), version: held.version, check_value });
        }
        Ok(values)
    }

    /// Takes these keys out, where they are held with these check values. A file must be sealed again behind it.
    ///
    /// # Errors
    /// [`VaultError`]; some may be gone.
    pub fn take_out(&self, keys: &[HeldValue]) -> Result<TakenOut, VaultError> {
        let ours = self.keys();
        let mut store = ours.store();
        let mut out = TakenOut::default();
        for held in store.held()? {
            let value = hex::encode_upper(store.check_value(&held.reference())?);
            let meant = |key: &HeldValue| {
                key.name == held.name.as_str() && key.version == held.version && key.check_value == value
            };
            let Some(key) = keys.iter().find(|key| meant(key)) else { continue };
            if store.remove(&held)? {
                out.gone += 1;
            } else {
                out.left.push(key.clone());
            }
        }
        Ok(out)
    }

    /// Whether a key may come in at all.
    ///
    /// # Errors
    /// [`VaultError::TestKey`] for a well-known key outside rehearsal.
    pub fn refuse_test_key(&self, key: &NewKey) -> Result<(), VaultError> {
        if self.kind == Kind::Production && well_known::is_well_known(&key.key) {
            return Err(VaultError::TestKey { name: key.held.name.clone(), version: key.held.version });
        }
        Ok(())
    }

    /// What its keys are good for.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// Where its keys are.
    #[must_use]
    pub fn place(&self) -> Place {
        if self.keys.store().to_seal().is_some() { Place::File } else { Place::Pkcs11 }
    }

    /// The keys as a security module.
    #[must_use]
    pub fn keys(&self) -> VaultKeys {
        self.keys.clone()
    }

    /// Signs with the centre's Ed25519 key: 64 bytes.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.signer.sign(message).0.to_vec()
    }

    /// The centre's Ed25519 public key: 32 bytes.
    #[must_use]
    pub fn public_key(&self) -> &[u8] {
        self.signer.0.public_key().as_ref()
    }

    /// A text that the centre's key signed; none when it did not.
    #[must_use]
    pub fn attested<'a>(&self, text: &'a str, signature: &str) -> Option<&'a str> {
        let key = UnparsedPublicKey::new(&ED25519, self.public_key());
        let is_ours = key.verify(text.as_bytes(), &hex::decode(signature).ok()?).is_ok();
        is_ours.then_some(text)
    }

    /// The signing key alone.
    #[must_use]
    pub fn signer(&self) -> Signer {
        self.signer.clone()
    }

    fn assemble(
        kind: Kind,
        mut store: Box<dyn KeyStore>,
        signer_pkcs8: Zeroizing<Vec<u8>>,
    ) -> Option<Result<Self, VaultError>> {
        let signer = Signer(Arc::new(Ed25519KeyPair::from_pkcs8(&signer_pkcs8).ok()?));
        let tested = self_test().and_then(|()| store.self_test()).and_then(|()| refuse_test_keys(kind, &mut *store));
        Some(tested.map(|()| Self { kind, keys: VaultKeys(Arc::new(Mutex::new(store))), signer, signer_pkcs8 }))
    }
}

impl Signer {
    /// Signs with the centre's key.
    ///
    /// # Panics
    /// Never: an Ed25519 signature has 64 bytes.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> Signature {
        Signature(self.0.sign(message).as_ref().try_into().expect("an Ed25519 signature has 64 bytes"))
    }

    /// The key that terminals trust.
    ///
    /// # Panics
    /// Never: an Ed25519 public key has 32 bytes.
    #[must_use]
    pub fn public_key(&self) -> PublicKey {
        PublicKey(self.0.public_key().as_ref().try_into().expect("an Ed25519 public key has 32 bytes"))
    }
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Signer({})", self.public_key())
    }
}

/// A root key on its way into a vault.
#[must_use]
pub fn root_key(name: KeyName, version: u8, key: Key16) -> NewKey {
    NewKey { held: Held { name, version, above: Vec::new() }, key }
}

/// Names under which the keys of these profiles are held, each once, in order of appearance.
#[must_use]
pub fn key_names(profiles: &[Profile]) -> Vec<KeyName> {
    let rows =
        profiles.iter().flat_map(|profile| profile.key.iter().map(|row| held_name(&row.name, profile.algorithm)));
    once(rows)
}

/// Names of the transport keys of these profiles.
#[must_use]
pub fn transport_key_names(profiles: &[Profile]) -> Vec<KeyName> {
    let transport = KeyName::new(TRANSPORT_KEY_NAME);
    once(profiles.iter().map(|profile| held_name(&transport, profile.algorithm)))
}

fn once(names: impl Iterator<Item = KeyName>) -> Vec<KeyName> {
    let mut known: Vec<KeyName> = Vec::new();
    for name in names {
        if !known.contains(&name) {
            known.push(name);
        }
    }
    known
}

/// Known answers before any key is used.
fn self_test() -> Result<(), VaultError> {
    let key = Key16::new(*b"\x01\x23\x45\x67\x89\xAB\xCD\xEF\xFE\xDC\xBA\x98\x76\x54\x32\x10");
    let published = Key16::new(*b"\x00\x11\x22\x33\x44\x55\x66\x77\x88\x99\xAA\xBB\xCC\xDD\xEE\xFF");
    let derived = crypto::diversify(&published, *b"\x11\x22\x33\x44\x55\x66\x77\x88");
    let expected = *b"\x49\x6B\xD7\xA3\x51\x36\x44\x53\x31\x00\xB5\x4E\x71\x19\x65\x28";
    let sm4 = crypto::sm4_encrypt(&key, key.expose());
    let tests = [
        ("check value", crypto::check_value(&key) == *b"\x08\xD7\xB4"),
        ("MAC", crypto::mac_retail(&key, [0; 8], b"Now is the time for all ") == *b"\xE9\x08\x62\x30"),
        ("diversification", *derived.expose() == expected),
        ("SM4", sm4 == *b"\x68\x1E\xDF\x34\xD2\x06\x96\x5E\x86\xB3\xE9\x4F\x53\x6E\x42\x46"),
    ];
    match tests.into_iter().find(|(_, passed)| !passed) {
        None => Ok(()),
        Some((test, _)) => Err(VaultError::SelfTest { test }),
    }
}

/// Keys of a file are compared byte by byte, those of a token, which no one can see, by their check values.
fn refuse_test_keys(kind: Kind, store: &mut dyn KeyStore) -> Result<(), VaultError> {
    if kind == Kind::Rehearsal {
        return Ok(());
    }
    if let Some(ring) = store.to_seal() {
        return match ring.keys().find(|(_, _, _, key)| well_known::is_well_known(key)) {
            None => Ok(()),
            Some((name, version, _, _)) => Err(VaultError::TestKey { name: name.clone(), version }),
        };
    }
    for held in store.held()? {
        if well_known::has_check_value(store.check_value(&held.reference())?) {
            return Err(VaultError::TestKey { name: held.name, version: held.version });
        }
    }
    Ok(())
}

impl VaultKeys {
    /// The store; one caller at a time.
    pub(crate) fn store(&self) -> MutexGuard<'_, Box<dyn KeyStore>> {
        // A panic elsewhere cannot leave a store half changed: a key is added by one insertion.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SecurityModule for VaultKeys {
    fn authentication_cryptogram(&mut self, key: &KeyRef, factor: Block, data: Block) -> Result<Block, SecurityError> {
        self.store().authentication_cryptogram(as_held(key)?.as_ref(), factor, data)
    }

    fn mac(&mut self, key: &KeyRef, kind: MacKey, iv: Block, message: &[u8]) -> Result<[u8; 4], SecurityError> {
        self.store().mac(as_held(key)?.as_ref(), kind, iv, message)
    }

    fn encipher(&mut self, key: &KeyRef, factor: Block, blocks: &[u8]) -> Result<Vec<u8>, SecurityError> {
        self.store().encipher(as_held(key)?.as_ref(), factor, blocks)
    }

    fn wrap(
        &mut self,
        key: &KeyRef,
        protecting: &KeyRef,
        command: [u8; 5],
        header: [u8; 3],
        iv: Block,
    ) -> Result<WrappedKey, SecurityError> {
        self.store().wrap(as_held(key)?.as_ref(), as_held(protecting)?.as_ref(), command, header, iv)
    }

    fn encipher_block(&mut self, key: &KeyRef, block: Block16) -> Result<Block16, SecurityError> {
        self.store().encipher_block(as_held(key)?.as_ref(), block)
    }

    fn check_value(&mut self, key: &KeyRef) -> Result<[u8; 3], SecurityError> {
        self.store().check_value(as_held(key)?.as_ref())
    }
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Vault").field("kind", &self.kind).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for VaultKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("VaultKeys(..)")
    }
}

#[cfg(test)]
mod tests {
    use card_core::security::CityCode;

    use super::*;

    fn rehearsal() -> Vault {
        Vault::rehearsal(&[card_profiles::builtin::builtin("ssc-3.0").expect("built in")]).expect("vault")
    }

    #[test]
    fn a_sealed_vault_opens_with_its_passphrase_and_keeps_every_key() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("centre.vault");
        let vault = rehearsal();
        vault.seal(&path, "correct horse").expect("sealed");
        let opened = Vault::open_file(&path, "correct horse").expect("opened");
        let city = CityCode::parse("513300").expect("digits");
        assert_eq!(vault.check_values(city).expect("values"), opened.check_values(city).expect("values"));
        assert!(vault.check_values(city).expect("values").keys.len() > 50);
        assert_eq!(vault.public_key(), opened.public_key());
        assert!(matches!(Vault::open_file(&path, "correct hors"), Err(VaultError::FileNotOpened { .. })));
        assert!(matches!(vault.seal(&path, "again"), Err(VaultError::File { .. })));
    }

    #[test]
    fn an_altered_vault_does_not_open() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("centre.vault");
        rehearsal().seal(&path, "p").expect("sealed");
        let text = std::fs::read_to_string(&path).expect("text");
        for (from, to) in [("\"rehearsal\"", "\"production\""), ("passes = 2", "passes = 3")] {
            assert!(text.contains(from));
            std::fs::write(&path, text.replace(from, to)).expect("written");
            assert!(matches!(Vault::open_file(&path, "p"), Err(VaultError::FileNotOpened { .. })), "{from}");
        }
        for garbage in ["", "format = 1", "\u{0}\u{1}"] {
            std::fs::write(&path, garbage).expect("written");
            assert!(matches!(Vault::open_file(&path, "p"), Err(VaultError::Malformed { .. })));
        }
        let huge = text.replace("memory_kib = 19456", "memory_kib = 4194304000");
        std::fs::write(&path, huge).expect("written");
        assert!(matches!(Vault::open_file(&path, "p"), Err(VaultError::Malformed { .. })));
    }

    #[test]
    fn well_known_test_keys_are_refused_outside_rehearsal() {
        let mut ring = KeyRing::new();
        ring.insert(KeyName::new(TRANSPORT_KEY_NAME), 1, Key16::new(TRANSPORT_KEY));
        assert!(refuse_test_keys(Kind::Rehearsal, &mut ring).is_ok());
        assert!(matches!(refuse_test_keys(Kind::Production, &mut ring), Err(VaultError::TestKey { .. })));
    }

    #[test]
    fn a_production_vault_takes_no_test_key_and_no_key_twice() {
        let vault = Vault::empty(Kind::Production, Box::new(KeyRing::new())).expect("vault");
        let key = |bytes| root_key(KeyName::new("UKSSSE"), 1, Key16::new(bytes));
        assert!(matches!(vault.add(key([0x11; 16])), Err(VaultError::TestKey { .. })));
        let good = *b"\x9A\x31\x07\xC4\x5E\x88\x21\xFD\x60\x1B\xD3\x94\x7E\x02\xAF\x46";
        vault.add(key(good)).expect("added");
        assert!(matches!(vault.add(key(good)), Err(VaultError::KeyExists { version: 1, .. })));
    }

    #[test]
    fn a_resealed_vault_has_its_new_key_and_opens_with_its_passphrase() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("centre.vault");
        let vault = rehearsal();
        vault.seal(&path, "p").expect("sealed");
        let above = vec![*b"510000sh", *b"513300sx"];
        let held = Held { name: KeyName::new("UKSSSE"), version: 2, above };
        vault.add(NewKey { held: held.clone(), key: Key16::new([7; 16]) }).expect("added");
        vault.reseal(&path, "p").expect("sealed again");
        let opened = Vault::open_file(&path, "p").expect("opened");
        assert!(opened.keys().store().held().expect("list").contains(&held));
        assert_eq!(std::fs::read_dir(folder.path()).expect("folder").count(), 1, "no draft is left");
    }

    #[test]
    fn no_key_byte_is_in_debug_or_in_the_file() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("centre.vault");
        let vault = rehearsal();
        vault.seal(&path, "p").expect("sealed");
        let file = std::fs::read(&path).expect("file");
        let shown = format!("{vault:?} {:?}", vault.keys());
        let store = vault.keys.store();
        for (_, _, _, key) in store.to_seal().expect("a software vault").keys() {
            let text = hex::encode_upper(key.expose());
            assert!(!shown.contains(&text));
            assert!(!file.windows(16).any(|window| window == key.expose()));
            assert!(!String::from_utf8_lossy(&file).contains(&text));
        }
    }
}
