//! The centre at the other end of a line: prepared jobs are taken over ahead, cryptograms asked one by one, outcomes kept until
//! the centre has them.
//!
//! Owns: the jobs on lease here, the order of journal and message, telling which cards are in doubt.
//! Never: holds a key or keeps a person's data longer than the process lives; calls a card made before the centre has said so.

mod module;

use std::collections::{BTreeSet, VecDeque};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use card_core::security::{CityCode, SecurityModule};
use card_profiles::CardValues;
use ring::rand::{SecureRandom, SystemRandom};
use zeroize::Zeroizing;

use super::care::Care;
use super::failure::StationError;
use super::line::{Bound, Centre, Found, Line, Order, Rest};
use super::line_failure::LineError;
use super::outbox::Outbox;
use super::wire::{Answer, Ask, ID_LENGTH, Message, Prepared};
use super::{content, receipt};
use crate::card::{Card, Chip};
use crate::error::Explain;
use crate::exit::Exit;
use crate::http::call::Caller;
use module::RemoteModule;

/// A centre at the other end of a line.
pub struct Remote<'a> {
    /// The line.
    pub caller: Arc<Caller>,
    /// The station's own journal.
    pub outbox: &'a Outbox,
    /// Batch to make.
    pub batch: i64,
    /// Operator at the station.
    pub operator: &'a str,
    /// Digest of the text of the card type ([`crate::centre::CardType::digest`]).
    pub profile: &'a str,
    /// The lot worked off.
    pub care: Care<'a>,
    /// Most jobs to be kept for this station at once.
    pub share: u32,
    /// Folder for receipts.
    pub receipts: Option<PathBuf>,
    /// Jobs at hand.
    pub jobs: Mutex<Jobs>,
    /// What the centre said at the beginning.
    pub said: OnceLock<(CityCode, u8)>,
}

/// Times in a row that the centre may have given a job away before a card is left for later (assumed).
const GONE_MAX: u32 = 5;

/// Jobs at hand.
#[derive(Debug, Default)]
pub struct Jobs {
    waiting: VecDeque<Prepared>,
    begun: Vec<Prepared>,
    /// Jobs that a reader has taken and whose chip is not bound yet: the centre still counts them among those that wait.
    taken: BTreeSet<i64>,
}

/// An outcome of an earlier run that was sent again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivered {
    /// Job.
    pub job: i64,
    /// Code of the refusal.
    pub refused: Option<&'static str>,
    /// Whether it is kept, to be sent once more: the refusal is not for good.
    pub kept: bool,
}

impl Remote<'_> {
    /// Sends what an earlier run could not: outcomes that the centre did not confirm.
    ///
    /// # Errors
    /// [`LineError`] of the line; what was not sent stays kept.
    pub fn deliver(&self) -> Result<Vec<Delivered>, StationError> {
        let mut delivered = Vec::new();
        for (id, text) in self.outbox.unsent() {
            let job = job_of(&text);
            let refused = match self.caller.ask(&text) {
                Ok(reply) => {
                    self.keep_receipt(job, &reply.answer)?;
                    None
                }
                Err(error) if error.is_final() => Some(error.code()),
                // The card may be put back and be finished in another way.
                Err(LineError::Refused { code, exit, .. }) if exit != Exit::Authentication => {
                    delivered.push(Delivered { job, refused: Some(code), kept: true });
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            self.outbox.done(&id)?;
            self.outbox.ended(job)?;
            delivered.push(Delivered { job, refused, kept: false });
        }
        Ok(delivered)
    }

    fn ask(&self, reader: &str, ask: Ask) -> Result<Answer, StationError> {
        Ok(self.caller.ask(&Caller::text(&self.message(reader, ask)?))?.answer)
    }

    /// Asks with a message that is kept before it is sent and until it is answered.
    fn ask_kept(&self, reader: &str, job: i64, ask: Ask) -> Result<Answer, StationError> {
        let message = self.message(reader, ask)?;
        let text = Caller::text(&message);
        self.outbox.keep(&message.id, &text)?;
        let answered = self.caller.ask(&text);
        match &answered {
            Ok(_) => {
                // With this one every earlier outcome of the job is decided, too.
                for (id, _) in self.outbox.unsent().into_iter().filter(|(_, text)| job_of(text) == job) {
                    self.outbox.done(&id)?;
                }
                self.outbox.ended(job)?;
            }
            Err(error) if error.is_final() => {
                self.outbox.done(&message.id)?;
                self.outbox.ended(job)?;
            }
            // The card goes on, and has another outcome.
            Err(error) if error.wants_it_anew() => self.outbox.done(&message.id)?,
            Err(_) => {}
        }
        Ok(answered?.answer)
    }

    fn message(&self, reader: &str, ask: Ask) -> Result<Message, StationError> {
        let (operator, reader) = (self.operator.to_owned(), reader.to_owned());
        Ok(Message { id: message_id()?, operator, reader, ask })
    }

    fn jobs(&self) -> MutexGuard<'_, Jobs> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes over what the centre has prepared for this station.
    fn fetch(&self, jobs: &mut Jobs) -> Result<(), StationError> {
        let share = self.share.saturating_add(u32::try_from(jobs.taken.len()).unwrap_or_default());
        let ask = Ask::Jobs { batch: self.batch, share, after: 0 };
        let taken = self.caller.jobs(&self.message("-", ask)?)?;
        (jobs.begun, jobs.waiting) = (Vec::new(), VecDeque::new());
        for prepared in taken.into_iter().filter(|prepared| !jobs.taken.contains(&prepared.job)) {
            if prepared.card.is_some() { jobs.begun.push(prepared) } else { jobs.waiting.push_back(prepared) }
        }
        Ok(())
    }

    fn order(&self, prepared: &Prepared, card: &Card, key_version: u8) -> Result<Order, StationError> {
        let &(city, transport_lot) = self.said.get().ok_or(LineError::Nonsense)?;
        let mut values = CardValues::new();
        for (place, value) in &prepared.values {
            values.set(place, value.as_str()).map_err(|_| LineError::Nonsense)?;
        }
        content::add_card(&mut values, card);
        Ok(Order {
            card: card.clone(),
            values,
            holder: prepared.holder.clone(),
            city,
            transport_lot,
            key_version,
            keyed: prepared.keyed.clone(),
            changes: prepared.changes,
            plan: None,
        })
    }

    fn keep_receipt(&self, job: i64, answer: &Answer) -> Result<(), StationError> {
        let (Some(folder), Answer::Receipt { body, signature }) = (&self.receipts, answer) else { return Ok(()) };
        let written = receipt::write(folder, job, body, signature);
        written.map_err(|source| StationError::Receipt { folder: folder.clone(), source })
    }
}

impl Centre for Remote<'_> {
    fn begin(&self, readers: &[&str]) -> Result<(), StationError> {
        let ask = Ask::Begin {
            batch: self.batch,
            readers: readers.iter().map(|reader| (*reader).to_owned()).collect(),
            lot: self.care.lot.map(str::to_owned),
            place: self.care.station.map(str::to_owned),
            profile: self.profile.to_owned(),
        };
        let Answer::Begun { city, transport_lot } = self.ask("-", ask)? else { return Err(LineError::Nonsense.into()) };
        let city = CityCode::parse(&city).ok_or(LineError::Nonsense)?;
        let _ = self.said.set((city, transport_lot));
        self.fetch(&mut self.jobs())?;
        // What the centre does not hold open for this station is in doubt no more: it was declared lost, or finished there.
        for job in self.outbox.in_doubt().into_keys() {
            if !self.jobs().begun.iter().any(|prepared| prepared.job == job) {
                self.outbox.ended(job)?;
            }
        }
        Ok(())
    }

    fn line(&self, reader: &str) -> Result<Box<dyn Line + '_>, StationError> {
        Ok(Box::new(RemoteLine { centre: self, reader: reader.to_owned() }))
    }

    fn end(&self) -> Result<Rest, StationError> {
        match self.ask("-", Ask::End { batch: self.batch })? {
            Answer::Ended(rest) => Ok(rest),
            _ => Err(LineError::Nonsense.into()),
        }
    }
}

struct RemoteLine<'a> {
    centre: &'a Remote<'a>,
    reader: String,
}

impl RemoteLine<'_> {
    fn ask(&self, ask: Ask) -> Result<Answer, StationError> {
        self.centre.ask(&self.reader, ask)
    }

    /// Whether there is something to do here, and whether others have what is left.
    fn look(&self) -> Result<(bool, bool), StationError> {
        match self.ask(Ask::Look { batch: self.centre.batch })? {
            Answer::Look { work_left, elsewhere } => Ok((work_left, elsewhere)),
            _ => Err(LineError::Nonsense.into()),
        }
    }

    /// A job at hand; more are fetched when there is none.
    fn next(&self) -> Result<Option<Prepared>, StationError> {
        let mut jobs = self.centre.jobs();
        if jobs.waiting.is_empty() {
            self.centre.fetch(&mut jobs)?;
        }
        let next = jobs.waiting.pop_front();
        jobs.taken.extend(next.as_ref().map(|prepared| prepared.job));
        Ok(next)
    }

    /// Binds the chip to the next job at hand, or to the one whose card a factory made.
    fn bind_next(&self, chip: &Chip, made: Option<&str>) -> Result<Bound, StationError> {
        let at_hand = if made.is_none() { self.next()? } else { None };
        if made.is_none() && at_hand.is_none() {
            return Ok(Bound::NothingWaits);
        }
        let ask = Ask::Bind {
            batch: self.centre.batch,
            chip: chip.as_str().to_owned(),
            job: at_hand.as_ref().map(|prepared| prepared.job),
            made: made.map(str::to_owned),
            lot: self.centre.care.lot.map(str::to_owned),
            place: self.centre.care.station.map(str::to_owned),
        };
        let answer = self.ask(ask)?;
        if let Some(prepared) = &at_hand {
            let mut jobs = self.centre.jobs();
            jobs.taken.remove(&prepared.job);
            if !matches!(answer, Answer::Bound { .. } | Answer::Gone) {
                jobs.waiting.push_front(prepared.clone());
            }
        }
        let Answer::Bound { card, key_version } = answer else { return unbound(&answer) };
        self.centre.outbox.begun(card.job, chip.as_str(), &self.reader)?;
        let prepared = match at_hand {
            Some(mut prepared) => {
                prepared.card = Some((*card).clone());
                prepared.key_version = key_version;
                self.centre.jobs().begun.push(prepared.clone());
                prepared
            }
            // A factory's card: its data were not at hand.
            None => {
                let mut jobs = self.centre.jobs();
                self.centre.fetch(&mut jobs)?;
                jobs.begun.iter().find(|prepared| prepared.job == card.job).cloned().ok_or(LineError::Nonsense)?
            }
        };
        if prepared.job != card.job || card.chip != *chip {
            return Err(LineError::Nonsense.into());
        }
        Ok(Bound::New(Box::new(self.centre.order(&prepared, &card, key_version)?)))
    }
}

impl Line for RemoteLine<'_> {
    fn work_left(&mut self) -> Result<bool, StationError> {
        Ok(self.look()?.0)
    }

    fn is_left_to_others(&mut self) -> Result<bool, StationError> {
        Ok(self.look()?.1)
    }

    fn others_may_come(&mut self) -> Result<bool, StationError> {
        // Which cards factories have made for the batch is known at the centre.
        Ok(true)
    }

    fn find(&mut self, chip: &Chip) -> Result<Found, StationError> {
        let jobs = self.centre.jobs();
        let known = |prepared: &&Prepared| prepared.card.as_ref().is_some_and(|card| card.chip == *chip);
        let Some(prepared) = jobs.begun.iter().find(known) else { return Ok(Found::Free) };
        let card = prepared.card.as_ref().ok_or(LineError::Nonsense)?;
        let order = self.centre.order(prepared, card, prepared.key_version)?;
        self.centre.outbox.begun(prepared.job, chip.as_str(), &self.reader)?;
        Ok(Found::Begun(Box::new(order)))
    }

    fn bind(&mut self, chip: &Chip, made: Option<&str>) -> Result<Bound, StationError> {
        for _ in 0..GONE_MAX {
            match self.bind_next(chip, made)? {
                // What is at hand was on lease as long as it: the centre says what it keeps for this station now.
                Bound::Gone => self.centre.jobs().waiting.clear(),
                bound => return Ok(bound),
            }
        }
        Ok(Bound::NothingWaits)
    }

    fn note(&mut self, job: i64, event: &str, detail: &str) -> Result<(), StationError> {
        if event == super::line::KEYS_DONE
            && let Some(prepared) = self.centre.jobs().begun.iter_mut().find(|prepared| prepared.job == job)
        {
            prepared.keyed.push(detail.to_owned());
        }
        self.ask(Ask::Note { job, event: event.to_owned(), detail: detail.to_owned() }).map(drop)
    }

    fn keyed(&mut self, job: i64, df: &str) -> Result<(), StationError> {
        self.note(job, super::line::KEYS_DONE, df)
    }

    fn finish(&mut self, order: &Order, steps: usize, read_back: &str, to_print: bool) -> Result<(), StationError> {
        let job = order.card.job;
        let (read_back, changes) = (read_back.to_owned(), order.changes);
        let ask = Ask::Finish { job, steps, read_back, changes, to_print };
        let answered = self.centre.ask_kept(&self.reader, job, ask);
        if answered.as_ref().is_err_and(StationError::wants_it_anew) {
            self.centre.fetch(&mut self.centre.jobs())?;
        }
        let answer = answered?;
        self.centre.jobs().begun.retain(|prepared| prepared.job != job);
        self.centre.keep_receipt(job, &answer)
    }

    fn spoil(&mut self, order: &Order, reason: &str) -> Result<i64, StationError> {
        let job = order.card.job;
        let answer = self.centre.ask_kept(&self.reader, job, Ask::Spoil { job, reason: reason.to_owned() })?;
        self.centre.jobs().begun.retain(|prepared| prepared.job != job);
        match answer {
            Answer::Spoilt { next_job } => Ok(next_job),
            _ => Err(LineError::Nonsense.into()),
        }
    }

    fn failures_in_a_row(&mut self) -> Result<u32, StationError> {
        match self.ask(Ask::Failures)? {
            Answer::Failures { in_a_row } => Ok(in_a_row),
            _ => Err(LineError::Nonsense.into()),
        }
    }

    fn hold_reader(&mut self, reason: &str) -> Result<(), StationError> {
        self.ask(Ask::Hold { reason: reason.to_owned() }).map(drop)
    }

    fn lot_is_bad(&mut self) -> Result<bool, StationError> {
        let Care { lot: Some(lot), lot_percent_max, .. } = self.centre.care else { return Ok(false) };
        match self.ask(Ask::Lot { lot: lot.to_owned(), percent: lot_percent_max })? {
            Answer::Lot { bad } => Ok(bad),
            _ => Err(LineError::Nonsense.into()),
        }
    }

    fn photo(&mut self, order: &Order) -> Result<Option<Zeroizing<String>>, StationError> {
        match self.ask(Ask::Photo { job: order.card.job })? {
            Answer::Photo { photo } => Ok(photo.map(Zeroizing::new)),
            _ => Err(LineError::Nonsense.into()),
        }
    }

    fn module(&self, job: i64) -> Box<dyn SecurityModule> {
        let (operator, reader) = (self.centre.operator.to_owned(), self.reader.clone());
        Box::new(RemoteModule { caller: Arc::clone(&self.centre.caller), operator, reader, job })
    }
}

/// The job whose outcome a kept message tells; 0 for another message.
fn job_of(text: &str) -> i64 {
    match Caller::message(text).map(|message| message.ask) {
        Some(Ask::Finish { job, .. } | Ask::Spoil { job, .. }) => job,
        _ => 0,
    }
}

fn unbound(answer: &Answer) -> Result<Bound, StationError> {
    match answer {
        Answer::Taken => Ok(Bound::Taken),
        Answer::NotBlank => Ok(Bound::NotBlank),
        Answer::NothingWaits => Ok(Bound::NothingWaits),
        Answer::NoBlanks => Ok(Bound::NoBlanks),
        Answer::Gone => Ok(Bound::Gone),
        _ => Err(LineError::Nonsense.into()),
    }
}

/// A fresh id.
pub(super) fn message_id() -> Result<String, StationError> {
    let mut bytes = [0; ID_LENGTH / 2];
    let drawn = SystemRandom::new().fill(&mut bytes);
    drawn.map_err(|_| card_core::security::SecurityError::Unsupported { operation: "draw random bytes" })?;
    Ok(hex::encode_upper(bytes))
}

impl std::fmt::Debug for Remote<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Remote").field("batch", &self.batch).finish_non_exhaustive()
    }
}
