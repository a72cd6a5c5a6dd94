//! The endpoints of stations: certificate, message, one effect for one id, then the book.
//!
//! Order of the checks: certificate known, not expired, not revoked → message → id → operator → whose job → the act. An
//! answer leaves after its transaction is durable.
//!
//! Owns: the order of the checks, JSON of messages and answers. Never: decides what the book decides; answers with a key.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Request, State as AxumState};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Extension, Router};
use card_core::security::SecurityError;
use card_profiles::Profile;
use ring::digest::{SHA256, digest};
use zeroize::Zeroizing;

use super::connection::{self, Limits, NoBody};
use super::problem::StationProblem;
use super::refusals::Refusals;
use super::tls::Peer;
use super::{json, single};
use crate::audit::Act;
use crate::batch::aside::{self, Why};
use crate::batch::{BatchError, JobState};
use crate::card::{Card, Chip};
use crate::centre::Config;
use crate::clock;
use crate::lang::Lang;
use crate::operator::Role;
use crate::peer::{CertificateState, STATION};
use crate::state::State as _;
use crate::station::allowance::{Allowance, Denied};
use crate::station::book::{Blank, Book, By, Written};
use crate::station::care;
use crate::station::failure::StationError;
use crate::station::line::{Bound, KEYS_DONE, Rest};
use crate::station::line_failure::LineError;
use crate::station::wire::{
    ASK_PATH, Answer, Ask, JOBS_PATH, JobLine, MESSAGE_BYTES_MAX, Message, Operation, Prepared, Reply, SHARE_MAX,
    Status,
};
use crate::station::{content, print};
use crate::store::peer::StationMessage;
use crate::store::{Store, StoreError, Tx};
use crate::vault::Vault;

/// Cards whose allowances are kept ready: as many as readers work at once.
const ALLOWANCES_MAX: usize = 64;
/// Note of a station that was told to write a card anew, of newer data.
const TOLD_ANEW: &str = "anew";
/// So often of the same data at most (assumed): outcomes that were kept over a refusal may come late, one or two of them.
const TOLD_ANEW_MAX: usize = 8;

/// What every request of a station works with.
pub struct StationDesk {
    store: Mutex<Store>,
    vault: Vault,
    config: Config,
    profile: Profile,
    allowances: Mutex<HashMap<i64, Arc<Allowance>>>,
    refusals: Refusals,
    source: VaultSource,
}

/// Where the vault came from: a key ceremony at another process puts keys there.
pub struct VaultSource {
    /// Its file.
    pub path: PathBuf,
    /// What opens it.
    pub passphrase: Zeroizing<String>,
}

impl StationDesk {
    /// A desk on its own connection to the database, which has the data keys.
    #[must_use]
    pub fn new(store: Store, vault: Vault, source: VaultSource, config: Config, profile: Profile) -> Self {
        let (allowances, refusals) = (Mutex::default(), Refusals::default());
        Self { store: Mutex::new(store), vault, config, profile, allowances, refusals, source }
    }

    fn with_store<T>(&self, work: impl FnOnce(&mut Store) -> T) -> T {
        // A panic inside a transaction rolls it back; the connection itself stays sound.
        work(&mut self.store.lock().unwrap_or_else(PoisonError::into_inner))
    }

    const fn book(&self) -> Book<'_> {
        Book { vault: &self.vault, config: &self.config, profile: &self.profile }
    }
}

impl std::fmt::Debug for VaultSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("VaultSource").field("path", &self.path).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for StationDesk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StationDesk").finish_non_exhaustive()
    }
}

/// The routes of stations.
pub fn router(desk: Arc<StationDesk>) -> Router {
    Router::new()
        .route(ASK_PATH, post(ask))
        .route(JOBS_PATH, post(jobs))
        .fallback(unknown_path)
        .method_not_allowed_fallback(unknown_path)
        .layer(DefaultBodyLimit::max(MESSAGE_BYTES_MAX))
        .with_state(desk)
}

async fn ask(
    AxumState(desk): AxumState<Arc<StationDesk>>,
    Extension(peer): Extension<Peer>,
    Extension(limits): Extension<Limits>,
    request: Request,
) -> Response {
    let work = move |desk: &StationDesk, body: &Bytes| {
        let reply = answer(desk, &peer.fingerprint, body)?;
        Ok(serde_json::to_string(&reply).expect("a reply serializes"))
    };
    respond(desk, request, limits, work, "application/json").await
}

async fn jobs(
    AxumState(desk): AxumState<Arc<StationDesk>>,
    Extension(peer): Extension<Peer>,
    Extension(limits): Extension<Limits>,
    request: Request,
) -> Response {
    let work = move |desk: &StationDesk, body: &Bytes| {
        let lines = prepared(desk, &peer.fingerprint, body)?;
        let text = |line: &JobLine| serde_json::to_string(line).expect("a line serializes") + "\n";
        Ok(lines.iter().map(text).collect())
    };
    respond(desk, request, limits, work, "application/x-ndjson").await
}

async fn unknown_path(headers: HeaderMap) -> Response {
    StationProblem::of(&LineError::PathUnknown, language(&headers)).into_response()
}

async fn respond(
    desk: Arc<StationDesk>,
    request: Request,
    limits: Limits,
    work: impl FnOnce(&StationDesk, &Bytes) -> Result<String, StationError> + Send + 'static,
    kind: &'static str,
) -> Response {
    let lang = language(request.headers());
    let body = match connection::body(request, limits).await {
        Ok(body) => body,
        Err(NoBody::TooLarge) => return StationProblem::of(&LineError::TooLarge, lang).into_response(),
        Err(NoBody::Broken) => return StationProblem::of(&LineError::Malformed, lang).into_response(),
    };
    match tokio::task::spawn_blocking(move || work(&desk, &body)).await {
        Ok(Ok(text)) if kind == "application/json" => json(StatusCode::OK, text),
        Ok(Ok(text)) => ([(header::CONTENT_TYPE, kind)], text).into_response(),
        Ok(Err(error)) => StationProblem::of(&error, lang).into_response(),
        Err(_) => StationProblem::broken_off(lang).into_response(),
    }
}

/// The language that the station's operator reads.
fn language(headers: &HeaderMap) -> Lang {
    match single(headers, "accept-language") {
        Some(text) if text.starts_with("zh") => Lang::Zh,
        _ => Lang::En,
    }
}

/// The operator at a station, if there is one who may do its work.
fn speaker(tx: &Tx<'_>, operator: &str) -> Result<(), StationError> {
    Ok(tx.require(Some(operator), Role::Station).map(drop).map_err(BatchError::from)?)
}

/// The station of a certificate, if it may speak at all.
fn station(tx: &Tx<'_>, fingerprint: &str) -> Result<String, StationError> {
    let certificate = tx.certificate_of(fingerprint)?.filter(|one| one.role == STATION).ok_or(LineError::Unknown)?;
    if certificate.state != CertificateState::Certified.name() {
        return Err(LineError::Revoked { station: certificate.name }.into());
    }
    // TLS has looked at it when the connection began; that may be long ago.
    if certificate.valid_until.is_none_or(|until| until < clock::now()) {
        return Err(LineError::Expired { station: certificate.name }.into());
    }
    Ok(certificate.name)
}

fn message(body: &[u8]) -> Result<Message, LineError> {
    let message: Message = serde_json::from_slice(body).map_err(|_| LineError::Malformed)?;
    if message.is_sound() { Ok(message) } else { Err(LineError::Malformed) }
}

/// One message at a time: between a look whether it is known and its effect there is no other.
fn answer(desk: &StationDesk, fingerprint: &str, body: &[u8]) -> Result<Reply, StationError> {
    desk.with_store(|store| {
        // Nobody without a certificate learns whether a message is one.
        let name = store.read(|tx| station(tx, fingerprint))?;
        let message = message(body)?;
        let digest = hex::encode_upper(digest(&SHA256, body));
        let kept = StationMessage { station: &name, id: &message.id, digest: &digest };
        if let Some(reply) = known(desk, store, &message.ask, &kept)? {
            return Ok(reply);
        }
        store.read(|tx| speaker(tx, &message.operator))?;
        let (operator, reader) = (message.operator.as_str(), message.reader.as_str());
        let by = By { operator, reader, station: Some(&name), message: Some(kept) };
        let answered = act(desk, store, &message.ask, &by);
        if matches!(answered, Err(_) | Ok(Answer::Taken | Answer::Gone)) {
            // Another process of this centre may have had the same message meanwhile.
            if let Some(reply) = known(desk, store, &message.ask, &kept)? {
                return Ok(reply);
            }
        }
        if let Err(error) = &answered
            && accuses(error)
            && let Some(detail) = desk.refusals.told(&name, error)
        {
            let (actor, object) = (format!("station:{name}"), format!("station {name}"));
            let refused = Act { actor, act: "station.refused", object, detail };
            store.act_under_way(|_| -> Result<_, StationError> { Ok(((), refused)) })?;
        }
        Ok(Reply { status: Status::Created, answer: answered? })
    })
}

/// Whether no station that works as it should is ever told so, whatever happens at the centre meanwhile.
const fn accuses(error: &StationError) -> bool {
    matches!(
        error,
        StationError::Line(LineError::KeyRefused { .. } | LineError::KeyLimit { .. } | LineError::NotYours { .. })
            | StationError::ReadBackDiffers { .. }
    )
}

/// Keeps that a station is told to write a card anew, once for each of its messages. One that is told so again and again while the data stay
/// as they are has them, and says that it has not.
fn told_anew(store: &mut Store, job: i64, (name, by): (&str, &By<'_>)) -> Result<(), StationError> {
    let id = by.message.map_or("", |message| message.id);
    store.journal(|tx| {
        let told = format!("{} {id}", tx.data_changes(job)?);
        let (now, _) = told.split_at(told.len() - id.len());
        let notes = tx.notes(job, TOLD_ANEW)?;
        if notes.contains(&told) {
            return Ok(());
        }
        if notes.iter().filter(|note| note.starts_with(now)).count() >= TOLD_ANEW_MAX {
            return Err(StationError::ReadBackDiffers { job });
        }
        Ok(tx.note(job, (name, by.reader), TOLD_ANEW, &told)?)
    })
}

/// The answer to a message that had its effect before, if it had.
fn known(
    desk: &StationDesk,
    store: &mut Store,
    ask: &Ask,
    message: &StationMessage<'_>,
) -> Result<Option<Reply>, StationError> {
    match store.read(|tx| tx.known_station_message(message))? {
        None => Ok(None),
        Some((digest, result)) if digest == message.digest => again(desk, store, ask, result).map(Some),
        Some(_) => Err(LineError::Reused.into()),
    }
}

/// The answer to a message that had its effect before.
fn again(desk: &StationDesk, store: &mut Store, ask: &Ask, result: Option<i64>) -> Result<Reply, StationError> {
    let answer = match (ask, result) {
        (Ask::Bind { .. }, Some(job)) => store.read(|tx| bound(desk, tx, job))?,
        (Ask::Finish { job, .. }, _) => receipt(store, *job)?,
        (Ask::Spoil { .. }, Some(next_job)) => Answer::Spoilt { next_job },
        _ => Answer::Done,
    };
    Ok(Reply { status: Status::Exists, answer })
}

fn act(desk: &StationDesk, store: &mut Store, ask: &Ask, by: &By<'_>) -> Result<Answer, StationError> {
    let (book, name) = (desk.book(), by.station.unwrap_or_default());
    Ok(match ask {
        Ask::Begin { batch, readers, lot, place, profile } => {
            if *profile != desk.config.made_type().digest {
                return Err(LineError::ProfileDiffers.into());
            }
            let readers: Vec<&str> = readers.iter().map(String::as_str).collect();
            book.begin(store, *batch, by, &readers, (lot.as_deref(), place.as_deref()))?;
            Answer::Begun { city: desk.config.city.to_string(), transport_lot: desk.config.transport_lot }
        }
        Ask::Look { batch } => {
            let seconds = desk.config.stations.lease_seconds();
            let soon = clock::instant_in(seconds / 2);
            let (work_left, elsewhere, due) = store.read(|tx| -> Result<_, StationError> {
                let work_left = tx.work_left_for(name, *batch)?;
                let elsewhere = !work_left && tx.work_left(*batch)?;
                Ok((work_left, elsewhere, tx.leases_end_before(name, *batch, &soon)?))
            })?;
            if due {
                store.journal(|tx| tx.renew_leases(name, *batch, &clock::instant_in(seconds)))?;
            }
            Answer::Look { work_left, elsewhere }
        }
        // Prepared data have a path of their own.
        Ask::Jobs { .. } => return Err(LineError::Malformed.into()),
        Ask::Bind { batch, chip, job, made, lot, place } => {
            let chip = Chip::parse(chip).ok_or(LineError::Malformed)?;
            let (made, lot, place) = (made.as_deref(), lot.as_deref(), place.as_deref());
            let blank = Blank { batch: *batch, chip: &chip, made, job: *job, lot, place };
            let mut bound = book.bind(store, &blank, by);
            if matches!(bound, Err(StationError::Security(SecurityError::KeyNotFound { .. }))) {
                // A key ceremony has ended since the vault was opened. If it is not that, the first failure is told.
                let VaultSource { path, passphrase } = &desk.source;
                if desk.vault.renew(path, passphrase).is_ok() {
                    bound = book.bind(store, &blank, by);
                }
            }
            match bound? {
                Bound::New(order) => Answer::Bound { card: outward(order.card), key_version: order.key_version },
                Bound::Gone => Answer::Gone,
                Bound::Taken => Answer::Taken,
                Bound::NotBlank => Answer::NotBlank,
                Bound::NothingWaits => Answer::NothingWaits,
                Bound::NoBlanks => Answer::NoBlanks,
            }
        }
        Ask::Photo { job } => store.read(|tx| -> Result<_, StationError> {
            owned(tx, *job, name)?;
            let state = tx.job_state(*job)?;
            if ![JobState::Writing.name(), JobState::Done.name()].map(Some).contains(&state.as_deref()) {
                return Err(LineError::NotYours { job: *job }.into());
            }
            let photo = tx.photo(tx.job_person(*job)?)?;
            Ok(Answer::Photo { photo: photo.as_ref().map(|stored| print::photo(stored).to_string()) })
        })?,
        Ask::Cryptogram { job, operation } => cryptogram(desk, store, *job, operation, name)?,
        Ask::Note { job, event, detail } => {
            let made = ["printed", "unprinted"].contains(&event.as_str());
            if event == KEYS_DONE && !desk.profile.df.iter().any(|df| df.id == *detail) {
                return Err(LineError::Malformed.into());
            }
            store.journal(|tx| -> Result<_, StationError> {
                owned(tx, *job, name)?;
                in_state(tx, *job, if made { JobState::Done } else { JobState::Writing })?;
                tx.note(*job, (name, by.reader), event, detail)?;
                Ok(by.keep(tx, None)?)
            })?;
            Answer::Done
        }
        Ask::Finish { job, steps, read_back, changes, to_print } => {
            store.read(|tx| owned(tx, *job, name))?;
            let (job, steps, changes, to_print) = (*job, *steps, *changes, *to_print);
            let written = Written { job, steps, read_back, changes, to_print, order: None };
            let finished = book.finish(store, &written, by);
            if matches!(finished, Err(StationError::DataChanged { .. })) {
                told_anew(store, job, (name, by))?;
            }
            finished?;
            receipt(store, job)?
        }
        Ask::Spoil { job, reason } => {
            store.read(|tx| owned(tx, *job, name))?;
            Answer::Spoilt { next_job: book.spoil(store, *job, reason, by)? }
        }
        Ask::Failures => Answer::Failures { in_a_row: store.read(|tx| tx.failures_in_a_row(name, by.reader))? },
        Ask::Hold { reason } => {
            book.hold_reader(store, reason, by)?;
            Answer::Done
        }
        Ask::Lot { lot, percent } => Answer::Lot { bad: care::lot_is_bad(store, lot, *percent, by)? },
        Ask::End { batch } => {
            let rest = book.end(store, *batch, by)?;
            let unfinished = store.journal(|tx| {
                // What it has not begun is free for others.
                tx.free_leases(name)?;
                tx.jobs_begun_by(name, *batch)
            })?;
            Answer::Ended(Rest { unfinished, ..rest })
        }
    })
}

/// A job that is not this station's is nothing that it may speak about.
fn owned(tx: &Tx<'_>, job: i64, station: &str) -> Result<(), StationError> {
    let ours = tx.station_of(job)?.as_deref() == Some(station);
    if ours { Ok(()) } else { Err(LineError::NotYours { job }.into()) }
}

/// A job that has moved on meanwhile: nothing that a station does wrong.
fn in_state(tx: &Tx<'_>, job: i64, state: JobState) -> Result<(), StoreError> {
    let there = tx.job_state(job)?.as_deref() == Some(state.name());
    if there { Ok(()) } else { Err(StoreError::StateMoved { object: format!("job {job}"), expected: state.name() }) }
}

/// A card as it leaves the house: the row of its holder is nobody's business.
fn outward(card: Card) -> Box<Card> {
    Box::new(Card { person: 0, ..card })
}

fn bound(desk: &StationDesk, tx: &Tx<'_>, job: i64) -> Result<Answer, StationError> {
    let card = tx.card_of_job(job)?.ok_or(LineError::NotYours { job })?;
    let order = desk.book().order(tx, card)?;
    Ok(Answer::Bound { card: outward(order.card), key_version: order.key_version })
}

fn receipt(store: &mut Store, job: i64) -> Result<Answer, StationError> {
    let (body, signature) = store.read(|tx| tx.receipt(job))?.ok_or(LineError::NotYours { job })?;
    Ok(Answer::Receipt { body, signature })
}

/// Counted before it is given, and only while the card of the job is being written.
fn cryptogram(
    desk: &StationDesk,
    store: &mut Store,
    job: i64,
    operation: &Operation,
    station: &str,
) -> Result<Answer, StationError> {
    let allowance = store.read(|tx| -> Result<_, StationError> {
        owned(tx, job, station)?;
        if tx.job_state(job)?.as_deref() == Some(JobState::Waiting.name()) {
            return Err(LineError::NotYours { job }.into());
        }
        // Its card may have been declared lost while it is written.
        in_state(tx, job, JobState::Writing)?;
        let mut kept = desk.allowances.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = kept.get(&job) {
            return Ok(Arc::clone(known));
        }
        let card = tx.card_of_job(job)?.ok_or(LineError::NotYours { job })?;
        let made = Arc::new(Allowance::of(&desk.profile, &desk.book().order(tx, card)?)?);
        if kept.len() >= ALLOWANCES_MAX {
            kept.clear();
        }
        kept.insert(job, Arc::clone(&made));
        Ok(made)
    })?;
    let refused = || StationError::from(LineError::KeyRefused { job, keys: operation.keys() });
    if !allowance.holds(operation) {
        return Err(refused());
    }
    if !store.journal(|tx| tx.count_cryptogram(job, station, allowance.most()))? {
        return Err(LineError::KeyLimit { job }.into());
    }
    allowance.carry_out(&mut desk.vault.keys(), operation).map_err(|denied| match denied {
        Denied::NotInPlan => refused(),
        Denied::Security(error) => error.into(),
    })
}

/// Jobs begun by the station and jobs on lease to it, in order, behind the last one received. Whose data leave the house with a
/// new lease is recorded.
fn prepared(desk: &StationDesk, fingerprint: &str, body: &[u8]) -> Result<Vec<JobLine>, StationError> {
    desk.with_store(|store| {
        let name = store.read(|tx| station(tx, fingerprint))?;
        let message = message(body)?;
        let Ask::Jobs { batch, share, after } = message.ask else { return Err(LineError::Malformed.into()) };
        store.read(|tx| speaker(tx, &message.operator))?;
        let by = By { operator: &message.operator, reader: &message.reader, station: Some(&name), message: None };
        let until = clock::instant_in(desk.config.stations.lease_seconds());
        store.journal(|tx| {
            // A lease of another month would keep the jobs from every other station until then.
            tx.clock_holds()?;
            desk.book().under_way(tx, batch, &by)?;
            aside::sweep(tx, batch, by.operator)?;
            let leased = tx.lease(&name, batch, share.min(SHARE_MAX), &until)?;
            let fresh: Vec<i64> = leased.iter().filter(|(_, fresh)| *fresh).map(|(job, _)| *job).collect();
            if let (Some(first), Some(last)) = (fresh.iter().min(), fresh.iter().max()) {
                let detail = format!("{} jobs, {first} to {last}", fresh.len());
                tx.append_audit(&by.act("station.lease", format!("batch {batch}"), detail))?;
            }
            let mut jobs = tx.jobs_begun_by(&name, batch)?;
            jobs.extend(leased.into_iter().map(|(job, _)| job));
            jobs.sort_unstable();
            let mut lines = Vec::with_capacity(jobs.len() + 1);
            for job in jobs.into_iter().filter(|job| *job > after) {
                match line(desk, tx, job) {
                    Ok(prepared) => lines.push(JobLine::Job(Box::new(prepared))),
                    // One person's details keep nobody else from a card.
                    Err(StationError::Content { .. } | StationError::PersonMissing { .. }) => {
                        if tx.waits(job)? {
                            aside::set_aside(tx, job, Why::Content, by.operator)?;
                        } else {
                            desk.book().spoil_unfit(tx, job, &by)?;
                        }
                    }
                    Err(error) => return Err(error),
                }
            }
            lines.push(JobLine::End);
            Ok(lines)
        })
    })
}

fn line(desk: &StationDesk, tx: &Tx<'_>, job: i64) -> Result<Prepared, StationError> {
    if let Some(card) = tx.card_of_job(job)? {
        let person = tx.person(card.person)?.ok_or(StationError::PersonMissing { job })?;
        let values = desk.book().values(tx, job, &card.card_number, &person)?;
        let key_version = tx.key_set_of(job)?.unwrap_or(Vault::FIRST_VERSION);
        let order = desk.book().fitting(tx, card, key_version)?.map_err(|_| StationError::Content { job })?;
        let (key_version, keyed, holder, changes) = (order.key_version, order.keyed, order.holder, order.changes);
        return Ok(Prepared { job, values, holder, card: Some(*outward(order.card)), key_version, keyed, changes });
    }
    let person = tx.person(tx.job_person(job)?)?.ok_or(StationError::PersonMissing { job })?;
    let values = desk.book().values(tx, job, &tx.job_card_number(job)?, &person)?;
    Ok(Prepared {
        job,
        values,
        holder: content::holder(&person.details),
        card: None,
        key_version: Vault::FIRST_VERSION,
        keyed: Vec::new(),
        changes: tx.data_changes(job)?,
    })
}
