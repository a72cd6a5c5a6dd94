//! Operators (操作员): who may do what. Nobody may approve what they made.
//!
//! Owns: roles, names, the checks, who may change them. Never: believes a name over the network: `login` does not.

pub mod duty;
mod failure;
pub mod login;

use clap::ValueEnum;
use serde::Serialize;

use crate::lang::Lang;
use crate::output::Show;
use crate::store::Tx;

pub use self::failure::OperatorError;

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
    /// 查询: programs that put questions: for people who prove themselves, or for an operator whom they name. It sees nothing by itself.
    Query,
    /// 管理: operators and their roles, backups.
    Manage,
}

impl Role {
    /// All roles.
    pub const ALL: [Self; 10] = [
        Self::Capture,
        Self::Approve,
        Self::Station,
        Self::Keys,
        Self::Clearing,
        Self::Audit,
        Self::Counter,
        Self::Stock,
        Self::Query,
        Self::Manage,
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
            Self::Query => "query",
            Self::Manage => "manage",
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
        self.require_one(name, &[role])
    }

    /// The named operator, if registered, active and holding one of `roles`.
    ///
    /// # Errors
    /// [`OperatorError`].
    pub fn require_one(&self, name: Option<&str>, roles: &[Role]) -> Result<String, OperatorError> {
        let name = name.ok_or(OperatorError::NotNamed)?.to_owned();
        let Some(operator) = self.operator(&name)? else {
            let disabled = self.operator_is_closed(&name)?;
            return Err(if disabled { OperatorError::Disabled { name } } else { OperatorError::Unknown { name } });
        };
        if operator.roles.iter().any(|held| roles.iter().any(|role| held == role.name())) {
            Ok(name)
        } else {
            let roles = roles.iter().map(|role| role.name()).collect::<Vec<_>>().join(" / ");
            Err(OperatorError::RoleMissing { name, roles })
        }
    }

    /// Who may change operators: a holder of [`Role::Manage`]; `None`, anyone, while there is none.
    ///
    /// # Errors
    /// [`OperatorError`].
    pub fn manager(&self, name: Option<&str>) -> Result<Option<String>, OperatorError> {
        if self.holders(Role::Manage)?.is_empty() { Ok(None) } else { self.require(name, Role::Manage).map(Some) }
    }

    /// Registers an operator.
    ///
    /// # Errors
    /// [`OperatorError::NameInvalid`], [`OperatorError::Exists`], also for one who was disabled, and in letters of other case: a name
    /// stays one person's.
    pub fn register(&self, name: &str, roles: &[Role]) -> Result<Operator, OperatorError> {
        if !Operator::valid_name(name) {
            return Err(OperatorError::NameInvalid { name: name.to_owned() });
        }
        if self.operator_name_is_taken(name)? {
            return Err(OperatorError::Exists { name: name.to_owned() });
        }
        self.add_operator(name, roles)?;
        self.known(name)
    }

    /// Gives an operator these roles instead of those held. Nobody changes their own.
    ///
    /// # Errors
    /// [`OperatorError::OwnRoles`], [`OperatorError::Unknown`].
    pub fn change_roles(&self, by: &str, name: &str, roles: &[Role]) -> Result<Operator, OperatorError> {
        self.may_change(by, name)?;
        self.set_operator_roles(name, roles)?;
        self.known(name)
    }

    /// Ends what an operator may do; records keep the name, and nobody else gets it.
    ///
    /// # Errors
    /// [`OperatorError::OwnRoles`], [`OperatorError::Unknown`].
    pub fn disable(&self, by: &str, name: &str) -> Result<Operator, OperatorError> {
        let operator = self.known(name)?;
        self.may_change(by, name)?;
        self.close_operator(name)?;
        Ok(Operator { roles: Vec::new(), ..operator })
    }

    /// Whoever manages and is not the one who is changed: so somebody always manages.
    fn may_change(&self, by: &str, name: &str) -> Result<(), OperatorError> {
        self.known(name)?;
        if by == name {
            return Err(OperatorError::OwnRoles { name: name.to_owned() });
        }
        Ok(())
    }

    fn known(&self, name: &str) -> Result<Operator, OperatorError> {
        self.operator(name)?.ok_or_else(|| OperatorError::Unknown { name: name.to_owned() })
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
