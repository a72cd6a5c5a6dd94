//! SM3, the hash function of the Chinese standards.
//!
//! Source: GB/T 32905.
//! Owns: the hash of bytes. Never: hashes a file, knows what is hashed.

use ::sm3::{Digest as _, Sm3};

/// Bytes of a hash.
pub type Digest = [u8; 32];

/// SM3 of `message`.
#[must_use]
pub fn sm3(message: &[u8]) -> Digest {
    Sm3::digest(message).into()
}

/// The hash of `parts` one after the other.
pub(super) fn sm3_of(parts: &[&[u8]]) -> Digest {
    let mut hash = Sm3::new();
    parts.iter().for_each(|part| hash.update(part));
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_the_standard() {
        for (message, digest) in [
            (b"abc".to_vec(), "66C7F0F462EEEDD9D1F2D46BDC10E4E24167C4875CF2F7A2297DA02B8F4BA8E0"),
            (b"abcd".repeat(16), "DEBE9FF92275B8A138604889C18E5A4D6FDB70E5387E5765293DCBA39C0C5732"),
            (Vec::new(), "1AB21D8355CFA17F8E61194831E81A8F22BEC8C728FEFB747ED035EB5082AA2B"),
        ] {
            assert_eq!(hex::encode_upper(sm3(&message)), digest);
            let (left, right) = message.split_at(message.len() / 2);
            assert_eq!(sm3_of(&[left, right]), sm3(&message));
        }
    }
}
