//! Words of the text that become values: hexadecimal bytes, key names, choices by name.
//!
//! Owns: what is said when a word is none of those. Never: knows which row it stands in.

use std::sync::Arc;

use card_core::algorithm::{Algorithm, Named, Ssf33};
use card_core::crypto::KeyLength;
use card_core::security::KeyName;
use serde::Deserialize;
use serde::de::{self, Deserializer};

pub(crate) fn hex_bytes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    let text = String::deserialize(deserializer)?;
    hex::decode(&text).map_err(|_| de::Error::custom(format!("{text:?} is not hexadecimal bytes")))
}

pub(crate) fn hex_u16<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u16, D::Error> {
    let text = String::deserialize(deserializer)?;
    u16::from_str_radix(&text, 16)
        .ok()
        .filter(|_| text.len() == 4 && text.bytes().all(|byte| byte.is_ascii_hexdigit()))
        .ok_or_else(|| de::Error::custom(format!("{text:?} is not a file identifier of four hex digits")))
}

/// The name of a row as places and commands write it.
pub(crate) fn id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    match !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        true => Ok(text),
        false => Err(de::Error::custom(format!("{text:?} is no id: write letters A to Z, a to z, digits and _ only"))),
    }
}

/// Name of a profile: a word for commands and settings, at most 64 letters, digits, `.`, `_` and `-`, a letter or digit first.
pub(super) fn profile_name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    let is_sign = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    let begins = text.bytes().next().is_some_and(|first| first.is_ascii_alphanumeric());
    match begins && text.len() <= 64 && text.bytes().all(is_sign) {
        true => Ok(text),
        false => Err(de::Error::custom(format!(
            "{text:?} is no name of a profile: write 1 to 64 letters A to Z, a to z, digits, '.', '_' and '-', a letter or digit first"
        ))),
    }
}

/// As [`id`], which its places share.
pub(super) fn shared<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Arc<str>, D::Error> {
    Ok(id(deserializer)?.into())
}

pub(crate) fn key_name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<KeyName, D::Error> {
    Ok(KeyName::new(&String::deserialize(deserializer)?))
}

pub(super) fn key_length<'de, D: Deserializer<'de>>(deserializer: D) -> Result<KeyLength, D::Error> {
    let bytes = usize::deserialize(deserializer)?;
    KeyLength::of(bytes).ok_or_else(|| de::Error::custom(format!("a key has 8 or 16 bytes, not {bytes}")))
}

pub(super) fn algorithm<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Algorithm, D::Error> {
    match String::deserialize(deserializer)?.as_str() {
        "3des" => Ok(Algorithm::Tdes),
        "sm4" => Ok(Algorithm::Sm4),
        "ssf33" => Err(de::Error::custom(Ssf33)),
        other => Err(de::Error::custom(format!("{other:?} is neither \"3des\" nor \"sm4\""))),
    }
}

/// A choice by its name.
pub(crate) fn named<'de, D: Deserializer<'de>, T: Named>(deserializer: D) -> Result<T, D::Error> {
    let name = String::deserialize(deserializer)?;
    let names = || T::NAMES.iter().map(|(name, _)| format!("{name:?}")).collect::<Vec<_>>().join(" or ");
    T::named(&name).ok_or_else(|| de::Error::custom(format!("{name:?} where {} is expected", names())))
}

pub(super) fn choice<'de, D: Deserializer<'de>, T: Named>(deserializer: D) -> Result<Option<T>, D::Error> {
    named(deserializer).map(Some)
}
