//! `issuer card …`.

use clap::Subcommand;

use super::Common;
use crate::card::Cards;
use crate::error::{Error, Missing};
use crate::exit::Exit;
use crate::output::Output;

/// What to do with cards.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// List cards.
    List {
        /// Of this batch only.
        #[arg(long, value_name = "NUMBER")]
        batch: Option<i64>,
    },
    /// Show a card.
    Show {
        /// 卡号.
        card_number: String,
    },
}

pub(super) fn run(common: &Common, verb: Verb, output: &Output) -> Result<Exit, Error> {
    let mut centre = common.centre()?;
    match verb {
        Verb::List { batch } => output.show(&Cards { cards: centre.store.read(|tx| tx.cards(batch))? }),
        Verb::Show { card_number } => {
            let card = centre.store.read(|tx| tx.card_by_number(&card_number))?;
            output.show(&card.ok_or(Missing::Card)?);
        }
    }
    Ok(Exit::Ok)
}
