//! The registry import (参保人员导入): a bureau's file becomes statements about people, or a list of what is wrong with it.
//!
//! Owns: the run over the file in transactions of many rows; going on behind the last of them after a kill; what happens with
//! a number that stands in the file twice.
//! Never: stops at the first fault; holds the file in memory; decides what a statement changes ([`crate::registry`]).
//! Units: `row` is the line in the file where a row starts, the header of an ordinary file being line 1.

mod ahead;
pub mod check;
pub mod column;
pub mod encoding;
pub mod failure;
pub mod fault;
mod json;
pub mod note;
pub mod record;
pub mod refusal;
pub mod report;
pub(crate) mod report_file;
pub(crate) mod sheet;
pub mod single;
pub mod table;
mod workbook;

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel, sync_channel};
use std::time::{Duration, Instant};

use card_core::security::CityCode;

use crate::audit::Act;
use crate::lang::Lang;
use crate::person::Details;
use crate::person::dossier::Statement;
use crate::person::field::{Field, Fields};
use crate::person::rule::PeopleRules;
use crate::registry::newcomer::{Known, Newcomer};
use crate::registry::source::Source;
use crate::registry::{self, Done, Outcome};
use crate::store::{Adder, Store, StoreError, Tx};

use ahead::{Ahead, BATCHES_AHEAD, Batch, Guess, Row};
use check::Checks;
use column::Column;
use encoding::Declared;
pub use failure::ImportError;
use fault::{Code, Fault, masked};
use report::{Counts, Remarks, Report};
use report_file::ReportFile;
use table::{OpenError, Reading, Table};

/// Batches of one transaction: rows of many people fall on the same pages, which are written once.
const BATCHES_MAX: usize = 25;
/// How long a transaction is kept open for another batch: so long others wait that want to write, and so much is done again
/// after a kill.
const OPEN_MAX: Duration = Duration::from_millis(500);

/// New people of a file who are compared with those registered before.
const COMPARED_MAX: u64 = 5_000;
/// Pairs of people who may be one that a report names.
const PAIRS_MAX: usize = 20;

/// What to do with a file.
#[derive(Clone, Copy, Debug)]
pub struct Order<'a> {
    /// The file.
    pub file: &'a Path,
    /// Name of the source that it comes from.
    pub source: &'a str,
    /// Its encoding; that of the source when none is stated, told from the file when that states none.
    pub encoding: Option<Declared>,
    /// Sheet of a workbook; the first one that is shown when none is named.
    pub sheet: Option<&'a str>,
    /// Prefecture whose counties people may belong to.
    pub city: CityCode,
    /// Whom the site registers.
    pub people: PeopleRules,
    /// Check everything, change nothing.
    pub dry_run: bool,
    /// Where the report goes besides the output: JSON, or CSV when the name ends so.
    pub report: Option<&'a Path>,
    /// Who acts.
    pub actor: &'a str,
    /// Language of the messages in the report.
    pub lang: Lang,
    /// Who is told how far the import has come.
    pub watcher: &'a dyn Watcher,
}

/// Is told how far an import has come.
pub trait Watcher: Sync + std::fmt::Debug {
    /// Bytes read of all bytes of the file, and what came of the rows so far.
    fn stored(&self, read: u64, length: u64, counts: Counts);
}

/// Nobody is told.
#[derive(Clone, Copy, Debug)]
pub struct Quiet;

impl Watcher for Quiet {
    fn stored(&self, _: u64, _: u64, _: Counts) {}
}

/// Imports a file. What the watcher is told of is durable; an import that was killed goes on behind its last transaction when the same file of the same source is imported again, and ends as if it had never been interrupted.
///
/// # Errors
/// [`ImportError`]; faulty rows are no error, they are in the report.
pub fn run(store: &mut Store, order: &Order<'_>) -> Result<Report, ImportError> {
    let source = store.read(|tx| tx.source(order.source))?.ok_or(ImportError::SourceUnknown)?;
    let file = open(order.file)?;
    let mut report_file = order.report.map(|path| open_report(path, &file)).transpose()?;
    let reading =
        Reading { encoding: order.encoding.or(source.encoding), mapping: &source.mapping, sheet: order.sheet };
    let mut table = Table::read(file, reading).map_err(|error| failed(order, error))?;
    let checks = Checks::new(table.layout(), order.city, order.people);
    let report = Report::new(&table, order.dry_run, order.lang);
    let guess = Guess::new();
    let mut work = Work {
        order,
        source,
        fields: checks.fields(),
        report,
        remarks: Remarks::default(),
        formers: false,
        import: 0,
        done: 0,
        good: 0,
        guess: &guess,
        new_before: false,
    };
    work.begin(store, table.digest())?;
    let ahead = Ahead {
        checks: &checks,
        source: work.source.id,
        import: work.import,
        done: work.done,
        // A dry run registers nobody.
        keys: if order.dry_run { None } else { store.data_keys() },
        guess: &guess,
    };
    let (sender, batches) = sync_channel(BATCHES_AHEAD);
    let (done_with, returned) = channel();
    let read = std::thread::scope(|scope| {
        let table = &mut table;
        let reader = scope.spawn(move || ahead.read(table, &sender, &returned));
        let mut stored = Ok(());
        while let Ok(batch) = batches.recv() {
            stored = work.store(store, batch, &batches, &done_with);
            if stored.is_err() {
                break;
            }
        }
        // A reader that still wants to send learns that nobody takes its rows.
        drop(batches);
        let read = reader.join().expect("a reader of rows does not panic");
        stored.and(read.map_err(|error| failed(order, error)))
    });
    read?;
    work.finish(store, report_file.as_mut())?;
    if let (Some(file), Some(path)) = (report_file, order.report) {
        file.place().map_err(|source| ImportError::ReportNotPlaced { path: path.to_owned(), source })?;
    }
    Ok(work.report)
}

/// An import under way.
struct Work<'a> {
    order: &'a Order<'a>,
    source: Source,
    fields: Fields,
    report: Report,
    remarks: Remarks,
    /// Somebody had another number before, or another row: who a row is about is not told by its number alone.
    formers: bool,
    /// Number of the import.
    import: u32,
    /// Last row that an interrupted run has stored.
    done: u64,
    /// Good rows so far.
    good: i64,
    guess: &'a Guess,
    /// Whether the last good row was about a person who is new.
    new_before: bool,
}

impl Work<'_> {
    fn begin(&mut self, store: &mut Store, digest: &str) -> Result<(), ImportError> {
        store.widen()?;
        store.journal(|tx| tx.begin_seen_numbers())?;
        if self.order.dry_run {
            return Ok(());
        }
        let (source, actor) = (self.source.id, self.order.actor);
        if let Some(unfinished) = store.read(|tx| tx.unfinished_import(source, digest))? {
            (self.import, self.done) = (unfinished.number, unfinished.row_done);
            self.report.resume(unfinished.counts, unfinished.row_done);
        }
        let resumed = (self.import != 0).then_some(self.import);
        let done = self.done;
        let name = &self.source.name;
        self.import = store.act(|tx| -> Result<_, ImportError> {
            let (import, act, detail) = match resumed {
                Some(import) => (import, "person.import.resume", format!("source {name} behind row {done}")),
                None => (tx.begin_import(actor, source, digest)?, "person.import.begin", format!("source {name}")),
            };
            let object = format!("import {import}");
            Ok((import, Act { actor: actor.to_owned(), act, object, detail }))
        })?;
        Ok(())
    }

    /// Stores a batch and those that are ready soon behind it, and how far the import has come, in one transaction. Rows that an
    /// interrupted run stored are counted already: only their faults are listed, and their numbers remembered.
    fn store(
        &mut self,
        store: &mut Store,
        first: Batch,
        more: &Receiver<Batch>,
        done_with: &Sender<Vec<Row>>,
    ) -> Result<(), ImportError> {
        let begun = Instant::now();
        let (read, length) = store.journal(|tx| -> Result<_, ImportError> {
            let (mut batch, mut taken) = (first, 1);
            let mut adder = tx.adder()?;
            self.formers = tx.any_former_number()?;
            loop {
                let Batch { mut rows, at, read, length } = batch;
                let last = rows.last().map_or(0, |row| row.line);
                for row in &mut rows {
                    self.take_row(tx, &mut adder, row, at)?;
                }
                // A reader that has come to the end of the file takes none back.
                let _ = done_with.send(rows);
                let left = OPEN_MAX.saturating_sub(begun.elapsed());
                let next = if taken < BATCHES_MAX { more.recv_timeout(left).ok() } else { None };
                let Some(next) = next else {
                    if !self.order.dry_run && last > self.done {
                        tx.note_import(self.import, last, self.report.counts())?;
                    }
                    return Ok((read, length));
                };
                (batch, taken) = (next, taken + 1);
            }
        })?;
        self.order.watcher.stored(read, length, self.report.counts());
        Ok(())
    }

    fn take_row(&mut self, tx: &Tx<'_>, adder: &mut Adder<'_, '_>, row: &mut Row, at: u64) -> Result<(), ImportError> {
        let Row { line, checked } = row;
        let line = *line;
        let fresh = line > self.done;
        let newcomer = match checked {
            Ok(newcomer) => &*newcomer,
            Err(faults) => {
                self.refuse(std::mem::take(faults), fresh);
                return Ok(());
            }
        };
        self.good += 1;
        let marks = match &newcomer.marks {
            Some(marks) if tx.are_current(marks)? => Some(marks),
            _ => None,
        };
        // Behind a new person comes another one, mostly, and who is new need not be looked for.
        if self.new_before
            && !self.formers
            && let Some(marks) = marks
            && let Some(outcome) = registry::enter(adder, newcomer, marks, self.import)?
        {
            self.compare(tx, newcomer, Some(outcome.id))?;
            self.accept(newcomer, Some(&outcome));
            return Ok(());
        }
        let details = newcomer.details();
        let known = match marks {
            Some(marks) if !self.formers => tx.known_by_mark(&marks.number)?,
            _ => tx.known_by_statement(&details.number, &details.name)?,
        };
        if let Some((first, same_name)) = self.earlier(tx, known.as_ref(), &details, line)? {
            let code = if same_name { Code::DuplicateInFile(first) } else { Code::NumberTakenInFile(first) };
            let (column, value) = (Some(Column::Number), masked(&details.number));
            self.refuse(vec![Fault { row: line, column, code, value }], fresh);
            return Ok(());
        }
        if !fresh {
            // What an interrupted run registered is compared again, for the note.
            if let Some(known) = known.as_ref().filter(|known| known.import == self.import) {
                self.compare(tx, newcomer, Some(known.id))?;
            }
            self.accept(newcomer, None);
            return Ok(());
        }
        let (source, import, taken_back) = (self.source.id, self.import, newcomer.taken_back);
        let fields = self.fields.without(taken_back);
        let statement = Statement { source, at, import, row: line, details: &details, fields, taken_back };
        let outcome = match known {
            Some(known) => registry::hear(tx, known, &statement, !self.order.dry_run)?,
            None if self.order.dry_run => registry::rehearse(newcomer),
            None => {
                let entered = marks.map(|marks| registry::enter(adder, newcomer, marks, import)).transpose()?;
                match entered.flatten() {
                    Some(outcome) => outcome,
                    None => registry::register(tx, &statement)?,
                }
            }
        };
        if outcome.done == Done::Created {
            self.compare(tx, newcomer, Some(outcome.id).filter(|id| *id > 0))?;
        }
        self.remarks.unsaid += u64::from(!outcome.unsaid.is_empty());
        self.accept(newcomer, Some(&outcome));
        Ok(())
    }

    /// Looks for somebody who may be the new person, among those that were registered before this import: within one file the same person has
    /// one row, and a first load would be a list of people of one name.
    fn compare(&mut self, tx: &Tx<'_>, newcomer: &Newcomer, id: Option<i64>) -> Result<(), StoreError> {
        if self.remarks.compared == COMPARED_MAX {
            return Ok(());
        }
        self.remarks.compared += 1;
        // Row numbers go up with the rows of a file, also of one that was interrupted.
        let first = id.map(|id| *self.remarks.first.get_or_insert(id));
        if let Some(other) = tx.alike(&newcomer.details(), first)? {
            self.remarks.alike += 1;
            if self.remarks.pairs.len() < PAIRS_MAX {
                self.remarks.pairs.push((id.unwrap_or_default(), other));
            }
        }
        Ok(())
    }

    /// Counts a good row; one that an interrupted run stored has no outcome, it is counted already.
    fn accept(&mut self, newcomer: &Newcomer, outcome: Option<&Outcome>) {
        self.remarks.without_region += u64::from(newcomer.region.is_empty());
        self.remarks.off_chip += u64::from(newcomer.no_card.is_some());
        if let Some(outcome) = outcome {
            self.new_before = outcome.done == Done::Created;
            self.guess.learn(self.good - 1, Some(outcome.id).filter(|_| self.new_before));
            self.report.count(outcome);
        }
    }

    /// The earlier good row of the file that has the same number, if there is one, and whether it has the same name.
    ///
    /// A person whom this import registers remembers the row that did it; only the numbers of others need be written down.
    fn earlier(
        &self,
        tx: &Tx<'_>,
        known: Option<&Known>,
        details: &Details,
        line: u64,
    ) -> Result<Option<(u64, bool)>, StoreError> {
        if self.order.dry_run || line <= self.done && known.is_none() {
            return tx.see_number(&details.number, &details.name, line);
        }
        let Some(known) = known else { return Ok(None) };
        let own = known.dossier.row(self.source.id, self.import).filter(|_| known.import == self.import);
        match own {
            Some(row) if row == line => Ok(None),
            Some(row) => {
                let name = known.dossier.says(self.source.id, Field::Name);
                Ok(Some((row, name == Some(details.name.as_str()))))
            }
            None => tx.see_number(&details.number, &details.name, line),
        }
    }

    fn refuse(&mut self, faults: Vec<Fault>, fresh: bool) {
        if fresh { self.report.refuse(faults) } else { self.report.list(faults) }
    }

    /// Writes the report and ends the import.
    fn finish(&mut self, store: &mut Store, report_file: Option<&mut ReportFile>) -> Result<(), ImportError> {
        self.report.finish(std::mem::take(&mut self.remarks));
        if let (Some(file), Some(path)) = (report_file, self.order.report) {
            file.write(&self.report)
                .map_err(|source| ImportError::ReportNotPlaced { path: path.to_owned(), source })?;
        }
        if self.order.dry_run {
            return Ok(());
        }
        let Counts { created, changed, unchanged, refused, conflicting } = self.report.counts();
        store.act(|tx| -> Result<_, ImportError> {
            tx.finish_import(self.import)?;
            let detail = format!(
                "created {created} changed {changed} unchanged {unchanged} refused {refused} conflicting {conflicting}"
            );
            let (actor, object) = (self.order.actor.to_owned(), format!("import {}", self.import));
            Ok(((), Act { actor, act: "person.import", object, detail }))
        })
    }
}

fn failed(order: &Order<'_>, error: OpenError) -> ImportError {
    let path = order.file.to_owned();
    match error {
        OpenError::Read(source) => ImportError::Unreadable { path, source },
        OpenError::Table(source) => ImportError::Table { path, source },
    }
}

fn open_report(path: &Path, input: &File) -> Result<ReportFile, ImportError> {
    let path_buf = || path.to_owned();
    ReportFile::create(path, Some(input)).map_err(|source| match source.kind() {
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
