//! One call at a time in a process, and the end of a card's time.
//!
//! Owns: whose turn it is, whose card is kept, the thread that lets it go. Never: lets one caller go on with another's card or PIN.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use card_profiles::account::Amounts;
use settlement::id::CardIdentifier;

use crate::calls::{Answer, Calls};
use crate::function::{Function, Value};
use crate::settings::{SettingError, Settings};

/// The calls of a process, for all its threads and callers.
#[derive(Clone, Debug, Default)]
pub struct Turn(Arc<Mutex<Owned>>);

/// Calls, and whose card is kept.
#[derive(Debug, Default)]
struct Owned {
    calls: Calls,
    owner: u64,
    /// Whether a thread waits for the end of a card's time.
    watched: bool,
}

impl Turn {
    /// Carries out a call of a caller: a card that another one kept is let go first.
    #[must_use]
    pub fn call(
        &self,
        caller: u64,
        settings: Result<Settings, SettingError>,
        function: &'static Function,
        values: &[Value],
    ) -> Answer {
        let mut owned = self.lock();
        if owned.owner != caller {
            owned.calls.drop_held();
            owned.owner = caller;
        }
        let answer = owned.calls.call(settings, function, values);
        if owned.calls.held_until().is_some() && !owned.watched {
            owned.watched = true;
            let this = self.clone();
            std::thread::spawn(move || this.watch());
        }
        answer
    }

    /// The card that is kept for a caller, and the amounts of the purchase that its next step would pay.
    #[must_use]
    pub fn kept(&self, caller: u64) -> Option<(CardIdentifier, Option<Amounts>)> {
        let owned = self.lock();
        owned.calls.kept().filter(|_| owned.owner == caller)
    }

    /// A caller is gone: its card is let go.
    pub fn leave(&self, caller: u64) {
        let mut owned = self.lock();
        if owned.owner == caller {
            owned.calls.drop_held();
        }
    }

    /// Lets a card go whose time is over, however long its caller waits with its next call.
    fn watch(&self) {
        while let Some(left) = self.left() {
            std::thread::sleep(left);
        }
    }

    /// How long the card may still be kept; `None` when there is none any more.
    fn left(&self) -> Option<Duration> {
        let mut owned = self.lock();
        let left = owned.calls.held_until().map(|until| until.saturating_duration_since(Instant::now()));
        if left.is_none_or(|left| left.is_zero()) {
            owned.calls.drop_held();
            owned.watched = false;
            return None;
        }
        left
    }

    fn lock(&self) -> MutexGuard<'_, Owned> {
        // A call that panicked left no card behind, so the next one may go on.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
