//! Keys in this process's memory: the engine inside the software vault, and of tests.
//!
//! Owns: the map from name and version to key; the formulas for whatever can give a card's key ([`CardKeys`]).
//! Never: stores or reads a file, shows a key.

use std::collections::BTreeMap;

use super::{KeyName, KeyRef, MacKey, SecurityError, SecurityModule, WrappedKey};
use crate::crypto::{Block, Block16, CardKey};
use crate::key::Key16;

/// Something that can give the key of one card to formulas inside its own boundary; that makes it a [`SecurityModule`].
pub trait CardKeys: Send {
    /// The key at the end of the path.
    ///
    /// # Errors
    /// [`SecurityError`].
    fn card_key(&mut self, key: &KeyRef) -> Result<CardKey, SecurityError>;

    /// Key check value, where the key at the end of the path cannot be had but used.
    ///
    /// # Errors
    /// [`SecurityError`].
    fn key_check_value(&mut self, key: &KeyRef) -> Result<[u8; 3], SecurityError> {
        Ok(self.card_key(key)?.check_value())
    }
}

/// Keys by name and version.
#[derive(Default)]
pub struct KeyRing {
    keys: BTreeMap<(KeyName, u8), Held>,
}

/// A key, and the factors that led to it from the national root key: none, province, or province and city.
struct Held {
    above: Vec<Block>,
    key: Key16,
}

impl KeyRing {
    /// An empty ring.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds or replaces a root key.
    pub fn insert(&mut self, name: KeyName, version: u8, key: Key16) {
        self.insert_below(name, version, Vec::new(), key);
    }

    /// Adds or replaces a key of a province or a city: `above` are the factors that led to it.
    pub fn insert_below(&mut self, name: KeyName, version: u8, above: Vec<Block>, key: Key16) {
        self.keys.insert((name, version), Held { above, key });
    }

    /// Names and versions held, in order.
    pub fn names(&self) -> impl Iterator<Item = (&KeyName, u8)> {
        self.keys.keys().map(|(name, version)| (name, *version))
    }

    /// Keys held, in order of name and version: name, version, factors above, key. For the vault that seals them.
    pub fn keys(&self) -> impl Iterator<Item = (&KeyName, u8, &[Block], &Key16)> {
        self.keys.iter().map(|((name, version), held)| (name, *version, held.above.as_slice(), &held.key))
    }
}

impl CardKeys for KeyRing {
    fn card_key(&mut self, key: &KeyRef) -> Result<CardKey, SecurityError> {
        let held = self
            .keys
            .get(&(key.name.clone(), key.version))
            .ok_or_else(|| SecurityError::KeyNotFound { name: key.name.clone(), version: key.version })?;
        let below = key.below(&held.above)?;
        Ok(CardKey::derived(&held.key, below, key.form))
    }
}

impl<T: CardKeys> SecurityModule for T {
    fn authentication_cryptogram(&mut self, key: &KeyRef, factor: Block, data: Block) -> Result<Block, SecurityError> {
        Ok(self.card_key(key)?.authentication_cryptogram(factor, data))
    }

    fn mac(&mut self, key: &KeyRef, kind: MacKey, iv: Block, message: &[u8]) -> Result<[u8; 4], SecurityError> {
        let key = self.card_key(key)?;
        Ok(match kind {
            MacKey::Whole => key.mac(iv, message),
            MacKey::Message(factor) => key.authentication_session(factor).mac(iv, message),
            MacKey::Session(seed) => key.transaction_session(seed).mac(iv, message),
            MacKey::Tac => key.tac(message),
        })
    }

    fn encipher(&mut self, key: &KeyRef, factor: Block, blocks: &[u8]) -> Result<Vec<u8>, SecurityError> {
        let session = self.card_key(key)?.authentication_session(factor);
        if !blocks.len().is_multiple_of(session.block()) {
            return Err(SecurityError::Unsupported { operation: "encipher part of a block" });
        }
        Ok(session.encipher(blocks))
    }

    fn wrap(
        &mut self,
        key: &KeyRef,
        protecting: &KeyRef,
        command: [u8; 5],
        header: [u8; 3],
        iv: Block,
    ) -> Result<WrappedKey, SecurityError> {
        let (key, protecting) = (self.card_key(key)?, self.card_key(protecting)?);
        let plain = zeroize::Zeroizing::new([&header[..], key.expose()].concat());
        let enciphered = protecting.encipher(&plain);
        let mac = protecting.mac(iv, &[&command[..], &enciphered].concat());
        Ok(WrappedKey { enciphered, mac })
    }

    fn encipher_block(&mut self, key: &KeyRef, block: Block16) -> Result<Block16, SecurityError> {
        let key = self.card_key(key)?;
        let out = key.encipher_block(block);
        out.ok_or(SecurityError::Unsupported { operation: "encipher a block of 16 bytes with this key" })
    }

    fn encipher_message(&mut self, key: &KeyRef, data: &[u8]) -> Result<Vec<u8>, SecurityError> {
        Ok(self.card_key(key)?.encipher(data))
    }

    fn check_value(&mut self, key: &KeyRef) -> Result<[u8; 3], SecurityError> {
        self.key_check_value(key)
    }
}

impl std::fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.keys.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::algorithm::{AlgorithmRules, Cryptogram, Filling, MacBytes, TacKey};
    use crate::crypto::KeyForm;

    fn ring(form: KeyForm, path: &[Block]) -> (KeyRing, KeyRef) {
        let (mut ring, name) = (KeyRing::new(), KeyName::new("STKSSSE"));
        ring.insert(name.clone(), 1, Key16::new(*b"0123456789abcdef"));
        (ring, KeyRef { name, version: 1, path: path.to_vec(), form })
    }

    #[test]
    fn a_key_of_8_bytes_works_with_its_left_half_only() {
        let (mut ring, short) = ring(KeyForm::DES, &[[7; 8]]);
        let whole = KeyRef { form: KeyForm::TDES, ..short.clone() };
        let diversified = crate::crypto::diversify(&Key16::new(*b"0123456789abcdef"), [7; 8]);
        let session = crate::crypto::session_key(&Key16::from_half(&diversified.left()), [1; 8]);
        let expected = crate::crypto::mac_des(&session, [0; 8], b"message");
        assert_eq!(ring.mac(&short, MacKey::Message([1; 8]), [0; 8], b"message").expect("MAC"), expected);
        assert_ne!(ring.mac(&whole, MacKey::Message([1; 8]), [0; 8], b"message").expect("MAC"), expected);
    }

    #[test]
    fn a_city_key_serves_its_own_city_only_and_gives_what_the_root_key_gives() {
        let (mut root, card) = ring(KeyForm::TDES, &[[1; 8], [2; 8], [3; 8]]);
        let expected = root.check_value(&card).expect("value");
        let above = vec![[1; 8], [2; 8]];
        let city = KeyRef { path: above.clone(), ..card.clone() };
        let mut held = KeyRing::new();
        let key = Key16::new(root.card_key(&city).expect("key").expose().try_into().expect("16 bytes"));
        held.insert_below(card.name.clone(), 1, above, key);
        assert_eq!(held.check_value(&card).expect("value"), expected);
        for path in [vec![[1; 8]], vec![[1; 8], [9; 8], [3; 8]], Vec::new()] {
            let other = KeyRef { path, ..card.clone() };
            assert!(matches!(held.check_value(&other), Err(SecurityError::LevelTooLow { .. })), "{other:?}");
        }
    }

    #[test]
    fn a_key_of_8_bytes_is_wrapped_as_8_bytes() {
        for (form, blocks) in [(KeyForm::DES, 2), (KeyForm::TDES, 3)] {
            let (mut ring, key) = ring(form, &[]);
            let protecting = KeyRef { form: KeyForm::TDES, ..key.clone() };
            let wrapped = ring.wrap(&key, &protecting, [0; 5], [0; 3], [0; 8]).expect("wrapped");
            assert_eq!(wrapped.enciphered.len(), 8 * blocks, "{form:?}");
        }
    }

    #[test]
    fn an_sm4_load_has_the_length_of_the_published_one() {
        let (mut ring, key) = ring(KeyForm::SM4, &[]);
        let wrapped = ring.wrap(&key, &key.clone(), [0x84, 0xD4, 0x01, 0x00, 0x24], [0; 3], [0; 8]).expect("wrapped");
        assert_eq!(wrapped.enciphered.len() + wrapped.mac.len(), 0x24);
    }

    #[test]
    fn the_choices_of_the_rules_change_exactly_what_they_name() {
        let (mut ring, key) = ring(KeyForm::SM4, &[[7; 8]]);
        let mut outputs = |rules: AlgorithmRules| {
            let key = KeyRef { form: KeyForm { rules, ..key.form }, ..key.clone() };
            let mut mac = |kind| ring.mac(&key, kind, [0; 8], b"message").expect("MAC");
            let (message, session) = (mac(MacKey::Message([1; 8])), mac(MacKey::Session([1; 8])));
            let (tac, whole) = (mac(MacKey::Tac), mac(MacKey::Whole));
            let cryptogram = ring.authentication_cryptogram(&key, [1; 8], [2; 8]).expect("cryptogram");
            (cryptogram, message, session, tac, whole)
        };
        let rules = AlgorithmRules::SM4;
        let usual = outputs(rules);
        let differ = |other: (Block, [u8; 4], [u8; 4], [u8; 4], [u8; 4])| {
            [other.0 != usual.0, other.1 != usual.1, other.2 != usual.2, other.3 != usual.3, other.4 != usual.4]
        };
        for (changed, expected) in [
            (rules, [false; 5]),
            (AlgorithmRules { key_version_byte: None, ..rules }, [false; 5]),
            (
                AlgorithmRules { authentication_filling: Filling::Complement, ..rules },
                [true, true, false, false, false],
            ),
            (AlgorithmRules { transaction_filling: Filling::Zeros, ..rules }, [false, false, true, false, false]),
            (AlgorithmRules { cryptogram: Cryptogram::Left, ..rules }, [true, false, false, false, false]),
            (AlgorithmRules { message_mac: MacBytes::Folded, ..rules }, [false, true, false, false, true]),
            (AlgorithmRules { transaction_mac: MacBytes::Folded, ..rules }, [false, false, true, true, false]),
            (AlgorithmRules { tac_key: TacKey::Folded, ..rules }, [false, false, false, true, false]),
        ] {
            assert_eq!(differ(outputs(changed)), expected, "{changed:?}");
        }
    }
}
