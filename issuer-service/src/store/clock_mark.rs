//! When the clock allows an act: it stands neither before the log nor days beyond the mark.
//!
//! The mark is the last instant at which the clock was believed, a fact of the centre. Each record moves it on that stands near it,
//! and `audit clock` sets it; a record that ends what was begun on a clock that jumped leaves it where it was, so that nothing begins
//! behind such a record either. A database from before there was one has the time of its last record. Beside it stands how long the
//! machine had run when it was last told to believe its clock, or had begun to run (docs/adr/0073): until it starts anew its clock can
//! have moved by nothing else, in one step or in many.
//!
//! Owns: the mark, what a site allows. Never: gives order; order comes from sequences.

use super::engine::OptionalExtension;
use super::{StoreError, Tx};
use crate::clock::{self, Running};

/// Fact: the last instant at which the clock was believed.
const MARK: &str = "clock_mark";
/// Fact: an instant of this start of the machine at which its clock was right: its start, seconds since, seconds since 1970.
const TICKS: &str = "clock_ticks";
/// Seconds by which a mark is behind before it is written anew.
const STEP: u64 = 60;
/// Seconds of a day.
const DAY: u64 = 86_400;

/// How far the clock may stand from the log, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockRules {
    /// Before the last record.
    pub behind: u64,
    /// Beyond the mark.
    pub ahead: u64,
}

impl ClockRules {
    /// So many minutes before the last record, so many days beyond the mark.
    #[must_use]
    pub fn of(minutes: u32, days: u8) -> Self {
        Self { behind: u64::from(minutes) * 60, ahead: u64::from(days) * DAY }
    }
}

impl Default for ClockRules {
    /// Five minutes and three days (assumed: clocks of one site differ by less; a weekend passes without an act).
    fn default() -> Self {
        Self::of(5, 3)
    }
}

impl Tx<'_> {
    /// Whether something may begin: the clock stands neither before the log nor days beyond the last time it was believed. What a
    /// date sets free, and what bears today's date, waits until somebody answers for a clock that jumped.
    ///
    /// # Errors
    /// [`StoreError::ClockBehind`], [`StoreError::ClockAhead`], [`StoreError::ClockMoved`].
    pub fn clock_holds(&self) -> Result<(), StoreError> {
        let (now, mark) = (clock::seconds(), self.clock_mark()?);
        let latest = mark.max(self.last_recorded()?).unwrap_or_default();
        if now.saturating_add(self.rules.behind) < latest {
            return Err(StoreError::ClockBehind { now: clock::instant(now), last: clock::instant(latest) });
        }
        match mark {
            Some(mark) if now > mark.saturating_add(self.rules.ahead) => {
                Err(StoreError::ClockAhead { now: clock::instant(now), last: clock::instant(mark) })
            }
            _ => match self.moved_from(now)? {
                Some(due) => Err(StoreError::ClockMoved { now: clock::instant(now), due: clock::instant(due) }),
                None => Ok(()),
            },
        }
    }

    /// Somebody answers for the clock: it is believed as it stands now.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn believe_clock(&self) -> Result<(), StoreError> {
        let now = clock::seconds();
        self.set_mark(now)?;
        self.set_ticks(now)
    }

    /// Something happens now: the mark comes along, unless the clock has left it.
    pub(super) fn follow_clock(&self) -> Result<(), StoreError> {
        let (now, stored) = (clock::seconds(), self.stored_mark()?);
        let Some(mark) = (if stored.is_some() { stored } else { self.last_recorded()? }) else {
            self.set_mark(now)?;
            return self.set_ticks(now);
        };
        let near = mark.saturating_add(STEP)..=mark.saturating_add(self.rules.ahead);
        if near.contains(&now) && self.moved_from(now)?.is_none() {
            if self.due()?.is_none() {
                self.set_ticks(now)?;
            }
            return self.set_mark(now);
        }
        if stored.is_some() { Ok(()) } else { self.set_fact(MARK, &mark.to_string()) }
    }

    /// The clock is believed at `at`.
    fn set_mark(&self, at: u64) -> Result<(), StoreError> {
        self.set_fact(MARK, &at.to_string())
    }

    /// What the clock says is held against `at` until the machine starts anew.
    fn set_ticks(&self, at: u64) -> Result<(), StoreError> {
        let ticks = clock::running().map(|Running { boot, seconds }| format!("{boot} {seconds} {at}"));
        self.set_fact(TICKS, &ticks.unwrap_or_default())
    }

    /// What the clock should say by the time that this machine has run, when it says something else.
    fn moved_from(&self, now: u64) -> Result<Option<u64>, StoreError> {
        Ok(self.due()?.filter(|due| due.abs_diff(now) > self.rules.behind))
    }

    /// What the clock should say by the time that this machine has run. Of another start, or another machine, nothing can be told.
    fn due(&self) -> Result<Option<u64>, StoreError> {
        let Some(ticks) = self.fact(TICKS)? else { return Ok(None) };
        let mut words = ticks.split(' ');
        let mut next = || words.next();
        let (boot, ran, at) = (next(), number(next()), number(next()));
        Ok(clock::running().zip(ran.zip(at)).and_then(|(running, (ran, at))| {
            let since = running.seconds.checked_sub(ran).filter(|_| boot == Some(running.boot.as_str()))?;
            Some(at.saturating_add(since))
        }))
    }

    /// Seconds since 1970 of the last record; `None` for an empty log.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn last_recorded(&self) -> Result<Option<u64>, StoreError> {
        let mut find = self.sql.prepare("SELECT recorded_at FROM audit ORDER BY sequence DESC LIMIT 1")?;
        let at: Option<String> = find.query_row((), |row| row.get(0)).optional()?;
        Ok(at.map(|at| clock::seconds_of(&at)))
    }

    fn clock_mark(&self) -> Result<Option<u64>, StoreError> {
        let stored = self.stored_mark()?;
        if stored.is_some() { Ok(stored) } else { self.last_recorded() }
    }

    /// Seconds since 1970. What is none of ours is believed nothing of.
    fn stored_mark(&self) -> Result<Option<u64>, StoreError> {
        Ok(self.fact(MARK)?.map(|at| at.parse().unwrap_or_default()))
    }
}

fn number(text: Option<&str>) -> Option<u64> {
    text?.parse().ok()
}
