//! Kinds of what an issuer writes: items of the card, card numbers, social security numbers.
//!
//! Owns: naming an item by its place in a profile. Never: a codec of its own; `card_profiles` has them.

use card_profiles::Profile;
use card_profiles::codec::{self, Value};
use card_profiles::format::{Format, FormatKind};
use card_profiles::identity::{self, CitizenNumber};

use super::{Computed, KindError, bytes};
use crate::case::Case;

/// Encodes `data` and decodes `out`.
pub(super) fn element(case: &Case) -> Result<Computed, KindError> {
    let format = format(&case.key).ok_or(KindError::Field { field: "key", expected: "item or format" })?;
    let value = match format.kind {
        FormatKind::CnAmount | FormatKind::BAmount | FormatKind::BSequence => {
            Value::Number(case.data.parse().map_err(|_| KindError::Field { field: "data", expected: "number" })?)
        }
        FormatKind::B | FormatKind::Cn | FormatKind::An | FormatKind::BTlv => case.data.as_str().into(),
    };
    let expected = bytes("out", &case.out)?;
    let computed = match codec::encode(format, &value) {
        Ok(encoded) => Computed::bytes(case, &encoded)?,
        Err(error) => Computed { expected: hex::encode_upper(&expected), got: error.to_string() },
    };
    let (decoded, faults) = codec::decode(format, &expected);
    if computed.expected == computed.got && (decoded != value || !faults.is_empty()) {
        let read = decoded.as_text().map_or_else(|| format!("{:?}", decoded.as_number()), str::to_owned);
        return Ok(Computed { got: format!("{}, which reads as {read:?} with {faults:?}", computed.got), ..computed });
    }
    Ok(computed)
}

/// `ssc-3.0/SSSE.EF05.card_number`, or a format such as `an(9)`.
fn format(key: &str) -> Option<Format> {
    let Some((profile, place)) = key.split_once('/') else { return Format::parse(key).ok() };
    let profile: Profile = card_profiles::builtin(profile)?;
    let mut parts = place.split('.');
    let (df, ef, item) = (parts.next()?, parts.next()?, parts.next()?);
    let elements = &profile.ef(df, ef)?.elements;
    let element = elements.iter().find(|element| *element.id == *item)?;
    match (parts.next(), parts.next()) {
        (None, _) => Some(element.format),
        (Some(inner), None) => element.inner.iter().find(|element| *element.id == *inner).map(|element| element.format),
        _ => None,
    }
}

/// Body with its check character.
pub(super) fn card_number(case: &Case) -> Result<Computed, KindError> {
    let number = identity::card_number(&case.data)
        .ok_or(KindError::Field { field: "data", expected: "body of a card number" })?;
    Ok(Computed::text(case, number))
}

/// What a social security number says, or what is wrong with it.
pub(super) fn citizen_number(case: &Case) -> Result<Computed, KindError> {
    let got = match CitizenNumber::parse(&case.data) {
        Ok(number) => format!("{}/{}/{}", number.region(), number.birth_date(), number.sex()),
        Err(error) => error.code().to_owned(),
    };
    Ok(Computed::text(case, got))
}
