//! One record judged: whether it may be posted, with the code that keeps it from that.
//!
//! Owns: the order of the questions, what of a load must agree. Never: posts; writes a row.

use card_core::security::{SecurityError, SecurityModule};
use settlement::Accounts;
use settlement::code::ErrorCode;
use settlement::date::DateTime;
use settlement::fen::Fen;
use settlement::record::{Evidence, Transaction, TransactionRecord};
use settlement::refund::RefundOf;
use settlement::tac::{self, NumberVerdict, TacVerdict};

use super::RowKind;
use crate::clearing::blacklist;
use crate::clearing::card::CardFacts;
use crate::clearing::institution::Terminal;
use crate::clearing::load::{Load, LoadState, may_be_proved};
use crate::clearing::refusal::ClearingError;
use crate::clearing::sale::{self, AskedSale, SaleState};
use crate::clock;
use crate::store::Tx;

/// The code that keeps a record from being posted, and whether its number is the card's; `None` when it may be.
pub(super) type Judged = (Option<ErrorCode>, NumberVerdict);

pub(super) fn judge(
    tx: &Tx<'_>,
    module: &mut dyn SecurityModule,
    accounts: &Accounts,
    terminal: &Terminal,
    record: &TransactionRecord,
) -> Result<Judged, ClearingError> {
    let refuse = |code| Ok((Some(code), NumberVerdict::Unproved));
    if record.check().is_err() {
        return refuse(ErrorCode::RecordContradictory);
    }
    let Some(card) = tx.card_facts(record.card_identifier)? else { return refuse(ErrorCode::CardUnknown) };
    if card.factor != record.card_factor {
        return refuse(ErrorCode::TacWrong);
    }
    let verdict = match accounts.of(record.algorithm).and_then(|rules| tac::check(module, rules, record)) {
        Ok(TacVerdict::Missing) if record.evidence == Evidence::Judged => Some(ErrorCode::RecordJudged),
        Ok(verdict) => verdict.code(),
        // A key version that was never issued: no key of ours made this TAC.
        Err(tac::TacError::Security(SecurityError::KeyNotFound { .. })) => Some(ErrorCode::TacWrong),
        // One such record must not keep the others of its batch from coming in.
        Err(tac::TacError::Algorithm(_) | tac::TacError::Security(SecurityError::Unsupported { .. })) => {
            return refuse(ErrorCode::AlgorithmUnsupported);
        }
        Err(tac::TacError::NoCity(_)) => Some(ErrorCode::CardUnknown),
        Err(tac::TacError::Amount(_)) => Some(ErrorCode::RecordContradictory),
        Err(error @ (tac::TacError::Security(_) | tac::TacError::NotPurchase)) => return Err(error.into()),
    };
    if verdict == Some(ErrorCode::TacWrong) {
        return refuse(ErrorCode::TacWrong);
    }
    let number = tac::check_number(module, accounts.of(record.algorithm)?, record)?;
    if number == NumberVerdict::Wrong {
        return Ok((Some(ErrorCode::Mac2Wrong), number));
    }
    let refused = match &record.transaction {
        Transaction::Purchase { terminal_sequence, personal_account_fen, .. } => {
            let shown = verdict.is_none().then_some(number);
            judge_purchase(tx, terminal, record, &card, (*terminal_sequence, shown), *personal_account_fen)?
        }
        Transaction::Load { load_id, .. } | Transaction::Refund { load_id, .. } => {
            let Some(load) = tx.load(*load_id)? else { return refuse(ErrorCode::LoadUnknown) };
            let refused = judge_load(tx, record, &load)?;
            if refused.is_none() && load.state == LoadState::Credited {
                // The load is proved already; the record only repeats it.
                return Ok((None, number));
            }
            refused
        }
    };
    Ok((refused.or(verdict), number))
}

fn judge_purchase(
    tx: &Tx<'_>,
    terminal: &Terminal,
    record: &TransactionRecord,
    card: &CardFacts,
    (terminal_sequence, shown): (u32, Option<NumberVerdict>),
    personal_account: Fen,
) -> Result<Option<ErrorCode>, ClearingError> {
    let is_claimed = shown == Some(NumberVerdict::Unproved);
    let on_card = (shown == Some(NumberVerdict::Proved)).then_some(record.card_sequence);
    if tx.terminal_sequence_used((record.terminal, terminal_sequence), record.card_identifier, on_card)? {
        return Ok(Some(ErrorCode::DuplicateTerminalSequence));
    }
    // Another record that has nothing to show for the number keeps no one from it that has.
    let is_taken = match is_claimed {
        true => tx.card_sequence_used(record.card_identifier, record.card_sequence, RowKind::Purchase)?,
        false => tx.card_sequence_owned(record.card_identifier, record.card_sequence)?,
    };
    if is_taken {
        return Ok(Some(ErrorCode::DuplicateCardSequence));
    }
    match sale::of_record(tx, record)? {
        Some(asked) if !asked.is(record) => return Ok(Some(ErrorCode::RecordContradictory)),
        // The centre looked at blacklist and limits before the card was debited, and said yes.
        Some(AskedSale { state: SaleState::Authorised, .. }) => return Ok(None),
        // Two people closed it; two people say what becomes of what came after all.
        Some(AskedSale { state: SaleState::Closed, .. }) => return Ok(Some(ErrorCode::SaleClosed)),
        // Told as not done, or never heard of: a sale that the terminal answers for, as offline.
        Some(_) | None => {}
    }
    let sold_at = not_before(tx, record)?;
    if blacklist::stood_at(&tx.blacklist_history(card.identifier)?, sold_at) {
        return Ok(Some(ErrorCode::CardBlacklisted));
    }
    let (count, spent) = tx.spent_on(record.terminal, record.card_identifier, record.business_date)?;
    let allowed = tx.sale_limits(terminal, sold_at)?.allow(personal_account, count, spent)?;
    Ok((!allowed).then_some(ErrorCode::LimitExceeded))
}

/// When a sale was made at the earliest, whatever its record says: a record that the card answered at once was made after the one
/// before it, and no clock that is set back makes it older. What was settled later may be older than its neighbours.
fn not_before(tx: &Tx<'_>, record: &TransactionRecord) -> Result<DateTime, ClearingError> {
    if !matches!(record.evidence, Evidence::Answered { .. }) {
        return Ok(record.date_time);
    }
    // A clock that was ahead once says nothing about what came after it.
    let before = tx.last_record_time(record.terminal)?.filter(|before| *before <= clock::china_now());
    Ok(before.map_or(record.date_time, |before| before.max(record.date_time)))
}

/// Whether a PSAM signed a record behind a moment: a purchase; of a load it knows nothing.
pub(super) fn is_signed_since(
    tx: &Tx<'_>,
    record: &TransactionRecord,
    moment: Option<DateTime>,
) -> Result<bool, ClearingError> {
    match (moment, &record.transaction) {
        (Some(moment), Transaction::Purchase { .. }) => Ok(not_before(tx, record)? >= moment),
        (_, Transaction::Purchase { .. } | Transaction::Load { .. } | Transaction::Refund { .. }) => Ok(false),
    }
}

pub(super) fn judge_load(
    tx: &Tx<'_>,
    record: &TransactionRecord,
    load: &Load,
) -> Result<Option<ErrorCode>, ClearingError> {
    let same_purpose = match (&record.transaction, &load.refund) {
        (Transaction::Load { .. }, None) => true,
        (Transaction::Refund { original, act, self_paid_fen, pooled_fund_fen, .. }, Some(refund)) => {
            refund.is(&RefundOf {
                original: *original,
                act: *act,
                self_paid_fen: *self_paid_fen,
                pooled_fund_fen: *pooled_fund_fen,
            })
        }
        _ => false,
    };
    let same = same_purpose
        && load.terminal == record.terminal
        && load.card_identifier == record.card_identifier
        && load.card_sequence == record.card_sequence
        && load.amount_fen == record.transaction.card_movement()?
        && load.date_time == record.date_time;
    if !same {
        return Ok(Some(ErrorCode::RecordContradictory));
    }
    // A right TAC overrules what was said: a wrong one never comes here, and a record without one proves nothing.
    if load.state == LoadState::NotCredited && (record.evidence.tac().is_none() || !may_be_proved(tx, load)?) {
        return Ok(Some(ErrorCode::LoadAlreadyDecided));
    }
    if tx.card_sequence_used(record.card_identifier, record.card_sequence, RowKind::Load)? {
        return Ok(Some(ErrorCode::DuplicateCardSequence));
    }
    Ok(None)
}
