//! Tries left (剩余次数), known before one is spent.
//!
//! Source: `63Cx` of VERIFY and EXTERNAL AUTHENTICATION. No source documents a way to ask for the count without a try, so
//! what the card last answered is remembered by its factor; a card not met before counts as unknown. A VERIFY without
//! data, which ISO/IEC 7816-4 7.5.6 defines for that question, is sent only where the profile says that the card knows it.
//! Owns: the book of tries, the refusal to spend the last one unasked. Never: stores the book (the caller does).

use std::collections::BTreeMap;
use std::fmt;

use crate::command;
use crate::crypto::Block;
use crate::limits::TRIES_BOOK_MAX;
use crate::security::KeyName;
use crate::session::{Session, SessionError};
use crate::status::StatusWord;

/// What has tries.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Secret {
    /// The holder's PIN.
    Pin,
    /// A PIN of another application, by a name.
    OtherPin(KeyName),
    /// A key of the card.
    Key(KeyName),
}

/// Tries left of the cards met so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TriesBook {
    left: BTreeMap<(Block, Secret), Noted>,
}

/// What a card answered, and when, as the caller's clock said it: seconds since 1970; `None` until [`TriesBook::date`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Noted {
    left: u8,
    at: Option<u64>,
}

/// What is known before a try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TriesLeft {
    /// What the card last answered, or answers when asked.
    Known(u8),
    /// The card was not met before and cannot be asked.
    Unknown,
}

/// A try that is not spent unasked. Mended by whoever holds the secret, with consent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{secret} has {left} {} left, and a wrong one brings it nearer to blocking", if *left == 1 { "try" } else { "tries" })]
pub struct TryRefused {
    /// What would be tried.
    pub secret: Secret,
    /// Tries left.
    pub left: u8,
}

/// Guards the tries of one run: what is known, and whether a person said that the last ones may be spent.
#[derive(Debug)]
pub struct Guard<'b> {
    /// What is known.
    pub book: &'b mut TriesBook,
    /// Whether somebody agreed.
    pub consent: bool,
}

impl Guard<'_> {
    /// What is known before a try, unless it must not be spent.
    ///
    /// # Errors
    /// [`TryRefused`].
    pub fn before_try(&self, card: Block, secret: &Secret) -> Result<TriesLeft, TryRefused> {
        let reserve = match (self.consent, secret) {
            (true, _) => 0,
            (false, Secret::Pin | Secret::OtherPin(_)) => PIN_RESERVE,
            (false, Secret::Key(_)) => KEY_RESERVE,
        };
        self.book.before_try(card, secret, reserve)
    }
}

/// Tries of the PIN that are kept unless the holder agrees: the holder may have mistyped, so all but the last are free.
pub const PIN_RESERVE: u8 = 1;

/// Tries of a key that are kept: all. A key that the card refused once is refused again, until other keys are used.
pub const KEY_RESERVE: u8 = u8::MAX;

/// A line of a book that is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {0} of the book of tries is not: card factor, PIN or key name, tries, perhaps a second")]
pub struct BookError(pub usize);

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pin => f.write_str("PIN"),
            Self::OtherPin(name) | Self::Key(name) => name.fmt(f),
        }
    }
}

impl TriesBook {
    /// What is known of a card's secret.
    #[must_use]
    pub fn left(&self, card: Block, secret: &Secret) -> TriesLeft {
        match self.left.get(&(card, secret.clone())) {
            Some(noted) => TriesLeft::Known(noted.left),
            None => TriesLeft::Unknown,
        }
    }

    /// Notes what the card answered to a try: `9000` brings all tries back, so that the next is unknown to be fewer than
    /// the card's maximum; `63Cx` leaves x; `6983` leaves none. Other answers spend no try.
    pub fn note(&mut self, card: Block, secret: &Secret, sw: StatusWord) {
        let entry = (card, secret.clone());
        match (sw, sw.tries()) {
            (sw, _) if sw.is_ok() => drop(self.left.remove(&entry)),
            (_, Some(left)) => self.put(entry, Noted { left, at: None }),
            (StatusWord::BLOCKED, None) => self.put(entry, Noted { left: 0, at: None }),
            (_, None) => {}
        }
    }

    /// Dates what has no date yet.
    pub fn date(&mut self, now: u64) {
        self.left.values_mut().for_each(|noted| noted.at = noted.at.or(Some(now)));
    }

    /// Forgets what is further than `seconds` from now, or has no date, of PINs: a holder may have had the tries made whole elsewhere
    /// since, and types the PIN in knowledge of the card. Keys stay: a card refuses the same key tomorrow.
    pub fn forget_old(&mut self, now: u64, seconds: u64) {
        self.left.retain(|(_, secret), noted| match secret {
            Secret::Pin | Secret::OtherPin(_) => noted.at.is_some_and(|at| at.abs_diff(now) <= seconds),
            Secret::Key(_) => true,
        });
    }

    fn put(&mut self, entry: (Block, Secret), left: Noted) {
        if self.left.len() >= TRIES_BOOK_MAX && !self.left.contains_key(&entry) {
            // The card with most tries left is the one that loses least by being forgotten.
            let most = self.left.iter().max_by_key(|(_, noted)| noted.left).map(|(entry, _)| entry.clone());
            most.map(|entry| self.left.remove(&entry));
        }
        self.left.insert(entry, left);
    }

    /// What is known before a try, unless it must not be spent: not more than `reserve` are left. A blocked secret has
    /// nothing to lose, and only the card knows whether it was unblocked since: it may be tried.
    ///
    /// # Errors
    /// [`TryRefused`].
    pub fn before_try(&self, card: Block, secret: &Secret, reserve: u8) -> Result<TriesLeft, TryRefused> {
        match self.left(card, secret) {
            TriesLeft::Known(left @ 1..) if left <= reserve => Err(TryRefused { secret: secret.clone(), left }),
            known => Ok(known),
        }
    }

    /// Takes what `other` knows of one card, and forgets what it does not know.
    pub fn take(&mut self, card: Block, other: &Self) {
        self.left.retain(|(of, _), _| *of != card);
        other.left.iter().filter(|((of, _), _)| *of == card).for_each(|(entry, left)| self.put(entry.clone(), *left));
    }

    /// The book as text: a line a secret, `card factor` (16 hex), `PIN`, `pin:NAME` or `key:NAME`, tries, and where it is dated the second.
    #[must_use]
    pub fn to_text(&self) -> String {
        let line = |((card, secret), noted): (&(Block, Secret), &Noted)| {
            let secret = match secret {
                Secret::Pin => "PIN".to_owned(),
                Secret::OtherPin(name) => format!("pin:{name}"),
                Secret::Key(name) => format!("key:{name}"),
            };
            let at = noted.at.map_or_else(String::new, |at| format!(" {at}"));
            format!("{} {secret} {}{at}\n", hex::encode_upper(card), noted.left)
        };
        self.left.iter().map(line).collect()
    }

    /// Reads [`TriesBook::to_text`].
    ///
    /// # Errors
    /// [`BookError`] with the first line that is none.
    pub fn parse(text: &str) -> Result<Self, BookError> {
        let mut book = Self::default();
        for (number, line) in (1..).zip(text.lines()) {
            let entry = parse_line(line).ok_or(BookError(number))?;
            book.put(entry.0, entry.1);
        }
        Ok(book)
    }
}

fn parse_line(line: &str) -> Option<((Block, Secret), Noted)> {
    let (card, secret, left, at) = match *line.split(' ').collect::<Vec<_>>().as_slice() {
        [card, secret, left] => (card, secret, left, None),
        [card, secret, left, at] => (card, secret, left, Some(at.parse().ok()?)),
        _ => return None,
    };
    let card = hex::decode(card).ok()?.try_into().ok()?;
    let secret = match secret.split_once(':') {
        Some(("key", name)) if !name.is_empty() => Secret::Key(KeyName::new(name)),
        Some(("pin", name)) if !name.is_empty() => Secret::OtherPin(KeyName::new(name)),
        Some(_) => return None,
        None => (secret == "PIN").then_some(Secret::Pin)?,
    };
    let left: u8 = left.parse().ok().filter(|left| *left <= 15)?;
    Some(((card, secret), Noted { left, at }))
}

impl Session {
    /// Asks how many tries the PIN has left, without spending one. Only for cards that know a VERIFY without data; others
    /// answer something else, which is [`TriesLeft::Unknown`].
    ///
    /// # Errors
    /// [`SessionError`].
    pub fn ask_pin_tries(&mut self) -> Result<TriesLeft, SessionError> {
        let sw = self.send(&command::ask_pin_tries())?.sw;
        Ok(match (sw, sw.tries()) {
            (_, Some(left)) => TriesLeft::Known(left),
            (StatusWord::BLOCKED, None) => TriesLeft::Known(0),
            (_, None) => TriesLeft::Unknown,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CARD: Block = [0x86, 0x50, 0x43, 0x02, 0, 0, 0, 0x13];

    #[test]
    fn a_card_not_met_before_is_unknown_and_may_be_tried() {
        let book = TriesBook::default();
        assert_eq!(book.before_try(CARD, &Secret::Pin, 1), Ok(TriesLeft::Unknown));
    }

    #[test]
    fn the_last_try_is_not_spent_unasked() {
        let mut book = TriesBook::default();
        book.note(CARD, &Secret::Pin, StatusWord(0x63C2));
        assert_eq!(book.before_try(CARD, &Secret::Pin, 1), Ok(TriesLeft::Known(2)));
        book.note(CARD, &Secret::Pin, StatusWord(0x63C1));
        assert_eq!(book.before_try(CARD, &Secret::Pin, 1), Err(TryRefused { secret: Secret::Pin, left: 1 }));
        assert_eq!(book.before_try(CARD, &Secret::Pin, 0), Ok(TriesLeft::Known(1)), "when asked");
        assert_eq!(book.before_try(CARD, &Secret::Key(KeyName::new("PUK")), 1), Ok(TriesLeft::Unknown));
        book.note(CARD, &Secret::Pin, StatusWord::BLOCKED);
        assert_eq!(book.before_try(CARD, &Secret::Pin, 1), Ok(TriesLeft::Known(0)), "nothing is lost by asking");
        book.note(CARD, &Secret::Pin, StatusWord::SECURITY_STATUS);
        assert_eq!(book.left(CARD, &Secret::Pin), TriesLeft::Known(0), "no try, no change");
        book.note(CARD, &Secret::Pin, StatusWord::OK);
        assert_eq!(book.left(CARD, &Secret::Pin), TriesLeft::Unknown, "all tries are back");
    }

    #[test]
    fn a_book_goes_through_text() {
        let mut book = TriesBook::default();
        book.note(CARD, &Secret::Pin, StatusWord(0x63C2));
        book.note(CARD, &Secret::Key(KeyName::new("RKSSSE")), StatusWord(0x63C0));
        book.note(CARD, &Secret::OtherPin(KeyName::new("CERT-PIN")), StatusWord(0x63C1));
        let text = book.to_text();
        let lines = ["8650430200000013 PIN 2", "8650430200000013 pin:CERT-PIN 1", "8650430200000013 key:RKSSSE 0"];
        assert_eq!(text.lines().collect::<Vec<_>>(), lines);
        assert_eq!(TriesBook::parse(&text), Ok(book));
        let dated = format!("{} 1795000000", text.trim_end());
        let book = TriesBook::parse(&dated).expect("a date");
        assert_eq!((book.to_text(), book.left(CARD, &Secret::Pin)), (format!("{dated}\n"), TriesLeft::Known(2)));
        for line in [
            "",
            "8650430200000013 PIN",
            "8650430200000013 PIN 1 x",
            "8650430200000013 PIN 1 1 1",
            "8650430200000013 PIN 16",
            "86 PIN 1",
            "8650430200000013 key: 1",
            "8650430200000013 pin: 1",
        ] {
            assert_eq!(TriesBook::parse(&format!("8650430200000013 PIN 1\n{line}\n")), Err(BookError(2)), "{line:?}");
        }
    }

    #[test]
    fn a_key_that_was_refused_once_is_not_tried_again_unasked() {
        let (mut book, key) = (TriesBook::default(), Secret::Key(KeyName::new("RKSSSE")));
        let before = |book: &mut TriesBook, consent| Guard { book, consent }.before_try(CARD, &key);
        assert_eq!(before(&mut book, false), Ok(TriesLeft::Unknown));
        book.note(CARD, &key, StatusWord(0x63C9));
        assert_eq!(before(&mut book, false), Err(TryRefused { secret: key.clone(), left: 9 }));
        assert_eq!(before(&mut book, true), Ok(TriesLeft::Known(9)));
    }

    #[test]
    fn a_book_takes_what_another_knows_of_one_card() {
        let (mut kept, mut ours) = (TriesBook::default(), TriesBook::default());
        kept.note(CARD, &Secret::Pin, StatusWord(0x63C2));
        kept.note([9; 8], &Secret::Pin, StatusWord(0x63C1));
        ours.note(CARD, &Secret::Key(KeyName::new("PUK")), StatusWord(0x63C1));
        kept.take(CARD, &ours);
        assert_eq!(kept.to_text(), "0909090909090909 PIN 1\n8650430200000013 key:PUK 1\n");
    }

    #[test]
    fn pins_are_forgotten_after_their_time_or_without_a_date_and_keys_never() {
        let key = Secret::Key(KeyName::new("PUK"));
        let noted = |secret: &Secret| {
            let mut book = TriesBook::default();
            book.note(CARD, secret, StatusWord(0x63C1));
            book
        };
        for (secret, dated, now, kept) in [
            (Secret::Pin, Some(1_000), 1_060, true),
            (Secret::Pin, Some(1_000), 1_061, false),
            (Secret::Pin, Some(1_061), 1_000, false),
            (Secret::Pin, None, 1_000, false),
            (Secret::OtherPin(KeyName::new("CERT-PIN")), Some(1_000), 1_061, false),
            (key.clone(), Some(1_000), 1_061, true),
            (key, None, 1_000, true),
        ] {
            let mut book = noted(&secret);
            dated.into_iter().for_each(|at| book.date(at));
            book.forget_old(now, 60);
            assert_eq!(book.left(CARD, &secret) == TriesLeft::Known(1), kept, "{secret} {dated:?} {now}");
        }
    }

    #[test]
    fn a_full_book_forgets_the_card_that_loses_least() {
        let mut book = TriesBook::default();
        for number in 0..=u16::try_from(TRIES_BOOK_MAX).expect("small") {
            let [high, low] = number.to_be_bytes();
            let left = if number == 5 { 0x63C3 } else { 0x63C1 };
            book.note([high, low, 0, 0, 0, 0, 0, 0], &Secret::Pin, StatusWord(left));
        }
        assert_eq!(book.left.len(), TRIES_BOOK_MAX);
        assert_eq!(book.left([0, 5, 0, 0, 0, 0, 0, 0], &Secret::Pin), TriesLeft::Unknown);
    }
}
