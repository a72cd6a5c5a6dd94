//! What the readers of a station write at the same time goes into one transaction.
//!
//! Source: docs/adr/0064. Whoever comes to the database carries out everything that waits by then; who waited meanwhile finds it
//! done. Nobody goes on before the commit that holds its own part.
//!
//! Owns: the queue, one connection for all. Never: lets one part's failure be another's: what failed together is done one by one.

use std::sync::mpsc::{SyncSender, TryRecvError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::failure::StationError;
use crate::store::{Store, Tx};

/// Writes of one station.
#[derive(Default)]
pub struct Gather<'a> {
    waiting: Mutex<Vec<Part<'a>>>,
    writer: Mutex<Option<Store>>,
}

/// What one reader writes. It may be carried out more than once, of which one is kept.
struct Part<'a> {
    work: Box<dyn FnMut(&Tx<'_>) -> Result<(), StationError> + Send + 'a>,
    done: SyncSender<Result<(), StationError>>,
}

impl<'a> Gather<'a> {
    /// Writes, with whatever others write now; durable when it returns. `open` connects, when nobody has yet.
    ///
    /// # Errors
    /// What `work` gives for itself, or [`StationError::Store`].
    pub(super) fn write<T: Send + 'a>(
        &self,
        open: impl FnOnce() -> Result<Store, StationError>,
        mut work: impl FnMut(&Tx<'_>) -> Result<T, StationError> + Send + 'a,
    ) -> Result<T, StationError> {
        let kept = Arc::new(Mutex::new(None));
        let (done, told) = sync_channel(1);
        let keep = Arc::clone(&kept);
        let work = Box::new(move |tx: &Tx<'_>| {
            let outcome = work(tx)?;
            *locked(&keep) = Some(outcome);
            Ok(())
        });
        locked(&self.waiting).push(Part { work, done });
        let mut writer = locked(&self.writer);
        let outcome = match told.try_recv() {
            Ok(outcome) => outcome,
            // Whoever had it died over it; so does this reader.
            Err(TryRecvError::Disconnected) => unreachable!("a writer that dies takes its station along"),
            Err(TryRecvError::Empty) => {
                let store = match &mut *writer {
                    Some(store) => store,
                    none => none.insert(open()?),
                };
                carry_out(store, std::mem::take(&mut *locked(&self.waiting)));
                told.recv().expect("our part was among them")
            }
        };
        outcome.map(|()| locked(&kept).take().expect("what is done has an outcome"))
    }
}

/// All in one transaction; when that fails, each in its own.
fn carry_out(store: &mut Store, mut parts: Vec<Part<'_>>) {
    let together = parts.len() > 1
        && store.journal(|tx| parts.iter_mut().try_for_each(|part| (part.work)(tx))).is_ok();
    for Part { mut work, done } in parts {
        let outcome = if together { Ok(()) } else { store.journal(|tx| work(tx)) };
        // A reader that does not listen any more has died.
        let _ = done.send(outcome);
    }
}

fn locked<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

impl std::fmt::Debug for Gather<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gather").finish_non_exhaustive()
    }
}
