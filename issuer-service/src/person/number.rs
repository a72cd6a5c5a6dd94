//! The social security number (社会保障号码) as a registry writes it, with every fault that can be told.
//!
//! Source: GB 11643-1999: region(6) birth date(8) order(3) check character(1). Residence permits of Hong Kong, Macao and Taiwan (81, 82,
//! 83) have such a number; that of a foreigner's permanent residence is built likewise: 9, province(2), nationality(3), birth date, order,
//! check character (general knowledge). What stands for people without any of them is assumed: ADR 51.
//! Owns: telling all faults at once. Never: computes the check character (`card_profiles::identity`), guesses the century
//! of a 15-digit number.

use std::sync::LazyLock;

use card_profiles::codes;
use card_profiles::identity::citizen_check;
use time::Date;

use super::certificate::{nationality_letters, nationality_of_code};
use crate::clock;
use crate::person::plain::is_scientific;

/// What is wrong with the form of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NumberFault {
    /// Not 18 characters.
    Length,
    /// Other characters than 17 digits and a digit or X.
    Characters,
    /// The first two digits are no province.
    Province,
    /// The date in it does not exist.
    Date,
    /// The last character does not fit the other 17.
    CheckCharacter,
    /// A spreadsheet wrote it as `5.13301E+17`.
    Scientific,
    /// A spreadsheet kept 15 digits and wrote zeros for the last three.
    Rounded,
}

/// Between the letters and the document in a number that was made from one.
pub const FILLER: char = '0';
/// Letters and digits of a number at most: item 08 of the card.
const LENGTH: usize = 18;

/// A number of the right form.
#[derive(Clone, PartialEq, Eq)]
pub struct Number {
    text: String,
    /// Date of birth in it; none in a number that was made from a certificate.
    pub birth_date: Option<Date>,
}

impl Number {
    /// Reads a number as bureaus write it: blanks and hyphens inside do not matter, a look-alike of X at its end is an X.
    /// `plain` has no full-width forms. What a spreadsheet did to it is told.
    ///
    /// # Errors
    /// The faults, at least one.
    pub fn read(plain: &str) -> Result<Self, Vec<NumberFault>> {
        // As nearly all are written.
        if let Ok(number) = Self::citizen(plain) {
            return Ok(number);
        }
        if is_scientific(plain) {
            return Err(vec![NumberFault::Scientific]);
        }
        let between = |c: char| c.is_whitespace() || c == '-';
        let mut text = if plain.contains(between) { plain.replace(between, "") } else { plain.to_owned() };
        if text.ends_with(['×', '\u{425}', '\u{445}', '\u{3A7}', '\u{3C7}']) {
            text.pop();
            text.push('X');
        }
        if text.split_once('.').is_some_and(|(_, part)| part.bytes().all(|byte| byte == b'0')) {
            return Err(vec![NumberFault::Rounded]);
        }
        Self::parse(&text).map_err(|faults| {
            let rounded = faults == [NumberFault::CheckCharacter] && text.ends_with("000");
            if rounded { vec![NumberFault::Rounded] } else { faults }
        })
    }

    /// Checks form, province, date and check character; a small `x` counts as `X`. A number that was made from a certificate has three
    /// letters of GB/T 2659, [`FILLER`], and up to 14 letters and digits.
    ///
    /// # Errors
    /// The faults, at least one.
    pub fn parse(text: &str) -> Result<Self, Vec<NumberFault>> {
        Self::made(text).map_or_else(|| Self::citizen(text), Ok)
    }

    /// The number of a citizen, a residence permit or permanent residence.
    fn citizen(text: &str) -> Result<Self, Vec<NumberFault>> {
        if text.chars().count() != LENGTH {
            return Err(vec![NumberFault::Length]);
        }
        let text = text.to_ascii_uppercase();
        let Some((body, check)) = text.split_at_checked(17) else {
            return Err(vec![NumberFault::Characters]);
        };
        let Some(expected) = citizen_check(body).filter(|_| check == "X" || check.bytes().all(|c| c.is_ascii_digit()))
        else {
            return Err(vec![NumberFault::Characters]);
        };
        let known = match body.get(..1) {
            Some("9") => is_province(body.get(1..3)) && body.get(3..6).and_then(nationality_of_code).is_some(),
            _ => is_province(body.get(..2)),
        };
        let birth_date = body.get(6..14).and_then(clock::parse_compact);
        if let Some(date) = birth_date
            && known
            && check.starts_with(expected)
        {
            return Ok(Self { birth_date: Some(date), text });
        }
        let faults = [
            (!known, NumberFault::Province),
            (birth_date.is_none(), NumberFault::Date),
            (!check.starts_with(expected), NumberFault::CheckCharacter),
        ]
        .into_iter()
        .filter_map(|(wrong, fault)| wrong.then_some(fault));
        Err(faults.collect())
    }

    fn made(text: &str) -> Option<Self> {
        if !text.bytes().take(3).all(|byte| byte.is_ascii_alphabetic()) {
            return None;
        }
        let text = text.to_ascii_uppercase();
        let (letters, rest) = text.split_at_checked(3)?;
        let document = rest.strip_prefix(FILLER)?;
        let plain = |byte: u8| byte.is_ascii_digit() || byte.is_ascii_uppercase();
        let fits = (5..=LENGTH - 4).contains(&document.len()) && document.bytes().all(plain);
        (fits && nationality_letters(letters).is_some()).then_some(Self { text, birth_date: None })
    }

    /// Letters and document of a number that was made from a certificate.
    #[must_use]
    pub fn made_from(&self) -> Option<(&str, &str)> {
        let (letters, document) = self.text.split_at_checked(4).filter(|_| self.birth_date.is_none())?;
        Some((letters.get(..3)?, document))
    }

    /// Letters of the nationality in the number of a foreigner with permanent residence.
    #[must_use]
    pub fn permanent_nationality(&self) -> Option<&'static str> {
        self.text.strip_prefix('9').and_then(|rest| nationality_of_code(rest.get(2..5)?))
    }

    /// Six digits of the region where a citizen was registered first; none in the numbers of others.
    #[must_use]
    pub fn region(&self) -> Option<&str> {
        self.text.get(..6).filter(|_| self.birth_date.is_some() && !self.text.starts_with('9'))
    }

    /// All its characters: 18, fewer only in a number that was made from a certificate.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Sex code in it: digit 17 odd is `1` (male), even is `2` (female); none in a number that was made from a certificate.
    #[must_use]
    pub fn sex(&self) -> Option<&'static str> {
        let odd = self.text.as_bytes().get(16).is_some_and(|digit| digit % 2 == 1);
        self.birth_date.map(|_| if odd { "1" } else { "2" })
    }
}

/// Whether two digits are a province; Taiwan's people have 71 in the list of regions and 83 in residence permits.
fn is_province(digits: Option<&str>) -> bool {
    let number = digits.and_then(|digits| digits.parse::<usize>().ok());
    number.is_some_and(|number| number == 83 || PROVINCES.get(number).copied().unwrap_or_default())
}

/// By the first two digits of a region: whether it is a province.
static PROVINCES: LazyLock<[bool; 100]> =
    LazyLock::new(|| std::array::from_fn(|number| codes::region(&format!("{number:02}0000")).is_some()));

impl std::fmt::Debug for Number {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Number(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_published_numbers_hold() {
        let number = Number::parse("11010519491231002x").expect("GB 11643 example");
        assert_eq!((number.birth_date.map(clock::compact).as_deref(), number.sex()), (Some("19491231"), Some("2")));
        assert_eq!((number.region(), number.made_from()), (Some("110105"), None));
        assert_eq!(number.as_str(), "11010519491231002X");
        assert!(Number::parse("111111198101011110").is_ok());
        assert_eq!(Number::parse("110105194912310021").err(), Some(vec![NumberFault::CheckCharacter]));
    }

    #[test]
    fn each_fault_has_its_kind() {
        let faults = |text: &str| Number::parse(text).expect_err("faulty");
        assert_eq!(faults("11010519491231002"), [NumberFault::Length]);
        assert_eq!(faults("110105491231002"), [NumberFault::Length]);
        assert_eq!(faults("1101O519491231002X"), [NumberFault::Characters]);
        assert_eq!(faults("１１０１０５１９４９１２３１００２Ｘ"), [NumberFault::Characters]);
        assert_eq!(faults("110105194913310020"), [NumberFault::Date, NumberFault::CheckCharacter]);
        assert!(faults("00010519491231002X").contains(&NumberFault::Province));
        assert!(faults("").contains(&NumberFault::Length));
    }

    #[test]
    fn numbers_of_residence_permits_and_of_permanent_residence_hold_and_their_provinces_are_looked_at() {
        let fitting = |body: &str| {
            let numbers = "0123456789X".chars().map(|c| Number::parse(&format!("{body}{c}"))).collect::<Vec<_>>();
            numbers.into_iter().find_map(Result::ok)
        };
        for body in ["81000019900101001", "82000019900101002", "83000019900101003"] {
            let number = fitting(body).expect("a residence permit");
            assert_eq!((number.region(), number.permanent_nationality()), (body.get(..6), None));
        }
        let foreign = fitting("91182619850203006").expect("permanent residence");
        assert_eq!((foreign.region(), foreign.permanent_nationality(), foreign.sex()), (None, Some("GBR"), Some("2")));
        for body in ["84000019900101001", "90082619850203006", "91100019850203006"] {
            assert!(fitting(body).is_none(), "{body}");
        }
    }

    #[test]
    fn a_number_made_from_a_certificate_holds_and_nothing_that_only_looks_like_one() {
        let number = Number::parse("gbr0e12345678").expect("made");
        assert_eq!((number.as_str(), number.made_from()), ("GBR0E12345678", Some(("GBR", "E12345678"))));
        assert_eq!((number.birth_date, number.sex(), number.region()), (None, None, None));
        for text in ["ZZZ0E12345678", "GBR1E12345678", "GBR0E123", "GBR0E123456789012345", "GBR0E1234-678", "GBR0"] {
            assert!(Number::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn no_other_last_character_fits() {
        let fitting = "0123456789X".chars().filter(|c| Number::parse(&format!("11010519491231002{c}")).is_ok()).count();
        assert_eq!(fitting, 1);
    }

    #[test]
    fn a_number_is_the_same_however_it_is_typed() {
        for text in [
            "11010519491231002x",
            "110105 19491231 002X",
            "110105-19491231-002X",
            "11010519491231002×",
            "11010519491231002Х",
        ] {
            assert_eq!(Number::read(text).map(|number| number.text).as_deref(), Ok("11010519491231002X"), "{text}");
        }
    }

    #[test]
    fn what_a_spreadsheet_did_is_told() {
        let faults = |text: &str| Number::read(text).expect_err("damaged");
        assert_eq!(faults("1.10105E+17"), [NumberFault::Scientific]);
        assert_eq!(faults("110105194912310000"), [NumberFault::Rounded]);
        assert_eq!(faults("110105194912310021.0"), [NumberFault::Rounded]);
        assert_eq!(faults("110105194912310021"), [NumberFault::CheckCharacter]);
        assert_eq!(faults("1101051949123100"), [NumberFault::Length]);
    }

    proptest! {
        #[test]
        fn any_text_ends_without_panic(text in "\\PC{0,24}") {
            let _ = (Number::parse(&text), Number::read(&text));
        }
    }
}
