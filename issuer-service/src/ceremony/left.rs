//! Keys of a supplement that was given up and that a token did not let go: nobody can make others of their name and version there, so the
//! next supplement takes them over, out of the sealed state of the one that was given up.
//!
//! Owns: finding them, how long that state is kept. Never: takes over a key that the vault does not hold with the same check value.

use card_core::security::KeyName;

use super::{Ceremony, CeremonyError, Room};
use crate::store::StoreError;
use crate::vault::{HeldValue, NewKey};

impl Room<'_> {
    /// Those of these keys that the vault holds because a supplement left them. A state that does not open any more gives none: then that key
    /// is in the way.
    pub(super) fn left_behind(&mut self, lacking: &[(KeyName, u8)]) -> Result<Vec<NewKey>, CeremonyError> {
        let left = self.centre.store.read(|tx| tx.keys_left_by())?;
        if lacking.is_empty() || left.is_empty() {
            return Ok(Vec::new());
        }
        let held = self.vault.held_values()?;
        let mut keys = Vec::new();
        for (name, version) in lacking {
            let there = held.iter().find(|of| of.name == name.as_str() && of.version == *version);
            let by = there.and_then(|there| left.iter().find(|(_, key)| key == there));
            if let Some((number, _)) = by {
                let ceremony = self.found(*number)?;
                keys.extend(self.key_of(&ceremony, name, *version));
            }
        }
        Ok(keys)
    }

    fn key_of(&self, ceremony: &Ceremony, name: &KeyName, version: u8) -> Option<NewKey> {
        let secrets = self.kept(ceremony.number).ok()?;
        let keys = self.keys_of(ceremony, &secrets, &secrets.secret()?, vec![name.clone()], Vec::new()).ok()?;
        keys.into_iter().find(|key| key.held.name == *name && key.held.version == version)
    }

    /// The state of a supplement goes when all that it left is on record.
    pub(super) fn forget_left(&mut self) -> Result<(), CeremonyError> {
        let (left, recorded) = self
            .centre
            .store
            .read(|tx| -> Result<_, StoreError> { Ok((tx.keys_left_by()?, tx.recorded_check_values()?)) })?;
        let is_recorded = |key: &HeldValue| recorded.iter().any(|of| of.name == key.name && of.version == key.version);
        for (number, _) in &left {
            if left.iter().filter(|(by, _)| by == number).all(|(_, key)| is_recorded(key)) {
                self.forget(*number);
            }
        }
        Ok(())
    }
}
