//! Readers of the system's PC/SC daemon.
//!
//! Source: PC/SC workgroup specification part 5; pcsc-lite.
//! Owns: finding readers by index, name or part of it; waiting for cards and readers; a daemon that was started again;
//! mapping the daemon's errors. Never: chooses between two readers that match, waits without limit.

mod card;
mod interface;
mod worker;

use std::ffi::CString;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use pcsc::{Context, Error, PNP_NOTIFICATION, ReaderState, Scope, State};

pub use self::card::PcscTransport;
pub use self::interface::Interface;
use self::worker::{TimedOut, Worker};
use super::{ReaderCall, TransportError};
use crate::limits::{CallLimits, DAEMON_PAUSE, DAEMON_RECONNECTS, READERS_MAX, WAIT_SLICE};

/// The readers of the daemon. A daemon that was stopped and started again is reached again by the next call.
///
/// Clones and threads may ask at once: each question has a connection for itself while it lasts, so that a long wait for a
/// card holds up nobody.
#[derive(Clone)]
pub struct Readers {
    idle: Arc<Mutex<Vec<Daemon>>>,
    limits: CallLimits,
}

/// A thread that asks the daemon, and its connection.
type Daemon = Worker<Option<Context>>;

/// One reader and whether a card is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReaderInfo {
    /// Full name, as the daemon gives it.
    pub name: String,
    /// Answer to reset of the card in it, if any.
    pub atr: Option<Vec<u8>>,
}

/// Why no reader could be chosen.
#[derive(Debug, thiserror::Error)]
pub enum ChooseError {
    /// The daemon failed.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// No reader at all.
    #[error("no reader is attached")]
    NoReader,
    /// None matches.
    #[error("no reader matches {wanted:?}; attached: {}", attached.join(", "))]
    NoMatch {
        /// What was asked for.
        wanted: String,
        /// Names present.
        attached: Vec<String>,
    },
    /// Several match.
    #[error("{wanted:?} matches several readers: {}", matching.join(", "))]
    Ambiguous {
        /// What was asked for.
        wanted: String,
        /// Names that match.
        matching: Vec<String>,
    },
}

impl Readers {
    /// Connects to the daemon.
    ///
    /// # Errors
    /// [`TransportError::NoService`] when it does not run.
    pub fn establish() -> Result<Self, TransportError> {
        Self::with_limits(CallLimits::USUAL)
    }

    /// Connects to the daemon, with time limits of the caller's.
    ///
    /// # Errors
    /// [`TransportError::NoService`] when it does not run.
    pub fn with_limits(limits: CallLimits) -> Result<Self, TransportError> {
        let readers = Self { idle: Arc::default(), limits };
        readers.ask("", ReaderCall::Establish, Duration::ZERO, |_| Ok(()))?;
        Ok(readers)
    }

    pub(crate) const fn limits(&self) -> CallLimits {
        self.limits
    }

    /// Asks the daemon, in its own thread; `longer` is what the question itself may take. A daemon that went away is looked
    /// for once more, as it may have been started again.
    fn ask<T: Send + 'static>(
        &self,
        reader: &str,
        call: ReaderCall,
        longer: Duration,
        work: impl Fn(&Context) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, TransportError> {
        let limit = self.limits.of(call);
        let timeout = |TimedOut| TransportError::Timeout { reader: reader.to_owned(), call, limit };
        let idle = || self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = idle().pop();
        let worker = match waiting {
            Some(worker) => worker,
            None => Worker::start("", limit, || Ok::<_, Error>(None))
                .map_err(timeout)?
                .map_err(|error| map(reader, error))?,
        };
        let work = move |slot: &mut Option<Context>| {
            let attempt = |slot: &mut Option<Context>| {
                if slot.is_none() {
                    *slot = Some(Context::establish(Scope::User)?);
                }
                slot.as_ref().map_or(Err(Error::NoService), &work)
            };
            let mut outcome = attempt(slot);
            for again in 1..=DAEMON_RECONNECTS {
                match outcome {
                    Err(error) if daemon_gone(error) && again == 1 => {}
                    // A daemon that is just dying still takes connections, and closes them.
                    Err(error) if connection_closed(error) => std::thread::sleep(DAEMON_PAUSE),
                    done => return done,
                }
                *slot = None;
                outcome = attempt(slot);
            }
            outcome
        };
        // A thread that does not come back stays with its call; the next question gets another.
        let outcome = worker.call(limit + longer, work).map_err(timeout)?;
        idle().push(worker);
        outcome.map_err(|error| map(reader, error))
    }

    /// All readers with their cards, in the daemon's order.
    ///
    /// # Errors
    /// [`TransportError`] when the daemon fails.
    pub fn list(&self) -> Result<Vec<ReaderInfo>, TransportError> {
        self.ask("", ReaderCall::List, Duration::ZERO, |context| {
            let states = states_of(context)?;
            Ok(states.iter().map(ReaderInfo::of).collect())
        })
    }

    /// Chooses a reader by index in the list, exact name, or part of the name.
    ///
    /// # Errors
    /// [`ChooseError`]; two matches are refused with their names.
    pub fn choose(&self, wanted: &str) -> Result<ReaderInfo, ChooseError> {
        let readers = self.list()?;
        if readers.is_empty() {
            return Err(ChooseError::NoReader);
        }
        if let Some(exact) = readers.iter().find(|reader| reader.name == wanted) {
            return Ok(exact.clone());
        }
        if let Some(indexed) = wanted.parse::<usize>().ok().and_then(|index| readers.get(index)) {
            return Ok(indexed.clone());
        }
        let matching: Vec<&ReaderInfo> = readers.iter().filter(|reader| reader.name.contains(wanted)).collect();
        match matching.as_slice() {
            [one] => Ok((*one).clone()),
            [] => Err(ChooseError::NoMatch {
                wanted: wanted.to_owned(),
                attached: readers.into_iter().map(|reader| reader.name).collect(),
            }),
            several => Err(ChooseError::Ambiguous {
                wanted: wanted.to_owned(),
                matching: several.iter().map(|reader| reader.name.clone()).collect(),
            }),
        }
    }

    /// Powers the card in the named reader, for our use alone.
    ///
    /// # Errors
    /// [`TransportError`], told apart by cause.
    pub fn connect(&self, reader: &str) -> Result<PcscTransport, TransportError> {
        PcscTransport::connect(self, reader)
    }

    /// Whether a program has the card of the named reader: also one that shares it.
    pub(crate) fn is_in_use(&self, reader: &str) -> Result<bool, TransportError> {
        let name = reader.to_owned();
        self.ask(reader, ReaderCall::List, Duration::ZERO, move |context| {
            let states = states_of(context)?;
            let named = states.iter().find(|state| state.name().to_bytes() == name.as_bytes());
            Ok(named.is_some_and(|state| state.event_state().intersects(State::INUSE | State::EXCLUSIVE)))
        })
    }

    /// Waits until a card is (`present`) or is no longer in the named reader.
    ///
    /// Returns whether that was so within `limit`.
    ///
    /// # Errors
    /// [`TransportError`] when the daemon fails or the reader goes away.
    pub fn wait(&self, reader: &str, present: bool, limit: Duration) -> Result<bool, TransportError> {
        let gone = || TransportError::ReaderGone { reader: reader.to_owned() };
        let name = CString::new(reader).map_err(|_| gone())?;
        let start = Instant::now();
        loop {
            let left = limit.saturating_sub(start.elapsed());
            let slice = left.min(WAIT_SLICE);
            let name = name.clone();
            let reached = self.ask(reader, ReaderCall::Wait, slice, move |context| {
                let mut states = [ReaderState::new(name.clone(), State::UNAWARE)];
                let start = Instant::now();
                loop {
                    let left = slice.saturating_sub(start.elapsed());
                    match context.get_status_change(left, &mut states) {
                        Ok(()) => {}
                        Err(Error::Timeout) => return Ok(false),
                        Err(error) => return Err(error),
                    }
                    let [state] = &mut states;
                    let now = state.event_state();
                    if now.intersects(State::UNKNOWN | State::UNAVAILABLE | State::IGNORE) {
                        return Err(Error::UnknownReader);
                    }
                    if now.contains(State::PRESENT) == present && !now.contains(State::MUTE) {
                        return Ok(true);
                    }
                    state.sync_current_state();
                    if left.is_zero() {
                        return Ok(false);
                    }
                }
            })?;
            if reached || left.is_zero() {
                return Ok(reached);
            }
        }
    }

    /// Waits until a card is in any reader of the interface wanted, also in one that is attached meanwhile, also when the
    /// daemon is started only meanwhile. The readers in `except` hold something else.
    ///
    /// Returns the reader, or `None` when there was no card within `limit`.
    ///
    /// # Errors
    /// [`TransportError`] when the daemon fails for another reason than not running.
    pub fn wait_for_any(
        &self,
        wanted: Interface,
        except: &[String],
        limit: Duration,
    ) -> Result<Option<ReaderInfo>, TransportError> {
        let start = Instant::now();
        loop {
            let left = limit.saturating_sub(start.elapsed());
            let slice = left.min(WAIT_SLICE);
            let except = except.to_vec();
            let found = self.ask("", ReaderCall::Wait, slice, move |context| {
                let mut states = states_of(context)?;
                let found = with_card(&states, wanted, &except);
                if found.is_some() || slice.is_zero() {
                    return Ok(found);
                }
                states.push(ReaderState::new(PNP_NOTIFICATION(), State::UNAWARE));
                states.iter_mut().for_each(ReaderState::sync_current_state);
                match context.get_status_change(slice, &mut states) {
                    Ok(()) => Ok(with_card(&states_of(context)?, wanted, &except)),
                    Err(Error::Timeout) => Ok(None),
                    Err(error) => Err(error),
                }
            });
            match found {
                Ok(Some(reader)) => return Ok(Some(reader)),
                Ok(None) => {}
                Err(TransportError::NoService) if !left.is_zero() => std::thread::sleep(DAEMON_PAUSE.min(left)),
                Err(error) => return Err(error),
            }
            if left.is_zero() {
                return Ok(None);
            }
        }
    }
}

/// The readers, as they stand.
fn states_of(context: &Context) -> Result<Vec<ReaderState>, Error> {
    let names = match context.list_readers_owned() {
        Ok(names) => names,
        Err(Error::NoReadersAvailable) => Vec::new(),
        Err(error) => return Err(error),
    };
    let mut states: Vec<ReaderState> =
        names.into_iter().take(READERS_MAX).map(|name| ReaderState::new(name, State::UNAWARE)).collect();
    if !states.is_empty() {
        match context.get_status_change(Duration::ZERO, &mut states) {
            Ok(()) | Err(Error::Timeout) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(states)
}

/// The first reader of the first turn that holds a card.
fn with_card(states: &[ReaderState], wanted: Interface, except: &[String]) -> Option<ReaderInfo> {
    let readers = states.iter().map(ReaderInfo::of).filter(|reader| reader.atr.is_some());
    readers
        .filter(|reader| !except.contains(&reader.name))
        .filter_map(|reader| Some((wanted.turn(&reader)?, reader)))
        .min_by_key(|(turn, _)| *turn)
        .map(|(_, found)| found)
}

impl ReaderInfo {
    fn of(state: &ReaderState) -> Self {
        Self {
            name: state.name().to_string_lossy().into_owned(),
            atr: state.event_state().contains(State::PRESENT).then(|| state.atr().to_vec()),
        }
    }
}

/// How pcsc-lite says that the daemon closed the connection without an answer: it died, or (as a new connection is
/// closed once more) it does not serve this user.
const fn connection_closed(error: Error) -> bool {
    matches!(error, Error::SecurityViolation)
}

/// Errors by which pcsc-lite says that its daemon went away.
const fn daemon_gone(error: Error) -> bool {
    matches!(error, Error::NoService | Error::ServiceStopped | Error::InvalidHandle | Error::CommError)
}

impl std::fmt::Debug for Readers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Readers")
    }
}

fn map(reader: &str, error: Error) -> TransportError {
    let reader = reader.to_owned();
    match error {
        Error::RemovedCard => TransportError::CardRemoved { reader },
        Error::NoSmartcard => TransportError::NoCard { reader },
        Error::UnresponsiveCard | Error::UnpoweredCard => TransportError::CardMute { reader },
        Error::ResetCard => TransportError::CardReset { reader },
        Error::SharingViolation => TransportError::InUse { reader },
        Error::UnknownReader | Error::ReaderUnavailable => TransportError::ReaderGone { reader },
        error if daemon_gone(error) => TransportError::NoService,
        source => TransportError::Protocol { reader, source },
    }
}
