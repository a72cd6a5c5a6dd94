//! What came of a file about contributions or account years.
//!
//! Owns: counts, faults, their form as JSON and text. Never: shows an unmasked value.

use std::collections::BTreeMap;

use serde::Serialize;

use super::column::Kind;
use super::fault::Fault;
use crate::lang::Lang;
use crate::output::Show;

/// Faults shown as text; JSON has up to [`FAULTS_MAX`].
const SHOWN_MAX: usize = 50;
/// Faults that are kept; all are counted.
const FAULTS_MAX: usize = 100_000;

/// The outcome. With one fault nothing of the file is kept.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// What the file is about.
    pub kind: Kind,
    /// Number of the import; none when nothing was kept.
    pub import: Option<i64>,
    /// Rows about a month or year that was not on record.
    pub created: u64,
    /// Rows that stand so already.
    pub unchanged: u64,
    /// Rows that took the place of others.
    pub replaced: u64,
    /// Rows with a fault.
    pub refused: u64,
    /// Whether nothing was to be kept.
    pub dry_run: bool,
    /// How often each fault was found.
    pub fault_counts: BTreeMap<&'static str, u64>,
    /// The faults, in order of row.
    pub faults: Vec<Line>,
}

/// A fault as it is told.
#[derive(Clone, Debug, Serialize)]
pub struct Line {
    /// Line in the file.
    pub row: u64,
    /// Plain header of the column; none when the whole row is meant.
    pub column: Option<&'static str>,
    /// Stable code.
    pub code: &'static str,
    /// The value, masked.
    pub value: Box<str>,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub remedy: &'static str,
}

impl Report {
    pub(super) const fn new(kind: Kind, dry_run: bool) -> Self {
        Self {
            kind,
            import: None,
            created: 0,
            unchanged: 0,
            replaced: 0,
            refused: 0,
            dry_run,
            fault_counts: BTreeMap::new(),
            faults: Vec::new(),
        }
    }

    /// Counts a row with its faults.
    pub(super) fn refuse(&mut self, faults: Vec<Fault>, lang: Lang) {
        self.refused += 1;
        for Fault { row, column, code, value } in faults {
            *self.fault_counts.entry(code.name()).or_default() += 1;
            if self.faults.len() < FAULTS_MAX {
                let column = column.map(super::column::Column::header);
                let (message, remedy) = (code.message(lang), code.remedy(lang));
                self.faults.push(Line { row, column, code: code.name(), value, message, remedy });
            }
        }
    }

    /// Rows that have no fault.
    #[must_use]
    pub const fn good(&self) -> u64 {
        self.created + self.unchanged + self.replaced
    }
}

impl Show for Report {
    fn text(&self, lang: Lang) -> String {
        let whole = lang.pick("整行", "whole row");
        let line = |fault: &Line| {
            let Line { row, column, code, value, message, remedy } = fault;
            let column = column.unwrap_or(whole);
            lang.pick(
                format!("第 {row} 行 {column} [{value}] {code}: {message}。{remedy}"),
                format!("line {row} {column} [{value}] {code}: {message}. {remedy}"),
            )
        };
        let mut lines: Vec<String> = self.faults.iter().take(SHOWN_MAX).map(line).collect();
        let more = self.faults.len().saturating_sub(SHOWN_MAX);
        if more > 0 {
            lines.push(
                lang.pick(
                    format!("… 另有 {more} 处，见 --format json"),
                    format!("… and {more} more; see --format json"),
                ),
            );
        }
        let Self { created, unchanged, replaced, refused, .. } = self;
        let kind = match self.kind {
            Kind::Contributions => lang.pick("缴费", "contributions"),
            Kind::Accounts => lang.pick("个人账户", "account years"),
        };
        let end = match (self.refused, self.dry_run) {
            (0, false) => String::new(),
            (0, true) => lang.pick("（试运行，未改动）", " (dry run, nothing was changed)").to_owned(),
            _ => lang.pick("；有错行，整个文件未导入", "; nothing of the file was kept").to_owned(),
        };
        lines.push(lang.pick(
            format!("{kind}: 新增 {created} 行，未变 {unchanged} 行，更正 {replaced} 行，错 {refused} 行{end}"),
            format!("{kind}: {created} new, {unchanged} unchanged, {replaced} replaced, {refused} faulty{end}"),
        ));
        lines.join("\n")
    }
}
