//! One line for each request: which, by whom it can be found again, what became of it, how long it took.
//!
//! Source: the header is the one that proxies and clients commonly send.
//! Owns: the number of a request. Never: a path with its values, a query, a body, a header, a person, a word of the caller's choice
//! but that number.

use std::time::Instant;

use axum::Router;
use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use axum::middleware::{self, Next};
use axum::response::Response;
use ring::rand::{SecureRandom, SystemRandom};
use tracing::{debug, error, info};

use crate::audit::text;
use crate::log;

/// Header that names a request: the caller's choice, or ours; always in the answer.
const REQUEST: HeaderName = HeaderName::from_static("x-request-id");
/// Longest number of a caller.
const ID_BYTES_MAX: usize = 64;
/// What monitoring asks every few seconds.
const MONITORING: [&str; 3] = ["/health", "/ready", "/metrics"];

/// Methods of RFC 9110 and 5789.
const METHODS: [&str; 9] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE"];
/// Code of a request whose peer left before it was answered.
const PEER_LEFT: &str = "PEER_LEFT";

/// Stable code of a refusal, beside its answer.
#[derive(Clone, Debug)]
pub(super) struct Code(pub(super) String);

/// What is behind a refusal that is not the caller's doing, beside its answer: for the log alone.
#[derive(Clone, Debug)]
pub(super) struct Cause(pub(super) String);

/// The same routes, each request of which is written down. `edge`: which door they belong to.
pub(super) fn logged(router: Router, edge: &'static str) -> Router {
    router.layer(middleware::from_fn(move |request, next| line(edge, request, next)))
}

async fn line(edge: &'static str, request: Request, next: Next) -> Response {
    let mut line = Line {
        edge,
        began: Instant::now(),
        request: id(request.headers()),
        method: method(request.method()),
        route: request.extensions().get::<MatchedPath>().cloned(),
        answer: None,
        cause: None,
    };
    let mut response = next.run(request).await;
    line.answer = Some((response.status().as_u16(), response.extensions_mut().remove::<Code>()));
    line.cause = response.extensions_mut().remove::<Cause>();
    if let Ok(id) = HeaderValue::from_str(&line.request) {
        response.headers_mut().insert(REQUEST, id);
    }
    response
}

/// A request under way. Its line is written when it ends, also when nobody waits for the answer any more: what was handed on by then
/// is done all the same. Who hangs up before the request is begun has asked nothing, and leaves no line.
struct Line {
    edge: &'static str,
    began: Instant,
    request: String,
    method: &'static str,
    route: Option<MatchedPath>,
    /// Status and code; nothing while there is no answer.
    answer: Option<(u16, Option<Code>)>,
    cause: Option<Cause>,
}

impl Drop for Line {
    fn drop(&mut self) {
        let Self { edge, request, method, .. } = self;
        let route = self.route.as_ref().map_or("none", MatchedPath::as_str);
        let micros = u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX);
        let Some((status, code)) = &self.answer else {
            let code = PEER_LEFT;
            log::count(edge, "left");
            return info!(edge, request, method, route, code, micros);
        };
        let code = code.as_ref().map(|Code(code)| code.as_str());
        log::count(
            edge,
            match *status {
                500.. => "failed",
                400.. => "refused",
                _ => "done",
            },
        );
        if *status >= 500 {
            let cause = self.cause.as_ref().map(|Cause(cause)| cause.as_str());
            error!(edge, request, method, route, status, code, cause, micros);
        } else if MONITORING.contains(&route) {
            debug!(edge, request, method, route, status, code, micros);
        } else {
            info!(edge, request, method, route, status, code, micros);
        }
    }
}

/// The method, if it is one of HTTP: another one is the caller's own text.
fn method(method: &Method) -> &'static str {
    METHODS.into_iter().find(|known| method.as_str() == *known).unwrap_or("OTHER")
}

/// The caller's number of a request, if it is short and plain and no citizen number is in it; else one of ours: 16 hex digits.
fn id(headers: &HeaderMap) -> String {
    let plain = |text: &&str| {
        let fits = (1..=ID_BYTES_MAX).contains(&text.len());
        let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
        fits && plain && !text::holds_number(text)
    };
    if let Some(text) = super::single(headers, REQUEST.as_str()).filter(plain) {
        return text.to_owned();
    }
    let mut bytes = [0; 8];
    // Without random bytes requests cannot be told apart in the log; they are answered all the same.
    let _ = SystemRandom::new().fill(&mut bytes);
    hex::encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_names_its_request_in_short_plain_words_or_we_do() {
        let with = |value: &'static str| HeaderMap::from_iter([(REQUEST, HeaderValue::from_static(value))]);
        assert_eq!(id(&with("till-7.2026_11")), "till-7.2026_11");
        for unfit in [
            "",
            "a b",
            "\"}",
            "513301198501010011",
            "desk-51330119850101001X",
            "513301.19850101.0011",
            "汉",
            "x".repeat(65).leak(),
        ] {
            let headers = HeaderMap::from_iter([(REQUEST, HeaderValue::from_bytes(unfit.as_bytes()).expect("bytes"))]);
            let ours = id(&headers);
            assert!(ours.len() == 16 && ours.bytes().all(|byte| byte.is_ascii_hexdigit()), "{unfit:?}: {ours}");
        }
        assert_ne!(id(&HeaderMap::new()), id(&HeaderMap::new()));
    }

    #[test]
    fn a_method_of_the_callers_own_is_no_word_of_the_log() {
        let of = |name: &str| method(&Method::from_bytes(name.as_bytes()).expect("a token"));
        assert_eq!(METHODS.map(of), METHODS);
        for own in ["get", "513301198501010011-WangXiaoming", "A".repeat(6_000).leak()] {
            assert_eq!(of(own), "OTHER");
        }
    }
}
