//! One slot: at most one card, connected to the driver while it is in.
//!
//! Owns: the card while it is in the reader, the connection to the driver, the notice that the driver took.
//! Never: answers for a card that was pulled: the next thing that the driver asks ends the connection, and that is how the
//! driver learns of it.

use std::net::{Shutdown, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::vpcd::{self, Message, Prompt};
use super::{ReaderError, SlotStatus};
use crate::card::{Card, Silence};
use crate::fault::FaultPlan;

/// How often a slot looks whether a card that was away is back.
const AWAY_LOOK: Duration = Duration::from_millis(5);
/// Polls that a daemon makes of a new card before it powers it: one. A daemon that polls on without powering takes the card
/// for the one before: that one left during a command, and the new one came before the daemon looked.
const POLLS_UNPOWERED_MAX: u8 = 3;
/// Between two tries to reach a driver that does not listen.
const RETRY: Duration = Duration::from_millis(1);

/// A slot with its thread; dropping it closes both.
#[derive(Debug)]
pub(crate) struct Slot {
    number: usize,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
    turn: Mutex<()>,
}

#[derive(Debug)]
struct Shared {
    inside: Mutex<Inside>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Inside {
    card: Option<Loaded>,
    stream: Option<TcpStream>,
    closing: bool,
    /// How far the driver is with the card that is in.
    powered: Powered,
    /// Polls since the card came that no power followed.
    polls: u8,
}

#[derive(Debug)]
struct Loaded {
    card: Card,
    image: PathBuf,
    away_until: Option<Instant>,
}

/// The driver powers a new card, then asks its ATR once more; with that the daemon knows it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Powered {
    #[default]
    No,
    Once,
    AndAsked,
}

impl Inside {
    /// Counts a poll. Whether the daemon polls a card that it does not power: the poll must fail once, so that the daemon
    /// sees the old card leave and the new one come.
    fn is_overlooked(&mut self) -> bool {
        if self.powered != Powered::No {
            return false;
        }
        self.polls += 1;
        let overlooked = self.polls > POLLS_UNPOWERED_MAX;
        if overlooked {
            self.polls = 0;
        }
        overlooked
    }

    fn present(&mut self) -> Option<&mut Loaded> {
        self.card.as_mut().filter(|loaded| loaded.away_until.is_none_or(|until| Instant::now() >= until))
    }
}

impl Slot {
    /// A slot whose driver listens, or will listen, on `port`.
    pub(crate) fn open(number: usize, port: u16) -> std::io::Result<Self> {
        let shared = Arc::new(Shared { inside: Mutex::default(), changed: Condvar::new() });
        let theirs = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name(format!("slot {number}")).spawn(move || serve(port, &theirs))?;
        Ok(Self { number, shared, thread: Some(thread), turn: Mutex::new(()) })
    }

    /// Name that pcsc-lite gives the reader: the friendly name of its driver, then reader and slot.
    pub(crate) fn reader_name(&self) -> String {
        format!("card-sim-{} 00 {:02X}", self.number / 2, self.number % 2)
    }

    pub(crate) fn put(&self, image: &Path, card: Card) {
        let mut inside = self.shared.lock();
        inside.card = Some(Loaded { card, image: image.to_owned(), away_until: None });
        inside.powered = Powered::No;
        inside.polls = 0;
        drop(inside);
        self.shared.changed.notify_all();
    }

    pub(crate) fn take(&self) -> Option<PathBuf> {
        let taken = self.shared.lock().card.take().map(|loaded| loaded.image);
        self.shared.changed.notify_all();
        taken
    }

    /// Whoever moves the card of this slot holds this.
    pub(crate) fn turn(&self) -> MutexGuard<'_, ()> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn image(&self) -> Option<PathBuf> {
        self.shared.lock().card.as_ref().map(|loaded| loaded.image.clone())
    }

    pub(crate) fn status(&self) -> SlotStatus {
        let mut inside = self.shared.lock();
        let present = inside.present().is_some();
        SlotStatus {
            slot: self.number,
            reader: self.reader_name(),
            image: inside.card.as_ref().map(|loaded| loaded.image.clone()),
            present,
        }
    }

    /// `None`: there is no card.
    pub(crate) fn set_faults(&self, faults: FaultPlan) -> Result<Option<()>, ReaderError> {
        let mut inside = self.shared.lock();
        let Some(loaded) = &mut inside.card else { return Ok(None) };
        let state = |source| ReaderError::State { path: loaded.image.clone(), source };
        loaded.card.set_faults(faults).map_err(state).map(Some)
    }

    pub(crate) fn faults(&self) -> Option<FaultPlan> {
        self.shared.lock().card.as_ref().map(|loaded| loaded.card.faults().clone())
    }

    pub(crate) fn wait_until_powered(&self, limit: Duration) -> bool {
        self.shared.wait(limit, |inside| inside.powered == Powered::AndAsked || inside.card.is_none())
    }

    /// Until the driver asked for the card and found it gone.
    pub(crate) fn wait_until_missed(&self, limit: Duration) -> bool {
        self.shared.wait(limit, |inside| inside.stream.is_none())
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut inside = self.shared.lock();
        inside.closing = true;
        inside.card = None;
        if let Some(stream) = inside.stream.take() {
            // An error means that the driver hung up first.
            drop(stream.shutdown(Shutdown::Both));
        }
        drop(inside);
        self.shared.changed.notify_all();
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait(&self, limit: Duration, mut reached: impl FnMut(&Inside) -> bool) -> bool {
        let waited = self.changed.wait_timeout_while(self.lock(), limit, |inside| !reached(inside));
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }

    /// Waits for a slow card; whether it is still there then.
    fn stays(&self, late: Duration) -> bool {
        !self.wait(late, |inside| inside.closing || inside.card.is_none())
    }
}

/// Connects to the driver whenever there is a card.
fn serve(port: u16, shared: &Shared) {
    loop {
        let mut inside = shared.lock();
        while !inside.closing && inside.present().is_none() {
            inside = shared.changed.wait_timeout(inside, AWAY_LOOK).unwrap_or_else(PoisonError::into_inner).0;
        }
        if inside.closing {
            return;
        }
        drop(inside);
        // While the daemon starts, or when it is dead, nothing listens.
        let connected = vpcd::connect(port).and_then(|stream| Ok((stream.try_clone()?, stream)));
        let mut inside = shared.lock();
        match connected {
            Ok((second, stream)) if !inside.closing => {
                inside.stream = Some(second);
                drop(inside);
                converse(stream, shared);
                shared.lock().stream = None;
                shared.changed.notify_all();
            }
            Ok(_) => return,
            Err(_) => {
                drop(shared.changed.wait_timeout(inside, RETRY));
            }
        }
    }
}

/// Carries messages until the driver or the card leaves.
fn converse(mut stream: TcpStream, shared: &Shared) {
    let mut answer = Vec::with_capacity(258);
    while let Ok(Some(message)) = vpcd::receive(&mut Prompt(&stream)) {
        let mut inside = shared.lock();
        if message == Message::AskAtr && inside.is_overlooked() {
            return;
        }
        let Some(loaded) = inside.present() else { return };
        answer.clear();
        let mut late = Duration::ZERO;
        let reply = match message {
            Message::PowerOff => {
                loaded.card.power_off();
                false
            }
            Message::PowerOn | Message::Reset => {
                // A card that cannot come up stays silent at the first command.
                drop(loaded.card.power_on());
                inside.powered = inside.powered.max(Powered::Once);
                false
            }
            Message::AskAtr => {
                answer.extend_from_slice(loaded.card.atr());
                if inside.powered == Powered::Once {
                    inside.powered = Powered::AndAsked;
                }
                true
            }
            Message::Apdu(bytes) => match loaded.card.transmit(&bytes, &mut answer) {
                Ok(()) => {
                    late = loaded.card.answered_after();
                    true
                }
                Err(Silence::PowerLost { back_after_ms: Some(ms) }) => {
                    loaded.away_until = Some(Instant::now() + Duration::from_millis(ms));
                    // It comes back as a new card does: a daemon that did not look while it was away is made to.
                    inside.powered = Powered::No;
                    inside.polls = 0;
                    return;
                }
                Err(Silence::PowerLost { back_after_ms: None } | Silence::Memory(_)) => {
                    inside.card = None;
                    return;
                }
                // The connection ends and starts anew: the driver gets no answer, and the card is still there.
                Err(Silence::Unpowered | Silence::Mute) => return,
            },
        };
        drop(inside);
        shared.changed.notify_all();
        if !late.is_zero() && !shared.stays(late) {
            return;
        }
        if reply && vpcd::send(&mut stream, &answer).is_err() {
            return;
        }
    }
}
