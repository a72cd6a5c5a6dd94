//! The receipt of a purchase: kept with the journal entry, made into paper when the card has paid.
//!
//! Source: layout by `settlement::receipt`.
//! Owns: what is kept (bill lines, split, pharmacy, operator; no holder). Never: prints (`output`), stores (`store`).

use serde::{Deserialize, Serialize};
use settlement::fen::Fen;
use settlement::journal::State;
use settlement::message::Institution;
use settlement::receipt::{Copy, Paper, Receipt, ReceiptCode, Row, Sold};
use settlement::record::Evidence;
use settlement::signing::TerminalKey;
use settlement::split::{Bought, Split};

use card_counter::error::TerminalError;
use card_counter::journal::{Entry, Subject};
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

/// The split of a purchase, as it was settled.
#[must_use]
pub fn split(entry: &Entry) -> Option<Split> {
    let Subject::Purchase { .. } = entry.draft.subject else { return None };
    serde_json::from_str::<ReceiptDraft>(&entry.draft.paper).ok().map(|draft| draft.split)
}

/// What these entries' card has bought, or may have bought: an open purchase counts until it is settled.
#[must_use]
pub fn bought(entries: &[Entry]) -> Vec<Bought> {
    let counts = |entry: &&Entry| matches!(entry.state, State::Confirmed | State::Sent | State::Uncertain);
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

/// The receipt of a confirmed purchase, with a code signed by the terminal's key; `None` for anything else.
#[must_use]
pub fn printout(
    entry: &Entry,
    copy: Copy,
    paper: Paper,
    language: Language,
    key: Option<&TerminalKey>,
) -> Option<Printout> {
    let Subject::Purchase { amounts, .. } = entry.draft.subject else { return None };
    let (sent, done) = (entry.sent?, entry.done?);
    let draft: ReceiptDraft = serde_json::from_str(&entry.draft.paper).ok()?;
    let sold = entry.record.map(|record| Sold {
        terminal: entry.draft.terminal,
        record,
        business_date: entry.draft.business_date,
        personal_account: amounts.personal_account,
        self_paid: amounts.self_paid,
        pooled_fund: amounts.pooled_fund,
    });
    let code = sold.zip(key).map(|(sold, key)| ReceiptCode::sign(sold, key));
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
        code: code.as_ref(),
    };
    Some(Printout { rows: receipt.rows(paper, language), text: receipt.text(paper, language) })
}
