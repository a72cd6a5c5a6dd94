//! Time: UTC instants for records, the calendar date of China for what is printed on cards.
//!
//! Owns: reading the clock. Never: gives order; order comes from sequences.

use time::format_description::StaticFormatDescription;
use time::macros::{format_description, offset};
use time::{Date, OffsetDateTime};

const INSTANT: StaticFormatDescription =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");
const COMPACT_DATE: StaticFormatDescription = format_description!("[year][month][day]");

/// The present instant in UTC: `2026-03-01T08:30:00.123Z`.
#[must_use]
pub fn now() -> String {
    OffsetDateTime::now_utc().format(INSTANT).expect("a fixed format of a present instant")
}

/// Today in China (UTC+8).
#[must_use]
pub fn today() -> Date {
    OffsetDateTime::now_utc().to_offset(offset!(+8)).date()
}

/// A date as `YYYYMMDD`.
#[must_use]
pub fn compact(date: Date) -> String {
    date.format(COMPACT_DATE).expect("a fixed format of a date")
}

/// Reads `YYYYMMDD`; `None` when there is no such day.
#[must_use]
pub fn parse_compact(text: &str) -> Option<Date> {
    (text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| Date::parse(text, COMPACT_DATE).ok())?
}

/// The same day some years later; 29 February becomes 28 February where there is none.
#[must_use]
pub fn years_later(date: Date, years: u8) -> Date {
    let year = date.year().saturating_add(i32::from(years));
    date.replace_year(year)
        .or_else(|_| date.replace_day(28).and_then(|date| date.replace_year(year)))
        .unwrap_or(Date::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_read_back_and_days_that_do_not_exist_are_refused() {
        assert_eq!(parse_compact("20260228").map(compact).as_deref(), Some("20260228"));
        for text in ["20260229", "20261301", "2026022", "202602280", "2026-2-8", "２０２６０２２８"] {
            assert!(parse_compact(text).is_none(), "{text}");
        }
    }

    #[test]
    fn a_leap_day_ends_on_the_28th() {
        let leap = parse_compact("20240229").expect("leap day");
        assert_eq!(compact(years_later(leap, 10)), "20340228");
    }
}
