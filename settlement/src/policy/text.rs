//! A policy text, row by row.
//!
//! Source: TOML 1.1; the rows are listed in docs/policy.md.
//! Owns: the list of rows, their forms, where a fault stands. Never: a default for a row that is missing.

use std::collections::BTreeSet;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{Part, Policy, Word};
use crate::quantity::Ratio;

/// The rows of a policy, all needed.
pub const ROWS: [&str; 11] = [
    "format",
    "name",
    "ceiling",
    "account-pays",
    "shortfall",
    "pool-share",
    "pool-needs-prescription",
    "rounding",
    "pool-rounds",
    "over-quantity",
    "assumed",
];

/// One thing wrong with a policy text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {problem}")]
pub struct PolicyFault {
    /// Line, from 1.
    pub line: usize,
    /// Character of the line, from 1.
    pub column: usize,
    /// What.
    pub problem: PolicyProblem,
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyProblem {
    /// Not TOML; what the parser says.
    #[error("not TOML: {0}")]
    Syntax(String),
    /// A row that every policy has.
    #[error("the row {0} is missing")]
    RowMissing(&'static str),
    /// A row that no policy has.
    #[error("no policy has the row {0}")]
    RowUnknown(String),
    /// Another grammar.
    #[error("format: policy format {0} is not known here; 1 is")]
    Format(String),
    /// Name.
    #[error("name: write 1 to {NAME_CHARACTERS_MAX} characters without control characters")]
    Name,
    /// A word that the row does not know.
    #[error("{row}: {found:?} is not one of {}", quoted(words))]
    NotOneOf {
        /// Row.
        row: &'static str,
        /// Word there.
        found: String,
        /// Words that it knows.
        words: Vec<&'static str>,
    },
    /// No word at all.
    #[error("{row}: write a word in quotes: one of {}", quoted(words))]
    NotWord {
        /// Row.
        row: &'static str,
        /// Words that it knows.
        words: Vec<&'static str>,
    },
    /// The same part again.
    #[error("{row}: {word:?} stands there twice")]
    Twice {
        /// Row.
        row: &'static str,
        /// Word.
        word: &'static str,
    },
    /// A share.
    #[error("{0}: write a share from \"0\" to \"1\" with at most four decimals, in quotes")]
    NotShare(&'static str),
    /// Yes or no.
    #[error("{0}: write true or false")]
    NotFlag(&'static str),
    /// A list of texts.
    #[error("{0}: write a list of texts in quotes, or []")]
    NotTexts(&'static str),
}

/// Characters of a policy's name: it stands on a receipt.
const NAME_CHARACTERS_MAX: usize = 64;

fn quoted(words: &[&str]) -> String {
    words.iter().map(|word| format!("{word:?}")).collect::<Vec<_>>().join(", ")
}

pub(super) fn parse(text: &str) -> Result<Policy, Vec<PolicyFault>> {
    let table = match DeTable::parse(text) {
        Ok(table) => table,
        Err(error) => {
            let problem = PolicyProblem::Syntax(error.message().to_owned());
            return Err(vec![fault(text, error.span().map_or(0, |span| span.start), problem)]);
        }
    };
    let mut reader = Reader { text, table: table.get_ref(), faults: Vec::new() };
    reader.no_other_rows();
    let is_format = reader.format().is_some();
    let policy = reader.policy();
    match policy.filter(|_| is_format && reader.faults.is_empty()) {
        Some(policy) => Ok(policy),
        None => {
            reader.faults.sort_by_key(|fault| (fault.line, fault.column));
            Err(reader.faults)
        }
    }
}

struct Reader<'t> {
    text: &'t str,
    table: &'t DeTable<'t>,
    faults: Vec<PolicyFault>,
}

type Found<'t> = &'t Spanned<DeValue<'t>>;

impl<'t> Reader<'t> {
    fn policy(&mut self) -> Option<Policy> {
        // Every row is read, so that every fault is told.
        let (name, ceiling, account_pays) = (self.name(), self.one("ceiling"), self.parts("account-pays"));
        let (shortfall, pool_share) = (self.one("shortfall"), self.share("pool-share"));
        let (needs, rounding) = (self.flag("pool-needs-prescription"), self.one("rounding"));
        let (pool_rounds, over_quantity) = (self.one("pool-rounds"), self.one("over-quantity"));
        let assumed = self.texts("assumed");
        Some(Policy {
            name: name?,
            ceiling: ceiling?,
            account_pays: account_pays?,
            shortfall: shortfall?,
            pool_share: pool_share?,
            pool_needs_prescription: needs?,
            rounding: rounding?,
            pool_rounds: pool_rounds?,
            over_quantity: over_quantity?,
            assumed: assumed?,
        })
    }

    fn no_other_rows(&mut self) {
        for key in self.table.keys() {
            let name: &str = key.get_ref();
            if !ROWS.contains(&name) {
                let shown = name.chars().filter(|c| !c.is_control()).take(40).collect();
                self.note(key.span().start, PolicyProblem::RowUnknown(shown));
            }
        }
    }

    fn row(&mut self, row: &'static str) -> Option<Found<'t>> {
        let found = self.table.iter().find(|(key, _)| key.get_ref() == row).map(|(_, value)| value);
        if found.is_none() {
            self.note(self.text.len(), PolicyProblem::RowMissing(row));
        }
        found
    }

    fn format(&mut self) -> Option<()> {
        let value = self.row("format")?;
        match value.get_ref() {
            DeValue::Integer(number) if number.as_str() == "1" => Some(()),
            other => {
                let shown = match other {
                    DeValue::Integer(number) => number.as_str().to_owned(),
                    _ => other.type_str().to_owned(),
                };
                self.refuse(value, PolicyProblem::Format(shown))
            }
        }
    }

    fn name(&mut self) -> Option<String> {
        let value = self.row("name")?;
        let is_good = |name: &&str| {
            (1..=NAME_CHARACTERS_MAX).contains(&name.chars().count()) && !name.chars().any(char::is_control)
        };
        match value.get_ref().as_str().filter(is_good) {
            Some(name) => Some(name.to_owned()),
            None => self.refuse(value, PolicyProblem::Name),
        }
    }

    fn one<T: Word>(&mut self, row: &'static str) -> Option<T> {
        let value = self.row(row)?;
        self.word(row, value)
    }

    fn word<T: Word>(&mut self, row: &'static str, value: Found<'t>) -> Option<T> {
        let words = || T::WORDS.iter().map(|(word, _)| *word).collect();
        match value.get_ref().as_str() {
            None => self.refuse(value, PolicyProblem::NotWord { row, words: words() }),
            Some(found) => match T::WORDS.iter().find(|(word, _)| *word == found) {
                Some((_, meant)) => Some(*meant),
                None => {
                    let found = found.chars().take(40).collect();
                    self.refuse(value, PolicyProblem::NotOneOf { row, found, words: words() })
                }
            },
        }
    }

    fn parts(&mut self, row: &'static str) -> Option<BTreeSet<Part>> {
        let value = self.row(row)?;
        let Some(list) = value.get_ref().as_array() else { return self.refuse(value, PolicyProblem::NotTexts(row)) };
        let (mut parts, mut all_good) = (BTreeSet::new(), true);
        for item in list.iter() {
            match self.word::<Part>(row, item) {
                None => all_good = false,
                Some(part) if parts.insert(part) => {}
                Some(part) => {
                    all_good = false;
                    let word = Part::WORDS.iter().find(|(_, other)| *other == part).map_or("", |(word, _)| *word);
                    self.note(item.span().start, PolicyProblem::Twice { row, word });
                }
            }
        }
        all_good.then_some(parts)
    }

    fn share(&mut self, row: &'static str) -> Option<Ratio> {
        let value = self.row(row)?;
        match value.get_ref().as_str().and_then(|text| Ratio::parse(text).ok()) {
            Some(share) => Some(share),
            None => self.refuse(value, PolicyProblem::NotShare(row)),
        }
    }

    fn flag(&mut self, row: &'static str) -> Option<bool> {
        let value = self.row(row)?;
        match value.get_ref().as_bool() {
            Some(flag) => Some(flag),
            None => self.refuse(value, PolicyProblem::NotFlag(row)),
        }
    }

    fn texts(&mut self, row: &'static str) -> Option<Vec<String>> {
        let value = self.row(row)?;
        let texts: Option<Vec<String>> = value
            .get_ref()
            .as_array()
            .and_then(|list| list.iter().map(|item| item.get_ref().as_str().map(str::to_owned)).collect());
        match texts {
            Some(texts) => Some(texts),
            None => self.refuse(value, PolicyProblem::NotTexts(row)),
        }
    }

    fn refuse<T>(&mut self, value: Found<'t>, problem: PolicyProblem) -> Option<T> {
        self.note(value.span().start, problem);
        None
    }

    fn note(&mut self, at: usize, problem: PolicyProblem) {
        self.faults.push(fault(self.text, at, problem));
    }
}

/// A fault at a byte of the text.
fn fault(text: &str, at: usize, problem: PolicyProblem) -> PolicyFault {
    let at = (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    let head = text.get(..at).unwrap_or_default();
    let line = 1 + head.matches('\n').count();
    let column = 1 + head.rsplit('\n').next().unwrap_or_default().chars().count();
    PolicyFault { line, column, problem }
}
