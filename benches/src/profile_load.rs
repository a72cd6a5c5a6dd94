//! Milliseconds to load each built-in profile, against the TOML reader alone over the same texts.
//!
//! Owns: the chain of texts of a profile, for the bare loop. Never: leaves one out: the row is the slowest of all.

use std::hint::black_box;

use card_profiles::Profile;
use card_profiles::builtin::{builtin_text, names};
use toml::de::DeTable;

use crate::measure::{Aim, Row, alternate, timed};

/// Loads in a block of the measurement. Short blocks: one fits between two turns of the scheduler.
const ROUNDS: u32 = 1;

/// Blocks of the measurement.
const BLOCKS: usize = 51;

/// Milliseconds that a profile may take.
const AIM: f64 = 2.0;

/// The row of the slowest built-in profile.
///
/// # Panics
/// Never: the built-in profiles load.
#[must_use]
pub fn measure() -> Row {
    let slowest = names().map(one).max_by(|(_, a, _), (_, b, _)| a.total_cmp(b)).expect("there are built-in profiles");
    let (name, ours, bare) = slowest;
    let note = format!(
        "{name}, the slowest of {}: text, all that it extends, rows; bare: the same texts through the TOML reader alone",
        names().count()
    );
    Row::new("one profile loaded", "ms", ours * 1e3, bare * 1e3, Aim::OursAtMost(AIM), &note)
}

/// Name, and seconds of ours and of the bare loop.
fn one(name: &'static str) -> (&'static str, f64, f64) {
    let texts = chain(name);
    let text = *texts.first().expect("the text itself");
    let (ours, bare) = alternate(
        BLOCKS,
        ROUNDS,
        |rounds| {
            timed(|| {
                for _ in 0..rounds {
                    black_box(Profile::parse(black_box(text)).expect("a built-in profile"));
                }
            })
        },
        |rounds| {
            timed(|| {
                for _ in 0..rounds {
                    for text in &texts {
                        black_box(DeTable::parse(black_box(text)).expect("a built-in profile"));
                    }
                }
            })
        },
    );
    (name, ours, bare)
}

/// The text of a profile and those that it extends.
fn chain(name: &str) -> Vec<&'static str> {
    let mut texts = Vec::new();
    let mut next = Some(name.to_owned());
    while let Some(name) = next.take() {
        let text = builtin_text(&name).expect("built in");
        next = Profile::parse(text).expect("a built-in profile").base;
        texts.push(text);
    }
    texts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_regional_profile_is_read_with_all_that_it_extends() {
        assert_eq!(chain("ssc-1.0").len(), 1);
        assert!(chain("ssc-2.0-shandong").len() >= 3);
    }
}
