//! The API of operators and of programs that act for them: `/api/v1/…`, JSON.
//!
//! Every endpoint is a row of [`ENDPOINTS`]: its path, the command of the duty table that it carries out, the work. The router, the
//! description for programs and the matrix of roles are made from the same rows. An act answers with what it was done to
//! ([`Done`]); the thing itself is asked for under its address.
//!
//! Source: RFC 9110, RFC 9457 (problem details). Owns: rows, bodies, parameters, answers. Never: a rule of its own: the functions
//! behind are those of the commands.

mod asking;
pub(super) mod batches;
mod clearing;
mod credentials;
pub mod description;
mod encoding;
mod endpoint;
pub mod failure;
mod house;
mod people;
mod queries;
pub(super) mod rate;
pub mod remedy;
pub mod session;
mod tickets;
mod unchanged;
mod watch;

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::rejection::RawPathParamsRejection;
use axum::extract::{RawPathParams, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::on;
use axum::{Extension, Router};
use ring::digest::{SHA256, digest};
use schemars::JsonSchema;
use serde::Deserialize;

use self::encoding::query;
pub(super) use self::encoding::{decoded, places};
use self::endpoint::{Acts, Looks, Proves, Slow};
pub use self::endpoint::{Asks, Body, Done, Endpoint, Json, Kind, Method, Nothing, Outcome, Parameter, Work};
use self::failure::ApiError;
use super::connection::{self, Limits, Newcomer, NoBody};
use super::console;
use super::operators::{self, OperatorDesk};
use super::problem::ApiProblem;
use super::session::{Session, own_page, said, token};
use super::tls::Peer;
use super::{json, single};
use crate::card::life::{self, REASON_MAX};
use crate::error::Error;
use crate::lang::Lang;
use crate::operator::login::LoginError;
use crate::operator::{Operator, duty};
use crate::store::Store;

/// Longest body: a photo.
pub const BODY_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Longest body of who is not in.
const DOOR_BYTES_MAX: usize = 4 * 1024;
/// What names the repetitions of a request.
const KEY_HEADER: &str = "idempotency-key";
/// Says that the answer is one of an earlier request.
const REPLAYED_HEADER: &str = "idempotency-replayed";

/// Every endpoint of the API.
pub const ENDPOINTS: &[&[Endpoint]] = &[
    session::ENDPOINTS,
    description::ENDPOINTS,
    people::ENDPOINTS,
    queries::ENDPOINTS,
    tickets::ENDPOINTS,
    credentials::ENDPOINTS,
    batches::ENDPOINTS,
    house::ENDPOINTS,
    clearing::ENDPOINTS,
];

/// A request under way.
pub struct Call<'a> {
    /// The connection to the database; whoever calls is on duty.
    pub store: &'a mut Store,
    /// The desk.
    pub desk: &'a OperatorDesk,
    /// Language of the caller.
    pub lang: Lang,
    session: Option<&'a Session>,
    path: &'a [(String, String)],
    query: &'a [(String, String)],
    body: &'a Bytes,
    cookie: Option<HeaderValue>,
    /// The block of addresses, or the certificate, that the request comes from, and the token of the session that it brings along.
    from: (&'a str, Option<&'a str>),
    /// What an act would have been done to, when there was nothing to do.
    untouched: Option<String>,
    /// The operator for whom a program says that it asks.
    behalf: Option<&'a str>,
}

/// Why somebody does it.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Reason {
    /// For the audit log; no names of people.
    #[schemars(length(max = REASON_MAX))]
    reason: String,
}

impl Reason {
    /// The reason, on one line.
    fn fit(&self) -> Result<&str, Error> {
        Ok(life::fit(&self.reason, true)?)
    }
}

/// Where a page begins.
const AFTER: Parameter =
    Parameter { name: "after", kind: Kind::Number(i64::MAX), says: "Behind this one: `next` of the page before." };
/// How long it is.
const LIMIT: Parameter =
    Parameter { name: "limit", kind: Kind::Count(1_000), says: "At most so many; 100 when absent." };
/// Where a page of things begins that have names and no numbers.
const AFTER_NAME: Parameter =
    Parameter { name: "after", kind: Kind::Text(NAME_MAX), says: "Behind this one: `next` of the page before." };
/// Characters of a name in a path or behind the question mark.
const NAME_MAX: usize = 64;
/// Rows of a page of which nothing is said.
const LIMIT_COMMON: u32 = 100;

/// What names the page behind this one; none when it is not full.
fn next<T, N>(page: &[T], limit: u32, number: impl Fn(&T) -> N) -> Option<N> {
    let full = u32::try_from(page.len()).is_ok_and(|length| length >= limit);
    page.last().filter(|_| full).map(number)
}

/// Refuses a text of a body that is longer than its description says.
fn within(name: &'static str, text: &str, most: usize) -> Result<(), ApiError> {
    if text.chars().count() <= most { Ok(()) } else { Err(ApiError::ParameterUnfit { name }) }
}

impl Call<'_> {
    /// Who calls.
    ///
    /// # Errors
    /// [`LoginError::SessionMissing`] where an endpoint lets anybody in.
    pub fn session(&self) -> Result<&Session, LoginError> {
        self.session.ok_or(LoginError::SessionMissing)
    }

    /// Who calls, by name.
    ///
    /// # Errors
    /// As [`Call::session`].
    pub fn operator(&self) -> Result<&Operator, LoginError> {
        Ok(self.session()?.operator())
    }

    /// A number of the path.
    ///
    /// # Errors
    /// [`ApiError::ParameterUnfit`].
    pub fn number(&self) -> Result<i64, ApiError> {
        let unfit = || ApiError::ParameterUnfit { name: "number" };
        let text = self.named("number").ok_or_else(unfit)?;
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse().ok().filter(|_| digits).ok_or_else(unfit)
    }

    /// 卡号 in the path.
    #[must_use]
    pub fn card(&self) -> String {
        self.named("card").unwrap_or_default().to_owned()
    }

    /// Where a page begins, and how long it is.
    #[must_use]
    pub fn page(&self) -> (i64, u32) {
        let limit = self.count("limit").and_then(|limit| u32::try_from(limit).ok()).unwrap_or(LIMIT_COMMON);
        (self.count("after").unwrap_or_default(), limit.max(1))
    }

    /// As [`Call::page`], of things that have names.
    #[must_use]
    pub fn page_of_names(&self) -> (&str, u32) {
        let (_, limit) = self.page();
        (self.parameter("after").unwrap_or_default(), limit)
    }

    /// A text of the path.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<&str> {
        self.path.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// A parameter behind the question mark; its kind was looked at.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// A number behind the question mark.
    #[must_use]
    pub fn count(&self, name: &str) -> Option<i64> {
        self.parameter(name).and_then(|text| text.parse().ok())
    }

    /// The answer carries this cookie.
    pub fn set_cookie(&mut self, cookie: HeaderValue) {
        self.cookie = Some(cookie);
    }
}

impl std::fmt::Debug for Call<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Call").finish_non_exhaustive()
    }
}

/// The routes of the API.
pub(super) fn router(desk: Arc<OperatorDesk>) -> Router {
    let mut router: Router<Arc<OperatorDesk>> = Router::new();
    for endpoint in ENDPOINTS.iter().copied().flatten() {
        let answer = move |state, peer, limits, newcomer, path, request| {
            answer(endpoint, state, peer, limits, newcomer, path, request)
        };
        router = router.route(endpoint.path, on(endpoint.method.filter(), answer));
    }
    let unknown = async |uri: Uri, headers: HeaderMap| {
        let error = ApiError::PathUnknown.into();
        match uri.path().starts_with("/console/") {
            true => console::unknown(&error, &headers),
            false => problem(&error, language(&headers)),
        }
    };
    let other = async |headers: HeaderMap| problem(&ApiError::MethodUnknown.into(), language(&headers));
    router.fallback(unknown).method_not_allowed_fallback(other).with_state(desk)
}

/// What a request carries beside its body.
struct Head {
    headers: HeaderMap,
    peer: Option<Peer>,
    newcomer: Option<Newcomer>,
    path: Vec<(String, String)>,
    query: Vec<(String, String)>,
    target: String,
    lang: Lang,
}

async fn answer(
    endpoint: &'static Endpoint,
    State(desk): State<Arc<OperatorDesk>>,
    peer: Option<Extension<Peer>>,
    Extension(limits): Extension<Limits>,
    newcomer: Option<Extension<Newcomer>>,
    path: Result<RawPathParams, RawPathParamsRejection>,
    request: Request,
) -> Response {
    let lang = language(request.headers());
    let newcomer = newcomer.map(|Extension(newcomer)| newcomer);
    let head = match head(endpoint, (peer.map(|Extension(peer)| peer), newcomer), path, &request, lang) {
        Ok(head) => head,
        Err(error) => return problem(&error.into(), lang),
    };
    // Nobody sends a body before it is known who it is.
    let late = endpoint.asks != Asks::Nothing && endpoint.work.takes().0.is_some();
    let head = Arc::new(head);
    if late {
        let (desk, head) = (Arc::clone(&desk), Arc::clone(&head));
        let look = move || desk.with_looker(|store| admitted(endpoint, store, &desk, &head, true));
        match tokio::task::spawn_blocking(look).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => return problem(&error, lang),
            Err(_) => return problem(&ApiError::BrokenOff.into(), lang),
        }
    }
    let body = match body(endpoint, request, limits).await {
        Ok(body) => body,
        Err(error) => return problem(&error.into(), lang),
    };
    let watched = Arc::clone(&head);
    let at_the_door = endpoint.asks == Asks::Nothing;
    let from = head.peer.as_ref().map(Peer::holder).unwrap_or_default();
    let place = if at_the_door && endpoint.method == Method::Post {
        desk.lines.turn(&desk.rates, &from).await.map(Some)
    } else {
        Ok(None)
    };
    let _place = match place {
        Ok(place) => place,
        Err(error) => return problem(&error.into(), lang),
    };
    let _proof = if endpoint.work.proves() { desk.proofs.acquire().await.ok() } else { None };
    let _turn = if at_the_door { desk.doors.acquire().await.ok() } else { None };
    let done = if endpoint.work.joins() {
        let (of_work, head) = (Arc::clone(&desk), Arc::clone(&head));
        let mut counted = !late;
        desk.act(Box::new(move |store| {
            // A session may have ended while its body came. An act that is done again is still one request.
            let session = admitted(endpoint, store, &of_work, &head, std::mem::take(&mut counted))?;
            carry_out(endpoint, store, &of_work, session.as_ref(), &head, &body)
        }))
        .await
    } else {
        let work = {
            let desk = Arc::clone(&desk);
            move || {
                let work = |store: &mut Store| {
                    let session = admitted(endpoint, store, &desk, &head, !late)?;
                    carry_out(endpoint, store, &desk, session.as_ref(), &head, &body)
                };
                match (at_the_door, endpoint.method) {
                    (true, _) => desk.at_the_door(work),
                    (false, Method::Get) => desk.with_looker(work),
                    // Who acts does not wait for a password that is looked at.
                    (false, _) if endpoint.work.proves() => desk.with_looker(work),
                    (false, _) => desk.with_store(work),
                }
            }
        };
        tokio::task::spawn_blocking(work).await.unwrap_or_else(|_| Err(ApiError::BrokenOff.into()))
    };
    // Who has logged in goes on over the same connection.
    if let (true, Method::Post, Ok(_), Some(newcomer)) = (at_the_door, endpoint.method, &done, &watched.newcomer) {
        newcomer.is_known();
    }
    match done {
        Ok(response) if endpoint.work.goes_on() => guarded(watch::events(endpoint, &desk, watched, response)),
        Ok(response) => response,
        Err(error) => problem(&error, lang),
    }
}

/// Who sends a request, if that one may. `counted`: it is one more of the requests of whoever it is.
fn admitted(
    endpoint: &Endpoint,
    store: &mut Store,
    desk: &OperatorDesk,
    head: &Head,
    counted: bool,
) -> Result<Option<Session>, Error> {
    if endpoint.method != Method::Get {
        own_page(&head.headers)?;
    }
    if endpoint.asks == Asks::Nothing {
        // Logins wait in their line.
        return if endpoint.method == Method::Get { desk.knocked(head.peer.as_ref()).map(|()| None) } else { Ok(None) };
    }
    let (peer, seen) = (head.peer.as_ref(), !endpoint.work.goes_on());
    let session = Session::within(store, (desk.is_secure(), seen), &head.headers, peer);
    let session = session.or_else(|error| desk.stranger(peer, error))?;
    if let Some(newcomer) = &head.newcomer {
        newcomer.is_known();
    }
    if counted {
        desk.rates.take(&session.operator().name, rate::OPERATOR)?;
    }
    if endpoint.method != Method::Get {
        session.proves(said(&head.headers))?;
    }
    if let Asks::Duty(command) = endpoint.asks
        && let Err(error) = duty::allowed(session.operator(), command)
    {
        return Err(asking::kept_out(store, &session, endpoint.id, error));
    }
    Ok(Some(session))
}

fn head(
    endpoint: &Endpoint,
    (peer, newcomer): (Option<Peer>, Option<Newcomer>),
    path: Result<RawPathParams, RawPathParamsRejection>,
    request: &Request,
    lang: Lang,
) -> Result<Head, ApiError> {
    let target = request.uri().path_and_query().map(ToString::to_string).unwrap_or_default();
    let query = query(endpoint.parameters, request.uri().query().unwrap_or_default())?;
    let path = places(path)?;
    if path.iter().any(|(_, value)| value.chars().count() > NAME_MAX) {
        return Err(ApiError::ParameterUnfit { name: "path" });
    }
    Ok(Head { headers: request.headers().clone(), peer, newcomer, path, query, target, lang })
}

async fn body(endpoint: &Endpoint, request: Request, limits: Limits) -> Result<Bytes, ApiError> {
    let (kind, bytes_max) = endpoint.work.takes();
    let said = single(request.headers(), "content-type").map(|text| text.split(';').next().unwrap_or_default().trim());
    if let Some(kind) = kind
        && !said.is_some_and(|said| said.eq_ignore_ascii_case(kind))
    {
        return Err(ApiError::BodyType);
    }
    let bytes_max = if endpoint.asks == Asks::Nothing { bytes_max.min(DOOR_BYTES_MAX) } else { bytes_max };
    connection::body_of(request, limits, bytes_max).await.map_err(|no_body| match no_body {
        NoBody::TooLarge => ApiError::BodyTooLarge,
        NoBody::Broken => ApiError::BodyMalformed { line: 0, column: 0 },
    })
}

/// The work of an endpoint, once it is known who asks for it.
fn carry_out(
    endpoint: &Endpoint,
    store: &mut Store,
    desk: &OperatorDesk,
    session: Option<&Session>,
    head: &Head,
    body: &Bytes,
) -> Result<Response, Error> {
    let key = if endpoint.work.acts() { key(&head.headers)? } else { None };
    let work = |store: &mut Store| -> Result<Response, Error> {
        let mut keyed = None;
        if let (Some(key), Some(session)) = (&key, session) {
            let behalf =
                single(&head.headers, asking::BEHALF_HEADER).map_or_else(String::new, |name| format!(" {name}"));
            let name = format!("{} {}{behalf}", endpoint.method.name(), head.target);
            let text = hex::encode(digest(&SHA256, &[name.as_bytes(), b"\0", body].concat()));
            let marks = store.read(|tx| tx.request_marks(&text))?;
            let operator = &session.operator().name;
            if let Some(response) = replayed(store, (operator, key), &marks)? {
                return Ok(response);
            }
            store.begin_request(operator, key, marks.first().map_or("", String::as_str));
            keyed = Some((operator.as_str(), key, marks));
        }
        let (lang, path, query, cookie) = (head.lang, head.path.as_slice(), head.query.as_slice(), None);
        let from = head.peer.as_ref().map(Peer::holder).unwrap_or_default();
        let before = token(&head.headers, desk.is_secure());
        let from = (from.as_str(), before.as_deref().map(String::as_str));
        let behalf = single(&head.headers, asking::BEHALF_HEADER);
        let mut call = Call { store, desk, lang, session, path, query, body, cookie, from, untouched: None, behalf };
        let answer = match (endpoint.work.done(&mut call), keyed) {
            (Ok(answer), _) => answer,
            // On record by an act of its own: nothing that was done, before or when it comes again.
            (Err(error), Some((who, key, _))) if store.acted().is_some() => {
                store.journal(|tx| tx.free_request_key(who, key))?;
                return Err(error);
            }
            // The same request at another server at once: it was done there, and what refuses here is that.
            (Err(error), Some((who, key, marks))) => return replayed(store, (who, key), &marks)?.ok_or(error),
            (Err(error), None) => return Err(error),
        };
        let (cookie, untouched) = (call.cookie.take(), call.untouched.take());
        let mut response = match (answer, store.acted()) {
            (Some(text), _) if endpoint.method == Method::Get => unchanged::json(&head.headers, text),
            (Some(text), _) => json(StatusCode::OK, text),
            (None, Some(object)) => told(Outcome::Created, object),
            (None, None) => told(Outcome::Exists, untouched.unwrap_or_default()),
        };
        if let Some(cookie) = cookie {
            response.headers_mut().insert(header::SET_COOKIE, cookie);
        }
        Ok(guarded(response))
    };
    match (endpoint.asks, session) {
        (Asks::Duty(command), Some(session)) => operators::at(store, session.operator(), command, work),
        (Asks::Nothing, _) | (Asks::Session, Some(_)) => work(store),
        (Asks::Duty(_) | Asks::Session, None) => Err(LoginError::SessionMissing.into()),
    }
}

/// What a request with a key is answered that was done before; none when it was not.
fn replayed(store: &mut Store, (operator, key): (&str, &str), marks: &[String]) -> Result<Option<Response>, Error> {
    match store.read(|tx| tx.request_key(operator, key))? {
        Some((of, object)) if marks.contains(&of) => {
            let mut response = told(Outcome::Exists, object);
            response.headers_mut().insert(REPLAYED_HEADER, HeaderValue::from_static("true"));
            Ok(Some(guarded(response)))
        }
        Some(_) => Err(ApiError::KeyReused.into()),
        None => Ok(None),
    }
}

fn told(status: Outcome, object: String) -> Response {
    let location = location(&object);
    let code = if status == Outcome::Created { StatusCode::CREATED } else { StatusCode::OK };
    let to = location.as_deref().and_then(|to| HeaderValue::from_str(to).ok());
    let done = Done { status, object, location };
    let mut response = json(code, serde_json::to_string(&done).expect("our own types serialize"));
    if let Some(to) = to {
        response.headers_mut().insert(header::LOCATION, to);
    }
    response
}

/// Where a thing that the audit log names is asked for.
fn location(object: &str) -> Option<String> {
    let (kind, name) = object.split_once(' ')?;
    let plain = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let room = match kind {
        "person" => "people",
        "request" => "credential-requests",
        "batch" => "batches",
        "card" => "credentials",
        "ticket" => "tickets",
        _ => return None,
    };
    plain.then(|| format!("/api/v1/{room}/{name}"))
}

fn key(headers: &HeaderMap) -> Result<Option<String>, ApiError> {
    if !headers.contains_key(KEY_HEADER) {
        return Ok(None);
    }
    let key = single(headers, KEY_HEADER).ok_or(ApiError::KeyUnfit)?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    if (8..=64).contains(&key.len()) && key.bytes().all(plain) {
        Ok(Some(key.to_owned()))
    } else {
        Err(ApiError::KeyUnfit)
    }
}

/// The language that the caller reads.
fn language(headers: &HeaderMap) -> Lang {
    match single(headers, "accept-language") {
        Some(text) if text.starts_with("zh") => Lang::Zh,
        _ => Lang::En,
    }
}

fn problem(error: &Error, lang: Lang) -> Response {
    guarded(ApiProblem::of_error(error, lang).into_response())
}

/// Nothing of an answer is kept or taken for a page.
fn guarded(mut response: Response) -> Response {
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}
