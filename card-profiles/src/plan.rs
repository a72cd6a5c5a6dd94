//! Personalization (个人化): the shortest list of steps that makes a card of a factory's blank, and what to expect of each.
//!
//! Source: LD/T 32 commands in the order of a published personalization tool; key load in the profile's dialect.
//! Owns: order, addressing, read-back, comparison. Never: sends, retries, or knows a key byte.
//!
//! In each directory: SELECT; production keys, its control key last; one proof a key; one UPDATE RECORD an item; read-back
//! of every file written. Each step can be repeated, so a plan can be carried out again from its start. A directory whose
//! control key is already the production key has all its keys: see [`ControlKeys`].

use std::collections::BTreeMap;

use card_core::command;
use card_core::crypto::{KeyForm, KeyLength};
use card_core::script::{KeyLoad, Nonces, Step};
use card_core::security::{Factors, KeyName, KeyRef};
use card_core::{Response, StatusWord};

use crate::access::{Access, Right};
use crate::address::{self, chunks};
use crate::approach::{KeyVersions, Means, State};
use crate::image::{self, CardValues, ValueFault};
use crate::limits::{READ_CHUNK, WRITE_CHUNK};
use crate::place::Place;
use crate::profile::{CardKind, Df, Ef, EfKind, KeyRow, Profile};
use crate::rehearsal::TRANSPORT_KEY_NAME;
use crate::ways::Ways;

mod change;
mod compare;

pub use compare::{Mismatch, Problem};

/// The card that a plan is made for.
#[derive(Clone, Debug)]
pub struct Target {
    /// Its factors.
    pub factors: Factors,
    /// Versions of the keys that it gets.
    pub versions: KeyVersions,
    /// Lot of the factory's transport key: the version of key `TRANSPORT`.
    pub transport_lot: u8,
    /// Directories known to have their production control key.
    pub control: ControlKeys,
}

impl Target {
    /// A card as the factory delivered it, keys in version 1.
    #[must_use]
    pub fn blank(factors: Factors, transport_lot: u8) -> Self {
        Self { factors, versions: KeyVersions::default(), transport_lot, control: ControlKeys::default() }
    }
}

/// Which control key a directory has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ControlKeyState {
    /// The factory's: production keys may be there or not.
    #[default]
    Transport,
    /// The production key, loaded last: all keys of the directory are there.
    Production,
}

/// The control keys of a card's directories; what is not said is [`ControlKeyState::Transport`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ControlKeys(BTreeMap<String, ControlKeyState>);

impl ControlKeys {
    /// Notes the state of a directory.
    pub fn set(&mut self, df: &str, state: ControlKeyState) {
        self.0.insert(df.to_owned(), state);
    }

    /// The state of a directory.
    #[must_use]
    pub fn of(&self, df: &str) -> ControlKeyState {
        self.0.get(df).copied().unwrap_or_default()
    }
}

/// What a step is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// Makes the directory current.
    Select,
    /// Puts a production key on the card.
    LoadKey(KeyName),
    /// Replaces the directory's control key; afterwards it is [`ControlKeyState::Production`].
    ReplaceControlKey(KeyName),
    /// Proves a right.
    Prove(Right),
    /// Writes an item, a record or a part of a file.
    Write,
    /// Reads what was written.
    ReadBack,
}

/// One step, why it is there, and what the card must answer.
#[derive(Clone)]
pub struct PlannedStep {
    /// What to carry out.
    pub step: Step,
    /// What for.
    pub act: Act,
    /// Directory concerned.
    pub df: String,
    /// File or item concerned.
    pub place: Option<Place>,
    expected: Expected,
}

/// What a card answers to a step that worked.
#[derive(Clone)]
enum Expected {
    /// Done.
    Done,
    /// These records, with what each is.
    Records(Vec<(Place, Vec<u8>)>),
    /// These bytes of a transparent file.
    Bytes(Vec<u8>),
}

/// A list of steps for one card.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Steps, in the order in which they must be carried out.
    pub steps: Vec<PlannedStep>,
}

/// Why no plan can be made. Mended by whoever prepares the values or the profile.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// Values that do not fit: all of them.
    #[error("{} values do not fit the profile, first {}", .0.len(), .0.first().map_or_else(String::new, ToString::to_string))]
    Values(Vec<ValueFault>),
    /// A cyclic file: writing a record twice would push the oldest out.
    #[error("{0} is cyclic: it is filled by the card's life, not by personalization")]
    Cyclic(Place),
    /// The update or read condition cannot be met with what a station has.
    #[error("{place}: the station cannot prove {}", .right.as_ref().map_or_else(|| "anything that opens it".to_owned(), ToString::to_string))]
    Closed {
        /// The file.
        place: Place,
        /// What would have to be proved; `None`: nothing opens it.
        right: Option<Right>,
    },
    /// The profile contradicts itself here; the linter names it.
    #[error("the profile is not lint-clean: {0}")]
    Profile(&'static str),
}

impl PlanError {
    /// Stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Values(_) => "PLAN_VALUES",
            Self::Cyclic(_) => "PLAN_CYCLIC_FILE",
            Self::Closed { .. } => "PLAN_FILE_CLOSED",
            Self::Profile(_) => "PLAN_PROFILE",
        }
    }

    /// The error in Chinese.
    #[must_use]
    pub fn zh(&self) -> String {
        match self {
            Self::Values(faults) => {
                let first =
                    faults.first().map_or_else(String::new, |fault| format!("{}：{}", fault.place, fault.error.zh()));
                format!("{} 个数据项不符合卡片描述，首个为 {first}", faults.len())
            }
            Self::Cyclic(place) => format!("{place} 是循环文件，由使用过程写入，不能在个人化时写入"),
            Self::Closed { place, right: Some(right) } => format!("{place}：个人化工位无法通过 {right} 认证"),
            Self::Closed { place, right: None } => format!("{place}：该文件不允许写入或读取"),
            Self::Profile(_) => "卡片描述自相矛盾，请先检查卡片描述文件".to_owned(),
        }
    }
}

impl Plan {
    /// The plan that makes a card with these values of a blank one. User cards and PSAMs differ in their keys only: a user
    /// card gets its own, a PSAM those of the level that its usage byte says.
    ///
    /// # Errors
    /// [`PlanError`].
    pub fn personalize(profile: &Profile, values: &CardValues, target: &Target) -> Result<Self, PlanError> {
        let faults = image::check(profile, values);
        if !faults.is_empty() {
            return Err(PlanError::Values(faults));
        }
        let mut planner = Planner::new(profile, target)?;
        for df in &profile.df {
            planner.directory(df, values)?;
        }
        Ok(Self { steps: planner.steps })
    }

    /// Steps that find out which control key a directory has, for a card whose station was interrupted: the production
    /// control key is loaded over itself. Judge the last answer with [`ControlKeyState::of_probe`].
    ///
    /// A directory that still has the transport key counts one wrong try; the next right load resets the counter.
    ///
    /// # Errors
    /// [`PlanError::Profile`].
    pub fn probe(profile: &Profile, df: &str, target: &Target) -> Result<Self, PlanError> {
        let mut planner = Planner::new(profile, target)?;
        let row = profile.df(df).ok_or(PlanError::Profile("directory"))?;
        let control = profile.key(&row.control_key).ok_or(PlanError::Profile("control key"))?;
        // A directory other than the first is reached from inside the environment.
        for row in profile.df.first().into_iter().filter(|first| first.id != df).chain([row]) {
            planner.select(row);
        }
        planner.load(row, control, planner.production(control), Act::ReplaceControlKey(control.name.clone()));
        Ok(Self { steps: planner.steps })
    }

    /// How many exchanges of a command and an answer the plan needs on T=1; on T=0 as many, as no step fetches an answer
    /// to data.
    #[must_use]
    pub fn exchanges(&self) -> usize {
        let of_step = |step: &PlannedStep| match step.step {
            Step::Send(_) | Step::Fetch { .. } => 1,
            Step::Authenticate { .. }
            | Step::LoadKey(_)
            | Step::Secure(_)
            | Step::VerifyHashed { .. }
            | Step::AuthenticateWhole { .. }
            | Step::ReplaceHashed(_) => 2,
            Step::AuthenticateByTwo { .. } => 3,
            Step::CheckCard { from: Nonces::Terminal, .. } => 1,
            Step::CheckCard { from: Nonces::Card, .. } => 3,
        };
        self.steps.iter().map(of_step).sum()
    }

    /// Judges the answers to all steps, in their order; missing ones count as not done.
    #[must_use]
    pub fn judge(&self, answers: &[Response]) -> Vec<Mismatch> {
        let missing = Response { data: Vec::new(), sw: StatusWord(0) };
        let answers = answers.iter().chain(std::iter::repeat(&missing));
        self.steps.iter().zip(answers).filter_map(|(step, answer)| step.judge(answer).err()).collect()
    }
}

impl ControlKeyState {
    /// What the answer to the last step of [`Plan::probe`] says; `None` when it says nothing (blocked, no memory, …).
    #[must_use]
    pub fn of_probe(answer: &Response) -> Option<Self> {
        match answer.sw {
            sw if sw.is_ok() => Some(Self::Production),
            StatusWord::MAC_WRONG | StatusWord::SECURE_MESSAGING_WRONG => Some(Self::Transport),
            _ => None,
        }
    }
}

struct Planner<'a> {
    profile: &'a Profile,
    target: &'a Target,
    header: [u8; 4],
    means: Means,
    state: State,
    steps: Vec<PlannedStep>,
}

impl<'a> Planner<'a> {
    fn new(profile: &'a Profile, target: &'a Target) -> Result<Self, PlanError> {
        let header = profile.key_load.command.as_slice().try_into();
        let pin = profile.pin.as_ref().and_then(|pin| hex::decode(&pin.initial).ok());
        let means = Means { pin, factors: Some(target.factors), versions: target.versions.clone() };
        Ok(Self {
            profile,
            target,
            header: header.map_err(|_| PlanError::Profile("key_load command"))?,
            means,
            state: State::default(),
            steps: Vec::new(),
        })
    }

    fn directory(&mut self, df: &Df, values: &CardValues) -> Result<(), PlanError> {
        self.select(df);
        if self.target.control.of(&df.id) == ControlKeyState::Transport {
            self.load_keys(df)?;
        }
        for ef in &df.ef {
            let records = image::encode_file(df, ef, values).map_err(PlanError::Values)?;
            if !records.is_empty() {
                self.file(df, ef, &records)?;
            }
        }
        Ok(())
    }

    fn select(&mut self, df: &Df) {
        if let Some(step) = self.state.select(self.profile, df) {
            self.push(step, Act::Select, df, None, Expected::Done);
        }
    }

    fn load_keys(&mut self, df: &Df) -> Result<(), PlanError> {
        let transport = KeyRef {
            name: KeyName::new(TRANSPORT_KEY_NAME),
            version: self.target.transport_lot,
            path: vec![self.target.factors.card],
            form: KeyForm { rules: self.profile.rules(), length: KeyLength::Sixteen },
        };
        let profile = self.profile;
        // A row of a version that is still to come stays empty.
        let exists = |key: &KeyRow| key.version.is_none_or(|version| version <= self.target.versions.of(&key.name));
        let rows = profile.key.iter().filter(|key| key.df == df.id && key.name != df.control_key && exists(key));
        for key in rows.collect::<Vec<_>>() {
            self.load(df, key, transport.clone(), Act::LoadKey(key.name.clone()));
        }
        let control = profile.key(&df.control_key).ok_or(PlanError::Profile("control key"))?;
        self.load(df, control, transport, Act::ReplaceControlKey(control.name.clone()));
        self.state.lose(&Right::Key(control.name.clone()));
        Ok(())
    }

    fn load(&mut self, df: &Df, key: &KeyRow, protecting: KeyRef, act: Act) {
        let load = KeyLoad {
            key: self.production(key),
            protecting,
            header: self.header,
            label: [key.usage, key.id, key.version.unwrap_or_else(|| self.target.versions.of(&key.name))],
            challenge: self.profile.key_load.challenge,
        };
        self.push(Step::LoadKey(load), act, df, None, Expected::Done);
    }

    /// The key as this card holds it. A PSAM holds keys from which cards' keys are still derived: of the three levels
    /// province, city, card, those that its usage byte leaves are not yet applied.
    fn production(&self, key: &KeyRow) -> KeyRef {
        let mut reference = self.profile.key_of_card(key, self.target.versions.of(&key.name), &self.target.factors);
        let is_control = self.profile.df.iter().any(|df| df.control_key == key.name);
        if self.profile.kind == CardKind::Psam && !is_control {
            reference.path.truncate(reference.path.len().saturating_sub(self.profile.levels_left(key)));
        }
        reference
    }

    fn file(&mut self, df: &Df, ef: &Ef, records: &[(u8, Vec<u8>)]) -> Result<(), PlanError> {
        let file = Place::file(&df.id, &ef.id);
        if ef.kind == EfKind::Cyclic {
            return Err(PlanError::Cyclic(file));
        }
        self.prove(df, &file, &ef.update)?;
        for (number, bytes) in records {
            if ef.kind == EfKind::TlvRecords {
                let place = compare::record_place(df, ef, *number);
                let update = command::update_record(ef.sfi(), address::of_record(ef, *number), bytes).secret();
                self.push(Step::Send(update), Act::Write, df, Some(place), Expected::Done);
            } else {
                for (offset, part) in chunks(bytes, WRITE_CHUNK) {
                    let update = address::update_binary(ef, offset, part).secret();
                    self.push(Step::Send(update), Act::Write, df, Some(file.clone()), Expected::Done);
                }
            }
        }
        self.prove(df, &file, &ef.read)?;
        self.read_back(df, ef, &file, records);
        Ok(())
    }

    fn prove(&mut self, df: &Df, file: &Place, access: &Access) -> Result<(), PlanError> {
        let proved = self.state.prove(self.profile, access, &self.means);
        for (right, step) in proved.map_err(|right| PlanError::Closed { place: file.clone(), right })? {
            self.push(step, Act::Prove(right), df, Some(file.clone()), Expected::Done);
        }
        Ok(())
    }

    /// Reads the whole file, records without value included: a file of another holder would show here.
    fn read_back(&mut self, df: &Df, ef: &Ef, file: &Place, records: &[(u8, Vec<u8>)]) {
        if ef.kind == EfKind::Transparent {
            let bytes = records.iter().flat_map(|(_, bytes)| bytes).copied().collect::<Vec<u8>>();
            for (offset, part) in chunks(&bytes, READ_CHUNK) {
                let read = Step::Send(address::read_binary(ef, Ways::default(), offset, part.len()));
                self.push(read, Act::ReadBack, df, Some(file.clone()), Expected::Bytes(part.to_vec()));
            }
            return;
        }
        let all = compare::whole_file(df, ef, records);
        let lengths: Vec<usize> = all.iter().map(|(_, bytes)| bytes.len()).collect();
        for read in address::record_reads(&lengths, true) {
            let part = all.get(read.records.clone()).unwrap_or_default().to_vec();
            let step = Step::Send(read.command(ef, Ways::default()));
            self.push(step, Act::ReadBack, df, Some(file.clone()), Expected::Records(part));
        }
    }

    fn push(&mut self, step: Step, act: Act, df: &Df, place: Option<Place>, expected: Expected) {
        self.steps.push(PlannedStep { step, act, df: df.id.clone(), place, expected });
    }
}

impl std::fmt::Debug for PlannedStep {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PlannedStep")
            .field("act", &self.act)
            .field("df", &self.df)
            .field("place", &self.place)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
