//! Rows of the station's journal, of receipts and of PSAMs.

use super::batch::SPOILT;
use super::engine::{self, EngineError, OptionalExtension, Row};
use super::{StoreError, Tx, cell};
use crate::card::Chip;
use crate::clock;
use crate::psam::custody::PsamMove;
use crate::psam::{Psam, PsamKeys};
use crate::state::State;
use crate::station::care::{Hold, HoldKind, Reason, YieldRow};

/// Events of the journal as counts.
const COUNTS: &str =
    "SUM(CASE WHEN s.event = 'intent' THEN 1 ELSE 0 END), SUM(CASE WHEN s.event = 'done' THEN 1 ELSE 0 END),
    SUM(CASE WHEN s.event = 'spoilt' THEN 1 ELSE 0 END), SUM(CASE WHEN s.event = 'pulled' THEN 1 ELSE 0 END),
    COUNT(DISTINCT CASE WHEN s.event IN ('to-print', 'unprinted') AND NOT EXISTS
        (SELECT 1 FROM station_journal p WHERE p.job = s.job AND p.event = 'printed') THEN s.job END), MIN(s.at), MAX(s.at)";

impl Tx<'_> {
    /// Notes what a station is about to do with a job, or what came of it. The centre's own station has no name.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn note(&self, job: i64, (station, reader): (&str, &str), event: &str, detail: &str) -> Result<(), StoreError> {
        self.sql
            .prepare(
                "INSERT INTO station_journal (sequence, at, job, reader, event, detail, station)
             VALUES ((SELECT COALESCE(MAX(sequence), 0) + 1 FROM station_journal), $1, $2, $3, $4, $5, $6)",
            )?
            .execute((clock::now(), job, reader, event, detail, station))?;
        Ok(())
    }

    /// Details of the notes of one kind on a job, in order.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn notes(&self, job: i64, event: &str) -> Result<Vec<String>, StoreError> {
        let mut find =
            self.sql.prepare("SELECT detail FROM station_journal WHERE job = $1 AND event = $2 ORDER BY sequence")?;
        Ok(find.query_map((job, event), |row| row.get(0))?.collect::<Result<_, _>>()?)
    }

    /// Jobs of a batch whose card is made and whose last printing failed or was cut off, in order.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn jobs_unprinted(&self, batch: i64) -> Result<Vec<i64>, StoreError> {
        let mut find = self.sql.prepare(
            "SELECT j.number FROM job j JOIN card c ON c.job = j.number
             WHERE j.batch = $1 AND c.state = 'sealed' AND
                (SELECT n.event FROM station_journal n WHERE n.job = j.number AND n.event IN ('to-print', 'printed', 'unprinted')
                 ORDER BY n.sequence DESC LIMIT 1) IN ('to-print', 'unprinted')
             ORDER BY j.number",
        )?;
        Ok(find.query_map([batch], |row| row.get(0))?.collect::<Result<_, _>>()?)
    }

    /// Cards that failed on a reader of a station since its last good one or its last release.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn failures_in_a_row(&self, station: &str, reader: &str) -> Result<u32, StoreError> {
        let mut find = self.sql.prepare(
            "SELECT COUNT(*) FROM station_journal WHERE station = $1 AND reader = $2 AND event = 'spoilt'
             AND sequence > COALESCE((SELECT MAX(d.sequence) FROM station_journal d
                 WHERE d.station = $1 AND d.reader = $2 AND d.event = 'done'), 0)
             AND at > COALESCE((SELECT MAX(h.released_at) FROM station_hold h
                 WHERE h.kind = 'reader' AND h.station = $1 AND h.name = $2), '')",
        )?;
        let failed = find.query_row((station, reader), |row| cell::u64(row, 0))?;
        Ok(u32::try_from(failed).unwrap_or(u32::MAX))
    }

    /// Station and reader on which the card of a job was made.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn reader_of(&self, job: i64) -> Result<Option<(String, String)>, StoreError> {
        let mut find =
            self.sql.prepare("SELECT station, reader FROM station_journal WHERE job = $1 AND event = 'done'")?;
        Ok(find.query_row([job], |row| Ok((row.get(0)?, row.get(1)?))).optional()?)
    }

    /// Adds the receipt of a finished job.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the job has one.
    pub fn add_receipt(&self, job: i64, body: &str, signature: &str) -> Result<(), StoreError> {
        self.sql
            .prepare("INSERT INTO receipt (job, body, signature) VALUES ($1, $2, $3)")?
            .execute((job, body, signature))?;
        Ok(())
    }

    /// Body and signature of a receipt.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn receipt(&self, job: i64) -> Result<Option<(String, String)>, StoreError> {
        let mut find = self.sql.prepare("SELECT body, signature FROM receipt WHERE job = $1")?;
        Ok(find.query_row([job], |row| Ok((row.get(0)?, row.get(1)?))).optional()?)
    }

    /// Keeps a reader of a station, or a lot, from work; `false` when it is kept from it already.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn hold(&self, kind: HoldKind, station: &str, name: &str, reason: &str) -> Result<bool, StoreError> {
        let held = |hold: &Hold| hold.kind == kind && hold.station == station && hold.name == name;
        if self.holds()?.iter().any(held) {
            return Ok(false);
        }
        self.sql.execute(
            "INSERT INTO station_hold (number, kind, name, reason, held_at, station)
             VALUES ((SELECT COALESCE(MAX(number), 0) + 1 FROM station_hold), $1, $2, $3, $4, $5)",
            (kind.name(), name, reason, clock::now(), station),
        )?;
        Ok(true)
    }

    /// Gives a reader or lot back to work; `false` when it was not kept from it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn release_hold(&self, kind: HoldKind, station: &str, name: &str, operator: &str) -> Result<bool, StoreError> {
        let rows = self.sql.execute(
            "UPDATE station_hold SET released_by = $1, released_at = $2
             WHERE kind = $3 AND station = $4 AND name = $5 AND released_at IS NULL",
            (operator, clock::now(), kind.name(), station, name),
        )?;
        Ok(rows == 1)
    }

    /// Readers and lots that are kept from work, the oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn holds(&self) -> Result<Vec<Hold>, StoreError> {
        Ok(self.holds_after(0, u32::MAX)?.into_iter().map(|(_, hold)| hold).collect())
    }

    /// As [`Tx::holds`] with their numbers, behind a number, at most so many.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn holds_after(&self, after: i64, limit: u32) -> Result<Vec<(i64, Hold)>, StoreError> {
        let mut find = self.sql.prepare(
            "SELECT kind, name, reason, held_at, station, number FROM station_hold
             WHERE released_at IS NULL AND number > $1 ORDER BY number LIMIT $2",
        )?;
        let rows = find.query_map((after, limit), |row| {
            let hold = Hold {
                kind: cell::one_of(row, 0, HoldKind::ALL, HoldKind::name)?,
                name: row.get(1)?,
                reason: row.get(2)?,
                held_at: row.get(3)?,
                station: row.get(4)?,
            };
            Ok((row.get(5)?, hold))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Notes which lot the card of a job came from.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn set_lot(&self, job: i64, lot: &str) -> Result<(), StoreError> {
        self.sql.prepare("INSERT INTO card_lot (job, lot) VALUES ($1, $2)")?.execute((job, lot))?;
        Ok(())
    }

    /// Cards of a lot made and spoilt.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn lot_counts(&self, lot: &str) -> Result<(u64, u64), StoreError> {
        let mut find = self.sql.prepare(
            "SELECT COALESCE(SUM(CASE WHEN j.state = 'done' THEN 1 ELSE 0 END), 0),
                    COALESCE(SUM(CASE WHEN j.state = 'spoilt' THEN 1 ELSE 0 END), 0)
             FROM card_lot l JOIN job j ON j.number = l.job WHERE l.lot = $1",
        )?;
        Ok(find.query_row([lot], |row| Ok((cell::u64(row, 0)?, cell::u64(row, 1)?)))?)
    }

    /// What the journal tells of the readers of each station, of a batch or all.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn reader_yield(&self, batch: Option<i64>) -> Result<Vec<YieldRow>, StoreError> {
        self.yields(
            &format!(
                "SELECT s.reader, s.station, {COUNTS} FROM station_journal s JOIN job j ON j.number = s.job
                 WHERE (j.batch = $1 OR $1 IS NULL) AND s.reader <> '-' GROUP BY s.station, s.reader
                 ORDER BY s.station, s.reader"
            ),
            batch,
        )
    }

    /// What the journal tells of lots, of a batch or all.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn lot_yield(&self, batch: Option<i64>) -> Result<Vec<YieldRow>, StoreError> {
        self.yields(
            &format!(
                "SELECT l.lot, '', {COUNTS} FROM station_journal s JOIN card_lot l ON l.job = s.job
                 JOIN job j ON j.number = s.job WHERE (j.batch = $1 OR $1 IS NULL) GROUP BY l.lot ORDER BY l.lot"
            ),
            batch,
        )
    }

    /// Why cards were spoilt, of a batch or all, the most frequent first: one cause for each that a batch or a county counts. What ended
    /// before a station began has no note: a bank or factory refused it, or its person died.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn spoilt_reasons(&self, batch: Option<i64>) -> Result<Vec<Reason>, StoreError> {
        let mut find = self.sql.prepare(&format!(
            "SELECT ended.reason, COUNT(*) FROM (SELECT COALESCE(
                 (SELECT s.detail FROM station_journal s WHERE s.job = j.number AND s.event = 'spoilt' ORDER BY s.sequence LIMIT 1),
                 CASE WHEN EXISTS (SELECT 1 FROM exchange_row r WHERE r.job = j.number AND r.state = 'refused') THEN 'PARTNER_REFUSED'
                      WHEN EXISTS (SELECT 1 FROM person_death d WHERE d.person = j.person) THEN 'HOLDER_DEAD'
                      ELSE 'NOT_BEGUN' END) AS reason
                 FROM job j WHERE (j.batch = $1 OR $1 IS NULL) AND {SPOILT}) ended
             GROUP BY ended.reason ORDER BY COUNT(*) DESC, ended.reason"
        ))?;
        let rows = find.query_map([batch], reason)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// As [`Tx::spoilt_reasons`], of what a station began: as many as readers and lots count.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn spoilt_at_stations(&self, batch: Option<i64>) -> Result<Vec<Reason>, StoreError> {
        let mut find = self.sql.prepare(
            "SELECT s.detail, COUNT(*) FROM station_journal s JOIN job j ON j.number = s.job
             WHERE s.event = 'spoilt' AND (j.batch = $1 OR $1 IS NULL) GROUP BY s.detail ORDER BY COUNT(*) DESC, s.detail",
        )?;
        let rows = find.query_map([batch], reason)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn yields(&self, sql: &str, batch: Option<i64>) -> Result<Vec<YieldRow>, StoreError> {
        let mut find = self.sql.prepare(sql)?;
        let rows = find.query_map([batch], |row| {
            Ok(YieldRow {
                name: row.get(0)?,
                station: row.get(1)?,
                begun: cell::u64(row, 2)?,
                made: cell::u64(row, 3)?,
                spoilt: cell::u64(row, 4)?,
                pulled: cell::u64(row, 5)?,
                unprinted: cell::u64(row, 6)?,
                first: row.get(7)?,
                last: row.get(8)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Records a PSAM that is about to be written; one that was begun for the same terminal may go on.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when chip or terminal number belongs to another PSAM.
    pub fn begin_psam(
        &self,
        chip: &Chip,
        terminal_number: &str,
        institution: &str,
        made_by: &str,
        (key_set, keys): (u8, PsamKeys),
    ) -> Result<(), StoreError> {
        let begun = self.sql.execute(
            "UPDATE psam SET institution = $1, made_by = $2, changed_at = $3
             WHERE chip = $4 AND terminal_number = $5 AND state = 'writing'",
            (institution, made_by, clock::now(), chip.as_str(), terminal_number),
        )?;
        if begun == 0 {
            self.sql.execute(
                "INSERT INTO psam (chip, terminal_number, institution, state, made_by, changed_at, key_set, keys)
                 VALUES ($1, $2, $3, 'writing', $4, $5, $6, $7)",
                (chip.as_str(), terminal_number, institution, made_by, clock::now(), key_set, keys.name()),
            )?;
        }
        Ok(())
    }

    /// Moves a PSAM from `writing`.
    ///
    /// # Errors
    /// [`StoreError::StateMoved`].
    pub fn finish_psam(&self, chip: &Chip, by: PsamMove) -> Result<(), StoreError> {
        let (from, to) = by.ends();
        let rows = self.sql.execute(
            "UPDATE psam SET state = $1, changed_at = $2 WHERE chip = $3 AND state = $4",
            (to.name(), clock::now(), chip.as_str(), from.name()),
        )?;
        Self::moved(rows, || format!("PSAM {}", chip.as_str()), from.name())
    }

    /// The PSAM with a chip.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn psam(&self, chip: &Chip) -> Result<Option<Psam>, StoreError> {
        let mut find = self.sql.prepare(&format!("SELECT {PSAM} FROM psam WHERE chip = $1"))?;
        Ok(find.query_row([chip.as_str()], psam).optional()?)
    }
}

pub(super) const PSAM: &str =
    "chip, terminal_number, institution, state, made_by, key_set, holder, due, reason, ended_by, keys";

pub(super) fn psam(row: &Row<'_>) -> engine::Result<Psam> {
    let chip: String = row.get(0)?;
    let unreadable = || EngineError::Column { column: 0, source: None };
    Ok(Psam {
        chip: Chip::parse(&chip).ok_or_else(unreadable)?,
        terminal_number: row.get(1)?,
        institution: row.get(2)?,
        state: row.get(3)?,
        made_by: row.get(4)?,
        key_set: row.get(5)?,
        holder: row.get(6)?,
        due: row.get(7)?,
        reason: row.get(8)?,
        ended_by: row.get(9)?,
        keys: cell::one_of(row, 10, PsamKeys::EACH, PsamKeys::name)?,
    })
}

fn reason(row: &Row<'_>) -> engine::Result<Reason> {
    Ok(Reason { reason: row.get(0)?, cards: cell::u64(row, 1)? })
}
