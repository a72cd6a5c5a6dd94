//! The software card passes every case of every kind of card.

use std::collections::BTreeSet;

use card_core::Session;
use card_profiles::conform::{Effect, cases, in_order};
use reader_cli::conform::{Runner, Verdict};

use super::bench::{Module, PROFILES, bench, card, profile, run, straight};

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

#[test]
fn all_cases_named_together_on_one_card_never_fail_and_what_is_over_is_skipped() {
    for name in PROFILES {
        let profile = profile(name);
        let socket = card(&profile);
        let mut module = Module::of(&profile, &socket);
        let mut bench = bench(&profile, &socket);
        bench.terminal = module.terminal().unwrap_or(bench.terminal);
        let all = in_order(cases(&profile, &bench));
        let session = Session::new(straight(socket));
        let mut runner = Runner::new(session, Some(&mut module), (&profile, &bench), true);
        let (mut over, mut last) = (0, None);
        for case in &all {
            let outcome = runner.run(case, true).expect("the card answers");
            let is_final = matches!(case.effect, Effect::Final(_));
            match outcome.verdict {
                Verdict::Passed => last = is_final.then_some(case),
                Verdict::Failed(difference) => panic!("{name}: {}: {difference:?}", case.id),
                Verdict::Skipped(reason) => over += usize::from(reason.en.contains("blocked")),
            }
            assert_eq!(outcome.unrestored, None, "{name}: {}", case.id);
        }
        let last = last.unwrap_or_else(|| panic!("{name}: a final case is carried out last"));
        // A user card ends with its first directory, and can then not be blocked whole; a PSAM ends with its control key.
        let wanted = ["blocking.SSSE.for-good", "blocking.ADF1.for-good", "keys.MKMF.blocked"];
        assert!(wanted.contains(&last.id.as_str()), "{name}: {}", last.id);
        assert!(over > 0 || !last.id.starts_with("blocking"), "{name}: what a block ended is said");
    }
}
