//! What is wrong with a request as such, whatever it asks for.

use crate::error::Explain;
use crate::exit::Exit;
use crate::lang::Lang;

/// One thing that is wrong with what was sent.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct Fault {
    /// Field.
    pub field: String,
    /// Code, as the import has it.
    pub code: String,
    /// What is wrong.
    pub detail: String,
    /// What to do.
    pub remedy: String,
}

/// What is wrong with a request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ApiError {
    /// The body is not what this path takes.
    #[error("the body is malformed at line {line}, column {column}")]
    BodyMalformed {
        /// Line, from 1; 0 when it is not even text.
        line: usize,
        /// Column.
        column: usize,
    },
    /// The body is too long.
    #[error("the body is too large")]
    BodyTooLarge,
    /// The body is said to be something else.
    #[error("the body is of another type")]
    BodyType,
    /// There is no such path.
    #[error("there is no such path")]
    PathUnknown,
    /// The path is there, for other methods.
    #[error("the path has no such method")]
    MethodUnknown,
    /// A parameter of the path or behind the question mark.
    #[error("parameter {name} is unfit")]
    ParameterUnfit {
        /// Its name, if it is one of ours.
        name: &'static str,
    },
    /// A key that was used for another request.
    #[error("the idempotency key was used for another request")]
    KeyReused,
    /// A key that is none.
    #[error("the idempotency key is unfit")]
    KeyUnfit,
    /// Too many requests.
    #[error("too many requests; wait {seconds} s")]
    TooMany {
        /// Seconds to wait.
        seconds: u64,
    },
    /// What was sent cannot be taken in; every fault is named.
    #[error("{} faults", .0.len())]
    Faults(Vec<Fault>),
    /// The work ended badly; its transaction is rolled back.
    #[error("the work was broken off")]
    BrokenOff,
}

impl Explain for ApiError {
    fn code(&self) -> &'static str {
        match self {
            Self::BodyMalformed { .. } => "BODY_MALFORMED",
            Self::BodyTooLarge => "BODY_TOO_LARGE",
            Self::BodyType => "BODY_TYPE",
            Self::PathUnknown => "PATH_UNKNOWN",
            Self::MethodUnknown => "METHOD_UNKNOWN",
            Self::ParameterUnfit { .. } => "PARAMETER_UNFIT",
            Self::KeyReused => "IDEMPOTENCY_KEY_REUSED",
            Self::KeyUnfit => "IDEMPOTENCY_KEY_UNFIT",
            Self::TooMany { .. } => "TOO_MANY_REQUESTS",
            Self::Faults(_) => "CONTENT_REFUSED",
            Self::BrokenOff => "WORK_BROKEN_OFF",
        }
    }

    fn what(&self, lang: Lang) -> String {
        match self {
            Self::BodyMalformed { line, column } => lang.pick(
                format!("请求内容不合格式，在第 {line} 行第 {column} 列"),
                format!("the body is not what this path takes, at line {line}, column {column}"),
            ),
            Self::BodyTooLarge => lang.pick("请求内容过长", "the body is too long").to_owned(),
            Self::BodyType => lang.pick("请求内容的类型不对", "the body is of another type").to_owned(),
            Self::PathUnknown => lang.pick("没有这个路径", "there is no such path").to_owned(),
            Self::MethodUnknown => lang.pick("这个路径不支持此方法", "this path has no such method").to_owned(),
            Self::ParameterUnfit { name } => {
                lang.pick(format!("参数 {name} 不合要求"), format!("the parameter {name} is unfit"))
            }
            Self::KeyReused => lang
                .pick(
                    "这个幂等键已用于另一个请求；未办理",
                    "this idempotency key was used for another request; nothing was done",
                )
                .to_owned(),
            Self::KeyUnfit => lang.pick("幂等键不合要求", "the idempotency key is unfit").to_owned(),
            Self::TooMany { seconds } => lang.pick(
                format!("请求太多，{seconds} 秒后再来"),
                format!("too many requests; come back in {seconds} seconds"),
            ),
            Self::Faults(faults) => lang.pick(
                format!("内容有 {} 处问题，未收", faults.len()),
                format!("{} things are wrong with what was sent; nothing was taken in", faults.len()),
            ),
            Self::BrokenOff => lang.pick("办理中断，已全部撤回", "the work was broken off and rolled back").to_owned(),
        }
    }

    fn next(&self, lang: Lang) -> &'static str {
        match self {
            Self::BodyMalformed { .. } | Self::BodyTooLarge | Self::BodyType | Self::ParameterUnfit { .. } => {
                lang.pick("按接口说明 openapi.json 改正", "correct it by the description openapi.json")
            }
            Self::PathUnknown | Self::MethodUnknown => {
                lang.pick("查看接口说明 openapi.json", "look at the description openapi.json")
            }
            Self::Faults(_) => lang.pick("按 faults 逐项改正", "correct what `faults` names"),
            Self::KeyReused => lang.pick("新的请求用新的键", "give a new request a new key"),
            Self::KeyUnfit => lang.pick("用 8 至 64 个字母、数字、. - _", "use 8 to 64 letters, digits, `.`, `-`, `_`"),
            Self::TooMany { .. } => lang.pick("放慢请求", "ask less often"),
            Self::BrokenOff => {
                lang.pick("查看后再试；若重现请报告", "look what is there, then try again; report it if it recurs")
            }
        }
    }

    fn exit(&self) -> Exit {
        match self {
            Self::PathUnknown | Self::MethodUnknown => Exit::NotFound,
            Self::KeyReused | Self::TooMany { .. } => Exit::Refused,
            Self::Faults(_) => Exit::Mismatch,
            Self::BrokenOff => Exit::Bug,
            Self::BodyMalformed { .. }
            | Self::BodyTooLarge
            | Self::BodyType
            | Self::ParameterUnfit { .. }
            | Self::KeyUnfit => Exit::Usage,
        }
    }

    fn retryable(&self) -> bool {
        matches!(self, Self::TooMany { .. })
    }

    fn wait_seconds(&self) -> Option<u64> {
        if let Self::TooMany { seconds } = self { Some(*seconds) } else { None }
    }
}
