//! Pages for whoever checks a print with a phone: a heading, a table, no script, nothing from elsewhere.
//!
//! Owns: their HTML, the headers that keep them so, which language a reader is answered in. Never: what they say.

use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::lang::Lang;

/// What a page says.
pub(super) struct Said<'a> {
    /// Title of the window.
    pub(super) title: &'a str,
    /// Heading.
    pub(super) heading: &'a str,
    /// Whether it is good news.
    pub(super) is_good: bool,
    /// Labels and values.
    pub(super) lines: Vec<(&'static str, String)>,
}

/// A verdict as JSON where that is asked for, otherwise as a page in the reader's language.
pub(super) fn answer<V: Serialize>(
    headers: &HeaderMap,
    verdict: &V,
    said: impl FnOnce(Lang) -> Said<'static>,
) -> Response {
    let lang = language(headers);
    let said = said(lang);
    let status = if said.is_good { StatusCode::OK } else { StatusCode::NOT_FOUND };
    if asked(headers, &header::ACCEPT).contains("application/json") {
        return super::json(status, serde_json::to_string(verdict).expect("a verdict serializes"));
    }
    let security = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'unsafe-inline'"),
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    (status, security, html(&said, lang)).into_response()
}

/// The first language that the reader's browser names; people who scan a print read Chinese when it names none.
pub(super) fn language(headers: &HeaderMap) -> Lang {
    if asked(headers, &header::ACCEPT_LANGUAGE).starts_with("en") { Lang::En } else { Lang::Zh }
}

fn asked<'a>(headers: &'a HeaderMap, name: &header::HeaderName) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

fn html(said: &Said<'_>, lang: Lang) -> String {
    let rows: String =
        said.lines.iter().map(|(label, value)| format!("<tr><th>{label}<td>{}", escaped(value))).collect();
    let (title, heading) = (said.title, said.heading);
    let colour = if said.is_good { "#075" } else { "#a00" };
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
