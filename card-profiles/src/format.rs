//! Value formats (数据格式) as the standard prints them: `cn(4)`, `an(30)`, `b(16)`.
//!
//! Source: LD/T 32.6 notation as published.
//! Owns: the notation. Never: encodes a value (`codec`).

use std::fmt;

use serde::de::{self, Deserialize, Deserializer};

/// A format and its length on the card in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Format {
    /// How bytes are read.
    pub kind: FormatKind,
    /// Bytes on the card, 1 to 255 in a record.
    pub length: u8,
}

/// How the bytes of a value are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FormatKind {
    /// `b`: raw bytes, shown as hex.
    B,
    /// `cn`: BCD digits, left aligned, padded with F.
    Cn,
    /// `an`: ASCII or GBK text, left aligned, padded with 00.
    An,
    /// `cn-amt`: fen as decimal digits, leading 0 when odd, padded with F.
    CnAmount,
    /// `b-amt`: fen, big-endian.
    BAmount,
    /// `b-seq`: sequence number, big-endian.
    BSequence,
    /// `b-tlv`: inner items of the same record TLV.
    BTlv,
}

const NAMES: [(FormatKind, &str); 7] = [
    (FormatKind::B, "b"),
    (FormatKind::Cn, "cn"),
    (FormatKind::An, "an"),
    (FormatKind::CnAmount, "cn-amt"),
    (FormatKind::BAmount, "b-amt"),
    (FormatKind::BSequence, "b-seq"),
    (FormatKind::BTlv, "b-tlv"),
];

impl Format {
    /// Reads `an(30)`.
    ///
    /// # Errors
    /// A sentence that says what was expected.
    pub fn parse(text: &str) -> Result<Self, String> {
        let expected = || {
            format!(
                "{text:?} is no format: write b(n), cn(n), an(n), cn-amt(n), b-amt(n), b-seq(n) or b-tlv(n), n from 1 to 255"
            )
        };
        let (name, rest) = text.split_once('(').ok_or_else(expected)?;
        let (kind, _) = NAMES.into_iter().find(|(_, known)| *known == name).ok_or_else(expected)?;
        let length: u8 =
            rest.strip_suffix(')').and_then(|digits| digits.parse().ok()).filter(|n| *n > 0).ok_or_else(expected)?;
        Ok(Self { kind, length })
    }
}

impl fmt::Display for FormatKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (_, name) = NAMES.into_iter().find(|(kind, _)| kind == self).expect("every kind has a name");
        f.write_str(name)
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}({})", self.kind, self.length)
    }
}

impl<'de> Deserialize<'de> for Format {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_format_reads_back_as_printed() {
        for (kind, _) in NAMES {
            for length in 1..=255 {
                let format = Format { kind, length };
                assert_eq!(Format::parse(&format.to_string()), Ok(format));
            }
        }
        for text in ["", "an", "an()", "an(0)", "an(256)", "xx(3)", "an(3", "an(-1)"] {
            assert!(Format::parse(text).is_err(), "{text:?}");
        }
    }
}
