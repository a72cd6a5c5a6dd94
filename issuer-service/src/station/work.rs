//! The work on one card: bind it to a job, write it by plan, verify it, or spoil it.
//!
//! Owns: what is in the journal before and after each act on a card; reading an interrupted card's state.
//! Never: retries a command, waits for a card.

use std::sync::Arc;

use card_core::algorithm::Algorithm;
use card_core::command::{self, Record};
use card_core::fci::Fci;
use card_core::transport::TransportError;
use card_core::{Session, StatusWord};
use card_profiles::access::Access;
use card_profiles::plan::{Act as PlanAct, ControlKeyState, Plan};

use card_profiles::profile::EfKind;

use super::Station;
use super::book;
use super::event::Refusal;
use super::failure::StationError;
use super::hook::HookEnd;
use super::line::{Bound, Found, Line, Order};
use super::print;
use super::read_back::ReadBack;
use super::writer::{Broken, Writer, refused};
use crate::card::Chip;

/// Work on one reader.
pub(super) struct Work<'a> {
    pub(super) station: &'a Station<'a>,
    pub(super) reader: String,
}

/// What a card in the reader is good for.
pub(super) enum Claim {
    /// A blank one, bound to a job now.
    New(Box<Order>),
    /// One that was begun.
    Resume(Box<Order>),
    /// Not to be written.
    Refused(Refusal),
    /// No job waits for a blank card.
    NothingWaits,
    /// Stock has no blank card of the lot at this station: nothing may be made of this one.
    NoBlanks,
    /// It was pulled before it was bound.
    Lost(TransportError),
}

/// What a card is that was not begun here.
enum Looked {
    /// Blank, and of the generation that is issued.
    Blank,
    /// City, RID and serial of the identifier that it holds, as 24 hex digits.
    Made(String),
    /// Blank, and of another generation or algorithm.
    OtherGeneration,
}

/// EF06 of the environment: the holder's basic information.
const HOLDER: u8 = 6;

/// What came of writing.
pub(super) enum Written {
    /// Everything was read back as written.
    Verified {
        /// Steps of the plan.
        steps: usize,
        /// Digest of what was read back.
        read_back: String,
    },
    /// The card failed; a code says how.
    Bad(String),
    /// The card or the reader did not answer; the card's state is unknown.
    Lost(TransportError),
}

impl Work<'_> {
    /// Finds the job of the card in the reader, or binds a blank one to a job, durably, before anything is written.
    pub(super) fn claim(&self, line: &mut dyn Line, session: &mut Session, chip: &Chip) -> Result<Claim, StationError> {
        match line.find(chip)? {
            Found::Begun(order) => return Ok(Claim::Resume(order)),
            Found::Taken => return Ok(Claim::Refused(Refusal::ChipTaken)),
            Found::Unfit => return Ok(Claim::Refused(Refusal::DataUnfit)),
            Found::Free => {}
        }
        let made = match self.look_at(session) {
            Ok(Looked::Made(identifier)) => Some(identifier),
            Ok(Looked::Blank) => None,
            Ok(Looked::OtherGeneration) => return Ok(Claim::Refused(Refusal::OtherGeneration)),
            Err(Broken::Bad(_)) => return Ok(Claim::Refused(Refusal::NotSocialSecurityCard)),
            Err(Broken::Lost(error)) => return Ok(Claim::Lost(error)),
            Err(Broken::Station(error)) => return Err(error),
        };
        Ok(match line.bind(chip, made.as_deref())? {
            Bound::New(order) => Claim::New(order),
            Bound::Taken => Claim::Refused(Refusal::ChipTaken),
            Bound::NotBlank => Claim::Refused(Refusal::NotBlank),
            Bound::NothingWaits | Bound::Gone => Claim::NothingWaits,
            Bound::NoBlanks => Claim::NoBlanks,
        })
    }

    /// Carries out the plan. Of an interrupted card those directories are asked for their keys that the journal does not
    /// say to have them.
    pub(super) fn write(
        &self,
        line: &mut dyn Line,
        session: &mut Session,
        order: &mut Order,
        resumed: bool,
    ) -> Result<Written, StationError> {
        let mut digest = ReadBack::new();
        match self.carry_out(line, session, order, resumed, &mut digest) {
            Ok(steps) => Ok(Written::Verified { steps, read_back: digest.finish() }),
            Err(Broken::Bad(reason)) => Ok(Written::Bad(reason)),
            Err(Broken::Lost(error)) => Ok(Written::Lost(error)),
            Err(Broken::Station(error)) => Err(error),
        }
    }

    /// Hands a made card to the printer, if there is one; a code when it is not printed.
    pub(super) fn print(&self, line: &mut dyn Line, order: &Order) -> Result<Option<&'static str>, StationError> {
        let Some(printer) = self.station.printer else { return Ok(None) };
        let photo = line.photo(order)?;
        let photo = photo.as_ref().map(|photo| photo.as_str());
        let end = print::print(printer, &self.reader, &order.card, &order.holder, photo);
        line.note(order.card.job, print::event(end), end.code())?;
        Ok((end != HookEnd::Done).then_some(end.code()))
    }

    fn carry_out(
        &self,
        line: &mut dyn Line,
        session: &mut Session,
        order: &mut Order,
        resumed: bool,
        digest: &mut ReadBack,
    ) -> Result<usize, Broken> {
        let (profile, job) = (self.station.profile, order.card.job);
        let mut target = book::target(order);
        let mut writer = Writer { session, keys: line.module(job) };
        if resumed {
            for df in &order.keyed {
                target.control.set(df, ControlKeyState::Production);
            }
            writer.find_control_keys(profile, &mut target, |df| {
                order.keyed.push(df.to_owned());
                line.keyed(job, df)
            })?;
        }
        let plan = match &order.plan {
            Some(plan) if !resumed => Arc::clone(plan),
            _ => Arc::new(Plan::personalize(profile, &order.values, &target).map_err(StationError::from)?),
        };
        let total = plan.steps.len();
        let keyed = &mut order.keyed;
        writer.carry_out(&plan, |step, number, answer| {
            digest.add(step, &answer.data);
            if let PlanAct::ReplaceControlKey(_) = step.act {
                keyed.push(step.df.clone());
                line.keyed(job, &step.df)?;
            }
            self.station.watcher.step(&self.reader, number, total);
            Ok(())
        })
    }

    /// What the card is, before anything is bound to it or written.
    fn look_at(&self, session: &mut Session) -> Result<Looked, Broken> {
        let environment = self.station.profile.df.first().map(|df| df.df_name.clone()).unwrap_or_default();
        let select = session.send(&command::select_by_name(&environment).with_le(0))?;
        if !select.sw.is_ok() {
            return Err(Broken::Bad(refused(Some(&select))));
        }
        let read = session.send(&command::read_record(5, Record::Tag(1), 18))?;
        match read.data.split_first_chunk::<2>() {
            Some((_, value)) if read.sw.is_ok() => {
                let blank = value.iter().all(|byte| *byte == 0) || value.iter().all(|byte| *byte == 0xFF);
                if !blank {
                    return Ok(Looked::Made(hex::encode_upper(value.get(..12).unwrap_or(value))));
                }
                let other = self.speaks_otherwise(&select.data) || self.opens_otherwise(session)?;
                Ok(if other { Looked::OtherGeneration } else { Looked::Blank })
            }
            _ => Err(Broken::Bad(refused(Some(&read)))),
        }
    }

    /// Whether the card names another algorithm than the profile; one that names none is believed.
    fn speaks_otherwise(&self, fci: &[u8]) -> bool {
        let named = Fci::parse(fci).ok().and_then(|fci| fci.algorithm);
        let ours = self.station.profile.rules().algorithm;
        named.is_some_and(|id| !matches!(Algorithm::public(id), Ok(algorithm) if algorithm == ours))
    }

    /// Whether the card gives the holder's data to anybody where the profile asks for a key, or the other way round. Generations differ
    /// in this; what a file asks for is set by the factory and not by the plan, so that it would stay so.
    fn opens_otherwise(&self, session: &mut Session) -> Result<bool, Broken> {
        let Some(df) = self.station.profile.df.first() else { return Ok(false) };
        let Some(ef) = df.ef.iter().find(|ef| ef.kind == EfKind::TlvRecords && ef.sfi() == HOLDER) else {
            return Ok(false);
        };
        let Some((element, tag)) = ef.elements.first().and_then(|element| Some((element, element.tag?))) else {
            return Ok(false);
        };
        let length = u16::from(element.format.length) + 2;
        let read = session.send(&command::read_record(HOLDER, Record::Tag(tag), length))?;
        let closed = read.sw == StatusWord::SECURITY_STATUS;
        Ok(closed == (ef.read == Access::Free))
    }
}
