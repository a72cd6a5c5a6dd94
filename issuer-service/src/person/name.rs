//! Names (姓名): the dot of minority names, the characters that names have and the chip can hold.
//!
//! Source: notice of twelve ministries 2016 no. 33 (the only separator is U+00B7).
//! Owns: normalization, telling all faults at once. Never: transliterates, abbreviates; knows GBK or the items of the card
//! (`card_profiles::text`, `card_profiles::name`).

use card_profiles::name::SplitName;
use card_profiles::text::encode_text;

/// 间隔号: the one separator inside a name.
pub const SEPARATOR: char = '\u{B7}';

/// What bureaus type for the separator: bullet, hyphenation point, katakana middle dot, full stops, dot operator, space dots.
const LOOK_ALIKES: [char; 10] =
    ['\u{2022}', '\u{2027}', '\u{30FB}', '\u{FF0E}', '.', '\u{FE52}', '\u{2024}', '\u{22C5}', '\u{FF65}', '\u{2219}'];

/// What is wrong with a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameFault {
    /// Nothing is there.
    Empty,
    /// A control character.
    Control,
    /// A character that names do not have: digits, signs.
    Character(char),
    /// A character that GBK, and so the chip, cannot hold.
    NotEncodable(char),
    /// A separator at an end, or two in a row.
    Separator,
    /// More bytes than 姓名 and 姓名扩展 hold.
    TooLong,
}

/// The name with U+00B7 as separator, checked.
///
/// # Errors
/// Every fault, each character once.
pub fn normalize(raw: &str) -> Result<String, Vec<NameFault>> {
    let name = tidied(raw);
    let mut faults = Vec::new();
    if name.is_empty() {
        add(&mut faults, NameFault::Empty);
    }
    for character in name.chars() {
        if character.is_control() {
            add(&mut faults, NameFault::Control);
        } else if encode_text(character.encode_utf8(&mut [0; 4])).is_err() {
            add(&mut faults, NameFault::NotEncodable(character));
        } else if !(character == SEPARATOR || character == ' ' || is_letter(character)) {
            add(&mut faults, NameFault::Character(character));
        }
    }
    // Foreign names have spaces between their words; between Han characters a space is a slip of the keyboard.
    let words: Vec<&str> = name.split(' ').collect();
    if words.len() > 1 && !words.iter().all(|word| !word.is_empty() && word.is_ascii()) {
        add(&mut faults, NameFault::Character(' '));
    }
    let doubled: String = [SEPARATOR, SEPARATOR].iter().collect();
    if name.starts_with(SEPARATOR) || name.ends_with(SEPARATOR) || name.contains(&doubled) {
        add(&mut faults, NameFault::Separator);
    }
    if faults.is_empty() && SplitName::of(&name).is_err() {
        add(&mut faults, NameFault::TooLong);
    }
    if faults.is_empty() { Ok(name) } else { Err(faults) }
}

/// One separator for all look-alikes and no blanks around it, ordinary letters and blanks for full-width ones.
fn tidied(raw: &str) -> String {
    let name: String = raw
        .trim()
        .chars()
        .map(|c| match c {
            _ if LOOK_ALIKES.contains(&c) => SEPARATOR,
            '\u{3000}' | '\u{A0}' => ' ',
            'Ａ'..='Ｚ' | 'ａ'..='ｚ' => char::from_u32(u32::from(c) - 0xFEE0).unwrap_or(c),
            _ => c,
        })
        .collect();
    name.split(SEPARATOR).map(|part| part.trim_matches(' ')).collect::<Vec<_>>().join(&SEPARATOR.to_string())
}

fn add(faults: &mut Vec<NameFault>, fault: NameFault) {
    if !faults.contains(&fault) {
        faults.push(fault);
    }
}

fn is_letter(character: char) -> bool {
    character.is_ascii_alphabetic()
        || matches!(character, '\u{3007}' | '\u{3400}'..='\u{4DBF}' | '\u{4E00}'..='\u{9FFF}' | '\u{F900}'..='\u{FAFF}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_look_alike_becomes_the_separator() {
        for dot in LOOK_ALIKES.into_iter().chain([SEPARATOR]) {
            assert_eq!(normalize(&format!("扎西{dot}多吉")).as_deref(), Ok("扎西·多吉"));
        }
    }

    #[test]
    fn blanks_around_the_separator_and_full_width_letters_do_not_matter() {
        for raw in ["扎西 · 多吉", "扎西· 多吉", "\u{3000}扎西 •多吉 ", "扎西\u{3000}·\u{3000}多吉"]
        {
            assert_eq!(normalize(raw).as_deref(), Ok("扎西·多吉"), "{raw}");
        }
        assert_eq!(normalize("Ａｎｎａ\u{3000}Maria").as_deref(), Ok("Anna Maria"));
        assert_eq!(normalize("扎西· ·多吉"), Err(vec![NameFault::Separator]));
    }

    #[test]
    fn rare_characters_are_named() {
        for rare in ['\u{4DAE}', '\u{3402}', '\u{20BB7}'] {
            assert_eq!(normalize(&format!("王{rare}")), Err(vec![NameFault::NotEncodable(rare)]), "{rare:?}");
        }
        assert_eq!(normalize("བོད"), Err("བོད".chars().map(NameFault::NotEncodable).collect()));
        assert_eq!(normalize("朱镕基").as_deref(), Ok("朱镕基"));
    }

    #[test]
    fn fifty_bytes_fit_and_fifty_one_do_not() {
        assert!(normalize(&"丹".repeat(25)).is_ok());
        assert_eq!(normalize(&"丹".repeat(26)), Err(vec![NameFault::TooLong]));
        // 29 bytes, then a character of two: the extension takes it, and 20 bytes are its most.
        assert!(normalize(&format!("{}{}", "A".repeat(29), "丹".repeat(10))).is_ok());
        assert_eq!(normalize(&format!("{}{}", "A".repeat(29), "丹".repeat(11))), Err(vec![NameFault::TooLong]));
    }

    #[test]
    fn all_faults_come_at_once() {
        let faults = normalize("·王2?\u{7}䶮").expect_err("faulty");
        for fault in [
            NameFault::Separator,
            NameFault::Character('2'),
            NameFault::Character('?'),
            NameFault::Control,
            NameFault::NotEncodable('䶮'),
        ] {
            assert!(faults.contains(&fault), "{fault:?}");
        }
        assert_eq!(normalize(" "), Err(vec![NameFault::Empty]));
        assert_eq!(normalize("王 明"), Err(vec![NameFault::Character(' ')]));
        assert_eq!(normalize("Anna Maria").as_deref(), Ok("Anna Maria"));
    }

    proptest! {
        #[test]
        fn any_text_ends_without_panic(text in any::<String>()) {
            let _ = normalize(&text);
        }
    }
}
