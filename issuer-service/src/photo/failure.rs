//! Why a command about photos did nothing, in words for those who gave it.
//!
//! Owns: the errors of whole runs. Never: what is wrong with one photo (`fault.rs`).

use std::io;
use std::path::PathBuf;

use crate::error::Explain;
use crate::exit::Exit;
use crate::import::ImportError;
use crate::lang::Lang;
use crate::store::StoreError;

/// Why nothing was done.
#[derive(Debug, thiserror::Error)]
pub enum PhotoError {
    /// A folder or archive with more files than one run takes.
    #[error("{found} files, {most} at most")]
    TooMany {
        /// Files found, or found so far.
        found: usize,
        /// Most.
        most: usize,
    },
    /// Neither a JPEG nor a ZIP archive that can be read.
    #[error("{path} is no archive that can be read")]
    Archive {
        /// The file.
        path: PathBuf,
    },
    /// A person without photo.
    #[error("there is no photo of person {person}")]
    Missing {
        /// Row number.
        person: i64,
    },
    /// The photo cannot be written there.
    #[error("{path}: {source}")]
    NotWritten {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The files themselves, or the report.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Explain for PhotoError {
    fn code(&self) -> &'static str {
        match self {
            Self::TooMany { .. } => "PHOTO_FILES_TOO_MANY",
            Self::Archive { .. } => "PHOTO_ARCHIVE_DAMAGED",
            Self::Missing { .. } => "PHOTO_NOT_FOUND",
            Self::NotWritten { .. } => "PHOTO_NOT_WRITTEN",
            Self::Import(error) => error.code(),
            Self::Store(error) => error.code(),
        }
    }

    fn what(&self, lang: Lang) -> String {
        match self {
            Self::TooMany { found, most } => lang.pick(
                format!("文件至少有 {found} 个，一次最多收 {most} 个，未作改动"),
                format!("there are {found} files or more, one run takes {most}; nothing was changed"),
            ),
            Self::Archive { path } => lang.pick(
                format!("{} 不是可读的 ZIP 压缩包，未作改动", path.display()),
                format!("{} is no ZIP archive that can be read; nothing was changed", path.display()),
            ),
            Self::Missing { person } => {
                lang.pick(format!("人员 {person} 没有照片"), format!("there is no photo of person {person}"))
            }
            Self::NotWritten { path, source } => lang.pick(
                format!("照片无法写入 {}: {source}", path.display()),
                format!("the photo cannot be written to {}: {source}", path.display()),
            ),
            Self::Import(error) => error.what(lang),
            Self::Store(error) => error.what(lang),
        }
    }

    fn next(&self, lang: Lang) -> &'static str {
        match self {
            Self::TooMany { .. } => lang.pick("分成几批导入", "import it in several parts"),
            Self::Archive { .. } => lang.pick(
                "重新打包为不加密的 ZIP，或解压后导入文件夹",
                "pack it again as a ZIP without password, or import the unpacked folder",
            ),
            Self::Missing { .. } => lang.pick(
                "用 issuer photo add 或 issuer photo import 收照片",
                "take one in with `issuer photo add` or `issuer photo import`",
            ),
            Self::NotWritten { .. } => {
                lang.pick("换一个可写且尚不存在的文件", "name a file that can be written and does not exist yet")
            }
            Self::Import(error) => error.next(lang),
            Self::Store(error) => error.next(lang),
        }
    }

    fn exit(&self) -> Exit {
        match self {
            Self::TooMany { .. } | Self::Archive { .. } => Exit::Usage,
            Self::Missing { .. } => Exit::NotFound,
            Self::NotWritten { .. } => Exit::Storage,
            Self::Import(error) => error.exit(),
            Self::Store(error) => error.exit(),
        }
    }

    fn retryable(&self) -> bool {
        match self {
            Self::Store(error) => error.retryable(),
            Self::Import(error) => error.retryable(),
            Self::TooMany { .. } | Self::Archive { .. } | Self::Missing { .. } | Self::NotWritten { .. } => false,
        }
    }
}
