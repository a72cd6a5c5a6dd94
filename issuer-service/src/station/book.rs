//! What the centre's book says and takes down for stations, those in its own process and those at the end of a line alike.
//!
//! Owns: beginning and ending a run, binding a chip to a job, outcomes with receipt and audit record, all or nothing.
//! Never: talks to a card; believes an outcome whose read-back is not what was prepared.

use std::collections::BTreeMap;
use std::sync::Arc;

use card_core::security::{MacKey, SecurityModule};
use card_profiles::identity::CardIdentifier;
use card_profiles::plan::{Plan, PlanError, Target};
use card_profiles::profile::KeyClass;
use card_profiles::{CardValues, Profile, approach::KeyVersions};

use super::care::{self, HoldKind};
use super::failure::StationError;
use super::line::{Bound, Found, KEYS_DONE, Order, Rest};
use super::line_failure::LineError;
use super::read_back::ReadBack;
use super::{content, print, receipt};
use crate::audit::Act;
use crate::batch::aside::{self, Why};
use crate::batch::{self, BatchError, BatchMove, BatchState, CardMove, CardState, JobMove, JobState, NumberMove};
use crate::card::{Card, Chip, life};
use crate::centre::{Config, sign_head};
use crate::clock;
use crate::operator::Role;
use crate::person::Person;
use crate::request::RequestMove;
use crate::state::State;
use crate::stock::blank;
use crate::stock::{StockError, StockMove};
use crate::store::peer::StationMessage;
use crate::store::{Store, StoreError, Tx};
use crate::sync;
use crate::vault::Vault;

/// What the book needs of its centre.
#[derive(Clone, Copy, Debug)]
pub struct Book<'a> {
    /// Keys, and the key that signs receipts.
    pub vault: &'a Vault,
    /// Configuration of the centre.
    pub config: &'a Config,
    /// Card type.
    pub profile: &'a Profile,
}

/// Who asks.
#[derive(Clone, Copy, Debug)]
pub struct By<'a> {
    /// Operator at the station.
    pub operator: &'a str,
    /// Reader.
    pub reader: &'a str,
    /// The station, when it is at the other end of a line.
    pub station: Option<&'a str>,
    /// Its message, kept with what it does.
    pub message: Option<StationMessage<'a>>,
}

/// A chip that wants to be bound.
#[derive(Clone, Copy, Debug)]
pub struct Blank<'a> {
    /// Batch.
    pub batch: i64,
    /// Chip.
    pub chip: &'a Chip,
    /// Identifier that a factory wrote.
    pub made: Option<&'a str>,
    /// Job that the station has on lease; the next one when none is named.
    pub job: Option<i64>,
    /// Lot of the blank card.
    pub lot: Option<&'a str>,
    /// Station of the stock that it was issued to, when there are several.
    pub place: Option<&'a str>,
}

/// A card that was written and read back.
#[derive(Clone, Copy, Debug)]
pub struct Written<'a> {
    /// Job.
    pub job: i64,
    /// Steps carried out.
    pub steps: usize,
    /// Digest of what was read back.
    pub read_back: &'a str,
    /// [`Order::changes`] of the order that the card was made by.
    pub changes: i64,
    /// Whether it goes to a printer next.
    pub to_print: bool,
    /// The order that the card was made by, when it was given out in this process.
    pub order: Option<&'a Order>,
}

/// What is found out about a chip before the transaction that binds it: a module that makes cryptograms may be slow.
#[derive(Clone, Copy, Debug)]
pub(super) struct Identified {
    key_set: Option<u8>,
    card_identifier: CardIdentifier,
}

/// A card that is made, with its receipt, before the transaction that puts it on record.
pub(super) struct Finished {
    card: Card,
    steps: usize,
    body: String,
    signature: String,
    /// How often what goes onto the card had changed when it was compared.
    data_changes: i64,
    to_print: bool,
}

impl By<'_> {
    /// Keeps the message that asked, in the transaction of what it did.
    pub(crate) fn keep(&self, tx: &Tx<'_>, result: Option<i64>) -> Result<(), StoreError> {
        self.message.map_or(Ok(()), |message| tx.add_station_message(&message, result))
    }

    /// The station's name; empty for the centre's own.
    pub(super) fn place(&self) -> &str {
        self.station.unwrap_or_default()
    }

    pub(crate) fn act(&self, act: &'static str, object: String, detail: String) -> Act {
        let detail = format!("{detail}{}", care::at(self.place()));
        Act { actor: self.operator.to_owned(), act, object, detail }
    }
}

impl Book<'_> {
    /// Begins a run: the operator may, no reader and lot is held, the batch is approved.
    ///
    /// # Errors
    /// [`StationError`].
    pub fn begin(
        &self,
        store: &mut Store,
        batch: i64,
        by: &By<'_>,
        readers: &[&str],
        (lot, place): (Option<&str>, Option<&str>),
    ) -> Result<(), StationError> {
        store.act(|tx| {
            care::check(tx, by, lot, readers)?;
            blank::supply(tx, self.config.stock, lot, place)?;
            tx.require(Some(by.operator), Role::Station).map_err(BatchError::from)?;
            let found = batch::found(tx, batch)?;
            match found.state.as_str() {
                state if state == BatchState::Approved.name() => tx.move_batch(batch, BatchMove::Start)?,
                state if state == BatchState::Running.name() => {}
                _ => return Err(BatchError::WrongState { number: batch, state: found.state }.into()),
            }
            self.config.card_keys().require::<BatchError>(tx)?;
            let made = self.config.made_type();
            if !tx.take_card_text(made)? {
                return Err(StationError::CardTextChanged { name: made.profile.name.clone() });
            }
            if let Some(station) = by.station {
                tx.begin_station_run(station, batch, &made.digest)?;
            }
            aside::sweep(tx, batch, by.operator)?;
            let found = batch::found(tx, batch)?;
            let own = made.text.as_ref().map(|_| format!("; cards {}, text {}", made.profile.name, made.digest));
            let detail = format!("{} waiting, {} in work{}", found.waiting, found.writing, own.unwrap_or_default());
            Ok(((), by.act("batch.run", format!("batch {batch}"), detail)))
        })
    }

    /// Refuses what may be asked in a run alone: a run of the batch is under way, and this station has begun one under the
    /// centre's card type.
    ///
    /// # Errors
    /// [`StationError`].
    pub fn under_way(&self, tx: &Tx<'_>, batch: i64, by: &By<'_>) -> Result<(), StationError> {
        let state = tx.batch_state(batch)?.ok_or(BatchError::NotFound { number: batch })?;
        if state != BatchState::Running.name() {
            return Err(BatchError::WrongState { number: batch, state }.into());
        }
        let Some(station) = by.station else { return Ok(()) };
        match tx.station_run(station, batch)? {
            Some(digest) if digest == self.config.made_type().digest => Ok(()),
            _ => Err(LineError::NotBegun { batch }.into()),
        }
    }

    /// Finishes the batch when no job is open, and signs the head of the audit log; what is left.
    ///
    /// # Errors
    /// [`StationError`].
    pub fn end(&self, store: &mut Store, batch: i64, by: &By<'_>) -> Result<Rest, StationError> {
        let look = |tx: &Tx<'_>| -> Result<_, StationError> {
            Ok((batch::found(tx, batch)?, tx.jobs(batch, JobState::Writing)?))
        };
        if !store.read(|tx| tx.jobs_kept(batch))?.is_empty() {
            store.journal(|tx| aside::sweep(tx, batch, by.operator))?;
        }
        let (found, unfinished) = store.read(look)?;
        let left = found.waiting + found.writing;
        if left == 0 && found.state == BatchState::Running.name() {
            store.act_under_way(|tx| -> Result<_, StationError> {
                tx.move_batch(batch, BatchMove::Finish)?;
                let detail = format!("{} done, {} spoilt", found.done, found.spoilt);
                Ok(((), by.act("batch.finish", format!("batch {batch}"), detail)))
            })?;
        }
        sign_head(store, self.vault, by.operator)?;
        Ok(Rest { left, unfinished, set_aside: found.set_aside })
    }

    /// What is known of a chip, for the work on a batch. A card begun for a person whose details do not fit it any more is spoilt:
    /// it cannot be finished.
    ///
    /// # Errors
    /// [`StationError`].
    pub fn find(&self, store: &mut Store, batch: i64, chip: &Chip, by: &By<'_>) -> Result<Found, StationError> {
        let found = store.read(|tx| -> Result<_, StationError> {
            let Some(card) = tx.card_by_chip(chip)? else { return Ok(Ok(Found::Free)) };
            let ours = card.state == CardState::Writing.name() && tx.batch_of_job(card.job)? == Some(batch);
            if !ours {
                return Ok(Ok(Found::Taken));
            }
            let (job, key_version) = (card.job, self.key_version(tx, card.job)?);
            Ok(self.fitting(tx, card, key_version)?.map(Found::Begun).map_err(|_| job))
        })?;
        match found {
            Ok(found) => Ok(found),
            Err(job) => {
                store.journal(|tx| self.spoil_unfit(tx, job, by))?;
                Ok(Found::Unfit)
            }
        }
    }

    /// A card that was begun, of a person of whom nothing can be made any more: spoilt, and the job that follows set aside.
    pub(crate) fn spoil_unfit(&self, tx: &Tx<'_>, job: i64, by: &By<'_>) -> Result<(), StationError> {
        let (next, spoilt) = self.spoil_in(tx, job, "CARD_CONTENT", by)?;
        tx.append_audit(&spoilt)?;
        aside::set_aside(tx, next, Why::Content, by.operator)?;
        Ok(())
    }

    /// The order of a card with its plan, or why what is known of its person does not fit it. What the centre itself would write
    /// wrong stops the station instead: it concerns every card.
    pub(crate) fn fitting(
        &self,
        tx: &Tx<'_>,
        card: Card,
        key_version: u8,
    ) -> Result<Result<Box<Order>, Why>, StationError> {
        let planned = self.order_under(tx, card, key_version).and_then(|order| {
            let plan = Some(Arc::new(self.plan(&order)?));
            Ok(Box::new(Order { plan, ..order }))
        });
        match planned {
            Ok(order) => Ok(Ok(order)),
            Err(StationError::Content { .. }) => Ok(Err(Why::Content)),
            Err(StationError::PersonMissing { .. }) => Ok(Err(Why::Missing)),
            Err(StationError::Plan(PlanError::Values(faults))) if content::is_of_person(&faults) => {
                Ok(Err(Why::Content))
            }
            Err(error) => Err(error),
        }
    }

    /// Binds a chip to a job, durably; the intent in the journal comes with it.
    ///
    /// # Errors
    /// [`StationError`].
    pub fn bind(&self, store: &mut Store, asked: &Blank<'_>, by: &By<'_>) -> Result<Bound, StationError> {
        let identified = self.identified(store, asked.chip)?;
        store.journal(|tx| self.bind_in(tx, asked, identified, by))
    }

    /// What a chip is called as a card, under the keys of now.
    pub(super) fn identified(&self, store: &mut Store, chip: &Chip) -> Result<Identified, StationError> {
        let key_set = store.read(|tx| tx.current_key_set())?;
        let card_identifier = self.identifier(chip, key_set.unwrap_or(Vault::FIRST_VERSION))?;
        Ok(Identified { key_set, card_identifier })
    }

    /// As [`Book::bind`], in a transaction that may hold more.
    pub(super) fn bind_in(
        &self,
        tx: &Tx<'_>,
        asked: &Blank<'_>,
        identified: Identified,
        by: &By<'_>,
    ) -> Result<Bound, StationError> {
        let Blank { batch, chip, made, job, lot, place } = *asked;
        let Identified { key_set, card_identifier } = identified;
        let made = match made {
            None => job,
            // A factory wrote it, under the keys of the blank card: its job is known.
            Some(identifier) => match tx.factory_job(batch, identifier)? {
                Some(job) => Some(job),
                None => return Ok(Bound::NotBlank),
            },
        };
        let today = clock::today();
        // A card begun on a wrong clock would carry a wrong date.
        tx.log_is_whole()?;
        tx.clock_holds()?;
        // Somebody disabled in the middle of a run begins no more cards; one that is begun is finished.
        tx.require(Some(by.operator), Role::Station).map_err(BatchError::from)?;
        self.under_way(tx, batch, by)?;
        care::check(tx, by, lot, &[by.reader])?;
        if tx.card_by_chip(chip)?.is_some() {
            return Ok(Bound::Taken);
        }
        let (job, order) = loop {
            let job = match (made, by.station) {
                (None, None) => tx.next_waiting_job(batch)?,
                (made, _) => made,
            };
            let Some(job) = job else { return Ok(Bound::NothingWaits) };
            if !keep_for(tx, job, asked, by)? {
                return Ok(Bound::Gone);
            }
            let card = Card {
                chip: chip.clone(),
                job,
                person: tx.job_person(job)?,
                card_number: tx.job_card_number(job)?,
                card_identifier,
                profile: self.profile.name.clone(),
                issue_date: clock::compact(today),
                valid_until: clock::compact(clock::years_later(today, self.config.valid_years)),
                state: CardState::Writing.name().to_owned(),
            };
            let why = match aside::why(tx, card.person)? {
                Some(why) => why,
                None => match self.fitting(tx, card, key_set.unwrap_or(Vault::FIRST_VERSION))? {
                    Ok(order) => break (job, order),
                    Err(why) => why,
                },
            };
            aside::set_aside(tx, job, why, by.operator)?;
            match (made, by.station) {
                (None, None) => {}
                // A card that a factory made for the person is good for nobody else.
                (Some(_), _) if asked.made.is_some() => return Ok(Bound::NotBlank),
                _ => return Ok(Bound::Gone),
            }
        };
        let supply = match blank::supply(tx, self.config.stock, lot, place) {
            Err(StockError::NothingIssued { .. }) => return Ok(Bound::NoBlanks),
            supply => supply?,
        };
        if let Some(supply) = supply
            && !blank::begin(tx, &supply, &order.card.card_number, by.operator)?
        {
            return Ok(Bound::NoBlanks);
        }
        if let Some(old) = tx.old_chip_of_job(job)? {
            replace(tx, &old, job, by)?;
        }
        tx.add_card(&order.card)?;
        if let Some(key_set) = key_set {
            tx.bind_key_set(job, key_set)?;
        }
        tx.move_job(job, JobMove::Bind)?;
        if let Some(lot) = lot {
            tx.set_lot(job, lot)?;
        }
        tx.note(job, (by.place(), by.reader), "intent", chip.as_str())?;
        if let Some(station) = by.station {
            tx.renew_leases(station, batch, &clock::instant_in(self.config.stations.lease_seconds()))?;
        }
        by.keep(tx, Some(job))?;
        Ok(Bound::New(order))
    }

    /// The outcome of a card that was read back as it was prepared: journal, receipt, states, audit, all or nothing.
    ///
    /// # Errors
    /// [`StationError::DataChanged`], [`StationError::ReadBackDiffers`], [`StationError::Store`].
    pub fn finish(&self, store: &mut Store, written: &Written<'_>, by: &By<'_>) -> Result<(), StationError> {
        let finished = self.finished(store, written, by)?;
        store.journal(|tx| self.finish_in(tx, &finished, by))
    }

    /// Whether a card was read back as it was prepared, and its receipt.
    pub(super) fn finished(
        &self,
        store: &mut Store,
        written: &Written<'_>,
        by: &By<'_>,
    ) -> Result<Finished, StationError> {
        let Written { job, steps, read_back, changes, to_print, .. } = *written;
        let (order, batch, data_changes) = store.read(|tx| -> Result<_, StationError> {
            let card = tx.card_of_job(job)?.ok_or(StationError::PersonMissing { job })?;
            Ok((self.order(tx, card)?, tx.batch_of_job(job)?.unwrap_or_default(), tx.data_changes(job)?))
        })?;
        // Nobody was given data that changed more often than they have.
        if !(0..=data_changes).contains(&changes) {
            return Err(LineError::Malformed.into());
        }
        // What is known of the person now is what was planned for the card, or is planned anew.
        let same = written.order.filter(|given| given.makes_the_same_as(&order));
        let expected = match same.and_then(|given| given.plan.as_ref()) {
            Some(plan) => ReadBack::expected(plan),
            None => match self.plan(&order) {
                Ok(plan) => ReadBack::expected(&plan),
                // What changed since fits no card: the order that follows says so.
                Err(_) if changes < data_changes => return Err(StationError::DataChanged { job }),
                Err(error) => return Err(error),
            },
        };
        if expected != read_back {
            // Made as it was ordered, of what has changed since; a station elsewhere may have made it so.
            let of_older = match written.order {
                Some(given) if same.is_none() => ReadBack::expected(&self.plan(given)?) == read_back,
                Some(_) => false,
                None => changes < data_changes,
            };
            return Err(if of_older {
                StationError::DataChanged { job }
            } else {
                StationError::ReadBackDiffers { job }
            });
        }
        let card = Card { state: CardState::Sealed.name().to_owned(), ..order.card };
        let done = receipt::Done { batch, key_version: order.key_version, steps, read_back };
        let (body, signature) = receipt::make(self.vault, &done, &card, by);
        Ok(Finished { card, steps, body, signature, data_changes, to_print })
    }

    /// Puts a card that is made on record, in a transaction that may hold more.
    pub(super) fn finish_in(&self, tx: &Tx<'_>, finished: &Finished, by: &By<'_>) -> Result<(), StationError> {
        let Finished { card, steps, body, signature, data_changes, to_print } = finished;
        let job = card.job;
        tx.log_is_whole()?;
        if tx.data_changes(job)? != *data_changes {
            return Err(StationError::DataChanged { job });
        }
        tx.move_job(job, JobMove::Finish)?;
        tx.move_card(job, CardMove::Seal)?;
        tx.move_number(&card.card_number, NumberMove::Use)?;
        blank::end(tx, StockMove::Finish, &card.card_number, "", by.operator)?;
        tx.add_receipt(job, body, signature)?;
        sync::note(tx, card, sync::Event::Issue, None)?;
        tx.note(job, (by.place(), by.reader), "done", "")?;
        by.keep(tx, None)?;
        if let Some(request) = tx.request_of_job(job)? {
            tx.move_request(request.number, RequestMove::Finish)?;
        }
        tx.append_audit(&by.act("card.make", format!("job {job}"), format!("{steps} steps verified")))?;
        if *to_print {
            tx.note(job, (by.place(), by.reader), print::TO_PRINT, "")?;
            tx.append_audit(&by.act(print::ACT, format!("job {job}"), print::FIRST.to_owned()))?;
        }
        Ok(())
    }

    /// The outcome of a failed card; the job that follows.
    ///
    /// # Errors
    /// [`StationError`].
    pub fn spoil(&self, store: &mut Store, job: i64, reason: &str, by: &By<'_>) -> Result<i64, StationError> {
        store.act_under_way(|tx| {
            let (next, spoilt) = self.spoil_in(tx, job, reason, by)?;
            by.keep(tx, Some(next))?;
            Ok((next, spoilt))
        })
    }

    fn spoil_in(&self, tx: &Tx<'_>, job: i64, reason: &str, by: &By<'_>) -> Result<(i64, Act), StationError> {
        let batch = tx.batch_of_job(job)?.unwrap_or_default();
        let next = batch::spoil(tx, batch, job, self.config.card_number_prefix)?;
        tx.note(job, (by.place(), by.reader), "spoilt", reason)?;
        if let Some(card) = tx.card_of_job(job)? {
            blank::end(tx, StockMove::Fail, &card.card_number, reason, by.operator)?;
        }
        Ok((next, by.act("card.spoil", format!("job {job}"), format!("{reason}, followed by job {next}"))))
    }

    /// Keeps the reader from work.
    ///
    /// # Errors
    /// [`StationError`].
    pub fn hold_reader(&self, store: &mut Store, reason: &str, by: &By<'_>) -> Result<(), StationError> {
        Ok(store.journal(|tx| {
            care::hold(tx, HoldKind::Reader, by.reader, reason, by)?;
            by.keep(tx, None)
        })?)
    }

    /// Everything that a station needs for a card but its keys.
    ///
    /// # Errors
    /// [`StationError`].
    pub fn order(&self, tx: &Tx<'_>, card: Card) -> Result<Order, StationError> {
        let key_version = self.key_version(tx, card.job)?;
        self.order_under(tx, card, key_version)
    }

    fn key_version(&self, tx: &Tx<'_>, job: i64) -> Result<u8, StoreError> {
        Ok(tx.key_set_of(job)?.unwrap_or(Vault::FIRST_VERSION))
    }

    fn order_under(&self, tx: &Tx<'_>, card: Card, key_version: u8) -> Result<Order, StationError> {
        let person = tx.person(card.person)?.ok_or(StationError::PersonMissing { job: card.job })?;
        let mut values = CardValues::new();
        for (place, value) in self.values(tx, card.job, &card.card_number, &person)? {
            values.set(&place, value).map_err(|_| StationError::Content { job: card.job })?;
        }
        content::add_card(&mut values, &card);
        Ok(Order {
            values,
            holder: content::holder(&person.details),
            city: self.config.city,
            transport_lot: self.config.transport_lot,
            key_version,
            keyed: tx.notes(card.job, KEYS_DONE)?,
            changes: tx.data_changes(card.job)?,
            card,
            plan: None,
        })
    }

    /// What is written to a card, as text by place, without what only its chip decides.
    ///
    /// # Errors
    /// [`StationError`].
    pub fn values(
        &self,
        tx: &Tx<'_>,
        job: i64,
        card_number: &str,
        person: &Person,
    ) -> Result<BTreeMap<String, String>, StationError> {
        let photo = tx.photo(person.id)?;
        content::of_person(self.profile, self.config, job, card_number, &person.details, photo.as_ref())
    }

    /// The plan that makes the card of an order of a blank one.
    ///
    /// # Errors
    /// [`StationError::Plan`].
    pub fn plan(&self, order: &Order) -> Result<Plan, StationError> {
        Ok(Plan::personalize(self.profile, &order.values, &target(order))?)
    }

    /// 卡的识别码: city, RID, serial of the chip, MAC with the card's own IRK.
    fn identifier(&self, chip: &Chip, version: u8) -> Result<CardIdentifier, StationError> {
        let (city, serial) = (self.config.city, chip.serial());
        let row = self.profile.key_of_class("SSSE", KeyClass::Irk).ok_or(PlanError::Profile("IRK"))?;
        let irk = self.profile.key_of_card(row, version, &chip.factors(city));
        let input = CardIdentifier::mac_input(city, serial);
        let mac = self.vault.keys().mac(&irk, MacKey::Whole, [0; 8], &input)?;
        Ok(CardIdentifier::new(city, serial, mac))
    }
}

/// The card of an order as the factory delivered it.
#[must_use]
pub fn target(order: &Order) -> Target {
    Target {
        versions: KeyVersions::all(order.key_version),
        ..Target::blank(order.card.chip.factors(order.city), order.transport_lot)
    }
}

/// Whose job it is from now on: a station elsewhere has it on lease, or a factory made its card; one bound here is no station's.
/// `false` when the station's lease has ended, or nobody waits for the card any more: it could not know.
fn keep_for(tx: &Tx<'_>, job: i64, blank: &Blank<'_>, by: &By<'_>) -> Result<bool, StationError> {
    let Some(station) = by.station else {
        tx.disown(job)?;
        return Ok(true);
    };
    let owner = tx.station_of(job)?;
    let ours = owner.as_deref() == Some(station);
    if tx.batch_of_job(job)? != Some(blank.batch) || (blank.made.is_some() && owner.is_some() && !ours) {
        return Err(LineError::NotYours { job }.into());
    }
    let kept = blank.made.is_some() || (ours && tx.waits(job)?);
    if kept {
        tx.own(job, station, &clock::now())?;
    }
    Ok(kept)
}

/// Puts a card out of use that nobody fetched and that the one begun now takes the place of. One in its holder's hands works until
/// the new one is activated.
fn replace(tx: &Tx<'_>, old: &Chip, job: i64, by: &By<'_>) -> Result<(), StationError> {
    let Some(card) = tx.card_by_chip(old)? else { return Ok(()) };
    if let Some(done) = life::begin_successor(tx, &card, by.operator)? {
        tx.append_audit(&by.act("card.replace", format!("job {}", card.job), format!("by job {job}: {done}")))?;
    }
    Ok(())
}
