//! The software card passes every case of every kind of card.

use std::collections::BTreeSet;

use reader_cli::conform::Verdict;

use super::bench::{PROFILES, profile, run, straight};

#[test]
fn the_software_card_passes_every_case_and_leaves_nothing_unrestored() {
    for name in PROFILES {
        let profile = profile(name);
        let outcomes = run(&profile, &profile, &straight, &|_| true);
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
