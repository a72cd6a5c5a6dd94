//! The social security number (社会保障号码) as a registry writes it, with every fault that can be told.
//!
//! Source: GB 11643-1999: region(6) birth date(8) order(3) check character(1).
//! Owns: telling all faults at once. Never: computes the check character (`card_profiles::identity`), guesses the century
//! of a 15-digit number.

use card_profiles::codes;
use card_profiles::identity::citizen_check;
use time::Date;

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

/// A number of the right form.
#[derive(Clone, PartialEq, Eq)]
pub struct Number {
    text: String,
    /// Date of birth in it.
    pub birth_date: Date,
}

impl Number {
    /// Reads a number as bureaus write it: blanks and hyphens inside do not matter, a look-alike of X at its end is an X.
    /// `plain` has no full-width forms. What a spreadsheet did to it is told.
    ///
    /// # Errors
    /// The faults, at least one.
    pub fn read(plain: &str) -> Result<Self, Vec<NumberFault>> {
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

    /// Checks form, province, date and check character; a small `x` counts as `X`.
    ///
    /// # Errors
    /// The faults, at least one.
    pub fn parse(text: &str) -> Result<Self, Vec<NumberFault>> {
        if text.chars().count() != 18 {
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
        let province = format!("{}0000", body.get(..2).unwrap_or_default());
        let birth_date = body.get(6..14).and_then(clock::parse_compact);
        let faults: Vec<NumberFault> = [
            (codes::region(&province).is_none(), NumberFault::Province),
            (birth_date.is_none(), NumberFault::Date),
            (!check.starts_with(expected), NumberFault::CheckCharacter),
        ]
        .into_iter()
        .filter_map(|(wrong, fault)| wrong.then_some(fault))
        .collect();
        match birth_date {
            Some(birth_date) if faults.is_empty() => Ok(Self { text, birth_date }),
            _ => Err(faults),
        }
    }

    /// All 18 characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Sex code in it: digit 17 odd is `1` (male), even is `2` (female).
    #[must_use]
    pub fn sex(&self) -> &'static str {
        if self.text.as_bytes().get(16).is_some_and(|digit| digit % 2 == 1) { "1" } else { "2" }
    }
}

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
        assert_eq!((clock::compact(number.birth_date).as_str(), number.sex()), ("19491231", "2"));
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
