//! The terminal itself: its Ed25519 key, its number, random ids.
//!
//! Source: Ed25519 (RFC 8032); the number is the PSAM's.
//! Owns: the key file (mode 0600) in the data folder. Never: shows the key; replaces it.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use ring::rand::{SecureRandom as _, SystemRandom};
use settlement::signing::TerminalKey;
use zeroize::Zeroizing;

use crate::error::TerminalError;
use crate::store::StoreError;

/// Name of the key file: 64 hex digits, the seed.
const KEY_FILE: &str = "terminal.key";

/// Reads the terminal's key.
///
/// # Errors
/// [`TerminalError::NotEnrolled`] when there is none, [`TerminalError::Store`] when it cannot be read.
pub fn key(folder: &Path) -> Result<TerminalKey, TerminalError> {
    let seed = seed(folder, KEY_FILE)?.ok_or(TerminalError::NotEnrolled)?;
    Ok(TerminalKey::from_seed(&seed))
}

/// Makes the terminal's key; an existing one stays.
///
/// # Errors
/// [`TerminalError::Store`] when it cannot be written.
pub fn make_key(folder: &Path) -> Result<TerminalKey, TerminalError> {
    Ok(TerminalKey::from_seed(&make_seed(folder, KEY_FILE)?))
}

/// The 32 bytes of a key file; `None` when there is none.
pub(crate) fn seed(folder: &Path, name: &str) -> Result<Option<Zeroizing<[u8; 32]>>, StoreError> {
    let path = folder.join(name);
    let place = path.display().to_string();
    let mut text = Zeroizing::new(String::new());
    match std::fs::File::open(&path).and_then(|mut file| file.read_to_string(&mut text)) {
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(StoreError::Folder { place, source }),
    }
    let mut seed = Zeroizing::new([0; 32]);
    hex::decode_to_slice(text.trim(), &mut seed[..])
        .map_err(|_| StoreError::Corrupt { place, reason: "a key file has 64 hex digits".to_owned() })?;
    Ok(Some(seed))
}

/// Makes a key file of 32 random bytes; an existing one stays.
pub(crate) fn make_seed(folder: &Path, name: &str) -> Result<Zeroizing<[u8; 32]>, TerminalError> {
    if let Some(seed) = seed(folder, name)? {
        return Ok(seed);
    }
    let path = folder.join(name);
    let fail = |source| StoreError::Folder { place: path.display().to_string(), source };
    let seed = Zeroizing::new(random::<32>()?);
    let text = Zeroizing::new(format!("{}\n", hex::encode_upper(&seed[..])));
    // Written aside and renamed: a key file is whole or not there.
    let aside = folder.join(format!("{name}.new"));
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&aside).map_err(fail)?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(fail)?;
    std::fs::rename(&aside, &path).map_err(fail)?;
    std::fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(fail)?;
    Ok(seed)
}

/// Random bytes of the system, for keys and ids.
///
/// # Errors
/// [`TerminalError::Bug`] when the system has none.
pub fn random<const N: usize>() -> Result<[u8; N], TerminalError> {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).map_err(|_| TerminalError::Bug("the system gives random bytes"))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn a_key_is_made_once_and_only_its_owner_reads_it() {
        let folder = tempfile::tempdir().expect("folder");
        assert!(matches!(key(folder.path()), Err(TerminalError::NotEnrolled)));
        let made = make_key(folder.path()).expect("made").public_key();
        assert_eq!(make_key(folder.path()).expect("kept").public_key(), made);
        assert_eq!(key(folder.path()).expect("read").public_key(), made);
        let mode = std::fs::metadata(folder.path().join(KEY_FILE)).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_damaged_key_file_is_an_error() {
        let folder = tempfile::tempdir().expect("folder");
        std::fs::write(folder.path().join(KEY_FILE), "0011").expect("written");
        assert!(matches!(key(folder.path()), Err(TerminalError::Store(StoreError::Corrupt { .. }))));
    }
}
