//! What can go wrong with the line to the centre before a word is said over it: address, certificates of both ends.
//!
//! Owns: these errors and their stable codes. Never: texts (`error::wording`); shows a key.

use super::Code;
use crate::file;

/// The line to the centre is not opened, or a certificate is not taken over.
#[derive(Debug, thiserror::Error)]
pub enum LineFault {
    /// Plain HTTP to another machine.
    #[error("{address} is another machine, and http:// is read by everybody in between")]
    Plain {
        /// As configured.
        address: String,
    },
    /// The terminal has no certificate for its line.
    #[error("the terminal has no certificate of its centre")]
    NoCertificate,
    /// Nothing says whose certificate the national centre has.
    #[error("[national] authority is not set")]
    NoAuthority,
    /// A certificate comes without a request.
    #[error("{path}: the certificate is for no key of this terminal")]
    NotOurs {
        /// File.
        path: String,
    },
    /// The file is no certificate with its authority's behind it.
    #[error("{path}: a certificate with its authority's behind it was expected")]
    Malformed {
        /// File.
        path: String,
    },
    /// The file of the terminal's own key and certificate cannot be read or written.
    #[error("{path}: {source}")]
    File {
        /// File.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The one who answers has no certificate of the centre that certified this terminal, under this name.
    #[error("who answers at {address} has no certificate of this terminal's centre for that name")]
    NotTrusted {
        /// Address.
        address: String,
    },
    /// The centre's edge does not take the certificate.
    #[error("the centre does not take this terminal's certificate: {alert}")]
    Refused {
        /// Alert of TLS.
        alert: String,
    },
    /// The certificate is past its end.
    #[error("the terminal's certificate is past its end")]
    Expired,
}

impl LineFault {
    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> Code {
        match self {
            Self::Plain { .. } => Code::CentrePlain,
            Self::NoCertificate => Code::LineCertificateMissing,
            Self::NoAuthority => Code::LineAuthorityMissing,
            Self::NotOurs { .. } => Code::LineCertificateDiffers,
            Self::Malformed { .. } => Code::LineCertificateMalformed,
            Self::File { .. } => Code::StoreFailed,
            Self::NotTrusted { .. } => Code::CentreNotTrusted,
            Self::Refused { .. } => Code::LineCertificateRefused,
            Self::Expired => Code::LineCertificateExpired,
        }
    }

    /// The place in Chinese.
    pub(super) fn zh(&self) -> String {
        match self {
            Self::Plain { address } => format!("{address} 是另一台机器,http:// 途中人人可读"),
            Self::NoCertificate => "终端没有中心签发的线路证书".to_owned(),
            Self::NoAuthority => "没有设置 [national] authority".to_owned(),
            Self::NotOurs { path } => format!("{path}:证书不是为本终端的密钥签发的"),
            Self::Malformed { path } => format!("{path}:此处应为证书及其签发者的证书"),
            Self::File { path, source } => format!("{path}:{}", file::system(source).zh),
            Self::NotTrusted { address } => format!("{address} 出示的证书不是本终端的中心以该名称签发的"),
            Self::Refused { alert } => format!("中心不接受本终端的证书({alert})"),
            Self::Expired => "本终端的线路证书已过期".to_owned(),
        }
    }
}
