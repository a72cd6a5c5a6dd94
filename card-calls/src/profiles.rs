//! The profiles by which cards are read: built in, and those of the site's regions.
//!
//! Owns: one catalogue for each set of texts that this process met. Never: chooses a profile for a card.
//!
//! A catalogue stays until the process ends, as cards that are held point into it. A text that somebody edits while the process runs
//! counts from the next call on.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use card_counter::TerminalError;
use card_counter::profile::{self, SiteText};
use card_profiles::{Catalog, Chain};

/// Region, name and text of each profile, with the files that it extends.
type Texts = Vec<(String, String, Chain)>;

static MET: Mutex<Vec<(Texts, &'static Catalog)>> = Mutex::new(Vec::new());

/// The catalogue of a site.
///
/// # Errors
/// As [`profile::text_of`] and [`SiteText::of`].
pub(crate) fn of_site(regions: &BTreeMap<String, String>) -> Result<&'static Catalog, TerminalError> {
    let text = |(region, name): (&String, &String)| Ok((region.clone(), name.clone(), profile::text_of(name)?));
    let texts = regions.iter().map(text).collect::<Result<Texts, TerminalError>>()?;
    let mut met = MET.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, catalog)) = met.iter().find(|(known, _)| *known == texts) {
        return Ok(catalog);
    }
    let site = texts.iter().map(|(region, name, text)| SiteText::of(region, name, text.clone()));
    let site = site.collect::<Result<Vec<_>, _>>()?;
    let catalog: &'static Catalog = Box::leak(Box::new(profile::catalog(&site)));
    met.push((texts, catalog));
    Ok(catalog)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_read_once_until_it_is_edited() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("town.toml");
        let town = "format = 2\nextends = \"ssc-2.0\"\nname = \"ssc-2.0-town\"\ntitle = \"A\"\n";
        std::fs::write(&path, town).expect("written");
        let regions = BTreeMap::from([("5133".to_owned(), path.display().to_string())]);
        let title = |catalog: &Catalog| catalog.site().map(|profile| profile.title.clone()).collect::<Vec<_>>();
        let first = of_site(&regions).expect("a catalogue");
        assert_eq!(title(first), ["A"]);
        assert!(std::ptr::eq(first, of_site(&regions).expect("the same")));
        assert_eq!(title(of_site(&BTreeMap::new()).expect("built in")), [""; 0]);
        std::fs::write(&path, town.replace("\"A\"", "\"B\"")).expect("written");
        assert_eq!(title(of_site(&regions).expect("another")), ["B"]);
        // A file that it extends counts as well.
        let city = "format = 2\nextends = \"land.toml\"\nname = \"ssc-2.0-city\"\n";
        std::fs::write(&path, city).expect("written");
        for province in ["C", "D"] {
            std::fs::write(folder.path().join("land.toml"), town.replace("\"A\"", &format!("{province:?}")))
                .expect("written");
            assert_eq!(title(of_site(&regions).expect("another")), [province]);
        }
        std::fs::write(&path, "extends").expect("written");
        assert!(matches!(of_site(&regions), Err(TerminalError::Profile { .. })));
    }
}
