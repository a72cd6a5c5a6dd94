//! Answers of the console: their status, and what no browser does with them.
//!
//! Owns: the headers of every page and file. Never: what stands on a page.

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use maud::Markup;

use super::{HOME, language};
use crate::console::{Note, gate};
use crate::error::Error;
use crate::http::problem::{self, ApiProblem};
use crate::lang::Lang;

pub(super) fn status(error: &Error) -> StatusCode {
    ApiProblem::of(error.explain(), Lang::En).into_response().status()
}

/// A refusal that says when to come back.
pub(super) fn waiting(error: &Error, mut response: Response) -> Response {
    problem::set_retry_after(&mut response, error.explain().wait_seconds());
    response
}

/// A refusal to somebody of whom nothing is known yet, who may well be in.
pub(super) fn refused(error: &Error, lang: Lang) -> Response {
    waiting(error, page(status(error), &gate::refusal(lang, &Note::of(error.explain(), lang), HOME)))
}

/// A page that there is not.
pub(in crate::http) fn unknown(error: &Error, headers: &HeaderMap) -> Response {
    refused(error, language(headers))
}

pub(super) fn page(status: StatusCode, page: &Markup) -> Response {
    let mut response = (status, page.0.clone()).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    guarded(response)
}

pub(super) fn asset(kind: &'static str, text: &'static str) -> Response {
    let mut response = guarded(text.into_response());
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

/// Nothing of a page is kept, framed, or loaded from elsewhere.
pub(super) fn guarded(mut response: Response) -> Response {
    const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self' data:; \
                          form-action 'self'; frame-ancestors 'none'; base-uri 'none'";
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}
