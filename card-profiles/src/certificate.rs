//! The certificate application (证书应用) of the third generation: what it holds, by which commands it is reached.
//!
//! Source: one or two programs a row, so that every row is of confidence M at best.
//! Owns: the rows. Never: computes SM2, SM3, SM4, sends.
//! Units: sizes in bytes.

use serde::Deserialize;

use crate::account::CommandRow;
use crate::profile::{hex_bytes, hex_u16};

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
    #[cfg_attr(test, schemars(with = "String"))]
    pub application_fid: u16,
    /// Files.
    pub file: Vec<CertificateFile>,
    /// PIN of the holder.
    pub user_pin: CertificatePin,
    /// PIN of the administrator.
    pub administrator_pin: CertificatePin,
    /// Commands.
    pub commands: CertificateCommands,
    /// What is assumed about these rows.
    #[serde(default)]
    pub assumed: Vec<String>,
}

/// A file of the certificate application.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct CertificateFile {
    /// `EF12`.
    pub id: String,
    /// Name in Chinese.
    pub name: String,
    /// File identifier.
    #[serde(deserialize_with = "hex_u16")]
    #[cfg_attr(test, schemars(with = "String"))]
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
    /// Sets the user PIN by its BCD digits.
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
}

#[cfg(test)]
mod tests {
    use crate::builtin;

    #[test]
    fn only_the_third_generation_has_the_certificate_application() {
        let rules = builtin("ssc-3.0").and_then(|profile| profile.certificate).expect("3.0 has it");
        let fids: Vec<u16> = rules.file.iter().map(|file| file.fid).collect();
        assert_eq!(fids, [0x0012, 0x0013, 0x0014, 0x0015, 0x0018, 0x0019]);
        assert_eq!((rules.user_pin.id, rules.administrator_pin.id), (0x81, 0x01));
        assert_eq!(rules.commands.generate_key_pair.header(), [0x80, 0x40, 0x00, 0x00]);
        assert!(builtin("ssc-3.0-sm4").expect("built in").certificate.is_some());
        for name in ["ssc-1.0", "ssc-2.0", "psam", "pboc-purse"] {
            assert!(builtin(name).expect("built in").certificate.is_none(), "{name}");
        }
    }
}
