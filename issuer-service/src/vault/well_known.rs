//! Keys that everyone knows: of manuals, test cards and our own rehearsals, and keys that DES itself makes weak.
//!
//! Source: COS manuals, GlobalPlatform test keys, FIPS 81, published examples of this card and of its purse; weak and semi-weak keys
//! of DES, FIPS 74 and NIST SP 800-67 3.3.2.
//! Owns: the list, and the shapes of a half that no random key has. Never: grows by guessing; a key is here because it is printed
//! somewhere. The lowest bit of a byte is parity and no part of a DES key: all is compared without it.

use card_core::crypto;
use card_core::key::Key16;
use card_profiles::rehearsal::TRANSPORT_KEY;

const PRINTED: [[u8; 16]; 12] = [
    TRANSPORT_KEY,
    *b"\x00\x11\x22\x33\x44\x55\x66\x77\x88\x99\xAA\xBB\xCC\xDD\xEE\xFF",
    *b"\x01\x23\x45\x67\x89\xAB\xCD\xEF\xFE\xDC\xBA\x98\x76\x54\x32\x10",
    *b"\x01\x23\x45\x67\x89\xAB\xCD\xEF\x01\x23\x45\x67\x89\xAB\xCD\xEF",
    *b"\x40\x41\x42\x43\x44\x45\x46\x47\x48\x49\x4A\x4B\x4C\x4D\x4E\x4F",
    *b"\x57\x41\x54\x43\x48\x44\x41\x54\x41\x54\x69\x6D\x65\x43\x4F\x53",
    // Purses: a published log, a published example, keys of one card of an example.
    *b"\x3F\x3F\x3F\x3F\x3F\x3F\x3F\x3F\x11\x22\x33\x44\x55\x66\x77\x88",
    *b"\x11\x22\x33\x44\x55\x66\x77\x88\x88\x77\x66\x55\x44\x33\x22\x11",
    *b"\xFD\xDD\xBA\xCD\x60\x89\x2A\x46\x77\x78\x71\xF4\x1C\x45\xBC\x9A",
    *b"\xD5\xA4\x7F\xA4\x05\xB2\xD0\x79\x26\x39\xDF\x37\x7A\x2B\xA1\xC2",
    *b"\x84\x32\x89\x53\x43\x76\xA8\xFA\x2C\xD1\xB0\x84\x72\x15\x36\x83",
    *b"\x5B\x06\xB0\xBC\x65\xCD\x1F\x6C\x0E\x1D\xE7\x01\xD6\xB8\x9F\xA4",
];

/// Bytes of which the weak and semi-weak keys of DES are made, parity left out.
const WEAK: [u8; 4] = [0x00, 0x1E, 0xE0, 0xFE];

/// Whether a key is printed somewhere, has two equal halves (single DES in disguise), or a half that is weak in DES or counts in even
/// steps (one byte repeated, `11 22 33 …`), as keys of manuals do; a random half does so once in 2⁴⁷.
pub(super) fn is_well_known(key: &Key16) -> bool {
    let bytes = without_parity(*key.expose());
    let (left, right) = halves(&bytes);
    let printed = PRINTED.into_iter().any(|known| without_parity(known) == bytes);
    let own = halves(key.expose());
    printed || left == right || is_weak_half(left) || is_weak_half(right) || counts(own.0) || counts(own.1)
}

/// Whether a key with this check value is printed somewhere; one key in a million would be refused by chance.
pub(super) fn has_check_value(value: [u8; 3]) -> bool {
    PRINTED.into_iter().any(|key| crypto::check_value(&Key16::new(key)) == value)
}

fn halves(bytes: &[u8; 16]) -> (&[u8], &[u8]) {
    bytes.split_at(8)
}

fn without_parity(bytes: [u8; 16]) -> [u8; 16] {
    bytes.map(|byte| byte & 0xFE)
}

/// The 4 weak and the 12 semi-weak keys, whose rounds have one or two different keys: two bytes of [`WEAK`] in turn, then the same two
/// as the other half of the key schedule has them.
fn is_weak_half(half: &[u8]) -> bool {
    let &[a, b, a1, b1, c, d, c1, d1] = half else { return false };
    if (a, b, c, d) != (a1, b1, c1, d1) {
        return false;
    }
    // `1F … 0E`, `E0 … F1`, each without parity.
    let right = |byte: u8| match byte {
        0x1E => 0x0E,
        0xE0 => 0xF0,
        byte => byte,
    };
    WEAK.contains(&a) && WEAK.contains(&b) && c == right(a) && d == right(b)
}

/// Bytes that go up or down by one step, modulo 256.
fn counts(half: &[u8]) -> bool {
    let mut steps = half.windows(2).map(|pair| pair[1].wrapping_sub(pair[0]));
    let first = steps.next();
    steps.all(|step| Some(step) == first)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(hex: &str) -> bool {
        let bytes = hex::decode(hex.replace(' ', "")).expect("hex");
        is_well_known(&Key16::new(bytes.try_into().expect("16 bytes")))
    }

    #[test]
    fn printed_and_repeated_keys_are_known_and_others_are_not() {
        for key in PRINTED.into_iter().chain([[0; 16], [0xFF; 16], [0x11; 16]]) {
            assert!(is_well_known(&Key16::new(key)));
            assert!(is_well_known(&Key16::new(key.map(|byte| byte ^ 1))), "parity is no part of a key");
        }
        assert!(!is_well_known(&Key16::new(*b"\x9A\x31\x07\xC4\x5E\x88\x21\xFD\x60\x1B\xD3\x94\x7E\x02\xAF\x46")));
    }

    #[test]
    fn a_half_that_is_weak_or_counts_makes_a_key_known_whatever_the_other_is() {
        // As they are printed, with odd parity: the 4 weak keys and the 6 pairs of semi-weak ones.
        let weak = [
            "0101010101010101",
            "FEFEFEFEFEFEFEFE",
            "1F1F1F1F0E0E0E0E",
            "E0E0E0E0F1F1F1F1",
            "01FE01FE01FE01FE",
            "FE01FE01FE01FE01",
            "1FE01FE00EF10EF1",
            "E01FE01FF10EF10E",
            "01E001E001F101F1",
            "E001E001F101F101",
            "1FFE1FFE0EFE0EFE",
            "FE1FFE1FFE0EFE0E",
            "011F011F010E010E",
            "1F011F010E010E01",
            "E0FEE0FEF1FEF1FE",
            "FEE0FEE0FEF1FEF1",
        ];
        let counting =
            ["1122334455667788", "8877665544332211", "0123456789ABCDEF", "FEDCBA9876543210", "3F3F3F3F3F3F3F3F"];
        let random = "601BD3947E02AF46";
        for half in weak.into_iter().chain(counting) {
            assert!(known(&format!("{half}{random}")) && known(&format!("{random}{half}")), "{half}");
        }
        assert!(known("0101010101010101 FEFEFEFEFEFEFEFE"));
        for half in ["0101010101040101", "1F1F1F1F0E0E0E1F", "1122334455667798", "01FE01FE01FEFE01"] {
            assert!(!known(&format!("{half}{random}")), "{half}");
        }
    }
}
