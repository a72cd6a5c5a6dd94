//! A profile as a flat list of facts: one path, one value, for comparing two profiles.
//!
//! Owns: the paths: `DF01.EF05.read`, `DF01.EF05.tag_20.format`, `key.UK1DF01.id`, `account.commands.prove.ins`.
//! Never: judges; it shows every word of the text, with what it extends.

use std::collections::BTreeMap;

use toml::Value;

use crate::chain::Texts;
use crate::hexadecimal;
use crate::load::{ProfileError, flatten};

/// Facts by path. Counts and sizes are decimal, bytes of commands, tags and key slots hexadecimal, texts as written,
/// lists in one line.
pub type Facts = BTreeMap<String, String>;

/// Every fact that a profile text states, its bases included.
///
/// # Errors
/// [`ProfileError`] when the text is no profile.
pub fn facts<'t>(text: impl Into<Texts<'t>>) -> Result<Facts, ProfileError> {
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

/// What stands on one side only: a row with all that it says, or a single fact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OneSided {
    /// Path of the row, or of the fact.
    pub path: String,
    /// Facts that it states.
    pub facts: usize,
}

/// Two sets of facts side by side, for a person.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Comparison {
    /// Facts that both state, differently.
    pub changed: Vec<Difference>,
    /// What only the left has.
    pub left: Vec<OneSided>,
    /// What only the right has.
    pub right: Vec<OneSided>,
}

/// Sorts [`differences`]: a row of which the other side states nothing is one line, however much it says.
#[must_use]
pub fn compare(left: &Facts, right: &Facts) -> Comparison {
    let mut comparison = Comparison::default();
    for difference in differences(left, right) {
        let (rows, other) = match (&difference.left, &difference.right) {
            (Some(_), Some(_)) => {
                comparison.changed.push(difference);
                continue;
            }
            (_, None) => (&mut comparison.left, right),
            (None, _) => (&mut comparison.right, left),
        };
        let path = absent_row(&difference.path, other);
        match rows.last_mut().filter(|row| row.path == path) {
            Some(row) => row.facts += 1,
            None => rows.push(OneSided { path: path.to_owned(), facts: 1 }),
        }
    }
    comparison
}

/// The highest row above a fact of which the other side states nothing.
fn absent_row<'p>(path: &'p str, other: &Facts) -> &'p str {
    let states_any = |row: &str| {
        let below = format!("{row}.");
        other.range(below.clone()..).next().is_some_and(|(path, _)| path.starts_with(&below))
    };
    let rows = path.match_indices('.').map(|(at, _)| path.get(..at).unwrap_or(path));
    rows.into_iter().find(|row| !states_any(row)).unwrap_or(path)
}

impl Difference {
    /// The row that the fact is about, and the fact's own name: `DF01.EF05` and `read`; no row for what is said of the whole.
    #[must_use]
    pub fn row(&self) -> (&str, &str) {
        let second = self.path.match_indices('.').map(|(at, _)| at).take(2).last();
        second.and_then(|at| Some((self.path.get(..at)?, self.path.get(at + 1..)?))).unwrap_or(("", &self.path))
    }
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
    fn a_row_of_one_side_is_one_line_and_every_fact_is_counted() {
        for (left, right) in [("ssc-2.0", "ssc-3.0"), ("ssc-1.0", "ssc-1.0-hebei"), ("psam", "pboc-purse")] {
            let (left, right) = (of(left), of(right));
            let compared = compare(&left, &right);
            let facts = |rows: &[OneSided]| rows.iter().map(|row| row.facts).sum::<usize>();
            let counted = compared.changed.len() + facts(&compared.left) + facts(&compared.right);
            assert_eq!(counted, differences(&left, &right).len());
            for (rows, other) in [(&compared.left, &right), (&compared.right, &left)] {
                for row in rows {
                    let below = format!("{}.", row.path);
                    assert!(!other.keys().any(|path| *path == row.path || path.starts_with(&below)), "{row:?}");
                }
                let mut paths: Vec<&str> = rows.iter().map(|row| row.path.as_str()).collect();
                paths.dedup();
                assert_eq!(paths.len(), rows.len(), "each row once");
            }
        }
        let hebei = compare(&of("ssc-1.0"), &of("ssc-1.0-hebei"));
        let file = hebei.right.iter().find(|row| row.path == "SSSE.EF0C").expect("the province file");
        assert!(file.facts > 20, "{file:?}");
        assert!(hebei.right.iter().any(|row| row.path == "key.UK1DDF1"), "{hebei:?}");
        assert_eq!(hebei.left, []);
    }

    #[test]
    fn a_fact_is_told_under_its_row() {
        let row = |path: &str| {
            let difference = Difference { path: path.to_owned(), left: None, right: None };
            let (row, name) = difference.row();
            format!("{row}|{name}")
        };
        assert_eq!(row("DF01.EF05.tag_20.format"), "DF01.EF05|tag_20.format");
        assert_eq!(row("account.key_index"), "account|key_index");
        assert_eq!(row("name"), "|name");
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
