//! Decimal numbers of the national interface, exact.
//!
//! Source: types of the interface: amount (16,2), quantity (16,4), price (16,6), ratio (5,4).
//! Owns: reading their text in every spelling that JSON allows, writing one. Never: a float, a rounding.
//! Units: the smallest place of each type.

use std::fmt;

use crate::fen::Fen;

/// A decimal with at most `DIGITS` digits, `PLACES` of them behind the point.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Decimal<const DIGITS: u32, const PLACES: u32>(i64);

/// 金额 (16,2).
pub type Amount = Decimal<16, 2>;
/// 数量 (16,4).
pub type Share = Decimal<16, 4>;
/// 单价 (16,6).
pub type Price = Decimal<16, 6>;
/// 比例 (5,4).
pub type Ratio = Decimal<5, 4>;

/// Why a text is no such number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NumberFault {
    /// No number at all.
    #[error("no number")]
    NotNumber,
    /// More digits before the point than the type has.
    #[error("too large")]
    TooLarge,
    /// More places behind the point than the type has.
    #[error("too many decimals")]
    TooFine,
}

/// Longest spelling that is looked at: 16 digits, point, sign, exponent, with zeros to spare.
const SPELLING_MAX: usize = 64;

impl<const DIGITS: u32, const PLACES: u32> Decimal<DIGITS, PLACES> {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// Digits in all, of them behind the point.
    pub const WIDTH: (u32, u32) = (DIGITS, PLACES);

    /// From its smallest places.
    ///
    /// # Errors
    /// [`NumberFault::TooLarge`].
    pub const fn new(places: i64) -> Result<Self, NumberFault> {
        if places.unsigned_abs() < 10_u64.pow(DIGITS) { Ok(Self(places)) } else { Err(NumberFault::TooLarge) }
    }

    /// In its smallest places.
    #[must_use]
    pub const fn get(self) -> i64 {
        self.0
    }

    /// Reads a number as JSON writes it: `12.5`, `-3`, `1.25E1`.
    ///
    /// # Errors
    /// [`NumberFault`]; nothing is rounded.
    pub fn parse(text: &str) -> Result<Self, NumberFault> {
        if text.len() > SPELLING_MAX {
            return Err(NumberFault::NotNumber);
        }
        let (negative, rest) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (mantissa, exponent) = match rest.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => {
                let digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
                if digits.is_empty() || digits.len() > 3 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
                    return Err(NumberFault::NotNumber);
                }
                let exponent = exponent.strip_prefix('+').unwrap_or(exponent);
                (mantissa, exponent.parse::<i32>().map_err(|_| NumberFault::NotNumber)?)
            }
            None => (rest, 0),
        };
        let (whole, part) = mantissa.split_once('.').unwrap_or((mantissa, "0"));
        let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !is_digits(whole) || !is_digits(part) {
            return Err(NumberFault::NotNumber);
        }
        let digits = format!("{whole}{part}");
        let significant = digits.trim_end_matches('0');
        let shifted = i32::try_from(digits.len() - significant.len()).map_err(|_| NumberFault::NotNumber)?;
        let behind = i32::try_from(part.len()).map_err(|_| NumberFault::NotNumber)?;
        let significant = significant.trim_start_matches('0');
        if significant.is_empty() {
            return Ok(Self(0));
        }
        let places = i32::try_from(PLACES).map_err(|_| NumberFault::NotNumber)?;
        let power = exponent + shifted - behind + places;
        let power = u32::try_from(power).map_err(|_| NumberFault::TooFine)?;
        let magnitude = significant.parse::<i64>().map_err(|_| NumberFault::TooLarge)?;
        let scale = 10_i64.checked_pow(power).ok_or(NumberFault::TooLarge)?;
        let magnitude = magnitude.checked_mul(scale).ok_or(NumberFault::TooLarge)?;
        Self::new(if negative { -magnitude } else { magnitude })
    }
}

impl Amount {
    /// An amount of fen.
    ///
    /// # Errors
    /// [`NumberFault::TooLarge`] from 100 000 000 000 000 yuan.
    pub const fn of(fen: Fen) -> Result<Self, NumberFault> {
        Self::new(fen.get())
    }

    /// In fen.
    #[must_use]
    pub const fn fen(self) -> Fen {
        Fen::new(self.get())
    }
}

/// As JSON has it: an amount with both decimals, the others without needless zeros.
impl<const DIGITS: u32, const PLACES: u32> fmt::Display for Decimal<DIGITS, PLACES> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let one = 10_u64.pow(PLACES);
        let (sign, magnitude) = (if self.0 < 0 { "-" } else { "" }, self.0.unsigned_abs());
        let width = PLACES as usize;
        let text = format!("{sign}{}.{:0width$}", magnitude / one, magnitude % one);
        if PLACES == 0 {
            return f.pad(&format!("{sign}{magnitude}"));
        }
        f.pad(if PLACES > 2 { text.trim_end_matches('0').trim_end_matches('.') } else { &text })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_spelling_of_a_number_is_the_same_number() {
        for text in ["12.5", "12.50", "12.500000", "1.25E1", "1.25e+1", "125e-1", "0012.5", "1250E-2"] {
            assert_eq!(Amount::parse(text), Amount::new(1_250), "{text}");
        }
        assert_eq!(Amount::parse("-0"), Ok(Amount::ZERO));
        assert_eq!(Price::parse("0.000001").map(|price| price.to_string()).as_deref(), Ok("0.000001"));
        assert_eq!(Decimal::<10, 0>::parse("5.0").map(|count| count.to_string()).as_deref(), Ok("5"));
        assert_eq!(Share::parse("2.0000").map(|share| share.to_string()).as_deref(), Ok("2"));
    }

    #[test]
    fn nothing_is_rounded_and_nothing_wraps() {
        for (text, fault) in [
            ("12.505", NumberFault::TooFine),
            ("1e-3", NumberFault::TooFine),
            ("100000000000000", NumberFault::TooLarge),
            ("1E99", NumberFault::TooLarge),
            ("99999999999999999999", NumberFault::TooLarge),
            ("", NumberFault::NotNumber),
            ("-", NumberFault::NotNumber),
            ("+1", NumberFault::NotNumber),
            (".5", NumberFault::NotNumber),
            ("1.", NumberFault::NotNumber),
            ("1e", NumberFault::NotNumber),
            ("1e+-3", NumberFault::NotNumber),
            ("NaN", NumberFault::NotNumber),
            ("１", NumberFault::NotNumber),
            ("1 ", NumberFault::NotNumber),
        ] {
            assert_eq!(Amount::parse(text), Err(fault), "{text}");
        }
        assert_eq!(Amount::parse("99999999999999.99"), Amount::new(9_999_999_999_999_999));
        assert_eq!(Ratio::parse("1.0").map(Ratio::get), Ok(10_000));
        assert_eq!(Ratio::parse("10"), Err(NumberFault::TooLarge));
    }

    proptest! {
        #[test]
        fn every_amount_reads_back(fen in -9_999_999_999_999_999_i64..=9_999_999_999_999_999) {
            let amount = Amount::new(fen).expect("in range");
            prop_assert_eq!(Amount::parse(&amount.to_string()), Ok(amount));
            let price = Price::new(fen).expect("in range");
            prop_assert_eq!(Price::parse(&price.to_string()), Ok(price));
        }

        #[test]
        fn any_text_is_a_number_or_an_error(text in "[0-9eE.+-]{0,24}") {
            if let Ok(amount) = Amount::parse(&text) {
                prop_assert_eq!(Amount::parse(&amount.to_string()), Ok(amount));
            }
        }
    }
}
