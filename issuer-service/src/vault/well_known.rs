//! Keys that everyone knows: of manuals, test cards and our own rehearsals.
//!
//! Source: COS manuals, GlobalPlatform test keys, FIPS 81, published examples of this card.
//! Owns: the list. Never: grows by guessing; a key is here because it is printed somewhere.

use card_core::crypto;
use card_core::key::Key16;
use card_profiles::rehearsal::TRANSPORT_KEY;

const PRINTED: [[u8; 16]; 6] = [
    TRANSPORT_KEY,
    *b"\x00\x11\x22\x33\x44\x55\x66\x77\x88\x99\xAA\xBB\xCC\xDD\xEE\xFF",
    *b"\x01\x23\x45\x67\x89\xAB\xCD\xEF\xFE\xDC\xBA\x98\x76\x54\x32\x10",
    *b"\x01\x23\x45\x67\x89\xAB\xCD\xEF\x01\x23\x45\x67\x89\xAB\xCD\xEF",
    *b"\x40\x41\x42\x43\x44\x45\x46\x47\x48\x49\x4A\x4B\x4C\x4D\x4E\x4F",
    *b"\x57\x41\x54\x43\x48\x44\x41\x54\x41\x54\x69\x6D\x65\x43\x4F\x53",
];

/// Whether a key is printed somewhere, repeats one byte, or has two equal halves (single DES in disguise).
pub(super) fn is_well_known(key: &Key16) -> bool {
    let bytes = key.expose();
    let (left, right) = bytes.split_at(8);
    PRINTED.contains(bytes) || left == right
}

/// Whether a key with this check value is printed somewhere; one key in two million would be refused by chance.
pub(super) fn has_check_value(value: [u8; 3]) -> bool {
    PRINTED.into_iter().any(|key| crypto::check_value(&Key16::new(key)) == value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn printed_and_repeated_keys_are_known_and_others_are_not() {
        for key in PRINTED.into_iter().chain([[0; 16], [0xFF; 16], [0x11; 16]]) {
            assert!(is_well_known(&Key16::new(key)));
        }
        assert!(!is_well_known(&Key16::new(*b"\x9A\x31\x07\xC4\x5E\x88\x21\xFD\x60\x1B\xD3\x94\x7E\x02\xAF\x46")));
    }
}
