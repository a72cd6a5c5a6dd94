//! The profiles that come with the product.
//!
//! Owns: their texts, embedded. Never: edits them; a site copies one and changes the copy.

use crate::profile::Profile;

/// National profiles before their regional overlays.
const TEXTS: [(&str, &str); 18] = [
    ("ssc-1.0", include_str!("../profiles/ssc-1.0.toml")),
    ("ssc-1.0-hebei", include_str!("../profiles/ssc-1.0-hebei.toml")),
    ("ssc-1.0-zhejiang", include_str!("../profiles/ssc-1.0-zhejiang.toml")),
    ("ssc-2.0", include_str!("../profiles/ssc-2.0.toml")),
    ("ssc-2.0-ef0d", include_str!("../profiles/ssc-2.0-ef0d.toml")),
    ("ssc-2.0-health-relief", include_str!("../profiles/ssc-2.0-health-relief.toml")),
    ("ssc-2.0-shandong", include_str!("../profiles/ssc-2.0-shandong.toml")),
    ("ssc-3.0", include_str!("../profiles/ssc-3.0.toml")),
    ("ssc-3.0-sm4", include_str!("../profiles/ssc-3.0-sm4.toml")),
    ("psam", include_str!("../profiles/psam.toml")),
    ("psam-ef0d", include_str!("../profiles/psam-ef0d.toml")),
    ("psam-health-relief", include_str!("../profiles/psam-health-relief.toml")),
    ("psam-hebei", include_str!("../profiles/psam-hebei.toml")),
    ("psam-shandong", include_str!("../profiles/psam-shandong.toml")),
    ("psam-sx3", include_str!("../profiles/psam-sx3.toml")),
    ("pboc-purse", include_str!("../profiles/pboc-purse.toml")),
    ("pboc-purse-55", include_str!("../profiles/pboc-purse-55.toml")),
    ("pboc-purse-sm4", include_str!("../profiles/pboc-purse-sm4.toml")),
];

/// Names of the built-in profiles.
pub fn names() -> impl Iterator<Item = &'static str> {
    TEXTS.into_iter().map(|(name, _)| name)
}

/// The text of a built-in profile.
#[must_use]
pub fn builtin_text(name: &str) -> Option<&'static str> {
    TEXTS.into_iter().find(|(known, _)| *known == name).map(|(_, text)| text)
}

/// A built-in profile.
///
/// # Panics
/// Never: a test reads and lints every text.
#[must_use]
pub fn builtin(name: &str) -> Option<Profile> {
    builtin_text(name).map(|text| Profile::parse(text).expect("built-in profiles are read by a test"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lint::lint;

    #[test]
    fn every_builtin_profile_loads_under_its_name_and_is_lint_clean() {
        assert_eq!(names().count(), TEXTS.len());
        for name in names() {
            let profile = Profile::parse(builtin_text(name).expect("known")).expect(name);
            assert_eq!(profile.name, name);
            assert_eq!(lint(&profile), []);
        }
        assert!(builtin("ssc-9.9").is_none());
    }

    #[test]
    fn the_psam_is_selected_by_the_names_that_drivers_send() {
        let names = builtin("psam").and_then(|profile| profile.psam_names()).expect("names");
        assert_eq!(hex::encode_upper(&names.environment), "7378312E73682EC9E7BBE1B1A3D5CF");
        assert_eq!(hex::encode_upper(&names.application), "D15600000590");
        assert_eq!(names.terminal_number_sfi, 0x16);
        assert!(builtin("ssc-3.0").expect("profile").psam_names().is_none());
    }

    #[test]
    fn the_psam_holds_every_key_where_the_user_card_says() {
        let (card, psam) = (builtin("ssc-3.0").expect("profile"), builtin("psam").expect("profile"));
        let mut found = 0;
        for (name, place) in card.psam_keys() {
            let Some(row) = psam.key(&name) else {
                assert!(name.as_str().starts_with("LK"), "{name} is missing");
                continue;
            };
            assert_eq!((row.usage, row.id, row.df.as_str()), (place.usage, place.id, "DF01"), "{name}");
            found += 1;
        }
        assert!(found > 50, "{found}");
    }

    #[test]
    fn the_psam_of_a_region_holds_every_key_of_its_overlay() {
        for (card, psam, keys) in [
            ("ssc-1.0-hebei", "psam-hebei", 26),
            ("ssc-2.0-health-relief", "psam-health-relief", 6),
            ("ssc-2.0-shandong", "psam-shandong", 1),
            ("ssc-2.0-ef0d", "psam-ef0d", 1),
        ] {
            let national = builtin(card).and_then(|card| builtin(card.base.as_deref()?)).expect("a base").psam_keys();
            let (card, psam) = (builtin(card).expect("profile"), builtin(psam).expect("profile"));
            let own = card.psam_keys().into_iter().filter(|(name, place)| national.get(name) != Some(place));
            let mut found = 0;
            for (name, place) in own {
                let row = psam.key(&name).unwrap_or_else(|| panic!("{}: no {name}", psam.name));
                assert_eq!((row.usage, row.id), (place.usage, place.id), "{}: {name}", psam.name);
                found += 1;
            }
            assert_eq!(found, keys, "{}", psam.name);
        }
    }
}
