//! Contradictions among directories, files and items.
//!
//! Source: ISO/IEC 7816-4 for tags and records; the layout tables for sizes. Owns: sums, identifiers, conditions, composites.

use card_core::security::KeyName;

use super::{Findings, Problem, Term, terms};
use crate::access::{Access, Right};
use crate::codec::{self, Value};
use crate::format::FormatKind;
use crate::profile::{Df, Ef, EfKind, Element, KeyClass, KeyRow, Profile};

/// Tags that mark padding, not a record.
const PADDING: [u8; 2] = [0x00, 0xFF];

pub(super) fn lint_df(profile: &Profile, df: &Df, findings: &mut Findings) {
    findings.duplicates(&df.id, terms::FILE_ID, df.ef.iter().map(|ef| ef.id.clone()));
    findings.duplicates(&df.id, terms::FID, df.ef.iter().map(|ef| format!("{:04X}", ef.fid)));
    findings.duplicates(&df.id, terms::SFI, df.ef.iter().map(|ef| format!("{:02X}", ef.sfi())));
    match profile.key(&df.control_key) {
        Some(key) if key.df == df.id && key.class == KeyClass::Mk => {}
        Some(key) if key.df == df.id => {
            let (key, found) = (key.name.clone(), key.class);
            let problem = Problem::KeyClassWrong { key, found, needed: KeyClass::Mk };
            findings.add(format!("{}.control_key", df.id), problem);
        }
        _ => findings.add(&df.id, Problem::KeyMissing(df.control_key.clone())),
    }
    // Both lie below the first directory: SELECT by FID would find one of them.
    let first = profile.df.first().filter(|first| first.id != df.id);
    if first.is_some_and(|first| first.ef.iter().any(|ef| ef.fid == df.fid)) {
        findings.add(&df.id, Problem::Duplicate { what: terms::FID, value: format!("{:04X}", df.fid) });
    }
    for ef in &df.ef {
        lint_ef(profile, df, ef, findings);
    }
}

fn lint_ef(profile: &Profile, df: &Df, ef: &Ef, findings: &mut Findings) {
    let place = format!("{}.{}", df.id, ef.id);
    // ISO/IEC 7816-4: 0 is the current file, 31 is none.
    if !matches!(ef.sfi(), 1..=30) {
        let expected = Term::new("1 到 30", "1 to 30");
        findings.add(&place, Problem::OutOfRange { what: terms::SFI, value: ef.sfi().into(), expected });
    }
    lint_access(profile, df, &place, &ef.read, findings);
    lint_access(profile, df, &place, &ef.update, findings);
    findings.duplicates(&place, terms::ELEMENT_ID, ef.elements.iter().map(|element| element.id.to_string()));
    let values: usize = ef.record_length();
    let stated = usize::from(ef.size);
    match ef.kind {
        EfKind::TlvRecords => {
            findings.sum(&place, terms::RECORDS, ef.records.into(), ef.elements.len());
            findings.records(&place, ef.elements.len());
            findings.sum(&place, terms::SIZE, stated, values + 2 * ef.elements.len());
            // A composite may be there several times; its instances share a tag.
            let single = ef.elements.iter().filter(|element| element.format.kind != FormatKind::BTlv);
            findings.duplicates(&place, terms::TAG, single.filter_map(tag_text));
        }
        EfKind::Cyclic => {
            findings.sum(&place, terms::SIZE, stated, values * usize::from(ef.records));
            findings.record(&place, values);
            findings.records(&place, ef.records.into());
        }
        EfKind::Transparent => {
            findings.sum(&place, terms::RECORDS, ef.records.into(), 1);
            if stated == 0 {
                let expected = Term::new("至少 1", "1 at least");
                findings.add(&place, Problem::OutOfRange { what: terms::SIZE, value: stated, expected });
            }
            if !ef.elements.is_empty() {
                findings.sum(&place, terms::SIZE, stated, values);
            }
        }
    }
    for element in &ef.elements {
        let place = format!("{place}.{}", element.id);
        if element.tag.is_some() != (ef.kind == EfKind::TlvRecords) {
            findings.add(&place, Problem::Tag);
        }
        if ef.kind == EfKind::TlvRecords {
            findings.record(&place, usize::from(element.format.length) + 2);
        }
        if let Some(tag) = element.tag.filter(|tag| PADDING.contains(tag)) {
            let expected = Term::new("01 到 FE：00 和 FF 表示填充", "01 to FE: 00 and FF mark padding");
            findings.add(&place, Problem::OutOfRange { what: terms::TAG, value: tag.into(), expected });
        }
        let version = Some(profile.version.as_str()).filter(|_| &*element.id == "spec_version");
        lint_fixed(&place, element, version.or(element.value.as_deref()), findings);
        for inner in &element.inner {
            lint_fixed(&format!("{place}.{}", inner.id), inner, inner.value.as_deref(), findings);
        }
        lint_composite(&place, element, findings);
    }
}

/// A value that a profile fixes for every card must go onto it.
fn lint_fixed(place: &str, element: &Element, value: Option<&str>, findings: &mut Findings) {
    if let Some(value) = value
        && let Err(error) = codec::encode_item(element, &Value::from(value))
    {
        findings.add(place, Problem::Unencodable { value: value.to_owned(), error });
    }
}

fn lint_composite(place: &str, element: &Element, findings: &mut Findings) {
    let kind_bytes = match element.format.kind {
        FormatKind::BAmount => Some(4),
        FormatKind::BSequence => Some(2),
        FormatKind::BTlv => Some(element.inner.iter().map(|item| usize::from(item.format.length) + 2).sum()),
        FormatKind::B | FormatKind::Cn | FormatKind::An | FormatKind::CnAmount => None,
    };
    if let Some(bytes) = kind_bytes {
        findings.sum(place, terms::LENGTH, element.format.length.into(), bytes);
    }
    findings.duplicates(place, terms::ELEMENT_ID, element.inner.iter().map(|item| item.id.to_string()));
    findings.duplicates(place, terms::TAG, element.inner.iter().filter_map(tag_text));
    if element.inner.iter().any(|item| item.tag.is_none()) {
        findings.add(place, Problem::Tag);
    }
}

fn tag_text(element: &Element) -> Option<String> {
    element.tag.map(|tag| format!("{tag:02X}"))
}

pub(super) fn lint_access(profile: &Profile, df: &Df, place: &str, access: &Access, findings: &mut Findings) {
    if let Access::Mac(name) = access
        && reachable_key(profile, &df.id, name).is_none()
    {
        findings.add(place, Problem::KeyMissing(name.clone()));
    }
    for right in access.rights() {
        match right {
            Right::Pin if profile.pin.is_none() => findings.add(place, Problem::PinMissing),
            Right::Pin => {}
            Right::Key(name) => match reachable_key(profile, &df.id, name) {
                None => findings.add(place, Problem::KeyMissing(name.clone())),
                Some(key) if !profile.proves(key) => {
                    findings.add(place, Problem::KeyCannotAuthenticate(name.clone()));
                }
                Some(_) => {}
            },
        }
    }
}

/// The key, when it is in the directory or in the first one, whose rights last until reset.
fn reachable_key<'a>(profile: &'a Profile, df: &str, name: &KeyName) -> Option<&'a KeyRow> {
    let first = profile.df.first().map(|first| first.id.as_str());
    profile.key(name).filter(|key| key.df == df || Some(key.df.as_str()) == first)
}
