//! The encodings that partners read: GB 18030, and GBK where a partner demands it.
//!
//! Source: GB 18030 two- and four-byte codes; code page 936 for what GBK has of the two-byte codes.
//! Owns: encoding and decoding without loss, or naming the character. Never: writes `?`; cuts inside a character.

use encoding_rs::{Encoding, GB18030, GBK};
use serde::{Deserialize, Serialize};

/// An encoding of a partner's files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Charset {
    /// Every character.
    #[default]
    Gb18030,
    /// Code page 936 only.
    Gbk,
}

/// Two-byte codes that GB 18030 has and code page 936 lacks: user-defined rows and later additions. From, to.
const NOT_IN_GBK: [(u16, u16); 41] = [
    (0xA140, 0xA1A0),
    (0xA240, 0xA2A0),
    (0xA2AB, 0xA2B0),
    (0xA2E3, 0xA2E4),
    (0xA2EF, 0xA2F0),
    (0xA2FD, 0xA3A0),
    (0xA440, 0xA4A0),
    (0xA4F4, 0xA5A0),
    (0xA5F7, 0xA6A0),
    (0xA6B9, 0xA6C0),
    (0xA6D9, 0xA6DF),
    (0xA6EC, 0xA6ED),
    (0xA6F3, 0xA6F3),
    (0xA6F6, 0xA7A0),
    (0xA7C2, 0xA7D0),
    (0xA7F2, 0xA7FE),
    (0xA896, 0xA8A0),
    (0xA8BC, 0xA8BC),
    (0xA8BF, 0xA8BF),
    (0xA8C1, 0xA8C4),
    (0xA8EA, 0xA8FE),
    (0xA958, 0xA958),
    (0xA95B, 0xA95B),
    (0xA95D, 0xA95F),
    (0xA989, 0xA995),
    (0xA997, 0xA9A3),
    (0xA9F0, 0xA9FE),
    (0xAAA1, 0xAAFE),
    (0xABA1, 0xABFE),
    (0xACA1, 0xACFE),
    (0xADA1, 0xADFE),
    (0xAEA1, 0xAEFE),
    (0xAFA1, 0xAFFE),
    (0xD7FA, 0xD7FE),
    (0xF8A1, 0xF8FE),
    (0xF9A1, 0xF9FE),
    (0xFAA1, 0xFAFE),
    (0xFBA1, 0xFBFE),
    (0xFCA1, 0xFCFE),
    (0xFDA1, 0xFDFE),
    (0xFE50, 0xFEFE),
];

impl Charset {
    /// Name as in a template.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gb18030 => "gb18030",
            Self::Gbk => "gbk",
        }
    }

    /// The bytes of a text.
    ///
    /// # Errors
    /// The first character that this encoding lacks, or that is a control character.
    pub fn encode(self, text: &str) -> Result<Vec<u8>, char> {
        let (bytes, _, lossy) = self.codec().encode(text);
        if !lossy && !text.chars().any(char::is_control) && self.has_codes(&bytes) {
            return Ok(bytes.into_owned());
        }
        let lacking = text.chars().find(|character| !self.has(*character));
        lacking.map_or_else(|| Ok(bytes.into_owned()), Err)
    }

    /// The text of bytes; `None` when they are not what [`Charset::encode`] writes.
    #[must_use]
    pub fn decode(self, bytes: &[u8]) -> Option<String> {
        let text = self.codec().decode_without_bom_handling_and_without_replacement(bytes)?.into_owned();
        (self.encode(&text).ok()? == bytes).then_some(text)
    }

    fn has(self, character: char) -> bool {
        let text = character.to_string();
        let (bytes, _, lossy) = self.codec().encode(&text);
        !lossy && !character.is_control() && self.has_codes(&bytes)
    }

    /// Whether every code of the bytes, which are well formed, is one of this encoding.
    fn has_codes(self, bytes: &[u8]) -> bool {
        let mut rest = bytes;
        while let Some((first, after)) = rest.split_first() {
            rest = match (first, after.split_first()) {
                (0x00..=0x7F, _) => after,
                (_, Some((second @ 0x40..=0xFE, after))) => {
                    let code = u16::from_be_bytes([*first, *second]);
                    let lacking = NOT_IN_GBK.iter().any(|(from, to)| (*from..=*to).contains(&code));
                    if self == Self::Gbk && lacking {
                        return false;
                    }
                    after
                }
                // A four-byte code; a single byte 80 (the euro sign of some code pages) is neither's.
                (_, Some((0x30..=0x39, after))) if self == Self::Gb18030 => after.get(2..).unwrap_or_default(),
                _ => return false,
            };
        }
        true
    }

    fn codec(self) -> &'static Encoding {
        match self {
            Self::Gb18030 => GB18030,
            Self::Gbk => GBK,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn characters_outside_of_code_page_936_are_named() {
        // U+4DAE has a two-byte code in GB 18030 that GBK lacks; the others have four bytes.
        for (character, code) in [('\u{4DAE}', "FE9F"), ('\u{3402}', "8139EF31"), ('\u{20BB7}', "9534B235")] {
            let text = format!("王{character}");
            assert_eq!(Charset::Gbk.encode(&text), Err(character));
            let bytes = Charset::Gb18030.encode(&text).expect("GB 18030 has every character");
            assert_eq!(hex::encode_upper(&bytes), format!("CDF5{code}"));
            assert_eq!(Charset::Gb18030.decode(&bytes), Some(text));
            assert_eq!(Charset::Gbk.decode(&bytes), None);
        }
        for character in ['€', '\u{E000}', '\u{2022}', '\n', '\0', '\u{303E}'] {
            assert_eq!(Charset::Gbk.encode(&character.to_string()), Err(character), "{character:?}");
        }
        assert_eq!(Charset::Gbk.encode("扎西·多吉").map(hex::encode_upper), Ok("D4FACEF7A1A4B6E0BCAA".to_owned()));
    }

    #[test]
    fn the_repertoire_of_gbk_is_that_of_code_page_936() {
        let characters = (0x80..=0xFFFF).filter_map(char::from_u32).filter(|character| Charset::Gbk.has(*character));
        // 23,940 codes of the rows in use less the user-defined and unassigned ones: 21,791 characters of two bytes.
        assert_eq!(characters.count(), 21_791);
    }

    #[test]
    fn broken_bytes_are_no_text() {
        for bytes in [&b"\xCD"[..], b"\xCD\x20", b"\x81\x30\x81", b"\xFF", b"\x80", b"a\0", b"\xA1\xA1\n"] {
            assert_eq!(Charset::Gb18030.decode(bytes), None, "{bytes:02X?}");
            assert_eq!(Charset::Gbk.decode(bytes), None, "{bytes:02X?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_encoded_decodes_to_itself(text in "[^\\p{Cc}\u{E5E5}]{0,40}") {
            if let Ok(bytes) = Charset::Gb18030.encode(&text) {
                prop_assert_eq!(Charset::Gb18030.decode(&bytes), Some(text.clone()));
            }
            match Charset::Gbk.encode(&text) {
                Ok(bytes) => prop_assert_eq!(Charset::Gbk.decode(&bytes), Some(text)),
                Err(lacking) => prop_assert!(text.contains(lacking)),
            }
        }

        #[test]
        fn bytes_decode_to_a_text_that_encodes_to_them_or_to_nothing(bytes in proptest::collection::vec(any::<u8>(), 0..24)) {
            for charset in [Charset::Gb18030, Charset::Gbk] {
                if let Some(text) = charset.decode(&bytes) {
                    prop_assert_eq!(charset.encode(&text), Ok(bytes.clone()));
                }
            }
        }
    }
}
