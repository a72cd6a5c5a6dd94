//! The receipt of a purchase and the slip of a refund: kept with the journal entry, made into paper when the card has done it.
//!
//! Source: layout by `settlement::receipt`.
//! Owns: what is kept (bill lines, split, pharmacy, operator; no holder). Never: prints (`output`), stores (`store`).

use card_profiles::account::Amounts;
use serde::{Deserialize, Serialize};
use settlement::bill::{Bill, BillItem};
use settlement::fen::Fen;
use settlement::id::BillId;
use settlement::journal::State;
use settlement::message::Institution;
use settlement::receipt::{
    Book, Check, Copy, GivenBack as Returned, Ground, MaskedName, Paper, Receipt, ReceiptCode, RefundSlip, Row, Sold,
};
use settlement::refund::{Original, Parts, RefundAct};
use settlement::signing::TerminalKey;
use settlement::split::{Bought, Line, Split};

use card_counter::error::TerminalError;
use card_counter::given_back::GivenBack;
use card_counter::journal::{Entry, RefundNumber, Subject};
use card_counter::language::Language;

/// What is known of a receipt before the card has paid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReceiptDraft {
    /// Pharmacy.
    pub institution: Institution,
    /// Who stands at the counter.
    pub operator: String,
    /// Lines and amounts.
    pub split: Split,
}

impl ReceiptDraft {
    /// As it is kept in the journal.
    ///
    /// # Errors
    /// [`TerminalError::Bug`]: never with amounts and texts.
    pub fn to_text(&self) -> Result<String, TerminalError> {
        serde_json::to_string(self).map_err(|_| TerminalError::Bug("a receipt has a JSON form"))
    }
}

/// What is known of a refund's slip before the card has its money.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RefundDraft {
    /// Pharmacy.
    pub institution: Institution,
    /// Who stands at the counter.
    pub operator: String,
    /// Bill of the purchase; of what another till sold it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bill_id: Option<BillId>,
}

impl RefundDraft {
    /// Of a purchase that goes back; `None` for anything else, and for one whose receipt was not kept.
    #[must_use]
    pub fn of(purchase: &Entry, operator: &str) -> Option<Self> {
        let Subject::Purchase { bill_id, .. } = &purchase.draft.subject else { return None };
        let kept: ReceiptDraft = serde_json::from_str(&purchase.draft.paper).ok()?;
        Some(Self { institution: kept.institution, operator: operator.to_owned(), bill_id: Some(bill_id.clone()) })
    }

    /// Of what another till of this institution sold, or a program that calls the driver's functions: the institution is the one that is
    /// signed in, the bill stands in the journal or nowhere.
    #[must_use]
    pub fn of_other(institution: Institution, operator: &str, purchase: Option<&Entry>) -> Self {
        let bill_id = purchase.and_then(|entry| match &entry.draft.subject {
            Subject::Purchase { bill_id, .. } => Some(bill_id.clone()),
            Subject::Load { .. } | Subject::Refund { .. } => None,
        });
        Self { institution, operator: operator.to_owned(), bill_id }
    }

    /// As it is kept in the journal.
    ///
    /// # Errors
    /// [`TerminalError::Bug`]: never with texts.
    pub fn to_text(&self) -> Result<String, TerminalError> {
        serde_json::to_string(self).map_err(|_| TerminalError::Bug("a slip has a JSON form"))
    }
}

/// The split of a purchase, as it was settled.
#[must_use]
pub fn split(entry: &Entry) -> Option<Split> {
    let Subject::Purchase { .. } = entry.draft.subject else { return None };
    serde_json::from_str::<ReceiptDraft>(&entry.draft.paper).ok().map(|draft| draft.split)
}

/// Whether a payment was for what this bill holds, not for another one with its number.
#[must_use]
pub fn is_of(entry: &Entry, bill: &Bill) -> bool {
    let Some(split) = split(entry) else { return false };
    let is_same = |(line, item): (&Line, &BillItem)| {
        line.code == item.code && line.quantity == item.quantity && line.price() == item.unit_price.to_string()
    };
    split.bill_id == bill.bill_id
        && split.lines.len() == bill.items.len()
        && split.lines.iter().zip(&bill.items).all(is_same)
}

/// What these entries' card has bought, or may have bought: an open purchase counts until it is settled, one of which
/// all went back does not. Which lines a refund of a part was for nobody says: they count.
#[must_use]
pub fn bought(entries: &[Entry]) -> Vec<Bought> {
    let counts = |entry: &&Entry| {
        matches!(entry.state, State::Confirmed | State::Sent | State::Uncertain | State::Contradicted)
            && !GivenBack::is_all_of(entry, entries)
    };
    let splits = entries.iter().filter(counts).filter_map(split);
    splits
        .flat_map(|split| {
            let day = split.business_date;
            split.lines.into_iter().filter_map(move |line| Bought::of_line(day, &line))
        })
        .collect()
}

/// Rows and text of a receipt.
#[derive(Debug)]
pub struct Printout {
    /// For printers.
    pub rows: Vec<Row>,
    /// For people.
    pub text: String,
}

/// What a paper shows beside its entry.
#[derive(Clone, Copy, Debug, Default)]
pub struct Beside<'a> {
    /// The terminal's key, which signs codes.
    pub key: Option<&'a TerminalKey>,
    /// Address before a code.
    pub check: Option<&'a str>,
    /// The holder, where the card is there.
    pub holder: Option<&'a MaskedName>,
    /// What went back of a purchase.
    pub given_back: Option<GivenBack>,
    /// The purchase that a refund gives back, where it was made here.
    pub purchase: Option<&'a Entry>,
}

impl Beside<'_> {
    /// The code of a finished purchase; the same at every print.
    fn code(&self, purchase: &Entry) -> Option<ReceiptCode> {
        let Subject::Purchase { amounts, .. } = &purchase.draft.subject else { return None };
        let sold = Sold {
            book: Book::Centre,
            terminal: purchase.draft.terminal,
            record: purchase.record?,
            business_date: purchase.draft.business_date,
            personal_account: amounts.personal_account,
            self_paid: amounts.self_paid,
            pooled_fund: amounts.pooled_fund,
        };
        Some(ReceiptCode::sign(sold, self.key?))
    }
}

/// The receipt of a confirmed purchase, with a code signed by the terminal's key, its holder where the card is there and what went back
/// of it, or the slip of a refund that its card has; `None` for anything else.
#[must_use]
pub fn printout(entry: &Entry, copy: Copy, paper: Paper, language: Language, beside: Beside<'_>) -> Option<Printout> {
    match &entry.draft.subject {
        Subject::Purchase { .. } => {}
        Subject::Refund { refund, act, original, amounts, .. } => {
            return slip(entry, (*refund, *act), *original, *amounts, (copy, paper, language), beside);
        }
        Subject::Load { .. } => return None,
    }
    let (sent, done) = (entry.sent?, entry.done?);
    let draft: ReceiptDraft = serde_json::from_str(&entry.draft.paper).ok()?;
    let code = beside.code(entry);
    let receipt = Receipt {
        institution: &draft.institution,
        terminal: entry.draft.terminal,
        terminal_sequence: sent.terminal_sequence,
        card_sequence: sent.card_sequence,
        card_identifier: entry.draft.card_identifier,
        holder: beside.holder,
        operator: &draft.operator,
        split: &draft.split,
        balance_after: Fen::from_card(done.balance_after),
        date_time: sent.date_time,
        tac: done.evidence.tac(),
        ground: Ground::of(&done.evidence),
        copy,
        given_back: beside.given_back.map(|GivenBack { act, total, is_whole }| Returned { act, total, is_whole }),
        check: code.as_ref().map(|code| Check { code, address: beside.check }),
    };
    Some(Printout { rows: receipt.rows(paper, language), text: receipt.text(paper, language) })
}

fn slip(
    entry: &Entry,
    (refund, act): (RefundNumber, RefundAct),
    original: Original,
    amounts: Amounts,
    (copy, paper, language): (Copy, Paper, Language),
    beside: Beside<'_>,
) -> Option<Printout> {
    let (sent, done) = (entry.sent?, entry.done?);
    let draft: RefundDraft = serde_json::from_str(&entry.draft.paper).ok()?;
    let code = beside.purchase.and_then(|purchase| beside.code(purchase));
    let slip = RefundSlip {
        institution: &draft.institution,
        terminal: entry.draft.terminal,
        operator: &draft.operator,
        act,
        number: &refund.to_string(),
        original,
        bill_id: draft.bill_id.as_ref(),
        card_identifier: entry.draft.card_identifier,
        holder: beside.holder,
        card_sequence: sent.card_sequence,
        parts: Parts::of_card(amounts),
        balance_after: Fen::from_card(done.balance_after),
        date_time: sent.date_time,
        tac: done.evidence.tac(),
        ground: Ground::of(&done.evidence),
        copy,
        check: code.as_ref().map(|code| Check { code, address: beside.check }),
    };
    Some(Printout { rows: slip.rows(paper, language).ok()?, text: slip.text(paper, language).ok()? })
}
