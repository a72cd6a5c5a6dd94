//! Why a backup was not taken or not brought back, in words for the one at the console.
//!
//! Owns: codes, messages, remedies. Never: says more of a sealed file than that it does not open.

use std::io;
use std::path::PathBuf;

use crate::centre::CentreError;
use crate::error::Explain;
use crate::exit::Exit;
use crate::lang::Lang;
use crate::stock::failure::StockError;
use crate::store::StoreError;
use crate::vault::VaultError;

/// Why not. Nothing was overwritten.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// There is a file already.
    #[error("{path} is there already")]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// There is no such file.
    #[error("{path} is not there")]
    NotFound {
        /// The file.
        path: PathBuf,
    },
    /// The file is no backup of this program.
    #[error("it is no backup")]
    NoBackup,
    /// Another passphrase, or its beginning was altered.
    #[error("the backup does not open")]
    NotOpened,
    /// It was altered, cut off, or does not agree with itself.
    #[error("the backup is damaged")]
    Damaged {
        /// Where it stops to be whole.
        part: Part,
    },
    /// Neither named nor asked for.
    #[error("no passphrase for the backup")]
    PassphraseMissing,
    /// A passphrase that is guessed, for a backup with keys of real cards.
    #[error("the passphrase of a backup has at least {} characters", super::PASSPHRASE_CHARACTERS_MIN)]
    PassphraseShort,
    /// The place for the centre is not empty.
    #[error("{folder} is not empty")]
    NotEmpty {
        /// The folder.
        folder: PathBuf,
    },
    /// A restoration into another database was cut short here.
    #[error("{folder} holds half of a restoration into {database}")]
    HalfElsewhere {
        /// The folder that was filled.
        folder: PathBuf,
        /// Address of the database that belongs to it.
        database: String,
    },
    /// The backup cannot be read.
    #[error("the backup cannot be read: {0}")]
    Read(#[source] io::Error),
    /// The backup cannot be written.
    #[error("the backup cannot be written: {0}")]
    Write(#[source] io::Error),
    /// A file of the centre cannot be read or written.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// What was brought back does not hold.
    #[error("what was brought back does not hold: {what}")]
    NotHeld {
        /// What does not.
        what: Held,
    },
    /// The data folder.
    #[error(transparent)]
    Centre(#[from] CentreError),
    /// The stock.
    #[error(transparent)]
    Stock(#[from] StockError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The sealing.
    #[error(transparent)]
    Vault(#[from] VaultError),
}

/// What must hold of a centre that was brought back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Held {
    /// The audit log.
    #[error("audit log")]
    Audit,
    /// The ledger.
    #[error("ledger")]
    Ledger,
    /// Cards, their numbers and their jobs.
    #[error("cards")]
    Cards,
}

impl Held {
    const fn text(self, lang: Lang) -> &'static str {
        match (self, lang) {
            (Self::Audit, Lang::Zh) => "审计日志",
            (Self::Audit, Lang::En) => "the audit log",
            (Self::Ledger, Lang::Zh) => "分类账",
            (Self::Ledger, Lang::En) => "the ledger",
            (Self::Cards, Lang::Zh) => "卡、卡号与作业",
            (Self::Cards, Lang::En) => "cards, their numbers and their jobs",
        }
    }
}

/// A full disk has its own code, wherever it shows.
fn is_full(source: &io::Error) -> bool {
    matches!(source.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge)
}

impl Explain for BackupError {
    fn code(&self) -> &'static str {
        match self {
            Self::Exists { .. } => "BACKUP_EXISTS",
            Self::NotFound { .. } => "BACKUP_NOT_FOUND",
            Self::NoBackup => "BACKUP_UNKNOWN",
            Self::NotOpened => "BACKUP_NOT_OPENED",
            Self::Damaged { .. } => "BACKUP_DAMAGED",
            Self::PassphraseMissing => "BACKUP_PASSPHRASE_MISSING",
            Self::PassphraseShort => "BACKUP_PASSPHRASE_SHORT",
            Self::NotEmpty { .. } => "RESTORE_NOT_EMPTY",
            Self::HalfElsewhere { .. } => "RESTORE_HALF_ELSEWHERE",
            Self::Write(source) | Self::File { source, .. } if is_full(source) => "DISK_FULL",
            Self::Read(_) => "BACKUP_UNREADABLE",
            Self::Write(_) => "BACKUP_NOT_WRITTEN",
            Self::File { .. } => "CENTRE_FILE_FAILED",
            Self::NotHeld { .. } => "RESTORE_DOES_NOT_HOLD",
            Self::Centre(error) => error.code(),
            Self::Stock(error) => error.code(),
            Self::Store(error) => error.code(),
            Self::Vault(error) => error.code(),
        }
    }

    fn what(&self, lang: Lang) -> String {
        match self {
            Self::Exists { path } => lang.pick(
                format!("{} 已存在，未作改动", path.display()),
                format!("{} is there already; nothing was changed", path.display()),
            ),
            Self::NotFound { path } => {
                lang.pick(format!("没有文件 {}", path.display()), format!("{} is not there", path.display()))
            }
            Self::NoBackup => lang.pick("这个文件不是本程序的备份", "the file is no backup of this program").to_owned(),
            Self::NotOpened => lang
                .pick(
                    "备份打不开: 口令不对，或文件开头被改动",
                    "the backup does not open: another passphrase, or its beginning was altered",
                )
                .to_owned(),
            Self::Damaged { part } => lang.pick(
                format!("备份被改动或截断，{}，未作改动", part.text(lang)),
                format!("the backup was altered or cut off {}; nothing was changed", part.text(lang)),
            ),
            Self::PassphraseMissing => lang.pick("没有备份的口令", "no passphrase for the backup").to_owned(),
            Self::PassphraseShort => lang.pick(
                format!("备份口令至少 {} 个字符，未作备份", super::PASSPHRASE_CHARACTERS_MIN),
                format!(
                    "the passphrase of a backup has at least {} characters; none was taken",
                    super::PASSPHRASE_CHARACTERS_MIN
                ),
            ),
            Self::NotEmpty { folder } => lang.pick(
                format!("{} 不是空目录，未作改动", folder.display()),
                format!("{} is not empty; nothing was changed", folder.display()),
            ),
            Self::HalfElsewhere { folder, database } => {
                let folder = folder.display();
                lang.pick(
                    format!("{folder} 是恢复到 {database} 时中断留下的，未作改动"),
                    format!("{folder} is half of a restoration into {database}; nothing was changed"),
                )
            }
            Self::Read(source) => {
                lang.pick(format!("备份无法读取: {source}"), format!("the backup cannot be read: {source}"))
            }
            Self::Write(source) => lang.pick(
                format!("备份无法写入，未留下文件: {source}"),
                format!("the backup cannot be written, no file was left: {source}"),
            ),
            Self::File { path, source } => {
                let path = path.display();
                lang.pick(format!("{path} 无法读写: {source}"), format!("{path} cannot be read or written: {source}"))
            }
            Self::NotHeld { what } => lang.pick(
                format!("恢复的{}经不起核对；恢复的中心未启用", what.text(lang)),
                format!("{} that came back does not hold; the centre was not put in its place", what.text(lang)),
            ),
            Self::Centre(error) => error.what(lang),
            Self::Stock(error) => error.what(lang),
            Self::Store(error) => error.what(lang),
            Self::Vault(error) => error.what(lang),
        }
    }

    fn next(&self, lang: Lang) -> &'static str {
        match self {
            Self::Exists { .. } => lang.pick("换一个文件名", "name another file"),
            Self::NotFound { .. } => lang.pick("检查文件名", "check the name of the file"),
            Self::NoBackup => lang.pick("检查是否拿错了文件", "see whether it is the right file"),
            Self::NotOpened => {
                lang.pick("换正确的口令；口令无误时用另一份备份", "give the right passphrase, or use another backup")
            }
            Self::Damaged { .. } => lang.pick("用另一份备份", "use another backup"),
            Self::PassphraseMissing => lang.pick(
                "加上 --backup-passphrase env:NAME 或 file:PATH",
                "add --backup-passphrase env:NAME or file:PATH",
            ),
            Self::PassphraseShort => lang.pick("换一个更长的口令", "choose a longer one"),
            Self::NotEmpty { .. } => {
                lang.pick("换一个空目录或尚不存在的目录", "name a folder that is empty or not there yet")
            }
            Self::HalfElsewhere { .. } => lang.pick(
                "用同一条命令、同一个 --database 完成它；确要放弃时，清空那个数据库，再删除这个目录",
                "end it with the same command and that --database; to give it up, empty that database, then remove this folder",
            ),
            Self::Write(source) | Self::File { source, .. } if is_full(source) => {
                lang.pick("腾出空间后重试", "free some space, then try again")
            }
            Self::Read(_) | Self::Write(_) | Self::File { .. } => {
                lang.pick("检查磁盘和权限后重试", "check disk and permissions, then try again")
            }
            Self::NotHeld { .. } => lang
                .pick("用另一份备份；保留这一份供审计员检查", "use another backup, and keep this one for the auditor"),
            Self::Centre(error) => error.next(lang),
            Self::Stock(error) => error.next(lang),
            Self::Store(error) => error.next(lang),
            Self::Vault(error) => error.next(lang),
        }
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Exists { .. } | Self::NotEmpty { .. } | Self::HalfElsewhere { .. } => Exit::Refused,
            Self::NotFound { .. } => Exit::NotFound,
            Self::NoBackup | Self::PassphraseMissing | Self::PassphraseShort => Exit::Usage,
            Self::NotOpened => Exit::Authentication,
            Self::Damaged { .. } | Self::NotHeld { .. } => Exit::Mismatch,
            Self::Read(_) | Self::Write(_) | Self::File { .. } => Exit::Storage,
            Self::Centre(error) => error.exit(),
            Self::Stock(error) => error.exit(),
            Self::Store(error) => error.exit(),
            Self::Vault(error) => error.exit(),
        }
    }

    fn retryable(&self) -> bool {
        match self {
            Self::Centre(error) => error.retryable(),
            Self::Stock(error) => error.retryable(),
            Self::Store(error) => error.retryable(),
            Self::Vault(error) => error.retryable(),
            Self::Write(_) | Self::File { .. } => true,
            Self::Exists { .. }
            | Self::NotFound { .. }
            | Self::NoBackup
            | Self::NotOpened
            | Self::Damaged { .. }
            | Self::PassphraseMissing
            | Self::PassphraseShort
            | Self::NotEmpty { .. }
            | Self::HalfElsewhere { .. }
            | Self::Read(_)
            | Self::NotHeld { .. } => false,
        }
    }
}

/// A part of a backup, as far as it could be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// Before the first file.
    Beginning,
    /// A file, or what follows it. Files of partners are told by their folder.
    File(String),
    /// A table, or what follows it.
    Table(String),
    /// The list at the end.
    End,
}

impl Part {
    /// A file of the centre's folder.
    #[must_use]
    pub fn file(name: &str) -> Self {
        let folder = ["exchange/", "sync/"].into_iter().find(|folder| name.starts_with(folder));
        Self::File(folder.unwrap_or(name).chars().filter(|c| !c.is_control()).take(80).collect())
    }

    fn text(&self, lang: Lang) -> String {
        match self {
            Self::Beginning => lang.pick("在开头", "at its beginning").to_owned(),
            Self::File(name) => {
                lang.pick(format!("在文件 {name} 处或其后"), format!("in the file {name} or behind it"))
            }
            Self::Table(name) => {
                lang.pick(format!("在表 {name} 处或其后"), format!("in the table {name} or behind it"))
            }
            Self::End => lang.pick("在末尾的清单处", "in the list at its end").to_owned(),
        }
    }
}
