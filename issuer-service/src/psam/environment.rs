//! Environments of a PSAM: sx1 serves 3DES cards, sx3 SM4 cards. Which of them a PSAM gets.
//!
//! Source: ours (docs/adr/0041, 0074). Owns: what is left out, and why. Never: writes one.

use std::fmt;

use card_core::security::KeyName;
use card_core::{Session, StatusWord, command};
use card_profiles::Profile;
use serde::{Serialize, Serializer};

use super::{PsamError, PsamKeys, sent};
use crate::batch::BatchError;
use crate::centre::{CardKeysMissing, Cards, Config};
use crate::lang::Lang;
use crate::station::failure::StationError;
use crate::station::writer::refused;
use crate::vault::{Vault, key_names, name};

/// An environment of a PSAM at hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Environment {
    /// `sx1` or `sx3`.
    #[serde(rename = "environment", serialize_with = "environment")]
    pub cards: Cards,
    /// Why it is not written; none: it is.
    pub left_out: Option<LeftOut>,
}

/// Why an environment is not written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum LeftOut {
    /// It was written when the PSAM was made.
    WrittenBefore,
    /// The site has no such cards.
    NoSuchCards,
    /// The key set has no keys of its algorithm.
    NoKeys,
    /// The chip has no such environment.
    NotOnChip,
}

fn environment<S: Serializer>(cards: &Cards, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(cards.environment())
}

/// The environments that a PSAM can have, with what speaks against each.
///
/// # Errors
/// [`PsamError::NotPsam`] when none is left; the reader, the vault.
pub(super) fn look(
    session: &mut Session,
    config: &Config,
    vault: &Vault,
    key_set: u8,
) -> Result<Vec<Environment>, PsamError> {
    let mut refusal = None;
    let mut found = Vec::new();
    for cards in Cards::ALL {
        let left_out = match speaks_against(config, vault, cards, key_set)? {
            Some(why) => Some(why),
            None => {
                let answer = selected(session, &config.psam_of(cards))?;
                refusal = answer.clone().or(refusal);
                answer.map(|_| LeftOut::NotOnChip)
            }
        };
        found.push(Environment { cards, left_out });
    }
    if written(&found).next().is_none() {
        return Err(PsamError::NotPsam { reason: refusal.unwrap_or_else(|| told(&found)) });
    }
    Ok(found)
}

/// The same of a PSAM that was made before: what it has already is left alone.
///
/// # Errors
/// [`PsamError::NotBlank`] when there is nothing to add; the reader, the vault.
pub(super) fn look_again(
    session: &mut Session,
    config: &Config,
    vault: &Vault,
    key_set: u8,
) -> Result<Vec<Environment>, PsamError> {
    let mut found = Vec::new();
    for cards in Cards::ALL {
        let profile = config.psam_of(cards);
        let left_out = match selected(session, &profile)? {
            Some(_) => Some(LeftOut::NotOnChip),
            None if is_complete(session, &profile)? => Some(LeftOut::WrittenBefore),
            None => speaks_against(config, vault, cards, key_set)?,
        };
        found.push(Environment { cards, left_out });
    }
    if written(&found).next().is_none() { Err(PsamError::NotBlank) } else { Ok(found) }
}

/// What of the site speaks against an environment.
fn speaks_against(config: &Config, vault: &Vault, cards: Cards, key_set: u8) -> Result<Option<LeftOut>, PsamError> {
    if config.type_of(cards).is_none() {
        return Ok(Some(LeftOut::NoSuchCards));
    }
    Ok((!has_keys(vault, config, cards, key_set)?).then_some(LeftOut::NoKeys))
}

/// Selects an environment; the refusal of a chip that has none of this name.
fn selected(session: &mut Session, profile: &Profile) -> Result<Option<String>, PsamError> {
    let df_name = profile.df.first().map(|df| df.df_name.clone()).unwrap_or_default();
    let answer = sent(session, &command::select_by_name(&df_name))?;
    match answer.sw {
        sw if sw.is_ok() => Ok(None),
        StatusWord::FILE_NOT_FOUND => Ok(Some(refused(Some(&answer)))),
        _ => Err(PsamError::NotPsam { reason: refused(Some(&answer)) }),
    }
}

/// Whether the environment that is selected was written to its end: the last file of a plan, the index of the purchase key, is filled.
/// No key is tried for the answer.
fn is_complete(session: &mut Session, profile: &Profile) -> Result<bool, PsamError> {
    let Some((df, ef)) = profile.df.last().and_then(|df| Some((df, df.ef.last()?))) else { return Ok(false) };
    let mut done = |command| match sent(session, &command)? {
        answer if answer.sw.is_ok() => Ok(answer.data),
        answer => Err(PsamError::NotPsam { reason: refused(Some(&answer)) }),
    };
    done(command::select_by_name(&df.df_name))?;
    let filled = done(command::read_binary_sfi(ef.sfi(), 0, ef.size))?;
    Ok(filled.iter().any(|byte| !matches!(byte, 0x00 | 0xFF)))
}

/// Whether the vault has a key of this set for these cards.
fn has_keys(vault: &Vault, config: &Config, cards: Cards, key_set: u8) -> Result<bool, PsamError> {
    let held = vault.keys().store().held().map_err(StationError::from)?;
    let names = key_names(&[config.psam_of(cards)]);
    Ok(held.iter().any(|held| {
        held.version == key_set && name::algorithm_of(&held.name) == cards.algorithm() && names.contains(&held.name)
    }))
}

/// Refuses a PSAM of which the vault has some keys and not all, before anything is written.
pub(super) fn require_keys(
    vault: &Vault,
    config: &Config,
    environments: &[Environment],
    (keys, key_set): (PsamKeys, u8),
) -> Result<(), PsamError> {
    let held = vault.keys().store().held().map_err(StationError::from)?;
    for profile in written(environments).map(|cards| keys.narrow(config.psam_of(cards))) {
        let is_there = |name: &KeyName| held.iter().any(|held| held.name == *name && held.version == key_set);
        let lacking = key_names(std::slice::from_ref(&profile)).into_iter().filter(|name| !is_there(name));
        let keys: Vec<String> = lacking.map(|name| format!("{name} v{key_set}")).collect();
        if !keys.is_empty() {
            let missing = Box::new(CardKeysMissing { card: profile.name, keys });
            return Err(StationError::from(BatchError::from(missing)).into());
        }
    }
    Ok(())
}

/// Those that are written, in order.
pub(super) fn written(environments: &[Environment]) -> impl Iterator<Item = Cards> {
    environments.iter().filter(|environment| environment.left_out.is_none()).map(|environment| environment.cards)
}

/// What becomes of each, for a record.
pub(super) fn told(environments: &[Environment]) -> String {
    environments.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

impl LeftOut {
    const fn word(self) -> &'static str {
        match self {
            Self::WrittenBefore => "there already, written before",
            Self::NoSuchCards => "left out: the site has no such cards",
            Self::NoKeys => "left out: the key set has no keys of its algorithm",
            Self::NotOnChip => "left out: the chip has no such environment",
        }
    }

    const fn zh(self) -> &'static str {
        match self {
            Self::WrittenBefore => "早先已写",
            Self::NoSuchCards => "未写: 本地不用此类卡 (centre.toml 的 cards)",
            Self::NoKeys => "未写: 当前密钥版本没有此算法的密钥 (先办密钥仪式)",
            Self::NotOnChip => "未写: 芯片没有此环境",
        }
    }
}

impl Environment {
    pub(super) fn text(&self, lang: Lang) -> String {
        let (name, cards) = (self.cards.environment(), self.cards);
        match self.left_out {
            None => lang.pick(format!("环境 {name} ({cards}): 已写"), format!("environment {name} ({cards}): written")),
            Some(why) => lang.pick(
                format!("环境 {name} ({cards}) {}", why.zh()),
                format!("environment {name} ({cards}) {}", why.word()),
            ),
        }
    }
}

impl fmt::Display for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.cards.environment();
        match self.left_out {
            None => write!(f, "{name} written"),
            Some(why) => write!(f, "{name} {}", why.word()),
        }
    }
}
