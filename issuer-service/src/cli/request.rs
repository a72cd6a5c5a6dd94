//! `issuer request …`.

use clap::Subcommand;

use super::Common;
use crate::error::Error;
use crate::exit::Exit;
use crate::output::Output;
use crate::request::{self, Kind, RequestError, RequestState, Requests};

/// What to do with requests.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Take down what a person asks for: a first card, or another one in place of the present one.
    ///
    /// The present card stays in use until its successor is activated; then it is cancelled and blacklisted.
    New {
        /// Row number of the person.
        #[arg(long, value_name = "ID")]
        person: i64,
        /// What is asked for.
        #[arg(long, value_enum, default_value = "first")]
        kind: Kind,
        /// The person waits at the counter: the card is made on its own, not in a batch with others.
        #[arg(long)]
        instant: bool,
    },
    /// List requests.
    List {
        /// In this state only.
        #[arg(long, value_parser = ["open", "batched", "done", "withdrawn"])]
        state: Option<String>,
        /// Of this person only.
        #[arg(long, value_name = "ID")]
        person: Option<i64>,
        /// After this request.
        #[arg(long, value_name = "NUMBER", default_value_t = 0)]
        after: i64,
        /// At most so many.
        #[arg(long, default_value_t = 100)]
        limit: u32,
    },
    /// Show a request.
    Show {
        /// Number of the request.
        number: i64,
    },
    /// Withdraw a request that is in no batch.
    Withdraw {
        /// Number of the request.
        number: i64,
        /// Why; goes into the audit log.
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
}

pub(super) fn run(common: &Common, verb: Verb, output: &Output) -> Result<Exit, Error> {
    let reason = match &verb {
        Verb::Withdraw { reason, .. } => Some(reason.as_str()),
        _ => None,
    };
    let mut centre = common.centre_told(reason, output)?;
    if matches!(verb, Verb::New { kind: Kind::DataChange, .. }) {
        // What has changed stands in the dossier.
        common.data_keys(&mut centre, output)?;
    }
    let (store, operator) = (&mut centre.store, common.operator.as_deref());
    match verb {
        Verb::New { person, kind, instant } => output.show(&request::make(store, person, kind, instant, operator)?),
        Verb::Withdraw { number, reason } => output.show(&request::withdraw(store, number, &reason, operator)?),
        Verb::Show { number } => {
            let found = store.read(|tx| tx.request(number))?;
            output.show(&found.ok_or(RequestError::NotFound { number })?);
        }
        Verb::List { state, person, after, limit } => {
            let state = state.and_then(|name| RequestState::of_name(&name));
            output.show(&Requests { requests: store.read(|tx| tx.requests(state, person, after, limit))? });
        }
    }
    Ok(Exit::Ok)
}
