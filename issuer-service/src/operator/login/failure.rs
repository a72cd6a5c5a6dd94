//! Why somebody is not let in, and what to do about it.

use crate::error::Explain;
use crate::exit::Exit;
use crate::lang::Lang;
use crate::operator::OperatorError;
use crate::store::StoreError;
use crate::vault::VaultError;

/// What a password lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// Too short, or too few different characters.
    Short,
    /// Too long, or characters that nobody types.
    Long,
    /// The operator's name is in it.
    Name,
}

/// Why an operator is not let in.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    /// Name, password or code is wrong; which one is not said.
    #[error("name, password or code is wrong")]
    Refused,
    /// Too many mistakes.
    #[error("too many mistakes; wait {seconds} s")]
    Locked {
        /// Seconds to wait.
        seconds: u64,
    },
    /// The operator has a password, and none was given.
    #[error("operator {name} has a password")]
    PasswordMissing {
        /// The name.
        name: String,
    },
    /// The password was set by somebody else.
    #[error("the password of operator {name} is initial")]
    PasswordInitial {
        /// The name.
        name: String,
    },
    /// The operator has no password.
    #[error("operator {name} has no password")]
    PasswordNotSet {
        /// The name.
        name: String,
    },
    /// A password that is guessed soon, or cannot be typed.
    #[error("the new password is unfit")]
    PasswordUnfit {
        /// Why.
        why: Unfit,
    },
    /// The new password is the old one.
    #[error("the new password is the old one")]
    PasswordSame,
    /// A new password was typed in two ways.
    #[error("the new password was typed in two ways")]
    PasswordDiffers,
    /// No second factor.
    #[error("operator {name} has no second factor")]
    TotpNotSet {
        /// The name.
        name: String,
    },
    /// No session.
    #[error("no session")]
    SessionMissing,
    /// The session is over.
    #[error("the session is over")]
    SessionEnded,
    /// The request does not prove that the operator's own page made it.
    #[error("the session's token is not in the request")]
    CsrfWrong,
    /// No random numbers.
    #[error("the system gives no random numbers")]
    NoRandom,
    /// The operator.
    #[error(transparent)]
    Operator(#[from] OperatorError),
    /// A secret that was named.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Explain for LoginError {
    fn code(&self) -> &'static str {
        match self {
            Self::Refused => "LOGIN_REFUSED",
            Self::Locked { .. } => "LOGIN_LOCKED",
            Self::PasswordMissing { .. } => "LOGIN_PASSWORD_MISSING",
            Self::PasswordInitial { .. } => "LOGIN_PASSWORD_INITIAL",
            Self::PasswordNotSet { .. } => "LOGIN_PASSWORD_NOT_SET",
            Self::PasswordUnfit { .. } => "LOGIN_PASSWORD_UNFIT",
            Self::PasswordSame => "LOGIN_PASSWORD_SAME",
            Self::PasswordDiffers => "LOGIN_PASSWORD_DIFFERS",
            Self::TotpNotSet { .. } => "LOGIN_TOTP_NOT_SET",
            Self::SessionMissing => "SESSION_MISSING",
            Self::SessionEnded => "SESSION_ENDED",
            Self::CsrfWrong => "SESSION_TOKEN_WRONG",
            Self::NoRandom => "LOGIN_NO_RANDOM",
            Self::Operator(error) => error.code(),
            Self::Vault(error) => error.code(),
            Self::Store(error) => error.code(),
        }
    }

    fn what(&self, lang: Lang) -> String {
        match self {
            Self::Refused => lang.pick("操作员名、口令或动态码不对", "name, password or code is wrong").to_owned(),
            Self::Locked { seconds } => lang.pick(
                format!("连续出错太多，{seconds} 秒内不再受理"),
                format!("too many mistakes; nothing is looked at for {seconds} seconds"),
            ),
            Self::PasswordMissing { name } => lang.pick(
                format!("操作员 {name} 设有口令，没有给出"),
                format!("operator {name} has a password, and none was given"),
            ),
            Self::PasswordInitial { name } => lang.pick(
                format!("操作员 {name} 的口令是他人设的初始口令"),
                format!("the password of operator {name} was set by somebody else"),
            ),
            Self::PasswordNotSet { name } => {
                lang.pick(format!("操作员 {name} 还没有口令"), format!("operator {name} has no password yet"))
            }
            Self::PasswordUnfit { why: Unfit::Short } => lang
                .pick(
                    "新口令太短或太单调: 至少 12 个字符，其中至少 5 个不同",
                    "the new password is too short or too plain: at least 12 characters, 5 of them different",
                )
                .to_owned(),
            Self::PasswordUnfit { why: Unfit::Long } => lang
                .pick(
                    "新口令超过 128 个字符，或含控制字符",
                    "the new password has more than 128 characters, or control characters",
                )
                .to_owned(),
            Self::PasswordUnfit { why: Unfit::Name } => {
                lang.pick("新口令中含操作员名", "the operator's name is in the new password").to_owned()
            }
            Self::PasswordSame => lang.pick("新口令与原口令相同", "the new password is the present one").to_owned(),
            Self::PasswordDiffers => {
                lang.pick("两次输入的新口令不一致", "the new password was typed in two ways").to_owned()
            }
            Self::TotpNotSet { name } => {
                lang.pick(format!("操作员 {name} 还没有动态码"), format!("operator {name} has no second factor yet"))
            }
            Self::SessionMissing => lang.pick("尚未登录", "nobody is logged in").to_owned(),
            Self::SessionEnded => lang.pick("会话已结束", "the session is over").to_owned(),
            Self::CsrfWrong => {
                lang.pick("请求中没有本会话的令牌", "the request does not carry the session's token").to_owned()
            }
            Self::NoRandom => lang.pick("系统不给随机数", "the system gives no random numbers").to_owned(),
            Self::Operator(error) => error.what(lang),
            Self::Vault(error) => error.what(lang),
            Self::Store(error) => error.what(lang),
        }
    }

    fn next(&self, lang: Lang) -> &'static str {
        match self {
            Self::Refused => lang.pick(
                "再试一次；忘记时由 manage 用 issuer operator reset 重设",
                "try again; if it is forgotten, let who manages give `issuer operator reset`",
            ),
            Self::Locked { .. } => {
                lang.pick("到时再试；不是本人所为时告知 manage", "wait; if that was not you, tell who manages")
            }
            Self::PasswordMissing { .. } => lang.pick(
                "加上 --password env:名称 或 --password file:路径，或在终端上输入",
                "add --password env:NAME or --password file:PATH, or type it at a terminal",
            ),
            Self::PasswordInitial { .. } => lang.pick(
                "先用 issuer operator password 换成自己的口令",
                "change it into your own first: `issuer operator password`",
            ),
            Self::PasswordNotSet { .. } => lang.pick(
                "由 manage 用 issuer operator reset 给一个初始口令",
                "let who manages give an initial one: `issuer operator reset`",
            ),
            Self::PasswordDiffers => lang.pick("重新输入", "type it again"),
            Self::PasswordUnfit { .. } | Self::PasswordSame => lang.pick("另选一个口令", "choose another password"),
            Self::TotpNotSet { .. } => {
                lang.pick("先用 issuer operator totp 登记", "set one up first: `issuer operator totp`")
            }
            Self::SessionMissing | Self::SessionEnded => lang.pick("请登录", "log in"),
            Self::CsrfWrong => lang.pick("重新打开页面再办", "open the page again, then repeat it"),
            Self::NoRandom => lang.pick("检查 /dev/urandom", "look at /dev/urandom"),
            Self::Operator(error) => error.next(lang),
            Self::Vault(error) => error.next(lang),
            Self::Store(error) => error.next(lang),
        }
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Refused
            | Self::Locked { .. }
            | Self::PasswordMissing { .. }
            | Self::SessionMissing
            | Self::SessionEnded => Exit::Authentication,
            Self::PasswordInitial { .. }
            | Self::PasswordNotSet { .. }
            | Self::PasswordSame
            | Self::TotpNotSet { .. }
            | Self::CsrfWrong => Exit::Refused,
            Self::PasswordUnfit { .. } | Self::PasswordDiffers => Exit::Usage,
            Self::NoRandom => Exit::Storage,
            Self::Operator(error) => error.exit(),
            Self::Vault(error) => error.exit(),
            Self::Store(error) => error.exit(),
        }
    }

    fn retryable(&self) -> bool {
        match self {
            Self::Locked { .. } => true,
            Self::Operator(OperatorError::Store(error)) | Self::Store(error) => error.retryable(),
            _ => false,
        }
    }

    fn wait_seconds(&self) -> Option<u64> {
        if let Self::Locked { seconds } = self { Some(*seconds) } else { None }
    }
}
