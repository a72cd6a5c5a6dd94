//! 导入缴费和账户数据: one file, whole or not at all.
//!
//! Owns: the run over the file in one transaction, what several rows must agree on; the errors. Never: checks a cell (`check`).

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;
use settlement::date::{BusinessDate, Month};

use super::check::{self, Said};
use super::column::{Column, Kind, Layout};
use super::fault::{Code, Fault};
use super::report::Report;
use crate::audit::Act;
use crate::clock;
use crate::error::Explain;
use crate::exit::Exit;
use crate::import::encoding::Declared;
use crate::import::fault::masked;
use crate::import::refusal::TableError;
use crate::import::sheet::Sheet;
use crate::import::table::OpenError;
use crate::lang::Lang;
use crate::operator::{OperatorError, Role};
use crate::output::Show;
use crate::store::benefit::{From, Kept};
use crate::store::{Store, StoreError, Tx};

/// What to do with a file.
#[derive(Clone, Copy, Debug)]
pub struct Order<'a> {
    /// The file.
    pub file: &'a Path,
    /// Its encoding, when it is not to be told from it.
    pub encoding: Option<Declared>,
    /// Day of the data.
    pub as_of: BusinessDate,
    /// Whether months and years on record are replaced by others.
    pub replaces: bool,
    /// Check everything, keep nothing.
    pub dry_run: bool,
    /// Who acts.
    pub operator: Option<&'a str>,
    /// Language of the report.
    pub lang: Lang,
}

/// A file that was taken in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Import {
    /// Number.
    pub number: i64,
    /// What it was about.
    pub kind: Kind,
    /// Day of the data.
    pub as_of: BusinessDate,
    /// Rows.
    pub rows: u64,
    /// Operator.
    pub operator: String,
    /// UTC instant.
    pub imported_at: String,
    /// UTC instant at which it was taken back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub taken_back_at: Option<String>,
}

/// An import that was taken back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TakenBack {
    /// Its number.
    pub import: i64,
    /// Rows that went.
    pub removed: u64,
    /// Rows that stand again as before it.
    pub restored: u64,
}

/// Files that were taken in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Imports {
    /// The newest first.
    pub imports: Vec<Import>,
}

/// Why a file was not read. Nothing was kept.
#[derive(Debug, thiserror::Error)]
pub enum BenefitError {
    /// The file is not there.
    #[error("{path} is not there")]
    NotFound {
        /// The file.
        path: PathBuf,
    },
    /// It cannot be read.
    #[error("{path}: {source}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It is no table about contributions or account years.
    #[error("{path} has neither header")]
    NoHeader {
        /// The file.
        path: PathBuf,
    },
    /// It is no table.
    #[error("{path}: {source}")]
    Table {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: TableError,
    },
    /// The day of the data has not come yet.
    #[error("{as_of} is after today, {today}")]
    DayAhead {
        /// Day named.
        as_of: BusinessDate,
        /// Today.
        today: BusinessDate,
    },
    /// No import in force has this number.
    #[error("no import {number} in force")]
    ImportUnknown {
        /// Number asked for.
        number: i64,
    },
    /// A later import of the same kind is in force.
    #[error("import {number} came after it")]
    NotNewest {
        /// The newest one.
        number: i64,
    },
    /// Faulty rows: how the transaction is given up, told as a report.
    #[error("{} rows are faulty", report.refused)]
    Faulty {
        /// What was found.
        report: Box<Report>,
    },
    /// Who acts.
    #[error(transparent)]
    Operator(#[from] OperatorError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Takes a file in; faulty rows are no error, they are in the report, and nothing of the file is kept then.
///
/// # Errors
/// [`BenefitError`].
pub fn run(store: &mut Store, order: &Order<'_>) -> Result<Report, BenefitError> {
    let today = clock::business_today();
    if order.as_of > today {
        return Err(BenefitError::DayAhead { as_of: order.as_of, today });
    }
    let file = open(order.file)?;
    let (mut sheet, layout) = Sheet::read(file, order.encoding, Layout::of).map_err(|error| failed(order, error))?;
    let done = if order.dry_run {
        store.rehearse(|tx| take(tx, &mut sheet, &layout, order))
    } else {
        store.act(|tx| {
            let report = take(tx, &mut sheet, &layout, order)?;
            let actor = tx.require(order.operator, Role::Capture)?;
            let object = format!("benefit import {}", report.import.unwrap_or_default());
            let Report { created, unchanged, replaced, .. } = report;
            let detail = format!(
                "{} as of {}: created {created} unchanged {unchanged} replaced {replaced}",
                layout.kind.name(),
                order.as_of
            );
            Ok((report, Act { actor, act: "benefit.import", object, detail }))
        })
    };
    match done {
        Err(BenefitError::Faulty { report }) => Ok(*report),
        done => done,
    }
}

/// Takes an import back: what it said goes, what it corrected stands again. Only the newest of its kind, one after the other.
///
/// # Errors
/// [`BenefitError`].
pub fn take_back(store: &mut Store, number: i64, operator: Option<&str>) -> Result<TakenBack, BenefitError> {
    store.act(|tx| {
        let actor = tx.require(operator, Role::Capture)?;
        let in_force = tx.benefit_imports(u32::MAX)?.into_iter().filter(|import| import.taken_back_at.is_none());
        let in_force: Vec<Import> = in_force.collect();
        let import = in_force.iter().find(|import| import.number == number);
        let import = import.ok_or(BenefitError::ImportUnknown { number })?;
        if let Some(newer) = in_force.iter().find(|newer| newer.kind == import.kind && newer.number > number) {
            return Err(BenefitError::NotNewest { number: newer.number });
        }
        let (removed, restored) = tx.take_benefits_back(import)?;
        let object = format!("benefit import {number}");
        let detail = format!("{}: removed {removed} restored {restored}", import.kind.name());
        let taken = TakenBack { import: number, removed, restored };
        Ok((taken, Act { actor, act: "benefit.take-back", object, detail }))
    })
}

/// Every row into the database, or all their faults.
fn take(tx: &Tx<'_>, sheet: &mut Sheet, layout: &Layout, order: &Order<'_>) -> Result<Report, BenefitError> {
    let mut report = Report::new(layout.kind, order.dry_run);
    let operator = order.operator.unwrap_or_default();
    let import = tx.begin_benefit_import(layout.kind, sheet.digest(), order.as_of, operator)?;
    let mut last: Option<(String, Option<(i64, String)>)> = None;
    let mut covered = BTreeSet::new();
    while let Some((line, cells)) = sheet.next_row().map_err(|error| failed(order, error))? {
        let whole = |code| vec![Fault { row: line, column: None, code, value: "".into() }];
        let checked = match cells {
            Ok(cells) => check::row(layout, &cells, line, Month::of(order.as_of)),
            Err(code) => Err(whole(Code::Reading(code))),
        };
        let checked = match checked {
            Ok(checked) => checked,
            Err(faults) => {
                report.refuse(faults, order.lang);
                continue;
            }
        };
        let number = checked.number.as_str();
        // Rows of one person stand together, mostly.
        let person = match last.take() {
            Some((known, person)) if known == number => person,
            _ => match tx.person_by_number(number)? {
                Some(person) => Some((person, tx.region_of(person)?)),
                None => None,
            },
        };
        last = Some((number.to_owned(), person.clone()));
        let Some((person, region)) = person else {
            let (column, value) = (Some(Column::Number), masked(number));
            report.refuse(vec![Fault { row: line, column, code: Code::PersonUnknown, value }], order.lang);
            continue;
        };
        covered.insert((checked.said.insurance().code(), region));
        let from = From { import, line, replaces: order.replaces };
        let kept = match &checked.said {
            Said::Contribution(said) => tx.keep_contribution(person, said, from)?,
            Said::Account(said) => tx.keep_account_year(person, said, from)?,
        };
        match kept {
            Kept::Created => report.created += 1,
            Kept::Unchanged => report.unchanged += 1,
            Kept::Differs if order.replaces => report.replaced += 1,
            Kept::Differs => report.refuse(whole(Code::Differs), order.lang),
            Kept::Twice(before) => report.refuse(whole(Code::Duplicate(before)), order.lang),
        }
    }
    for broken in tx.broken_account_years(import)? {
        let (column, code) = (Some(Column::Opening), Code::OpeningDiffers(broken.closing));
        report.refuse(vec![Fault { row: broken.line, column, code, value: "".into() }], order.lang);
    }
    if report.refused > 0 {
        return Err(BenefitError::Faulty { report: Box::new(report) });
    }
    tx.end_benefit_import(import, report.good())?;
    tx.keep_benefit_days(import, &covered)?;
    report.import = (!order.dry_run).then_some(import);
    Ok(report)
}

/// Opens an ordinary file: a pipe cannot be read twice, a device never ends.
fn open(path: &Path) -> Result<File, BenefitError> {
    let failed = |source: io::Error| match source.kind() {
        io::ErrorKind::NotFound => BenefitError::NotFound { path: path.to_owned() },
        _ => BenefitError::Unreadable { path: path.to_owned(), source },
    };
    if !fs::metadata(path).map_err(failed)?.is_file() {
        return Err(failed(io::ErrorKind::InvalidInput.into()));
    }
    File::open(path).map_err(failed)
}

fn failed(order: &Order<'_>, error: OpenError) -> BenefitError {
    let path = order.file.to_owned();
    match error {
        OpenError::Read(source) => BenefitError::Unreadable { path, source },
        OpenError::Table(TableError::NoHeader) => BenefitError::NoHeader { path },
        OpenError::Table(source) => BenefitError::Table { path, source },
    }
}

impl Show for Imports {
    fn text(&self, lang: Lang) -> String {
        let line = |import: &Import| {
            let Import { number, kind, as_of, rows, operator, imported_at, taken_back_at } = import;
            let back = taken_back_at
                .as_ref()
                .map_or_else(String::new, |at| lang.pick(format!("  已于 {at} 撤回"), format!("  taken back {at}")));
            let word = match kind {
                Kind::Contributions => lang.pick("缴费", "contributions"),
                Kind::Accounts => lang.pick("个人账户", "account years"),
            };
            lang.pick(
                format!("{number:>4}  {word}  截至 {as_of}  {rows} 行  {operator}  {imported_at}{back}"),
                format!("{number:>4}  {word}  as of {as_of}  {rows} rows  {operator}  {imported_at}{back}"),
            )
        };
        if self.imports.is_empty() {
            return lang
                .pick("没有导入过缴费和账户数据", "no data about contributions or accounts were imported")
                .to_owned();
        }
        self.imports.iter().map(line).collect::<Vec<_>>().join("\n")
    }
}

impl Show for TakenBack {
    fn text(&self, lang: Lang) -> String {
        let Self { import, removed, restored } = self;
        lang.pick(
            format!("已撤回导入 {import}: 删除 {removed} 行，恢复 {restored} 行"),
            format!("import {import} is taken back: {removed} rows removed, {restored} as before"),
        )
    }
}

impl Explain for BenefitError {
    fn code(&self) -> &'static str {
        match self {
            Self::NotFound { .. } => "FILE_NOT_FOUND",
            Self::Unreadable { .. } => "FILE_UNREADABLE",
            Self::NoHeader { .. } => "HEADER_MISSING",
            Self::Table { source, .. } => source.code(),
            Self::DayAhead { .. } => "BENEFIT_DAY_AHEAD",
            Self::ImportUnknown { .. } => "BENEFIT_IMPORT_UNKNOWN",
            Self::NotNewest { .. } => "BENEFIT_IMPORT_NOT_NEWEST",
            Self::Faulty { .. } => "BENEFIT_ROWS_FAULTY",
            Self::Operator(error) => error.code(),
            Self::Store(error) => error.code(),
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
            Self::NoHeader { path } => lang.pick(
                format!("{} 的前几行既不是缴费表头，也不是个人账户表头", path.display()),
                format!(
                    "none of the first lines of {} is a header of contributions or of account years",
                    path.display()
                ),
            ),
            Self::Table { path, source } => format!("{}: {}", path.display(), source.what(lang)),
            Self::DayAhead { as_of, today } => lang.pick(
                format!("数据截止日 {as_of} 在今天（{today}）之后"),
                format!("the day of the data, {as_of}, is after today, {today}"),
            ),
            Self::ImportUnknown { number } => {
                lang.pick(format!("没有有效的导入 {number}"), format!("no import {number} is in force"))
            }
            Self::NotNewest { number } => lang
                .pick(format!("其后还有同类导入 {number}"), format!("import {number} of the same kind came after it")),
            Self::Faulty { report } => {
                let refused = report.refused;
                lang.pick(format!("{refused} 行有错"), format!("{refused} rows are faulty"))
            }
            Self::Operator(error) => error.what(lang),
            Self::Store(error) => error.what(lang),
        }
    }

    fn next(&self, lang: Lang) -> &'static str {
        match self {
            Self::NotFound { .. } => lang.pick("检查文件名", "check the name of the file"),
            Self::Unreadable { .. } => lang.pick(
                "检查文件和权限；须是普通文件，不能是目录、管道或设备",
                "check the file and its permissions; it must be an ordinary file, no folder, pipe or device",
            ),
            Self::NoHeader { .. } => lang.pick(
                "缴费: 社会保障号码,险种类型,费款所属期,缴费基数,单位缴费,个人缴费；账户: 社会保障号码,险种类型,年度,期初余额,个人划入,单位划入,利息,支出,期末余额；见 docs/benefits.md",
                "see docs/benefits.md for the columns of both files",
            ),
            Self::Table { source, .. } => source.next(lang),
            Self::DayAhead { .. } => lang.pick("核对 --as-of", "check --as-of"),
            Self::ImportUnknown { .. } => lang.pick("用 issuer benefit list 查编号", "issuer benefit list shows the numbers"),
            Self::NotNewest { .. } => {
                lang.pick("先撤回较新的，再重新导入它们", "take the newer ones back first, and import them again after it")
            }
            Self::Faulty { .. } => lang.pick("更正后重新导入", "mend them and import the file again"),
            Self::Operator(error) => error.next(lang),
            Self::Store(error) => error.next(lang),
        }
    }

    fn exit(&self) -> Exit {
        match self {
            Self::NotFound { .. } | Self::ImportUnknown { .. } => Exit::NotFound,
            Self::DayAhead { .. } | Self::Unreadable { .. } | Self::NoHeader { .. } | Self::Table { .. } => Exit::Usage,
            Self::Faulty { .. } | Self::NotNewest { .. } => Exit::Refused,
            Self::Operator(error) => error.exit(),
            Self::Store(error) => error.exit(),
        }
    }
}
