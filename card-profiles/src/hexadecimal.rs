//! Which numbers of a profile text are bytes that standards write in hexadecimal.
//!
//! Source: the rows of `profiles/*.toml`, which write them so themselves.
//! Owns: that choice, and writing a number so. Never: reads a profile.

/// Keys whose numbers are bytes of a command, a tag, a type or a key slot.
const KEYS: [&str; 13] = [
    "cla",
    "ins",
    "p1",
    "p2",
    "tag",
    "usage",
    "id",
    "fci_sfi",
    "key_index",
    "pin_id",
    "load_type",
    "purchase_type",
    "algorithm_byte",
];

/// Table whose numbers are all transaction types.
const TYPES: &str = "purse.types";

/// A number as the standards write it there; `None` for counts and sizes.
pub(crate) fn byte(table: &str, key: &str, number: i64) -> Option<String> {
    (table == TYPES || KEYS.contains(&key)).then(|| format!("0x{number:02X}"))
}

/// A whole profile text as the serializer writes it, one number a line, with its bytes in hexadecimal.
pub(crate) fn written(text: &str) -> String {
    let mut table = "";
    let mut out = String::with_capacity(text.len());
    for line in text.lines() {
        if line.starts_with('[') {
            table = line.trim_matches(['[', ']']);
        }
        let number = line.split_once(" = ").and_then(|(key, value)| {
            let written = byte(table, key, value.parse().ok()?)?;
            Some(format!("{key} = {written}"))
        });
        out.push_str(number.as_deref().unwrap_or(line));
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builtin::{builtin_text, names};
    use crate::load::flatten;
    use crate::profile::Profile;

    #[test]
    fn bytes_are_hexadecimal_and_counts_are_not() {
        let text = "[pin]\ntries = 12\n[[key]]\nid = 66\n[purse.types]\ncash = 4\n[purse]\ncash = 4\n";
        let expected = "[pin]\ntries = 12\n[[key]]\nid = 0x42\n[purse.types]\ncash = 0x04\n[purse]\ncash = 4\n";
        assert_eq!(written(text), expected);
    }

    #[test]
    fn a_flat_overlay_shows_no_byte_in_decimal_and_stays_the_same_profile() {
        let mut bytes = 0;
        for text in names().filter_map(builtin_text) {
            let flat = flatten(text).expect("flat");
            for (key, value) in flat.lines().filter_map(|line| line.split_once(" = ")) {
                if matches!(key, "cla" | "ins" | "tag" | "usage") {
                    assert!(value.starts_with("0x"), "{key} = {value}");
                    bytes += 1;
                }
            }
            let rows = |text: &str| {
                let profile = Profile::parse(text).expect("a profile");
                format!("{:?} {:?} {:?} {:?}", profile.df, profile.key, profile.account, profile.purse)
            };
            assert_eq!(rows(&flat), rows(text));
        }
        assert!(bytes > 500, "{bytes}");
    }
}
