//! A journal that dies at a chosen write, before or after it took effect, and stays dead: as after kill -9.

use card_counter::journal::{Done, Draft, Entry, EntryNumber, Journal, Sent, Shown};
use card_counter::store::{Store, StoreError};
use settlement::id::CardIdentifier;
use settlement::journal::Event;
use settlement::record::Evidence;

/// When the program dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Death {
    /// Instead of the nth write.
    Before(usize),
    /// Right after the nth write.
    After(usize),
}

/// The journal of a program that dies.
pub(crate) struct Dying {
    store: Store,
    death: Option<Death>,
    writes: usize,
    dead: bool,
    /// The card's code comes with a wrong bit: MAC2 is right, and nobody at the till sees it.
    spoils_code: bool,
}

impl Dying {
    pub(crate) fn new(store: Store, death: Option<Death>) -> Self {
        Self { store, death, writes: 0, dead: false, spoils_code: false }
    }

    /// A program that lives, and reads the code of a purchase with a wrong bit.
    pub(crate) fn misreading(store: Store) -> Self {
        Self { spoils_code: true, ..Self::new(store, None) }
    }

    /// Whether the program lived to the end.
    pub(crate) fn lived(&self) -> bool {
        !self.dead
    }

    fn write<T>(&mut self, work: impl FnOnce(&mut Store) -> Result<T, StoreError>) -> Result<T, StoreError> {
        if self.dead {
            return Err(gone());
        }
        self.writes += 1;
        if self.death == Some(Death::Before(self.writes)) {
            self.dead = true;
            return Err(gone());
        }
        let result = work(&mut self.store);
        if self.death == Some(Death::After(self.writes)) {
            self.dead = true;
            return Err(gone());
        }
        result
    }
}

fn gone() -> StoreError {
    StoreError::Full { place: "the program died here".to_owned() }
}

impl Journal for Dying {
    fn prepare(&mut self, draft: &Draft) -> Result<Entry, StoreError> {
        self.write(|store| store.prepare(draft))
    }

    fn send(&mut self, number: EntryNumber, sent: &Sent) -> Result<(), StoreError> {
        self.write(|store| store.send(number, sent))
    }

    fn confirm(&mut self, number: EntryNumber, event: Event, done: &Done) -> Result<Entry, StoreError> {
        let mut done = *done;
        if let Evidence::Answered { tac, .. } = &mut done.evidence
            && self.spoils_code
        {
            tac.0[3] ^= 0x10;
        }
        self.write(|store| store.confirm(number, event, &done))
    }

    fn close(&mut self, number: EntryNumber, event: Event, reason: &str) -> Result<Entry, StoreError> {
        self.write(|store| store.close(number, event, reason))
    }

    fn contradict(&mut self, number: EntryNumber, against: &str, done: Option<&Done>) -> Result<Entry, StoreError> {
        self.write(|store| store.contradict(number, against, done))
    }

    fn note_shown(&mut self, number: EntryNumber, shown: Shown) -> Result<(), StoreError> {
        self.write(|store| store.note_shown(number, shown))
    }

    fn open_of(&mut self, card: &CardIdentifier) -> Result<Vec<Entry>, StoreError> {
        if self.dead { Err(gone()) } else { self.store.open_of(card) }
    }
}
