//! Finding people (查找) by number, name or batch, without any text of theirs standing open in the database.
//!
//! Owns: what a search is for, a page of them. Never: finds parts of a name: a keyed hash knows the whole only.

use serde::Serialize;

use crate::lang::Lang;
use crate::output::Show;
use crate::person::number::Number;
use crate::person::{Details, Masked, Person, name};
use crate::store::{StoreError, Tx};

/// What people are found by. It is read from the standard input, since arguments are seen by everybody on the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum By {
    /// Social security numbers.
    Number,
    /// Names.
    Name,
}

/// Row numbers of people with one of these numbers, now or before, or names, in order, each once: a page of `limit`, behind `after`. A number or name that
/// cannot be one finds nobody.
///
/// # Errors
/// [`StoreError`].
pub fn find(
    tx: &Tx<'_>,
    by: By,
    texts: impl Iterator<Item = String>,
    (after, limit): (i64, u32),
) -> Result<Vec<i64>, StoreError> {
    let mut ids = Vec::new();
    for text in texts {
        match by {
            By::Number => {
                if let Ok(number) = Number::parse(text.trim().to_ascii_uppercase().as_str())
                    && let Some(known) = tx.known_by_any_number(number.as_str(), true)?
                    && known.id > after
                {
                    ids.push(known.id);
                }
            }
            By::Name => {
                if let Ok(name) = name::normalize(&text) {
                    ids.extend(tx.people_named(&name, after, limit)?);
                }
            }
        }
    }
    ids.sort_unstable();
    ids.dedup();
    ids.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    Ok(ids)
}

/// People of row numbers, masked.
///
/// # Errors
/// [`StoreError`].
pub fn masked(tx: &Tx<'_>, ids: &[i64]) -> Result<Vec<Masked>, StoreError> {
    let mut people = Vec::with_capacity(ids.len());
    for id in ids {
        people.extend(tx.person(*id)?.as_ref().map(Masked::from));
    }
    Ok(people)
}

/// A person's data as they are, for an operator with a reason.
#[derive(Clone, Serialize)]
pub struct Revealed {
    id: i64,
    number: String,
    name: String,
    name_raw: String,
    sex: String,
    ethnic_group: String,
    birth_date: String,
    region: String,
    address: String,
    phone: String,
    employer: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    certificate: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    alive: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    name_script: String,
}

impl From<&Person> for Revealed {
    fn from(person: &Person) -> Self {
        let Details {
            number,
            name,
            name_raw,
            sex,
            ethnic_group,
            birth_date,
            region,
            address,
            phone,
            employer,
            certificate,
            alive,
            name_script,
        } = person.details.clone();
        let id = person.id;
        Self {
            id,
            number,
            name,
            name_raw,
            sex,
            ethnic_group,
            birth_date,
            region,
            address,
            phone,
            employer,
            certificate,
            alive,
            name_script,
        }
    }
}

impl std::fmt::Debug for Revealed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Revealed({})", self.id)
    }
}

impl Show for Revealed {
    fn text(&self, _lang: Lang) -> String {
        let Self {
            id,
            number,
            name,
            name_raw: _,
            sex,
            ethnic_group,
            birth_date,
            region,
            address,
            phone,
            employer,
            certificate,
            alive,
            name_script,
        } = self;
        format!(
            "{id:>6}  {number}  {name}  {sex}  {ethnic_group}  {birth_date}  {region}  {phone}  {address}  {employer}  {certificate}  {alive}  {name_script}"
        )
        .trim_end()
        .to_owned()
    }
}
