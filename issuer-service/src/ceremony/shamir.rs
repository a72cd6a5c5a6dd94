//! Secret sharing (门限): any m of n shares give 32 bytes back, fewer say nothing about them.
//!
//! Source: A. Shamir, "How to share a secret", 1979, over GF(2^8) with the polynomial of FIPS 197 (x^8+x^4+x^3+x+1).
//! Owns: splitting and joining. Never: decides who gets a share; detects a wrong one (its check value does, `secrets`).

use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// A secret of 32 bytes.
pub(super) type Secret = Zeroizing<[u8; 32]>;

/// A share: the place of its holder and the value there of 32 polynomials.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub(super) struct Share {
    /// 1 to 255; 0 would be the secret itself.
    pub(super) place: u8,
    pub(super) bytes: [u8; 32],
}

/// Shares for the places 1 to `count`; `coefficients` are the random ones, one row of 32 bytes a degree: their number plus
/// one is the threshold.
pub(super) fn split(secret: &[u8; 32], coefficients: &[Zeroizing<[u8; 32]>], count: u8) -> Vec<Share> {
    let at = |place: u8| {
        let mut bytes = [0; 32];
        for (index, byte) in bytes.iter_mut().enumerate() {
            // Horner, highest degree first.
            let of = |row: &[u8; 32]| row.get(index).copied().unwrap_or_default();
            let high = coefficients.iter().rev().fold(0, |sum, row| multiply(sum, place) ^ of(row));
            *byte = multiply(high, place) ^ of(secret);
        }
        Share { place, bytes }
    };
    (1..=count).map(at).collect()
}

/// The value at 0 of the polynomials through these shares, each place once. With fewer than the threshold it is noise.
pub(super) fn join(shares: &[Share]) -> Secret {
    let mut secret = Zeroizing::new([0; 32]);
    for share in shares {
        let others = || shares.iter().map(|other| other.place).filter(|place| *place != share.place);
        let above = others().fold(1, multiply);
        let below = others().fold(1, |product, place| multiply(product, place ^ share.place));
        let weight = multiply(above, inverse(below));
        secret.iter_mut().zip(share.bytes).for_each(|(sum, byte)| *sum ^= multiply(byte, weight));
    }
    secret
}

/// Product in GF(2^8); the same steps for every value.
fn multiply(mut left: u8, mut right: u8) -> u8 {
    let mut product = 0;
    for _ in 0..8 {
        product ^= left & 0_u8.wrapping_sub(right & 1);
        left = left << 1 ^ 0x1B & 0_u8.wrapping_sub(left >> 7);
        right >>= 1;
    }
    product
}

/// Inverse in GF(2^8): the 254th power.
fn inverse(value: u8) -> u8 {
    (0..253).fold(value, |power, _| multiply(power, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(byte: u8) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(std::array::from_fn(|index| {
            byte.wrapping_mul(31).wrapping_add(u8::try_from(index).expect("32"))
        }))
    }

    #[test]
    fn products_are_those_of_fips_197() {
        assert_eq!((multiply(0x57, 0x83), multiply(0x57, 0x13), multiply(0x57, 0x02)), (0xC1, 0xFE, 0xAE));
        for value in 1..=255 {
            assert_eq!(multiply(value, inverse(value)), 1);
        }
    }

    #[test]
    fn shares_are_the_values_of_the_polynomial() {
        // 0x42 + 0x57 x + 0x83 x^2 at 1 and 2, by hand: 2^2 = 4, 4 * 83 = 3A (two shifts, one reduction each), 2 * 57 = AE.
        let shares = split(&[0x42; 32], &[Zeroizing::new([0x57; 32]), Zeroizing::new([0x83; 32])], 2);
        assert_eq!((shares[0].bytes[0], shares[1].bytes[31]), (0x42 ^ 0x57 ^ 0x83, 0x42 ^ 0xAE ^ 0x3A));
    }

    #[test]
    fn every_choice_of_enough_shares_gives_the_secret_and_none_of_fewer_does() {
        let secret = row(7);
        for threshold in 2..=4_u8 {
            let coefficients: Vec<_> = (1..threshold).map(|degree| row(100 + degree)).collect();
            let shares = split(&secret, &coefficients, 5);
            for chosen in 1_u8..1 << 5 {
                let some: Vec<Share> =
                    shares.iter().filter(|share| chosen >> (share.place - 1) & 1 == 1).cloned().collect();
                let enough = some.len() >= usize::from(threshold);
                assert_eq!(join(&some) == secret, enough, "{} of threshold {threshold}", some.len());
            }
        }
    }
}
