//! `issuer certificate …`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::Common;
use crate::error::Error;
use crate::exit::Exit;
use crate::output::Output;
use crate::query::paper::{self, Order};

/// What to do with certificates of participation.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Make one for a person in front of the clerk, and print it.
    Make {
        /// Row number of the person.
        #[arg(long, value_name = "ID")]
        person: i64,
        /// Document.
        #[command(flatten)]
        document: Document,
    },
    /// Print the one with a check code, such as a kiosk without paper shows. Each print is counted.
    Print {
        /// Check code: 16 characters.
        code: String,
        /// Document.
        #[command(flatten)]
        document: Document,
    },
}

/// A document.
#[derive(Debug, Args)]
pub struct Document {
    /// A new file for the document (PDF); its name must not tell whose it is.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Address at which anybody checks certificates; it stands before the code in the QR.
    #[arg(long, value_name = "ADDRESS")]
    check: Option<String>,
}

pub(super) fn run(common: &Common, verb: Verb, output: &Output) -> Result<Exit, Error> {
    let mut centre = common.registry(output)?;
    let operator = common.operator.as_deref();
    let (Verb::Make { document, .. } | Verb::Print { document, .. }) = &verb;
    let order = Order { out: &document.out, check: document.check.as_deref(), operator };
    let printed = match &verb {
        Verb::Make { person, .. } => {
            let city = centre.config.city.to_string();
            let rules = (centre.config.benefits, &*city);
            paper::make(&mut centre.store, &centre.folder, rules, *person, &order)?
        }
        Verb::Print { code, .. } => paper::print(&mut centre.store, &centre.folder, code, &order)?,
    };
    output.show(&printed);
    Ok(Exit::Ok)
}
