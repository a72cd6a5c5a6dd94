//! `issuer states`.

use clap::Args;

use crate::error::{Error, Missing};
use crate::exit::Exit;
use crate::output::{Output, Page};
use crate::state::Tables;

/// Options of the tables of states.
#[derive(Debug, Args)]
pub struct States {
    /// Of this kind of thing only: request, batch, job, card_number, card, psam, ceremony …
    table: Option<String>,
    /// As the page `docs/states.md`.
    #[arg(long, conflicts_with = "table")]
    markdown: bool,
}

pub(super) fn run(options: &States, output: &Output) -> Result<Exit, Error> {
    if options.markdown {
        output.show(&Page(Tables::page()));
        return Ok(Exit::Ok);
    }
    let tables = Tables::of(options.table.as_deref());
    if tables.tables.is_empty() {
        return Err(Missing::StateTable.into());
    }
    output.show(&tables);
    Ok(Exit::Ok)
}
