//! What an error says more closely: why a transaction stays open, which paper cannot be read.
//!
//! Owns: these kinds. Never: texts (`error::wording`).

use settlement::recovery::Contradiction;

/// Why an open transaction stays open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unsettled {
    /// The card tells its counter and log only after the PIN.
    #[error("the card tells only after its PIN")]
    PinNeeded,
    /// What the card shows does not fit what was sent.
    #[error(transparent)]
    Contradiction(#[from] Contradiction),
}

/// A file that a pharmacy writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paper {
    /// 账单.
    Bill,
    /// 目录.
    Catalogue,
    /// 支付政策.
    Policy,
}
