//! Which cards a centre makes and serves, and with them which keys it has and which environments its PSAMs get.
//!
//! Source: ours (docs/adr/0074). Owns: the row `cards` of `centre.toml`. Never: says what is on a card (`card-profiles`).

use std::fmt;

use card_core::algorithm::Algorithm;
use card_profiles::Profile;
use card_profiles::builtin::builtin;
use serde::{Deserialize, Serialize};

/// A kind of cards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
pub enum Cards {
    /// Third generation, 3DES.
    #[serde(rename = "ssc-3.0")]
    #[value(name = "ssc-3.0")]
    Tdes,
    /// Third generation, SM4.
    #[serde(rename = "ssc-3.0-sm4")]
    #[value(name = "ssc-3.0-sm4")]
    Sm4,
}

impl Cards {
    /// Every kind, in the order of the environments of a PSAM.
    pub const ALL: [Self; 2] = [Self::Tdes, Self::Sm4];

    /// Name of the profile of such a card.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tdes => "ssc-3.0",
            Self::Sm4 => "ssc-3.0-sm4",
        }
    }

    /// Its algorithm.
    #[must_use]
    pub const fn algorithm(self) -> Algorithm {
        match self {
            Self::Tdes => Algorithm::Tdes,
            Self::Sm4 => Algorithm::Sm4,
        }
    }

    /// The profile of such a card.
    ///
    /// # Panics
    /// Never: the profile is built in.
    #[must_use]
    pub fn card_profile(self) -> Profile {
        builtin(self.name()).expect("built in")
    }

    /// The environment of a PSAM that serves such cards.
    ///
    /// # Panics
    /// Never: the profile is built in.
    #[must_use]
    pub fn psam_profile(self) -> Profile {
        let name = match self {
            Self::Tdes => "psam",
            Self::Sm4 => "psam-sx3",
        };
        builtin(name).expect("built in")
    }

    /// What a terminal calls that environment: the first letters of its name.
    #[must_use]
    pub const fn environment(self) -> &'static str {
        match self {
            Self::Tdes => "sx1",
            Self::Sm4 => "sx3",
        }
    }

    /// Profiles of all that has keys of such cards.
    #[must_use]
    pub fn profiles(self) -> [Profile; 2] {
        [self.card_profile(), self.psam_profile()]
    }
}

impl fmt::Display for Cards {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Profiles of all that has keys of these cards: one after the other.
#[must_use]
pub fn profiles(cards: &[Cards]) -> Vec<Profile> {
    cards.iter().flat_map(|cards| cards.profiles()).collect()
}
