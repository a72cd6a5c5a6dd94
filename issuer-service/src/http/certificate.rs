//! `GET /certificate/CODE`: anyone asks whether a certificate of participation is genuine. `GET /public/pages`: what a kiosk shows
//! without a card.
//!
//! Owns: which page that is. Never: a whole name or number.

use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;

use super::{Desk, page};
use crate::clearing::refusal::ClearingError;
use crate::query::{certificate, pages};

/// Characters of a path that are looked at: a code with room for dashes and blanks.
const CODE_LENGTH_MAX: usize = 64;

/// Answers with a page, or with JSON where that is asked for.
///
/// # Errors
/// [`ClearingError`] of the database.
pub(super) fn answer(desk: &Desk, headers: &HeaderMap, code: &str) -> Result<Response, ClearingError> {
    let code = code.get(..CODE_LENGTH_MAX).unwrap_or(code);
    let verdict = desk.with_store(|store| store.read(|tx| certificate::check(tx, code)))?;
    Ok(page::answer(headers, &verdict, |lang| page::Said {
        title: lang.pick("参保证明查验", "Certificate check"),
        heading: verdict.heading(lang),
        is_good: verdict.is_good(),
        lines: verdict.lines(lang),
    }))
}

/// The public pages in the reader's language, as JSON.
pub(super) fn public_pages(desk: &Desk, headers: &HeaderMap) -> Response {
    let language = page::language(headers).pick("zh", "en");
    let found = desk.pages.as_deref().map(|folder| pages::read(folder, language)).unwrap_or_default();
    super::json(StatusCode::OK, serde_json::to_string(&found).expect("texts serialize"))
}
