//! The two sides that come to the centre as files for the three-way agreement: what cards show, what a journal says.
//!
//! Owns: the shape of both files. A file holds one object, or several files are given, one for each terminal.
//! Never: compares (the centre does), reads a file.
//! Units: fen.

use serde::{Deserialize, Serialize};

use crate::fen::{Fen, on_card};
use crate::id::{CardIdentifier, TerminalNumber};

/// What a terminal read from one card. The file is a list of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CardReading {
    /// Card.
    pub card_identifier: CardIdentifier,
    /// Personal account on the chip.
    #[serde(deserialize_with = "on_card")]
    pub balance_fen: Fen,
    /// Offline number that the next purchase will have.
    pub card_sequence: u16,
}

/// What the journal of one terminal says of every card, all days together: `sscard journal export`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JournalExport {
    /// Terminal.
    pub terminal: TerminalNumber,
    /// Cards in order of their identifier.
    pub cards: Vec<JournalCard>,
}

/// What the journal says of one card.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JournalCard {
    /// Card.
    pub card_identifier: CardIdentifier,
    /// Confirmed purchases.
    pub purchases: u32,
    /// Sum that they took from the personal account.
    pub purchased_fen: Fen,
    /// Confirmed loads.
    pub loads: u32,
    /// Sum that they put on the card.
    pub loaded_fen: Fen,
    /// Confirmed refunds and cancels.
    #[serde(default)]
    pub refunds: u32,
    /// Sum that they put back on the card.
    #[serde(default)]
    pub refunded_fen: Fen,
    /// Transactions that are not decided yet.
    #[serde(default)]
    pub uncertain: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_journal_without_open_transactions_may_leave_their_count_out() {
        let text = r#"{"terminal":"990011223344","cards":[{"card_identifier":"513300D156000005000000133A05F2E3",
            "purchases":2,"purchased_fen":700,"loads":1,"loaded_fen":50000}]}"#;
        let journal: JournalExport = serde_json::from_str(text).expect("reads");
        assert_eq!(journal.cards.iter().map(|card| (card.purchases, card.uncertain)).collect::<Vec<_>>(), [(2, 0)]);
    }

    #[test]
    fn a_reading_that_no_card_can_show_is_refused() {
        let text = r#"{"card_identifier":"513300D156000005000000133A05F2E3","balance_fen":-1,"card_sequence":0}"#;
        assert!(serde_json::from_str::<CardReading>(text).is_err());
    }
}
