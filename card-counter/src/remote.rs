//! A card whose keys are elsewhere: what it proves and asks for here, and what somebody with its keys answers.
//!
//! Source: INTERNAL and EXTERNAL AUTHENTICATION; HSM flow: the first challenge is 原始信息, the second 过程因子.
//! Owns: the commands of both steps. Never: tries a key again unasked that the card refused; judges the card's proof.

use card_core::StatusWord;
use card_core::apdu::Command;
use card_core::command;
use card_core::script::TwoChallenges;
use card_core::security::KeyName;
use card_core::tries::Secret;
use card_profiles::access::{Access, Right};
use card_profiles::profile::{KeyClass, KeyRow};
use card_profiles::read::HOLDER;

use crate::certificate::with_tries_of;
use crate::error::TerminalError;
use crate::tap::Tapped;

/// The environment.
const SSSE: &str = "SSSE";

/// The card proves its IRK over two challenges of its own: the challenges, and its answer.
///
/// # Errors
/// [`TerminalError`].
pub fn own_proof(tapped: &mut Tapped<'_>) -> Result<(TwoChallenges, [u8; 8]), TerminalError> {
    tapped.algorithm()?;
    tapped.select(SSSE)?;
    let missing = || TerminalError::ApplicationMissing { df: SSSE.to_owned() };
    let row = tapped.profile.key_of_class(SSSE, KeyClass::Irk).ok_or_else(missing)?;
    let challenges = tapped.session.two_challenges()?;
    let command = versioned(tapped, row, command::internal_authenticate(challenges.factor, challenges.plain));
    let answer = tapped.session.send(&command)?;
    let refused = |sw| TerminalError::CardRefused { command: "INTERNAL AUTHENTICATE", sw };
    let own = answer.ok().map_err(refused)?;
    let own = own.as_slice().try_into().map_err(|_| TerminalError::CardAnswer { command: "INTERNAL AUTHENTICATE" })?;
    Ok((challenges, own))
}

/// The key that reads the holder's file; `None` where it is free.
#[must_use]
pub fn holder_key(tapped: &Tapped<'_>) -> Option<KeyName> {
    let [(df, ef)] = HOLDER;
    let rights = match &tapped.profile.ef(df, ef)?.read {
        Access::All(rights) | Access::Any(rights) => rights,
        Access::Free | Access::Never | Access::Mac(_) => return None,
    };
    rights.iter().find_map(|right| match right {
        Right::Key(name) => Some(name.clone()),
        Right::Pin => None,
    })
}

/// Two challenges for whoever proves this key; the next command must be [`prove`].
///
/// # Errors
/// [`TerminalError`].
pub fn challenges(tapped: &mut Tapped<'_>, name: &KeyName) -> Result<TwoChallenges, TerminalError> {
    tapped.algorithm()?;
    let df = row(tapped, name)?.df.clone();
    tapped.select(&df)?;
    Ok(tapped.session.two_challenges()?)
}

/// EXTERNAL AUTHENTICATION with what was computed elsewhere over these two blocks.
///
/// # Errors
/// [`TerminalError::LastTry`] before a try is spent that `consent` does not cover; [`TerminalError::KeyRefused`],
/// [`TerminalError::KeyBlocked`].
pub fn prove(
    tapped: &mut Tapped<'_>,
    name: &KeyName,
    (result, plain): ([u8; 8], [u8; 8]),
    consent: bool,
) -> Result<(), TerminalError> {
    let key = row(tapped, name)?;
    let command = versioned(tapped, key, command::external_authenticate(key.id, result, plain));
    with_tries_of(&Secret::Key(name.clone()), tapped, consent, |tapped| {
        let sw = tapped.session.send(&command)?.sw;
        judged(name, sw)
    })?;
    tapped.proved(Right::Key(name.clone()));
    Ok(())
}

/// What the card said of a key that was proved to it.
///
/// # Errors
/// [`TerminalError::KeyRefused`], [`TerminalError::KeyBlocked`], [`TerminalError::CardRefused`].
pub fn judged(name: &KeyName, sw: StatusWord) -> Result<(), TerminalError> {
    match (sw, sw.tries()) {
        (sw, _) if sw.is_ok() => Ok(()),
        (_, Some(0)) | (StatusWord::BLOCKED, _) => Err(TerminalError::KeyBlocked { key: name.to_string() }),
        (_, Some(left)) => Err(TerminalError::KeyRefused { key: name.to_string(), left }),
        (sw, None) => Err(TerminalError::CardRefused { command: "EXTERNAL AUTHENTICATION", sw }),
    }
}

/// The row of a key of the card's profile.
///
/// # Errors
/// [`TerminalError::Bug`]: a condition names a key of its profile.
pub fn row<'p>(tapped: &Tapped<'p>, name: &KeyName) -> Result<&'p KeyRow, TerminalError> {
    tapped.profile.key(name).ok_or(TerminalError::Bug("a condition names a key of its profile"))
}

fn versioned(tapped: &Tapped<'_>, row: &KeyRow, command: Command) -> Command {
    match tapped.profile.form(row).rules.key_version_byte {
        Some(version) => command::with_key_version(command, version),
        None => command,
    }
}
