//! Reading files of a card in the fewest exchanges.
//!
//! Source: LD/T 32 READ RECORD and READ BINARY by SFI; a published log reads all records at once (`00B20105FF`).
//! Owns: which step comes next, given the answers so far; falling back to other ways of reading (`answers`); where a file of
//! records ends (`extent`);
//! values, faults and refusals side by side (`outcome`). Never: sends, stops at the first refusal, believes a length.
//!
//! ```text
//! let mut reader = Reader::issuer(catalog.first()).by(card_types.of(atr.card_type()));
//! session.play(&mut reader, None, &mut guard)?;
//! let first = reader.finish();
//! let card = recognise(first.fci.as_ref(), &first.reading.values)?;
//! let mut reader = Reader::new(catalog.of_card(&card)?, &files, means).after(first);
//! session.play(&mut reader, Some(&mut psam), &mut guard)?;
//! let outcome = reader.finish();
//! ```

mod answers;
mod extent;
mod outcome;

use std::collections::VecDeque;

use card_core::command::{self, Record};
use card_core::fci::{self, Fci};
use card_core::identify::Heard;
use card_core::play::{Script, Skipped};
use card_core::script::Step;
use card_core::security::KeyName;
use card_core::tries::Secret;
use card_core::{Command, Response, StatusWord};

use self::extent::Extent;
pub use self::outcome::{CyclicRecord, ModuleFault, Outcome, Reason, Refusal};
use crate::access::Right;
use crate::address::{self, RecordRead};
use crate::approach::{Means, State, select_command};
use crate::limits::READ_CHUNK;
use crate::place::Place;
use crate::profile::{Df, Ef, EfKind, Element, Profile};
use crate::ways::{Sure, Ways};

/// The file that says who issued a card: free to read on every card.
pub const ISSUER: [(&str, &str); 1] = [("SSSE", "EF05")];

/// The holder's basic data.
pub const HOLDER: [(&str, &str); 1] = [("SSSE", "EF06")];

/// Items of the eleven basic fields (读基本信息): the shortest read that driver functions promise.
const BASIC: [&str; 8] = [
    "card_identifier",
    "spec_version",
    "issue_date",
    "valid_until",
    "card_number",
    "social_security_number",
    "name",
    "name_extension",
];

/// A read in progress.
pub struct Reader<'a> {
    profile: &'a Profile,
    means: Means,
    asks_fci: bool,
    /// Whether of a file that is read record by record only the basic items are wanted.
    basic: bool,
    /// Whether each file is read until the card says that it ends, whatever its rows say.
    to_the_end: bool,
    state: State,
    ways: Ways,
    sure: Sure,
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
    /// Records of a TLV file, as the card answered them; the bytes of a transparent one.
    parts: Vec<Vec<u8>>,
    /// The end of an answer that is no whole record, until the record comes whole.
    cut: Vec<u8>,
    /// Ways in which this file was tried, the present one last.
    tried: Vec<Ways>,
    /// Whether only its basic items are asked for, each by its tag.
    basic: bool,
    /// Whether several records were asked for at once.
    asked_together: bool,
    /// How the card refused the first of them.
    refused: Option<StatusWord>,
    /// Whether it refused one for a reason that says nothing of what it can.
    by_chance: bool,
    /// How far its records are known, in case there are more than its rows.
    extent: Extent,
}

/// What a step was for.
#[derive(Clone, Debug)]
enum Wanted {
    Select,
    Proof(Right),
    File,
    Records(RecordRead),
    Further(u8),
    Entry(u8),
    Part { offset: u16, asked: usize },
    Behind,
}

impl<'a> Reader<'a> {
    /// A read of these files, in this order; files of one directory should follow each other.
    #[must_use]
    pub fn new(profile: &'a Profile, files: &[(&str, &str)], means: Means) -> Self {
        let mut reader = Self {
            profile,
            means,
            asks_fci: false,
            basic: false,
            to_the_end: false,
            state: State::default(),
            ways: Ways::default(),
            sure: Sure::default(),
            files: VecDeque::new(),
            current: None,
            queue: VecDeque::new(),
            outcome: Outcome::default(),
        };
        for (df, ef) in files {
            match reader.profile.df(df).zip(reader.profile.ef(df, ef)) {
                Some((df, ef)) => reader.files.push_back(File::new(df, ef)),
                None => {
                    reader.outcome.refusals.push(Refusal { place: Place::file(df, ef), reason: Reason::NoSuchFile })
                }
            }
        }
        reader
    }

    /// The first read of a card that is not known yet: its FCI, where it is long enough to name an algorithm, and the issuer's
    /// data. Both say which profile the card has.
    #[must_use]
    pub fn issuer(profile: &'a Profile) -> Self {
        Self { asks_fci: true, ..Self::new(profile, &ISSUER, Means::default()) }
    }

    /// Wants the eleven basic fields alone: a file that is read whole brings what it brings, of one that this type of card has read
    /// record by record only their items are asked for, each by its tag as drivers do.
    #[must_use]
    pub const fn basic(mut self) -> Self {
        self.basic = true;
        self
    }

    /// Reads each file until the card says that it ends: records behind the last row and bytes behind the size are read as well, at the
    /// price of an exchange a file.
    #[must_use]
    pub fn to_the_end(mut self) -> Self {
        self.to_the_end = true;
        self.files.iter_mut().for_each(|file| file.records_max = extent::RECORDS_MAX);
        self
    }

    /// Reads in these ways first: those that cards of the same type were read in.
    #[must_use]
    pub fn by(mut self, ways: Ways) -> Self {
        self.ways = ways;
        self
    }

    /// Goes on after another read of the same card: what is selected and proved stays so, what was read is kept.
    #[must_use]
    pub fn after(mut self, earlier: Outcome) -> Self {
        let refusals = std::mem::take(&mut self.outcome.refusals);
        (self.state, self.ways, self.sure) = (earlier.state.clone(), earlier.ways, earlier.sure);
        self.outcome = earlier;
        self.outcome.refusals.extend(refusals);
        self
    }

    /// The command with which [`Reader::issuer`] reads, once the environment is selected, a card that is read in these ways;
    /// `None` where the file must be selected first.
    #[must_use]
    pub fn issuer_command(profile: &Profile, ways: Ways) -> Option<Command> {
        let selected = Outcome::selected(profile, &Response { data: Vec::new(), sw: StatusWord::OK });
        let mut reader = Reader::new(profile, &ISSUER, Means::default()).after(selected).by(ways);
        match reader.next_step().filter(|_| ways.by_sfi)? {
            Step::Send(command) => Some(command),
            _ => None,
        }
    }

    /// Takes what the card was asked and answered before, if that is the step that comes next.
    #[must_use]
    pub fn heard(mut self, heard: Option<&Heard>) -> Self {
        if let Some((command, answer)) = heard
            && matches!(self.next_step(), Some(Step::Send(next)) if next == *command)
        {
            self.answer(answer);
        }
        self
    }

    /// Tries no other key than this one, which the card refused: the security module has perhaps none of the card's keys.
    #[must_use]
    pub fn sparing(mut self, refused: Option<&KeyName>) -> Self {
        self.state.spare_for(refused.cloned());
        self
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
            self.read_on();
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
            Wanted::Proof(_) | Wanted::File if answer.sw.is_ok() => {}
            Wanted::Proof(right) => {
                self.state.refuse(&right, answer.sw);
                self.refuse(Reason::ProofRefused { right, sw: answer.sw });
            }
            Wanted::File => self.give_up(answer.sw),
            Wanted::Records(read) => self.take_records(&read, answer),
            Wanted::Further(number) => self.take_further(number, answer),
            Wanted::Entry(number) => self.take_entry(number, answer),
            Wanted::Part { offset, asked } => self.take_part(offset, asked, answer),
            Wanted::Behind => self.take_behind(answer),
        }
    }

    /// What was read. When the card stopped answering, files that it still owed count as lost.
    #[must_use]
    pub fn finish(mut self) -> Outcome {
        let lost = |file: &File<'_>| Refusal { place: Place::file(&file.df.id, &file.ef.id), reason: Reason::Lost };
        if !self.queue.is_empty() {
            self.outcome.refusals.extend(self.current.as_ref().map(lost));
            self.state.forget_selection();
        }
        self.outcome.refusals.extend(self.files.iter().map(lost));
        self.close_file();
        Outcome { ways: self.ways, state: self.state, sure: self.sure, ..self.outcome }
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
            let least = df.df_name.len() + fci::WITH_ALGORITHM;
            let step = match std::mem::take(&mut self.asks_fci) {
                true => Step::Fetch { command, least },
                false => Step::Send(command),
            };
            self.queue.push_back((step, Wanted::Select));
        }
        self.queue.extend(proofs.into_iter().map(|(right, step)| (step, Wanted::Proof(right))));
        self.current = Some(file);
        self.ask_from(self.ways, 0);
    }

    /// Asks for the current file in one way, from a record or an entry on.
    fn ask_from(&mut self, ways: Ways, start: usize) {
        let Some(file) = self.current.as_mut() else { return };
        file.tried.push(ways);
        let ef = file.ef;
        if !ways.by_sfi {
            self.queue.push_back((Step::Send(command::select_by_fid(ef.fid)), Wanted::File));
        }
        match ef.kind {
            EfKind::TlvRecords => self.ask_records(ways, start..ef.elements.len()),
            EfKind::Cyclic if file.records_max > 0 => {
                let number = u8::try_from(start.max(1)).unwrap_or(u8::MAX);
                self.queue.push_back(entry(ef, ways, number));
            }
            EfKind::Cyclic => {}
            EfKind::Transparent => {
                let size = usize::from(ef.size);
                for offset in address::offsets(READ_CHUNK).take_while(|offset| *offset < ef.size) {
                    let asked = READ_CHUNK.min(size - usize::from(offset));
                    let command = address::read_binary(ef, ways, offset, asked);
                    self.queue.push_back((Step::Send(command), Wanted::Part { offset, asked }));
                }
            }
        }
    }

    fn ask_records(&mut self, ways: Ways, records: std::ops::Range<usize>) {
        let Some(file) = self.current.as_mut() else { return };
        let ef = file.ef;
        // What was asked for in another way before is asked for whole.
        file.basic = self.basic && !ways.together && file.tried.len() == 1 && !file.asked_together;
        if file.basic {
            for (index, row) in ef.elements.iter().enumerate().filter(|(_, row)| is_basic(row)) {
                let length = usize::from(row.format.length) + 2;
                let record = Record::Tag(row.tag.unwrap_or_default());
                let read = RecordRead { record, records: index..index + 1, length };
                self.queue.push_back((Step::Send(read.command(ef, ways)), Wanted::Records(read)));
            }
            return;
        }
        let rows = ef.elements.get(records.clone()).unwrap_or_default();
        let lengths: Vec<usize> = rows.iter().map(|row| usize::from(row.format.length) + 2).collect();
        for read in address::record_reads(&lengths, ways.together) {
            let read = read.shifted(records.start);
            self.queue.push_back((Step::Send(read.command(ef, ways)), Wanted::Records(read)));
        }
    }

    fn asks_basic(&self) -> bool {
        self.current.as_ref().is_some_and(|file| file.basic)
    }

    /// The way that the current file is read in.
    fn way(&self) -> Ways {
        self.current.as_ref().and_then(|file| file.tried.last().copied()).unwrap_or(self.ways)
    }

    /// A read brought data: the way to the file is right. What a chance made necessary is not learnt.
    fn confirm(&mut self) {
        if self.is_by_chance() {
            return;
        }
        let way = self.way();
        (self.ways.by_sfi, self.ways.exact_le) = (way.by_sfi, way.exact_le);
        self.sure.by_sfi = true;
    }

    /// Whether the way of the current file is one to which a chance led: a failing memory, not what the card can.
    fn is_by_chance(&self) -> bool {
        self.current.as_ref().is_some_and(|file| file.by_chance)
    }

    fn why_unproved(&self, right: Right) -> Reason {
        match self.state.refusal(&right) {
            Some(sw) => Reason::ProofRefused { right, sw },
            None => match self.state.spared(&right) {
                Some((key, refused)) => Reason::Spared { key, refused },
                None => Reason::Unproved(right),
            },
        }
    }

    fn close_file(&mut self) {
        let Some(mut file) = self.current.take() else { return };
        if !file.cut.is_empty() {
            file.parts.push(std::mem::take(&mut file.cut));
        }
        if file.parts.iter().all(Vec::is_empty) && file.ef.kind != EfKind::Cyclic {
            return;
        }
        match file.ef.kind {
            // Entries were taken as they came.
            EfKind::Cyclic => file.extent.count().into_iter().for_each(|held| {
                self.outcome.reading.add_surplus(file.df, file.ef, held * file.ef.record_length());
            }),
            EfKind::TlvRecords if file.basic => {
                let elements = file.ef.elements.iter().filter(|row| is_basic(row)).cloned().collect();
                let ef = Ef { elements, ..file.ef.clone() };
                self.outcome.reading.add_parts(file.df, &ef, &file.parts);
            }
            EfKind::TlvRecords => self.outcome.reading.add_parts(file.df, file.ef, &file.parts),
            EfKind::Transparent => self.outcome.reading.add_file(file.df, file.ef, &file.parts.concat()),
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
        if let Some(file) = &mut self.current {
            file.extent.is_whole = true;
            self.outcome.refusals.push(Refusal { place: Place::file(&file.df.id, &file.ef.id), reason });
        }
    }

    /// No way is left: the card's first refusal is the one that counts.
    fn give_up(&mut self, sw: StatusWord) {
        let first = self.current.as_ref().and_then(|file| file.refused).unwrap_or(sw);
        self.refuse(Reason::Refused(first));
    }

    /// The card refused a READ: another way is tried from there, if one can help.
    fn try_otherwise(&mut self, sw: StatusWord, start: usize) {
        let sure = self.sure;
        let Some(file) = self.current.as_mut() else { return };
        // A card that gives no item by its tag is asked for all records by number.
        if file.basic {
            file.parts.clear();
            file.extent = Extent::default();
            self.basic = false;
            self.queue.clear();
            let way = file.tried.pop().unwrap_or(self.ways);
            return self.ask_from(way, 0);
        }
        file.refused.get_or_insert(sw);
        file.by_chance |= !Ways::is_unknown_to_card(sw);
        match Ways::after(&file.tried, sw, &sure).filter(|_| !is_final(sw)) {
            Some(next) => {
                self.queue.clear();
                self.ask_from(next, start);
            }
            None => self.give_up(sw),
        }
    }
}

impl Script for Reader<'_> {
    fn next_step(&mut self) -> Option<Step> {
        Reader::next_step(self)
    }

    fn secret(&self) -> Option<Secret> {
        match self.queue.front() {
            Some((_, Wanted::Proof(Right::Pin))) => Some(Secret::Pin),
            Some((_, Wanted::Proof(Right::Key(name)))) => Some(Secret::Key(name.clone())),
            _ => None,
        }
    }

    fn answer(&mut self, answer: &Response) {
        Reader::answer(self, answer);
    }

    /// The proof could not be made: its file is passed over.
    fn skip(&mut self, why: Skipped) {
        let Some((_, Wanted::Proof(right))) = self.queue.pop_front() else { return };
        self.state.lose(&right);
        let reason = match (why, &right) {
            (Skipped::Withheld(refused), _) => Reason::Withheld { right, left: refused.left },
            (Skipped::Module(error), Right::Key(key)) => {
                Reason::Module { key: key.clone(), fault: ModuleFault::from(&error) }
            }
            (Skipped::NoChallenge(sw), _) => Reason::ProofRefused { right, sw },
            (Skipped::NoModule(_) | Skipped::Module(_) | Skipped::NotGenuine(_), _) => Reason::Unproved(right),
        };
        self.refuse(reason);
    }
}

impl<'a> File<'a> {
    fn new(df: &'a Df, ef: &'a Ef) -> Self {
        Self {
            df,
            ef,
            records_max: ef.records,
            parts: Vec::new(),
            cut: Vec::new(),
            tried: Vec::new(),
            basic: false,
            asked_together: false,
            refused: None,
            by_chance: false,
            extent: Extent::default(),
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

/// Whether asking in another way could not bring more.
fn is_final(sw: StatusWord) -> bool {
    matches!(sw, StatusWord::SECURITY_STATUS | StatusWord::SELECTED_INVALID | StatusWord::CONDITIONS_OF_USE)
}

/// Whether a row is an item of the basic fields. Files of other directories have none.
fn is_basic(row: &Element) -> bool {
    row.tag.is_some() && BASIC.contains(&&*row.id)
}

fn entry(ef: &Ef, ways: Ways, number: u8) -> (Step, Wanted) {
    let command = address::read_record(ef, ways, Record::Number(number), ef.record_length());
    (Step::Send(command), Wanted::Entry(number))
}

#[cfg(test)]
mod tests;
