//! Which keys a PSAM holds, by the kind of institution that gets it: a lost PSAM opens no more than its terminals needed.
//!
//! Source: ours (docs/adr/0092). Owns: the one table of kinds and keys. Never: reads or loads a key.
//!
//! | row | pharmacy | hospital | all |
//! |---|---|---|---|
//! | control keys of the PSAM itself | yes | yes | yes |
//! | IRK: is the card genuine | yes | yes | yes |
//! | RKSSSE, RK1DF04: who the holder is, the medical account | yes | yes | yes |
//! | DPK: purchases | yes | yes | yes |
//! | UK1DF04, UK2DF04: medical files | – | yes | yes |
//! | PUK, STK, LK, every other RK and UK | – | – | yes |

use card_core::security::KeyName;
use card_profiles::Profile;
use card_profiles::profile::KeyClass;
use clap::ValueEnum;
use serde::Serialize;

use crate::clearing::institution::InstitutionKind;
use crate::lang::Lang;

/// Reading keys of every terminal that sells.
const READ: [&str; 2] = ["RKSSSE", "RK1DF04"];

/// Update keys of the medical files.
const MEDICAL: [&str; 2] = ["UK1DF04", "UK2DF04"];

/// How many of the keys of its profile a PSAM gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum PsamKeys {
    /// Reading, authenticating and paying.
    Pharmacy,
    /// The same, and the update keys of the medical files.
    Hospital,
    /// Every key: new PINs and other identities too. For desks of the centre.
    All,
}

impl PsamKeys {
    /// All of them, the narrowest first.
    pub const EACH: [Self; 3] = [Self::Pharmacy, Self::Hospital, Self::All];

    /// Name as typed and stored.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pharmacy => "pharmacy",
            Self::Hospital => "hospital",
            Self::All => "all",
        }
    }

    /// What an institution of this kind gets where nobody says more.
    #[must_use]
    pub const fn of(kind: InstitutionKind) -> Self {
        match kind {
            InstitutionKind::Pharmacy => Self::Pharmacy,
            InstitutionKind::Hospital => Self::Hospital,
        }
    }

    /// Whether it holds a key that the other does not.
    #[must_use]
    pub const fn is_wider_than(self, other: Self) -> bool {
        self as u8 > other as u8
    }

    /// The profile of a PSAM with these keys and no others.
    #[must_use]
    pub fn narrow(self, mut profile: Profile) -> Profile {
        let control: Vec<KeyName> = profile.df.iter().map(|df| df.control_key.clone()).collect();
        profile.key.retain(|row| control.contains(&row.name) || self.holds(row.class, row.name.as_str()));
        profile
    }

    fn holds(self, class: KeyClass, name: &str) -> bool {
        let sells = matches!(class, KeyClass::Irk | KeyClass::Dpk) || READ.contains(&name);
        match self {
            Self::Pharmacy => sells,
            Self::Hospital => sells || MEDICAL.contains(&name),
            Self::All => true,
        }
    }

    pub(super) const fn word(self, lang: Lang) -> &'static str {
        match (self, lang) {
            (_, Lang::En) => self.name(),
            (Self::Pharmacy, Lang::Zh) => "药店",
            (Self::Hospital, Lang::Zh) => "医院",
            (Self::All, Lang::Zh) => "全部",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(keys: PsamKeys, profile: &str) -> Vec<String> {
        let profile = keys.narrow(card_profiles::builtin(profile).expect("built in").clone());
        profile.key.iter().map(|row| row.name.to_string()).collect()
    }

    #[test]
    fn each_kind_has_the_keys_of_the_table_in_every_environment() {
        let sells = ["MKMF", "MKPSAM", "IRK", "RKSSSE", "RK1DF04", "DPK", "DPK", "DPK"];
        for profile in ["psam", "psam-sx3"] {
            assert_eq!(names(PsamKeys::Pharmacy, profile), sells);
            let mut hospital = sells.to_vec();
            hospital.splice(5..5, MEDICAL);
            assert_eq!(names(PsamKeys::Hospital, profile), hospital);
            let whole = card_profiles::builtin(profile).expect("built in").key.len();
            assert_eq!(names(PsamKeys::All, profile).len(), whole);
        }
    }

    #[test]
    fn no_kind_but_all_has_a_key_that_gives_a_pin_or_an_identity() {
        for keys in [PsamKeys::Pharmacy, PsamKeys::Hospital] {
            assert!(PsamKeys::All.is_wider_than(keys) && !keys.is_wider_than(PsamKeys::All));
            for name in names(keys, "psam") {
                let writes = ["PUK", "STK", "LK", "UKSSSE"].iter().any(|class| name.starts_with(class));
                assert!(!writes, "{keys:?} {name}");
            }
        }
    }
}
