//! The vault file: a TOML head that anyone may read, and a sealed body.
//! With a PKCS#11 token the body holds the signing key alone.
//!
//! Source: Argon2id (RFC 9106) makes the key; AES-256-GCM seals; the head is authenticated with the body.
//! Owns: the bytes of the file, their bounds. Never: judges the keys.

use std::fmt;
use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

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
pub(super) const MEMORY_KIB: u32 = 19_456;
pub(super) const PASSES: u32 = 2;
pub(super) const LANES: u32 = 1;
/// What a file may ask of this machine: 1 GiB, so that a forged head cannot exhaust it.
const MEMORY_KIB_MAX: u32 = 1 << 20;
/// Passes and lanes that a file may ask for, for the same reason.
const PASSES_MAX: u32 = 64;

/// Format written; format 1 is read.
const FORMAT: u32 = 2;

/// Where the upper keys of a vault are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Place {
    /// In the sealed file.
    #[default]
    File,
    /// In a PKCS#11 token; the file holds the signing key.
    Pkcs11,
}

impl Place {
    /// Name as written.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Pkcs11 => "pkcs11",
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    format: u32,
    kind: String,
    /// Absent in format 1: the keys are in the body.
    #[serde(default)]
    place: Place,
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
    /// A file with nothing in it yet, and a nonce of its own.
    fn new(kind: &str, place: Place, salt: String, cost: (u32, u32, u32)) -> Result<Self, VaultError> {
        let mut nonce = [0; NONCE_LEN];
        SystemRandom::new().fill(&mut nonce).map_err(|_| VaultError::NoRandom)?;
        let (memory_kib, passes, lanes) = cost;
        Ok(Self {
            format: FORMAT,
            kind: kind.to_owned(),
            place,
            kdf: "argon2id".to_owned(),
            memory_kib,
            passes,
            lanes,
            salt,
            cipher: "aes-256-gcm".to_owned(),
            nonce: hex::encode_upper(nonce),
            sealed: String::new(),
        })
    }

    /// Opens its body.
    fn open(&self, key: &LessSafeKey, path: &Path) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let malformed = || VaultError::Malformed { path: path.to_owned() };
        let mut body = Zeroizing::new(hex::decode(&self.sealed).map_err(|_| malformed())?);
        let nonce = self.nonce().ok_or_else(malformed)?;
        let shut = |_| VaultError::FileNotOpened { path: path.to_owned() };
        let plain = key.open_in_place(nonce, Aad::from(self.head()), &mut body).map_err(shut)?;
        let length = plain.len();
        body.truncate(length);
        Ok(body)
    }

    /// Seals a body into it and writes it where no file is.
    fn write(mut self, path: &Path, key: &LessSafeKey, mut body: Zeroizing<Vec<u8>>) -> Result<(), VaultError> {
        let failed = |source| VaultError::File { path: path.to_owned(), source };
        let nonce = self.nonce().expect("its own nonce");
        key.seal_in_place_append_tag(nonce, Aad::from(self.head()), &mut *body)
            .expect("a vault is far below the limit of AES-GCM");
        self.sealed = hex::encode_upper(&*body);
        let text = toml::to_string(&self).expect("a flat table of texts and numbers");
        let mut out = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(failed)?;
        out.write_all(text.as_bytes()).and_then(|()| out.sync_all()).map_err(failed)
    }

    /// Everything but the body, authenticated with it.
    fn head(&self) -> String {
        let Self { format, kind, place, kdf, memory_kib, passes, lanes, salt, cipher, nonce, sealed: _ } = self;
        let place = if *format == 1 { String::new() } else { format!(" {}", place.name()) };
        format!("issuer vault {format} {kind}{place} {kdf} {memory_kib} {passes} {lanes} {salt} {cipher} {nonce}")
    }

    fn key(&self, passphrase: &str) -> Option<LessSafeKey> {
        let place_known = self.format == FORMAT || self.format == 1 && self.place == Place::File;
        let known = place_known && self.kdf == "argon2id" && self.cipher == "aes-256-gcm";
        let salt = hex::decode(&self.salt).ok()?;
        if known { derive(passphrase, &salt, self.memory_kib, self.passes, self.lanes) } else { None }
    }

    fn nonce(&self) -> Option<Nonce> {
        let bytes: [u8; NONCE_LEN] = hex::decode(&self.nonce).ok()?.try_into().ok()?;
        Some(Nonce::assume_unique_for_key(bytes))
    }
}

/// The key of a passphrase; `None` for parameters that would exhaust a machine.
pub(super) fn derive(passphrase: &str, salt: &[u8], memory_kib: u32, passes: u32, lanes: u32) -> Option<LessSafeKey> {
    if memory_kib > MEMORY_KIB_MAX || passes > PASSES_MAX || lanes > PASSES_MAX {
        return None;
    }
    let params = Params::new(memory_kib, passes, lanes, Some(32)).ok()?;
    let mut key = Zeroizing::new([0; 32]);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(passphrase.as_bytes(), salt, &mut *key)
        .ok()?;
    Some(LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &*key).ok()?))
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rehearsal => "rehearsal",
            Self::Production => "production",
        })
    }
}

/// What a vault file holds.
pub(super) struct Opened {
    pub(super) kind: Kind,
    pub(super) place: Place,
    pub(super) ring: KeyRing,
    /// PKCS#8 of the signing key.
    pub(super) signer: Zeroizing<Vec<u8>>,
}

/// Opens a vault file.
pub(super) fn open(path: &Path, passphrase: &str) -> Result<Opened, VaultError> {
    let malformed = || VaultError::Malformed { path: path.to_owned() };
    let (file, body, _) = open_file(path, passphrase)?;
    let kind = [Kind::Rehearsal, Kind::Production].into_iter().find(|known| known.to_string() == file.kind);
    let (ring, signer) = unpack(&body, file.format).ok_or_else(malformed)?;
    Ok(Opened { kind: kind.ok_or_else(malformed)?, place: file.place, ring, signer })
}

/// Writes a new vault file, readable by its owner alone.
pub(super) fn write(
    path: &Path,
    passphrase: &str,
    kind: Kind,
    ring: Option<&KeyRing>,
    signer_pkcs8: &[u8],
) -> Result<(), VaultError> {
    let place = if ring.is_some() { Place::File } else { Place::Pkcs11 };
    write_file(path, passphrase, &kind.to_string(), place, pack(ring, signer_pkcs8))
}

/// Opens any sealed file: the kind that its head states, and its body.
pub(super) fn open_body(path: &Path, passphrase: &str) -> Result<(String, Zeroizing<Vec<u8>>), VaultError> {
    open_file(path, passphrase).map(|(file, body, _)| (file.kind, body))
}

/// Writes a new sealed file of another kind, readable by its owner alone.
pub(super) fn write_body(
    path: &Path,
    passphrase: &str,
    kind: &str,
    body: Zeroizing<Vec<u8>>,
) -> Result<(), VaultError> {
    write_file(path, passphrase, kind, Place::File, body)
}

/// What opens one sealed file, and what is written in its place, without the passphrase: the key made of it and its salt.
pub(super) struct Opener {
    salt: String,
    cost: (u32, u32, u32),
    key: LessSafeKey,
}

impl Opener {
    fn of(file: &File, key: LessSafeKey) -> Self {
        Self { salt: file.salt.clone(), cost: (file.memory_kib, file.passes, file.lanes), key }
    }

    /// Opens a file that was sealed under the same key.
    pub(super) fn open(&self, path: &Path) -> Result<(String, Zeroizing<Vec<u8>>), VaultError> {
        let file = read_file(path)?;
        if file.salt != self.salt || (file.memory_kib, file.passes, file.lanes) != self.cost {
            return Err(VaultError::FileNotOpened { path: path.to_owned() });
        }
        let body = file.open(&self.key, path)?;
        Ok((file.kind, body))
    }

    /// Writes a new file, sealed under the same key.
    pub(super) fn write(&self, path: &Path, kind: &str, body: Zeroizing<Vec<u8>>) -> Result<(), VaultError> {
        let file = File::new(kind, Place::File, self.salt.clone(), self.cost)?;
        file.write(path, &self.key, body)
    }
}

/// Opens any sealed file: the kind that its head states, its body, and what opens it again.
pub(super) fn open_to_keep(path: &Path, passphrase: &str) -> Result<(String, Zeroizing<Vec<u8>>, Opener), VaultError> {
    let (file, body, key) = open_file(path, passphrase)?;
    let opener = Opener::of(&file, key);
    Ok((file.kind, body, opener))
}

/// Puts what `write` makes in the place of a file: it is the old one or the new one, whenever power is lost.
pub(super) fn replace(path: &Path, write: impl FnOnce(&Path) -> Result<(), VaultError>) -> Result<(), VaultError> {
    let mut draft = path.as_os_str().to_owned();
    draft.push(".part");
    let draft = PathBuf::from(draft);
    match std::fs::remove_file(&draft) {
        Err(source) if source.kind() != ErrorKind::NotFound => {
            return Err(VaultError::File { path: draft, source });
        }
        _ => {}
    }
    write(&draft)?;
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::rename(&draft, path)
        .and_then(|()| std::fs::File::open(folder)?.sync_all())
        .map_err(|source| VaultError::File { path: path.to_owned(), source })
}

fn open_file(path: &Path, passphrase: &str) -> Result<(File, Zeroizing<Vec<u8>>, LessSafeKey), VaultError> {
    let file = read_file(path)?;
    let key = file.key(passphrase).ok_or_else(|| VaultError::Malformed { path: path.to_owned() })?;
    let body = file.open(&key, path)?;
    Ok((file, body, key))
}

/// What the readable head of a vault says of its kind, without a passphrase: good for a rule of care, proof of nothing.
///
/// # Errors
/// [`VaultError`].
pub(super) fn says_rehearsal(path: &Path) -> Result<bool, VaultError> {
    Ok(read_file(path)?.kind == Kind::Rehearsal.to_string())
}

fn read_file(path: &Path) -> Result<File, VaultError> {
    let malformed = || VaultError::Malformed { path: path.to_owned() };
    let bytes = std::fs::read(path).map_err(|source| match source.kind() {
        ErrorKind::NotFound => VaultError::NotFound { path: path.to_owned() },
        _ => VaultError::File { path: path.to_owned(), source },
    })?;
    let text = String::from_utf8(bytes).map_err(|_| malformed())?;
    toml::from_str(&text).map_err(|_| malformed())
}

fn write_file(
    path: &Path,
    passphrase: &str,
    kind: &str,
    place: Place,
    body: Zeroizing<Vec<u8>>,
) -> Result<(), VaultError> {
    let mut salt = [0; 16];
    SystemRandom::new().fill(&mut salt).map_err(|_| VaultError::NoRandom)?;
    let file = File::new(kind, place, hex::encode_upper(salt), (MEMORY_KIB, PASSES, LANES))?;
    let key = file.key(passphrase).expect("our own parameters are within their bounds");
    file.write(path, &key, body)
}

/// `name length ‖ name ‖ version ‖ levels ‖ factors(8 each) ‖ key(16)` for each key, a zero, then the PKCS#8 to the end.
/// Format 1 has neither levels nor factors.
fn pack(ring: Option<&KeyRing>, signer_pkcs8: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut body = Zeroizing::new(Vec::with_capacity(1 << 15));
    for (name, version, above, key) in ring.into_iter().flat_map(KeyRing::keys) {
        let name = name.as_str().as_bytes();
        body.push(u8::try_from(name.len()).expect("key names are a dozen letters"));
        body.extend_from_slice(name);
        body.push(version);
        body.push(u8::try_from(above.len()).expect("there are three levels"));
        body.extend(above.iter().flatten());
        body.extend_from_slice(key.expose());
    }
    body.push(0);
    body.extend_from_slice(signer_pkcs8);
    body
}

fn unpack(plain: &[u8], format: u32) -> Option<(KeyRing, Zeroizing<Vec<u8>>)> {
    let mut ring = KeyRing::new();
    let mut rest = plain;
    loop {
        let (length, after) = rest.split_first()?;
        if *length == 0 {
            return Some((ring, Zeroizing::new(after.to_vec())));
        }
        let (name, after) = after.split_at_checked(usize::from(*length))?;
        let (version, after) = after.split_first()?;
        let (levels, after) = if format == 1 { (&0, after) } else { after.split_first()? };
        let (above, after) = after.split_at_checked(8 * usize::from(*levels))?;
        let (key, after) = after.split_first_chunk::<16>()?;
        let name = KeyName::new(std::str::from_utf8(name).ok()?);
        ring.insert_below(name, *version, above.as_chunks::<8>().0.to_vec(), Key16::new(*key));
        rest = after;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file as the first version of the program wrote it: no place in the head, no levels in the body.
    fn format_1(passphrase: &str) -> String {
        let mut file = File {
            format: 1,
            kind: Kind::Rehearsal.to_string(),
            place: Place::File,
            kdf: "argon2id".to_owned(),
            memory_kib: MEMORY_KIB,
            passes: PASSES,
            lanes: LANES,
            salt: "00".repeat(16),
            cipher: "aes-256-gcm".to_owned(),
            nonce: "01".repeat(NONCE_LEN),
            sealed: String::new(),
        };
        let (salt, nonce) = (&file.salt, &file.nonce);
        let head = format!("issuer vault 1 rehearsal argon2id 19456 2 1 {salt} aes-256-gcm {nonce}");
        let mut body = b"\x06UKSSSE\x01keys-of-16-bytes\x00signer".to_vec();
        let key = file.key(passphrase).expect("parameters");
        key.seal_in_place_append_tag(file.nonce().expect("nonce"), Aad::from(head), &mut body).expect("sealed");
        file.sealed = hex::encode_upper(body);
        let text = toml::to_string(&file).expect("table");
        text.replace("place = \"file\"\n", "")
    }

    #[test]
    fn a_file_of_format_1_opens_with_its_keys_at_the_national_level() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("centre.vault");
        let text = format_1("p");
        assert!(text.contains("format = 1") && !text.contains("place"));
        std::fs::write(&path, &text).expect("written");
        let Ok(opened) = open(&path, "p") else { panic!("a file of format 1 opens") };
        let keys: Vec<_> =
            opened.ring.keys().map(|(name, version, above, _)| (name.to_string(), version, above.len())).collect();
        assert_eq!((keys, opened.signer.as_slice()), (vec![("UKSSSE".to_owned(), 1, 0)], &b"signer"[..]));
        std::fs::write(&path, format!("{text}place = \"pkcs11\"\n")).expect("written");
        assert!(open(&path, "p").is_err(), "a place is no word of format 1");
    }
}
