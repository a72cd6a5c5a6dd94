//! What came of an import, for the bureau that sent the file.
//!
//! Owns: counts, faults and notes, their form as JSON, CSV and text. Never: shows an unmasked value.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde::ser::{SerializeSeq, SerializeStruct};
use serde::{Serialize, Serializer};

use super::column::Column;
use super::fault::Fault;
use super::note::Note;
use super::report_file::Written;
use super::table::{Layout, Table};
use crate::lang::Lang;
use crate::output::{Show, json_line};
use crate::registry::{Done, Outcome};

/// Faults shown as text; the rest is in the report.
const SHOWN_MAX: usize = 50;
/// Faults that are kept. A file with more is mended in its system, not row by row; they are counted nevertheless.
const FAULTS_MAX: usize = 100_000;

/// Rows by outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// People registered now.
    pub created: u64,
    /// People registered before, of whom something new is said.
    pub changed: u64,
    /// People registered before, of whom nothing new is said.
    pub unchanged: u64,
    /// Rows refused.
    pub refused: u64,
    /// Of the changed: people on whom sources differ now.
    pub conflicting: u64,
}

impl Counts {
    /// Rows.
    #[must_use]
    pub const fn rows(&self) -> u64 {
        self.created + self.changed + self.unchanged + self.refused
    }
}

/// What is counted of accepted rows beside their outcome.
#[derive(Debug, Default)]
pub(super) struct Remarks {
    /// People without a region.
    pub(super) without_region: u64,
    /// People with a text that the chip cannot hold.
    pub(super) off_chip: u64,
    /// New people who were compared with those registered before.
    pub(super) compared: u64,
    /// Row number of the first of them.
    pub(super) first: Option<i64>,
    /// New people who have name and birth date of another one.
    pub(super) alike: u64,
    /// The first of them, 0 where nobody is registered, and the other one.
    pub(super) pairs: Vec<(i64, i64)>,
    /// Rows that take back what was never said.
    pub(super) unsaid: u64,
}

/// The outcome of an import.
#[derive(Clone, Debug)]
pub struct Report {
    counts: Counts,
    faults: Vec<Fault>,
    by_code: BTreeMap<&'static str, u64>,
    notes: Vec<Note>,
    layout: Layout,
    encoding: &'static str,
    dry_run: bool,
    lang: Lang,
}

impl Report {
    /// Of this file.
    #[must_use]
    pub fn new(table: &Table, dry_run: bool, lang: Lang) -> Self {
        let layout = table.layout().clone();
        let mut notes = Vec::new();
        if layout.line > 1 {
            notes.push(Note::HeaderLine(layout.line));
        }
        notes.extend(layout.doubled.iter().map(|(read, ignored)| Note::ColumnDoubled(read.clone(), ignored.clone())));
        for (column, note) in [
            (Column::Sex, Note::SexFromNumber),
            (Column::BirthDate, Note::BirthDateFromNumber),
            (Column::EthnicGroup, Note::EthnicGroupUnknown),
        ] {
            if !layout.has(column) {
                notes.push(note);
            }
        }
        Self {
            counts: Counts::default(),
            faults: Vec::new(),
            by_code: BTreeMap::new(),
            notes,
            layout,
            encoding: table.encoding(),
            dry_run,
            lang,
        }
    }

    /// Rows by outcome.
    #[must_use]
    pub const fn counts(&self) -> Counts {
        self.counts
    }

    /// Faults, in order of row.
    #[must_use]
    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }

    /// Whether nothing was changed.
    #[must_use]
    pub const fn is_dry_run(&self) -> bool {
        self.dry_run
    }

    /// What is worth knowing beside the faults.
    pub fn notes(&self) -> impl Iterator<Item = String> {
        self.notes.iter().map(|note| note.message(self.lang))
    }

    pub(super) fn count(&mut self, outcome: &Outcome) {
        match outcome.done {
            Done::Created => self.counts.created += 1,
            Done::Changed(_) => {
                self.counts.changed += 1;
                self.counts.conflicting += u64::from(!outcome.conflicts.is_empty());
            }
            Done::Unchanged => self.counts.unchanged += 1,
        }
    }

    /// Takes the counts of an import that is gone on with.
    pub(super) fn resume(&mut self, counts: Counts, row_done: u64) {
        self.counts = counts;
        self.notes.push(Note::Resumed(row_done));
    }

    /// Counts a refused row, and lists its faults.
    pub(super) fn refuse(&mut self, faults: Vec<Fault>) {
        self.counts.refused += 1;
        self.list(faults);
    }

    /// Lists the faults of a row that is counted already.
    pub(super) fn list(&mut self, faults: Vec<Fault>) {
        for fault in faults {
            *self.by_code.entry(fault.code.name()).or_default() += 1;
            if self.faults.len() < FAULTS_MAX {
                self.faults.push(fault);
            }
        }
    }

    /// Adds what is known only behind the last row.
    pub(super) fn finish(&mut self, remarks: Remarks) {
        let Remarks { without_region, off_chip, alike, pairs, unsaid, .. } = remarks;
        if !self.layout.has(Column::Region) {
            self.notes.push(Note::RegionFromNumber(without_region));
        }
        if off_chip > 0 {
            self.notes.push(Note::TextNotOnChip(off_chip));
        }
        if alike > 0 {
            self.notes.push(Note::Alike(alike, pairs));
        }
        if unsaid > 0 {
            self.notes.push(Note::NotSaid(unsaid));
        }
        if self.counts.rows() == 0 {
            self.notes.push(Note::NoRows);
        }
        let found: u64 = self.by_code.values().sum();
        let omitted = found.saturating_sub(u64::try_from(self.faults.len()).unwrap_or(u64::MAX));
        if omitted > 0 {
            self.notes.push(Note::FaultsOmitted(omitted));
        }
    }

    /// Header of the fault's column as the file has it.
    #[must_use]
    pub fn column(&self, fault: &Fault) -> String {
        fault.column.map_or_else(|| self.lang.pick("整行", "whole row").to_owned(), |column| self.layout.header(column))
    }
}

impl Written for Report {
    fn write_json(&self, out: &mut impl Write) -> io::Result<()> {
        writeln!(out, "{}", json_line(self))
    }

    fn write_csv(&self, out: &mut impl Write) -> io::Result<()> {
        // With a mark, so that spreadsheet programs take it for UTF-8.
        out.write_all(b"\xEF\xBB\xBF")?;
        let mut csv = csv::Writer::from_writer(out);
        csv.write_record(self.lang.pick(
            ["行", "列", "代码", "值", "问题", "处理办法"],
            ["row", "column", "code", "value", "message", "remedy"],
        ))?;
        for fault in &self.faults {
            csv.write_record([
                &fault.row.to_string(),
                &for_spreadsheets(&self.column(fault)),
                fault.code.name(),
                &for_spreadsheets(&fault.value),
                &fault.code.message(self.lang),
                fault.code.remedy(self.lang),
            ])?;
        }
        csv.flush()
    }
}

/// A masked value keeps its first character; an apostrophe keeps spreadsheet programs from running it.
pub(crate) fn for_spreadsheets(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@']) { format!("'{text}") } else { text.to_owned() }
}

impl Serialize for Report {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let notes: Vec<NoteRow> =
            self.notes.iter().map(|note| NoteRow { code: note.code(), message: note.message(self.lang) }).collect();
        let mut report = serializer.serialize_struct("Report", 11)?;
        report.serialize_field("created", &self.counts.created)?;
        report.serialize_field("changed", &self.counts.changed)?;
        report.serialize_field("unchanged", &self.counts.unchanged)?;
        report.serialize_field("refused", &self.counts.refused)?;
        report.serialize_field("conflicting", &self.counts.conflicting)?;
        report.serialize_field("dry_run", &self.dry_run)?;
        report.serialize_field("encoding", self.encoding)?;
        report.serialize_field("ignored_columns", &self.layout.ignored())?;
        report.serialize_field("notes", &notes)?;
        report.serialize_field("fault_counts", &self.by_code)?;
        report.serialize_field("faults", &Faults(self))?;
        report.end()
    }
}

#[derive(Serialize)]
struct NoteRow {
    code: &'static str,
    message: String,
}

struct Faults<'a>(&'a Report);

impl Serialize for Faults<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let report = self.0;
        let mut faults = serializer.serialize_seq(Some(report.faults.len()))?;
        for fault in &report.faults {
            let place = fault.column.and_then(|column| report.layout.place(column));
            faults.serialize_element(&FaultRow {
                row: fault.row,
                column: &report.column(fault),
                column_number: place.map(|place| place + 1),
                code: fault.code.name(),
                value: &fault.value,
                message: &fault.code.message(report.lang),
                remedy: fault.code.remedy(report.lang),
            })?;
        }
        faults.end()
    }
}

#[derive(Serialize)]
struct FaultRow<'a> {
    row: u64,
    column: &'a str,
    /// From 1; none when the whole row is meant.
    column_number: Option<usize>,
    code: &'a str,
    value: &'a str,
    message: &'a str,
    remedy: &'a str,
}

impl Show for Report {
    fn text(&self, lang: Lang) -> String {
        let Counts { created, changed, unchanged, refused, conflicting } = self.counts;
        let mut lines: Vec<String> = self
            .faults
            .iter()
            .take(SHOWN_MAX)
            .map(|fault| {
                let (row, column, value) = (fault.row, self.column(fault), &fault.value);
                let (message, remedy) = (fault.code.message(lang), fault.code.remedy(lang));
                let place = match self.encoding {
                    "JSON" => lang.pick(format!("第 {row} 个对象"), format!("object {row}")),
                    _ => lang.pick(format!("第 {row} 行"), format!("line {row}")),
                };
                lang.pick(
                    format!("{place} {column} [{value}] {}: {message}。{remedy}", fault.code.name()),
                    format!("{place} {column} [{value}] {}: {message}. {remedy}", fault.code.name()),
                )
            })
            .collect();
        let more = self.faults.len().saturating_sub(SHOWN_MAX);
        if more > 0 {
            lines.push(
                lang.pick(
                    format!("… 另有 {more} 处，见 --report"),
                    format!("… and {more} more; see them with --report"),
                ),
            );
        }
        let ignored = self.layout.ignored();
        if !ignored.is_empty() {
            let list = ignored.join(lang.pick("、", ", "));
            lines.push(lang.pick(format!("未读的列: {list}"), format!("columns not read: {list}")));
        }
        let note = lang.pick("说明", "note");
        lines.extend(self.notes.iter().map(|told| format!("{note}: {}", told.message(lang))));
        let dry =
            if self.dry_run { lang.pick("（试运行，未改动）", " (dry run, nothing was changed)") } else { "" };
        if conflicting > 0 {
            lines.push(lang.pick(
                format!("其中 {conflicting} 人各来源说法不一: issuer person conflicts"),
                format!("sources differ on {conflicting} of the changed: issuer person conflicts"),
            ));
        }
        lines.push(lang.pick(
            format!("新登记 {created} 人，变更 {changed} 人，未变 {unchanged} 人，退回 {refused} 行{dry}"),
            format!("{created} created, {changed} changed, {unchanged} unchanged, {refused} rows refused{dry}"),
        ));
        lines.join("\n")
    }
}
