//! The social security number (社会保障号码), which is the citizen's number.
//!
//! Source: GB 11643-1999: region(6) birth date(8) order(3) check character(1), ISO 7064 MOD 11-2.
//! Owns: the parts and the check. Never: guesses a 15-digit number's century.

use time::Date;

use crate::clock;

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
}

/// Weights of the 17 digits (GB 11643-1999 annex).
const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
/// Check characters by remainder.
const CHECK: &[u8; 11] = b"10X98765432";
/// Provinces of GB/T 2260: first two digits.
const PROVINCES: [u8; 35] = [
    11, 12, 13, 14, 15, 21, 22, 23, 31, 32, 33, 34, 35, 36, 37, 41, 42, 43, 44, 45, 46, 50, 51, 52, 53, 54, 61, 62, 63,
    64, 65, 71, 81, 82, 83,
];

/// A number of the right form.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Number {
    digits: [u8; 17],
    /// Date of birth in it.
    pub birth_date: Date,
}

impl std::fmt::Debug for Number {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Number(..)")
    }
}

impl Number {
    /// Checks form, province, date and check character; every fault that can be told from the rest.
    ///
    /// # Errors
    /// The faults, at least one.
    pub fn parse(text: &str) -> Result<Self, Vec<NumberFault>> {
        if text.chars().count() != 18 {
            return Err(vec![NumberFault::Length]);
        }
        let Ok(bytes) = <[u8; 18]>::try_from(text.as_bytes()) else {
            return Err(vec![NumberFault::Characters]);
        };
        let [digits @ .., check] = bytes;
        let check_is_right = check.is_ascii_digit() || check == b'X';
        if !digits.iter().all(u8::is_ascii_digit) || !check_is_right {
            return Err(vec![NumberFault::Characters]);
        }
        let mut faults = Vec::new();
        let [a, b, ..] = digits;
        if !PROVINCES.contains(&((a - b'0') * 10 + (b - b'0'))) {
            faults.push(NumberFault::Province);
        }
        let birth_date = text.get(6..14).and_then(clock::parse_compact);
        if birth_date.is_none() {
            faults.push(NumberFault::Date);
        }
        if check_character(&digits) != check {
            faults.push(NumberFault::CheckCharacter);
        }
        match birth_date {
            Some(birth_date) if faults.is_empty() => Ok(Self { digits, birth_date }),
            _ => Err(faults),
        }
    }

    /// Sex code in it: digit 17 odd is `1` (male), even is `2` (female).
    #[must_use]
    pub const fn sex(&self) -> &'static str {
        let [.., last] = self.digits;
        if last % 2 == 1 { "1" } else { "2" }
    }
}

fn check_character(digits: &[u8; 17]) -> u8 {
    let sum: u32 = digits.iter().zip(WEIGHTS).map(|(digit, weight)| u32::from(digit - b'0') * weight).sum();
    CHECK.iter().copied().nth(usize::try_from(sum % 11).expect("below 11")).expect("below 11")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_published_numbers_hold() {
        let number = Number::parse("11010519491231002X").expect("GB 11643 example");
        assert_eq!((clock::compact(number.birth_date).as_str(), number.sex()), ("19491231", "2"));
        assert!(Number::parse("111111198101011110").is_ok());
        assert_eq!(Number::parse("110105194912310021").err(), Some(vec![NumberFault::CheckCharacter]));
    }

    #[test]
    fn each_fault_has_its_kind() {
        let faults = |text: &str| Number::parse(text).err().expect("faulty");
        assert_eq!(faults("11010519491231002"), [NumberFault::Length]);
        assert_eq!(faults("110105491231002"), [NumberFault::Length]);
        assert_eq!(faults("11010519491231002x"), [NumberFault::Characters]);
        assert_eq!(faults("1101O519491231002X"), [NumberFault::Characters]);
        assert_eq!(faults("１１０１０５１９４９１２３１００２Ｘ"), [NumberFault::Characters]);
        assert_eq!(faults("110105194913310020"), [NumberFault::Date, NumberFault::CheckCharacter]);
        assert!(faults("00010519491231002X").contains(&NumberFault::Province));
        assert!(faults("").contains(&NumberFault::Length));
    }

    #[test]
    fn no_other_last_character_fits() {
        let right = "11010519491231002X";
        let body = right.get(..17).expect("17 digits");
        let fitting = "0123456789X".chars().filter(|c| Number::parse(&format!("{body}{c}")).is_ok()).count();
        assert_eq!(fitting, 1);
    }

    proptest! {
        #[test]
        fn any_text_ends_without_panic(text in "\\PC{0,24}") {
            let _ = Number::parse(&text);
        }

        #[test]
        fn one_changed_digit_is_always_noticed(place in 0_usize..17, add in 1_u8..10) {
            let mut bytes = *b"11010519491231002X";
            if let Some(byte) = bytes.get_mut(place) {
                *byte = b'0' + (*byte - b'0' + add) % 10;
            }
            prop_assert!(Number::parse(std::str::from_utf8(&bytes).expect("ASCII")).is_err());
        }
    }
}
