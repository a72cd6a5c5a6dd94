//! GBK text as the card holds it.
//!
//! Source: LD/T 32 `an`: ASCII or GBK; the WHATWG encoding standard for the table, less what code page 936 lacks.
//! Owns: characters to bytes and back, one by one, refusing what GBK does not hold.
//! Never: replaces a character by another one.

use std::borrow::Cow;

use encoding_rs::{EncoderResult, GBK};

/// A character that GBK does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("character {position} ({character:?}, U+{:04X}) is not in GBK", u32::from(*.character))]
pub struct NotInGbk {
    /// The character.
    pub character: char,
    /// Its place in the text, from 1.
    pub position: usize,
}

/// The GBK bytes of each character: one or two.
///
/// # Errors
/// [`NotInGbk`] at the first character without a GBK code.
pub fn encode_characters(text: &str) -> Result<Vec<Vec<u8>>, NotInGbk> {
    text.chars()
        .zip(1..)
        .map(|(character, position)| {
            let mut code = Vec::with_capacity(2);
            encode(character, &mut code).ok_or(NotInGbk { character, position })?;
            Ok(code)
        })
        .collect()
}

/// The GBK bytes of a text.
///
/// # Errors
/// [`NotInGbk`] at the first character without a GBK code.
pub fn encode_text(text: &str) -> Result<Vec<u8>, NotInGbk> {
    if let Some(bytes) = encode_whole(text) {
        return Ok(bytes);
    }
    let mut bytes = Vec::with_capacity(text.len());
    for (character, position) in text.chars().zip(1..) {
        encode(character, &mut bytes).ok_or(NotInGbk { character, position })?;
    }
    Ok(bytes)
}

/// Whether a text has GBK bytes.
#[must_use]
pub fn is_gbk(text: &str) -> bool {
    text.is_ascii() || encode_whole(text).is_some()
}

/// The bytes of a text in one pass: a registry asks for those of each person's.
fn encode_whole(text: &str) -> Option<Vec<u8>> {
    if text.is_ascii() {
        return Some(text.as_bytes().to_vec());
    }
    let mut encoder = GBK.new_encoder();
    let mut bytes = vec![0; encoder.max_buffer_length_from_utf8_without_replacement(text.len())?];
    let (result, _, written) = encoder.encode_from_utf8_without_replacement(text, &mut bytes, true);
    if result != EncoderResult::InputEmpty || text.chars().any(|character| PRIVATE_USE.contains(&character)) {
        return None;
    }
    bytes.truncate(written);
    let mut rest = bytes.as_slice();
    while let Some((first, behind)) = rest.split_first() {
        let (code, behind) = if first.is_ascii() { (rest.get(..1)?, behind) } else { rest.split_at_checked(2)? };
        if !is_gbk_of_readers(code) {
            return None;
        }
        rest = behind;
    }
    Some(bytes)
}

/// Characters without agreed meaning, which the encoding standard maps to user-defined codes.
const PRIVATE_USE: std::ops::RangeInclusive<char> = '\u{E000}'..='\u{F8FF}';

/// Puts the code of a character behind `into`.
fn encode(character: char, into: &mut Vec<u8>) -> Option<()> {
    if PRIVATE_USE.contains(&character) {
        return None;
    }
    let mut utf8 = [0; 4];
    let mut bytes = [0; 4];
    let (result, _, written) =
        GBK.new_encoder().encode_from_utf8_without_replacement(character.encode_utf8(&mut utf8), &mut bytes, true);
    match result {
        EncoderResult::InputEmpty => {
            into.extend_from_slice(bytes.get(..written).filter(|code| is_gbk_of_readers(code))?);
            Some(())
        }
        EncoderResult::OutputFull | EncoderResult::Unmappable(_) => None,
    }
}

/// Whether a code is in the GBK that reader programs have (code page 936). The encoding standard adds two-byte codes of
/// GB 18030 to it, among them a second euro, and a one-byte one; a terminal would show those as something else.
fn is_gbk_of_readers(code: &[u8]) -> bool {
    match code {
        [single] => single.is_ascii(),
        [0xA2, 0xE3] | [0xA6, 0xD9..=0xDF | 0xEC | 0xED | 0xF3] | [0xA8, 0xBC | 0xBF] | [0xA9, 0x89..=0x95] => false,
        [0xFE, trail] => *trail < 0x50,
        [_, _] => true,
        _ => false,
    }
}

/// Whether a text and the bytes it was decoded from surely are one spelling: printable ASCII and codes of GBK, up to the
/// padding, none of them near the user-defined ones. `false` says nothing: then [`encode_text`] knows.
pub(crate) fn is_plain(bytes: &[u8], text: &str) -> bool {
    // First bytes in UTF-8 of what lies from U+E000 to U+FFFF.
    if text.bytes().any(|byte| matches!(byte, 0xEE | 0xEF)) {
        return false;
    }
    let mut rest = bytes;
    loop {
        rest = match rest {
            [] | [0x00, ..] => return true,
            [0x20..=0x7E, rest @ ..] => rest,
            // A second ideographic space.
            [0xA3, 0xA0, ..] => return false,
            [lead @ 0x81..=0xFE, trail @ 0x40..=0xFE, rest @ ..] if is_gbk_of_readers(&[*lead, *trail]) => rest,
            _ => return false,
        };
    }
}

/// Text of GBK bytes; what is no GBK becomes U+FFFD, and the flag says so.
#[must_use]
pub fn decode_text(bytes: &[u8]) -> (String, bool) {
    let (text, malformed) = decode(bytes);
    (text.into_owned(), malformed)
}

/// The same, without a copy of what is ASCII.
pub(crate) fn decode(bytes: &[u8]) -> (Cow<'_, str>, bool) {
    GBK.decode_without_bom_handling(bytes)
}

/// How many bytes at the end of a full text begin a character that ends in `next`: one of two bytes, or one of the four that
/// GB 18030 gives to what GBK lacks; 0 when the text ends with a whole character.
pub(crate) fn begun_character(text: &[u8], next: &[u8]) -> usize {
    let mut rest = text;
    loop {
        rest = match (rest, next) {
            ([] | [0x00, ..], _) => return 0,
            ([0x81..=0xFE], [0x40..=0x7E | 0x80..=0xFE, ..] | [b'0'..=b'9', 0x81..=0xFE, b'0'..=b'9', ..]) => return 1,
            ([0x81..=0xFE, b'0'..=b'9'], [0x81..=0xFE, b'0'..=b'9', ..]) => return 2,
            ([0x81..=0xFE, b'0'..=b'9', 0x81..=0xFE], [b'0'..=b'9', ..]) => return 3,
            ([0x81..=0xFE, b'0'..=b'9', 0x81..=0xFE, b'0'..=b'9', rest @ ..], _) => rest,
            ([0x81..=0xFE, _, rest @ ..] | [_, rest @ ..], _) => rest,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Codes of code page 936, counted with another implementation of it.
    const CODES_OF_CODE_PAGE_936: usize = 21_791;

    #[test]
    fn exactly_the_codes_of_code_page_936_go_there_and_back() {
        let mut codes = 0;
        for lead in 0x81..=0xFE_u8 {
            for trail in (0x40..=0xFE_u8).filter(|trail| *trail != 0x7F) {
                let (text, malformed) = decode_text(&[lead, trail]);
                if !malformed && encode_text(&text) == Ok(vec![lead, trail]) {
                    codes += 1;
                }
            }
        }
        assert_eq!(codes, CODES_OF_CODE_PAGE_936);
    }

    #[test]
    fn a_text_has_the_bytes_of_its_characters_whether_taken_whole_or_one_by_one() {
        let mut outside = 0;
        for character in (0..=0x2_FFFF).filter_map(char::from_u32) {
            let mut alone = Vec::new();
            let known = encode(character, &mut alone).is_some();
            for text in [format!("{character}"), format!("A{character}丹"), format!("丹{character}·")] {
                let parts: Option<Vec<u8>> = text.chars().try_fold(Vec::new(), |mut bytes, one| {
                    encode(one, &mut bytes)?;
                    Some(bytes)
                });
                assert_eq!(encode_whole(&text), parts, "{text:?}");
                assert_eq!((encode_text(&text).is_ok(), is_gbk(&text)), (known, known), "{text:?}");
            }
            outside += u32::from(!known);
        }
        assert!(outside > 0x2_0000, "{outside}");
    }

    #[test]
    fn what_looks_plain_has_no_second_spelling() {
        let mut plain = 0;
        for code in 0..=u16::MAX {
            for bytes in [&code.to_be_bytes()[..], &[b'A', code.to_be_bytes()[0], code.to_be_bytes()[1]]] {
                let (text, malformed) = decode_text(bytes);
                if !malformed && !bytes.contains(&0) && is_plain(bytes, &text) {
                    assert_eq!(encode_text(&text).as_deref(), Ok(bytes), "{bytes:02X?}");
                    plain += 1;
                }
            }
        }
        assert!(plain > CODES_OF_CODE_PAGE_936, "{plain}");
    }

    #[test]
    fn characters_outside_gbk_are_named_with_their_place() {
        assert_eq!(encode_text("张㐂").map_err(|e| (e.character, e.position)), Err(('㐂', 2)));
        assert_eq!(encode_text("𠮷").map_err(|e| e.position), Err(1));
        assert_eq!(
            encode_text("䶮").map_err(|e| e.to_string()),
            Err("character 1 ('䶮', U+4DAE) is not in GBK".to_owned())
        );
        assert_eq!(encode_text("社会保障").map(hex::encode_upper).as_deref(), Ok("C9E7BBE1B1A3D5CF"));
        assert_eq!(encode_text("·").map(hex::encode_upper).as_deref(), Ok("A1A4"));
    }
}
