//! What a ceremony must keep secret between its steps, and what it gives out at its end.
//!
//! Source: HKDF with SHA-256 (RFC 5869).
//! Owns: the sealed state, the shared secret, keys made of it, shares, the backup. Never: writes any of it unsealed.

use card_core::crypto::Block;
use card_core::key::Key16;
use card_core::security::KeyName;
use ring::digest::{SHA256, digest};
use ring::hkdf::{HKDF_SHA256, KeyType, Salt};
use ring::rand::{SecureRandom, SystemRandom};
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::component::Component;
use super::envelope::Lock;
use super::failure::CeremonyError;
use super::shamir::{self, Secret, Share};
use crate::vault::{Held, NewKey};

/// The state of an open ceremony: sealed under the passphrase of the vault.
#[derive(Serialize, Deserialize)]
pub(super) struct Secrets {
    /// 64 bytes of this machine: half for the secret, half for the polynomials of the shares.
    random: Hidden,
    #[serde(default)]
    contribution: Vec<Contribution>,
    #[serde(default)]
    pub(super) component: Vec<Component>,
}

#[derive(Serialize, Deserialize)]
struct Contribution {
    custodian: String,
    place: u8,
    /// 32 bytes: a contribution, or a share.
    value: Hidden,
    /// What will protect the custodian's share.
    salt: String,
    key: Hidden,
}

#[derive(Clone, Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
#[serde(transparent)]
struct Hidden(String);

impl Hidden {
    fn of(bytes: &[u8]) -> Self {
        Self(hex::encode_upper(bytes))
    }

    fn bytes<const N: usize>(&self) -> Option<Zeroizing<[u8; N]>> {
        let bytes = Zeroizing::new(hex::decode(&self.0).ok()?);
        Some(Zeroizing::new(bytes.as_slice().try_into().ok()?))
    }
}

impl Secrets {
    /// With new random numbers.
    pub(super) fn new() -> Result<Self, CeremonyError> {
        let mut random = Zeroizing::new([0; 64]);
        SystemRandom::new().fill(&mut *random).map_err(|_| CeremonyError::NoRandom)?;
        Ok(Self { random: Hidden::of(&*random), contribution: Vec::new(), component: Vec::new() })
    }

    /// Reads the sealed body.
    pub(super) fn parse(body: &[u8]) -> Option<Self> {
        toml::from_str(std::str::from_utf8(body).ok()?).ok()
    }

    /// The body to seal.
    pub(super) fn text(&self) -> Zeroizing<String> {
        Zeroizing::new(toml::to_string(self).expect("tables of texts and numbers"))
    }

    /// Takes a contribution of this machine's random numbers and of what the custodian typed; its check value.
    pub(super) fn contribute(
        &mut self,
        place: u8,
        custodian: &str,
        typed: &str,
        lock: &Lock,
    ) -> Result<String, CeremonyError> {
        let mut random = Zeroizing::new([0; 32]);
        SystemRandom::new().fill(&mut *random).map_err(|_| CeremonyError::NoRandom)?;
        let value = stretch(&[&random[..], typed.as_bytes()].concat(), "contribution", &[custodian]);
        let check_value = check_value("contribution", &*value);
        self.put(place, custodian, &value, lock);
        Ok(check_value)
    }

    /// Takes a share.
    pub(super) fn put(&mut self, place: u8, custodian: &str, value: &[u8; 32], lock: &Lock) {
        self.contribution.retain(|other| other.place != place);
        self.contribution.push(Contribution {
            custodian: custodian.to_owned(),
            place,
            value: Hidden::of(value),
            salt: hex::encode_upper(lock.salt),
            key: Hidden::of(&*lock.key),
        });
        self.contribution.sort_by_key(|other| other.place);
    }

    /// The secret of a generation, made of this machine's random numbers and of every contribution.
    pub(super) fn secret(&self) -> Option<Secret> {
        let random = self.random.bytes::<64>()?;
        let mut material = Zeroizing::new(random[..32].to_vec());
        for contribution in &self.contribution {
            material.extend_from_slice(&*contribution.value.bytes::<32>()?);
        }
        Some(stretch(&material, "secret", &[]))
    }

    /// The shares of the secret, each with what protects it. The same state gives the same shares.
    pub(super) fn shares(&self, secret: &[u8; 32], threshold: u8) -> Option<Vec<(Share, Lock)>> {
        let random = self.random.bytes::<64>()?;
        let degrees = (1..threshold).map(|degree| stretch(&random[32..], "polynomial", &[&degree.to_string()]));
        let coefficients: Vec<_> = degrees.collect();
        let count = u8::try_from(self.contribution.len()).ok()?;
        let shares = shamir::split(secret, &coefficients, count);
        shares
            .into_iter()
            .zip(&self.contribution)
            .map(|(share, of)| {
                let salt = hex::decode(&of.salt).ok()?.try_into().ok()?;
                Some((share, Lock { salt, key: of.key.bytes()? }))
            })
            .collect()
    }

    /// The secret of a restoration, joined from the shares contributed.
    pub(super) fn joined(&self) -> Option<Secret> {
        let share = |of: &Contribution| Some(Share { place: of.place, bytes: *of.value.bytes()? });
        let shares = self.contribution.iter().map(share).collect::<Option<Vec<Share>>>()?;
        Some(shamir::join(&shares))
    }
}

/// A key of the set, made of the secret.
pub(super) fn key(secret: &[u8; 32], name: &KeyName, version: u8) -> Key16 {
    let bytes = stretch(secret, "key", &[name.as_str(), &version.to_string()]);
    Key16::new(*bytes.first_chunk().expect("32 bytes begin with 16"))
}

/// The key under which the backup is sealed.
pub(super) fn backup_key(secret: &[u8; 32]) -> Zeroizing<[u8; 32]> {
    stretch(secret, "backup", &[])
}

/// By which people compare what they may not see: 3 bytes, hex.
pub(super) fn check_value(purpose: &str, bytes: &[u8]) -> String {
    let hash = digest(&SHA256, &[b"issuer ceremony ", purpose.as_bytes(), b"\0", bytes].concat());
    hex::encode_upper(hash.as_ref().first_chunk::<3>().expect("a hash has 32 bytes"))
}

/// Check value of a share.
pub(super) fn share_check_value(share: &Share) -> String {
    check_value("share", &[&[share.place], &share.bytes[..]].concat())
}

#[derive(Serialize, Deserialize)]
struct Backup {
    key: Vec<BackupKey>,
}

#[derive(Serialize, Deserialize)]
struct BackupKey {
    name: String,
    version: u8,
    above: Vec<String>,
    value: Hidden,
}

/// The body of a backup.
pub(super) fn pack(keys: &[NewKey]) -> Zeroizing<String> {
    let key = keys.iter().map(|key| BackupKey {
        name: key.held.name.to_string(),
        version: key.held.version,
        above: key.held.above.iter().map(hex::encode_upper).collect(),
        value: Hidden::of(key.key.expose()),
    });
    Zeroizing::new(toml::to_string(&Backup { key: key.collect() }).expect("tables of texts and numbers"))
}

/// The keys of a backup.
pub(super) fn unpack(body: &[u8]) -> Option<Vec<NewKey>> {
    let backup: Backup = toml::from_str(std::str::from_utf8(body).ok()?).ok()?;
    let factor = |text: &String| hex::decode(text).ok()?.try_into().ok();
    let key = |row: BackupKey| {
        let above = row.above.iter().map(factor).collect::<Option<Vec<Block>>>()?;
        let held = Held { name: KeyName::new(&row.name), version: row.version, above };
        Some(NewKey { held, key: Key16::new(*row.value.bytes()?) })
    };
    backup.key.into_iter().map(key).collect()
}

struct Length32;

impl KeyType for Length32 {
    fn len(&self) -> usize {
        32
    }
}

fn stretch(material: &[u8], purpose: &str, parts: &[&str]) -> Zeroizing<[u8; 32]> {
    let salt = Salt::new(HKDF_SHA256, b"issuer key ceremony 1");
    let parts: String = parts.iter().map(|part| format!("{}:{part}", part.len())).collect();
    let info = [purpose.as_bytes(), b"\0", parts.as_bytes()];
    let mut out = Zeroizing::new([0; 32]);
    let prk = salt.extract(material);
    prk.expand(&info, Length32).and_then(|okm| okm.fill(&mut *out)).expect("32 bytes are one block of HKDF");
    out
}
