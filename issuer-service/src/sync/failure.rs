//! Why nothing goes to the holder registry, or nothing comes from it.

use std::io;
use std::path::PathBuf;

use super::send::LeftOut;
use super::{SyncFileState, SyncState};
use crate::card::failure::LifeError;
use crate::error::{Explain, Missing};
use crate::exchange::failure::ExchangeError;
use crate::exchange::folder::FileFault;
use crate::exchange::template::BadTemplate;
use crate::exit::Exit;
use crate::lang::Lang;
use crate::operator::OperatorError;
use crate::state::word;
use crate::store::StoreError;

/// Why nothing was done. What is wrong inside an answer is a fault of its report.
#[derive(Debug, thiserror::Error)]
pub enum SyncError {
    /// No entry is due.
    #[error("nothing is pending")]
    NothingPending,
    /// No entry that is due can stand in a file.
    #[error("{} entries cannot stand in a file", left_out.len())]
    NothingFits {
        /// They.
        left_out: Vec<LeftOut>,
    },
    /// There is no such task.
    #[error("there is no such task")]
    TaskUnknown,
    /// The file is not in the state needed.
    #[error("the file is {state}")]
    FileState {
        /// State it is in.
        state: String,
    },
    /// There is no such entry.
    #[error("there is no entry {sequence}")]
    EntryUnknown {
        /// Its sequence.
        sequence: i64,
    },
    /// The entry is not in the state needed.
    #[error("entry {sequence} is {state}")]
    EntryState {
        /// Its sequence.
        sequence: i64,
        /// State it is in.
        state: String,
    },
    /// The name of an answer may not be kept.
    #[error("the file's name cannot be kept")]
    NameUnfit,
    /// A file or folder cannot be read or written.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The template of its files.
    #[error(transparent)]
    Template(Box<ExchangeError>),
    /// The reason.
    #[error(transparent)]
    Life(#[from] LifeError),
    /// A card or person that an entry names.
    #[error(transparent)]
    Missing(#[from] Missing),
    /// The operator.
    #[error(transparent)]
    Operator(#[from] OperatorError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<BadTemplate> for SyncError {
    fn from(bad: BadTemplate) -> Self {
        Self::Template(Box::new(bad.into()))
    }
}

impl From<FileFault> for SyncError {
    fn from(fault: FileFault) -> Self {
        Self::File { path: fault.path, source: fault.source }
    }
}

impl Explain for SyncError {
    fn code(&self) -> &'static str {
        match self {
            Self::NothingPending => "SYNC_NOTHING_PENDING",
            Self::NothingFits { .. } => "SYNC_NOTHING_FITS",
            Self::TaskUnknown => "SYNC_TASK_UNKNOWN",
            Self::FileState { .. } => "SYNC_FILE_STATE",
            Self::EntryUnknown { .. } => "SYNC_ENTRY_UNKNOWN",
            Self::EntryState { .. } => "SYNC_ENTRY_STATE",
            Self::NameUnfit => "SYNC_NAME_UNFIT",
            Self::File { .. } => "SYNC_FILE",
            Self::Template(error) => error.code(),
            Self::Life(error) => error.code(),
            Self::Missing(error) => error.code(),
            Self::Operator(error) => error.code(),
            Self::Store(error) => error.code(),
        }
    }

    fn what(&self, lang: Lang) -> String {
        match self {
            Self::NothingPending => lang.pick("没有可报送的变更", "nothing can be told to the registry now").to_owned(),
            Self::NothingFits { left_out } => {
                let list: Vec<String> =
                    left_out.iter().map(|entry| format!("{} ({})", entry.sequence, entry.column)).collect();
                let list = list.join(", ");
                lang.pick(
                    format!("待报送的变更含不能写入文件的字符: {list}"),
                    format!("what is pending holds characters that cannot stand in a file: {list}"),
                )
            }
            Self::TaskUnknown => lang.pick("没有这个任务", "there is no such task").to_owned(),
            Self::FileState { state } => {
                let state = word(&SyncFileState::TABLE, state, lang);
                lang.pick(format!("该文件{state}"), format!("the file is {state}"))
            }
            Self::EntryUnknown { sequence } => {
                lang.pick(format!("没有第 {sequence} 条"), format!("there is no entry {sequence}"))
            }
            Self::EntryState { sequence, state } => {
                let state = word(&SyncState::TABLE, state, lang);
                lang.pick(format!("第 {sequence} 条{state}"), format!("entry {sequence} is {state}"))
            }
            Self::NameUnfit => lang
                .pick(
                    "文件名以点开头、含公民身份号码或控制字符、超过 200 字节，或不是 UTF-8",
                    "the file's name begins with a dot, holds a citizen number or a control character, is longer than 200 bytes, or is no UTF-8",
                )
                .to_owned(),
            Self::File { path, source } => {
                let path = path.display();
                lang.pick(format!("不能读写 {path}: {source}"), format!("{path} cannot be read or written: {source}"))
            }
            Self::Template(error) => error.what(lang),
            Self::Life(error) => error.what(lang),
            Self::Missing(error) => error.what(lang),
            Self::Operator(error) => error.what(lang),
            Self::Store(error) => error.what(lang),
        }
    }

    fn next(&self, lang: Lang) -> &'static str {
        match self {
            Self::NothingPending => lang.pick(
                "用 issuer sync status 查看是否在等回盘",
                "see with `issuer sync status` whether an answer is awaited",
            ),
            Self::NothingFits { .. } => {
                lang.pick("在登记中改正该项后再报送", "mend the item in the person registry, then export again")
            }
            Self::TaskUnknown | Self::FileState { .. } => {
                lang.pick("用 issuer sync status 查看", "see the files with `issuer sync status`")
            }
            Self::EntryUnknown { .. } | Self::EntryState { .. } => lang
                .pick("用 issuer sync list --state refused 查看", "see them with `issuer sync list --state refused`"),
            Self::NameUnfit => lang.pick("改名后再交", "give the file another name"),
            Self::File { .. } => lang.pick("检查路径、权限和磁盘", "check path, permissions and disk"),
            Self::Template(error) => error.next(lang),
            Self::Life(error) => error.next(lang),
            Self::Missing(error) => error.next(lang),
            Self::Operator(error) => error.next(lang),
            Self::Store(error) => error.next(lang),
        }
    }

    fn exit(&self) -> Exit {
        match self {
            Self::NothingPending | Self::TaskUnknown | Self::EntryUnknown { .. } => Exit::NotFound,
            Self::NothingFits { .. } | Self::FileState { .. } | Self::EntryState { .. } => Exit::Refused,
            Self::NameUnfit => Exit::Usage,
            Self::File { .. } => Exit::Storage,
            Self::Template(error) => error.exit(),
            Self::Life(error) => error.exit(),
            Self::Missing(error) => error.exit(),
            Self::Operator(error) => error.exit(),
            Self::Store(error) => error.exit(),
        }
    }

    fn retryable(&self) -> bool {
        match self {
            Self::Operator(error) => error.retryable(),
            Self::Store(error) => error.retryable(),
            _ => false,
        }
    }
}
