//! `issuer sync …`.

use std::path::PathBuf;

use clap::{Subcommand, ValueEnum};

use super::Common;
use crate::error::Error;
use crate::exit::Exit;
use crate::output::Output;
use crate::sync::{self, SyncMove, send};

/// What to do with the holder registry of province and ministry. Whatever happens to a card is taken down by itself.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Show how much is pending, for how long, and which files are not answered.
    Status,
    /// List what the registry is told, in order. Its words are shown as stars: they may name somebody.
    List {
        /// In this state only.
        #[arg(long, value_enum)]
        state: Option<Wanted>,
        /// Of this card only.
        #[arg(long, value_name = "NUMBER")]
        card: Option<String>,
        /// At most so many.
        #[arg(long, default_value_t = 100)]
        limit: u32,
        /// The registry's words in full; needs an operator who may capture data, and goes into the audit log with its reason.
        #[arg(long)]
        reveal: bool,
        /// Why.
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
    },
    /// Make a file of what is pending, one entry a card, and put it into DIR/sync/request.
    Export {
        /// At most so many entries.
        #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
        limit: u32,
    },
    /// Take in answers: a file, or those in DIR/sync/response.
    Import {
        /// The file.
        file: Option<PathBuf>,
    },
    /// Put a file that is not answered into the folder once more.
    Resend {
        /// 任务号.
        task: String,
    },
    /// Tell a refused entry again, with what is known now.
    Retry {
        /// Its number in the list.
        sequence: i64,
    },
    /// Give a refused entry up: what comes after it of the same card goes on.
    Drop {
        /// Its number in the list.
        sequence: i64,
        /// Why; no names of people.
        #[arg(long)]
        reason: String,
    },
    /// Take the issue of every card down of which nothing was: once, for cards from before there was this queue.
    Load,
}

/// A state to list.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Wanted {
    /// In no file yet.
    Pending,
    /// Not answered.
    Sent,
    /// The registry has it.
    Accepted,
    /// The registry refused it.
    Refused,
    /// Given up.
    Dropped,
}

impl Wanted {
    const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Sent => "sent",
            Self::Accepted => "accepted",
            Self::Refused => "refused",
            Self::Dropped => "dropped",
        }
    }
}

pub(super) fn run(common: &Common, verb: Verb, output: &Output) -> Result<Exit, Error> {
    let operator = common.operator.as_deref();
    if let Verb::Status = verb {
        output.show(&common.centre()?.store.read(sync::status)?);
        return Ok(Exit::Ok);
    }
    let mut centre = common.registry(output)?;
    if let Verb::List { state, card, limit, reveal, reason } = verb {
        let (store, wanted) = (&mut centre.store, (state.map(Wanted::name), card.as_deref(), limit));
        output.show(&if reveal {
            sync::reveal(store, wanted, reason.as_deref().unwrap_or_default(), operator)?
        } else {
            store.read(|tx| sync::list(tx, wanted))?
        });
        return Ok(Exit::Ok);
    }
    let _lock = centre.lock("sync")?;
    match verb {
        Verb::Export { limit } => {
            let exported = send::export(&mut centre, limit, operator)?;
            output.show(&exported);
            return Ok(if exported.left_out.is_empty() { Exit::Ok } else { Exit::Partly });
        }
        Verb::Import { file } => {
            let intake = send::import(&mut centre, file.as_deref(), operator)?;
            output.show(&intake);
            return Ok(intake.exit());
        }
        Verb::Resend { task } => output.show(&send::resend(&mut centre, &task, operator)?),
        Verb::Retry { sequence } => {
            output.show(&sync::decide(&mut centre.store, sequence, SyncMove::Retry, "", operator)?);
        }
        Verb::Drop { sequence, reason } => {
            output.show(&sync::decide(&mut centre.store, sequence, SyncMove::Drop, &reason, operator)?);
        }
        Verb::Load => output.show(&sync::load(&mut centre.store, operator)?),
        Verb::Status | Verb::List { .. } => {}
    }
    Ok(Exit::Ok)
}
