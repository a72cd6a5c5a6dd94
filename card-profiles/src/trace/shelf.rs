//! The profiles by which a conversation is read.
//!
//! Source: the choice among them is that of a terminal (`catalog`). Owns: which of them counts for a card, by what it says of itself.
//! Never: reads a byte.

use std::ops::Deref;

use card_core::fci::AlgorithmId;
use card_core::security::CityCode;

use crate::builtin::builtin;
use crate::catalog::Catalog;
use crate::profile::Profile;
use crate::recognition::REGIONS;

/// Profiles among which a card is recognised, the usual one first.
const NATIONAL: [&str; 7] = ["ssc-3.0", "ssc-2.0", "ssc-1.0", "ssc-3.0-sm4", "psam", "psam-sx3", "pboc-purse"];

/// Profiles: those of every region first, then those of one.
#[derive(Clone, Debug)]
pub(in crate::trace) struct Shelf {
    profiles: Vec<Profile>,
    /// The region of each of the last profiles.
    regions: Vec<Region>,
}

/// A region that has a profile for itself.
#[derive(Clone, Debug)]
struct Region {
    /// First digits of the city code.
    digits: String,
    /// Whether its profile is the site's: it counts before one that is built in.
    is_site: bool,
}

impl Deref for Shelf {
    type Target = [Profile];

    fn deref(&self) -> &[Profile] {
        &self.profiles
    }
}

impl Shelf {
    /// Profiles without regions.
    pub(in crate::trace) const fn national(profiles: Vec<Profile>) -> Self {
        Self { profiles, regions: Vec::new() }
    }

    /// What is built in.
    pub(in crate::trace) fn builtin() -> Self {
        let mut shelf = Self::national(NATIONAL.into_iter().filter_map(builtin).collect());
        for (_, region, name) in REGIONS {
            builtin(name).into_iter().for_each(|profile| shelf.add(region, profile, false));
        }
        shelf
    }

    fn add(&mut self, digits: &str, profile: Profile, is_site: bool) {
        self.regions.push(Region { digits: digits.to_owned(), is_site });
        self.profiles.push(profile);
    }

    /// The same, and the profiles of a site.
    pub(in crate::trace) fn with_site(site: &Catalog) -> Self {
        let mut shelf = Self::builtin();
        for (region, profile) in site.regions() {
            shelf.add(region, profile.clone(), true);
        }
        shelf
    }

    /// Profiles that no region has for itself: a card that did not say where it comes from may be any of them.
    pub(in crate::trace) fn of_all_regions(&self) -> &[Profile] {
        self.profiles.get(..self.profiles.len() - self.regions.len()).unwrap_or_default()
    }

    /// The profile of a card with this first character of 规范版本, algorithm and city, as far as it said them.
    pub(in crate::trace) fn of_card(
        &self,
        version: u8,
        algorithm: Option<AlgorithmId>,
        city: Option<CityCode>,
    ) -> Option<usize> {
        let name = match (version, algorithm) {
            (b'1', _) => "ssc-1.0",
            (b'2', _) => "ssc-2.0",
            (b'3', Some(AlgorithmId::SM4)) => "ssc-3.0-sm4",
            (b'3', _) => "ssc-3.0",
            _ => return None,
        };
        let national = self.profiles.iter().position(|profile| profile.name == name)?;
        let wanted = self.profiles.get(national)?;
        let first = self.profiles.len() - self.regions.len();
        let own = self.regions.iter().zip(first..).filter(|(region, index)| {
            city.is_some_and(|city| city.as_str().starts_with(&region.digits))
                && self.profiles.get(*index).is_some_and(|own| {
                    own.version.as_bytes().first() == Some(&version) && own.algorithm == wanted.algorithm
                })
        });
        Some(own.max_by_key(|(region, _)| (region.is_site, region.digits.len())).map_or(national, |(_, index)| index))
    }
}
