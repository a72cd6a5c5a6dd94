//! Rows of certificates, of jobs on lease to stations, and of the messages that stations sent.

use super::batch::KEPT;
use super::counter::Counter;
use super::engine::{self, OptionalExtension, Row};
use super::{StoreError, Tx};
use crate::clock;
use crate::peer::{Certificate, CertificateMove};
use crate::query::Channel;
use crate::state::State;
use crate::vault::authority::Certified;

const CERTIFICATE: &str =
    "SELECT number, role, name, state, public_key, maker, checker, valid_until, channel FROM certificate";

/// A job that waits for a blank card, that no partner is being asked about, and whose person lives and can get one.
const WAITS: &str = "j.state = 'waiting' AND NOT EXISTS (SELECT 1 FROM exchange_row r WHERE r.job = j.number
    AND r.state IN ('exported', 'accepted') AND (r.state = 'exported' OR r.partner = 'factory'))
    AND NOT EXISTS (SELECT 1 FROM person p WHERE p.id = j.person AND p.no_card <> '')
    AND NOT EXISTS (SELECT 1 FROM person_death d WHERE d.person = j.person)";

/// A message of a station.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StationMessage<'a> {
    /// Station.
    pub station: &'a str,
    /// Id that the station gave it.
    pub id: &'a str,
    /// SHA-256 of it, hex.
    pub digest: &'a str,
}

impl Tx<'_> {
    /// Adds a certificate request; its number.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when its key is known.
    pub fn add_certificate(
        &self,
        role: &str,
        name: &str,
        request: &str,
        public_key: &str,
        maker: &str,
    ) -> Result<i64, StoreError> {
        let number = self.next_of(Counter::Certificate)?;
        self.sql.execute(
            "INSERT INTO certificate (number, role, name, state, request, public_key, maker, changed_at)
             VALUES ($1, $2, $3, 'enrolled', $4, $5, $6, $7)",
            (number, role, name, request, public_key, maker, clock::now()),
        )?;
        Ok(number)
    }

    /// Gives a request the channel of its program.
    ///
    /// # Errors
    /// [`StoreError::StateMoved`] once it has one.
    pub fn set_channel(&self, number: i64, channel: Channel) -> Result<(), StoreError> {
        let sql = "UPDATE certificate SET channel = $1 WHERE number = $2 AND channel IS NULL AND state = 'enrolled'";
        let rows = self.sql.execute(sql, (channel.name(), number))?;
        Self::moved(rows, || format!("certificate {number}"), "enrolled")
    }

    /// A certificate.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn certificate(&self, number: i64) -> Result<Option<Certificate>, StoreError> {
        let mut find = self.sql.prepare(&format!("{CERTIFICATE} WHERE number = $1"))?;
        Ok(find.query_row([number], certificate).optional()?)
    }

    /// The certificate of a key.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn certificate_of_key(&self, public_key: &str) -> Result<Option<Certificate>, StoreError> {
        let mut find = self.sql.prepare(&format!("{CERTIFICATE} WHERE public_key = $1"))?;
        Ok(find.query_row([public_key], certificate).optional()?)
    }

    /// The certificate with a fingerprint.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn certificate_of(&self, fingerprint: &str) -> Result<Option<Certificate>, StoreError> {
        let mut find = self.sql.prepare(&format!("{CERTIFICATE} WHERE fingerprint = $1"))?;
        Ok(find.query_row([fingerprint], certificate).optional()?)
    }

    /// The certificates of a role, in order.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn certificates(&self, role: &str) -> Result<Vec<Certificate>, StoreError> {
        let mut find = self.sql.prepare(&format!("{CERTIFICATE} WHERE role = $1 ORDER BY number"))?;
        Ok(find.query_map([role], certificate)?.collect::<Result<_, _>>()?)
    }

    /// As [`Tx::certificates`], behind a number, at most so many.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn certificates_after(&self, role: &str, after: i64, limit: u32) -> Result<Vec<Certificate>, StoreError> {
        let mut find =
            self.sql.prepare(&format!("{CERTIFICATE} WHERE role = $1 AND number > $2 ORDER BY number LIMIT $3"))?;
        Ok(find.query_map((role, after, limit), certificate)?.collect::<Result<_, _>>()?)
    }

    /// The certificates of one holder, in order.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn certificates_of(&self, role: &str, name: &str) -> Result<Vec<Certificate>, StoreError> {
        let mut find = self.sql.prepare(&format!("{CERTIFICATE} WHERE role = $1 AND name = $2 ORDER BY number"))?;
        Ok(find.query_map((role, name), certificate)?.collect::<Result<_, _>>()?)
    }

    /// The text of a request, PEM.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn certificate_request(&self, number: i64) -> Result<String, StoreError> {
        Ok(self.sql.query_row("SELECT request FROM certificate WHERE number = $1", [number], |row| row.get(0))?)
    }

    /// A certificate and the authority's, PEM; none for one of a time when they were not kept.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn certificate_chain(&self, number: i64) -> Result<Option<String>, StoreError> {
        Ok(self.sql.query_row("SELECT chain FROM certificate WHERE number = $1", [number], |row| row.get(0))?)
    }

    /// Moves a request to certified.
    ///
    /// # Errors
    /// [`StoreError::StateMoved`].
    pub fn certify(&self, number: i64, checker: &str, certified: &Certified, until: &str) -> Result<(), StoreError> {
        let (from, to) = CertificateMove::Certify.ends();
        let Certified { chain, fingerprint } = certified;
        let rows = self.sql.execute(
            "UPDATE certificate SET state = $1, checker = $2, fingerprint = $3, valid_until = $4, chain = $5,
             changed_at = $6 WHERE number = $7 AND state = $8 AND maker <> $2",
            (to.name(), checker, fingerprint, until, chain, clock::now(), number, from.name()),
        )?;
        Self::moved(rows, || format!("certificate {number}"), from.name())
    }

    /// Moves a certificate.
    ///
    /// # Errors
    /// [`StoreError::StateMoved`].
    pub fn move_certificate(&self, number: i64, by: CertificateMove) -> Result<(), StoreError> {
        let (from, to) = by.ends();
        let rows = self.sql.execute(
            "UPDATE certificate SET state = $1, changed_at = $2 WHERE number = $3 AND state = $4",
            (to.name(), clock::now(), number, from.name()),
        )?;
        Self::moved(rows, || format!("certificate {number}"), from.name())
    }

    /// Takes jobs that still wait back from a station; how many.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn free_leases(&self, station: &str) -> Result<usize, StoreError> {
        Ok(self.sql.execute(
            "DELETE FROM station_job WHERE station = $1
             AND EXISTS (SELECT 1 FROM job j WHERE j.number = station_job.job AND j.state = 'waiting')",
            [station],
        )?)
    }

    /// Jobs of a batch that a station has begun, in order.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn jobs_begun_by(&self, station: &str, batch: i64) -> Result<Vec<i64>, StoreError> {
        let mut find = self.sql.prepare(
            "SELECT j.number FROM job j JOIN station_job s ON s.job = j.number
             WHERE s.station = $1 AND j.batch = $2 AND j.state = 'writing' ORDER BY j.number",
        )?;
        Ok(find.query_map((station, batch), |row| row.get(0))?.collect::<Result<_, _>>()?)
    }

    /// Gives a station up to `share` waiting jobs of a batch until an instant, those that it has among them; each with whether it
    /// was not the station's before, in order.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn lease(&self, station: &str, batch: i64, share: u32, until: &str) -> Result<Vec<(i64, bool)>, StoreError> {
        let now = clock::now();
        let mut find = self.sql.prepare(&format!(
            "SELECT j.number, CASE WHEN s.station = $1 THEN 0 ELSE 1 END
             FROM job j LEFT JOIN station_job s ON s.job = j.number WHERE j.batch = $2 AND {WAITS}
             AND (s.job IS NULL OR s.station = $1 OR s.lease_until < $3)
             ORDER BY CASE WHEN s.station = $1 THEN 0 ELSE 1 END, j.number LIMIT $4"
        ))?;
        let jobs =
            find.query_map((station, batch, &now, share), |row| Ok((row.get::<i64>(0)?, row.get::<i64>(1)? == 1)))?;
        let jobs = jobs.collect::<Result<Vec<_>, _>>()?;
        for (job, _) in &jobs {
            self.own(*job, station, until)?;
        }
        Ok(jobs)
    }

    /// Whether a job that a station has on lease is given to others before an instant.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn leases_end_before(&self, station: &str, batch: i64, instant: &str) -> Result<bool, StoreError> {
        let mut find = self.sql.prepare(
            "SELECT 1 FROM station_job s JOIN job j ON j.number = s.job
             WHERE s.station = $1 AND j.batch = $2 AND j.state = 'waiting' AND s.lease_until < $3",
        )?;
        Ok(find.exists((station, batch, instant))?)
    }

    /// Keeps the jobs that a station has on lease for it until an instant.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn renew_leases(&self, station: &str, batch: i64, until: &str) -> Result<(), StoreError> {
        let mut renew = self.sql.prepare(
            "UPDATE station_job SET lease_until = $1 WHERE station = $2 AND EXISTS
             (SELECT 1 FROM job j WHERE j.number = station_job.job AND j.batch = $3 AND j.state = 'waiting')",
        )?;
        renew.execute((until, station, batch))?;
        Ok(())
    }

    /// A station has begun a run of a batch, under a card type with this digest.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn begin_station_run(&self, station: &str, batch: i64, profile: &str) -> Result<(), StoreError> {
        let rows = self.sql.execute(
            "UPDATE station_run SET profile = $1, begun_at = $2 WHERE station = $3 AND batch = $4",
            (profile, clock::now(), station, batch),
        )?;
        if rows == 0 {
            self.sql.execute(
                "INSERT INTO station_run (station, batch, profile, begun_at) VALUES ($1, $2, $3, $4)",
                (station, batch, profile, clock::now()),
            )?;
        }
        Ok(())
    }

    /// Digest of the card type under which a station has begun a run of a batch.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn station_run(&self, station: &str, batch: i64) -> Result<Option<String>, StoreError> {
        let mut find = self.sql.prepare("SELECT profile FROM station_run WHERE station = $1 AND batch = $2")?;
        Ok(find.query_row((station, batch), |row| row.get(0)).optional()?)
    }

    /// A station has begun nothing: it begins anew before it is told anything.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn end_station_runs(&self, station: &str) -> Result<(), StoreError> {
        self.sql.execute("DELETE FROM station_run WHERE station = $1", [station])?;
        Ok(())
    }

    /// Whether a job waits for a blank card: no partner is being asked about it, no factory made its card.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn waits(&self, job: i64) -> Result<bool, StoreError> {
        let mut find = self.sql.prepare(&format!("SELECT 1 FROM job j WHERE j.number = $1 AND {WAITS}"))?;
        Ok(find.exists([job])?)
    }

    /// Whether a station may go on with a batch: a card that it has begun, or a job that it could have.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn work_left_for(&self, station: &str, batch: i64) -> Result<bool, StoreError> {
        let mut find = self.sql.prepare(&format!(
            "SELECT 1 FROM job j LEFT JOIN station_job s ON s.job = j.number WHERE j.batch = $1 AND (
                (j.state = 'writing' AND s.station = $2)
                OR (j.state = 'waiting' AND (s.job IS NULL OR s.station = $2 OR s.lease_until < $3)
                    AND NOT EXISTS (SELECT 1 FROM exchange_row r WHERE r.job = j.number AND r.state = 'exported')
                    AND NOT {KEPT}))"
        ))?;
        Ok(find.exists((batch, station, clock::now()))?)
    }

    /// The station that a job is kept for or was made by.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn station_of(&self, job: i64) -> Result<Option<String>, StoreError> {
        let mut find = self.sql.prepare("SELECT station FROM station_job WHERE job = $1")?;
        Ok(find.query_row([job], |row| row.get(0)).optional()?)
    }

    /// Keeps a job for a station until an instant.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn own(&self, job: i64, station: &str, until: &str) -> Result<(), StoreError> {
        let rows = self
            .sql
            .execute("UPDATE station_job SET station = $1, lease_until = $2 WHERE job = $3", (station, until, job))?;
        if rows == 0 {
            self.sql.execute(
                "INSERT INTO station_job (job, station, lease_until, cryptograms) VALUES ($1, $2, $3, 0)",
                (job, station, until),
            )?;
        }
        Ok(())
    }

    /// A job is kept for no station.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn disown(&self, job: i64) -> Result<(), StoreError> {
        self.sql.prepare("DELETE FROM station_job WHERE job = $1")?.execute([job])?;
        Ok(())
    }

    /// Counts a cryptogram for the card of a job; `false` when there were too many.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn count_cryptogram(&self, job: i64, station: &str, most: i64) -> Result<bool, StoreError> {
        let mut count = self.sql.prepare(
            "UPDATE station_job SET cryptograms = cryptograms + 1 WHERE job = $1 AND station = $2 AND cryptograms < $3",
        )?;
        Ok(count.execute((job, station, most))? == 1)
    }

    /// Digest and result of a message that a station sent before.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn known_station_message(
        &self,
        message: &StationMessage<'_>,
    ) -> Result<Option<(String, Option<i64>)>, StoreError> {
        let mut find = self.sql.prepare("SELECT digest, result FROM station_message WHERE station = $1 AND id = $2")?;
        Ok(find.query_row((message.station, message.id), |row| Ok((row.get(0)?, row.get(1)?))).optional()?)
    }

    /// Keeps a message of a station, with what it did.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when it is known.
    pub fn add_station_message(&self, message: &StationMessage<'_>, result: Option<i64>) -> Result<(), StoreError> {
        let StationMessage { station, id, digest } = *message;
        self.sql
            .prepare("INSERT INTO station_message (station, id, digest, result, at) VALUES ($1, $2, $3, $4, $5)")?
            .execute((station, id, digest, result, clock::now()))?;
        Ok(())
    }
}

fn certificate(row: &Row<'_>) -> engine::Result<Certificate> {
    Ok(Certificate {
        number: row.get(0)?,
        role: row.get(1)?,
        name: row.get(2)?,
        state: row.get(3)?,
        public_key: row.get(4)?,
        maker: row.get(5)?,
        checker: row.get(6)?,
        valid_until: row.get(7)?,
        channel: row.get::<Option<String>>(8)?.and_then(|name| Channel::of_name(&name)),
    })
}
