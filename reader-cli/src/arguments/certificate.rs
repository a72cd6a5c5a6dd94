//! `cert …`: the certificate application of cards of the third generation.
//!
//! Owns: its command line. Never: reads a file, talks to a card.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::PinArguments;
use card_counter::secret::SecretSource;

/// `cert …`.
#[derive(Debug, Subcommand)]
pub enum CertificateCommand {
    /// Show the public keys and certificates on the card. Needs no PIN.
    Show,
    /// Set up the PINs of a new card.
    SetUp(SetUpArguments),
    /// Verify a PIN of the certificate application.
    VerifyPin(VerifyArguments),
    /// Change the administrator's PIN, under the application's master key.
    ChangeAdministratorPin(ChangeArguments),
    /// Put another master key on the card, under the present one.
    LoadMasterKey(LoadArguments),
    /// Generate the key pair that signs; the card keeps the private key and shows the public one.
    Generate(GenerateArguments),
    /// Show a public key, or write it or its certificate to a file.
    Export(ExportArguments),
    /// Let the card sign a file: SM2 over SM3 with the identity of the card's profile. The signature is verified.
    Sign(SignArguments),
    /// Install certificates and the enveloped encryption key.
    Install(InstallArguments),
}

/// One of the two key pairs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Pair {
    /// The pair that signs.
    Signing,
    /// The pair that deciphers.
    Encryption,
}

/// `cert set-up`.
#[derive(Args, Debug)]
pub struct SetUpArguments {
    /// PIN of the holder, 5 or 6 digits on cards of the national profile.
    #[command(flatten)]
    pub pin: PinArguments,
    /// PIN of the administrator, 7 or 8 digits on cards of the national profile: env:NAME, file:PATH or prompt; set up where it is given.
    #[arg(long, value_name = "SOURCE")]
    pub administrator_pin: Option<SecretSource>,
    /// Set up a holder's PIN that is forgotten or blocked anew, under the administrator's.
    #[arg(long, requires = "administrator_pin")]
    pub again: bool,
}

/// `cert verify-pin`.
#[derive(Args, Debug)]
pub struct VerifyArguments {
    /// The administrator's PIN, not the holder's.
    #[arg(long)]
    pub administrator: bool,
    /// PIN.
    #[command(flatten)]
    pub pin: PinArguments,
}

/// `cert change-administrator-pin`.
#[derive(Args, Debug)]
pub struct ChangeArguments {
    /// The card's key MKCERT, in a key file marked REHEARSAL.
    #[arg(long, value_name = "FILE")]
    pub keys: PathBuf,
    /// The present PIN of the administrator.
    #[command(flatten)]
    pub pin: PinArguments,
    /// The new one: env:NAME, file:PATH or prompt.
    #[arg(long, value_name = "SOURCE")]
    pub new_pin: Option<SecretSource>,
}

/// `cert load-master-key`.
#[derive(Args, Debug)]
pub struct LoadArguments {
    /// The card's key MKCERT, in a key file marked REHEARSAL.
    #[arg(long, value_name = "FILE")]
    pub keys: PathBuf,
    /// The key that takes its place, in another such file.
    #[arg(long, value_name = "FILE")]
    pub new_keys: PathBuf,
    /// Spend a try of a key that the card refused before.
    #[arg(long)]
    pub last_try: bool,
}

/// `cert generate`.
#[derive(Args, Debug)]
pub struct GenerateArguments {
    /// Replace a key pair that is already there: what it signed stays signed, it signs nothing more.
    #[arg(long)]
    pub replace: bool,
    /// PIN of the holder.
    #[command(flatten)]
    pub pin: PinArguments,
}

/// `cert export`.
#[derive(Args, Debug)]
pub struct ExportArguments {
    /// Which pair.
    #[arg(value_enum, default_value_t = Pair::Signing)]
    pub pair: Pair,
    /// The certificate (DER), not the public key (X and Y).
    #[arg(long, requires = "out")]
    pub certificate: bool,
    /// File; without it, standard output.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// `cert sign`.
#[derive(Args, Debug)]
pub struct SignArguments {
    /// What is signed.
    pub file: PathBuf,
    /// File for the 64 bytes r and s; without it they stand on standard output only.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// PIN of the holder.
    #[command(flatten)]
    pub pin: PinArguments,
}

/// `cert install`.
#[derive(Args, Debug)]
#[group(required = true, multiple = true, id = "what")]
pub struct InstallWhat {
    /// Certificate of the signing key (DER).
    #[arg(long, value_name = "FILE")]
    pub signing_certificate: Option<PathBuf>,
    /// Envelope of the encryption key (hex of an ENVELOPEDKEYBLOB).
    #[arg(long, value_name = "FILE")]
    pub envelope: Option<PathBuf>,
    /// Certificate of the encryption key (DER).
    #[arg(long, value_name = "FILE")]
    pub encryption_certificate: Option<PathBuf>,
}

/// `cert install`.
#[derive(Args, Debug)]
pub struct InstallArguments {
    /// What.
    #[command(flatten)]
    pub what: InstallWhat,
    /// PIN of the holder.
    #[command(flatten)]
    pub pin: PinArguments,
}
