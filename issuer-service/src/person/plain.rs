//! Values made plain: what keyboards, spreadsheets and databases add to a value without meaning anything by it.
//!
//! Owns: full-width forms, invisible characters, marks for "text" and "nothing". Never: knows what a value means.

use std::borrow::Cow;

/// What exports write where there is nothing.
const NOTHINGS: [&str; 8] = ["NULL", "null", "(null)", "\\N", "#N/A", "N/A", "NaN", "nan"];
/// What people write where there is nothing; only where nothing is allowed.
const DASHES: [&str; 13] = ["无", "暂无", "空", "没有", "未知", "不详", "-", "--", "—", "——", "/", "\\", "."];

/// ASCII for full-width forms, plain blanks, no invisible characters, no blanks at the ends.
#[must_use]
pub fn plain(text: &str) -> Cow<'_, str> {
    if text.chars().all(|c| c.is_ascii() || is_usual_han(c)) {
        return Cow::Borrowed(text.trim());
    }
    let folded: String = text.chars().filter(|c| !is_invisible(*c)).map(folded).collect();
    Cow::Owned(folded.trim().to_owned())
}

/// What most texts of registries are made of besides ASCII: nothing that could mean something else.
const fn is_usual_han(character: char) -> bool {
    matches!(character, '\u{4E00}'..='\u{9FA5}')
}

/// The text as written, without blanks and invisible characters around it and without a spreadsheet's marks for "this is
/// text": `'513301…`, `="513301…"`.
#[must_use]
pub fn unwrapped(text: &str) -> &str {
    let bare = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    if bare(text.as_bytes().first()) && bare(text.as_bytes().last()) {
        return text;
    }
    let is_around = |c: char| c.is_whitespace() || is_invisible(c);
    let text = text.trim_matches(is_around);
    text.strip_prefix("=\"")
        .and_then(|rest| rest.strip_suffix('"'))
        .or_else(|| text.strip_prefix(['\'', '’', '‘', '`']))
        .unwrap_or(text)
        .trim_matches(is_around)
}

/// Whether an export wrote "nothing" in words.
#[must_use]
pub fn is_nothing(text: &str) -> bool {
    NOTHINGS.contains(&text)
}

/// Whether a person wrote "nothing" in words or as a dash.
#[must_use]
pub fn is_dash(text: &str) -> bool {
    DASHES.contains(&text)
}

/// Whether a spreadsheet turned a long number into `5.13301E+17`.
#[must_use]
pub fn is_scientific(text: &str) -> bool {
    let Some((mantissa, exponent)) = text.split_once(['E', 'e']) else { return false };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let exponent = exponent.strip_prefix('+').unwrap_or(exponent);
    digits(exponent) && mantissa.split_once('.').map_or(digits(mantissa), |(whole, part)| digits(whole) && digits(part))
}

/// Digits at one end and the rest at the other: `01汉族`, `1-男`, `康定市(513301)`. Either may be empty.
#[must_use]
pub fn code_and_word(plain: &str) -> (&str, &str) {
    let is_mark =
        |c: char| c.is_whitespace() || matches!(c, '-' | '_' | '.' | ':' | '、' | '(' | ')' | '[' | ']' | '|' | '=');
    let is_digit = |c: char| c.is_ascii_digit();
    let behind_head = plain.trim_start_matches(is_digit);
    let (head, _) = plain.split_at(plain.len() - behind_head.len());
    if !head.is_empty() {
        return (head, behind_head.trim_matches(is_mark));
    }
    let closed = plain.trim_end_matches(is_mark);
    let before_tail = closed.trim_end_matches(is_digit);
    let (_, tail) = closed.split_at(before_tail.len());
    (tail, before_tail.trim_matches(is_mark))
}

fn folded(character: char) -> char {
    match character {
        '\u{FF01}'..='\u{FF5E}' => char::from_u32(u32::from(character) - 0xFEE0).unwrap_or(character),
        '\u{3000}' | '\u{A0}' => ' ',
        _ => character,
    }
}

const fn is_invisible(character: char) -> bool {
    matches!(character, '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}' | '\u{FEFF}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn full_width_forms_and_invisible_characters_go() {
        assert_eq!(plain("　５１３３０１（Ｘ）\u{200B}\u{A0}"), "513301(X)");
        assert_eq!(plain("\u{FEFF}姓名"), "姓名");
    }

    #[test]
    fn marks_for_text_go_and_formulas_stay() {
        for written in ["'513301", "=\"513301\"", "\t513301", " ’513301 ", "\u{FEFF}513301"] {
            assert_eq!(unwrapped(written), "513301");
        }
        assert_eq!((unwrapped("=1+1"), unwrapped("'"), unwrapped("  ")), ("=1+1", "", ""));
    }

    #[test]
    fn scientific_notation_is_known() {
        for text in ["5.13301E+17", "5E17", "1.39e+10"] {
            assert!(is_scientific(text), "{text}");
        }
        for text in ["", "E", "5.E17", "513301", "5.1E", "1E-7", "HE", "5.1.1E+17"] {
            assert!(!is_scientific(text), "{text}");
        }
    }

    #[test]
    fn a_code_stands_before_or_behind_its_word() {
        for (written, code, word) in [
            ("01汉族", "01", "汉族"),
            ("1-男", "1", "男"),
            ("康定市(513301)", "513301", "康定市"),
            ("513301", "513301", ""),
            ("男", "", "男"),
            ("", "", ""),
        ] {
            assert_eq!(code_and_word(written), (code, word));
        }
    }

    proptest! {
        #[test]
        fn any_text_ends_without_panic(text in any::<String>()) {
            let made = plain(&text);
            let _ = (unwrapped(&text), is_scientific(&made), code_and_word(&made));
        }
    }
}
