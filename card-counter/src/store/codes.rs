//! Codes that a card told of a record afterwards, until the centre has them.
//!
//! Owns: of which records the card is asked, what it told. Never: asks a card; sends.

use std::collections::BTreeMap;

use settlement::ErrorCode;
use settlement::id::{CardIdentifier, Mac, Tac};
use settlement::journal::State;
use settlement::record::{CardsCode, Evidence, NumberProof};

use super::entries::write;
use super::{Store, StoreError};
use crate::journal::{Entry, EntryNumber, Shown, Subject};

/// Before the number of an entry, among the facts.
const PROVED: &str = "proved.";

impl Store {
    /// Records of a card that the centre cannot post with what it was sent, or may find so: those of which the card told no other code
    /// yet. A code that the centre has not seen can be wrong without anybody at the till knowing, and the card forgets it with its next
    /// purchase: of those the last one is asked for.
    pub(super) fn without_their_code(&self, card: &CardIdentifier) -> Result<Vec<Entry>, StoreError> {
        let refused = self.refused_records()?;
        let mut doubted = Vec::new();
        let entries = self.entries_of(card)?;
        let is_purchase =
            |entry: &&Entry| matches!(entry.draft.subject, Subject::Purchase { .. }) && entry.record.is_some();
        let last = entries.iter().rev().find(is_purchase).map(|entry| entry.number);
        for entry in entries {
            let (State::Confirmed, Some(record)) = (entry.state, entry.record) else { continue };
            let is_asked_for = is_wanted(&entry, &refused)
                || (last == Some(entry.number) && !refused.contains_key(&record) && !self.is_answered(record)?);
            if is_asked_for && self.fact(&name(entry.number))?.is_none() {
                doubted.push(entry);
            }
        }
        Ok(doubted)
    }

    /// Keeps what a card told, unless the record has it and nobody doubts it: the TAC, and behind it the MAC2 of a purchase; the random stands in the entry.
    pub(super) fn keep_code(&mut self, number: EntryNumber, code: CardsCode) -> Result<(), StoreError> {
        let entry = self.entry(number)?;
        let is_known = entry.done.and_then(|done| done.evidence.code()) == Some(code);
        if is_known && !is_wanted(&entry, &self.refused_records()?) {
            return Ok(());
        }
        let told = code.tac.to_string() + &code.number.map_or_else(String::new, |number| number.mac2.to_string());
        let place = self.place.clone();
        write(&mut self.connection, &place, |connection| {
            connection
                .execute("INSERT INTO fact (name, value) VALUES (?1, ?2) ON CONFLICT DO NOTHING", [name(number), told])
                .map(drop)
        })
    }

    /// Entries whose cards told their codes afterwards, which the centre has no code for that fits, and of which no letter on this path
    /// tells.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn unreported_codes(&self, path: &'static str) -> Result<Vec<(Entry, CardsCode)>, StoreError> {
        let fail = |source| self.failure(source);
        let mut statement = self
            .connection
            .prepare(
                "SELECT CAST(substr(name, length(?1) + 1) AS INTEGER) AS number, value FROM fact
                 WHERE substr(name, 1, length(?1)) = ?1
                 AND number NOT IN (SELECT entry FROM letter WHERE path = ?2 AND entry IS NOT NULL) ORDER BY number",
            )
            .map_err(fail)?;
        let rows = statement
            .query_map([PROVED, path], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?)))
            .map_err(fail)?;
        let codes: Vec<(Entry, CardsCode)> = rows
            .map(|row| {
                let (number, told) = row.map_err(fail)?;
                let entry = self.entry(EntryNumber(number.unsigned_abs()))?;
                let code = read(&entry, &told).ok_or_else(|| self.corrupt("a code of a card"))?;
                Ok((entry, code))
            })
            .collect::<Result<_, StoreError>>()?;
        let refused = self.refused_records()?;
        Ok(codes.into_iter().filter(|(entry, _)| is_wanted(entry, &refused)).collect())
    }
}

/// What a card told of an entry, as it was kept.
fn read(entry: &Entry, told: &str) -> Option<CardsCode> {
    let (tac, mac2) = told.split_at_checked(2 * size_of::<Tac>())?;
    let number = match mac2 {
        "" => None,
        mac2 => Some(NumberProof { random: entry.sent?.random, mac2: Mac::parse(mac2).ok()? }),
    };
    Some(CardsCode { tac: Tac::parse(tac).ok()?, number })
}

/// Whether the centre has no code of this record that fits: it said so, or a person judged and the card agrees.
fn is_wanted(entry: &Entry, refused: &BTreeMap<u64, String>) -> bool {
    let agrees = entry.shown == Some(Shown::Agrees) && entry.done.is_some_and(|done| done.evidence == Evidence::Judged);
    let code = entry.record.and_then(|record| refused.get(&record));
    let is_unfit = |code: &String| {
        // A record of a version before, whose number its card can show now.
        let is_unnumbered = entry.done.and_then(|done| done.evidence.code()).is_some_and(|told| told.number.is_none());
        let is = |unfit: ErrorCode| code == unfit.as_str();
        is(ErrorCode::TacWrong) || is(ErrorCode::Mac2Wrong) || (is_unnumbered && is(ErrorCode::DuplicateCardSequence))
    };
    agrees || code.is_some_and(is_unfit)
}

fn name(number: EntryNumber) -> String {
    format!("{PROVED}{}", number.0)
}
