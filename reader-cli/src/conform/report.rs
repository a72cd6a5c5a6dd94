//! The report of a conformance run: as text, as JSON, as JUnit XML.
//!
//! Source: the JUnit form as continuous integration servers read it (testsuites, testsuite, testcase, failure, skipped).
//! Owns: rows and totals, the XML. Never: holds data of a card, prints (`output`).

use std::collections::BTreeMap;

use card_profiles::conform::{Area, Case, Difference, Effect, Text};
use quick_xml::Writer;
use quick_xml::events::BytesText;
use serde::Serialize;

use super::{Outcome, Verdict};
use card_counter::language::{Language, Words};

/// What a run brought.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Profile.
    pub profile: String,
    /// How many passed, failed, were skipped.
    pub totals: Totals,
    /// Why the run ended early; the cases after it are skipped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_early: Option<Early>,
    /// Cases of an earlier run that ended before they were brought back, and what came of it now.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub brought_back: Vec<BroughtBack>,
    /// Cases in the order in which they were carried out.
    pub cases: Vec<Row>,
}

/// A case of an earlier run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BroughtBack {
    /// Id.
    pub id: String,
    /// What could not be brought back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_restored: Option<String>,
}

/// Counts of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// As expected.
    pub passed: usize,
    /// Not as expected.
    pub failed: usize,
    /// Not carried out.
    pub skipped: usize,
    /// Not carried out because the card has too few transaction numbers left.
    pub not_run: usize,
    /// Passed or failed, and something could not be brought back.
    pub not_restored: usize,
}

/// Why a run ended early.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Early {
    /// Stable code: `CARD_REMOVED`.
    pub code: String,
    /// The case that was being carried out.
    pub case: String,
    /// What happened.
    pub reason: String,
}

/// One case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    /// Id.
    pub id: String,
    /// Area.
    pub area: &'static str,
    /// What the card must do.
    pub title: String,
    /// Row of the profile.
    pub row: String,
    /// `passed`, `failed`, `skipped`, `not-run`.
    pub verdict: &'static str,
    /// Number of the move and its command.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// What was expected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    /// What was seen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seen: Option<String>,
    /// The key by name, or `PIN`, that card and terminal hold otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Why it was skipped or not run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What a case that was carried out leaves on the card.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stays: Option<String>,
    /// What could not be brought back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_restored: Option<String>,
}

impl Report {
    /// An empty report.
    #[must_use]
    pub fn new(profile: &str) -> Self {
        Self {
            profile: profile.to_owned(),
            totals: Totals::default(),
            ended_early: None,
            brought_back: Vec::new(),
            cases: Vec::new(),
        }
    }

    /// Adds a case of an earlier run.
    pub fn bring_back(&mut self, case: &Case, left: Option<&Difference>, language: Language) {
        let not_restored = left.map(|left| what_is_left(left, language));
        self.totals.not_restored += usize::from(not_restored.is_some());
        self.brought_back.push(BroughtBack { id: case.id.clone(), not_restored });
    }

    /// Adds a case.
    pub fn add(&mut self, case: &Case, outcome: &Outcome, language: Language) {
        let text = |text: &Text| in_language(text, language).to_owned();
        let mut row = Row {
            id: case.id.clone(),
            area: case.area.word(),
            title: text(&case.title),
            row: case.row.clone(),
            verdict: "passed",
            place: None,
            expected: None,
            seen: None,
            key: None,
            reason: None,
            stays: None,
            not_restored: None,
        };
        if let (Effect::Leaves(what), Verdict::Passed | Verdict::Failed(_)) = (&case.effect, &outcome.verdict) {
            row.stays = Some(text(what));
        }
        match &outcome.verdict {
            Verdict::Passed => self.totals.passed += 1,
            Verdict::Failed(Difference { place, expected, seen, key }) => {
                self.totals.failed += 1;
                row.verdict = "failed";
                row.place = Some(place.to_string());
                row.expected = Some(text(expected));
                row.seen = Some(text(seen));
                row.key = key.as_ref().map(|key| key.0.clone());
            }
            Verdict::Skipped(reason) => {
                self.totals.skipped += 1;
                row.verdict = "skipped";
                row.reason = Some(text(reason));
            }
            Verdict::NotRun(reason) => {
                self.totals.not_run += 1;
                row.verdict = "not-run";
                row.reason = Some(text(reason));
            }
        }
        if let Some(left) = &outcome.unrestored {
            self.totals.not_restored += 1;
            row.not_restored = Some(what_is_left(left, language));
        }
        self.cases.push(row);
    }

    /// Lines for people. `whole`: every case; otherwise what failed or could not be brought back, why others were skipped,
    /// and the totals.
    #[must_use]
    pub fn text(&self, language: Language, whole: bool) -> String {
        let words = |zh: &'static str, en: &'static str| Words::new(zh, en).text(language).to_owned();
        let mut text = String::new();
        for BroughtBack { id, not_restored } in &self.brought_back {
            let said = words("上次中断的检测，现已恢复", "of an earlier run, brought back now");
            text.push_str(&match not_restored {
                None => format!("{id}: {said}\n"),
                Some(left) => {
                    format!("{id}: {} {left}\n", words("上次中断，未能恢复:", "of an earlier run, not brought back:"))
                }
            });
        }
        let shown = |row: &&Row| whole || row.verdict == "failed" || row.not_restored.is_some();
        for row in self.cases.iter().filter(shown) {
            let mark = match row.verdict {
                "passed" => words("通过", "pass"),
                "failed" => words("失败", "FAIL"),
                "not-run" => words("未执行", "not run"),
                _ => words("跳过", "skip"),
            };
            text.push_str(&format!("{mark} {} {}\n", row.id, row.title));
            if let (Some(place), Some(expected), Some(seen)) = (&row.place, &row.expected, &row.seen) {
                let (at, wanted, got) = (words("位置", "at"), words("应为", "expected"), words("实际", "seen"));
                let about = row.key.as_ref().map(|key| format!("; {} {key}", words("密钥或口令", "key or PIN")));
                let about = about.unwrap_or_default();
                text.push_str(&format!("     {at} {place}; {wanted} {expected}; {got} {seen}{about}\n"));
            }
            if let Some(reason) = &row.reason {
                text.push_str(&format!("     {reason}\n"));
            }
            if let Some(stays) = row.stays.as_ref().filter(|_| whole) {
                text.push_str(&format!("     {} {stays}\n", words("留在卡上:", "stays on the card:")));
            }
            if let Some(left) = &row.not_restored {
                text.push_str(&format!("     {} {left}\n", words("未能恢复:", "not brought back:")));
            }
        }
        if !whole {
            let mut reasons: BTreeMap<(bool, &str), usize> = BTreeMap::new();
            self.cases
                .iter()
                .filter_map(|row| Some((row.verdict == "not-run", row.reason.as_deref()?)))
                .for_each(|reason| *reasons.entry(reason).or_default() += 1);
            for ((not_run, reason), count) in reasons {
                let word = if not_run { words("未执行", "not run") } else { words("跳过", "skipped") };
                text.push_str(&format!("{word} {count}: {reason}\n"));
            }
        }
        if let Some(early) = &self.ended_early {
            let ended = words("提前结束", "ended early");
            text.push_str(&format!("{ended}: {} {} ({})\n", early.code, early.reason, early.case));
        }
        for area in Area::ALL {
            let rows: Vec<&Row> = self.cases.iter().filter(|row| row.area == area.word()).collect();
            if rows.is_empty() {
                continue;
            }
            let count = |verdict: &str| rows.iter().filter(|row| row.verdict == verdict).count();
            let name = area.name();
            // With the word that --area takes, where it is another.
            let name = match (in_language(&name, language), area.word()) {
                (name, word) if name == word => name.to_owned(),
                (name, word) => format!("{name} ({word})"),
            };
            text.push_str(&self.totals_line(&name, language, &count));
        }
        let totals = self.totals;
        let count = |verdict: &str| match verdict {
            "passed" => totals.passed,
            "failed" => totals.failed,
            "not-run" => totals.not_run,
            _ => totals.skipped,
        };
        for (stays, count) in self.stays() {
            let cases = words("项", "cases");
            text.push_str(&format!("{} {stays} ({count} {cases})\n", words("留在卡上:", "stays on the card:")));
        }
        text.push_str(&self.totals_line(&words("合计", "total"), language, &count));
        text
    }

    fn totals_line(&self, name: &str, language: Language, count: &dyn Fn(&str) -> usize) -> String {
        let (passed, failed, skipped) = (count("passed"), count("failed"), count("skipped"));
        let not_run = match (language, count("not-run")) {
            (_, 0) => String::new(),
            (Language::Zh, count) => format!(", 未执行 {count}"),
            (Language::En, count) => format!(", {count} not run"),
        };
        match language {
            Language::Zh => format!("{name}: 通过 {passed}, 失败 {failed}, 跳过 {skipped}{not_run}\n"),
            Language::En => format!("{name}: {passed} passed, {failed} failed, {skipped} skipped{not_run}\n"),
        }
    }

    /// What the cases carried out left on the card, and how many left it.
    fn stays(&self) -> BTreeMap<&str, usize> {
        self.cases.iter().filter_map(|row| row.stays.as_deref()).fold(BTreeMap::new(), |mut stays, what| {
            *stays.entry(what).or_default() += 1;
            stays
        })
    }

    /// JUnit XML: a suite an area, a test case a case.
    ///
    /// # Errors
    /// [`std::io::Error`] of the writer, which writes into memory.
    pub fn junit(&self) -> std::io::Result<String> {
        let mut writer = Writer::new_with_indent(Vec::new(), b' ', 2);
        // The form knows no third word: what was not run is skipped there, and says so.
        let is = |row: &Row, verdict: &str| row.verdict == verdict || verdict == "skipped" && row.verdict == "not-run";
        let count = |rows: &[&Row], verdict: &str| rows.iter().filter(|row| is(row, verdict)).count().to_string();
        let all: Vec<&Row> = self.cases.iter().collect();
        let suites = writer.create_element("testsuites").with_attributes([
            ("name", self.profile.as_str()),
            ("tests", all.len().to_string().as_str()),
            ("failures", count(&all, "failed").as_str()),
            ("skipped", count(&all, "skipped").as_str()),
            ("errors", if self.ended_early.is_some() { "1" } else { "0" }),
        ]);
        suites.write_inner_content(|writer| {
            for area in Area::ALL {
                let rows: Vec<&Row> = self.cases.iter().filter(|row| row.area == area.word()).collect();
                if rows.is_empty() {
                    continue;
                }
                let suite = writer.create_element("testsuite").with_attributes([
                    ("name", area.word()),
                    ("tests", rows.len().to_string().as_str()),
                    ("failures", count(&rows, "failed").as_str()),
                    ("skipped", count(&rows, "skipped").as_str()),
                    ("errors", "0"),
                ]);
                suite.write_inner_content(|writer| {
                    rows.iter().try_for_each(|row| test_case(writer, row, &self.profile))
                })?;
            }
            if let Some(early) = &self.ended_early {
                writer.create_element("system-err").write_text_content(BytesText::new(&xml(&format!(
                    "{} {} ({})",
                    early.code, early.reason, early.case
                ))))?;
            }
            Ok(())
        })?;
        let body = String::from_utf8_lossy(&writer.into_inner()).into_owned();
        Ok(format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{body}\n"))
    }
}

fn test_case(writer: &mut Writer<Vec<u8>>, row: &Row, profile: &str) -> std::io::Result<()> {
    let class = format!("{profile}.{}", row.area);
    let element =
        writer.create_element("testcase").with_attributes([("name", row.id.as_str()), ("classname", class.as_str())]);
    if row.verdict == "passed" && row.not_restored.is_none() && row.stays.is_none() {
        element.write_empty()?;
        return Ok(());
    }
    element.write_inner_content(|writer| {
        if let (Some(place), Some(expected), Some(seen)) = (&row.place, &row.expected, &row.seen) {
            let about = row.key.as_ref().map(|key| format!(", key or PIN {key}")).unwrap_or_default();
            let message = xml(&format!("expected {expected}, seen {seen}{about}"));
            writer
                .create_element("failure")
                .with_attribute(("message", message.as_str()))
                .write_text_content(BytesText::new(&xml(&format!("{}\n{place}", row.title))))?;
        }
        if let Some(reason) = &row.reason {
            let reason = if row.verdict == "not-run" { format!("not run: {reason}") } else { reason.clone() };
            writer.create_element("skipped").with_attribute(("message", xml(&reason).as_str())).write_empty()?;
        }
        let told: Vec<&str> = [&row.not_restored, &row.stays].into_iter().filter_map(Option::as_deref).collect();
        if !told.is_empty() {
            writer.create_element("system-out").write_text_content(BytesText::new(&xml(&told.join("\n"))))?;
        }
        Ok(())
    })?;
    Ok(())
}

fn what_is_left(Difference { place, expected, seen, .. }: &Difference, language: Language) -> String {
    format!("{place}: {} / {}", in_language(expected, language), in_language(seen, language))
}

/// Text without characters that XML cannot hold.
fn xml(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\n' { '\u{FFFD}' } else { c }).collect()
}

fn in_language(text: &Text, language: Language) -> &str {
    match language {
        Language::Zh => &text.zh,
        Language::En => &text.en,
    }
}
