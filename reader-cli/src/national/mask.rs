//! A centre's own words, safe to show: they name people.
//!
//! Source: numbers of people and cards have eight digits and more; names are those of the message itself. Owns: what is replaced.

/// Characters of a text that are shown.
const SHOWN_MAX: usize = 200;
/// Digits in a row that may be somebody's number.
const DIGITS_MIN: usize = 8;

/// The text without control characters, without long runs of digits and without `values`.
pub(super) fn plain(text: &str, values: &[&str]) -> String {
    let mut text: String = text.chars().filter(|c| !c.is_control()).collect();
    for value in values.iter().filter(|value| value.chars().count() > 1) {
        text = text.replace(value, "***");
    }
    let mut shown = String::new();
    let mut run = String::new();
    for character in text.chars().chain(std::iter::once('\n')) {
        if character.is_ascii_digit() || matches!(character, 'X' | 'x') && !run.is_empty() {
            run.push(character);
            continue;
        }
        shown.push_str(if run.len() >= DIGITS_MIN { "********" } else { &run });
        run.clear();
        shown.push(character);
    }
    shown.trim_end_matches('\n').chars().take(SHOWN_MAX).collect()
}

/// A name by its first character.
pub(super) fn name(name: &str) -> String {
    name.chars().next().map_or_else(String::new, |first| format!("{first}**"))
}

/// A number by its last four characters.
pub(super) fn number(number: &str) -> String {
    let count = number.chars().count();
    let last: String = number.chars().skip(count.saturating_sub(4)).collect();
    if count > 8 { format!("****{last}") } else { "****".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_centres_words_name_nobody() {
        let said = plain("人员卓玛措(51339919800101001X)余额12.34不足\u{1B}[2J,单号1234567", &["卓玛措"]);
        assert_eq!(said, "人员***(********)余额12.34不足[2J,单号1234567");
        assert_eq!(
            (name("卓玛措"), number("513399198001010019"), number("1234")),
            ("卓**".into(), "****0019".into(), "****".into())
        );
        assert_eq!(plain(&"很".repeat(900), &[]).chars().count(), SHOWN_MAX);
    }
}
