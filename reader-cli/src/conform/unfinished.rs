//! What a run began on a card and has not brought back yet: known to the next run, whatever ended this one.
//!
//! Owns: the notebook `unrestored.txt` of the data folder: card, profile, city, case and the balance where the case moves it, a
//! line each, written before the first command of a case and taken out after its last. Never: holds other data of a card; says
//! how a case is brought back (`card_profiles::conform`); passes over a line that it does not understand in silence.
//! Units: balances in fen.

use std::io;
use std::path::Path;

use card_core::crypto::Block;
use card_core::notebook::Notebook;
use card_core::security::CityCode;

const NAME: &str = "unrestored.txt";

/// The cases of one card.
#[derive(Debug)]
pub struct Unfinished {
    book: Notebook,
    card: String,
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
    /// Balance before the case, in fen, where it moves one.
    pub balance: Option<u32>,
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

    /// A case was brought back.
    ///
    /// # Errors
    /// What the system says: then the next run brings it back once more, which changes nothing.
    pub fn done(&self, begun: &Begun) -> io::Result<()> {
        let line = self.line(begun);
        self.book
            .change(|text| text.lines().filter(|other| **other != line).map(|other| format!("{other}\n")).collect())
    }

    fn line(&self, Begun { profile, city, case, balance }: &Begun) -> String {
        let city = city.map_or_else(|| "-".to_owned(), |city| city.to_string());
        // A profile from a file may have any name.
        let profile: String = profile.split_whitespace().collect::<Vec<_>>().join("_");
        let balance = balance.map_or_else(String::new, |fen| format!(" {fen}"));
        format!("{} {profile} {city} {case}{balance}", self.card)
    }
}

/// A line: whose card, and what was begun on it.
fn parse(line: &str) -> Option<(String, Begun)> {
    let mut words = line.split_whitespace();
    let card = words.next().filter(|word| matches!(hex::decode(word), Ok(bytes) if bytes.len() == 8))?;
    let (profile, city, case, balance) = (words.next()?, words.next()?, words.next()?, words.next());
    let city = match city {
        "-" => None,
        city => Some(CityCode::parse(city)?),
    };
    let balance = balance.map(str::parse).transpose().ok()?;
    let begun = Begun { profile: profile.to_owned(), city, case: case.to_owned(), balance };
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
            balance: case.starts_with("account").then_some(46_340),
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
    fn a_line_that_is_none_is_told_by_its_number() {
        let folder = tempfile::tempdir().expect("folder");
        let card = "0101010101010101";
        let lines = [
            format!("{card} ssc-3.0 - pin.change"),
            "rubbish".to_owned(),
            format!("{card} ssc-3.0 51330 pin.change"),
            format!("{card} ssc-3.0 513300 pin.change 1x"),
            format!("{card} ssc-3.0 513300 pin.change 1 1"),
            format!("{card}01 ssc-3.0 513300 pin.change"),
            "0202020202020202 ssc-3.0 - of.another.card".to_owned(),
        ];
        std::fs::write(folder.path().join(NAME), lines.join("\n")).expect("written");
        let noted = Unfinished::of(folder.path(), [1; 8]).noted().expect("read");
        assert_eq!((noted.begun.len(), noted.strange), (1, vec![2, 3, 4, 5, 6]));
        std::fs::write(folder.path().join(NAME), [0xFF, 0xFE]).expect("written");
        let kind = Unfinished::of(folder.path(), [1; 8]).noted().map_err(|error| error.kind());
        assert_eq!(kind, Err(io::ErrorKind::InvalidData));
    }
}
