//! What a profile does not know for certain: assumed rows, weaker sources, items without a name.
//!
//! Owns: the list, complete, by place; the Chinese of the built-in sentences. Never: decides whether a profile may be used.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use crate::profile::{Element, Profile};

/// One uncertainty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assumption {
    /// Where: `DF04.EF05`, `key BK`, `account`.
    pub place: String,
    /// Which kind.
    pub doubt: Doubt,
}

/// Kinds of uncertainty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// No source states it; what was chosen, and against what.
    Assumed(String),
    /// One source, or sources that disagree (`M`); inferred (`L`).
    Confidence(String),
    /// The name of an item is not known.
    NameUnknown,
}

impl Doubt {
    /// Stable word.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Assumed(_) => "assumed",
            Self::Confidence(_) => "confidence",
            Self::NameUnknown => "name-unknown",
        }
    }

    /// What is assumed, or the confidence.
    #[must_use]
    pub fn text(&self) -> &str {
        match self {
            Self::Assumed(text) | Self::Confidence(text) => text,
            Self::NameUnknown => "",
        }
    }

    /// What is assumed, in Chinese; `None` for a sentence of a text that is not built in.
    #[must_use]
    pub fn zh(&self) -> Option<&'static str> {
        match self {
            Self::Assumed(text) => CHINESE.get(text.as_str()).copied(),
            Self::Confidence(_) | Self::NameUnknown => None,
        }
    }
}

/// The Chinese of each sentence of the built-in profiles.
static CHINESE: LazyLock<BTreeMap<&str, &str>> = LazyLock::new(|| {
    let paragraphs = include_str!("../data/assumptions.txt").split("\n\n");
    paragraphs.filter_map(|pair| pair.trim_end().split_once('\n').filter(|_| !pair.starts_with('#'))).collect()
});

/// Every uncertainty of a profile, in the order of its text.
#[must_use]
pub fn assumptions(profile: &Profile) -> Vec<Assumption> {
    let mut list = List(Vec::new());
    list.assumed("profile", &profile.assumed);
    list.assumed("algorithm_rules", &profile.algorithm_rules.assumed);
    list.assumed("pin", profile.pin.as_ref().and_then(|pin| pin.assumed.as_ref()));
    list.assumed("key_load", &profile.key_load.assumed);
    list.assumed("blocking", profile.blocking.as_ref().and_then(|row| row.assumed.as_ref()));
    list.assumed("account", profile.account.iter().flat_map(|rules| &rules.assumed));
    list.assumed("psam", &profile.psam.assumed);
    list.assumed("mf", profile.mf.iter().filter_map(|row| row.assumed.as_ref()));
    list.assumed("purse", profile.purse.iter().flat_map(|rules| &rules.assumed));
    for (name, option) in &profile.option {
        list.assumed(&format!("option {name}"), [&option.assumed]);
    }
    if let Some(rules) = &profile.certificate {
        list.assumed("certificate", &rules.assumed);
        for file in &rules.file {
            list.row(&format!("certificate.{}", file.id), file.assumed.as_ref(), file.confidence.as_ref());
        }
    }
    for key in &profile.key {
        list.row(&format!("key {}", key.name), key.assumed.as_ref(), key.confidence.as_ref());
    }
    for (name, items) in &profile.composite {
        items.iter().for_each(|item| list.element(&format!("composite {name}.{}", item.id), item));
    }
    for df in &profile.df {
        list.assumed(&df.id, &df.assumed);
        for ef in &df.ef {
            let place = format!("{}.{}", df.id, ef.id);
            list.row(&place, ef.assumed.as_ref(), ef.confidence.as_ref());
            ef.elements.iter().for_each(|row| list.element(&format!("{place}.{}", row.id), row));
        }
    }
    list.0
}

struct List(Vec<Assumption>);

impl List {
    fn add(&mut self, place: &str, doubt: Doubt) {
        self.0.push(Assumption { place: place.to_owned(), doubt });
    }

    fn assumed<'t>(&mut self, place: &str, texts: impl IntoIterator<Item = &'t String>) {
        texts.into_iter().for_each(|text| self.add(place, Doubt::Assumed(text.clone())));
    }

    fn row(&mut self, place: &str, assumed: Option<&String>, confidence: Option<&String>) {
        self.assumed(place, assumed);
        confidence.into_iter().for_each(|text| self.add(place, Doubt::Confidence(text.clone())));
    }

    fn element(&mut self, place: &str, row: &Element) {
        self.row(place, row.assumed.as_ref(), row.confidence.as_ref());
        if row.name.is_none() {
            self.add(place, Doubt::NameUnknown);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builtin::{builtin_text, names};
    use crate::{builtin, flatten};

    /// Counted in the text itself, so that no list of rows can be forgotten.
    fn assumed_in(value: &toml::Value) -> usize {
        match value {
            toml::Value::Table(table) => table
                .iter()
                .map(|(key, value)| match (key.as_str(), value) {
                    ("assumed", toml::Value::Array(list)) => list.len(),
                    ("assumed", _) => 1,
                    _ => assumed_in(value),
                })
                .sum(),
            toml::Value::Array(rows) => rows.iter().map(assumed_in).sum(),
            _ => 0,
        }
    }

    #[test]
    fn every_assumed_row_of_every_profile_is_listed() {
        for name in names() {
            let text = flatten(builtin_text(name).expect("built in")).expect("flat");
            let expected = assumed_in(&toml::Value::Table(toml::from_str(&text).expect("TOML")));
            let listed = assumptions(&builtin(name).expect("built in"));
            let assumed = listed.iter().filter(|row| row.doubt.word() == "assumed").count();
            assert_eq!(assumed, expected, "{name}");
            assert!(assumed > 3, "{name}");
        }
    }

    #[test]
    fn every_built_in_sentence_has_its_chinese_and_no_chinese_is_left_over() {
        let mut used = std::collections::BTreeSet::new();
        for name in names() {
            // With the other choices of its options, whose rows have sentences of their own.
            let text = builtin_text(name).expect("built in");
            let others = crate::Profile::with_other_choices(text).expect("read");
            for profile in others.iter().map(|(_, profile)| profile).chain([&builtin(name).expect("built in")]) {
                for row in assumptions(profile) {
                    let Doubt::Assumed(text) = &row.doubt else { continue };
                    let zh = row.doubt.zh().unwrap_or_else(|| panic!("{name} {}: {text}", row.place));
                    assert!(zh != text && !zh.is_empty(), "{name} {}: {text}", row.place);
                    used.insert(text.clone());
                }
            }
        }
        let known: std::collections::BTreeSet<String> = CHINESE.keys().map(|text| (*text).to_owned()).collect();
        assert_eq!(known, used);
        assert!(CHINESE.values().all(|zh| !zh.is_ascii()), "all of it Chinese");
    }

    #[test]
    fn weaker_sources_and_unknown_names_are_listed_with_their_place() {
        let listed = assumptions(&builtin("ssc-3.0").expect("built in"));
        let has = |place: &str, doubt: Doubt| listed.contains(&Assumption { place: place.to_owned(), doubt });
        assert!(has("DF04.EF05", Doubt::Confidence("M".to_owned())));
        assert!(has("DF04.EF05.tag_8c", Doubt::NameUnknown));
        assert!(has("key LKDF01", Doubt::Confidence("L".to_owned())));
    }
}
