//! What a run began on a card and has not brought back yet: known to the next run, whatever ended this one.
//!
//! Owns: the notebook `unrestored.txt` of the data folder: card, profile, city, case, the balance where the case moves it, the
//! record that it overwrites; a line each, written before the first command of a case and taken out after its last. A record may
//! be personal: only the owner of the folder reads the file, and the record is in it no longer than its case takes.
//! Never: says how a case is brought back (`restoration`); passes over a line that it does not understand in silence.
//! Units: balances in fen, records in hexadecimal.

use std::io;
use std::path::Path;

use card_core::crypto::Block;
use card_core::notebook::Notebook;
use card_core::security::CityCode;

const NAME: &str = "unrestored.txt";

/// Word before a record, and the one for a record that was not read yet.
const RECORD: &str = "record=";
const UNREAD: &str = "unread";

/// The cases of one card.
#[derive(Debug)]
pub struct Unfinished {
    book: Notebook,
    card: String,
}

/// What a case is about to change.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Before {
    /// Balance, or overdraw limit, in fen, where it moves one.
    pub balance: Option<u32>,
    /// The record that it overwrites, once it was read; the outer `None`: it overwrites none, or an older program noted none.
    pub record: Option<Option<Vec<u8>>>,
}

/// A record may be personal: `Debug` shows lengths.
impl std::fmt::Debug for Before {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let record = self.record.as_ref().map(|record| record.as_ref().map(Vec::len));
        write!(f, "Before({:?} fen, {record:?} bytes)", self.balance)
    }
}

/// A case that was begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Begun {
    /// Profile of the run.
    pub profile: String,
    /// City of the card, where it had said it.
    pub city: Option<CityCode>,
    /// Id of the case.
    pub case: String,
    /// What was there before.
    pub before: Before,
}

/// What stands in the notebook.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Noted {
    /// Cases of this card, the oldest first.
    pub begun: Vec<Begun>,
    /// Numbers of lines that are none, from 1.
    pub strange: Vec<usize>,
}

impl Unfinished {
    /// Those of the card with this factor, by what stands in the data folder.
    #[must_use]
    pub fn of(folder: &Path, card: Block) -> Self {
        Self { book: Notebook::in_folder(folder, NAME), card: hex::encode_upper(card) }
    }

    /// Where it lies.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.book.path()
    }

    /// What earlier runs began and did not bring back.
    ///
    /// # Errors
    /// What the system says; [`io::ErrorKind::InvalidData`] when the file is no text.
    pub fn noted(&self) -> io::Result<Noted> {
        let text = self.book.read()?;
        let mut noted = Noted::default();
        for (number, line) in (1..).zip(text.lines()) {
            match parse(line) {
                Some((card, begun)) if card == self.card => noted.begun.push(begun),
                Some(_) => {}
                None => noted.strange.push(number),
            }
        }
        Ok(noted)
    }

    /// A case begins. Durable when it returns.
    ///
    /// # Errors
    /// What the system says: then the case must not begin.
    pub fn begin(&self, begun: &Begun) -> io::Result<()> {
        let line = self.line(begun);
        self.book.change(|text| match text.lines().any(|other| other == line) {
            true => text.to_owned(),
            false => format!("{text}{line}\n"),
        })
    }

    /// What a case overwrites was read. Durable when it returns.
    ///
    /// # Errors
    /// What the system says: then the record must not be overwritten.
    pub fn note(&self, begun: &mut Begun, record: &[u8]) -> io::Result<()> {
        let old = self.line(begun);
        begun.before.record = Some(Some(record.to_vec()));
        let new = self.line(begun);
        self.book.change(|text| {
            let kept = text.lines().filter(|line| **line != old && **line != new);
            kept.chain([new.as_str()]).map(|line| format!("{line}\n")).collect()
        })
    }

    /// A case was brought back.
    ///
    /// # Errors
    /// What the system says: then the next run brings it back once more, which changes nothing.
    pub fn done(&self, begun: &Begun) -> io::Result<()> {
        let line = self.line(begun);
        self.book
            .change(|text| text.lines().filter(|other| **other != line).map(|other| format!("{other}\n")).collect())
    }

    fn line(&self, Begun { profile, city, case, before }: &Begun) -> String {
        let city = city.map_or_else(|| "-".to_owned(), |city| city.to_string());
        // A profile from a file may have any name.
        let profile: String = profile.split_whitespace().collect::<Vec<_>>().join("_");
        let balance = before.balance.map_or_else(String::new, |fen| format!(" {fen}"));
        let record = match &before.record {
            None => String::new(),
            Some(None) => format!(" {RECORD}{UNREAD}"),
            Some(Some(record)) => format!(" {RECORD}{}", hex::encode_upper(record)),
        };
        format!("{} {profile} {city} {case}{balance}{record}", self.card)
    }
}

/// A line: whose card, and what was begun on it.
fn parse(line: &str) -> Option<(String, Begun)> {
    let mut words = line.split_whitespace();
    let card = words.next().filter(|word| matches!(hex::decode(word), Ok(bytes) if bytes.len() == 8))?;
    let (profile, city, case) = (words.next()?, words.next()?, words.next()?);
    let mut words = words.peekable();
    let balance = words.next_if(|word| !word.starts_with(RECORD));
    let record = match words.next().map(|word| word.strip_prefix(RECORD)) {
        None => None,
        Some(Some(UNREAD)) => Some(None),
        Some(record) => Some(Some(hex::decode(record?).ok()?)),
    };
    let city = match city {
        "-" => None,
        city => Some(CityCode::parse(city)?),
    };
    let balance = balance.map(str::parse).transpose().ok()?;
    let before = Before { balance, record };
    let begun = Begun { profile: profile.to_owned(), city, case: case.to_owned(), before };
    words.next().is_none().then(|| (card.to_owned(), begun))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_begun_is_known_until_it_is_brought_back_and_of_its_card_only() {
        let folder = tempfile::tempdir().expect("folder");
        let (ours, other) = (Unfinished::of(folder.path(), [1; 8]), Unfinished::of(folder.path(), [2; 8]));
        let begun = |case: &str| Begun {
            profile: "ssc-3.0".to_owned(),
            city: CityCode::parse("513300"),
            case: case.to_owned(),
            before: Before {
                balance: case.starts_with("account").then_some(46_340),
                record: case.starts_with("access").then_some(None),
            },
        };
        assert_eq!(ours.noted().expect("nothing yet"), Noted::default());
        for case in ["blocking.DF03.temporary", "account.load.complete", "account.load.complete"] {
            ours.begin(&begun(case)).expect("written");
        }
        assert_eq!(
            ours.noted().expect("read").begun,
            [begun("blocking.DF03.temporary"), begun("account.load.complete")]
        );
        assert_eq!(other.noted().expect("read").begun, []);
        other.done(&begun("account.load.complete")).expect("written");
        ours.done(&begun("blocking.DF03.temporary")).expect("written");
        assert_eq!(ours.noted().expect("read").begun, [begun("account.load.complete")]);
    }

    #[test]
    fn a_record_is_noted_in_its_line_and_comes_back_byte_for_byte() {
        let folder = tempfile::tempdir().expect("folder");
        let ours = Unfinished::of(folder.path(), [1; 8]);
        let mut begun = Begun {
            profile: "ssc-3.0".to_owned(),
            city: None,
            case: "access.DF01.EF07.update.by-key".to_owned(),
            before: Before { balance: None, record: Some(None) },
        };
        ours.begin(&begun).expect("written");
        assert_eq!(ours.noted().expect("read").begun, [begun.clone()]);
        for record in [vec![0x12, 0x00, 0xFF], Vec::new()] {
            ours.note(&mut begun, &record).expect("written");
            assert_eq!(begun.before.record, Some(Some(record)));
            assert_eq!(ours.noted().expect("read").begun, [begun.clone()], "one line, the newest");
        }
        assert!(!format!("{begun:?}").contains("12"), "its bytes are shown nowhere");
        ours.done(&begun).expect("written");
        assert_eq!(ours.noted().expect("read"), Noted::default());
    }

    #[test]
    fn a_line_that_is_none_is_told_by_its_number() {
        let folder = tempfile::tempdir().expect("folder");
        let card = "0101010101010101";
        let lines = [
            format!("{card} ssc-3.0 - pin.change"),
            "rubbish".to_owned(),
            format!("{card} ssc-3.0 51330 pin.change"),
            format!("{card} ssc-3.0 513300 pin.change 1x"),
            format!("{card} ssc-3.0 513300 pin.change 1 1"),
            format!("{card} ssc-3.0 513300 pin.change record=1"),
            format!("{card} ssc-3.0 513300 pin.change record=12 1"),
            format!("{card}01 ssc-3.0 513300 pin.change"),
            "0202020202020202 ssc-3.0 - of.another.card".to_owned(),
        ];
        std::fs::write(folder.path().join(NAME), lines.join("\n")).expect("written");
        let noted = Unfinished::of(folder.path(), [1; 8]).noted().expect("read");
        assert_eq!((noted.begun.len(), noted.strange), (1, vec![2, 3, 4, 5, 6, 7, 8]));
        std::fs::write(folder.path().join(NAME), [0xFF, 0xFE]).expect("written");
        let kind = Unfinished::of(folder.path(), [1; 8]).noted().map_err(|error| error.kind());
        assert_eq!(kind, Err(io::ErrorKind::InvalidData));
    }
}
