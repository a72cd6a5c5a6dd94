//! Where in the text the row stands that a finding names.
//!
//! Owns: the way from a place to line and column, in the text itself or in the base that has the row. Never: judges a row.
//! Units: lines and columns from 1; a column is a character, not a byte.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::builtin::builtin_text;
use crate::chain::{CHAIN_MAX, Texts};
use crate::load::ProfileError;

/// A place in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    /// Name of the base that has it; `None`: the text itself.
    pub base: Option<String>,
    /// Line.
    pub line: usize,
    /// Column.
    pub column: usize,
}

/// Where `place`, as a finding names it, stands in a text that can be read: the newest text of the chain that knows most of it.
#[must_use]
pub fn position<'t>(text: impl Into<Texts<'t>>, place: &str) -> Option<Position> {
    let Texts { text, bases } = text.into();
    let mut best: Option<(usize, Position)> = None;
    let mut next = Some((None::<String>, text));
    let mut files = bases.iter();
    for _ in 0..CHAIN_MAX {
        let Some((base, text)) = next.take() else { break };
        let Ok(table) = DeTable::parse(text) else { break };
        let table = table.into_inner();
        let (depth, offset) = deepest(&table, place);
        if depth > best.as_ref().map_or(0, |(known, _)| *known) {
            let ProfileError { base, line, column, .. } =
                ProfileError::at(base.as_deref(), text, offset, String::new());
            best = Some((depth, Position { base, line, column }));
        }
        let extended = table.get("extends").and_then(|value| value.get_ref().as_str());
        next = extended.and_then(|name| {
            let file = || files.next().filter(|file| file.name == name)?.text.as_deref().ok();
            builtin_text(name).or_else(file).map(|text| (Some(name.to_owned()), text))
        });
    }
    best.map(|(_, position)| position)
}

/// How many parts of the place the text has, and where the last of them stands.
fn deepest(table: &DeTable<'_>, place: &str) -> (usize, usize) {
    if let Some(name) = place.strip_prefix("key ") {
        return row(table, "key", "name", name).map_or((0, 0), |(offset, _)| (1, offset));
    }
    let mut parts = place.split('.');
    let Some(first) = parts.next() else { return (0, 0) };
    let Some((mut offset, mut current)) = row(table, "df", "id", first).or_else(|| value(table, first)) else {
        return (0, 0);
    };
    let mut depth = 1;
    for part in parts {
        let Some(table) = current else { break };
        let rows = ["ef", "elements", "inner", "file"].into_iter();
        let found = rows.filter_map(|list| row(table, list, "id", part).or_else(|| tagged(table, list, part))).next();
        let Some((at, inner)) = found.or_else(|| value(table, part)) else { break };
        (offset, current, depth) = (at, inner, depth + 1);
    }
    (depth, offset)
}

type Found<'t, 'i> = (usize, Option<&'t DeTable<'i>>);

/// The row of a list whose `key` is `wanted`.
fn row<'t, 'i>(table: &'t DeTable<'i>, list: &str, key: &str, wanted: &str) -> Option<Found<'t, 'i>> {
    rows(table, list)
        .find(|(_, row)| row.get(key).and_then(|value| value.get_ref().as_str()) == Some(wanted))
        .map(placed)
}

/// The element of a list that is called by its tag.
fn tagged<'t, 'i>(table: &'t DeTable<'i>, list: &str, part: &str) -> Option<Found<'t, 'i>> {
    let tag = u8::from_str_radix(part.strip_prefix("tag_")?, 16).ok()?;
    let is_it = |value: &DeValue<'_>| match value {
        DeValue::Integer(number) => u8::from_str_radix(number.as_str(), number.radix()).ok() == Some(tag),
        _ => false,
    };
    rows(table, list).find(|(_, row)| row.get("tag").is_some_and(|value| is_it(value.get_ref()))).map(placed)
}

fn placed<'t, 'i>((row, table): (&'t Spanned<DeValue<'i>>, &'t DeTable<'i>)) -> Found<'t, 'i> {
    (row.span().start, Some(table))
}

fn rows<'t, 'i>(
    table: &'t DeTable<'i>,
    list: &str,
) -> impl Iterator<Item = (&'t Spanned<DeValue<'i>>, &'t DeTable<'i>)> {
    let list = table.get(list).and_then(|value| value.get_ref().as_array());
    list.into_iter().flat_map(|rows| rows.iter()).filter_map(|row| Some((row, row.get_ref().as_table()?)))
}

/// What stands under a word.
fn value<'t, 'i>(table: &'t DeTable<'i>, word: &str) -> Option<Found<'t, 'i>> {
    let value = table.get(word)?;
    Some((value.span().start, value.get_ref().as_table()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str, place: &str) -> Option<(Option<String>, usize, usize)> {
        position(text, place).map(|Position { base, line, column }| (base, line, column))
    }

    #[test]
    fn a_place_is_found_in_the_newest_text_that_has_it() {
        let text = "format = 2\nextends = \"ssc-3.0\"\nname = \"x\"\nkey = [\n  { name = \"UKSSSE\", tries = 5 },\n]\n\n\
                    [[df]]\nid = \"DF01\"\n\n  [[df.ef]]\n  id = \"EF05\"\n  size = 9\n  elements = [\n    { id = \"a\", tag = 0x20 },\n  ]\n";
        assert_eq!(at(text, "key UKSSSE"), Some((None, 5, 3)));
        assert_eq!(at(text, "DF01"), Some((None, 8, 1)));
        assert_eq!(at(text, "DF01.EF05"), Some((None, 11, 3)));
        assert_eq!(at(text, "DF01.EF05.a"), Some((None, 15, 5)));
        assert_eq!(at(text, "DF01.EF05.tag_20"), Some((None, 15, 5)));
        assert_eq!(at(text, "name"), Some((None, 3, 8)));
        let (base, line, _) = at(text, "DF04.EF05").expect("in the base");
        assert!(base.as_deref() == Some("ssc-3.0") && line > 100);
        let (base, ..) = at(text, "pin").expect("in a base");
        assert!(base.is_some());
        assert_eq!(at(text, "nowhere"), None);
        assert_eq!(at("not [ toml", "name"), None);
    }
}
