//! The words and numbers of a profile text, one by one, and other values for each.
//!
//! Owns: paths, places in the text, which other values a word can take. Never: knows what a value means to a card.
//! Units: offsets in bytes; lines and columns from 1, a column is a character.

use std::ops::Range;

use toml::de::{DeTable, DeValue};

/// One value of a profile text.
#[derive(Debug)]
pub(crate) struct Leaf {
    /// `df[].ef[cyclic].elements[].format`: keys joined by points; a list with what its row is, where that matters.
    pub(crate) path: String,
    /// Where the value stands.
    pub(crate) span: Range<usize>,
    /// The row that it stands in.
    pub(crate) row: Row,
    kind: Kind,
}

/// What a value belongs to, as far as the text says it there.
#[derive(Clone, Debug, Default)]
pub(crate) struct Row {
    pub(crate) df: Option<String>,
    pub(crate) ef: Option<String>,
    pub(crate) key: Option<String>,
}

#[derive(Debug)]
enum Kind {
    Text(String),
    Number(i64),
    Flag(bool),
}

/// Words of which each may stand for another of its line.
const WORDS: &[&[&str]] = &[
    &["user", "psam"],
    &["3des", "sm4"],
    &["tlv-records", "transparent", "cyclic"],
    &["before", "after"],
    &["below", "itself"],
    &["absent", "present"],
    &["closed", "keyed"],
    &["and", "or"],
    &["checked", "any", "calendar"],
    &["bcd", "binary"],
    &["folded", "leftmost"],
    &["folded", "whole"],
    &["folded", "left"],
    &["zeros", "complement"],
    &["fci", "refused"],
    &["card-first", "card-last"],
    &["public-key", "private-key"],
    &["certificate", "public-key"],
    &["store", "hash"],
    &["hashed", "digits"],
    &["enciphered", "plain"],
    &[
        "MK", "IRK", "PUK", "STK", "LK", "BK", "RK", "UK", "DPK", "DLK", "DTK", "DSK", "DULK", "DUK", "DRPK", "EAK",
        "IEK", "IDK", "IMK",
    ],
    &["session", "whole"],
    &["amounts", "amount", "new-limit", "old-limit"],
    &["type", "terminal", "date-time", "terminal-sequence", "card-sequence"],
    &["balance-before", "balance-after"],
    &["degree", "qualification"],
    &["degree", "worker_qualification"],
    &[
        "worker_qualification",
        "professional_qualification",
        "employment_assistance",
        "confirmed_matter",
        "insurance_certificate",
    ],
    &["contraindicated_drug", "major_disease", "social_relief"],
    &["user-pin", "administrator-pin", "master-key"],
];

/// All values of a text, in its order.
pub(crate) fn leaves(text: &str) -> Vec<Leaf> {
    let table = DeTable::parse(text).expect("TOML");
    let mut found = Vec::new();
    table_leaves("", &Row::default(), table.get_ref(), &mut found);
    found.sort_by_key(|leaf| leaf.span.start);
    found
}

fn table_leaves(path: &str, row: &Row, table: &DeTable<'_>, found: &mut Vec<Leaf>) {
    for (key, value) in table {
        let key = key.get_ref();
        let path = if path.is_empty() { key.to_string() } else { format!("{path}.{key}") };
        value_leaves(&path, row, value.span(), value.get_ref(), found);
    }
}

fn value_leaves(path: &str, row: &Row, span: Range<usize>, value: &DeValue<'_>, found: &mut Vec<Leaf>) {
    let kind = match value {
        DeValue::Table(table) => return table_leaves(path, row, table, found),
        DeValue::Array(rows) => {
            for inner in rows.iter() {
                let text = |key: &str| Some(inner.get_ref().as_table()?.get(key)?.get_ref().as_str()?.to_owned());
                let mut row = row.clone();
                match path.rsplit('.').next() {
                    Some("df") => row.df = text("id"),
                    Some("ef") => row.ef = text("id"),
                    Some("key") => (row.df, row.key) = (text("df"), text("name")),
                    _ => {}
                }
                let name = text("class").or_else(|| text("kind")).unwrap_or_default();
                value_leaves(&format!("{path}[{name}]"), &row, inner.span(), inner.get_ref(), found);
            }
            return;
        }
        DeValue::String(text) => Kind::Text(text.to_string()),
        DeValue::Integer(number) => {
            Kind::Number(i64::from_str_radix(number.as_str(), number.radix()).expect("an integer"))
        }
        DeValue::Boolean(flag) => Kind::Flag(*flag),
        DeValue::Float(_) | DeValue::Datetime(_) => unreachable!("a profile has neither"),
    };
    found.push(Leaf { path: path.to_owned(), span, row: row.clone(), kind });
}

impl Leaf {
    /// Line and column of the value.
    pub(crate) fn position(&self, text: &str) -> (usize, usize) {
        let before = &text[..self.span.start];
        let line = before.rsplit('\n').next().unwrap_or_default();
        (1 + before.matches('\n').count(), 1 + line.chars().count())
    }

    /// The text with another value here.
    pub(crate) fn replaced(&self, text: &str, with: &str) -> String {
        [&text[..self.span.start], with, &text[self.span.end..]].concat()
    }

    /// A value of another type, as TOML.
    pub(crate) fn of_another_type(&self) -> &'static str {
        match self.kind {
            Kind::Text(_) => "7",
            Kind::Number(_) | Kind::Flag(_) => "\"seven\"",
        }
    }

    /// Other values of the same type, the likeliest to follow the grammar first, as TOML.
    pub(crate) fn others(&self) -> Vec<String> {
        let quoted = |text: &str| toml::Value::from(text).to_string();
        match &self.kind {
            Kind::Flag(flag) => vec![(!flag).to_string()],
            Kind::Number(number) => vec![(number + 1).to_string(), (number - 1).to_string(), (24 - number).to_string()],
            Kind::Text(text) => {
                let mut words: Vec<String> = Vec::new();
                for line in WORDS.iter().filter(|line| line.contains(&text.as_str())) {
                    let at = line.iter().position(|word| word == text).unwrap_or_default();
                    words.extend(line[at + 1..].iter().chain(&line[..at]).map(|word| (*word).to_owned()));
                }
                let other = match self.path.rsplit('.').next().unwrap_or_default() {
                    "format" | "format_listed" => longer(text),
                    "read" | "update" | "read_v2" | "read_v3" => another_condition(text),
                    _ if self.path.contains("access") && words.is_empty() => another_condition(text),
                    _ => altered(text),
                };
                words.into_iter().chain([other]).map(|text| quoted(&text)).collect()
            }
        }
    }
}

/// `an(9)` for `an(8)`.
fn longer(format: &str) -> String {
    let (kind, length) = format.split_once('(').expect("a format");
    let length: u16 = length.trim_end_matches(')').parse().expect("a length");
    let length = if length < 200 { length + 1 } else { length - 1 };
    format!("{kind}({length})")
}

fn another_condition(text: &str) -> String {
    if text == "never" { "free".to_owned() } else { "never".to_owned() }
}

/// The same text with another last character, of the same sort.
fn altered(text: &str) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    let last = chars.pop();
    chars.push(match last {
        None => 'x',
        Some('9') => '8',
        Some('F') => 'E',
        Some('Z') => 'Y',
        Some('z') => 'y',
        Some(letter) if letter.is_ascii_alphanumeric() => char::from(u8::try_from(letter).expect("ASCII") + 1),
        Some('变') => '化',
        Some(_) => '变',
    });
    chars.into_iter().collect()
}
