//! Files to and from the holder registry: recorded before they stand in the folder, answers taken in whole or not at all.
//!
//! The folder `sync` of the centre has the places of `exchange`: `request`, `response`, `run`, `archive`, `bad`.
//!
//! Owns: making, sending again, taking in; what a kill left undone. Never: changes an entry but by an answer that fits.

use std::path::Path;

use serde::Serialize;

use super::failure::SyncError;
use super::file::{Heading, Layout};
use super::{SyncFile, SyncFileMove, SyncFileState, SyncMove};
use crate::audit::Act;
use crate::centre::Centre;
use crate::clock;
use crate::error::Missing;
use crate::exchange::failure::ExchangeError;
use crate::exchange::fault::{Code, Faults};
use crate::exchange::folder::{Folder, Place};
use crate::exchange::inbox::{self, Answers, Intake, Outcome, Read, Source, UNKNOWN_FILE_MAX};
use crate::exchange::sha256;
use crate::lang::Lang;
use crate::operator::Role;
use crate::output::Show;
use crate::state::State;
use crate::store::{Store, StoreError, Tx};

/// An entry that cannot stand in a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    /// Its sequence.
    pub sequence: i64,
    /// The column whose cell cannot be written.
    pub column: String,
}

/// What came of an export.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Exported {
    /// The file; none when nothing is pending.
    pub file: Option<SyncFile>,
    /// Entries that stay pending.
    pub left_out: Vec<LeftOut>,
}

/// Answers of the holder registry.
#[derive(Debug, Default)]
struct Registry;

/// Makes a file of up to `limit` entries, the oldest first, one a card, and puts it into the folder. The data keys must be open.
///
/// # Errors
/// [`SyncError`]; a kill leaves a file that the next command puts there.
pub fn export(centre: &mut Centre, limit: u32, operator: Option<&str>) -> Result<Exported, SyncError> {
    let folder = folder(centre)?;
    complete(&mut centre.store, &folder)?;
    let (city, layout) = (centre.config.city, Layout::of(&centre.folder)?);
    let time = clock::china_now().to_string();
    let (number, left_out) = centre.store.act(|tx| -> Result<_, SyncError> {
        let actor = tx.require(operator, Role::Capture)?;
        let number = tx.next_sync_file()?;
        let task = format!("{}{number:08}", time.get(..8).unwrap_or_default());
        let heading = Heading { city: city.as_str(), task: &task };
        let (mut rows, mut kept, mut left_out) = (Vec::new(), Vec::new(), Vec::new());
        let (most, mut after) = (usize::try_from(limit).unwrap_or(usize::MAX), 0);
        // Those that cannot be told keep no place: the others behind them go.
        while kept.len() < most {
            let due = tx.sync_due(after, limit)?;
            let Some(last) = due.last() else { break };
            after = last.sequence;
            for entry in due {
                if kept.len() == most {
                    break;
                }
                let card = tx.card_of_job(entry.job)?.ok_or(Missing::Card)?;
                let person = tx.person(card.person)?.ok_or(Missing::Person { id: card.person })?.details;
                let line = rows.len() + 1;
                match layout.row(heading, line, (&entry, &card, &person)) {
                    Ok(row) => {
                        rows.push(row);
                        kept.push(entry.sequence);
                    }
                    Err(column) => left_out.push(LeftOut { sequence: entry.sequence, column }),
                }
            }
        }
        if kept.is_empty() {
            return Err(if left_out.is_empty() {
                SyncError::NothingPending
            } else {
                SyncError::NothingFits { left_out }
            });
        }
        let head_unfit = |column| SyncError::Template(Box::new(ExchangeError::HeadUnfit { column }));
        let body = layout.file(heading, &rows).map_err(head_unfit)?;
        tx.add_sync_file(number, (&task, &layout.name(heading)), (&body, &sha256(&body)), kept.len(), &actor)?;
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
    let folder = folder(centre)?;
    complete(&mut centre.store, &folder)?;
    match path {
        Some(path) => inbox::take_file(centre, &Registry, path, operator),
        None => inbox::take_all(centre, &Registry, operator),
    }
}

fn folder(centre: &Centre) -> Result<Folder, SyncError> {
    Ok(Folder::named(&centre.folder, "sync")?)
}

/// Puts files into the folder that are recorded and perhaps not there, and takes those out that are answered: what a kill left
/// undone.
fn complete(store: &mut Store, folder: &Folder) -> Result<(), SyncError> {
    let files = store.read(|tx| tx.sync_files(true))?;
    for file in files.into_iter().filter(|file| file.state == SyncFileState::Prepared.name()) {
        let body = store.read(|tx| tx.sync_body(file.number))?;
        folder.put(Place::Request, &file.name, &body)?;
        store.journal(|tx| tx.move_sync_file(file.number, SyncFileMove::Send))?;
    }
    for name in folder.names(Place::Request)? {
        if store.read(|tx| tx.sync_file_named(&name))?.is_some_and(|file| file.state == SyncFileState::Answered.name())
        {
            folder.remove(Place::Request, &name)?;
        }
    }
    Ok(())
}

type Refusal = inbox::Refusal<SyncError>;

impl<E: Into<SyncError>> From<E> for Refusal {
    fn from(error: E) -> Self {
        Self::Error(Box::new(error.into()))
    }
}

impl Answers for Registry {
    type Error = SyncError;

    const SOURCE: Source = Source::Registry;

    fn unfit() -> SyncError {
        SyncError::NameUnfit
    }

    fn limit(&self, centre: &mut Centre, name: &str) -> Result<u64, SyncError> {
        let layout = Layout::of(&centre.folder)?;
        let Some(task) = layout.task_of(name, centre.config.city.as_str()) else { return Ok(UNKNOWN_FILE_MAX) };
        let sent = centre.store.read(|tx| tx.sync_file(task))?;
        Ok(sent.map_or(UNKNOWN_FILE_MAX, |sent| layout.bytes_max(sent.rows)))
    }

    /// Once it is carried out, the file that it answers, which holds people's data, leaves the folder.
    fn judge(&self, centre: &mut Centre, read: Read<'_>, operator: Option<&str>) -> Result<Outcome, Refusal> {
        let (city, layout) = (centre.config.city, Layout::of(&centre.folder)?);
        let named = layout.task_of(read.name, city.as_str());
        if let Some(task) = centre.store.read(|tx| known(tx, read.sha256, named))? {
            return Ok(Outcome::Known { task, accepted: None, refused: None });
        }
        let task = named.ok_or_else(|| fault(Code::NameUnknown))?.to_owned();
        let (outcome, sent) = centre.store.act(|tx| {
            let actor = tx.require(operator, Role::Capture)?;
            let sent = tx.sync_file(&task)?.ok_or_else(|| fault(Code::Task))?;
            if sent.state != SyncFileState::Sent.name() {
                return Err(fault(Code::Task));
            }
            let asked = tx.sync_entries_of(sent.number)?;
            let heading = Heading { city: city.as_str(), task: &task };
            let answers = layout.read(heading, &asked, read.bytes).map_err(Refusal::Faults)?;
            let (mut accepted, mut refused) = (0, 0);
            for answer in &answers {
                let by = if answer.accepted { SyncMove::Accept } else { SyncMove::Refuse };
                *(if answer.accepted { &mut accepted } else { &mut refused }) += 1;
                tx.move_sync_entry(answer.sequence, by)?;
                tx.answer_sync_entry(answer)?;
            }
            tx.answer_sync_file(sent.number, read.sha256)?;
            let detail = format!("{accepted} accepted, {refused} refused");
            let act = Act { actor, act: "sync.import", object: format!("task {task}"), detail };
            Ok(((Outcome::TakenIn { task: task.clone(), accepted, refused }, sent.name), act))
        })?;
        folder(centre)?.remove(Place::Request, &sent)?;
        Ok(outcome)
    }
}

/// The task to which these bytes were taken in before. The same words may answer another task that waits: nothing in a file without a
/// head tells them apart but its name.
fn known(tx: &Tx<'_>, sha256: &str, named: Option<&str>) -> Result<Option<String>, StoreError> {
    let waits = match named {
        Some(task) => tx.sync_file(task)?.is_some_and(|file| file.state == SyncFileState::Sent.name()),
        None => false,
    };
    let answered = tx.sync_answered_by(sha256)?;
    let own = answered.iter().find(|task| Some(task.as_str()) == named).or(answered.first());
    Ok(own.filter(|_| !waits).cloned())
}

fn fault(code: Code) -> Refusal {
    Refusal::Faults(Faults::of_file(code))
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
