//! Every option of a centre that holds now, and where its value comes from.
//!
//! Owns: reading `centre.toml` twice, as the programs do and as a text with lines, and laying one beside the other.
//! Never: repeats a password: a row of the file that holds one is refused when the file is read.

use std::fs;
use std::path::Path;

use serde::Serialize;
use toml::de::{DeTable, DeValue};
use toml::{Spanned, Value};

use super::{Centre, CentreError, Config};
use crate::lang::Lang;
use crate::output::Show;

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "from", rename_all = "snake_case")]
pub enum Origin {
    /// A line of `centre.toml`, from 1.
    File {
        /// Its number.
        line: usize,
    },
    /// The program: nobody said otherwise.
    Default,
    /// A variable of the environment.
    Environment {
        /// Its name.
        name: &'static str,
    },
    /// An option of the command line.
    CommandLine,
}

/// An option and its value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Setting {
    /// Its name with the table that it stands in: `photo.width`.
    pub name: String,
    /// Its value as the file would say it; none of an option that is not set and has no value of its own.
    pub value: Option<String>,
    /// Where it comes from.
    pub origin: Origin,
}

/// All options.
#[derive(Clone, Debug, Serialize)]
pub struct Settings {
    /// By name, those of the program's surroundings first.
    pub settings: Vec<Setting>,
    /// Whether the text for people says where each comes from.
    #[serde(skip)]
    pub with_origin: bool,
}

/// Options that have no value unless somebody gives one; a table that is absent is one row.
const UNSET: [&str; 6] =
    ["audit.anchor", "database", "pkcs11", "requests.photo_from_age", "serve.operators", "serve.tls"];

/// Reads the configuration of a centre, without opening its database.
///
/// # Errors
/// [`CentreError::NotFound`], [`CentreError::File`], [`CentreError::Config`].
pub fn settings(folder: &Path) -> Result<Vec<Setting>, CentreError> {
    let path = folder.join(Centre::CONFIG);
    if !path.is_file() {
        return Err(CentreError::NotFound { folder: folder.to_owned() });
    }
    let config = Config::read(folder)?;
    let text = fs::read_to_string(&path).map_err(|source| CentreError::File { path: path.clone(), source })?;
    let refused = |source| CentreError::Config { path: path.clone(), source: Box::new(source) };
    let written = DeTable::parse(&text).map_err(refused)?;
    let mut lines = Vec::new();
    rows_of_file(&text, "", written.get_ref(), &mut lines);
    let mut rows = Vec::new();
    let held = Value::try_from(&config).unwrap_or_else(|_| Value::Table(toml::Table::new()));
    rows_that_hold("", &held, &mut rows);
    let mut rows: Vec<_> = rows.into_iter().map(|(name, value)| (name, Some(value))).collect();
    for unset in UNSET {
        if !rows.iter().any(|(name, _)| name == unset || name.starts_with(&format!("{unset}."))) {
            rows.push((unset.to_owned(), None));
        }
    }
    let settings = rows.into_iter().map(|(name, value)| {
        let origin = lines.iter().find(|(known, _)| *known == name);
        let origin = origin.map_or(Origin::Default, |(_, line)| Origin::File { line: *line });
        Setting { name, value, origin }
    });
    Ok(settings.collect())
}

fn rows_of_file(text: &str, above: &str, table: &DeTable<'_>, rows: &mut Vec<(String, usize)>) {
    for (key, value) in table {
        let name = format!("{above}{}", key.get_ref());
        match value.get_ref() {
            DeValue::Table(below) => rows_of_file(text, &format!("{name}."), below, rows),
            _ => rows.push((name, line(text, key))),
        }
    }
}

fn line<T>(text: &str, at: &Spanned<T>) -> usize {
    text.bytes().take(at.span().start).filter(|byte| *byte == b'\n').count() + 1
}

fn rows_that_hold(above: &str, value: &Value, rows: &mut Vec<(String, String)>) {
    let Value::Table(table) = value else { return };
    for (key, value) in table {
        match value {
            Value::Table(_) => rows_that_hold(&format!("{above}{key}."), value, rows),
            value => rows.push((format!("{above}{key}"), value.to_string())),
        }
    }
}

impl Show for Settings {
    fn text(&self, lang: Lang) -> String {
        let widest = self.settings.iter().map(|row| row.name.len()).max().unwrap_or_default();
        let lines = self.settings.iter().map(|Setting { name, value, origin }| {
            let row = match value {
                Some(value) => format!("{name:widest$} = {value}"),
                None => format!("# {name}: {}", lang.pick("未设", "not set")),
            };
            if !self.with_origin || value.is_none() {
                return row;
            }
            let origin = match (origin, lang) {
                (Origin::File { line }, Lang::Zh) => format!("centre.toml 第 {line} 行"),
                (Origin::File { line }, Lang::En) => format!("centre.toml line {line}"),
                (Origin::Default, Lang::Zh) => "默认值".to_owned(),
                (Origin::Default, Lang::En) => "default".to_owned(),
                (Origin::Environment { name }, Lang::Zh) => format!("环境变量 {name}"),
                (Origin::Environment { name }, Lang::En) => format!("environment {name}"),
                (Origin::CommandLine, Lang::Zh) => "命令行".to_owned(),
                (Origin::CommandLine, Lang::En) => "command line".to_owned(),
            };
            format!("{row}  # {origin}")
        });
        lines.collect::<Vec<_>>().join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<Setting> {
        let folder = tempfile::tempdir().expect("a folder");
        let head = "city = \"513300\"\ninstitution = \"000000000000000000000000\"\n";
        fs::write(folder.path().join(Centre::CONFIG), format!("{head}{text}")).expect("written");
        settings(folder.path()).expect("a configuration")
    }

    fn row<'a>(rows: &'a [Setting], name: &str) -> (&'a str, &'a Origin) {
        let row = rows.iter().find(|row| row.name == name).unwrap_or_else(|| panic!("no {name}"));
        (row.value.as_deref().unwrap_or("not set"), &row.origin)
    }

    #[test]
    fn every_option_says_whether_the_file_or_the_program_holds_it() {
        let text = "# 有效期\nvalid_years = 8\n\n[photo]\n# white\nwhite = 230\n[life]\nholidays = [\n \"20261001\",\n]\n\
                    removed = [\"lock\", \"cancel:sealed\"]\n[people]\ncertificates = [\"08\"]\n";
        let rows = read(text);
        assert_eq!(row(&rows, "city"), ("\"513300\"", &Origin::File { line: 1 }));
        assert_eq!(row(&rows, "valid_years"), ("8", &Origin::File { line: 4 }));
        assert_eq!(row(&rows, "photo.white"), ("230", &Origin::File { line: 8 }));
        assert_eq!(row(&rows, "photo.width"), ("358", &Origin::Default));
        assert_eq!(row(&rows, "life.holidays"), ("[\"20261001\"]", &Origin::File { line: 10 }));
        assert_eq!(row(&rows, "life.removed"), ("[\"lock\", \"cancel:sealed\"]", &Origin::File { line: 13 }));
        assert_eq!(row(&rows, "people.certificates"), ("[\"08\"]", &Origin::File { line: 15 }));
        assert_eq!(row(&rows, "life.temporary_loss_unit"), ("\"days\"", &Origin::Default));
        assert_eq!(row(&rows, "clock_ahead_days"), ("3", &Origin::Default));
        assert_eq!(row(&rows, "serve.listen"), ("\"127.0.0.1:7301\"", &Origin::Default));
        for unset in UNSET {
            assert_eq!(row(&rows, unset), ("not set", &Origin::Default));
        }
        let set = read(
            "[serve]\ntls = \"0.0.0.0:7302\"\noperators = \"0.0.0.0:7303\"\n[audit]\nanchor = \"/mnt/other/anchor\"\n\
             [requests]\nphoto_from_age = 16\n[database]\nurl = \"postgres://u@h/d\"\n\
             [pkcs11]\nmodule = \"/m.so\"\ntoken = \"t\"\n",
        );
        assert!(set.iter().all(|row| row.value.is_some()), "{set:?}");
        assert_eq!(row(&set, "serve.operators"), ("\"0.0.0.0:7303\"", &Origin::File { line: 5 }));
    }

    /// What is shown, written into a file, is the same configuration.
    #[test]
    fn what_is_shown_is_a_configuration_that_can_be_read_again() {
        let rows = read("valid_years = 8\n[life]\nremoved = [\"lock\"]\n");
        let text = Settings { settings: rows, with_origin: false }.text(Lang::En);
        let again: Config = toml::from_str(&text).expect("a configuration");
        assert_eq!(Value::try_from(&again), Value::try_from(toml::from_str::<Config>(&text).expect("twice")));
        assert_eq!((again.valid_years, again.photo.width), (8, 358));
    }

    #[test]
    fn a_token_and_a_database_are_shown_by_their_places_alone() {
        let text = "[pkcs11]\nmodule = \"/m.so\"\ntoken = \"t\"\nwrap = [\"aes-cbc\", { name = \"SM4-CBC\", mechanism = 0x80000105, iv_bytes = 16 }]\n\
                    [database]\nurl = \"postgres://u@h/d\"\npassword = \"env:SECRET_PLACE\"\n";
        let rows = read(text);
        assert_eq!(row(&rows, "database.password").0, "\"env:SECRET_PLACE\"");
        let wrap = row(&rows, "pkcs11.wrap").0;
        assert!(wrap.contains("aes-cbc") && wrap.contains("SM4-CBC") && wrap.contains("iv_bytes = 16"), "{wrap}");
    }
}
