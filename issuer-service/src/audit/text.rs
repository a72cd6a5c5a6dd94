//! What may stand in a record: it is exported in clear, and stays for good.
//!
//! Owns: length, characters, citizen numbers in any text of an act. Never: knows people; the name of who is acted on is looked for
//! where people are (`store::audit`).

use super::Act;
use crate::store::StoreError;

/// Characters of one text. The longest that the program itself writes stay far below.
const LENGTH_MAX: usize = 2_000;

/// Digits of a telephone number; shorter ones are told from no other number.
pub(crate) const PHONE_DIGITS_MIN: usize = 7;

/// Why a text may not stand in a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextFault {
    /// It is longer than a reason is.
    TooLong,
    /// It holds a line end or another control character.
    Control,
    /// It holds what is built like a citizen number.
    Number,
    /// It holds the name of the person acted on.
    Name,
    /// It holds the telephone number of the person acted on.
    Phone,
}

/// Whether the texts of an act may stand in the log.
///
/// # Errors
/// [`StoreError::TextUnfit`].
pub fn check(act: &Act) -> Result<(), StoreError> {
    for text in [&act.actor, &act.object, &act.detail] {
        let fault = if text.chars().count() > LENGTH_MAX {
            Some(TextFault::TooLong)
        } else if text.chars().any(char::is_control) {
            Some(TextFault::Control)
        } else {
            holds_number(text).then_some(TextFault::Number)
        };
        if let Some(why) = fault {
            return Err(StoreError::TextUnfit { why });
        }
    }
    Ok(())
}

/// Whether a text holds letters that no word of the program has: somebody's own words, which may be a name.
pub(crate) fn has_foreign_letters(text: &str) -> bool {
    text.chars().any(|c| !c.is_ascii() && c.is_alphabetic())
}

/// Whether a text says a name, whatever stands between its characters. A name of Latin letters is found as whole words only: `Li` is
/// not in `delivered`.
pub(crate) fn names(text: &str, name: &str) -> bool {
    if has_foreign_letters(name) {
        let plain = |text: &str| -> String {
            text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
        };
        let name = plain(name);
        return name.chars().count() > 1 && plain(text).contains(&name);
    }
    let words = |text: &str| -> Vec<String> {
        let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
        words.map(str::to_lowercase).collect()
    };
    let name = words(name);
    !name.is_empty() && words(text).windows(name.len()).any(|window| window == name)
}

/// Whether a text holds a number with letters, as people without a citizen number have, whatever stands between its characters.
pub(crate) fn tells(text: &str, number: &str) -> bool {
    let plain = |text: &str| -> String {
        text.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_uppercase()).collect()
    };
    number.len() >= 5 && plain(text).contains(number)
}

/// Whether a text says a telephone number, whatever stands between its digits.
pub(crate) fn tells_phone(text: &str, phone: &str) -> bool {
    let phone: String = phone.chars().map(plain).filter(char::is_ascii_digit).collect();
    if phone.len() < PHONE_DIGITS_MIN {
        return false;
    }
    // Groups of digits that only such things part as people put into a number make a row; a number ends with one of its groups.
    let mut row = String::new();
    let mut text = text.chars().map(plain).peekable();
    while let Some(c) = text.next() {
        if c.is_ascii_digit() {
            row.push(c);
            if !text.peek().is_some_and(char::is_ascii_digit) && row.ends_with(&phone) {
                return true;
            }
        } else if !joins(c) && !matches!(c, '(' | ')' | '（' | '）') {
            row.clear();
        }
    }
    false
}

/// A full-width digit or X as a plain one.
fn plain(c: char) -> char {
    match c {
        '０'..='９' => char::from_digit(u32::from(c) - u32::from('０'), 10).unwrap_or(c),
        'Ｘ' | 'ｘ' | 'x' => 'X',
        c => c,
    }
}

/// Whether a text holds 17 digits, or 18 characters with a digit or X at their end, that have a date of birth where a citizen number has
/// it (GB 11643): between letters too, and with blanks, dashes or points within. Longer rows of digits are numbers of chips and cards,
/// and so are words of 32 or 64 hex digits with letters among them. Full-width digits count.
pub(crate) fn holds_number(text: &str) -> bool {
    let text: Vec<char> = text.chars().map(plain).collect();
    let words = text.split(|c| !c.is_ascii_alphanumeric());
    let words = words.map(|word| if is_digest(word) { vec!['#'; word.len()] } else { word.to_vec() });
    let separators = text.iter().copied().filter(|c| !c.is_ascii_alphanumeric()).map(Some).chain([None]);
    let mut rows: Vec<Vec<String>> = vec![vec![String::new()]];
    for (word, separator) in words.zip(separators) {
        for c in word.into_iter().chain(separator) {
            let row = rows.last_mut().expect("one is there from the start");
            let group = row.last_mut().expect("each row has one");
            match c {
                '0'..='9' => group.push(c),
                // Behind an X no digit goes on.
                'X' if !group.is_empty() => {
                    group.push(c);
                    rows.push(vec![String::new()]);
                }
                _ if joins(c) => row.push(String::new()),
                _ => rows.push(vec![String::new()]),
            }
        }
    }
    rows.iter().any(|row| {
        (0..row.len()).any(|from| {
            let mut joined = String::new();
            row.iter().skip(from).any(|group| {
                joined.push_str(group);
                joined.len() <= 18 && is_number(&joined)
            })
        })
    })
}

/// What people put between the parts of a number.
fn joins(c: char) -> bool {
    c.is_whitespace() || matches!(c, '-' | '.' | '_' | '/' | '·' | '‐'..='―' | '－' | '．' | '／' | '＿' | '−')
}

/// A digest, or the identifier of a chip: 32 or 64 hex digits, some of them letters.
fn is_digest(word: &[char]) -> bool {
    matches!(word.len(), 32 | 64)
        && word.iter().all(char::is_ascii_hexdigit)
        && word.iter().any(char::is_ascii_alphabetic)
}

/// Whether 17 digits, perhaps with a digit or X behind them, have a date of birth in their middle.
fn is_number(text: &str) -> bool {
    let digits = text.strip_suffix('X').unwrap_or(text);
    let part = |from: usize, to: usize| text.get(from..to).and_then(|part| part.parse::<u32>().ok());
    matches!((text.len(), digits.len()), (17 | 18, 17) | (18, 18))
        && !text.starts_with('0')
        && part(6, 10).is_some_and(|year| (1850..2100).contains(&year))
        && part(10, 12).is_some_and(|month| (1..=12).contains(&month))
        && part(12, 14).is_some_and(|day| (1..=31).contains(&day))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(detail: &str) -> Option<TextFault> {
        let act = Act { actor: "li".into(), act: "test", object: "card A1".into(), detail: detail.to_owned() };
        match check(&act) {
            Err(StoreError::TextUnfit { why }) => Some(why),
            _ => None,
        }
    }

    #[test]
    fn what_is_built_like_a_citizen_number_is_found_wherever_it_stands() {
        for text in [
            "513301199001010013",
            "lost by 51330119900101003X.",
            "挂失（513301199001010013）",
            "５１３３０１１９９００１０１００１３",
            "51330119900101003x",
            "a,513301199001010013,b",
            "no513301199001010080",
            "card513301199001010080lost",
            "513301 19900101 0080",
            "513301-19900101-008X",
            "5 1 3 3 0 1 1 9 9 0 0 1 0 1 0 0 1 3",
            "3 cards 513301 199001010013 of 12",
            "513301—1990.01.01—0080",
            "51330119900101001",
            "x51330119900101003Xy",
            "５１３３０１　１９９００１０１　００１３",
        ] {
            assert_eq!(fault(text), Some(TextFault::Number), "{text}");
        }
    }

    #[test]
    fn other_numbers_are_no_citizen_numbers() {
        for text in [
            "513301199013010013",
            "513301199001320013",
            "00813147331586505133000000",
            "513300D1560000050000000100000000",
            "915600000251330051010000",
            "5133011990010100",
            "ABCDEF513301199001010013ABCDEFAB",
            "513301, 19900101, 0013",
            "from 2026-11-22 16:50:01 to 2026-11-23 08:00:00",
            "letter 11 of 2 March, 3 cards",
            "",
        ] {
            assert_eq!(fault(text), None, "{text}");
        }
    }

    #[test]
    fn a_name_is_found_whatever_stands_between_its_characters_and_not_within_other_words() {
        for (text, name) in [
            ("王子 pin", "王子"),
            ("card of 王 子.", "王子"),
            ("买买提.艾力挂失", "买买提·艾力"),
            ("买买提艾力", "买买提·艾力"),
            ("lost by anna SMITH", "Anna Smith"),
            ("Li, at the counter", "Li"),
        ] {
            assert!(names(text, name), "{text} {name}");
        }
        for (text, name) in [
            ("delivered", "Li"),
            ("王", "王子"),
            ("王家子", "王子"),
            ("Anna, then Smith", "Anna Smith B"),
            ("x", ""),
            ("。", "·"),
        ] {
            assert!(!names(text, name), "{text} {name}");
        }
        assert!(has_foreign_letters("挂失") && !has_foreign_letters("a – b, 3·4 → 5"));
    }

    #[test]
    fn a_telephone_number_is_found_whatever_stands_between_its_digits() {
        for text in [
            "tel 13800001234",
            "call 138-0000-1234.",
            "+86 138 0000 1234",
            "电话13800001234",
            "tel 13800001234 10 am",
            "13800001234/13900001234",
            "１３８００００１２３４",
            "13800001234, 2 times",
        ] {
            assert!(tells_phone(text, "13800001234"), "{text}");
        }
        assert!(tells_phone("(0830) 555 0123", "0830-5550123"));
        for (text, phone) in
            [("13800001235", "13800001234"), ("138000012345 yuan", "13800001234"), ("tel 12345", "12345"), ("", "")]
        {
            assert!(!tells_phone(text, phone), "{text} {phone}");
        }
    }

    #[test]
    fn control_characters_and_endless_texts_are_refused() {
        for text in ["a\nb", "\u{1b}[2J", "a\u{0}", "\u{85}"] {
            assert_eq!(fault(text), Some(TextFault::Control), "{text:?}");
        }
        assert_eq!(fault(&"字".repeat(2_000)), None);
        assert_eq!(fault(&"字".repeat(2_001)), Some(TextFault::TooLong));
    }
}
