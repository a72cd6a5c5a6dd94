//! Names (姓名): the dot of minority names, the characters that names have.
//!
//! Source: notice of twelve ministries 2016 no. 33 (the only separator is U+00B7; systems hold all of GB 18030).
//! Owns: normalization, telling all faults at once. Never: transliterates, abbreviates; refuses what only the chip cannot hold
//! (`no_card`).

use card_profiles::name::{NAME_BYTES, SplitName};
use card_profiles::text::{encode_text, is_gbk};

/// 间隔号: the one separator inside a name.
pub const SEPARATOR: char = '\u{B7}';

/// Two of it.
const DOUBLED: &str = "\u{B7}\u{B7}";

/// What bureaus type for the separator: bullet, hyphenation point, katakana and Hangul middle dots, full stops of Latin and Chinese
/// writing, the Greek one, dot operators.
const LOOK_ALIKES: [char; 14] = [
    '\u{2022}', '\u{2027}', '\u{30FB}', '\u{FF0E}', '.', '\u{FE52}', '\u{2024}', '\u{22C5}', '\u{FF65}', '\u{2219}',
    '\u{3002}', '\u{FF61}', '\u{387}', '\u{318D}',
];

/// What is wrong with a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameFault {
    /// Nothing is there.
    Empty,
    /// A control character.
    Control,
    /// A character that names do not have: digits, signs.
    Character(char),
    /// No character of writing: a replacement, or one of private use.
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
        } else if is_no_writing(character) {
            add(&mut faults, NameFault::NotEncodable(character));
        } else if !(character == SEPARATOR || character == ' ' || is_letter(character)) {
            add(&mut faults, NameFault::Character(character));
        }
    }
    // Names in other scripts have spaces between their words; between Han characters a space is a slip of the keyboard.
    let slips = |word: &str| word.is_empty() || word.contains(is_han);
    if name.contains(' ') && name.split(' ').any(slips) {
        add(&mut faults, NameFault::Character(' '));
    }
    if name.starts_with(SEPARATOR) || name.ends_with(SEPARATOR) || name.contains(DOUBLED) {
        add(&mut faults, NameFault::Separator);
    }
    // No character has more than two bytes of GBK.
    let surely_fits = name.chars().count() * 2 <= NAME_BYTES;
    if faults.is_empty() && !surely_fits && SplitName::of(&as_gbk(&name)).is_err() {
        add(&mut faults, NameFault::TooLong);
    }
    if faults.is_empty() { Ok(name) } else { Err(faults) }
}

/// Characters of the longest name in a script of its own: stacks of Tibetan have several each (assumed).
const SCRIPT_CHARACTERS_MAX: usize = 100;

/// The name in the script of a person's own people, checked as [`normalize`] checks names, but for its length: no chip has to hold it.
/// Han characters are none of such a script.
///
/// # Errors
/// Every fault, each character once.
pub fn in_own_script(raw: &str) -> Result<String, Vec<NameFault>> {
    let name = tidied(raw);
    let mut faults = match normalize(raw) {
        Ok(_) => Vec::new(),
        Err(faults) => faults.into_iter().filter(|fault| *fault != NameFault::TooLong).collect(),
    };
    for character in name.chars().filter(|character| is_han(*character)) {
        add(&mut faults, NameFault::Character(character));
    }
    if name.chars().count() > SCRIPT_CHARACTERS_MAX {
        add(&mut faults, NameFault::TooLong);
    }
    if faults.is_empty() { Ok(name) } else { Err(faults) }
}

/// One separator for all look-alikes and no blanks around it, ordinary letters and blanks for full-width ones.
fn tidied(raw: &str) -> String {
    if raw.chars().all(is_han) {
        return raw.to_owned();
    }
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

/// The text with one Han character of GBK for each character that GBK lacks: what an agreed form of it will need on the chip.
#[must_use]
pub fn as_gbk(text: &str) -> String {
    if is_gbk(text) {
        return text.to_owned();
    }
    text.chars().map(|c| if is_gbk(c.encode_utf8(&mut [0; 4])) { c } else { '\u{3007}' }).collect()
}

/// Bytes of a text on the chip, once every character that GBK lacks is replaced by one of GBK ([`as_gbk`]).
#[must_use]
pub fn gbk_length(text: &str) -> usize {
    usual_gbk_length(text).unwrap_or_else(|| {
        let exact = encode_text(text).or_else(|_| encode_text(&as_gbk(text)));
        exact.map_or(usize::MAX, |bytes| bytes.len())
    })
}

/// Bytes on the chip of a text of ASCII, the separator and the Han characters that Unicode had first, all of which GBK has; of any other
/// text the encoder knows.
pub(super) fn usual_gbk_length(text: &str) -> Option<usize> {
    text.chars().try_fold(0, |bytes, c| match c {
        '\0'..='\x7F' => Some(bytes + 1),
        SEPARATOR | '\u{4E00}'..='\u{9FA5}' => Some(bytes + 2),
        _ => None,
    })
}

/// What is left of a character that a system could not hold, or means something in one system only.
#[must_use]
pub const fn is_no_writing(character: char) -> bool {
    matches!(character, '\u{FFFD}' | '\u{E000}'..='\u{F8FF}' | '\u{F0000}'..) || character as u32 & 0xFFFE == 0xFFFE
}

fn is_letter(character: char) -> bool {
    character.is_ascii_alphabetic() || is_han(character) || is_of_minority_script(character)
}

/// Han characters: of the first plane, with their extension A, and all extensions of the planes after it.
fn is_han(character: char) -> bool {
    matches!(
        character,
        '\u{3007}' | '\u{3400}'..='\u{4DBF}' | '\u{4E00}'..='\u{9FFF}' | '\u{F900}'..='\u{FAFF}' | '\u{20000}'..='\u{3FFFF}'
    )
}

/// Scripts of peoples of China that GB 18030 has: Arabic (Uyghur, Kazak, Kirgiz), Tibetan, Mongolian, Tai Le, New Tai Lue, Yi,
/// Lisu, Hangul, Miao; their digits are no letters.
fn is_of_minority_script(character: char) -> bool {
    let inside = matches!(
        character,
        '\u{600}'..='\u{6FF}'
            | '\u{F00}'..='\u{FFF}'
            | '\u{1100}'..='\u{11FF}'
            | '\u{1800}'..='\u{18AF}'
            | '\u{1950}'..='\u{19DF}'
            | '\u{A000}'..='\u{A4FF}'
            | '\u{AC00}'..='\u{D7A3}'
            | '\u{16F00}'..='\u{16F9F}'
    );
    inside && !character.is_numeric()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_usual_characters_have_the_length_that_the_encoder_gives_them() {
        for character in ('\0'..='\u{2FF}').chain('\u{4DF0}'..='\u{A000}') {
            let text = character.to_string();
            let encoded = encode_text(&text).ok().map(|bytes| bytes.len());
            assert!(usual_gbk_length(&text).is_none_or(|usual| Some(usual) == encoded), "{character:?}");
        }
        assert_eq!((usual_gbk_length("扎西·多吉 a"), usual_gbk_length("王䶮")), (Some(12), None));
    }

    #[test]
    fn every_look_alike_becomes_the_separator() {
        let typed = ['•', '‧', '・', '．', '.', '。', '｡', '·', 'ㆍ', '\u{387}', '\u{318D}'];
        for dot in LOOK_ALIKES.into_iter().chain(typed).chain([SEPARATOR]) {
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
    fn lawful_names_are_held_whatever_the_chip_can_hold() {
        for name in ["王䶮", "㐂𠮷", "王\u{30EDE}", "བོད་མི", "گۈلنۇر مەمەت", "ꆈꌠ", "王\u{9FEF}"]
        {
            assert_eq!(normalize(name).as_deref(), Ok(name), "{name}");
        }
        for lost in ['\u{FFFD}', '\u{E863}', '\u{F8FF}', '\u{F0000}', '\u{2FFFF}'] {
            assert_eq!(normalize(&format!("王{lost}")), Err(vec![NameFault::NotEncodable(lost)]), "{lost:?}");
        }
        assert_eq!(normalize("王😀"), Err(vec![NameFault::Character('😀')]));
        assert_eq!(normalize("朱镕基").as_deref(), Ok("朱镕基"));
    }

    #[test]
    fn a_name_in_its_own_script_may_be_longer_than_a_chip_holds_and_has_no_han_characters() {
        for name in ["བསྒྲུབས་རྒྱལ་སྐྱིད", "گۈلنۇر مەمەت", &"བ".repeat(100)]
        {
            assert_eq!(in_own_script(name).as_deref(), Ok(name));
        }
        assert_eq!(in_own_script("扎西བ"), Err(vec![NameFault::Character('扎'), NameFault::Character('西')]));
        assert_eq!(in_own_script(&"བ".repeat(101)), Err(vec![NameFault::TooLong]));
        assert_eq!(in_own_script("བ1"), Err(vec![NameFault::Character('1')]));
    }

    #[test]
    fn fifty_bytes_fit_and_fifty_one_do_not() {
        assert!(normalize(&"丹".repeat(25)).is_ok());
        assert_eq!(normalize(&"丹".repeat(26)), Err(vec![NameFault::TooLong]));
        assert!(normalize(&"𠮷".repeat(25)).is_ok());
        assert_eq!(normalize(&"𠮷".repeat(26)), Err(vec![NameFault::TooLong]));
        // 29 bytes, then a character of two: the extension takes it, and 20 bytes are its most.
        assert!(normalize(&format!("{}{}", "A".repeat(29), "丹".repeat(10))).is_ok());
        assert_eq!(normalize(&format!("{}{}", "A".repeat(29), "丹".repeat(11))), Err(vec![NameFault::TooLong]));
    }

    #[test]
    fn all_faults_come_at_once() {
        let faults = normalize("·王2?\u{7}\u{FFFD}").expect_err("faulty");
        for fault in [
            NameFault::Separator,
            NameFault::Character('2'),
            NameFault::Character('?'),
            NameFault::Control,
            NameFault::NotEncodable('\u{FFFD}'),
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
