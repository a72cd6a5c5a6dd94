//! The console's pages over HTTP: sessions, forms, what each address shows and does.
//!
//! Every address is a row of [`ROUTES`]: the command of the duty table that it carries out, and the work, which is that of the command.
//! A form that was carried out answers with the address of what it changed, so that loading a page anew repeats nothing.
//!
//! Source: RFC 9110; Content Security Policy 3. Owns: rows, forms, headers, the stream of progress. Never: a rule of its own.

mod acts;
mod looks;
mod stream;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Extension, RawPathParams, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{MethodFilter, get, on, post};
use maud::Markup;
use zeroize::Zeroizing;

use super::api::failure::ApiError;
use super::api::rate;
use super::connection::{self, Limits};
use super::operators::{self, OperatorDesk};
use super::problem::ApiProblem;
use super::session::{Session, cookie, no_cookie};
use super::single;
use super::tls::Peer;
use crate::console::{self, Note, Viewer, gate};
use crate::error::Error;
use crate::lang::Lang;
use crate::operator::login::{self, LoginError};
use crate::store::Store;

/// Longest form.
const FORM_BYTES_MAX: usize = 64 * 1024;
/// Where somebody who is in begins.
const HOME: &str = "/console/today";

/// Whether a row shows or does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Shows: GET.
    Looks,
    /// Does, with a form: POST.
    Acts,
}

/// An address of the console.
pub struct Route {
    /// Whether it shows or does.
    pub kind: Kind,
    /// Path, with `{number}` or `{name}`.
    pub path: &'static str,
    /// The command of the duty table; none for what everybody who is in may see.
    pub command: Option<&'static str>,
    work: fn(&mut Turn<'_>) -> Result<Reply, Error>,
}

impl std::fmt::Debug for Route {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Route").field("kind", &self.kind).field("path", &self.path).finish_non_exhaustive()
    }
}

/// Every address but those of logging in and out.
pub const ROUTES: &[&[Route]] = &[looks::ROUTES, acts::ROUTES];

/// A request under way.
struct Turn<'a> {
    store: &'a mut Store,
    desk: &'a OperatorDesk,
    viewer: Viewer<'a>,
    place: Option<&'a str>,
    query: &'a [(String, Zeroizing<String>)],
    form: &'a [(String, Zeroizing<String>)],
}

/// What a request is answered with.
enum Reply {
    /// A page: its title and content.
    Page(String, Markup),
    /// A page with something said above it.
    Noted(String, Note, Markup),
    /// Something else to look at.
    To(String),
    /// A PNG.
    Image(Vec<u8>),
}

impl Turn<'_> {
    /// The number in the address.
    fn number(&self) -> Result<i64, ApiError> {
        let text = self.place.unwrap_or_default();
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse().ok().filter(|_| digits).ok_or(ApiError::ParameterUnfit { name: "number" })
    }

    fn field(&self, name: &str) -> &str {
        value(self.form, name)
    }

    fn asked(&self, name: &str) -> &str {
        value(self.query, name)
    }
}

fn value<'a>(pairs: &'a [(String, Zeroizing<String>)], name: &str) -> &'a str {
    pairs.iter().find(|(found, _)| found == name).map_or("", |(_, value)| value.as_str())
}

/// The routes of the console.
pub(super) fn router(desk: Arc<OperatorDesk>) -> Router {
    let mut router: Router<Arc<OperatorDesk>> = Router::new()
        .route("/console", get(async || Redirect::to(HOME)))
        .route("/console/style.css", get(async || asset("text/css; charset=utf-8", console::STYLE)))
        .route("/console/live.js", get(async || asset("text/javascript; charset=utf-8", console::SCRIPT)))
        .route("/console/language/{name}", get(language_set))
        .route("/console/login", get(gate_shown).post(log_in))
        .route("/console/logout", post(log_out))
        .route("/console/batches/{number}/live", get(stream::batch));
    for route in ROUTES.iter().copied().flatten() {
        let filter = if route.kind == Kind::Looks { MethodFilter::GET } else { MethodFilter::POST };
        let answer = move |state, peer, limits, path, request| answer(route, state, peer, limits, path, request);
        router = router.route(route.path, on(filter, answer));
    }
    router.with_state(desk)
}

async fn answer(
    route: &'static Route,
    State(desk): State<Arc<OperatorDesk>>,
    peer: Option<Extension<Peer>>,
    Extension(limits): Extension<Limits>,
    path: RawPathParams,
    request: Request,
) -> Response {
    let (headers, lang) = (request.headers().clone(), language(request.headers()));
    let address = request.uri().path().to_owned();
    let query = pairs(request.uri().query().unwrap_or_default());
    let place = path.iter().next().map(|(_, value)| value.to_owned());
    let form = match form(route.kind, request, limits).await {
        Ok(form) => form,
        Err(error) => return refused(&error.into(), lang),
    };
    let work = move || {
        desk.with_store(|store| -> Result<Response, Error> {
            let session =
                Session::within(store, (desk.is_secure(), true), &headers, peer.as_ref().map(|Extension(peer)| peer))?;
            desk.rates.take(&session.operator().name, rate::OPERATOR)?;
            let csrf = session.csrf().unwrap_or_default();
            if route.kind == Kind::Acts {
                session.proves(Some(value(&form, "csrf")))?;
            }
            let city = desk.config.city.to_string();
            let rehearsal = desk.rehearsal();
            let operator = session.operator();
            let viewer = Viewer { operator, csrf: &csrf, lang, rehearsal, city: &city, path: &address };
            let place = place.as_deref();
            let work = |store: &mut Store| {
                (route.work)(&mut Turn { store, desk: &desk, viewer, place, query: &query, form: &form })
            };
            let reply = match route.command {
                Some(command) => operators::at(store, operator, command, work),
                None => work(store),
            };
            Ok(match reply {
                Ok(Reply::Page(title, content)) => page(StatusCode::OK, &viewer.page(&title, None, &content)),
                Ok(Reply::Noted(title, note, content)) => {
                    page(StatusCode::OK, &viewer.page(&title, Some(&note), &content))
                }
                Ok(Reply::To(to)) => guarded(Redirect::to(&to).into_response()),
                Ok(Reply::Image(bytes)) => guarded(([(header::CONTENT_TYPE, "image/png")], bytes).into_response()),
                Err(error) => {
                    let note = Note::of(error.explain(), lang);
                    page(
                        status(&error),
                        &viewer.page(viewer.say("未办理", "Nothing was done"), Some(&note), &back(&viewer)),
                    )
                }
            })
        })
    };
    match tokio::task::spawn_blocking(work).await {
        Ok(Ok(response)) => response,
        // Nobody is in: to the door.
        Ok(Err(Error::Login(LoginError::SessionMissing))) => guarded(Redirect::to("/console/login").into_response()),
        Ok(Err(error)) => refused(&error, lang),
        Err(_) => refused(&ApiError::BrokenOff.into(), lang),
    }
}

/// Back to where the form was.
fn back(viewer: &Viewer<'_>) -> Markup {
    let room = viewer.path.rsplit_once('/').map_or(HOME, |(room, _)| room);
    maud::html! { p { a href=(if room == "/console" { viewer.path } else { room }) { (viewer.say("返回", "Back")) } } }
}

async fn gate_shown(headers: HeaderMap) -> Response {
    page(StatusCode::OK, &gate::page(language(&headers), None, ""))
}

async fn log_in(
    State(desk): State<Arc<OperatorDesk>>,
    peer: Option<Extension<Peer>>,
    Extension(limits): Extension<Limits>,
    request: Request,
) -> Response {
    let lang = language(request.headers());
    let form = match form(Kind::Acts, request, limits).await {
        Ok(form) => form,
        Err(error) => return refused(&error.into(), lang),
    };
    let name = value(&form, "operator").to_owned();
    let from = peer.map(|Extension(peer)| peer.holder()).unwrap_or_default();
    if let Err(error) = desk.rates.take(&format!("door {from}"), rate::DOOR) {
        return refused(&error.into(), lang);
    }
    let _turn = desk.doors.acquire().await.ok();
    let work = {
        let desk = Arc::clone(&desk);
        move || {
            let (name, password, code) = (value(&form, "operator"), value(&form, "password"), value(&form, "code"));
            desk.at_the_door(|store| login::log_in(store, name, password, code))
        }
    };
    match tokio::task::spawn_blocking(work).await {
        Ok(Ok(begun)) => {
            let mut response = guarded(Redirect::to(HOME).into_response());
            response.headers_mut().append(header::SET_COOKIE, cookie(&begun.token, desk.is_secure()));
            response
        }
        Ok(Err(error)) => {
            let error = Error::from(error);
            page(status(&error), &gate::page(lang, Some(&Note::of(error.explain(), lang)), &name))
        }
        Err(_) => refused(&ApiError::BrokenOff.into(), lang),
    }
}

async fn log_out(
    State(desk): State<Arc<OperatorDesk>>,
    peer: Option<Extension<Peer>>,
    Extension(limits): Extension<Limits>,
    request: Request,
) -> Response {
    let (headers, lang) = (request.headers().clone(), language(request.headers()));
    let form = match form(Kind::Acts, request, limits).await {
        Ok(form) => form,
        Err(error) => return refused(&error.into(), lang),
    };
    let secure = desk.is_secure();
    let work = move || {
        desk.with_store(|store| -> Result<(), LoginError> {
            let session = Session::within(store, (secure, true), &headers, peer.as_ref().map(|Extension(peer)| peer))?;
            session.proves(Some(value(&form, "csrf")))?;
            session.end(store)
        })
    };
    match tokio::task::spawn_blocking(work).await {
        Ok(Ok(()) | Err(LoginError::SessionMissing | LoginError::SessionEnded)) => {
            let mut response = guarded(Redirect::to("/console/login").into_response());
            response.headers_mut().append(header::SET_COOKIE, no_cookie(secure));
            response
        }
        Ok(Err(error)) => refused(&error.into(), lang),
        Err(_) => refused(&ApiError::BrokenOff.into(), lang),
    }
}

async fn language_set(path: RawPathParams, request: Request) -> Response {
    let query = pairs(request.uri().query().unwrap_or_default());
    let to = value(&query, "to");
    // A page of the console, and nothing else: no other site is linked from here.
    let ours = to.starts_with("/console/")
        && to.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'-'));
    let english = path.iter().any(|(_, value)| value == "en");
    let mut response = guarded(Redirect::to(if ours { to } else { HOME }).into_response());
    let cookie = if english {
        "lang=en; Path=/console; Max-Age=31536000; SameSite=Strict"
    } else {
        "lang=zh; Path=/console; Max-Age=31536000; SameSite=Strict"
    };
    response.headers_mut().append(header::SET_COOKIE, HeaderValue::from_static(cookie));
    response
}

/// The language of the viewer: what was chosen; else what the browser asks for first; else Chinese.
fn language(headers: &HeaderMap) -> Lang {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let chosen = cookies.flat_map(|line| line.split(';')).find_map(|cookie| cookie.trim().strip_prefix("lang="));
    match chosen.or_else(|| single(headers, "accept-language")) {
        Some(text) if text.starts_with("en") => Lang::En,
        _ => Lang::Zh,
    }
}

/// The fields of a form.
async fn form(kind: Kind, request: Request, limits: Limits) -> Result<Vec<(String, Zeroizing<String>)>, ApiError> {
    if kind == Kind::Looks {
        return Ok(Vec::new());
    }
    let said = single(request.headers(), "content-type").map(|text| text.split(';').next().unwrap_or_default().trim());
    if said != Some("application/x-www-form-urlencoded") {
        return Err(ApiError::BodyType);
    }
    let body = connection::body(request, limits).await.map_err(|_| ApiError::BodyTooLarge)?;
    if body.len() > FORM_BYTES_MAX {
        return Err(ApiError::BodyTooLarge);
    }
    let text = std::str::from_utf8(&body).map_err(|_| ApiError::BodyMalformed { line: 0, column: 0 })?;
    Ok(pairs(text))
}

/// Names and values of a form or query; what cannot be read is left out.
fn pairs(text: &str) -> Vec<(String, Zeroizing<String>)> {
    let pairs = text.split('&').filter(|pair| !pair.is_empty()).take(64);
    pairs
        .filter_map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Some((super::api::decoded(name)?, Zeroizing::new(super::api::decoded(value)?)))
        })
        .collect()
}

fn status(error: &Error) -> StatusCode {
    ApiProblem::of(error.explain(), Lang::En).into_response().status()
}

fn refused(error: &Error, lang: Lang) -> Response {
    page(status(error), &gate::page(lang, Some(&Note::of(error.explain(), lang)), ""))
}

fn page(status: StatusCode, page: &Markup) -> Response {
    let mut response = (status, page.0.clone()).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    guarded(response)
}

fn asset(kind: &'static str, text: &'static str) -> Response {
    let mut response = guarded(text.into_response());
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

/// Nothing of a page is kept, framed, or loaded from elsewhere.
fn guarded(mut response: Response) -> Response {
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
