//! Where the passphrase of the vault, the PIN of its token and other secrets come from.
//!
//! Owns: `env:NAME`, `file:PATH`, the prompt, and the file that a rehearsal centre made without one keeps.
//! Never: takes a passphrase as an argument, prints one.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use ring::rand::{SecureRandom, SystemRandom};
use zeroize::Zeroizing;

use super::VaultError;
use crate::output::Output;

/// A place that holds the passphrase.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// An environment variable.
    Environment(String),
    /// The first line of a file.
    File(PathBuf),
}

impl FromStr for Source {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once(':') {
            Some(("env", name)) if !name.is_empty() => Ok(Self::Environment(name.to_owned())),
            Some(("file", path)) if !path.is_empty() => Ok(Self::File(PathBuf::from(path))),
            _ => Err("write env:NAME or file:PATH; a secret itself is never an argument"),
        }
    }
}

impl Source {
    /// The secret: the variable, or the first line of the file.
    ///
    /// # Errors
    /// [`VaultError::PassphraseUnreadable`].
    pub fn read(&self) -> Result<Zeroizing<String>, VaultError> {
        let text = match self {
            Self::Environment(name) => std::env::var(name).ok(),
            Self::File(path) => std::fs::read_to_string(path).ok(),
        };
        let text = text.map(Zeroizing::new).ok_or_else(|| self.unreadable())?;
        let line = Zeroizing::new(text.lines().next().unwrap_or_default().to_owned());
        if line.is_empty() { Err(self.unreadable()) } else { Ok(line) }
    }

    fn unreadable(&self) -> VaultError {
        VaultError::PassphraseUnreadable { source_name: self.to_string() }
    }
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Environment(name) => write!(f, "env:{name}"),
            Self::File(path) => write!(f, "file:{}", path.display()),
        }
    }
}

/// The passphrase that opens the vault of `folder`: as named, as kept for a rehearsal, or asked for.
///
/// # Errors
/// [`VaultError::PassphraseUnreadable`], [`VaultError::PassphraseMissing`].
pub fn to_open(folder: &Path, source: Option<&Source>, output: &Output) -> Result<Zeroizing<String>, VaultError> {
    let kept = Source::File(folder.join(KEPT));
    match source {
        Some(source) => source.read(),
        None => kept.read().or_else(|_| output.ask(PROMPT).ok_or(VaultError::PassphraseMissing)),
    }
}

/// The passphrase of a new rehearsal vault: as named, asked for, or a random one that is kept in the folder.
///
/// # Errors
/// [`VaultError::PassphraseUnreadable`], [`VaultError::NoRandom`], [`VaultError::File`].
pub fn to_make(folder: &Path, source: Option<&Source>, output: &Output) -> Result<Zeroizing<String>, VaultError> {
    if let Some(source) = source {
        return source.read();
    }
    if let Some(asked) = output.ask(PROMPT) {
        return if asked.is_empty() { Err(VaultError::PassphraseMissing) } else { Ok(asked) };
    }
    let mut bytes = Zeroizing::new([0; 24]);
    SystemRandom::new().fill(&mut *bytes).map_err(|_| VaultError::NoRandom)?;
    let passphrase = Zeroizing::new(hex::encode_upper(*bytes));
    let path = folder.join(KEPT);
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&path)
        .and_then(|mut file| file.write_all(passphrase.as_bytes()).and_then(|()| file.sync_all()))
        .map_err(|source| VaultError::File { path, source })?;
    Ok(passphrase)
}

/// The PIN of the token: as named, or asked for.
///
/// # Errors
/// [`VaultError::PassphraseUnreadable`], [`VaultError::PinMissing`].
pub fn pin(source: Option<&Source>, output: &Output) -> Result<Zeroizing<String>, VaultError> {
    match source {
        Some(source) => source.read(),
        None => output.ask(("加密机 PIN: ", "PIN of the security module: ")).ok_or(VaultError::PinMissing),
    }
}

const PROMPT: (&str, &str) = ("密钥库口令: ", "vault passphrase: ");

const KEPT: &str = "rehearsal.passphrase";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_places_are_understood() {
        assert_eq!("env:PASS".parse(), Ok(Source::Environment("PASS".to_owned())));
        assert_eq!("file:/run/p".parse(), Ok(Source::File(PathBuf::from("/run/p"))));
        for text in ["secret", "env:", "file:", "stdin:x", ""] {
            assert!(text.parse::<Source>().is_err(), "{text:?}");
        }
    }
}
