//! Random numbers that went over the wire.
//!
//! Owns: which bytes are no secret because a card gave them out. Never: remembers without a bound.

use std::collections::VecDeque;

/// Random numbers that are remembered.
const RANDOMS_MAX: usize = 32;

/// Random numbers that cards gave out: a PSAM that is asked to encipher one of them learns no secret.
#[derive(Clone, Debug, Default)]
pub(in crate::trace) struct Randoms(VecDeque<[u8; 8]>);

impl Randoms {
    pub(super) fn given(&mut self, challenge: &[u8]) {
        if let Some(first) = challenge.first_chunk::<8>() {
            if self.0.len() >= RANDOMS_MAX {
                self.0.pop_front();
            }
            self.0.push_back(*first);
        }
    }

    /// The last block of the factors of a derivation, before the zeros that SM4 wants.
    pub(super) fn derived(&mut self, factors: &[u8]) {
        let blocks = factors.chunks_exact(8).rev().find(|block| block.iter().any(|byte| *byte != 0));
        self.given(blocks.unwrap_or_default());
    }

    /// Whether data are one of them, alone or completed with zeros.
    pub(super) fn has(&self, data: &[u8]) -> bool {
        data.split_first_chunk::<8>()
            .is_some_and(|(first, rest)| self.0.contains(first) && rest.iter().all(|byte| *byte == 0))
    }
}
