//! `issuer audit …`.

use std::path::PathBuf;

use clap::Subcommand;

use super::Common;
use crate::audit::anchor::{Anchor, Expected};
use crate::audit::export;
use crate::audit::{Act, Bad, Reason, Verdict, Verifier};
use crate::centre::Centre;
use crate::error::Error;
use crate::exit::Exit;
use crate::operator::Role;
use crate::output::Output;
use crate::store::{StoreError, Tx};

/// What to do with the audit log.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Check the whole chain, its signed checkpoints and its anchor; names the first record that does not hold.
    Verify,
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
}

pub(super) fn run(common: &Common, verb: Verb, output: &Output) -> Result<Exit, Error> {
    let mut centre = common.centre()?;
    match verb {
        Verb::Verify => {
            let verdict = verify(&mut centre)?;
            output.show(&verdict);
            return Ok(if verdict.first_bad.is_none() { Exit::Ok } else { Exit::Mismatch });
        }
        Verb::Export { file } => output.show(&export::write(&mut centre.store, &file)?),
        Verb::Checkpoint => {
            let vault = common.vault(&centre, output)?;
            centre.sign_checkpoint(&vault)?;
            output.show(&verify(&mut centre)?);
        }
        Verb::Anchor { reason } => {
            centre.store.act(|tx| -> Result<_, Error> {
                let actor = tx.require(common.operator.as_deref(), Role::Audit)?;
                if reason.trim().is_empty() {
                    return Err(crate::card::failure::LifeError::ReasonMissing.into());
                }
                tx.renew_anchor()?;
                Ok(((), Act { actor, act: "audit.anchor", object: "audit log".to_owned(), detail: reason }))
            })?;
            output.show(&verify(&mut centre)?);
        }
    }
    Ok(Exit::Ok)
}

fn verify(centre: &mut Centre) -> Result<Verdict, Error> {
    // Others go on writing: what must be there is what was written down before the snapshot, what may be there what is
    // written down behind it.
    let before = Anchor::in_folder(&centre.folder).read();
    let verdict = centre.store.read(|tx| -> Result<_, StoreError> {
        let public_key = tx.fact("public_key")?.and_then(|key| hex::decode(key).ok()).unwrap_or_default();
        let checkpoints = tx.audit_checkpoints()?;
        let head = tx.audit_head()?;
        let anchor = match (tx.is_anchored()?, before) {
            (false, Err(_)) => None,
            (_, before) => match reading(tx, before) {
                Some(expected) => Some(expected),
                None => {
                    let sequence = head.map_or(1, |(sequence, _)| sequence);
                    let first_bad = Some(Bad { sequence, reason: Reason::AnchorBroken });
                    return Ok(Verdict { records: 0, checkpoints: 0, anchored: false, first_bad });
                }
            },
        };
        let mut verifier = Verifier::new(public_key, checkpoints, anchor);
        tx.audit_records(|record| verifier.take(record))?;
        Ok(verifier.finish())
    })?;
    Ok(verdict)
}

fn reading(tx: &Tx<'_>, before: std::io::Result<Expected>) -> Option<Expected> {
    let before = before.ok()?;
    Some(tx.anchor().read().ok()?.asking_as(&before))
}
