//! Reading files of a card in the fewest exchanges.
//!
//! Source: LD/T 32 READ RECORD and READ BINARY by SFI; a published log reads all records at once (`00B20105FF`).
//! Owns: which step comes next, given the answers so far; falling back to single records; values, faults and refusals side
//! by side. Never: sends, stops at the first refusal, believes a length.
//!
//! ```text
//! while let Some(step) = reader.next_step() {
//!     let answer = session.perform(&step, module)?;
//!     reader.answer(&answer);
//! }
//! let outcome = reader.finish();
//! ```

use std::collections::VecDeque;

use card_core::command::{self, Record};
use card_core::crypto::Block;
use card_core::fci::Fci;
use card_core::script::Step;
use card_core::security::Factors;
use card_core::tlv;
use card_core::{Response, StatusWord};

use crate::access::Right;
use crate::address::{self, RecordRead};
use crate::approach::{Means, State, select_command};
use crate::identity::CardIdentifier;
use crate::image::{self, Reading};
use crate::limits::READ_CHUNK;
use crate::place::Place;
use crate::profile::{Df, Ef, EfKind, Profile};

/// The basic read: issuer data and the holder.
pub const BASIC: [(&str, &str); 2] = [("SSSE", "EF05"), ("SSSE", "EF06")];

/// A read in progress.
pub struct Reader<'a> {
    profile: &'a Profile,
    means: Means,
    card_factor: Option<Block>,
    asks_fci: bool,
    state: State,
    files: VecDeque<File<'a>>,
    current: Option<File<'a>>,
    queue: VecDeque<(Step, Wanted)>,
    outcome: Outcome,
}

/// A file and what was read of it.
struct File<'a> {
    df: &'a Df,
    ef: &'a Ef,
    records_max: u8,
    bytes: Vec<u8>,
}

/// What a step was for.
#[derive(Debug)]
enum Wanted {
    Select,
    Proof(Right),
    Records(RecordRead),
    Entry(u8),
    Part { asked: usize },
}

/// What a read brought.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Values and faults.
    pub reading: Reading,
    /// Files that could not be read, or not whole.
    pub refusals: Vec<Refusal>,
    /// FCI of the environment, when it was asked for and is one.
    pub fci: Option<Fci>,
}

/// A file that could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {reason}")]
pub struct Refusal {
    /// The file.
    pub place: Place,
    /// Why.
    pub reason: Reason,
}

/// Why a file could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// The profile has no such file.
    #[error("the profile has no such file")]
    NoSuchFile,
    /// Nothing opens it.
    #[error("this file is never read")]
    Never,
    /// The terminal cannot prove what the file asks for: no PIN given, no PSAM with the key.
    #[error("{0} would have to be proved")]
    Unproved(Right),
    /// The card refused the proof.
    #[error("the card refused the proof of {right}: {sw:?}")]
    ProofRefused {
        /// What was to be proved.
        right: Right,
        /// Its status word.
        sw: StatusWord,
    },
    /// The card refused the selection or the read.
    #[error("the card refused: {0:?}")]
    Refused(StatusWord),
}

impl Reason {
    /// Stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NoSuchFile => "FILE_NOT_IN_PROFILE",
            Self::Never => "FILE_NEVER_READ",
            Self::Unproved(Right::Pin) => "PIN_NEEDED",
            Self::Unproved(Right::Key(_)) => "KEY_NEEDED",
            Self::ProofRefused { right: Right::Pin, .. } => "PIN_REFUSED",
            Self::ProofRefused { right: Right::Key(_), .. } => "KEY_REFUSED",
            Self::Refused(_) => "FILE_REFUSED",
        }
    }

    /// The reason in Chinese.
    #[must_use]
    pub fn zh(&self) -> String {
        let meaning = |sw: &StatusWord| format!("{:04X} {}", sw.0, sw.meaning().map_or("", |(zh, _)| zh));
        match self {
            Self::NoSuchFile => "卡片描述中没有该文件".to_owned(),
            Self::Never => "该文件不允许读取".to_owned(),
            Self::Unproved(Right::Pin) => "需要先校验个人口令".to_owned(),
            Self::Unproved(Right::Key(name)) => format!("需要用密钥 {name} 进行外部认证"),
            Self::ProofRefused { right, sw } => format!("卡片拒绝 {right} 认证（{}）", meaning(sw)),
            Self::Refused(sw) => format!("卡片拒绝读取（{}）", meaning(sw)),
        }
    }
}

impl<'a> Reader<'a> {
    /// A read of these files, in this order; files of one directory should follow each other.
    #[must_use]
    pub fn new(profile: &'a Profile, files: &[(&str, &str)], means: Means) -> Self {
        let mut reader = Self {
            profile,
            means,
            card_factor: None,
            asks_fci: false,
            state: State::default(),
            files: VecDeque::new(),
            current: None,
            queue: VecDeque::new(),
            outcome: Outcome::default(),
        };
        for (df, ef) in files {
            match reader.profile.df(df).zip(reader.profile.ef(df, ef)) {
                Some((df, ef)) => {
                    reader.files.push_back(File { df, ef, records_max: ef.records, bytes: Vec::new() });
                }
                None => {
                    reader.outcome.refusals.push(Refusal { place: Place::file(df, ef), reason: Reason::NoSuchFile })
                }
            }
        }
        reader
    }

    /// The basic read of a card that is not known yet: FCI, issuer data, holder. The card's city, and with it the keys that
    /// open the holder's data, come from the issuer data.
    #[must_use]
    pub fn basic(profile: &'a Profile, card_factor: Option<Block>, means: Means) -> Self {
        Self { card_factor, asks_fci: true, ..Self::new(profile, &BASIC, means) }
    }

    /// Reads at most this many records of cyclic files, the newest first.
    #[must_use]
    pub fn newest(mut self, records: u8) -> Self {
        self.files.iter_mut().for_each(|file| file.records_max = file.records_max.min(records));
        self
    }

    /// The step to carry out next; `None` when all is read.
    #[must_use]
    pub fn next_step(&mut self) -> Option<Step> {
        loop {
            if let Some((step, _)) = self.queue.front() {
                return Some(step.clone());
            }
            self.close_file();
            let file = self.files.pop_front()?;
            self.open_file(file);
        }
    }

    /// Takes the card's answer to the step that [`Self::next_step`] gave.
    pub fn answer(&mut self, answer: &Response) {
        let Some((_, wanted)) = self.queue.pop_front() else { return };
        match wanted {
            Wanted::Select if answer.sw.is_ok() => self.keep_fci(&answer.data),
            Wanted::Select => {
                self.state.forget_selection();
                self.refuse(Reason::Refused(answer.sw));
            }
            Wanted::Proof(_) if answer.sw.is_ok() => {}
            Wanted::Proof(right) => {
                self.state.refuse(&right, answer.sw);
                self.refuse(Reason::ProofRefused { right, sw: answer.sw });
            }
            Wanted::Records(read) => self.take_records(&read, answer),
            Wanted::Entry(number) => self.take_entry(number, answer),
            Wanted::Part { asked } => self.take_part(asked, answer),
        }
    }

    /// The step could not be carried out because the security module gave no cryptogram: its file is passed over.
    pub fn unproved(&mut self) {
        if let Some((_, Wanted::Proof(right))) = self.queue.pop_front() {
            self.state.lose(&right);
            self.refuse(Reason::Unproved(right));
        }
    }

    /// What was read.
    #[must_use]
    pub fn finish(mut self) -> Outcome {
        self.close_file();
        self.outcome
    }

    fn open_file(&mut self, file: File<'a>) {
        let (df, ef) = (file.df, file.ef);
        let select = self.state.select(self.profile, df);
        let proofs = match self.state.prove(self.profile, &ef.read, &self.means) {
            Ok(proofs) => proofs,
            Err(right) => {
                if select.is_some() {
                    self.state.forget_selection();
                }
                let reason = right.map_or(Reason::Never, |right| self.why_unproved(right));
                self.outcome.refusals.push(Refusal { place: Place::file(&df.id, &ef.id), reason });
                return;
            }
        };
        if select.is_some() {
            let command = select_command(self.profile, df);
            let command = if std::mem::take(&mut self.asks_fci) { command.with_le(0) } else { command };
            self.queue.push_back((Step::Send(command), Wanted::Select));
        }
        self.queue.extend(proofs.into_iter().map(|(right, step)| (step, Wanted::Proof(right))));
        match ef.kind {
            EfKind::TlvRecords => {
                let lengths: Vec<usize> = ef.elements.iter().map(|row| usize::from(row.format.length) + 2).collect();
                for read in address::record_reads(&lengths) {
                    self.queue.push_back((Step::Send(read.command(ef)), Wanted::Records(read)));
                }
            }
            EfKind::Cyclic if file.records_max > 0 => self.queue.push_back(entry(ef, 1)),
            EfKind::Cyclic => {}
            EfKind::Transparent => {
                let size = usize::from(ef.size);
                for offset in address::offsets(READ_CHUNK).take_while(|offset| *offset < ef.size) {
                    let asked = READ_CHUNK.min(size - usize::from(offset));
                    self.queue.push_back((Step::Send(address::read_binary(ef, offset, asked)), Wanted::Part { asked }));
                }
            }
        }
        self.current = Some(file);
    }

    fn why_unproved(&self, right: Right) -> Reason {
        match self.state.refusal(&right) {
            Some(sw) => Reason::ProofRefused { right, sw },
            None => Reason::Unproved(right),
        }
    }

    fn close_file(&mut self) {
        let Some(file) = self.current.take() else { return };
        if file.ef.kind != EfKind::Cyclic && !file.bytes.is_empty() {
            self.outcome.reading.extend(image::decode_file(file.df, file.ef, &file.bytes));
        }
        if let (None, Some(card)) = (self.means.factors, self.card_factor) {
            let identifier =
                self.outcome.reading.values.text("SSSE.EF05.card_identifier").and_then(CardIdentifier::parse);
            self.means.factors =
                identifier.and_then(|identifier| identifier.city()).map(|city| Factors::of(city, card));
        }
    }

    fn keep_fci(&mut self, data: &[u8]) {
        if let (None, Ok(fci)) = (&self.outcome.fci, Fci::parse(data)) {
            self.outcome.fci = Some(fci);
        }
    }

    /// The rest of the current file is not asked for; what was read of it stays.
    fn refuse(&mut self, reason: Reason) {
        self.queue.clear();
        if let Some(file) = &self.current {
            self.outcome.refusals.push(Refusal { place: Place::file(&file.df.id, &file.ef.id), reason });
        }
    }

    fn take_records(&mut self, read: &RecordRead, answer: &Response) {
        let Some(file) = self.current.as_mut() else { return };
        match read.record {
            _ if answer.sw.is_ok() => {
                file.bytes.extend(&answer.data);
                let whole = tlv::items(&answer.data).filter(Result::is_ok).count();
                if matches!(read.record, Record::AllFrom(_)) && answer.data.len() < read.length {
                    self.ask_one_by_one(read.records.start + whole..read.records.end);
                }
            }
            Record::AllFrom(_) if !is_final(answer.sw) => self.ask_one_by_one(read.records.clone()),
            // The record is not there: reading the file says so beside the values.
            Record::Number(_) if answer.sw == StatusWord::RECORD_NOT_FOUND => {}
            Record::AllFrom(_) | Record::Number(_) | Record::Tag(_) => self.refuse(Reason::Refused(answer.sw)),
        }
    }

    /// A card that does not answer all records at once, or not all of them.
    fn ask_one_by_one(&mut self, records: std::ops::Range<usize>) {
        let Some(ef) = self.current.as_ref().map(|file| file.ef) else { return };
        for index in records.rev() {
            let (Some(row), Ok(number)) = (ef.elements.get(index), u8::try_from(index + 1)) else { continue };
            let length = usize::from(row.format.length) + 2;
            let read = RecordRead { record: Record::Number(number), records: index..index + 1, length };
            self.queue.push_front((Step::Send(read.command(ef)), Wanted::Records(read)));
        }
    }

    fn take_entry(&mut self, number: u8, answer: &Response) {
        let Some(file) = self.current.as_ref() else { return };
        if answer.sw == StatusWord::RECORD_NOT_FOUND {
            return;
        }
        if !answer.sw.is_ok() {
            return self.refuse(Reason::Refused(answer.sw));
        }
        self.outcome.reading.extend(image::decode_record(file.df, file.ef, number, &answer.data));
        if number < file.records_max {
            self.queue.push_back(entry(file.ef, number + 1));
        }
    }

    fn take_part(&mut self, asked: usize, answer: &Response) {
        let Some(file) = self.current.as_mut() else { return };
        let is_end = matches!(answer.sw, StatusWord::WRONG_OFFSET | StatusWord::WRONG_P1P2) && !file.bytes.is_empty();
        if !answer.sw.is_ok() && !is_end {
            return self.refuse(Reason::Refused(answer.sw));
        }
        file.bytes.extend(&answer.data);
        if is_end || answer.data.len() < asked {
            self.queue.clear();
        }
    }
}

/// What was read is personal: `Debug` says which files are open only.
impl std::fmt::Debug for Reader<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let current = self.current.as_ref().map(|file| Place::file(&file.df.id, &file.ef.id));
        f.debug_struct("Reader").field("current", &current).field("waiting", &self.files.len()).finish_non_exhaustive()
    }
}

/// Whether asking record by record could not bring more.
fn is_final(sw: StatusWord) -> bool {
    matches!(
        sw,
        StatusWord::SECURITY_STATUS
            | StatusWord::FILE_NOT_FOUND
            | StatusWord::SELECTED_INVALID
            | StatusWord::CONDITIONS_OF_USE
    )
}

fn entry(ef: &Ef, number: u8) -> (Step, Wanted) {
    let length = u16::try_from(ef.record_length()).unwrap_or(u16::MAX);
    (Step::Send(command::read_record(ef.sfi(), Record::Number(number), length)), Wanted::Entry(number))
}

#[cfg(test)]
mod tests;
