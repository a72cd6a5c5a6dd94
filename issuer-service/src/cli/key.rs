//! `issuer key …`.

use clap::Subcommand;

use super::Common;
use crate::error::Error;
use crate::exit::Exit;
use crate::output::Output;

/// What to do with keys.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// List the keys of the vault with their check values (校验值).
    List,
}

pub(super) fn run(common: &Common, verb: Verb, output: &Output) -> Result<Exit, Error> {
    let centre = common.centre()?;
    match verb {
        Verb::List => {
            let vault = common.vault(&centre, output)?;
            output.show(&vault.check_values(centre.config.city)?);
        }
    }
    Ok(Exit::Ok)
}
