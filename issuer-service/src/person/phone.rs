//! Telephone numbers as bureaus write them.
//!
//! Source: the national numbering plan: mobile numbers have 11 digits from 13 to 19; landlines an area code from 0.
//! Owns: bringing them to digits. Never: adds an area code that is not written.

/// Digits only, without the country code; `None` when it is neither a mobile nor a landline number.
#[must_use]
pub fn read(text: &str) -> Option<String> {
    if is_mobile(text) {
        return Some(text.to_owned());
    }
    let bare: String = text.chars().filter(|c| !matches!(c, '-' | ' ' | '(' | ')' | '—' | '–' | '_')).collect();
    let bare = bare.strip_suffix(".0").unwrap_or(&bare);
    let national = ["+86", "0086", "86"].into_iter().find_map(|prefix| bare.strip_prefix(prefix));
    let national = match national {
        Some(rest) if is_mobile(rest) || is_landline(rest) => rest.to_owned(),
        // Behind the country code the area code loses its zero.
        Some(rest) if bare.starts_with(['+', '0']) && is_landline(&format!("0{rest}")) => format!("0{rest}"),
        _ => bare.to_owned(),
    };
    (is_mobile(&national) || is_landline(&national)).then_some(national)
}

fn is_mobile(text: &str) -> bool {
    matches!(text.as_bytes(), [b'1', b'3'..=b'9', rest @ ..] if rest.len() == 9 && rest.iter().all(u8::is_ascii_digit))
}

fn is_landline(text: &str) -> bool {
    let digits = |rest: &[u8]| (8..=10).contains(&rest.len()) && rest.iter().all(u8::is_ascii_digit);
    matches!(text.as_bytes(), [b'0', b'1'..=b'9', rest @ ..] if digits(rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_marks_and_the_country_code_do_not_matter() {
        for text in [
            "19900001234",
            "199 0000 1234",
            "199-0000-1234",
            "+8619900001234",
            "+86 199-0000-1234",
            "8619900001234",
            "008619900001234",
            "19900001234.0",
        ] {
            assert_eq!(read(text).as_deref(), Some("19900001234"), "{text}");
        }
        for text in ["0836-2811234", "(0836)2811234", "08362811234", "+86 836 2811234"] {
            assert_eq!(read(text).as_deref(), Some("08362811234"), "{text}");
        }
    }

    #[test]
    fn what_is_no_number_is_not_mended() {
        for text in [
            "",
            "2811234",
            "1990000123",
            "199000012345",
            "12900001234",
            "199-电话",
            "19900001234/19900001235",
            "0000000000",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
