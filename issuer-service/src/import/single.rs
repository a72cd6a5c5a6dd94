//! One person at the counter: one JSON object instead of a file.
//!
//! Owns: reading it within bounds, the same checks as those of a file, one act. Never: takes data from the command line,
//! where everybody on the machine can read them.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use card_core::security::CityCode;
use serde::Serialize;

use super::check::Checks;
use super::column::Column;
use super::fault::Fault;
use super::table::{Layout, Row};
use super::{ImportError, json};
use crate::audit::Act;
use crate::clock;
use crate::lang::Lang;
use crate::output::Show;
use crate::person::Details;
use crate::person::dossier::Statement;
use crate::person::field::{Field, Fields};
use crate::person::no_card::NoCard;
use crate::person::rule::PeopleRules;
use crate::registry::source::Source;
use crate::registry::{self, Done};
use crate::store::Store;

/// Bytes of the object.
pub const BYTES_MAX: u64 = 1 << 16;

/// What came of it, and which keys of the object nobody reads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Answer {
    /// What came of it.
    #[serde(flatten)]
    pub upserted: Upserted,
    /// Keys that mean nothing here.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ignored_keys: Vec<String>,
    /// Fields that the source takes back though it never spoke of them: what is held stays.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub not_said: Vec<&'static str>,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "outcome", rename_all = "lowercase")]
pub enum Upserted {
    /// Registered.
    Created {
        /// Row number.
        id: i64,
        /// Why no card can be made.
        #[serde(skip_serializing_if = "Option::is_none")]
        no_card: Option<NoCard>,
        /// Row number of another one of this name and birth date.
        #[serde(skip_serializing_if = "Option::is_none")]
        alike: Option<i64>,
    },
    /// Something new is known.
    Changed {
        /// Row number.
        id: i64,
        /// Fields whose held value changed.
        changed: Vec<&'static str>,
        /// Fields on which sources differ now.
        conflicts: Vec<&'static str>,
        /// Why no card can be made.
        #[serde(skip_serializing_if = "Option::is_none")]
        no_card: Option<NoCard>,
    },
    /// Known already.
    Unchanged {
        /// Row number.
        id: i64,
        /// Why no card can be made.
        #[serde(skip_serializing_if = "Option::is_none")]
        no_card: Option<NoCard>,
    },
    /// Refused, with every fault.
    Refused {
        /// Faults.
        faults: Vec<Refused>,
    },
}

/// What an object says of somebody's number.
#[derive(Debug)]
pub(crate) enum Told {
    /// It is one.
    Details(Box<Details>),
    /// It is none.
    Faults(Vec<Refused>),
}

/// One fault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Refused {
    /// Key of the object.
    pub column: String,
    /// Code.
    pub code: &'static str,
    /// Value, masked.
    pub value: String,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub remedy: &'static str,
}

/// Reads the object: from a file, or by `standard_input` when the path is `-`.
///
/// # Errors
/// [`ImportError::NotFound`], [`ImportError::Unreadable`], also when it is longer than [`BYTES_MAX`].
pub fn read(path: &Path, standard_input: impl FnOnce() -> io::Result<Vec<u8>>) -> Result<Vec<u8>, ImportError> {
    let bytes = if path.as_os_str() == "-" {
        standard_input()
    } else {
        File::open(path).and_then(|file| {
            let mut bytes = Vec::new();
            file.take(BYTES_MAX + 1).read_to_end(&mut bytes).map(|_| bytes)
        })
    };
    let unreadable = |source| ImportError::Unreadable { path: path.to_owned(), source };
    let bytes = bytes.map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => ImportError::NotFound { path: path.to_owned() },
        _ => unreadable(source),
    })?;
    let fits = u64::try_from(bytes.len()).is_ok_and(|length| length <= BYTES_MAX);
    if fits { Ok(bytes) } else { Err(unreadable(io::ErrorKind::FileTooLarge.into())) }
}

/// Takes in what the object says about somebody of this prefecture, whom the site registers by its rules.
///
/// # Errors
/// [`ImportError::Table`] when it is no object, or has neither number nor name; faults of values are no error.
pub fn upsert(
    store: &mut Store,
    text: &[u8],
    source: &Source,
    (city, people): (CityCode, PeopleRules),
    actor: &str,
    lang: Lang,
) -> Result<Answer, ImportError> {
    let table = |source| ImportError::Table { path: "-".into(), source };
    let (keys, cells) = json::one(text).map_err(table)?;
    let layout = Layout::of(1, keys, &source.mapping).map_err(table)?;
    let checks = Checks::new(&layout, city, people);
    let ignored_keys = layout.ignored();
    let row = Row { line: 1, cells: Ok(layout.picked(cells)) };
    let details = match checks.check(&row) {
        Ok(details) => details,
        Err(faults) => {
            let upserted = Upserted::Refused { faults: told(&faults, &layout, lang) };
            return Ok(Answer { upserted, ignored_keys, not_said: Vec::new() });
        }
    };
    let taken_back = checks.taken_back(&row);
    store.act(|tx| {
        let at = clock::seconds();
        let fields = checks.fields().without(taken_back);
        let statement = Statement { source: source.id, at, import: 0, row: 0, details: &details, fields, taken_back };
        let outcome = registry::upsert(tx, &statement)?;
        let (id, no_card) = (outcome.id, outcome.no_card);
        let keys = |fields: Fields| fields.iter().map(Field::key).collect();
        let (upserted, done) = match outcome.done {
            Done::Created => {
                let alike = tx.alike(&details, Some(id))?;
                (Upserted::Created { id, no_card, alike }, "created")
            }
            Done::Changed(heard) => {
                let (changed, conflicts) = (keys(heard.changed), keys(outcome.conflicts));
                (Upserted::Changed { id, changed, conflicts, no_card }, "changed")
            }
            Done::Unchanged => (Upserted::Unchanged { id, no_card }, "unchanged"),
        };
        let (actor, object, detail) = (actor.to_owned(), format!("person {id}"), format!("{done} by {}", source.name));
        let not_said = keys(outcome.unsaid);
        Ok((Answer { upserted, ignored_keys, not_said }, Act { actor, act: "person.upsert", object, detail }))
    })
}

/// Reads what an object says of the number of somebody who is registered; what it does not say of the other columns is `held`.
///
/// # Errors
/// See [`upsert`].
pub(crate) fn identity<'a>(
    text: &[u8],
    held: &impl Fn(Column) -> Option<&'a str>,
    (city, people): (CityCode, PeopleRules),
    lang: Lang,
) -> Result<Told, ImportError> {
    let table = |source| ImportError::Table { path: "-".into(), source };
    let (mut keys, mut cells) = json::one(text).map_err(table)?;
    let meant = |keys: &[String], column| {
        keys.iter().any(|key| Column::of_header(key).is_some_and(|(known, _)| known == column))
    };
    // A citizen number tells sex and birth date itself; where a certificate is shown they are those that are known.
    let certified = meant(&keys, Column::CertificateType);
    for column in [Column::Name, Column::Sex, Column::BirthDate] {
        if let Some(value) = held(column).filter(|_| column == Column::Name || certified)
            && !meant(&keys, column)
        {
            keys.push(column.key().to_owned());
            cells.push(Ok(value.to_owned()));
        }
    }
    let layout = Layout::of(1, keys, &[]).map_err(table)?;
    let checks = Checks::new(&layout, city, people);
    let row = Row { line: 1, cells: Ok(layout.picked(cells)) };
    Ok(match checks.check(&row) {
        Ok(details) => Told::Details(Box::new(details)),
        Err(faults) => Told::Faults(told(&faults, &layout, lang)),
    })
}

fn told(faults: &[Fault], layout: &Layout, lang: Lang) -> Vec<Refused> {
    let one = |fault: &Fault| Refused {
        column: fault.column.map(|column| layout.header(column)).unwrap_or_default(),
        code: fault.code.name(),
        value: fault.value.to_string(),
        message: fault.code.message(lang),
        remedy: fault.code.remedy(lang),
    };
    faults.iter().map(one).collect()
}

impl Show for Answer {
    fn text(&self, lang: Lang) -> String {
        let mut told = self.upserted.text(lang);
        if !self.not_said.is_empty() {
            let label = |key: &&'static str| Field::of_key(key).map_or(*key, |field| field.label(lang));
            let fields = self.not_said.iter().map(label).collect::<Vec<_>>().join(lang.pick("、", ", "));
            told += &lang.pick(
                format!("\n说明: 该来源没有说过{fields}，现值不变；裁定为无: issuer person merge 编号 --none --field 字段"),
                format!("\nnote: the source never spoke of {fields}, what is held stays; to decide that none is known: issuer person merge ID --none --field FIELD"),
            );
        }
        if self.ignored_keys.is_empty() {
            return told;
        }
        let keys = self.ignored_keys.join(lang.pick("、", ", "));
        lang.pick(format!("{told}\n说明: 未读的键 {keys}"), format!("{told}\nnote: keys not read: {keys}"))
    }
}

impl Show for Upserted {
    fn text(&self, lang: Lang) -> String {
        let label = |key: &&'static str| Field::of_key(key).map_or(*key, |field| field.label(lang));
        let list = |fields: &[&'static str]| fields.iter().map(label).collect::<Vec<_>>().join(lang.pick("、", ", "));
        let no_card = match self {
            Self::Created { no_card, .. } | Self::Changed { no_card, .. } | Self::Unchanged { no_card, .. } => *no_card,
            Self::Refused { .. } => None,
        };
        let told = match self {
            Self::Created { id, alike: Some(other), .. } => lang.pick(
                format!("已登记，编号 {id}\n说明: 人员 {other} 姓名、出生日期相同，核对是否同一人；是则 issuer person join {id} --into {other}"),
                format!(
                    "registered as person {id}\nnote: person {other} has this name and birth date: see whether it is one person; if so, issuer person join {id} --into {other}"
                ),
            ),
            Self::Created { id, .. } => lang.pick(format!("已登记，编号 {id}"), format!("registered as person {id}")),
            Self::Unchanged { id, .. } => lang.pick(format!("人员 {id} 未变"), format!("nothing new of person {id}")),
            Self::Changed { id, changed, conflicts, .. } => {
                let part = |zh: &'static str, en: &'static str, fields: &[&'static str]| {
                    (!fields.is_empty()).then(|| format!("{} {}", lang.pick(zh, en), list(fields)))
                };
                let parts = [part("变更", "changed", changed), part("说法不一", "sources differ on", conflicts)];
                let parts: Vec<String> = parts.into_iter().flatten().collect();
                let told = if parts.is_empty() {
                    lang.pick("来源有新说法，现值未变", "a source says it too; what is held stays").to_owned()
                } else {
                    parts.join(lang.pick("；", "; "))
                };
                lang.pick(format!("人员 {id}: {told}"), format!("person {id}: {told}"))
            }
            Self::Refused { faults } => {
                let line = |fault: &Refused| {
                    let Refused { column, code, value, message, remedy } = fault;
                    format!("{column} [{value}] {code}: {message}. {remedy}")
                };
                faults.iter().map(line).collect::<Vec<_>>().join("\n")
            }
        };
        let Some(why) = no_card else { return told };
        let (why, next) = (why.text(lang), why.next(lang));
        lang.pick(format!("{told}\n不能制卡: {why}。{next}"), format!("{told}\nno card can be made: {why}; {next}"))
    }
}
