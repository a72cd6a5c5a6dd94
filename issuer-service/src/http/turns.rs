//! Acts of operators that come at the same time share a commit.
//!
//! Source: docs/adr/0079. Who comes while others are carried out waits in line; what waits when those are durable is carried out
//! together. One act alone waits for nobody.
//!
//! Owns: the line. Never: answers before the commit that holds the act; lets one act's failure be another's: when the commit does not
//! come, each is done again for itself.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::response::Response;
use tokio::sync::oneshot::{Receiver, Sender, channel};

use super::operators::within;
use crate::error::Error;
use crate::store::Store;

/// Acts of one commit.
const ACTS_MAX: usize = 32;
/// After so long no other act joins a commit: those in it wait for their answers.
const GATHER: Duration = Duration::from_millis(20);

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
    let began = Instant::now();
    let done = store.together(|store| {
        let in_time = |(place, _): &(usize, &mut Part)| *place == 0 || began.elapsed() < GATHER;
        let carry = |(_, part): (usize, &mut Part)| within(store, &mut part.work);
        parts.iter_mut().enumerate().take_while(in_time).map(carry).collect::<Vec<_>>()
    });
    match done {
        Ok(answers) => {
            for (part, answer) in parts.drain(..answers.len()).zip(answers) {
                // Who does not listen any more has gone away.
                let _ = part.told.send(answer);
            }
        }
        Err(_) => parts.drain(..).for_each(|part| alone(store, part)),
    }
}

fn alone(store: &mut Store, mut part: Part) {
    let answer = within(store, &mut part.work);
    let _ = part.told.send(answer);
}

impl std::fmt::Debug for Turns {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Turns").finish_non_exhaustive()
    }
}
