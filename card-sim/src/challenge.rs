//! Random numbers of the card.
//!
//! Owns: where challenges come from. Never: gives a card outside tests a number that can be foretold.

use std::collections::VecDeque;

use ring::rand::{SecureRandom, SystemRandom};

/// A source of challenges: bytes written down by a test as long as there are any, then the system's.
pub(crate) struct Challenges {
    script: VecDeque<u8>,
    system: SystemRandom,
}

impl Challenges {
    pub(crate) fn new(script: &[u8]) -> Self {
        Self { script: script.iter().copied().collect(), system: SystemRandom::new() }
    }

    /// Fills `bytes`; `None` when the system has no random numbers.
    pub(crate) fn fill(&mut self, bytes: &mut [u8]) -> Option<()> {
        if self.script.is_empty() {
            return self.system.fill(bytes).ok();
        }
        bytes.iter_mut().for_each(|slot| *slot = self.script.pop_front().unwrap_or_default());
        Some(())
    }
}
