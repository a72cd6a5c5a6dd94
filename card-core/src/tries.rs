//! Tries left (剩余次数), known before one is spent.
//!
//! Source: `63Cx` of VERIFY and EXTERNAL AUTHENTICATION. No source documents a way to ask for the count without a try, so
//! what the card last answered is remembered by its factor; a card not met before counts as unknown. A VERIFY without
//! data, which ISO/IEC 7816-4 7.5.6 defines for that question, is sent only where the profile says that the card knows it.
//! Owns: the book of tries, the refusal to spend the last one unasked. Never: stores the book (the caller does).

use std::collections::BTreeMap;

use crate::apdu::Response;
use crate::command;
use crate::crypto::Block;
use crate::limits::TRIES_BOOK_MAX;
use crate::script::{Step, StepError};
use crate::security::{KeyName, SecurityModule};
use crate::session::{Session, SessionError};
use crate::status::StatusWord;

/// What has tries.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Secret {
    /// The holder's PIN.
    Pin,
    /// A key of the card.
    Key(KeyName),
}

/// Tries left of the cards met so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TriesBook {
    left: BTreeMap<(Block, Secret), u8>,
}

/// What is known before a try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TriesLeft {
    /// What the card last answered, or answers when asked.
    Known(u8),
    /// The card was not met before and cannot be asked.
    Unknown,
}

/// Why a try is not spent. Mended by whoever holds the secret, or may unblock it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TryRefused {
    /// None is left.
    #[error("no tries are left: blocked")]
    Blocked,
    /// So few are left that the caller must ask first.
    #[error("{left} tries are left; the next wrong one brings it nearer to blocking than {reserve} tries")]
    Few {
        /// Tries left.
        left: u8,
        /// Tries that were to be kept.
        reserve: u8,
    },
}

/// A line of a book that is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {0} of the book of tries is not: card factor, PIN or key name, tries")]
pub struct BookError(pub usize);

/// Why a guarded step brought no answer.
#[derive(Debug, thiserror::Error)]
pub enum GuardedError {
    /// The try was not spent.
    #[error(transparent)]
    Refused(#[from] TryRefused),
    /// The step failed; a try may have been spent.
    #[error(transparent)]
    Step(#[from] StepError),
}

impl TriesBook {
    /// What is known of a card's secret.
    #[must_use]
    pub fn left(&self, card: Block, secret: &Secret) -> TriesLeft {
        match self.left.get(&(card, secret.clone())) {
            Some(left) => TriesLeft::Known(*left),
            None => TriesLeft::Unknown,
        }
    }

    /// Notes what the card answered to a try: `9000` brings all tries back, so that the next is unknown to be fewer than
    /// the card's maximum; `63Cx` leaves x; `6983` leaves none. Other answers spend no try.
    pub fn note(&mut self, card: Block, secret: &Secret, sw: StatusWord) {
        let entry = (card, secret.clone());
        match (sw, sw.tries()) {
            (sw, _) if sw.is_ok() => drop(self.left.remove(&entry)),
            (_, Some(left)) => self.put(entry, left),
            (StatusWord::BLOCKED, None) => self.put(entry, 0),
            (_, None) => {}
        }
    }

    fn put(&mut self, entry: (Block, Secret), left: u8) {
        if self.left.len() >= TRIES_BOOK_MAX && !self.left.contains_key(&entry) {
            // The card with most tries left is the one that loses least by being forgotten.
            let most = self.left.iter().max_by_key(|(_, left)| **left).map(|(entry, _)| entry.clone());
            most.map(|entry| self.left.remove(&entry));
        }
        self.left.insert(entry, left);
    }

    /// What is known before a try, unless it must not be spent: none left, or not more than `reserve`.
    ///
    /// # Errors
    /// [`TryRefused`].
    pub fn before_try(&self, card: Block, secret: &Secret, reserve: u8) -> Result<TriesLeft, TryRefused> {
        match self.left(card, secret) {
            TriesLeft::Known(0) => Err(TryRefused::Blocked),
            TriesLeft::Known(left) if left <= reserve => Err(TryRefused::Few { left, reserve }),
            known => Ok(known),
        }
    }

    /// The book as text: a line a secret, `card factor` (16 hex), `PIN` or `key:NAME`, tries.
    #[must_use]
    pub fn to_text(&self) -> String {
        let line = |((card, secret), left): (&(Block, Secret), &u8)| {
            let secret = match secret {
                Secret::Pin => "PIN".to_owned(),
                Secret::Key(name) => format!("key:{name}"),
            };
            format!("{} {secret} {left}\n", hex::encode_upper(card))
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

fn parse_line(line: &str) -> Option<((Block, Secret), u8)> {
    let [card, secret, left] = line.split(' ').collect::<Vec<_>>().try_into().ok()?;
    let card = hex::decode(card).ok()?.try_into().ok()?;
    let secret = match secret.strip_prefix("key:") {
        Some(name) if !name.is_empty() => Secret::Key(KeyName::new(name)),
        Some(_) => return None,
        None => (secret == "PIN").then_some(Secret::Pin)?,
    };
    let left: u8 = left.parse().ok().filter(|left| *left <= 15)?;
    Some(((card, secret), left))
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

    /// Carries out a step that can spend a try of `secret`, unless not more than `reserve` tries are known to be left;
    /// notes the answer in the book.
    ///
    /// # Errors
    /// [`GuardedError::Refused`]: nothing was sent.
    pub fn perform_guarded(
        &mut self,
        step: &Step,
        module: Option<&mut dyn SecurityModule>,
        book: &mut TriesBook,
        secret: &Secret,
        reserve: u8,
    ) -> Result<Response, GuardedError> {
        let card = self.atr().and_then(|atr| Ok(atr.card_factor()?)).map_err(StepError::from)?;
        book.before_try(card, secret, reserve)?;
        let answer = self.perform(step, module)?;
        book.note(card, secret, answer.sw);
        Ok(answer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::replay::Replay;

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
        assert_eq!(book.before_try(CARD, &Secret::Pin, 1), Err(TryRefused::Few { left: 1, reserve: 1 }));
        assert_eq!(book.before_try(CARD, &Secret::Pin, 0), Ok(TriesLeft::Known(1)), "when asked");
        assert_eq!(book.before_try(CARD, &Secret::Key(KeyName::new("PUK")), 1), Ok(TriesLeft::Unknown));
        book.note(CARD, &Secret::Pin, StatusWord::BLOCKED);
        assert_eq!(book.before_try(CARD, &Secret::Pin, 0), Err(TryRefused::Blocked));
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
        let text = book.to_text();
        assert_eq!(text, "8650430200000013 PIN 2\n8650430200000013 key:RKSSSE 0\n");
        assert_eq!(TriesBook::parse(&text), Ok(book));
        for line in ["", "8650430200000013 PIN", "8650430200000013 PIN 16", "86 PIN 1", "8650430200000013 key: 1"] {
            assert_eq!(TriesBook::parse(&format!("8650430200000013 PIN 1\n{line}\n")), Err(BookError(2)), "{line:?}");
        }
    }

    #[test]
    fn a_guarded_step_is_not_sent_when_the_try_would_be_the_last() {
        let trace = "= 3B6D000000813147318650430200000013\n> 0020000003666666\n< 63C1";
        let mut session = Session::new(Box::new(Replay::parse(trace).expect("trace")));
        let (mut book, step) = (TriesBook::default(), Step::Send(command::verify(&[0x66, 0x66, 0x66])));
        let answer = session.perform_guarded(&step, None, &mut book, &Secret::Pin, 1).expect("answer");
        assert_eq!(answer.sw, StatusWord(0x63C1));
        let refused = session.perform_guarded(&step, None, &mut book, &Secret::Pin, 1).expect_err("the last try");
        assert!(matches!(refused, GuardedError::Refused(TryRefused::Few { left: 1, reserve: 1 })));
        assert_eq!(session.wire().exchanges, 1);
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
