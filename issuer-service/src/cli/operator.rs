//! `issuer operator …`.

use clap::Subcommand;

use super::Common;
use crate::audit::Act;
use crate::error::Error;
use crate::exit::Exit;
use crate::operator::{Operator, OperatorError, Operators, Role};
use crate::output::Output;
use crate::store::StoreError;

/// What to do with operators.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Register an operator with roles.
    Add {
        /// Name.
        name: String,
        /// A role; may be given several times.
        #[arg(long = "role", value_enum, required = true)]
        roles: Vec<Role>,
    },
    /// List operators.
    List,
}

pub(super) fn run(common: &Common, verb: Verb, output: &Output) -> Result<Exit, Error> {
    let mut centre = common.centre()?;
    match verb {
        Verb::Add { name, roles } => {
            if !Operator::valid_name(&name) {
                return Err(OperatorError::NameInvalid { name }.into());
            }
            let added = centre.store.act(|tx| -> Result<_, Error> {
                tx.add_operator(&name, &roles).map_err(|error| match error {
                    StoreError::Conflict { .. } => OperatorError::Exists { name: name.clone() },
                    error => error.into(),
                })?;
                let operator = tx.operator(&name)?.ok_or(OperatorError::Unknown { name: name.clone() })?;
                let act = Act {
                    actor: common.actor(),
                    act: "operator.add",
                    object: format!("operator {name}"),
                    detail: operator.roles.join(","),
                };
                Ok((operator, act))
            })?;
            output.show(&added);
        }
        Verb::List => {
            let operators = centre.store.read(|tx| tx.operators())?;
            output.show(&Operators { operators });
        }
    }
    Ok(Exit::Ok)
}
