//! Why somebody is not enrolled, certified or revoked.

use std::io;
use std::path::PathBuf;

use super::Kind;
use crate::error::Explain;
use crate::exit::Exit;
use crate::lang::Lang;
use crate::operator::OperatorError;
use crate::store::StoreError;
use crate::vault::VaultError;

/// Why a certificate is not given or taken.
#[derive(Debug, thiserror::Error)]
pub enum PeerError {
    /// The name cannot be used.
    #[error("{name:?} is no name of a {}", kind.role())]
    NameInvalid {
        /// What it would be.
        kind: Kind,
        /// The name.
        name: String,
    },
    /// No terminal of this number is registered.
    #[error("no terminal {name} is registered")]
    TerminalUnknown {
        /// The name.
        name: String,
    },
    /// The request cannot be read, or its signature is wrong.
    #[error("the file holds no certificate request")]
    RequestMalformed,
    /// The key is of another kind than stations have.
    #[error("the key of the request is not one of P-256")]
    KeyKind,
    /// The key was enrolled before.
    #[error("the key of the request is known already")]
    KeyKnown,
    /// Nothing waits to be certified.
    #[error("no request of {} {name} waits", kind.role())]
    NotEnrolled {
        /// What it would be.
        kind: Kind,
        /// The name.
        name: String,
    },
    /// Requests wait, and none has the key that was named.
    #[error("no request of {} {name} that waits has this key", kind.role())]
    KeyDiffers {
        /// What it would be.
        kind: Kind,
        /// The name.
        name: String,
    },
    /// There is no certificate to be had.
    #[error("no certificate of station {name} is kept")]
    NoCertificate {
        /// The name.
        name: String,
    },
    /// The operator who enrolled wants to certify.
    #[error("{} {name} was enrolled by the same operator", kind.role())]
    MakerIsChecker {
        /// What it would be.
        kind: Kind,
        /// The name.
        name: String,
    },
    /// There is no such station, or all its certificates are revoked.
    #[error("{} {name} has no certificate that could be revoked", kind.role())]
    NotFound {
        /// What it would be.
        kind: Kind,
        /// The name.
        name: String,
    },
    /// No station was ever certified.
    #[error("the centre has no certificate authority yet")]
    NoAuthority,
    /// A name under which the centre is to serve is none.
    #[error("a name of the centre is none")]
    ServerName,
    /// A file that was named.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The operator.
    #[error(transparent)]
    Operator(#[from] OperatorError),
    /// The authority's key.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Explain for PeerError {
    fn code(&self) -> &'static str {
        match self {
            Self::NameInvalid { kind: Kind::Station, .. } => "STATION_NAME_INVALID",
            Self::NameInvalid { kind: Kind::Client, .. } => "CLIENT_NAME_INVALID",
            Self::NameInvalid { kind: Kind::Terminal, .. } => "TERMINAL_NAME_INVALID",
            Self::TerminalUnknown { .. } => "TERMINAL_UNKNOWN",
            Self::RequestMalformed => "STATION_REQUEST_MALFORMED",
            Self::KeyKind => "STATION_KEY_KIND",
            Self::KeyKnown => "STATION_KEY_KNOWN",
            Self::KeyDiffers { kind: Kind::Station, .. } => "STATION_KEY_DIFFERS",
            Self::KeyDiffers { kind: Kind::Client, .. } => "CLIENT_KEY_DIFFERS",
            Self::KeyDiffers { kind: Kind::Terminal, .. } => "TERMINAL_KEY_DIFFERS",
            Self::NoCertificate { .. } => "STATION_CERTIFICATE_NOT_FOUND",
            Self::NotEnrolled { kind: Kind::Station, .. } => "STATION_NOT_ENROLLED",
            Self::NotEnrolled { kind: Kind::Client, .. } => "CLIENT_NOT_ENROLLED",
            Self::NotEnrolled { kind: Kind::Terminal, .. } => "TERMINAL_NOT_ENROLLED",
            Self::MakerIsChecker { kind: Kind::Station, .. } => "STATION_MAKER_IS_CHECKER",
            Self::MakerIsChecker { kind: Kind::Client, .. } => "CLIENT_MAKER_IS_CHECKER",
            Self::MakerIsChecker { kind: Kind::Terminal, .. } => "TERMINAL_MAKER_IS_CHECKER",
            Self::NotFound { kind: Kind::Station, .. } => "STATION_NOT_FOUND",
            Self::NotFound { kind: Kind::Client, .. } => "CLIENT_NOT_FOUND",
            Self::NotFound { kind: Kind::Terminal, .. } => "TERMINAL_NOT_CERTIFIED",
            Self::NoAuthority => "AUTHORITY_MISSING",
            Self::ServerName => "SERVER_NAME_INVALID",
            Self::File { .. } => "STATION_FILE_FAILED",
            Self::Operator(error) => error.code(),
            Self::Vault(error) => error.code(),
            Self::Store(error) => error.code(),
        }
    }

    fn what(&self, lang: Lang) -> String {
        match self {
            Self::NameInvalid { kind, name } => {
                let kind = kind.word(lang);
                lang.pick(format!("{name:?} 不能作{kind}名"), format!("{name:?} cannot be the name of a {kind}"))
            }
            Self::TerminalUnknown { name } => {
                lang.pick(format!("终端 {name} 未登记"), format!("no terminal {name} is registered"))
            }
            Self::RequestMalformed => lang
                .pick(
                    "文件不是证书请求，或其签名不对",
                    "the file holds no certificate request that is signed by its key",
                )
                .to_owned(),
            Self::KeyKind => lang
                .pick("请求中的密钥不是 P-256 椭圆曲线密钥", "the key of this request is not one of the curve P-256")
                .to_owned(),
            Self::KeyKnown => lang.pick("该密钥已登记过", "the key of this request was enrolled before").to_owned(),
            Self::KeyDiffers { kind, name } => {
                let kind = kind.word(lang);
                lang.pick(
                    format!("{kind} {name} 待签发的请求中没有这个密钥；未签发"),
                    format!("no request of {kind} {name} that waits has this key; nothing was certified"),
                )
            }
            Self::NoCertificate { name } => lang.pick(
                format!("工位 {name} 没有可取的有效证书"),
                format!("there is no certificate of station {name} to be had"),
            ),
            Self::NotEnrolled { kind, name } => {
                let kind = kind.word(lang);
                lang.pick(format!("{kind} {name} 没有待签发的请求"), format!("no request of {kind} {name} waits"))
            }
            Self::MakerIsChecker { kind, name } => {
                let kind = kind.word(lang);
                lang.pick(
                    format!("{kind} {name} 由本人登记，不能自己签发"),
                    format!("you enrolled {kind} {name} and cannot certify it"),
                )
            }
            Self::NotFound { kind, name } => {
                let kind = kind.word(lang);
                lang.pick(
                    format!("{kind} {name} 没有可吊销的证书"),
                    format!("{kind} {name} has no certificate that could be revoked"),
                )
            }
            Self::NoAuthority => lang.pick("中心还没有签发过证书", "the centre has never certified anybody").to_owned(),
            Self::ServerName => lang.pick("--tls-name 中有不可用的名称", "a name after --tls-name is none").to_owned(),
            Self::File { path, source } => {
                let path = path.display();
                lang.pick(format!("{path} 无法读写: {source}"), format!("{path} cannot be read or written: {source}"))
            }
            Self::Operator(error) => error.what(lang),
            Self::Vault(error) => error.what(lang),
            Self::Store(error) => error.what(lang),
        }
    }

    fn next(&self, lang: Lang) -> &'static str {
        match self {
            Self::NameInvalid { .. } => {
                lang.pick("用 1 至 32 个字母、数字、. - _", "use 1 to 32 letters, digits, `.`, `-`, `_`")
            }
            Self::TerminalUnknown { .. } => {
                lang.pick("用 issuer terminal list 查看", "see the terminals with `issuer terminal list`")
            }
            Self::KeyDiffers { kind: Kind::Terminal, .. } => lang.pick(
                "与终端电话核对密钥指纹；不符时用 issuer terminal revoke 作废该请求",
                "compare the fingerprint by telephone; if it differs, `issuer terminal revoke` the request",
            ),
            Self::KeyDiffers { kind: Kind::Client, .. } => lang.pick(
                "与客户端电话核对密钥指纹；不符时用 issuer client revoke 作废该请求",
                "compare the fingerprint by telephone; if it differs, `issuer client revoke` the request",
            ),
            Self::KeyDiffers { .. } => lang.pick(
                "与工位电话核对密钥指纹；不符时用 issuer station revoke 作废该请求",
                "compare the fingerprint with the station by telephone; if it differs, `issuer station revoke` the request",
            ),
            Self::RequestMalformed | Self::KeyKind => lang.pick(
                "用 issuer station request、issuer client request 或 sscard terminal request 在那里生成，原样带来",
                "make it there with `issuer station request`, `issuer client request` or `sscard terminal request`, and bring it unchanged",
            ),
            Self::KeyKnown => {
                lang.pick("在新目录中另做一个请求", "make another request, in a new folder")
            }
            Self::NotEnrolled { kind: Kind::Terminal, .. } => {
                lang.pick("先用 issuer terminal enrol 登记", "enrol it first with `issuer terminal enrol`")
            }
            Self::NotEnrolled { kind: Kind::Client, .. } => {
                lang.pick("先用 issuer client enrol 登记", "enrol it first with `issuer client enrol`")
            }
            Self::NotEnrolled { .. } => {
                lang.pick("先用 issuer station enrol 登记", "enrol it first with `issuer station enrol`")
            }
            Self::MakerIsChecker { .. } => {
                lang.pick("由另一位有 keys 角色的操作员签发", "let another operator with role keys certify it")
            }
            Self::NotFound { kind: Kind::Terminal, .. } => {
                lang.pick("用 issuer terminal certificates 查看", "see them with `issuer terminal certificates`")
            }
            Self::NotFound { kind: Kind::Client, .. } => {
                lang.pick("用 issuer client list 查看", "see the clients with `issuer client list`")
            }
            Self::NotFound { .. } | Self::NoCertificate { .. } => {
                lang.pick("用 issuer station list 查看", "see the stations with `issuer station list`")
            }
            Self::NoAuthority => lang
                .pick(
                "用 issuer client authority --out 文件 建立，并让浏览器和程序信任该文件中的证书",
                "make it with `issuer client authority --out FILE`; browsers and programs are to trust the certificate in it",
            ),
            Self::ServerName => lang.pick("给出主机名或 IP 地址", "give host names or IP addresses"),
            Self::File { .. } => lang.pick("检查路径和权限", "check the path and its permissions"),
            Self::Operator(error) => error.next(lang),
            Self::Vault(error) => error.next(lang),
            Self::Store(error) => error.next(lang),
        }
    }

    fn exit(&self) -> Exit {
        match self {
            Self::NameInvalid { .. } | Self::RequestMalformed | Self::KeyKind | Self::ServerName => Exit::Usage,
            Self::NotEnrolled { .. }
            | Self::NotFound { .. }
            | Self::TerminalUnknown { .. }
            | Self::NoCertificate { .. }
            | Self::NoAuthority => Exit::NotFound,
            Self::KeyDiffers { .. } => Exit::Mismatch,
            Self::KeyKnown | Self::MakerIsChecker { .. } => Exit::Refused,
            Self::File { .. } => Exit::Storage,
            Self::Operator(error) => error.exit(),
            Self::Vault(error) => error.exit(),
            Self::Store(error) => error.exit(),
        }
    }
}
