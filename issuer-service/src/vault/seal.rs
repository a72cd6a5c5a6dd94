//! The vault file: a TOML head that anyone may read, and a sealed body.
//!
//! Source: Argon2id (RFC 9106) makes the key; AES-256-GCM seals; the head is authenticated with the body.
//! Owns: the bytes of the file, their bounds. Never: judges the keys.

use std::fmt;
use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use argon2::{Algorithm, Argon2, Params, Version};
use card_core::key::Key16;
use card_core::security::KeyName;
use card_core::security::keyring::KeyRing;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::rand::{SecureRandom, SystemRandom};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{Kind, VaultError};

/// Memory of one derivation: OWASP's lower bound for Argon2id with two passes.
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// What a file may ask of this machine: 1 GiB, so that a forged head cannot exhaust it.
const MEMORY_KIB_MAX: u32 = 1 << 20;
/// Passes and lanes that a file may ask for, for the same reason.
const PASSES_MAX: u32 = 64;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    format: u32,
    kind: Kind,
    kdf: String,
    memory_kib: u32,
    passes: u32,
    lanes: u32,
    salt: String,
    cipher: String,
    nonce: String,
    sealed: String,
}

impl File {
    /// Everything but the body, authenticated with it.
    fn head(&self) -> String {
        let Self { format, kind, kdf, memory_kib, passes, lanes, salt, cipher, nonce, sealed: _ } = self;
        format!("issuer vault {format} {kind} {kdf} {memory_kib} {passes} {lanes} {salt} {cipher} {nonce}")
    }

    fn key(&self, passphrase: &str) -> Option<LessSafeKey> {
        let known = self.format == 1 && self.kdf == "argon2id" && self.cipher == "aes-256-gcm";
        let bounded = self.memory_kib <= MEMORY_KIB_MAX && self.passes <= PASSES_MAX && self.lanes <= PASSES_MAX;
        if !known || !bounded {
            return None;
        }
        let params = Params::new(self.memory_kib, self.passes, self.lanes, Some(32)).ok()?;
        let salt = hex::decode(&self.salt).ok()?;
        let mut key = Zeroizing::new([0; 32]);
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(passphrase.as_bytes(), &salt, &mut *key)
            .ok()?;
        Some(LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &*key).ok()?))
    }

    fn nonce(&self) -> Option<Nonce> {
        let bytes: [u8; NONCE_LEN] = hex::decode(&self.nonce).ok()?.try_into().ok()?;
        Some(Nonce::assume_unique_for_key(bytes))
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rehearsal => "rehearsal",
            Self::Production => "production",
        })
    }
}

/// Opens a vault file: kind, keys, PKCS#8 of the signing key.
pub(super) fn open(path: &Path, passphrase: &str) -> Result<(Kind, KeyRing, Zeroizing<Vec<u8>>), VaultError> {
    let malformed = || VaultError::Malformed { path: path.to_owned() };
    let bytes = std::fs::read(path).map_err(|source| match source.kind() {
        ErrorKind::NotFound => VaultError::NotFound { path: path.to_owned() },
        _ => VaultError::File { path: path.to_owned(), source },
    })?;
    let text = String::from_utf8(bytes).map_err(|_| malformed())?;
    let file: File = toml::from_str(&text).map_err(|_| malformed())?;
    let mut body = Zeroizing::new(hex::decode(&file.sealed).map_err(|_| malformed())?);
    let key = file.key(passphrase).ok_or_else(malformed)?;
    let nonce = file.nonce().ok_or_else(malformed)?;
    let plain = key.open_in_place(nonce, Aad::from(file.head()), &mut body).map_err(|_| VaultError::NotOpened)?;
    let (ring, signer) = unpack(plain).ok_or_else(malformed)?;
    Ok((file.kind, ring, signer))
}

/// Writes a new vault file, readable by its owner alone.
pub(super) fn write(
    path: &Path,
    passphrase: &str,
    kind: Kind,
    ring: &KeyRing,
    signer_pkcs8: &[u8],
) -> Result<(), VaultError> {
    let failed = |source| VaultError::File { path: path.to_owned(), source };
    let random = SystemRandom::new();
    let (mut salt, mut nonce) = ([0; 16], [0; NONCE_LEN]);
    random.fill(&mut salt).and_then(|()| random.fill(&mut nonce)).map_err(|_| VaultError::NoRandom)?;
    let mut file = File {
        format: 1,
        kind,
        kdf: "argon2id".to_owned(),
        memory_kib: MEMORY_KIB,
        passes: PASSES,
        lanes: LANES,
        salt: hex::encode_upper(salt),
        cipher: "aes-256-gcm".to_owned(),
        nonce: hex::encode_upper(nonce),
        sealed: String::new(),
    };
    let key = file.key(passphrase).expect("our own parameters are within their bounds");
    let mut body = pack(ring, signer_pkcs8);
    key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(file.head()), &mut *body)
        .expect("a vault is far below the limit of AES-GCM");
    file.sealed = hex::encode_upper(&*body);
    let text = toml::to_string(&file).expect("a flat table of texts and numbers");
    let mut out = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(failed)?;
    out.write_all(text.as_bytes()).and_then(|()| out.sync_all()).map_err(failed)
}

/// `name length ‖ name ‖ version ‖ key(16)` for each key, a zero, then the PKCS#8 to the end.
fn pack(ring: &KeyRing, signer_pkcs8: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut body = Zeroizing::new(Vec::with_capacity(4096));
    for (name, version, key) in ring.keys() {
        let name = name.as_str().as_bytes();
        body.push(u8::try_from(name.len()).expect("key names are a dozen letters"));
        body.extend_from_slice(name);
        body.push(version);
        body.extend_from_slice(key.expose());
    }
    body.push(0);
    body.extend_from_slice(signer_pkcs8);
    body
}

fn unpack(plain: &[u8]) -> Option<(KeyRing, Zeroizing<Vec<u8>>)> {
    let mut ring = KeyRing::new();
    let mut rest = plain;
    loop {
        let (length, after) = rest.split_first()?;
        if *length == 0 {
            return Some((ring, Zeroizing::new(after.to_vec())));
        }
        let (name, after) = after.split_at_checked(usize::from(*length))?;
        let (version, after) = after.split_first()?;
        let (key, after) = after.split_first_chunk::<16>()?;
        ring.insert(KeyName::new(std::str::from_utf8(name).ok()?), *version, Key16::new(*key));
        rest = after;
    }
}
