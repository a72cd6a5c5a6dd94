//! The registry import (参保人员导入): a bureau's file becomes registered people, or a list of what is wrong with it.
//!
//! Owns: the run over the file, what happens with a number that is known already, the one transaction of a file.
//! Never: changes a person that is registered; stops at the first fault; holds the file in memory.
//! Units: `row` is the line in the file, the header being line 1.

pub mod check;
pub mod fault;
pub mod header;
pub mod report;
pub mod table;

use std::fs::File;
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
use fault::{Code, Fault};
use header::TableError;
use report::Report;
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
    let table_error = |source| ImportError::Table { path: order.file.to_owned(), source };
    let unreadable = |source| ImportError::Unreadable { path: order.file.to_owned(), source };
    let mut table = Table::read(file).map_err(|error| match error {
        table::OpenError::Read(source) => unreadable(source),
        table::OpenError::Table(source) => table_error(source),
    })?;
    let checks = Checks::new(table.columns(), order.city);
    let mut report = Report::new(table.headers().to_vec(), table.encoding(), order.dry_run, order.lang);
    let work = |tx: &Tx<'_>| -> Result<(Report, Act), ImportError> {
        let import = tx.next_import()?;
        tx.begin_seen_numbers()?;
        while let Some(row) = table.next_row().map_err(unreadable)? {
            take_row(tx, import, &checks, &row, &mut report)?;
        }
        tx.end_seen_numbers()?;
        if let Some(path) = order.report {
            report.write(path).map_err(|source| ImportError::Report { path: path.to_owned(), source })?;
        }
        if !order.dry_run {
            tx.add_import(import, order.actor, table.digest(), report.counts())?;
        }
        let counts = report.counts();
        let detail =
            format!("accepted {} rejected {} unchanged {}", counts.accepted, counts.rejected, counts.unchanged);
        let act =
            Act { actor: order.actor.to_owned(), act: "person.import", object: format!("import {import}"), detail };
        Ok((report, act))
    };
    if order.dry_run { store.rehearse(|tx| work(tx).map(|(report, _)| report)) } else { store.act(work) }
}

fn take_row(tx: &Tx<'_>, import: i64, checks: &Checks, row: &Row, report: &mut Report) -> Result<(), ImportError> {
    match checks.check(row) {
        Ok(details) => match known(tx, &details, row.line, checks)? {
            Known::New => {
                tx.add_person(&details, import, row.line)?;
                report.accept();
            }
            Known::Unchanged => report.keep(),
            Known::Fault(fault) => report.reject(vec![fault]),
        },
        Err(faults) => report.reject(faults),
    }
    Ok(())
}

enum Known {
    New,
    Unchanged,
    Fault(Fault),
}

/// What is known of the number: from an earlier row of this file, or from the registry.
fn known(tx: &Tx<'_>, details: &Details, line: u64, checks: &Checks) -> Result<Known, StoreError> {
    let fault = |code| Known::Fault(checks.number_fault(line, code, &details.number));
    let registered = tx.person_by_number(&details.number)?;
    if let Some(first) = tx.seen_number(&details.number, line)? {
        let same_name = registered.is_some_and(|person| person.details.name == details.name);
        return Ok(fault(if same_name { Code::DuplicateInFile(first) } else { Code::NumberTakenInFile(first) }));
    }
    Ok(match registered {
        None => Known::New,
        Some(person) if person.details == *details => Known::Unchanged,
        Some(person) if person.details.name == details.name => fault(Code::AlreadyRegistered(person.id)),
        Some(person) => fault(Code::NumberTaken(person.id)),
    })
}

fn open(path: &Path) -> Result<File, ImportError> {
    let unreadable = |source| ImportError::Unreadable { path: path.to_owned(), source };
    let file = File::open(path).map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => ImportError::NotFound { path: path.to_owned() },
        _ => unreadable(source),
    })?;
    if file.metadata().map_err(unreadable)?.is_dir() {
        return Err(unreadable(io::ErrorKind::IsADirectory.into()));
    }
    Ok(file)
}

impl Explain for ImportError {
    fn code(&self) -> &'static str {
        match self {
            Self::NotFound { .. } => "FILE_NOT_FOUND",
            Self::Unreadable { .. } => "FILE_UNREADABLE",
            Self::Table { source, .. } => source.code(),
            Self::Report { .. } => "REPORT_NOT_WRITTEN",
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
            Self::Store(error) => error.what(lang),
            Self::Centre(error) => error.what(lang),
        }
    }

    fn next(&self, lang: Lang) -> &'static str {
        match self {
            Self::NotFound { .. } => lang.pick("检查文件名", "check the name of the file"),
            Self::Unreadable { .. } => lang.pick("检查文件和权限", "check the file and its permissions"),
            Self::Table { source, .. } => source.next(lang),
            Self::Report { .. } => lang.pick("换一个可写的位置", "name a place that can be written"),
            Self::Store(error) => error.next(lang),
            Self::Centre(error) => error.next(lang),
        }
    }

    fn exit(&self) -> Exit {
        match self {
            Self::NotFound { .. } => Exit::NotFound,
            Self::Unreadable { .. } | Self::Table { .. } => Exit::Usage,
            Self::Report { .. } => Exit::Storage,
            Self::Store(error) => error.exit(),
            Self::Centre(error) => error.exit(),
        }
    }
}
