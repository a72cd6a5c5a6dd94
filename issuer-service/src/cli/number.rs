//! `issuer number …`.

use clap::Subcommand;

use super::Common;
use crate::batch::{NumberState, pool};
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
}

pub(super) fn run(common: &Common, verb: Verb, output: &Output) -> Result<Exit, Error> {
    let mut centre = common.centre()?;
    let (prefix, operator) = (centre.config.card_number_prefix, common.operator.as_deref());
    let store = &mut centre.store;
    match verb {
        Verb::List { state, limit } => {
            let limit = if state.is_some() { limit } else { 0 };
            let state = state.and_then(|name| NumberState::of_name(&name));
            output.show(&pool::look(store, prefix, state, limit)?);
        }
        Verb::Fill { count } => {
            pool::fill(store, count, prefix, operator)?;
            output.show(&pool::look(store, prefix, None, 0)?);
        }
        Verb::Block { number, reason } => output.show(&pool::block(store, &number, &reason, operator)?),
    }
    Ok(Exit::Ok)
}
