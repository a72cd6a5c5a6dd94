//! The registry import (参保人员导入): a bureau's file becomes registered people, or a list of what is wrong with it.
//!
//! Owns: the run over the file, what happens with a number that is known already, the one transaction of a file.
//! Never: changes a person that is registered; stops at the first fault; holds the file in memory.
//! Units: `row` is the line in the file where a row starts, the header of an ordinary file being line 1.

pub mod check;
pub mod column;
mod encoding;
pub mod fault;
pub mod note;
pub mod record;
pub mod refusal;
pub mod report;
mod report_file;
pub mod table;

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use card_core::security::CityCode;

use crate::audit::Act;
use crate::centre::CentreError;
use crate::error::Explain;
use crate::exit::Exit;
use crate::lang::Lang;
use crate::person::Details;
use crate::store::{Store, StoreError, Tx};

use check::Checks;
use column::Column;
use fault::masked;
use fault::{Code, Fault};
use refusal::TableError;
use report::Report;
use report_file::ReportFile;
use table::{Row, Table};

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

/// What to do with a file.
#[derive(Clone, Copy, Debug)]
pub struct Order<'a> {
    /// The file.
    pub file: &'a Path,
    /// Prefecture whose counties people may belong to.
    pub city: CityCode,
    /// Check everything, register nobody.
    pub dry_run: bool,
    /// Where the report goes besides the output: JSON, or CSV when the name ends so.
    pub report: Option<&'a Path>,
    /// Who acts.
    pub actor: &'a str,
    /// Language of the messages in the report.
    pub lang: Lang,
}

/// Imports a file in one transaction: after a kill at any moment either all of its good rows are registered or none is.
///
/// # Errors
/// [`ImportError`]; faulty rows are no error, they are in the report.
pub fn run(store: &mut Store, order: &Order<'_>) -> Result<Report, ImportError> {
    let file = open(order.file)?;
    let mut report_file = order.report.map(|path| open_report(path, &file)).transpose()?;
    let table_error = |source| ImportError::Table { path: order.file.to_owned(), source };
    let unreadable = |source| ImportError::Unreadable { path: order.file.to_owned(), source };
    let mut table = Table::read(file).map_err(|error| match error {
        table::OpenError::Read(source) => unreadable(source),
        table::OpenError::Table(source) => table_error(source),
    })?;
    let checks = Checks::new(table.layout(), order.city);
    let mut work = Work { checks, report: Report::new(&table, order.dry_run, order.lang), without_region: 0 };
    let file_to_rows = |tx: &Tx<'_>| -> Result<(Report, Act), ImportError> {
        let import = tx.next_import()?;
        tx.begin_seen_numbers()?;
        while let Some(row) = table.next_row().map_err(unreadable)? {
            work.take_row(tx, import, &row)?;
        }
        tx.end_seen_numbers()?;
        let Work { mut report, without_region, .. } = work;
        report.finish(without_region);
        if let (Some(file), Some(path)) = (&mut report_file, order.report) {
            file.write(&report).map_err(|source| ImportError::Report { path: path.to_owned(), source })?;
        }
        let counts = report.counts();
        if !order.dry_run {
            tx.add_import(import, order.actor, table.digest(), counts)?;
        }
        let detail =
            format!("accepted {} rejected {} unchanged {}", counts.accepted, counts.rejected, counts.unchanged);
        let act =
            Act { actor: order.actor.to_owned(), act: "person.import", object: format!("import {import}"), detail };
        Ok((report, act))
    };
    let report = if order.dry_run {
        store.rehearse(|tx| file_to_rows(tx).map(|(report, _)| report))
    } else {
        store.act(file_to_rows)
    }?;
    if let (Some(file), Some(path)) = (report_file, order.report) {
        file.place().map_err(|source| ImportError::ReportNotPlaced { path: path.to_owned(), source })?;
    }
    Ok(report)
}

/// An import under way.
struct Work {
    checks: Checks,
    report: Report,
    without_region: u64,
}

impl Work {
    fn take_row(&mut self, tx: &Tx<'_>, import: i64, row: &Row) -> Result<(), ImportError> {
        let details = match self.checks.check(row) {
            Ok(details) => details,
            Err(faults) => {
                self.report.reject(faults);
                return Ok(());
            }
        };
        match self.known(tx, &details)? {
            Known::New => {
                tx.add_person(&details, import, row.line)?;
                tx.see_number(&details.number, row.line)?;
                self.without_region += u64::from(details.region.is_empty());
                self.report.accept();
            }
            Known::Unchanged => {
                tx.see_number(&details.number, row.line)?;
                self.report.keep();
            }
            Known::Fault(code) => {
                let (column, value) = (Some(Column::Number), masked(&details.number));
                self.report.reject(vec![Fault { row: row.line, column, code, value }]);
            }
        }
        Ok(())
    }

    /// What is known of the number: from an earlier good row of this file, or from the registry.
    fn known(&self, tx: &Tx<'_>, details: &Details) -> Result<Known, StoreError> {
        let Some(person) = tx.person_by_number(&details.number)? else { return Ok(Known::New) };
        let same_name = person.details.name == details.name;
        let code = match tx.seen_number(&details.number)? {
            Some(first) if same_name => Code::DuplicateInFile(first),
            Some(first) => Code::NumberTakenInFile(first),
            None if self.checks.agree(&person.details, details) => return Ok(Known::Unchanged),
            None if same_name => Code::AlreadyRegistered(person.id),
            None => Code::NumberTaken(person.id),
        };
        Ok(Known::Fault(code))
    }
}

enum Known {
    New,
    Unchanged,
    Fault(Code),
}

fn open_report(path: &Path, input: &File) -> Result<ReportFile, ImportError> {
    let path_buf = || path.to_owned();
    ReportFile::create(path, input).map_err(|source| match source.kind() {
        io::ErrorKind::InvalidInput => ImportError::ReportOverFile { path: path_buf() },
        _ => ImportError::Report { path: path_buf(), source },
    })
}

/// Opens an ordinary file: a pipe cannot be read twice, a device never ends.
fn open(path: &Path) -> Result<File, ImportError> {
    let failed = |source: io::Error| match source.kind() {
        io::ErrorKind::NotFound => ImportError::NotFound { path: path.to_owned() },
        _ => ImportError::Unreadable { path: path.to_owned(), source },
    };
    let kind = fs::metadata(path).map_err(failed)?;
    if kind.is_dir() {
        return Err(failed(io::ErrorKind::IsADirectory.into()));
    }
    if !kind.is_file() {
        return Err(failed(io::ErrorKind::NotSeekable.into()));
    }
    File::open(path).map_err(failed)
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
                format!("报告 {} 无法写入: {source}；未登记任何人", path.display()),
                format!("report {} cannot be written: {source}; nobody was registered", path.display()),
            ),
            Self::ReportOverFile { path } => lang.pick(
                format!("报告 {} 就是登记文件本身，未作改动", path.display()),
                format!("the report {} is the registry file itself; nothing was done", path.display()),
            ),
            Self::ReportNotPlaced { path, source } => lang.pick(
                format!("人员已处理，但报告 {} 无法就位: {source}", path.display()),
                format!("the import is done, but its report {} could not be put in place: {source}", path.display()),
            ),
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
            Self::Store(error) => error.next(lang),
            Self::Centre(error) => error.next(lang),
        }
    }

    fn exit(&self) -> Exit {
        match self {
            Self::NotFound { .. } => Exit::NotFound,
            Self::Unreadable { .. } | Self::Table { .. } | Self::ReportOverFile { .. } => Exit::Usage,
            Self::Report { .. } => Exit::Storage,
            Self::ReportNotPlaced { .. } => Exit::Partly,
            Self::Store(error) => error.exit(),
            Self::Centre(error) => error.exit(),
        }
    }
}
