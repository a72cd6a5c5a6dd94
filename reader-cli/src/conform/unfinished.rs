//! What a run began on a card and has not brought back yet: known to the next run, whatever ended this one.
//!
//! Owns: the notebook `unrestored.txt` of the data folder: card, profile, city and case, a line each, written before the first
//! command of a case and taken out after its last. Never: holds data of a card; says how a case is brought back
//! (`card_profiles::conform`).

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
}

impl Unfinished {
    /// Those of the card with this factor, by what stands in the data folder.
    #[must_use]
    pub fn of(folder: &Path, card: Block) -> Self {
        Self { book: Notebook::in_folder(folder, NAME), card: hex::encode_upper(card) }
    }

    /// What earlier runs began and did not bring back, the oldest first.
    ///
    /// # Errors
    /// What the system says.
    pub fn cases(&self) -> io::Result<Vec<Begun>> {
        let text = self.book.read()?;
        let of_line = |line: &str| {
            let mut words = line.split_whitespace();
            let is_ours = words.next() == Some(&self.card);
            let (profile, city, case) = (words.next()?, words.next()?, words.next()?);
            let begun = Begun { profile: profile.to_owned(), city: CityCode::parse(city), case: case.to_owned() };
            is_ours.then_some(begun)
        };
        Ok(text.lines().filter_map(of_line).collect())
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

    fn line(&self, Begun { profile, city, case }: &Begun) -> String {
        let city = city.map_or_else(|| "-".to_owned(), |city| city.to_string());
        // A profile from a file may have any name.
        let profile: String = profile.split_whitespace().collect::<Vec<_>>().join("_");
        format!("{} {profile} {city} {case}", self.card)
    }
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
        };
        assert_eq!(ours.cases().expect("nothing yet"), []);
        for case in ["blocking.DF03.temporary", "pin.change", "pin.change"] {
            ours.begin(&begun(case)).expect("written");
        }
        assert_eq!(ours.cases().expect("read"), [begun("blocking.DF03.temporary"), begun("pin.change")]);
        assert_eq!(other.cases().expect("read"), []);
        other.done(&begun("pin.change")).expect("written");
        ours.done(&begun("blocking.DF03.temporary")).expect("written");
        assert_eq!(ours.cases().expect("read"), [begun("pin.change")]);
    }
}
