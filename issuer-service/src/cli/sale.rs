//! `issuer sale …`: authorised sales whose terminal never comes back.

use clap::Subcommand;
use settlement::id::SaleId;

use super::Common;
use crate::clearing::closure::{self, Closures};
use crate::clearing::decision::DecisionMove;
use crate::clearing::refusal::ClearingError;
use crate::error::Error;
use crate::exit::Exit;
use crate::operator::Role;
use crate::output::Output;

/// What to do with sales that were authorised and never told. `terminal sales --open` lists them.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// List what was asked and decided.
    List,
    /// 联机消费关闭: ask that a sale be closed because its terminal does not come back; another operator decides.
    Propose {
        /// Id of the sale: 32 hex digits.
        #[arg(value_parser = SaleId::parse)]
        sale: SaleId,
        /// Why its terminal is not expected any more.
        #[arg(long)]
        reason: String,
    },
    /// Close the sale that another operator named: it takes nothing of its card's limits any more. A record that comes after all is
    /// held.
    Approve {
        /// Number of the closure.
        number: i64,
    },
    /// Refuse what another operator proposed: the sale stays open.
    Reject {
        /// Number of the closure.
        number: i64,
        /// Why it stays open.
        #[arg(long)]
        reason: String,
    },
}

pub(super) fn run(common: &Common, verb: Verb, output: &Output) -> Result<Exit, Error> {
    let operator = common.operator.as_deref();
    let number = match verb {
        Verb::List => {
            let closures = common.centre()?.store.read(|tx| tx.closures())?;
            output.show(&Closures { closures });
            return Ok(Exit::Ok);
        }
        Verb::Propose { sale, reason } => {
            let proposed = common.centre_told(Some(&reason), output)?.store.act(|tx| -> Result<_, ClearingError> {
                let maker = tx.require(operator, Role::Clearing)?;
                closure::propose(tx, sale, &reason, &maker)
            })?;
            output.show(&proposed);
            return Ok(Exit::Ok);
        }
        Verb::Reject { number, reason } => {
            let rejected = common.centre_told(Some(&reason), output)?.store.act(|tx| -> Result<_, ClearingError> {
                let checker = tx.require(operator, Role::Approve)?;
                closure::reject(tx, number, &reason, &checker)
            })?;
            output.show(&rejected);
            return Ok(Exit::Ok);
        }
        Verb::Approve { number } => number,
    };
    let decided = common.centre()?.store.act(|tx| -> Result<_, ClearingError> {
        let checker = tx.require(operator, Role::Approve)?;
        closure::decide(tx, number, DecisionMove::Approve, &checker)
    })?;
    output.show(&decided);
    Ok(Exit::Ok)
}
