//! Our objects in a token: what they are made of, how they are found again.
//!
//! Source: PKCS #11 v2.40 (C_CreateObject, C_FindObjects).
//! Owns: their attributes, labels and ids. Never: gives a value out; takes an object of somebody else for its own.

use card_core::crypto::Block;
use card_core::key::Key16;
use card_core::security::KeyName;
use cryptoki::error::Error as ModuleError;
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::Session;

use crate::vault::is_export_key;
use crate::vault::key_store::Held;

/// Which of our objects one is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    /// The key of the city, or one that has no levels: cards are made of it.
    City,
    /// A key above it, for PSAMs.
    Psam,
}

impl Mark {
    const ALL: [Self; 2] = [Self::City, Self::Psam];

    /// How its CKA_ID begins.
    const fn text(self) -> &'static str {
        match self {
            Self::City => "issuer1",
            Self::Psam => "issuer1-psam",
        }
    }
}

/// What an object is made of. A key for PSAMs is wrappable: it has to get into them.
pub(super) fn template(mark: Mark, held: &Held, key: &Key16, extractable: bool) -> Vec<Attribute> {
    let wraps = is_export_key(&held.name);
    let leaves = mark == Mark::Psam || extractable && !wraps;
    vec![
        Attribute::Class(ObjectClass::SECRET_KEY),
        Attribute::KeyType(KeyType::DES2),
        Attribute::Token(true),
        Attribute::Private(true),
        Attribute::Sensitive(true),
        Attribute::Extractable(leaves),
        Attribute::Encrypt(true),
        Attribute::Decrypt(false),
        Attribute::Sign(false),
        Attribute::Verify(false),
        Attribute::Wrap(wraps),
        Attribute::Unwrap(false),
        Attribute::Derive(false),
        Attribute::Modifiable(false),
        Attribute::Label(label(mark, held).into_bytes()),
        Attribute::Id(id(mark, held).into_bytes()),
        Attribute::Value(key.expose().to_vec()),
    ]
}

/// `UKSSSE v1 513300sx`, for people.
fn label(mark: Mark, held: &Held) -> String {
    let psam = if mark == Mark::Psam { "PSAM " } else { "" };
    let level = held.above.last().map(|factor| String::from_utf8_lossy(factor).into_owned()).unwrap_or_default();
    format!("{psam}{} v{} {level}", held.name, held.version).trim_end().to_owned()
}

/// `issuer1:UKSSSE:1:FACTOR.FACTOR`, for this program.
fn id(mark: Mark, held: &Held) -> String {
    let above: Vec<String> = held.above.iter().map(hex::encode_upper).collect();
    format!("{}:{}:{}:{}", mark.text(), held.name, held.version, above.join("."))
}

fn parse_id(id: &[u8]) -> Option<(Mark, Held)> {
    let text = std::str::from_utf8(id).ok()?;
    let mut parts = text.split(':');
    let (mark, name, version, above) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let mark = Mark::ALL.into_iter().find(|known| known.text() == mark)?;
    if name.is_empty() || parts.next().is_some() {
        return None;
    }
    let factors = above.split('.').filter(|factor| !factor.is_empty());
    let above = factors.map(|factor| hex::decode(factor).ok()?.try_into().ok()).collect::<Option<Vec<Block>>>()?;
    Some((mark, Held { name: KeyName::new(name), version: version.parse().ok()?, above }))
}

/// Our objects.
pub(super) fn list(session: &Session) -> Result<Vec<(Mark, Held, ObjectHandle)>, ModuleError> {
    let ours = [Attribute::Class(ObjectClass::SECRET_KEY), Attribute::KeyType(KeyType::DES2), Attribute::Token(true)];
    let mut keys = Vec::new();
    for handle in session.find_objects(&ours)? {
        for attribute in session.get_attributes(handle, &[AttributeType::Id])? {
            if let Attribute::Id(id) = attribute
                && let Some((mark, held)) = parse_id(&id)
            {
                keys.push((mark, held, handle));
            }
        }
    }
    Ok(keys)
}

#[cfg(test)]
mod tests {
    use card_core::security::{CityCode, Factors};

    use super::*;

    #[test]
    fn an_object_id_says_name_version_and_level_and_others_are_left_alone() {
        let factors = Factors::of(CityCode::parse("513300").expect("digits"), [0; 8]);
        let name = KeyName::new("UKSSSE");
        for above in [vec![], vec![factors.province], vec![factors.province, factors.city]] {
            let held = Held { name: name.clone(), version: 3, above };
            for mark in Mark::ALL {
                assert_eq!(parse_id(id(mark, &held).as_bytes()), Some((mark, held.clone())));
            }
        }
        for foreign in [
            "",
            "key",
            "issuer1:UKSSSE:1",
            "issuer1::1:",
            "issuer1:A:300:",
            "issuer1:A:1:00",
            "issuer1:A:1::",
            "issuer2:A:1:",
        ] {
            assert_eq!(parse_id(foreign.as_bytes()), None, "{foreign:?}");
        }
    }
}
