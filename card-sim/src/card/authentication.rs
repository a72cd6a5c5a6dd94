//! Keys: challenge, external and internal authentication, and the tries of every secret.
//!
//! Source: LD/T 32.5; published driver sequences (session key `3DES(K, R)`, cryptogram `DES(SK, plain)`).
//! Owns: key slots and their counters; a try is spent and stored before anything is compared.
//! Never: lets a key out.

use card_core::StatusWord;
use card_core::command::Internal;
use card_core::crypto::{Block, CardKey};
use card_core::key::Key16;
use card_profiles::profile::{CardKind, KeyClass};

use super::{Answer, Card, Challenge, Stop, same};
use crate::memory::Changes;
use crate::model::{KeyModel, Model};

/// What `door` sees to, before it is asked which key is meant.
const WHOLE_BLOCKS: &str = "whole blocks alone pass the door";

/// A key slot as it stands.
#[derive(Clone, Copy)]
pub(crate) struct KeyState {
    pub(crate) present: bool,
    pub(crate) tries: u8,
    pub(crate) version: u8,
}

impl Card {
    pub(super) fn get_challenge(&mut self, le: usize, out: &mut Vec<u8>) -> Result<Answer, Stop> {
        let mut bytes = [0; 16];
        let slot = bytes.get_mut(..le).ok_or(StatusWord::WRONG_LENGTH)?;
        self.challenges.fill(slot).ok_or(StatusWord::CONDITIONS_OF_USE)?;
        out.extend_from_slice(slot);
        self.state.challenge = Some(Challenge { bytes, length: le });
        Ok(Answer::Now)
    }

    /// Key ids below 80 are those of the first DF, the others those of the current one.
    pub(super) fn external_authenticate(
        &mut self,
        model: &Model,
        id: u8,
        [auth, plain]: [Block; 2],
        version: Option<u8>,
        challenge: Option<Challenge>,
    ) -> Result<Answer, Stop> {
        let current = self.state.df.ok_or(StatusWord::KEY_NOT_FOUND)?;
        if let Some(application) = model.certificate.as_ref().filter(|application| application.df == current) {
            let fits = id == application.rules.commands.authenticate.p2 && version.is_none();
            return match fits {
                true => self.authenticate_master_key(model, application, [auth, plain], challenge),
                false => Err(StatusWord::KEY_NOT_FOUND.into()),
            };
        }
        let df = if id < 0x80 { 0 } else { current };
        // What a PSAM derives from, it has for its cards: only its own control keys let a terminal in.
        let serves = |class: KeyClass| match model.kind {
            CardKind::User => class.authenticates_externally(model.rules.authentication),
            CardKind::Psam => class == KeyClass::Mk,
        };
        let fits = |key: &KeyModel| key.df == df && key.id == id && serves(key.class);
        let index = model.keys.iter().position(fits).ok_or(StatusWord::KEY_NOT_FOUND)?;
        let row = &model.keys[index];
        self.ready(row, version)?;
        let random = challenge.ok_or(StatusWord::CHALLENGE_INVALID)?.block()?;
        self.judge(index, row, &self.key(row).authentication_cryptogram(random, plain), &auth)
    }

    /// EXTERNAL AUTHENTICATION of a purse: a key of the current DF enciphered the challenge, 8 bytes of it or 4 and zeros.
    pub(super) fn prove_key(
        &mut self,
        model: &Model,
        id: u8,
        auth: Block,
        challenge: Option<Challenge>,
    ) -> Result<Answer, Stop> {
        let df = self.state.df.ok_or(StatusWord::KEY_NOT_FOUND)?;
        let serves = |class: KeyClass| class.authenticates_externally(model.rules.authentication);
        let fits = |key: &KeyModel| key.df == df && key.id == id && serves(key.class);
        let index = model.keys.iter().position(fits).ok_or(StatusWord::KEY_NOT_FOUND)?;
        let row = &model.keys[index];
        self.ready(row, None)?;
        let random = challenge.and_then(Challenge::initial_value).ok_or(StatusWord::CHALLENGE_INVALID)?;
        self.judge(index, row, &self.key(row).authentication_cryptogram(random, random), &auth)
    }

    /// INTERNAL AUTHENTICATION of a purse: a key of the current DF enciphers, deciphers or makes a MAC.
    pub(super) fn use_key(
        &mut self,
        model: &Model,
        what: Internal,
        id: u8,
        data: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<Answer, Stop> {
        let df = self.state.df.ok_or(StatusWord::KEY_NOT_FOUND)?;
        let fits = |key: &&KeyModel| key.df == df && key.id == id && key.class.serves_internally() == Some(what);
        let row = model.keys.iter().find(fits).ok_or(StatusWord::KEY_NOT_FOUND)?;
        if !self.key_state(row).present {
            return Err(StatusWord::KEY_NOT_FOUND.into());
        }
        let key = self.key(row);
        match what {
            Internal::Encipher => out.extend(key.encipher_blocks(data).expect(WHOLE_BLOCKS)),
            Internal::Decipher => out.extend(key.decipher(data).expect(WHOLE_BLOCKS).iter()),
            Internal::Mac => out.extend(key.mac([0; 8], data)),
        }
        Ok(Answer::Later)
    }

    /// Whether a key is there, in this version, and not blocked.
    fn ready(&self, row: &KeyModel, version: Option<u8>) -> Result<(), Stop> {
        let state = self.key_state(row);
        if !state.present || version.is_some_and(|version| version != state.version) {
            return Err(StatusWord::KEY_NOT_FOUND.into());
        }
        if state.tries == 0 { Err(StatusWord::BLOCKED.into()) } else { Ok(()) }
    }

    /// Spends a try, compares, and gives the right or takes it away.
    fn judge(&mut self, index: usize, row: &KeyModel, right: &Block, sent: &Block) -> Result<Answer, Stop> {
        self.state.rights &= !KeyModel::right(index);
        let left = self.spend_try(row.address + 1)?;
        if !same(right, sent) {
            return Err(StatusWord::tries_left(left).into());
        }
        self.restore_tries(row.address + 1, row.tries)?;
        self.state.rights |= KeyModel::right(index);
        Ok(Answer::Done)
    }

    pub(super) fn internal_authenticate(
        &mut self,
        model: &Model,
        [factor, data]: [Block; 2],
        version: Option<u8>,
        out: &mut Vec<u8>,
    ) -> Result<Answer, Stop> {
        self.state.df.ok_or(StatusWord::KEY_NOT_FOUND)?;
        let irk = model.key_of(0, KeyClass::Irk).ok_or(StatusWord::KEY_NOT_FOUND)?;
        let row = &model.keys[irk];
        let state = self.key_state(row);
        if !state.present || version.is_some_and(|version| version != state.version) {
            return Err(StatusWord::KEY_NOT_FOUND.into());
        }
        out.extend(self.key(row).authentication_cryptogram(factor, data));
        Ok(Answer::Later)
    }

    pub(crate) fn key_state(&self, row: &KeyModel) -> KeyState {
        let [present, tries, version] = self.memory.array(row.address);
        KeyState { present: present == 1, tries: tries.min(row.tries), version }
    }

    pub(super) fn key(&self, row: &KeyModel) -> CardKey {
        CardKey::new(Key16::new(self.memory.array(row.address + 4)), row.form)
    }

    /// Takes one try from the counter at `address`, for good unless it is restored; answers what is left.
    pub(super) fn spend_try(&mut self, address: usize) -> Result<u8, Stop> {
        let [tries] = self.memory.array::<1>(address);
        let left = tries.saturating_sub(1);
        self.restore_tries(address, left)?;
        Ok(left)
    }

    pub(super) fn restore_tries(&mut self, address: usize, tries: u8) -> Result<(), Stop> {
        let mut changes = Changes::default();
        changes.set(address, &[tries]);
        self.commit(&changes)
    }
}
