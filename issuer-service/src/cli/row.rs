//! `issuer row …`: records of terminals that were not posted.

use clap::Subcommand;
use settlement::id::TerminalNumber;

use super::Common;
use crate::clearing::decision::{self, DecisionMove, RowAct};
use crate::clearing::refusal::ClearingError;
use crate::clearing::rejection;
use crate::error::Error;
use crate::exit::Exit;
use crate::operator::Role;
use crate::output::Output;

/// What to do with records that were not posted.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// List records that were refused or held, and what was decided about them.
    List {
        /// Only those that nobody has decided.
        #[arg(long)]
        open: bool,
    },
    /// 挂账处理: say what became of a record; another operator decides.
    #[command(group = clap::ArgGroup::new("act").required(true).args(["post", "return_", "dismiss", "take_back"]))]
    Propose {
        /// Record, as TERMINAL/NUMBER.
        #[arg(value_parser = place)]
        record: (TerminalNumber, u64),
        /// The card paid and the sale stands: it is posted.
        #[arg(long)]
        post: bool,
        /// The card paid and the sale does not stand: the holder gets the money back.
        #[arg(long = "return")]
        return_: bool,
        /// The card did not pay: nothing is posted.
        #[arg(long)]
        dismiss: bool,
        /// What was decided is wrong: its card shows since that it did not pay, or has told its code since. The ledger gets the mirror of it.
        #[arg(long)]
        take_back: bool,
        /// What shows it.
        #[arg(long)]
        reason: String,
    },
    /// Do what another operator proposed, in the open window.
    Approve {
        /// Number of the decision.
        number: i64,
    },
    /// Refuse what another operator proposed: the record waits again.
    Reject {
        /// Number of the decision.
        number: i64,
        /// Why.
        #[arg(long)]
        reason: String,
    },
}

fn place(text: &str) -> Result<(TerminalNumber, u64), String> {
    let wrong = || format!("{text} is not TERMINAL/NUMBER");
    let (terminal, record) = text.split_once('/').ok_or_else(wrong)?;
    let terminal = TerminalNumber::parse(terminal).map_err(|_| wrong())?;
    Ok((terminal, record.parse().map_err(|_| wrong())?))
}

pub(super) fn run(common: &Common, verb: Verb, output: &Output) -> Result<Exit, Error> {
    let operator = common.operator.as_deref();
    let number = match verb {
        Verb::List { open } => {
            let rows = common.centre()?.store.read(|tx| rejection::rows(tx, open))?;
            output.show(&rows);
            return Ok(Exit::Ok);
        }
        Verb::Propose { record, post, return_, dismiss: _, take_back, reason } => {
            let act = match (post, return_, take_back) {
                (true, ..) => RowAct::Post,
                (false, true, _) => RowAct::Return,
                (false, false, true) => RowAct::TakeBack,
                (false, false, false) => RowAct::Dismiss,
            };
            let proposed = common.centre_told(Some(&reason), output)?.store.act(|tx| -> Result<_, ClearingError> {
                let maker = tx.require(operator, Role::Clearing)?;
                decision::propose(tx, record, act, &reason, &maker)
            })?;
            output.show(&proposed);
            return Ok(Exit::Ok);
        }
        Verb::Reject { number, reason } => {
            let rejected = common.centre_told(Some(&reason), output)?.store.act(|tx| -> Result<_, ClearingError> {
                let checker = tx.require(operator, Role::Approve)?;
                rejection::reject_row(tx, number, &reason, &checker)
            })?;
            output.show(&rejected);
            return Ok(Exit::Ok);
        }
        Verb::Approve { number } => number,
    };
    let decided = common.centre()?.store.act(|tx| -> Result<_, ClearingError> {
        let checker = tx.require(operator, Role::Approve)?;
        decision::decide(tx, number, DecisionMove::Approve, &checker)
    })?;
    output.show(&decided);
    Ok(Exit::Ok)
}
