//! The console's pages over HTTP: sessions, forms, what each address shows and does.
//!
//! Every address is a row of [`ROUTES`]: the command of the duty table that it carries out, and the work, which is that of the command.
//! A form that was carried out answers with the address of what it changed, so that loading a page anew repeats nothing.
//!
//! Source: RFC 9110; Content Security Policy 3. Owns: rows, forms, headers, the stream of progress. Never: a rule of its own.

mod acts;
mod counter;
mod identities;
mod intake;
mod looks;
mod once;
mod refusal;
mod shape;
mod stock;
mod stream;
mod upload;
mod way;

use std::sync::Arc;

use axum::Router;
use axum::extract::rejection::RawPathParamsRejection;
use axum::extract::{Extension, RawPathParams, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{MethodFilter, get, on, post};
use maud::Markup;
use zeroize::Zeroizing;

pub(super) use self::shape::unknown;
use self::shape::{asset, guarded, page, refused, status, waiting};
use super::api::failure::ApiError;
use super::api::{self, rate};
use super::connection::{self, Limits, Newcomer};
use super::operators::{self, OperatorDesk};
use super::session::{Session, cookie, no_cookie, own_page, token};
use super::single;
use super::tls::Peer;
use crate::card::life;
use crate::centre::Centre;
use crate::console::form::Form;
use crate::console::{self, Note, Viewer, cards, gate, sure};
use crate::error::Error;
use crate::lang::Lang;
use crate::operator::duty;
use crate::operator::login::{self, LoginError};
use crate::store::Store;

/// Longest form.
const FORM_BYTES_MAX: usize = 64 * 1024;
/// Longest form of who is not in.
const DOOR_BYTES_MAX: usize = 4 * 1024;
/// Most fields of a form or query.
const FIELDS_MAX: usize = 64;
/// Cookie that names the form that was carried out, until the page after it.
const DONE: &str = "issuer-done";
const NOTHING_DONE: &str = "issuer-done=; Path=/console; Max-Age=0; HttpOnly; SameSite=Strict";
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
    work: Work,
    /// The form that comes to it.
    form: Option<&'static Form>,
    /// Whether its form only shows: it is answered as often as it comes.
    repeats: bool,
}

/// What an address does.
#[derive(Clone, Copy)]
enum Work {
    /// On the connection that all operators share.
    Shared(fn(&mut Turn<'_>) -> Result<Reply, Error>),
    /// Without the database: it takes its time, and nobody waits for it.
    Apart(fn(&Ask<'_>) -> Result<Reply, Error>),
    /// On a connection of its own, for what takes its time: nobody waits for it.
    Alone(fn(&Ask<'_>, &mut Centre) -> Result<Reply, Error>),
}

impl Route {
    const fn looks(
        path: &'static str,
        command: Option<&'static str>,
        work: fn(&mut Turn<'_>) -> Result<Reply, Error>,
    ) -> Self {
        Self { kind: Kind::Looks, path, command, work: Work::Shared(work), form: None, repeats: true }
    }

    /// What shows without the database.
    const fn draws(path: &'static str, command: &'static str, work: fn(&Ask<'_>) -> Result<Reply, Error>) -> Self {
        Self { kind: Kind::Looks, path, command: Some(command), work: Work::Apart(work), form: None, repeats: true }
    }

    /// What a form does.
    const fn does(form: &'static Form, work: fn(&mut Turn<'_>) -> Result<Reply, Error>) -> Self {
        Self::acts(form, Work::Shared(work))
    }

    /// What a form does, and takes its time for.
    const fn works(form: &'static Form, work: fn(&Ask<'_>, &mut Centre) -> Result<Reply, Error>) -> Self {
        Self::acts(form, Work::Alone(work))
    }

    const fn acts(form: &'static Form, work: Work) -> Self {
        Self { kind: Kind::Acts, path: form.path, command: Some(form.command), work, form: Some(form), repeats: false }
    }

    /// The form that comes to it.
    #[must_use]
    pub const fn form(&self) -> Option<&'static Form> {
        self.form
    }

    /// Whether a file may come to it.
    const fn has_file(&self) -> bool {
        matches!(self.form, Some(form) if form.has_file())
    }

    /// The same form, which goes on record and changes nothing.
    const fn again(self) -> Self {
        Self { repeats: true, ..self }
    }
}

impl std::fmt::Debug for Route {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Route").field("kind", &self.kind).field("path", &self.path).finish_non_exhaustive()
    }
}

/// Every address but those of logging in and out.
pub const ROUTES: &[&[Route]] =
    &[looks::ROUTES, acts::ROUTES, identities::ROUTES, intake::ROUTES, stock::ROUTES, counter::ROUTES];

/// What is asked, by whom.
#[derive(Clone, Copy)]
struct Ask<'a> {
    desk: &'a OperatorDesk,
    viewer: Viewer<'a>,
    session: &'a Session,
    place: Option<&'a str>,
    query: &'a [(String, Zeroizing<String>)],
    form: &'a Filled,
}

/// A request under way.
struct Turn<'a> {
    store: &'a mut Store,
    ask: Ask<'a>,
}

/// A form that came: its fields, and files without their names.
#[derive(Default)]
struct Filled {
    fields: Vec<(String, Zeroizing<String>)>,
    files: Vec<(String, Zeroizing<Vec<u8>>)>,
}

/// What a request is answered with.
enum Reply {
    /// A page: its title and content.
    Page(String, Markup),
    /// A page with something said above it.
    Noted(String, Note, Markup),
    /// A form that was refused, back on its page.
    Refused(refusal::Refusal),
    /// Something else to look at.
    To(String),
    /// A PNG.
    Image(Vec<u8>),
}

impl<'a> Ask<'a> {
    /// The number in the address.
    fn number(&self) -> Result<i64, ApiError> {
        count(self.place.unwrap_or_default(), "number")
    }

    /// The name in the address.
    fn name(&self) -> &'a str {
        self.place.unwrap_or_default()
    }

    /// What stands in a field, without blanks around it.
    fn field(&self, name: &str) -> &'a str {
        value(&self.form.fields, name).trim()
    }

    /// What stands in a field that may be empty.
    fn filled(&self, name: &str) -> Option<&'a str> {
        Some(self.field(name)).filter(|text| !text.is_empty())
    }

    /// A number in a field.
    fn count<T: std::str::FromStr>(&self, name: &'static str) -> Result<T, ApiError> {
        count(self.field(name), name)
    }

    fn is_ticked(&self, name: &str) -> bool {
        !self.field(name).is_empty()
    }

    /// A file that came.
    fn file(&self, name: &'static str) -> Result<&'a [u8], ApiError> {
        let found = self.form.files.iter().find(|(known, content)| known == name && !content.is_empty());
        found.map(|(_, content)| content.as_slice()).ok_or(ApiError::ParameterUnfit { name })
    }

    fn asked(&self, name: &str) -> &'a str {
        value(self.query, name)
    }

    /// Who asks.
    fn operator(&self) -> Option<&'a str> {
        Some(&self.viewer.operator.name)
    }

    fn say(&self, zh: &'static str, en: &'static str) -> &'static str {
        self.viewer.say(zh, en)
    }
}

/// Digits and nothing else.
fn count<T: std::str::FromStr>(text: &str, name: &'static str) -> Result<T, ApiError> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| digits).ok_or(ApiError::ParameterUnfit { name })
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
        let answer = move |state, limits, newcomer, peer, path, request| {
            answer(route, state, limits, newcomer, peer, path, request)
        };
        router = router.route(route.path, on(filter, answer));
    }
    router.method_not_allowed_fallback(way::opened).with_state(desk)
}

async fn answer(
    route: &'static Route,
    State(desk): State<Arc<OperatorDesk>>,
    Extension(limits): Extension<Limits>,
    newcomer: Option<Extension<Newcomer>>,
    peer: Option<Extension<Peer>>,
    path: Result<RawPathParams, RawPathParamsRejection>,
    request: Request,
) -> Response {
    let (headers, lang) = (request.headers().clone(), language(request.headers()));
    let door = Arc::clone(&desk);
    let turned_away = move |error: &Error| match error {
        // Whoever is not in is counted, whatever they ask.
        Error::Login(LoginError::SessionMissing) => match door.knocked(peer.as_ref().map(|Extension(peer)| peer)) {
            Ok(()) => sent_away(error, lang),
            Err(often) => refused(&often, lang),
        },
        error => sent_away(error, lang),
    };
    let address = request.uri().path().to_owned();
    let read = api::places(path).and_then(|places| Ok((places, pairs(request.uri().query().unwrap_or_default())?)));
    let (place, query) = match read {
        Ok((places, query)) => (places.into_iter().next().map(|(_, value)| value), query),
        Err(error) => return refused(&error.into(), lang),
    };
    // Nobody sends a form before it is known who it is.
    if route.kind == Kind::Acts {
        let (desk, headers) = (Arc::clone(&desk), headers.clone());
        let look = move || desk.with_looker(|store| inside(store, &desk, &headers, true).map(drop));
        match tokio::task::spawn_blocking(look).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return turned_away(&error),
            Err(_) => return refused(&ApiError::BrokenOff.into(), lang),
        }
    }
    let form = match form(route.kind, request, limits, route.has_file()).await {
        Ok(form) => form,
        Err(error) => return refused(&error.into(), lang),
    };
    let work = move || -> Result<Response, Error> {
        let enter = |store: &mut Store| -> Result<Session, Error> {
            let session = inside(store, &desk, &headers, route.kind == Kind::Looks)?;
            if let Some(Extension(newcomer)) = &newcomer {
                newcomer.is_known();
            }
            if route.kind == Kind::Acts {
                own_page(&headers)?;
                session.proves(Some(value(&form.fields, "csrf")))?;
            }
            Ok(session)
        };
        let (city, rehearsal) = (desk.config.city.to_string(), desk.rehearsal());
        let once = once::fresh()?;
        let answered = |session: &Session, work: &mut dyn FnMut(Ask<'_>) -> Result<Reply, Error>| {
            let (operator, csrf) = (session.operator(), session.csrf().unwrap_or_default());
            let viewer = Viewer {
                operator,
                csrf: &csrf,
                once: &once,
                lang,
                rehearsal,
                city: &city,
                path: &address,
                place: way::page_at(&address),
                refused: None,
            };
            let place = place.as_deref();
            let ask = Ask { desk: &desk, viewer, session, place, query: &query, form: &form };
            let done = if route.kind == Kind::Looks { done_before(&headers) } else { None };
            let mut response = shown(&viewer, done.as_ref(), work(ask));
            if done.is_some() {
                response.headers_mut().append(header::SET_COOKIE, HeaderValue::from_static(NOTHING_DONE));
            }
            // The page that follows says what was done.
            if response.status() == StatusCode::SEE_OTHER
                && let Some(cookie) = done_cookie(route, &form)
            {
                response.headers_mut().append(header::SET_COOKIE, cookie);
            }
            response
        };
        let final_words = |store: &mut Store, ask: &Ask<'_>| -> Result<_, Error> {
            if !value(&form.fields, "sure").is_empty() {
                return Ok(None);
            }
            let found = sure::warning(route.path, |name| value(&form.fields, name).trim());
            Ok(match found {
                Some(found) if found.ends_another && !store.read(|tx| life::ends_another(tx, ask.name()))? => None,
                found => found.map(|found| found.words),
            })
        };
        let asks_twice = |ask: &Ask<'_>, words| {
            let fields: Vec<(&str, &str)> =
                form.fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            let kept: Vec<_> = fields.into_iter().filter(|(name, _)| !["csrf", "once"].contains(name)).collect();
            let content = sure::page(&ask.viewer, words, &kept);
            Ok(Reply::Page(ask.say("请再确认一次", "Please confirm").to_owned(), content))
        };
        match route.work {
            Work::Shared(work) => {
                let shared = |store: &mut Store| {
                    let session = enter(store)?;
                    Ok(answered(&session, &mut |ask| {
                        let work = |store: &mut Store| {
                            if let Some(words) = final_words(store, &ask)? {
                                return asks_twice(&ask, words);
                            }
                            match once::begun(store, &ask, route)? {
                                Some(before) => Ok(before),
                                // The same form at another server of this centre may have been first.
                                None => match work(&mut Turn { store: &mut *store, ask }) {
                                    // What failed is on record by its own act: no form that was carried out, now or when it comes again.
                                    Err(error) if store.acted().is_some() => {
                                        once::freed(store, &ask, route)?;
                                        Err(error)
                                    }
                                    Err(error) => once::already(store, &ask, route)?.ok_or(error),
                                    done => done,
                                },
                            }
                        };
                        let done = match route.command {
                            Some(command) => operators::at(store, ask.viewer.operator, command, work),
                            None => work(store),
                        };
                        done.or_else(|error| refusal::reply(store, &ask, route, error))
                    }))
                };
                // Who looks does not wait for who acts.
                if route.kind == Kind::Looks { desk.with_looker(shared) } else { desk.with_store(shared) }
            }
            Work::Alone(work) => {
                let (session, keys) = desk.with_store(|store| {
                    let session = enter(store)?;
                    Ok::<_, Error>((session, store.data_keys()))
                })?;
                Ok(answered(&session, &mut |ask| {
                    let command = route.command.unwrap_or_default();
                    let done = operators::alone(&desk, ask.viewer.operator, command, keys.clone(), |centre| {
                        if let Some(words) = final_words(&mut centre.store, &ask)? {
                            return asks_twice(&ask, words);
                        }
                        match once::begun(&mut centre.store, &ask, route)? {
                            Some(before) => Ok(before),
                            None => {
                                let done = work(&ask, centre)?;
                                once::ended(&mut centre.store, &ask, route)?;
                                Ok(done)
                            }
                        }
                    });
                    done.or_else(|error| desk.with_looker(|store| refusal::reply(store, &ask, route, error)))
                }))
            }
            Work::Apart(work) => {
                let session = desk.with_looker(enter)?;
                Ok(answered(&session, &mut |ask| {
                    duty::allowed(ask.viewer.operator, route.command.unwrap_or_default())?;
                    work(&ask)
                }))
            }
        }
    };
    match tokio::task::spawn_blocking(work).await {
        Ok(Ok(response)) => response,
        Ok(Err(error)) => turned_away(&error),
        Err(_) => refused(&ApiError::BrokenOff.into(), lang),
    }
}

/// Which form was carried out, for the page that follows: its place among all; of a card's moves, which one.
fn done_cookie(route: &Route, form: &Filled) -> Option<HeaderValue> {
    let place = ROUTES.iter().copied().flatten().position(|known| std::ptr::eq(known, route))?;
    let step = value(&form.fields, "step").trim();
    let step =
        cards::offer(step).filter(|_| route.path == cards::MOVE.path).map_or_else(String::new, |_| format!(".{step}"));
    route.form?;
    HeaderValue::from_str(&format!("{DONE}={place}{step}; Path=/console; Max-Age=20; HttpOnly; SameSite=Strict")).ok()
}

/// The form that the page before was.
fn done_before(headers: &HeaderMap) -> Option<(&'static str, &'static str)> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let said =
        cookies.flat_map(|line| line.split(';')).find_map(|cookie| cookie.trim().strip_prefix(DONE)?.strip_prefix('='));
    let (place, step) = said?.split_once('.').map_or((said?, None), |(place, step)| (place, Some(step)));
    let form = ROUTES.iter().copied().flatten().nth(place.parse().ok()?)?.form?;
    match step {
        Some(step) => cards::offer(step),
        None => Some(form.title),
    }
}

/// What was answered, as a page; with the form that was carried out before it.
fn shown(viewer: &Viewer<'_>, done: Option<&(&'static str, &'static str)>, reply: Result<Reply, Error>) -> Response {
    let done = done.map(|(zh, en)| Note::Done(viewer.lang.pick(format!("已办理：{zh}"), format!("Done: {en}"))));
    match reply {
        Ok(Reply::Page(title, content)) => page(StatusCode::OK, &viewer.page(&title, done.as_ref(), &content)),
        Ok(Reply::Noted(title, note, content)) => page(StatusCode::OK, &viewer.page(&title, Some(&note), &content)),
        Ok(Reply::Refused(refusal::Refusal { error, title, note, content })) => {
            waiting(&error, page(status(&error), &viewer.page(&title, note.as_ref(), &content)))
        }
        Ok(Reply::To(to)) => guarded(Redirect::to(&to).into_response()),
        Ok(Reply::Image(bytes)) => guarded(([(header::CONTENT_TYPE, "image/png")], bytes).into_response()),
        Err(error) => {
            let note = Note::of(error.explain(), viewer.lang);
            let title = viewer.say("未办理", "Nothing was done");
            waiting(&error, page(status(&error), &viewer.page(title, Some(&note), &way::back(viewer))))
        }
    }
}

/// Who is in, by a session alone: a browser shows a certificate for every page. `counted`: it is one more request.
fn inside(store: &mut Store, desk: &OperatorDesk, headers: &HeaderMap, counted: bool) -> Result<Session, Error> {
    let session = Session::within(store, (desk.is_secure(), true), headers, None)?;
    if counted {
        desk.rates.take(&session.operator().name, rate::OPERATOR)?;
    }
    Ok(session)
}

fn sent_away(error: &Error, lang: Lang) -> Response {
    match error {
        // Nobody is in: to the door.
        Error::Login(LoginError::SessionMissing) => guarded(Redirect::to("/console/login").into_response()),
        error => refused(error, lang),
    }
}

async fn gate_shown(headers: HeaderMap) -> Response {
    page(StatusCode::OK, &gate::page(language(&headers), None, ""))
}

async fn log_in(
    State(desk): State<Arc<OperatorDesk>>,
    peer: Option<Extension<Peer>>,
    Extension(limits): Extension<Limits>,
    newcomer: Option<Extension<Newcomer>>,
    request: Request,
) -> Response {
    let lang = language(request.headers());
    let from = peer.map(|Extension(peer)| peer.holder()).unwrap_or_default();
    if let Err(error) = own_page(request.headers()) {
        return refused(&error.into(), lang);
    }
    let headers = request.headers().clone();
    let form = match form_of(request, limits, DOOR_BYTES_MAX).await {
        Ok(form) => form,
        Err(error) => return refused(&error.into(), lang),
    };
    let name = value(&form.fields, "operator").to_owned();
    let before = token(&headers, desk.is_secure());
    let _place = match desk.lines.turn(&desk.rates, &from).await {
        Ok(place) => place,
        Err(error) => return refused(&error.into(), lang),
    };
    let _turn = desk.doors.acquire().await.ok();
    let work = {
        let desk = Arc::clone(&desk);
        move || {
            let (name, password, code) =
                (value(&form.fields, "operator"), value(&form.fields, "password"), value(&form.fields, "code"));
            let from = (from.as_str(), before.as_deref().map(String::as_str));
            desk.at_the_door(|store| login::log_in(store, name, (password, code), from))
        }
    };
    match tokio::task::spawn_blocking(work).await {
        Ok(Ok(begun)) => {
            if let Some(Extension(newcomer)) = newcomer {
                newcomer.is_known();
            }
            let mut response = guarded(Redirect::to(HOME).into_response());
            response.headers_mut().append(header::SET_COOKIE, cookie(&begun.token, desk.is_secure()));
            response
        }
        Ok(Err(error)) => {
            let error = Error::from(error);
            waiting(&error, page(status(&error), &gate::page(lang, Some(&Note::of(error.explain(), lang)), &name)))
        }
        Err(_) => refused(&ApiError::BrokenOff.into(), lang),
    }
}

async fn log_out(
    State(desk): State<Arc<OperatorDesk>>,
    Extension(limits): Extension<Limits>,
    request: Request,
) -> Response {
    let (headers, lang) = (request.headers().clone(), language(request.headers()));
    let form = match form_of(request, limits, DOOR_BYTES_MAX).await {
        Ok(form) => form,
        Err(error) => return refused(&error.into(), lang),
    };
    let secure = desk.is_secure();
    let work = move || {
        desk.with_store(|store| -> Result<(), LoginError> {
            let session = Session::within(store, (secure, true), &headers, None)?;
            session.proves(Some(value(&form.fields, "csrf")))?;
            session.end(store)
        })
    };
    match tokio::task::spawn_blocking(work).await {
        Ok(Ok(()) | Err(LoginError::SessionMissing | LoginError::SessionEnded)) => {
            let mut response = guarded(Redirect::to("/console/login").into_response());
            response.headers_mut().append(header::SET_COOKIE, no_cookie(secure));
            // What the browser kept of the pages, for the arrow back.
            response.headers_mut().insert(CLEAR, HeaderValue::from_static("\"cache\""));
            response
        }
        Ok(Err(error)) => refused(&error.into(), lang),
        Err(_) => refused(&ApiError::BrokenOff.into(), lang),
    }
}

async fn language_set(path: RawPathParams, request: Request) -> Response {
    let query = pairs(request.uri().query().unwrap_or_default()).unwrap_or_default();
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

/// What a browser is to forget (Clear Site Data).
const CLEAR: HeaderName = HeaderName::from_static("clear-site-data");

/// The fields of a form.
async fn form(kind: Kind, request: Request, limits: Limits, has_file: bool) -> Result<Filled, ApiError> {
    if kind == Kind::Looks {
        return Ok(Filled::default());
    }
    let said = single(request.headers(), "content-type").unwrap_or_default().to_owned();
    if let Some(boundary) = upload::boundary(&said).filter(|_| has_file) {
        let body = connection::body(request, limits).await.map_err(|_| ApiError::BodyTooLarge)?;
        return filled(boundary, &body).ok_or(ApiError::BodyMalformed { line: 0, column: 0 });
    }
    form_of(request, limits, FORM_BYTES_MAX).await
}

async fn form_of(request: Request, limits: Limits, bytes_max: usize) -> Result<Filled, ApiError> {
    let said = single(request.headers(), "content-type").map(|text| text.split(';').next().unwrap_or_default().trim());
    if said != Some("application/x-www-form-urlencoded") {
        return Err(ApiError::BodyType);
    }
    let body = connection::body_of(request, limits, bytes_max).await.map_err(|_| ApiError::BodyTooLarge)?;
    let text = std::str::from_utf8(&body).map_err(|_| ApiError::BodyMalformed { line: 0, column: 0 })?;
    let fields = pairs(text)?.into_iter().map(|(name, value)| (name, lines(&value))).collect();
    Ok(Filled { fields, files: Vec::new() })
}

/// Fields and files of a form with files.
fn filled(boundary: &str, body: &[u8]) -> Option<Filled> {
    let mut filled = Filled::default();
    for part in upload::parts(boundary, body)? {
        if part.is_file {
            filled.files.push((part.name.to_owned(), Zeroizing::new(part.content.to_vec())));
        } else {
            let text = std::str::from_utf8(part.content).ok().filter(|text| !text.contains('\0'))?;
            filled.fields.push((part.name.to_owned(), lines(text)));
        }
    }
    Some(filled)
}

/// What was typed, its lines ended as texts of ours are: a browser ends them with CR LF (HTML 5, form submission).
fn lines(typed: &str) -> Zeroizing<String> {
    Zeroizing::new(typed.replace("\r\n", "\n"))
}

/// Names and values of a form or query. One that cannot be read refuses them all: a field left out would mean something else.
fn pairs(text: &str) -> Result<Vec<(String, Zeroizing<String>)>, ApiError> {
    let unfit = || ApiError::ParameterUnfit { name: "?" };
    let mut found = Vec::new();
    for pair in text.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (name, value) = api::decoded(name).zip(api::decoded(value)).ok_or_else(unfit)?;
        if found.len() == FIELDS_MAX {
            return Err(unfit());
        }
        found.push((name, Zeroizing::new(value)));
    }
    Ok(found)
}
