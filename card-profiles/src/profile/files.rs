//! Directories, data files and their items.
//!
//! Source: LD/T 32.6 and LB 002, row by row. Owns: the rows, and what follows from one of them alone.
//! Units: sizes and lengths in bytes.

use std::sync::Arc;

use card_core::security::KeyName;
use serde::Deserialize;

use super::words::{hex_bytes, hex_u16, id, key_name, shared};
use crate::access::Access;
use crate::format::{Format, FormatKind};
use crate::place::Place;

/// A directory (DF, 目录).
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Df {
    /// `SSSE`, `DF01`, for a PSAM `MF`.
    #[serde(deserialize_with = "id")]
    #[cfg_attr(test, schemars(with = "String", extend("pattern" = "^[A-Za-z0-9_]+$")))]
    pub id: String,
    /// Name in Chinese.
    pub name: String,
    /// File identifier.
    #[serde(deserialize_with = "hex_u16")]
    #[cfg_attr(test, schemars(with = "String", extend("pattern" = "^[0-9A-Fa-f]{4}$")))]
    pub fid: u16,
    /// DF name or AID by which SELECT P1=04 finds it.
    #[serde(default, deserialize_with = "hex_bytes")]
    #[cfg_attr(test, schemars(with = "String"))]
    pub df_name: Vec<u8>,
    /// `88` of the FCI.
    #[serde(default)]
    pub fci_sfi: Option<u8>,
    /// Key that protects key loads in this DF (主控密钥); delivered as transport key.
    #[serde(deserialize_with = "key_name")]
    #[cfg_attr(test, schemars(with = "String"))]
    pub control_key: KeyName,
    /// Data files.
    #[serde(default)]
    pub ef: Vec<Ef>,
    /// What is assumed about this row.
    #[serde(default)]
    pub assumed: Option<String>,
}

/// A data file (EF).
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Ef {
    /// `EF05`.
    #[serde(deserialize_with = "id")]
    #[cfg_attr(test, schemars(with = "String", extend("pattern" = "^[A-Za-z0-9_]+$")))]
    pub id: String,
    /// Name in Chinese.
    pub name: String,
    /// File identifier.
    #[serde(deserialize_with = "hex_u16")]
    #[cfg_attr(test, schemars(with = "String", extend("pattern" = "^[0-9A-Fa-f]{4}$")))]
    pub fid: u16,
    /// Structure.
    pub kind: EfKind,
    /// Bytes; the linter compares with the sum of the elements.
    pub size: u16,
    /// Bytes as the published table lists them, where that is not the sum of its own items.
    #[serde(default)]
    pub size_listed: Option<u16>,
    /// Records of a cyclic file; 1 for a transparent one; number of elements for TLV records.
    pub records: u8,
    /// Read condition.
    pub read: Access,
    /// Update condition.
    pub update: Access,
    /// Read condition of the same file on a card of the second generation, where that differs; for documents and the layout.
    #[serde(default)]
    pub read_v2: Option<Access>,
    /// The same for the third generation.
    #[serde(default)]
    pub read_v3: Option<Access>,
    /// Items: one a record in a TLV file; fields of one record in a cyclic file; fields from offset 0 in a transparent
    /// file, none when it is one picture or template.
    #[serde(default)]
    pub elements: Vec<Element>,
    /// `M` or `L` where the sources are weaker.
    #[serde(default)]
    pub confidence: Option<String>,
    /// What is assumed about this row.
    #[serde(default)]
    pub assumed: Option<String>,
}

/// Structure of an EF.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum EfKind {
    /// One Tag-Len-Value item a record.
    TlvRecords,
    /// Records of fixed fields, newest first.
    Cyclic,
    /// Bytes.
    Transparent,
}

/// A data element (数据项).
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Element {
    /// Record identifier; absent in cyclic files.
    #[serde(default)]
    pub tag: Option<u8>,
    /// English identifier, unique in its file: `card_number`; `tag_8c` where the name is unknown. Shared with the places of
    /// its values.
    #[serde(deserialize_with = "shared")]
    #[cfg_attr(test, schemars(with = "String", extend("pattern" = "^[A-Za-z0-9_]+$")))]
    pub id: Arc<str>,
    /// Name in Chinese, where known.
    #[serde(default)]
    pub name: Option<String>,
    /// Format and length.
    pub format: Format,
    /// Format as the published table lists it, where cards hold something else.
    #[serde(default)]
    pub format_listed: Option<Format>,
    /// Text that every card of this type gets here where no other value is given.
    #[serde(default)]
    pub value: Option<String>,
    /// Name of the composite whose items a `b-tlv` value has.
    #[serde(default)]
    pub composite: Option<String>,
    /// Items of a `b-tlv` value, filled in from its composite when the text is read.
    #[serde(skip)]
    pub inner: Vec<Element>,
    /// Where its value stands, in a cyclic file that of every record: filled in when the text is read, by [`Df::name_places`].
    #[serde(skip)]
    pub place: Place,
    /// `M` or `L` where the sources are weaker.
    #[serde(default)]
    pub confidence: Option<String>,
    /// What is assumed about this row.
    #[serde(default)]
    pub assumed: Option<String>,
}

impl Df {
    /// Gives every item its place, by the ids of directory, file and item. Whoever changes one of them does so again.
    pub fn name_places(&mut self) {
        for ef in &mut self.ef {
            let file = Place::file(&self.id, &ef.id);
            for row in &mut ef.elements {
                row.place = file.item_of(&row.id);
                row.inner.iter_mut().for_each(|inner| inner.place = row.place.inner_of(&inner.id));
            }
        }
    }
}

impl Element {
    /// Whether it holds a day, YYYYMMDD: `cn` of four bytes does wherever its name is known.
    #[must_use]
    pub const fn is_date(&self) -> bool {
        matches!(self.format, Format { kind: FormatKind::Cn, length: 4 }) && self.name.is_some()
    }
}

impl Ef {
    /// Short file identifier: the low five bits of the FID.
    #[must_use]
    pub const fn sfi(&self) -> u8 {
        self.fid.to_be_bytes()[1] & 0x1F
    }

    /// Bytes of one cyclic record.
    #[must_use]
    pub fn record_length(&self) -> usize {
        self.elements.iter().map(|element| usize::from(element.format.length)).sum()
    }
}
