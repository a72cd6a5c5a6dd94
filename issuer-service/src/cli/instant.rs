//! `issuer instant …`.

use std::time::Duration;

use clap::Subcommand;

use super::Common;
use super::batch::{Order, make};
use crate::error::Error;
use crate::exit::Exit;
use crate::instant::{self, Step};
use crate::output::Output;
use crate::request::{Kind, RequestError};
use crate::station::event::{Event, What};
use crate::station::hook::Hook;
use crate::station::print;

/// What to do at the counter: one citizen, one card.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Take down what a citizen asks for, as a batch of its own; goes on where it was interrupted.
    New {
        /// Row number of the person.
        #[arg(long, value_name = "ID")]
        person: i64,
        /// What is asked for.
        #[arg(long, value_enum, default_value = "first")]
        kind: Kind,
    },
    /// Approve; not by the operator who took it down.
    Approve {
        /// Number of the request.
        request: i64,
    },
    /// Write and print the card: from the first step that is not done.
    Run {
        /// Number of the request.
        request: i64,
        /// The reader, by place in the list, name or part of it.
        #[arg(long, env = "ISSUER_READER")]
        reader: String,
        /// Lot of the blank card, as the box says.
        #[arg(long, value_name = "NAME")]
        lot: Option<String>,
        /// Station of the stock that it was issued to, when several have cards of the lot.
        #[arg(long, value_name = "CODE", requires = "lot")]
        station: Option<String>,
        /// Shell command that prints the card, as with `batch run --printer`.
        #[arg(long, value_name = "COMMAND")]
        printer: Option<String>,
        /// Seconds that the printer may take.
        #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..))]
        hook_time: u64,
        /// Seconds to wait for the card to be put in, or back.
        #[arg(long, value_name = "SECONDS", default_value_t = 60)]
        wait: u64,
    },
    /// Show how far a citizen is.
    Show {
        /// Number of the request.
        request: i64,
    },
    /// List citizens whose card is not handed out yet.
    List,
}

pub(super) fn run(common: &Common, verb: Verb, output: &Output) -> Result<Exit, Error> {
    let mut centre = common.centre()?;
    if matches!(verb, Verb::New { .. }) {
        common.data_keys(&mut centre, output)?;
    }
    let (operator, prefix) = (common.operator.as_deref(), centre.config.card_number_prefix);
    match verb {
        Verb::New { person, kind } => output.show(&instant::begin(&mut centre.store, person, kind, operator)?),
        Verb::Approve { request } => output.show(&instant::approve(&mut centre.store, request, operator, prefix)?),
        Verb::Show { request } => output.show(&centre.store.read(|tx| instant::look(tx, request))?),
        Verb::List => output.show(&centre.store.read(instant::waiting)?),
        Verb::Run { request: number, reader, lot, station, printer, hook_time, wait } => {
            let counter = centre.store.read(|tx| instant::look(tx, number))?;
            if !counter.done.contains(&Step::Written) {
                let batch = counter.batch.ok_or(RequestError::NotBatched { number })?;
                let order = Order::of_one(batch, reader.clone(), wait, (lot, station));
                let exit = make(common, &mut centre, &order, output)?;
                if exit != Exit::Ok {
                    return Ok(exit);
                }
            }
            let limit = Duration::from_secs(hook_time);
            let folder = centre.folder.clone();
            let hook = printer.map(|template| Hook { template, limit, folder: Some(folder) });
            let printed = counter.done.contains(&Step::Printed);
            let mut exit = Exit::Ok;
            if let (Some(hook), false) = (hook, printed) {
                common.data_keys(&mut centre, output)?;
                if let Some(reason) = print::again(&mut centre.store, number, &hook, operator)? {
                    let job = centre.store.read(|tx| tx.request(number))?.and_then(|request| request.job);
                    output.show(&Event { reader: &reader, job, what: What::Unprinted { reason } });
                    exit = Exit::Partly;
                }
            }
            output.show(&centre.store.read(|tx| instant::look(tx, number))?);
            return Ok(exit);
        }
    }
    Ok(Exit::Ok)
}
