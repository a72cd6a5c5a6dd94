//! What can be tried at all, before the first case: is the card of the profile, which of its directories are open.
//!
//! A card of another type would fail nearly every case, and a blocked one too: that is said once instead.
//!
//! Owns: selecting each directory that the cases need, and which built-in profile fits better. Never: spends a try, writes.

use card_core::algorithm::Algorithm;
use card_core::fci::{AlgorithmId, Fci};
use card_core::{Session, StatusWord};
use card_profiles::approach::select_command;
use card_profiles::conform::{Case, Need, algorithm_of};
use card_profiles::profile::Df;
use card_profiles::{Catalog, Profile, builtin};

use card_counter::error::{Otherwise, ProfileDiffers, TerminalError};

/// Selects each directory that the cases need, and gives those that are blocked.
///
/// # Errors
/// [`TerminalError::AlgorithmNotPublic`]; [`TerminalError::CardBlocked`] when the first is; [`TerminalError::ProfileDiffers`] when one is not on the card and another
/// profile fits it, or when it is the first; that card or reader do not answer.
pub fn survey(
    session: &mut Session,
    profile: &Profile,
    cases: &[Case],
    catalog: &Catalog,
) -> Result<Vec<(String, StatusWord)>, TerminalError> {
    let needed = |df: &Df| {
        let of = |need: &Need| matches!(need, Need::Directory(id) if *id == df.id);
        cases.iter().any(|case| case.needs.iter().any(of))
    };
    let mut blocked = Vec::new();
    for (place, df) in profile.df.iter().enumerate().filter(|(_, df)| needed(df)) {
        let sw = entered(session, profile, df)?;
        if sw.is_ok() {
            let wanted = algorithm_of(profile);
            let named = if place == 0 { named_algorithm(session, profile, df)? } else { wanted };
            if named == Some(AlgorithmId::SSF33) {
                return Err(TerminalError::AlgorithmNotPublic);
            }
            // Cards that name none are 3DES cards, or purses, whose FCI has no room for it.
            let is_named = named.is_some() || wanted.is_some();
            if is_named && named.unwrap_or(Algorithm::Tdes.id()) != profile.algorithm.id() {
                let fitting = fitting(session, catalog)?;
                // A card that names no other profile's algorithm either fails the case of its FCI.
                if !fitting.is_empty() {
                    let (profile, otherwise) = (profile.name.clone(), Otherwise::Algorithm(named));
                    return Err(ProfileDiffers { profile, otherwise, fitting }.into());
                }
            }
            continue;
        }
        let shut = [StatusWord::SELECTED_INVALID, StatusWord::NOT_SUPPORTED, StatusWord::APPLICATION_LOCKED];
        match (place, shut.contains(&sw)) {
            (0, true) => return Err(TerminalError::CardBlocked { sw }),
            (_, true) => blocked.push((df.id.clone(), sw)),
            (_, false) => {
                let fitting = fitting(session, catalog)?;
                // A card that lacks a directory and is of no other profile either: its cases fail, as they must.
                if place == 0 || !fitting.is_empty() {
                    let otherwise = Otherwise::Directory { df: df.id.clone(), sw };
                    return Err(ProfileDiffers { profile: profile.name.clone(), otherwise, fitting }.into());
                }
            }
        }
    }
    session.reset()?;
    Ok(blocked)
}

/// What selecting a directory from the reset state answers.
fn entered(session: &mut Session, profile: &Profile, df: &Df) -> Result<StatusWord, TerminalError> {
    session.reset()?;
    let first = profile.df.first().filter(|first| first.id != df.id);
    let mut sw = StatusWord::OK;
    for df in first.into_iter().chain([df]) {
        sw = session.send(&select_command(profile, df))?.sw;
        if !sw.is_ok() {
            break;
        }
    }
    Ok(sw)
}

/// Profiles, built in or of this site, whose directories are all on the card, under the card's algorithm; those with the most
/// directories. A profile from a file may have the name of a built-in one.
fn fitting(session: &mut Session, catalog: &Catalog) -> Result<Vec<String>, TerminalError> {
    let mut found: Vec<(usize, String)> = Vec::new();
    let builtin = card_profiles::builtin::names().filter_map(builtin);
    for profile in builtin.chain(catalog.site().cloned()) {
        if !found.iter().any(|(_, name)| *name == profile.name) && fits(session, &profile)? {
            found.push((profile.df.len(), profile.name));
        }
    }
    let most = found.iter().map(|(directories, _)| *directories).max();
    Ok(found.into_iter().filter(|(directories, _)| Some(*directories) == most).map(|(_, name)| name).collect())
}

/// The algorithm that the FCI of the first directory names.
fn named_algorithm(session: &mut Session, profile: &Profile, first: &Df) -> Result<Option<AlgorithmId>, TerminalError> {
    session.reset()?;
    let answer = session.send(&select_command(profile, first).with_le(0))?;
    Ok(Fci::parse(&answer.data).ok().and_then(|fci| fci.algorithm))
}

fn fits(session: &mut Session, profile: &Profile) -> Result<bool, TerminalError> {
    let Some(first) = profile.df.first() else { return Ok(false) };
    if !entered(session, profile, first)?.is_ok() || named_algorithm(session, profile, first)? != algorithm_of(profile)
    {
        return Ok(false);
    }
    for df in profile.df.iter().skip(1) {
        if !entered(session, profile, df)?.is_ok() {
            return Ok(false);
        }
    }
    Ok(true)
}
