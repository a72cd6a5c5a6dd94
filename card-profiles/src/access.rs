//! Access conditions (访问条件) of a file: who may read, who may update.
//!
//! Source: LD/T 32 file tables as published: `free`, `never`, `PIN`, key names, `and`, `or`.
//! Owns: the rule, its text, its evaluation against a set of rights.
//! Never: has a default; a file without a rule does not load.

use std::fmt;

use card_core::security::KeyName;
use serde::de::{self, Deserialize, Deserializer};

/// A read or update condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Access {
    /// Always.
    Free,
    /// No external command; only the card's own account commands.
    Never,
    /// Conditions that must all hold (`and`) …
    All(Vec<Right>),
    /// … or of which one suffices (`or`). A single right is `All` of one.
    Any(Vec<Right>),
    /// Each command carries a MAC by this key (`MAC STK`): secure messaging, no right that lasts.
    Mac(KeyName),
}

/// One thing that a terminal can prove.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Right {
    /// VERIFY succeeded.
    Pin,
    /// EXTERNAL AUTHENTICATION with this key succeeded.
    Key(KeyName),
}

impl Access {
    /// Reads `free`, `never`, `PIN`, `RKSSSE`, `PIN and RK1DF04`, `PIN or RK1DF01`.
    ///
    /// # Errors
    /// A sentence that says what was expected.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text.trim() {
            "free" => return Ok(Self::Free),
            "never" => return Ok(Self::Never),
            _ => {}
        }
        if let Some(key) = text.trim().strip_prefix("MAC ") {
            return match Right::parse(key.trim())? {
                Right::Key(name) => Ok(Self::Mac(name)),
                Right::Pin => Err(format!("{text:?}: a MAC is made with a key, not with the PIN")),
            };
        }
        let words: Vec<&str> = text.split_whitespace().collect();
        let rights = words.iter().step_by(2).map(|word| Right::parse(word)).collect::<Result<Vec<_>, _>>()?;
        let joints: Vec<&str> = words.iter().skip(1).step_by(2).copied().collect();
        if rights.len() != joints.len() + 1 {
            return Err(format!(
                "{text:?} is no access condition: write free, never, PIN, a key, joined by and / or; or MAC and a key"
            ));
        }
        match joints.as_slice() {
            joints if joints.iter().all(|joint| *joint == "and") => Ok(Self::All(rights)),
            joints if joints.iter().all(|joint| *joint == "or") => Ok(Self::Any(rights)),
            joints => match joints.iter().find(|joint| !matches!(**joint, "and" | "or")) {
                Some(other) => Err(format!("{text:?}: {other:?} joins no conditions; write and, or or")),
                None => Err(format!("{text:?} mixes and / or; use one of them")),
            },
        }
    }

    /// Whether the rule is satisfied, given which rights hold. A MAC is judged with each command, not here.
    pub fn allows(&self, mut holds: impl FnMut(&Right) -> bool) -> bool {
        match self {
            Self::Free => true,
            Self::Never | Self::Mac(_) => false,
            Self::All(rights) => rights.iter().all(&mut holds),
            Self::Any(rights) => rights.iter().any(&mut holds),
        }
    }

    /// The rights that the rule names.
    #[must_use]
    pub fn rights(&self) -> &[Right] {
        match self {
            Self::Free | Self::Never | Self::Mac(_) => &[],
            Self::All(rights) | Self::Any(rights) => rights,
        }
    }
}

impl Right {
    fn parse(word: &str) -> Result<Self, String> {
        if word == "PIN" {
            return Ok(Self::Pin);
        }
        let is_key = word.len() >= 3
            && word != "MAC"
            && word.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
        if is_key { Ok(Self::Key(KeyName::new(word))) } else { Err(format!("{word:?} is neither PIN nor a key name")) }
    }
}

impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pin => f.write_str("PIN"),
            Self::Key(name) => write!(f, "{name}"),
        }
    }
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let join =
            |rights: &[Right], joint: &str| rights.iter().map(ToString::to_string).collect::<Vec<_>>().join(joint);
        match self {
            Self::Free => f.write_str("free"),
            Self::Never => f.write_str("never"),
            Self::Mac(key) => write!(f, "MAC {key}"),
            Self::All(rights) => f.write_str(&join(rights, " and ")),
            Self::Any(rights) => f.write_str(&join(rights, " or ")),
        }
    }
}

impl<'de> Deserialize<'de> for Access {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_of_the_tables_read_back_as_printed() {
        for text in ["free", "never", "PIN", "UKSSSE", "PIN and RK1DF04", "PIN or RK1DF01", "MAC STK"] {
            assert_eq!(Access::parse(text).expect("condition").to_string(), text);
        }
    }

    #[test]
    fn and_needs_both_or_needs_one() {
        let both = Access::parse("PIN and RK1DF04").expect("condition");
        let either = Access::parse("PIN or RK1DF04").expect("condition");
        for (pin, key) in [(false, false), (false, true), (true, false), (true, true)] {
            let holds = |right: &Right| if *right == Right::Pin { pin } else { key };
            assert_eq!(both.allows(holds), pin && key);
            assert_eq!(either.allows(holds), pin || key);
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            "always",
            "PIN RK1DF04",
            "PIN and",
            "PIN and A or B",
            "PIN and RK1DF04 or PIN",
            "pin",
            "MAC",
            "MAC PIN",
        ] {
            assert!(Access::parse(text).is_err(), "{text:?}");
        }
    }
}
