//! Files to and from the holder registry: recorded before they stand in the folder, answers taken in whole or not at all.
//!
//! The folder `sync` of the centre has the places of `exchange`: `request`, `response`, `run`, `archive`, `bad`.
//!
//! Owns: making, sending again, taking in; what a kill left undone. Never: changes an entry but by an answer that fits.

use std::path::Path;

use serde::Serialize;

use super::failure::SyncError;
use super::file::{self, Heading};
use super::{SyncFile, SyncFileMove, SyncFileState, SyncMove};
use crate::audit::Act;
use crate::centre::Centre;
use crate::clock;
use crate::error::Missing;
use crate::exchange::fault::{Code, Fault, Faults};
use crate::exchange::folder::{Folder, Place};
use crate::exchange::sha256;
use crate::lang::Lang;
use crate::operator::Role;
use crate::output::{Show, json_line};
use crate::state::State;
use crate::store::Store;

/// Bytes of a file of which nothing is known that is read to refuse it.
const UNKNOWN_FILE_MAX: u64 = 1 << 20;

/// An entry that cannot stand in a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    /// Its sequence.
    pub sequence: i64,
    /// The column whose cell cannot be written.
    pub column: &'static str,
}

/// What came of an export.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Exported {
    /// The file; none when nothing is pending.
    pub file: Option<SyncFile>,
    /// Entries that stay pending.
    pub left_out: Vec<LeftOut>,
}

/// What came of an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum Outcome {
    /// It is taken in.
    TakenIn {
        /// 任务号.
        task: String,
        /// Entries accepted.
        accepted: u64,
        /// Entries refused.
        refused: u64,
    },
    /// This very file was taken in before; nothing was changed.
    Known {
        /// 任务号.
        task: String,
    },
    /// It is refused, and nothing was changed.
    Rejected {
        /// How many faults.
        count: u64,
        /// The first of them.
        faults: Vec<Fault>,
    },
}

/// A file that came in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Taken {
    /// Its name.
    pub name: String,
    /// What came of it.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// Several of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Intake {
    /// In order of name.
    pub files: Vec<Taken>,
}

/// Makes a file of up to `limit` entries, the oldest first, one a card, and puts it into the folder. The data keys must be open.
///
/// # Errors
/// [`SyncError`]; a kill leaves a file that the next command puts there.
pub fn export(centre: &mut Centre, limit: u32, operator: Option<&str>) -> Result<Exported, SyncError> {
    let folder = folder(centre)?;
    complete(&mut centre.store, &folder)?;
    let city = centre.config.city;
    let time = clock::china_now().to_string();
    let (number, left_out) = centre.store.act(|tx| -> Result<_, SyncError> {
        let actor = tx.require(operator, Role::Capture)?;
        let number = tx.next_sync_file()?;
        let task = format!("{}{number:08}", time.get(..8).unwrap_or_default());
        let heading = Heading { city: city.as_str(), task: &task };
        let (mut rows, mut kept, mut left_out) = (Vec::new(), Vec::new(), Vec::new());
        for entry in tx.sync_due(limit)? {
            let card = tx.card_of_job(entry.job)?.ok_or(Missing::Card)?;
            let person = tx.person(card.person)?.ok_or(Missing::Person { id: card.person })?.details;
            match file::row(&entry, &card, &person) {
                Ok(row) => {
                    rows.push(row);
                    kept.push(entry.sequence);
                }
                Err(column) => left_out.push(LeftOut { sequence: entry.sequence, column }),
            }
        }
        if kept.is_empty() {
            return Err(if left_out.is_empty() {
                SyncError::NothingPending
            } else {
                SyncError::NothingFits { left_out }
            });
        }
        let body = heading.file(&rows);
        tx.add_sync_file(number, (&task, &heading.name()), (&body, &sha256(&body)), kept.len(), &actor)?;
        for sequence in &kept {
            tx.send_sync_entry(*sequence, number)?;
        }
        let detail = format!("{} entries, {} left out", kept.len(), left_out.len());
        Ok(((number, left_out), Act { actor, act: "sync.export", object: format!("task {task}"), detail }))
    })?;
    complete(&mut centre.store, &folder)?;
    Ok(Exported { file: centre.store.read(|tx| tx.sync_file_by_number(number))?, left_out })
}

/// Puts a file that is not answered into the folder once more: the same bytes under the same name.
///
/// # Errors
/// [`SyncError`].
pub fn resend(centre: &mut Centre, task: &str, operator: Option<&str>) -> Result<SyncFile, SyncError> {
    let folder = folder(centre)?;
    complete(&mut centre.store, &folder)?;
    let (file, body) = centre.store.act(|tx| -> Result<_, SyncError> {
        let actor = tx.require(operator, Role::Capture)?;
        let file = tx.sync_file(task)?.ok_or(SyncError::TaskUnknown)?;
        if file.state != SyncFileState::Sent.name() {
            return Err(SyncError::FileState { state: file.state });
        }
        let body = tx.sync_body(file.number)?;
        let act = Act { actor, act: "sync.resend", object: format!("task {task}"), detail: file.name.clone() };
        Ok(((file, body), act))
    })?;
    folder.put(Place::Request, &file.name, &body)?;
    Ok(file)
}

/// Takes in what a killed run left, then one file from anywhere, or every file of `response`.
///
/// # Errors
/// [`SyncError`].
pub fn import(centre: &mut Centre, path: Option<&Path>, operator: Option<&str>) -> Result<Intake, SyncError> {
    centre.store.read(|tx| tx.require(operator, Role::Capture))?;
    let folder = folder(centre)?;
    complete(&mut centre.store, &folder)?;
    let mut files = Vec::new();
    for name in folder.names(Place::Run)? {
        files.push(take(centre, &folder, &name, operator)?);
    }
    match path {
        Some(path) => {
            let failed = |source| SyncError::File { path: path.to_owned(), source };
            let name = path.file_name().and_then(|name| name.to_str()).filter(|name| !name.starts_with('.'));
            let name = name.ok_or_else(|| failed(std::io::ErrorKind::InvalidFilename.into()))?;
            let most = limit(centre, name)?;
            if std::fs::metadata(path).map_err(failed)?.len() > most {
                files.push(Taken { name: name.to_owned(), outcome: rejected(Faults::of_file(Code::TooLong)) });
                return Ok(Intake { files });
            }
            folder.put(Place::Run, name, &std::fs::read(path).map_err(failed)?)?;
            files.push(take(centre, &folder, name, operator)?);
        }
        None => {
            for name in folder.names(Place::Response)? {
                folder.shift(&name, Place::Response, Place::Run)?;
                files.push(take(centre, &folder, &name, operator)?);
            }
        }
    }
    Ok(Intake { files })
}

fn folder(centre: &Centre) -> Result<Folder, SyncError> {
    Ok(Folder::named(&centre.folder, "sync")?)
}

/// Puts files into the folder that are recorded and perhaps not there.
fn complete(store: &mut Store, folder: &Folder) -> Result<(), SyncError> {
    let files = store.read(|tx| tx.sync_files(true))?;
    for file in files.into_iter().filter(|file| file.state == SyncFileState::Prepared.name()) {
        let body = store.read(|tx| tx.sync_body(file.number))?;
        folder.put(Place::Request, &file.name, &body)?;
        store.journal(|tx| tx.move_sync_file(file.number, SyncFileMove::Send))?;
    }
    Ok(())
}

/// Bytes that a file of this name may have.
fn limit(centre: &mut Centre, name: &str) -> Result<u64, SyncError> {
    let Some(task) = file::task_of(name, centre.config.city.as_str()) else { return Ok(UNKNOWN_FILE_MAX) };
    let sent = centre.store.read(|tx| tx.sync_file(task))?;
    Ok(sent.map_or(UNKNOWN_FILE_MAX, |sent| file::bytes_max(sent.rows)))
}

/// Takes in the file that stands in `run`.
fn take(centre: &mut Centre, folder: &Folder, name: &str, operator: Option<&str>) -> Result<Taken, SyncError> {
    let most = limit(centre, name)?;
    let outcome = match folder.read(Place::Run, name, most)? {
        None => rejected(Faults::of_file(Code::TooLong)),
        Some(bytes) => match judge(centre, name, &bytes, operator) {
            Ok(outcome) => outcome,
            Err(Refusal::Faults(faults)) => rejected(faults),
            Err(Refusal::Sync(error)) => return Err(*error),
        },
    };
    let taken = Taken { name: name.to_owned(), outcome };
    if let Outcome::Rejected { count, .. } = &taken.outcome {
        folder.put(Place::Bad, &format!("{name}.report.json"), json_line(&taken).as_bytes())?;
        centre.store.act(|tx| -> Result<_, SyncError> {
            let actor = tx.require(operator, Role::Capture)?;
            let detail = format!("{count} faults");
            Ok(((), Act { actor, act: "sync.reject", object: format!("file {name}"), detail }))
        })?;
        folder.shift(name, Place::Run, Place::Bad)?;
    } else {
        folder.shift(name, Place::Run, Place::Archive)?;
    }
    Ok(taken)
}

enum Refusal {
    Faults(Faults),
    Sync(Box<SyncError>),
}

impl<E: Into<SyncError>> From<E> for Refusal {
    fn from(error: E) -> Self {
        Self::Sync(Box::new(error.into()))
    }
}

/// Reads an answer against what was sent and carries it out.
fn judge(centre: &mut Centre, name: &str, bytes: &[u8], operator: Option<&str>) -> Result<Outcome, Refusal> {
    let digest = sha256(bytes);
    let city = centre.config.city;
    if let Some(task) = centre.store.read(|tx| tx.sync_answered_by(&digest))? {
        return Ok(Outcome::Known { task });
    }
    let task = file::task_of(name, city.as_str()).ok_or_else(|| fault(Code::NameUnknown))?.to_owned();
    centre.store.act(|tx| {
        let actor = tx.require(operator, Role::Capture)?;
        let sent = tx.sync_file(&task)?.ok_or_else(|| fault(Code::Task))?;
        if sent.state != SyncFileState::Sent.name() {
            return Err(fault(Code::Task));
        }
        let asked = tx.sync_entries_of(sent.number)?;
        let heading = Heading { city: city.as_str(), task: &task };
        let answers = file::read(heading, &asked, bytes).map_err(Refusal::Faults)?;
        let (mut accepted, mut refused) = (0, 0);
        for answer in &answers {
            let by = if answer.accepted() { SyncMove::Accept } else { SyncMove::Refuse };
            *(if answer.accepted() { &mut accepted } else { &mut refused }) += 1;
            tx.move_sync_entry(answer.sequence, by)?;
            tx.answer_sync_entry(answer)?;
        }
        tx.answer_sync_file(sent.number, &digest)?;
        let detail = format!("{accepted} accepted, {refused} refused");
        let act = Act { actor, act: "sync.import", object: format!("task {task}"), detail };
        Ok((Outcome::TakenIn { task: task.clone(), accepted, refused }, act))
    })
}

fn fault(code: Code) -> Refusal {
    Refusal::Faults(Faults::of_file(code))
}

fn rejected(faults: Faults) -> Outcome {
    Outcome::Rejected { count: faults.count, faults: faults.listed }
}

impl Intake {
    /// Files refused, and whether the registry refused an entry.
    #[must_use]
    pub fn unwanted(&self) -> (usize, bool) {
        let rejected = self.files.iter().filter(|file| matches!(file.outcome, Outcome::Rejected { .. })).count();
        let refused = |file: &Taken| matches!(file.outcome, Outcome::TakenIn { refused, .. } if refused > 0);
        (rejected, self.files.iter().any(refused))
    }
}

impl Show for Exported {
    fn text(&self, lang: Lang) -> String {
        let left_out = self.left_out.iter().map(|LeftOut { sequence, column }| {
            lang.pick(
                format!("未报送 {sequence}: {column} 含不能写入文件的字符"),
                format!("left out {sequence}: {column} holds a character that cannot stand in the file"),
            )
        });
        left_out.chain(self.file.iter().map(|file| file.text(lang))).collect::<Vec<_>>().join("\n")
    }
}

impl Show for Intake {
    fn text(&self, lang: Lang) -> String {
        let mut lines = Vec::new();
        for Taken { name, outcome } in &self.files {
            match outcome {
                Outcome::TakenIn { task, accepted, refused } => lines.push(lang.pick(
                    format!("{name}: 已接收，任务 {task}，受理 {accepted}，退回 {refused}"),
                    format!("{name}: taken in, task {task}, {accepted} accepted, {refused} refused"),
                )),
                Outcome::Known { task } => lines.push(lang.pick(
                    format!("{name}: 此前已接收（任务 {task}），未作改动"),
                    format!("{name}: taken in before (task {task}); nothing was changed"),
                )),
                Outcome::Rejected { count, faults } => {
                    lines.extend(faults.iter().map(|fault| format!("{name}: {}", fault.text(lang))));
                    lines.push(lang.pick(
                        format!("{name}: 整个文件退回，{count} 处不符，未作改动，报告在 sync/bad"),
                        format!(
                            "{name}: the whole file is refused, {count} faults, nothing was changed; report in sync/bad"
                        ),
                    ));
                }
            }
        }
        if lines.is_empty() {
            lines.push(lang.pick("没有待接收的文件", "no file to take in").to_owned());
        }
        lines.join("\n")
    }
}
