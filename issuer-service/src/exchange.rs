//! Files exchanged with banks and factories (数据交换): asking about the cards of a batch, taking the answers in.
//!
//! A file is recorded, sealed, before it stands in the partner's folder; what is sent again is the same bytes. An answer is
//! taken in whole or not at all.
//!
//! Owns: sending, sending again, giving up, the effects of an answer. Never: lays out a row (`cell`), judges one (`answer`).

pub mod answer;
pub mod cell;
pub mod charset;
pub mod failure;
pub mod fault;
pub mod folder;
pub mod inbox;
pub mod intake;
pub mod item;
pub mod state;
pub mod template;
pub mod told;
pub mod values;

use std::path::Path;

use ring::digest::{SHA256, digest};
use serde::Serialize;

use crate::audit::Act;
use crate::batch::{self, BatchError, BatchState, aside};
use crate::centre::Centre;
use crate::clock;
use crate::lang::{Lang, column};
use crate::operator::Role;
use crate::output::Show;
use crate::state::{State, word};
use crate::store::exchange::NewFile;
use crate::store::{Store, Tx};

use cell::CellFault;
use failure::ExchangeError;
use folder::{Folder, Place};
use state::{FileMove, FileState, RowMove};
use template::{BadTemplate, Direction, Form, Partner, Template};
use values::{Heading, Subject};

/// A file sent to a partner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SentFile {
    /// Number.
    pub number: i64,
    /// 任务号.
    pub task: String,
    /// Batch.
    pub batch: i64,
    /// Who got it.
    pub partner: Partner,
    /// The partner's code.
    pub partner_code: String,
    /// Name of its template.
    pub template: String,
    /// Name of the file.
    pub name: String,
    /// SHA-256 of its bytes, hex.
    pub sha256: String,
    /// Rows.
    pub rows: u64,
    /// State.
    pub state: String,
    /// 卡有效期 in it.
    #[serde(skip)]
    pub valid_until: String,
    /// Operator.
    pub made_by: String,
    /// UTC instant.
    pub made_at: String,
    /// Rows that the partner accepted.
    pub accepted: u64,
    /// Rows that the partner refused.
    pub refused: u64,
}

/// A row of a file sent to a partner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SentRow {
    /// Position, from 1.
    pub line: u64,
    /// Job.
    pub job: i64,
    /// Row number of the person.
    pub person: i64,
    /// 卡号.
    pub card_number: String,
    /// State.
    pub state: String,
}

/// Several files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SentFiles {
    /// In order of number.
    pub files: Vec<SentFile>,
}

/// Which file to make.
#[derive(Clone, Copy, Debug)]
pub struct Order<'a> {
    /// Name of the template.
    pub template: &'a str,
    /// Batch.
    pub batch: i64,
    /// Code of the bank or factory.
    pub partner_code: &'a str,
    /// Operator.
    pub operator: Option<&'a str>,
}

/// A job that cannot stand in the file, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    /// Job.
    pub job: i64,
    /// Row number of the person.
    pub person: i64,
    /// Title of the column; `-` when it is none of them.
    pub column: String,
    /// What is wrong.
    pub code: &'static str,
    /// Its place in Unicode, for a character that the partner's encoding lacks: `U+20BB7`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub character: Option<String>,
}

/// What came of an export.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Exported {
    /// The file; none when every job was left out.
    pub file: Option<SentFile>,
    /// Jobs that could not stand in it.
    pub left_out: Vec<LeftOut>,
}

/// Makes a file for a partner and puts it into the folder.
///
/// # Errors
/// [`ExchangeError`]. A kill leaves a file that [`complete`] puts there.
pub fn export(centre: &mut Centre, order: &Order<'_>) -> Result<Exported, ExchangeError> {
    let folder = Folder::of(&centre.folder)?;
    complete(&mut centre.store, &folder)?;
    let template = find(&centre.folder, order.template)?;
    if template.direction != Direction::Export {
        return Err(ExchangeError::Direction { template: template.name });
    }
    if !is_code(order.partner_code) {
        return Err(ExchangeError::PartnerCode);
    }
    let time = clock::china_now().to_string();
    let years = centre.config.valid_years;
    let valid_until = clock::compact(clock::years_later(clock::today(), years));
    let exported = centre.store.act(|tx| -> Result<_, ExchangeError> {
        let operator = tx.require(order.operator, Role::Capture)?;
        let batch = batch::found(tx, order.batch)?;
        if batch.state != BatchState::Approved.name() && batch.state != BatchState::Running.name() {
            return Err(BatchError::WrongState { number: order.batch, state: batch.state }.into());
        }
        let number = tx.next_exchange_number()?;
        let task = format!("{}{number:08}", time.get(..8).unwrap_or_default());
        let heading = Heading {
            task,
            batch: order.batch,
            count: 0,
            record_bytes: template.record_bytes.unwrap_or(0),
            valid_until,
        };
        let jobs = tx.jobs_to_export(order.batch, template.partner)?;
        if jobs.is_empty() {
            return Err(ExchangeError::NothingToSend { batch: order.batch });
        }
        // A partner is not asked about a card that cannot be made as things are.
        let (mut makeable, mut no_card) = (Vec::with_capacity(jobs.len()), Vec::new());
        for job in jobs {
            match aside::why(tx, job.1)? {
                None => makeable.push(job),
                Some(_) => no_card.push(left_out(job.0, job.1, "-", "NO_CARD", None)),
            }
        }
        let (body, kept, left_out) = lay_out(&template, heading.clone(), &subjects(tx, &makeable)?)?;
        let left_out = [no_card, left_out].concat();
        let act =
            |object: String, detail: String| Act { actor: operator.clone(), act: "exchange.export", object, detail };
        let refused = format!("{} left out", left_out.len());
        if kept.is_empty() {
            return Ok((Exported { file: None, left_out }, act(format!("batch {}", order.batch), refused)));
        }
        let name = template.name_of(order.batch, order.partner_code, &time);
        let new = NewFile {
            number,
            task: &heading.task,
            batch: order.batch,
            partner: template.partner,
            partner_code: order.partner_code,
            template: &template.name,
            name: &name,
            sha256: &sha256(&body),
            valid_until: &heading.valid_until,
            body: &body,
            made_by: &operator,
        };
        tx.add_exchange_file(&new, &kept).map_err(|error| failure::taken(error, &name))?;
        let detail = format!("batch {}, {} by {}, {} rows, {refused}", order.batch, name, template.name, kept.len());
        let file = tx.exchange_file(&heading.task)?;
        Ok((Exported { file, left_out }, act(format!("task {}", heading.task), detail)))
    })?;
    complete(&mut centre.store, &folder)?;
    let file = exported.file.map(|file| centre.store.read(|tx| tx.exchange_file(&file.task))).transpose()?.flatten();
    Ok(Exported { file, ..exported })
}

/// Puts files into the partner's folder that are recorded and perhaps not there, and takes those out that are answered or given up: what
/// a kill left undone.
///
/// # Errors
/// [`ExchangeError`].
pub fn complete(store: &mut Store, folder: &Folder) -> Result<(), ExchangeError> {
    let files = store.read(|tx| tx.exchange_files(None))?;
    let over = [FileState::Abandoned.name(), FileState::Answered.name()];
    for file in files.iter().filter(|file| over.contains(&file.state.as_str())) {
        folder.remove(Place::Request, &file.name)?;
    }
    for file in files.into_iter().filter(|file| file.state == FileState::Prepared.name()) {
        let body = store.read(|tx| tx.exchange_body(file.number))?;
        folder.put(Place::Request, &file.name, &body)?;
        store.journal(|tx| tx.move_exchange_file(file.number, FileMove::Send))?;
    }
    Ok(())
}

/// Puts a file into the partner's folder once more: the same bytes under the same name.
///
/// # Errors
/// [`ExchangeError`].
pub fn resend(centre: &mut Centre, task: &str, operator: Option<&str>) -> Result<SentFile, ExchangeError> {
    let folder = Folder::of(&centre.folder)?;
    complete(&mut centre.store, &folder)?;
    let (file, body) = centre.store.act(|tx| -> Result<_, ExchangeError> {
        let actor = tx.require(operator, Role::Capture)?;
        let file = sent(tx, task)?;
        if file.state != FileState::Sent.name() {
            return Err(ExchangeError::FileState { task: file.task, state: file.state });
        }
        let body = tx.exchange_body(file.number)?;
        let act = Act { actor, act: "exchange.resend", object: format!("task {task}"), detail: file.name.clone() };
        Ok(((file, body), act))
    })?;
    folder.put(Place::Request, &file.name, &body)?;
    Ok(file)
}

/// Awaits no answer any more: its jobs may be sent again, in another file, and the partner finds this one no more.
///
/// # Errors
/// [`ExchangeError`]. A kill leaves a file that [`complete`] takes away.
pub fn abandon(
    centre: &mut Centre,
    task: &str,
    reason: &str,
    operator: Option<&str>,
) -> Result<SentFile, ExchangeError> {
    let folder = Folder::of(&centre.folder)?;
    complete(&mut centre.store, &folder)?;
    let file = centre.store.act(|tx| -> Result<_, ExchangeError> {
        let actor = tx.require(operator, Role::Capture)?;
        let file = sent(tx, task)?;
        if file.state != FileState::Sent.name() {
            return Err(ExchangeError::FileState { task: file.task, state: file.state });
        }
        tx.move_exchange_file(file.number, FileMove::Abandon)?;
        for row in tx.exchange_rows(file.number)? {
            tx.move_exchange_row(file.number, row.job, RowMove::Abandon, "", None)?;
        }
        let act = Act { actor, act: "exchange.abandon", object: format!("task {task}"), detail: reason.to_owned() };
        Ok((sent(tx, task)?, act))
    })?;
    folder.remove(Place::Request, &file.name)?;
    Ok(file)
}

/// The template of a name, for the files of a batch.
///
/// # Errors
/// [`ExchangeError::TemplateUnknown`], [`ExchangeError::Template`].
pub fn find(centre: &Path, name: &str) -> Result<Template, ExchangeError> {
    // The registry's files have commands of their own.
    let found = Some(named(centre, name)?).filter(|template| template.partner != Partner::Registry);
    found.ok_or(ExchangeError::TemplateUnknown)
}

/// The template of a name, whoever it is for.
///
/// # Errors
/// [`ExchangeError::TemplateUnknown`], [`ExchangeError::Template`].
pub fn named(centre: &Path, name: &str) -> Result<Template, ExchangeError> {
    let found = template::all(centre)?.remove(name).map(|(template, _)| template);
    found.ok_or(ExchangeError::TemplateUnknown)
}

fn sent(tx: &Tx<'_>, task: &str) -> Result<SentFile, ExchangeError> {
    tx.exchange_file(task)?.ok_or(ExchangeError::TaskUnknown)
}

/// Jobs with the details of their people.
fn subjects(tx: &Tx<'_>, jobs: &[(i64, i64, String)]) -> Result<Vec<Subject>, ExchangeError> {
    let mut subjects = Vec::with_capacity(jobs.len());
    for (job, person, card_number) in jobs {
        let details = tx.person(*person)?.ok_or(ExchangeError::PersonMissing { job: *job })?.details;
        subjects.push(Subject { job: *job, person: *person, card_number: card_number.clone(), details });
    }
    Ok(subjects)
}

type LaidOut = (Vec<u8>, Vec<i64>, Vec<LeftOut>);

/// The bytes of a file, the jobs in it, and those that cannot be. A line before the rows is whole, or there is no file.
fn lay_out(template: &Template, heading: Heading, subjects: &[Subject]) -> Result<LaidOut, ExchangeError> {
    let (mut kept, mut left_out) = (Vec::new(), Vec::new());
    let mut rows = Vec::new();
    // The count is not known before the rows are; no row holds it but by mistake of a template, which gets the last one.
    for subject in subjects {
        match row(template, &heading, subject, kept.len() + 1) {
            Ok(cells) => {
                rows.extend(cell::join(template, cells));
                kept.push(subject.job);
            }
            Err((column, fault)) => left_out.push(left_out_by(subject, column, fault)),
        }
    }
    let heading = Heading { count: kept.len(), ..heading };
    let mut body = Vec::new();
    for columns in &template.head {
        let cells = columns.iter().map(|column| {
            let cell = cell::encode(template, column, &heading.text(&column.value));
            cell.map_err(|_| ExchangeError::HeadUnfit { column: column.title.clone() })
        });
        body.extend(cell::join(template, cells.collect::<Result<_, _>>()?));
    }
    if template.titles {
        let titles = template.columns.iter().map(|column| {
            template.title(column).ok_or_else(|| ExchangeError::HeadUnfit { column: column.title.clone() })
        });
        body.extend(cell::join(template, titles.collect::<Result<_, _>>()?));
    }
    body.extend(rows);
    Ok((body, kept, left_out))
}

type Cells = Vec<Vec<u8>>;

fn row<'a>(
    template: &'a Template,
    heading: &Heading,
    subject: &Subject,
    line: usize,
) -> Result<Cells, (&'a str, CellFault)> {
    let cells = template.columns.iter().map(|column| {
        let text = subject.text(heading, line, &column.value);
        cell::encode(template, column, &text).map_err(|fault| (column.title.as_str(), fault))
    });
    cells.collect()
}

fn left_out_by(subject: &Subject, column: &str, fault: CellFault) -> LeftOut {
    let (code, character) = match fault {
        CellFault::NotEncodable(character) => ("NOT_ENCODABLE", Some(format!("U+{:04X}", u32::from(character)))),
        CellFault::TooLong { .. } => ("TOO_LONG", None),
        CellFault::Separator => ("HOLDS_SEPARATOR", None),
    };
    left_out(subject.job, subject.person, column, code, character)
}

fn left_out(job: i64, person: i64, column: &str, code: &'static str, character: Option<String>) -> LeftOut {
    LeftOut { job, person, column: column.to_owned(), code, character }
}

/// A partner's code stands in names of files.
fn is_code(text: &str) -> bool {
    (1..=15).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// SHA-256, hex.
#[must_use]
pub fn sha256(bytes: &[u8]) -> String {
    hex::encode_upper(digest(&SHA256, bytes))
}

impl From<BadTemplate> for ExchangeError {
    fn from(bad: BadTemplate) -> Self {
        Self::Template { path: bad.path, fault: Box::new(bad.fault) }
    }
}

impl Show for SentFile {
    fn text(&self, lang: Lang) -> String {
        let Self { task, batch, partner_code, template, name, rows, state, made_at, accepted, refused, .. } = self;
        let partner = self.partner.word(lang);
        let state = word(&FileState::TABLE, state, lang);
        lang.pick(
            format!("{task}: 批次 {batch}，{partner} {partner_code}，{template}，{rows} 行，{state}，成功 {accepted}，失败 {refused}  {name}  {made_at}"),
            format!("{task}: batch {batch}, {partner} {partner_code}, {template}, {rows} rows, {state}, {accepted} accepted, {refused} refused  {name}  {made_at}"),
        )
    }
}

impl Show for SentFiles {
    fn text(&self, lang: Lang) -> String {
        self.files.iter().map(|file| file.text(lang)).collect::<Vec<_>>().join("\n")
    }
}

impl Show for Exported {
    fn text(&self, lang: Lang) -> String {
        let mut lines: Vec<String> = self
            .left_out
            .iter()
            .map(|LeftOut { job, person, column, code, character }| {
                if *code == "NO_CARD" {
                    return lang.pick(
                        format!("未导出: 任务 {job}，人员 {person} NO_CARD: 目前不能制卡，见 issuer person list --no-card"),
                        format!("left out: job {job}, person {person} NO_CARD: no card can be made as things are, see `issuer person list --no-card`"),
                    );
                }
                let character = character.as_deref().unwrap_or_default();
                let why = match (*code, lang) {
                    ("NOT_ENCODABLE", Lang::Zh) => format!("对方要求的编码没有字符 {character}"),
                    ("NOT_ENCODABLE", Lang::En) => format!("the partner's encoding lacks {character}"),
                    ("TOO_LONG", _) => lang.pick("超过列宽", "longer than the column").to_owned(),
                    _ => lang.pick("含分隔符", "holds the separator").to_owned(),
                };
                lang.pick(
                    format!("未导出: 任务 {job}，人员 {person}，{column} {code}: {why}"),
                    format!("left out: job {job}, person {person}, {column} {code}: {why}"),
                )
            })
            .collect();
        lines.push(match &self.file {
            Some(file) => file.text(lang),
            None => lang.pick("没有可导出的行，未生成文件", "no row could be written; there is no file").to_owned(),
        });
        lines.join("\n")
    }
}

/// Templates and where they come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Templates {
    /// In order of name.
    pub templates: Vec<(Template, template::Origin)>,
}

impl Show for Template {
    fn text(&self, _lang: Lang) -> String {
        toml::to_string(self).unwrap_or_default().trim_end().to_owned()
    }
}

impl Show for Templates {
    fn text(&self, lang: Lang) -> String {
        let lines = self.templates.iter().map(|(template, origin)| {
            let way = match (template.direction, lang) {
                (Direction::Export, Lang::Zh) => "导出",
                (Direction::Import, Lang::Zh) => "导入",
                (Direction::Export, Lang::En) => "export",
                (Direction::Import, Lang::En) => "import",
            };
            let form = match (template.form, template.record_bytes) {
                (Form::Fixed, Some(bytes)) => lang.pick(format!("定长 {bytes}"), format!("{bytes} bytes")),
                _ => lang.pick("分隔", "delimited").to_owned(),
            };
            let site = if *origin == template::Origin::Site { lang.pick("  本地", "  site") } else { "" };
            let (name, title, encoding) = (&template.name, &template.title, template.encoding.name());
            let partner = column(template.partner.word(lang), 9);
            format!("{name:<26} {way}  {partner}{form}  {encoding}  {title}{site}")
        });
        lines.collect::<Vec<_>>().join("\n")
    }
}
