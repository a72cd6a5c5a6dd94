//! What can be wrong with a catalogue.
//!
//! Owns: the faults and their English sentences; the Chinese ones stand in `explain`. Never: reads a row.

use super::sheet::Sheet;
use crate::date::BusinessDate;
use crate::limits::{CATALOGUE_ROWS_MAX, DRUG_NAME_CHARACTERS_MAX, LIMIT_DAYS_MAX, SUPPLY_DAYS_MAX};

/// One thing wrong with a catalogue file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("row {row}, column {column}: {problem}")]
pub struct CatalogueFault {
    /// The file.
    pub sheet: Sheet,
    /// Row in the file, 1 for its first line.
    pub row: usize,
    /// Column as the header names it.
    pub column: &'static str,
    /// What.
    pub problem: Problem,
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// The header lacks the column.
    #[error("the header has no such column")]
    ColumnMissing,
    /// The header names it twice.
    #[error("the header names the column twice")]
    ColumnRepeated,
    /// The header has a column that no such file has.
    #[error("unknown column {0:?}")]
    ColumnUnknown(String),
    /// Not CSV.
    #[error("not a row of the file: {fields} fields, the header has {expected}")]
    FieldCount {
        /// Fields there.
        fields: usize,
        /// Fields of the header.
        expected: usize,
    },
    /// Not CSV at all.
    #[error("not CSV text")]
    NotCsv,
    /// Too many rows.
    #[error("more than {CATALOGUE_ROWS_MAX} rows")]
    TooManyRows,
    /// No drugs.
    #[error("no rows")]
    NoRows,
    /// Version.
    #[error("a version has 1 to 32 letters, digits, dots, dashes or underscores")]
    Version,
    /// Code.
    #[error("a drug code has 1 to 32 letters, digits, dots, dashes or underscores")]
    Code,
    /// Ceiling or ratio of a code that the list does not have.
    #[error("the list has no such code")]
    CodeNotListed,
    /// Name.
    #[error("a name has 1 to {DRUG_NAME_CHARACTERS_MAX} characters and no control characters")]
    Name,
    /// Class.
    #[error("write 甲, 乙 or 丙")]
    Class,
    /// List type.
    #[error("write 101, 102, 103, 104, 201 or 301")]
    ListType,
    /// Ceiling.
    #[error("write yuan above 0 with at most two decimals, or leave it empty")]
    Ceiling,
    /// Ratio.
    #[error("write a number from 0 to 1 with at most four decimals")]
    Ratio,
    /// The ratio contradicts the class.
    #[error("the ratio does not fit the class: 0 for 甲, below 1 for 乙, 1 or empty for 丙")]
    RatioOfClass,
    /// A drug of class 乙 without ratio on some days.
    #[error("class 乙 has no ratio from {0} on")]
    RatioGap(BusinessDate),
    /// The list and a sheet of its own both say it.
    #[error("the code has rows of its own for this; leave it empty here")]
    StatedTwice,
    /// Date.
    #[error("write a real day as YYYY-MM-DD")]
    Date,
    /// The period ends before it begins.
    #[error("the last day is before the first")]
    Period,
    /// Yes or no.
    #[error("write 是 or 否")]
    YesNo,
    /// Quantity.
    #[error("write a quantity above 0 with at most four decimals, or leave it empty")]
    Quantity,
    /// Days of a limit without a quantity, or too many.
    #[error("write 1 to {LIMIT_DAYS_MAX} days beside a quantity, and nothing without one")]
    LimitDays,
    /// Days of supply.
    #[error("write 1 to {SUPPLY_DAYS_MAX} days, or leave it empty")]
    SupplyDays,
    /// Two rows of one code at the same time.
    #[error("another row of this code, row {0}, is valid on some of the same days")]
    Overlap(usize),
}

impl CatalogueFault {
    pub(super) const fn new(sheet: Sheet, row: usize, column: &'static str, problem: Problem) -> Self {
        Self { sheet, row, column, problem }
    }
}
