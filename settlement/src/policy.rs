//! The city's rules of who pays what, as a text that a city edits.
//!
//! Source: fields of the national interface; which rule a city takes is its policy, so every row is data and the built-in
//! values are marked assumed. What each row means: docs/policy.md.
//! Owns: the rules, their defaults, all faults of a text at once with line and column. Never: applies them (`split`).
//! Units: lines and columns count from 1; a column is a character.

mod text;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::fen::Rounding;
use crate::quantity::Ratio;

pub use text::{PolicyFault, PolicyProblem, ROWS};

/// The rules of one city.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Name, for the receipt's small print and the bill's hash.
    pub name: String,
    /// Whether the price ceiling counts before the first self-pay ratio.
    pub ceiling: CeilingOrder,
    /// Parts that the personal account may pay; the rest is cash.
    pub account_pays: BTreeSet<Part>,
    /// What happens when the account holds less than it may pay.
    pub shortfall: Shortfall,
    /// Share of the in-scope part that the pooled fund pays.
    pub pool_share: Ratio,
    /// The pool pays only lines with a circulated prescription.
    pub pool_needs_prescription: bool,
    /// How ceiling, ratio and share come to whole fen.
    pub rounding: Rounding,
    /// Whether the pool's share is rounded for the bill or for each line.
    pub pool_rounds: PoolRounds,
    /// What becomes of a line beyond the quantity or days that the catalogue allows.
    pub over_quantity: OverQuantity,
    /// Rows that nobody has confirmed yet.
    pub assumed: Vec<String>,
}

/// Order of ceiling and ratio.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CeilingOrder {
    /// Over the ceiling first; the ratio is taken of what remains.
    BeforeRatio,
    /// The ratio is taken of the whole line; what remains counts up to the ceiling.
    AfterRatio,
}

/// Part of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// 政策范围内 (inscp_scp_amt).
    InScope,
    /// 先行自付 (preselfpay_amt).
    FirstSelfPay,
    /// 超限价 (overlmt_selfpay).
    OverLimit,
    /// 全自费 (fulamt_ownpay_amt).
    OwnPay,
}

/// When the account holds less than it may pay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Shortfall {
    /// The rest is paid in cash.
    Cash,
    /// The purchase is refused.
    Refuse,
}

/// Where the pool's share is rounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PoolRounds {
    /// Once, of the in-scope parts' sum.
    Bill,
    /// For each line; the pool pays the sum.
    Line,
}

/// A line beyond the quantity or days of supply that the catalogue allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OverQuantity {
    /// The purchase is refused.
    Refuse,
    /// The whole line is own-pay.
    OwnPay,
}

/// The text of the built-in policy.
pub const BUILT_IN: &str = include_str!("../policy.toml");

impl Policy {
    /// Reads a policy text.
    ///
    /// # Errors
    /// Every fault of the text, in order of its lines.
    pub fn parse(text: &str) -> Result<Self, Vec<PolicyFault>> {
        text::parse(text)
    }

    /// Rows of this policy that are marked assumed.
    #[must_use]
    pub fn assumed_rows(&self) -> Vec<&str> {
        let row = |line: &'_ str| line.split_once(':').map_or(0, |(row, _)| row.len());
        self.assumed
            .iter()
            .map(|line| line.get(..row(line)).unwrap_or_default())
            .filter(|row| !row.is_empty())
            .collect()
    }
}

/// The built-in policy of a pharmacy.
impl Default for Policy {
    fn default() -> Self {
        Self::parse(BUILT_IN).expect("the built-in text is checked by a test")
    }
}

impl Part {
    /// All parts, in the order in which a line is divided.
    pub const ALL: [Self; 4] = [Self::OwnPay, Self::OverLimit, Self::FirstSelfPay, Self::InScope];
}

/// The word of a row's value, as a city writes it.
pub trait Word: Copy + Sized + 'static {
    /// Every value with its word.
    const WORDS: &'static [(&'static str, Self)];
}

/// The words of a row's values.
macro_rules! words {
    ($type:ty: $($word:literal = $value:expr),+ $(,)?) => {
        impl Word for $type {
            const WORDS: &'static [(&'static str, Self)] = &[$(($word, $value)),+];
        }
    };
}

words!(CeilingOrder: "before-ratio" = Self::BeforeRatio, "after-ratio" = Self::AfterRatio);
words!(Part: "in-scope" = Self::InScope, "first-self-pay" = Self::FirstSelfPay, "over-limit" = Self::OverLimit,
    "own-pay" = Self::OwnPay);
words!(Shortfall: "cash" = Self::Cash, "refuse" = Self::Refuse);
words!(PoolRounds: "bill" = Self::Bill, "line" = Self::Line);
words!(OverQuantity: "refuse" = Self::Refuse, "own-pay" = Self::OwnPay);
words!(Rounding: "half-up" = Self::HalfUp, "half-even" = Self::HalfEven, "down" = Self::Down);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn faults(text: &str) -> Vec<String> {
        Policy::parse(text).expect_err(text).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_built_in_policy_says_what_it_assumes() {
        let policy = Policy::default();
        assert_eq!(policy.ceiling, CeilingOrder::BeforeRatio);
        assert_eq!(policy.pool_share, Ratio::ZERO);
        let confirmed = ["format", "name", "assumed"];
        for row in ROWS.into_iter().filter(|row| !confirmed.contains(row)) {
            assert!(policy.assumed_rows().contains(&row), "{row}");
        }
    }

    #[test]
    fn no_rule_has_a_silent_default() {
        for line in BUILT_IN.lines().filter(|line| line.contains(" = ") && !line.starts_with('#')) {
            let row = line.split(' ').next().expect("a word");
            let without = if row == "assumed" {
                BUILT_IN.split("assumed =").next().expect("a head").to_owned()
            } else {
                BUILT_IN.replacen(&format!("{line}\n"), "", 1)
            };
            let found = faults(&without);
            assert!(found.len() == 1 && found[0].ends_with(&format!("the row {row} is missing")), "{row}: {found:?}");
        }
    }

    #[test]
    fn every_fault_of_a_text_comes_at_once_with_line_and_column() {
        let text = "format = 1\nname = \"\"\nceiling = \"before\"\naccount-pays = [\"in-scope\", 7, \"all\", \"in-scope\"]\n\
                    shortfall = true\npool-share = \"1.5\"\npool-needs-prescription = \"yes\"\nrounding = \"half-up\"\n\
                    pool-rounds = \"line\"\n  colour = 1\nassumed = \"all\"\n";
        assert_eq!(
            faults(text),
            [
                "line 2, column 8: name: write 1 to 64 characters without control characters",
                "line 3, column 11: ceiling: \"before\" is not one of \"before-ratio\", \"after-ratio\"",
                "line 4, column 29: account-pays: write a word in quotes: one of \"in-scope\", \"first-self-pay\", \
                 \"over-limit\", \"own-pay\"",
                "line 4, column 32: account-pays: \"all\" is not one of \"in-scope\", \"first-self-pay\", \"over-limit\", \
                 \"own-pay\"",
                "line 4, column 39: account-pays: \"in-scope\" stands there twice",
                "line 5, column 13: shortfall: write a word in quotes: one of \"cash\", \"refuse\"",
                "line 6, column 14: pool-share: write a share from \"0\" to \"1\" with at most four decimals, in quotes",
                "line 7, column 27: pool-needs-prescription: write true or false",
                "line 10, column 3: no policy has the row colour",
                "line 11, column 11: assumed: write a list of texts in quotes, or []",
                "line 12, column 1: the row over-quantity is missing",
            ]
        );
    }

    #[test]
    fn a_text_that_is_no_toml_is_refused_where_it_breaks() {
        assert_eq!(faults("format = 1\nname = \"x\n")[0].split(':').next(), Some("line 2, column 10"));
        assert!(faults("format = 1\nformat = 1\n")[0].starts_with("line 2, column 1:"), "a row twice");
        let other = faults(&BUILT_IN.replace("format = 1", "format = 2"));
        assert_eq!(other, ["line 3, column 10: format: policy format 2 is not known here; 1 is"]);
        // A column is a character, not a byte.
        let wide = BUILT_IN.replace("[\"in-scope\", \"first-self-pay\"]", "[\"药店药店\", 7]");
        assert!(faults(&wide)[1].starts_with("line 11, column 25:"), "{:?}", faults(&wide));
    }

    proptest! {
        #[test]
        fn any_text_is_a_policy_or_faults_within_it(cut in 0..BUILT_IN.len(), noise in "\\PC{0,12}") {
            let at = (0..=cut).rev().find(|at| BUILT_IN.is_char_boundary(*at)).unwrap_or(0);
            let (head, tail) = BUILT_IN.split_at(at);
            let text = format!("{head}{noise}{tail}");
            if let Err(faults) = Policy::parse(&text) {
                prop_assert!(!faults.is_empty());
                let lines = text.lines().count() + 1;
                for fault in faults {
                    prop_assert!((1..=lines).contains(&fault.line) && fault.column >= 1, "{fault}");
                }
            }
        }
    }
}
