//! A PKCS#11 token as key store: an HSM of any maker, SoftHSM in tests.
//!
//! Source: PKCS #11 v2.40 (C_CreateObject, C_Encrypt, C_WrapKey); mechanism CKM_DES3_ECB.
//! Owns: the session, the objects and their attributes, what leaves the token.
//! Never: lets an upper key out: keys are sensitive, not extractable unless the configuration says so at their import, and
//! may encrypt only. What comes out is one card's key, made by one encryption in the token; formulas for that card then work
//! in this process and wipe it. Keys of the city are imported, not those above them, unless PSAMs are made: one step leads to a card.

mod leaving;
mod objects;
pub mod wrapping;

use std::path::PathBuf;
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use card_core::algorithm::Algorithm;
use card_core::crypto::{Block, CardKey, KeyForm};
use card_core::key::Key16;
use card_core::security::keyring::{CardKeys, KeyRing};
use card_core::security::{CityCode, Factors, KeyName, KeyRef, SecurityError};
use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error as ModuleError, RvError};
use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, ObjectHandle};
use cryptoki::session::{Session, UserType};
use cryptoki::slot::Slot;
use cryptoki::types::AuthPin;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use self::objects::{Mark, list, template};
use self::wrapping::Way;
use super::VaultError;
use super::key_store::{Held, KeyStore, NewKey, Wrapped};
use super::name::algorithm_of;
use card_profiles::rehearsal::TRANSPORT_KEY_NAME;

/// `[pkcs11]` of `centre.toml`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenConfig {
    /// The maker's library.
    pub module: PathBuf,
    /// Label of the token.
    pub token: String,
    /// Whether keys imported from now on may be exported wrapped.
    #[serde(default)]
    pub extractable: bool,
    /// Whether the keys that PSAMs get, which stand above those of the city, are brought in too from now on. They are wrappable.
    #[serde(default)]
    pub psam_keys: bool,
    /// Label of the key in the token under which keys go out, when it is not the EXPORT key of a ceremony.
    #[serde(default)]
    pub export_key: Option<String>,
    /// Ways to wrap, in the order in which they are tried.
    #[serde(default = "Way::usual")]
    pub wrap: Vec<Way>,
}

impl TokenConfig {
    /// A token from which no key leaves.
    #[must_use]
    pub fn new(module: PathBuf, token: String) -> Self {
        Self { module, token, extractable: false, psam_keys: false, export_key: None, wrap: Way::usual() }
    }
}

/// A token, logged in.
pub struct Token {
    module: Pkcs11,
    config: TokenConfig,
    city: CityCode,
    pin: Zeroizing<String>,
    open: Option<Open>,
}

/// A session and the keys found in it.
struct Open {
    session: Session,
    slot: Slot,
    /// How often the library had been begun anew.
    generation: u64,
    keys: Vec<(Held, ObjectHandle)>,
    /// Keys above those of the city, for PSAMs.
    upper: Vec<(Held, ObjectHandle)>,
}

impl Token {
    /// Loads the module, finds the token by its label, logs in.
    ///
    /// # Errors
    /// [`VaultError::ModuleNotLoaded`], [`VaultError::TokenNotFound`], [`VaultError::PinRefused`], [`VaultError::PinLocked`].
    pub fn open(config: &TokenConfig, city: CityCode, pin: Zeroizing<String>) -> Result<Self, VaultError> {
        let not_loaded = |source| VaultError::ModuleNotLoaded { path: config.module.clone(), source: Box::new(source) };
        let module = Pkcs11::new(&config.module).map_err(not_loaded)?;
        // The library is there; the device behind it may not be.
        initialize(&module)?;
        let mut token = Self { module, config: config.clone(), city, pin, open: None };
        token.open = Some(token.connect()?);
        Ok(token)
    }

    fn connect(&mut self) -> Result<Open, VaultError> {
        let (session, slot, generation) = self.session(false)?;
        let mut found = list(&session).map_err(gone)?;
        let upper =
            found.extract_if(.., |(mark, ..)| *mark == Mark::Psam).map(|(_, held, handle)| (held, handle)).collect();
        let keys = found.into_iter().map(|(_, held, handle)| (held, handle)).collect();
        Ok(Open { session, slot, generation, keys, upper })
    }

    /// A session. A library that does not find the token, or does not answer, is begun anew once: many look for tokens only then.
    fn session(&mut self, writes: bool) -> Result<(Session, Slot, u64), VaultError> {
        match self.session_as_it_is(writes) {
            Err(VaultError::TokenNotFound { .. } | VaultError::Security(SecurityError::Gone(_))) => {
                self.open = None;
                let mut generation = GENERATION.write().unwrap_or_else(PoisonError::into_inner);
                *generation += 1;
                // Its failure is that of who comes next.
                let _ = self.module.clone().finalize();
                initialize(&self.module)?;
                drop(generation);
                self.session_as_it_is(writes)
            }
            other => other,
        }
    }

    fn session_as_it_is(&self, writes: bool) -> Result<(Session, Slot, u64), VaultError> {
        let generation = read_generation();
        let slots = self.module.get_slots_with_token().map_err(gone)?;
        let found = slots.into_iter().find(|slot| {
            self.module.get_token_info(*slot).is_ok_and(|info| info.label().trim_end() == self.config.token)
        });
        let slot = found.ok_or_else(|| VaultError::TokenNotFound { token: self.config.token.clone() })?;
        let opened = if writes { self.module.open_rw_session(slot) } else { self.module.open_ro_session(slot) };
        let session = opened.map_err(gone)?;
        let pin = AuthPin::from(self.pin.as_str());
        match session.login(UserType::User, Some(&pin)) {
            Ok(()) | Err(ModuleError::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => Ok((session, slot, *generation)),
            Err(ModuleError::Pkcs11(RvError::PinIncorrect | RvError::PinLenRange | RvError::PinInvalid, _)) => {
                Err(VaultError::PinRefused)
            }
            Err(ModuleError::Pkcs11(RvError::PinLocked, _)) => Err(VaultError::PinLocked),
            Err(error) => Err(gone(error).into()),
        }
    }

    /// Makes an object; one that is there from an attempt that was cut short stays.
    fn create(&mut self, mark: Mark, held: Held, key: &Key16) -> Result<(), VaultError> {
        let known = |open: &Open| Ok(open.of(mark).iter().any(|(known, _)| *known == held));
        if self.with(known)? {
            return Ok(());
        }
        let (session, ..) = self.session(true)?;
        let template = template(mark, &held, key, self.config.extractable);
        let handle = session.create_object(&template).map_err(gone)?;
        // A handle is good in every session of this process.
        if let Some(open) = &mut self.open {
            match mark {
                Mark::City => open.keys.push((held, handle)),
                Mark::Psam => open.upper.push((held, handle)),
            }
        }
        Ok(())
    }

    /// Works in the open session, or in a new one when the last one was lost. A failure ends the session.
    fn with<T>(&mut self, work: impl FnOnce(&Open) -> Result<T, SecurityError>) -> Result<T, SecurityError> {
        let gone = |error| match error {
            VaultError::Security(error) => error,
            other => SecurityError::Gone(Box::new(other)),
        };
        let generation = read_generation();
        let (open, _generation) = match self.open.take() {
            Some(open) if open.generation == *generation => (open, generation),
            of_before => {
                drop(generation);
                // Its number may be that of a new session by now: it is not closed.
                of_before.into_iter().for_each(std::mem::forget);
                (self.connect().map_err(gone)?, read_generation())
            }
        };
        let outcome = work(&open);
        if !matches!(outcome, Err(SecurityError::Gone(_))) {
            self.open = Some(open);
        }
        outcome
    }
}

/// How often this process has begun the library anew: sessions and objects of before are worth nothing. Who works holds it.
static GENERATION: RwLock<u64> = RwLock::new(0);

fn read_generation() -> RwLockReadGuard<'static, u64> {
    GENERATION.read().unwrap_or_else(PoisonError::into_inner)
}

fn initialize(module: &Pkcs11) -> Result<(), SecurityError> {
    match module.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)) {
        Ok(()) | Err(ModuleError::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => Ok(()),
        Err(error) => Err(gone(error)),
    }
}

impl Open {
    const fn of(&self, mark: Mark) -> &Vec<(Held, ObjectHandle)> {
        match mark {
            Mark::City => &self.keys,
            Mark::Psam => &self.upper,
        }
    }

    fn find(&self, key: &KeyRef) -> Result<(&Held, ObjectHandle), SecurityError> {
        let found = self.keys.iter().find(|(held, _)| held.name == key.name && held.version == key.version);
        let (held, handle) =
            found.ok_or_else(|| SecurityError::KeyNotFound { name: key.name.clone(), version: key.version })?;
        Ok((held, *handle))
    }

    fn encrypt(&self, handle: ObjectHandle, data: &[u8]) -> Result<Zeroizing<Vec<u8>>, SecurityError> {
        Ok(Zeroizing::new(self.session.encrypt(&Mechanism::Des3Ecb, handle, data).map_err(gone)?))
    }
}

impl CardKeys for Token {
    fn card_key(&mut self, key: &KeyRef) -> Result<CardKey, SecurityError> {
        if key.form.rules.algorithm != Algorithm::Tdes {
            return Err(SecurityError::Unsupported { operation: "derive SM4 keys" });
        }
        self.with(|open| {
            let (held, handle) = open.find(key)?;
            if held.above.starts_with(&key.path) {
                return open.upper_key(key);
            }
            // More than one step would bring a key of a province or a city into this process.
            let &[factor] = key.below(&held.above)? else {
                return Err(SecurityError::StaysInside { name: key.name.clone() });
            };
            let both = open.encrypt(handle, &[factor, factor.map(|byte| !byte)].concat())?;
            let bytes = both.as_slice().try_into().map_err(|_| SecurityError::Unsupported { operation: "encrypt" })?;
            Ok(CardKey::new(Key16::new(bytes), key.form))
        })
    }

    fn key_check_value(&mut self, key: &KeyRef) -> Result<[u8; 3], SecurityError> {
        let inside = self.with(|open| {
            let (held, handle) = open.find(key)?;
            if held.above != key.path {
                return Ok(None);
            }
            let block = open.encrypt(handle, &[0; 8])?;
            block.first_chunk().copied().map(Some).ok_or(SecurityError::Unsupported { operation: "encrypt" })
        })?;
        match inside {
            Some(value) => Ok(value),
            None => Ok(self.card_key(key)?.check_value()),
        }
    }
}

impl KeyStore for Token {
    fn held(&mut self) -> Result<Vec<Held>, SecurityError> {
        self.with(|open| {
            let mut held: Vec<Held> = open.keys.iter().map(|(held, _)| held.clone()).collect();
            held.sort_by(|left, right| (&left.name, left.version).cmp(&(&right.name, right.version)));
            Ok(held)
        })
    }

    fn add(&mut self, key: NewKey) -> Result<(), VaultError> {
        if algorithm_of(&key.held.name) != Algorithm::Tdes {
            return Err(VaultError::TokenWithoutSm4);
        }
        let upper = (self.config.psam_keys && key.is_for_psams(self.city)).then(|| key.clone());
        let NewKey { held, key } = key.lowered(self.city);
        if self.held()?.iter().any(|known| known.name == held.name && known.version == held.version) {
            return Err(VaultError::KeyExists { name: held.name, version: held.version });
        }
        if let Some(upper) = upper {
            self.create(Mark::Psam, upper.held, &upper.key)?;
        }
        self.create(Mark::City, held, &key)
    }

    fn remove(&mut self, held: &Held) -> Result<bool, VaultError> {
        let same = |known: &Held| known.name == held.name && known.version == held.version;
        let found: Vec<ObjectHandle> = self.with(|open| {
            let both = open.keys.iter().chain(&open.upper);
            Ok(both.filter(|(known, _)| same(known)).map(|(_, handle)| *handle).collect())
        })?;
        if found.is_empty() {
            return Ok(true);
        }
        // A handle is good in every session of this process.
        let (session, ..) = self.session(true)?;
        let (mut destroyed, mut stays) = (Vec::new(), false);
        for handle in found {
            match session.destroy_object(handle) {
                Ok(()) => destroyed.push(handle),
                Err(error) if lets_none_go(&error) => stays = true,
                Err(error) => return Err(gone(error).into()),
            }
        }
        if let Some(open) = &mut self.open {
            open.keys.retain(|(_, handle)| !destroyed.contains(handle));
            open.upper.retain(|(_, handle)| !destroyed.contains(handle));
        }
        Ok(!stays)
    }

    fn export(&mut self, key: &Held, under: Option<&Held>) -> Result<Wrapped, VaultError> {
        let (module, config) = (self.module.clone(), self.config.clone());
        self.with(|open| open.wrapped(&module, &config, (key, under)))?
    }

    fn self_test(&mut self) -> Result<(), VaultError> {
        let (session, ..) = self.session(false)?;
        let published = Key16::new(*b"\x00\x11\x22\x33\x44\x55\x66\x77\x88\x99\xAA\xBB\xCC\xDD\xEE\xFF");
        let held = Held { name: KeyName::new("SELF-TEST"), version: 1, above: Vec::new() };
        let template: Vec<Attribute> = template(Mark::City, &held, &published, false)
            .into_iter()
            .map(|attribute| if attribute == Attribute::Token(true) { Attribute::Token(false) } else { attribute })
            .collect();
        let handle = session.create_object(&template).map_err(gone)?;
        let factor: Block = *b"\x11\x22\x33\x44\x55\x66\x77\x88";
        let both = session.encrypt(&Mechanism::Des3Ecb, handle, &[factor, factor.map(|byte| !byte)].concat());
        let removed = session.destroy_object(handle);
        let expected = *b"\x49\x6B\xD7\xA3\x51\x36\x44\x53\x31\x00\xB5\x4E\x71\x19\x65\x28";
        if both.map_err(gone)? != expected {
            return Err(VaultError::SelfTest { test: "diversification in the module" });
        }
        // An object of a session goes with it: a module that destroys none works all the same.
        match removed {
            Err(error) if !lets_none_go(&error) => Err(gone(error).into()),
            _ => Ok(()),
        }
    }

    fn look_again(&mut self) {
        self.open = None;
    }

    fn to_seal(&self) -> Option<&KeyRing> {
        None
    }
}

impl NewKey {
    /// Whether PSAMs get it, or one between it and the city's.
    fn is_for_psams(&self, city: CityCode) -> bool {
        let factors = Factors::of(city, [0; 8]);
        let psam = card_profiles::builtin::builtin("psam").expect("built in");
        let named = psam.key.iter().any(|row| row.name == self.held.name);
        let is_above = self.held.above.is_empty() || self.held.above == [factors.province];
        named && is_above && self.held.name.as_str() != TRANSPORT_KEY_NAME
    }

    /// The city's key made of one above it; a transport key has no levels.
    #[must_use]
    pub fn lowered(self, city: CityCode) -> Self {
        let Self { held: Held { name, version, above }, key } = self;
        let factors = Factors::of(city, [0; 8]);
        let own = [factors.province, factors.city];
        match own.strip_prefix(above.as_slice()) {
            Some(steps) if name.as_str() != TRANSPORT_KEY_NAME && !super::is_export_key(&name) => {
                let lowered = CardKey::derived(&key, steps, KeyForm::TDES);
                let bytes = lowered.expose().try_into().expect("a key of 16 bytes stays one");
                Self { held: Held { name, version, above: own.to_vec() }, key: Key16::new(bytes) }
            }
            _ => Self { held: Held { name, version, above }, key },
        }
    }
}

/// Whether the module says that this object is not destroyed here: not the object, not by this user, or none at all.
fn lets_none_go(error: &ModuleError) -> bool {
    matches!(
        error,
        ModuleError::Pkcs11(
            RvError::ActionProhibited
                | RvError::FunctionNotSupported
                | RvError::FunctionRejected
                | RvError::TokenWriteProtected,
            _
        )
    )
}

fn gone(error: ModuleError) -> SecurityError {
    SecurityError::Gone(Box::new(error))
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Token").field("config", &self.config).finish_non_exhaustive()
    }
}
