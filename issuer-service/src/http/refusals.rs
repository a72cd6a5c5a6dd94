//! Refusals of stations on their way into the audit log: each of the first, of the rest their number.
//!
//! Owns: what is recorded of them. Never: lets a station fill the disk with what it is refused.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::clock;
use crate::error::Explain;
use crate::station::failure::StationError;

/// Refusals of one station within an hour that are recorded each (assumed); of more, every power of ten.
const EACH_MAX: u64 = 20;
/// Seconds that are counted together.
const HOUR: u64 = 3_600;

/// Refusals of this process's life.
#[derive(Debug, Default)]
pub(super) struct Refusals(Mutex<HashMap<String, Hour>>);

#[derive(Debug, Default)]
struct Hour {
    begun: u64,
    refusals: u64,
    recorded: u64,
}

impl Refusals {
    /// What the audit log is told of one more refusal, if anything.
    pub(super) fn told(&self, station: &str, error: &StationError) -> Option<String> {
        let text = format!("{}: {error}", error.code());
        self.counted(station, clock::seconds()).map(|more| text + &more)
    }

    fn counted(&self, station: &str, now: u64) -> Option<String> {
        let mut hours = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let hour = hours.entry(station.to_owned()).or_default();
        let mut more = String::new();
        if now.saturating_sub(hour.begun) >= HOUR {
            if hour.refusals > hour.recorded {
                more = format!("; {} refusals in the last hour that had any", hour.refusals);
            }
            *hour = Hour { begun: now, ..Hour::default() };
        }
        hour.refusals += 1;
        if hour.refusals > EACH_MAX {
            if !is_power_of_ten(hour.refusals) {
                return None;
            }
            more = format!("; {} refusals within an hour", hour.refusals);
        } else if hour.refusals == EACH_MAX {
            more += "; more of this hour are counted";
        }
        hour.recorded = hour.refusals;
        Some(more)
    }
}

const fn is_power_of_ten(mut count: u64) -> bool {
    while count != 0 && count.is_multiple_of(10) {
        count /= 10;
    }
    count == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_refusals_are_told_each_and_the_rest_by_number() {
        let refusals = Refusals::default();
        let told = |now, count: u64| (0..count).filter_map(|_| refusals.counted("east", now)).collect::<Vec<_>>();
        let first = told(10_000, 5_000);
        assert_eq!(first.len(), 22);
        assert_eq!(first.first().map(String::as_str), Some(""));
        assert_eq!(first[19], "; more of this hour are counted");
        assert_eq!(first[20..], ["; 100 refusals within an hour", "; 1000 refusals within an hour"]);
        assert!(refusals.counted("west", 10_000).is_some(), "each station has its own");
        assert_eq!(told(10_000 + HOUR, 1), ["; 5000 refusals in the last hour that had any"]);
        assert_eq!(told(10_000 + 2 * HOUR, 1), [""], "nothing was left out");
    }
}
