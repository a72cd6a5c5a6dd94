//! `issuer receipt …`.

use clap::Subcommand;

use super::Common;
use crate::clearing::receipt;
use crate::error::Error;
use crate::exit::Exit;
use crate::output::Output;

/// What to do with receipts of purchases.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Check a receipt's code: signed by a terminal of this centre, and what became of the sale (exit code 7 when it is not
    /// genuine).
    Check {
        /// The code: 152 letters and digits; spaces between them do not matter.
        #[arg(required = true, num_args = 1..)]
        code: Vec<String>,
    },
}

pub(super) fn run(common: &Common, verb: Verb, output: &Output) -> Result<Exit, Error> {
    let Verb::Check { code } = verb;
    let verdict = common.centre()?.store.read(|tx| receipt::check(tx, &code.concat()))?;
    output.show(&verdict);
    Ok(if verdict.is_good() { Exit::Ok } else { Exit::Mismatch })
}
