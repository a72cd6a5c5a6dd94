//! `issuer number …`.

use clap::Subcommand;

use super::Common;
use super::init::prefix as prefix_letter;
use crate::batch::{NumberState, pool, prefix};
use crate::error::Error;
use crate::exit::Exit;
use crate::output::Output;

/// What to do with card numbers.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Show how the pool of card numbers stands.
    List {
        /// List numbers in this state.
        #[arg(long, value_parser = ["free", "reserved", "used", "spoilt"])]
        state: Option<String>,
        /// List at most so many numbers; none without --state.
        #[arg(long, default_value_t = 100)]
        limit: u32,
    },
    /// Make free numbers ahead of need.
    Fill {
        /// How many.
        #[arg(value_parser = clap::value_parser!(u32).range(1..=100_000))]
        count: u32,
    },
    /// Keep a free number out of use for good.
    Block {
        /// 卡号.
        number: String,
        /// Why; goes into the audit log.
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// Further first letters, for when one is used up.
    #[command(subcommand)]
    Prefix(PrefixVerb),
}

/// What to do with a first letter.
#[derive(Debug, Subcommand)]
pub enum PrefixVerb {
    /// Propose the letter that follows when the present one is used up.
    Propose {
        /// A to Z.
        #[arg(value_parser = prefix_letter)]
        letter: char,
        /// Why; goes into the audit log.
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// Approve a letter that another operator proposed; it cannot be taken back.
    Approve {
        /// A to Z.
        #[arg(value_parser = prefix_letter)]
        letter: char,
    },
    /// Take a proposal back.
    Withdraw {
        /// A to Z.
        #[arg(value_parser = prefix_letter)]
        letter: char,
        /// Why; goes into the audit log.
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
}

pub(super) fn run(common: &Common, verb: Verb, output: &Output) -> Result<Exit, Error> {
    let mut centre = common.centre()?;
    let (first, operator) = (centre.config.card_number_prefix, common.operator.as_deref());
    let store = &mut centre.store;
    match verb {
        Verb::List { state, limit } => {
            let limit = if state.is_some() { limit } else { 0 };
            let state = state.and_then(|name| NumberState::of_name(&name));
            output.show(&pool::look(store, first, state, limit)?);
        }
        Verb::Fill { count } => {
            pool::fill(store, count, first, operator)?;
            output.show(&pool::look(store, first, None, 0)?);
        }
        Verb::Prefix(verb) => output.show(&match verb {
            PrefixVerb::Propose { letter, reason } => prefix::propose(store, first, letter, &reason, operator)?,
            PrefixVerb::Approve { letter } => prefix::approve(store, first, letter, operator)?,
            PrefixVerb::Withdraw { letter, reason } => prefix::withdraw(store, first, letter, &reason, operator)?,
        }),
        Verb::Block { number, reason } => output.show(&pool::block(store, &number, &reason, operator)?),
    }
    Ok(Exit::Ok)
}
