//! What went back of a purchase, as far as this journal knows it: the refunds whose money its card has.
//!
//! Source: confirmed tries of refunds, which name their purchase; refunds at other tills, as the centre told of them (docs/adr/0101).
//! Owns: the sum, whether it is all. Never: reads or writes the journal.
//! Units: fen.

use settlement::fen::Fen;
use settlement::journal::State;
use settlement::refund::{Original, Parts, RefundAct, left_of};

use crate::journal::{Entry, Subject};

/// What went back of a purchase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GivenBack {
    /// How, the last time.
    pub act: RefundAct,
    /// All three payers together.
    pub total: Fen,
    /// Whether nothing of the purchase is left.
    pub is_whole: bool,
}

impl GivenBack {
    /// Of a purchase, by the entries of its card; `None` where nothing went back, and of what is no purchase.
    #[must_use]
    pub fn of(purchase: &Entry, entries: &[Entry]) -> Option<Self> {
        let (Subject::Purchase { amounts, .. }, Some(sent)) = (&purchase.draft.subject, purchase.sent) else {
            return None;
        };
        let (terminal, card_sequence) = (purchase.draft.terminal, Some(sent.card_sequence));
        let name = Original { terminal, terminal_sequence: sent.terminal_sequence, card_sequence };
        let elsewhere = purchase.elsewhere.iter().filter(|given| given.is_credited);
        let here = entries
            .iter()
            .filter(|entry| entry.state == State::Confirmed)
            .filter(|entry| entry.draft.card_identifier == purchase.draft.card_identifier)
            .filter_map(|entry| match &entry.draft.subject {
                Subject::Refund { act, original, amounts, .. } if original.may_be(&name) => {
                    Some((*act, Parts::of_card(*amounts)))
                }
                Subject::Refund { .. } | Subject::Purchase { .. } | Subject::Load { .. } => None,
            });
        let backs: Vec<_> = elsewhere.map(|given| (given.act, given.parts)).chain(here).collect();
        let (act, _) = *backs.last()?;
        let paid = Parts::of_card(*amounts);
        // More than was paid never goes back; if it did, nothing is left.
        let left = left_of(paid, backs.iter().map(|(_, parts)| *parts)).unwrap_or_default().total().ok()?;
        Some(Self { act, total: paid.total().ok()?.minus(left).ok()?, is_whole: left == Fen::ZERO })
    }

    /// Whether all of a purchase went back.
    #[must_use]
    pub fn is_all_of(purchase: &Entry, entries: &[Entry]) -> bool {
        Self::of(purchase, entries).is_some_and(|given| given.is_whole)
    }
}
