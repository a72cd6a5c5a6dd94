//! A profile as the plain table of files and items in which layouts are exchanged between programs.
//!
//! Source: the published layout tables as JSON; this is their shape, key for key and in their order.
//! Owns: the shape. Never: is read back; the profile text is where a layout is edited.
//! Units: sizes and lengths in bytes.

use serde::Serialize;

use crate::format::{Format, FormatKind};
use crate::profile::{Ef, EfKind, Element, Profile};

/// One file of a layout.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LayoutFile {
    df: String,
    fid: String,
    sfi: String,
    name: String,
    kind: &'static str,
    size: u16,
    records: u8,
    read: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    read_v3: Option<String>,
    update: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    confidence: Option<String>,
    items: Vec<LayoutItem>,
}

/// One item of a file. Fields of cyclic files have neither record nor tag.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LayoutItem {
    rec: Option<u8>,
    tag: Option<String>,
    name: Option<String>,
    format: String,
    length: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    confidence: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    inner: Vec<LayoutInner>,
}

/// One inner item of a composite.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LayoutInner {
    tag: Option<String>,
    name: Option<String>,
    format: String,
    length: u8,
}

/// All files of a profile in their order.
///
/// The layout of the second and third generation is one: `read` is the condition on a card of the second, `read_v3` that on a
/// card of the third where it differs, whichever of the two the profile is.
#[must_use]
pub fn layout(profile: &Profile) -> Vec<LayoutFile> {
    profile.df.iter().flat_map(|df| df.ef.iter().map(|ef| file(&df.id, ef))).collect()
}

fn file(df: &str, ef: &Ef) -> LayoutFile {
    let (read, read_v3) = match (&ef.read_v2, &ef.read_v3) {
        (Some(second), _) => (second, Some(&ef.read)),
        (None, third) => (&ef.read, third.as_ref()),
    };
    LayoutFile {
        df: df.to_owned(),
        fid: format!("{:04X}", ef.fid),
        sfi: format!("{:02X}", ef.sfi()),
        name: ef.name.clone(),
        kind: match ef.kind {
            EfKind::TlvRecords => "tlv_records",
            EfKind::Cyclic => "cyclic",
            EfKind::Transparent => "transparent",
        },
        size: ef.size_listed.unwrap_or(ef.size),
        records: ef.records,
        read: read.to_string(),
        read_v3: read_v3.map(ToString::to_string),
        update: ef.update.to_string(),
        confidence: ef.confidence.clone(),
        items: (1..).zip(&ef.elements).map(|(number, row)| item(number, ef.kind, row)).collect(),
    }
}

fn item(number: u8, kind: EfKind, row: &Element) -> LayoutItem {
    LayoutItem {
        rec: (kind == EfKind::TlvRecords).then_some(number),
        tag: tag(row),
        name: row.name.clone(),
        format: format_name(row),
        length: listed(row).length,
        confidence: row.confidence.clone(),
        inner: row
            .inner
            .iter()
            .map(|row| LayoutInner {
                tag: tag(row),
                name: row.name.clone(),
                format: format_name(row),
                length: listed(row).length,
            })
            .collect(),
    }
}

fn tag(row: &Element) -> Option<String> {
    row.tag.map(|tag| format!("{tag:02X}"))
}

/// The format of the published table.
fn listed(row: &Element) -> Format {
    row.format_listed.unwrap_or(row.format)
}

fn format_name(row: &Element) -> String {
    match listed(row).kind {
        FormatKind::B => "hex".to_owned(),
        kind => kind.to_string(),
    }
}
