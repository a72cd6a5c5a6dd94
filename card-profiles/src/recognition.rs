//! Which generation of card this is, and which algorithm it speaks.
//!
//! Source: item 03 规范版本 (first character: 1 → V1 layout, 2 and 3 → V2); FCI object `86 01 xx`; without one, city codes
//! starting 11 mean SSF33, as two programs have it; provinces whose files one driver program knows.
//! Owns: the decision, and the table of regions. Never: rejects a card on serial or card number; those are regional.

use card_core::algorithm::{Algorithm, Ssf33};
use card_core::fci::{AlgorithmId, Fci};
use card_core::security::CityCode;

use crate::identity::CardIdentifier;
use crate::image::CardValues;
use crate::profile::Profile;

/// Generation after 规范版本.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Generation {
    /// `1.x`: layout V1.
    One,
    /// `2.x`: layout V2.
    Two,
    /// `3.x`: layout V2, basic information behind RKSSSE.
    Three,
}

/// What a card is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recognition {
    /// Generation.
    pub generation: Generation,
    /// Algorithm.
    pub algorithm: AlgorithmId,
    /// Card identifier.
    pub identifier: CardIdentifier,
    /// Issuing city: its factors lead to the card's keys.
    pub city: CityCode,
}

/// The rules of a card's keys are not public: SSF33, and SM4 before the third generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the rules of the card's keys are not public")]
pub struct RulesNotPublic;

/// Why a card is not one of the scheme, though it has the environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotRecognised {
    /// Item 01 is missing, cut, without city digits or without the RID.
    #[error("the card identifier is missing or malformed")]
    Identifier,
    /// Item 03 is missing or starts with no known generation.
    #[error("the specification version is missing or unknown")]
    Version,
}

impl NotRecognised {
    /// Stable code (driver code -20).
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Identifier => "CARD_IDENTIFIER_MALFORMED",
            Self::Version => "CARD_VERSION_UNKNOWN",
        }
    }

    /// The error in Chinese.
    #[must_use]
    pub const fn zh(self) -> &'static str {
        match self {
            Self::Identifier => "卡识别码缺失或格式错误",
            Self::Version => "规范版本缺失或无法识别",
        }
    }
}

/// Recognises a card by the FCI of its environment and the values of SSSE EF05.
///
/// # Errors
/// [`NotRecognised`].
pub fn recognise(fci: Option<&Fci>, values: &CardValues) -> Result<Recognition, NotRecognised> {
    let identifier = values.text("SSSE.EF05.card_identifier").and_then(CardIdentifier::parse);
    let identifier = identifier.filter(CardIdentifier::has_rid).ok_or(NotRecognised::Identifier)?;
    let city = identifier.city().ok_or(NotRecognised::Identifier)?;
    let generation = Generation::stated(values).ok_or(NotRecognised::Version)?;
    let algorithm = AlgorithmId::of_card(fci.and_then(|fci| fci.algorithm), city);
    Ok(Recognition { generation, algorithm, identifier, city })
}

/// The profile by which a card is read that nobody has named yet, or whose name is spoilt: by the generation that it states, if it states
/// one, and the algorithm of its FCI.
#[must_use]
pub fn unnamed_profile(fci: Option<&Fci>, values: &CardValues) -> &'static str {
    let is_sm4 = fci.and_then(|fci| fci.algorithm) == Some(AlgorithmId::SM4);
    match Generation::stated(values).unwrap_or(Generation::Three) {
        Generation::Three if is_sm4 => "ssc-3.0-sm4",
        generation => generation.profile_name(),
    }
}

/// Overlays of regions: generation, first digits of the city code (GB/T 2260), built-in profile. The first line that fits counts.
/// A site adds its own lines (`Catalog::add`).
pub(crate) const REGIONS: [(Generation, &str, &str); 3] = [
    (Generation::One, "13", "ssc-1.0-hebei"),
    (Generation::One, "33", "ssc-1.0-zhejiang"),
    (Generation::Two, "37", "ssc-2.0-shandong"),
];

impl Recognition {
    /// Name of the built-in profile for such a card.
    ///
    /// A card with SSF33, or with SM4 before the third generation, has the files of its generation; its keys are of no use
    /// ([`Self::algorithm`]).
    #[must_use]
    pub fn profile_name(&self) -> &'static str {
        match (self.generation, self.algorithm) {
            (Generation::Three, AlgorithmId::SM4) => "ssc-3.0-sm4",
            (generation, _) => {
                let fits = |(of, region, _): &&(Generation, &str, &str)| {
                    *of == generation && self.city.as_str().starts_with(region)
                };
                REGIONS.iter().find(fits).map_or(generation.profile_name(), |(_, _, name)| name)
            }
        }
    }

    /// The algorithm of its keys, by the rows of this profile.
    ///
    /// # Errors
    /// [`RulesNotPublic`]: what needs a key of the card cannot be done.
    pub fn algorithm(&self, profile: &Profile) -> Result<Algorithm, RulesNotPublic> {
        let algorithm = Algorithm::public(self.algorithm).map_err(|Ssf33| RulesNotPublic)?;
        // No published card of the first two generations speaks SM4, and their built-in profiles have no rows for it: a site's own may.
        let early = self.generation != Generation::Three && algorithm == Algorithm::Sm4;
        if early && profile.algorithm != algorithm { Err(RulesNotPublic) } else { Ok(algorithm) }
    }
}

impl Generation {
    /// After 规范版本.
    fn stated(values: &CardValues) -> Option<Self> {
        match values.text("SSSE.EF05.spec_version")?.chars().next()? {
            '1' => Some(Self::One),
            '2' => Some(Self::Two),
            '3' => Some(Self::Three),
            _ => None,
        }
    }

    /// Whether a profile is of it.
    #[must_use]
    pub fn is_of(self, profile: &Profile) -> bool {
        let first = match self {
            Self::One => '1',
            Self::Two => '2',
            Self::Three => '3',
        };
        profile.version.starts_with(first)
    }

    /// Its national profile, with 3DES keys.
    const fn profile_name(self) -> &'static str {
        match self {
            Self::One => "ssc-1.0",
            Self::Two => "ssc-2.0",
            Self::Three => "ssc-3.0",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(identifier: &str, version: &str) -> CardValues {
        let mut values = CardValues::new();
        values.set("SSSE.EF05.card_identifier", identifier).expect("a place");
        values.set("SSSE.EF05.spec_version", version).expect("a place");
        values
    }

    fn fci(algorithm: u8) -> Fci {
        Fci { algorithm: Some(AlgorithmId(algorithm)), ..Fci::default() }
    }

    #[test]
    fn published_cards_are_recognised_as_published() {
        let of = |identifier: &str, version: &str, fci: Option<Fci>| {
            let card = recognise(fci.as_ref(), &values(identifier, version)).expect("recognised");
            (card.generation, card.algorithm, card.city.to_string())
        };
        let two = of("430299D156000005000000133A05F2E3", "2.0", None);
        assert_eq!(two, (Generation::Two, AlgorithmId::TDES, "430299".to_owned()));
        let one = of("639900D15600000500BF7C7A48FB4966", "1.00", None);
        assert_eq!(one, (Generation::One, AlgorithmId::TDES, "639900".to_owned()));
        let three = of("411600D15600000511223344AABBCCDD", "3.00", Some(fci(3)));
        assert_eq!(three, (Generation::Three, AlgorithmId::SM4, "411600".to_owned()));
        assert_eq!(of("110000D15600000511223344AABBCCDD", "2.00", Some(fci(1))).1, AlgorithmId::SSF33);
    }

    #[test]
    fn cards_name_the_profile_of_their_files() {
        let name = |version: &str, algorithm: u8| {
            recognise(Some(&fci(algorithm)), &values("513300D15600000511223344AABBCCDD", version))
                .expect("recognised")
                .profile_name()
        };
        let cards =
            [("1.00", 1), ("2.0", 1), ("3.00", 1), ("3.00", 3)].map(|(version, algorithm)| name(version, algorithm));
        assert_eq!(cards, ["ssc-1.0", "ssc-2.0", "ssc-3.0", "ssc-3.0-sm4"]);
        assert!(cards.into_iter().all(|name| crate::builtin(name).is_some()));
        // The files are those of the generation, also where no keys work.
        assert_eq!((name("2.00", 3), name("1.00", 3)), ("ssc-2.0", "ssc-1.0"));
        assert_eq!((name("3.00", 2), name("1.00", 2)), ("ssc-3.0", "ssc-1.0"));
    }

    #[test]
    fn a_card_without_a_name_is_read_by_what_it_states_otherwise() {
        let of = |version: &str, algorithm: u8| unnamed_profile(Some(&fci(algorithm)), &values("", version));
        assert_eq!(
            ["1.00", "2.00", "3.00", ""].map(|version| of(version, 1)),
            ["ssc-1.0", "ssc-2.0", "ssc-3.0", "ssc-3.0"]
        );
        assert_eq!(["1.00", "3.00", ""].map(|version| of(version, 3)), ["ssc-1.0", "ssc-3.0-sm4", "ssc-3.0-sm4"]);
        assert_eq!(unnamed_profile(None, &CardValues::new()), "ssc-3.0");
    }

    #[test]
    fn regions_have_their_overlays_in_the_generations_for_which_they_are_known() {
        let name = |city: &str, version: &str, algorithm: u8| {
            let identifier = format!("{city}D15600000511223344AABBCCDD");
            recognise(Some(&fci(algorithm)), &values(&identifier, version)).expect("recognised").profile_name()
        };
        assert_eq!(name("130100", "1.00", 1), "ssc-1.0-hebei");
        assert_eq!(name("330500", "1.00", 1), "ssc-1.0-zhejiang");
        assert_eq!(name("370200", "2.0", 1), "ssc-2.0-shandong");
        assert_eq!(name("130100", "2.0", 1), "ssc-2.0");
        assert_eq!(name("370200", "3.00", 1), "ssc-3.0");
        assert_eq!(name("370200", "3.00", 3), "ssc-3.0-sm4");
        for (generation, _, overlay) in REGIONS {
            let profile = crate::builtin(overlay).expect("built in");
            let national = crate::builtin(generation.profile_name()).expect("built in");
            assert_eq!(profile.version.chars().next(), national.version.chars().next(), "{overlay}");
        }
    }

    #[test]
    fn keys_of_an_algorithm_that_is_not_public_are_refused() {
        let algorithm = |version: &str, id, by: &str| {
            let card = recognise(Some(&fci(id)), &values("513300D15600000511223344AABBCCDD", version));
            card.expect("recognised").algorithm(&crate::builtin(by).expect("built in"))
        };
        assert_eq!(algorithm("3.00", 2, "ssc-3.0"), Err(RulesNotPublic));
        assert_eq!(algorithm("3.00", 1, "ssc-3.0"), Ok(Algorithm::Tdes));
        assert_eq!(
            algorithm("3.00", 3, "ssc-3.0"),
            Ok(Algorithm::Sm4),
            "whoever names a profile is told that it differs"
        );
        assert_eq!(algorithm("2.10", 3, "ssc-2.0"), Err(RulesNotPublic));
        assert_eq!(algorithm("2.10", 3, "ssc-3.0-sm4"), Ok(Algorithm::Sm4), "a text of a site's own has rows for it");
    }

    #[test]
    fn what_is_no_card_of_the_scheme_is_refused() {
        let refused =
            |identifier: &str, version: &str| recognise(None, &values(identifier, version)).expect_err("refused");
        assert_eq!(refused("", "3.00"), NotRecognised::Identifier);
        assert_eq!(refused("513300D156000006000000013A05F2E3", "3.00"), NotRecognised::Identifier);
        assert_eq!(refused("5133A0D156000005000000013A05F2E3", "3.00"), NotRecognised::Identifier);
        assert_eq!(refused("513300D156000005000000013A05F2E3", ""), NotRecognised::Version);
        assert_eq!(refused("513300D156000005000000013A05F2E3", "9.00"), NotRecognised::Version);
    }
}
