//! What is remembered of PSAMs: which cards are some, and of which cities' cards each holds the keys.
//!
//! Source: none; a PSAM is known by its ATR, whose historical bytes have a serial, and by its terminal number.
//! Owns: the book of PSAMs, its file in the program's data folder. Never: holds a key, or anything of a user card but its city;
//! replaces a proof: what is remembered saves asking again, and the first refusal ends it.

use std::io;
use std::path::Path;

use card_core::algorithm::Algorithm;
use card_core::notebook::Notebook;
use card_core::security::CityCode;

use crate::limits::{PSAM_PROOFS_MAX, PSAMS_MAX};

/// File of the book.
const PSAMS: &str = "psams.txt";

/// Where a line has no terminal number.
const UNKNOWN: &str = "-";
/// That it serves the usual algorithm only.
const USUAL_ONLY: &str = "usual-only";

/// Cards whose keys a PSAM proved to hold: those of one city, algorithm and key version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Served {
    /// City that issued them: their keys are diversified by it.
    pub city: CityCode,
    /// Algorithm of their keys.
    pub algorithm: Algorithm,
    /// Version of their keys.
    pub version: u8,
}

/// A PSAM.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Known {
    atr: Vec<u8>,
    /// `None` until it was opened.
    terminal: Option<[u8; 6]>,
    /// Whether it was asked for other environments than the usual one, and has none.
    usual_only: bool,
    /// The one noted last stands last.
    served: Vec<Served>,
}

/// The book of PSAMs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PsamBook {
    /// The one noted last stands last.
    psams: Vec<Known>,
}

/// A line that is none of a book of PSAMs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "line {0} of the book of PSAMs is not: ATR, terminal number or -, perhaps usual-only, then city:algorithm:version"
)]
pub struct PsamBookError(pub usize);

impl PsamBook {
    /// Whether the card with this ATR was a PSAM.
    #[must_use]
    pub fn knows(&self, atr: &[u8]) -> bool {
        self.psams.iter().any(|known| known.atr == atr)
    }

    /// Whether the PSAM with this ATR and number proved to hold the keys of such cards.
    #[must_use]
    pub fn serves(&self, atr: &[u8], terminal: [u8; 6], cards: Served) -> bool {
        let is = |known: &&Known| known.atr == atr && known.terminal == Some(terminal);
        self.psams.iter().find(is).is_some_and(|known| known.served.contains(&cards))
    }

    /// Whether the PSAM with this ATR was found to serve no cards but those of the usual algorithm.
    #[must_use]
    pub fn serves_usual_only(&self, atr: &[u8]) -> bool {
        self.psams.iter().any(|known| known.atr == atr && known.usual_only)
    }

    /// Notes that it serves no others.
    pub fn note_usual_only(&mut self, atr: &[u8]) {
        self.note(atr);
        self.psams.iter_mut().filter(|known| known.atr == atr).for_each(|known| known.usual_only = true);
    }

    /// Forgets that of every PSAM: a card of another algorithm was there.
    pub fn doubt_usual_only(&mut self) {
        self.psams.iter_mut().for_each(|known| known.usual_only = false);
    }

    /// Notes that the card with this ATR is a PSAM.
    pub fn note(&mut self, atr: &[u8]) {
        if !self.knows(atr) {
            self.put(Known { atr: atr.to_vec(), terminal: None, usual_only: false, served: Vec::new() });
        }
    }

    /// Notes that it is none.
    pub fn forget(&mut self, atr: &[u8]) {
        self.psams.retain(|known| known.atr != atr);
    }

    /// Notes that a PSAM proved to hold the keys of such cards. What another PSAM with its ATR proved is forgotten.
    pub fn note_served(&mut self, atr: &[u8], terminal: [u8; 6], cards: Served) {
        let is = |known: &Known| known.atr == atr && known.terminal == Some(terminal);
        let mut served = self.psams.iter().find(|known| is(known)).map_or_else(Vec::new, |known| known.served.clone());
        served.retain(|known| *known != cards);
        served.push(cards);
        let surplus = served.len().saturating_sub(PSAM_PROOFS_MAX);
        served.drain(..surplus);
        let usual_only = self.serves_usual_only(atr);
        self.put(Known { atr: atr.to_vec(), terminal: Some(terminal), usual_only, served });
    }

    /// Forgets that: a card refused one of these keys.
    pub fn doubt(&mut self, atr: &[u8], cards: Served) {
        let psams = self.psams.iter_mut().filter(|known| known.atr == atr);
        psams.for_each(|known| known.served.retain(|known| *known != cards));
    }

    fn put(&mut self, psam: Known) {
        self.forget(&psam.atr);
        self.psams.push(psam);
        let surplus = self.psams.len().saturating_sub(PSAMS_MAX);
        self.psams.drain(..surplus);
    }

    /// The book as text, a PSAM a line: ATR, terminal number, `usual-only` where it is, then the cards that it serves.
    #[must_use]
    pub fn to_text(&self) -> String {
        let line = |known: &Known| {
            let terminal = known.terminal.map_or_else(|| UNKNOWN.to_owned(), hex::encode_upper);
            let only = if known.usual_only { format!(" {USUAL_ONLY}") } else { String::new() };
            let cards = |cards: &Served| format!(" {}:{}:{}", cards.city, name_of(cards.algorithm), cards.version);
            let served: String = known.served.iter().map(cards).collect();
            format!("{} {terminal}{only}{served}\n", hex::encode_upper(&known.atr))
        };
        self.psams.iter().map(line).collect()
    }

    /// Reads [`PsamBook::to_text`].
    ///
    /// # Errors
    /// [`PsamBookError`] with the first line that is none.
    pub fn parse(text: &str) -> Result<Self, PsamBookError> {
        let mut book = Self::default();
        for (number, line) in (1..).zip(text.lines()) {
            book.put(parse_line(line).ok_or(PsamBookError(number))?);
        }
        Ok(book)
    }
}

const ALGORITHMS: [(Algorithm, &str); 2] = [(Algorithm::Tdes, "3des"), (Algorithm::Sm4, "sm4")];

fn name_of(algorithm: Algorithm) -> &'static str {
    ALGORITHMS.iter().find(|(known, _)| *known == algorithm).map_or("", |(_, name)| name)
}

fn parse_line(line: &str) -> Option<Known> {
    let mut words = line.split(' ').peekable();
    let atr = hex::decode(words.next()?).ok().filter(|atr| !atr.is_empty())?;
    let terminal = match words.next()? {
        UNKNOWN => None,
        number => Some(hex::decode(number).ok()?.try_into().ok()?),
    };
    let usual_only = words.next_if_eq(&USUAL_ONLY).is_some();
    let served: Vec<Served> = words.map(parse_served).collect::<Option<_>>()?;
    (served.len() <= PSAM_PROOFS_MAX && (terminal.is_some() || served.is_empty())).then_some(Known {
        atr,
        terminal,
        usual_only,
        served,
    })
}

fn parse_served(word: &str) -> Option<Served> {
    let [city, algorithm, version] = word.split(':').collect::<Vec<_>>().try_into().ok()?;
    let (algorithm, _) = ALGORITHMS.iter().find(|(_, name)| *name == algorithm)?;
    Some(Served { city: CityCode::parse(city)?, algorithm: *algorithm, version: version.parse().ok()? })
}

/// The book, and the file that holds it, if the program has a data folder.
#[derive(Debug, Default)]
pub struct PsamMemory {
    book: PsamBook,
    file: Option<Notebook>,
}

impl PsamMemory {
    /// What is remembered in a folder. What cannot be read is not remembered: the PSAM itself knows better.
    #[must_use]
    pub fn recall(folder: &Path) -> Self {
        let file = Notebook::in_folder(folder, PSAMS);
        let book = PsamBook::parse(&file.read().unwrap_or_default()).unwrap_or_default();
        Self { book, file: Some(file) }
    }

    /// What is remembered.
    #[must_use]
    pub const fn book(&self) -> &PsamBook {
        &self.book
    }

    /// Changes the book, here and in the file.
    ///
    /// # Errors
    /// What the system says; the memory of this process has it all the same.
    pub fn change(&mut self, change: impl Fn(&mut PsamBook)) -> io::Result<()> {
        let before = self.book.clone();
        change(&mut self.book);
        if self.book == before {
            return Ok(());
        }
        let Some(file) = &self.file else { return Ok(()) };
        file.change(|text| {
            let mut book = PsamBook::parse(text).unwrap_or_default();
            change(&mut book);
            book.to_text()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ATR: [u8; 4] = [0x3B, 0x62, 1, 2];
    const TERMINAL: [u8; 6] = [0x51, 0x33, 0, 0, 0, 7];

    fn cards(city: &str) -> Served {
        Served { city: CityCode::parse(city).expect("six digits"), algorithm: Algorithm::Tdes, version: 1 }
    }

    #[test]
    fn a_proof_counts_for_one_psam_city_algorithm_and_version() {
        let mut book = PsamBook::default();
        book.note_served(&ATR, TERMINAL, cards("513300"));
        assert!(book.serves(&ATR, TERMINAL, cards("513300")));
        assert!(!book.serves(&ATR, TERMINAL, cards("513400")));
        assert!(!book.serves(&ATR, [0; 6], cards("513300")), "another PSAM that has the same ATR");
        assert!(!book.serves(&[0x3B], TERMINAL, cards("513300")));
        assert!(!book.serves(&ATR, TERMINAL, Served { version: 2, ..cards("513300") }));
        assert!(!book.serves(&ATR, TERMINAL, Served { algorithm: Algorithm::Sm4, ..cards("513300") }));
        book.note(&ATR);
        assert!(book.serves(&ATR, TERMINAL, cards("513300")), "a PSAM that is met again keeps what it proved");
        book.doubt(&ATR, cards("513300"));
        assert!(!book.serves(&ATR, TERMINAL, cards("513300")) && book.knows(&ATR));
        book.note_served(&ATR, TERMINAL, cards("513300"));
        book.note_served(&ATR, [9; 6], cards("513400"));
        assert!(!book.serves(&ATR, TERMINAL, cards("513300")), "its ATR is another PSAM's now");
        book.forget(&ATR);
        assert_eq!(book, PsamBook::default());
    }

    #[test]
    fn a_book_goes_through_text() {
        let mut book = PsamBook::default();
        book.note(&[0x3B, 0]);
        book.note_served(&ATR, TERMINAL, cards("513300"));
        book.note_served(&ATR, TERMINAL, Served { algorithm: Algorithm::Sm4, version: 2, ..cards("110000") });
        book.note_usual_only(&[0x3B, 0]);
        book.note_usual_only(&[0x3B, 1]);
        assert!(book.serves_usual_only(&[0x3B, 0]) && !book.serves_usual_only(&ATR));
        book.note_served(&[0x3B, 1], TERMINAL, cards("513300"));
        let text = book.to_text();
        let lines = [
            "3B00 - usual-only",
            "3B620102 513300000007 513300:3des:1 110000:sm4:2",
            "3B01 513300000007 usual-only 513300:3des:1",
        ];
        assert_eq!(text.lines().collect::<Vec<_>>(), lines);
        assert_eq!(PsamBook::parse(&text), Ok(book.clone()));
        book.doubt_usual_only();
        assert!(!book.to_text().contains("usual"));
        let bad = ["", "3B00", " -", "3B00 5133", "3B00 - 513300:3des:1", "3B00 513300000007 513300:3des", "3B00 -  "];
        for line in bad.into_iter().chain(["3B00 513300000007 51330:3des:1", "3B00 513300000007 513300:des:1"]) {
            assert_eq!(PsamBook::parse(&format!("3B00 -\n{line}\n")), Err(PsamBookError(2)), "{line:?}");
        }
    }

    #[test]
    fn a_full_book_forgets_what_was_noted_longest_ago() {
        let mut book = PsamBook::default();
        for number in 0..=PSAMS_MAX {
            book.note(&number.to_be_bytes());
        }
        assert_eq!((book.psams.len(), book.knows(&0_usize.to_be_bytes())), (PSAMS_MAX, false));
        for number in 0..=PSAM_PROOFS_MAX {
            book.note_served(&ATR, TERMINAL, cards(&format!("{number:06}")));
        }
        assert!(!book.serves(&ATR, TERMINAL, cards("000000")) && book.serves(&ATR, TERMINAL, cards("000001")));
        assert_eq!(PsamBook::parse(&book.to_text()), Ok(book));
    }

    #[test]
    fn what_one_program_learns_the_next_one_knows_and_nonsense_is_nothing() {
        let folder = std::env::temp_dir().join(format!("psam-memory-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        let mut memory = PsamMemory::recall(&folder);
        memory.change(|book| book.forget(&ATR)).expect("nothing to write");
        assert!(!folder.exists());
        memory.change(|book| book.note_served(&ATR, TERMINAL, cards("513300"))).expect("written");
        assert!(PsamMemory::recall(&folder).book().serves(&ATR, TERMINAL, cards("513300")));
        std::fs::write(folder.join(PSAMS), "nonsense").expect("written");
        assert_eq!(PsamMemory::recall(&folder).book(), &PsamBook::default());
        std::fs::remove_dir_all(folder).expect("removed");
        let mut process = PsamMemory::default();
        process.change(|book| book.note(&ATR)).expect("kept");
        assert!(process.book().knows(&ATR));
    }
}
