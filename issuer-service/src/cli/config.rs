//! `issuer config …`.

use clap::Subcommand;

use super::Common;
use crate::centre::setting::{self, Origin, Setting, Settings};
use crate::error::Error;
use crate::exit::Exit;
use crate::output::Output;

/// What to do with the configuration. It is edited in `centre.toml`.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Show every option that holds now.
    Show {
        /// Where each value comes from: a line of the file, the environment, the command line or the program.
        #[arg(long)]
        origin: bool,
    },
}

pub(super) fn run(common: &Common, verb: &Verb, output: &Output) -> Result<Exit, Error> {
    let Verb::Show { origin } = verb;
    let folder = common.folder()?;
    let mut settings = setting::settings(folder)?;
    let quoted = |text: &str| toml::Value::String(text.to_owned()).to_string();
    let said = |variable: &'static str, value: &str| match std::env::var(variable) {
        Ok(known) if known == value => Origin::Environment { name: variable },
        _ => Origin::CommandLine,
    };
    let data = folder.to_string_lossy();
    let origin_of_data = said("ISSUER_DATA", &data);
    let mut about = vec![Setting { name: "data".to_owned(), value: Some(quoted(&data)), origin: origin_of_data }];
    if let Some(operator) = &common.operator {
        let origin = said("ISSUER_OPERATOR", operator);
        about.push(Setting { name: "operator".to_owned(), value: Some(quoted(operator)), origin });
    }
    about.append(&mut settings);
    output.show(&Settings { settings: about, with_origin: *origin });
    Ok(Exit::Ok)
}
