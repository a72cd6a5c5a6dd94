//! What questions about a holder read: entries of an account, records that are not posted, a job that is open.

use settlement::date::BusinessDate;
use settlement::fen::Fen;
use settlement::id::CardIdentifier;

use super::engine::OptionalExtension;
use super::upload::{CODED, ROW, over, upload_row};
use super::{StoreError, Tx, cell};
use crate::clearing::ledger::{Account, PostingKind};
use crate::clearing::upload::UploadRow;
use crate::clock;

/// One entry of an account, with what its posting says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountEntry {
    /// Number of the posting.
    pub posting: i64,
    /// Why it was written.
    pub kind: PostingKind,
    /// Reference of the posting.
    pub reference: String,
    /// Window.
    pub window_date: BusinessDate,
    /// Signed amount.
    pub amount: Fen,
    /// Account of the institution in the same posting, if there is one.
    pub payable: Option<String>,
}

impl Tx<'_> {
    /// Entries of an account, in the order in which they were posted.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn entries_of(&self, account: &Account) -> Result<Vec<AccountEntry>, StoreError> {
        let mut find = self.sql.prepare(
            "SELECT p.id, p.kind, p.reference, p.window_date, e.amount_fen,
                 (SELECT MIN(o.account) FROM entry o WHERE o.posting = p.id AND o.account LIKE 'institution:%:payable')
             FROM entry e JOIN posting p ON p.id = e.posting WHERE e.account = $1 ORDER BY p.id, e.line",
        )?;
        let rows = find.query_map([account.to_string()], |row| {
            Ok(AccountEntry {
                posting: row.get(0)?,
                kind: cell::one_of(row, 1, PostingKind::ALL, PostingKind::name)?,
                reference: row.get(2)?,
                window_date: cell::parsed(row, 3, BusinessDate::parse)?,
                amount: Fen::new(row.get(4)?),
                payable: row.get(5)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Purchases of a card that came and are not posted nor decided, the newest first: held ones, and refused ones unless another record with the
    /// same number stands.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn unposted_purchases(&self, card: CardIdentifier) -> Result<Vec<UploadRow>, StoreError> {
        let over = over();
        let mut find = self.sql.prepare(&format!(
            "{ROW} WHERE card = $1 AND outcome <> 'ACCEPTED' AND kind = 'purchase' AND number IS NULL
               AND (contradicted_at IS NULL OR {CODED}) AND NOT {over}
               AND (outcome = 'HELD' OR NOT EXISTS (SELECT 1 FROM upload_row s WHERE s.card = upload_row.card
                    AND s.card_sequence = upload_row.card_sequence AND s.kind = 'purchase' AND s.outcome = 'HELD' AND NOT {over}))
               AND NOT EXISTS (SELECT 1 FROM upload_row s WHERE s.card = upload_row.card
                    AND s.card_sequence = upload_row.card_sequence AND s.kind = 'purchase' AND s.outcome = 'ACCEPTED')
             ORDER BY card_sequence DESC, terminal, record"
        ))?;
        let rows: Vec<UploadRow> = find.query_map([card.to_string()], upload_row)?.collect::<Result<_, _>>()?;
        // One number is one payment, however often it was sent.
        let mut last = None;
        Ok(rows.into_iter().filter(|row| last.replace(row.card_sequence) != Some(row.card_sequence)).collect())
    }

    /// Identifiers of every card of a person that was made or begun, oldest first, with those of the rows that were joined into it: what is
    /// on them is the person's.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn card_identifiers_of(&self, person: i64) -> Result<Vec<CardIdentifier>, StoreError> {
        let mut find = self.sql.prepare(
            "WITH RECURSIVE one (person) AS (
                SELECT CAST($1 AS BIGINT) UNION SELECT j.person FROM person_joined j JOIN one o ON j.into_person = o.person
             ) SELECT card_identifier FROM card WHERE person IN (SELECT person FROM one) ORDER BY job",
        )?;
        let rows = find.query_map([person], |row| cell::parsed(row, 0, CardIdentifier::parse))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The job of a person that is neither done nor given up, the newest.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn open_job_of(&self, person: i64) -> Result<Option<i64>, StoreError> {
        let mut find = self.sql.prepare(
            "SELECT MAX(number) FROM job WHERE person = $1 AND state IN ('requested', 'waiting', 'writing')",
        )?;
        Ok(find.query_row([person], |row| row.get::<Option<i64>>(0)).optional()?.flatten())
    }
}

/// A query password as it is kept.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredPassword {
    /// Argon2id in its PHC form.
    pub hash: String,
    /// Wrong ones in a row.
    pub failures: u32,
    /// UTC instant until which it is locked.
    pub locked_until: Option<String>,
}

impl std::fmt::Debug for StoredPassword {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("StoredPassword(..)")
    }
}

impl Tx<'_> {
    /// The query password of a person.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn query_password(&self, person: i64) -> Result<Option<StoredPassword>, StoreError> {
        let mut find = self.sql.prepare("SELECT hash, failures, locked_until FROM query_password WHERE person = $1")?;
        let found = find.query_row([person], |row| {
            Ok(StoredPassword { hash: row.get(0)?, failures: row.get(1)?, locked_until: row.get(2)? })
        });
        Ok(found.optional()?)
    }

    /// Gives a person a query password, instead of the one there was.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn put_query_password(&self, person: i64, hash: &str, operator: &str) -> Result<(), StoreError> {
        self.sql.execute("DELETE FROM query_password WHERE person = $1", [person])?;
        self.sql.execute(
            "INSERT INTO query_password (person, hash, failures, locked_until, set_by, set_at) VALUES ($1, $2, 0, NULL, $3, $4)",
            (person, hash, operator, clock::now()),
        )?;
        Ok(())
    }

    /// Counts wrong ones, or locks.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn note_query_password(
        &self,
        person: i64,
        failures: u32,
        locked_until: Option<&str>,
    ) -> Result<(), StoreError> {
        let sql = "UPDATE query_password SET failures = $1, locked_until = $2 WHERE person = $3";
        let rows = self.sql.execute(sql, (failures, locked_until, person))?;
        Self::moved(rows, || format!("query password of person {person}"), "set")
    }

    /// When the hour of an asker's wrong passwords began, seconds since 1970, and how many there are of it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn query_mistakes(&self, actor: &str) -> Result<(u64, u64), StoreError> {
        let mut find = self.sql.prepare("SELECT began_at, wrong FROM query_mistakes WHERE actor = $1")?;
        let found = find.query_row([actor], |row| Ok((cell::u64(row, 0)?, cell::u64(row, 1)?))).optional()?;
        Ok(found.unwrap_or_default())
    }

    /// Counts a wrong password of an asker; how many there are in the hour, which begins now unless it began behind `since`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn count_query_mistake(&self, actor: &str, now: u64, since: u64) -> Result<u64, StoreError> {
        let (now, since) = (cell::from_u64(now)?, cell::from_u64(since)?);
        // Also an hour that a clock set back since would end in the future.
        self.sql.execute("DELETE FROM query_mistakes WHERE began_at <= $1 OR began_at > $2", (since, now))?;
        self.sql.execute(
            "INSERT INTO query_mistakes (actor, began_at, wrong) VALUES ($1, $2, 0) ON CONFLICT (actor) DO NOTHING",
            (actor, now),
        )?;
        self.sql.execute("UPDATE query_mistakes SET wrong = wrong + 1 WHERE actor = $1", [actor])?;
        Ok(self.query_mistakes(actor)?.1)
    }

    /// Takes the query password of a person away.
    pub(super) fn forget_query_password(&self, person: i64) -> Result<(), StoreError> {
        self.sql.execute("DELETE FROM query_password WHERE person = $1", [person])?;
        Ok(())
    }
}
