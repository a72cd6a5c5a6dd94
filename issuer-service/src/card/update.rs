//! Changed data that go onto a card already made (卡内数据更新): one open update a card, until the card is next in a reader.
//!
//! What the registry holds of a person is what was approved: a source's own word, or an operator's decision. A change of it asks for
//! an update of every card of the person that is not out of use, in the same transaction; a newer change takes the older one's place.
//! The values are taken when the card is there, so that nobody's data wait in the queue.
//!
//! Owns: asking for updates, their states, what ends them. Never: talks to a card (`work`); holds a value; decides what a card
//! takes (`item`, from its profile).

pub mod failure;
pub mod item;
pub mod work;

use serde::Serialize;

use self::failure::UpdateError;
use self::item::{Items, Standing};
use super::Card;
use super::life::fit;
use super::state::LifeState;
use crate::audit::Act;
use crate::clock;
use crate::error::Missing;
use crate::lang::Lang;
use crate::operator::Role;
use crate::output::Show;
use crate::state::{State, states, word};
use crate::store::{Store, StoreError, Tx};
use crate::sync;

states! {
    /// An update of a card.
    "card_update" UpdateState {
        /// The card was not in a reader since.
        Waiting = "waiting" "待更新",
        /// Something may have been written; what is on the card is known when it is in a reader again.
        Begun = "begun" "更新中",
        /// Everything was read back as it should be.
        Done = "done" "已更新",
        /// A newer change has taken its place, with its items.
        Superseded = "superseded" "已被取代",
        /// Given up by the counter.
        Withdrawn = "withdrawn" "已撤回",
        /// The card went out of use.
        Ended = "ended" "卡已停用",
        /// The rules of the card let nobody write it: a new card is needed.
        Fixed = "fixed" "须换卡",
    }
    /// Moves of an update.
    UpdateMove {
        /// Before the first write, when the card in the reader holds something else.
        Begin: Waiting => Begun,
        /// When the card in the reader holds everything already.
        Confirm: Waiting => Done,
        /// After everything was read back.
        Finish: Begun => Done,
        /// As soon as it is asked for.
        Close: Waiting => Fixed,
        /// With a newer change.
        Supersede: Waiting => Superseded,
        /// With a newer change.
        Overtake: Begun => Superseded,
        /// By the counter.
        Withdraw: Waiting => Withdrawn,
        /// By the counter: what was written stays.
        Abandon: Begun => Withdrawn,
        /// With the card's cancellation, its holder's death or its replacement.
        End: Waiting => Ended,
        /// With the card's cancellation, its holder's death or its replacement.
        Cut: Begun => Ended,
    }
}

/// What an update came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// A change in the registry.
    Registry,
    /// Another photo, or none any more.
    Photo,
    /// An operator at the counter.
    Counter,
}

impl Origin {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Registry, Self::Photo, Self::Counter];

    /// Name in the database.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Registry => "registry",
            Self::Photo => "photo",
            Self::Counter => "counter",
        }
    }

    const fn text(self, lang: Lang) -> &'static str {
        match (self, lang) {
            (Self::Registry, Lang::Zh) => "登记变更",
            (Self::Photo, Lang::Zh) => "照片变更",
            (Self::Counter, Lang::Zh) => "柜台",
            (_, Lang::En) => self.name(),
        }
    }
}

/// An update.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CardUpdate {
    /// Number.
    pub number: i64,
    /// Job of the card.
    #[serde(skip)]
    pub job: i64,
    /// 卡号.
    pub card_number: String,
    /// What changed.
    pub items: Items,
    /// State.
    pub state: String,
    /// What it came from.
    pub origin: Origin,
    /// Why, when it came from the counter.
    pub reason: String,
    /// Who asked for it at the counter.
    pub asked_by: Option<String>,
    /// UTC instant.
    pub asked_at: String,
    /// Reader in which the card last was.
    pub reader: Option<String>,
    /// Who worked on it.
    pub operator: Option<String>,
    /// Records and pieces written in all.
    pub written: u32,
    /// Code of what stopped it last; empty when nothing did.
    pub stopped_by: String,
    /// UTC instant of the last change.
    pub changed_at: String,
}

/// Several updates.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CardUpdates {
    /// The newest first.
    pub updates: Vec<CardUpdate>,
}

/// Something about a person changed: asks for an update of each card that holds it; a card that is being made is made of it.
///
/// # Errors
/// [`StoreError`].
pub fn follow(tx: &Tx<'_>, person: i64, items: Items, origin: Origin) -> Result<(), StoreError> {
    if items.is_empty() {
        return Ok(());
    }
    tx.count_data_change(person)?;
    for card in tx.cards_of_person(person)? {
        if may_be_updated(&card) {
            sync::note(tx, &card, sync::Event::Data, None)?;
            ask(tx, &card, items, (origin, "", None))?;
        }
    }
    Ok(())
}

/// A person has another number: a card that is being made is made of it, the holder registry is told, what the number tells besides goes
/// onto the cards. The number itself stands on a card for good.
///
/// # Errors
/// [`StoreError`].
pub fn renumbered(tx: &Tx<'_>, person: i64, items: Items, origin: Origin) -> Result<(), StoreError> {
    if !items.is_empty() {
        return follow(tx, person, items, origin);
    }
    tx.count_data_change(person)?;
    for card in tx.cards_of_person(person)?.iter().filter(|card| may_be_updated(card)) {
        sync::note(tx, card, sync::Event::Data, None)?;
    }
    Ok(())
}

/// An operator asks for an update of a card: of these items, or of all that it takes.
///
/// # Errors
/// [`UpdateError`]; nothing was changed then.
pub fn request(
    store: &mut Store,
    number: &str,
    items: Items,
    reason: &str,
    operator: Option<&str>,
) -> Result<CardUpdate, UpdateError> {
    store.act(|tx| {
        let actor = tx.require(operator, Role::Counter)?;
        let reason = fit(reason, true)?;
        let card = tx.card_by_number(number)?.ok_or(Missing::Card)?;
        if !may_be_updated(&card) {
            return Err(UpdateError::CardState { state: card.state });
        }
        let (taken, fixed, absent) = split(tx, &card, if items.is_empty() { Items::all() } else { items })?;
        // Who names nothing wants what can be had.
        if !items.is_empty() && !fixed.and(absent).is_empty() {
            return Err(UpdateError::ItemsFixed { items: fixed.and(absent) });
        }
        let number = ask(tx, &card, taken, (Origin::Counter, reason, Some(&actor)))?;
        let update = number.map(|number| tx.card_update(number)).transpose()?.flatten();
        let update = update.ok_or(UpdateError::ItemsFixed { items: fixed.and(absent) })?;
        let detail = format!("update {}, {}: {reason}", update.number, update.items.to_text());
        Ok((update, Act { actor, act: "card.update-request", object: format!("card {}", card.card_number), detail }))
    })
}

/// Gives an update up. What a begun one has written stays on the card.
///
/// # Errors
/// [`UpdateError`].
pub fn withdraw(
    store: &mut Store,
    number: i64,
    reason: &str,
    operator: Option<&str>,
) -> Result<CardUpdate, UpdateError> {
    store.act(|tx| {
        let actor = tx.require(operator, Role::Counter)?;
        let reason = fit(reason, true)?;
        let update = tx.card_update(number)?.ok_or(UpdateError::Unknown { number })?;
        let by = match UpdateState::of_name(&update.state) {
            Some(UpdateState::Waiting) => UpdateMove::Withdraw,
            Some(UpdateState::Begun) => UpdateMove::Abandon,
            _ => return Err(UpdateError::State { number, state: update.state }),
        };
        tx.move_card_update(number, by)?;
        let detail = format!("update {number}, {}: {reason}", update.state);
        let act = Act { actor, act: "card.update-withdraw", object: format!("card {}", update.card_number), detail };
        Ok((tx.card_update(number)?.ok_or(UpdateError::Unknown { number })?, act))
    })
}

/// The card goes out of use: its open update ends with it.
///
/// # Errors
/// [`StoreError`].
pub(crate) fn end_with_card(tx: &Tx<'_>, job: i64) -> Result<(), StoreError> {
    match tx.open_card_update(job)? {
        Some(open) => tx.move_card_update(open.number, open.either(UpdateMove::End, UpdateMove::Cut)),
        None => Ok(()),
    }
}

/// A card that was made and is not out of use. One that is being written gets what the registry holds then.
fn may_be_updated(card: &Card) -> bool {
    LifeState::of_name(&card.state).is_some_and(|state| state != LifeState::Cancelled)
}

/// Puts an update of these items, and of those of the open one, in the open one's place; its number, none when the card holds none
/// of them.
fn ask(
    tx: &Tx<'_>,
    card: &Card,
    items: Items,
    (origin, reason, asked_by): (Origin, &str, Option<&str>),
) -> Result<Option<i64>, StoreError> {
    let (mut taken, fixed, _) = split(tx, card, items)?;
    let update = |items| CardUpdate {
        number: 0,
        job: card.job,
        card_number: card.card_number.clone(),
        items,
        state: UpdateState::Waiting.name().to_owned(),
        origin,
        reason: reason.to_owned(),
        asked_by: asked_by.map(str::to_owned),
        asked_at: clock::now(),
        reader: None,
        operator: None,
        written: 0,
        stopped_by: String::new(),
        changed_at: String::new(),
    };
    if taken.and(fixed).is_empty() {
        return Ok(None);
    }
    if let Some(open) = tx.open_card_update(card.job)? {
        taken = taken.and(open.items);
        tx.move_card_update(open.number, open.either(UpdateMove::Supersede, UpdateMove::Overtake))?;
    }
    if !fixed.is_empty() {
        let number = tx.add_card_update(&update(fixed))?;
        tx.move_card_update(number, UpdateMove::Close)?;
    }
    if taken.is_empty() { Ok(None) } else { tx.add_card_update(&update(taken)).map(Some) }
}

/// Items that the card takes, that it holds and lets nobody write, and that it does not hold.
fn split(tx: &Tx<'_>, card: &Card, items: Items) -> Result<(Items, Items, Items), StoreError> {
    let (mut taken, mut fixed, mut absent) = (Items::NONE, Items::NONE, Items::NONE);
    let profile = tx.profile_of_cards(&card.profile)?;
    for item in items.iter() {
        match profile.as_ref().map_or(Standing::Fixed, |profile| item.standing(profile)) {
            Standing::Keys | Standing::HolderPin => taken = taken.with(item),
            Standing::Fixed => fixed = fixed.with(item),
            Standing::NotOnCard => absent = absent.with(item),
        }
    }
    Ok((taken, fixed, absent))
}

impl CardUpdate {
    /// The move for a waiting one, or for a begun one.
    fn either(&self, waiting: UpdateMove, begun: UpdateMove) -> UpdateMove {
        if self.state == UpdateState::Begun.name() { begun } else { waiting }
    }
}

impl Show for CardUpdate {
    fn text(&self, lang: Lang) -> String {
        let Self { number, card_number, items, asked_at, origin, .. } = self;
        let (state, names) = (word(&UpdateState::TABLE, &self.state, lang), items.text(lang));
        let who = self.asked_by.as_deref().map(|name| format!(" {name}")).unwrap_or_default();
        let stopped = match self.stopped_by.as_str() {
            "" => String::new(),
            code => lang.pick(format!("，上次中断于 {code}"), format!(", last stopped by {code}")),
        };
        let origin = origin.text(lang);
        let mut lines = vec![lang.pick(
            format!("更新 {number}: 卡 {card_number}，{names}，{state}{stopped}（{origin}{who}，{asked_at}）"),
            format!("update {number}: card {card_number}, {names}, {state}{stopped} ({origin}{who}, {asked_at})"),
        )];
        let printed = items.iter().filter(|item| item.is_printed()).fold(Items::NONE, Items::with);
        if !printed.is_empty() && self.state != UpdateState::Ended.name() {
            let printed = printed.text(lang);
            lines.push(lang.pick(
                format!("  {printed} 也印在卡面上，芯片更新不改卡面；需要时申请换卡: issuer request new --kind data-change"),
                format!("  printed on the card too, which no reader changes: {printed}; for a new card: issuer request new --kind data-change"),
            ));
        }
        lines.join("\n")
    }
}

impl Show for CardUpdates {
    fn text(&self, lang: Lang) -> String {
        let mut lines: Vec<String> = self.updates.iter().map(|update| update.text(lang)).collect();
        let count = self.updates.len();
        lines.push(lang.pick(format!("共 {count} 件"), format!("{count} updates")));
        lines.join("\n")
    }
}
