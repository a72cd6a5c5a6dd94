//! `issuer operator …`.
//!
//! Owns: who may change operators. Never: what a role may do (`operator::duty`).

use clap::Subcommand;

use zeroize::Zeroizing;

use super::{Common, local};
use crate::audit::Act;
use crate::centre::Centre;
use crate::error::Error;
use crate::exit::Exit;
use crate::lang::Lang;
use crate::operator::duty::Duties;
use crate::operator::login::{self, LoginError};
use crate::operator::{OperatorError, Operators, Role};
use crate::output::{Output, Page, Show};
use crate::vault::passphrase::Source;

/// What to do with operators.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Register an operator with roles. Once an operator holds the role manage, only such a one may.
    Add {
        /// Name.
        name: String,
        /// A role; may be given several times.
        #[arg(long = "role", value_enum, required = true)]
        roles: Vec<Role>,
    },
    /// Give an operator these roles instead of those held; needs the role manage. Nobody changes their own.
    Roles {
        /// Name.
        name: String,
        /// A role; may be given several times.
        #[arg(long = "role", value_enum, required = true)]
        roles: Vec<Role>,
    },
    /// Disable an operator; needs the role manage. Records keep the name, and nobody else gets it.
    Disable {
        /// Name.
        name: String,
        /// Why; no names of people.
        #[arg(long)]
        reason: String,
    },
    /// Give an operator a password to begin with; needs the role manage. The second factor and all sessions of the operator end.
    Reset {
        /// Name.
        name: String,
        /// The password: env:NAME or file:PATH; asked for when absent.
        #[arg(long, value_name = "SOURCE", value_parser = super::SourceParser)]
        initial: Option<Source>,
    },
    /// Change the own password (--operator); from then on every command of this operator asks for it.
    Password {
        /// The new one: env:NAME or file:PATH; asked for when absent.
        #[arg(long, value_name = "SOURCE", value_parser = super::SourceParser)]
        new: Option<Source>,
    },
    /// Set up the own second factor (--operator): prints the address for an authenticator program, once.
    Totp {
        /// Code of the present second factor, if there is one: env:NAME or file:PATH; asked for when absent. Who has lost it is
        /// reset by whoever manages.
        #[arg(long, value_name = "SOURCE")]
        code: Option<Source>,
    },
    /// List operators.
    List,
    /// List which roles each command needs.
    Duties {
        /// As the page `docs/duties.md`.
        #[arg(long)]
        markdown: bool,
    },
}

pub(super) fn run(common: &Common, verb: Verb, output: &Output) -> Result<Exit, Error> {
    if let Verb::Duties { markdown } = verb {
        if markdown {
            output.show(&Page(Duties::page()));
        } else {
            output.show(&Duties::all());
        }
        return Ok(Exit::Ok);
    }
    let mut centre = common.centre()?;
    if let Verb::Password { .. } | Verb::Totp { .. } = verb {
        return own(common, &mut centre, verb, output);
    }
    let store = &mut centre.store;
    match verb {
        Verb::Add { name, roles } => {
            let (added, managed) = store.act(|tx| -> Result<_, Error> {
                let by = tx.manager(common.operator.as_deref())?;
                let operator = tx.register(&name, &roles)?;
                let managed = !tx.holders(Role::Manage)?.is_empty();
                let detail = operator.roles.join(",");
                Ok(((operator, managed), act(by.unwrap_or_else(local), "operator.add", &name, detail)))
            })?;
            output.show(&added);
            if !managed {
                unmanaged(output);
            }
        }
        Verb::Roles { name, roles } => {
            let changed = store.act(|tx| -> Result<_, Error> {
                let by = tx.require(common.operator.as_deref(), Role::Manage)?;
                let operator = tx.change_roles(&by, &name, &roles)?;
                let detail = operator.roles.join(",");
                Ok((operator, act(by, "operator.roles", &name, detail)))
            })?;
            output.show(&changed);
        }
        Verb::Disable { name, reason } => {
            let disabled = store.act(|tx| -> Result<_, Error> {
                let by = tx.require(common.operator.as_deref(), Role::Manage)?;
                let operator = tx.disable(&by, &name)?;
                Ok((operator, act(by, "operator.disable", &name, reason)))
            })?;
            output.show(&disabled);
        }
        Verb::Reset { name, initial } => {
            let password = given(initial.as_ref(), ("初始口令: ", "initial password: "), &name, output)?;
            output.show(&login::reset(store, common.operator.as_deref(), &local(), &name, &password)?);
        }
        Verb::List => {
            let operators = store.read(|tx| tx.operators())?;
            output.show(&Operators { operators });
        }
        Verb::Duties { .. } | Verb::Password { .. } | Verb::Totp { .. } => unreachable!("handled above"),
    }
    Ok(Exit::Ok)
}

/// What operators do for themselves, with the password that they have.
fn own(common: &Common, centre: &mut Centre, verb: Verb, output: &Output) -> Result<Exit, Error> {
    let name = common.operator.as_deref().ok_or(OperatorError::NotNamed)?;
    let not_set = || LoginError::PasswordNotSet { name: name.to_owned() };
    centre.store.read(|tx| -> Result<_, Error> { Ok(tx.password(name)?) })?.ok_or_else(not_set)?;
    let old = common.own_password(name)?;
    let mut present = None;
    if let Verb::Totp { code } = &verb {
        present.clone_from(code);
    }
    if let Verb::Password { new } = verb {
        let new = given(new.as_ref(), ("新口令: ", "new password: "), name, output)?;
        output.show(&login::change_password(&mut centre.store, name, &old, &new)?);
        return Ok(Exit::Ok);
    }
    common.data_keys(centre, output)?;
    let city = centre.config.city.to_string();
    let code = match present {
        Some(source) => source.read()?,
        None if centre.store.read(|tx| tx.totp(name))?.is_none() => Zeroizing::default(),
        None => output.ask(("现用动态码: ", "code of the present second factor: ")).ok_or(LoginError::Refused)?,
    };
    let address = login::change_totp(&mut centre.store, (name, &old), code.trim(), &format!("issuer-{city}"))?;
    output.show(&SecondFactor { operator: name.to_owned(), address: address.to_string() });
    Ok(Exit::Ok)
}

/// A new password: as named, or typed twice.
fn given(
    source: Option<&Source>,
    (zh, en): (&str, &str),
    name: &str,
    output: &Output,
) -> Result<Zeroizing<String>, LoginError> {
    let missing = || LoginError::PasswordMissing { name: name.to_owned() };
    if let Some(source) = source {
        return Ok(source.read()?);
    }
    let first = output.ask((zh, en)).ok_or_else(missing)?;
    let again = output.ask(("再输入一次: ", "once more: ")).ok_or_else(missing)?;
    if *first == *again { Ok(first) } else { Err(LoginError::PasswordDiffers) }
}

/// What an authenticator program is given.
#[derive(serde::Serialize)]
struct SecondFactor {
    operator: String,
    address: String,
}

impl Show for SecondFactor {
    fn text(&self, lang: Lang) -> String {
        let Self { operator, address } = self;
        lang.pick(
            format!("{operator} 的动态码密钥，只显示这一次:\n{address}"),
            format!("second factor of {operator}, shown this once:\n{address}"),
        )
    }
}

/// Says that the door is open.
pub(super) fn unmanaged(output: &Output) {
    output.notice(
        "还没有 manage 权限的操作员: 本机任何人都能登记操作员。用 issuer operator add 姓名 --role manage 登记一位",
        "no operator holds the role manage: anyone at this machine may register operators. Register one: issuer operator add NAME --role manage",
    );
}

fn act(actor: String, act: &'static str, name: &str, detail: String) -> Act {
    Act { actor, act, object: format!("operator {name}"), detail }
}
