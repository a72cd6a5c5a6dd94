//! A profile text that extends another: rows added, replaced, removed.
//!
//! Source: `docs/profile.md`, grammar version 2.
//! Owns: merging two texts before anything is judged, so that an overlay is held to every rule of a whole profile; a row that
//! one text states twice, which merging would make one.
//! Never: knows what a row means beyond the name that tells it from its neighbours.
//! Units: offsets in bytes from the start of the first text; the texts of a chain follow each other.

use std::collections::BTreeSet;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

use crate::number::Said;

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
    pub(crate) said: Said,
}

impl Misfit {
    fn new(offset: usize, en: impl Into<String>, zh: impl Into<String>) -> Self {
        Self { offset, said: Said { en: en.into(), zh: zh.into() } }
    }
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
        None => Err(Misfit::new(
            value.span().start,
            format!("{key} is a text in quotes"),
            format!("{key} 应为加引号的文字"),
        )),
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
            return Err(Misfit::new(
                choice.span().start,
                format!("{word:?} is no choice here; there are {}", known.join(", ")),
                format!("此处没有 {word:?} 这个取值；有 {}", known.join("、")),
            ));
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
        return Err(Misfit::new(value.span().start, "unset is a list of keys", "unset 应为键名的列表"));
    };
    for name in names.iter() {
        let word = name.get_ref().as_str().unwrap_or_default();
        if base.remove_entry(word).is_none() {
            return Err(Misfit::new(
                name.span().start,
                format!("the base has no {word:?} here: nothing to unset"),
                format!("基础描述此处没有 {word:?}，无可取消（unset）"),
            ));
        }
    }
    Ok(())
}

fn merge_rows<'i>(rows: DeArray<'i>, over: DeArray<'i>, identity: &'static str) -> Result<DeArray<'i>, Misfit> {
    let mut merged: Vec<Spanned<DeValue<'i>>> = rows.into_iter().collect();
    // Rows that this text stated: a second one of the same name would be taken for a change of the first.
    let mut stated = BTreeSet::new();
    for row in over {
        let span = row.span();
        let misfit = |en: String, zh: String| Misfit::new(span.start, en, zh);
        let DeValue::Table(mut row) = row.into_inner() else {
            return Err(misfit(format!("a row is a table with {identity}"), format!("每一行应为含 {identity} 的表")));
        };
        let Some((id, at)) = named(&row, identity) else {
            return Err(misfit(format!("a row names its {identity}"), format!("每一行须写明 {identity}")));
        };
        let position = merged.iter().position(|other| row_id(other, identity) == Some(id.as_str()));
        let is_removed = row.remove_entry("remove").map(|(_, value)| value);
        let before = take_text(&mut row, "before")?;
        if stated.contains(&id) {
            return Err(Misfit::new(
                at,
                format!("this text has a row with {identity} {id:?} already: each row has an {identity} of its own"),
                format!("本文件中 {identity} 为 {id:?} 的行已写过一次：每一行的 {identity} 不得重复"),
            ));
        }
        match (is_removed.map(|value| value.get_ref().as_bool()), position) {
            // A row taken out may be stated anew after that.
            (Some(Some(true)), Some(position)) => {
                merged.remove(position);
                continue;
            }
            (Some(Some(true)), None) => {
                return Err(misfit(
                    format!("the base has no {identity} {id:?} here: nothing to remove"),
                    format!("基础描述此处没有 {identity} 为 {id:?} 的行，无可删除（remove）"),
                ));
            }
            (Some(_), _) => {
                return Err(misfit(
                    "remove = true takes a row out; leave it away otherwise".to_owned(),
                    "remove = true 表示删除该行；不删除时不写 remove".to_owned(),
                ));
            }
            (None, _) => {}
        }
        stated.insert(id);
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
                .ok_or_else(|| {
                    let before_id = before.get_ref();
                    Misfit::new(
                        before.span().start,
                        format!("there is no {identity} {before_id:?} here to stand before"),
                        format!("此处没有 {identity} 为 {before_id:?} 的行，不能排在它之前（before）"),
                    )
                })?,
        };
        merged.insert(index, Spanned::new(span, DeValue::Table(row)));
    }
    Ok(merged.into_iter().collect())
}

/// The name that a row states, and where it stands.
fn named(row: &DeTable<'_>, identity: &str) -> Option<(String, usize)> {
    let value = row.get(identity)?;
    Some((value.get_ref().as_str()?.to_owned(), value.span().start))
}

fn row_id<'r>(row: &'r Spanned<DeValue<'_>>, identity: &str) -> Option<&'r str> {
    text_of(row.get_ref().as_table()?, identity)
}

fn text_of<'t>(table: &'t DeTable<'_>, key: &str) -> Option<&'t str> {
    table.get(key).and_then(|value: &Spanned<DeValue<'_>>| value.get_ref().as_str())
}
