//! The work list of conflicts (冲突清单), and the decisions that empty it.
//!
//! Owns: what an operator sees of a conflict, masked; the merge of one field or of many, which keeps every statement and
//! every former value. Never: decides by itself.

use serde::Serialize;

use super::RegistryError;
use crate::card::update::{self, Origin};
use crate::lang::Lang;
use crate::output::Show;
use crate::person::dossier::{DECIDED, Dossier, INFERRED, SourceId, Standing};
use crate::person::field::{Field, Fields};
use crate::person::mask;
use crate::registry::identity::FormerShown;
use crate::registry::source::Source;
use crate::store::{StoreError, Tx};

/// People of a bulk decision that one transaction takes.
const PEOPLE_A_TRANSACTION: u32 = 500;

/// Conflicts to be decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WorkList {
    /// People on whom sources differ.
    pub total: u64,
    /// The first of them.
    pub people: Vec<Case>,
}

/// A person on whom sources differ.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Case {
    /// Row number.
    pub id: i64,
    /// Number, masked.
    pub number: String,
    /// What is in question.
    pub fields: Vec<Question>,
}

/// One field in question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Question {
    /// Field.
    pub field: &'static str,
    /// What is held, masked.
    pub held: String,
    /// What sources say, masked.
    pub said: Vec<Voice>,
}

/// What a source says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Voice {
    /// Source.
    pub source: String,
    /// Value, masked.
    pub value: String,
    /// Since when.
    pub since: String,
    /// Whether it is the value held.
    pub agrees: bool,
}

/// Everything known of a person's fields, now and before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct History {
    /// Row number.
    pub id: i64,
    /// Number, masked.
    pub number: String,
    /// Numbers before this one, the latest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub former_numbers: Vec<FormerShown>,
    /// Row in which the person goes on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub joined_into: Option<i64>,
    /// Rows that were found to be this person's.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub joined: Vec<i64>,
    /// Lines by field, the value held first.
    pub lines: Vec<HistoryLine>,
}

/// One line of a history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HistoryLine {
    /// Field.
    pub field: &'static str,
    /// Value, masked.
    pub value: String,
    /// Who said it: a source, `decision` or `inferred`.
    pub source: String,
    /// Since when.
    pub since: String,
    /// Until when, for what is past.
    pub until: Option<String>,
    /// `held`, `agrees`, `conflicts`, `settled` or `past`.
    pub standing: &'static str,
}

/// What a merge is to do.
#[derive(Clone, Copy, Debug)]
pub struct Choice {
    /// Fields; of the others nothing is decided.
    pub fields: Fields,
    /// What is to be held.
    pub take: Take,
}

/// What is to be held of a field from now on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Take {
    /// What is held.
    Held,
    /// What this source says.
    Source(SourceId),
    /// Nothing: what was said is wrong.
    Nothing,
}

impl Take {
    fn decide(self, dossier: &mut Dossier, field: Field, now: u64) -> bool {
        match self {
            Self::Held => dossier.decide(field, None, now),
            Self::Source(source) => dossier.decide(field, Some(source), now),
            Self::Nothing => dossier.clear(field, now),
        }
    }
}

/// What a merge did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Merged {
    /// People whose conflicts were decided.
    pub people: u64,
    /// Fields decided.
    pub fields: u64,
}

/// The next cases after a person.
///
/// # Errors
/// [`StoreError`].
pub fn list(tx: &Tx<'_>, sources: &[Source], after: i64, limit: u32) -> Result<WorkList, StoreError> {
    let mut people = Vec::new();
    for id in tx.people_in_conflict(after, limit)? {
        if let Some(dossier) = tx.dossier(id)? {
            people.push(case(id, &dossier, sources));
        }
    }
    Ok(WorkList { total: tx.conflict_count()?, people })
}

/// The history of a person; masked unless an operator has stated a reason.
///
/// # Errors
/// [`RegistryError::PersonUnknown`].
pub fn history(tx: &Tx<'_>, sources: &[Source], id: i64, revealed: bool) -> Result<History, RegistryError> {
    let dossier = tx.dossier(id)?.ok_or(RegistryError::PersonUnknown { id })?;
    let lines = dossier.history().into_iter().map(|line| HistoryLine {
        field: line.field.key(),
        value: if revealed { line.value.to_owned() } else { line.field.masked(line.value) },
        source: name(sources, line.source),
        since: crate::clock::instant(line.since),
        until: if let Standing::Past(until) = line.standing { Some(crate::clock::instant(until)) } else { None },
        standing: match line.standing {
            Standing::Held => "held",
            Standing::Agrees => "agrees",
            Standing::Conflicts => "conflicts",
            Standing::Settled => "settled",
            Standing::Past(_) => "past",
        },
    });
    let formers = tx.former_numbers(id)?;
    Ok(History {
        id,
        former_numbers: formers.iter().map(|former| FormerShown::of(former, revealed)).collect(),
        joined_into: tx.joined_into(id)?,
        joined: tx.rows_joined_into(id)?,
        number: if revealed { dossier.number().to_owned() } else { mask(dossier.number(), 2, 2) },
        lines: lines.collect(),
    })
}

/// Decides about one person.
///
/// # Errors
/// [`RegistryError::PersonUnknown`], [`RegistryError::NothingSaid`] when the source does not speak of one of the fields.
pub fn merge(tx: &Tx<'_>, id: i64, choice: Choice) -> Result<Merged, RegistryError> {
    let mut dossier = tx.dossier(id)?.ok_or(RegistryError::PersonUnknown { id })?;
    let now = crate::clock::seconds();
    let mut merged = Merged { people: 1, fields: 0 };
    let before = dossier.clone();
    for field in choice.fields.iter() {
        if !choice.take.decide(&mut dossier, field, now) {
            let everybodys = choice.take == Take::Nothing;
            return Err(if everybodys {
                RegistryError::Everybodys { field }
            } else {
                RegistryError::NothingSaid { id }
            });
        }
        merged.fields += 1;
    }
    put(tx, id, &before, &dossier)?;
    Ok(merged)
}

/// Decides about the next people after `after` on whom sources differ, as far as the source speaks of the fields; what was
/// done, and the last person looked at, none at the end.
///
/// # Errors
/// [`StoreError`].
pub fn merge_next(tx: &Tx<'_>, after: i64, choice: Choice) -> Result<(Merged, Option<i64>), StoreError> {
    let ids = tx.people_in_conflict(after, PEOPLE_A_TRANSACTION)?;
    let now = crate::clock::seconds();
    let mut merged = Merged::default();
    for id in &ids {
        let Some(mut dossier) = tx.dossier(*id)? else { continue };
        let before = dossier.clone();
        let open: Vec<Field> = dossier.conflicts().iter().filter(|field| choice.fields.has(*field)).collect();
        let decided = open.into_iter().filter(|field| choice.take.decide(&mut dossier, *field, now)).count();
        if decided > 0 {
            put(tx, *id, &before, &dossier)?;
            merged.people += 1;
            merged.fields += u64::try_from(decided).unwrap_or_default();
        }
    }
    Ok((merged, ids.last().copied()))
}

/// Keeps what was decided; the person's cards follow what is held now.
pub(super) fn put(tx: &Tx<'_>, id: i64, before: &Dossier, dossier: &Dossier) -> Result<(), StoreError> {
    tx.put_dossier(id, dossier)?;
    let changed = Field::ALL.into_iter().filter(|field| before.value(*field) != dossier.value(*field));
    update::follow(tx, id, changed.fold(Fields::NONE, Fields::with).into(), Origin::Registry)
}

fn case(id: i64, dossier: &Dossier, sources: &[Source]) -> Case {
    let question = |field: Field| {
        let voice = |source: SourceId| {
            let value = dossier.says(source, field)?;
            let lines = dossier.history();
            let line = lines.iter().find(|line| line.field == field && line.source == source && line.value == value)?;
            Some(Voice {
                source: name(sources, source),
                value: field.masked(value),
                since: crate::clock::instant(line.since),
                agrees: value == dossier.value(field),
            })
        };
        let said = dossier.sources().filter_map(voice).collect();
        Question { field: field.key(), held: field.masked(dossier.value(field)), said }
    };
    Case { id, number: mask(dossier.number(), 2, 2), fields: dossier.conflicts().iter().map(question).collect() }
}

fn name(sources: &[Source], id: SourceId) -> String {
    match id {
        DECIDED => "decision".to_owned(),
        INFERRED => "inferred".to_owned(),
        _ => {
            sources.iter().find(|source| source.id == id).map_or_else(|| format!("#{id}"), |source| source.name.clone())
        }
    }
}

fn label(key: &'static str, lang: Lang) -> &'static str {
    Field::of_key(key).map_or(key, |field| field.label(lang))
}

impl Show for WorkList {
    fn text(&self, lang: Lang) -> String {
        let mut lines = Vec::new();
        for Case { id, number, fields } in &self.people {
            lines.push(format!("{id:>6}  {number}"));
            for Question { field, held, said } in fields {
                let said: Vec<String> = said.iter().map(|voice| format!("{} {}", voice.source, voice.value)).collect();
                let (label, said) = (label(field, lang), said.join(lang.pick("，", ", ")));
                lines.push(lang.pick(
                    format!("        {label}: 现为 {held}；{said}"),
                    format!("        {label}: held {held}; {said}"),
                ));
            }
        }
        let (total, shown) = (self.total, self.people.len());
        lines.push(
            lang.pick(format!("待处理 {total} 人，列出 {shown} 人"), format!("{shown} of {total} people to decide")),
        );
        lines.join("\n")
    }
}

impl Show for History {
    fn text(&self, lang: Lang) -> String {
        let mut lines = vec![format!("{:>6}  {}", self.id, self.number)];
        lines.extend(self.former_numbers.iter().map(|former| former.line(lang)));
        lines.extend(
            self.joined_into
                .map(|into| lang.pick(format!("  已并入人员 {into}"), format!("  goes on as person {into}"))),
        );
        lines.extend(
            self.joined.iter().map(|row| lang.pick(format!("  并入的人员 {row}"), format!("  was person {row} too"))),
        );
        for line in &self.lines {
            let until = line.until.as_ref().map_or_else(String::new, |until| format!(" – {until}"));
            let standing = match line.standing {
                "held" => lang.pick("现值", "held"),
                "agrees" => lang.pick("相同", "agrees"),
                "conflicts" => lang.pick("冲突", "conflicts"),
                "settled" => lang.pick("已裁定", "settled"),
                _ => lang.pick("曾为", "past"),
            };
            let (label, value, source, since) = (label(line.field, lang), &line.value, &line.source, &line.since);
            lines.push(format!("  {label}  {standing}  {value}  {source}  {since}{until}"));
        }
        lines.join("\n")
    }
}

impl Show for Merged {
    fn text(&self, lang: Lang) -> String {
        let Self { people, fields } = self;
        lang.pick(
            format!("已裁定 {people} 人 {fields} 项，原有各方数据均保留"),
            format!("{fields} fields of {people} people decided; every statement is kept"),
        )
    }
}
