//! Environments of a PSAM: sx1 serves 3DES cards, sx3 SM4 cards. Which of them a PSAM gets.
//!
//! Source: ours (docs/adr/0041, 0074). Owns: what is left out, and why. Never: writes one.

use std::fmt;

use card_core::{Session, StatusWord, command};
use serde::{Serialize, Serializer};

use super::{PsamError, sent};
use crate::centre::{Cards, Config};
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
        let left_out = if !config.cards.contains(&cards) {
            Some(LeftOut::NoSuchCards)
        } else if !has_keys(vault, cards, key_set)? {
            Some(LeftOut::NoKeys)
        } else {
            let df_name = cards.psam_profile().df.first().map(|df| df.df_name.clone()).unwrap_or_default();
            let answer = sent(session, &command::select_by_name(&df_name))?;
            let absent = matches!(answer.sw, StatusWord::FILE_NOT_FOUND);
            if !answer.sw.is_ok() && !absent {
                return Err(PsamError::NotPsam { reason: refused(Some(&answer)) });
            }
            refusal = absent.then(|| refused(Some(&answer))).or(refusal);
            absent.then_some(LeftOut::NotOnChip)
        };
        found.push(Environment { cards, left_out });
    }
    if written(&found).next().is_none() {
        return Err(PsamError::NotPsam { reason: refusal.unwrap_or_else(|| told(&found)) });
    }
    Ok(found)
}

/// Whether the vault has a key of this set for these cards. One that it lacks beside others is missed when it is to be written.
fn has_keys(vault: &Vault, cards: Cards, key_set: u8) -> Result<bool, PsamError> {
    let held = vault.keys().store().held().map_err(StationError::from)?;
    let names = key_names(&[cards.psam_profile()]);
    Ok(held.iter().any(|held| {
        held.version == key_set && name::algorithm_of(&held.name) == cards.algorithm() && names.contains(&held.name)
    }))
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
            Self::NoSuchCards => "left out: the site has no such cards",
            Self::NoKeys => "left out: the key set has no keys of its algorithm",
            Self::NotOnChip => "left out: the chip has no such environment",
        }
    }

    const fn zh(self) -> &'static str {
        match self {
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
