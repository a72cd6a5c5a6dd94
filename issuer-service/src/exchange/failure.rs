//! Why an exchange of files does not happen.

use std::io;
use std::path::PathBuf;

use super::folder::FileFault;
use super::state::FileState;
use super::template::TemplateFault;
use crate::batch::BatchError;
use crate::error::Explain;
use crate::exit::Exit;
use crate::lang::Lang;
use crate::operator::OperatorError;
use crate::state::word;
use crate::store::StoreError;

/// Why an exchange of files does not happen. What is wrong inside a partner's file is a [`super::fault::Fault`].
#[derive(Debug, thiserror::Error)]
pub enum ExchangeError {
    /// There is no such template.
    #[error("there is no such template")]
    TemplateUnknown,
    /// A site's template cannot work.
    #[error("{path}: {fault}")]
    Template {
        /// The file.
        path: PathBuf,
        /// Why.
        fault: Box<TemplateFault>,
    },
    /// The template is for the other way.
    #[error("template {template} is for the other direction")]
    Direction {
        /// Its name.
        template: String,
    },
    /// The name of a file from a partner may not be kept.
    #[error("the file's name cannot be kept")]
    NameUnfit,
    /// The partner's code cannot stand in a name of a file.
    #[error("the partner's code is not 1 to 15 letters and digits")]
    PartnerCode,
    /// No job of the batch is to be sent.
    #[error("batch {batch} has no job to be sent")]
    NothingToSend {
        /// Batch.
        batch: i64,
    },
    /// What stands before the rows does not go into its cell.
    #[error("column {column} before the rows does not hold what goes there")]
    HeadUnfit {
        /// Title.
        column: String,
    },
    /// There is no such task.
    #[error("there is no such task")]
    TaskUnknown,
    /// Why a partner's words are shown in full is not said.
    #[error("no reason is given")]
    ReasonMissing,
    /// A file of this name was made already.
    #[error("a file named {name} was made already")]
    NameTaken {
        /// Its name.
        name: String,
    },
    /// The file is not in the state needed.
    #[error("task {task} is {state}")]
    FileState {
        /// 任务号.
        task: String,
        /// State it is in.
        state: String,
    },
    /// A job has no person.
    #[error("job {job} has no person")]
    PersonMissing {
        /// Job.
        job: i64,
    },
    /// A file or folder cannot be read or written.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The batch.
    #[error(transparent)]
    Batch(#[from] BatchError),
    /// The operator.
    #[error(transparent)]
    Operator(#[from] OperatorError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<FileFault> for ExchangeError {
    fn from(fault: FileFault) -> Self {
        Self::File { path: fault.path, source: fault.source }
    }
}

/// The conflict of two files of one name within one second.
pub(super) fn taken(error: StoreError, name: &str) -> ExchangeError {
    match error {
        StoreError::Conflict { .. } => ExchangeError::NameTaken { name: name.to_owned() },
        error => error.into(),
    }
}

impl Explain for ExchangeError {
    fn code(&self) -> &'static str {
        match self {
            Self::TemplateUnknown => "TEMPLATE_NOT_FOUND",
            Self::Template { .. } => "TEMPLATE_INVALID",
            Self::Direction { .. } => "TEMPLATE_DIRECTION",
            Self::NameUnfit => "EXCHANGE_NAME_UNFIT",
            Self::PartnerCode => "PARTNER_CODE_INVALID",
            Self::NothingToSend { .. } => "EXCHANGE_EMPTY",
            Self::HeadUnfit { .. } => "EXCHANGE_HEAD_UNFIT",
            Self::TaskUnknown => "TASK_NOT_FOUND",
            Self::ReasonMissing => "REASON_MISSING",
            Self::NameTaken { .. } => "EXCHANGE_NAME_TAKEN",
            Self::FileState { .. } => "EXCHANGE_STATE",
            Self::PersonMissing { .. } => "PERSON_NOT_FOUND",
            Self::File { .. } => "EXCHANGE_FILE_FAILED",
            Self::Batch(error) => error.code(),
            Self::Operator(error) => error.code(),
            Self::Store(error) => error.code(),
        }
    }

    fn what(&self, lang: Lang) -> String {
        match self {
            Self::TemplateUnknown => lang.pick("没有这个模板", "there is no such template").to_owned(),
            Self::Template { path, fault } => {
                let path = path.display();
                lang.pick(format!("模板 {path} 不能用: {fault}"), format!("template {path} cannot be used: {fault}"))
            }
            Self::Direction { template } => lang.pick(
                format!("模板 {template} 是另一方向的"),
                format!("template {template} is for the other direction"),
            ),
            Self::NameUnfit => lang
                .pick(
                    "文件名以点开头、含公民身份号码或控制字符、超过 200 字节，或不是 UTF-8",
                    "the file's name begins with a dot, holds a citizen number or a control character, is longer than 200 bytes, or is no UTF-8",
                )
                .to_owned(),
            Self::PartnerCode => lang
                .pick("合作方代码须为 1 至 15 位字母或数字", "a partner's code has 1 to 15 letters and digits")
                .to_owned(),
            Self::NothingToSend { batch } => lang.pick(
                format!("批次 {batch} 没有可导出的任务（已导出、已成功或正在等待另一方回盘）"),
                format!("batch {batch} has no job to be sent: sent already, accepted, or another partner is asked"),
            ),
            Self::HeadUnfit { column } => lang.pick(
                format!("文件头的 {column} 放不下应有的内容；没有生成文件"),
                format!("column {column} before the rows does not hold what goes there; no file was made"),
            ),
            Self::TaskUnknown => lang.pick("没有这个任务号", "there is no such task").to_owned(),
            Self::ReasonMissing => lang.pick("没有写明理由", "no reason is given").to_owned(),
            Self::NameTaken { name } => {
                lang.pick(format!("已有名为 {name} 的文件"), format!("a file named {name} was made already"))
            }
            Self::FileState { task, state } => {
                let state = word(&FileState::TABLE, state, lang);
                lang.pick(format!("任务 {task} {state}"), format!("task {task} is {state}"))
            }
            Self::PersonMissing { job } => {
                lang.pick(format!("任务 {job} 的人员不存在"), format!("job {job} has no person"))
            }
            Self::File { path, source } => {
                let path = path.display();
                lang.pick(format!("{path} 无法读写: {source}"), format!("{path} cannot be read or written: {source}"))
            }
            Self::Batch(error) => error.what(lang),
            Self::Operator(error) => error.what(lang),
            Self::Store(error) => error.what(lang),
        }
    }

    fn next(&self, lang: Lang) -> &'static str {
        match self {
            Self::TemplateUnknown | Self::Direction { .. } => {
                lang.pick("用 issuer exchange template list 查看", "see them with `issuer exchange template list`")
            }
            Self::Template { .. } | Self::HeadUnfit { .. } => lang.pick(
                "改正后用 issuer exchange template check 检查",
                "mend it and check it with `issuer exchange template check`",
            ),
            Self::NameUnfit => lang.pick("改名后再交", "give the file another name"),
            Self::PartnerCode => lang.pick("改正 --partner", "correct --partner"),
            Self::NothingToSend { .. } | Self::TaskUnknown | Self::FileState { .. } => {
                lang.pick("用 issuer exchange list 查看", "look with `issuer exchange list`")
            }
            Self::ReasonMissing => lang.pick("用 --reason 说明", "say why with --reason"),
            Self::NameTaken { .. } => lang.pick("等一秒再试", "wait a second and try again"),
            Self::PersonMissing { .. } => lang.pick("核对批次人员", "look at the people of the batch"),
            Self::File { .. } => lang.pick("检查权限和磁盘空间后重试", "check permissions and space, then try again"),
            Self::Batch(error) => error.next(lang),
            Self::Operator(error) => error.next(lang),
            Self::Store(error) => error.next(lang),
        }
    }

    fn exit(&self) -> Exit {
        match self {
            Self::TemplateUnknown | Self::TaskUnknown | Self::NothingToSend { .. } => Exit::NotFound,
            Self::Template { .. }
            | Self::HeadUnfit { .. }
            | Self::Direction { .. }
            | Self::NameUnfit
            | Self::ReasonMissing
            | Self::PartnerCode => Exit::Usage,
            Self::NameTaken { .. } | Self::FileState { .. } | Self::PersonMissing { .. } => Exit::Refused,
            Self::File { .. } => Exit::Storage,
            Self::Batch(error) => error.exit(),
            Self::Operator(error) => error.exit(),
            Self::Store(error) => error.exit(),
        }
    }
}
