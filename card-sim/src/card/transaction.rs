//! What every transaction of a card has, the account's and a purse's: begun by INITIALIZE, completed once, proved afterwards.
//!
//! Source: PBOC state machine; COS manual on atomicity and on what an answer carries.
//! Owns: the transaction between its two halves; the next number, its keys and MACs, the stored proof.
//! Never: changes anything persistent at INITIALIZE; lets a transaction number roll over.
//! Units: amounts in fen, unsigned 32 bits.

use card_core::StatusWord;
use card_core::crypto::{CardKey, SessionKey};
use card_profiles::account::{DebitDate, Field, MacFields, load_seed, purchase_seed};
use card_profiles::identity::{is_bcd_date, is_bcd_time};

use super::{Answer, Card, Stop, same};
use crate::model::{Model, PROOF_BYTES};

/// Between INITIALIZE and its second half: in volatile memory only.
pub(super) struct Open {
    pub(super) step: Step,
    /// Where the money lies that it moves: the account, or one of the purses.
    pub(super) address: usize,
    pub(super) key: CardKey,
    pub(super) random: [u8; 4],
    pub(super) fields: MacFields,
    /// Records that a composite purchase brings with it.
    pub(super) cache: Vec<(usize, Vec<u8>)>,
}

/// What INITIALIZE began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Load,
    Debit,
    Composite,
    Unload,
    Overdraw,
}

impl Open {
    /// The session key: of a debit only once the terminal's number is known.
    pub(super) fn session(&self) -> SessionKey {
        let (random, fields) = (self.random, &self.fields);
        self.key.transaction_session(match self.step {
            Step::Load | Step::Unload | Step::Overdraw => load_seed(random, fields.card_sequence),
            Step::Debit | Step::Composite => purchase_seed(random, fields.card_sequence, fields.terminal_sequence),
        })
    }

    /// A MAC over these fields.
    pub(super) fn mac(&self, session: &SessionKey, rows: &[Field]) -> [u8; 4] {
        session.mac([0; 8], &self.fields.input(rows))
    }

    /// The session key, when the MAC that was sent is right.
    pub(super) fn checked(&self, rows: &[Field], mac: [u8; 4]) -> Result<SessionKey, Stop> {
        let session = self.session();
        if same(&self.mac(&session, rows), &mac) { Ok(session) } else { Err(StatusWord::MAC_WRONG.into()) }
    }

    /// Key version, algorithm and random, as every INITIALIZE answers them.
    pub(super) fn announce(&self, model: &Model, version: u8, out: &mut Vec<u8>) {
        out.extend([version, model.algorithm_byte]);
        out.extend(self.random);
    }
}

impl Card {
    /// The applet of a financial command, when its DF is the current one. Any such command ends a transaction that was open.
    pub(super) fn financial<'m, A>(&mut self, applet: Option<&'m A>, df: impl Fn(&A) -> usize) -> Result<&'m A, Stop> {
        self.state.transaction = None;
        let applet = applet.ok_or(StatusWord::INS_UNKNOWN)?;
        if self.state.df == Some(df(applet)) { Ok(applet) } else { Err(StatusWord::CONDITIONS_OF_USE.into()) }
    }

    /// The key of a transaction and its version; the TAC key must be there too.
    pub(super) fn transaction_key(
        &self,
        model: &Model,
        [key, tac_key]: [usize; 2],
        is_index: bool,
    ) -> Result<(CardKey, u8), Stop> {
        let row = &model.keys[key];
        let state = self.key_state(row);
        if !is_index || !state.present || !self.key_state(&model.keys[tac_key]).present {
            return Err(StatusWord::KEY_INDEX.into());
        }
        Ok((self.key(row), state.version))
    }

    /// A transaction begun, with its random.
    pub(super) fn open(&mut self, step: Step, address: usize, key: CardKey, fields: MacFields) -> Result<Open, Stop> {
        Ok(Open { step, address, key, random: self.random()?, fields, cache: Vec::new() })
    }

    /// The next transaction number. FFFF is never used, so that the counter cannot roll over.
    pub(super) fn next_number(&self, address: usize) -> Result<u16, Stop> {
        match self.number_at(address) {
            u16::MAX => Err(StatusWord::COUNTER_MAX.into()),
            number => Ok(number),
        }
    }

    pub(super) fn number_at(&self, address: usize) -> u16 {
        u16::from_be_bytes(self.memory.array(address))
    }

    pub(super) fn amount_at(&self, address: usize) -> u32 {
        u32::from_be_bytes(self.memory.array(address))
    }

    fn random(&mut self) -> Result<[u8; 4], Stop> {
        let mut random = [0; 4];
        self.challenges.fill(&mut random).ok_or(StatusWord::CONDITIONS_OF_USE)?;
        Ok(random)
    }

    /// Answers the MAC and TAC of a stored proof, if it is of this number.
    pub(super) fn answer_proof(&self, address: usize, number: u16, out: &mut Vec<u8>) -> Result<Answer, Stop> {
        let [present] = self.memory.array(address);
        if present != 1 || self.number_at(address + 1) != number {
            return Err(StatusWord::MAC_NOT_AVAILABLE.into());
        }
        out.extend_from_slice(self.memory.read(address + 3, PROOF_BYTES - 3));
        Ok(Answer::Later)
    }
}

/// Day and time of day of a transaction, where the profile has them checked.
pub(super) fn dated(rule: DebitDate, [century, year, month, day, hour, minute, second]: [u8; 7]) -> Result<(), Stop> {
    let is_time = is_bcd_time([hour, minute, second]);
    match rule {
        DebitDate::Calendar | DebitDate::Checked if !is_time || !is_bcd_date([century, year, month, day]) => {
            Err(StatusWord::WRONG_DATA.into())
        }
        DebitDate::Calendar | DebitDate::Checked | DebitDate::Any => Ok(()),
    }
}

/// The bytes of a proof.
pub(super) fn proof(number: u16, mac: [u8; 4], tac: [u8; 4]) -> Vec<u8> {
    [&[1][..], &number.to_be_bytes(), &mac, &tac].concat()
}
