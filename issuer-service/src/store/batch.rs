//! Rows of batches and jobs.

use super::counter::Counter;
use super::engine::{self, OptionalExtension, Row};
use super::{StoreError, Tx, cell};
use crate::batch::aside::{self, SetAside, Why};
use crate::batch::{Batch, BatchMove, BatchState, JobMove, JobState};
use crate::clock;
use crate::person::no_card::NoCard;
use crate::state::State;

const SUMMARY: &str = "SELECT b.number, b.state, b.county, b.maker, b.checker,
    (SELECT COUNT(DISTINCT j.person) FROM job j WHERE j.batch = b.number),
    (SELECT COUNT(*) FROM job j WHERE j.batch = b.number AND j.state IN ('requested', 'waiting')),
    (SELECT COUNT(*) FROM job j WHERE j.batch = b.number AND j.state = 'writing'),
    (SELECT COUNT(*) FROM job j WHERE j.batch = b.number AND j.state = 'done'),
    (SELECT COUNT(*) FROM job j WHERE j.batch = b.number AND j.state = 'spoilt'
     AND NOT EXISTS (SELECT 1 FROM station_journal s WHERE s.job = j.number AND s.event = 'set-aside'))
    FROM batch b";

/// Condition on a job `j`, as [`SUMMARY`] counts it: it ended without a card, and is not only set aside.
pub(super) const SPOILT: &str = "(j.state = 'spoilt'
    AND NOT EXISTS (SELECT 1 FROM station_journal s WHERE s.job = j.number AND s.event = 'set-aside'))";

/// Condition on a job `j`: the registry knows a reason why no card can be made for its person.
pub(super) const KEPT: &str = "(EXISTS (SELECT 1 FROM person p WHERE p.id = j.person AND p.no_card <> '')
    OR EXISTS (SELECT 1 FROM person_death d WHERE d.person = j.person))";

/// Condition on a person `p`: alive, no card but cancelled ones, none under way, not waiting at the counter. Who has a card asks for
/// another one (`request`).
pub(super) const LACKS_CARD: &str = "NOT EXISTS (SELECT 1 FROM card c WHERE c.person = p.id AND c.state NOT IN ('spoilt', 'cancelled'))
    AND NOT EXISTS (SELECT 1 FROM person_death d WHERE d.person = p.id)
    AND NOT EXISTS (SELECT 1 FROM person_joined o WHERE o.person = p.id)
    AND NOT EXISTS (SELECT 1 FROM job j WHERE j.person = p.id AND j.state IN ('requested', 'waiting', 'writing'))
    AND NOT EXISTS (SELECT 1 FROM card_request r WHERE r.person = p.id AND r.state IN ('open', 'batched') AND r.instant = 1)";

/// Condition on a person `p`: no card was ever made.
const NEVER_HAD: &str = "NOT EXISTS (SELECT 1 FROM card c WHERE c.person = p.id AND c.state <> 'spoilt')";

impl Tx<'_> {
    /// Adds a batch; its number.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn add_batch(&self, county: Option<&str>, maker: &str) -> Result<i64, StoreError> {
        let number = self.next_of(Counter::Batch)?;
        self.sql.execute(
            "INSERT INTO batch (number, state, county, maker, created_at) VALUES ($1, 'created', $2, $3, $4)",
            (number, county, maker, clock::now()),
        )?;
        Ok(number)
    }

    /// Cards by the county of their person, those of cancelled batches not counted: county, made, spoilt, all.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn jobs_by_county(&self) -> Result<Vec<(String, u64, u64, u64)>, StoreError> {
        let mut find = self.sql.prepare(&format!(
            "SELECT p.region, COUNT(CASE WHEN j.state = 'done' THEN 1 END), COUNT(CASE WHEN {SPOILT} THEN 1 END), COUNT(*)
             FROM job j JOIN batch b ON b.number = j.batch JOIN person p ON p.id = j.person
             WHERE b.state <> 'cancelled' GROUP BY p.region ORDER BY p.region"
        ))?;
        let rows =
            find.query_map((), |row| Ok((row.get(0)?, cell::u64(row, 1)?, cell::u64(row, 2)?, cell::u64(row, 3)?)))?;
        Ok(rows.collect::<Result<Vec<_>, _>>()?)
    }

    /// A batch.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn batch(&self, number: i64) -> Result<Option<Batch>, StoreError> {
        let mut find = self.sql.prepare(&format!("{SUMMARY} WHERE b.number = $1"))?;
        Ok(find.query_row([number], batch).optional()?)
    }

    /// State of a batch.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn batch_state(&self, number: i64) -> Result<Option<String>, StoreError> {
        let mut find = self.sql.prepare("SELECT state FROM batch WHERE number = $1")?;
        Ok(find.query_row([number], |row| row.get(0)).optional()?)
    }

    /// State of a job.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn job_state(&self, number: i64) -> Result<Option<String>, StoreError> {
        let mut find = self.sql.prepare("SELECT state FROM job WHERE number = $1")?;
        Ok(find.query_row([number], |row| row.get(0)).optional()?)
    }

    /// All batches, in order.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn batches(&self) -> Result<Vec<Batch>, StoreError> {
        let mut find = self.sql.prepare(&format!("{SUMMARY} ORDER BY b.number"))?;
        Ok(find.query_map((), batch)?.collect::<Result<_, _>>()?)
    }

    /// Batches after `after`, in order.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn batches_after(&self, after: i64, limit: u32) -> Result<Vec<Batch>, StoreError> {
        let mut find = self.sql.prepare(&format!("{SUMMARY} WHERE b.number > $1 ORDER BY b.number LIMIT $2"))?;
        Ok(find.query_map((after, limit), batch)?.collect::<Result<_, _>>()?)
    }

    /// Batches before `before`, the newest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn batches_before(&self, before: i64, limit: u32) -> Result<Vec<Batch>, StoreError> {
        let mut find = self.sql.prepare(&format!("{SUMMARY} WHERE b.number < $1 ORDER BY b.number DESC LIMIT $2"))?;
        Ok(find.query_map((before, limit), batch)?.collect::<Result<_, _>>()?)
    }

    /// Batches in one of two states, the oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn batches_in(&self, states: [BatchState; 2], limit: u32) -> Result<Vec<Batch>, StoreError> {
        let [one, other] = states.map(State::name);
        let mut find =
            self.sql.prepare(&format!("{SUMMARY} WHERE b.state = $1 OR b.state = $2 ORDER BY b.number LIMIT $3"))?;
        Ok(find.query_map((one, other, limit), batch)?.collect::<Result<_, _>>()?)
    }

    /// Moves a created batch to approved, with its checker.
    ///
    /// # Errors
    /// [`StoreError::StateMoved`].
    pub fn approve_batch(&self, number: i64, checker: &str) -> Result<(), StoreError> {
        let (from, to) = BatchMove::Approve.ends();
        let rows = self.sql.execute(
            "UPDATE batch SET state = $1, checker = $2, approved_at = $3
             WHERE number = $4 AND state = $5 AND maker <> $2",
            (to.name(), checker, clock::now(), number, from.name()),
        )?;
        Self::moved(rows, || format!("batch {number}"), from.name())
    }

    /// Moves a batch.
    ///
    /// # Errors
    /// [`StoreError::StateMoved`].
    pub fn move_batch(&self, number: i64, by: BatchMove) -> Result<(), StoreError> {
        let (from, to) = by.ends();
        let rows = self.sql.execute(
            "UPDATE batch SET state = $1, finished_at = $2 WHERE number = $3 AND state = $4",
            (to.name(), clock::now(), number, from.name()),
        )?;
        Self::moved(rows, || format!("batch {number}"), from.name())
    }

    /// People behind `after` who live and never had a card, without open job, in order of registration. Who lost one is named, not found.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn people_without_card(&self, county: Option<&str>, after: i64, count: u32) -> Result<Vec<i64>, StoreError> {
        let mut find = self.sql.prepare(&format!(
            "SELECT p.id FROM person p WHERE (p.region = $1 OR $1 IS NULL) AND p.no_card = '' AND p.id > $2 AND {LACKS_CARD}
             AND {NEVER_HAD} ORDER BY p.id LIMIT $3"
        ))?;
        Ok(find.query_map((county, after, count), |row| row.get(0))?.collect::<Result<_, _>>()?)
    }

    /// How many such people are passed over, for each reason.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn people_passed_over(&self, county: Option<&str>) -> Result<Vec<(NoCard, u64)>, StoreError> {
        self.counted(
            &format!(
                "SELECT p.no_card, COUNT(*) FROM person p WHERE (p.region = $1 OR $1 IS NULL) AND p.no_card <> ''
                 AND {LACKS_CARD} AND {NEVER_HAD} GROUP BY p.no_card ORDER BY p.no_card"
            ),
            county,
        )
    }

    /// How many people with an open request that is not made at the counter are passed over, for each reason.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn requests_passed_over(&self, county: Option<&str>) -> Result<Vec<(NoCard, u64)>, StoreError> {
        self.counted(
            "SELECT p.no_card, COUNT(*) FROM card_request r JOIN person p ON p.id = r.person
             WHERE r.state = 'open' AND r.instant = 0 AND (p.region = $1 OR $1 IS NULL) AND p.no_card <> ''
             GROUP BY p.no_card ORDER BY p.no_card",
            county,
        )
    }

    fn counted(&self, statement: &str, county: Option<&str>) -> Result<Vec<(NoCard, u64)>, StoreError> {
        let mut find = self.sql.prepare(statement)?;
        let rows = find.query_map([county], |row| Ok((row.get::<String>(0)?, super::cell::u64(row, 1)?)))?;
        let mut counts: Vec<(NoCard, u64)> = Vec::new();
        for row in rows {
            let (name, count) = row?;
            counts.extend(NoCard::of_name(&name).map(|why| (why, count)));
        }
        Ok(counts)
    }

    /// Whether a person is registered and alive, without live card and without open job.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn person_lacks_card(&self, person: i64) -> Result<bool, StoreError> {
        let mut find = self.sql.prepare(&format!("SELECT 1 FROM person p WHERE p.id = $1 AND {LACKS_CARD}"))?;
        Ok(find.exists([person])?)
    }

    /// Adds a job; its number.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the person has an open job.
    pub fn add_job(&self, batch: i64, person: i64, state: JobState) -> Result<i64, StoreError> {
        let number = self.next_of(Counter::Job)?;
        self.sql.execute(
            "INSERT INTO job (number, batch, person, state, changed_at) VALUES ($1, $2, $3, $4, $5)",
            (number, batch, person, state.name(), clock::now()),
        )?;
        Ok(number)
    }

    /// Jobs of a batch in a state, in order.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn jobs(&self, batch: i64, state: JobState) -> Result<Vec<i64>, StoreError> {
        let mut find = self.sql.prepare("SELECT number FROM job WHERE batch = $1 AND state = $2 ORDER BY number")?;
        Ok(find.query_map((batch, state.name()), |row| row.get(0))?.collect::<Result<_, _>>()?)
    }

    /// The next job of a batch that waits for a blank card: no partner is being asked about it, no factory made its card, no
    /// station has it on lease.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn next_waiting_job(&self, batch: i64) -> Result<Option<i64>, StoreError> {
        let mut find = self.sql.prepare(
            "SELECT j.number FROM job j WHERE j.batch = $1 AND j.state = 'waiting'
             AND NOT EXISTS (SELECT 1 FROM exchange_row r WHERE r.job = j.number AND r.state IN ('exported', 'accepted')
                             AND (r.state = 'exported' OR r.partner = 'factory'))
             AND NOT EXISTS (SELECT 1 FROM station_job s WHERE s.job = j.number AND s.lease_until >= $2)
             AND NOT EXISTS (SELECT 1 FROM person_death d WHERE d.person = j.person)
             ORDER BY j.number LIMIT 1",
        )?;
        Ok(find.query_row((batch, clock::now()), |row| row.get(0)).optional()?)
    }

    /// Whether a station has something to do for a batch: a card in work, or a job that no partner is being asked about.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn work_left(&self, batch: i64) -> Result<bool, StoreError> {
        let mut find = self.sql.prepare(&format!(
            "SELECT 1 FROM job j WHERE j.batch = $1 AND (j.state = 'writing' OR (j.state = 'waiting'
             AND NOT EXISTS (SELECT 1 FROM exchange_row r WHERE r.job = j.number AND r.state = 'exported')
             AND NOT {KEPT}))"
        ))?;
        Ok(find.exists([batch])?)
    }

    /// As [`Tx::work_left`], of what stations elsewhere have neither begun nor on lease.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn work_left_here(&self, batch: i64) -> Result<bool, StoreError> {
        let mut find = self.sql.prepare(&format!(
            "SELECT 1 FROM job j WHERE j.batch = $1 AND (j.state = 'writing' OR (j.state = 'waiting'
             AND NOT EXISTS (SELECT 1 FROM exchange_row r WHERE r.job = j.number AND r.state = 'exported')
             AND NOT {KEPT}))
             AND NOT EXISTS (SELECT 1 FROM station_job s WHERE s.job = j.number
                             AND (j.state = 'writing' OR s.lease_until >= $2))"
        ))?;
        Ok(find.exists((batch, clock::now()))?)
    }

    /// Waiting jobs of a batch for whose people no card can be made and about which no partner is being asked: job and person, in
    /// order.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn jobs_kept(&self, batch: i64) -> Result<Vec<(i64, i64)>, StoreError> {
        let mut find = self.sql.prepare(&format!(
            "SELECT j.number, j.person FROM job j WHERE j.batch = $1 AND j.state = 'waiting'
             AND NOT EXISTS (SELECT 1 FROM exchange_row r WHERE r.job = j.number AND r.state = 'exported')
             AND {KEPT} ORDER BY j.number"
        ))?;
        Ok(find.query_map([batch], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?)
    }

    /// Jobs of a batch that were set aside, in order.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn jobs_set_aside(&self, batch: i64) -> Result<Vec<SetAside>, StoreError> {
        let mut find = self.sql.prepare(
            "SELECT j.number, j.person, s.detail FROM job j JOIN station_journal s ON s.job = j.number
             WHERE j.batch = $1 AND s.event = $2 ORDER BY j.number",
        )?;
        let rows = find.query_map((batch, aside::EVENT), |row| {
            Ok(SetAside { job: row.get(0)?, person: row.get(1)?, why: cell::one_of(row, 2, Why::ALL, Why::name)? })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The 任务号 of the file that asks a partner about a job now.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn task_that_asks(&self, job: i64) -> Result<Option<String>, StoreError> {
        let mut find = self.sql.prepare(
            "SELECT f.task FROM exchange_row r JOIN exchange_file f ON f.number = r.file
             WHERE r.job = $1 AND r.state = 'exported'",
        )?;
        Ok(find.query_row([job], |row| row.get(0)).optional()?)
    }

    /// Jobs of a person that no station has begun and no partner is asked about or has made, in order.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn jobs_not_begun(&self, person: i64, state: JobState) -> Result<Vec<i64>, StoreError> {
        let mut find = self.sql.prepare(
            "SELECT j.number FROM job j WHERE j.person = $1 AND j.state = $2
             AND NOT EXISTS (SELECT 1 FROM exchange_row r WHERE r.job = j.number AND r.state IN ('exported', 'accepted')
                             AND (r.state = 'exported' OR r.partner = 'factory'))
             ORDER BY j.number",
        )?;
        Ok(find.query_map((person, state.name()), |row| row.get(0))?.collect::<Result<_, _>>()?)
    }

    /// The person of a job.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn job_person(&self, job: i64) -> Result<i64, StoreError> {
        Ok(self.sql.query_row("SELECT person FROM job WHERE number = $1", [job], |row| row.get(0))?)
    }

    /// The card number of a job.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn job_card_number(&self, job: i64) -> Result<String, StoreError> {
        Ok(self.sql.query_row("SELECT card_number FROM job WHERE number = $1", [job], |row| row.get(0))?)
    }

    /// Gives a job its card number.
    ///
    /// # Errors
    /// [`StoreError::StateMoved`] when it has one; [`StoreError::Conflict`] when another job has this one.
    pub fn give_number(&self, job: i64, card_number: &str) -> Result<(), StoreError> {
        let rows = self
            .sql
            .execute("UPDATE job SET card_number = $1 WHERE number = $2 AND card_number IS NULL", (card_number, job))?;
        Self::moved(rows, || format!("job {job}"), "without number")
    }

    /// Moves a job.
    ///
    /// # Errors
    /// [`StoreError::StateMoved`].
    pub fn move_job(&self, job: i64, by: JobMove) -> Result<(), StoreError> {
        let (from, to) = by.ends();
        let rows = self
            .sql
            .prepare("UPDATE job SET state = $1, changed_at = $2 WHERE number = $3 AND state = $4")?
            .execute((to.name(), clock::now(), job, from.name()))?;
        Self::moved(rows, || format!("job {job}"), from.name())
    }

    /// What goes onto the card of a person has changed: the person's open job is told.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn count_data_change(&self, person: i64) -> Result<(), StoreError> {
        let mut count = self.sql.prepare(
            "INSERT INTO job_data (job, changes)
             SELECT number, 1 FROM job WHERE person = $1 AND state IN ('requested', 'waiting', 'writing')
             ON CONFLICT (job) DO UPDATE SET changes = job_data.changes + 1",
        )?;
        count.execute([person])?;
        Ok(())
    }

    /// How often what goes onto the card of a job changed since the job was made.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn data_changes(&self, job: i64) -> Result<i64, StoreError> {
        let mut find = self.sql.prepare("SELECT changes FROM job_data WHERE job = $1")?;
        Ok(find.query_row([job], |row| row.get(0)).optional()?.unwrap_or_default())
    }
}

fn batch(row: &Row<'_>) -> engine::Result<Batch> {
    let count = |place| row.get::<i64>(place).map(|count| u64::try_from(count).unwrap_or_default());
    Ok(Batch {
        number: row.get(0)?,
        state: row.get(1)?,
        county: row.get(2)?,
        maker: row.get(3)?,
        checker: row.get(4)?,
        cards: count(5)?,
        waiting: count(6)?,
        writing: count(7)?,
        done: count(8)?,
        spoilt: count(9)?,
        set_aside: Vec::new(),
        passed_over: Vec::new(),
    })
}
