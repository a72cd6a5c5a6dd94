//! Taking in what partners answer: from the folder, whole or not at all, the same file once.
//!
//! Owns: which file is whose answer; what an answer does to jobs. Never: moves a file (`inbox`).

use std::collections::BTreeMap;
use std::path::Path;

use super::answer::{self, Answer, Sent};
use super::failure::ExchangeError;
use super::fault::{Code, Faults};
use super::folder::{Folder, Place};
use super::inbox::{self, Answers, Read, Source, UNKNOWN_FILE_MAX};
pub use super::inbox::{Intake, Outcome, Taken};
use super::state::{FileMove, FileState, RowMove};
use super::template::{Direction, Partner, Template};
use super::told::PART;
use super::values::Heading;
use super::{SentFile, find, subjects, template};
use crate::audit::Act;
use crate::batch::{JobMove, NumberMove, aside};
use crate::centre::Centre;
use crate::operator::Role;
use crate::request::RequestMove;
use crate::state::State;
use crate::store::{StoreError, Tx};

/// Answers of banks and factories.
#[derive(Debug, Default)]
struct Partners<'a> {
    /// Template; told from the file's name when absent.
    template: Option<&'a str>,
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
    inbox::take_file(centre, &Partners { template }, path, operator)
}

/// Takes in what a killed run left, then every file of `response`.
///
/// # Errors
/// [`ExchangeError`].
pub fn take_all(centre: &mut Centre, template: Option<&str>, operator: Option<&str>) -> Result<Intake, ExchangeError> {
    inbox::take_all(centre, &Partners { template }, operator)
}

impl Answers for Partners<'_> {
    type Error = ExchangeError;

    const SOURCE: Source = Source::Partners;

    fn unfit() -> ExchangeError {
        ExchangeError::NameUnfit
    }

    fn limit(&self, centre: &mut Centre, name: &str) -> Result<u64, ExchangeError> {
        let Ok((template, batch)) = whose(&centre.folder, name, self.template)? else { return Ok(UNKNOWN_FILE_MAX) };
        let files = centre.store.read(|tx| tx.exchange_files(Some(batch)))?;
        // Of a batch that was sent nothing, or that is none, there is more to say than that the file is long.
        let rows = files.iter().map(|file| file.rows).max();
        Ok(rows.map_or(UNKNOWN_FILE_MAX, |rows| answer::bytes_max(&template, rows)))
    }

    fn judge(&self, centre: &mut Centre, file: Read<'_>, operator: Option<&str>) -> Result<Outcome, Refusal> {
        if let Some((task, accepted, refused)) = centre.store.read(|tx| tx.exchange_answer(file.sha256))? {
            return Ok(Outcome::Known { task, accepted: Some(accepted), refused: Some(refused) });
        }
        let (template, batch) = whose(&centre.folder, file.name, self.template)?.map_err(Refusal::Faults)?;
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
        let (which, answers) = answer::read(&template, &sent, city, file.bytes).map_err(Refusal::Faults)?;
        let answered = files.get(which).ok_or_else(|| Refusal::Faults(Faults::of_file(Code::NothingSent)))?;
        let outcome = centre.store.act(|tx| carry_out(tx, answered, &answers, file, operator))?;
        // It holds people's data, and nobody fetches it any more.
        Folder::of(&centre.folder)?.remove(Place::Request, &answered.name)?;
        Ok(outcome)
    }
}

type Refusal = inbox::Refusal<ExchangeError>;

impl<E: Into<ExchangeError>> From<E> for Refusal {
    fn from(error: E) -> Self {
        Self::Error(Box::new(error.into()))
    }
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
            let from_partners =
                |template: &Template| template.direction == Direction::Import && template.partner != Partner::Registry;
            all.filter(from_partners).collect()
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

/// Everything that the answers do, or all reasons why not.
fn carry_out(
    tx: &Tx<'_>,
    file: &SentFile,
    answers: &[Answer],
    taken: Read<'_>,
    operator: Option<&str>,
) -> Result<(Outcome, Act), Refusal> {
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
        let Answer { job, result, reason, bank_card_number, identifier, .. } = answer;
        let words = format!("{result}{PART}{reason}{PART}{bank_card_number}");
        let by = if answer.accepted { RowMove::Accept } else { RowMove::Refuse };
        tx.move_exchange_row(file.number, *job, by, &words, identifier.as_deref())?;
        if answer.accepted {
            accepted += 1;
            if !bank_card_number.is_empty() {
                tx.keep_bank_card(*job, bank_card_number)?;
            }
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
    let Read { name, sha256, .. } = taken;
    tx.add_exchange_answer(sha256, file.number, name, (accepted, refused), &actor)?;
    let object = format!("task {}", file.task);
    let detail = format!("batch {}, {accepted} accepted, {refused} refused, file {sha256}", file.batch);
    let outcome = Outcome::TakenIn { task: file.task.clone(), accepted, refused };
    Ok((outcome, Act { actor, act: "exchange.import", object, detail }))
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
    if !answer.bank_card_number.is_empty() && tx.bank_card_taken(&answer.bank_card_number, answer.person)? {
        faults.add(answer.line, None, Code::BankCardTaken);
    }
    Ok(())
}
