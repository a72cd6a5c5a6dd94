//! `issuer audit …`.

use clap::Subcommand;

use super::Common;
use crate::audit::Verifier;
use crate::error::Error;
use crate::exit::Exit;
use crate::output::Output;

/// What to do with the audit log.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Check the whole chain and its signed checkpoints; names the first record that does not hold.
    Verify,
}

pub(super) fn run(common: &Common, verb: Verb, output: &Output) -> Result<Exit, Error> {
    let mut centre = common.centre()?;
    match verb {
        Verb::Verify => {
            let verdict = centre.store.read(|tx| -> Result<_, Error> {
                let public_key = tx.fact("public_key")?.and_then(|key| hex::decode(key).ok()).unwrap_or_default();
                let mut verifier = Verifier::new(public_key, tx.audit_checkpoints()?);
                tx.audit_records(|record| verifier.take(record))?;
                Ok(verifier.finish())
            })?;
            output.show(&verdict);
            Ok(if verdict.first_bad.is_none() { Exit::Ok } else { Exit::Mismatch })
        }
    }
}
