//! What the standards allow in the words that the whole card is known by.
//!
//! Source: ISO/IEC 7816-3 8.2 (bytes of the ATR); ISO/IEC 7816-4 (a DF name has up to 16 bytes, an AID at least 5); LB 002, LD/T 32
//! (three generations).
//! Owns: ATR prefix, version of the specification, lengths of DF names. Never: what two rows must agree on (`lint`).

use super::{Findings, Problem, Term, terms};
use crate::profile::{CardKind, Profile};

/// Lengths of a DF name.
const DF_NAME: [usize; 12] = [5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16];

/// First bytes of an ATR: direct and inverse convention.
const CONVENTIONS: [usize; 2] = [0x3B, 0x3F];

pub(super) fn lint_limits(profile: &Profile, findings: &mut Findings) {
    lint_atr(&profile.atr.prefix, findings);
    // The profiles of PSAMs and purses count their own versions.
    let is_social = profile.kind == CardKind::User && profile.account.is_some();
    let generation = profile.version.split('.').next().unwrap_or_default();
    if is_social && !["1", "2", "3"].contains(&generation) {
        findings.add("version", Problem::VersionUnknown(profile.version.clone()));
    }
    for df in profile.df.iter().filter(|df| !df.df_name.is_empty()) {
        findings.range(&df.id, terms::THE_NAME_BYTES, df.df_name.len(), &DF_NAME, Term::new("5 到 16", "5 to 16"));
    }
}

/// The prefix holds TS, T0 and every interface byte that they announce, and nothing more.
fn lint_atr(prefix: &[u8], findings: &mut Findings) {
    let Some((first, rest)) = prefix.split_first() else {
        return findings.add(
            "atr",
            Problem::OutOfRange { what: terms::PREFIX_BYTES, value: 0, expected: Term::new("TS 和 T0", "TS and T0") },
        );
    };
    findings.range(
        "atr",
        terms::FIRST_PREFIX_BYTE,
        usize::from(*first),
        &CONVENTIONS,
        Term::new("3B（59）或 3F（63）", "3B (59) or 3F (63)"),
    );
    findings.sum("atr", terms::PREFIX_BYTES, prefix.len(), 1 + announced(rest));
}

/// T0 and the interface bytes: each Y nibble announces TA, TB, TC and TD, and a TD is the next Y.
fn announced(bytes: &[u8]) -> usize {
    let mut count = 1;
    let mut at = 0;
    // Ends: every turn moves on, and a turn without a byte is the last.
    while let Some(indicator) = bytes.get(at) {
        let interface = usize::try_from((indicator >> 4).count_ones()).unwrap_or(0);
        count += interface;
        if indicator & 0x80 == 0 {
            break;
        }
        at += interface;
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builtin::builtin_text;
    use crate::lint::lint;
    use crate::lint::tests::each_is_found;

    /// What changes in the built-in text, and a word of the finding that it must bring.
    const CHANGES: [(&str, &str, &str); 8] = [
        ("prefix = \"3B6D0000\"", "prefix = \"3B6D00\"", "atr: bytes of the prefix is stated as 3, the rows give 4"),
        ("prefix = \"3B6D0000\"", "prefix = \"3B6D\"", "atr: bytes of the prefix is stated as 2, the rows give 4"),
        ("prefix = \"3B6D0000\"", "prefix = \"3B6D000000\"", "atr: bytes of the prefix is stated as 5"),
        ("prefix = \"3B6D0000\"", "prefix = \"3C6D0000\"", "atr: first byte of the prefix is 60"),
        ("prefix = \"3B6D0000\"", "prefix = \"\"", "atr: bytes of the prefix is 0"),
        ("version = \"3.00\"", "version = \"9\"", "version: \"9\" is no generation"),
        ("version = \"3.00\"", "version = \"30.0\"", "version: \"30.0\" is no generation"),
        ("version = \"3.00\"", "version = \"\"", "version: \"\" is no generation"),
    ];

    #[test]
    fn what_the_standards_do_not_allow_is_found() {
        each_is_found("ssc-3.0", &CHANGES);
    }

    #[test]
    fn a_df_name_has_5_to_16_bytes() {
        let profile = Profile::parse(builtin_text("ssc-3.0").expect("built in")).expect("profile");
        for length in 1..=32 {
            let mut changed = profile.clone();
            changed.df.first_mut().expect("a directory").df_name = vec![0xA0; length];
            let found = lint(&changed).iter().any(|finding| finding.to_string().contains("bytes of the DF name"));
            assert_eq!(found, !(5..=16).contains(&length), "{length}");
        }
    }

    #[test]
    fn an_announced_td_announces_more() {
        // TD1 with TA2; a chain of TDs; one that is cut off; no interface byte at all.
        for (bytes, count) in [(&[0x8D, 0x10, 0x05][..], 3), (&[0x80, 0x80, 0x01], 3), (&[0xF0], 5), (&[0x0D], 1)] {
            assert_eq!(announced(bytes), count, "{bytes:02X?}");
        }
    }
}
