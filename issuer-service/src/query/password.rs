//! 查询密码: who may ask about themselves without being seen, by telephone or on the web.
//!
//! Source: Argon2id (RFC 9106) with OWASP's lower bound of memory; digits, since a telephone has no letters. Five wrong ones of a person
//! lock for half an hour; through one program three hundred are taken at once and one each twelve seconds from there on (assumed): who guesses from person to
//! person is slowed, and nobody shuts a telephone line for the hour.
//! Owns: what a password may be, its hash, counting wrong ones. Never: keeps or shows a password; says which of number and password
//! was wrong, or that it is locked; lets anybody ask about somebody else.

use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use ring::rand::{SecureRandom, SystemRandom};
use zeroize::Zeroizing;

use super::failure::QueryError;
use super::person::Whom;
use super::{Asker, Clerk};
use crate::audit::Act;
use crate::clock;
use crate::error::Missing;
use crate::operator::Role;
use crate::store::query::StoredPassword;
use crate::store::{Store, StoreError, Tx};

/// Wrong passwords until it is locked.
const FAILURES_MAX: u32 = 5;
/// Seconds for which it is locked then.
const LOCKED_S: u32 = 30 * 60;
/// Wrong passwords through one program that are taken at once: whoever guesses goes from person to person, and many callers mistype.
const PROGRAM_MISTAKES_MAX: u64 = 300;
/// Seconds for each one more.
const PROGRAM_MISTAKE_S: u64 = 12;
/// Seconds after which it counts anew.
const PROGRAM_SPAN_S: u64 = 3_600;
/// KiB of memory, passes and lanes of one hash.
const COST: (u32, u32, u32) = (19_456, 2, 1);
const SALT: usize = 16;
const HASH: usize = 32;

/// Gives a person a query password, or another one; the person chose it at the counter.
///
/// # Errors
/// [`QueryError::PasswordUnfit`]; [`QueryError`].
pub fn set(store: &mut Store, person: i64, password: &str, clerk: Clerk<'_>) -> Result<(), QueryError> {
    let hash = hash(password)?;
    store.act(|tx| {
        let (actor, behalf) = clerk.on_duty(tx, Role::Counter)?;
        let details = tx.person(person)?.ok_or(Missing::Person { id: person })?.details;
        if !is_fit(password) || details.number.contains(password) || details.phone.contains(password) {
            return Err(QueryError::PasswordUnfit);
        }
        tx.put_query_password(person, &hash, &actor)?;
        let (object, detail) = (format!("person {person}"), format!("set{behalf}"));
        Ok(((), Act { actor, act: "query.password", object, detail }))
    })
}

/// Another query password instead of the one there is, by the person who has just proved to know that one.
///
/// # Errors
/// [`QueryError::PasswordUnfit`]; [`QueryError`].
pub fn change(store: &mut Store, asker: &Asker, person: i64, password: &str) -> Result<(), QueryError> {
    let hash = hash(password)?;
    store.act(|tx| {
        let details = tx.person(person)?.ok_or(Missing::Person { id: person })?.details;
        if !is_fit(password) || details.number.contains(password) || details.phone.contains(password) {
            return Err(QueryError::PasswordUnfit);
        }
        tx.put_query_password(person, &hash, &asker.actor)?;
        Ok(((), asker.act("query.password", person, "changed by the person")))
    })
}

/// Verifies number and password, or 卡号 and password, of somebody who asks; the row number of the person. Wrong ones are counted on
/// record, of the person and of whoever asks for people.
///
/// # Errors
/// [`QueryError::PasswordWrong`], also while it is locked; [`QueryError::ClientLocked`].
pub fn verify(store: &mut Store, asker: &Asker, whom: Whom<'_>, password: &str) -> Result<i64, QueryError> {
    let known = store.read(|tx| -> Result<_, QueryError> {
        // Whoever it is about: nobody learns from it who there is.
        let (began, wrong) = tx.query_mistakes(&asker.actor)?;
        // Counted by a clock that stood ahead: that hour is over.
        let seconds = wait(clock::seconds().checked_sub(began).unwrap_or(PROGRAM_SPAN_S), wrong);
        if seconds > 0 {
            return Err(QueryError::ClientLocked { seconds });
        }
        let person = match whom {
            Whom::Number(number) => tx.person_by_number(number)?,
            Whom::Card(number) => tx.card_by_number(number)?.map(|card| tx.goes_on_in(card.person)).transpose()?,
            Whom::Person(_) | Whom::Proved(_) => None,
        };
        Ok(person.map(|person| Ok::<_, StoreError>((person, tx.query_password(person)?))).transpose()?)
    })?;
    let Some((person, Some(stored))) = known else {
        // As long as a wrong password takes, and on record as well: nobody learns who has one.
        let _ = hash(password)?;
        store.act(|tx| -> Result<_, QueryError> {
            Ok(((), asker.act_on_nobody("query.password", &format!("wrong{}", mistaken(tx, asker)?))))
        })?;
        return Err(QueryError::PasswordWrong);
    };
    let is_right = matches(password, &stored.hash)?;
    let done = store.act(|tx| -> Result<_, QueryError> {
        // Read again: others may have tried meanwhile.
        let stored = tx.query_password(person)?.ok_or(QueryError::PasswordWrong)?;
        let (outcome, detail) = judge(&stored, is_right);
        match &outcome {
            Tried::Right => tx.note_query_password(person, 0, None)?,
            Tried::Wrong(failures) => tx.note_query_password(person, *failures, None)?,
            Tried::Locks(until) => tx.note_query_password(person, 0, Some(until.as_str()))?,
            Tried::Locked => {}
        }
        let noted = if outcome == Tried::Right { "" } else { mistaken(tx, asker)? };
        Ok((outcome, asker.act("query.password", person, &format!("{detail}{noted}"))))
    })?;
    match done {
        Tried::Right => Ok(person),
        // Whoever is told that it is locked is told that there is one.
        Tried::Wrong(_) | Tried::Locks(_) | Tried::Locked => Err(QueryError::PasswordWrong),
    }
}

/// Seconds until a program may ask again, after so many wrong passwords in so many seconds.
const fn wait(elapsed: u64, wrong: u64) -> u64 {
    if elapsed >= PROGRAM_SPAN_S || wrong < PROGRAM_MISTAKES_MAX {
        return 0;
    }
    // The first one more is due when its seconds are over.
    ((wrong - PROGRAM_MISTAKES_MAX + 1) * PROGRAM_MISTAKE_S).saturating_sub(elapsed)
}

/// Counts a mistake of whoever asks; what the record says of it.
fn mistaken(tx: &Tx<'_>, asker: &Asker) -> Result<&'static str, StoreError> {
    let now = clock::seconds();
    let wrong = tx.count_query_mistake(&asker.actor, now, now.saturating_sub(PROGRAM_SPAN_S))?;
    Ok(if wrong == PROGRAM_MISTAKES_MAX { ", program slowed" } else { "" })
}

/// What a try came to.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Tried {
    Right,
    Wrong(u32),
    Locks(String),
    Locked,
}

fn judge(stored: &StoredPassword, is_right: bool) -> (Tried, &'static str) {
    // Instants of one form compare as texts.
    if stored.locked_until.as_ref().is_some_and(|until| *until > clock::now()) {
        // One that is farther than a lock lasts was written by a clock that stood ahead: it lasts as long as one of now, and no step of
        // the clock opens it.
        let latest = clock::instant_in(LOCKED_S);
        let ahead = stored.locked_until.as_ref().is_some_and(|until| *until > latest);
        return (if ahead { Tried::Locks(latest) } else { Tried::Locked }, "locked");
    }
    match (is_right, stored.failures + 1) {
        (true, _) => (Tried::Right, "right"),
        (false, failures) if failures >= FAILURES_MAX => (Tried::Locks(clock::instant_in(LOCKED_S)), "wrong, locked"),
        (false, failures) => (Tried::Wrong(failures), "wrong"),
    }
}

/// 6 to 12 digits, not all alike, not in a row up or down.
fn is_fit(password: &str) -> bool {
    let digits = password.as_bytes();
    let plain = (6..=12).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit);
    let steps = |step: i16| digits.windows(2).all(|two| matches!(two, [a, b] if i16::from(*b) - i16::from(*a) == step));
    plain && !steps(0) && !steps(1) && !steps(-1)
}

fn compute(password: &str, salt: &[u8]) -> Result<Zeroizing<[u8; HASH]>, QueryError> {
    let (memory, passes, lanes) = COST;
    let params = Params::new(memory, passes, lanes, Some(HASH)).map_err(|_| QueryError::PasswordNotComputed)?;
    let mut hash = Zeroizing::new([0; HASH]);
    let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    argon
        .hash_password_into(password.as_bytes(), salt, hash.as_mut_slice())
        .map_err(|_| QueryError::PasswordNotComputed)?;
    Ok(hash)
}

fn hash(password: &str) -> Result<String, QueryError> {
    let mut salt = [0; SALT];
    SystemRandom::new().fill(&mut salt).map_err(|_| StoreError::NoRandom)?;
    let hash = compute(password, &salt)?;
    let (memory, passes, lanes) = COST;
    let (salt, hash) = (STANDARD_NO_PAD.encode(salt), STANDARD_NO_PAD.encode(*hash));
    Ok(format!("$argon2id$v=19$m={memory},t={passes},p={lanes}${salt}${hash}"))
}

/// Whether a password has this hash; one of another cost is none of ours.
fn matches(password: &str, stored: &str) -> Result<bool, QueryError> {
    let (memory, passes, lanes) = COST;
    let head = format!("$argon2id$v=19$m={memory},t={passes},p={lanes}$");
    let parts = stored.strip_prefix(&head).and_then(|rest| rest.split_once('$'));
    let decoded = parts.map(|(salt, hash)| (STANDARD_NO_PAD.decode(salt), STANDARD_NO_PAD.decode(hash)));
    let Some((Ok(salt), Ok(known))) = decoded else { return Err(QueryError::PasswordNotComputed) };
    let found = compute(password, &salt)?;
    // Every byte is looked at, whatever the first ones say.
    let differing = known.iter().zip(found.iter()).fold(0, |sum, (a, b)| sum | (a ^ b));
    Ok(known.len() == HASH && differing == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_slowed_and_never_shut() {
        // Callers who mistype all day are not kept waiting; who guesses gets one each twelve seconds.
        for (elapsed, wrong, seconds) in [
            (0, 299, 0),
            (0, 300, 12),
            (12, 300, 0),
            (12, 301, 12),
            (1_800, 449, 0),
            (1_800, 450, 12),
            (3_600, 9_000, 0),
        ] {
            assert_eq!(wait(elapsed, wrong), seconds, "{wrong} in {elapsed} s");
        }
    }

    #[test]
    fn a_password_is_digits_that_nobody_guesses_first() {
        for good in ["830512", "112358", "100000", "975310864213"] {
            assert!(is_fit(good), "{good}");
        }
        for bad in ["", "12345", "123456", "654321", "000000", "1234567890123", "83051a", "８３０５１２", " 830512"]
        {
            assert!(!is_fit(bad), "{bad}");
        }
    }

    #[test]
    fn a_hash_matches_its_password_alone_and_shows_its_cost() {
        let stored = hash("830512").expect("computed");
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$") && !stored.contains("830512"));
        assert_ne!(stored, hash("830512").expect("computed"), "salted");
        assert!(matches("830512", &stored).expect("computed"));
        assert!(!matches("830513", &stored).expect("computed"));
        assert!(matches("830512", &stored.replace("m=19456", "m=8")).is_err());
    }

    #[test]
    fn five_wrong_ones_lock_and_a_locked_one_stays_so_until_its_time() {
        let stored = |failures, locked_until: Option<&str>| StoredPassword {
            hash: String::new(),
            failures,
            locked_until: locked_until.map(str::to_owned),
        };
        assert_eq!(judge(&stored(0, None), false).0, Tried::Wrong(1));
        assert_eq!(judge(&stored(3, None), true).0, Tried::Right);
        assert!(matches!(judge(&stored(4, None), false).0, Tried::Locks(_)));
        assert_eq!(judge(&stored(0, Some(&clock::instant_in(LOCKED_S - 60))), true).0, Tried::Locked);
        // A clock that stood ahead and was set right locks nobody out for as long, and one that is set back by a step opens nothing.
        for until in ["2999-01-01T00:00:00.000Z".to_owned(), clock::instant_in(LOCKED_S + 5)] {
            let (tried, detail) = judge(&stored(0, Some(&until)), true);
            assert_eq!(detail, "locked");
            let Tried::Locks(until) = tried else { panic!("{until} opens") };
            assert!(until > clock::now() && until <= clock::instant_in(LOCKED_S), "{until}");
            assert_eq!(judge(&stored(0, Some(&until)), true).0, Tried::Locked, "it stays so until then");
        }
        assert_eq!(judge(&stored(0, Some("2000-01-01T00:00:00.000Z")), true).0, Tried::Right);
    }
}
