//! Why an operator may not act, and what to do about it.
//!
//! Owns: the errors of operators. Never: a check.

use crate::error::Explain;
use crate::exit::Exit;
use crate::lang::Lang;
use crate::store::StoreError;

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
    /// The operator was disabled.
    #[error("operator {name} is disabled")]
    Disabled {
        /// The name.
        name: String,
    },
    /// The operator lacks the role.
    #[error("operator {name} lacks the role {roles}")]
    RoleMissing {
        /// The name.
        name: String,
        /// The roles of which one is needed.
        roles: String,
    },
    /// Nobody changes their own roles.
    #[error("operator {name} cannot change the own roles")]
    OwnRoles {
        /// The name.
        name: String,
    },
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Explain for OperatorError {
    fn code(&self) -> &'static str {
        match self {
            Self::NotNamed => "OPERATOR_NOT_NAMED",
            Self::NameInvalid { .. } => "OPERATOR_NAME_INVALID",
            Self::Unknown { .. } => "OPERATOR_UNKNOWN",
            Self::Exists { .. } => "OPERATOR_EXISTS",
            Self::Disabled { .. } => "OPERATOR_DISABLED",
            Self::RoleMissing { .. } => "OPERATOR_ROLE_MISSING",
            Self::OwnRoles { .. } => "OPERATOR_OWN_ROLES",
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
            Self::Disabled { name } => {
                lang.pick(format!("操作员 {name} 已停用"), format!("operator {name} is disabled"))
            }
            Self::RoleMissing { name, roles } => {
                lang.pick(format!("操作员 {name} 没有 {roles} 权限"), format!("operator {name} lacks the role {roles}"))
            }
            Self::OwnRoles { name } => lang.pick(
                format!("{name} 不能更改自己的权限，也不能停用自己"),
                format!("{name} cannot change or end the own roles"),
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
            Self::Exists { .. } => lang.pick(
                "换一个名字；大小写不同仍算同一个名字",
                "choose another name; one that differs by capitals only is the same",
            ),
            Self::Disabled { .. } => {
                lang.pick("由另一位操作员办理", "let another operator do it; a name that was disabled stays so")
            }
            Self::OwnRoles { .. } => {
                lang.pick("由另一位有 manage 权限的操作员办理", "let another holder of the role manage do it")
            }
            Self::RoleMissing { .. } => lang.pick("由有此权限的操作员办理", "let an operator with this role do it"),
            Self::Store(error) => error.next(lang),
        }
    }

    fn exit(&self) -> Exit {
        match self {
            Self::NotNamed | Self::NameInvalid { .. } => Exit::Usage,
            Self::Unknown { .. } => Exit::NotFound,
            Self::Exists { .. } | Self::Disabled { .. } | Self::RoleMissing { .. } | Self::OwnRoles { .. } => {
                Exit::Refused
            }
            Self::Store(error) => error.exit(),
        }
    }
}
