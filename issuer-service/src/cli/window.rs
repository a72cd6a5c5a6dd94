//! `issuer window …`, `issuer statement …` and `issuer reconcile …`.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde::de::DeserializeOwned;
use settlement::agreement::{CardReading, JournalExport};
use settlement::date::BusinessDate;
use settlement::id::InstitutionCode;

use super::Common;
use crate::clearing::closing::{self, Windows};
use crate::clearing::ledger_side;
use crate::clearing::reconciliation::{self, Sides};
use crate::clearing::refusal::ClearingError;
use crate::clearing::statement;
use crate::clearing::window::WindowState;
use crate::error::Error;
use crate::exit::Exit;
use crate::operator::Role;
use crate::output::{self, Output};

/// What to do with clearing windows.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Close a day: barrier, proof, and final if nothing is unexplained (exit code 7 when something is).
    Close {
        /// 业务日期: YYYY-MM-DD.
        #[arg(long, value_parser = BusinessDate::parse)]
        date: BusinessDate,
    },
    /// Say why a difference may stand; another operator than the one who closes.
    Explain {
        /// 业务日期: YYYY-MM-DD.
        #[arg(long, value_parser = BusinessDate::parse)]
        date: BusinessDate,
        /// Number of the difference in `window show`.
        #[arg(long, value_name = "N")]
        difference: usize,
        /// Why.
        #[arg(long)]
        reason: String,
    },
    /// Show a day with its proof and differences.
    Show {
        /// 业务日期: YYYY-MM-DD.
        #[arg(long, value_parser = BusinessDate::parse)]
        date: BusinessDate,
    },
    /// List days.
    List,
}

/// Options of `statement`.
#[derive(Debug, Args)]
pub struct StatementOptions {
    /// Institution.
    #[arg(long, value_name = "CODE", value_parser = InstitutionCode::parse)]
    institution: InstitutionCode,
    /// 业务日期: YYYY-MM-DD.
    #[arg(long, value_parser = BusinessDate::parse)]
    date: BusinessDate,
}

/// Options of `reconcile`.
#[derive(Debug, Args)]
pub struct ReconcileOptions {
    /// Through this day: YYYY-MM-DD.
    #[arg(long, value_parser = BusinessDate::parse)]
    date: BusinessDate,
    /// What cards show: a list of card_identifier, balance_fen, card_sequence. May be given several times.
    #[arg(long, value_name = "FILE")]
    cards: Vec<PathBuf>,
    /// Journal of a terminal (`sscard journal export --format json`). May be given several times.
    #[arg(long, value_name = "FILE")]
    journal: Vec<PathBuf>,
}

pub(super) fn run(common: &Common, verb: Verb, output: &Output) -> Result<Exit, Error> {
    let mut centre = common.centre()?;
    let operator = common.operator.as_deref();
    match verb {
        Verb::Close { date } => {
            let proof = centre.store.act(|tx| -> Result<_, ClearingError> {
                let operator = tx.require(operator, Role::Clearing)?;
                closing::close(tx, date, &operator)
            })?;
            output.show(&proof);
            Ok(if proof.window.state == WindowState::Closed { Exit::Ok } else { Exit::Mismatch })
        }
        Verb::Explain { date, difference, reason } => {
            let proof = centre.store.act(|tx| -> Result<_, ClearingError> {
                let operator = tx.require(operator, Role::Clearing)?;
                closing::explain(tx, date, difference, &reason, &operator)
            })?;
            output.show(&proof);
            Ok(Exit::Ok)
        }
        Verb::Show { date } => {
            let proof = centre.store.read(|tx| closing::prove(tx, date))?;
            output.show(&proof);
            let unchanged = proof.window.hash.as_ref().is_none_or(|hash| *hash == proof.content_hash.to_string());
            Ok(if proof.holds && unchanged { Exit::Ok } else { Exit::Mismatch })
        }
        Verb::List => {
            let windows = centre.store.read(|tx| tx.windows())?;
            output.show(&Windows { windows });
            Ok(Exit::Ok)
        }
    }
}

pub(super) fn run_statement(common: &Common, options: &StatementOptions, output: &Output) -> Result<Exit, Error> {
    let StatementOptions { institution, date } = options;
    let statement = common.centre()?.store.read(|tx| statement::statement(tx, institution, *date))?;
    output.show(&statement);
    Ok(if statement.in_agreement { Exit::Ok } else { Exit::Mismatch })
}

pub(super) fn run_reconcile(common: &Common, options: &ReconcileOptions, output: &Output) -> Result<Exit, Error> {
    let cards: Vec<Vec<CardReading>> = options.cards.iter().map(|path| read(path)).collect::<Result<_, _>>()?;
    let journals: Vec<JournalExport> = options.journal.iter().map(|path| read(path)).collect::<Result<_, _>>()?;
    let (ledger, terminals) = common.centre()?.store.read(|tx| ledger_side::ledger_side(tx, options.date))?;
    let sides = Sides {
        cards: (!cards.is_empty()).then(|| cards.concat()),
        journals: (!journals.is_empty()).then_some(journals),
        ledger,
        terminals,
    };
    let agreement = reconciliation::agree(options.date, &sides).map_err(ClearingError::from)?;
    output.show(&agreement);
    Ok(if agreement.in_agreement { Exit::Ok } else { Exit::Mismatch })
}

fn read<T: DeserializeOwned>(path: &Path) -> Result<T, ClearingError> {
    let text = std::fs::read_to_string(path).map_err(|source| ClearingError::File { path: path.to_owned(), source })?;
    output::from_json(&text).map_err(|(line, column)| ClearingError::FileMalformed {
        path: path.to_owned(),
        line,
        column,
    })
}
