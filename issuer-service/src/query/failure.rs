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
            Self::ReasonMissing => ("用 --reason 写明原因", "give it with --reason"),
            Self::PasswordNeeded => {
                ("用 --password env:名称 或 file:路径 给出", "give it with --password env:NAME or file:PATH")
            }
            Self::PasswordWrong => (
                "核对后再试，连错五次的半小时后再试；忘记密码的，持证件到柜台重设",
                "check both and try again, after five wrong ones in half an hour; who forgot it gets another one at the counter",
            ),
            Self::PasswordUnfit => ("请本人另选一个", "let the person choose another one"),
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
            Self::ReasonMissing | Self::PasswordNeeded | Self::PasswordUnfit => Exit::Usage,
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
}
