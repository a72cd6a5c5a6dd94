//! `issuer audit …`.

use std::path::PathBuf;

use clap::Subcommand;

use super::{Common, local};
use crate::audit::Act;
use crate::audit::check::verify;
use crate::audit::export;
use crate::clock;
use crate::error::Error;
use crate::exit::Exit;
use crate::operator::Role;
use crate::output::Output;
use crate::store::StoreError;

/// What to do with the audit log.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Check the whole chain, its signed checkpoints and its anchor; names the first record that does not hold.
    Verify {
        /// The record up to which the log was signed when somebody looked, as written down then: less is a log that does not hold.
        #[arg(long, value_name = "N")]
        signed_from: Option<i64>,
    },
    /// Write the log as JSON Lines, for the separate verifier (docs/audit.md).
    Export {
        /// The file; it may not exist.
        file: PathBuf,
    },
    /// Sign the head of the log now.
    Checkpoint,
    /// Begin a new anchor at the present head, because the old one is lost or the database comes from a backup. The old
    /// file is kept beside it.
    Anchor {
        /// Why; no names of people.
        #[arg(long)]
        reason: String,
    },
    /// Say that the clock is right although the last act is later, or days ago; needs the role manage. Acts go on from now.
    Clock {
        /// Why the two differ; no names of people.
        #[arg(long)]
        reason: String,
    },
}

pub(super) fn run(common: &Common, verb: Verb, output: &Output) -> Result<Exit, Error> {
    let mut centre = common.centre()?;
    match verb {
        Verb::Verify { signed_from } => {
            let before = centre.file_state();
            let verdict = verify(&mut centre.store)?.asked(signed_from);
            // A copy on a medium that cannot be written is read without a lock.
            if before.is_some() && centre.file_state() != before {
                return Err(StoreError::Overtaken.into());
            }
            output.show(&verdict);
            return Ok(if verdict.first_bad.is_none() { Exit::Ok } else { Exit::Mismatch });
        }
        Verb::Export { file } => output.show(&export::write(&mut centre.store, &file)?),
        Verb::Checkpoint => {
            centre.store.read(|tx| tx.clock_holds())?;
            let vault = common.vault(&centre, output)?;
            centre.sign_checkpoint(&vault, &common.actor())?;
            output.show(&verify(&mut centre.store)?);
        }
        Verb::Anchor { reason } => {
            centre.store.renew_anchor(|tx| -> Result<_, Error> {
                let actor = tx.require(common.operator.as_deref(), Role::Audit)?;
                if reason.trim().is_empty() {
                    return Err(crate::card::failure::LifeError::ReasonMissing.into());
                }
                Ok(Act { actor, act: "audit.anchor", object: "audit log".to_owned(), detail: reason })
            })?;
            output.show(&verify(&mut centre.store)?);
        }
        Verb::Clock { reason } => {
            centre.store.act_under_way(|tx| -> Result<_, Error> {
                let actor = tx.manager(common.operator.as_deref())?.unwrap_or_else(local);
                if reason.trim().is_empty() {
                    return Err(crate::card::failure::LifeError::ReasonMissing.into());
                }
                let last = clock::instant(tx.last_recorded()?.unwrap_or_default());
                let detail = format!("last act at {last}: {reason}");
                tx.believe_clock()?;
                Ok(((), Act { actor, act: "audit.clock", object: "audit log".to_owned(), detail }))
            })?;
            output.show(&verify(&mut centre.store)?);
        }
    }
    Ok(Exit::Ok)
}
