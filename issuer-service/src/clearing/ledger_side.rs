//! The ledger's side of the three-way agreement: what the centre holds about every card.
//!
//! Owns: gathering it from ledger, uploads and loads. Never: compares (`reconciliation`), changes anything.
//! Units: fen.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use settlement::code::ErrorCode;
use settlement::date::BusinessDate;
use settlement::fen::{Fen, FenError};
use settlement::id::{CardIdentifier, Tac, TerminalNumber};

use super::decision::RowAct;
use super::load::{Load, LoadState};
use super::neighbours;
use super::number::Numbers;
use super::refusal::ClearingError;
use super::upload::{RowKind, RowOutcome, UploadRow};
use crate::store::Tx;

/// What the centre holds about a card, through a window.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LedgerCard {
    /// Balance of the card's account, with what went from it to its holder since the card is out of use.
    pub balance_fen: Fen,
    /// Loads credited.
    pub loads: u32,
    /// Their sum.
    pub loaded_fen: Fen,
    /// Refunds credited.
    pub refunds: u32,
    /// What they put back on the card.
    pub refunded_fen: Fen,
    /// Purchases posted.
    pub purchases: u32,
    /// Their sum.
    pub purchased_fen: Fen,
    /// Sum of records of which people decided, also by taking back, that the card did not pay: journals have them, chip and ledger do not.
    pub dismissed_fen: Fen,
    /// Purchases received and not posted: terminal/record, amount, code.
    pub not_posted: Vec<NotPosted>,
    /// Purchases that people posted or returned, and that their cards contradict since: their terminals count them no more.
    pub contradicted: Vec<NotPosted>,
    /// Purchases that people posted or returned, and whose number another record with the card's own code has.
    pub disproved: Vec<NotPosted>,
    /// Loads without outcome.
    pub open_loads: Vec<OpenLoad>,
}

/// A purchase that was received and not posted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NotPosted {
    /// `terminal/record`.
    pub reference: String,
    /// What the record says was taken from the card.
    pub amount_fen: Fen,
    /// Why.
    pub code: &'static str,
}

/// A load without outcome.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OpenLoad {
    /// Load.
    pub reference: String,
    /// Amount.
    pub amount_fen: Fen,
}

/// The ledger's side through a day, and the terminals that have records.
///
/// # Errors
/// [`ClearingError::WindowUnknown`].
pub fn ledger_side(
    tx: &Tx<'_>,
    through: BusinessDate,
) -> Result<(BTreeMap<CardIdentifier, LedgerCard>, BTreeSet<TerminalNumber>), ClearingError> {
    tx.window(through)?.ok_or(ClearingError::WindowUnknown { date: through })?;
    let mut cards: BTreeMap<CardIdentifier, LedgerCard> = BTreeMap::new();
    let mut terminals = BTreeSet::new();
    for (card, balance) in tx.card_balances(through)? {
        cards.entry(card).or_default().balance_fen = balance;
    }
    // What went to a holder is on the chip of the old card still.
    for (card, cleared) in tx.cleared_through(through)? {
        let known = cards.entry(card).or_default();
        known.balance_fen = known.balance_fen.minus(cleared)?;
    }
    let rows = tx.rows_through(through)?;
    let stand = rows.iter().filter(|row| !is_duplicate(row) && row.tac.is_some()).map(payment).collect();
    let numbers = Numbers::of_not_posted(tx)?;
    for row in &rows {
        terminals.insert(row.terminal);
        let may_be = row.is_decided_as_paid() && !row.is_contradicted();
        let is_disproved = may_be && numbers.of(row).disproves(row);
        let is_dismissed = row.decided.is_some_and(|decided| decided.act == RowAct::Dismiss);
        let shown =
            Shown { is_disproved, has_paid: row.is_proved_since || (is_dismissed && neighbours::show(tx, row)?) };
        take_row(cards.entry(row.card_identifier).or_default(), row, shown, &stand, through)?;
    }
    for load in tx.loads()? {
        terminals.insert(load.terminal);
        take_load(&mut cards, &load, through)?;
    }
    Ok((cards, terminals))
}

/// What one payment of a card is known by.
type Payment = (CardIdentifier, u16, i64, Option<Tac>);

const fn payment(row: &UploadRow) -> Payment {
    (row.card_identifier, row.card_sequence, row.personal_account_fen.get(), row.tac)
}

const fn is_duplicate(row: &UploadRow) -> bool {
    matches!(row.code, Some(ErrorCode::DuplicateTerminalSequence | ErrorCode::DuplicateCardSequence))
}

/// What shows that a decision of people is wrong.
#[derive(Clone, Copy)]
struct Shown {
    /// Another record of its number has the card's own code.
    is_disproved: bool,
    /// The card paid, whatever people said.
    has_paid: bool,
}

fn take_row(
    card: &mut LedgerCard,
    row: &UploadRow,
    shown: Shown,
    stand: &BTreeSet<Payment>,
    through: BusinessDate,
) -> Result<(), FenError> {
    if row.kind != RowKind::Purchase {
        return Ok(());
    }
    // The same number, amount and code are the same purchase again: the card paid once. Anything else is money.
    let is_again = is_duplicate(row) && stand.contains(&payment(row));
    // What the card contradicts its terminal does not count any more.
    let amount_fen = if is_again || row.is_contradicted() { Fen::ZERO } else { row.personal_account_fen };
    let decided = row.decided_through(through).map(|decided| decided.act);
    // What was taken back and is over neither card nor ledger counts; its terminal does until its card is there again and contradicts it.
    let is_taken_back =
        row.undone.iter().any(|undone| undone.taken_back <= through && undone.decided.act != RowAct::Dismiss);
    if is_taken_back && decided.is_none() && !row.has_cards_code() {
        card.dismissed_fen = card.dismissed_fen.plus(amount_fen)?;
        return Ok(());
    }
    let not_posted = || NotPosted {
        reference: format!("{}/{}", row.terminal, row.journal_sequence),
        amount_fen,
        code: row.code.map_or("", ErrorCode::as_str),
    };
    match (row.outcome, decided) {
        // What was returned to the holder was spent by the chip all the same.
        (RowOutcome::Accepted, _) | (_, Some(RowAct::Post | RowAct::Return)) => {
            let wrong = NotPosted {
                reference: format!("{}/{}", row.terminal, row.journal_sequence),
                amount_fen: row.personal_account_fen,
                code: row.code.map_or("", ErrorCode::as_str),
            };
            match (row.is_contradicted(), shown.is_disproved) {
                (true, _) => card.contradicted.push(wrong),
                (false, true) => card.disproved.push(wrong),
                (false, false) => {}
            }
            card.purchases = card.purchases.saturating_add(1);
            card.purchased_fen = card.purchased_fen.plus(row.personal_account_fen)?;
        }
        // Its card told its code since, or its records beside it show it: the chip paid, and the ledger does not have it until that is taken back.
        (_, Some(RowAct::Dismiss)) if shown.has_paid => card.not_posted.push(not_posted()),
        (_, Some(RowAct::Dismiss | RowAct::TakeBack)) => card.dismissed_fen = card.dismissed_fen.plus(amount_fen)?,
        (RowOutcome::Refused | RowOutcome::Held, None) => card.not_posted.push(not_posted()),
    }
    Ok(())
}

fn take_load(
    cards: &mut BTreeMap<CardIdentifier, LedgerCard>,
    load: &Load,
    through: BusinessDate,
) -> Result<(), FenError> {
    let card = cards.entry(load.card_identifier).or_default();
    match load.state {
        LoadState::Credited if load.settled_on.is_some_and(|date| date <= through) && load.refund.is_some() => {
            card.refunds = card.refunds.saturating_add(1);
            card.refunded_fen = card.refunded_fen.plus(load.amount_fen)?;
        }
        LoadState::Credited if load.settled_on.is_some_and(|date| date <= through) => {
            card.loads = card.loads.saturating_add(1);
            card.loaded_fen = card.loaded_fen.plus(load.amount_fen)?;
        }
        LoadState::Prepared => {
            card.open_loads.push(OpenLoad { reference: load.load_id.to_string(), amount_fen: load.amount_fen });
        }
        LoadState::Credited | LoadState::NotCredited => {}
    }
    Ok(())
}
