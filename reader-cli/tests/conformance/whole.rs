//! The software card passes every case of every kind of card.

use std::collections::BTreeSet;

use card_core::Session;
use card_profiles::account::{DebitDate, YearCoding};
use card_profiles::conform::{Case, Effect, cases, in_order};
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
                Verdict::NotRun(reason) => panic!("{name}: {}: {reason:?}", case.id),
            }
            assert_eq!(outcome.unrestored, None, "{name}: {}", case.id);
        }
        let last = last.unwrap_or_else(|| panic!("{name}: a final case is carried out last"));
        // A user card ends with its first directory, and can then not be blocked whole; a PSAM ends with its purchases.
        let wanted = ["blocking.SSSE.for-good", "blocking.ADF1.for-good", "psam.purchase.locked"];
        assert!(wanted.contains(&last.id.as_str()), "{name}: {}", last.id);
        assert!(over > 0 || !last.id.starts_with("blocking"), "{name}: what a block ended is said");
    }
}

#[test]
fn a_card_near_the_end_of_its_numbers_is_never_failed_for_what_it_has_not_left() {
    for (name, numbers) in [
        ("ssc-2.0", vec!["online numbers of the account", "offline numbers of the account"]),
        ("ssc-3.0-sm4", vec!["online numbers of the account", "offline numbers of the account"]),
        (
            "pboc-purse",
            vec![
                "online numbers of the ED",
                "offline numbers of the ED",
                "online numbers of the EP",
                "offline numbers of the EP",
            ],
        ),
        ("psam", vec!["numbers of the PSAM"]),
    ] {
        let profile = profile(name);
        let (mut most, mut named) = (usize::MAX, BTreeSet::new());
        for left in [0, 1, 2, 3, 5, 8, 13, 40, 400] {
            let socket = card(&profile);
            socket.card().age(left).expect("memory of this process");
            let mut module = Module::of(&profile, &socket);
            let mut bench = bench(&profile, &socket);
            bench.terminal = module.terminal().unwrap_or(bench.terminal);
            // A final case is asked for by its id only.
            let takes = |case: &Case| !case.numbers.is_empty() && !matches!(case.effect, Effect::Final(_));
            let all: Vec<_> = cases(&profile, &bench).into_iter().filter(takes).collect();
            assert!(all.len() > 20 || name == "psam" && all.len() > 3, "{name}: {}", all.len());
            let mut runner = Runner::new(Session::new(straight(socket)), Some(&mut module), (&profile, &bench), true);
            let (mut short, mut not_run, mut said) = (BTreeSet::new(), 0, BTreeSet::new());
            for case in &all {
                let outcome = runner.run(case, false).expect("the card answers");
                match outcome.verdict {
                    Verdict::Passed | Verdict::Skipped(_) => {}
                    Verdict::Failed(difference) => panic!("{name}, {left} left: {}: {difference:?}", case.id),
                    Verdict::NotRun(reason) => {
                        not_run += 1;
                        let (count, words) = reason.en.split_once(' ').expect("a number first");
                        let words = words.split_once(" left, it needs ").expect("what it needs");
                        let [count, needed] = [count, words.1].map(|word| word.parse::<u32>().expect("a number"));
                        assert!(count < needed && count <= left.into(), "{name}, {left} left: {}: {reason:?}", case.id);
                        short.insert(words.0.to_owned());
                        said.insert(count);
                    }
                }
                assert_eq!(outcome.unrestored, None, "{name}, {left} left: {}", case.id);
            }
            assert!(not_run <= most, "{name}: {not_run} of {left} left, {most} before");
            match left {
                // Nothing at all can be begun.
                0 => assert_eq!((not_run, said), (all.len(), BTreeSet::from([0])), "{name}"),
                400 => assert_eq!(not_run, 0, "{name}: {short:?}"),
                _ => {}
            }
            if left == 1 {
                assert!(not_run < all.len(), "{name}: what takes no number is run");
            }
            named.append(&mut short);
            most = not_run;
        }
        assert_eq!(named.iter().map(String::as_str).collect::<BTreeSet<_>>(), numbers.into_iter().collect(), "{name}");
    }
}

#[test]
fn a_card_whose_totals_are_of_a_later_year_than_the_terminals_is_no_wrong_card() {
    for (name, coding, date) in [
        ("ssc-1.0", YearCoding::Bcd, DebitDate::Calendar),
        ("ssc-3.0", YearCoding::Bcd, DebitDate::Checked),
        ("ssc-3.0", YearCoding::Binary, DebitDate::Calendar),
        ("ssc-3.0", YearCoding::Binary, DebitDate::Checked),
        ("ssc-3.0-sm4", YearCoding::Bcd, DebitDate::Calendar),
        ("ssc-3.0-sm4", YearCoding::Bcd, DebitDate::Any),
    ] {
        let mut profile = profile(name);
        let rows = profile.account.as_mut().expect("an account");
        (rows.totals_year, rows.debit_date) = (coding, date);
        let socket = card(&profile);
        let mut module = Module::of(&profile, &socket);
        let mut bench = bench(&profile, &socket);
        bench.terminal = module.terminal().unwrap_or(bench.terminal);
        // Another terminal's purchase of the next year; then this one's.
        for (year, wanted) in [(0x27, "account.purchase.totals"), (0x26, "account.")] {
            let [_, own, ..] = &mut bench.moment;
            *own = year;
            let takes = |case: &Case| case.id.starts_with(wanted) && !matches!(case.effect, Effect::Final(_));
            let all: Vec<Case> = cases(&profile, &bench).into_iter().filter(takes).collect();
            assert!(!all.is_empty(), "{name}");
            let session = Session::new(straight(socket.clone()));
            let mut runner = Runner::new(session, Some(&mut module), (&profile, &bench), true);
            for case in &all {
                let outcome = runner.run(case, true).expect("the card answers");
                assert_eq!(outcome.verdict, Verdict::Passed, "{name} {coding:?} {date:?} 20{year:02X}: {}", case.id);
            }
        }
    }
}
