//! Why a card and the centre do not say the same: one item for each thing that one of them knows alone.
//!
//! | item              | card        | centre's total | difference |
//! |-------------------|-------------|----------------|------------|
//! | SaleNotUploaded   | has paid    | still has it   | +          |
//! | SaleNotPosted     | has paid    | still has it   | +          |
//! | LoadWaiting       | –           | has it         | + |
//! | Owed              | has it      | –              | − |
//! | LoadUnderWay      | not there   | has it         | +          |
//! | LoadUnconfirmed   | has it      | has it         | 0          |
//! | RefundUnderWay    | not there   | not there      | 0          |
//! | RefundUnconfirmed | has it      | not there      | −          |
//! | FormerCard        | –           | has it         | +          |
//!
//! What the items leave is said, never hidden.
//!
//! Source: the card's log against the records that terminals uploaded, by the card's own numbers.
//! Owns: that table. Never: believes a card over the ledger: it only explains.
//! Units: fen.

use settlement::date::BusinessDate;
use settlement::fen::{Fen, FenError};
use settlement::id::TerminalNumber;
use settlement::query::{LogKind, LoggedTransaction, OnCard, PendingItem, PendingKind};

use super::account::Money;
use crate::clearing::load::{Load, LoadState};
use crate::clearing::refusal::ClearingError;
use crate::clearing::upload::{RowKind, RowOutcome, UploadRow};
use crate::store::Tx;

/// What explains the difference between the total and the balance on a card, the newest first of each kind.
///
/// # Errors
/// [`ClearingError`].
pub fn explain(
    tx: &Tx<'_>,
    card: settlement::id::CardIdentifier,
    money: &Money,
    on_card: &OnCard,
) -> Result<Vec<PendingItem>, ClearingError> {
    let mut items = Vec::new();
    let unposted = tx.unposted_purchases(card)?;
    for logged in on_card.log.iter().filter(|logged| logged.kind == LogKind::Purchase) {
        let received = unposted.iter().any(|row| is_same(row, logged));
        if !received && !tx.card_sequence_used(card, logged.card_sequence, RowKind::Purchase)? {
            let date = logged.date_time.map(|at| at.date());
            let institution = institution_of(tx, logged.terminal)?;
            items.push(item(PendingKind::SaleNotUploaded, logged.amount_fen, logged.amount_fen, date, institution));
        }
    }
    for row in unposted.iter().filter(|row| has_paid(row, &on_card.log)) {
        let amount = row.personal_account_fen;
        let institution = tx.institution(&row.institution)?.map(|institution| institution.name);
        items.push(item(PendingKind::SaleNotPosted, amount, amount, Some(row.date_time.date()), institution));
    }
    if let Some(load) = tx.last_load(card)?.filter(|load| load.state == LoadState::Prepared) {
        let (kind, difference) = open_load(&load, &on_card.log)?;
        let institution = institution_of(tx, load.terminal)?;
        items.push(item(kind, load.amount_fen, difference, Some(load.date_time.date()), institution));
    }
    for other in money.cards.iter().filter(|other| other.card != card) {
        if other.under_way != Fen::ZERO {
            items.push(item(PendingKind::LoadUnderWay, other.under_way, other.under_way, None, None));
        }
        if other.on_card != Fen::ZERO {
            items.push(item(PendingKind::FormerCard, other.on_card, other.on_card, None, None));
        }
    }
    if money.waiting != Fen::ZERO {
        let kind = if money.waiting < Fen::ZERO { PendingKind::Owed } else { PendingKind::LoadWaiting };
        items.push(item(kind, money.waiting, money.waiting, None, None));
    }
    Ok(items)
}

/// Whether a record that came is the one that the card shows.
fn is_same(row: &UploadRow, logged: &LoggedTransaction) -> bool {
    row.card_sequence == logged.card_sequence
}

/// Whether the card has paid what a record says. One without a proof is believed; one that was refused may be an invention, and
/// counts only when the card shows it.
fn has_paid(row: &UploadRow, log: &[LoggedTransaction]) -> bool {
    let shown = |logged: &LoggedTransaction| {
        logged.kind == LogKind::Purchase && is_same(row, logged) && logged.amount_fen == row.personal_account_fen
    };
    row.outcome == RowOutcome::Held || log.iter().any(shown)
}

/// What a load without an outcome is, and its part of the difference.
fn open_load(load: &Load, log: &[LoggedTransaction]) -> Result<(PendingKind, Fen), FenError> {
    let is_on_card = log.iter().any(|logged| {
        logged.kind == LogKind::Load
            && logged.card_sequence == load.card_sequence
            && logged.amount_fen == load.amount_fen
    });
    Ok(match (&load.refund, is_on_card) {
        (None, true) => (PendingKind::LoadUnconfirmed, Fen::ZERO),
        (None, false) => (PendingKind::LoadUnderWay, load.amount_fen),
        (Some(_), true) => (PendingKind::RefundUnconfirmed, Fen::ZERO.minus(load.amount_fen)?),
        (Some(_), false) => (PendingKind::RefundUnderWay, Fen::ZERO),
    })
}

fn institution_of(tx: &Tx<'_>, terminal: TerminalNumber) -> Result<Option<String>, ClearingError> {
    let Some(terminal) = tx.terminal(terminal)? else { return Ok(None) };
    Ok(tx.institution(&terminal.institution)?.map(|institution| institution.name))
}

const fn item(
    kind: PendingKind,
    amount_fen: Fen,
    difference_fen: Fen,
    date: Option<BusinessDate>,
    institution: Option<String>,
) -> PendingItem {
    PendingItem { kind, amount_fen, difference_fen, date, institution }
}
