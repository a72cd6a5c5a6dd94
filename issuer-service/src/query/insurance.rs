//! 五险: how a person stands in each, as the data that the centre was given say.
//!
//! Owns: the answer for all five, also when one was never paid for. Never: says "not insured" of an insurance and a county of which no
//! data were imported.

use settlement::query::Benefits;

use crate::benefit::rule::BenefitRules;
use crate::benefit::standing;
use crate::store::{StoreError, Tx};

/// All five insurances of a person; `None` when the centre was given no data that cover the person.
///
/// # Errors
/// [`StoreError`].
pub fn benefits(tx: &Tx<'_>, person: i64, rules: BenefitRules) -> Result<Option<Benefits>, StoreError> {
    let days = tx.contribution_days_of(person)?;
    if days.is_empty() {
        return Ok(None);
    }
    let contributions = tx.contributions_of(person)?;
    Ok(Some(Benefits { insurances: standing::all(&contributions, &days, rules) }))
}
