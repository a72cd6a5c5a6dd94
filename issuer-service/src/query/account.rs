//! 账户: all of a holder's money at the centre, and the lines that led to it.
//!
//! The account of a holder is what waits for them, what is under way to their cards and what is on them: money that moves between
//! these is no income and no expense.
//!
//! Owns: which ledger accounts are a holder's, what a posting is to them; that the lines add up to the balance.
//! Never: writes a posting.
//! Units: fen.

use std::collections::BTreeMap;

use settlement::date::BusinessDate;
use settlement::fen::{Fen, FenError};
use settlement::id::{CardIdentifier, InstitutionCode, LoadId, TerminalNumber};
use settlement::query::{LineKind, StatementLine};
use settlement::refund::Original;

use crate::clearing::ledger::{Account, PostingKind};
use crate::clearing::refusal::ClearingError;
use crate::clearing::take_back;
use crate::store::Tx;
use crate::store::query::AccountEntry;

/// Balances of a holder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Money {
    /// 待圈存.
    pub waiting: Fen,
    /// Every card of the holder: what is on it, and what is under way to it.
    pub cards: Vec<CardMoney>,
}

/// Money of one card at the centre.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CardMoney {
    /// Card.
    pub card: CardIdentifier,
    /// What the ledger says is on it.
    pub on_card: Fen,
    /// In a load whose outcome is not known.
    pub under_way: Fen,
}

impl Money {
    /// Of a holder with these cards.
    ///
    /// # Errors
    /// [`ClearingError`].
    pub fn of(tx: &Tx<'_>, holder: i64, cards: &[CardIdentifier]) -> Result<Self, ClearingError> {
        let mut found = Vec::with_capacity(cards.len());
        for card in cards {
            found.push(CardMoney {
                card: *card,
                on_card: tx.balance(&Account::Card(*card))?,
                under_way: tx.balance(&Account::Transit(*card))?,
            });
        }
        Ok(Self { waiting: tx.balance(&Account::Pending(holder))?, cards: found })
    }

    /// All of it.
    ///
    /// # Errors
    /// [`FenError`].
    pub fn total(&self) -> Result<Fen, FenError> {
        let on_cards = self.cards.iter().flat_map(|card| [card.on_card, card.under_way]);
        Fen::sum(on_cards.chain([self.waiting]))
    }
}

/// Lines of the account, by day and then by posting, the oldest first, each with the balance after it; the last one's is the total.
///
/// # Errors
/// [`ClearingError`].
pub fn lines(tx: &Tx<'_>, holder: i64, cards: &[CardIdentifier]) -> Result<Vec<StatementLine>, ClearingError> {
    let mut postings: BTreeMap<(BusinessDate, i64), Vec<AccountEntry>> = BTreeMap::new();
    let of_cards = cards.iter().flat_map(|card| [Account::Card(*card), Account::Transit(*card)]);
    // A record that comes late is posted into the window of its own day: days are not in the order of postings.
    let rows = tx.rows_joined_into(holder)?.into_iter().chain([holder]);
    for account in of_cards.chain(rows.map(Account::Pending)) {
        for entry in tx.entries_of(&account)? {
            postings.entry((entry.window_date, entry.posting)).or_default().push(entry);
        }
    }
    let mut balance_fen = Fen::ZERO;
    let mut lines = Vec::new();
    for entries in postings.values() {
        let Some(first) = entries.first() else { continue };
        let change = Fen::sum(entries.iter().map(|entry| entry.amount))?;
        balance_fen = balance_fen.plus(change)?;
        let Some((kind, amount_fen)) = told(first, entries, change) else { continue };
        lines.push(StatementLine {
            date: first.window_date,
            kind,
            amount_fen,
            balance_fen,
            institution: institution_name(tx, first.payable.as_deref())?,
            original: original(tx, &first.reference)?,
        });
    }
    Ok(lines)
}

/// What a posting is to its holder; `None` when it only moves money from one of the holder's accounts to another.
fn told(first: &AccountEntry, entries: &[AccountEntry], change: Fen) -> Option<(LineKind, Fen)> {
    let undone = first.reference.strip_prefix(take_back::PREFIX);
    let kind = match first.kind {
        // A sale that was not, after all, is no purchase; what was refunded of it is no refund.
        _ if undone.is_some_and(|what| what.starts_with("refund:")) => LineKind::Refund,
        _ if undone.is_some() => LineKind::TakenBack,
        PostingKind::LoadCredited => {
            // From under way to the card: what arrived is the part above zero.
            let arrived = entries.iter().map(|entry| entry.amount).find(|amount| *amount > Fen::ZERO)?;
            return Some((LineKind::Load, arrived));
        }
        PostingKind::Allotment => LineKind::Allotment,
        PostingKind::Purchase => LineKind::Purchase,
        PostingKind::Refund => LineKind::Refund,
        PostingKind::LoadPrepared
        | PostingKind::LoadReturned
        | PostingKind::LoadYielded
        | PostingKind::RefundYielded
        | PostingKind::CardCleared
        | PostingKind::Correction => LineKind::Correction,
    };
    (change != Fen::ZERO).then_some((kind, change))
}

/// Name of the institution that a posting owes.
fn institution_name(tx: &Tx<'_>, payable: Option<&str>) -> Result<Option<String>, ClearingError> {
    let code = payable.and_then(|account| account.strip_prefix("institution:")?.strip_suffix(Account::PAYABLE));
    let Some(code) = code.and_then(|code| InstitutionCode::parse(code).ok()) else { return Ok(None) };
    Ok(tx.institution(&code)?.map(|institution| institution.name))
}

/// The purchase that a posting is, gives back, or takes back.
fn original(tx: &Tx<'_>, reference: &str) -> Result<Option<Original>, ClearingError> {
    let reference = reference.strip_prefix(take_back::PREFIX).unwrap_or(reference);
    if let Some((terminal, sequence)) = reference.strip_prefix("purchase:").and_then(|rest| rest.split_once(':')) {
        // The card stands behind the sequence; older postings have none.
        let sequence = sequence.split_once(':').map_or(sequence, |(sequence, _)| sequence);
        let Some((terminal, terminal_sequence)) = TerminalNumber::parse(terminal).ok().zip(sequence.parse().ok())
        else {
            return Ok(None);
        };
        let of = Original { terminal, terminal_sequence, card_sequence: None };
        // The card's number where one card has two purchases of it; kiosks of before do not read it.
        let rows = tx.accepted_purchases(of)?;
        for (n, row) in rows.iter().enumerate() {
            let is_alone =
                !rows.iter().enumerate().any(|(m, other)| m != n && other.card_identifier == row.card_identifier);
            if !is_alone && tx.purchase_reference(row)? == reference {
                return Ok(Some(Original { card_sequence: Some(row.card_sequence), ..of }));
            }
        }
        return Ok(Some(of));
    }
    let id = reference.strip_prefix("refund:").map(|rest| rest.split_once(':').map_or(rest, |(id, _)| id));
    let Some(load) = id.and_then(|id| LoadId::parse(id).ok()) else { return Ok(None) };
    Ok(tx.load(load)?.and_then(|load| load.refund).map(|refund| refund.original))
}
