//! What a person types. Owns: the command line. Never: reads a file.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Parser, ValueEnum};
use settlement::Language;
use settlement::national::Unit;

use crate::fault::Script;

/// A national centre for rehearsal: invented people, strict checks, faults on demand. Its books end with it.
#[derive(Debug, Parser)]
#[command(name = "national-rehearsal", version, about)]
pub struct Arguments {
    /// Address of this machine; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8601")]
    pub listen: SocketAddr,
    /// Folder with persons.toml, drugs.csv and perhaps policy.toml, in the place of the built-in ones.
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// A fault of one message, or of each of a number: INFNO[:NTH]=lose|drop|delay-MS|duplicate|stale|crossed|garble|amounts|forget|
    /// misbook|refuse|busy; may be repeated.
    #[arg(long, value_name = "FAULT")]
    pub fault: Vec<Script>,
    /// Faults of a network, drawn from this seed.
    #[arg(long, value_name = "N", requires = "percent")]
    pub seed: Option<u64>,
    /// Of a hundred messages so many meet one.
    #[arg(long, value_name = "P", requires = "seed", value_parser = clap::value_parser!(u32).range(0..=100))]
    pub percent: Option<u32>,
    /// What widths of text count.
    #[arg(long, value_enum, default_value_t = WidthUnit::Characters)]
    pub width_unit: WidthUnit,
    /// Language of texts; default from the locale.
    #[arg(long, value_name = "zh|en", value_parser = language)]
    pub lang: Option<Language>,
    /// Form of what is told.
    #[arg(long, value_enum, default_value_t = Form::Text)]
    pub format: Form,
}

/// What widths of text count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum WidthUnit {
    /// Characters.
    Characters,
    /// Bytes of UTF-8.
    Utf8,
    /// Bytes of GB 18030.
    Gb18030,
}

/// Form of what is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

impl From<WidthUnit> for Unit {
    fn from(unit: WidthUnit) -> Self {
        match unit {
            WidthUnit::Characters => Self::Characters,
            WidthUnit::Utf8 => Self::Utf8,
            WidthUnit::Gb18030 => Self::Gb18030,
        }
    }
}

pub(crate) fn language(text: &str) -> Result<Language, &'static str> {
    match text {
        "zh" => Ok(Language::Zh),
        "en" => Ok(Language::En),
        _ => Err("write zh or en"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }
}
