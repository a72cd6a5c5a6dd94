//! Refunds (退费, 撤销) as the centre sees them: a load that names a posted purchase.
//!
//! | refused | when |
//! |---------|------|
//! | REFUND_ORIGINAL_UNKNOWN | no such purchase was accepted |
//! | REFUND_ORIGINAL_VOID | two people dismissed or returned it, or took back that it was posted |
//! | REFUND_ORIGINAL_AMBIGUOUS | two purchases of the card have this number of the terminal, and the card's number is not told |
//! | REFUND_OTHER_CARD       | another card paid |
//! | REFUND_ELSEWHERE        | another institution sold |
//! | CANCEL_TOO_LATE         | a cancel by another terminal, on another day, after a later purchase or a refund, or of a part |
//! | REFUND_TOO_MUCH         | with the refunds that were prepared or credited it is more than the purchase |
//!
//! A refund that is prepared holds its part of the purchase, so that two terminals cannot give it back twice. It is posted when
//! the card is shown to have it: the mirror of the purchase, in the window of that day.
//!
//! Source: municipal interfaces (own institution, own card, latest settlement only, nothing twice).
//! Owns: those rules, the posting. Never: computes a code, moves a load (`load`).
//! Units: fen.

use serde::Serialize;
use settlement::code::ErrorCode;
use settlement::fen::Fen;
use settlement::id::{CardIdentifier, InstitutionCode};
use settlement::message::LoadRequest;
use settlement::refund::{Elsewhere, Original, Parts, RefundAct, RefundOf, Standing, left_of};

use super::institution::Terminal;
use super::ledger::{self, Posting, PostingKind};
use super::load::{Load, LoadState};
use super::refusal::ClearingError;
use super::upload::UploadRow;
use crate::store::{StoreError, Tx};

/// What makes a load a refund.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Refund {
    /// Purchase.
    pub original: Original,
    /// How it is undone.
    pub act: RefundAct,
    /// Who sold, and owes it.
    pub institution: InstitutionCode,
    /// 个人自付, given back in cash: a memorandum.
    pub self_paid_fen: Fen,
    /// 统筹基金.
    pub pooled_fund_fen: Fen,
    /// Reference of the posting that it gives back: of several that stood under one name, one behind the other.
    #[serde(skip)]
    pub posting: String,
}

impl Refund {
    /// What goes back of the purchase.
    const fn parts(&self, load: &Load) -> Parts {
        Parts { personal_account: load.amount_fen, self_paid: self.self_paid_fen, pooled_fund: self.pooled_fund_fen }
    }

    /// Whether a record or request says the same of its purchase.
    #[must_use]
    pub fn is(&self, of: &RefundOf) -> bool {
        self.original == of.original
            && self.act == of.act
            && self.self_paid_fen == of.self_paid_fen
            && self.pooled_fund_fen == of.pooled_fund_fen
    }
}

/// Whether the purchase may be given back so, to this card.
///
/// # Errors
/// [`ClearingError::Refused`] with the code for the terminal.
pub fn admit(tx: &Tx<'_>, request: &LoadRequest, of: &RefundOf) -> Result<Refund, ClearingError> {
    let refuse = |code| Err(ClearingError::Refused(code));
    let terminal = tx.terminal(request.terminal)?.ok_or(ClearingError::Refused(ErrorCode::TerminalUnknown))?;
    let purchase = purchase(tx, &terminal, of.original, request.card_identifier)?;
    let asked =
        Parts { personal_account: request.amount_fen, self_paid: of.self_paid_fen, pooled_fund: of.pooled_fund_fen };
    let posting = tx.purchase_reference(&purchase)?;
    // What people called credited with the number that the card has now gives way to this one's TAC: it takes no room beside it.
    let mut earlier = tx.refunds_of(&posting)?;
    earlier.retain(|one| (one.card_identifier, one.card_sequence) != (request.card_identifier, request.card_sequence));
    let earlier = parts_of(&earlier);
    if of.act == RefundAct::Cancel
        && !(earlier.is_empty() && asked == parts(&purchase) && is_latest(tx, request, &purchase)?)
    {
        return refuse(ErrorCode::CancelTooLate);
    }
    if left_of(parts(&purchase), earlier).and_then(|left| left.less(asked)).is_err() {
        return refuse(ErrorCode::RefundTooMuch);
    }
    Ok(Refund {
        original: of.original,
        act: of.act,
        institution: purchase.institution,
        self_paid_fen: of.self_paid_fen,
        pooled_fund_fen: of.pooled_fund_fen,
        posting,
    })
}

/// What was paid for a purchase of this card at the terminal's institution, and what is left of it.
///
/// # Errors
/// [`ClearingError::Refused`] with the code for the terminal.
pub fn original(
    tx: &Tx<'_>,
    terminal: &Terminal,
    original: Original,
    card: CardIdentifier,
) -> Result<(Parts, Parts), ClearingError> {
    let purchase = purchase(tx, terminal, original, card)?;
    let (paid, given) = (parts(&purchase), given_back(tx, &tx.purchase_reference(&purchase)?)?);
    let left = left_of(paid, given).map_err(|_| ClearingError::Refused(ErrorCode::RefundTooMuch))?;
    Ok((paid, left))
}

/// A refund as the till that sold is told of it; `None` for a load. It names the one purchase that was meant, also where its clerk did not
/// say the card's number and another purchase of that terminal sequence came since.
///
/// # Errors
/// [`StoreError`].
pub fn elsewhere(tx: &Tx<'_>, load: &Load) -> Result<Option<Elsewhere>, StoreError> {
    let Some(refund) = load.refund.as_ref() else { return Ok(None) };
    Ok(Some(Elsewhere {
        load_id: load.load_id,
        original: named(tx, load, refund)?,
        card_identifier: load.card_identifier,
        act: refund.act,
        parts: refund.parts(load),
        standing: match load.state {
            LoadState::Prepared => Standing::Prepared,
            LoadState::Credited => Standing::Credited,
            LoadState::NotCredited => Standing::NotCredited,
        },
    }))
}

/// The purchase with the card's number, by the posting that is given back; as it was told where that posting does not stand any more.
fn named(tx: &Tx<'_>, load: &Load, refund: &Refund) -> Result<Original, StoreError> {
    if refund.original.card_sequence.is_none() {
        for purchase in tx.accepted_purchases(refund.original)? {
            if purchase.card_identifier == load.card_identifier && tx.purchase_reference(&purchase)? == refund.posting {
                return Ok(Original { card_sequence: Some(purchase.card_sequence), ..refund.original });
            }
        }
    }
    Ok(refund.original)
}

/// What was given back of a posting, or may have been: refunds that did not reach the card are left out.
fn given_back(tx: &Tx<'_>, posting: &str) -> Result<Vec<Parts>, ClearingError> {
    Ok(parts_of(&tx.refunds_of(posting)?))
}

fn parts_of(refunds: &[Load]) -> Vec<Parts> {
    refunds.iter().filter_map(|load| Some(load.refund.as_ref()?.parts(load))).collect()
}

/// The purchase that was posted with this name, for the card that is in the reader: two cards may have the same number of a terminal,
/// and one card twice.
fn purchase(
    tx: &Tx<'_>,
    terminal: &Terminal,
    original: Original,
    card: CardIdentifier,
) -> Result<UploadRow, ClearingError> {
    let refuse = |code| Err(ClearingError::Refused(code));
    let purchases = tx.accepted_purchases(original)?;
    if purchases.is_empty() {
        return refuse(match tx.is_void(original, card)? {
            true => ErrorCode::RefundOriginalVoid,
            false => ErrorCode::RefundOriginalUnknown,
        });
    }
    let mut of_card = purchases.into_iter().filter(|one| one.card_identifier == card);
    let purchase = match (of_card.next(), of_card.next()) {
        (Some(purchase), None) => purchase,
        (Some(_), Some(_)) => return refuse(ErrorCode::RefundOriginalAmbiguous),
        (None, _) => return refuse(ErrorCode::RefundOtherCard),
    };
    if purchase.institution != terminal.institution {
        return refuse(ErrorCode::RefundElsewhere);
    }
    Ok(purchase)
}

const fn parts(purchase: &UploadRow) -> Parts {
    Parts {
        personal_account: purchase.personal_account_fen,
        self_paid: purchase.self_paid_fen,
        pooled_fund: purchase.pooled_fund_fen,
    }
}

/// Sold by this terminal, in the window that is open now, and no purchase that came in since has a higher number with the card's own code:
/// people's word moves no card.
fn is_latest(tx: &Tx<'_>, request: &LoadRequest, purchase: &UploadRow) -> Result<bool, ClearingError> {
    Ok(purchase.terminal == request.terminal
        && purchase.window_date == tx.current_window()?
        && tx.last_proved_number(purchase.card_identifier)?.is_none_or(|last| last <= purchase.card_sequence))
}

/// The posting of a refund that the card has: the purchase's, the other way round; `None` where all its amounts are zero, which
/// no refund's are.
///
/// # Errors
/// [`ClearingError::Posting`].
pub fn posting(load: &Load, refund: &Refund) -> Result<Option<Posting>, ClearingError> {
    let card: CardIdentifier = load.card_identifier;
    let back = |amount: Fen| Fen::ZERO.minus(amount);
    Ok(ledger::payment(
        format!("refund:{}", load.load_id),
        PostingKind::Refund,
        card,
        &refund.institution,
        [back(load.amount_fen)?, back(refund.self_paid_fen)?, back(refund.pooled_fund_fen)?],
    )?)
}
