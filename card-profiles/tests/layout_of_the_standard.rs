//! `ssc-3.0` against the facts of the V2 file layout, written down separately.
//!
//! Source: `layout-v2.json`, the file tables that four independent reader programs agree on.

use card_profiles::format::FormatKind;
use card_profiles::profile::EfKind;
use card_profiles::{Ef, Element, builtin};
use serde_json::Value;

fn facts() -> Vec<Value> {
    serde_json::from_str(include_str!("layout-v2.json")).expect("facts")
}

fn text<'a>(row: &'a Value, key: &str) -> &'a str {
    row[key].as_str().unwrap_or_else(|| panic!("{key} of {row}"))
}

fn rows<'a>(row: &'a Value, key: &str) -> &'a [Value] {
    row[key].as_array().map_or(&[], Vec::as_slice)
}

fn kind(ef: &Ef) -> &'static str {
    match ef.kind {
        EfKind::TlvRecords => "tlv_records",
        EfKind::Cyclic => "cyclic",
        EfKind::Transparent => "transparent",
    }
}

fn compare_element(place: &str, element: &Element, fact: &Value) {
    assert_eq!(element.tag.map(|tag| format!("{tag:02X}")).as_deref(), fact["tag"].as_str(), "{place}: tag");
    assert_eq!(element.name.as_deref(), fact["name"].as_str(), "{place}: name");
    assert_eq!(u64::from(element.format.length), fact["length"].as_u64().expect("length"), "{place}: length");
    let format = match element.format.kind {
        FormatKind::B => "hex".to_owned(),
        kind => kind.to_string(),
    };
    assert_eq!(format, text(fact, "format"), "{place}: format");
    assert_eq!(element.confidence.as_deref(), fact["confidence"].as_str(), "{place}: confidence");
    let inner = rows(fact, "inner");
    assert_eq!(element.inner.len(), inner.len(), "{place}: inner items");
    for (element, fact) in element.inner.iter().zip(inner) {
        compare_element(&format!("{place}.{}", element.id), element, fact);
    }
}

#[test]
fn every_file_and_item_is_as_the_tables_say() {
    let profile = builtin("ssc-3.0").expect("built in");
    let facts = facts();
    assert_eq!(profile.df.iter().map(|df| df.ef.len()).sum::<usize>(), facts.len());
    let mut items = 0;
    for fact in &facts {
        let (df, id) = (text(fact, "df"), text(fact, "fid"));
        let place = format!("{df}.{id}");
        let ef = profile.ef(df, id).unwrap_or_else(|| panic!("{place} is missing"));
        assert_eq!(format!("{:04X}", ef.fid), id, "{place}");
        assert_eq!(format!("{:02X}", ef.sfi()), text(fact, "sfi"), "{place}");
        assert_eq!((ef.name.as_str(), kind(ef)), (text(fact, "name"), text(fact, "kind")), "{place}");
        assert_eq!((Some(ef.size.into()), Some(ef.records.into())), (fact["size"].as_u64(), fact["records"].as_u64()));
        let read = fact["read_v3"].as_str().unwrap_or_else(|| text(fact, "read"));
        assert_eq!(
            (ef.read.to_string().as_str(), ef.update.to_string().as_str()),
            (read, text(fact, "update")),
            "{place}"
        );
        assert_eq!(ef.confidence.as_deref(), fact["confidence"].as_str(), "{place}");
        assert_eq!(ef.elements.len(), rows(fact, "items").len(), "{place}");
        for (element, fact) in ef.elements.iter().zip(rows(fact, "items")) {
            compare_element(&format!("{place}.{}", element.id), element, fact);
            items += 1;
        }
    }
    assert!(items > 140, "{items}");
}

/// Keys that the journey proves or loads, as the published key table prints them: user id, PSAM usage, PSAM id, bytes.
#[test]
fn keys_are_where_the_published_table_puts_them() {
    let profile = builtin("ssc-3.0").expect("built in");
    let table = [
        ("IRK", "SSSE", 0x00, 0x67, 0x08, 16),
        ("PUK", "SSSE", 0x06, 0x48, 0x10, 16),
        ("STKSSSE", "SSSE", 0x02, 0x48, 0x09, 8),
        ("RKSSSE", "SSSE", 0x0A, 0x67, 0x0A, 16),
        ("UKSSSE", "SSSE", 0x04, 0x48, 0x12, 16),
        ("UKBDF01", "DF01", 0x8E, 0x47, 0x34, 16),
        ("UK6DF02", "DF02", 0x89, 0x47, 0x36, 16),
        ("UK8DF03", "DF03", 0x8D, 0x47, 0x3B, 16),
        ("RK1DF04", "DF04", 0x84, 0x67, 0x2D, 16),
        ("UK2DF04", "DF04", 0x86, 0x47, 0x2A, 16),
        ("RK3DF07", "DF07", 0x85, 0x67, 0xB1, 16),
    ];
    for (name, df, id, usage, psam_id, length) in table {
        let key = profile.key.iter().find(|key| key.name.as_str() == name).expect(name);
        let psam = key.psam.expect("a PSAM place");
        assert_eq!(
            (key.df.as_str(), key.id, psam.usage, psam.id, key.length.bytes()),
            (df, id, usage, psam_id, length),
            "{name}"
        );
    }
    let control = profile.key.iter().filter(|key| key.name.as_str().starts_with("MK")).count();
    assert_eq!((profile.key.len() - control, control), (59, 6));
}
