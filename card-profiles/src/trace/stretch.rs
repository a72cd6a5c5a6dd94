//! The stretches of a log: what is said from a reset, or from a SELECT of the first directory, to the next.
//!
//! Owns: what a stretch reads of the items that do not change, and whether it says two things of one of them; which SELECT was the
//! PSAM's. Never: knows how many cards there are (`cards`).
#![warn(clippy::indexing_slicing)]

use std::collections::BTreeMap;

use card_core::trace::{Entry, Event, Exchange};

use super::part::{Guard, Side};
use super::{Decoder, Explained, Voice};

/// Items that name one card.
const NAMES: [&str; 3] = ["card_identifier", "card_number", "serial"];

/// The directory whose items do not change while a card is used.
const BASIC: &str = "SSSE";

/// INS of SELECT.
const SELECT: u8 = 0xA4;

/// INS of UPDATE RECORD, APPEND RECORD, UPDATE BINARY and WRITE BINARY.
const WRITES: [u8; 4] = [0xDC, 0xE2, 0xD6, 0xD0];

/// What was read of a card: values by place.
pub(super) type Facts = BTreeMap<String, Vec<u8>>;

/// What was said in one reader from one reset to the next.
#[derive(Debug, Default)]
pub(super) struct Segment {
    /// The answer to reset, where it begins with one.
    pub(super) atr: Option<Vec<u8>>,
    /// In order.
    pub(super) stretches: Vec<Stretch>,
    /// The PSAM spoke first: the answer to reset may be its own.
    pub(super) is_of_psam: bool,
}

/// What was said from one beginning to the next.
#[derive(Debug, Default)]
pub(super) struct Stretch {
    /// Exchanges with a card: places in the log.
    pub(super) exchanges: Vec<usize>,
    /// What they read, before anything was written there.
    pub(super) facts: Facts,
    /// What holds at its end.
    pub(super) last: Facts,
    /// Files that were written: `SSSE.EF05.`.
    pub(super) written: Vec<String>,
    /// What names the card, by exchange.
    pub(super) named: BTreeMap<usize, Facts>,
    /// It says two things of one item: two cards talk.
    pub(super) is_mixed: bool,
    /// It has records that the file which is selected cannot have.
    pub(super) is_odd: bool,
    /// It begins with a SELECT of a first directory.
    pub(super) begins: bool,
}

/// One reader's conversation.
#[derive(Debug, Default)]
pub(super) struct Conversation {
    /// In order; at least one.
    pub(super) segments: Vec<Segment>,
    /// Exchanges with the PSAM.
    pub(super) psam: Vec<usize>,
    /// A SELECT that may be the PSAM's, and what followed while that was open.
    open: Vec<usize>,
}

/// The conversations of a log, by reader.
pub(super) fn conversations(mut decoder: Decoder, entries: &[Entry]) -> BTreeMap<String, Conversation> {
    let mut all: BTreeMap<String, Conversation> = BTreeMap::new();
    let mut current = String::new();
    for (at, entry) in entries.iter().enumerate() {
        let here = all.entry(current.clone()).or_default();
        match &entry.event {
            Event::Reader(name) => {
                decoder.reader(name);
                current.clone_from(name);
            }
            Event::Reset(atr) => {
                decoder.reset(atr);
                here.close();
                here.segments.push(Segment { atr: Some(atr.clone()), ..Segment::default() });
            }
            Event::Exchange(exchange) => {
                let explained = decoder.exchange(&exchange.command, exchange.answer.as_deref());
                here.hear(&decoder, at, exchange, &explained);
            }
        }
    }
    all.values_mut().for_each(Conversation::close);
    all
}

impl Conversation {
    fn hear(&mut self, decoder: &Decoder, at: usize, exchange: &Exchange, explained: &Explained) {
        let begins = exchange.command.get(1..3).is_some_and(|head| head == [SELECT, 0x04])
            && explained.status.is_none_or(|sw| sw.is_ok() || sw.sw1() == 0x61)
            && explained.directory.as_ref().is_some_and(|(id, _)| decoder.is_first(&explained.profile, id));
        match explained.voice {
            Voice::Psam { took } => {
                if took {
                    self.psam.append(&mut self.open);
                }
                self.close();
                self.psam.push(at);
                let segment = self.segment();
                segment.is_of_psam |= segment.stretches.is_empty();
            }
            Voice::Open => self.open.push(at),
            Voice::Card => {
                self.close();
                if begins {
                    self.begin();
                }
                self.last().take(at, exchange, explained);
            }
        }
    }

    /// What was open is the card's: it begins a stretch.
    fn close(&mut self) {
        let open = std::mem::take(&mut self.open);
        if !open.is_empty() {
            self.begin();
            self.last().exchanges.extend(open);
        }
    }

    fn begin(&mut self) {
        self.segment().stretches.push(Stretch { begins: true, ..Stretch::default() });
    }

    fn segment(&mut self) -> &mut Segment {
        if self.segments.is_empty() {
            self.segments.push(Segment::default());
        }
        self.segments.last_mut().expect("one was made")
    }

    fn last(&mut self) -> &mut Stretch {
        let stretches = &mut self.segment().stretches;
        if stretches.is_empty() {
            stretches.push(Stretch::default());
        }
        stretches.last_mut().expect("one was made")
    }
}

impl Stretch {
    fn take(&mut self, at: usize, exchange: &Exchange, explained: &Explained) {
        self.exchanges.push(at);
        let answer = exchange.answer.as_deref().unwrap_or_default();
        for part in explained.parts.iter().filter(|part| part.side == Side::Answer) {
            self.is_odd |= explained.file.is_some() && part.guard == Guard::Unknown && part.tag.is_some();
            let whole = part.length.is_none_or(|length| usize::from(length) == part.range.len());
            let Some(place) = part.place.as_ref().filter(|place| whole && place.record.is_none()) else { continue };
            let Some(value) = answer.get(part.range.clone()).filter(|value| is_filled(value)) else { continue };
            let names = place.inner_id().is_none() && place.item_id().is_some_and(|item| NAMES.contains(&item));
            if !names && place.df() != BASIC {
                continue;
            }
            let (place, value) = (place.to_string(), value.to_vec());
            if names {
                self.named.entry(at).or_default().insert(place.clone(), value.clone());
            }
            if !self.written.iter().any(|file| place.starts_with(file)) {
                self.facts.entry(place.clone()).or_insert_with(|| value.clone());
            }
            self.is_mixed |= self.last.insert(place, value.clone()).is_some_and(|before| before != value);
        }
        let writes = exchange.command.get(1).is_some_and(|ins| WRITES.contains(ins));
        if let (true, Some((ef, _)), Some((df, _))) = (writes, &explained.file, &explained.directory) {
            let file = format!("{df}.{ef}.");
            self.last.retain(|place, _| !place.starts_with(&file));
            self.written.push(file);
        }
    }
}

fn is_filled(value: &[u8]) -> bool {
    value.iter().any(|byte| !matches!(byte, 0x00 | 0xFF | b' '))
}
