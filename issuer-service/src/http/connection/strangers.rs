//! Connections over which nobody has shown who it is: so many of one address, so many of all.
//!
//! Owns: who of them makes room for another. Never: sends one away whose request is being answered.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::Notify;

use super::Limits;

/// All of them at one edge.
#[derive(Clone, Default)]
pub(super) struct Strangers(Arc<Mutex<Here>>);

#[derive(Default)]
struct Here {
    last: u64,
    all: BTreeMap<u64, Stranger>,
}

struct Stranger {
    holder: String,
    /// Since when it has said nothing.
    since: Instant,
    /// Requests of it that are being answered.
    busy: usize,
    leave: Arc<Notify>,
}

/// The place of one of them, given back when it is dropped.
pub(super) struct Place {
    newcomer: Newcomer,
    leave: Arc<Notify>,
}

/// A connection over which nobody has shown yet who it is; a copy is with each of its requests.
#[derive(Clone)]
pub(in crate::http) struct Newcomer {
    number: u64,
    strangers: Strangers,
}

/// A request of a stranger while it is answered.
pub(super) struct Busy(Newcomer);

impl Strangers {
    /// A place for one more, if need be that of the one that has said nothing for longest; none when each of them is being answered.
    pub(super) fn take(&self, holder: &str, limits: Limits) -> Option<Place> {
        let mut here = self.here();
        let of_one = here.all.values().filter(|stranger| stranger.holder == holder).count();
        if of_one >= limits.newcomers_of_one && !here.dismiss(|stranger| stranger.holder == holder)
            || here.all.len() >= limits.newcomers && !here.dismiss(|_| true)
        {
            return None;
        }
        here.last += 1;
        let (number, leave) = (here.last, Arc::new(Notify::new()));
        let (holder, since) = (holder.to_owned(), Instant::now());
        here.all.insert(number, Stranger { holder, since, busy: 0, leave: Arc::clone(&leave) });
        Some(Place { newcomer: Newcomer { number, strangers: self.clone() }, leave })
    }

    fn here(&self) -> MutexGuard<'_, Here> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Here {
    /// Sends away the one of these that has said nothing for longest; whether there was one.
    fn dismiss(&mut self, of: impl Fn(&Stranger) -> bool) -> bool {
        let idle = self.all.iter().filter(|(_, stranger)| stranger.busy == 0 && of(stranger));
        let Some(number) = idle.min_by_key(|(_, stranger)| stranger.since).map(|(number, _)| *number) else {
            return false;
        };
        if let Some(stranger) = self.all.remove(&number) {
            stranger.leave.notify_one();
        }
        true
    }
}

impl Place {
    /// What goes with each request.
    pub(super) fn newcomer(&self) -> Newcomer {
        self.newcomer.clone()
    }

    /// A request begins.
    pub(super) fn begins(&self) -> Busy {
        self.newcomer.with(|stranger| stranger.busy += 1);
        Busy(self.newcomer())
    }

    /// Ends when another one has this place.
    pub(super) async fn given_up(&self) {
        self.leave.notified().await;
    }
}

impl Newcomer {
    /// Somebody is in: the connection is no newcomer's any more.
    pub(in crate::http) fn is_known(&self) {
        self.strangers.here().all.remove(&self.number);
    }

    fn with(&self, work: impl FnOnce(&mut Stranger)) {
        self.strangers.here().all.get_mut(&self.number).map(work);
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.with(|stranger| {
            stranger.busy -= 1;
            stranger.since = Instant::now();
        });
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.newcomer.is_known();
    }
}
