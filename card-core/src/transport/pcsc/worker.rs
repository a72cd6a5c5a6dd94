//! A thread that owns something of the daemon's and does one call on it at a time, so that every call has an end.
//!
//! pcsc-lite has no way to break off a transmit: `SCardCancel` ends only a wait for a status change. A call that does not
//! come back in time is therefore left to its thread, and the reader counts as sick until the call returns.
//! Owns: the hand-over and its time limit, the list of sick readers of this process. Never: repeats a call.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Calls that did not come back, by reader; the empty name is the daemon itself.
static SICK: Mutex<BTreeMap<String, usize>> = Mutex::new(BTreeMap::new());

/// How long a thread looks for the other one before it sleeps. An exchange on a contact line takes a hundred times longer,
/// so that looking costs nothing there; with a virtual reader it saves two wake-ups of some 5 µs each.
const LOOK: Duration = Duration::from_micros(100);

/// A call took longer than its limit, or its thread could not be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TimedOut;

/// The state is taken out of its slot to end it.
type Call<S> = Box<dyn FnOnce(&mut Option<S>) + Send>;

/// Whether a call is still waited for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Running,
    Done,
    LeftAlone,
}

/// The thread and its state. Dropping it ends both, in time: nothing runs on behalf of a caller that is gone, unless a call
/// did not come back.
pub(super) struct Worker<S: 'static> {
    thread: Option<(SyncSender<Call<S>>, JoinHandle<()>)>,
    reader: String,
    end_limit: Duration,
    /// A call did not come back in time: nothing waits for this thread any more.
    left_alone: AtomicBool,
}

impl<S: 'static> Worker<S> {
    /// Starts a thread for `reader` whose state `make` makes there. `limit` holds for making and ending it.
    pub(super) fn start<E: Send + 'static>(
        reader: &str,
        limit: Duration,
        make: impl FnOnce() -> Result<S, E> + Send + 'static,
    ) -> Result<Result<Self, E>, TimedOut> {
        let (calls, inbox): (SyncSender<Call<S>>, Receiver<Call<S>>) = sync_channel(1);
        let (made, outcome) = hand_over(reader);
        let body = move || {
            let mut state = match make() {
                Ok(state) => {
                    made(Ok(()));
                    Some(state)
                }
                Err(error) => return made(Err(error)),
            };
            while let Ok(call) = look(&inbox).map_or_else(|| inbox.recv(), Ok) {
                call(&mut state);
            }
        };
        let thread = std::thread::Builder::new().name("pcsc".to_owned()).spawn(body).map_err(|_| TimedOut)?;
        match outcome(limit)? {
            Ok(()) => Ok(Ok(Self {
                thread: Some((calls, thread)),
                reader: reader.to_owned(),
                end_limit: limit,
                left_alone: AtomicBool::new(false),
            })),
            Err(error) => {
                join(thread);
                Ok(Err(error))
            }
        }
    }

    /// Does one call, for `limit` at most. After [`TimedOut`] the worker is of no more use.
    pub(super) fn call<T: Send + 'static>(
        &self,
        limit: Duration,
        work: impl FnOnce(&mut S) -> T + Send + 'static,
    ) -> Result<T, TimedOut> {
        self.send(limit, move |state| state.as_mut().map(work))?.ok_or(TimedOut)
    }

    fn send<T: Send + 'static>(
        &self,
        limit: Duration,
        work: impl FnOnce(&mut Option<S>) -> T + Send + 'static,
    ) -> Result<T, TimedOut> {
        let (calls, _) = self.thread.as_ref().ok_or(TimedOut)?;
        let (done, outcome) = hand_over(&self.reader);
        let call: Call<S> = Box::new(move |state| done(work(state)));
        // A full inbox: an earlier call did not come back.
        let result = calls.try_send(call).map_err(|_| TimedOut).and_then(|()| outcome(limit));
        if result.is_err() {
            self.left_alone.store(true, Ordering::Relaxed);
        }
        result
    }
}

impl<S: 'static> Drop for Worker<S> {
    fn drop(&mut self) {
        let hangs = self.left_alone.load(Ordering::Relaxed);
        let ended = !hangs && self.send(self.end_limit, |state| drop(state.take())).is_ok();
        if let Some((calls, thread)) = self.thread.take() {
            drop(calls);
            if ended {
                join(thread);
            }
        }
    }
}

/// Waits for a thread that has nothing left to do.
fn join(thread: JoinHandle<()>) {
    // A thread ends by a panic only where one of our calls has one, which has been told by then.
    thread.join().unwrap_or_default();
}

/// Looks for a value for a moment before the thread goes to sleep: waking it costs more than most of these moments.
fn look<T>(receiver: &Receiver<T>) -> Option<T> {
    let start = Instant::now();
    while start.elapsed() < LOOK {
        if let Ok(value) = receiver.try_recv() {
            return Some(value);
        }
        std::thread::yield_now();
    }
    None
}

/// The two ends of one result: the thread's, and the waiting one's, which marks the reader sick when it gives up.
fn hand_over<T: Send + 'static>(
    reader: &str,
) -> (impl FnOnce(T) + Send + 'static, impl FnOnce(Duration) -> Result<T, TimedOut>) {
    let (sender, receiver) = sync_channel(1);
    let fate = Arc::new(Mutex::new(Fate::Running));
    let (theirs, name, ours) = (Arc::clone(&fate), reader.to_owned(), reader.to_owned());
    let done = move |value: T| {
        let mut fate = lock(&theirs);
        if *fate == Fate::LeftAlone {
            cure(&name);
        } else {
            *fate = Fate::Done;
            drop(sender.send(value));
        }
    };
    let wait = move |limit: Duration| match look(&receiver).map_or_else(|| receiver.recv_timeout(limit), Ok) {
        Ok(value) => Ok(value),
        Err(RecvTimeoutError::Disconnected) => Err(TimedOut),
        Err(RecvTimeoutError::Timeout) => {
            let mut fate = lock(&fate);
            // It may have come back between the limit and the lock.
            if *fate == Fate::Done {
                return receiver.try_recv().map_err(|_| TimedOut);
            }
            *fate = Fate::LeftAlone;
            *lock(&SICK).entry(ours).or_default() += 1;
            Err(TimedOut)
        }
    };
    (done, wait)
}

/// Whether a call on this reader has not come back.
pub(super) fn is_sick(reader: &str) -> bool {
    lock(&SICK).contains_key(reader)
}

fn cure(reader: &str) {
    let mut sick = lock(&SICK);
    if let Some(calls) = sick.get_mut(reader) {
        *calls -= 1;
        if *calls == 0 {
            sick.remove(reader);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing panics between two changes that belong together.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    fn worker(reader: &str) -> Worker<u32> {
        Worker::start(reader, LONG, || Ok::<_, ()>(1)).expect("in time").expect("made")
    }

    #[test]
    fn calls_work_on_one_state_in_their_order() {
        let worker = worker("a");
        for expected in 2..100 {
            let got = worker.call(LONG, |state| {
                *state += 1;
                *state
            });
            assert_eq!(got, Ok(expected));
        }
    }

    #[test]
    fn a_call_that_does_not_come_back_makes_its_reader_sick_until_it_does() {
        let (go, wait) = sync_channel::<()>(0);
        let worker = worker("slow");
        let got = worker.call(Duration::from_millis(1), move |_| wait.recv());
        assert!(got.is_err() && is_sick("slow") && !is_sick("other"));
        go.send(()).expect("the thread waits");
        // The next value in the thread's inbox is taken after the call is over.
        let (ended, end) = sync_channel::<()>(1);
        assert!(worker.call(LONG, move |_| ended.send(())).is_ok());
        end.recv().expect("the call was done");
        assert!(!is_sick("slow"));
    }

    #[test]
    fn what_could_not_be_made_is_told() {
        assert_eq!(Worker::<u32>::start("b", LONG, || Err(7)).map(|made| made.err()), Ok(Some(7)));
    }
}
