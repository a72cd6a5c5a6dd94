//! Rows of requests.

use super::counter::Counter;
use super::engine::{self, OptionalExtension, Row};
use super::{StoreError, Tx, cell};
use crate::card::Chip;
use crate::clock;
use crate::request::{Kind, Request, RequestMove, RequestState};
use crate::state::State;

const COLUMNS: &str = "SELECT r.number, r.person, r.kind, r.instant, r.state,
    (SELECT c.card_number FROM card c WHERE c.chip = r.old_chip), r.job, r.maker, r.made_at FROM card_request r";

impl Tx<'_> {
    /// Adds a request; its number.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the person has an open one.
    pub fn add_card_request(
        &self,
        person: i64,
        kind: Kind,
        instant: bool,
        old: Option<&Chip>,
        maker: &str,
    ) -> Result<i64, StoreError> {
        let number = self.next_of(Counter::Request)?;
        self.sql
            .prepare(
                "INSERT INTO card_request (number, person, kind, instant, state, old_chip, maker, made_at, changed_at)
                 VALUES ($1, $2, $3, $4, 'open', $5, $6, $7, $8)",
            )?
            .execute((
                number,
                person,
                kind.name(),
                i64::from(instant),
                old.map(Chip::as_str),
                maker,
                clock::now(),
                clock::now(),
            ))?;
        Ok(number)
    }

    /// A request.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn request(&self, number: i64) -> Result<Option<Request>, StoreError> {
        let mut find = self.sql.prepare(&format!("{COLUMNS} WHERE r.number = $1"))?;
        Ok(find.query_row([number], request).optional()?)
    }

    /// Requests after `after`, in a state or any, of a person or anybody, in order.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn requests(
        &self,
        state: Option<RequestState>,
        person: Option<i64>,
        after: i64,
        limit: u32,
    ) -> Result<Vec<Request>, StoreError> {
        let mut find = self.sql.prepare(&format!(
            "{COLUMNS} WHERE r.number > $1 AND (r.state = $2 OR $2 IS NULL) AND (r.person = $3 OR $3 IS NULL)
             ORDER BY r.number LIMIT $4"
        ))?;
        let rows = find.query_map((after, state.map(State::name), person, limit), request)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Open requests behind `after` that are not made at the counter, of a county or of all, the oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn open_requests(&self, county: Option<&str>, after: i64, count: u32) -> Result<Vec<Request>, StoreError> {
        let mut find = self.sql.prepare(&format!(
            "{COLUMNS} JOIN person p ON p.id = r.person
             WHERE r.state = 'open' AND r.instant = 0 AND (p.region = $1 OR $1 IS NULL) AND p.no_card = ''
             AND r.number > $2 ORDER BY r.number LIMIT $3"
        ))?;
        Ok(find.query_map((county, after, count), request)?.collect::<Result<_, _>>()?)
    }

    /// The open request of a person, in a batch or not.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn open_request_of(&self, person: i64) -> Result<Option<Request>, StoreError> {
        let mut find =
            self.sql.prepare(&format!("{COLUMNS} WHERE r.person = $1 AND r.state IN ('open', 'batched')"))?;
        Ok(find.query_row([person], request).optional()?)
    }

    /// Requests of people at the counter that are not withdrawn and whose card nobody has got, the newest first. One whose card was
    /// put out of use counts until the person has another request, or dies.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn instant_requests_waiting(&self) -> Result<Vec<Request>, StoreError> {
        let mut find = self.sql.prepare(&format!(
            "{COLUMNS} WHERE r.instant = 1 AND r.state <> 'withdrawn' AND NOT (r.state = 'done' AND EXISTS
             (SELECT 1 FROM card c WHERE c.job = r.job AND c.state <> 'sealed' AND (c.state <> 'cancelled'
                  OR EXISTS (SELECT 1 FROM card_move m WHERE m.job = c.job AND m.step = 'activate')
                  OR EXISTS (SELECT 1 FROM card_request o WHERE o.person = r.person AND o.number > r.number
                             AND o.state <> 'withdrawn')
                  OR EXISTS (SELECT 1 FROM person_death d WHERE d.person = r.person))))
             ORDER BY r.number DESC"
        ))?;
        Ok(find.query_map((), request)?.collect::<Result<_, _>>()?)
    }

    /// The batch of a job.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn batch_of_job(&self, job: i64) -> Result<Option<i64>, StoreError> {
        let mut find = self.sql.prepare("SELECT batch FROM job WHERE number = $1")?;
        Ok(find.query_row([job], |row| row.get(0)).optional()?)
    }

    /// The request that a job is to fulfil.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn request_of_job(&self, job: i64) -> Result<Option<Request>, StoreError> {
        let mut find = self.sql.prepare(&format!("{COLUMNS} WHERE r.job = $1"))?;
        Ok(find.query_row([job], request).optional()?)
    }

    /// Moves a request.
    ///
    /// # Errors
    /// [`StoreError::StateMoved`].
    pub fn move_request(&self, number: i64, by: RequestMove) -> Result<(), StoreError> {
        let (from, to) = by.ends();
        let rows = self
            .sql
            .prepare("UPDATE card_request SET state = $1, changed_at = $2 WHERE number = $3 AND state = $4")?
            .execute((to.name(), clock::now(), number, from.name()))?;
        Self::moved(rows, || format!("request {number}"), from.name())
    }

    /// Says which job is to fulfil a request, or that none is.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn set_request_job(&self, number: i64, job: Option<i64>) -> Result<(), StoreError> {
        let rows = self.sql.prepare("UPDATE card_request SET job = $1 WHERE number = $2")?.execute((job, number))?;
        Self::moved(rows, || format!("request {number}"), "registered")
    }

    /// Chip of the card that the card of a job takes the place of.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn old_chip_of_job(&self, job: i64) -> Result<Option<Chip>, StoreError> {
        let mut find = self.sql.prepare("SELECT old_chip FROM card_request WHERE job = $1")?;
        let chip: Option<Option<String>> = find.query_row([job], |row| row.get(0)).optional()?;
        Ok(chip.flatten().and_then(|chip| Chip::parse(&chip)))
    }

    /// Whether a person is registered.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn person_exists(&self, person: i64) -> Result<bool, StoreError> {
        Ok(self.sql.prepare("SELECT 1 FROM person WHERE id = $1")?.exists([person])?)
    }

    /// Whether a card is being made for a person.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn person_has_open_job(&self, person: i64) -> Result<bool, StoreError> {
        let mut find =
            self.sql.prepare("SELECT 1 FROM job WHERE person = $1 AND state IN ('requested', 'waiting', 'writing')")?;
        Ok(find.exists([person])?)
    }

    /// Chip of the person's card that is made and neither spoilt nor cancelled.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn last_card_in_use(&self, person: i64) -> Result<Option<Chip>, StoreError> {
        let mut find = self.sql.prepare(
            "SELECT chip FROM card WHERE person = $1 AND state NOT IN ('writing', 'spoilt', 'cancelled')
             ORDER BY job DESC LIMIT 1",
        )?;
        let chip: Option<String> = find.query_row([person], |row| row.get(0)).optional()?;
        Ok(chip.and_then(|chip| Chip::parse(&chip)))
    }
}

fn request(row: &Row<'_>) -> engine::Result<Request> {
    Ok(Request {
        number: row.get(0)?,
        person: row.get(1)?,
        kind: cell::one_of(row, 2, Kind::ALL, Kind::name)?,
        instant: row.get::<i64>(3)? != 0,
        state: row.get(4)?,
        old_card: row.get(5)?,
        job: row.get(6)?,
        maker: row.get(7)?,
        made_at: row.get(8)?,
    })
}
