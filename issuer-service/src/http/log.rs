//! One line for each request: which, by whom it can be found again, what became of it, how long it took.
//!
//! Source: the header is the one that proxies and clients commonly send.
//! Owns: the number of a request. Never: a path with its values, a query, a body, a header, a person.

use std::time::Instant;

use axum::Router;
use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::middleware::{self, Next};
use axum::response::Response;
use ring::rand::{SecureRandom, SystemRandom};
use tracing::{debug, error, info};

/// Header that names a request: the caller's choice, or ours; always in the answer.
const REQUEST: HeaderName = HeaderName::from_static("x-request-id");
/// Longest number of a caller.
const ID_BYTES_MAX: usize = 64;
/// What monitoring asks every few seconds.
const MONITORING: [&str; 3] = ["/health", "/ready", "/metrics"];

/// Stable code of a refusal, beside its answer.
#[derive(Clone, Debug)]
pub(super) struct Code(pub(super) String);

/// The same routes, each request of which is written down. `edge`: which door they belong to.
pub(super) fn logged(router: Router, edge: &'static str) -> Router {
    router.layer(middleware::from_fn(move |request, next| line(edge, request, next)))
}

async fn line(edge: &'static str, request: Request, next: Next) -> Response {
    let began = Instant::now();
    let id = id(request.headers());
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let mut response = next.run(request).await;
    let (status, code) = (response.status(), response.extensions_mut().remove::<Code>());
    let route = route.as_ref().map_or("none", MatchedPath::as_str);
    let code = code.as_ref().map(|Code(code)| code.as_str());
    let micros = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
    let (request, method, status) = (&*id, method.as_str(), status.as_u16());
    if status >= 500 {
        error!(edge, request, method, route, status, code, micros);
    } else if MONITORING.contains(&route) {
        debug!(edge, request, method, route, status, code, micros);
    } else {
        info!(edge, request, method, route, status, code, micros);
    }
    if let Ok(id) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST, id);
    }
    response
}

/// The caller's number of a request, if it is short and plain; else one of ours: 16 hex digits.
fn id(headers: &HeaderMap) -> String {
    let plain = |text: &&str| {
        let fits = (1..=ID_BYTES_MAX).contains(&text.len());
        fits && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
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
        for unfit in ["", "a b", "\"}", "汉", "x".repeat(65).leak()] {
            let headers = HeaderMap::from_iter([(REQUEST, HeaderValue::from_bytes(unfit.as_bytes()).expect("bytes"))]);
            let ours = id(&headers);
            assert!(ours.len() == 16 && ours.bytes().all(|byte| byte.is_ascii_hexdigit()), "{unfit:?}: {ours}");
        }
        assert_ne!(id(&HeaderMap::new()), id(&HeaderMap::new()));
    }
}
