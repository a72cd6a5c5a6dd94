//! Templates of exchange files: what a bank, a factory or the holder registry sends and gets, as data
//! (`issuer-service/templates/*.toml`).
//!
//! Source: layouts of deployed systems; there is no national layout, so a site adds its own under `DIR/templates/`.
//! Owns: reading a template and refusing one that cannot work; names of files. Never: a row of data.
//! Units: widths are bytes after encoding.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::cell;
use super::charset::Charset;
pub use super::item::Value;
use crate::lang::Lang;

/// A template.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Template {
    /// Name, as typed.
    pub name: String,
    /// What it is, in words.
    pub title: String,
    /// Who is on the other side.
    pub partner: Partner,
    /// Which way the file goes.
    pub direction: Direction,
    /// How cells are told apart.
    pub form: Form,
    /// Encoding.
    #[serde(default)]
    pub encoding: Charset,
    /// Between cells, and after the last one; delimited files only.
    #[serde(default)]
    pub separator: Option<char>,
    /// Bytes of a row without its line end; fixed width only.
    #[serde(default)]
    pub record_bytes: Option<usize>,
    /// Name of the file, with `{batch}`, `{partner}`, `{partner:15}` (zeros to the left), `{date}`, `{clock}`, `{time}`;
    /// of a file that comes in, `{any}` for what is not looked at. Of the registry's: `{city}`, `{task}`, `{any}`.
    pub file_name: String,
    /// Results that mean yes. Without a column `result`, a card identifier means yes.
    #[serde(default)]
    pub accepted: Vec<String>,
    /// Results that mean no by themselves; any other one besides those accepted must come with a reason (assumed: no list of a
    /// partner's results is published).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refused: Vec<String>,
    /// Whether the last digit of a bank card number is its check digit by Luhn (assumed: cards of old banks may have none).
    #[serde(default = "checked", skip_serializing_if = "is_checked")]
    pub bank_card_check: bool,
    /// Lines before the rows.
    #[serde(default)]
    pub head: Vec<Vec<Column>>,
    /// Whether the titles of the columns are a line before the rows.
    #[serde(default)]
    pub titles: bool,
    /// The cells of a row.
    pub columns: Vec<Column>,
}

const fn checked() -> bool {
    true
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
const fn is_checked(check: &bool) -> bool {
    *check
}

/// Who is on the other side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Partner {
    /// A bank: opens the account of the card.
    Bank,
    /// A factory: makes the card up to its transport keys.
    Factory,
    /// The holder registry (持卡库): is told what happens to cards. Its templates have the names [`REGISTRY`].
    Registry,
}

/// Names of the templates of files to the holder registry and from it.
pub const REGISTRY: [&str; 2] = ["registry", "registry-return"];

impl Partner {
    /// Those who are sent the cards of a batch.
    pub const ALL: [Self; 2] = [Self::Bank, Self::Factory];

    /// Name as stored.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bank => "bank",
            Self::Factory => "factory",
            Self::Registry => "registry",
        }
    }

    /// The word for it; in English its name.
    #[must_use]
    pub const fn word(self, lang: Lang) -> &'static str {
        match (self, lang) {
            (_, Lang::En) => self.name(),
            (Self::Bank, Lang::Zh) => "银行",
            (Self::Factory, Lang::Zh) => "卡厂",
            (Self::Registry, Lang::Zh) => "持卡库",
        }
    }
}

/// Which way a file goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// To the partner.
    Export,
    /// From the partner.
    Import,
}

/// How cells are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Form {
    /// By their width in bytes.
    Fixed,
    /// By a separator.
    Delimited,
}

/// A cell of a row or of a line before the rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Column {
    /// Its title.
    pub title: String,
    /// What stands in it.
    pub value: Value,
    /// Width in bytes; fixed width only.
    #[serde(default)]
    pub bytes: Option<usize>,
    /// What fills it up; a blank when absent.
    #[serde(default = "Column::blank")]
    pub pad: char,
    /// Where the text stands.
    #[serde(default)]
    pub align: Align,
    /// What happens to a text that is too long.
    #[serde(default)]
    pub overflow: Overflow,
}

/// Where a text stands in its cell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Align {
    /// Filled up behind.
    #[default]
    Left,
    /// Filled up before.
    Right,
}

/// What happens to a text that is too long.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Overflow {
    /// The row is refused.
    #[default]
    Refuse,
    /// It ends with the last whole character that fits.
    Cut,
}

/// Why a template cannot work, and where.
#[derive(Debug, thiserror::Error)]
pub enum TemplateFault {
    /// It is no TOML of this form.
    #[error("{0}")]
    Toml(Box<toml::de::Error>),
    /// A cell of a fixed-width file without width, or of a delimited one with it.
    #[error("column {column}: a cell of a fixed-width file needs `bytes`, one of a delimited file has none")]
    Width {
        /// Title.
        column: String,
    },
    /// The widths are not the length of the row.
    #[error("the columns have {sum} bytes, `record_bytes` says {stated}")]
    Sum {
        /// Sum of the widths.
        sum: usize,
        /// `record_bytes`, 0 when absent.
        stated: usize,
    },
    /// The separator is absent, or stands in a fixed-width file.
    #[error("a delimited file needs `separator`, a fixed-width file has none")]
    Separator,
    /// A cell that only a partner can fill, in a file to the partner.
    #[error("column {column}: only a file from the partner can have it")]
    PartnersValue {
        /// Title.
        column: String,
    },
    /// A cell that files of this partner do not have.
    #[error("column {column}: no file of this partner has it")]
    OthersValue {
        /// Title.
        column: String,
    },
    /// Nothing tells which card a row is about.
    #[error("a file from a partner needs exactly one column `detail` or `line`, one from the registry `sequence`")]
    NoKey,
    /// Nothing tells what the partner decided.
    #[error("a file from a partner needs a column `result` with `accepted`, or a column `card_identifier`")]
    NoResult,
    /// The file's name lacks its batch, or has a place that does not exist.
    #[error("file_name: {part:?} is no place of a file name here; it needs {{batch}}, the registry's {{task}}")]
    FileName {
        /// What is wrong.
        part: String,
    },
    /// A fill character of more than a byte.
    #[error("column {column}: `pad` is one ASCII character")]
    Pad {
        /// Title.
        column: String,
    },
    /// A text that is the same in every file does not go into its cell: too long, a separator, or a character that the encoding lacks.
    #[error("column {column}: the text that the template itself says does not go into the cell")]
    Text {
        /// Title.
        column: String,
    },
    /// A cell that is cut although it says who or what a row is about.
    #[error("column {column}: only an address or an employer may be cut")]
    Cut {
        /// Title.
        column: String,
    },
    /// Two files of a batch would have one name.
    #[error("file_name: it needs {{time}} or {{clock}}: a batch may be sent in more than one file")]
    FileNameTwice,
    /// The name is not a word, or is not that of the file.
    #[error(
        "name: lower-case letters, digits and dashes, the same as the file's name; the registry's are registry and registry-return"
    )]
    Name,
}

/// Where the template of a name comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// In the program.
    BuiltIn,
    /// In the centre's folder.
    Site,
}

/// The texts of the built-in templates.
const BUILT_IN: [&str; 9] = [
    include_str!("../../templates/bank-fixed.toml"),
    include_str!("../../templates/bank-fixed-return.toml"),
    include_str!("../../templates/bank-delimited.toml"),
    include_str!("../../templates/bank-delimited-return.toml"),
    include_str!("../../templates/factory-delimited.toml"),
    include_str!("../../templates/factory-delimited-return.toml"),
    include_str!("../../templates/half-finished.toml"),
    include_str!("../../templates/registry.toml"),
    include_str!("../../templates/registry-return.toml"),
];

/// A template's file that cannot be used.
#[derive(Debug)]
pub struct BadTemplate {
    /// The file.
    pub path: PathBuf,
    /// Why.
    pub fault: TemplateFault,
}

/// All templates of a centre by name: the built-in ones, and those of its folder `templates/`, which come first.
///
/// # Errors
/// [`BadTemplate`] for the first file of the folder that cannot be used.
///
/// # Panics
/// Never: a test reads every built-in template.
pub fn all(folder: &Path) -> Result<BTreeMap<String, (Template, Origin)>, BadTemplate> {
    let mut templates: BTreeMap<String, (Template, Origin)> = BUILT_IN
        .iter()
        .map(|text| Template::parse(text).expect("built-in templates are tested"))
        .map(|template| (template.name.clone(), (template, Origin::BuiltIn)))
        .collect();
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder.join("templates"))
        .map(|entries| entries.filter_map(Result::ok).map(|entry| entry.path()).collect())
        .unwrap_or_default();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    paths.sort();
    for path in paths {
        let template = read(&path)?;
        if path.file_stem().and_then(|stem| stem.to_str()) != Some(&template.name) {
            return Err(BadTemplate { path, fault: TemplateFault::Name });
        }
        templates.insert(template.name.clone(), (template, Origin::Site));
    }
    Ok(templates)
}

/// The template of a name as it is shown: the site's own, else the program's. A file that is being written from what is shown here is
/// empty until then, and says nothing.
///
/// # Errors
/// [`BadTemplate`] for the site's own.
///
/// # Panics
/// Never: a test reads every built-in template.
pub fn shown(folder: &Path, name: &str) -> Result<Option<Template>, BadTemplate> {
    let built_in = BUILT_IN.iter().map(|text| Template::parse(text).expect("built-in templates are tested"));
    let path = folder.join("templates").join(format!("{name}.toml"));
    let is_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let own = name.chars().all(is_name) && std::fs::metadata(&path).is_ok_and(|file| file.len() > 0);
    if own { read(&path).map(Some) } else { Ok({ built_in }.find(|template| template.name == name)) }
}

/// The template of a file.
///
/// # Errors
/// [`BadTemplate`].
pub fn read(path: &Path) -> Result<Template, BadTemplate> {
    use serde::de::Error;
    std::fs::read_to_string(path)
        .map_err(|error| TemplateFault::Toml(Box::new(toml::de::Error::custom(error))))
        .and_then(|text| Template::parse(&text))
        .map_err(|fault| BadTemplate { path: path.to_owned(), fault })
}

impl Template {
    /// Reads and checks a template.
    ///
    /// # Errors
    /// [`TemplateFault`].
    pub fn parse(text: &str) -> Result<Self, TemplateFault> {
        let template: Self = toml::from_str(text).map_err(|error| TemplateFault::Toml(Box::new(error)))?;
        template.check()?;
        Ok(template)
    }

    /// Whether a column holds this value.
    #[must_use]
    pub fn has(&self, value: &Value) -> bool {
        self.columns.iter().any(|column| column.value == *value)
    }

    /// Most bytes that a row may have, its line end included: the parser's bound.
    #[must_use]
    pub fn row_bytes_max(&self) -> usize {
        const DELIMITED_ROW_MAX: usize = 4096;
        self.record_bytes.map_or(DELIMITED_ROW_MAX, |bytes| bytes + 1)
    }

    /// The name of a file to a partner.
    #[must_use]
    pub fn name_of(&self, batch: i64, partner: &str, time: &str) -> String {
        let (date, clock) = time.split_at_checked(8).unwrap_or((time, ""));
        let mut name = String::new();
        for part in parts(&self.file_name) {
            match part {
                Part::Text(text) => name.push_str(text),
                Part::Place("batch") => name.push_str(&batch.to_string()),
                Part::Place("partner") => name.push_str(partner),
                Part::Place("date") => name.push_str(date),
                Part::Place("clock") => name.push_str(clock),
                Part::Place("time") => name.push_str(time),
                Part::Place(place) => {
                    let width = place.strip_prefix("partner:").and_then(|width| width.parse().ok()).unwrap_or(0);
                    name.push_str(&format!("{partner:0>width$}"));
                }
            }
        }
        name
    }

    /// The name of a file to the registry.
    #[must_use]
    pub fn name_of_task(&self, city: &str, task: &str) -> String {
        let parts = parts(&self.file_name).map(|part| match part {
            Part::Place("city") => city,
            Part::Place("task") => task,
            Part::Text(text) | Part::Place(text) => text,
        });
        parts.collect()
    }

    /// The batch in the name of a file from a partner; `None` when the name is not of this template.
    #[must_use]
    pub fn batch_in(&self, name: &str) -> Option<i64> {
        let cells = self.places_in(name)?;
        let (_, batch) = cells.into_iter().find(|(place, _)| *place == "batch")?;
        let plain = batch.len() <= 18 && batch.bytes().all(|byte| byte.is_ascii_digit());
        plain.then(|| batch.parse().ok()).flatten()
    }

    /// The 任务号 in the name of a file from the registry to this city; `None` when the name is not of this template.
    #[must_use]
    pub fn task_in<'n>(&self, name: &'n str, city: &str) -> Option<&'n str> {
        let cells = self.places_in(name)?;
        if cells.iter().any(|(place, cell)| *place == "city" && *cell != city) {
            return None;
        }
        let (_, task) = cells.into_iter().find(|(place, _)| *place == "task")?;
        (task.len() == 16 && task.bytes().all(|byte| byte.is_ascii_digit())).then_some(task)
    }

    /// What stands at each place of a name, never nothing; `None` when the name is not of this template.
    fn places_in<'n>(&self, name: &'n str) -> Option<Vec<(&str, &'n str)>> {
        let (mut rest, mut cells) = (name, Vec::new());
        let parts: Vec<Part<'_>> = parts(&self.file_name).collect();
        for (index, part) in parts.iter().enumerate() {
            match part {
                Part::Text(text) => rest = rest.strip_prefix(text)?,
                Part::Place(place) => {
                    let end = match parts.get(index + 1) {
                        Some(Part::Text(text)) => rest.find(text)?,
                        _ => rest.len(),
                    };
                    let (cell, after) = rest.split_at(end);
                    if cell.is_empty() {
                        return None;
                    }
                    cells.push((*place, cell));
                    rest = after;
                }
            }
        }
        rest.is_empty().then_some(cells)
    }

    fn check(&self) -> Result<(), TemplateFault> {
        let is_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if self.name.is_empty() || self.name.len() > 40 || !self.name.chars().all(is_name) {
            return Err(TemplateFault::Name);
        }
        let registry = self.partner == Partner::Registry;
        let export = self.direction == Direction::Export;
        let [to, from] = REGISTRY;
        if registry && self.name != (if export { to } else { from }) || !registry && REGISTRY.contains(&&*self.name) {
            return Err(TemplateFault::Name);
        }
        let fixed = self.form == Form::Fixed;
        if self.separator.is_some() == fixed || self.separator.is_some_and(|separator| !separator.is_ascii_graphic()) {
            return Err(TemplateFault::Separator);
        }
        for column in self.head.iter().flatten().chain(&self.columns) {
            let title = || column.title.clone();
            if column.bytes.is_some_and(|bytes| bytes > 0) != fixed {
                return Err(TemplateFault::Width { column: title() });
            }
            if !column.pad.is_ascii() || column.pad.is_ascii_control() {
                return Err(TemplateFault::Pad { column: title() });
            }
            if export && column.value.is_partners() {
                return Err(TemplateFault::PartnersValue { column: title() });
            }
            if !column.value.is_for(self.partner) {
                return Err(TemplateFault::OthersValue { column: title() });
            }
            if column.overflow == Overflow::Cut && !matches!(column.value, Value::Address | Value::Employer) {
                return Err(TemplateFault::Cut { column: title() });
            }
            let said = match &column.value {
                Value::Text(text) => Some(text.clone()),
                Value::RecordBytes => Some(self.record_bytes.unwrap_or(0).to_string()),
                _ => None,
            };
            if said.is_some_and(|text| cell::encode(self, column, &text).is_err()) {
                return Err(TemplateFault::Text { column: title() });
            }
        }
        if let Some(column) = self.columns.iter().find(|column| self.titles && self.title(column).is_none()) {
            return Err(TemplateFault::Text { column: column.title.clone() });
        }
        let sum = self.columns.iter().filter_map(|column| column.bytes).sum();
        let stated = self.record_bytes.unwrap_or(0);
        if sum != stated {
            return Err(TemplateFault::Sum { sum, stated });
        }
        let is_key = |value: &Value| match self.partner {
            Partner::Registry => *value == Value::Sequence,
            Partner::Bank | Partner::Factory => matches!(value, Value::Detail | Value::Line),
        };
        let keys = self.columns.iter().filter(|column| is_key(&column.value)).count();
        if (!export || registry) && keys != 1 {
            return Err(TemplateFault::NoKey);
        }
        let decides = match self.has(&Value::Result) {
            true => !self.accepted.is_empty(),
            false => self.has(&Value::CardIdentifier),
        };
        if !export && !decides {
            return Err(TemplateFault::NoResult);
        }
        self.check_file_name()
    }

    /// The title of a column as the line before the rows holds it; none when it does not go there.
    #[must_use]
    pub fn title(&self, column: &Column) -> Option<Vec<u8>> {
        if self.partner == Partner::Registry {
            return cell::encode(self, column, &column.title).ok();
        }
        let splits = self.separator.is_some_and(|separator| column.title.contains(separator));
        self.encoding.encode(&column.title).ok().filter(|_| !splits)
    }

    fn check_file_name(&self) -> Result<(), TemplateFault> {
        let (export, registry) = (self.direction == Direction::Export, self.partner == Partner::Registry);
        let (mut batches, mut place_before, mut timed) = (0, false, !export || registry);
        for part in parts(&self.file_name) {
            let known = match part {
                Part::Text(text) => !text.contains(['/', '\\', '{', '}', '\0']),
                Part::Place(place) if place == (if registry { "task" } else { "batch" }) => {
                    batches += 1;
                    true
                }
                Part::Place("any") => !export,
                Part::Place("city") => registry,
                Part::Place(_) if registry => false,
                Part::Place("partner" | "date" | "clock" | "time") => export,
                Part::Place(place) => {
                    let width = place.strip_prefix("partner:").and_then(|width| width.parse::<usize>().ok());
                    export && width.is_some_and(|width| (1..=40).contains(&width))
                }
            };
            let is_place = matches!(part, Part::Place(_));
            timed |= matches!(part, Part::Place("time" | "clock"));
            if !known || (is_place && place_before) {
                let (Part::Text(part) | Part::Place(part)) = part;
                return Err(TemplateFault::FileName { part: part.to_owned() });
            }
            place_before = is_place;
        }
        if batches != 1 || self.file_name.starts_with('.') {
            return Err(TemplateFault::FileName { part: self.file_name.clone() });
        }
        if timed { Ok(()) } else { Err(TemplateFault::FileNameTwice) }
    }
}

impl Column {
    const fn blank() -> char {
        ' '
    }
}

enum Part<'a> {
    Text(&'a str),
    Place(&'a str),
}

/// Texts and places of a pattern; an unclosed brace stays in its text, which the check refuses.
fn parts(pattern: &str) -> impl Iterator<Item = Part<'_>> {
    let mut rest = pattern;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        if let Some((place, after)) = rest.strip_prefix('{').and_then(|inner| inner.split_once('}')) {
            rest = after;
            return Some(Part::Place(place));
        }
        let end = rest.char_indices().skip(1).find(|(_, c)| *c == '{').map_or(rest.len(), |(at, _)| at);
        let (text, after) = rest.split_at(end);
        rest = after;
        Some(Part::Text(text))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_template_works_and_has_the_published_lengths() {
        let folder = tempfile::tempdir().expect("folder");
        let all = all(folder.path()).expect("templates");
        assert_eq!(all.len(), BUILT_IN.len());
        assert_eq!(all["bank-fixed"].0.record_bytes, Some(589));
        assert_eq!(all["bank-fixed-return"].0.record_bytes, Some(316));
        for (template, _) in all.values() {
            let text = toml::to_string(template).expect("TOML");
            assert_eq!(Template::parse(&text).expect("the same"), *template);
        }
    }

    #[test]
    fn names_of_files_are_made_and_read() {
        let folder = tempfile::tempdir().expect("folder");
        let all = all(folder.path()).expect("templates");
        let name = all["bank-fixed"].0.name_of(7, "105", "20260301083000");
        assert_eq!(name, "SH_7_000000000000105_20260301083000");
        let name = all["half-finished"].0.name_of(7, "105", "20260301083000");
        assert_eq!(name, "半成品卡_7_20260301_083000_105_S.txt");
        let back = &all["bank-fixed-return"].0;
        assert_eq!(back.batch_in("RH_7_000000000000105_20260301083000"), Some(7));
        for name in
            ["RH_7_1", "RH__1_2", "RH_x_1_2", "SH_7_1_2", "RH_7__2", "", "RH_+7_1_2", "RH_99999999999999999999_1_2"]
        {
            assert_eq!(back.batch_in(name), None, "{name}");
        }
        assert_eq!(all["bank-delimited-return"].0.batch_in("GR_7_20260301_083000_bret.txt"), Some(7));
        assert_eq!(all["bank-delimited-return"].0.batch_in("GR_7_20260301_083000_bret.txt.bak"), None);
    }

    #[test]
    fn a_template_that_cannot_work_is_refused_with_its_place() {
        let good = BUILT_IN[1];
        let refused = |from: &str, to: &str| {
            assert!(good.contains(from), "{from}");
            Template::parse(&good.replacen(from, to, 1)).expect_err(to)
        };
        assert!(matches!(refused("bytes = 200", "bytes = 199"), TemplateFault::Sum { sum: 315, stated: 316 }));
        assert!(matches!(refused(", bytes = 200", ""), TemplateFault::Width { column } if column == "原因"));
        assert!(matches!(refused("\"detail\"", "\"name\""), TemplateFault::NoKey));
        assert!(matches!(refused("[\"0\"]", "[]"), TemplateFault::NoResult));
        assert!(matches!(refused("\"import\"", "\"export\""), TemplateFault::PartnersValue { .. }));
        assert!(matches!(refused("RH_{batch}_", "RH_"), TemplateFault::FileName { .. }));
        assert!(matches!(refused("RH_{batch}_", "../{batch}_"), TemplateFault::FileName { .. }));
        assert!(matches!(refused("RH_{batch}_", "{any}{batch}_"), TemplateFault::FileName { .. }));
        assert!(matches!(refused("\"F\"", "\"零\""), TemplateFault::Pad { .. }));
        assert!(matches!(refused("\"result\"", "\"outcome\""), TemplateFault::Toml(_)));
        assert!(matches!(refused("bank-fixed-return", "../x"), TemplateFault::Name));
        assert!(matches!(refused("form = \"fixed\"", "form = \"fixed\"\nseparator = \"|\""), TemplateFault::Separator));
    }

    #[test]
    fn a_template_whose_own_texts_do_not_fit_or_that_cuts_what_tells_rows_apart_is_refused() {
        let refused = |good: &str, from: &str, to: &str| {
            assert!(good.contains(from), "{from}");
            Template::parse(&good.replacen(from, to, 1)).expect_err(to)
        };
        let [fixed, delimited] = [BUILT_IN[0], BUILT_IN[2]];
        let is_text =
            |fault: TemplateFault, title: &str| matches!(fault, TemplateFault::Text { column } if column == title);
        assert!(is_text(refused(fixed, "\"=SH\"", "\"=HEADER-TOO-LONG\""), "标识"));
        assert!(is_text(refused(fixed, "\"record_bytes\", bytes = 8", "\"record_bytes\", bytes = 2"), "记录长度"));
        let cut = refused(fixed, "\"detail\", bytes = 12", "\"detail\", overflow = \"cut\", bytes = 12");
        assert!(matches!(cut, TemplateFault::Cut { column } if column == "明细号"));
        let cut = refused(
            fixed,
            "\"certificate_number\", bytes = 18",
            "\"certificate_number\", overflow = \"cut\", bytes = 18",
        );
        assert!(matches!(cut, TemplateFault::Cut { .. }));
        assert!(matches!(refused(fixed, "_{time}", ""), TemplateFault::FileNameTwice));
        let titled = format!("titles = true\n{delimited}").replace("titles = false", "");
        let first = Template::parse(delimited).expect("built in").columns.remove(0).title;
        let with = |title: &str| format!("title = \"{title}\", value");
        if Template::parse(&titled).is_ok() {
            assert!(is_text(refused(&titled, &with(&first), &with("a|b")), "a|b"));
        }
    }

    #[test]
    fn what_is_shown_does_not_come_from_the_file_that_it_is_written_into() {
        let folder = tempfile::tempdir().expect("folder");
        let templates = folder.path().join("templates");
        std::fs::create_dir(&templates).expect("folder");
        let shown = |name: &str| shown(folder.path(), name).map(|template| template.map(|template| template.title));
        let built_in = shown("registry").expect("shown").expect("built in");
        std::fs::write(templates.join("registry.toml"), "").expect("the shell has made it");
        assert_eq!(shown("registry").expect("shown"), Some(built_in.clone()));
        let own = BUILT_IN[7].replacen(&built_in, "省", 1);
        std::fs::write(templates.join("registry.toml"), own).expect("written");
        assert_eq!(shown("registry").expect("shown").as_deref(), Some("省"));
        std::fs::write(templates.join("registry.toml"), "x").expect("written");
        assert!(shown("registry").is_err());
        for name in ["nothing", "../registry", ""] {
            assert_eq!(shown(name).expect("shown"), None, "{name}");
        }
    }
}
