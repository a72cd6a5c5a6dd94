//! Why a ceremony does not go on.

use std::io;
use std::path::PathBuf;

use card_core::security::KeyName;

use crate::centre::CentreError;
use crate::error::Explain;
use crate::exit::Exit;
use crate::lang::Lang;
use crate::operator::OperatorError;
use crate::store::StoreError;
use crate::vault::VaultError;

/// Why a ceremony does not go on. Nothing was changed.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the fields are named for what they hold")]
pub enum CeremonyError {
    /// None is open, or there is none of this number.
    #[error("there is no such ceremony")]
    NotFound,
    /// One is open already.
    #[error("another ceremony is open")]
    OpenAlready,
    /// Two to 255 custodians, each once, and a threshold from 2 to their number.
    #[error("{threshold} of {count} custodians cannot share a secret")]
    Numbers { threshold: u8, count: usize },
    /// The operator is not a custodian of this ceremony.
    #[error("{name} is no custodian of this ceremony")]
    NotCustodian { name: String },
    /// The custodian has contributed.
    #[error("{name} has contributed already")]
    Contributed { name: String },
    /// The secret that protects a share is too short.
    #[error("a custodian's secret has at least 12 characters")]
    SecretShort,
    /// A generation takes a contribution, a restoration takes a share.
    #[error("this ceremony takes {}", if *.share { "a share" } else { "no share" })]
    WrongInput { share: bool },
    /// Not every custodian, or fewer than the threshold, have contributed.
    #[error("{have} of {need} custodians have contributed")]
    TooFew { have: usize, need: usize },
    /// The share is not that of the backup.
    #[error("the share of {name} has check value {found}, the backup says {expected}")]
    ShareWrong { name: String, found: String, expected: String },
    /// The shares fit the backup one by one and do not open it.
    #[error("the shares do not give the secret of the backup")]
    SecretWrong,
    /// The vault is for rehearsal and the file is not, or the other way round.
    #[error("a file of a {file} ceremony does not go into a {vault} vault")]
    KindDiffers { file: String, vault: String },
    /// A key that no profile of this centre has.
    #[error("no profile has a key {name}")]
    KeyUnknown { name: KeyName },
    /// A part of a key differs from its check value.
    #[error("part {part} of key {name} has check value {found}")]
    PartWrong { name: KeyName, part: u8, found: String },
    /// A custodian brings a second part of a key.
    #[error("{custodian} brings two parts of key {name}")]
    TwoParts { name: KeyName, custodian: String },
    /// Parts of a key contradict each other.
    #[error("the parts of key {name} contradict each other")]
    PartsDiffer { name: KeyName },
    /// A part of a key is missing.
    #[error("parts of key {name} are missing")]
    PartsMissing { name: KeyName },
    /// The joined key differs from its check value.
    #[error("key {name} has check value {found}")]
    WholeWrong { name: KeyName, found: String },
    /// A production vault needs the factory's transport key.
    #[error("nobody brought the transport key of lot {lot}")]
    TransportMissing { lot: u8 },
    /// 255 key sets are there.
    #[error("no version is left")]
    VersionsExhausted,
    /// A file is not of this kind or damaged.
    #[error("{path} is no such file of a ceremony")]
    FileMalformed { path: PathBuf },
    /// The secret does not open a file, or it was altered.
    #[error("the secret does not open {path}")]
    FileNotOpened { path: PathBuf },
    /// A file cannot be read or written.
    #[error("{path}: {source}")]
    File { path: PathBuf, source: io::Error },
    /// The system gives no random numbers.
    #[error("the system gives no random numbers")]
    NoRandom,
    /// Keys or the vault.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The folder, or another process that works on the same ceremony.
    #[error(transparent)]
    Centre(#[from] CentreError),
    /// The operator.
    #[error(transparent)]
    Operator(#[from] OperatorError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Explain for CeremonyError {
    fn code(&self) -> &'static str {
        match self {
            Self::NotFound => "CEREMONY_NOT_FOUND",
            Self::OpenAlready => "CEREMONY_OPEN",
            Self::Numbers { .. } => "CEREMONY_NUMBERS",
            Self::NotCustodian { .. } => "CUSTODIAN_UNKNOWN",
            Self::Contributed { .. } => "CUSTODIAN_CONTRIBUTED",
            Self::SecretShort => "CUSTODIAN_SECRET_SHORT",
            Self::WrongInput { .. } => "CEREMONY_INPUT",
            Self::TooFew { .. } => "CUSTODIANS_MISSING",
            Self::ShareWrong { .. } => "SHARE_WRONG",
            Self::SecretWrong => "SHARES_WRONG",
            Self::KindDiffers { .. } => "CEREMONY_KIND_DIFFERS",
            Self::KeyUnknown { .. } => "KEY_UNKNOWN",
            Self::PartWrong { .. } => "KEY_PART_WRONG",
            Self::TwoParts { .. } => "KEY_TWO_PARTS",
            Self::PartsDiffer { .. } => "KEY_PARTS_DIFFER",
            Self::PartsMissing { .. } => "KEY_PARTS_MISSING",
            Self::WholeWrong { .. } => "KEY_CHECK_VALUE_WRONG",
            Self::TransportMissing { .. } => "TRANSPORT_KEY_MISSING",
            Self::VersionsExhausted => "KEY_VERSIONS_EXHAUSTED",
            Self::FileMalformed { .. } => "CEREMONY_FILE_MALFORMED",
            Self::FileNotOpened { .. } => "CEREMONY_FILE_NOT_OPENED",
            Self::File { .. } => "CEREMONY_FILE_FAILED",
            Self::NoRandom => "NO_RANDOM",
            Self::Vault(error) => error.code(),
            Self::Centre(error) => error.code(),
            Self::Operator(error) => error.code(),
            Self::Store(error) => error.code(),
        }
    }

    fn what(&self, lang: Lang) -> String {
        let (zh, en) = match self {
            Self::NotFound => ("没有这样的密钥仪式".to_owned(), self.to_string()),
            Self::OpenAlready => ("已有进行中的密钥仪式".to_owned(), self.to_string()),
            Self::Numbers { threshold, count } => {
                (format!("{count} 名保管人不能以 {threshold} 人为门限（至少 2 人，不得重复）"), self.to_string())
            }
            Self::NotCustodian { name } => (format!("{name} 不是本次仪式的保管人"), self.to_string()),
            Self::Contributed { name } => (format!("{name} 已提交过"), self.to_string()),
            Self::SecretShort => ("保管人口令至少 12 个字符".to_owned(), self.to_string()),
            Self::WrongInput { share: true } => ("恢复仪式需要份额文件".to_owned(), self.to_string()),
            Self::WrongInput { share: false } => ("生成仪式不接受份额文件".to_owned(), self.to_string()),
            Self::TooFew { have, need } => (format!("需要 {need} 名保管人，只有 {have} 名已提交"), self.to_string()),
            Self::ShareWrong { name, found, expected } => {
                (format!("{name} 的份额校验值为 {found}，备份记录为 {expected}"), self.to_string())
            }
            Self::SecretWrong => ("这些份额还原不出备份的密钥".to_owned(), self.to_string()),
            Self::KindDiffers { file, vault } => {
                (format!("{file} 仪式的文件不能用于 {vault} 密钥库"), self.to_string())
            }
            Self::KeyUnknown { name } => (format!("卡片描述中没有密钥 {name}"), self.to_string()),
            Self::PartWrong { name, part, found } => {
                (format!("密钥 {name} 第 {part} 分量的校验值为 {found}，与文件所写不符"), self.to_string())
            }
            Self::TwoParts { name, custodian } => {
                (format!("{custodian} 不能携带密钥 {name} 的两个分量"), self.to_string())
            }
            Self::PartsDiffer { name } => (format!("密钥 {name} 的各分量互相矛盾"), self.to_string()),
            Self::PartsMissing { name } => (format!("密钥 {name} 的分量不全"), self.to_string()),
            Self::WholeWrong { name, found } => {
                (format!("密钥 {name} 合成后的校验值为 {found}，与文件所写不符"), self.to_string())
            }
            Self::TransportMissing { lot } => (format!("没有人带来第 {lot} 批次的传输密钥"), self.to_string()),
            Self::VersionsExhausted => ("密钥版本号已用完".to_owned(), self.to_string()),
            Self::FileMalformed { path } => {
                (format!("{} 不是所需的仪式文件，或已损坏", path.display()), self.to_string())
            }
            Self::FileNotOpened { path } => {
                (format!("口令打不开 {}（口令错误，或文件被改动）", path.display()), self.to_string())
            }
            Self::File { path, source } => (format!("{} 无法读写: {source}", path.display()), self.to_string()),
            Self::NoRandom => ("系统不提供随机数".to_owned(), self.to_string()),
            Self::Vault(error) => return error.what(lang),
            Self::Centre(error) => return error.what(lang),
            Self::Operator(error) => return error.what(lang),
            Self::Store(error) => return error.what(lang),
        };
        lang.pick(zh, en)
    }

    fn next(&self, lang: Lang) -> &'static str {
        let (zh, en) = match self {
            Self::NotFound | Self::OpenAlready => {
                ("用 issuer ceremony list 查看", "see which there are with `issuer ceremony list`")
            }
            Self::Numbers { .. } => (
                "用 --custodian 逐一列出保管人，--threshold 不大于人数",
                "name each custodian once with --custodian, and a --threshold not above their number",
            ),
            Self::NotCustodian { .. } => ("由列出的保管人办理", "let a custodian who is listed do it"),
            Self::Contributed { .. } => ("等其他保管人提交", "wait for the other custodians"),
            Self::SecretShort => ("换一个更长的口令", "choose a longer secret"),
            Self::WrongInput { share: true } => ("用 --share 给出份额文件", "give the share with --share FILE"),
            Self::WrongInput { share: false } => ("去掉 --share", "leave --share out"),
            Self::TooFew { .. } => (
                "其余保管人用 issuer ceremony contribute 提交后再试",
                "let the others run `issuer ceremony contribute`, then try again",
            ),
            Self::ShareWrong { .. } | Self::SecretWrong => {
                ("找出该仪式的份额文件", "find the share that this ceremony gave out")
            }
            Self::KindDiffers { .. } => ("演练与生产不得混用", "never mix rehearsal and production"),
            Self::KeyUnknown { .. } | Self::PartWrong { .. } | Self::PartsDiffer { .. } | Self::WholeWrong { .. } => {
                ("与上级密钥管理机构核对母卡", "compare the mother cards with the authority above")
            }
            Self::TwoParts { .. } => ("由另一名保管人携带该分量", "let another custodian bring that part"),
            Self::PartsMissing { .. } | Self::TransportMissing { .. } => {
                ("用 issuer ceremony import 导入所缺分量", "bring what is missing with `issuer ceremony import`")
            }
            Self::VersionsExhausted => ("新建发卡中心", "make a new centre"),
            Self::FileMalformed { .. } | Self::File { .. } => {
                ("检查文件、权限和磁盘", "check the file, permissions and disk")
            }
            Self::FileNotOpened { .. } => ("核对口令和文件后重试", "check the secret and the file, then try again"),
            Self::NoRandom => ("停用这台机器", "do not use this machine"),
            Self::Vault(error) => return error.next(lang),
            Self::Centre(error) => return error.next(lang),
            Self::Operator(error) => return error.next(lang),
            Self::Store(error) => return error.next(lang),
        };
        lang.pick(zh, en)
    }

    fn exit(&self) -> Exit {
        match self {
            Self::NotFound => Exit::NotFound,
            Self::Numbers { .. } | Self::SecretShort | Self::WrongInput { .. } | Self::FileMalformed { .. } => {
                Exit::Usage
            }
            Self::FileNotOpened { .. } => Exit::Authentication,
            Self::ShareWrong { .. }
            | Self::SecretWrong
            | Self::PartWrong { .. }
            | Self::PartsDiffer { .. }
            | Self::WholeWrong { .. } => Exit::Mismatch,
            Self::OpenAlready
            | Self::NotCustodian { .. }
            | Self::Contributed { .. }
            | Self::TooFew { .. }
            | Self::KindDiffers { .. }
            | Self::KeyUnknown { .. }
            | Self::TwoParts { .. }
            | Self::PartsMissing { .. }
            | Self::TransportMissing { .. }
            | Self::VersionsExhausted => Exit::Refused,
            Self::File { .. } => Exit::Storage,
            Self::NoRandom => Exit::Bug,
            Self::Vault(error) => error.exit(),
            Self::Centre(error) => error.exit(),
            Self::Operator(error) => error.exit(),
            Self::Store(error) => error.exit(),
        }
    }
}
