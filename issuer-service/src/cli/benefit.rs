//! `issuer benefit …`.

use std::path::PathBuf;

use clap::Subcommand;
use settlement::date::BusinessDate;

use super::Common;
use crate::benefit::intake::{self, Imports, Order};
use crate::clock;
use crate::error::Error;
use crate::exit::Exit;
use crate::import::encoding::Declared;
use crate::output::Output;

/// What to do with data about contributions and accounts.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Take in a file of contributions or of account years (docs/benefits.md), whole or not at all.
    Import {
        /// CSV or XLSX; the header tells which of the two it is.
        file: PathBuf,
        /// Day of the data; today when absent.
        #[arg(long, value_name = "YYYY-MM-DD", value_parser = BusinessDate::parse)]
        as_of: Option<BusinessDate>,
        /// Encoding of a text file, when it is not to be told from it.
        #[arg(long, value_enum)]
        encoding: Option<Declared>,
        /// Months and years that are on record with other amounts are corrected.
        #[arg(long)]
        replace: bool,
        /// Check everything, keep nothing.
        #[arg(long)]
        dry_run: bool,
    },
    /// Take back what a file said; what it corrected stands again. Only the newest file of its kind, one after the other.
    TakeBack {
        /// Number of the import, as `benefit list` shows it.
        number: i64,
    },
    /// List the files that were taken in.
    List {
        /// At most so many, the newest first.
        #[arg(long, default_value_t = 20)]
        limit: u32,
    },
}

pub(super) fn run(common: &Common, verb: Verb, output: &Output) -> Result<Exit, Error> {
    match verb {
        Verb::Import { file, as_of, encoding, replace, dry_run } => {
            let mut centre = common.registry(output)?;
            let order = Order {
                file: &file,
                encoding,
                as_of: as_of.unwrap_or_else(clock::business_today),
                replaces: replace,
                dry_run,
                operator: common.operator.as_deref(),
                lang: output.lang(),
            };
            let report = intake::run(&mut centre.store, &order)?;
            output.show(&report);
            Ok(if report.refused == 0 { Exit::Ok } else { Exit::Refused })
        }
        Verb::TakeBack { number } => {
            let mut centre = common.registry(output)?;
            output.show(&intake::take_back(&mut centre.store, number, common.operator.as_deref())?);
            Ok(Exit::Ok)
        }
        Verb::List { limit } => {
            let mut centre = common.centre()?;
            output.show(&Imports { imports: centre.store.read(|tx| tx.benefit_imports(limit))? });
            Ok(Exit::Ok)
        }
    }
}
