//! Contradictions among the keys.
//!
//! Owns: names, slots, addresses, tries; whether a key serves the row that names it.

use card_core::algorithm::Algorithm;
use card_core::security::KeyName;

use super::{Findings, Problem, Term, terms};
use crate::profile::{CardKind, KeyClass, KeyRow, Profile};

/// The name of a key, with the version that its row is for.
fn named(key: &KeyRow) -> String {
    key.version.map_or_else(|| key.name.to_string(), |version| format!("{} version {version}", key.name))
}

pub(super) fn lint_keys(profile: &Profile, findings: &mut Findings) {
    findings.duplicates("key", terms::KEY_NAME, profile.key.iter().map(named));
    let slots = profile.key.iter().map(|key| format!("{} usage {:02X} id {:02X}", key.df, key.usage, key.id));
    findings.duplicates("key", terms::KEY_SLOT, slots);
    let external = profile.key.iter().filter(|key| profile.proves(key));
    if profile.kind == CardKind::User {
        findings.duplicates("key", terms::AUTHENTICATION_ID, external.map(|key| format!("{} {:02X}", key.df, key.id)));
    }
    if let Some(levels) = profile.psam.purchase_levels.filter(|levels| *levels > 3) {
        findings.add(
            "psam",
            Problem::OutOfRange {
                what: terms::PURCHASE_LEVELS,
                value: levels.into(),
                expected: Term::new("0 到 3", "0 to 3"),
            },
        );
    }
    for key in &profile.key {
        let place = format!("key {}", named(key));
        if key.version == Some(0) {
            findings.add(
                &place,
                Problem::OutOfRange { what: terms::VERSION, value: 0, expected: Term::new("1 到 255", "1 to 255") },
            );
        }
        if profile.df(&key.df).is_none() {
            findings.add(&place, Problem::PlaceMissing(key.df.clone()));
        }
        let addresses = key.versions.iter().flat_map(|row| &row.hsm).chain(&key.hsm);
        for address in addresses.filter(|text| text.len() != 4 || hex::decode(text).is_err()) {
            findings.add(&place, Problem::HsmAddress(address.clone()));
        }
        for (at, row) in key.versions.iter().enumerate() {
            if key.versions.iter().take(at).any(|before| before.version == row.version) {
                findings.add(&place, Problem::KeyVersionTwice(row.version));
            }
        }
        findings.tries(&place, key.tries);
        if profile.algorithm == Algorithm::Sm4 {
            let expected = Term::new("16：SM4 的密钥", "16: a key of SM4");
            findings.range(&place, terms::KEY_BYTES, key.length.bytes(), &[16], expected);
        }
    }
}

/// A key that the card itself uses in a directory.
pub(super) fn lint_key_of(
    profile: &Profile,
    place: &str,
    df: &str,
    name: &KeyName,
    needed: KeyClass,
    findings: &mut Findings,
) {
    match profile.key(name).filter(|key| key.df == df) {
        None => findings.add(place, Problem::KeyMissing(name.clone())),
        Some(key) if key.class != needed => {
            findings.add(place, Problem::KeyClassWrong { key: name.clone(), found: key.class, needed });
        }
        Some(_) => {}
    }
}
