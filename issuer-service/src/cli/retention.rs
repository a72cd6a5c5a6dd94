//! `issuer retention …`.

use clap::Subcommand;

use super::Common;
use crate::error::Error;
use crate::exit::Exit;
use crate::output::Output;
use crate::retention::{self, Kind};

/// What to do with periods of keeping.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// What is kept how long, why, and how much is past its time.
    Show,
    /// Set how long a kind is kept; money, cards, keys and the audit log are kept for good.
    Set {
        /// What.
        #[arg(value_enum)]
        kind: Kind,
        /// Days, 183 at least.
        #[arg(long, required_unless_present = "for_good", conflicts_with = "for_good")]
        days: Option<u16>,
        /// Keep it for good again.
        #[arg(long)]
        for_good: bool,
        /// On what grounds; no names of people.
        #[arg(long)]
        reason: String,
    },
    /// Remove what is past its time: daily, by another operator than the one who set the periods.
    Run {
        /// Count only.
        #[arg(long)]
        dry_run: bool,
    },
}

pub(super) fn run(common: &Common, verb: Verb, output: &Output) -> Result<Exit, Error> {
    let operator = common.operator.as_deref();
    match verb {
        Verb::Show => {
            let mut centre = common.centre()?;
            output.show(&centre.store.read(|tx| retention::show(tx, &centre.folder))?);
        }
        Verb::Set { kind, days, for_good: _, reason } => {
            let mut centre = common.centre()?;
            output.show(&retention::set(&mut centre.store, &centre.folder, kind, days, &reason, operator)?);
        }
        Verb::Run { dry_run } => {
            let mut centre = common.registry(output)?;
            let removed = retention::run(&mut centre.store, &centre.folder, operator, dry_run)?;
            output.show(&removed);
        }
    }
    Ok(Exit::Ok)
}
