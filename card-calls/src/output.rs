//! The caller's buffer: GBK text, ended by a zero byte, never more than the buffer holds.
//!
//! Source: driver interface: `char* pOutInfo`, 1 to 4 KiB, 1024 common; GBK; every field ends with `|`.
//! Owns: GBK, field separators inside values, the bound. Never: knows what a field means, writes through a null pointer.
//! Units: bytes, the closing zero included in the size of a buffer.

use card_profiles::text::encode_text;

/// Bytes of the caller's buffer unless `SSCARD_OUT_BYTES` says more.
pub const OUT_BYTES_DEFAULT: usize = 1024;

/// Most bytes of a caller's buffer.
pub const OUT_BYTES_MAX: usize = 4096;

/// Fields as `a|b|c|`. A value cannot end its own field: a bar in it becomes a wide one, control characters are left out.
#[must_use]
pub fn fields<'a>(values: impl IntoIterator<Item = &'a str>) -> String {
    let mut text = String::new();
    for value in values {
        text.extend(value.chars().filter(|c| !c.is_control()).map(|c| if c == '|' { '｜' } else { c }));
        text.push('|');
    }
    text
}

/// Of records, the newest first, those that fit into `room` with the closing zero, whole; the first in any case, so that a buffer too small
/// for it is refused and not answered with nothing.
#[must_use]
pub fn newest(records: &[String], room: usize) -> &[String] {
    let mut bytes = 1;
    let fits = |record: &&String| {
        bytes += gbk(&fields([record.as_str()])).len();
        bytes <= room
    };
    let count = records.iter().take_while(fits).count();
    records.get(..count.max(1)).unwrap_or(records)
}

/// Text in GBK; a character that GBK lacks becomes `?`.
#[must_use]
pub fn gbk(text: &str) -> Vec<u8> {
    encode_text(text).unwrap_or_else(|_| {
        let mut utf8 = [0; 4];
        text.chars().flat_map(|c| encode_text(c.encode_utf8(&mut utf8)).unwrap_or_else(|_| b"?".to_vec())).collect()
    })
}

/// GBK bytes cut to `limit` at a character's border.
#[must_use]
pub fn cut(bytes: &[u8], limit: usize) -> &[u8] {
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let next = at + if *byte < 0x81 { 1 } else { 2 };
        if next > limit {
            break;
        }
        at = next;
    }
    bytes.get(..at).unwrap_or(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_ended_and_cannot_end_themselves() {
        assert_eq!(fields(["430200", "", "张|三\n"]), "430200||张｜三|");
    }

    #[test]
    fn text_is_gbk_and_what_gbk_lacks_is_a_question_mark() {
        assert_eq!(gbk("张三"), [0xD5, 0xC5, 0xC8, 0xFD]);
        assert_eq!(gbk("扎西·次仁"), [0xD4, 0xFA, 0xCE, 0xF7, 0xA1, 0xA4, 0xB4, 0xCE, 0xC8, 0xCA]);
        // U+20BB7 is in GB 18030 only.
        assert_eq!(gbk("𠮷a𠮷"), b"?a?");
    }

    #[test]
    fn the_newest_records_that_fit_are_whole() {
        let records = ["aaaa".to_owned(), "张三".to_owned(), "b".to_owned()];
        for (room, kept) in [(1, 1), (5, 1), (6, 1), (10, 1), (11, 2), (12, 2), (13, 3), (99, 3)] {
            assert_eq!(newest(&records, room).len(), kept, "{room}");
        }
        assert!(newest(&[], 1024).is_empty());
    }

    #[test]
    fn a_cut_never_halves_a_character() {
        let bytes = gbk("a张三");
        for (limit, kept) in [(0, 0), (1, 1), (2, 1), (3, 3), (4, 3), (5, 5), (9, 5)] {
            assert_eq!(cut(&bytes, limit).len(), kept, "limit {limit}");
        }
    }
}
