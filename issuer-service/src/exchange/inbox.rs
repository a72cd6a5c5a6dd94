//! Taking files in from a folder that others write into: a bank's, a factory's, the holder registry's.
//!
//! One file stands in the way of no other: a name that nothing may repeat is taken away, a file that cannot be read is refused, and
//! what is no plain file (a link, a folder, a pipe) is told and left where it is.
//!
//! Owns: the order of moving, judging and moving again; the report beside a refused file, its record; the words for all that.
//! Never: knows what an answer says (`Answers`); a half-done answer: a kill leaves the file where the next run takes it up.

use std::io::ErrorKind;
use std::path::Path;

use serde::Serialize;

use super::fault::{Code, Fault, Faults};
use super::folder::{FileFault, Folder, Place};
use super::sha256;
use crate::audit::Act;
use crate::centre::Centre;
use crate::exit::Exit;
use crate::lang::Lang;
use crate::operator::{OperatorError, Role};
use crate::output::{Show, json_line};
use crate::store::StoreError;

/// Bytes of a file of which nothing is known that is read to name its digest.
pub(crate) const UNKNOWN_FILE_MAX: u64 = 1 << 20;

/// What a file is called whose own name may not be repeated.
const UNFIT_NAME: &str = "unfit-name";

/// Who writes into the folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// Banks and factories.
    Partners,
    /// The holder registry.
    Registry,
}

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

/// What came of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum Outcome {
    /// It is taken in.
    TakenIn {
        /// 任务号 that it answers.
        task: String,
        /// Rows accepted.
        accepted: u64,
        /// Rows refused.
        refused: u64,
    },
    /// This very file was taken in before; nothing was changed.
    Known {
        /// 任务号 that it answers.
        task: String,
        /// Rows accepted then, where that is kept.
        #[serde(skip_serializing_if = "Option::is_none")]
        accepted: Option<u64>,
        /// Rows refused then, where that is kept.
        #[serde(skip_serializing_if = "Option::is_none")]
        refused: Option<u64>,
    },
    /// It is refused, and nothing was changed.
    Rejected {
        /// How many faults.
        count: u64,
        /// The first of them.
        faults: Vec<Fault>,
    },
    /// It was not touched.
    Left {
        /// Why.
        fault: Fault,
    },
}

/// Several files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Intake {
    /// In order of name.
    pub files: Vec<Taken>,
    /// Whose folder they lay in.
    #[serde(skip)]
    pub source: Source,
}

/// A file that was read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Read<'a> {
    /// Its name.
    pub(crate) name: &'a str,
    /// What is in it.
    pub(crate) bytes: &'a [u8],
    /// SHA-256 of that, hex.
    pub(crate) sha256: &'a str,
}

/// Why a file is not taken in.
pub(crate) enum Refusal<E> {
    /// It is not what was asked for.
    Faults(Faults),
    /// The intake itself fails.
    Error(Box<E>),
}

/// What the answers in a folder say, and what they do. The default is for a file that a killed run left.
pub(crate) trait Answers: Default {
    /// Why nothing can be taken in.
    type Error: From<FileFault> + From<StoreError> + From<OperatorError>;

    /// Whose folder.
    const SOURCE: Source;

    /// The name of a file given by its path may not be kept.
    fn unfit() -> Self::Error;

    /// Bytes that a file of this name may have.
    fn limit(&self, centre: &mut Centre, name: &str) -> Result<u64, Self::Error>;

    /// Reads a file against what was sent, and carries it out.
    fn judge(
        &self,
        centre: &mut Centre,
        file: Read<'_>,
        operator: Option<&str>,
    ) -> Result<Outcome, Refusal<Self::Error>>;
}

/// Takes in what a killed run left, then one file from anywhere: it is copied into the folder first.
pub(crate) fn take_file<A: Answers>(
    centre: &mut Centre,
    answers: &A,
    path: &Path,
    operator: Option<&str>,
) -> Result<Intake, A::Error> {
    let folder = begin::<A>(centre, operator)?;
    let failed = |source| FileFault { path: path.to_owned(), source };
    let name = path.file_name().and_then(|name| name.to_str());
    let name = name.filter(|name| !name.starts_with('.') && Folder::keeps(name)).ok_or_else(A::unfit)?;
    let data = std::fs::metadata(path).map_err(failed)?;
    let mut files = resume::<A>(centre, &folder, operator)?;
    let refused = if !data.is_file() {
        Some(Code::NotPlain)
    } else if data.len() > answers.limit(centre, name)? {
        Some(Code::TooLong)
    } else {
        None
    };
    if let Some(code) = refused {
        let taken = Taken { name: name.to_owned(), sha256: None, outcome: rejected(Faults::of_file(code)) };
        report::<A>(centre, &folder, &taken, operator)?;
        files.push(taken);
    } else {
        folder.put(Place::Run, name, &std::fs::read(path).map_err(failed)?)?;
        files.push(take(centre, &folder, answers, name, operator)?);
    }
    Ok(Intake { files, source: A::SOURCE })
}

/// Takes in what a killed run left, then every file of `response`.
pub(crate) fn take_all<A: Answers>(
    centre: &mut Centre,
    answers: &A,
    operator: Option<&str>,
) -> Result<Intake, A::Error> {
    let folder = begin::<A>(centre, operator)?;
    let mut files = resume::<A>(centre, &folder, operator)?;
    files.extend(put_aside::<A>(centre, &folder, Place::Response, operator)?);
    for name in folder.names(Place::Response)? {
        match folder.shift(&name, Place::Response, Place::Run) {
            // Its owner took it back.
            Err(fault) if fault.source.kind() == ErrorKind::NotFound => continue,
            Err(fault) if fault.source.kind() == ErrorKind::PermissionDenied => {
                files.push(left(name, Code::Unreadable));
                continue;
            }
            moved => drop(moved?),
        }
        files.push(take(centre, &folder, answers, &name, operator)?);
    }
    Ok(Intake { files, source: A::SOURCE })
}

fn begin<A: Answers>(centre: &mut Centre, operator: Option<&str>) -> Result<Folder, A::Error> {
    centre.store.read(|tx| tx.require(operator, Role::Capture))?;
    Ok(Folder::named(&centre.folder, A::SOURCE.folder())?)
}

fn resume<A: Answers>(centre: &mut Centre, folder: &Folder, operator: Option<&str>) -> Result<Vec<Taken>, A::Error> {
    let mut files = put_aside::<A>(centre, folder, Place::Run, operator)?;
    for name in folder.names(Place::Run)? {
        files.push(take(centre, folder, &A::default(), &name, operator)?);
    }
    Ok(files)
}

/// Refuses files by their names alone, which nothing may repeat: neither a list, nor a report, nor the audit log. Tells what is no
/// file.
fn put_aside<A: Answers>(
    centre: &mut Centre,
    folder: &Folder,
    place: Place,
    operator: Option<&str>,
) -> Result<Vec<Taken>, A::Error> {
    let mut files: Vec<Taken> = folder
        .strange(place)?
        .into_iter()
        .map(|name| left(name.unwrap_or_else(|| UNFIT_NAME.to_owned()), Code::NotPlain))
        .collect();
    for path in folder.unfit(place)? {
        let name = folder.free_name(Place::Bad, UNFIT_NAME);
        let taken = Taken { name, sha256: None, outcome: rejected(Faults::of_file(Code::NameUnfit)) };
        report::<A>(centre, folder, &taken, operator)?;
        folder.bring(&path, place, Place::Bad, &taken.name)?;
        files.push(taken);
    }
    Ok(files)
}

/// Takes in the file that stands in `run`.
fn take<A: Answers>(
    centre: &mut Centre,
    folder: &Folder,
    answers: &A,
    name: &str,
    operator: Option<&str>,
) -> Result<Taken, A::Error> {
    let limit = answers.limit(centre, name)?;
    let bytes = match folder.read(Place::Run, name, limit) {
        // A partner's own file may be readable by the partner alone: it must not stand in the way of the others.
        Err(fault) if fault.source.kind() == ErrorKind::PermissionDenied => Err(Code::Unreadable),
        Err(fault) if Folder::is_not_plain(&fault.source) => Err(Code::NotPlain),
        bytes => bytes?.ok_or(Code::TooLong),
    };
    let digest = bytes.as_ref().ok().map(|bytes| sha256(bytes));
    let outcome = match (&bytes, &digest) {
        (Ok(bytes), Some(sha256)) => match answers.judge(centre, Read { name, bytes, sha256 }, operator) {
            Ok(outcome) => outcome,
            Err(Refusal::Faults(faults)) => rejected(faults),
            Err(Refusal::Error(error)) => return Err(*error),
        },
        (bytes, _) => rejected(Faults::of_file(*bytes.as_ref().err().unwrap_or(&Code::Unreadable))),
    };
    let taken = Taken { name: name.to_owned(), sha256: digest, outcome };
    if matches!(taken.outcome, Outcome::Rejected { .. }) {
        report::<A>(centre, folder, &taken, operator)?;
        folder.shift(name, Place::Run, Place::Bad)?;
    } else {
        folder.shift(name, Place::Run, Place::Archive)?;
    }
    Ok(taken)
}

/// Writes down why a file is refused: a report beside it, a record in the audit log. A refused file is an act too: somebody has to
/// answer for it. Its name is the partner's and stands in no record.
fn report<A: Answers>(
    centre: &mut Centre,
    folder: &Folder,
    taken: &Taken,
    operator: Option<&str>,
) -> Result<(), A::Error> {
    let Outcome::Rejected { count, faults } = &taken.outcome else { return Ok(()) };
    let name = folder.free_name(Place::Bad, &taken.name);
    folder.put(Place::Bad, &format!("{name}.report.json"), json_line(taken).as_bytes())?;
    let code = faults.first().map(|fault| json_line(&fault.code)).unwrap_or_default();
    centre.store.act(|tx| {
        let actor = tx.require(operator, Role::Capture)?;
        let detail = format!("{count} faults, the first {}", code.trim_matches('"'));
        let object = format!("file {}", taken.sha256.as_deref().unwrap_or("not read"));
        Ok(((), Act { actor, act: A::SOURCE.reject(), object, detail }))
    })
}

fn rejected(faults: Faults) -> Outcome {
    Outcome::Rejected { count: faults.count, faults: faults.listed }
}

fn left(name: String, code: Code) -> Taken {
    let fault = Fault { line: 0, column: None, code, batch: None, sent: None };
    Taken { name, sha256: None, outcome: Outcome::Left { fault } }
}

impl Source {
    /// Name of the folder.
    #[must_use]
    pub const fn folder(self) -> &'static str {
        match self {
            Self::Partners => "exchange",
            Self::Registry => "sync",
        }
    }

    const fn reject(self) -> &'static str {
        match self {
            Self::Partners => "exchange.reject",
            Self::Registry => "sync.reject",
        }
    }

    /// What came of rows.
    fn counts(self, accepted: u64, refused: u64, lang: Lang) -> String {
        match (self, lang) {
            (Self::Partners, Lang::Zh) => format!("成功 {accepted}，失败 {refused}"),
            (Self::Registry, Lang::Zh) => format!("受理 {accepted}，退回 {refused}"),
            (_, Lang::En) => format!("{accepted} accepted, {refused} refused"),
        }
    }
}

impl Intake {
    /// Files refused.
    #[must_use]
    pub fn rejected(&self) -> usize {
        self.files.iter().filter(|file| matches!(file.outcome, Outcome::Rejected { .. })).count()
    }

    /// How the command ends: everything as it should be, every file refused, or something to look at.
    #[must_use]
    pub fn exit(&self) -> Exit {
        let unwanted = |file: &&Taken| match file.outcome {
            Outcome::Rejected { .. } | Outcome::Left { .. } => true,
            Outcome::TakenIn { refused, .. } => refused > 0,
            Outcome::Known { .. } => false,
        };
        match (self.files.iter().filter(unwanted).count(), self.rejected()) {
            (0, _) => Exit::Ok,
            (_, rejected) if rejected == self.files.len() => Exit::Mismatch,
            _ => Exit::Partly,
        }
    }
}

impl Show for Intake {
    fn text(&self, lang: Lang) -> String {
        let (mut lines, folder) = (Vec::new(), self.source.folder());
        for Taken { name, outcome, .. } in &self.files {
            match outcome {
                Outcome::TakenIn { task, accepted, refused } => {
                    let counts = self.source.counts(*accepted, *refused, lang);
                    lines.push(lang.pick(
                        format!("{name}: 已接收，任务 {task}，{counts}"),
                        format!("{name}: taken in, task {task}, {counts}"),
                    ));
                }
                Outcome::Known { task, accepted, refused } => {
                    let counts = accepted.zip(*refused).map(|(accepted, refused)| {
                        let counts = self.source.counts(accepted, refused, lang);
                        lang.pick(format!("，{counts}"), format!(", {counts}"))
                    });
                    let counts = counts.unwrap_or_default();
                    lines.push(lang.pick(
                        format!("{name}: 此前已接收（任务 {task}{counts}），未作改动"),
                        format!("{name}: taken in before (task {task}{counts}); nothing was changed"),
                    ));
                }
                Outcome::Rejected { count, faults } => {
                    lines.extend(faults.iter().map(|fault| format!("{name}: {}", fault.text(lang))));
                    lines.push(lang.pick(
                        format!("{name}: 整个文件退回，{count} 处不符，未作改动，报告在 {folder}/bad"),
                        format!(
                            "{name}: the whole file is refused, {count} faults, nothing was changed; report in {folder}/bad"
                        ),
                    ));
                }
                Outcome::Left { fault } => lines.push(lang.pick(
                    format!("{name}: {}；留在 {folder} 中未动", fault.text(lang)),
                    format!("{name}: {}; left in {folder} as it is", fault.text(lang)),
                )),
            }
        }
        if lines.is_empty() {
            lines.push(lang.pick("没有待接收的文件", "no file to take in").to_owned());
        }
        lines.join("\n")
    }
}
