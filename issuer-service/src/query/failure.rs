//! Why a question about a person is not answered.
//!
//! Owns: the errors. Never: says whether a number or a password was wrong.

use settlement::fen::{Fen, FenError};

use crate::card::failure::LifeError;
use crate::clearing::refusal::ClearingError;
use crate::error::{Explain, Missing};
use crate::exit::Exit;
use crate::face::failure::FaceError;
use crate::lang::Lang;
use crate::operator::OperatorError;
use crate::store::StoreError;

/// Why a question is not answered.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// Person or card.
    #[error(transparent)]
    Missing(#[from] Missing),
    /// Nobody is registered under the number that was given.
    #[error("nobody is registered under this number")]
    NumberUnknown,
    /// Unmasked data need a reason.
    #[error("a reason is needed")]
    ReasonMissing,
    /// Web and voice need a query password, the others none.
    #[error("this channel needs a query password")]
    PasswordNeeded,
    /// Number or password wrong, or there is no password, or it is locked: which of them, nobody is told.
    #[error("number or query password wrong")]
    PasswordWrong,
    /// Not 6 to 12 digits, or easily guessed.
    #[error("the password cannot be used")]
    PasswordUnfit,
    /// Too many wrong passwords came through one program.
    #[error("too many wrong passwords; wait {seconds} s")]
    ClientLocked {
        /// Seconds until the hour is over.
        seconds: u64,
    },
    /// A program has no channel, or this is not done through it.
    #[error("not through this channel")]
    ChannelUnfit,
    /// A program of a counter or of agents has to say for whom it asks.
    #[error("no operator is named")]
    OperatorNeeded,
    /// Argon2 could not be computed.
    #[error("the password could not be computed")]
    PasswordNotComputed,
    /// The lines of an account do not lead to its balance: our own mistake, or a database that somebody wrote into.
    #[error("the lines come to {lines}, the ledger to {ledger}")]
    SumsDiffer {
        /// Sum of the lines.
        lines: Fen,
        /// Balance of the ledger.
        ledger: Fen,
    },
    /// A sum beyond 64 bits.
    #[error(transparent)]
    Sum(#[from] FenError),
    /// No certificate has this code.
    #[error("no certificate has this code")]
    CertificateUnknown,
    /// What a certificate said was forgotten.
    #[error("what this certificate said is past its time")]
    CertificateForgotten,
    /// The centre has no data of contributions that could be certified.
    #[error("there is nothing to certify")]
    NothingToCertify,
    /// The document.
    #[error(transparent)]
    Face(Box<FaceError>),
    /// The card.
    #[error(transparent)]
    Life(#[from] LifeError),
    /// Money.
    #[error(transparent)]
    Clearing(#[from] ClearingError),
    /// Who asks.
    #[error(transparent)]
    Operator(#[from] OperatorError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Explain for QueryError {
    fn code(&self) -> &'static str {
        match self {
            Self::Missing(error) => error.code(),
            Self::NumberUnknown => "PERSON_NOT_FOUND",
            Self::ReasonMissing => "REASON_MISSING",
            Self::PasswordNeeded => "QUERY_PASSWORD_NEEDED",
            Self::PasswordWrong => "QUERY_PASSWORD_WRONG",
            Self::PasswordUnfit => "QUERY_PASSWORD_UNFIT",
            Self::ClientLocked { .. } => "QUERY_CLIENT_LOCKED",
            Self::ChannelUnfit => "QUERY_CHANNEL_UNFIT",
            Self::OperatorNeeded => "QUERY_OPERATOR_NEEDED",
            Self::PasswordNotComputed => "QUERY_PASSWORD_NOT_COMPUTED",
            Self::SumsDiffer { .. } => "ACCOUNT_SUMS_DIFFER",
            Self::Sum(_) => "AMOUNT_OUT_OF_RANGE",
            Self::CertificateUnknown => "CERTIFICATE_UNKNOWN",
            Self::CertificateForgotten => "CERTIFICATE_FORGOTTEN",
            Self::NothingToCertify => "BENEFITS_UNKNOWN",
            Self::Face(error) => error.code(),
            Self::Life(error) => error.code(),
            Self::Clearing(error) => error.code(),
            Self::Operator(error) => error.code(),
            Self::Store(error) => error.code(),
        }
    }

    fn what(&self, lang: Lang) -> String {
        let (zh, en) = match self {
            Self::Missing(error) => return error.what(lang),
            Self::SumsDiffer { lines, ledger } => {
                return lang.pick(
                    format!("账户明细合计 {lines} 元，账本余额 {ledger} 元"),
                    format!("the lines of the account come to {lines} yuan, the ledger to {ledger}"),
                );
            }
            Self::Face(error) => return error.what(lang),
            Self::CertificateUnknown => ("没有这个校验码的证明", "no certificate has this code"),
            Self::CertificateForgotten => ("证明内容已过保存期限", "what this certificate said is past its time"),
            Self::NothingToCertify => (
                "中心没有此人的参保数据，或此人已登记死亡",
                "the centre has no data of this person's contributions, or a death is on record",
            ),
            Self::Life(error) => return error.what(lang),
            Self::Clearing(error) => return error.what(lang),
            Self::Operator(error) => return error.what(lang),
            Self::Store(error) => return error.what(lang),
            Self::NumberUnknown => ("未登记此社会保障号码", "nobody is registered under this number"),
            Self::ReasonMissing => ("显示完整信息须有原因", "unmasked data need a reason"),
            Self::PasswordNeeded => ("此渠道须验证查询密码", "this channel needs a query password"),
            Self::PasswordWrong => ("号码或查询密码不对", "number or query password wrong"),
            Self::PasswordUnfit => (
                "查询密码须为 6 至 12 位数字，不能过于简单或取自证件号码",
                "a query password has 6 to 12 digits, not all alike, not in a row, not out of the person's number",
            ),
            Self::ClientLocked { seconds } => {
                return lang.pick(
                    format!("经此程序的查询密码错误过多，{seconds} 秒后再试"),
                    format!("too many wrong query passwords came through this program; come back in {seconds} seconds"),
                );
            }
            Self::ChannelUnfit => (
                "此渠道不办理这件事，或程序没有登记渠道",
                "this is not done through the caller's channel, or its program has none",
            ),
            Self::OperatorNeeded => ("须说明为哪位操作员提问", "the operator for whom the program asks is not named"),
            Self::PasswordNotComputed => ("无法计算查询密码", "the query password could not be computed"),
            Self::Sum(_) => ("金额超出范围", "an amount is out of range"),
        };
        lang.pick(zh, en).to_owned()
    }

    fn next(&self, lang: Lang) -> &'static str {
        let (zh, en) = match self {
            Self::Missing(error) => return error.next(lang),
            Self::Face(error) => return error.next(lang),
            Self::CertificateUnknown => ("核对 16 位校验码", "compare the 16 characters"),
            Self::CertificateForgotten => {
                ("用 issuer certificate make 另出一份", "make another with `issuer certificate make`")
            }
            Self::NothingToCertify => (
                "先导入经办机构的数据：issuer benefit import",
                "import the agencies' data first: `issuer benefit import`",
            ),
            Self::Life(error) => return error.next(lang),
            Self::Clearing(error) => return error.next(lang),
            Self::Operator(error) => return error.next(lang),
            Self::Store(error) => return error.next(lang),
            Self::NumberUnknown => ("核对号码", "check the number"),
            Self::ReasonMissing => {
                ("写明原因：命令用 --reason，接口用 reason", "give one: with --reason, over the API as `reason`")
            }
            Self::PasswordNeeded => (
                "给出查询密码：命令用 --query-password env:名称 或 file:路径，接口用 password",
                "give it: with --query-password env:NAME or file:PATH, over the API as `password`",
            ),
            Self::PasswordWrong => (
                "核对后再试，连错五次的半小时后再试；忘记密码的，持证件到柜台重设",
                "check both and try again, after five wrong ones in half an hour; who forgot it gets another one at the counter",
            ),
            Self::PasswordUnfit => ("请本人另选一个", "let the person choose another one"),
            Self::ClientLocked { .. } => (
                "稍后再试；检查是否有人在猜密码",
                "try again later, and look whether somebody is guessing passwords there",
            ),
            Self::ChannelUnfit => (
                "登记程序时写明渠道：issuer client enrol --channel",
                "enrol the program for its channel: `issuer client enrol --channel`",
            ),
            Self::OperatorNeeded => (
                "用请求头 on-behalf-of 写明操作员，不能是程序自己",
                "name the operator in the header on-behalf-of; the program itself is none",
            ),
            Self::PasswordNotComputed => ("稍后再试", "try again later"),
            Self::SumsDiffer { .. } | Self::Sum(_) => (
                "保持现状，运行 issuer reconcile 和 issuer audit verify，联系审计",
                "keep everything as it is, run `issuer reconcile` and `issuer audit verify`, call the auditor",
            ),
        };
        match lang {
            Lang::Zh => zh,
            Lang::En => en,
        }
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Missing(error) => error.exit(),
            Self::NumberUnknown => Exit::NotFound,
            Self::ReasonMissing | Self::PasswordNeeded | Self::PasswordUnfit | Self::OperatorNeeded => Exit::Usage,
            Self::ClientLocked { .. } | Self::ChannelUnfit => Exit::Refused,
            Self::PasswordWrong => Exit::Authentication,
            Self::PasswordNotComputed => Exit::Storage,
            Self::SumsDiffer { .. } | Self::Sum(_) => Exit::Mismatch,
            Self::CertificateUnknown | Self::CertificateForgotten => Exit::NotFound,
            Self::NothingToCertify => Exit::Refused,
            Self::Face(error) => error.exit(),
            Self::Life(error) => error.exit(),
            Self::Clearing(error) => error.exit(),
            Self::Operator(error) => error.exit(),
            Self::Store(error) => error.exit(),
        }
    }

    fn retryable(&self) -> bool {
        match self {
            Self::ClientLocked { .. } => true,
            Self::Store(error) => error.retryable(),
            _ => false,
        }
    }

    fn wait_seconds(&self) -> Option<u64> {
        if let Self::ClientLocked { seconds } = self { Some(*seconds) } else { None }
    }
}
