//! Comparing two sources (数据比对): on whom they agree, on whom they differ, whom one of them does not know.
//!
//! Source: cross-source comparison by number: exact, conflict, missing.
//! Owns: the counts, by field. Never: decides; shows a value.

use serde::Serialize;

use crate::lang::Lang;
use crate::output::Show;
use crate::person::dossier::{Dossier, SourceId};
use crate::person::field::Field;
use crate::store::{StoreError, Tx};

/// How two sources stand to each other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Comparison {
    /// One source.
    pub first: String,
    /// The other.
    pub second: String,
    /// People of whom both say the same, in all that both say.
    pub exact: u64,
    /// People of whom they say different things.
    pub conflict: u64,
    /// People whom only the first knows.
    pub missing_in_second: u64,
    /// People whom only the second knows.
    pub missing_in_first: u64,
    /// People on whom they differ, by field; one may count in several.
    pub fields: Vec<FieldCount>,
    /// The first people of each group, by row number.
    pub people: People,
}

/// Differences of one field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FieldCount {
    /// Field.
    pub field: &'static str,
    /// People.
    pub people: u64,
}

/// Row numbers, at most as many of each as were asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct People {
    /// On whom they differ.
    pub conflict: Vec<i64>,
    /// Whom only the first knows.
    pub missing_in_second: Vec<i64>,
    /// Whom only the second knows.
    pub missing_in_first: Vec<i64>,
}

/// A source: number and name.
pub type Side = (SourceId, String);

/// Compares two sources over everybody, in one pass.
///
/// # Errors
/// [`StoreError`].
pub fn compare(tx: &Tx<'_>, first: Side, second: Side, limit: usize) -> Result<Comparison, StoreError> {
    let mut by_field = [0_u64; Field::COUNT];
    let ((first_id, first), (second_id, second)) = (first, second);
    let mut found = Comparison {
        first,
        second,
        exact: 0,
        conflict: 0,
        missing_in_second: 0,
        missing_in_first: 0,
        fields: Vec::new(),
        people: People::default(),
    };
    let add = |count: &mut u64, people: &mut Vec<i64>, id: i64| {
        *count += 1;
        if people.len() < limit {
            people.push(id);
        }
    };
    tx.each_dossier(|id, dossier| {
        let knows = |source| dossier.sources().any(|known| known == source);
        match (knows(first_id), knows(second_id)) {
            (true, true) => {
                let different: Vec<Field> = differences(dossier, first_id, second_id).collect();
                for field in &different {
                    by_field[field.place()] += 1;
                }
                if different.is_empty() {
                    found.exact += 1;
                } else {
                    add(&mut found.conflict, &mut found.people.conflict, id);
                }
            }
            (true, false) => add(&mut found.missing_in_second, &mut found.people.missing_in_second, id),
            (false, true) => add(&mut found.missing_in_first, &mut found.people.missing_in_first, id),
            (false, false) => {}
        }
    })?;
    found.fields = Field::ALL
        .into_iter()
        .zip(by_field)
        .filter(|(_, people)| *people > 0)
        .map(|(field, people)| FieldCount { field: field.key(), people })
        .collect();
    Ok(found)
}

/// Fields of which both say something, and not the same.
fn differences(dossier: &Dossier, first: SourceId, second: SourceId) -> impl Iterator<Item = Field> {
    Field::ALL.into_iter().filter(move |field| match (dossier.says(first, *field), dossier.says(second, *field)) {
        (Some(one), Some(other)) => one != other,
        _ => false,
    })
}

impl Show for Comparison {
    fn text(&self, lang: Lang) -> String {
        let Self { first, second, exact, conflict, missing_in_second, missing_in_first, fields, people } = self;
        let list = |ids: &[i64]| ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
        let mut lines = vec![
            lang.pick(format!("一致 {exact} 人"), format!("exact: {exact}")),
            lang.pick(
                format!("不一致 {conflict} 人  {}", list(&people.conflict)),
                format!("conflict: {conflict}  {}", list(&people.conflict)),
            ),
            lang.pick(
                format!("{second} 中没有 {missing_in_second} 人  {}", list(&people.missing_in_second)),
                format!("missing in {second}: {missing_in_second}  {}", list(&people.missing_in_second)),
            ),
            lang.pick(
                format!("{first} 中没有 {missing_in_first} 人  {}", list(&people.missing_in_first)),
                format!("missing in {first}: {missing_in_first}  {}", list(&people.missing_in_first)),
            ),
        ];
        for FieldCount { field, people } in fields {
            let label = Field::of_key(field).map_or(*field, |field| field.label(lang));
            lines.push(format!("  {label}: {people}"));
        }
        lines.iter().map(|line| line.trim_end()).collect::<Vec<_>>().join("\n")
    }
}
