//! `issuer person …`.

use std::path::PathBuf;

use clap::Subcommand;

use super::Common;
use crate::error::{Error, Missing};
use crate::exit::Exit;
use crate::import::{self, Order};
use crate::output::Output;
use crate::person::{Masked, People};

/// What to do with people.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Register the people of a bureau's file; every fault of every row is told at once.
    ///
    /// The file is CSV in GB 18030 or UTF-8, its cells separated by commas, tabs or semicolons. Its header needs a number
    /// (身份证号, AAC002, number …) and a name (姓名, AAC003, name …); sex, ethnic group, birth date, region, address, phone
    /// and employer are read when they are there, other columns are ignored and listed. "row" of a fault is the line of the
    /// file where the row starts, counted as a text editor counts; the header of an ordinary file is line 1.
    ///
    /// Good rows are registered in one transaction, people who are registered already with the same data count as
    /// unchanged, faulty rows are refused: exit code 10.
    Import {
        /// The file.
        file: PathBuf,
        /// Check everything, register nobody.
        #[arg(long)]
        dry_run: bool,
        /// Write the report here too: JSON, or CSV (UTF-8 with a mark, for spreadsheet programs) when the name ends in .csv.
        #[arg(long, value_name = "FILE")]
        report: Option<PathBuf>,
    },
    /// List people, masked.
    List {
        /// Of this county only.
        #[arg(long, value_name = "CODE")]
        county: Option<String>,
        /// After this person.
        #[arg(long, value_name = "ID", default_value_t = 0)]
        after: i64,
        /// At most so many.
        #[arg(long, default_value_t = 100)]
        limit: u32,
    },
    /// Show a person, masked.
    Show {
        /// Row number of the person.
        id: i64,
    },
}

pub(super) fn run(common: &Common, verb: Verb, output: &Output) -> Result<Exit, Error> {
    let mut centre = common.centre()?;
    match verb {
        Verb::Import { file, dry_run, report } => {
            let actor = common.actor();
            let order = Order {
                file: &file,
                city: centre.config.city,
                dry_run,
                report: report.as_deref(),
                actor: &actor,
                lang: output.lang(),
            };
            let report = import::run(&mut centre.store, &order)?;
            output.show(&report);
            return Ok(if report.counts().rejected == 0 { Exit::Ok } else { Exit::Partly });
        }
        Verb::List { county, after, limit } => {
            let people = centre.store.read(|tx| -> Result<_, Error> {
                let people = tx.people(county.as_deref(), after, limit)?.iter().map(Masked::from).collect();
                Ok(People { total: tx.people_count()?, people })
            })?;
            output.show(&people);
        }
        Verb::Show { id } => {
            let person = centre.store.read(|tx| tx.person(id))?;
            output.show(&Masked::from(&person.ok_or(Missing::Person { id })?));
        }
    }
    Ok(Exit::Ok)
}
