//! What came of files with photos, for those who sent them.
//!
//! Owns: counts and faults, their form as JSON, CSV and text. Never: shows the name of a file whole: it is a person's number.

use std::io::{self, Write};

use serde::Serialize;

use super::fault::PhotoFault;
use crate::import::report::for_spreadsheets;
use crate::import::report_file::Written;
use crate::lang::Lang;
use crate::output::{Show, json_line};
use crate::person::mask;

/// Faults shown as text; the rest is in the report.
const SHOWN_MAX: usize = 50;

/// What came of the files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Photos of people who had none.
    pub created: u64,
    /// Photos that took the place of another.
    pub changed: u64,
    /// Photos that are there already.
    pub unchanged: u64,
    /// Files refused.
    pub refused: u64,
    /// Nothing was stored.
    pub dry_run: bool,
    /// Why, by file.
    pub faults: Vec<Refused>,
    #[serde(skip)]
    lang: Lang,
}

/// A file that was refused for one reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Refused {
    /// Place of the file in order of name, from 1.
    pub file: u64,
    /// Its name, masked.
    pub name: String,
    /// Code.
    pub code: &'static str,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub remedy: &'static str,
}

impl Report {
    /// Of no file yet.
    #[must_use]
    pub const fn new(dry_run: bool, lang: Lang) -> Self {
        Self { created: 0, changed: 0, unchanged: 0, refused: 0, dry_run, faults: Vec::new(), lang }
    }

    /// Counts a refused file, and lists why.
    pub(super) fn refuse(&mut self, file: u64, name: &str, faults: Vec<PhotoFault>) {
        self.refused += 1;
        let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
        // The name of a person behind the number is no business of those who read the report.
        let stem = stem.split(['+', '_']).next().unwrap_or(stem);
        let lang = self.lang;
        self.faults.extend(faults.into_iter().map(|fault| Refused {
            file,
            name: masked(stem),
            code: fault.code(),
            message: fault.message(lang),
            remedy: fault.remedy(lang),
        }));
    }
}

/// A number keeps its first and last two characters; of letters, which may be a name, the first one alone stays.
fn masked(stem: &str) -> String {
    let plain = |c: char| c.is_ascii_digit() || c == 'X' || c == 'x';
    let head = if stem.chars().take(2).all(plain) { 2 } else { 1 };
    let tail = stem.chars().rev().take_while(|c| plain(*c)).take(2).count();
    mask(stem, head, tail)
}

impl Written for Report {
    fn write_json(&self, out: &mut impl Write) -> io::Result<()> {
        writeln!(out, "{}", json_line(self))
    }

    fn write_csv(&self, out: &mut impl Write) -> io::Result<()> {
        // With a mark, so that spreadsheet programs take it for UTF-8.
        out.write_all(b"\xEF\xBB\xBF")?;
        let mut csv = csv::Writer::from_writer(out);
        csv.write_record(
            self.lang
                .pick(["文件", "文件名", "代码", "问题", "处理办法"], ["file", "name", "code", "message", "remedy"]),
        )?;
        for Refused { file, name, code, message, remedy } in &self.faults {
            csv.write_record([&file.to_string(), &for_spreadsheets(name), *code, message.as_str(), remedy])?;
        }
        csv.flush()
    }
}

impl Show for Report {
    fn text(&self, lang: Lang) -> String {
        let Self { created, changed, unchanged, refused, dry_run, faults, lang: _ } = self;
        let mut lines: Vec<String> = faults
            .iter()
            .take(SHOWN_MAX)
            .map(|Refused { file, name, code, message, remedy }| {
                lang.pick(
                    format!("第 {file} 个文件 [{name}] {code}: {message}。{remedy}"),
                    format!("file {file} [{name}] {code}: {message}. {remedy}"),
                )
            })
            .collect();
        let more = faults.len().saturating_sub(SHOWN_MAX);
        if more > 0 {
            lines.push(
                lang.pick(
                    format!("… 另有 {more} 处，见 --report"),
                    format!("… and {more} more; see them with --report"),
                ),
            );
        }
        let dry =
            if *dry_run { lang.pick("（试运行，未改动）", " (dry run, nothing was changed)") } else { "" };
        lines.push(lang.pick(
            format!("新收 {created} 张，替换 {changed} 张，未变 {unchanged} 张，退回 {refused} 个文件{dry}"),
            format!("{created} created, {changed} changed, {unchanged} unchanged, {refused} files refused{dry}"),
        ));
        lines.join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::masked;

    #[test]
    fn of_a_name_in_a_files_name_the_first_character_stays() {
        for (stem, shown) in [
            ("513301199001010088", "51**************88"),
            ("51330119900101001X", "51**************1X"),
            ("王小51330119900101", "王*************01"),
            ("513301199001010088王小", "51******************"),
            ("王小", "王*"),
            ("王", "*"),
            ("", ""),
        ] {
            assert_eq!(masked(stem), shown);
        }
    }
}
