//! The card's date and time, the business date beside it, and calendar months.
//!
//! Source: BCD `YYYYMMDD` and `HHMMSS` of the account commands; Gregorian calendar.
//! Owns: what is a real date; spelling. Never: asks a clock; orders transactions (sequences do).

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Date and time as a transaction carries it: 7 BCD bytes, in text 14 digits `20260131235959`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DateTime([u8; 7]);

/// 业务日期: the day on which the centre counts a transaction; in text `2026-01-31`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BusinessDate {
    year: u16,
    month: u8,
    day: u8,
}

/// 所属期: a calendar month; in text `2026-01`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month {
    year: u16,
    month: u8,
}

/// A text or bytes that are no date.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DateError {
    /// Not 14 digits of a real instant.
    #[error("not a date and time: 14 digits YYYYMMDDHHMMSS of a real date are needed")]
    NotDateTime,
    /// Not a real calendar day.
    #[error("not a date: YYYY-MM-DD of a real day is needed")]
    NotDate,
    /// Not a month.
    #[error("not a month: YYYY-MM is needed")]
    NotMonth,
}

impl DateTime {
    /// From 7 BCD bytes.
    ///
    /// # Errors
    /// [`DateError::NotDateTime`] when they are no digits or no real date and time.
    pub fn from_bcd(bytes: [u8; 7]) -> Result<Self, DateError> {
        let two = |byte: u8| (byte >> 4 < 10 && byte & 0x0F < 10).then_some((byte >> 4) * 10 + (byte & 0x0F));
        let mut numbers = [0_u8; 7];
        for (number, byte) in numbers.iter_mut().zip(bytes) {
            *number = two(byte).ok_or(DateError::NotDateTime)?;
        }
        let [century, year, month, day, hour, minute, second] = numbers;
        let year = u16::from(century) * 100 + u16::from(year);
        if !is_day(year, month, day) || hour > 23 || minute > 59 || second > 59 {
            return Err(DateError::NotDateTime);
        }
        Ok(Self(bytes))
    }

    /// From 14 digits.
    ///
    /// # Errors
    /// [`DateError::NotDateTime`].
    pub fn parse(text: &str) -> Result<Self, DateError> {
        let mut bytes = [0; 7];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| DateError::NotDateTime)?;
        Self::from_bcd(bytes)
    }

    /// As the card takes it.
    #[must_use]
    pub const fn to_bcd(self) -> [u8; 7] {
        self.0
    }

    /// The calendar day in it.
    #[must_use]
    pub const fn date(self) -> BusinessDate {
        const fn two(byte: u8) -> u8 {
            (byte >> 4) * 10 + (byte & 0x0F)
        }
        let [century, year, month, day, ..] = self.0;
        BusinessDate { year: two(century) as u16 * 100 + two(year) as u16, month: two(month), day: two(day) }
    }
}

impl BusinessDate {
    /// A calendar day.
    ///
    /// # Errors
    /// [`DateError::NotDate`] when there is no such day.
    pub fn new(year: u16, month: u8, day: u8) -> Result<Self, DateError> {
        if is_day(year, month, day) { Ok(Self { year, month, day }) } else { Err(DateError::NotDate) }
    }

    /// Reads `2026-01-31`.
    ///
    /// # Errors
    /// [`DateError::NotDate`].
    pub fn parse(text: &str) -> Result<Self, DateError> {
        let part = |range: std::ops::Range<usize>| -> Option<u16> {
            let digits = text.get(range)?;
            digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
        };
        let dashes = text.len() == 10 && text.get(4..5) == Some("-") && text.get(7..8) == Some("-");
        let (Some(year), Some(month), Some(day), true) = (part(0..4), part(5..7), part(8..10), dashes) else {
            return Err(DateError::NotDate);
        };
        let small = |number: u16| u8::try_from(number).map_err(|_| DateError::NotDate);
        Self::new(year, small(month)?, small(day)?)
    }

    /// Days from `earlier` to this day; negative when it lies before.
    #[must_use]
    pub fn days_since(self, earlier: Self) -> i64 {
        self.day_number() - earlier.day_number()
    }

    /// The next day.
    #[must_use]
    pub fn next(self) -> Option<Self> {
        let (year, month, day) = self.parts();
        let tries = [(year, month, day.checked_add(1)?), (year, month + 1, 1), (year + 1, 1, 1)];
        tries.into_iter().find_map(|(year, month, day)| Self::new(year, month, day).ok())
    }

    /// The day before.
    #[must_use]
    pub fn previous(self) -> Option<Self> {
        let (year, month, day) = self.parts();
        let of_month = [31, 30, 29, 28].into_iter().map(|last| (year, month.saturating_sub(1), last));
        let tries = std::iter::once((year, month, day - 1)).chain(of_month).chain([(year - 1, 12, 31)]);
        tries.into_iter().find_map(|(year, month, day)| Self::new(year, month, day).ok())
    }

    /// Days since 0000-03-01 of the Gregorian calendar: years begin in March, so the leap day is the last of its year.
    fn day_number(self) -> i64 {
        let (year, month, day) = (i64::from(self.year), i64::from(self.month), i64::from(self.day));
        let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
        365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1
    }

    /// Year, month, day.
    #[must_use]
    pub const fn parts(self) -> (u16, u8, u8) {
        (self.year, self.month, self.day)
    }
}

impl Month {
    /// A calendar month of the years 1900 to 9999.
    ///
    /// # Errors
    /// [`DateError::NotMonth`].
    pub const fn new(year: u16, month: u8) -> Result<Self, DateError> {
        if year >= 1900 && year <= 9999 && month >= 1 && month <= 12 {
            Ok(Self { year, month })
        } else {
            Err(DateError::NotMonth)
        }
    }

    /// Reads `2026-01`.
    ///
    /// # Errors
    /// [`DateError::NotMonth`].
    pub fn parse(text: &str) -> Result<Self, DateError> {
        let digits = |text: &str, count: usize| -> Option<u16> {
            let fits = text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
            if fits { text.parse().ok() } else { None }
        };
        let (year, month) = text.split_once('-').ok_or(DateError::NotMonth)?;
        let (Some(year), Some(month)) = (digits(year, 4), digits(month, 2)) else { return Err(DateError::NotMonth) };
        Self::new(year, u8::try_from(month).map_err(|_| DateError::NotMonth)?)
    }

    /// The month of a day.
    #[must_use]
    pub const fn of(day: BusinessDate) -> Self {
        Self { year: day.year, month: day.month }
    }

    /// Year and month.
    #[must_use]
    pub const fn parts(self) -> (u16, u8) {
        (self.year, self.month)
    }

    /// Months from `earlier` to this one; negative when it lies before.
    #[must_use]
    pub fn since(self, earlier: Self) -> i32 {
        let count = |month: Self| i32::from(month.year) * 12 + i32::from(month.month);
        count(self) - count(earlier)
    }

    /// The month before; `None` before January 1900.
    #[must_use]
    pub fn previous(self) -> Option<Self> {
        let (year, month) = if self.month == 1 { (self.year - 1, 12) } else { (self.year, self.month - 1) };
        Self::new(year, month).ok()
    }
}

fn is_day(year: u16, month: u8, day: u8) -> bool {
    let leap = year.is_multiple_of(4) && !year.is_multiple_of(100) || year.is_multiple_of(400);
    let days = match month {
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        1..=12 => 31,
        _ => 0,
    };
    (1900..=9999).contains(&year) && (1..=days).contains(&day)
}

impl fmt::Display for DateTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for DateTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for BusinessDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

impl fmt::Debug for BusinessDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)
    }
}

impl fmt::Debug for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Month {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Month {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

impl Serialize for DateTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for DateTime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

impl Serialize for BusinessDate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for BusinessDate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn real_instants_read_back() {
        for text in ["20240411212121", "20240229000000", "20001231235959", "19000101000000"] {
            assert_eq!(DateTime::parse(text).expect(text).to_string(), text);
        }
        assert_eq!(DateTime::parse("20240411212121").expect("real").date().to_string(), "2024-04-11");
    }

    #[test]
    fn what_no_calendar_has_is_refused() {
        for text in [
            "20230229000000",
            "20241301000000",
            "20240400000000",
            "20240411240000",
            "2024041121212",
            "2024041121212A",
            "",
        ] {
            assert_eq!(DateTime::parse(text), Err(DateError::NotDateTime), "{text:?}");
        }
        for text in ["2023-02-29", "2024-13-01", "2024-1-01", "20240101", "2024/01/01", "2024-01-1é", "+024-01-01"] {
            assert_eq!(BusinessDate::parse(text), Err(DateError::NotDate), "{text:?}");
        }
    }

    #[test]
    fn every_month_reads_back_counts_and_what_is_no_month_is_refused() {
        let first = Month::new(1900, 1).expect("a month");
        let (mut month, mut count) = (first, 0);
        for year in 1900..2100 {
            for number in 1..=12 {
                let found = Month::new(year, number).expect("a month");
                assert_eq!(Month::parse(&found.to_string()), Ok(found));
                assert_eq!((found.since(first), first.since(found)), (count, -count));
                assert_eq!(found.previous(), (count > 0).then_some(month));
                (month, count) = (found, count + 1);
            }
        }
        assert_eq!(Month::of(BusinessDate::new(2026, 3, 31).expect("real")).to_string(), "2026-03");
        for text in ["2026-13", "2026-00", "2026-1", "202601", "2026-01-01", "1899-12", "+026-01", "2026-０1", ""] {
            assert_eq!(Month::parse(text), Err(DateError::NotMonth), "{text:?}");
        }
    }

    #[test]
    fn every_day_of_four_centuries_reads_back() {
        let mut days = 0;
        for year in 1900..2300 {
            for month in 0..=13 {
                for day in 0..=32 {
                    if let Ok(date) = BusinessDate::new(year, month, day) {
                        days += 1;
                        assert_eq!(BusinessDate::parse(&date.to_string()), Ok(date));
                    }
                }
            }
        }
        assert_eq!(days, 146_097);
    }

    #[test]
    fn days_are_counted_one_by_one_over_two_centuries() {
        let first = BusinessDate::new(1900, 1, 1).expect("real");
        let (mut day, mut count) = (first, 0);
        while day < BusinessDate::new(2101, 1, 1).expect("real") {
            assert_eq!((day.days_since(first), first.days_since(day)), (count, -count), "{day}");
            let next = day.next().expect("before the year 10000");
            assert_eq!(next.previous(), Some(day));
            (day, count) = (next, count + 1);
        }
        assert_eq!(count, 201 * 365 + 49, "49 leap days: neither 1900 nor 2100 has one");
        assert_eq!(BusinessDate::new(9999, 12, 31).expect("real").next(), None);
        assert_eq!(first.previous(), None);
    }
}
