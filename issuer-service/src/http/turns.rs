//! Acts of operators that come at the same time share a commit.
//!
//! Source: docs/adr/0079. Who comes while others are carried out waits in line; what waits when those are durable is carried out
//! together. One act alone waits for nobody.
//!
//! Owns: the line. Never: answers before the commit that holds the act; lets one act's failure be another's: when the commit does not
//! come, each is done again for itself; does again what may be done: whoever nobody can answer is told that it broke off.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::response::Response;
use tokio::sync::oneshot::{Receiver, Sender, channel};

use super::operators::within;
use crate::error::Error;
use crate::store::{Store, StoreError};

/// Acts of one commit.
const ACTS_MAX: usize = 32;
/// After so long no other act joins a commit: those in it wait for their answers. Tests ask no clock.
const GATHER: Duration = if cfg!(test) { Duration::from_secs(600) } else { Duration::from_millis(20) };

/// An act. It may be carried out more than once, of which one is kept.
pub(super) type Work = dyn FnMut(&mut Store) -> Result<Response, Error> + Send;

/// Who waits.
#[derive(Default)]
pub(super) struct Turns(Mutex<Line>);

#[derive(Default)]
struct Line {
    waiting: Vec<Part>,
    /// Somebody carries out what waits.
    busy: bool,
}

struct Part {
    work: Box<Work>,
    told: Sender<Result<Response, Error>>,
}

impl Turns {
    /// Stands in line: where the answer comes, and whether nobody is there to carry it out.
    pub(super) fn join(&self, work: Box<Work>) -> (Receiver<Result<Response, Error>>, bool) {
        let (told, answer) = channel();
        let mut line = self.line();
        line.waiting.push(Part { work, told });
        (answer, !std::mem::replace(&mut line.busy, true))
    }

    /// Carries out what waits until nothing does.
    pub(super) fn carry_out(&self, store: &Mutex<Store>) {
        loop {
            let mut parts = {
                let mut line = self.line();
                if line.waiting.is_empty() {
                    line.busy = false;
                    return;
                }
                let count = line.waiting.len().min(ACTS_MAX);
                line.waiting.drain(..count).collect::<Vec<_>>()
            };
            // Who dies over an act takes those along that were to be committed with it; the line goes on.
            let alive = std::panic::AssertUnwindSafe(|| {
                let mut store = store.lock().unwrap_or_else(PoisonError::into_inner);
                while !parts.is_empty() {
                    together(&mut store, &mut parts);
                }
            });
            let _ = std::panic::catch_unwind(alive);
        }
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The first of them in one commit, and takes them out.
fn together(store: &mut Store, parts: &mut Vec<Part>) {
    if parts.len() == 1 {
        return parts.drain(..).for_each(|part| alone(store, part));
    }
    let (began, mut begun) = (Instant::now(), 0);
    let done = store.together(|store| {
        let in_time = |(place, _): &(usize, &mut Part)| *place == 0 || began.elapsed() < GATHER;
        let carry = |(place, part): (usize, &mut Part)| {
            begun = place + 1;
            within(store, &mut part.work)
        };
        parts.iter_mut().enumerate().take_while(in_time).map(carry).collect::<Vec<_>>()
    });
    match done {
        Ok(answers) => {
            for (part, answer) in parts.drain(..answers.len()).zip(answers) {
                // Who does not listen any more has gone away.
                let _ = part.told.send(answer);
            }
        }
        // They may be done: nobody does them again, and who waits is told that it broke off.
        Err(StoreError::Unsure) => drop(parts.drain(..begun)),
        Err(_) => parts.drain(..).for_each(|part| alone(store, part)),
    }
}

fn alone(store: &mut Store, mut part: Part) {
    store.take_unsure();
    let answer = within(store, &mut part.work);
    if !store.take_unsure() {
        let _ = part.told.send(answer);
    }
}

impl std::fmt::Debug for Turns {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Turns").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use axum::response::IntoResponse;

    use super::*;
    use crate::audit::Act;
    use crate::store::cut::Cut;
    use crate::store::{Place, Server, StoreError, fresh};

    fn act(name: &'static str, bad: bool) -> Box<Work> {
        Box::new(move |store| {
            store.act(|tx| -> Result<_, Error> {
                tx.set_fact(name, "written")?;
                if bad {
                    return Err(StoreError::Conflict { constraint: name.to_owned() }.into());
                }
                let (actor, object, detail) = ("x".to_owned(), format!("place {name}"), String::new());
                Ok((name.into_response(), Act { actor, act: "test", object, detail }))
            })
        })
    }

    fn new(folder: &std::path::Path) -> Mutex<Store> {
        Mutex::new(Store::create(&Place::File(folder.join("x.db")), folder).expect("created"))
    }

    fn there(store: &Mutex<Store>) -> Vec<bool> {
        let mut store = store.lock().unwrap_or_else(PoisonError::into_inner);
        ["a", "b", "c"].map(|name| store.read(|tx| tx.fact(name)).expect("read").is_some()).to_vec()
    }

    fn words(folder: &std::path::Path) -> Vec<String> {
        let text = std::fs::read_to_string(folder.join("audit.anchor")).expect("an anchor");
        text.lines().filter_map(|line| line.split(' ').next().map(str::to_owned)).collect()
    }

    #[test]
    fn who_waits_together_shares_a_commit_and_is_answered_behind_it() {
        let folder = tempfile::tempdir().expect("folder");
        let (turns, store) = (Turns::default(), new(folder.path()));
        let told: Vec<_> =
            [("a", false), ("b", true), ("c", false)].map(|(name, bad)| turns.join(act(name, bad))).into();
        let first: Vec<bool> = told.iter().map(|(_, first)| *first).collect();
        assert_eq!(first, [true, false, false], "one of them carries all out");
        turns.carry_out(&store);
        let told: Vec<bool> =
            told.into_iter().map(|(mut answer, _)| answer.try_recv().expect("answered").is_ok()).collect();
        assert_eq!(told, [true, false, true]);
        assert_eq!(
            (there(&store), words(folder.path())),
            (vec![true, false, true], ["start", "intend", "with", "done"].map(str::to_owned).to_vec())
        );
        // The line is free again, and one alone needs nobody.
        let (mut answer, first) = turns.join(act("b", false));
        assert!(first);
        turns.carry_out(&store);
        assert!(answer.try_recv().expect("answered").is_ok());
        assert_eq!(there(&store), [true; 3]);
    }

    #[test]
    fn when_the_commit_does_not_come_each_is_done_for_itself_and_when_somebody_dies_nobody_is_left_waiting() {
        let folder = tempfile::tempdir().expect("folder");
        let (turns, store) = (Turns::default(), new(folder.path()));
        turns.join(act("a", false));
        turns.carry_out(&store);
        // Somebody takes the anchor away behind the first act: the commit of both is refused. It is back when they are done again.
        let (anchor, aside) = (folder.path().join("audit.anchor"), folder.path().join("aside"));
        let (mut later, back) = (act("b", false), (aside.clone(), anchor.clone()));
        let (mut good, _) = turns.join(Box::new(move |store| {
            let _ = std::fs::rename(&back.0, &back.1);
            later(store)
        }));
        let mut times = 0;
        let (mut bad, _) = turns.join(Box::new(move |store| {
            times += 1;
            if times == 1 {
                std::fs::rename(&anchor, &aside).expect("taken away");
            }
            store.read(|tx| tx.fact("a")).map(|_| "".into_response()).map_err(Error::from)
        }));
        turns.carry_out(&store);
        assert!(bad.try_recv().expect("answered").is_ok() && good.try_recv().expect("answered").is_ok());
        assert_eq!(there(&store), [true, true, false]);
        let records = store.lock().expect("nobody has it").read(|tx| tx.audit_page(0, 9)).expect("read");
        assert_eq!(records.len(), 2, "done once");
        let (mut with, _) = turns.join(act("c", false));
        let (mut died, _) = turns.join(Box::new(|_| panic!("dies")));
        let (mut behind, _) = turns.join(act("c", false));
        turns.carry_out(&store);
        assert!(with.try_recv().is_err() && died.try_recv().is_err() && behind.try_recv().is_err());
        assert_eq!(there(&store), [true, true, false], "nothing of theirs was done");
        let (mut later, first) = turns.join(act("c", false));
        assert!(first, "the line goes on");
        turns.carry_out(&store);
        assert!(later.try_recv().expect("answered").is_ok());
        assert_eq!(there(&store), [true; 3]);
    }

    #[test]
    fn what_a_commit_did_whose_answer_was_lost_is_answered_and_done_once_and_what_nobody_knows_broke_off() {
        let folder = tempfile::tempdir().expect("folder");
        // A file has no line that breaks.
        let Some((cut, url)) = fresh::fresh().map(|url| Cut::of(&url)) else { return };
        let place = Place::Server(Box::new(Server::new(&url, None, None).expect("an address")));
        let (turns, store) = (Turns::default(), Mutex::new(Store::create(&place, folder.path()).expect("created")));
        let times = Arc::new(AtomicU32::new(0));
        let counted = |name| {
            let (mut work, times) = (act(name, false), Arc::clone(&times));
            let work: Box<Work> = Box::new(move |store| {
                times.fetch_add(1, Ordering::Relaxed);
                work(store)
            });
            turns.join(work).0
        };
        let records = || store.lock().expect("nobody has it").read(|tx| tx.audit_page(0, 9)).expect("read").len();
        for (alone, break_it) in [(false, Cut::behind as fn(&Cut)), (true, Cut::behind), (false, Cut::before)] {
            let names: &[&str] = if alone { &["a"] } else { &["a", "b"] };
            let (before, done) = (times.load(Ordering::Relaxed), records());
            let mut told: Vec<_> = names.iter().map(|name| counted(name)).collect();
            break_it(&cut);
            turns.carry_out(&store);
            assert!(told.iter_mut().all(|told| told.try_recv().expect("answered").is_ok()));
            assert!(cut.is_whole(), "it broke");
            let again = if std::ptr::fn_addr_eq(break_it, Cut::before as fn(&Cut)) { 2 } else { 1 };
            let carried = times.load(Ordering::Relaxed) - before;
            assert_eq!((carried as usize, records() - done), (names.len() * again, names.len()));
        }
        for names in [&["a", "b"][..], &["a"]] {
            let (before, done) = (times.load(Ordering::Relaxed), records());
            let mut told: Vec<_> = names.iter().map(|name| counted(name)).collect();
            cut.for_good();
            turns.carry_out(&store);
            assert!(told.iter_mut().all(|told| told.try_recv().is_err()), "nobody is told anything");
            cut.mend();
            assert_eq!(times.load(Ordering::Relaxed) - before, u32::try_from(names.len()).expect("two"));
            assert_eq!(records() - done, names.len(), "they were done");
        }
    }
}
