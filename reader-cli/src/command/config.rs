//! `config show`: every option of the terminal that holds now, and where its value comes from.
//!
//! Owns: who said it: argument, environment, a line of the file, the program. Never: which value wins (`configuration`).

use std::path::Path;

use settlement::receipt::Paper;
use toml::Value as Toml;
use toml::de::{DeTable, DeValue};

use card_core::transport::pcsc::Interface;
use card_counter::error::TerminalError;
use card_counter::file::{self, FileKind};
use card_counter::language::Words;

use crate::arguments::Places;
use crate::configuration::Configuration;
use crate::exit::Exit;
use crate::output::Output;
use crate::page::{Page, Value};

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Origin {
    Argument,
    Environment(&'static str),
    Line(usize),
    Program,
    Nobody,
}

impl Origin {
    fn value(&self) -> Value {
        match self {
            Self::Argument => Value::Choice("argument", Words::new("命令行", "command line")),
            Self::Environment(name) => {
                Value::Choice("environment", Words::of(format!("环境变量 {name}"), format!("environment {name}")))
            }
            Self::Line(line) => {
                Value::Choice("file", Words::of(format!("文件第 {line} 行"), format!("line {line} of the file")))
            }
            Self::Program => Value::Choice("default", Words::new("程序", "the program")),
            Self::Nobody => Value::Choice("not-set", Words::new("未设", "not set")),
        }
    }
}

#[derive(Debug)]
struct Row {
    name: String,
    value: Option<String>,
    origin: Origin,
}

/// Shows the options.
pub(super) fn show(places: &Places, output: &Output, with_origin: bool) -> Result<Exit, TerminalError> {
    let variable = |name: &str| std::env::var(name).ok();
    let rows = rows(places, &Configuration::load(places, variable)?, variable)?;
    let page = if with_origin {
        let cells = |row: Row| {
            Page::new()
                .with("option", Words::new("选项", "option"), Value::Text(row.name))
                .with("value", Words::new("值", "value"), Value::maybe(row.value))
                .with("origin", Words::new("来自", "from"), row.origin.value())
        };
        let table = Value::Table(rows.into_iter().map(cells).collect());
        Page::new().with("options", Words::new("选项", "options"), table)
    } else {
        rows.into_iter().fold(Page::new(), |page, Row { name, value, .. }| {
            page.with(name.clone(), Words::of(name.clone(), name), Value::maybe(value))
        })
    };
    output.answer(&page)?;
    Ok(Exit::Ok)
}

/// Options that arguments and the environment give too: what is given, and the variable.
fn given(places: &Places) -> [(&'static str, Option<String>, &'static str); 9] {
    let path = |path: &Option<std::path::PathBuf>| path.as_deref().map(shown);
    [
        ("config", path(&places.config), "SSCARD_CONFIG"),
        ("data", path(&places.data), "SSCARD_DATA"),
        ("reader", places.reader.clone(), "SSCARD_READER"),
        ("psam", places.psam.clone(), "SSCARD_PSAM"),
        ("centre", places.centre.clone(), "SSCARD_CENTRE"),
        ("city", places.city.clone(), "SSCARD_CITY"),
        ("wait", places.wait.map(|seconds| seconds.to_string()), "SSCARD_WAIT"),
        ("interface", places.interface.clone(), "SSCARD_INTERFACE"),
        ("operator", places.operator.clone(), "SSCARD_OPERATOR"),
    ]
}

fn rows(
    places: &Places,
    held: &Configuration,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<Vec<Row>, TerminalError> {
    let path = |path: &Option<std::path::PathBuf>| path.as_deref().map(shown);
    let Configuration { kiosk, .. } = held;
    let interface = Interface::NAMES.iter().find(|(_, interface)| *interface == held.interface);
    let width = [58, 80].into_iter().find(|width| Paper::of_millimetres(*width) == Some(held.paper));
    let known = [
        ("config", path(&held.file)),
        ("data", Some(shown(&held.data))),
        ("reader", held.reader.clone()),
        ("psam", held.psam.clone()),
        ("centre", held.centre.clone()),
        ("city", held.city.map(|city| city.to_string())),
        ("wait", Some(held.wait.as_secs().to_string())),
        ("interface", interface.map(|(name, _)| (*name).to_owned())),
        ("operator", Some(held.operator.clone())),
        ("catalogue", path(&held.catalogue)),
        ("policy", path(&held.policy)),
        ("paper", width.map(|width| width.to_string())),
        ("receipt-check", held.receipt_check.clone()),
        ("font", path(&held.font)),
        ("kiosk.listen", Some(kiosk.listen.clone())),
        ("kiosk.place", Some(kiosk.place.clone()).filter(|place| !place.is_empty())),
        ("kiosk.greeting", Some(kiosk.greeting.clone())),
        ("kiosk.printer", path(&kiosk.printer)),
        ("kiosk.printer-seconds", Some(kiosk.printer_within.as_secs().to_string())),
        ("kiosk.pages", path(&kiosk.pages)),
    ];
    let written = held.file.as_deref().map(of_file).transpose()?.unwrap_or_default();
    let given = given(places);
    let mut rows: Vec<Row> = known
        .into_iter()
        .map(|(name, value)| {
            let said = given
                .iter()
                .find(|(known, said, _)| *known == name && said.as_ref().is_some_and(|said| !said.is_empty()));
            let origin = match said {
                Some((_, said, name)) if variable(name) == *said => Origin::Environment(name),
                Some(_) => Origin::Argument,
                None => match written.iter().find(|(known, ..)| known == name) {
                    Some((_, _, line)) => Origin::Line(*line),
                    None if value.is_some() => Origin::Program,
                    None => Origin::Nobody,
                },
            };
            Row { name: name.to_owned(), value, origin }
        })
        .collect();
    // Tables that only a file has.
    let more = written.into_iter().filter(|(name, ..)| name.starts_with("national.") || name.starts_with("regions."));
    rows.extend(more.map(|(name, value, line)| Row { name, value: Some(value), origin: Origin::Line(line) }));
    for table in ["national", "regions"] {
        if !rows.iter().any(|row| row.name.starts_with(&format!("{table}."))) {
            rows.push(Row { name: table.to_owned(), value: None, origin: Origin::Nobody });
        }
    }
    Ok(rows)
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

/// Every row of the file: name, value, line. The configuration was read from it, so it is understood.
fn of_file(path: &Path) -> Result<Vec<(String, String, usize)>, TerminalError> {
    let text = file::read(path, FileKind::Configuration)?;
    let mut lines = Vec::new();
    if let Ok(table) = DeTable::parse(&text) {
        lines_of(&text, "", table.get_ref(), &mut lines);
    }
    let values: toml::Table = toml::from_str(&text).unwrap_or_default();
    let value = |name: &str| {
        let mut words = name.splitn(2, '.');
        let first = values.get(words.next().unwrap_or_default());
        match (first, words.next()) {
            (Some(Toml::Table(below)), Some(key)) => below.get(key),
            (first, _) => first,
        }
        .map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
    };
    Ok(lines.into_iter().filter_map(|(name, line)| value(&name).map(|value| (name, value, line))).collect())
}

fn lines_of(text: &str, above: &str, table: &DeTable<'_>, lines: &mut Vec<(String, usize)>) {
    for (key, value) in table {
        let name = format!("{above}{}", key.get_ref());
        match value.get_ref() {
            DeValue::Table(below) if above.is_empty() => lines_of(text, &format!("{name}."), below, lines),
            _ => lines.push((name, text.bytes().take(key.span().start).filter(|byte| *byte == b'\n').count() + 1)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_option_says_who_gave_it() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("terminal.toml");
        let text = "reader = \"from file\"\npsam = \"1\"\ncity = \"513300\"\ndata = \"d\"\n\n[kiosk]\nplace = \"Hall\"\n\n\
                    [regions]\n5133 = \"ssc-3.0\"\n";
        std::fs::write(&path, text).expect("file");
        let given = |text: &str| Some(text.to_owned());
        let places = Places { reader: given("typed"), operator: given("li"), config: Some(path), ..Places::default() };
        let variable = |name: &str| (name == "SSCARD_OPERATOR").then(|| "li".to_owned());
        let held = Configuration::load(&places, variable).expect("configuration");
        let rows = rows(&places, &held, variable).expect("rows");
        let row = |name: &str| {
            let row = rows.iter().find(|row| row.name == name).unwrap_or_else(|| panic!("{name}"));
            (row.value.as_deref(), row.origin.clone())
        };
        assert_eq!(row("reader"), (Some("typed"), Origin::Argument));
        assert_eq!(row("operator"), (Some("li"), Origin::Environment("SSCARD_OPERATOR")));
        assert_eq!(row("psam"), (Some("1"), Origin::Line(2)));
        assert_eq!(row("city"), (Some("513300"), Origin::Line(3)));
        assert_eq!(row("kiosk.place"), (Some("Hall"), Origin::Line(7)));
        assert_eq!(row("regions.5133"), (Some("ssc-3.0"), Origin::Line(10)));
        assert_eq!(row("paper"), (Some("80"), Origin::Program));
        assert_eq!(row("interface").1, Origin::Program);
        assert_eq!((row("centre"), row("national")), ((None, Origin::Nobody), (None, Origin::Nobody)));
        assert_eq!(row("data").1, Origin::Line(4));
    }
}
