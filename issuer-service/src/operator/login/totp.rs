//! Codes of the second factor, six digits that change every half minute.
//!
//! Source: RFC 6238 (TOTP), RFC 4226 (HOTP), RFC 4648 (base 32). SHA-1, which every authenticator program knows.
//! Owns: codes, which step a code is of, the address that a program is given. Never: stores a secret, decides that a code is used up.

use ring::hmac;
use ring::rand::{SecureRandom, SystemRandom};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::failure::LoginError;

/// Seconds of a step.
const STEP_SECONDS: u64 = 30;
/// Steps that clocks may differ by, either way.
const SLACK: u64 = 1;
/// Seconds by which a clock is set back when it stood ahead (assumed); used codes stay used up to there.
const AHEAD_SECONDS: u64 = 3_600;
/// Bytes of a secret: as long as the hash.
const SECRET_BYTES: usize = 20;
/// Digits.
const DIGITS: usize = 6;

/// A new secret.
///
/// # Errors
/// [`LoginError::NoRandom`].
pub fn secret() -> Result<Zeroizing<Vec<u8>>, LoginError> {
    let mut secret = Zeroizing::new(vec![0; SECRET_BYTES]);
    SystemRandom::new().fill(&mut secret).map_err(|_| LoginError::NoRandom)?;
    Ok(secret)
}

/// The code of a secret at a second since 1970.
#[must_use]
pub fn code(secret: &[u8], seconds: u64) -> String {
    of_step(secret, seconds / STEP_SECONDS)
}

/// The step whose code this is, of those that are near.
#[must_use]
pub fn step_of(secret: &[u8], seconds: u64, code: &str) -> Option<u64> {
    let now = seconds / STEP_SECONDS;
    let near = now.saturating_sub(SLACK)..=now.saturating_add(SLACK);
    // All are compared: how long it takes says nothing.
    near.fold(None, |found, step| {
        let same = bool::from(of_step(secret, step).as_bytes().ct_eq(code.as_bytes()));
        if same { Some(step) } else { found }
    })
}

/// The step an hour ahead of a second since 1970: one that was taken behind it was taken by a clock that stood ahead, not by one that
/// has since been set back by a little.
#[must_use]
pub const fn step_ahead(seconds: u64) -> u64 {
    seconds.saturating_add(AHEAD_SECONDS) / STEP_SECONDS
}

/// The address that an authenticator program takes: `otpauth://totp/…`.
#[must_use]
pub fn address(centre: &str, operator: &str, secret: &[u8]) -> Zeroizing<String> {
    let secret = Zeroizing::new(base32(secret));
    Zeroizing::new(format!(
        "otpauth://totp/{centre}:{operator}?secret={}&issuer={centre}&algorithm=SHA1&digits={DIGITS}&period={STEP_SECONDS}",
        *secret
    ))
}

fn of_step(secret: &[u8], step: u64) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret);
    let tag = hmac::sign(&key, &step.to_be_bytes());
    let bytes = tag.as_ref();
    let at = usize::from(bytes.last().copied().unwrap_or_default() & 0x0F);
    let four: [u8; 4] = bytes.get(at..at + 4).and_then(|four| four.try_into().ok()).unwrap_or_default();
    let number = u32::from_be_bytes(four) & 0x7FFF_FFFF;
    format!("{:0DIGITS$}", number % 1_000_000)
}

fn base32(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let mut text = String::with_capacity(bytes.len().div_ceil(5) * 8);
    let (mut held, mut bits) = (0_u32, 0);
    for byte in bytes {
        held = held << 8 | u32::from(*byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            text.push(char::from(LETTERS[(held >> bits & 31) as usize]));
        }
    }
    if bits > 0 {
        text.push(char::from(LETTERS[(held << (5 - bits) & 31) as usize]));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6238 appendix B, SHA-1, the last six of its eight digits.
    const PUBLISHED: [(u64, &str); 6] = [
        (59, "287082"),
        (1_111_111_109, "081804"),
        (1_111_111_111, "050471"),
        (1_234_567_890, "005924"),
        (2_000_000_000, "279037"),
        (20_000_000_000, "353130"),
    ];

    #[test]
    fn codes_are_those_published() {
        for (seconds, expected) in PUBLISHED {
            assert_eq!(code(b"12345678901234567890", seconds), expected);
        }
    }

    #[test]
    fn a_code_is_taken_one_step_early_or_late_and_no_more() {
        let secret = b"12345678901234567890";
        let of_59 = code(secret, 59);
        for (seconds, step) in [(0, Some(1)), (59, Some(1)), (89, Some(1)), (90, None)] {
            assert_eq!(step_of(secret, seconds, &of_59), step, "{seconds}");
        }
        for text in ["", "28708", "2870820", "２８７０８２", "287083"] {
            assert_eq!(step_of(secret, 59, text), None, "{text}");
        }
    }

    #[test]
    fn secrets_are_written_as_the_standard_has_it() {
        // RFC 4648 section 10, without padding.
        for (plain, text) in [("", ""), ("f", "MY"), ("fo", "MZXQ"), ("foo", "MZXW6"), ("foobar", "MZXW6YTBOI")] {
            assert_eq!(base32(plain.as_bytes()), text);
        }
    }
}
