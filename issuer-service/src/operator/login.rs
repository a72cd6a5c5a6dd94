//! How operators prove who they are: a password, a code of their second factor, waiting after mistakes, and the session behind it.
//!
//! Source: RFC 9106, RFC 6238; the numbers are assumed. Owns: the order of the checks, how long one waits, how long a session lasts.
//! Never: says which of name, password and code was wrong; does more for a name that nobody has, or less; makes anybody wait for a
//! moment that a wrong clock wrote: a stored moment later than now is taken as now, and written down so; a session of such a moment is over.
//! Units: seconds since 1970, UTC.

pub mod failure;
pub mod password;
pub mod totp;

use ring::hmac;
use ring::rand::{SecureRandom, SystemRandom};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

pub use self::failure::LoginError;

use super::Operator;
use crate::audit::Act;
use crate::clock;
use crate::operator::{OperatorError, Role};
use crate::store::{Store, StoreError, Tx};

/// Mistakes that cost no waiting.
pub const MISTAKES_FREE: u32 = 5;
/// Waiting after the next one; it doubles with each.
const WAIT_SECONDS: u64 = 60;
/// Longest waiting.
const WAIT_SECONDS_MAX: u64 = 900;
/// Mistakes are forgotten after so long.
const FORGOTTEN_SECONDS: u64 = 86_400;
/// A session in which nothing happens ends after so long.
pub const IDLE_SECONDS: u64 = 900;
/// A session ends after so long, whatever happens in it.
pub const SESSION_SECONDS: u64 = 36_000;
/// How often it is written down that a session is in use.
const SEEN_SECONDS: u64 = 60;

/// A session as the database has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    /// Whose.
    pub operator: String,
    /// When it began.
    pub began_at: u64,
    /// When somebody was last seen in it; up to a minute late.
    pub seen_at: u64,
}

/// Somebody who is logged in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entered {
    /// Who, with the roles of this moment.
    pub operator: Operator,
    /// When the session ends, whatever happens in it.
    pub until: u64,
}

/// A session that begins; its token is shown once.
pub struct Begun {
    /// 256 random bits, hex.
    pub token: Zeroizing<String>,
    /// Who is in it.
    pub entered: Entered,
}

impl std::fmt::Debug for Begun {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Begun").field("entered", &self.entered).finish_non_exhaustive()
    }
}

/// Proves that a password is the operator's own: for commands at this machine. Who has none proves nothing.
///
/// # Errors
/// [`LoginError`].
pub fn prove(store: &mut Store, name: &str, password: &str) -> Result<(), LoginError> {
    if proved(store, name, password)? { Err(LoginError::PasswordInitial { name: name.to_owned() }) } else { Ok(()) }
}

/// Logs an operator in: password, then the code of the second factor, which is used up by it. Mistakes are counted for the name and
/// the block of addresses that they come `from`: a stranger elsewhere makes nobody wait. The session whose token is brought along as
/// `before` ends: the browser keeps one.
///
/// # Errors
/// [`LoginError`].
pub fn log_in(
    store: &mut Store,
    name: &str,
    (password, code): (&str, &str),
    (from, before): (&str, Option<&str>),
) -> Result<Begun, LoginError> {
    let initial = verified(store, name, password, Some(from))?;
    let seconds = clock::seconds();
    let mut bytes = Zeroizing::new([0; 32]);
    SystemRandom::new().fill(&mut *bytes).map_err(|_| LoginError::NoRandom)?;
    let token = Zeroizing::new(hex::encode(*bytes));
    let entered = store.act(|tx| {
        let operator = tx.operator(name)?.ok_or(LoginError::Refused)?;
        if initial {
            return Err(LoginError::PasswordInitial { name: name.to_owned() });
        }
        let secret = tx.totp(name)?.ok_or_else(|| LoginError::TotpNotSet { name: name.to_owned() })?;
        let step = totp::step_of(&Zeroizing::new(secret), seconds, code).ok_or(LoginError::Refused)?;
        if !tx.take_totp_step(name, step, totp::step_ahead(seconds))? {
            return Err(LoginError::Refused);
        }
        let heading = heading(tx, name, Some(from))?;
        // This one is counted already.
        let mistakes = tx.login_failures(&heading)?.0.saturating_sub(1);
        tx.forget_logins(&heading)?;
        if let Some(before) = before {
            tx.end_session(before)?;
        }
        tx.begin_session(&token, name, seconds, seconds.saturating_sub(SESSION_SECONDS))?;
        let detail = format!("{mistakes} mistakes before");
        let act = Act { actor: name.to_owned(), act: "operator.login", object: format!("operator {name}"), detail };
        Ok((Entered { operator, until: seconds + SESSION_SECONDS }, act))
    })?;
    Ok(Begun { token, entered })
}

/// Who is in the session of a token. `seen`: somebody does something there, and the time of idleness begins anew.
///
/// # Errors
/// [`LoginError::SessionMissing`], [`LoginError::SessionEnded`].
pub fn entered(store: &mut Store, token: &str, seen: bool) -> Result<Entered, LoginError> {
    let now = clock::seconds();
    let (opened, operator) = store.read(|tx| -> Result<_, LoginError> {
        let opened = tx.session(token)?.ok_or(LoginError::SessionMissing)?;
        // A clock that was set back keeps no session alive, and locks nobody out: one logs in again.
        let since = |then: u64| now.checked_sub(then).unwrap_or(u64::MAX);
        let (age, idle) = (since(opened.began_at), since(opened.seen_at));
        if age > SESSION_SECONDS || idle > IDLE_SECONDS {
            return Err(LoginError::SessionEnded);
        }
        let operator = tx.operator(&opened.operator)?.ok_or(LoginError::SessionEnded)?;
        Ok((opened, operator))
    })?;
    if seen && now.saturating_sub(opened.seen_at) >= SEEN_SECONDS {
        store.journal(|tx| tx.see_session(token, now))?;
    }
    Ok(Entered { operator, until: opened.began_at + SESSION_SECONDS })
}

/// Ends a session.
///
/// # Errors
/// [`LoginError`].
pub fn log_out(store: &mut Store, token: &str) -> Result<(), LoginError> {
    store.act_under_way(|tx| {
        let opened = tx.session(token)?.ok_or(LoginError::SessionMissing)?;
        tx.end_session(token)?;
        let (actor, object) = (opened.operator.clone(), format!("operator {}", opened.operator));
        Ok(((), Act { actor, act: "operator.logout", object, detail: String::new() }))
    })
}

/// What a page puts into its forms, and a program into its requests: it is bound to the session, and no other page can read it.
#[must_use]
pub fn csrf(token: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, token.as_bytes());
    hex::encode(hmac::sign(&key, b"issuer csrf 1"))
}

/// Whether a text is the [`csrf`] of a session.
#[must_use]
pub fn is_csrf(token: &str, said: &str) -> bool {
    csrf(token).as_bytes().ct_eq(said.as_bytes()).into()
}

/// Gives an operator a password to begin with; the second factor and all sessions go. By who manages.
///
/// # Errors
/// [`LoginError`].
pub fn reset(
    store: &mut Store,
    by: Option<&str>,
    local: &str,
    name: &str,
    password: &str,
) -> Result<Operator, LoginError> {
    password::fit(name, password)?;
    let hash = password::hash(password)?;
    store.act(|tx| {
        let actor = tx.manager(by)?.unwrap_or_else(|| local.to_owned());
        let operator = tx.operator(name)?.ok_or_else(|| OperatorError::Unknown { name: name.to_owned() })?;
        tx.set_password(name, &hash, true)?;
        tx.remove_totp(name)?;
        tx.forget_logins(name)?;
        tx.forget_door_logins(name)?;
        let detail = "initial password, no second factor".to_owned();
        Ok((operator, Act { actor, act: "operator.reset", object: format!("operator {name}"), detail }))
    })
}

/// An operator's own password instead of the one before.
///
/// # Errors
/// [`LoginError`].
pub fn change_password(store: &mut Store, name: &str, old: &str, new: &str) -> Result<Operator, LoginError> {
    proved(store, name, old)?;
    password::fit(name, new)?;
    if old == new {
        return Err(LoginError::PasswordSame);
    }
    let hash = password::hash(new)?;
    own(store, name, "operator.password", |tx| Ok(tx.set_password(name, &hash, false)?))
}

/// An operator's second factor instead of the one before, which proves itself by its `code`: the address for an authenticator program,
/// shown once. Who has lost it is reset by whoever manages.
///
/// # Errors
/// [`LoginError`].
pub fn change_totp(
    store: &mut Store,
    (name, old): (&str, &str),
    code: &str,
    centre: &str,
) -> Result<Zeroizing<String>, LoginError> {
    // Not forgotten before the code is right: mistakes with it count as well.
    if verified(store, name, old, None)? {
        return Err(LoginError::PasswordInitial { name: name.to_owned() });
    }
    let (secret, seconds) = (totp::secret()?, clock::seconds());
    own(store, name, "operator.totp", |tx| {
        if let Some(present) = tx.totp(name)?.map(Zeroizing::new) {
            let step = totp::step_of(&present, seconds, code).ok_or(LoginError::Refused)?;
            if !tx.take_totp_step(name, step, totp::step_ahead(seconds))? {
                return Err(LoginError::Refused);
            }
        }
        tx.forget_logins(&heading(tx, name, None)?)?;
        tx.end_sessions(name)?;
        Ok(tx.set_totp(name, &secret)?)
    })?;
    Ok(totp::address(centre, name, &secret))
}

fn own(
    store: &mut Store,
    name: &str,
    act: &'static str,
    change: impl FnOnce(&Tx<'_>) -> Result<(), LoginError>,
) -> Result<Operator, LoginError> {
    store.act(|tx| {
        let operator = tx.operator(name)?.ok_or(LoginError::Refused)?;
        change(tx)?;
        let object = format!("operator {name}");
        Ok((operator, Act { actor: name.to_owned(), act, object, detail: String::new() }))
    })
}

/// As [`verified`], where the password is all that is asked.
fn proved(store: &mut Store, name: &str, password: &str) -> Result<bool, LoginError> {
    let initial = verified(store, name, password, None)?;
    store.journal(|tx| Ok::<_, LoginError>(tx.forget_logins(&heading(tx, name, None)?)?))?;
    Ok(initial)
}

/// Whether the password, which is right, is an initial one. Each attempt is counted before it is looked at, so that many at once
/// are as many mistakes; the success behind it forgets them.
fn verified(store: &mut Store, name: &str, password: &str, from: Option<&str>) -> Result<bool, LoginError> {
    let now = clock::seconds();
    let stored = store.journal(|tx| -> Result<_, LoginError> {
        let heading = heading(tx, name, from)?;
        tx.no_login_after(&heading, now)?;
        let (failures, last_at) = tx.login_failures(&heading)?;
        let until = last_at + waiting(failures);
        if until > now {
            return Ok(Err(LoginError::Locked { seconds: until - now }));
        }
        tx.count_login(&heading, now, now.saturating_sub(FORGOTTEN_SECONDS))?;
        if failures + 1 == MISTAKES_FREE && tx.operator(name)?.is_some() {
            let (object, detail) = (format!("operator {name}"), format!("{MISTAKES_FREE} attempts without success"));
            tx.append_audit(&Act { actor: "door".to_owned(), act: "operator.attempts", object, detail })?;
        }
        Ok(Ok(if tx.operator(name)?.is_some() { tx.password(name)? } else { None }))
    })??;
    let right = password::is(stored.as_ref().map(|(hash, _)| hash.as_str()), password);
    match stored {
        Some((_, initial)) if right => Ok(initial),
        _ => Err(LoginError::Refused),
    }
}

/// Seconds to wait after so many mistakes.
fn waiting(failures: u32) -> u64 {
    match failures.checked_sub(MISTAKES_FREE) {
        None => 0,
        Some(more) => {
            WAIT_SECONDS.checked_shl(more.min(10)).map_or(WAIT_SECONDS_MAX, |wait| wait.min(WAIT_SECONDS_MAX))
        }
    }
}

/// Where mistakes are counted: at this machine under the name; at a door under a keyed hash of name and block of addresses, the same
/// for names that nobody has, short enough that the table stays small.
fn heading(tx: &Tx<'_>, name: &str, from: Option<&str>) -> Result<String, StoreError> {
    from.map_or_else(|| Ok(name.to_owned()), |from| tx.door_heading(name, from))
}

impl Operator {
    /// Whether the operator holds a role.
    #[must_use]
    pub fn has(&self, role: Role) -> bool {
        self.roles.iter().any(|held| held == role.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_begins_behind_the_free_mistakes_and_doubles_up_to_its_bound() {
        let waits: Vec<u64> = (3..12).map(waiting).collect();
        assert_eq!(waits, [0, 0, 60, 120, 240, 480, 900, 900, 900]);
        assert_eq!(waiting(u32::MAX), 900);
    }

    #[test]
    fn a_sessions_token_gives_one_text_for_its_forms() {
        assert!(is_csrf("a", &csrf("a")) && !is_csrf("b", &csrf("a")) && !is_csrf("a", ""));
    }
}
