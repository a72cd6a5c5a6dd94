//! The profiles that a program knows, by what a card or a PSAM says of itself.
//!
//! Owns: the choice among built-in profiles and those of a site; reading each text once, when it is first wanted.
//! Never: reads a card; opens a file.

use std::sync::OnceLock;

use card_core::algorithm::Algorithm;
use card_core::security::CityCode;
use card_core::security::psam::PsamNames;

use crate::builtin::{builtin, names};
use crate::profile::Profile;
use crate::recognition::Recognition;

/// Profile with which every card is approached: its name of SSSE and its EF05 are the same in all generations.
const FIRST: &str = "ssc-3.0";

/// How names of built-in profiles of user cards begin.
const USER_CARD: &str = "ssc-";

/// PSAM profiles by the algorithm of their environment, in the order in which environments are tried.
const PSAMS: [(Algorithm, &str); 2] = [(Algorithm::Tdes, "psam"), (Algorithm::Sm4, "psam-sx3")];

/// Profiles of user cards and PSAMs.
#[derive(Debug)]
pub struct Catalog {
    builtin: Vec<(&'static str, OnceLock<Profile>)>,
    site: Vec<SiteProfile>,
    /// Counts for every card, whatever it says of itself.
    only: Option<Profile>,
    psams: Vec<PsamNames>,
}

/// A profile that a site has for the cards of a region.
#[derive(Debug)]
struct SiteProfile {
    /// First digits of the city code.
    region: String,
    profile: Profile,
}

impl Catalog {
    /// The built-in profiles.
    ///
    /// # Panics
    /// Never: a test reads every text.
    #[must_use]
    pub fn builtin() -> Self {
        let psam = |(_, name)| builtin(name).and_then(|profile| profile.psam_names()).expect("a PSAM has names");
        Self {
            builtin: names().map(|name| (name, OnceLock::new())).collect(),
            site: Vec::new(),
            only: None,
            psams: PSAMS.into_iter().map(psam).collect(),
        }
    }

    /// Takes a profile of the site for cards whose city code begins with `region`. The longest region wins, and a site's
    /// profile before a built-in one, where generation and algorithm are the card's.
    pub fn add(&mut self, region: &str, profile: Profile) {
        self.site.push(SiteProfile { region: region.to_owned(), profile });
    }

    /// Takes this profile for every card, whatever it says of itself.
    pub fn take_for_all(&mut self, profile: Profile) {
        self.only = Some(profile);
    }

    /// Profile with which every card is approached.
    ///
    /// # Panics
    /// Never: it is built in.
    #[must_use]
    pub fn first(&self) -> &Profile {
        self.named(FIRST).expect("built in")
    }

    /// The profile by whose rows for PIN and balances any card may be asked, before it is known which it is; `None` when a
    /// profile of the site has other rows.
    #[must_use]
    pub fn common(&self) -> Option<&Profile> {
        let first = self.first();
        self.site.iter().all(|site| has_pin_and_balances_of(&site.profile, first)).then_some(first)
    }

    /// Name of SSSE.
    #[must_use]
    pub fn ssse_name(&self) -> &[u8] {
        self.first().df.first().map_or(&[], |df| &df.df_name)
    }

    /// The profile of a card; `None` when none has its generation.
    #[must_use]
    pub fn of_card(&self, card: &Recognition) -> Option<&Profile> {
        if self.only.is_some() {
            return self.only.as_ref();
        }
        let national = self.named(card.profile_name())?;
        let algorithm = Algorithm::public(card.algorithm).unwrap_or(national.algorithm);
        let is_like = |site: &&SiteProfile| {
            card.city.as_str().starts_with(&site.region)
                && site.profile.version.chars().next() == national.version.chars().next()
                && site.profile.algorithm == algorithm
        };
        let site = self.site.iter().filter(is_like).max_by_key(|site| site.region.len());
        Some(site.map_or(national, |site| &site.profile))
    }

    /// Every profile that a user's card of this city may have whose keys are of this algorithm, of whatever generation it is.
    #[must_use]
    pub fn alike(&self, city: CityCode, algorithm: Algorithm) -> Vec<&Profile> {
        let site = self.site.iter().filter(|site| city.as_str().starts_with(&site.region)).map(|site| &site.profile);
        let builtin = self.builtin.iter().filter(|(name, _)| name.starts_with(USER_CARD));
        let all: Vec<&Profile> = match &self.only {
            Some(only) => vec![only],
            None => site.chain(builtin.filter_map(|(name, _)| self.named(name))).collect(),
        };
        all.into_iter().filter(|profile| profile.algorithm == algorithm).collect()
    }

    /// The profiles of this site, which are not built in.
    pub fn site(&self) -> impl Iterator<Item = &Profile> {
        self.site.iter().map(|row| &row.profile)
    }

    /// The profiles of this site with their regions, the first digits of city codes.
    pub(crate) fn regions(&self) -> impl Iterator<Item = (&str, &Profile)> {
        self.site.iter().map(|row| (row.region.as_str(), &row.profile))
    }

    /// Names by which PSAMs are found, one for each environment.
    #[must_use]
    pub fn psams(&self) -> &[PsamNames] {
        &self.psams
    }

    /// Names of the environment in which a PSAM serves cards of this profile.
    ///
    /// # Panics
    /// Never: every algorithm has its environment.
    #[must_use]
    pub fn psam_of(&self, profile: &Profile) -> &PsamNames {
        let place = PSAMS.iter().position(|(algorithm, _)| *algorithm == profile.algorithm);
        place.and_then(|place| self.psams.get(place)).expect("every algorithm has its environment")
    }

    fn named(&self, name: &str) -> Option<&Profile> {
        let (name, cell) = self.builtin.iter().find(|(known, _)| *known == name)?;
        Some(cell.get_or_init(|| builtin(name).expect("listed among the built-in profiles")))
    }
}

/// Whether a card of `profile` is asked for PIN and balances as one of `first` is, in an environment of the same name.
fn has_pin_and_balances_of(profile: &Profile, first: &Profile) -> bool {
    let names = |profile: &Profile| profile.df.first().map(|df| df.df_name.clone());
    let entry = |profile: &Profile| {
        let df = profile.account.as_ref().and_then(|account| profile.df(&account.df));
        df.map(|df| (df.fid, df.df_name.clone()))
    };
    let balances = match (&profile.account, &first.account) {
        (Some(account), Some(first)) => account.asks_balances_like(first),
        (None, None) => true,
        (Some(_), None) | (None, Some(_)) => false,
    };
    let pin = |profile: &Profile| {
        profile
            .pin
            .as_ref()
            .map(|pin| (pin.initial.clone(), pin.tries, pin.bytes_min, pin.bytes_max, pin.answers_tries))
    };
    balances && pin(profile) == pin(first) && names(profile) == names(first) && entry(profile) == entry(first)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::CardValues;
    use crate::recognition::recognise;
    use card_core::fci::{AlgorithmId, Fci};

    fn card(city: &str, version: &str, algorithm: AlgorithmId) -> Recognition {
        let mut values = CardValues::new();
        values.set("SSSE.EF05.card_identifier", format!("{city}D15600000511223344AABBCCDD")).expect("a place");
        values.set("SSSE.EF05.spec_version", version).expect("a place");
        recognise(Some(&Fci { algorithm: Some(algorithm), ..Fci::default() }), &values).expect("recognised")
    }

    #[test]
    fn every_generation_algorithm_and_region_has_its_profile_and_environment() {
        let catalog = Catalog::builtin();
        let found = |city, version, algorithm| {
            let profile = catalog.of_card(&card(city, version, algorithm))?;
            Some((profile.name.as_str(), hex::encode(&catalog.psam_of(profile).environment)[4..6].to_owned()))
        };
        let sx = |name, digit: &str| Some((name, hex::encode(digit)));
        assert_eq!(found("513300", "1.00", AlgorithmId::TDES), sx("ssc-1.0", "1"));
        assert_eq!(found("130100", "1.00", AlgorithmId::TDES), sx("ssc-1.0-hebei", "1"));
        assert_eq!(found("513300", "2.0", AlgorithmId::TDES), sx("ssc-2.0", "1"));
        assert_eq!(found("513300", "3.00", AlgorithmId::TDES), sx("ssc-3.0", "1"));
        assert_eq!(found("513300", "3.00", AlgorithmId::SM4), sx("ssc-3.0-sm4", "3"));
        // Its files are read by the rows of its generation; its keys are of no use.
        assert_eq!(found("513300", "2.0", AlgorithmId::SM4), sx("ssc-2.0", "1"));
    }

    #[test]
    fn a_site_may_have_its_own_profile_for_its_region() {
        let mut catalog = Catalog::builtin();
        catalog.add("51", builtin("ssc-2.0-ef0d").expect("built in"));
        catalog.add("5133", builtin("ssc-2.0-health-relief").expect("built in"));
        let name = |city, version| catalog.of_card(&card(city, version, AlgorithmId::TDES)).map(|it| it.name.as_str());
        assert_eq!(name("513300", "2.00"), Some("ssc-2.0-health-relief"));
        assert_eq!(name("510100", "2.00"), Some("ssc-2.0-ef0d"));
        assert_eq!(name("370100", "2.00"), Some("ssc-2.0-shandong"));
        assert_eq!(name("513300", "3.00"), Some("ssc-3.0"), "a profile of another generation is not forced on a card");
    }

    #[test]
    fn pin_and_balances_are_asked_alike_of_every_card_that_is_built_in() {
        let catalog = Catalog::builtin();
        for name in names().filter(|name| name.starts_with("ssc-")) {
            assert!(has_pin_and_balances_of(&builtin(name).expect("built in"), catalog.first()), "{name}");
        }
        assert!(catalog.common().is_some());
    }

    #[test]
    fn a_profile_of_the_site_with_other_rows_ends_asking_unrecognised_cards() {
        let text = crate::builtin_text("ssc-2.0-ef0d").expect("built in");
        let changed = |more: &str| {
            let text = text.replacen("source =", &format!("{more}\nsource ="), 1);
            Profile::parse(&text).unwrap_or_else(|error| panic!("{error}"))
        };
        let common = |profile: Profile| {
            let mut catalog = Catalog::builtin();
            catalog.add("51", profile);
            catalog.common().is_some()
        };
        assert!(common(changed("")));
        let mut other = changed("");
        other.pin.as_mut().expect("a PIN").answers_tries = true;
        assert!(!common(other));
        let mut other = changed("");
        other.account.as_mut().expect("an account").get_balance.p1 = 1;
        assert!(!common(other));
        let mut other = changed("");
        other.account = None;
        assert!(!common(other));
    }

    #[test]
    fn the_issuer_file_is_the_same_in_every_profile_of_a_user_card() {
        let catalog = Catalog::builtin();
        let issuer = |profile: &Profile| {
            let ef = profile.ef("SSSE", "EF05")?;
            let rows: Vec<_> = ef.elements.iter().map(|row| (row.tag, row.id.clone(), row.format.length)).collect();
            Some((ef.fid, ef.size, rows))
        };
        let first = issuer(catalog.first()).expect("EF05");
        let user = names().filter(|name| name.starts_with("ssc-"));
        for profile in user.map(|name| builtin(name).expect("built in")) {
            assert_eq!(issuer(&profile).as_ref(), Some(&first), "{}", profile.name);
            assert_eq!(profile.df[0].df_name, catalog.ssse_name());
        }
    }
}
