//! Who is connected, at most so many: when there is no room, who has been silent longest makes it.
//!
//! A page may stay open for a day and call once; a connection that never called anything goes first, and none in the midst of a call.
//!
//! Owns: the count, who goes. Never: reads or writes a connection.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// Most callers at once.
pub const CALLERS_MAX: usize = 16;

/// The callers of a process.
#[derive(Clone, Default)]
pub struct Callers(Arc<Mutex<BTreeMap<u64, Caller>>>);

struct Caller {
    /// Whether it ever called, and when it was last heard of.
    heard: (bool, Instant),
    in_call: bool,
    hang_up: Box<dyn Fn() + Send>,
}

impl Callers {
    /// Lets a caller in; `hang_up` ends its connection from outside. `false`: all others are in the midst of a call.
    #[must_use]
    pub fn enter(&self, caller: u64, hang_up: Box<dyn Fn() + Send>) -> bool {
        let mut callers = self.lock();
        if callers.len() >= CALLERS_MAX {
            let silent = callers.iter().filter(|(_, caller)| !caller.in_call).min_by_key(|(_, caller)| caller.heard);
            let Some(silent) = silent.map(|(caller, _)| *caller) else { return false };
            if let Some(gone) = callers.remove(&silent) {
                (gone.hang_up)();
            }
        }
        callers.insert(caller, Caller { heard: (false, Instant::now()), in_call: false, hang_up });
        true
    }

    /// Carries out a call of this caller, who is not hung up on meanwhile.
    pub fn call<T>(&self, caller: u64, work: impl FnOnce() -> T) -> T {
        self.note(caller, true);
        let done = work();
        self.note(caller, false);
        done
    }

    /// A caller is gone.
    pub fn leave(&self, caller: u64) {
        self.lock().remove(&caller);
    }

    fn note(&self, caller: u64, in_call: bool) {
        if let Some(caller) = self.lock().get_mut(&caller) {
            caller.heard = (true, Instant::now());
            caller.in_call = in_call;
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<u64, Caller>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Callers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Callers").field("now", &self.lock().len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silent_callers_make_room_oldest_first_and_nobody_in_a_call_does() {
        let callers = Callers::default();
        let gone: Arc<Mutex<Vec<u64>>> = Arc::default();
        let enter = |caller: u64| {
            let gone = Arc::clone(&gone);
            callers.enter(caller, Box::new(move || gone.lock().expect("no panic").push(caller)))
        };
        let most = u64::try_from(CALLERS_MAX).expect("few");
        assert!((0..most).all(enter));
        // The oldest has called once: those that never did go before it.
        callers.call(0, || ());
        assert!(enter(100) && enter(101));
        assert_eq!(*gone.lock().expect("no panic"), [1, 2]);
        let everybody = callers.lock().keys().copied().collect::<Vec<_>>();
        everybody.iter().for_each(|caller| callers.note(*caller, true));
        assert!(!enter(102), "all are in the midst of a call");
        callers.leave(0);
        assert!(enter(103));
        assert_eq!(gone.lock().expect("no panic").len(), 2);
    }
}
