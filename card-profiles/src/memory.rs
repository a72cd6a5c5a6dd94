//! What a program remembers of cards from one tap to the next: tries left, and ways of reading.
//!
//! Owns: both books and the two small files that hold them, in the program's data folder if it has one.
//! Never: holds anything of a person, a key or a PIN; makes a card fail because a hint could not be read or written.

use std::io;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use card_core::crypto::Block;
use card_core::notebook::Notebook;
use card_core::tries::TriesBook;

use crate::ways::{CardTypes, Ways};

/// How long the tries left of a PIN are believed: after that the card is tried as one that was not met. A day, assumed.
const PIN_TRIES_SECONDS: u64 = 86_400;

/// File of the tries left, by card factor.
const TRIES: &str = "tries.txt";
/// File of the ways of reading, by card type.
const CARD_TYPES: &str = "card-types.txt";

/// Both books.
#[derive(Clone, Debug, Default)]
pub struct CardMemory {
    /// Tries left, for the guard over a run.
    pub tries: TriesBook,
    types: CardTypes,
    recalled: TriesBook,
    files: Option<Files>,
}

#[derive(Clone, Debug)]
struct Files {
    tries: Notebook,
    types: Notebook,
}

impl CardMemory {
    /// What is remembered in a folder. What cannot be read is not remembered: the card itself knows better.
    #[must_use]
    pub fn recall(folder: &Path) -> Self {
        let files = Files { tries: Notebook::in_folder(folder, TRIES), types: Notebook::in_folder(folder, CARD_TYPES) };
        let text = |book: &Notebook| book.read().unwrap_or_default();
        let tries = recent(&text(&files.tries));
        let types = CardTypes::parse(&text(&files.types)).unwrap_or_default();
        Self { recalled: tries.clone(), tries, types, files: Some(files) }
    }

    /// Without what it believes no longer.
    #[must_use]
    pub fn fresh(mut self) -> Self {
        self.tries.forget_old(now(), PIN_TRIES_SECONDS);
        self
    }

    /// What is known of card types.
    #[must_use]
    pub const fn types(&self) -> &CardTypes {
        &self.types
    }

    /// How to begin with a card of this type.
    #[must_use]
    pub fn ways(&self, card_type: Option<&[u8]>) -> Ways {
        self.types.of(card_type)
    }

    /// Keeps how a card was read, if that is news; of a type that is not read in the usual way also how often.
    ///
    /// # Errors
    /// What the system says; the memory of this process has it all the same.
    pub fn keep_ways(&mut self, card_type: Option<&[u8]>, ways: Ways) -> io::Result<()> {
        if card_type.is_none_or(|card_type| self.types.is_usual(card_type, ways)) {
            return Ok(());
        }
        self.types.note(card_type, ways);
        let Some(files) = &self.files else { return Ok(()) };
        files.types.change(|text| {
            let mut book = CardTypes::parse(text).unwrap_or_default();
            book.note(card_type, ways);
            book.to_text()
        })
    }

    /// Keeps the tries left of a card, if they are news.
    ///
    /// # Errors
    /// As [`CardMemory::keep_ways`].
    pub fn keep_tries(&mut self, card: Block) -> io::Result<()> {
        if self.tries == self.recalled {
            return Ok(());
        }
        self.tries.date(now());
        self.recalled = self.tries.clone();
        let Some(files) = &self.files else { return Ok(()) };
        files.tries.change(|text| {
            let mut book = recent(text);
            book.take(card, &self.tries);
            book.to_text()
        })
    }
}

fn recent(text: &str) -> TriesBook {
    let mut book = TriesBook::parse(text).unwrap_or_default();
    book.forget_old(now(), PIN_TRIES_SECONDS);
    book
}

/// Seconds since 1970; a clock before that is at its beginning.
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;
    use card_core::StatusWord;
    use card_core::tries::{Secret, TriesLeft};

    const CARD: Block = [0x86, 0x50, 0x51, 0x33, 0, 0, 0, 1];

    #[test]
    fn what_one_program_learns_the_next_one_knows() {
        let folder = std::env::temp_dir().join(format!("card-memory-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        let slow = Ways { together: false, ..Ways::default() };
        let mut memory = CardMemory::recall(&folder);
        memory.keep_ways(Some(&[0, 0x81]), Ways::default()).expect("nothing to write");
        memory.keep_tries(CARD).expect("nothing to write");
        assert!(!folder.exists(), "a usual card leaves no trace");
        memory.keep_ways(Some(&[0, 0x81]), slow).expect("written");
        memory.tries.note(CARD, &Secret::Pin, StatusWord(0x63C1));
        memory.keep_tries(CARD).expect("written");
        let mut next = CardMemory::recall(&folder);
        assert_eq!((next.ways(Some(&[0, 0x81])), next.ways(Some(&[0, 0x85]))), (slow, Ways::default()));
        assert_eq!(next.tries.left(CARD, &Secret::Pin), TriesLeft::Known(1));
        next.tries.note(CARD, &Secret::Pin, StatusWord::OK);
        next.keep_tries(CARD).expect("written");
        assert_eq!(CardMemory::recall(&folder).tries.left(CARD, &Secret::Pin), TriesLeft::Unknown);
        for (age, left) in [(PIN_TRIES_SECONDS - 60, TriesLeft::Known(1)), (PIN_TRIES_SECONDS + 60, TriesLeft::Unknown)]
        {
            let line = format!("{} PIN 1 {}\n", hex::encode_upper(CARD), now() - age);
            std::fs::write(folder.join(TRIES), line).expect("written");
            assert_eq!(CardMemory::recall(&folder).tries.left(CARD, &Secret::Pin), left, "{age} seconds old");
        }
        std::fs::write(folder.join(TRIES), "nonsense").expect("written");
        assert_eq!(CardMemory::recall(&folder).tries, TriesBook::default());
        std::fs::remove_dir_all(folder).expect("removed");
    }

    #[test]
    fn without_a_folder_the_process_remembers() {
        let mut memory = CardMemory::default();
        memory.keep_ways(Some(&[1]), Ways { exact_le: false, ..Ways::default() }).expect("kept");
        assert!(!memory.ways(Some(&[1])).exact_le);
    }
}
