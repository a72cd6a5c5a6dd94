//! The blacklist (黑名单): cards that may not pay, in a sequence that only grows. It leaves the centre signed:
//!
//! ```toml
//! [blacklist]
//! valid_hours = 72   # how long a terminal may sell by a list, whatever it hears later (assumed)
//! ```
//!
//! A list is signed out of one snapshot and nothing of that is stored: there is no moment at which a list is half published.
//!
//! Source: docs/adr/0035. Owns: what an entry is; when a card stood on the list; what is signed, and until when it is good.
//! Never: the card's own state (the registry's); how a terminal checks (`settlement::blacklist`).

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use settlement::blacklist::{Period, SignedBlacklist};
use settlement::date::DateTime;
use settlement::id::{CardIdentifier, PublicKey};

use super::refusal::ClearingError;
use super::withheld;
use crate::audit::Act;
use crate::card::state::LifeState;
use crate::clock;
use crate::lang::Lang;
use crate::operator::Role;
use crate::output::Show;
use crate::store::{Store, StoreError, Tx};
use crate::sync;
use crate::vault::Signer;

/// What an entry does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BlacklistAct {
    /// From now on the card may not pay.
    Add,
    /// From now on it may again.
    Remove,
}

impl BlacklistAct {
    /// Name as stored.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Add => "add",
            Self::Remove => "remove",
        }
    }
}

/// An entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BlacklistEntry {
    /// Position, from 1.
    pub sequence: u64,
    /// Card.
    pub card_identifier: CardIdentifier,
    /// What it does.
    pub act: BlacklistAct,
    /// Why.
    pub reason: String,
    /// Who.
    pub operator: String,
    /// UTC instant.
    pub effective_at: String,
}

/// The list as it stands.
#[derive(Clone, Debug, Serialize)]
pub struct Blacklist {
    /// Sequence of the newest entry.
    pub sequence: u64,
    /// Cards on the list.
    pub entries: Vec<BlacklistEntry>,
}

/// What a site decides about its list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BlacklistRules {
    /// Hours for which a signed list is good.
    pub valid_hours: u16,
}

impl Default for BlacklistRules {
    fn default() -> Self {
        Self { valid_hours: 72 }
    }
}

/// Puts a card on the list, or takes it off.
///
/// # Errors
/// [`ClearingError`].
pub fn change(
    store: &mut Store,
    card: CardIdentifier,
    act: BlacklistAct,
    reason: &str,
    operator: Option<&str>,
) -> Result<Blacklist, ClearingError> {
    store.act(|tx| {
        let operator = tx.require(operator, Role::Clearing)?;
        if reason.trim().is_empty() {
            return Err(ClearingError::ReasonMissing);
        }
        tx.card_facts(card)?.ok_or(ClearingError::CardUnknown { card })?;
        let stands = tx.blacklist_history(card)?.pop().filter(|last| last.act == BlacklistAct::Add);
        // One that was taken back out of an old list becomes an operator's own.
        let is_same = match act {
            BlacklistAct::Add => stands.is_some_and(|last| !last.reason.starts_with(TAKEN_BACK)),
            BlacklistAct::Remove => stands.is_none(),
        };
        if is_same {
            return Err(ClearingError::BlacklistUnchanged { card });
        }
        if act == BlacklistAct::Remove && is_held_by_state(tx, card)? {
            return Err(ClearingError::BlacklistByState { card });
        }
        let sequence = tx.add_blacklist_entry(card, act, reason.trim(), &operator)?;
        tell_registry(tx, card)?;
        let detail = format!("{} sequence {sequence}: {}", act.name(), reason.trim());
        let act = Act { actor: operator, act: "blacklist.change", object: format!("card {card}"), detail };
        Ok((Blacklist { sequence, entries: tx.blacklist()? }, act))
    })
}

/// Signs the list as it stands, or what changed since the list with sequence `since`; the whole one for 0 and for a sequence
/// that this centre has not reached.
///
/// # Errors
/// [`settlement::ErrorCode::BlacklistWithheld`] in a centre that was brought back and was not told yet that its list is whole.
pub fn sign(tx: &Tx<'_>, signer: &Signer, rules: BlacklistRules, since: u64) -> Result<SignedBlacklist, ClearingError> {
    withheld::may_publish(tx)?;
    let sequence = tx.blacklist_sequence()?;
    let now = tx.blacklist_at(sequence)?;
    let since = if since > sequence { 0 } else { since };
    let then = if since == 0 { std::collections::BTreeSet::new() } else { tx.blacklist_at(since)? };
    let valid_until = clock::china_in(u32::from(rules.valid_hours) * 3600);
    let period = Period { issued_at: clock::china_now(), valid_until };
    Ok(SignedBlacklist::sign((since, &then), (sequence, &now), period, signer.public_key(), |bytes| signer.sign(bytes)))
}

/// A list that was written to a file.
#[derive(Clone, Debug, Serialize)]
pub struct ExportedList {
    /// File.
    pub file: PathBuf,
    /// Sequence of the list that it changes; 0 for a whole list.
    pub since: u64,
    /// Sequence of the list.
    pub sequence: u64,
    /// Cards on it.
    pub cards: u64,
    /// Until when it is good.
    pub valid_until: DateTime,
    /// The key that terminals trust.
    pub centre_key: PublicKey,
}

impl Show for ExportedList {
    fn text(&self, lang: Lang) -> String {
        let Self { file, since, sequence, cards, valid_until, centre_key } = self;
        let file = file.display();
        let (zh, en) = match since {
            0 => ("完整名单".to_owned(), "whole list".to_owned()),
            since => (format!("自序号 {since} 以来的变化"), format!("changes since {since}")),
        };
        lang.pick(
            format!("{file}: {zh}，序号 {sequence}，共 {cards} 张卡，有效至 {valid_until}\n中心公钥 {centre_key}"),
            format!(
                "{file}: {en}, sequence {sequence}, {cards} cards, valid until {valid_until}\ncentre's key {centre_key}"
            ),
        )
    }
}

/// Whether a card with this history stood on the list at the time of a sale (China time of the terminal).
#[must_use]
pub fn stood_at(history: &[BlacklistEntry], sale: DateTime) -> bool {
    let before =
        history.iter().rev().find(|entry| clock::china_date_time(&entry.effective_at).is_some_and(|at| at <= sale));
    before.is_some_and(|entry| entry.act == BlacklistAct::Add)
}

/// How the reason of an entry begins that the state of its card made; such entries follow the state.
const BY_STATE: &str = "card state: ";
/// How the reason of an entry begins that was taken back out of a list of the time before the centre was brought back.
const TAKEN_BACK: &str = "time before, list ";

/// Puts a card on the list because one that this centre signed before it was brought back has it.
///
/// # Errors
/// [`StoreError`].
pub(super) fn take_back(tx: &Tx<'_>, card: CardIdentifier, list: u64, operator: &str) -> Result<(), StoreError> {
    tx.add_blacklist_entry(card, BlacklistAct::Add, &format!("{TAKEN_BACK}{list}"), operator)?;
    Ok(())
}

/// Makes the list follow the state of a card; the new sequence when an entry was needed.
///
/// An entry that an operator made by hand stays until an operator removes it, also one that was taken back out of an old list: nobody knows why
/// it stood there. Only as long as the list is withheld, when what the centre has lost is reported again, a loss or a lock takes its place.
///
/// # Errors
/// [`StoreError`].
pub fn follow(
    tx: &Tx<'_>,
    card: &card_profiles::identity::CardIdentifier,
    listed: bool,
    state: &str,
    operator: &str,
) -> Result<Option<u64>, StoreError> {
    let Ok(card) = CardIdentifier::parse(&card.to_string()) else { return Ok(None) };
    let last = tx.blacklist_history(card)?.pop().filter(|last| last.act == BlacklistAct::Add);
    let act = match (listed, last) {
        (true, None) => BlacklistAct::Add,
        (true, Some(last)) if last.reason.starts_with(TAKEN_BACK) && withheld::withheld(tx)?.is_some() => {
            BlacklistAct::Add
        }
        (false, Some(last)) if last.reason.starts_with(BY_STATE) => BlacklistAct::Remove,
        _ => return Ok(None),
    };
    tx.add_blacklist_entry(card, act, &format!("{BY_STATE}{state}"), operator).map(Some)
}

/// The holder registry is told of an entry that an operator made by hand, when the card is of this centre.
///
/// # Errors
/// [`StoreError`].
pub fn tell_registry(tx: &Tx<'_>, card: CardIdentifier) -> Result<(), StoreError> {
    let Some(card) = card_profiles::identity::CardIdentifier::parse(&card.to_string()) else { return Ok(()) };
    match tx.card_by_identifier(&card)? {
        Some(card) => sync::note(tx, &card, sync::Event::Blacklist, None),
        None => Ok(()),
    }
}

/// Whether a card stands on the list now.
///
/// # Errors
/// [`StoreError`].
pub fn is_listed(tx: &Tx<'_>, card: &card_profiles::identity::CardIdentifier) -> Result<bool, StoreError> {
    let Ok(card) = CardIdentifier::parse(&card.to_string()) else { return Ok(false) };
    Ok(tx.blacklist_history(card)?.last().is_some_and(|entry| entry.act == BlacklistAct::Add))
}

/// Whether the state of a card keeps it on the list: nobody takes it off by hand then.
///
/// # Errors
/// [`StoreError`].
pub fn is_held_by_state(tx: &Tx<'_>, card: CardIdentifier) -> Result<bool, StoreError> {
    let Some(card) = card_profiles::identity::CardIdentifier::parse(&card.to_string()) else { return Ok(false) };
    let state = tx.card_by_identifier(&card)?.and_then(|card| LifeState::of_name(&card.state));
    Ok(state.is_some_and(LifeState::is_listed))
}

impl Show for Blacklist {
    fn text(&self, lang: Lang) -> String {
        let head = lang.pick(
            format!("黑名单序号 {}，共 {} 张卡", self.sequence, self.entries.len()),
            format!("blacklist sequence {}, {} cards", self.sequence, self.entries.len()),
        );
        let lines = self.entries.iter().map(|entry| {
            format!(
                "{:>6}  {}  {}  {}  {}",
                entry.sequence, entry.card_identifier, entry.effective_at, entry.operator, entry.reason
            )
        });
        [head].into_iter().chain(lines).collect::<Vec<_>>().join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(sequence: u64, act: BlacklistAct, effective_at: &str) -> BlacklistEntry {
        BlacklistEntry {
            sequence,
            card_identifier: CardIdentifier([0x51; 16]),
            act,
            reason: "lost".into(),
            operator: "a".into(),
            effective_at: effective_at.into(),
        }
    }

    #[test]
    fn only_a_sale_between_entry_and_removal_counts() {
        let history = [
            entry(1, BlacklistAct::Add, "2026-03-01T16:00:00.000Z"),
            entry(2, BlacklistAct::Remove, "2026-03-02T16:00:00.000Z"),
        ];
        for (sale, expected) in
            [("20260301235959", false), ("20260302000000", true), ("20260302235959", true), ("20260303000000", false)]
        {
            assert_eq!(stood_at(&history, DateTime::parse(sale).expect("real")), expected, "{sale}");
        }
        assert!(!stood_at(&[], DateTime::parse("20260302000000").expect("real")));
    }
}
