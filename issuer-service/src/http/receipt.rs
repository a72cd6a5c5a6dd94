//! `GET /receipt/CODE`: anyone asks whether a receipt is genuine, from a phone that read its QR code.
//!
//! Owns: the page in both languages, its JSON for programs, its status code. Never: a word about the holder; a script.

use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::Desk;
use crate::clearing::receipt::{self, Verdict};
use crate::clearing::refusal::ClearingError;
use crate::lang::Lang;

/// Characters of a path that are looked at: a code with room for white space.
const CODE_LENGTH_MAX: usize = 512;

/// Answers with a page, or with JSON where that is asked for.
///
/// # Errors
/// [`ClearingError`] of the database.
pub(super) fn answer(desk: &Desk, headers: &HeaderMap, code: &str) -> Result<Response, ClearingError> {
    let code = code.get(..CODE_LENGTH_MAX).unwrap_or(code);
    let verdict = desk.with_store(|store| store.read(|tx| receipt::check(tx, code)))?;
    let status = if verdict.is_good() { StatusCode::OK } else { StatusCode::NOT_FOUND };
    let asked = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if asked(header::ACCEPT).contains("application/json") {
        return Ok(super::json(status, serde_json::to_string(&verdict).expect("a verdict serializes")));
    }
    // The first language that the reader's browser names; people who scan a receipt read Chinese when it names none.
    let lang = if asked(header::ACCEPT_LANGUAGE).starts_with("en") { Lang::En } else { Lang::Zh };
    let security = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'unsafe-inline'"),
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    Ok((status, security, page(&verdict, lang)).into_response())
}

fn page(verdict: &Verdict, lang: Lang) -> String {
    let rows: String = verdict
        .lines(lang)
        .into_iter()
        .map(|(label, value)| format!("<tr><th>{label}<td>{}", escaped(&value)))
        .collect();
    let (title, heading) = (lang.pick("凭证查验", "Receipt check"), verdict.heading(lang));
    let colour = if verdict.is_good() { "#075" } else { "#a00" };
    let language = lang.pick("zh-CN", "en");
    format!(
        "<!doctype html><html lang=\"{language}\"><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>{title}</title>\
         <style>body{{font:1.1em sans-serif;margin:1.5em}}th{{text-align:left;padding-right:1em}}\
         h1{{font-size:1.3em;color:{colour}}}</style><h1>{heading}</h1><table>{rows}</table>\n"
    )
}

/// A name of an institution is text, never markup.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
