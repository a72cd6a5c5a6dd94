//! Loading a key: a command of the card's operating system, in the dialect of the profile.
//!
//! Source: published example (`84 D4 00 00 1C`); the meaning of its label as usage, id, version is assumed.
//! Owns: unwrapping under the control key of the current DF. Never: takes a key whose place the profile lacks.

use card_core::StatusWord;

use super::{Answer, Card, Challenge, Stop, same};
use crate::memory::Changes;
use crate::model::{KeyModel, Model};

impl Card {
    /// Before: GET CHALLENGE of the length that the profile names. Three wrong MACs block the control key.
    pub(super) fn load_key(
        &mut self,
        model: &Model,
        enciphered: &[u8],
        mac: [u8; 4],
        challenge: Option<Challenge>,
    ) -> Result<Answer, Stop> {
        let df = self.state.df.ok_or(StatusWord::KEY_NOT_FOUND)?;
        // The certificate application has a command of its own.
        if model.dfs[df].certificates {
            return Err(StatusWord::CONDITIONS_OF_USE.into());
        }
        let control = &model.keys[model.dfs[df].control_key];
        let state = self.key_state(control);
        if !state.present {
            return Err(StatusWord::KEY_NOT_FOUND.into());
        }
        if state.tries == 0 {
            return Err(StatusWord::BLOCKED.into());
        }
        let challenge = challenge.filter(|challenge| challenge.length == model.key_load_challenge);
        let iv = challenge.and_then(|challenge| challenge.bytes.first_chunk().copied());
        let iv = iv.ok_or(StatusWord::CHALLENGE_INVALID)?;
        self.spend_try(control.address + 1)?;
        let key = self.key(control);
        let lc = u8::try_from(enciphered.len() + mac.len()).expect("at most 36 bytes, checked at the door");
        let message = [&model.key_load[..], &[lc], enciphered].concat();
        if !same(&key.mac(iv, &message), &mac) {
            return Err(StatusWord::MAC_WRONG.into());
        }
        self.restore_tries(control.address + 1, control.tries)?;
        let plain = key.decipher(enciphered).ok_or(StatusWord::WRONG_LENGTH)?;
        let place = unwrap(&plain, model.rules.algorithm.block()).and_then(|(label, key)| place(model, df, label, key));
        let (index, version, key) = place?;
        let row = &model.keys[index];
        let mut slot = zeroize::Zeroizing::new(vec![1, row.tries, version, 0]);
        slot.extend_from_slice(key);
        let mut changes = Changes::default();
        changes.set(row.address, &slot);
        self.commit(&changes)?;
        self.state.rights &= !KeyModel::right(index);
        Ok(Answer::Done)
    }
}

/// LD, label, key, and padding `80 00…` where LD and data do not fill a block.
fn unwrap(plain: &[u8], block: usize) -> Result<([u8; 3], &[u8]), StatusWord> {
    let (ld, rest) = plain.split_first().ok_or(StatusWord::WRONG_DATA)?;
    let (data, padding) = rest.split_at_checked(usize::from(*ld)).ok_or(StatusWord::WRONG_DATA)?;
    let padded = match padding.split_first() {
        Some((0x80, zeros)) => zeros.len() + 1 < block && zeros.iter().all(|byte| *byte == 0),
        Some(_) => false,
        None => true,
    };
    let (label, key) = data.split_first_chunk::<3>().filter(|_| padded).ok_or(StatusWord::WRONG_DATA)?;
    Ok((*label, key))
}

/// The key's slot in this DF, its version and its bytes.
fn place<'k>(model: &Model, df: usize, label: [u8; 3], key: &'k [u8]) -> Result<(usize, u8, &'k [u8]), StatusWord> {
    let [usage, id, version] = label;
    let fits = |row: &KeyModel| row.df == df && row.usage == usage && row.id == id;
    let index = model.keys.iter().position(fits).ok_or(StatusWord::KEY_NOT_FOUND)?;
    if model.keys[index].form.length.bytes() == key.len() {
        Ok((index, version, key))
    } else {
        Err(StatusWord::WRONG_DATA)
    }
}
