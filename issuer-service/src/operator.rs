//! Operators (操作员): who may do what. Nobody may approve what they made.
//!
//! Owns: roles, names, the checks. Never: authenticates a person (the operating system and the desk do, until accounts exist).

use clap::ValueEnum;
use serde::Serialize;

use crate::error::Explain;
use crate::exit::Exit;
use crate::lang::Lang;
use crate::output::Show;
use crate::store::{StoreError, Tx};

/// What an operator may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// 采集: import people, make batches.
    Capture,
    /// 审核: approve batches.
    Approve,
    /// 制卡: run a personalization station.
    Station,
    /// 密钥: key ceremonies, PSAMs.
    Keys,
    /// 清算: terminals, clearing windows, statements.
    Clearing,
    /// 审计: read the audit log.
    Audit,
    /// 柜台: hand cards out, take reports of loss, lock, cancel.
    Counter,
    /// 库管: boxes of cards, parcels, destruction.
    Stock,
}

impl Role {
    /// All roles.
    pub const ALL: [Self; 8] = [
        Self::Capture,
        Self::Approve,
        Self::Station,
        Self::Keys,
        Self::Clearing,
        Self::Audit,
        Self::Counter,
        Self::Stock,
    ];

    /// Name as typed and stored.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Capture => "capture",
            Self::Approve => "approve",
            Self::Station => "station",
            Self::Keys => "keys",
            Self::Clearing => "clearing",
            Self::Audit => "audit",
            Self::Counter => "counter",
            Self::Stock => "stock",
        }
    }
}

/// An operator and the roles held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Operator {
    /// Name, 1 to 32 letters, digits, `.`, `-`, `_`.
    pub name: String,
    /// Roles.
    pub roles: Vec<String>,
}

/// Why an operator may not act.
#[derive(Debug, thiserror::Error)]
pub enum OperatorError {
    /// `--operator` is missing.
    #[error("no operator was named")]
    NotNamed,
    /// The name cannot be used.
    #[error("{name:?} is no operator name")]
    NameInvalid {
        /// The name.
        name: String,
    },
    /// There is no such operator.
    #[error("operator {name} is not registered")]
    Unknown {
        /// The name.
        name: String,
    },
    /// There is one already.
    #[error("operator {name} is registered already")]
    Exists {
        /// The name.
        name: String,
    },
    /// The operator lacks the role.
    #[error("operator {name} lacks the role {}", role.name())]
    RoleMissing {
        /// The name.
        name: String,
        /// The role needed.
        role: Role,
    },
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Whether a text can be the name of an operator or of a station.
#[must_use]
pub fn is_name(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    (1..=32).contains(&name.len()) && name.chars().all(plain)
}

impl Tx<'_> {
    /// The named operator, if registered, active and holding `role`.
    ///
    /// # Errors
    /// [`OperatorError`].
    pub fn require(&self, name: Option<&str>, role: Role) -> Result<String, OperatorError> {
        let name = name.ok_or(OperatorError::NotNamed)?.to_owned();
        let operator = self.operator(&name)?.ok_or_else(|| OperatorError::Unknown { name: name.clone() })?;
        if operator.roles.iter().any(|held| held == role.name()) {
            Ok(name)
        } else {
            Err(OperatorError::RoleMissing { name, role })
        }
    }
}

impl Operator {
    /// Whether `name` can be an operator's name.
    #[must_use]
    pub fn valid_name(name: &str) -> bool {
        (1..=32).contains(&name.len())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'))
    }
}

impl Show for Operator {
    fn text(&self, _lang: Lang) -> String {
        format!("{}  {}", self.name, self.roles.join(", "))
    }
}

/// All operators.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Operators {
    /// In order of name.
    pub operators: Vec<Operator>,
}

impl Show for Operators {
    fn text(&self, lang: Lang) -> String {
        self.operators.iter().map(|operator| operator.text(lang)).collect::<Vec<_>>().join("\n")
    }
}

impl Explain for OperatorError {
    fn code(&self) -> &'static str {
        match self {
            Self::NotNamed => "OPERATOR_NOT_NAMED",
            Self::NameInvalid { .. } => "OPERATOR_NAME_INVALID",
            Self::Unknown { .. } => "OPERATOR_UNKNOWN",
            Self::Exists { .. } => "OPERATOR_EXISTS",
            Self::RoleMissing { .. } => "OPERATOR_ROLE_MISSING",
            Self::Store(error) => error.code(),
        }
    }

    fn what(&self, lang: Lang) -> String {
        match self {
            Self::NotNamed => lang.pick("没有指明操作员", "no operator was named").to_owned(),
            Self::NameInvalid { name } => {
                lang.pick(format!("{name:?} 不能用作操作员名"), format!("{name:?} cannot be an operator's name"))
            }
            Self::Unknown { name } => {
                lang.pick(format!("操作员 {name} 未登记"), format!("operator {name} is not registered"))
            }
            Self::Exists { name } => {
                lang.pick(format!("操作员 {name} 已登记"), format!("operator {name} is registered already"))
            }
            Self::RoleMissing { name, role } => lang.pick(
                format!("操作员 {name} 没有 {} 权限", role.name()),
                format!("operator {name} lacks the role {}", role.name()),
            ),
            Self::Store(error) => error.what(lang),
        }
    }

    fn next(&self, lang: Lang) -> &'static str {
        match self {
            Self::NotNamed => lang.pick("加上 --operator 姓名", "add --operator NAME"),
            Self::NameInvalid { .. } => lang.pick(
                "用 1 至 32 个字母、数字、点、横线或下划线",
                "use 1 to 32 letters, digits, dots, dashes or underscores",
            ),
            Self::Unknown { .. } => {
                lang.pick("先用 issuer operator add 登记", "register the operator with `issuer operator add` first")
            }
            Self::Exists { .. } => lang.pick("换一个名字", "choose another name"),
            Self::RoleMissing { .. } => lang.pick("由有此权限的操作员办理", "let an operator with this role do it"),
            Self::Store(error) => error.next(lang),
        }
    }

    fn exit(&self) -> Exit {
        match self {
            Self::NotNamed | Self::NameInvalid { .. } => Exit::Usage,
            Self::Unknown { .. } => Exit::NotFound,
            Self::Exists { .. } | Self::RoleMissing { .. } => Exit::Refused,
            Self::Store(error) => error.exit(),
        }
    }
}
