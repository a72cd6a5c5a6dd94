//! What a script expects of the card, and whether it came.
//!
//! Owns: the comparison. Never: repeats a value of the card in an error: scripts are run where others read along.

use card_core::{Response, StatusWord};

use card_counter::error::ShellError;
use card_counter::language::Words;

/// Compares an answer with `9000`, `63Cx`, `0A01xx 9000`: hexadecimal digits, `x` for any digit, blanks nowhere matter.
/// `..` at the start stands for any data. Without data in the expectation only the status word counts.
///
/// # Errors
/// [`ShellError::Expectation`] with the status word that came; [`ShellError::Usage`] when the expectation is none.
pub fn answer(expected: &str, response: &Response) -> Result<(), ShellError> {
    let pattern: String = expected.split_whitespace().collect::<String>().to_uppercase();
    let pattern = pattern.trim_start_matches('.');
    let is_pattern = pattern.bytes().all(|c| c.is_ascii_hexdigit() || c == b'X');
    if pattern.len() < 4 || !pattern.len().is_multiple_of(2) || !is_pattern {
        return Err(ShellError::Usage(Words::new(
            "预期的应答为十六进制数字,x 为任意一位,末尾是状态字",
            "an expected answer is hexadecimal digits, x for any, and ends with the status word",
        )));
    }
    let (data, sw) = pattern.split_at_checked(pattern.len() - 4).unwrap_or(("", pattern));
    let came = response.sw.to_string();
    let fits = fits(sw, &came) && (data.is_empty() || fits_data(data, &response.data));
    if fits { Ok(()) } else { Err(expectation(expected, response.sw, data.is_empty())) }
}

fn expectation(expected: &str, sw: StatusWord, only_status: bool) -> ShellError {
    let got = if only_status { sw.to_string() } else { format!("{sw} and other data") };
    ShellError::Expectation { expected: expected.to_owned(), got }
}

/// Compares the outcome of a command that is no exchange: `OK`, or the code of its error.
///
/// # Errors
/// [`ShellError::Expectation`].
pub fn outcome(expected: &str, came: &str) -> Result<(), ShellError> {
    if expected.eq_ignore_ascii_case(came) {
        return Ok(());
    }
    Err(ShellError::Expectation { expected: expected.to_owned(), got: came.to_owned() })
}

/// Compares a value.
///
/// # Errors
/// [`ShellError::Expectation`], without the value that the card holds.
pub fn value(place: &str, expected: &str, came: Option<&str>) -> Result<(), ShellError> {
    match came {
        Some(came) if came == expected => Ok(()),
        Some(_) => {
            Err(ShellError::Expectation { expected: format!("{place} as written"), got: "another value".to_owned() })
        }
        None => Err(ShellError::Expectation { expected: format!("{place} as written"), got: "nothing".to_owned() }),
    }
}

fn fits_data(pattern: &str, data: &[u8]) -> bool {
    let text = hex::encode_upper(data);
    pattern.len() == text.len() && fits(pattern, &text)
}

fn fits(pattern: &str, text: &str) -> bool {
    pattern.bytes().zip(text.bytes()).all(|(wanted, came)| wanted == b'X' || wanted == came)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn came(hex: &str) -> Response {
        Response::parse(&hex::decode(hex).expect("hex")).expect("two bytes")
    }

    #[test]
    fn status_words_and_data_are_compared_digit_by_digit() {
        for (expected, hex) in [
            ("9000", "9000"),
            ("63Cx", "63C2"),
            ("9000", "0A01319000"),
            ("0A01xx 9000", "0A01319000"),
            ("..9000", "AA9000"),
        ] {
            assert_eq!(answer(expected, &came(hex)), Ok(()), "{expected} {hex}");
        }
        for (expected, hex, got) in [
            ("9000", "6A82", "6A82"),
            ("63Cx", "6983", "6983"),
            ("0A0132 9000", "0A01319000", "9000 and other data"),
            ("0A01 9000", "0A01319000", "9000 and other data"),
        ] {
            let error = ShellError::Expectation { expected: expected.to_owned(), got: got.to_owned() };
            assert_eq!(answer(expected, &came(hex)), Err(error), "{expected} {hex}");
        }
        for wrong in ["", "90", "9000 ok", "900"] {
            assert!(matches!(answer(wrong, &came("9000")), Err(ShellError::Usage(_))), "{wrong}");
        }
    }

    #[test]
    fn what_the_card_holds_is_not_in_the_error() {
        let error = value("SSSE.EF06.name", "李四", Some("张三")).expect_err("differs");
        assert!(!error.to_string().contains("张三") && !error.to_string().contains("李四"), "{error}");
        assert_eq!(value("SSSE.EF06.sex", "1", Some("1")), Ok(()));
        assert!(outcome("OK", "ok").is_ok() && outcome("OK", "PIN_NEEDED").is_err());
    }
}
