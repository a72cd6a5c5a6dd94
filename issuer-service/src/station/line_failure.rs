//! What goes wrong on the line between a station and its centre, at either end.
//!
//! Owns: the codes that cross the line, and how a station that hears one ends. Never: shows what a message held.

use std::io;
use std::path::PathBuf;

use super::failure::DATA_CHANGED;
use crate::error::Explain;
use crate::exit::Exit;
use crate::lang::Lang;

/// Why the line does not serve.
#[derive(Debug, thiserror::Error)]
pub enum LineError {
    /// The centre does not answer.
    #[error("{centre} does not answer")]
    Unreachable {
        /// Its address.
        centre: String,
    },
    /// Whoever answers is not this station's centre.
    #[error("{centre} has no certificate of this station's centre")]
    NotTrusted {
        /// Its address.
        centre: String,
    },
    /// The centre refuses this station's certificate: it has expired, or another authority made it.
    #[error("the centre refuses the certificate of this station: {alert}")]
    CertificateRefused {
        /// What TLS says.
        alert: String,
    },
    /// The centre does not do as asked.
    #[error("the centre refuses: {code}")]
    Refused {
        /// Code.
        code: &'static str,
        /// What happened, and what to do, as the centre says it.
        message: String,
        /// How the run ends.
        exit: Exit,
    },
    /// The answer cannot be understood.
    #[error("the centre's answer cannot be understood")]
    Nonsense,
    /// A file in the station's folder.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file in the station's folder is not what it should be.
    #[error("{path} cannot be used")]
    FileMalformed {
        /// The file.
        path: PathBuf,
    },
    /// Another process works with the station's folder.
    #[error("another process works with {folder}")]
    Busy {
        /// The folder.
        folder: PathBuf,
    },
    /// The address is none of a centre.
    #[error("the address of the centre begins with https://")]
    Address,
    /// At the centre: the certificate is not one that this centre gave to a station.
    #[error("the certificate belongs to no station")]
    Unknown,
    /// At the centre: the certificate is revoked.
    #[error("the certificate of station {station} is revoked")]
    Revoked {
        /// Station.
        station: String,
    },
    /// At the centre: the message is none.
    #[error("the message cannot be understood")]
    Malformed,
    /// At the centre: the station's certificate has ended.
    #[error("the certificate of station {station} has expired")]
    Expired {
        /// Its name.
        station: String,
    },
    /// At the centre: the message is longer than any.
    #[error("the message is too large")]
    TooLarge,
    /// At the centre: nothing is asked there.
    #[error("there is no such path")]
    PathUnknown,
    /// At the centre: another message had this id.
    #[error("the id belongs to another message")]
    Reused,
    /// At the centre: the job is not one of this station's.
    #[error("job {job} is not one of this station's")]
    NotYours {
        /// Job.
        job: i64,
    },
    /// At the centre: the station has not begun a run of the batch.
    #[error("the station has not begun batch {batch}")]
    NotBegun {
        /// Batch.
        batch: i64,
    },
    /// At the centre: the operation is not in the plan of the job's card.
    #[error("job {job} needs no such cryptogram: {keys}")]
    KeyRefused {
        /// Job.
        job: i64,
        /// The keys named.
        keys: String,
    },
    /// At the centre: too many cryptograms for one card.
    #[error("too many cryptograms for the card of job {job}")]
    KeyLimit {
        /// Job.
        job: i64,
    },
    /// At the centre: the station's card type has another text.
    #[error("the card types of station and centre differ")]
    ProfileDiffers,
}

/// Codes that cross the line, beside those of [`LineError`] itself.
const CODES: &[&str] = &[
    "STATION_UNKNOWN",
    "STATION_REVOKED",
    "STATION_EXPIRED",
    "STATION_MESSAGE_TOO_LARGE",
    "STATION_PATH_UNKNOWN",
    "STATION_MESSAGE_MALFORMED",
    "STATION_MESSAGE_REUSED",
    "STATION_JOB_NOT_YOURS",
    "STATION_NOT_BEGUN",
    "STATION_KEY_REFUSED",
    "STATION_KEY_LIMIT",
    "STATION_PROFILE_DIFFERS",
    "STATION_READ_BACK_DIFFERS",
    DATA_CHANGED,
    "READER_HELD",
    "LOT_HELD",
    "CARD_TEXT_CHANGED",
    "CARD_TYPE_KEYS_MISSING",
    "BATCH_NOT_FOUND",
    "BATCH_STATE",
    "OPERATOR_DISABLED",
    "OPERATOR_UNKNOWN",
    "OPERATOR_ROLE_MISSING",
    "STATE_MOVED",
    "ROW_EXISTS",
    "CARD_CONTENT",
    "KEY_NOT_FOUND",
    "PERSON_NOT_FOUND",
];

/// Codes of refusals after which an outcome that was sent again would be refused again: it is decided.
const FINAL: [&str; 4] =
    ["STATE_MOVED", "STATION_READ_BACK_DIFFERS", "STATION_JOB_NOT_YOURS", "STATION_MESSAGE_REUSED"];

impl LineError {
    /// Whether the centre has decided for good about the outcome that was sent. What refuses today, a role that an operator
    /// lacks or a program that is older, may not tomorrow.
    #[must_use]
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Refused { code, .. } if FINAL.contains(code))
    }

    /// Whether the outcome that was sent is that of a card which is to be written anew.
    #[must_use]
    pub fn wants_it_anew(&self) -> bool {
        matches!(self, Self::Refused { code, .. } if *code == DATA_CHANGED)
    }

    /// A refusal that came over the line.
    #[must_use]
    pub fn refused(code: &str, message: String, exit: Exit) -> Self {
        let code = CODES.iter().find(|known| **known == code).copied().unwrap_or("CENTRE_REFUSED");
        Self::Refused { code, message, exit }
    }
}

impl Explain for LineError {
    fn code(&self) -> &'static str {
        match self {
            Self::Unreachable { .. } => "CENTRE_UNREACHABLE",
            Self::NotTrusted { .. } => "CENTRE_NOT_TRUSTED",
            Self::CertificateRefused { .. } => "STATION_CERTIFICATE_REFUSED",
            Self::Refused { code, .. } => code,
            Self::Nonsense => "CENTRE_ANSWER_MALFORMED",
            Self::File { .. } => "STATION_FILE_FAILED",
            Self::FileMalformed { .. } => "STATION_FILE_MALFORMED",
            Self::Busy { .. } => "STATION_BUSY",
            Self::Address => "CENTRE_ADDRESS",
            Self::Unknown => "STATION_UNKNOWN",
            Self::Revoked { .. } => "STATION_REVOKED",
            Self::Expired { .. } => "STATION_EXPIRED",
            Self::TooLarge => "STATION_MESSAGE_TOO_LARGE",
            Self::PathUnknown => "STATION_PATH_UNKNOWN",
            Self::Malformed => "STATION_MESSAGE_MALFORMED",
            Self::Reused => "STATION_MESSAGE_REUSED",
            Self::NotYours { .. } => "STATION_JOB_NOT_YOURS",
            Self::NotBegun { .. } => "STATION_NOT_BEGUN",
            Self::KeyRefused { .. } => "STATION_KEY_REFUSED",
            Self::KeyLimit { .. } => "STATION_KEY_LIMIT",
            Self::ProfileDiffers => "STATION_PROFILE_DIFFERS",
        }
    }

    fn what(&self, lang: Lang) -> String {
        let plain = |zh: &str, en: &str| lang.pick(zh, en).to_owned();
        match self {
            Self::Unreachable { centre } => lang.pick(
                format!("{centre} 没有应答；已记下的不会丢失，写到一半的卡未记为制成"),
                format!("{centre} does not answer; what is recorded is kept, and no half-written card is called made"),
            ),
            Self::NotTrusted { centre } => lang.pick(
                format!("{centre} 出示的证书不是本工位所属中心签发的，或名称不符；未发送任何内容"),
                format!("{centre} shows no certificate of this station's centre, or of another name; nothing was sent"),
            ),
            Self::CertificateRefused { alert } => lang.pick(
                format!("中心不接受本工位的证书: {alert}"),
                format!("the centre does not accept the certificate of this station: {alert}"),
            ),
            Self::Refused { message, .. } => {
                lang.pick(format!("中心拒绝: {message}"), format!("the centre refuses: {message}"))
            }
            Self::Nonsense => plain("不能理解中心的应答", "the centre's answer cannot be understood"),
            Self::File { path, source } => {
                let path = path.display();
                lang.pick(format!("{path} 无法读写: {source}"), format!("{path} cannot be read or written: {source}"))
            }
            Self::FileMalformed { path } => {
                let path = path.display();
                lang.pick(format!("{path} 不可用"), format!("{path} is not what it should be"))
            }
            Self::Busy { folder } => {
                let folder = folder.display();
                lang.pick(format!("另一进程正在使用 {folder}"), format!("another process works with {folder}"))
            }
            Self::Address => plain("中心地址须以 https:// 开头", "the address of a centre begins with https://"),
            Self::Unknown => {
                plain("证书不属于本中心的任何工位", "the certificate belongs to no station of this centre")
            }
            Self::Revoked { station } => lang.pick(
                format!("工位 {station} 的证书已吊销"),
                format!("the certificate of station {station} is revoked"),
            ),
            Self::Expired { station } => lang.pick(
                format!("工位 {station} 的证书已过期"),
                format!("the certificate of station {station} has expired"),
            ),
            Self::TooLarge => plain("消息过长", "the message is too large"),
            Self::PathUnknown => plain("没有这个地址", "there is no such path"),
            Self::Malformed => plain("不能理解该消息", "the message cannot be understood"),
            Self::Reused => plain("此消息号已用于另一消息", "the id belongs to another message"),
            Self::NotYours { job } => {
                lang.pick(format!("任务 {job} 不属于本工位"), format!("job {job} is not one of this station's"))
            }
            Self::NotBegun { batch } => lang.pick(
                format!("本工位没有开始批次 {batch}，或中心的卡片描述已变"),
                format!("this station has not begun batch {batch}, or the centre's card type has changed since"),
            ),
            Self::KeyRefused { job, keys } => lang.pick(
                format!("任务 {job} 的制卡步骤中没有这一密钥运算: {keys}"),
                format!("the plan of job {job} has no such use of keys: {keys}"),
            ),
            Self::KeyLimit { job } => lang.pick(
                format!("任务 {job} 的卡请求密钥运算次数过多"),
                format!("too many cryptograms were asked for the card of job {job}"),
            ),
            Self::ProfileDiffers => {
                plain("工位与中心的卡片描述不同", "station and centre have different texts of the card type")
            }
        }
    }

    fn next(&self, lang: Lang) -> &'static str {
        match self {
            Self::Unreachable { .. } => lang.pick(
                "检查线路和中心；恢复后放回同一张卡，再运行同一命令",
                "check the line and the centre; when it is back, put the same card in and run the same command",
            ),
            Self::NotTrusted { .. } => lang.pick(
                "核对 --centre 地址；若无误，可能有人冒充中心",
                "compare the address after --centre; if it is right, somebody may pose as the centre",
            ),
            Self::CertificateRefused { .. } | Self::Unknown | Self::Revoked { .. } => lang.pick(
                "在中心用 issuer station list 查看；需要时重新登记和签发",
                "look at the centre with `issuer station list`; enrol and certify again if need be",
            ),
            Self::Refused { .. } => lang.pick("按中心所示处理后再运行", "do what the centre says, then run again"),
            Self::Expired { .. } => lang.pick(
                "在新目录中重做 issuer station request，在中心以同一工位名登记和签发",
                "make `issuer station request` in a new folder; enrol and certify it at the centre under the same name",
            ),
            Self::Nonsense
            | Self::Malformed
            | Self::TooLarge
            | Self::PathUnknown
            | Self::Reused => {
                lang.pick("工位与中心使用同一版本的程序", "let station and centre run the same version of the program")
            }
            Self::ProfileDiffers => lang.pick(
                "工位与中心使用同一版本的程序；城市自有卡片描述用 --card 文件 给出",
                "let station and centre run the same version of the program; a city's own text is given with --card FILE",
            ),
            Self::File { .. } => lang.pick("检查磁盘空间和权限后重试", "check space and permissions, then try again"),
            Self::FileMalformed { .. } => lang.pick(
                "从中心重新取证书 (issuer station certificate)；密钥丢失时重新申请",
                "get the certificate from the centre again (`issuer station certificate`); if the key is lost, make another \
                 request",
            ),
            Self::Busy { .. } => lang.pick("等它结束后重试", "wait until it ends, then try again"),
            Self::Address => lang.pick("例如 https://centre.example:7302", "write it as https://centre.example:7302"),
            Self::NotBegun { .. } => lang.pick("重新运行 issuer station work", "run `issuer station work` again"),
            Self::NotYours { .. } => lang.pick(
                "把卡带到开始写它的工位，或带回中心",
                "take the card to the station that has begun it, or to the centre",
            ),
            Self::KeyRefused { .. } | Self::KeyLimit { .. } => lang.pick(
                "查审计日志；怀疑工位时用 issuer station revoke 吊销",
                "look into the audit log; if the station is in doubt, `issuer station revoke`",
            ),
        }
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Unreachable { .. } => Exit::Peer,
            Self::NotTrusted { .. }
            | Self::CertificateRefused { .. }
            | Self::Unknown
            | Self::Revoked { .. }
            | Self::Expired { .. } => Exit::Authentication,
            Self::PathUnknown => Exit::NotFound,
            Self::Refused { exit, .. } => *exit,
            Self::File { .. } | Self::Busy { .. } => Exit::Storage,
            Self::Address | Self::FileMalformed { .. } | Self::Malformed | Self::TooLarge => Exit::Usage,
            Self::Reused
            | Self::NotYours { .. }
            | Self::NotBegun { .. }
            | Self::KeyRefused { .. }
            | Self::KeyLimit { .. } => Exit::Refused,
            Self::Nonsense | Self::ProfileDiffers => Exit::Mismatch,
        }
    }

    fn retryable(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::Busy { .. })
    }
}
