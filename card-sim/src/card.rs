//! A software card: bytes in, bytes out, as a card on T=0 does it; `block_protocol` has what differs on T=1.
//!
//! Source: LD/T 32.5 commands; ISO/IEC 7816-3 10.3 (61xx, 6Cxx, GET RESPONSE); COS manual for states and atomicity.
//! Owns: power, reset, faults that strike, the state that a reset forgets.
//! Never: forgives what a card would not; shows a key or PIN in `Debug`.

mod account;
mod age;
mod authentication;
mod block_protocol;
mod cache;
mod certificate;
mod dispatch;
mod files;
mod key_load;
mod maintenance;
mod pin;
mod psam;
mod purse;
mod select;
mod transaction;

use std::sync::Arc;
use std::time::Duration;

use card_core::apdu::Protocol;
use card_core::key::Key16;
use card_core::{Atr, StatusWord};
use card_profiles::Profile;

use crate::challenge::Challenges;
use crate::door::{self, Request};
use crate::fault::{FaultPlan, Moment, Strike};
use crate::image::FaultStore;
use crate::memory::{Changes, Memory, MemoryError};
use crate::model::{Environments, Model, ModelError};
use card_profiles::key_file::{GivenKeys, Slot};

pub(crate) use maintenance::Block;
pub(crate) use psam::Cipher;
pub(crate) use purse::Begin;

/// A card with or without power.
pub struct Card {
    environments: Environments,
    /// The environment that is current.
    model: Arc<Model>,
    atr: Vec<u8>,
    memory: Memory,
    state: State,
    challenges: Challenges,
    faults: FaultPlan,
    fault_store: Option<FaultStore>,
    late_ms: u64,
    protocol: Protocol,
    out: Vec<u8>,
}

/// What a reset forgets.
#[derive(Default)]
struct State {
    df: Option<usize>,
    ef: Option<usize>,
    rights: u128,
    challenge: Option<Challenge>,
    pending: Vec<u8>,
    transaction: Option<transaction::Open>,
    derived: Option<psam::Derived>,
    purchase: Option<psam::Purchase>,
    certificate: certificate::CertificateState,
}

/// A challenge given out, good for the next command.
#[derive(Clone, Copy)]
struct Challenge {
    bytes: [u8; 16],
    length: usize,
}

impl Challenge {
    /// A challenge of 8 bytes as one block.
    fn block(self) -> Result<[u8; 8], Stop> {
        match (self.length, self.bytes.first_chunk()) {
            (8, Some(block)) => Ok(*block),
            _ => Err(StatusWord::CHALLENGE_INVALID.into()),
        }
    }

    /// A challenge of 4 bytes completed with zeros, or of 8: where a MAC starts.
    fn initial_value(self) -> Option<[u8; 8]> {
        matches!(self.length, 4 | 8).then(|| self.bytes.first_chunk().copied()).flatten()
    }
}

/// How a command ends when not with `9000`.
#[derive(Debug)]
enum Stop {
    Refused(StatusWord),
    Memory(MemoryError),
}

impl From<StatusWord> for Stop {
    fn from(sw: StatusWord) -> Self {
        Self::Refused(sw)
    }
}

impl From<MemoryError> for Stop {
    fn from(error: MemoryError) -> Self {
        Self::Memory(error)
    }
}

/// Where the answer data of a command goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Answer {
    /// There is none.
    Done,
    /// With the status word.
    Now,
    /// Fetched by GET RESPONSE: the command brought data itself.
    Later,
}

/// Why no answer comes.
#[derive(Debug, thiserror::Error)]
pub enum Silence {
    /// The card has no power.
    #[error("the card has no power")]
    Unpowered,
    /// A power loss that was ordered happened; the card may come back after so many milliseconds.
    #[error("the card lost power")]
    PowerLost {
        /// When the card is back in the reader; `None`: when someone puts it back.
        back_after_ms: Option<u64>,
    },
    /// The card is mute.
    #[error("the card is mute")]
    Mute,
    /// The image behind the card failed.
    #[error(transparent)]
    Memory(MemoryError),
}

/// A card as a factory leaves it.
pub(crate) struct Made {
    pub(crate) environments: Environments,
    pub(crate) atr: Vec<u8>,
    pub(crate) memory: Vec<u8>,
    /// Names of the keys put in, for each environment.
    pub(crate) given_keys: Vec<Vec<String>>,
}

impl Made {
    /// Of each environment its profile and keys.
    pub(crate) fn of(
        parts: &[(&Profile, &GivenKeys)],
        serial: [u8; 6],
        transport_key: &Key16,
    ) -> Result<Self, crate::image::ImageError> {
        let profiles: Vec<&Profile> = parts.iter().map(|(profile, _)| *profile).collect();
        let environments = Environments::of(&profiles)?;
        let atr = atr(profiles[0], serial);
        let factor = Atr::parse(&atr).and_then(|atr| atr.card_factor()).map_err(ModelError::from)?;
        let slots: Vec<Vec<Slot>> =
            parts.iter().map(|(profile, keys)| keys.slots(profile, factor)).collect::<Result<_, _>>()?;
        let serials: Vec<_> = parts.iter().map(|(profile, keys)| keys.serial(profile, factor)).collect();
        let memory = environments.factory(&profiles, transport_key, factor, &slots, &serials);
        let given_keys = slots.iter().map(|slots| slots.iter().map(ToString::to_string).collect()).collect();
        Ok(Self { environments, atr, memory, given_keys })
    }
}

impl Card {
    /// A card as a factory delivers it, in the memory of this process.
    ///
    /// `serial` ends the ATR; `transport_key` is that of the factory's lot, before diversification.
    ///
    /// # Errors
    /// [`ModelError`] when no card can be made of the profile.
    pub fn factory(profile: &Profile, serial: [u8; 6], transport_key: &Key16) -> Result<Self, ModelError> {
        let environments = Environments::of(&[profile])?;
        let atr = atr(profile, serial);
        let factor = Atr::parse(&atr)?.card_factor()?;
        let memory = Memory::in_process(environments.factory(&[profile], transport_key, factor, &[], &[]));
        Ok(Self::assemble(environments, atr, memory, FaultPlan::default()))
    }

    /// A card of a factory that put `keys` into it.
    ///
    /// # Errors
    /// [`ImageError`](crate::image::ImageError) when no card can be made of the profile, or a key does not fit it.
    pub fn with_keys(
        profile: &Profile,
        serial: [u8; 6],
        transport_key: &Key16,
        keys: &GivenKeys,
    ) -> Result<Self, crate::image::ImageError> {
        Self::of_environments(&[(profile, keys)], serial, transport_key)
    }

    /// A card of several environments, each with the keys that a factory put into it: a PSAM that answers sx1 and sx3. Its
    /// ATR is that of the first, which is current after a reset.
    ///
    /// # Errors
    /// As [`Card::with_keys`], and when the environments are no PSAM's or cannot be told apart.
    ///
    /// # Panics
    /// When there is none.
    pub fn of_environments(
        parts: &[(&Profile, &GivenKeys)],
        serial: [u8; 6],
        transport_key: &Key16,
    ) -> Result<Self, crate::image::ImageError> {
        let made = Made::of(parts, serial, transport_key)?;
        Ok(Self::assemble(made.environments, made.atr, Memory::in_process(made.memory), FaultPlan::default()))
    }

    pub(crate) fn assemble(environments: Environments, atr: Vec<u8>, memory: Memory, faults: FaultPlan) -> Self {
        let mut memory = memory;
        memory.wear_after(faults.lemon());
        let offers_blocks = Atr::parse(&atr).is_ok_and(|atr| atr.offers_block_protocol());
        let protocol = if offers_blocks { Protocol::T1 } else { Protocol::T0 };
        Self {
            model: Arc::clone(environments.first()),
            environments,
            atr,
            memory,
            state: State::default(),
            challenges: Challenges::new(&[]),
            faults,
            fault_store: None,
            late_ms: 0,
            protocol,
            out: Vec::with_capacity(256),
        }
    }

    /// Another card with the same memory, without power and faults: what becomes of it does not touch this one.
    #[must_use]
    pub fn twin(&self) -> Self {
        let memory = Memory::in_process(self.memory.bytes().to_vec());
        Self {
            model: Arc::clone(self.environments.first()),
            environments: self.environments.clone(),
            atr: self.atr.clone(),
            memory,
            state: State::default(),
            challenges: Challenges::new(&[]),
            faults: FaultPlan::default(),
            fault_store: None,
            late_ms: 0,
            protocol: self.protocol,
            out: Vec::with_capacity(256),
        }
    }

    /// Draws its next random numbers from `script`, so that a test can use published numbers.
    pub fn script_random(&mut self, script: &[u8]) {
        self.challenges = Challenges::new(script);
    }

    /// Bytes of its memory.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        self.memory.bytes().len()
    }

    /// A cell of the memory fails, as [`Memory::flip`].
    ///
    /// # Errors
    /// [`MemoryError`] when the image cannot be written.
    ///
    /// # Panics
    /// When the address lies outside the memory.
    pub fn flip(&mut self, address: usize, mask: u8) -> Result<(), MemoryError> {
        self.memory.flip(address, mask)
    }

    /// The answer to reset.
    #[must_use]
    pub fn atr(&self) -> &[u8] {
        &self.atr
    }

    /// Cold or warm reset: PIN, selection, challenge and sessions are gone; an interrupted transaction is finished.
    ///
    /// # Errors
    /// [`Silence`] when the memory cannot be brought to a sound state; worn memory is no such case, the card answers `6581`.
    pub fn power_on(&mut self) -> Result<(), Silence> {
        self.state = State::default();
        self.model = Arc::clone(self.environments.first());
        self.state.df = self.model.df_after_reset();
        match self.memory.power_on() {
            Ok(()) | Err(MemoryError::Worn) => Ok(()),
            Err(MemoryError::PowerLost) => Err(Silence::PowerLost { back_after_ms: None }),
            Err(error) => Err(Silence::Memory(error)),
        }
    }

    /// The protocol that it speaks: T=1 where its ATR offers that, as readers then choose it.
    #[must_use]
    pub const fn protocol(&self) -> Protocol {
        self.protocol
    }

    /// Speaks another protocol from the next command on.
    pub const fn speak(&mut self, protocol: Protocol) {
        self.protocol = protocol;
    }

    /// Takes the power away.
    pub fn power_off(&mut self) {
        self.state = State::default();
        self.memory.power_off();
    }

    /// The non-volatile memory, to order a power loss or count writes.
    pub const fn memory(&mut self) -> &mut Memory {
        &mut self.memory
    }

    /// Faults that are still to come.
    #[must_use]
    pub const fn faults(&self) -> &FaultPlan {
        &self.faults
    }

    /// How long the last answer takes: whoever carries it waits.
    #[must_use]
    pub const fn answered_after(&self) -> Duration {
        Duration::from_millis(self.late_ms)
    }

    /// Replaces the faults that are to come.
    ///
    /// # Errors
    /// When the image behind the card cannot hold them.
    pub fn set_faults(&mut self, faults: FaultPlan) -> std::io::Result<()> {
        if let Some(store) = &self.fault_store {
            store.save(&faults)?;
        }
        self.memory.wear_after(faults.lemon());
        self.faults = faults;
        Ok(())
    }

    pub(crate) fn keep_faults_in(&mut self, store: FaultStore) {
        self.fault_store = Some(store);
    }

    /// Carries out one command and appends its answer, data and status word.
    ///
    /// # Errors
    /// [`Silence`]: no answer comes, and whether the command was carried out is for the asker to find out.
    pub fn transmit(&mut self, command: &[u8], answer: &mut Vec<u8>) -> Result<(), Silence> {
        if !self.memory.is_powered() {
            return Err(Silence::Unpowered);
        }
        self.late_ms = 0;
        if self.faults.is_empty() {
            return self.answer(command, answer, None);
        }
        let strike = self.faults.strike(command.get(1).copied());
        let mark = answer.len();
        let outcome = self.answer(command, answer, strike);
        if let (Ok(()), Some(strike)) = (&outcome, strike) {
            self.late_ms = strike.shape(answer, mark);
        }
        self.faults.set_lemon(self.memory.writes_before_worn());
        if let Some(store) = &self.fault_store {
            store.save(&self.faults).map_err(|error| Silence::Memory(MemoryError::Storage(error)))?;
        }
        outcome
    }

    fn answer(&mut self, command: &[u8], answer: &mut Vec<u8>, strike: Option<Strike>) -> Result<(), Silence> {
        match strike {
            Some(Strike::Mute) => return Err(Silence::Mute),
            Some(Strike::PowerLoss { moment: Moment::Before, back_after_ms }) => {
                self.power_off();
                return Err(Silence::PowerLost { back_after_ms });
            }
            Some(Strike::PowerLoss { moment: Moment::Inside { write, half }, .. }) => {
                self.memory.tear_after(write, half);
            }
            Some(_) | None => {}
        }
        let mark = answer.len();
        let outcome = match self.protocol {
            _ if self.memory.is_broken() => Ok(StatusWord::MEMORY_FAILURE),
            Protocol::T0 => self.execute(command, answer),
            Protocol::T1 => self.execute_block(command, answer),
        };
        match (outcome, strike) {
            (Ok(_) | Err(MemoryError::PowerLost), Some(Strike::PowerLoss { back_after_ms, .. })) => {
                answer.truncate(mark);
                self.power_off();
                Err(Silence::PowerLost { back_after_ms })
            }
            (Err(MemoryError::PowerLost), _) => {
                answer.truncate(mark);
                self.power_off();
                Err(Silence::PowerLost { back_after_ms: None })
            }
            (Err(error), _) => {
                answer.truncate(mark);
                self.power_off();
                Err(Silence::Memory(error))
            }
            (Ok(sw), _) => {
                answer.extend_from_slice(&sw.0.to_be_bytes());
                Ok(())
            }
        }
    }

    /// Data into `answer`, status word returned.
    fn execute(&mut self, command: &[u8], answer: &mut Vec<u8>) -> Result<StatusWord, MemoryError> {
        let model = Arc::clone(&self.model);
        if self.environments.all().iter().any(|model| self.is_card_blocked(model)) {
            return Ok(StatusWord::NOT_SUPPORTED);
        }
        let in_certificates = self.state.df.is_some_and(|df| model.dfs[df].certificates);
        let request = door::parse(&model, in_certificates, command);
        let model = match request {
            Ok(Request::SelectName(name)) => self.change_environment(model, name),
            _ => model,
        };
        if let Ok(Request::GetResponse { le }) = request {
            self.state.challenge = None;
            return Ok(self.get_response(le, answer));
        }
        self.state.pending.clear();
        let challenge = self.state.challenge.take();
        let purchase = self.state.purchase.take();
        let mut out = std::mem::take(&mut self.out);
        out.clear();
        let result = match request {
            Ok(request) => {
                self.pass(&model, &request).and_then(|()| self.run(&model, request, challenge, purchase, &mut out))
            }
            Err(sw) => Err(Stop::Refused(sw)),
        };
        let sw = match result {
            Ok(Answer::Later) if !out.is_empty() => {
                self.state.pending.extend_from_slice(&out);
                // 256 bytes are announced as 00.
                let [_, length] = u16::try_from(out.len() & 0xFF).expect("masked to one byte").to_be_bytes();
                Ok(StatusWord(0x6100 | u16::from(length)))
            }
            Ok(Answer::Done | Answer::Now | Answer::Later) => {
                answer.extend_from_slice(&out);
                Ok(StatusWord::OK)
            }
            Err(Stop::Refused(sw)) => Ok(sw),
            Err(Stop::Memory(MemoryError::Worn)) => Ok(StatusWord::MEMORY_FAILURE),
            Err(Stop::Memory(error)) => Err(error),
        };
        self.out = out;
        sw
    }

    /// GET RESPONSE: only directly after the command that announced the data, only with the length announced.
    fn get_response(&mut self, le: usize, answer: &mut Vec<u8>) -> StatusWord {
        if self.state.pending.is_empty() {
            return StatusWord::CONDITIONS_OF_USE;
        }
        if le != self.state.pending.len() {
            return exact_length(self.state.pending.len());
        }
        answer.append(&mut self.state.pending);
        StatusWord::OK
    }

    pub(crate) const fn environments(&self) -> &Environments {
        &self.environments
    }

    pub(crate) fn bytes(&self, address: usize, length: usize) -> &[u8] {
        self.memory.read(address, length)
    }

    fn commit(&mut self, changes: &Changes) -> Result<(), Stop> {
        Ok(self.memory.commit(changes)?)
    }
}

/// `6Cxx`: repeat with Le = xx; 256 is 00.
fn exact_length(length: usize) -> StatusWord {
    let [low, ..] = length.to_le_bytes();
    StatusWord(0x6C00 | u16::from(low))
}

fn expect_le(le: usize, length: usize) -> Result<(), Stop> {
    if le == length { Ok(()) } else { Err(exact_length(length).into()) }
}

/// Compares secrets without telling by the time taken where they differ.
fn same(left: &[u8], right: &[u8]) -> bool {
    left.len() == right.len() && left.iter().zip(right).fold(0, |differ, (a, b)| differ | (a ^ b)) == 0
}

/// The ATR of a card with this serial.
pub(crate) fn atr(profile: &Profile, serial: [u8; 6]) -> Vec<u8> {
    let mut atr = [&profile.atr.prefix[..], &profile.atr.maker, &serial].concat();
    let check = Atr::parse(&atr).ok().and_then(|atr| atr.check_byte());
    atr.extend(check);
    atr
}

impl std::fmt::Debug for Card {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Card").field("atr", &hex::encode_upper(&self.atr)).finish_non_exhaustive()
    }
}
