//! Keys from above, brought in parts: a file stands for the mother card (母卡) of one custodian.
//!
//! Source: mother cards with a hand-over memo, as published papers describe them; parts joined by exclusive or (assumed).
//! Owns: the file, its check values, joining the parts. Never: lets one custodian bring two parts of a key.

use std::path::Path;

use card_core::crypto::Block;
use card_core::key::Key16;
use card_core::security::{CityCode, Factors, KeyName};
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop};

use super::failure::{CeremonyError, PartsFault};
use crate::vault::name::{check_value, is_transport_key};
use crate::vault::{EXPORT_KEY_NAME, Held, NewKey};

/// Level of a key in the published hierarchy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Level {
    /// 国家: the root key. Also keys that have no levels, as the transport key.
    Nation,
    /// 省.
    Province,
    /// 市.
    City,
}

impl Level {
    fn above(self, city: CityCode) -> Vec<Block> {
        let factors = Factors::of(city, [0; 8]);
        match self {
            Self::Nation => Vec::new(),
            Self::Province => vec![factors.province],
            Self::City => vec![factors.province, factors.city],
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MotherCard {
    component: Vec<Component>,
}

/// One part of one key.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Component {
    /// Name of the key.
    pub(super) key: String,
    /// Version, when it is not that of the ceremony: lot of a transport key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) version: Option<u8>,
    pub(super) level: Level,
    /// Which part, from 1.
    pub(super) part: u8,
    /// How many parts there are.
    pub(super) of: u8,
    /// 32 hex digits.
    value: Hidden,
    /// Check value of this part, 6 hex digits.
    pub(super) check_value: String,
    /// Check value of the whole key, 6 hex digits.
    pub(super) whole: String,
    /// Who brought it; not in the file.
    #[serde(default)]
    pub(super) custodian: String,
}

#[derive(Clone, Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
#[serde(transparent)]
struct Hidden(String);

impl Component {
    fn bytes(&self) -> Option<Key16> {
        Some(Key16::new(hex::decode(&self.value.0).ok()?.try_into().ok()?))
    }
}

/// Reads a mother card and checks each part against its own check value.
pub(super) fn read(path: &Path, names: &[KeyName]) -> Result<Vec<Component>, CeremonyError> {
    let malformed = |line, fault| CeremonyError::PartsMalformed { path: path.to_owned(), line, fault };
    let text = std::fs::read_to_string(path)
        .map(zeroize::Zeroizing::new)
        .map_err(|source| CeremonyError::File { path: path.to_owned(), source })?;
    let card: MotherCard = toml::from_str(&text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        malformed(line_of(&text, at), fault(error.message()))
    })?;
    let heads: Vec<usize> =
        text.lines().zip(1..).filter(|(line, _)| line.trim() == "[[component]]").map(|(_, line)| line).collect();
    for (place, component) in card.component.iter().enumerate() {
        let malformed = |fault| malformed(heads.get(place).copied().unwrap_or(1), fault);
        let bytes = component.bytes().ok_or_else(|| malformed(PartsFault::Value))?;
        if component.part == 0 || component.part > component.of || component.of < 2 {
            return Err(malformed(PartsFault::Part));
        }
        if !names.iter().any(|name| name.as_str() == component.key) {
            return Err(CeremonyError::KeyUnknown { name: KeyName::new(&component.key) });
        }
        let name = KeyName::new(&component.key);
        let (is_transport, is_export) = (is_transport_key(&name), component.key == EXPORT_KEY_NAME);
        let lot_missing = is_transport && component.version.is_none();
        if (is_transport || is_export) && component.level != Level::Nation || lot_missing {
            return Err(CeremonyError::LevelWrong { name, lot: is_transport });
        }
        let found = hex::encode_upper(check_value(&name, &bytes));
        if !found.eq_ignore_ascii_case(&component.check_value) {
            return Err(CeremonyError::PartWrong { name, part: component.part, found });
        }
    }
    if card.component.is_empty() { Err(malformed(1, PartsFault::Empty)) } else { Ok(card.component) }
}

/// Takes the parts of a key back that a custodian brought; which they were.
pub(super) fn take_back(
    all: &mut Vec<Component>,
    key: &str,
    version: Option<u8>,
    custodian: &str,
) -> Result<Vec<String>, CeremonyError> {
    let meant = |part: &Component| {
        part.custodian == custodian && part.key == key && (version.is_none() || part.version == version)
    };
    let gone: Vec<String> =
        all.iter().filter(|part| meant(part)).map(|part| format!("{} {}/{}", part.key, part.part, part.of)).collect();
    all.retain(|part| !meant(part));
    if gone.is_empty() { Err(CeremonyError::PartUnknown { custodian: custodian.to_owned() }) } else { Ok(gone) }
}

/// Line of a place in a text, from 1.
fn line_of(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
}

/// What the parser says, without what it may quote: the file holds parts of keys.
fn fault(message: &str) -> PartsFault {
    const NAMES: [&str; 8] = ["component", "key", "level", "part", "of", "value", "check_value", "whole"];
    let lacks = |name: &&&str| message.starts_with(&format!("missing field `{name}`"));
    if let Some(name) = NAMES.iter().find(lacks) {
        return if *name == "component" { PartsFault::Empty } else { PartsFault::Missing(name) };
    }
    match message {
        _ if message.starts_with("unknown field") => PartsFault::Name,
        _ if message.starts_with("unknown variant") => PartsFault::Level,
        _ => PartsFault::Toml,
    }
}

/// Adds what a custodian brought to what is there.
pub(super) fn add(all: &mut Vec<Component>, brought: Vec<Component>, custodian: &str) -> Result<(), CeremonyError> {
    for component in brought {
        let same = |other: &&Component| other.key == component.key && other.version == component.version;
        let name = || KeyName::new(&component.key);
        for other in all.iter().filter(same) {
            if other.custodian == custodian && other.part != component.part {
                return Err(CeremonyError::TwoParts { name: name(), custodian: custodian.to_owned() });
            }
            let fits = other.of == component.of && other.level == component.level && other.whole == component.whole;
            let taken = other.part == component.part && other.custodian != custodian;
            if !fits || taken {
                return Err(CeremonyError::PartsDiffer { name: name() });
            }
        }
        all.retain(|other| !(same(&other) && other.part == component.part));
        all.push(Component { custodian: custodian.to_owned(), ..component });
    }
    Ok(())
}

/// The whole keys; every part must be there and the whole must have its check value.
pub(super) fn join(all: &[Component], version: u8, city: CityCode) -> Result<Vec<NewKey>, CeremonyError> {
    let mut keys: Vec<NewKey> = Vec::new();
    for first in all.iter().filter(|component| component.part == 1) {
        let parts = all.iter().filter(|other| other.key == first.key && other.version == first.version);
        let name = KeyName::new(&first.key);
        let (mut count, mut whole) = (0, zeroize::Zeroizing::new([0; 16]));
        for part in parts {
            let bytes = part.bytes().ok_or(CeremonyError::PartsMissing { name: name.clone() })?;
            whole.iter_mut().zip(bytes.expose()).for_each(|(sum, byte)| *sum ^= byte);
            count += 1;
        }
        if count != first.of {
            return Err(CeremonyError::PartsMissing { name });
        }
        let key = Key16::new(*whole);
        let found = hex::encode_upper(check_value(&name, &key));
        if !found.eq_ignore_ascii_case(&first.whole) {
            return Err(CeremonyError::WholeWrong { name, found });
        }
        let held = Held { name, version: first.version.unwrap_or(version), above: first.level.above(city) };
        keys.push(NewKey { held, key });
    }
    // A key whose first part nobody brought.
    match all
        .iter()
        .find(|part| !all.iter().any(|first| first.part == 1 && first.key == part.key && first.version == part.version))
    {
        Some(orphan) => Err(CeremonyError::PartsMissing { name: KeyName::new(&orphan.key) }),
        None => Ok(keys),
    }
}
