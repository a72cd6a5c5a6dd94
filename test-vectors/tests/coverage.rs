//! What the product can do and no case shows.
//!
//! Owns: the comparison of commands, formulas and items with the cases; a reason for each that has none.
//! Never: a list of its own of what exists; that is read from the crates.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use card_profiles::format::{Format, FormatKind};
use test_vectors::Case;
use test_vectors::kind::KINDS;

const COMMANDS: &str = include_str!("../../card-core/src/command.rs");
const FORMULAS: [&str; 5] = [
    include_str!("../../card-core/src/crypto.rs"),
    include_str!("../../card-core/src/crypto/des.rs"),
    include_str!("../../card-core/src/crypto/sm2.rs"),
    include_str!("../../card-core/src/crypto/sm3.rs"),
    include_str!("../../card-core/src/crypto/sm4.rs"),
];
const ACCOUNT: &str = include_str!("../../card-profiles/src/account/commands.rs");

/// Commands and formulas without a case, each with its reason.
const WITHOUT_CASE: &[(&str, &str)] = &[
    ("bytes", "the stored bytes of a public key, shown by the cases that use it"),
    ("expose", "the stored bytes of a private key"),
    ("parse", "takes a key of SM2; the cases of SM2 begin with it"),
    ("public", "the public key of a private one; its bytes enter every digest of the cases of SM2"),
];

/// Formats of items without a case, each with its reason.
const FORMATS_WITHOUT_CASE: &[(FormatKind, &str)] =
    &[(FormatKind::BTlv, "written item by item: each inner item has a format of its own")];

fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("cases")).expect("the folder") {
        let text = fs::read(entry.expect("an entry").path()).expect("read");
        let list: Vec<serde_json::Value> = serde_json::from_slice(&text).expect("JSON");
        cases.extend(list.iter().map(|value| Case::read(value).expect("a case")));
    }
    cases
}

/// Names of the public functions of a source text that answer `answer`, before its tests.
fn functions<'a>(source: &'a str, answer: &str) -> BTreeSet<&'a str> {
    let code = source.split("#[cfg(test)]").next().unwrap_or_default();
    code.split("pub ")
        .filter_map(|part| part.strip_prefix("const fn ").or_else(|| part.strip_prefix("fn ")))
        .filter(|part| part.split('{').next().is_some_and(|signature| signature.contains(answer)))
        .filter_map(|part| part.split('(').next())
        .collect()
}

fn first_words(cases: &[Case], kind: &str) -> BTreeSet<String> {
    cases
        .iter()
        .filter(|case| case.kind == kind)
        .filter_map(|case| case.data.split_whitespace().next().map(str::to_owned))
        .collect()
}

#[test]
fn every_command_and_formula_has_a_case_or_a_reason() {
    let cases = cases();
    let (apdu, account) = (first_words(&cases, "apdu"), first_words(&cases, "account"));
    let kinds: BTreeSet<&str> = cases.iter().map(|case| case.kind.as_str()).collect();
    let covered: BTreeSet<&str> =
        KINDS.iter().filter(|kind| kinds.contains(kind.name)).flat_map(|kind| kind.covers.iter().copied()).collect();
    let commands = functions(COMMANDS, "-> Command");
    let accounts: BTreeSet<&str> =
        functions(ACCOUNT, "-> Command").union(&functions(ACCOUNT, "-> Option<Command>")).copied().collect();
    let formulas: BTreeSet<&str> = FORMULAS.into_iter().flat_map(|source| functions(source, "-> ")).collect();
    assert!(commands.len() > 20 && accounts.len() > 5 && formulas.len() > 15, "the sources were read");
    let missing: BTreeSet<&str> = commands
        .into_iter()
        .filter(|name| !apdu.contains(*name))
        .chain(accounts.into_iter().filter(|name| !account.contains(*name)))
        .chain(formulas.into_iter().filter(|name| !covered.contains(name)))
        .collect();
    let excused: BTreeSet<&str> = WITHOUT_CASE.iter().map(|(name, _)| *name).collect();
    assert_eq!(missing, excused, "left: without a case; right: with a reason for it");
}

#[test]
fn every_kind_of_case_has_a_case() {
    let used: BTreeSet<String> = cases().into_iter().map(|case| case.kind).collect();
    let without: Vec<&str> = KINDS.iter().map(|kind| kind.name).filter(|name| !used.contains(*name)).collect();
    assert!(without.is_empty(), "{without:?}");
}

#[test]
fn every_format_of_an_item_has_a_case_or_a_reason() {
    let profile = card_profiles::builtin("ssc-3.0").expect("built in");
    let items = || profile.df.iter().flat_map(|df| &df.ef).flat_map(|ef| &ef.elements);
    let needed: BTreeSet<String> = items().map(|item| item.format.kind.to_string()).collect();
    let shown: BTreeSet<String> = cases()
        .iter()
        .filter(|case| case.kind == "element")
        .filter_map(|case| {
            let place = case.key.split_once('/').map(|(_, place)| place.rsplit('.').next().unwrap_or_default());
            match place {
                Some(id) => items().find(|item| *item.id == *id).map(|item| item.format.kind.to_string()),
                None => Format::parse(&case.key).ok().map(|format| format.kind.to_string()),
            }
        })
        .collect();
    let missing: BTreeSet<String> = needed.difference(&shown).cloned().collect();
    let excused: BTreeSet<String> = FORMATS_WITHOUT_CASE.iter().map(|(kind, _)| kind.to_string()).collect();
    assert_eq!(missing, excused, "left: without a case; right: with a reason for it");
}

#[test]
fn every_item_of_the_two_basic_files_has_a_case() {
    let profile = card_profiles::builtin("ssc-3.0").expect("built in");
    let keys: BTreeSet<String> = cases().into_iter().map(|case| case.key).collect();
    for ef in ["EF05", "EF06"] {
        for item in &profile.ef("SSSE", ef).expect("in the profile").elements {
            let key = format!("ssc-3.0/SSSE.{ef}.{}", item.id);
            assert!(keys.contains(&key), "{key}");
        }
    }
}
