//! The city's rules of who pays what, as a text that a city edits.
//!
//! Source: fields of the national interface; which rule a city takes is its policy, so every row is data and the built-in
//! values are marked assumed.
//! Owns: the rules and their defaults. Never: applies them (`split`).

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::quantity::Ratio;

/// The rules of one city.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Policy {
    /// Version of this text's grammar; 1.
    pub format: u8,
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
    /// Rows that nobody has confirmed yet.
    pub assumed: Vec<String>,
}

/// Order of ceiling and ratio.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shortfall {
    /// The rest is paid in cash.
    Cash,
    /// The purchase is refused.
    Refuse,
}

/// Why a policy text cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// Not TOML of this shape; the source says line and column.
    #[error("the policy is malformed: {0}")]
    Malformed(#[from] toml::de::Error),
    /// Another grammar.
    #[error("policy format {0} is not known here; 1 is")]
    Format(u8),
    /// Name.
    #[error("a policy name has 1 to 64 characters")]
    Name,
}

/// The text of the built-in policy.
pub const BUILT_IN: &str = include_str!("../policy.toml");

impl Policy {
    /// Reads a policy text.
    ///
    /// # Errors
    /// [`PolicyError`].
    pub fn parse(text: &str) -> Result<Self, PolicyError> {
        let policy: Self = toml::from_str(text)?;
        if policy.format != 1 {
            return Err(PolicyError::Format(policy.format));
        }
        if !(1..=64).contains(&policy.name.chars().count()) {
            return Err(PolicyError::Name);
        }
        Ok(policy)
    }
}

/// The built-in policy of a pharmacy.
impl Default for Policy {
    fn default() -> Self {
        Self::parse(BUILT_IN).expect("the built-in text is checked by a test")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_policy_says_what_it_assumes() {
        let policy = Policy::default();
        assert_eq!(policy.ceiling, CeilingOrder::BeforeRatio);
        assert_eq!(policy.pool_share, Ratio::ZERO);
        for row in ["ceiling", "account-pays", "shortfall", "pool-share", "pool-needs-prescription"] {
            assert!(policy.assumed.iter().any(|line| line.starts_with(row)), "{row}");
        }
    }

    #[test]
    fn no_rule_has_a_silent_default() {
        for line in BUILT_IN.lines().filter(|line| line.contains(" = ") && !line.starts_with('#')) {
            let without = BUILT_IN.replacen(line, "", 1);
            assert!(Policy::parse(&without).is_err(), "{line}");
        }
        assert!(Policy::parse(&format!("extra = 1\n{BUILT_IN}")).is_err());
        assert!(matches!(Policy::parse(&BUILT_IN.replace("format = 1", "format = 2")), Err(PolicyError::Format(2))));
        let share = BUILT_IN.replace("pool-share = \"0\"", "pool-share = \"1.5\"");
        assert!(Policy::parse(&share).expect_err("above 1").to_string().contains("line"));
    }
}
