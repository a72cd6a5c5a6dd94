//! The life of a card (卡生命周期): handing out, loss, release, lock, cancellation, death, replacement.
//!
//! Every move is one row of `state`, guarded by the state before; it, its history, the blacklist and the audit record are one
//! transaction. Owns: carrying out moves. Never: adds a move; knows a card's content; decides a site's rule (`rule`).

use card_core::Session;
use serde::Serialize;

use super::Card;
use super::failure::LifeError;
use super::rule::LifeRules;
use super::seen::{self, Stranger};
use super::state::{self, Condition, LifeState, Move, Step, TABLE};
use super::update;
use crate::audit::Act;
use crate::batch;
use crate::clearing::blacklist;
use crate::clock;
use crate::error::Missing;
use crate::lang::{Lang, column};
use crate::operator::Role;
use crate::output::Show;
use crate::state::word;
use crate::stock::handout;
use crate::store::{Store, StoreError, Tx};
use crate::sync;

/// Longest reason, in characters.
pub const REASON_MAX: usize = 200;

/// What an operator wants done.
#[derive(Clone, Copy, Debug)]
pub struct Order<'a> {
    /// What.
    pub step: Step,
    /// Why; may be empty where the table needs none.
    pub reason: &'a str,
    /// Who.
    pub operator: Option<&'a str>,
}

/// One move that was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Moved {
    /// Position among all moves.
    pub sequence: i64,
    /// Job of the card.
    #[serde(skip)]
    pub job: i64,
    /// What was done.
    pub step: String,
    /// State before.
    pub from: String,
    /// State after.
    pub to: String,
    /// Why.
    pub reason: String,
    /// Who.
    pub operator: String,
    /// UTC instant.
    pub moved_at: String,
    /// Day on which a temporary loss ends by itself, `YYYYMMDD`.
    pub release_on: Option<String>,
}

/// A card with what its life has come to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CardFile {
    /// The card.
    #[serde(flatten)]
    pub card: Card,
    /// AAZ502; `None` while it is made, or when it failed.
    pub aaz502: Option<char>,
    /// Day on which its temporary loss ends by itself.
    pub release_on: Option<String>,
    /// Whether it stands on the blacklist.
    pub blacklisted: bool,
    /// 卡号 of the cards in whose place it came.
    pub replaces: Vec<String>,
    /// 卡号 of the card that came in its place.
    pub replaced_by: Option<String>,
}

/// Several cards after a move.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CardFiles {
    /// In the order in which they were moved.
    pub cards: Vec<CardFile>,
    /// Those of several cards that could not be moved, with the reason.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub refused: Vec<Refused>,
}

/// A card that was not moved while others were.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Refused {
    /// 卡号.
    pub card_number: String,
    /// Code.
    pub code: &'static str,
    /// What happened.
    pub what: String,
    /// What to do.
    pub next: &'static str,
}

/// Every move of a card.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct History {
    /// 卡号.
    pub card_number: String,
    /// Oldest first.
    pub moves: Vec<Moved>,
}

/// A death as it is recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Death {
    /// Row number of the person.
    pub person: i64,
    /// Day, `YYYYMMDD`.
    pub died_on: String,
    /// Cards that it took out of use.
    pub cancelled: Vec<String>,
}

/// The record of a death that was withdrawn.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DeathWithdrawn {
    /// Row number of the person.
    pub person: i64,
    /// The day that was on record, `YYYYMMDD`.
    pub withdrawn: String,
    /// Cards that stay cancelled.
    pub cancelled: Vec<String>,
}

/// Moves one card.
///
/// # Errors
/// [`LifeError`]; nothing was changed then.
pub fn carry_out(store: &mut Store, rules: &LifeRules, number: &str, order: &Order<'_>) -> Result<CardFile, LifeError> {
    store.act(|tx| {
        let card = tx.card_by_number(number)?.ok_or(Missing::Card)?;
        let (done, operator) = move_card(tx, rules, &card, order)?;
        let detail = format!("{done}: {}", order.reason.trim());
        let act = Act { actor: operator, act: act_name(order.step), object: format!("card {number}"), detail };
        Ok((file(tx, number)?, act))
    })
}

/// Activates the card in a reader, once it is found to be the recorded one and, where a number is given, the one named; what is
/// recorded says that it was read.
///
/// # Errors
/// [`LifeError`]; nothing was changed then.
pub fn activate_seen(
    store: &mut Store,
    rules: &LifeRules,
    (session, number): (&mut Session, Option<&str>),
    reason: &str,
    operator: Option<&str>,
) -> Result<CardFile, LifeError> {
    let chip = seen::chip(session)?;
    let card = store.read(|tx| tx.card_by_chip(&chip))?.ok_or(Stranger::NotOurs)?;
    if number.is_some_and(|number| number != card.card_number) {
        return Err(Stranger::Differs("number").into());
    }
    let profile = store.read(|tx| tx.profile_of_cards(&card.profile))?.ok_or(Stranger::NotOurs)?;
    seen::compare(session, &profile, &card)?;
    let reason = [reason.trim(), "read in a reader"].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>();
    let order = Order { step: Step::Activate, reason: &reason.join("; "), operator };
    carry_out(store, rules, &card.card_number, &order)
}

/// Releases every temporary loss whose period has passed, each in an act of its own.
///
/// # Errors
/// [`LifeError`]; those before it are released.
pub fn release_due(store: &mut Store, rules: &LifeRules, operator: Option<&str>) -> Result<CardFiles, LifeError> {
    let today = clock::compact(clock::today());
    let due = store.read(|tx| -> Result<_, LifeError> {
        tx.require(operator, Role::Counter)?;
        Ok(tx.temporary_losses_due(&today)?)
    })?;
    if due.is_empty() {
        // On record too: days on which nothing else happens are not taken for a clock that jumped.
        store.act(|tx| -> Result<_, LifeError> {
            let actor = tx.require(operator, Role::Counter)?;
            let (object, detail) = ("cards".to_owned(), "no period is over".to_owned());
            Ok(((), Act { actor, act: "card.due", object, detail }))
        })?;
    }
    let mut cards = Vec::with_capacity(due.len());
    for number in due {
        let order = Order { step: Step::Expire, reason: "period over", operator };
        match carry_out(store, rules, &number, &order) {
            Ok(card) => cards.push(card),
            // Someone was at the counter meanwhile; or the card has expired, or is being replaced, and is not put into use again.
            Err(
                LifeError::NoMove { .. }
                | LifeError::NotDue { .. }
                | LifeError::Expired { .. }
                | LifeError::ReplacementAsked { .. },
            ) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(CardFiles { cards, refused: Vec::new() })
}

/// Records the death of a person: every card goes out of use. The data keys must be open: the day is held against the birth.
///
/// # Errors
/// [`LifeError`].
pub fn record_death(
    store: &mut Store,
    rules: &LifeRules,
    person: i64,
    died_on: &str,
    order: &Order<'_>,
) -> Result<Death, LifeError> {
    store.act(|tx| {
        let operator = tx.require(order.operator, Role::Capture)?;
        let reason = fit(order.reason, true)?;
        let born = tx.person(person)?.ok_or(Missing::Person { id: person })?.details.birth_date;
        if died_on < born.as_str() {
            return Err(LifeError::BeforeBirth { person, day: died_on.to_owned() });
        }
        if died_on > clock::compact(clock::today()).as_str() {
            return Err(LifeError::DayAhead { day: died_on.to_owned() });
        }
        if tx.death(person)?.is_some() {
            return Err(LifeError::DeathRecorded { person });
        }
        tx.add_death(person, died_on, reason, &operator)?;
        let mut cancelled = Vec::new();
        for card in tx.cards_of_person(person)? {
            if LifeState::of_name(&card.state).is_some_and(|state| state != LifeState::Cancelled) {
                move_card(tx, rules, &card, order)?;
                cancelled.push(card.card_number);
            }
        }
        let dropped = batch::give_up(tx, person)?;
        let detail = format!("died {died_on}, {} cards cancelled, {dropped} not made: {reason}", cancelled.len());
        let act = Act { actor: operator, act: "person.death", object: format!("person {person}"), detail };
        Ok((Death { person, died_on: died_on.to_owned(), cancelled }, act))
    })
}

/// Withdraws the record of a death that was wrong. Cards stay cancelled: the person gets a new one.
///
/// # Errors
/// [`LifeError`].
pub fn withdraw_death(
    store: &mut Store,
    person: i64,
    reason: &str,
    operator: Option<&str>,
) -> Result<DeathWithdrawn, LifeError> {
    store.act(|tx| {
        let operator = tx.require(operator, Role::Capture)?;
        let reason = fit(reason, true)?;
        let died_on = tx.death(person)?.ok_or(LifeError::DeathUnknown { person })?;
        tx.remove_death(person)?;
        let detail = format!("died {died_on} withdrawn: {reason}");
        let act = Act { actor: operator, act: "person.death-withdraw", object: format!("person {person}"), detail };
        let cards = tx.cards_of_person(person)?.into_iter();
        let cancelled = cards.filter(|card| card.state == LifeState::Cancelled.name()).map(|card| card.card_number);
        Ok((DeathWithdrawn { person, withdrawn: died_on, cancelled: cancelled.collect() }, act))
    })
}

/// What is known of a card.
///
/// # Errors
/// [`LifeError`].
pub fn file(tx: &Tx<'_>, number: &str) -> Result<CardFile, LifeError> {
    let card = tx.card_by_number(number)?.ok_or(Missing::Card)?;
    let state = LifeState::of_name(&card.state);
    let last = tx.last_card_move(card.job)?;
    Ok(CardFile {
        aaz502: state.map(LifeState::code),
        release_on: last.and_then(|last| last.release_on).filter(|_| state == Some(LifeState::TemporaryLoss)),
        blacklisted: blacklist::is_listed(tx, &card.card_identifier)?,
        replaces: tx.cards_replaced_by(card.job)?,
        replaced_by: tx.card_replacing(card.job)?,
        card,
    })
}

/// Puts a card out of use that nobody fetched, when its successor is bound to a chip; what was done.
///
/// # Errors
/// [`StoreError`].
pub(crate) fn begin_successor(tx: &Tx<'_>, old: &Card, operator: &str) -> Result<Option<String>, StoreError> {
    let row = LifeState::of_name(&old.state).and_then(|state| state::find(Step::Replace, state));
    match row.filter(|row| row.condition == Condition::SuccessorBegun) {
        Some(row) => apply(tx, &LifeRules::default(), old, row, "its successor is begun", operator).map(Some),
        None => Ok(None),
    }
}

/// A move that the holder makes without a clerk; a text of what was done. The caller has seen the holder's PIN verified.
///
/// # Errors
/// [`LifeError`], also when the site does not let holders do it.
pub fn by_holder(
    tx: &Tx<'_>,
    rules: &LifeRules,
    card: &Card,
    step: Step,
    reason: &str,
    actor: &str,
) -> Result<String, LifeError> {
    let from = LifeState::of_name(&card.state).ok_or_else(|| LifeError::NotMade { state: card.state.clone() })?;
    let row = state::find(step, from).ok_or(LifeError::NoMove { step, state: from })?;
    if !rules.allows(row) || !rules.lets_holders(step) {
        return Err(LifeError::RemovedBySite { step, state: from });
    }
    check(tx, row, card)?;
    Ok(apply(tx, rules, card, row, reason, actor)?)
}

/// One move within a transaction; a text of what was done, and the operator.
fn move_card(tx: &Tx<'_>, rules: &LifeRules, card: &Card, order: &Order<'_>) -> Result<(String, String), LifeError> {
    let step = order.step;
    let from = LifeState::of_name(&card.state).ok_or_else(|| LifeError::NotMade { state: card.state.clone() })?;
    let row = state::find(step, from).ok_or(LifeError::NoMove { step, state: from })?;
    if !rules.allows(row) {
        return Err(LifeError::RemovedBySite { step, state: from });
    }
    let operator = tx.require(order.operator, row.role)?;
    let reason = fit(order.reason, row.reason_needed)?;
    check(tx, row, card)?;
    let mut done = String::new();
    // First the old one, then the new one: at no moment does the person have two.
    if step == Step::Activate {
        handout::may_be_activated(tx, &card.card_number)?;
        for old in predecessors(tx, card)? {
            done += &format!("in the place of {}", old.card_number);
            if let Some(state) = LifeState::of_name(&old.state).filter(|state| *state != LifeState::Cancelled) {
                let step = Step::Replace;
                let row = state::find(step, state).ok_or(LifeError::NoMove { step, state })?;
                if !rules.allows(row) {
                    return Err(LifeError::RemovedBySite { step, state });
                }
                let reason = format!("replaced by {}", card.card_number);
                done += &format!(" ({})", apply(tx, rules, &old, row, &reason, &operator)?);
            }
            tx.add_replacement(old.job, card.job)?;
            sync::note(tx, card, sync::Event::Replacement, Some(&old.card_number))?;
            done += ", ";
        }
    }
    done += &apply(tx, rules, card, row, reason, &operator)?;
    Ok((done, operator))
}

/// Whether activating a card ends another one of its holder.
///
/// # Errors
/// [`LifeError`].
pub(crate) fn ends_another(tx: &Tx<'_>, number: &str) -> Result<bool, LifeError> {
    let card = tx.card_by_number(number)?.ok_or(Missing::Card)?;
    Ok(predecessors(tx, &card)?.iter().any(|old| old.state != LifeState::Cancelled.name()))
}

/// Other cards of the same person that were made, and nothing has replaced.
fn predecessors(tx: &Tx<'_>, card: &Card) -> Result<Vec<Card>, LifeError> {
    let mut found = Vec::new();
    for old in tx.cards_of_person(card.person)? {
        let made = LifeState::of_name(&old.state).is_some_and(|state| state != LifeState::Sealed);
        if old.job != card.job && made && tx.card_replacing(old.job)?.is_none() {
            found.push(old);
        }
    }
    Ok(found)
}

fn check(tx: &Tx<'_>, row: &Move, card: &Card) -> Result<(), LifeError> {
    let today = clock::compact(clock::today());
    match row.condition {
        Condition::None => Ok(()),
        Condition::HolderLives | Condition::HolderHasIt if tx.death(card.person)?.is_some() => {
            Err(LifeError::HolderDead { person: card.person })
        }
        // One that is lost stays on the blacklist, and its holder comes for a new one.
        Condition::HolderLives | Condition::HolderHasIt | Condition::PeriodOver if card.valid_until < today => {
            Err(LifeError::Expired { valid_until: card.valid_until.clone() })
        }
        Condition::HolderLives => Ok(()),
        Condition::HolderHasIt => not_asked_anew(tx, card),
        Condition::PeriodOver => match tx.last_card_move(card.job)?.and_then(|last| last.release_on) {
            Some(release_on) if release_on > today => Err(LifeError::NotDue { release_on }),
            _ => not_asked_anew(tx, card),
        },
        Condition::RevocableAndAlone => {
            let replaced = tx.card_replacing(card.job)?.is_some() || tx.card_under_way(card.person)?;
            if replaced { Err(LifeError::BeingReplaced) } else { not_asked_anew(tx, card) }
        }
        Condition::DeathRecorded if tx.death(card.person)?.is_none() => {
            Err(LifeError::DeathUnknown { person: card.person })
        }
        // Activation and station call `apply` with these rows themselves; nobody can order them.
        Condition::SuccessorActivated | Condition::SuccessorBegun => {
            Err(LifeError::NoMove { step: row.step, state: row.from })
        }
        Condition::DeathRecorded => Ok(()),
    }
}

/// Whoever asked for another card because this one is lost has said that it is in nobody's hands.
fn not_asked_anew(tx: &Tx<'_>, card: &Card) -> Result<(), LifeError> {
    match tx.lost_request_of(&card.chip)? {
        Some(request) => Err(LifeError::ReplacementAsked { request }),
        None => Ok(()),
    }
}

/// State, history and blacklist; a text of what was done.
fn apply(
    tx: &Tx<'_>,
    rules: &LifeRules,
    card: &Card,
    row: &Move,
    reason: &str,
    operator: &str,
) -> Result<String, StoreError> {
    tx.move_card_state(card.job, row)?;
    let release_on = (row.to == LifeState::TemporaryLoss).then(|| clock::compact(rules.release_on(clock::today())));
    let moved = Moved {
        sequence: tx.next_card_move()?,
        job: card.job,
        step: row.step.name().to_owned(),
        from: row.from.name().to_owned(),
        to: row.to.name().to_owned(),
        reason: reason.to_owned(),
        operator: operator.to_owned(),
        moved_at: clock::now(),
        release_on,
    };
    tx.add_card_move(&moved)?;
    if row.to == LifeState::Cancelled {
        update::end_with_card(tx, card.job)?;
    }
    let sequence = blacklist::follow(tx, &card.card_identifier, row.to.is_listed(), row.to.name(), operator)?;
    sync::note(tx, &Card { state: row.to.name().to_owned(), ..card.clone() }, sync::Event::State, None)?;
    let until = moved.release_on.map(|day| format!(", until {day}")).unwrap_or_default();
    let listed = sequence.map(|sequence| format!(", blacklist {sequence}")).unwrap_or_default();
    Ok(format!("{} → {}{until}{listed}", row.from.name(), row.to.name()))
}

/// A reason as it is kept: one line.
pub(crate) fn fit(reason: &str, needed: bool) -> Result<&str, LifeError> {
    let reason = reason.trim();
    if needed && reason.is_empty() {
        return Err(LifeError::ReasonMissing);
    }
    let fits = reason.chars().count() <= REASON_MAX && !reason.chars().any(char::is_control);
    if fits { Ok(reason) } else { Err(LifeError::ReasonUnfit) }
}

/// The name of a step in the audit log.
pub(crate) const fn act_name(step: Step) -> &'static str {
    match step {
        Step::Activate => "card.activate",
        Step::ReportTemporary => "card.report-temporary",
        Step::ReportFormal => "card.report-formal",
        Step::Release => "card.release",
        Step::Expire => "card.expire",
        Step::Revoke => "card.revoke",
        Step::Lock => "card.lock",
        Step::Unlock => "card.unlock",
        Step::Cancel => "card.cancel",
        Step::Death => "card.death",
        Step::Replace => "card.replace",
    }
}

impl Show for CardFile {
    fn text(&self, lang: Lang) -> String {
        let state = LifeState::of_name(&self.card.state);
        let name = state.map_or(self.card.state.as_str(), |state| lang.pick(state.chinese(), state.english()));
        let code = self.aaz502.map(|code| format!(" ({code})")).unwrap_or_default();
        let mut lines =
            vec![self.card.text(lang), lang.pick(format!("  状态: {name}{code}"), format!("  state: {name}{code}"))];
        if let Some(day) = &self.release_on {
            lines.push(lang.pick(format!("  临时挂失至 {day}"), format!("  temporary loss ends on {day}")));
        }
        if self.blacklisted {
            lines.push(lang.pick("  在黑名单中", "  on the blacklist").to_owned());
        }
        for old in &self.replaces {
            lines.push(lang.pick(format!("  替换卡 {old}"), format!("  in the place of card {old}")));
        }
        if let Some(new) = &self.replaced_by {
            lines.push(lang.pick(format!("  已由卡 {new} 替换"), format!("  replaced by card {new}")));
        }
        lines.join("\n")
    }
}

impl Show for CardFiles {
    fn text(&self, lang: Lang) -> String {
        let count = self.cards.len();
        let head = lang.pick(format!("{count} 张卡"), format!("{count} cards"));
        let cards = self.cards.iter().map(|card| card.text(lang));
        let refused = self.refused.iter().map(|Refused { card_number, code, what, next }| {
            lang.pick(
                format!("未办 {card_number} {code}: {what}。{next}"),
                format!("not done {card_number} {code}: {what}; {next}"),
            )
        });
        [head].into_iter().chain(cards).chain(refused).collect::<Vec<_>>().join("\n")
    }
}

impl Show for History {
    fn text(&self, lang: Lang) -> String {
        let head =
            lang.pick(format!("卡 {} 的经历", self.card_number), format!("history of card {}", self.card_number));
        let lines = self.moves.iter().map(|moved| {
            let Moved { moved_at, step, from, to, operator, reason, release_on, .. } = moved;
            let until = release_on.as_ref().map(|day| format!(" [{day}]")).unwrap_or_default();
            let state = |name| column(&word(&TABLE, name, lang), 14);
            let known = Step::ALL.into_iter().find(|known| known.name() == step);
            let step = known.filter(|_| lang == Lang::Zh).map_or(step.as_str(), |known| known.label(lang));
            let (step, from, to) = (column(step, 17), state(from), state(to));
            format!("  {moved_at}  {step} {from} → {to}{until}  {operator}  {reason}")
        });
        [head].into_iter().chain(lines).collect::<Vec<_>>().join("\n")
    }
}

impl Show for DeathWithdrawn {
    fn text(&self, lang: Lang) -> String {
        let (person, day, cards) = (self.person, &self.withdrawn, self.cancelled.join(", "));
        let cards = if cards.is_empty() { "–" } else { &cards };
        lang.pick(
            format!("人员 {person}，死亡记录（{day}）已撤回；仍为注销的卡: {cards}，需要时申请新卡"),
            format!(
                "person {person}, record of the death on {day} withdrawn; cards that stay cancelled: {cards}; request a new one \
                 where it is needed"
            ),
        )
    }
}

impl Show for Death {
    fn text(&self, lang: Lang) -> String {
        let (person, day, cards) = (self.person, &self.died_on, self.cancelled.join(", "));
        let cards = if cards.is_empty() { "–" } else { &cards };
        lang.pick(
            format!("人员 {person}，死亡日期 {day}，注销的卡: {cards}"),
            format!("person {person}, died {day}, cards cancelled: {cards}"),
        )
    }
}
