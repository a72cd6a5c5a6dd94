//! How cards of one type are read: what a card once showed is known when the next card of its type comes.
//!
//! Source: both ways to a file, both forms of Le and reading record by record are in use among deployed programs; which
//! card knows which is nowhere published.
//! Owns: the ways, in which order they are tried, the book of card types. Never: reads a card, stores the book.

use std::fmt;

use card_core::StatusWord;

use crate::limits::{CARD_TYPE_READS, CARD_TYPES_MAX};

/// How files of a card are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ways {
    /// Records of a file all at once (READ RECORD mode 5), else one by one.
    pub together: bool,
    /// Files by SFI in the READ itself, else after SELECT.
    pub by_sfi: bool,
    /// Le as long as the answer should be, else 00.
    pub exact_le: bool,
}

impl Default for Ways {
    /// The fewest bytes.
    fn default() -> Self {
        Self { together: true, by_sfi: true, exact_le: true }
    }
}

impl Ways {
    /// Every way, the fewest exchanges first.
    const ALL: [Self; 8] = [
        Self { together: true, by_sfi: true, exact_le: true },
        Self { together: true, by_sfi: true, exact_le: false },
        Self { together: false, by_sfi: true, exact_le: true },
        Self { together: false, by_sfi: true, exact_le: false },
        Self { together: true, by_sfi: false, exact_le: true },
        Self { together: true, by_sfi: false, exact_le: false },
        Self { together: false, by_sfi: false, exact_le: true },
        Self { together: false, by_sfi: false, exact_le: false },
    ];

    /// Whether a refusal says that the card does not know this way. Others, of its memory or of this moment, lead to another
    /// way of reading this file, and say nothing of cards of its type.
    pub(crate) const fn is_unknown_to_card(sw: StatusWord) -> bool {
        matches!(
            sw,
            StatusWord::NOT_SUPPORTED
                | StatusWord::WRONG_P1P2
                | StatusWord::INS_UNKNOWN
                | StatusWord::CLA_UNKNOWN
                | StatusWord::WRONG_LENGTH
                | StatusWord::FILE_STRUCTURE
                | StatusWord::FILE_NOT_FOUND
                | StatusWord::RECORD_NOT_FOUND
                | StatusWord::WRONG_OFFSET
        )
    }

    /// What to try after a card refused the last of `tried` with `sw`; `None` when nothing else could help.
    ///
    /// `sure` is what the card already showed to work: that is not doubted again.
    pub(crate) fn after(tried: &[Self], sw: StatusWord, sure: &Sure) -> Option<Self> {
        let failed = tried.last()?;
        let no_such_file = sw == StatusWord::FILE_NOT_FOUND;
        let is_length = sw == StatusWord::WRONG_LENGTH;
        let fits = |way: &&Self| {
            !tried.contains(way)
                && (!sure.together || way.together == failed.together)
                && (!sure.by_sfi || way.by_sfi == failed.by_sfi)
                // Another Le mends a wrong length only; another record mode does not find a file.
                && (is_length || way.exact_le == failed.exact_le)
                && (!no_such_file || way.by_sfi != failed.by_sfi)
        };
        Self::ALL.iter().find(fits).copied()
    }
}

/// What a card showed to work in this session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sure {
    /// The way to the file.
    pub(crate) by_sfi: bool,
    /// All records at once.
    pub(crate) together: bool,
}

/// Deviations from the usual way, as words.
const WORDS: [&str; 3] = ["record-by-record", "select-first", "le-00"];

impl fmt::Display for Ways {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let deviates = [!self.together, !self.by_sfi, !self.exact_le];
        let words: Vec<&str> = WORDS.into_iter().zip(deviates).filter(|(_, is)| *is).map(|(word, _)| word).collect();
        f.write_str(&words.join(" "))
    }
}

/// What is known of card types, by the historical bytes before the serial (`Atr::card_type`). The type of the card is known
/// before the first exchange, and says nothing of a person.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CardTypes {
    /// The one noted last stands last.
    types: Vec<Known>,
}

/// A type that is not read in the usual way.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Known {
    card_type: Vec<u8>,
    ways: Ways,
    /// Reads since the usual way was tried.
    reads: u8,
}

/// A line that is none of a book of card types.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "line {0} of the book of card types is not: bytes of the type, record-by-record, select-first or le-00, perhaps a count"
)]
pub struct CardTypesError(pub usize);

impl CardTypes {
    /// How to begin with a card of this type: as the last one was read, and now and then in the usual way, which the type
    /// perhaps knows all the same.
    #[must_use]
    pub fn of(&self, card_type: Option<&[u8]>) -> Ways {
        let known = card_type.and_then(|card_type| self.known(card_type));
        known.filter(|known| known.reads < CARD_TYPE_READS).map_or_else(Ways::default, |known| known.ways)
    }

    fn known(&self, card_type: &[u8]) -> Option<&Known> {
        self.types.iter().find(|known| known.card_type == card_type)
    }

    /// Whether the book stays as it is when a card of this type was read so.
    #[must_use]
    pub fn is_usual(&self, card_type: &[u8], ways: Ways) -> bool {
        ways == Ways::default() && self.known(card_type).is_none()
    }

    /// Notes how a card of this type was read. The usual way needs no line; when the book is full, the type that was noted
    /// longest ago is forgotten.
    pub fn note(&mut self, card_type: Option<&[u8]>, ways: Ways) {
        let Some(card_type) = card_type else { return };
        let so_far = self.known(card_type).filter(|known| known.ways == ways && known.reads < CARD_TYPE_READS);
        let reads = so_far.map_or(0, |known| known.reads + 1);
        self.put(Known { card_type: card_type.to_vec(), ways, reads });
    }

    fn put(&mut self, known: Known) {
        self.types.retain(|other| other.card_type != known.card_type);
        if known.ways != Ways::default() {
            self.types.push(known);
        }
        let surplus = self.types.len().saturating_sub(CARD_TYPES_MAX);
        self.types.drain(..surplus);
    }

    /// The book as text, a type a line.
    #[must_use]
    pub fn to_text(&self) -> String {
        let line = |Known { card_type, ways, reads }: &Known| {
            let reads = if *reads == 0 { String::new() } else { format!(" {reads}") };
            format!("{} {ways}{reads}\n", hex::encode_upper(card_type))
        };
        self.types.iter().map(line).collect()
    }

    /// Reads [`CardTypes::to_text`].
    ///
    /// # Errors
    /// [`CardTypesError`] with the first line that is none.
    pub fn parse(text: &str) -> Result<Self, CardTypesError> {
        let mut book = Self::default();
        for (number, line) in (1..).zip(text.lines()) {
            book.put(parse_line(line).ok_or(CardTypesError(number))?);
        }
        Ok(book)
    }
}

fn parse_line(line: &str) -> Option<Known> {
    let counted = line.rsplit_once(' ').and_then(|(rest, count)| Some((rest, count.parse::<u8>().ok()?)));
    let (line, reads) = counted.filter(|(_, reads)| (1..=CARD_TYPE_READS).contains(reads)).unwrap_or((line, 0));
    let mut words = line.split(' ');
    let card_type = hex::decode(words.next()?).ok().filter(|bytes| !bytes.is_empty())?;
    let mut ways = Ways::default();
    for word in words {
        match WORDS.iter().position(|known| *known == word)? {
            0 => ways.together = false,
            1 => ways.by_sfi = false,
            _ => ways.exact_le = false,
        }
    }
    (ways != Ways::default()).then_some(Known { card_type, ways, reads })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn walk(sw: u16, sure: Sure) -> Vec<String> {
        let mut tried = vec![Ways::default()];
        while let Some(next) = Ways::after(&tried, StatusWord(sw), &sure) {
            tried.push(next);
        }
        tried.iter().skip(1).map(ToString::to_string).collect()
    }

    #[test]
    fn what_a_refusal_cannot_mean_is_not_tried() {
        let unsure = Sure::default();
        assert_eq!(walk(0x6A86, unsure), ["record-by-record", "select-first", "record-by-record select-first"]);
        assert_eq!(walk(0x6700, unsure).len(), 7, "a wrong length may be the length, or anything that changes it");
        assert_eq!(walk(0x6A82, unsure).first().map(String::as_str), Some("select-first"));
        assert_eq!(walk(0x6A82, Sure { by_sfi: true, together: false }), [""; 0]);
        assert_eq!(walk(0x6A86, Sure { by_sfi: true, together: false }), ["record-by-record"]);
        assert_eq!(walk(0x6700, Sure { by_sfi: true, together: true }), ["le-00"]);
    }

    #[test]
    fn a_book_goes_through_text_and_forgets_what_became_usual() {
        let mut book = CardTypes::default();
        let (one, other) = (&[0x00, 0x81][..], &[0x00, 0x85][..]);
        book.note(Some(one), Ways { together: false, ..Ways::default() });
        book.note(Some(other), Ways { together: false, by_sfi: false, exact_le: false });
        assert_eq!(book.to_text(), "0081 record-by-record\n0085 record-by-record select-first le-00\n");
        assert_eq!(CardTypes::parse(&book.to_text()), Ok(book.clone()));
        book.note(Some(other), Ways::default());
        book.note(None, Ways { by_sfi: false, ..Ways::default() });
        assert_eq!(book.to_text(), "0081 record-by-record\n");
        assert_eq!((book.of(Some(other)), book.of(None)), (Ways::default(), Ways::default()));
        for line in
            ["", "0081", "0081 3", "0081 le-00 99", "0081 le-00 x", "xx le-00", "0081 le-01", " le-00", "0081  le-00"]
        {
            assert_eq!(CardTypes::parse(&format!("0081 le-00\n{line}\n")), Err(CardTypesError(2)), "{line:?}");
        }
    }

    #[test]
    fn the_usual_way_is_tried_again_now_and_then() {
        let mut book = CardTypes::default();
        let (card, slow) = (Some(&[0x00, 0x81][..]), Ways { together: false, ..Ways::default() });
        book.note(card, slow);
        for read in 1..=CARD_TYPE_READS {
            assert_eq!(book.of(card), slow, "{read}");
            book.note(card, slow);
            book = CardTypes::parse(&book.to_text()).expect("its own text");
        }
        assert_eq!(book.of(card), Ways::default());
        let mut healed = book.clone();
        healed.note(card, Ways::default());
        assert_eq!(healed, CardTypes::default());
        // It does not know it: the next ones are read as before.
        book.note(card, slow);
        assert_eq!((book.of(card), book.to_text().as_str()), (slow, "0081 record-by-record\n"));
    }

    #[test]
    fn a_full_book_forgets_what_was_noted_longest_ago() {
        let mut book = CardTypes::default();
        for number in 0..=u16::try_from(CARD_TYPES_MAX).expect("small") {
            book.note(Some(&number.to_be_bytes()), Ways { exact_le: false, ..Ways::default() });
        }
        assert_eq!(book.types.len(), CARD_TYPES_MAX);
        assert_eq!(book.of(Some(&[0, 0])), Ways::default());
        assert!(!book.of(Some(&[0, 1])).exact_le);
    }
}
