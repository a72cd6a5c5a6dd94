//! What a site asks for before a card is made: `[requests]` of `centre.toml`.
//!
//! ```toml
//! [requests]
//! renewal_months = 6        # a renewal is asked for so many months before the card expires, not earlier
//! photo_from_age = 16       # who is as old gets no card without a photo; nobody needs one when absent
//! ```
//!
//! Source: photos are required from 16 years at the terminals of one province; months are assumed, cities differ.
//! Owns: the options, their defaults, counting months and years. Never: asks a database.

use serde::{Deserialize, Serialize};
use time::{Date, Month};

use crate::clock;

/// The options.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MakingRules {
    /// Months before its expiry from which a card may be renewed.
    pub renewal_months: u16,
    /// Age in years from which a photo is required.
    pub photo_from_age: Option<u8>,
}

impl Default for MakingRules {
    fn default() -> Self {
        Self { renewal_months: 6, photo_from_age: None }
    }
}

impl MakingRules {
    /// The day from which a card that is valid until another may be renewed; none when that is no day.
    #[must_use]
    pub fn renewable_from(&self, valid_until: &str) -> Option<Date> {
        let until = clock::parse_compact(valid_until)?;
        let months = until.year() * 12 + i32::from(u8::from(until.month())) - 1 - i32::from(self.renewal_months);
        let month = Month::try_from(u8::try_from(months.rem_euclid(12) + 1).ok()?).ok()?;
        // The last day of a shorter month.
        let day = |day| Date::from_calendar_date(months.div_euclid(12), month, day).ok();
        (1..=until.day()).rev().find_map(day)
    }

    /// Whether somebody born on a day gets a card with a photo only. A day that is none asks for one.
    #[must_use]
    pub fn needs_photo(&self, birth_date: &str, today: Date) -> bool {
        let Some(age) = self.photo_from_age else { return false };
        clock::parse_compact(birth_date).is_none_or(|born| clock::years_later(born, age) <= today)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Date {
        clock::parse_compact(text).expect("a day")
    }

    #[test]
    fn months_are_counted_back_to_a_day_that_exists() {
        let from = |months, until| MakingRules { renewal_months: months, photo_from_age: None }.renewable_from(until);
        for (months, until, expected) in [
            (6, "20361122", "20360522"),
            (6, "20310331", "20300930"),
            (1, "20320331", "20320229"),
            (12, "20320229", "20310228"),
            (0, "20300101", "20300101"),
            (13, "20300115", "20281215"),
        ] {
            assert_eq!(from(months, until), Some(day(expected)), "{months} before {until}");
        }
        assert_eq!(from(6, "20300230"), None);
    }

    #[test]
    fn the_birthday_itself_asks_for_a_photo() {
        let rules = MakingRules { photo_from_age: Some(16), ..MakingRules::default() };
        let needs = |born| rules.needs_photo(born, day("20261122"));
        assert!(needs("20101122") && needs("19500101") && needs(""));
        assert!(!needs("20101123"));
        assert!(!MakingRules::default().needs_photo("19500101", day("20261122")));
    }
}
