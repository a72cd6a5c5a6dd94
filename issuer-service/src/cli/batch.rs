//! `issuer batch …`.

use clap::Subcommand;

use super::Common;
use crate::batch::{self, Batches, Selection};
use crate::error::Error;
use crate::exit::Exit;
use crate::output::Output;

/// What to do with batches.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Make a batch of people without a card.
    Create {
        /// Of this county.
        #[arg(long, value_name = "CODE", conflicts_with = "persons")]
        county: Option<String>,
        /// At most so many.
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..), conflicts_with = "persons")]
        count: u32,
        /// These people, by row number.
        #[arg(long, value_name = "ID", value_delimiter = ',')]
        persons: Vec<i64>,
    },
    /// Approve a batch that another operator made.
    Approve {
        /// Number of the batch.
        number: i64,
    },
    /// Give up a batch that nobody approved.
    Cancel {
        /// Number of the batch.
        number: i64,
    },
    /// Declare a card in work lost: its person gets another one.
    Spoil {
        /// Number of the batch.
        number: i64,
        /// Job whose card is lost.
        #[arg(long)]
        job: i64,
    },
    /// List batches.
    List,
    /// Show a batch.
    Show {
        /// Number of the batch.
        number: i64,
    },
}

pub(super) fn run(common: &Common, verb: Verb, output: &Output) -> Result<Exit, Error> {
    let mut centre = common.centre()?;
    let (operator, prefix) = (common.operator.as_deref(), centre.config.card_number_prefix);
    let store = &mut centre.store;
    let shown = match verb {
        Verb::Create { county, count, persons } => {
            let selection =
                if persons.is_empty() { Selection::Next { county, count } } else { Selection::People(persons) };
            batch::create(store, &selection, operator)?
        }
        Verb::Approve { number } => batch::approve(store, number, operator, prefix)?,
        Verb::Cancel { number } => batch::cancel(store, number, operator)?,
        Verb::Spoil { number, job } => batch::declare_lost(store, number, job, operator, prefix)?,
        Verb::Show { number } => store.read(|tx| batch::found(tx, number))?,
        Verb::List => {
            output.show(&Batches { batches: store.read(|tx| tx.batches())? });
            return Ok(Exit::Ok);
        }
    };
    output.show(&shown);
    Ok(Exit::Ok)
}
