//! Why a file could not be imported, in words for those who sent it.
//!
//! Owns: the errors of a whole import. Never: what is wrong with a row (`fault.rs`).

use std::io;
use std::path::PathBuf;

use super::refusal::TableError;
use crate::centre::CentreError;
use crate::error::Explain;
use crate::exit::Exit;
use crate::lang::Lang;
use crate::registry::RegistryError;
use crate::store::StoreError;

/// Why a file could not be imported at all. Nothing was registered.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The file is not there.
    #[error("{path} is not there")]
    NotFound {
        /// The file.
        path: PathBuf,
    },
    /// The file cannot be read.
    #[error("{path}: {source}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is no registry table.
    #[error("{path}: {source}")]
    Table {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: TableError,
    },
    /// The report cannot be written.
    #[error("report {path}: {source}")]
    Report {
        /// The report.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The report would overwrite the registry file.
    #[error("{path} is the registry file itself")]
    ReportOverFile {
        /// The report.
        path: PathBuf,
    },
    /// No source has this name.
    #[error("there is no source of this name")]
    SourceUnknown,
    /// The people are registered; the report, written beside its place, could not be moved to it.
    #[error("report {path}: {source}")]
    ReportNotPlaced {
        /// The report.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The data folder.
    #[error(transparent)]
    Centre(#[from] CentreError),
}

impl Explain for ImportError {
    fn code(&self) -> &'static str {
        match self {
            Self::NotFound { .. } => "FILE_NOT_FOUND",
            Self::Unreadable { .. } => "FILE_UNREADABLE",
            Self::Table { source, .. } => source.code(),
            Self::Report { .. } => "REPORT_NOT_WRITTEN",
            Self::ReportOverFile { .. } => "REPORT_IS_REGISTRY",
            Self::ReportNotPlaced { .. } => "REPORT_NOT_PLACED",
            Self::SourceUnknown => RegistryError::SourceUnknown.code(),
            Self::Store(error) => error.code(),
            Self::Centre(error) => error.code(),
        }
    }

    fn what(&self, lang: Lang) -> String {
        match self {
            Self::NotFound { path } => {
                lang.pick(format!("没有文件 {}", path.display()), format!("{} is not there", path.display()))
            }
            Self::Unreadable { path, source } => lang.pick(
                format!("{} 无法读取: {source}", path.display()),
                format!("{} cannot be read: {source}", path.display()),
            ),
            Self::Table { path, source } => format!("{}: {}", path.display(), source.what(lang)),
            Self::Report { path, source } => lang.pick(
                format!("报告 {} 无法写入: {source}", path.display()),
                format!("report {} cannot be written: {source}", path.display()),
            ),
            Self::ReportOverFile { path } => lang.pick(
                format!("报告 {} 就是登记文件本身，未作改动", path.display()),
                format!("the report {} is the registry file itself; nothing was done", path.display()),
            ),
            Self::ReportNotPlaced { path, source } => lang.pick(
                format!("人员已处理，但报告 {} 无法就位: {source}", path.display()),
                format!("the import is done, but its report {} could not be put in place: {source}", path.display()),
            ),
            Self::SourceUnknown => RegistryError::SourceUnknown.what(lang),
            Self::Store(error) => error.what(lang),
            Self::Centre(error) => error.what(lang),
        }
    }

    fn next(&self, lang: Lang) -> &'static str {
        match self {
            Self::NotFound { .. } => lang.pick("检查文件名", "check the name of the file"),
            Self::Unreadable { .. } => lang.pick(
                "检查文件和权限；须是普通文件，不能是目录、管道或设备",
                "check the file and its permissions; it must be an ordinary file, no folder, pipe or device",
            ),
            Self::Table { source, .. } => source.next(lang),
            Self::Report { .. } | Self::ReportOverFile { .. } => {
                lang.pick("换一个可写的位置", "name a place that can be written")
            }
            Self::ReportNotPlaced { .. } => lang.pick(
                "再次导入同一文件即可得到报告，已登记的人不会重复",
                "import the same file again for its report; nobody is registered twice",
            ),
            Self::SourceUnknown => RegistryError::SourceUnknown.next(lang),
            Self::Store(error) => error.next(lang),
            Self::Centre(error) => error.next(lang),
        }
    }

    fn exit(&self) -> Exit {
        match self {
            Self::NotFound { .. } | Self::SourceUnknown => Exit::NotFound,
            Self::Unreadable { .. } | Self::Table { .. } | Self::ReportOverFile { .. } => Exit::Usage,
            Self::Report { .. } => Exit::Storage,
            Self::ReportNotPlaced { .. } => Exit::Partly,
            Self::Store(error) => error.exit(),
            Self::Centre(error) => error.exit(),
        }
    }
}
