//! Where header, data, MAC and Le of a command stand.
//!
//! Source: ISO/IEC 7816-3 for the four cases, short and extended. Owns: what may be shown as a header.
#![warn(clippy::indexing_slicing)]

use std::ops::Range;

use crate::trace::fields;
use crate::trace::files::Asked;
use crate::trace::kind::Kind;
use crate::trace::part::{Part, Parts, Side};

/// Where data and Le of a command stand.
pub(super) struct Shape {
    pub(super) header: [u8; 4],
    pub(super) data: Range<usize>,
    pub(super) whole: bool,
}

impl Shape {
    pub(super) fn of(command: &[u8]) -> Self {
        let header = command.first_chunk::<4>().copied().unwrap_or_default();
        let length = command.len();
        let (data, whole) = match command {
            [_, _, _, _] | [_, _, _, _, _] => (length..length, true),
            [_, _, _, _, 0, high, low, ..] if length > 7 => {
                let data = usize::from(*high) << 8 | usize::from(*low);
                (7..length.min(7 + data), (7 + data..=9 + data).contains(&length))
            }
            [_, _, _, _, lc, ..] => {
                let end = 5 + usize::from(*lc);
                (5..length.min(end), (end..=end + 1).contains(&length))
            }
            _ => (0..length, false),
        };
        Self { header, data, whole }
    }

    /// Bytes of the command before its data that may be shown: none when they need not be a header at all.
    pub(super) fn open(&self, command: &[u8], kind: Kind) -> usize {
        let is_header = match kind {
            Kind::Unknown => self.whole && is_class(self.header[0]) && !matches!(self.header[1] >> 4, 0x6 | 0x9),
            _ => command.len() >= 4,
        };
        if is_header { self.data.start.min(command.len()) } else { 0 }
    }
}

/// Classes of deployed commands and of readers' own; other first bytes are as likely those of a PIN.
const fn is_class(cla: u8) -> bool {
    matches!(cla, 0x00 | 0x04 | 0x0C | 0x80 | 0x84 | 0x8C | 0x90 | 0xA0 | 0xB0 | 0xB4 | 0xBF | 0xFF)
}

pub(super) fn asked(kind: Kind, [_, _, p1, p2]: [u8; 4]) -> Asked {
    match (kind, p2 & 0x07) {
        (Kind::AppendRecord, _) => Asked::Number(1),
        (_, 4) => Asked::Number(p1),
        (_, 5) => Asked::AllFrom(p1),
        (_, 0) => Asked::Tag(p1),
        _ => Asked::Number(1),
    }
}

/// With secure messaging the last four bytes of the data are a MAC.
pub(super) fn without_mac([cla, ..]: [u8; 4], data: &Range<usize>) -> (Range<usize>, Range<usize>) {
    let end = if cla & 0x04 == 0 { data.end } else { data.end.saturating_sub(4).max(data.start) };
    (data.start..end, end..data.end)
}

pub(super) fn mac_part(command: &[u8], range: Range<usize>) -> Vec<Part> {
    let mut parts = Parts::new(Side::Command, command, range);
    parts.fields(if parts.rest().is_empty() { &[] } else { fields::ONLY_MAC });
    parts.finish()
}
