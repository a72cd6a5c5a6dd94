//! Codes of a registry as bureaus write them: sex, ethnic group, certificate type, county.
//!
//! Source: the national lists in `card_profiles::codes`; AAC058 (certificate type) as one vendor lists it.
//! Owns: which spellings of a code a registry may use. Never: guesses a code from a text that is not in a list.

use card_core::security::CityCode;
use card_profiles::codes;

/// Sex code from a code or a word; only male and female can be compared with a number.
#[must_use]
pub fn sex(text: &str) -> Option<&'static str> {
    match (text, codes::sex_code(text)) {
        ("1", _) | (_, Some('1')) => Some("1"),
        ("2", _) | (_, Some('2')) => Some("2"),
        _ => None,
    }
}

/// Ethnic group code, two digits, from a code or a name with or without 族.
#[must_use]
pub fn ethnic_group(text: &str) -> Option<String> {
    let is_code = (1..=2).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = if is_code { text.parse().ok() } else { codes::ethnic_group_number(text) };
    number.filter(|number| codes::ethnic_group_name(*number).is_some()).map(|number| format!("{number:02}"))
}

/// Whether AAC058 knows this certificate type; only `01` (citizen's number) can be registered now.
#[must_use]
pub fn certificate_type_known(text: &str) -> bool {
    ["01", "02", "03", "04", "05", "06", "07", "08"].contains(&text)
}

/// Whether the code is a county of this prefecture that is in force.
#[must_use]
pub fn is_county(city: CityCode, code: &str) -> bool {
    codes::region(code)
        .is_some_and(|region| region.in_force && code.get(..4) == city.as_str().get(..4) && !code.ends_with("00"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_words_meet() {
        assert_eq!((sex("1"), sex("女"), sex("9"), sex("")), (Some("1"), Some("2"), None, None));
        assert_eq!(ethnic_group("04").as_deref(), Some("04"));
        assert_eq!(ethnic_group("4").as_deref(), Some("04"));
        assert_eq!(ethnic_group("藏族").as_deref(), Some("04"));
        assert_eq!(ethnic_group("基诺").as_deref(), Some("56"));
        for text in ["", "0", "00", "57", "77", "汉汉", "族", "001"] {
            assert_eq!(ethnic_group(text), None, "{text:?}");
        }
    }

    #[test]
    fn only_counties_of_the_prefecture_count() {
        let ganzi = CityCode::parse("513300").expect("digits");
        assert!(codes::counties_of("513300").iter().all(|county| is_county(ganzi, county.code)));
        // 513321 was a county until it became the city 513301.
        for code in ["513300", "513321", "513399", "110105", "51330", "", "甘孜县"] {
            assert!(!is_county(ganzi, code), "{code:?}");
        }
        let chengdu = CityCode::parse("510100").expect("digits");
        assert!(is_county(chengdu, "510104") && !is_county(chengdu, "513301"));
    }
}
