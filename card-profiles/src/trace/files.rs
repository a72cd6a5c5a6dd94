//! What stands in the bytes of files: records, fields, file control information.
//!
//! Source: rows of the profile; ISO/IEC 7816-4 5.2 for BER-TLV; PBOC tags of an FCI.
//! Owns: finding items in what a command wrote or an answer brought. Never: panics or loops on any bytes.
#![warn(clippy::indexing_slicing)]

use card_core::tlv;

use super::part::{Guard, Label, Part, Parts, Side};
use crate::format::FormatKind;
use crate::place::Place;
use crate::profile::{CardKind, Df, Ef, EfKind, Element, Profile};

/// Nesting of BER-TLV that is looked into.
const DEPTH_MAX: usize = 5;

/// Items of a user card that say nothing of its holder.
const OPEN_ITEMS: [&str; 11] = [
    "card_class",
    "spec_version",
    "initializing_institution",
    "sequence",
    "transaction_type",
    "terminal",
    "application_type",
    "application_version",
    "card_type",
    "id_type",
    "purchase_key_index",
];

/// Which records a READ RECORD asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    Tag(u8),
    Number(u8),
    AllFrom(u8),
}

/// A file, where the profile has it.
#[derive(Clone, Copy)]
pub(super) struct File<'a> {
    pub(super) profile: &'a Profile,
    pub(super) df: &'a Df,
    pub(super) ef: &'a Ef,
}

impl File<'_> {
    fn place(&self) -> Place {
        Place::file(&self.df.id, &self.ef.id)
    }

    fn guard(&self, element: &Element) -> Guard {
        match &*element.id {
            _ if self.profile.kind == CardKind::Psam => Guard::Open,
            "card_identifier" if element.format.length == 16 => Guard::Identifier,
            id if OPEN_ITEMS.contains(&id) => Guard::Open,
            _ => Guard::Personal,
        }
    }
}

/// Records as a record command carries them.
pub(super) fn records(
    side: Side,
    bytes: &[u8],
    range: std::ops::Range<usize>,
    file: Option<File<'_>>,
    asked: Asked,
) -> Vec<Part> {
    let mut parts = Parts::new(side, bytes, range);
    match file {
        Some(file) if file.ef.kind == EfKind::TlvRecords => tagged(&mut parts, file, asked),
        Some(file) if file.ef.kind == EfKind::Cyclic => cyclic(&mut parts, file, asked),
        _ => tagged_of_unknown(&mut parts),
    }
    parts.finish()
}

fn tagged(parts: &mut Parts<'_>, file: File<'_>, asked: Asked) {
    let mut index = match asked {
        Asked::Number(number) | Asked::AllFrom(number) => usize::from(number).checked_sub(1),
        Asked::Tag(_) => None,
    };
    while let Some(Ok(item)) = tlv::items(parts.rest()).next() {
        let by_number = index.and_then(|index| file.ef.elements.get(index)).filter(|row| row.tag == Some(item.tag));
        let row = by_number.or_else(|| file.ef.elements.iter().find(|row| row.tag == Some(item.tag)));
        parts.structure(2);
        match row {
            Some(row) => element(parts, file, &file.place(), row, item.value.len()),
            None => unknown_item(parts, item.tag, item.value.len()),
        }
        index = index.map(|index| index + 1);
    }
}

/// An item of `length` bytes that stands next.
fn element(parts: &mut Parts<'_>, file: File<'_>, parent: &Place, row: &Element, length: usize) {
    let place = if parent.item_id().is_some() { parent.clone().inner(&row.id) } else { parent.clone().item(&row.id) };
    if row.format.kind == FormatKind::BTlv && !row.inner.is_empty() {
        let before = parts.rest().len();
        let left = |parts: &Parts<'_>| (length + parts.rest().len()).saturating_sub(before);
        while let Some(Ok(item)) = tlv::items(parts.rest().get(..left(parts)).unwrap_or_default()).next() {
            parts.structure(2);
            match row.inner.iter().find(|inner| inner.tag == Some(item.tag)) {
                Some(inner) => element(parts, file, &place, inner, item.value.len()),
                None => unknown_item(parts, item.tag, item.value.len()),
            }
        }
        let rest = left(parts);
        parts.take(rest, Label::new("含义未知的数据", "data of unknown meaning"), FormatKind::B, Guard::Unknown);
        return;
    }
    let zh = row.name.clone().unwrap_or_else(|| place.to_string());
    let label = Label::of(zh, place.to_string());
    if let Some(part) = parts.take(length, label, row.format.kind, file.guard(row)) {
        part.length = Some(row.format.length);
        part.place = Some(place);
        part.tag = row.tag;
    }
}

fn unknown_item(parts: &mut Parts<'_>, tag: u8, length: usize) {
    let label = Label::of(format!("未知数据项 {tag:02X}"), format!("unknown item {tag:02X}"));
    if let Some(part) = parts.take(length, label, FormatKind::B, Guard::Unknown) {
        part.tag = Some(tag);
    }
}

fn cyclic(parts: &mut Parts<'_>, file: File<'_>, asked: Asked) {
    let mut number = match asked {
        Asked::Number(number) | Asked::AllFrom(number) => number.max(1),
        Asked::Tag(_) => 1,
    };
    while !parts.rest().is_empty() && !file.ef.elements.is_empty() {
        let parent = file.place().record(number);
        for row in &file.ef.elements {
            let length = usize::from(row.format.length).min(parts.rest().len());
            element(parts, file, &parent, row, length);
        }
        number = number.saturating_add(1);
    }
}

/// Records of a file that no profile has: tag, length and value where the bytes are that from end to end, else BER-TLV.
fn tagged_of_unknown(parts: &mut Parts<'_>) {
    if parts.rest().first().is_some_and(|tag| matches!(tag, 0x61 | 0x6F | 0x70 | 0x77)) && is_ber(parts.rest()) {
        let length = parts.rest().len();
        return ber(parts, length, 0);
    }
    if !parts.rest().is_empty() && tlv::items(parts.rest()).all(|item| item.is_ok()) {
        while let Some(Ok(item)) = tlv::items(parts.rest()).next() {
            parts.structure(2);
            unknown_item(parts, item.tag, item.value.len());
        }
    }
}

/// Bytes of a transparent file from `offset` on.
pub(super) fn binary(
    side: Side,
    bytes: &[u8],
    range: std::ops::Range<usize>,
    file: Option<File<'_>>,
    offset: usize,
) -> Vec<Part> {
    let mut parts = Parts::new(side, bytes, range);
    let Some(file) = file.filter(|file| file.ef.kind == EfKind::Transparent) else { return parts.finish() };
    if file.ef.elements.is_empty() {
        let guard = if file.profile.kind == CardKind::Psam { Guard::Open } else { Guard::Personal };
        let label = Label::of(file.ef.name.clone(), file.place().to_string());
        let length = parts.rest().len();
        if let Some(part) = parts.take(length, label, FormatKind::B, guard) {
            part.place = Some(file.place());
        }
        return parts.finish();
    }
    let mut start = 0;
    for row in &file.ef.elements {
        let end = start + usize::from(row.format.length);
        match offset.checked_sub(start) {
            Some(0) | None => element(&mut parts, file, &file.place(), row, usize::from(row.format.length)),
            // The read begins inside this field.
            Some(_) if offset < end => {
                let label = Label::of(file.ef.name.clone(), file.place().item(&row.id).to_string());
                parts.take(end - offset, label, FormatKind::B, Guard::Unknown);
            }
            Some(_) => {}
        }
        start = end;
    }
    parts.finish()
}

/// An answer to SELECT.
pub(super) fn fci(side: Side, bytes: &[u8], range: std::ops::Range<usize>) -> Vec<Part> {
    let mut parts = Parts::new(side, bytes, range);
    if is_ber(parts.rest()) {
        let length = parts.rest().len();
        ber(&mut parts, length, 0);
    }
    parts.finish()
}

/// Tag and length of the BER-TLV at the start: bytes of the tag, tag, bytes of the length, length.
fn head(bytes: &[u8]) -> Option<(usize, u32, usize, usize)> {
    let first = *bytes.first()?;
    let (tag_bytes, tag) =
        if first & 0x1F == 0x1F { (2, u32::from(first) << 8 | u32::from(*bytes.get(1)?)) } else { (1, first.into()) };
    let (length_bytes, length) = match *bytes.get(tag_bytes)? {
        length @ 0..=0x7F => (1, usize::from(length)),
        0x81 => (2, usize::from(*bytes.get(tag_bytes + 1)?)),
        _ => return None,
    };
    (bytes.len() >= tag_bytes + length_bytes + length).then_some((tag_bytes, tag, length_bytes, length))
}

fn is_ber(mut bytes: &[u8]) -> bool {
    while let Some((tag_bytes, _, length_bytes, length)) = head(bytes) {
        bytes = bytes.get(tag_bytes + length_bytes + length..).unwrap_or_default();
        if bytes.is_empty() {
            return true;
        }
    }
    false
}

/// The BER-TLVs of a constructed value.
fn ber(parts: &mut Parts<'_>, length: usize, depth: usize) {
    let outside = parts.rest().len().saturating_sub(length);
    while parts.rest().len() > outside {
        let Some((tag_bytes, tag, length_bytes, inner)) = head(parts.rest()) else { break };
        parts.structure(tag_bytes + length_bytes);
        let value = parts.rest().get(..inner).unwrap_or_default();
        let opens =
            matches!(tag, 0x61 | 0x6F | 0x70 | 0x77 | 0xA5 | 0xBF0C) || (tag == 0x9F0C && value.first() == Some(&0x86));
        if opens && is_ber(value) && depth < DEPTH_MAX {
            ber(parts, inner, depth + 1);
            continue;
        }
        let (zh, en, kind, guard) = tag_of(tag);
        let label = match zh {
            "" => Label::of(format!("标签 {tag:02X}"), format!("tag {tag:02X}")),
            _ => Label::new(zh, en),
        };
        parts.take(inner, label, kind, guard);
    }
}

const fn tag_of(tag: u32) -> (&'static str, &'static str, FormatKind, Guard) {
    match tag {
        0x84 => ("DF 名称", "DF name", FormatKind::B, Guard::Open),
        0x4F => ("应用标识符", "AID", FormatKind::B, Guard::Open),
        0x88 => ("短文件标识符", "SFI", FormatKind::B, Guard::Open),
        0x86 => ("算法标识", "algorithm", FormatKind::B, Guard::Open),
        0x50 => ("应用标签", "application label", FormatKind::An, Guard::Open),
        0x87 => ("应用优先级", "application priority", FormatKind::B, Guard::Open),
        0x5A => ("账号", "account number", FormatKind::Cn, Guard::Personal),
        0x57 => ("二磁道数据", "track 2 data", FormatKind::Cn, Guard::Personal),
        _ => ("", "", FormatKind::B, Guard::Personal),
    }
}
