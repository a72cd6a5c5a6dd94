//! Records that a case overwrites, for who finds the card as an earlier run left it.
//!
//! Owns: how to look at such a record, whether what is there is of the case, what writes it again. Never: talks to a card.

use card_core::script::Step;

use super::{Act, Case, Expect, Move, altered};

impl Case {
    /// Whether it writes a record that it has read before.
    #[must_use]
    pub fn overwrites(&self) -> bool {
        self.moves.iter().chain(self.record_back()).any(|done| matches!(done.act, Act::Write { .. }))
            && self.look().is_some()
    }

    /// What writes the record again as it was kept, moving no money.
    #[must_use]
    pub fn record_back(&self) -> &[Move] {
        match (&*self.rewrite, self.returns_money()) {
            ([], false) => &self.restore,
            (rewrite, _) => rewrite,
        }
    }

    /// Whether its way back is more than the record: tries of a key that it spent.
    #[must_use]
    pub fn spends_before(&self) -> bool {
        self.restore.iter().any(|done| matches!(done.act, Act::Write { .. }))
    }

    /// What reads the record, from the reset state; its last answer is the record. `None` where nothing is kept.
    #[must_use]
    pub fn look(&self) -> Option<Vec<Move>> {
        let kept = self.moves.iter().position(|done| done.keep)?;
        // Transactions before it are no part of the look.
        let is_needed = |done: &&Move| !matches!(done.act, Act::Begin(_) | Act::Complete { .. });
        let look = self.moves.iter().take(kept + 1).filter(is_needed).cloned();
        Some(look.map(|done| Move { expect: done.expect.into_iter().filter(is_of_look).collect(), ..done }).collect())
    }

    /// Whether a record is one that the case writes over this one.
    #[must_use]
    pub fn writes(&self, kept: &[u8], now: &[u8]) -> bool {
        let header = self.record_back().iter().find_map(|done| match &done.act {
            Act::Write { header, .. } => Some(*header),
            _ => None,
        });
        let sends = |done: &Move| match &done.act {
            Act::Do(Step::Send(command)) => Some(command.header()) == header && command.data() == now,
            _ => false,
        };
        now == altered(kept) || self.moves.iter().any(sends)
    }
}

/// A look judges that the card answers, nothing about the transactions left out.
const fn is_of_look(expect: &Expect) -> bool {
    !matches!(expect, Expect::Started | Expect::Proved | Expect::Since { .. })
}
