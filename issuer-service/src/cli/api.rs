//! `issuer api …`.

use clap::Subcommand;

use crate::error::Error;
use crate::exit::Exit;
use crate::http::api::description;
use crate::output::{Output, Page};

/// What to show of the API.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Show the description for programs (OpenAPI 3.1), as `issuer-service/openapi.json` holds it.
    Openapi,
}

pub(super) fn run(verb: &Verb, output: &Output) -> Result<Exit, Error> {
    match verb {
        Verb::Openapi => output.show(&Page(description::text())),
    }
    Ok(Exit::Ok)
}
