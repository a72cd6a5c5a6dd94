//! A PKCS#11 token as key store: an HSM of any maker, SoftHSM in tests.
//!
//! Source: PKCS #11 v2.40 (C_CreateObject, C_Encrypt, C_WrapKey); mechanism CKM_DES3_ECB.
//! Owns: the session, the objects and their attributes, what leaves the token.
//! Never: lets an upper key out: keys are sensitive, not extractable unless the configuration says so at their import, and
//! may encrypt only. What comes out is one card's key, made by one encryption in the token; formulas for that card then work
//! in this process and wipe it. Keys of the city are imported, not those above them: one step leads to a card.

use std::path::PathBuf;

use card_core::algorithm::Algorithm;
use card_core::crypto::{Block, CardKey, KeyForm};
use card_core::key::Key16;
use card_core::security::keyring::{CardKeys, KeyRing};
use card_core::security::{CityCode, Factors, KeyName, KeyRef, SecurityError};
use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error as ModuleError, RvError};
use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::{Session, UserType};
use cryptoki::types::AuthPin;
use serde::Deserialize;
use zeroize::Zeroizing;

use super::VaultError;
use super::key_store::{Held, KeyStore, NewKey};
use card_profiles::rehearsal::TRANSPORT_KEY_NAME;

/// `[pkcs11]` of `centre.toml`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenConfig {
    /// The maker's library.
    pub module: PathBuf,
    /// Label of the token.
    pub token: String,
    /// Whether keys imported from now on may be exported wrapped.
    #[serde(default)]
    pub extractable: bool,
}

/// Mark of our objects in their CKA_ID.
const ID_MARK: &str = "issuer1";

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
    keys: Vec<(Held, ObjectHandle)>,
}

impl Token {
    /// Loads the module, finds the token by its label, logs in.
    ///
    /// # Errors
    /// [`VaultError::ModuleNotLoaded`], [`VaultError::TokenNotFound`], [`VaultError::PinRefused`], [`VaultError::PinLocked`].
    pub fn open(config: &TokenConfig, city: CityCode, pin: Zeroizing<String>) -> Result<Self, VaultError> {
        let not_loaded = |source| VaultError::ModuleNotLoaded { path: config.module.clone(), source: Box::new(source) };
        let module = Pkcs11::new(&config.module).map_err(not_loaded)?;
        match module.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)) {
            Ok(()) | Err(ModuleError::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => {}
            // The library is there; the device behind it is not.
            Err(error) => return Err(gone(error).into()),
        }
        let mut token = Self { module, config: config.clone(), city, pin, open: None };
        token.open = Some(token.connect()?);
        Ok(token)
    }

    fn connect(&self) -> Result<Open, VaultError> {
        let session = self.session(false)?;
        let keys = list(&session).map_err(gone)?;
        Ok(Open { session, keys })
    }

    fn session(&self, writes: bool) -> Result<Session, VaultError> {
        let slots = self.module.get_slots_with_token().map_err(gone)?;
        let found = slots.into_iter().find(|slot| {
            self.module.get_token_info(*slot).is_ok_and(|info| info.label().trim_end() == self.config.token)
        });
        let slot = found.ok_or_else(|| VaultError::TokenNotFound { token: self.config.token.clone() })?;
        let opened = if writes { self.module.open_rw_session(slot) } else { self.module.open_ro_session(slot) };
        let session = opened.map_err(gone)?;
        let pin = AuthPin::from(self.pin.as_str());
        match session.login(UserType::User, Some(&pin)) {
            Ok(()) | Err(ModuleError::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => Ok(session),
            Err(ModuleError::Pkcs11(RvError::PinIncorrect | RvError::PinLenRange | RvError::PinInvalid, _)) => {
                Err(VaultError::PinRefused)
            }
            Err(ModuleError::Pkcs11(RvError::PinLocked, _)) => Err(VaultError::PinLocked),
            Err(error) => Err(gone(error).into()),
        }
    }

    /// Works in the open session, or in a new one when the last one was lost. A failure ends the session.
    fn with<T>(&mut self, work: impl FnOnce(&Open) -> Result<T, SecurityError>) -> Result<T, SecurityError> {
        let open = match self.open.take() {
            Some(open) => open,
            None => self.connect().map_err(|error| match error {
                VaultError::Security(error) => error,
                other => SecurityError::Gone(Box::new(other)),
            })?,
        };
        let outcome = work(&open);
        if !matches!(outcome, Err(SecurityError::Gone(_))) {
            self.open = Some(open);
        }
        outcome
    }
}

impl Open {
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
                return Err(SecurityError::StaysInside { name: key.name.clone() });
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
        let NewKey { held, key } = key.lowered(self.city);
        if self.held()?.iter().any(|known| known.name == held.name && known.version == held.version) {
            return Err(VaultError::KeyExists { name: held.name, version: held.version });
        }
        let session = self.session(true)?;
        let template = template(&held, &key, self.config.extractable);
        let handle = session.create_object(&template).map_err(gone)?;
        // A handle is good in every session of this process.
        if let Some(open) = &mut self.open {
            open.keys.push((held, handle));
        }
        Ok(())
    }

    fn export(&mut self, key: &Held, under: &Held) -> Result<Vec<u8>, SecurityError> {
        self.with(|open| {
            let (_, handle) = open.find(&key.reference())?;
            let (_, wrapping) = open.find(&under.reference())?;
            let wrapped = open.session.wrap_key(&Mechanism::Des3Cbc([0; 8]), wrapping, handle);
            wrapped.map_err(|error| match error {
                ModuleError::Pkcs11(RvError::KeyUnextractable | RvError::KeyNotWrappable, _) => {
                    SecurityError::StaysInside { name: key.name.clone() }
                }
                ModuleError::Pkcs11(RvError::MechanismInvalid, _) => {
                    SecurityError::Unsupported { operation: "wrap a key with 3DES-CBC" }
                }
                error => gone(error),
            })
        })
    }

    fn self_test(&mut self) -> Result<(), VaultError> {
        let session = self.session(false)?;
        let published = Key16::new(*b"\x00\x11\x22\x33\x44\x55\x66\x77\x88\x99\xAA\xBB\xCC\xDD\xEE\xFF");
        let held = Held { name: KeyName::new("SELF-TEST"), version: 1, above: Vec::new() };
        let template: Vec<Attribute> = template(&held, &published, false)
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
        Ok(removed.map_err(gone)?)
    }

    fn look_again(&mut self) {
        self.open = None;
    }

    fn to_seal(&self) -> Option<&KeyRing> {
        None
    }
}

impl NewKey {
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

fn template(held: &Held, key: &Key16, extractable: bool) -> Vec<Attribute> {
    let wraps = super::is_export_key(&held.name);
    vec![
        Attribute::Class(ObjectClass::SECRET_KEY),
        Attribute::KeyType(KeyType::DES2),
        Attribute::Token(true),
        Attribute::Private(true),
        Attribute::Sensitive(true),
        Attribute::Extractable(extractable && !wraps),
        Attribute::Encrypt(true),
        Attribute::Decrypt(false),
        Attribute::Sign(false),
        Attribute::Verify(false),
        Attribute::Wrap(wraps),
        Attribute::Unwrap(false),
        Attribute::Derive(false),
        Attribute::Modifiable(false),
        Attribute::Label(label(held).into_bytes()),
        Attribute::Id(id(held).into_bytes()),
        Attribute::Value(key.expose().to_vec()),
    ]
}

/// `UKSSSE v1 513300sx`, for people.
fn label(held: &Held) -> String {
    let level = held.above.last().map(|factor| String::from_utf8_lossy(factor).into_owned()).unwrap_or_default();
    format!("{} v{} {level}", held.name, held.version).trim_end().to_owned()
}

/// `issuer1:UKSSSE:1:FACTOR.FACTOR`, for this program.
fn id(held: &Held) -> String {
    let above: Vec<String> = held.above.iter().map(hex::encode_upper).collect();
    format!("{ID_MARK}:{}:{}:{}", held.name, held.version, above.join("."))
}

fn parse_id(id: &[u8]) -> Option<Held> {
    let text = std::str::from_utf8(id).ok()?;
    let mut parts = text.split(':');
    let (mark, name, version, above) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    if mark != ID_MARK || name.is_empty() || parts.next().is_some() {
        return None;
    }
    let factors = above.split('.').filter(|factor| !factor.is_empty());
    let above = factors.map(|factor| hex::decode(factor).ok()?.try_into().ok()).collect::<Option<Vec<Block>>>()?;
    Some(Held { name: KeyName::new(name), version: version.parse().ok()?, above })
}

fn list(session: &Session) -> Result<Vec<(Held, ObjectHandle)>, ModuleError> {
    let ours = [Attribute::Class(ObjectClass::SECRET_KEY), Attribute::KeyType(KeyType::DES2), Attribute::Token(true)];
    let mut keys = Vec::new();
    for handle in session.find_objects(&ours)? {
        for attribute in session.get_attributes(handle, &[AttributeType::Id])? {
            if let Attribute::Id(id) = attribute
                && let Some(held) = parse_id(&id)
            {
                keys.push((held, handle));
            }
        }
    }
    Ok(keys)
}

fn gone(error: ModuleError) -> SecurityError {
    SecurityError::Gone(Box::new(error))
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Token").field("config", &self.config).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_id_says_name_version_and_level_and_others_are_left_alone() {
        let factors = Factors::of(CityCode::parse("513300").expect("digits"), [0; 8]);
        let name = KeyName::new("UKSSSE");
        for above in [vec![], vec![factors.province], vec![factors.province, factors.city]] {
            let held = Held { name: name.clone(), version: 3, above };
            assert_eq!(parse_id(id(&held).as_bytes()), Some(held));
        }
        for foreign in
            ["", "key", "issuer1:UKSSSE:1", "issuer1::1:", "issuer1:A:300:", "issuer1:A:1:00", "issuer1:A:1::"]
        {
            assert_eq!(parse_id(foreign.as_bytes()), None, "{foreign:?}");
        }
    }
}
