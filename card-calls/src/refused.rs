//! PINs that cards refused in this process: a program does not try the same one again when it could be the last try.
//!
//! Owns: that a PIN which a holder types is consent to its own try each time, since the refusal before it told how many are left and the
//! card's PIN may have become what was wrong before; that a program which repeats a wrong one in a parameter blocks no card. Never: keeps digits, only a hash under a key of this process.

use std::collections::VecDeque;
use std::hash::{BuildHasher as _, RandomState};

use card_core::crypto::Block;
use card_counter::TerminalError;
use card_counter::secret::Pin;

use crate::failure::Failure;
use crate::visit::Visit;

/// Most PINs that are remembered.
const REFUSED_MAX: usize = 64;

/// Who gives a PIN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Giver {
    /// The holder, who types it for this call.
    Holder,
    /// The calling program, in a parameter.
    Program,
}

/// Hashes of card, kind of PIN and digits, the last one refused last.
#[derive(Debug, Default)]
pub(crate) struct RefusedPins {
    key: RandomState,
    seen: VecDeque<u64>,
}

impl RefusedPins {
    fn hash(&self, card: Block, kind: &str, pin: &Pin) -> u64 {
        self.key.hash_one((card, kind, pin.digits().as_str()))
    }

    fn forget(&mut self, hash: u64) {
        self.seen.retain(|seen| *seen != hash);
    }

    fn note(&mut self, hash: u64) {
        self.forget(hash);
        if self.seen.len() >= REFUSED_MAX {
            self.seen.pop_front();
        }
        self.seen.push_back(hash);
    }
}

impl Visit<'_> {
    /// Work that spends a try of a PIN, which was given in this call: it gets whether the last try may be spent. `kind` tells the PINs
    /// of a card apart.
    pub(crate) fn with_pin(
        &mut self,
        kind: &'static str,
        (giver, pin): (Giver, &Pin),
        work: impl FnOnce(&mut Self, bool) -> Result<(), TerminalError>,
    ) -> Result<(), Failure> {
        let hash = self.refused.hash(self.tapped.card(), kind, pin);
        let consent = giver == Giver::Holder || self.settings.last_try || !self.refused.seen.contains(&hash);
        let done = work(self, consent);
        match &done {
            Ok(()) => self.refused.forget(hash),
            Err(TerminalError::PinWrong { .. } | TerminalError::PinBlocked) => self.refused.note(hash),
            Err(TerminalError::LastTry { left, .. }) => return Err(Failure::PinAsBefore { left: *left }),
            Err(_) => {}
        }
        Ok(done?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_is_known_again_for_its_card_and_kind_alone_until_newer_ones_push_it_out() {
        let mut refused = RefusedPins::default();
        let pin = |digits: &str| Pin::parse(digits).expect("digits");
        let hash = refused.hash([1; 8], "PIN", &pin("864213"));
        refused.note(hash);
        for (card, kind, digits, known) in [
            ([1; 8], "PIN", "864213", true),
            ([1; 8], "PIN", "864214", false),
            ([2; 8], "PIN", "864213", false),
            ([1; 8], "CERT", "864213", false),
        ] {
            assert_eq!(refused.seen.contains(&refused.hash(card, kind, &pin(digits))), known, "{kind} {digits}");
        }
        (0..REFUSED_MAX).for_each(|number| {
            let other = refused.hash([3; 8], "PIN", &pin(&format!("{number:06}")));
            refused.note(other);
        });
        assert!(!refused.seen.contains(&hash) && refused.seen.len() == REFUSED_MAX);
    }
}
