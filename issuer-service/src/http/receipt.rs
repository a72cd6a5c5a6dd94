//! `GET /receipt/CODE`: anyone asks whether a receipt is genuine, from a phone that read its QR code.
//!
//! Owns: which page that is. Never: a word about the holder; a script.

use axum::http::HeaderMap;
use axum::response::Response;

use super::{Desk, page};
use crate::clearing::receipt;
use crate::clearing::refusal::ClearingError;

/// Characters of a path that are looked at: a code with room for white space.
const CODE_LENGTH_MAX: usize = 512;

/// Answers with a page, or with JSON where that is asked for.
///
/// # Errors
/// [`ClearingError`] of the database.
pub(super) fn answer(desk: &Desk, headers: &HeaderMap, code: &str) -> Result<Response, ClearingError> {
    let code = code.get(..CODE_LENGTH_MAX).unwrap_or(code);
    let verdict = desk.with_store(|store| store.read(|tx| receipt::check(tx, code)))?;
    Ok(page::answer(headers, &verdict, |lang| page::Said {
        title: lang.pick("凭证查验", "Receipt check"),
        heading: verdict.heading(lang),
        is_good: verdict.is_good(),
        lines: verdict.lines(lang),
    }))
}
