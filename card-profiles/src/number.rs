//! What a number of a profile text may be, in words: its range, and what it counts.
//!
//! Source: the types of the rows, and their doc comments for the units.
//! Owns: saying so where the reader of TOML names a type of this program's language. Never: judges a number.

use crate::hexadecimal;

/// What the number of a key counts, in English and Chinese.
const UNITS: [(&[&str], &str, &str); 6] = [
    (&["tries", "master_tries"], "tries", " 次"),
    (&["size", "size_listed", "capacity", "bytes", "bytes_min", "bytes_max", "challenge", "length"], "bytes", " 字节"),
    (&["records"], "records", " 条记录"),
    (&["wrong_mac2_max"], "wrong MACs in a row", " 次连续错误 MAC"),
    (&["factors", "purchase_levels"], "levels of diversification", " 级分散"),
    (&["version", "key_version_byte"], "as the version of a key", "（密钥版本）"),
];

/// A misfit in words; the same in Chinese.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) en: String,
    pub(crate) zh: String,
}

/// Says in words what the reader of TOML found at `key` and what it wanted; `None` where it speaks of no number.
pub(crate) fn said(message: &str, key: &str) -> Option<Said> {
    let (found, wanted) = message.split_once(", expected ")?;
    let most = match wanted.trim_end() {
        "u8" => u64::from(u8::MAX),
        "u16" => u64::from(u16::MAX),
        "u32" => u64::from(u32::MAX),
        "usize" | "u64" => i64::MAX.unsigned_abs(),
        _ => return None,
    };
    let found = found.strip_prefix("invalid value: ").or_else(|| found.strip_prefix("invalid type: "))?;
    let found =
        found.split_once(' ').filter(|(kind, _)| matches!(*kind, "integer" | "string")).map_or(found, |it| it.1);
    let found = found.trim_matches('`');
    if hexadecimal::byte("", key, 0).is_some() {
        let en = format!("{key} is {found}; a byte from 0x00 to 0xFF is expected");
        return Some(Said { en, zh: format!("{key} 写成了 {found}；应为 0x00 到 0xFF 的一个字节") });
    }
    let unit = UNITS.iter().find(|(keys, ..)| keys.contains(&key));
    let (en, zh) = unit.map_or((String::new(), ""), |(_, en, zh)| (format!(" {en}"), *zh));
    Some(Said {
        en: format!("{key} is {found}; a number from 0 to {most}{en} is expected"),
        zh: format!("{key} 写成了 {found}；应为 0 到 {most}{zh}的数字"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(message: &str, key: &str) -> Option<(String, String)> {
        said(message, key).map(|said| (said.en, said.zh))
    }

    #[test]
    fn a_number_out_of_range_is_said_with_range_and_unit() {
        let both = |en: &str, zh: &str| Some((en.to_owned(), zh.to_owned()));
        assert_eq!(
            of("invalid value: integer `500`, expected u8", "tries"),
            both("tries is 500; a number from 0 to 255 tries is expected", "tries 写成了 500；应为 0 到 255 次的数字")
        );
        assert_eq!(
            of("invalid type: string \"six\", expected u16", "size"),
            both(
                "size is \"six\"; a number from 0 to 65535 bytes is expected",
                "size 写成了 \"six\"；应为 0 到 65535 字节的数字"
            )
        );
        assert_eq!(
            of("invalid value: integer `-1`, expected u8\n", "tag"),
            both("tag is -1; a byte from 0x00 to 0xFF is expected", "tag 写成了 -1；应为 0x00 到 0xFF 的一个字节")
        );
        assert_eq!(
            of("invalid type: sequence, expected u32", "anything").map(|said| said.0).as_deref(),
            Some("anything is sequence; a number from 0 to 4294967295 is expected")
        );
        assert_eq!(of("invalid type: integer `1`, expected a string", "id"), None);
        assert_eq!(of("unknown field `trials`, expected one of `tries`, `u8`", "tries"), None);
    }
}
