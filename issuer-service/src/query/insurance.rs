//! 五险: how a person stands in each, as the data that the centre was given say.
//!
//! Owns: the answer for all five, also when one was never paid for. Never: says "not insured" where no data were ever imported.

use settlement::date::Month;
use settlement::query::Benefits;

use crate::benefit::rule::BenefitRules;
use crate::benefit::standing;
use crate::store::{StoreError, Tx};

/// All five insurances of a person; `None` when the centre was given no data about contributions.
///
/// # Errors
/// [`StoreError`].
pub fn benefits(tx: &Tx<'_>, person: i64, rules: BenefitRules) -> Result<Option<Benefits>, StoreError> {
    let Some(as_of) = tx.contributions_as_of()? else { return Ok(None) };
    let contributions = tx.contributions_of(person)?;
    Ok(Some(Benefits { as_of, insurances: standing::all(&contributions, Month::of(as_of), rules) }))
}
