//! What can go wrong with the certificate application, its files and its PINs.
//!
//! Owns: these errors and their stable codes. Never: texts (`error::wording`), PINs, keys.

use card_profiles::certificate::Role;
use card_profiles::certificate::envelope::EnvelopeError;

use super::Code;

/// An error of the certificate application.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// The card has no certificate application.
    #[error("the card has no certificate application")]
    CertificatesMissing,
    /// A PIN, a key pair or a certificate that was never put on the card.
    #[error("the card has no {what} yet")]
    CardSecretMissing {
        /// Which.
        what: &'static str,
    },
    /// A key pair is there already.
    #[error("the card has a signing key pair; its certificate would be worth nothing")]
    KeyPairThere,
    /// A PIN with another number of digits than the card takes.
    #[error("the {role:?} PIN has {bytes} bytes of two digits")]
    CertificatePinLength {
        /// Whose PIN.
        role: Role,
        /// Bytes of BCD.
        bytes: u8,
    },
    /// An envelope that is none.
    #[error("{path}: {source}")]
    Envelope {
        /// File.
        path: String,
        /// Where and what.
        source: EnvelopeError,
    },
    /// An envelope for another card's key, or a damaged one.
    #[error("the card's signing key does not open the envelope")]
    EnvelopeForeign,
    /// A file that is not one DER sequence.
    #[error("{path}: not one certificate in DER")]
    CertificateMalformed {
        /// File.
        path: String,
    },
    /// A certificate longer than its file on the card.
    #[error("the certificate has {bytes} bytes, the card has room for {room}")]
    CertificateTooLong {
        /// Bytes given.
        bytes: usize,
        /// Bytes of the file.
        room: u16,
    },
    /// A certificate of another key.
    #[error("the certificate does not hold the card's public key")]
    CertificateForeign,
    /// The card's signature does not verify.
    #[error("the signature does not verify with the card's public key")]
    SignatureWrong,
}

impl CertificateError {
    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> Code {
        match self {
            Self::CertificatesMissing => Code::CertificatesMissing,
            Self::CardSecretMissing { .. } => Code::CardSecretMissing,
            Self::KeyPairThere => Code::KeyPairThere,
            Self::CertificatePinLength { .. } => Code::CertificatePinLength,
            Self::Envelope { .. } => Code::EnvelopeMalformed,
            Self::EnvelopeForeign => Code::EnvelopeForeign,
            Self::CertificateMalformed { .. } => Code::CertificateMalformed,
            Self::CertificateTooLong { .. } => Code::CertificateTooLong,
            Self::CertificateForeign => Code::CertificateForeign,
            Self::SignatureWrong => Code::SignatureWrong,
        }
    }
}
