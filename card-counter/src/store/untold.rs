//! What the next tap of a card settled, or a driver's call sold, and nobody was told of yet: it is said until a program has said it.
//!
//! Owns: the mark of an entry, written with the move that it is about; whether its original paper may still go out. Never: decides who is told, or how.

use rusqlite::{OptionalExtension as _, params};
use settlement::id::CardIdentifier;
use settlement::journal::State;
use settlement::receipt::Copy;

use super::entries::one_more_reprint;
use super::{Store, StoreError};
use crate::journal::{Entry, EntryNumber};

/// Before the number of an entry, among the facts.
const UNTOLD: &str = "untold.";
/// What the mark of an entry says whose paper went out, or was about to.
const PAPER: &str = "paper";

impl Store {
    /// Marks an entry, in the transaction that is open.
    pub(super) fn owe_a_word(&self, number: EntryNumber) -> Result<(), StoreError> {
        self.connection
            .prepare_cached("INSERT INTO fact (name, value) VALUES (?1, '') ON CONFLICT DO NOTHING")
            .and_then(|mut statement| statement.execute([mark(number)]))
            .map(drop)
            .map_err(|source| self.failure(source))
    }

    /// Marks a paid purchase of a driver's call, in the transaction that is open: its caller may be gone before it has the answer. As
    /// [`Entry::is_owed_to_a_caller`].
    pub(super) fn owe_its_caller(&self, number: EntryNumber) -> Result<(), StoreError> {
        self.connection
            .prepare_cached(
                "INSERT INTO fact (name, value) SELECT ?1 || number, '' FROM entry
                 WHERE number = ?2 AND kind = 'purchase' AND paper = '' AND state = ?3 ON CONFLICT DO NOTHING",
            )
            .and_then(|mut statement| {
                statement.execute(params![UNTOLD, number.0.cast_signed(), State::Confirmed.as_str()])
            })
            .map(drop)
            .map_err(|source| self.failure(source))
    }

    /// What was settled and nobody was told of, oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn untold(&self) -> Result<Vec<Entry>, StoreError> {
        let fail = |source| self.failure(source);
        let mut statement = self
            .connection
            .prepare_cached(
                "SELECT CAST(substr(name, ?2) AS INTEGER) FROM fact WHERE name >= ?1 AND name < ?3 ORDER BY 1",
            )
            .map_err(fail)?;
        // '/' follows '.'.
        let until = UNTOLD.replace('.', "/");
        let from = i64::try_from(UNTOLD.len() + 1).unwrap_or(i64::MAX);
        let rows = statement.query_map(params![UNTOLD, from, until], |row| row.get::<_, i64>(0)).map_err(fail)?;
        rows.map(|number| self.entry(EntryNumber(number.map_err(fail)?.unsigned_abs()))).collect()
    }

    /// Those of one card.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn untold_of(&self, card: &CardIdentifier) -> Result<Vec<Entry>, StoreError> {
        Ok(self.untold()?.into_iter().filter(|entry| entry.draft.card_identifier == *card).collect())
    }

    /// Which copy of what a tap settled goes to paper now: the original while nobody was told and none went out, a reprint from then on. It
    /// is written down before the first byte goes out, so a program that is killed over the paper leaves no second original.
    ///
    /// # Errors
    /// [`StoreError`]: nothing goes out.
    pub fn next_copy(&mut self, number: EntryNumber) -> Result<Copy, StoreError> {
        let place = self.place.clone();
        super::entries::write(&mut self.connection, &place, |connection| {
            let is_first = connection.execute(
                "UPDATE fact SET value = ?2 WHERE name = ?1 AND value = ''
                 AND (SELECT reprints FROM entry WHERE number = ?3) = 0",
                params![mark(number), PAPER, number.0.cast_signed()],
            )?;
            if is_first == 1 { Ok(Copy::Original) } else { one_more_reprint(connection, number).map(Copy::Reprint) }
        })
    }

    /// Somebody was told.
    ///
    /// # Errors
    /// [`StoreError`]: it is said once more.
    pub fn word_given(&mut self, number: EntryNumber) -> Result<(), StoreError> {
        let place = self.place.clone();
        super::entries::write(&mut self.connection, &place, |connection| {
            connection.execute("DELETE FROM fact WHERE name = ?1", [mark(number)]).map(drop)
        })
    }

    /// The number of the last record that a day end before this day had; `None` when there was none.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn day_ended_before(&self, day: settlement::BusinessDate) -> Result<Option<u64>, StoreError> {
        let record: Option<Option<i64>> = self
            .connection
            .query_row(
                "SELECT max(CAST(value AS INTEGER)) FROM fact WHERE name >= ?1 AND name < ?1 || ?2",
                [DAY_END, day.to_string().as_str()],
                |row| row.get(0),
            )
            .optional()
            .map_err(|source| self.failure(source))?;
        Ok(record.flatten().map(i64::unsigned_abs))
    }

    /// Notes that a day was ended with every record up to this one.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn end_day(&mut self, day: settlement::BusinessDate, record: u64) -> Result<(), StoreError> {
        let place = self.place.clone();
        super::entries::write(&mut self.connection, &place, |connection| {
            connection
                .execute(
                    "INSERT OR REPLACE INTO fact (name, value) VALUES (?1, ?2)",
                    [format!("{DAY_END}{day}"), record.to_string()],
                )
                .map(drop)
        })
    }
}

/// Before a day, among the facts.
const DAY_END: &str = "day-end.";

fn mark(number: EntryNumber) -> String {
    format!("{UNTOLD}{}", number.0)
}

#[cfg(test)]
mod tests {
    use card_profiles::account::Amounts;
    use settlement::id::{BillId, CardFactor, CardRandom, Digest, Mac, TerminalNumber};
    use settlement::journal::Event;
    use settlement::record::Evidence;
    use settlement::{BusinessDate, DateTime};

    use super::*;
    use crate::journal::{Done, Draft, Journal as _, Sent, Subject};

    /// A purchase whose answer was lost, and that the card showed as done.
    fn settled(store: &mut Store) -> EntryNumber {
        let draft = Draft {
            terminal: TerminalNumber([0x99; 6]),
            card_identifier: CardIdentifier([7; 16]),
            card_factor: CardFactor([7; 8]),
            business_date: BusinessDate::parse("2026-01-05").expect("a date"),
            subject: Subject::Purchase {
                amounts: Amounts { personal_account: 100, self_paid: 0, pooled_fund: 0 },
                bill_id: BillId::parse("B-1").expect("a word"),
                bill_hash: Digest([7; 32]),
                sale_id: None,
            },
            paper: "lines".to_owned(),
        };
        let number = store.prepare(&draft).expect("written").number;
        let sent = Sent {
            balance_before: 1_000,
            card_sequence: 1,
            terminal_sequence: 1,
            date_time: DateTime::parse("20260105101112").expect("real"),
            random: CardRandom([1; 4]),
            key_version: 1,
            algorithm: 1,
            mac: Mac([1; 4]),
        };
        store.send(number, &sent).expect("written");
        store.close(number, Event::AnswerLost, "NEXT_TAP").expect("written");
        let done = Done { balance_after: 900, evidence: Evidence::LogOnly };
        store.confirm(number, Event::ShownDone, &done).expect("written");
        number
    }

    #[test]
    fn the_original_goes_out_once_whenever_the_program_was_killed() {
        for is_told in [false, true] {
            let folder = tempfile::tempdir().expect("a folder");
            let number = settled(&mut Store::open(folder.path()).expect("a store"));
            // Killed before it was written down: nothing has gone out. After it: the paper may be in the holder's hand.
            let mut copies = Vec::new();
            for life in 0..3 {
                let mut store = Store::open(folder.path()).expect("a store");
                copies.push(store.next_copy(number).expect("written"));
                if is_told && life == 0 {
                    store.word_given(number).expect("written");
                }
            }
            assert_eq!(copies, [Copy::Original, Copy::Reprint(1), Copy::Reprint(2)], "told {is_told}");
        }
    }

    #[test]
    fn what_was_reprinted_before_its_tap_said_it_has_no_original_any_more() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut store = Store::open(folder.path()).expect("a store");
        let number = settled(&mut store);
        assert_eq!(store.count_reprint(number).expect("written"), 1);
        assert_eq!(store.next_copy(number).expect("written"), Copy::Reprint(2));
    }
}
