//! What a site decides about the people whom it registers: `[people]` of `centre.toml`.
//!
//! ```toml
//! [people]
//! # Certificates (AAC058) by which people without a citizen number are registered.
//! certificates = ["02", "03", "04", "05", "06", "07", "08"]
//! ```
//!
//! Owns: the option and its default (assumed: all that the list of types has). Never: the form of a number (`certificate`).

use serde::{Deserialize, Serialize};

use super::certificate::Kind;

/// The options.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PeopleRules {
    /// Certificates by which people without a citizen number are registered.
    pub certificates: Certificates,
}

/// Kinds of certificates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
pub struct Certificates([bool; Kind::ALL.len()]);

impl Certificates {
    /// Whether a kind is among them.
    #[must_use]
    pub fn has(self, kind: Kind) -> bool {
        Kind::ALL.into_iter().zip(self.0).any(|(known, wanted)| known == kind && wanted)
    }
}

impl Default for Certificates {
    fn default() -> Self {
        Self([true; Kind::ALL.len()])
    }
}

impl From<Certificates> for Vec<String> {
    fn from(wanted: Certificates) -> Self {
        let named = |kind: &Kind| *kind != Kind::Citizen && wanted.has(*kind);
        Kind::ALL.into_iter().filter(named).map(|kind| kind.code().to_owned()).collect()
    }
}

impl TryFrom<Vec<String>> for Certificates {
    type Error = String;

    fn try_from(codes: Vec<String>) -> Result<Self, String> {
        let wrong = |code: &&String| Kind::of_code(code).is_none_or(|kind| kind == Kind::Citizen);
        match codes.iter().find(wrong) {
            Some(code) => Err(format!("{code:?} is none of 02 to 08")),
            None => Ok(Self(Kind::ALL.map(|kind| codes.iter().any(|code| code == kind.code())))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_site_names_the_certificates_that_it_takes_and_nothing_else() {
        let rules = |text: &str| toml::from_str::<PeopleRules>(text);
        let some = rules("certificates = [\"04\", \"08\"]").expect("good").certificates;
        assert_eq!(
            Kind::ALL.into_iter().filter(|kind| some.has(*kind)).map(Kind::code).collect::<Vec<_>>(),
            ["04", "08"]
        );
        assert!(rules("").expect("default").certificates.has(Kind::Passport));
        for text in ["certificates = [\"01\"]", "certificates = [\"09\"]", "certificates = \"08\"", "other = 1"] {
            assert!(rules(text).is_err(), "{text}");
        }
    }
}
