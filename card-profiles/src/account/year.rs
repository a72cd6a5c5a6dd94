//! The year of an account's totals, as a card writes it.
//!
//! Source: articles that say "a 2-byte year" and nothing of its coding: BCD is assumed, as of every date on the card.
//! Owns: both codings, and what stands where there are no totals yet. Never: judges whether the year is a good one.
#![warn(clippy::indexing_slicing)]

use serde::Deserialize;

/// How the card writes the year of its totals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum YearCoding {
    /// Four digits: 2026 is `2026`.
    #[default]
    Bcd,
    /// A number, big-endian: 2026 is `07EA`.
    Binary,
}

/// The year of the totals, as far as it can be known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TotalsYear {
    /// No totals yet: `0000`, or `FFFF` as of a number that was never written.
    None,
    /// A year in BCD, `2026`.
    Of(u16),
    /// Two bytes that are no year in this coding.
    Unreadable(u16),
}

/// Years that a binary number can mean here: what lies outside is one of another coding.
const BINARY: std::ops::RangeInclusive<u16> = 1900..=2199;

impl YearCoding {
    /// The year of two bytes of a card.
    #[must_use]
    pub fn read(self, stored: u16) -> TotalsYear {
        match (stored, self) {
            (0x0000 | 0xFFFF, _) => TotalsYear::None,
            (_, Self::Bcd) if digits(stored).iter().all(|digit| *digit <= 9) => TotalsYear::Of(stored),
            (_, Self::Binary) if BINARY.contains(&stored) => TotalsYear::Of(bcd(stored)),
            (_, Self::Bcd | Self::Binary) => TotalsYear::Unreadable(stored),
        }
    }

    /// The bytes that a card writes for a year in BCD; 0, no totals yet, stays so.
    #[must_use]
    pub fn stored(self, year: u16) -> u16 {
        match self {
            Self::Bcd => year,
            Self::Binary => digits(year).iter().fold(0, |number, digit| number * 10 + digit),
        }
    }
}

/// Its four half bytes, the first first.
fn digits(stored: u16) -> [u16; 4] {
    [stored >> 12, stored >> 8 & 0x0F, stored >> 4 & 0x0F, stored & 0x0F]
}

fn bcd(number: u16) -> u16 {
    [1000, 100, 10, 1].iter().fold(0, |year, place| (year << 4) | (number / place % 10))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_year_reads_back_as_it_was_written() {
        for year in BINARY.map(bcd) {
            for coding in [YearCoding::Bcd, YearCoding::Binary] {
                assert_eq!(coding.read(coding.stored(year)), TotalsYear::Of(year), "{year:04X} {coding:?}");
            }
        }
        assert_eq!((YearCoding::Binary.stored(0x2026), YearCoding::Bcd.stored(0x2026)), (0x07EA, 0x2026));
    }

    #[test]
    fn any_two_bytes_are_a_year_no_totals_or_unreadable() {
        for stored in 0..=u16::MAX {
            let decimal = format!("{stored:04X}").bytes().all(|sign| sign.is_ascii_digit());
            let expected = match stored {
                0 | u16::MAX => TotalsYear::None,
                _ if decimal => TotalsYear::Of(stored),
                _ => TotalsYear::Unreadable(stored),
            };
            assert_eq!(YearCoding::Bcd.read(stored), expected);
            let is_year = matches!(YearCoding::Binary.read(stored), TotalsYear::Of(_));
            assert_eq!(is_year, (1900..2200).contains(&stored), "{stored}");
        }
        assert_eq!(YearCoding::Binary.read(0x2026), TotalsYear::Unreadable(0x2026), "digits are no binary year");
    }
}
