//! Explaining a conversation with a card, command by command, with the file context.
//!
//! Source: rows of the profiles; LD/T 32.5 and ISO/IEC 7816-4 for what SELECT and SFI do to the context.
//! Owns: which file is meant, what each byte is, whose eyes it is for. Never: performs I/O, prints, panics or loops on any bytes.
//! Logs are split into exchanges by `card_core::trace`; [`redact`] makes a trace safe to send from the same parts.
#![warn(clippy::indexing_slicing)]

pub mod cards;
mod fields;
mod files;
mod kind;
pub mod part;
pub mod redact;
mod shelf;
mod stretch;
mod tracker;
mod voices;

use std::collections::BTreeMap;
use std::sync::Arc;

use card_core::StatusWord;
use card_core::wire::Wire;

use self::part::Parts;
pub use self::part::{Guard, Label, Part, Side};
use self::shelf::Shelf;
use self::tracker::Randoms;
use self::voices::Voices;
use crate::builtin::builtin;
use crate::catalog::Catalog;
use crate::format::FormatKind;
use crate::profile::Profile;

/// Readers whose context is kept.
const READERS_MAX: usize = card_core::limits::READERS_MAX;

/// What one exchange was.
#[derive(Clone, Debug)]
pub struct Explained {
    /// Name of the command.
    pub name: Label,
    /// Whether the command is known.
    pub known: bool,
    /// Profile of the card.
    pub profile: String,
    /// Directory that was current after the exchange: id and name.
    pub directory: Option<(String, String)>,
    /// File that the command was about: id and name.
    pub file: Option<(String, String)>,
    /// Bytes at the start of the command that may be shown: its header, or nothing when they may be anything.
    pub open: usize,
    /// What the bytes are, from left to right, the command's first.
    pub parts: Vec<Part>,
    /// Facts that stand in no single byte: what was selected, which key, secure messaging.
    pub notes: Vec<Label>,
    /// Status word, when there is an answer with one.
    pub status: Option<StatusWord>,
    /// Bytes on the wire at T=0.
    pub wire: Wire,
    /// Who it was said with.
    pub voice: Voice,
}

/// Who an exchange was with, as far as the exchanges before it say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Voice {
    /// The card.
    #[default]
    Card,
    /// Card or PSAM: the environments of both have this name.
    Open,
    /// The PSAM; `took`: and what was open before it was the PSAM's too.
    Psam {
        /// Whether what was open is the PSAM's.
        took: bool,
    },
}

/// Explains a conversation that may change from reader to reader.
#[derive(Clone, Debug)]
pub struct Decoder {
    catalogue: Arc<Shelf>,
    /// The profile of the user card is given and not to be recognised.
    fixed: bool,
    readers: BTreeMap<(String, usize), Voices>,
    current: (String, usize),
    /// Of all readers: a PSAM works on the numbers of the card beside it.
    randoms: Randoms,
}

impl Default for Decoder {
    fn default() -> Self {
        Self::new()
    }
}

impl Decoder {
    /// Recognises user cards of all generations, PSAMs and PBOC purses.
    #[must_use]
    pub fn new() -> Self {
        Self::of(Shelf::builtin(), false)
    }

    /// The same, and cards of the regions for which the site has profiles of its own.
    #[must_use]
    pub fn knowing(site: &Catalog) -> Self {
        Self::of(Shelf::with_site(site), false)
    }

    /// Reads the card as one of this profile, whatever it says of itself. PSAMs and purses are still recognised.
    #[must_use]
    pub fn with_profile(profile: Profile) -> Self {
        let others = ["psam", "psam-sx3", "pboc-purse"].into_iter().filter(|name| *name != profile.name);
        let others = others.filter_map(builtin).collect::<Vec<_>>();
        Self::of(Shelf::national(std::iter::once(profile).chain(others).collect()), true)
    }

    /// Whether a directory is the first of its profile: a SELECT of it is how a conversation begins.
    pub(in crate::trace) fn is_first(&self, profile: &str, directory: &str) -> bool {
        let first = self.catalogue.iter().find(|other| other.name == profile).and_then(|profile| profile.df.first());
        first.is_some_and(|first| first.id == directory)
    }

    fn of(catalogue: Shelf, fixed: bool) -> Self {
        Self {
            catalogue: Arc::new(catalogue),
            fixed,
            readers: BTreeMap::new(),
            current: (String::new(), 0),
            randoms: Randoms::default(),
        }
    }

    /// What follows is said with the card in this reader.
    pub fn reader(&mut self, name: &str) {
        name.clone_into(&mut self.current.0);
        self.card(0);
    }

    /// What follows is said with this card, of several in the current reader: each keeps its own selection. The PSAM beside
    /// them is one.
    pub fn card(&mut self, number: usize) {
        let psam = self.readers.get(&self.current).and_then(Voices::psam);
        let is_beside = self.current.1 != number;
        self.current.1 = number;
        if self.readers.len() >= READERS_MAX && !self.readers.contains_key(&self.current) {
            self.readers.clear();
        }
        if let Some(psam) = psam.filter(|_| is_beside) {
            self.readers.entry(self.current.clone()).or_default().set_psam(psam);
        }
    }

    /// The card was powered or reset: nothing is selected. The parts of its ATR.
    pub fn reset(&mut self, atr: &[u8]) -> Vec<Part> {
        let reader = self.current.0.clone();
        self.readers.retain(|(other, _), _| *other != reader);
        let historical = card_core::Atr::parse(atr).map(|atr| atr.historical().to_vec()).unwrap_or_default();
        let mut parts = Parts::new(Side::Answer, atr, 0..atr.len());
        let at = atr.windows(historical.len().max(1)).rposition(|window| window == historical);
        match at.filter(|_| historical.len() >= 8) {
            Some(at) => {
                parts.structure(at + historical.len() - 8);
                parts.take(8, Label::new("卡分散因子", "card factor"), FormatKind::B, Guard::CardFactor);
                let rest = parts.rest().len();
                parts.structure(rest);
                parts.finish()
            }
            None => {
                // Not an ATR of this scheme: its historical bytes may hold anything.
                parts.structure(atr.len().saturating_sub(historical.len()).min(atr.len()));
                parts.finish()
            }
        }
    }

    /// Explains one exchange and follows what it selects.
    pub fn exchange(&mut self, command: &[u8], answer: Option<&[u8]>) -> Explained {
        let catalogue = Arc::clone(&self.catalogue);
        let voices = self.readers.entry(self.current.clone()).or_default();
        voices.exchange(&catalogue, self.fixed, &mut self.randoms, command, answer)
    }
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "a test that looks past the end fails, as it should")]
mod tests;
