//! Passwords of operators: what one must be, its hash, the comparison.
//!
//! Source: Argon2id (RFC 9106); cost assumed: 19 MiB, two passes, one lane, as for the files of keys.
//! Owns: the text that is stored. Never: stores or shows a password.

use argon2::{Algorithm, Argon2, Params, Version};
use ring::rand::{SecureRandom, SystemRandom};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::failure::{LoginError, Unfit};

/// Memory of one hash, KiB.
const MEMORY_KIB: u32 = 19_456;
/// Passes over it.
const PASSES: u32 = 2;
/// Lanes.
const LANES: u32 = 1;
/// Characters of the shortest password: assumed.
const CHARACTERS_MIN: usize = 12;
/// Characters of the longest: more is no mistake of typing.
pub const CHARACTERS_MAX: usize = 128;
/// Different characters in one.
const DIFFERENT_MIN: usize = 5;

/// Refuses a password that is guessed soon.
///
/// # Errors
/// [`LoginError::PasswordUnfit`].
pub fn fit(operator: &str, password: &str) -> Result<(), LoginError> {
    let unfit = |why| Err(LoginError::PasswordUnfit { why });
    let mut different: Vec<char> = password.chars().collect();
    let count = different.len();
    different.sort_unstable();
    different.dedup();
    if count < CHARACTERS_MIN || different.len() < DIFFERENT_MIN {
        return unfit(Unfit::Short);
    }
    if count > CHARACTERS_MAX || password.chars().any(char::is_control) {
        return unfit(Unfit::Long);
    }
    if operator.len() >= 3 && password.to_lowercase().contains(&operator.to_lowercase()) {
        return unfit(Unfit::Name);
    }
    Ok(())
}

/// The text that is stored: `argon2id KIB PASSES LANES SALT HASH`.
///
/// # Errors
/// [`LoginError::NoRandom`].
pub fn hash(password: &str) -> Result<String, LoginError> {
    let mut salt = [0; 16];
    SystemRandom::new().fill(&mut salt).map_err(|_| LoginError::NoRandom)?;
    let made = derive(password, &salt, (MEMORY_KIB, PASSES, LANES)).ok_or(LoginError::NoRandom)?;
    Ok(format!("argon2id {MEMORY_KIB} {PASSES} {LANES} {} {}", hex::encode(salt), hex::encode(*made)))
}

/// Whether a password is the one of a stored text. For a name that has none the work is the same, and the answer `false`.
#[must_use]
pub fn is(stored: Option<&str>, password: &str) -> bool {
    let parts = stored.and_then(parts);
    let (cost, salt, hash) = parts.unwrap_or(((MEMORY_KIB, PASSES, LANES), vec![0; 16], Vec::new()));
    let bounded: String = password.chars().take(CHARACTERS_MAX + 1).collect();
    let made = derive(&Zeroizing::new(bounded), &salt, cost);
    made.is_some_and(|made| bool::from(made.ct_eq(hash.as_slice())))
}

type Parts = ((u32, u32, u32), Vec<u8>, Vec<u8>);

fn parts(stored: &str) -> Option<Parts> {
    let words: Vec<&str> = stored.split(' ').collect();
    let ["argon2id", memory, passes, lanes, salt, hash] = words[..] else { return None };
    let cost = (memory.parse().ok()?, passes.parse().ok()?, lanes.parse().ok()?);
    Some((cost, hex::decode(salt).ok()?, hex::decode(hash).ok()?))
}

fn derive(password: &str, salt: &[u8], (memory, passes, lanes): (u32, u32, u32)) -> Option<Zeroizing<[u8; 32]>> {
    let mut made = Zeroizing::new([0; 32]);
    let params = Params::new(memory, passes, lanes, Some(32)).ok()?;
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(password.as_bytes(), salt, &mut *made)
        .ok()?;
    Some(made)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_knows_its_password_and_no_other() {
        let stored = hash("an invented password").expect("hash");
        assert!(is(Some(&stored), "an invented password"));
        assert!(stored != hash("an invented password").expect("hash"), "salted");
        for other in ["an invented passwore", "", "an invented password "] {
            assert!(!is(Some(&stored), other), "{other}");
        }
        assert!(!is(None, "") && !is(Some("argon2id 1 1 1"), "") && !is(Some("plain x"), "x"));
    }

    #[test]
    fn what_is_guessed_soon_is_refused() {
        for (password, why) in [
            ("short", Unfit::Short),
            ("aaaaaaaaaaaaaaaaaaaa", Unfit::Short),
            ("Zhang-2026-and-more", Unfit::Name),
            ("two\nlines of text", Unfit::Long),
            (&"abcdefgh".repeat(20), Unfit::Long),
        ] {
            let refused = fit("zhang", password);
            assert!(matches!(refused, Err(LoginError::PasswordUnfit { why: found }) if found == why), "{password}");
        }
        fit("zhang", "牦牛在雪山下面吃草看云和鹰").expect("good");
    }
}
