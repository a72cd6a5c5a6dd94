//! Time: UTC instants for records, the calendar date of China for what is printed on cards.
//!
//! Owns: reading the clock. Never: gives order; order comes from sequences.

use std::sync::LazyLock;

use settlement::date::{BusinessDate, DateTime};
use time::format_description::StaticFormatDescription;
use time::macros::{format_description, offset};
use time::{Date, Month, OffsetDateTime, PrimitiveDateTime};

const INSTANT: StaticFormatDescription =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");
const SECOND: StaticFormatDescription = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z");
const COMPACT_INSTANT: StaticFormatDescription = format_description!("[year][month][day][hour][minute][second]");
const DASHED_DATE: StaticFormatDescription = format_description!("[year]-[month]-[day]");

/// The present instant in UTC: `2026-03-01T08:30:00.123Z`.
#[must_use]
pub fn now() -> String {
    OffsetDateTime::now_utc().format(INSTANT).expect("a fixed format of a present instant")
}

/// Seconds since 1970 in UTC; 0 for a clock that stands before.
#[must_use]
pub fn seconds() -> u64 {
    u64::try_from(OffsetDateTime::now_utc().unix_timestamp()).unwrap_or_default()
}

/// How long this machine runs, sleep included, and since which of its starts: nobody sets that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Running {
    /// The start.
    pub boot: String,
    /// Seconds since.
    pub seconds: u64,
}

/// How long this machine runs; `None` where the system does not say.
#[must_use]
pub fn running() -> Option<Running> {
    static BOOT: LazyLock<Option<String>> = LazyLock::new(|| {
        let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
        Some(boot.trim().to_owned()).filter(|boot| !boot.is_empty() && !boot.contains(' '))
    });
    let said = std::fs::read_to_string("/proc/uptime").ok()?;
    let seconds = said.split('.').next()?.parse().ok()?;
    Some(Running { boot: BOOT.clone()?, seconds })
}

/// An instant of [`seconds`] as records show it: `2026-03-01T08:30:00Z`.
#[must_use]
pub fn instant(seconds: u64) -> String {
    i64::try_from(seconds)
        .ok()
        .and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok())
        .and_then(|at| at.format(SECOND).ok())
        .unwrap_or_default()
}

/// The instant in so many seconds, as [`now`] shows it.
#[must_use]
pub fn instant_in(seconds: u32) -> String {
    let then = OffsetDateTime::now_utc() + time::Duration::seconds(i64::from(seconds));
    then.format(INSTANT).expect("a fixed format of an instant")
}

/// Seconds since 1970 of an instant of [`now`]; 0 for any other text.
#[must_use]
pub fn seconds_of(instant: &str) -> u64 {
    PrimitiveDateTime::parse(instant, INSTANT)
        .ok()
        .and_then(|at| u64::try_from(at.assume_utc().unix_timestamp()).ok())
        .unwrap_or_default()
}

/// The instant a number of seconds ago, as [`now`] writes it.
#[must_use]
pub fn seconds_ago(seconds: u32) -> String {
    let then = OffsetDateTime::now_utc().saturating_sub(time::Duration::seconds(i64::from(seconds)));
    then.format(INSTANT).expect("a fixed format of a past instant")
}

/// The instant a number of days ago, as [`now`] writes it.
#[must_use]
pub fn days_ago(days: u16) -> String {
    let then = OffsetDateTime::now_utc().saturating_sub(time::Duration::days(i64::from(days)));
    then.format(INSTANT).expect("a fixed format of a past instant")
}

/// Today in China (UTC+8).
#[must_use]
pub fn today() -> Date {
    OffsetDateTime::now_utc().to_offset(offset!(+8)).date()
}

/// A date as `YYYYMMDD`.
#[must_use]
pub fn compact(date: Date) -> String {
    let (year, month, day) = date.to_calendar_date();
    let number = year.unsigned_abs() * 10_000 + u32::from(u8::from(month)) * 100 + u32::from(day);
    let mut text = number.to_string();
    if text.len() < 8 {
        text.insert_str(0, "00000000".get(text.len()..).unwrap_or_default());
    }
    text
}

/// Reads `YYYYMMDD`; `None` when there is no such day.
#[must_use]
pub fn parse_compact(text: &str) -> Option<Date> {
    if text.len() != 8 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number = |from: usize, to: usize| text.get(from..to)?.parse::<u16>().ok();
    let month = Month::try_from(u8::try_from(number(4, 6)?).ok()?).ok()?;
    Date::from_calendar_date(i32::from(number(0, 4)?), month, u8::try_from(number(6, 8)?).ok()?).ok()
}

/// The same day some years later; 29 February becomes 28 February where there is none.
#[must_use]
pub fn years_later(date: Date, years: u8) -> Date {
    let year = date.year().saturating_add(i32::from(years));
    date.replace_year(year)
        .or_else(|_| date.replace_day(28).and_then(|date| date.replace_year(year)))
        .unwrap_or(Date::MAX)
}

/// The present date and time in China, as a card and a terminal carry it.
#[must_use]
pub fn china_now() -> DateTime {
    china(OffsetDateTime::now_utc()).expect("the present instant has four digits of year")
}

/// The date and time in China in so many seconds.
///
/// # Panics
/// Never: the instant has four digits of year.
#[must_use]
pub fn china_in(seconds: u32) -> DateTime {
    let then = OffsetDateTime::now_utc() + time::Duration::seconds(i64::from(seconds));
    china(then).expect("the instant has four digits of year")
}

/// China's date and time of an instant of [`now`]; `None` for any other text.
#[must_use]
pub fn china_date_time(instant: &str) -> Option<DateTime> {
    china(PrimitiveDateTime::parse(instant, INSTANT).ok()?.assume_utc())
}

/// Today in China as a business date.
#[must_use]
pub fn business_today() -> BusinessDate {
    business_date(today()).expect("today has four digits of year")
}

/// The day after; `None` at the end of the calendar.
#[must_use]
pub fn day_after(date: BusinessDate) -> Option<BusinessDate> {
    business_date(Date::parse(&date.to_string(), DASHED_DATE).ok()?.next_day()?)
}

/// Whole hours since an instant of [`now`]; `None` for any other text.
#[must_use]
pub fn hours_since(instant: &str) -> Option<i64> {
    let then = PrimitiveDateTime::parse(instant, INSTANT).ok()?.assume_utc();
    Some((OffsetDateTime::now_utc() - then).whole_hours())
}

fn china(instant: OffsetDateTime) -> Option<DateTime> {
    DateTime::parse(&instant.to_offset(offset!(+8)).format(COMPACT_INSTANT).ok()?).ok()
}

fn business_date(date: Date) -> Option<BusinessDate> {
    BusinessDate::parse(&date.format(DASHED_DATE).ok()?).ok()
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

    #[test]
    fn china_is_eight_hours_ahead_of_utc() {
        let time = china_date_time("2026-02-28T16:00:00.000Z").map(|time| time.to_string());
        assert_eq!(time.as_deref(), Some("20260301000000"));
        assert!(china_date_time("2026-02-28").is_none());
        assert!(china_date_time(&now()).is_some_and(|then| then <= china_now()));
    }

    #[test]
    fn the_day_after_crosses_months_and_leap_days() {
        for (day, after) in [("2024-02-28", "2024-02-29"), ("2026-02-28", "2026-03-01"), ("2026-12-31", "2027-01-01")] {
            let day = BusinessDate::parse(day).expect("real");
            assert_eq!(day_after(day).map(|date| date.to_string()).as_deref(), Some(after));
        }
    }
}
