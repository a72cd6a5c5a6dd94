//! The centre's HTTP edge: terminals, stations and operators ask, over TLS from elsewhere; one request at a time reaches the database. `call` is
//! the station's end of its line.
//!
//! Owns: listening, limits of size; `connection` has those of time and number, and stopping in good order. With `output` the only room that knows JSON, and
//! the only one that knows HTTP status codes.
//! Never: decides about money; async ends here, the work behind is blocking.

pub mod api;
pub mod call;
mod certificate;
pub mod connection;
pub mod console;
mod log;
pub mod operators;
mod page;
mod pin;
pub mod problem;
mod query;
mod receipt;
mod refusals;
mod remote;
pub mod session;
pub mod station;
pub mod terminal;
pub mod tls;
mod turns;

use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{DefaultBodyLimit, Path, Request, State};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Router};
use settlement::Accounts;
use settlement::catalogue::delivery::{CataloguePartRequest, CatalogueRequest};
use settlement::code::ErrorCode;
use settlement::id::{Signature, TerminalNumber};
use settlement::judgement::{ContradictionRequest, ProofRequest};
use settlement::limits::MESSAGE_BYTES_MAX;
use settlement::message::{
    BatchRequest, BlacklistRequest, LoadOutcomeRequest, LoadRequest, QuoteRequest, SignInRequest, SignOutRequest,
};
use settlement::pin::{PinCommandRequest, PinOutcomeRequest, PinProofRequest};
use settlement::query::{CertificatePrintRequest, CertificateRequest, LossRequest, OverviewRequest, TicketRequest};
use settlement::refund::{ElsewhereRequest, OriginalRequest};
use settlement::remote::RemoteProofRequest;
use settlement::sale::{SaleOutcomeRequest, SaleRequest};
use settlement::signing::{SIGNATURE_HEADER, TERMINAL_HEADER};
use tokio::net::TcpListener;

use self::connection::{Limits, NoBody};
use self::problem::Problem;
use self::station::StationDesk;
use self::terminal::Endpoint;
use self::tls::{Peer, TlsEdge};
use crate::benefit::rule::BenefitRules;
use crate::card::rule::LifeRules;
use crate::centre::Config;
use crate::clearing::blacklist::BlacklistRules;
use crate::lang::Lang;
use crate::measure;
use crate::store::{Store, StoreError};
use crate::vault::{Signer, Vault, VaultKeys};

/// What every request works with.
pub struct Desk {
    store: Mutex<Store>,
    keys: VaultKeys,
    signer: Signer,
    blacklist: BlacklistRules,
    life: LifeRules,
    benefits: BenefitRules,
    record_ahead_minutes: u16,
    city: String,
    pages: Option<PathBuf>,
    accounts: Accounts,
    lang: Lang,
}

impl Desk {
    /// A desk on its own connection to the database.
    #[must_use]
    pub fn new(store: Store, vault: &Vault, config: &Config, accounts: Accounts, lang: Lang) -> Self {
        let (keys, signer) = (vault.keys(), vault.signer());
        let (blacklist, life, benefits) = (config.blacklist, config.life.clone(), config.benefits);
        let (city, record_ahead_minutes) = (config.city.to_string(), config.record_ahead_minutes);
        let store = Mutex::new(store);
        Self { store, keys, signer, blacklist, life, benefits, record_ahead_minutes, city, pages: None, accounts, lang }
    }

    /// The same with public pages from a folder.
    #[must_use]
    pub fn with_pages(mut self, folder: PathBuf) -> Self {
        self.pages = Some(folder);
        self
    }

    fn with_store<T>(&self, work: impl FnOnce(&mut Store) -> T) -> T {
        // A panic inside a transaction rolls it back; the connection itself stays sound.
        work(&mut self.store.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl std::fmt::Debug for Desk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Desk").finish_non_exhaustive()
    }
}

/// Serves until `stop` completes, then lets open requests end. The caller keeps the desk: the last one to leave closes
/// the database, which must not be async code.
pub async fn serve(
    desk: Arc<Desk>,
    listener: TcpListener,
    limits: Limits,
    stop: impl Future<Output = ()> + Send + 'static,
) {
    let router = log::logged(router(desk).layer(Extension(limits)), "terminals");
    // All of them come from this machine: whose connection it is their address does not say.
    connection::serve(listener, limits, |_| None, |_| router.clone(), stop).await;
}

/// As [`serve`], for stations and terminals over TLS: each with a certificate of its kind.
pub async fn serve_remote(
    (stations, terminals): (Arc<StationDesk>, Arc<Desk>),
    edge: TlsEdge,
    limits: Limits,
    stop: impl Future<Output = ()> + Send + 'static,
) {
    let router = station::router(stations).merge(terminal_routes(terminals)).layer(Extension(limits));
    let router = log::logged(router, "remote");
    let holder = |peer: &Peer| Some(peer.fingerprint.clone());
    connection::serve(edge, limits, holder, |peer| router.clone().layer(Extension(peer)), stop).await;
}

/// What answers the letters of terminals on one path.
type Answer = fn(&Desk, &HeaderMap, &[u8]) -> Result<String, Problem>;

/// Every path of terminals.
const ENDPOINTS: &[(&str, Answer)] = &[
    of::<SignInRequest>(),
    of::<SignOutRequest>(),
    of::<BlacklistRequest>(),
    of::<CatalogueRequest>(),
    of::<CataloguePartRequest>(),
    of::<QuoteRequest>(),
    of::<LoadRequest>(),
    of::<LoadOutcomeRequest>(),
    of::<OriginalRequest>(),
    of::<ElsewhereRequest>(),
    of::<PinProofRequest>(),
    of::<PinCommandRequest>(),
    of::<PinOutcomeRequest>(),
    of::<RemoteProofRequest>(),
    of::<SaleRequest>(),
    of::<SaleOutcomeRequest>(),
    of::<BatchRequest>(),
    of::<ContradictionRequest>(),
    of::<ProofRequest>(),
    of::<OverviewRequest>(),
    of::<LossRequest>(),
    of::<CertificateRequest>(),
    of::<CertificatePrintRequest>(),
    of::<TicketRequest>(),
];

const fn of<E: Endpoint>() -> (&'static str, Answer) {
    (E::PATH, terminal::answer::<E>)
}

/// Answers one letter in the caller's own thread, as it would over a connection: status and body.
#[must_use]
pub fn answer_here(
    desk: &Desk,
    path: &str,
    number: TerminalNumber,
    signature: &Signature,
    body: &[u8],
) -> (u16, String) {
    let said = |text: String| HeaderValue::from_str(&text).expect("hex digits");
    let headers = HeaderMap::from_iter([
        (HeaderName::from_static(TERMINAL_HEADER), said(number.to_string())),
        (HeaderName::from_static(SIGNATURE_HEADER), said(signature.to_string())),
    ]);
    let answer = match ENDPOINTS.iter().find(|(known, _)| *known == path) {
        Some((_, answer)) => answer(desk, &headers, body),
        None => Err(Problem::of(ErrorCode::PathUnknown, desk.lang)),
    };
    match answer {
        Ok(text) => (StatusCode::OK.as_u16(), text),
        Err(problem) => (problem.status().as_u16(), problem.text()),
    }
}

fn router(desk: Arc<Desk>) -> Router {
    // A QR code holds capital letters in less room: both spellings are ours.
    let router = Router::new()
        .route("/health", get(health))
        .route("/ready", get(ready))
        .route("/metrics", get(metrics))
        .route("/receipt/{code}", get(receipt_check))
        .route("/RECEIPT/{code}", get(receipt_check))
        .route("/certificate/{code}", get(certificate_check))
        .route("/CERTIFICATE/{code}", get(certificate_check))
        .route("/public/pages", get(public_pages));
    endpoints(router)
        .fallback(unknown_path)
        .method_not_allowed_fallback(unknown_path)
        .layer(DefaultBodyLimit::max(MESSAGE_BYTES_MAX))
        .layer(middleware::from_fn_with_state(Arc::clone(&desk), asked_here))
        .with_state(desk)
}

/// Paths that a proxy may ask for under its own name: what it shows to the public, and whether there is anybody to ask.
const PUBLIC: [&str; 7] = ["/receipt/", "/RECEIPT/", "/certificate/", "/CERTIFICATE/", "/public/", "/health", "/ready"];

/// All others are for this machine, asked for under its own name: a page of somebody else's cannot have a browser read them under another.
async fn asked_here(State(desk): State<Arc<Desk>>, request: Request, next: Next) -> Response {
    if is_answered(&request) {
        next.run(request).await
    } else {
        Problem::of(ErrorCode::PathUnknown, desk.lang).into_response()
    }
}

fn is_answered(request: &Request) -> bool {
    let named: Option<Authority> = match request.uri().authority() {
        Some(authority) => Some(authority.clone()),
        None => request.headers().get(header::HOST).and_then(|host| host.as_bytes().try_into().ok()),
    };
    // Every browser names a host; a proxy's check by HTTP/1.0 does not.
    let is_nameless = request.uri().authority().is_none() && !request.headers().contains_key(header::HOST);
    let is_public = is_nameless || PUBLIC.iter().any(|public| request.uri().path().starts_with(public));
    is_public || named.is_some_and(|host| is_this_machine(host.host()))
}

fn is_this_machine(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost") || host.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

/// The paths of terminals alone, for an edge that answers others too.
fn terminal_routes(desk: Arc<Desk>) -> Router {
    let router = endpoints(Router::new()).route("/public/pages", get(public_pages));
    router.layer(DefaultBodyLimit::max(MESSAGE_BYTES_MAX)).with_state(desk)
}

fn endpoints(router: Router<Arc<Desk>>) -> Router<Arc<Desk>> {
    ENDPOINTS.iter().fold(router, |router, (path, work)| {
        let work = *work;
        let answer = move |desk, limits, peer, request| answer(work, desk, limits, peer, request);
        router.route(path, post(answer))
    })
}

async fn answer(
    work: Answer,
    State(desk): State<Arc<Desk>>,
    Extension(limits): Extension<Limits>,
    peer: Option<Extension<Peer>>,
    request: Request,
) -> Response {
    let lang = desk.lang;
    let headers = request.headers().clone();
    let body = match connection::body(request, limits).await {
        Ok(body) => body,
        Err(NoBody::TooLarge) => return Problem::of(ErrorCode::MessageTooLarge, lang).into_response(),
        Err(NoBody::Broken) => return Problem::of(ErrorCode::MessageMalformed, lang).into_response(),
    };
    let work = move || {
        // On this machine there is no certificate to look at.
        if let Some(Extension(peer)) = &peer {
            terminal::certified(&desk, &headers, &peer.fingerprint)?;
        }
        work(&desk, &headers, &body)
    };
    match tokio::task::spawn_blocking(work).await {
        Ok(Ok(text)) => json(StatusCode::OK, text),
        Ok(Err(problem)) => problem.into_response(),
        Err(_) => Problem::broken_off(lang).into_response(),
    }
}

/// Ready: the database answers, and an act could be written into the audit log now. Beside it how many lines of the log were lost.
async fn ready(State(desk): State<Arc<Desk>>) -> Response {
    let lang = desk.lang;
    let look = move || {
        desk.with_store(|store| {
            store.read(|tx| -> Result<_, StoreError> {
                tx.log_is_whole()?;
                tx.clock_holds()
            })
        })
    };
    match tokio::task::spawn_blocking(look).await {
        Ok(Ok(())) => {
            // Lines that are lost hinder nobody's work; who watches should know.
            let body = serde_json::json!({ "status": "ready", "log_lines_lost": crate::log::lines_lost() });
            json(StatusCode::OK, body.to_string())
        }
        Ok(Err(error)) => Problem::not_ready(error, lang).into_response(),
        Err(_) => Problem::broken_off(lang).into_response(),
    }
}

async fn metrics(State(desk): State<Arc<Desk>>) -> Response {
    const KIND: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    let lang = desk.lang;
    match tokio::task::spawn_blocking(move || desk.with_store(|store| store.read(measure::text))).await {
        Ok(Ok(text)) => (StatusCode::OK, [(header::CONTENT_TYPE, KIND)], text).into_response(),
        Ok(Err(error)) => Problem::not_ready(error, lang).into_response(),
        Err(_) => Problem::broken_off(lang).into_response(),
    }
}

async fn health(State(desk): State<Arc<Desk>>) -> Response {
    let lang = desk.lang;
    let look = move || desk.with_store(|store| store.read(|tx| tx.blacklist_sequence()));
    match tokio::task::spawn_blocking(look).await {
        Ok(Ok(sequence)) => {
            let body = serde_json::json!({ "status": "ok", "blacklist_sequence": sequence });
            json(StatusCode::OK, body.to_string())
        }
        Ok(Err(error)) => Problem::not_ready(error, lang).into_response(),
        Err(_) => Problem::broken_off(lang).into_response(),
    }
}

async fn receipt_check(State(desk): State<Arc<Desk>>, Path(code): Path<String>, headers: HeaderMap) -> Response {
    let lang = desk.lang;
    match tokio::task::spawn_blocking(move || receipt::answer(&desk, &headers, &code)).await {
        Ok(Ok(response)) => response,
        Ok(Err(error)) => Problem::from_error(&error, lang).into_response(),
        Err(_) => Problem::broken_off(lang).into_response(),
    }
}

async fn certificate_check(State(desk): State<Arc<Desk>>, Path(code): Path<String>, headers: HeaderMap) -> Response {
    let lang = desk.lang;
    match tokio::task::spawn_blocking(move || certificate::answer(&desk, &headers, &code)).await {
        Ok(Ok(response)) => response,
        Ok(Err(error)) => Problem::from_error(&error, lang).into_response(),
        Err(_) => Problem::broken_off(lang).into_response(),
    }
}

async fn public_pages(State(desk): State<Arc<Desk>>, headers: HeaderMap) -> Response {
    let lang = desk.lang;
    let look = tokio::task::spawn_blocking(move || certificate::public_pages(&desk, &headers));
    look.await.unwrap_or_else(|_| Problem::broken_off(lang).into_response())
}

async fn unknown_path(State(desk): State<Arc<Desk>>) -> Response {
    Problem::of(ErrorCode::PathUnknown, desk.lang).into_response()
}

fn json(status: StatusCode, text: String) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], text).into_response()
}

/// One header as text; `None` when it is missing, repeated or not ASCII.
fn single<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(value)
}

/// Listens on `address`; without TLS it must be of this machine.
///
/// # Errors
/// What the system reports.
pub async fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    TcpListener::bind(address).await
}
