//! Sales that the centre was asked about, and how each stands towards it.
//!
//! Owns: what is read off `letter`, `batch` and `entry` about them. Never: sends; decides what a state means (`journal`).

use std::collections::BTreeMap;

use settlement::journal::State;
use settlement::judgement::ContradictionRequest;
use settlement::message::Request as _;

use super::{Store, StoreError};
use crate::journal::{EntryNumber, TowardsCentre};
use crate::letter::Letter;

/// Entries that were asked about, with the answer, the answer to their end, whether a batch with their record was answered, and whether
/// the record was posted then.
const STANDING: &str = "
SELECT entry.number, entry.state, asked.outcome,
    (SELECT told.outcome FROM letter AS told WHERE told.path IN (?2, ?3) AND told.entry = entry.number),
    coalesce(entry.record <= (SELECT max(last_record) FROM batch WHERE accepted IS NOT NULL), 0),
    NOT EXISTS (SELECT 1 FROM batch WHERE ' ' || refused LIKE '% ' || entry.record || ':%')
FROM entry JOIN letter AS asked ON asked.entry = entry.number AND asked.path = ?1 ORDER BY entry.number";

/// Questions that the centre may have agreed to, of entries that ended without the card, and that nobody wrote to it about. Of what
/// has a record, the record's own word tells.
const OWED: &str = "
SELECT entry.number, asked.body FROM entry JOIN letter AS asked ON asked.entry = entry.number AND asked.path = ?1
WHERE entry.state IN ('REFUSED', 'REVERSED') AND entry.record IS NULL AND coalesce(asked.outcome, 'OK') = 'OK'
    AND entry.number NOT IN (SELECT entry FROM letter WHERE path = ?2 AND entry IS NOT NULL) ORDER BY entry.number";

impl Store {
    /// How every purchase stands towards the centre that was asked about it (`asked` path; its end on path `told`).
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn towards_centre(
        &self,
        asked: &'static str,
        told: &'static str,
    ) -> Result<BTreeMap<EntryNumber, TowardsCentre>, StoreError> {
        let fail = |source| self.failure(source);
        let mut statement = self.connection.prepare(STANDING).map_err(fail)?;
        let mut rows = statement.query([asked, told, ContradictionRequest::PATH]).map_err(fail)?;
        let mut standing = BTreeMap::new();
        while let Some(row) = rows.next().map_err(fail)? {
            let (number, state): (i64, String) = (row.get(0).map_err(fail)?, row.get(1).map_err(fail)?);
            let state = State::parse(&state).ok_or_else(|| self.corrupt("an entry has no state"))?;
            let (answer, end): (Option<String>, Option<String>) =
                (row.get(2).map_err(fail)?, row.get(3).map_err(fail)?);
            let record = (row.get(4).map_err(fail)?, row.get(5).map_err(fail)?);
            let towards = TowardsCentre::of(state, answer.as_deref(), end.as_deref(), record);
            standing.insert(EntryNumber(number.unsigned_abs()), towards);
        }
        Ok(standing)
    }

    /// The questions that the centre agreed to, with its word as it was kept; `None` where none was, as of journals before it was signed.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn consents(&self, asked: &'static str) -> Result<Vec<(EntryNumber, Letter, Option<String>)>, StoreError> {
        let fail = |source| self.failure(source);
        let mut statement = self
            .connection
            .prepare(
                "SELECT entry, body, consent FROM letter WHERE path = ?1 AND outcome = 'OK' AND entry IS NOT NULL ORDER BY entry",
            )
            .map_err(fail)?;
        let rows = statement
            .query_map([asked], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?, row.get(2)?)))
            .map_err(fail)?;
        rows.map(|row| {
            let (number, body, consent) = row.map_err(fail)?;
            Ok((EntryNumber(number.unsigned_abs()), Letter { path: asked, body }, consent))
        })
        .collect()
    }

    /// Questions about sales that were not done and that the centre was not told about: with their entries, oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn owed_sales(
        &self,
        asked: &'static str,
        told: &'static str,
    ) -> Result<Vec<(EntryNumber, Letter)>, StoreError> {
        let fail = |source| self.failure(source);
        let mut statement = self.connection.prepare_cached(OWED).map_err(fail)?;
        let rows = statement
            .query_map([asked, told], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?)))
            .map_err(fail)?;
        rows.map(|row| {
            let (number, body) = row.map_err(fail)?;
            Ok((EntryNumber(number.unsigned_abs()), Letter { path: asked, body }))
        })
        .collect()
    }
}
