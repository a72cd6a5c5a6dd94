//! Taking in what partners answer: from the folder, whole or not at all, the same file once.
//!
//! Owns: which file is whose answer, the order of moving, database and moving again; what an answer does to jobs.
//! Never: a half-done answer: a kill leaves the file where the next run takes it up.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::Path;

use serde::Serialize;

use super::answer::{self, Answer, Sent};
use super::failure::ExchangeError;
use super::fault::{Code, Fault, Faults};
use super::folder::{Folder, Place};
use super::state::{FileMove, FileState, RowMove};
use super::template::{Direction, Template};
use super::values::Heading;
use super::{SentFile, find, sha256, subjects, template};
use crate::audit::Act;
use crate::batch::{JobMove, NumberMove, aside};
use crate::centre::Centre;
use crate::lang::Lang;
use crate::operator::Role;
use crate::output::{Show, json_line};
use crate::request::RequestMove;
use crate::state::State;
use crate::store::{Store, StoreError, Tx};

/// Bytes of a file of which nothing is known that is read to name its digest.
const UNKNOWN_FILE_MAX: u64 = 1 << 20;

/// What came of one file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Taken {
    /// Its name; of a file whose name cannot be kept, the one that it got in `bad`.
    pub name: String,
    /// SHA-256 of its bytes, hex, which is what the audit log calls it; none when it was not read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// What came of it.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// What came of a file from a partner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum Outcome {
    /// It is taken in.
    TakenIn {
        /// 任务号 that it answers.
        task: String,
        /// Cards accepted.
        accepted: u64,
        /// Cards refused; their people can be asked about again with `batch create --remake`.
        refused: u64,
    },
    /// This very file was taken in before; nothing was changed.
    Known {
        /// 任务号 that it answers.
        task: String,
        /// Cards accepted then.
        accepted: u64,
        /// Cards refused then.
        refused: u64,
    },
    /// It is refused, and nothing was changed.
    Rejected {
        /// How many faults.
        count: u64,
        /// The first of them.
        faults: Vec<Fault>,
    },
}

/// Several files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Intake {
    /// In order of name.
    pub files: Vec<Taken>,
}

/// Takes in one file from anywhere: it is copied into the folder first.
///
/// # Errors
/// [`ExchangeError`].
pub fn take_file(
    centre: &mut Centre,
    path: &Path,
    template: Option<&str>,
    operator: Option<&str>,
) -> Result<Intake, ExchangeError> {
    centre.store.read(|tx| tx.require(operator, Role::Capture))?;
    let folder = Folder::of(&centre.folder)?;
    let failed = |source| ExchangeError::File { path: path.to_owned(), source };
    let name = path.file_name().and_then(|name| name.to_str());
    let name = name.filter(|name| !name.starts_with('.') && Folder::keeps(name)).ok_or(ExchangeError::NameUnfit)?;
    let length = std::fs::metadata(path).map_err(failed)?.len();
    let mut files = resume(centre, &folder, operator)?;
    let limit = limit(centre, name, template)?;
    if length > limit {
        let outcome = rejected(Faults::of_file(Code::TooLong));
        files.push(Taken { name: name.to_owned(), sha256: None, outcome });
        return Ok(Intake { files });
    }
    let bytes = std::fs::read(path).map_err(failed)?;
    folder.put(Place::Run, name, &bytes)?;
    files.push(take(centre, &folder, name, template, operator)?);
    Ok(Intake { files })
}

/// Takes in what a killed run left, then every file of `response`.
///
/// # Errors
/// [`ExchangeError`].
pub fn take_all(centre: &mut Centre, template: Option<&str>, operator: Option<&str>) -> Result<Intake, ExchangeError> {
    centre.store.read(|tx| tx.require(operator, Role::Capture))?;
    let folder = Folder::of(&centre.folder)?;
    let mut files = resume(centre, &folder, operator)?;
    files.extend(put_aside(centre, &folder, Place::Response, operator)?);
    for name in folder.names(Place::Response)? {
        folder.shift(&name, Place::Response, Place::Run)?;
        files.push(take(centre, &folder, &name, template, operator)?);
    }
    Ok(Intake { files })
}

fn resume(centre: &mut Centre, folder: &Folder, operator: Option<&str>) -> Result<Vec<Taken>, ExchangeError> {
    let mut files = put_aside(centre, folder, Place::Run, operator)?;
    for name in folder.names(Place::Run)? {
        files.push(take(centre, folder, &name, None, operator)?);
    }
    Ok(files)
}

/// Refuses files by their names alone, which nothing may repeat: neither a list, nor a report, nor the audit log.
fn put_aside(
    centre: &mut Centre,
    folder: &Folder,
    place: Place,
    operator: Option<&str>,
) -> Result<Vec<Taken>, ExchangeError> {
    let mut files = Vec::new();
    for path in folder.unfit(place)? {
        let name = folder.free_name(Place::Bad, "unfit-name");
        let taken = Taken { name, sha256: None, outcome: rejected(Faults::of_file(Code::NameUnfit)) };
        report(centre, folder, &taken, operator)?;
        folder.bring(&path, place, Place::Bad, &taken.name)?;
        files.push(taken);
    }
    Ok(files)
}

/// Takes in the file that stands in `run`.
fn take(
    centre: &mut Centre,
    folder: &Folder,
    name: &str,
    template: Option<&str>,
    operator: Option<&str>,
) -> Result<Taken, ExchangeError> {
    let limit = limit(centre, name, template)?;
    let bytes = match folder.read(Place::Run, name, limit) {
        // A partner's own file may be readable by the partner alone: it must not stand in the way of the others.
        Err(fault) if fault.source.kind() == ErrorKind::PermissionDenied => Err(Code::Unreadable),
        bytes => bytes?.ok_or(Code::TooLong),
    };
    let digest = bytes.as_ref().ok().map(|bytes| sha256(bytes));
    let outcome = match bytes {
        Err(code) => rejected(Faults::of_file(code)),
        Ok(bytes) => {
            let known = centre.store.read(|tx| tx.exchange_answer(&sha256(&bytes)))?;
            match known {
                Some((task, accepted, refused)) => Outcome::Known { task, accepted, refused },
                None => match judge(centre, name, template, &bytes, operator) {
                    Ok((task, accepted, refused)) => Outcome::TakenIn { task, accepted, refused },
                    Err(Refusal::Faults(faults)) => rejected(faults),
                    Err(Refusal::Exchange(error)) => return Err(error),
                },
            }
        }
    };
    let taken = Taken { name: name.to_owned(), sha256: digest, outcome };
    if matches!(taken.outcome, Outcome::Rejected { .. }) {
        report(centre, folder, &taken, operator)?;
        folder.shift(name, Place::Run, Place::Bad)?;
    } else {
        folder.shift(name, Place::Run, Place::Archive)?;
    }
    Ok(taken)
}

/// Writes down why a file is refused: a report beside it, a record in the audit log.
fn report(centre: &mut Centre, folder: &Folder, taken: &Taken, operator: Option<&str>) -> Result<(), ExchangeError> {
    let name = folder.free_name(Place::Bad, &taken.name);
    folder.put(Place::Bad, &format!("{name}.report.json"), json_line(taken).as_bytes())?;
    note_rejection(&mut centre.store, taken, operator)
}

enum Refusal {
    Faults(Faults),
    Exchange(ExchangeError),
}

impl<E: Into<ExchangeError>> From<E> for Refusal {
    fn from(error: E) -> Self {
        Self::Exchange(error.into())
    }
}

/// Reads a file against what was sent and carries it out.
fn judge(
    centre: &mut Centre,
    name: &str,
    template: Option<&str>,
    bytes: &[u8],
    operator: Option<&str>,
) -> Result<(String, u64, u64), Refusal> {
    let (template, batch) = whose(&centre.folder, name, template)?.map_err(Refusal::Faults)?;
    let city = centre.config.city;
    let waiting = centre.store.read(|tx| -> Result<_, ExchangeError> {
        Ok(if tx.batch(batch)?.is_some() { Some(awaiting(tx, &template, batch)?) } else { None })
    })?;
    let waiting = waiting.ok_or_else(|| Refusal::Faults(Faults::of_batch(batch)))?;
    if waiting.is_empty() {
        return Err(Refusal::Faults(Faults::of_file(Code::NothingSent)));
    }
    let bodies = centre.store.read(|tx| sent_bodies(tx, &centre.folder, waiting))?;
    let (files, sent): (Vec<SentFile>, Vec<Sent>) = bodies.into_iter().unzip();
    let (which, answers) = answer::read(&template, &sent, city, bytes).map_err(Refusal::Faults)?;
    let file = files.get(which).ok_or_else(|| Refusal::Faults(Faults::of_file(Code::NothingSent)))?;
    centre.store.act(|tx| carry_out(tx, file, &answers, name, &sha256(bytes), operator))
}

/// The template and batch of a file's name.
fn whose(centre: &Path, name: &str, stated: Option<&str>) -> Result<Result<(Template, i64), Faults>, ExchangeError> {
    let candidates: Vec<Template> = match stated {
        Some(stated) => {
            let template = find(centre, stated)?;
            if template.direction != Direction::Import {
                return Err(ExchangeError::Direction { template: template.name });
            }
            vec![template]
        }
        None => {
            let all = template::all(centre)?.into_values().map(|(template, _)| template);
            all.filter(|template| template.direction == Direction::Import).collect()
        }
    };
    let mut fitting: Vec<(Template, i64)> = candidates
        .into_iter()
        .filter_map(|template| Some((template.batch_in(name)?, template)))
        .map(|(b, t)| (t, b))
        .collect();
    Ok(match (fitting.pop(), fitting.is_empty()) {
        (Some(only), true) => Ok(only),
        (Some(_), false) => Err(Faults::of_file(Code::NameAmbiguous)),
        (None, _) => Err(Faults::of_file(Code::NameUnknown)),
    })
}

/// Files of a batch that await an answer of this template's partner.
fn awaiting(tx: &Tx<'_>, template: &Template, batch: i64) -> Result<Vec<SentFile>, ExchangeError> {
    let mut files = tx.exchange_files(Some(batch))?;
    files.retain(|file| file.partner == template.partner && file.state == FileState::Sent.name());
    Ok(files)
}

fn sent_bodies(tx: &Tx<'_>, centre: &Path, files: Vec<SentFile>) -> Result<Vec<(SentFile, Sent)>, ExchangeError> {
    let templates: BTreeMap<String, (Template, template::Origin)> = template::all(centre)?;
    let mut all = Vec::new();
    for file in files {
        let (template, _) = templates.get(&file.template).ok_or(ExchangeError::TemplateUnknown)?;
        let rows = tx.exchange_rows(file.number)?;
        let jobs: Vec<(i64, i64, String)> =
            rows.into_iter().map(|row| (row.job, row.person, row.card_number)).collect();
        let heading = Heading {
            task: file.task.clone(),
            batch: file.batch,
            count: jobs.len(),
            record_bytes: template.record_bytes.unwrap_or(0),
            valid_until: file.valid_until.clone(),
        };
        let body = tx.exchange_body(file.number)?;
        all.push((file, Sent { heading, template: template.clone(), body, subjects: subjects(tx, &jobs)? }));
    }
    Ok(all)
}

/// Bytes that a file of this name may have.
fn limit(centre: &mut Centre, name: &str, template: Option<&str>) -> Result<u64, ExchangeError> {
    let Ok((template, batch)) = whose(&centre.folder, name, template)? else { return Ok(UNKNOWN_FILE_MAX) };
    let files = centre.store.read(|tx| tx.exchange_files(Some(batch)))?;
    let rows = files.iter().map(|file| file.rows).max().unwrap_or(0);
    Ok(answer::bytes_max(&template, rows))
}

/// Everything that the answers do, or all reasons why not.
fn carry_out(
    tx: &Tx<'_>,
    file: &SentFile,
    answers: &[Answer],
    name: &str,
    sha256: &str,
    operator: Option<&str>,
) -> Result<((String, u64, u64), Act), Refusal> {
    let actor = tx.require(operator, Role::Capture)?;
    tx.move_exchange_file(file.number, FileMove::Answer)?;
    let mut faults = Faults::default();
    for answer in answers {
        check(tx, file, answer, &mut faults)?;
    }
    if !faults.is_empty() {
        return Err(Refusal::Faults(faults));
    }
    let (mut accepted, mut refused) = (0, 0);
    for answer in answers {
        let Answer { job, reason, bank_card_number, identifier, .. } = answer;
        let words = format!("{reason}\u{1F}{bank_card_number}");
        let by = if answer.accepted { RowMove::Accept } else { RowMove::Refuse };
        tx.move_exchange_row(file.number, *job, by, &words, identifier.as_deref())?;
        if answer.accepted {
            accepted += 1;
            continue;
        }
        refused += 1;
        tx.move_job(*job, JobMove::Refuse)?;
        tx.move_number_of(*job, NumberMove::Spoil)?;
        if let Some(request) = tx.request_of_job(*job)? {
            tx.move_request(request.number, RequestMove::Return)?;
        }
    }
    // Whom a card cannot be made for any more had to wait for this answer.
    aside::sweep(tx, file.batch, &actor)?;
    aside::close(tx, file.batch)?;
    tx.add_exchange_answer(sha256, file.number, name, (accepted, refused), &actor)?;
    let object = format!("task {}", file.task);
    let detail = format!("batch {}, {accepted} accepted, {refused} refused, file {sha256}", file.batch);
    Ok(((file.task.clone(), accepted, refused), Act { actor, act: "exchange.import", object, detail }))
}

/// What the database says against an answer.
fn check(tx: &Tx<'_>, file: &SentFile, answer: &Answer, faults: &mut Faults) -> Result<(), StoreError> {
    if !tx.jobs_waiting_contains(file.batch, answer.job)? {
        faults.add(answer.line, None, Code::NotWaiting);
    }
    let (live, old) = (tx.last_card_in_use(answer.person)?, tx.old_chip_of_job(answer.job)?);
    if live.is_some() && live != old {
        faults.add(answer.line, None, Code::LiveCard);
    }
    if let Some(identifier) = &answer.identifier
        && tx.identifier_taken(identifier)?
    {
        faults.add(answer.line, None, Code::IdentifierTaken);
    }
    Ok(())
}

/// A refused file is an act too: somebody has to answer for it. Its name is the partner's and stands in no record.
fn note_rejection(store: &mut Store, taken: &Taken, operator: Option<&str>) -> Result<(), ExchangeError> {
    let Outcome::Rejected { count, faults } = &taken.outcome else { return Ok(()) };
    let code = faults.first().map(|fault| json_line(&fault.code)).unwrap_or_default();
    store.act(|tx| {
        let actor = tx.require(operator, Role::Capture)?;
        let detail = format!("{count} faults, the first {}", code.trim_matches('"'));
        let object = format!("file {}", taken.sha256.as_deref().unwrap_or("not read"));
        Ok(((), Act { actor, act: "exchange.reject", object, detail }))
    })
}

fn rejected(faults: Faults) -> Outcome {
    Outcome::Rejected { count: faults.count, faults: faults.listed }
}

impl Intake {
    /// Files refused.
    #[must_use]
    pub fn rejected(&self) -> usize {
        self.files.iter().filter(|file| matches!(file.outcome, Outcome::Rejected { .. })).count()
    }

    /// Whether a partner refused a card.
    #[must_use]
    pub fn has_refusals(&self) -> bool {
        self.files.iter().any(|file| matches!(file.outcome, Outcome::TakenIn { refused, .. } if refused > 0))
    }
}

impl Show for Intake {
    fn text(&self, lang: Lang) -> String {
        let mut lines = Vec::new();
        for Taken { name, outcome, .. } in &self.files {
            match outcome {
                Outcome::TakenIn { task, accepted, refused } => lines.push(lang.pick(
                    format!("{name}: 已接收，任务 {task}，成功 {accepted}，失败 {refused}"),
                    format!("{name}: taken in, task {task}, {accepted} accepted, {refused} refused"),
                )),
                Outcome::Known { task, accepted, refused } => lines.push(lang.pick(
                    format!("{name}: 此前已接收（任务 {task}，成功 {accepted}，失败 {refused}），未作改动"),
                    format!(
                        "{name}: taken in before (task {task}, {accepted} accepted, {refused} refused); nothing was changed"
                    ),
                )),
                Outcome::Rejected { count, faults } => {
                    lines.extend(faults.iter().map(|fault| format!("{name}: {}", fault.text(lang))));
                    lines.push(lang.pick(
                        format!("{name}: 整个文件退回，{count} 处不符，未作改动，报告在 exchange/bad"),
                        format!("{name}: the whole file is refused, {count} faults, nothing was changed; report in exchange/bad"),
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
