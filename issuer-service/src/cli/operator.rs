//! `issuer operator …`.
//!
//! Owns: who may change operators. Never: what a role may do (`operator::duty`).

use clap::Subcommand;

use super::{Common, local};
use crate::audit::Act;
use crate::error::Error;
use crate::exit::Exit;
use crate::operator::duty::Duties;
use crate::operator::{Operators, Role};
use crate::output::{Output, Page};

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
        Verb::List => {
            let operators = store.read(|tx| tx.operators())?;
            output.show(&Operators { operators });
        }
        Verb::Duties { .. } => unreachable!("handled above"),
    }
    Ok(Exit::Ok)
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
