//! The parts of a command and of an answer: where they stand, what they are, who may see them.
//!
//! Owns: [`Part`], its guard and its typed value. Never: decides where a part stands (`files`, `fields`).
//! Units: ranges are bytes of the whole command or answer, header and status word included.
#![warn(clippy::indexing_slicing)]

use std::borrow::Cow;
use std::ops::Range;

use crate::codec::{self, Fault, Value};
use crate::format::{Format, FormatKind};
use crate::place::Place;

/// The same words in both languages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// 中文.
    pub zh: Cow<'static, str>,
    /// English.
    pub en: Cow<'static, str>,
}

impl Label {
    /// Fixed words.
    #[must_use]
    pub const fn new(zh: &'static str, en: &'static str) -> Self {
        Self { zh: Cow::Borrowed(zh), en: Cow::Borrowed(en) }
    }

    /// Words made at run time.
    #[must_use]
    pub const fn of(zh: String, en: String) -> Self {
        Self { zh: Cow::Owned(zh), en: Cow::Owned(en) }
    }
}

/// Whose bytes a part's are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The command's.
    Command,
    /// The answer's.
    Answer,
}

/// Who may see a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guard {
    /// Anyone: structure, what all cards have, what says nothing of a person.
    Open,
    /// Whoever may see the card's data. Replaced in a trace.
    Personal,
    /// 卡的识别码: city and RID are open, serial and check value are the card's. Replaced in a trace as far as they are.
    Identifier,
    /// 卡分散因子: the maker is open, the serial is the card's.
    CardFactor,
    /// Challenges, cryptograms, MACs: useful together with keys only. Replaced in a trace.
    Cryptographic,
    /// PINs and keys, plain or enciphered, and whatever in a command is not known to be harmless: never shown. Replaced in a trace.
    Secret,
    /// Bytes of a file whose meaning is not known. Replaced in a trace.
    Unknown,
}

/// A run of bytes with one meaning.
#[derive(Clone, PartialEq, Eq)]
pub struct Part {
    /// Whose bytes.
    pub side: Side,
    /// Which.
    pub range: Range<usize>,
    /// What they are called.
    pub label: Label,
    /// How they are read.
    pub kind: FormatKind,
    /// Bytes that the profile gives it, when that is fixed.
    pub length: Option<u8>,
    /// Where it stands on the card.
    pub place: Option<Place>,
    /// Record identifier before it.
    pub tag: Option<u8>,
    /// Who may see it.
    pub guard: Guard,
}

/// What a part holds is not in `Debug`.
impl std::fmt::Debug for Part {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}{:?} {} ({:?})", self.side, self.range, self.label.en, self.guard)
    }
}

impl Part {
    /// The typed value and how it deviates from its format; `None` for a secret, or when `bytes` are not those of the part.
    #[must_use]
    pub fn value(&self, bytes: &[u8]) -> Option<(Value, Vec<Fault>)> {
        if self.guard == Guard::Secret {
            return None;
        }
        let bytes = bytes.get(self.range.clone())?;
        match self.length.or_else(|| u8::try_from(bytes.len()).ok()).filter(|length| *length > 0) {
            Some(length) if self.kind != FormatKind::B => {
                Some(codec::decode(Format { kind: self.kind, length }, bytes))
            }
            _ => Some((Value::bytes(bytes), Vec::new())),
        }
    }
}

/// A field of fixed length in a command or answer; length 0 is the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Field {
    pub(super) length: usize,
    pub(super) zh: &'static str,
    pub(super) en: &'static str,
    pub(super) kind: FormatKind,
    pub(super) guard: Guard,
}

/// Parts of one side, collected from left to right; what is passed over becomes an unknown part.
pub(super) struct Parts<'a> {
    side: Side,
    bytes: &'a [u8],
    at: usize,
    end: usize,
    found: Vec<Part>,
}

impl<'a> Parts<'a> {
    /// Over `range` of the bytes of a command or answer.
    pub(super) fn new(side: Side, bytes: &'a [u8], range: Range<usize>) -> Self {
        let end = range.end.min(bytes.len());
        Self { side, bytes, at: range.start.min(end), end, found: Vec::new() }
    }

    /// What is not yet taken.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..self.end).unwrap_or_default()
    }

    /// The next `length` bytes, or what is left, as one part; nothing when nothing is left.
    ///
    /// What is not known of a command may be a PIN or a key, whatever its header says: it is a secret.
    pub(super) fn take(&mut self, length: usize, label: Label, kind: FormatKind, guard: Guard) -> Option<&mut Part> {
        let range = self.at..self.end.min(self.at.saturating_add(length));
        if range.is_empty() {
            return None;
        }
        self.at = range.end;
        let guard = if guard == Guard::Unknown && self.side == Side::Command { Guard::Secret } else { guard };
        let part = Part { side: self.side, range, label, kind, length: None, place: None, tag: None, guard };
        self.found.push(part);
        self.found.last_mut()
    }

    /// Fixed fields; a field that is not there whole is unknown.
    pub(super) fn fields(&mut self, fields: &[Field]) {
        for field in fields {
            let length = if field.length == 0 { self.rest().len() } else { field.length };
            let whole = self.rest().len() >= length;
            let guard = if whole { field.guard } else { Guard::Unknown };
            self.take(length, Label::new(field.zh, field.en), field.kind, guard);
        }
    }

    /// Structure: tag and length bytes and the like, kept and not shown.
    pub(super) fn structure(&mut self, length: usize) {
        self.take(length, Label::new("", ""), FormatKind::B, Guard::Open);
    }

    /// Everything that is left is unknown.
    pub(super) fn finish(self) -> Vec<Part> {
        self.finish_as(Guard::Unknown)
    }

    /// Everything that is left is never shown.
    pub(super) fn hide(self) -> Vec<Part> {
        self.finish_as(Guard::Secret)
    }

    fn finish_as(mut self, guard: Guard) -> Vec<Part> {
        let left = self.rest().len();
        self.take(left, Label::new("含义未知的数据", "data of unknown meaning"), FormatKind::B, guard);
        self.found
    }
}
