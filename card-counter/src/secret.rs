//! Secrets of the command line: PINs named by `env:NAME`, `file:PATH` or typed at a prompt; never an argument.
//!
//! Source: PIN of 2 to 6 BCD bytes (LD/T 32.5 VERIFY); the initial PIN of a new card is a row of the profile.
//! Owns: where a secret comes from; the digits and their BCD. Never: shows or stores them.

use std::fmt;
use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::str::FromStr;

use card_core::pin::PinBcd;
use zeroize::Zeroizing;

use crate::error::TerminalError;

/// Where a secret comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretSource {
    /// Environment variable.
    Variable(String),
    /// First line of a file.
    File(PathBuf),
    /// Typed at the terminal without echo.
    Prompt,
    /// Written in no form known: perhaps the secret itself, so it is neither kept nor shown.
    Unknown,
}

impl FromStr for SecretSource {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text.split_once(':') {
            Some(("env", name)) if !name.is_empty() => Self::Variable(name.to_owned()),
            Some(("file", path)) if !path.is_empty() => Self::File(PathBuf::from(path)),
            _ if text == "prompt" => Self::Prompt,
            _ => Self::Unknown,
        })
    }
}

/// A card PIN: 4 to 12 digits.
#[derive(Clone)]
pub struct Pin(Zeroizing<String>);

impl Pin {
    /// Takes digits.
    ///
    /// # Errors
    /// [`TerminalError::PinFormat`] for anything but 4 to 12 digits.
    pub fn parse(digits: &str) -> Result<Self, TerminalError> {
        let fits = (4..=12).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
        if fits { Ok(Self(Zeroizing::new(digits.to_owned()))) } else { Err(TerminalError::PinFormat) }
    }

    /// Reads the PIN from its source; without a source it is asked for, if a person is there to ask.
    ///
    /// # Errors
    /// [`TerminalError::PinNeeded`] without source and terminal, [`TerminalError::SecretUnreadable`], [`TerminalError::PinFormat`].
    pub fn read(source: Option<&SecretSource>, prompt: &str) -> Result<Self, TerminalError> {
        Self::parse(&word(source, prompt)?)
    }

    /// BCD bytes, an odd count completed with F.
    #[must_use]
    pub fn to_bcd(&self) -> Zeroizing<Vec<u8>> {
        let nibbles: Zeroizing<Vec<u8>> = Zeroizing::new(self.0.bytes().map(|digit| digit - b'0').collect());
        Zeroizing::new(
            nibbles.chunks(2).map(|pair| pair.first().unwrap_or(&0xF) << 4 | pair.get(1).unwrap_or(&0xF)).collect(),
        )
    }

    /// The digits, for the one interface that hands them on.
    #[must_use]
    pub fn digits(&self) -> Zeroizing<String> {
        self.0.clone()
    }

    /// The same for the formulas of a card that hashes PINs.
    #[must_use]
    pub fn as_bcd(&self) -> PinBcd {
        PinBcd::parse(&self.0).expect("the same 4 to 12 digits")
    }

    /// Whether these are the digits that every new card is delivered with.
    #[must_use]
    pub fn is(&self, digits: &str) -> bool {
        self.0.as_str() == digits
    }
}

impl fmt::Debug for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pin(..)")
    }
}

/// The first line of a source; without a source it is asked for, if a person is there to ask.
///
/// # Errors
/// [`TerminalError::PinNeeded`] without source and terminal, [`TerminalError::SecretUnreadable`].
pub fn word(source: Option<&SecretSource>, prompt: &str) -> Result<Zeroizing<String>, TerminalError> {
    let text = match source {
        Some(SecretSource::Variable(name)) => {
            std::env::var(name).map_err(|_| TerminalError::SecretUnreadable { place: format!("env:{name}") })?
        }
        Some(SecretSource::File(path)) => std::fs::read_to_string(path)
            .map_err(|_| TerminalError::SecretUnreadable { place: format!("file:{}", path.display()) })?,
        Some(SecretSource::Prompt) => ask(prompt)?,
        Some(SecretSource::Unknown) => return Err(TerminalError::SecretForm),
        None if std::io::stdin().is_terminal() => ask(prompt)?,
        None => return Err(TerminalError::PinNeeded),
    };
    let text = Zeroizing::new(text);
    Ok(Zeroizing::new(text.lines().next().unwrap_or_default().trim().to_owned()))
}

fn ask(prompt: &str) -> Result<String, TerminalError> {
    rpassword::prompt_password(prompt).map_err(|_| TerminalError::PinNeeded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_variables_files_and_the_prompt_and_nothing_else() {
        assert_eq!("env:PIN".parse(), Ok(SecretSource::Variable("PIN".to_owned())));
        assert_eq!("file:/x/y:z".parse(), Ok(SecretSource::File(PathBuf::from("/x/y:z"))));
        assert_eq!("prompt".parse(), Ok(SecretSource::Prompt));
        for text in ["", "123456", "env:", "file:", "pass:123456", "ENV:PIN"] {
            assert_eq!(text.parse(), Ok(SecretSource::Unknown), "{text:?}");
        }
    }

    #[test]
    fn a_pin_is_bcd_with_f_after_an_odd_digit() {
        assert_eq!(hex::encode_upper(&*Pin::parse("123456").expect("pin").to_bcd()), "123456");
        assert_eq!(hex::encode_upper(&*Pin::parse("12345").expect("pin").to_bcd()), "12345F");
    }

    #[test]
    fn anything_but_4_to_12_digits_is_refused_and_never_shown() {
        for text in ["", "123", "1234567890123", "12a4", "１２３４"] {
            assert!(Pin::parse(text).is_err(), "{text:?}");
        }
        assert_eq!(format!("{:?}", Pin::parse("8642").expect("pin")), "Pin(..)");
    }
}
