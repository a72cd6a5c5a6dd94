//! `issuer station …`.

use clap::Subcommand;

use super::Common;
use crate::error::Error;
use crate::exit::Exit;
use crate::output::Output;
use crate::station::care::{self, HoldKind, Holds, Yield};

/// What to do with stations. Cards are made with `batch run`.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Show what readers and lots yield, and why cards were spoilt.
    Yield {
        /// Of this batch only.
        #[arg(long, value_name = "NUMBER")]
        batch: Option<i64>,
    },
    /// List readers and lots that are held: too many of their cards failed.
    Holds,
    /// Give a reader or a lot back to work, after somebody has looked.
    Release {
        /// What.
        #[arg(value_enum)]
        kind: HoldKind,
        /// Its name.
        name: String,
        /// Why; goes into the audit log.
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
}

pub(super) fn run(common: &Common, verb: Verb, output: &Output) -> Result<Exit, Error> {
    let mut centre = common.centre()?;
    let store = &mut centre.store;
    match verb {
        Verb::Yield { batch } => output.show(&store.read(|tx| -> Result<_, Error> {
            Ok(Yield {
                readers: tx.reader_yield(batch)?,
                lots: tx.lot_yield(batch)?,
                reasons: tx.spoilt_reasons(batch)?,
            })
        })?),
        Verb::Release { kind, name, reason } => {
            care::release(store, kind, &name, &reason, common.operator.as_deref())?;
            output.show(&Holds { holds: store.read(|tx| tx.holds())? });
        }
        Verb::Holds => output.show(&Holds { holds: store.read(|tx| tx.holds())? }),
    }
    Ok(Exit::Ok)
}
