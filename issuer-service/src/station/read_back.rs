//! The digest of what a card answered when it was read back, and of what it must answer.
//!
//! Source: SHA-256 (FIPS 180-4).
//! Owns: which bytes it covers: for each read-back step of the plan in order, the length (4 bytes, big-endian) and the data.
//! Never: proves that a card was there; whoever holds the prepared data can compute it. It catches another plan or profile.

use card_profiles::plan::{Act, Plan, PlannedStep};
use ring::digest::{Context, SHA256};

/// A digest under way.
pub struct ReadBack(Context);

impl ReadBack {
    /// Of nothing.
    #[must_use]
    pub fn new() -> Self {
        Self(Context::new(&SHA256))
    }

    /// Takes in the answer to a step, if the step reads back.
    pub fn add(&mut self, step: &PlannedStep, data: &[u8]) {
        if step.act == Act::ReadBack {
            self.0.update(&u32::try_from(data.len()).unwrap_or(u32::MAX).to_be_bytes());
            self.0.update(data);
        }
    }

    /// The digest: 64 hex digits.
    #[must_use]
    pub fn finish(self) -> String {
        hex::encode_upper(self.0.finish())
    }

    /// What the digest of a plan that was carried out must be.
    #[must_use]
    pub fn expected(plan: &Plan) -> String {
        let mut digest = Self::new();
        for step in &plan.steps {
            let data: Vec<u8> = step.expects().into_iter().flat_map(|(_, bytes)| bytes).copied().collect();
            digest.add(step, &data);
        }
        digest.finish()
    }
}

impl Default for ReadBack {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for ReadBack {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ReadBack(..)")
    }
}
