//! Every wrong card is caught by the cases named for it, every kind of case can fail, and `docs/conformance.md` says so.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use card_profiles::conform::{Area, Case, Difference, cases};
use reader_cli::conform::{Outcome, Verdict};

use super::bench::{PROFILES, bench, card, profile, run};
use super::mutants::{Mutant, mutants};
use super::wrong_card::{Wrong, WrongCard};

/// Least number of wrong cards.
const MUTANTS_MIN: usize = 40;

/// What a case expected and saw, of the cases that must fail on a wrong card and do.
fn failing(mutant: &Mutant) -> BTreeMap<String, Difference> {
    let rows = profile(mutant.profile);
    let mut made_of = rows.clone();
    if let Wrong::Rows(change) = mutant.wrong {
        change(&mut made_of);
    }
    // Only these: what they depend on may be wrong too, and would have them skipped.
    let wanted = |case: &Case| mutant.caught.contains(&case.id.as_str());
    let wrong = mutant.wrong;
    let outcomes = run(&rows, &made_of, &|socket| Box::new(WrongCard::new(&socket, wrong)), &wanted);
    assert_eq!(outcomes.len(), mutant.caught.len(), "{}: every case named is made", mutant.what);
    let difference = |(case, outcome): (Case, Outcome)| match outcome.verdict {
        Verdict::Failed(difference) => Some((case.id, difference)),
        Verdict::Passed | Verdict::Skipped(_) | Verdict::NotRun(_) => None,
    };
    outcomes.into_iter().filter_map(difference).collect()
}

#[test]
fn every_wrong_card_is_caught_by_the_cases_named_for_it() {
    let all = mutants();
    assert!(all.len() >= MUTANTS_MIN);
    let mut missed = Vec::new();
    for mutant in &all {
        let failed = failing(mutant);
        missed.extend(
            mutant.caught.iter().filter(|id| !failed.contains_key(**id)).map(|id| format!("{}: {id}", mutant.what)),
        );
    }
    assert!(missed.is_empty(), "not caught:\n{}", missed.join("\n"));
}

#[test]
fn a_wire_that_changes_nothing_fails_no_case() {
    for name in PROFILES {
        let rows = profile(name);
        let wrong = Wrong::Wire(|link, command| link.ask(command));
        let outcomes = run(&rows, &rows, &|socket| Box::new(WrongCard::new(&socket, wrong)), &|_| true);
        let failed: Vec<String> = outcomes
            .iter()
            .filter(|(_, outcome)| outcome.verdict != Verdict::Passed || outcome.unrestored.is_some())
            .map(|(case, outcome)| format!("{}: {outcome:?}", case.id))
            .collect();
        assert!(failed.is_empty(), "{name}:\n{}", failed.join("\n"));
    }
}

/// By area and kind: its first title, and how many each profile has.
type Kinds = BTreeMap<(Area, String), (String, BTreeMap<&'static str, usize>)>;

fn kinds() -> Kinds {
    let mut kinds = BTreeMap::new();
    for name in PROFILES {
        let rows = profile(name);
        let socket = card(&rows);
        for case in cases(&rows, &bench(&rows, &socket)) {
            let entry = kinds.entry((case.area, case.kind)).or_insert_with(|| (case.title.en, BTreeMap::new()));
            *entry.1.entry(name).or_insert(0) += 1;
        }
    }
    kinds
}

/// The kind of a case by its id.
fn kind_of(id: &str, profile_name: &str) -> String {
    let rows = profile(profile_name);
    let socket = card(&rows);
    let found = cases(&rows, &bench(&rows, &socket)).into_iter().find(|case| case.id == id);
    found.unwrap_or_else(|| panic!("{profile_name} makes no case {id}")).kind
}

#[test]
fn every_kind_of_case_is_shown_to_fail() {
    let all = mutants();
    let shown: BTreeSet<String> =
        all.iter().flat_map(|mutant| mutant.caught.iter().map(|id| kind_of(id, mutant.profile))).collect();
    let never: Vec<String> = kinds().into_keys().map(|(_, kind)| kind).filter(|kind| !shown.contains(kind)).collect();
    assert!(never.is_empty(), "no wrong card shows that these can fail:\n{}", never.join("\n"));
}

#[test]
fn the_page_of_the_suite_is_made_from_its_cases_and_wrong_cards() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/conformance.md");
    let page = page();
    if std::env::var("CONFORMANCE_PAGE").is_ok_and(|word| word == "write") {
        std::fs::write(&path, &page).expect("written");
    }
    let written = std::fs::read_to_string(&path).expect("the page is there");
    assert!(written == page, "CONFORMANCE_PAGE=write makes docs/conformance.md anew");
}

fn page() -> String {
    let mut page = String::from(
        "# Conformance suite\n\nMade from the cases and the table of wrong cards; compared by a test of `reader-cli`. \
         How to run it: `reader-cli/README.md`.\n\n## Kinds of case\n\nA star stands for a row of the profile: `access.*.*.read.free` is \
         `access.SSSE.EF05.read.free` and its likes. The title is that of the first case. `purse-mac` and `purse-enciphered` are purses whose \
         records of composite purchases carry a MAC, plain and enciphered (`enciphers_cache`); `ssc-3.0-options` is a card with the other \
         choices of the profile's options.\n",
    );
    let heads = PROFILES.join(" | ");
    let mut area = None;
    for ((of, kind), (title, counts)) in kinds() {
        if area != Some(of) {
            let name = of.name();
            page.push_str(&format!(
                "\n### {} {}\n\n| kind | first title | {heads} |\n|---|---|{}\n",
                name.zh,
                name.en,
                "---|".repeat(PROFILES.len())
            ));
            area = Some(of);
        }
        let counts: Vec<String> =
            PROFILES.iter().map(|name| counts.get(name).map_or_else(|| "–".to_owned(), ToString::to_string)).collect();
        page.push_str(&format!("| `{kind}` | {title} | {} |\n", counts.join(" | ")));
    }
    page.push_str(&super::damaged::page());
    page.push_str(
        "\n## Wrong cards\n\nEach of these fails the cases beside it, at the move and command named.\n\n\
         | what is wrong | card | caught by | at | expected | seen |\n|---|---|---|---|---|---|\n",
    );
    for mutant in mutants() {
        for (id, Difference { place, expected, seen, .. }) in failing(&mutant) {
            let (what, card) = (mutant.what, mutant.profile);
            page.push_str(&format!("| {what} | {card} | `{id}` | {place} | {} | {} |\n", expected.en, seen.en));
        }
    }
    page
}
