//! Ours against the bare cost of the same work, in one run.
//!
//! Owns: the shape of a result; timing in alternating blocks, so that a machine that slows down slows both.
//! Never: compares runs with each other.
//! Units: seconds inside, the unit of a row outside.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

/// One row of the table.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Row {
    /// What was measured.
    pub what: String,
    /// Ours.
    pub ours: f64,
    /// The bare cost of the same work.
    pub bare: f64,
    /// Unit of both.
    pub unit: String,
    /// Ours divided by bare.
    pub ratio: f64,
    /// The bound.
    pub aim: Aim,
    /// Whether the row keeps to it.
    pub met: bool,
    /// What is in it, where the name does not say.
    pub note: String,
}

/// The bound on a row: on its ratio, or on our own figure where the specification names one.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Aim {
    /// A cost: at most this.
    AtMost(f64),
    /// A rate: at least this.
    AtLeast(f64),
    /// A cost that the specification bounds in the row's own unit: ours at most this.
    OursAtMost(f64),
    /// A rate that the specification bounds in the row's own unit: ours at least this.
    OursAtLeast(f64),
    /// No bound: for reading only.
    None,
}

impl Row {
    /// A row from both figures.
    #[must_use]
    pub fn new(what: &str, unit: &str, ours: f64, bare: f64, aim: Aim, note: &str) -> Self {
        let ratio = ours / bare;
        let met = match aim {
            Aim::AtMost(bound) => ratio <= bound,
            Aim::AtLeast(bound) => ratio >= bound,
            Aim::OursAtMost(bound) => ours <= bound,
            Aim::OursAtLeast(bound) => ours >= bound,
            Aim::None => true,
        };
        Self { what: what.to_owned(), ours, bare, unit: unit.to_owned(), ratio, aim, met, note: note.to_owned() }
    }
}

/// Median seconds of one round of each, over `blocks` alternating blocks of `rounds` rounds after one block to warm up.
pub fn alternate(
    blocks: usize,
    rounds: u32,
    mut ours: impl FnMut(u32) -> Duration,
    mut bare: impl FnMut(u32) -> Duration,
) -> (f64, f64) {
    let (mut ours_times, mut bare_times) = (Vec::with_capacity(blocks), Vec::with_capacity(blocks));
    for block in 0..=blocks {
        let (a, b) = (ours(rounds), bare(rounds));
        if block > 0 {
            ours_times.push(a.as_secs_f64() / f64::from(rounds));
            bare_times.push(b.as_secs_f64() / f64::from(rounds));
        }
    }
    (median(ours_times), median(bare_times))
}

/// Time of one block of work.
pub fn timed(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

/// Work on one processor, with the threads that it starts: where the system puts two threads that wake each other says more of a
/// conversation's time than what they do.
pub fn on_one_processor<T>(work: impl FnOnce() -> T) -> T {
    use rustix::thread::{CpuSet, sched_getaffinity, sched_getcpu, sched_setaffinity};
    let before = sched_getaffinity(None).ok();
    let mut here = CpuSet::new();
    here.set(sched_getcpu());
    let pinned = before.is_some() && sched_setaffinity(None, &here).is_ok();
    let done = work();
    if let (Some(before), true) = (before, pinned) {
        // What follows is as fast as on one processor at worst.
        let _ = sched_setaffinity(None, &before);
    }
    done
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cost_has_an_upper_bound_and_a_rate_a_lower_one() {
        assert!(Row::new("", "", 1.05, 1.0, Aim::AtMost(1.05), "").met);
        assert!(!Row::new("", "", 1.2, 1.0, Aim::AtMost(1.05), "").met);
        assert!(!Row::new("", "", 0.7, 1.0, Aim::AtLeast(0.8), "").met);
        assert!(!Row::new("", "", f64::NAN, 1.0, Aim::AtLeast(0.8), "").met);
    }

    #[test]
    fn a_bound_on_our_own_figure_leaves_the_ratio_alone() {
        assert!(Row::new("", "", 2.0, 1e-3, Aim::OursAtMost(2.0), "").met);
        assert!(!Row::new("", "", 2.1, 5.0, Aim::OursAtMost(2.0), "").met);
        assert!(Row::new("", "", 1e6, 1e9, Aim::OursAtLeast(1e6), "").met);
        assert!(!Row::new("", "", f64::NAN, 1.0, Aim::OursAtLeast(1e6), "").met);
    }

    #[test]
    fn the_median_ignores_one_slow_block() {
        assert!((median(vec![3.0, 1.0, 900.0]) - 3.0).abs() < 1e-9);
    }
}
