//! Codes that a card told of a record afterwards, until the centre has them.
//!
//! Owns: of which records the card is asked, what it told. Never: asks a card; sends.

use settlement::ErrorCode;
use settlement::id::{CardIdentifier, Tac};
use settlement::journal::State;
use settlement::record::Evidence;

use super::entries::write;
use super::{Store, StoreError};
use crate::journal::{Entry, EntryNumber, Shown};

/// Before the number of an entry, among the facts.
const PROVED: &str = "proved.";

impl Store {
    /// Records of a card that the centre cannot post with what it was sent, and of which the card was not asked.
    pub(super) fn without_their_code(&self, card: &CardIdentifier) -> Result<Vec<Entry>, StoreError> {
        let refused = self.refused_records()?;
        let is_wrong = |record: u64| refused.get(&record).is_some_and(|code| code == ErrorCode::TacWrong.as_str());
        let mut doubted = Vec::new();
        for entry in self.entries_of(card)? {
            let (State::Confirmed, Some(record), Some(done)) = (entry.state, entry.record, entry.done) else {
                continue;
            };
            let agrees = done.evidence == Evidence::Judged && entry.shown == Some(Shown::Agrees);
            if (agrees || is_wrong(record)) && self.fact(&name(entry.number))?.is_none() {
                doubted.push(entry);
            }
        }
        Ok(doubted)
    }

    pub(super) fn keep_code(&mut self, number: EntryNumber, tac: Tac) -> Result<(), StoreError> {
        let place = self.place.clone();
        write(&mut self.connection, &place, |connection| {
            connection
                .execute(
                    "INSERT INTO fact (name, value) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
                    [name(number), tac.to_string()],
                )
                .map(drop)
        })
    }

    /// Entries whose cards told their codes afterwards, and of which no letter on this path tells.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn unreported_codes(&self, path: &'static str) -> Result<Vec<(Entry, Tac)>, StoreError> {
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
        rows.map(|row| {
            let (number, tac) = row.map_err(fail)?;
            let tac = Tac::parse(&tac).map_err(|_| self.corrupt("a code of a card"))?;
            Ok((self.entry(EntryNumber(number.unsigned_abs()))?, tac))
        })
        .collect()
    }
}

fn name(number: EntryNumber) -> String {
    format!("{PROVED}{}", number.0)
}
