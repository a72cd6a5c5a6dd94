//! Names of keys in a vault: that of the profile's key row, and behind it the algorithm where that is not 3DES.
//!
//! ```text
//! UKSSSE          key of 3DES cards
//! UKSSSE-SM4      key of SM4 cards
//! TRANSPORT-SM4   transport key of SM4 cards, by lot
//! ```
//!
//! Source: ours (docs/adr/0074). Owns: the ending, what it says of a key. Never: holds a key.

use std::borrow::Cow;

use card_core::algorithm::Algorithm;
use card_core::crypto::{CardKey, KeyForm};
use card_core::key::Key16;
use card_core::security::{KeyName, KeyRef, SecurityError};
use card_profiles::rehearsal::TRANSPORT_KEY_NAME;

/// Ending of the names of SM4 keys.
const SM4: &str = "-SM4";

/// The name under which a key of the cards of this algorithm is held.
#[must_use]
pub fn held_name(name: &KeyName, algorithm: Algorithm) -> KeyName {
    match algorithm {
        Algorithm::Sm4 if algorithm_of(name) == Algorithm::Tdes => KeyName::new(&format!("{name}{SM4}")),
        Algorithm::Sm4 | Algorithm::Tdes => name.clone(),
    }
}

/// The algorithm of the key that is held under a name.
#[must_use]
pub fn algorithm_of(name: &KeyName) -> Algorithm {
    if name.as_str().ends_with(SM4) { Algorithm::Sm4 } else { Algorithm::Tdes }
}

/// Whether a held key is the transport key of a factory's lot.
#[must_use]
pub fn is_transport_key(name: &KeyName) -> bool {
    name.as_str().strip_suffix(SM4).unwrap_or(name.as_str()) == TRANSPORT_KEY_NAME
}

/// How a held key computes its check value and those of the keys below it.
pub(super) fn form_of(name: &KeyName) -> KeyForm {
    match algorithm_of(name) {
        Algorithm::Tdes => KeyForm::TDES,
        Algorithm::Sm4 => KeyForm::SM4,
    }
}

/// Check value of a key that will be held under this name: the first 3 bytes of a block of zeros under its algorithm.
#[must_use]
pub fn check_value(name: &KeyName, key: &Key16) -> [u8; 3] {
    CardKey::new(key.clone(), form_of(name)).check_value()
}

/// What a caller asks for, who names keys as profiles do, by the name under which it is held.
///
/// # Errors
/// [`SecurityError::KeyNotFound`] for the key of one algorithm that is asked to compute by another: one key, one algorithm.
pub(super) fn as_held(key: &KeyRef) -> Result<Cow<'_, KeyRef>, SecurityError> {
    match key.form.rules.algorithm {
        Algorithm::Tdes if algorithm_of(&key.name) != Algorithm::Tdes => {
            Err(SecurityError::KeyNotFound { name: key.name.clone(), version: key.version })
        }
        Algorithm::Tdes => Ok(Cow::Borrowed(key)),
        Algorithm::Sm4 => Ok(Cow::Owned(KeyRef { name: held_name(&key.name, Algorithm::Sm4), ..key.clone() })),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_its_algorithm_and_is_given_its_ending_once() {
        let plain = KeyName::new("DPK");
        let sm4 = held_name(&plain, Algorithm::Sm4);
        assert_eq!((sm4.as_str(), held_name(&plain, Algorithm::Tdes)), ("DPK-SM4", plain));
        assert_eq!((algorithm_of(&sm4), held_name(&sm4, Algorithm::Sm4)), (Algorithm::Sm4, sm4.clone()));
        assert!(is_transport_key(&KeyName::new("TRANSPORT-SM4")) && is_transport_key(&KeyName::new("TRANSPORT")));
        assert!(!is_transport_key(&sm4));
        // One key, one algorithm: nobody computes 3DES with the key of SM4 cards.
        let asked = |name: &KeyName, form| {
            let key = KeyRef { name: name.clone(), version: 1, path: Vec::new(), form };
            as_held(&key).map(|held| held.name.clone())
        };
        assert!(matches!(asked(&sm4, KeyForm::TDES), Err(SecurityError::KeyNotFound { .. })));
        assert_eq!(asked(&KeyName::new("DPK"), KeyForm::SM4).ok(), Some(sm4.clone()));
        let key = Key16::new(*b"a key to compare");
        assert_ne!(check_value(&sm4, &key), check_value(&KeyName::new("DPK"), &key));
    }
}
