//! Money in fen (分), checked.
//!
//! Source: LD/T 32.6 `b-amt` (amounts of the card are fen); two decimals and half-up rounding as the national interface
//! prints amounts (16,2).
//! Owns: arithmetic that cannot wrap, the text of yuan, the step to the card's unsigned 32 bits.
//! Never: a float; a silent overflow.
//! Units: fen; 1 yuan = 100 fen.

use std::cmp::Ordering;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, de};

/// An amount in fen. Negative amounts exist in ledgers only; what a card or a message carries is checked at the edge.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fen(i64);

/// How a product comes to whole fen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Rounding {
    /// 四舍五入: half a fen counts as one.
    #[default]
    HalfUp,
    /// 四舍六入五成双: half a fen goes to the even neighbour.
    HalfEven,
    /// 舍去: parts of a fen are dropped.
    Down,
}

/// Why an amount cannot be formed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FenError {
    /// The result does not fit 64 bits.
    #[error("amount overflows")]
    Overflow,
    /// A card holds 0 to 42949672.95 yuan.
    #[error("{0} yuan does not fit a card (0.00 to 42949672.95)")]
    NotOnCard(Fen),
    /// The text is no amount in yuan.
    #[error("not an amount in yuan: write digits with at most two decimals, as in 12.50")]
    NotYuan,
}

impl Fen {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// An amount of `fen`.
    #[must_use]
    pub const fn new(fen: i64) -> Self {
        Self(fen)
    }

    /// The number of fen.
    #[must_use]
    pub const fn get(self) -> i64 {
        self.0
    }

    /// An amount as a card holds it.
    #[must_use]
    pub const fn from_card(fen: u32) -> Self {
        // Widening from 32 unsigned to 64 signed bits loses nothing; `From` is not const.
        Self(fen as i64)
    }

    /// As the card holds it: unsigned 32 bits.
    ///
    /// # Errors
    /// [`FenError::NotOnCard`] below zero or above 42949672.95 yuan.
    pub fn to_card(self) -> Result<u32, FenError> {
        u32::try_from(self.0).map_err(|_| FenError::NotOnCard(self))
    }

    /// Sum.
    ///
    /// # Errors
    /// [`FenError::Overflow`].
    pub const fn plus(self, other: Self) -> Result<Self, FenError> {
        match self.0.checked_add(other.0) {
            Some(sum) => Ok(Self(sum)),
            None => Err(FenError::Overflow),
        }
    }

    /// Difference; may be negative.
    ///
    /// # Errors
    /// [`FenError::Overflow`].
    pub const fn minus(self, other: Self) -> Result<Self, FenError> {
        match self.0.checked_sub(other.0) {
            Some(difference) => Ok(Self(difference)),
            None => Err(FenError::Overflow),
        }
    }

    /// Sum of many.
    ///
    /// # Errors
    /// [`FenError::Overflow`].
    pub fn sum(amounts: impl IntoIterator<Item = Self>) -> Result<Self, FenError> {
        amounts.into_iter().try_fold(Self::ZERO, Self::plus)
    }

    /// `self × numerator ÷ denominator`, half a fen rounded away from zero (四舍五入).
    ///
    /// # Errors
    /// [`FenError::Overflow`], also for a denominator of 0.
    pub fn scaled(self, numerator: u64, denominator: u64) -> Result<Self, FenError> {
        self.scaled_by(numerator, denominator, Rounding::HalfUp)
    }

    /// `self × numerator ÷ denominator`, brought to whole fen as `rounding` says; a negative amount as its opposite.
    ///
    /// # Errors
    /// [`FenError::Overflow`], also for a denominator of 0.
    pub fn scaled_by(self, numerator: u64, denominator: u64, rounding: Rounding) -> Result<Self, FenError> {
        let product = i128::from(self.0).checked_mul(i128::from(numerator)).ok_or(FenError::Overflow)?;
        let (magnitude, denominator) = (product.unsigned_abs(), u128::from(denominator));
        let (Some(whole), Some(rest)) = (magnitude.checked_div(denominator), magnitude.checked_rem(denominator)) else {
            return Err(FenError::Overflow);
        };
        // Both are below 2^64, so twice the rest fits.
        let up = match (rounding, (rest * 2).cmp(&denominator)) {
            (Rounding::Down, _) | (Rounding::HalfUp | Rounding::HalfEven, Ordering::Less) => 0,
            (Rounding::HalfEven, Ordering::Equal) => whole % 2,
            (Rounding::HalfUp, Ordering::Equal) | (Rounding::HalfUp | Rounding::HalfEven, Ordering::Greater) => 1,
        };
        let magnitude = i64::try_from(whole + up).map_err(|_| FenError::Overflow)?;
        Ok(Self(if product < 0 { -magnitude } else { magnitude }))
    }

    /// Reads yuan: `500`, `500.5`, `500.00`, `-3.20`.
    ///
    /// # Errors
    /// [`FenError::NotYuan`] for any other text, [`FenError::Overflow`] when it does not fit.
    pub fn parse_yuan(text: &str) -> Result<Self, FenError> {
        let (negative, digits) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (whole, part) = digits.split_once('.').unwrap_or((digits, "0"));
        let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !is_digits(whole) || !is_digits(part) || part.len() > 2 {
            return Err(FenError::NotYuan);
        }
        let yuan: i64 = whole.parse().map_err(|_| FenError::Overflow)?;
        let fen: i64 = part.parse::<i64>().map_err(|_| FenError::NotYuan)? * if part.len() == 1 { 10 } else { 1 };
        let (yuan, fen) = if negative { (-yuan, -fen) } else { (yuan, fen) };
        yuan.checked_mul(100).and_then(|value| value.checked_add(fen)).map(Self).ok_or(FenError::Overflow)
    }
}

/// Yuan with two decimals: `500.00`.
impl fmt::Display for Fen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let magnitude = self.0.unsigned_abs();
        f.pad(&format!("{sign}{}.{:02}", magnitude / 100, magnitude % 100))
    }
}

/// Reads an amount of a message or record: fen that a card can hold.
pub(crate) fn on_card<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Fen, D::Error> {
    let amount = Fen::deserialize(deserializer)?;
    amount.to_card().map_err(de::Error::custom)?;
    Ok(amount)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn yuan_are_written_with_two_decimals() {
        for (fen, text) in [(0, "0.00"), (5, "0.05"), (50_000, "500.00"), (-1, "-0.01"), (-12_345, "-123.45")] {
            assert_eq!(Fen::new(fen).to_string(), text);
            assert_eq!(Fen::parse_yuan(text), Ok(Fen::new(fen)));
        }
        assert_eq!(Fen::parse_yuan("500"), Ok(Fen::new(50_000)));
        assert_eq!(Fen::parse_yuan("500.5"), Ok(Fen::new(50_050)));
        assert_eq!(format!("{:>8}|", Fen::new(150)), "    1.50|");
    }

    #[test]
    fn what_is_not_an_amount_is_refused() {
        for text in ["", ".", "1.", ".5", "1.234", "+1", " 1", "1 ", "1,000", "1e3", "１.00", "--1", "1.-5", "0x10"] {
            assert_eq!(Fen::parse_yuan(text), Err(FenError::NotYuan), "{text:?}");
        }
        assert_eq!(Fen::parse_yuan("92233720368547758.08"), Err(FenError::Overflow));
        assert_eq!(Fen::parse_yuan("99999999999999999999"), Err(FenError::Overflow));
    }

    #[test]
    fn overflow_is_an_error_in_every_operation() {
        let (most, least, one) = (Fen::new(i64::MAX), Fen::new(i64::MIN), Fen::new(1));
        assert_eq!(most.plus(one), Err(FenError::Overflow));
        assert_eq!(least.minus(one), Err(FenError::Overflow));
        assert_eq!(most.scaled(2, 1), Err(FenError::Overflow));
        assert_eq!(most.scaled(u64::MAX, u64::MAX), Ok(most));
        assert_eq!(one.scaled(1, 0), Err(FenError::Overflow));
        assert_eq!(Fen::sum([most, one]), Err(FenError::Overflow));
    }

    #[test]
    fn a_card_holds_unsigned_32_bits() {
        assert_eq!(Fen::new(4_294_967_295).to_card(), Ok(u32::MAX));
        assert_eq!(Fen::new(4_294_967_296).to_card(), Err(FenError::NotOnCard(Fen::new(4_294_967_296))));
        assert_eq!(Fen::new(-1).to_card(), Err(FenError::NotOnCard(Fen::new(-1))));
        assert_eq!(Fen::from_card(u32::MAX), Fen::new(4_294_967_295));
    }

    #[test]
    fn half_a_fen_rounds_away_from_zero() {
        for (fen, numerator, expected) in [(1, 5, 1), (1, 4, 0), (3, 5, 2), (-1, 5, -1), (-1, 4, 0), (25, 1, 3)] {
            assert_eq!(Fen::new(fen).scaled(numerator, 10), Ok(Fen::new(expected)), "{fen} × {numerator} / 10");
        }
    }

    #[test]
    fn the_other_roundings_differ_at_the_half_only_or_drop_the_rest() {
        for (fen, tenths, half_even, down) in
            [(1, 5, 0, 0), (3, 5, 2, 1), (1, 6, 1, 0), (1, 4, 0, 0), (5, 5, 2, 2), (-3, 5, -2, -1), (-1, 5, 0, 0)]
        {
            let by = |rounding| Fen::new(fen).scaled_by(tenths, 10, rounding).map(Fen::get);
            assert_eq!(by(Rounding::HalfEven), Ok(half_even), "{fen} × {tenths} / 10");
            assert_eq!(by(Rounding::Down), Ok(down), "{fen} × {tenths} / 10");
        }
    }

    proptest! {
        #[test]
        fn every_amount_reads_back(fen in any::<i64>().prop_filter("magnitude", |fen| *fen != i64::MIN)) {
            prop_assert_eq!(Fen::parse_yuan(&Fen::new(fen).to_string()), Ok(Fen::new(fen)));
        }

        #[test]
        fn any_text_is_an_amount_or_an_error(text in ".{0,24}") {
            if let Ok(amount) = Fen::parse_yuan(&text) {
                prop_assert_eq!(Fen::parse_yuan(&amount.to_string()), Ok(amount));
            }
        }

        #[test]
        fn scaling_is_within_half_a_fen(fen in -1_000_000_000_i64..1_000_000_000, numerator in 0_u64..20_000) {
            let scaled = Fen::new(fen).scaled(numerator, 10_000).expect("small").get();
            let exact_times_10000 = i128::from(fen) * i128::from(numerator);
            prop_assert!((i128::from(scaled) * 10_000 - exact_times_10000).abs() <= 5_000);
        }
    }
}
