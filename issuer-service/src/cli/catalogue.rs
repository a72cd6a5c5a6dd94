//! `issuer catalogue …`: drug catalogues for terminals.

use std::path::PathBuf;

use clap::Subcommand;
use settlement::date::BusinessDate;
use settlement::id::CatalogueVersion;
use settlement::limits::CATALOGUE_BYTES_MAX;

use super::Common;
use crate::clearing::catalogue;
use crate::clearing::refusal::ClearingError;
use crate::error::Error;
use crate::exit::Exit;
use crate::operator::Role;
use crate::output::Output;

/// What to do with drug catalogues.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Take a catalogue in (`sscard catalogue import` joins a city's files into one). Terminals get it when another operator publishes it.
    Import {
        /// Catalogue file (CSV), with its version on the first line.
        file: PathBuf,
    },
    /// 目录发布: terminals sell by it from a day on. Not by who took it in.
    Publish {
        /// Version.
        #[arg(value_parser = version)]
        version: CatalogueVersion,
        /// First day.
        #[arg(long, value_name = "YYYY-MM-DD", value_parser = day)]
        from: BusinessDate,
    },
    /// List catalogues, and which is in effect.
    List,
}

fn version(text: &str) -> Result<CatalogueVersion, String> {
    CatalogueVersion::parse(text).map_err(|error| error.to_string())
}

fn day(text: &str) -> Result<BusinessDate, String> {
    BusinessDate::parse(text).map_err(|error| error.to_string())
}

pub(super) fn run(common: &Common, verb: Verb, output: &Output) -> Result<Exit, Error> {
    let operator = common.operator.as_deref();
    match verb {
        Verb::List => output.show(&common.centre()?.store.read(catalogue::list)?),
        Verb::Import { file } => {
            let text = text_of(file)?;
            let taken = common.centre()?.store.act(|tx| -> Result<_, ClearingError> {
                let operator = tx.require(operator, Role::Clearing)?;
                catalogue::import(tx, &text, &operator)
            })?;
            output.show(&taken);
        }
        Verb::Publish { version, from } => {
            let published = common.centre()?.store.act(|tx| -> Result<_, ClearingError> {
                let operator = tx.require(operator, Role::Approve)?;
                catalogue::publish(tx, &version, from, &operator)
            })?;
            output.show(&published);
        }
    }
    Ok(Exit::Ok)
}

fn text_of(path: PathBuf) -> Result<String, ClearingError> {
    let read = std::fs::metadata(&path).and_then(|known| match known.len() > CATALOGUE_BYTES_MAX {
        true => Err(std::io::ErrorKind::FileTooLarge.into()),
        false => std::fs::read_to_string(&path),
    });
    read.map_err(|source| ClearingError::File { path, source })
}
