//! The way to a file: selecting its directory and proving what its condition asks for.
//!
//! Source: LD/T 32 security state as published: rights proved with SSSE keys (id below 80) and the PIN last until reset,
//! rights proved with keys of a directory end when a directory is selected.
//! Owns: which proofs are already held, the shortest set that is still missing. Never: carries a step out.

use std::collections::{BTreeMap, BTreeSet};

use card_core::StatusWord;
use card_core::command;
use card_core::script::Step;
use card_core::security::{Factors, KeyName};

use crate::access::{Access, Right};
use crate::profile::{Df, Profile};

/// Versions of the production keys: one for all, with exceptions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyVersions {
    usual: u8,
    others: BTreeMap<KeyName, u8>,
}

impl KeyVersions {
    /// The same version for every key.
    #[must_use]
    pub const fn all(version: u8) -> Self {
        Self { usual: version, others: BTreeMap::new() }
    }

    /// Another version for one key.
    #[must_use]
    pub fn with(mut self, name: KeyName, version: u8) -> Self {
        self.others.insert(name, version);
        self
    }

    /// The version of a key.
    #[must_use]
    pub fn of(&self, name: &KeyName) -> u8 {
        self.others.get(name).copied().unwrap_or(self.usual)
    }
}

impl Default for KeyVersions {
    fn default() -> Self {
        Self::all(1)
    }
}

/// What the terminal can prove to the card; nothing by default. `Debug` does not show the PIN.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Means {
    /// The PIN as BCD, when the holder has given it.
    pub pin: Option<Vec<u8>>,
    /// The card's factors, when a security module is at hand and the card's city is known.
    pub factors: Option<Factors>,
    /// Versions of the keys.
    pub versions: KeyVersions,
}

impl std::fmt::Debug for Means {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let pin = self.pin.as_ref().map(|_| "..");
        f.debug_struct("Means").field("pin", &pin).field("factors", &self.factors).finish_non_exhaustive()
    }
}

impl Means {
    fn step(&self, profile: &Profile, right: &Right) -> Option<Step> {
        match right {
            Right::Pin => self.pin.as_deref().map(|pin| Step::Send(command::verify(pin))),
            Right::Key(name) => {
                let (row, factors) = (profile.key(name)?, self.factors?);
                let key = profile.key_of_card(row, self.versions.of(name), &factors);
                Some(Step::Authenticate { key, id: row.id })
            }
        }
    }
}

/// What is selected and proved so far.
#[derive(Clone, Debug, Default)]
pub struct State {
    current: Option<String>,
    held: BTreeSet<Right>,
    refused: BTreeMap<Right, StatusWord>,
    /// A key that the card refused earlier: no other of its security module is tried.
    spares: Option<KeyName>,
}

impl State {
    /// The step that makes `df` the current directory; `None` when it is.
    ///
    /// The first directory is selected by name, the others by FID from inside the environment: 7 bytes instead of 11.
    #[must_use]
    pub fn select(&mut self, profile: &Profile, df: &Df) -> Option<Step> {
        if self.current.as_deref() == Some(df.id.as_str()) {
            return None;
        }
        self.current = Some(df.id.clone());
        self.held.retain(|right| match right {
            Right::Pin => true,
            Right::Key(name) => profile.key(name).is_some_and(|row| profile.lasts_until_reset(row)),
        });
        Some(Step::Send(select_command(profile, df)))
    }

    /// The proofs that `access` still lacks, with their steps, and notes them as held. The shortest way is taken: of an
    /// "or" the right already held, else the PIN (one exchange), else a key (two).
    ///
    /// # Errors
    /// The right that cannot be proved with these means; `None` when no right suffices (`never`).
    pub(crate) fn prove(
        &mut self,
        profile: &Profile,
        access: &Access,
        means: &Means,
    ) -> Result<Vec<(Right, Step)>, Option<Right>> {
        let needed: Vec<&Right> = match access {
            Access::Free => Vec::new(),
            Access::Never | Access::Mac(_) => return Err(None),
            Access::All(rights) => rights.iter().collect(),
            Access::Any(rights) => {
                let held = rights.iter().find(|right| self.held.contains(right));
                let provable = |right: &&Right| self.may_try(right) && means.step(profile, right).is_some();
                let pin_first = rights.iter().filter(|right| **right == Right::Pin).chain(rights);
                held.or_else(|| pin_first.into_iter().find(provable)).or(rights.first()).into_iter().collect()
            }
        };
        let missing = needed.into_iter().filter(|right| !self.held.contains(right));
        let step = |right: &Right| {
            let step = means.step(profile, right).filter(|_| self.may_try(right));
            step.map(|step| (right.clone(), step)).ok_or_else(|| Some(right.clone()))
        };
        let steps: Vec<(Right, Step)> = missing.map(step).collect::<Result<_, _>>()?;
        self.held.extend(steps.iter().map(|(right, _)| right.clone()));
        Ok(steps)
    }

    /// Whether a proof of this right costs no try that is known to be lost, or likely is.
    fn may_try(&self, right: &Right) -> bool {
        !self.refused.contains_key(right) && self.spared(right).is_none()
    }

    /// From now on no key but this one is tried.
    pub(crate) fn spare_for(&mut self, refused: Option<KeyName>) {
        self.spares = refused;
    }

    /// A key that is not tried, because the card refused another of the same security module: that one has perhaps none of the
    /// card's keys, and each would cost a try.
    pub(crate) fn spared(&self, right: &Right) -> Option<(KeyName, KeyName)> {
        let Right::Key(key) = right else { return None };
        let wrong = |(right, sw): (&Right, &StatusWord)| match right {
            Right::Key(name) => sw.tries().map(|_| name.clone()),
            Right::Pin => None,
        };
        let refused = self.refused.iter().find_map(wrong).or_else(|| self.spares.clone())?;
        (refused != *key).then(|| (key.clone(), refused))
    }

    /// A right was proved outside of a read: the PIN, before a transaction.
    pub fn hold(&mut self, right: Right) {
        self.held.insert(right);
    }

    /// A selection failed: which directory is current is not known.
    pub fn forget_selection(&mut self) {
        self.current = None;
    }

    /// A right is not held any more: its key was replaced, or the security module could not prove it.
    pub(crate) fn lose(&mut self, right: &Right) {
        self.held.remove(right);
    }

    /// The card refused a proof: it is not tried again, another wrong try could block the PIN or the key.
    pub(crate) fn refuse(&mut self, right: &Right, sw: StatusWord) {
        self.held.remove(right);
        self.refused.insert(right.clone(), sw);
    }

    /// How the card refused a proof.
    pub(crate) fn refusal(&self, right: &Right) -> Option<StatusWord> {
        self.refused.get(right).copied()
    }
}

/// SELECT of a directory without asking for its FCI.
#[must_use]
pub fn select_command(profile: &Profile, df: &Df) -> card_core::Command {
    let is_first = profile.df.first().is_some_and(|first| first.id == df.id);
    if is_first && !df.df_name.is_empty() {
        command::select_by_name(&df.df_name)
    } else {
        command::select_by_fid(df.fid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builtin;

    fn means(pin: bool, keys: bool) -> Means {
        let city = card_core::security::CityCode::parse("513300").expect("six digits");
        Means {
            pin: pin.then(|| vec![0x12, 0x34, 0x56]),
            factors: keys.then(|| Factors::of(city, [7; 8])),
            versions: KeyVersions::default(),
        }
    }

    fn names(steps: Result<Vec<(Right, Step)>, Option<Right>>) -> Vec<String> {
        steps.expect("provable").into_iter().map(|(right, _)| right.to_string()).collect()
    }

    #[test]
    fn each_proof_is_made_once_and_the_shortest_way_is_taken() {
        let profile = builtin("ssc-3.0").expect("built in");
        let both = means(true, true);
        let mut state = State::default();
        let access = |text: &str| Access::parse(text).expect("access");
        assert_eq!(names(state.prove(&profile, &access("free"), &both)), [""; 0]);
        assert_eq!(names(state.prove(&profile, &access("PIN or RK1DF01"), &both)), ["PIN"]);
        assert_eq!(names(state.prove(&profile, &access("PIN and RK1DF04"), &both)), ["RK1DF04"]);
        assert_eq!(names(state.prove(&profile, &access("PIN and RK1DF04"), &both)), [""; 0]);
        assert_eq!(
            names(State::default().prove(&profile, &access("PIN or RK1DF01"), &means(false, true))),
            ["RK1DF01"]
        );
    }

    #[test]
    fn selecting_a_directory_ends_the_rights_of_directories_only() {
        let profile = builtin("ssc-3.0").expect("built in");
        let (both, mut state) = (means(true, true), State::default());
        for right in ["PIN", "RKSSSE", "RK1DF04"] {
            assert_eq!(names(state.prove(&profile, &Access::parse(right).expect("access"), &both)), [right]);
        }
        assert!(state.select(&profile, &profile.df[1]).is_some());
        assert!(state.select(&profile, &profile.df[1]).is_none());
        let again = Access::parse("PIN and RKSSSE and RK1DF04").expect("access");
        assert_eq!(names(state.prove(&profile, &again, &both)), ["RK1DF04"]);
    }

    #[test]
    fn what_cannot_be_proved_is_named() {
        let profile = builtin("ssc-3.0").expect("built in");
        let prove = |text: &str, means: &Means| {
            State::default().prove(&profile, &Access::parse(text).expect("access"), means).map(drop)
        };
        let key = |name: &str| Some(Right::Key(KeyName::new(name)));
        assert_eq!(prove("RKSSSE", &means(true, false)), Err(key("RKSSSE")));
        assert_eq!(prove("PIN and RK1DF04", &means(false, true)), Err(Some(Right::Pin)));
        assert_eq!(prove("PIN or RK1DF01", &means(false, false)), Err(Some(Right::Pin)));
        assert_eq!(prove("never", &means(true, true)), Err(None));
    }
}
