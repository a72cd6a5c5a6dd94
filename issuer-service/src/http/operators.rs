//! The door of operators and of programs that act for them: pages and the API, over TLS or, at this machine alone, without.
//!
//! Order of the checks: who (session or certificate) → how often → token of the session, if something changes → duty table → body →
//! idempotency key → the act, which looks at its operator again in its own transaction.
//!
//! Owns: the order of the checks, the one gate [`OperatorDesk::at`]. Never: decides what an act decides.

use std::collections::HashMap;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::{DefaultBodyLimit, Extension};
use axum::http::{HeaderValue, header};
use axum::response::Response;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use super::api;
use super::api::failure::ApiError;
use super::api::rate::{self, Lines, Rates};
use super::connection::{self, Limits};
use super::console;
use super::log;
use super::tls::{Peer, TlsEdge};
use super::turns::{Turns, Work};
use crate::audit::Act;
use crate::centre::{Centre, Config};
use crate::error::Error;
use crate::face::Previews;
use crate::operator::login::LoginError;
use crate::operator::{Operator, duty};
use crate::registry::search::{self, By};
use crate::store::Store;
use crate::vault::Vault;
use crate::vault::data_keys::DataKeys;

/// Passwords that are looked at at once: each takes 19 MiB of memory and a processor.
const DOORS: usize = 1;

/// Query passwords that are looked at at once; as much each.
const PROOFS: usize = 1;

/// Connections for those who look: as many as are served at once by a few processors (assumed); more wait.
pub const LOOKERS: usize = 4;

/// Pages with live progress that an operator may have open at once (assumed).
const STREAMS: usize = 4;

/// A stream of an operator that is open.
pub(super) struct Watching {
    desk: Arc<OperatorDesk>,
    operator: String,
}

impl Drop for Watching {
    fn drop(&mut self) {
        let mut streams = self.desk.streams.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = streams.get_mut(&self.operator) {
            *count -= 1;
            if *count == 0 {
                streams.remove(&self.operator);
            }
        }
    }
}

/// What every request of operators works with.
pub struct OperatorDesk {
    /// Where those act who change something, one after the other, as the database has them.
    store: Mutex<Store>,
    /// Where others look meanwhile.
    lookers: Vec<Mutex<Store>>,
    turn: AtomicUsize,
    /// Where passwords are looked at, which takes its time: nobody who is in waits for it.
    door: Mutex<Store>,
    /// The centre's settings.
    pub config: Config,
    secure: bool,
    pub(super) doors: Semaphore,
    pub(super) proofs: Semaphore,
    pub(super) rates: Rates,
    pub(super) lines: Lines,
    pub(super) previews: Previews,
    streams: Mutex<HashMap<String, usize>>,
    turns: Turns,
    folder: PathBuf,
    rehearsal: Option<bool>,
}

impl OperatorDesk {
    /// A desk on two connections to the database, which have the data keys. `secure`: it is reached over TLS.
    #[must_use]
    pub fn new([store, door]: [Store; 2], config: Config, secure: bool) -> Self {
        let (store, door) = (Mutex::new(store), Mutex::new(door));
        let (folder, rehearsal, lookers, turn) = (PathBuf::new(), None, Vec::new(), AtomicUsize::new(0));
        let (doors, rates, previews) = (Semaphore::new(DOORS), Rates::default(), Previews::default());
        let proofs = Semaphore::new(PROOFS);
        let (streams, turns, lines) = (Mutex::default(), Turns::default(), Lines::default());
        Self {
            store,
            lookers,
            turn,
            door,
            config,
            secure,
            doors,
            proofs,
            rates,
            lines,
            previews,
            streams,
            turns,
            folder,
            rehearsal,
        }
    }

    /// With connections of their own for those who only look; without them they wait for those who act.
    #[must_use]
    pub fn with_lookers(mut self, stores: Vec<Store>) -> Self {
        self.lookers = stores.into_iter().map(Mutex::new).collect();
        self
    }

    /// In the folder of its centre: templates lie there, and the vault's head says whether its keys are for rehearsal.
    #[must_use]
    pub fn in_folder(mut self, centre: &Centre) -> Self {
        self.rehearsal = Vault::says_rehearsal(&centre.vault_path()).ok();
        self.folder.clone_from(&centre.folder);
        self
    }

    /// The folder of the centre.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Whether its keys are for rehearsal; none when that is not known.
    #[must_use]
    pub const fn rehearsal(&self) -> Option<bool> {
        self.rehearsal
    }

    /// Whether it is reached over TLS.
    #[must_use]
    pub const fn is_secure(&self) -> bool {
        self.secure
    }

    /// Does what a command does, for an operator who may: the one gate.
    ///
    /// # Errors
    /// [`OperatorError::RoleMissing`](crate::operator::OperatorError::RoleMissing), and what the work gives.
    pub fn at<T, E: Into<Error>>(
        &self,
        operator: &Operator,
        command: &str,
        work: impl FnOnce(&mut Store) -> Result<T, E>,
    ) -> Result<T, Error> {
        self.with_store(|store| at(store, operator, command, work))
    }

    /// Whether an operator may look for somebody now: as often as the rate of searches has it.
    ///
    /// # Errors
    /// [`Error`].
    pub(super) fn may_search(&self, operator: &Operator) -> Result<(), Error> {
        Ok(self.rates.take(&format!("search {}", operator.name), rate::SEARCH)?)
    }

    /// Looks for people: an act on record, which says by what kind of text and how many were found, at a rate of its own.
    ///
    /// # Errors
    /// [`Error`].
    pub(super) fn search(
        &self,
        store: &mut Store,
        operator: &Operator,
        by: By,
        text: String,
        (after, limit): (i64, u32),
    ) -> Result<Vec<i64>, Error> {
        self.may_search(operator)?;
        store.act(|tx| -> Result<_, Error> {
            let found = search::find(tx, by, std::iter::once(text), (after, limit))?;
            let kind = if by == By::Number { "number" } else { "name" };
            let (actor, object) = (operator.name.clone(), "people".to_owned());
            let behind = if after > 0 { format!(" behind {after}") } else { String::new() };
            let detail = format!("by {kind}: {} found{behind}", found.len());
            Ok((found, Act { actor, act: "person.find", object, detail }))
        })
    }

    /// Somebody who is not in knocked: as often as the door's rate has it, whatever was asked for.
    pub(super) fn stranger<T>(&self, peer: Option<&Peer>, error: LoginError) -> Result<T, Error> {
        self.knocked(peer)?;
        Err(error.into())
    }

    /// One more request of who is not in, of one address.
    pub(super) fn knocked(&self, peer: Option<&Peer>) -> Result<(), Error> {
        let from = peer.map(Peer::holder).unwrap_or_default();
        Ok(self.rates.take(&format!("door {from}"), rate::DOOR)?)
    }

    /// A place for a stream of an operator, while it lives; none when they watch enough already.
    pub(super) fn stream_of(self: &Arc<Self>, operator: &str) -> Option<Watching> {
        let mut streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        let count = streams.entry(operator.to_owned()).or_default();
        if *count >= STREAMS {
            return None;
        }
        *count += 1;
        Some(Watching { desk: Arc::clone(self), operator: operator.to_owned() })
    }

    /// Does an act with those of others that wait by then, in one commit; answers when that is durable.
    ///
    /// # Errors
    /// What the act gives; [`ApiError::BrokenOff`] when whoever carried it out died over it.
    pub(super) async fn act(self: &Arc<Self>, work: Box<Work>) -> Result<Response, Error> {
        let (told, first) = self.turns.join(work);
        if first {
            let desk = Arc::clone(self);
            tokio::task::spawn_blocking(move || desk.turns.carry_out(&desk.store));
        }
        told.await.unwrap_or_else(|_| Err(ApiError::BrokenOff.into()))
    }

    pub(super) fn with_store<T>(&self, work: impl FnOnce(&mut Store) -> T) -> T {
        with(&self.store, work)
    }

    /// As [`OperatorDesk::with_store`], for who looks: what is recorded of a look waits for its turn at the database.
    pub(super) fn with_looker<T>(&self, work: impl FnOnce(&mut Store) -> T) -> T {
        if self.lookers.is_empty() {
            return self.with_store(work);
        }
        let first = self.turn.fetch_add(1, Ordering::Relaxed) % self.lookers.len();
        let (behind, ahead) = self.lookers.split_at(first);
        let free = ahead.iter().chain(behind).find_map(|store| store.try_lock().ok());
        match (free, ahead.first()) {
            (Some(mut store), _) => within(&mut store, work),
            (None, Some(store)) => with(store, work),
            (None, None) => self.with_store(work),
        }
    }

    /// As [`OperatorDesk::with_store`], for who is not in yet.
    pub(super) fn at_the_door<T>(&self, work: impl FnOnce(&mut Store) -> T) -> T {
        with(&self.door, work)
    }
}

fn with<T>(store: &Mutex<Store>, work: impl FnOnce(&mut Store) -> T) -> T {
    // A panic inside a transaction rolls it back; the connection itself stays sound.
    within(&mut store.lock().unwrap_or_else(PoisonError::into_inner), work)
}

pub(super) fn within<T>(store: &mut Store, work: impl FnOnce(&mut Store) -> T) -> T {
    // After a panic somebody may still be there.
    store.off_duty();
    store.end_request();
    let done = work(store);
    store.end_request();
    done
}

/// As [`OperatorDesk::at`], with the connection in hand.
pub(super) fn at<T, E: Into<Error>>(
    store: &mut Store,
    operator: &Operator,
    command: &str,
    work: impl FnOnce(&mut Store) -> Result<T, E>,
) -> Result<T, Error> {
    match duty::allowed(operator, command)? {
        Some(on_duty) => store.set_on_duty(on_duty),
        None => store.off_duty(),
    }
    let done = work(store);
    store.off_duty();
    done.map_err(Into::into)
}

/// As [`OperatorDesk::at`], with the whole centre on a connection of its own: for what takes its time.
pub(super) fn alone<T>(
    desk: &OperatorDesk,
    operator: &Operator,
    command: &str,
    keys: Option<Arc<DataKeys>>,
    work: impl FnOnce(&mut Centre) -> Result<T, Error>,
) -> Result<T, Error> {
    let on_duty = duty::allowed(operator, command)?;
    let mut centre = Centre::open(&desk.folder)?;
    if let Some(keys) = keys {
        centre.store.unlock(keys)?;
    }
    if let Some(on_duty) = on_duty {
        centre.store.set_on_duty(on_duty);
    }
    work(&mut centre)
}

impl std::fmt::Debug for OperatorDesk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OperatorDesk").field("secure", &self.secure).finish_non_exhaustive()
    }
}

/// Everything that operators reach.
fn router(desk: &Arc<OperatorDesk>, limits: Limits) -> Router {
    let rooms = console::router(Arc::clone(desk));
    let router = api::router(Arc::clone(desk))
        .merge(rooms)
        .layer(DefaultBodyLimit::max(api::BODY_BYTES_MAX))
        .layer(Extension(limits));
    log::logged(router, "operators")
}

/// Serves over TLS until `stop` completes, then lets open requests end. The caller keeps the desk: the last one to leave closes the
/// database, which must not be async code.
pub async fn serve(
    desk: Arc<OperatorDesk>,
    edge: TlsEdge,
    limits: Limits,
    stop: impl Future<Output = ()> + Send + 'static,
) {
    let router = router(&desk, limits);
    // Whoever came over TLS once comes so always (RFC 6797).
    let router = router.layer(axum::middleware::map_response(|mut response: Response| async {
        response.headers_mut().insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
        response
    }));
    let holder = |peer: &Peer| Some(peer.holder());
    connection::serve(edge, limits, holder, |peer| router.clone().layer(Extension(peer)), stop).await;
}

/// As [`serve`], without TLS: at this machine.
pub async fn serve_here(
    desk: Arc<OperatorDesk>,
    listener: TcpListener,
    limits: Limits,
    stop: impl Future<Output = ()> + Send + 'static,
) {
    let router = router(&desk, limits);
    connection::serve(listener, limits, |_| None, |_| router.clone(), stop).await;
}
