//! Sealed files of a ceremony: what anyone may read, and a body for the one who has its secret.
//!
//! Source: AES-256-GCM (NIST SP 800-38D), Argon2id (RFC 9106) with fixed costs.
//! Owns: the bytes of such a file, and replacing one whole or not at all. Never: knows what the body means.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use argon2::{Algorithm, Argon2, Params, Version};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::rand::{SecureRandom, SystemRandom};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::failure::CeremonyError;

/// Cost of a passphrase: as of the vault.
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;

/// A key, and the salt that made it of a passphrase.
#[derive(Clone)]
pub(super) struct Lock {
    pub(super) salt: [u8; 16],
    pub(super) key: Zeroizing<[u8; 32]>,
}

impl Lock {
    /// Of a passphrase, with a new salt.
    pub(super) fn new(passphrase: &str) -> Result<Self, CeremonyError> {
        let mut salt = [0; 16];
        SystemRandom::new().fill(&mut salt).map_err(|_| CeremonyError::NoRandom)?;
        Ok(Self::of(passphrase, salt))
    }

    fn of(passphrase: &str, salt: [u8; 16]) -> Self {
        let params = Params::new(MEMORY_KIB, PASSES, 1, Some(32)).expect("our own parameters are within their bounds");
        let mut key = Zeroizing::new([0; 32]);
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(passphrase.as_bytes(), &salt, &mut *key)
            .expect("salt and length are within their bounds");
        Self { salt, key }
    }

    /// A key that no passphrase made.
    pub(super) fn bare(key: Zeroizing<[u8; 32]>) -> Self {
        Self { salt: [0; 16], key }
    }
}

/// What opens a file.
pub(super) enum Opener<'a> {
    Passphrase(&'a str),
    Key(Zeroizing<[u8; 32]>),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sealed<A> {
    format: u32,
    purpose: String,
    about: A,
    salt: String,
    nonce: String,
    sealed: String,
}

/// Seals `body`; `about` stays readable and cannot be changed either.
pub(super) fn seal<A: Serialize>(purpose: &str, about: &A, lock: &Lock, body: &[u8]) -> Result<String, CeremonyError> {
    let mut nonce = [0; NONCE_LEN];
    SystemRandom::new().fill(&mut nonce).map_err(|_| CeremonyError::NoRandom)?;
    let mut bytes = Zeroizing::new(body.to_vec());
    let head = head(purpose, about);
    cipher(&lock.key)
        .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(head), &mut *bytes)
        .expect("a body is far below the limit of AES-GCM");
    let file = Sealed {
        format: 1,
        purpose: purpose.to_owned(),
        about,
        salt: hex::encode_upper(lock.salt),
        nonce: hex::encode_upper(nonce),
        sealed: hex::encode_upper(&*bytes),
    };
    Ok(toml::to_string(&file).expect("tables of texts and numbers"))
}

/// What anyone may read of a file; nothing proves it until the file is opened.
pub(super) fn about<A: for<'de> Deserialize<'de>>(path: &Path, purpose: &'static str) -> Result<A, CeremonyError> {
    Ok(read(path, purpose)?.about)
}

/// Opens a file: its head, now proved, and its body.
pub(super) fn open<A: Serialize + for<'de> Deserialize<'de>>(
    path: &Path,
    purpose: &'static str,
    opener: &Opener<'_>,
) -> Result<(A, Zeroizing<Vec<u8>>), CeremonyError> {
    let file: Sealed<A> = read(path, purpose)?;
    let malformed = || CeremonyError::FileMalformed { path: path.to_owned() };
    let salt: [u8; 16] = hex::decode(&file.salt).ok().and_then(|salt| salt.try_into().ok()).ok_or_else(malformed)?;
    let nonce: [u8; NONCE_LEN] =
        hex::decode(&file.nonce).ok().and_then(|nonce| nonce.try_into().ok()).ok_or_else(malformed)?;
    let mut bytes = Zeroizing::new(hex::decode(&file.sealed).map_err(|_| malformed())?);
    let key = match opener {
        Opener::Passphrase(passphrase) => Lock::of(passphrase, salt).key,
        Opener::Key(key) => key.clone(),
    };
    let aad = Aad::from(head(purpose, &file.about));
    let length = cipher(&key)
        .open_in_place(Nonce::assume_unique_for_key(nonce), aad, &mut bytes)
        .map_err(|_| CeremonyError::FileNotOpened { path: path.to_owned() })?
        .len();
    bytes.truncate(length);
    Ok((file.about, bytes))
}

/// Puts a file in its place whole or not at all, readable by its owner alone.
pub(super) fn place(path: &Path, text: &str) -> Result<(), CeremonyError> {
    let failed = |source| CeremonyError::File { path: path.to_owned(), source };
    let folder = path.parent().unwrap_or(Path::new("."));
    let draft = path.with_extension("new");
    let work = || -> io::Result<()> {
        fs::create_dir_all(folder)?;
        match fs::remove_file(&draft) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        rename(&draft, path)
    };
    work().map_err(failed)
}

/// Gives a file that is durable another name, durably.
pub(super) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)?;
    File::open(to.parent().unwrap_or(Path::new(".")))?.sync_all()
}

fn read<A: for<'de> Deserialize<'de>>(path: &Path, purpose: &'static str) -> Result<Sealed<A>, CeremonyError> {
    let malformed = || CeremonyError::FileMalformed { path: path.to_owned() };
    let text = fs::read_to_string(path).map_err(|source| match source.kind() {
        ErrorKind::InvalidData => malformed(),
        _ => CeremonyError::File { path: path.to_owned(), source },
    })?;
    let file: Sealed<A> = toml::from_str(&text).map_err(|_| malformed())?;
    if file.format == 1 && file.purpose == purpose { Ok(file) } else { Err(malformed()) }
}

fn head<A: Serialize>(purpose: &str, about: &A) -> String {
    format!("issuer {purpose} 1\n{}", toml::to_string(about).expect("tables of texts and numbers"))
}

fn cipher(key: &[u8; 32]) -> LessSafeKey {
    LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).expect("32 bytes"))
}
