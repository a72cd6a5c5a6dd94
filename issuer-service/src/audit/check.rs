//! Verifying the log of a database that others go on writing.
//!
//! Owns: what is read before and behind the snapshot. Never: a rule of the chain (`Verifier`).

use super::anchor::Expected;
use super::{Bad, Reason, Verdict, Verifier};
use crate::store::{Store, StoreError, Tx};

/// Verifies the whole log against its checkpoints and its anchor.
///
/// # Errors
/// [`StoreError`]; a log that does not hold is no error.
pub fn verify(store: &mut Store) -> Result<Verdict, StoreError> {
    // Others go on writing: what must be there is what was written down before the snapshot, what may be there what is
    // written down behind it.
    let before = store.anchor().read();
    store.read(|tx| -> Result<_, StoreError> {
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
                    return Ok(Verdict { first_bad, ..Verdict::none() });
                }
            },
        };
        let mut verifier = Verifier::new(public_key, checkpoints, anchor);
        tx.audit_records(|record| verifier.take(record))?;
        Ok(verifier.finish())
    })
}

fn reading(tx: &Tx<'_>, before: std::io::Result<Expected>) -> Option<Expected> {
    let before = before.ok()?;
    Some(tx.anchor().read().ok()?.asking_as(&before))
}
