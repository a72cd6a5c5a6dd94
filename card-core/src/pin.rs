//! A PIN (个人口令) as the card takes it: digits in BCD.
//!
//! Source: LD/T 32.5 VERIFY: 2 to 6 BCD bytes; an odd count of digits is padded with F.
//! Owns: the digits, their wiping. Never: shows them, compares them.

use std::fmt;

use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::crypto::sm3;
use crate::key::Key16;

/// Least and most digits.
pub const PIN_DIGITS: std::ops::RangeInclusive<usize> = 4..=12;

/// A PIN in BCD. Has no `Debug` of its digits.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct PinBcd(Vec<u8>);

impl PinBcd {
    /// From 4 to 12 ASCII digits; `None` for anything else.
    #[must_use]
    pub fn parse(digits: &str) -> Option<Self> {
        let digits = digits.as_bytes();
        if !PIN_DIGITS.contains(&digits.len()) || !digits.iter().all(u8::is_ascii_digit) {
            return None;
        }
        let nibble = |digit: Option<&u8>| digit.map_or(0x0F, |digit| digit & 0x0F);
        Some(Self(digits.chunks(2).map(|pair| nibble(pair.first()) << 4 | nibble(pair.get(1))).collect()))
    }

    /// What a card keeps that hashes PINs: the first 16 bytes of SM3 of the digits in BCD.
    ///
    /// # Panics
    /// Never: a hash has 32 bytes.
    #[must_use]
    pub fn hashed(&self) -> Key16 {
        let hash = zeroize::Zeroizing::new(sm3(&self.0));
        Key16::new(*hash.first_chunk().expect("a hash has 32 bytes"))
    }

    /// The bytes, for the command that needs them.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for PinBcd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PinBcd(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_become_bcd_and_an_odd_count_ends_with_f() {
        for (digits, bcd) in
            [("123456", "123456"), ("1234", "1234"), ("12345", "12345F"), ("123456789012", "123456789012")]
        {
            assert_eq!(hex::encode_upper(PinBcd::parse(digits).expect(digits).expose()), bcd);
        }
        for digits in ["", "123", "1234567890123", "12a4", "１２３４", "12 4"] {
            assert!(PinBcd::parse(digits).is_none(), "{digits:?}");
        }
    }

    #[test]
    fn a_pin_is_hashed_as_in_the_published_value() {
        let hashed = PinBcd::parse("123456").expect("digits").hashed();
        assert_eq!(hex::encode_upper(hashed.expose()), "3DE741F445DD357BEA4E6C3FE6437036");
    }

    #[test]
    fn digits_are_not_in_debug() {
        assert_eq!(format!("{:?}", PinBcd::parse("123456")), "Some(PinBcd(..))");
    }
}
