//! The work on one card: bind it to a job, write it by plan, verify it, or spoil it.
//!
//! Owns: what is in the journal before and after each act on a card; reading an interrupted card's state.
//! Never: retries a command, waits for a card.

use card_core::Session;
use card_core::command::{self, Record};
use card_core::security::{MacKey, SecurityModule};
use card_core::transport::TransportError;
use card_profiles::approach::KeyVersions;
use card_profiles::identity::CardIdentifier;
use card_profiles::plan::{Act as PlanAct, ControlKeyState, Plan, PlanError, Target};
use card_profiles::profile::KeyClass;

use super::event::Refusal;
use super::failure::StationError;
use super::writer::{Broken, Writer, refused};
use super::{Station, content, print, receipt};
use crate::audit::Act;
use crate::batch::{self, CardMove, CardState, JobMove, NumberMove};
use crate::card::{Card, Chip, life};
use crate::clock;
use crate::person::Details;
use crate::request::RequestMove;
use crate::state::State;
use crate::stock::StockMove;
use crate::stock::blank::{self, Supply};
use crate::store::{Store, Tx};
use crate::vault::Vault;

/// Work on one reader.
pub(super) struct Work<'a> {
    pub(super) station: &'a Station<'a>,
    pub(super) operator: &'a str,
    pub(super) supply: Option<&'a Supply>,
    pub(super) reader: String,
}

/// What a card in the reader is good for.
pub(super) enum Claim {
    /// A blank one, bound to a job now.
    New(Card),
    /// One that was begun.
    Resume(Card),
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
    },
    /// The card failed; a code says how.
    Bad(String),
    /// The card or the reader did not answer; the card's state is unknown.
    Lost(TransportError),
}

/// Note in the journal: this directory has its production control key.
const KEYS_DONE: &str = "keys";

impl Work<'_> {
    /// Finds the job of the card in the reader, or binds a blank one to the next job, durably, before anything is written.
    pub(super) fn claim(&self, store: &mut Store, session: &mut Session, chip: &Chip) -> Result<Claim, StationError> {
        let batch = self.station.batch;
        if let Some(card) = store.read(|tx| tx.card_by_chip(chip))? {
            let ours = store.read(|tx| tx.jobs(batch, batch::JobState::Writing))?.contains(&card.job);
            let resumes = ours && card.state == CardState::Writing.name();
            return Ok(if resumes { Claim::Resume(card) } else { Claim::Refused(Refusal::ChipTaken) });
        }
        let made = match self.identifier_on(session) {
            Ok(None) => None,
            // A factory wrote it, under the keys of the blank card: its job is known.
            Ok(Some(identifier)) => match store.read(|tx| tx.factory_job(batch, &identifier))? {
                Some(job) => Some(job),
                None => return Ok(Claim::Refused(Refusal::NotBlank)),
            },
            Err(Broken::Bad(_)) => return Ok(Claim::Refused(Refusal::NotSocialSecurityCard)),
            Err(Broken::Lost(error)) => return Ok(Claim::Lost(error)),
            Err(Broken::Station(error)) => return Err(error),
        };
        let key_set = store.read(|tx| tx.current_key_set())?;
        let card_identifier = self.identifier(chip, key_set.unwrap_or(Vault::FIRST_VERSION))?;
        let today = clock::today();
        store.journal(|tx| -> Result<_, StationError> {
            let Some(job) = made.map_or_else(|| tx.next_waiting_job(batch), |job| Ok(Some(job)))? else {
                return Ok(Claim::NothingWaits);
            };
            if let Some(supply) = self.supply
                && !blank::begin(tx, supply, &tx.job_card_number(job)?, self.operator)?
            {
                return Ok(Claim::NoBlanks);
            }
            let card = Card {
                chip: chip.clone(),
                job,
                person: tx.job_person(job)?,
                card_number: tx.job_card_number(job)?,
                card_identifier,
                profile: self.station.profile.name.clone(),
                issue_date: clock::compact(today),
                valid_until: clock::compact(clock::years_later(today, self.station.config.valid_years)),
                state: CardState::Writing.name().to_owned(),
            };
            if let Some(old) = tx.old_chip_of_job(job)? {
                self.replace(tx, &old, job)?;
            }
            tx.add_card(&card)?;
            if let Some(key_set) = key_set {
                tx.bind_key_set(job, key_set)?;
            }
            tx.move_job(job, JobMove::Bind)?;
            if let Some(lot) = self.station.care.lot {
                tx.set_lot(job, lot)?;
            }
            tx.note(job, &self.reader, "intent", chip.as_str())?;
            Ok(Claim::New(card))
        })
    }

    /// Puts a card out of use that nobody fetched and that the one begun now takes the place of. One in its holder's hands works until
    /// the new one is activated.
    fn replace(&self, tx: &Tx<'_>, old: &Chip, job: i64) -> Result<(), StationError> {
        let Some(card) = tx.card_by_chip(old)? else { return Ok(()) };
        if let Some(done) = life::begin_successor(tx, &card, self.operator)? {
            tx.append_audit(&self.act("card.replace", card.job, format!("by job {job}: {done}")))?;
        }
        Ok(())
    }

    /// Carries out the plan. Of an interrupted card those directories are asked for their keys that the journal does not
    /// say to have them.
    pub(super) fn write(
        &self,
        store: &mut Store,
        session: &mut Session,
        card: &Card,
        resumed: bool,
    ) -> Result<Written, StationError> {
        match self.carry_out(store, session, card, resumed) {
            Ok(steps) => Ok(Written::Verified { steps }),
            Err(Broken::Bad(reason)) => Ok(Written::Bad(reason)),
            Err(Broken::Lost(error)) => Ok(Written::Lost(error)),
            Err(Broken::Station(error)) => Err(error),
        }
    }

    /// The outcome of a verified card: journal, receipt, states, audit, all or nothing.
    pub(super) fn finish(&self, store: &mut Store, card: &Card, steps: usize) -> Result<(), StationError> {
        let sealed = Card { state: CardState::Sealed.name().to_owned(), ..card.clone() };
        let key_version = store.read(|tx| tx.key_set_of(card.job))?.unwrap_or(Vault::FIRST_VERSION);
        let done = receipt::Done { batch: self.station.batch, key_version, steps };
        let (body, signature) = receipt::make(self.station.vault, &done, &sealed, self.operator, &self.reader);
        store.act(|tx| {
            tx.move_job(card.job, JobMove::Finish)?;
            tx.move_card(card.job, CardMove::Seal)?;
            tx.move_number_of(card.job, NumberMove::Use)?;
            blank::end(tx, StockMove::Finish, &card.card_number, "", self.operator)?;
            tx.add_receipt(card.job, &body, &signature)?;
            tx.note(card.job, &self.reader, "done", "")?;
            if let Some(request) = tx.request_of_job(card.job)? {
                tx.move_request(request.number, RequestMove::Finish)?;
            }
            Ok(((), self.act("card.make", card.job, format!("{steps} steps verified"))))
        })
    }

    /// The outcome of a failed card; the job that follows.
    pub(super) fn spoil(&self, store: &mut Store, card: &Card, reason: &str) -> Result<i64, StationError> {
        store.act(|tx| {
            let next = batch::spoil(tx, self.station.batch, card.job, self.station.config.card_number_prefix)?;
            tx.note(card.job, &self.reader, "spoilt", reason)?;
            blank::end(tx, StockMove::Fail, &card.card_number, reason, self.operator)?;
            Ok((next, self.act("card.spoil", card.job, format!("{reason}, followed by job {next}"))))
        })
    }

    /// Hands a made card to the printer, if there is one; a code when it is not printed.
    pub(super) fn print(&self, store: &mut Store, card: &Card) -> Result<Option<&'static str>, StationError> {
        let printer = self.station.care.printer;
        printer.map_or(Ok(None), |printer| print::print(store, printer, &self.reader, card))
    }

    /// Notes something in the journal.
    pub(super) fn note(&self, store: &mut Store, card: &Card, event: &str, detail: &str) -> Result<(), StationError> {
        Ok(store.journal(|tx| tx.note(card.job, &self.reader, event, detail))?)
    }

    fn carry_out(&self, store: &mut Store, session: &mut Session, card: &Card, resumed: bool) -> Result<usize, Broken> {
        let profile = self.station.profile;
        let (person, photo, key_set) = store.read(|tx| -> Result<_, StationError> {
            let key_set = tx.key_set_of(card.job)?.unwrap_or(Vault::FIRST_VERSION);
            Ok((details(tx, card)?, tx.photo(card.person)?, key_set))
        })?;
        let values = content::values(profile, self.station.config, card, &person, photo.as_ref())?;
        let mut target = Target {
            versions: KeyVersions::all(key_set),
            ..Target::blank(card.chip.factors(self.station.config.city), self.station.config.transport_lot)
        };
        let mut writer = Writer { session, keys: self.station.vault.keys() };
        if resumed {
            for df in store.read(|tx| tx.notes(card.job, KEYS_DONE))? {
                target.control.set(&df, ControlKeyState::Production);
            }
            writer.find_control_keys(profile, &mut target, |df| self.note(store, card, KEYS_DONE, df))?;
        }
        let plan = Plan::personalize(profile, &values, &target).map_err(StationError::from)?;
        let total = plan.steps.len();
        writer.carry_out(&plan, |step, number| {
            if let PlanAct::ReplaceControlKey(_) = step.act {
                self.note(store, card, KEYS_DONE, &step.df)?;
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

    /// 卡的识别码: city, RID, serial of the chip, MAC with the card's own IRK.
    fn identifier(&self, chip: &Chip, version: u8) -> Result<CardIdentifier, StationError> {
        let (city, serial) = (self.station.config.city, chip.serial());
        let row = self.station.profile.key_of_class("SSSE", KeyClass::Irk).ok_or(PlanError::Profile("IRK"))?;
        let irk = self.station.profile.key_of_card(row, version, &chip.factors(city));
        let input = CardIdentifier::mac_input(city, serial);
        let mac = self.station.vault.keys().mac(&irk, MacKey::Whole, [0; 8], &input)?;
        Ok(CardIdentifier::new(city, serial, mac))
    }

    fn act(&self, act: &'static str, job: i64, detail: String) -> Act {
        Act { actor: self.operator.to_owned(), act, object: format!("job {job}"), detail }
    }
}

fn details(tx: &Tx<'_>, card: &Card) -> Result<Details, StationError> {
    let person = tx.person(card.person)?.ok_or(StationError::PersonMissing { job: card.job })?;
    Ok(person.details)
}
