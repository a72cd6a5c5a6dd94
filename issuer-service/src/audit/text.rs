//! What may stand in a record: it is exported in clear, and stays for good.
//!
//! Owns: length, characters, citizen numbers in any text of an act. Never: knows people; the name of who is acted on is looked for
//! where people are (`store::audit`).

use super::Act;
use crate::store::StoreError;

/// Characters of one text. The longest that the program itself writes stay far below.
const LENGTH_MAX: usize = 2_000;

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

/// Whether 18 digits in a row, the last perhaps an X, hold a date of birth where a citizen number has it (GB 11643). Longer rows are
/// numbers of chips and cards. Full-width digits count.
pub(crate) fn holds_number(text: &str) -> bool {
    let plain = |c: char| match c {
        '０'..='９' => char::from_digit(u32::from(c) - u32::from('０'), 10).unwrap_or(c),
        'Ｘ' | 'ｘ' | 'x' => 'X',
        c => c,
    };
    let text: String = text.chars().map(plain).collect();
    text.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| {
        let digits = word.strip_suffix('X').unwrap_or(word);
        let part = |from: usize, to: usize| word.get(from..to).and_then(|part| part.parse::<u32>().ok());
        word.len() == 18
            && digits.len() >= 17
            && digits.bytes().all(|byte| byte.is_ascii_digit())
            && !word.starts_with('0')
            && part(6, 10).is_some_and(|year| (1850..2100).contains(&year))
            && part(10, 12).is_some_and(|month| (1..=12).contains(&month))
            && part(12, 14).is_some_and(|day| (1..=31).contains(&day))
    })
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
            "51330119900101001",
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
    fn control_characters_and_endless_texts_are_refused() {
        for text in ["a\nb", "\u{1b}[2J", "a\u{0}", "\u{85}"] {
            assert_eq!(fault(text), Some(TextFault::Control), "{text:?}");
        }
        assert_eq!(fault(&"字".repeat(2_000)), None);
        assert_eq!(fault(&"字".repeat(2_001)), Some(TextFault::TooLong));
    }
}
