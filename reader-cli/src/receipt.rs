//! The receipt of a purchase: kept with the journal entry, made into paper when the card has paid.
//!
//! Source: layout by `settlement::receipt`.
//! Owns: what is kept (bill lines, split, pharmacy, operator; no holder). Never: prints (`output`), stores (`store`).

use serde::{Deserialize, Serialize};
use settlement::fen::Fen;
use settlement::message::Institution;
use settlement::receipt::{Copy, Paper, Receipt};
use settlement::record::Evidence;
use settlement::split::Split;

use crate::error::TerminalError;
use crate::journal::{Entry, Subject};
use crate::language::Language;

/// Width of the receipt printer.
const WIDTH: Paper = Paper::Mm80;

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

/// The receipt of a confirmed purchase; `None` for anything else.
#[must_use]
pub fn text(entry: &Entry, copy: Copy, language: Language) -> Option<String> {
    let Subject::Purchase { .. } = entry.draft.subject else { return None };
    let (sent, done) = (entry.sent?, entry.done?);
    let draft: ReceiptDraft = serde_json::from_str(&entry.draft.paper).ok()?;
    let receipt = Receipt {
        institution: &draft.institution,
        terminal: entry.draft.terminal,
        terminal_sequence: sent.terminal_sequence,
        card_sequence: sent.card_sequence,
        card_identifier: entry.draft.card_identifier,
        // The journal keeps no name: the card's serial tells the holder which card it was.
        holder: None,
        operator: &draft.operator,
        split: &draft.split,
        balance_after: Fen::from_card(done.balance_after),
        date_time: sent.date_time,
        tac: done.evidence.tac(),
        settled_later: !matches!(done.evidence, Evidence::Answered { .. }),
        copy,
    };
    Some(receipt.text(WIDTH, language))
}
