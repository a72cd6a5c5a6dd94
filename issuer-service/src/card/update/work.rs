//! An update carried out on the card in a reader: compare, write what differs, read back.
//!
//! Order: the card is the recorded one and proves it → it is compared → the intent is durable → what differs is written → all of it
//! is read back → the outcome is durable. Each step can be repeated, so a card pulled anywhere, or a program killed anywhere, is
//! gone on with by doing the same again.
//!
//! Owns: that order; which tries are spent. Never: tries a refused key or PIN again unasked; writes to a card of another person.

use std::collections::BTreeSet;

use card_core::Session;
use card_core::pin::PinBcd;
use card_core::script::{Nonces, Step};
use card_core::transport::Transport;
use card_core::tries::{Guard, Secret};
use card_profiles::access::Right;
use card_profiles::approach::{KeyVersions, Means};
use card_profiles::memory::CardMemory;
use card_profiles::plan::{Act as PlanAct, Plan, PlanError, PlannedStep, Problem};
use card_profiles::profile::KeyClass;
use card_profiles::{CardValues, Profile};
use serde::Serialize;

use super::failure::UpdateError;
use super::item::{Item, Standing};
use super::{CardUpdate, UpdateMove, UpdateState};
use crate::audit::Act;
use crate::card::Card;
use crate::card::failure::LifeError;
use crate::card::seen::{self, Stranger};
use crate::card::state::LifeState;
use crate::error::Explain;
use crate::lang::Lang;
use crate::operator::Role;
use crate::output::Show;
use crate::state::State;
use crate::station::content;
use crate::station::failure::StationError;
use crate::station::writer::{Broken, Writer};
use crate::store::{Store, Tx};
use crate::vault::Vault;

/// What the work needs besides the card.
#[derive(Debug)]
pub struct Work<'a> {
    /// The card's keys.
    pub vault: &'a Vault,
    /// Name of the reader.
    pub reader: &'a str,
    /// Who is there.
    pub operator: Option<&'a str>,
    /// What the holder typed.
    pub pin: Option<PinBcd>,
    /// Tries that cards have left.
    pub memory: &'a mut CardMemory,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Carried {
    /// 卡号 of the card in the reader.
    pub card_number: String,
    /// The update, as it is now; none when nothing waits for the card.
    pub update: Option<CardUpdate>,
    /// Records and pieces written now.
    pub written: u32,
}

/// A card in the reader and what is to be on it.
struct Case {
    card: Card,
    profile: Profile,
    update: CardUpdate,
    values: CardValues,
    means: Means,
    operator: String,
}

/// Carries out what waits for the card in the reader. The data keys must be open.
///
/// # Errors
/// [`UpdateError`]; what was begun can be gone on with.
pub fn run(store: &mut Store, work: &mut Work<'_>, transport: Box<dyn Transport>) -> Result<Carried, UpdateError> {
    let mut session = Session::new(transport);
    let chip = seen::chip(&session)?;
    let card = store.read(|tx| tx.card_by_chip(&chip))?.ok_or(Stranger::NotOurs)?;
    let profile = store.read(|tx| tx.profile_of_cards(&card.profile))?;
    let profile = profile.ok_or(StationError::Plan(PlanError::Profile("card type")))?;
    seen::compare(&mut session, &profile, &card)?;
    let card_number = card.card_number.clone();
    let Some(case) = store.read(|tx| prepare(tx, work, card, profile))? else {
        return Ok(Carried { card_number, update: None, written: 0 });
    };
    let number = case.update.number;
    let done = work.on_card(store, &mut session, &case);
    if let Some(factor) = session.card() {
        // Whether this can be kept must not hide what came of the card.
        let _ = work.memory.keep_tries(factor);
    }
    let written = match done {
        Ok(written) => written,
        Err(error) => {
            let place = (work.reader, case.operator.as_str());
            // A newer change may have taken its place meanwhile; what stopped us is told all the same.
            let _ = store.journal(|tx| tx.note_card_update(number, place, 0, error.code()));
            return Err(error);
        }
    };
    Ok(Carried { card_number, update: store.read(|tx| tx.card_update(number))?, written })
}

/// Everything that is known before the card is asked; none when nothing waits for it.
fn prepare(tx: &Tx<'_>, work: &Work<'_>, card: Card, profile: Profile) -> Result<Option<Case>, UpdateError> {
    let operator = tx.require_one(work.operator, &[Role::Counter, Role::Station])?;
    let Some(update) = tx.open_card_update(card.job)? else { return Ok(None) };
    let state = LifeState::of_name(&card.state);
    if !matches!(state, Some(LifeState::Sealed | LifeState::Normal | LifeState::Locked)) {
        return Err(UpdateError::CardState { state: card.state });
    }
    if tx.death(card.person)?.is_some() {
        return Err(LifeError::HolderDead { person: card.person }.into());
    }
    let job = card.job;
    let person = tx.person(card.person)?.ok_or(StationError::PersonMissing { job })?;
    let photo = match update.items.has(Item::Photo) {
        true => tx.photo(card.person)?,
        false => None,
    };
    let values = content::of_items(&profile, update.items, job, &person.details, photo.as_ref())?;
    let needs_pin = update.items.iter().any(|item| item.standing(&profile) == Standing::HolderPin);
    // A card that nobody has fetched has the PIN that it was made with.
    let initial = || profile.pin.as_ref().and_then(|pin| PinBcd::parse(&pin.initial));
    let pin = match (needs_pin, state) {
        (false, _) => None,
        (true, Some(LifeState::Sealed)) => initial(),
        (true, _) => Some(work.pin.clone().ok_or(UpdateError::PinNeeded)?),
    };
    let city = card.card_identifier.city().ok_or(Stranger::Differs("identifier"))?;
    let version = tx.key_set_of(job)?.unwrap_or(Vault::FIRST_VERSION);
    let means = Means {
        pin: pin.map(|pin| pin.expose().to_vec()),
        factors: Some(card.chip.factors(city)),
        versions: KeyVersions::all(version),
    };
    Ok(Some(Case { card, profile, update, values, means, operator }))
}

impl Work<'_> {
    fn on_card(&mut self, store: &mut Store, session: &mut Session, case: &Case) -> Result<u32, UpdateError> {
        self.genuine(session, case)?;
        let look = Plan::compare(&case.profile, &case.values, &case.means).map_err(StationError::from)?;
        let (differing, _) = self.carry_out(session, &look)?;
        let number = case.update.number;
        let begun = case.update.state == UpdateState::Begun.name();
        if differing.is_empty() {
            let by = if begun { UpdateMove::Finish } else { UpdateMove::Confirm };
            self.end(store, case, by, 0)?;
            return Ok(0);
        }
        let change = Plan::change(&case.profile, &case.values, &case.means, &differing).map_err(StationError::from)?;
        if !begun {
            store.act(|tx| -> Result<_, UpdateError> {
                is_still(tx, &case.update)?;
                tx.move_card_update(number, UpdateMove::Begin)?;
                tx.note_card_update(number, (self.reader, &case.operator), 0, "")?;
                Ok((
                    (),
                    case.act("card.update-begin", format!("{} parts differ, reader {}", differing.len(), self.reader)),
                ))
            })?;
        }
        let (_, written) = self.carry_out(session, &change)?;
        let (left, _) = self.carry_out(session, &look)?;
        if !left.is_empty() {
            return Err(UpdateError::ReadBackDiffers);
        }
        self.end(store, case, UpdateMove::Finish, written)?;
        Ok(written)
    }

    fn end(&self, store: &mut Store, case: &Case, by: UpdateMove, written: u32) -> Result<(), UpdateError> {
        store.act_under_way(|tx| {
            let number = case.update.number;
            let (from, _) = by.ends();
            is_still(tx, &CardUpdate { state: from.name().to_owned(), ..case.update.clone() })?;
            tx.note_card_update(number, (self.reader, &case.operator), written, "")?;
            tx.move_card_update(number, by)?;
            Ok(((), case.act("card.update", format!("{written} parts written, all read back, reader {}", self.reader))))
        })
    }

    /// The card proves with its own key that it is the recorded one, before it learns anything about a person.
    fn genuine(&mut self, session: &mut Session, case: &Case) -> Result<(), UpdateError> {
        let row =
            case.profile.key_of_class("SSSE", KeyClass::Irk).ok_or(StationError::Plan(PlanError::Profile("IRK")))?;
        let factors = case.means.factors.ok_or(Stranger::Differs("identifier"))?;
        let key = case.profile.key_of_card(row, case.means.versions.of(&row.name), &factors);
        let mut writer = Writer { session, keys: Box::new(self.vault.keys()) };
        let answer = writer.send(&Step::CheckCard { key, from: Nonces::Terminal })?;
        if answer.sw.is_ok() { Ok(()) } else { Err(UpdateError::CardRefused { what: format!("IRK {}", answer.sw) }) }
    }

    /// Carries out a plan, each step judged before the next: which parts differ, counted from 0, and how many were written.
    fn carry_out(&mut self, session: &mut Session, plan: &Plan) -> Result<(BTreeSet<usize>, u32), UpdateError> {
        let (mut differing, mut part, mut written) = (BTreeSet::new(), 0, 0);
        let factor = session.card();
        let mut writer = Writer { session, keys: Box::new(self.vault.keys()) };
        for step in &plan.steps {
            let secret = factor.zip(secret(step));
            if let Some((factor, secret)) = &secret {
                let guard = Guard { book: &mut self.memory.tries, consent: false };
                guard.before_try(*factor, secret)?;
            }
            let answer = writer.send(&step.step)?;
            if let Some((factor, secret)) = &secret {
                self.memory.tries.note(*factor, secret, answer.sw);
            }
            match (&step.act, step.judge(&answer)) {
                (PlanAct::ReadBack, Err(mismatch)) if !matches!(mismatch.problem, Problem::Refused(_)) => {
                    differing.insert(part);
                }
                (PlanAct::Prove(Right::Pin), Err(_)) => {
                    return Err(UpdateError::PinRefused { left: answer.sw.tries() });
                }
                (_, Err(mismatch)) => return Err(UpdateError::CardRefused { what: mismatch.to_string() }),
                (_, Ok(())) => {}
            }
            match step.act {
                PlanAct::ReadBack => part += 1,
                PlanAct::Write => written += 1,
                _ => {}
            }
        }
        Ok((differing, written))
    }
}

impl Case {
    fn act(&self, act: &'static str, detail: String) -> Act {
        let (number, items) = (self.update.number, self.update.items.to_text());
        let detail = format!("update {number}, {items}: {detail}");
        Act { actor: self.operator.clone(), act, object: format!("card {}", self.card.card_number), detail }
    }
}

/// What a step spends a try of.
fn secret(step: &PlannedStep) -> Option<Secret> {
    match &step.act {
        PlanAct::Prove(Right::Pin) => Some(Secret::Pin),
        PlanAct::Prove(Right::Key(name)) => Some(Secret::Key(name.clone())),
        _ => None,
    }
}

/// The update is as it was when the values were taken: no newer change, no end of the card.
fn is_still(tx: &Tx<'_>, known: &CardUpdate) -> Result<(), UpdateError> {
    let now = tx.card_update(known.number)?;
    if now.is_some_and(|now| now.state == known.state) { Ok(()) } else { Err(UpdateError::Overtaken) }
}

impl From<Broken> for UpdateError {
    fn from(broken: Broken) -> Self {
        match broken {
            Broken::Bad(what) => Self::CardRefused { what },
            Broken::Lost(error) => StationError::Transport(error).into(),
            Broken::Station(error) => error.into(),
        }
    }
}

impl Show for Carried {
    fn text(&self, lang: Lang) -> String {
        let Self { card_number, update, written } = self;
        let Some(update) = update else {
            return lang.pick(
                format!("卡 {card_number}: 没有待更新的数据"),
                format!("card {card_number}: nothing waits for it"),
            );
        };
        let head = lang.pick(
            format!("卡 {card_number}: 写入 {written} 处，已全部回读核对"),
            format!("card {card_number}: {written} parts written, everything read back"),
        );
        format!("{head}\n{}", update.text(lang))
    }
}
