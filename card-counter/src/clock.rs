//! What time it is: the only file that asks the clock.
//!
//! Source: the whole of China keeps UTC+8; cards and receipts carry that time, the journal UTC; `/proc/uptime` and `boot_id` of Linux.
//! Owns: now, in both spellings; how long the machine runs. Never: orders anything (sequences do).

use settlement::{BusinessDate, DateTime};
use time::{OffsetDateTime, UtcOffset};

/// One instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now(OffsetDateTime);

impl Now {
    /// From the system's clock.
    #[must_use]
    pub fn of_system() -> Self {
        Self(OffsetDateTime::now_utc())
    }

    /// A given instant: seconds since 1970 (UTC).
    #[must_use]
    pub fn at(seconds: i64) -> Option<Self> {
        OffsetDateTime::from_unix_timestamp(seconds).ok().map(Self)
    }

    /// The instant so many seconds later; this one at the end of the calendar.
    #[must_use]
    pub fn later(self, seconds: i64) -> Self {
        Self::at(self.seconds().saturating_add(seconds)).unwrap_or(self)
    }

    /// An instant of China's time, by its digits; `None` when the calendar has none.
    #[must_use]
    pub fn of_china(at: DateTime) -> Option<Self> {
        let (year, month, day) = at.date().parts();
        let text = at.to_string();
        let part = |range: std::ops::Range<usize>| text.get(range)?.parse::<u8>().ok();
        let month = time::Month::try_from(month).ok()?;
        let day = time::Date::from_calendar_date(i32::from(year), month, day).ok()?;
        let instant = day.with_hms(part(8..10)?, part(10..12)?, part(12..14)?).ok()?;
        Some(Self(instant.assume_offset(UtcOffset::from_hms(8, 0, 0).ok()?).to_offset(UtcOffset::UTC)))
    }

    /// An instant as the journal has it; `None` for any other text.
    #[must_use]
    pub fn of_utc(text: &str) -> Option<Self> {
        OffsetDateTime::parse(text, &time::format_description::well_known::Rfc3339).ok().map(Self)
    }

    /// Seconds since 1970 (UTC).
    #[must_use]
    pub const fn seconds(self) -> i64 {
        self.0.unix_timestamp()
    }

    /// As cards and receipts have it: China's time.
    ///
    /// # Panics
    /// Never: a clock of this century gives digits of a real date.
    #[must_use]
    pub fn date_time(self) -> DateTime {
        let at = self.in_china();
        let text = format!(
            "{:04}{:02}{:02}{:02}{:02}{:02}",
            at.year(),
            u8::from(at.month()),
            at.day(),
            at.hour(),
            at.minute(),
            at.second()
        );
        DateTime::parse(&text).expect("a real instant")
    }

    /// The calendar day in China.
    #[must_use]
    pub fn date(self) -> BusinessDate {
        self.date_time().date()
    }

    /// As the journal has it: UTC, `2026-01-31T23:59:59Z`.
    #[must_use]
    pub fn utc(self) -> String {
        let at = self.0;
        format!(
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z",
            at.year(),
            u8::from(at.month()),
            at.day(),
            at.hour(),
            at.minute(),
            at.second()
        )
    }

    fn in_china(self) -> OffsetDateTime {
        self.0.to_offset(UtcOffset::from_hms(8, 0, 0).unwrap_or(UtcOffset::UTC))
    }
}

/// How long this machine runs, sleep included, and since which of its starts: nobody sets that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Running {
    /// The start: one word.
    pub boot: String,
    /// Seconds since.
    pub seconds: i64,
}

impl Running {
    /// As the system says it; `None` where it does not.
    #[must_use]
    pub fn of_system() -> Option<Self> {
        let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
        let said = std::fs::read_to_string("/proc/uptime").ok()?;
        let seconds = said.split('.').next()?.parse().ok()?;
        let boot = Some(boot.trim()).filter(|boot| !boot.is_empty() && !boot.contains(' '))?;
        Some(Self { boot: boot.to_owned(), seconds })
    }
}

/// Measures how long something takes.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch(std::time::Instant);

impl Stopwatch {
    /// Starts now.
    #[must_use]
    pub fn start() -> Self {
        Self(std::time::Instant::now())
    }

    /// Microseconds since the start.
    #[must_use]
    pub fn micros(self) -> u128 {
        self.0.elapsed().as_micros()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_card_has_chinas_time_and_the_journal_utc() {
        let now = Now::at(1_767_283_199).expect("in range");
        assert_eq!(now.utc(), "2026-01-01T15:59:59Z");
        assert_eq!(now.date_time().to_string(), "20260101235959");
        assert_eq!(Now::of_china(now.date_time()), Some(now));
        assert_eq!((Now::of_utc(&now.utc()), Now::of_utc("2026-01-01")), (Some(now), None));
        assert_eq!(now.later(1).date().to_string(), "2026-01-02");
        assert_eq!(Now::at(1_767_283_200).expect("in range").date().to_string(), "2026-01-02");
    }
}
