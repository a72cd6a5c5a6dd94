//! Rows of PSAMs in custody, of their return tasks and of lost ones.

use super::engine::{EngineError, OptionalExtension};
use super::station::{PSAM, psam};
use super::{StoreError, Tx, cell};
use crate::clock;
use crate::psam::Psam;
use crate::psam::custody::{HandOut, PsamMove, PsamState, ReturnTask, Signed, Standing};
use crate::state::State;

impl Tx<'_> {
    /// The PSAM with a terminal number, spoilt ones left out.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn psam_of_terminal(&self, number: &str) -> Result<Option<Psam>, StoreError> {
        let sql = format!("SELECT {PSAM} FROM psam WHERE terminal_number = $1 AND state <> 'spoilt'");
        let found = self.sql.prepare(&sql)?.query_row([number], psam).optional()?;
        found.map(|found| self.with_custodian(found)).transpose()
    }

    /// What is known of the PSAM with a terminal number, a spoilt one only where there is no other; `None` when none was made here.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn psam_standing(&self, number: &str) -> Result<Option<Standing>, StoreError> {
        let mut find = self.sql.prepare(
            "SELECT p.state, p.institution, p.returned_at, COALESCE(b.listed_at, p.changed_at)
             FROM psam p LEFT JOIN psam_blacklist b ON b.terminal_number = p.terminal_number
             WHERE p.terminal_number = $1
             ORDER BY CASE WHEN p.state = 'spoilt' THEN 1 ELSE 0 END, p.changed_at DESC LIMIT 1",
        )?;
        let found = find.query_row([number], |row| {
            let (state, since): (String, String) = (row.get(0)?, row.get(3)?);
            let unreadable = |column| EngineError::Column { column, source: None };
            Ok(Standing {
                state: PsamState::of_name(&state).ok_or_else(|| unreadable(0))?,
                institution: row.get(1)?,
                came_back: row.get::<Option<String>>(2)?.is_some(),
                since: clock::china_date_time(&since).ok_or_else(|| unreadable(3))?,
            })
        });
        Ok(found.optional()?)
    }

    /// The spoilt PSAM with a terminal number, the last one of several.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn spoilt_psam(&self, number: &str) -> Result<Option<Psam>, StoreError> {
        let sql = format!(
            "SELECT {PSAM} FROM psam WHERE terminal_number = $1 AND state = 'spoilt' ORDER BY changed_at DESC LIMIT 1"
        );
        Ok(self.sql.prepare(&sql)?.query_row([number], psam).optional()?)
    }

    /// All PSAMs, those in work and those spoilt included, in order of terminal number.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn psams(&self) -> Result<Vec<Psam>, StoreError> {
        let mut find = self.sql.prepare(&format!("SELECT {PSAM} FROM psam ORDER BY terminal_number, chip"))?;
        let found = find.query_map((), psam)?.collect::<Result<Vec<_>, _>>()?;
        found.into_iter().map(|found| self.with_custodian(found)).collect()
    }

    /// PSAMs that are handed out until a day before this one, `YYYYMMDD`; the oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn psams_due_before(&self, day: &str) -> Result<Vec<Psam>, StoreError> {
        let sql =
            format!("SELECT {PSAM} FROM psam WHERE state = 'handed_out' AND due < $1 ORDER BY due, terminal_number");
        Ok(self.sql.prepare(&sql)?.query_map([day], psam)?.collect::<Result<_, _>>()?)
    }

    /// A PSAM with the name of who answers for it, as far as the data keys are open.
    fn with_custodian(&self, psam: Psam) -> Result<Psam, StoreError> {
        let number = number_of(&psam.terminal_number);
        if psam.holder.is_some() || self.data().is_err() {
            return Ok(psam);
        }
        let mut find = self.sql.prepare("SELECT data_key, name FROM psam_custodian WHERE number = $1")?;
        let sealed = find.query_row([number], |row| Ok((row.get::<u8>(0)?, row.get::<Vec<u8>>(1)?))).optional()?;
        let Some((key, sealed)) = sealed else { return Ok(psam) };
        let place = custodian_place(number);
        let name = String::from_utf8(self.open(key, &place, &sealed)?.to_vec());
        Ok(Psam { holder: Some(name.map_err(|_| StoreError::RowSealed { place })?), ..psam })
    }

    /// Seals the names of custodians that a centre from before there was a table of them has in clear.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn seal_custodians(&self) -> Result<(), StoreError> {
        let mut find = self.sql.prepare("SELECT terminal_number, holder FROM psam WHERE holder IS NOT NULL")?;
        let open = find.query_map((), |row| Ok((row.get::<String>(0)?, row.get::<String>(1)?)))?;
        for (number, holder) in open.collect::<Result<Vec<_>, _>>()? {
            self.add_custodian(&number, &holder)?;
        }
        self.sql.execute("UPDATE psam SET holder = NULL WHERE holder IS NOT NULL", ())?;
        Ok(())
    }

    fn add_custodian(&self, number: &str, name: &str) -> Result<(), StoreError> {
        let number = number_of(number);
        let (key, sealed) = self.seal(&custodian_place(number), name.as_bytes())?;
        self.sql.execute(
            "INSERT INTO psam_custodian (number, data_key, name) VALUES ($1, $2, $3)
             ON CONFLICT (number) DO UPDATE SET data_key = excluded.data_key, name = excluded.name",
            (number, key, sealed),
        )?;
        Ok(())
    }

    /// Moves a PSAM; nobody holds it afterwards. Who held one that is lost stays known.
    ///
    /// # Errors
    /// [`StoreError::StateMoved`].
    pub fn move_psam(&self, psam: &Psam, by: PsamMove) -> Result<(), StoreError> {
        let ((from, to), number, now) = (by.ends(), &psam.terminal_number, clock::now());
        let returned_at = (by == PsamMove::Return).then_some(&now);
        let rows = self.sql.execute(
            "UPDATE psam SET state = $1, changed_at = $2, returned_at = $3, holder = NULL, due = NULL
             WHERE chip = $4 AND state = $5",
            (to.name(), &now, returned_at, psam.chip.as_str(), from.name()),
        )?;
        if by != PsamMove::Lose {
            self.sql.execute("DELETE FROM psam_custodian WHERE number = $1", [number_of(number)])?;
        }
        Self::moved(rows, || format!("PSAM {number}"), from.name())
    }

    /// Hands a PSAM out.
    ///
    /// # Errors
    /// [`StoreError::StateMoved`].
    pub fn hand_out_psam(&self, number: &str, to: &HandOut<'_>) -> Result<(), StoreError> {
        let (before, after) = PsamMove::HandOut.ends();
        let rows = self.sql.execute(
            "UPDATE psam SET state = $1, changed_at = $2, institution = $3, due = $4, returned_at = NULL
             WHERE terminal_number = $5 AND state = $6",
            (after.name(), clock::now(), to.institution, to.due, number, before.name()),
        )?;
        self.add_custodian(number, to.holder)?;
        Self::moved(rows, || format!("PSAM {number}"), before.name())
    }

    /// Notes why a PSAM is out of use or lost, and who said so.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn ended_psam(&self, number: &str, reason: &str, operator: &str) -> Result<(), StoreError> {
        self.sql.execute(
            "UPDATE psam SET reason = $1, ended_by = $2 WHERE terminal_number = $3 AND state <> 'spoilt'",
            (reason, operator, number),
        )?;
        Ok(())
    }

    /// Opens a return task.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the PSAM has one.
    pub fn open_return(&self, task: &ReturnTask) -> Result<(), StoreError> {
        let ReturnTask { terminal_number, replaced_by, owner, reason, operator, due, opened_at } = task;
        self.sql.execute(
            "INSERT INTO psam_return (terminal_number, replaced_by, owner, reason, opened_by, due, opened_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
            (terminal_number, replaced_by, owner, reason, operator, due, opened_at),
        )?;
        Ok(())
    }

    /// Closes the return task of a PSAM, if it has one; how many.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn close_return(&self, number: &str) -> Result<usize, StoreError> {
        Ok(self.sql.execute(
            "UPDATE psam_return SET closed_at = $1 WHERE terminal_number = $2 AND closed_at IS NULL",
            (clock::now(), number),
        )?)
    }

    /// Open return tasks, the oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn return_tasks(&self) -> Result<Vec<ReturnTask>, StoreError> {
        let mut find = self.sql.prepare(
            "SELECT terminal_number, replaced_by, owner, due, opened_at, reason, opened_by FROM psam_return
             WHERE closed_at IS NULL ORDER BY due, opened_at",
        )?;
        let rows = find.query_map((), |row| {
            Ok(ReturnTask {
                terminal_number: row.get(0)?,
                replaced_by: row.get(1)?,
                owner: row.get(2)?,
                due: row.get(3)?,
                opened_at: row.get(4)?,
                reason: row.get(5)?,
                operator: row.get(6)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Puts a PSAM on the blacklist.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when it is there.
    pub fn blacklist_psam(&self, number: &str, reason: &str, operator: &str) -> Result<(), StoreError> {
        self.sql.execute(
            "INSERT INTO psam_blacklist (terminal_number, reason, operator, listed_at) VALUES ($1, $2, $3, $4)",
            (number, reason, operator, clock::now()),
        )?;
        Ok(())
    }

    /// The purchases uploaded that carry the number of a PSAM, in order of record.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn signed_by_psam(&self, number: &str) -> Result<Vec<Signed>, StoreError> {
        let mut find = self.sql.prepare(
            "SELECT record, date_time, card, personal_fen, outcome FROM upload_row
             WHERE terminal = $1 AND kind = 'purchase' ORDER BY record",
        )?;
        let rows = find.query_map([number], |row| {
            Ok(Signed {
                record: cell::u64(row, 0)?,
                date_time: row.get(1)?,
                card: row.get(2)?,
                personal_fen: row.get(3)?,
                outcome: row.get(4)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

pub(super) fn custodian_place(number: i64) -> String {
    format!("custodian of PSAM {number}")
}

/// The number of a terminal, 12 hex digits, read as a number.
fn number_of(terminal: &str) -> i64 {
    i64::from_str_radix(terminal, 16).unwrap_or_default()
}
