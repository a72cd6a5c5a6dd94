//! What was read before and has not changed: a tag of each answer that shows, and 304 for who has it.
//!
//! Source: RFC 9110 8.8.3, 13.1.2. Owns: the tag. Never: keeps an answer: the tag is of its bytes.

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use ring::digest::{SHA256, digest};

/// Hex digits of a tag: 128 bits.
const TAG_DIGITS: usize = 32;

/// The answer with its tag, or that it is what the caller has.
pub(super) fn json(headers: &HeaderMap, text: String) -> Response {
    let hash = hex::encode(digest(&SHA256, text.as_bytes()));
    let tag = format!("\"{}\"", hash.get(..TAG_DIGITS).unwrap_or_default());
    let known = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let is_known = known.flat_map(|line| line.split(',')).any(|one| {
        let one = one.trim();
        one == "*" || one.strip_prefix("W/").unwrap_or(one) == tag
    });
    let mut response =
        if is_known { StatusCode::NOT_MODIFIED.into_response() } else { crate::http::json(StatusCode::OK, text) };
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}
