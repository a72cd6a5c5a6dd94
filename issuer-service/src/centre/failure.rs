//! Why the folder of a centre cannot be used, and what to do about it.
//!
//! Owns: the errors of the folder and its configuration. Never: what is wrong inside the database (`StoreError`).

use std::io;
use std::path::PathBuf;

use card_profiles::said;

use super::card_type::CardTypeError;
use super::identity::Changed;
use crate::error::Explain;
use crate::exit::Exit;
use crate::lang::Lang;
use crate::store::{AddressError, StoreError};

/// Why the folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CentreError {
    /// `--data` is missing.
    #[error("no data folder was named")]
    FolderNotNamed,
    /// There is no centre.
    #[error("{folder} holds no centre")]
    NotFound {
        /// The folder.
        folder: PathBuf,
    },
    /// There is a centre already.
    #[error("{folder} holds a centre already")]
    Exists {
        /// The folder.
        folder: PathBuf,
    },
    /// Root works in the folder of a user, who could not open what root makes there.
    #[error("{folder} belongs to the user {owner}")]
    OfAnother {
        /// The folder.
        folder: PathBuf,
        /// Name of its user.
        owner: String,
    },
    /// The database is that of another centre.
    #[error("the database is not that of this centre")]
    Foreign,
    /// A row that says whose cards are made here is another one than when the centre was made.
    #[error(transparent)]
    IdentityChanged(Changed),
    /// The configuration cannot be understood.
    #[error("{path}: {source}")]
    Config {
        /// The file.
        path: PathBuf,
        /// Line, column and reason.
        source: Box<toml::de::Error>,
    },
    /// A row names a type of cards that cannot be made here.
    #[error(transparent)]
    CardType(Box<CardTypeError>),
    /// A file of the folder cannot be read or written.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another process does the same work.
    #[error("{work} is under way in another process")]
    Busy {
        /// The work: `batch-3`.
        work: String,
    },
    /// The address of the database.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// The password of the database is not where the configuration says.
    #[error("the password of the database cannot be read")]
    DatabasePassword,
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<CardTypeError> for CentreError {
    fn from(error: CardTypeError) -> Self {
        Self::CardType(Box::new(error))
    }
}

impl Explain for CentreError {
    fn code(&self) -> &'static str {
        match self {
            Self::FolderNotNamed => "DATA_FOLDER_NOT_NAMED",
            Self::NotFound { .. } => "CENTRE_NOT_FOUND",
            Self::Exists { .. } => "CENTRE_EXISTS",
            Self::OfAnother { .. } => "CENTRE_FOLDER_OF_ANOTHER",
            Self::Foreign => "CENTRE_FOREIGN",
            Self::IdentityChanged(_) => "CENTRE_IDENTITY_CHANGED",
            Self::Config { .. } => "CONFIG_INVALID",
            Self::CardType(_) => "CARD_TYPE_UNUSABLE",
            Self::File { .. } => "CENTRE_FILE_FAILED",
            Self::Busy { .. } => "WORK_BUSY",
            Self::Address(error) => error.code(),
            Self::DatabasePassword => "DATABASE_PASSWORD_UNREADABLE",
            Self::Store(error) => error.code(),
        }
    }

    fn what(&self, lang: Lang) -> String {
        match self {
            Self::FolderNotNamed => lang.pick("没有指定数据目录", "no data folder was named").to_owned(),
            Self::NotFound { folder } => {
                let folder = folder.display();
                lang.pick(format!("{folder} 中没有发卡中心"), format!("{folder} holds no centre"))
            }
            Self::Exists { folder } => {
                let folder = folder.display();
                lang.pick(
                    format!("{folder} 中已有发卡中心，未作任何改动"),
                    format!("{folder} holds a centre already; nothing was changed"),
                )
            }
            Self::OfAnother { folder, owner } => {
                let folder = folder.display();
                lang.pick(
                    format!("{folder} 属于用户 {owner}；root 在其中建的文件，该用户打不开"),
                    format!("{folder} belongs to the user {owner}, who could not open the files that root makes there"),
                )
            }
            Self::Foreign => lang
                .pick(
                    "数据库不属于这个发卡中心：其标识与 centre.toml 的 id 不符",
                    "the database is not that of this centre: it has another id than centre.toml",
                )
                .to_owned(),
            Self::IdentityChanged(Changed { row, stored, found }) => lang.pick(
                format!("centre.toml 的 {row} 是 {found}，建立中心时是 {stored}；它决定所制卡片属于谁，不能更改"),
                format!(
                    "{row} of centre.toml is {found}, and was {stored} when the centre was made; it says whose cards are made \
                     here and never changes"
                ),
            ),
            Self::Config { path, source } => {
                let path = path.display();
                let shown = source.to_string();
                let lines: Vec<&str> = shown.lines().filter(|line| line.contains('|')).collect();
                let zh = format!("配置文件 {path} 有误：{}\n{}", said::chinese(source.message()), lines.join("\n"));
                lang.pick(zh.trim_end().to_owned(), format!("{path} cannot be understood: {source}"))
            }
            Self::CardType(error) => {
                let CardTypeError { row, name, fault } = &**error;
                lang.pick(
                    format!("centre.toml 的 {row} 中的 {name} 不能用：{}", fault.text(Lang::Zh)),
                    format!("{name} in {row} of centre.toml cannot be used: {}", fault.text(Lang::En)),
                )
            }
            Self::File { path, source } => {
                let path = path.display();
                lang.pick(format!("{path} 无法读写: {source}"), format!("{path} cannot be read or written: {source}"))
            }
            Self::Busy { work } => {
                lang.pick(format!("另一进程正在进行 {work}"), format!("{work} is under way in another process"))
            }
            Self::Address(error) => error.what(lang),
            Self::DatabasePassword => {
                lang.pick("读不到数据库的口令", "the password of the database cannot be read").to_owned()
            }
            Self::Store(error) => error.what(lang),
        }
    }

    fn next(&self, lang: Lang) -> &'static str {
        match self {
            Self::FolderNotNamed => {
                lang.pick("加上 --data 目录，或设置 ISSUER_DATA", "add --data DIR or set ISSUER_DATA")
            }
            Self::NotFound { .. } => {
                lang.pick("检查目录，或用 issuer init 新建", "check the folder, or make a centre with `issuer init`")
            }
            Self::Exists { .. } => lang.pick("换一个空目录", "choose an empty folder"),
            Self::OfAnother { .. } => lang.pick(
                "以该用户的身份运行: runuser -u 用户 -- issuer …",
                "give the command as that user: `runuser -u USER -- issuer …`",
            ),
            Self::Foreign => lang.pick(
                "把数据库和它自己的 centre.toml 放在一起，或从备份恢复",
                "put the database and its own centre.toml together, or restore the centre from a backup",
            ),
            Self::IdentityChanged(_) => lang.pick(
                "改回原值；另一城市、机构或卡号前缀须用 issuer init 另建中心",
                "write the former value back; another city, institution or prefix is another centre: `issuer init`",
            ),
            Self::Config { .. } => lang.pick("改正所示的行", "correct the line named"),
            Self::CardType(error) => error.fault.next(lang),
            Self::File { .. } => {
                lang.pick("检查磁盘空间和权限后重试", "check space and permissions of the disk, then try again")
            }
            Self::Busy { .. } => lang.pick("等它结束后重试", "wait until it ends, then try again"),
            Self::Address(error) => error.next(lang),
            Self::DatabasePassword => lang.pick(
                "检查 [database] 的 password 所指的环境变量或文件",
                "check the variable or file that `password` of [database] names",
            ),
            Self::Store(error) => error.next(lang),
        }
    }

    fn exit(&self) -> Exit {
        match self {
            Self::FolderNotNamed | Self::Config { .. } | Self::CardType(_) => Exit::Usage,
            Self::NotFound { .. } => Exit::NotFound,
            Self::Exists { .. } | Self::OfAnother { .. } | Self::IdentityChanged(_) => Exit::Refused,
            Self::Foreign | Self::File { .. } | Self::Busy { .. } => Exit::Storage,
            Self::Address(error) => error.exit(),
            Self::DatabasePassword => Exit::Authentication,
            Self::Store(error) => error.exit(),
        }
    }

    fn retryable(&self) -> bool {
        match self {
            Self::Busy { .. } => true,
            Self::Store(error) => error.retryable(),
            Self::FolderNotNamed
            | Self::NotFound { .. }
            | Self::Exists { .. }
            | Self::OfAnother { .. }
            | Self::Foreign
            | Self::IdentityChanged(_)
            | Self::Config { .. }
            | Self::CardType(_)
            | Self::File { .. }
            | Self::Address(_)
            | Self::DatabasePassword => false,
        }
    }
}
