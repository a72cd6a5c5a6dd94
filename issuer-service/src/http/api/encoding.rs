//! Texts as they stand in an address, in the places of its path and behind the question mark.
//!
//! Source: RFC 3986, the forms of WHATWG HTML. Never: reads a half of a character or of an escape, or the character zero,
//! which a database need not keep.

use axum::extract::RawPathParams;
use axum::extract::rejection::RawPathParamsRejection;

use super::failure::ApiError;
use super::{Kind, Parameter};

/// Longest query.
const QUERY_BYTES_MAX: usize = 2_048;

/// Percent-encoding (RFC 3986) and the `+` of forms.
pub(in crate::http) fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        match first {
            b'%' => {
                let (digits, after) = after.split_at_checked(2)?;
                bytes.extend(hex::decode(digits).ok()?);
                rest = after;
            }
            b'+' => {
                bytes.push(b' ');
                rest = after;
            }
            other => {
                bytes.push(*other);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).ok().filter(|text| !text.contains('\0'))
}

/// What stands in the places of a path, for API and console; no text that cannot be read, no character that nobody types.
pub(in crate::http) fn places(
    path: Result<RawPathParams, RawPathParamsRejection>,
) -> Result<Vec<(String, String)>, ApiError> {
    let unfit = ApiError::ParameterUnfit { name: "path" };
    let Ok(path) = path else { return Err(unfit) };
    if path.iter().any(|(_, value)| value.chars().any(char::is_control)) {
        return Err(unfit);
    }
    Ok(path.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
}

/// Names and values behind the question mark, each once and of its kind.
pub(super) fn query(known: &'static [Parameter], text: &str) -> Result<Vec<(String, String)>, ApiError> {
    if text.len() > QUERY_BYTES_MAX {
        return Err(ApiError::ParameterUnfit { name: "?" });
    }
    let mut found: Vec<(String, String)> = Vec::new();
    for pair in text.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let unknown = ApiError::ParameterUnfit { name: "?" };
        let parameter = known.iter().find(|parameter| parameter.name == name).ok_or(unknown)?;
        let unfit = || ApiError::ParameterUnfit { name: parameter.name };
        let value = decoded(value).ok_or_else(unfit)?;
        let fits = match parameter.kind {
            Kind::Number(most) => value.parse::<i64>().is_ok_and(|number| (0..=most).contains(&number)),
            Kind::Count(most) => value.parse::<i64>().is_ok_and(|number| (1..=most).contains(&number)),
            Kind::Text(most) => value.chars().count() <= most && !value.chars().any(char::is_control),
            Kind::Word(words) => words.contains(&value.as_str()),
        };
        if !fits || found.iter().any(|(before, _)| before == name) {
            return Err(unfit());
        }
        found.push((name.to_owned(), value));
    }
    Ok(found)
}
