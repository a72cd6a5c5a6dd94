//! Rows of the life of cards: moves, replacements, deaths.

use super::card::{COLUMNS, card};
use super::engine::{self, OptionalExtension, Row};
use super::{StoreError, Tx};
use crate::card::life::Moved;
use crate::card::state::Move;
use crate::card::{Card, Chip};
use crate::clock;

const MOVE: &str = "sequence, job, step, from_state, to_state, reason, operator, moved_at, release_on FROM card_move";

impl Tx<'_> {
    /// Moves a card that was made.
    ///
    /// # Errors
    /// [`StoreError::StateMoved`]; [`StoreError::Conflict`] when its person has another live card.
    pub fn move_card_state(&self, job: i64, by: &Move) -> Result<(), StoreError> {
        let rows = self
            .sql
            .prepare("UPDATE card SET state = $1, changed_at = $2 WHERE job = $3 AND state = $4")?
            .execute((by.to.name(), clock::now(), job, by.from.name()))?;
        Self::moved(rows, || format!("card of job {job}"), by.from.name())
    }

    /// Position of the next move.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn next_card_move(&self) -> Result<i64, StoreError> {
        Ok(self.sql.query_row("SELECT COALESCE(MAX(sequence), 0) + 1 FROM card_move", (), |row| row.get(0))?)
    }

    /// Adds a move to the history.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn add_card_move(&self, moved: &Moved) -> Result<(), StoreError> {
        self.sql
            .prepare(
                "INSERT INTO card_move (sequence, job, step, from_state, to_state, reason, operator, moved_at, release_on)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            )?
            .execute((
                moved.sequence,
                moved.job,
                &moved.step,
                &moved.from,
                &moved.to,
                &moved.reason,
                &moved.operator,
                &moved.moved_at,
                &moved.release_on,
            ))?;
        Ok(())
    }

    /// Moves of a card, oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn card_moves(&self, job: i64) -> Result<Vec<Moved>, StoreError> {
        let mut find = self.sql.prepare(&format!("SELECT {MOVE} WHERE job = $1 ORDER BY sequence"))?;
        Ok(find.query_map([job], moved)?.collect::<Result<_, _>>()?)
    }

    /// The newest move of a card.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn last_card_move(&self, job: i64) -> Result<Option<Moved>, StoreError> {
        let mut find = self.sql.prepare(&format!("SELECT {MOVE} WHERE job = $1 ORDER BY sequence DESC LIMIT 1"))?;
        Ok(find.query_row([job], moved).optional()?)
    }

    /// Card numbers whose temporary loss ends on a day or ended before, oldest card first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn temporary_losses_due(&self, day: &str) -> Result<Vec<String>, StoreError> {
        let mut find = self.sql.prepare(
            "SELECT c.card_number FROM card c JOIN card_move m ON m.job = c.job
             WHERE c.state = 'temporary_loss' AND m.release_on <= $1
               AND m.sequence = (SELECT MAX(l.sequence) FROM card_move l WHERE l.job = c.job)
             ORDER BY c.job",
        )?;
        Ok(find.query_map([day], |row| row.get(0))?.collect::<Result<_, _>>()?)
    }

    /// Every card of a person, oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn cards_of_person(&self, person: i64) -> Result<Vec<Card>, StoreError> {
        let mut find = self.sql.prepare(&format!("SELECT {COLUMNS} WHERE person = $1 ORDER BY job"))?;
        Ok(find.query_map([person], card)?.collect::<Result<_, _>>()?)
    }

    /// Whether a card is being made for a person, or waits to be handed out.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn card_under_way(&self, person: i64) -> Result<bool, StoreError> {
        let mut find = self.sql.prepare(
            "SELECT (SELECT COUNT(*) FROM job WHERE person = $1 AND state IN ('requested', 'waiting', 'writing'))
                  + (SELECT COUNT(*) FROM card WHERE person = $1 AND state IN ('writing', 'sealed'))",
        )?;
        Ok(find.query_row([person], |row| row.get::<i64>(0))? > 0)
    }

    /// Number of the request for another card because this one is lost, until that one is activated or out of use.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn lost_request_of(&self, chip: &Chip) -> Result<Option<i64>, StoreError> {
        let mut find = self.sql.prepare(
            "SELECT number FROM card_request WHERE kind = 'lost' AND old_chip = $1 AND (state IN ('open', 'batched')
               OR state = 'done' AND EXISTS (SELECT 1 FROM card c WHERE c.job = card_request.job AND c.state = 'sealed'))
             ORDER BY number DESC LIMIT 1",
        )?;
        Ok(find.query_row([chip.as_str()], |row| row.get(0)).optional()?)
    }

    /// Records that a card came in the place of another.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the old one is replaced already.
    pub fn add_replacement(&self, old_job: i64, new_job: i64) -> Result<(), StoreError> {
        self.sql.execute(
            "INSERT INTO card_replacement (old_job, new_job, replaced_at) VALUES ($1, $2, $3)",
            (old_job, new_job, clock::now()),
        )?;
        Ok(())
    }

    /// Numbers of the cards in whose place a card came.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn cards_replaced_by(&self, job: i64) -> Result<Vec<String>, StoreError> {
        let mut find = self.sql.prepare(
            "SELECT c.card_number FROM card_replacement r JOIN card c ON c.job = r.old_job
             WHERE r.new_job = $1 ORDER BY r.old_job",
        )?;
        Ok(find.query_map([job], |row| row.get(0))?.collect::<Result<_, _>>()?)
    }

    /// Number of the card that came in the place of a card.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn card_replacing(&self, job: i64) -> Result<Option<String>, StoreError> {
        let mut find = self.sql.prepare(
            "SELECT c.card_number FROM card_replacement r JOIN card c ON c.job = r.new_job WHERE r.old_job = $1",
        )?;
        Ok(find.query_row([job], |row| row.get(0)).optional()?)
    }

    /// The day on which a person died, if it is recorded.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn death(&self, person: i64) -> Result<Option<String>, StoreError> {
        let mut find = self.sql.prepare("SELECT died_on FROM person_death WHERE person = $1")?;
        Ok(find.query_row([person], |row| row.get(0)).optional()?)
    }

    /// Records a death.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when there is one.
    pub fn add_death(&self, person: i64, died_on: &str, reason: &str, operator: &str) -> Result<(), StoreError> {
        self.sql.execute(
            "INSERT INTO person_death (person, died_on, reason, operator, recorded_at) VALUES ($1, $2, $3, $4, $5)",
            (person, died_on, reason, operator, clock::now()),
        )?;
        Ok(())
    }

    /// Takes the record of a death back.
    ///
    /// # Errors
    /// [`StoreError::StateMoved`] when there is none.
    pub fn remove_death(&self, person: i64) -> Result<(), StoreError> {
        let rows = self.sql.execute(
            "DELETE FROM person_death WHERE person = $1
             AND NOT EXISTS (SELECT 1 FROM person_erased e WHERE e.person = person_death.person)",
            [person],
        )?;
        Self::moved(rows, || format!("person {person}"), "dead")
    }
}

fn moved(row: &Row<'_>) -> engine::Result<Moved> {
    Ok(Moved {
        sequence: row.get(0)?,
        job: row.get(1)?,
        step: row.get(2)?,
        from: row.get(3)?,
        to: row.get(4)?,
        reason: row.get(5)?,
        operator: row.get(6)?,
        moved_at: row.get(7)?,
        release_on: row.get(8)?,
    })
}
