//! The national profiles against facts written down separately: the file layouts and the key table.
//!
//! Source: `layout-v1.json`, `layout-v2.json`, the file tables that two and four independent programs agree on;
//! `key-table.tsv`, the published key table.

use std::collections::BTreeMap;

use card_profiles::layout::layout;
use card_profiles::profile::KeyRow;
use card_profiles::{Access, Profile, builtin};

const V1: &str = include_str!("layout-v1.json");
const V2: &str = include_str!("layout-v2.json");
const KEYS: &str = include_str!("key-table.tsv");

fn profile(name: &str) -> Profile {
    builtin(name).expect("built in")
}

/// JSON without the space between its words: keys keep their order, so that the shape is compared too.
fn compact(json: &str) -> String {
    let mut is_text = false;
    json.chars()
        .filter(|c| {
            is_text ^= *c == '"';
            is_text || !c.is_whitespace()
        })
        .collect()
}

fn assert_same(profile: &Profile, facts: &str) {
    let (ours, facts) = (serde_json::to_string(&layout(profile)).expect("JSON"), compact(facts));
    let at = ours.bytes().zip(facts.bytes()).take_while(|(a, b)| a == b).count();
    let around = |text: &str| {
        text.chars()
            .skip(text.get(..at).map_or(0, |t| t.chars().count().saturating_sub(60)))
            .take(160)
            .collect::<String>()
    };
    assert!(ours == facts, "{}: ours {:?}, facts {:?}", profile.name, around(&ours), around(&facts));
}

#[test]
fn the_first_generation_has_layout_v1() {
    assert_same(&profile("ssc-1.0"), V1);
}

#[test]
fn the_second_and_third_generation_have_layout_v2() {
    for name in ["ssc-2.0", "ssc-3.0", "ssc-3.0-sm4"] {
        assert_same(&profile(name), V2);
    }
}

#[test]
fn generations_two_and_three_differ_in_who_reads_the_holder() {
    let read = |name: &str| profile(name).ef("SSSE", "EF06").expect("EF06").read.to_string();
    assert_eq!((read("ssc-1.0"), read("ssc-2.0")), ("free".to_owned(), "free".to_owned()));
    assert_eq!((read("ssc-3.0"), read("ssc-3.0-sm4")), ("RKSSSE".to_owned(), "RKSSSE".to_owned()));
    let (two, three) = (profile("ssc-2.0"), profile("ssc-3.0"));
    for df in &three.df {
        for ef in &df.ef {
            let same = two.ef(&df.id, &ef.id).expect("the same files");
            assert_eq!(
                same.read == ef.read,
                (df.id.as_str(), ef.id.as_str()) != ("SSSE", "EF06"),
                "{}.{}",
                df.id,
                ef.id
            );
            assert_eq!(same.update, ef.update);
        }
    }
}

/// A row of the key table as printed.
struct Fact {
    name: String,
    columns: Vec<&'static str>,
}

fn key_facts() -> Vec<Fact> {
    KEYS.lines()
        .skip(1)
        .map(|line| {
            let columns: Vec<&'static str> = line.split('\t').collect();
            Fact { name: columns[0].to_owned(), columns }
        })
        .collect()
}

/// What a profile has, in the words of the table.
fn printed(key: &KeyRow, is_known: bool) -> Vec<String> {
    let dash = || "—".to_owned();
    let hex = |byte: u8| format!("{byte:02X}");
    vec![
        if key.purpose.is_empty() { dash() } else { key.purpose.clone() },
        if is_known { hex(key.id) } else { dash() },
        key.psam.map_or_else(dash, |psam| hex(psam.usage)),
        match &*key.versions {
            [] => key.psam.map(|psam| psam.id).or(key.psam_id).map_or_else(dash, hex),
            _ => versions(key, " / ", |version| hex(key.psam_of(version).expect("a place").id)),
        },
        key.length.bytes().to_string(),
        match &*key.versions {
            [] if key.hsm.is_empty() => dash(),
            [] => key.hsm.join(" "),
            _ => versions(key, "; ", |version| format!("v{version} {}", key.hsm_of(version).join(" "))),
        },
    ]
}

/// What the versions of a key have, the first one in its row.
fn versions(key: &KeyRow, between: &str, what: impl Fn(u8) -> String) -> String {
    let others = key.versions.iter().map(|row| row.version);
    [1].into_iter().chain(others).map(what).collect::<Vec<_>>().join(between)
}

/// Where a profile knowingly departs from the table, each departure marked assumed in its row.
fn expected(fact: &Fact) -> Vec<String> {
    let mut columns: Vec<String> = fact.columns[1..7].iter().map(|text| (*text).to_owned()).collect();
    match fact.name.as_str() {
        // The table leaves the length of the four placeholders open.
        "LKSSSE" | "LKDF01" | "LKDF02" | "LKDF07" => columns[4] = "16".to_owned(),
        _ => {}
    }
    columns
}

fn compare_keys(profile: &Profile, facts: &[Fact]) -> usize {
    let rows: BTreeMap<&str, &KeyRow> = profile.key.iter().map(|key| (key.name.as_str(), key)).collect();
    let mut compared = 0;
    for fact in facts {
        let Some(key) = rows.get(fact.name.as_str()) else { continue };
        let is_known = fact.columns[2] != "—";
        assert_eq!(printed(key, is_known), expected(fact), "{}: {}", profile.name, fact.name);
        if !is_known {
            assert!(key.assumed.is_some(), "{} departs from the table and says so", fact.name);
        }
        compared += 1;
    }
    compared
}

#[test]
fn every_row_of_the_key_table_is_in_the_profile_that_has_its_file() {
    let facts = key_facts();
    assert_eq!(facts.len(), 61);
    // The two regional rows stand in the overlay of DF05.
    for (name, count) in [("ssc-3.0", 59), ("ssc-2.0", 59), ("ssc-2.0-health-relief", 61)] {
        assert_eq!(compare_keys(&profile(name), &facts), count, "{name}");
    }
}

#[test]
fn the_first_generation_takes_its_keys_from_the_same_table() {
    let (facts, profile) = (key_facts(), profile("ssc-1.0"));
    let control = profile.key.iter().filter(|key| key.name.as_str().starts_with("MK")).count();
    assert_eq!(compare_keys(&profile, &facts), profile.key.len() - control);
    assert_eq!(control, profile.df.len());
}

#[test]
fn with_sm4_only_the_lengths_of_keys_differ() {
    let (tdes, sm4) = (profile("ssc-3.0"), profile("ssc-3.0-sm4"));
    assert_eq!(tdes.key.len(), sm4.key.len());
    for (a, b) in tdes.key.iter().zip(&sm4.key) {
        assert_eq!(
            (&a.name, a.id, a.usage, a.psam, b.length.bytes()),
            (&b.name, b.id, b.usage, b.psam, 16),
            "{}",
            a.name
        );
    }
    assert_eq!(sm4.algorithm_rules.key_version_byte, Some(1));
    let sx3 = profile("psam-sx3").psam_names().expect("names");
    assert_eq!(hex::encode_upper(sx3.environment), "7378332E73682EC9E7BBE1B1A3D5CF");
}

#[test]
fn regional_overlays_add_what_their_tables_say() {
    let size = |name: &str, df: &str, ef: &str| profile(name).ef(df, ef).map(|ef| ef.size_listed.unwrap_or(ef.size));
    assert_eq!(size("ssc-2.0-shandong", "SSSE", "EF0C"), Some(126));
    assert_eq!(size("ssc-1.0-zhejiang", "SSSE", "EF0C"), Some(33));
    assert_eq!(size("ssc-1.0-hebei", "SSSE", "EF0C"), Some(52));
    let relief = |ef: &str| size("ssc-2.0-health-relief", "DF06", ef);
    assert_eq!((relief("EF05"), relief("EF06")), (Some(167), Some(217)));
    assert_eq!(size("ssc-2.0-health-relief", "DF05", "EF05"), Some(502));
    let order: Vec<String> = profile("ssc-2.0-health-relief").df.iter().map(|df| df.id.clone()).collect();
    assert_eq!(order, ["SSSE", "DF01", "DF02", "DF03", "DF04", "DF05", "DF06", "DF07"]);
    let hebei = profile("ssc-1.0-hebei");
    assert_eq!(hebei.ef("DF02", "EF05").expect("EF05").elements[1].tag, Some(0x40));
    assert_eq!(hebei.ef("DF03", "EF12").expect("EF12").read, Access::Never);
}
