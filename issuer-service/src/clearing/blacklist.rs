//! The blacklist (黑名单): cards that may not pay, in a sequence that only grows.
//!
//! Owns: what an entry is; when a card stood on the list. Never: the card's own state (the registry's).

use serde::Serialize;
use settlement::date::DateTime;
use settlement::id::CardIdentifier;

use crate::clock;
use crate::lang::Lang;
use crate::output::Show;

/// What an entry does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BlacklistAct {
    /// From now on the card may not pay.
    Add,
    /// From now on it may again.
    Remove,
}

impl BlacklistAct {
    /// Name as stored.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Add => "add",
            Self::Remove => "remove",
        }
    }
}

/// An entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BlacklistEntry {
    /// Position, from 1.
    pub sequence: u64,
    /// Card.
    pub card_identifier: CardIdentifier,
    /// What it does.
    pub act: BlacklistAct,
    /// Why.
    pub reason: String,
    /// Who.
    pub operator: String,
    /// UTC instant.
    pub effective_at: String,
}

/// The list as it stands.
#[derive(Clone, Debug, Serialize)]
pub struct Blacklist {
    /// Sequence of the newest entry.
    pub sequence: u64,
    /// Cards on the list.
    pub entries: Vec<BlacklistEntry>,
}

/// Whether a card with this history stood on the list at the time of a sale (China time of the terminal).
#[must_use]
pub fn stood_at(history: &[BlacklistEntry], sale: DateTime) -> bool {
    let before =
        history.iter().rev().find(|entry| clock::china_date_time(&entry.effective_at).is_some_and(|at| at <= sale));
    before.is_some_and(|entry| entry.act == BlacklistAct::Add)
}

impl Show for Blacklist {
    fn text(&self, lang: Lang) -> String {
        let head = lang.pick(
            format!("黑名单序号 {}，共 {} 张卡", self.sequence, self.entries.len()),
            format!("blacklist sequence {}, {} cards", self.sequence, self.entries.len()),
        );
        let lines = self.entries.iter().map(|entry| {
            format!(
                "{:>6}  {}  {}  {}  {}",
                entry.sequence, entry.card_identifier, entry.effective_at, entry.operator, entry.reason
            )
        });
        [head].into_iter().chain(lines).collect::<Vec<_>>().join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(sequence: u64, act: BlacklistAct, effective_at: &str) -> BlacklistEntry {
        BlacklistEntry {
            sequence,
            card_identifier: CardIdentifier([0x51; 16]),
            act,
            reason: "lost".into(),
            operator: "a".into(),
            effective_at: effective_at.into(),
        }
    }

    #[test]
    fn only_a_sale_between_entry_and_removal_counts() {
        let history = [
            entry(1, BlacklistAct::Add, "2026-03-01T16:00:00.000Z"),
            entry(2, BlacklistAct::Remove, "2026-03-02T16:00:00.000Z"),
        ];
        for (sale, expected) in
            [("20260301235959", false), ("20260302000000", true), ("20260302235959", true), ("20260303000000", false)]
        {
            assert_eq!(stood_at(&history, DateTime::parse(sale).expect("real")), expected, "{sale}");
        }
        assert!(!stood_at(&[], DateTime::parse("20260302000000").expect("real")));
    }
}
