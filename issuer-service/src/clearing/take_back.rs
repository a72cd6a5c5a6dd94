//! What two people decided of a record is taken back (冲回): its number is free again, and the money goes where it was.
//!
//! What becomes of the number is not what becomes of the money. The number is always freed. The money of the holder may have moved on:
//!
//! | moved on | entries beside the mirror |
//! |----------|---------------------------|
//! | what was returned left the holder's pending money | none: `pending:<holder>` falls below zero, the next allotment covers it first |
//! | a part was refunded to the card | the refund's mirror, with `pending:<holder>` for the card, which keeps the money |
//! | a refund reaches the card later | the same, when it does |
//!
//! | why | of what was | then |
//! |-----|-------------|------|
//! | its card contradicts it, or another record of its number has the card's own code | posted, returned | it is over |
//! | its card told its code since (docs/adr/0085) | returned, dismissed | it is decided anew |
//! | the card's records beside it show that it paid (`neighbours`) | dismissed | it is decided anew |
//!
//! Source: docs/adr/0084. Owns: what may be taken back, the entries. Never: decides (`decision`), posts.
//! Units: fen.

use settlement::fen::{Fen, FenError};

use super::decision::RowAct;
use super::ledger::{Account, Posting, PostingKind};
use super::load::{Load, LoadState};
use super::neighbours;
use super::number::Number;
use super::refund::{self, Refund};
use super::refusal::ClearingError;
use super::upload::{RowKind, UploadRow};
use crate::store::Tx;

/// How the reference of what is taken back begins, before the reference that it undoes.
pub const PREFIX: &str = "taken-back:";

/// Whether what was decided of a record is shown to be wrong: its card, or a record of its number with the card's own code, shows that it
/// did not pay; or its card told its code since, or its records beside it show since that it paid.
///
/// # Errors
/// [`ClearingError::Store`]; [`ClearingError::Sum`].
pub(super) fn is_wrong(tx: &Tx<'_>, row: &UploadRow, number: &Number) -> Result<bool, ClearingError> {
    Ok(match row.decided.map(|decided| decided.act) {
        Some(RowAct::Post) => row.is_contradicted() || number.speaks_against(row),
        Some(RowAct::Return) => row.is_contradicted() || number.speaks_against(row) || is_proved(row),
        Some(RowAct::Dismiss) => is_proved(row) || (row.proof.is_none() && neighbours::show(tx, row)?),
        Some(RowAct::TakeBack) | None => false,
    })
}

fn is_proved(row: &UploadRow) -> bool {
    row.kind == RowKind::Purchase && row.is_proved_since
}

/// What is posted when a decision is taken back: `decided` the other way round, and what its holder owes of what was refunded.
///
/// # Errors
/// [`ClearingError::Posting`], [`ClearingError::Store`].
pub(super) fn postings(tx: &Tx<'_>, row: &UploadRow, decided: Option<Posting>) -> Result<Vec<Posting>, ClearingError> {
    let Some(before) = decided else { return Ok(Vec::new()) };
    let mut postings = vec![mirror((PREFIX, &before), before.kind(), |account| account)?];
    if row.decided.is_some_and(|decided| decided.act == RowAct::Post) {
        for load in tx.refunds_of(before.reference())? {
            if let (LoadState::Credited, Some(refund)) = (load.state, &load.refund) {
                postings.extend(owed(tx, &load, refund)?);
            }
        }
    }
    Ok(postings)
}

/// What a holder owes for a refund that reached the card now, by `credited`, when its purchase was taken back since it was prepared.
///
/// # Errors
/// [`ClearingError::Posting`], [`ClearingError::Store`].
pub(super) fn late_refund(
    tx: &Tx<'_>,
    load: &Load,
    refund: &Refund,
    credited: &Posting,
) -> Result<Option<Posting>, ClearingError> {
    // It was admitted for a posting that stood; another one of the same name says nothing of this one.
    let is_taken_back = tx.is_posted(&format!("{PREFIX}{}", refund.posting))?;
    is_taken_back.then(|| undone(tx, load, credited)).transpose()
}

/// The refund the other way round; the card keeps the money, and its holder owes it.
pub(super) fn owed(tx: &Tx<'_>, load: &Load, refund: &Refund) -> Result<Option<Posting>, ClearingError> {
    refund::posting(load, refund)?.map(|credited| undone(tx, load, &credited)).transpose()
}

fn undone(tx: &Tx<'_>, load: &Load, credited: &Posting) -> Result<Posting, ClearingError> {
    let pending = tx.pending(load.holder)?;
    mirror((PREFIX, credited), PostingKind::Correction, |account| match account {
        Account::Card(_) => pending.clone(),
        other => other,
    })
}

/// A posting the other way round, under its reference with a word before it.
pub(super) fn mirror(
    (prefix, before): (&str, &Posting),
    kind: PostingKind,
    of: impl Fn(Account) -> Account,
) -> Result<Posting, ClearingError> {
    let back = before.entries().iter().map(|entry| Ok((of(entry.account.clone()), Fen::ZERO.minus(entry.amount)?)));
    let back = back.collect::<Result<Vec<_>, FenError>>()?;
    Ok(Posting::new(format!("{prefix}{}", before.reference()), kind, back)?)
}
