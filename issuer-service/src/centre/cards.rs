//! Kinds of cards by their algorithm: what their keys are named by, and which environment of a PSAM serves them.
//!
//! Source: ours (docs/adr/0074). Owns: the national texts of each. Never: reads a site's own text (`card_type`), says what is on a card (`card-profiles`).

use std::fmt;

use card_core::algorithm::Algorithm;
use card_profiles::Profile;
use card_profiles::builtin::builtin;

/// A kind of cards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cards {
    /// Third generation, 3DES.
    Tdes,
    /// Third generation, SM4.
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

    /// The kind of an algorithm.
    #[must_use]
    pub const fn of(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Tdes => Self::Tdes,
            Algorithm::Sm4 => Self::Sm4,
        }
    }
}

impl fmt::Display for Cards {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
