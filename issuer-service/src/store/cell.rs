//! One cell of a row: numbers and words of the house in the types of the database.
//!
//! Owns: reading a cell, an error that names the column when it holds something else. Never: a query.

use std::error::Error;

use super::StoreError;
use super::engine::{self, EngineError, Row};

/// A text that `parse` reads.
pub(super) fn parsed<T, E: Error + Send + Sync + 'static>(
    row: &Row<'_>,
    column: usize,
    parse: impl FnOnce(&str) -> Result<T, E>,
) -> engine::Result<T> {
    let text: String = row.get(column)?;
    parse(&text).map_err(|error| EngineError::Column { column, source: Some(Box::new(error)) })
}

/// A text that `parse` reads, or nothing.
pub(super) fn parsed_option<T, E: Error + Send + Sync + 'static>(
    row: &Row<'_>,
    column: usize,
    parse: impl FnOnce(&str) -> Result<T, E>,
) -> engine::Result<Option<T>> {
    let text: Option<String> = row.get(column)?;
    text.map(|text| parse(&text))
        .transpose()
        .map_err(|error| EngineError::Column { column, source: Some(Box::new(error)) })
}

/// The value whose name the cell holds.
pub(super) fn one_of<T: Copy, const N: usize>(
    row: &Row<'_>,
    column: usize,
    all: [T; N],
    name: impl Fn(T) -> &'static str,
) -> engine::Result<T> {
    let text: String = row.get(column)?;
    all.into_iter()
        .find(|value| name(*value) == text)
        .ok_or_else(|| EngineError::Column { column, source: Some(Box::new(UnknownName { column, text })) })
}

/// The value whose name the cell holds, or nothing.
pub(super) fn one_of_option<T: Copy, const N: usize>(
    row: &Row<'_>,
    column: usize,
    all: [T; N],
    name: impl Fn(T) -> &'static str,
) -> engine::Result<Option<T>> {
    let text: Option<String> = row.get(column)?;
    text.map(|_| one_of(row, column, all, name)).transpose()
}

/// A number that is never negative.
pub(super) fn u64(row: &Row<'_>, column: usize) -> engine::Result<u64> {
    let number: i64 = row.get(column)?;
    u64::try_from(number).map_err(|_| EngineError::Column { column, source: None })
}

/// As the database holds a number that is never negative.
pub(super) fn from_u64(number: u64) -> Result<i64, StoreError> {
    i64::try_from(number).map_err(|_| StoreError::Engine(EngineError::TooLarge { number }))
}

/// A name that this program does not know.
#[derive(Debug, thiserror::Error)]
#[error("column {column} holds {text:?}")]
struct UnknownName {
    column: usize,
    text: String,
}
