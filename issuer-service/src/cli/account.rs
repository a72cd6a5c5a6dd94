//! `issuer account …`, `issuer load …` and `issuer blacklist …`.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Subcommand;
use settlement::blacklist::SignedBlacklist;
use settlement::fen::Fen;
use settlement::id::{CardIdentifier, LoadId};

use super::Common;
use crate::audit::Act;
use crate::clearing::allotment::{self, AllotmentState, Allotments};
use crate::clearing::blacklist::{self, Blacklist, BlacklistAct, ExportedList};
use crate::clearing::decision::{DecisionMove, DecisionState};
use crate::clearing::ledger::{AccountBalance, Balances, Debts};
use crate::clearing::load::Loads;
use crate::clearing::load_decision::{self, LoadAct};
use crate::clearing::refusal::ClearingError;
use crate::clearing::{succession, withheld};
use crate::error::Error;
use crate::exit::Exit;
use crate::operator::Role;
use crate::output::Output;

/// What to do with accounts.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// 账户划入: ask for an amount for the holders of cards; another operator approves it.
    #[command(group = clap::ArgGroup::new("whom").required(true).args(["batch", "cards"]))]
    Allot {
        /// Every active card of this batch.
        #[arg(long, value_name = "N")]
        batch: Option<i64>,
        /// A card, by its identifier; may be given several times.
        #[arg(long = "card", value_name = "IDENTIFIER", value_parser = CardIdentifier::parse)]
        cards: Vec<CardIdentifier>,
        /// Amount for each holder, in yuan.
        #[arg(long, value_name = "YUAN", value_parser = Fen::parse_yuan)]
        amount: Fen,
    },
    /// Approve a request that another operator made: the money is pending from now on.
    Approve {
        /// Its number.
        request: i64,
    },
    /// Reject a request that another operator made.
    Reject {
        /// Its number.
        request: i64,
        /// Why.
        #[arg(long)]
        reason: String,
    },
    /// Give the money of cards that are out of use for good to their holders, once their days are over. For a daily timer.
    MoveBalances,
    /// List requests.
    Requests,
    /// List the accounts of the ledger with their balances.
    List {
        /// Only accounts whose code begins so: `card:`, `fund:`, `institution:`.
        #[arg(long, value_name = "TEXT", default_value = "")]
        prefix: String,
        /// Who owes, with their cards: holders whose pending money is below zero.
        #[arg(long, conflicts_with = "prefix")]
        owed: bool,
    },
}

/// What to do with loads.
#[derive(Debug, Subcommand)]
pub enum LoadVerb {
    /// List loads.
    List {
        /// Only those without outcome, with their age and the next action.
        #[arg(long)]
        open: bool,
    },
    /// 圈存处理: say whether the card has the money of a load without outcome; another operator decides.
    #[command(group = clap::ArgGroup::new("outcome").required(true).args(["credited", "not_credited"]))]
    Propose {
        /// Load.
        #[arg(value_parser = LoadId::parse)]
        load: LoadId,
        /// The card has the money.
        #[arg(long)]
        credited: bool,
        /// The card does not have it; also of a load that people alone called credited.
        #[arg(long)]
        not_credited: bool,
        /// What shows it.
        #[arg(long)]
        reason: String,
    },
    /// Do what another operator proposed, in the open window.
    Approve {
        /// Number of the decision.
        number: i64,
    },
    /// Refuse what another operator proposed: the load stays as it is.
    Reject {
        /// Number of the decision.
        number: i64,
        /// Why.
        #[arg(long)]
        reason: String,
    },
}

/// What to do with the blacklist.
#[derive(Debug, Subcommand)]
pub enum BlacklistVerb {
    /// A card may not pay any more.
    Add {
        /// Card, by its identifier.
        #[arg(value_parser = CardIdentifier::parse)]
        card: CardIdentifier,
        /// Why.
        #[arg(long)]
        reason: String,
    },
    /// A card may pay again.
    Remove {
        /// Card, by its identifier.
        #[arg(value_parser = CardIdentifier::parse)]
        card: CardIdentifier,
        /// Why.
        #[arg(long)]
        reason: String,
    },
    /// List the cards that may not pay.
    List,
    /// Take cards back out of a list that this centre signed after the backup that it was brought back from: what a terminal holds
    /// (`sscard blacklist export`), or an export.
    Adopt {
        /// The list.
        file: PathBuf,
    },
    /// Publish the list of a centre that was brought back: from now on it is whole, somebody says.
    Release {
        /// Which lists were taken back, or why none is missing.
        #[arg(long)]
        reason: String,
    },
    /// Write the list, signed, into a file for terminals that cannot reach this centre (`sscard blacklist import`).
    Export {
        /// File; one that is there is replaced as a whole.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        /// Only what changed since the list with this sequence; without it, the whole list.
        #[arg(long, value_name = "SEQUENCE", default_value_t = 0, hide_default_value = true)]
        since: u64,
    },
}

pub(super) fn run(common: &Common, verb: Verb, output: &Output) -> Result<Exit, Error> {
    let reason = if let Verb::Reject { reason, .. } = &verb { Some(reason.as_str()) } else { None };
    let mut centre = common.centre_told(reason, output)?;
    let operator = common.operator.as_deref();
    match verb {
        Verb::Allot { batch, cards, amount } => {
            let request = centre.store.act(|tx| -> Result<_, ClearingError> {
                let maker = tx.require(operator, Role::Clearing)?;
                let cards = match batch {
                    Some(batch) => tx.active_cards_of_batch(batch)?,
                    None => cards,
                };
                allotment::request(tx, &cards, amount, &maker)
            })?;
            output.show(&request);
        }
        Verb::Approve { request } => {
            let decided = centre.store.act(|tx| -> Result<_, ClearingError> {
                let checker = tx.require(operator, Role::Approve)?;
                allotment::decide(tx, request, AllotmentState::Approved, &checker)
            })?;
            output.show(&decided);
        }
        Verb::Reject { request, reason } => {
            let decided = centre.store.act(|tx| -> Result<_, ClearingError> {
                let checker = tx.require(operator, Role::Approve)?;
                allotment::reject(tx, request, &reason, &checker)
            })?;
            output.show(&decided);
        }
        Verb::MoveBalances => {
            let days = centre.config.life.balance_move_days;
            let moves = centre.store.act(|tx| -> Result<_, ClearingError> {
                let actor = tx.require(operator, Role::Clearing)?;
                succession::move_due(tx, days, &actor)
            })?;
            output.show(&moves);
        }
        Verb::Requests => {
            let allotments = centre.store.read(|tx| tx.allotments())?;
            output.show(&Allotments { allotments });
        }
        Verb::List { owed: true, .. } => {
            let debts = centre.store.read(|tx| -> Result<_, ClearingError> { Ok(Debts::of(tx.debts()?)?) })?;
            output.show(&debts);
        }
        Verb::List { prefix, owed: false } => {
            let balances = centre.store.read(|tx| -> Result<_, ClearingError> { Ok(tx.all_balances()?) })?;
            let accounts = balances
                .into_iter()
                .filter(|(account, _)| account.starts_with(&prefix))
                .map(|(account, balance_fen)| AccountBalance { account, balance_fen })
                .collect();
            output.show(&Balances::of(accounts).map_err(ClearingError::from)?);
        }
    }
    Ok(Exit::Ok)
}

pub(super) fn run_load(common: &Common, verb: LoadVerb, output: &Output) -> Result<Exit, Error> {
    let reason = match &verb {
        LoadVerb::Propose { reason, .. } | LoadVerb::Reject { reason, .. } => Some(reason.as_str()),
        LoadVerb::List { .. } | LoadVerb::Approve { .. } => None,
    };
    let mut centre = common.centre_told(reason, output)?;
    let operator = common.operator.as_deref();
    let decision = match verb {
        LoadVerb::List { open } => {
            let loads = centre.store.read(|tx| -> Result<_, ClearingError> {
                let decisions = tx.load_decisions()?.into_iter();
                let decisions = decisions.filter(|one| !open || one.state == DecisionState::Proposed).collect();
                Ok(Loads::of(if open { tx.open_loads()? } else { tx.loads()? }, decisions))
            })?;
            output.show(&loads);
            return Ok(Exit::Ok);
        }
        LoadVerb::Propose { load, credited, not_credited: _, reason } => {
            let act = if credited { LoadAct::Credited } else { LoadAct::NotCredited };
            centre.store.act(|tx| -> Result<_, ClearingError> {
                let maker = tx.require(operator, Role::Clearing)?;
                load_decision::propose(tx, load, act, &reason, &maker)
            })?
        }
        LoadVerb::Approve { number } => centre.store.act(|tx| -> Result<_, ClearingError> {
            let checker = tx.require(operator, Role::Approve)?;
            load_decision::decide(tx, number, DecisionMove::Approve, &checker)
        })?,
        LoadVerb::Reject { number, reason } => centre.store.act(|tx| -> Result<_, ClearingError> {
            let checker = tx.require(operator, Role::Approve)?;
            load_decision::reject(tx, number, &reason, &checker)
        })?,
    };
    output.show(&decision);
    Ok(Exit::Ok)
}

pub(super) fn run_blacklist(common: &Common, verb: BlacklistVerb, output: &Output) -> Result<Exit, Error> {
    match verb {
        BlacklistVerb::Add { card, reason } => change(common, output, card, BlacklistAct::Add, &reason),
        BlacklistVerb::Remove { card, reason } => change(common, output, card, BlacklistAct::Remove, &reason),
        BlacklistVerb::List => {
            let list = common.centre()?.store.read(|tx| -> Result<_, ClearingError> {
                Ok(Blacklist { sequence: tx.blacklist_sequence()?, entries: tx.blacklist()? })
            })?;
            output.show(&list);
            Ok(Exit::Ok)
        }
        BlacklistVerb::Adopt { file } => {
            let mut centre = common.centre()?;
            let list = withheld::read(&file)?;
            let key = common.vault(&centre, output)?.signer().public_key();
            output.show(&withheld::adopt(&mut centre.store, &list, &key, common.operator.as_deref())?);
            Ok(Exit::Ok)
        }
        BlacklistVerb::Release { reason } => {
            let mut centre = common.centre_told(Some(&reason), output)?;
            output.show(&withheld::release(&mut centre.store, &reason, common.operator.as_deref())?);
            Ok(Exit::Ok)
        }
        BlacklistVerb::Export { out, since } => {
            output.show(&export(common, output, out, since)?);
            Ok(Exit::Ok)
        }
    }
}

fn export(common: &Common, output: &Output, out: PathBuf, since: u64) -> Result<ExportedList, Error> {
    let mut centre = common.centre()?;
    let signer = common.vault(&centre, output)?.signer();
    let rules = centre.config.blacklist;
    let list = centre.store.act(|tx| -> Result<_, ClearingError> {
        let actor = tx.require(common.operator.as_deref(), Role::Clearing)?;
        let list = blacklist::sign(tx, &signer, rules, since)?;
        let detail = format!("sequence {} since {}", list.sequence, list.since);
        let act = Act { actor, act: "blacklist.export", object: "blacklist".to_owned(), detail };
        Ok((list, act))
    })?;
    // Aside and renamed: a file is the old list or the new one.
    let mut aside = out.clone().into_os_string();
    aside.push(".new");
    let aside = PathBuf::from(aside);
    let written = File::create(&aside).and_then(|mut file| {
        file.write_all(list.to_text().as_bytes())?;
        file.sync_all()?;
        fs::rename(&aside, &out)?;
        let folder = out.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
        File::open(folder)?.sync_all()
    });
    written.map_err(|source| ClearingError::Unwritten { path: out.clone(), source })?;
    let SignedBlacklist { since, sequence, cards, valid_until, centre_key, .. } = list;
    Ok(ExportedList { file: out, since, sequence, cards, valid_until, centre_key })
}

fn change(
    common: &Common,
    output: &Output,
    card: CardIdentifier,
    act: BlacklistAct,
    reason: &str,
) -> Result<Exit, Error> {
    let mut centre = common.centre_told(Some(reason), output)?;
    let list = blacklist::change(&mut centre.store, card, act, reason, common.operator.as_deref())?;
    output.show(&list);
    Ok(Exit::Ok)
}
