//! The PIN (个人口令): VERIFY, CHANGE, UNBLOCK, RELOAD.
//!
//! Source: LD/T 32.5; secure messaging of UNBLOCK and RELOAD as published drivers compute it (STK, IV 0).
//! Owns: the PIN and its tries. Never: compares before the try is stored as spent; accepts an odd digit.

use card_core::StatusWord;
use card_core::crypto::SessionKey;
use card_profiles::profile::OtherDigits;

use super::{Answer, Card, Challenge, Stop, same};
use crate::inspection::PinInspection;
use crate::memory::Changes;
use crate::model::{Model, PIN_RIGHT, PinModel};

impl Card {
    pub(super) fn verify(&mut self, model: &Model, pin: &[u8]) -> Result<Answer, Stop> {
        let row = self.pin(model)?;
        // An FF tail is optional and ignored (PBOC).
        let given = pin.iter().rposition(|byte| *byte != 0xFF).map_or(&[][..], |last| &pin[..=last]);
        if row.other_digits == OtherDigits::Refused && !is_bcd(given) {
            return Err(StatusWord::WRONG_DATA.into());
        }
        self.check_pin(row, given)?;
        self.state.rights |= PIN_RIGHT;
        Ok(Answer::Done)
    }

    pub(super) fn change_pin(&mut self, model: &Model, data: &[u8]) -> Result<Answer, Stop> {
        let row = self.pin(model)?;
        // A PIN byte of BCD is never FF, so the first FF separates.
        let separator = data.iter().position(|byte| *byte == 0xFF).ok_or(StatusWord::WRONG_DATA)?;
        let (old, new) = (&data[..separator], &data[separator + 1..]);
        if !is_pin(row, old) || !is_pin(row, new) {
            return Err(StatusWord::WRONG_DATA.into());
        }
        let verified = self.state.rights & PIN_RIGHT;
        self.check_pin(row, old)?;
        self.replace_pin(row, new)?;
        self.state.rights |= verified;
        Ok(Answer::Done)
    }

    /// UNBLOCK: the tries come back, the PIN stays.
    pub(super) fn unblock_pin(
        &mut self,
        model: &Model,
        mac: [u8; 4],
        challenge: Option<Challenge>,
    ) -> Result<Answer, Stop> {
        let row = self.pin(model)?;
        self.secure_message(model, row, &[0x84, 0x24, 0x00, 0x00, 0x04], mac, challenge)?;
        self.restore_tries(row.address, row.tries)?;
        self.state.rights &= !PIN_RIGHT;
        Ok(Answer::Done)
    }

    /// RELOAD: a new PIN, enciphered, and all tries.
    pub(super) fn reload_pin(
        &mut self,
        model: &Model,
        enciphered: &[u8],
        mac: [u8; 4],
        challenge: Option<Challenge>,
    ) -> Result<Answer, Stop> {
        let row = self.pin(model)?;
        let lc = u8::try_from(enciphered.len() + mac.len()).expect("at most 20 bytes, checked at the door");
        let message = [&[0x84, 0x24, 0x00, 0x01, lc][..], enciphered].concat();
        let session = self.secure_message(model, row, &message, mac, challenge)?;
        let block = session.decipher(enciphered).ok_or(StatusWord::WRONG_LENGTH)?;
        let pin = pin_of_block(&block).filter(|pin| is_pin(row, pin));
        self.replace_pin(row, pin.ok_or(StatusWord::WRONG_DATA)?)?;
        self.state.rights &= !PIN_RIGHT;
        Ok(Answer::Done)
    }

    pub(crate) fn inspect_pin(&self, model: &Model) -> Option<PinInspection> {
        let row = model.pin.as_ref()?;
        let [tries_left, length] = self.memory.array(row.address);
        let stored = self.memory.read(row.address + 2, usize::from(length).min(row.bytes_max));
        Some(PinInspection { tries_left, initial: stored == row.initial })
    }

    fn pin<'m>(&self, model: &'m Model) -> Result<&'m PinModel, Stop> {
        self.state.df.ok_or(StatusWord::KEY_NOT_FOUND)?;
        Ok(model.pin.as_ref().ok_or(StatusWord::KEY_NOT_FOUND)?)
    }

    /// Spends a try and compares; a right PIN gives all of them back before anything else is written.
    fn check_pin(&mut self, row: &PinModel, pin: &[u8]) -> Result<(), Stop> {
        let [tries, length] = self.memory.array(row.address);
        if tries == 0 {
            return Err(StatusWord::BLOCKED.into());
        }
        self.state.rights &= !PIN_RIGHT;
        let left = self.spend_try(row.address)?;
        let stored = self.memory.read(row.address + 2, usize::from(length).min(row.bytes_max));
        if !same(stored, pin) {
            return Err(StatusWord::tries_left(left).into());
        }
        self.restore_tries(row.address, row.tries)
    }

    pub(super) fn replace_pin(&mut self, row: &PinModel, pin: &[u8]) -> Result<(), Stop> {
        let mut slot = vec![row.tries, u8::try_from(pin.len()).expect("checked by is_pin")];
        slot.extend_from_slice(pin);
        slot.resize(2 + row.bytes_max, 0);
        let mut changes = Changes::default();
        changes.set(row.address, &slot);
        self.commit(&changes)
    }

    /// Checks the MAC of an UNBLOCK or RELOAD; a right one gives STK its tries back at once. Answers the session key.
    fn secure_message(
        &mut self,
        model: &Model,
        row: &PinModel,
        message: &[u8],
        mac: [u8; 4],
        challenge: Option<Challenge>,
    ) -> Result<SessionKey, Stop> {
        let right = row.unblock.ok_or(StatusWord::KEY_NOT_FOUND)?;
        self.allow(self.state.rights & right != 0)?;
        let stk = &model.keys[row.maintenance_key.ok_or(StatusWord::KEY_NOT_FOUND)?];
        let state = self.key_state(stk);
        if !state.present {
            return Err(StatusWord::KEY_NOT_FOUND.into());
        }
        if state.tries == 0 {
            return Err(StatusWord::APPLICATION_LOCKED.into());
        }
        let random = challenge.ok_or(StatusWord::CHALLENGE_INVALID)?.block()?;
        self.spend_try(stk.address + 1)?;
        let session = self.key(stk).authentication_session(random);
        if !same(&session.mac([0; 8], message), &mac) {
            return Err(StatusWord::MAC_WRONG.into());
        }
        self.restore_tries(stk.address + 1, stk.tries)?;
        Ok(session)
    }
}

/// BCD digits, an odd count padded with F; within the lengths of the profile.
pub(super) fn is_pin(row: &PinModel, pin: &[u8]) -> bool {
    (row.bytes_min..=row.bytes_max).contains(&pin.len()) && is_bcd(pin)
}

/// BCD digits, an odd count padded with F.
pub(super) fn is_bcd(bytes: &[u8]) -> bool {
    let Some((last, whole)) = bytes.split_last() else { return false };
    let digit = |nibble: u8| nibble <= 9;
    whole.iter().all(|byte| digit(byte >> 4) && digit(byte & 0x0F))
        && digit(last >> 4)
        && (digit(last & 0x0F) || last & 0x0F == 0x0F)
}

/// Count of BCD bytes, BCD, `80 00…`.
pub(super) fn pin_of_block(block: &[u8]) -> Option<&[u8]> {
    let (count, rest) = block.split_first()?;
    let pin = rest.get(..usize::from(*count))?;
    let padding = rest.get(usize::from(*count)..)?;
    let padded = match padding.split_first() {
        Some((0x80, zeros)) => zeros.iter().all(|byte| *byte == 0),
        Some(_) => false,
        None => true,
    };
    padded.then_some(pin)
}
