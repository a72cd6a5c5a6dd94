//! How a key leaves a token: wrapped for another module, or into a PSAM.
//!
//! Source: PKCS #11 v2.40 (C_WrapKey, C_UnwrapKey, C_GetMechanismList).
//! Owns: which key wraps, which way is taken, the key of one session under which a PSAM's key comes into this process.
//! Never: lets out what was brought in to stay; asks for a way that the token does not report, unless its maker numbers it.

use card_core::crypto::CardKey;
use card_core::key::Key16;
use card_core::security::{KeyRef, SecurityError};
use cryptoki::context::Pkcs11;
use cryptoki::error::{Error as ModuleError, RvError};
use cryptoki::mechanism::{Mechanism, MechanismType};
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use zeroize::Zeroizing;

use super::wrapping::Way;
use super::{Open, TokenConfig, gone};
use crate::vault::VaultError;
use crate::vault::key_store::{Held, Wrapped, no_export_key};

/// The key under which others go out.
struct Under {
    name: String,
    handle: ObjectHandle,
    kind: KeyType,
    check_value: Option<[u8; 3]>,
}

/// What a module says when it cannot wrap this key in this way; another way may do.
const fn is_no_way(error: &RvError) -> bool {
    matches!(
        error,
        RvError::MechanismInvalid
            | RvError::MechanismParamInvalid
            | RvError::FunctionNotSupported
            | RvError::WrappingKeyTypeInconsistent
            | RvError::WrappingKeySizeRange
            | RvError::KeyTypeInconsistent
            | RvError::KeySizeRange
    )
}

impl Open {
    /// A key under the one that another module holds too (`under`, when the configuration names none), in the first way of the configuration that serves. Outside: what the token
    /// is asked again for when it is back; inside: what asking again does not mend.
    pub(super) fn wrapped(
        &self,
        module: &Pkcs11,
        config: &TokenConfig,
        (key, under): (&Held, Option<&Held>),
    ) -> Result<Result<Wrapped, VaultError>, SecurityError> {
        let (_, handle) = self.find(&key.reference())?;
        if !self.flag(handle, AttributeType::Extractable)? {
            return Err(SecurityError::StaysInside { name: key.name.clone() });
        }
        let under = match self.under(config, under)? {
            Ok(under) => under,
            Err(error) => return Ok(Err(error)),
        };
        let reported = self.wraps(module)?;
        for way in config.wrap.iter().filter(|way| way.may_serve(under.kind, &reported)) {
            match self.session.wrap_key(&way.mechanism(), under.handle, handle) {
                Ok(bytes) => {
                    let (way, under_check_value) = (way.to_string(), under.check_value);
                    return Ok(Ok(Wrapped { bytes, way, under: under.name, under_check_value }));
                }
                Err(ModuleError::Pkcs11(RvError::KeyUnextractable | RvError::KeyNotWrappable, _)) => {
                    return Err(SecurityError::StaysInside { name: key.name.clone() });
                }
                Err(ModuleError::Pkcs11(error, _)) if is_no_way(&error) => {}
                Err(error) => return Err(gone(error)),
            }
        }
        let listed = |names: Vec<String>| names.join(", ");
        Ok(Err(VaultError::NoWayToWrap {
            under: under.name,
            wanted: listed(config.wrap.iter().map(Way::to_string).collect()),
            reported: listed(reported.iter().map(MechanismType::to_string).collect()),
        }))
    }

    /// A key for a PSAM. It comes out of the token under a key of this session alone, and serves one load.
    pub(super) fn upper_key(&self, key: &KeyRef) -> Result<CardKey, SecurityError> {
        let stays = || SecurityError::StaysInside { name: key.name.clone() };
        let mine =
            |held: &Held| held.name == key.name && held.version == key.version && key.path.starts_with(&held.above);
        let (held, handle) = self.upper.iter().find(|(held, _)| mine(held)).ok_or_else(stays)?;
        let bytes = match key.below(&held.above)? {
            [] => self.taken_out(*handle)?,
            [factor] => self.encrypt(*handle, &[*factor, factor.map(|byte| !byte)].concat())?,
            _ => return Err(stays()),
        };
        let bytes = bytes.as_slice().try_into().map_err(|_| SecurityError::Unsupported { operation: "wrap" })?;
        Ok(CardKey::new(Key16::new(bytes), key.form))
    }

    fn taken_out(&self, handle: ObjectHandle) -> Result<Zeroizing<Vec<u8>>, SecurityError> {
        let cannot = |error| match error {
            ModuleError::Pkcs11(error, _) if is_no_way(&error) => {
                SecurityError::Unsupported { operation: "wrap a key for a PSAM: AES key wrap is missing" }
            }
            error => gone(error),
        };
        let session = &self.session;
        let passing = session
            .generate_key(
                &Mechanism::AesKeyGen,
                &[
                    Attribute::Token(false),
                    Attribute::Private(true),
                    Attribute::Sensitive(true),
                    Attribute::Extractable(false),
                    Attribute::ValueLen(16.into()),
                    Attribute::Encrypt(false),
                    Attribute::Decrypt(false),
                    Attribute::Wrap(true),
                    Attribute::Unwrap(true),
                ],
            )
            .map_err(cannot)?;
        let open = [
            Attribute::Class(ObjectClass::SECRET_KEY),
            Attribute::KeyType(KeyType::DES2),
            Attribute::Token(false),
            Attribute::Private(true),
            Attribute::Sensitive(false),
            Attribute::Extractable(true),
        ];
        let wrapped = session.wrap_key(&Mechanism::AesKeyWrap, passing, handle);
        let copy = wrapped.and_then(|wrapped| session.unwrap_key(&Mechanism::AesKeyWrap, passing, &wrapped, &open));
        let value = copy.and_then(|copy| {
            let value = session.get_attributes(copy, &[AttributeType::Value]);
            session.destroy_object(copy).and(value)
        });
        session.destroy_object(passing).map_err(gone)?;
        let found = value.map_err(cannot)?.into_iter().find_map(|attribute| match attribute {
            Attribute::Value(bytes) => Some(Zeroizing::new(bytes)),
            _ => None,
        });
        found.ok_or(SecurityError::Unsupported { operation: "show a key of this session" })
    }

    /// The key that the configuration names, or else the one given.
    fn under(&self, config: &TokenConfig, given: Option<&Held>) -> Result<Result<Under, VaultError>, SecurityError> {
        let Some(label) = &config.export_key else {
            let (held, handle) = self.find(&given.ok_or_else(no_export_key)?.reference())?;
            let kind = KeyType::DES2;
            let check_value = self.zeros(handle, kind)?;
            return Ok(Ok(Under { name: held.name.to_string(), handle, kind, check_value }));
        };
        let labelled = [Attribute::Class(ObjectClass::SECRET_KEY), Attribute::Label(label.clone().into_bytes())];
        let found = self.session.find_objects(&labelled).map_err(gone)?;
        let &[handle] = found.as_slice() else {
            return Ok(Err(VaultError::ExportKey { label: label.clone(), found: found.len() }));
        };
        let kind = self.session.get_attributes(handle, &[AttributeType::KeyType]).map_err(gone)?;
        let kind = kind.into_iter().find_map(|attribute| match attribute {
            Attribute::KeyType(kind) => Some(kind),
            _ => None,
        });
        let kind = kind.ok_or(SecurityError::Unsupported { operation: "say what kind of key one is" })?;
        Ok(Ok(Under { name: label.clone(), handle, kind, check_value: self.zeros(handle, kind)? }))
    }

    /// First 3 bytes of a block of zeros under a key; none when the key may not encrypt, or is of a kind not known here.
    fn zeros(&self, handle: ObjectHandle, kind: KeyType) -> Result<Option<[u8; 3]>, SecurityError> {
        let (mechanism, block) = match kind {
            KeyType::AES => (Mechanism::AesEcb, 16),
            KeyType::DES2 | KeyType::DES3 => (Mechanism::Des3Ecb, 8),
            _ => return Ok(None),
        };
        if !self.flag(handle, AttributeType::Encrypt)? {
            return Ok(None);
        }
        let block = self.session.encrypt(&mechanism, handle, &vec![0; block]).map_err(gone)?;
        Ok(block.first_chunk().copied())
    }

    fn flag(&self, handle: ObjectHandle, which: AttributeType) -> Result<bool, SecurityError> {
        let found = self.session.get_attributes(handle, &[which]).map_err(gone)?;
        Ok(found.iter().any(|attribute| matches!(attribute, Attribute::Extractable(true) | Attribute::Encrypt(true))))
    }

    /// Mechanisms with which the token says that it wraps.
    fn wraps(&self, module: &Pkcs11) -> Result<Vec<MechanismType>, SecurityError> {
        let all = module.get_mechanism_list(self.slot).map_err(gone)?;
        let wraps = |kind: &MechanismType| module.get_mechanism_info(self.slot, *kind).is_ok_and(|info| info.wrap());
        Ok(all.into_iter().filter(wraps).collect())
    }
}
