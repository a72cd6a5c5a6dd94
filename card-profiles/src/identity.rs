//! Identity values: card identifier (卡的识别码), card number (卡号), social security number (社会保障号码).
//!
//! Source: LD/T 32 item 01 as published (city, RID, serial, MAC); GB 11714 scheme for item 07; GB 11643 for item 08.
//! Owns: their structure and check characters. Never: computes the MAC (`SecurityModule`), rejects a card on a mismatch
//! (regional numbers and serials differ; the caller decides).

use std::fmt;

use card_core::security::CityCode;

/// RID of the scheme, registered to the ministry.
pub const RID: [u8; 5] = [0xD1, 0x56, 0x00, 0x00, 0x05];

/// 卡的识别码: city (3), RID (5), serial (4), MAC (4).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CardIdentifier([u8; 16]);

impl CardIdentifier {
    /// The 12 bytes that IRK of the card computes the MAC over.
    #[must_use]
    pub fn mac_input(city: CityCode, serial: [u8; 4]) -> [u8; 12] {
        let ([a, b, c], [d, e, f, g, h], [i, j, k, l]) = (city.to_bcd(), RID, serial);
        [a, b, c, d, e, f, g, h, i, j, k, l]
    }

    /// Puts an identifier together.
    #[must_use]
    pub fn new(city: CityCode, serial: [u8; 4], mac: [u8; 4]) -> Self {
        let mut bytes = [0; 16];
        let parts = Self::mac_input(city, serial).into_iter().chain(mac);
        bytes.iter_mut().zip(parts).for_each(|(slot, byte)| *slot = byte);
        Self(bytes)
    }

    /// From the 16 bytes of item 01. Nothing is checked: see [`Self::city`] and [`Self::has_rid`].
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// From 32 hex digits; `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Some(Self(hex::decode(text).ok()?.try_into().ok()?))
    }

    /// All bytes.
    #[must_use]
    pub const fn bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// 应用城市代码; `None` when a nibble is not a digit.
    #[must_use]
    pub fn city(&self) -> Option<CityCode> {
        CityCode::from_bcd(*self.0.first_chunk().expect("16 bytes start with 3"))
    }

    /// Whether bytes 3 to 7 are the RID of the scheme.
    #[must_use]
    pub fn has_rid(&self) -> bool {
        self.0.get(3..8) == Some(&RID)
    }

    /// Card serial; usually the last 4 historical bytes of the ATR.
    #[must_use]
    pub fn serial(&self) -> [u8; 4] {
        let tail: [u8; 8] = *self.0.last_chunk().expect("16 bytes end with 8");
        *tail.first_chunk().expect("8 bytes start with 4")
    }

    /// MAC.
    #[must_use]
    pub fn mac(&self) -> [u8; 4] {
        *self.0.last_chunk().expect("16 bytes end with 4")
    }
}

impl fmt::Display for CardIdentifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode_upper(self.0))
    }
}

impl fmt::Debug for CardIdentifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Characters of a card number before its check character.
pub const CARD_NUMBER_BODY: usize = 8;

/// Check character of a card number (卡号): weights 3 7 9 10 5 8 4 2, 11 − sum mod 11, `X` for 10, `0` for 11.
///
/// `None` unless `body` is 8 of 0–9, A–Z.
#[must_use]
pub fn card_number_check(body: &str) -> Option<char> {
    const WEIGHTS: [u32; CARD_NUMBER_BODY] = [3, 7, 9, 10, 5, 8, 4, 2];
    let is_body = body.len() == CARD_NUMBER_BODY && body.bytes().all(|c| c.is_ascii_digit() || c.is_ascii_uppercase());
    let sum: u32 = is_body
        .then(|| body.chars().zip(WEIGHTS).map(|(c, weight)| c.to_digit(36).unwrap_or_default() * weight).sum())?;
    match 11 - sum % 11 {
        10 => Some('X'),
        11 => Some('0'),
        digit => char::from_digit(digit, 10),
    }
}

/// Body and check character: 9 characters. `None` unless `body` is 8 of 0–9, A–Z.
#[must_use]
pub fn card_number(body: &str) -> Option<String> {
    card_number_check(body).map(|check| format!("{body}{check}"))
}

/// Whether a card number of 9 characters carries its check character. Some regions number otherwise: never a reason to
/// reject a card.
#[must_use]
pub fn card_number_holds(number: &str) -> bool {
    number
        .split_at_checked(CARD_NUMBER_BODY)
        .is_some_and(|(body, check)| card_number_check(body).is_some_and(|expected| check.chars().eq([expected])))
}

/// A citizen identification number (公民身份号码) of 18 characters, used as social security number.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CitizenNumber(String);

/// Why a text is no citizen identification number. Mended by the registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CitizenNumberError {
    /// Not 18 characters.
    #[error("{0} characters, 18 expected")]
    Length(usize),
    /// Not 17 digits and a digit or `X`.
    #[error("character {0} is not a digit (the last may be X)")]
    Character(usize),
    /// The date of birth in it does not exist.
    #[error("characters 7 to 14 are no date")]
    Date,
    /// The check character is another one.
    #[error("the check character is wrong; these digits need {expected}")]
    Check {
        /// The right one.
        expected: char,
    },
}

impl CitizenNumberError {
    /// Stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Length(_) => "CITIZEN_NUMBER_LENGTH",
            Self::Character(_) => "CITIZEN_NUMBER_CHARACTER",
            Self::Date => "CITIZEN_NUMBER_DATE",
            Self::Check { .. } => "CITIZEN_NUMBER_CHECK",
        }
    }

    /// The error in Chinese.
    #[must_use]
    pub fn zh(&self) -> String {
        match self {
            Self::Length(length) => format!("公民身份号码有 {length} 个字符，应为 18 个"),
            Self::Character(position) => format!("公民身份号码第 {position} 个字符不是数字（最后一位可为 X）"),
            Self::Date => "公民身份号码第 7 至 14 位不是有效日期".to_owned(),
            Self::Check { expected } => format!("公民身份号码校验位有误，应为 {expected}"),
        }
    }
}

impl CitizenNumber {
    /// Reads a number; a small `x` counts as `X`.
    ///
    /// # Errors
    /// [`CitizenNumberError`], the first that applies.
    pub fn parse(text: &str) -> Result<Self, CitizenNumberError> {
        let number = text.to_ascii_uppercase();
        let length = number.chars().count();
        if length != 18 {
            return Err(CitizenNumberError::Length(length));
        }
        let fits = |(index, c): &(usize, char)| c.is_ascii_digit() || (*index == 17 && *c == 'X');
        if let Some((index, _)) = number.chars().enumerate().find(|entry| !fits(entry)) {
            return Err(CitizenNumberError::Character(index + 1));
        }
        let number = Self(number);
        if !is_date(number.birth_date()) {
            return Err(CitizenNumberError::Date);
        }
        let expected = citizen_check(number.part(0, 17)).expect("17 digits, just checked");
        if number.0.ends_with(expected) { Ok(number) } else { Err(CitizenNumberError::Check { expected }) }
    }

    /// All 18 characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Region of first registration: 6 digits.
    #[must_use]
    pub fn region(&self) -> &str {
        self.part(0, 6)
    }

    /// Date of birth: YYYYMMDD.
    #[must_use]
    pub fn birth_date(&self) -> &str {
        self.part(6, 14)
    }

    /// Sex after GB/T 2261.1: `1` when the 17th digit is odd, else `2`.
    #[must_use]
    pub fn sex(&self) -> char {
        if self.part(16, 17).bytes().all(|digit| digit % 2 == 1) { '1' } else { '2' }
    }

    fn part(&self, from: usize, to: usize) -> &str {
        self.0.get(from..to).expect("18 ASCII characters")
    }
}

impl fmt::Debug for CitizenNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CitizenNumber(..)")
    }
}

/// Check character of 17 digits after GB 11643 (ISO 7064 MOD 11-2); `None` unless they are 17 digits.
#[must_use]
pub fn citizen_check(digits: &str) -> Option<char> {
    const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    let is_body = digits.len() == WEIGHTS.len() && digits.bytes().all(|digit| digit.is_ascii_digit());
    let sum: u32 = is_body.then(|| {
        digits.chars().zip(WEIGHTS).map(|(digit, weight)| digit.to_digit(10).unwrap_or_default() * weight).sum()
    })?;
    "10X98765432".chars().nth(usize::try_from(sum % 11).expect("below 11"))
}

/// Whether YYYYMMDD is a day of the Gregorian calendar, year 1 or later.
#[must_use]
pub fn is_date(text: &str) -> bool {
    let number = |from, to| text.get(from..to).and_then(|part: &str| part.parse::<u32>().ok());
    let is_digits = text.len() == 8 && text.bytes().all(|digit| digit.is_ascii_digit());
    let (true, Some(year), Some(month), Some(day)) = (is_digits, number(0, 4), number(4, 6), number(6, 8)) else {
        return false;
    };
    is_day(year, month, day)
}

/// Whether three bytes are a time of day HHMMSS in BCD, 235959 at most.
#[must_use]
pub fn is_bcd_time(time: [u8; 3]) -> bool {
    let below = |(byte, bound): (u8, u8)| byte >> 4 <= 9 && byte & 0x0F <= 9 && byte < bound;
    time.into_iter().zip([0x24, 0x60, 0x60]).all(below)
}

/// The same for a date in BCD.
#[must_use]
pub fn is_bcd_date(date: [u8; 4]) -> bool {
    let digits = |byte: &u8| (byte >> 4 <= 9 && byte & 0x0F <= 9).then(|| u32::from((byte >> 4) * 10 + (byte & 0x0F)));
    let [Some(century), Some(year), Some(month), Some(day)] = date.each_ref().map(digits) else { return false };
    is_day(century * 100 + year, month, day)
}

const fn is_day(year: u32, month: u32, day: u32) -> bool {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => 0,
    };
    year >= 1 && day >= 1 && day <= days
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn published_card_numbers_carry_their_check_character() {
        for number in ["X00000019", "B00000131", "A12345674", "A0000002X", "A00000070"] {
            assert!(card_number_holds(number), "{number}");
            assert_eq!(card_number(&number[..8]).as_deref(), Some(number));
        }
        assert!(!card_number_holds("X00000018") && !card_number_holds("X0000001") && !card_number_holds("社会保"));
        assert_eq!((card_number_check("a0000000"), card_number_check("X000000")), (None, None));
    }

    #[test]
    fn the_identifier_of_the_test_card_comes_apart_and_together() {
        let identifier = CardIdentifier::parse("430299D156000005000000133A05F2E3").expect("32 hex digits");
        let city = identifier.city().expect("digits");
        assert_eq!((city.as_str(), identifier.has_rid()), ("430299", true));
        assert_eq!(hex::encode_upper(identifier.serial()), "00000013");
        assert_eq!(CardIdentifier::new(city, identifier.serial(), identifier.mac()), identifier);
        assert_eq!(hex::encode_upper(CardIdentifier::mac_input(city, identifier.serial())), "430299D15600000500000013");
        assert!(CardIdentifier::parse("43").is_none());
    }

    #[test]
    fn published_citizen_numbers_are_judged_as_published() {
        let person = CitizenNumber::parse("111111198101011110").expect("the sample person");
        assert_eq!((person.region(), person.birth_date(), person.sex()), ("111111", "19810101", '1'));
        assert!(CitizenNumber::parse("11010519491231002x").is_ok());
        assert_eq!(CitizenNumber::parse("110105194912310021"), Err(CitizenNumberError::Check { expected: 'X' }));
        assert_eq!(CitizenNumber::parse("11010519490229002X"), Err(CitizenNumberError::Date));
        assert_eq!(CitizenNumber::parse("11010519491231O02X"), Err(CitizenNumberError::Character(15)));
        assert_eq!(CitizenNumber::parse("1101051949123100"), Err(CitizenNumberError::Length(16)));
    }

    #[test]
    fn dates_follow_the_calendar() {
        for text in ["20240229", "20000229", "19810101", "20261231"] {
            assert!(is_date(text), "{text}");
        }
        for text in
            ["20230229", "19000229", "20260431", "20261301", "20260100", "00000101", "2026010", "2026-1-1", "+2026101"]
        {
            assert!(!is_date(text), "{text}");
        }
    }

    #[test]
    fn a_date_in_bcd_is_the_date_in_digits_for_every_byte_of_month_and_day() {
        for (year, month) in [[0x20, 0x24], [0x19, 0x00], [0x00, 0x00], [0x2A, 0x24], [0x20, 0xF0]]
            .into_iter()
            .flat_map(|year| (0..=u8::MAX).map(move |month| (year, month)))
        {
            for day in 0..=u8::MAX {
                let date = [year[0], year[1], month, day];
                assert_eq!(is_bcd_date(date), is_date(&hex::encode_upper(date)), "{date:02X?}");
            }
        }
    }

    proptest! {
        #[test]
        fn one_changed_digit_is_always_noticed(body in "[0-9]{17}", place in 0_usize..17, other in 0_u8..10) {
            let check = citizen_check(&body).expect("17 digits");
            let mut changed = body.clone().into_bytes();
            changed[place] = b'0' + other;
            let changed = String::from_utf8(changed).expect("ASCII");
            prop_assert!(changed == body || citizen_check(&changed) != Some(check));
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,24}") {
            let _ = (CitizenNumber::parse(&text), card_number_holds(&text), is_date(&text), CardIdentifier::parse(&text));
        }
    }
}
