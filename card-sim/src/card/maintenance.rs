//! Secure messaging: updates under MAC, blocking of applications and cards, the PIN of a purse.
//!
//! Source: COS manual (MAC over header and data, challenge as initial value); three wrong MACs lock for good (`9303`).
//! Owns: the MAC of each message, the tries of its key, what a block shuts. Never: acts before the MAC is right.

use card_core::StatusWord;

use super::{Answer, Card, Challenge, Stop, same};
use crate::door::{FileRef, Message, Request, Which};
use crate::memory::Changes;
use crate::model::{KeyModel, MacStart, Model, PIN_RIGHT, Rule, Structure};

/// Offsets in the blocks of a card; those of the DFs follow.
const CARD: usize = 0;
const DFS: usize = 2;
pub(super) const PSAM_FAILURES: usize = 1;

/// How far a DF is shut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Block {
    Open,
    Temporary,
    ForGood,
}

impl Block {
    const fn byte(self) -> u8 {
        match self {
            Self::Open => 0,
            Self::Temporary => 1,
            Self::ForGood => 2,
        }
    }
}

impl Card {
    /// After CARD BLOCK nothing is answered but `6A81`.
    pub(crate) fn is_card_blocked(&self, model: &Model) -> bool {
        self.memory.array(model.blocks + CARD) != [0_u8]
    }

    /// How far a DF is shut: by a command, or because the key that maintains the purse has no tries left.
    pub(crate) fn block_of(&self, model: &Model, df: usize) -> Block {
        let purse = model.purse.as_ref().filter(|purse| purse.df == df);
        let exhausted = purse.is_some_and(|purse| {
            let state = self.key_state(&model.keys[purse.keys.maintenance]);
            state.present && state.tries == 0
        });
        match self.memory.array(model.blocks + DFS + df) {
            [0] if !exhausted => Block::Open,
            [1] if !exhausted => Block::Temporary,
            [_] => Block::ForGood,
        }
    }

    /// What a blocked application refuses: everything but selection, a challenge, and the blocking commands themselves.
    pub(super) fn pass(&self, model: &Model, request: &Request<'_>) -> Result<(), Stop> {
        let Some(df) = self.state.df else { return Ok(()) };
        let passes = matches!(
            request,
            Request::SelectName(_)
                | Request::SelectFile { .. }
                | Request::GetChallenge { .. }
                | Request::BlockApplication { .. }
                | Request::UnblockApplication { .. }
                | Request::BlockCard { .. }
        );
        match self.block_of(model, df) {
            Block::Open => Ok(()),
            Block::Temporary | Block::ForGood if passes => Ok(()),
            Block::Temporary => Err(StatusWord::NOT_SUPPORTED.into()),
            Block::ForGood => Err(StatusWord::APPLICATION_LOCKED.into()),
        }
    }

    /// UPDATE BINARY under MAC.
    pub(super) fn update_binary_under_mac(
        &mut self,
        model: &Model,
        (file, offset): (FileRef, usize),
        message: Message<'_>,
        challenge: Option<Challenge>,
    ) -> Result<Answer, Stop> {
        let (index, ef) = self.find(model, file)?;
        if !matches!(ef.structure, Structure::Transparent) {
            return Err(StatusWord::FILE_STRUCTURE.into());
        }
        let Rule::Mac(key) = ef.update else { return Err(StatusWord::SECURE_MESSAGING_MISMATCH.into()) };
        let rest = ef.size.checked_sub(offset).filter(|rest| *rest > 0).ok_or(StatusWord::WRONG_OFFSET)?;
        if message.data.len() > rest {
            return Err(StatusWord::NO_SPACE.into());
        }
        let address = ef.address + offset;
        self.check_message(&model.keys[key], MacStart::Challenge, message, challenge)?;
        let mut changes = Changes::default();
        changes.set(address, message.data);
        self.commit(&changes)?;
        self.state.ef = Some(index);
        Ok(Answer::Done)
    }

    /// UPDATE RECORD under MAC.
    pub(super) fn update_record_under_mac(
        &mut self,
        model: &Model,
        (file, which): (FileRef, Which),
        message: Message<'_>,
        challenge: Option<Challenge>,
    ) -> Result<Answer, Stop> {
        let (index, ef) = self.find(model, file)?;
        let Structure::Tlv(_) = ef.structure else { return Err(StatusWord::FILE_STRUCTURE.into()) };
        let Rule::Mac(key) = ef.update else { return Err(StatusWord::SECURE_MESSAGING_MISMATCH.into()) };
        let (address, length) = self.record(ef, which)?.ok_or(StatusWord::RECORD_NOT_FOUND)?;
        if message.data.len() != length {
            return Err(StatusWord::WRONG_LENGTH.into());
        }
        self.check_message(&model.keys[key], MacStart::Challenge, message, challenge)?;
        if self.memory.read(address, 2) != &message.data[..2] {
            return Err(StatusWord::WRONG_DATA.into());
        }
        let mut changes = Changes::default();
        changes.set(address, message.data);
        self.commit(&changes)?;
        self.state.ef = Some(index);
        Ok(Answer::Done)
    }

    /// APPLICATION BLOCK of the current DF: temporary, or for good.
    pub(super) fn block_application(
        &mut self,
        model: &Model,
        for_good: bool,
        message: Message<'_>,
        challenge: Option<Challenge>,
    ) -> Result<Answer, Stop> {
        let (df, key) = self.locking_key(model)?;
        let wanted = if for_good { Block::ForGood } else { Block::Temporary };
        if self.block_of(model, df) == Block::ForGood {
            return Err(StatusWord::APPLICATION_LOCKED.into());
        }
        self.check_message(key, blocking_start(model), message, challenge)?;
        let mut changes = Changes::default();
        changes.set(model.blocks + DFS + df, &[wanted.byte()]);
        self.commit(&changes)?;
        self.state.transaction = None;
        Ok(Answer::Done)
    }

    /// APPLICATION UNBLOCK of the current DF, where it was blocked temporarily.
    pub(super) fn unblock_application(
        &mut self,
        model: &Model,
        message: Message<'_>,
        challenge: Option<Challenge>,
    ) -> Result<Answer, Stop> {
        let (df, key) = self.locking_key(model)?;
        match self.block_of(model, df) {
            Block::ForGood => return Err(StatusWord::APPLICATION_LOCKED.into()),
            Block::Open => return Err(StatusWord::CONDITIONS_OF_USE.into()),
            Block::Temporary => {}
        }
        self.check_message(key, blocking_start(model), message, challenge)?;
        let mut changes = Changes::default();
        changes.set(model.blocks + DFS + df, &[Block::Open.byte()]);
        self.commit(&changes)?;
        Ok(Answer::Done)
    }

    /// CARD BLOCK: for good.
    pub(super) fn block_card(
        &mut self,
        model: &Model,
        message: Message<'_>,
        challenge: Option<Challenge>,
    ) -> Result<Answer, Stop> {
        let df = self.state.df.ok_or(StatusWord::KEY_NOT_FOUND)?;
        let key = match model.purse.as_ref().filter(|purse| purse.df == df) {
            Some(purse) => Some(purse.keys.maintenance),
            None => model.key_of(0, card_profiles::profile::KeyClass::Bk),
        };
        let key = &model.keys[key.ok_or(StatusWord::KEY_NOT_FOUND)?];
        self.check_message(key, blocking_start(model), message, challenge)?;
        let mut changes = Changes::default();
        changes.set(model.blocks + CARD, &[1]);
        self.commit(&changes)?;
        Ok(Answer::Done)
    }

    /// PIN UNBLOCK of a purse: a new PIN, enciphered as `LD ‖ PIN`, and all tries; DPUK enciphers and authenticates.
    pub(super) fn purse_unblock_pin(
        &mut self,
        model: &Model,
        message: Message<'_>,
        challenge: Option<Challenge>,
    ) -> Result<Answer, Stop> {
        let (purse, pin) = self.purse_pin(model)?;
        let key = &model.keys[purse.keys.unblock_pin];
        self.check_message(key, MacStart::Challenge, message, challenge)?;
        let plain = self.key(key).decipher(message.data).ok_or(StatusWord::WRONG_LENGTH)?;
        let digits = super::pin::pin_of_block(&plain).filter(|digits| super::pin::is_pin(pin, digits));
        self.replace_pin(pin, digits.ok_or(StatusWord::WRONG_DATA)?)?;
        self.state.rights &= !PIN_RIGHT;
        Ok(Answer::Done)
    }

    /// RELOAD PIN of a purse: the new PIN in clear, authenticated as a TAC is made, by DRPK.
    pub(super) fn purse_reload_pin(&mut self, model: &Model, digits: &[u8], mac: [u8; 4]) -> Result<Answer, Stop> {
        let (purse, pin) = self.purse_pin(model)?;
        if !super::pin::is_pin(pin, digits) {
            return Err(StatusWord::WRONG_DATA.into());
        }
        let row = &model.keys[purse.keys.reload_pin];
        self.check_key(row)?;
        self.spend_try(row.address + 1)?;
        if !same(&self.key(row).tac(digits), &mac) {
            return Err(StatusWord::MAC_WRONG.into());
        }
        self.restore_tries(row.address + 1, row.tries)?;
        self.replace_pin(pin, digits)?;
        self.state.rights &= !PIN_RIGHT;
        Ok(Answer::Done)
    }

    fn purse_pin<'m>(
        &self,
        model: &'m Model,
    ) -> Result<(&'m crate::model::PurseModel, &'m crate::model::PinModel), Stop> {
        let purse = model.purse.as_ref().filter(|purse| self.state.df == Some(purse.df));
        let both = purse.zip(model.pin.as_ref());
        Ok(both.ok_or(StatusWord::KEY_NOT_FOUND)?)
    }

    /// The key that blocks the current DF: that of the purse, or its LK.
    fn locking_key<'m>(&self, model: &'m Model) -> Result<(usize, &'m KeyModel), Stop> {
        let df = self.state.df.ok_or(StatusWord::KEY_NOT_FOUND)?;
        let key = match model.purse.as_ref().filter(|purse| purse.df == df) {
            Some(purse) => Some(purse.keys.maintenance),
            None => model.key_of(df, card_profiles::profile::KeyClass::Lk),
        };
        Ok((df, &model.keys[key.ok_or(StatusWord::KEY_NOT_FOUND)?]))
    }

    fn check_key(&self, row: &KeyModel) -> Result<(), Stop> {
        let state = self.key_state(row);
        if !state.present {
            return Err(StatusWord::KEY_NOT_FOUND.into());
        }
        if state.tries == 0 { Err(StatusWord::APPLICATION_LOCKED.into()) } else { Ok(()) }
    }

    /// Checks a MAC over header and data. A right one gives the tries back at once, before anything else is written: power lost
    /// in what follows costs none, only power lost in the comparison does.
    pub(super) fn check_message(
        &mut self,
        row: &KeyModel,
        start: MacStart,
        message: Message<'_>,
        challenge: Option<Challenge>,
    ) -> Result<(), Stop> {
        self.check_key(row)?;
        let challenge = challenge.filter(|challenge| match start {
            MacStart::Challenge => true,
            MacStart::Session => challenge.length == 8,
        });
        let random = challenge.and_then(Challenge::initial_value).ok_or(StatusWord::CHALLENGE_INVALID)?;
        self.spend_try(row.address + 1)?;
        let bytes = [&message.header[..], message.data].concat();
        let key = self.key(row);
        let mac = match start {
            MacStart::Challenge => key.mac(random, &bytes),
            MacStart::Session => key.authentication_session(random).mac([0; 8], &bytes),
        };
        if !same(&mac, &message.mac) {
            return Err(StatusWord::MAC_WRONG.into());
        }
        self.restore_tries(row.address + 1, row.tries)
    }
}

fn blocking_start(model: &Model) -> MacStart {
    model.blocking.as_ref().map_or(MacStart::Challenge, |rows| rows.start)
}
