//! The own keys of one card (from a rehearsal key file) as a security module.
//!
//! Owns: which keys are already the card's own, so that factors lead nowhere further. Never: shows a key; is used with a card
//! whose key file is not marked REHEARSAL (`key_file` refuses it).

use std::collections::BTreeSet;

use card_core::crypto::{Block, Block16};
use card_core::key::Key16;
use card_core::security::keyring::KeyRing;
use card_core::security::{KeyName, KeyRef, MacKey, SecurityError, SecurityModule, WrappedKey};

use crate::approach::KeyVersions;
use crate::key_file::{GivenKeys, KeyFileError};
use crate::profile::{CardKind, KeyClass, Profile};

/// Keys of one card. A key of a PSAM is a step above the cards that it serves: its factors count; every other key is the
/// card's own.
#[derive(Debug)]
pub struct OwnKeys {
    ring: KeyRing,
    above: BTreeSet<KeyName>,
    held: BTreeSet<KeyName>,
    versions: KeyVersions,
}

impl OwnKeys {
    /// The keys that a key file gives a card of this profile.
    ///
    /// # Errors
    /// [`KeyFileError`] when a row does not fit the profile.
    pub fn of(keys: &GivenKeys, profile: &Profile, card_factor: Block) -> Result<Self, KeyFileError> {
        let (mut ring, mut above, mut versions) = (KeyRing::new(), BTreeSet::new(), KeyVersions::default());
        let mut held = BTreeSet::new();
        for slot in keys.slots(profile, card_factor)? {
            let whole: Vec<u8> = slot.bytes.iter().copied().cycle().take(16).collect();
            let Ok(bytes) = whole.try_into() else { continue };
            ring.insert(slot.name.clone(), slot.version, Key16::new(bytes));
            versions = versions.with(slot.name.clone(), slot.version);
            held.insert(slot.name.clone());
            let class = profile.key.get(slot.index).map(|row| row.class);
            if profile.kind == CardKind::Psam && class != Some(KeyClass::Mk) {
                above.insert(slot.name);
            }
        }
        Ok(Self { ring, above, held, versions })
    }

    /// Whether the file gives this key.
    #[must_use]
    pub fn has(&self, name: &KeyName) -> bool {
        self.held.contains(name)
    }

    /// Takes a key of another file under another name, to put it on the card in the place of the one held; `None` when that
    /// file does not give it.
    ///
    /// # Errors
    /// [`KeyFileError`] when a row of that file does not fit the profile.
    pub fn take(
        &mut self,
        name: &KeyName,
        other: &GivenKeys,
        profile: &Profile,
        card_factor: Block,
    ) -> Result<Option<KeyName>, KeyFileError> {
        let slots = other.slots(profile, card_factor)?;
        let found = slots.into_iter().find(|slot| slot.name == *name);
        let Some(key) = found.and_then(|slot| slot.bytes.as_slice().try_into().ok()) else { return Ok(None) };
        let taken = KeyName::new(&format!("{name}-NEW"));
        self.ring.insert(taken.clone(), 1, Key16::new(key));
        Ok(Some(taken))
    }

    /// Versions of the keys, as the file says.
    #[must_use]
    pub const fn versions(&self) -> &KeyVersions {
        &self.versions
    }

    fn own(&self, key: &KeyRef) -> KeyRef {
        let path = if self.above.contains(&key.name) { key.path.clone() } else { Vec::new() };
        KeyRef { path, ..key.clone() }
    }
}

impl SecurityModule for OwnKeys {
    fn authentication_cryptogram(&mut self, key: &KeyRef, factor: Block, data: Block) -> Result<Block, SecurityError> {
        let key = self.own(key);
        self.ring.authentication_cryptogram(&key, factor, data)
    }

    fn mac(&mut self, key: &KeyRef, kind: MacKey, iv: Block, message: &[u8]) -> Result<[u8; 4], SecurityError> {
        let key = self.own(key);
        self.ring.mac(&key, kind, iv, message)
    }

    fn encipher(&mut self, key: &KeyRef, factor: Block, blocks: &[u8]) -> Result<Vec<u8>, SecurityError> {
        let key = self.own(key);
        self.ring.encipher(&key, factor, blocks)
    }

    fn encipher_block(&mut self, key: &KeyRef, block: Block16) -> Result<Block16, SecurityError> {
        let key = self.own(key);
        self.ring.encipher_block(&key, block)
    }

    fn wrap(
        &mut self,
        key: &KeyRef,
        protecting: &KeyRef,
        command: [u8; 5],
        header: [u8; 3],
        iv: Block,
    ) -> Result<WrappedKey, SecurityError> {
        let (key, protecting) = (self.own(key), self.own(protecting));
        self.ring.wrap(&key, &protecting, command, header, iv)
    }

    fn encipher_message(&mut self, key: &KeyRef, data: &[u8]) -> Result<Vec<u8>, SecurityError> {
        let key = self.own(key);
        self.ring.encipher_message(&key, data)
    }

    fn check_value(&mut self, key: &KeyRef) -> Result<[u8; 3], SecurityError> {
        let key = self.own(key);
        self.ring.check_value(&key)
    }
}

#[cfg(test)]
mod tests {
    use card_core::security::{CityCode, Factors};

    use super::*;
    use crate::builtin;

    const CARD: Block = [0x86, 0x60, 0x51, 0x33, 0, 0, 0, 7];

    fn file() -> GivenKeys {
        let text = "mark = \"REHEARSAL\"\n[[key]]\nclass = \"DPK\"\nversion = 2\nvalue = \"00112233445566778899AABBCCDDEEFF\"\n\
            [[key]]\nclass = \"MK\"\nvalue = \"00112233445566778899AABBCCDDEEFF\"\n";
        GivenKeys::parse(text).expect("a key file")
    }

    fn value(profile: &str, name: &str, path: bool) -> [u8; 3] {
        let profile = builtin(profile).expect("built in");
        let mut keys = OwnKeys::of(&file(), &profile, CARD).expect("fits");
        let is_meant =
            |row: &&crate::profile::KeyRow| row.name == KeyName::new(name) && row.version.is_none_or(|of| of == 2);
        let row = profile.key.iter().find(is_meant).expect("a key");
        let factors = Factors::of(CityCode::parse("513300").expect("six digits"), CARD);
        let mut key = profile.key_of_card(row, keys.versions().of(&row.name), &factors);
        if !path {
            key.path.clear();
        }
        keys.check_value(&key).expect("held")
    }

    #[test]
    fn factors_count_for_the_keys_that_a_psam_has_above_its_cards_and_for_no_others() {
        let plain = [0xFB, 0x09, 0x75];
        assert_eq!(value("ssc-3.0", "DPK", true), plain);
        assert_eq!(value("psam", "MKPSAM", true), plain);
        assert_eq!(value("psam", "DPK", false), plain);
        assert_ne!(value("psam", "DPK", true), plain);
    }
}
