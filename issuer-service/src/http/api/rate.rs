//! How often somebody may ask: so many at once, so many a second from then on.
//!
//! Owns: the numbers (assumed), who has how many left, who waits. Never: grows with the number of those who asked: who has all left is
//! forgotten.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::failure::ApiError;

/// How often.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Rate {
    /// At once.
    pub(crate) burst: f64,
    /// A second, from then on.
    pub(crate) per_second: f64,
}

/// Whoever is not in yet, of one address; logins are counted for themselves, and wait instead of being refused.
pub(in crate::http) const DOOR: Rate = Rate { burst: 60.0, per_second: 2.0 };
/// An operator or a program, in all sessions together.
pub(in crate::http) const OPERATOR: Rate = Rate { burst: 2_000.0, per_second: 500.0 };
/// Searches for people, of an operator or a program in all sessions together: nobody looks for a number by trying.
pub(in crate::http) const SEARCH: Rate = Rate { burst: 10.0, per_second: 10.0 / 60.0 };
/// Questions with a query password, of a program: each takes a processor for a moment.
pub(in crate::http) const QUESTION: Rate = Rate { burst: 60.0, per_second: 10.0 };
/// Logins of one address that wait at once, as many as it has connections over which nobody is in: 32 seconds of [`DOOR`]. An office of 50
/// people has one address, and begins in the morning.
const LINE: u32 = 64;
/// Who asks at once, before those who have all left are looked for.
const HOLDERS: usize = 4_096;

/// Who has how many left.
#[derive(Debug, Default)]
pub(crate) struct Rates(Mutex<HashMap<String, (f64, Instant, Rate)>>);

impl Rates {
    /// One request of somebody.
    pub(in crate::http) fn take(&self, holder: &str, rate: Rate) -> Result<(), ApiError> {
        self.take_at(holder, rate, Instant::now())
    }

    fn take_at(&self, holder: &str, rate: Rate, now: Instant) -> Result<(), ApiError> {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if held.len() >= HOLDERS {
            held.retain(|_, (left, since, rate)| filled(*left, *since, *rate, now) < rate.burst);
        }
        let (left, since) = held.get(holder).map_or((rate.burst, now), |(left, since, _)| (*left, *since));
        let left = filled(left, since, rate, now);
        if left < 1.0 {
            held.insert(holder.to_owned(), (left, now, rate));
            let seconds = Duration::from_secs_f64((1.0 - left) / rate.per_second).as_secs() + 1;
            return Err(ApiError::TooMany { seconds });
        }
        held.insert(holder.to_owned(), (left - 1.0, now, rate));
        Ok(())
    }
}

/// Those who want to be let in, of one address in the order in which they came: whoever floods the door makes the others of the same
/// address wait, and refuses nobody.
#[derive(Debug, Default)]
pub(in crate::http) struct Lines(Mutex<HashMap<String, Weak<Line>>>);

#[derive(Debug)]
struct Line {
    places: Arc<Semaphore>,
    first: Semaphore,
}

/// A place in a line, until the login is looked at. Who goes away leaves it.
#[derive(Debug)]
pub(in crate::http) struct Place {
    _line: Arc<Line>,
    _place: OwnedSemaphorePermit,
}

impl Lines {
    /// Waits until it is the turn of somebody of an address.
    ///
    /// # Errors
    /// [`ApiError::TooMany`] when [`LINE`] of that address wait already.
    pub(in crate::http) async fn turn(&self, rates: &Rates, address: &str) -> Result<Place, ApiError> {
        let line = self.line(address);
        let seconds = Duration::from_secs_f64(f64::from(LINE) / DOOR.per_second).as_secs();
        let place = Arc::clone(&line.places).try_acquire_owned().map_err(|_| ApiError::TooMany { seconds })?;
        {
            let _first = line.first.acquire().await.map_err(|_| ApiError::BrokenOff)?;
            while let Err(ApiError::TooMany { seconds }) = rates.take(&format!("login {address}"), DOOR) {
                tokio::time::sleep(Duration::from_secs(seconds)).await;
            }
        }
        Ok(Place { _line: line, _place: place })
    }

    fn line(&self, address: &str) -> Arc<Line> {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(line) = lines.get(address).and_then(Weak::upgrade) {
            return line;
        }
        lines.retain(|_, line| line.strong_count() > 0);
        let places = Arc::new(Semaphore::new(usize::try_from(LINE).unwrap_or_default()));
        let line = Arc::new(Line { places, first: Semaphore::new(1) });
        lines.insert(address.to_owned(), Arc::downgrade(&line));
        line
    }
}

fn filled(left: f64, since: Instant, rate: Rate, now: Instant) -> f64 {
    let seconds = now.saturating_duration_since(since).as_secs_f64();
    (left + seconds * rate.per_second).min(rate.burst)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_at_once_and_so_many_a_second_and_each_for_themselves() {
        let (rates, now) = (Rates::default(), Instant::now());
        let rate = Rate { burst: 3.0, per_second: 2.0 };
        let taken = |holder: &str, at: Instant| (0..9).filter(|_| rates.take_at(holder, rate, at).is_ok()).count();
        assert_eq!((taken("a", now), taken("b", now)), (3, 3));
        assert_eq!(taken("a", now + Duration::from_secs(1)), 2);
        assert_eq!(taken("a", now + Duration::from_secs(60)), 3, "no more than at once");
        for number in 0..2 * HOLDERS {
            let at = now + Duration::from_secs(u64::try_from(number).expect("a number") * 60);
            rates.take_at(&number.to_string(), rate, at).expect("each its own");
        }
        assert!(rates.0.lock().expect("held").len() <= HOLDERS);
    }

    #[tokio::test]
    async fn a_line_is_so_long_is_each_addresses_own_and_forgets_who_has_gone() {
        let (rates, lines) = (Rates::default(), Lines::default());
        let mut places = Vec::new();
        for _ in 0..LINE.min(60) {
            places.push(lines.turn(&rates, "a").await.expect("a place"));
        }
        // The burst is used up: the rest of the line waits, and goes away.
        let line = lines.line("a");
        let waiting = Arc::clone(&line.places).try_acquire_many_owned(LINE - 60).expect("places");
        assert_eq!(lines.turn(&rates, "a").await.expect_err("full"), ApiError::TooMany { seconds: 32 });
        lines.turn(&rates, "b").await.expect("another address");
        drop((places.pop(), waiting, line));
        places.push(lines.turn(&rates, "a").await.expect("some have gone"));
        drop(places);
        lines.turn(&rates, "c").await.expect("a place");
        assert_eq!(lines.0.lock().expect("held").len(), 1, "nobody else waits");
    }
}
