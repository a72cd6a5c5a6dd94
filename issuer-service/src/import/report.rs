//! What came of an import, for the bureau that sent the file.
//!
//! Owns: counts and faults, their form as JSON, CSV and text. Never: shows an unmasked value.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use serde::ser::{SerializeSeq, SerializeStruct};
use serde::{Serialize, Serializer};

use super::fault::Fault;
use crate::lang::Lang;
use crate::output::{Show, json_line};

/// Faults shown as text; the rest is in the report.
const SHOWN_MAX: usize = 50;

/// Rows by outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Registered now.
    pub accepted: u64,
    /// Refused.
    pub rejected: u64,
    /// Registered before, with the same data.
    pub unchanged: u64,
}

/// The outcome of an import.
#[derive(Clone, Debug)]
pub struct Report {
    counts: Counts,
    faults: Vec<Fault>,
    headers: Vec<String>,
    encoding: &'static str,
    dry_run: bool,
    lang: Lang,
}

impl Report {
    /// Of a file with these headers.
    #[must_use]
    pub const fn new(headers: Vec<String>, encoding: &'static str, dry_run: bool, lang: Lang) -> Self {
        let counts = Counts { accepted: 0, rejected: 0, unchanged: 0 };
        Self { counts, faults: Vec::new(), headers, encoding, dry_run, lang }
    }

    /// Rows by outcome.
    #[must_use]
    pub const fn counts(&self) -> Counts {
        self.counts
    }

    /// All faults, in order of row.
    #[must_use]
    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }

    pub(super) const fn accept(&mut self) {
        self.counts.accepted += 1;
    }

    pub(super) const fn keep(&mut self) {
        self.counts.unchanged += 1;
    }

    pub(super) fn reject(&mut self, faults: Vec<Fault>) {
        self.counts.rejected += 1;
        self.faults.extend(faults);
    }

    /// Writes the report: CSV when the name ends so, JSON otherwise.
    ///
    /// # Errors
    /// What the system says.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        let mut out = BufWriter::new(File::create(path)?);
        if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("csv")) {
            self.write_csv(&mut out)?;
        } else {
            writeln!(out, "{}", json_line(self))?;
        }
        out.into_inner()?.sync_all()
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
            // A masked value keeps its first character; an apostrophe keeps spreadsheets from running it.
            let value = if fault.value.starts_with(['=', '+', '-', '@']) {
                format!("'{}", fault.value)
            } else {
                fault.value.to_string()
            };
            csv.write_record([
                &fault.row.to_string(),
                self.column(fault),
                fault.code.name(),
                &value,
                &fault.code.message(self.lang),
                fault.code.remedy(self.lang),
            ])?;
        }
        csv.flush()
    }

    fn column(&self, fault: &Fault) -> &str {
        fault.column.and_then(|place| self.headers.get(place)).map_or("*", String::as_str)
    }
}

impl Serialize for Report {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut report = serializer.serialize_struct("Report", 6)?;
        report.serialize_field("accepted", &self.counts.accepted)?;
        report.serialize_field("rejected", &self.counts.rejected)?;
        report.serialize_field("unchanged", &self.counts.unchanged)?;
        report.serialize_field("dry_run", &self.dry_run)?;
        report.serialize_field("encoding", self.encoding)?;
        report.serialize_field("faults", &Faults(self))?;
        report.end()
    }
}

struct Faults<'a>(&'a Report);

impl Serialize for Faults<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let report = self.0;
        let mut faults = serializer.serialize_seq(Some(report.faults.len()))?;
        for fault in &report.faults {
            faults.serialize_element(&FaultRow {
                row: fault.row,
                column: report.column(fault),
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
    code: &'a str,
    value: &'a str,
    message: &'a str,
    remedy: &'a str,
}

impl Show for Report {
    fn text(&self, lang: Lang) -> String {
        let Counts { accepted, rejected, unchanged } = self.counts;
        let mut lines: Vec<String> = self
            .faults
            .iter()
            .take(SHOWN_MAX)
            .map(|fault| {
                let (row, column, value) = (fault.row, self.column(fault), &fault.value);
                let (message, remedy) = (fault.code.message(lang), fault.code.remedy(lang));
                lang.pick(
                    format!("第 {row} 行 {column} [{value}] {}: {message}。{remedy}", fault.code.name()),
                    format!("line {row} {column} [{value}] {}: {message}. {remedy}", fault.code.name()),
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
        let dry =
            if self.dry_run { lang.pick("（试运行，未登记）", " (dry run, nobody registered)") } else { "" };
        lines.push(lang.pick(
            format!("登记 {accepted} 人，退回 {rejected} 行，未变 {unchanged} 人{dry}"),
            format!("{accepted} registered, {rejected} rows refused, {unchanged} unchanged{dry}"),
        ));
        lines.join("\n")
    }
}
