//! Rows of card numbers and cards.

use card_profiles::identity::CardIdentifier;

use super::counter::Counter;
use super::engine::{self, EngineError, OptionalExtension, Row};
use super::{StoreError, Tx, cell};
use crate::batch::pool::Number;
use crate::batch::{CardMove, NumberMove, NumberState};
use crate::card::{Card, Chip};
use crate::clock;
use crate::state::State;

pub(super) const COLUMNS: &str =
    "chip, job, person, card_number, card_identifier, profile, issue_date, valid_until, state FROM card";

const NUMBER: &str =
    "SELECT n.number, n.state, (SELECT j.number FROM job j WHERE j.card_number = n.number) FROM card_number n";

impl Tx<'_> {
    /// The free card number with the lowest serial.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn free_number(&self) -> Result<Option<String>, StoreError> {
        let mut find =
            self.sql.prepare("SELECT number FROM card_number WHERE state = 'free' ORDER BY serial LIMIT 1")?;
        Ok(find.query_row((), |row| row.get(0)).optional()?)
    }

    /// The serial after the highest one ever given.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn next_serial(&self) -> Result<i64, StoreError> {
        self.next_of(Counter::CardNumber)
    }

    /// 卡号 of cards that are not their job's, or whose number is not in use, and numbers in use without a card; the first of them.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn cards_that_disagree(&self) -> Result<Vec<String>, StoreError> {
        let mut find = self.sql.prepare(
            "SELECT c.card_number FROM card c JOIN job j ON j.number = c.job
             WHERE j.person <> c.person OR j.card_number <> c.card_number
             UNION SELECT c.card_number FROM card c JOIN card_number n ON n.number = c.card_number
             WHERE c.state NOT IN ('writing', 'spoilt') AND n.state <> 'used'
             UNION SELECT n.number FROM card_number n WHERE n.state = 'used'
             AND NOT EXISTS (SELECT 1 FROM card c WHERE c.card_number = n.number) ORDER BY 1 LIMIT 100",
        )?;
        Ok(find.query_map((), |row| row.get(0))?.collect::<Result<_, _>>()?)
    }

    /// Whether every card is its job's, and every number that is used has a card.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn cards_agree(&self) -> Result<bool, StoreError> {
        Ok(self.cards_that_disagree()?.is_empty())
    }

    /// When a card was begun; none of one that no station made.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn card_begun_at(&self, chip: &Chip) -> Result<Option<String>, StoreError> {
        let mut find = self.sql.prepare(
            "SELECT MIN(s.at) FROM station_journal s JOIN card c ON c.job = s.job WHERE c.chip = $1 AND s.event = 'intent'",
        )?;
        Ok(find.query_row([chip.as_str()], |row| row.get::<Option<String>>(0))?)
    }

    /// Adds a free card number.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when it exists.
    pub fn add_number(&self, number: &str, serial: i64) -> Result<(), StoreError> {
        self.sql
            .prepare("INSERT INTO card_number (number, serial, state, changed_at) VALUES ($1, $2, 'free', $3)")?
            .execute((number, serial, clock::now()))?;
        Ok(())
    }

    /// How many card numbers are in a state.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn number_count(&self, state: NumberState) -> Result<u64, StoreError> {
        let mut find = self.sql.prepare("SELECT COUNT(*) FROM card_number WHERE state = $1")?;
        Ok(find.query_row([state.name()], |row| cell::u64(row, 0))?)
    }

    /// A card number of the pool.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn number(&self, number: &str) -> Result<Option<Number>, StoreError> {
        let mut find = self.sql.prepare(&format!("{NUMBER} WHERE n.number = $1"))?;
        Ok(find.query_row([number], card_number).optional()?)
    }

    /// Card numbers in a state or any, in order of making.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn numbers(&self, state: Option<NumberState>, limit: u32) -> Result<Vec<Number>, StoreError> {
        let mut find =
            self.sql.prepare(&format!("{NUMBER} WHERE (n.state = $1 OR $1 IS NULL) ORDER BY n.serial LIMIT $2"))?;
        Ok(find.query_map((state.map(State::name), limit), card_number)?.collect::<Result<_, _>>()?)
    }

    /// Moves a card number.
    ///
    /// # Errors
    /// [`StoreError::StateMoved`].
    pub fn move_number(&self, number: &str, by: NumberMove) -> Result<(), StoreError> {
        let (from, to) = by.ends();
        let rows = self
            .sql
            .prepare("UPDATE card_number SET state = $1, changed_at = $2 WHERE number = $3 AND state = $4")?
            .execute((to.name(), clock::now(), number, from.name()))?;
        Self::moved(rows, || format!("card number {number}"), from.name())
    }

    /// Moves the card number of a job.
    ///
    /// # Errors
    /// [`StoreError::StateMoved`].
    pub fn move_number_of(&self, job: i64, by: NumberMove) -> Result<(), StoreError> {
        self.move_number(&self.job_card_number(job)?, by)
    }

    /// Adds the card that a job begins to write.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when chip, job, number or identifier has a card, or the person a live one.
    pub fn add_card(&self, card: &Card) -> Result<(), StoreError> {
        self.sql.prepare(
            "INSERT INTO card (chip, job, person, card_number, card_identifier, profile, issue_date, valid_until, state,
                               changed_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        )?.execute((
            card.chip.as_str(),
            card.job,
            card.person,
            &card.card_number,
            card.card_identifier.to_string(),
            &card.profile,
            &card.issue_date,
            &card.valid_until,
            &card.state,
            clock::now(),
        ))?;
        Ok(())
    }

    /// Moves the card of a job.
    ///
    /// # Errors
    /// [`StoreError::StateMoved`].
    pub fn move_card(&self, job: i64, by: CardMove) -> Result<(), StoreError> {
        let (from, to) = by.ends();
        let rows = self
            .sql
            .prepare("UPDATE card SET state = $1, changed_at = $2 WHERE job = $3 AND state = $4")?
            .execute((to.name(), clock::now(), job, from.name()))?;
        Self::moved(rows, || format!("card of job {job}"), from.name())
    }

    /// The card with a chip.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn card_by_chip(&self, chip: &Chip) -> Result<Option<Card>, StoreError> {
        let mut find = self.sql.prepare(&format!("SELECT {COLUMNS} WHERE chip = $1"))?;
        Ok(find.query_row([chip.as_str()], card).optional()?)
    }

    /// The card of a job.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn card_of_job(&self, job: i64) -> Result<Option<Card>, StoreError> {
        let mut find = self.sql.prepare(&format!("SELECT {COLUMNS} WHERE job = $1"))?;
        Ok(find.query_row([job], card).optional()?)
    }

    /// The card with an identifier.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn card_by_identifier(&self, identifier: &CardIdentifier) -> Result<Option<Card>, StoreError> {
        let mut find = self.sql.prepare(&format!("SELECT {COLUMNS} WHERE card_identifier = $1"))?;
        Ok(find.query_row([identifier.to_string()], card).optional()?)
    }

    /// The card with a number.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn card_by_number(&self, number: &str) -> Result<Option<Card>, StoreError> {
        let mut find = self.sql.prepare(&format!("SELECT {COLUMNS} WHERE card_number = $1"))?;
        Ok(find.query_row([number], card).optional()?)
    }

    /// Cards of a batch or of all, in order of job.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn cards(&self, batch: Option<i64>) -> Result<Vec<Card>, StoreError> {
        let mut find = self.sql.prepare(&format!(
            "SELECT {COLUMNS} WHERE job IN (SELECT number FROM job WHERE batch = $1 OR $1 IS NULL) ORDER BY job"
        ))?;
        Ok(find.query_map([batch], card)?.collect::<Result<_, _>>()?)
    }
}

pub(super) fn card(row: &Row<'_>) -> engine::Result<Card> {
    let unreadable = |column| EngineError::Column { column, source: None };
    let chip: String = row.get(0)?;
    let identifier: String = row.get(4)?;
    Ok(Card {
        chip: Chip::parse(&chip).ok_or_else(|| unreadable(0))?,
        job: row.get(1)?,
        person: row.get(2)?,
        card_number: row.get(3)?,
        card_identifier: CardIdentifier::parse(&identifier).ok_or_else(|| unreadable(4))?,
        profile: row.get(5)?,
        issue_date: row.get(6)?,
        valid_until: row.get(7)?,
        state: row.get(8)?,
    })
}

fn card_number(row: &Row<'_>) -> engine::Result<Number> {
    Ok(Number { number: row.get(0)?, state: row.get(1)?, job: row.get(2)? })
}
