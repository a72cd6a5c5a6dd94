//! Refund (退费) and cancel (撤销): what is agreed at the counter, before and beside the card.
//!
//! ```text
//! agreed (durable) → [try: PREPARED → centre → SENT → CREDIT → CONFIRMED] → done
//!                      a try that the card refused, or that the centre did not answer, leaves it open for another
//! ```
//! Source: municipal interfaces: with the card that paid, at the institution that sold, never more than was paid; only the
//! latest settlement is cancelled, on its own day.
//! Owns: which purchase, how much, whether it may still be withdrawn. Never: credits the card (`load`), adds up (`settlement::refund`).

use settlement::BusinessDate;
use settlement::fen::Fen;
use settlement::id::LoadId;
use settlement::journal::State;
use settlement::refund::{Original, OriginalAnswer, Parts, RefundAct, left_of};

use crate::error::{RefundFault, TerminalError};
use crate::journal::{Draft, Entry, EntryNumber, Purchased, RefundNumber, RefundOrder, RefundState, Subject};
use crate::pay;
use crate::store::{NewRefund, Store};
use crate::tap::Tapped;

/// How much is asked back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// All that is left.
    Rest,
    /// A total, shared as the payers paid (assumed).
    Total(Fen),
    /// Each payer's part.
    Parts(Parts),
}

/// The purchase that this number names, and that the card did.
///
/// # Errors
/// [`RefundFault::NoPurchase`], [`TerminalError::Store`].
pub fn purchase(store: &Store, id: &str) -> Result<Entry, TerminalError> {
    let unknown = || RefundFault::NoPurchase { id: id.to_owned() };
    let number = id.parse().map(EntryNumber).map_err(|_| unknown())?;
    let entry = store.find_entry(number)?.ok_or_else(unknown)?;
    let is_paid = matches!(entry.draft.subject, Subject::Purchase { .. }) && entry.state == State::Confirmed;
    is_paid.then_some(entry).ok_or_else(|| unknown().into())
}

/// The card's latest purchase at this terminal, if it is the card's latest anywhere, of this day, and nothing went back of
/// it. The PIN was verified: the card tells its next number to nobody else.
///
/// # Errors
/// [`RefundFault::NotLatest`], that the card refuses, [`TerminalError::Store`].
pub fn latest(tapped: &mut Tapped<'_>, store: &Store, day: BusinessDate) -> Result<Entry, TerminalError> {
    let account = tapped.account()?;
    let entries = store.entries_of(&tapped.identifier)?;
    let is_purchase =
        |entry: &&Entry| matches!(entry.draft.subject, Subject::Purchase { .. }) && entry.state == State::Confirmed;
    let none = || RefundFault::NotLatest { id: None };
    let last = entries.iter().rfind(is_purchase).ok_or_else(none)?;
    let refused = || RefundFault::NotLatest { id: Some(last.number.to_string()) };
    tapped.select(&account.df)?;
    let next = pay::next_number(tapped, account)?;
    let is_last = last.sent.is_some_and(|sent| sent.card_sequence.checked_add(1) == Some(next));
    if !is_last
        || last.draft.business_date != day
        || !store.refunded(Purchased::Here(last.number), &tapped.identifier)?.is_empty()
    {
        return Err(refused().into());
    }
    Ok(last.clone())
}

/// The purchase of this card that this receipt names, where it is in this journal.
///
/// # Errors
/// [`RefundFault::Ambiguous`] where two are, [`TerminalError::Store`].
pub fn sold_here(store: &Store, tapped: &Tapped<'_>, original: Original) -> Result<Option<Entry>, TerminalError> {
    let is_it = |entry: &Entry| {
        matches!(entry.draft.subject, Subject::Purchase { .. })
            && entry.state == State::Confirmed
            && entry.draft.terminal == original.terminal
            && entry.sent.is_some_and(|sent| {
                sent.terminal_sequence == original.terminal_sequence
                    && original.card_sequence.is_none_or(|sequence| sequence == sent.card_sequence)
            })
    };
    let mut found = store.entries_of(&tapped.identifier)?.into_iter().filter(is_it);
    match (found.next(), found.next()) {
        (Some(one), Some(other)) => {
            let ids = [one, other].map(|entry| entry.number.to_string());
            Err(RefundFault::Ambiguous { reference: original.reference(), ids }.into())
        }
        (one, _) => Ok(one),
    }
}

/// Agrees on a refund of what another till sold, by what the centre told of it: durable when it returns. The centre has the last word,
/// when the card's load is prepared: it holds what another till may be giving back at the same time. The caller has the turn at the counter.
///
/// # Errors
/// As [`agree`].
pub fn agree_elsewhere(
    store: &mut Store,
    tapped: &Tapped<'_>,
    (original, told): (Original, &OriginalAnswer),
    asked: Asked,
    reason: &str,
) -> Result<RefundOrder, TerminalError> {
    let parts = asked.of(told.left)?;
    told.left.less(parts).map_err(RefundFault::Sum)?;
    let bought = Purchased::Elsewhere { original, paid: told.paid };
    let refund = NewRefund { original: bought, act: RefundAct::Refund, parts, reason: reason.to_owned() };
    Ok(store.open_refund((tapped.identifier, told.paid), &refund)?.map_err(RefundFault::Sum)?)
}

impl Asked {
    /// What each payer gives back, of what is left.
    fn of(self, left: Parts) -> Result<Parts, RefundFault> {
        match self {
            Self::Rest => Ok(left),
            Self::Total(total) => left.share(total).map_err(RefundFault::Sum),
            Self::Parts(parts) => Ok(parts),
        }
    }
}

/// Agrees on a refund: durable when it returns. The caller has the turn at the counter.
///
/// # Errors
/// [`RefundFault::Sum`] when more is asked than is left; [`TerminalError::Store`]: nothing was agreed.
pub fn agree(
    store: &mut Store,
    purchase: &Entry,
    asked: Asked,
    act: RefundAct,
    reason: &str,
) -> Result<RefundOrder, TerminalError> {
    let (paid, card) = (Parts::of_card(purchase.draft.subject.amounts()), purchase.draft.card_identifier);
    let left = left_of(paid, store.refunded(Purchased::Here(purchase.number), &card)?).map_err(RefundFault::Sum)?;
    let parts = asked.of(left)?;
    let refund = NewRefund { original: Purchased::Here(purchase.number), act, parts, reason: reason.to_owned() };
    Ok(store.open_refund((card, paid), &refund)?.map_err(RefundFault::Sum)?)
}

/// An open refund.
///
/// # Errors
/// [`RefundFault::Unknown`], [`RefundFault::Closed`], [`TerminalError::Store`].
pub fn open(store: &Store, id: &str) -> Result<RefundOrder, TerminalError> {
    let unknown = || RefundFault::Unknown { id: id.to_owned() };
    let number = id.trim_start_matches(['R', 'r']).parse().map(RefundNumber).map_err(|_| unknown())?;
    let order = store.refund(number)?.ok_or_else(unknown)?;
    match order.state {
        RefundState::Open => Ok(order),
        state @ (RefundState::Done | RefundState::Withdrawn) => Err(RefundFault::Closed { number, state }.into()),
    }
}

/// One try of a refund, for the card that paid.
///
/// # Errors
/// [`TerminalError::OtherCard`]; [`TerminalError::Store`].
pub fn draft(
    store: &Store,
    tapped: &Tapped<'_>,
    order: &RefundOrder,
    day: BusinessDate,
    load_id: LoadId,
) -> Result<Draft, TerminalError> {
    if order.card_identifier != tapped.identifier {
        return Err(TerminalError::OtherCard);
    }
    let (terminal, original) = match order.original {
        Purchased::Here(number) => {
            let purchase = store.entry(number)?;
            let sent = purchase.sent.ok_or(TerminalError::Bug("a confirmed purchase was sent"))?;
            let terminal = purchase.draft.terminal;
            let card_sequence = Some(sent.card_sequence);
            (terminal, Original { terminal, terminal_sequence: sent.terminal_sequence, card_sequence })
        }
        Purchased::Elsewhere { original, .. } => (store.terminal()?.ok_or(TerminalError::NotEnrolled)?, original),
    };
    let amounts = order.parts.to_card().map_err(|_| TerminalError::Bug("a part of a purchase fits the card"))?;
    let subject = Subject::Refund { load_id, refund: order.number, act: order.act, original, amounts };
    Ok(Draft {
        terminal,
        card_identifier: tapped.identifier,
        card_factor: tapped.card_factor(),
        business_date: day,
        subject,
        paper: String::new(),
    })
}

/// Withdraws an open refund, unless a try may have reached the card. The caller has the turn at the counter.
///
/// # Errors
/// [`RefundFault::Undecided`], [`TerminalError::Store`].
pub fn withdraw(store: &mut Store, order: &RefundOrder, why: &str) -> Result<(), TerminalError> {
    if let Some(last) = order.last
        && !store.entry(last)?.state.is_final()
    {
        return Err(RefundFault::Undecided { id: order.number.to_string(), entry: last.to_string() }.into());
    }
    Ok(store.withdraw_refund(order.number, why)?)
}
