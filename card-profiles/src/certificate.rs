//! The certificate application (证书应用) of the third generation: what it holds, by which commands it is reached.
//!
//! Source: one or two programs a row, so that every row is of confidence M at best.
//! Owns: the rows, which files are a pair. Never: computes SM2, SM3, SM4, sends.
//! Units: sizes in bytes.

mod commands;
pub mod envelope;

use card_core::algorithm::{Algorithm, AlgorithmRules, MacBytes};
use card_core::crypto::{Block, KeyForm, KeyLength};
use card_core::security::{KeyName, KeyRef};
use serde::Deserialize;

pub use commands::{CertificateAnswer, CertificateTooLong, Role, certificate_in, certifies};

use crate::account::CommandRow;
use crate::profile::{hex_bytes, hex_u16, id, named};

/// Name of the application's master key (主控密钥), which no row of the profile's keys has.
pub const MASTER_KEY: &str = "MKCERT";

/// Certificate rows of a profile.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct CertificateRules {
    /// Name of the DDF: PKI.社会保障.
    #[serde(deserialize_with = "hex_bytes")]
    #[cfg_attr(test, schemars(with = "String"))]
    pub df_name: Vec<u8>,
    /// Name of the ADF below it: SS.CERT.ADF1.
    #[serde(deserialize_with = "hex_bytes")]
    #[cfg_attr(test, schemars(with = "String"))]
    pub application_name: Vec<u8>,
    /// FID of the ADF below it.
    #[serde(deserialize_with = "hex_u16")]
    #[cfg_attr(test, schemars(with = "String", extend("pattern" = "^[0-9A-Fa-f]{4}$")))]
    pub application_fid: u16,
    /// Files.
    pub file: Vec<CertificateFile>,
    /// PIN of the holder.
    pub user_pin: CertificatePin,
    /// PIN of the administrator.
    pub administrator_pin: CertificatePin,
    /// Commands.
    pub commands: CertificateCommands,
    /// What must be proved before each command. A text without it describes the application and says nothing of its rules:
    /// no software card performs it.
    #[serde(default)]
    pub access: Option<CertificateAccess>,
    /// Identity that enters a signature (用户标识).
    #[serde(default = "standard_id")]
    pub user_id: String,
    /// What the command that sets up a PIN does.
    #[serde(default)]
    pub set_up: PinSetUp,
    /// What the change of the administrator's PIN carries.
    #[serde(default)]
    pub new_pin: NewPin,
    /// How the private encryption key reaches the card.
    #[serde(default)]
    pub private_key: PrivateKeyForm,
    /// Which bytes of the last block are the MAC of a message.
    #[serde(default = "folded", deserialize_with = "named")]
    #[cfg_attr(test, schemars(with = "String"))]
    pub message_mac: MacBytes,
    /// Bytes of the challenge from which such a MAC starts, completed with zeros: 4 or 8.
    #[serde(default = "eight")]
    pub challenge: u8,
    /// Tries of the application's master key.
    #[serde(default = "three")]
    pub master_tries: u8,
    /// What is assumed about these rows.
    #[serde(default)]
    pub assumed: Vec<String>,
}

/// What must be proved before each command of the certificate application.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct CertificateAccess {
    /// Generate a key pair.
    pub generate: CertificateRight,
    /// Open an envelope, install the encryption key.
    pub install: CertificateRight,
    /// Write a certificate.
    pub write_certificate: CertificateRight,
    /// Sign.
    pub sign: CertificateRight,
    /// Set up a PIN once more; the first time nothing is asked.
    pub set_up_again: CertificateRight,
    /// Change the administrator's PIN, under the master key.
    pub change_administrator_pin: CertificateRight,
    /// Load another master key, under the present one.
    pub load_master_key: CertificateRight,
}

/// What a terminal proves to the certificate application.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum CertificateRight {
    /// Nothing.
    Free,
    /// Nothing helps.
    Never,
    /// The holder's PIN.
    UserPin,
    /// The administrator's PIN.
    AdministratorPin,
    /// The application's master key (主控密钥).
    MasterKey,
}

/// What the command that sets up a PIN does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum PinSetUp {
    /// The card hashes the digits and keeps the hash: the length says which PIN it is.
    #[default]
    Store,
    /// The card only answers the hash.
    Hash,
}

/// What the change of the administrator's PIN carries, enciphered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum NewPin {
    /// The first 16 bytes of SM3 of the digits.
    #[default]
    Hashed,
    /// A PIN block: count of BCD bytes, BCD, `80 00…`.
    Digits,
}

/// How the private encryption key reaches the card.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum PrivateKeyForm {
    /// As in the envelope, under the key that it carries; the card deciphers it.
    #[default]
    Enciphered,
    /// Deciphered by the terminal.
    Plain,
}

fn standard_id() -> String {
    "1234567812345678".to_owned()
}

const fn folded() -> MacBytes {
    MacBytes::Folded
}

const fn eight() -> u8 {
    8
}

const fn three() -> u8 {
    3
}

/// Signing by the card: no source shows the command, so that it has the shape of opening an envelope.
const fn assumed_sign() -> CommandRow {
    CommandRow { cla: 0x80, ins: 0x4C, p1: 0x00, p2: 0x00 }
}

/// A file of the certificate application.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct CertificateFile {
    /// `EF12`.
    #[serde(deserialize_with = "id")]
    #[cfg_attr(test, schemars(with = "String", extend("pattern" = "^[A-Za-z0-9_]+$")))]
    pub id: String,
    /// Name in Chinese.
    pub name: String,
    /// File identifier.
    #[serde(deserialize_with = "hex_u16")]
    #[cfg_attr(test, schemars(with = "String", extend("pattern" = "^[0-9A-Fa-f]{4}$")))]
    pub fid: u16,
    /// What it holds.
    pub content: CertificateContent,
    /// Bytes.
    pub size: u16,
    /// Whether it can be read at all: a private key never leaves the card.
    pub readable: bool,
    /// Confidence.
    #[serde(default)]
    pub confidence: Option<String>,
    /// What is assumed about this row.
    #[serde(default)]
    pub assumed: Option<String>,
}

/// What a file of the certificate application holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum CertificateContent {
    /// SM2 public key.
    PublicKey,
    /// SM2 private key.
    PrivateKey,
    /// Certificate, padded with 00.
    Certificate,
}

/// A PIN of the certificate application.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct CertificatePin {
    /// Its key id.
    pub id: u8,
    /// VERIFY: the data is `SM4(K, R ‖ 00×8)`, K the first 16 bytes of SM3 of the PIN in BCD.
    pub verify: CommandRow,
    /// Name for documents.
    pub name: String,
    /// Bytes of the digits in BCD; 0: 2 to 6.
    #[serde(default)]
    pub bytes: u8,
    /// Tries.
    #[serde(default = "three")]
    pub tries: u8,
}

/// Commands of the certificate application.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct CertificateCommands {
    /// Generates a key pair; data `C002` public file, `C202` private file.
    pub generate_key_pair: CommandRow,
    /// Asks for the public key of a file; data `C002` file.
    pub export_public_key: CommandRow,
    /// Fetches it: 66 bytes.
    pub fetch_public_key: CommandRow,
    /// Sets the user PIN by its BCD digits; data `C1` length digits.
    pub set_user_pin: CommandRow,
    /// Sets the administrator PIN by its BCD digits.
    pub set_administrator_pin: CommandRow,
    /// Changes the administrator PIN; data enciphered (16) and MAC (4).
    pub change_administrator_pin: CommandRow,
    /// Opens the envelope of the encryption key with the signing key.
    pub open_envelope: CommandRow,
    /// Deciphers the encryption key with the key of the envelope.
    pub decipher_key: CommandRow,
    /// Installs the public encryption key.
    pub install_public_key: CommandRow,
    /// Installs the private encryption key.
    pub install_private_key: CommandRow,
    /// Loads the application's master key; data enciphered (32) and MAC (4).
    pub load_master_key: CommandRow,
    /// EXTERNAL AUTHENTICATION with the master key: `SM4(K, R ‖ 00×8)`.
    pub authenticate: CommandRow,
    /// Signs a digest; data `C202` private file, `C120` digest; answers r and s.
    #[serde(default = "assumed_sign")]
    pub sign: CommandRow,
}

/// A key pair of the application, with its certificate.
#[derive(Clone, Copy, Debug)]
pub struct CertificatePair<'a> {
    /// Public key.
    pub public: &'a CertificateFile,
    /// Private key.
    pub private: &'a CertificateFile,
    /// Certificate.
    pub certificate: &'a CertificateFile,
}

impl CertificateRules {
    /// The pair that signs (签名): the first file of each content.
    #[must_use]
    pub fn signing(&self) -> Option<CertificatePair<'_>> {
        self.pair(0)
    }

    /// The pair that deciphers (加密): the second file of each content.
    #[must_use]
    pub fn encryption(&self) -> Option<CertificatePair<'_>> {
        self.pair(1)
    }

    fn pair(&self, place: usize) -> Option<CertificatePair<'_>> {
        let nth = |content| self.file.iter().filter(move |file| file.content == content).nth(place);
        Some(CertificatePair {
            public: nth(CertificateContent::PublicKey)?,
            private: nth(CertificateContent::PrivateKey)?,
            certificate: nth(CertificateContent::Certificate)?,
        })
    }

    /// The master key of the card with this factor: its own key, or the way to it from the key above all cards.
    #[must_use]
    pub fn master_key_of_card(&self, version: u8, card: Block) -> KeyRef {
        KeyRef { name: KeyName::new(MASTER_KEY), version, path: vec![card], form: self.key_form() }
    }

    /// How the card holds its master key.
    #[must_use]
    pub const fn key_form(&self) -> KeyForm {
        let mut rules = AlgorithmRules::of(Algorithm::Sm4);
        rules.message_mac = self.message_mac;
        KeyForm { rules, length: KeyLength::Sixteen }
    }
}

impl CertificateAccess {
    /// Every operation with what goes before it.
    #[must_use]
    pub const fn rows(&self) -> [(&'static str, CertificateRight); 7] {
        [
            ("generate", self.generate),
            ("install", self.install),
            ("write_certificate", self.write_certificate),
            ("sign", self.sign),
            ("set_up_again", self.set_up_again),
            ("change_administrator_pin", self.change_administrator_pin),
            ("load_master_key", self.load_master_key),
        ]
    }
}

impl CertificateRight {
    /// In words of both languages.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Free => "自由 free",
            Self::Never => "禁止 never",
            Self::UserPin => "用户 PIN user PIN",
            Self::AdministratorPin => "管理员 PIN administrator PIN",
            Self::MasterKey => "主控密钥 master key",
        }
    }
}

impl CertificatePin {
    /// Whether a PIN can have so many bytes of BCD.
    #[must_use]
    pub const fn fits(&self, bytes: usize) -> bool {
        match self.bytes {
            0 => bytes >= 2 && bytes <= 6,
            exact => bytes == exact as usize,
        }
    }
}

impl CertificateCommands {
    /// Every command with its name.
    #[must_use]
    pub const fn rows(&self) -> [(&'static str, CommandRow); 13] {
        [
            ("GENERATE KEY PAIR", self.generate_key_pair),
            ("EXPORT PUBLIC KEY", self.export_public_key),
            ("FETCH PUBLIC KEY", self.fetch_public_key),
            ("SET USER PIN", self.set_user_pin),
            ("SET ADMINISTRATOR PIN", self.set_administrator_pin),
            ("CHANGE ADMINISTRATOR PIN", self.change_administrator_pin),
            ("OPEN ENVELOPE", self.open_envelope),
            ("DECIPHER KEY", self.decipher_key),
            ("INSTALL PUBLIC KEY", self.install_public_key),
            ("INSTALL PRIVATE KEY", self.install_private_key),
            ("LOAD MASTER KEY", self.load_master_key),
            ("EXTERNAL AUTHENTICATION", self.authenticate),
            ("SIGN", self.sign),
        ]
    }
}

#[cfg(test)]
mod tests;
