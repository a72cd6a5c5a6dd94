//! What the readers of a station write at the same time goes into one transaction.
//!
//! Source: docs/adr/0064. Whoever comes to the database carries out everything that waits by then; who waited meanwhile finds it
//! done. Nobody goes on before the commit that holds its own part.
//!
//! Owns: the queue, one connection for all. Never: lets one part's failure be another's: what failed together is done one by one; does
//! again what may be done.

use std::sync::mpsc::{SyncSender, TryRecvError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::failure::StationError;
use crate::store::{Store, StoreError, Tx};

/// Writes of one station.
#[derive(Default)]
pub struct Gather<'a> {
    waiting: Mutex<Vec<Part<'a>>>,
    writer: Mutex<Option<Store>>,
    /// Held while somebody connects, and never over a commit: who comes with the first writes gathers too.
    connected: Mutex<bool>,
}

/// Carried out in a transaction.
type Work<'a> = dyn FnMut(&Tx<'_>) -> Result<(), StationError> + Send + 'a;

/// What one reader writes. It may be carried out more than once, of which one is kept.
struct Part<'a> {
    work: Box<Work<'a>>,
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
        // Before anything waits: who is told that there is no database leaves nothing behind for others to write.
        let mut connected = locked(&self.connected);
        if !*connected {
            *locked(&self.writer) = Some(open()?);
            *connected = true;
        }
        drop(connected);
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
                let store = writer.as_mut().expect("connected above");
                // The queue is open while these are written: whoever comes by then is in the next commit.
                let parts = std::mem::take(&mut *locked(&self.waiting));
                carry_out(store, parts);
                told.recv().expect("our part was among them")
            }
        };
        outcome.map(|()| locked(&kept).take().expect("what is done has an outcome"))
    }
}

/// All in one transaction; when nothing of that was kept, each in its own.
fn carry_out(store: &mut Store, mut parts: Vec<Part<'_>>) {
    let together = match parts.len() {
        0 | 1 => None,
        _ => Some(store.journal(|tx| parts.iter_mut().try_for_each(|part| (part.work)(tx)))),
    };
    for Part { mut work, done } in parts {
        let outcome = match &together {
            Some(Ok(())) => Ok(()),
            Some(Err(StationError::Store(StoreError::Unsure))) => Err(StoreError::Unsure.into()),
            Some(Err(_)) | None => store.journal(|tx| work(tx)),
        };
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

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
    use std::time::{Duration, Instant};

    use super::*;
    use crate::audit::Act;
    use crate::store::cut::Cut;
    use crate::store::{Place, Server, StoreError, fresh};

    struct Folder(tempfile::TempDir);

    impl Folder {
        fn new() -> Self {
            let folder = Self(tempfile::tempdir().expect("folder"));
            drop(Store::create(&folder.place(), folder.0.path()).expect("created"));
            folder
        }

        fn place(&self) -> Place {
            Place::File(self.0.path().join("x.db"))
        }

        fn open(&self) -> Result<Store, StationError> {
            Ok(Store::open(&self.place(), self.0.path())?)
        }

        /// Lines of the anchor that begin with a word.
        fn lines(&self, word: &str) -> usize {
            let text = std::fs::read_to_string(self.0.path().join("audit.anchor")).expect("an anchor");
            text.lines().filter(|line| line.starts_with(word)).count()
        }

        fn facts(&self) -> Vec<bool> {
            let mut store = self.open().expect("opens");
            let look = |name| store.read(|tx| tx.fact(name)).expect("read").is_some();
            ["a", "b", "c"].map(look).to_vec()
        }
    }

    /// Three readers write at once, while the database is kept from all of them; how often each was carried out.
    fn three_at_once(folder: &Folder, bad: &str) -> Vec<(bool, u32)> {
        let counts = [const { AtomicU32::new(0) }; 3];
        let gather = Gather::default();
        gather.write(|| folder.open(), |_| Ok(())).expect("connects");
        let held = locked(&gather.writer);
        let outcomes = std::thread::scope(|scope| {
            let threads: Vec<_> = ["a", "b", "c"]
                .into_iter()
                .zip(&counts)
                .map(|(name, count)| {
                    let (gather, bad) = (&gather, bad == name);
                    scope.spawn(move || {
                        gather.write(
                            || folder.open(),
                            move |tx| {
                                count.fetch_add(1, Ordering::Relaxed);
                                tx.log_is_whole()?;
                                tx.set_fact(name, "written")?;
                                let (actor, object, detail) = ("x".to_owned(), format!("place {name}"), String::new());
                                tx.append_audit(&Act { actor, act: "test", object, detail })?;
                                if bad {
                                    Err(StoreError::Conflict { constraint: name.to_owned() }.into())
                                } else {
                                    Ok(name)
                                }
                            },
                        )
                    })
                })
                .collect();
            while locked(&gather.waiting).len() < 3 {
                std::thread::yield_now();
            }
            drop(held);
            threads.into_iter().map(|thread| thread.join().expect("ends").is_ok()).collect::<Vec<_>>()
        });
        outcomes.into_iter().zip(counts.iter().map(|count| count.load(Ordering::Relaxed))).collect()
    }

    #[test]
    fn what_waits_together_is_one_commit() {
        let folder = Folder::new();
        assert_eq!(three_at_once(&folder, "nobody"), [(true, 1), (true, 1), (true, 1)]);
        assert_eq!((folder.lines("intend"), folder.lines("with"), folder.lines("done")), (1, 2, 1));
        assert_eq!(folder.facts(), [true, true, true]);
        // The log goes on behind it.
        assert_eq!(three_at_once(&folder, "nobody"), [(true, 1), (true, 1), (true, 1)]);
        assert_eq!((folder.lines("intend"), folder.lines("with")), (2, 4));
    }

    #[test]
    fn one_that_fails_fails_alone_and_leaves_nothing() {
        let folder = Folder::new();
        let told = three_at_once(&folder, "b");
        assert_eq!(told.iter().map(|(good, _)| *good).collect::<Vec<_>>(), [true, false, true]);
        assert_eq!(folder.facts(), [true, false, true]);
        assert_eq!((folder.lines("intend"), folder.lines("with")), (2, 0), "each in a commit of its own");
    }

    #[test]
    fn who_comes_while_the_first_one_connects_waits_for_no_commit_but_its_own() {
        let (folder, came, go) = (Folder::new(), AtomicU32::new(0), AtomicBool::new(false));
        let gather = Gather::default();
        let soon = |what: &dyn Fn() -> bool| {
            let until = Instant::now() + Duration::from_secs(3);
            while !what() && Instant::now() < until {
                std::thread::sleep(Duration::from_millis(1));
            }
        };
        std::thread::scope(|scope| {
            let (gather, folder, came, go) = (&gather, &folder, &came, &go);
            for name in ["a", "b", "c"] {
                scope.spawn(move || {
                    came.fetch_add(1, Ordering::SeqCst);
                    let open = || {
                        soon(&|| came.load(Ordering::SeqCst) == 3);
                        // They are told, and then they ask: a moment that no counter sees.
                        std::thread::sleep(Duration::from_millis(50));
                        folder.open()
                    };
                    let work = move |tx: &Tx<'_>| {
                        soon(&|| go.load(Ordering::SeqCst));
                        tx.set_fact(name, "written")?;
                        let (actor, object, detail) = ("x".to_owned(), format!("place {name}"), String::new());
                        Ok(tx.append_audit(&Act { actor, act: "test", object, detail }).map(drop)?)
                    };
                    gather.write(open, work).expect("written");
                });
            }
            soon(&|| locked(&gather.waiting).len() == 2);
            go.store(true, Ordering::SeqCst);
        });
        assert_eq!(folder.facts(), [true, true, true]);
        assert!(folder.lines("intend") < 3, "one of them alone, then both that waited");
    }

    #[test]
    fn who_cannot_connect_is_told_and_keeps_nobody_waiting() {
        let gather = Gather::default();
        let nowhere = || Err(StoreError::NoCentre.into());
        assert!(gather.write(nowhere, |_| Ok(())).is_err());
        let folder = Folder::new();
        assert!(gather.write(|| folder.open(), |tx| Ok(tx.set_fact("a", "written")?)).is_ok());
    }

    #[test]
    fn what_a_commit_did_whose_answer_was_lost_is_not_done_again() {
        // A file has no line that breaks.
        let Some((cut, url)) = fresh::fresh().map(|url| Cut::of(&url)) else { return };
        let folder = tempfile::tempdir().expect("folder");
        let place = Place::Server(Box::new(Server::new(&url, None, None).expect("an address")));
        let mut store = Store::create(&place, folder.path()).expect("created");
        for (break_it, good, carried) in
            [(Cut::behind as fn(&Cut), true, 1), (Cut::before, true, 2), (Cut::for_good, false, 1)]
        {
            let before = store.read(|tx| tx.audit_page(0, 99)).expect("read").len();
            let counts = [const { AtomicU32::new(0) }; 2];
            let (parts, told): (Vec<_>, Vec<_>) = counts
                .iter()
                .map(|count| {
                    let (done, told) = sync_channel(1);
                    let work = Box::new(move |tx: &Tx<'_>| {
                        count.fetch_add(1, Ordering::Relaxed);
                        let (actor, object, detail) = ("x".to_owned(), "place x".to_owned(), String::new());
                        tx.append_audit(&Act { actor, act: "test", object, detail })?;
                        Ok(())
                    });
                    (Part { work: work as Box<Work<'_>>, done }, told)
                })
                .unzip();
            break_it(&cut);
            carry_out(&mut store, parts);
            let told: Vec<bool> = told.iter().map(|told| told.recv().expect("told").is_ok()).collect();
            assert_eq!(told, [good; 2]);
            assert_eq!(counts.map(AtomicU32::into_inner), [carried; 2]);
            cut.mend();
            assert_eq!(store.read(|tx| tx.audit_page(0, 99)).expect("read").len(), before + 2, "done once");
        }
    }
}
