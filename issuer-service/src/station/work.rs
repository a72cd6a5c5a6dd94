//! The work on one card: bind it to a job, write it by plan, verify it, or spoil it.
//!
//! Owns: what is in the journal before and after each act on a card; reading an interrupted card's state.
//! Never: retries a command, waits for a card.

use card_core::Session;
use card_core::command::{self, Record};
use card_core::transport::TransportError;
use card_profiles::plan::{Act as PlanAct, ControlKeyState, Plan};

use super::Station;
use super::book;
use super::event::Refusal;
use super::failure::StationError;
use super::hook::HookEnd;
use super::line::{Bound, Found, KEYS_DONE, Line, Order};
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
            Found::Free => {}
        }
        let made = match self.identifier_on(session) {
            Ok(made) => made,
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
                line.note(job, KEYS_DONE, df)
            })?;
        }
        let plan = Plan::personalize(profile, &order.values, &target).map_err(StationError::from)?;
        let total = plan.steps.len();
        let keyed = &mut order.keyed;
        writer.carry_out(&plan, |step, number, answer| {
            digest.add(step, &answer.data);
            if let PlanAct::ReplaceControlKey(_) = step.act {
                keyed.push(step.df.clone());
                line.note(job, KEYS_DONE, &step.df)?;
            }
            self.station.watcher.step(&self.reader, number, total);
            Ok(())
        })
    }

    /// City, RID and serial of the identifier that the card holds, as 24 hex digits; none for a blank one.
    fn identifier_on(&self, session: &mut Session) -> Result<Option<String>, Broken> {
        let environment = self.station.profile.df.first().map(|df| df.df_name.clone()).unwrap_or_default();
        let select = session.send(&command::select_by_name(&environment))?;
        if !select.sw.is_ok() {
            return Err(Broken::Bad(refused(Some(&select))));
        }
        let read = session.send(&command::read_record(5, Record::Tag(1), 18))?;
        match read.data.split_first_chunk::<2>() {
            Some((_, value)) if read.sw.is_ok() => {
                let blank = value.iter().all(|byte| *byte == 0) || value.iter().all(|byte| *byte == 0xFF);
                Ok((!blank).then(|| hex::encode_upper(value.get(..12).unwrap_or(value))))
            }
            _ => Err(Broken::Bad(refused(Some(&read)))),
        }
    }
}
