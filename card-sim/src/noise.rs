//! Numbers under a seed: the same seed gives the same faults.
//!
//! Source: splitmix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014).
//! Owns: the generator and its state. Never: makes a number that must not be foretold (`challenge`).

use serde::{Deserialize, Serialize};

/// A generator; what is stored of it is its state, so that one read back goes on where it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Noise(u64);

impl Noise {
    /// A generator from a seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`, which is small: the bias of the remainder is below one in 10^12.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }

    /// A generator of its own, so that how much it is asked for does not move this one.
    #[must_use]
    pub fn branch(&mut self) -> Self {
        Self(self.next())
    }

    /// Flips each bit with the probability of `per_million` in a million.
    pub(crate) fn flip(&mut self, bytes: &mut [u8], per_million: u32) {
        for byte in bytes {
            for bit in 0..8 {
                *byte ^= u8::from(self.below(1_000_000) < u64::from(per_million)) << bit;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_those_of_the_published_generator() {
        // First three outputs for the seed 1234567, as the reference implementation prints them.
        let mut noise = Noise::new(1_234_567);
        let numbers = [noise.next(), noise.next(), noise.next()];
        assert_eq!(numbers, [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]);
    }

    #[test]
    fn as_many_bits_are_flipped_as_said() {
        let mut bytes = vec![0; 12_500];
        Noise::new(5).flip(&mut bytes, 50_000);
        let flipped: u32 = bytes.iter().map(|byte| byte.count_ones()).sum();
        assert!((4_700..5_300).contains(&flipped), "{flipped} of 100,000 bits, 5,000 expected");
    }
}
