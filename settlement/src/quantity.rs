//! Quantities and ratios: decimal numbers with four places, exact.
//!
//! Source: field types of the national interface: quantity (16,4), ratio (5,4).
//! Owns: their text and range. Never: a float.
//! Units: ten-thousandths.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::{Serialize, Serializer};

/// Ten-thousandths in one.
pub const ONE: u64 = 10_000;

/// How much of a drug: greater than zero, at most 9999.9999.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Quantity(u64);

/// A share from 0 to 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ratio(u64);

/// A text that is no such number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecimalError {
    /// Not a quantity.
    #[error(
        "not a quantity: write a number above 0 and below 10000 with at most four decimals, as in \"2\" or \"1.5\""
    )]
    NotQuantity,
    /// Not a ratio.
    #[error("not a ratio: write a number from 0 to 1 with at most four decimals, as in \"0.1\"")]
    NotRatio,
}

impl Quantity {
    /// Reads `2` or `1.5`.
    ///
    /// # Errors
    /// [`DecimalError::NotQuantity`].
    pub fn parse(text: &str) -> Result<Self, DecimalError> {
        ten_thousandths(text).and_then(Self::of_ten_thousandths).ok_or(DecimalError::NotQuantity)
    }

    /// From ten-thousandths.
    #[must_use]
    pub fn of_ten_thousandths(value: u64) -> Option<Self> {
        (1..ONE * ONE).contains(&value).then_some(Self(value))
    }

    /// In ten-thousandths.
    #[must_use]
    pub const fn ten_thousandths(self) -> u64 {
        self.0
    }
}

impl Ratio {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// Everything.
    pub const ALL: Self = Self(ONE);

    /// From ten-thousandths.
    #[must_use]
    pub fn of_ten_thousandths(value: u64) -> Option<Self> {
        (value <= ONE).then_some(Self(value))
    }

    /// Reads `0.1`.
    ///
    /// # Errors
    /// [`DecimalError::NotRatio`].
    pub fn parse(text: &str) -> Result<Self, DecimalError> {
        ten_thousandths(text).filter(|parsed| *parsed <= ONE).map(Self).ok_or(DecimalError::NotRatio)
    }

    /// In ten-thousandths.
    #[must_use]
    pub const fn ten_thousandths(self) -> u64 {
        self.0
    }
}

fn ten_thousandths(text: &str) -> Option<u64> {
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |text: &str, most: usize| (1..=most).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole, 4) || !digits(part, 4) {
        return None;
    }
    let places = u32::try_from(part.len()).ok()?;
    let part = part.parse::<u64>().ok()? * 10_u64.pow(4 - places);
    Some(whole.parse::<u64>().ok()? * ONE + part)
}

fn write(value: u64, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let text = format!("{}.{:04}", value / ONE, value % ONE);
    f.pad(text.trim_end_matches('0').trim_end_matches('.'))
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write(self.0, f)
    }
}

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write(self.0, f)
    }
}

impl Serialize for Quantity {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Serialize for Ratio {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// From text, or from a whole number; a number with a point would be a float on its way here.
impl<'de> Deserialize<'de> for Quantity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reads;
        impl Visitor<'_> for Reads {
            type Value = Quantity;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole number, or a decimal as text (\"1.5\")")
            }
            fn visit_u64<E: de::Error>(self, whole: u64) -> Result<Quantity, E> {
                Quantity::parse(&whole.to_string()).map_err(E::custom)
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Quantity, E> {
                Quantity::parse(text).map_err(E::custom)
            }
        }
        deserializer.deserialize_any(Reads)
    }
}

impl<'de> Deserialize<'de> for Ratio {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_ratio_reads_back() {
        for value in 0..=ONE {
            let ratio = Ratio(value);
            assert_eq!(Ratio::parse(&ratio.to_string()), Ok(ratio));
        }
        assert_eq!(Ratio::parse("0.10").map(|ratio| ratio.to_string()).as_deref(), Ok("0.1"));
    }

    #[test]
    fn what_is_out_of_range_or_no_number_is_refused() {
        for text in ["", "0", "-1", "10000", "1.00001", ".5", "1.", "1e2", " 1", "0.0000", "NaN", "１"] {
            assert!(Quantity::parse(text).is_err(), "{text:?}");
        }
        for text in ["1.0001", "2", "-0.1", "10%", ""] {
            assert!(Ratio::parse(text).is_err(), "{text:?}");
        }
        assert_eq!(Quantity::parse("9999.9999").map(|q| q.to_string()).as_deref(), Ok("9999.9999"));
    }

    #[test]
    fn a_json_float_is_no_quantity() {
        assert!(serde_json::from_str::<Quantity>("2").is_ok() && serde_json::from_str::<Quantity>("\"1.5\"").is_ok());
        for text in ["1.5", "0", "-2", "1e3", "true", "null", "\"x\""] {
            assert!(serde_json::from_str::<Quantity>(text).is_err(), "{text}");
        }
    }
}
