//! A profile as a flat list of facts: one path, one value, for comparing two profiles.
//!
//! Owns: the paths: `DF01.EF05.read`, `DF01.EF05.tag_20.format`, `key.UK1DF01.id`, `account.commands.prove.ins`.
//! Never: judges; it shows every word of the text, with what it extends.

use std::collections::BTreeMap;

use toml::Value;

use crate::hexadecimal;
use crate::load::{ProfileError, flatten};

/// Facts by path. Counts and sizes are decimal, bytes of commands, tags and key slots hexadecimal, texts as written,
/// lists in one line.
pub type Facts = BTreeMap<String, String>;

/// Every fact that a profile text states, its bases included.
///
/// # Errors
/// [`ProfileError`] when the text is no profile.
pub fn facts(text: &str) -> Result<Facts, ProfileError> {
    let table: toml::Table = toml::from_str(&flatten(text)?).unwrap_or_default();
    let mut facts = Facts::new();
    for (key, value) in &table {
        match (key.as_str(), value) {
            // Directories carry their own names; they stand at the top like the places of values.
            ("df", Value::Array(rows)) => rows_of("", rows, "id", &mut facts),
            _ => add(key.clone(), value, &mut facts),
        }
    }
    Ok(facts)
}

/// One fact that differs. `None`: that side does not state it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Path.
    pub path: String,
    /// Value on the left.
    pub left: Option<String>,
    /// Value on the right.
    pub right: Option<String>,
}

/// What differs between two sets of facts, in the order of the paths.
#[must_use]
pub fn differences(left: &Facts, right: &Facts) -> Vec<Difference> {
    let paths: std::collections::BTreeSet<&String> = left.keys().chain(right.keys()).collect();
    paths
        .into_iter()
        .filter(|path| left.get(*path) != right.get(*path))
        .map(|path| Difference { path: path.clone(), left: left.get(path).cloned(), right: right.get(path).cloned() })
        .collect()
}

fn add(path: String, value: &Value, facts: &mut Facts) {
    match value {
        Value::Table(table) => {
            for (key, value) in table {
                // Files and elements carry their own names: `DF01.EF05`, not `DF01.ef.EF05`.
                let inner = match key.as_str() {
                    "ef" | "elements" => path.clone(),
                    _ => format!("{path}.{key}"),
                };
                add(inner, value, facts);
            }
        }
        Value::Array(rows) => match identity(rows) {
            Some(key) => rows_of(&path, rows, key, facts),
            None => {
                let words: Vec<String> = rows.iter().map(word).collect();
                facts.insert(path, words.join("; "));
            }
        },
        plain => {
            let written = byte(&path, plain).unwrap_or_else(|| word(plain));
            facts.insert(path, written);
        }
    }
}

fn rows_of(path: &str, rows: &[Value], key: &str, facts: &mut Facts) {
    for (number, row) in (1..).zip(rows) {
        let name = row.get(key).and_then(Value::as_str).unwrap_or_default();
        let row_path = if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
        // The order of rows is a fact too: record numbers follow it.
        facts.insert(format!("{row_path}.order"), format!("{number}"));
        add(row_path, row, facts);
    }
}

fn identity(rows: &[Value]) -> Option<&'static str> {
    let has = |key: &str| !rows.is_empty() && rows.iter().all(|row| row.get(key).is_some_and(Value::is_str));
    ["id", "name"].into_iter().find(|key| has(key))
}

fn word(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// A byte as standards write it; `None` for what is no byte.
fn byte(path: &str, value: &Value) -> Option<String> {
    let (table, key) = path.rsplit_once('.')?;
    hexadecimal::byte(table, key, value.as_integer()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builtin::builtin_text;

    fn of(name: &str) -> Facts {
        facts(builtin_text(name).expect("built in")).expect("facts")
    }

    #[test]
    fn places_and_keys_are_found_by_their_names() {
        let facts = of("ssc-3.0");
        let fact = |path: &str| facts.get(path).map(String::as_str);
        assert_eq!(fact("SSSE.EF06.read"), Some("RKSSSE"));
        assert_eq!(fact("SSSE.EF05.card_number.format"), Some("an(9)"));
        assert_eq!(fact("SSSE.EF05.card_number.order"), Some("7"));
        assert_eq!(fact("key.UK1DF01.psam.id"), Some("0x42"));
        assert_eq!(fact("composite.degree.degree_code.tag"), Some("0x57"));
        assert_eq!(fact("account.mac.load_mac1"), Some("balance-before; amount; type; terminal"));
    }

    #[test]
    fn generations_two_and_three_differ_in_few_facts() {
        let paths: Vec<String> = differences(&of("ssc-2.0"), &of("ssc-3.0"))
            .into_iter()
            .map(|difference| difference.path)
            .filter(|path| !path.starts_with("certificate."))
            .collect();
        assert_eq!(
            paths,
            ["SSSE.EF06.read", "SSSE.EF06.read_v2", "SSSE.EF06.read_v3", "name", "source", "title", "version"]
        );
        assert_eq!(differences(&of("psam"), &of("psam")), []);
    }
}
