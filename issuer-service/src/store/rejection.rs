//! Why people rejected what others had proposed.

use super::{StoreError, Tx};
use crate::clearing::rejection::{Rejected, Rejection};

impl Tx<'_> {
    /// Writes why.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when it was rejected before.
    pub(crate) fn add_rejection(&self, kind: Rejected, number: i64, reason: &str) -> Result<(), StoreError> {
        self.sql.execute(
            "INSERT INTO rejection (rejected_kind, rejected_number, rejected_why) VALUES ($1, $2, $3)",
            (kind.name(), number, reason),
        )?;
        Ok(())
    }

    /// All of a kind, in order of number.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) fn rejections(&self, kind: Rejected) -> Result<Vec<Rejection>, StoreError> {
        let mut find = self.sql.prepare(
            "SELECT rejected_number, rejected_why FROM rejection WHERE rejected_kind = $1 ORDER BY rejected_number",
        )?;
        let read = find.query_map([kind.name()], |row| Ok(Rejection { number: row.get(0)?, reason: row.get(1)? }))?;
        Ok(read.collect::<Result<_, _>>()?)
    }
}
