//! A profile text that extends another: rows added, replaced, removed.
//!
//! Source: `docs/profile.md`, grammar version 2.
//! Owns: merging two texts before anything is judged, so that an overlay is held to every rule of a whole profile.
//! Never: knows what a row means beyond the name that tells it from its neighbours.
//! Units: offsets in bytes from the start of the first text; the texts of a chain follow each other.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

/// Lists whose rows are told apart by a key, and that key.
const ROWS: [(&str, &str); 5] = [("df", "id"), ("ef", "id"), ("elements", "id"), ("file", "id"), ("key", "name")];

/// Lists to which an overlay adds.
const ADDED_TO: &str = "assumed";

/// Table of questions that are answered in more than one way.
const OPTIONS: &str = "option";

/// Table whose lists all hold elements.
const COMPOSITE: &str = "composite";

/// Why an overlay does not fit its base.
#[derive(Debug)]
pub(crate) struct Misfit {
    pub(crate) offset: usize,
    pub(crate) message: String,
}

/// Moves every span of a text behind the texts before it.
pub(crate) fn shifted(table: DeTable<'_>, by: usize) -> DeTable<'_> {
    table.into_iter().map(|(key, value)| (moved(key, by), shifted_value(value, by))).collect()
}

fn shifted_value(value: Spanned<DeValue<'_>>, by: usize) -> Spanned<DeValue<'_>> {
    let span = moved_span(&value.span(), by);
    let inner = match value.into_inner() {
        DeValue::Table(table) => DeValue::Table(shifted(table, by)),
        DeValue::Array(array) => DeValue::Array(array.into_iter().map(|row| shifted_value(row, by)).collect()),
        plain => plain,
    };
    Spanned::new(span, inner)
}

fn moved<T>(spanned: Spanned<T>, by: usize) -> Spanned<T> {
    let span = moved_span(&spanned.span(), by);
    Spanned::new(span, spanned.into_inner())
}

const fn moved_span(span: &Range<usize>, by: usize) -> Range<usize> {
    span.start + by..span.end + by
}

/// Keys that texts once had and that said nothing about the card: old texts, and card images that keep one, still load.
const RETIRED: [(&str, &str); 2] = [("purse", "holder_data"), ("purse", "factor_order")];

/// Takes out what a profile no longer says.
pub(crate) fn retire(table: &mut DeTable<'_>) {
    for (row, key) in RETIRED {
        if let Some(value) = table.get_mut(row)
            && let DeValue::Table(row) = value.get_mut()
        {
            row.remove_entry(key);
        }
    }
}

/// Takes a word out of a table: `extends` of a text, `before` of a row.
pub(crate) fn take_text(table: &mut DeTable<'_>, key: &str) -> Result<Option<Spanned<String>>, Misfit> {
    let Some((_, value)) = table.remove_entry(key) else { return Ok(None) };
    match value.get_ref().as_str() {
        Some(text) => Ok(Some(Spanned::new(value.span(), text.to_owned()))),
        None => Err(Misfit { offset: value.span().start, message: format!("{key} is a text in quotes") }),
    }
}

/// Puts the rows of what each option chose over the others. Done twice it changes nothing more, so that a flat text may keep
/// its options. `other` is an option and a choice that counts instead of the one in the text.
pub(crate) fn choose(table: &mut DeTable<'_>, other: Option<(&str, &str)>) -> Result<(), Misfit> {
    let Some(options) = table.get(OPTIONS).and_then(|options| options.get_ref().as_table()).cloned() else {
        return Ok(());
    };
    for (name, option) in options {
        // An option of another form is an error of the grammar.
        let DeValue::Table(mut option) = option.into_inner() else { continue };
        let Some(choice) = take_text(&mut option, "choice")? else { continue };
        let Some((_, choices)) = option.remove_entry("choices") else { continue };
        let DeValue::Table(mut choices) = choices.into_inner() else { continue };
        let known: Vec<String> = choices.keys().map(|word| word.get_ref().to_string()).collect();
        let instead = other.filter(|(option, _)| name.get_ref() == *option).map(|(_, choice)| choice);
        let word = instead.unwrap_or(choice.get_ref().as_str());
        let rows = choices.remove_entry(word).map(|(_, rows)| rows.into_inner());
        let Some(DeValue::Table(rows)) = rows else {
            let message = format!("{word:?} is no choice here; there are {}", known.join(", "));
            return Err(Misfit { offset: choice.span().start, message });
        };
        merge(table, rows, false)?;
    }
    Ok(())
}

/// Puts an overlay over its base.
pub(crate) fn merge<'i>(base: &mut DeTable<'i>, mut over: DeTable<'i>, is_composite: bool) -> Result<(), Misfit> {
    unset(base, &mut over)?;
    for (key, value) in over {
        let span = value.span();
        let name = key.get_ref().to_string();
        let Some((_, base_value)) = base.remove_entry(name.as_str()) else {
            base.insert(key, value);
            continue;
        };
        let merged = match (base_value.into_inner(), value.into_inner()) {
            (DeValue::Table(mut table), DeValue::Table(over)) => {
                merge(&mut table, over, name == COMPOSITE)?;
                DeValue::Table(table)
            }
            (DeValue::Array(rows), DeValue::Array(over)) => DeValue::Array(match identity(&name, is_composite) {
                Some(identity) => merge_rows(rows, over, identity)?,
                None if name == ADDED_TO => rows.into_iter().chain(over).collect(),
                None => over,
            }),
            (_, replacing) => replacing,
        };
        base.insert(key, Spanned::new(span, merged));
    }
    Ok(())
}

/// The key that tells the rows of a list apart.
fn identity(list: &str, is_composite: bool) -> Option<&'static str> {
    let known = ROWS.into_iter().find(|(name, _)| *name == list).map(|(_, identity)| identity);
    if is_composite { Some("id") } else { known }
}

/// `unset`: keys that the base states and this card does not have.
fn unset(base: &mut DeTable<'_>, over: &mut DeTable<'_>) -> Result<(), Misfit> {
    let Some((_, value)) = over.remove_entry("unset") else { return Ok(()) };
    let Some(names) = value.get_ref().as_array() else {
        return Err(Misfit { offset: value.span().start, message: "unset is a list of keys".to_owned() });
    };
    for name in names.iter() {
        let word = name.get_ref().as_str().unwrap_or_default();
        if base.remove_entry(word).is_none() {
            let message = format!("the base has no {word:?} here: nothing to unset");
            return Err(Misfit { offset: name.span().start, message });
        }
    }
    Ok(())
}

fn merge_rows<'i>(rows: DeArray<'i>, over: DeArray<'i>, identity: &'static str) -> Result<DeArray<'i>, Misfit> {
    let mut merged: Vec<Spanned<DeValue<'i>>> = rows.into_iter().collect();
    for row in over {
        let span = row.span();
        let misfit = |message: String| Misfit { offset: span.start, message };
        let DeValue::Table(mut row) = row.into_inner() else {
            return Err(misfit(format!("a row is a table with {identity}")));
        };
        let id = text_of(&row, identity).ok_or_else(|| misfit(format!("a row names its {identity}")))?.to_owned();
        let position = merged.iter().position(|other| row_id(other, identity) == Some(id.as_str()));
        let is_removed = row.remove_entry("remove").map(|(_, value)| value);
        let before = take_text(&mut row, "before")?;
        match (is_removed.map(|value| value.get_ref().as_bool()), position) {
            (Some(Some(true)), Some(position)) => {
                merged.remove(position);
                continue;
            }
            (Some(Some(true)), None) => {
                return Err(misfit(format!("the base has no {identity} {id:?} here: nothing to remove")));
            }
            (Some(_), _) => return Err(misfit("remove = true takes a row out; leave it away otherwise".to_owned())),
            (None, _) => {}
        }
        let row = match position.map(|position| merged.remove(position).into_inner()) {
            Some(DeValue::Table(mut base)) => {
                merge(&mut base, row, false)?;
                base
            }
            Some(_) | None => row,
        };
        let index = match before {
            None => position.unwrap_or(merged.len()),
            Some(before) => merged
                .iter()
                .position(|other| row_id(other, identity) == Some(before.get_ref().as_str()))
                .ok_or_else(|| Misfit {
                    offset: before.span().start,
                    message: format!("there is no {identity} {:?} here to stand before", before.get_ref()),
                })?,
        };
        merged.insert(index, Spanned::new(span, DeValue::Table(row)));
    }
    Ok(merged.into_iter().collect())
}

fn row_id<'r>(row: &'r Spanned<DeValue<'_>>, identity: &str) -> Option<&'r str> {
    text_of(row.get_ref().as_table()?, identity)
}

fn text_of<'t>(table: &'t DeTable<'_>, key: &str) -> Option<&'t str> {
    table.get(key).and_then(|value: &Spanned<DeValue<'_>>| value.get_ref().as_str())
}
